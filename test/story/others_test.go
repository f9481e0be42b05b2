package story

import (
	"strings"
	"testing"

	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// withdrawn pays, withdraws, and gets the money back. The name has characters that the certificate cannot show, which the
// officer sees side by side.
func withdrawn(t *testing.T, h *house) {
	v := h.visit(t, "withdrawn", "ja")
	id := v.applies("minoru", registrationOfNurse, nurseAnswers().with("name_kana.family", "たかさき", "name_kana.given", "みのる", "domicile", "42",
		"exam_number", "20888", "exam_place", "40"))
	officer := h.visit(t, "variants", "ja")
	officer.worksAs("mhlw-reviewer-2", "/cases/"+id)
	officer.Click(takeButton)
	officer.see("case-variants")

	refunds := h.World.Payment.Refunds()
	v.goes(demo.CitizenPortal, "/applications/"+id+"/withdraw")
	v.see("withdraw")
	v.Click(`main form[action$="/withdraw"] button[type=submit]`)
	v.see("withdraw-unsure")
	v.Fill("sure", "yes")
	v.Click(`main form[action$="/withdraw"] button[type=submit]`)
	h.work(t)
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-withdrawn")
	if got := h.World.Payment.Refunds() - refunds; got != 1 {
		t.Errorf("the provider gave money back %d times, want once", got)
	}
	officer.opensCase(id)
	officer.see("case-withdrawn")
}

// undecidable is asked for the document, because the family register cannot tell the domicile.
func undecidable(t *testing.T, h *house) {
	v := h.visit(t, "undecidable", "ja")
	id := v.applies("mirai", registrationOfNurse, nurseAnswers().with("name_kana.family", "れいじ", "name_kana.given", "みらい", "domicile", "41",
		"exam_number", "20571", "exam_place", "40"))
	h.work(t)
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-document-asked")
	v.Click(nextLink)
	v.see("documents-asked")
	v.uploads("family_register", "family.png")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.signs("mirai")
	h.work(t)
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-again-in-review")
	officer := h.visit(t, "undecidable-office", "ja")
	officer.worksAs("mhlw-reviewer-2", "/cases/"+id)
	officer.Click(takeButton)
	officer.see("case-family-undecidable")
}

// revoked cannot sign: the portal says why, before and after the form is filled.
func revokedCertificate(t *testing.T, h *house) {
	v := h.visit(t, "revoked-certificate", "ja")
	v.logsIn("sakura", "/card-check")
	v.see("card-check")
	v.Click(`main form[action$="/card-check"] button[type=submit]`)
	v.passesCard("sakura", world.Password)
	v.see("card-revoked")
	v.goes(demo.CitizenPortal, registrationOfNurse)
	id := v.begins()
	v.fills(nurseAnswers().with("name_kana.family", "しこう", "name_kana.given", "さくら", "exam_number", "10999"), nil)
	v.uploads("medical_certificate", "certificate.png")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.signs("sakura")
	v.see("sign-revoked")
	if !strings.Contains(v.Text("main"), "失効") {
		t.Errorf("the page does not say that the certificate is revoked: %s", v.Text("main"))
	}
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-still-open")
	v.goes(demo.CitizenPortal, registrationOfNurse+"/start")
	v.see("begin-again")
}

// protected is somebody whose address is withheld.
func protected(t *testing.T, h *house) {
	v := h.visit(t, "protected", "ja")
	v.logsIn("mamoru", registrationOfNurse)
	id := v.begins()
	v.goes(demo.CitizenPortal, "/applications/"+id+"/form/contact")
	v.see("form-contact")
}

// deceased is somebody whom the resident registry says to have died.
func deceased(t *testing.T, h *house) {
	v := h.visit(t, "deceased", "ja")
	v.logsIn("shoji", "/procedures/shakai-fukushishi.sssc/linking")
	v.see("procedure-linking")
	v.begins()
	v.see("case-deceased")
	v.Click(nextLink)
	v.see("form-deceased")
}

// cancelled breaks off at the login and at the signature, uses another person's card and one that has expired, and opens
// what is not there.
func cancelled(t *testing.T, h *house) {
	v := h.visit(t, "cancelled", "ja")
	v.goes(demo.CitizenPortal, "/login?to="+registrationOfNurse)
	v.Click(loginButton)
	v.Click(`main form[action$="/cancel"] button`)
	v.see("login-cancelled")
	v.logsIn("kigen", registrationOfNurse)
	id := v.begins()
	v.fills(nurseAnswers().with("name_kana.family", "きげん", "name_kana.given", "きりお", "exam_number", "10555", "fined", "yes",
		"penalty_details", "2020年に罰金刑を受けました。"), func(group string) {
		if group == "penalty-details" {
			v.see("form-" + group)
		}
	})
	v.see("documents-judgment")
	v.uploads("medical_certificate", "certificate.png")
	v.uploads("judgment", "certificate.png")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.Click(checkButton)
	v.Click(signButton)
	v.Click(`main form[action$="/cancel"] button`)
	v.see("sign-cancelled")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-signing")
	v.goes(demo.CitizenPortal, "/applications/"+id+"/check")
	v.Click(signButton)
	v.passesCard("maria", world.Password)
	v.see("sign-other-card")
	v.goes(demo.CitizenPortal, "/applications/"+id+"/check")
	v.Click(signButton)
	v.passesCard("kigen", world.Password)
	v.see("sign-expired")
	for name, path := range map[string]string{"nowhere": "/nowhere", "no-case": "/applications/KGMH-AAAAA-AAAAA-A"} {
		if status := v.Open(v.at(demo.CitizenPortal, path)); status != 404 {
			t.Errorf("%s answered %d, want 404", path, status)
		}
		v.see(name)
	}
}

// outages are systems that do not answer: the pages say what to do, and nothing is lost.
func outages(t *testing.T, h *house) {
	v := h.visit(t, "outages", "ja")
	fails := func(system string, off bool) {
		t.Helper()
		if err := h.SetFault(system, off); err != nil {
			t.Fatal(err)
		}
	}
	fails("login", true)
	v.goes(demo.CitizenPortal, "/login?to=/")
	v.Click(loginButton)
	v.passesCard("fukuko", world.PIN)
	v.see("login-down")
	v.goes(demo.StartPage, "/")
	v.see("start-failing")
	fails("login", false)

	fails("resident", true)
	v.logsIn("fukuko", "/procedures/shakai-fukushishi.sssc/linking")
	v.begins()
	v.see("case-resident-down")
	v.Click(nextLink)
	v.see("form-resident-down")
	fails("resident", false)
}
