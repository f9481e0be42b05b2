package cose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/fault"
)

const (
	labelChain = 33 // x5chain (RFC 9360 §2)

	// MaxChainedBytes bounds a message that carries certificates.
	MaxChainedBytes = 64 << 10
	// maxChain bounds how many certificates a message carries.
	maxChain = 4

	nothing = 0xf6 // null
	byteStr = 2    // major type of a byte string (RFC 8949 §3.1)
	array   = 4    // major type of an array
)

// Chained is a message of the profile that mobile documents use (ISO/IEC 18013-5 §9.1): no tag, the algorithm alone in the
// protected header, the signer's certificates in the unprotected one, and a payload that may travel elsewhere.
type Chained struct {
	Sign1          // Payload is nil when it is detached; KID may be empty
	Chain [][]byte // certificates in DER, the signer's first; nil when there are none
}

// chainedEnvelope has the parts as they stand, since their types are checked one by one.
type chainedEnvelope struct {
	_           struct{} `cbor:",toarray"`
	Protected   cbor.RawMessage
	Unprotected map[int64]cbor.RawMessage
	Payload     cbor.RawMessage
	Signature   cbor.RawMessage
}

// DecodeChained reads one untagged message. Others re-encode what surrounds the signed bytes, so its lengths need not be the
// shortest nor its keys sorted; keys given twice, indefinite lengths, deep nesting and headers that the profile does not
// have are refused. It fails with fault.Invalid and Malformed, TooLong, NotSign1, UnknownHeader or WrongAlgorithm.
func DecodeChained(b []byte) (*Chained, error) {
	if len(b) > MaxChainedBytes {
		return nil, refuse(TooLong, "decoding %d bytes, at most %d are allowed", len(b), MaxChainedBytes)
	}
	var env chainedEnvelope
	if err := read(b, &env); err != nil {
		return nil, err
	}
	var c Chained
	var err error
	if c.Protected, err = bytesOf(env.Protected, "the protected header"); err != nil {
		return nil, err
	}
	if c.Algorithm, err = decodeProtected(c.Protected); err != nil {
		return nil, err
	}
	if err := c.unprotected(env.Unprotected); err != nil {
		return nil, err
	}
	if len(env.Payload) != 1 || env.Payload[0] != nothing {
		if c.Payload, err = bytesOf(env.Payload, "the payload"); err != nil {
			return nil, err
		}
	}
	c.Signature, err = bytesOf(env.Signature, "the signature")
	return &c, err
}

// unprotected reads the headers that nobody has signed: the certificates, and a key id, which is a hint.
func (c *Chained) unprotected(header map[int64]cbor.RawMessage) (err error) {
	for label, value := range header {
		switch label {
		case labelChain:
			if c.Chain, err = chainOf(value); err != nil {
				return err
			}
		case labelKeyID:
			kid, err := bytesOf(value, "the key id")
			if err != nil {
				return err
			}
			if c.KID, err = decodeKeyID(map[int64][]byte{labelKeyID: kid}); err != nil {
				return err
			}
		default:
			return refuse(UnknownHeader, "the unprotected header has the label %d", label)
		}
	}
	return nil
}

// chainOf reads one certificate, or an array of two and more (RFC 9360 §2).
func chainOf(value cbor.RawMessage) ([][]byte, error) {
	if major(value) != array {
		one, err := bytesOf(value, "the certificate")
		return [][]byte{one}, err
	}
	var parts []cbor.RawMessage
	if err := read(value, &parts); err != nil {
		return nil, err
	}
	if len(parts) < 2 || len(parts) > maxChain {
		return nil, refuse(NotSign1, "the chain has %d certificates", len(parts))
	}
	var chain [][]byte
	for _, part := range parts {
		one, err := bytesOf(part, "a certificate")
		if err != nil {
			return nil, err
		}
		chain = append(chain, one)
	}
	return chain, nil
}

// AssembleChained joins the parts into an untagged message. A nil payload travels elsewhere; without certificates the
// unprotected header is empty.
func AssembleChained(protected []byte, chain [][]byte, payload, signature []byte) ([]byte, error) {
	header := map[int64]any{}
	switch len(chain) {
	case 0:
	case 1:
		header[labelChain] = chain[0]
	default:
		header[labelChain] = chain
	}
	parts := []any{protected, header, nil, signature}
	if payload != nil {
		parts[2] = payload
	}
	message, err := encode(parts)
	if err != nil {
		return nil, err
	}
	if _, err := DecodeChained(message); err != nil {
		return nil, err
	}
	return message, nil
}

// EncodeKey returns a public key on P-256 as a COSE_Key with nothing but its type, curve and coordinates (RFC 9053 §7.1.1).
func EncodeKey(public *ecdsa.PublicKey) ([]byte, error) {
	all, err := Key{Public: public}.parameters()
	if err != nil {
		return nil, err
	}
	return encode(map[any]any{keyType: all[keyType], keyCurve: all[keyCurve], keyX: all[keyX], keyY: all[keyY]})
}

// DecodeKey reads a COSE_Key on P-256 whose coordinates are both there. Further parameters are allowed, private ones are
// not. It fails with fault.Invalid and Malformed or WrongKey.
func DecodeKey(b []byte) (*ecdsa.PublicKey, error) {
	var m map[int64]cbor.RawMessage
	if err := read(b, &m); err != nil {
		return nil, err
	}
	const private = -4
	if _, there := m[private]; there || number(m[keyType]) != typeEC2 || number(m[keyCurve]) != curveP256 {
		return nil, refuse(WrongKey, "reading a key that is not a public one on P-256")
	}
	x, errX := bytesOf(m[keyX], "the coordinate x")
	y, errY := bytesOf(m[keyY], "the coordinate y")
	if err := errors.Join(errX, errY); err != nil || len(x) != 32 || len(y) != 32 {
		return nil, refuse(WrongKey, "reading a key without both coordinates")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, refuse(WrongKey, "reading a key that is not on its curve")
	}
	return public, nil
}

// number reads a small whole number, -1 when there is none.
func number(raw cbor.RawMessage) int64 {
	n := int64(-1)
	if len(raw) == 0 || major(raw) > 1 || read(raw, &n) != nil {
		return -1
	}
	return n
}

func major(raw cbor.RawMessage) byte {
	if len(raw) == 0 {
		return 0xff
	}
	return raw[0] >> 5
}

// bytesOf takes a byte string and nothing that a decoder would make one of.
func bytesOf(raw cbor.RawMessage, what string) ([]byte, error) {
	if major(raw) != byteStr {
		return nil, refuse(NotSign1, "%s is not a byte string", what)
	}
	var b []byte
	return b, read(raw, &b)
}

// Encode writes v in core deterministic encoding (RFC 8949 §4.2.1), as everything of ours is.
func Encode(v any) ([]byte, error) { return encode(v) }

// read reads exactly one item, whatever its lengths and the order of its keys.
func read(b []byte, v any) error {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, BignumTag: cbor.BignumTagForbidden,
		MaxNestedLevels: 8, MaxArrayElements: 16, MaxMapPairs: 16,
	}.DecMode()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "preparing the CBOR decoder")
	}
	if err := mode.Unmarshal(b, v); err != nil {
		return &fault.Error{Kind: fault.Invalid, Key: string(Malformed), Doing: "decoding CBOR: " + err.Error(), Err: Malformed}
	}
	return nil
}
