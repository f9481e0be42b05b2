package casetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"

	"akashi/internal/connector/signer"
	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/format/mdoc"
	"akashi/internal/format/sdjwt"
	"akashi/internal/pg"
	"akashi/internal/presentation"
	"akashi/internal/verification"
)

// Site is the origin that the copies of a world name as the verification site.
const Site = "https://check.example"

// SDJWT copies the nurse's credential into a wallet with the key, as an SD-JWT VC with everything in it.
func (w *World) SDJWT(t testing.TB, holder *ecdsa.PublicKey) string {
	t.Helper()
	var made *sdjwt.Unsigned
	signature := w.copied(t, credential.SDJWT, func(at credential.Composing) (_ []byte, err error) {
		made, err = form.SDJWT(at.Facts, at.Issuer, at.Status, form.Copy{ID: at.CopyID.String(), Site: Site, Now: at.Now, Holder: holder})
		if err != nil {
			return nil, err
		}
		return made.ToSign, nil
	})
	return must(made.Assemble(signature))(t)
}

// MDoc is SDJWT for a mobile document.
func (w *World) MDoc(t testing.TB, holder *ecdsa.PublicKey) []byte {
	t.Helper()
	var draft *mdoc.Draft
	signature := w.copied(t, credential.MDoc, func(at credential.Composing) ([]byte, error) {
		issue, err := form.MDoc(at.Facts, at.Issuer, at.Status, form.Copy{ID: at.CopyID.String(), Site: Site, Now: at.Now, Holder: holder})
		if err != nil {
			return nil, err
		}
		if draft, err = issue.Compose(rand.Reader); err != nil {
			return nil, err
		}
		return draft.ToSign, nil
	})
	return must(draft.Complete(signature))(t)
}

// copied takes the three steps of a copy: intent, signature, completion.
func (w *World) copied(t testing.TB, f credential.Form, compose func(credential.Composing) ([]byte, error)) []byte {
	t.Helper()
	ctx := t.Context()
	held := must(w.Wallet.List(ctx, w.Nurse))(t)
	citizen, door := w.DB.As(pg.RoleCitizen), pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}
	var made *credential.Copy
	var toSign []byte
	check(t, citizen.InPerson(ctx, door, func(tx *pg.Tx) (err error) {
		made, toSign, err = w.Issuer.IntendCopy(ctx, tx, held[0].Credential, credential.CopyRequest{Form: f, Compose: compose})
		return err
	}))
	signature := must(w.Issuer.Sign(ctx, made.KID, toSign))(t)
	check(t, citizen.InPerson(ctx, door, func(tx *pg.Tx) error { return w.Issuer.CompleteCopy(ctx, tx, made, signature) }))
	return signature
}

// Anchor is the certificate above the keys of every world.
func Anchor(t testing.TB) *x509.Certificate {
	t.Helper()
	return must(authority())(t).Certificate
}

// Asking lets the world ask wallets, through an API at the origin, and returns who asks. Wallets know it by the hash of its
// certificate.
func (w *World) Asking(t testing.TB, origin, returnURL string) *presentation.Reader {
	t.Helper()
	key := signer.Key{KID: "verifier-test", Registrar: "akashi", Purpose: "verifier", Public: w.signing, NotBefore: Start().Add(-60 * 60e9)}
	chain := must(must(authority())(t).Issue(key, "Akashi", key.NotBefore))(t)
	return w.asking(t, presentation.PrefixHash, chain, origin, returnURL)
}

// AskingByName is Asking where wallets know who asks by the host that they answer to. The certificate has the names; its anchor is
// returned, too.
func (w *World) AskingByName(t testing.TB, origin, returnURL string, names ...string) (*presentation.Reader, *x509.Certificate) {
	t.Helper()
	top := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	certify := func(c *x509.Certificate, above *x509.Certificate, public *ecdsa.PublicKey) *x509.Certificate {
		c.NotBefore, c.NotAfter = Start().AddDate(0, 0, -1), Start().AddDate(1, 0, 0)
		if above == nil {
			above = c
		}
		return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, above, public, top))(t)))(t)
	}
	anchor := certify(&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Names"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}, nil, &top.PublicKey)
	leaf := certify(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Akashi"}, KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: names},
		anchor, w.signing)
	return w.asking(t, presentation.PrefixDNS, []*x509.Certificate{leaf, anchor}, origin, returnURL), anchor
}

func (w *World) asking(t testing.TB, prefix string, chain []*x509.Certificate, origin, returnURL string) *presentation.Reader {
	t.Helper()
	check(t, presentation.PublishKey(t.Context(), w.DB.As(pg.RoleWorker), presentation.Key{KID: "verifier-test", Chain: chain, NotBefore: Start().Add(-60 * 60e9)}))
	return must(presentation.NewReader(presentation.Config{DB: w.DB.As(pg.RolePublic), Secret: refKey, Prefix: prefix, Name: "Akashi",
		Scheme: "openid4vp", AnswerURL: origin, ReturnURL: returnURL, Kinds: presentation.KindsOf(w.Catalogue, Site), Sign: w.Issuer.Sign,
		Verifier: w.Verifier}))(t)
}

// Trust is who publishes the trust list of a world, and the anchor of its certificate.
func (w *World) Trust(t testing.TB) (*verification.TrustPublisher, *x509.Certificate) {
	t.Helper()
	key := signer.Key{KID: "trust-test", Registrar: "platform", Purpose: "trust", Public: w.signing, NotBefore: Start().Add(-60 * 60e9)}
	chain := must(must(authority())(t).Issue(key, "Akashi", key.NotBefore))(t)
	return &verification.TrustPublisher{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Site: Site, Address: "https://api.example/v1/trust-list",
		StatusBase: Site + "/status", KID: key.KID, Chain: chain, Sign: w.Issuer.Sign}, chain[len(chain)-1]
}
