package audit_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
)

// filled has a log of n events of refA, numbered and under a checkpoint.
func filled(t testing.TB, n int) (*pgtest.Database, keys, *audit.Sequencer) {
	t.Helper()
	d, k := newDB(t), newKeys(t)
	s := newSequencer(d, k)
	fill(t, d, n)
	sequence(t, d, s)
	return d, k, s
}

func fill(t testing.TB, d *pgtest.Database, n int) {
	t.Helper()
	events := make([]audit.Event, n)
	for i := range events {
		events[i] = viewed(refA)
	}
	record(t, d.As(pg.RoleOffice), events...)
}

func prove(t testing.TB, d *pgtest.Database, id uuid.UUID) (r audit.Receipt, err error) {
	t.Helper()
	err = d.As(pg.RoleCitizen).InPerson(t.Context(), pg.Person{ID: caseA, Ref: refA}, func(tx *pg.Tx) (err error) {
		r, err = audit.ProveEvent(t.Context(), tx, id)
		return err
	})
	return r, err
}

func TestReceiptsOfEveryEventAreChecked(t *testing.T) {
	d, k, _ := filled(t, 600) // two complete tiles and an edge
	f := audit.Filter{Ref: refA, Limit: 200}
	seen := 0
	for {
		page := list(t, d.As(pg.RoleCitizen), f)
		for _, e := range page {
			r, err := prove(t, d, e.ID)
			must(t, err)
			must(t, r.Check(k.verifier))
			if r.Seq != e.Seq || !e.Sealed {
				t.Errorf("the receipt of %d says %d", e.Seq, r.Seq)
			}
			seen++
		}
		if len(page) == 0 {
			break
		}
		last := page[len(page)-1].Cursor()
		f.After = &last
	}
	if seen != 600 {
		t.Errorf("%d receipts, want 600", seen)
	}
}

func TestAReceiptStandsAloneAndCannotBeBent(t *testing.T) {
	d, k, _ := filled(t, 5)
	r, err := prove(t, d, list(t, d.As(pg.RoleCitizen), audit.Filter{})[2].ID)
	must(t, err)
	encoded, err := json.Marshal(r)
	must(t, err)
	for _, c := range []struct {
		name string
		bend func(*audit.Receipt)
		want string
	}{
		{"unchanged", func(*audit.Receipt) {}, ""},
		{"event", func(r *audit.Receipt) {
			r.Event = json.RawMessage(strings.Replace(string(r.Event), "staff-1", "staff-2", 1))
		}, "stands in the log"},
		{"salt", func(r *audit.Receipt) { r.Salt[0] ^= 1 }, "stands in the log"},
		{"number", func(r *audit.Receipt) { r.Seq = (r.Seq + 1) % 5 }, "stands in the log"},
		{"number outside", func(r *audit.Receipt) { r.Seq = 5 }, "stands in the log"},
		{"path", func(r *audit.Receipt) { r.Path[0][0] ^= 1 }, "stands in the log"},
		{"short path", func(r *audit.Receipt) { r.Path = r.Path[1:] }, "stands in the log"},
		{"size signed", func(r *audit.Receipt) { r.Checkpoint = strings.Replace(r.Checkpoint, "\n5\n", "\n6\n", 1) }, "signature of a checkpoint"},
		{"no note", func(r *audit.Receipt) { r.Checkpoint = "" }, "signature of a checkpoint"},
	} {
		var bent audit.Receipt
		must(t, json.Unmarshal(encoded, &bent))
		c.bend(&bent)
		err := bent.Check(k.verifier)
		if c.want == "" {
			must(t, err)
		} else if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if err := r.Check(newKeys(t).verifier); !errors.Is(err, fault.Invalid) {
		t.Errorf("under another key: %v", err)
	}
}

func TestWhatCannotBeProved(t *testing.T) {
	d, _, _ := filled(t, 1)
	record(t, d.As(pg.RoleOffice), viewed(refA), viewed(refB))
	fresh := list(t, d.As(pg.RoleCitizen), audit.Filter{})[0]
	_, err := prove(t, d, fresh.ID)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.NotFound || f.Key != "audit.not_sealed" {
		t.Errorf("an event without a number: %v", err)
	}
	var others uuid.UUID
	must(t, d.Superuser().QueryRow(t.Context(), `select id from audit_event where person_ref = $1`, refB).Scan(&others))
	if _, err := prove(t, d, others); !errors.Is(err, fault.NotFound) {
		t.Errorf("somebody else's event: %v", err)
	}
	empty := newDB(t)
	err = empty.As(pg.RolePublic).Public(t.Context(), func(tx *pg.Tx) error {
		_, err := audit.LatestCheckpoint(t.Context(), tx)
		return err
	})
	if !errors.As(err, &f) || f.Kind != fault.NotFound || f.Key != "audit.no_checkpoint" {
		t.Errorf("an empty log: %v", err)
	}
}

func TestALogIsOnlyExtended(t *testing.T) {
	d, k, s := filled(t, 3)
	older := newest(t, d)
	for _, more := range []int{1, 252, 1, 300} { // up to, into and over the first tile
		fill(t, d, more)
		sequence(t, d, s)
		newer := newest(t, d)
		proof := extension(t, d, older, newer)
		must(t, audit.CheckExtension(proof, older, newer))
		forged := older
		forged.Root[0] ^= 1
		if err := audit.CheckExtension(proof, forged, newer); !errors.Is(err, fault.Invalid) {
			t.Errorf("a forged start passes: %v", err)
		}
		signed, err := audit.OpenCheckpoint(newer.Note, k.verifier)
		if err != nil || signed.Size != newer.Size || signed.Root != newer.Root {
			t.Errorf("the note says %d %v (%v), the row %d %v", signed.Size, signed.Root, err, newer.Size, newer.Root)
		}
	}
	err := d.As(pg.RolePublic).Public(t.Context(), func(tx *pg.Tx) error {
		_, err := audit.ProveExtension(t.Context(), tx, newest(t, d), older)
		return err
	})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("a log that shrinks: %v", err)
	}
}

func newest(t testing.TB, d *pgtest.Database) (c audit.Checkpoint) {
	t.Helper()
	must(t, d.As(pg.RolePublic).Public(t.Context(), func(tx *pg.Tx) (err error) {
		c, err = audit.LatestCheckpoint(t.Context(), tx)
		return err
	}))
	return c
}

func extension(t testing.TB, d *pgtest.Database, older, newer audit.Checkpoint) (proof tlog.TreeProof) {
	t.Helper()
	must(t, d.As(pg.RolePublic).Public(t.Context(), func(tx *pg.Tx) (err error) {
		proof, err = audit.ProveExtension(t.Context(), tx, older, newer)
		return err
	}))
	return proof
}

func TestVerifyFindsEveryTampering(t *testing.T) {
	d, k, _ := filled(t, 260)
	for _, c := range []struct {
		sql  string
		want audit.FindingKind
		at   int64
	}{
		{`update audit_event set purpose = 'x' where commitment = (select commitment from audit_leaf where seq = 7)`, audit.EventChanged, 7},
		{`update audit_event set items = '{}' where commitment = (select commitment from audit_leaf where seq = 259)`, audit.EventChanged, 259},
		{`update audit_event set at = at + interval '1 microsecond' where commitment = (select commitment from audit_leaf where seq = 0)`, audit.EventChanged, 0},
		{`update audit_event set salt = substr(sha256('x'), 1, 16) where commitment = (select commitment from audit_leaf where seq = 3)`, audit.EventChanged, 3},
		{`delete from audit_event where commitment = (select commitment from audit_leaf where seq = 100)`, audit.EventMissing, 100},
		{`delete from audit_leaf where seq = 50`, audit.LeafMissing, 50},
		{`delete from audit_leaf where seq = 259`, audit.CheckpointWrong, 260},
		{`update audit_leaf set commitment = sha256('x') where seq = 258`, audit.EventMissing, 258},
		{`insert into audit_event select gen_random_uuid(), '3', at, act, actor_kind, actor_id, actor_role, actor_body, purpose,
		   register_id, registrar_id, person_ref, case_id, entry_id, items, outcome, salt, sha256('x') from audit_event limit 1`, audit.EventSkipped, -1},
		{`update audit_tile set root = sha256('x')`, audit.TileWrong, 0},
		{`update audit_tile set data = sha256('x') || substr(data, 33)`, audit.TileWrong, 0},
		{`delete from audit_tile`, audit.TileWrong, 0},
		{`update audit_head set root = sha256('x')`, audit.HeadWrong, 260},
		{`update audit_head set size = 259`, audit.HeadWrong, 259},
		{`update audit_checkpoint set root = sha256('x')`, audit.CheckpointWrong, 260},
		{`update audit_checkpoint set note = replace(note, E'\n260\n', E'\n261\n')`, audit.CheckpointWrong, 260},
	} {
		tamper(t, d, c.sql, func() {
			report, err := audit.Verify(t.Context(), d.As(pg.RoleWorker), k.verifier)
			must(t, err)
			if !has(report, c.want, c.at) || report.Err() == nil {
				t.Errorf("after %s: %+v, want %s at %d", c.sql, report.Findings, c.want, c.at)
			}
		})
	}
	verified(t, d, k.verifier, 260)
}

func has(r audit.Report, kind audit.FindingKind, at int64) bool {
	for _, f := range r.Findings {
		if f.Kind == kind && f.Place == at {
			return true
		}
	}
	return false
}

// tamper changes the database behind the program's back, runs f, and puts everything back.
func tamper(t testing.TB, d *pgtest.Database, sql string, f func()) {
	t.Helper()
	run := func(statements ...string) {
		for _, s := range statements {
			_, err := d.Superuser().Exec(t.Context(), s)
			must(t, err)
		}
	}
	tables := []string{"audit_event", "audit_leaf", "audit_tile", "audit_head", "audit_checkpoint"}
	for _, table := range tables {
		run("create table saved_" + table + " as select * from " + table)
	}
	run(sql)
	f()
	for _, table := range tables {
		run("truncate "+table, "insert into "+table+" select * from saved_"+table, "drop table saved_"+table)
	}
}

// Whatever text a signed note has, it is refused or is exactly the statement that is read from it.
func FuzzOpenCheckpoint(f *testing.F) {
	k := newKeys(f)
	root := "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	for _, text := range []string{
		"akashi/audit-test\n0\n" + root + "\n", "akashi/audit-test\n260\n" + root + "\n", "akashi/audit-test\n-1\n" + root + "\n",
		"akashi/audit-test\n01\n" + root + "\n", "other\n1\n" + root + "\n", "akashi/audit-test\n1\n" + root + "\nmore\n", "akashi/audit-test\n1\nAAAA\n", "\n",
		"akashi/audit-test\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n", // bits after the hash
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := note.Sign(&note.Note{Text: text}, k.signer)
		if err != nil {
			t.Skip("not a note")
		}
		c, err := audit.OpenCheckpoint(signed, k.verifier)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want invalid", err)
			}
			return
		}
		if again := fmt.Sprintf("akashi/audit-test\n%d\n%s\n", c.Size, base64.StdEncoding.EncodeToString(c.Root[:])); again != text {
			t.Errorf("read %q as %q", text, again)
		}
	})
}
