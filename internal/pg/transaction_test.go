package pg_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
)

// ears hears how many round trips batches made, and of what.
type ears struct {
	mu    sync.Mutex
	trips [][]string
}

func (e *ears) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trips = append(e.trips, []string{d.SQL})
	return ctx
}

func (e *ears) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (e *ears) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	var trip []string
	for _, q := range d.Batch.QueuedQueries {
		trip = append(trip, q.SQL)
	}
	e.trips = append(e.trips, trip)
	return ctx
}

func (e *ears) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (e *ears) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// traced opens a test's database with ears.
func traced(t *testing.T, role string) (*pg.DB, *ears) {
	t.Helper()
	e := &ears{}
	db, err := pg.OpenTraced(t.Context(), pgtest.New(t).DSN(role), clock.System{}, 2, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, e
}

const askDoor = `select coalesce(current_setting('app.door', true), '')`

// doorOf reads the door through the way in which send sends a batch.
func doorOf(t *testing.T, db *pg.DB, send func(*pg.Batch, *pg.Tx) error) string {
	t.Helper()
	var found []string
	err := db.Public(t.Context(), func(tx *pg.Tx) error {
		var b pg.Batch
		pg.ReadBy(&b, &found, pgx.RowTo[string], "reading the door", askDoor)
		return send(&b, tx)
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("reading the door: %v, %v", found, err)
	}
	return found[0]
}

// TestBeginningTravels: a transaction takes the round trips of its statements and one for its end; with SendLast none for
// its end.
func TestBeginningTravels(t *testing.T) {
	t.Parallel()
	db, e := traced(t, pg.RolePublic)
	begin := []string{"begin", "set local app.door = 'public'"}
	for name, c := range map[string]struct {
		send func(*pg.Batch, *pg.Tx) error
		want [][]string
	}{
		"send":      {func(b *pg.Batch, tx *pg.Tx) error { return b.Send(t.Context(), tx) }, [][]string{append(slices.Clone(begin), askDoor), {"commit"}}},
		"send last": {func(b *pg.Batch, tx *pg.Tx) error { return b.SendLast(t.Context(), tx) }, [][]string{append(slices.Clone(begin), askDoor, "commit")}},
	} {
		e.trips = nil
		if got := doorOf(t, db, c.send); got != "public" {
			t.Errorf("%s: the door is %q", name, got)
		}
		if !slices.EqualFunc(e.trips, c.want, slices.Equal) {
			t.Errorf("%s: trips %q, want %q", name, e.trips, c.want)
		}
	}
	e.trips = nil
	if err := db.Public(t.Context(), func(*pg.Tx) error { return nil }); err != nil || len(e.trips) != 0 {
		t.Errorf("a transaction without statements: %v, trips %q", err, e.trips)
	}
}

// TestFirstStatements: whatever a transaction begins with goes through its door and is undone with it.
func TestFirstStatements(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).As(pg.RoleWorker)
	add := `insert into staff (id, subject, name, active) values ($1, $2, 'b', true)`
	undo := errors.New("undo")
	for name, first := range map[string]func(*pg.Tx) error{
		"exec": func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), add, pg.NewID(), "exec")
			return err
		},
		"plain exec": func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into staff (id, subject, name, active) values (gen_random_uuid(), 'plain', 'b', true)`)
			return err
		},
		"query": func(tx *pg.Tx) error {
			rows, err := tx.Query(t.Context(), add+" returning id", pg.NewID(), "query")
			if err != nil {
				return err
			}
			_, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[[16]byte])
			return err
		},
		"row": func(tx *pg.Tx) error {
			var id [16]byte
			return tx.QueryRow(t.Context(), add+" returning id", pg.NewID(), "row").Scan(&id)
		},
		"batch": func(tx *pg.Tx) error {
			var b pg.Batch
			b.ExecOne("adding", add, pg.NewID(), "batch")
			return b.Send(t.Context(), tx)
		},
		"savepoint": func(tx *pg.Tx) error {
			return pgx.BeginFunc(t.Context(), tx, func(inner pgx.Tx) error {
				_, err := inner.Exec(t.Context(), add, pg.NewID(), "savepoint")
				return err
			})
		},
	} {
		for _, end := range []error{undo, nil} {
			var door string
			err := db.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
				if err := first(tx); err != nil {
					return err
				}
				return errors.Join(tx.QueryRow(t.Context(), askDoor).Scan(&door), end)
			})
			if !errors.Is(err, end) || door != "registrar" {
				t.Errorf("%s: %v, door %q", name, err, door)
			}
		}
	}
	n, err := pg.Ask(t.Context(), db, pgx.RowTo[int], `select count(*)::int from staff where name = 'b'`)
	if err != nil || n[0] != 6 {
		t.Errorf("%v rows, want one for each committed transaction: %v", n, err)
	}
}

// TestFirstStatementFails: the error comes out as it is, nothing stays, and the connection serves on without a door.
func TestFirstStatementFails(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).As(pg.RolePublic)
	divide := `select 1 / (select count(*)::int from signing_key)`
	for name, first := range map[string]func(*pg.Tx) error{
		"row": func(tx *pg.Tx) error { return tx.QueryRow(t.Context(), divide).Scan(new(int)) },
		"query": func(tx *pg.Tx) error {
			rows, err := tx.Query(t.Context(), divide)
			if err != nil {
				return err
			}
			_, err = pgx.CollectRows(rows, pgx.RowTo[int])
			return err
		},
		"exec":    func(tx *pg.Tx) error { _, err := tx.Exec(t.Context(), divide+" + $1", 1); return err },
		"unknown": func(tx *pg.Tx) error { _, err := tx.Exec(t.Context(), "select nothing + $1", 1); return err },
		"batch": func(tx *pg.Tx) error {
			var b pg.Batch
			b.Exec("dividing", divide)
			return b.Send(t.Context(), tx)
		},
		"last": func(tx *pg.Tx) error {
			var b pg.Batch
			pg.ReadBy(&b, new([]int), pgx.RowTo[int], "dividing", divide)
			return b.SendLast(t.Context(), tx)
		},
	} {
		want := "division by zero"
		if name == "unknown" {
			want = `column "nothing" does not exist`
		}
		if err := db.Public(t.Context(), first); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if got := doorOf(t, db, func(b *pg.Batch, tx *pg.Tx) error { return b.SendLast(t.Context(), tx) }); got != "public" {
			t.Errorf("%s: afterwards the door is %q", name, got)
		}
		if outside, err := pg.Ask(t.Context(), db, pgx.RowTo[string], askDoor); err != nil || outside[0] != "" {
			t.Errorf("%s: outside a transaction the door is %q, %v", name, outside, err)
		}
	}
	var none int
	if err := db.Public(t.Context(), func(tx *pg.Tx) error {
		return tx.QueryRow(t.Context(), `select 1 where $1::int = 0`, 1).Scan(&none)
	}); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("a first row that is not there: %v", err)
	}
}

// TestSendLater: what has no answer goes with the next statements, at the latest with the end, and fails the act there.
func TestSendLater(t *testing.T) {
	t.Parallel()
	db, e := traced(t, pg.RoleWorker)
	add := `insert into staff (id, subject, name, active) values ($1, $2, 'later', true)`
	later := func(tx *pg.Tx, subject string) error {
		var b pg.Batch
		b.Exec("adding", add, pg.NewID(), subject)
		return b.SendLater(t.Context(), tx)
	}
	count := `select count(*)::int from staff where name = $1`
	var seen int
	err := db.Platform(t.Context(), func(tx *pg.Tx) error {
		if err := later(tx, "one"); err != nil {
			return err
		}
		if err := tx.QueryRow(t.Context(), count, "later").Scan(&seen); err != nil {
			return err
		}
		return later(tx, "two")
	})
	if want := [][]string{{"begin", add, count}, {add, "commit"}}; err != nil || seen != 1 || !slices.EqualFunc(e.trips, want, slices.Equal) {
		t.Errorf("%v, saw %d, trips %q, want %q", err, seen, e.trips, want)
	}
	if err := db.Platform(t.Context(), func(tx *pg.Tx) error { return later(tx, "alone") }); err != nil {
		t.Error(err)
	}
	judged := func(tx *pg.Tx) error {
		var b pg.Batch
		b.ExecOne("switching off", `update staff set active = false where subject = $1`, "nobody")
		return errors.Join(later(tx, "undone"), b.SendLater(t.Context(), tx))
	}
	if err := db.Platform(t.Context(), judged); !errors.Is(err, fault.Conflict) {
		t.Errorf("no row instead of one, at the end: %v", err)
	}
	if err := db.Platform(t.Context(), func(tx *pg.Tx) error {
		return errors.Join(judged(tx), tx.QueryRow(t.Context(), count, "later").Scan(&seen))
	}); !errors.Is(err, fault.Conflict) {
		t.Errorf("no row instead of one, with the next statement: %v", err)
	}
	undo := errors.New("undo")
	if err := db.Platform(t.Context(), func(tx *pg.Tx) error { return errors.Join(later(tx, "undone"), undo) }); !errors.Is(err, undo) {
		t.Errorf("%v, want the error of the act", err)
	}
	for _, next := range []string{"", count} {
		err := db.Platform(t.Context(), func(tx *pg.Tx) error {
			if err := errors.Join(later(tx, "both"), later(tx, "one")); err != nil || next == "" {
				return err
			}
			return tx.QueryRow(t.Context(), next, "later").Scan(&seen)
		})
		if !pg.Violates(err, "staff_unique_subject") {
			t.Errorf("with the next statement %q: %v", next, err)
		}
	}
	found, err := pg.Ask(t.Context(), db, pgx.RowTo[string], `select subject from staff where name = 'later' order by subject`)
	if err != nil || !slices.Equal(found, []string{"alone", "one", "two"}) {
		t.Errorf("there are %q, %v", found, err)
	}
}

// TestSendLast: what cannot fail by itself and must be judged before the end is refused, and after the end there is no transaction.
func TestSendLast(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).As(pg.RoleWorker)
	err := db.Platform(t.Context(), func(tx *pg.Tx) error {
		var b pg.Batch
		b.ExecOne("adding", `insert into staff (id, subject, name, active) values ($1, 'judged', 'b', true)`, pg.NewID())
		return b.SendLast(t.Context(), tx)
	})
	if !errors.Is(err, fault.Internal) {
		t.Errorf("a judged statement: %v", err)
	}
	err = db.Platform(t.Context(), func(tx *pg.Tx) error {
		var b pg.Batch
		b.Exec("adding", `insert into staff (id, subject, name, active) values ($1, 'last', 'b', true)`, pg.NewID())
		if err := b.SendLast(t.Context(), tx); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `delete from staff where subject = 'last'`)
		return err
	})
	if !errors.Is(err, pgx.ErrTxClosed) {
		t.Errorf("a statement after the end: %v", err)
	}
	n, err := pg.Ask(t.Context(), db, pgx.RowTo[int], `select count(*)::int from staff where subject = 'last'`)
	if err != nil || n[0] != 1 {
		t.Errorf("%v rows, want the one that was committed: %v", n, err)
	}
}

// TestOneRowWithTheEnd: an update that must touch one row travels with the transaction's end, and where it touches none or several
// nothing of the transaction is committed, neither what came before nor what came behind it.
func TestOneRowWithTheEnd(t *testing.T) {
	t.Parallel()
	db, e := traced(t, pg.RoleWorker)
	add := `insert into staff (id, subject, name, active) values ($1, $2, 'crew', true)`
	change := `update staff set active = false where name = 'crew' and subject like $1`
	lone := "with touched as (" + change + " returning 1) select 1 / (count(*) = 1)::int from touched"
	for _, subject := range []string{"a1", "b1", "b2"} {
		if err := db.Platform(t.Context(), func(tx *pg.Tx) error { _, err := tx.Exec(t.Context(), add, pg.NewID(), subject); return err }); err != nil {
			t.Fatal(err)
		}
	}
	type send func(*pg.Batch, *pg.Tx) error
	last := func(b *pg.Batch, tx *pg.Tx) error { return b.SendLast(t.Context(), tx) }
	later := func(b *pg.Batch, tx *pg.Tx) error { return b.SendLater(t.Context(), tx) }
	for _, c := range []struct {
		name, pattern string
		send          send
		ok            bool
	}{
		{"none, last", "c%", last, false}, {"none, later", "c%", later, false}, {"two, last", "b%", last, false}, {"two, later", "b%", later, false},
		{"one, last", "a%", last, true}, {"one, later", "a%", later, true},
	} {
		e.trips = nil
		err := db.Platform(t.Context(), func(tx *pg.Tx) error {
			var b pg.Batch
			b.Exec("adding before", add, pg.NewID(), "before "+c.name)
			b.ExecOne("switching off", change, c.pattern)
			b.Exec("adding behind", add, pg.NewID(), "behind "+c.name)
			return c.send(&b, tx)
		})
		want := [][]string{{"begin", add, lone, add, "commit"}}
		if !c.ok {
			want = append(want, []string{"rollback"})
		}
		if c.ok != (err == nil) || err != nil && (!errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "switching off")) || !slices.EqualFunc(e.trips, want, slices.Equal) {
			t.Errorf("%s: %v, trips %q, want %q", c.name, err, e.trips, want)
		}
		n, err := pg.Ask(t.Context(), db, pgx.RowTo[int], `select count(*)::int from staff where subject in ('before ' || $1, 'behind ' || $1)`, c.name)
		if err != nil || (n[0] == 2) != c.ok || !c.ok && n[0] != 0 {
			t.Errorf("%s: %d rows of the transaction are there, %v", c.name, n, err)
		}
		if got := doorOf(t, db, last); got != "public" {
			t.Errorf("%s: afterwards the door is %q", c.name, got)
		}
	}
	if err := db.Platform(t.Context(), func(tx *pg.Tx) error {
		var b pg.Batch
		b.ExecOne("dividing", `update staff set active = 1 / (select count(*)::int from staff where name = $1) > 0 where name = 'crew' and subject = 'a1'`, "nobody")
		return b.SendLast(t.Context(), tx)
	}); err == nil {
		t.Error("a division by zero of the statement's own was committed")
	}
	active, err := pg.Ask(t.Context(), db, pgx.RowTo[string], `select subject from staff where name = 'crew' and length(subject) = 2 and active order by subject`)
	if err != nil || !slices.Equal(active, []string{"b1", "b2"}) {
		t.Errorf("active are %q, %v", active, err)
	}
}
