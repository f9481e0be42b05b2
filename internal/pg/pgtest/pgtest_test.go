package pgtest_test

import (
	"context"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	ctx := context.Background()
	a, b := pgtest.New(t), pgtest.New(t)
	if _, err := a.Superuser().Exec(ctx, "create table only_here ()"); err != nil {
		t.Fatal(err)
	}
	var there bool
	if err := b.Superuser().QueryRow(ctx, "select to_regclass('only_here') is not null").Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there {
		t.Error("a table of one test's database appears in another's")
	}
}

func TestRolesAndClock(t *testing.T) {
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)
	d := pgtest.New(t).WithClock(clock.Fixed(at))
	for _, role := range pg.LoginRoles() {
		err := d.As(role).Platform(context.Background(), func(tx *pg.Tx) error {
			var me string
			if err := tx.QueryRow(context.Background(), "select session_user").Scan(&me); err != nil {
				return err
			}
			if me != role || !tx.Now.Equal(at) {
				t.Errorf("logged in as %s at %s, want %s at %s", me, tx.Now, role, at)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// TestSchemaIsTheProgramsOwn: a clone has every migration of this tree, be its template made just now or kept from before.
func TestSchemaIsTheProgramsOwn(t *testing.T) {
	ctx := context.Background()
	d := pgtest.New(t)
	conn, err := d.Superuser().Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := pg.CheckSchema(ctx, conn.Conn()); err != nil {
		t.Error(err)
	}
	pending, err := pg.Pending(ctx, d.DSN(pgserver.Superuser))
	if err != nil || len(pending) > 0 {
		t.Errorf("%v is not applied, error %v", pending, err)
	}
}
