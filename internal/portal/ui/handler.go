package ui

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"

	"akashi/internal/fault"
	"akashi/internal/server"
)

// HandlerFunc is a handler that returns its error instead of drawing it.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Handler turns a HandlerFunc into an http.Handler: an error becomes a page once, here, in the visitor's language, and
// a log line with its cause. What the handler reads of the request can be kept (keepable).
func (s *Site) Handler(f HandlerFunc) http.Handler {
	return s.drawn(func(w http.ResponseWriter, r *http.Request) error {
		if err := keepable(r); err != nil {
			return err
		}
		return f(w, r)
	})
}

// drawn is Handler for what comes before the route and its limit, and so reads no body.
func (s *Site) drawn(f HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Pattern != "" { // the access log cannot see it: the request was copied on the way here
			server.SetRoute(r.Context(), r.Pattern)
		}
		sent := &sentWriter{ResponseWriter: w}
		if err := f(sent, r); err != nil {
			s.fail(sent, r, err)
		}
	})
}

// sentWriter remembers whether an answer has begun, after which an error can only be logged.
type sentWriter struct {
	http.ResponseWriter
	sent bool
}

func (w *sentWriter) WriteHeader(status int) {
	w.sent = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *sentWriter) Write(b []byte) (int, error) {
	w.sent = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *sentWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// statusOf is the HTTP status of a kind of error.
func statusOf(k fault.Kind) int {
	switch k {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Forbidden, fault.StepUp:
		return http.StatusForbidden
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Conflict:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Upstream:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail answers an error: a redirect to the login or its confirmation where there is one, otherwise a page with the
// message and a reference by which the log line is found.
func (s *Site) fail(w *sentWriter, r *http.Request, err error) {
	err = classify(err)
	kind, reference := fault.KindOf(err), server.Reference(r.Context())
	if reference == "" { // outside a server of ours
		reference = rand.Text()[:10]
	}
	s.record(r, kind, reference, err)
	if w.sent {
		return
	}
	w.Header().Del("Location") // of a redirect that could not be kept
	if to := s.loginFor(r, kind); to != "" {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	if kind == fault.TooMany && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "60")
	}
	p := s.plainPage(r)
	if originOf(r.Context()) != nil { // the visitor stays logged in, and sees it
		p.User, p.Office = s.Sessions.UserName(r.Context()), s.Sessions.OfficeName(r.Context())
	}
	p.Status, p.Title = statusOf(kind), p.T("fault."+string(kind)+".title")
	body := faultPage(p, faultView{Kind: kind, Message: faultMessage(p, err), Reference: reference})
	if err := p.Render(w, body); err != nil {
		s.cfg.Log.Error("drawing an error page", "reference", reference, "error", err)
		if !w.sent {
			http.Error(w, http.StatusText(statusOf(kind)), statusOf(kind))
		}
	}
}

// classify gives a kind to the errors that net/http makes itself.
func classify(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.TooLarge, "", fmt.Sprintf("reading a request of more than %d bytes", tooLarge.Limit))
	}
	return err
}

// record writes the log line. What visitors do wrong is ordinary; what is wrong with us is an error. The line has the
// route and not the path: paths carry receipt numbers, and whoever mistypes a scanned address puts what was scanned there.
func (s *Site) record(r *http.Request, kind fault.Kind, reference string, err error) {
	log := s.cfg.Log.Info
	if kind == fault.Internal || kind == fault.Upstream {
		log = s.cfg.Log.Error
	}
	log("request failed", "portal", s.cfg.Audience, "method", r.Method, "route", r.Pattern, "kind", kind, "reference", reference,
		"error", err)
}

// loginFor is where a visitor goes to log in or to confirm the login and come back, "" when a page has to do.
func (s *Site) loginFor(r *http.Request, kind fault.Kind) string {
	path := ""
	switch kind {
	case fault.Unauthenticated:
		path = s.cfg.LoginPath
	case fault.StepUp:
		path = s.cfg.StepUpPath
	}
	if path == "" {
		return ""
	}
	back := r.URL.Path
	if r.Method == http.MethodGet && r.URL.RawQuery != "" {
		back += "?" + r.URL.RawQuery
	}
	query := url.Values{"to": {back}}
	if kind == fault.Unauthenticated && s.Sessions != nil && s.Sessions.expired(r) {
		query.Set("expired", "1")
	}
	return prefixed(LangOf(r), path) + "?" + query.Encode()
}

// faultMessage is what the visitor reads: the error's own wording, or that of its kind.
func faultMessage(p *Page, err error) string {
	var e *fault.Error
	if errors.As(err, &e) && e.Key != "" && p.Site.cfg.Catalogue.Has(e.Key) {
		return p.R(e.Key, e.Args...)
	}
	return p.R("fault." + string(fault.KindOf(err)))
}

// recoverPanic answers a panic like any other error of ours.
func (s *Site) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &sentWriter{ResponseWriter: w}
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				s.fail(sent, r, fault.Wrap(fault.Internal, fmt.Errorf("panic: %v\n%s", v, debug.Stack()), "handling a request"))
			}
		}()
		next.ServeHTTP(sent, r)
	})
}

// NotFound is the handler for paths that no route knows.
func (s *Site) NotFound() http.Handler {
	return s.Handler(func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.NotFound, "", "looking for a route")
	})
}
