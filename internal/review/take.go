package review

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Take gives the officer an open case; TakeNext the most urgent one of a step.
func (d *Desk) Take(ctx context.Context, o Officer, publicID string) error {
	if o.may(account.CaseReview) != nil && o.may(account.CaseApprove) != nil && o.may(account.CaseForward) != nil {
		return Refused(ctx, d.DB, o, account.CaseReview, "", fault.New(fault.Forbidden, "", "taking a case without a role for any step"))
	}
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
		return take(ctx, tx, o, c)
	})
}

// take gives the officer a case, with the receipt when another body has passed it on.
func take(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case) error {
	if err := application.Take(ctx, tx, c, o.Staff.ID); err != nil {
		return err
	}
	if err := application.Receive(ctx, tx, c, o.Staff.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, c.Audited(audit.CaseClaim, o.Actor(account.CaseView), "procedure"))
}

// permissionFor is what holding a step needs.
func permissionFor(step string) account.Permission {
	switch step {
	case application.StepApproval:
		return account.CaseApprove
	case application.StepIntake, application.StepForward:
		return account.CaseForward
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
	_, p, hands, err := held(ctx, tx, c)
	if err != nil {
		return err
	}
	return d.mayDecide(o, p, hands)
}

// TakeNext takes the case with the nearest deadline that nobody holds, and returns its public id. fault.NotFound when
// the inbox is empty. Two officers never get the same one.
func (d *Desk) TakeNext(ctx context.Context, o Officer, step string) (publicID string, err error) {
	if err := o.may(permissionFor(step)); err != nil {
		return "", Refused(ctx, d.DB, o, permissionFor(step), "", err)
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		register, id, err := nextOpen(ctx, tx, o, step)
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
		return take(ctx, tx, o, c)
	})
	return publicID, err
}

// nearest is among how many of the nearest deadlines the next case is looked for first: more than take one at a time.
const nearest = 50

// nextOpen finds and locks the open case of a step with the nearest deadline that nobody else is just taking: among the
// nearest ones, which the index has in order, and only when all of those are taken or barred among all.
func nextOpen(ctx context.Context, tx *pg.Tx, o Officer, step string) (register string, id uuid.UUID, err error) {
	const open = `w.body_id = $1 and w.state = 'open' and w.step = $2
		and not exists (select 1 from decision k where k.register_id = w.register_id and k.application_id = w.application_id
		  and k.outcome is null and k.reviewer_id = $3)
		and ($2 <> 'approval' or not exists (select 1 from paper_hand h where h.register_id = w.register_id
		  and h.application_id = w.application_id and h.staff_id = $3))
		order by w.due, w.opened_at, w.id limit 1 for update of w skip locked`
	err = tx.QueryRow(ctx, `
		select w.register_id, w.application_id from inbox_page(null, $2, 'open', '', null, null, null, $4) p
		  join work_item w on w.register_id = p.register_id and w.application_id = p.application_id and w.id = p.id
		 where `+open, o.Body, step, o.Staff.ID, nearest).Scan(&register, &id)
	if err == pgx.ErrNoRows {
		err = tx.QueryRow(ctx, `select w.register_id, w.application_id from work_item w where `+open, o.Body, step, o.Staff.ID).Scan(&register, &id)
	}
	return register, id, err
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
