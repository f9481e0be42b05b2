package application

import (
	"context"

	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Steps of a case that a body can hold.
const (
	StepIntake   = "intake"  // the registrar itself takes the case in before its review
	StepForward  = "forward" // a forwarding body checks the case and passes it on
	StepReview   = "review"
	StepApproval = "approval"
)

// States of a work item: nobody's, somebody's, waiting for the applicant, done.
const (
	WorkOpen    = "open"
	WorkTaken   = "taken"
	WorkWaiting = "waiting"
	WorkDone    = "done"
)

// WorkItem says whose turn it is.
type WorkItem struct {
	ID       uuid.UUID
	BodyID   string
	Step     string
	State    string
	Assignee *uuid.UUID
	Due      calendar.Date
}

// countSlots spreads the counters of an inbox, so that two acts rarely wait for the same row.
const countSlots = 16

// openWork queues a new item for a body; the caller has closed the one before.
func (c *Case) openWork(b *pg.Batch, tx *pg.Tx, step string, due calendar.Date) {
	b.Exec("opening a work item", `
		insert into work_item (register_id, application_id, id, registrar_id, body_id, step, state, due, opened_at)
		values ($1, $2, $3, $4, $5, $6, 'open', $7, $8)`,
		c.RegisterID, c.ID, pg.NewID(), c.RegistrarID, c.BodyID, step, due, tx.Now)
	c.count(b, step, WorkOpen, 1)
}

// moveWork queues the step of an item from the state it was read in, and the counters with it.
func (c *Case) moveWork(b *pg.Batch, tx *pg.Tx, w *WorkItem, to string, assignee *uuid.UUID) {
	if to == WorkDone {
		b.ExecOne("closing a work item", `
			update work_item set state = 'done', done_at = $5
			 where register_id = $1 and application_id = $2 and id = $3 and state = $4`, c.RegisterID, c.ID, w.ID, w.State, tx.Now)
	} else {
		b.ExecOne("moving a work item", `
			update work_item set state = $5, assignee = $6
			 where register_id = $1 and application_id = $2 and id = $3 and state = $4`, c.RegisterID, c.ID, w.ID, w.State, to, assignee)
	}
	c.count(b, w.Step, w.State, -1)
	if to != WorkDone {
		c.count(b, w.Step, to, 1)
	}
	w.State, w.Assignee = to, assignee
}

// count queues the change of one counter, in a slot chosen by the case, so that the same case always meets its own.
func (c *Case) count(b *pg.Batch, step, state string, by int) {
	slot := int(c.ID[15]) % countSlots
	b.Exec("counting the inbox", `
		insert into work_count as w (body_id, step, state, slot, n) values ($1, $2, $3, $4, $5)
		on conflict on constraint work_count_pkey do update set n = w.n + excluded.n`, c.BodyID, step, state, slot, by)
}

// Take gives an open item to a person. Taking what one already holds changes nothing.
func Take(ctx context.Context, tx *pg.Tx, c *Case, staff uuid.UUID) error {
	w, err := ActiveWork(ctx, tx, c)
	if err != nil {
		return err
	}
	switch {
	case w == nil:
		return fault.New(fault.Conflict, "fault.case_not_open", "taking a case without an active work item")
	case w.State == WorkTaken && *w.Assignee == staff:
		return nil
	case w.State != WorkOpen:
		return fault.New(fault.Conflict, "fault.case_taken", "taking a case that somebody holds")
	}
	var b pg.Batch
	c.moveWork(&b, tx, w, WorkTaken, &staff)
	return b.SendLater(ctx, tx)
}

// Release gives an item back to the pool.
func Release(ctx context.Context, tx *pg.Tx, c *Case, staff uuid.UUID) error {
	w, err := heldBy(ctx, tx, c, staff)
	if err != nil {
		return err
	}
	var b pg.Batch
	c.moveWork(&b, tx, w, WorkOpen, nil)
	return b.SendLater(ctx, tx)
}

// Free gives an item that somebody else holds back to the pool: its holder is away, or no longer works here.
func Free(ctx context.Context, tx *pg.Tx, c *Case) error {
	w, err := ActiveWork(ctx, tx, c)
	if err != nil {
		return err
	}
	if w == nil || w.Assignee == nil {
		return fault.New(fault.Conflict, "fault.case_not_held", "freeing a case that nobody holds")
	}
	to := WorkOpen
	if w.State == WorkWaiting {
		to = WorkWaiting
	}
	var b pg.Batch
	c.moveWork(&b, tx, w, to, nil)
	return b.SendLater(ctx, tx)
}

// heldBy returns the active item if the person holds it; acts on a case are for its holder alone.
func heldBy(ctx context.Context, tx *pg.Tx, c *Case, staff uuid.UUID) (*WorkItem, error) {
	w, err := ActiveWork(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	if w == nil || w.State != WorkTaken || *w.Assignee != staff {
		return nil, fault.New(fault.Conflict, "fault.case_not_yours", "acting on a case that the person does not hold")
	}
	return w, nil
}
