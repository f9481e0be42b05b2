package timestamp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// rootFile keeps the authority's key and certificate.
const rootFile = "timestamp-ca.pem"

// openRoot reads the authority from its file, or makes one and writes the file.
func (s *Server) openRoot() error {
	path := filepath.Join(s.config.Dir, rootFile)
	if s.config.Dir != "" {
		text, err := os.ReadFile(path)
		if err == nil {
			s.root, err = decodePair(text)
			return err
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := s.createRoot(s.config.Clock.Now()); err != nil || s.config.Dir == "" {
		return err
	}
	text, err := encodePair(s.root)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// createRoot makes a self-signed certificate for thirty years, begun three years ago so that a demonstration may be set back.
func (s *Server) createRoot(now time.Time) (err error) {
	if s.root.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Timestamp CA (simulation)", Country: []string{"JP"}},
		NotBefore: now.AddDate(-3, 0, 0), NotAfter: now.AddDate(27, 0, 0), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true}
	s.root.cert, err = signed(t, t, &s.root.key.PublicKey, s.root.key)
	return err
}

// certify makes a certificate for timestamping alone: extended key usage, critical (RFC 3161 §2.3).
func (s *Server) certify(now time.Time) (p pair, err error) {
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return pair{}, err
	}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}) // id-kp-timeStamping
	if err != nil {
		return pair{}, err
	}
	serial, err := randomSerial()
	if err != nil {
		return pair{}, err
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "Timestamp unit (simulation)", Country: []string{"JP"}},
		NotBefore: now.Add(-time.Hour), NotAfter: earlier(now.Add(s.config.Life), s.root.cert.NotAfter), KeyUsage: x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true, CRLDistributionPoints: []string{s.config.BaseURL + ListPath},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}}
	p.cert, err = signed(t, s.root.cert, &p.key.PublicKey, s.root.key)
	return p, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func signed(t, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func encodePair(p pair) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...), nil
}

func decodePair(text []byte) (p pair, err error) {
	first, rest := pem.Decode(text)
	second, _ := pem.Decode(rest)
	if first == nil || second == nil {
		return p, fmt.Errorf("the file of the timestamp authority is damaged")
	}
	if p.cert, err = x509.ParseCertificate(first.Bytes); err != nil {
		return p, err
	}
	key, err := x509.ParsePKCS8PrivateKey(second.Bytes)
	if err != nil {
		return p, err
	}
	var ok bool
	if p.key, ok = key.(*ecdsa.PrivateKey); !ok {
		return p, fmt.Errorf("the file of the timestamp authority has another key")
	}
	return p, nil
}
