package tsp

import (
	"bytes"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Status is the answer's first word (PKIStatus, RFC 3161 §2.4.2).
type Status int64

// The statuses. The first two come with a token.
const (
	Granted         Status = 0
	GrantedWithMods Status = 1
	Rejection       Status = 2
	Waiting         Status = 3
)

// FailureBit says why there is no token (PKIFailureInfo).
type FailureBit int

// The reasons of RFC 3161 §2.4.2. None: not stated.
const (
	None                FailureBit = -1
	BadAlgorithm        FailureBit = 0
	BadRequest          FailureBit = 2
	BadDataFormat       FailureBit = 5
	TimeNotAvailable    FailureBit = 14
	UnacceptedPolicy    FailureBit = 15
	UnacceptedExtension FailureBit = 16
	AddInfoNotAvailable FailureBit = 17
	SystemFailure       FailureBit = 25
)

// Failure is the authority's refusal.
type Failure struct {
	Status Status
	Bit    FailureBit
}

func (f *Failure) Error() string {
	return fmt.Sprintf("the timestamp authority refused: status %d, failure %d", f.Status, f.Bit)
}

// Is makes errors.Is(err, ErrRefused) true.
func (f *Failure) Is(target error) bool { return target == ErrRefused }

// Passing tells whether the same request may succeed later.
func (f *Failure) Passing() bool {
	return f.Status == Waiting || f.Bit == TimeNotAvailable || f.Bit == SystemFailure
}

// Grant writes the answer with a token.
func Grant(token []byte) ([]byte, error) { return response(Granted, None, token) }

// Refuse writes an answer without a token.
func Refuse(bit FailureBit) ([]byte, error) { return response(Rejection, bit, nil) }

func response(status Status, bit FailureBit, token []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(int64(status))
			if bit >= 0 {
				bits := make([]byte, 2+bit/8) // the first byte counts the unused bits (X.690 §11.2.2)
				bits[0], bits[1+bit/8] = byte(7-bit%8), 0x80>>(bit%8)
				b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { b.AddBytes(bits) })
			}
		})
		b.AddBytes(token)
	})
	return b.Bytes()
}

// ParseResponse reads an answer and the token in it. An answer without one is a *Failure.
func ParseResponse(der []byte) (*Token, error) {
	input := cryptobyte.String(der)
	var all, info cryptobyte.String
	if !input.ReadASN1(&all, cbasn1.SEQUENCE) || !input.Empty() || !all.ReadASN1(&info, cbasn1.SEQUENCE) {
		return nil, fmt.Errorf("reading a timestamp answer: %w", ErrForm)
	}
	failure, err := readStatus(&info)
	if err != nil {
		return nil, fmt.Errorf("reading a timestamp answer: %w", err)
	}
	granted := failure.Status == Granted || failure.Status == GrantedWithMods
	switch {
	case !granted && all.Empty():
		return nil, fmt.Errorf("reading a timestamp answer: %w", failure)
	case !granted, failure.Bit != None:
		return nil, fmt.Errorf("reading a timestamp answer: %w: a token and a failure", ErrForm)
	}
	var token cryptobyte.String
	if !all.ReadASN1Element(&token, cbasn1.SEQUENCE) || !all.Empty() {
		return nil, fmt.Errorf("reading a timestamp answer: %w: no token", ErrForm)
	}
	return ParseToken(token)
}

// readStatus reads PKIStatusInfo. The text in it is let be: it is whatever the authority likes to say.
func readStatus(info *cryptobyte.String) (*Failure, error) {
	var status int64
	var text, bits cryptobyte.String
	var hasText, hasBits bool
	if !info.ReadASN1Integer(&status) || status < 0 || status > 5 || !info.ReadOptionalASN1(&text, &hasText, cbasn1.SEQUENCE) ||
		!info.ReadOptionalASN1(&bits, &hasBits, cbasn1.BIT_STRING) || !info.Empty() {
		return nil, fmt.Errorf("%w: status", ErrForm)
	}
	f := &Failure{Status: Status(status), Bit: None}
	if hasBits {
		if len(bits) < 1 || len(bits) > 8 {
			return nil, fmt.Errorf("%w: failure", ErrForm)
		}
		if at := slices.IndexFunc(bits[1:], func(c byte) bool { return c != 0 }); at >= 0 {
			for bit := range 8 {
				if bits[1+at]&(0x80>>bit) != 0 {
					f.Bit = FailureBit(at*8 + bit)
					break
				}
			}
		}
	}
	return f, nil
}

// Matches sees that a token answers a request: the same digest, nonce and, where one was asked for, policy.
func (t *Token) Matches(r Request) error {
	switch {
	case t.Info.Hash != r.Hash || !bytes.Equal(t.Info.Imprint, r.Imprint):
		return ErrImprint
	case (t.Info.Nonce == nil) != (r.Nonce == nil), r.Nonce != nil && t.Info.Nonce.Cmp(r.Nonce) != 0:
		return ErrNonce
	case r.Policy != nil && !t.Info.Policy.Equal(r.Policy):
		return ErrPolicy
	}
	return nil
}
