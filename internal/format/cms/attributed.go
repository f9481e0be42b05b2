package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What may be wrong with a signature over signed attributes, beside the errors that both forms share.
var (
	// ErrAttributes: signed attributes that are missing, doubled, out of order or of another shape.
	ErrAttributes = errors.New("signed attributes are not as they must be")
	// ErrSigningCertificate: the ESS attribute that ties the signature to one certificate is missing or names another.
	ErrSigningCertificate = errors.New("the signature is not bound to its certificate")
	// ErrDigest: the content is not the one whose digest was signed.
	ErrDigest = errors.New("the signed digest is another than the content's")
	// ErrAlgorithm: an algorithm or a key outside the few that are accepted.
	ErrAlgorithm = errors.New("algorithm not accepted")
)

// Attribute is one attribute of a signer (RFC 5652 §5.3). Those that are accepted have exactly one value.
type Attribute struct {
	Type  asn1.ObjectIdentifier
	Value []byte // the value, DER
}

// Attributed is a SignedData of one signer that signs attributes: over a document beside it (CAdES, PAdES) or over the
// content inside it (a timestamp). It shares no path with Detached, so that neither form can be taken for the other.
type Attributed struct {
	ContentType  asn1.ObjectIdentifier
	Content      []byte   // nil: the content is elsewhere
	Certificates [][]byte // DER; the signer's among them, except in a timestamp that was asked for without
	Issuer       []byte   // of the signer's certificate, DER
	Serial       *big.Int // of the signer's certificate
	Hash         crypto.Hash
	Signed       []byte // the signed attributes as they are signed: a DER SET
	Algorithm    x509.SignatureAlgorithm
	Signature    []byte      // as in X.509: for ECDSA the DER of r and s
	Unsigned     []Attribute // added after signing; nobody's signature covers them
}

// TypeData is the content type of a document (RFC 5652 §4).
func TypeData() asn1.ObjectIdentifier { return identifiers().data }

// attributeTypes are the attributes that are read here.
type attributeTypes struct {
	contentType, messageDigest, signingCertificate asn1.ObjectIdentifier
}

func attributes() attributeTypes {
	return attributeTypes{
		contentType:        asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3},         // RFC 5652 §11.1
		messageDigest:      asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4},         // RFC 5652 §11.2
		signingCertificate: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}, // RFC 5035 §3
	}
}

// ToSign builds the attributes of a new signature, as they are to be signed: content type, SHA-256 of the content, and
// SHA-256 of the signer's certificate (signing-certificate-v2). A signing time is left out: in a PDF it stands in the
// signature dictionary, and nowhere twice (ETSI EN 319 142-1 §6.3).
func ToSign(contentType asn1.ObjectIdentifier, digest, certDER []byte) ([]byte, error) {
	if len(digest) != sha256.Size {
		return nil, fmt.Errorf("building signed attributes: %w: a digest of %d bytes", ErrDigest, len(digest))
	}
	id := attributes()
	hash := sha256.Sum256(certDER)
	values := []struct {
		kind  asn1.ObjectIdentifier
		write func(*cryptobyte.Builder)
	}{
		{id.contentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(contentType) }},
		{id.messageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) }},
		{id.signingCertificate, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // certs
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2: SHA-256 is the default
						b.AddASN1OctetString(hash[:])
					})
				})
			})
		}},
	}
	var all []Attribute
	for _, v := range values {
		var b cryptobyte.Builder
		v.write(&b)
		der, err := b.Bytes()
		if err != nil {
			return nil, fmt.Errorf("building signed attributes: %w", err)
		}
		all = append(all, Attribute{v.kind, der})
	}
	return encodeAttributes(cbasn1.SET, all)
}

// encodeAttributes writes a SET OF in DER: its elements in ascending order of their encodings (X.690 §11.6).
func encodeAttributes(tag cbasn1.Tag, all []Attribute) ([]byte, error) {
	encoded := make([][]byte, 0, len(all))
	for _, a := range all {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(a.Type)
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(a.Value) })
		})
		der, err := b.Bytes()
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, der)
	}
	return encodeSet(tag, encoded)
}

func encodeSet(tag cbasn1.Tag, encoded [][]byte) ([]byte, error) {
	slices.SortFunc(encoded, bytes.Compare)
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, one := range encoded {
			b.AddBytes(one)
		}
	})
	return b.Bytes()
}

// RawECDSA turns the 64 bytes of an ES256 signature (RFC 7518 §3.4) into the form of X.509 (RFC 3279 §2.2.3).
func RawECDSA(raw []byte) ([]byte, error) {
	if len(raw) != 64 {
		return nil, fmt.Errorf("%w: %d bytes, 64 expected", ErrSignature, len(raw))
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[:32]))
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[32:]))
	})
	return b.Bytes()
}

// NewAttributed puts together what ToSign began: an ECDSA signature on P-256 by the holder of the first certificate.
// content is nil for a signature over a document beside it.
func NewAttributed(contentType asn1.ObjectIdentifier, content, signed, signature []byte, chain []*x509.Certificate) (*Attributed, error) {
	if len(chain) == 0 {
		return nil, fmt.Errorf("building CMS: %w: none", ErrCertificate)
	}
	key, ok := chain[0].PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve.Params().BitSize != 256 {
		return nil, fmt.Errorf("building CMS: %w: the signer's key is not on P-256", ErrAlgorithm)
	}
	a := &Attributed{ContentType: contentType, Content: content, Issuer: chain[0].RawIssuer, Serial: chain[0].SerialNumber,
		Hash: crypto.SHA256, Signed: signed, Algorithm: x509.ECDSAWithSHA256, Signature: signature}
	for _, c := range chain {
		a.Certificates = append(a.Certificates, c.Raw)
	}
	return a, nil
}

// Encode writes ContentInfo with SignedData in DER (RFC 5652 §5.1).
func (a *Attributed) Encode() ([]byte, error) {
	signer, err := a.encodeSigner()
	if err != nil {
		return nil, fmt.Errorf("building CMS: %w", err)
	}
	certificates, err := encodeSet(contextTag(0), slices.Clone(a.Certificates))
	if err != nil {
		return nil, fmt.Errorf("building CMS: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(identifiers().signedData)
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(a.version())
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addHash(b, a.Hash) })
				b.AddASN1(cbasn1.SEQUENCE, a.addContent)
				if len(a.Certificates) > 0 {
					b.AddBytes(certificates)
				}
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(signer) })
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("building CMS: %w", err)
	}
	if len(der) > MaxSize {
		return nil, fmt.Errorf("building CMS: %w: %d bytes", ErrTooLarge, len(der))
	}
	return der, nil
}

// version is that of SignedData: 3 where the content is no plain data (RFC 5652 §5.1).
func (a *Attributed) version() int64 {
	if a.ContentType.Equal(identifiers().data) {
		return 1
	}
	return 3
}

func (a *Attributed) addContent(b *cryptobyte.Builder) {
	b.AddASN1ObjectIdentifier(a.ContentType)
	if a.Content != nil {
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(a.Content) })
	}
}

// encodeSigner writes SignerInfo version 1 (RFC 5652 §5.3).
func (a *Attributed) encodeSigner() ([]byte, error) {
	algorithm, ok := signatureOID(a.Algorithm)
	if !ok || len(a.Signed) == 0 || a.Signed[0] != derSet {
		return nil, fmt.Errorf("%w: %v", ErrAlgorithm, a.Algorithm)
	}
	unsigned, err := encodeAttributes(contextTag(1), a.Unsigned)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(a.Issuer)
			b.AddASN1BigInt(a.Serial)
		})
		addHash(b, a.Hash)
		b.AddBytes(append([]byte{byte(contextTag(0))}, a.Signed[1:]...)) // IMPLICIT [0], signed as a SET (§5.4)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(algorithm)
			if isRSA(a.Algorithm) {
				b.AddASN1NULL()
			}
		})
		b.AddASN1OctetString(a.Signature)
		if len(a.Unsigned) > 0 {
			b.AddBytes(unsigned)
		}
	})
	return b.Bytes()
}

// SignerCertificate finds the signer's certificate among those inside, or among more.
func (a *Attributed) SignerCertificate(more ...*x509.Certificate) (*x509.Certificate, error) {
	for _, der := range a.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
		}
		more = append(more, c)
	}
	for _, c := range more {
		if bytes.Equal(c.RawIssuer, a.Issuer) && c.SerialNumber.Cmp(a.Serial) == 0 {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: it is not there", ErrSigner)
}

// Verify sees that the certificate's key signed the attributes, and that these speak of this content type, of this digest
// (by a.Hash) and of this certificate.
func (a *Attributed) Verify(digest []byte, cert *x509.Certificate) error {
	signed, err := a.SignedAttributes()
	if err != nil {
		return err
	}
	id := attributes()
	kind := cryptobyte.String(find(signed, id.contentType))
	if !readOID(&kind, a.ContentType) || !kind.Empty() {
		return fmt.Errorf("%w: content type", ErrAttributes)
	}
	var want cryptobyte.String
	value := cryptobyte.String(find(signed, id.messageDigest))
	if !value.ReadASN1(&want, cbasn1.OCTET_STRING) || !value.Empty() {
		return fmt.Errorf("%w: message digest", ErrAttributes)
	}
	if !bytes.Equal(want, digest) {
		return ErrDigest
	}
	if err := boundTo(find(signed, id.signingCertificate), cert); err != nil {
		return err
	}
	if err := acceptKey(cert); err != nil {
		return err
	}
	if err := cert.CheckSignature(a.Algorithm, a.Signed, a.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return nil
}

// acceptKey bounds the keys whose signatures are believed.
func acceptKey(cert *x509.Certificate) error {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= 2048 && key.N.BitLen() <= 8192 {
			return nil
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize >= 256 {
			return nil
		}
	}
	return fmt.Errorf("%w: the signer's key", ErrAlgorithm)
}

func find(all []Attribute, kind asn1.ObjectIdentifier) []byte {
	for _, a := range all {
		if a.Type.Equal(kind) {
			return a.Value
		}
	}
	return nil
}

// boundTo sees that the first certificate of a signing-certificate-v2 attribute is this one (RFC 5035 §5).
func boundTo(value []byte, cert *x509.Certificate) error {
	input := cryptobyte.String(value)
	var all, certs, first, hash cryptobyte.String
	if !input.ReadASN1(&all, cbasn1.SEQUENCE) || !input.Empty() || !all.ReadASN1(&certs, cbasn1.SEQUENCE) ||
		!certs.ReadASN1(&first, cbasn1.SEQUENCE) {
		return fmt.Errorf("%w: no signing-certificate-v2", ErrSigningCertificate)
	}
	by := crypto.SHA256
	if first.PeekASN1Tag(cbasn1.SEQUENCE) {
		var ok bool
		if by, ok = readHash(&first); !ok {
			return fmt.Errorf("%w: by an unknown digest", ErrSigningCertificate)
		}
	}
	if !first.ReadASN1(&hash, cbasn1.OCTET_STRING) {
		return fmt.Errorf("%w: no digest", ErrSigningCertificate)
	}
	h := by.New()
	h.Write(cert.Raw)
	if !bytes.Equal(hash, h.Sum(nil)) {
		return fmt.Errorf("%w: another certificate", ErrSigningCertificate)
	}
	return nil
}

// TypeTimestamp is the type of the unsigned attribute that holds a timestamp over the signature (RFC 3161 appendix A).
func TypeTimestamp() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14}
}
