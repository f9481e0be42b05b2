// Package formattest has what the tests of signed formats share: keys for one test, and signatures by them.
package formattest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"akashi/internal/format/jws"
)

// Must returns the value of a call that must not fail: Must[[]byte](t)(read(file)).
func Must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Key makes a key on P-256.
func Key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	return Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

// Sign signs by ES256: r and s in 64 bytes.
func Sign(t testing.TB, key *ecdsa.PrivateKey, toSign []byte) []byte {
	t.Helper()
	return Must[[]byte](t)(jws.SignES256(key, toSign))
}

// Signer is ES256 with a key, for what asks for a function.
func Signer(key *ecdsa.PrivateKey) jws.Sign {
	return func(toSign []byte) ([]byte, error) { return jws.SignES256(key, toSign) }
}
