//go:build !pkcs11

package token

import (
	"context"
	"crypto/ecdsa"

	"akashi/internal/fault"
)

// Token is a token that this program cannot speak to.
type Token struct{}

// Open fails with fault.Invalid: this program was built without PKCS #11.
func Open(Config) (*Token, error) { return nil, without() }

// Generate fails as Open does.
func (*Token) Generate(context.Context, string) ([]byte, *ecdsa.PublicKey, error) {
	return nil, nil, without()
}

// Sign fails as Open does.
func (*Token) Sign(context.Context, []byte, []byte) ([]byte, error) { return nil, without() }

// Close does nothing.
func (*Token) Close() error { return nil }

func without() error {
	return fault.New(fault.Invalid, "", "this program was built without PKCS #11: build it with make build-pkcs11, which needs a C compiler")
}
