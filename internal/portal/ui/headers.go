package ui

import (
	"net/http"
	"strings"

	"akashi/internal/fault"
)

// contentPolicy is the Content-Security-Policy of a portal: nothing is allowed but our own files, and no script may
// build markup (Trusted Types). Some browsers check form-action on redirects too, so the places to which a form leads
// are named. upgrade-insecure-requests is left out on plain http, where it would break a demo on a loopback address.
//
// A page with the camera may compile the decoder's WebAssembly and show what the camera sees, and has one named policy, under
// which its script registers the service worker that keeps it for times without a network.
func contentPolicy(cfg Config, secure, camera bool) string {
	script, media, trusted := "script-src 'self'", "", "trusted-types 'none'"
	if camera {
		script, media, trusted = "script-src 'self' 'wasm-unsafe-eval'", "media-src 'self' blob:; worker-src 'self'; ", "trusted-types akashi-worker"
	}
	policy := "default-src 'none'; " + script + "; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " + media +
		"connect-src 'self'; form-action " + strings.Join(append([]string{"'self'"}, cfg.FormAction...), " ") +
		"; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; " +
		"require-trusted-types-for 'script'; " + trusted
	if secure {
		policy += "; upgrade-insecure-requests"
	}
	return policy
}

// headers sets what every answer carries. Pages are never stored: they are personal, or state what is true only now.
func (s *Site) headers(next http.Handler) http.Handler {
	referrer := "same-origin"
	if s.cfg.Audience == Public {
		referrer = "no-referrer"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.csp)
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", referrer)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if s.cfg.Audience != Citizen || s.cfg.Demo {
			h.Set("X-Robots-Tag", "noindex")
		}
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// allowCamera loosens the headers for one page that reads codes with the camera.
func (s *Site) allowCamera(h http.Header) {
	h.Set("Content-Security-Policy", s.lens)
	h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
}

// refuseCrossSite turns away posts that another site made the browser send (CSRF). Old browsers that send neither
// Sec-Fetch-Site nor Origin pass here; the SameSite=Lax cookie stops those.
func (s *Site) refuseCrossSite(next http.Handler) http.Handler {
	return s.drawn(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.guard.Check(r); err != nil {
			return &fault.Error{Kind: fault.Forbidden, Key: "fault.cross_site", Doing: "checking where a post comes from", Err: err}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// limitBody refuses bodies beyond the configured size.
func (s *Site) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil {
			r = r.WithContext(withBody(r.Context(), r.Body))
			r.Body = http.MaxBytesReader(w, r.Body, s.cfg.BodyLimit)
		}
		next.ServeHTTP(w, r)
	})
}

// BodyLimit serves one route with a limit of its own, in bytes, instead of the portal's: for uploads.
func (s *Site) BodyLimit(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body := bodyOf(r.Context()); body != nil {
			r.Body = http.MaxBytesReader(w, body, limit)
		}
		next.ServeHTTP(w, r)
	})
}
