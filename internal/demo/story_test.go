package demo_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// actor is somebody with a browser of their own in a demonstration.
type actor struct {
	*walker
	d *demo.Demo
}

func (d *story) actor() *actor { return &actor{newWalker(d.t), d.Demo} }

// story is a demonstration whose story is being played.
type story struct {
	*demo.Demo
	t *testing.T
}

// next fails the test unless the start page says that this role acts next at this step.
func (s *story) next(step demo.Step, role demo.Role) demo.Next {
	s.t.Helper()
	next, err := s.Next(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if next.Step != step || next.Role != role {
		s.t.Fatalf("next is %+v, want %s by %s", next, step, role)
	}
	return next
}

// work waits until every job has run.
func (s *story) work() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	d, err := s.System.Worker().Drain(ctx)
	if err != nil || d.Failed+d.GivenUp > 0 {
		s.t.Fatalf("working the jobs: %+v, %v", d, err)
	}
}

// be becomes somebody from the start page.
func (a *actor) be(who string) {
	a.t.Helper()
	a.open(a.d.URL(demo.StartPage) + "/")
	req := a.d.URL(demo.StartPage) + "/be"
	status, to, _ := answer(a.t, "POST", req, url.Values{"who": {who}})
	if status != 303 {
		a.t.Fatalf("being %s: %d", who, status)
	}
	a.open(to)
}

// card logs in with the card on the reader.
func (a *actor) card() {
	a.t.Helper()
	a.send("/login")
	a.sees("模擬")
	a.send("/card")
	a.send("/pin", "secret", world.PIN)
}

// staff logs in as a member of staff.
func (a *actor) staff(username string) {
	a.t.Helper()
	a.send("/login")
	a.send("/password", "username", username, "password", demo.StaffPassword)
	a.sees()
}

// graveAct sends a form that changes rights. The console asks for the second factor first; the one-time code stands on the
// simulated login's page. Afterwards the form is sent once more.
func (a *actor) graveAct(username, action string, typed ...string) {
	a.t.Helper()
	a.send(action, typed...)
	if a.at.Path == "/step-up" {
		a.send("/step-up")
		a.send("/password", "username", username, "password", demo.StaffPassword)
		a.send("/code", "code", a.find(`今は ([0-9]{6})`))
		a.sees()
		a.send(action, typed...)
	}
	a.sees()
}

// TestTheStory plays the whole story through every portal and simulator: from the nurse's application to the employer's
// second look at a revoked credential.
func TestTheStory(t *testing.T) {
	var log bytes.Buffer
	s := &story{start(t, demo.Config{DataDir: home(t), Log: slog.New(slog.NewTextHandler(&log, nil))}), t}
	play(t, s)
	stop(t, s.Demo)
	tells(t, log.String())
}

// tells fails the test when the log of the whole story does not name routes, or says something about somebody.
func tells(t *testing.T, log string) {
	for _, route := range []string{`route="GET /applications/{id}"`, `route="POST /cases/{id}/take"`, `route="POST /w/verify"`} {
		if !strings.Contains(log, route) {
			t.Errorf("the log does not name the %s", route)
		}
	}
	for _, secret := range []string{"見本", "花子", "みほん", "ミホン", "2003-04-12", "checkdata", "c=0oR", "1654322", "KGMH-", world.Password, "千代田"} {
		if i := strings.Index(log, secret); i >= 0 {
			t.Errorf("the log has %q: %s", secret, log[max(0, i-200):min(len(log), i+100)])
		}
	}
}

func play(t *testing.T, s *story) {
	s.next(demo.StepApply, demo.Nurse)

	nurse := s.actor()
	nurse.be("nurse")
	nurse.card()
	id := apply(nurse)
	s.next(demo.StepApply, demo.Nurse)
	sign(nurse, id)
	s.next(demo.StepPay, demo.Nurse)
	pay(nurse, id)
	s.work()
	s.next(demo.StepReview, demo.Reviewer)

	reviewer := s.actor()
	reviewer.be("reviewer")
	reviewer.staff("mhlw-reviewer-1")
	propose(reviewer, id)
	s.next(demo.StepApprove, demo.Approver)

	approver := s.actor()
	approver.be("approver")
	approver.staff("mhlw-approver-1")
	decide(approver, id)
	s.work()
	s.next(demo.StepCheck, demo.Employer)

	nurse.open(s.URL(demo.CitizenPortal) + "/credentials")
	nurse.sees("看護師")
	path := nurse.find(`(/credentials/kangoshi\.mhlw/[0-9a-f-]+)`)
	nurse.open(path)
	nurse.sees("見本　花子", "1654322")
	code := nurse.find(`(http://127\.0\.0\.3:[0-9]+/w/\?c=[A-Za-z0-9_-]+)`)
	employer := s.actor()
	check(employer, code, "有効")

	keeper := s.actor()
	keeper.open(s.URL(demo.OfficePortal) + "/login")
	keeper.staff("mhlw-keeper")
	revoke(keeper, strings.TrimPrefix(path, "/credentials/"), "1654322")
	next := s.next(demo.StepRevoke, demo.Approver)
	decide(approver, strings.TrimPrefix(next.Path, "/cases/"))
	s.next(demo.StepRecheck, demo.Employer)
	check(employer, code, "取消")
}

// apply fills the whole form and hands the physician's certificate in; it returns the receipt number.
func apply(a *actor) string {
	a.t.Helper()
	a.open("/procedures/kangoshi.mhlw/registration/start")
	a.sees()
	a.send("/applications")
	a.sees()
	id := a.find(`(KGMH-[0-9A-Z-]+)`)
	typed := casetest.Typed()
	for _, group := range []string{"person", "kana", "domicile", "contact", "examination", "penalties"} {
		a.open("/applications/" + id + "/form/" + group)
		var pairs []string
		for name, value := range typed[group] {
			pairs = append(pairs, name, value)
		}
		a.send("/form/"+group, pairs...)
		a.sees()
	}
	a.open("/applications/" + id + "/documents")
	a.upload("/documents/medical_certificate", "evidence.medical_certificate", "診断書.png", casetest.PNG)
	a.sees("診断書.png")
	return id
}

// sign freezes the content and signs it with the card.
func sign(a *actor, id string) {
	a.t.Helper()
	a.open("/applications/" + id)
	a.send("/check")
	a.sees("ミホン　ハナコ")
	a.send("/sign")
	a.sees("模擬")
	a.send("/card")
	a.send("/password", "secret", world.Password)
	a.sees(id)
}

// pay pays on the provider's page, comes back, and lets the callback arrive.
func pay(a *actor, id string) {
	a.t.Helper()
	a.open("/applications/" + id + "/pay")
	a.sees("9,000円")
	a.send("/pay")
	a.sees("9,000円")
	a.send("", "method", "card", "outcome", "paid")
	a.sees("納付を確認しました")
}

// propose takes the case, settles every check and proposes the approval.
func propose(a *actor, id string) {
	a.t.Helper()
	a.open("/cases/" + id)
	a.send("/take")
	a.sees("見本")
	a.sendAnswering("/checks", "ok", "then", "approve")
	a.sees()
	a.send("/proposal")
	a.sees()
}

// decide takes a proposed case, confirms the login and agrees.
func decide(a *actor, id string) {
	a.t.Helper()
	a.open(a.d.URL(demo.OfficePortal) + "/cases/" + id)
	a.sees()
	a.send("/take")
	a.open("/cases/" + id + "/decision")
	a.sees()
	a.graveAct("mhlw-approver-1", "/decision", "verb", "agree", "confirm", "yes")
}

// check pastes the text of the QR code into the verification page.
func check(a *actor, code, want string) {
	a.t.Helper()
	a.open(a.d.URL(demo.PublicPortal) + "/")
	a.send("/w/verify", "checkdata", code)
	a.sees(want)
}

// revoke proposes the revocation of an entry.
func revoke(a *actor, entry, number string) {
	a.t.Helper()
	a.open("/register/" + entry)
	if strings.Contains(a.page, `/purpose"`) {
		a.send("/purpose", "purpose", "procedure")
	}
	a.sees(number)
	a.open("/register/" + entry + "/measures/revoke")
	a.sees()
	a.graveAct("mhlw-keeper", "/measures/revoke", "number", number, "reason", "デモのための取消です。", "confirm", "yes")
}
