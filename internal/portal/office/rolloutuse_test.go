package office

import (
	"net/http"
	"testing"

	"akashi/internal/calendar"
)

// TestChoosingFunctions: two people of a prefecture end two functions of its own register; the pages say which, from when, and
// what a second one decides; the ministry sees it; an act of the prefecture's own is not the ministry's alone to decide.
func TestChoosingFunctions(t *testing.T) {
	w := planners(t)
	w.employ(t, "sagahead", "佐賀 八郎", true, "pref-41.director")
	v := w.as(t, "saga")
	v.says(v.get("/rollout/local"), http.StatusOK, "機能の利用をやめる", "すべて")
	v.silent(v.get("/rollout/local"), "機能を使い始める")
	v.says(v.get("/rollout/local/new?kind=unuse"), http.StatusOK, "機能の利用の終了を起案する", "PDFの資格者証", "番号だけの確認", "2026年（令和8年）12月1日以後")
	form := []string{"kind", "unuse", "scope", "all", "functions", "pdf", "functions", "watch", "on.year", "2027", "on.month", "4", "on.day", "1", "reason", "窓口での発行に一本化するため"}
	v.says(v.post("/rollout/local/new", append([]string{"kind", "unuse"}, form[8:]...)...), http.StatusUnprocessableEntity, "機能を1つ以上選んでください")
	v.says(v.post("/rollout/local/new", append([]string{"kind", "unuse", "functions", "party"}, form[8:]...)...), http.StatusUnprocessableEntity)
	v.expect(v.post("/rollout/local/new", form...), http.StatusSeeOther, "/rollout/local/preview")
	v.says(v.get("/rollout/local/preview"), http.StatusOK, "地方見本の1の名簿で、2027年（令和9年）4月1日から次の機能を使いません：PDFの資格者証、確認者への変更のお知らせ", "佐賀県")
	to := v.expect(v.post("/rollout/local/preview"), http.StatusSeeOther, "/acts/").location
	v.says(v.get(to), http.StatusOK, "決裁待ち", "機能の利用の終了", "あなたが起案しました")
	second := w.as(t, "sagahead")
	second.says(second.get(to), http.StatusOK, "決裁する")
	second.confirm("sagahead", to)
	second.expect(second.post(to, "verb", "approve"), http.StatusSeeOther, to)
	second.says(second.get("/rollout/local"), http.StatusOK, "PDFの資格者証、確認者への変更のお知らせ：2027年（令和9年）4月1日から使わない")
	day := calendar.Date{Year: 2027, Month: 4, Day: 1}
	if !w.Catalogue.Uses("local.pref-41", "pdf", day.AddDays(-1)) || w.Catalogue.Uses("local.pref-41", "pdf", day) || !w.Catalogue.Uses("local.pref-41", "code", day) {
		t.Error("the act does not count in this process")
	}
	v.says(v.get(to), http.StatusOK, "この決定を取りやめる案を作る")
	v.says(v.get("/rollout/local/new?kind=use"), http.StatusOK, "機能の利用の開始を起案する")

	m := w.as(t, "planner")
	m.says(m.get("/rollout/local/new?kind=unuse"), http.StatusOK, "機能を使っている47の名簿すべて")
	m.expect(m.post("/rollout/local/new", append([]string{"kind", "unuse", "scope", "all", "functions", "number"}, form[8:]...)...), http.StatusSeeOther, "/rollout/local/preview")
	m.says(m.get("/rollout/local/preview"), http.StatusOK, "地方見本の47の名簿で")
}

// TestPagesOfFunctions looks at each page in a browser.
func TestPagesOfFunctions(t *testing.T) {
	w := planners(t)
	g := w.gallery(t)
	g.logIn("planner")
	g.look("rollout-unuse", "/rollout/local/new?kind=unuse")
	g.tab.Submit()
	g.check("rollout-unuse-error")
	g.tab.FillAll("on.year", "2027", "on.month", "4", "on.day", "1", "reason", "窓口での発行に一本化するため。")
	g.tab.Click(`input[name="functions"][value="pdf"]`)
	g.tab.Click(`input[name="functions"][value="watch"]`)
	g.tab.Press("次へ：内容の確認")
	g.look("rollout-unuse-preview", "/rollout/local/preview")
	g.tab.Press("この内容で決裁へ回す")
	g.check("rollout-unuse-act")
	to := g.tab.Path()
	m := w.gallery(t)
	m.logIn("director")
	m.look("rollout-unuse-decide", to)
	m.tab.Press("決裁する")
	m.tab.Submit()
	m.tab.Press("決裁する")
	m.look("rollout-uses", "/rollout/local")
}
