package ui_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/qualification"
)

func TestCommonWordingsAreComplete(t *testing.T) {
	c := uitest.Catalogue(t)
	uitest.CheckCatalogue(t, c, ".")
	uitest.CheckFaults(t, c)
	for _, v := range ui.Verdicts() {
		for _, key := range []string{"verdict." + string(v), "verdict." + string(v) + ".detail"} {
			if !c.Has(key) {
				t.Errorf("no wording %q", key)
			}
		}
	}
}

// tree is a catalogue of one file.
func tree(name, content string) fstest.MapFS {
	return fstest.MapFS{name: &fstest.MapFile{Data: []byte(content)}}
}

func TestCatalogueFindsMistakes(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"missing cell":         {"text.yaml", `a.b: {ja: "あ", en: "a"}`, `text.yaml: a.b has no cell "easy"`},
		"placeholders differ":  {"text.yaml", `a.b: {ja: "{0}と{1}", en: "{0}", easy: "{0}と {1}"}`, `placeholders of "en" are [{0}], of ja [{0} {1}]`},
		"japanese is missing":  {"text.ja.yaml", `a.b: {en: "a"}`, `a.b has no cell "ja"`},
		"console needs only":   {"text.ja.yaml", `a.b: {ja: "あ"}`, ``},
		"readings are no args": {"text.yaml", `a.b: {ja: "日", en: "day", easy: "{日|ひ}"}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(uitest.Catalogue(t, tree(c.file, c.text)).Problems(), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("problems are %q, want %q", got, c.want)
			}
		})
	}
}

func TestCatalogueRefusesWhatItCannotRead(t *testing.T) {
	for name, c := range map[string]struct {
		tree fstest.MapFS
		want string
	}{
		"duplicate of a common key": {tree("text.yaml", `layout.skip: {ja: "あ", en: "a", easy: "あ"}`), `key "layout.skip" is already in text/common.yaml`},
		"unknown language":          {tree("text.yaml", `a.b: {ja: "あ", fr: "a"}`), "field fr not found"},
		"duplicate in one file":     {tree("text.yaml", "a.b: {ja: あ}\na.b: {ja: い}"), "already defined"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ui.NewCatalogue(c.tree)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestWordings(t *testing.T) {
	c := uitest.Catalogue(t, tree("text.yaml", `
t.positional: {ja: "{0}を{1}円で", en: "{0} for {1} yen", easy: "{0}を {1}{円|えん}で"}
t.named: {ja: "{name}さん", en: "{name}", easy: "{name}さん"}
`))
	birth := calendar.Date{Year: 1990, Month: time.April, Day: 1}
	moment := time.Date(2026, 12, 3, 23, 0, 0, 0, time.UTC) // the 4th in Japan
	for name, check := range map[string]struct{ got, want string }{
		"positional":              {c.T(qualification.JA, "t.positional", "免許証", 9000), "免許証を9,000円で"},
		"english":                 {c.T(qualification.EN, "t.positional", "licence", int64(-1234567)), "licence for -1,234,567 yen"},
		"readings dropped":        {c.T(qualification.Easy, "t.positional", "a", 1), "aを 1円で"},
		"named":                   {c.T(qualification.JA, "t.named", ui.Args{"name": "髙橋"}), "髙橋さん"},
		"braces in an argument":   {c.T(qualification.JA, "t.named", ui.Args{"name": "{0}"}), "{0}さん"},
		"a text of a definition":  {c.T(qualification.EN, "t.named", ui.Args{"name": qualification.Text{JA: "看護師", EN: "nurse"}}), "nurse"},
		"a day":                   {c.T(qualification.JA, "layout.demo_date", birth), "デモの今日：1990年（平成2年）4月1日"},
		"a moment, as day in JST": {c.T(qualification.EN, "layout.demo_date", moment), "Today in the demo: 4 December 2026"},
		"unknown key":             {c.T(qualification.JA, "no.such"), "no.such"},
		"yen":                     {ui.YenText(qualification.JA, 9000), "9,000円"},
		"time":                    {ui.TimeText(qualification.JA, time.Date(2026, 11, 21, 18, 30, 0, 0, clock.JST)), "2026年（令和8年）11月21日 18:30"},
	} {
		if check.got != check.want {
			t.Errorf("%s: %q, want %q", name, check.got, check.want)
		}
	}
}

// Whatever stands in a value, it comes out once and as text: no markup, no reading of its own.
func TestArgumentsAreNeverMarkup(t *testing.T) {
	c := uitest.Catalogue(t, tree("text.yaml", `t.x: {ja: "[{0}]", en: "[{0}]", easy: "{日|ひ}[{0}]"}`))
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[a-z<>&"'{}|0-9漢]{0,12}`).Draw(t, "value")
		if got, want := c.T(qualification.Easy, "t.x", value), "日["+value+"]"; got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		html := rendered(t, ui.Words(c.R(qualification.Easy, "t.x", value)))
		if strings.Count(html, "<ruby>") != 1 || strings.Count(html, "<") != len([]string{"<span>", "<ruby>", "<rp>", "</rp>", "<rt>", "</rt>", "<rp>", "</rp>", "</ruby>", "</span>"}) {
			t.Fatalf("value %q made markup: %s", value, html)
		}
	})
}

func FuzzWords(f *testing.F) {
	f.Add("{漢字|かんじ}\ufff9a\ufffab\ufffb<b>")
	f.Add("\ufffb\ufff9\ufff9\ufffa")
	f.Add("\xef\ufff9\ufffb\xbf\xbb") // pieces that would join to one of ours
	f.Fuzz(func(t *testing.T, s string) {
		html := rendered(t, ui.Words(s))
		for _, tag := range []string{"<span>", "</span>", "<ruby>", "</ruby>", "<rt>", "</rt>", "<rp>", "</rp>", "<br>"} {
			html = strings.ReplaceAll(html, tag, "")
		}
		if strings.ContainsAny(html, "<>\ufff9\ufffa\ufffb") {
			t.Errorf("%q became %q", s, html)
		}
	})
}
