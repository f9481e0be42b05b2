package oauth

import (
	"akashi/internal/format/jws"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// maxToken bounds one signed token, in bytes. A key attestation with certificates and twenty keys stays below it.
const maxToken = 32 << 10

// algorithm is the one signature algorithm that is taken: ECDSA on P-256 with SHA-256 (RFC 7518 §3.4), which HAIP 1.0
// makes everybody support.
const algorithm = "ES256"

// b64 is base64url that admits one form for the same bytes.
var b64 = base64.RawURLEncoding.Strict()

// Key is a public key on P-256.
type Key struct {
	Public *ecdsa.PublicKey
	KID    string // as the JWK names it; "" when it does not
}

// Thumbprint is the key's name by content (RFC 7638), in base64url.
func (k Key) Thumbprint() string {
	x, y := k.coordinates()
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`))
	return b64.EncodeToString(sum[:])
}

// JWK is the key in JSON (RFC 7517), without an id.
func (k Key) JWK() json.RawMessage {
	x, y := k.coordinates()
	return json.RawMessage(`{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + y + `"}`)
}

func (k Key) coordinates() (x, y string) {
	point, err := k.Public.Bytes()
	if err != nil { // only of a key on no curve, which ParseKey does not return
		return "", ""
	}
	return b64.EncodeToString(point[1:33]), b64.EncodeToString(point[33:])
}

// ParseKey reads a public key. It fails with KeyPrivate, KeyUnsupported or KeyMalformed.
func ParseKey(jwk []byte) (Key, error) {
	var raw map[string]json.RawMessage
	if err := decode(jwk, &raw); err != nil {
		return Key{}, refuse(KeyMalformed, "reading a JWK: %v", err)
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, there := raw[private]; there {
			return Key{}, refuse(KeyPrivate, "the JWK has the member %q", private)
		}
	}
	text := func(name string) string {
		var s string
		if json.Unmarshal(raw[name], &s) != nil { // absent or of another type: it stays empty and is judged below
			return ""
		}
		return s
	}
	switch {
	case text("kty") != "EC" || text("crv") != "P-256":
		return Key{}, refuse(KeyUnsupported, "the key is not on P-256")
	case raw["alg"] != nil && text("alg") != algorithm:
		return Key{}, refuse(KeyUnsupported, "the key is for another algorithm")
	case raw["use"] != nil && text("use") != "sig":
		return Key{}, refuse(KeyUnsupported, "the key is not for signatures")
	}
	point := []byte{4}
	for _, name := range []string{"x", "y"} {
		c, err := b64.DecodeString(text(name))
		if err != nil || len(c) != 32 {
			return Key{}, refuse(KeyMalformed, "the coordinate %s is not 32 bytes in base64url", name)
		}
		point = append(point, c...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return Key{}, refuse(KeyMalformed, "the coordinates are no point of the curve")
	}
	return Key{Public: public, KID: text("kid")}, nil
}

// header is the protected header of a token. There is no other: compact tokens have one header.
type header struct {
	Algorithm   string          `json:"alg"`
	Type        string          `json:"typ"`
	KID         *string         `json:"kid"`
	JWK         json.RawMessage `json:"jwk"`
	X5C         json.RawMessage `json:"x5c"`
	TrustChain  json.RawMessage `json:"trust_chain"`
	Attestation *string         `json:"key_attestation"`
	Critical    json.RawMessage `json:"crit"`
}

// token is a compact JWS (RFC 7515 §7.1) whose signature has not been checked.
type token struct {
	header    header
	payload   []byte
	signed    []byte
	signature []byte
}

// parse takes a token apart. It fails with TokenMalformed, MessageTooLarge, TokenAlgorithm or TokenCritical.
func parse(text string) (*token, error) {
	if len(text) > maxToken {
		return nil, refuse(MessageTooLarge, "reading a token of %d bytes", len(text))
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, refuse(TokenMalformed, "the token has %d parts", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = b64.DecodeString(part); err != nil || (len(decoded[i]) == 0 && i < 2) {
			return nil, refuse(TokenMalformed, "part %d of the token is not base64url", i+1)
		}
	}
	t := &token{payload: decoded[1], signature: decoded[2], signed: []byte(parts[0] + "." + parts[1])}
	if err := decode(decoded[0], &t.header); err != nil {
		return nil, refuse(TokenMalformed, "reading the token's header: %v", err)
	}
	switch {
	case t.header.Algorithm != algorithm:
		return nil, refuse(TokenAlgorithm, "the token's algorithm is %.16q", t.header.Algorithm)
	case t.header.Critical != nil:
		return nil, refuse(TokenCritical, "the token has critical extensions")
	}
	return t, nil
}

// claims reads the payload into v.
func (t *token) claims(v any) error {
	if err := decode(t.payload, v); err != nil {
		return refuse(TokenMalformed, "reading the token's claims: %v", err)
	}
	return nil
}

// verify checks the signature.
func (t *token) verify(k Key) error {
	if len(t.signature) != 64 {
		return refuse(TokenSignature, "the signature has %d bytes", len(t.signature))
	}
	sum := sha256.Sum256(t.signed)
	if !ecdsa.Verify(k.Public, sum[:], new(big.Int).SetBytes(t.signature[:32]), new(big.Int).SetBytes(t.signature[32:])) {
		return refuse(TokenSignature, "the signature does not fit the key")
	}
	return nil
}

// Sign makes a compact JWS by ES256 over header and claims, each marshalled by encoding/json. The header's alg is set.
func Sign(key *ecdsa.PrivateKey, header map[string]any, claims any) (string, error) {
	all := map[string]any{"alg": algorithm}
	for name, v := range header {
		all[name] = v
	}
	head, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("writing a token's header: %w", err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("writing a token's claims: %w", err)
	}
	signed := b64.EncodeToString(head) + "." + b64.EncodeToString(body)
	signature, err := jws.SignES256(key, []byte(signed))
	if err != nil {
		return "", err
	}
	return signed + "." + b64.EncodeToString(signature), nil
}
