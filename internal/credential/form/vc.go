package form

import (
	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/vc"
)

// typeVC is the type of our credentials beside VerifiableCredential.
const typeVC = "QualificationCredential"

// ContextAddress is where the meaning of our terms is published. A changed meaning gets a new number.
func ContextAddress(site string) string { return site + "/contexts/1" }

// VC writes a W3C credential and returns what is to be signed. The form has no way to show less than it holds: what the
// holder leaves out is left out when the copy is made.
func VC(f Facts, i Issuer, s StatusRef, c Copy) ([]byte, error) {
	if c.Site == "" || i.URI == "" {
		return nil, fault.New(fault.Internal, "", "writing a W3C credential without its issuer's address")
	}
	out := vc.Credential{Contexts: []string{ContextAddress(c.Site)}, Types: []string{typeVC}, Issuer: i.URI, IssuerName: i.Name.JA,
		ValidFrom: c.made(i), ValidUntil: f.end(i, c), Holder: c.Holder, Subject: map[string]any{}}
	if c.ID != "" {
		out.ID = "urn:uuid:" + c.ID
	}
	for _, claim := range claims {
		if v := f.value(claim); v != "" {
			out.Subject[claim.Name] = v
		}
	}
	if !s.IsZero() {
		out.Status = &vc.StatusRef{URI: s.URI, Index: s.Index}
	}
	return vc.Compose(i.header(), out)
}

// Context is the document at ContextAddress: what our terms mean to a reader of JSON-LD 1.1. The terms name and cnf are the data
// model's own and must not be explained twice (Data Model §5.3).
func Context(site string) ([]byte, error) {
	vocabulary := site + "/contexts/1#"
	terms := map[string]any{
		"@version": 1.1, "@protected": true,
		typeVC: vocabulary + typeVC,
		"TokenStatusListEntry": map[string]any{"@id": vocabulary + "TokenStatusListEntry", "@context": map[string]any{
			"@version": 1.1, "@protected": true, "id": "@id", "type": "@type",
			"uri": map[string]any{"@id": vocabulary + "uri", "@type": "@id"},
			"idx": map[string]any{"@id": vocabulary + "idx", "@type": "http://www.w3.org/2001/XMLSchema#nonNegativeInteger"},
		}},
	}
	for _, c := range claims {
		if c.Name != "name" {
			terms[c.Name] = vocabulary + c.Name
		}
	}
	text, err := jws.Append(nil, map[string]any{"@context": terms})
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}
