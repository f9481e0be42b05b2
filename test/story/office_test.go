package story

import (
	"regexp"
	"strings"

	"akashi/internal/browser"
	"akashi/internal/demo"
)

// Buttons of the console, found without their words.
const (
	takeNextButton = `main form[action$="/next"] button[type=submit]`
	takeButton     = `main form[action$="/take"] button[type=submit]`
	agreeButton    = `main button[name="verb"][value="agree"]`
)

// then is a button at the foot of the checklist.
func then(what string) string { return `main button[name="then"][value="` + what + `"]` }

// staffLogsIn logs a member of staff in, from the page before the login.
func (v *visitor) staffLogsIn(username string) {
	v.t.Helper()
	v.Click(loginButton)
	v.FillAll("username", username, "password", demo.StaffPassword)
	v.Submit()
}

// worksAs logs a member of staff in and comes to a page of the console.
func (v *visitor) worksAs(username, to string) {
	v.t.Helper()
	v.goes(demo.OfficePortal, "/login?to="+to)
	v.staffLogsIn(username)
}

// oneTimeCode is the code that the simulated login shows.
var oneTimeCode = regexp.MustCompile(`[0-9]{6}`)

// confirms gives the second factor when the console asks for it, and comes back to the page of the act.
func (v *visitor) confirms(username string, look func(name string)) {
	v.t.Helper()
	if !strings.HasSuffix(v.Path(), "/step-up") {
		v.t.Fatalf("an act that changes rights did not ask for the second factor: %s", v.Path())
	}
	look("step-up")
	v.Click(`main form[action$="/step-up"] button[type=submit]`)
	if v.Has(`input[name="password"]`) {
		v.FillAll("username", username, "password", demo.StaffPassword)
		v.Submit()
	}
	look("sim-code")
	v.Fill("code", oneTimeCode.FindString(v.Text("#hint")))
	v.Submit()
}

// unseen is a look that looks away: the page was looked at before.
func unseen(string) {}

// judges answers every line of the checklist.
func (v *visitor) judges(verdict string) {
	v.t.Helper()
	ok := browser.Eval[bool](v.Tab, `(all => (all.forEach(el => { el.checked = true }), all.length > 0))([...document.querySelectorAll("input[type=radio][value=`+verdict+`]")])`)
	if !ok {
		v.t.Fatalf("%s has no checklist: %s", v.Path(), v.Text("main"))
	}
}

// proposes takes a case, settles its checklist and proposes to approve it.
func (v *visitor) proposes(id string) {
	v.t.Helper()
	v.opensCase(id)
	if v.Has(takeButton) {
		v.Click(takeButton)
	}
	v.judges("ok")
	v.Click(then("approve"))
	v.Click(`main form[action$="/proposal"] button[type=submit]`)
}

// opensCase opens a case, stating a purpose where one is asked for.
func (v *visitor) opensCase(id string) {
	v.t.Helper()
	v.goes(demo.OfficePortal, "/cases/"+id)
	if v.Has(`select[name="purpose"]`) && !v.Has(takeButton) {
		v.Fill("purpose", "procedure")
		v.Click(`main form[action$="/purpose"] button[type=submit]`)
	}
}

// decides takes a proposed case and agrees, as the second person.
func (v *visitor) decides(username, id string, look func(name string)) {
	v.t.Helper()
	v.opensCase(id)
	if v.Has(takeButton) {
		v.Click(takeButton)
	}
	v.goes(demo.OfficePortal, "/cases/"+id+"/decision")
	look("decision")
	v.agrees()
	if strings.HasSuffix(v.Path(), "/step-up") {
		v.confirms(username, look)
		look("decision-confirmed")
		v.agrees()
	}
	v.house.work(v.t)
}

// agrees presses the button of the second person, with the confirmation that a grave decision asks for.
func (v *visitor) agrees() {
	v.t.Helper()
	if v.Has(`main [name="confirm"]`) {
		v.Fill("confirm", "yes")
	}
	v.Click(agreeButton)
}
