package story

import (
	"testing"

	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// TestStory walks through one demonstration. The main story takes the most urgent case, so it comes first among those
// whose cases reach the same reviewers; outside systems fail for everybody, so that comes last.
func TestStory(t *testing.T) {
	h := open(t)
	type walk = func(*testing.T, *house)
	parts := []struct {
		name  string
		walks map[string]walk
	}{
		{"first", map[string]walk{"main": mainStory, "no-scripts": walks()["no-scripts"].run, "revoked": revokedCertificate, "protected": protected,
			"deceased": deceased, "cancelled": cancelled}},
		{"then", map[string]walk{"english": walks()["english"].run, "easy": walks()["easy"].run, "withdrawn": withdrawn, "undecidable": undecidable}},
		{"last", map[string]walk{"outages": outages}},
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			for name, walk := range part.walks {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					walk(t, h)
				})
			}
		})
	}
}

// mainStory is the nurse's, in Japanese: from the start of the demonstration to the employer who is told that her
// registration was revoked.
func mainStory(t *testing.T, h *house) {
	nurse := h.visit(t, "nurse", "ja")
	id := nurse.readsAndBegins()
	nurse.fillsTheForm(id)
	nurse.signsAndPays(id)

	reviewer := h.visit(t, "reviewer", "ja")
	reviewer.reviews(id)
	nurse.corrects(id)
	reviewer.reviewsAgain(id)
	approver := h.visit(t, "approver", "ja")
	approver.approves(id)

	first, picture := nurse.receives(id)
	employer := h.visit(t, "employer", "ja")
	employer.verifies(first, picture)
	second := reissued(t, h, nurse, reviewer, approver)
	employer.finds("replaced", first)
	employer.finds("valid", second)

	keeper := h.visit(t, "keeper", "ja")
	number := nurse.number()
	keeper.searches(number)
	measure := keeper.measures("revoke", number, "confirm", "yes")
	approver.decides("mhlw-approver-1", measure, approver.see)
	approver.see("revoked")
	employer.finds("revoked", second)
	nurse.goes(demo.CitizenPortal, "/credentials")
	nurse.see("credentials-revoked")
	nurse.Click("main .cz-cards a")
	nurse.see("credential-revoked")
	h.visit(t, "auditor", "ja").audits()
}

// readsAndBegins goes from the start of the demonstration to a new application.
func (v *visitor) readsAndBegins() (id string) {
	v.t.Helper()
	v.goes(demo.StartPage, "/")
	v.see("start")
	for _, p := range []struct{ name, path string }{{"welcome", "/"}, {"qualifications", "/qualifications"},
		{"choose", "/qualifications/jun-kangoshi/registration"}, {"procedure", "/procedures/kangoshi.mhlw/registration"}} {
		v.goes(demo.CitizenPortal, p.path)
		v.see(p.name)
	}
	v.goes(demo.StartPage, "/")
	v.be("nurse")
	v.see("login")
	v.Click(loginButton)
	v.see("sim-card")
	v.Fill("card", "hanako") // the button put it on the reader, and another walk may have put its own there since
	v.Submit()
	v.see("sim-pin")
	v.Fill("secret", "9999")
	v.Submit()
	v.see("sim-pin-wrong")
	v.passesCard("hanako", world.PIN)
	v.Click(`main a[href$="/start"]`)
	v.see("begin")
	v.Click(`main form[action$="/applications"] button[type=submit]`)
	v.see("case-draft")
	return v.caseID()
}

// fillsTheForm fills every page, one of them wrongly at first, and hands the physician's certificate in.
func (v *visitor) fillsTheForm(id string) {
	v.t.Helper()
	v.fills(nurseAnswers().with("name_kana.given", "はなえ"), func(group string) {
		v.see("form-" + group)
		if group == "kana" {
			v.errs()
		}
	})
	v.see("documents")
	v.uploads("medical_certificate", "note.txt")
	v.see("documents-wrong")
	v.uploads("medical_certificate", "certificate.png")
	v.see("documents-one")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-complete")
}

// errs sends the reading of the name in kanji, and is told so.
func (v *visitor) errs() {
	v.t.Helper()
	v.Fill("name_kana.given", "花子")
	v.Click(nextButton)
	v.Wait(`document.activeElement.classList.contains("ak-error-summary")`)
	if v.Status() != 422 {
		v.t.Errorf("a wrong page answers %d, want 422", v.Status())
	}
	v.see("form-kana-wrong")
	v.Click(".ak-error-summary a")
	if got := v.Focused(); got != "#"+v.Attr(`[name="name_kana.given"]`, "id") {
		v.t.Errorf("the summary leads to %s", got)
	}
	v.Fill("name_kana.given", "はなえ") // not what the registry has: the reviewer will ask
}

// signsAndPays goes from the complete form to the review.
func (v *visitor) signsAndPays(id string) {
	v.t.Helper()
	v.Click(checkButton)
	v.see("check")
	v.Click(signButton)
	v.see("sim-sign-card")
	v.passesCard("hanako", world.Password)
	v.lands("/receipt/")
	v.see("receipt")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-unpaid")
	v.Click(nextLink)
	v.see("pay")
	v.Click(payButton)
	v.see("sim-payment")
	v.Submit()
	v.see("paid")
	v.house.work(v.t)
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-review")
}
