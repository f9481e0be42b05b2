package public_test

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"akashi/internal/credential"
	"akashi/internal/format/statuslist"
	"akashi/internal/pg"
)

// lists publishes the status list of a site's one compact code, and returns what publishes the next.
func (s *site) lists(t *testing.T) *credential.Publisher {
	t.Helper()
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err == nil {
		_, err = s.Wallet.Compact(t.Context(), s.Nurse, held[0].Entry.RegisterID, held[0].Entry.ID, nil, s.URL+"/w/")
	}
	p := credential.NewPublisher(credential.PublisherConfig{DB: s.DB.As(pg.RoleStatus), Catalogue: s.Catalogue, Sign: s.Issuer.Sign, StatusBase: s.URL + "/status"})
	if err == nil {
		_, err = p.Step(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// suspend has the list changed and published.
func (s *site) suspend(t *testing.T, p *credential.Publisher) {
	t.Helper()
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err == nil {
		err = s.Wallet.Suspend(t.Context(), s.Nurse, held[0].Entry.RegisterID, held[0].Entry.ID)
	}
	if err == nil {
		_, err = p.Step(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) list(t *testing.T, method, path string, header ...string) answer {
	t.Helper()
	r := request(t, method, s.URL+path, "", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(t, r)
}

// TestStatusLists: both forms with their headers, by GET and HEAD, the same until something changes, and each version for ever.
func TestStatusLists(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	p := s.lists(t)
	key := func(string, []*x509.Certificate) (crypto.PublicKey, error) { return s.SigningKey(), nil }
	expect := statuslist.Expect{Subject: s.URL + "/status/KGMH/1", Now: s.Clock.Now()}
	read := map[string]func(string) error{
		"application/statuslist+jwt": func(body string) error { _, err := statuslist.ReadJWT(body, key, expect); return err },
		"application/statuslist+cwt": func(body string) error { _, err := statuslist.ReadCWT([]byte(body), key, expect); return err },
	}
	for accept, media := range map[string]string{"": "jwt", "*/*": "jwt", "application/statuslist+jwt": "jwt", "application/statuslist+cwt": "cwt",
		"application/statuslist+cwt;q=0.9, application/statuslist+jwt;q=0.1": "jwt", "text/html": "jwt"} {
		a := s.list(t, "GET", "/status/KGMH/1", "Accept", accept)
		want := map[string]string{"Content-Type": "application/statuslist+" + media, "ETag": `"1-` + media + `"`, "Cache-Control": "public, max-age=300", "Vary": "Accept",
			"Content-Location": "/status/KGMH/1/1." + media, "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
		for name, value := range want {
			if got := a.Header.Get(name); got != value {
				t.Errorf("accepting %q: %s is %q, want %q", accept, name, got, value)
			}
		}
		if err := read[a.Header.Get("Content-Type")](a.Body); a.StatusCode != 200 || err != nil || a.Header.Get("Last-Modified") == "" || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("accepting %q: %d, %v, %v", accept, a.StatusCode, err, a.Header)
		}
		if head := s.list(t, "HEAD", "/status/KGMH/1", "Accept", accept); head.StatusCode != 200 || head.Body != "" || head.Header.Get("ETag") != want["ETag"] || head.Header.Get("Content-Type") != want["Content-Type"] {
			t.Errorf("HEAD accepting %q: %d %v", accept, head.StatusCode, head.Header)
		}
		if again := s.list(t, "GET", "/status/KGMH/1", "Accept", accept, "If-None-Match", want["ETag"]); again.StatusCode != http.StatusNotModified || again.Body != "" || again.Header.Get("ETag") != want["ETag"] {
			t.Errorf("with the ETag, accepting %q: %d, %d bytes", accept, again.StatusCode, len(again.Body))
		}
	}
	before := s.list(t, "GET", "/status/KGMH/1").Body
	s.suspend(t, p)
	changed := s.list(t, "GET", "/status/KGMH/1", "If-None-Match", `"1-jwt"`)
	if changed.StatusCode != 200 || changed.Header.Get("ETag") != `"2-jwt"` || changed.Body == before {
		t.Errorf("after a change: %d %v", changed.StatusCode, changed.Header)
	}
	first := s.list(t, "GET", "/status/KGMH/1/1.jwt")
	if first.Body != before || !strings.HasSuffix(first.Header.Get("Cache-Control"), ", immutable") {
		t.Errorf("the first version: %d %v", first.StatusCode, first.Header)
	}
	s.Clock.Set(s.Clock.Now().Add(credential.StatusLife - time.Minute))
	late := s.list(t, "GET", "/status/KGMH/1").Header.Get("Cache-Control")
	left, err := strconv.Atoi(strings.TrimPrefix(late, "public, max-age="))
	if err != nil || left < 1 || left > 60 {
		t.Errorf("a minute before its end it may be kept: %s", late)
	}
}

// TestListsThatThereAreNot: another register, number or version, and other ways to write one, are not found.
func TestListsThatThereAreNot(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	s.lists(t)
	for _, path := range []string{"/status/XXXX/1", "/status/kgmh/1", "/status/KGMH/2", "/status/KGMH/0", "/status/KGMH/01", "/status/KGMH/-1", "/status/KGMH/1x", "/status/JKSA/1",
		"/status/KGMH/1/2.jwt", "/status/KGMH/1/1", "/status/KGMH/1/1.txt", "/status/KGMH/1/1.jwt.cwt", "/status/KGMH/2/1.jwt", "/status/KGMH/99999999999999999999", "/status/KGMH"} {
		if a := s.list(t, "GET", path); a.StatusCode != http.StatusNotFound || strings.HasPrefix(a.Header.Get("Content-Type"), "application/statuslist") || strings.HasPrefix(a.Header.Get("Cache-Control"), "public") {
			t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
		}
	}
}

// TestListsThatCannotBeTold: a list that was damaged, swapped, signed by a key that may not, or that has ended, and one that cannot be
// read, is answered with "cannot be checked now", and never with bytes that a verifier could take for a list; what is whole again is
// published again.
func TestListsThatCannotBeTold(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	p := s.lists(t)
	root := s.DB.Superuser()
	exec := func(sql string) {
		t.Helper()
		if _, err := root.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	later := func(name, path string) {
		t.Helper()
		a := s.list(t, "GET", path)
		if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.Body, "cannot be checked now") || a.Header.Get("Content-Type") != "application/problem+json" ||
			a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Retry-After") == "" || a.Header.Get("ETag") != "" {
			t.Errorf("%s: %d %v %.80s", name, a.StatusCode, a.Header, a.Body)
		}
	}
	exec(`create table kept as select * from status_version`)
	restore := `update status_version v set jwt = k.jwt, cwt = k.cwt, kid = k.kid, expires_at = k.expires_at from kept k where k.register_id = v.register_id and k.list_no = v.list_no and k.version = v.version`
	for name, damage := range map[string]string{
		"a changed signature":     `update status_version set jwt = overlay(jwt placing 'AAAA' from length(jwt) - 10)`,
		"a list that was cut off": `update status_version set jwt = left(jwt, 200)`,
		"an empty list":           `update status_version set jwt = ''`,
		"no token":                `update status_version set jwt = 'list'`,
		"a damaged CWT":           `update status_version set cwt = set_byte(cwt, length(cwt) - 5, (get_byte(cwt, length(cwt) - 5) + 1) % 256)`,
		"another end":             `update status_version set expires_at = expires_at + interval '1 day'`,
		"a key for credentials":   `update signing_key set purpose = 'credential' where kid = 'mhlw-status-test'`,
		"a distrusted key":        `update signing_key set distrusted_at = not_before where kid = 'mhlw-status-test'`,
	} {
		exec(damage)
		later(name, "/status/KGMH/1")
		later(name+", by its version", "/status/KGMH/1/1.jwt")
		exec(restore)
		exec(`update signing_key set purpose = 'status', distrusted_at = null where kid = 'mhlw-status-test'`)
	}
	if a := s.list(t, "GET", "/status/KGMH/1"); a.StatusCode != 200 {
		t.Errorf("whole again: %d", a.StatusCode)
	}
	s.suspend(t, p)
	exec(fmt.Sprintf(`update status_version set jwt = (select jwt from kept), cwt = (select cwt from kept) where version = %d`, 2))
	later("the version before in place of the newest", "/status/KGMH/1")
	s.Clock.Set(s.Clock.Now().Add(credential.StatusLife))
	exec(restore)
	later("a list that has ended", "/status/KGMH/1")
	s.Verifier.DB.Pool.Close()
	later("no database", "/status/KGMH/1")
	if !strings.Contains(s.log.String(), "a status list is not published") {
		t.Error("the log does not say why")
	}
}
