// Package ca is a simulated certification authority of Japan's national ID card: it issues signing and user
// authentication certificates of the real profile to synthetic cards, revokes them and publishes revocation lists. Its
// names are the real ones with a mark that says simulation; its keys are its own, so that nothing it signs is valid
// anywhere but where a test or a demonstration trusts it.
//
// Tests issue a certificate that breaks one rule of the profile by naming one of Variants, or by changing the Template.
package ca

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	"akashi/internal/clock"
	"akashi/internal/format/jpki"
)

// Kind is one of the two authorities of the card.
type Kind string

// The authorities.
const (
	Signing        Kind = "signing"        // 署名用: carries the particulars
	Authentication Kind = "authentication" // 利用者証明用: carries none
)

// Config tells how to run the authority.
type Config struct {
	Clock clock.Clock
	// Dir keeps the keys of the two authorities, so that signatures outlive a restart. Empty: they live in memory.
	Dir string
	// ListLife is how long a revocation list is fresh; 0 means 24 hours.
	ListLife time.Duration
	// CardKey is the key of every card, for measurements with very many cards. Nil: each card has keys of its own.
	CardKey *rsa.PrivateKey
}

// CA is the pair of authorities. It is safe for concurrent use.
type CA struct {
	cfg         Config
	authorities map[Kind]*authority
}

// authority is one of the two: its key, and what it issued and revoked.
type authority struct {
	kind Kind
	cert *x509.Certificate
	key  *rsa.PrivateKey

	mu      sync.Mutex
	points  map[string][]byte    // points of lists: name in DER -> the same
	revoked map[string][]revoked // by point
	number  int64                // of the last list
}

type revoked struct {
	serial *big.Int
	at     time.Time
}

// New makes the authorities, or reads them from cfg.Dir where an earlier run left them.
func New(cfg Config) (*CA, error) {
	if cfg.Clock == nil {
		return nil, fmt.Errorf("simulated authority: no clock")
	}
	if cfg.ListLife == 0 {
		cfg.ListLife = 24 * time.Hour
	}
	c := &CA{cfg: cfg, authorities: map[Kind]*authority{}}
	for _, kind := range []Kind{Signing, Authentication} {
		a, err := openAuthority(cfg, kind)
		if err != nil {
			return nil, fmt.Errorf("simulated authority for %s: %w", kind, err)
		}
		c.authorities[kind] = a
	}
	return c, nil
}

// Anchor returns the authority's self-signed certificate, for those who are to trust it.
func (c *CA) Anchor(kind Kind) *x509.Certificate { return c.authorities[kind].cert }

// openAuthority reads an authority from its file, or makes one and writes the file.
func openAuthority(cfg Config, kind Kind) (*authority, error) {
	a := &authority{kind: kind, points: map[string][]byte{}, revoked: map[string][]revoked{}}
	path := filepath.Join(cfg.Dir, string(kind)+"-ca.pem")
	if cfg.Dir != "" {
		text, err := os.ReadFile(path)
		if err == nil {
			a.cert, a.key, err = decodePair(text)
			return a, err
		}
		if !os.IsNotExist(err) {
			return nil, err
		}
	}
	if err := a.create(cfg.Clock.Now()); err != nil {
		return nil, err
	}
	if cfg.Dir == "" {
		return a, nil
	}
	text, err := encodePair(a.cert, a.key)
	if err != nil {
		return nil, err
	}
	return a, os.WriteFile(path, text, 0o600)
}

// create makes the key and the self-signed certificate, valid for ten years as the real ones, begun three years ago so
// that a demonstration may be set back in time.
func (a *authority) create(now time.Time) error {
	var err error
	if a.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return err
	}
	keyID := sha1.Sum(x509.MarshalPKCS1PublicKey(&a.key.PublicKey)) // RFC 5280 §4.2.1.2 (1)
	subject, err := marshalName(a.name("")...)
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: subject,
		NotBefore: now.AddDate(-3, 0, 0), NotAfter: now.AddDate(7, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
		SubjectKeyId: keyID[:], AuthorityKeyId: keyID[:], SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &a.key.PublicKey, a.key)
	if err != nil {
		return err
	}
	a.cert, err = x509.ParseCertificate(der)
	return err
}

// name returns the attributes of the authority's own name, as the profile has them, marked as a simulation. With a
// point, it is the name of the distribution point below it.
func (a *authority) name(prefecture string, city ...string) []attribute {
	unit := "JPKI for digital signature"
	if a.kind == Authentication {
		unit = "JPKI for user authentication"
	}
	attributes := []attribute{{country, "JP"}, {organization, "JPKI (simulation)"}, {organizationalUnit, unit}}
	if prefecture == "" {
		return append(attributes, attribute{organizationalUnit, "Japan Agency for Local Authority Information Systems (simulation)"})
	}
	attributes = append(attributes, attribute{organizationalUnit, "CRL Distribution Points"}, attribute{organizationalUnit, prefecture})
	for _, c := range city {
		attributes = append(attributes, attribute{commonName, c})
	}
	return attributes
}

// Revoke puts a certificate on its list from now on.
func (c *CA) Revoke(kind Kind, certDER []byte) error {
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return fmt.Errorf("revoking: %w", err)
	}
	a := c.authorities[kind]
	point, err := pointOf(cert)
	if err != nil {
		return fmt.Errorf("revoking: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.revoked[string(point)] {
		if r.serial.Cmp(cert.SerialNumber) == 0 {
			return nil
		}
	}
	a.revoked[string(point)] = append(a.revoked[string(point)], revoked{cert.SerialNumber, c.cfg.Clock.Now()})
	return nil
}

// Revoked tells whether a certificate is on its list.
func (c *CA) Revoked(kind Kind, certDER []byte) bool {
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return false
	}
	a := c.authorities[kind]
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, list := range a.revoked {
		for _, r := range list {
			if r.serial.Cmp(cert.SerialNumber) == 0 {
				return true
			}
		}
	}
	return false
}

// CRL publishes a new list for a point. Changes may break it before it is signed, for tests.
func (c *CA) CRL(kind Kind, point jpki.Point, changes ...func(*x509.RevocationList)) ([]byte, error) {
	a := c.authorities[kind]
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.points[string(point.Raw)]; !known {
		return nil, fmt.Errorf("revocation list: %w: %s", os.ErrNotExist, point.Name)
	}
	a.number++
	now := c.cfg.Clock.Now()
	list := &x509.RevocationList{
		Number: big.NewInt(a.number), ThisUpdate: now, NextUpdate: now.Add(c.cfg.ListLife),
		SignatureAlgorithm: x509.SHA256WithRSA, ExtraExtensions: []extensionValue{issuingPoint(point.Raw)},
	}
	for _, r := range a.revoked[string(point.Raw)] {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: r.serial, RevocationTime: r.at})
	}
	for _, change := range changes {
		change(list)
	}
	return x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
}
