package citizen

import (
	"net/url"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/qualification"
)

// TestFindingAQualification: by name, reading, English, class or law; by ministry; only what is open.
func TestFindingAQualification(t *testing.T) {
	v := newWorldOver(t, casetest.NewWhole(t)).visitor(t)
	find := func(query ...string) string {
		q := url.Values{}
		for i := 0; i < len(query); i += 2 {
			q.Set(query[i], query[i+1])
		}
		return "/qualifications?" + q.Encode()
	}
	v.get("/qualifications").want(200, "国家資格84件", "看護師", "技能士", "今オンラインで申請できる資格")
	// name, reading, half-width katakana, English, law
	for _, query := range []string{"技能士", "ぎのうし", "ｷﾞﾉｳｼ", "certified skilled", "職業能力開発促進法 技能"} {
		v.get(find("q", query)).want(200, "技能士").lacks("/qualifications/kangoshi")
	}
	v.get(find("q", "ボイラー溶接士")).want(200, "労働安全衛生法による免許").lacks("/qualifications/kangoshi")
	v.get(find("ministry", "法務省")).want(200, "司法試験").lacks("/qualifications/kangoshi")
	v.get(find("open", "yes")).want(200, "看護師").lacks("/qualifications/ginoshi")
	v.get(find("q", "そんな資格はない")).want(200, "0件の資格があります", "見つかりませんでした")
	v.get(find("q", "<script>alert(1)</script>")).want(200, "見つかりませんでした").lacks("<script>alert")
	v.get("/en"+find("q", "nurse")).want(200, "Assistant Nurse", "Nurse")
	v.get("/easy/qualifications").want(200, "<ruby>")
}

// TestAboutEveryQualification: each has a page in three languages that says who keeps the register, what its procedures take
// and where that was read.
func TestAboutEveryQualification(t *testing.T) {
	w := newWorldOver(t, casetest.NewWhole(t))
	v := w.visitor(t)
	for _, def := range w.Catalogue.List() {
		v.get("/qualifications/"+def.ID).want(200, def.Name.JA, "名簿を備える機関", "出典：").lacks("{item.", "%!")
		v.get("/en/qualifications/"+def.ID).want(200, "Who keeps the register", "Source:")
		v.get("/easy/qualifications/"+def.ID).want(200, "<ruby>")
		for _, q := range def.Procedures {
			v.get(procedurePath(def.Registers[0].ID, q.ID)).want(200, "申請できる人", "かかる日数").lacks("%!")
		}
	}
	// what nobody has read is not promised
	v.get("/qualifications/ishi-shosu-kuiki").want(200, "費用がかからないことを定めた法令は、確認できていません").lacks("費用はかかりません")
	v.get(procedurePath("ishi-shosu-kuiki.mhlw", "reissue")).want(200, "日数の目安", "目安：20開庁日").lacks("費用はかかりません", "標準処理期間：20")
	v.get("/qualifications/nothing").want(404)
	// what the answers decide is told from least to most, and paper has its own price
	v.get("/qualifications/kaigishi").want(200, "2,100円〜15,000円（申請の内容による）")
	v.get("/procedures/kaigishi.mlit/registration").want(200, "2,100円〜15,000円", "申請の内容によって金額が変わります", "資格「海技士」の手続")
	v.get("/procedures/kenchiku-kijun-hantei.mlit/registration").want(200, "5,000円〜25,000円", "0円〜15,000円").lacks("23,000円")
	v.get("/procedures/shiho-shiken.moj/registration").want(200, "要確認").lacks(">0円")
	// where nothing is open yet, a prefecture's way on paper is two links away
	v.get("/qualifications/shoman-shiteii").want(200, `href="/qualifications/shoman-shiteii/registration"`)
	v.get("/qualifications/shoman-shiteii/registration").want(200, `href="/procedures/shoman-shiteii.pref-41/registration"`, "紙での申請のしかた")
	v.get("/qualifications/shoman-shiteii/linking").want(200, "紙での手続はありません").lacks("紙での申請のしかた")
	v.get("/qualifications/ginoshi").want(200, "47機関がそれぞれ名簿を備えています", "検定職種", "未確認")
	v.get("/qualifications/jun-kangoshi").want(200, "41機関のうち2機関でオンライン受付中", "関西広域連合", "佐賀県")
}

// TestNothingDue: a case without fees is called free only where that was read.
func TestNothingDue(t *testing.T) {
	page := wordsIn(t, qualification.JA)
	for confidence, want := range map[qualification.Confidence]feeView{
		qualification.Confirmed:  {None: "費用はかかりません。", Source: "出典：見本法7条"},
		qualification.Unverified: {None: "ここで納める費用はありません。費用がかからないことを定めた法令は、確認できていません。", Source: "出典：見本法7条（この内容は未確認です）"},
		qualification.Unknown:    {None: "ここで納める費用はありません。費用がかからないことを定めた法令は、確認できていません。"},
	} {
		q := &qualification.Procedure{FeesFact: qualification.Fact{Source: "見本法7条", Confidence: confidence}}
		if got := documentFees(page, nil, q, &application.Document{}); got.None != want.None || got.Source != want.Source {
			t.Errorf("%s: %+v", confidence, got)
		}
	}
}

// TestRealState: what is said of the national system depends on the day of the reader, and is no promise once its year is over.
func TestRealState(t *testing.T) {
	page := wordsIn(t, qualification.JA)
	day := calendar.Date{Year: 2024, Month: time.August, Day: 6}
	for _, x := range []struct {
		rollout qualification.Rollout
		on      calendar.Date
		want    string
	}{
		{qualification.Rollout{Status: "in_use", FiscalYear: 2024, LiveFrom: day}, day, "国のシステムでは2024年（令和6年）8月6日から一部の手続が始まっています。"},
		{qualification.Rollout{Status: "in_use", FiscalYear: 2024}, day, "国のシステムでは、2024年度から一部の手続が始まっています。"},
		{qualification.Rollout{Status: "planned", FiscalYear: 2025}, calendar.Date{Year: 2026, Month: time.March, Day: 31}, "国のシステムでは2025年度の開始が予定されています。紙で申請してください。"},
		{qualification.Rollout{Status: "planned", FiscalYear: 2025}, calendar.Date{Year: 2026, Month: time.April, Day: 1}, "国の計画では2025年度の開始でしたが、始まったかどうかは確認できていません。紙で申請してください。"},
		{qualification.Rollout{Status: "planned"}, day, "国のシステムでも準備中で、開始日は公表されていません。紙で申請してください。"},
	} {
		page.Now = x.on.Time()
		if got := realState(page, x.rollout); got != x.want {
			t.Errorf("%+v on %s: %s, want %s", x.rollout, x.on, got, x.want)
		}
	}
}
