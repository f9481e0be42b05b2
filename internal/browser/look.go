package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Screenshot writes the whole page at the given width as a PNG: the window is made as high as the page, so that what sticks
// to its edge does not cover the middle. The directory is made when it is missing.
func (tab *Tab) Screenshot(path string, width int64) {
	tab.t.Helper()
	tab.SetWidth(width)
	tab.SetSize(width, Eval[int64](tab, `document.fonts.ready.then(() => Math.max(document.documentElement.scrollHeight, innerHeight))`))
	defer tab.SetWidth(width)
	var image []byte
	tab.call("taking a screenshot", func(ctx context.Context) error {
		shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
		image = shot.Data
		return err
	})
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tab.t.Fatalf("making the directory of a screenshot: %v", err)
	}
	if err := os.WriteFile(path, image, 0o644); err != nil {
		tab.t.Fatalf("writing a screenshot: %v", err)
	}
}

// ScrollWidth is the width that the document needs in a window of the given width. It must not be larger (WCAG 1.4.10
// at 320).
func (tab *Tab) ScrollWidth(width int64) int64 {
	tab.t.Helper()
	tab.SetWidth(width)
	return Eval[int64](tab, `document.documentElement.scrollWidth`)
}

// Overflowing lists the elements that stick out of the window at the right side: the cause of a wrong ScrollWidth.
func (tab *Tab) Overflowing() []string {
	tab.t.Helper()
	return Eval[[]string](tab, `[...document.querySelectorAll("body *")].filter(el => el.getBoundingClientRect().right > innerWidth + 1 &&
		!el.closest("[role=region]")).map(el => el.tagName + "." + el.className + " " + Math.round(el.getBoundingClientRect().right)).slice(0, 20)`)
}

// Zoom enlarges all text to the given percentage (WCAG 1.4.4 at 200).
func (tab *Tab) Zoom(percent int) {
	tab.t.Helper()
	Eval[bool](tab, fmt.Sprintf(`(document.documentElement.style.fontSize = "%d%%", true)`, percent))
}

// Focused describes the element that has the focus: its id, or its tag and text.
func (tab *Tab) Focused() string {
	tab.t.Helper()
	return Eval[string](tab, `(el => !el ? "" : el.id ? "#" + el.id : el.tagName.toLowerCase() + " " + (el.innerText ?? "").trim().slice(0, 40))(document.activeElement)`)
}

// TabStops walks through the page by the tabulator key and describes every stop, at most limit. It fails the test for a
// stop whose focus cannot be seen or that something covers (WCAG 2.4.7, 2.4.11).
func (tab *Tab) TabStops(limit int) []string {
	tab.t.Helper()
	Eval[bool](tab, `(document.activeElement?.blur(), scrollTo(0, 0), true)`)
	var stops []string
	for range limit {
		tab.Key("\t")
		state := Eval[string](tab, `(el => {
			if (!el || el === document.body) return "";
			const style = getComputedStyle(el), box = el.getBoundingClientRect();
			if (style.outlineStyle === "none" && style.boxShadow === "none") return "!unseen " + el.outerHTML.slice(0, 120);
			const over = document.elementFromPoint(box.left + Math.min(box.width, innerWidth) / 2, box.top + Math.min(box.height, 20) / 2);
			if (over && over !== el && !el.contains(over) && !over.contains(el) && !over.closest("label")) return "!covered " + el.outerHTML.slice(0, 120);
			return "ok";
		})(document.activeElement)`)
		if state == "" {
			break
		}
		if strings.HasPrefix(state, "!") {
			tab.t.Errorf("keyboard focus: %s", state[1:])
		}
		stop := tab.Focused()
		if len(stops) > 1 && stop == stops[0] {
			break
		}
		stops = append(stops, stop)
	}
	return stops
}
