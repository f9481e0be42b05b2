package issuance

import (
	"crypto/rand"
	"time"

	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/format/jws"
	"akashi/internal/format/oauth"
	"akashi/internal/qualification"
)

// WalletForms are the forms that wallets take. site is the origin of the verification site, under which types are
// published.
func WalletForms(site string) Forms {
	jwk, es256 := []string{"jwk"}, []any{"ES256"}
	return Forms{
		{Form: credential.SDJWT, Format: "dc+sd-jwt", Compose: composeSDJWT(site),
			Describe: func(c *oauth.Configuration, _ *qualification.Register, d *qualification.Definition) {
				c.Binding, c.Algorithms, c.VCT = jwk, es256, form.TypeAddress(site, d.ID)
				c.Metadata.Claims = claims()
			}},
		{Form: credential.MDoc, Format: "mso_mdoc", Compose: composeMDoc(site),
			Describe: func(c *oauth.Configuration, _ *qualification.Register, _ *qualification.Definition) {
				c.Binding, c.Algorithms, c.DocType = []string{"cose_key"}, []any{-7}, form.DocType // COSE's ES256 (RFC 9053 §2.1)
				c.Metadata.Claims = claims(form.DocType)
			}},
		// The format of W3C credentials 2.0 has its name from the draft of VCI 1.1; VCI 1.0 knows those of 1.1 only.
		{Form: credential.VC, Format: "vc+jwt", Compose: composeVC(site),
			Describe: func(c *oauth.Configuration, _ *qualification.Register, _ *qualification.Definition) {
				c.Binding, c.Algorithms = jwk, es256
				c.Definition = &oauth.Definition{Type: []string{"VerifiableCredential", "QualificationCredential"}} // as form.VC writes it; a test compares
				c.Metadata.Claims = claims("credentialSubject")
			}},
	}
}

// claims describes what credentials show, for the pages of wallets.
func claims(within ...string) (out []oauth.Claim) {
	for _, c := range form.Claims() {
		out = append(out, oauth.Claim{Path: append(append([]string{}, within...), c.Name),
			Display: []oauth.Display{{Name: c.Label.JA, Locale: "ja"}, {Name: c.Label.EN, Locale: "en"}}})
	}
	return out
}

type composer func(at credential.Composing, holder oauth.Key, until time.Time) (toSign []byte, finish func([]byte) (string, error), err error)

// copyFor is what a wallet's copy adds to the facts.
func copyFor(site string, at credential.Composing, holder oauth.Key, until time.Time) form.Copy {
	return form.Copy{ID: at.CopyID.String(), Site: site, Now: at.Now, ExpiresAt: &until, Holder: holder.Public}
}

func composeSDJWT(site string) composer {
	return func(at credential.Composing, holder oauth.Key, until time.Time) ([]byte, func([]byte) (string, error), error) {
		u, err := form.SDJWT(at.Facts, at.Issuer, at.Status, copyFor(site, at, holder, until))
		if err != nil {
			return nil, nil, err
		}
		return u.ToSign, u.Assemble, nil
	}
}

func composeMDoc(site string) composer {
	return func(at credential.Composing, holder oauth.Key, until time.Time) ([]byte, func([]byte) (string, error), error) {
		what, err := form.MDoc(at.Facts, at.Issuer, at.Status, copyFor(site, at, holder, until))
		if err != nil {
			return nil, nil, err
		}
		draft, err := what.Compose(rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		return draft.ToSign, func(signature []byte) (string, error) {
			signed, err := draft.Complete(signature)
			return b64.EncodeToString(signed), err
		}, nil
	}
}

func composeVC(site string) composer {
	return func(at credential.Composing, holder oauth.Key, until time.Time) ([]byte, func([]byte) (string, error), error) {
		toSign, err := form.VC(at.Facts, at.Issuer, at.Status, copyFor(site, at, holder, until))
		return toSign, func(signature []byte) (string, error) { return jws.Assemble(toSign, signature) }, err
	}
}
