package office

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// pageIn is a page without surroundings.
func pageIn(t testing.TB, lang qualification.Lang) *ui.Page {
	return &ui.Page{Site: uitest.Site(t, ui.Config{Catalogue: uitest.Catalogue(t, Text)}), Lang: lang}
}

func TestGlyphs(t *testing.T) {
	for _, c := range []struct{ a, b, left, right string }{
		{"見本　花子", "見本 花子", "    ", "    "},
		{"髙橋　花子", "高橋　花子", "x   ", "x   "},
		{"渡邉󠄂　花", "渡邉　花", " x ", " x "},
		{"王", "王　小明", " ", " xx"},
		{"", "花", "", "x"},
	} {
		left, right := glyphs(c.a, c.b)
		if marks(left) != c.left || marks(right) != c.right {
			t.Errorf("%s and %s: marked %q and %q, want %q and %q", c.a, c.b, marks(left), marks(right), c.left, c.right)
		}
	}
	left, _ := glyphs("邉󠄂", "辺")
	if got := left[0].Code; got != "U+9089 U+E0102" {
		t.Errorf("code points are %q", got)
	}
}

func marks(glyphs []glyph) string {
	out := ""
	for _, g := range glyphs {
		if g.Other {
			out += "x"
		} else {
			out += " "
		}
	}
	return out
}

// TestGlyphsProperties: what is left unmarked is the same in both names, and a name has nothing to mark against itself.
func TestGlyphsProperties(t *testing.T) {
	name := rapid.StringMatching(`[髙高橋花子見本邉]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		left, right := glyphs(a, b)
		if same(left) != same(right) {
			t.Fatalf("%s and %s keep %q and %q", a, b, same(left), same(right))
		}
		if l, _ := glyphs(a, a); same(l) != a {
			t.Fatalf("%s against itself keeps %q", a, same(l))
		}
	})
}

func same(glyphs []glyph) string {
	out := ""
	for _, g := range glyphs {
		if !g.Other {
			out += g.Char
		}
	}
	return out
}

func TestUrgency(t *testing.T) {
	page := pageIn(t, qualification.JA)
	today := calendar.Date{Year: 2026, Month: 12, Day: 1} // a Tuesday
	for _, c := range []struct {
		days int
		work string
		want string
		left string
	}{
		{-1, application.WorkTaken, "overdue", "1開庁日超過"},
		{0, application.WorkTaken, "soon", "本日まで"},
		{3, application.WorkOpen, "soon", "あと3開庁日"},
		{5, application.WorkOpen, "soon", "あと3開庁日"}, // Sunday: three business days are left
		{6, application.WorkOpen, "later", "あと4開庁日"},
		{-9, application.WorkWaiting, "waiting", "6開庁日超過"},
	} {
		due := today.AddDays(c.days)
		if got := urgency(review.Row{Due: due, WorkState: c.work}, today); got != c.want {
			t.Errorf("due in %d days and %s: %s, want %s", c.days, c.work, got, c.want)
		}
		if got := left(page, today, due); got != c.left {
			t.Errorf("due in %d days: %s, want %s", c.days, got, c.left)
		}
	}
	if got := urgency(review.Row{Due: today.AddDays(4)}, today.AddDays(-1)); got != "week" {
		t.Errorf("Saturday seen from Monday is %s, want week", got)
	}
}

// TestInboxAddress: an address leads to the same question again, and whatever else stands there is left out.
func TestInboxAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := inboxQuery{
			Show: rapid.SampledFrom([]string{showMine, showOpen, showTaken, showWaiting, showAll}).Draw(t, "show"),
			Step: rapid.SampledFrom([]string{"", application.StepReview, application.StepApproval}).Draw(t, "step"),
			Per:  rapid.SampledFrom(pageSizes).Draw(t, "per"), Qualification: rapid.SampledFrom([]string{"", "kangoshi"}).Draw(t, "qualification"),
		}
		row := review.Row{Due: calendar.Date{Year: 2026, Month: 12, Day: rapid.IntRange(1, 31).Draw(t, "day")}, OpenedAt: time.Unix(0, rapid.Int64Range(0, 1<<60).Draw(t, "at")).UTC(), WorkID: uuid.New()}
		u, err := url.Parse(f.path(func(q *inboxQuery) { q.After = &row }))
		if err != nil {
			t.Fatal(err)
		}
		got := readInboxQuery(u.Query())
		if got.Show != f.Show || got.Step != f.Step || got.Per != f.Per || got.Qualification != f.Qualification {
			t.Fatalf("%+v became %+v", f, got)
		}
		if got.After == nil || got.After.Due != row.Due || !got.After.OpenedAt.Equal(row.OpenedAt) || got.After.WorkID != row.WorkID {
			t.Fatalf("%+v became %+v", row, got.After)
		}
	})
	if got := readInboxQuery(url.Values{"show": {"x"}, "step": {"y"}, "per": {"7"}, "after": {"!"}}); got != (inboxQuery{Show: showMine, Per: 25}) {
		t.Errorf("nonsense became %+v", got)
	}
}

func TestAuditAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := audit.Cursor{At: time.Unix(0, rapid.Int64Range(0, 1<<60).Draw(t, "at")).UTC(), ID: uuid.New()}
		got := readCursor(writeCursor(at))
		if got == nil || !got.At.Equal(at.At) || got.ID != at.ID {
			t.Fatalf("%v became %v", at, got)
		}
	})
	for _, s := range []string{"", "x", "AAAA", writeCursor(audit.Cursor{})[:20]} {
		if got := readCursor(s); got != nil {
			t.Errorf("%q became %v", s, got)
		}
	}
	if got := readAuditQuery(url.Values{"act": {"no.act"}, "staff": {"me"}}); got != (auditQuery{}) {
		t.Errorf("nonsense became %+v", got)
	}
}

func TestOneSearchBox(t *testing.T) {
	for words, want := range map[string]string{"12": "number", "第１２３号": "number", "みほん": "kana", "ミホン　ハナコ": "kana", "ﾐﾎﾝ": "kana", "見本": "name",
		"見本 はなこ": "name", "第三 太郎": "name", "A-12": "number", "SMITH": "name"} {
		q, err := searchForm{Words: words}.query()
		if err != nil {
			t.Fatal(err)
		}
		got := "name"
		switch {
		case q.Number != "":
			got = "number"
		case q.Kana != "":
			got = "kana"
		}
		if got != want {
			t.Errorf("%s is taken for a %s, want a %s", words, got, want)
		}
	}
}

func TestMasks(t *testing.T) {
	for full, want := range map[string]string{"見本　花子": "見○　花○", "王": "王", "邉󠄂　𠮷乃": "邉󠄂　𠮷○", "": ""} {
		if got := maskedName(full); got != want {
			t.Errorf("%s is shown as %s, want %s", full, got, want)
		}
	}
	if got := maskedBirth(pageIn(t, qualification.JA), "unknown"); got != "" {
		t.Errorf("an unknown date is shown as %q", got)
	}
}

func TestValues(t *testing.T) {
	ja, en := pageIn(t, qualification.JA), pageIn(t, qualification.EN)
	options := []qualification.Option{{Value: "no", Label: qualification.Text{JA: "ない", EN: "No", Easy: "ない"}}}
	for _, c := range []struct {
		kind          qualification.FieldKind
		value, ja, en string
	}{
		{qualification.KindDate, "2003-04-12", "2003年（平成15年）4月12日", "12 April 2003"},
		{qualification.KindDate, "soon", "soon", "soon"},
		{qualification.KindYearMonth, "2026-03", "2026年（令和8年）3月", "March 2026"},
		{qualification.KindYearMonth, "2026-13", "2026-13", "2026-13"},
		{qualification.KindPrefecture, "13", "東京都", "Tokyo (東京都)"},
		{qualification.KindPrefecture, "77", "77", "77"},
		{qualification.KindCheckbox, "yes", "はい", "Yes"},
		{qualification.KindRadio, "no", "ない", "No"},
		{qualification.KindRadio, "maybe", "maybe", "maybe"},
		{qualification.KindText, "", "", ""},
	} {
		for lang, want := range map[*ui.Page]string{ja: c.ja, en: c.en} {
			if got := valueText(lang, c.kind, options, c.value); got != want {
				t.Errorf("%s %q in %s is %q, want %q", c.kind, c.value, lang.Lang, got, want)
			}
		}
	}
}

func TestSameNumber(t *testing.T) {
	for typed, want := range map[string]bool{"第１２号": true, " 12 ": true, "012": false, "": false, "号": false} {
		if got := sameNumber(typed, "12"); got != want {
			t.Errorf("%q for number 12: %t, want %t", typed, got, want)
		}
	}
}
