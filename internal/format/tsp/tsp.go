// Package tsp is the Time-Stamp Protocol (RFC 3161, with RFC 5816): a requester sends a digest, an authority answers with
// a token that says when it had seen it. Requests, answers and tokens are written and read here, in strict DER, for the
// asking and for the answering side; the way over the network is connector/timestamp and govsim/timestamp.
//
// A token is a CMS SignedData (format/cms) around a TSTInfo. Token.Verify proves that a certificate for timestamping, which
// descends from a trusted one, signed exactly this digest. Tokens that name their certificate by SHA-1 alone (RFC 2634
// §5.4) are refused: RFC 5816 replaced that in 2010.
package tsp

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"akashi/internal/format/cms"
)

// What may be wrong; errors of this package wrap one of them or one of format/cms.
var (
	// ErrForm: not the DER of what was expected.
	ErrForm = errors.New("not of the form of RFC 3161")
	// ErrRefused: the authority gave no token; a *Failure says why.
	ErrRefused = errors.New("the timestamp authority refused")
	// ErrImprint: the token is over another digest.
	ErrImprint = errors.New("the timestamp is over another digest")
	// ErrNonce: the token answers another request.
	ErrNonce = errors.New("the timestamp answers another request")
	// ErrPolicy: the token was made under another policy than the one asked for.
	ErrPolicy = errors.New("the timestamp was made under another policy")
	// ErrCertificate: the signer's certificate is not one for timestamping, or does not descend from a trusted one.
	ErrCertificate = errors.New("the timestamp authority's certificate is not to be believed")
)

// maxNonce and maxSerial are the longest numbers that are read, in bits (RFC 3161 §2.4.2 asks for at least 160).
const (
	maxNonce  = 256
	maxSerial = 256
)

// Request asks for a timestamp (RFC 3161 §2.4.1).
type Request struct {
	Hash    crypto.Hash
	Imprint []byte
	Policy  asn1.ObjectIdentifier // nil: the authority's own
	Nonce   *big.Int              // nil: none
	Certs   bool                  // the token shall carry its certificates
}

// Marshal writes the request.
func (r Request) Marshal() ([]byte, error) {
	if len(r.Imprint) != r.Hash.Size() {
		return nil, fmt.Errorf("writing a timestamp request: %w: a digest of %d bytes", ErrForm, len(r.Imprint))
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addImprint(b, r.Hash, r.Imprint)
		if r.Policy != nil {
			b.AddASN1ObjectIdentifier(r.Policy)
		}
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		if r.Certs {
			b.AddASN1Boolean(true)
		}
	})
	return b.Bytes()
}

func addImprint(b *cryptobyte.Builder, h crypto.Hash, digest []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		cms.AddHash(b, h)
		b.AddASN1OctetString(digest)
	})
}

func readImprint(s *cryptobyte.String) (h crypto.Hash, digest []byte, ok bool) {
	var imprint, octets cryptobyte.String
	if !s.ReadASN1(&imprint, cbasn1.SEQUENCE) {
		return 0, nil, false
	}
	if h, ok = cms.ReadHash(&imprint); !ok || !imprint.ReadASN1(&octets, cbasn1.OCTET_STRING) || !imprint.Empty() {
		return 0, nil, false
	}
	return h, octets, len(octets) == h.Size()
}

// ParseRequest reads a request. Extensions are refused: none is known here (RFC 3161 §2.4.1).
func ParseRequest(der []byte) (Request, error) {
	input := cryptobyte.String(der)
	var s cryptobyte.String
	var r Request
	var ok bool
	if !input.ReadASN1(&s, cbasn1.SEQUENCE) || !input.Empty() || !readVersion(&s) {
		return r, fmt.Errorf("reading a timestamp request: %w", ErrForm)
	}
	if r.Hash, r.Imprint, ok = readImprint(&s); !ok {
		return r, fmt.Errorf("reading a timestamp request: %w: digest", ErrForm)
	}
	if s.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && !s.ReadASN1ObjectIdentifier(&r.Policy) {
		return r, fmt.Errorf("reading a timestamp request: %w: policy", ErrForm)
	}
	if r.Nonce, ok = readOptionalNumber(&s, maxNonce); !ok {
		return r, fmt.Errorf("reading a timestamp request: %w: nonce", ErrForm)
	}
	if r.Certs, ok = readDefaultFalse(&s); !ok || !s.Empty() {
		return r, fmt.Errorf("reading a timestamp request: %w: after the nonce", ErrForm)
	}
	return r, nil
}

func readVersion(s *cryptobyte.String) bool {
	var v int64
	return s.ReadASN1Integer(&v) && v == 1
}

// readDefaultFalse reads BOOLEAN DEFAULT FALSE: in DER either TRUE or nothing.
func readDefaultFalse(s *cryptobyte.String) (v, ok bool) {
	if !s.PeekASN1Tag(cbasn1.BOOLEAN) {
		return false, true
	}
	return true, s.ReadASN1Boolean(&v) && v
}

func readOptionalNumber(s *cryptobyte.String, bits int) (*big.Int, bool) {
	if !s.PeekASN1Tag(cbasn1.INTEGER) {
		return nil, true
	}
	n := new(big.Int)
	return n, s.ReadASN1Integer(n) && n.BitLen() <= bits
}

// Info is what the authority signs (TSTInfo, RFC 3161 §2.4.2).
type Info struct {
	Policy   asn1.ObjectIdentifier
	Hash     crypto.Hash
	Imprint  []byte
	Serial   *big.Int
	Time     time.Time     // UTC; to the millisecond when written here
	Accuracy time.Duration // 0: not stated
	Ordering bool
	Nonce    *big.Int // nil: none
}

// typeInfo is id-ct-TSTInfo (RFC 3161 §2.4.2).
func typeInfo() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
}

func (i Info) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(i.Policy)
		addImprint(b, i.Hash, i.Imprint)
		b.AddASN1BigInt(i.Serial)
		b.AddASN1(cbasn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(timeText(i.Time))) })
		if i.Accuracy > 0 {
			b.AddASN1(cbasn1.SEQUENCE, i.addAccuracy)
		}
		if i.Ordering {
			b.AddASN1Boolean(true)
		}
		if i.Nonce != nil {
			b.AddASN1BigInt(i.Nonce)
		}
	})
	return b.Bytes()
}

// addAccuracy writes seconds, milliseconds and microseconds, each only when it is not zero.
func (i Info) addAccuracy(b *cryptobyte.Builder) {
	if s := int64(i.Accuracy / time.Second); s > 0 {
		b.AddASN1Int64(s)
	}
	if ms := int64(i.Accuracy % time.Second / time.Millisecond); ms > 0 {
		b.AddASN1Int64WithTag(ms, cbasn1.Tag(0).ContextSpecific())
	}
	if us := int64(i.Accuracy % time.Millisecond / time.Microsecond); us > 0 {
		b.AddASN1Int64WithTag(us, cbasn1.Tag(1).ContextSpecific())
	}
}

// timeText is a GeneralizedTime in DER: UTC, no trailing zeros in the fraction (RFC 3161 §2.4.2).
func timeText(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format("20060102150405.999Z")
}

// parseInfo reads a TSTInfo. The authority's name is let be, critical or unknown extensions are refused.
func parseInfo(der []byte) (i Info, err error) {
	input := cryptobyte.String(der)
	var s, at cryptobyte.String
	var ok bool
	i.Serial = new(big.Int)
	if !input.ReadASN1(&s, cbasn1.SEQUENCE) || !input.Empty() || !readVersion(&s) || !s.ReadASN1ObjectIdentifier(&i.Policy) {
		return i, fmt.Errorf("%w: no TSTInfo", ErrForm)
	}
	if i.Hash, i.Imprint, ok = readImprint(&s); !ok {
		return i, fmt.Errorf("%w: digest", ErrForm)
	}
	if !s.ReadASN1Integer(i.Serial) || i.Serial.BitLen() > maxSerial || !s.ReadASN1(&at, cbasn1.GeneralizedTime) {
		return i, fmt.Errorf("%w: serial number or time", ErrForm)
	}
	if i.Time, ok = parseTime(string(at)); !ok {
		return i, fmt.Errorf("%w: time", ErrForm)
	}
	if s.PeekASN1Tag(cbasn1.SEQUENCE) {
		if i.Accuracy, ok = readAccuracy(&s); !ok {
			return i, fmt.Errorf("%w: accuracy", ErrForm)
		}
	}
	if i.Ordering, ok = readDefaultFalse(&s); !ok {
		return i, fmt.Errorf("%w: ordering", ErrForm)
	}
	if i.Nonce, ok = readOptionalNumber(&s, maxNonce); !ok {
		return i, fmt.Errorf("%w: nonce", ErrForm)
	}
	var tsa cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&tsa, &present, cbasn1.Tag(0).ContextSpecific().Constructed()) || !s.Empty() {
		return i, fmt.Errorf("%w: extensions", ErrForm)
	}
	return i, nil
}

// parseTime reads a GeneralizedTime in UTC, with at most nanoseconds.
func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse("20060102150405Z", s)
	if err != nil || !bytes.HasSuffix([]byte(s), []byte("Z")) {
		return time.Time{}, false
	}
	return t, len(s) <= len("20060102150405.123456789Z") && t.Format("20060102150405.999999999Z") == s
}

func readAccuracy(s *cryptobyte.String) (time.Duration, bool) {
	var accuracy cryptobyte.String
	var seconds, millis, micros int64
	if !s.ReadASN1(&accuracy, cbasn1.SEQUENCE) {
		return 0, false
	}
	if accuracy.PeekASN1Tag(cbasn1.INTEGER) && (!accuracy.ReadASN1Integer(&seconds) || seconds < 0 || seconds > 86400) {
		return 0, false
	}
	for n, out := range []*int64{&millis, &micros} {
		tag := cbasn1.Tag(n).ContextSpecific()
		if accuracy.PeekASN1Tag(tag) && (!accuracy.ReadASN1Int64WithTag(out, tag) || *out < 1 || *out > 999) {
			return 0, false
		}
	}
	return time.Duration(seconds)*time.Second + time.Duration(millis)*time.Millisecond + time.Duration(micros)*time.Microsecond, accuracy.Empty()
}
