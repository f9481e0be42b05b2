package mdoc

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/fault"
	"akashi/internal/format/cose"
)

// response is a DeviceResponse (§8.3.2.1.2.2).
type response struct {
	Version        string            `cbor:"version"`
	Documents      []cbor.RawMessage `cbor:"documents"`
	DocumentErrors cbor.RawMessage   `cbor:"documentErrors"`
	Status         uint64            `cbor:"status"`
}

type document struct {
	DocType      string          `cbor:"docType"`
	IssuerSigned cbor.RawMessage `cbor:"issuerSigned"`
	DeviceSigned deviceSigned    `cbor:"deviceSigned"`
	Errors       cbor.RawMessage `cbor:"errors"`
}

type deviceSigned struct {
	NameSpaces cbor.RawMessage `cbor:"nameSpaces"`
	DeviceAuth deviceAuth      `cbor:"deviceAuth"`
}

type deviceAuth struct {
	Signature cbor.RawMessage `cbor:"deviceSignature"`
	MAC       cbor.RawMessage `cbor:"deviceMac"`
}

type issuerSigned struct {
	NameSpaces map[string][]cbor.RawMessage `cbor:"nameSpaces"`
	IssuerAuth cbor.RawMessage              `cbor:"issuerAuth"`
}

// ParseResponse reads a device response. It fails with fault.Invalid and a Refusal.
func ParseResponse(b []byte) ([]*Document, error) {
	var r response
	if err := short(b); err != nil {
		return nil, err
	}
	if err := decode(b, &r); err != nil {
		return nil, err
	}
	switch {
	case r.Version != version:
		return nil, refuse(WrongVersion, "reading a response of version %.20q", r.Version)
	case r.Status != 0 || len(r.DocumentErrors) > 0:
		return nil, refuse(ResponseError, "reading a response with status %d", r.Status)
	case len(r.Documents) == 0:
		return nil, refuse(NotMDoc, "reading a response without documents")
	}
	var out []*Document
	for _, raw := range r.Documents {
		d, err := parseDocument(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func parseDocument(raw []byte) (*Document, error) {
	var d document
	if err := decode(raw, &d); err != nil {
		return nil, err
	}
	if len(d.Errors) > 0 {
		return nil, refuse(ResponseError, "reading a document with errors in it")
	}
	issuer, err := ParseIssuerSigned(d.IssuerSigned)
	if err != nil {
		return nil, err
	}
	if d.DocType != issuer.DocType {
		return nil, refuse(DocTypeMismatch, "reading a document that calls itself otherwise than what was signed")
	}
	if len(d.DeviceSigned.DeviceAuth.Signature) == 0 || len(d.DeviceSigned.DeviceAuth.MAC) > 0 {
		return nil, refuse(NoDeviceSignature, "reading a document that the holder's key has not signed")
	}
	out := &Document{DocType: d.DocType, Issuer: issuer}
	if out.device.nameSpaces, err = embedded(d.DeviceSigned.NameSpaces); err != nil {
		return nil, fmt.Errorf("reading the device's name spaces: %w", err)
	}
	if err := noElements(out.device.nameSpaces); err != nil {
		return nil, err
	}
	out.device.signature, err = chained(d.DeviceSigned.DeviceAuth.Signature)
	if err == nil && out.device.signature.Payload != nil {
		return nil, refuse(NotMDoc, "reading a device signature that carries its own payload")
	}
	return out, err
}

// noElements: our documents permit the device to add none (keyAuthorizations, §9.1.2.4).
func noElements(raw []byte) error {
	var spaces map[string]cbor.RawMessage
	if err := decode(raw, &spaces); err != nil {
		return err
	}
	if len(spaces) > 0 {
		return refuse(DeviceElements, "reading a document to which the device added elements")
	}
	return nil
}

// ParseIssuerSigned reads the issuer-signed part, as a wallet receives it. It fails with fault.Invalid and a Refusal.
func ParseIssuerSigned(b []byte) (*IssuerSigned, error) {
	if err := short(b); err != nil {
		return nil, err
	}
	var s issuerSigned
	if err := decode(b, &s); err != nil {
		return nil, err
	}
	auth, err := chained(s.IssuerAuth)
	if err != nil {
		return nil, err
	}
	out := &IssuerSigned{auth: auth, Chain: auth.Chain}
	if err := out.readObject(auth.Payload); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.NameSpaces)) {
		for _, raw := range s.NameSpaces[name] {
			if err := out.readItem(name, raw); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// readObject reads the mobile security object.
func (s *IssuerSigned) readObject(payload []byte) error {
	if payload == nil {
		return refuse(NotMDoc, "reading an issuer's signature without its payload")
	}
	inner, err := embedded(payload)
	if err != nil {
		return fmt.Errorf("reading the signed object: %w", err)
	}
	var o securityObject
	if err := decode(inner, &o); err != nil {
		return fmt.Errorf("reading the signed object: %w", err)
	}
	switch {
	case o.Version != version:
		return refuse(WrongVersion, "reading a signed object of version %.20q", o.Version)
	case o.DigestAlgorithm != digestAlgorithm:
		return refuse(WrongAlgorithm, "reading a signed object with the digest algorithm %.20q", o.DigestAlgorithm)
	case o.DocType == "" || len(o.ValueDigests) == 0:
		return refuse(NotMDoc, "reading a signed object without a type or digests")
	}
	if s.DeviceKey, err = cose.DecodeKey(o.DeviceKeyInfo.DeviceKey); err != nil {
		return refuse(BadDeviceKey, "reading the holder's key: %v", err)
	}
	s.DocType, s.digests = o.DocType, o.ValueDigests
	s.Validity = Validity{Signed: time.Time(o.ValidityInfo.Signed), From: time.Time(o.ValidityInfo.ValidFrom), Until: time.Time(o.ValidityInfo.ValidUntil)}
	if o.Status != nil {
		if o.Status.StatusList.URI == "" {
			return refuse(NotMDoc, "reading a status without the address of its list")
		}
		s.Status = &o.Status.StatusList
	}
	return s.Validity.check()
}

// check refuses times that contradict each other.
func (v Validity) check() error {
	if v.Signed.IsZero() || v.From.Before(v.Signed) || !v.Until.After(v.From) {
		return refuse(BadValidity, "reading a validity whose times contradict each other")
	}
	return nil
}

func (s *IssuerSigned) readItem(nameSpace string, raw []byte) error {
	inner, err := embedded(raw)
	if err != nil {
		return fmt.Errorf("reading an element: %w", err)
	}
	var one signedItem
	if err := decode(inner, &one); err != nil {
		return fmt.Errorf("reading an element: %w", err)
	}
	if len(one.Random) < minSalt {
		return refuse(ShortSalt, "reading an element with %d bytes of randomness", len(one.Random))
	}
	value, err := decodeValue(one.Value)
	if err != nil {
		return err
	}
	if err := checkText(one.Name); err != nil {
		return err
	}
	item := Item{NameSpace: nameSpace, Element: Element{Name: one.Name, Value: value}, digestID: one.DigestID, raw: raw}
	for _, other := range s.Items {
		if other.NameSpace == nameSpace && (other.Name == item.Name || other.digestID == item.digestID) {
			return refuse(DoubledItem, "reading an element or digest number that stands there twice")
		}
	}
	s.Items = append(s.Items, item)
	return nil
}

// decodeValue reads the types that elements of ours have.
func decodeValue(raw []byte) (any, error) {
	switch {
	case major(raw) == 3:
		var text string
		if err := decode(raw, &text); err != nil {
			return nil, err
		}
		return text, checkText(text)
	case major(raw) <= 1:
		var n int64
		return n, decode(raw, &n)
	case major(raw) == 7 && len(raw) == 1 && (raw[0] == 0xf4 || raw[0] == 0xf5):
		return raw[0] == 0xf5, nil
	case major(raw) == 6:
		text, err := tagged(raw, tagDate)
		if err != nil {
			return nil, refuse(BadValue, "reading an element with an unknown tag")
		}
		return Date(text), Date(text).check()
	}
	return nil, refuse(BadValue, "reading an element of a type that our documents do not have")
}

func (d Date) check() error {
	if _, err := time.Parse(time.DateOnly, string(d)); err != nil {
		return refuse(BadValue, "reading a day that there is not")
	}
	return nil
}

func checkText(text string) error {
	if text == "" || len(text) > maxText || !utf8.ValidString(text) {
		return refuse(BadValue, "reading a text of %d bytes", len(text))
	}
	return nil
}

func short(b []byte) error {
	if len(b) > MaxBytes {
		return refuse(TooLong, "reading %d bytes, at most %d are allowed", len(b), MaxBytes)
	}
	return nil
}

// chained reads a signature of the profile; what cose refuses is no mobile document.
func chained(raw []byte) (*cose.Chained, error) {
	c, err := cose.DecodeChained(raw)
	switch {
	case err == nil:
		if c.Algorithm != cose.ES256 {
			return nil, refuse(WrongAlgorithm, "reading a signature by algorithm %d", c.Algorithm)
		}
		return c, nil
	case errors.Is(err, cose.WrongAlgorithm):
		return nil, refuse(WrongAlgorithm, "reading a signature: %v", err)
	case errors.Is(err, cose.Malformed):
		return nil, refuse(Malformed, "reading a signature: %v", err)
	}
	return nil, refuse(NotMDoc, "reading a signature: %v", err)
}

// classified keeps a refusal that a part of the decoder made, and calls the rest by its kind: other members or types than
// the standard's, or no permitted CBOR.
func classified(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	var unknown *cbor.UnknownFieldError
	var kind *cbor.UnmarshalTypeError
	if errors.As(err, &unknown) || errors.As(err, &kind) {
		return refuse(NotMDoc, "decoding CBOR: %v", err)
	}
	return refuse(Malformed, "decoding CBOR: %v", err)
}
