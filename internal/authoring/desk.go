package authoring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// Desk is where authors load versions and second persons decide on them. DB is used under the office's role; Files are those
// that the program carries, which are the definitions of Carried.
type Desk struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	Files     map[string][]byte
	Carried   map[string]*qualification.Definition
}

// Examination is what is known of a text: what is wrong with it, and what it means.
type Examination struct {
	Definition *qualification.Definition // nil when it cannot be understood
	Findings   qualification.Findings
	Old        *qualification.Definition // the version that holds until then, nil for a new qualification
	Comparison *qualification.Comparison // with Old
}

// Refused lists why the version cannot be proposed: findings of the linter, and what it would break.
func (e Examination) Refused() qualification.Findings {
	if e.Comparison == nil {
		return e.Findings
	}
	return slices.Concat(e.Findings, e.Comparison.Refused)
}

// may refuses whoever has no role for definitions.
func (d *Desk) may(ctx context.Context, o Officer, permissions ...account.Permission) error {
	if slices.ContainsFunc(permissions, func(p account.Permission) bool { return o.Staff.May(o.Body, p) }) {
		return nil
	}
	return errors.Join(fault.New(fault.Forbidden, "", "working on definitions without a role for it"), d.refused(ctx, o))
}

// refused records that somebody asked for what is not theirs.
func (d *Desk) refused(ctx context.Context, o Officer) error {
	return d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.StaffRefused, Registrar: o.Body, Outcome: "authoring",
			Actor: audit.Actor{Kind: audit.ActorStaff, ID: o.Staff.ID.String(), Body: o.Body}})
	})
}

// Load keeps a text as its author's draft, whatever is wrong with it, and returns its id. fault.Invalid when it is no text or
// too large, fault.Forbidden when it is about a qualification of another ministry.
func (d *Desk) Load(ctx context.Context, o Officer, source []byte) (uuid.UUID, error) {
	if err := d.may(ctx, o, account.DefinitionWrite); err != nil {
		return uuid.Nil, err
	}
	switch {
	case len(strings.TrimSpace(string(source))) == 0:
		return uuid.Nil, fault.New(fault.Invalid, "authoring.fault.empty", "loading an empty text")
	case len(source) > maxSource:
		return uuid.Nil, fault.New(fault.Invalid, "authoring.fault.large", "loading a text of too many bytes")
	case !utf8.Valid(source) || strings.ContainsRune(string(source), 0):
		return uuid.Nil, fault.New(fault.Invalid, "authoring.fault.not_text", "loading what is no UTF-8")
	}
	t := Text{ID: pg.NewID(), Source: source, State: Draft, Author: o.Staff.ID, Body: o.Body}
	def, _, err := d.read(source)
	if err != nil {
		return uuid.Nil, err
	}
	if def != nil {
		t.Qualification, t.Version, t.ValidFrom = def.ID, def.Version, def.ValidFrom
		if !d.inCharge(def, o.Body) {
			return uuid.Nil, errors.Join(fault.New(fault.Forbidden, "authoring.fault.not_yours", "loading a definition of another ministry"), d.refused(ctx, o))
		}
	}
	return t.ID, d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		t.CreatedAt = tx.Now
		var b pg.Batch
		t.insert(&b)
		if err := audit.Queue(&b, tx.Now, t.event(audit.DefinitionLoad, o, account.DefinitionWrite)); err != nil {
			return err
		}
		return b.Send(ctx, tx)
	})
}

// inCharge tells whether a body decides about the qualification of a definition: of one that is there, by what holds.
func (d *Desk) inCharge(def *qualification.Definition, body string) bool {
	if there, ok := d.Catalogue.Definition(def.ID); ok {
		def = there
	}
	return rollout.InCharge(d.Catalogue, def, body)
}

// read reads a text as the file of its id among those that the program carries.
func (d *Desk) read(source []byte) (*qualification.Definition, qualification.Findings, error) {
	name, err := qualification.FileName(source)
	if err != nil {
		return nil, qualification.Findings{qualification.FindingOf("", err)}, nil
	}
	files := maps.Clone(d.Files)
	files[name] = source
	return qualification.ReadOne(files, name)
}

// examine looks at a text beside the approved ones: by itself, against the version that it follows, and, when that is in
// order, as a part of the whole set from its day on.
func (d *Desk) examine(t *Text, others []Text) (e Examination, err error) {
	if e.Definition, e.Findings, err = d.read(t.Source); err != nil || e.Definition == nil {
		return e, err
	}
	def := e.Definition
	e.Findings = append(e.Findings, d.Catalogue.Clashes(def, t.place())...)
	if old, ok := d.Catalogue.At(def.ID, def.ValidFrom); ok && old.Version != def.Version {
		e.Old = old
	} else if old, ok := d.Catalogue.Definition(def.ID); ok {
		e.Old = old
	}
	if e.Old != nil {
		if e.Comparison, err = qualification.Compare(e.Old, def); err != nil {
			return e, err
		}
	}
	if known, ok := d.Catalogue.Version(def.ID, def.Version); ok && t.State != Approved && (e.Old == nil || e.Old.Version != known.Version) {
		e.Findings = append(e.Findings, qualification.Finding{File: t.place(), Path: "version", Said: qualification.Say("set-version-exists", def.Version)})
	}
	if len(e.Refused()) > 0 || t.State != Draft && t.State != Proposed {
		return e, nil
	}
	_, err = qualification.LoadFiles(over(d.Files, append(slices.Clone(others), *t), d.Carried, def.ValidFrom))
	var found qualification.Findings
	if errors.As(err, &found) {
		e.Findings, err = found, nil
	}
	return e, err
}

// Open returns a text that the officer may see, with what is known of it.
func (d *Desk) Open(ctx context.Context, o Officer, id uuid.UUID) (*Text, Examination, error) {
	if err := d.may(ctx, o, account.DefinitionWrite, account.DefinitionDecide); err != nil {
		return nil, Examination{}, err
	}
	var t *Text
	var others []Text
	err := d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) (err error) {
		if t, err = readText(ctx, tx, id, false); err != nil {
			return err
		}
		others, err = approved(ctx, tx)
		return err
	})
	if errors.Is(err, fault.NotFound) || err == nil && !d.mine(o, t) {
		return nil, Examination{}, errors.Join(fault.New(fault.NotFound, "", "looking at a text of another ministry"), d.refused(ctx, o))
	}
	if err != nil {
		return nil, Examination{}, err
	}
	e, err := d.examine(t, others)
	return t, e, err
}

// mine tells whether a text is the officer's affair: one's own draft, or a version of a qualification that the body is in
// charge of.
func (d *Desk) mine(o Officer, t *Text) bool {
	if t.State == Draft {
		return t.Author == o.Staff.ID && t.Body == o.Body
	}
	def, ok := d.Catalogue.Definition(t.Qualification)
	if !ok {
		return t.Body == o.Body || o.Body == rollout.Operator
	}
	return rollout.InCharge(d.Catalogue, def, o.Body)
}

// List returns the texts that the officer may see, the latest first.
func (d *Desk) List(ctx context.Context, o Officer) (texts []Text, err error) {
	if err := d.may(ctx, o, account.DefinitionWrite, account.DefinitionDecide); err != nil {
		return nil, err
	}
	err = d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		texts, err = readTexts(ctx, tx, `where state <> 'draft' or author = $1 order by created_at desc, id desc limit 500`, o.Staff.ID)
		return err
	})
	return slices.DeleteFunc(texts, func(t Text) bool { return !d.mine(o, &t) }), err
}

// Propose hands an own draft to a second person. Everything must be in order (fault.Invalid), and the day lie ahead.
func (d *Desk) Propose(ctx context.Context, o Officer, id uuid.UUID, reason string) error {
	t, e, err := d.Open(ctx, o, id)
	if err != nil {
		return err
	}
	if reason = strings.TrimSpace(reason); reason == "" || utf8.RuneCountInString(reason) > maxReason {
		return fault.New(fault.Invalid, "authoring.fault.reason", "proposing a version without a reason, or with too long a one")
	}
	if err := d.may(ctx, o, account.DefinitionWrite); err != nil {
		return err
	}
	if t.Author != o.Staff.ID {
		return errors.Join(fault.New(fault.Forbidden, "", "proposing a text of somebody else"), d.refused(ctx, o))
	}
	if err := d.ready(t, e); err != nil {
		return err
	}
	err = d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		t, err := readText(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if !May(t.State, Proposed) {
			return fault.New(fault.Conflict, "authoring.fault.decided", "proposing what is no draft any more")
		}
		var b pg.Batch
		t.propose(&b, reason)
		if err := audit.Queue(&b, tx.Now, t.event(audit.DefinitionPropose, o, account.DefinitionWrite)); err != nil {
			return err
		}
		return b.Send(ctx, tx.Tx)
	})
	if pg.Violates(err, "authored_version_once") {
		return fault.New(fault.Invalid, "authoring.fault.version_taken", "proposing a version that another text has")
	}
	return err
}

// ready refuses a version that is not in order, or whose day has come.
func (d *Desk) ready(t *Text, e Examination) error {
	switch today := calendar.Of(d.DB.Clock.Now()); {
	case e.Definition == nil || len(e.Refused()) > 0:
		return fault.New(fault.Invalid, "authoring.fault.findings", fmt.Sprintf("a version with %d findings", len(e.Refused())))
	case !e.Definition.ValidFrom.After(today):
		return fault.New(fault.Invalid, "authoring.fault.date_past", "a version whose day has come already")
	case e.Definition.ID != t.Qualification || e.Definition.Version != t.Version || e.Definition.ValidFrom != t.ValidFrom:
		return fault.New(fault.Internal, "", "a text that is read otherwise than when it was loaded")
	}
	return nil
}

// Decide approves or refuses a proposal as the second person; a refusal needs a reason. What was in order when it was
// proposed is looked at once more, beside what was approved since.
func (d *Desk) Decide(ctx context.Context, o Officer, id uuid.UUID, agree bool, reason string) error {
	to, act := Refused, audit.DefinitionRefuse
	if agree {
		to, act = Approved, audit.DefinitionApprove
	}
	return d.decide(ctx, o, id, to, act, reason)
}

// Recall calls an approved version back before its day, with a reason.
func (d *Desk) Recall(ctx context.Context, o Officer, id uuid.UUID, reason string) error {
	return d.decide(ctx, o, id, Recalled, audit.DefinitionRecall, reason)
}

func (d *Desk) decide(ctx context.Context, o Officer, id uuid.UUID, to State, act audit.Act, reason string) error {
	if err := d.may(ctx, o, account.DefinitionDecide); err != nil {
		return err
	}
	t, _, err := d.Open(ctx, o, id)
	if err != nil {
		return err
	}
	if t.Author == o.Staff.ID {
		return errors.Join(fault.New(fault.Forbidden, "authoring.fault.second_person", "deciding on one's own version"), d.refused(ctx, o))
	}
	if reason = strings.TrimSpace(reason); utf8.RuneCountInString(reason) > maxReason || (to != Approved && reason == "") {
		return fault.New(fault.Invalid, "authoring.fault.reason", "deciding on a version without a reason, or with too long a one")
	}
	return d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		if err := oneAtATime(ctx, tx); err != nil {
			return err
		}
		t, err := readText(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if !May(t.State, to) {
			return fault.New(fault.Conflict, "authoring.fault.decided", "deciding on a version that was decided already")
		}
		var b pg.Batch
		switch to {
		case Approved:
			others, err := approved(ctx, tx)
			if err != nil {
				return err
			}
			e, err := d.examine(t, others)
			if err != nil {
				return err
			}
			if err := d.ready(t, e); err != nil {
				return err
			}
		case Recalled:
			if !t.ValidFrom.After(calendar.Of(tx.Now)) {
				return fault.New(fault.Invalid, "authoring.fault.holds", "calling a version back that holds already")
			}
			count(&b)
		}
		t.move(&b, tx, to, o, reason)
		if err := audit.Queue(&b, tx.Now, t.event(act, o, account.DefinitionDecide)); err != nil {
			return err
		}
		return b.Send(ctx, tx.Tx)
	})
}

// Withdraw takes one's own draft or proposal back.
func (d *Desk) Withdraw(ctx context.Context, o Officer, id uuid.UUID) error {
	t, _, err := d.Open(ctx, o, id)
	if err != nil {
		return err
	}
	if t.Author != o.Staff.ID || t.Body != o.Body {
		return errors.Join(fault.New(fault.Forbidden, "", "withdrawing a version of somebody else"), d.refused(ctx, o))
	}
	return d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		t, err := readText(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if !May(t.State, Withdrawn) {
			return fault.New(fault.Conflict, "authoring.fault.decided", "withdrawing a version that was decided already")
		}
		var b pg.Batch
		t.move(&b, tx, Withdrawn, o, "")
		if err := audit.Queue(&b, tx.Now, t.event(audit.DefinitionWithdraw, o, account.DefinitionWrite)); err != nil {
			return err
		}
		return b.Send(ctx, tx.Tx)
	})
}
