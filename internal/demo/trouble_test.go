package demo_test

import (
	"strings"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/demo"
	"akashi/internal/pg"
)

// Outside systems fail while the nurse applies: the form opens all the same, nothing is lost, and what waited goes on
// once they work again and the clock is moved.
func TestTroubleOutside(t *testing.T) {
	s := &story{start(t, demo.Config{DataDir: home(t)}), t}
	defer stop(t, s.Demo)
	nurse := s.actor()
	nurse.be("nurse")
	s.fails("login", true)
	nurse.send("/login")
	nurse.send("/card")
	nurse.send("/pin", "secret", "1234")
	if nurse.status != 503 {
		t.Errorf("with the login broken: %d at %s, want 503", nurse.status, nurse.at)
	}
	s.fails("login", false)
	nurse.be("nurse")
	nurse.card()

	s.fails("resident", true)
	s.fails("family", true)
	id := apply(nurse)
	sign(nurse, id)
	s.fails("payment", true)
	nurse.open("/applications/" + id + "/pay")
	nurse.send("/pay")
	if nurse.status != 503 {
		t.Errorf("with the payment broken: %d at %s, want 503", nurse.status, nurse.at)
	}
	s.fails("payment", false)
	pay(nurse, id)
	if got := s.answered(); got != 0 {
		t.Errorf("%d inquiries are answered while the registries fail", got)
	}
	s.fails("resident", false)
	s.fails("family", false)
	if err := s.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	s.await("both registries answer", func() bool { return s.answered() == 2 })
	s.next(demo.StepReview, demo.Reviewer)
}

// The family register cannot say this applicant's domicile, so the document is asked for; and a draft that nobody
// touches is closed when the clock is moved past its day.
func TestOtherPeople(t *testing.T) {
	s := &story{start(t, demo.Config{DataDir: home(t)}), t}
	defer stop(t, s.Demo)
	mirai := s.actor()
	mirai.be("mirai")
	mirai.card()
	id := applyAs(mirai, "例示　未来", "れいじ", "みらい", "41", "20571", "40")
	mirai.open("/applications/" + id)
	mirai.send("/check")
	mirai.send("/sign")
	mirai.send("/card")
	mirai.send("/password", "secret", "SIGN1234")
	pay(mirai, id)
	s.work()
	mirai.open("/applications/" + id)
	mirai.sees("戸籍抄本")

	sakura := s.actor()
	sakura.be("sakura")
	sakura.card()
	id = applyAs(sakura, "試行　桜", "しこう", "さくら", "13", "10999", "13")
	sakura.open("/applications/" + id)
	sakura.send("/check")
	sakura.send("/sign")
	sakura.send("/card")
	sakura.send("/password", "secret", "SIGN1234")
	sakura.sees("失効")

	if err := s.Advance(t.Context(), 31*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	s.await("the draft is closed", func() bool { return s.count("mhlw", `select count(*) from application where state = 'expired'`) == 1 })
}

// applyAs is apply for somebody else.
func applyAs(a *actor, name, family, given, domicile, number, place string) string {
	a.t.Helper()
	a.open("/procedures/kangoshi.mhlw/registration/start")
	a.send("/applications")
	id := a.find(`(KGMH-[0-9A-Z-]+)`)
	for _, page := range []struct {
		group string
		typed []string
	}{
		{"person", nil}, {"kana", []string{"name_kana.family", family, "name_kana.given", given}}, {"domicile", []string{"domicile", domicile}},
		{"contact", []string{"tel", "0312345678"}},
		{"examination", []string{"exam_passed_on.year", "2026", "exam_passed_on.month", "3", "exam_number", number, "exam_place", place}},
		{"penalties", []string{"fined", "no", "misconduct", "no"}},
	} {
		a.open("/applications/" + id + "/form/" + page.group)
		if page.group == "person" {
			a.sees(name)
		}
		a.send("/form/"+page.group, page.typed...)
		a.sees()
	}
	a.open("/applications/" + id + "/documents")
	a.upload("/documents/medical_certificate", "evidence.medical_certificate", "診断書.png", casetest.PNG)
	a.sees()
	return id
}

func (s *story) fails(id string, off bool) {
	s.t.Helper()
	if err := s.SetFault(id, off); err != nil {
		s.t.Fatal(err)
	}
}

// answered counts the answers of the registries.
func (s *story) answered() int {
	s.t.Helper()
	return s.count("mhlw", `select count(*) from inquiry where state = 'answered'`)
}

func (s *story) count(registrar, query string) (n int) {
	s.t.Helper()
	db, err := s.Open(s.t.Context(), pg.RoleWorker)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	err = db.InRegistrar(s.t.Context(), registrar, func(tx *pg.Tx) error { return tx.QueryRow(s.t.Context(), query).Scan(&n) })
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// await looks until something is so, or fails the test.
func (s *story) await(what string, so func() bool) {
	s.t.Helper()
	deadline := time.After(2 * time.Minute)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-deadline:
			s.t.Fatalf("waiting: %s", strings.ToLower(what))
		}
	}
}
