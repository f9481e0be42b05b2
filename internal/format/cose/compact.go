package cose

import (
	"crypto"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// The compact profile is ours: a COSE_Sign1 message like the national one, but smaller, with the key id signed, with the
// fields that the holder chose, with a place in a status list, and with an end where it has one. It travels in the fragment
// of the address, which no browser sends to a server. docs/protocols.md defines it; this is version 1.
//
//	protected   {1: -7, 4: kid}          unprotected   {}
//	payload     {0: 1, 1..12: text, 13: [list, index], 14: exp, 15: iat}
//
// Labels 1 to 12 stand for those of the national profile in the order of Labels. 13 is the number of the status list within
// the register that the certificate id names, and the place in it; 14 and 15 are seconds since 1970.
const (
	compactVersion = 1
	labelVersion   = 0
	labelStatus    = 13
	labelExpires   = 14
	labelIssued    = 15

	// MaxCompactText bounds the whole address in characters, so that the code is readable from a card or a cheap display.
	MaxCompactText = 600
	lastSecond     = 253402300799 // of the year 9999
	// maxIndex bounds what a place can be, well above any list of ours.
	maxIndex = 1 << 24
)

// Place is a place in a status list of the register.
type Place struct {
	_     struct{} `cbor:",toarray"`
	List  int      // from 1
	Index int      // from 0
}

// Compact is a message of the compact profile whose signature has not been checked.
type Compact struct {
	KID       string
	Facts     map[string]string // by the two-letter labels of the national profile; always has CN and DN
	Status    *Place            // nil: it has no place in a list, and then it has an end
	IssuedAt  time.Time         // whole seconds
	ExpiresAt time.Time         // zero when it lasts as long as its credential

	Protected []byte // as signed
	Payload   []byte // as signed
	Signature []byte
}

// EncodeCompact writes the protected header and the payload, without a signature, and returns what is to be signed. It
// fails with fault.Invalid and BadPayload when a fact is not allowed, CN or DN is missing, or the message has neither a
// place in a list nor an end.
func (c *Compact) EncodeCompact() (toSign []byte, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Protected, c.Payload = appendCompactHeader(nil, c.KID), c.appendPayload(make([]byte, 0, 384))
	return ToBeSigned(c.Protected, c.Payload)
}

func (c *Compact) check() error {
	if err := checkPayload(c.Facts); err != nil {
		return err
	}
	for label := range c.Facts {
		if !slices.Contains(Labels(), label) {
			return refuse(BadPayload, "the compact profile has no label %q", label)
		}
	}
	switch {
	case c.Facts[QualificationName] == "" || c.Facts[CertificateID] == "":
		return refuse(BadPayload, "the qualification or the certificate id is missing")
	case c.IssuedAt.Unix() <= 0 || !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(c.IssuedAt):
		return refuse(BadPayload, "the message ends before it begins")
	case c.Status == nil && c.ExpiresAt.IsZero():
		return refuse(BadPayload, "the message has neither a place in a status list nor an end")
	case c.Status != nil && (c.Status.List < 1 || c.Status.List > maxIndex || c.Status.Index < 0 || c.Status.Index > maxIndex):
		return refuse(BadPayload, "the place in the status list is out of bounds")
	}
	return nil
}

// OpenSigned takes a message apart again of what was signed, as EncodeCompact returned it, and the signature.
func OpenSigned(toSign, signature []byte) (*Compact, error) {
	var parts struct {
		_         struct{} `cbor:",toarray"`
		Context   string
		Protected []byte
		External  []byte
		Payload   []byte
	}
	if err := decode(toSign, &parts); err != nil {
		return nil, err
	}
	return DecodeCompact(appendEnvelope(nil, parts.Protected, "", parts.Payload, signature))
}

// Message assembles the message with its signature (ES256: r and s, 32 bytes each).
func (c *Compact) Message() ([]byte, error) {
	message := appendEnvelope(make([]byte, 0, 128+len(c.Protected)+len(c.Payload)), c.Protected, "", c.Payload, c.Signature)
	_, err := DecodeCompact(message)
	return message, err
}

// IsCompact tells whether a message is of the compact profile, by its protected header: DecodeCompact reads it then, and
// Decode does not.
func IsCompact(b []byte) bool {
	if len(b) > MaxBytes {
		return false
	}
	if env, _, ok := readEnvelope(b, false); ok {
		if _, ok := readCompactHeader(env.Protected); ok {
			return true
		}
	}
	if _, _, national := readEnvelope(b, true); national {
		return false // the compact profile has no unprotected header
	}
	env, err := decodeEnvelope(b)
	if err != nil {
		return false
	}
	var header map[int64]cbor.RawMessage
	if err := decode(env.Protected, &header); err != nil {
		return false
	}
	_, signed := header[labelKeyID]
	return signed
}

// DecodeCompact reads one message of the compact profile. It fails with fault.Invalid and a Refusal, like Decode.
func DecodeCompact(b []byte) (*Compact, error) {
	if len(b) > MaxBytes {
		return nil, refuse(TooLong, "decoding %d bytes, at most %d are allowed", len(b), MaxBytes)
	}
	if c := readCompact(b); c != nil {
		return c, c.check()
	}
	env, err := decodeEnvelope(b)
	if err != nil {
		return nil, err
	}
	if len(env.Unprotected) > 0 {
		return nil, refuse(UnknownHeader, "the compact profile has no unprotected header")
	}
	if len(env.Signature) != es256SignatureBytes {
		return nil, refuse(NotSign1, "a signature of %d bytes", len(env.Signature))
	}
	c := &Compact{Protected: env.Protected, Payload: env.Payload, Signature: env.Signature}
	if c.KID, err = decodeCompactHeader(env.Protected); err != nil {
		return nil, err
	}
	if err := c.decodePayload(); err != nil {
		return nil, err
	}
	return c, c.check()
}

func decodeCompactHeader(b []byte) (kid string, err error) {
	var header map[int64]cbor.RawMessage
	if err := decode(b, &header); err != nil {
		return "", err
	}
	for label := range header {
		if label != labelAlgorithm && label != labelKeyID {
			return "", refuse(UnknownHeader, "the protected header has the label %d", label)
		}
	}
	var algorithm int64
	if err := decode(header[labelAlgorithm], &algorithm); err != nil || Algorithm(algorithm) != ES256 {
		return "", refuse(WrongAlgorithm, "the compact profile is signed with ES256 only")
	}
	var raw []byte
	if err := decode(header[labelKeyID], &raw); err != nil {
		return "", refuse(NotSign1, "the key id is no byte string")
	}
	return decodeKeyID(map[int64][]byte{labelKeyID: raw})
}

func (c *Compact) decodePayload() error {
	var members map[int64]cbor.RawMessage
	if err := decode(c.Payload, &members); err != nil {
		return err
	}
	var version int64
	if err := decode(members[labelVersion], &version); err != nil || version != compactVersion {
		return refuse(BadPayload, "the payload is not of version %d of the compact profile", compactVersion)
	}
	labels := Labels()
	c.Facts = map[string]string{}
	for label, raw := range members {
		if err := c.member(label, raw, labels); err != nil {
			return err
		}
	}
	return nil
}

// member reads one member of the payload.
func (c *Compact) member(label int64, raw cbor.RawMessage, labels []string) (err error) {
	switch {
	case label == labelVersion:
		return nil
	case label >= 1 && label <= int64(len(labels)):
		var text string
		err = decode(raw, &text)
		c.Facts[labels[label-1]] = text
	case label == labelStatus:
		c.Status = &Place{}
		err = decode(raw, c.Status)
	case label == labelExpires:
		c.ExpiresAt, err = decodeTime(raw)
	case label == labelIssued:
		c.IssuedAt, err = decodeTime(raw)
	default:
		return refuse(BadPayload, "the payload has the label %d", label)
	}
	if err != nil {
		return refuse(BadPayload, "the member %d of the payload is of another type", label)
	}
	return nil
}

// decodeTime reads seconds since 1970, up to the year 9999.
func decodeTime(raw cbor.RawMessage) (time.Time, error) {
	var seconds int64
	if err := decode(raw, &seconds); err != nil {
		return time.Time{}, err
	}
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}, BadPayload
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// Verify checks the signature with pub, an *ecdsa.PublicKey on P-256. It fails with fault.Invalid and WrongKey or
// BadSignature.
func (c *Compact) Verify(pub crypto.PublicKey) error {
	signed, err := ToBeSigned(c.Protected, c.Payload)
	if err != nil {
		return err
	}
	return verifyES256(pub, sha256.Sum256(signed), c.Signature)
}

// CompactURL is the text of a compact code. It fails with fault.Invalid and TooLong when it has more than MaxCompactText
// characters.
func CompactURL(base string, message []byte) (string, error) {
	text := FragmentURL(base, message)
	if len(text) > MaxCompactText {
		return "", refuse(TooLong, "a compact code of %d characters, at most %d are allowed", len(text), MaxCompactText)
	}
	return text, nil
}
