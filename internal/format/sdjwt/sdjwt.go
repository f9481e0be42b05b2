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
	"bytes"
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
	disclosures []byte // each with a tilde behind it
}

// Composer writes tokens. Its zero value is ready.
type Composer struct {
	Decoys int                    // digests without a disclosure that are added to each object with hidden claims (RFC 9901 §4.2.5)
	Salt   func() (string, error) // for tests against published vectors; nil: 128 random bits
}

// Compose writes the claims, with what Hide has marked replaced by digests, and the header before them.
func (c Composer) Compose(h jws.Header, claims map[string]any) (*Unsigned, error) {
	return c.compose(h, members(claims, 2))
}

func (c Composer) compose(h jws.Header, claims object) (*Unsigned, error) {
	n := 0 // claims that are hidden as a whole
	for _, m := range claims {
		if _, isHidden := m.value.(hidden); isHidden {
			n++
		}
	}
	if n > 0 || hides(claims) {
		claims = append(claims, member{algorithm, nameOfHash})
	}
	w := writer{Composer: c, disclosed: make([]byte, 0, 96*n), digests: make([]digest, 0, n+c.Decoys), text: make([]byte, 0, 96)}
	payload, err := w.object(make([]byte, 0, 1280), claims)
	if err != nil {
		return nil, err
	}
	toSign, err := jws.Encode(h, payload)
	if err != nil {
		return nil, err
	}
	return &Unsigned{ToSign: toSign, disclosures: w.disclosed}, nil
}

// Assemble joins the token, its signature and all disclosures (RFC 9901 §4).
func (u *Unsigned) Assemble(signature []byte) (string, error) {
	var b strings.Builder
	b.Grow(len(u.ToSign) + len(".~") + base64.RawURLEncoding.EncodedLen(jws.SignatureBytes) + len(u.disclosures))
	if err := jws.WriteSigned(&b, u.ToSign, signature); err != nil {
		return "", err
	}
	b.WriteByte('~')
	b.Write(u.disclosures)
	return b.String(), nil
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

// object are members of an object of JSON, in any order.
type object []member

type member struct {
	name  string
	value any
}

// members are those of a map, with room for more.
func members(of map[string]any, more int) object {
	out := make(object, 0, len(of)+more)
	for name, v := range of {
		out = append(out, member{name, v})
	}
	return out
}

// hides tells whether anything in a value is marked.
func hides(v any) bool {
	switch v := v.(type) {
	case hidden:
		return true
	case object:
		return slices.ContainsFunc(v, func(m member) bool { return hides(m.value) })
	case map[string]any:
		return hides(members(v, 0))
	case []any:
		return slices.ContainsFunc(v, hides)
	}
	return false
}

// writer writes values straight into JSON. A credential is short-lived memory and little else, so pieces are written over or
// into one another wherever that is safe.
type writer struct {
	Composer
	disclosed []byte   // the disclosures, each with a tilde behind it
	digests   []digest // of the objects that are being written, those of the innermost last
	text      []byte   // one disclosure, written over by the next
	random    [16 * saltBytes]byte
	left      int // bytes of random that were drawn and not used yet
}

// digest is a digest as it travels (RFC 9901 §4.2.3).
type digest [43]byte

func newDigest(disclosure []byte) (d digest) {
	sum := sha256.Sum256(disclosure)
	base64.RawURLEncoding.Encode(d[:], sum[:])
	return d
}

func digestOf(disclosure string) string {
	d := newDigest([]byte(disclosure))
	return string(d[:])
}

// salt writes 128 random bits in base64url. They are drawn for many disclosures at once.
func (w *writer) salt(out []byte) ([]byte, error) {
	if w.Salt != nil {
		s, err := w.Salt()
		return append(out, s...), err
	}
	if w.left == 0 {
		if _, err := rand.Read(w.random[:]); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "making salts")
		}
		w.left = len(w.random)
	}
	next := w.random[w.left-saltBytes : w.left]
	w.left -= saltBytes
	return base64.RawURLEncoding.AppendEncode(out, next), nil
}

func (w *writer) value(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case object:
		return w.object(out, v)
	case map[string]any:
		return w.object(out, members(v, 1))
	case []any:
		return w.array(out, v)
	}
	return jws.Append(out, v)
}

// own is what the format itself puts among the members of an object.
type own int

const (
	digestsHere own = iota // the digests of the hidden claims
	nameOfHash
)

// object writes an object, its members in the order of their names. The hidden ones are disclosed before.
func (w *writer) object(out []byte, claims object) (_ []byte, err error) {
	from := len(w.digests)
	if err := w.hide(claims); err != nil {
		return nil, err
	}
	if len(w.digests) > from {
		claims = append(claims, member{digests, digestsHere})
	}
	slices.SortFunc(claims, func(a, b member) int { return strings.Compare(a.name, b.name) })
	out = append(out, '{')
	for _, m := range claims {
		if _, isHidden := m.value.(hidden); isHidden {
			continue
		}
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		if out, err = jws.AppendText(out, m.name); err != nil {
			return nil, err
		}
		if out, err = w.member(append(out, ':'), m.value, from); err != nil {
			return nil, err
		}
	}
	w.digests = w.digests[:from]
	return append(out, '}'), nil
}

func (w *writer) member(out []byte, v any, from int) ([]byte, error) {
	switch v {
	case digestsHere:
		return listOf(out, w.digests[from:]), nil
	case nameOfHash:
		return append(out, `"`+hashName+`"`...), nil
	}
	return w.value(out, v)
}

// hide discloses the hidden members of an object and adds their digests and the decoys, in an order that tells nothing of
// the names (RFC 9901 §4.2.4.1).
func (w *writer) hide(claims object) error {
	from := len(w.digests)
	for _, m := range claims {
		if _, ours := m.value.(own); !ours && reserved(m.name) {
			return fault.New(fault.Internal, "", "writing a claim with a name that belongs to the format")
		}
		mark, isHidden := m.value.(hidden)
		if !isHidden {
			continue
		}
		d, err := w.disclose(m.name, mark.value)
		if err != nil {
			return err
		}
		w.digests = append(w.digests, d)
	}
	if len(w.digests) == from {
		return nil
	}
	for range w.Decoys {
		var err error
		if w.text, err = w.salt(w.text[:0]); err != nil {
			return err
		}
		w.digests = append(w.digests, newDigest(w.text))
	}
	slices.SortFunc(w.digests[from:], func(a, b digest) int { return bytes.Compare(a[:], b[:]) })
	return nil
}

// listOf writes digests, which need no escapes.
func listOf(out []byte, all []digest) []byte {
	out = append(out, '[')
	for i, d := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), d[:]...), '"')
	}
	return append(out, ']')
}

func (w *writer) array(out []byte, elements []any) (_ []byte, err error) {
	out = append(out, '[')
	for i, v := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		mark, isHidden := v.(hidden)
		if !isHidden {
			if out, err = w.value(out, v); err != nil {
				return nil, err
			}
			continue
		}
		d, err := w.disclose("", mark.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, `{"`+element+`":"`...), d[:]...), `"}`...)
	}
	return append(out, ']'), nil
}

// disclose writes the disclosure of a claim, or without a name of an element, and returns its digest (RFC 9901 §4.2.1,
// §4.2.2).
func (w *writer) disclose(name string, value any) (d digest, err error) {
	text := append(w.text[:0], `["`...)
	w.text = nil // what is hidden inside is disclosed meanwhile
	if text, err = w.salt(text); err != nil {
		return d, err
	}
	text = append(text, `",`...) // base64url needs no escape
	if name != "" {
		if text, err = jws.AppendText(text, name); err != nil {
			return d, err
		}
		text = append(text, ',')
	}
	if text, err = w.value(text, value); err != nil {
		return d, err
	}
	w.text = append(text, ']')
	from := len(w.disclosed)
	w.disclosed = base64.RawURLEncoding.AppendEncode(w.disclosed, w.text)
	d = newDigest(w.disclosed[from:])
	w.disclosed = append(w.disclosed, '~')
	return d, nil
}

func reserved(name string) bool {
	return name == digests || name == algorithm || name == element || name == ""
}
