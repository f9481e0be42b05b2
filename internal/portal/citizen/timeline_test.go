package citizen

import (
	"slices"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/clock"
	"akashi/internal/credential"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/qualification"
	"akashi/internal/registry"
)

// wordsIn is a page's frame without a request.
func wordsIn(t *testing.T, lang qualification.Lang) *ui.Page {
	t.Helper()
	return &ui.Page{Site: uitest.Site(t, ui.Config{Catalogue: uitest.Catalogue(t, Text)}), Lang: lang}
}

func at(hour int) time.Time { return time.Date(2026, 12, 1, hour, 0, 0, 0, clock.JST) }

// caseIn is a case that was handed in and stands in a state.
func caseIn(state application.State) *application.Case {
	due, expires := calendar.Date{Year: 2027, Month: 2, Day: 2}, at(9).AddDate(0, 0, 30)
	c := &application.Case{PublicID: "KGMH-00000-00000-0", RegisterID: "kangoshi.mhlw", State: state}
	if state.Submitted() {
		c.DueOn = &due
	} else {
		c.ExpiresAt = &expires
	}
	return c
}

// TestWhoActsNext: every state says whose turn it is, in a sentence, with the day that counts for the reader.
func TestWhoActsNext(t *testing.T) {
	page := wordsIn(t, qualification.JA)
	correction := &application.Correction{DueOn: calendar.Date{Year: 2026, Month: 12, Day: 15}}
	for _, c := range []struct {
		state application.State
		mine  bool
		over  bool
		says  string
		due   string // of the box on top, beside the sentence
		link  string
	}{
		{application.Draft, true, false, "申請書を完成させて、署名してください。2026年（令和8年）12月31日まで保存します。", "", ""},
		{application.Signing, true, false, "内容を確認して、署名してください。2026年（令和8年）12月31日まで保存します。", "", "/check"},
		{application.AwaitingPayment, true, false, "登録免許税・手数料を納めてください。納付が確認できると審査が始まります。", "", "/pay"},
		{application.InReview, false, false, "審査しています。2027年（令和9年）2月2日ごろまでに結果をお知らせする予定です。お待ちください。", "", "-"},
		{application.CorrectionRequested, true, false, "審査で訂正をお願いしています。求められた項目だけを直して、もう一度署名してください。", "2026-12-15", ""},
		{application.CorrectionSigning, true, false, "直した内容を確認して、署名してください。", "2026-12-15", "/check"},
		{application.Proposed, false, false, "審査が終わり、決裁をしています。2027年（令和9年）2月2日ごろまでに結果をお知らせする予定です。お待ちください。", "", "-"},
		{application.Registered, false, true, "手続は完了しました。", "", "-"},
		{application.Rejected, false, true, "申請どおりの登録はできませんでした。理由をご確認ください。", "", "-"},
		{application.Withdrawn, false, true, "申請は取り下げられました。", "", "-"},
		{application.Expired, false, true, "保存期限が過ぎたため、下書きは消去されました。", "", "-"},
	} {
		s := standingOf(caseIn(c.state), correction)
		if s.Mine != c.mine || s.Over != c.over || s.sentence(page) != c.says {
			t.Errorf("%s: mine %t, over %t, %q", c.state, s.Mine, s.Over, s.sentence(page))
		}
		want := casePath("KGMH-00000-00000-0") + c.link
		if c.link == "-" {
			want = ""
		}
		if s.Link != want {
			t.Errorf("%s leads to %q, want %q", c.state, s.Link, want)
		}
		next := s.next(page, ui.Link{})
		if (next == nil) != c.over {
			t.Errorf("%s: the box on top is %v", c.state, next)
		} else if next != nil && !next.Due.IsZero() != (c.due != "") {
			t.Errorf("%s: the box on top is due %v, want %q", c.state, next.Due, c.due)
		} else if c.due != "" && calendar.Of(next.Due).String() != c.due {
			t.Errorf("%s: the box on top is due %v, want %s", c.state, next.Due, c.due)
		}
	}
	if s := standingOf(caseIn(application.CorrectionRequested), nil); !s.Due.IsZero() {
		t.Errorf("a correction that is not known is due %v", s.Due)
	}
	undated := &application.Case{State: application.InReview}
	if got := standingOf(undated, nil).sentence(page); got != "審査しています。お待ちください。" {
		t.Errorf("without a day: %q", got)
	}
}

// lines writes a timeline as text: state, title.
func lines(events []ui.Event) (out []string) {
	for _, e := range events {
		out = append(out, string(e.State)+" "+ui.Plain(e.Title)+" "+ui.Plain(e.Who))
	}
	return out
}

func TestTimeline(t *testing.T) {
	page := wordsIn(t, qualification.JA)
	happened := []application.Event{{At: at(9), Kind: "started", Actor: "applicant"}, {At: at(10), Kind: "submitted", Actor: "applicant"},
		{At: at(11), Kind: "paid", Actor: "applicant"}, {At: at(12), Kind: "answered_family", Actor: "system"},
		{At: at(13), Kind: "correction_requested", Actor: "staff", Detail: map[string]string{"due": "2026-12-15"}},
		{At: at(14), Kind: "corrected", Actor: "applicant"}, {At: at(15), Kind: "proposed", Actor: "staff"}, {At: at(16), Kind: "sent_back", Actor: "staff"}}
	past := []string{"done 申請書を作り始めました あなた", "done 署名して申請しました あなた", "done 納付しました あなた", "done 戸籍の情報を照会しました 自動処理",
		"done 訂正のお願いがありました 厚生労働省", "done 訂正して、署名しました あなた"}
	now := at(17)
	held := &credential.Held{Entry: registry.Entry{RegisterID: "kangoshi.mhlw"}, Credential: &credential.Credential{}}
	signed := &credential.Held{Entry: registry.Entry{RegisterID: "kangoshi.mhlw"}, Credential: &credential.Credential{SignedAt: &now}}
	for _, c := range []struct {
		name   string
		state  application.State
		effect qualification.Effect
		fee    bool
		held   *credential.Held
		events int // how many have happened
		want   []string
	}{
		{"draft with a fee", application.Draft, qualification.EffectRegister, true, nil, 1,
			[]string{"now 申請書の作成と署名 あなた", "to_come 納付 ", "to_come 審査 ", "to_come 決裁・名簿への登録 ", "to_come デジタル資格者証の発行 "}},
		{"draft of a cancellation without a fee", application.Draft, qualification.EffectCancel, false, nil, 1,
			[]string{"now 申請書の作成と署名 あなた", "to_come 審査 ", "to_come 決裁・名簿への登録 "}},
		{"to be paid", application.AwaitingPayment, qualification.EffectRegister, true, nil, 2,
			[]string{"now 納付 あなた", "to_come 審査 ", "to_come 決裁・名簿への登録 ", "to_come デジタル資格者証の発行 "}},
		{"in review after a proposal that came back", application.InReview, qualification.EffectRegister, true, nil, 8,
			[]string{"now 審査 厚生労働省", "to_come 決裁・名簿への登録 ", "to_come デジタル資格者証の発行 "}},
		{"correction", application.CorrectionRequested, qualification.EffectRegister, true, nil, 5,
			[]string{"now 審査 あなた", "to_come 決裁・名簿への登録 ", "to_come デジタル資格者証の発行 "}},
		{"proposed", application.Proposed, qualification.EffectRegister, true, nil, 7, []string{"now 決裁・名簿への登録 厚生労働省", "to_come デジタル資格者証の発行 "}},
		{"registered, being signed", application.Registered, qualification.EffectRegister, true, held, 7, []string{"now デジタル資格者証を発行しています 自動処理"}},
		{"registered", application.Registered, qualification.EffectRegister, true, signed, 7, []string{"done デジタル資格者証を発行しました 自動処理"}},
		{"cancelled entry", application.Registered, qualification.EffectCancel, false, signed, 7, nil},
		{"withdrawn", application.Withdrawn, qualification.EffectRegister, true, nil, 3, nil},
	} {
		v := &application.View{Case: caseIn(c.state), Procedure: &qualification.Procedure{Effect: c.effect}, Events: happened[:c.events]}
		got := lines(story{View: v, Body: "厚生労働省", HasFee: c.fee, Held: c.held}.timeline(page))
		if want := slices.Concat(past[:min(c.events, len(past))], c.want); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, want)
		}
	}
}

// TestTimelineOnTheWay: who acts next is the body that has the case, and what it did stands under its name.
func TestTimelineOnTheWay(t *testing.T) {
	page := wordsIn(t, qualification.JA)
	c := caseIn(application.Forwarding)
	c.Route = []qualification.Route{{Step: "forward", Body: "pref-13"}, {Step: "review", Body: "mhlw"}}
	c.RegistrarID, c.BodyID = "mhlw", "pref-13"
	v := &application.View{Case: c, Procedure: &qualification.Procedure{Effect: qualification.EffectRegister}, Events: []application.Event{
		{At: at(10), Kind: "submitted", Actor: "applicant"},
		{At: at(11), Kind: "correction_requested", Actor: "staff", Detail: map[string]string{"due": "2026-12-15", "by": "pref-13"}},
		{At: at(12), Kind: "corrected", Actor: "applicant"}}}
	s := story{View: v, Body: "厚生労働省", Name: func(body string) string {
		return map[string]string{"pref-13": "東京都", "mhlw": "厚生労働省"}[body]
	}}
	want := []string{"done 署名して申請しました あなた", "done 訂正のお願いがありました 東京都", "done 訂正して、署名しました あなた", "now 経由機関の確認 東京都", "to_come 審査 ",
		"to_come 決裁・名簿への登録 ", "to_come デジタル資格者証の発行 "}
	if got := lines(s.timeline(page)); !slices.Equal(got, want) {
		t.Errorf("on its way:\ngot  %q\nwant %q", got, want)
	}
	c.State = application.CorrectionRequested
	if got := lines(s.timeline(page))[3]; got != "now 経由機関の確認 あなた" {
		t.Errorf("with a correction asked for on the way: %q", got)
	}
	c.State, c.BodyID, c.Stop = application.InReview, "mhlw", 1
	v.Events = append(v.Events, application.Event{At: at(13), Kind: "passed_on", Actor: "staff", Detail: map[string]string{"from": "pref-13", "to": "mhlw"}})
	events := s.timeline(page)
	if got := lines(events)[3:5]; !slices.Equal(got, []string{"done 確認が終わり、次の機関へ送られました 東京都", "now 審査 厚生労働省"}) || events[3].Body != "送付先：厚生労働省" {
		t.Errorf("passed on: %q, %q", got, events[3].Body)
	}
}

// TestTimelineDates: a correction names its day, the decision the day on which it is expected.
func TestTimelineDates(t *testing.T) {
	page := wordsIn(t, qualification.EN)
	v := &application.View{Case: caseIn(application.InReview), Procedure: &qualification.Procedure{Effect: qualification.EffectRegister},
		Events: []application.Event{{At: at(13), Kind: "correction_requested", Actor: "staff", Detail: map[string]string{"due": "2026-12-15"}}}}
	events := story{View: v, Body: "Ministry"}.timeline(page)
	if got := events[0].Body; got != "Due: 15 December 2026" {
		t.Errorf("the correction says %q", got)
	}
	if got := calendar.Of(events[2].Due).String(); got != "2027-02-02" {
		t.Errorf("the decision is expected on %s", got)
	}
}

func TestStatusOfACredential(t *testing.T) {
	page := wordsIn(t, qualification.JA)
	cat := casetest.Usual(t)
	for _, c := range []struct {
		entry      registry.State
		credential credential.State // "" for none
		want       string
		advice     bool
	}{
		{registry.Registered, credential.Valid, "valid", false}, {registry.Registered, credential.Intended, "making", false},
		{registry.Registered, "", "none", true}, {registry.Registered, credential.Suspended, "suspended", true},
		{registry.Registered, credential.Revoked, "revoked", true}, {registry.Suspended, credential.Valid, "suspended", true},
		{registry.Revoked, credential.Valid, "revoked", true}, {registry.Cancelled, credential.Revoked, "cancelled", true},
	} {
		h := credential.Held{Entry: registry.Entry{State: c.entry}}
		if c.credential != "" {
			h.Credential = &credential.Credential{State: c.credential}
		}
		key, _ := status(h, calendar.Of(page.Now))
		v, err := fillCredential(page, cat, h, "https://verify.example/")
		if err != nil || key != c.want || (v.Advice != "") != c.advice || v.QR != "" || v.Making != (c.want == "making") {
			t.Errorf("%s/%s: %s, advice %q, code %t, %v; want %s", c.entry, c.credential, key, v.Advice, v.QR != "", err, c.want)
		}
	}
}
