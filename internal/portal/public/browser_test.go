package public_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"akashi/internal/browser"
)

// look checks the open page at every width and leaves pictures in the directory that AKASHI_SHOTS names.
func look(t *testing.T, tab *browser.Tab, name string) {
	t.Helper()
	for _, width := range []int64{320, 390, 1280} {
		if got := tab.ScrollWidth(width); got > width {
			t.Errorf("%s needs %d of %d pixels: %v", name, got, width, tab.Overflowing())
		}
		if dir := os.Getenv("AKASHI_SHOTS"); dir != "" && width != 320 {
			tab.Screenshot(filepath.Join(dir, "public", name+"-"+strconv.FormatInt(width, 10)+".png"), width)
		}
		if width != 390 {
			tab.Axe()
		}
	}
}

// TestPagesInABrowser walks the portal as an employer does, looks at each page in each state, and finds it accessible.
func TestPagesInABrowser(t *testing.T) {
	s := start(t, plenty)
	tab := browser.New(t)
	for _, prefix := range []string{"", "/en", "/easy"} {
		for _, path := range []string{"/", "/keys", "/help", "/w/"} {
			tab.Open(s.URL + prefix + path)
			look(t, tab, strings.Trim(prefix, "/")+"page"+strings.ReplaceAll(path, "/", "-"))
		}
	}
	for prefix, press := range map[string]string{"": "検証する", "/en": "Check now", "/easy": "たしかめる"} {
		name := strings.Trim(prefix, "/")
		tab.Open(strings.Replace(s.Code, "/w/", prefix+"/w/", 1))
		look(t, tab, name+"scanned")
		tab.Press(press)
		if !tab.Has(`[data-verdict="valid"]`) {
			t.Fatalf("the press led to %s", tab.Text("main"))
		}
		look(t, tab, name+"valid")
		tab.Click(`[formaction$="/w/receipt"]`)
		look(t, tab, name+"receipt")
	}
	tab.Open(s.URL + "/")
	tab.Fill("checkdata", "これは違います")
	tab.Press("この内容を検証する")
	look(t, tab, "unreadable")
	tab.Wait(`document.activeElement.className === "ak-error-summary"`)
	for name, code := range map[string]string{"tampered": s.changed(t, "見本", "見木"), "unknown-issuer": s.changed(t, "mhlw-test", "mhlw-none")} {
		tab.Open(code)
		tab.Press("検証する")
		look(t, tab, name)
	}
	s.move(t, "suspended")
	tab.Open(s.Code)
	tab.Press("検証する")
	look(t, tab, "suspended")
	tab.Press("English")
	if !strings.Contains(tab.Text("main"), "Suspended") || tab.Path() != "/en/w/verify" {
		t.Errorf("in English: %s", tab.Text("main"))
	}
	s.move(t, "revoked")
	tab.Press("Check again")
	look(t, tab, "en-revoked")
	s.Verifier.DB.Pool.Close()
	tab.Press("Check again")
	look(t, tab, "en-cannot-tell")
}

// TestCodeBehindTheHash: the server never sees it before the press, the other languages keep it, and without scripts the
// page says what else to do.
func TestCodeBehindTheHash(t *testing.T) {
	s := start(t, plenty)
	hidden := strings.Replace(s.Code, "/w/?", "/w#", 1)
	tab := browser.New(t)
	tab.Open(hidden)
	if text := tab.Text("main"); !strings.Contains(text, "まだ検証していません") || strings.Contains(text, "含まれていません") {
		t.Errorf("the page says %s", text)
	}
	tab.Press("English")
	tab.Press("Check now")
	if !tab.Has(`[data-verdict="valid"]`) {
		t.Errorf("the press led to %s", tab.Text("main"))
	}
	plain := browser.New(t, browser.NoJS())
	plain.Open(hidden)
	if text := plain.Text("main"); strings.Contains(text, "まだ検証していません") || !strings.Contains(text, "含まれていません") {
		t.Errorf("without scripts the page says %s", text)
	}
	_, fragment, _ := strings.Cut(hidden, "#c=")
	plain.Fill("checkdata", fragment)
	plain.Press("この内容を検証する")
	if !plain.Has(`[data-verdict="valid"]`) {
		t.Errorf("pasting led to %s", plain.Text("main"))
	}
}

// TestWithoutScripts: a picture and the scanned address work with scripts switched off.
func TestWithoutScripts(t *testing.T) {
	s := start(t, plenty)
	file := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(file, picture(t, s.Code), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := browser.New(t, browser.NoJS())
	tab.Open(s.URL)
	tab.Upload("picture", file)
	tab.Press("ファイルを検証する")
	if !tab.Has(`[data-verdict="valid"]`) {
		t.Errorf("the picture led to %s", tab.Text("main"))
	}
	u, err := url.Parse(s.Code)
	if err != nil {
		t.Fatal(err)
	}
	tab.Open(s.URL + "/w/?" + u.RawQuery)
	tab.Press("検証する")
	if !tab.Has(`[data-verdict="valid"]`) {
		t.Errorf("the scan led to %s", tab.Text("main"))
	}
}
