// Package sdjwt issues, presents and checks tokens whose claims the holder shows one by one: SD-JWT (RFC 9901), and above
// it the credential SD-JWT VC (an Internet-Draft; everything that belongs to it is in vc.go and named there).
//
// The issuer signs digests in place of the claims; each claim travels beside the signature in a disclosure, which the
// holder hands over or keeps. A presentation may end with a second token, signed by the holder's key, that binds it to
// one verifier and one question (RFC 9901 §4.3).
//
// Reading is strict. A disclosure that nothing refers to, a digest that stands twice, a name that is there already, a
// claim hidden that must be open, a nested thing deeper than anybody needs: each is refused with a reason of its own.
// Nothing here holds a key; times and keys are for the caller to give.
package sdjwt

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
)

const (
	// MaxBytes bounds a token with its disclosures.
	MaxBytes = 64 << 10
	// MaxDisclosures bounds their number.
	MaxDisclosures = 256
	// MaxDepth bounds how deep claims may be nested, disclosed ones included.
	MaxDepth = 12

	hashName  = "sha-256" // the one digest (RFC 9901 §4.1.1)
	saltBytes = 16        // RFC 9901 §9.3
)

// Members with a meaning of their own (RFC 9901 §4.1, §4.2.4).
const (
	digests   = "_sd"
	algorithm = "_sd_alg"
	element   = "..."
)

// Refusal is the reason why a token is not accepted. It is also the key of the message for the visitor. What breaks a
// rule of every signed token is refused with a reason of package jws.
type Refusal string

const (
	// TooLong: more bytes, disclosures or levels than a credential can have.
	TooLong Refusal = "sdjwt.too_long"
	// Malformed: not an SD-JWT.
	Malformed Refusal = "sdjwt.malformed"
	// WrongDigest: another digest algorithm than SHA-256.
	WrongDigest Refusal = "sdjwt.wrong_digest_algorithm"
	// DoubledDigest: the same digest stands in two places.
	DoubledDigest Refusal = "sdjwt.doubled_digest"
	// DoubledDisclosure: the same disclosure was handed over twice.
	DoubledDisclosure Refusal = "sdjwt.doubled_disclosure"
	// Unreferenced: a disclosure to which no digest belongs.
	Unreferenced Refusal = "sdjwt.unreferenced_disclosure"
	// DoubledClaim: a disclosure names a claim that is there already.
	DoubledClaim Refusal = "sdjwt.doubled_claim"
	// ReservedName: a claim has a name that belongs to the format.
	ReservedName Refusal = "sdjwt.reserved_name"
	// HiddenClaim: a claim was hidden that must be open to everybody.
	HiddenClaim Refusal = "sdjwt.hidden_claim"
	// NotYet and Ended: the time of nbf has not come, the time of exp has passed. FromTheFuture: iat is later than now.
	NotYet        Refusal = "sdjwt.not_yet"
	Ended         Refusal = "sdjwt.ended"
	FromTheFuture Refusal = "sdjwt.from_the_future"
	// NoBinding: no token of the holder, where one is required, or no key in the credential to check it with.
	NoBinding Refusal = "sdjwt.no_binding"
	// BadBinding: the token of the holder belongs to other claims than those that were handed over, or says too little.
	BadBinding Refusal = "sdjwt.bad_binding"
	// WrongNonce and WrongAudience: the holder answered another question, or another verifier.
	WrongNonce    Refusal = "sdjwt.wrong_nonce"
	WrongAudience Refusal = "sdjwt.wrong_audience"
	// StaleBinding: the holder's token is older, or newer, than an answer can be.
	StaleBinding Refusal = "sdjwt.stale_binding"
	// NoType: no vct, or an unreadable one. WrongStatus: a reference to a status list that cannot be followed.
	NoType      Refusal = "sdjwt.no_type"
	WrongStatus Refusal = "sdjwt.wrong_status"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both fault.Invalid and the reason.
func refuse(r Refusal, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

type hidden struct{ value any }

// Hide marks the value of a claim, or an element of an array, as one that the holder may keep. Values inside may be
// marked, too; whoever is shown them is shown what is around them.
func Hide(value any) any { return hidden{value} }

// Unsigned is an SD-JWT that waits for its signature. Disclosures belong to the holder: they are not stored.
type Unsigned struct {
	ToSign      []byte
	Disclosures []string
}

// Composer writes tokens. Its zero value is ready.
type Composer struct {
	Decoys int                    // digests without a disclosure that are added to each object with hidden claims (RFC 9901 §4.2.5)
	Salt   func() (string, error) // for tests against published vectors; nil: 128 random bits
}

// Compose writes the claims, with what Hide has marked replaced by digests, and the header before them.
func (c Composer) Compose(h jws.Header, claims map[string]any) (*Unsigned, error) {
	w := writer{Composer: c, text: make([]byte, 0, 256), out: make([]string, 0, len(claims))}
	if w.Salt == nil {
		w.Salt = w.salt
	}
	open, err := w.object(claims)
	if err != nil {
		return nil, err
	}
	if len(w.out) > 0 {
		open[algorithm] = hashName
	}
	payload, err := jws.Append(make([]byte, 0, 2048), open)
	if err != nil {
		return nil, err
	}
	toSign, err := jws.Encode(h, payload)
	if err != nil {
		return nil, err
	}
	return &Unsigned{ToSign: toSign, Disclosures: w.out}, nil
}

// Assemble joins the token, its signature and all disclosures.
func (u *Unsigned) Assemble(signature []byte) (string, error) {
	token, err := jws.Assemble(u.ToSign, signature)
	if err != nil {
		return "", err
	}
	return join(token, u.Disclosures), nil
}

// join writes <token>~<disclosure>~…~ (RFC 9901 §4).
func join(token string, disclosures []string) string {
	size := len(token) + 1
	for _, d := range disclosures {
		size += len(d) + 1
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteString(token)
	b.WriteByte('~')
	for _, d := range disclosures {
		b.WriteString(d)
		b.WriteByte('~')
	}
	return b.String()
}

type writer struct {
	Composer
	out    []string
	random []byte // drawn and not used yet
	text   []byte // one disclosure, written over by the next
}

// salt is 128 random bits in base64url. They are drawn for many disclosures at once.
func (w *writer) salt() (string, error) {
	if len(w.random) == 0 {
		w.random = make([]byte, 32*saltBytes)
		if _, err := rand.Read(w.random); err != nil {
			return "", fault.Wrap(fault.Internal, err, "making salts")
		}
	}
	next := w.random[:saltBytes]
	w.random = w.random[saltBytes:]
	return base64.RawURLEncoding.EncodeToString(next), nil
}

func (w *writer) value(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return w.object(v)
	case []any:
		return w.array(v)
	}
	return v, nil
}

func (w *writer) object(claims map[string]any) (map[string]any, error) {
	open := make(map[string]any, len(claims)/2+2)
	sd := make([]string, 0, len(claims)+w.Decoys)
	for _, name := range sorted(claims) {
		if reserved(name) {
			return nil, fault.New(fault.Internal, "", "writing a claim with a name that belongs to the format")
		}
		mark, isHidden := claims[name].(hidden)
		if !isHidden {
			v, err := w.value(claims[name])
			if err != nil {
				return nil, err
			}
			open[name] = v
			continue
		}
		digest, err := w.disclose(name, mark.value)
		if err != nil {
			return nil, err
		}
		sd = append(sd, digest)
	}
	if len(sd) == 0 {
		return open, nil
	}
	for range w.Decoys {
		s, err := w.Salt()
		if err != nil {
			return nil, err
		}
		sd = append(sd, digestOf(s))
	}
	slices.Sort(sd) // so that the order tells nothing of the names (RFC 9901 §4.2.4.1)
	open[digests] = sd
	return open, nil
}

func (w *writer) array(elements []any) ([]any, error) {
	open := make([]any, len(elements))
	for i, v := range elements {
		if mark, isHidden := v.(hidden); isHidden {
			digest, err := w.disclose("", mark.value)
			if err != nil {
				return nil, err
			}
			open[i] = map[string]any{element: digest}
			continue
		}
		var err error
		if open[i], err = w.value(v); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// disclose writes the disclosure of a claim, or without a name of an element, and returns its digest (RFC 9901 §4.2.1,
// §4.2.2).
func (w *writer) disclose(name string, value any) (string, error) {
	v, err := w.value(value)
	if err != nil {
		return "", err
	}
	s, err := w.Salt()
	if err != nil {
		return "", err
	}
	text := append(append(append(w.text[:0], `["`...), s...), `",`...) // base64url needs no escape
	if name != "" {
		if text, err = jws.Append(text, name); err != nil {
			return "", err
		}
		text = append(text, ',')
	}
	if text, err = jws.Append(text, v); err != nil {
		return "", err
	}
	w.text = append(text, ']')
	encoded := base64.RawURLEncoding.EncodeToString(w.text)
	w.out = append(w.out, encoded)
	return digestOf(encoded), nil
}

// digestOf is the digest of a disclosure as it travels (RFC 9901 §4.2.3).
func digestOf(disclosure string) string {
	sum := sha256.Sum256([]byte(disclosure))
	var out [43]byte
	base64.RawURLEncoding.Encode(out[:], sum[:])
	return string(out[:])
}

func sorted(claims map[string]any) []string {
	names := make([]string, 0, len(claims))
	for name := range claims {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func reserved(name string) bool {
	return name == digests || name == algorithm || name == element || name == ""
}
