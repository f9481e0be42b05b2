package story

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"akashi/internal/browser"
)

// page is what a look reads off the open document.
type page struct {
	Lang       string   `json:"lang"`
	Title      string   `json:"title"`
	Headings   []string `json:"headings"` // h1
	Words      string   `json:"words"`    // as shown, without what stands as code
	Foreign    []string `json:"foreign"`  // words in Japanese script that do not say they are Japanese
	Origin     string   `json:"origin"`
	Path       string   `json:"path"`
	Simulation bool     `json:"simulation"` // of an outside system
	Duplicates []string `json:"duplicates"` // ids used twice
}

// read reads the page. Words in code and inputs are left out: there technical values belong.
const read = `(() => {
	const shown = el => el && el.getClientRects().length > 0;
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), words = [], foreign = [];
	while (walker.nextNode()) {
		const node = walker.currentNode, el = node.parentElement, text = node.data.replace(/\s+/g, " ").trim();
		if (!text || !shown(el) || el.closest("code, .ak-code, script, style, template, option, .cz-url")) continue;
		words.push(text);
		if (el.closest("[lang]")?.lang.startsWith("en") && /[\u3041-\u30ff\u3400-\u9fff]/.test(text) && !el.closest(".ak-name, del, ins")) foreign.push(text);
	}
	const ids = [...document.querySelectorAll("[id]")].map(el => el.id);
	return {lang: document.documentElement.lang, title: document.title, headings: [...document.querySelectorAll("h1")].map(el => el.innerText),
		words: words.join("\n"), foreign, origin: location.origin, path: location.pathname, simulation: !document.documentElement.dataset.audience,
		duplicates: ids.filter((id, i) => ids.indexOf(id) !== i)};
})()`

// technical are values that no person should have to read: names of the program's own, dates as machines write them,
// marks of ruby and of places that were not filled.
var technical = regexp.MustCompile(`\b[a-z]+_[a-z_]+\b|\b[a-z]+(\.[a-z_]+){1,4}\b|\b\d{4}-\d{2}-\d{2}\b|\{[^}]*\|[^}]*\}|\{\d\}|%!|<nil>|\bundefined\b`)

// address is what looks technical and is not: the address of a site or of a person, the name of a file,
// the members of a published key.
var address = regexp.MustCompile(`https?://\S+|\S+@\S+|\b[a-z]+\.go\.jp\b|\b\w+\.(png|pdf|txt|json)\b|\b(distrusted|retired)_at\b`)

// native are words that stay in Japanese on English pages: the product's name, the term for a translation that does not
// bind, sources of law, what an applicant has entered, names of staff, and what stands in a credential.
var native = regexp.MustCompile(`^Akashi \(証\)$|\(参考訳\)|^Source: |見本町|^サンプル|^ミホン ハナコ$|^フィリピン$|\((大阪府|東京都)\)|審査 次子|^名簿 守 |^(Confirmed \()?厚生労働(省|大臣)|^看護師$`)

// see looks at the open page in its present state: on a wide screen and on narrow ones, by axe, for what every page must
// have and must not show. It keeps pictures when they are wanted.
func (v *visitor) see(name string) {
	v.t.Helper()
	v.seen++
	p := browser.Eval[page](v.Tab, read)
	v.check(name, p)
	for _, width := range []int64{320, 390} {
		if got := v.ScrollWidth(width); got > width {
			v.t.Errorf("%s: the page needs %d of %d pixels: %v", name, got, width, v.Overflowing())
		}
		if width == 390 {
			v.picture(name, width)
		}
	}
	if v.lang != "ja" {
		v.Axe() // the same page in Japanese is looked at as it is on a wide screen
	}
	v.SetWidth(1280)
	v.picture(name, 1280)
	if v.lang == "ja" {
		v.Axe()
	}
}

// check checks what a page says of itself and shows.
func (v *visitor) check(name string, p page) {
	v.t.Helper()
	if len(p.Headings) != 1 || strings.TrimSpace(p.Headings[0]) == "" {
		v.t.Errorf("%s: the page has the headings %q, want one", name, p.Headings)
	}
	if len(p.Duplicates) > 0 {
		v.t.Errorf("%s: ids are used twice: %v", name, p.Duplicates)
	}
	if p.Simulation {
		return
	}
	if want := map[string]string{"ja": "ja", "en": "en", "easy": "ja"}[v.lang]; !strings.HasPrefix(p.Lang, want) {
		v.t.Errorf("%s: the page is in %q, want %q", name, p.Lang, want)
	}
	if found := technical.FindAllString(address.ReplaceAllString(p.Words, ""), -1); len(found) > 0 {
		v.t.Errorf("%s: the page %s shows %q", name, p.Path, found)
	}
	if foreign := slices.DeleteFunc(p.Foreign, native.MatchString); len(foreign) > 0 {
		v.t.Errorf("%s: the page %s has words that are not translated: %q", name, p.Path, foreign)
	}
	if v.Status() < 400 || v.Status() == 422 { // pages that say that something is not there are alike
		v.checkTitle(name, p)
	}
}

// checkTitle sees that a title names one page: two of the same title cannot be told apart among open windows.
func (v *visitor) checkTitle(name string, p page) {
	v.t.Helper()
	v.house.mu.Lock()
	defer v.house.mu.Unlock()
	key := p.Lang + v.lang + p.Title
	where := p.Origin + route(p.Path)
	if before, ok := v.house.titles[key]; ok && before != where {
		v.t.Errorf("%s: the title %q names both %s and %s", name, p.Title, before, where)
	}
	v.house.titles[key] = where
}

// numbers are the numbers of cases, of which each has its own pages of the same kind.
var numbers = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]`)

// ids are those of things that a person has several of, e.g. codes of a credential.
var ids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// route is the path of a kind of page; the two addresses that a check is sent to show the same one.
func route(path string) string {
	path = ids.ReplaceAllString(path, "{id}")
	return numbers.ReplaceAllString(strings.Replace(path, "/w/file", "/w/verify", 1), "{case}")
}

// picture keeps a picture of the page at a width.
func (v *visitor) picture(name string, width int64) {
	v.t.Helper()
	if v.house.shots == "" {
		return
	}
	file := fmt.Sprintf("%02d-%s-%d.png", v.seen, name, width)
	v.Screenshot(filepath.Join(v.house.shots, v.walk+"-"+v.lang, file), width)
}
