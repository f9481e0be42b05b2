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

// insertMany is insertEvent for an event with several subjects, which only some roles may write.
const insertMany = `insert into audit_event (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose,
  register_id, registrar_id, person_ref, case_id, entry_id, items, outcome, salt, commitment, subjects, subjects_digest)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`

// Record inserts the events in the act's own transaction: they travel with its next statements, at the latest with its
// end. An act that cannot be recorded does not happen: row security refuses an event that does not belong to the open
// door, and the transaction with it.
func Record(ctx context.Context, tx *pg.Tx, events ...Event) error {
	var batch pg.Batch
	if err := Queue(&batch, tx.Now, events...); err != nil {
		return err
	}
	return batch.SendLater(ctx, tx)
}

// Queue adds the events to a batch that the caller sends with the statements of its act.
func Queue(batch *pg.Batch, now time.Time, events ...Event) error {
	for _, e := range events {
		l, err := e.log(now)
		if err != nil {
			return err
		}
		sql, args := insertEvent, []any{l.ID, l.At, l.Act, l.Actor.Kind, l.Actor.ID, l.Actor.Role, l.Actor.Body, l.Purpose,
			l.Register, l.Registrar, orNull(l.Ref), orNull(l.Case), orNull(l.Entry), l.Items, l.Outcome, l.Salt, l.Commitment}
		if len(l.Subjects) > 0 {
			sql, args = insertMany, append(args, l.Subjects, l.Digest)
		}
		batch.Exec(fmt.Sprintf("recording %q", l.Act), sql, args...)
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
	l.Subjects = several(e.Subjects)
	l.Digest = subjectsDigest(l.Salt, l.Subjects)
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
