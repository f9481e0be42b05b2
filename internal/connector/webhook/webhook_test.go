package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/format/httpsig"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func sender(t testing.TB, near []netip.Prefix) *Sender {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock.Adjustable{}
	c.Set(time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST))
	s, err := New(Config{KeyID: "hook-1", Key: key, Clock: c, Near: near})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a receiver gets is signed as it was sent, and redirects are not followed.
func TestPost(t *testing.T) {
	s := sender(t, loopback)
	var problem error
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, problem = httpsig.Verify(httpsig.Message{Method: r.Method, TargetURI: "http://" + r.Host + r.URL.RequestURI(), ContentType: r.Header.Get("Content-Type"), Body: body},
			httpsig.Headers{ContentDigest: r.Header.Get("Content-Digest"), SignatureInput: r.Header.Get("Signature-Input"), Signature: r.Header.Get("Signature")},
			httpsig.Check{Tag: Tag, Now: s.config.Clock.Now(), Window: time.Minute, Key: func(id string) *ecdsa.PublicKey {
				if id != "hook-1" || r.Header.Get(EventHeader) != "event-1" {
					return nil
				}
				return s.Public()
			}})
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()
	status, err := s.Post(t.Context(), receiver.URL+"/hooks?tenant=7", "event-1", []byte(`{"state":"revoked"}`))
	if err != nil || status != http.StatusAccepted || problem != nil {
		t.Errorf("got %d, %v; the receiver found %v", status, err, problem)
	}
	if status, err = s.Post(t.Context(), receiver.URL+"/away", "event-1", nil); err != nil || status != http.StatusFound {
		t.Errorf("a redirect: got %d, %v", status, err)
	}
}

func TestWhereNothingGoes(t *testing.T) {
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
	defer receiver.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		name, target string
		near         []netip.Prefix
		want         fault.Kind
	}{
		{"loopback", receiver.URL, nil, fault.Forbidden},
		{"loopback by name", strings.Replace(receiver.URL, "127.0.0.1", "localhost", 1), nil, fault.Forbidden},
		{"without TLS", "http://example.com/", nil, fault.Forbidden},
		{"without TLS by a name of loopback", strings.Replace(gone.URL, "127.0.0.1", "localhost", 1), loopback, fault.Forbidden},
		{"nobody there", gone.URL, loopback, fault.Upstream},
		{"a certificate of nobody", receiver.URL, loopback, fault.Upstream},
		{"another protocol", "ftp://example.com/", nil, fault.Forbidden},
		{"no address", "://", nil, fault.Invalid},
		{"a user", "https://a:b@example.com/", nil, fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := sender(t, c.near).Post(t.Context(), c.target, "e", nil)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "example.com") {
				t.Errorf("the error tells the address: %v", err)
			}
		})
	}
}

func TestOpenNetwork(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "192.0.2.1": false, "::1": false, "fe80::1": false, "fd00::1": false,
		"::": false, "64:ff9b::a01:203": false, "2002:7f00:1::": false, "ff02::1": false,
	} {
		if got := open(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: open %t, want %t", text, got, want)
		}
	}
	if s := sender(t, nil); s.control("tcp", "[::ffff:127.0.0.1]:443", nil) == nil {
		t.Error("an IPv4 address in IPv6 clothes was called")
	}
}
