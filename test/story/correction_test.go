package story

import (
	"strings"

	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// reviews takes the most urgent case, which is the nurse's, finds the reading of her name wanting and asks her to correct
// it.
func (v *visitor) reviews(id string) {
	v.t.Helper()
	v.be("reviewer")
	v.see("office-login")
	v.Click(loginButton)
	v.see("sim-staff")
	v.FillAll("username", "mhlw-reviewer-1", "password", demo.StaffPassword)
	v.Submit()
	v.see("case-purpose")
	v.goes(demo.OfficePortal, "/")
	v.see("inbox-mine-empty")
	v.goes(demo.OfficePortal, "/?show=open")
	v.see("inbox-open")
	v.Click(takeNextButton)
	if !strings.HasSuffix(v.Path(), "/cases/"+id) {
		v.t.Fatalf("the next case is %s, want %s", v.Path(), id)
	}
	v.see("case")
	v.Click(then("approve"))
	v.see("proposal-unsettled")
	v.goes(demo.OfficePortal, "/cases/"+id)
	v.judges("ok")
	v.Fill("verdict.resident", "defect")
	v.Click(then("correct"))
	v.see("case-wrong")
	v.Fill("reason.resident", "kana-differs")
	v.Click(then("correct"))
	v.see("correction-items")
	v.Click(`main form[action$="/correction"] button[type=submit]`)
	v.see("correction-words")
	v.Fill("note.name_kana", "戸籍では「ミホン　ハナコ」と記載されています。確認して訂正してください。")
	v.Click(`main form[action$="/words"] button[type=submit]`)
	v.see("correction-preview")
	v.Click(`main form[action$="/preview"] button[type=submit]`)
	v.see("correction-sent")
	v.goes(demo.OfficePortal, "/?show=waiting")
	v.see("inbox-waiting")
}

// corrects changes what was asked for, finds everything else closed, and signs again.
func (v *visitor) corrects(id string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, "/")
	v.see("home-correction")
	v.goes(demo.CitizenPortal, "/messages")
	v.see("messages-correction")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-correction")
	if status := v.Open(v.at(demo.CitizenPortal, "/applications/"+id+"/form/contact")); status != 404 && status != 409 && v.Has(`main input[name="tel"]`) {
		v.t.Errorf("a page that nobody asked to correct is open: %d", status)
	}
	v.see("form-closed")
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.Click(nextLink)
	v.see("form-correction")
	v.Fill("name_kana.given", "はなこ")
	v.Click(nextButton)
	v.goes(demo.CitizenPortal, "/applications/"+id)
	v.see("case-corrected")
	v.Click(checkButton)
	v.see("check-correction")
	v.Click(signButton)
	v.passesCard("hanako", world.Password)
	v.lands("/receipt/")
	v.see("receipt-correction")
	v.house.work(v.t)
}

// reviewsAgain sees the difference and proposes.
func (v *visitor) reviewsAgain(id string) {
	v.t.Helper()
	v.goes(demo.OfficePortal, "/")
	v.see("inbox-mine")
	v.Click(`main a[href$="/cases/` + id + `"]`)
	v.see("case-difference")
	v.judges("ok")
	v.Click(then("save"))
	v.see("case-settled")
	v.Click(then("approve"))
	v.see("proposal")
	v.Click(`main form[action$="/proposal"] button[type=submit]`)
	v.see("proposed")
	v.opensCase(id)
	v.see("case-own-proposal")
}

// approves decides as the second person, with the second factor.
func (v *visitor) approves(id string) {
	v.t.Helper()
	v.be("approver")
	v.staffLogsIn("mhlw-approver-1")
	v.goes(demo.OfficePortal, "/?show=open")
	v.see("inbox-approval")
	v.Click(takeNextButton)
	if !strings.Contains(v.Path(), id) {
		v.t.Fatalf("the next decision is %s, want %s", v.Path(), id)
	}
	v.decides("mhlw-approver-1", id, v.see)
	v.see("decided")
}

// receives looks at what the nurse has now, and returns what her QR code says and a picture of it.
func (v *visitor) receives(id string) (code, picture string) {
	v.t.Helper()
	for _, p := range []struct{ name, path string }{{"case-registered", "/applications/" + id}, {"home", "/"}, {"credentials", "/credentials"},
		{"messages", "/messages"}, {"access", "/access-log"}, {"help", "/help"}, {"about", "/about"}, {"accessibility", "/accessibility"}, {"privacy", "/privacy"}} {
		v.goes(demo.CitizenPortal, p.path)
		v.see(p.name)
	}
	code, picture = v.shows()
	v.see("credential")
	return code, picture
}
