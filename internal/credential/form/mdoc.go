package form

import (
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/mdoc"
)

// DocType is the document type of every qualification's mobile document, and the name space of its elements. It is a name
// under .alt, where no registry gives names away (RFC 9476 §2): the reversed domain that ISO/IEC 18013-5 §8.1 advises would be
// of a body that has not adopted it. Docs: decisions, "mobile documents".
const DocType = "alt.akashi.qualification.1"

// days are the claims that travel as a day (full-date), and not as text.
var days = map[string]bool{"birthdate": true, "registration_date": true, "issue_date": true, "valid_until": true}

// MDoc says what a mobile document of the facts contains: the claims of every form under their names, days as full-date. There
// is no portrait, since no register has one. It fails with fault.Internal and the reason of package mdoc where the issuer has
// no certificate for document signers, or the copy is bound to no key.
func MDoc(f Facts, i Issuer, s StatusRef, c Copy) (mdoc.Issue, error) {
	out := mdoc.Issue{DocType: DocType, DeviceKey: c.Holder}
	if c.Holder == nil {
		return out, &fault.Error{Kind: fault.Internal, Key: string(mdoc.BadDeviceKey), Doing: "writing a mobile document without the wallet's key", Err: mdoc.BadDeviceKey}
	}
	for _, cert := range WithoutAnchor(i.Chain) {
		out.Chain = append(out.Chain, cert.Raw)
	}
	if len(out.Chain) == 0 {
		return out, &fault.Error{Kind: fault.Internal, Key: string(mdoc.NoCertificate), Doing: "writing a mobile document of a key without a certificate", Err: mdoc.NoCertificate}
	}
	out.Validity = validity(f, i, c)
	if !s.IsZero() {
		out.Status = &mdoc.Status{URI: s.URI, Index: uint64(s.Index)}
	}
	space := mdoc.NameSpace{Name: DocType}
	for _, claim := range claims {
		if v := f.value(claim); v != "" {
			space.Elements = append(space.Elements, mdoc.Element{Name: claim.Name, Value: element(claim.Name, v)})
		}
	}
	out.NameSpaces = []mdoc.NameSpace{space}
	return out, nil
}

// element is a claim's value as an element: a day where the claim is one.
func element(name, value string) any {
	if _, err := calendar.ParseISO(value); err == nil && days[name] {
		return mdoc.Date(value)
	}
	return value
}

// validity begins with the hour, like every copy's time, and never outlives the signer's certificate (ISO/IEC 18013-5
// §9.1.2.4): end has seen to that.
func validity(f Facts, i Issuer, c Copy) mdoc.Validity {
	made := c.made(i)
	return mdoc.Validity{Signed: made, From: made, Until: f.end(i, c).UTC().Truncate(time.Second)}
}

// ElementLabels turns the elements of a mobile document back into the labels of the QR code, in which a result of verification
// speaks.
func ElementLabels(elements map[string]any) map[string]string {
	texts := map[string]any{}
	for name, v := range elements {
		if day, ok := v.(mdoc.Date); ok {
			v = string(day)
		}
		texts[name] = v
	}
	return Labels(texts)
}

// ClaimOf is the name outside of a label of the QR code, "" when there is none.
func ClaimOf(label string) string {
	for _, c := range claims {
		if c.From == label && label != "" {
			return c.Name
		}
	}
	return ""
}
