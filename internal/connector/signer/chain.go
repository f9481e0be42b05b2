package signer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"akashi/internal/fault"
)

// maxChain bounds a file of certificates, in bytes and in certificates.
const (
	maxChainBytes = 64 << 10
	maxChain      = 5
)

// readChain reads the certificates of a key. No file means that it has none.
func readChain(path string, public *ecdsa.PublicKey) ([]*x509.Certificate, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading a file of certificates")
	}
	chain, err := ParseChain(raw)
	if err != nil {
		return nil, err
	}
	return chain, checkChain(chain, public)
}

// ParseChain reads certificates in PEM, one after the other. It fails with fault.Invalid.
func ParseChain(raw []byte) ([]*x509.Certificate, error) {
	if len(raw) > maxChainBytes {
		return nil, fault.New(fault.Invalid, "", fmt.Sprintf("reading certificates: %d bytes", len(raw)))
	}
	var chain []*x509.Certificate
	for len(bytes.TrimSpace(raw)) > 0 {
		block, rest := pem.Decode(raw)
		if block == nil || block.Type != "CERTIFICATE" || len(chain) == maxChain {
			return nil, fault.New(fault.Invalid, "", "reading certificates: not one to five certificates in PEM")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading a certificate")
		}
		chain, raw = append(chain, cert), rest
	}
	if len(chain) == 0 {
		return nil, fault.New(fault.Invalid, "", "reading certificates: there is none")
	}
	return chain, nil
}

// checkChain sees that the first certificate is the key's, and each one is signed by the next (RFC 5280 §6.1, the
// signatures and names; whether they are trusted is for whoever verifies).
func checkChain(chain []*x509.Certificate, public *ecdsa.PublicKey) error {
	if !public.Equal(chain[0].PublicKey) {
		return fault.New(fault.Invalid, "", "the first certificate is of another key")
	}
	for i, cert := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(cert); err != nil {
			return fault.Wrap(fault.Invalid, err, fmt.Sprintf("certificate %d is not signed by the next", i+1))
		}
	}
	return nil
}

func encodeChain(chain []*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, cert := range chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	return out.Bytes()
}

// Install puts certificates beside a key, in place of those it had. The first must be the key's own, each be signed by the
// next, and the first not have ended. It fails with fault.NotFound for an unknown key, with fault.Invalid otherwise.
func (s *Signer) Install(kid string, chain []*x509.Certificate) error {
	key, err := s.find(kid)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		return fault.New(fault.Invalid, "", "installing no certificate")
	}
	if err := checkChain(chain, key.Public); err != nil {
		return err
	}
	if !chain[0].NotAfter.After(s.clock.Now()) {
		return fault.New(fault.Invalid, "", "installing a certificate that has ended")
	}
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := place(s.dir, key.name()+chainSuffix, encodeChain(chain), os.Rename); err != nil {
		return err
	}
	return s.reload()
}
