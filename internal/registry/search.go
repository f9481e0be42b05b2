package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/pg"
	"akashi/internal/review"
)

const entryColumns = `register_id, id, registrar_id, number, person_ref, state, registered_on, facts, revision, updated_at, class, valid_until, suspended_until`

// Purposes are the reasons for which a register may be searched; the person concerned reads them in their own log.
var Purposes = []string{"procedure", "inquiry_by_holder", "inquiry_by_authority", "correction", "audit"}

// Reader looks into registers for staff, under the office's role.
type Reader struct {
	DB *pg.DB
}

// Query is what to look for. One of Number, Name and Kana is given; BirthDate narrows.
type Query struct {
	Number    string
	Name      string // any spelling; variants are folded
	Kana      string
	BirthDate calendar.Date
	Infix     bool // the name may stand anywhere, not only at the beginning
	Purpose   string
	Limit     int
}

// maxFound bounds one answer: whoever needs more narrows the question.
const maxFound = 50

// Search looks in the officer's registers. Every search is recorded with its purpose, and so is every person whose line
// it shows, so that they can see it.
func (r *Reader) Search(ctx context.Context, o review.Officer, q Query) (found []Entry, err error) {
	if !o.Staff.May(o.Body, account.RegisterSearch) {
		return nil, review.Refused(ctx, r.DB, o, account.RegisterSearch, "", fault.New(fault.Forbidden, "", "searching a register without the permission"))
	}
	if !slices.Contains(Purposes, q.Purpose) {
		return nil, &fault.Error{Kind: fault.Invalid, Key: "fault.purpose", Fields: []fault.Field{{Name: "purpose", Key: "fault.purpose"}}, Doing: "searching without a purpose"}
	}
	if q.Limit <= 0 || q.Limit > maxFound {
		q.Limit = maxFound
	}
	sql, args, err := q.statement(o.Body)
	if err != nil {
		return nil, err
	}
	err = r.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		if found, err = entries(ctx, tx, sql, args...); err != nil {
			return err
		}
		return audit.Record(ctx, tx, searched(o, q, found)...)
	})
	return found, err
}

// statement words the query so that the planner can use an index under row-level security: equality and ranges on the
// folded keys, and for infixes the search function.
func (q Query) statement(registrar string) (string, []any, error) {
	name, kana := jtext.SearchKey(q.Name), jtext.KanaKey(q.Kana)
	switch {
	case q.Number != "":
		number, err := jtext.RegistrationNumber(q.Number)
		if err != nil {
			return "", nil, &fault.Error{Kind: fault.Invalid, Key: "fault.number", Fields: []fault.Field{{Name: "number", Key: "fault.number"}}, Err: err}
		}
		return `select ` + entryColumns + ` from entry where registrar_id = $1 and number = $2 order by register_id limit $3`, []any{registrar, number, q.Limit}, nil
	case name != "" && q.Infix:
		return `select ` + entryColumns + ` from search_entry_grams($1, $2, $3, $4) order by name_key collate "C", id`,
			[]any{longest(jtext.Grams(name)), name, orNull(q.BirthDate), q.Limit}, nil
	case name != "":
		return `select ` + entryColumns + ` from entry where registrar_id = $1 and name_key >= $2 and name_key < $3
			and ($4::date is null or birth_date = $4) order by name_key, id limit $5`,
			[]any{registrar, name, after(name), orNull(q.BirthDate), q.Limit}, nil
	case kana != "":
		return `select ` + entryColumns + ` from entry where registrar_id = $1 and kana_key >= $2 and kana_key < $3
			and ($4::date is null or birth_date = $4) order by kana_key, id limit $5`,
			[]any{registrar, kana, after(kana), orNull(q.BirthDate), q.Limit}, nil
	}
	return "", nil, &fault.Error{Kind: fault.Invalid, Key: "fault.search_empty", Fields: []fault.Field{{Name: "name", Key: "fault.search_empty"}}, Doing: "searching for nothing"}
}

// longest drops the one-character grams where there are longer ones: they select far better.
func longest(grams []string) []string {
	two := slices.DeleteFunc(slices.Clone(grams), func(g string) bool { return len([]rune(g)) < 2 })
	if len(two) > 0 {
		return two
	}
	return grams
}

// after is the first key that no longer begins with prefix, in the order of code points ("C").
func after(prefix string) string { return prefix + strings.Repeat(string(rune(0x10FFFF)), 1) }

func orNull(d calendar.Date) *calendar.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}

// searched is the audit of one search: the question without its values, and every person it showed.
func searched(o review.Officer, q Query, found []Entry) []audit.Event {
	outcome := "found"
	if len(found) == 0 {
		outcome = "nothing"
	}
	events := []audit.Event{{Act: audit.RegisterSearch, Actor: o.Actor(account.RegisterSearch), Purpose: q.Purpose, Registrar: o.Body, Outcome: outcome}}
	for _, e := range found {
		events = append(events, e.seen(o, audit.RegisterSearch, account.RegisterSearch, q.Purpose, "name", "birth_date", "number"))
	}
	return events
}

func (e *Entry) seen(o review.Officer, act audit.Act, p account.Permission, purpose string, items ...string) audit.Event {
	v := audit.Event{Act: act, Actor: o.Actor(p), Purpose: purpose, Register: e.RegisterID, Registrar: e.RegistrarID, Entry: e.ID, Items: items}
	if e.PersonRef != nil {
		v.Ref = *e.PersonRef
	}
	return v
}

// Open reads one entry with its history, for a purpose that is recorded.
func (r *Reader) Open(ctx context.Context, o review.Officer, registerID string, id uuid.UUID, purpose string) (e *Entry, past []Past, err error) {
	if err := r.mayView(ctx, o); err != nil {
		return nil, nil, err
	}
	if !slices.Contains(Purposes, purpose) {
		return nil, nil, fault.New(fault.Invalid, "fault.purpose", "opening an entry without a purpose")
	}
	err = r.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		if e, err = oneEntry(ctx, tx, `select `+entryColumns+` from entry where register_id = $1 and id = $2`, registerID, id); err != nil {
			return err
		}
		if past, err = History(ctx, tx, e); err != nil {
			return err
		}
		return audit.Record(ctx, tx, e.seen(o, audit.EntryView, account.RegisterView, purpose, "entry", "history"))
	})
	return e, past, review.Refused(ctx, r.DB, o, account.RegisterView, "", err)
}

// Find sees that an entry is one of the officer's registrar, before anybody is asked why they want to see it. It shows
// nothing of the entry, so only a refusal is recorded.
func (r *Reader) Find(ctx context.Context, o review.Officer, registerID string, id uuid.UUID) error {
	if err := r.mayView(ctx, o); err != nil {
		return err
	}
	err := r.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		var there bool
		err := tx.QueryRow(ctx, `select exists (select 1 from entry where register_id = $1 and id = $2)`, registerID, id).Scan(&there)
		if err == nil && !there {
			err = fault.New(fault.NotFound, "fault.no_entry", "finding an entry")
		}
		return err
	})
	return review.Refused(ctx, r.DB, o, account.RegisterView, "", err)
}

func (r *Reader) mayView(ctx context.Context, o review.Officer) error {
	if o.Staff.May(o.Body, account.RegisterView) {
		return nil
	}
	return review.Refused(ctx, r.DB, o, account.RegisterView, "", fault.New(fault.Forbidden, "", "opening an entry without the permission"))
}

// History reads every state of an entry, newest first.
func History(ctx context.Context, tx *pg.Tx, e *Entry) ([]Past, error) {
	rows, err := tx.Query(ctx, `
		select revision, at, effective_on, act, state, facts, application_id, until from entry_history
		 where register_id = $1 and entry_id = $2 order by revision desc`, e.RegisterID, e.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the history of an entry: %w", err)
	}
	past, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Past])
	if err != nil {
		return nil, fmt.Errorf("reading the history of an entry: %w", err)
	}
	return past, nil
}

// ByID reads an entry through whichever door tx has opened.
func ByID(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID) (*Entry, error) {
	return oneEntry(ctx, tx, `select `+entryColumns+` from entry where register_id = $1 and id = $2`, registerID, id)
}

func lockEntry(ctx context.Context, tx *pg.Tx, registerID string, id *uuid.UUID) (*Entry, error) {
	if id == nil {
		return nil, fault.New(fault.Conflict, "fault.no_entry", "changing the entry of a case that names none")
	}
	return oneEntry(ctx, tx, `select `+entryColumns+` from entry where register_id = $1 and id = $2 for update`, registerID, *id)
}

func lockByNumber(ctx context.Context, tx *pg.Tx, registerID, number string) (*Entry, error) {
	return oneEntry(ctx, tx, `select `+entryColumns+` from entry where register_id = $1 and number = $2 for update`, registerID, number)
}

func oneEntry(ctx context.Context, tx *pg.Tx, sql string, args ...any) (*Entry, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("reading an entry: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Entry])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "fault.no_entry", "reading an entry")
	}
	if err != nil {
		return nil, fmt.Errorf("reading an entry: %w", err)
	}
	return e, nil
}

func entries(ctx context.Context, tx *pg.Tx, sql string, args ...any) ([]Entry, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("searching a register: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("searching a register: %w", err)
	}
	return found, nil
}
