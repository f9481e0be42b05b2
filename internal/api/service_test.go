package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/issuance"
	"akashi/internal/payment"
	"akashi/internal/pg/pgtest"
	"akashi/internal/server"
	"akashi/internal/verification"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// service is the API over a world with one credential, behind the program's own server.
type service struct {
	*casetest.World
	URL  string
	Code string
	log  *lockedBuffer

	Holder *issuance.Holder // the holder's side of issuance to wallets
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// prove stands for the payment connector, which has tests of its own over the wire: the header says how it ends.
func prove(w *casetest.World) api.Prove {
	return func(_ context.Context, body []byte, header http.Header) (payment.Event, error) {
		switch header.Get("Proof") {
		case "good":
			return payment.Event{ID: string(body), Order: "KGMH-00000-00000-0", Status: payment.StatusPaid, At: w.Clock.Now(), Source: "callback"}, nil
		case "unreachable":
			return payment.Event{}, fault.New(fault.Upstream, "", "reading the provider's keys")
		case "broken":
			return payment.Event{}, errors.New("out of order")
		}
		return payment.Event{}, fault.New(fault.Unauthenticated, "", "checking a payment callback")
	}
}

func start(t testing.TB, rate api.Rate) *service {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	return serve(t, w, rate)
}

// serve lets a world be asked. change bends who answers wallets.
func serve(t testing.TB, w *casetest.World, rate api.Rate, change ...func(*issuance.Server)) *service {
	t.Helper()
	issuing := wallets(w)
	for _, f := range change {
		f(issuing)
	}
	s := &service{World: w, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Verifier.Log = log
	h, err := api.New(api.Config{Origin: "https://api.example", Log: log, Verifier: w.Verifier, Prove: prove(w), Receiver: w.Receiver, Rate: rate, Wallets: issuing,
		Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := server.Listen(server.Config{Name: "api", Addr: "127.0.0.1:0", Handler: h, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s.URL, s.Holder = l.URL(), holder(w)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) > 1 {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	if len(held) == 0 {
		return s
	}
	if s.Code, err = held[0].Credential.URL("https://check.example/w/"); err != nil {
		t.Fatal(err)
	}
	return s
}

var plenty = api.Rate{PerSecond: 1e6, Burst: 1e6}

type answer struct {
	*http.Response
	Body string
}

func (s *service) do(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(raw)}
}

// verify asks for one verification and returns the answer as the stage's own result.
func (s *service) verify(t testing.TB, text string) verification.Result {
	t.Helper()
	body, err := json.Marshal(map[string]string{"credential": text})
	if err != nil {
		t.Fatal(err)
	}
	a := s.do(t, "POST", "/v1/verifications", string(body), "Content-Type", "application/json")
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %s", a.StatusCode, a.Header.Get("Content-Type"), a.Body)
	}
	var r verification.Result
	dec := json.NewDecoder(strings.NewReader(a.Body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
	return r
}

// problem fails the test unless the answer is a problem document of the status that speaks of want.
func (a answer) problem(t testing.TB, name string, status int, want string) {
	t.Helper()
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s: no problem document: %s %s", name, a.Header.Get("Content-Type"), a.Body)
	}
	if a.StatusCode != status || p.Status != status || p.Title == "" || !strings.Contains(a.Body, want) {
		t.Errorf("%s: %d %s, want %d and %q", name, a.StatusCode, a.Body, status, want)
	}
}

func changed(t testing.TB, code, from, to string) string {
	t.Helper()
	message, err := cose.ParseURL(code)
	if err != nil || !bytes.Contains(message, []byte(from)) {
		t.Fatalf("changing %s: %v", from, err)
	}
	return base64.StdEncoding.EncodeToString(bytes.Replace(message, []byte(from), []byte(to), 1))
}
