package cms

import (
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// decode reads the fields of the form that encode writes. A part that is another one, or missing, or too many, fails.
func decode(der []byte) (Detached, error) {
	id := identifiers()
	input := cryptobyte.String(der)
	var info, explicit, signed cryptobyte.String
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !input.Empty() || !readOID(&info, id.signedData) ||
		!info.ReadASN1(&explicit, contextTag(0)) || !info.Empty() ||
		!explicit.ReadASN1(&signed, cbasn1.SEQUENCE) || !explicit.Empty() {
		return Detached{}, fmt.Errorf("%w: no SignedData", ErrForm)
	}
	var digests, content, certificates, signers cryptobyte.String
	if !readVersion1(&signed) || !signed.ReadASN1(&digests, cbasn1.SET) || !readDigest(&digests, id) || !digests.Empty() {
		return Detached{}, fmt.Errorf("%w: version or digest algorithm", ErrForm)
	}
	if !signed.ReadASN1(&content, cbasn1.SEQUENCE) || !readOID(&content, id.data) || !content.Empty() {
		return Detached{}, fmt.Errorf("%w: content is inside, or no data", ErrForm)
	}
	var d Detached
	if !signed.ReadASN1(&certificates, contextTag(0)) || !readElement(&certificates, &d.Certificate) || !certificates.Empty() {
		return Detached{}, fmt.Errorf("%w: not exactly one certificate", ErrForm)
	}
	if !signed.ReadASN1(&signers, cbasn1.SET) || !signed.Empty() {
		return Detached{}, fmt.Errorf("%w: no signers, or revocation lists", ErrForm)
	}
	if err := readSigner(&signers, id, &d); err != nil {
		return Detached{}, err
	}
	if !signers.Empty() {
		return Detached{}, fmt.Errorf("%w: more than one signer", ErrForm)
	}
	return d, nil
}

// readSigner reads SignerInfo into d.
func readSigner(s *cryptobyte.String, id oids, d *Detached) error {
	var signer, identifier, algorithm, null, signature cryptobyte.String
	if !s.ReadASN1(&signer, cbasn1.SEQUENCE) || !readVersion1(&signer) {
		return fmt.Errorf("%w: no signer of version 1", ErrForm)
	}
	d.Serial = new(big.Int)
	if !signer.ReadASN1(&identifier, cbasn1.SEQUENCE) || !readElement(&identifier, &d.Issuer) ||
		!identifier.ReadASN1Integer(d.Serial) || !identifier.Empty() {
		return fmt.Errorf("%w: signer not named by issuer and serial number", ErrForm)
	}
	if !readDigest(&signer, id) {
		return fmt.Errorf("%w: digest algorithm of the signer", ErrForm)
	}
	if signer.PeekASN1Tag(contextTag(0)) {
		return fmt.Errorf("%w: signed attributes", ErrForm)
	}
	if !signer.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !readOID(&algorithm, id.rsaSHA256) ||
		!algorithm.ReadASN1(&null, cbasn1.NULL) || !null.Empty() || !algorithm.Empty() {
		return fmt.Errorf("%w: signature algorithm", ErrForm)
	}
	if !signer.ReadASN1(&signature, cbasn1.OCTET_STRING) || !signer.Empty() {
		return fmt.Errorf("%w: no signature, or attributes after it", ErrForm)
	}
	d.Signature = signature
	return nil
}

func readOID(s *cryptobyte.String, want asn1.ObjectIdentifier) bool {
	var got asn1.ObjectIdentifier
	return s.ReadASN1ObjectIdentifier(&got) && got.Equal(want)
}

func readVersion1(s *cryptobyte.String) bool {
	var version int
	return s.ReadASN1Integer(&version) && version == 1
}

// readDigest reads an AlgorithmIdentifier of SHA-256 without parameters.
func readDigest(s *cryptobyte.String, id oids) bool {
	var algorithm cryptobyte.String
	return s.ReadASN1(&algorithm, cbasn1.SEQUENCE) && readOID(&algorithm, id.sha256) && algorithm.Empty()
}

// readElement reads one SEQUENCE with its tag and length.
func readElement(s *cryptobyte.String, out *[]byte) bool {
	var element cryptobyte.String
	if !s.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return false
	}
	*out = element
	return true
}
