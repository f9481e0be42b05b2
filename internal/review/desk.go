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
	"akashi/internal/publicid"
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
		return err
	}
	r, err := application.Locate(d.Catalogue, publicID)
	if err != nil {
		return err
	}
	there := false
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		c, err := find(ctx, tx, r.ID, publicID)
		if err != nil {
			return err
		}
		there = true
		return f(tx, c)
	})
	if there || !errors.Is(err, fault.NotFound) {
		return err
	}
	return errors.Join(err, d.refused(ctx, o, p, r))
}

// refused records that an officer asked for a case that their body does not hold.
func (d *Desk) refused(ctx context.Context, o Officer, p account.Permission, r *qualification.Register) error {
	return d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.StaffRefused, Actor: o.Actor(p), Register: r.ID, Outcome: "not_found"})
	})
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
	Order       *payment.Order
	Lines       []payment.Line
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
func (d *Desk) Open(ctx context.Context, o Officer, publicID, purpose string) (v *View, err error) {
	err = d.look(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		var b pg.Batch
		seen := c.Audited(audit.CaseView, o.Actor(account.CaseView), purpose, "application", "documents", "registry_answers")
		if err := audit.Queue(&b, tx.Now, seen); err != nil {
			return err
		}
		v, err = d.view(ctx, tx, c, &b)
		return err
	})
	return v, err
}

// view reads everything about a case in one round trip, together with the statements that the caller has gathered.
func (d *Desk) view(ctx context.Context, tx *pg.Tx, c *application.Case, b *pg.Batch) (v *View, err error) {
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
	var examine func() (Finding, error)
	var passed []bool
	if v.Procedure != nil {
		examine = d.LookUp(b, c, v.Procedure)
		queuePasser(b, c, v.Procedure, &passed)
	}
	if err := b.Send(ctx, tx.Tx); err != nil {
		return nil, err
	}
	if len(work) > 0 {
		v.Work = &work[0]
	}
	if len(orders) > 0 {
		v.Order = &orders[0]
	}
	if v.Procedure == nil {
		return v, nil
	}
	return v, v.examine(tx.Now, examine, passed)
}

// examine answers the checks from what was read. passed is empty where the procedure has no list of passers.
func (v *View) examine(now time.Time, entry func() (Finding, error), passed []bool) (err error) {
	f := Facts{Case: v.Case, Procedure: v.Procedure, Submissions: v.Submissions, Inquiries: v.Inquiries, Uploads: v.Uploads, Order: v.Order}
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
	v.Unsettled = Unsettled(v.Procedure, v.Findings, v.Verdicts)
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

// Take gives the officer an open case; TakeNext the most urgent one of a step.
func (d *Desk) Take(ctx context.Context, o Officer, publicID string) error {
	return d.inCase(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		w, err := application.ActiveWork(ctx, tx, c)
		if err != nil {
			return err
		}
		if w == nil {
			return fault.New(fault.Conflict, "fault.case_not_open", "taking a case without an active work item")
		}
		if err := d.mayHold(ctx, tx, o, c, w.Step); err != nil {
			return err
		}
		if err := application.Take(ctx, tx, c, o.Staff.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CaseClaim, o.Actor(account.CaseView), "procedure"))
	})
}

// permissionFor is what holding a step needs.
func permissionFor(step string) account.Permission {
	if step == application.StepApproval {
		return account.CaseApprove
	}
	return account.CaseReview
}

// mayHold refuses a step to whom the roles do not permit it, and the approval to the reviewer.
func (d *Desk) mayHold(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, step string) error {
	if err := o.may(permissionFor(step)); err != nil {
		return err
	}
	if step != application.StepApproval {
		return nil
	}
	p, err := openProposal(ctx, tx, c)
	if err != nil {
		return err
	}
	if p.Reviewer == o.Staff.ID {
		return fault.New(fault.Forbidden, "fault.four_eyes", "approving one's own proposal")
	}
	return nil
}

// TakeNext takes the case with the nearest deadline that nobody holds, and returns its public id. fault.NotFound when
// the inbox is empty. Two officers never get the same one.
func (d *Desk) TakeNext(ctx context.Context, o Officer, step string) (publicID string, err error) {
	if err := o.may(permissionFor(step)); err != nil {
		return "", err
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		var register string
		var id uuid.UUID
		err := tx.QueryRow(ctx, `
			select w.register_id, w.application_id from work_item w
			 where w.body_id = $1 and w.state = 'open' and w.step = $2
			   and not exists (select 1 from decision k where k.register_id = w.register_id and k.application_id = w.application_id
			     and k.outcome is null and k.reviewer_id = $3)
			 order by w.due, w.opened_at limit 1 for update of w skip locked`, o.Body, step, o.Staff.ID).Scan(&register, &id)
		if err == pgx.ErrNoRows {
			return fault.New(fault.NotFound, "fault.inbox_empty", "taking the next case of an empty inbox")
		}
		if err != nil {
			return fmt.Errorf("finding the next case: %w", err)
		}
		c, err := application.LockCaseByID(ctx, tx, register, id)
		if err != nil {
			return err
		}
		publicID = c.PublicID
		if err := application.Take(ctx, tx, c, o.Staff.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CaseClaim, o.Actor(account.CaseView), "procedure"))
	})
	return publicID, err
}

// Release gives a case back to the others.
func (d *Desk) Release(ctx context.Context, o Officer, publicID string) error {
	return d.inCase(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		if err := application.Release(ctx, tx, c, o.Staff.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CaseRelease, o.Actor(account.CaseView), "procedure"))
	})
}

// Free takes a case from whoever holds it, for the others: a second person's act, so that no case is stuck with somebody
// who is away.
func (d *Desk) Free(ctx context.Context, o Officer, publicID string) error {
	return d.inCase(ctx, o, account.CaseApprove, publicID, func(tx *pg.Tx, c *application.Case) error {
		if err := application.Free(ctx, tx, c); err != nil {
			return err
		}
		e := c.Audited(audit.CaseRelease, o.Actor(account.CaseApprove), "procedure")
		e.Outcome = "by_another"
		return audit.Record(ctx, tx, e)
	})
}

// hold refuses an act on a case whose active work item the officer does not hold in the step.
func hold(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, step string) error {
	w, err := application.ActiveWork(ctx, tx, c)
	if err != nil {
		return err
	}
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
		if err := b.Send(ctx, tx.Tx); err != nil {
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

// RequestCorrection sends the case back to its applicant with an itemised request.
func (d *Desk) RequestCorrection(ctx context.Context, o Officer, publicID string, items []application.CorrectionItem, due calendar.Date) error {
	return d.inCase(ctx, o, account.CaseReview, publicID, func(tx *pg.Tx, c *application.Case) error {
		if err := hold(ctx, tx, o, c, application.StepReview); err != nil {
			return err
		}
		order := application.CorrectionOrder{Origin: "staff", Staff: &o.Staff.ID, Items: items, Due: due}
		if err := application.RequestCorrection(ctx, tx, d.Catalogue, c, order); err != nil {
			return err
		}
		names := make([]string, len(items))
		for i, it := range items {
			names[i] = it.Item
		}
		return audit.Record(ctx, tx, c.Audited(audit.CaseRequestCorrection, o.Actor(account.CaseReview), "procedure", names...))
	})
}

// Proposal is what a reviewer proposes.
type Proposal struct {
	Outcome string   // approve | reject
	Reasons []string // codes, at least one for a rejection
	Comment string   // to the second person
}

// Propose hands the case to a second person. An approval cannot be proposed while a required check is unsettled; a
// rejection needs a reason that the definition allows for one.
func (d *Desk) Propose(ctx context.Context, o Officer, publicID string, p Proposal) error {
	return d.inCase(ctx, o, account.CaseReview, publicID, func(tx *pg.Tx, c *application.Case) error {
		if err := hold(ctx, tx, o, c, application.StepReview); err != nil {
			return err
		}
		v, err := d.view(ctx, tx, c, &pg.Batch{})
		if err != nil {
			return err
		}
		if err := checkProposal(v, p); err != nil {
			return err
		}
		if err := insertProposal(ctx, tx, o, c, p, v.Findings); err != nil {
			return err
		}
		if err := application.Propose(ctx, tx, c, o.Staff.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CasePropose, o.Actor(account.CaseReview), "procedure"))
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
	_, err = tx.Exec(ctx, `
		insert into decision (register_id, application_id, id, proposal, reasons, comment, findings, reviewer_id, proposed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.RegisterID, c.ID, pg.NewID(), p.Outcome, reasons, jtext.CleanLines(p.Comment), f, o.Staff.ID, tx.Now)
	if err != nil {
		return fmt.Errorf("writing a proposal: %w", err)
	}
	return nil
}

// Verb is what the second person does with a proposal.
type Verb string

// The verbs.
const (
	Agree  Verb = "agree"
	Return Verb = "return"
)

// Decide is the second person's act. Agreeing to an approval changes the register in the same transaction; returning
// sends the case back to its reviewer with a comment, or ends it when the office itself had opened it. The reviewer cannot decide (fault.Forbidden, and the database
// refuses it too).
func (d *Desk) Decide(ctx context.Context, o Officer, publicID string, verb Verb, comment string) error {
	if err := o.may(account.CaseApprove); err != nil {
		return err
	}
	r, err := application.Locate(d.Catalogue, publicID)
	if err != nil {
		return err
	}
	if r.Registrar != o.Body {
		return errors.Join(fault.New(fault.NotFound, "", "deciding a case of another registrar"), d.refused(ctx, o, account.CaseApprove, r))
	}
	return d.DB.InRegistrar(ctx, r.Registrar, func(tx *pg.Tx) error {
		c, err := application.LockCase(ctx, tx, r.ID, publicID)
		if err != nil {
			return err
		}
		return d.decide(ctx, tx, o, c, verb, comment)
	})
}

func (d *Desk) decide(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, verb Verb, comment string) error {
	if err := d.mayHold(ctx, tx, o, c, application.StepApproval); err != nil {
		return err
	}
	if err := hold(ctx, tx, o, c, application.StepApproval); err != nil {
		return err
	}
	p, err := openProposal(ctx, tx, c)
	if err != nil {
		return err
	}
	outcome, act := "returned", audit.CaseReturn
	switch {
	case verb == Agree && p.Proposal == "approve":
		outcome, act = "approved", audit.CaseApprove
	case verb == Agree:
		outcome, act = "rejected", audit.CaseReject
	case verb != Return:
		return fault.New(fault.Invalid, "fault.unknown_verdict", "neither agreeing nor returning")
	case strings.TrimSpace(comment) == "":
		return fault.New(fault.Invalid, "fault.comment_missing", "returning without saying why")
	}
	var b pg.Batch
	b.ExecOne("deciding", `
		update decision set outcome = $4, approver_id = $5, approver_comment = $6, decided_at = $7
		 where register_id = $1 and application_id = $2 and id = $3 and outcome is null`,
		c.RegisterID, c.ID, p.ID, outcome, o.Staff.ID, jtext.CleanLines(comment), tx.Now)
	if err := b.Send(ctx, tx.Tx); err != nil {
		return err
	}
	if err := d.follow(ctx, tx, o, c, p, outcome); err != nil {
		return err
	}
	return audit.Record(ctx, tx, c.Audited(act, o.Actor(account.CaseApprove), "procedure"))
}

// follow does what a decision entails: the case moves, and an approval enters the register.
func (d *Desk) follow(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, p *Decision, outcome string) error {
	if outcome == "returned" && c.ProcedureID == MeasureProcedure {
		return application.Drop(ctx, tx, c, o.Staff.ID)
	}
	if outcome == "returned" {
		return application.SendBack(ctx, tx, c, o.Staff.ID, p.Reviewer)
	}
	if err := application.Decide(ctx, tx, c, o.Staff.ID, outcome == "approved"); err != nil || outcome == "rejected" {
		return err
	}
	def, err := c.Definition(d.Catalogue)
	if err != nil {
		return err
	}
	return d.Enter(ctx, tx, Decided{Case: c, Definition: def, Procedure: def.Procedure(c.ProcedureID), DecisionID: p.ID, On: calendar.Of(tx.Now)})
}

// Measure is a measure that the office proposes on an entry.
type Measure struct {
	Register string
	EntryID  uuid.UUID
	Ref      uuid.UUID
	Kind     string             // suspend | revoke | restore
	Reason   string             // shown to the second person and kept with the entry's history
	Who      person.Particulars // the entry's holder, as the register has them
}

// measureDays is how many business days the second person has; an internal aim, no law gives one.
const measureDays = 3

// ProposeMeasure opens a case on an entry, for a second person to decide: the register changes by a decision only.
func (d *Desk) ProposeMeasure(ctx context.Context, o Officer, m Measure) (publicID string, err error) {
	need := account.RegisterRevoke
	if m.Kind != MeasureRevoke {
		need = account.RegisterSuspend
	}
	if err := o.may(need); err != nil {
		return "", err
	}
	reg, ok := d.Catalogue.Register(m.Register)
	if !ok || reg.Registrar != o.Body {
		return "", fault.New(fault.NotFound, "", "a measure on an entry of another registrar")
	}
	if !slices.Contains([]string{MeasureSuspend, MeasureRevoke, MeasureRestore}, m.Kind) {
		return "", fault.New(fault.Invalid, "fault.unknown_verdict", "unknown measure")
	}
	if strings.TrimSpace(m.Reason) == "" {
		return "", fault.New(fault.Invalid, "fault.reason_missing", "a measure without a reason")
	}
	def, ok := d.Catalogue.Definition(reg.Qualification)
	if !ok {
		return "", fmt.Errorf("register %s is of an unknown qualification", reg.ID)
	}
	c := &application.Case{RegisterID: reg.ID, ID: pg.NewID(), PublicID: publicid.New(reg.Code), RegistrarID: reg.Registrar, BodyID: o.Body,
		PersonRef: m.Ref, Applicant: m.Who, DefinitionID: def.ID, DefinitionVersion: def.Version, ProcedureID: MeasureProcedure, Channel: "counter", Lang: "ja",
		EntryID: &m.EntryID, Answers: qualification.Answers{Raw: map[string]string{}, Values: map[string]string{"measure": m.Kind, "reason": jtext.CleanLines(m.Reason)}}}
	err = d.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		if err := application.OpenByOffice(ctx, tx, c, calendar.AddBusinessDays(calendar.Of(tx.Now), measureDays)); err != nil {
			return err
		}
		if err := insertProposal(ctx, tx, o, c, Proposal{Outcome: "approve", Comment: m.Reason}, nil); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CasePropose, o.Actor(need), "measure"))
	})
	return c.PublicID, err
}

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
