package pg

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Statement is one statement on its way to the database.
type Statement struct {
	SQL  string
	Args []any
	// Plain statements are sent as they are. A literal "set local" of an id is another text each time; to prepare it would cost a
	// round trip of its own and fill the connection's memory. Only those that stand everywhere are prepared all the same.
	Plain bool

	check check // of an answer that nobody waits for
}

// plainly makes plain statements.
func plainly(sql ...string) []Statement {
	out := make([]Statement, len(sql))
	for i := range sql {
		out[i] = Statement{SQL: sql[i], Plain: true, check: check{doing: sql[i]}}
	}
	return out
}

// everywhere are the statements that begin and end transactions, and say which door is opened. PostgreSQL takes as long to read one
// as to run it.
var everywhere = map[string]bool{
	"begin": true, "commit": true, "set local app.door = 'registrar'": true, "set local app.door = 'body'": true,
	"set local app.door = 'person'": true, "set local app.door = 'relying'": true, "set local app.door = 'public'": true,
}

// Trip is what travels to the database and back at once.
type Trip []Statement

// failByThemselves makes those that must touch exactly one row fail where they do not; false when one cannot be made so, and none is.
func (t Trip) failByThemselves() bool {
	for _, s := range t {
		if s.check.one {
			if _, ok := byItself(s.SQL); !ok {
				return false
			}
		}
	}
	for i := range t {
		if t[i].check.one {
			t[i].SQL, t[i].check.byItself = byItself(t[i].SQL)
		}
	}
	return true
}

// with adds the statements of a batch.
func (t Trip) with(b *pgx.Batch) Trip {
	for _, q := range b.QueuedQueries {
		t = append(t, Statement{SQL: q.SQL, Args: q.Arguments})
	}
	return t
}

// Send sends the trip over conn. The results are those after the first skip statements, whose answers nobody asks for;
// Close reads what is left. tracer hears of every statement; nil: nobody does.
func (t Trip) Send(ctx context.Context, conn *pgx.Conn, skip int, tracer pgx.BatchTracer) pgx.BatchResults {
	r := &tripResults{ctx: ctx, conn: conn, skip: skip, tracer: tracer, sent: t}
	if tracer != nil {
		r.ctx = tracer.TraceBatchStart(ctx, conn, pgx.TraceBatchStartData{Batch: t.batch()})
	}
	plans, err := t.prepare(ctx, conn)
	if err != nil {
		r.err = err
		return r
	}
	r.pipeline = conn.PgConn().StartPipeline(ctx)
	r.err = t.write(conn, r.pipeline, plans)
	return r
}

// batch is the trip as a tracer is told of it.
func (t Trip) batch() *pgx.Batch {
	b := &pgx.Batch{}
	for _, s := range t {
		b.Queue(s.SQL, s.Args...)
	}
	return b
}

// prepare looks the statements' plans up; what the connection has never sent is prepared, once.
func (t Trip) prepare(ctx context.Context, conn *pgx.Conn) ([]*pgconn.StatementDescription, error) {
	plans := make([]*pgconn.StatementDescription, len(t))
	for i, s := range t {
		if s.Plain && !everywhere[s.SQL] {
			continue
		}
		var err error
		if plans[i], err = conn.Prepare(ctx, s.SQL, s.SQL); err != nil {
			return nil, fmt.Errorf("preparing %.80q: %w", s.SQL, err)
		}
	}
	return plans, nil
}

func (t Trip) write(conn *pgx.Conn, p *pgconn.Pipeline, plans []*pgconn.StatementDescription) error {
	var values pgx.ExtendedQueryBuilder
	for i, s := range t {
		if plans[i] == nil {
			p.SendQueryParams(s.SQL, nil, nil, nil, nil)
			continue
		}
		if err := values.Build(conn.TypeMap(), plans[i], s.Args); err != nil {
			return fmt.Errorf("writing the values of %.80q: %w", s.SQL, err)
		}
		// The pipeline keeps the result formats until it reads, and the builder uses their memory again.
		p.SendQueryStatement(plans[i], values.ParamValues, values.ParamFormats, append([]int16(nil), values.ResultFormats...))
	}
	return p.Sync()
}

// tripResults reads a trip's answers in order.
type tripResults struct {
	ctx      context.Context
	conn     *pgx.Conn
	tracer   pgx.BatchTracer
	pipeline *pgconn.Pipeline // nil when nothing was sent
	sent     Trip
	at, skip int      // answers that were read; those that nobody asks for, at the beginning
	rows     pgx.Rows // of the last Query
	err      error    // the first; after it there are no answers
	closed   bool
}

var errNoMoreResults = errors.New("no more results in the trip")

// next begins the next answer.
func (r *tripResults) next() (*pgconn.ResultReader, error) {
	r.finishRows()
	switch {
	case r.err != nil:
		return nil, r.err
	case r.closed || r.at == len(r.sent):
		return nil, errNoMoreResults
	}
	r.at++
	got, err := r.pipeline.GetResults()
	if err != nil {
		return nil, r.fail(err)
	}
	reader, ok := got.(*pgconn.ResultReader)
	if !ok {
		return nil, r.fail(fmt.Errorf("unexpected answer %T", got))
	}
	return reader, nil
}

func (r *tripResults) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	return r.err
}

// skipFirst judges the answers that nobody waits for.
func (r *tripResults) skipFirst() {
	for r.skip > 0 && r.err == nil {
		r.skip--
		check := r.sent[r.at].check
		r.err = check.judge(r.exec())
	}
}

func (r *tripResults) exec() (pgconn.CommandTag, error) {
	reader, err := r.next()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := reader.Close()
	if err != nil {
		r.err = err
	}
	r.trace(tag)
	return tag, err
}

// Exec satisfies pgx.BatchResults.
func (r *tripResults) Exec() (pgconn.CommandTag, error) {
	r.skipFirst()
	return r.exec()
}

// Query satisfies pgx.BatchResults; the rows are nil after an error.
func (r *tripResults) Query() (pgx.Rows, error) {
	r.skipFirst()
	reader, err := r.next()
	if err != nil {
		return nil, err
	}
	r.rows = pgx.RowsFromResultReader(r.conn.TypeMap(), reader)
	return r.rows, nil
}

// QueryRow satisfies pgx.BatchResults.
func (r *tripResults) QueryRow() pgx.Row {
	rows, err := r.Query()
	return &firstRow{rows: rows, err: err}
}

// finishRows ends the reading of the last Query.
func (r *tripResults) finishRows() {
	if r.rows == nil {
		return
	}
	r.rows.Close()
	if err := r.rows.Err(); err != nil {
		_ = r.fail(err) // kept in r
	}
	r.trace(r.rows.CommandTag())
	r.rows = nil
}

func (r *tripResults) trace(tag pgconn.CommandTag) {
	if r.tracer != nil {
		q := r.sent[r.at-1]
		r.tracer.TraceBatchQuery(r.ctx, r.conn, pgx.TraceBatchQueryData{SQL: q.SQL, Args: q.Args, CommandTag: tag, Err: r.err})
	}
}

// Close reads what nobody has read and returns the first error.
func (r *tripResults) Close() error {
	if r.closed {
		return r.err
	}
	r.skipFirst()
	r.finishRows()
	for r.err == nil && r.at < len(r.sent) {
		_, _ = r.exec() // an error stays in r
	}
	r.closed = true
	if r.pipeline != nil {
		if err := r.pipeline.Close(); err != nil {
			_ = r.fail(err) // kept in r
		}
	}
	if r.tracer != nil {
		r.tracer.TraceBatchEnd(r.ctx, r.conn, pgx.TraceBatchEndData{Err: r.err})
	}
	return r.err
}

// Tx satisfies pgx.BatchResults.
func (r *tripResults) Tx() pgx.Tx { return nil }

// firstRow is the one row of a query.
type firstRow struct {
	rows pgx.Rows
	err  error
}

// Scan satisfies pgx.Row.
func (r *firstRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
