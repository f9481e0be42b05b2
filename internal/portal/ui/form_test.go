package ui_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/qualification"
)

// drawn draws fields in Japanese.
func drawn(t *testing.T, v ui.FormView) string {
	t.Helper()
	p := uitest.Site(t, ui.Config{}).Page(httptest.NewRequest("GET", "/", nil), "layout.about")
	return rendered(t, ui.FormGroup(p, v))
}

func words(s string) qualification.Text { return qualification.Text{JA: s, EN: s, Easy: s} }

// The names of the inputs are the contract with package qualification, which reads them.
func TestInputNamesOfEveryKind(t *testing.T) {
	for kind, want := range map[qualification.FieldKind]string{
		qualification.KindText: "x", qualification.KindTextArea: "x", qualification.KindName: "x.family x.given x.single",
		qualification.KindKana: "x.family x.given x.single", qualification.KindRoman: "x.family x.given x.single",
		qualification.KindDate: "x.era x.year x.month x.day", qualification.KindYearMonth: "x.era x.year x.month",
		qualification.KindSelect: "x", qualification.KindRadio: "x x", qualification.KindCheckbox: "x", qualification.KindPrefecture: "x",
		qualification.KindNumber: "x", qualification.KindTel: "x", qualification.KindEmail: "x", qualification.KindPostcode: "x",
		qualification.KindAddress: "x", qualification.KindRegNumber: "x",
	} {
		f := qualification.Field{ID: "x", Kind: kind, Label: words("問い"), Options: []qualification.Option{{Value: "1"}, {Value: "2"}}}
		html := drawn(t, ui.FormView{Fields: []qualification.Field{f}})
		var names []string
		for _, m := range regexp.MustCompile(` name="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			names = append(names, m[1])
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: inputs %q, want %q", kind, got, want)
		}
		for _, never := range []string{"placeholder", "maxlength", " required", " disabled", " readonly", `type="number"`, "style="} {
			if strings.Contains(html, never) {
				t.Errorf("%s: the form has %q", kind, never)
			}
		}
		for _, id := range regexp.MustCompile(` aria-describedby="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			for _, one := range strings.Fields(id[1]) {
				if !strings.Contains(html, `id="`+one+`"`) {
					t.Errorf("%s: described by %q, which does not exist", kind, one)
				}
			}
		}
	}
}

func TestTypedValuesComeBack(t *testing.T) {
	fields := []qualification.Field{
		{ID: "name", Kind: qualification.KindName}, {ID: "born", Kind: qualification.KindDate, Prefill: "resident.birth_date"},
		{ID: "sex", Kind: qualification.KindRadio, Options: []qualification.Option{{Value: "1"}, {Value: "2"}}},
		{ID: "home", Kind: qualification.KindPrefecture, Domestic: true}, {ID: "ok", Kind: qualification.KindCheckbox}, {ID: "note", Kind: qualification.KindTextArea},
	}
	html := drawn(t, ui.FormView{Fields: fields, Raw: map[string]string{
		"name.family": "葛󠄀", "name.given": `"><script>`, "name.single": "yes", "born.era": "showa", "born.year": "６４", "sex": "2", "home": "41",
		"ok": "yes", "note": "</textarea><b>",
	}})
	for _, want := range []string{`value="葛󠄀"`, `value="&#34;&gt;&lt;script&gt;"`, `value="showa" selected`, `value="６４"`, `value="41" selected`,
		`name="ok" value="yes" checked`, `&lt;/textarea&gt;&lt;b&gt;`, `autocomplete="bday-year"`, `autocomplete="family-name"`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in %s", want, html)
		}
	}
	if strings.Count(html, " checked") != 3 {
		t.Errorf("%d boxes are checked, want 3", strings.Count(html, " checked"))
	}
	if strings.Contains(html, `value="99"`) {
		t.Error("a domestic prefecture offers a foreign nationality")
	}
}

func TestTheWrongPartOfADateIsMarked(t *testing.T) {
	fields := []qualification.Field{{ID: "born", Kind: qualification.KindDate, Label: words("生年月日")}}
	for input, marked := range map[string]string{"born.day": "f-born-day", "born": "f-born-year", "born.year": "f-born-year"} {
		html := drawn(t, ui.FormView{Fields: fields, Problems: []qualification.Problem{{Input: input, Field: "born", Message: words("4月は30日までです")}}})
		got := regexp.MustCompile(`id="([^"]+)"[^>]*aria-invalid="true"`).FindAllStringSubmatch(html, -1)
		if len(got) != 1 || got[0][1] != marked {
			t.Errorf("%s: marked %v, want %s", input, got, marked)
		}
		if strings.Count(html, "4月は30日までです") != 1 {
			t.Errorf("%s: the message stands there %d times", input, strings.Count(html, "4月は30日までです"))
		}
	}
}

func TestOfficialValuesAreText(t *testing.T) {
	f := qualification.Field{ID: "name", Kind: qualification.KindName, Fixed: true, Label: words("氏名")}
	html := drawn(t, ui.FormView{Fields: []qualification.Field{f}, Fixed: map[string]string{"name": "髙橋　花子"}, Sources: map[string]string{"name": "カードから"}})
	for _, want := range []string{"髙橋　花子", "カードから", "登録内容が違う場合"} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q in %s", want, html)
		}
	}
	if strings.Contains(html, "<input") {
		t.Error("an official value can be typed")
	}
}

func TestPrefectureNames(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	for path, want := range map[string]string{"/": "佐賀県", "/en/": "Saga (佐賀県)", "/easy/": "佐賀県（さがけん）"} {
		r := httptest.NewRequest("GET", path, nil)
		var got, abroad, wrong string
		answer(site, func(_ http.ResponseWriter, r *http.Request) error {
			p := site.Page(r, "layout.about")
			got, abroad, wrong = p.PrefectureName("41"), p.PrefectureName("99"), p.PrefectureName("48")
			return nil
		}, r)
		if got != want || abroad == "99" || wrong != "48" {
			t.Errorf("%s: %q, %q, %q", path, got, abroad, wrong)
		}
	}
}
