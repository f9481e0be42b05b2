package application

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// Intake is where staff of a registrar enter applications that came on paper (窓口): the same form, validation, documents and
// frozen content as at the portal. In place of the card stand the person who has seen the paper and what they recorded of it. Whoever
// has a hand in it cannot decide the case.
//
// Nobody is logged in for such a case. It runs under the reference of the entry that it is about, or under one made for it that no
// person has; the entry that it leads to is held by nobody, until its holder links it with their card.
type Intake struct{ desk *Desk }

// NewIntake returns an intake. Its database is used under the office's role.
func NewIntake(c Config) *Intake { return &Intake{NewDesk(c)} }

// Blobs is the store of documents.
func (k *Intake) Blobs() *blob.Store { return k.desk.Blobs }

// Stored is Desk.Stored.
func (k *Intake) Stored(ctx context.Context, ref blob.Ref) error { return k.desk.Stored(ctx, ref) }

// OnPaper is one procedure that a registrar takes on paper.
type OnPaper struct {
	Register   *qualification.Register
	Definition *qualification.Definition
	Procedure  *qualification.Procedure
}

// Taken lists what a registrar takes on paper on a day, by definition and in its order.
func (k *Intake) Taken(body string, day calendar.Date) []OnPaper {
	var out []OnPaper
	cat := k.desk.Catalogue
	for _, d := range cat.List() {
		def, ok := cat.Filing(d.ID, day)
		if !ok {
			continue
		}
		for i := range def.Registers {
			g := &def.Registers[i]
			for j := range def.Procedures {
				if g.Registrar == body && cat.Offered(g.ID, def.Procedures[j].ID, qualification.ChannelCounter, day) {
					out = append(out, OnPaper{g, def, &def.Procedures[j]})
				}
			}
		}
	}
	return out
}

// Find returns one procedure that a registrar takes on paper on a day: fault.NotFound for another registrar's, fault.Invalid for
// what is not taken on paper.
func (k *Intake) Find(body, registerID, procedureID string, day calendar.Date) (OnPaper, error) {
	reg, ok := k.desk.Catalogue.Register(registerID)
	if !ok || reg.Registrar != body {
		return OnPaper{}, fault.New(fault.NotFound, "", "entering a paper at a register of another registrar")
	}
	def, ok := k.desk.Catalogue.Filing(reg.Qualification, day)
	if !ok || def.Procedure(procedureID) == nil {
		return OnPaper{}, fault.New(fault.NotFound, "", "entering a paper for an unknown procedure")
	}
	if !k.desk.Catalogue.Offered(registerID, procedureID, qualification.ChannelCounter, day) {
		return OnPaper{}, fault.New(fault.Invalid, "fault.not_on_paper", "entering a paper for a procedure that is not taken on paper")
	}
	return OnPaper{reg, def, def.Procedure(procedureID)}, nil
}

// may refuses whoever has no part in the intake of the body.
func (k *Intake) may(t Teller) error {
	if !t.Staff.May(t.Body, account.CaseIntake) {
		return fault.New(fault.Forbidden, "", fmt.Sprintf("staff without %s at %s", account.CaseIntake, t.Body))
	}
	return nil
}

// refused returns err and, when the teller may not do what was asked for or their body has no such thing, records that.
func (k *Intake) refused(ctx context.Context, t Teller, registerID string, err error) error {
	outcome := "not_found"
	switch {
	case errors.Is(err, fault.Forbidden):
		outcome = "forbidden"
	case !errors.Is(err, fault.NotFound):
		return err
	}
	return errors.Join(err, k.desk.DB.InBody(ctx, t.Body, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.StaffRefused, Actor: t.actor(), Register: registerID, Registrar: t.Body, Outcome: outcome})
	}))
}

// in runs f on one case of the teller's registrar that came on paper.
func (k *Intake) in(ctx context.Context, t Teller, publicID string, find findCase, f func(*pg.Tx, Applicant, *Case) error) error {
	if err := k.may(t); err != nil {
		return k.refused(ctx, t, "", err)
	}
	r, err := Locate(k.desk.Catalogue, publicID)
	if err != nil {
		return err
	}
	err = k.desk.DB.InBody(ctx, t.Body, func(tx *pg.Tx) error {
		c, err := find(ctx, tx, r.ID, publicID)
		if err == nil && (!c.OnPaper() || c.RegistrarID != t.Body) {
			err = fault.New(fault.NotFound, "", "a case that did not come to this counter on paper")
		}
		if err != nil {
			return err
		}
		return f(tx, Applicant{Card: c.Applicant, teller: &t}, c)
	})
	return k.refused(ctx, t, r.ID, err)
}

// Begin opens a draft for a paper, from the pages of the receipt but the one on its payment. With problems nothing is written. A
// second call with the same key returns the case of the first. Errors: fault.NotFound for another registrar's register, fault.Invalid
// ("fault.not_on_paper", "fault.renewal_…") for what was not taken on paper on the day on which it came in.
func (k *Intake) Begin(ctx context.Context, t Teller, key uuid.UUID, registerID, procedureID string, raw map[string]string) (*Case, []qualification.Problem, error) {
	if err := k.may(t); err != nil {
		return nil, nil, k.refused(ctx, t, "", err)
	}
	now := k.desk.DB.Clock.Now()
	on, err := k.Find(t.Body, registerID, procedureID, calendar.Of(now))
	if err != nil {
		return nil, nil, k.refused(ctx, t, registerID, err)
	}
	r, problems, err := begunBy(t, on.Procedure, raw, now)
	if err != nil || len(problems) > 0 {
		return nil, problems, err
	}
	if on, err = k.Find(t.Body, registerID, procedureID, r.Day()); err != nil { // as things stood when the paper came in
		return nil, nil, err
	}
	var c *Case
	err = k.desk.DB.InBody(ctx, t.Body, func(tx *pg.Tx) error {
		if c, err = LockCaseByID(ctx, tx, on.Register.ID, key); !errors.Is(err, fault.NotFound) {
			return err
		}
		c, problems, err = k.open(ctx, tx, t, key, on, r)
		return err
	})
	return c, problems, err
}

// begunBy reads the receipt with which a draft begins.
func begunBy(t Teller, p *qualification.Procedure, raw map[string]string, now time.Time) (*Receipt, []qualification.Problem, error) {
	form := ReceiptForm(p, 0)
	r := &Receipt{Answers: qualification.Answers{Raw: map[string]string{}, Values: map[string]string{}}, Staff: t.Staff.ID, At: now}
	pages := []string{ReceiptPaper, ReceiptApplicant, ReceiptIdentity}
	for i := range form.Groups {
		for _, f := range form.Groups[i].Fields {
			if slices.Contains(pages, form.Groups[i].ID) {
				takeInputs(r.Answers.Raw, raw, f.ID)
			}
		}
	}
	var problems []qualification.Problem
	var err error
	r.Answers, problems, err = checkReceipt(form, pages, r.Answers, 0, now)
	return r, problems, err
}

// open writes a new draft with its receipt and the prefilled answers.
func (k *Intake) open(ctx context.Context, tx *pg.Tx, t Teller, key uuid.UUID, on OnPaper, r *Receipt) (*Case, []qualification.Problem, error) {
	c := newPaperCase(key, on, r, tx.Now)
	entry, problems, err := k.entryOf(ctx, tx, c, on, r)
	if err != nil || len(problems) > 0 {
		return nil, problems, err
	}
	f := facts(c, tx.Now, nil, nil)
	f.Official = official(c.Applicant, nil, entry)
	for i := range on.Procedure.Groups {
		c.Answers = on.Procedure.Prefill(&on.Procedure.Groups[i], c.Answers, f)
	}
	var b pg.Batch
	if err := insertCase(&b, c); err != nil {
		return nil, nil, err
	}
	c.event(&b, tx, "started", "staff", nil)
	if err := c.keepReceipt(&b, tx, t, r); err != nil {
		return nil, nil, err
	}
	for _, system := range on.Procedure.Inquiries {
		if err := k.desk.queueInquiry(ctx, tx, &b, c, k.desk.switchedOff(c, system)); err != nil {
			return nil, nil, err
		}
	}
	var w rollout.Watch
	w.Queue(&b, c.DefinitionID)
	if err := c.send(ctx, tx, &b, audit.PaperBegin, t.actor()); err != nil {
		return nil, nil, err
	}
	if err := w.MustBeOpen(k.desk.Catalogue, c.RegisterID, c.ProcedureID, c.Channel, r.Day()); err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "entering a paper")
	}
	return c, nil, nil
}

// newPaperCase is a draft under a reference of its own, which no person has.
func newPaperCase(key uuid.UUID, on OnPaper, r *Receipt, now time.Time) *Case {
	expires, received := now.Add(draftLife), r.Day()
	return &Case{
		RegisterID: on.Register.ID, ID: key, PublicID: publicid.New(on.Register.Code), RegistrarID: on.Register.Registrar, BodyID: on.Register.Registrar,
		PersonRef: pg.NewID(), DefinitionID: on.Definition.ID, DefinitionVersion: on.Definition.Version, ProcedureID: on.Procedure.ID,
		Channel: qualification.ChannelCounter, Origin: OriginCounter, Lang: string(qualification.JA), State: Draft, Applicant: r.particulars(),
		Answers:  qualification.Answers{Raw: map[string]string{}, Values: map[string]string{}},
		Revision: 1, CreatedAt: now, UpdatedAt: now, ExpiresAt: &expires, ReceivedOn: &received,
	}
}

// noSuchEntry is said of a number that is not in the register and of one whose entry is of somebody born on another day: nobody
// finds out numbers by trying.
var noSuchEntry = text("登録番号と生年月日を確認してください。合う登録が名簿にありません", "Check the registration number and the date of birth. The register has no such entry in force", "{登録番号|とうろくばんごう}と {生|う}まれた {日|ひ}を もういちど {見|み}てください")

// entryOf ties a draft to the living entry that the paper names, by its number and the date of birth, and to its holder's reference.
func (k *Intake) entryOf(ctx context.Context, tx *pg.Tx, c *Case, on OnPaper, r *Receipt) (*Entry, []qualification.Problem, error) {
	if !NeedsEntry(on.Procedure.Effect) {
		return nil, nil, nil
	}
	found, err := alone(ctx, tx, func(b *pg.Batch, out *[]HeldEntry) {
		k.desk.Held(b, c.RegisterID, r.Answers.Values[fieldEntry], uuid.Nil, out)
	})
	if err != nil {
		return nil, nil, err
	}
	if len(found) == 0 || found[0].Facts["birth_date"] != c.Applicant.BirthDate.String() {
		return nil, []qualification.Problem{{Input: fieldEntry, Field: fieldEntry, Message: noSuchEntry}}, nil
	}
	held := &found[0]
	c.EntryID = &held.ID
	if held.Ref != nil {
		c.PersonRef = *held.Ref
	}
	return &held.Entry, nil, inWindow(on.Definition, on.Procedure, &held.Entry, r.Day())
}

// keepReceipt queues what a teller saw of the round, and that they have had a hand in the case.
func (c *Case) keepReceipt(b *pg.Batch, tx *pg.Tx, t Teller, r *Receipt) error {
	answers, err := json.Marshal(r.Answers)
	if err != nil {
		return fmt.Errorf("writing a receipt: %w", err)
	}
	b.Exec("keeping a receipt", `
		insert into paper_receipt (register_id, application_id, round, answers, staff_id, at) values ($1, $2, $3, $4, $5, $6)
		on conflict on constraint paper_receipt_pkey do update set answers = excluded.answers, staff_id = excluded.staff_id, at = excluded.at`,
		c.RegisterID, c.ID, c.Round, answers, t.Staff.ID, tx.Now)
	c.noteHand(b, tx, t)
	return nil
}

// noteHand queues that a teller has had a hand in entering the case.
func (c *Case) noteHand(b *pg.Batch, tx *pg.Tx, t Teller) {
	b.Exec("noting who enters a paper", `
		insert into paper_hand (register_id, application_id, staff_id, at) values ($1, $2, $3, $4)
		on conflict on constraint paper_hand_pkey do nothing`, c.RegisterID, c.ID, t.Staff.ID, tx.Now)
}

// View reads a case that is being entered. The look is recorded. fault.Conflict when it has been handed in.
func (k *Intake) View(ctx context.Context, t Teller, publicID string) (v *View, err error) {
	err = k.in(ctx, t, publicID, ReadCase, func(tx *pg.Tx, a Applicant, c *Case) error {
		if !c.State.Editable() {
			return fault.New(fault.Conflict, "fault.not_editable", "opening a paper that has been handed in")
		}
		var b pg.Batch
		if err := audit.Queue(&b, tx.Now, c.audited(audit.PaperView, t.actor(), "application", "documents")); err != nil {
			return err
		}
		v, err = k.desk.viewWith(tx, a, c, &b, func() error { return b.SendLast(ctx, tx) })
		return err
	})
	return v, err
}

// Record keeps what was typed on pages of the receipt, valid or not, and returns what is to be put right. In the first round a
// valid page on the applicant or the day changes the draft with it; the entry that a draft is about stays.
func (k *Intake) Record(ctx context.Context, t Teller, publicID string, pages []string, raw map[string]string) (v *View, problems []qualification.Problem, err error) {
	err = k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, a Applicant, c *Case) error {
		if v, err = k.desk.view(ctx, tx, a, c); err != nil {
			return err
		}
		problems, err = k.record(ctx, tx, t, v, pages, raw)
		return err
	})
	return v, problems, err
}

func (k *Intake) record(ctx context.Context, tx *pg.Tx, t Teller, v *View, pages []string, raw map[string]string) ([]qualification.Problem, error) {
	c := v.Case
	if !c.State.Editable() {
		return nil, fault.New(fault.Conflict, "fault.not_editable", "recording a receipt of a closed case")
	}
	due, err := v.Due()
	if err != nil {
		return nil, err
	}
	form := ReceiptForm(v.Procedure, c.Round)
	r := &Receipt{Answers: qualification.Answers{Raw: map[string]string{}, Values: map[string]string{}}}
	if old := v.Receipt(); old != nil {
		r.Answers = qualification.Answers{Raw: maps.Clone(old.Answers.Raw), Values: maps.Clone(old.Answers.Values)}
	}
	for i := range form.Groups {
		for _, f := range form.Groups[i].Fields {
			if slices.Contains(pages, form.Groups[i].ID) && f.ID != fieldEntry {
				takeInputs(r.Answers.Raw, raw, f.ID)
			}
		}
	}
	var problems []qualification.Problem
	if r.Answers, problems, err = checkReceipt(form, pages, r.Answers, due, tx.Now); err != nil {
		return nil, err
	}
	var b pg.Batch
	if err := c.keepReceipt(&b, tx, t, r); err != nil {
		return nil, err
	}
	if c.Round == 0 && len(problems) == 0 {
		day := r.Day()
		c.Applicant, c.ReceivedOn = r.particulars(), &day
		b.ExecOne("changing who applies", `update application set applicant = $3, received_on = $4 where register_id = $1 and id = $2`,
			c.RegisterID, c.ID, c.Applicant, day)
	}
	if err := c.reopen(&b, tx); err != nil {
		return nil, err
	}
	v.Receipts = append(slices.DeleteFunc(v.Receipts, func(old Receipt) bool { return old.Round == c.Round }),
		Receipt{Round: c.Round, Answers: r.Answers, Staff: t.Staff.ID, At: tx.Now})
	return problems, c.send(ctx, tx, &b, audit.PaperSave, t.actor(), pages...)
}

// Save keeps what was typed on a page of the form, like Desk.Save.
func (k *Intake) Save(ctx context.Context, t Teller, publicID, groupID string, raw map[string]string) (v *View, problems []qualification.Problem, err error) {
	err = k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, a Applicant, c *Case) error {
		if v, err = k.desk.view(ctx, tx, a, c); err != nil {
			return err
		}
		if problems, err = k.desk.saveGroup(ctx, tx, a, v, groupID, raw); err != nil {
			return err
		}
		var b pg.Batch
		c.noteHand(&b, tx, t)
		return b.SendLater(ctx, tx)
	})
	return v, problems, err
}

// AddUpload records a scanned document whose content is already in the store.
func (k *Intake) AddUpload(ctx context.Context, t Teller, publicID, evidenceID, name, media string, ref blob.Ref) error {
	return k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, a Applicant, c *Case) error {
		return k.desk.addUpload(ctx, tx, a, c, evidenceID, name, media, ref)
	})
}

// RemoveUpload takes a document of the current round out of the case.
func (k *Intake) RemoveUpload(ctx context.Context, t Teller, publicID string, id uuid.UUID) error {
	return k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, a Applicant, c *Case) error {
		return k.desk.removeUpload(ctx, tx, a, c, id)
	})
}

// OpenUpload returns a document's line, for its content to be streamed from the store. The look is recorded.
func (k *Intake) OpenUpload(ctx context.Context, t Teller, publicID string, id uuid.UUID) (u Upload, err error) {
	err = k.in(ctx, t, publicID, ReadCase, func(tx *pg.Tx, _ Applicant, c *Case) error {
		if u, err = OneUpload(ctx, tx, c, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.audited(audit.EvidenceView, t.actor(), u.EvidenceID))
	})
	return u, err
}

// Prepare validates the whole case with its receipt and freezes its content, like Desk.PrepareSigning.
func (k *Intake) Prepare(ctx context.Context, t Teller, publicID string) (problems []qualification.Problem, err error) {
	err = k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, a Applicant, c *Case) error {
		problems, err = k.desk.prepare(ctx, tx, a, c)
		return err
	})
	return problems, err
}

// HandIn hands in the frozen content that the check page has shown, and with a first round begins the registrar's work on the case.
// It is idempotent. fault.Conflict ("fault.content_changed") when the content was changed since.
func (k *Intake) HandIn(ctx context.Context, t Teller, publicID string, request uuid.UUID) (c *Case, err error) {
	err = k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, a Applicant, found *Case) error {
		c = found
		who := Declared(c)
		signer := Signer{Name: who.Name.Full(), BirthDate: who.BirthDate, Sex: string(who.Sex), Address: who.Address}
		var b pg.Batch
		c.noteHand(&b, tx, t)
		if err := b.SendLater(ctx, tx); err != nil {
			return err
		}
		return k.desk.submit(ctx, tx, a, c, request, Signed{Signer: signer, CMS: []byte{}}, nil)
	})
	if !errors.Is(err, errFees) {
		return c, err
	}
	return c, errors.Join(err, k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, _ Applicant, c *Case) error {
		var b pg.Batch
		if err := c.reopen(&b, tx); err != nil {
			return err
		}
		return b.Send(ctx, tx.Tx)
	}))
}

// Withdraw ends a draft that is given up, or a case whose applicant has taken it back on paper.
func (k *Intake) Withdraw(ctx context.Context, t Teller, publicID string) error {
	return k.in(ctx, t, publicID, LockCase, func(tx *pg.Tx, a Applicant, c *Case) error { return k.desk.withdraw(ctx, tx, a, c) })
}

// Standing is where a case that came on paper stands, without anything about its applicant.
func (k *Intake) Standing(ctx context.Context, t Teller, publicID string) (state State, err error) {
	err = k.in(ctx, t, publicID, ReadCase, func(_ *pg.Tx, _ Applicant, c *Case) error {
		if !c.State.Withdrawable() {
			return fault.New(fault.Conflict, "fault.not_withdrawable", "withdrawing a decided case")
		}
		state = c.State
		return nil
	})
	return state, err
}

// unfinished bounds the list of what is being entered.
const unfinished = 100

// Unfinished lists what the counter is entering, and what waits for a correction on paper, the newest first. The list names people, so
// showing it is recorded.
func (k *Intake) Unfinished(ctx context.Context, t Teller) (out []Summary, err error) {
	if err := k.may(t); err != nil {
		return nil, k.refused(ctx, t, "", err)
	}
	err = k.desk.DB.InBody(ctx, t.Body, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select `+caseColumns+` from application
			 where registrar_id = $1 and origin = 'counter' and state in ('draft', 'signing', 'correction_requested', 'correction_signing')
			 order by id desc limit $2`, t.Body, unfinished)
		if err != nil {
			return fmt.Errorf("reading what is being entered: %w", err)
		}
		cases, err := pgx.CollectRows(rows, scanCase)
		if err != nil {
			return fmt.Errorf("reading what is being entered: %w", err)
		}
		listed := audit.Event{Act: audit.CaseList, Actor: t.actor(), Purpose: "inbox", Registrar: t.Body}
		for _, c := range cases {
			out = append(out, Summary{Case: *c})
			listed.Subjects, listed.Items = append(listed.Subjects, c.PersonRef), []string{"name"}
		}
		return audit.Record(ctx, tx, listed)
	})
	return out, err
}

// answeredOn is the day on which a correction was answered: the one on which its paper came in, or today.
func (c *Case) answeredOn(ctx context.Context, tx *pg.Tx) (calendar.Date, error) {
	if !c.OnPaper() {
		return calendar.Of(tx.Now), nil
	}
	receipts, err := alone(ctx, tx, func(b *pg.Batch, out *[]Receipt) { QueueReceipts(b, c, out) })
	if err != nil || len(receipts) == 0 {
		return calendar.Of(tx.Now), err
	}
	return receipts[len(receipts)-1].Day(), nil
}
