package mdoc

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/fault"
	"akashi/internal/format/cose"
)

// Issue is what an issuer says in one document.
type Issue struct {
	DocType    string
	NameSpaces []NameSpace
	DeviceKey  *ecdsa.PublicKey // the holder's, on P-256
	Validity   Validity
	Status     *Status  // nil: the document has none
	Chain      [][]byte // certificates of the document signer in DER, its own first; the authority's own is left out
}

// Draft is a document that waits for its signature.
type Draft struct {
	ToSign    []byte // the Sig_structure over which the issuer signs by ES256
	protected []byte
	payload   []byte
	chain     [][]byte
	spaces    map[string][]cbor.RawMessage
}

// Compose makes the exact bytes to sign. random gives 32 bytes for each element; the same bytes give the same draft. It
// fails with fault.Invalid for what ParseIssuerSigned would refuse.
func (i Issue) Compose(random io.Reader) (*Draft, error) {
	if err := i.check(); err != nil {
		return nil, err
	}
	key, err := cose.EncodeKey(i.DeviceKey)
	if err != nil {
		return nil, refuse(BadDeviceKey, "binding a document to the holder's key: %v", err)
	}
	o := securityObject{Version: version, DigestAlgorithm: digestAlgorithm, ValueDigests: map[string]map[uint64]octets{},
		DeviceKeyInfo: deviceKeyInfo{DeviceKey: key}, DocType: i.DocType,
		ValidityInfo: validityInfo{Signed: dateTime(i.Validity.Signed), ValidFrom: dateTime(i.Validity.From), ValidUntil: dateTime(i.Validity.Until)}}
	if i.Status != nil {
		o.Status = &statusInfo{StatusList: *i.Status}
	}
	d := &Draft{chain: i.Chain, spaces: map[string][]cbor.RawMessage{}}
	next := uint64(0)
	for _, space := range i.NameSpaces {
		digests := map[uint64]octets{}
		for _, e := range space.Elements {
			raw, digest, err := digested(e, next, random)
			if err != nil {
				return nil, err
			}
			d.spaces[space.Name] = append(d.spaces[space.Name], raw)
			digests[next] = digest
			next++
		}
		o.ValueDigests[space.Name] = digests
	}
	return d, d.prepare(o)
}

// check refuses what could not be read again.
func (i Issue) check() error {
	switch {
	case i.DocType == "" || len(i.NameSpaces) == 0:
		return refuse(NotMDoc, "issuing a document without a type or elements")
	case len(i.Chain) == 0:
		return refuse(NoCertificate, "issuing a document without a certificate")
	}
	seen := map[string]bool{}
	for _, space := range i.NameSpaces {
		if len(space.Elements) == 0 {
			return refuse(NotMDoc, "issuing a document with an empty name space")
		}
		for _, e := range space.Elements {
			at := space.Name + "\x00" + e.Name
			if seen[at] {
				return refuse(DoubledItem, "issuing a document with an element twice")
			}
			seen[at] = true
		}
	}
	return i.checkSigner()
}

// checkSigner refuses a validity that the signer's certificate does not cover to its end (§9.1.2.4).
func (i Issue) checkSigner() error {
	if err := i.Validity.check(); err != nil {
		return err
	}
	leaf, err := (&IssuerSigned{Chain: i.Chain}).Leaf()
	if err != nil {
		return err
	}
	if i.Validity.Signed.Before(leaf.NotBefore) || i.Validity.Until.After(leaf.NotAfter) {
		return refuse(BadValidity, "issuing a document that outlives its signer's certificate")
	}
	return CheckSigner(leaf)
}

// digested encodes one element with its randomness and returns it with its tag and its digest (§9.1.2.5).
func digested(e Element, id uint64, random io.Reader) (raw, digest []byte, err error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, nil, fault.Wrap(fault.Internal, err, "reading randomness")
	}
	value, err := encodeValue(e.Value)
	if err != nil {
		return nil, nil, err
	}
	if err := checkText(e.Name); err != nil {
		return nil, nil, err
	}
	inner, err := cose.Encode(signedItem{DigestID: id, Random: salt, Name: e.Name, Value: value})
	if err != nil {
		return nil, nil, err
	}
	raw, err = embed(inner)
	sum := sha256.Sum256(raw)
	return raw, sum[:], err
}

func encodeValue(value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return encodedIf(checkText(v), v)
	case Date:
		return encodedIf(v.check(), cbor.Tag{Number: tagDate, Content: string(v)})
	case bool, int64:
		return cose.Encode(v)
	}
	return nil, refuse(BadValue, "issuing an element of type %T", value)
}

func encodedIf(err error, v any) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return cose.Encode(v)
}

// prepare encodes the object and what is signed of it.
func (d *Draft) prepare(o securityObject) error {
	inner, err := cose.Encode(o)
	if err != nil {
		return err
	}
	if d.payload, err = embed(inner); err != nil {
		return err
	}
	if d.protected, err = cose.EncodeProtected(cose.ES256); err != nil {
		return err
	}
	d.ToSign, err = cose.ToBeSigned(d.protected, d.payload)
	return err
}

// Complete joins the signature, r and s in 64 bytes, to the draft and returns the issuer-signed part, as a wallet receives
// it. It refuses a signature that the signer's certificate does not fit.
func (d *Draft) Complete(signature []byte) ([]byte, error) {
	auth, err := cose.AssembleChained(d.protected, d.chain, d.payload, signature)
	if err != nil {
		return nil, err
	}
	out, err := cose.Encode(issuerSigned{NameSpaces: d.spaces, IssuerAuth: auth})
	if err != nil {
		return nil, err
	}
	read, err := ParseIssuerSigned(out)
	if err == nil {
		err = errors.Join(read.CheckSignature(), read.CheckDigests())
	}
	if err != nil {
		return nil, fmt.Errorf("completing a document: %w", err)
	}
	return out, nil
}
