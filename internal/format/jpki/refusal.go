package jpki

import (
	"akashi/internal/fault"
)

// Reason says why a signature is refused. It is itself an error, so errors.Is(err, jpki.Revoked) works.
type Reason string

// The reasons. The catalogue has a message for each under "signature.refused." + reason.
const (
	MalformedCertificate Reason = "malformed_certificate" // not one DER certificate of the profile's shape
	UnknownCritical      Reason = "unknown_critical"      // a critical extension that nobody here understands (RFC 5280 §4.2)
	WrongAlgorithm       Reason = "wrong_algorithm"       // not RSA with SHA-256
	WeakKey              Reason = "weak_key"              // RSA below 2048 bits, or exponent other than 65537
	UnknownIssuer        Reason = "unknown_issuer"        // no anchor bears the issuer's name and key
	AnchorNotCA          Reason = "anchor_not_ca"         // the configured anchor may not issue certificates
	AnchorNotValid       Reason = "anchor_not_valid"      // the anchor was not valid at the time of signing
	ForgedCertificate    Reason = "forged_certificate"    // the issuer's key did not sign the certificate
	NotEndEntity         Reason = "not_end_entity"        // the certificate is one of a certification authority
	WrongPolicy          Reason = "wrong_policy"          // not the policy of signing certificates
	WrongKeyUsage        Reason = "wrong_key_usage"       // not digitalSignature and nonRepudiation, critical
	NotYetValid          Reason = "not_yet_valid"         // signed before the certificate's first moment
	Expired              Reason = "expired"               // signed after the certificate's last moment
	MalformedSAN         Reason = "malformed_san"         // subjectAltName is not of the profile's shape
	NoParticulars        Reason = "no_particulars"        // one of the particulars or of their flags is missing
	MalformedAlt         Reason = "malformed_alt"         // flags of replaced characters other than 0 and 1
	AltLength            Reason = "alt_length"            // flags of replaced characters do not fit their text
	BadBirthDate         Reason = "bad_birth_date"        // no such day in the era
	BadSex               Reason = "bad_sex"               // none of the three codes
	BadSignature         Reason = "bad_signature"         // the holder's key did not sign this content
	BareDigest           Reason = "bare_digest"           // signed without DigestInfo: no signature of RFC 8017 §8.2
	NoCRLPoint           Reason = "no_crl_point"          // the certificate does not say which list covers it
	CRLUnavailable       Reason = "crl_unavailable"       // the list could not be had
	CRLMalformed         Reason = "crl_malformed"         // not a complete list in DER, or with extensions nobody understands
	CRLForged            Reason = "crl_forged"            // the issuer's key did not sign the list
	CRLOtherPoint        Reason = "crl_other_point"       // the list covers other certificates
	CRLStale             Reason = "crl_stale"             // the list is past its next update, or from the future
	Revoked              Reason = "revoked"               // the certificate was revoked when it signed
	DifferentPerson      Reason = "different_person"      // the signer is not the person expected
	DifferentAddress     Reason = "different_address"     // the same person under another address
)

func (r Reason) Error() string { return string(r) }

// Key is the message of the catalogue for the visitor.
func (r Reason) Key() string { return "signature.refused." + string(r) }

// Kind classifies the reason: most are about what the visitor signed with, some about the list's server or our anchors.
func (r Reason) Kind() fault.Kind {
	switch r {
	case CRLUnavailable, CRLMalformed, CRLForged, CRLOtherPoint, CRLStale:
		return fault.Upstream
	case AnchorNotCA, AnchorNotValid:
		return fault.Internal
	case DifferentPerson, DifferentAddress:
		return fault.Forbidden
	}
	return fault.Invalid
}

// Refusal is why one signature is refused, with words for the log. The words hold no particulars of the person.
type Refusal struct {
	Reason Reason
	Detail string
	Err    error // the cause, where there is one
}

func (r *Refusal) Error() string {
	s := "signature refused: " + string(r.Reason)
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap lets errors.Is find both the reason and the cause.
func (r *Refusal) Unwrap() []error {
	if r.Err == nil {
		return []error{r.Reason}
	}
	return []error{r.Reason, r.Err}
}

// refuse returns a Refusal.
func refuse(reason Reason, detail string) error { return &Refusal{Reason: reason, Detail: detail} }

// refuseFor returns a Refusal with its cause.
func refuseFor(reason Reason, detail string, err error) error {
	return &Refusal{Reason: reason, Detail: detail, Err: err}
}

// classified wraps a Refusal into the fault that callers act on; errors.As finds both.
func classified(err error) error {
	r, ok := err.(*Refusal)
	if !ok || r == nil {
		return err
	}
	return &fault.Error{Kind: r.Reason.Kind(), Key: r.Reason.Key(), Err: r}
}
