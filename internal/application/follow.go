package application

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Ended is told in the same transaction that a case was withdrawn, so that the payment stage can give money back. cmd
// passes in payment.Cashier.Withdrawn.
type Ended func(ctx context.Context, tx *pg.Tx, c *Case) error

// Withdraw takes an application back. It is possible until the case is decided; a paid amount is returned.
func (d *Desk) Withdraw(ctx context.Context, a Applicant, publicID string) error {
	return d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error { return d.withdraw(ctx, tx, a, c) })
}

func (d *Desk) withdraw(ctx context.Context, tx *pg.Tx, a Applicant, c *Case) error {
	if c.State == Withdrawn {
		return nil
	}
	if !c.State.Withdrawable() {
		return fault.New(fault.Conflict, "fault.not_withdrawable", "withdrawing a decided case")
	}
	w, err := ActiveWork(ctx, tx, c)
	if err != nil {
		return err
	}
	var b pg.Batch
	if w != nil {
		c.moveWork(&b, tx, w, WorkDone, nil)
	}
	c.backToRegistrar(&b)
	c.move(&b, tx, Withdrawn)
	c.event(&b, tx, "withdrawn", a.filer(), nil)
	c.notify(&b, tx, "withdrawn")
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	if err := d.Ended(ctx, tx, c); err != nil {
		return err
	}
	return audit.Record(ctx, tx, c.audited(a.act(audit.ApplicationWithdraw), a.actor()))
}

// Paid moves a case on once its charges are paid: into the inbox of the first body of its route. A case that has moved on
// meanwhile stays as it is.
func Paid(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue, c *Case) error {
	if c.State != AwaitingPayment {
		return nil
	}
	var b pg.Batch
	c.enterRoute(&b, tx, *c.DueOn)
	c.event(&b, tx, "paid", "applicant", nil)
	c.notify(&b, tx, "paid")
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return settleUndecidable(ctx, tx, cat, c)
}

// CorrectionOrder is what a correction request asks for.
type CorrectionOrder struct {
	Origin string // staff | system
	Staff  *uuid.UUID
	Items  []CorrectionItem
	Due    calendar.Date
}

// RequestCorrection sends a case that an office has, in review or on its way there, back to its applicant with an itemised request. Only the items named are open
// to change. The work item waits meanwhile, with its holder.
func RequestCorrection(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue, c *Case, o CorrectionOrder) error {
	if (c.State != InReview && c.State != Forwarding) || c.Origin == OriginOffice {
		return fault.New(fault.Conflict, "fault.case_moved_on", "asking for a correction of a case that no office has")
	}
	_, p, err := Pinned(cat, c)
	if err != nil {
		return err
	}
	if err := checkItems(p, c, o, calendar.Of(tx.Now)); err != nil {
		return err
	}
	if err := reachable(ctx, tx, p, c, o); err != nil {
		return err
	}
	w, err := ActiveWork(ctx, tx, c)
	if err != nil {
		return err
	}
	var b pg.Batch
	c.Round++
	b.ExecOne("counting the round", `update application set round = $3 where register_id = $1 and id = $2`, c.RegisterID, c.ID, c.Round)
	b.Exec("recording a correction request", `
		insert into correction (register_id, application_id, round, origin, items, due_on, requested_by, requested_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, c.RegisterID, c.ID, c.Round, o.Origin, o.Items, o.Due, o.Staff, tx.Now)
	c.move(&b, tx, CorrectionRequested)
	if w != nil {
		c.moveWork(&b, tx, w, WorkWaiting, w.Assignee)
	}
	detail := map[string]string{"due": o.Due.String()}
	if c.Elsewhere() && o.Origin != "system" {
		detail["by"] = c.BodyID
	}
	c.event(&b, tx, "correction_requested", actorOf(o.Origin), detail)
	c.notify(&b, tx, "correction_requested")
	return b.SendLater(ctx, tx)
}

func actorOf(origin string) string {
	if origin == "system" {
		return "system"
	}
	return "staff"
}

// checkItems refuses a request that names nothing, something that the form does not have, or a day in the past.
func checkItems(p *qualification.Procedure, c *Case, o CorrectionOrder, today calendar.Date) error {
	if len(o.Items) == 0 {
		return fault.New(fault.Invalid, "fault.correction_empty", "asking for a correction of nothing")
	}
	if !today.Before(o.Due) {
		return fault.New(fault.Invalid, "fault.correction_due", "asking for a correction by a day that is not ahead")
	}
	for _, i := range o.Items {
		if !correctable(p, c.Channel, i.Item) {
			return fault.New(fault.Invalid, "fault.correction_item", "asking for a correction of "+i.Item)
		}
	}
	return nil
}

// reachable refuses a request of staff for what the applicant's answers hide: there would be no page to put it right on.
func reachable(ctx context.Context, tx *pg.Tx, p *qualification.Procedure, c *Case, o CorrectionOrder) error {
	if o.Origin != "staff" {
		return nil
	}
	inquiries, err := Inquiries(ctx, tx, c)
	if err != nil {
		return err
	}
	asked, err := Asked(p, FactsOf(c, tx.Now, inquiries))
	if err != nil {
		return err
	}
	if item := Unreachable(asked, o.Items); item != "" {
		return fault.New(fault.Invalid, "fault.correction_hidden", "asking for a correction of "+item+", which the answers hide")
	}
	return nil
}

// correctable tells whether an applicant can put the item right: a field that is filled in through the channel, or a document.
func correctable(p *qualification.Procedure, channel, item string) bool {
	for _, g := range p.Groups {
		if slices.ContainsFunc(g.Fields, func(f qualification.Field) bool { return f.ID == item && f.Typed(channel) }) {
			return true
		}
	}
	return slices.ContainsFunc(p.Evidence, func(e qualification.Evidence) bool { return "evidence:"+e.ID == item })
}

// Propose hands a reviewed case to the second person.
func Propose(ctx context.Context, tx *pg.Tx, c *Case, staff uuid.UUID) error {
	w, err := heldBy(ctx, tx, c, staff)
	if err != nil {
		return err
	}
	var b pg.Batch
	c.move(&b, tx, Proposed)
	c.moveWork(&b, tx, w, WorkDone, nil)
	c.openWork(&b, tx, StepApproval, w.Due)
	c.event(&b, tx, "proposed", "staff", nil)
	return b.SendLater(ctx, tx)
}

// SendBack returns a proposal to its reviewer.
func SendBack(ctx context.Context, tx *pg.Tx, c *Case, approver, reviewer uuid.UUID) error {
	w, err := heldBy(ctx, tx, c, approver)
	if err != nil {
		return err
	}
	var b pg.Batch
	c.move(&b, tx, InReview)
	c.moveWork(&b, tx, w, WorkDone, nil)
	c.openWork(&b, tx, StepReview, w.Due)
	c.event(&b, tx, "sent_back", "staff", nil)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return Take(ctx, tx, c, reviewer)
}

// Decide ends a case with the second person's decision.
func Decide(ctx context.Context, tx *pg.Tx, c *Case, approver uuid.UUID, approved bool) error {
	w, err := heldBy(ctx, tx, c, approver)
	if err != nil {
		return err
	}
	to, kind := Rejected, "rejected"
	if approved {
		to, kind = Registered, "registered"
	}
	var b pg.Batch
	c.move(&b, tx, to)
	c.moveWork(&b, tx, w, WorkDone, nil)
	b.ExecOne("dating the decision", `update application set decided_at = $3 where register_id = $1 and id = $2`, c.RegisterID, c.ID, tx.Now)
	c.event(&b, tx, kind, "staff", nil)
	switch {
	case c.Origin != OriginOffice && !c.OnPaper():
		c.notify(&b, tx, kind)
	case approved && c.PersonRef != uuid.Nil && c.EntryID != nil:
		c.notify(&b, tx, EntryChanged) // what is only proposed is not told
	}
	c.DecidedAt = &tx.Now
	return b.SendLater(ctx, tx)
}

// OpenByOffice makes a case that the office itself opens on an entry, such as a disciplinary measure: it has no form and
// no applicant's signature, and goes straight to the second person. staff is the one who proposes.
func OpenByOffice(ctx context.Context, tx *pg.Tx, c *Case, due calendar.Date) error {
	c.State, c.Origin = Draft, OriginOffice
	c.CreatedAt, c.UpdatedAt, c.Revision = tx.Now, tx.Now, 1
	var b pg.Batch
	if err := insertCase(&b, c); err != nil {
		return err
	}
	b.ExecOne("dating the case", `update application set submitted_at = $3, due_on = $4 where register_id = $1 and id = $2`, c.RegisterID, c.ID, tx.Now, due)
	c.DueOn = &due
	c.move(&b, tx, Proposed)
	c.openWork(&b, tx, StepApproval, due)
	c.event(&b, tx, "opened_by_office", "staff", nil)
	return b.SendLater(ctx, tx)
}

// Drop ends a case that the office itself opened and that the second person does not agree to: there is no applicant to
// send it back to, and whoever proposed it may propose anew.
func Drop(ctx context.Context, tx *pg.Tx, c *Case, approver uuid.UUID) error {
	w, err := heldBy(ctx, tx, c, approver)
	if err != nil {
		return err
	}
	var b pg.Batch
	c.move(&b, tx, Withdrawn)
	c.moveWork(&b, tx, w, WorkDone, nil)
	c.event(&b, tx, "dropped", "staff", nil)
	return b.SendLater(ctx, tx)
}

// summaries reads the cases filed under one reference.
func summaries(ctx context.Context, tx *pg.Tx, ref uuid.UUID) ([]Summary, error) {
	rows, err := tx.Query(ctx, `select `+caseColumns+` from application where person_ref = $1 and origin not in ('office', 'counter') and state <> 'expired'`, ref)
	if err != nil {
		return nil, fmt.Errorf("reading a person's applications: %w", err)
	}
	cases, err := pgx.CollectRows(rows, scanCase)
	if err != nil {
		return nil, fmt.Errorf("reading a person's applications: %w", err)
	}
	out := make([]Summary, len(cases))
	for i, c := range cases {
		out[i] = Summary{Case: *c}
	}
	return out, nil
}

func sortNewest(s []Summary) {
	slices.SortFunc(s, func(a, b Summary) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.PublicID, b.PublicID))
	})
}

// EntryChanged is the kind of the message that an entry was changed by the office itself, e.g. suspended or restored.
const EntryChanged = "entry_changed"

// TellEntryChanged writes the message that an entry was changed, about which the office decided in one of its own cases.
func TellEntryChanged(ctx context.Context, tx *pg.Tx, registerID string, caseID, ref uuid.UUID) error {
	var b pg.Batch
	(&Case{RegisterID: registerID, ID: caseID, PersonRef: ref}).notify(&b, tx, EntryChanged)
	return b.SendLater(ctx, tx)
}

// Notice is one message of the portal's inbox. It is about a case of the person's, or, of the kind EntryChanged, about an
// entry: cases of the office itself are not the person's to see.
type Notice struct {
	RegisterID string
	ID         uuid.UUID
	PublicID   string     // of the case; empty for EntryChanged
	Entry      *uuid.UUID // for EntryChanged
	Kind       string
	At         time.Time
	ReadAt     *time.Time
}

// Notices reads the person's messages, newest first.
func (d *Desk) Notices(ctx context.Context, a Applicant) ([]Notice, error) {
	return d.notices(ctx, a, false)
}

// ReadMessages reads the person's messages for the page that shows them. Those about an entry are read by that; the others
// are when their case is opened.
func (d *Desk) ReadMessages(ctx context.Context, a Applicant) ([]Notice, error) {
	return d.notices(ctx, a, true)
}

func (d *Desk) notices(ctx context.Context, a Applicant, shown bool) ([]Notice, error) {
	refs, err := d.directory(ctx, a)
	if err != nil {
		return nil, err
	}
	var out []Notice
	for _, ref := range refs {
		err := d.DB.InPerson(ctx, pg.Person{ID: a.ID, Ref: ref}, func(tx *pg.Tx) error {
			rows, err := tx.Query(ctx, `
				select n.register_id, n.id, case when a.origin in ('office', 'counter') then '' else a.public_id end,
				       case when a.origin in ('office', 'counter') then a.entry_id end, n.kind, n.at, n.read_at
				  from notice n join application a on a.register_id = n.register_id and a.id = n.application_id
				 where n.person_ref = $1 order by n.at desc limit 100`, ref)
			if err != nil {
				return fmt.Errorf("reading notices: %w", err)
			}
			found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Notice])
			if err != nil {
				return fmt.Errorf("reading notices: %w", err)
			}
			out = append(out, found...)
			if !shown || !slices.ContainsFunc(found, func(n Notice) bool { return n.Kind == EntryChanged && n.ReadAt == nil }) {
				return nil
			}
			_, err = tx.Exec(ctx, `update notice set read_at = $3 where person_ref = $1 and kind = $2 and read_at is null`, ref, EntryChanged, tx.Now)
			return wrapIf(err, "marking notices as read")
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b Notice) int { return b.At.Compare(a.At) })
	return out, nil
}

// ReadNotices adds to the statements that read a case the one that marks the messages about it as read. It is a More.
func ReadNotices(b *pg.Batch, tx *pg.Tx, c *Case) {
	b.Exec("marking notices as read", `update notice set read_at = $3 where register_id = $1 and application_id = $2 and read_at is null`, c.RegisterID, c.ID, tx.Now)
}
