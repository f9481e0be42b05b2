// Package cms keeps signatures in the forms that other programs can check, as CMS SignedData (RFC 5652 §5) of one signer.
// There are two forms, and nothing that is one is ever read as the other.
//
// Detached is a signature of the national ID card, without signed attributes. The card signs the digest of the content
// itself. Signed attributes would need another signature, over the attributes, so there are none, and the raw signature
// goes into the structure as it came. Everything variable in the structure is the certificate and the signature, therefore
// Parse accepts exactly what Build writes and nothing else: the same facts never have two encodings.
//
// Attributed is a signature over attributes: those of PDF documents (format/pades) and of timestamps (format/tsp). It is
// bound to its certificate by the attribute signing-certificate-v2 (RFC 5035), and may carry a timestamp outside the
// signature.
//
// Verify proves only that the certificate's key signed the content. Whose certificate it is, and whether it may be relied
// on, format/jpki and format/pades decide.
package cms

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What may be wrong; errors of this package wrap one of them.
var (
	// ErrTooLarge: the structure exceeds MaxSize.
	ErrTooLarge = errors.New("CMS structure too large")
	// ErrForm: not DER, or not the form that Build writes.
	ErrForm = errors.New("not a detached CMS signature of one signer without signed attributes")
	// ErrSigner: the signer's identifier is not the certificate's.
	ErrSigner = errors.New("the signer is not the holder of the certificate")
	// ErrCertificate: the certificate cannot be read or has no RSA key.
	ErrCertificate = errors.New("unusable certificate")
	// ErrContent: content that could be read as signed attributes (a DER SET), where a signature of one form could be
	// passed off as one of the other (RFC 5652 §5.4 and its security considerations).
	ErrContent = errors.New("content could be taken for signed attributes")
	// ErrSignature: the key of the certificate did not sign the content.
	ErrSignature = errors.New("signature does not fit content and certificate")
)

// MaxSize is the largest structure read, in bytes. One with a certificate of the card has about 2,600.
const MaxSize = 64 << 10

// derSet is the first byte of a DER SET, and so of signed attributes as they are signed.
const derSet = 0x31

// Detached is what a structure holds.
type Detached struct {
	Certificate []byte // DER
	Signature   []byte // RSASSA-PKCS1-v1_5 over SHA-256 of the content
	Issuer      []byte // distinguished name of the certificate's issuer, DER
	Serial      *big.Int
}

// oids are the object identifiers of the structure.
type oids struct{ signedData, data, sha256, rsaSHA256 asn1.ObjectIdentifier }

func identifiers() oids {
	return oids{
		signedData: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},     // RFC 5652 §5.1
		data:       asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1},     // RFC 5652 §4
		sha256:     asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, // RFC 5754 §2.2
		rsaSHA256:  asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11},    // RFC 5754 §3.2
	}
}

// Build writes the structure for a raw signature and the certificate of its maker. It does not check the one with the
// other: the content is not at hand. Verify does.
func Build(signature, certDER []byte) ([]byte, error) {
	cert, err := certificate(certDER)
	if err != nil {
		return nil, fmt.Errorf("building CMS: %w", err)
	}
	if key := cert.PublicKey.(*rsa.PublicKey); len(signature) != key.Size() {
		return nil, fmt.Errorf("building CMS: %w: %d bytes for a key of %d", ErrSignature, len(signature), key.Size())
	}
	der, err := encode(Detached{certDER, signature, cert.RawIssuer, cert.SerialNumber})
	if err != nil {
		return nil, fmt.Errorf("building CMS: %w", err)
	}
	if len(der) > MaxSize {
		return nil, fmt.Errorf("building CMS: %w: %d bytes", ErrTooLarge, len(der))
	}
	return der, nil
}

// certificate reads a certificate with an RSA key that fills der exactly.
func certificate(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if _, isRSA := cert.PublicKey.(*rsa.PublicKey); !isRSA || !bytes.Equal(cert.Raw, der) {
		return nil, fmt.Errorf("%w: no RSA key, or bytes after the end", ErrCertificate)
	}
	return cert, nil
}

// Parse reads a structure of the form that Build writes, and sees that it names its certificate's holder as the signer.
func Parse(der []byte) (Detached, error) {
	if len(der) > MaxSize {
		return Detached{}, fmt.Errorf("reading CMS: %w: %d bytes", ErrTooLarge, len(der))
	}
	d, err := decode(der)
	if err != nil {
		return Detached{}, fmt.Errorf("reading CMS: %w", err)
	}
	cert, err := certificate(d.Certificate)
	if err != nil {
		return Detached{}, fmt.Errorf("reading CMS: %w", err)
	}
	if !bytes.Equal(cert.RawIssuer, d.Issuer) || cert.SerialNumber.Cmp(d.Serial) != 0 {
		return Detached{}, fmt.Errorf("reading CMS: %w", ErrSigner)
	}
	again, err := encode(d)
	if err != nil || !bytes.Equal(again, der) {
		return Detached{}, fmt.Errorf("reading CMS: %w: another encoding", ErrForm)
	}
	return d, nil
}

// Verify reads a structure and sees that the key of its certificate signed content.
func Verify(content, der []byte) (Detached, error) {
	if len(content) > 0 && content[0] == derSet {
		return Detached{}, fmt.Errorf("verifying CMS: %w", ErrContent)
	}
	d, err := Parse(der)
	if err != nil {
		return Detached{}, err
	}
	cert, err := certificate(d.Certificate)
	if err != nil {
		return Detached{}, fmt.Errorf("verifying CMS: %w", err)
	}
	digest := sha256.Sum256(content)
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], d.Signature); err != nil {
		return Detached{}, fmt.Errorf("verifying CMS: %w: %w", ErrSignature, err)
	}
	return d, nil
}

// contextTag is the tag [n] of a constructed value.
func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// encode writes ContentInfo with SignedData version 1 (RFC 5652 §5.1: no attribute certificates, data content, signer
// named by issuer and serial number).
func encode(d Detached) ([]byte, error) {
	id := identifiers()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id.signedData)
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addDigest(b, id) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(id.data) })
				b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { b.AddBytes(d.Certificate) })
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addSigner(b, id, d) })
			})
		})
	})
	return b.Bytes()
}

// addDigest writes the identifier of SHA-256, without parameters (RFC 5754 §2).
func addDigest(b *cryptobyte.Builder, id oids) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(id.sha256) })
}

// addSigner writes SignerInfo version 1 (RFC 5652 §5.3).
func addSigner(b *cryptobyte.Builder, id oids, d Detached) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(d.Issuer)
			b.AddASN1BigInt(d.Serial)
		})
		addDigest(b, id)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(id.rsaSHA256)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(d.Signature)
	})
}
