package jpki

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"time"
)

// Verifier decides whether a signature made with the national ID card may be relied on.
type Verifier struct {
	// Anchors are the self-signed certificates of the certification authority for signing that the operator trusts.
	// Several generations may bear the same name; the certificate's authority key identifier tells them apart.
	Anchors []*x509.Certificate
	// CRLs returns the newest revocation list (DER) that the issuer publishes for a point.
	CRLs func(ctx context.Context, p Point) ([]byte, error)
	// Now tells the present, against which the freshness of a list is judged.
	Now func() time.Time
}

// Verify checks that signature is one over content (RSASSA-PKCS1-v1_5, SHA-256) by the holder of the certificate, made
// at the moment at (a time we trust: when the signature arrived), and returns who signed.
//
// The certificate must descend directly from an anchor valid at that moment, be valid and unrevoked then, and be of the
// profile for signing. A refusal is a *fault.Error around a *Refusal, whose Reason tells which check failed. The list is
// asked for last, so that a bad signature costs no visit to its server. Lists do not name expired certificates for long:
// to verify again years later, keep the list that was used and answer CRLs and Now from that time.
func (v *Verifier) Verify(ctx context.Context, content, signature, certDER []byte, at time.Time) (Signer, error) {
	s, err := v.verify(ctx, content, signature, certDER, at)
	if err != nil {
		return Signer{}, classified(err)
	}
	return s, nil
}

func (v *Verifier) verify(ctx context.Context, content, signature, certDER []byte, at time.Time) (Signer, error) {
	cert, err := parseCertificate(certDER)
	if err != nil {
		return Signer{}, err
	}
	if err := checkProfile(cert); err != nil {
		return Signer{}, err
	}
	anchor, err := v.issuer(cert, at)
	if err != nil {
		return Signer{}, err
	}
	switch {
	case at.Before(cert.NotBefore):
		return Signer{}, refuse(NotYetValid, "from "+cert.NotBefore.Format(time.RFC3339))
	case at.After(cert.NotAfter):
		return Signer{}, refuse(Expired, "until "+cert.NotAfter.Format(time.RFC3339))
	}
	signer, err := readSigner(cert)
	if err != nil {
		return Signer{}, err
	}
	if err := checkSignature(cert, content, signature); err != nil {
		return Signer{}, err
	}
	return signer, v.checkRevocation(ctx, cert, anchor, at)
}

// issuer returns the anchor whose key signed the certificate.
func (v *Verifier) issuer(cert *x509.Certificate, at time.Time) (*x509.Certificate, error) {
	err := refuse(UnknownIssuer, cert.Issuer.String())
	for _, anchor := range v.Anchors {
		if !bytes.Equal(anchor.RawSubject, cert.RawIssuer) {
			continue
		}
		if a, b := cert.AuthorityKeyId, anchor.SubjectKeyId; len(a) > 0 && len(b) > 0 && !bytes.Equal(a, b) {
			continue
		}
		if err = checkIssuer(cert, anchor, at); err == nil {
			return anchor, nil
		}
	}
	return nil, err
}

// checkIssuer sees that anchor could issue certificates at that moment, and issued this one.
func checkIssuer(cert, anchor *x509.Certificate, at time.Time) error {
	if !anchor.BasicConstraintsValid || !anchor.IsCA || anchor.KeyUsage&x509.KeyUsageCertSign == 0 {
		return refuse(AnchorNotCA, anchor.Subject.String())
	}
	if at.Before(anchor.NotBefore) || at.After(anchor.NotAfter) {
		return refuse(AnchorNotValid, "until "+anchor.NotAfter.Format(time.RFC3339))
	}
	if err := cert.CheckSignatureFrom(anchor); err != nil {
		return refuseFor(ForgedCertificate, "", err)
	}
	return nil
}

// checkSignature checks the signature over content (RFC 8017 §8.2.2).
func checkSignature(cert *x509.Certificate, content, signature []byte) error {
	key, isRSA := cert.PublicKey.(*rsa.PublicKey)
	if !isRSA {
		return refuse(WrongAlgorithm, cert.PublicKeyAlgorithm.String())
	}
	digest := sha256.Sum256(content)
	err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
	if err == nil {
		return nil
	}
	if rsa.VerifyPKCS1v15(key, 0, digest[:], signature) == nil {
		return refuse(BareDigest, "the digest was signed without its algorithm")
	}
	return refuseFor(BadSignature, "", err)
}
