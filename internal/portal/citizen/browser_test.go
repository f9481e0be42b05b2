package citizen

import (
	"os"
	"path/filepath"
	"strings"
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
	for _, width := range []int64{1280, 320} {
		if got := l.tab.ScrollWidth(width); got > width {
			l.t.Errorf("%s needs %d of %d pixels: %v", name, got, width, l.tab.Overflowing())
		}
		if !l.plain {
			l.tab.Axe()
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

// TestPagesInTheBrowser walks the main job with a real browser and looks at every page on the way.
func TestPagesInTheBrowser(t *testing.T) {
	w := newWorld(t)
	w.Passer(t)
	l := browse(t, w)
	l.look("welcome", "/")
	l.look("qualifications", "/qualifications")
	l.look("choose", "/qualifications/jun-kangoshi/registration")
	l.look("procedure", "/procedures/kangoshi.mhlw/registration")
	l.press("はじめる（ログイン）")
	l.here("login")
	l.press("マイナンバーカードでログイン")
	l.here("start")
	l.press("申請書を作る")
	l.here("overview-draft")
	id := l.tab.Path()[len("/applications/"):]
	l.look("home-draft", "/")
	l.look("form-person", "/applications/"+id+"/form/person")
	l.look("form-kana", "/applications/"+id+"/form/kana")
	l.tab.Fill("name_kana.family", "見本")
	l.press("保存して次へ")
	l.here("form-error")
	w.nurse(t).fill(id)
	l.look("documents", "/applications/"+id+"/documents")
	l.look("overview-complete", "/applications/"+id)
	l.press("内容を確認する")
	l.here("check")
	l.press("この内容で署名へ進む")
	l.here("receipt")
	l.press("納付に進む")
	l.here("pay")
	l.look("withdraw", "/applications/"+id+"/withdraw")
	w.Pay(t, id)
	l.look("paid", "/applications/"+id+"/paid")
	w.Work(t)
	l.look("overview-review", "/applications/"+id)
	w.Propose(t, id)
	w.Approve(t, id)
	w.Work(t)
	l.look("overview-registered", "/applications/"+id)
	l.look("home", "/")
	l.look("credentials", "/credentials")
	l.tab.Click(".cz-cards a")
	l.here("credential")
	l.look("messages", "/messages")
	l.look("access", "/access-log")
	for _, path := range []string{"help", "about", "privacy", "accessibility", "card-check", "login/failed?reason=cancelled", "nowhere"} {
		l.look(strings.NewReplacer("?", "-", "/", "-", "=", "-").Replace(path), "/"+path)
	}
	l.look("en-credential", "/en"+credentialOf(t, w))
	l.look("easy-overview", "/easy/applications/"+id)
	l.look("easy-procedure", "/easy/procedures/kangoshi.mhlw/registration")
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
