package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// Follow does for the later stages what a change of the register entails, inside its transaction. The wiring passes in the
// credential stage's.
type Follow func(ctx context.Context, tx *pg.Tx, d review.Decided, ch Change) error

// Lifter ends suspensions whose term is over. Nobody decides on that anew: the two persons who agreed to the suspension agreed
// to its last day.
type Lifter struct {
	DB        *pg.DB // under the worker's role
	Catalogue *qualification.Catalogue
	Follow    Follow
}

// overdue is a suspension whose last day has passed, with the case that decided on it.
type overdue struct {
	RegisterID    string
	EntryID       uuid.UUID
	ApplicationID uuid.UUID
}

// Lift ends up to limit suspensions of each registrar whose last day has passed, each in a transaction of its own, and returns how
// many. It can run twice and beside itself; one that fails is left for the next run and keeps no other from ending.
func (l *Lifter) Lift(ctx context.Context, limit int) (n int, err error) {
	for _, r := range l.Catalogue.Keepers() {
		found, failed := l.overdue(ctx, r.ID, limit)
		err = errors.Join(err, failed)
		for _, o := range found {
			done, failed := l.lift(ctx, r.ID, o)
			err = errors.Join(err, failed)
			if done {
				n++
			}
		}
	}
	return n, err
}

// overdue finds suspensions whose last day has passed. The history has to name the same day: see the migration.
func (l *Lifter) overdue(ctx context.Context, registrar string, limit int) (found []overdue, err error) {
	err = l.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `
			select e.register_id, e.id, h.application_id
			  from entry e
			  join lateral (select h.until, h.application_id from entry_history h
			    where h.register_id = e.register_id and h.entry_id = e.id and h.act = 'suspend' order by h.revision desc limit 1) h on h.until = e.suspended_until
			 where e.registrar_id = $1 and e.state = 'suspended' and e.suspended_until < $2
			 order by e.suspended_until, e.register_id, e.id limit $3`, registrar, calendar.Of(tx.Now), limit)
		if err != nil {
			return fmt.Errorf("looking for suspensions that are over: %w", err)
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[overdue])
		return err
	})
	return found, err
}

// lift ends one suspension; false when somebody was faster.
func (l *Lifter) lift(ctx context.Context, registrar string, o overdue) (done bool, err error) {
	reg, ok := l.Catalogue.Register(o.RegisterID)
	if !ok {
		return false, fault.New(fault.Internal, "", "ending a suspension in an unknown register")
	}
	def, ok := l.Catalogue.Definition(reg.Qualification)
	if !ok {
		return false, fault.New(fault.Internal, "", "ending a suspension in a register of an unknown qualification")
	}
	err = l.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		done = false
		e, err := lockEntry(ctx, tx, o.RegisterID, &o.EntryID)
		if err != nil {
			return err
		}
		if e.State != Suspended || e.SuspendedUntil.IsZero() || !e.SuspendedUntil.Before(calendar.Of(tx.Now)) {
			return nil
		}
		d := review.Decided{Definition: def, On: e.SuspendedUntil.AddDays(1)}
		change, err := alter(ctx, tx, d, e, ActLapse)
		if err != nil {
			return err
		}
		done = true
		if e.PersonRef != nil {
			if err := application.TellEntryChanged(ctx, tx, o.RegisterID, o.ApplicationID, *e.PersonRef); err != nil {
				return err
			}
		}
		return l.Follow(ctx, tx, d, change)
	})
	return done && err == nil, err
}
