package verification_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/registry"
	"akashi/internal/review"
	"akashi/internal/verification"
)

// suspension is a world in which one nurse's entry can be suspended with a term.
type suspension struct {
	*casetest.World
	t   *testing.T
	url string
}

func newSuspension(t *testing.T) *suspension {
	t.Helper()
	s := &suspension{World: casetest.New(t), t: t}
	s.Registered(t)
	var err error
	if s.url, err = s.held().Credential.URL("https://check.example/w/"); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *suspension) held() credential.Held {
	s.t.Helper()
	held, err := s.Wallet.List(s.t.Context(), s.Nurse)
	if err != nil || len(held) != 1 || held[0].Credential == nil {
		s.t.Fatalf("holdings %+v, error %v", held, err)
	}
	return held[0]
}

// until has the entry suspended until a number of days from today.
func (s *suspension) until(days int) calendar.Date {
	s.t.Helper()
	e, last := s.held().Entry, s.Today().AddDays(days)
	s.MeasureUntil(s.t, e.RegisterID, e.ID, *e.PersonRef, review.MeasureSuspend, last)
	return last
}

// measure has a measure without a day decided.
func (s *suspension) measure(kind string) {
	s.t.Helper()
	e := s.held().Entry
	s.Measure(s.t, e.RegisterID, e.ID, *e.PersonRef, kind)
}

// passes turns the clock to a number of minutes after the beginning of the day after one.
func (s *suspension) passes(last calendar.Date, minutes int) {
	s.Clock.Set(last.AddDays(1).Time().Add(time.Duration(minutes) * time.Minute))
}

// lifts runs the job, which is to end so many suspensions.
func (s *suspension) lifts(want int) {
	s.t.Helper()
	if n, err := s.Lifter.Lift(s.t.Context(), 10); err != nil || n != want {
		s.t.Fatalf("%d suspensions ended, error %v; want %d", n, err, want)
	}
}

// says compares the entry, its credential and what a verifier is told.
func (s *suspension) says(entry registry.State, state credential.State, verdict verification.Verdict, until calendar.Date) {
	s.t.Helper()
	h, r := s.held(), s.Verifier.CheckText(s.t.Context(), s.url)
	if h.Entry.State != entry || h.Entry.SuspendedUntil != until || h.Credential.State != state {
		s.t.Errorf("the entry is %s until %s, the credential %s; want %s until %s, %s", h.Entry.State, h.Entry.SuspendedUntil, h.Credential.State, entry, until, state)
	}
	if r.Verdict != verdict || r.SuspendedUntil != until {
		s.t.Errorf("a verifier is told %s until %s, want %s until %s", r.Verdict, r.SuspendedUntil, verdict, until)
	}
}

var never calendar.Date

// TestATermEndsByItself: holder and verifier are told the last day, nothing happens on it, and on the next one the entry and its
// credential are in force again, once, with a line in the history and a message to the holder.
func TestATermEndsByItself(t *testing.T) {
	t.Parallel()
	s := newSuspension(t)
	last := s.until(30)
	s.says(registry.Suspended, credential.Suspended, verification.Suspended, last)
	s.passes(last, -1)
	s.lifts(0)
	s.says(registry.Suspended, credential.Suspended, verification.Suspended, last)
	before := s.changes()
	s.passes(last, 0)
	var at [4]int
	var failed [4]error
	var all sync.WaitGroup
	for i := range at {
		all.Go(func() { at[i], failed[i] = s.Lifter.Lift(t.Context(), 10) })
	}
	all.Wait()
	if n := at[0] + at[1] + at[2] + at[3]; n != 1 || errors.Join(failed[:]...) != nil {
		t.Fatalf("four at once end %d suspensions, %v", n, failed)
	}
	s.says(registry.Registered, credential.Valid, verification.Valid, never)
	if told := s.changes() - before; told != 1 {
		t.Errorf("the holder got %d messages, want 1", told)
	}
	e := s.held().Entry
	var past []registry.Past
	if err := s.DB.As(pg.RoleOffice).InRegistrar(t.Context(), e.RegistrarID, func(tx *pg.Tx) (err error) {
		past, err = registry.History(t.Context(), tx, &e)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if p := past[0]; p.Act != registry.ActLapse || p.State != registry.Registered || p.EffectiveOn != last.AddDays(1) || p.ApplicationID != nil || !p.Until.IsZero() {
		t.Errorf("the last line of the history is %+v", p)
	}
	if p := past[1]; p.Act != registry.ActSuspend || p.Until != last || p.ApplicationID == nil {
		t.Errorf("the line before is %+v", p)
	}
}

// changes counts the messages that the entry was changed.
func (s *suspension) changes() (n int) {
	s.t.Helper()
	all, err := s.Desk.Notices(s.t.Context(), s.Nurse)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range all {
		if one.Kind == application.EntryChanged {
			n++
		}
	}
	return n
}

// TestATermAndWhatElseHappens: the holder's stop outlives the term, a restoration and a suspension without an end do away with it, and a
// credential that was made anew meanwhile has it, too.
func TestATermAndWhatElseHappens(t *testing.T) {
	t.Parallel()
	s := newSuspension(t)
	e := s.held().Entry
	last := s.until(3)
	if err := s.Wallet.Suspend(t.Context(), s.Nurse, e.RegisterID, e.ID); err != nil {
		t.Fatal(err)
	}
	s.passes(last, 1)
	s.lifts(1)
	s.says(registry.Registered, credential.OnHold, verification.Suspended, never)
	if err := s.Wallet.Lift(t.Context(), s.Nurse, e.RegisterID, e.ID, s.later()); err != nil {
		t.Fatal(err)
	}
	last = s.until(3)
	s.measure(review.MeasureRestore)
	s.says(registry.Registered, credential.Valid, verification.Valid, never)
	s.measure(review.MeasureSuspend)
	s.says(registry.Suspended, credential.Suspended, verification.Suspended, never)
	s.passes(last, 1)
	s.lifts(0)
	// What a program from before leaves behind when it restores is not believed.
	exec(t, s.World, `update entry set suspended_until = '2026-12-02' where state = 'suspended'`)
	s.lifts(0)
	s.measure(review.MeasureRestore)
	last = s.until(3)
	s.measure(review.MeasureRevoke)
	s.says(registry.Revoked, credential.Revoked, verification.Revoked, never)
	s.passes(last, 1)
	s.lifts(0)
}

func (s *suspension) later() time.Time { s.Clock.Advance(time.Minute); return s.Clock.Now() }

// TestTermsThatAreRefused: a last day that has passed when it is proposed or agreed to, and one of another measure.
func TestTermsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newSuspension(t)
	e := s.held().Entry
	propose := func(kind string, days int) (string, error) {
		return s.Office.ProposeMeasure(t.Context(), s.Keeper, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: kind,
			Until: s.Today().AddDays(days), Reason: "試験のための処分", Who: casetest.Card()})
	}
	for kind, days := range map[string]int{review.MeasureSuspend: -1, review.MeasureRevoke: 1, review.MeasureRestore: 1} {
		_, err := propose(kind, days)
		refused(t, err, fault.Invalid)
	}
	id, err := propose(review.MeasureSuspend, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(24 * time.Hour)
	if err := s.Office.Take(t.Context(), s.Approver, id); err != nil {
		t.Fatal(err)
	}
	refused(t, s.Office.Decide(t.Context(), s.Approver, id, review.Agree, ""), fault.Conflict)
	s.says(registry.Registered, credential.Valid, verification.Valid, never)
}

func refused(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Key != "fault.suspension_over" {
		t.Errorf("%v, want %s with fault.suspension_over", err, kind)
	}
}
