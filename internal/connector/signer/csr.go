package signer

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"

	"akashi/internal/fault"
)

// requester signs a request with a key, wherever its private half is (crypto.Signer).
type requester struct {
	s   *Signer
	key pair
}

func (r requester) Public() crypto.PublicKey { return r.key.Public }

func (r requester) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	raw, err := r.s.signDigest(context.Background(), r.key, digest)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
}

// CSR asks an authority for the certificate of a key, as PKCS #10 in PEM (RFC 2986), in the name of the registrar. What the
// authority answers is put beside the key by Install.
func (s *Signer) CSR(kid, organization string) ([]byte, error) {
	key, err := s.find(kid)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{Country: []string{"JP"}, Organization: []string{organization}, CommonName: key.KID}}, requester{s, key})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "asking for a certificate of "+kid)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
