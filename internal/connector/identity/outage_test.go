package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/identity"
	"akashi/internal/fault"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/idp"
)

// A sign transaction that was not begun, and one that was begun but reported as failed: the caller begins another.
func TestStartSignatureFails(t *testing.T) {
	w := newWorld(t, nil)
	for _, mode := range []idp.Mode{idp.Fail, idp.FailAfter} {
		if err := w.idp.SetOutage(idp.Outage{Target: "sign_start", Mode: mode, Times: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := w.citizen.StartSignature(t.Context(), sha256.Sum256(nil))
		wantFault(t, err, fault.Upstream, "", "answer 500")
		w.sign(t, []byte("{}"), "", card("hanako"), password("ABC123"))
	}
}

// A result that fails on the way is asked for again; one that keeps failing is an Upstream fault; and when the code was
// redeemed without anybody hearing of it, a new signature over the same bytes goes through.
func TestFinishSignatureFails(t *testing.T) {
	w := newWorld(t, nil)
	finish := func(o idp.Outage) error {
		address, pending := w.beginSignature(t, []byte("{}"), "")
		query := visit(t, address, card("hanako"), password("ABC123"))
		if err := w.idp.SetOutage(o); err != nil {
			t.Fatal(err)
		}
		defer w.idp.ClearOutages()
		_, err := w.citizen.FinishSignature(t.Context(), pending, query)
		return err
	}
	for _, mode := range []idp.Mode{idp.Fail, idp.FailAfter} {
		if err := finish(idp.Outage{Target: "sign_result", Mode: mode, Times: 2}); err != nil {
			t.Errorf("%s twice: %v", mode, err)
		}
	}
	wantFault(t, finish(idp.Outage{Target: "sign_result", Mode: idp.Fail}), fault.Upstream, "", "answer 500")
	wantFault(t, finish(idp.Outage{Target: "token", Mode: idp.FailAfter, Times: 1}), fault.Upstream, "", "500")
	w.sign(t, []byte("{}"), "", card("hanako"), password("ABC123"))
}

// A login that failed without being applied can be finished with the same callback; one that was applied cannot.
func TestTokenEndpointFails(t *testing.T) {
	w := newWorld(t, nil)
	address, pending := w.beginLogin(t)
	query := visit(t, address, card("hanako"), pin("1234"))
	for _, mode := range []idp.Mode{idp.Fail, idp.FailAfter} {
		if err := w.idp.SetOutage(idp.Outage{Target: "token", Mode: mode, Times: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := w.citizen.Finish(t.Context(), pending, query)
		wantFault(t, err, fault.Upstream, "", "500")
	}
	_, err := w.citizen.Finish(t.Context(), pending, query)
	wantFault(t, err, fault.Unauthenticated, "identity.code_refused", "used before")
}

func TestProviderDown(t *testing.T) {
	w := newWorld(t, nil)
	if err := w.idp.SetOutage(idp.Outage{Target: "discovery", Mode: idp.Fail, Times: 1}); err != nil {
		t.Fatal(err)
	}
	request := identity.LoginRequest{RedirectURI: callbackURL}
	_, _, err := w.citizen.AuthURL(t.Context(), request)
	wantFault(t, err, fault.Upstream, "", "500")
	if _, _, err := w.citizen.AuthURL(t.Context(), request); err != nil {
		t.Errorf("the provider is back, and yet: %v", err)
	}
	slow := w.configuration
	slow.Timeout = 50 * time.Millisecond
	citizen, err := identity.NewCitizen(slow)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.idp.SetOutage(idp.Outage{Target: "discovery", Mode: idp.Slow, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	_, _, err = citizen.AuthURL(t.Context(), request)
	var late net.Error
	if wantFault(t, err, fault.Upstream, "", ""); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("%v, want a timeout", err)
	}
	w.idp.ClearOutages()

	if citizen, err = identity.NewCitizen(w.configuration); err != nil {
		t.Fatal(err)
	}

	w.answer = func(string, []byte) []byte { return make([]byte, 2<<20) }
	_, _, err = citizen.AuthURL(t.Context(), request)
	wantFault(t, err, fault.Upstream, "", "too long")
	w.answer = func(_ string, body []byte) []byte {
		return []byte(strings.Replace(string(body), `"token_endpoint":"`+w.origin, `"token_endpoint":"https://example.jp`, 1))
	}
	_, _, err = citizen.AuthURL(t.Context(), request)
	wantFault(t, err, fault.Upstream, "", "is elsewhere")
}

func TestRevocationListServer(t *testing.T) {
	w := newWorld(t, nil)
	signed := w.sign(t, []byte("{}"), "", card("hanako"), password("ABC123"))
	if err := w.idp.SetOutage(idp.Outage{Target: "crl", Mode: idp.Fail, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.verify(t, []byte("{}"), signed); !errors.Is(err, jpki.CRLUnavailable) || fault.KindOf(err) != fault.Upstream {
		t.Errorf("%v, want %v", err, jpki.CRLUnavailable)
	}
	if _, err := identity.NewCRLServer("http://example.jp/crl", 0, nil); err == nil {
		t.Error("lists over plain http from afar are accepted")
	}
	lists, err := identity.NewCRLServer(w.origin+"/jpki/crl/signing", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lists.Fetch(context.Background(), jpki.Point{Name: "nowhere"})
	wantFault(t, err, fault.Upstream, "", "answer 404")
}

func TestConfigurationRefused(t *testing.T) {
	keys, err := identity.LoadKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := identity.Config{Issuer: "https://example.jp/realm", ClientID: clientID, Keys: keys, Clock: clock.System{}}
	if _, err := identity.NewCitizen(good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*identity.Config)
		want   string
	}{
		"plain http":    {func(c *identity.Config) { c.Issuer = "http://example.jp/realm" }, "neither https"},
		"looks local":   {func(c *identity.Config) { c.Issuer = "ftp://127.0.0.1/realm" }, "neither https"},
		"no client":     {func(c *identity.Config) { c.ClientID = "" }, "no client id"},
		"no clock":      {func(c *identity.Config) { c.Clock = nil }, "no clock"},
		"no key":        {func(c *identity.Config) { c.Keys.Assertion = nil }, "no client key"},
		"P-384":         {func(c *identity.Config) { c.Keys.Assertion = p384 }, "not on P-256"},
		"no decryption": {func(c *identity.Config) { c.Keys.Decryption = nil }, "neither RSA nor ECDSA"},
	} {
		bad := good
		c.change(&bad)
		if _, err := identity.NewCitizen(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	first, err := identity.LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := identity.LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Assertion.Public().(*ecdsa.PublicKey).Equal(second.Assertion.Public()) {
		t.Error("the key changes between starts")
	}
	path := dir + "/client-assertion.pem"
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.LoadKeys(dir); err == nil || !strings.Contains(err.Error(), "may be read by others") {
		t.Errorf("an open key file: %v", err)
	}
	if err := os.WriteFile(path, []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.LoadKeys(dir); err == nil || !strings.Contains(err.Error(), "not one PKCS #8 key") {
		t.Errorf("a spoilt key file: %v", err)
	}
}
