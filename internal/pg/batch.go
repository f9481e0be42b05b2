package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"akashi/internal/fault"
)

// Batch gathers statements of one act, so that they travel in one round trip. Statements run in order, and what is read is
// there after Send; the first failure fails the act.
type Batch struct {
	inner  pgx.Batch
	checks []check
}

type check struct {
	doing    string
	one      bool                 // exactly one row is to be touched or found
	refusal  error                // told where it is not one; nil: a fault of kind Conflict
	byItself bool                 // the statement fails by itself where it is not one
	read     func(pgx.Rows) error // of a statement whose rows are wanted
}

// Exec adds a statement whose row count does not matter. doing is for the error's text.
func (b *Batch) Exec(doing, sql string, args ...any) {
	b.inner.Queue(sql, args...)
	b.checks = append(b.checks, check{doing: doing})
}

// ExecOne adds a statement that must touch exactly one row. None means that somebody else was first: fault.Conflict.
func (b *Batch) ExecOne(doing, sql string, args ...any) {
	b.inner.Queue(sql, args...)
	b.checks = append(b.checks, check{doing: doing, one: true})
}

// ExecOneOr is ExecOne, also for a query that must find exactly one row, whose columns nobody wants. refusal is the error where it is
// not one.
func (b *Batch) ExecOneOr(refusal error, doing, sql string, args ...any) {
	b.inner.Queue(sql, args...)
	b.checks = append(b.checks, check{doing: doing, one: true, refusal: refusal})
}

// Read adds a query; its rows are appended to out, the columns in the order of T's fields.
func Read[T any](b *Batch, out *[]T, doing, sql string, args ...any) {
	ReadBy(b, out, pgx.RowToStructByPos[T], doing, sql, args...)
}

// ReadBy is Read with a function that makes a T of a row.
func ReadBy[T any](b *Batch, out *[]T, scan pgx.RowToFunc[T], doing, sql string, args ...any) {
	b.inner.Queue(sql, args...)
	b.checks = append(b.checks, check{doing: doing, read: func(rows pgx.Rows) (err error) {
		*out, err = pgx.AppendRows(*out, rows, scan)
		return err
	}})
}

// Len returns how many statements are gathered.
func (b *Batch) Len() int { return len(b.checks) }

// Send runs the statements and checks every outcome.
func (b *Batch) Send(ctx context.Context, tx pgx.Tx) error {
	if len(b.checks) == 0 {
		return nil
	}
	results := tx.SendBatch(ctx, &b.inner)
	err := b.collect(results)
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return err
}

// SendLast is Send for the last statements of a transaction: its end travels with them, and nothing can follow. What
// they found is read after the end. A statement which must touch exactly one row has its place among them when it can be made to
// fail by itself (see byItself); another that has to be judged is refused.
func (b *Batch) SendLast(ctx context.Context, tx *Tx) error {
	t, ok := tx.Tx.(*transaction)
	if !ok || len(b.checks) == 0 {
		return b.Send(ctx, tx.Tx)
	}
	for i, q := range b.inner.QueuedQueries {
		if !b.checks[i].one {
			continue
		}
		if q.SQL, b.checks[i].byItself = byItself(q.SQL); !b.checks[i].byItself {
			return fault.New(fault.Internal, "", b.checks[i].doing+": it cannot be judged before the transaction ends")
		}
	}
	return t.sendLast(ctx, &b.inner, b.collect)
}

// byItself makes of an update, a deletion or a query a statement that fails where it does not touch or find exactly one row. So the
// end of the transaction can travel with it: PostgreSQL runs nothing of a trip after an error, and what was done is rolled back. ok is false
// where that is not known to be the same.
func byItself(sql string) (failing string, ok bool) {
	if kept, found := failingAlone.Load(sql); found {
		failing = kept.(string)
		return failing, failing != sql
	}
	failing = sql
	text := strings.ToLower(strings.TrimSpace(sql))
	const alone = "select 1 / (count(*) = 1)::int from "
	switch verb, _, _ := strings.Cut(text, " "); {
	case (verb == "update" || verb == "delete") && !strings.Contains(text, "returning"):
		failing = "with touched as (" + sql + " returning 1) " + alone + "touched"
	case verb == "select":
		failing = alone + "(" + sql + ") found"
	}
	failingAlone.Store(sql, failing) // the texts are the program's own
	return failing, failing != sql
}

var failingAlone sync.Map // text → text that fails by itself, or the same

const divisionByZero = "22012"

// judge sees whether a statement did what it must. A statement that fails by itself divides by zero and by nothing else.
func (c check) judge(tag pgconn.CommandTag, err error) error {
	var pgErr *pgconn.PgError
	divided := c.byItself && errors.As(err, &pgErr) && pgErr.Code == divisionByZero
	switch {
	case err != nil && !divided:
		return fmt.Errorf("%s: %w", c.doing, err)
	case !divided && (!c.one || c.byItself || tag.RowsAffected() == 1):
		return nil
	case c.refusal != nil:
		return c.refusal
	}
	return fault.New(fault.Conflict, "", c.doing+": not one row")
}

// SendLater queues statements whose answers nobody waits for: they go before the transaction's next statements, at the
// latest with its end. Their outcomes are judged there, in any case before the end, and a failure fails the act.
func (b *Batch) SendLater(ctx context.Context, tx *Tx) error {
	for _, c := range b.checks {
		if c.read != nil {
			return fault.New(fault.Internal, "", c.doing+": its answer is waited for")
		}
	}
	t, ok := tx.Tx.(*transaction)
	if !ok || t.ended {
		return b.Send(ctx, tx.Tx)
	}
	for i, q := range b.inner.QueuedQueries {
		t.waiting = append(t.waiting, Statement{SQL: q.SQL, Args: q.Arguments, check: b.checks[i]})
	}
	t.used = t.used || len(b.checks) > 0
	return nil
}

func (b *Batch) collect(results pgx.BatchResults) error {
	for _, c := range b.checks {
		if c.read != nil {
			if err := readRows(results, c); err != nil {
				return err
			}
			continue
		}
		if err := c.judge(results.Exec()); err != nil {
			return err
		}
	}
	return nil
}

func readRows(results pgx.BatchResults, c check) error {
	rows, err := results.Query()
	if err == nil {
		err = c.read(rows)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.doing, err)
	}
	return nil
}
