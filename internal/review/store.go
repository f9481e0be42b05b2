package review

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

func read[T any](ctx context.Context, tx *pg.Tx, what, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	return out, nil
}

// queueVerdicts reads what was found in the current round.
func queueVerdicts(b *pg.Batch, c *application.Case, out *[]Verdict) {
	pg.Read(b, out, "reading verdicts", `
		select check_id, verdict, coalesce(reason_code, ''), note, staff_id, at from check_verdict
		 where register_id = $1 and application_id = $2 and round = $3 order by check_id`, c.RegisterID, c.ID, c.Round)
}

func queueNotes(b *pg.Batch, c *application.Case, out *[]Note) {
	pg.Read(b, out, "reading notes", `
		select staff_id, at, body from case_note where register_id = $1 and application_id = $2 order by at, id`, c.RegisterID, c.ID)
}

func queueDecisions(b *pg.Batch, c *application.Case, out *[]Decision) {
	pg.Read(b, out, "reading decisions", `
		select id, proposal, reasons, comment, findings, reviewer_id, proposed_at, outcome, approver_id, approver_comment, decided_at
		  from decision where register_id = $1 and application_id = $2 order by proposed_at, id`, c.RegisterID, c.ID)
}

func decisions(ctx context.Context, tx *pg.Tx, c *application.Case) (out []Decision, err error) {
	var b pg.Batch
	queueDecisions(&b, c, &out)
	return out, b.Send(ctx, tx.Tx)
}

// openProposal reads the proposal that waits for the second person.
func openProposal(ctx context.Context, tx *pg.Tx, c *application.Case) (*Decision, error) {
	all, err := decisions(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Outcome == nil {
			return &all[i], nil
		}
	}
	return nil, fault.New(fault.Conflict, "fault.case_moved_on", "deciding a case without a proposal")
}

// Row is one line of the inbox. It names the applicant, so showing it is recorded.
type Row struct {
	RegisterID   string
	PublicID     string
	DefinitionID string
	ProcedureID  string
	Name         string
	SubmittedAt  time.Time
	Due          calendar.Date
	Step         string
	WorkState    string
	State        application.State
	Assignee     *uuid.UUID
	LatestNote   string
	WorkID       uuid.UUID
	OpenedAt     time.Time
}

// Filter narrows the inbox. Zero values do not.
type Filter struct {
	Mine       bool
	Step       string
	State      string // work item's state
	Definition string
	After      *Row // the last row of the page before
	Limit      int
}

// pageLimit bounds one page of the inbox.
const pageLimit = 100

// Inbox reads the body's work items that are not done, nearest deadline first, a page at a time by keyset.
func (d *Desk) Inbox(ctx context.Context, o Officer, f Filter) (rows []Row, err error) {
	if err := o.may(account.CaseView); err != nil {
		return nil, err
	}
	var mine, afterID *uuid.UUID
	var afterDue *calendar.Date
	var afterAt *time.Time
	if f.Mine {
		mine = &o.Staff.ID
	}
	if f.After != nil {
		afterDue, afterAt, afterID = &f.After.Due, &f.After.OpenedAt, &f.After.WorkID
	}
	if f.Limit <= 0 || f.Limit > pageLimit {
		f.Limit = pageLimit
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		rows, err = read[Row](ctx, tx, "the inbox", `
			select a.register_id, a.public_id, a.definition_id, a.procedure_id,
			       concat_ws('　', nullif(coalesce(a.answers->'values'->>'name.family', a.applicant->'name'->>'family', a.applicant->'name'->>'whole'), ''),
			         nullif(coalesce(a.answers->'values'->>'name.given', a.applicant->'name'->>'given'), '')),
			       a.submitted_at, w.due, w.step, w.state, a.state, w.assignee,
			       coalesce((select n.body from case_note n where n.register_id = a.register_id and n.application_id = a.id order by n.at desc limit 1), ''),
			       w.id, w.opened_at
			  from work_item w
			  join application a on a.register_id = w.register_id and a.id = w.application_id
			 where w.body_id = $1 and w.state in ('open', 'taken', 'waiting')
			   and ($2::uuid is null or w.assignee = $2)
			   and ($3 = '' or w.step = $3) and ($4 = '' or w.state = $4) and ($5 = '' or a.definition_id = $5)
			   and ($6::date is null or (w.due, w.opened_at, w.id) > ($6, $7, $8))
			 order by w.due, w.opened_at, w.id
			 limit $9`, o.Body, mine, f.Step, f.State, f.Definition, afterDue, afterAt, afterID, f.Limit)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{Act: audit.CaseList, Actor: o.Actor(account.CaseView), Purpose: "inbox", Registrar: o.Body})
	})
	return rows, err
}

// Count is one counter of the inbox.
type Count struct {
	Step  string
	State string
	N     int64
}

// Counts reads the counters of the body's inbox.
func (d *Desk) Counts(ctx context.Context, o Officer) (counts []Count, err error) {
	if err := o.may(account.CaseView); err != nil {
		return nil, err
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		counts, err = read[Count](ctx, tx, "the inbox's counters", `
			select step, state, sum(n)::bigint from work_count where body_id = $1 group by step, state having sum(n) <> 0 order by step, state`, o.Body)
		return err
	})
	return counts, err
}
