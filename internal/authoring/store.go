package authoring

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

const textColumns = `id, qualification_id, version, valid_from, source, state, author, body, created_at, reason, decided_by, decided_body,
	decided_at, decision_reason, published_at`

func scanText(row pgx.CollectableRow) (Text, error) {
	var t Text
	var from *calendar.Date
	var source string
	var body, reason *string
	err := row.Scan(&t.ID, &t.Qualification, &t.Version, &from, &source, &t.State, &t.Author, &t.Body, &t.CreatedAt, &t.Reason, &t.DecidedBy, &body,
		&t.DecidedAt, &reason, &t.PublishedAt)
	t.Source = []byte(source)
	if from != nil {
		t.ValidFrom = *from
	}
	if body != nil {
		t.DecidedBody = *body
	}
	if reason != nil {
		t.DecisionReason = *reason
	}
	return t, err
}

func readTexts(ctx context.Context, tx pgx.Tx, rest string, args ...any) ([]Text, error) {
	rows, err := tx.Query(ctx, `select `+textColumns+` from authored `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading authored versions: %w", err)
	}
	texts, err := pgx.CollectRows(rows, scanText)
	if err != nil {
		return nil, fmt.Errorf("reading authored versions: %w", err)
	}
	return texts, nil
}

// readText reads one text, locked when it is about to be moved. fault.NotFound when the body may not know of it.
func readText(ctx context.Context, tx *pg.Tx, id uuid.UUID, lock bool) (*Text, error) {
	rest := `where id = $1`
	if lock {
		rest += ` for update`
	}
	texts, err := readTexts(ctx, tx, rest, id)
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 && lock {
		return nil, fault.New(fault.Conflict, "authoring.fault.decided", "moving a version that was decided already")
	}
	if len(texts) == 0 {
		return nil, fault.New(fault.NotFound, "", "looking for an authored version")
	}
	return &texts[0], nil
}

// approved reads the versions that count, in the order in which they were decided.
func approved(ctx context.Context, tx *pg.Tx) ([]Text, error) {
	return readTexts(ctx, tx, `where state = 'approved' order by decided_at, id`)
}

func (t *Text) insert(b *pg.Batch) {
	var from *calendar.Date
	if !t.ValidFrom.IsZero() {
		from = &t.ValidFrom
	}
	b.ExecOne("keeping a loaded text", `
		insert into authored (id, qualification_id, version, valid_from, source, prior_state, state, author, body, created_at)
		values ($1, $2, $3, $4, $5, 'draft', 'draft', $6, $7, $8)`, t.ID, t.Qualification, t.Version, from, string(t.Source), t.Author, t.Body, t.CreatedAt)
}

func (t *Text) propose(b *pg.Batch, reason string) {
	b.ExecOne("proposing a version", `update authored set prior_state = state, state = 'proposed', reason = $2 where id = $1 and state = 'draft'`, t.ID, reason)
}

// move ends a draft or proposal, or an approval before its day.
func (t *Text) move(b *pg.Batch, tx *pg.Tx, to State, o Officer, reason string) {
	if to == Withdrawn {
		b.ExecOne("withdrawing a version", `update authored set prior_state = state, state = 'withdrawn' where id = $1 and state = $2`, t.ID, t.State)
		return
	}
	b.ExecOne("deciding on a version", `
		update authored set prior_state = state, state = $2, decided_by = $3, decided_body = $4, decided_at = $5, decision_reason = nullif($6, '')
		 where id = $1 and state = $7`, t.ID, to, o.Staff.ID, o.Body, tx.Now, reason, t.State)
}

// event is the line in the log of the body that acts.
func (t *Text) event(act audit.Act, o Officer, p account.Permission) audit.Event {
	role, _ := o.Staff.RoleFor(o.Body, p)
	e := audit.Event{Act: act, Registrar: o.Body, Items: []string{"text:" + t.ID.String()},
		Actor: audit.Actor{Kind: audit.ActorStaff, ID: o.Staff.ID.String(), Role: string(role), Body: o.Body}}
	if t.Qualification != "" {
		e.Items = append(e.Items, t.Qualification)
	}
	return e
}

// oneAtATime lets one decision about definitions happen at a time: each is checked against those before it.
func oneAtATime(ctx context.Context, tx *pg.Tx) error {
	var n int64
	if err := tx.QueryRow(ctx, `select n from authored_count where one for update`).Scan(&n); err != nil {
		return fmt.Errorf("waiting for other decisions on definitions: %w", err)
	}
	return nil
}

// count tells every process that what holds has changed.
func count(b *pg.Batch) {
	b.ExecOne("counting a change of what holds", `update authored_count set n = n + 1 where one`)
}
