package citizen

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/fault"
)

// scripted is a login service whose visits end as the test says: FailWith ends the next visit with an error, Signer
// chooses whose card signs.
type scripted struct {
	FailWith error
	Signer   string // "" the nurse, "other" somebody else
	Broken   bool   // the next signature is not over the digest
	Who      string // subject of the next login
	Direct   bool   // visits lead straight back, for a real browser
	digest   [32]byte
}

func (s *scripted) BeginLogin(_ context.Context, redirectURI string) (string, []byte, error) {
	if s.Direct {
		return redirectURI + "?code=1&state=1", []byte("login"), nil
	}
	return "https://login.example/auth?redirect_uri=" + url.QueryEscape(redirectURI), []byte("login"), nil
}

func (s *scripted) failure() error {
	err := s.FailWith
	s.FailWith = nil
	return err
}

func (s *scripted) FinishLogin(_ context.Context, pending []byte, _ url.Values) (Login, error) {
	if err := s.failure(); err != nil {
		return Login{}, err
	}
	if string(pending) != "login" {
		return Login{}, fault.New(fault.Unauthenticated, "identity.no_visit", "finishing a scripted login")
	}
	c := casetest.Card()
	return Login{Issuer: "https://login.example", Subject: s.Who, Name: c.Name.Full(), Address: c.Address, BirthDate: c.BirthDate.String(), Sex: string(c.Sex)}, nil
}

func (s *scripted) StartSignature(_ context.Context, digest [32]byte) (string, error) {
	s.digest = digest
	return "transaction-1", nil
}

func (s *scripted) BeginSignature(_ context.Context, redirectURI, transaction, subject string) (string, []byte, error) {
	if s.Direct {
		return redirectURI + "?code=1&state=1", []byte("sign"), nil
	}
	return "https://login.example/sign?transaction=" + transaction + "&subject=" + subject, []byte("sign"), nil
}

func (s *scripted) FinishSignature(context.Context, []byte, url.Values) (Signature, error) {
	if err := s.failure(); err != nil {
		return Signature{}, err
	}
	if s.Broken {
		s.digest[0] ^= 1
	}
	return Signature{Value: s.digest[:], Certificate: []byte(s.Signer)}, nil
}

// world is a portal over the stages' world.
type world struct {
	*casetest.World
	ID     *scripted
	Server *httptest.Server
	log    *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOver(t, casetest.New(t))
}

// newWorldOver is newWorld over a world of the test's own.
func newWorldOver(t *testing.T, stages *casetest.World) *world {
	t.Helper()
	w := &world{World: stages, ID: &scripted{Who: "nurse"}, Server: httptest.NewUnstartedServer(nil), log: &bytes.Buffer{}}
	origin := "http://" + w.Server.Listener.Addr().String()
	h, err := New(Config{Origin: origin, FormAction: []string{"https://login.example", "https://pay.example", "https://wallet.example"}, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Demo: true, Desk: w.Desk, Counter: w.Counter, Wallet: w.Wallet, Holder: w.Holder, Offers: w.offers(), Identity: w.ID, VerifyURL: "https://verify.example/w/"})
	if err != nil {
		t.Fatal(err)
	}
	w.Server.Config.Handler = h
	w.Server.Start()
	t.Cleanup(w.Server.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the portal's log:\n%s", w.log)
		}
	})
	return w
}

// visitor is a browser without scripts: it keeps cookies and does not follow redirects by itself.
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
	return &visitor{t: t, w: w, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// nurse is a visitor who has logged in.
func (w *world) nurse(t *testing.T) *visitor {
	t.Helper()
	defer func(direct bool) { w.ID.Direct = direct }(w.ID.Direct)
	w.ID.Direct = false
	v := w.visitor(t)
	v.login("/")
	return v
}

// login goes through the login service and comes back.
func (v *visitor) login(to string) {
	v.t.Helper()
	v.post("/login", "to", to).want(http.StatusSeeOther, "https://login.example/auth")
	v.get(LoginCallback+"?code=1&state=1").want(http.StatusSeeOther, to)
}

// answer is one answer of the portal.
type answer struct {
	t      *testing.T
	Status int
	To     string // Location
	Body   string
	Header http.Header
}

func (v *visitor) get(path string) *answer {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodGet, v.w.Server.URL+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

// post sends a form: name, value, name, value.
func (v *visitor) post(path string, pairs ...string) *answer {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest(http.MethodPost, v.w.Server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// upload sends one file in a form with files.
func (v *visitor) upload(path, input, name string, content []byte) *answer {
	v.t.Helper()
	return v.uploadTimes(1, path, input, name, content)
}

// uploadTimes sends the same file several times in one form.
func (v *visitor) uploadTimes(times int, path, input, name string, content []byte) *answer {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for range times {
		part, err := form.CreateFormFile(input, name)
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			v.t.Fatalf("writing a form: %v", err)
		}
	}
	if err := form.Close(); err != nil {
		v.t.Fatalf("writing a form: %v", err)
	}
	req, err := http.NewRequest(http.MethodPost, v.w.Server.URL+path, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return v.do(req)
}

// rawKey finds a key of the catalogue that stands in a page instead of its words.
var rawKey = regexp.MustCompile(`>\s*([a-z_]+\.[a-z_]+[a-z_.]*)\s*<`)

// siteName is the name of a site that a source is shown by; it looks like a key and is none.
var siteName = regexp.MustCompile(`<a class="ak-code" href="https?://[^"]+" rel="noreferrer">[^<]+</a>`)

func (v *visitor) do(req *http.Request) *answer {
	v.t.Helper()
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if m := rawKey.FindSubmatch(siteName.ReplaceAll(body, nil)); m != nil {
		v.t.Errorf("%s %s shows the key %s", req.Method, req.URL, m[1])
	}
	return &answer{t: v.t, Status: res.StatusCode, To: res.Header.Get("Location"), Body: string(body), Header: res.Header}
}

// want checks the status, and of a redirect how its address begins, of a page that it contains words.
func (a *answer) want(status int, words ...string) *answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d; to %q; body: %s", a.Status, status, a.To, a.text())
	}
	for _, w := range words {
		if status == http.StatusSeeOther && !strings.HasPrefix(a.To, w) {
			a.t.Errorf("redirected to %q, want %q", a.To, w)
		} else if status != http.StatusSeeOther && !strings.Contains(a.Body, w) {
			a.t.Errorf("the page does not contain %q: %s", w, a.text())
		}
	}
	return a
}

// lacks checks that a page does not contain words.
func (a *answer) lacks(words ...string) *answer {
	a.t.Helper()
	for _, w := range words {
		if strings.Contains(a.Body, w) {
			a.t.Errorf("the page contains %q", w)
		}
	}
	return a
}

var tags = regexp.MustCompile(`(?s)<(script|style|svg).*?</(script|style|svg)>|<[^>]*>|\s+`)

// text is the page's text, for failure messages.
func (a *answer) text() string {
	_, main, _ := strings.Cut(a.Body, "<main")
	return tags.ReplaceAllString(main, " ")
}

// input returns the value of a hidden input.
func (a *answer) input(name string) string {
	a.t.Helper()
	m := regexp.MustCompile(`name="` + regexp.QuoteMeta(name) + `" value="([^"]*)"`).FindStringSubmatch(a.Body)
	if m == nil {
		a.t.Fatalf("the page has no input %q", name)
	}
	return m[1]
}

// begin starts the nurse's registration and returns its public id.
func (v *visitor) begin() string {
	v.t.Helper()
	page := v.get("/procedures/kangoshi.mhlw/registration/start").want(http.StatusOK)
	to := v.post("/applications", "_token", page.input("_token"), "register", "kangoshi.mhlw", "procedure", "registration").want(http.StatusSeeOther, "/applications/KGMH-")
	return strings.TrimPrefix(to.To, "/applications/")
}

// fill sends every page of the form and the physician's certificate.
func (v *visitor) fill(id string) {
	v.t.Helper()
	typed := casetest.Typed()
	for _, g := range []string{"person", "kana", "domicile", "contact", "examination", "penalties"} {
		var pairs []string
		for name, value := range typed[g] {
			pairs = append(pairs, name, value)
		}
		v.post("/applications/"+id+"/form/"+g, pairs...).want(http.StatusSeeOther, "/applications/"+id)
	}
	v.upload("/applications/"+id+"/documents/medical_certificate", "evidence.medical_certificate", "診断書.png", casetest.PNG).want(http.StatusSeeOther, "/applications/"+id+"/documents")
}

// signs checks, goes to the signing service and comes back.
func (v *visitor) signs(id string) *answer {
	v.t.Helper()
	v.post("/applications/"+id+"/check").want(http.StatusSeeOther, "/applications/"+id+"/check")
	page := v.get("/applications/" + id + "/check").want(http.StatusOK)
	v.post("/applications/"+id+"/sign", "request", page.input("request")).want(http.StatusSeeOther, "https://login.example/sign")
	return v.get(SignCallback + "?code=1&state=1").want(http.StatusSeeOther)
}

// stateOf reads a case's state behind the portal's back.
func (w *world) stateOf(t *testing.T, id string) application.State {
	t.Helper()
	v, err := w.Desk.View(t.Context(), w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	return v.Case.State
}

// multipart sends one plain value in a form with files.
func (v *visitor) multipart(path, name, value string) *answer {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if form.WriteField(name, value) != nil || form.Close() != nil {
		v.t.Fatal("writing a form")
	}
	req, err := http.NewRequest(http.MethodPost, v.w.Server.URL+path, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return v.do(req)
}
