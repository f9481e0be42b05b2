// Package idp simulates two login services over the wire: the citizens' login and signing service (デジタル認証アプリ) and
// the login of registrars' staff. Both are OpenID Connect providers with the same strict core: authorization code flow
// only, PKCE with S256, private_key_jwt without replays, ID tokens signed with ES256, codes that work once.
//
// The citizens' provider has the address layout, parameters, scopes and pairwise subjects that デジタル庁 publishes for
// relying parties, and its sign transactions: a relying party hands in a digest, the citizen signs it with the card's
// signing key, and the relying party fetches signature and certificate as a JWE. In place of a phone and a card there are
// pages: a reader with synthetic cards, a PIN of four digits (three wrong tries lock it), a signing password of 6 to 16
// characters (five wrong tries lock it). Names that could not be read in the official text are marked in wire.go.
//
// A demonstration or a test steers the simulator through Server's methods or the same as an API below /admin/: put a card
// on the reader, revoke its certificates, unlock it, and make an endpoint slow, fail, or fail after it succeeded.
//
// Everything is in memory: to Akashi this is an outside system. Nothing here is fit to protect real people.
package idp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/clock"
	"akashi/internal/govsim/ca"
)

// Client is one registered relying party.
type Client struct {
	ID           string // 1 to 255 of 0-9, a-z, A-Z
	Name         string // shown on the pages
	RedirectURIs []string
	Scopes       []string           // it may ask for
	Keys         jose.JSONWebKeySet // public: use "sig" checks its assertions, use "enc" encrypts sign results for it
}

// Config tells how to run the citizens' provider.
type Config struct {
	Issuer  string // such as http://127.0.0.6:8405/api/realms/main; the server answers for its origin
	Clock   clock.Clock
	Clients []Client
	Cards   []ca.Card
	CA      *ca.CA
	Common
}

// StaffConfig tells how to run the staff's provider.
type StaffConfig struct {
	Issuer  string
	Clock   clock.Clock
	Clients []Client
	Staff   []StaffUser
	Common
}

// Common are settings of both providers; the zero value works.
type Common struct {
	SigningKey  *ecdsa.PrivateKey // of ID tokens, P-256; nil: a new one
	Secret      []byte            // makes pairwise subjects; keep it to keep the subjects across restarts; nil: a new one
	AdminToken  string            // bearer token of the API below /admin/; empty: there is no such API
	ShowSecrets bool              // the pages tell PINs, passwords and codes of the synthetic people
}

// Server is one running provider. It is safe for concurrent use.
type Server struct {
	*provider
	cards   *cardDesk // citizens' provider only
	staff   *staffDesk
	outages *outages
	handler http.Handler
}

// ServeHTTP answers for everything below the issuer's origin.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// New starts the citizens' provider.
func New(cfg Config) (*Server, error) {
	if cfg.CA == nil {
		return nil, errors.New("citizens' login: no certification authority")
	}
	p, err := newProvider(cfg.Issuer, cfg.Clock, cfg.Clients, cfg.Common)
	if err != nil {
		return nil, fmt.Errorf("citizens' login: %w", err)
	}
	p.scopes = []string{"openid", "name", "address", "birthdate", "gender", "sign"}
	p.acrs = []string{"aal3", "crl"}
	s := &Server{provider: p, outages: newOutages()}
	if s.cards, err = newCardDesk(p, cfg); err != nil {
		return nil, fmt.Errorf("citizens' login: %w", err)
	}
	mux := s.routes(cfg.AdminToken)
	s.cards.routes(mux, s.outages)
	mux.Handle("/jpki/", s.outages.wrap("crl", http.StripPrefix("/jpki", cfg.CA.Handler())))
	s.handler = guard(mux)
	return s, nil
}

// NewStaff starts the staff's provider.
func NewStaff(cfg StaffConfig) (*Server, error) {
	p, err := newProvider(cfg.Issuer, cfg.Clock, cfg.Clients, cfg.Common)
	if err != nil {
		return nil, fmt.Errorf("staff login: %w", err)
	}
	p.scopes = []string{"openid", "profile"}
	p.acrs = []string{ACRPassword, ACRStepUp}
	s := &Server{provider: p, outages: newOutages()}
	if s.staff, err = newStaffDesk(p, cfg); err != nil {
		return nil, fmt.Errorf("staff login: %w", err)
	}
	mux := s.routes(cfg.AdminToken)
	s.staff.routes(mux)
	s.handler = guard(mux)
	return s, nil
}

// routes lays out what both providers have, as Keycloak does below its realm.
func (s *Server) routes(adminToken string) *http.ServeMux {
	mux := http.NewServeMux()
	base := s.base.Path
	handle := func(name, pattern string, h http.HandlerFunc) { mux.Handle(pattern, s.outages.wrap(name, h)) }
	handle("discovery", "GET "+base+"/.well-known/openid-configuration", s.discovery)
	handle("auth", "GET "+base+"/protocol/openid-connect/auth", s.authorize)
	handle("token", "POST "+base+"/protocol/openid-connect/token", s.token)
	handle("userinfo", "GET "+base+"/protocol/openid-connect/userinfo", s.userinfo)
	handle("certs", "GET "+base+"/protocol/openid-connect/certs", s.certs)
	mux.HandleFunc("GET /style.css", s.pages.style)
	if adminToken != "" {
		mux.Handle("/admin/", s.admin(adminToken))
	}
	return mux
}

// guard sets what every answer needs: it is not kept, not framed, and not sniffed.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}

// newProvider checks the settings that both providers share.
func newProvider(issuer string, c clock.Clock, clients []Client, common Common) (*provider, error) {
	base, err := url.Parse(issuer)
	if err != nil || base.Host == "" || strings.HasSuffix(issuer, "/") || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("issuer %q is no address without query and final slash", issuer)
	}
	if c == nil {
		return nil, errors.New("no clock")
	}
	if common.SigningKey == nil {
		if common.SigningKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	if len(common.Secret) == 0 {
		common.Secret = []byte(rand.Text())
	}
	pages, err := loadPages()
	if err != nil {
		return nil, err
	}
	p := &provider{
		issuer: issuer, base: base, clock: c, key: common.SigningKey, secret: common.Secret, showSecrets: common.ShowSecrets,
		pages: pages, clients: map[string]Client{}, visits: map[string]*visit{}, codes: map[string]*grant{},
		tokens: map[string]*access{}, assertions: map[string]expiry{},
	}
	for _, client := range clients {
		if err := checkClient(client); err != nil {
			return nil, fmt.Errorf("client %q: %w", client.ID, err)
		}
		p.clients[client.ID] = client
	}
	return p, nil
}

// checkClient refuses a registration that could never work.
func checkClient(c Client) error {
	if !plainID(c.ID) {
		return errors.New("the id is not 1 to 255 letters and digits")
	}
	for _, uri := range c.RedirectURIs {
		if u, err := url.Parse(uri); err != nil || u.Host == "" || u.Fragment != "" || len(uri) > 255 {
			return fmt.Errorf("redirect address %q", uri)
		}
	}
	for _, key := range c.Keys.Keys {
		if !key.IsPublic() || !key.Valid() {
			return fmt.Errorf("key %q is not a valid public key", key.KeyID)
		}
	}
	return nil
}

// plainID tells whether id is a client id of the real service.
func plainID(id string) bool {
	const allowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return len(id) >= 1 && len(id) <= 255 && strings.Trim(id, allowed) == ""
}
