package office

import (
	"net/http"
	"os"
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
	"akashi/qualifications"
)

// planners employs two people of the ministry, one of another, and one of a prefecture.
func planners(t *testing.T) *world {
	t.Helper()
	w := newWorldOf(t, licences(t))
	w.employ(t, "planner", "計画 一郎", true, "mhlw.planner", "mhlw.director")
	w.employ(t, "director", "局長 花子", true, "mhlw.director")
	w.employ(t, "other", "国交 三郎", true, "mlit.planner")
	w.employ(t, "saga", "佐賀 七郎", true, "pref-41.planner")
	return w
}

// licences are the registrars of the repository and two licences: of the 47 prefectures, two of which are open, and of the
// minister.
func licences(t *testing.T) *qualification.Catalogue {
	t.Helper()
	cat, err := qualification.LoadFiles(licenceFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func licenceFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := qualification.ReadFiles(os.DirFS("../../rollout/testdata"))
	for _, name := range []string{"registrars.yaml", "schema.json"} {
		if err == nil {
			files[name], err = qualifications.Files.ReadFile(name)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestOpeningTogether: one proposes to open 45 registers from a day on, another approves, and the page says so.
func TestOpeningTogether(t *testing.T) {
	w := planners(t)
	v := w.as(t, "planner")
	v.expect(v.get("/"), http.StatusSeeOther, "/rollout")
	v.says(v.get("/rollout"), http.StatusOK, "地方見本", "全国見本")
	v.says(v.get("/rollout/local"), http.StatusOK, "佐賀県", "受付中", "青森県", "未定", "受付を開始する")
	v.says(v.get("/rollout/local"), http.StatusOK, "未確認の事実：2件、見つかっていない事実：0件", "procedures[registration].fees", "見本法7条")
	v.says(v.get("/rollout/local/new?kind=open"), http.StatusOK, "まだ受け付けていない45の名簿すべて", "2026年（令和8年）12月2日以後")
	form := []string{"kind", "open", "scope", "all", "channel", "both", "on.era", "", "on.year", "2027", "on.month", "4", "on.day", "1", "reason", "準備が整ったため"}
	v.expect(v.post("/rollout/local/new", form...), http.StatusSeeOther, "/rollout/local/preview")
	v.says(v.get("/rollout/local/preview"), http.StatusOK, "地方見本の45の名簿で、2手続の受付を2027年（令和9年）4月1日に開始します。", "オンラインと窓口の両方", "準備が整ったため")
	to := v.expect(v.post("/rollout/local/preview"), http.StatusSeeOther, "/acts/").location
	v.says(v.get(to), http.StatusOK, "決裁待ち", "あなたが起案しました", "起案を取り下げる")
	v.silent(v.get(to), "却下する")
	v.expect(v.post(to, "verb", "approve"), http.StatusSeeOther, "/step-up")

	second := w.as(t, "director")
	second.says(second.get(to), http.StatusOK, "決裁する", "計画 一郎（厚生労働省）")
	second.expect(second.post(to, "verb", "approve"), http.StatusSeeOther, "/step-up")
	second.confirm("director", to)
	second.says(second.post(to, "verb", "refuse"), http.StatusUnprocessableEntity, "却下の理由を500文字以内で入力してください")
	second.says(second.post(to), http.StatusUnprocessableEntity)
	second.expect(second.post(to, "verb", "approve"), http.StatusSeeOther, to)
	second.says(second.get("/rollout/local"), http.StatusOK, "開始予定", "2027年（令和9年）4月1日から", "局長 花子（厚生労働省）")
	if !w.Catalogue.Offered("local.pref-02", "registration", qualification.ChannelOnline, calendar.Date{Year: 2027, Month: 4, Day: 1}) {
		t.Error("the act does not count in this process")
	}
	v.confirm("planner", to)
	v.says(v.post(to, "verb", "approve"), http.StatusForbidden, "自分で起案したものは決裁できません")
	again := append([]string{}, form...)
	again[3] = "some"
	again = append(again, "bodies", "pref-02")
	v.says(v.post("/rollout/local/new", again...), http.StatusUnprocessableEntity, "「青森県」の名簿は、2027年（令和9年）4月1日からすでに受け付けています", "その決定を見る")
	v.says(v.get(to), http.StatusOK, "この決定を取りやめる案を作る")
	id := to[len("/acts/"):]
	v.expect(v.post("/rollout/local/new", "kind", "recall", "recalls", id, "reason", "準備の遅れ"), http.StatusSeeOther, "/rollout/local/preview")
	recall := v.expect(v.post("/rollout/local/preview"), http.StatusSeeOther, "/acts/").location
	second.expect(second.post(recall, "verb", "approve"), http.StatusSeeOther, recall)
	second.says(second.get(to), http.StatusOK, "取りやめ")
	if w.Catalogue.Offered("local.pref-02", "registration", qualification.ChannelOnline, calendar.Date{Year: 2027, Month: 4, Day: 1}) {
		t.Error("the recalled act counts")
	}
}

// TestMistakesInAnAct are named beside their inputs.
func TestMistakesInAnAct(t *testing.T) {
	w := planners(t)
	v := w.as(t, "planner")
	post := func(path string, changed ...string) answer {
		form := map[string]string{"kind": "close", "scope": "some", "bodies": "pref-41", "channel": "both", "on.year": "2026", "on.month": "12", "on.day": "24", "reason": "点検"}
		for i := 0; i+1 < len(changed); i += 2 {
			form[changed[i]] = changed[i+1]
		}
		var pairs []string
		for k, x := range form {
			pairs = append(pairs, k, x)
		}
		return v.post(path, pairs...)
	}
	for name, x := range map[string]struct {
		changed []string
		says    string
	}{
		"past":        {[]string{"on.year", "2026", "on.month", "11", "on.day", "30"}, "適用日は2026年（令和8年）12月1日以後の日を入力してください"},
		"no day":      {[]string{"on.day", "31", "on.month", "2"}, "以後の日を入力してください"},
		"no reason":   {[]string{"reason", " "}, "理由を1文字以上500文字以内で入力してください"},
		"unknown":     {[]string{"bodies", "pref-99"}, "この資格の名簿がない"},
		"none":        {[]string{"bodies", ""}, "対象を1つ以上選んでください"},
		"not open":    {[]string{"bodies", "pref-13"}, "「東京都」の名簿は、2026年（令和8年）12月24日に受け付けていません"},
		"procedure":   {[]string{"procedures", "party"}, "手続を選び直してください"},
		"channel":     {[]string{"channel", "fax"}, "申請の方法を選んでください"},
		"open twice":  {[]string{"kind", "open"}, "「佐賀県」の名簿は、2026年（令和8年）4月1日からすでに受け付けています"},
		"nothing new": {[]string{"kind", "switch"}, "都道府県を経由しない経路が定義されていません"},
	} {
		t.Run(name, func(t *testing.T) {
			v.says(post("/rollout/local/new", x.changed...), http.StatusUnprocessableEntity, x.says)
		})
	}
	v.says(post("/rollout/nothing/new"), http.StatusNotFound)
	v.says(post("/rollout/local/new", "kind", "burn"), http.StatusNotFound)
	v.says(v.get("/rollout/local/new?kind=burn"), http.StatusNotFound)
	v.says(v.get("/acts/none"), http.StatusNotFound)
	v.says(v.get("/acts/0198c8f0-0000-7000-8000-000000000000"), http.StatusNotFound)
	v.expect(v.get("/rollout/local/preview"), http.StatusSeeOther, "/rollout/local")
}

// TestOtherBodiesPlanNothingHere: a ministry for another's qualification, a prefecture for another's register, and staff
// without the role.
func TestOtherBodiesPlanNothingHere(t *testing.T) {
	w := planners(t)
	closing := []string{"kind", "close", "scope", "some", "bodies", "pref-01", "channel", "both", "on.year", "2026", "on.month", "12", "on.day", "24", "reason", "点検"}
	other := w.as(t, "other")
	other.says(other.get("/rollout"), http.StatusOK, "所管する資格はありません")
	other.says(other.get("/rollout/local"), http.StatusNotFound)
	other.says(other.post("/rollout/local/new", closing...), http.StatusNotFound)
	saga := w.as(t, "saga")
	saga.says(saga.get("/rollout/local"), http.StatusOK, "受付を終了する")
	saga.says(saga.get("/rollout/national"), http.StatusNotFound)
	saga.says(saga.post("/rollout/local/new", closing...), http.StatusForbidden, "所属する機関の所管ではありません")
	closing[5] = "pref-41"
	saga.expect(saga.post("/rollout/local/new", closing...), http.StatusSeeOther, "/rollout/local/preview")
	to := saga.expect(saga.post("/rollout/local/preview"), http.StatusSeeOther, "/acts/").location
	other.says(other.get(to), http.StatusNotFound)
	reviewer := w.as(t, "reviewer")
	reviewer.says(reviewer.get("/rollout"), http.StatusForbidden)
	reviewer.says(reviewer.get("/rollout/local"), http.StatusForbidden)
	reviewer.says(reviewer.get(to), http.StatusForbidden)
	saga.expect(saga.post(to, "verb", "withdraw"), http.StatusSeeOther, to)
	saga.says(saga.get(to), http.StatusOK, "取下げ")
}

// TestPagesOfSelectiveUse looks at each page in a browser.
func TestPagesOfSelectiveUse(t *testing.T) {
	w := planners(t)
	g := w.gallery(t)
	g.logIn("planner")
	g.look("rollout", "/rollout")
	g.look("rollout-one", "/rollout/local")
	g.tab.Click("details summary")
	g.check("rollout-one-doubts")
	g.look("rollout-open", "/rollout/local/new?kind=open")
	g.tab.Submit()
	g.check("rollout-open-error")
	g.tab.FillAll("on.year", "2027", "on.month", "4", "on.day", "1", "reason", "47都道府県の準備が整ったため、令和9年4月1日からオンライン申請の受付を始める。")
	g.tab.Press("次へ：内容の確認")
	g.look("rollout-preview", "/rollout/local/preview")
	g.tab.Press("この内容で決裁へ回す")
	g.check("rollout-act-own")
	acts, err := (&rollout.Desk{DB: w.Office.DB, Catalogue: w.Catalogue}).Acts(t.Context(), rollout.Officer{Staff: w.account(t, "director"), Body: "mhlw"}, "local")
	if err != nil || len(acts) != 1 {
		t.Fatalf("%d acts: %v", len(acts), err)
	}
	m := w.gallery(t)
	m.logIn("director")
	m.look("rollout-act", "/acts/"+acts[0].ID.String())
	m.tab.Press("決裁する")
	m.tab.Submit()
	m.tab.Press("決裁する")
	m.check("rollout-act-approved")
	m.look("rollout-planned", "/rollout/local")
	g.look("rollout-close", "/rollout/local/new?kind=close")
	g.look("rollout-original", "/rollout/national/new?kind=original")
}
