package demo_test

import (
	"os"
	"path/filepath"
	"testing"

	"akashi/internal/browser"
	"akashi/internal/demo"
	"akashi/internal/portal/ui/uitest"
)

func TestWordings(t *testing.T) {
	uitest.CheckCatalogue(t, uitest.Catalogue(t, os.DirFS("text")), ".")
}

// The start page in a browser: accessible and within its width in three languages, one click to each role.
func TestStartPageInABrowser(t *testing.T) {
	d := start(t, demo.Config{DataDir: home(t)})
	defer stop(t, d)
	tab := browser.New(t)
	for _, lang := range []string{"ja", "en", "easy"} {
		prefix := map[string]string{"ja": "/", "en": "/en/", "easy": "/easy/"}[lang]
		tab.Open(d.URL(demo.StartPage) + prefix)
		tab.Axe()
		for _, width := range []int64{320, 390, 1280} {
			if got := tab.ScrollWidth(width); got > width {
				t.Errorf("%s needs %d pixels of %d: %v", prefix, got, width, tab.Overflowing())
			}
			if shots := os.Getenv("AKASHI_SHOTS"); shots != "" && width != 320 {
				tab.Screenshot(filepath.Join(shots, "start-"+lang+"-"+map[int64]string{390: "390", 1280: "1280"}[width]+".png"), width)
			}
		}
	}
	tab.Open(d.URL(demo.StartPage) + "/")
	tab.Press("看護師になる")
	if got := tab.URL(); got != d.URL(demo.CitizenPortal)+"/login?to=%2Fprocedures%2Fkangoshi.mhlw%2Fregistration" {
		t.Errorf("being the nurse leads to %s", got)
	}
	tab.Open(d.URL(demo.StartPage) + "/")
	tab.Press("審査担当になる")
	if got := tab.URL(); got != d.URL(demo.OfficePortal)+"/login" {
		t.Errorf("being the reviewer leads to %s", got)
	}
	tab.Open(d.URL(demo.StartPage) + "/")
	tab.Fill("day", "2026-11-01")
	tab.Press("日付を変える")
	tab.Axe()
	if got := tab.Text(".ak-error-summary a"); got == "" {
		t.Error("going back in time is not refused on the page")
	}
}
