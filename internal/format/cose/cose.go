// Package cose reads and writes the signed text inside a credential's QR code.
//
// The text is a COSE_Sign1 message (RFC 9052 §4.2, CBOR tag 18) in the shape of the national デジタル資格者証: the
// protected header holds the algorithm alone, {1: alg}; the unprotected header holds the key id alone, {4: kid}; the
// payload is a CBOR map of two-letter labels to text; the whole travels in base64 as the c= parameter of an address.
// Because the key id is not signed, it is a hint: whoever verifies decides which registrar and qualification a key may
// speak for. The shape was read off one real credential by a third party and is not published by its operator, so the
// labels are that reader's.
//
// Everything here is pure. Decoding is strict: one message has one encoding (RFC 8949 §4.2.1), so that a credential
// cannot circulate in two forms, and nothing unknown is carried along.
package cose

import (
	"bytes"
	"fmt"
	"sync"

	"akashi/internal/fault"

	"github.com/fxamacker/cbor/v2"
)

// Algorithm is a COSE algorithm number (IANA registry "COSE Algorithms").
type Algorithm int64

const (
	// ES256 is ECDSA on P-256 with SHA-256 (RFC 9053 §2.1); what this system signs with.
	ES256 Algorithm = -7
	// PS256 is RSASSA-PSS with SHA-256 and a salt of 32 bytes (RFC 8230 §2); what the national credential is signed with.
	PS256 Algorithm = -37
)

const (
	labelAlgorithm = 1  // RFC 9052 §3.1
	labelKeyID     = 4  // RFC 9052 §3.1
	tagSign1       = 18 // RFC 9052 §2

	// MaxBytes bounds one message. A QR code of the largest version carries 2,953 bytes of text.
	MaxBytes = 4096
	// MaxKeyID bounds a key id, in bytes.
	MaxKeyID = 64
)

// Refusal is the reason why a text is not a credential of ours. It is also the key of the message for the visitor.
type Refusal string

const (
	// Malformed: not CBOR, or not in its one permitted encoding.
	Malformed Refusal = "cose.malformed"
	// NotSign1: CBOR, but not a COSE_Sign1 message of the profile.
	NotSign1 Refusal = "cose.not_sign1"
	// UnknownHeader: a header label that the profile does not have.
	UnknownHeader Refusal = "cose.unknown_header"
	// WrongAlgorithm: an algorithm outside the permitted ones.
	WrongAlgorithm Refusal = "cose.wrong_algorithm"
	// WrongKey: the key's type does not belong to the algorithm, or the key is too weak.
	WrongKey Refusal = "cose.wrong_key"
	// BadSignature: the signature does not fit the content and the key.
	BadSignature Refusal = "cose.bad_signature"
	// BadPayload: the signed content is not a map of two-letter labels to text.
	BadPayload Refusal = "cose.bad_payload"
	// TooLong: more bytes than a credential can have.
	TooLong Refusal = "cose.too_long"
	// NotBase64: the address or text holds no base64 message.
	NotBase64 Refusal = "cose.not_base64"
	// TwoMessages: an address that holds more than one; which of them is meant nobody could tell.
	TwoMessages Refusal = "cose.two_messages"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both fault.Invalid and the reason.
func refuse(r Refusal, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

// Sign1 is a decoded message whose signature has not been checked.
type Sign1 struct {
	Protected []byte // the encoded protected header, exactly as signed
	Algorithm Algorithm
	KID       string // unauthenticated
	Payload   []byte // the encoded payload, exactly as signed
	Signature []byte // ES256: r and s, 32 bytes each; PS256: as long as the modulus

	Facts map[string]string // what the payload says, by its labels; set by Decode
}

// envelope is the array inside the tag (RFC 9052 §4.2).
type envelope struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[int64][]byte
	Payload     []byte
	Signature   []byte
}

// EncodeProtected returns the protected header {1: alg} in CBOR.
func EncodeProtected(alg Algorithm) ([]byte, error) {
	if !permitted(alg) {
		return nil, refuse(WrongAlgorithm, "encoding the protected header with algorithm %d", alg)
	}
	return appendHead([]byte{majorMap<<5 | 1, labelAlgorithm}, majorNegative, uint64(-1-alg)), nil
}

// ToBeSigned returns the Sig_structure ["Signature1", protected, an empty byte string, payload] in CBOR (RFC 9052 §4.4): the bytes over
// which the signature is made.
func ToBeSigned(protected, payload []byte) ([]byte, error) {
	out := appendText(appendHead(make([]byte, 0, 32+len(protected)+len(payload)), majorArray, 4), "Signature1")
	return appendBytes(appendBytes(appendBytes(out, protected), nil), payload), nil
}

// Assemble joins the parts into a tagged message and returns it in CBOR. It refuses what Decode would refuse, but does
// not check the signature.
func Assemble(protected []byte, kid string, payload, signature []byte) ([]byte, error) {
	message := appendEnvelope(make([]byte, 0, 32+len(protected)+len(kid)+len(payload)+len(signature)), protected, kid, payload, signature)
	if _, err := Decode(message); err != nil {
		return nil, fmt.Errorf("assembling a COSE_Sign1 message: %w", err)
	}
	return message, nil
}

// Decode reads one message. It fails with fault.Invalid and a Refusal: Malformed, TooLong, NotSign1, UnknownHeader,
// WrongAlgorithm or BadPayload.
func Decode(b []byte) (*Sign1, error) {
	if len(b) > MaxBytes {
		return nil, refuse(TooLong, "decoding %d bytes, at most %d are allowed", len(b), MaxBytes)
	}
	env, raw, ok := readEnvelope(b, true)
	if ok {
		env.Unprotected = map[int64][]byte{labelKeyID: raw}
	} else {
		var err error
		if env, err = decodeEnvelope(b); err != nil {
			return nil, err
		}
	}
	alg, err := decodeProtected(env.Protected)
	if err != nil {
		return nil, err
	}
	kid, err := decodeKeyID(env.Unprotected)
	if err != nil {
		return nil, err
	}
	if len(env.Signature) == 0 {
		return nil, refuse(NotSign1, "the signature is empty")
	}
	facts, err := DecodePayload(env.Payload)
	if err != nil {
		return nil, err
	}
	return &Sign1{Protected: env.Protected, Algorithm: alg, KID: kid, Payload: env.Payload, Signature: env.Signature, Facts: facts}, nil
}

func decodeEnvelope(b []byte) (envelope, error) {
	var tag cbor.RawTag
	if err := decode(b, &tag); err != nil {
		return envelope{}, err
	}
	if tag.Number != tagSign1 {
		return envelope{}, refuse(NotSign1, "the tag is %d, not %d", tag.Number, tagSign1)
	}
	var env envelope
	if err := decode(tag.Content, &env); err != nil {
		return envelope{}, err
	}
	return env, sameBytes(b, cbor.RawTag{Number: tagSign1, Content: tag.Content})
}

func decodeProtected(b []byte) (Algorithm, error) {
	for _, alg := range []Algorithm{ES256, PS256} {
		if known, err := EncodeProtected(alg); err == nil && bytes.Equal(b, known) {
			return alg, nil
		}
	}
	var header map[int64]int64
	if err := decode(b, &header); err != nil {
		return 0, fmt.Errorf("reading the protected header: %w", err)
	}
	for label := range header {
		if label != labelAlgorithm {
			return 0, refuse(UnknownHeader, "the protected header has the label %d", label)
		}
	}
	alg := Algorithm(header[labelAlgorithm])
	if !permitted(alg) {
		return 0, refuse(WrongAlgorithm, "the protected header names algorithm %d", alg)
	}
	return alg, nil
}

func decodeKeyID(header map[int64][]byte) (string, error) {
	for label := range header {
		if label != labelKeyID {
			return "", refuse(UnknownHeader, "the unprotected header has the label %d", label)
		}
	}
	kid := header[labelKeyID]
	if len(kid) == 0 || len(kid) > MaxKeyID {
		return "", refuse(NotSign1, "the key id has %d bytes", len(kid))
	}
	for _, c := range kid {
		if c <= ' ' || c > '~' {
			return "", refuse(NotSign1, "the key id is not printable ASCII")
		}
	}
	return string(kid), nil
}

func permitted(alg Algorithm) bool { return alg == ES256 || alg == PS256 }

// decode reads exactly one item into v and insists that encoding v again gives the same bytes: that is what refuses
// long-form integers, unsorted or repeated keys, indefinite lengths and the conversions a decoder makes out of kindness.
func decode(b []byte, v any) error {
	mode, err := decoding()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "preparing the CBOR decoder")
	}
	if err := mode.Unmarshal(b, v); err != nil {
		return &fault.Error{Kind: fault.Invalid, Key: string(Malformed), Doing: "decoding CBOR: " + err.Error(), Err: Malformed}
	}
	return sameBytes(b, v)
}

var decoding = sync.OnceValues(func() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		MaxNestedLevels:  4,
		MaxArrayElements: 16,
		MaxMapPairs:      32,
		BignumTag:        cbor.BignumTagForbidden,
	}.DecMode()
})

// sameBytes insists that v, decoded from b, encodes to b again. What the decoder takes and the encoder will not write,
// such as a date tag around bytes, has no permitted encoding either.
func sameBytes(b []byte, v any) error {
	mode, err := encoding()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "preparing the CBOR encoder")
	}
	again, err := mode.Marshal(v)
	if err != nil || !bytes.Equal(again, b) {
		return refuse(Malformed, "the CBOR is not in deterministic encoding")
	}
	return nil
}

// encoding is the core deterministic encoding (RFC 8949 §4.2.1).
var encoding = sync.OnceValues(func() (cbor.EncMode, error) { return cbor.CoreDetEncOptions().EncMode() })

// encode writes v in core deterministic encoding.
func encode(v any) ([]byte, error) {
	mode, err := encoding()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "preparing the CBOR encoder")
	}
	b, err := mode.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding CBOR")
	}
	return b, nil
}
