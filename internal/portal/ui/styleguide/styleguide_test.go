package styleguide_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akashi/internal/browser"
	"akashi/internal/clock"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/styleguide"
	"akashi/internal/portal/ui/uitest"
)

// serve starts a demo portal that has nothing but the style guide.
func serve(t *testing.T, audience ui.Audience) string {
	t.Helper()
	site := uitest.Site(t, ui.Config{
		Audience: audience, Demo: true, Clock: clock.Fixed(time.Date(2026, 12, 4, 9, 0, 0, 0, clock.JST)),
		LogoutPath: "/logout",
		Nav:        []ui.NavItem{{ID: "home", Key: "layout.about", Path: "/"}, {ID: "help", Key: "layout.help", Path: "/help"}},
	})
	mux := http.NewServeMux()
	mux.Handle(styleguide.Prefix, styleguide.Handler(site))
	mux.Handle("/", site.NotFound())
	server := httptest.NewServer(site.Wrap(mux))
	t.Cleanup(server.Close)
	return server.URL
}

// TestEveryComponentIsAccessible looks at every component in every state, language and width: no violation of WCAG 2.2
// AA that a program can find, nothing wider than the window. With AKASHI_SHOTS set, it leaves screenshots there.
func TestEveryComponentIsAccessible(t *testing.T) {
	shots := os.Getenv("AKASHI_SHOTS")
	for _, audience := range []ui.Audience{ui.Citizen, ui.Office} {
		origin := serve(t, audience)
		tab := browser.New(t)
		for _, prefix := range []string{"", "/en", "/easy"} {
			for _, page := range styleguide.Pages() {
				if audience == ui.Office && prefix != "" {
					continue
				}
				if status := tab.Open(origin + prefix + styleguide.Prefix + page); status != http.StatusOK {
					t.Fatalf("%s%s answered %d", prefix, page, status)
				}
				for _, width := range []int64{320, 390, 1280} {
					if got := tab.ScrollWidth(width); got > width {
						t.Errorf("%s%s needs %d of %d pixels: %v", prefix, page, got, width, tab.Overflowing())
					}
					if shots != "" && width != 320 {
						name := strings.Trim(prefix+"-"+page, "/-")
						tab.Screenshot(filepath.Join(shots, string(audience)+"-"+name+"-"+map[int64]string{390: "390", 1280: "1280"}[width]+".png"), width)
					}
					if width == 1280 || width == 320 && prefix == "" { // the narrow layout does not depend on the language
						tab.Axe()
					}
				}
			}
		}
	}
}

func TestErrorsTakeTheFocusAndLeadToTheInputs(t *testing.T) {
	origin := serve(t, ui.Citizen)
	for name, options := range map[string][]browser.Option{"with scripts": nil, "without scripts": {browser.NoJS()}} {
		t.Run(name, func(t *testing.T) {
			tab := browser.New(t, options...)
			tab.Open(origin + styleguide.Prefix + "errors")
			if !strings.HasPrefix(tab.Title(), "エラー：") {
				t.Errorf("title is %q, want it to begin with エラー：", tab.Title())
			}
			tab.Wait(`document.activeElement.className === "ak-error-summary"`)
			dead := browser.Eval[[]string](tab, `[...document.querySelectorAll(".ak-error-summary a")].filter(a => {
				const input = document.getElementById(a.hash.slice(1));
				return !input || !/INPUT|SELECT|TEXTAREA/.test(input.tagName);
			}).map(a => a.hash)`)
			if len(dead) > 0 {
				t.Errorf("links of the summary that lead to no input: %v", dead)
			}
			silent := browser.Eval[[]string](tab, `[...document.querySelectorAll(".ak-error-summary a")].filter(a => {
				const words = a.innerText.trim(), input = document.getElementById(a.hash.slice(1));
				const group = input.closest("fieldset");
				const ids = (input.getAttribute("aria-describedby") ?? "") + " " + (group?.getAttribute("aria-describedby") ?? "");
				return !ids.split(" ").some(id => document.getElementById(id)?.innerText.includes(words));
			}).map(a => a.hash)`)
			if len(silent) > 0 {
				t.Errorf("inputs that are not described by their message: %v", silent)
			}
		})
	}
}

func TestKeyboardReachesEverything(t *testing.T) {
	tab := browser.New(t)
	tab.Open(serve(t, ui.Citizen) + styleguide.Prefix + "form")
	stops := tab.TabStops(120)
	want := browser.Eval[int](tab, `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
		.filter(el => el.getClientRects().length && !(el.type === "radio" && el.name && el !== (document.querySelector("[name='" + el.name + "']:checked") ?? el))).length`)
	if len(stops) < want {
		t.Errorf("the keyboard reached %d of %d elements: %v", len(stops), want, stops)
	}
	if stops[0] != "a 本文へ移動" {
		t.Errorf("the first stop is %q, want the skip link", stops[0])
	}
}

func TestTextCanBeEnlarged(t *testing.T) {
	tab := browser.New(t)
	origin := serve(t, ui.Citizen)
	for _, page := range styleguide.Pages() {
		tab.Open(origin + styleguide.Prefix + page)
		tab.SetWidth(1280)
		tab.Zoom(200)
		if got := browser.Eval[int](tab, `document.documentElement.scrollWidth`); got > 1280 {
			t.Errorf("%s at 200%% needs %d pixels: %v", page, got, tab.Overflowing())
		}
	}
}

func TestSessionWarning(t *testing.T) {
	tab := browser.New(t)
	tab.Open(serve(t, ui.Citizen) + styleguide.Prefix + "form")
	if tab.Has("dialog[open]") {
		t.Fatal("the warning is open at once")
	}
	browser.Eval[bool](tab, `(s => { s.end = Date.now() + 150_000; s.look(); return true; })(document.querySelector("ak-session"))`)
	if got := tab.Text("dialog[open] [data-words]"); got != "操作がないため、あと3分でログアウトします。" {
		t.Errorf("the warning says %q", got)
	}
	tab.Axe()
	if shots := os.Getenv("AKASHI_SHOTS"); shots != "" {
		tab.Screenshot(filepath.Join(shots, "session-390.png"), 390)
	}
	browser.Eval[bool](tab, `(s => { s.end = Date.now() - 1; s.look(); return true; })(document.querySelector("ak-session"))`)
	if got := tab.Text("dialog[open] [data-words]"); !strings.HasPrefix(got, "ログアウトしました。") {
		t.Errorf("after the end it says %q", got)
	}
}
