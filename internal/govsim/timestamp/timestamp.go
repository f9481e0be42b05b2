// Package timestamp simulates a timestamp authority (RFC 3161) as a server over the network, with a certification authority
// of its own behind it, so that nothing it signs is valid anywhere but where a test or a demonstration trusts it.
//
//	POST /tsa   application/timestamp-query → application/timestamp-reply (RFC 3161 §3.4)
//	GET  /crl   the revocation list of the authority behind it (application/pkix-crl)
//
// The certificate has the one critical purpose of timestamping; tokens state an accuracy of one second and the policy of
// ETSI EN 319 421 §5.2. A certificate whose time has come is followed by another, so that a demonstration can move its
// clock by years.
package timestamp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/format/tsp"
	"akashi/internal/govsim/fail"
)

// Where the two services are, below the server's address.
const (
	Path     = "/tsa"
	ListPath = "/crl"
)

const (
	maxRequest = 16 << 10
	accuracy   = time.Second
	listLife   = 7 * 24 * time.Hour
)

// Policy is the best practices policy for time-stamps (ETSI EN 319 421 §5.2).
func Policy() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{0, 4, 0, 2023, 1, 1} }

// Config describes an authority.
type Config struct {
	BaseURL string // as callers reach it; written into certificates
	Clock   clock.Clock
	// Dir keeps the key of the authority and what it certified, so that timestamps outlive a restart. Empty: memory.
	Dir string
	// Life is how long a certificate for timestamping is valid; 0 means five years.
	Life time.Duration
}

// Server is a running authority; it is an http.Handler and safe for concurrent use.
type Server struct {
	config  Config
	faults  *fail.Injector
	handler http.Handler

	mu      sync.Mutex
	root    pair
	unit    pair // the newest certificate for timestamping
	revoked []x509.RevocationListEntry
}

// pair is a key with its certificate.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes an authority, or reads it from c.Dir where an earlier run left it. It fails with fault.Invalid.
func New(c Config) (*Server, error) {
	if c.BaseURL == "" || c.Clock == nil {
		return nil, fault.New(fault.Invalid, "", "making a timestamp authority without an address or a clock")
	}
	if c.Life == 0 {
		c.Life = 5 * 365 * 24 * time.Hour
	}
	s := &Server{config: c, faults: fail.New()}
	if err := s.openRoot(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, s.stamp)
	mux.HandleFunc("GET "+ListPath, s.list)
	s.handler = s.faults.Wrap(mux)
	return s, nil
}

// ServeHTTP serves the authority.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Faults lets the authority misbehave.
func (s *Server) Faults() *fail.Injector { return s.faults }

// Anchor is the certificate to trust.
func (s *Server) Anchor() *x509.Certificate { return s.root.cert }

// Revoke puts the present certificate for timestamping on the revocation list, for a reason of RFC 5280 §5.3.1. The next
// request is answered under a new one.
func (s *Server) Revoke(reason int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unit.cert != nil {
		s.revoked = append(s.revoked, x509.RevocationListEntry{SerialNumber: s.unit.cert.SerialNumber, RevocationTime: s.config.Clock.Now(), ReasonCode: reason})
		s.unit = pair{}
	}
}

// current is the certificate under which timestamps are made now.
func (s *Server) current(now time.Time) (pair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unit.cert == nil || now.Before(s.unit.cert.NotBefore) || now.Add(s.config.Life/5).After(s.unit.cert.NotAfter) {
		unit, err := s.certify(now)
		if err != nil {
			return pair{}, err
		}
		s.unit = unit
	}
	return s.unit, nil
}

func (s *Server) stamp(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "want application/timestamp-query", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	answer, err := s.answer(body)
	if err != nil {
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Header().Set("Cache-Control", "no-store")
	// A caller that has gone away is no concern of the simulator's.
	_, _ = w.Write(answer)
}

// answer grants a timestamp or says why not, in the protocol's own words.
func (s *Server) answer(body []byte) ([]byte, error) {
	q, err := tsp.ParseRequest(body)
	if err != nil {
		return tsp.Refuse(tsp.BadDataFormat)
	}
	if q.Policy != nil && !q.Policy.Equal(Policy()) {
		return tsp.Refuse(tsp.UnacceptedPolicy)
	}
	if q.Hash != crypto.SHA256 && q.Hash != crypto.SHA384 && q.Hash != crypto.SHA512 {
		return tsp.Refuse(tsp.BadAlgorithm)
	}
	now := s.config.Clock.Now()
	unit, err := s.current(now)
	if err != nil {
		return nil, err
	}
	serial, err := randomSerial()
	if err != nil {
		return nil, err
	}
	token, err := tsp.Issue(tsp.Info{Policy: Policy(), Hash: q.Hash, Imprint: q.Imprint, Serial: serial, Time: now, Accuracy: accuracy, Nonce: q.Nonce},
		[]*x509.Certificate{unit.cert, s.root.cert}, q.Certs, unit.key)
	if err != nil {
		return nil, err
	}
	return tsp.Grant(token)
}

// randomSerial is a number that no other token or certificate has: 20 bytes at most (RFC 5280 §4.1.2.2).
func randomSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 150))
	if err != nil {
		return nil, err
	}
	return n.Add(n, big.NewInt(1)), nil
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	revoked := append([]x509.RevocationListEntry{}, s.revoked...)
	s.mu.Unlock()
	now := s.config.Clock.Now()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(now.UnixNano()), ThisUpdate: now.Add(-time.Minute),
		NextUpdate: now.Add(listLife), RevokedCertificateEntries: revoked}, s.root.cert, s.root.key)
	if err != nil {
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/pkix-crl")
	_, _ = w.Write(der)
}
