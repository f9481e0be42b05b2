package matrix

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"akashi/internal/portal/citizen"
	"akashi/internal/portal/office"
)

// visitor is a browser at one portal, as somebody.
type visitor struct {
	t      *testing.T
	at     string
	client *http.Client
}

func newVisitor(t *testing.T, at string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	ok(t, err)
	return &visitor{t, at, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// citizenAs is a browser in which a person has logged in.
func (w *world) citizenAs(t *testing.T, subject string) *visitor {
	v := newVisitor(t, w.citizen.url)
	v.send("POST", "/login", url.Values{"to": {"/"}}, "")
	v.send("GET", citizen.LoginCallback+"?code="+subject, nil, "")
	if a := v.send("GET", "/messages", nil, ""); a.status != http.StatusOK {
		t.Fatalf("%s is not logged in: %d", subject, a.status)
	}
	return v
}

// officerAs is a browser in which a member of staff has logged in and confirmed it with the second factor.
func (w *world) officerAs(t *testing.T, subject string) *visitor {
	v := newVisitor(t, w.office.url)
	for _, path := range []string{"/login", "/step-up"} {
		v.send("POST", path, url.Values{"to": {"/"}}, "")
		v.send("GET", office.LoginCallback+"?code="+subject, nil, "")
	}
	if a := v.send("GET", "/step-up", nil, ""); a.status != http.StatusOK {
		t.Fatalf("%s is not logged in: %d", subject, a.status)
	}
	return v
}

// borrowed is a browser at one portal that shows it the session of another.
func borrowed(t *testing.T, at site, from *visitor) *visitor {
	v := newVisitor(t, at.url)
	home, err := url.Parse(from.at)
	ok(t, err)
	there, err := url.Parse(at.url)
	ok(t, err)
	for _, c := range from.client.Jar.Cookies(home) {
		v.client.Jar.SetCookies(there, []*http.Cookie{{Name: "akashi_" + at.name, Value: c.Value, Path: "/"}})
	}
	return v
}

type answer struct {
	status   int
	to, body string
}

// send asks as a browser does that shows a page of the portal: from is Sec-Fetch-Site, "" for same-origin.
func (v *visitor) send(method, path string, form url.Values, from string) answer {
	v.t.Helper()
	body, kind := strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"
	if strings.Contains(path, "/documents/") && method == http.MethodPost {
		body, kind = inParts(v.t, form)
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.at+path, body)
	ok(v.t, err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if from != "" {
		r.Header.Set("Sec-Fetch-Site", from)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Origin", v.at)
	}
	resp, err := v.client.Do(r)
	ok(v.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	ok(v.t, err)
	return answer{resp.StatusCode, resp.Header.Get("Location"), string(raw)}
}

// inParts writes a form as one with files.
func inParts(t *testing.T, form url.Values) (*strings.Reader, string) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, values := range form {
		for _, value := range values {
			ok(t, m.WriteField(name, value))
		}
	}
	ok(t, m.Close())
	return strings.NewReader(b.String()), m.FormDataContentType()
}
