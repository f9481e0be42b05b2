package server

import (
	"net/http"
	"slices"
)

// Mux is http.ServeMux that can tell its routes, for tests that try every one of them.
type Mux struct {
	mux      http.ServeMux
	patterns []string
}

// NewMux returns a mux without routes.
func NewMux() *Mux { return &Mux{} }

// Handle registers a route, as http.ServeMux does.
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.mux.Handle(pattern, h)
	m.patterns = append(m.patterns, pattern)
}

// HandleFunc is Handle for a function.
func (m *Mux) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(f))
}

// ServeHTTP hands a request to the route that fits it best.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// Routed is the handler of a part with the routes behind it.
type Routed struct {
	http.Handler
	routes []string
}

// With returns h, in which requests reach m, together with m's routes.
func (m *Mux) With(h http.Handler) Routed { return Routed{h, slices.Clone(m.patterns)} }

// Routes returns the patterns in the order in which they were registered.
func (r Routed) Routes() []string { return slices.Clone(r.routes) }
