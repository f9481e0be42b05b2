//go:build !pkcs11

package token_test

import (
	"errors"
	"strings"
	"testing"

	"akashi/internal/connector/signer/token"
	"akashi/internal/fault"
)

// TestWithout: a program without the tag says how to build one that has it.
func TestWithout(t *testing.T) {
	_, err := token.Open(token.Config{Module: "/usr/lib/softhsm/libsofthsm2.so", Label: "x", PINFile: "/nowhere"})
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "make build-pkcs11") {
		t.Errorf("got %v, want a fault of kind invalid that names the target", err)
	}
}
