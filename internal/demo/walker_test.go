package demo_test

import (
	"bytes"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// walker is a visitor without scripts: it keeps cookies, follows redirects, and sends the forms that it finds on a page.
type walker struct {
	t      *testing.T
	client *http.Client
	at     *url.URL // address of the page it is on
	status int
	page   string
}

func newWalker(t *testing.T) *walker {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &walker{t: t, client: &http.Client{Jar: jar}}
}

func (w *walker) open(address string) {
	w.t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.at != nil {
		to = w.at.ResolveReference(to)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, to.String(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(req)
}

func (w *walker) do(req *http.Request) {
	w.t.Helper()
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.at, w.status, w.page = resp.Request.URL, resp.StatusCode, string(body)
}

// sees fails the test unless the page answers 200 and has every text.
func (w *walker) sees(texts ...string) {
	w.t.Helper()
	if w.status != http.StatusOK {
		w.t.Fatalf("%s answers %d: %s", w.at, w.status, w.text())
	}
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(w.page), text) {
			w.t.Fatalf("%s does not have %q: %s", w.at, text, w.text())
		}
	}
}

// text is what a person reads on the page, for messages of failures.
func (w *walker) text() string {
	_, main, found := strings.Cut(w.page, "<main")
	if !found {
		main = w.page
	}
	return html.UnescapeString(regexp.MustCompile(`(?s)<(script|style|svg).*?</(script|style|svg)>|<[^>]*>|\s+`).ReplaceAllString(main, " "))
}

// element is one control of a form.
type element struct {
	kind, name, value string
	on                bool
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(`(?:^|\s)` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

func flag(tag, name string) bool {
	return regexp.MustCompile(`\s` + name + `(\s|=|/?>|$)`).MatchString(tag)
}

// form finds the first form whose action ends in, or without any has, the given path.
func (w *walker) form(action string) (address string, elements []element) {
	w.t.Helper()
	for _, m := range regexp.MustCompile(`(?s)<form([^>]*)>(.*?)</form>`).FindAllStringSubmatch(w.page, -1) {
		to := attribute(m[1], "action")
		path, _, _ := strings.Cut(to, "?")
		if strings.HasSuffix(path, action) {
			return to, controls(m[2])
		}
	}
	w.t.Fatalf("%s has no form for %s: %s", w.at, action, w.text())
	return "", nil
}

func controls(form string) (all []element) {
	for _, m := range regexp.MustCompile(`<input([^>]*)>`).FindAllStringSubmatch(form, -1) {
		kind := attribute(m[1], "type")
		all = append(all, element{kind, attribute(m[1], "name"), attribute(m[1], "value"), kind != "radio" && kind != "checkbox" || flag(m[1], "checked")})
	}
	for _, m := range regexp.MustCompile(`(?s)<select([^>]*)>(.*?)</select>`).FindAllStringSubmatch(form, -1) {
		for i, o := range regexp.MustCompile(`<option([^>]*)>`).FindAllStringSubmatch(m[2], -1) {
			if i == 0 || flag(o[1], "selected") {
				all = append(all, element{"select", attribute(m[1], "name"), attribute(o[1], "value"), true})
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea([^>]*)>(.*?)</textarea>`).FindAllStringSubmatch(form, -1) {
		all = append(all, element{"textarea", attribute(m[1], "name"), html.UnescapeString(m[2]), true})
	}
	return all
}

// values are what the form would send, with what is typed (name, value, name, value). answer fills groups of radio
// buttons in which nothing is chosen, where there is such a choice.
func values(elements []element, answer string, typed ...string) url.Values {
	out := url.Values{}
	for _, e := range elements {
		if e.on && e.name != "" && e.kind != "file" && e.kind != "submit" {
			out.Set(e.name, e.value)
		}
	}
	for _, e := range elements {
		if e.kind == "radio" && e.value == answer && !out.Has(e.name) {
			out.Set(e.name, answer)
		}
	}
	for i := 0; i < len(typed); i += 2 {
		out.Set(typed[i], typed[i+1])
	}
	return out
}

// send sends the form whose action ends in the path.
func (w *walker) send(action string, typed ...string) {
	w.t.Helper()
	w.sendAnswering(action, "", typed...)
}

func (w *walker) sendAnswering(action, answer string, typed ...string) {
	w.t.Helper()
	to, elements := w.form(action)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.resolve(to), strings.NewReader(values(elements, answer, typed...).Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.do(req)
}

func (w *walker) resolve(to string) string {
	w.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.at.ResolveReference(u).String()
}

// upload sends a form with one file in it.
func (w *walker) upload(action, name, file string, content []byte) {
	w.t.Helper()
	to, elements := w.form(action)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for key, value := range values(elements, "") {
		if err := form.WriteField(key, value[0]); err != nil {
			w.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile(name, file)
	if err == nil {
		_, err = part.Write(content)
	}
	if err != nil || form.Close() != nil {
		w.t.Fatalf("writing a form: %v", err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.resolve(to), &body)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	w.do(req)
}

// find returns the first group of a pattern on the page.
func (w *walker) find(pattern string) string {
	w.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(html.UnescapeString(w.page))
	if m == nil {
		w.t.Fatalf("%s has nothing like %s: %s", w.at, pattern, w.text())
	}
	return m[1]
}
