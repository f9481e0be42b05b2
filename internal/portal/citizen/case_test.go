package citizen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/review"
)

func TestUploads(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := v.begin()
	to := "/applications/" + id + "/documents/medical_certificate"
	input := "evidence.medical_certificate"
	v.upload(to, input, "メモ.txt", []byte("hello")).want(422, "「メモ.txt」は受け付けられない種類のファイルです", `href="#f-evidence-medical_certificate"`)
	v.upload(to, input, "切れた.png", casetest.PNG[:40]).want(422, "「切れた.png」は途中で切れているか壊れていて")
	v.upload(to, input, "大きい.pdf", bytes.Repeat([]byte("%PDF-1.7 "), 1<<21)).want(422, "「大きい.pdf」は10MBを超えています")
	v.upload(to, input, "", nil).want(422, "ファイルを選んでください")
	if many := v.uploadTimes(50, to, input, "メモ.txt", []byte("hello")).want(422, "一度に追加できるファイルは5つまでです"); strings.Count(many.Body, "受け付けられない種類") > 5*2 {
		t.Error("more than five files of one request were looked at")
	}
	v.upload("/applications/"+id+"/documents/nothing", "evidence.nothing", "a.png", casetest.PNG).want(404)
	for range 3 {
		v.upload(to, input, `C:\fakepath\診断書.png`, casetest.PNG).want(http.StatusSeeOther, "/applications/"+id+"/documents")
	}
	page := v.get("/applications/"+id+"/documents").want(200, "診断書.png", "PNG 1 KB", "削除").lacks("fakepath", `type="file"`)
	v.upload(to, input, "四つ目.png", casetest.PNG).want(422, "ファイルの数が上限に達しています")
	remove := regexp.MustCompile(`value="(remove:[0-9a-f-]+)"`).FindStringSubmatch(page.Body)[1]
	v.multipart(to, "action", remove).want(http.StatusSeeOther, "/applications/"+id+"/documents")
	v.get("/applications/"+id+"/documents").want(200, `type="file"`)
	v.post(to).want(422, "送信された内容を受け付けられませんでした") // not a form with files
}

func TestCorrectionRound(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.InReview(t)
	if err := w.Office.Take(t.Context(), w.Reviewer, id); err != nil {
		t.Fatal(err)
	}
	due := calendar.AddBusinessDays(w.Today(), 10)
	err := w.Office.RequestCorrection(t.Context(), w.Reviewer, id, []application.CorrectionItem{
		{Item: "name_kana", Reason: "kana-differs", Note: "戸籍の読みはミホン ハルコです。"}, {Item: "evidence:medical_certificate", Reason: "document-unreadable"}}, due)
	if err != nil {
		t.Fatal(err)
	}
	v.get("/").want(200, "訂正が必要", "期限："+due.Both())
	v.get("/messages").want(200, "訂正をお願いします", "未読")
	v.get("/applications/"+id).want(200, "あなたの対応が必要です", "訂正をお願いする項目", "戸籍の読みはミホン ハルコです。", "公的な記録と異なります", "期限："+due.Both(),
		"/applications/"+id+"/form/kana", "そのまま提出することもできます").lacks("/form/contact")
	v.get("/applications/"+id+"/form/kana").want(200, "前に提出した内容：", "ミホン　ハナコ", "戸籍の読みは")
	v.get("/applications/"+id+"/form/contact").want(409, "この項目は、今は変更できません")
	v.post("/applications/"+id+"/form/contact", "tel", "0311112222").want(409)
	v.post("/applications/"+id+"/check").want(422, "「医師の診断書」のファイルを追加してください")
	v.post("/applications/"+id+"/form/kana", "name_kana.family", "みほん", "name_kana.given", "はるこ").want(http.StatusSeeOther, "/applications/"+id+"/documents")
	v.get("/applications/"+id+"/documents").want(200, "前に提出した書類", "書類の文字が読み取れません")
	v.upload("/applications/"+id+"/documents/medical_certificate", "evidence.medical_certificate", "診断書2.png", casetest.PNG).want(http.StatusSeeOther)
	v.get("/applications/"+id).want(200, "求められた項目を直しました。", "内容を確認する").lacks("そのまま提出することもできます", "求められた項目だけを直して")
	v.post("/applications/" + id + "/check").want(http.StatusSeeOther)
	v.get("/applications/"+id+"/check").want(200, "ミホン　ハルコ", "/form/kana?back=check").lacks("/form/contact", "9,000円")
	to := v.signs(id).want(http.StatusSeeOther, "/applications/"+id+"/receipt/1")
	v.get(to.To).want(200, "前回から変わったところ", "<del>ミホン　ハナコ</del>", "<ins>ミホン　ハルコ</ins>", "<ins>診断書2.png</ins>")
	v.get("/applications/"+id).want(200, "審査中", "訂正して、署名しました", "/receipt/1")
}

func TestUndecidableFamilyRegister(t *testing.T) {
	w := newWorld(t)
	w.Answers.Set(application.Family, application.Reply{Class: "partly_unknown_order", Source: "test", At: casetest.Start()})
	v := w.nurse(t)
	id := w.InReview(t)
	v.get("/applications/"+id).want(200, "戸籍の情報だけでは", "戸籍抄本", "/applications/"+id+"/documents")
}

func TestWithdrawal(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.InReview(t)
	v.get("/applications/"+id+"/withdraw").want(200, "取下げは元に戻せません", "9,000円の返金の手続をします")
	v.post("/applications/"+id+"/withdraw").want(422, "確認の欄にチェックを入れてください")
	v.post("/applications/"+id+"/withdraw", "sure", "yes").want(http.StatusSeeOther, "/applications/"+id)
	v.get("/applications/"+id).want(200, "取下げ済み", "申請を取り下げました").lacks("この申請を取り下げる")
	v.get("/applications/"+id+"/withdraw").want(409, "もう取り下げられません")
	w.Work(t)
	v.get("/applications/"+id).want(200, "返金済み")
	v.get("/applications/" + id + "/form/kana").want(409)
	v.post("/applications/"+id+"/pay").want(409, "今納めるものがありません")
	v.get("/applications/" + id + "/receipt/7").want(404)
}

func TestProviderDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.Submitted(t)
	w.Provider.FailNext = "before"
	v.post("/applications/"+id+"/pay").want(503, "ただいま接続できません")
	w.Provider.FailNext = "after"
	v.post("/applications/" + id + "/pay").want(503)
	v.post("/applications/"+id+"/pay").want(http.StatusSeeOther, "https://pay.example/")
	v.get("/applications/"+id+"/paid").want(200, "二重に支払う必要はありません")
}

func TestRejectionAndRevocation(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.InReview(t)
	ctx := t.Context()
	for _, err := range []error{
		w.Office.Take(ctx, w.Reviewer, id),
		w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "reject", Reasons: []string{"disqualified"}, Comment: "欠格事由"}),
		w.Office.Take(ctx, w.Approver, id),
		w.Office.Decide(ctx, w.Approver, id, review.Agree, ""),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	v.get("/applications/"+id).want(200, "申請どおりの登録はできませんでした", "欠格事由に当たるため登録できません", "不服があるとき")
}

// TestLostDocument: a document that the case has and the store does not is a failure of ours, not a wrong address.
func TestLostDocument(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := v.begin()
	v.upload("/applications/"+id+"/documents/medical_certificate", "evidence.medical_certificate", "診断書.png", casetest.PNG).want(http.StatusSeeOther)
	page := v.get("/applications/" + id + "/documents").want(200)
	path := regexp.MustCompile(`/applications/[^"/]+/uploads/[0-9a-f-]+`).FindString(page.Body)
	v.get(path).want(200)
	digest := sha256.Sum256(casetest.PNG)
	if err := w.Blobs.Remove(t.Context(), hex.EncodeToString(digest[:])); err != nil {
		t.Fatal(err)
	}
	v.get(path).want(http.StatusInternalServerError)
}
