package pades

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"akashi/internal/format/tsp"
)

// Trust says whom to believe, and at what time the question is asked.
type Trust struct {
	Documents  []*x509.Certificate // anchors of those who sign documents
	Timestamps []*x509.Certificate // anchors of timestamp authorities
	// Purpose refuses a signer whose certificate is for something else; nil: any certificate that may sign.
	Purpose func(*x509.Certificate) error
	Now     time.Time
	// Known is when the signature existed by a record of the caller's own; the document's timestamps are then not asked. Zero:
	// there is no such record.
	Known time.Time
	// Lists are revocation lists (DER) had from elsewhere, beside those in the document.
	Lists [][]byte
	// Revocation demands that the evidence says of the signer's certificate that it was not revoked. Without it, only a
	// certificate that the evidence says was revoked is refused.
	Revocation bool
}

// Report is what a verification found.
type Report struct {
	Chain     []*x509.Certificate // of the signer
	ProvedAt  time.Time           // when the signature existed at the latest, by a timestamp; zero: nothing proves it
	Confirmed bool                // the evidence says that the signer's certificate was not revoked
	// Ends is when the certificate of the newest timestamp ends: before that the next Stamp is due. Zero without any.
	Ends time.Time
}

// Verify judges the certificates: each at the time that the next younger timestamp proves, the youngest at the present
// (ETSI EN 319 102-1 §5.6). So a signature stays good when its certificate has ended since, or was revoked later.
func (s *Signed) Verify(t Trust) (Report, error) {
	e, err := s.evidence(t)
	if err != nil {
		return Report{}, err
	}
	at, report := t.Now, Report{}
	if !t.Known.IsZero() {
		return e.judge(s, t, t.Known, report)
	}
	stamps, sums := slices.Clone(s.Timestamps), slices.Clone(s.sums)
	if s.Token != nil {
		stamps, sums = append([]*tsp.Token{s.Token}, stamps...), append([][]byte{s.imprint}, sums...)
	}
	for i := len(stamps) - 1; i >= 0; i-- {
		chain, err := e.stamp(stamps[i], sums[i], t, at)
		if err != nil {
			return Report{}, err
		}
		if report.Ends.IsZero() {
			report.Ends = chain[0].NotAfter
		}
		at, report.ProvedAt = stamps[i].Info.Time, stamps[i].Info.Time
	}
	return e.judge(s, t, at, report)
}

// judge judges the signer at the time that is proved.
func (e *evidence) judge(s *Signed, t Trust, at time.Time, report Report) (_ Report, err error) {
	if report.Chain, err = e.signer(s, t, at); err != nil {
		return Report{}, err
	}
	if report.Confirmed, err = e.notRevoked(report.Chain, at, false); err != nil {
		return Report{}, err
	}
	if t.Revocation && !report.Confirmed {
		return Report{}, refuse(NoRevocationData, "")
	}
	return report, nil
}

// evidence is the document's own, parsed, with what the caller has beside it.
type evidence struct {
	certificates []*x509.Certificate
	lists        []*x509.RevocationList
	responses    [][]byte
}

func (s *Signed) evidence(t Trust) (*evidence, error) {
	e := &evidence{certificates: slices.Clone(s.Certificates), responses: s.Evidence.Responses}
	for _, der := range s.Evidence.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refuseFor(BadRevocationData, "certificate", err)
		}
		e.certificates = append(e.certificates, c)
	}
	for _, der := range slices.Concat(s.Evidence.Lists, t.Lists) {
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, refuseFor(BadRevocationData, "revocation list", err)
		}
		e.lists = append(e.lists, l)
	}
	return e, nil
}

// stamp judges one timestamp at the time that is proved by what came after it.
func (e *evidence) stamp(token *tsp.Token, sum []byte, t Trust, at time.Time) ([]*x509.Certificate, error) {
	if token.Info.Time.After(at) {
		return nil, refuse(BadTimestamp, "from a time after the one that is proved")
	}
	chain, err := token.Verify(sum, tsp.Trust{Anchors: t.Timestamps, More: e.certificates, At: at})
	if err != nil {
		return nil, refuseFor(BadTimestamp, "", err)
	}
	if _, err := e.notRevoked(chain, at, true); err != nil {
		return nil, refuseFor(BadTimestamp, "", err)
	}
	return chain, nil
}

// signer judges the signer's certificate but for revocation.
func (e *evidence) signer(s *Signed, t Trust, at time.Time) ([]*x509.Certificate, error) {
	c := s.Signer
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return nil, refuse(ExpiredCertificate, fmt.Sprintf("valid %s to %s", c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339)))
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, a := range t.Documents {
		roots.AddCert(a)
	}
	for _, one := range e.certificates {
		between.AddCert(one)
	}
	chains, err := c.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, refuseFor(UntrustedCertificate, "", err)
	}
	if c.IsCA || c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return nil, refuse(WrongPurpose, "key usage")
	}
	if t.Purpose != nil {
		if err := t.Purpose(c); err != nil {
			return nil, refuseFor(WrongPurpose, "", err)
		}
	}
	return chains[0], nil
}

// notRevoked asks all lists and responses about every certificate of a chain but its anchor. confirmed: each is covered by
// one that was fresh at that time or made later.
func (e *evidence) notRevoked(chain []*x509.Certificate, at time.Time, stamps bool) (confirmed bool, err error) {
	confirmed = true
	for i := 0; i+1 < len(chain); i++ {
		byList, err := e.askLists(chain[i], chain[i+1], at, stamps)
		if err != nil {
			return false, err
		}
		byResponse, err := e.askResponses(chain[i], chain[i+1], at)
		if err != nil {
			return false, err
		}
		confirmed = confirmed && (byList || byResponse)
	}
	return confirmed, nil
}

// askLists asks the issuer's lists about a certificate.
func (e *evidence) askLists(c, issuer *x509.Certificate, at time.Time, stamps bool) (covered bool, err error) {
	for _, l := range e.lists {
		if !bytes.Equal(l.RawIssuer, issuer.RawSubject) {
			continue
		}
		if err := l.CheckSignatureFrom(issuer); err != nil {
			return false, refuseFor(BadRevocationData, "forged revocation list", err)
		}
		for _, x := range l.Extensions {
			if x.Critical { // a list of some certificates only, or the difference to another list
				return false, refuse(BadRevocationData, "revocation list of limited scope")
			}
		}
		for _, r := range l.RevokedCertificateEntries {
			if r.SerialNumber.Cmp(c.SerialNumber) == 0 && (!r.RevocationTime.After(at) || stamps && spoils(r.ReasonCode)) {
				return false, refuse(RevokedCertificate, "since "+r.RevocationTime.Format(time.RFC3339))
			}
		}
		covered = covered || !l.NextUpdate.Before(at)
	}
	return covered, nil
}

// spoils tells whether a revocation for this reason takes the belief from timestamps made before it, too: all but those
// of RFC 3161 §4 (1). A list does not tell a missing reason from "unspecified"; both are taken for the worse.
func spoils(reason int) bool { return reason != 3 && reason != 4 && reason != 5 }

// mayRespond tells whether a response is by the issuer or by whom it made a responder (RFC 6960 §4.2.2.2). The library has
// checked the signatures, not what the responder's certificate is for.
func mayRespond(r *ocsp.Response, issuer *x509.Certificate) bool {
	return r.Certificate == nil || r.Certificate.Equal(issuer) || slices.Contains(r.Certificate.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning)
}

// askResponses asks the OCSP responses about a certificate. One about another certificate says nothing.
func (e *evidence) askResponses(c, issuer *x509.Certificate, at time.Time) (covered bool, err error) {
	for _, der := range e.responses {
		r, err := ocsp.ParseResponseForCert(der, c, issuer)
		if err != nil || !mayRespond(r, issuer) {
			continue
		}
		if r.Status == ocsp.Revoked && !r.RevokedAt.After(at) {
			return false, refuse(RevokedCertificate, "since "+r.RevokedAt.Format(time.RFC3339))
		}
		covered = covered || r.Status == ocsp.Good && !r.NextUpdate.Before(at)
	}
	return covered, nil
}

// Holds tells how long the document's newest timestamp can be believed: until its certificate ends. The zero time: it has
// none. It fails when the timestamp cannot be believed any more.
func (s *Signed) Holds(anchors []*x509.Certificate, now time.Time) (time.Time, error) {
	newest := s.Newest()
	if newest == nil {
		return time.Time{}, nil
	}
	e, err := s.evidence(Trust{})
	if err != nil {
		return time.Time{}, err
	}
	sum := s.imprint
	if n := len(s.sums); n > 0 {
		sum = s.sums[n-1]
	}
	chain, err := e.stamp(newest, sum, Trust{Timestamps: anchors}, now)
	if err != nil {
		return time.Time{}, err
	}
	return chain[0].NotAfter, nil
}
