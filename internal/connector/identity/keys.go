package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// Keys are a client's private keys.
type Keys struct {
	// Assertion signs the client's assertions with ES256 (private_key_jwt): P-256. It may live in a token.
	Assertion crypto.Signer
	// Decryption opens sign results: *rsa.PrivateKey of 2048 bits or more (RSA-OAEP-256) or *ecdsa.PrivateKey (ECDH-ES).
	// nil where no signatures are asked for.
	Decryption crypto.PrivateKey
}

// LoadKeys reads the client's keys from dir, or makes them at first use (P-256 for assertions, RSA-2048 for sign
// results). A key file that others may read is refused.
func LoadKeys(dir string) (Keys, error) {
	assertion, err := loadKey(filepath.Join(dir, "client-assertion.pem"), func() (crypto.PrivateKey, error) {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	})
	if err != nil {
		return Keys{}, err
	}
	decryption, err := loadKey(filepath.Join(dir, "client-decryption.pem"), func() (crypto.PrivateKey, error) {
		return rsa.GenerateKey(rand.Reader, 2048)
	})
	if err != nil {
		return Keys{}, err
	}
	signer, can := assertion.(crypto.Signer)
	if !can {
		return Keys{}, errors.New("client-assertion.pem holds no signing key")
	}
	return Keys{Assertion: signer, Decryption: decryption}, nil
}

// loadKey reads a PKCS #8 key, or makes it and writes it for nobody else to read.
func loadKey(path string, make func() (crypto.PrivateKey, error)) (crypto.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return createKey(path, make)
	}
	if err != nil {
		return nil, fmt.Errorf("reading client key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("reading client key: %s may be read by others (mode %o)", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading client key: %w", err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) != 0 {
		return nil, fmt.Errorf("reading client key: %s is not one PKCS #8 key in PEM", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading client key %s: %w", path, err)
	}
	return key, nil
}

// createKey makes a key. O_EXCL keeps a second process from replacing the key that the first one registered.
func createKey(path string, make func() (crypto.PrivateKey, error)) (crypto.PrivateKey, error) {
	key, err := make()
	if err != nil {
		return nil, fmt.Errorf("making client key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making client key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("writing client key: %w", err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return nil, fmt.Errorf("writing client key: %w", err)
	}
	return key, nil
}

// Public returns the public keys to register with the provider: use "sig" for assertions, "enc" for sign results.
func (k Keys) Public() (jose.JSONWebKeySet, error) {
	sig, err := publicKey(k.Assertion.Public(), "sig", string(jose.ES256))
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{sig}}
	if k.Decryption == nil {
		return set, nil
	}
	algorithm, public, err := k.decryption()
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	enc, err := publicKey(public, "enc", string(algorithm))
	set.Keys = append(set.Keys, enc)
	return set, err
}

// publicKey names a key by its thumbprint (RFC 7638).
func publicKey(public crypto.PublicKey, use, algorithm string) (jose.JSONWebKey, error) {
	key := jose.JSONWebKey{Key: public, Use: use, Algorithm: algorithm}
	thumb, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return key, fmt.Errorf("naming client key: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	return key, nil
}

// decryption returns the one algorithm in which sign results may arrive for this key.
func (k Keys) decryption() (jose.KeyAlgorithm, crypto.PublicKey, error) {
	switch key := k.Decryption.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 2048 {
			return "", nil, errors.New("client decryption key: RSA below 2048 bits")
		}
		return jose.RSA_OAEP_256, key.Public(), nil
	case *ecdsa.PrivateKey:
		return jose.ECDH_ES, key.Public(), nil
	}
	return "", nil, fmt.Errorf("client decryption key: %T is neither RSA nor ECDSA", k.Decryption)
}

// check refuses keys that would fail at the first login.
func (k Keys) check() error {
	if k.Assertion == nil {
		return errors.New("no client key for assertions")
	}
	public, isEC := k.Assertion.Public().(*ecdsa.PublicKey)
	if !isEC || public.Curve != elliptic.P256() {
		return errors.New("the client key for assertions is not on P-256")
	}
	return nil
}
