package jws

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
)

const coordinate = 32 // bytes of a coordinate on P-256 (RFC 7518 §6.2.1.2)

// JWK is the public key as an object of JSON (RFC 7517, RFC 7518 §6.2). It fails with WrongKey when the key is not on P-256.
func JWK(key *ecdsa.PublicKey) (map[string]any, error) {
	x, y, err := Coordinates(key)
	if err != nil {
		return nil, err
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "x": x, "y": y}, nil
}

// Coordinates are the members x and y of the key's JWK. It fails as JWK does.
func Coordinates(key *ecdsa.PublicKey) (x, y string, err error) {
	if key == nil || key.Curve != elliptic.P256() {
		return "", "", refuse(WrongKey, "writing a key that is not on P-256")
	}
	point, err := key.Bytes()
	if err != nil {
		return "", "", refuse(WrongKey, "writing a key that is no point of P-256")
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return b64(point[1 : 1+coordinate]), b64(point[1+coordinate:]), nil
}

// ReadJWK reads a public key from an object of JSON. Only keys on P-256 are read; an object that has a private part is
// refused, since whoever sends it has given the key away. It fails with WrongKey.
func ReadJWK(v any) (*ecdsa.PublicKey, error) {
	members, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(WrongKey, "the key is no object")
	}
	if _, private := members["d"]; private {
		return nil, refuse(WrongKey, "the key has its private part with it")
	}
	if members["kty"] != "EC" || members["crv"] != "P-256" {
		return nil, refuse(WrongKey, "the key is not on P-256")
	}
	point := []byte{4} // uncompressed (SEC 1 §2.3.3)
	for _, name := range []string{"x", "y"} {
		text, _ := members[name].(string)
		b, err := Decode64(text)
		if err != nil || len(b) != coordinate {
			return nil, refuse(WrongKey, "the coordinate %s is not of %d bytes", name, coordinate)
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, refuse(WrongKey, "the key is no point of P-256")
	}
	return key, nil
}

// Thumbprint is the SHA-256 thumbprint of a key on P-256 (RFC 7638 §3.2), in base64url: the same for every way to write
// the key.
func Thumbprint(key *ecdsa.PublicKey) (string, error) {
	x, y, err := Coordinates(key)
	if err != nil {
		return "", err
	}
	text := `{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`
	digest := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(digest[:]), nil
}
