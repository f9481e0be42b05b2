// Package signer holds the keys with which registrars sign, one for each registrar and purpose, and signs bytes with them.
//
// The keys are files in a directory of their own: ECDSA P-256, PKCS#8 (RFC 5958), readable by the owner alone. A key's name
// says all that is to be known of it:
//
//	<registrar>.<purpose>.<seconds since 1970 from which it signs>.pem
//
// A key is written once and never changed. Rotation adds a newer one; the older ones stay, so that what they signed can
// still be checked. The key id is derived from the public key, so that no two keys share one.
package signer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
)

// Key is the public side of a signing key.
type Key struct {
	KID       string // registrar, "-", twelve hexadecimal digits of the public key's SHA-256
	Registrar string
	Purpose   string
	Public    *ecdsa.PublicKey // P-256
	NotBefore time.Time        // from when it signs, to the second
}

// Config describes a signer. Dir is made when it is missing, and must be closed to others.
type Config struct {
	Dir   string
	Clock clock.Clock
}

// Signer signs with the keys of one directory. It is safe for concurrent use, also by several processes.
type Signer struct {
	dir   string
	clock clock.Clock
	mu    sync.RWMutex
	keys  map[string]pair // by key id
}

type pair struct {
	Key
	private *ecdsa.PrivateKey
}

// Open reads the keys of the directory. It fails with fault.Internal when the directory or a key is open to others, or a
// file is not a key.
func Open(c Config) (*Signer, error) {
	if c.Dir == "" || c.Clock == nil {
		return nil, fault.New(fault.Invalid, "", "opening a signer without a directory or a clock")
	}
	if err := ownDirectory(c.Dir); err != nil {
		return nil, err
	}
	s := &Signer{dir: c.Dir, clock: c.Clock}
	return s, s.reload()
}

// reload reads the directory anew, since another process may have added a key.
func (s *Signer) reload() error {
	keys, err := readAll(s.dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
	return nil
}

// Ensure returns the key with which the registrar signs for the purpose now, and makes one when there is none. Both names
// are lower-case letters, digits and hyphens. However many callers ask at once, one key is made.
func (s *Signer) Ensure(registrar, purpose string) (Key, error) {
	if key, ok := s.current(registrar, purpose); ok {
		return key, nil
	}
	return s.add(registrar, purpose, false)
}

// Rotate makes a new key, with which the registrar signs for the purpose from now on.
func (s *Signer) Rotate(registrar, purpose string) (Key, error) {
	return s.add(registrar, purpose, true)
}

func (s *Signer) add(registrar, purpose string, always bool) (Key, error) {
	if !isName(registrar) || !isName(purpose) {
		return Key{}, fault.New(fault.Invalid, "", fmt.Sprintf("making a key for %q and %q", registrar, purpose))
	}
	unlock, err := lock(s.dir)
	if err != nil {
		return Key{}, err
	}
	defer unlock()
	if err := s.reload(); err != nil {
		return Key{}, err
	}
	old, exists := s.current(registrar, purpose)
	if exists && !always {
		return old, nil
	}
	made, err := s.generate(registrar, purpose, old)
	if err != nil {
		return Key{}, err
	}
	return made, s.reload()
}

// generate writes a key whose time is after the one before it: the newest signs.
func (s *Signer) generate(registrar, purpose string, before Key) (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, fault.Wrap(fault.Internal, err, "generating a key")
	}
	from := s.clock.Now().Truncate(time.Second)
	if !from.After(before.NotBefore) {
		from = before.NotBefore.Add(time.Second)
	}
	made, err := newPair(registrar, purpose, from, private)
	if err != nil {
		return Key{}, err
	}
	return made.Key, write(s.dir, made)
}

func newPair(registrar, purpose string, from time.Time, private *ecdsa.PrivateKey) (pair, error) {
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return pair{}, fault.Wrap(fault.Internal, err, "encoding a public key")
	}
	sum := sha256.Sum256(der)
	kid := registrar + "-" + hex.EncodeToString(sum[:6])
	return pair{private: private, Key: Key{
		KID: kid, Registrar: registrar, Purpose: purpose, Public: &private.PublicKey, NotBefore: from.In(clock.JST),
	}}, nil
}

func (s *Signer) current(registrar, purpose string) (Key, bool) {
	var newest Key
	for _, key := range s.Public() {
		if key.Registrar == registrar && key.Purpose == purpose && key.NotBefore.After(newest.NotBefore) {
			newest = key
		}
	}
	return newest, newest.KID != ""
}

// Sign signs the bytes with ECDSA and SHA-256 and returns r and s, 32 bytes each (ES256: RFC 7518 §3.4, RFC 9053 §2.1).
// It fails with fault.NotFound when there is no such key.
func (s *Signer) Sign(ctx context.Context, kid string, toBeSigned []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Upstream, err, "signing")
	}
	key, err := s.find(kid)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(toBeSigned)
	r, v, err := ecdsa.Sign(rand.Reader, key.private, digest[:])
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "signing with "+kid)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	v.FillBytes(signature[32:])
	return signature, nil
}

func (s *Signer) find(kid string) (pair, error) {
	s.mu.RLock()
	key, ok := s.keys[kid]
	s.mu.RUnlock()
	if ok {
		return key, nil
	}
	if err := s.reload(); err != nil {
		return pair{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if key, ok = s.keys[kid]; !ok {
		return pair{}, fault.New(fault.NotFound, "", fmt.Sprintf("finding the key %q", kid))
	}
	return key, nil
}

// Public returns all keys for publication, the older ones first.
func (s *Signer) Public() []Key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := make([]Key, 0, len(s.keys))
	for _, key := range s.keys {
		keys = append(keys, key.Key)
	}
	slices.SortFunc(keys, func(a, b Key) int {
		if c := a.NotBefore.Compare(b.NotBefore); c != 0 {
			return c
		}
		return strings.Compare(a.KID, b.KID)
	})
	return keys
}

// String keeps the private keys out of a message that prints the signer.
func (s *Signer) String() string { return "signer(" + s.dir + ")" }

// GoString does the same for %#v.
func (s *Signer) GoString() string { return s.String() }

// LogValue does the same for a log.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

func isName(s string) bool {
	return regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(s) && len(s) <= 40
}
