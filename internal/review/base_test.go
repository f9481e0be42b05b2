package review_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// base is the finding about the base licence of the case.
func (w *way) base(t *testing.T, o review.Officer) (review.Finding, *review.View) {
	t.Helper()
	v, err := w.Office.Open(t.Context(), o, w.id, "procedure")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Findings {
		if i := slices.IndexFunc(v.Procedure.Checks, func(c qualification.Check) bool { return c.ID == f.Check }); v.Procedure.Checks[i].Machine == "base" {
			return f, v
		}
	}
	t.Fatal("there is no check of the base licence")
	return review.Finding{}, nil
}

// TestBaseLicence: the register of the base licence answers with number and state, and nothing else, when the application is
// handed in; a person looks where nothing is linked. What was asked is on record at the other register, and the person sees it.
func TestBaseLicence(t *testing.T) {
	cat, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	w := way{World: casetest.NewOf(t, cat.Apart())}
	reviewer, _ := w.Staffed(t, "pref-13")
	reviewer.Body = "pref-13"
	const register = "jutai-chosetsu-shidoin.pref-13"
	w.apply(t, register)
	if f, v := w.base(t, reviewer); f.Code != "base_not_linked" || f.Result != review.Attention || len(v.Bases) != 0 {
		t.Errorf("without a licence: %+v %+v", f, v.Bases)
	}
	if err := w.Desk.Withdraw(t.Context(), w.Nurse, w.id); err != nil {
		t.Fatal(err)
	}

	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("%d entries: %v", len(held), err)
	}
	entry := held[0].Entry
	w.apply(t, register)
	f, v := w.base(t, reviewer)
	if f.Code != "base_held" || f.Result != review.Pass || len(v.Bases) != 1 || v.Bases[0].Register != "kangoshi.mhlw" || v.Bases[0].Number != entry.Number || w.Clock.Now().Sub(v.Bases[0].At) > time.Hour {
		t.Errorf("with a licence: %+v %+v", f, v.Bases)
	}
	if v.Case.PersonRef == w.Ref(w.Nurse) {
		t.Error("two registrars know the person under one reference")
	}
	w.onRecord(t, v.Case.ID)
	if err := w.Desk.Withdraw(t.Context(), w.Nurse, w.id); err != nil {
		t.Fatal(err)
	}

	w.Measure(t, "kangoshi.mhlw", entry.ID, w.Ref(w.Nurse), review.MeasureSuspend)
	w.apply(t, register)
	if f, v := w.base(t, reviewer); f.Code != "base_suspended" || f.Result != review.Fail || v.Bases[0].State != "suspended" {
		t.Errorf("with a suspended licence: %+v %+v", f, v.Bases)
	}
	if err := w.Office.Propose(t.Context(), reviewer, w.id, review.Proposal{Outcome: "approve"}); !errors.Is(err, fault.Conflict) && !errors.Is(err, fault.Invalid) {
		t.Errorf("proposing the approval on a suspended licence: %v", err)
	}
}

// onRecord: the look stands in the log of the nurses' register under the nurse's reference there, without the case of the other.
func (w *way) onRecord(t *testing.T, other uuid.UUID) {
	t.Helper()
	var seen []audit.Logged
	err := w.DB.As(pg.RoleCitizen).InPerson(t.Context(), pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}, func(tx *pg.Tx) (err error) {
		seen, err = audit.List(t.Context(), tx, audit.Filter{Limit: 200})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(seen, func(e audit.Logged) bool { return e.Act == audit.EntryAttest })
	if i < 0 || seen[i].Registrar != "mhlw" || seen[i].Register != "kangoshi.mhlw" || seen[i].Case == other || !slices.Equal(seen[i].Items, []string{"number", "state"}) {
		t.Errorf("the nurses' log of the question is %+v", seen)
	}
}

// TestStateOfABaseLicence: an entry whose term is over is no licence any more.
func TestStateOfABaseLicence(t *testing.T) {
	day := calendar.Date{Year: 2026, Month: time.December, Day: 1}
	for _, c := range []struct {
		state string
		until calendar.Date
		want  string
	}{
		{"registered", calendar.Date{}, "registered"}, {"registered", day, "registered"}, {"registered", day.AddDays(-1), "expired"}, {"revoked", day.AddDays(-1), "revoked"},
	} {
		if got := (application.Attested{State: c.state, ValidUntil: c.until}).StateOn(day); got != c.want {
			t.Errorf("%s until %s: %s, want %s", c.state, c.until, got, c.want)
		}
	}
}
