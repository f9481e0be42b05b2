package form

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"time"

	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
)

// Copy is what one copy for a wallet adds to the facts.
type Copy struct {
	ID        string           // of the copy
	Site      string           // origin of the verification site: addresses of types and of their context begin with it
	Now       time.Time        //
	ExpiresAt *time.Time       // the copy's own end, nil when it lasts as long as the entry
	Holder    *ecdsa.PublicKey // the wallet's key, nil when the copy is bound to none
}

// Claim is how one fact is named outside: in SD-JWT VC and W3C credentials by Name, and in pages of wallets by Label.
type Claim struct {
	From     string // the two-letter label of the QR code, "" for a fact that the QR code does not have
	Name     string
	Label    Text
	Personal bool // about the person: the holder decides who sees it
}

// Claims are the facts in the order in which a page shows them. What names the qualification and who stands behind it is
// open; everything that belongs to the person is the holder's to show, the certificate id among it, because by that id two
// verifiers could tell that they have seen the same person.
var claims = []Claim{
	{cose.QualificationName, "qualification_name", Text{"資格名称", "Qualification"}, false},
	{"", "qualification_name_en", Text{"資格名称（英語）", "Qualification in English"}, false},
	{cose.QualificationID, "qualification_id", Text{"資格ID", "Qualification ID"}, false},
	{cose.KindCode, "type_code", Text{"種別コード", "Type code"}, false},
	{cose.IssuingBody, "issuing_body", Text{"交付機関", "Issuing body"}, false},
	{cose.IssuerName, "issuing_authority", Text{"交付者名", "Issued by"}, false},
	{cose.HolderName, "name", Text{"氏名", "Name"}, true},
	{cose.HolderBirthDate, "birthdate", Text{"生年月日", "Date of birth"}, true},
	{cose.RegistrationNumber, "registration_number", Text{"登録番号", "Registration number"}, true},
	{cose.RegistrationDate, "registration_date", Text{"登録年月日", "Date of registration"}, true},
	{cose.IssueDate, "issue_date", Text{"発行年月日", "Date of issue"}, true},
	{"", "valid_until", Text{"有効期限", "Valid until"}, true},
	{cose.CertificateID, "certificate_id", Text{"証明書ID", "Certificate ID"}, true},
	{cose.HolderCode, "holder_code", Text{"利用者コード", "Holder code"}, true},
}

// Claims lists every claim that a credential can have.
func Claims() []Claim { return append([]Claim(nil), claims...) }

// value is the fact behind a claim, "" when the credential has none.
func (f Facts) value(c Claim) string {
	switch {
	case c.From != "":
		return f.Labels[c.From]
	case c.Name == "qualification_name_en":
		return f.Title.EN
	case c.Name == "valid_until" && !f.ValidUntil.IsZero():
		return f.ValidUntil.String()
	}
	return ""
}

// Labels turns claims that were shown back into the labels of the QR code, in which a result of verification speaks. A
// claim that is no text, or that no label belongs to, is left out.
func Labels(shown map[string]any) map[string]string {
	out := map[string]string{}
	for _, c := range claims {
		if text, ok := shown[c.Name].(string); ok && c.From != "" && text != "" {
			out[c.From] = text
		}
	}
	return out
}

// end is when a copy ends: with the last day of the entry's term, with its own end or with the certificate that vouches for
// it, whichever comes first; zero when nothing ends it.
func (f Facts) end(i Issuer, c Copy) time.Time {
	var end time.Time
	earlier := func(t time.Time) {
		if end.IsZero() || t.Before(end) {
			end = t
		}
	}
	if !f.ValidUntil.IsZero() {
		earlier(f.ValidUntil.AddDays(1).Time())
	}
	if c.ExpiresAt != nil {
		earlier(*c.ExpiresAt)
	}
	if len(i.Chain) > 0 {
		earlier(i.Chain[0].NotAfter)
	}
	return end
}

// made is the time that stands in a copy: rounded down to the hour, so that it tells two copies apart for nobody, but never
// before the key began to sign (RFC 9901 §10.1 warns of times that link).
func (c Copy) made(i Issuer) time.Time {
	hour := c.Now.UTC().Truncate(time.Hour)
	if hour.Before(i.NotBefore) {
		return c.Now.UTC().Truncate(time.Second)
	}
	return hour
}

// header names the key. The anchor of the chain is left out: who trusts it has it, and who has it from here should not
// trust it (HAIP 1.0 §6.1.1).
func (i Issuer) header() jws.Header { return jws.Header{KID: i.KID, Chain: WithoutAnchor(i.Chain)} }

// WithoutAnchor returns the chain without a certificate at its end that names itself as its issuer.
func WithoutAnchor(chain []*x509.Certificate) []*x509.Certificate {
	if n := len(chain); n > 1 && bytes.Equal(chain[n-1].RawIssuer, chain[n-1].RawSubject) {
		return chain[:n-1]
	}
	return chain
}
