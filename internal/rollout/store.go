package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

const actColumns = `id, kind, qualification_id, bodies, procedures, channel, functions, effective_on, recalls, reason, state,
	proposed_by, proposed_body, proposed_at, decided_by, decided_body, decided_at, decision_reason`

func scanAct(row pgx.CollectableRow) (Act, error) {
	var a Act
	var recalls *uuid.UUID
	var body, reason *string
	err := row.Scan(&a.ID, &a.Kind, &a.Qualification, &a.Bodies, &a.Procedures, &a.Channel, &a.Functions, &a.On, &recalls, &a.Reason, &a.State,
		&a.ProposedBy, &a.ProposedBody, &a.ProposedAt, &a.DecidedBy, &body, &a.DecidedAt, &reason)
	if recalls != nil {
		a.Recalls = *recalls
	}
	if body != nil {
		a.DecidedBody = *body
	}
	if reason != nil {
		a.DecisionReason = *reason
	}
	return a, err
}

func readActs(ctx context.Context, tx *pg.Tx, rest string, args ...any) ([]Act, error) {
	rows, err := tx.Query(ctx, `select `+actColumns+` from rollout_act `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading acts of selective use: %w", err)
	}
	acts, err := pgx.CollectRows(rows, scanAct)
	if err != nil {
		return nil, fmt.Errorf("reading acts of selective use: %w", err)
	}
	return acts, nil
}

// readAct reads one act, locked when it is about to be moved; fault.NotFound when there is none. The database lets nobody
// lock what has ended: fault.Conflict.
func readAct(ctx context.Context, tx *pg.Tx, id uuid.UUID, lock bool) (*Act, error) {
	rest := `where id = $1`
	if lock {
		rest += ` for update`
	}
	acts, err := readActs(ctx, tx, rest, id)
	if err != nil {
		return nil, err
	}
	if len(acts) == 0 && lock {
		return nil, fault.New(fault.Conflict, "rollout.fault.decided", "moving an act that was decided already")
	}
	if len(acts) == 0 {
		return nil, fault.New(fault.NotFound, "", "looking for an act of selective use")
	}
	return &acts[0], nil
}

// readTarget reads what a recall ends; nil for any other proposal, and when there is no such act, which a rule words.
func readTarget(ctx context.Context, tx *pg.Tx, p Proposal) (*Act, error) {
	if p.Recalls == uuid.Nil {
		return nil, nil
	}
	target, err := readAct(ctx, tx, p.Recalls, false)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return target, err
}

// insert writes a new proposal.
func (a *Act) insert(b *pg.Batch) {
	var recalls *uuid.UUID
	if a.Recalls != uuid.Nil {
		recalls = &a.Recalls
	}
	b.ExecOne("writing a proposal", `
		insert into rollout_act (id, kind, qualification_id, bodies, procedures, channel, functions, effective_on, recalls, reason,
			prior_state, state, proposed_by, proposed_body, proposed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'proposed', 'proposed', $11, $12, $13)`,
		a.ID, a.Kind, a.Qualification, orEmpty(a.Bodies), orEmpty(a.Procedures), a.Channel, orEmpty(a.Functions), a.On, recalls, a.Reason, a.ProposedBy, a.ProposedBody, a.ProposedAt)
}

// orEmpty is the list, not null.
func orEmpty(list []string) []string { return append([]string{}, list...) }

// decide ends a proposal.
func (a *Act) decide(b *pg.Batch, tx *pg.Tx, to State, o Officer, reason string) {
	b.ExecOne("deciding on an act", `
		update rollout_act set prior_state = state, state = $2, decided_by = $3, decided_body = $4, decided_at = $5, decision_reason = nullif($6, '')
		 where id = $1 and state = 'proposed'`, a.ID, to, o.Staff.ID, o.Body, tx.Now, reason)
}

// move changes the state alone.
func (a *Act) move(b *pg.Batch, to State) {
	b.ExecOne("moving an act", `update rollout_act set prior_state = state, state = $2 where id = $1 and state = $3`, a.ID, to, a.State)
}

// event is the act's line in the log of the body that acts.
func (a *Act) event(act audit.Act, o Officer, p account.Permission) audit.Event {
	role, _ := o.Staff.RoleFor(o.Body, p)
	return audit.Event{Act: act, Registrar: o.Body, Items: []string{a.Qualification, "act:" + a.ID.String()}, Outcome: string(a.Kind),
		Actor: audit.Actor{Kind: audit.ActorStaff, ID: o.Staff.ID.String(), Role: string(role), Body: o.Body}}
}

// nextVersion counts an approval; its row is the lock that lets one decision of a qualification happen at a time.
func nextVersion(ctx context.Context, tx *pg.Tx, qualificationID string) error {
	_, err := tx.Exec(ctx, `insert into rollout_version as v (qualification_id, n) values ($1, 1)
		on conflict on constraint rollout_version_pkey do update set n = v.n + 1`, qualificationID)
	if err != nil {
		return fmt.Errorf("counting an approval: %w", err)
	}
	return nil
}

// overlay is an approved act as it is read by every process.
type overlay struct {
	ID            uuid.UUID
	Kind          qualification.ActKind
	Qualification string
	Bodies        []string
	Procedures    []string
	Channel       string
	Functions     []string
	On            calendar.Date
	DecidedAt     time.Time
}

const overlayColumns = `id, kind, qualification_id, bodies, procedures, channel, functions, effective_on, decided_at`

func overlays(found []overlay) []qualification.Act {
	acts := make([]qualification.Act, len(found))
	for i, f := range found {
		acts[i] = qualification.Act{ID: f.ID.String(), Kind: f.Kind, Qualification: f.Qualification, Bodies: f.Bodies, Procedures: f.Procedures,
			Channel: f.Channel, Functions: f.Functions, On: f.On, DecidedAt: f.DecidedAt}
	}
	return acts
}

// approvedQuery finds the acts of a qualification that count, in the order of their days.
const approvedQuery = `select ` + overlayColumns + ` from rollout_act
	 where qualification_id = $1 and state = 'approved' and kind <> 'recall' order by effective_on, decided_at, id`

func approvedOf(ctx context.Context, tx *pg.Tx, qualificationID string) ([]qualification.Act, error) {
	var found []overlay
	var b pg.Batch
	pg.Read(&b, &found, "reading the acts of a qualification", approvedQuery, qualificationID)
	if err := b.Send(ctx, tx.Tx); err != nil {
		return nil, err
	}
	return overlays(found), nil
}
