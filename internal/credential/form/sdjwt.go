package form

import (
	"akashi/internal/fault"
	"akashi/internal/format/sdjwt"
)

// decoys is how many digests without a claim stand among those of a credential, so that their number does not tell which
// fields a credential has that the holder does not show.
const decoys = 4

// TypeAddress is the type (vct) of a qualification's credentials, and where its metadata is published.
func TypeAddress(site, qualification string) string { return site + "/types/" + qualification }

// SDJWT writes an SD-JWT VC, unsigned. The result's ToSign is what the copy's intent records; its disclosures belong to the
// holder and are kept nowhere.
func SDJWT(f Facts, i Issuer, s StatusRef, c Copy) (*sdjwt.Unsigned, error) {
	if f.Qualification == "" || c.Site == "" {
		return nil, fault.New(fault.Internal, "", "writing an SD-JWT VC without its type")
	}
	vc := sdjwt.VC{Type: TypeAddress(c.Site, f.Qualification), Issuer: i.URI, IssuedAt: c.made(i), ExpiresAt: f.end(i, c), Holder: c.Holder,
		Claims: make(map[string]any, len(claims))}
	for _, claim := range claims {
		v := f.value(claim)
		switch {
		case v == "":
		case claim.Personal:
			vc.Claims[claim.Name] = sdjwt.Hide(v)
		default:
			vc.Claims[claim.Name] = v
		}
	}
	if !s.IsZero() {
		vc.Status = &sdjwt.StatusRef{URI: s.URI, Index: s.Index}
	}
	return sdjwt.Composer{Decoys: decoys}.ComposeVC(i.header(), vc)
}

// TypeMetadata describes the type of a qualification's credentials, to be published at its address. Which claims there are
// is the same for every qualification; one whose credential has fewer leaves them out.
func TypeMetadata(site, qualification string, name Text) sdjwt.Metadata {
	m := sdjwt.Metadata{Type: TypeAddress(site, qualification), Name: name.In(true), Display: []sdjwt.Display{{Locale: "ja", Name: name.JA}}}
	if name.EN != "" {
		m.Display = append(m.Display, sdjwt.Display{Locale: "en", Name: name.EN})
	}
	for i := range m.Display {
		m.Display[i].Rendering = &sdjwt.Rendering{Simple: sdjwt.Simple{Background: "#0017c1", Text: "#ffffff"}}
	}
	for _, c := range claims {
		sd := sdjwt.Never
		if c.Personal {
			sd = sdjwt.Always
		}
		m.Claims = append(m.Claims, sdjwt.ClaimMetadata{Path: []string{c.Name}, SD: sd, Mandatory: c.Name == "qualification_name" || c.Name == "certificate_id",
			Display: []sdjwt.ClaimDisplay{{Locale: "ja", Label: c.Label.JA}, {Locale: "en", Label: c.Label.EN}}})
	}
	return m
}
