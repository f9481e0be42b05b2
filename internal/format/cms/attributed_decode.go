package cms

import (
	"bytes"
	"crypto"
	_ "crypto/sha512" // SHA-384 and SHA-512 of timestamp authorities
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds of what one structure may hold.
const (
	maxCertificates = 16
	maxAttributes   = 16
)

// hashOID lists the digests that are accepted (RFC 5754 §2).
func hashOID(h crypto.Hash) (asn1.ObjectIdentifier, bool) {
	last := map[crypto.Hash]int{crypto.SHA256: 1, crypto.SHA384: 2, crypto.SHA512: 3}[h]
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, last}, last > 0
}

// AddHash writes the AlgorithmIdentifier of a digest, without parameters (RFC 5754 §2).
func AddHash(b *cryptobyte.Builder, h crypto.Hash) { addHash(b, h) }

func addHash(b *cryptobyte.Builder, h crypto.Hash) {
	id, ok := hashOID(h)
	if !ok {
		b.SetError(fmt.Errorf("%w: digest %v", ErrAlgorithm, h))
		return
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(id) })
}

// ReadHash reads the AlgorithmIdentifier of one of the accepted digests, its parameters absent or NULL.
func ReadHash(s *cryptobyte.String) (crypto.Hash, bool) { return readHash(s) }

func readHash(s *cryptobyte.String) (crypto.Hash, bool) {
	var algorithm cryptobyte.String
	var id asn1.ObjectIdentifier
	if !s.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) || !noParameters(&algorithm) {
		return 0, false
	}
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if known, _ := hashOID(h); known.Equal(id) {
			return h, true
		}
	}
	return 0, false
}

// noParameters reads the parameters of an algorithm that has none: nothing, or NULL.
func noParameters(algorithm *cryptobyte.String) bool {
	if algorithm.Empty() {
		return true
	}
	var null cryptobyte.String
	return algorithm.ReadASN1(&null, cbasn1.NULL) && null.Empty() && algorithm.Empty()
}

func signatureOID(a x509.SignatureAlgorithm) (asn1.ObjectIdentifier, bool) {
	switch a {
	case x509.ECDSAWithSHA256:
		return asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, true // RFC 5758 §3.2
	case x509.ECDSAWithSHA384:
		return asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, true
	case x509.ECDSAWithSHA512:
		return asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, true
	case x509.SHA256WithRSA:
		return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, true // RFC 5754 §3.2
	case x509.SHA384WithRSA:
		return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, true
	case x509.SHA512WithRSA:
		return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, true
	}
	return nil, false
}

func isRSA(a x509.SignatureAlgorithm) bool {
	return a == x509.SHA256WithRSA || a == x509.SHA384WithRSA || a == x509.SHA512WithRSA
}

// signatureAlgorithm reads an AlgorithmIdentifier of a signature made over a digest by h.
func signatureAlgorithm(s *cryptobyte.String, h crypto.Hash) (x509.SignatureAlgorithm, bool) {
	var algorithm cryptobyte.String
	var id asn1.ObjectIdentifier
	if !s.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) || !noParameters(&algorithm) {
		return 0, false
	}
	by := map[crypto.Hash][]x509.SignatureAlgorithm{
		crypto.SHA256: {x509.SHA256WithRSA, x509.ECDSAWithSHA256},
		crypto.SHA384: {x509.SHA384WithRSA, x509.ECDSAWithSHA384},
		crypto.SHA512: {x509.SHA512WithRSA, x509.ECDSAWithSHA512},
	}[h]
	for _, a := range by {
		if known, _ := signatureOID(a); known.Equal(id) {
			return a, true
		}
	}
	// rsaEncryption names the key alone; the digest is that of the signer (RFC 5754 §3.2).
	if len(by) > 0 && id.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}) {
		return by[0], true
	}
	return 0, false
}

// ParseAttributed reads a SignedData of one signer with signed attributes, in DER throughout. It checks no signature.
func ParseAttributed(der []byte) (*Attributed, error) {
	if len(der) > MaxSize {
		return nil, fmt.Errorf("reading CMS: %w: %d bytes", ErrTooLarge, len(der))
	}
	a, err := decodeAttributed(der)
	if err != nil {
		return nil, fmt.Errorf("reading CMS: %w", err)
	}
	return a, nil
}

func decodeAttributed(der []byte) (*Attributed, error) {
	input := cryptobyte.String(der)
	var info, explicit, signed cryptobyte.String
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !input.Empty() || !readOID(&info, identifiers().signedData) ||
		!info.ReadASN1(&explicit, contextTag(0)) || !info.Empty() ||
		!explicit.ReadASN1(&signed, cbasn1.SEQUENCE) || !explicit.Empty() {
		return nil, fmt.Errorf("%w: no SignedData", ErrForm)
	}
	a := &Attributed{Serial: new(big.Int)}
	var version int64
	var digests, signers cryptobyte.String
	var ok bool
	if !signed.ReadASN1Integer(&version) || !signed.ReadASN1(&digests, cbasn1.SET) {
		return nil, fmt.Errorf("%w: version or digest algorithms", ErrForm)
	}
	if a.Hash, ok = readHash(&digests); !ok || !digests.Empty() {
		return nil, fmt.Errorf("%w: not one digest algorithm of those accepted", ErrAlgorithm)
	}
	if err := a.readContent(&signed); err != nil {
		return nil, err
	}
	if version != a.version() {
		return nil, fmt.Errorf("%w: version %d", ErrForm, version)
	}
	if err := a.readCertificates(&signed); err != nil {
		return nil, err
	}
	if !signed.ReadASN1(&signers, cbasn1.SET) || !signed.Empty() {
		return nil, fmt.Errorf("%w: no signers, or revocation lists", ErrForm)
	}
	if err := a.readSigner(&signers); err != nil {
		return nil, err
	}
	if !signers.Empty() {
		return nil, fmt.Errorf("%w: more than one signer", ErrForm)
	}
	return a, nil
}

func (a *Attributed) readContent(s *cryptobyte.String) error {
	var info, explicit, content cryptobyte.String
	if !s.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&a.ContentType) {
		return fmt.Errorf("%w: no content type", ErrForm)
	}
	if info.Empty() {
		return nil
	}
	if !info.ReadASN1(&explicit, contextTag(0)) || !info.Empty() || !explicit.ReadASN1(&content, cbasn1.OCTET_STRING) || !explicit.Empty() {
		return fmt.Errorf("%w: content", ErrForm)
	}
	a.Content = append([]byte{}, content...)
	return nil
}

func (a *Attributed) readCertificates(s *cryptobyte.String) error {
	var all cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&all, &present, contextTag(0)) {
		return fmt.Errorf("%w: certificates", ErrForm)
	}
	for !all.Empty() {
		var one []byte
		if len(a.Certificates) == maxCertificates || !readElement(&all, &one) {
			return fmt.Errorf("%w: certificates", ErrForm)
		}
		a.Certificates = append(a.Certificates, one)
	}
	return nil
}

// readSigner reads SignerInfo version 1: a signer named by issuer and serial number (RFC 5652 §5.3).
func (a *Attributed) readSigner(s *cryptobyte.String) error {
	var signer, identifier, signature, signed, unsigned cryptobyte.String
	if !s.ReadASN1(&signer, cbasn1.SEQUENCE) || !readVersion1(&signer) {
		return fmt.Errorf("%w: no signer of version 1", ErrForm)
	}
	if !signer.ReadASN1(&identifier, cbasn1.SEQUENCE) || !readElement(&identifier, &a.Issuer) ||
		!identifier.ReadASN1Integer(a.Serial) || !identifier.Empty() {
		return fmt.Errorf("%w: signer not named by issuer and serial number", ErrForm)
	}
	if h, ok := readHash(&signer); !ok || h != a.Hash {
		return fmt.Errorf("%w: digest of the signer", ErrAlgorithm)
	}
	if !signer.ReadASN1Element(&signed, contextTag(0)) {
		return fmt.Errorf("%w: there are none", ErrAttributes)
	}
	a.Signed = append([]byte{derSet}, signed[1:]...)
	if _, err := a.SignedAttributes(); err != nil {
		return err
	}
	var ok bool
	if a.Algorithm, ok = signatureAlgorithm(&signer, a.Hash); !ok {
		return fmt.Errorf("%w: signature", ErrAlgorithm)
	}
	if !signer.ReadASN1(&signature, cbasn1.OCTET_STRING) {
		return fmt.Errorf("%w: no signature", ErrForm)
	}
	a.Signature = signature
	if signer.Empty() {
		return nil
	}
	if !signer.ReadASN1(&unsigned, contextTag(1)) || !signer.Empty() || unsigned.Empty() {
		return fmt.Errorf("%w: after the signature", ErrForm)
	}
	var err error
	a.Unsigned, err = readAttributes(unsigned)
	return err
}

// SignedAttributes reads the signed attributes: a SET in DER order, each attribute once, each with one value.
func (a *Attributed) SignedAttributes() ([]Attribute, error) {
	input := cryptobyte.String(a.Signed)
	var set cryptobyte.String
	if !input.ReadASN1(&set, cbasn1.SET) || !input.Empty() {
		return nil, fmt.Errorf("%w: no set", ErrAttributes)
	}
	return readAttributes(set)
}

func readAttributes(set cryptobyte.String) ([]Attribute, error) {
	var all []Attribute
	var last []byte
	for !set.Empty() {
		var element, one, values, value cryptobyte.String
		var a Attribute
		var tag cbasn1.Tag
		if !set.ReadASN1Element(&element, cbasn1.SEQUENCE) || len(all) == maxAttributes {
			return nil, fmt.Errorf("%w: shape", ErrAttributes)
		}
		inner := element
		if !inner.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&a.Type) || !one.ReadASN1(&values, cbasn1.SET) ||
			!one.Empty() || !values.ReadAnyASN1Element(&value, &tag) || !values.Empty() {
			return nil, fmt.Errorf("%w: not one value", ErrAttributes)
		}
		if bytes.Compare(last, element) >= 0 {
			return nil, fmt.Errorf("%w: order", ErrAttributes)
		}
		if find(all, a.Type) != nil {
			return nil, fmt.Errorf("%w: %v stands twice", ErrAttributes, a.Type)
		}
		a.Value, last = value, element
		all = append(all, a)
	}
	return all, nil
}
