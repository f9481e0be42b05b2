package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

func TestActsAreATable(t *testing.T) {
	seen := map[audit.Act]bool{}
	for _, info := range audit.Acts() {
		if seen[info.Act] {
			t.Errorf("%s stands twice", info.Act)
		}
		seen[info.Act] = true
		if !strings.HasSuffix(info.Sentence, ".") || len(info.Sentence) < 10 {
			t.Errorf("%s has no sentence", info.Act)
		}
		if !strings.HasPrefix(info.Key(), "audit.act.") || strings.Count(info.Key(), ".") != 2 {
			t.Errorf("%s has the key %s", info.Act, info.Key())
		}
	}
	if _, known := audit.Lookup("case.burn"); known {
		t.Error("an act outside the table is known")
	}
}

func TestEventsThatMightCarryValuesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*audit.Event)
		want string
	}{
		{"unknown act", func(e *audit.Event) { e.Act = "case.burn" }, "not in the table of acts"},
		{"unknown actor", func(e *audit.Event) { e.Actor.Kind = "robot" }, "kind of actor is unknown"},
		{"staff without id", func(e *audit.Event) { e.Actor.ID = "" }, "the actor has no id"},
		{"a name as id", func(e *audit.Event) { e.Actor.ID = "髙橋" }, "an id is not plain ASCII"},
		{"a person by a global id", func(e *audit.Event) { e.Actor = audit.Actor{Kind: audit.ActorPerson, ID: refB.String()} },
			"not the registrar's reference"},
		{"a value as item", func(e *audit.Event) { e.Items = []string{"佐賀県"} }, "an item is not a name"},
		{"a sentence as outcome", func(e *audit.Event) { e.Outcome = "not found at all" }, "the outcome is not a code"},
		{"a long purpose", func(e *audit.Event) { e.Purpose = strings.Repeat("あ", 201) }, "the purpose is too long"},
		{"a purpose of two lines", func(e *audit.Event) { e.Purpose = "a\nb" }, "control characters"},
		{"too many items", func(e *audit.Event) { e.Items = make([]string, 65) }, "too many items"},
	} {
		e := viewed(refA)
		c.edit(&e)
		var b pg.Batch
		err := audit.Queue(&b, start, e)
		if !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCanonicalForm(t *testing.T) {
	l := audit.Logged{Event: viewed(refA), ID: caseA, At: start}
	got, err := l.Canonical()
	must(t, err)
	want := `{"act":"case.view","actor":{"body":"mhlw","id":"staff-1","kind":"staff","role":"reviewer"},` +
		`"at":"2026-12-01T00:00:00.123456Z","case":"0190a000-0000-7000-8000-00000000000a","entry":"",` +
		`"id":"0190a000-0000-7000-8000-00000000000a","items":["name","domicile"],"outcome":"shown","purpose":"審査のため",` +
		`"ref":"aaaaaaaa-0000-8000-8000-000000000001","register":"kangoshi-mhlw","registrar":"mhlw","v":1}`
	if string(got) != want {
		t.Errorf("canonical form\n got %s\nwant %s", got, want)
	}
}

// The canonical form is what a generic encoder makes with sorted keys, for every purpose that is accepted.
func TestCanonicalFormIsSortedJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := viewed(refA)
		e.Purpose = rapid.StringN(0, 200, -1).Draw(t, "purpose")
		if audit.Queue(&pg.Batch{}, start, e) != nil {
			t.Skip("refused")
		}
		got, err := audit.Logged{Event: e, ID: caseA, At: start}.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		var generic map[string]any
		if err := json.Unmarshal(got, &generic); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(generic); err != nil {
			t.Fatal(err)
		}
		if generic["purpose"] != e.Purpose || b.String() != string(got)+"\n" {
			t.Errorf("got %s, want %s", got, b.String())
		}
	})
}

func TestRecordCommitsAndRollsBackWithTheAct(t *testing.T) {
	d := newDB(t)
	office := d.As(pg.RoleOffice)
	record(t, office, viewed(refA), viewed(refB))
	stop := errors.New("the act failed")
	err := office.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		must(t, audit.Record(t.Context(), tx, viewed(refA)))
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatalf("got %v", err)
	}
	if n := count(t, d, `select count(*) from audit_event`); n != 2 {
		t.Errorf("%d events stand, want 2", n)
	}
}

func TestListGivesBackWhatWasRecorded(t *testing.T) {
	d := newDB(t)
	office := d.As(pg.RoleOffice)
	record(t, office, viewed(refA))
	must(t, office.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		events, err := audit.List(t.Context(), tx, audit.Filter{Case: caseA})
		must(t, err)
		if len(events) != 1 {
			t.Fatalf("%d events, want 1", len(events))
		}
		got, want := events[0], audit.Logged{Event: viewed(refA), ID: events[0].ID, At: start.Truncate(time.Microsecond)}
		gotBytes, err := got.Canonical()
		must(t, err)
		wantBytes, err := want.Canonical()
		must(t, err)
		if !bytes.Equal(gotBytes, wantBytes) || got.Sealed || len(got.Salt) != 16 || len(got.Commitment) != 32 {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		return nil
	}))
}

func TestListPagesNewestFirst(t *testing.T) {
	d := newDB(t)
	office := d.As(pg.RoleOffice)
	other := viewed(refA)
	other.Act = audit.CaseApprove
	for range 7 {
		record(t, office, viewed(refA), other, viewed(refB)) // the same moment: the id decides
	}
	citizen := d.As(pg.RoleCitizen)
	for _, c := range []struct {
		looked bool
		want   int
	}{{false, 14}, {true, 7}} {
		seen := map[uuid.UUID]bool{}
		f := audit.Filter{Ref: refA, LookedOnly: c.looked, Limit: 4}
		for {
			page := list(t, citizen, f)
			for _, e := range page {
				if seen[e.ID] || e.Ref != refA {
					t.Fatalf("%s twice, or of somebody else", e.ID)
				}
				seen[e.ID] = true
			}
			if len(page) < 4 {
				break
			}
			last := page[len(page)-1].Cursor()
			f.After = &last
		}
		if len(seen) != c.want {
			t.Errorf("looked %v: %d events, want %d", c.looked, len(seen), c.want)
		}
	}
}

// list is the person's own view, through the door of refA.
func list(t testing.TB, db *pg.DB, f audit.Filter) (events []audit.Logged) {
	t.Helper()
	must(t, db.InPerson(t.Context(), pg.Person{ID: caseA, Ref: refA}, func(tx *pg.Tx) (err error) {
		events, err = audit.List(t.Context(), tx, f)
		return err
	}))
	return events
}

func TestEachDoorSeesItsOwnEvents(t *testing.T) {
	d := newDB(t)
	worker, office, citizen, public := d.As(pg.RoleWorker), d.As(pg.RoleOffice), d.As(pg.RoleCitizen), d.As(pg.RolePublic)
	saga := viewed(refB)
	saga.Registrar, saga.Actor.Body = "pref-41", "pref-41"
	must(t, worker.Platform(t.Context(), func(tx *pg.Tx) error { return audit.Record(t.Context(), tx, viewed(refA), saga) }))

	for _, c := range []struct {
		name string
		in   func(f func(*pg.Tx) error) error
		want string
	}{
		{"own registrar", func(f func(*pg.Tx) error) error { return office.InRegistrar(t.Context(), "mhlw", f) }, "case.view/mhlw "},
		{"other registrar", func(f func(*pg.Tx) error) error { return office.InRegistrar(t.Context(), "pref-41", f) }, "case.view/pref-41 "},
		{"third registrar", func(f func(*pg.Tx) error) error { return office.InRegistrar(t.Context(), "sssc", f) }, ""},
		{"body", func(f func(*pg.Tx) error) error { return office.InBody(t.Context(), "pref-41", f) }, "case.view/pref-41 "},
		{"no door", func(f func(*pg.Tx) error) error { return office.Platform(t.Context(), f) }, ""},
		{"the person", func(f func(*pg.Tx) error) error {
			return citizen.InPerson(t.Context(), pg.Person{ID: caseA, Ref: refA}, f)
		}, "case.view/mhlw "},
		{"nobody's reference", func(f func(*pg.Tx) error) error {
			return citizen.InPerson(t.Context(), pg.Person{ID: caseA}, f)
		}, ""},
		{"a citizen in an office's door", func(f func(*pg.Tx) error) error { return citizen.InRegistrar(t.Context(), "mhlw", f) }, ""},
	} {
		must(t, c.in(func(tx *pg.Tx) error {
			events, err := audit.List(t.Context(), tx, audit.Filter{})
			if err != nil || ids(events) != c.want {
				t.Errorf("%s sees %q (%v), want %q", c.name, ids(events), err, c.want)
			}
			return nil
		}))
	}
	err := public.Public(t.Context(), func(tx *pg.Tx) error { _, err := audit.List(t.Context(), tx, audit.Filter{}); return err })
	wantSQL(t, err, "42501", "permission denied for table audit_event")
}

func TestEachDoorRecordsOnlyItsOwnEvents(t *testing.T) {
	d := newDB(t)
	worker, office, citizen, public := d.As(pg.RoleWorker), d.As(pg.RoleOffice), d.As(pg.RoleCitizen), d.As(pg.RolePublic)
	own := audit.Event{Act: audit.ApplicationSubmit, Actor: audit.Actor{Kind: audit.ActorPerson}, Registrar: "mhlw", Ref: refA}
	asStaff := viewed(refA)
	login := audit.Event{Act: audit.PersonLogin, Actor: audit.Actor{Kind: audit.ActorPerson}}
	checked := audit.Event{Act: audit.CredentialCheck, Actor: audit.Actor{Kind: audit.ActorPublic}, Registrar: "mhlw", Entry: caseA}
	checkedOf := checked
	checkedOf.Ref = refA
	person := func(f func(*pg.Tx) error) error {
		return citizen.InPerson(t.Context(), pg.Person{ID: caseA, Ref: refA}, f)
	}
	stranger := func(f func(*pg.Tx) error) error {
		return citizen.InPerson(t.Context(), pg.Person{ID: caseA, Ref: refB}, f)
	}
	for _, c := range []struct {
		name  string
		in    func(f func(*pg.Tx) error) error
		event audit.Event
		ok    bool
	}{
		{"the person", person, own, true},
		{"a stranger", stranger, own, false},
		{"the person as staff", person, asStaff, false},
		{"a login before any door", func(f func(*pg.Tx) error) error { return citizen.Platform(t.Context(), f) }, login, true},
		{"an act before any door", func(f func(*pg.Tx) error) error { return citizen.Platform(t.Context(), f) }, own, false},
		{"another registrar", func(f func(*pg.Tx) error) error { return office.InRegistrar(t.Context(), "sssc", f) }, asStaff, false},
		{"the body", func(f func(*pg.Tx) error) error { return office.InBody(t.Context(), "mhlw", f) }, asStaff, true},
		{"another body", func(f func(*pg.Tx) error) error { return office.InBody(t.Context(), "sssc", f) }, asStaff, false},
		{"staff as a person", func(f func(*pg.Tx) error) error { return office.InRegistrar(t.Context(), "mhlw", f) }, own, false},
		{"the public", func(f func(*pg.Tx) error) error { return public.Public(t.Context(), f) }, checked, true},
		{"the public about somebody", func(f func(*pg.Tx) error) error { return public.Public(t.Context(), f) }, checkedOf, false},
		{"a job at another registrar", func(f func(*pg.Tx) error) error { return worker.InRegistrar(t.Context(), "sssc", f) },
			system(audit.NoticeSend, "mhlw"), false},
		{"a job", func(f func(*pg.Tx) error) error { return worker.InRegistrar(t.Context(), "mhlw", f) }, system(audit.NoticeSend, "mhlw"), true},
	} {
		err := c.in(func(tx *pg.Tx) error { return audit.Record(t.Context(), tx, c.event) })
		if c.ok && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.ok {
			t.Run(c.name, func(t *testing.T) {
				wantSQL(t, err, "42501", `new row violates row-level security policy for table "audit_event"`)
			})
		}
	}
}

func TestNoRoleChangesTheLog(t *testing.T) {
	d := newDB(t)
	record(t, d.As(pg.RoleOffice), viewed(refA))
	for _, role := range pg.LoginRoles() {
		db := d.As(role)
		for _, c := range []struct{ sql, table string }{
			{`update audit_event set purpose = ''`, "audit_event"},
			{`delete from audit_event`, "audit_event"},
			{`truncate audit_event`, "audit_event"},
			{`insert into audit_event (id, xid) values (gen_random_uuid(), '1')`, "audit_event"},
			{`update audit_leaf set commitment = ''`, "audit_leaf"},
			{`delete from audit_leaf`, "audit_leaf"},
			{`update audit_tile set root = ''`, "audit_tile"},
			{`delete from audit_checkpoint`, "audit_checkpoint"},
			{`update audit_checkpoint set note = ''`, "audit_checkpoint"},
			{`delete from audit_head`, "audit_head"},
		} {
			err := db.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error { _, err := tx.Exec(t.Context(), c.sql); return err })
			t.Run(role+" "+c.sql, func(t *testing.T) { wantSQL(t, err, "42501", "permission denied for table "+c.table) })
		}
	}
	for _, role := range []string{pg.RoleCitizen, pg.RoleOffice, pg.RolePublic} {
		err := d.As(role).Platform(t.Context(), func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into audit_leaf (seq, commitment) values (0, '')`)
			return err
		})
		wantSQL(t, err, "42501", "permission denied for table audit_leaf")
	}
}

// The policies must leave the indexes usable: with sequential scans forbidden, one in the plan means they do not.
func TestQueriesUseTheirIndexesUnderThePolicies(t *testing.T) {
	d := newDB(t)
	plan := func(tx *pg.Tx, sql string, args ...any) string {
		_, err := tx.Exec(t.Context(), "set local enable_seqscan = off")
		must(t, err)
		rows, err := tx.Query(t.Context(), "explain "+sql, args...)
		must(t, err)
		return collect(t, rows)
	}
	must(t, d.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		if p := plan(tx, audit.SelectPending, "5", 100); !strings.Contains(p, "audit_event_order") {
			t.Errorf("the sequencer reads every event:\n%s", p)
		}
		return nil
	}))
	must(t, d.As(pg.RoleCitizen).InPerson(t.Context(), pg.Person{ID: caseA, Ref: refA}, func(tx *pg.Tx) error {
		sql, args := audit.ListSQL(audit.Filter{Ref: refA, After: &audit.Cursor{At: start, ID: caseA}})
		if p := plan(tx, sql, args...); !strings.Contains(p, "audit_event_ref") {
			t.Errorf("the person's list reads every event:\n%s", p)
		}
		return nil
	}))
}
