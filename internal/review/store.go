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

// held reads the work item of a case, the proposal that waits for the second person, and who has entered it on paper, in one round
// trip.
func held(ctx context.Context, tx *pg.Tx, c *application.Case) (*application.WorkItem, *Decision, []uuid.UUID, error) {
	var b pg.Batch
	var work []application.WorkItem
	var all []Decision
	var hands []uuid.UUID
	application.Papers{Work: &work}.Queue(&b, c)
	queueDecisions(&b, c, &all)
	application.QueueHands(&b, c, &hands)
	if err := b.Send(ctx, tx); err != nil {
		return nil, nil, nil, err
	}
	p, err := waiting(all)
	if len(work) == 0 {
		return nil, p, hands, err
	}
	return &work[0], p, hands, err
}

// waiting finds the proposal without an outcome.
func waiting(all []Decision) (*Decision, error) {
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
	PersonRef    uuid.UUID
	OnPaper      bool // it came on paper and was entered at the counter
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
		return nil, Refused(ctx, d.DB, o, account.CaseView, "", err)
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		if rows, err = read[Row](ctx, tx, "the inbox", inboxSQL, f.arguments(o)...); err != nil {
			return err
		}
		return audit.Record(ctx, tx, listed(o, rows))
	})
	return rows, err
}

// arguments are those of the database's function inbox_page, which finds the page in the order of the index.
func (f Filter) arguments(o Officer) []any {
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
	return []any{mine, f.Step, f.State, f.Definition, afterDue, afterAt, afterID, f.Limit}
}

// inboxSQL reads what the inbox shows of the cases of one page.
const inboxSQL = `
	select a.register_id, a.public_id, a.definition_id, a.procedure_id,
	       concat_ws('　', nullif(coalesce(a.answers->'values'->>'name.family', a.applicant->'name'->>'family', a.applicant->'name'->>'whole'), ''),
	         nullif(coalesce(a.answers->'values'->>'name.given', a.applicant->'name'->>'given'), '')),
	       a.submitted_at, w.due, w.step, w.state, a.state, w.assignee,
	       coalesce((select n.body from case_note n where n.register_id = a.register_id and n.application_id = a.id order by n.at desc limit 1), ''),
	       w.id, w.opened_at, a.person_ref, a.origin = 'counter'
	  from inbox_page($1, $2, $3, $4, $5, $6, $7, $8) p
	  join work_item w on w.register_id = p.register_id and w.application_id = p.application_id and w.id = p.id
	  join application a on a.register_id = w.register_id and a.id = w.application_id
	 order by w.due, w.opened_at, w.id`

// listed is the audit line of a page of the inbox: one event that names everybody whose name the page shows, so that each of
// them sees the look.
func listed(o Officer, rows []Row) audit.Event {
	e := audit.Event{Act: audit.CaseList, Actor: o.Actor(account.CaseView), Purpose: "inbox", Registrar: o.Body}
	for _, row := range rows {
		e.Subjects = append(e.Subjects, row.PersonRef)
	}
	if len(rows) > 0 {
		e.Items = []string{"name"}
	}
	return e
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
		return nil, Refused(ctx, d.DB, o, account.CaseView, "", err)
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		counts, err = read[Count](ctx, tx, "the inbox's counters", `
			select step, state, sum(n)::bigint from work_count where body_id = $1 group by step, state having sum(n) <> 0 order by step, state`, o.Body)
		return err
	})
	return counts, err
}
