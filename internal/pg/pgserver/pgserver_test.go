package pgserver_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"akashi/internal/fault"
	"akashi/internal/pg/pgserver"
)

// patience bounds waits for events that take milliseconds on an idle machine.
const patience = 2 * time.Minute

const testRole = "tester"

// home is a directory that the server's user can reach, with a short path for the socket; t.TempDir is closed to others.
func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "akashi-srv-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func config(dir string) pgserver.Config {
	return pgserver.Config{
		DataDir: filepath.Join(dir, "db"), RuntimeDir: filepath.Join(dir, "s"), Roles: []string{testRole},
		Logger: slog.New(slog.DiscardHandler),
	}
}

func start(t *testing.T, cfg pgserver.Config) *pgserver.Server {
	t.Helper()
	began := time.Now()
	s, err := pgserver.Start(context.Background(), cfg)
	if err != nil {
		t.Fatalf("starting: %v", err)
	}
	t.Logf("started in %s", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *pgserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// query runs one statement in a connection of its own and returns the first column of the first row, if any.
func query(t *testing.T, dsn, sql string) (string, error) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	var got string
	err = conn.QueryRow(context.Background(), sql).Scan(&got)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return got, err
}

func mustQuery(t *testing.T, s *pgserver.Server, sql string) string {
	t.Helper()
	got, err := query(t, s.DSN(pgserver.Superuser, "postgres"), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func expectInvalid(t *testing.T, err error, words ...string) {
	t.Helper()
	expectFault(t, err, fault.Invalid, words...)
}

func expectFault(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want a fault of kind %s", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the message %q does not say %q", err, w)
		}
	}
}

// TestDurableAndClosed: the server runs with the settings a register needs, and answers on its socket alone.
func TestDurableAndClosed(t *testing.T) {
	s := start(t, config(home(t)))
	for setting, want := range map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on",
		"listen_addresses": "", "server_encoding": "UTF8", "log_error_verbosity": "terse",
	} {
		if got := mustQuery(t, s, "show "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	for path, want := range map[string]os.FileMode{"pgdata": 0o700, "pgdata/pg_hba.conf": 0o600, "postgresql.log": 0o600} {
		info, err := os.Stat(filepath.Join(s.DataDir(), path))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

// TestOnlyNamedRolesLogIn: the map of users lists roles one by one.
func TestOnlyNamedRolesLogIn(t *testing.T) {
	s := start(t, config(home(t)))
	for _, role := range []string{testRole, "stranger"} {
		mustQuery(t, s, "create role "+role+" login")
	}
	if _, err := query(t, s.DSN(testRole, "postgres"), "select current_user::text"); err != nil {
		t.Errorf("a listed role: %v", err)
	}
	_, err := query(t, s.DSN("stranger", "postgres"), "select ''")
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "28000" {
		t.Errorf("a role that is not listed: got %v, want invalid_authorization_specification (28000)", err)
	}
}

func TestRestartKeepsData(t *testing.T) {
	cfg := config(home(t))
	first := start(t, cfg)
	mustQuery(t, first, "create table kept as select 'here' as word")
	stop(t, first)
	if first.Err() != nil {
		t.Errorf("after a stop: %v", first.Err())
	}
	if got := mustQuery(t, start(t, cfg), "select word from kept"); got != "here" {
		t.Errorf("after a restart the table says %q", got)
	}
}

func TestTwoInstances(t *testing.T) {
	cfg := config(home(t))
	start(t, cfg)
	_, err := pgserver.Start(context.Background(), cfg)
	expectFault(t, err, fault.Conflict, "another akashi is running", "--data-dir")
}

// TestServerKilled: the supervisor brings a killed postmaster back with what was committed.
func TestServerKilled(t *testing.T) {
	cfg := config(home(t))
	again := make(chan struct{}, 1)
	cfg.Logger = slog.New(hears{message: "private PostgreSQL started again", heard: again})
	s := start(t, cfg)
	mustQuery(t, s, "create table kept as select 'here' as word")
	before := s.PID()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-again:
	case <-time.After(patience):
		t.Fatal("the server was not started again")
	}
	if s.PID() == before {
		t.Error("the process is the same")
	}
	if got := mustQuery(t, s, "select word from kept"); got != "here" {
		t.Errorf("after the kill the table says %q", got)
	}
}

// TestHalfMadeCluster: an initdb that was killed leaves a directory of another name, which is made anew.
func TestHalfMadeCluster(t *testing.T) {
	cfg := config(home(t))
	half := filepath.Join(cfg.DataDir, "pgdata.making", "base")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, cfg)
	if _, err := os.Stat(filepath.Dir(half)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half-made cluster is still there: %v", err)
	}
}

func TestForeignDirectory(t *testing.T) {
	cfg := config(home(t))
	if err := os.MkdirAll(filepath.Join(cfg.DataDir, "pgdata", "photos"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := pgserver.Start(context.Background(), cfg)
	expectInvalid(t, err, "is not a PostgreSQL cluster")
}

func TestUnreachableDirectory(t *testing.T) {
	closed := filepath.Join(home(t), "closed")
	if err := os.Mkdir(closed, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(closed, 0o700) })
	_, err := pgserver.Start(context.Background(), config(closed))
	expectInvalid(t, err, "cannot enter", "chmod o+x "+closed, "--data-dir")
	if left, err := os.ReadDir(closed); err != nil || len(left) > 0 {
		t.Errorf("%d things were made in a directory that was refused, error %v", len(left), err)
	}
	file := filepath.Join(home(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expectInvalid(t, pgserver.CanReach(filepath.Join(file, "below")), file+" is not a directory", "--data-dir")
}

func TestLongSocketPath(t *testing.T) {
	dir := home(t)
	cfg := config(dir)
	cfg.RuntimeDir = filepath.Join(dir, strings.Repeat("x", 100))
	_, err := pgserver.Start(context.Background(), cfg)
	expectInvalid(t, err, "107", "shorter directory")
}

func TestNoPostgres(t *testing.T) {
	cfg := config(home(t))
	cfg.BinDir = home(t)
	_, err := pgserver.Start(context.Background(), cfg)
	expectInvalid(t, err, "apt-get install postgresql")
}

func TestOtherVersionsCluster(t *testing.T) {
	cfg := config(home(t))
	stop(t, start(t, cfg))
	if err := os.WriteFile(filepath.Join(cfg.DataDir, "pgdata", "PG_VERSION"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pgserver.Start(context.Background(), cfg)
	expectInvalid(t, err, "belongs to PostgreSQL 99", "pg_upgrade")
}

// TestBrokenSetting: what PostgreSQL says about a start that fails reaches the operator.
func TestBrokenSetting(t *testing.T) {
	cfg := config(home(t))
	cfg.Settings = map[string]string{"shared_buffers": "plenty"}
	if _, err := pgserver.Start(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), `"shared_buffers": "plenty"`) {
		t.Errorf("got %v, want PostgreSQL's own words", err)
	}
}

// hears tells when a message is logged.
type hears struct {
	slog.Handler
	message string
	heard   chan<- struct{}
}

func (h hears) Enabled(context.Context, slog.Level) bool { return true }

func (h hears) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.heard <- struct{}{}
	}
	return nil
}
