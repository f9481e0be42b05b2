package citizen

import (
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/qualification"
)

// TestAProcedureThatIsNotOpen says from when it will be, since when it is not, and how to file on paper, in every language.
func TestAProcedureThatIsNotOpen(t *testing.T) {
	w := newWorldOver(t, casetest.NewWhole(t))
	v := w.visitor(t)
	const cooks, nurses = "/procedures/chorishi.pref-13/registration", "/procedures/kangoshi.mhlw/registration"
	v.get(cooks).want(200, "今はオンラインで受け付けていません", "まだ決まっていません", "東京都の担当窓口").lacks("ログインして始める")
	v.get("/qualifications/chorishi/registration").want(200, "今はオンラインで受け付けていないところ", "東京都")
	v.get("/procedures/zenkoku-tsuyaku-annaishi.pref-13/linking").want(200, "紙での手続はありません").lacks("紙だけで", "東京都の担当窓口で申請")
	v.get("/procedures/zenkoku-tsuyaku-annaishi.pref-13/change").want(200, "住民票や戸籍の書類が必要なことがあります").lacks("要らない書類", "署名用パスワード", "今日申請すると")
	v.get("/qualifications/zenkoku-tsuyaku-annaishi").want(200, "準備中", "確認できていない金額を含みます")
	v.get("/qualifications/kangoshi/change").want(303)
	// a ministry has many ways on paper, and some things are not done on paper at all
	v.get("/procedures/rodo-anzen-menkyo.mhlw/registration").want(200, "東京労働局免許証発行センターに郵送", "出典：").lacks("保健所")
	v.get("/procedures/gino-koshu.mhlw/change").want(200, "受講した登録教習機関に申し込みます").lacks("保健所")
	v.get("/procedures/gino-koshu.mhlw/registration").want(200, "紙での手続もありません", "本人が役所に申請することはありません").lacks("保健所", "紙だけで")
	v.get("/en/procedures/shiho-shiken.moj/registration").want(200, "there is no such procedure on paper", "This record exists on this platform alone").lacks("Apply on paper")
	v.get("/qualifications/shiho-shiken").want(200, "準備中").lacks("紙で受付")
	w.Catalogue.UseActs(qualification.NewActs(1, []qualification.Act{
		{ID: "1", Kind: qualification.ActOpen, Qualification: "chorishi", Bodies: []string{"pref-13"}, On: calendar.Date{Year: 2027, Month: 4, Day: 1}},
		{ID: "2", Kind: qualification.ActClose, Qualification: "kangoshi", Bodies: []string{"mhlw"}, Procedures: []string{"registration"}, On: calendar.Date{Year: 2026, Month: 11, Day: 30}},
		{ID: "3", Kind: qualification.ActClose, Qualification: "kangoshi", Bodies: []string{"mhlw"}, Procedures: []string{"change"}, On: calendar.Date{Year: 2026, Month: 12, Day: 25}},
		{ID: "4", Kind: qualification.ActOriginal, Qualification: "kangoshi", On: calendar.Date{Year: 2026, Month: 11, Day: 1}},
	}))
	v.get(cooks).want(200, "オンラインの受付は2027年（令和9年）4月1日に始まります", "東京都の担当窓口")
	v.get("/en"+cooks).want(200, "It will be open online from 1 April 2027", "in Tokyo")
	v.get("/easy"+cooks).want(200, "から")
	v.get(nurses).want(200, "2026年（令和8年）11月30日から停止しています", "保健所")
	v.get("/procedures/kangoshi.mhlw/change").want(200, "オンラインの受付は2026年（令和8年）12月24日までです")
	v.get("/qualifications/kangoshi").want(200, "2026年（令和8年）11月1日から、デジタル資格者証が法令上の原本です")
	n := w.nurse(t)
	n.get(nurses+"/start").want(200, "停止しています", "保健所").lacks("_token")
	l := browse(t, w)
	l.look("procedure-coming", cooks)
	l.look("procedure-closed", nurses)
	l.look("procedure-ending", "/procedures/kangoshi.mhlw/change")
	l.look("choose-coming", "/qualifications/chorishi/registration")
}
