package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/wire"
	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/simtest"
)

var noon = clock.Fixed(time.Date(2026, 12, 1, 12, 0, 0, 0, clock.JST))

func client(t *testing.T, h http.Handler, change func(*wire.Config)) *wire.Client {
	t.Helper()
	url := simtest.Serve(t, func(string) http.Handler { return h })
	config := simtest.NewCaller(t, "mhlw", noon).Config(url)
	if change != nil {
		change(&config)
	}
	c, err := wire.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKindOfEveryAnswer(t *testing.T) {
	for status, want := range map[int]fault.Kind{
		400: fault.Internal, 401: fault.Internal, 403: fault.Internal, 404: fault.NotFound, 409: fault.Conflict,
		422: fault.Invalid, 429: fault.Upstream, 500: fault.Upstream, 503: fault.Upstream, 302: fault.Upstream,
	} {
		var calls atomic.Int32
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":"said_so"}`)
		}), nil)
		got, err := c.Do(t.Context(), wire.Request{Method: "POST", Path: "/x", Body: 1, Repeatable: true}, nil)
		var refusal *wire.Refusal
		if fault.KindOf(err) != want || !errors.As(err, &refusal) || refusal.Code != "said_so" || refusal.Status != status || got != status {
			t.Errorf("%d: got %d, %v, want %s", status, got, err, want)
		}
		tries := int32(1)
		if want == fault.Upstream {
			tries = 3
		}
		if calls.Load() != tries {
			t.Errorf("%d: tried %d times, want %d", status, calls.Load(), tries)
		}
	}
}

func TestOnlyRepeatableRequestsAreRepeated(t *testing.T) {
	var calls atomic.Int32
	var tokens sync.Map
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		tokens.Store(r.Header.Get("Authorization"), true)
		w.WriteHeader(503)
	}), nil)
	if _, err := c.Do(t.Context(), wire.Request{Method: "POST", Path: "/x"}, nil); !errors.Is(err, fault.Upstream) || calls.Load() != 1 {
		t.Errorf("not repeatable: %v after %d tries", err, calls.Load())
	}
	if _, err := c.Do(t.Context(), wire.Request{Method: "POST", Path: "/x", Repeatable: true}, nil); !errors.Is(err, fault.Upstream) || calls.Load() != 4 {
		t.Errorf("repeatable: %v after %d tries", err, calls.Load())
	}
	different := 0
	tokens.Range(func(any, any) bool { different++; return true })
	if different != 4 {
		t.Errorf("%d different tokens for 4 tries", different)
	}
}

func TestTooSlow(t *testing.T) {
	ran := make(chan struct{}, 2)
	faults := fail.New()
	h := faults.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { ran <- struct{}{}; fmt.Fprint(w, `{}`) }))
	c := client(t, h, func(c *wire.Config) { c.Timeout, c.Tries = 300*time.Millisecond, 1 })
	for _, mode := range []fail.Mode{fail.Slow, fail.SlowAfter} {
		if err := faults.Add(fail.Rule{Path: "/*", Mode: mode, DelayMS: 60_000, Count: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := c.Do(t.Context(), wire.Request{Method: "GET", Path: "/x", Repeatable: true}, nil)
		if !errors.Is(err, fault.Upstream) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want upstream because of the deadline", mode, err)
		}
	}
	<-ran // slow_after did the work
	if len(ran) != 0 {
		t.Error("slow did the work too, though the caller had gone")
	}
}

func TestCallerGoesAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); cancel(); w.WriteHeader(503) }), func(c *wire.Config) { c.Wait = time.Hour })
	if _, err := c.Do(ctx, wire.Request{Method: "GET", Path: "/x", Repeatable: true}, nil); !errors.Is(err, fault.Upstream) || calls.Load() != 1 {
		t.Errorf("got %v after %d tries", err, calls.Load())
	}
}

func TestConfiguration(t *testing.T) {
	good := simtest.NewCaller(t, "mhlw", noon).Config("https://registry.example.jp")
	for _, c := range []struct {
		name   string
		change func(*wire.Config)
		want   error
	}{
		{"https", func(*wire.Config) {}, nil},
		{"loopback", func(c *wire.Config) { c.BaseURL = "http://127.0.0.8:8407/" }, nil},
		{"http elsewhere", func(c *wire.Config) { c.BaseURL = "http://registry.example.jp" }, fault.Invalid},
		{"no host", func(c *wire.Config) { c.BaseURL = "https://" }, fault.Invalid},
		{"another scheme", func(c *wire.Config) { c.BaseURL = "ftp://127.0.0.1" }, fault.Invalid},
		{"no key", func(c *wire.Config) { c.Key = nil }, fault.Invalid},
		{"no clock", func(c *wire.Config) { c.Clock = nil }, fault.Invalid},
		{"no id", func(c *wire.Config) { c.ClientID = "" }, fault.Invalid},
	} {
		config := good
		c.change(&config)
		if _, err := wire.New(config); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// net/http repeats a request by itself when a kept connection breaks; with the same token that would be refused.
func TestKeptConnectionBreaks(t *testing.T) {
	caller, faults := simtest.NewCaller(t, "mhlw", noon), fail.New()
	url := simtest.Serve(t, func(url string) http.Handler {
		g, err := gate.New(gate.Config{Audience: url, Clients: []gate.Client{caller.Client}, Clock: noon})
		if err != nil {
			t.Fatal(err)
		}
		return faults.Wrap(g.Handle(func(gate.Call) gate.Reply { return gate.Reply{Status: 200, Body: 1} }))
	})
	c, err := wire.New(caller.Config(url))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []wire.Request{
		{Method: "GET", Path: "/x", Repeatable: true}, {Method: "POST", Path: "/x", Repeatable: true},
		{Method: "POST", Path: "/x", Body: 1, Header: map[string]string{"Idempotency-Key": "k"}, Repeatable: true},
	} {
		for _, broken := range []bool{false, true} {
			if broken {
				if err := faults.Add(fail.Rule{Path: "/x", Mode: fail.DropAfter, Count: 1}); err != nil {
					t.Fatal(err)
				}
			}
			if status, err := c.Do(t.Context(), r, nil); err != nil || status != 200 {
				t.Errorf("%s with a body %v, broken %v: %d, %v", r.Method, r.Body, broken, status, err)
			}
		}
	}
}
