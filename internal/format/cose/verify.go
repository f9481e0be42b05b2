package cose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
)

const (
	es256SignatureBytes = 64
	minRSABits          = 2048
)

// Verify checks the signature of s with pub. The key's type must belong to the algorithm that s names: *ecdsa.PublicKey
// on P-256 for ES256, *rsa.PublicKey of 2,048 bits or more for PS256. It fails with fault.Invalid and WrongKey,
// WrongAlgorithm or BadSignature. A nil error says that the holder of the key signed these bytes, not that the
// credential is still in force.
func Verify(pub crypto.PublicKey, s *Sign1) error {
	signed, err := ToBeSigned(s.Protected, s.Payload)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(signed)
	switch s.Algorithm {
	case ES256:
		return verifyES256(pub, digest, s.Signature)
	case PS256:
		return verifyPS256(pub, digest, s.Signature)
	}
	return refuse(WrongAlgorithm, "verifying with algorithm %d", s.Algorithm)
}

func verifyES256(pub crypto.PublicKey, digest [32]byte, signature []byte) error {
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok || key == nil || key.Curve != elliptic.P256() {
		return refuse(WrongKey, "verifying ES256 with a key of type %T", pub)
	}
	if len(signature) != es256SignatureBytes {
		return refuse(BadSignature, "an ES256 signature of %d bytes", len(signature))
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return refuse(BadSignature, "verifying an ES256 signature")
	}
	return nil
}

func verifyPS256(pub crypto.PublicKey, digest [32]byte, signature []byte) error {
	key, ok := pub.(*rsa.PublicKey)
	if !ok || key == nil || key.N.BitLen() < minRSABits {
		return refuse(WrongKey, "verifying PS256 with a key of type %T", pub)
	}
	options := &rsa.PSSOptions{SaltLength: sha256.Size, Hash: crypto.SHA256}
	if err := rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, options); err != nil {
		return refuse(BadSignature, "verifying a PS256 signature: %v", err)
	}
	return nil
}
