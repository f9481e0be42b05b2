package main

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

// database is where the program's roles log in: a private PostgreSQL that we started, or one that was given.
type database struct {
	private *pgserver.Server // nil when one was given
	given   string           // its address
	clock   clock.Clock
	open    []*pg.DB
}

// openPrivate starts the private PostgreSQL and brings it to the newest schema.
func openPrivate(ctx context.Context, cfg pgserver.Config, c clock.Clock) (*database, error) {
	cfg.Roles = pg.LoginRoles()
	private, err := pgserver.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	d := &database{private: private, clock: c}
	if err := d.upgradePrivate(ctx); err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	return d, nil
}

func (d *database) upgradePrivate(ctx context.Context) error {
	if err := createDatabase(ctx, d.private.DSN(pgserver.Superuser, "postgres"), privateName); err != nil {
		return err
	}
	address := d.private.DSN(pgserver.Superuser, privateName)
	if err := bootstrap(ctx, address); err != nil {
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

func bootstrap(ctx context.Context, address string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pg.Bootstrap(ctx, conn)
}

// openGiven checks that the database is one we can work on: version, locale, and this program's schema.
func openGiven(ctx context.Context, address string, c clock.Clock) (*database, error) {
	worker, err := withUser(address, pg.RoleWorker)
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
	return &database{given: address, clock: c}, nil
}

// as opens the database under one of the program's roles; close closes it.
func (d *database) as(ctx context.Context, role string, maxConns int32) (*pg.DB, error) {
	address, err := d.address(role)
	if err != nil {
		return nil, err
	}
	db, err := pg.Open(ctx, address, d.clock, maxConns)
	if err != nil {
		return nil, err
	}
	d.open = append(d.open, db)
	return db, nil
}

func (d *database) address(role string) (string, error) {
	if d.private != nil {
		return d.private.DSN(role, privateName), nil
	}
	return withUser(d.given, role)
}

// stopPatience is how long a private PostgreSQL has for its last checkpoint.
const stopPatience = 30 * time.Second

// close closes the pools and stops a private PostgreSQL. It works after ctx has ended.
func (d *database) close(ctx context.Context) error {
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

// withUser puts role in place of the user, and of a password, which belonged to that user. The role's password comes
// from the password file, or a client certificate takes its place (libpq's own settings, sslcert and sslkey).
//
// The address is taken apart by hand: it may name several servers (postgres://one:5432,two:5432/akashi), which net/url
// refuses.
func withUser(address, role string) (string, error) {
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
