package office

import (
	"net/http"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// settled are the checks that only a person can settle in the nurse's case.
var settled = []string{"verdict.medical", "ok", "verdict.penalties", "ok", "verdict.evidence", "ok", "verdict.characters", "ok"}

// TestFromInboxToRegister walks the main way: the reviewer takes a case, settles its list and proposes; a second person
// confirms the login and decides; the register has the entry.
func TestFromInboxToRegister(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	v := w.as(t, "reviewer")
	v.says(v.get("/"), http.StatusOK, "担当している案件はありません", "審査・未担当 1")
	v.says(v.get("/?show=open"), http.StatusOK, id, "見本　花子", "看護師の新規登録", "審査中", "それ以降1件")
	v.expect(v.post("/next", "step", "review"), http.StatusSeeOther, "/cases/"+id)
	page := v.says(v.get("/cases/"+id), http.StatusOK, "あなたが審査を担当しています", "住民票の情報と一致します", "合格者名簿にあります", "医師の診断書", "私は、看護師の免許を申請します", "登録免許税", "納付済み", "回答元：test", "SHA-256")
	v.silent(page, "finding.", "state.", "timeline.")

	a := v.post("/cases/"+id+"/checks", "verdict.medical", "defect", "note.medical", "日付が読めない", "then", "save")
	v.says(a, http.StatusUnprocessableEntity, "エラー：", "「診断書の内容に支障がない」の不備の理由を選んでください")
	if !strings.Contains(a.body, `value="日付が読めない"`) {
		t.Error("what was typed is lost")
	}
	v.expect(v.post("/cases/"+id+"/checks", "verdict.penalties", "ok", "then", "approve"), http.StatusSeeOther, "/cases/"+id+"/proposal?outcome=approve")
	v.says(v.get("/cases/"+id+"/proposal?outcome=approve"), http.StatusOK, "承認を起案できません", "診断書の内容に支障がない")
	v.says(v.post("/cases/"+id+"/proposal", "outcome", "approve"), http.StatusUnprocessableEntity, "未確認の審査項目が")
	v.expect(v.post("/cases/"+id+"/checks", append(settled, "then", "save")...), http.StatusSeeOther, "/cases/"+id)
	v.says(v.get("/cases/"+id), http.StatusOK, "保存しました", "すべて確認済み")
	v.expect(v.post("/cases/"+id+"/notes", "note", "診断書は原本と同じ内容"), http.StatusSeeOther, "/cases/"+id+"#notes")
	v.says(v.post("/cases/"+id+"/notes", "note", " "), http.StatusUnprocessableEntity, "メモを1文字以上4000文字以内で入力してください")
	v.says(v.get("/cases/"+id+"/proposal"), http.StatusOK, "名簿に書く内容", "見本　花子", "東京都", "2026年（令和8年）3月")
	for _, nothing := range []string{"", "yes"} {
		v.says(v.post("/cases/"+id+"/proposal", "outcome", nothing), http.StatusUnprocessableEntity, "選べない値が送信されました")
	}
	v.expect(v.post("/cases/"+id+"/proposal", "outcome", "approve", "comment", "問題ありません"), http.StatusSeeOther, "/")
	v.says(v.get("/"), http.StatusOK, id+" を承認へ回しました")
	v.says(v.get("/cases/"+id), http.StatusOK, "閲覧の目的を選んでください")
	v.says(v.post("/cases/"+id+"/take"), http.StatusForbidden, "この操作をする権限がありません")

	d := w.as(t, "approver")
	d.expect(d.post("/next", "step", "approval"), http.StatusSeeOther, "/cases/"+id+"/decision")
	d.says(d.get("/cases/"+id+"/decision"), http.StatusOK, "承認案", "審査 一郎", "問題ありません", "診断書は原本と同じ内容", "名簿に書く内容", "追加の本人確認")
	d.says(d.post("/cases/"+id+"/decision", "verb", "return"), http.StatusUnprocessableEntity, "差し戻す理由を入力してください")
	for _, nothing := range []string{"", "yes"} {
		d.says(d.post("/cases/"+id+"/decision", "verb", nothing, "confirm", "yes"), http.StatusUnprocessableEntity, "選べない値が送信されました")
	}
	d.expect(d.post("/cases/"+id+"/decision", "verb", "agree", "comment", "確認しました"), http.StatusSeeOther, "/step-up?to=%2Fcases%2F"+id+"%2Fdecision")
	d.confirm("approver", "/cases/"+id+"/decision")
	d.says(d.get("/cases/"+id+"/decision"), http.StatusOK, "確認しました")
	d.expect(d.post("/cases/"+id+"/decision", "verb", "agree", "comment", "確認しました"), http.StatusSeeOther, "/")
	d.says(d.get("/"), http.StatusOK, id+" を決裁しました")
	d.says(d.post("/cases/"+id+"/decision", "verb", "agree"), http.StatusConflict, "案件の担当者だけができます")

	found, err := w.Reader.Search(t.Context(), w.Keeper, registry.Query{Number: "1", Purpose: "procedure"})
	if err != nil || len(found) != 1 || found[0].Facts["name"] != "見本　花子" {
		t.Fatalf("the register has %v, %v; want the nurse", found, err)
	}
}

func TestRejection(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	v := w.as(t, "reviewer")
	v.expect(v.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id)
	page := v.get("/cases/" + id + "/proposal?outcome=reject")
	code := v.find(page, `name="reasons" value="([a-z-]+)"`)
	v.says(v.post("/cases/"+id+"/proposal", "outcome", "reject"), http.StatusUnprocessableEntity, "却下の理由を選んでください", "確認の欄にチェックを入れてください")
	v.says(v.post("/cases/"+id+"/proposal", "outcome", "reject", "reasons", "no-such-reason", "confirm", "yes"), http.StatusUnprocessableEntity, "エラー")
	v.expect(v.post("/cases/"+id+"/proposal", "outcome", "reject", "reasons", code, "confirm", "yes"), http.StatusSeeOther, "/")

	d := w.as(t, "approver")
	d.expect(d.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id+"/decision")
	d.confirm("approver", "/cases/"+id+"/decision")
	d.says(d.get("/cases/"+id+"/decision"), http.StatusOK, "却下案", "申請を却下することを確認しました")
	d.says(d.post("/cases/"+id+"/decision", "verb", "agree"), http.StatusUnprocessableEntity, "確認の欄にチェックを入れてください")
	d.expect(d.post("/cases/"+id+"/decision", "verb", "agree", "confirm", "yes"), http.StatusSeeOther, "/")
	if s := w.state(t, id); s != application.Rejected {
		t.Errorf("the case is %s, want rejected", s)
	}
}

// state reads where a case stands.
func (w *world) state(t *testing.T, id string) application.State {
	t.Helper()
	s, err := w.Office.Standing(t.Context(), w.Reviewer, id)
	if err != nil {
		t.Fatal(err)
	}
	return s.State
}

func TestSentBack(t *testing.T) {
	w := newWorld(t)
	id := w.Proposed(t)
	d := w.as(t, "approver")
	d.expect(d.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id+"/decision")
	d.confirm("approver", "/cases/"+id+"/decision")
	d.expect(d.post("/cases/"+id+"/decision", "verb", "return", "comment", "診断書の日付を確かめてください"), http.StatusSeeOther, "/")
	v := w.as(t, "reviewer")
	v.says(v.get("/"), http.StatusOK, id)
	v.says(v.get("/cases/"+id), http.StatusOK, "差戻し", "診断書の日付を確かめてください", "あなたが審査を担当しています")
}

// TestOwnProposal: whoever has proposed does not decide, even with both roles.
func TestOwnProposal(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	v := w.as(t, "approver") // reviewer, too
	v.expect(v.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id)
	v.expect(v.post("/cases/"+id+"/checks", append(settled, "then", "save")...), http.StatusSeeOther, "/cases/"+id)
	v.expect(v.post("/cases/"+id+"/proposal", "outcome", "approve"), http.StatusSeeOther, "/")
	v.says(v.post("/cases/"+id+"/take"), http.StatusForbidden, "自分が起案した案件は決裁できません")
	v.expect(v.post("/cases/"+id+"/purpose", "purpose", "procedure"), http.StatusSeeOther, "/cases/"+id)
	a := v.says(v.get("/cases/"+id), http.StatusOK, "あなたが起案しました")
	v.silent(a, "/take\"")
	v.expect(v.post("/next", "step", "approval"), http.StatusSeeOther, "/")
	v.says(v.get("/"), http.StatusOK, "未担当の案件はありません")
}

func TestCorrectionRound(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	v := w.as(t, "reviewer")
	v.expect(v.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id)
	at := "/cases/" + id + "/correction"
	v.expect(v.get(at+"/words"), http.StatusSeeOther, at) // nothing chosen yet
	v.expect(v.get(at+"/preview"), http.StatusSeeOther, at)
	v.says(v.post(at+"/preview"), http.StatusConflict, "補正の文面が見つかりません")
	v.expect(v.post("/cases/"+id+"/checks", "verdict.medical", "defect", "reason.medical", "medical-certificate-old", "then", "correct"), http.StatusSeeOther, at)
	a := v.says(v.get(at), http.StatusOK, "第1回の補正", "医師の診断書")
	if !strings.Contains(a.body, `value="evidence:medical_certificate" checked`) {
		t.Error("the document behind the defect is not chosen beforehand")
	}
	v.silent(a, `value="name"`, `value="birth_date"`) // official values cannot be corrected by the applicant
	v.says(v.post(at), http.StatusUnprocessableEntity, "補正してもらう項目を1つ以上選んでください")
	v.says(v.post(at, "item", "tel", "reason.tel", "document-unreadable"), http.StatusUnprocessableEntity, "「電話番号」の補正の理由を選んでください")
	v.says(v.post(at, "item", "tel", "reason.tel", "medical-certificate-old"), http.StatusUnprocessableEntity, "「電話番号」の補正の理由を選んでください")
	v.says(v.post(at, "item", "penalty_details", "reason.penalty_details", "answer-unclear"), http.StatusUnprocessableEntity, "今の答えでは申請者の画面に出ません。もとになる項目も選んでください")
	v.expect(v.post(at, "item", "evidence:medical_certificate", "reason.evidence:medical_certificate", "medical-certificate-old"), http.StatusSeeOther, at+"/words")
	v.says(v.get(at+"/words"), http.StatusOK, "「医師の診断書」をもう一度提出してください。", "診断書が申請前1か月以内のものではありません", "日本語")
	words := []string{"note.evidence:medical_certificate", "新しい診断書を出してください。", "due.year", "2026", "due.month", "12"}
	v.says(v.post(at+"/words", append(words, "due.day", "1")...), http.StatusUnprocessableEntity, "明日以降の日を入力してください")
	v.says(v.post(at+"/words", append(words, "due.day", "32")...), http.StatusUnprocessableEntity, "提出期限を年月日で入力してください")
	v.says(v.post(at+"/words", "due.year", "2028", "due.month", "1", "due.day", "5"), http.StatusUnprocessableEntity, "説明を1文字以上", "6か月以内")
	v.expect(v.post(at+"/words", append(words, "due.day", "18")...), http.StatusSeeOther, at+"/preview")
	v.says(v.get(at+"/preview"), http.StatusOK, "まだ送信していません", "新しい診断書を出してください。", "2026年（令和8年）12月18日", "あなたの対応が必要です")
	v.expect(v.post(at+"/preview"), http.StatusSeeOther, "/")
	v.says(v.get("/?show=waiting"), http.StatusOK, id+" の補正を依頼しました", "申請者の対応待ち1件", "期限は停止中")
	v.says(v.post("/cases/"+id+"/checks", "then", "save"), http.StatusConflict, "案件の担当者だけができます")
	w.answer(t, id)
	a = v.says(v.get("/cases/"+id), http.StatusOK, "前回からの変更点", "第1回の補正", "最初の申請", "新しい診断書を出してください。")
	if !strings.Contains(a.body, "<ins>新しい診断書.png</ins>") {
		t.Error("the new document is not shown as a change")
	}
}

// answer has the nurse hand in the document that was asked for.
func (w *world) answer(t *testing.T, id string) {
	t.Helper()
	ref, err := w.Blobs.Put(t.Context(), strings.NewReader(string(casetest.PNG)+" once more"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Desk.AddUpload(t.Context(), w.Nurse, id, "medical_certificate", "新しい診断書.png", "image/png", ref); err != nil {
		t.Fatal(err)
	}
	r := w.Frozen(t, id)
	if _, err := w.Desk.Submit(t.Context(), w.Nurse, id, r.ID, casetest.Sign(r.Bytes), nil); err != nil {
		t.Fatal(err)
	}
}

// TestCasesOfOthers: a case of another body does not exist; one that somebody holds asks for a purpose and cannot be acted on.
func TestCasesOfOthers(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	w.employ(t, "saga", "佐賀 七郎", true, "pref-41.reviewer", "pref-41.approver")
	s := w.as(t, "saga")
	for _, path := range []string{"", "/correction", "/proposal", "/decision"} {
		s.says(s.get("/cases/"+id+path), http.StatusNotFound, "ページが見つかりません")
	}
	for _, path := range []string{"/take", "/release", "/checks", "/notes", "/purpose", "/proposal", "/decision"} {
		s.says(s.post("/cases/"+id+path, "note", "x", "purpose", "procedure"), http.StatusNotFound, "ページが見つかりません")
	}
	s.says(s.get("/cases/KGMH-0000-0000"), http.StatusNotFound, "ページが見つかりません")

	v := w.as(t, "reviewer")
	v.expect(v.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id)
	o := w.as(t, "approver")
	a := o.says(o.get("/cases/"+id), http.StatusOK, "閲覧の目的を選んでください")
	o.silent(a, "見本")
	o.says(o.post("/cases/"+id+"/purpose"), http.StatusUnprocessableEntity, "閲覧の目的を選んでください")
	o.says(o.post("/cases/"+id+"/purpose", "purpose", "curiosity"), http.StatusUnprocessableEntity, "閲覧の目的を選んでください")
	o.expect(o.post("/cases/"+id+"/purpose", "purpose", "inquiry_by_holder"), http.StatusSeeOther, "/cases/"+id)
	a = o.says(o.get("/cases/"+id), http.StatusOK, "審査 一郎 さんが担当しています", "見本　花子", "本人からの問い合わせ")
	o.silent(a, "name=\"then\"")
	o.says(o.post("/cases/"+id+"/take"), http.StatusConflict, "ほかの職員が先に担当しました")
	for _, path := range []string{"/checks", "/proposal", "/decision", "/release"} {
		o.says(o.post("/cases/"+id+path, "verb", "agree", "outcome", "approve"), http.StatusConflict, "案件の担当者だけができます")
	}
	for _, path := range []string{"/correction", "/proposal", "/decision"} {
		o.says(o.get("/cases/"+id+path), http.StatusConflict, "案件の担当者だけができます")
	}
	v.says(v.post("/cases/"+id+"/free"), http.StatusForbidden)
	o.says(o.get("/cases/"+id), http.StatusOK, "担当を解除して未担当に戻す")
	o.expect(o.post("/cases/"+id+"/free"), http.StatusSeeOther, "/cases/"+id)
	v.expect(v.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id)
	v.expect(v.post("/cases/"+id+"/release"), http.StatusSeeOther, "/")
	o.says(o.get("/cases/"+id), http.StatusOK, "審査の担当者を待っています", "担当する")
}

func TestDocuments(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	v := w.as(t, "reviewer")
	v.expect(v.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id)
	path := v.find(v.get("/cases/"+id), `<img src="([^"]+)"`)
	a := v.get(path)
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, "\x89PNG") {
		t.Fatalf("answered %d with %d bytes", a.status, len(a.body))
	}
	for name, want := range map[string]string{"Content-Type": "image/png", "Content-Security-Policy": documentPolicy, "X-Content-Type-Options": "nosniff"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, "inline; filename*=utf-8''") {
		t.Errorf("Content-Disposition is %q", got)
	}
	v.says(v.get("/cases/"+id+"/documents/not-an-id"), http.StatusNotFound, "ページが見つかりません")
	v.says(v.get("/cases/"+id+"/documents/018f0000-0000-7000-8000-000000000000"), http.StatusNotFound, "ページが見つかりません")
	o := w.as(t, "approver")
	o.expect(o.get(path), http.StatusSeeOther, "/cases/"+id) // asks why first
}

func TestDoneKey(t *testing.T) {
	open := func(proposal string) review.Standing { return review.Standing{Proposal: proposal} }
	if got := doneKey(open(reject), review.Agree); got != "decide.done.rejected" {
		t.Errorf("agreeing to a rejection says %s", got)
	}
	if got := doneKey(open(approve), review.Return); got != "decide.done.dropped" {
		t.Errorf("not agreeing to a measure says %s", got)
	}
}
