package mdoc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"
)

// SignerUsage is the extended key usage of document signers (ISO/IEC 18013-5 Annex B.1.4: id-mdl-kp-mdlDS). The standard
// defines none for documents other than driving licences, and readers of other documents look for this one.
var SignerUsage = asn1.ObjectIdentifier{1, 0, 18013, 5, 1, 2}

// maxSignerDays is how long a document signer's certificate may be valid (Annex B.1.4).
const maxSignerDays = 457

// CheckChain checks the certificates that came with a document at a time against trusted authorities (IACA) and the profile
// of Annex B: the signer's certificate and each above it up to, and not including, the authority's own. It returns the
// authority. NoCertificate, BadCertificate or UntrustedCertificate.
func CheckChain(chain [][]byte, authorities []*x509.Certificate, at time.Time) (*x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, refuse(NoCertificate, "checking a document without certificates")
	}
	var certs []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refuse(BadCertificate, "reading a certificate: %v", err)
		}
		certs = append(certs, c)
	}
	if err := CheckSigner(certs[0]); err != nil {
		return nil, err
	}
	return anchor(certs, authorities, at)
}

// anchor finds the trusted authority over a chain.
func anchor(certs, authorities []*x509.Certificate, at time.Time) (*x509.Certificate, error) {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, a := range authorities {
		if CheckAuthority(a) == nil {
			roots.AddCert(a)
		}
	}
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	// Go knows this usage as none of its own, and leaves it among the unhandled critical extensions only when it cannot read
	// the extension, which it can.
	found, err := certs[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, refuse(UntrustedCertificate, "looking for a trusted authority: %v", err)
	}
	for _, path := range found {
		if root := path[len(path)-1]; slices.Equal(root.Subject.Country, certs[0].Subject.Country) {
			return root, nil
		}
	}
	return nil, refuse(BadCertificate, "comparing the country of a document signer with its authority's")
}

// CheckSigner checks the profile of a document signer's certificate (Annex B.1.4): a key on P-256 for signatures alone, the
// usage of document signers marked critical, a country and a name, at most 457 days, and no authority.
func CheckSigner(c *x509.Certificate) error {
	key, ec := c.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ec || key.Curve != elliptic.P256():
		return refuse(BadCertificate, "checking a document signer whose key is not on P-256")
	case c.IsCA:
		return refuse(BadCertificate, "checking a document signer that is an authority")
	case c.KeyUsage != x509.KeyUsageDigitalSignature:
		return refuse(BadCertificate, "checking a document signer whose key is for other things than signatures")
	case len(c.ExtKeyUsage) > 0 || len(c.UnknownExtKeyUsage) != 1 || !c.UnknownExtKeyUsage[0].Equal(SignerUsage) || !critical(c, usageExtension):
		return refuse(BadCertificate, "checking a document signer without its critical usage alone")
	case len(c.Subject.Country) != 1 || c.Subject.CommonName == "":
		return refuse(BadCertificate, "checking a document signer without a country or a name")
	case c.NotAfter.Sub(c.NotBefore) > maxSignerDays*24*time.Hour:
		return refuse(BadCertificate, "checking a document signer that is valid for too long")
	case len(c.AuthorityKeyId) == 0:
		return refuse(BadCertificate, "checking a document signer that does not name its authority's key")
	}
	return nil
}

var usageExtension = asn1.ObjectIdentifier{2, 5, 29, 37}

func critical(c *x509.Certificate, id asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) && e.Critical })
}

// CheckAuthority checks the profile of an issuing authority's certificate (Annex B.1.2): self-issued, for certificates and
// revocation lists alone, no authority below it, a country and a name.
func CheckAuthority(c *x509.Certificate) error {
	switch {
	case !c.BasicConstraintsValid || !c.IsCA || c.MaxPathLen != 0 || !c.MaxPathLenZero:
		return refuse(BadCertificate, "checking an authority that may have others below it, or is none")
	case c.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign:
		return refuse(BadCertificate, "checking an authority whose key is for other things than certificates and lists")
	case len(c.Subject.Country) != 1 || c.Subject.CommonName == "":
		return refuse(BadCertificate, "checking an authority without a country or a name")
	case c.CheckSignatureFrom(c) != nil:
		return refuse(BadCertificate, "checking an authority that has not signed itself")
	}
	return nil
}
