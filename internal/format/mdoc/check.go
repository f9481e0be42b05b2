package mdoc

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"time"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/format/cose"
)

// Leaf returns the document signer's certificate. NoCertificate or BadCertificate.
func (s *IssuerSigned) Leaf() (*x509.Certificate, error) {
	if len(s.Chain) == 0 {
		return nil, refuse(NoCertificate, "looking for the document signer's certificate")
	}
	leaf, err := x509.ParseCertificate(s.Chain[0])
	if err != nil {
		return nil, refuse(BadCertificate, "reading the document signer's certificate: %v", err)
	}
	return leaf, nil
}

// Signed are the bytes over which the issuer's signature is made (RFC 9052 §4.4).
func (s *IssuerSigned) Signed() ([]byte, error) {
	return cose.ToBeSigned(s.auth.Protected, s.auth.Payload)
}

// CheckSignature checks the issuer's signature with the key of the certificate that came with it. Whether that certificate
// is to be trusted is another question: CheckChain.
func (s *IssuerSigned) CheckSignature() error {
	leaf, err := s.Leaf()
	if err != nil {
		return err
	}
	if err := cose.Verify(leaf.PublicKey, &s.auth.Sign1); err != nil {
		return refuse(BadIssuerSignature, "checking the issuer's signature: %v", err)
	}
	return nil
}

// CheckDigests checks that every element that came is one that was signed (§9.3.1). An element whose number the signed object
// does not have is MissingDigest, one that was changed DigestMismatch.
func (s *IssuerSigned) CheckDigests() error {
	for _, i := range s.Items {
		want, there := s.digests[i.NameSpace][i.digestID]
		if !there {
			return refuse(MissingDigest, "looking for the digest of an element")
		}
		if got := sha256.Sum256(i.raw); !bytes.Equal(got[:], want) {
			return refuse(DigestMismatch, "comparing the digest of an element")
		}
	}
	return nil
}

// CheckTime checks the validity at a time, and that the object was signed while the signer's certificate was valid (§9.3.1).
func (s *IssuerSigned) CheckTime(now time.Time) error {
	leaf, err := s.Leaf()
	switch {
	case err != nil:
		return err
	case s.Validity.Signed.Before(leaf.NotBefore) || s.Validity.Signed.After(leaf.NotAfter):
		return refuse(BadValidity, "checking when the object was signed: outside its certificate's validity")
	case now.Before(s.Validity.From):
		return refuse(NotYetValid, "checking the validity: it begins later")
	case now.After(s.Validity.Until):
		return refuse(Expired, "checking the validity: it has ended")
	}
	return nil
}

// CheckDevice checks that the holder's key signed this document in the session with this transcript (§9.1.3.6). An answer
// that was made for another session, another reader or another document is BadDeviceSignature.
func (d *Document) CheckDevice(transcript []byte) error {
	payload, err := deviceAuthentication(transcript, d.DocType, d.device.nameSpaces)
	if err != nil {
		return err
	}
	signed := d.device.signature.Sign1
	signed.Payload = payload
	if err := cose.Verify(d.Issuer.DeviceKey, &signed); err != nil {
		return refuse(BadDeviceSignature, "checking the holder's signature over the session: %v", err)
	}
	return nil
}

// deviceAuthentication is what the holder's key signs (§9.1.3.4).
func deviceAuthentication(transcript []byte, docType string, nameSpaces []byte) ([]byte, error) {
	spaces, err := embed(nameSpaces)
	if err != nil {
		return nil, err
	}
	inner, err := cose.Encode([]any{"DeviceAuthentication", cbor.RawMessage(transcript), docType, cbor.RawMessage(spaces)})
	if err != nil {
		return nil, err
	}
	return embed(inner)
}
