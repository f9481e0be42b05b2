package jpki

import (
	"bytes"
	"context"
	"crypto/x509"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// clockSkew is how far the issuer's clock may be ahead of ours.
const clockSkew = time.Minute

// checkRevocation gets the list that covers cert and sees that cert was not on it at the moment of signing.
func (v *Verifier) checkRevocation(ctx context.Context, cert, anchor *x509.Certificate, at time.Time) error {
	point, err := crlPoint(cert)
	if err != nil {
		return err
	}
	der, err := v.CRLs(ctx, point)
	if err != nil {
		return refuseFor(CRLUnavailable, point.Name, err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return refuseFor(CRLMalformed, point.Name, err)
	}
	if err := checkList(list, anchor, point); err != nil {
		return err
	}
	if now := v.Now(); now.Add(clockSkew).Before(list.ThisUpdate) || list.NextUpdate.IsZero() || now.After(list.NextUpdate) {
		return refuse(CRLStale, list.ThisUpdate.Format(time.RFC3339)+" to "+list.NextUpdate.Format(time.RFC3339))
	}
	for _, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 && !entry.RevocationTime.After(at) {
			return refuse(Revoked, "since "+entry.RevocationTime.Format(time.RFC3339))
		}
	}
	return nil
}

// checkList sees that the list is a complete one of this issuer for this point (RFC 5280 §6.3.3).
func checkList(list *x509.RevocationList, anchor *x509.Certificate, point Point) error {
	if list.SignatureAlgorithm != requiredSignature || !bytes.Equal(list.RawIssuer, anchor.RawSubject) {
		return refuse(CRLForged, "another issuer or algorithm")
	}
	if err := list.CheckSignatureFrom(anchor); err != nil {
		return refuseFor(CRLForged, "", err)
	}
	for _, e := range list.Extensions {
		if e.Critical && e.Id.String() != oidIssuingPoint {
			return refuse(CRLMalformed, "critical extension "+e.Id.String())
		}
	}
	issuing, found := extension(list.Extensions, oidIssuingPoint)
	if !found {
		return refuse(CRLOtherPoint, "the list does not say what it covers")
	}
	covered, err := issuingPoint(issuing.Value)
	if err != nil {
		return err
	}
	if !bytes.Equal(covered.Raw, point.Raw) {
		return refuse(CRLOtherPoint, covered.Name)
	}
	return nil
}

// issuingPoint reads issuingDistributionPoint (RFC 5280 §5.2.5): a name, and at most the flag onlyContainsUserCerts. A
// list of other scope (some reasons only, indirect) is not complete for us.
func issuingPoint(value []byte) (Point, error) {
	input := cryptobyte.String(value)
	var point, name cryptobyte.String
	if !input.ReadASN1(&point, cbasn1.SEQUENCE) || !input.Empty() || !point.ReadASN1(&name, contextTag(0)) {
		return Point{}, refuse(CRLMalformed, "issuing point without name")
	}
	var users cryptobyte.String
	var present bool
	onlyUsers := cbasn1.Tag(1).ContextSpecific()
	if !point.ReadOptionalASN1(&users, &present, onlyUsers) || !point.Empty() || present && !bytes.Equal(users, []byte{0xff}) {
		return Point{}, refuse(CRLMalformed, "list of limited scope")
	}
	return pointName(name, CRLMalformed)
}
