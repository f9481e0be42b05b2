package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Description is the OpenAPI description of this API, generated from the operations and compared with them by a test.
//
//go:embed openapi.json
var Description []byte

// The addresses.
const (
	verificationsPath = "/v1/verifications"
	keysPath          = "/v1/keys"
	callbackPath      = "/callbacks/payment"
	descriptionPath   = "/openapi.json"
)

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	s.describe(mux)
	only := func(path, methods string) {
		mux.HandleFunc("OPTIONS "+path, func(w http.ResponseWriter, _ *http.Request) { preflight(w, methods) })
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { notAllowed(w, methods+", OPTIONS") })
	}
	only(verificationsPath, http.MethodPost)
	only(keysPath, http.MethodGet)
	mux.HandleFunc("POST "+callbackPath, s.callback)
	mux.HandleFunc(callbackPath, func(w http.ResponseWriter, _ *http.Request) { notAllowed(w, http.MethodPost) })
	mux.HandleFunc("GET "+descriptionPath, description)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "There is no such resource.")
	})
	return headers(mux)
}

// describe registers the operations that the description has.
func (s *service) describe(mux humago.Mux) huma.API {
	cfg := huma.DefaultConfig("Akashi", "1.0.0")
	cfg.Info.Description = "Verification of digital credentials of Japan's national qualifications, and the keys that sign them."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil // no $schema members, no Link headers
	cfg.Transformers = []huma.Transformer{withoutValues}
	all := humago.New(mux, cfg)
	huma.Register(all, s.verifyOperation(), s.verify)
	huma.Register(all, keysOperation(), s.keys)
	return all
}

// withoutValues takes out of an error what the client had sent: it may be a credential, and errors get logged elsewhere.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if e, ok := v.(*huma.ErrorModel); ok {
		for _, detail := range e.Errors {
			detail.Value = nil
		}
	}
	return v, nil
}

// headers sets what every answer carries. A handler may replace the caching.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			// There are no cookies and nothing is told to one client that another would not be told.
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-Id")
		}
		next.ServeHTTP(w, r)
	})
}

// preflight answers a browser that asks whether a page of another origin may call (Fetch standard, "CORS-preflight").
func preflight(w http.ResponseWriter, methods string) {
	w.Header().Set("Access-Control-Allow-Methods", methods)
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func notAllowed(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	problem(w, http.StatusMethodNotAllowed, "This resource takes "+methods+".")
}

func description(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write(Description) // a client that hangs up is not our error
}

// problem answers a problem document (RFC 9457 §3) of the type about:blank, whose title is that of the status.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// A client that hangs up is not our error.
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
}
