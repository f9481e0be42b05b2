package office

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/account"
	"akashi/internal/authoring"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/qualifications"
)

// world is a console before a small world of cases.
type world struct {
	*casetest.World
	URL   string
	login *login
}

// login is the staff's login with a script: whoever the test names comes back, at once.
type login struct {
	mu      sync.Mutex
	origin  string
	subject string
	weak    bool // the second factor is not given
	refuse  error
	now     func() time.Time
}

func (l *login) set(change func(*login)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *login) Begin(_ context.Context, req LoginRequest) (string, []byte, error) {
	pending, err := json.Marshal(req)
	return l.origin + LoginCallback + "?code=1", pending, err
}

func (l *login) Finish(_ context.Context, pending []byte, callback url.Values) (Login, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var req LoginRequest
	if err := json.Unmarshal(pending, &req); err != nil {
		return Login{}, err
	}
	if callback.Get("code") == "" {
		return Login{}, fault.New(fault.Unauthenticated, "", "the visitor cancelled")
	}
	return Login{Subject: l.subject, StepUp: req.StepUp && !l.weak, AuthTime: l.now()}, l.refuse
}

// newWorld starts the console on a port of its own.
func newWorld(t *testing.T) *world {
	t.Helper()
	return console(t, casetest.New(t))
}

// newWorldOf is newWorld with definitions of the test's own.
func newWorldOf(t *testing.T, cat *qualification.Catalogue) *world {
	t.Helper()
	return console(t, casetest.NewOf(t, cat))
}

// account reads a member of staff with the roles in force.
func (w *world) account(t *testing.T, subject string) account.Staff {
	t.Helper()
	s, err := account.ByLogin(t.Context(), w.Office.DB, subject)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func console(t *testing.T, cases *casetest.World) *world {
	t.Helper()
	w := &world{World: cases}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	w.URL = "http://" + server.Listener.Addr().String()
	w.login = &login{origin: w.URL, now: w.Clock.Now}
	handler, err := New(Config{Origin: w.URL, Demo: true, Log: slog.New(slog.DiscardHandler), Desk: w.Office, Reader: w.Reader, Blobs: w.Blobs, Identity: w.login,
		Authors: authors(t, w.World), Intake: w.Intake, VerifyURL: "https://check.example/w/"})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = handler
	server.Start()
	t.Cleanup(server.Close)
	return w
}

// authors is the authors' desk over the definitions of the world: those that the program carries, or the two licences.
func authors(t *testing.T, w *casetest.World) *authoring.Desk {
	t.Helper()
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		t.Fatal(err)
	}
	if _, licences := w.Catalogue.Definition("national"); licences {
		files = licenceFiles(t)
	}
	return &authoring.Desk{DB: w.Office.DB, Catalogue: w.Catalogue, Files: files, Carried: authoring.Carried(w.Catalogue)}
}

// employ gives somebody roles, as "body.role".
func (w *world) employ(t *testing.T, subject, name string, active bool, roles ...string) {
	t.Helper()
	err := w.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		id, err := account.SetStaff(t.Context(), tx, subject, name, active)
		for _, r := range roles {
			body, role, _ := strings.Cut(r, ".")
			if err == nil {
				err = account.Give(t.Context(), tx, id, account.Grant{Body: body, Role: account.Role(role)}, "test")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// visitor is one browser of one member of staff.
type visitor struct {
	t      *testing.T
	w      *world
	client *http.Client
}

func (w *world) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as is a visitor who has logged in.
func (w *world) as(t *testing.T, subject string) *visitor {
	t.Helper()
	v := w.visitor(t)
	v.logIn(subject)
	return v
}

func (v *visitor) logIn(subject string) {
	v.t.Helper()
	v.w.login.set(func(l *login) { l.subject = subject })
	v.expect(v.post("/login", "to", "/"), http.StatusSeeOther, LoginCallback)
	v.expect(v.get(LoginCallback+"?code=1"), http.StatusSeeOther, "/")
}

// confirm gives the second factor and goes where that leads.
func (v *visitor) confirm(subject, to string) {
	v.t.Helper()
	v.w.login.set(func(l *login) { l.subject = subject })
	v.expect(v.post("/step-up", "to", to), http.StatusSeeOther, LoginCallback)
	v.expect(v.get(LoginCallback+"?code=1"), http.StatusSeeOther, to)
}

// answer is what the console answered.
type answer struct {
	status   int
	body     string
	location string
	header   http.Header
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, "", nil)
}

// post sends a form, given as name, value, name, value.
func (v *visitor) post(path string, pairs ...string) answer {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return v.do(http.MethodPost, path, form.Encode(), nil)
}

func (v *visitor) do(method, path, body string, header http.Header) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.w.URL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{resp.StatusCode, string(raw), strings.TrimPrefix(resp.Header.Get("Location"), v.w.URL), resp.Header}
}

// expect fails the test unless the answer has the status and, for a redirect, begins with the path.
func (v *visitor) expect(a answer, status int, path string) answer {
	v.t.Helper()
	if a.status != status || !strings.HasPrefix(a.location, path) {
		v.t.Fatalf("answered %d %q, want %d %q\n%s", a.status, a.location, status, path, shown(a))
	}
	return a
}

// says fails the test unless the page has the status and each of the words.
func (v *visitor) says(a answer, status int, words ...string) answer {
	v.t.Helper()
	if a.status != status {
		v.t.Fatalf("answered %d %q, want %d\n%s", a.status, a.location, status, shown(a))
	}
	text := shown(a)
	for _, w := range words {
		if !strings.Contains(text, w) {
			v.t.Fatalf("the page does not say %q:\n%s", w, text)
		}
	}
	return a
}

// silent fails the test if the page has one of the words.
func (v *visitor) silent(a answer, words ...string) {
	v.t.Helper()
	for _, w := range words {
		if strings.Contains(a.body, w) {
			v.t.Errorf("the page says %q:\n%s", w, shown(a))
		}
	}
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	blanks = regexp.MustCompile(`[ \t\n]+`)
)

// shown is the text of a page without its head and its marks.
func shown(a answer) string {
	body := a.body
	if i := strings.Index(body, "<main"); i >= 0 {
		body = body[i:]
	}
	return blanks.ReplaceAllString(tags.ReplaceAllString(body, ""), " ")
}

// find returns the first match of a pattern's group in the page.
func (v *visitor) find(a answer, pattern string) string {
	v.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(a.body)
	if m == nil {
		v.t.Fatalf("the page has nothing like %s:\n%s", pattern, a.body)
	}
	return m[1]
}
