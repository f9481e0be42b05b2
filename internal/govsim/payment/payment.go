// Package payment simulates a provider of online payment for public money (公金決済) as a server over the network.
//
// A body orders an amount in lines, sends the payer to a page of the provider, and learns the outcome from signed
// callbacks, from the order's state, and from the day's statement, which alone is final. The page is marked as a
// simulation and lets the payer choose the outcome, the awkward ones included: paid without a callback, with two, with a
// late one, with callbacks in the wrong order. Whatever the payer does, an order is charged at most once. No provider's
// protocol was copied: the one spoken here is our own, described in docs/protocols.md.
//
// The state lasts as long as the server, or with Config.File as long as that file. Close stops the callbacks.
package payment

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/gate"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// Status is the state of an order.
type Status string

// The states of an order. Only Open can change, to one of the others; refunds leave an order Paid.
const (
	Open      Status = "open"
	Paid      Status = "paid"
	Cancelled Status = "cancelled"
	Expired   Status = "expired"
)

// Line is one amount of an order. Amount is in yen.
type Line struct {
	Kind      string `json:"kind"`      // tax (登録免許税), fee (手数料)
	Collector string `json:"collector"` // who is owed
	Label     string `json:"label"`
	Amount    int64  `json:"amount"`
}

// Order is what a body asked to be paid.
type Order struct {
	ID          string     `json:"id"`
	Reference   string     `json:"reference"` // the body's own
	Description string     `json:"description"`
	Lines       []Line     `json:"lines"`
	Amount      int64      `json:"amount"`
	Status      Status     `json:"status"`
	Refunded    int64      `json:"refunded"`
	Method      string     `json:"method,omitempty"` // card, bank
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	PaidAt      *time.Time `json:"paid_at,omitempty"`
	ReturnURL   string     `json:"return_url"`
	CallbackURL string     `json:"callback_url"`

	client   string
	token    string // the secret part of the payment page's address
	sequence int    // of its last event
}

// Entry is one movement of money in a day's statement.
type Entry struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"` // charge, refund
	OrderID   string    `json:"order_id"`
	Reference string    `json:"reference"`
	Amount    int64     `json:"amount"` // always positive
	At        time.Time `json:"at"`

	client string
}

// Config describes a provider. BaseURL is its own address, without a slash at the end. The zero of the others, save Clients
// and Clock, means a default.
type Config struct {
	BaseURL   string
	Clients   []gate.Client
	Clock     clock.Clock
	Key       crypto.Signer // ECDSA P-256, signs callbacks; a new one
	KeyID     string        // payment-1
	HTTP      http.RoundTripper
	OrderLife time.Duration // until an unpaid order expires; 24 h
	RetryWait time.Duration // before a callback is sent again, doubled each time up to a minute; 500 ms
	RetryMax  int           // how often a callback is sent before it is given up; 12
	LateBy    time.Duration // by how much the outcome "late" delays the callback; 15 s
	File      string        // where orders and ledger are written down; empty: nowhere
}

// Server is a running provider; it is an http.Handler and safe for concurrent use.
type Server struct {
	config     Config
	faults     *fail.Injector
	handler    http.Handler
	client     *http.Client
	signingKey jose.JSONWebKey
	stop       context.CancelFunc
	running    context.Context
	sending    sync.WaitGroup

	created  gate.Once[string] // order ids
	refunded gate.Once[gate.Reply]

	forgetful atomic.Bool // keys of requests are forgotten

	writing sync.Mutex // of the file

	mu     sync.Mutex
	orders map[string]*Order
	tokens map[string]*Order
	ledger []Entry
}

// New returns a provider. It fails with fault.Invalid.
func New(c Config) (*Server, error) {
	door, err := gate.New(gate.Config{Audience: c.BaseURL, Clients: c.Clients, Clock: c.Clock})
	if err != nil {
		return nil, fmt.Errorf("making a payment provider: %w", err)
	}
	if err := c.complete(); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	s := &Server{
		config: c, faults: fail.New(), signingKey: jose.JSONWebKey{Key: cryptosigner.Opaque(c.Key), KeyID: c.KeyID}, running: running, stop: stop,
		client: &http.Client{Transport: c.HTTP, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		orders: map[string]*Order{}, tokens: map[string]*Order{},
	}
	s.handler = s.faults.Wrap(s.routes(door))
	return s, s.remember()
}

func (c *Config) complete() error {
	if c.Key == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "making a provider's key")
		}
		c.Key = key
	}
	c.KeyID = or(c.KeyID, "payment-1")
	c.OrderLife, c.RetryWait, c.LateBy = or(c.OrderLife, 24*time.Hour), or(c.RetryWait, 500*time.Millisecond), or(c.LateBy, 15*time.Second)
	c.RetryMax = or(c.RetryMax, 12)
	return nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func (s *Server) routes(door *gate.Gate) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/orders", door.Handle(s.keeping(s.create)))
	mux.Handle("GET /v1/orders/{id}", door.Handle(s.read))
	mux.Handle("POST /v1/orders/{id}/cancel", door.Handle(s.keeping(s.cancel)))
	mux.Handle("POST /v1/refunds", door.Handle(s.keeping(s.refund)))
	mux.Handle("GET /v1/statement", door.Handle(s.statement))
	mux.HandleFunc("GET /.well-known/jwks.json", s.keys)
	pages := http.NewServeMux()
	pages.HandleFunc("GET /pay/{token}", s.showPage)
	pages.HandleFunc("POST /pay/{token}", s.submitPage)
	mux.Handle("/pay/", http.NewCrossOriginProtection().Handler(pages))
	mux.HandleFunc("GET /style.css", showStyle)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// ForgetKeys makes a provider of the server that does not honour the key of a request: a repetition is another order. So
// it can be seen that a test of idempotency fails without it.
func (s *Server) ForgetKeys() { s.forgetful.Store(true) }

// Faults returns what makes the server fail on request.
func (s *Server) Faults() *fail.Injector { return s.faults }

// Close stops sending callbacks and waits for those under way.
func (s *Server) Close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.sending.Wait()
}

// Charges returns how often payers were charged, refunds not counted.
func (s *Server) Charges() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.ledger {
		if e.Kind == "charge" {
			n++
		}
	}
	return n
}

// Refunds returns how often payers got something back.
func (s *Server) Refunds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.ledger {
		if e.Kind == "refund" {
			n++
		}
	}
	return n
}

// Orders returns how many orders were made.
func (s *Server) Orders() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders)
}

func (s *Server) payURL(o *Order) string { return s.config.BaseURL + "/pay/" + o.token }

// isWebAddress reports whether raw is an absolute address with http or https and without a fragment.
func isWebAddress(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.Contains(raw, "#")
}
