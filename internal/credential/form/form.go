// Package form turns what a credential says into the payload of each form that it leaves us in: PDF, SD-JWT VC, mdoc, W3C
// credential. It is pure: no database, no keys, no network. Each form has a file of its own; all of them start from Facts,
// which is read from the one record, so that two forms of a credential cannot disagree.
//
// A form's function takes Facts, Issuer and, where the form carries one, a StatusRef, and returns what is to be signed. Who
// records the intent, signs and stores is credential.Issuer.
package form

import (
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
)

// Text is a wording in Japanese and English; EN is empty when the record has none.
type Text struct {
	JA string `json:"ja,omitempty"`
	EN string `json:"en,omitempty"`
}

// In returns the English wording when it is asked for and there is one, the Japanese otherwise.
func (t Text) In(english bool) string {
	if english && t.EN != "" {
		return t.EN
	}
	return t.JA
}

// Detail is what a credential's record freezes beside the texts of its QR code. It is stored as JSON with the intent.
type Detail struct {
	DefinitionVersion string `json:"definition_version,omitempty"`
	TitleEN           string `json:"title_en,omitempty"`
	IssuerEN          string `json:"issuer_en,omitempty"` // 交付者名 in English
	BodyEN            string `json:"body_en,omitempty"`   // 交付機関 in English
}

// Facts is what a credential says, as its record has it. Labels is the source; the typed members are read from it and never
// disagree with it. A member is empty where the definition gives the credential no such field.
type Facts struct {
	Labels map[string]string // by the two-letter labels of the QR code: see cose.Labels

	CredentialID  string // 証明書ID (DN): the register's code, ten characters, a check character
	Register      string // id of the register, e.g. kangoshi.mhlw
	RegisterCode  string // its four characters
	Registrar     string // id of the body that keeps it
	Qualification string // 資格ID (CI)
	Version       string // of the definition the record was made under

	Title        Text   // 資格名称 (CN)
	IssuingBody  Text   // 交付機関 (IA)
	IssuerName   Text   // 交付者名 (IN)
	HolderName   string // 氏名 (UN): family and given name with a full-width space, exactly as registered
	HolderCode   string // 利用者コード (UC)
	TypeCode     string // 種別コード (DT)
	Number       string // 登録番号 (RN)
	BirthDate    calendar.Date
	RegisteredOn calendar.Date
	IssuedOn     calendar.Date
	ValidUntil   calendar.Date // last day of the entry's term, zero when it has none
}

// Record is what Read needs of the credential's record beside the QR code's payload.
type Record struct {
	Register, RegisterCode, Registrar string
	Detail                            Detail
	ValidUntil                        calendar.Date
}

// Read makes Facts of a record's labels. It fails with fault.Invalid on a date that is none and without a certificate id.
func Read(labels map[string]string, r Record) (Facts, error) {
	f := Facts{
		Labels: maps.Clone(labels), CredentialID: labels[cose.CertificateID], Register: r.Register, RegisterCode: r.RegisterCode,
		Registrar: r.Registrar, Qualification: labels[cose.QualificationID], Version: r.Detail.DefinitionVersion,
		Title:       Text{JA: labels[cose.QualificationName], EN: r.Detail.TitleEN},
		IssuingBody: Text{JA: labels[cose.IssuingBody], EN: r.Detail.BodyEN},
		IssuerName:  Text{JA: labels[cose.IssuerName], EN: r.Detail.IssuerEN},
		HolderName:  labels[cose.HolderName], HolderCode: labels[cose.HolderCode], TypeCode: labels[cose.KindCode],
		Number: labels[cose.RegistrationNumber], ValidUntil: r.ValidUntil,
	}
	if f.CredentialID == "" {
		return Facts{}, fault.New(fault.Invalid, "", "reading a credential's facts: it has no certificate id")
	}
	for label, to := range map[string]*calendar.Date{cose.HolderBirthDate: &f.BirthDate, cose.RegistrationDate: &f.RegisteredOn, cose.IssueDate: &f.IssuedOn} {
		if labels[label] == "" {
			continue
		}
		day, err := calendar.ParseISO(labels[label])
		if err != nil {
			return Facts{}, fault.Wrap(fault.Invalid, err, "reading a credential's date "+label)
		}
		*to = day
	}
	return f, nil
}

// Required are the labels that every form keeps, whatever the holder leaves out: without them nobody can tell what is
// certified and ask for its status.
func Required() []string { return []string{cose.QualificationName, cose.CertificateID} }

// Choose returns the facts with only the labels that the holder chose, and those that are required; nil chooses all. It
// fails with fault.Invalid and the key "credential.unknown_field" on a label that the credential does not have.
func (f Facts) Choose(labels []string) (Facts, error) {
	if labels == nil {
		return f, nil
	}
	chosen := map[string]string{}
	for _, label := range slices.Concat(Required(), labels) {
		value, ok := f.Labels[label]
		if !ok {
			return Facts{}, fault.New(fault.Invalid, "credential.unknown_field", fmt.Sprintf("choosing the fields of a credential: it has no %q", label))
		}
		chosen[label] = value
	}
	r := Record{Register: f.Register, RegisterCode: f.RegisterCode, Registrar: f.Registrar, ValidUntil: f.ValidUntil,
		Detail: Detail{DefinitionVersion: f.Version, TitleEN: f.Title.EN}}
	if chosen[cose.IssuerName] != "" {
		r.Detail.IssuerEN = f.IssuerName.EN
	}
	if chosen[cose.IssuingBody] != "" {
		r.Detail.BodyEN = f.IssuingBody.EN
	}
	out, err := Read(chosen, r)
	out.Qualification = f.Qualification // it is the type of a wallet's credential, whether its label is shown or not
	return out, err
}

// Issuer is who signs, as the forms name it.
type Issuer struct {
	Registrar string // id, e.g. mhlw
	Name      Text
	URI       string // issuer identifier: https, no query, no fragment
	KID       string
	Public    *ecdsa.PublicKey
	Chain     []*x509.Certificate // the key's own first, the anchor last; empty when the key has no certificate
	NotBefore time.Time           // from when the key signs
}

// StatusRef is a copy's place in a status list (draft-ietf-oauth-status-list-20 §6). A zero StatusRef means that the copy
// has none.
type StatusRef struct {
	URI          string // of the list, for JWT and CWT alike
	Index        int    // of the entry, from 0
	RegisterCode string // four characters
	ListNo       int    // of the list within its register, from 1
}

// IsZero tells that there is no place.
func (s StatusRef) IsZero() bool { return s == StatusRef{} }

// Place writes the place in one text, <address>#<index>; "" when there is none.
func (s StatusRef) Place() string {
	if s.IsZero() {
		return ""
	}
	return s.URI + "#" + strconv.Itoa(s.Index)
}
