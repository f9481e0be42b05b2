// Package fail makes a simulator misbehave on request: answer late, refuse, break the connection, and, what matters most
// to a caller, do all of these after the work is done, so that the caller is told of a failure that did not happen.
//
// A simulator wraps its handler with Injector.Wrap, which also serves the administration at /_admin/fail:
//
//	POST   {"method":"POST","path":"/v1/orders","mode":"fail_after","status":503,"count":1}
//	GET    lists the rules that are left
//	DELETE forgets all rules
package fail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"akashi/internal/fault"
)

// AdminPath is where the rules are administered. It never fails on request.
const AdminPath = "/_admin/fail"

// Mode is a way to misbehave.
type Mode string

const (
	// Slow waits, then does the work.
	Slow Mode = "slow"
	// SlowAfter does the work, then waits before it answers.
	SlowAfter Mode = "slow_after"
	// Fail answers with the status and does not do the work.
	Fail Mode = "fail"
	// FailAfter does the work and answers with the status all the same.
	FailAfter Mode = "fail_after"
	// Drop breaks the connection and does not do the work.
	Drop Mode = "drop"
	// DropAfter does the work and breaks the connection.
	DropAfter Mode = "drop_after"
)

// Rule says which requests misbehave, how, and how often.
type Rule struct {
	Method  string `json:"method,omitempty"`   // empty: every method
	Path    string `json:"path"`               // exact, or a prefix that ends in *
	Mode    Mode   `json:"mode"`               //
	Status  int    `json:"status,omitempty"`   // of fail and fail_after; 503 when 0
	DelayMS int    `json:"delay_ms,omitempty"` // of slow and slow_after, in milliseconds
	Count   int    `json:"count,omitempty"`    // how many requests; 0: until the rules are forgotten
}

func (r Rule) matches(method, path string) bool {
	if r.Method != "" && r.Method != method {
		return false
	}
	if prefix, ok := strings.CutSuffix(r.Path, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return r.Path == path
}

func (r Rule) check() error {
	modes := []Mode{Slow, SlowAfter, Fail, FailAfter, Drop, DropAfter}
	switch {
	case !slices.Contains(modes, r.Mode):
		return fault.New(fault.Invalid, "", fmt.Sprintf("adding a failure of mode %q", r.Mode))
	case !strings.HasPrefix(r.Path, "/"):
		return fault.New(fault.Invalid, "", fmt.Sprintf("adding a failure for the path %q", r.Path))
	case r.Status != 0 && (r.Status < 400 || r.Status > 599):
		return fault.New(fault.Invalid, "", fmt.Sprintf("adding a failure with status %d", r.Status))
	case r.DelayMS < 0 || r.DelayMS > 600_000 || r.Count < 0:
		return fault.New(fault.Invalid, "", fmt.Sprintf("adding a failure with delay %d and count %d", r.DelayMS, r.Count))
	}
	return nil
}

// Injector holds the rules of one simulator. It is safe for concurrent use.
type Injector struct {
	mu    sync.Mutex
	rules []Rule
}

// New returns an injector without rules.
func New() *Injector { return &Injector{} }

// Add appends a rule; the first rule that matches a request decides. It fails with fault.Invalid.
func (i *Injector) Add(r Rule) error {
	if err := r.check(); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules = append(i.rules, r)
	return nil
}

// Clear forgets all rules.
func (i *Injector) Clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules = nil
}

// Rules returns the rules that are left.
func (i *Injector) Rules() []Rule {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.rules)
}

// take finds the rule for a request and counts it.
func (i *Injector) take(method, path string) (Rule, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	at := slices.IndexFunc(i.rules, func(r Rule) bool { return r.matches(method, path) })
	if at < 0 {
		return Rule{}, false
	}
	rule := i.rules[at]
	switch rule.Count {
	case 0:
	case 1:
		i.rules = slices.Delete(i.rules, at, at+1)
	default:
		i.rules[at].Count--
	}
	return rule, true
}

// Wrap returns next with the misbehaviour in front of it and the administration beside it.
func (i *Injector) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == AdminPath {
			i.administer(w, r)
			return
		}
		rule, ok := i.take(r.Method, r.URL.Path)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		rule.apply(w, r, next)
	})
}

func (r Rule) apply(w http.ResponseWriter, req *http.Request, next http.Handler) {
	answer := &held{header: http.Header{}, status: http.StatusOK}
	switch r.Mode {
	case Slow:
		if r.wait(req) {
			next.ServeHTTP(w, req)
		}
	case SlowAfter:
		next.ServeHTTP(answer, req)
		if r.wait(req) {
			answer.release(w)
		}
	case FailAfter:
		next.ServeHTTP(answer, req)
		r.refuse(w)
	case Fail:
		r.refuse(w)
	case DropAfter:
		next.ServeHTTP(answer, req)
		panic(http.ErrAbortHandler) // the documented way to break a connection
	case Drop:
		panic(http.ErrAbortHandler)
	}
}

// wait reports false when the caller went away first.
func (r Rule) wait(req *http.Request) bool {
	timer := time.NewTimer(time.Duration(r.DelayMS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-req.Context().Done():
		return false
	}
}

func (r Rule) refuse(w http.ResponseWriter) {
	status := r.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, `{"error":"injected_failure"}`)
}

// held keeps an answer back.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }

func (h *held) release(w http.ResponseWriter) {
	maps.Copy(w.Header(), h.header)
	w.WriteHeader(h.status)
	// A caller that has gone away is no concern of the simulator's.
	_, _ = w.Write(h.body.Bytes())
}

func (i *Injector) administer(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		// A caller that has gone away is no concern of the simulator's.
		_ = json.NewEncoder(w).Encode(map[string]any{"rules": i.Rules()})
	case http.MethodDelete:
		i.Clear()
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		i.add(w, r)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

// add insists on JSON: a page of another site can post a form here from a visitor's browser, but not JSON.
func (i *Injector) add(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
		return
	}
	var rule Rule
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rule); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := i.Add(rule); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
