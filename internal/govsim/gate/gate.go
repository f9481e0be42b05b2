// Package gate is the front door of a simulated government service: it lets known clients in, bounds what they send,
// answers in JSON, and makes a repeated request give the first answer.
//
// A client proves who it is with a short-lived token that it signs itself (RFC 7523 §3, used as a bearer token):
//
//	Authorization: Bearer <JWT>   ES256; iss = sub = client id, aud = the service's address, iat, exp ≤ 5 minutes, jti
//
// Each jti is accepted once.
package gate

import (
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	maxBody   = 64 << 10
	maxLife   = 5 * time.Minute
	maxSkew   = 30 * time.Second
	maxJTI    = 128
	sweepJTIs = 4096 // used token ids above which the expired ones are forgotten
)

// Client is a body that may call.
type Client struct {
	ID         string
	Key        crypto.PublicKey // ECDSA P-256
	Businesses []string         // ids of the statutory tasks (事務) for which it may inquire
}

// MayAskFor reports whether the task is listed for the client.
func (c Client) MayAskFor(business string) bool { return slices.Contains(c.Businesses, business) }

// Config describes a gate. Audience is the service's own address, without a slash at the end.
type Config struct {
	Audience string
	Clients  []Client
	Clock    clock.Clock
}

// Gate checks callers. It is safe for concurrent use.
type Gate struct {
	config  Config
	clients map[string]Client
	mu      sync.Mutex
	used    map[string]time.Time // client and token id, until when the token would be valid
}

// New returns a gate. It fails with fault.Invalid when the audience, the clock or a client's id or key is missing.
func New(c Config) (*Gate, error) {
	if c.Audience == "" || c.Clock == nil {
		return nil, fault.New(fault.Invalid, "", "making a gate without an audience or a clock")
	}
	clients := map[string]Client{}
	for _, client := range c.Clients {
		if client.ID == "" || client.Key == nil {
			return nil, fault.New(fault.Invalid, "", "making a gate with a client without id or key")
		}
		clients[client.ID] = client
	}
	return &Gate{config: c, clients: clients, used: map[string]time.Time{}}, nil
}

// Call is an admitted request with its body read.
type Call struct {
	*http.Request
	Client Client
	Body   []byte
}

// Decode reads the body as one JSON object without unknown members. It fails with fault.Invalid.
func (c Call) Decode(v any) error {
	decoder := json.NewDecoder(strings.NewReader(string(c.Body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the request")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "", "reading the request: more than one JSON value")
	}
	return nil
}

// Reply is an answer: a status and what becomes its JSON body.
type Reply struct {
	Status int
	Body   any
}

// Refuse returns an answer in error form.
func Refuse(status int, code, description string) Reply {
	return Reply{Status: status, Body: map[string]string{"error": code, "description": description}}
}

// Handle returns a handler that admits known clients to next.
func (g *Gate) Handle(next func(Call) Reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, err := g.admit(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			write(w, Refuse(http.StatusUnauthorized, "invalid_client", err.Error()))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			write(w, Refuse(http.StatusRequestEntityTooLarge, "too_large", err.Error()))
			return
		}
		write(w, next(Call{Request: r, Client: client, Body: body}))
	})
}

func write(w http.ResponseWriter, reply Reply) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(reply.Status)
	// A caller that has gone away is no concern of the simulator's.
	_ = json.NewEncoder(w).Encode(reply.Body)
}

func (g *Gate) admit(r *http.Request) (Client, error) {
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Client{}, errors.New("no bearer token")
	}
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return Client{}, fmt.Errorf("reading the token: %w", err)
	}
	var hint jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&hint); err != nil {
		return Client{}, fmt.Errorf("reading the token's claims: %w", err)
	}
	client, ok := g.clients[hint.Issuer]
	if !ok {
		return Client{}, errors.New("unknown client")
	}
	var claims jwt.Claims
	if err := token.Claims(client.Key, &claims); err != nil {
		return Client{}, fmt.Errorf("checking the token's signature: %w", err)
	}
	return client, g.checkClaims(claims)
}

func (g *Gate) checkClaims(c jwt.Claims) error {
	now := g.config.Clock.Now()
	if c.Expiry == nil || c.IssuedAt == nil || c.ID == "" || len(c.ID) > maxJTI {
		return errors.New("the token lacks exp, iat or jti")
	}
	if c.Expiry.Time().Sub(c.IssuedAt.Time()) > maxLife {
		return errors.New("the token lives too long")
	}
	expected := jwt.Expected{Issuer: c.Issuer, Subject: c.Issuer, AnyAudience: jwt.Audience{g.config.Audience}, Time: now}
	if err := c.ValidateWithLeeway(expected, maxSkew); err != nil {
		return fmt.Errorf("checking the token: %w", err)
	}
	return g.useOnce(c.Issuer+" "+c.ID, c.Expiry.Time().Add(maxSkew), now)
}

func (g *Gate) useOnce(id string, until, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, again := g.used[id]; again {
		return errors.New("the token was used before")
	}
	if len(g.used) > sweepJTIs {
		for old, end := range g.used {
			if end.Before(now) {
				delete(g.used, old)
			}
		}
	}
	g.used[id] = until
	return nil
}

// Once remembers the first answer to a request by its key. The zero value is ready; it is safe for concurrent use.
type Once[T any] struct {
	mu   sync.Mutex
	done map[string]first[T]
}

type first[T any] struct {
	digest [sha256.Size]byte
	answer T
}

// Do returns the answer of the first call with this client and key, and makes it with do when there was none. same is
// false when the key came before with another body; then nothing is done.
func (o *Once[T]) Do(client, key string, body []byte, do func() T) (answer T, same bool) {
	id, digest := client+" "+key, sha256.Sum256(body)
	o.mu.Lock()
	defer o.mu.Unlock()
	if before, ok := o.done[id]; ok {
		return before.answer, before.digest == digest
	}
	if o.done == nil {
		o.done = map[string]first[T]{}
	}
	answer = do()
	o.done[id] = first[T]{digest: digest, answer: answer}
	return answer, true
}

// written is a remembered answer as JSON.
type written[T any] struct {
	Digest []byte `json:"digest"`
	Answer T      `json:"answer"`
}

// MarshalJSON writes the memory down, for a service that outlives its process.
func (o *Once[T]) MarshalJSON() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := map[string]written[T]{}
	for id, f := range o.done {
		all[id] = written[T]{f.digest[:], f.answer}
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads it back.
func (o *Once[T]) UnmarshalJSON(raw []byte) error {
	var all map[string]written[T]
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = map[string]first[T]{}
	for id, w := range all {
		f := first[T]{answer: w.Answer}
		if copy(f.digest[:], w.Digest) != len(f.digest) {
			return errors.New("a remembered request has no digest")
		}
		o.done[id] = f
	}
	return nil
}
