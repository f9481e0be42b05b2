package pg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"akashi/internal/fault"
	"akashi/migrations"
)

// Migrate brings the database of dsn to the newest schema: our migrations, then River's, then the grants and row
// security of River's tables. It runs as akashi_owner, so whoever logs in by dsn must be a member of that role (and of
// akashi_data, as which data migrations run) or a superuser. Programs that migrate at once wait for each other: one
// session lock is held around all of it, which covers goose and River alike.
func Migrate(ctx context.Context, dsn string) error {
	cfg, err := ownerConfig(dsn)
	if err != nil {
		return err
	}
	guard, err := pgx.ConnectConfig(ctx, cfg.ConnConfig.Copy())
	if err != nil {
		return connectError(err)
	}
	defer guard.Close(context.WithoutCancel(ctx))
	if _, err := guard.Exec(ctx, "select pg_advisory_lock($1)", int64(lockMigrate)); err != nil {
		return fmt.Errorf("waiting for another migration: %w", err)
	}
	if err := CheckDatabase(ctx, guard); err != nil {
		return err
	}
	if err := migrateOurs(ctx, cfg.ConnConfig); err != nil {
		return fmt.Errorf("migrating the schema: %w", err)
	}
	if err := migrateRiver(ctx, cfg); err != nil {
		return fmt.Errorf("migrating the job tables: %w", err)
	}
	return nil
}

// Pending lists our migrations that the database of dsn does not have yet.
func Pending(ctx context.Context, dsn string) ([]string, error) {
	cfg, err := ownerConfig(dsn)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*cfg.ConnConfig)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	status, err := provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the schema's version: %w", err)
	}
	var pending []string
	for _, s := range status {
		if s.State == goose.StatePending {
			pending = append(pending, s.Source.Path)
		}
	}
	return pending, nil
}

// CheckSchema refuses a database whose schema is not this program's: older, or newer after a roll-back of the program.
// Any of our roles may ask.
func CheckSchema(ctx context.Context, conn *pgx.Conn) error {
	files, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("reading the migrations: %w", errors.Join(err, fs.ErrNotExist))
	}
	newest, err := goose.NumericComponent(slices.Max(files))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	var version int64
	err = conn.QueryRow(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied").Scan(&version)
	switch {
	case err != nil:
		return fault.Wrap(fault.Invalid, err, "reading the schema's version (run akashi migrate first)")
	case version < newest:
		return fault.New(fault.Invalid, "", fmt.Sprintf("the database has schema %d, this program needs %d: run akashi migrate", version, newest))
	case version > newest:
		return fault.New(fault.Invalid, "", fmt.Sprintf("the database has schema %d, newer than this program's %d: run the newer program", version, newest))
	}
	return nil
}

// ownerConfig logs in by dsn and acts as akashi_owner from the first statement.
func ownerConfig(dsn string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "--database is an address such as postgres://host/akashi")
	}
	cfg.ConnConfig.RuntimeParams["role"] = RoleOwner
	cfg.ConnConfig.RuntimeParams["timezone"] = "Asia/Tokyo"
	cfg.MaxConns = 2
	return cfg, nil
}

// connectError tells a missing or forbidden role apart from a server that does not answer.
func connectError(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == "22023" || pgErr.Code == "42501") {
		return fault.Wrap(fault.Invalid, err,
			"acting as "+RoleOwner+" (make the roles with akashi migrate --bootstrap, and log in as a member of "+RoleOwner+")")
	}
	return fmt.Errorf("connecting to the database: %w", err)
}

func migrateOurs(ctx context.Context, cfg *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	_, err = provider.Up(ctx)
	return err
}

func migrateRiver(ctx context.Context, cfg *pgxpool.Config) error {
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, riverSecurity)
	return err
}

// riverSecurity opens River's tables to the worker, lets portals only add jobs, and lets every role see the schema's
// version (CheckSchema). It is one transaction (one simple
// query) and may run any number of times.
//
// A portal sees the jobs of its own transaction alone, which River's "insert … returning" needs. The natural condition,
// xmin = pg_current_xact_id()::xid, cannot be a policy: PostgreSQL checks it on the new row before that row has an
// xmin ("cannot retrieve a system column in this context"). So the row keeps the transaction in a column that River
// does not know and that fills itself.
//
// River's unique jobs meet a job of another transaction by "on conflict do update", which a portal may not: PostgreSQL
// refuses it (42501, insufficient_privilege). An enqueuer under a portal's role therefore puts the insertion of a unique
// job into a savepoint and takes that refusal as "it is there already" (TestUniqueJobAcrossTransactions shows it).
// InsertManyFastTx is no way out: it copies, and PostgreSQL copies into no table with row security (0A000).
const riverSecurity = `
alter table river_job add column if not exists enqueued_in xid8 not null default pg_current_xact_id();
comment on column river_job.enqueued_in is 'transaction that added the job; a portal sees no other';
alter table river_job enable row level security;
drop policy if exists worker_works on river_job;
create policy worker_works on river_job to ` + RoleWorker + ` using (true) with check (true);
drop policy if exists portal_adds on river_job;
create policy portal_adds on river_job to ` + portals + `
  using (enqueued_in = pg_current_xact_id()) with check (enqueued_in = pg_current_xact_id());
grant select, insert, update (kind) on river_job to ` + portals + `;
grant usage on sequence river_job_id_seq to ` + portals + `;
grant select, insert, update, delete on river_job, river_leader, river_queue, river_notification to ` + RoleWorker + `;
grant select on river_migration to ` + RoleWorker + `;
grant usage on sequence river_job_id_seq, river_notification_id_seq to ` + RoleWorker + `;
grant execute on function river_job_state_in_bitmask(bit, river_job_state) to ` + portals + `, ` + RoleWorker + `;
grant select on goose_db_version to ` + portals + `, ` + RoleWorker + `;
`

// portals are the roles that add jobs and run none.
const portals = RoleCitizen + ", " + RoleOffice + ", " + RolePublic + ", " + RoleRelying
