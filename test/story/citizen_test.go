package story

import (
	"path/filepath"
	"strings"

	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// answers is what somebody types into the form, by name of the input.
type typed map[string]string

// nurseAnswers are what 見本 花子 types.
func nurseAnswers() typed {
	return typed{"name_kana.family": "みほん", "name_kana.given": "はなこ", "domicile": "13", "tel": "090-1234-5678",
		"exam_passed_on.year": "2026", "exam_passed_on.month": "3", "exam_number": "10234", "exam_place": "13", "fined": "no", "misconduct": "no"}
}

// with returns the answers with others in their place.
func (a typed) with(pairs ...string) typed {
	out := typed{}
	for k, v := range a {
		out[k] = v
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// Names of buttons and links, which do not depend on the language.
const (
	loginButton = `main form[action$="/login"] button[type=submit]`
	nextButton  = `main button[name="_action"][value=next]`
	checkButton = `main form[action$="/check"] button[type=submit]`
	signButton  = `main form[action$="/sign"] button[type=submit]`
	payButton   = `main form[action$="/pay"] button[type=submit]`
	nextLink    = `main .ak-next a`
)

// passesCard puts a card on the reader and types its secret, as often as the login and signing service asks.
func (v *visitor) passesCard(card, secret string) {
	v.t.Helper()
	if v.Has(`input[name="card"]`) {
		v.Fill("card", card)
		v.Submit()
	}
	v.Fill("secret", secret)
	v.Submit()
}

// logsIn logs a citizen in and comes to a page of the portal.
func (v *visitor) logsIn(card, to string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, "/login?to="+to)
	v.Click(loginButton)
	v.passesCard(card, world.PIN)
}

// begins opens a new application of a procedure, whose page is open.
func (v *visitor) begins() (id string) {
	v.t.Helper()
	v.Click(`main a[href$="/start"]`)
	v.Click(`main form[action$="/applications"] button[type=submit]`)
	return v.caseID()
}

// caseID is the number of the case whose page is open.
func (v *visitor) caseID() string {
	v.t.Helper()
	_, rest, found := strings.Cut(v.Path(), "/applications/")
	if !found {
		v.t.Fatalf("%s is not the page of a case", v.Path())
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// fills goes from the case's page through the form to its documents. look is called on each page, before it is sent.
func (v *visitor) fills(a typed, look func(group string)) {
	v.t.Helper()
	v.Click(nextLink)
	for strings.Contains(v.Path(), "/form/") {
		v.types(a)
		if look != nil {
			look(v.Path()[strings.LastIndex(v.Path(), "/")+1:])
		}
		before := v.Path()
		v.Click(nextButton)
		if v.Path() == before {
			v.t.Fatalf("the page %s is not accepted: %s", before, v.Text(".ak-error-summary"))
		}
	}
}

// types fills the inputs of the open page that the answers have a value for.
func (v *visitor) types(a typed) {
	v.t.Helper()
	for name, value := range a {
		if v.Has(`main [name="` + name + `"]`) {
			v.Fill(name, value)
		}
	}
}

// uploads hands a file in for a document; the page of documents is open.
func (v *visitor) uploads(evidence, file string) {
	v.t.Helper()
	v.Upload("evidence."+evidence, filepath.Join("testdata", file))
	v.Click(`main form[action$="/documents/` + evidence + `"] button[type=submit]:not([name])`)
}

// signs goes from the case's complete form to the receipt.
func (v *visitor) signs(card string) {
	v.t.Helper()
	v.Click(checkButton)
	v.Click(signButton)
	v.passesCard(card, world.Password)
}

// pays goes from the page of a case that waits for its payment to the page that confirms it.
func (v *visitor) pays(id string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, "/applications/"+id+"/pay")
	v.Click(payButton)
	v.Submit()
	v.house.work(v.t)
	v.goes(demo.CitizenPortal, "/applications/"+id+"/paid")
}

// applies brings a registration from its start to the review, and returns its number.
func (v *visitor) applies(card, procedure string, a typed) string {
	v.t.Helper()
	v.logsIn(card, procedure)
	id := v.begins()
	v.fills(a, nil)
	v.uploads("medical_certificate", "certificate.png")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.signs(card)
	v.pays(id)
	return id
}
