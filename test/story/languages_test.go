package story

import (
	"testing"

	"akashi/internal/browser"
	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// Procedures in which the walks apply.
const (
	registrationOfNurse     = "/procedures/kangoshi.mhlw/registration"
	registrationOfAssistant = "/procedures/jun-kangoshi.pref-41/registration"
)

// shortWalk is one registration from the first page to the check by an employer, everybody with pages of one language
// and one kind of browser.
type shortWalk struct {
	name, lang string
	card       string
	procedure  string
	answers    typed
	body       string // prefix of its staff
	approver   string // a one-time code is taken once, so nobody decides in two walks at a time
	foreign    bool   // has no family register in Japan
	options    []browser.Option
}

func walks() map[string]shortWalk {
	return map[string]shortWalk{
		"english": {name: "english", lang: "en", card: "maria", procedure: registrationOfNurse, body: "mhlw", approver: "-approver-1", foreign: true, answers: nurseAnswers().with(
			"name_kana.family", "サンプル", "name_kana.given", "マリア", "domicile", "99", "nationality", "フィリピン", "exam_number", "31777", "exam_place", "27")},
		"easy": {name: "easy", lang: "easy", card: "reiko", procedure: registrationOfNurse, body: "mhlw", approver: "-approver-2", answers: nurseAnswers().with(
			"name_kana.family", "かつらぎ", "name_kana.given", "れいこ", "domicile", "29", "exam_number", "31415", "exam_place", "27")},
		"no-scripts": {name: "no-scripts", lang: "ja", card: "saga", procedure: registrationOfAssistant, body: "pref-41", approver: "-approver-1", answers: nurseAnswers().with(
			"name_kana.family", "さが", "name_kana.given", "みほこ", "domicile", "41", "exam_passed_on.month", "2", "exam_number", "0412", "exam_place", "41"),
			options: []browser.Option{browser.NoJS()}},
	}
}

func (w shortWalk) run(t *testing.T, h *house) {
	who := func(role string) *visitor { return h.visit(t, w.name+"-"+role, w.lang, w.options...) }
	applicant := who("applicant")
	id := w.applies(applicant)
	reviewer := who("reviewer")
	w.reviews(reviewer, id)
	approver := who("approver")
	approver.worksAs(w.body+w.approver, "/")
	approver.see("inbox")
	approver.decides(w.body+w.approver, id, approver.see)
	approver.see("decided")
	w.checks(applicant, who("employer"), id)
}

// applies looks at every page from the welcome to the review.
func (w shortWalk) applies(v *visitor) (id string) {
	for _, p := range []struct{ name, path string }{{"welcome", "/"}, {"qualifications", "/qualifications"}, {"procedure", w.procedure}} {
		v.goes(demo.CitizenPortal, p.path)
		v.see(p.name)
	}
	v.logsIn(w.card, w.procedure)
	v.Click(`main a[href$="/start"]`)
	v.see("begin")
	v.Click(`main form[action$="/applications"] button[type=submit]`)
	v.see("case-draft")
	id = v.caseID()
	v.fills(w.answers, func(group string) { v.see("form-" + group) })
	v.see("documents")
	v.uploads("medical_certificate", "note.txt")
	v.see("documents-wrong")
	v.uploads("medical_certificate", "certificate.png")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-complete")
	v.Click(checkButton)
	v.see("check")
	v.Click(signButton)
	v.passesCard(w.card, world.Password)
	v.lands("/receipt/")
	v.see("receipt")
	v.goes(demo.CitizenPortal, "/applications/"+id+"/pay")
	v.see("pay")
	v.pays(id)
	v.see("paid")
	v.house.work(v.t)
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-review")
	if w.foreign {
		w.handsIn(v, id)
	}
	return id
}

// handsIn answers the request for a document that stands in for the family register.
func (w shortWalk) handsIn(v *visitor, id string) {
	v.Click(nextLink)
	v.see("documents-asked")
	v.uploads("family_register", "family.png")
	v.see("documents-given")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-corrected")
	v.signs(w.card)
	v.lands("/receipt/")
	v.see("receipt-correction")
	v.house.work(v.t)
}

// reviews looks at the console up to the proposal.
func (w shortWalk) reviews(v *visitor, id string) {
	v.goes(demo.OfficePortal, "/login?to=/")
	v.see("login")
	v.staffLogsIn(w.body + "-reviewer-2")
	v.see("inbox")
	v.goes(demo.OfficePortal, "/cases/"+id)
	v.see("case-purpose")
	v.Click(takeButton)
	v.see("case")
	v.Click(then("correct"))
	v.see("correction-items")
	v.goes(demo.OfficePortal, "/cases/"+id)
	v.Click(then("reject"))
	v.see("rejection")
	v.goes(demo.OfficePortal, "/cases/"+id)
	v.judges("ok")
	v.Click(then("approve"))
	v.see("proposal")
	v.Click(`main form[action$="/proposal"] button[type=submit]`)
	v.see("proposed")
}

// checks looks at what the holder has, and lets an employer check it.
func (w shortWalk) checks(holder, employer *visitor, id string) {
	holder.goes(demo.CitizenPortal, "/applications/"+id)
	holder.see("case-registered")
	code, picture := holder.shows()
	holder.see("credential")
	for _, path := range []string{"messages", "access-log", "help", "about", "accessibility", "privacy"} {
		holder.goes(demo.CitizenPortal, "/"+path)
		holder.see(path)
	}
	employer.goes(demo.PublicPortal, "/")
	employer.see("entry")
	employer.Upload("picture", picture)
	employer.Click(`main form[action$="/w/file"] button[type=submit]`)
	employer.expects("valid")
	employer.see("result-valid")
	employer.checks(code[:len(code)-6] + "AAAAAA")
	employer.see("result-altered")
	employer.goes(demo.PublicPortal, "/keys")
	employer.see("keys")
}
