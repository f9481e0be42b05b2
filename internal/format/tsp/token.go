package tsp

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"

	"akashi/internal/format/cms"
)

// Token is a timestamp token as it was read.
type Token struct {
	Info   Info
	Raw    []byte
	signed *cms.Attributed
}

// ParseToken reads a token. It checks no signature.
func ParseToken(der []byte) (*Token, error) {
	a, err := cms.ParseAttributed(der)
	if err != nil {
		return nil, fmt.Errorf("reading a timestamp: %w", err)
	}
	if !a.ContentType.Equal(typeInfo()) || a.Content == nil {
		return nil, fmt.Errorf("reading a timestamp: %w: another content", ErrForm)
	}
	t := &Token{Raw: der, signed: a}
	if t.Info, err = parseInfo(a.Content); err != nil {
		return nil, fmt.Errorf("reading a timestamp: %w", err)
	}
	return t, nil
}

// Certificates returns what the token carries of its signer's chain.
func (t *Token) Certificates() ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, der := range t.signed.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("reading a timestamp's certificates: %w: %w", ErrCertificate, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// Trust says whose timestamps are believed.
type Trust struct {
	Anchors []*x509.Certificate
	More    []*x509.Certificate // of authorities between an anchor and a signer, beside those in the token
	At      time.Time           // when the certificates must be valid; zero: at the token's own time
}

// Verify sees that the token is over this digest, signed by a certificate for timestamping, and that it descends from an
// anchor. It returns the chain, the signer first. Revocation is the caller's to ask.
func (t *Token) Verify(imprint []byte, trust Trust) ([]*x509.Certificate, error) {
	if t.Info.Hash != crypto.SHA256 && t.Info.Hash != crypto.SHA384 && t.Info.Hash != crypto.SHA512 || !bytes.Equal(t.Info.Imprint, imprint) {
		return nil, fmt.Errorf("verifying a timestamp: %w", ErrImprint)
	}
	cert, err := t.signed.SignerCertificate(trust.More...)
	if err != nil {
		return nil, fmt.Errorf("verifying a timestamp: %w", err)
	}
	h := t.signed.Hash.New()
	h.Write(t.signed.Content)
	if err := t.signed.Verify(h.Sum(nil), cert); err != nil {
		return nil, fmt.Errorf("verifying a timestamp: %w", err)
	}
	if err := checkPurpose(cert); err != nil {
		return nil, fmt.Errorf("verifying a timestamp: %w", err)
	}
	chain, err := t.chain(cert, trust)
	if err != nil {
		return nil, fmt.Errorf("verifying a timestamp: %w: %w", ErrCertificate, err)
	}
	return chain, nil
}

// checkPurpose sees the one extended key usage, critical (RFC 3161 §2.3).
func checkPurpose(cert *x509.Certificate) error {
	critical := false
	for _, e := range cert.Extensions {
		critical = critical || isUsage(e) && e.Critical
	}
	if !critical || len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(cert.UnknownExtKeyUsage) > 0 {
		return fmt.Errorf("%w: not for timestamping alone", ErrCertificate)
	}
	if cert.KeyUsage != 0 && cert.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return fmt.Errorf("%w: not for signing", ErrCertificate)
	}
	return nil
}

func isUsage(e pkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37}) }

func (t *Token) chain(cert *x509.Certificate, trust Trust) ([]*x509.Certificate, error) {
	inside, err := t.Certificates()
	if err != nil {
		return nil, err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range trust.Anchors {
		roots.AddCert(c)
	}
	for _, c := range append(inside, trust.More...) {
		between.AddCert(c)
	}
	at := trust.At
	if at.IsZero() {
		at = t.Info.Time
	}
	chains, err := cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return nil, err
	}
	return chains[0], nil
}

// Issue makes a token, on the authority's side: the holder of the first certificate signs with key, an ECDSA key on P-256.
// The certificates go into the token when they were asked for.
func Issue(i Info, chain []*x509.Certificate, certs bool, key crypto.Signer) ([]byte, error) {
	content, err := i.marshal()
	if err != nil {
		return nil, fmt.Errorf("making a timestamp: %w", err)
	}
	digest := sha256.Sum256(content)
	signed, err := cms.ToSign(typeInfo(), digest[:], chain[0].Raw)
	if err != nil {
		return nil, fmt.Errorf("making a timestamp: %w", err)
	}
	digest = sha256.Sum256(signed)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("making a timestamp: %w", err)
	}
	a, err := cms.NewAttributed(typeInfo(), content, signed, signature, chain)
	if err != nil {
		return nil, fmt.Errorf("making a timestamp: %w", err)
	}
	if !certs {
		a.Certificates = nil
	}
	return a.Encode()
}
