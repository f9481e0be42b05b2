package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/server"
)

// patience bounds waits for events that take milliseconds.
const patience = 2 * time.Minute

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// running is a server under test.
type running struct {
	*server.Server
	log  *lines
	stop func() error // ends the context and waits for Serve
}

func run(t *testing.T, cfg server.Config) running {
	t.Helper()
	r := running{log: &lines{}}
	cfg.Name, cfg.Logger = "citizen", server.NewLogger(r.log, true, slog.LevelInfo)
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	s, err := server.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("the server does not stop")
		}
	})
	t.Cleanup(func() { r.stop() })
	return r
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestLogHasNoQuery: neither what was asked for nor its path appears, only the route's pattern.
func TestLogHasNoQuery(t *testing.T) {
	mux := http.NewServeMux()
	var inside string
	mux.HandleFunc("GET /check/{number}", func(w http.ResponseWriter, r *http.Request) { inside = server.Reference(r.Context()) })
	s := run(t, server.Config{Handler: mux})
	resp, _ := get(t, s.URL()+"/check/KGMH-12345?name=佐藤花子&birth=19900401")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	log := s.log.String()
	for _, private := range []string{"佐藤", "1990", "12345", "%E4"} {
		if strings.Contains(log, private) {
			t.Errorf("the log holds %q: %s", private, log)
		}
	}
	reference := resp.Header.Get("X-Request-Id")
	for _, want := range []string{`"route":"GET /check/{number}"`, `"status":200`, `"portal":"citizen"`, `"reference":"` + reference + `"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
	if len(reference) != 10 || inside != reference {
		t.Errorf("the handler saw reference %q, the client %q", inside, reference)
	}
}

// TestRouteFromInside: a middleware that copies the request names the route itself.
func TestRouteFromInside(t *testing.T) {
	s := run(t, server.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.SetRoute(r.Context(), "GET /{lang}/cases/{id}")
	})})
	get(t, s.URL()+"/en/cases/7")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.log.String(), `"route":"GET /{lang}/cases/{id}"`) {
		t.Error(s.log)
	}
}

func TestPanicBecomesAPage(t *testing.T) {
	s := run(t, server.Config{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "half=done")
			panic("the shelf fell")
		}),
		Broken: func(w http.ResponseWriter, _ *http.Request, reference string) {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, "page with ", reference)
		},
	})
	resp, body := get(t, s.URL())
	if want := "page with " + resp.Header.Get("X-Request-Id"); resp.StatusCode != 500 || body != want || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("got %d %q %v, want 500 %q without the half-made header", resp.StatusCode, body, resp.Header, want)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if log := s.log.String(); !strings.Contains(log, "the shelf fell") || !strings.Contains(log, `"status":500`) {
		t.Errorf("the log lacks the cause: %s", log)
	}
}

// TestPanicAfterTheFirstByte: the client must not take half an answer for the whole.
func TestPanicAfterTheFirstByte(t *testing.T) {
	s := run(t, server.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "first half")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		panic("no second half")
	})})
	resp, err := http.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

// TestStopLetsRequestsFinish: a request that is running when the stop comes is answered.
func TestStopLetsRequestsFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := run(t, server.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		fmt.Fprint(w, "finished")
	})})
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get(s.URL())
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		got <- fmt.Sprint(string(body), err)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	close(release)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if answer := <-got; answer != "finished<nil>" {
		t.Errorf("the running request got %q", answer)
	}
}

// TestGraceEnds: a request that does not end is cut off, and Serve says so.
func TestGraceEnds(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	s := run(t, server.Config{Grace: 10 * time.Millisecond, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})})
	go func() {
		if resp, err := http.Get(s.URL()); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	if err := s.stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

// TestHealthBesideAPortal: a portal on another loopback address answers its health, and no page, on 127.0.0.1.
func TestHealthBesideAPortal(t *testing.T) {
	var sick error
	s := run(t, server.Config{
		Addr:    "127.0.0.2:0",
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") }),
		Health:  func(context.Context) error { return sick },
	})
	beside := strings.Replace(s.URL(), "127.0.0.2", "127.0.0.1", 1)
	for url, want := range map[string]string{
		s.URL() + "/": "200 page", s.URL() + "/healthz": "200 ok\n",
		beside + "/healthz": "200 ok\n", beside + "/": "404 404 page not found\n",
	} {
		resp, body := get(t, url)
		if got := fmt.Sprint(resp.StatusCode, " ", body); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	sick = errors.New("no database")
	if resp, body := get(t, beside+"/healthz"); resp.StatusCode != 503 || strings.Contains(body, "database") {
		t.Errorf("sick: got %d %q, want 503 without the cause", resp.StatusCode, body)
	}
}

func TestAddressInUse(t *testing.T) {
	s := run(t, server.Config{Handler: http.NotFoundHandler()})
	_, err := server.Listen(server.Config{Name: "office", Addr: strings.TrimPrefix(s.URL(), "http://")})
	if err == nil || !strings.Contains(err.Error(), "listening for office") || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v, want the portal's name and the cause", err)
	}
}

func TestMetrics(t *testing.T) {
	m := server.NewMetrics()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cases/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	s := run(t, server.Config{Handler: mux, Metrics: m})
	get(t, s.URL()+"/cases/1")
	get(t, s.URL()+"/cases/2")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	m.WatchJobs(func(context.Context) (map[string]int64, error) { return map[string]int64{"retryable": 3}, nil })
	_, text := get(t, run(t, server.Config{Handler: m.Handler()}).URL()+"/metrics")
	for _, want := range []string{
		`akashi_http_requests_total{method="GET",portal="citizen",route="GET /cases/{id}",status="404"} 2`,
		`akashi_http_request_seconds_count{portal="citizen",route="GET /cases/{id}"} 2`,
		`akashi_jobs{state="retryable"} 3`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestLogRedacts(t *testing.T) {
	var l lines
	log := server.NewLogger(&l, false, slog.LevelInfo)
	log.Info("try", "client_secret", "s3cret", "portal", "citizen", slog.Group("login", "id_token", "eyJ", "name_kana", "サトウ"))
	got := l.String()
	for _, secret := range []string{"s3cret", "eyJ", "サトウ"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log holds %q: %s", secret, got)
		}
	}
	if !strings.Contains(got, "portal=citizen") || strings.Count(got, "[redacted]") != 3 {
		t.Errorf("got %s", got)
	}
}

// TestUnusedConnection: a connection on which nothing was asked does not hold a stop up.
func TestUnusedConnection(t *testing.T) {
	s, err := server.Listen(server.Config{Name: "unused", Addr: "127.0.0.1:0", Handler: http.NotFoundHandler(), Grace: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := http.Get(s.URL() + "/healthz"); err != nil { // by now the other connection has been accepted, too
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stopping beside an unused connection: %v", err)
	}
}
