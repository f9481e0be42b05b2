package pg

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// transaction is a transaction over one connection whose beginning travels with its first statements, and what has no
// answer with the next: that saves round trips. SendLast lets its end travel with its last statements. It satisfies
// pgx.Tx.
type transaction struct {
	conn    *pgxpool.Conn
	tracer  pgx.BatchTracer
	waiting Trip // goes before the next statement; at first the beginning
	used    bool // something was sent, or waits that is not the beginning
	ended   bool
	saved   int // savepoints made
}

// trip sends statements after those that wait.
func (t *transaction) trip(ctx context.Context, statements ...Statement) pgx.BatchResults {
	skip := len(t.waiting)
	all := append(t.waiting, statements...)
	t.waiting, t.used = nil, true
	return all.Send(ctx, t.conn.Conn(), skip, t.tracer)
}

// flush sends what waits by itself, before what cannot travel with it.
func (t *transaction) flush(ctx context.Context) error {
	if t.ended {
		return pgx.ErrTxClosed
	}
	if len(t.waiting) > 0 {
		return t.trip(ctx).Close()
	}
	return nil
}

// Exec satisfies pgx.Tx.
func (t *transaction) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if len(args) == 0 { // may be another text each time, or several statements
		if err := t.flush(ctx); err != nil {
			return pgconn.CommandTag{}, err
		}
	}
	switch {
	case t.ended:
		return pgconn.CommandTag{}, pgx.ErrTxClosed
	case len(t.waiting) == 0:
		return t.conn.Exec(ctx, sql, args...)
	}
	results := t.trip(ctx, Statement{SQL: sql, Args: args})
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Query satisfies pgx.Tx.
func (t *transaction) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	switch {
	case t.ended:
		return nil, pgx.ErrTxClosed
	case len(t.waiting) == 0:
		return t.conn.Query(ctx, sql, args...)
	}
	results := t.trip(ctx, Statement{SQL: sql, Args: args})
	rows, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, ignore(results.Close(), err))
	}
	return &firstRows{Rows: rows, results: results}, nil
}

// ignore drops an error that repeats another.
func ignore(err, known error) error {
	if errors.Is(err, known) {
		return nil
	}
	return err
}

// firstRows are the rows of a transaction's first statement: with their end the trip ends.
type firstRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
}

// Next satisfies pgx.Rows.
func (r *firstRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close satisfies pgx.Rows.
func (r *firstRows) Close() {
	r.Rows.Close()
	r.err = r.results.Close()
}

// Err satisfies pgx.Rows.
func (r *firstRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// QueryRow satisfies pgx.Tx.
func (t *transaction) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if len(t.waiting) == 0 && !t.ended {
		return t.conn.QueryRow(ctx, sql, args...)
	}
	rows, err := t.Query(ctx, sql, args...)
	return &firstRow{rows: rows, err: err}
}

// SendBatch satisfies pgx.Tx.
func (t *transaction) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if t.ended {
		return pgx.FailedBatchResults(b, pgx.ErrTxClosed)
	}
	return t.trip(ctx, Trip(nil).with(b)...)
}

// sendLast sends the transaction's last statements with its end. After an error the transaction is still to be rolled
// back.
func (t *transaction) sendLast(ctx context.Context, b *pgx.Batch, read func(pgx.BatchResults) error) error {
	if t.ended {
		return pgx.ErrTxClosed
	}
	if !t.waiting.failByThemselves() { // judged before the end
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	results := t.trip(ctx, append(Trip(nil).with(b), plainly("commit")...)...)
	err := read(results)
	closed := results.Close()
	t.ended = closed == nil
	if err == nil {
		err = closed
	}
	return err
}

// Commit satisfies pgx.Tx. A transaction in which nothing was sent costs nothing.
func (t *transaction) Commit(ctx context.Context) error {
	switch {
	case t.ended:
		return pgx.ErrTxClosed
	case !t.used:
		t.ended = true
		return nil
	case len(t.waiting) > 0: // it may fail, and then there is still to be rolled back
		return t.sendLast(ctx, &pgx.Batch{}, func(pgx.BatchResults) error { return nil })
	}
	t.ended = true
	tag, err := t.conn.Exec(ctx, "commit")
	if err == nil && tag.String() == "ROLLBACK" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// Rollback satisfies pgx.Tx.
func (t *transaction) Rollback(ctx context.Context) error {
	if t.ended {
		return pgx.ErrTxClosed
	}
	t.ended = true
	if !t.used {
		return nil
	}
	if _, err := t.conn.Exec(ctx, "rollback"); err != nil {
		return errors.Join(fmt.Errorf("rolling back: %w", err), t.conn.Conn().Close(ctx))
	}
	return nil
}

// CopyFrom satisfies pgx.Tx.
func (t *transaction) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, from pgx.CopyFromSource) (int64, error) {
	if err := t.flush(ctx); err != nil {
		return 0, err
	}
	return t.conn.CopyFrom(ctx, table, columns, from)
}

// Prepare satisfies pgx.Tx.
func (t *transaction) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	if err := t.flush(ctx); err != nil {
		return nil, err
	}
	return t.conn.Conn().Prepare(ctx, name, sql)
}

// LargeObjects satisfies pgx.Tx; nothing of ours has any.
func (t *transaction) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Conn satisfies pgx.Tx.
func (t *transaction) Conn() *pgx.Conn { return t.conn.Conn() }

// Begin satisfies pgx.Tx with a savepoint.
func (t *transaction) Begin(ctx context.Context) (pgx.Tx, error) {
	if err := t.flush(ctx); err != nil {
		return nil, err
	}
	t.saved++
	name := "sp_" + strconv.Itoa(t.saved)
	if _, err := t.conn.Exec(ctx, "savepoint "+name); err != nil {
		return nil, fmt.Errorf("making a savepoint: %w", err)
	}
	return &savepoint{transaction: t, name: name}, nil
}

// savepoint is a part of a transaction that can be undone by itself.
type savepoint struct {
	*transaction
	name string
	done bool
}

// Commit satisfies pgx.Tx.
func (s *savepoint) Commit(ctx context.Context) error { return s.end(ctx, "release savepoint "+s.name) }

// Rollback satisfies pgx.Tx.
func (s *savepoint) Rollback(ctx context.Context) error {
	return s.end(ctx, "rollback to savepoint "+s.name)
}

func (s *savepoint) end(ctx context.Context, sql string) error {
	if s.done {
		return pgx.ErrTxClosed
	}
	s.done = true
	_, err := s.Exec(ctx, sql)
	return err
}
