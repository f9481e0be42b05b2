package pades

import (
	"akashi/internal/fault"
)

// Reason says why a document is refused. It is itself an error, so errors.Is(err, pades.PartlySigned) works.
type Reason string

// The reasons.
const (
	TooLarge             Reason = "too_large"             // beyond a stated bound
	Malformed            Reason = "malformed"             // no PDF, or one that two programs may read differently
	Encrypted            Reason = "encrypted"             // needs a password
	NotSigned            Reason = "not_signed"            // a PDF without a signature
	SeveralSignatures    Reason = "several_signatures"    // more than one signer
	WrongSubfilter       Reason = "wrong_subfilter"       // a signature of another kind than ETSI.CAdES.detached
	BadByteRange         Reason = "bad_byte_range"        // ranges that are missing, negative, overlapping or outside the file
	PartlySigned         Reason = "partly_signed"         // bytes outside the ranges that are not the signature itself
	NotARevision         Reason = "not_a_revision"        // the ranges do not end where a revision of the document ends
	BadContents          Reason = "bad_contents"          // the signature's own bytes are missing or followed by others
	BadCMS               Reason = "bad_cms"               // the signature is no CMS structure of our form
	NotBound             Reason = "not_bound"             // the attribute that names the certificate is missing or names another
	WrongDigest          Reason = "wrong_digest"          // the document was changed
	BadSignature         Reason = "bad_signature"         // the key of the certificate did not sign
	ChangedAfter         Reason = "changed_after"         // the document was changed by a later update
	UnknownUpdate        Reason = "unknown_update"        // bytes behind the signature that are no evidence and no timestamp
	BadTimestamp         Reason = "bad_timestamp"         // a timestamp that does not fit or is not to be believed
	UntrustedCertificate Reason = "untrusted_certificate" // not issued by an authority that is trusted for documents
	WrongPurpose         Reason = "wrong_purpose"         // the certificate is not one for signing documents
	ExpiredCertificate   Reason = "expired_certificate"   // not valid at the time that can be proved
	RevokedCertificate   Reason = "revoked_certificate"   // revoked at the time that can be proved
	NoRevocationData     Reason = "no_revocation_data"    // nothing says whether a certificate was revoked
	BadRevocationData    Reason = "bad_revocation_data"   // revocation data that is forged, of another authority or too old
)

// Reasons lists every reason.
func Reasons() []Reason {
	return []Reason{TooLarge, Malformed, Encrypted, NotSigned, SeveralSignatures, WrongSubfilter, BadByteRange, PartlySigned, NotARevision, BadContents,
		BadCMS, NotBound, WrongDigest, BadSignature, ChangedAfter, UnknownUpdate, BadTimestamp, UntrustedCertificate, WrongPurpose, ExpiredCertificate,
		RevokedCertificate, NoRevocationData, BadRevocationData}
}

func (r Reason) Error() string { return string(r) }

// Refusal is why one document is refused, with words for the log. The words hold nothing of the document's content.
type Refusal struct {
	Reason Reason
	Detail string
	Err    error // the cause, where there is one
}

func (r *Refusal) Error() string {
	s := "PDF refused: " + string(r.Reason)
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap lets errors.Is find the reason, the kind (every refusal is fault.Invalid) and the cause.
func (r *Refusal) Unwrap() []error {
	all := []error{r.Reason, fault.Invalid}
	if r.Err != nil {
		all = append(all, r.Err)
	}
	return all
}

func refuse(reason Reason, detail string) error { return &Refusal{Reason: reason, Detail: detail} }

func refuseFor(reason Reason, detail string, err error) error {
	return &Refusal{Reason: reason, Detail: detail, Err: err}
}
