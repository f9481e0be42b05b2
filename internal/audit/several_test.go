package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/audit"
	"akashi/internal/pg"
)

// listed is one look at a list that names several people.
func listed(refs ...uuid.UUID) audit.Event {
	return audit.Event{Act: audit.CaseList, Actor: audit.Actor{Kind: audit.ActorStaff, ID: "staff-1", Role: "reviewer", Body: "mhlw"}, Purpose: "inbox",
		Registrar: "mhlw", Items: []string{"name"}, Subjects: refs}
}

// One look at several people is one event, which each of them sees and can prove, and nobody else; none of them can read who
// the others are.
func TestOneLookAtSeveral(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	office, citizen := d.As(pg.RoleOffice), d.As(pg.RoleCitizen)
	must(t, office.InBody(t.Context(), "mhlw", func(tx *pg.Tx) error {
		return audit.Record(t.Context(), tx, listed(refB, refA, refB, uuid.Nil))
	}))
	if n := count(t, d, `select count(*) from audit_event where cardinality(subjects) = 2`); n != 1 {
		t.Fatalf("%d events, want one with two subjects", n)
	}
	sequence(t, d, newSequencer(d, k))
	for ref, want := range map[uuid.UUID]int{refA: 1, refB: 1, caseA: 0} {
		must(t, citizen.InPerson(t.Context(), pg.Person{ID: caseA, Ref: ref}, func(tx *pg.Tx) error {
			events, err := audit.List(t.Context(), tx, audit.Filter{LookedOnly: true})
			if err != nil || len(events) != want {
				t.Errorf("%s sees %d events (%v), want %d", ref, len(events), err, want)
			}
			for _, e := range events {
				r, err := audit.ProveEvent(t.Context(), tx, e.ID)
				must(t, err)
				var told struct {
					Subjects string
					V        int
				}
				if must(t, json.Unmarshal(r.Event, &told)); len(told.Subjects) != 64 || told.V != 2 || len(e.Subjects) > 0 {
					t.Errorf("the proven event is %s, with %v", r.Event, e.Subjects)
				}
			}
			return nil
		}))
	}
	err := citizen.InPerson(t.Context(), pg.Person{ID: caseA, Ref: refA}, func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `select subjects from audit_event`)
		return err
	})
	wantSQL(t, err, "42501", "permission denied for table audit_event")
	report, err := audit.Verify(t.Context(), d.As(pg.RoleWorker), k.verifier)
	if must(t, err); report.Err() != nil {
		t.Errorf("untouched: %v", report.Err())
	}
	for _, sql := range []string{`update audit_event set subjects = subjects[1:1]`, `update audit_event set subjects = null, subjects_digest = null`,
		`update audit_event set subjects_digest = sha256('x')`} {
		tamper(t, d, sql, func() {
			report, err := audit.Verify(t.Context(), d.As(pg.RoleWorker), k.verifier)
			if must(t, err); !has(report, audit.EventChanged, 0) {
				t.Errorf("after %s: %+v, want a changed event", sql, report.Findings)
			}
		})
	}
}
