package bench

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"akashi/internal/pg"
	"akashi/internal/publicid"
)

// replay sends a script again and again. Whatever the recorded case had made (ids, receipt numbers, digests, the
// registration number) is fresh in each repetition, so that every insert inserts and every update finds its row; what was
// there before (staff, sessions, definitions) stays.
type replay struct {
	script    script
	pools     map[string]*pgxpool.Pool
	kept      map[uuid.UUID]bool // ids that were there before
	known     [][]uuid.UUID      // others, of which each repetition has one group in place of the first
	sessions  [][]byte           // hashes of the recorded sessions
	admin     *pgxpool.Pool
	next      atomic.Int64 // registration numbers
	different atomic.Int64 // statements that wrote another number of rows
}

// firstNumber is far above every registration number that was given in the run.
const firstNumber = 10_000_000

func (s *site) newReplay(ctx context.Context, made script, known [][]uuid.UUID) (*replay, error) {
	r := &replay{script: made, known: known, admin: s.admin.Pool, pools: map[string]*pgxpool.Pool{}, kept: map[uuid.UUID]bool{}}
	r.next.Store(firstNumber)
	for _, u := range made {
		if r.pools[u.role] == nil {
			db, err := s.db.As(ctx, u.role, int32(s.Clients))
			if err != nil {
				return nil, err
			}
			r.pools[u.role] = db.Pool
		}
	}
	rows, err := s.admin.Pool.Query(ctx, `select id from staff`)
	if err != nil {
		return nil, faultIf(err, "reading the staff")
	}
	staff, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, faultIf(err, "reading the staff")
	}
	for _, id := range staff {
		r.kept[id] = true
	}
	rows, err = s.admin.Pool.Query(ctx, `select token_hash from session where token_hash = any($1)`, made.digests())
	if err != nil {
		return nil, faultIf(err, "reading the sessions")
	}
	if r.sessions, err = pgx.CollectRows(rows, pgx.RowTo[[]byte]); err != nil {
		return nil, faultIf(err, "reading the sessions")
	}
	return r, nil
}

// digests are the arguments that may be hashes of sessions.
func (s script) digests() (all [][]byte) {
	for _, u := range s {
		for _, t := range u.trips {
			for _, statement := range t {
				for _, a := range statement.args {
					if b, is := a.([]byte); is && len(b) == 32 {
						all = append(all, b)
					}
				}
			}
		}
	}
	return all
}

// run repeats the script from several goroutines for a time.
func (r *replay) run(ctx context.Context, clients int, limit time.Duration) (int, error) {
	end := time.Now().Add(limit)
	var done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range clients {
		g.Go(func() error {
			fresh, err := r.newFresh(ctx)
			if err != nil {
				return err
			}
			for time.Now().Before(end) {
				fresh.again()
				for _, u := range r.script {
					if err := r.play(ctx, u, fresh); err != nil {
						return err
					}
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := g.Wait()
	return int(done.Load()), err
}

// play sends one unit, and sends it again when the database asks for that, as the program does: here whoever takes the
// next case of the inbox locks somebody else's and goes on with their own, so that two may wait for each other.
func (r *replay) play(ctx context.Context, u unit, f *fresh) error {
	for {
		err := r.try(ctx, u, f)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != deadlock && refused.ConstraintName != placeDrawn {
			return err
		}
	}
}

// deadlock is deadlock_detected; placeDrawn says that a place in a status list was drawn twice.
const (
	deadlock   = "40P01"
	placeDrawn = "status_slot_drawn"
)

// try sends one unit over one connection.
func (r *replay) try(ctx context.Context, u unit, f *fresh) error {
	conn, err := r.pools[u.role].Acquire(ctx)
	if err != nil {
		return faultIf(err, "taking a connection")
	}
	defer conn.Release()
	for _, t := range u.trips {
		if err := r.send(ctx, conn.Conn(), t, f); err != nil {
			_, rollback := conn.Exec(ctx, "rollback")
			return errors.Join(err, rollback)
		}
	}
	return nil
}

// send sends a trip as the program does: what opens and ends a transaction as it is, the rest prepared.
func (r *replay) send(ctx context.Context, conn *pgx.Conn, t trip, f *fresh) error {
	if len(t) == 1 && !t[0].plain() {
		rows, err := conn.Query(ctx, t[0].sql, f.args(t[0])...)
		return r.check(t[0], rows, err)
	}
	out := make(pg.Trip, len(t))
	for i, s := range t {
		if out[i] = (pg.Statement{SQL: s.sql, Plain: s.plain()}); s.plain() {
			out[i].SQL = f.text(s.sql)
		} else {
			out[i].Args = f.args(s)
		}
	}
	results := out.Send(ctx, conn, 0, nil)
	for _, s := range t {
		rows, err := results.Query()
		if err := r.check(s, rows, err); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	return faultIf(results.Close(), "sending a trip again")
}

// check reads every row to its end and compares what was written.
func (r *replay) check(s statement, rows pgx.Rows, err error) error {
	if err != nil {
		return fmt.Errorf("sending %.80q again: %w", s.sql, err)
	}
	for rows.Next() {
		rows.RawValues()
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("sending %.80q again: %w", s.sql, err)
	}
	if s.rows >= 0 && rows.CommandTag().RowsAffected() != s.rows {
		r.different.Add(1)
	}
	return nil
}

// fresh makes the values of one repetition.
type fresh struct {
	*replay
	constant map[string][]byte // what stays the same for one client: its sessions
	ids      map[uuid.UUID]uuid.UUID
	texts    map[string]string
	bytes    map[string][]byte
	number   int64
}

// newFresh gives one client sessions of its own.
func (r *replay) newFresh(ctx context.Context) (*fresh, error) {
	f := &fresh{replay: r, constant: map[string][]byte{}}
	for _, hash := range r.sessions {
		own := random(len(hash))
		f.constant[string(hash)] = own
		_, err := r.admin.Exec(ctx, `
			insert into session (portal, token_hash, data, expires_at) select portal, $2, data, expires_at from session where token_hash = $1`, hash, own)
		if err != nil {
			return nil, faultIf(err, "making a session")
		}
	}
	return f, nil
}

func (f *fresh) again() {
	f.ids, f.texts, f.bytes = map[uuid.UUID]uuid.UUID{}, map[string]string{}, maps.Clone(f.constant)
	f.number = f.next.Add(1)
	if len(f.known) > 0 {
		for i, id := range f.known[int(f.number)%len(f.known)] {
			f.ids[f.known[0][i]] = id
		}
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = crand.Read(b) // it never fails (crypto/rand)
	return b
}

func (f *fresh) id(old uuid.UUID) uuid.UUID {
	if f.kept[old] || old == uuid.Nil {
		return old
	}
	if _, known := f.ids[old]; !known {
		f.ids[old] = pg.NewID()
	}
	return f.ids[old]
}

// Shapes of ids within texts: our own, those of events and orders at the payment provider, receipt numbers.
var (
	uuidShape    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	foreignShape = regexp.MustCompile(`^[a-z]{2,6}_[A-Za-z0-9]{8,}$`)
)

// text replaces the ids in a text.
func (f *fresh) text(old string) string {
	if len(old) > 4096 {
		return old
	}
	if _, code, err := publicid.Parse(old); err == nil {
		return f.once(old, func() string { return publicid.New(code) })
	}
	if foreignShape.MatchString(old) {
		return f.once(old, func() string { return old[:4] + fmt.Sprintf("%x", random(12)) })
	}
	return uuidShape.ReplaceAllStringFunc(old, func(s string) string {
		id, err := uuid.Parse(s)
		if err != nil {
			return s
		}
		return f.id(id).String()
	})
}

func (f *fresh) once(old string, make func() string) string {
	if _, known := f.texts[old]; !known {
		f.texts[old] = make()
	}
	return f.texts[old]
}

// args are a statement's arguments with fresh values.
func (f *fresh) args(s statement) []any {
	out := make([]any, len(s.args))
	for i, a := range s.args {
		out[i] = f.value(a)
	}
	switch {
	case strings.Contains(s.sql, "insert into entry ("): // number and ordinal
		out[3], out[5] = strconv.FormatInt(f.number, 10), f.number
	case strings.Contains(s.sql, "insert into work_count"): // slot
		out[3] = int(f.number) % 16
	case strings.Contains(s.sql, "insert into status_slot"): // place
		out[2] = rand.IntN(benchPlaces)
	}
	return out
}

func (f *fresh) value(a any) any {
	switch v := a.(type) {
	case uuid.UUID:
		return f.id(v)
	case *uuid.UUID:
		if v == nil {
			return v
		}
		id := f.id(*v)
		return &id
	case []uuid.UUID:
		out := make([]uuid.UUID, len(v))
		for i := range v {
			out[i] = f.id(v[i])
		}
		return out
	case string:
		return f.text(v)
	case *string:
		if v == nil {
			return v
		}
		text := f.text(*v)
		return &text
	case []byte:
		return f.blob(v)
	}
	return a
}

// blob replaces digests and salts, and the ids in JSON.
func (f *fresh) blob(old []byte) []byte {
	if known, is := f.bytes[string(old)]; is {
		return known
	}
	if len(old) == 16 || len(old) == 32 {
		f.bytes[string(old)] = random(len(old))
		return f.bytes[string(old)]
	}
	if len(old) > 0 && len(old) < 4096 && (old[0] == '{' || old[0] == '[') {
		return []byte(f.text(string(old)))
	}
	return old
}
