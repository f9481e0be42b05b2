// Package pgtest gives every test its own real PostgreSQL database with the whole schema, in about a tenth of a second.
//
// One server runs per test binary, without durability, in a temporary directory; it starts with the first test that asks
// for a database. The migrations run once into a template database, named by their hash, and each test gets a clone. The server's
// directory with the template is kept for the next test binary (kept.go).
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestApply(t *testing.T) {
//		db := pgtest.New(t).As(pg.RoleCitizen)
//		...
//	}
//
// The server does not outlive the tests: a watchdog process notices the end of the test binary, even by a panic or
// kill -9, stops the server and removes its directory.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"akashi/internal/clock"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/migrations"
)

// shared is the test binary's server. It is the one package variable of its kind: the testing package offers no place
// to hand a value from TestMain to the tests.
var shared = sync.OnceValues(startCluster)

// started tells Main whether any test asked for the server.
var started = make(chan *cluster, 1)

// Main runs the tests, then what removes what several of them used, and stops the server. Call it from TestMain; it does not
// return.
func Main(m *testing.M, after ...func() error) {
	code := m.Run()
	for _, f := range after {
		if err := f(); err != nil {
			fmt.Fprintln(os.Stderr, "after the tests:", err)
		}
	}
	select {
	case c := <-started:
		if err := c.close(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the tests' PostgreSQL:", err)
		}
	default:
	}
	os.Exit(code)
}

// Database is one test's database.
type Database struct {
	t       testing.TB
	cluster *cluster
	name    string
	clock   clock.Clock
	tracer  pgx.QueryTracer

	mu    sync.Mutex
	pools map[string]*pg.DB
}

// New clones the migrated database for t and drops it when t ends.
func New(t testing.TB) *Database {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("starting the tests' PostgreSQL: %v", err)
	}
	return c.clone(t, c.template)
}

// NewFrom is New with rows that many tests begin with: prepare writes them into a database of its own, once in a test
// binary for each name, and every test gets a clone of that.
func NewFrom(t testing.TB, name string, prepare func(*Database)) *Database {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("starting the tests' PostgreSQL: %v", err)
	}
	return c.clone(t, c.prepared(t, name, prepare))
}

// Empty is New without roles' grants and schema: a database for tests of bootstrap and migration themselves.
func Empty(t testing.TB) *Database {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("starting the tests' PostgreSQL: %v", err)
	}
	return c.clone(t, "template0")
}

// WithClock makes every DB opened from now on tell the time by c; without it they use the machine's clock.
func (d *Database) WithClock(c clock.Clock) *Database {
	d.clock = c
	return d
}

// WithTracer lets a tracer hear of every statement of the DBs opened from now on.
func (d *Database) WithTracer(tracer pgx.QueryTracer) *Database {
	d.tracer = tracer
	return d
}

// As opens the database as one of the program's roles (pg.RoleCitizen, …). The pool is closed when the test ends.
func (d *Database) As(role string) *pg.DB {
	d.t.Helper()
	db := *d.open(role)
	db.Clock = d.clock
	return &db
}

// Superuser is a pool that no policy restrains, for looking behind the program's back.
func (d *Database) Superuser() *pgxpool.Pool {
	d.t.Helper()
	return d.open(pgserver.Superuser).Pool
}

// DSN is the address of the database for a role.
func (d *Database) DSN(role string) string { return d.cluster.server.DSN(role, d.name) }

// Name is the database's name.
func (d *Database) Name() string { return d.name }

// poolSize is enough for tests that race, and lets many databases share the server.
const poolSize = 8

func (d *Database) open(role string) *pg.DB {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.pools[role]; ok {
		return p
	}
	db, err := pg.OpenTraced(context.Background(), d.DSN(role), d.clock, poolSize, d.tracer)
	if err != nil {
		d.t.Fatalf("opening the test's database as %s: %v", role, err)
	}
	d.pools[role] = db
	return db
}

// cluster is the server and its template database.
type cluster struct {
	server   *pgserver.Server
	admin    *pgxpool.Pool
	template string
	watchdog *watchdog

	mu   sync.Mutex
	next int

	preparing sync.Mutex
	ready     map[string]string // templates of NewFrom, by name
}

// startTimeout covers initdb and all migrations on a busy machine.
const startTimeout = 3 * time.Minute

func startCluster() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	dir, err := temporaryDir()
	if err != nil {
		return nil, err
	}
	w, err := startWatchdog(dir)
	if err != nil {
		return nil, err
	}
	c := &cluster{watchdog: w, ready: map[string]string{}}
	if err := c.open(ctx, dir); err != nil {
		return nil, err
	}
	started <- c
	return c, nil
}

// open starts the server over a copy of the kept cluster, or over a new one that is kept then.
func (c *cluster) open(ctx context.Context, dir string) error {
	kept, err := keptPlace()
	if err != nil {
		return err
	}
	hash, err := hashOf(migrations.Files, ".")
	if err != nil {
		return err
	}
	c.template = "template_" + hash
	dataDir := serverConfig(dir).DataDir
	restored, err := restore(kept, dataDir)
	if err != nil {
		return err
	}
	if err := c.start(ctx, dir); err != nil || restored {
		return err
	}
	if err := c.buildTemplate(ctx); err != nil || kept == "" {
		return err
	}
	return c.keep(ctx, kept, dataDir)
}

func (c *cluster) start(ctx context.Context, dir string) (err error) {
	if c.server, err = pgserver.Start(ctx, serverConfig(dir)); err != nil {
		return err
	}
	c.admin, err = pgxpool.New(ctx, c.server.DSN(pgserver.Superuser, "postgres"))
	return err
}

// buildTemplate makes the roles, migrates and closes the template to connections, since a template in use cannot be cloned.
func (c *cluster) buildTemplate(ctx context.Context) error {
	if _, err := c.admin.Exec(ctx, "create database "+c.template+" template template0"); err != nil {
		return fmt.Errorf("making the template database: %w", err)
	}
	dsn := c.server.DSN(pgserver.Superuser, c.template)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	if err := pg.Bootstrap(ctx, conn); err != nil {
		return err
	}
	if err := conn.Close(ctx); err != nil {
		return err
	}
	if err := pg.Migrate(ctx, dsn); err != nil {
		return err
	}
	return c.closeTemplate(ctx, c.template)
}

func (c *cluster) closeTemplate(ctx context.Context, name string) error {
	if _, err := c.admin.Exec(ctx, "alter database "+name+" is_template true allow_connections false"); err != nil {
		return fmt.Errorf("closing a template database: %w", err)
	}
	return nil
}

// prepared returns the template of NewFrom, which it makes when it is first asked for.
func (c *cluster) prepared(t testing.TB, name string, prepare func(*Database)) string {
	t.Helper()
	c.preparing.Lock()
	defer c.preparing.Unlock()
	if template, there := c.ready[name]; there {
		return template
	}
	d := c.create(t, c.template)
	prepare(d)
	d.closePools()
	if err := c.closeTemplate(context.Background(), d.name); err != nil {
		t.Fatal(err)
	}
	c.ready[name] = d.name
	return d.name
}

// copying is how a clone is made: file by file, which without durability is the faster way for a schema of a thousand
// small files.
const copying = " strategy file_copy"

// clone is create for one test.
func (c *cluster) clone(t testing.TB, template string) *Database {
	t.Helper()
	d := c.create(t, template)
	t.Cleanup(d.drop)
	return d
}

func (c *cluster) create(t testing.TB, template string) *Database {
	t.Helper()
	c.mu.Lock()
	c.next++
	name := fmt.Sprintf("test_%d", c.next)
	c.mu.Unlock()
	if _, err := c.admin.Exec(context.Background(), "create database "+name+" template "+template+copying); err != nil {
		t.Fatalf("cloning the template database: %v", err)
	}
	return &Database{t: t, cluster: c, name: name, clock: clock.System{}, pools: map[string]*pg.DB{}}
}

func (d *Database) closePools() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.pools {
		p.Close()
	}
	clear(d.pools)
}

func (d *Database) drop() {
	d.closePools()
	if _, err := d.cluster.admin.Exec(context.Background(), "drop database "+d.name+" with (force)"); err != nil {
		d.t.Errorf("dropping the test's database: %v", err)
	}
}

func (c *cluster) close() error {
	c.admin.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.server.Stop(ctx); err != nil {
		return err
	}
	return c.watchdog.finish()
}

// hashOf names a state of the files at or under a path.
func hashOf(files fs.FS, root string) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s %d\n", path, len(b))
		h.Write(b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:6]), err
}
