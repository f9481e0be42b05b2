package vault

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// redacted is what every form of printing, logging and encoding shows of a secret.
const redacted = "[secret]"

// hidden makes the type that embeds it print as redacted, whatever the verb, logger or encoder.
type hidden struct{}

// Format prints redacted for every verb of fmt, %#v and %x too.
func (hidden) Format(s fmt.State, _ rune) { fmt.Fprint(s, redacted) }

// LogValue logs redacted.
func (hidden) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText encodes as redacted, in JSON too.
func (hidden) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// sealed holds a secret inside a function. fmt reads the unexported fields of a struct without asking their methods, so
// a key kept as a field would appear wherever a struct that holds it is printed; of a function only the address does.
type sealed[T any] struct {
	hidden
	open func() T
}

func seal[T any](v T) sealed[T] { return sealed[T]{open: func() T { return v }} }

// Secret is a symmetric key.
type Secret struct{ sealed[[]byte] }

// Bytes returns a copy of the key.
func (s Secret) Bytes() []byte { return bytes.Clone(s.open()) }

func (s *Secret) take(content []byte) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(content)))
	if err != nil {
		return errors.New("it is not base64")
	}
	if len(key) != 32 {
		return fmt.Errorf("it has %d bytes, not 32", len(key))
	}
	s.sealed = seal(key)
	return nil
}

// SigningKey is a P-256 key for ES256.
type SigningKey struct {
	sealed[*ecdsa.PrivateKey]
	id string
}

// Signer returns the key, an *ecdsa.PrivateKey. It prints its secret if printed: hand it on, do not keep it.
func (k SigningKey) Signer() crypto.Signer { return k.open() }

// Public returns the public key.
func (k SigningKey) Public() *ecdsa.PublicKey { return &k.open().PublicKey }

// ID names the public key, for "kid".
func (k SigningKey) ID() string { return k.id }

func (k *SigningKey) take(content []byte) (err error) {
	parsed, err := parsePEM(content)
	if err != nil {
		return err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return errors.New("it is not a P-256 key")
	}
	k.sealed = seal(key)
	k.id, err = keyID(key.Public())
	return err
}

// DecryptionKey is an RSA key for RSA-OAEP-256.
type DecryptionKey struct {
	sealed[*rsa.PrivateKey]
	id string
}

// Decrypter returns the key, an *rsa.PrivateKey. It prints its secret if printed: hand it on, do not keep it.
func (k DecryptionKey) Decrypter() crypto.Decrypter { return k.open() }

// Public returns the public key.
func (k DecryptionKey) Public() *rsa.PublicKey { return &k.open().PublicKey }

// ID names the public key, for "kid".
func (k DecryptionKey) ID() string { return k.id }

func (k *DecryptionKey) take(content []byte) (err error) {
	parsed, err := parsePEM(content)
	if err != nil {
		return err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < 2048 {
		return errors.New("it is not an RSA key of 2048 bits or more")
	}
	k.sealed = seal(key)
	k.id, err = keyID(key.Public())
	return err
}

func parsePEM(content []byte) (crypto.PrivateKey, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("it is not a PEM private key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is not a PKCS #8 key")
	}
	return key, nil
}

// Checkpoint signs checkpoints of the audit log (Ed25519, in the form of signed notes) and checks them.
type Checkpoint struct {
	sealed[note.Signer]
	verifier note.Verifier
	public   string
}

// Signer signs; only the sequencer needs it.
func (c Checkpoint) Signer() note.Signer { return c.open() }

// Verifier checks what Signer signed.
func (c Checkpoint) Verifier() note.Verifier { return c.verifier }

// Public returns the verifier key in its published form, "<name>+<hash>+<key>".
func (c Checkpoint) Public() string { return c.public }

func (c *Checkpoint) take(content []byte) (err error) {
	private := strings.TrimSpace(string(content))
	signer, err := note.NewSigner(private)
	if err != nil {
		return errors.New("it is not a note signing key")
	}
	c.sealed = seal(signer)
	if c.public, err = publicNoteKey(private); err != nil {
		return err
	}
	c.verifier, err = note.NewVerifier(c.public)
	return err
}
