package office

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/casetest"
)

// TestAPaperInABrowser: staff enter a paper of the nurse's page by page, mistakes among them, and see it go to review; the case and the
// inbox say by which way it came, and the printed credential is one that nobody holds online.
func TestAPaperInABrowser(t *testing.T) {
	w := newWorld(t)
	w.Passer(t)
	w.employ(t, "intake", "受付 はじめ", true, "mhlw.intake")
	scan := filepath.Join(t.TempDir(), "shinsei.png")
	if err := os.WriteFile(scan, casetest.PNG, 0o600); err != nil {
		t.Fatal(err)
	}
	g := w.gallery(t)
	g.logIn("intake")
	g.look("paper-inbox", "/")
	g.look("papers", "/paper")
	g.tab.Open(w.URL + "/paper-new/kangoshi.mhlw/registration")
	g.tab.Press("保存して次へ")
	g.check("paper-new-error")
	received := casetest.Received(w.Today(), "")
	for name, value := range received {
		if strings.HasPrefix(name, "name") || strings.HasPrefix(name, "birth_date") || name == "address" || name == "identity" {
			g.tab.Fill(name, value)
		}
	}
	for _, box := range []string{"signed_seen", "identity_seen"} {
		g.tab.Click(`input[name="` + box + `"]`)
	}
	g.tab.Click(`input[name="sex"][value="2"]`)
	g.fits("paper-new", 320, 390, 1280, 1440)
	g.tab.Press("保存して次へ")
	base := strings.Split(g.tab.Path(), "/form/")[0]
	id := strings.TrimPrefix(base, "/paper/")
	g.check("paper-form")
	if got := g.tab.Value("name.family"); got != "見本" {
		t.Errorf("the name of the receipt is %q on the form", got)
	}
	typed := casetest.Typed()
	typed["forwarding"] = map[string]string{"forwarding_prefecture": "13"}
	for page := 0; strings.Contains(g.tab.Path(), "/form/") && page < 12; page++ {
		group := g.tab.Path()[strings.LastIndex(g.tab.Path(), "/")+1:]
		g.fillPage(typed[group])
		g.tab.Press("保存して次へ")
	}
	if got := g.tab.Path(); got != base+"/documents" {
		t.Fatalf("after the form comes %s", got)
	}
	g.look("paper-documents", base+"/documents")
	for _, evidence := range []string{application.EvidencePaper, "medical_certificate"} {
		g.tab.Upload("evidence."+evidence, scan)
		g.tab.Click(`form[action$="/documents/` + evidence + `"] button[data-kind=secondary]`)
	}
	g.look("paper-tasks", base)
	g.tab.Press("内容を確認する")
	g.check("paper-incomplete")
	g.tab.Forgive()
	g.look("paper-payment", base+"/payment")
	g.tab.Click(`input[name="paid_by"][value="stamps"]`)
	v, err := w.Intake.View(t.Context(), application.Teller{Staff: w.account(t, "intake"), Body: "mhlw"}, id)
	if err != nil {
		t.Fatal(err)
	}
	due, err := v.Due()
	if err != nil || due == 0 {
		t.Fatalf("%d is due: %v", due, err)
	}
	g.tab.Fill("paid_amount", itoa(int(due)))
	g.tab.Press("保存して次へ")
	g.look("paper-receipt", base+"/receipt")
	g.tab.Open(w.URL + base)
	g.tab.Press("内容を確認する")
	g.look("paper-check", base+"/check")
	g.tab.Press("この内容で受け付ける")
	g.check("paper-entered")
	w.Work(t)
	if got := w.state(t, id); got != application.InReview {
		t.Fatalf("the case is %s", got)
	}

	staff := w.as(t, "reviewer")
	staff.says(staff.get("/?show=open"), http.StatusOK, "窓口", id)
	g.logIn("reviewer")
	g.tab.Open(w.URL + "/?show=open")
	g.check("paper-inbox-reviewer")
	g.tab.Press("次の審査案件を担当する")
	g.look("paper-case", "/cases/"+id)
	staff.says(staff.get("/cases/"+id), http.StatusOK, "紙の申請の受付", "受付 はじめ が確認し", "運転免許証", "紙の申請書に署名または記名押印があることを", "紙で確認した金額")

	items := []application.CorrectionItem{{Item: "name_kana", Reason: "kana-differs", Note: "フリガナを確認してください"}}
	if err := w.Office.RequestCorrection(t.Context(), w.Reviewer, id, items, w.Today().AddDays(14)); err != nil {
		t.Fatal(err)
	}
	g.logIn("intake")
	g.look("paper-correction", base)
	g.tab.Open(w.URL + base + "/receipt")
	g.tab.Click(`input[name="signed_seen"]`)
	g.tab.Press("保存して次へ")
	g.look("paper-correction-form", base+"/form/kana")
	g.tab.Fill("name_kana.given", "ハナ")
	g.tab.Press("保存して次へ")
	g.tab.Open(w.URL + base + "/documents")
	g.tab.Upload("evidence."+application.EvidencePaper, scan)
	g.tab.Click(`form[action$="/documents/paper_form"] button[data-kind=secondary]`)
	g.tab.Open(w.URL + base)
	g.tab.Press("内容を確認する")
	g.tab.Press("この内容で受け付ける")
	if got := w.state(t, id); got != application.InReview {
		t.Fatalf("after the correction the case is %s", got)
	}
	w.Propose(t, id)
	w.Approve(t, id)
	w.Work(t)
	var entry string
	if err := w.DB.Superuser().QueryRow(t.Context(), `select id::text from entry where person_ref is null`).Scan(&entry); err != nil {
		t.Fatal(err)
	}
	keeper := w.as(t, "keeper")
	keeper.expect(keeper.post("/register/kangoshi.mhlw/"+entry+"/purpose", "purpose", "procedure"), http.StatusSeeOther, "/register/")
	keeper.says(keeper.get("/register/kangoshi.mhlw/"+entry), http.StatusOK, "資格者証を印刷する")
	keeper.says(keeper.get("/register/kangoshi.mhlw/"+entry+"/credential"), http.StatusOK, "見本　花子", "この用紙は写しです")
	g.logIn("keeper")
	g.tab.Open(w.URL + "/register/kangoshi.mhlw/" + entry)
	g.tab.Fill("purpose", "procedure")
	g.tab.Submit()
	g.look("paper-handout", "/register/kangoshi.mhlw/"+entry+"/credential")
}

// fillPage types what is given of an open page of a form.
func (g *gallery) fillPage(typed map[string]string) {
	g.t.Helper()
	for name, value := range typed {
		switch {
		case g.tab.Has(`input[type="radio"][name="` + name + `"]`):
			g.tab.Click(`input[name="` + name + `"][value="` + value + `"]`)
		case g.tab.Has(`[name="` + name + `"]`):
			g.tab.Fill(name, value)
		}
	}
}
