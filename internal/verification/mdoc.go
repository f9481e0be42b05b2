package verification

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode"

	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/format/cose"
	"akashi/internal/format/mdoc"
)

// SeveralDocuments is the reason for a response of a wallet with more than one document: each is to be checked by itself.
const SeveralDocuments = "several_documents"

// MDocText is how a mobile document travels as text: base64url without padding.
func MDocText(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// IsQRMessage tells whether bytes are meant as the message out of a QR code: a tagged COSE_Sign1 message (RFC 9052 §4.2). It
// believes nothing; QRMessageText is how it travels as text.
func IsQRMessage(raw []byte) bool {
	return len(raw) > 2 && raw[0] == 0xd2 && raw[1] == 0x84 && raw[2]>>5 == 2
}

// QRMessageText is the message as a code holds it without an address.
func QRMessageText(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// IsMDoc tells whether bytes are meant as a mobile document: a CBOR map with the issuer's signature in it. It believes nothing;
// what only looks like one is refused later.
func IsMDoc(raw []byte) bool {
	return len(raw) > 0 && raw[0]>>5 == 5 && bytes.Contains(raw, []byte("issuerAuth"))
}

// mdocIn returns the bytes of a mobile document in a text: hexadecimal or base64 in either alphabet, with or without padding
// and line breaks.
func mdocIn(text string) ([]byte, bool) {
	if len(text) > 3*mdoc.MaxBytes || strings.ContainsRune(text, ':') { // an address, as nearly all texts are
		return nil, false
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || r == '=':
			return -1
		case r == '+':
			return '-'
		case r == '/':
			return '_'
		}
		return r
	}, text)
	raw, err := hex.DecodeString(text)
	if err != nil {
		if raw, err = base64.RawURLEncoding.DecodeString(text); err != nil {
			return nil, false
		}
	}
	return raw, IsMDoc(raw)
}

// checkMDocBytes checks what a holder handed over of a mobile document: the issuer's part, or a device response around it. The
// holder's signature in a response is over a session that we were no part of, so that nothing is concluded from it: as with a
// QR code, who shows the document is another question.
func (v *Verifier) checkMDocBytes(ctx context.Context, raw []byte) Result {
	issued, r := openMDoc(raw, v.DB.Clock.Now())
	if issued == nil {
		return r
	}
	return v.CheckMDoc(ctx, issued).within(issued)
}

// openMDoc reads the issuer's part out of it. Without one the result is final.
func openMDoc(raw []byte, now time.Time) (*mdoc.IssuerSigned, Result) {
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	issued, err := mdoc.ParseIssuerSigned(raw)
	if errors.Is(err, mdoc.NotMDoc) {
		var all []*mdoc.Document
		if all, err = mdoc.ParseResponse(raw); err == nil {
			if len(all) > 1 {
				r.Verdict, r.Reason = Unreadable, SeveralDocuments
				return nil, r
			}
			issued = all[0].Issuer
		}
	}
	if err != nil {
		r.Verdict, r.Untampered = Tampered, No
		return nil, r
	}
	return issued, r
}

// within adds what a mobile document says of its own time. What the register says against it stays said.
func (r Result) within(s *mdoc.IssuerSigned) Result {
	if !r.Proven() {
		return r
	}
	switch err := s.CheckTime(r.CheckedAt); {
	case errors.Is(err, mdoc.Expired) && (r.Verdict == Valid || r.Verdict == CannotTell):
		end := s.Validity.Until
		r.Verdict, r.Status, r.StatusAt = Expired, No, &end
	case errors.Is(err, mdoc.BadValidity): // signed when its certificate could not vouch for it
		return Result{Verdict: UnknownIssuer, Untampered: Yes, Issuer: No, Status: Unknown, CheckedAt: r.CheckedAt}
	case err != nil && r.Verdict == Valid: // its time has not come: whoever's clock is wrong, nothing is known
		r.Verdict, r.Status, r.StatusAt = CannotTell, Unknown, nil
	}
	return r
}

// CheckMDoc checks the issuer's part of a mobile document: the three checks of every form, with the register's word about its
// status now. Whether the holder's key has answered is a question of the session, and has been asked before.
//
// The certificate that comes with it must be of the key with which the register has the copy signed; a chain to some authority
// does not replace that. What the document says of its own time is not part of it: CheckTime.
func (v *Verifier) CheckMDoc(ctx context.Context, s *mdoc.IssuerSigned) Result {
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: v.DB.Clock.Now()}
	leaf, err := s.Leaf()
	if err != nil || errors.Join(s.CheckSignature(), s.CheckDigests()) != nil {
		r.Verdict, r.Untampered = Tampered, No
		return r
	}
	if s.DocType != form.DocType || s.Status == nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	copied, err := v.lookCopy(ctx, s.Status.URI, s.Status.Index, credential.ForMDoc)
	if err != nil {
		return v.missing(r, err)
	}
	signed, err := s.Signed()
	if err != nil {
		return v.missing(r, err)
	}
	facts := form.ElementLabels(s.Elements(form.DocType))
	if id := facts[cose.CertificateID]; !copied.believes(leaf.PublicKey) || !copied.records(signed) || id != "" && id != copied.PublicID {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	r = r.proven(facts)
	if reg, _, ok := v.placeOf(s.Status.URI); ok {
		r.LegalOriginal = v.Catalogue.LegalOriginal(reg.Qualification, calendar.Of(r.CheckedAt))
	}
	return copied.status(r)
}
