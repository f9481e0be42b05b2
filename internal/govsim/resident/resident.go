// Package resident simulates the resident registry (住民基本台帳ネットワーク) as a server over the network.
//
// A body that keeps a register of qualified people asks, for a task that the law lists (住民基本台帳法 別表), whether a
// person with given particulars is in the registry and how. The real network's protocol is not public: the one spoken
// here is our own, described in docs/protocols.md, and only its facts follow the law: what a record holds (name, former
// name, address, birth date, sex, changes; no domicile), which ends of a record exist, that removal is not death, and
// that the address of a person under support measures (支援措置) is not given.
//
// All people are invented and come from the caller. The state lasts as long as the server.
package resident

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

// The classes of an answer. Refused is the answer to a task that is not listed for the asking body.
const (
	MatchAlive         Class = "match_alive"
	MatchDeceased      Class = "match_deceased"
	MatchRemovedAbroad Class = "match_removed_abroad"
	MatchRemovedOther  Class = "match_removed_other"
	Multiple           Class = "multiple"
	None               Class = "none"
	Withheld           Class = "withheld"
	Refused            Class = "refused"
)

// State is what the registry has of a person.
type State string

// The states of a record: on the registry, or removed from it (消除) by death, departure abroad or another cause.
const (
	Alive         State = "alive"
	Deceased      State = "deceased"
	RemovedAbroad State = "removed_abroad"
	RemovedOther  State = "removed_other"
)

// Change is one line of the change information (変更情報).
type Change struct {
	On     string `json:"on"`               // 2026-12-01
	Reason string `json:"reason"`           // 転居, 転入, 婚姻, 死亡 …
	Before string `json:"before,omitempty"` // the value that it replaced
}

// Person is an invented resident.
type Person struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Kana       string   `json:"name_kana"`
	FormerName string   `json:"former_name,omitempty"` // 旧氏 as entered on request
	CardNames  []string `json:"card_names,omitempty"`  // spellings in substitute characters (代替文字) by which the person is found too
	Address    string   `json:"address"`
	BirthDate  string   `json:"birth_date"` // 2026-12-01
	Sex        string   `json:"sex"`        // 1 男, 2 女, 3 不明
	State      State    `json:"state"`
	Protected  bool     `json:"protected,omitempty"` // under support measures (支援措置)
	Changes    []Change `json:"changes,omitempty"`
}

func (p Person) check() error {
	states := []State{Alive, Deceased, RemovedAbroad, RemovedOther}
	if p.ID == "" || p.Name == "" || p.BirthDate == "" || !slices.Contains(states, p.State) {
		return fault.New(fault.Invalid, "", fmt.Sprintf("entering the resident %q: id, name, birth date or state is missing", p.ID))
	}
	return nil
}

func (p Person) isMeant(q gate.Particulars) bool {
	names := append([]string{p.Name, p.FormerName}, p.CardNames...)
	return q.Matches(names, p.BirthDate, p.Sex, p.Address)
}

// Record is what an answer tells of a person.
type Record struct {
	Name            string   `json:"name"`
	Kana            string   `json:"name_kana"`
	FormerName      string   `json:"former_name,omitempty"`
	Address         string   `json:"address,omitempty"`
	AddressWithheld bool     `json:"address_withheld,omitempty"`
	BirthDate       string   `json:"birth_date"`
	Sex             string   `json:"sex"`
	Changes         []Change `json:"changes"`
}

// Answer is the answer to an inquiry.
type Answer struct {
	InquiryID  string    `json:"inquiry_id"`
	RequestID  string    `json:"request_id"`
	Class      Class     `json:"class"`
	Candidates int       `json:"candidates,omitempty"` // with multiple
	Record     *Record   `json:"record,omitempty"`
	AnsweredAt time.Time `json:"answered_at"`
}

// Config describes a registry. Audience is its own address, without a slash at the end.
type Config struct {
	Audience string
	Clients  []gate.Client
	People   []Person
	Clock    clock.Clock
}

// Server is a running registry; it is an http.Handler and safe for concurrent use.
type Server struct {
	clock   clock.Clock
	faults  *fail.Injector
	handler http.Handler
	once    gate.Once[Answer]

	mu      sync.Mutex
	people  []Person
	answers map[string]kept // by inquiry id
}

type kept struct {
	client string
	answer Answer
}

// New returns a registry with the people of the configuration. It fails with fault.Invalid.
func New(c Config) (*Server, error) {
	door, err := gate.New(gate.Config{Audience: c.Audience, Clients: c.Clients, Clock: c.Clock})
	if err != nil {
		return nil, fmt.Errorf("making a resident registry: %w", err)
	}
	s := &Server{clock: c.Clock, faults: fail.New(), answers: map[string]kept{}}
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

// Put enters a person or replaces the one with the same id: people marry, move and die. It fails with fault.Invalid.
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

// Inquiries returns how many different inquiries were answered.
func (s *Server) Inquiries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers)
}
