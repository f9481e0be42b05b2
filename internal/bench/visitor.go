package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// errUnexpected is an answer that a visitor cannot go on from.
var errUnexpected = errors.New("unexpected answer")

// timings collects how long requests took, by what was asked. It is safe for concurrent use.
type timings struct {
	mu    sync.Mutex
	order []string
	took  map[string][]time.Duration
}

func newTimings() *timings { return &timings{took: map[string][]time.Duration{}} }

func (t *timings) add(what string, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.took[what]; !known {
		t.order = append(t.order, what)
	}
	t.took[what] = append(t.took[what], d)
}

// visitor is somebody with a browser that has no scripts: cookies by host, one page at a time, forms as they were drawn.
// It is not safe for concurrent use.
type visitor struct {
	wires   *wires
	from    string // told to the portals as the visitor's address
	cookies map[string]map[string]string
	timings *timings // nil: nothing is timed
	id      string   // receipt number of the visitor's case, once there is one

	at     *url.URL // address of the page
	status int
	page   []byte
	header http.Header
}

func newVisitor(w *wires, n int) *visitor {
	return &visitor{wires: w, from: fmt.Sprintf("10.%d.%d.1", n/250, n%250), cookies: map[string]map[string]string{}}
}

// ask sends one request and reads the whole answer. what names it in the timings.
func (v *visitor) ask(ctx context.Context, what, method, address, contentType string, body []byte) error {
	to, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("reading the address %s: %w", address, err)
	}
	if v.at != nil {
		to = v.at.ResolveReference(to)
	}
	header := []string{"X-Forwarded-For", v.from}
	if contentType != "" {
		header = append(header, "Content-Type", contentType, "Origin", "http://"+to.Host)
	}
	if jar := v.cookies[to.Host]; len(jar) > 0 {
		header = append(header, "Cookie", cookieHeader(jar))
	}
	began := time.Now()
	resp, page, err := v.wires.do(ctx, method, to.Host, to.RequestURI(), header, body)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	v.page = page
	if v.timings != nil {
		v.timings.add(what, time.Since(began))
	}
	v.at, v.status, v.header = to, resp.StatusCode, resp.Header
	v.keep(to.Host, resp.Cookies())
	return nil
}

// cookieHeader writes cookies as browsers send them.
func cookieHeader(jar map[string]string) string {
	var b strings.Builder
	for name, value := range jar {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name + "=" + value)
	}
	return b.String()
}

func (v *visitor) keep(host string, cookies []*http.Cookie) {
	jar := v.cookies[host]
	if jar == nil {
		jar = map[string]string{}
		v.cookies[host] = jar
	}
	for _, c := range cookies {
		if c.MaxAge < 0 || c.Value == "" {
			delete(jar, c.Name)
		} else {
			jar[c.Name] = c.Value
		}
	}
}

// unexpected describes the answer that stands where another one should.
func (v *visitor) unexpected(what string) error {
	_, main, found := bytes.Cut(v.page, []byte("<main"))
	if !found {
		main = v.page
	}
	return fmt.Errorf("%s: %s answers %d: %.1500s: %w", what, v.at, v.status, words(main), errUnexpected)
}

// words is a page without its tags, for messages.
func words(page []byte) string {
	var b strings.Builder
	inside := false
	for _, r := range string(page) {
		switch {
		case r == '<':
			inside = true
		case r == '>':
			inside = false
			b.WriteByte(' ')
		case !inside:
			b.WriteRune(r)
		}
	}
	return html.UnescapeString(strings.Join(strings.Fields(b.String()), " "))
}

// get opens a page, which must answer 200.
func (v *visitor) get(ctx context.Context, what, address string) error {
	if err := v.ask(ctx, what, http.MethodGet, address, "", nil); err != nil {
		return err
	}
	if v.status != http.StatusOK {
		return v.unexpected(what)
	}
	return nil
}

// post sends the form of the page whose action ends in a path, with values in place of those it was drawn with. The
// answer must lead on; where to is in location.
func (v *visitor) post(ctx context.Context, what, action string, values ...string) error {
	f, err := v.form(what, action)
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(values); i += 2 {
		f.values.Set(values[i], values[i+1])
	}
	return v.send(ctx, what, f.action, f.values)
}

// send posts values that need no page.
func (v *visitor) send(ctx context.Context, what, address string, values url.Values) error {
	if err := v.ask(ctx, what, http.MethodPost, address, "application/x-www-form-urlencoded", []byte(values.Encode())); err != nil {
		return err
	}
	return v.mustLead(what)
}

func (v *visitor) mustLead(what string) error {
	if v.status != http.StatusSeeOther {
		return v.unexpected(what)
	}
	return nil
}

// upload sends the form of the page whose action ends in a path, with a file in it.
func (v *visitor) upload(ctx context.Context, what, action, input, name string, content []byte) error {
	f, err := v.form(what, action)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for key, values := range f.values {
		for _, value := range values {
			if err := w.WriteField(key, value); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	part, err := w.CreateFormFile(input, name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := v.ask(ctx, what, http.MethodPost, f.action, w.FormDataContentType(), body.Bytes()); err != nil {
		return err
	}
	return v.mustLead(what)
}

// location is where the last answer leads.
func (v *visitor) location() string { return v.header.Get("Location") }

// follow opens the page that the last answer leads to.
func (v *visitor) follow(ctx context.Context, what string) error {
	return v.get(ctx, what, v.location())
}

// hop follows the last answer to one that leads on.
func (v *visitor) hop(ctx context.Context, what string) error {
	if err := v.ask(ctx, what, http.MethodGet, v.location(), "", nil); err != nil {
		return err
	}
	return v.mustLead(what)
}

// has tells whether the page has a text.
func (v *visitor) has(text string) bool { return bytes.Contains(v.page, []byte(text)) }

// find returns what stands on the page between two texts, "" when nothing does.
func (v *visitor) find(before, after string) string {
	_, rest, found := bytes.Cut(v.page, []byte(before))
	value, _, ended := bytes.Cut(rest, []byte(after))
	if !found || !ended {
		return ""
	}
	return html.UnescapeString(string(value))
}

// isSimulator tells whether a request went to an outside system.
func isSimulator(what string) bool { return strings.HasPrefix(what, "simulator: ") }
