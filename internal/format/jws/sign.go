package jws

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// SignES256 signs with a key that is in memory: ECDSA on P-256 over SHA-256, r and s in 64 bytes (RFC 7518 §3.4). A registrar's keys are
// not: they are asked by a Sign of their own.
func SignES256(key *ecdsa.PrivateKey, toSign []byte) ([]byte, error) {
	digest := sha256.Sum256(toSign)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return nil, fmt.Errorf("signing with a key in memory: %w", err)
	}
	out := make([]byte, SignatureBytes)
	r.FillBytes(out[:SignatureBytes/2])
	s.FillBytes(out[SignatureBytes/2:])
	return out, nil
}
