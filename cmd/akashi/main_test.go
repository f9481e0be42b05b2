package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/pg/pgtest"
	"akashi/internal/programtest"
	"akashi/internal/system"
)

func TestMain(m *testing.M) { pgtest.Main(m, programtest.Remove) }

// try runs the command line and returns the exit code and both outputs.
func try(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string // in what is printed
	}{
		{"--help", exitOK, "migrate"},
		{"--version", exitOK, "akashi "},
		{"", exitUsage, "akashi: expected"},
		{"migrat", exitUsage, `did you mean "migrate"?`},
		{"migrate --log-format=xml", exitUsage, "akashi: --log-format"},
		{"migrate --database=postgres://127.0.0.1:1/none", exitFailed, "akashi: connecting to the database: "},
	} {
		code, out, err := try(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+err, c.want) {
			t.Errorf("akashi %s: exit %d and %q, want %d and %q", c.args, code, out+err, c.code, c.want)
		}
		if strings.Contains(err, "goroutine") {
			t.Errorf("akashi %s prints a stack: %s", c.args, err)
		}
	}
}

// TestMistakesAreWorded: the operator reads what to change, without the words meant for programs.
func TestMistakesAreWorded(t *testing.T) {
	var out bytes.Buffer
	wrapped := errors.Join(fault.New(fault.Invalid, "", "the directory is closed: open it"))
	if code := complain(&out, wrapped); code != exitUsage || out.String() != "akashi: the directory is closed: open it\n" {
		t.Errorf("got %d %q", code, out.String())
	}
	if code := complain(&out, errNo); code != exitNo {
		t.Errorf("a negative answer ends with %d, want %d", code, exitNo)
	}
}

// TestMigrateGivenDatabase goes from an empty database to one that the program accepts.
func TestMigrateGivenDatabase(t *testing.T) {
	d := pgtest.Empty(t)
	address := d.DSN(pgserver.Superuser)
	if _, err := system.OpenGiven(context.Background(), "host=/nowhere", clock.System{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("an address that is no URL: got %v, want a fault of kind invalid", err)
	}
	if err := checkSchema(t, d); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "akashi migrate") {
		t.Errorf("before migrating: got %v, want a fault of kind invalid that names the remedy", err)
	}
	code, out, errOut := try("migrate", "--bootstrap", "--database="+address)
	if code != exitOK || !strings.Contains(out, "newest schema") {
		t.Fatalf("exit %d: %s%s", code, out, errOut)
	}
	if code, out, errOut := try("migrate", "--pending", "--database="+address); code != exitOK || out+errOut != "" {
		t.Errorf("pending after migrating: exit %d: %s%s", code, out, errOut)
	}
	if err := checkSchema(t, d); err != nil {
		t.Errorf("after migrating: %v", err)
	}
	if _, err := d.Superuser().Exec(context.Background(), "delete from goose_db_version where version_id > 0"); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := try("migrate", "--pending", "--database="+address); code != exitNo || !strings.Contains(out, ".sql") {
		t.Errorf("pending on an old schema: exit %d: %s", code, out)
	}
	if err := checkSchema(t, d); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "has schema 0") {
		t.Errorf("on an old schema: got %v, want a fault of kind invalid", err)
	}
}

func checkSchema(t *testing.T, d *pgtest.Database) error {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), d.DSN(pg.RoleCitizen))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	return pg.CheckSchema(context.Background(), conn)
}

// TestPrivateDatabase: without --database the program keeps its own, migrated, with every role able to log in.
func TestPrivateDatabase(t *testing.T) {
	ctx := context.Background()
	dir, err := os.MkdirTemp(pgtest.Scratch(), "akashi-cmd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var g Globals
	g.prepare(&bytes.Buffer{}, &bytes.Buffer{})
	cfg := pgserver.Config{DataDir: filepath.Join(dir, "db"), RuntimeDir: filepath.Join(dir, "s"), Volatile: true, Logger: g.Log}
	for range 2 { // made, then found
		d, err := system.OpenPrivate(ctx, cfg, clock.System{})
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range pg.LoginRoles() {
			db, err := d.As(ctx, role, 2)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Pool.Ping(ctx); err != nil {
				t.Errorf("%s: %v", role, err)
			}
		}
		if err := d.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithUser(t *testing.T) {
	for given, want := range map[string]string{
		"postgres://admin:p@ss@db.example:5433/akashi?sslmode=verify-full":    "postgres://akashi_office@db.example:5433/akashi?sslmode=verify-full",
		"postgres://one:5432,two:5432/akashi?target_session_attrs=read-write": "postgres://akashi_office@one:5432,two:5432/akashi?target_session_attrs=read-write",
		"postgresql:///akashi?host=/run/postgresql":                           "postgresql://akashi_office@/akashi?host=/run/postgresql",
		"postgres://db.example": "postgres://akashi_office@db.example",
	} {
		got, err := system.WithUser(given, pg.RoleOffice)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", given, got, err, want)
		}
		if cfg, err := pgx.ParseConfig(got); err != nil || cfg.User != pg.RoleOffice || cfg.Password != "" {
			t.Errorf("%s is read as %+v, %v", got, cfg, err)
		}
	}
	if _, err := system.WithUser("host=/run/postgresql", pg.RoleOffice); !errors.Is(err, fault.Invalid) {
		t.Errorf("an address that is no URL: got %v, want a fault of kind invalid", err)
	}
}
