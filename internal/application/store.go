package application

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

const caseColumns = `register_id, id, public_id, registrar_id, body_id, person_ref, definition_id, definition_version,
  procedure_id, channel, origin, lang, state, applicant, answers, entry_id, round, revision, created_at, updated_at, expires_at,
  submitted_at, decided_at, due_on, route, stop, received_on`

// ReadCase reads a case through whichever door tx has opened. A case behind another door does not exist.
func ReadCase(ctx context.Context, tx *pg.Tx, registerID, publicID string) (*Case, error) {
	return oneCase(ctx, tx, `select `+caseColumns+` from application where register_id = $1 and public_id = $2`, registerID, publicID)
}

// LockCase is ReadCase for an act: nobody else can move the case until tx ends.
func LockCase(ctx context.Context, tx *pg.Tx, registerID, publicID string) (*Case, error) {
	return oneCase(ctx, tx, `select `+caseColumns+` from application where register_id = $1 and public_id = $2 for update`, registerID, publicID)
}

// LockCaseByID is LockCase by the internal id, for jobs.
func LockCaseByID(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID) (*Case, error) {
	return oneCase(ctx, tx, `select `+caseColumns+` from application where register_id = $1 and id = $2 for update`, registerID, id)
}

func oneCase(ctx context.Context, tx *pg.Tx, sql string, args ...any) (*Case, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("reading a case: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCase)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "", "reading a case")
	}
	if err != nil {
		return nil, fmt.Errorf("reading a case: %w", err)
	}
	return c, nil
}

func scanCase(row pgx.CollectableRow) (*Case, error) {
	var c Case
	var answers []byte
	err := row.Scan(&c.RegisterID, &c.ID, &c.PublicID, &c.RegistrarID, &c.BodyID, &c.PersonRef, &c.DefinitionID,
		&c.DefinitionVersion, &c.ProcedureID, &c.Channel, &c.Origin, &c.Lang, &c.State, &c.Applicant, &answers, &c.EntryID, &c.Round,
		&c.Revision, &c.CreatedAt, &c.UpdatedAt, &c.ExpiresAt, &c.SubmittedAt, &c.DecidedAt, &c.DueOn, &c.Route, &c.Stop, &c.ReceivedOn)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answers, &c.Answers); err != nil {
		return nil, fmt.Errorf("reading the answers of case %s: %w", c.PublicID, err)
	}
	return &c, nil
}

// insertCase queues a new case.
func insertCase(b *pg.Batch, c *Case) error {
	answers, err := json.Marshal(c.Answers)
	if err != nil {
		return fmt.Errorf("writing answers: %w", err)
	}
	b.Exec("inserting a case", `
		insert into application (register_id, id, public_id, registrar_id, body_id, person_ref, definition_id, definition_version,
		  procedure_id, channel, origin, lang, state, prior_state, applicant, answers, entry_id, created_at, updated_at, expires_at, received_on)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'draft', 'draft', $13, $14, $15, $16, $16, $17, $18)`,
		c.RegisterID, c.ID, c.PublicID, c.RegistrarID, c.BodyID, c.PersonRef, c.DefinitionID, c.DefinitionVersion,
		c.ProcedureID, c.Channel, string(c.Origin), c.Lang, c.Applicant, answers, c.EntryID, c.CreatedAt, c.ExpiresAt, c.ReceivedOn)
	return nil
}

// move queues the step of a case from the state it was read in to another. Zero rows mean that somebody was first.
func (c *Case) move(b *pg.Batch, tx *pg.Tx, to State) {
	b.ExecOne(fmt.Sprintf("moving case %s from %s to %s", c.PublicID, c.State, to), `
		update application
		   set prior_state = state, state = $4, updated_at = $5, revision = revision + 1
		 where register_id = $1 and id = $2 and state = $3`, c.RegisterID, c.ID, string(c.State), string(to), tx.Now)
	c.State = to
	c.Revision++
	c.UpdatedAt = tx.Now
}

// event queues a line of the timeline.
func (c *Case) event(b *pg.Batch, tx *pg.Tx, kind, actor string, detail map[string]string) {
	if detail == nil {
		detail = map[string]string{}
	}
	b.Exec("writing the timeline", `
		insert into case_event (register_id, application_id, id, at, kind, actor, detail) values ($1, $2, $3, $4, $5, $6, $7)`,
		c.RegisterID, c.ID, pg.NewID(), tx.Now, kind, actor, detail)
}

// notify queues a message for the portal's inbox: a pointer and a kind, no personal data. A case that came on paper is nobody's
// to open there, so that only what it did to an entry is told.
func (c *Case) notify(b *pg.Batch, tx *pg.Tx, kind string) {
	if c.OnPaper() && kind != EntryChanged {
		return
	}
	b.Exec("writing a notice", `
		insert into notice (register_id, id, application_id, person_ref, kind, at) values ($1, $2, $3, $4, $5, $6)`,
		c.RegisterID, pg.NewID(), c.ID, c.PersonRef, kind, tx.Now)
}
