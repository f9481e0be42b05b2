package qualification_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"akashi/internal/clock"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
)

// noon is a moment on a day in Japan.
func noon(t testing.TB, s string) time.Time { return day(t, s).Time().Add(12 * time.Hour) }

// official is what the card and the register say of the person in these tests.
func official() map[string]string {
	return map[string]string{
		"resident.name": "髙橋　花子", "resident.kana": "タカハシ　ハナコ", "resident.birth_date": "1999-05-01", "resident.sex": "2", "resident.address": "佐賀県佐賀市城内1丁目1-59",
		"entry.number": "1234567", "entry.registered_on": "2022-04-01", "entry.name": "田中　花子", "entry.domicile": "41",
	}
}

func factsOf(t testing.TB, d *qualification.Definition, on string) qualification.Facts {
	return qualification.Facts{Registrar: d.Registers[0].Registrar, Channel: qualification.ChannelOnline, On: noon(t, on), Official: officialOf(d)}
}

// officialOf adds what the register says of the choices that this qualification's entries hold, e.g. the kind of a licence.
func officialOf(d *qualification.Definition) map[string]string {
	all := official()
	for _, item := range d.Items {
		if len(item.Options) > 0 {
			all["entry."+item.ID] = item.Options[0].Value
		}
	}
	return all
}

// fill walks a form from front to back as a person does, and returns answers in which everything is in order.
func fill(rt *rapid.T, p *qualification.Procedure, f qualification.Facts) qualification.Answers {
	seed := rapid.Uint64().Draw(rt, "seed")
	a, err := qualtest.Fill(rand.New(rand.NewPCG(seed, 1)), p, f, nil)
	if err != nil {
		rt.Fatal(err)
	}
	return a
}

// spoil draws something that cannot stand in a field; false when anything can.
func spoil(rt *rapid.T, f *qualification.Field) (map[string]string, bool) {
	empty := map[string]string{}
	for _, input := range f.Inputs() {
		empty[input] = ""
	}
	with := func(input, value string) map[string]string {
		m := maps.Clone(empty)
		m[input] = value
		return m
	}
	var ways []map[string]string
	if f.Required {
		ways = append(ways, empty)
	}
	switch f.Kind {
	case qualification.KindKana:
		ways = append(ways, map[string]string{f.ID + ".family": "高橋", f.ID + ".given": "ハナコ"})
	case qualification.KindName:
		ways = append(ways, with(f.ID+".family", "山田"), with(f.ID+".given", strings.Repeat("子", 61)))
	case qualification.KindDate:
		ways = append(ways, map[string]string{f.ID + ".year": "2026", f.ID + ".month": "4", f.ID + ".day": "31"}, with(f.ID+".month", "13"))
	case qualification.KindYearMonth:
		ways = append(ways, map[string]string{f.ID + ".era": "heisei", f.ID + ".year": "31", f.ID + ".month": "6"}, with(f.ID+".year", "x"))
	case qualification.KindSelect, qualification.KindRadio, qualification.KindPrefecture:
		ways = append(ways, with(f.ID, "48"))
	case qualification.KindEmail:
		ways = append(ways, with(f.ID, "hanako@"))
	case qualification.KindTel, qualification.KindNumber, qualification.KindRegNumber, qualification.KindPostcode:
		ways = append(ways, with(f.ID, "あ"))
	case qualification.KindText, qualification.KindTextArea, qualification.KindAddress:
		ways = append(ways, with(f.ID, strings.Repeat("長", 2001)))
	}
	if len(ways) == 0 {
		return nil, false
	}
	return rapid.SampledFrom(ways).Draw(rt, "spoilt "+f.ID), true
}

// eachProcedure runs a test for every procedure of the repository and of the sample. Procedures are many and alike, so each
// is tried a few times only.
func eachProcedure(t *testing.T, test func(*testing.T, *qualification.Definition, *qualification.Procedure)) {
	checks := flag.Lookup("rapid.checks")
	usual := checks.Value.String()
	if err := checks.Value.Set("10"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := checks.Value.Set(usual); err != nil {
			t.Error(err)
		}
	})
	for _, d := range append(load(t).List(), sample(t)) {
		for i := range d.Procedures {
			t.Run(d.ID+"/"+d.Procedures[i].ID, func(t *testing.T) { test(t, d, &d.Procedures[i]) })
		}
	}
}

// TestValidAnswersValidate: whatever people type within reason, at whichever register and channel, is taken, and what it came to is
// taken again unchanged; it has its costs where it is offered, its documents, and a route through bodies that there are.
func TestValidAnswersValidate(t *testing.T) {
	eachProcedure(t, func(t *testing.T, d *qualification.Definition, p *qualification.Procedure) {
		rapid.Check(t, func(rt *rapid.T) {
			f := factsOf(t, d, "2026-12-01")
			register := rapid.SampledFrom(d.Registers).Draw(rt, "register")
			f.Registrar, f.Channel = register.Registrar, rapid.SampledFrom(p.Channels).Draw(rt, "channel")
			a := fill(rt, p, f)
			all, problems, err := p.ValidateAll(a, f)
			if err != nil || len(problems) > 0 {
				rt.Fatalf("%v %v", problems, err)
			}
			if !maps.Equal(all.Values, a.Values) {
				rt.Fatalf("page by page %v\nat once     %v", a.Values, all.Values)
			}
			f.Answers = all.Values
			offered := !register.Procedures[p.ID].Since(f.Channel).IsZero()
			lines, err := p.FeeLines(f)
			if err != nil && (offered || !unknownAmount(p)) {
				rt.Errorf("at %s, %s, offered: %t: %v", f.Registrar, f.Channel, offered, err)
			}
			spans, err := p.FeeSpans(qualification.Facts{Registrar: f.Registrar, Channel: f.Channel, On: f.On})
			if least, most := qualification.TotalSpan(spans); err == nil && d.ID != "sample" && (qualification.Total(lines) < least || qualification.Total(lines) > most) {
				rt.Errorf("%d yen are told to be %d to %d", qualification.Total(lines), least, most)
			}
			route, err := p.RouteFor(f)
			if err != nil || len(route) < 2 {
				rt.Errorf("route %v: %v", route, err)
			}
			for _, step := range route {
				if _, known := load(t).Registrar(step.Body); !known && d.ID != "sample" {
					rt.Errorf("a step of %v is at no registrar", route)
				}
			}
			if _, err := p.EvidenceFor(f); err != nil {
				rt.Error(err)
			}
		})
	})
}

// unknownAmount tells whether a procedure has a fee of which nobody knows the amount, at some register at least.
func unknownAmount(p *qualification.Procedure) bool {
	return slices.ContainsFunc(p.Fees, func(fee qualification.Fee) bool {
		return slices.ContainsFunc(fee.Rules, func(r qualification.FeeRule) bool { return r.Fact.Confidence == qualification.Unknown })
	})
}

// TestSpoiltAnswersAreRefused: one thing that cannot be is found at its field first, in three languages.
func TestSpoiltAnswersAreRefused(t *testing.T) {
	eachProcedure(t, func(t *testing.T, d *qualification.Definition, p *qualification.Procedure) {
		f := factsOf(t, d, "2026-12-01")
		rapid.Check(t, func(rt *rapid.T) {
			a := fill(rt, p, f)
			field := rapid.SampledFrom(answered(p, a)).Draw(rt, "field")
			spoilt, ok := spoil(rt, field)
			if !ok {
				rt.Skip("nothing spoils it")
			}
			maps.Copy(a.Raw, spoilt)
			_, problems, err := p.ValidateAll(a, f)
			if err != nil || len(problems) == 0 {
				rt.Fatalf("%v was taken for %s: %v", spoilt, field.ID, err)
			}
			// What a later page asks may depend on it, so that it can want something else, too; never the other way round.
			if first := problems[0]; first.Field != field.ID || !slices.Contains(field.Inputs(), first.Input) {
				rt.Errorf("%v for %s is blamed on %s (%s)", spoilt, field.ID, first.Field, first.Input)
			}
			for _, problem := range problems {
				checkSentence(rt, problem.Message)
			}
		})
	})
}

// answered lists the fields that a person typed, of the pages that were asked.
func answered(p *qualification.Procedure, a qualification.Answers) []*qualification.Field {
	var fields []*qualification.Field
	for i := range p.Groups {
		for j := range p.Groups[i].Fields {
			f := &p.Groups[i].Fields[j]
			if _, ok := a.Values[f.Keys()[0]]; ok && !f.Fixed {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

func checkSentence(rt *rapid.T, m qualification.Text) {
	ja, en, easy := m.In(qualification.JA), m.In(qualification.EN), m.In(qualification.Easy)
	if ja == "" || en == "" || easy == "" || strings.Contains(ja+en+easy, "{") {
		rt.Errorf("a sentence is not complete: %+v", m)
	}
	for _, word := range []string{"全角", "半角", "不正", "無効", "エラー"} {
		if strings.Contains(ja+easy, word) {
			rt.Errorf("%q speaks of %s", ja+easy, word)
		}
	}
}

// TestSentences holds the words to the style of the portals.
func TestSentences(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("registration")
	f := factsOf(t, d, "2026-12-01")
	for _, c := range []struct {
		group string
		raw   map[string]string
		input string
		want  qualification.Text
	}{
		{"kana", map[string]string{"name_kana.family": "高橋", "name_kana.given": "はなこ"}, "name_kana.family",
			qualification.Text{JA: "フリガナ（セイ）は、ひらがなかカタカナで入力してください", EN: "Enter reading of your name (family name) in hiragana or katakana", Easy: "名前の 読みかた（みょうじ）は ひらがな か カタカナで 書いてください"}},
		{"contact", map[string]string{"tel": ""}, "tel",
			qualification.Text{JA: "電話番号を入力してください", EN: "Enter telephone number", Easy: "電話の 番号を 書いてください"}},
		{"examination", map[string]string{"exam_passed_on.year": "2027", "exam_passed_on.month": "3", "exam_place": "41", "exam_number": "1"}, "exam_passed_on.year",
			qualification.Text{JA: "合格した年月は、今日までの日付を入力してください", EN: "Enter month of passing no later than today", Easy: "合格した 月は 今日までの 日を 書いてください"}},
		{"examination", map[string]string{"exam_passed_on.year": "2026", "exam_passed_on.month": "3", "exam_place": "99", "exam_number": "1"}, "exam_place",
			qualification.Text{JA: "受験地は、都道府県を選んでください", EN: "Select a prefecture for place of the examination", Easy: "試験を 受けた 県は 日本の 県を えらんでください"}},
		{"domicile", map[string]string{"domicile": "99"}, "nationality",
			qualification.Text{JA: "国籍を入力してください", EN: "Enter your nationality", Easy: "国籍を 書いてください"}},
		{"domicile", map[string]string{}, "domicile",
			qualification.Text{JA: "本籍地の都道府県を選んでください", EN: "Select prefecture of your family register", Easy: "本籍の 県を えらんでください"}},
	} {
		_, problems, err := p.Validate(p.Group(c.group), qualification.Answers{Raw: c.raw}, f)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(problems, func(p qualification.Problem) bool { return p.Input == c.input })
		if i < 0 {
			t.Errorf("%s %v: no problem at %s, got %+v", c.group, c.raw, c.input, problems)
			continue
		}
		got := qualification.Text{JA: problems[i].Message.In(qualification.JA), EN: problems[i].Message.In(qualification.EN), Easy: problems[i].Message.In(qualification.Easy)}
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.input, got, c.want)
		}
	}
}

func TestDateSentences(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("change")
	f := factsOf(t, d, "2026-12-01")
	for _, c := range []struct{ era, year, month, day, input, want string }{
		{"", "2026", "4", "31", "changed_on.day", "変わった日を確認してください。4月は30日までです"},
		{"showa", "64", "1", "8", "changed_on.year", "変わった日を確認してください。昭和は64年1月7日までです。平成元年1月8日ではありませんか"},
		{"", "2026", "12", "2", "changed_on.year", "変わった日は、今日までの日付を入力してください"},
		{"", "", "", "", "changed_on.year", "変わった日を入力してください"},
	} {
		raw := map[string]string{"changed_on.era": c.era, "changed_on.year": c.year, "changed_on.month": c.month, "changed_on.day": c.day, "cause": "marriage"}
		_, problems, err := p.Validate(p.Group("event"), qualification.Answers{Raw: raw}, f)
		if err != nil || len(problems) != 1 || problems[0].Message.JA != c.want {
			t.Errorf("%+v: got %+v (%v), want %s", c, problems, err, c.want)
			continue
		}
		if problems[0].Input != c.input {
			t.Errorf("%+v: at %s", c, problems[0].Input)
		}
	}
}

// TestFixedFields: what the browser sends for an official value is never believed; staff at a counter type it.
func TestFixedFields(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("registration")
	forged := qualification.Answers{Raw: map[string]string{"name.family": "偽名", "name.given": "太郎", "birth_date.year": "1900", "sex": "1"}}
	f := factsOf(t, d, "2026-12-01")
	got, problems, err := p.Validate(p.Group("person"), forged, f)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	want := map[string]string{"name.family": "髙橋", "name.given": "花子", "birth_date": "1999-05-01", "sex": "2"}
	if !maps.Equal(got.Values, want) {
		t.Errorf("got %v, want %v", got.Values, want)
	}
	f.Official = nil
	_, problems, err = p.Validate(p.Group("person"), forged, f)
	if err != nil || len(problems) != 3 || problems[0].Message.JA != "氏名をカードまたは名簿から読み取れませんでした。窓口に相談してください" {
		t.Errorf("without official values: %+v %v", problems, err)
	}
	f.Channel = qualification.ChannelCounter
	got, _, err = p.Validate(p.Group("person"), forged, f)
	if err != nil || got.Values["name.family"] != "偽名" {
		t.Errorf("at the counter: %v %v", got.Values, err)
	}
}

func TestPrefill(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("registration")
	f := factsOf(t, d, "2026-12-01")
	got := p.Prefill(p.Group("kana"), qualification.Answers{}, f)
	if got.Raw["name_kana.family"] != "タカハシ" || got.Raw["name_kana.given"] != "ハナコ" {
		t.Errorf("first visit: %v", got.Raw)
	}
	got = p.Prefill(p.Group("kana"), qualification.Answers{Raw: map[string]string{"name_kana.family": "", "name_kana.given": "x"}}, f)
	if got.Raw["name_kana.given"] != "x" || got.Raw["name_kana.family"] != "" {
		t.Errorf("what was typed was overwritten: %v", got.Raw)
	}
	f.Official["resident.name"] = "マリア"
	person, problems, err := p.Validate(p.Group("person"), p.Prefill(p.Group("person"), qualification.Answers{}, f), f)
	if err != nil || len(problems) > 0 || person.Values["name.family"] != "マリア" || person.Values["name.given"] != "" {
		t.Errorf("a name of one part: %v %v %v", person.Values, problems, err)
	}
	if items := p.ItemValues(person.Values); items["name"] != "マリア" {
		t.Errorf("items: %v", items)
	}
}

// TestChangeOfMind: an answer on a page that is not asked any more never reaches the signature.
func TestChangeOfMind(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("registration")
	f := factsOf(t, d, "2026-12-01")
	rapid.Check(t, func(rt *rapid.T) {
		a := fill(rt, p, f)
		a.Raw["fined"], a.Raw["misconduct"], a.Raw["penalty_details"] = "yes", "no", "道路交通法違反"
		yes, problems, err := p.ValidateAll(a, f)
		if err != nil || len(problems) > 0 || yes.Values["penalty_details"] == "" {
			rt.Fatalf("%v %v %v", yes.Values, problems, err)
		}
		yes.Raw["fined"] = "no"
		no, problems, err := p.ValidateAll(yes, f)
		if err != nil || len(problems) > 0 {
			rt.Fatal(problems, err)
		}
		if _, there := no.Values["penalty_details"]; there || no.Raw["penalty_details"] == "" {
			rt.Errorf("values %v, raw %v", no.Values, no.Raw)
		}
	})
}

// TestDelayPage: 30 days count from the day after the event (民法140条); on the 31st day the reason is asked.
func TestDelayPage(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("change")
	for on, want := range map[string]bool{"2026-05-01": false, "2026-05-31": false, "2026-06-01": true} {
		f := factsOf(t, d, on)
		f.Answers = map[string]string{"changed_on": "2026-05-01"}
		if got, err := p.Visible(p.Group("delay"), f); err != nil || got != want {
			t.Errorf("filing on %s: asked %v, want %v (%v)", on, got, want, err)
		}
	}
	f := factsOf(t, d, "2026-06-01")
	f.On = day(t, "2026-05-31").Time().Add(23*time.Hour + 59*time.Minute).In(time.UTC)
	f.Answers = map[string]string{"changed_on": "2026-05-01"}
	if got, err := p.Visible(p.Group("delay"), f); err != nil || got {
		t.Errorf("the last minute in %s: %v %v", clock.JST, got, err)
	}
}

func TestItemValues(t *testing.T) {
	p := definition(t, "kangoshi").Procedure("registration")
	got := p.ItemValues(map[string]string{
		"name.family": "髙橋", "name.given": "花子", "name_kana.family": "タカハシ", "name_kana.given": "ハナコ", "domicile": "41", "nationality": "", "tel": "0952242111",
	})
	want := map[string]string{"name": "髙橋　花子", "name_kana": "タカハシ　ハナコ", "domicile": "41", "nationality": ""}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestShow(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("registration")
	values := map[string]string{"name.family": "髙橋", "name.given": "花子", "birth_date": "2019-05-01", "exam_passed_on": "2019-05", "domicile": "01", "sex": "2", "address": "佐賀県"}
	for _, c := range []struct {
		field string
		lang  qualification.Lang
		want  string
	}{
		{"name", qualification.JA, "髙橋　花子"},
		{"birth_date", qualification.JA, "2019年（令和元年）5月1日"},
		{"birth_date", qualification.EN, "1 May 2019"},
		{"exam_passed_on", qualification.JA, "2019年（令和元年）5月"},
		{"exam_passed_on", qualification.EN, "May 2019"},
		{"exam_passed_on", qualification.Easy, "2019年5月"},
		{"domicile", qualification.EN, "Hokkaido"},
		{"domicile", qualification.Easy, "北海道"},
		{"sex", qualification.EN, "Female"},
		{"address", qualification.EN, "佐賀県"},
	} {
		if got := p.Field(c.field).Show(values, c.lang); got != c.want {
			t.Errorf("%s in %s: got %q, want %q", c.field, c.lang, got, c.want)
		}
	}
	if got := d.Item("sex").Show("1", qualification.JA); got != "男" {
		t.Errorf("item: %q", got)
	}
}

func TestReadings(t *testing.T) {
	text := qualification.Text{JA: "日", EN: "day", Easy: "{今日|きょう}は {あ} いい{日|ひ} {"}
	if got := text.In(qualification.Easy); got != "今日は {あ} いい日 {" {
		t.Errorf("got %q", got)
	}
	if got := text.Marked(qualification.Easy); got != text.Easy {
		t.Errorf("got %q", got)
	}
	if got := text.In("fr"); got != "日" {
		t.Errorf("an unknown language: %q", got)
	}
	for i, o := range definition(t, "kangoshi").Procedure("registration").Field("domicile").Choices()[:47] {
		if o.Value != fmt.Sprintf("%02d", i+1) || !strings.Contains(o.Label.Easy, "|") {
			t.Errorf("prefecture %d: %+v", i+1, o)
		}
	}
	for code, want := range map[string]string{"01": "{北海道|ほっかいどう}", "13": "{東京都|とうきょうと}", "41": "{佐賀県|さがけん}", "47": "{沖縄県|おきなわけん}"} {
		choices := definition(t, "kangoshi").Procedure("registration").Field("domicile").Choices()
		if i := slices.IndexFunc(choices, func(o qualification.Option) bool { return o.Value == code }); i < 0 || choices[i].Label.Easy != want {
			t.Errorf("prefecture %s is not read %s", code, want)
		}
	}
}
