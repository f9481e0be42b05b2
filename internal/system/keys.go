package system

import (
	"context"
	"errors"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/connector/signer/token"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/presentation"
	"akashi/internal/qualification"
	"akashi/internal/verification"
)

// Keyring is the registrars' signing keys as an operator works on them, beside a running program or without one: the files,
// and where there is a database, what is published.
type Keyring struct {
	Signer    *signer.Signer
	Catalogue *qualification.Catalogue
	DB        *pg.DB // under the worker's role; nil: nothing is published
	closed    func() error
}

// openSigner opens the keys of a data directory, and the token on which their private halves are, when one is configured.
func openSigner(dataDir string, c clock.Clock, at token.Config) (s *signer.Signer, closed func() error, err error) {
	cfg := signer.Config{Dir: keysDir(dataDir), Clock: c}
	closed = func() error { return nil }
	if at.Module != "" {
		t, err := token.Open(at)
		if err != nil {
			return nil, nil, err
		}
		cfg.Token, closed = t, t.Close
	}
	if s, err = signer.Open(cfg); err != nil {
		return nil, nil, errors.Join(err, closed())
	}
	return s, closed, nil
}

// OpenKeyring opens the keys of a data directory; db may be nil, and without a module there is no token. Close it.
func OpenKeyring(ctx context.Context, dataDir string, db *Database, c clock.Clock, at token.Config) (*Keyring, error) {
	cat, err := Definitions()
	if err != nil {
		return nil, err
	}
	keys, closed, err := openSigner(dataDir, c, at)
	if err != nil {
		return nil, err
	}
	k := &Keyring{Signer: keys, Catalogue: cat, closed: closed}
	if db != nil {
		if k.DB, err = db.As(ctx, pg.RoleWorker, 2); err != nil {
			return nil, errors.Join(err, closed())
		}
	}
	return k, nil
}

// Close closes the token. The database is the caller's.
func (k *Keyring) Close() error { return k.closed() }

// Organization is the registrar's name for certificates.
func (k *Keyring) Organization(registrar string) string {
	if r, ok := k.Catalogue.Registrar(registrar); ok && r.Name.EN != "" {
		return r.Name.In(qualification.EN)
	}
	return registrar
}

// Publish makes a key known with its certificates. The platform's key for the trust list stands in the list itself.
func (k *Keyring) Publish(ctx context.Context, key signer.Key) error {
	switch {
	case key.Purpose == verifierPurpose && len(key.Chain) > 0:
		return presentation.PublishKey(ctx, k.DB, presentation.Key{KID: key.KID, Chain: key.Chain, NotBefore: key.NotBefore})
	case key.Registrar == platform:
		return nil
	}
	return credential.PublishKeys(ctx, k.DB, credential.SigningKey{KID: key.KID, Registrar: key.Registrar, Purpose: credential.Purpose(key.Purpose),
		Public: key.Public, Chain: key.Chain, NotBefore: key.NotBefore})
}

// TrustList publishes the trust list for the origins of the verification site and the API, and returns it. It fails with
// fault.NotFound while the platform's key for it has no certificate.
func (k *Keyring) TrustList(ctx context.Context, public, api string) (*verification.TrustVersion, error) {
	return trustPublisher(k.Signer, k.DB, k.Catalogue, public, api).Publish(ctx)
}

// Find returns a key by its id.
func (k *Keyring) Find(kid string) (signer.Key, bool) {
	for _, key := range k.Signer.Public() {
		if key.KID == kid {
			return key, true
		}
	}
	return signer.Key{}, false
}

// Rotate makes the next key of a registrar for a purpose, which signs from a time on, and publishes it at once. The earlier ones
// stay: what they signed stands.
func (k *Keyring) Rotate(ctx context.Context, registrar, purpose string, from time.Time) (signer.Key, error) {
	if _, ok := k.Catalogue.Registrar(registrar); !ok {
		return signer.Key{}, fault.New(fault.NotFound, "", "there is no registrar "+registrar)
	}
	made, err := k.Signer.Rotate(registrar, purpose, from)
	if err != nil {
		return signer.Key{}, err
	}
	return made, k.Publish(ctx, made)
}

// until waits for a key to begin: at most a second, when the one before it began in this one.
func until(ctx context.Context, left time.Duration) error {
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Replace distrusts a key, after making its successor unless there is one, and has everything living signed anew.
func (k *Keyring) Replace(ctx context.Context, kid string, tell credential.Progress) error {
	next, err := credential.Distrust(ctx, k.DB, kid)
	if errors.Is(err, credential.NoKey) {
		old, known := k.Find(kid)
		if !known {
			return err
		}
		made, failed := k.Rotate(ctx, old.Registrar, old.Purpose, time.Time{})
		if failed != nil {
			return failed
		}
		if err := until(ctx, made.NotBefore.Sub(k.DB.Clock.Now())); err != nil {
			return err
		}
		next, err = credential.Distrust(ctx, k.DB, kid)
	}
	if err != nil {
		return err
	}
	issuer := credential.NewIssuer(credential.Config{DB: k.DB, Catalogue: k.Catalogue, Sign: k.Signer.For(string(next.Purpose))})
	return issuer.Replace(ctx, kid, next, tell)
}
