package signer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 5280 §4.2.1.2 names key identifiers by it; nothing rests on its strength
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
)

// CA is an issuing authority of our own, for development and demonstrations: a key in a file and a certificate that signs
// itself, in a directory beside the signing keys. In production a registrar's certificates come from a real authority (see
// CSR and Install), and this one is not made.
type CA struct {
	Certificate *x509.Certificate
	private     *ecdsa.PrivateKey
	address     string // of its revocation list and its own certificate, "" when there is no place for them
}

// caDirectory is the authority's place within the directory of the keys.
const caDirectory = "ca"

// Terms of certificates. An IACA certificate lasts at most 20 years and a document signer's at most 457 days (ISO/IEC
// 18013-5:2021 Annex B, tables B.1 and B.3); the same serves for the others.
const (
	caYears  = 10
	leafDays = 457
	backdate = time.Hour // for clocks that run behind ours
)

// HasCA tells whether the directory has an authority of our own.
func HasCA(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, caDirectory, "ca"+chainSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, fault.Wrap(fault.Internal, err, "looking for an issuing authority")
}

// InitCA makes the authority, unless there is one: fault.Conflict.
func InitCA(dir, name string, c clock.Clock) (*CA, error) {
	if err := ownDirectory(dir); err != nil {
		return nil, err
	}
	own := filepath.Join(dir, caDirectory)
	if err := ownDirectory(own); err != nil {
		return nil, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if has, err := HasCA(dir); err != nil || has {
		return nil, errors.Join(err, fault.New(fault.Conflict, "", "making an issuing authority: there is one"))
	}
	a, err := NewCA(name, c.Now())
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.private)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding a key")
	}
	// The certificate comes last: with it the authority is there. A key that a crash left alone is replaced.
	if err := place(own, "ca"+suffix, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), os.Rename); err != nil {
		return nil, err
	}
	return a, place(own, "ca"+chainSuffix, encodeChain([]*x509.Certificate{a.Certificate}), os.Link)
}

// NewCA makes an authority that is kept nowhere, for tests.
func NewCA(name string, now time.Time) (*CA, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "generating a key")
	}
	cert, err := selfSigned(private, name, now)
	return &CA{Certificate: cert, private: private}, err
}

// OpenCA opens the authority of the directory: fault.NotFound when there is none. Address is where its revocation list is
// published, without the file's name; it stands in the certificates.
func OpenCA(dir, address string) (*CA, error) {
	has, err := HasCA(dir)
	if err != nil {
		return nil, err
	}
	if !has {
		return nil, fault.New(fault.NotFound, "", "opening an issuing authority")
	}
	own := filepath.Join(dir, caDirectory)
	if err := errors.Join(closedToOthers(own), closedToOthers(filepath.Join(own, "ca"+suffix))); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(own, "ca"+suffix))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the authority's key")
	}
	private, err := parseKey(raw)
	if err != nil {
		return nil, err
	}
	chain, err := readChain(filepath.Join(own, "ca"+chainSuffix), &private.PublicKey)
	if err != nil {
		return nil, err
	}
	return &CA{Certificate: chain[0], private: private, address: address}, nil
}

func selfSigned(private *ecdsa.PrivateKey, name string, now time.Time) (*x509.Certificate, error) {
	id, err := keyID(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Country: []string{"JP"}, CommonName: name}, NotBefore: now.Add(-backdate), NotAfter: now.AddDate(caYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true, SubjectKeyId: id,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making the authority's certificate")
	}
	return x509.ParseCertificate(der)
}

// Extended key usages that crypto/x509 does not name.
var (
	usageDocument = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36} // id-kp-documentSigning (RFC 9336 §3.1)
	usageTrust    = asn1.ObjectIdentifier{0, 4, 0, 2231, 3, 0}        // id-tsl-kp-tslSigning (ETSI TS 119 612 §5.7.1)
	usageMDoc     = asn1.ObjectIdentifier{1, 0, 18013, 5, 1, 2}       // document signer (ISO/IEC 18013-5:2021 Annex B.1.4)
)

// Issue makes the certificate of a key, in the registrar's name, and returns the chain with the authority's behind it.
func (a *CA) Issue(key Key, organization string, now time.Time) ([]*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	id, err := keyID(key.Public)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Country: []string{"JP"}, Organization: []string{organization}, CommonName: key.KID},
		NotBefore: now.Add(-backdate), NotAfter: now.AddDate(0, 0, leafDays-1), KeyUsage: x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true, SubjectKeyId: id, AuthorityKeyId: a.Certificate.SubjectKeyId,
	}
	switch key.Purpose {
	case "document":
		template.KeyUsage |= x509.KeyUsageContentCommitment
		template.UnknownExtKeyUsage = []asn1.ObjectIdentifier{usageDocument}
	case "trust":
		template.UnknownExtKeyUsage = []asn1.ObjectIdentifier{usageTrust}
	case "mdoc": // the usage must be critical (table B.3), which crypto/x509 makes none by itself
		usage, err := asn1.Marshal([]asn1.ObjectIdentifier{usageMDoc})
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "encoding a usage")
		}
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	}
	if a.address != "" {
		template.CRLDistributionPoints = []string{a.address + "/ca.crl"}
		template.IssuingCertificateURL = []string{a.address + "/ca.crt"}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, key.Public, a.private)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making the certificate of "+key.KID)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the certificate of "+key.KID)
	}
	return []*x509.Certificate{cert, a.Certificate}, nil
}

// Certify gives every key without a certificate one of the authority, in one batch. organization names a registrar.
func (s *Signer) Certify(a *CA, organization func(registrar string) string) error {
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	var made []file
	for _, key := range s.Public() {
		if len(key.Chain) > 0 {
			continue
		}
		chain, err := a.Issue(key, organization(key.Registrar), s.clock.Now())
		if err != nil {
			return err
		}
		made = append(made, file{key.name() + chainSuffix, encodeChain(chain)})
	}
	if len(made) == 0 {
		return nil
	}
	if err := placeAll(s.dir, made, os.Rename); err != nil {
		return err
	}
	return s.reload()
}

// newSerial draws 120 bits, so that a serial number has at least 63 bits of chance and at most 20 octets (RFC 5280 §4.1.2.2).
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "drawing a serial number")
	}
	return n.Add(n, big.NewInt(1)), nil
}

// keyID is the SHA-1 of the public key's bits (RFC 5280 §4.2.1.2, method 1).
func keyID(public *ecdsa.PublicKey) ([]byte, error) {
	point, err := public.Bytes()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, fmt.Sprintf("encoding a public key of %T", public))
	}
	sum := sha1.Sum(point)
	return sum[:], nil
}

// List signs the authority's revocation list (RFC 5280 §5).
func (a *CA) List(number *big.Int, revoked []x509.RevocationListEntry, made, next time.Time) ([]byte, error) {
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: number, ThisUpdate: made, NextUpdate: next,
		RevokedCertificateEntries: revoked}, a.Certificate, a.private)
	return der, fault.Wrap(fault.Internal, err, "making a revocation list")
}
