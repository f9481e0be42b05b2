package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Patience is how long one step may take. It bounds a hanging test and measures nothing, so it is far above what a step takes
// on a busy machine.
const Patience = 2 * time.Minute

// Tab is one page of one visitor.
type Tab struct {
	t      testing.TB
	ctx    context.Context
	plain  bool // the visitor has switched scripts off
	axe    bool // its documents bring axe-core with them
	status int64

	width, height int64 // of the window

	mu       sync.Mutex
	problems []string
}

// Cookie is a cookie that the visitor's browser keeps for the open page.
type Cookie struct {
	Name, Value, Domain, Path, SameSite string
	HTTPOnly, Secure                    bool
}

// Option changes how a tab starts.
type Option func(*Tab)

// NoJS switches scripts off, as some visitors do.
func NoJS() Option {
	return func(tab *Tab) {
		tab.plain = true
		tab.setScripts(false)
	}
}

// setScripts switches the page's scripts on or off. Those of a page that was loaded without them do not start later.
func (tab *Tab) setScripts(on bool) {
	tab.t.Helper()
	tab.call("switching scripts", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// Width sets the width of the window in CSS pixels; 1280 when not given.
func Width(pixels int64) Option { return func(tab *Tab) { tab.SetWidth(pixels) } }

// New opens a tab in a browser context of its own: nothing is shared with other tabs of New. It is closed when the test
// ends.
func New(t testing.TB, options ...Option) *Tab {
	t.Helper()
	return open(t, process(t), []chromedp.ContextOption{chromedp.WithNewBrowserContext()}, options)
}

// Another opens a second tab of the same visitor, with the same cookies.
func (tab *Tab) Another(options ...Option) *Tab {
	tab.t.Helper()
	return open(tab.t, tab.ctx, nil, options)
}

func open(t testing.TB, parent context.Context, how []chromedp.ContextOption, options []Option) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, how...)
	tab := &Tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		cancel()
		for _, problem := range tab.Problems() {
			t.Errorf("the page reported: %s", problem)
		}
	})
	tab.call("opening a tab", func(ctx context.Context) error {
		if err := chromedp.Do(tab.ctx); err != nil {
			return err
		}
		return chromedp.Listen(tab.ctx, tab.listen)
	})
	tab.SetWidth(1280)
	for _, option := range options {
		option(tab)
	}
	return tab
}

// listen collects what a page must not do: break the security policy, throw errors. It also keeps the status of the
// document.
func (tab *Tab) listen(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			tab.problems = append(tab.problems, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		tab.problems = append(tab.problems, e.ExceptionDetails.Text)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			tab.status = e.Response.Status
		}
	}
}

// Problems lists what the pages opened so far reported: violations of the security policy, uncaught errors.
func (tab *Tab) Problems() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.problems)
}

// Forgive forgets the reported problems, for tests that provoke them.
func (tab *Tab) Forgive() {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.problems = nil
}

// call runs f within the patience of one step and fails the test on an error.
func (tab *Tab) call(doing string, f func(context.Context) error) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	if err := f(ctx); err != nil {
		tab.t.Fatalf("%s: %v%s", doing, err, tab.where())
	}
}

// where describes the open page for a failure message.
func (tab *Tab) where() string {
	ctx, cancel := context.WithTimeout(tab.ctx, 3*time.Second)
	defer cancel()
	words, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`location.href + "\n" + document.title + "\n" + (document.querySelector("main")?.innerText ?? document.body?.innerText ?? "").slice(0, 800)`))
	if err != nil {
		return ""
	}
	return "\non the page " + words
}

// Eval runs an expression in the page and returns its value.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	var value T
	tab.call("evaluating "+expression, func(ctx context.Context) (err error) {
		value, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		return err
	})
	return value
}

// Open goes to an address and returns the status of the answer.
func (tab *Tab) Open(url string) int {
	tab.t.Helper()
	tab.call("opening "+url, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Navigate(url)) })
	return tab.Status()
}

// Status is the HTTP status of the open document.
func (tab *Tab) Status() int {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return int(tab.status)
}

// Back goes back in the history.
func (tab *Tab) Back() {
	tab.t.Helper()
	tab.call("going back", func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.NavigateBack()) })
}

// Reload loads the page again.
func (tab *Tab) Reload() {
	tab.t.Helper()
	tab.call("loading the page again", func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Reload()) })
}

// leads tells whether clicking an element goes to another page: a link that is not a fragment of this page, or a button
// that submits a form.
const leads = `(el => {
	const link = el.closest("a[href]");
	if (link) return !link.hasAttribute("download") && link.href.split("#")[0] !== location.href.split("#")[0];
	const button = el.closest("button, input[type=submit]");
	return !!button && button.type === "submit" && !!button.form;
})`

// Click clicks the first element that matches the selector. When that leads to another page, it waits until the page is
// loaded.
func (tab *Tab) Click(css string) {
	tab.t.Helper()
	if !tab.Has(css) {
		tab.t.Fatalf("clicking %s: no such element%s", css, tab.where())
	}
	click := chromedp.Click(chromedp.CSS(css))
	if Eval[bool](tab, fmt.Sprintf(`%s(document.querySelector(%q))`, leads, css)) {
		tab.call("clicking "+css, func(ctx context.Context) error {
			_, err := chromedp.Run(ctx, chromedp.WaitEvent(page.LoadEventFired, nil, click))
			return err
		})
		return
	}
	tab.call("clicking "+css, func(ctx context.Context) error { return chromedp.Do(ctx, click) })
}

// Leave clicks the first element that matches and waits for the page to which a script leads in the end.
func (tab *Tab) Leave(css string) {
	tab.t.Helper()
	tab.call("leaving by "+css, func(ctx context.Context) error {
		_, err := chromedp.Run(ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(chromedp.CSS(css))))
		return err
	})
}

// pressed marks the element that Press found, so that Click can address it.
const pressed = "data-test-pressed"

// Press clicks the button or link with the visible text, as a person would find it: the exact text first, then one that
// contains it. Content comes before header and footer.
func (tab *Tab) Press(text string) {
	tab.t.Helper()
	found := Eval[bool](tab, fmt.Sprintf(`(want => {
		document.querySelectorAll("[%[1]s]").forEach(el => el.removeAttribute("%[1]s"));
		const words = el => el.innerText.replace(/\s+/g, " ").trim();
		const all = [...document.querySelectorAll("main button, main a[href], main summary, dialog[open] button"),
			...document.querySelectorAll("button, a[href]")].filter(el => el.getClientRects().length);
		const el = all.find(el => words(el) === want) ?? all.find(el => words(el).includes(want));
		el?.setAttribute("%[1]s", "");
		return !!el;
	})(%[2]q)`, pressed, text))
	if !found {
		tab.t.Fatalf("pressing %q: no such button or link%s", text, tab.where())
	}
	tab.Click("[" + pressed + "]")
}

// Submit presses the first submit button of the content's form that has no name of its own.
func (tab *Tab) Submit() {
	tab.t.Helper()
	tab.Click("main form button[type=submit]:not([name])")
}

// Fill enters a value into the input with the name: text, the value of an option, radio button or checkbox, or "" to
// clear a checkbox. It works with scripts switched off, too.
func (tab *Tab) Fill(name, value string) {
	tab.t.Helper()
	ok := Eval[bool](tab, fmt.Sprintf(`((name, value) => {
		const all = [...document.getElementsByName(name)];
		const told = el => { el.dispatchEvent(new Event("input", {bubbles: true})); el.dispatchEvent(new Event("change", {bubbles: true})); };
		if (!all.length) return false;
		const first = all[0];
		if (first.type === "radio" || first.type === "checkbox") {
			const el = all.find(el => el.value === value);
			if (value === "") { all.forEach(el => { el.checked = false; }); return true; }
			if (!el) return false;
			el.checked = true; told(el); return true;
		}
		if (first.tagName === "SELECT" && ![...first.options].some(o => o.value === value)) return false;
		first.value = value; told(first); return true;
	})(%q, %q)`, name, value))
	if !ok {
		tab.t.Fatalf("filling %s with %q: no such input or option%s", name, value, tab.where())
	}
}

// FillAll fills several inputs, in the order of pairs: name, value, name, value.
func (tab *Tab) FillAll(pairs ...string) {
	tab.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		tab.Fill(pairs[i], pairs[i+1])
	}
}

// Upload chooses files in the file input with the name.
func (tab *Tab) Upload(name string, paths ...string) {
	tab.t.Helper()
	for i, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			tab.t.Fatalf("choosing %s: %v", path, err)
		}
		if _, err := os.Stat(absolute); err != nil {
			tab.t.Fatalf("choosing a file: %v", err)
		}
		paths[i] = absolute
	}
	tab.call("choosing files", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS(fmt.Sprintf("input[type=file][name=%q]", name)), paths))
	})
}

// Has tells whether an element matches the selector.
func (tab *Tab) Has(css string) bool {
	tab.t.Helper()
	return Eval[bool](tab, fmt.Sprintf(`!!document.querySelector(%q)`, css))
}

// Text returns the visible text of the first element that matches.
func (tab *Tab) Text(css string) string {
	tab.t.Helper()
	if !tab.Has(css) {
		tab.t.Fatalf("reading %s: no such element%s", css, tab.where())
	}
	return strings.TrimSpace(Eval[string](tab, fmt.Sprintf(`document.querySelector(%q).innerText`, css)))
}

// Texts returns the visible texts of every element that matches.
func (tab *Tab) Texts(css string) []string {
	tab.t.Helper()
	return Eval[[]string](tab, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(el => el.innerText.trim())`, css))
}

// Attr returns an attribute of the first element that matches, "" when it has none.
func (tab *Tab) Attr(css, name string) string {
	tab.t.Helper()
	return Eval[string](tab, fmt.Sprintf(`document.querySelector(%q)?.getAttribute(%q) ?? ""`, css, name))
}

// Value returns what stands in the input with the name.
func (tab *Tab) Value(name string) string {
	tab.t.Helper()
	return Eval[string](tab, fmt.Sprintf(`(all => { const el = all.find(el => el.checked) ?? all[0];
		return !el ? "" : (el.type === "radio" || el.type === "checkbox") && !el.checked ? "" : el.value; })([...document.getElementsByName(%q)])`, name))
}

// Title returns the title of the document.
func (tab *Tab) Title() string { tab.t.Helper(); return Eval[string](tab, `document.title`) }

// URL returns the address of the open page.
func (tab *Tab) URL() string { tab.t.Helper(); return Eval[string](tab, `location.href`) }

// Path returns the path of the open page.
func (tab *Tab) Path() string { tab.t.Helper(); return Eval[string](tab, `location.pathname`) }

// Cookies lists the cookies that would be sent with the open page.
func (tab *Tab) Cookies() []Cookie {
	tab.t.Helper()
	var cookies []Cookie
	tab.call("reading cookies", func(ctx context.Context) error {
		found, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{})
		for _, c := range found.Cookies {
			cookies = append(cookies, Cookie{c.Name, c.Value, c.Domain, c.Path, string(c.SameSite), c.HTTPOnly, c.Secure})
		}
		return err
	})
	return cookies
}

// Wait waits until the expression is true in the page.
func (tab *Tab) Wait(expression string) {
	tab.t.Helper()
	tab.call("waiting for "+expression, func(ctx context.Context) error {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(Patience/2)))
		return err
	})
}

// Key sends keys to the focused element, e.g. kb.Tab or kb.Escape of chromedp's package kb.
func (tab *Tab) Key(keys string) {
	tab.t.Helper()
	tab.call("pressing keys", func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.KeyEvent(keys)) })
}

// Enter presses Enter on the focused element, which leads to another page, and waits until it is loaded.
func (tab *Tab) Enter() {
	tab.t.Helper()
	tab.call("pressing Enter", func(ctx context.Context) error {
		_, err := chromedp.Run(ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.KeyEvent("\r")))
		return err
	})
}

// windowHeight is how high a window is.
const windowHeight = 900

// SetWidth sets the width of the window; narrow ones (below 600) behave like a phone.
func (tab *Tab) SetWidth(pixels int64) {
	tab.t.Helper()
	tab.SetSize(pixels, windowHeight)
}

// Width is the width of the window.
func (tab *Tab) Width() int64 { return tab.width }

// SetSize sets width and height of the window. Every change lays the page out and draws it again, so one to the same size is none.
func (tab *Tab) SetSize(width, height int64) {
	tab.t.Helper()
	if tab.width == width && tab.height == height {
		return
	}
	tab.width, tab.height = width, height
	tab.call("setting the size", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600,
		})
		return err
	})
}
