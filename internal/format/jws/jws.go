// Package jws reads and writes signed tokens in the compact form of RFC 7515 §7.1, as far as credentials, presentations
// and status lists need it: one algorithm (ES256), one signature, a type in the header, a JSON object inside.
//
// What is signed here is signed by a function, so the package holds no key. Reading is strict, because every token is
// hostile until its signature holds and some are hostile after: objects that name a member twice, text that is not UTF-8,
// base64 with spare bits, header members that nobody asked for and algorithms other than the one are refused, each with
// its own reason. The header decides nothing about trust: which key a token must be signed with is for the caller to say.
package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/format/jcs"
)

// ES256 is ECDSA on P-256 with SHA-256 (RFC 7518 §3.4), the one algorithm of this package.
const ES256 = "ES256"

// SignatureBytes is the length of an ES256 signature: r and s, 32 bytes each.
const SignatureBytes = 64

const (
	maxKID   = 256
	maxChain = 8
)

// Refusal is the reason why a token is not accepted. It is also the key of the message for the visitor.
type Refusal string

const (
	// TooLong: more bytes than the caller allows.
	TooLong Refusal = "jws.too_long"
	// Malformed: not three parts in base64url, or not JSON objects.
	Malformed Refusal = "jws.malformed"
	// Duplicate: an object names a member twice.
	Duplicate Refusal = "jws.duplicate_member"
	// UnknownHeader: a header member that may not be ignored, or that this profile does not know.
	UnknownHeader Refusal = "jws.unknown_header"
	// WrongAlgorithm: anything but ES256, "none" and HMAC above all.
	WrongAlgorithm Refusal = "jws.wrong_algorithm"
	// WrongType: no typ, or another than the caller expects.
	WrongType Refusal = "jws.wrong_type"
	// WrongKey: the key's type or curve does not belong to the algorithm.
	WrongKey Refusal = "jws.wrong_key"
	// BadSignature: the signature does not fit the content and the key.
	BadSignature Refusal = "jws.bad_signature"
	// BadChain: the certificates in the header cannot be read, or do not lead to a trusted one.
	BadChain Refusal = "jws.bad_chain"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both fault.Invalid and the reason.
func refuse(r Refusal, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

// Sign makes the signature over the given bytes: r and s, 32 bytes each. Whoever holds the key provides it.
type Sign func(toSign []byte) (signature []byte, err error)

// Header is what stands before the content. The algorithm is always ES256.
type Header struct {
	Type  string              // typ, without "application/"
	KID   string              // kid; a hint until the caller has decided which key that is
	Chain []*x509.Certificate // x5c: the signer's certificate first (RFC 7515 §4.1.6); may be empty
	JWK   json.RawMessage     // jwk: the public key itself, in proofs of possession; nil in everything else
	Extra map[string]any      // further members that the caller names when parsing
}

// Token is a parsed token whose signature has not been checked.
type Token struct {
	Header    Header
	Payload   []byte         // as signed
	Claims    map[string]any // the payload as an object; numbers are json.Number
	ToSign    []byte         // the bytes over which the signature is made
	Signature []byte
}

var raw = base64.RawURLEncoding.Strict()

// Encode returns the bytes to be signed: header and payload in base64url, joined by a dot.
func Encode(h Header, payload []byte) ([]byte, error) {
	header, err := h.append(make([]byte, 0, h.size()))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing the header of a token")
	}
	out := make([]byte, 0, raw.EncodedLen(len(header))+1+raw.EncodedLen(len(payload)))
	out = raw.AppendEncode(out, header)
	out = append(out, '.')
	return raw.AppendEncode(out, payload), nil
}

// append writes the header, its members in the order of their names. One without extras, as credentials have, is written
// straight away.
func (h Header) append(out []byte) (_ []byte, err error) {
	if len(h.Extra) > 0 {
		return Append(out, h.members())
	}
	out = append(out, `{"alg":"`+ES256+`"`...)
	if h.JWK != nil {
		if out, err = Append(append(out, `,"jwk":`...), h.JWK); err != nil {
			return nil, err
		}
	}
	if h.KID != "" {
		if out, err = AppendText(append(out, `,"kid":`...), h.KID); err != nil {
			return nil, err
		}
	}
	if out, err = AppendText(append(out, `,"typ":`...), h.Type); err != nil {
		return nil, err
	}
	for i, c := range h.Chain {
		if i == 0 {
			out = append(out, `,"x5c":["`...)
		} else {
			out = append(out, `","`...)
		}
		out = base64.StdEncoding.AppendEncode(out, c.Raw)
	}
	if len(h.Chain) > 0 {
		out = append(out, `"]`...)
	}
	return append(out, '}'), nil
}

func (h Header) members() map[string]any {
	members := map[string]any{"alg": ES256, "typ": h.Type}
	if h.KID != "" {
		members["kid"] = h.KID
	}
	if len(h.Chain) > 0 {
		chain := make([]string, len(h.Chain))
		for i, c := range h.Chain {
			chain[i] = base64.StdEncoding.EncodeToString(c.Raw)
		}
		members["x5c"] = chain
	}
	if h.JWK != nil {
		members["jwk"] = h.JWK
	}
	for name, v := range h.Extra {
		members[name] = v
	}
	return members
}

// size is about how many bytes a header takes.
func (h Header) size() int {
	n := 256
	for _, c := range h.Chain {
		n += base64.StdEncoding.EncodedLen(len(c.Raw)) + 3
	}
	return n
}

// Assemble joins the signed bytes and their signature.
func Assemble(toSign, signature []byte) (string, error) {
	var b strings.Builder
	b.Grow(len(toSign) + 1 + raw.EncodedLen(SignatureBytes))
	err := WriteSigned(&b, toSign, signature)
	return b.String(), err
}

// WriteSigned is Assemble for what has more to follow.
func WriteSigned(b *strings.Builder, toSign, signature []byte) error {
	if len(signature) != SignatureBytes {
		return fault.New(fault.Internal, "", fmt.Sprintf("assembling a token: the signature has %d bytes", len(signature)))
	}
	b.Write(toSign)
	b.WriteByte('.')
	var text [86]byte // 64 bytes in base64url
	raw.Encode(text[:], signature)
	b.Write(text[:])
	return nil
}

// Make encodes, has signed and assembles.
func Make(h Header, payload []byte, sign Sign) (string, error) {
	toSign, err := Encode(h, payload)
	if err != nil {
		return "", err
	}
	signature, err := sign(toSign)
	if err != nil {
		return "", fmt.Errorf("having a token signed: %w", err)
	}
	return Assemble(toSign, signature)
}

// Profile is what a caller is ready to read.
type Profile struct {
	Type  string   // the typ that the token must have; compared without regard to case and to "application/" (RFC 7515 §4.1.9)
	Max   int      // bytes of the whole token
	Extra []string // header members beyond alg, typ, kid and x5c that are let through into Header.Extra
	JWK   bool     // whether the header may carry the key itself
}

// Parse reads a token without checking its signature. It fails with fault.Invalid and a Refusal.
func Parse(token string, p Profile) (*Token, error) {
	if len(token) > p.Max {
		return nil, refuse(TooLong, "reading a token of %d bytes, at most %d are allowed", len(token), p.Max)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, refuse(Malformed, "the token has %d parts", len(parts))
	}
	decoded := make([][]byte, 3)
	for i, part := range parts {
		var err error
		if decoded[i], err = Decode64(part); err != nil {
			return nil, err
		}
	}
	header, err := Object(decoded[0])
	if err != nil {
		return nil, fmt.Errorf("reading the header of a token: %w", err)
	}
	t := &Token{Payload: decoded[1], Signature: decoded[2], ToSign: []byte(token[:len(parts[0])+1+len(parts[1])])}
	if t.Header, err = p.header(header); err != nil {
		return nil, err
	}
	if t.Claims, err = Object(t.Payload); err != nil {
		return nil, fmt.Errorf("reading the content of a token: %w", err)
	}
	return t, nil
}

// header judges the members of a header. crit (RFC 7515 §4.1.11) is refused with the others that are not known.
func (p Profile) header(members map[string]any) (h Header, err error) {
	if alg, _ := members["alg"].(string); alg != ES256 {
		return h, refuse(WrongAlgorithm, "the algorithm is not ES256")
	}
	typ, _ := members["typ"].(string)
	if typ = bare(typ); typ != bare(p.Type) {
		return h, refuse(WrongType, "the type is not %s", p.Type)
	}
	h.Type = typ
	for name, v := range members {
		switch {
		case name == "alg", name == "typ":
		case name == "kid":
			kid, ok := v.(string)
			if !ok || kid == "" || len(kid) > maxKID {
				return h, refuse(Malformed, "the key id is no text of 1 to %d bytes", maxKID)
			}
			h.KID = kid
		case name == "x5c":
			if h.Chain, err = chain(v); err != nil {
				return h, err
			}
		case name == "jwk" && p.JWK:
			if h.JWK, err = json.Marshal(v); err != nil {
				return h, refuse(Malformed, "the key in the header cannot be read")
			}
		default:
			if !contains(p.Extra, name) {
				return h, refuse(UnknownHeader, "the header has a member that the profile does not know")
			}
			if h.Extra == nil {
				h.Extra = map[string]any{}
			}
			h.Extra[name] = v
		}
	}
	return h, nil
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// bare is a type as it is compared: in small letters and without "application/".
func bare(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}

// chain reads x5c: base64 (with padding, RFC 7515 §4.1.6) of DER.
func chain(v any) ([]*x509.Certificate, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 || len(list) > maxChain {
		return nil, refuse(BadChain, "x5c is not a list of 1 to %d certificates", maxChain)
	}
	out := make([]*x509.Certificate, len(list))
	for i, one := range list {
		text, _ := one.(string)
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, refuse(BadChain, "certificate %d of x5c is not in base64", i)
		}
		if out[i], err = x509.ParseCertificate(der); err != nil {
			return nil, refuse(BadChain, "certificate %d of x5c cannot be read", i)
		}
	}
	return out, nil
}

// Verify checks the signature with pub, which must be a key on P-256. It fails with WrongKey or BadSignature.
func (t *Token) Verify(pub crypto.PublicKey) error {
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok || key == nil || key.Curve != elliptic.P256() {
		return refuse(WrongKey, "checking an ES256 signature with a key of type %T", pub)
	}
	if len(t.Signature) != SignatureBytes {
		return refuse(BadSignature, "an ES256 signature of %d bytes", len(t.Signature))
	}
	digest := sha256.Sum256(t.ToSign)
	r, s := new(big.Int).SetBytes(t.Signature[:32]), new(big.Int).SetBytes(t.Signature[32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return refuse(BadSignature, "checking an ES256 signature")
	}
	return nil
}

// Decode64 reads base64url without padding (RFC 7515 §2); spare bits must be zero and line breaks are no part of it, so
// that the same bytes have one text.
func Decode64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, refuse(Malformed, "a line break inside base64url")
	}
	out, err := raw.DecodeString(text)
	if err != nil {
		return nil, refuse(Malformed, "a part is not in base64url")
	}
	return out, nil
}

// Object reads one JSON object strictly: no member twice at any depth, UTF-8 without lone surrogates, nothing after it.
// Numbers become json.Number.
func Object(text []byte) (map[string]any, error) {
	v, err := Value(text)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(Malformed, "not a JSON object")
	}
	return object, nil
}

// Value reads one JSON value as strictly as Object.
func Value(text []byte) (any, error) {
	switch _, err := jcs.Transform(text); {
	case errors.Is(err, jcs.ErrDuplicate):
		return nil, refuse(Duplicate, "an object names a member twice")
	case err != nil:
		return nil, refuse(Malformed, "not strict JSON")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, refuse(Malformed, "not JSON")
	}
	return v, nil
}
