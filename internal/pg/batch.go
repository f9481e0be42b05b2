package pg

import (
	"context"
	"fmt"

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
	doing string
	one   bool
	read  func(pgx.Rows) error // of a statement whose rows are wanted
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

// PublicOnce is Public for statements that need nothing in between: the whole transaction is one round trip. After an
// error the connection, which is left within a transaction, is given up.
func (db *DB) PublicOnce(ctx context.Context, b *Batch) error {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("taking a connection: %w", err)
	}
	defer conn.Release()
	whole := Batch{}
	whole.Exec("beginning", "begin")
	whole.Exec("opening the public door", "set local app.door = 'public'")
	whole.inner.QueuedQueries = append(whole.inner.QueuedQueries, b.inner.QueuedQueries...)
	whole.checks = append(whole.checks, b.checks...)
	whole.Exec("ending", "commit")
	results := conn.SendBatch(ctx, &whole.inner)
	err = whole.collect(results)
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (b *Batch) collect(results pgx.BatchResults) error {
	for _, c := range b.checks {
		if c.read != nil {
			if err := readRows(results, c); err != nil {
				return err
			}
			continue
		}
		tag, err := results.Exec()
		if err != nil {
			return fmt.Errorf("%s: %w", c.doing, err)
		}
		if c.one {
			if err := exactlyOne(tag, c.doing); err != nil {
				return err
			}
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

func exactlyOne(tag pgconn.CommandTag, doing string) error {
	if n := tag.RowsAffected(); n != 1 {
		return fault.New(fault.Conflict, "", fmt.Sprintf("%s: %d rows instead of one", doing, n))
	}
	return nil
}
