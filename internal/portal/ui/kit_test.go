package ui_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg/pgtest"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// fatal is what *testing.T and *rapid.T have in common.
type fatal interface {
	Fatalf(format string, args ...any)
}

func rendered(t fatal, c templ.Component) string {
	var buf bytes.Buffer
	if err := c.Render(context.Background(), &buf); err != nil {
		t.Fatalf("drawing: %v", err)
	}
	return buf.String()
}

// answer serves one request on a site whose only route is f.
func answer(site *ui.Site, f ui.HandlerFunc, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	site.Wrap(site.Handler(f)).ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestErrorsBecomePagesOnce(t *testing.T) {
	var log bytes.Buffer
	site := uitest.Site(t, ui.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for name, c := range map[string]struct {
		err    error
		status int
		words  string
	}{
		"not found":        {fault.New(fault.NotFound, "", "reading case 7"), 404, "ページが見つかりません"},
		"invalid":          {fault.New(fault.Invalid, "", "x"), 422, "受け付けられませんでした"},
		"forbidden":        {fault.New(fault.Forbidden, "", "x"), 403, "権限がありません"},
		"not logged in":    {fault.New(fault.Unauthenticated, "", "x"), 401, "ログインしてください"},
		"step up":          {fault.New(fault.StepUp, "", "x"), 403, "本人確認が必要です"},
		"conflict":         {fault.New(fault.Conflict, "", "x"), 409, "内容が変わっています"},
		"gone":             {fault.New(fault.Gone, "", "x"), 410, "このページは終了しました"},
		"too large":        {&http.MaxBytesError{Limit: 7}, 413, "送信できる大きさを超えています"},
		"too many":         {fault.New(fault.TooMany, "", "x"), 429, "しばらくお待ちください"},
		"upstream":         {fault.Wrap(fault.Upstream, errors.New("connection refused"), "asking"), 503, "ただいま接続できません"},
		"never classified": {errors.New("secret cause"), 500, "処理できませんでした"},
		"with its own key": {fault.New(fault.Forbidden, "fault.cross_site", "x"), 403, "別のサイトから送信されたため"},
		"with a wrong key": {fault.New(fault.NotFound, "no.such.key", "x"), 404, "お探しのページはない"},
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			r := answer(site, func(http.ResponseWriter, *http.Request) error { return c.err }, httptest.NewRequest("GET", "/x", nil))
			page := bodyOf(t, r)
			if r.StatusCode != c.status || !strings.Contains(page, c.words) {
				t.Errorf("answer is %d %q, want %d with %q", r.StatusCode, page, c.status, c.words)
			}
			if strings.Contains(page, "secret cause") || strings.Contains(page, "connection refused") {
				t.Error("the cause is on the page")
			}
			_, after, _ := strings.Cut(log.String(), "reference=")
			reference, _, _ := strings.Cut(after, " ")
			if len(reference) != 10 || !strings.Contains(page, reference) {
				t.Errorf("the page does not show the reference %q of the log: %s", reference, log.String())
			}
		})
	}
}

func TestPanicsBecomePages(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	r := answer(site, func(http.ResponseWriter, *http.Request) error { panic("out of cheese") }, httptest.NewRequest("GET", "/en/x", nil))
	if page := bodyOf(t, r); r.StatusCode != 500 || !strings.Contains(page, "Something went wrong on our side") || strings.Contains(page, "cheese") {
		t.Errorf("answer is %d %q", r.StatusCode, page)
	}
}

func TestNothingIsSentWhenDrawingFails(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	broken := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "half a page")
		return errors.New("no such row")
	})
	r := answer(site, func(w http.ResponseWriter, r *http.Request) error {
		return site.Page(r, "layout.about").Render(w, broken)
	}, httptest.NewRequest("GET", "/", nil))
	if page := bodyOf(t, r); r.StatusCode != 500 || strings.Contains(page, "half a page") {
		t.Errorf("answer is %d %q", r.StatusCode, page)
	}
}

func TestLanguageComesFromThePath(t *testing.T) {
	site := uitest.Site(t, ui.Config{Origin: "https://shikaku.example"})
	for path, want := range map[string]struct{ lang, seen, self, other string }{
		"/apply?x=1":  {`<html lang="ja"`, "/apply", `href="/apply?x=1" lang="ja"`, `href="/en/apply?x=1"`},
		"/en/apply":   {`<html lang="en"`, "/apply", `href="/en/apply" lang="en"`, `href="/easy/apply"`},
		"/easy/apply": {`<html lang="ja" data-edition="easy"`, "/apply", `href="/easy/apply" lang="ja"`, `href="https://shikaku.example/en/apply"`},
		"/en":         {`<html lang="en"`, "/", `href="/en/"`, `href="/easy/"`},
		"/english":    {`<html lang="ja"`, "/english", `href="/english"`, `href="/en/english"`},
	} {
		var seen string
		r := answer(site, func(w http.ResponseWriter, r *http.Request) error {
			seen = r.URL.Path
			return site.Page(r, "layout.about").Render(w, templ.NopComponent)
		}, httptest.NewRequest("GET", path, nil))
		page := bodyOf(t, r)
		for _, part := range []string{want.lang, want.self, want.other} {
			if !strings.Contains(page, part) {
				t.Errorf("%s: no %q in %s", path, part, page)
			}
		}
		if seen != want.seen {
			t.Errorf("%s: the route saw %q, want %q", path, seen, want.seen)
		}
	}
}

func TestThePublicPortalNeverRepeatsAQuery(t *testing.T) {
	site := uitest.Site(t, ui.Config{Audience: ui.Public})
	r := answer(site, func(w http.ResponseWriter, r *http.Request) error {
		return site.Page(r, "layout.about").Render(w, templ.NopComponent)
	}, httptest.NewRequest("GET", "/w/?c=NAMEANDBIRTHDATE", nil))
	if strings.Contains(bodyOf(t, r), "NAMEANDBIRTHDATE") {
		t.Error("the page repeats the query, which may carry a name and birth date")
	}
	if got := r.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy is %q", got)
	}
}

func TestHeaders(t *testing.T) {
	plain := uitest.Site(t, ui.Config{FormAction: []string{"http://127.0.0.6:8405"}})
	secure := uitest.Site(t, ui.Config{Origin: "https://shikaku.example", Audience: ui.Public})
	ok := func(http.ResponseWriter, *http.Request) error { return nil }
	p := answer(plain, ok, httptest.NewRequest("GET", "/", nil)).Header
	s := answer(secure, ok, httptest.NewRequest("GET", "/", nil)).Header
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "form-action 'self' http://127.0.0.6:8405;", "require-trusted-types-for 'script'", "trusted-types 'none'"} {
		if !strings.Contains(p.Get("Content-Security-Policy"), part) {
			t.Errorf("the policy has no %q: %s", part, p.Get("Content-Security-Policy"))
		}
	}
	if strings.Contains(p.Get("Content-Security-Policy"), "upgrade-insecure-requests") || p.Get("Strict-Transport-Security") != "" {
		t.Error("a portal on plain http asks for https, which would break it")
	}
	if !strings.Contains(s.Get("Content-Security-Policy"), "upgrade-insecure-requests") || s.Get("Strict-Transport-Security") == "" {
		t.Error("a portal on https does not insist on it")
	}
	camera := answer(secure, func(w http.ResponseWriter, r *http.Request) error {
		page := secure.Page(r, "layout.about")
		page.Camera = true
		return page.Render(w, templ.NopComponent)
	}, httptest.NewRequest("GET", "/", nil)).Header
	if !strings.Contains(camera.Get("Content-Security-Policy"), "'wasm-unsafe-eval'") || !strings.HasPrefix(camera.Get("Permissions-Policy"), "camera=(self)") {
		t.Error("the camera cannot be used on a page that has it")
	}
	if strings.Contains(s.Get("Content-Security-Policy"), "wasm") || !strings.HasPrefix(s.Get("Permissions-Policy"), "camera=()") {
		t.Error("the camera can be used on a page that has none")
	}
	if p.Get("Cache-Control") != "no-store" || p.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers are %v", p)
	}
}

func TestCrossSitePostsAreRefused(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	for name, c := range map[string]struct {
		header, value string
		status        int
	}{
		"same origin":    {"Sec-Fetch-Site", "same-origin", 200},
		"cross site":     {"Sec-Fetch-Site", "cross-site", 403},
		"foreign origin": {"Origin", "https://evil.example", 403},
	} {
		r := httptest.NewRequest("POST", "/act", nil)
		r.Header.Set(c.header, c.value)
		acted := false
		got := answer(site, func(http.ResponseWriter, *http.Request) error { acted = true; return nil }, r)
		if got.StatusCode != c.status || acted != (c.status == 200) {
			t.Errorf("%s: status %d, acted %v", name, got.StatusCode, acted)
		}
	}
}

func TestBodiesAreLimited(t *testing.T) {
	site := uitest.Site(t, ui.Config{BodyLimit: 100})
	read := func(_ http.ResponseWriter, r *http.Request) error {
		_, err := ui.ReadForm(r)
		return err
	}
	post := func(n int) *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader("x="+strings.Repeat("a", n)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	if got := answer(site, read, post(50)).StatusCode; got != 200 {
		t.Errorf("a small form answered %d", got)
	}
	if got := answer(site, read, post(200)).StatusCode; got != 413 {
		t.Errorf("a large form answered %d, want 413", got)
	}
	w := httptest.NewRecorder()
	site.Wrap(site.BodyLimit(1000, site.Handler(read))).ServeHTTP(w, post(200))
	if w.Code != 200 {
		t.Errorf("a route with a limit of its own answered %d", w.Code)
	}
}

func TestFormValues(t *testing.T) {
	token := ui.NewToken()
	form := url.Values{"name.family": {"髙橋"}, "wishes": {"qr", "pdf"}, "_token": {token.String()}}
	r := httptest.NewRequest("POST", "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := ui.ReadForm(r)
	if err != nil || len(got) != 2 || got["name.family"] != "髙橋" || got["wishes"] != "qr,pdf" {
		t.Errorf("form is %v, %v", got, err)
	}
	if id, err := ui.Token(r); err != nil || id != token {
		t.Errorf("token is %v, %v", id, err)
	}
	if _, err := ui.Token(httptest.NewRequest("POST", "/", nil)); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a token the error is %v, want invalid", err)
	}
}

// TestTextThatCannotBeKept: no database takes U+0000 or what is not UTF-8, so no handler ever sees either, and a form that cannot be read
// is refused before any.
func TestTextThatCannotBeKept(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	var got []string
	echo := func(_ http.ResponseWriter, r *http.Request) error {
		form, err := ui.ReadForm(r)
		got = []string{r.URL.Query().Get("q"), r.PostFormValue("name"), form["name"], r.FormValue("name")}
		return err
	}
	const name, kept = "\x00髙\xff橋\x00", "髙\uFFFD橋"
	multipart := "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + name + "\r\n--b--\r\n"
	for kind, body := range map[string]string{"application/x-www-form-urlencoded": url.Values{"name": {name}}.Encode(), "multipart/form-data; boundary=b": multipart} {
		r := httptest.NewRequest("POST", "/?q=%00a%ff&lang=ja", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		if a := answer(site, echo, r); a.StatusCode != http.StatusOK || got[0] != "a\uFFFD" || got[2] != kept {
			t.Errorf("%s: %d, handlers see %q", kind, a.StatusCode, got)
		}
		if plain := !strings.HasPrefix(kind, "multipart"); plain && (got[1] != kept || got[3] != kept) {
			t.Errorf("%s: handlers see %q", kind, got)
		}
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader("name=%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got = nil
	if a := answer(site, echo, r); a.StatusCode != http.StatusUnprocessableEntity || got != nil {
		t.Errorf("a form that cannot be read: %d, handlers see %q", a.StatusCode, got)
	}
}

func TestAssets(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	page := bodyOf(t, answer(site, func(w http.ResponseWriter, r *http.Request) error {
		return site.Page(r, "layout.about").Render(w, templ.NopComponent)
	}, httptest.NewRequest("GET", "/", nil)))
	_, after, _ := strings.Cut(page, `rel="stylesheet" href="`)
	css, _, _ := strings.Cut(after, `"`)
	for path, kind := range map[string]string{css: "text/css; charset=utf-8", "/static/fonts/noto-sans-jp-5.3.0/119-400.woff2": "font/woff2"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		got := answer(site, nil, r)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != kind || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", path, got.StatusCode, got.Header)
		}
		r.Header.Del("Accept-Encoding")
		plain, packed := bodyOf(t, answer(site, nil, r)), bodyOf(t, got)
		if got.Header.Get("Content-Encoding") == "gzip" {
			packed = unzipped(t, packed)
		}
		if plain == "" || plain != packed {
			t.Errorf("%s: %d bytes plain, %d packed", path, len(plain), len(packed))
		}
	}
}

func unzipped(t *testing.T, packed string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestLimiter(t *testing.T) {
	l := ui.NewLimiter(0.001, 2, 3)
	for _, want := range []bool{true, true, false} {
		if got := l.Allow("a"); got != want {
			t.Errorf("allowed %v, want %v", got, want)
		}
	}
	if !l.Allow("b") {
		t.Error("one client stopped another")
	}
	for i := range 1000 {
		l.Allow(string(rune('c' + i)))
	}
	if l.Len() > 3 {
		t.Errorf("the limiter remembers %d clients, want at most 3", l.Len())
	}
}

func TestTooManyRequests(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	limited := site.Wrap(site.Limit(ui.NewLimiter(0.001, 1, 10), http.NotFoundHandler()))
	for _, want := range []int{404, 429} {
		w := httptest.NewRecorder()
		limited.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != want {
			t.Errorf("answered %d, want %d", w.Code, want)
		}
		if want == 429 && w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}

func TestClientKey(t *testing.T) {
	site := uitest.Site(t, ui.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for name, c := range map[string]struct{ remote, forwarded, want string }{
		"direct":                  {"203.0.113.7:1", "", "203.0.113.0/24"},
		"forged by a client":      {"203.0.113.7:1", "198.51.100.1", "203.0.113.0/24"},
		"through a proxy":         {"10.0.0.1:1", "198.51.100.1", "198.51.100.0/24"},
		"forged before the proxy": {"10.0.0.1:1", "192.0.2.1, 198.51.100.1", "198.51.100.0/24"},
		"two proxies":             {"10.0.0.1:1", "198.51.100.1, 10.0.0.2", "198.51.100.0/24"},
		"ipv6":                    {"[2001:db8:1:2ff::1]:1", "", "2001:db8:1:200::/56"},
		"nonsense":                {"@", "", "unknown"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := site.ClientKey(r); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLocalPath(t *testing.T) {
	site := uitest.Site(t, ui.Config{HomePath: "/home"})
	for to, want := range map[string]string{
		"/apply?x=1": "/apply?x=1", "": "/home", "https://evil.example/": "/home", "//evil.example": "/home", `/\evil.example`: "/home",
		"javascript:alert(1)": "/home", "apply": "/home",
	} {
		if got := site.LocalPath(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func TestNewSiteRefusesWhatCannotWork(t *testing.T) {
	good := ui.Config{Audience: ui.Citizen, Origin: "http://127.0.0.1", Catalogue: uitest.Catalogue(t), Clock: clock.Fixed(time.Time{}), Log: slog.Default()}
	for want, change := range map[string]func(*ui.Config){
		"catalogue, clock and log are required": func(c *ui.Config) { c.Clock = nil },
		"unknown audience":                      func(c *ui.Config) { c.Audience = "x" },
		"is not an origin":                      func(c *ui.Config) { c.Origin = "shikaku.example" },
	} {
		cfg := good
		change(&cfg)
		if _, err := ui.NewSite(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}
