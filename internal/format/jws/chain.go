package jws

import (
	"crypto/x509"
	"time"
)

// Trusted checks that a chain from a header leads to one of the roots at the given time, and returns the signer's
// certificate. The root itself need not stand in the chain. Purposes of certificates are judged by the caller, who knows
// what was signed. It fails with BadChain.
func Trusted(chain []*x509.Certificate, roots *x509.CertPool, at time.Time) (*x509.Certificate, error) {
	if len(chain) == 0 || roots == nil {
		return nil, refuse(BadChain, "there is no chain or nothing to trust")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, refuse(BadChain, "the certificates in the header do not lead to a trusted one")
	}
	if chain[0].KeyUsage != 0 && chain[0].KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, refuse(BadChain, "the signer's certificate is not for signatures")
	}
	return chain[0], nil
}
