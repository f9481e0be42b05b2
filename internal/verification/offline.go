package verification

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/format/cose"
	"akashi/internal/format/mdoc"
	"akashi/internal/format/pades"
)

// checkMDoc checks the issuer's part of a mobile document by what is kept. Whether the holder's key has answered is a question
// of a session, and is not asked here.
func (t *Trust) checkMDoc(raw []byte, now time.Time) (Result, time.Time) {
	s, r := openMDoc(raw, now)
	if s == nil {
		return r, time.Time{}
	}
	facts, r, ok := t.provenMDoc(s, r)
	if !ok {
		return r, time.Time{}
	}
	r = r.proven(facts)
	var asOf time.Time
	if s.Status.Index >= 1<<31 {
		r.Verdict, r.Reason = CannotTell, string(NoEntry)
	} else {
		r, asOf = t.status(spot{URI: s.Status.URI, Index: int(s.Status.Index)}, r)
	}
	r = r.within(s)
	if r.Verdict == Expired { // the document says so, and no list
		r.Reason, asOf = "", time.Time{}
	}
	if r.Verdict == CannotTell && r.Reason == "" {
		r.Reason = string(NotYet)
	}
	return r, asOf
}

// provenMDoc sees that the document is whole and signed by a key for mobile documents of the registrar that keeps the register.
// Without that the result is final.
func (t *Trust) provenMDoc(s *mdoc.IssuerSigned, r Result) (map[string]string, Result, bool) {
	leaf, err := s.Leaf()
	if err != nil || errors.Join(s.CheckSignature(), s.CheckDigests()) != nil {
		r.Verdict, r.Untampered = Tampered, No
		return nil, r, false
	}
	if s.DocType != form.DocType || s.Status == nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return nil, r, false
	}
	key, ok := t.Keys.holds(leaf, credential.ForMDoc)
	if !ok {
		r.Verdict, r.Reason = CannotTell, string(UnknownKey)
		return nil, r, false
	}
	facts := form.ElementLabels(s.Elements(form.DocType))
	register := registerOf(s.Status.URI)
	err = key.may(credential.ForMDoc, register)
	if id := facts[cose.CertificateID]; err == nil && id != "" && codeIn(id) != register {
		err = refuse(WrongRegister)
	}
	if err != nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return nil, r.because(err), false
	}
	return facts, r, true
}

// CheckPDF checks a signed PDF by what is kept: the document's signature, the credential inside, and the document's own place
// in a status list, which follows that of the credential. A document from before documents had a place ends in CannotTell with
// two checks passed.
func (t *Trust) CheckPDF(document []byte, now time.Time) (Result, time.Time) {
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	signed, err := pades.Read(document)
	if err != nil {
		return r.spoilt(err), time.Time{}
	}
	if signed.Credential == "" {
		r.Verdict, r.Reason = Unreadable, NoCredential
		return r, time.Time{}
	}
	inside, _ := t.Check(signed.Credential, now)
	if inside.Untampered != Yes || inside.Issuer != Yes {
		return inside, time.Time{}
	}
	key, ok := t.Keys.holds(signed.Signer, credential.ForDocument)
	if !ok { // it may be newer than the keys
		r.Verdict, r.Reason = CannotTell, string(UnknownKey)
		return r, time.Time{}
	}
	register := codeIn(inside.Facts[cose.CertificateID])
	if err := key.may(credential.ForDocument, register); err != nil || len(key.Chain) == 0 {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r.because(err), time.Time{}
	}
	trust := pades.Trust{Documents: key.Chain[len(key.Chain)-1:], Timestamps: t.Timestamps, Purpose: ForDocuments, Now: now}
	if len(t.Timestamps) == 0 {
		trust.Known = now
	}
	if _, err := signed.Verify(trust); err != nil {
		return r.spoilt(err), time.Time{}
	}
	at, ok := placeIn(signed.Status)
	switch {
	case !ok:
		return inside, time.Time{}
	case registerOf(at.URI) != register:
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r.because(refuse(WrongRegister)), time.Time{}
	}
	inside.Reason = ""
	return t.status(at, inside)
}

// placeIn reads the place of a document: the address of the list, "#", the index.
func placeIn(text string) (spot, bool) {
	uri, index, found := strings.Cut(text, "#")
	n, err := strconv.ParseUint(index, 10, 31)
	if !found || err != nil || uri == "" || index != strconv.FormatUint(n, 10) {
		return spot{}, false
	}
	return spot{URI: uri, Index: int(n)}, true
}
