package office

import (
	"net/http"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/browser"
)

// hands counts what is pressed on a keyboard.
type hands struct {
	*gallery
	keys int
}

func (h *hands) press(keys string) {
	h.t.Helper()
	h.tab.Key(keys)
	h.keys++
}

// tabsTo presses the tabulator until an element that matches has the focus, and calls each on the way.
func (h *hands) tabsTo(css string, each func()) {
	h.t.Helper()
	for range 80 {
		h.press("\t")
		if browser.Eval[bool](h.tab, "document.activeElement.matches(`"+css+"`)") {
			return
		}
		each()
	}
	h.t.Fatalf("the tabulator does not reach %s from %s", css, h.tab.Path())
}

// enters presses Enter and waits for the page that it leads to.
func (h *hands) enters(path string) {
	h.t.Helper()
	h.tab.Enter()
	h.keys++
	if got := h.tab.Path(); !strings.Contains(got, path) {
		h.t.Fatalf("Enter leads to %s, not to %s", got, path)
	}
}

// TestAQueueByKeyboard: case after case is taken, settled and proposed by keys alone. The page after an act offers the next one, with how
// many are left, and a case begins with what is not settled.
func TestAQueueByKeyboard(t *testing.T) {
	const cases, most = 3, 45
	w := newWorld(t)
	var ids []string
	for range cases {
		ids = append(ids, w.InReview(t))
	}
	g := w.gallery(t)
	g.logIn("reviewer")
	h := &hands{gallery: g}
	g.tab.Press("次の審査案件を担当する")
	for i := range cases {
		h.keys = 0
		if got := h.tab.Attr(":focus", "href"); !strings.HasPrefix(got, "#check-") {
			t.Fatalf("a case that was taken begins at %s %q", h.tab.Focused(), got)
		}
		h.press("\r")
		h.tabsTo(`button[name=then][value=approve]`, func() {
			if browser.Eval[bool](h.tab, "document.activeElement.matches(`[data-open] input[type=radio]:not(:checked)`)") {
				h.press(" ")
			}
		})
		h.enters("/proposal")
		h.tabsTo(`main button[type=submit]`, func() {})
		h.enters("/")
		left := cases - 1 - i
		if left > 0 {
			if got := h.tab.Text(":focus"); !strings.Contains(got, "次の審査案件を担当する") || !strings.Contains(got, "残り"+itoa(left)+"件") {
				t.Fatalf("after %d cases %q has the focus", i+1, got)
			}
			h.enters("/cases/")
		}
		if left == 0 {
			if said := h.tab.Text("main"); !strings.HasPrefix(h.tab.Focused(), "body") || !strings.Contains(said, "受け取れる案件もありません") || strings.Contains(said, "残り") {
				t.Errorf("after the last case %q has the focus, and the page says: %s", h.tab.Focused(), said)
			}
		}
		if h.keys > most {
			t.Errorf("case %d took %d keys, more than %d", i+1, h.keys, most)
		}
		t.Logf("case %d: %d keys", i+1, h.keys)
	}
	for _, id := range ids {
		if s := w.state(t, id); s != application.Proposed {
			t.Errorf("the case %s is %s, want proposed", id, s)
		}
	}
	v := w.as(t, "reviewer")
	v.says(v.get("/"), http.StatusOK, "審査・未担当 0")
}
