package story

import (
	"regexp"
	"strings"
	"testing"

	"akashi/internal/demo"
)

// verifies checks a credential in every way that the page offers: a picture, the text, the address itself.
func (v *visitor) verifies(code, picture string) {
	v.t.Helper()
	v.be("employer")
	v.see("entry")
	v.Click(`main form[action$="/w/verify"] button[type=submit]`)
	v.see("entry-nothing")
	v.goes(demo.PublicPortal, "/")
	v.Upload("picture", picture)
	v.Click(`main form[action$="/w/file"] button[type=submit]`)
	v.expects("valid")
	v.see("result-valid")
	v.Click(`main button[formaction$="/w/receipt"]`)
	v.see("record")
	if got := v.checks(code); got != "valid" {
		v.t.Errorf("the pasted text is %q, want valid", got)
	}
	v.Open(code)
	if strings.Contains(v.Text("main"), "花子") {
		v.t.Error("the page shows what is in a credential before anybody asked to check it")
	}
	v.see("scanned")
	v.Submit()
	v.expects("valid")
	if got := v.checks(code[:len(code)-6] + "AAAAAA"); got == "valid" {
		v.t.Error("an altered credential is valid")
	}
	v.see("result-altered")
	for _, name := range []string{"keys", "help"} {
		v.goes(demo.PublicPortal, "/"+name)
		v.see(name)
	}
}

// finds checks a credential and expects a verdict.
func (v *visitor) finds(want, code string) {
	v.t.Helper()
	v.checks(code)
	v.expects(want)
	v.see("result-" + want)
}

// reissued lets the nurse have her credential anew, and returns what the new QR code says.
func reissued(t *testing.T, h *house, nurse, reviewer, approver *visitor) string {
	t.Helper()
	nurse.goes(demo.CitizenPortal, "/procedures/kangoshi.mhlw/reissue")
	nurse.see("procedure-reissue")
	id := nurse.begins()
	nurse.fills(typed{"reissue_reason": "leaked", "happened_on.year": "2026", "happened_on.month": "11", "happened_on.day": "30",
		"circumstances": "印刷した資格者証を電車に置き忘れました。", "tel": "090-1234-5678"}, func(group string) { nurse.see("form-reissue-" + group) })
	nurse.goes(demo.CitizenPortal, "/applications/"+id)
	nurse.signs("hanako")
	nurse.pays(id)
	h.work(t)
	reviewer.proposes(id)
	approver.decides("mhlw-approver-1", id, unseen)
	code, _ := nurse.shows()
	return code
}

var digits = regexp.MustCompile(`[0-9]{5,}`)

// number is the registration number on the page of the credential.
func (v *visitor) number() string {
	v.t.Helper()
	v.goes(demo.CitizenPortal, "/credentials")
	return digits.FindString(v.Text("main .cz-cards"))
}

// searches finds an entry of the register by its number, and opens it.
func (v *visitor) searches(number string) {
	v.t.Helper()
	v.worksAs("mhlw-keeper", "/register")
	v.see("register")
	v.Click(`main form[action$="/register"] button[type=submit]`)
	v.see("register-wrong")
	v.FillAll("words", number, "purpose", "procedure")
	v.Click(`main form[action$="/register"] button[type=submit]`)
	v.see("register-found")
	v.Click(`main table a`)
	v.see("entry")
}

// measures proposes a measure against the entry that is open. It returns the number of the case.
func (v *visitor) measures(kind, number string, more ...string) (id string) {
	v.t.Helper()
	v.Click(`main a[href$="/measures/` + kind + `"]`)
	v.see("measure")
	for range 2 {
		v.FillAll(append([]string{"number", number, "reason", "保健師助産師看護師法第14条第1項の規定による処分です。"}, more...)...)
		v.Click(`main form[action$="/measures/` + kind + `"] button[type=submit]`)
		if !strings.HasSuffix(v.Path(), "/step-up") {
			break
		}
		v.confirms("mhlw-keeper", unseen)
		v.see("measure-confirmed")
	}
	v.see("measure-proposed")
	id = regexp.MustCompile(`[A-Z]{4}-[0-9A-Z]+-[0-9A-Z]+-[0-9A-Z]`).FindString(v.Text("main"))
	if id == "" {
		v.t.Fatalf("the page does not say which case was opened: %s", v.Text("main"))
	}
	return id
}

// alsoIn looks at a page in the two other languages, as the same person.
func (v *visitor) alsoIn(name string, open func()) {
	v.t.Helper()
	for _, lang := range []string{"en", "easy"} {
		v.lang = lang
		open()
		v.see(name)
	}
	v.lang = "ja"
}

// audits looks at the log.
func (v *visitor) audits() {
	v.t.Helper()
	v.worksAs("mhlw-auditor", "/audit")
	v.see("audit")
}
