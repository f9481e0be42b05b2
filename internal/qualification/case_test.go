package qualification_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// TestFeesAgainstSources holds the amounts to the laws and pages that the definitions name.
func TestFeesAgainstSources(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		register, procedure, channel string
		want                         string // "id kind collector amount", one per line
		total                        int64
	}{
		{"kangoshi.mhlw", "registration", "online", "tax tax treasury 9000", 9000},
		{"kangoshi.mhlw", "change", "online", "tax tax treasury 1000", 1000},
		{"kangoshi.mhlw", "reissue", "counter", "reissue fee treasury 3100", 3100},
		{"kangoshi.mhlw", "cancellation", "online", "", 0},
		{"kangoshi.mhlw", "linking", "online", "", 0},
		{"jun-kangoshi.pref-41", "registration", "online", "licence fee pref-41 5600", 5600},
		{"jun-kangoshi.pref-41", "change", "online", "rewrite fee pref-41 3400", 3400},
		{"jun-kangoshi.pref-41", "reissue", "online", "reissue fee pref-41 4100", 4100},
		{"jun-kangoshi.pref-01", "registration", "online", "licence fee pref-01 6100", 6100},
		{"jun-kangoshi.pref-01", "change", "online", "rewrite fee pref-01 3800", 3800},
		{"jun-kangoshi.pref-01", "reissue", "online", "reissue fee pref-01 4800", 4800},
		{"shakai-fukushishi.sssc", "registration", "online", "tax tax treasury 15000\nregistration fee sssc 4050", 19050},
		{"shakai-fukushishi.sssc", "change", "online", "change fee sssc 500", 500},
		{"shakai-fukushishi.sssc", "reissue", "counter", "reissue fee sssc 1200", 1200},
	} {
		g, _ := c.Register(x.register)
		d, _ := c.Definition(g.Qualification)
		lines, err := d.Procedure(x.procedure).FeeLines(qualification.Facts{Registrar: g.Registrar, Channel: x.channel, On: noon(t, "2026-12-01")})
		if err != nil {
			t.Errorf("%s %s: %v", x.register, x.procedure, err)
			continue
		}
		if got := written(lines); got != x.want || qualification.Total(lines) != x.total {
			t.Errorf("%s %s: got %q, %d yen", x.register, x.procedure, got, qualification.Total(lines))
		}
	}
}

func written(lines []qualification.FeeLine) string {
	var out []string
	for _, l := range lines {
		out = append(out, strings.Join([]string{l.ID, string(l.Kind), l.Collector, strconv.FormatInt(l.Amount, 10)}, " "))
	}
	return strings.Join(out, "\n")
}

// TestUnverifiedAmountsSaySo: what was read for paper only is not passed off as the online amount.
func TestUnverifiedAmountsSaySo(t *testing.T) {
	for _, id := range []string{"kaigo-fukushishi", "shakai-fukushishi"} {
		d := definition(t, id)
		for channel, want := range map[string]qualification.Confidence{"online": qualification.Unverified, "counter": qualification.Confirmed} {
			f := factsOf(t, d, "2026-12-01")
			f.Channel = channel
			lines, err := d.Procedure("reissue").FeeLines(f)
			if err != nil || len(lines) != 1 || lines[0].Fact.Confidence != want {
				t.Errorf("%s, %s: %+v %v", id, channel, lines, err)
			}
		}
	}
}

// TestFeesOfTheSample: by channel, by day, by expression, and nothing due for an exemption.
func TestFeesOfTheSample(t *testing.T) {
	d := sample(t)
	p := d.Procedure("registration")
	for _, x := range []struct {
		grade, channel, on string
		want               int64
	}{
		{"1", "online", "2026-12-31", 900}, {"1", "online", "2027-01-01", 1000}, {"1", "counter", "2026-12-31", 1000},
		{"1", "online", "2027-03-31", 1000}, {"1", "online", "2027-04-01", 1100}, {"1", "counter", "2027-04-01", 1200},
		{"2", "online", "2026-12-31", 0}, {"", "counter", "2026-12-31", 1000},
	} {
		f := factsOf(t, d, x.on)
		f.Channel, f.Answers = x.channel, map[string]string{"grade": x.grade}
		lines, err := p.FeeLines(f)
		if err != nil || qualification.Total(lines) != x.want || (x.want == 0 && len(lines) > 0) {
			t.Errorf("%+v: %+v %v", x, lines, err)
		}
	}
	change := *definition(t, "jun-kangoshi").Procedure("change")
	change.Fees = slices.Clone(change.Fees)         // the definition is shared
	change.Fees[0].Rules = change.Fees[0].Rules[:2] // those of the two prefectures that are open
	if _, err := change.FeeLines(qualification.Facts{Registrar: "pref-13", Channel: "online"}); !errors.Is(err, fault.Internal) ||
		!strings.Contains(err.Error(), `no rule for registrar "pref-13", channel "online"`) {
		t.Errorf("a registrar without a register: %v", err)
	}
}

func TestRoutes(t *testing.T) {
	direct := []qualification.Route{{Step: "review", Body: "mhlw", Role: "reviewer"}, {Step: "approval", Body: "mhlw", Role: "approver"}}
	k := definition(t, "kangoshi")
	got, err := k.Procedure("registration").RouteFor(factsOf(t, k, "2026-12-01"))
	if err != nil || !slices.Equal(got, direct) {
		t.Errorf("kangoshi: %+v %v", got, err)
	}
	d := sample(t)
	p := d.Procedure("registration")
	f := factsOf(t, d, "2027-03-31")
	f.Channel, f.Answers = "counter", map[string]string{"office": "41"}
	got, err = p.RouteFor(f)
	if err != nil || len(got) != 4 || got[1] != (qualification.Route{Step: "forward", Body: "pref-41", Role: "intake"}) {
		t.Errorf("forwarded: %+v %v", got, err)
	}
	f.On = noon(t, "2027-04-01") // forwarding is abolished
	got, err = p.RouteFor(f)
	if err != nil || len(got) != 2 || got[0].Body != "ministry" {
		t.Errorf("after the switch: %+v %v", got, err)
	}
	f.On, f.Answers = noon(t, "2027-03-31"), map[string]string{"office": "41'; drop"}
	if _, err = p.RouteFor(f); !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "is no id") {
		t.Errorf("a body that cannot be: %v", err)
	}
}

func TestEvidence(t *testing.T) {
	d := definition(t, "kangoshi")
	for _, x := range []struct {
		name, procedure  string
		answers          map[string]string
		resident, family string
		want             string
	}{
		{"before the registries were asked", "registration", nil, "", "", "medical_certificate"},
		{"both answered", "registration", nil, "match_alive", "determined", "medical_certificate"},
		{"resident record not found", "registration", nil, "none", "determined", "resident_record medical_certificate"},
		{"address withheld", "registration", nil, "withheld", "determined", "medical_certificate"},
		{"a death is no matter of papers", "registration", nil, "match_deceased", "determined", "medical_certificate"},
		{"domicile cannot be told", "registration", nil, "match_alive", "partly_unknown_order", "family_register medical_certificate"},
		{"history before the computers", "registration", nil, "match_alive", "partly_unknown_before_computerisation", "family_register medical_certificate"},
		{"a class that is new to us", "registration", nil, "match_alive", "something_else", "family_register medical_certificate"},
		{"fined", "registration", map[string]string{"fined": "yes"}, "match_alive", "determined", "medical_certificate judgment"},
		{"foreign national", "change", map[string]string{"current_domicile": "99"}, "match_alive", "determined", "cause_document"},
		{"now foreign", "change", map[string]string{"current_domicile": "41", "domicile": "99"}, "match_alive", "determined", "cause_document"},
		{"linking", "linking", nil, "match_alive", "none", "family_register"},
	} {
		f := factsOf(t, d, "2026-12-01")
		f.Answers = x.answers
		f.Resident, f.Family = map[string]string{"class": x.resident}, map[string]string{"class": x.family}
		list, err := d.Procedure(x.procedure).EvidenceFor(f)
		var ids []string
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		if got := strings.Join(ids, " "); err != nil || got != x.want {
			t.Errorf("%s: got %q, want %q (%v)", x.name, got, x.want, err)
		}
	}
	if e := d.Procedure("registration").Document("medical_certificate"); e == nil || !e.Required || e.Fact.Confidence != qualification.Confirmed {
		t.Errorf("the physician's certificate: %+v", e)
	}
}

func TestCredentialFields(t *testing.T) {
	c := load(t)
	for id, want := range map[string]map[string]string{
		"kangoshi":          {"CN": "看護師", "IA": "厚生労働省", "IN": "厚生労働大臣", "DT": "0029", "CI": "kangoshi"},
		"jun-kangoshi":      {"CN": "准看護師", "IA": "関西広域連合", "IN": "関西広域連合長", "DT": "0022", "CI": "jun-kangoshi"},
		"shakai-fukushishi": {"CN": "社会福祉士", "IA": "公益財団法人社会福祉振興・試験センター", "IN": "公益財団法人社会福祉振興・試験センター", "DT": "0002", "CI": "shakai-fukushishi"},
	} {
		d, _ := c.Definition(id)
		g, _ := c.Registrar(d.Registers[0].Registrar)
		facts := qualification.CredentialFacts{
			Items: map[string]string{"name": "髙橋　花子", "birth_date": "1999-05-01"}, Number: d.FormatNumber(1234567, nil), RegisteredOn: day(t, "2026-12-01"),
			IssuedOn: day(t, "2026-12-02"), CredentialID: "KGMH-1", UserCode: "u", Registrar: g,
		}
		maps.Copy(want, map[string]string{"UN": "髙橋　花子", "UB": "1999-05-01", "RN": "1234567", "RD": "2026-12-01", "ID": "2026-12-02", "DN": "KGMH-1", "UC": "u"})
		got, err := d.CredentialFields(facts)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v (%v)", id, got, want, err)
		}
		facts.Items = map[string]string{"name": "髙橋　花子"}
		if _, err := d.CredentialFields(facts); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "UB (item.birth_date) has no value") {
			t.Errorf("%s without a birth date: %v", id, err)
		}
	}
}

func TestNumbersAndTerms(t *testing.T) {
	d := sample(t)
	if got := d.FormatNumber(42, nil); got != "第00042号" {
		t.Errorf("number: %q", got)
	}
	for grade, want := range map[string]string{"1": "2031-11-30", "2": ""} {
		got, err := d.ExpiresOn(map[string]string{"grade": grade}, day(t, "2026-12-01"))
		if err != nil || got.String() != want {
			t.Errorf("grade %s: ends on %s, want %s (%v)", grade, got, want, err)
		}
	}
	if got, err := definition(t, "kangoshi").ExpiresOn(nil, day(t, "2026-12-01")); err != nil || got != (calendar.Date{}) {
		t.Errorf("a licence for life ends on %s: %v", got, err)
	}
	got, err := d.CredentialFields(qualification.CredentialFacts{
		Items: map[string]string{"name": "髙橋"}, Number: "1", RegisteredOn: day(t, "2026-12-01"), IssuedOn: day(t, "2026-12-01"), CredentialID: "1",
		Registrar: &qualification.Registrar{Head: qualification.Text{JA: "知事"}},
	})
	if err != nil || got["UC"] != "fixed" || got["IN"] != "知事" {
		t.Errorf("literal and head of the registrar: %v %v", got, err)
	}
}

// TestConditionsAtTheirLimits: an expression that passed the file's check can still meet facts that it cannot take.
func TestConditionsAtTheirLimits(t *testing.T) {
	files := good(t)
	files["sample.yaml"] = []byte("extends: [bases/base.yaml]\nid: sample\nprocedures:\n  - id: registration\n    evidence:\n      - {id: photo, when: 'answers.postcode != \"\" && int(answers.postcode) > 5'}\n    fees:\n      - {id: fee, rules: [{amount: 'answers.postcode == \"\" ? 0 : int(answers.postcode)', fact: {source: 法, confidence: unverified}}]}\n")
	c, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := c.Definition("sample")
	p := d.Procedure("registration")
	f := factsOf(t, d, "2026-12-01")
	f.Answers = map[string]string{"postcode": "none"}
	if _, err := p.EvidenceFor(f); err == nil || !strings.Contains(err.Error(), `deciding on the document photo: evaluating`) {
		t.Errorf("no number: %v", err)
	}
	f.Answers = map[string]string{"postcode": "-5"}
	if _, err := p.FeeLines(f); err == nil || !strings.Contains(err.Error(), "-5 is negative") {
		t.Errorf("a negative amount: %v", err)
	}
}

// TestDefinitionsAreShared evaluates one definition from many goroutines at once; the race detector watches.
func TestDefinitionsAreShared(t *testing.T) {
	d := definition(t, "kangoshi")
	p := d.Procedure("change")
	var group errgroup.Group
	for i := range 16 {
		f := factsOf(t, d, "2026-12-01")
		f.Answers = map[string]string{"changed_on": "2026-01-01", "change_name": "yes", "current_domicile": strconv.Itoa(90 + i)}
		group.Go(func() error {
			pages, err := p.VisibleGroups(f)
			if err != nil {
				return err
			}
			if len(pages) != 6 {
				return fmt.Errorf("%d pages", len(pages))
			}
			list, err := p.EvidenceFor(f)
			if err == nil && len(list) == 1 != (f.Answers["current_domicile"] == "99") {
				err = fmt.Errorf("domicile %s: %d documents", f.Answers["current_domicile"], len(list))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// TestPaper: what the procedure says goes before what the definition says, and that before the registrar's usual way; a link is
// made by nobody on paper.
func TestPaper(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		id, procedure, want string
		none, own           bool
	}{
		{"gino-koshu", "registration", "登録教習機関から", true, true},
		{"gino-koshu", "change", "受講した登録教習機関", false, true},
		{"gino-koshu", "linking", "", true, false},
		{"kaigishi", "renewal", "最寄りの地方運輸局", false, true},
		{"kangoshi", "change", "保健所", false, false},
	} {
		d, _ := c.Definition(x.id)
		g, _ := c.Registrar(d.Registers[0].Registrar)
		got := d.Paper(d.Procedure(x.procedure), g)
		if !strings.Contains(got.Text.JA, x.want) || got.None != x.none || (got.Fact.Source != "") != x.own {
			t.Errorf("%s %s: %+v", x.id, x.procedure, got)
		}
	}
}

// TestFeeSpans: least and most of what can be due whatever is answered, by channel; what nobody knows is no number.
func TestFeeSpans(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		register, procedure, channel string
		least, most                  int64
	}{
		{"kangoshi.mhlw", "registration", "online", 9000, 9000},
		{"kaigishi.mlit", "registration", "online", 2100, 15000},
		{"kogata-senpaku-sojushi.mlit", "registration", "counter", 1500, 2000},
		{"kenchiku-kijun-hantei.mlit", "registration", "online", 5000, 23000},
		{"kenchiku-kijun-hantei.mlit", "registration", "counter", 5000, 25000},
		{"jun-kangoshi.pref-41", "registration", "online", 5600, 5600},
		{"kangoshi.mhlw", "linking", "online", 0, 0},
	} {
		g, _ := c.Register(x.register)
		d, _ := c.Definition(g.Qualification)
		spans, err := d.Procedure(x.procedure).FeeSpans(qualification.Facts{Registrar: g.Registrar, Channel: x.channel, On: noon(t, "2026-12-01")})
		if least, most := qualification.TotalSpan(spans); err != nil || least != x.least || most != x.most {
			t.Errorf("%+v: %d to %d yen (%v)", x, least, most, err)
		}
	}
	d := *definition(t, "kangoshi").Procedure("registration")
	d.Fees = []qualification.Fee{{ID: "tax", Rules: []qualification.FeeRule{{Fact: qualification.Fact{Source: "x", Confidence: qualification.Unknown}}}}}
	if _, err := d.FeeSpans(qualification.Facts{Registrar: "mhlw", Channel: "online", On: noon(t, "2026-12-01")}); !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "the amount of tax is not known") {
		t.Errorf("an amount that nobody knows: %v", err)
	}
}
