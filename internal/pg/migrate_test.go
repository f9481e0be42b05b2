package pg_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/pg/pgtest"
)

// testPatience bounds what should take milliseconds.
const testPatience = 30 * time.Second

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestMigrateTwiceAtOnce: programs that start together migrate once, and a second time changes nothing.
func TestMigrateTwiceAtOnce(t *testing.T) {
	ctx := context.Background()
	d := pgtest.Empty(t)
	bootstrap(t, d)
	dsn := d.DSN(pgserver.Superuser)
	before, err := pg.Pending(ctx, dsn)
	if err != nil || len(before) == 0 {
		t.Fatalf("an empty database has pending migrations: got %v, %v", before, err)
	}
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = pg.Migrate(ctx, dsn) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if after, err := pg.Pending(ctx, dsn); err != nil || len(after) != 0 {
		t.Errorf("pending after migrating: %v, %v", after, err)
	}
}

// TestBootstrapTwiceAtOnce: two databases of one cluster are prepared at the same time.
func TestBootstrapTwiceAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		d := pgtest.Empty(t)
		wg.Go(func() { bootstrap(t, d); bootstrap(t, d) })
	}
	wg.Wait()
}

func TestMigrateWithoutOwnersMembership(t *testing.T) {
	d := pgtest.Empty(t)
	bootstrap(t, d)
	err := pg.Migrate(context.Background(), d.DSN(pg.RoleCitizen))
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "akashi migrate --bootstrap") {
		t.Errorf("migrating as a portal: got %v, want a fault of kind invalid that names the remedy", err)
	}
}

func TestCheckDatabaseRefusesOtherLocales(t *testing.T) {
	ctx := context.Background()
	d := pgtest.New(t)
	for _, c := range []struct{ name, options, want string }{
		{"plain_c", "locale 'C'", "locale must be C.UTF-8"},
		{"latin", "locale 'C' encoding 'LATIN1'", "encoding is LATIN1"},
	} {
		name := d.Name() + c.name
		if _, err := d.Superuser().Exec(ctx, "create database "+name+" template template0 "+c.options); err != nil {
			t.Fatal(err)
		}
		cfg, err := pgx.ParseConfig(d.DSN(pgserver.Superuser))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Database = name
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := pg.CheckDatabase(ctx, conn); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a fault of kind invalid with %q", c.options, err, c.want)
		}
		if err := conn.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Superuser().Exec(ctx, "drop database "+name+" with (force)"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLeastPrivilege asks the catalogue what scale.md 5.4 asks of isolation; each query must return nothing.
func TestLeastPrivilege(t *testing.T) {
	d := pgtest.New(t)
	for name, query := range map[string]string{
		"roles that could evade row security": `select rolname from pg_roles
			where rolname like 'akashi%' and (rolsuper or rolcreaterole or rolcreatedb or rolreplication
			   or (rolbypassrls and rolname <> 'akashi_data')
			   or (rolcanlogin and exists (select from pg_class where relowner = pg_roles.oid)))`,
		"roles with a login that are members of another": `select member::regrole::text from pg_auth_members
			where member in (select oid from pg_roles where rolname like 'akashi%' and rolcanlogin)`,
		"functions of ours that everybody may execute": `select p.oid::regprocedure::text from pg_proc p
			where pronamespace = 'public'::regnamespace and exists (
				select from aclexplode(coalesce(proacl, acldefault('f', proowner))) a where a.grantee = 0)`,
		"objects that everybody may use": `select c.relname from pg_class c, aclexplode(relacl) a
			where relnamespace = 'public'::regnamespace and a.grantee = 0`,
		"views that would lend their owner's rights": `select c.relname from pg_class c
			where relkind = 'v' and relnamespace = 'public'::regnamespace
			  and not coalesce(array_to_string(reloptions, ',') ~ 'security_invoker=(true|on)', false)`,
		"write policies without a condition": `select polrelid::regclass || '.' || polname from pg_policy
			where polcmd in ('*', 'a', 'w') and polwithcheck is null and polqual is null`,
		"tables of our own without a comment": `select c.relname from pg_class c
			where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not relispartition
			  and relname !~ '^(river_|goose_)' and obj_description(c.oid, 'pg_class') is null`,
		"triggers": `select tgname from pg_trigger where not tgisinternal`,
	} {
		rows, err := d.Superuser().Query(context.Background(), query)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

type errand struct {
	ID string `json:"id"`
}

func (errand) Kind() string { return "errand" }

// unique is a job of which there is one per argument.
var unique = river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}

// TestPortalsAddJobs: River's insertion works under a portal's grants and row security, alone and unique.
func TestPortalsAddJobs(t *testing.T) {
	ctx := context.Background()
	d := pgtest.New(t)
	client := inserter(t)
	for _, role := range []string{pg.RoleCitizen, pg.RoleOffice, pg.RolePublic} {
		err := d.As(role).Platform(ctx, func(tx *pg.Tx) error {
			if _, err := client.InsertTx(ctx, tx, errand{"plain"}, nil); err != nil {
				return err
			}
			first, err := client.InsertTx(ctx, tx, errand{role}, &unique)
			if err != nil {
				return err
			}
			again, err := client.InsertTx(ctx, tx, errand{role}, &unique)
			if err != nil {
				return err
			}
			if first.UniqueSkippedAsDuplicate || !again.UniqueSkippedAsDuplicate {
				t.Errorf("%s: skipped %t then %t, want false then true", role, first.UniqueSkippedAsDuplicate, again.UniqueSkippedAsDuplicate)
			}
			return expectJobs(ctx, tx, 2)
		})
		if err != nil {
			t.Fatalf("%s: %v", role, err)
		}
		if err := d.As(role).Platform(ctx, func(tx *pg.Tx) error { return expectJobs(ctx, tx, 0) }); err != nil {
			t.Errorf("%s in the next transaction: %v", role, err)
		}
	}
	if err := d.As(pg.RoleWorker).Platform(ctx, func(tx *pg.Tx) error { return expectJobs(ctx, tx, 6) }); err != nil {
		t.Errorf("worker: %v", err)
	}
}

// TestUniqueJobAcrossTransactions: a unique job that another transaction added is refused to a portal, and a savepoint
// keeps the act alive.
func TestUniqueJobAcrossTransactions(t *testing.T) {
	ctx := context.Background()
	d := pgtest.New(t)
	client := inserter(t)
	for i, want := range []string{"", "42501"} {
		err := d.As(pg.RoleCitizen).Platform(ctx, func(tx *pg.Tx) error {
			err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
				_, err := client.InsertTx(ctx, savepoint, errand{"one"}, &unique)
				return err
			})
			if got := sqlState(err); got != want {
				t.Errorf("insertion %d: got %v, want SQLSTATE %q", i+1, err, want)
			}
			_, err = client.InsertTx(ctx, tx, errand{"another"}, nil)
			return err
		})
		if err != nil {
			t.Errorf("the act around insertion %d: %v", i+1, err)
		}
	}
}

// TestPortalsRunNoJobs: whatever a portal tries on jobs that are not its own, it changes and sees nothing.
func TestPortalsRunNoJobs(t *testing.T) {
	ctx := context.Background()
	d := pgtest.New(t)
	client := inserter(t)
	err := d.As(pg.RoleWorker).Platform(ctx, func(tx *pg.Tx) error {
		_, err := client.InsertTx(ctx, tx, errand{"theirs"}, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for query, code := range map[string]string{
		"delete from river_job":                                   "42501",
		"update river_job set state = 'cancelled'":                "42501",
		"update river_job set args = '{}'":                        "42501",
		"update river_job set enqueued_in = pg_current_xact_id()": "42501",
		"delete from river_queue":                                 "42501",
	} {
		err := d.As(pg.RoleCitizen).Platform(ctx, func(tx *pg.Tx) error {
			_, err := tx.Exec(ctx, query)
			return err
		})
		if sqlState(err) != code {
			t.Errorf("%s: got %v, want refusal %s", query, err, code)
		}
	}
	err = d.As(pg.RoleCitizen).Platform(ctx, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, "update river_job set kind = 'other'")
		if tag.RowsAffected() != 0 {
			t.Errorf("a portal renamed %d jobs of others", tag.RowsAffected())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWorkerWorks: a River client under the worker's grants fetches, works and completes a job that a portal added.
func TestWorkerWorks(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	d := pgtest.New(t)
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[errand]) error { return nil }))
	client, err := river.NewClient(riverpgxv5.New(d.As(pg.RoleWorker).Pool), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1}}, Workers: workers, Logger: quiet(),
	})
	if err != nil {
		t.Fatal(err)
	}
	completed, unsubscribe := client.Subscribe(river.EventKindJobCompleted)
	defer unsubscribe()
	if err := client.Start(ctx); err != nil {
		t.Fatal(err)
	}
	err = d.As(pg.RoleOffice).Platform(ctx, func(tx *pg.Tx) error {
		_, err := inserter(t).InsertTx(ctx, tx, errand{"work"}, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-completed:
		if e.Job.State != rivertype.JobStateCompleted {
			t.Errorf("job ended as %s", e.Job.State)
		}
	case <-ctx.Done():
		t.Error("the job was not worked")
	}
	if err := client.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func bootstrap(t *testing.T, d *pgtest.Database) {
	conn, err := pgx.Connect(context.Background(), d.DSN(pgserver.Superuser))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	if err := pg.Bootstrap(context.Background(), conn); err != nil {
		t.Error(err)
	}
}

func inserter(t *testing.T) *river.Client[pgx.Tx] {
	t.Helper()
	client, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func expectJobs(ctx context.Context, tx pgx.Tx, want int) error {
	var n int
	if err := tx.QueryRow(ctx, "select count(*) from river_job").Scan(&n); err != nil {
		return err
	}
	if n != want {
		return fmt.Errorf("sees %d jobs, want %d", n, want)
	}
	return nil
}

func sqlState(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}
