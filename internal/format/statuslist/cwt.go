package statuslist

import (
	"crypto/x509"
	"fmt"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/cose"

	"github.com/fxamacker/cbor/v2"
)

// Labels of COSE headers. Those of the claims (RFC 8392 §3.1, draft §5.2) stand at the members of cborClaims.
const (
	headerAlgorithm = 1  // RFC 9052 §3.1
	headerKeyID     = 4  // RFC 9052 §3.1
	headerType      = 16 // RFC 9596 §2
	headerChain     = 33 // x5chain, RFC 9360 §2

	tagSign1 = 18 // RFC 9052 §2
	maxChain = 8
)

type sign1 struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[int64]cbor.RawMessage
	Payload     []byte
	Signature   []byte
}

type cborProtected struct {
	Algorithm int64  `cbor:"1,keyasint"`
	Type      string `cbor:"16,keyasint"`
}

type cborList struct {
	Bits int    `cbor:"bits"`
	List []byte `cbor:"lst"`
}

type cborClaims struct {
	Subject   string   `cbor:"2,keyasint"`
	ExpiresAt int64    `cbor:"4,keyasint,omitempty"`
	NotBefore int64    `cbor:"5,keyasint,omitempty"`
	IssuedAt  int64    `cbor:"6,keyasint"`
	List      cborList `cbor:"65533,keyasint"`
	TTL       int64    `cbor:"65534,keyasint,omitempty"`
}

// signCWT makes COSE_Sign1 with its tag and without the tag of a CWT (draft §5.2).
func signCWT(bits int, packed []byte, c Claims, s Signer) ([]byte, error) {
	payload, err := encode(cborClaims{Subject: c.Subject, IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
		TTL: int64(c.TTL / time.Second), List: cborList{bits, packed}})
	if err != nil {
		return nil, err
	}
	protected, err := encode(cborProtected{int64(cose.ES256), MediaCWT})
	if err != nil {
		return nil, err
	}
	unprotected, err := s.unprotected()
	if err != nil {
		return nil, err
	}
	toSign, err := cose.ToBeSigned(protected, payload)
	if err != nil {
		return nil, err
	}
	signature, err := s.Sign(toSign)
	if err != nil {
		return nil, fmt.Errorf("having a status list signed: %w", err)
	}
	inner, err := encode(sign1{Protected: protected, Unprotected: unprotected, Payload: payload, Signature: signature})
	if err != nil {
		return nil, err
	}
	return encode(cbor.RawTag{Number: tagSign1, Content: inner})
}

// unprotected is {4: kid, 33: x5chain}, of which either may be missing. One certificate stands alone, several in an array
// (RFC 9360 §2).
func (s Signer) unprotected() (map[int64]cbor.RawMessage, error) {
	out := map[int64]cbor.RawMessage{}
	var err error
	if s.KID != "" {
		if out[headerKeyID], err = encode([]byte(s.KID)); err != nil {
			return nil, err
		}
	}
	if len(s.Chain) == 1 {
		out[headerChain], err = encode(s.Chain[0].Raw)
		return out, err
	}
	if len(s.Chain) > 1 {
		chain := make([][]byte, len(s.Chain))
		for i, c := range s.Chain {
			chain[i] = c.Raw
		}
		out[headerChain], err = encode(chain)
	}
	return out, err
}

// ReadCWT checks a list in the CWT form and unpacks it. It fails with fault.Invalid and a Refusal; an error of key is
// passed on.
func ReadCWT(token []byte, key KeyFor, e Expect) (*Token, error) {
	if len(token) > MaxToken {
		return nil, refuse(TooLong, "reading %d bytes, at most %d are allowed", len(token), MaxToken)
	}
	s, err := openSign1(token)
	if err != nil {
		return nil, err
	}
	kid, chain, err := s.signer()
	if err != nil {
		return nil, err
	}
	public, err := key(kid, chain)
	if err != nil {
		return nil, fmt.Errorf("looking for the key of a status list: %w", err)
	}
	err = cose.Verify(public, &cose.Sign1{Protected: s.Protected, Algorithm: cose.ES256, Payload: s.Payload, Signature: s.Signature})
	if err != nil {
		return nil, refuse(BadSignature, "checking a status list: %v", err)
	}
	var raw cborClaims
	if err := decode(s.Payload, &raw); err != nil {
		return nil, err
	}
	c, err := raw.claims()
	if err != nil {
		return nil, err
	}
	if err := e.judge(c); err != nil {
		return nil, err
	}
	l, err := Unpack(raw.List.List, raw.List.Bits)
	if err != nil {
		return nil, err
	}
	return &Token{Claims: c, List: l, KID: kid, Chain: chain}, nil
}

// openSign1 takes the message apart and judges its protected header.
func openSign1(token []byte) (*sign1, error) {
	var tag cbor.RawTag
	if err := decode(token, &tag); err != nil {
		return nil, err
	}
	if tag.Number != tagSign1 {
		return nil, refuse(Malformed, "the tag is %d, not %d", tag.Number, tagSign1)
	}
	var s sign1
	if err := decode(tag.Content, &s); err != nil {
		return nil, err
	}
	var labels map[int64]cbor.RawMessage
	if err := decode(s.Protected, &labels); err != nil {
		return nil, err
	}
	for label := range labels {
		if label != headerAlgorithm && label != headerType {
			return nil, refuse(Malformed, "the protected header has the label %d", label)
		}
	}
	var alg int64
	if err := decode(labels[headerAlgorithm], &alg); err != nil || alg != int64(cose.ES256) {
		return nil, refuse(BadSignature, "the algorithm is not ES256")
	}
	var typ string
	if err := decode(labels[headerType], &typ); err != nil || typ != MediaCWT {
		return nil, refuse(WrongType, "the type is not %s", MediaCWT)
	}
	return &s, nil
}

// signer reads the unprotected header, which is a hint and no more.
func (s *sign1) signer() (kid string, chain []*x509.Certificate, err error) {
	for label, raw := range s.Unprotected {
		switch label {
		case headerKeyID:
			var id []byte
			if err := decode(raw, &id); err != nil || len(id) == 0 || len(id) > cose.MaxKeyID {
				return "", nil, refuse(Malformed, "the key id cannot be read")
			}
			kid = string(id)
		case headerChain:
			if chain, err = certificates(raw); err != nil {
				return "", nil, err
			}
		default:
			return "", nil, refuse(Malformed, "the unprotected header has the label %d", label)
		}
	}
	return kid, chain, nil
}

func certificates(raw cbor.RawMessage) ([]*x509.Certificate, error) {
	var ders [][]byte
	var one []byte
	if err := decode(raw, &one); err == nil {
		ders = [][]byte{one}
	} else if err := decode(raw, &ders); err != nil || len(ders) < 2 || len(ders) > maxChain {
		return nil, refuse(Malformed, "x5chain is not one certificate or 2 to %d", maxChain)
	}
	out := make([]*x509.Certificate, len(ders))
	for i, der := range ders {
		var err error
		if out[i], err = x509.ParseCertificate(der); err != nil {
			return nil, refuse(Malformed, "certificate %d of x5chain cannot be read", i)
		}
	}
	return out, nil
}

func (raw cborClaims) claims() (Claims, error) {
	c := Claims{Subject: raw.Subject, TTL: time.Duration(raw.TTL) * time.Second}
	switch {
	case raw.IssuedAt <= 0 || raw.IssuedAt > maxSeconds || raw.ExpiresAt < 0 || raw.ExpiresAt > maxSeconds:
		return c, refuse(Malformed, "the list does not say when it was made")
	case raw.NotBefore > raw.IssuedAt:
		return c, refuse(Malformed, "the list is to hold from later than it was made")
	case raw.TTL != 0 && !ttl(raw.TTL):
		return c, refuse(Malformed, "ttl is no positive number of seconds")
	}
	c.IssuedAt = time.Unix(raw.IssuedAt, 0).UTC()
	if raw.ExpiresAt != 0 {
		c.ExpiresAt = time.Unix(raw.ExpiresAt, 0).UTC()
	}
	return c, nil
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

func decode(b []byte, v any) error {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, BignumTag: cbor.BignumTagForbidden,
		MaxNestedLevels: 6, MaxArrayElements: 16, MaxMapPairs: 16, TimeTag: cbor.DecTagRequired,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "preparing the CBOR decoder")
	}
	if err := mode.Unmarshal(b, v); err != nil {
		return refuse(Malformed, "decoding CBOR: %v", err)
	}
	return nil
}

func encode(v any) ([]byte, error) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "preparing the CBOR encoder")
	}
	b, err := mode.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding a status list")
	}
	return b, nil
}
