// Package signer holds the keys with which registrars sign, one for each registrar and purpose, and signs bytes with them.
//
// The keys are files in a directory of their own: ECDSA P-256, PKCS#8 (RFC 5958), readable by the owner alone. A key's name
// says all that is to be known of it:
//
//	<registrar>.<purpose>.<seconds since 1970 from which it signs>.pem
//
// With a token (a hardware module, see package token) the private half never leaves that: in the directory lies the public half, in
// a file of the same name that ends in .pub and says under which id the token has the other. Keys of both kinds may lie side
// by side, so that an installation can move to a token by rotating its keys.
//
// A key is written once and never changed; its X.509 certificates, when it has any, lie beside it in a file that ends in
// .crt. Rotation adds a newer one; the older ones stay, so that what they signed can
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
	"math/big"
	"os"
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
	Public    *ecdsa.PublicKey    // P-256
	NotBefore time.Time           // from when it signs, to the second
	Chain     []*x509.Certificate // its own certificate first, the anchor last; empty while it has none
}

// Use is what a key is made for: a registrar and a purpose, lower-case letters, digits and hyphens.
type Use struct{ Registrar, Purpose string }

// Token holds private keys that never leave it. It is safe for concurrent use.
type Token interface {
	// Generate makes a key on P-256 under a name for people, and returns the id by which it is found, and its public half.
	Generate(ctx context.Context, name string) (id []byte, public *ecdsa.PublicKey, err error)
	// Sign signs a SHA-256 digest with the key of an id and returns r and s, 32 bytes each. fault.NotFound when there is none.
	Sign(ctx context.Context, id, digest []byte) ([]byte, error)
}

// Config describes a signer. Dir is made when it is missing, and must be closed to others.
type Config struct {
	Dir   string
	Clock clock.Clock
	Token Token // where new keys are made; nil: in files
}

// Signer signs with the keys of one directory. It is safe for concurrent use, also by several processes.
type Signer struct {
	dir   string
	clock clock.Clock
	token Token
	mu    sync.RWMutex
	keys  map[string]pair // by key id
}

// pair is a key with the way to its private half: the key itself, or its id on the token.
type pair struct {
	Key
	private *ecdsa.PrivateKey
	onToken []byte
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
	s := &Signer{dir: c.Dir, clock: c.Clock, token: c.Token}
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
	return s.add(registrar, purpose, false, time.Time{})
}

// EnsureAll is Ensure for many at once: the directory is read once, and the files are written in one batch. A batch that a crash
// cut off has left whole keys or none; the next call makes those that lack.
func (s *Signer) EnsureAll(uses []Use) error {
	if len(s.lacking(uses)) == 0 {
		return nil
	}
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.reload(); err != nil {
		return err
	}
	var made []file
	for _, use := range s.lacking(uses) {
		key, err := s.generate(use, time.Time{}, Key{})
		if err != nil {
			return err
		}
		f, err := key.file()
		if err != nil {
			return err
		}
		made = append(made, f)
	}
	if err := placeAll(s.dir, made, os.Link); err != nil {
		return err
	}
	return s.reload()
}

// lacking are the uses for which no key signs now, each once.
func (s *Signer) lacking(uses []Use) (without []Use) {
	now := s.clock.Now()
	has := map[Use]bool{}
	s.mu.RLock()
	for _, key := range s.keys {
		if !key.NotBefore.After(now) {
			has[Use{key.Registrar, key.Purpose}] = true
		}
	}
	s.mu.RUnlock()
	for _, use := range uses {
		if !has[use] {
			has[use], without = true, append(without, use)
		}
	}
	return without
}

// Rotate makes a new key, with which the registrar signs for the purpose from a time on, from now on when that has passed. So
// a key can be published before it signs anything, and whoever keeps published keys has it in time.
func (s *Signer) Rotate(registrar, purpose string, from time.Time) (Key, error) {
	return s.add(registrar, purpose, true, from)
}

func (s *Signer) add(registrar, purpose string, always bool, from time.Time) (Key, error) {
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
	made, err := s.generate(Use{registrar, purpose}, from, old)
	if err != nil {
		return Key{}, err
	}
	f, err := made.file()
	if err != nil {
		return Key{}, err
	}
	if err := placeAll(s.dir, []file{f}, os.Link); err != nil {
		return Key{}, err
	}
	return made.Key, s.reload()
}

// generate makes a key that begins after the one that signs now: the newest that has begun signs. On a token it is there then;
// without its file, which is written next, nobody uses it.
func (s *Signer) generate(use Use, from time.Time, before Key) (made pair, err error) {
	if !isName(use.Registrar) || !isName(use.Purpose) {
		return pair{}, fault.New(fault.Invalid, "", fmt.Sprintf("making a key for %q and %q", use.Registrar, use.Purpose))
	}
	if now := s.clock.Now(); from.Before(now) {
		from = now
	}
	from = from.Truncate(time.Second)
	if !from.After(before.NotBefore) {
		from = before.NotBefore.Add(time.Second)
	}
	if s.token != nil {
		id, public, err := s.token.Generate(context.Background(), Key{Registrar: use.Registrar, Purpose: use.Purpose, NotBefore: from}.name())
		if err != nil {
			return pair{}, err
		}
		made, err = newPair(use.Registrar, use.Purpose, from, public)
		made.onToken = id
		return made, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fault.Wrap(fault.Internal, err, "generating a key")
	}
	made, err = newPair(use.Registrar, use.Purpose, from, &private.PublicKey)
	made.private = private
	return made, err
}

func newPair(registrar, purpose string, from time.Time, public *ecdsa.PublicKey) (pair, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return pair{}, fault.Wrap(fault.Internal, err, "encoding a public key")
	}
	sum := sha256.Sum256(der)
	kid := registrar + "-" + hex.EncodeToString(sum[:6])
	return pair{Key: Key{KID: kid, Registrar: registrar, Purpose: purpose, Public: public, NotBefore: from.In(clock.JST)}}, nil
}

// Current is the key that signs for the use now; ok is false when there is none.
func (s *Signer) Current(use Use) (key Key, ok bool) { return s.current(use.Registrar, use.Purpose) }

// current is the newest key that has begun.
func (s *Signer) current(registrar, purpose string) (Key, bool) {
	var newest Key
	now := s.clock.Now()
	for _, key := range s.Public() {
		if key.Registrar == registrar && key.Purpose == purpose && !key.NotBefore.After(now) && key.NotBefore.After(newest.NotBefore) {
			newest = key
		}
	}
	return newest, newest.KID != ""
}

// For returns Sign for keys of the named purposes only: it fails with fault.Forbidden for any other key. What may sign a
// credential is handed this, and what may publish a status list another.
func (s *Signer) For(purposes ...string) func(ctx context.Context, kid string, toBeSigned []byte) ([]byte, error) {
	return func(ctx context.Context, kid string, toBeSigned []byte) ([]byte, error) {
		key, err := s.find(kid)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(purposes, key.Purpose) {
			return nil, fault.New(fault.Forbidden, "", fmt.Sprintf("signing with %q, whose purpose is %s", kid, key.Purpose))
		}
		return s.Sign(ctx, kid, toBeSigned)
	}
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
	return s.signDigest(ctx, key, digest[:])
}

func (s *Signer) signDigest(ctx context.Context, key pair, digest []byte) ([]byte, error) {
	signature := make([]byte, 64)
	if key.private != nil {
		r, v, err := ecdsa.Sign(rand.Reader, key.private, digest)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "signing with "+key.KID)
		}
		r.FillBytes(signature[:32])
		v.FillBytes(signature[32:])
		return signature, nil
	}
	if s.token == nil {
		return nil, fault.New(fault.Invalid, "", "signing with "+key.KID+", which is on a token: the settings name none")
	}
	signature, err := s.token.Sign(ctx, key.onToken, digest)
	if err != nil {
		return nil, fmt.Errorf("signing with %s on the token: %w", key.KID, err)
	}
	if len(signature) != 64 || !ecdsa.Verify(key.Public, digest, new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return nil, fault.New(fault.Internal, "", "signing with "+key.KID+": what the token returned is no signature of its key")
	}
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
