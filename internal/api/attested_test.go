package api_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/format/jws"
	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
)

// TestSignedMetadata: whoever asks for it gets an issuer's metadata signed with the key that signs its credentials.
func TestSignedMetadata(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	const at = "/.well-known/openid-credential-issuer/issuers/mhlw"
	plain := s.do(t, "GET", at, "")
	for accept, signed := range map[string]bool{"": false, "*/*": false, "application/json": false, "application/jwt": true, "application/jwt, application/json;q=0.5": true,
		"application/json, application/jwt;q=0.1": false, "application/jwt;q=0": false, "nonsense;;": false} {
		a := s.do(t, "GET", at, "", "Accept", accept)
		if a.StatusCode != 200 || a.Header.Get("Vary") != "Accept" || (a.Header.Get("Content-Type") == "application/jwt") != signed || !signed && a.Body != plain.Body {
			t.Errorf("Accept %q: %d %s %v", accept, a.StatusCode, a.Header.Get("Content-Type"), a.Header["Vary"])
		}
	}
	a := s.do(t, "GET", at, "", "Accept", "application/jwt")
	token, err := jws.Parse(a.Body, jws.Profile{Type: oauth.TypeIssuerMetadata, Max: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	leaf := token.Header.Chain[0]
	if err := token.Verify(leaf.PublicKey); err != nil || len(token.Header.Chain) != 1 || leaf.CheckSignatureFrom(casetest.Anchor(t)) != nil {
		t.Errorf("signature %v, certificates %d", err, len(token.Header.Chain))
	}
	var claims, open map[string]any
	for raw, to := range map[string]*map[string]any{string(token.Payload): &claims, plain.Body: &open} {
		if err := json.Unmarshal([]byte(raw), to); err != nil {
			t.Fatal(err)
		}
	}
	now := float64(s.Clock.Now().Unix())
	if claims["sub"] != mhlw || claims["iss"] != mhlw || claims["iat"] != now || claims["exp"].(float64) <= now {
		t.Errorf("claims %v %v %v %v", claims["sub"], claims["iss"], claims["iat"], claims["exp"])
	}
	for _, name := range []string{"sub", "iss", "iat", "exp"} {
		delete(claims, name)
	}
	one, _ := json.Marshal(claims)
	two, _ := json.Marshal(open)
	if !bytes.Equal(one, two) {
		t.Errorf("signed:\n%s\nas they are:\n%s", one, two)
	}
	if got := s.do(t, "GET", "/.well-known/openid-credential-issuer/issuers/nobody", "", "Accept", "application/jwt"); got.StatusCode != 404 {
		t.Errorf("of nobody: %d", got.StatusCode)
	}
}

// provider is a provider of wallets with its certificate, and one telephone's wallet.
type provider struct {
	t       testing.TB
	s       *service
	key     *ecdsa.PrivateKey
	chain   []*x509.Certificate
	anchor  *x509.Certificate
	client  string
	device  *ecdsa.PrivateKey
	proofs  atomic.Int64
	replays string // sent instead of a fresh proof
}

func certificate(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template.NotBefore, template.NotAfter = casetest.Start().AddDate(0, -1, 0), casetest.Start().AddDate(1, 0, 0)
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	p := &provider{t: t, key: formattest.Key(t), device: formattest.Key(t), client: "https://wallet.example"}
	top := formattest.Key(t)
	p.anchor = certificate(t, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Providers"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}, nil, &top.PublicKey, top)
	p.chain = []*x509.Certificate{certificate(t, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Provider"}, KeyUsage: x509.KeyUsageDigitalSignature},
		p.anchor, &p.key.PublicKey, top)}
	return p
}

func (p *provider) x5c() (out []string) {
	for _, c := range p.chain {
		out = append(out, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return out
}

func (p *provider) sign(k *ecdsa.PrivateKey, header, claims map[string]any) string {
	p.t.Helper()
	text, err := oauth.Sign(k, header, claims)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// shows are the fields of the wallet's attestation.
func (p *provider) shows(string) []string {
	p.t.Helper()
	now := p.s.Clock.Now()
	attestation := p.sign(p.key, map[string]any{"typ": "oauth-client-attestation+jwt", "x5c": p.x5c()},
		map[string]any{"iss": "https://provider.example", "sub": p.client, "exp": now.Add(time.Hour).Unix(), "cnf": map[string]any{"jwk": jwk(p.device)}})
	proof := p.replays
	if proof == "" {
		proof = p.sign(p.device, map[string]any{"typ": "oauth-client-attestation-pop+jwt"},
			map[string]any{"iss": p.client, "aud": mhlw, "jti": fmt.Sprint("proof ", p.proofs.Add(1)), "iat": now.Unix()})
	}
	return []string{oauth.FieldClientAttestation, attestation, oauth.FieldClientProof, proof}
}

// attests is the provider's word for keys.
func (p *provider) attests(nonce string, keys ...*ecdsa.PrivateKey) string {
	p.t.Helper()
	var all []json.RawMessage
	for _, k := range keys {
		all = append(all, jwk(k))
	}
	now := p.s.Clock.Now()
	return p.sign(p.key, map[string]any{"typ": "key-attestation+jwt", "x5c": p.x5c()},
		map[string]any{"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "attested_keys": all, "nonce": nonce, "key_storage": []string{"iso_18045_high"}})
}

func attestedService(t testing.TB) (*service, *provider) {
	t.Helper()
	p := newProvider(t)
	w := casetest.New(t)
	w.Registered(t)
	p.s = serve(t, w, plenty, func(s *issuance.Server) { s.Providers = issuance.Providers{p.anchor} })
	return p.s, p
}

// TestAttestedWallets: where providers of wallets are known, every wallet shows who it is, and every key is attested (HAIP 1.0).
func TestAttestedWallets(t *testing.T) {
	t.Parallel()
	s, p := attestedService(t)
	server := read[oauth.ServerMetadata](t, s.do(t, "GET", "/.well-known/oauth-authorization-server/issuers/mhlw", ""), 200)
	if len(server.AuthMethods) != 1 || server.AuthMethods[0] != "attest_jwt_client_auth" || server.AnonymousPreAuth || server.ClientAlgorithms[0] != "ES256" || server.ClientProofs[0] != "ES256" {
		t.Errorf("server %+v", server)
	}
	meta := read[oauth.IssuerMetadata](t, s.do(t, "GET", "/.well-known/openid-credential-issuer/issuers/mhlw", ""), 200)
	for _, kind := range []string{"jwt", "attestation"} {
		if meta.Configurations[sdjwt].Proofs[kind].Attested == nil {
			t.Errorf("the proof type %s wants no attestation", kind)
		}
	}
	w := newWallet(t, s)
	m := s.offered(t)
	offer := w.fetch(s.Holder.Link(*m))
	if ask := offer.Grants.AuthorizationCode; ask == nil || ask.IssuerState != "" {
		t.Errorf("the offer's grants are %+v", offer.Grants)
	}
	redeem := redeeming(offer, m.TxCode)
	wants(t, "without attestation", w.post("/token", forms, redeem.Encode(), w.dpop("/token", nil)), 400, oauth.InvalidClient, oauth.ClientAttestationMissing)
	w.shows, w.client = p.shows, p.client
	redeem.Set("client_id", "other")
	wants(t, "another client", w.post("/token", forms, redeem.Encode(), w.dpop("/token", nil)), 400, oauth.InvalidClient, oauth.ClientUnknown)
	redeem.Del("client_id")
	w.token(redeem)

	one, two, three := formattest.Key(t), formattest.Key(t), formattest.Key(t)
	nonce := w.cNonce()
	wants(t, "a key that nobody attests", w.credential(asking(sdjwt, w.prove(one, nonce, nil))), 400, oauth.InvalidProof, oauth.AttestationMissing)
	with := func(k *ecdsa.PrivateKey, attestation string) string {
		return w.prove(k, nonce, func(h, _ map[string]any) { h["key_attestation"] = attestation })
	}
	wants(t, "another key than the attested", w.credential(asking(sdjwt, with(two, p.attests(nonce, one)))), 400, oauth.InvalidProof, oauth.AttestationOtherKey)
	stranger := newProvider(t)
	stranger.s = s
	wants(t, "attested by a stranger", w.credential(asking(sdjwt, with(one, stranger.attests(nonce, one)))), 400, oauth.InvalidProof, oauth.AttestationUntrust)
	if got := read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, with(one, p.attests(nonce, one)))), 200); len(got.Credentials) != 1 {
		t.Errorf("%d copies", len(got.Credentials))
	}
	nonce = w.cNonce()
	body, err := json.Marshal(map[string]any{"credential_configuration_id": sdjwt, "proofs": map[string]any{"attestation": []string{p.attests(nonce, two, three)}}})
	if err != nil {
		t.Fatal(err)
	}
	got := read[oauth.CredentialAnswer](t, w.credential(string(body)), 200)
	if len(got.Credentials) != 2 {
		t.Fatalf("%d copies", len(got.Credentials))
	}
	for i, k := range []*ecdsa.PrivateKey{two, three} {
		checkIssued(t, meta.Configurations[sdjwt], got.Credentials[i].Credential, k)
	}
	renew := url.Values{"grant_type": {oauth.GrantRefresh}, "refresh_token": {w.refresh}}
	p.client = "other"
	wants(t, "another kind of wallet renews", w.post("/token", forms, renew.Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.ClientOther)
	p.client = "https://wallet.example"
	w.token(renew)
}

// TestWalletsThatNobodyAttests: at both endpoints, each for its own reason.
func TestWalletsThatNobodyAttests(t *testing.T) {
	t.Parallel()
	s, good := attestedService(t)
	w := newWallet(t, s)
	m := s.offered(t)
	redeem := redeeming(w.fetch(s.Holder.Link(*m)), m.TxCode)
	push := func() answer { return w.post("/par", forms, pushing().Encode(), w.dpop("/par", nil)) }
	token := func() answer { return w.post("/token", forms, redeem.Encode(), w.dpop("/token", nil)) }
	by := func(change func(*provider)) func(string) []string {
		p := &provider{t: t, s: s, key: good.key, chain: good.chain, anchor: good.anchor, client: good.client, device: formattest.Key(t)}
		change(p)
		return p.shows
	}
	self := formattest.Key(t)
	for what, c := range map[string]struct {
		shows func(string) []string
		want  oauth.Refusal
	}{
		"nothing":           {nil, oauth.ClientAttestationMissing},
		"half of it":        {func(string) []string { return good.shows("")[:2] }, oauth.ClientAttestationMissing},
		"by a stranger":     {by(func(p *provider) { other := newProvider(t); p.key, p.chain = other.key, other.chain }), oauth.ClientAttestationUntrust},
		"with the anchor":   {by(func(p *provider) { p.chain = append(p.chain[:1:1], good.anchor) }), oauth.ClientAttestationUntrust},
		"by no certificate": {by(func(p *provider) { p.chain = nil }), oauth.TokenMalformed},
		"by another key":    {by(func(p *provider) { p.key = formattest.Key(t) }), oauth.TokenSignature},
		"by itself": {by(func(p *provider) {
			p.key = self
			p.chain = []*x509.Certificate{certificate(t, &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "Self"}, KeyUsage: x509.KeyUsageDigitalSignature}, nil, &self.PublicKey, self)}
		}), oauth.ClientAttestationUntrust},
	} {
		w.shows = c.shows
		wants(t, what+", pushing", push(), 400, oauth.InvalidClient, c.want)
		wants(t, what+", redeeming", token(), 400, oauth.InvalidClient, c.want)
	}
	w.shows = by(func(p *provider) { p.client = "other" })
	wants(t, "another kind of wallet, pushing", push(), 400, oauth.InvalidClient, oauth.ClientUnknown)
	used := good.shows("")[3]
	w.shows = by(func(p *provider) { p.device, p.replays = good.device, used })
	read[issuance.Pushed](t, push(), 201)
	wants(t, "the same proof, pushing", push(), 400, oauth.InvalidClient, oauth.ClientProofReplayed)
	wants(t, "the same proof, redeeming", token(), 400, oauth.InvalidClient, oauth.ClientProofReplayed)
	w.shows = good.shows
	w.token(redeem)
}

// TestAttestationsWithoutProviders: where no provider is known, a wallet that shows an attestation is a wallet as any other, and one
// that shows it for a key is refused: it would count for nothing.
func TestAttestationsWithoutProviders(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	p := newProvider(t)
	p.s = s
	w := newWallet(t, s)
	w.shows = p.shows
	m := s.offered(t)
	w.token(redeeming(w.fetch(s.Holder.Link(*m)), m.TxCode))
	nonce, k := w.cNonce(), formattest.Key(t)
	proof := w.prove(k, nonce, func(h, _ map[string]any) { h["key_attestation"] = p.attests(nonce, k) })
	wants(t, "an attested key", w.credential(asking(sdjwt, proof)), 400, oauth.InvalidProof, oauth.AttestationUntrust)
}
