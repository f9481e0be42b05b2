package audit

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"

	"akashi/internal/pg"
)

const insertEvent = `insert into audit_event (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose,
  register_id, registrar_id, person_ref, case_id, entry_id, items, outcome, salt, commitment)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`

// Record inserts the events in the act's own transaction, in one round trip. An error must roll the act back: an act
// that cannot be recorded does not happen. Row security refuses an event that does not belong to the open door.
func Record(ctx context.Context, tx *pg.Tx, events ...Event) error {
	var batch pg.Batch
	if err := Queue(&batch, tx.Now, events...); err != nil {
		return err
	}
	return batch.Send(ctx, tx)
}

// Queue adds the events to a batch that the caller sends with the statements of its act.
func Queue(batch *pg.Batch, now time.Time, events ...Event) error {
	for _, e := range events {
		l, err := e.log(now)
		if err != nil {
			return err
		}
		batch.ExecOne(fmt.Sprintf("recording %q", l.Act), insertEvent, l.ID, l.At, l.Act, l.Actor.Kind, l.Actor.ID, l.Actor.Role, l.Actor.Body, l.Purpose,
			l.Register, l.Registrar, orNull(l.Ref), orNull(l.Case), orNull(l.Entry), l.Items, l.Outcome, l.Salt, l.Commitment)
	}
	return nil
}

// log gives the event its id, time, salt and commitment.
func (e Event) log(now time.Time) (Logged, error) {
	if err := e.check(); err != nil {
		return Logged{}, err
	}
	if e.Items == nil {
		e.Items = []string{}
	}
	l := Logged{Event: e, ID: pg.NewID(), At: now.Truncate(time.Microsecond), Salt: make([]byte, 16)}
	if _, err := rand.Read(l.Salt); err != nil {
		return Logged{}, fmt.Errorf("drawing a salt: %w", err)
	}
	body, err := l.Canonical()
	if err != nil {
		return Logged{}, err
	}
	l.Commitment = commit(l.Salt, body)
	return l, nil
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
