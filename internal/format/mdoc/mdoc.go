// Package mdoc writes and reads mobile documents (ISO/IEC 18013-5): a credential whose elements can be shown one by one.
//
// The issuer signs one object, the mobile security object, which has a digest of every element beside the document's type,
// its validity, the holder's key and where its status is listed. Each element travels as an item of its own with a random
// value in it, so that a digest tells nothing of an element that is not shown. A holder answers a reader with a device
// response: the items that were asked for, the issuer's signature, and a signature of the holder's key over the session, so
// that an answer cannot be shown again elsewhere.
//
//	Issue      → Draft → bytes to sign → the issuer-signed part      (issue.go)
//	Present    the issuer-signed part and a session → a response      (present.go)
//	Parse…     bytes → values, strictly                               (parse.go)
//	Check…     one question each, with a reason of its own            (check.go, certificate.go)
//
// Everything of ours is in deterministic CBOR. What comes from others need not be, since wallets write the parts around the
// signed bytes anew; keys given twice, indefinite lengths, unknown members, deep nesting and large sizes are refused. Only
// ES256 is read and written. A message authentication code instead of the holder's signature (§9.1.3.5) is refused: it can be
// checked only by the reader it was made for, with a key that our requests do not have.
package mdoc

import (
	"crypto/ecdsa"
	"fmt"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/fault"
	"akashi/internal/format/cose"
)

const (
	version         = "1.0"
	digestAlgorithm = "SHA-256"

	tagEmbedded = 24   // encoded CBOR data item (RFC 8949 §3.4.5.1)
	tagDate     = 1004 // full-date (RFC 8943 §2.2)
	tagDateTime = 0    // tdate (RFC 8949 §3.4.1)

	// MaxBytes bounds a response, or an issuer-signed part.
	MaxBytes = cose.MaxChainedBytes
	// saltBytes is how much randomness we put into an item; minSalt is the least that the standard takes (§9.1.2.5).
	saltBytes = 32
	minSalt   = 16
	// maxText bounds a name or a value, in bytes of UTF-8.
	maxText = 1024
)

// Refusal is the reason why something is no mobile document, or not one to be believed. It is also the key of the message
// for the visitor.
type Refusal string

const (
	// Malformed: not CBOR, or with keys given twice, indefinite lengths, too deep or too long.
	Malformed Refusal = "mdoc.malformed"
	// TooLong: more bytes than a response can have.
	TooLong Refusal = "mdoc.too_long"
	// NotMDoc: CBOR, but not in the shape of the standard.
	NotMDoc Refusal = "mdoc.not_mdoc"
	// WrongVersion: a version other than 1.0.
	WrongVersion Refusal = "mdoc.wrong_version"
	// ResponseError: the holder's device answered with an error instead of documents.
	ResponseError Refusal = "mdoc.response_error"
	// BadValue: an element of a type that our documents do not have.
	BadValue Refusal = "mdoc.bad_value"
	// WrongAlgorithm: a digest or signature algorithm other than SHA-256 and ES256.
	WrongAlgorithm Refusal = "mdoc.wrong_algorithm"
	// DoubledItem: an element or a digest number that stands there twice.
	DoubledItem Refusal = "mdoc.doubled_item"
	// ShortSalt: an item with so little randomness that its digest could be guessed.
	ShortSalt Refusal = "mdoc.short_salt"
	// MissingDigest: an element for which the signed object has no digest.
	MissingDigest Refusal = "mdoc.missing_digest"
	// DigestMismatch: an element that was changed after it was issued.
	DigestMismatch Refusal = "mdoc.digest_mismatch"
	// DocTypeMismatch: a document that calls itself otherwise than what was signed.
	DocTypeMismatch Refusal = "mdoc.doctype_mismatch"
	// BadIssuerSignature: the issuer's signature does not fit.
	BadIssuerSignature Refusal = "mdoc.bad_issuer_signature"
	// NotYetValid: the validity begins later.
	NotYetValid Refusal = "mdoc.not_yet_valid"
	// Expired: the validity has ended.
	Expired Refusal = "mdoc.expired"
	// BadValidity: the times contradict each other or the certificate's.
	BadValidity Refusal = "mdoc.bad_validity"
	// NoCertificate: the issuer's signature comes without a certificate.
	NoCertificate Refusal = "mdoc.no_certificate"
	// BadCertificate: a certificate outside the profile of document signers and their authorities.
	BadCertificate Refusal = "mdoc.bad_certificate"
	// UntrustedCertificate: a document signer whose authority is not among the trusted ones.
	UntrustedCertificate Refusal = "mdoc.untrusted_certificate"
	// BadDeviceKey: the holder's key is missing or not one on P-256.
	BadDeviceKey Refusal = "mdoc.bad_device_key"
	// NoDeviceSignature: the holder's key has not signed; a message authentication code is none.
	NoDeviceSignature Refusal = "mdoc.no_device_signature"
	// BadDeviceSignature: the holder's key has not signed this document in this session.
	BadDeviceSignature Refusal = "mdoc.bad_device_signature"
	// DeviceElements: the device added elements that the issuer has not permitted it to add.
	DeviceElements Refusal = "mdoc.device_elements"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both fault.Invalid and the reason.
func refuse(r Refusal, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

// Date is a calendar day, YYYY-MM-DD, that travels as a full-date (tag 1004).
type Date string

// Element is one fact. Value is a string, Date, bool or int64.
type Element struct {
	Name  string
	Value any
}

// NameSpace is a set of elements whose names one body defines.
type NameSpace struct {
	Name     string
	Elements []Element
}

// Status says where the status of a document is listed (draft-ietf-oauth-status-list-20 §6.3).
type Status struct {
	URI   string `cbor:"uri"`
	Index uint64 `cbor:"idx"`
}

// Validity is from when until when a document may be believed without asking anew, to the second.
type Validity struct {
	Signed, From, Until time.Time
}

// securityObject is what the issuer signs (§9.1.2.4).
type securityObject struct {
	Version         string                       `cbor:"version"`
	DigestAlgorithm string                       `cbor:"digestAlgorithm"`
	ValueDigests    map[string]map[uint64]octets `cbor:"valueDigests"`
	DeviceKeyInfo   deviceKeyInfo                `cbor:"deviceKeyInfo"`
	DocType         string                       `cbor:"docType"`
	ValidityInfo    validityInfo                 `cbor:"validityInfo"`
	Status          *statusInfo                  `cbor:"status,omitempty"`
}

type deviceKeyInfo struct {
	DeviceKey cbor.RawMessage `cbor:"deviceKey"`
}

type validityInfo struct {
	Signed     dateTime `cbor:"signed"`
	ValidFrom  dateTime `cbor:"validFrom"`
	ValidUntil dateTime `cbor:"validUntil"`
}

type statusInfo struct {
	StatusList Status `cbor:"status_list"`
}

// signedItem is one element as it was digested (§8.3.2.1.2.2).
type signedItem struct {
	DigestID uint64          `cbor:"digestID"`
	Random   octets          `cbor:"random"`
	Name     string          `cbor:"elementIdentifier"`
	Value    cbor.RawMessage `cbor:"elementValue"`
}

// octets is a byte string and nothing that a decoder would make one of.
type octets []byte

// UnmarshalCBOR satisfies cbor.Unmarshaler.
func (o *octets) UnmarshalCBOR(raw []byte) error {
	if major(raw) != 2 {
		return refuse(NotMDoc, "reading a byte string: it is none")
	}
	var b []byte
	err := decode(raw, &b)
	*o = b
	return err
}

// dateTime is a tdate: tag 0 around RFC 3339, in UTC and without fractions of a second (§9.1.2.4).
type dateTime time.Time

// MarshalCBOR satisfies cbor.Marshaler.
func (d dateTime) MarshalCBOR() ([]byte, error) {
	return cose.Encode(cbor.Tag{Number: tagDateTime, Content: time.Time(d).UTC().Format(time.RFC3339)})
}

// UnmarshalCBOR satisfies cbor.Unmarshaler.
func (d *dateTime) UnmarshalCBOR(raw []byte) error {
	text, err := tagged(raw, tagDateTime)
	if err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || len(text) != len("2006-01-02T15:04:05Z") || t.Location() != time.UTC {
		return refuse(BadValidity, "reading a time that is not in UTC to the second")
	}
	*d = dateTime(t)
	return nil
}

// tagged reads a text inside a tag.
func tagged(raw []byte, want uint64) (string, error) {
	if major(raw) != 6 {
		return "", refuse(NotMDoc, "reading a tagged text: it has no tag")
	}
	var tag cbor.RawTag
	if err := decode(raw, &tag); err != nil {
		return "", err
	}
	if tag.Number != want || major(tag.Content) != 3 {
		return "", refuse(NotMDoc, "reading a text with the tag %d, not %d", tag.Number, want)
	}
	var text string
	return text, decode(tag.Content, &text)
}

// embed wraps encoded CBOR as a data item of its own (tag 24).
func embed(inner []byte) ([]byte, error) {
	return cose.Encode(cbor.Tag{Number: tagEmbedded, Content: inner})
}

// embedded is the inverse of embed.
func embedded(raw []byte) ([]byte, error) {
	var tag cbor.RawTag
	if major(raw) != 6 {
		return nil, refuse(NotMDoc, "reading an embedded item: it has no tag")
	}
	if err := decode(raw, &tag); err != nil {
		return nil, err
	}
	if tag.Number != tagEmbedded {
		return nil, refuse(NotMDoc, "reading an embedded item with the tag %d", tag.Number)
	}
	var inner octets
	return inner, decode(tag.Content, &inner)
}

func major(raw []byte) byte {
	if len(raw) == 0 {
		return 0xff
	}
	return raw[0] >> 5
}

// strictly is how everything is read: member names in their own case, none unknown, none twice.
var strictly = sync.OnceValues(func() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		BignumTag:         cbor.BignumTagForbidden,
		MaxNestedLevels:   12,
		MaxArrayElements:  64,
		MaxMapPairs:       64,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode()
})

// decode reads exactly one item.
func decode(b []byte, v any) error {
	mode, err := strictly()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "preparing the CBOR decoder")
	}
	if err := mode.Unmarshal(b, v); err != nil {
		return classified(err)
	}
	return nil
}

// Document is one document of a response.
type Document struct {
	DocType string
	Issuer  *IssuerSigned
	device  device
}

// device is what the holder's device signed.
type device struct {
	nameSpaces []byte // the encoded map inside the tag
	signature  *cose.Chained
}

// IssuerSigned is what the issuer signed, of which a holder may have left items out. Nothing of it is proven until it was
// checked.
type IssuerSigned struct {
	DocType   string
	Validity  Validity
	Status    *Status
	DeviceKey *ecdsa.PublicKey
	Chain     [][]byte // of the document signer, its own certificate first, in DER
	Items     []Item
	digests   map[string]map[uint64]octets
	auth      *cose.Chained
}

// Item is one element as it came.
type Item struct {
	NameSpace string
	Element
	digestID uint64
	raw      []byte // with its tag, as it was digested
}

// Elements returns the elements of a name space by name.
func (s *IssuerSigned) Elements(nameSpace string) map[string]any {
	out := map[string]any{}
	for _, i := range s.Items {
		if i.NameSpace == nameSpace {
			out[i.Name] = i.Value
		}
	}
	return out
}
