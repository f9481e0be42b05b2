package office

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/registry"
	"akashi/internal/review"
)

func TestSearchAndEntry(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	k := w.as(t, "keeper")
	k.expect(k.get("/register/results"), http.StatusSeeOther, "/register")
	k.says(k.post("/register"), http.StatusUnprocessableEntity, "登録番号、氏名、フリガナのいずれかを入力してください", "閲覧の目的を選んでください")
	k.says(k.post("/register", "words", "見本", "purpose", "audit", "birth.year", "2003", "birth.month", "13", "birth.day", "1"), http.StatusUnprocessableEntity, "生年月日を年月日で入力してください")
	for _, words := range []string{"第１号", "見本", "みほん", "ミホン ハナコ", "見本 花子"} {
		k.expect(k.post("/register", "words", words, "purpose", "inquiry_by_holder", "birth.era", "heisei", "birth.year", "15", "birth.month", "4", "birth.day", "12"), http.StatusSeeOther, "/register/results")
		a := k.says(k.get("/register/results"), http.StatusOK, "検索結果（1件）", "見○　花○", "2003年○月○日", "登録中")
		k.silent(a, "2003年（")
	}
	k.expect(k.post("/register", "words", "子", "purpose", "inquiry_by_holder"), http.StatusSeeOther, "/register/results")
	k.says(k.get("/register/results"), http.StatusOK, "該当する登録はありません")
	k.expect(k.post("/register", "words", "本　花", "infix", "yes", "purpose", "inquiry_by_holder"), http.StatusSeeOther, "/register/results")
	a := k.says(k.get("/register/results"), http.StatusOK, "検索結果（1件）")
	path := k.find(a, `href="(/register/kangoshi\.mhlw/[0-9a-f-]+)"`)
	k.says(k.get(path), http.StatusOK, "看護師", "見本　花子", "2003年（平成15年）4月12日", "新規登録", "有効", "本人からの問い合わせ", "東京都")
	if n := count(t, w, audit.EntryView); n != 1 {
		t.Errorf("%d looks at the entry recorded, want 1", n)
	}

	v := w.as(t, "reviewer") // may look, and has not said why
	a = v.says(v.get(path), http.StatusOK, "閲覧の目的を選んでください")
	v.silent(a, "見本")
	v.says(v.post(path+"/purpose"), http.StatusUnprocessableEntity, "閲覧の目的を選んでください")
	v.says(v.post(path+"/purpose", "purpose", "no-such"), http.StatusUnprocessableEntity, "閲覧の目的を選んでください")
	v.expect(v.post(path+"/purpose", "purpose", "correction"), http.StatusSeeOther, path)
	a = v.says(v.get(path), http.StatusOK, "名簿の訂正")
	v.silent(a, "/measures/")
	v.says(v.get(path+"/measures/revoke"), http.StatusForbidden, "この操作をする権限がありません")
	v.says(v.get("/register/kangoshi.mhlw/not-an-id"), http.StatusNotFound, "ページが見つかりません")

	w.employ(t, "saga", "佐賀 七郎", true, "pref-41.register_keeper")
	s := w.as(t, "saga")
	s.says(s.post(path+"/purpose", "purpose", "procedure"), http.StatusNotFound, "この登録は見つかりません")
	s.says(s.get(path), http.StatusNotFound, "この登録は見つかりません")
	s.says(s.get(path+"/measures/revoke"), http.StatusNotFound, "この登録は見つかりません")
}

// TestSearchIsAReasonForItsResults: the purpose of a search opens what the search has listed, for a while, and nothing else.
func TestSearchIsAReasonForItsResults(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	path := entryPath("kangoshi.mhlw", w.entryOf(t).ID.String())
	k := w.as(t, "keeper")
	look := func(words string) {
		k.expect(k.post("/register", "words", words, "purpose", "inquiry_by_authority"), http.StatusSeeOther, "/register/results")
		k.says(k.get("/register/results"), http.StatusOK, "検索結果")
	}
	look("他人")
	k.says(k.get(path), http.StatusOK, "閲覧の目的を選んでください") // not among the results
	look("見本")
	k.says(k.get(path), http.StatusOK, "見本　花子")
	w.Clock.Set(w.Clock.Now().Add(searchLasts + time.Minute))
	k.silent(k.says(k.get(path), http.StatusOK, "閲覧の目的を選んでください"), "見本　花子")
}

// TestOneMeasureAtATime: a second measure on an entry is refused while one waits, before anything is typed and by the
// database at the same moment; not any more once the first is decided.
func TestOneMeasureAtATime(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	e := w.entryOf(t)
	path := entryPath(e.RegisterID, e.ID.String())
	ends := make(chan error)
	for _, kind := range []string{review.MeasureSuspend, review.MeasureRevoke} {
		go func() {
			_, err := w.Office.ProposeMeasure(t.Context(), w.Keeper, measureOf(e, kind, "試験のための処分"))
			ends <- err
		}()
	}
	first, second := <-ends, <-ends
	if (first == nil) == (second == nil) || !errors.Is(errors.Join(first, second), fault.Conflict) {
		t.Fatalf("two measures at once: %v, %v; want one and a conflict", first, second)
	}
	k := w.as(t, "keeper")
	for _, kind := range []string{review.MeasureSuspend, review.MeasureRevoke} {
		k.says(k.get(path+"/measures/"+kind), http.StatusConflict, "決裁を待っている別の処分の提案があります")
		k.says(k.post(path+"/measures/"+kind, "number", "1", "reason", "処分", "confirm", "yes"), http.StatusConflict, "決裁を待っている別の処分の提案があります")
	}
	d := w.as(t, "approver")
	open := d.get("/?show=open")
	id := d.find(open, `/cases/(KGMH-[0-9A-Z-]+)`)
	d.expect(d.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id+"/decision")
	d.confirm("approver", "/cases/"+id+"/decision")
	d.expect(d.post("/cases/"+id+"/decision", "verb", "return", "comment", "根拠が不足しています"), http.StatusSeeOther, "/")
	k.says(k.get(path+"/measures/suspend"), http.StatusOK, "登録番号をもう一度入力")
}

// entryOf finds the nurse's entry.
func (w *world) entryOf(t *testing.T) *registry.Entry {
	t.Helper()
	found, err := w.Reader.Search(t.Context(), w.Keeper, registry.Query{Number: "1", Purpose: "procedure"})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d entries, %v", len(found), err)
	}
	return &found[0]
}

// TestMeasures: a measure asks for the number again and for the second factor, and changes nothing until a second person
// agrees.
func TestMeasures(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	path := entryPath("kangoshi.mhlw", w.entryOf(t).ID.String())
	k := w.as(t, "keeper")
	k.says(k.get(path+"/measures/restore"), http.StatusConflict, "登録の状態が変わっている")
	k.says(k.get(path+"/measures/praise"), http.StatusNotFound, "ページが見つかりません")
	k.says(k.get(path+"/measures/revoke"), http.StatusOK, "デジタル資格者証は失効します", "登録番号をもう一度入力")
	k.says(k.post(path+"/measures/revoke", "number", "2"), http.StatusUnprocessableEntity, "登録番号が一致しません", "処分の理由を", "確認の欄にチェック")
	typed := []string{"number", "第1号", "reason", "保健師助産師看護師法14条1項による処分", "confirm", "yes"}
	k.expect(k.post(path+"/measures/revoke", typed...), http.StatusSeeOther, "/step-up?to=")
	k.confirm("keeper", path+"/measures/revoke")
	a := k.says(k.get(path+"/measures/revoke"), http.StatusOK, "保健師助産師看護師法14条1項による処分")
	if !strings.Contains(a.body, `value="第1号"`) {
		t.Error("the typed number is lost")
	}
	k.expect(k.post(path+"/measures/revoke", typed...), http.StatusSeeOther, path)
	id := k.find(k.get(path), `(KGMH-[0-9A-Z-]+) として起案しました`)
	if s := w.entryOf(t).State; s != registry.Registered {
		t.Fatalf("the entry is %s before the decision", s)
	}

	d := w.as(t, "approver")
	d.says(d.get("/?show=open"), http.StatusOK, id, "看護師の名簿に関する処分", "見本　花子")
	d.expect(d.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id+"/decision")
	d.says(d.get("/cases/"+id), http.StatusOK, "処分の内容", "登録の取消し", "保健師助産師看護師法14条1項による処分")
	d.says(d.get("/cases/"+id+"/proposal"), http.StatusNotFound, "ページが見つかりません")
	d.confirm("approver", "/cases/"+id+"/decision")
	d.says(d.get("/cases/"+id+"/decision"), http.StatusOK, "登録の取消し", "登録を取り消すことを確認しました")
	d.says(d.post("/cases/"+id+"/decision", "verb", "agree"), http.StatusUnprocessableEntity, "確認の欄にチェック")
	d.expect(d.post("/cases/"+id+"/decision", "verb", "agree", "confirm", "yes"), http.StatusSeeOther, "/")
	if s := w.entryOf(t).State; s != registry.Revoked {
		t.Errorf("the entry is %s, want revoked", s)
	}
	k.says(k.get(path), http.StatusOK, "取消し", "失効", "回復を起案する")
}

// TestSuspensionWithATerm: the last day is asked for, read in both calendars, shown to the second person and kept with the entry.
func TestSuspensionWithATerm(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	path := entryPath("kangoshi.mhlw", w.entryOf(t).ID.String())
	k := w.as(t, "keeper")
	k.says(k.get(path+"/measures/suspend"), http.StatusOK, "停止期間の最終日", "自動で解けます")
	k.silent(k.get(path+"/measures/revoke"), "停止期間の最終日")
	typed := []string{"number", "1", "reason", "保健師助産師看護師法14条1項による処分", "until.era", "reiwa"}
	k.says(k.post(path+"/measures/suspend", append(typed, "until.year", "8", "until.month", "11", "until.day", "30")...), http.StatusUnprocessableEntity, "今日以降の日付")
	k.says(k.post(path+"/measures/suspend", append(typed, "until.year", "9", "until.month", "2", "until.day", "29")...), http.StatusUnprocessableEntity, "正しい日付")
	k.confirm("keeper", path+"/measures/suspend")
	k.expect(k.post(path+"/measures/suspend", append(typed, "until.year", "9", "until.month", "2", "until.day", "28")...), http.StatusSeeOther, path)
	id := k.find(k.get(path), `(KGMH-[0-9A-Z-]+) として起案しました`)
	d := w.as(t, "approver")
	d.expect(d.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id+"/decision")
	d.confirm("approver", "/cases/"+id+"/decision")
	d.says(d.get("/cases/"+id+"/decision"), http.StatusOK, "停止期間の最終日", "2027年（令和9年）2月28日")
	d.expect(d.post("/cases/"+id+"/decision", "verb", "agree"), http.StatusSeeOther, "/")
	if e := w.entryOf(t); e.State != registry.Suspended || e.SuspendedUntil.String() != "2027-02-28" {
		t.Errorf("the entry is %s until %s", e.State, e.SuspendedUntil)
	}
	k.says(k.get(path), http.StatusOK, "停止期間の最終日：2027年（令和9年）2月28日")
}

// TestMeasureNotAgreed: a measure that the second person does not want ends, and the entry stays as it was.
func TestMeasureNotAgreed(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	e := w.entryOf(t)
	id, err := w.Office.ProposeMeasure(t.Context(), w.Keeper, measureOf(e, review.MeasureSuspend, "調査中"))
	if err != nil {
		t.Fatal(err)
	}
	d := w.as(t, "approver")
	d.expect(d.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id+"/decision")
	d.confirm("approver", "/cases/"+id+"/decision")
	d.expect(d.post("/cases/"+id+"/decision", "verb", "return", "comment", "根拠が不足しています"), http.StatusSeeOther, "/")
	d.says(d.get("/"), http.StatusOK, id+" は決裁せずに終了しました")
	d.expect(d.post("/cases/"+id+"/purpose", "purpose", "procedure"), http.StatusSeeOther, "/cases/"+id)
	d.says(d.get("/cases/"+id), http.StatusOK, "処理は終わっています", "決裁されず終了しました", "根拠が不足しています")
	if s := w.entryOf(t).State; s != registry.Registered {
		t.Errorf("the entry is %s, want registered", s)
	}
}

func TestAuditLog(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	w.employ(t, "auditor", "監査 八郎", true, "mhlw.auditor")
	w.employ(t, "statistician", "統計 九郎", true, "mhlw.statistician")
	a := w.as(t, "auditor")
	a.expect(a.get("/"), http.StatusSeeOther, "/audit")
	for range auditLines {
		a.says(a.get("/audit?act=case.approve"), http.StatusOK, "承認を決裁した")
	}
	page := a.says(a.get("/audit"), http.StatusOK, "操作記録を見た", "監査 八郎（監査）", "以前の記録へ")
	a.silent(page, "見本　花子", "act.")
	more := strings.ReplaceAll(a.find(page, `rel="next" href="([^"]+)"`), "&amp;", "&")
	a.says(a.get(more), http.StatusOK, "最新へ", "申請を作り始めた", "名簿に登録した")
	only := a.says(a.get("/audit?act=case.approve"), http.StatusOK, "承認を決裁した", "決裁 二郎（決裁）", "選択中の条件")
	a.silent(only, "<td>起案した")
	a.says(a.get("/audit?act=case.approve&staff="+w.Reviewer.Staff.ID.String()), http.StatusOK, "記録はありません", "審査 一郎")
	a.says(a.get("/register"), http.StatusForbidden, "この操作をする権限がありません")
	a.says(a.get("/cases/x"), http.StatusForbidden, "この操作をする権限がありません")

	s := w.as(t, "statistician")
	s.says(s.get("/"), http.StatusOK, "表示できるものがありません")
	v := w.as(t, "reviewer")
	v.says(v.get("/audit"), http.StatusForbidden, "この操作をする権限がありません")
}
