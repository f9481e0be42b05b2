package ca

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"akashi/internal/format/jpki"
)

// extensionValue is an extension of a certificate or a list.
type extensionValue = pkix.Extension

// attributeType is the last arc of an attribute below 2.5.4 (X.520).
type attributeType int

const (
	commonName         attributeType = 3
	country            attributeType = 6
	locality           attributeType = 7
	organization       attributeType = 10
	organizationalUnit attributeType = 11
)

// attribute is one relative distinguished name.
type attribute struct {
	kind  attributeType
	value string
}

// marshalName writes a distinguished name with one attribute per relative name, as the real authority does.
func marshalName(attributes ...attribute) ([]byte, error) {
	var rdns pkix.RDNSequence
	for _, a := range attributes {
		rdns = append(rdns, pkix.RelativeDistinguishedNameSET{{
			Type: asn1.ObjectIdentifier{2, 5, 4, int(a.kind)}, Value: a.value,
		}})
	}
	return asn1.Marshal(rdns)
}

// OtherNames writes a subjectAltName of otherNames (RFC 5280 §4.2.1.6).
func OtherNames(all []Particular) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, p := range all {
			b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 392, 200149, 8, 5, 5, p.Number})
				b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.Text)) })
				})
			})
		}
	})
	return b.Bytes()
}

func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// keyUsage writes keyUsage (RFC 5280 §4.2.1.3): bit 0 is the most significant of the first byte.
func keyUsage(usage x509.KeyUsage, critical bool) (pkix.Extension, error) {
	var b byte
	length := 0
	for i := range 8 {
		if usage&(1<<i) != 0 {
			b |= 0x80 >> i
			length = i + 1
		}
	}
	value, err := asn1.Marshal(asn1.BitString{Bytes: []byte{b}, BitLength: length})
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: critical, Value: value}, err
}

// policies writes certificatePolicies with one policy, critical as in real certificates.
func policies(policy string) (pkix.Extension, error) {
	oid, err := x509.ParseOID(policy)
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("policy %q: %w", policy, err)
	}
	raw, err := oid.MarshalBinary()
	if err != nil {
		return pkix.Extension{}, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(raw) })
		})
	})
	value, err := b.Bytes()
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Critical: true, Value: value}, err
}

// issuerAltName writes the authority's Japanese name as a directory name.
func issuerAltName() (pkix.Extension, error) {
	name, err := marshalName(attribute{country, "JP"}, attribute{organization, "公的個人認証サービス（模擬）"})
	if err != nil {
		return pkix.Extension{}, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(contextTag(4), func(b *cryptobyte.Builder) { b.AddBytes(name) })
	})
	value, err := b.Bytes()
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 18}, Value: value}, err
}

// addPointName writes distributionPoint [0] { fullName [0] { directoryName [4] } }.
func addPointName(b *cryptobyte.Builder, name []byte) {
	b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(contextTag(4), func(b *cryptobyte.Builder) { b.AddBytes(name) })
		})
	})
}

// crlPoints writes cRLDistributionPoints with one directory name (RFC 5280 §4.2.1.13).
func crlPoints(name []byte) pkix.Extension {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addPointName(b, name) })
	})
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 31}, Value: b.BytesOrPanic()}
}

// issuingPoint writes issuingDistributionPoint, critical (RFC 5280 §5.2.5).
func issuingPoint(name []byte) pkix.Extension {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addPointName(b, name) })
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: b.BytesOrPanic()}
}

// pointOf reads the directory name of the revocation list out of a certificate issued here.
func pointOf(cert *x509.Certificate) ([]byte, error) {
	for _, e := range cert.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 31}) {
			continue
		}
		value := cryptobyte.String(e.Value)
		for _, tag := range []cbasn1.Tag{cbasn1.SEQUENCE, cbasn1.SEQUENCE, contextTag(0), contextTag(0), contextTag(4)} {
			if !value.ReadASN1(&value, tag) {
				return nil, errors.New("the certificate's revocation list has no directory name")
			}
		}
		return bytes.Clone(value), nil
	}
	return nil, errors.New("the certificate names no revocation list")
}

// PointOf returns the point whose list covers a certificate issued here.
func PointOf(certDER []byte) (jpki.Point, error) {
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return jpki.Point{}, err
	}
	raw, err := pointOf(cert)
	if err != nil {
		return jpki.Point{}, err
	}
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		return jpki.Point{}, err
	}
	return jpki.Point{Raw: raw, Name: rdns.String()}, nil
}

// encodePair writes a certificate and its key as PEM.
func encodePair(cert *x509.Certificate, key *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...), nil
}

// decodePair reads what encodePair wrote.
func decodePair(text []byte) (*x509.Certificate, *rsa.PrivateKey, error) {
	first, rest := pem.Decode(text)
	second, _ := pem.Decode(rest)
	if first == nil || second == nil {
		return nil, nil, errors.New("not a certificate and a key in PEM")
	}
	cert, err := x509.ParseCertificate(first.Bytes)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(second.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, isRSA := parsed.(*rsa.PrivateKey)
	if !isRSA || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("the key is not the certificate's")
	}
	return cert, key, nil
}
