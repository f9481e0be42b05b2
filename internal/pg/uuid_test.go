package pg_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
)

// TestUUID: ids pass both ways in every form that statements use, and null is refused where an id is expected.
func TestUUID(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).As(pg.RoleWorker)
	want := pg.NewID()
	var got uuid.UUID
	var pointer, null, none *uuid.UUID
	var list []uuid.UUID
	var text string
	err := db.Platform(t.Context(), func(tx *pg.Tx) error {
		return tx.QueryRow(t.Context(), `select $1::uuid, $2::uuid, $3::uuid, $4::uuid[], $1::uuid::text, null::uuid`,
			want, &want, null, []uuid.UUID{want, uuid.Nil}).Scan(&got, &pointer, &null, &list, &text, &none)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got != want || *pointer != want || null != nil || none != nil || len(list) != 2 || list[0] != want || text != want.String() {
		t.Errorf("%s came back as %s, %s, %v, %v, %q", want, got, pointer, null, list, text)
	}
	err = db.Platform(t.Context(), func(tx *pg.Tx) error { return tx.QueryRow(t.Context(), `select null::uuid`).Scan(&got) })
	if err == nil || !strings.Contains(err.Error(), "null into a uuid") {
		t.Errorf("reading null into an id: %v", err)
	}
}

// TestBatchReads: what a batch reads is there after Send, in order with what it writes.
func TestBatchReads(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).As(pg.RoleWorker)
	var b pg.Batch
	var before, after []int
	count := `select count(*)::int from staff`
	pg.ReadBy(&b, &before, pgx.RowTo[int], "counting", count)
	b.ExecOne("adding", `insert into staff (id, subject, name, active) values ($1, 'a', 'b', true)`, pg.NewID())
	pg.ReadBy(&b, &after, pgx.RowTo[int], "counting again", count)
	if err := db.Platform(t.Context(), func(tx *pg.Tx) error { return b.Send(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	if len(before) != 1 || len(after) != 1 || after[0] != before[0]+1 {
		t.Errorf("read %v and %v", before, after)
	}
	var broken pg.Batch
	pg.ReadBy(&broken, &before, pgx.RowTo[int], "dividing", `select 1 / 0`)
	if err := db.Platform(t.Context(), func(tx *pg.Tx) error { return broken.Send(t.Context(), tx) }); err == nil || !strings.HasPrefix(err.Error(), "dividing: ") {
		t.Errorf("a failed read: %v", err)
	}
}
