package issuance

import (
	"slices"
	"strings"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/format/oauth"
	"akashi/internal/qualification"
)

// Form is one form of credentials as wallets take it.
type Form struct {
	Form   credential.Form
	Format string // name of the format (VCI, appendix A)
	// Describe fills in what the format adds to a configuration: type, algorithms, binding, claims.
	Describe func(c *oauth.Configuration, g *qualification.Register, d *qualification.Definition)
	// Compose returns what is to be signed for a copy, and a function that makes the text for the wallet of the signature.
	Compose func(at credential.Composing, holder oauth.Key, until time.Time) (toSign []byte, finish func(signature []byte) (string, error), err error)
}

// configurationID names a register's credential in one form.
func configurationID(register string, f credential.Form) string { return register + "." + string(f) }

// Forms are the forms that are offered.
type Forms []Form

// find reads a configuration's name: the register and the form.
func (f Forms) find(cat *qualification.Catalogue, configuration string) (*qualification.Register, *Form, bool) {
	at := strings.LastIndexByte(configuration, '.')
	if at < 0 {
		return nil, nil, false
	}
	g, ok := cat.Register(configuration[:at])
	i := slices.IndexFunc(f, func(x Form) bool { return string(x.Form) == configuration[at+1:] })
	if !ok || i < 0 {
		return nil, nil, false
	}
	return g, &f[i], true
}

// of lists the configurations of a register.
func (f Forms) of(register string) (out []string) {
	for _, form := range f {
		out = append(out, configurationID(register, form.Form))
	}
	return out
}

// issues tells whether a registrar has digital credentials switched on. Every request asks, so it looks at no register.
func issues(cat *qualification.Catalogue, registrar string) bool {
	g, ok := cat.Registrar(registrar)
	return ok && g.Has(qualification.FunctionCredential)
}

// gives tells whether a register gives copies to wallets on a day.
func gives(cat *qualification.Catalogue, register string, day calendar.Date) bool {
	return cat.Uses(register, qualification.FunctionWallet, day)
}

// metadata describes a registrar as credential issuer, with what its registers give to wallets on a day.
func (f Forms) metadata(cat *qualification.Catalogue, registrar, identifier string, day calendar.Date, attested bool) oauth.IssuerMetadata {
	m := oauth.IssuerMetadata{Issuer: identifier, Credential: identifier + "/credential", Nonce: identifier + "/nonce",
		Deferred: identifier + "/deferred", Notification: identifier + "/notification", Batch: &oauth.Batch{Size: BatchSize},
		Configurations: map[string]oauth.Configuration{}}
	if r, ok := cat.Registrar(registrar); ok {
		m.Display = display(r.Name)
	}
	for _, g := range cat.Registers() {
		d, ok := cat.Definition(g.Qualification)
		if g.Registrar != registrar || !ok || !gives(cat, g.ID, day) {
			continue
		}
		for i := range f {
			m.Configurations[configurationID(g.ID, f[i].Form)] = f[i].configuration(g, d, attested)
		}
	}
	return m
}

func (f *Form) configuration(g *qualification.Register, d *qualification.Definition, attested bool) oauth.Configuration {
	c := oauth.Configuration{Format: f.Format, Scope: configurationID(g.ID, f.Form),
		Proofs:   proofTypes(attested),
		Metadata: &oauth.CredentialMetadata{Display: display(d.Name)}}
	f.Describe(&c, g, d)
	return c
}

// proofTypes are the types of key proofs that are taken: where providers of wallets are known, with an attestation of the keys, or that
// attestation alone (VCI, appendix F.1, F.3).
func proofTypes(attested bool) map[string]oauth.ProofSupported {
	one := oauth.ProofSupported{Algorithms: []string{"ES256"}}
	if !attested {
		return map[string]oauth.ProofSupported{"jwt": one}
	}
	one.Attested = &oauth.KeyAttestations{}
	return map[string]oauth.ProofSupported{"jwt": one, "attestation": one}
}

// display is a name in the languages that wallets ask for; plain Japanese has no tag of its own.
func display(t qualification.Text) []oauth.Display {
	out := []oauth.Display{{Name: t.In(qualification.JA), Locale: "ja"}}
	if t.EN != "" {
		out = append(out, oauth.Display{Name: t.In(qualification.EN), Locale: "en"})
	}
	return out
}

// server describes the authorization server of a registrar.
func server(identifier, authorize string, attested bool) oauth.ServerMetadata {
	m := oauth.ServerMetadata{Issuer: identifier, Authorization: authorize, Token: identifier + "/token", Pushed: identifier + "/par", MustPush: true,
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"},
		GrantTypes:  []string{oauth.GrantAuthorizationCode, oauth.GrantPreAuthorized, oauth.GrantRefresh},
		AuthMethods: []string{"none"}, ChallengeMethods: []string{"S256"}, IssuerInResponse: true, DPoPAlgorithms: []string{"ES256"},
		DetailsTypes: []string{"openid_credential"}, AnonymousPreAuth: true, UILocalesSupported: []string{"ja", "en"}}
	if attested {
		m.AuthMethods, m.AnonymousPreAuth = []string{oauth.AuthAttestation}, false
		m.ClientAlgorithms, m.ClientProofs = []string{"ES256"}, []string{"ES256"}
	}
	return m
}
