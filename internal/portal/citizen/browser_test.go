package citizen

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"akashi/internal/application"
	"akashi/internal/browser"
	"akashi/internal/calendar"
)

// looker looks at pages as they are drawn: accessibility, width, and pictures of them when AKASHI_SHOTS names a directory.
type looker struct {
	t     *testing.T
	tab   *browser.Tab
	base  string
	shots string
	plain bool // scripts are off, so axe cannot run
}

// look opens a page and looks at it on a wide screen and on a narrow phone.
func (l *looker) look(name, path string) {
	l.t.Helper()
	if status := l.tab.Open(l.base + path); status >= 500 {
		l.t.Fatalf("%s answered %d", path, status)
	}
	l.here(name)
}

// here looks at the open page.
func (l *looker) here(name string) {
	l.t.Helper()
	widths := []int64{1280, 320}
	if l.tab.Width() == 320 {
		slices.Reverse(widths)
	}
	for _, width := range widths {
		if got := l.tab.ScrollWidth(width); got > width {
			l.t.Errorf("%s needs %d of %d pixels: %v", name, got, width, l.tab.Overflowing())
		}
		if width == 320 && !l.plain {
			l.tab.Axe() // on the narrow one, since package story does on the wide one
		}
	}
	if l.shots != "" && !l.plain {
		l.tab.Screenshot(filepath.Join(l.shots, name+"-1280.png"), 1280)
		l.tab.Screenshot(filepath.Join(l.shots, name+"-390.png"), 390)
	}
}

// press presses a button by its words on a wide screen.
func (l *looker) press(words string) {
	l.t.Helper()
	l.tab.SetWidth(1280)
	l.tab.Press(words)
}

func browse(t *testing.T, w *world, options ...browser.Option) *looker {
	t.Helper()
	w.ID.Direct = true
	return &looker{t: t, tab: browser.New(t, options...), base: w.Server.URL, shots: os.Getenv("AKASHI_SHOTS")}
}

// TestPagesBesideTheStory looks at the pages that the walks of package story do not come by.
func TestPagesBesideTheStory(t *testing.T) {
	w := newWorld(t)
	w.Passer(t)
	w.Registered(t)
	l := browse(t, w)
	l.look("qualifications-found", "/qualifications?q=%E3%83%9C%E3%82%A4%E3%83%A9%E3%83%BC")
	l.look("qualification", "/qualifications/ginoshi")
	l.look("login-failed", "/login/failed?reason=cancelled")
	l.look("nowhere", "/nowhere")
	l.look("login", "/procedures/kangoshi.mhlw/change/start")
	l.press("マイナンバーカードでログイン")
	l.here("start-change")
	pdf := credentialOf(t, w) + "/pdf"
	l.look("pdf", pdf)
	l.press("PDFを作る")
	w.Work(t)
	l.look("pdf-made", pdf)
	l.look("en-credential", "/en"+credentialOf(t, w))
}

func credentialOf(t *testing.T, w *world) string {
	t.Helper()
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) == 0 {
		t.Fatalf("the nurse holds nothing: %v", err)
	}
	return credentialPath(&held[0])
}

// TestCorrectionInTheBrowser answers a correction, with scripts and without.
func TestCorrectionInTheBrowser(t *testing.T) {
	t.Run("with scripts", func(t *testing.T) { correct(t, false) })
	t.Run("without scripts", func(t *testing.T) { correct(t, true, browser.NoJS()) })
}

func correct(t *testing.T, plain bool, options ...browser.Option) {
	w := newWorld(t)
	id := w.InReview(t)
	if err := w.Office.Take(t.Context(), w.Reviewer, id); err != nil {
		t.Fatal(err)
	}
	err := w.Office.RequestCorrection(t.Context(), w.Reviewer, id, []application.CorrectionItem{
		{Item: "name_kana", Reason: "kana-differs", Note: "戸籍に記載されている読み方は「ミホン ハルコ」です。確認してください。"},
		{Item: "evidence:medical_certificate", Reason: "document-unreadable", Note: "日付のところが暗くて読めません。"}}, calendar.AddBusinessDays(w.Today(), 10))
	if err != nil {
		t.Fatal(err)
	}
	l := browse(t, w, options...)
	l.plain = plain
	l.tab.Open(l.base + "/login?to=/")
	l.press("マイナンバーカードでログイン")
	l.here("home-correction")
	l.look("overview-correction", "/applications/"+id)
	l.press("訂正を始める")
	l.here("form-correction")
	l.tab.Fill("name_kana.given", "はるこ")
	l.press("保存して次へ")
	l.here("documents-correction")
	w.Upload(t, id, "medical_certificate")
	l.look("overview-corrected", "/applications/"+id)
	l.press("内容を確認する")
	l.here("check-correction")
	l.press("この内容で署名へ進む")
	l.here("receipt-correction")
	if s := w.stateOf(t, id); s != application.InReview {
		t.Errorf("after the correction the case is %s", s)
	}
}
