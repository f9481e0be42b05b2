package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// seen is what is known about a running request. Handlers inside add the route and the reference of their errors.
type seen struct {
	reference string
	route     string
}

type seenKey struct{}

// Reference is the request's id, which error pages show and the log has. It is empty outside a request of ours.
func Reference(ctx context.Context) string {
	if s, ok := ctx.Value(seenKey{}).(*seen); ok {
		return s.reference
	}
	return ""
}

// SetRoute names the route's pattern ("GET /cases/{id}") for the log and the metrics. A portal whose middleware copies
// the request (Request.WithContext) must call it, because http.ServeMux notes the pattern on the copy alone.
func SetRoute(ctx context.Context, pattern string) {
	if s, ok := ctx.Value(seenKey{}).(*seen); ok {
		s.route = pattern
	}
}

// observe gives each request its reference, logs and counts it, and turns a panic into the portal's error page.
func observe(cfg Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		s := &seen{reference: rand.Text()[:10]}
		r = r.WithContext(context.WithValue(r.Context(), seenKey{}, s))
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", s.reference)
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler {
				panic(p)
			}
			half := p != nil && rec.status != 0
			if p != nil {
				broken(cfg, rec, r, s, p)
			}
			report(cfg, rec, r, s, time.Since(began))
			if half {
				// Too late for a page: end the connection, so that the client does not take the half for the whole.
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// broken logs the panic with its stack, which names functions and lines but no values, and draws the page if nothing of
// the answer has been sent.
func broken(cfg Config, rec *recorder, r *http.Request, s *seen, value any) {
	cfg.Logger.Error("panic in a handler", "portal", cfg.Name, "reference", s.reference, "panic", value, "stack", string(debug.Stack()))
	if rec.status != 0 {
		return
	}
	clear(rec.Header())
	rec.Header().Set("X-Request-Id", s.reference)
	if cfg.Broken != nil {
		cfg.Broken(rec, r, s.reference)
		return
	}
	http.Error(rec, "Internal error. Reference: "+s.reference, http.StatusInternalServerError)
}

func report(cfg Config, rec *recorder, r *http.Request, s *seen, took time.Duration) {
	route := s.route
	if route == "" {
		route = r.Pattern
	}
	if route == "" {
		route = "other"
	}
	status := rec.status
	if status == 0 {
		status = http.StatusOK
	}
	cfg.Metrics.request(cfg.Name, route, r.Method, status, took)
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	cfg.Logger.LogAttrs(r.Context(), level, "request", slog.String("portal", cfg.Name), slog.String("method", method(r.Method)),
		slog.String("route", route), slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("reference", s.reference))
}

// method keeps invented methods out of logs and metrics, where each would make a series of its own.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// recorder notes the status of the answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
