package jpki

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of extensions (RFC 5280 §4.2.1, §5.2).
const (
	oidKeyUsage       = "2.5.29.15"
	oidSAN            = "2.5.29.17"
	oidIssuingPoint   = "2.5.29.28"
	oidCRLPoints      = "2.5.29.31"
	maxCertificate    = 16 << 10 // bytes; real ones have about 1,900
	maxSerialBits     = 160      // RFC 5280 §4.1.2.2
	minKeyBits        = 2048
	requiredExponent  = 65537
	requiredKeyUsage  = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	requiredSignature = x509.SHA256WithRSA
)

// Parse reads a signing certificate and what it says about its holder. It does not ask who issued it: Verifier does.
func Parse(certDER []byte) (Signer, error) {
	cert, err := parseCertificate(certDER)
	if err != nil {
		return Signer{}, classified(err)
	}
	s, err := readSigner(cert)
	return s, classified(err)
}

// parseCertificate reads one certificate that fills der exactly.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	if len(der) > maxCertificate {
		return nil, refuse(MalformedCertificate, fmt.Sprintf("%d bytes", len(der)))
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refuseFor(MalformedCertificate, "", err)
	}
	if !bytes.Equal(cert.Raw, der) {
		return nil, refuse(MalformedCertificate, "bytes after the certificate")
	}
	if cert.Version != 3 || cert.SerialNumber.Sign() <= 0 || cert.SerialNumber.BitLen() > maxSerialBits {
		return nil, refuse(MalformedCertificate, "version or serial number")
	}
	return cert, nil
}

// checkProfile sees that the certificate is one for signing, of the strength the profile has.
func checkProfile(cert *x509.Certificate) error {
	key, isRSA := cert.PublicKey.(*rsa.PublicKey)
	switch {
	case !isRSA || cert.SignatureAlgorithm != requiredSignature:
		return refuse(WrongAlgorithm, fmt.Sprintf("%v key, %v", cert.PublicKeyAlgorithm, cert.SignatureAlgorithm))
	case key.N.BitLen() < minKeyBits || key.E != requiredExponent:
		return refuse(WeakKey, fmt.Sprintf("%d bits, exponent %d", key.N.BitLen(), key.E))
	case len(cert.UnhandledCriticalExtensions) > 0:
		return refuse(UnknownCritical, cert.UnhandledCriticalExtensions[0].String())
	case cert.IsCA:
		return refuse(NotEndEntity, "")
	case !hasPolicy(cert, PolicySigning):
		return refuse(WrongPolicy, fmt.Sprint(cert.Policies))
	}
	usage, found := extension(cert.Extensions, oidKeyUsage)
	if !found || !usage.Critical || cert.KeyUsage != requiredKeyUsage {
		return refuse(WrongKeyUsage, fmt.Sprintf("%09b", cert.KeyUsage))
	}
	return nil
}

func hasPolicy(cert *x509.Certificate, policy string) bool {
	for _, p := range cert.Policies {
		if p.String() == policy {
			return true
		}
	}
	return false
}

func extension(all []pkix.Extension, id string) (pkix.Extension, bool) {
	for _, e := range all {
		if e.Id.String() == id {
			return e, true
		}
	}
	return pkix.Extension{}, false
}

// readSigner reads the particulars and the plain fields.
func readSigner(cert *x509.Certificate) (Signer, error) {
	s := Signer{
		Serial: cert.SerialNumber.Text(16), Issuer: cert.Issuer.String(),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
	}
	san, found := extension(cert.Extensions, oidSAN)
	if !found {
		return Signer{}, refuse(NoParticulars, "no subjectAltName")
	}
	particulars, err := readParticulars(san.Value)
	if err != nil {
		return Signer{}, err
	}
	if err := fillParticulars(&s, particulars); err != nil {
		return Signer{}, err
	}
	return s, nil
}

// Point names the certificate revocation list that covers a certificate: a directory name (the real lists are split by
// municipality).
type Point struct {
	Raw  []byte // the name, DER
	Name string // the name, RFC 2253 form
}

// crlPoint reads the one directory name of cRLDistributionPoints (RFC 5280 §4.2.1.13).
func crlPoint(cert *x509.Certificate) (Point, error) {
	ext, found := extension(cert.Extensions, oidCRLPoints)
	if !found {
		return Point{}, refuse(NoCRLPoint, "")
	}
	input := cryptobyte.String(ext.Value)
	var points, point, name cryptobyte.String
	if !input.ReadASN1(&points, cbasn1.SEQUENCE) || !input.Empty() ||
		!points.ReadASN1(&point, cbasn1.SEQUENCE) || !points.Empty() ||
		!point.ReadASN1(&name, contextTag(0)) || !point.Empty() {
		return Point{}, refuse(NoCRLPoint, "not exactly one point with a name")
	}
	return pointName(name, NoCRLPoint)
}

// pointName reads DistributionPointName: fullName [0] with one directoryName [4].
func pointName(name cryptobyte.String, reason Reason) (Point, error) {
	var full, directory cryptobyte.String
	if !name.ReadASN1(&full, contextTag(0)) || !name.Empty() ||
		!full.ReadASN1(&directory, contextTag(4)) || !full.Empty() {
		return Point{}, refuse(reason, "not exactly one directory name")
	}
	var rdns pkix.RDNSequence
	if rest, err := asn1.Unmarshal(directory, &rdns); err != nil || len(rest) != 0 {
		return Point{}, refuseFor(reason, "directory name", err)
	}
	return Point{Raw: directory, Name: rdns.String()}, nil
}

// contextTag is the tag [n] of a constructed value.
func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
