// Package family simulates the inquiry into the family register (戸籍関係情報 of the Minister of Justice, 番号法 9条3項)
// as a server over the network.
//
// A body that keeps a register of qualified people asks for the domicile (本籍) and the name history of a person. The
// answer can be unable to say: where the order of the history's entries cannot be told, or where it reaches back before
// the registers were computerised, the present domicile stays undetermined, and nobody can know that beforehand
// (デジタル庁, 2024-12-10). Such answers are classes of their own here. The real interface is not public: the protocol is our
// own, described in docs/protocols.md. An answer may take its time, in which case it is polled for.
//
// All people are invented and come from the caller. The state lasts as long as the server.
package family

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/gate"
)

// Class is the kind of an answer.
type Class string

// The classes of an answer. Errored is the register's own inability to answer, with a code; Refused the answer to a task
// that is not listed for the asking body.
const (
	Determined           Class = "determined"
	UnknownOrder         Class = "partly_unknown_order"
	UnknownBeforeRecords Class = "partly_unknown_before_computerisation"
	None                 Class = "none"
	Multiple             Class = "multiple"
	Errored              Class = "error"
	Refused              Class = "refused"
)

// Domicile is one entry of the domicile's history; the last is the present one.
type Domicile struct {
	Prefecture string `json:"prefecture"`     // two digits of JIS X 0401
	Name       string `json:"name"`           // 佐賀県
	From       string `json:"from,omitempty"` // 2026-12-01; empty where it cannot be told
}

// NameEntry is one entry of the name's history; the last is the present one.
type NameEntry struct {
	Name   string `json:"name"`
	From   string `json:"from,omitempty"`
	Reason string `json:"reason,omitempty"` // 出生, 婚姻, 離婚, 縁組, 氏の変更 …
}

// Person is an invented person with a family register. Class says how an inquiry ends: Determined, UnknownOrder,
// UnknownBeforeRecords or Errored.
type Person struct {
	ID        string        `json:"id"`
	CardNames []string      `json:"card_names,omitempty"` // spellings in substitute characters by which the person is found too
	BirthDate string        `json:"birth_date"`
	Sex       string        `json:"sex"`
	Names     []NameEntry   `json:"names"`
	Domiciles []Domicile    `json:"domiciles"`
	Class     Class         `json:"class"`
	KnownFrom string        `json:"known_from,omitempty"` // with UnknownBeforeRecords: since when the register is computerised
	ErrorCode string        `json:"error_code,omitempty"` // with Errored
	Delay     time.Duration `json:"delay,omitempty"`      // how long the answer takes, in nanoseconds
}

func (p Person) check() error {
	ends := []Class{Determined, UnknownOrder, UnknownBeforeRecords, Errored}
	if p.ID == "" || p.BirthDate == "" || len(p.Names) == 0 || len(p.Domiciles) == 0 || !slices.Contains(ends, p.Class) {
		return fault.New(fault.Invalid, "", fmt.Sprintf("entering %q: id, birth date, names, domiciles or class is missing", p.ID))
	}
	return nil
}

// isMeant leaves the address out: the family register does not have it.
func (p Person) isMeant(q gate.Particulars) bool {
	names := slices.Clone(p.CardNames)
	for _, entry := range p.Names {
		names = append(names, entry.Name)
	}
	q.Address = ""
	return q.Matches(names, p.BirthDate, p.Sex, "")
}

// Record is what an answer tells. Domicile is missing unless the class is Determined.
type Record struct {
	Name      string      `json:"name"`
	BirthDate string      `json:"birth_date"`
	Domicile  *Domicile   `json:"domicile,omitempty"`
	Domiciles []Domicile  `json:"domiciles"`
	Names     []NameEntry `json:"names"`
	KnownFrom string      `json:"known_from,omitempty"`
}

// Answer is the state of an inquiry: pending, with a time to come back after, or answered.
type Answer struct {
	InquiryID   string     `json:"inquiry_id"`
	RequestID   string     `json:"request_id"`
	Status      string     `json:"status"` // pending, answered
	PollAfterMS int64      `json:"poll_after_ms,omitempty"`
	Class       Class      `json:"class,omitempty"`
	Candidates  int        `json:"candidates,omitempty"` // with multiple
	Record      *Record    `json:"record,omitempty"`
	ErrorCode   string     `json:"error_code,omitempty"` // with error
	AnsweredAt  *time.Time `json:"answered_at,omitempty"`
}

// Config describes a register. Audience is its own address, without a slash at the end.
type Config struct {
	Audience string
	Clients  []gate.Client
	People   []Person
	Clock    clock.Clock
}

// Server is a running register; it is an http.Handler and safe for concurrent use.
type Server struct {
	clock   clock.Clock
	faults  *fail.Injector
	handler http.Handler
	once    gate.Once[inquiry]

	mu        sync.Mutex
	people    []Person
	inquiries map[string]inquiry // by inquiry id
}

// New returns a register with the people of the configuration. It fails with fault.Invalid.
func New(c Config) (*Server, error) {
	door, err := gate.New(gate.Config{Audience: c.Audience, Clients: c.Clients, Clock: c.Clock})
	if err != nil {
		return nil, fmt.Errorf("making a family register: %w", err)
	}
	s := &Server{clock: c.Clock, faults: fail.New(), inquiries: map[string]inquiry{}}
	for _, p := range c.People {
		if err := s.Put(p); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/inquiries", door.Handle(s.inquire))
	mux.Handle("GET /v1/inquiries/{id}", door.Handle(s.read))
	mux.Handle("PUT /_admin/people/{id}", gate.Administer(func(id string, p Person) error {
		p.ID = id
		return s.Put(p)
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s.handler = s.faults.Wrap(mux)
	return s, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Faults returns what makes the server fail on request.
func (s *Server) Faults() *fail.Injector { return s.faults }

// Put enters a person or replaces the one with the same id. It fails with fault.Invalid.
func (s *Server) Put(p Person) error {
	if err := p.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.people, func(old Person) bool { return old.ID == p.ID }); i >= 0 {
		s.people[i] = p
		return nil
	}
	s.people = append(s.people, p)
	return nil
}

// Inquiries returns how many different inquiries were received.
func (s *Server) Inquiries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inquiries)
}
