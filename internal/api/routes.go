package api

import (
	_ "embed"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"akashi/internal/format/jcs"
	"akashi/internal/server"
)

// Description is the OpenAPI description of this API, generated from the operations and compared with them by a test.
//
//go:embed openapi.json
var Description []byte

// The addresses.
const (
	verificationsPath = "/v1/verifications"
	documentsPath     = "/v1/verifications/document"
	keysPath          = "/v1/keys"
	trustPath         = "/v1/trust-list"
	presentationsPath = "/v1/presentations"
	callbackPath      = "/callbacks/payment"
	descriptionPath   = "/openapi.json"
	datedPath         = "/openapi/{version}"
)

func (s *service) handler() http.Handler {
	mux := server.NewMux()
	s.describe(ways{mux, s})
	only := func(path, methods string) {
		mux.HandleFunc("OPTIONS "+path, func(w http.ResponseWriter, _ *http.Request) { preflight(w, methods) })
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { notAllowed(w, methods+", OPTIONS") })
	}
	only(verificationsPath, http.MethodPost)
	only(documentsPath, http.MethodPost)
	only(keysPath, http.MethodGet)
	only(trustPath, http.MethodGet)
	only(bulkPath, http.MethodPost)
	only(bulkOne, "GET, DELETE")
	only(bulkAnswers, http.MethodGet)
	only(bulkTable, http.MethodGet)
	only(watchesPath, "GET, POST")
	only(watchOne, "GET, DELETE")
	only(notificationsPath, http.MethodGet)
	only(webhookKeysPath, http.MethodGet)
	only(presentationsPath, http.MethodPost)
	only(presentationsPath+"/{id}", http.MethodGet)
	s.readerRoutes(mux)
	mux.HandleFunc("POST "+callbackPath, s.callback)
	mux.HandleFunc(callbackPath, func(w http.ResponseWriter, _ *http.Request) { notAllowed(w, http.MethodPost) })
	if s.Wallets != nil {
		s.walletRoutes(mux, only)
	}
	descriptionRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "There is no such resource.")
	})
	return mux.With(headers(strings.HasPrefix(s.Origin, "https://"), versioned(mux)))
}

// describe registers the operations that the description has.
func (s *service) describe(mux humago.Mux) huma.API {
	cfg := huma.DefaultConfig("Akashi", Newest())
	cfg.Info.Description = "Verification of digital credentials of Japan's national qualifications, and the keys that sign them. Versions have dates and are never changed: " +
		"name the one you were written for in the field " + FieldVersion + "; who names none gets the first."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearer: {Type: "http", Scheme: "bearer", Description: "The key of a registered verifier."}}
	cfg.Formats = map[string]huma.Format{"application/json": strict(), "json": strict()}
	cfg.CreateHooks = nil // no $schema members, no Link headers
	cfg.Transformers = []huma.Transformer{withoutValues, asVersion}
	all := humago.New(mux, cfg)
	huma.Register(all, s.verifyOperation(), s.verify)
	huma.Register(all, s.verifyDocumentOperation(), s.verifyDocument)
	huma.Register(all, keysOperation(), s.keys)
	huma.Register(all, trustOperation(), s.trustList)
	s.bulkOperations(all)
	s.watchOperations(all)
	huma.Register(all, s.askOperation(), s.ask)
	huma.Register(all, s.lookOperation(), s.look)
	return all
}

// strict is JSON in which no member stands twice: of two, one reader would take the first and another the last.
func strict() huma.Format {
	f := huma.DefaultJSONFormat
	read := f.Unmarshal
	f.Unmarshal = func(data []byte, v any) error {
		if err := jcs.Unique(data); err != nil {
			return err
		}
		return read(data, v)
	}
	return f
}

// ways registers operations with what stands before them: what is large and published to everybody is sent compressed to clients
// that take it, and what is asked most is answered quickly.
type ways struct {
	humago.Mux
	s *service
}

func (w ways) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	switch pattern {
	case "GET " + keysPath, "GET " + trustPath:
		f = server.Compress(http.HandlerFunc(f)).ServeHTTP
	case "POST " + verificationsPath:
		f = w.s.quick(f)
	}
	w.Mux.HandleFunc(pattern, f)
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

// carried is what every answer carries. The values are shared between requests; a handler may replace one.
var carried = map[string][]string{
	"Cache-Control":           {"no-store"},
	"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":         {"no-referrer"},
	"X-Content-Type-Options":  {"nosniff"},
	"X-Robots-Tag":            {"noindex"},
}

// openly is what answers carry beside that to which pages of other origins may ask. There are no cookies and nothing is told to one client
// that another would not be told.
var openly = map[string][]string{
	"Access-Control-Allow-Origin":   {"*"},
	"Access-Control-Expose-Headers": {"Akashi-Version, DPoP-Nonce, ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id"},
}

// openTo begins the paths of answers that are open.
var openTo = []string{"/v1/", "/issuers/", "/.well-known/"}

// headers sets what every answer carries. A handler may replace the caching.
func headers(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		maps.Copy(h, carried)
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if slices.ContainsFunc(openTo, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) }) {
			maps.Copy(h, openly)
		}
		next.ServeHTTP(w, r)
	})
}

// preflight answers a browser that asks whether a page of another origin may call (Fetch standard, "CORS-preflight").
func preflight(w http.ResponseWriter, methods string) {
	w.Header().Set("Access-Control-Allow-Methods", methods)
	w.Header().Set("Access-Control-Allow-Headers", "Akashi-Version, Authorization, Content-Type, DPoP, Idempotency-Key")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func notAllowed(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	problem(w, http.StatusMethodNotAllowed, "This resource takes "+methods+".")
}

func description(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write(text) // a client that hangs up is not our error
}

// problem answers a problem document (RFC 9457 §3) of the type about:blank, whose title is that of the status.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// A client that hangs up is not our error.
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
}
