package system

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
)

// privateName is the database in a private PostgreSQL.
const privateName = "akashi"

// Database is where the program's roles log in: a private PostgreSQL that we started, or one that was given.
type Database struct {
	private *pgserver.Server // nil when one was given
	given   string           // its address
	clock   clock.Clock
	open    []*pg.DB
	tracer  pgx.QueryTracer // hears of every statement; nil: nobody does
}

// OpenPrivate starts the private PostgreSQL and brings it to the newest schema.
func OpenPrivate(ctx context.Context, cfg pgserver.Config, c clock.Clock) (*Database, error) {
	cfg.Roles = pg.LoginRoles()
	private, err := pgserver.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	d := &Database{private: private, clock: c}
	if err := d.upgradePrivate(ctx); err != nil {
		return nil, errors.Join(err, d.Close(ctx))
	}
	return d, nil
}

func (d *Database) upgradePrivate(ctx context.Context) error {
	if err := createDatabase(ctx, d.private.DSN(pgserver.Superuser, "postgres"), privateName); err != nil {
		return err
	}
	address := d.private.DSN(pgserver.Superuser, privateName)
	if err := Bootstrap(ctx, address); err != nil {
		return err
	}
	return pg.Migrate(ctx, address)
}

// createDatabase makes the database unless it is there. The server is ours alone, so nobody makes it meanwhile.
func createDatabase(ctx context.Context, admin, name string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("connecting to the private database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there); err != nil {
		return fmt.Errorf("looking for the database: %w", err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	return nil
}

// Bootstrap makes the roles and prepares the database, as the superuser whom the address names.
func Bootstrap(ctx context.Context, address string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pg.Bootstrap(ctx, conn)
}

// OpenGiven checks that the database is one we can work on: version, locale, and this program's schema.
func OpenGiven(ctx context.Context, address string, c clock.Clock) (*Database, error) {
	worker, err := WithUser(address, pg.RoleWorker)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, worker)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := pg.CheckDatabase(ctx, conn); err != nil {
		return nil, err
	}
	if err := pg.CheckSchema(ctx, conn); err != nil {
		return nil, err
	}
	return &Database{given: address, clock: c}, nil
}

// Trace lets a tracer hear of every statement of what As opens from now on, for measurements.
func (d *Database) Trace(t pgx.QueryTracer) { d.tracer = t }

// As opens the database under one of the program's roles; Close closes it.
func (d *Database) As(ctx context.Context, role string, maxConns int32) (*pg.DB, error) {
	address, err := d.address(role)
	if err != nil {
		return nil, err
	}
	db, err := pg.OpenTraced(ctx, address, d.clock, maxConns, d.tracer)
	if err != nil {
		return nil, err
	}
	d.open = append(d.open, db)
	return db, nil
}

func (d *Database) address(role string) (string, error) {
	if d.private != nil {
		return d.private.DSN(role, privateName), nil
	}
	return WithUser(d.given, role)
}

// stopPatience is how long a private PostgreSQL has for its last checkpoint.
const stopPatience = 30 * time.Second

// Close closes the pools and stops a private PostgreSQL. It works after ctx has ended.
func (d *Database) Close(ctx context.Context) error {
	for _, db := range d.open {
		db.Close()
	}
	if d.private == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	return d.private.Stop(ctx)
}

// WithUser puts role in place of the user, and of a password, which belonged to that user. The role's password comes
// from the password file, or a client certificate takes its place (libpq's own settings, sslcert and sslkey).
//
// The address is taken apart by hand: it may name several servers (postgres://one:5432,two:5432/akashi), which net/url
// refuses.
func WithUser(address, role string) (string, error) {
	scheme, rest, found := strings.Cut(address, "://")
	if !found || scheme != "postgres" && scheme != "postgresql" {
		return "", fault.New(fault.Invalid, "", "--database must be a URL such as postgres://host/akashi")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	servers := rest[:end]
	if at := strings.LastIndexByte(servers, '@'); at >= 0 {
		servers = servers[at+1:]
	}
	return scheme + "://" + role + "@" + servers + rest[end:], nil
}

// Lost is closed when a private PostgreSQL has ended for good; nil, which is never ready, when one was given.
func (d *Database) Lost() <-chan struct{} {
	if d.private == nil {
		return nil
	}
	return d.private.Done()
}

// Err says why a private PostgreSQL ended.
func (d *Database) Err() error {
	if d.private == nil {
		return nil
	}
	return d.private.Err()
}

// DropPrivate forgets the contents of a private PostgreSQL. fault.Conflict when another program uses it.
func DropPrivate(ctx context.Context, cfg pgserver.Config) error {
	private, err := pgserver.Start(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(dropDatabase(ctx, private.DSN(pgserver.Superuser, "postgres")), private.Stop(ctx))
}

func dropDatabase(ctx context.Context, admin string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("connecting to the private database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "drop database if exists "+pgx.Identifier{privateName}.Sanitize()); err != nil {
		return fmt.Errorf("forgetting the database: %w", err)
	}
	return nil
}
