package api_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/review"
	"akashi/internal/verification"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	r := s.verify(t, s.Code)
	if r.Verdict != verification.Valid || r.IssuerName != "厚生労働大臣" || r.Facts[cose.HolderName] != "見本　花子" || r.StatusAt == nil {
		t.Errorf("valid: %+v", r)
	}
	for _, key := range []string{cose.HolderBirthDate, cose.HolderCode} {
		if r.Facts[key] != "" {
			t.Errorf("the answer has %s", key)
		}
	}
	for text, want := range map[string]verification.Verdict{
		changed(t, s.Code, "見本", "見木"):               verification.Tampered,
		changed(t, s.Code, "mhlw-test", "mhlw-none"): verification.UnknownIssuer,
		"こんにちは":                                      verification.Unreadable,
	} {
		if r := s.verify(t, text); r.Verdict != want || r.Facts != nil {
			t.Errorf("want %s: %+v", want, r)
		}
	}
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	e := held[0].Entry
	id, err := s.Office.ProposeMeasure(t.Context(), s.Keeper, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: review.MeasureRevoke,
		Reason: "試験のための処分", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	s.Approve(t, id)
	if r := s.verify(t, s.Code); r.Verdict != verification.Revoked || r.Status != verification.No {
		t.Errorf("revoked: %+v", r)
	}
	s.Verifier.DB.Pool.Close()
	if r := s.verify(t, s.Code); r.Verdict != verification.CannotTell || r.Status != verification.Unknown {
		t.Errorf("no register: %+v", r)
	}
	s.do(t, "GET", "/v1/keys", "").problem(t, "no keys", 500, "fault on our side")
	s.nothingLogged(t)
}

// nothingLogged looks for the credential in the logs.
func (s *service) nothingLogged(t testing.TB) {
	t.Helper()
	log := s.log.String()
	if !strings.Contains(log, `route="POST /v1/verifications"`) {
		t.Fatalf("requests are not logged: %s", log)
	}
	_, code, _ := strings.Cut(s.Code, "c=")
	for _, secret := range []string{"花子", "見本", code[:20], code[60:80], "KGMH", "1998", "2003-"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestQuestionsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	_, code, _ := strings.Cut(s.Code, "c=")
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"no JSON", "POST", "/v1/verifications", code, 400, "body"},
		{"nothing", "POST", "/v1/verifications", "", 400, "body"},
		{"no credential", "POST", "/v1/verifications", "{}", 422, "credential"},
		{"an empty credential", "POST", "/v1/verifications", `{"credential":""}`, 422, "body.credential"},
		{"a number", "POST", "/v1/verifications", `{"credential":5}`, 422, "body.credential"},
		{"another member", "POST", "/v1/verifications", `{"credential":"x","name":"花子"}`, 422, "unexpected property"},
		{"a member twice", "POST", "/v1/verifications", `{"credential":"x","credential":"` + code + `"}`, 400, "member named twice"},
		{"a member twice, by case", "POST", "/v1/verifications", `{"credential":"x","Credential":"` + code + `"}`, 400, "member named twice"},
		{"too long", "POST", "/v1/verifications", `{"credential":"` + strings.Repeat("A", 20_000) + `"}`, 422, "body.credential"},
		{"far too long", "POST", "/v1/verifications", `{"credential":"` + strings.Repeat("A", 200_000) + `"}`, 413, "too large"},
		{"GET", "GET", "/v1/verifications?c=" + code, "", 405, "POST"},
		{"DELETE", "DELETE", "/v1/keys", "", 405, "GET"},
		{"a path that is not there", "GET", "/v1/verifications/" + code, "", 404, "no such resource"},
		{"GET of a callback", "GET", "/callbacks/payment", "", 405, "POST"},
	} {
		a := s.do(t, c.method, c.path, c.body, "Content-Type", "application/json")
		a.problem(t, c.name, c.status, c.want)
		if strings.Contains(a.Body, code[:20]) || strings.Contains(a.Body, "花子") || strings.Contains(a.Body, "AAAA") {
			t.Errorf("%s: the error repeats what was sent: %.300s", c.name, a.Body)
		}
	}
	s.do(t, "POST", "/v1/verifications", "credential=x", "Content-Type", "application/x-www-form-urlencoded").problem(t, "a form", 415, "")
	s.nothingLogged(t)
}

func TestPagesOfOtherOriginsMayAsk(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	a := s.do(t, "OPTIONS", "/v1/verifications", "", "Origin", "https://hospital.example", "Access-Control-Request-Method", "POST")
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Akashi-Version, Authorization, Content-Type, DPoP, Idempotency-Key"} {
		if got := a.Header.Get(name); got != want || a.StatusCode != 204 {
			t.Errorf("%d, %s is %q, want %q", a.StatusCode, name, got, want)
		}
	}
	a = s.do(t, "POST", "/v1/verifications", `{"credential":"x"}`, "Content-Type", "application/json", "Origin", "https://hospital.example")
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Link": ""} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(a.Body, "$schema") {
		t.Errorf("the answer has a $schema: %s", a.Body)
	}
	if a := s.do(t, "POST", "/callbacks/payment", "", "Origin", "https://hospital.example"); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("callbacks are open to pages")
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := start(t, api.Rate{PerSecond: 0.001, Burst: 2})
	for range 2 {
		s.verify(t, s.Code)
	}
	a := s.do(t, "POST", "/v1/verifications", `{"credential":"x"}`, "Content-Type", "application/json")
	a.problem(t, "beyond the limit", 429, "faster than allowed")
	if a.Header.Get("Retry-After") == "" {
		t.Error("the client is not told when to come back")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	a := s.do(t, "GET", "/v1/keys", "")
	set, err := verification.ParseKeySet([]byte(a.Body))
	if err != nil || len(set) != 4 || a.Header.Get("Content-Type") != "application/jwk-set+json" || a.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Fatalf("%v %s: %v", a.Header, a.Body, err)
	}
	if r := set.Check(s.Code, casetest.Start()); r.Untampered != verification.Yes {
		t.Errorf("by the key: %+v", r)
	}
	if !a.Uncompressed || a.Header.Get("Vary") == "" {
		t.Errorf("the keys were not sent compressed: %v", a.Header)
	}
	if again := s.do(t, "GET", "/v1/keys", "", "If-None-Match", a.Header.Get("ETag")); again.StatusCode != 304 || again.Body != "" {
		t.Errorf("with the ETag: %d %s", again.StatusCode, again.Body)
	}
}

// TestTrustListIsServed: absent before the first, the same until the next, and an error once the newest has ended.
func TestTrustListIsServed(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	s.do(t, "GET", "/v1/trust-list", "").problem(t, "before the first", 404, "No trust list")
	p, anchor := s.Trust(t)
	v, err := p.Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := s.do(t, "GET", "/v1/trust-list", "")
	if a.StatusCode != 200 || a.Body != v.Token || a.Header.Get("Content-Type") != verification.MediaTrustList || a.Header.Get("Cache-Control") != "public, max-age=300" || a.Header.Get("ETag") != `"1-gzip"` {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	if _, err := verification.ReadTrustList([]byte(a.Body), []*x509.Certificate{anchor}, s.Clock.Now()); err != nil {
		t.Error(err)
	}
	if again := s.do(t, "GET", "/v1/trust-list", "", "If-None-Match", a.Header.Get("ETag")); again.StatusCode != 304 || again.Body != "" {
		t.Errorf("with the ETag: %d %s", again.StatusCode, again.Body)
	}
	s.Clock.Set(v.ExpiresAt.Add(-time.Minute))
	if late := s.do(t, "GET", "/v1/trust-list", ""); late.Header.Get("Cache-Control") != "public, max-age=59" && late.Header.Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("near its end it may be kept: %s", late.Header.Get("Cache-Control"))
	}
	s.Clock.Set(v.ExpiresAt)
	s.do(t, "GET", "/v1/trust-list", "").problem(t, "after its end", 503, "cannot be told now")
}

func TestPaymentCallback(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	for _, c := range []struct {
		name, proof, body string
		status, stored    int
	}{
		{"good", "good", "evt-1", 204, 1},
		{"the same again", "good", "evt-1", 204, 1},
		{"another", "good", "evt-2", 204, 2},
		{"not the provider's", "bad", "evt-3", 401, 2},
		{"keys unreachable", "unreachable", "evt-3", 503, 2},
		{"a fault of ours", "broken", "evt-3", 500, 2},
		{"too large", "good", strings.Repeat("x", 17<<10), 413, 2},
	} {
		a := s.do(t, "POST", "/callbacks/payment", c.body, "Proof", c.proof)
		if a.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.StatusCode, a.Body, c.status)
		}
		if c.status != 204 {
			a.problem(t, c.name, c.status, "")
		}
		if got := s.stored(t); got != c.stored {
			t.Errorf("%s: %d callbacks are stored, want %d", c.name, got, c.stored)
		}
	}
	s.Receiver.DB.Pool.Close()
	s.do(t, "POST", "/callbacks/payment", "evt-4", "Proof", "good").problem(t, "cannot be stored", 500, "Send it again later")
}

func (s *service) stored(t testing.TB) (n int) {
	t.Helper()
	err := s.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from payment_callback`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDescriptionGolden: openapi.json is what the operations say. AKASHI_GOLDEN=write writes it anew.
func TestDescriptionGolden(t *testing.T) {
	made, err := api.Describe()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("AKASHI_GOLDEN") == "write" {
		if err := os.WriteFile("openapi.json", made, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(made, api.Description) {
		t.Error("openapi.json is not what the operations say: run make golden and look at the difference")
	}
	var d struct {
		OpenAPI string
		Paths   map[string]any
	}
	if err := json.Unmarshal(api.Description, &d); err != nil || d.OpenAPI != "3.1.0" || len(d.Paths) != 14 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDescriptionIsServed(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	if a := s.do(t, "GET", "/openapi.json", ""); a.StatusCode != 200 || a.Body != string(api.Description) || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
	for _, path := range []string{"/docs", "/schemas/Verification.json", "/"} {
		s.do(t, "GET", path, "").problem(t, path, 404, "no such resource")
	}
}

// TestVerdictsAreDescribed: the description lists every verdict and outcome of the stage, and no other.
func TestVerdictsAreDescribed(t *testing.T) {
	var d struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := json.Unmarshal(api.Description, &d); err != nil {
		t.Fatal(err)
	}
	described := d.Components.Schemas["Verification"].Properties["verdict"].Enum
	if len(described) != len(verification.Verdicts) {
		t.Errorf("%d verdicts are described, there are %d", len(described), len(verification.Verdicts))
	}
	for i, v := range verification.Verdicts {
		if i < len(described) && described[i] != string(v) {
			t.Errorf("verdict %d is described as %q, not %q", i, described[i], v)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := api.New(api.Config{}); err == nil || !strings.Contains(err.Error(), "origin and log") {
		t.Errorf("got %v, want the missing settings", err)
	}
	if _, err := api.New(api.Config{Origin: "https://x.example", Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "prove") {
		t.Errorf("got %v, want the missing parts", err)
	}
}

// FuzzVerify throws bodies at the endpoint: an answer of 200 or a refusal of the client's, never a fault of ours.
func FuzzVerify(f *testing.F) {
	w := casetest.New(f)
	h, err := api.New(api.Config{Origin: "http://127.0.0.1", Log: slog.New(slog.DiscardHandler), Verifier: w.Verifier, Prove: prove(w), Receiver: w.Receiver, Rate: plenty,
		Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey()})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{`{"credential":"https://check.example/w/?c=0oRD"}`, `{"credential":"c="}`, `{}`, `[`, `{"credential":"\u0000"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/v1/verifications", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code >= 500 || !json.Valid(rec.Body.Bytes()) {
			t.Fatalf("%q: %d %s", body, rec.Code, rec.Body)
		}
	})
}

// BenchmarkVerify asks over HTTP; verification.BenchmarkCheckText is the bare loop with which it is compared.
func BenchmarkVerify(b *testing.B) {
	s := start(b, plenty)
	body := `{"credential":"` + s.Code + `"}`
	b.ResetTimer()
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			resp, err := http.Post(s.URL+"/v1/verifications", "application/json", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !bytes.Contains(raw, []byte(`"verdict":"valid"`)) {
				b.Fatalf("%v %s", err, raw)
			}
		}
	})
}

// A PDF is checked like a code; what is no PDF, or too large, is refused.
func TestVerifyDocument(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	document := string(s.Document(t, nil))
	ask := func(body string) verification.Result {
		t.Helper()
		a := s.do(t, "POST", "/v1/verifications/document", body, "Content-Type", "application/pdf")
		var r verification.Result
		if err := json.Unmarshal([]byte(a.Body), &r); err != nil || a.StatusCode != 200 {
			t.Fatalf("%d %s: %v", a.StatusCode, a.Body, err)
		}
		return r
	}
	if r := ask(document); r.Verdict != verification.Valid || r.Facts[cose.HolderName] != "見本　花子" {
		t.Errorf("genuine: %+v", r)
	}
	if r := ask(strings.Replace(document, "595 842", "595 843", 1)); r.Verdict != verification.Tampered || r.Reason != "wrong_digest" {
		t.Errorf("changed: %+v", r)
	}
	s.do(t, "POST", "/v1/verifications/document", document, "Content-Type", "text/plain").problem(t, "no PDF", 415, "application/pdf")
	s.do(t, "POST", "/v1/verifications/document", strings.Repeat("%", 9<<20), "Content-Type", "application/pdf").problem(t, "too large", 413, "too large")
	s.do(t, "GET", "/v1/verifications/document", "").problem(t, "GET", 405, "POST")
	if strings.Contains(s.log.String(), "花子") {
		t.Error("the log has the name")
	}
}
