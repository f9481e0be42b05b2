package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/pg"
)

// Filter chooses events. Fields that are set must all match; row security narrows further to what the open door may see.
type Filter struct {
	Ref        uuid.UUID // the one person concerned; the person's own door shows the looks at several, too, without it
	Case       uuid.UUID
	Entry      uuid.UUID
	Act        Act     // only this act
	Actor      string  // only this actor's id, e.g. of a member of staff
	LookedOnly bool    // only acts by which somebody saw data and changed nothing
	After      *Cursor // continue after this event; nil begins with the newest
	Limit      int     // 1 to 200; 0 means 50
}

// Cursor is a place in a list of events, newest first.
type Cursor struct {
	At time.Time
	ID uuid.UUID
}

// Cursor returns the event's place, for the next page.
func (l Logged) Cursor() Cursor { return Cursor{l.At, l.ID} }

const (
	defaultLimit = 50
	maxLimit     = 200
)

const selectEvent = `select e.id, e.at, e.act, e.actor_kind, e.actor_id, e.actor_role, e.actor_body, e.purpose,
  e.register_id, e.registrar_id, e.person_ref, e.case_id, e.entry_id, e.items, e.outcome, e.salt, e.commitment, e.subjects_digest, l.seq
  from audit_event e left join audit_leaf l on l.commitment = e.commitment`

// List returns events, newest first. "Who looked at my data" is the person's door; the audit tab of a case is
// the registrar's or body's door with Case.
func List(ctx context.Context, tx *pg.Tx, f Filter) ([]Logged, error) {
	where, args := f.where()
	rows, err := tx.Query(ctx, selectEvent+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing audit events: %w", err)
	}
	events, err := pgx.CollectRows(rows, scanLogged)
	if err != nil {
		return nil, fmt.Errorf("listing audit events: %w", err)
	}
	return events, nil
}

func (f Filter) where() (string, []any) {
	var conditions []string
	var args []any
	and := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		conditions = append(conditions, condition)
	}
	for column, id := range map[string]uuid.UUID{"e.person_ref": f.Ref, "e.case_id": f.Case, "e.entry_id": f.Entry} {
		if id != uuid.Nil {
			and(column+" = ?", id)
		}
	}
	if f.Act != "" {
		and("e.act = ?", string(f.Act))
	}
	if f.Actor != "" {
		and("e.actor_id = ?", f.Actor)
	}
	if f.LookedOnly {
		and("e.act = any(?)", looked())
	}
	if f.After != nil {
		and("(e.at, e.id) < (?, ?)", f.After.At, f.After.ID)
	}
	tail := fmt.Sprintf(" order by e.at desc, e.id desc limit %d", f.limit())
	if len(conditions) == 0 {
		return tail, nil
	}
	return " where " + strings.Join(conditions, " and ") + tail, args
}

func (f Filter) limit() int {
	if f.Limit <= 0 {
		return defaultLimit
	}
	return min(f.Limit, maxLimit)
}

func looked() []string {
	var acts []string
	for _, info := range Acts() {
		if info.Looked {
			acts = append(acts, string(info.Act))
		}
	}
	return acts
}

func scanLogged(row pgx.CollectableRow) (Logged, error) {
	var l Logged
	var ref, caseID, entry *uuid.UUID
	var seq *int64
	err := row.Scan(&l.ID, &l.At, &l.Act, &l.Actor.Kind, &l.Actor.ID, &l.Actor.Role, &l.Actor.Body, &l.Purpose, &l.Register,
		&l.Registrar, &ref, &caseID, &entry, &l.Items, &l.Outcome, &l.Salt, &l.Commitment, &l.Digest, &seq)
	if seq != nil {
		l.Seq, l.Sealed = *seq, true
	}
	l.Ref, l.Case, l.Entry = orNil(ref), orNil(caseID), orNil(entry)
	return l, err
}

func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
