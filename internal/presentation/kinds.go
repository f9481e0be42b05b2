package presentation

import (
	"akashi/internal/credential/form"
	"akashi/internal/format/cose"
	"akashi/internal/qualification"
)

// asked are the facts that a wallet is asked for: enough to compare with a photo identity document, to tell which
// qualification it is and to look up its status. Every definition's credential has them, which a test sees to.
var asked = []string{cose.QualificationName, cose.QualificationID, cose.HolderName, cose.RegistrationNumber, cose.RegistrationDate,
	cose.IssuingBody, cose.IssuerName, cose.CertificateID}

// Labels are those of the facts that are asked for, as results have them.
func Labels() []string { return append([]string(nil), asked...) }

// KindsOf are the types of credential of an installation whose verification site has the origin.
func KindsOf(cat *qualification.Catalogue, site string) Kinds {
	k := Kinds{VCT: func(id string) string { return form.TypeAddress(site, id) }, DocType: form.DocType}
	for _, d := range cat.List() {
		k.VCTs = append(k.VCTs, k.VCT(d.ID))
	}
	for _, label := range asked {
		name := form.ClaimOf(label)
		k.Facts = append(k.Facts, Fact{Label: label, SDJWT: []any{name}, MDoc: []any{form.DocType, name}, Quality: label == cose.QualificationID})
	}
	return k
}
