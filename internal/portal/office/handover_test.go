package office

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/qualifications"
)

// onTheWay is a console with a registration as pharmacist that 東京都 has to pass on.
func onTheWay(t *testing.T) (*world, string) {
	t.Helper()
	files, err := qualification.ReadFiles(qualifications.Files)
	if err == nil {
		files, err = qualtest.Some(files, "yakuzaishi", "hokenshi")
	}
	if err != nil {
		t.Fatal(err)
	}
	cat, err := qualtest.Opened(files)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOf(t, cat)
	w.employ(t, "tokyo", "経由 京子", true, "pref-13.intake")
	ctx := t.Context()
	c, err := w.Desk.Start(ctx, w.Nurse, "yakuzaishi.mhlw", "registration", "ja")
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.Desk.View(ctx, w.Nurse, c.PublicID)
	if err != nil {
		t.Fatal(err)
	}
	a, err := qualtest.Fill(rand.New(rand.NewPCG(1, 2)), v.Procedure, v.Facts, map[string]string{"forwarding_prefecture": "13"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range v.Procedure.Groups {
		if problems, err := w.Desk.SaveGroup(ctx, w.Nurse, c.PublicID, g.ID, a.Raw); err != nil || len(problems) > 0 {
			t.Fatalf("page %s: %v %v", g.ID, problems, err)
		}
	}
	if v, err = w.Desk.View(ctx, w.Nurse, c.PublicID); err != nil {
		t.Fatal(err)
	}
	missing, err := v.MissingDocuments()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		w.Upload(t, c.PublicID, strings.TrimPrefix(m.Field, "evidence:"))
	}
	r := w.Frozen(t, c.PublicID)
	if _, err := w.Desk.Submit(ctx, w.Nurse, c.PublicID, r.ID, casetest.Sign(r.Bytes), nil); err != nil {
		t.Fatal(err)
	}
	w.Pay(t, c.PublicID)
	w.Work(t)
	return w, c.PublicID
}

// TestPassingOn: the prefecture takes the case, sees what it has to check, says what it found and passes it on; the registrar
// reads note and receipt. Each page is looked at with a browser.
func TestPassingOn(t *testing.T) {
	w, id := onTheWay(t)
	v := w.as(t, "tokyo")
	v.says(v.get("/?show=open"), http.StatusOK, "未担当の案件", "進達・未担当", "次の進達案件を担当する", id)
	v.says(v.get("/?show=open&qualification=yakuzaishi"), http.StatusOK, id, "保健師") // what goes through the body can be chosen, too
	v.silent(v.get("/?show=open&qualification=hokenshi"), id)
	v.expect(v.post("/next", "step", "forward"), http.StatusSeeOther, "/cases/"+id)
	page := v.says(v.get("/cases/"+id), http.StatusOK, "あなたが確認を担当しています", "厚生労働省", "進達に進む", "補正を依頼", "電子署名が有効で")
	v.silent(page, "住民票の情報と一致する", "住民票の回答", "起案へ")
	v.says(v.get("/cases/"+id+"/handover"), http.StatusOK, "様式・記入内容", "申請者の本人確認", "添付書類", "確認して送る")
	v.says(v.post("/cases/"+id+"/handover", "result.format", "ok", "result.identity", "remark"), http.StatusUnprocessableEntity,
		"「申請者の本人確認」の申し送りの内容を書いてください", "「添付書類」の確認結果を選んでください")
	g := w.gallery(t)
	g.logIn("tokyo")
	g.look("forwarding-inbox", "/?show=all")
	g.look("forwarding-case", "/cases/"+id)
	g.look("forwarding-note", "/cases/"+id+"/handover")
	v.expect(v.post("/cases/"+id+"/handover", "result.format", "ok", "result.identity", "ok", "result.documents", "remark", "note.documents", "診断書は写し", "remarks", "急ぎの事情あり"), http.StatusSeeOther, "/")
	v.says(v.get("/"), http.StatusOK, id+" を進達しました。")
	if got := v.get("/cases/" + id).status; got != http.StatusNotFound {
		t.Errorf("after passing on the page answers %d", got)
	}

	v.says(v.get("/"), http.StatusOK, "進達した案件を見る")
	v.silent(v.says(v.get("/passed"), http.StatusOK, id, "薬剤師：", "厚生労働省へ", "まだ担当者が受け取っていません", "審査中"), "見本", "花子")
	g.look("forwarding-inbox-empty", "/")
	g.look("passed", "/passed")

	r := w.as(t, "reviewer")
	r.silent(r.get("/"), "進達した案件を見る")
	r.expect(r.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id)
	v.silent(v.get("/passed"), "まだ担当者が受け取っていません")
	r.says(r.get("/cases/"+id), http.StatusOK, "経由機関からの申し送り", "東京都 から 厚生労働省 へ", "経由 京子 さんが", "診断書は写し", "急ぎの事情あり", "受領：審査 一郎 さん", "住民票の情報と一致する")
	g.logIn("reviewer")
	g.look("forwarded-case", "/cases/"+id)
	if v, err := w.Desk.View(t.Context(), w.Nurse, id); err != nil || v.Case.State != application.InReview {
		t.Errorf("the case is %+v: %v", v.Case.State, err)
	}
}
