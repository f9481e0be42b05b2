package office

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/browser"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/person"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// gallery looks at pages as a browser draws them.
type gallery struct {
	t     *testing.T
	w     *world
	tab   *browser.Tab
	shots string
}

func (w *world) gallery(t *testing.T) *gallery {
	return &gallery{t, w, browser.New(t), os.Getenv("AKASHI_SHOTS")}
}

// logIn logs in by pressing the buttons.
func (g *gallery) logIn(subject string) {
	g.t.Helper()
	g.w.login.set(func(l *login) { l.subject = subject })
	g.tab.Open(g.w.URL + "/login")
	g.tab.Submit()
}

// look checks a page: in English and plain Japanese, that nothing is wider than a telephone's window; in Japanese everything.
func (g *gallery) look(name, path string) {
	g.t.Helper()
	for _, prefix := range []string{"/en", "/easy", ""} {
		if status := g.tab.Open(g.w.URL + prefix + path); status >= http.StatusInternalServerError {
			g.t.Fatalf("%s%s answered %d", prefix, path, status)
		}
		if prefix == "" {
			g.check(name)
		} else {
			g.fits(name+strings.ReplaceAll(prefix, "/", "-"), 320)
		}
	}
}

// check looks at the page as it stands: nothing is wider than the window, and there is no violation of WCAG 2.2 AA that a
// program finds.
func (g *gallery) check(name string) {
	g.t.Helper()
	g.fits(name, 320, 390, 1440, 1280)
	g.tab.Axe()
}

// fits fails the test for what sticks out of the window. With AKASHI_SHOTS set it leaves pictures there.
func (g *gallery) fits(name string, widths ...int64) {
	g.t.Helper()
	for _, width := range widths {
		if got := g.tab.ScrollWidth(width); got > width {
			g.t.Errorf("%s needs %d of %d pixels: %v", name, got, width, g.tab.Overflowing())
		}
		if g.shots != "" && width != 1280 {
			g.tab.Screenshot(filepath.Join(g.shots, name+"-"+strconv.FormatInt(width, 10)+".png"), width)
		}
	}
}

// variants makes the registries answer with other characters than the card has, and a former domicile.
func variants(w *world) {
	c := casetest.Card()
	c.Name = person.Name{Family: "見夲", Given: "花子"}
	w.Answers.Set(application.Resident, application.Reply{Class: application.ResidentAlive, Record: application.Record(c), Source: "住基ネット 照会番号 JK-2026-000123", At: casetest.Start()})
	w.Answers.Set(application.Family, application.Reply{Class: application.FamilyDetermined, Record: map[string]string{"domicile": "41"}, Source: "戸籍情報連携システム 照会番号 KS-2026-000456", At: casetest.Start()})
}

// TestPagesOfADecision and the next look at what the walks of package story do not come by.
func TestPagesOfADecision(t *testing.T) {
	w := newWorld(t)
	variants(w)
	id := w.Proposed(t)
	if err := w.Office.AddNote(t.Context(), w.Reviewer, id, "字形の違いは戸籍の届出で確認しました。"); err != nil {
		t.Fatal(err)
	}
	g := w.gallery(t)
	g.logIn("approver")
	g.tab.Open(w.URL + "/")
	g.tab.Press("次の決裁案件を担当する")
	g.look("decision", "/cases/"+id+"/decision")
	g.look("case-deciding", "/cases/"+id)
	g.tab.Open(w.URL + "/cases/" + id + "/decision")
	g.tab.Press("差し戻す")
	g.check("decision-error")
	g.tab.Fill("comment", "確認しました")
	g.tab.Press("決裁する")
	g.check("step-up")
	g.tab.Submit()
	g.tab.Press("決裁する")
	g.check("inbox-after-decision")
	w.Work(t)
}

func TestPagesOfTheRegister(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	w.employ(t, "both", "兼任 六郎", true, "mhlw.register_keeper", "mhlw.auditor", "pref-41.reviewer", "sssc.register_keeper")
	e := w.entryOf(t)
	path := entryPath(e.RegisterID, e.ID.String())
	g := w.gallery(t)
	g.logIn("both")
	g.look("body", "/body")
	g.tab.Press("厚生労働省")
	g.look("entry-purpose", path)
	g.tab.Open(w.URL + "/register")
	g.tab.Submit()
	g.check("register-error")
	g.tab.FillAll("words", "ミホン", "purpose", "inquiry_by_holder")
	g.tab.Submit()
	g.look("results", "/register/results")
	for width, want := range map[int64]bool{390: false, 1280: true} { // the answer comes first, and the form beside it lies open
		g.tab.SetWidth(width)
		if open := browser.Eval[bool](g.tab, `document.querySelector(".of-search-form form").checkVisibility()`); open != want {
			t.Errorf("at %d pixels the form of a search that was answered is open: %t", width, open)
		}
	}
	g.tab.Open(w.URL + path + "/measures/revoke")
	g.tab.Submit()
	g.check("measure-error")
	if _, err := w.Office.ProposeMeasure(t.Context(), w.Keeper, measureOf(e, review.MeasureRevoke, "保健師助産師看護師法14条1項（罰金刑の確定）による処分")); err != nil {
		t.Fatal(err)
	}
	g.look("audit-one", "/audit?act=case.approve")
	g.look("not-found", "/no/such/page")
	g.tab.Forgive()
	m := w.gallery(t)
	m.logIn("approver")
	m.tab.Press("次の決裁案件を担当する")
	m.check("decision-measure")
	m.tab.Press("案件の全体を見る")
	m.check("case-measure")
}

// TestWithoutScripts: the main acts work in a browser that runs no scripts.
func TestWithoutScripts(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	tab := browser.New(t, browser.NoJS())
	w.login.set(func(l *login) { l.subject = "reviewer" })
	tab.Open(w.URL + "/cases/" + id)
	tab.Submit()
	tab.Press("担当する")
	for i := 0; i+1 < len(settled); i += 2 {
		tab.Fill(settled[i], settled[i+1])
	}
	tab.Press("承認へ回す")
	tab.Submit()
	if s := w.state(t, id); s != application.Proposed {
		t.Fatalf("the case is %s, want proposed", s)
	}
	w.login.set(func(l *login) { l.subject = "approver" })
	other := browser.New(t, browser.NoJS())
	other.Open(w.URL + "/login")
	other.Submit()
	other.Press("次の決裁案件を担当する")
	other.Press("決裁する")
	other.Submit() // the second factor
	other.Press("決裁する")
	if s := w.state(t, id); s != application.Registered {
		t.Fatalf("the case is %s, want registered", s)
	}
	if e := w.entryOf(t); e.State != registry.Registered || e.RegisteredOn != calendar.Of(w.Clock.Now()) {
		t.Errorf("the entry is %s since %s", e.State, e.RegisteredOn)
	}
}

// TestKeyboardReachesTheList: every control of the review can be reached by the keyboard, and nothing covers it.
func TestKeyboardReachesTheList(t *testing.T) {
	w := newWorld(t)
	id := w.InReview(t)
	g := w.gallery(t)
	g.logIn("reviewer")
	g.tab.Press("次の審査案件を担当する")
	stops := strings.Join(g.tab.TabStops(150), "\n")
	for _, want := range []string{"#f-note-medical", "button 保存", "button 却下案", "a 別のタブで拡大する"} {
		if !strings.Contains(stops, want) {
			t.Errorf("the keyboard does not reach %q on %s:\n%s", want, id, stops)
		}
	}
}
