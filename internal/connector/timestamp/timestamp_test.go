package timestamp_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/timestamp"
	"akashi/internal/fault"
	"akashi/internal/format/cms"
	"akashi/internal/format/tsp"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/simtest"
	sim "akashi/internal/govsim/timestamp"
)

// noon is near the machine's time, which OpenSSL reads.
var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, clock.JST)

// served is a simulated authority with a client of it.
type served struct {
	*sim.Server
	url    string
	clock  *clock.Adjustable
	client *timestamp.Client
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{clock: &clock.Adjustable{}}
	s.clock.Set(noon)
	s.url = simtest.Serve(t, func(baseURL string) http.Handler {
		server, err := sim.New(sim.Config{BaseURL: baseURL, Clock: s.clock})
		if err != nil {
			t.Fatal(err)
		}
		s.Server = server
		return server
	})
	s.client = s.newClient(t, nil)
	return s
}

func (s *served) newClient(t *testing.T, change func(*timestamp.Config)) *timestamp.Client {
	t.Helper()
	c := timestamp.Config{URL: s.url + sim.Path, Lists: s.url + sim.ListPath, Anchors: []*x509.Certificate{s.Anchor()}, Clock: s.clock,
		Timeout: 2 * time.Second, Wait: time.Millisecond}
	if change != nil {
		change(&c)
	}
	client, err := timestamp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestStamp(t *testing.T) {
	s := serve(t)
	digest := sha256.Sum256([]byte("document"))
	raw, err := s.client.Stamp(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tsp.ParseToken(raw)
	if err != nil {
		t.Fatal(err)
	}
	i := token.Info
	if i.Time.Sub(noon).Abs() > time.Minute || i.Accuracy != time.Second || !i.Policy.Equal(sim.Policy()) || i.Nonce == nil || !bytes.Equal(i.Imprint, digest[:]) {
		t.Errorf("got %+v", i)
	}
	again, err := s.client.Stamp(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := tsp.ParseToken(again); err != nil || second.Info.Serial.Cmp(i.Serial) == 0 {
		t.Errorf("two tokens have one serial number: %v", err)
	}
	certificates, lists, err := s.client.Evidence(t.Context(), raw)
	if err != nil || len(certificates) != 2 || len(lists) != 1 {
		t.Errorf("evidence: %v, %d certificates, %d lists", err, len(certificates), len(lists))
	}
	// The list serves for an hour; then it is fetched again, and what cannot be fetched is no evidence.
	if err := s.Faults().Add(fail.Rule{Path: sim.ListPath, Mode: fail.Fail}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.client.Evidence(t.Context(), raw); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	s.clock.Advance(2 * time.Hour)
	if _, _, err := s.client.Evidence(t.Context(), raw); !errors.Is(err, fault.Upstream) {
		t.Errorf("two hours later: %v", err)
	}
}

// The authority fails in every way, before and after its work: a passing failure is outlived, a lasting one has its kind.
func TestFailures(t *testing.T) {
	digest := sha256.Sum256([]byte("document"))
	for name, c := range map[string]struct {
		rule fail.Rule
		want error
	}{
		"one 503":           {fail.Rule{Path: sim.Path, Mode: fail.Fail, Count: 1}, nil},
		"two after success": {fail.Rule{Path: sim.Path, Mode: fail.FailAfter, Count: 2}, nil},
		"one broken":        {fail.Rule{Path: sim.Path, Mode: fail.DropAfter, Count: 1}, nil},
		"503 for ever":      {fail.Rule{Path: sim.Path, Mode: fail.Fail}, fault.Upstream},
		"broken for ever":   {fail.Rule{Path: sim.Path, Mode: fail.Drop}, fault.Upstream},
		"refused":           {fail.Rule{Path: sim.Path, Mode: fail.Fail, Status: 403}, fault.Internal},
		"busy":              {fail.Rule{Path: sim.Path, Mode: fail.Fail, Status: 429}, fault.Upstream},
		"too slow":          {fail.Rule{Path: sim.Path, Mode: fail.SlowAfter, DelayMS: 60_000}, fault.Upstream},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			if err := s.Faults().Add(c.rule); err != nil {
				t.Fatal(err)
			}
			client := s.newClient(t, func(c *timestamp.Config) { c.Timeout = 300 * time.Millisecond })
			if _, err := client.Stamp(t.Context(), digest); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// answering is a server that answers every request like this.
func answering(t *testing.T, kind string, answer func(tsp.Request) []byte) string {
	t.Helper()
	return simtest.Serve(t, func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			q, err := tsp.ParseRequest(body)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", kind)
			if _, err := w.Write(answer(q)); err != nil {
				t.Error(err)
			}
		})
	})
}

// What an authority may not answer.
func TestDisbelieved(t *testing.T) {
	s := serve(t)
	// token has the simulated authority answer another request.
	token := func(q tsp.Request) []byte {
		body, err := q.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(s.url+sim.Path, "application/timestamp-query", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	refusal := func(bit tsp.FailureBit) []byte {
		b, err := tsp.Refuse(bit)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	stranger := serve(t)
	reply := "application/timestamp-reply"
	for name, c := range map[string]struct {
		kind   string
		answer func(tsp.Request) []byte
		change func(*timestamp.Config)
		want   error
		kindOf fault.Kind
	}{
		"another type":    {"text/html", token, nil, fault.Upstream, fault.Upstream},
		"no DER":          {reply, func(tsp.Request) []byte { return []byte("hello") }, nil, tsp.ErrForm, fault.Upstream},
		"endless":         {reply, func(tsp.Request) []byte { return make([]byte, 1<<20) }, nil, fault.Upstream, fault.Upstream},
		"bad request":     {reply, func(tsp.Request) []byte { return refusal(tsp.BadRequest) }, nil, tsp.ErrRefused, fault.Internal},
		"no time":         {reply, func(tsp.Request) []byte { return refusal(tsp.TimeNotAvailable) }, nil, tsp.ErrRefused, fault.Upstream},
		"another digest":  {reply, func(q tsp.Request) []byte { q.Imprint = make([]byte, 32); return token(q) }, nil, tsp.ErrImprint, fault.Upstream},
		"another nonce":   {reply, func(q tsp.Request) []byte { q.Nonce = big.NewInt(1); return token(q) }, nil, tsp.ErrNonce, fault.Upstream},
		"no nonce":        {reply, func(q tsp.Request) []byte { q.Nonce = nil; return token(q) }, nil, tsp.ErrNonce, fault.Upstream},
		"no certificates": {reply, func(q tsp.Request) []byte { q.Certs = false; return token(q) }, nil, cms.ErrSigner, fault.Upstream},
		"another policy": {reply, func(q tsp.Request) []byte { q.Policy = nil; return token(q) },
			func(c *timestamp.Config) { c.Policy = asn1.ObjectIdentifier{1, 2, 3} }, tsp.ErrPolicy, fault.Upstream},
		"another authority": {reply, token, func(c *timestamp.Config) { c.Anchors = []*x509.Certificate{stranger.Anchor()} }, tsp.ErrCertificate, fault.Upstream},
		"another time":      {reply, token, func(c *timestamp.Config) { c.Clock = clock.Fixed(noon.Add(time.Hour)) }, timestamp.ErrClock, fault.Upstream},
	} {
		t.Run(name, func(t *testing.T) {
			client := s.newClient(t, func(config *timestamp.Config) {
				config.URL, config.Tries = answering(t, c.kind, c.answer), 1
				if c.change != nil {
					c.change(config)
				}
			})
			if _, err := client.Stamp(t.Context(), sha256.Sum256(nil)); !errors.Is(err, c.want) || fault.KindOf(err) != c.kindOf {
				t.Errorf("%v, want %v of kind %s", err, c.want, c.kindOf)
			}
		})
	}
	// An authority refuses a policy that it does not have.
	client := s.newClient(t, func(c *timestamp.Config) { c.Policy = asn1.ObjectIdentifier{1, 2, 3} })
	if _, err := client.Stamp(t.Context(), sha256.Sum256(nil)); !errors.Is(err, tsp.ErrRefused) || !errors.Is(err, fault.Internal) {
		t.Errorf("unknown policy: %v", err)
	}
}

func TestConfigured(t *testing.T) {
	s := serve(t)
	anchors := []*x509.Certificate{s.Anchor()}
	for name, c := range map[string]timestamp.Config{
		"no clock":       {URL: s.url, Anchors: anchors},
		"no anchor":      {URL: s.url, Clock: s.clock},
		"no address":     {Anchors: anchors, Clock: s.clock},
		"unencrypted":    {URL: "http://tsa.example/", Anchors: anchors, Clock: s.clock},
		"unsafe list":    {URL: s.url, Lists: "ftp://tsa.example/crl", Anchors: anchors, Clock: s.clock},
		"relative place": {URL: "/tsa", Anchors: anchors, Clock: s.clock},
	} {
		if _, err := timestamp.New(c); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Years later the authority works under another certificate, and a revoked one is used no more.
func TestYears(t *testing.T) {
	s := serve(t)
	signer := func() *x509.Certificate {
		raw, err := s.client.Stamp(t.Context(), sha256.Sum256(nil))
		if err != nil {
			t.Fatal(err)
		}
		token, err := tsp.ParseToken(raw)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(nil)
		chain, err := token.Verify(digest[:], tsp.Trust{Anchors: []*x509.Certificate{s.Anchor()}})
		if err != nil {
			t.Fatal(err)
		}
		return chain[0]
	}
	first := signer()
	s.clock.Advance(10 * 365 * 24 * time.Hour)
	second := signer()
	s.Revoke(1)
	third := signer()
	if first.Equal(second) || second.Equal(third) || !third.Equal(signer()) {
		t.Error("certificates did not follow each other")
	}
}

// OpenSSL as another requester: it asks the simulated authority and believes its answer.
func TestOpenSSLAsks(t *testing.T) {
	s := serve(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("openssl", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("data", []byte("a document"))
	write("ca.pem", pemOf(s.Anchor()))
	run("ts", "-query", "-data", path("data"), "-sha512", "-cert", "-out", path("query"))
	query, err := os.ReadFile(path("query"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(s.url+sim.Path, "application/timestamp-query", bytes.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	write("reply", reply)
	out := run("ts", "-verify", "-queryfile", path("query"), "-in", path("reply"), "-CAfile", path("ca.pem"), "-attime", "1796094000")
	if !strings.Contains(out, "Verification: OK") {
		t.Errorf("OpenSSL: %s", out)
	}
	if token, err := tsp.ParseResponse(reply); err != nil || token.Info.Hash != crypto.SHA512 {
		t.Errorf("ours: %v", err)
	}
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
