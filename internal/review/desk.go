package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/payment"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Config is what a Desk needs.
type Config struct {
	DB        *pg.DB // under the office's role
	Catalogue *qualification.Catalogue
	Enter     Enter
	LookUp    LookUp
}

// Desk is where a body's staff work on cases.
type Desk struct{ Config }

// NewDesk returns a desk.
func NewDesk(c Config) *Desk { return &Desk{c} }

// Officer is a member of staff acting for one body.
type Officer struct {
	Staff account.Staff
	Body  string
}

// may refuses an act that the officer's roles at the body do not permit.
func (o Officer) may(p account.Permission) error {
	if !o.Staff.May(o.Body, p) {
		return fault.New(fault.Forbidden, "", fmt.Sprintf("staff without %s at %s", p, o.Body))
	}
	return nil
}

// Actor names the officer in an audit line.
func (o Officer) Actor(p account.Permission) audit.Actor {
	role, _ := o.Staff.RoleFor(o.Body, p)
	return audit.Actor{Kind: audit.ActorStaff, ID: o.Staff.ID.String(), Role: string(role), Body: o.Body}
}

// inCase runs f, an act, on one case of the officer's body, if the permission allows it: nobody else can move the case
// meanwhile.
func (d *Desk) inCase(ctx context.Context, o Officer, p account.Permission, publicID string, f func(*pg.Tx, *application.Case) error) error {
	return d.in(ctx, o, p, publicID, application.LockCase, f)
}

// look is inCase for an f that only reads.
func (d *Desk) look(ctx context.Context, o Officer, p account.Permission, publicID string, f func(*pg.Tx, *application.Case) error) error {
	return d.in(ctx, o, p, publicID, application.ReadCase, f)
}

type findCase func(ctx context.Context, tx *pg.Tx, registerID, publicID string) (*application.Case, error)

func (d *Desk) in(ctx context.Context, o Officer, p account.Permission, publicID string, find findCase, f func(*pg.Tx, *application.Case) error) error {
	if err := o.may(p); err != nil {
		return Refused(ctx, d.DB, o, p, "", err)
	}
	r, err := application.Locate(d.Catalogue, publicID)
	if err != nil {
		return err
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		c, err := find(ctx, tx, r.ID, publicID)
		if err != nil {
			return err
		}
		return f(tx, c)
	})
	return Refused(ctx, d.DB, o, p, r.ID, err)
}

// Refused returns err and, when it says that the officer may not do what was asked for or that their body has no such thing,
// records that. registerID is the register concerned, "" when none is.
func Refused(ctx context.Context, db *pg.DB, o Officer, p account.Permission, registerID string, err error) error {
	outcome := "not_found"
	switch {
	case errors.Is(err, fault.Forbidden):
		outcome = "forbidden"
	case !errors.Is(err, fault.NotFound):
		return err
	}
	return errors.Join(err, db.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.StaffRefused, Actor: o.Actor(p), Register: registerID, Registrar: o.Body, Outcome: outcome})
	}))
}

// View is everything the case page shows.
type View struct {
	Case        *application.Case
	Definition  *qualification.Definition
	Procedure   *qualification.Procedure // nil for a measure
	Work        *application.WorkItem
	Findings    []Finding
	Verdicts    []Verdict
	Unsettled   []string
	Submissions []application.Submission
	Uploads     []application.Upload
	Inquiries   []application.Inquiry
	Corrections []application.Correction
	Events      []application.Event
	Notes       []Note
	Decisions   []Decision
	HandOvers   []application.HandOver
	Bases       []application.BaseAnswer // of the newest round
	Order       *payment.Order
	Lines       []payment.Line
	Receipts    []application.Receipt // of rounds that came on paper
	Hands       []uuid.UUID           // who has had a hand in entering them: they cannot decide
}

// Note is an internal note.
type Note struct {
	Staff uuid.UUID
	At    time.Time
	Body  string
}

// Decision is a proposal and, once made, the second person's decision on it.
type Decision struct {
	ID              uuid.UUID
	Proposal        string
	Reasons         []string
	Comment         string
	Findings        []Finding
	Reviewer        uuid.UUID
	ProposedAt      time.Time
	Outcome         *string
	Approver        *uuid.UUID
	ApproverComment string
	DecidedAt       *time.Time
}

// Open reads a case for an officer, who states why. The look is recorded and the person will see it.
func (d *Desk) Open(ctx context.Context, o Officer, publicID, purpose string) (*View, error) {
	v, _, err := d.OpenAs(ctx, o, publicID, func(Standing) (string, error) { return purpose, nil })
	return v, err
}

// OpenAs is Open for a purpose that depends on where the case stands. why may refuse; with the purpose "" nothing more is
// read, and nothing recorded.
func (d *Desk) OpenAs(ctx context.Context, o Officer, publicID string, why func(Standing) (purpose string, err error)) (v *View, s Standing, err error) {
	err = d.look(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		if s, err = d.standing(ctx, tx, c); err != nil {
			return err
		}
		purpose, err := why(s)
		if err != nil || purpose == "" {
			return err
		}
		var b pg.Batch
		seen := c.Audited(audit.CaseView, o.Actor(account.CaseView), purpose, "application", "documents", "registry_answers")
		if err := audit.Queue(&b, tx.Now, seen); err != nil {
			return err
		}
		v, err = d.view(tx, c, &b, func() error { return b.SendLast(ctx, tx) })
		return err
	})
	return v, s, err
}

// view adds everything that is read of a case to a batch, which send sends.
func (d *Desk) view(tx *pg.Tx, c *application.Case, b *pg.Batch, send func() error) (v *View, err error) {
	v = &View{Case: c}
	if v.Definition, err = c.Definition(d.Catalogue); err != nil {
		return nil, err
	}
	v.Procedure = v.Definition.Procedure(c.ProcedureID)
	var work []application.WorkItem
	var orders []payment.Order
	application.Papers{Work: &work, Uploads: &v.Uploads, Corrections: &v.Corrections, Submissions: &v.Submissions,
		Inquiries: &v.Inquiries, Events: &v.Events}.Queue(b, c)
	payment.QueueOrder(b, c, &orders, &v.Lines)
	queueVerdicts(b, c, &v.Verdicts)
	queueNotes(b, c, &v.Notes)
	queueDecisions(b, c, &v.Decisions)
	application.QueueHandOvers(b, c, &v.HandOvers)
	application.QueueReceipts(b, c, &v.Receipts)
	application.QueueHands(b, c, &v.Hands)
	var examine func() (Finding, error)
	var passed []bool
	if v.Procedure != nil && !c.Elsewhere() {
		examine = d.LookUp(b, c, v.Procedure)
		queuePasser(b, c, v.Procedure, &passed)
		application.QueueBases(b, c, v.Definition, &v.Bases)
	}
	if err := send(); err != nil {
		return nil, err
	}
	if len(work) > 0 {
		v.Work = &work[0]
	}
	if len(orders) > 0 {
		v.Order = &orders[0]
	}
	switch {
	case v.Procedure == nil:
		return v, nil
	case c.Elsewhere():
		return v, v.examineForwarded(tx.Now)
	}
	return v, v.examine(tx.Now, examine, passed)
}

// examine answers the checks from what was read. passed is empty where the procedure has no list of passers.
func (v *View) examine(now time.Time, entry func() (Finding, error), passed []bool) (err error) {
	f := Facts{Case: v.Case, Procedure: v.Procedure, Submissions: v.Submissions, Inquiries: v.Inquiries, Uploads: v.Uploads, Order: v.Order,
		Bases: v.Bases, On: calendar.Of(now), Receipts: v.Receipts, Lines: v.Lines}
	if f.Entry, err = entry(); err != nil {
		return err
	}
	if f.Needed, err = v.Procedure.EvidenceFor(application.FactsOf(v.Case, now, v.Inquiries)); err != nil {
		return err
	}
	if len(passed) > 0 {
		f.Passer = &passed[0]
	}
	v.Findings = Examine(f)
	v.Unsettled = Unsettled(v.Procedure, v.Findings, informed(v.Procedure, v.Verdicts, v.Events))
	return nil
}

// queuePasser looks the applicant up in the list of passers, where the procedure has one.
func queuePasser(b *pg.Batch, c *application.Case, p *qualification.Procedure, out *[]bool) {
	if p.Passer == nil {
		return
	}
	v := func(particular string) string { return c.Answers.Values[p.Passer.Fields[particular]] }
	who := application.Declared(c)
	pg.ReadBy(b, out, pgx.RowTo[bool], "looking up the list of passers", `
		select exists (select 1 from passer
		 where register_id = $1 and sitting = $2 and place = $3 and number = $4 and name_key = $5 and birth_date = $6)`,
		c.RegisterID, v("passed_on"), v("place"), v("number"), jtext.SearchKey(who.Name.Full()), who.BirthDate)
}

// mayDecide refuses a decision to whom the roles do not permit it, to the reviewer, and to whoever has entered the paper.
func (d *Desk) mayDecide(o Officer, p *Decision, hands []uuid.UUID) error {
	if err := o.may(account.CaseApprove); err != nil {
		return err
	}
	if p.Reviewer == o.Staff.ID {
		return fault.New(fault.Forbidden, "fault.four_eyes", "approving one's own proposal")
	}
	if slices.Contains(hands, o.Staff.ID) {
		return fault.New(fault.Forbidden, "fault.four_eyes_paper", "deciding on a paper that one has entered")
	}
	return nil
}

// hold refuses an act on a case whose active work item the officer does not hold in the step.
func hold(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, step string) error {
	w, err := application.ActiveWork(ctx, tx, c)
	if err != nil {
		return err
	}
	return holds(o, w, step)
}

// holds refuses a work item that the officer does not hold in the step.
func holds(o Officer, w *application.WorkItem, step string) error {
	if w == nil || w.Step != step || w.State != application.WorkTaken || *w.Assignee != o.Staff.ID {
		return fault.New(fault.Conflict, "fault.case_not_yours", "acting on a case that the officer does not hold")
	}
	return nil
}

// SaveVerdicts keeps what the reviewer found. A defect needs a reason of the definition.
func (d *Desk) SaveVerdicts(ctx context.Context, o Officer, publicID string, vs []Verdict) error {
	return d.inCase(ctx, o, account.CaseReview, publicID, func(tx *pg.Tx, c *application.Case) error {
		if err := hold(ctx, tx, o, c, application.StepReview); err != nil {
			return err
		}
		_, p, err := application.Pinned(d.Catalogue, c)
		if err != nil {
			return err
		}
		var b pg.Batch
		for _, v := range vs {
			if err := checkVerdict(p, v); err != nil {
				return err
			}
			b.Exec("saving a verdict", `
				insert into check_verdict (register_id, application_id, round, check_id, verdict, reason_code, note, staff_id, at)
				values ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, $9)
				on conflict on constraint check_verdict_pkey do update
				   set verdict = excluded.verdict, reason_code = excluded.reason_code, note = excluded.note,
				       staff_id = excluded.staff_id, at = excluded.at`,
				c.RegisterID, c.ID, c.Round, v.Check, v.Verdict, v.Reason, jtext.CleanLines(v.Note), o.Staff.ID, tx.Now)
		}
		if err := b.SendLater(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CaseCheck, o.Actor(account.CaseReview), "procedure"))
	})
}

func checkVerdict(p *qualification.Procedure, v Verdict) error {
	if !slices.ContainsFunc(p.Checks, func(c qualification.Check) bool { return c.ID == v.Check }) {
		return fault.New(fault.Invalid, "fault.unknown_check", "a verdict on unknown check "+v.Check)
	}
	switch v.Verdict {
	case "ok", "not_applicable":
		return nil
	case "defect":
		if p.Reason(v.Reason) == nil {
			return fault.New(fault.Invalid, "fault.reason_missing", "a defect without a reason")
		}
		return nil
	}
	return fault.New(fault.Invalid, "fault.unknown_verdict", "unknown verdict")
}

// AddNote writes an internal note (1 to 4000 characters).
func (d *Desk) AddNote(ctx context.Context, o Officer, publicID, body string) error {
	body = strings.TrimSpace(jtext.CleanLines(body))
	if n := len([]rune(body)); n == 0 || n > 4000 {
		return fault.New(fault.Invalid, "fault.note_length", "a note of no or too many characters")
	}
	return d.inCase(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		if _, err := tx.Exec(ctx, `
			insert into case_note (register_id, application_id, id, staff_id, at, body) values ($1, $2, $3, $4, $5, $6)`,
			c.RegisterID, c.ID, pg.NewID(), o.Staff.ID, tx.Now, body); err != nil {
			return fmt.Errorf("writing a note: %w", err)
		}
		return audit.Record(ctx, tx, c.Audited(audit.CaseNote, o.Actor(account.CaseView), "procedure"))
	})
}

func checkProposal(v *View, p Proposal) error {
	switch p.Outcome {
	case "approve":
		if len(v.Unsettled) > 0 {
			return fault.New(fault.Invalid, "fault.unsettled", "proposing an approval with unsettled checks", len(v.Unsettled))
		}
		return nil
	case "reject":
		if v.Procedure == nil {
			return fault.New(fault.Invalid, "fault.unknown_verdict", "rejecting a measure of the office by reasons of a procedure")
		}
		for _, code := range p.Reasons {
			if r := v.Procedure.Reason(code); r == nil || !r.Reject {
				return fault.New(fault.Invalid, "fault.reason_unknown", "rejecting for a reason that the definition does not have")
			}
		}
		if len(p.Reasons) == 0 {
			return fault.New(fault.Invalid, "fault.reason_missing", "rejecting without a reason")
		}
		return nil
	}
	return fault.New(fault.Invalid, "fault.unknown_verdict", "proposing neither approval nor rejection")
}

func insertProposal(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, p Proposal, findings []Finding) error {
	f, err := json.Marshal(findings)
	if err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	reasons := p.Reasons
	if reasons == nil {
		reasons = []string{}
	}
	var b pg.Batch
	b.Exec("writing a proposal", `
		insert into decision (register_id, application_id, id, proposal, reasons, comment, findings, reviewer_id, proposed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.RegisterID, c.ID, pg.NewID(), p.Outcome, reasons, jtext.CleanLines(p.Comment), f, o.Staff.ID, tx.Now)
	return b.SendLater(ctx, tx)
}

// The verbs.
const (
	Agree  Verb = "agree"
	Return Verb = "return"
)

// Measure is a measure that the office proposes on an entry.
type Measure struct {
	Register string
	EntryID  uuid.UUID
	Ref      uuid.UUID
	Kind     string             // suspend | revoke | restore
	Until    calendar.Date      // last day of a suspension, zero when it has no end; it then ends by itself
	Reason   string             // shown to the second person and kept with the entry's history
	Who      person.Particulars // the entry's holder, as the register has them
}

// measureDays is how many business days the second person has; an internal aim, no law gives one.
const measureDays = 3

// OpenDocument returns a document's line for an officer, whose look is recorded with its purpose.
func (d *Desk) OpenDocument(ctx context.Context, o Officer, publicID string, id uuid.UUID, purpose string) (u application.Upload, err error) {
	err = d.look(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		if u, err = application.OneUpload(ctx, tx, c, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.EvidenceView, o.Actor(account.CaseView), purpose, u.EvidenceID))
	})
	return u, err
}
