// Package pg opens transactions on PostgreSQL for somebody: a registrar, a body that holds a case, a person, a registered
// verifier, or the public. There is no way to reach a protected row without saying for whom, because row-level security compares each row
// with what the door has set, and an unset door sees nothing.
//
// The doors set their values by a literal "set local", because set_config() would not reach the workers of a distributed
// cluster. Beginning and door travel with the transaction's first statements: a round trip of their own would cost more
// than the policies do.
package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"akashi/internal/clock"
	"akashi/internal/fault"
)

// Roles of the database, least privilege each. They are made by Bootstrap, once per cluster.
const (
	RoleOwner    = "akashi_owner"    // owns the tables; migrations run as it
	RoleCitizen  = "akashi_citizen"  // the citizen portal
	RoleOffice   = "akashi_office"   // the console of registrars' staff
	RolePublic   = "akashi_public"   // the verification page and API: status without names
	RoleIssuance = "akashi_issuance" // issuance to wallets: what one reference holds at one registrar
	RoleWorker   = "akashi_worker"   // jobs: outside systems, signing, sequencing
	RoleRelying  = "akashi_relying"  // the API for registered verifiers: what they sent, and nobody's name
	RoleStatus   = "akashi_status"   // publishes status lists; signs no credential and sees no name
)

// DB is a pool of connections under one role.
type DB struct {
	Pool  *pgxpool.Pool
	Clock clock.Clock

	tracer pgx.BatchTracer // hears of what travels in batches; nil: nobody does
}

// Tx is a transaction that knows the time. Rules take their time from it, never from SQL.
type Tx struct {
	pgx.Tx
	Now time.Time
}

// Person names whose door is opened: the person's own id, and the reference by which one registrar knows the person.
// Ref may be uuid.Nil where only the person's own tables are read.
type Person struct {
	ID  uuid.UUID
	Ref uuid.UUID
}

// Open connects to dsn. Every connection runs with a statement timeout, so that no page can hold the database.
func Open(ctx context.Context, dsn string, c clock.Clock, maxConns int32) (*DB, error) {
	return OpenTraced(ctx, dsn, c, maxConns, nil)
}

// OpenTraced is Open with a tracer that hears of every statement, for measurements; nil is none.
func OpenTraced(ctx context.Context, dsn string, c clock.Clock, maxConns int32, tracer pgx.QueryTracer) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "--database is an address such as postgres://host/akashi")
	}
	cfg.MaxConns, cfg.ConnConfig.Tracer = maxConns, tracer
	if cfg.ConnConfig.RuntimeParams == nil {
		cfg.ConnConfig.RuntimeParams = map[string]string{}
	}
	for k, v := range settings(cfg.ConnConfig.User) {
		if _, set := cfg.ConnConfig.RuntimeParams[k]; !set {
			cfg.ConnConfig.RuntimeParams[k] = v
		}
	}
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		registerUUID(c.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	batches, _ := tracer.(pgx.BatchTracer)
	return &DB{Pool: pool, Clock: c, tracer: batches}, nil
}

// settings are those of a role's connections. The portals' statements find rows by their keys, and searches walk an index
// in its order, so that one plan is good for all values: planning each time took as long as running.
func settings(role string) map[string]string {
	all := map[string]string{
		"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s", "timezone": "Asia/Tokyo",
	}
	if role == RoleCitizen || role == RoleOffice || role == RolePublic || role == RoleIssuance || role == RoleRelying {
		all["plan_cache_mode"] = "force_generic_plan"
	}
	return all
}

// Close waits for running transactions and closes the pool.
func (db *DB) Close() { db.Pool.Close() }

// InRegistrar runs f for a registrar: its registers, their cases and entries, and nothing of another registrar.
func (db *DB) InRegistrar(ctx context.Context, registrar string, f func(*Tx) error) error {
	return db.in(ctx, f, setting{"door", "registrar"}, setting{"registrar", registrar})
}

// InBody runs f for the body that holds the current step of a case: its work items and the cases behind them.
func (db *DB) InBody(ctx context.Context, body string, f func(*Tx) error) error {
	return db.in(ctx, f, setting{"door", "body"}, setting{"body", body})
}

// InPerson runs f for a person: the person's own tables, and of one registrar's tables what is filed under p.Ref. Without
// a reference nothing of any registrar is there, also not what is filed under nobody's.
func (db *DB) InPerson(ctx context.Context, p Person, f func(*Tx) error) error {
	settings := []setting{{"door", "person"}, {"person", p.ID.String()}}
	if p.Ref != uuid.Nil {
		settings = append(settings, setting{"person_ref", p.Ref.String()})
	}
	return db.in(ctx, f, settings...)
}

// InRelying runs f for a registered verifier: what it has sent, its watches and notifications, and nothing of another.
func (db *DB) InRelying(ctx context.Context, client string, f func(*Tx) error) error {
	return db.in(ctx, f, setting{"door", "relying"}, setting{"client", client})
}

// Public runs f for anybody: published status, without names.
func (db *DB) Public(ctx context.Context, f func(*Tx) error) error {
	return db.in(ctx, f, setting{"door", "public"})
}

// Platform runs f on platform tables only (sessions, accounts, logins, jobs, reference data): it opens no door, so every
// protected table is empty and refuses writes.
func (db *DB) Platform(ctx context.Context, f func(*Tx) error) error {
	return db.in(ctx, f)
}

// Ask is Platform for one query by itself, which is a transaction by itself: one round trip instead of three.
func Ask[T any](ctx context.Context, db *DB, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := db.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// ForRef narrows a registrar's transaction to one person's reference, which the few acts that touch the person's own
// side (holding, notices) require.
func (tx *Tx) ForRef(ctx context.Context, ref uuid.UUID) error {
	narrow := "set local app.person_ref = '" + ref.String() + "'"
	if t, ok := tx.Tx.(*transaction); ok {
		t.waiting = append(t.waiting, plainly(narrow)...)
		return nil
	}
	if _, err := tx.Exec(ctx, narrow); err != nil {
		return fmt.Errorf("choosing the person reference: %w", err)
	}
	return nil
}

type setting struct{ name, value string } // of a door

// plain tells what a door may be set to. Ids are ours, so anything else is a mistake or an attack; it is refused before a
// literal is built from it.
func plain(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return id != "" && len(id) <= 80
}

// maxTries bounds the repetitions after a serialisation failure or deadlock; the acts are short, so a third failure
// means something else is wrong.
const maxTries = 3

// in begins, sets, runs f and commits. f may run more than once, when PostgreSQL asks for the transaction to be
// repeated: it must not act on the outside.
func (db *DB) in(ctx context.Context, f func(*Tx) error, settings ...setting) error {
	begin, err := beginning(settings)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := db.once(ctx, begin, f)
		if err == nil || try == maxTries || !repeatable(err) {
			return err
		}
	}
}

// once runs f in one transaction. A panic in f leaves the connection within the transaction, and the pool throws it away.
func (db *DB) once(ctx context.Context, begin []string, f func(*Tx) error) error {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("taking a connection: %w", err)
	}
	defer conn.Release()
	t := &transaction{conn: conn, tracer: db.tracer, waiting: plainly(begin...)}
	if err := f(&Tx{Tx: t, Now: db.Clock.Now()}); err != nil {
		return errors.Join(err, unlessClosed(t.Rollback(ctx)))
	}
	if err := unlessClosed(t.Commit(ctx)); err != nil {
		return errors.Join(err, unlessClosed(t.Rollback(ctx)))
	}
	return nil
}

// unlessClosed drops the error that says that a transaction has ended already, with its last statements.
func unlessClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// beginning lists "begin" and the literal settings of one door.
func beginning(settings []setting) ([]string, error) {
	begin := make([]string, 1, len(settings)+1)
	begin[0] = "begin"
	for _, s := range settings {
		if !plain(s.value) {
			return nil, fmt.Errorf("opening the %s door: %q is not an id", s.name, s.value)
		}
		begin = append(begin, "set local app."+s.name+" = '"+s.value+"'")
	}
	return begin, nil
}

// repeatable tells whether PostgreSQL rolled the transaction back for a reason that goes away by repeating it
// (serialization_failure, deadlock_detected, unique_violation of a value that was drawn at random: the names of such
// constraints end in _drawn, and repeating draws another).
func repeatable(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "40001" || pgErr.Code == "40P01" ||
		pgErr.Code == "23505" && strings.HasSuffix(pgErr.ConstraintName, "_drawn"))
}

// Violates tells whether err is a violation of the named constraint.
func Violates(err error, constraint string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.ConstraintName == constraint
}

// NewID returns a UUIDv7, the key of every table of ours: it grows with time, so indexes fill at one end.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
