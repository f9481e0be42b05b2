package api_test

import (
	"akashi/internal/format/formattest"
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/mdoc"
	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

const (
	site       = "https://check.example"
	issuerBase = "https://api.example/issuers"
	mhlw       = issuerBase + "/mhlw"
	sdjwt      = "kangoshi.mhlw.sdjwt"
	redirect   = "https://wallet.example/cb"
)

var known = issuance.Wallets{
	"https://wallet.example": {ID: "https://wallet.example", Name: qualification.Text{JA: "試験のウォレット", EN: "Test wallet", Easy: "ためしの ウォレット"}, Redirects: []string{redirect}},
	"other":                  {ID: "other", Redirects: []string{"https://other.example/cb"}},
}

func wallets(w *casetest.World) *issuance.Server {
	return &issuance.Server{DB: w.DB.As(pg.RoleIssuance), Catalogue: w.Catalogue, Issuer: w.Issuer, Forms: issuance.WalletForms(site), Wallets: known,
		Nonces: issuance.NewNonces(w.RefKey), Base: issuerBase, Authorize: "https://portal.example/wallet/authorize"}
}

func holder(w *casetest.World) *issuance.Holder {
	return &issuance.Holder{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey, Forms: issuance.WalletForms(site), Wallets: known, Base: issuerBase}
}

// wallet speaks to an issuer as a person's wallet does. What it sends may be bent by the test.
type wallet struct {
	t       testing.TB
	s       *service
	key     *ecdsa.PrivateKey // of DPoP
	issuer  string
	access  string
	refresh string
	client  string
	late    time.Duration              // by which its clock is behind
	nonce   string                     // of DPoP, that the issuer gave
	shows   func(path string) []string // further fields, nil: none
}

func newWallet(t testing.TB, s *service) *wallet {
	return &wallet{t: t, s: s, key: formattest.Key(t), issuer: mhlw}
}

func jwk(k *ecdsa.PrivateKey) json.RawMessage { return oauth.Key{Public: &k.PublicKey}.JWK() }

var proofs struct {
	sync.Mutex
	n int
}

// dpop makes a proof.
func (w *wallet) dpop(path string, change func(claims map[string]any)) string {
	w.t.Helper()
	proofs.Lock()
	proofs.n++
	n := proofs.n
	proofs.Unlock()
	claims := map[string]any{"jti": fmt.Sprint("jti ", n), "htm": "POST", "htu": w.issuer + path, "iat": w.s.Clock.Now().Add(-w.late).Unix()}
	if w.access != "" && path != "/token" {
		claims["ath"] = oauth.TokenHash(w.access)
	}
	if w.nonce != "" {
		claims["nonce"] = w.nonce
	}
	if change != nil {
		change(claims)
	}
	return w.sign(w.key, map[string]any{"typ": "dpop+jwt", "jwk": jwk(w.key)}, claims)
}

func (w *wallet) sign(k *ecdsa.PrivateKey, header, claims map[string]any) string {
	w.t.Helper()
	text, err := oauth.Sign(k, header, claims)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// post sends a request with a proof, "" for none, and the access token.
func (w *wallet) post(path, media, body, proof string) answer {
	w.t.Helper()
	header := []string{"Content-Type", media}
	if proof != "" {
		header = append(header, "DPoP", proof)
	}
	if w.access != "" && path != "/token" {
		header = append(header, "Authorization", "DPoP "+w.access)
	}
	if w.shows != nil {
		header = append(header, w.shows(path)...)
	}
	return w.s.do(w.t, "POST", strings.TrimPrefix(w.issuer, "https://api.example")+path, body, header...)
}

const forms, objects = "application/x-www-form-urlencoded", "application/json"

// wants compares a refusal with its status, code and name.
func wants(t testing.TB, what string, a answer, status int, code oauth.Code, r oauth.Refusal) {
	t.Helper()
	var f oauth.Failure
	if err := json.Unmarshal([]byte(a.Body), &f); err != nil || a.StatusCode != status || f.Error != code || f.Description != string(r) {
		t.Errorf("%s: %d %s, want %d %s %s", what, a.StatusCode, a.Body, status, code, r)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: the answer may be cached", what)
	}
}

func read[T any](t testing.TB, a answer, status int) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil || a.StatusCode != status {
		t.Fatalf("%s: %d %s, want %d", a.Request.URL.Path, a.StatusCode, a.Body, status)
	}
	return v
}

// fetch takes the offer behind a link.
func (w *wallet) fetch(link string) *oauth.Offer {
	w.t.Helper()
	_, address, err := oauth.ParseLink(link)
	if err != nil {
		w.t.Fatal(err)
	}
	a := w.s.do(w.t, "GET", strings.TrimPrefix(address, "https://api.example"), "")
	o := read[oauth.Offer](w.t, a, 200)
	return &o
}

func redeeming(o *oauth.Offer, txCode string) url.Values {
	return url.Values{"grant_type": {oauth.GrantPreAuthorized}, "pre-authorized_code": {o.Grants.PreAuthorized.Code}, "tx_code": {txCode}}
}

// token asks for tokens and keeps them.
func (w *wallet) token(f url.Values) oauth.Answer {
	w.t.Helper()
	got := read[oauth.Answer](w.t, w.post("/token", forms, f.Encode(), w.dpop("/token", nil)), 200)
	w.access, w.refresh = got.AccessToken, got.RefreshToken
	return got
}

// cNonce asks for a nonce for key proofs.
func (w *wallet) cNonce() string {
	w.t.Helper()
	a := w.s.do(w.t, "POST", strings.TrimPrefix(w.issuer, "https://api.example")+"/nonce", "")
	return read[struct {
		Nonce string `json:"c_nonce"`
	}](w.t, a, 200).Nonce
}

// prove makes a key proof.
func (w *wallet) prove(k *ecdsa.PrivateKey, nonce string, change func(header, claims map[string]any)) string {
	w.t.Helper()
	header := map[string]any{"typ": "openid4vci-proof+jwt", "jwk": jwk(k)}
	claims := map[string]any{"aud": w.issuer, "iat": w.s.Clock.Now().Unix(), "nonce": nonce}
	if w.client != "" {
		claims["iss"] = w.client
	}
	if change != nil {
		change(header, claims)
	}
	return w.sign(k, header, claims)
}

func asking(configuration string, proofs ...string) string {
	raw, err := json.Marshal(map[string]any{"credential_configuration_id": configuration, "proofs": map[string]any{"jwt": proofs}})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func (w *wallet) credential(body string) answer {
	w.t.Helper()
	return w.post("/credential", objects, body, w.dpop("/credential", nil))
}

// offered makes an offer of the nurse's one entry.
func (s *service) offered(t testing.TB) *issuance.Made {
	t.Helper()
	m, err := s.Holder.Offer(t.Context(), s.Nurse, s.subject(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *service) subject(t testing.TB) issuance.Subject {
	t.Helper()
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("%d holdings, error %v", len(held), err)
	}
	return issuance.Subject{RegisterID: held[0].Entry.RegisterID, Entry: held[0].Entry.ID}
}

// ready is a wallet with tokens.
func (s *service) ready(t testing.TB) *wallet {
	t.Helper()
	w := newWallet(t, s)
	m := s.offered(t)
	w.token(redeeming(w.fetch(s.Holder.Link(*m)), m.TxCode))
	return w
}

// TestPreAuthorized: metadata, offer, token, nonce, a batch of two copies bound to two keys, notification, in each form.
func TestPreAuthorized(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	a := s.do(t, "GET", "/.well-known/openid-credential-issuer/issuers/mhlw", "")
	if a.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.Header.Get("Cache-Control"), "max-age") {
		t.Errorf("headers %v", a.Header)
	}
	meta, err := oauth.ParseIssuerMetadata([]byte(a.Body), mhlw)
	if err != nil {
		t.Fatal(err)
	}
	server := read[oauth.ServerMetadata](t, s.do(t, "GET", "/.well-known/oauth-authorization-server/issuers/mhlw", ""), 200)
	if server.Issuer != mhlw || server.Token != mhlw+"/token" || !server.MustPush || !server.IssuerInResponse || server.Authorization != "https://portal.example/wallet/authorize" {
		t.Errorf("server %+v", server)
	}
	all := issuance.WalletForms(site)
	for _, f := range all {
		name := "kangoshi.mhlw." + string(f.Form)
		if c := meta.Configurations[name]; c.Scope != name || c.Format != f.Format || len(c.Proofs["jwt"].Algorithms) != 1 || c.Metadata.Display[0].Name != "看護師" || len(c.Metadata.Claims) == 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	m := s.offered(t)
	for _, secret := range []string{m.TxCode, m.Secret[len(m.Secret)-43:]} {
		var kept bool
		if err := s.DB.Superuser().QueryRow(t.Context(), `select exists (select 1 from issuance_grant g where g::text like '%' || $1 || '%')`, secret).Scan(&kept); err != nil || kept {
			t.Errorf("a secret is kept: %t, error %v", kept, err)
		}
	}
	w := newWallet(t, s)
	offer := w.fetch(s.Holder.Link(*m))
	if offer.Grants.AuthorizationCode != nil { // a wallet that nobody knows could not use it
		t.Errorf("the offer's grants are %+v", offer.Grants)
	}
	if offer.Issuer != mhlw || len(offer.Configurations) != len(all) || offer.Grants.PreAuthorized.TxCode.Length != 6 {
		t.Errorf("offer %+v", offer)
	}
	got := w.token(redeeming(offer, m.TxCode))
	if got.TokenType != "DPoP" || got.Scope != strings.Join(offer.Configurations, " ") || got.Details != nil {
		t.Errorf("tokens %+v", got)
	}
	for _, name := range offer.Configurations {
		one, two := formattest.Key(t), formattest.Key(t)
		nonce := w.cNonce()
		issued := read[oauth.CredentialAnswer](t, w.credential(asking(name, w.prove(one, nonce, nil), w.prove(two, nonce, nil))), 200)
		if len(issued.Credentials) != 2 || issued.Notification == "" {
			t.Fatalf("%s: %+v", name, issued)
		}
		for i, k := range []*ecdsa.PrivateKey{one, two} {
			checkIssued(t, meta.Configurations[name], issued.Credentials[i].Credential, k)
		}
		for range 2 { // the same twice is the same
			if a := w.post("/notification", objects, `{"notification_id":"`+issued.Notification+`","event":"credential_accepted"}`, w.dpop("/notification", nil)); a.StatusCode != 204 {
				t.Errorf("notification: %d %s", a.StatusCode, a.Body)
			}
		}
	}
	s.recorded(t, 2*len(all))
	given, err := s.Holder.Given(t.Context(), s.Nurse, s.subject(t))
	if err != nil || len(given) != 1 || given[0].Grant.State != issuance.Active || len(given[0].Responses) != len(all) {
		t.Fatalf("given %+v, error %v", given, err)
	}
	if r := given[0].Responses[0]; r.Form() != credential.VC || r.Event != "credential_accepted" || len(r.Copies) != 2 {
		t.Errorf("answer %+v", r)
	}
}

// recorded sees that every copy has a place of its own in a status list, and that the log tells the holder of it all.
func (s *service) recorded(t *testing.T, copies int) {
	t.Helper()
	var slots, keys, signed int
	if err := s.DB.Superuser().QueryRow(t.Context(), `select count(distinct (l.list_no, l.idx)), count(distinct c.holder_key), count(c.signed_at)
		from credential_copy c join status_slot l on l.register_id = c.register_id and l.copy_id = c.id`).Scan(&slots, &keys, &signed); err != nil {
		t.Fatal(err)
	}
	if slots != copies || keys != copies || signed != copies {
		t.Errorf("%d places, %d keys, %d signed, want %d", slots, keys, signed, copies)
	}
	for act, n := range map[string]int{"wallet.offer": 1, "wallet.token": 1, "credential.copy": copies, "wallet.notify": copies} {
		var told int
		if err := s.DB.Superuser().QueryRow(t.Context(), `select count(*) from audit_event where act = $1 and person_ref = $2`, act, s.Ref(s.Nurse)).Scan(&told); err != nil || told != n {
			t.Errorf("%s: %d events, want %d, error %v", act, told, n, err)
		}
	}
}

// checkIssued sees that a copy is of the promised type and bound to the wallet's key.
func checkIssued(t *testing.T, c oauth.Configuration, text string, k *ecdsa.PrivateKey) {
	t.Helper()
	if c.Format == "mso_mdoc" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		d, err := mdoc.ParseIssuerSigned(raw)
		if err != nil || d.DocType != c.DocType || !k.PublicKey.Equal(d.DeviceKey) {
			t.Errorf("mdoc %+v, error %v", d, err)
		}
		return
	}
	token, _, _ := strings.Cut(text, "~")
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Type string   `json:"vct"`
		W3C  []string `json:"type"`
		Cnf  struct {
			JWK json.RawMessage `json:"jwk"`
		} `json:"cnf"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	bound, err := oauth.ParseKey(claims.Cnf.JWK)
	if err != nil || !k.PublicKey.Equal(bound.Public) || claims.Type != c.VCT {
		t.Errorf("claims %+v, error %v", claims, err)
	}
	if c.Definition != nil && strings.Join(c.Definition.Type, " ") != strings.Join(claims.W3C, " ") {
		t.Errorf("types %v, promised %v", claims.W3C, c.Definition.Type)
	}
}

// TestTokenRefused: what may go wrong with an offer, each by its name, and what it leaves behind.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	m := s.offered(t)
	w := newWallet(t, s)
	o := w.fetch(s.Holder.Link(*m))
	wrong := "000000"
	if m.TxCode == wrong {
		wrong = "000001"
	}
	post := func(f url.Values, proof string) answer { return w.post("/token", forms, f.Encode(), proof) }
	with := func(name, value string) url.Values {
		f := redeeming(o, m.TxCode)
		f.Set(name, value)
		return f
	}
	code := o.Grants.PreAuthorized.Code
	other := "AAAA" + code[4:]
	for what, c := range map[string]struct {
		form  url.Values
		proof string
		code  oauth.Code
		want  oauth.Refusal
	}{
		"no proof":               {redeeming(o, m.TxCode), "", oauth.InvalidDPoPProof, oauth.DPoPMissing},
		"proof for another path": {redeeming(o, m.TxCode), w.dpop("/credential", nil), oauth.InvalidDPoPProof, oauth.DPoPAddress},
		"proof for another issuer": {redeeming(o, m.TxCode), w.dpop("/token", func(c map[string]any) { c["htu"] = issuerBase + "/aaf/token" }),
			oauth.InvalidDPoPProof, oauth.DPoPAddress},
		"an old proof":          {redeeming(o, m.TxCode), w.dpop("/token", func(c map[string]any) { c["iat"] = 1 }), oauth.UseDPoPNonce, oauth.DPoPTime},
		"a nonce of nobody":     {redeeming(o, m.TxCode), w.dpop("/token", func(c map[string]any) { c["nonce"] = "x" }), oauth.UseDPoPNonce, oauth.DPoPNonce},
		"an unknown grant":      {with("grant_type", "password"), w.dpop("/token", nil), oauth.UnsupportedGrantType, oauth.GrantType},
		"no transaction code":   {with("tx_code", ""), w.dpop("/token", nil), oauth.InvalidRequest, oauth.TxCodeMissing},
		"another register":      {with("pre-authorized_code", other), w.dpop("/token", nil), oauth.InvalidGrant, oauth.CodeUnknown},
		"another secret":        {with("pre-authorized_code", code[:len(code)-1]+string("AQ"[btoi(code[len(code)-1] == 'A')])), w.dpop("/token", nil), oauth.InvalidGrant, oauth.CodeUnknown},
		"no code":               {with("pre-authorized_code", "x"), w.dpop("/token", nil), oauth.InvalidGrant, oauth.CodeUnknown},
		"what was not offered":  {with("authorization_details", `[{"type":"openid_credential","credential_configuration_id":"yakuzaishi.mhlw.sdjwt"}]`), w.dpop("/token", nil), oauth.InvalidDetails, oauth.DetailsUnknown},
		"an authorization code": {url.Values{"grant_type": {oauth.GrantAuthorizationCode}, "client_id": {"x"}, "code": {code}, "code_verifier": {strings.Repeat("a", 43)}, "redirect_uri": {redirect}}, w.dpop("/token", nil), oauth.InvalidGrant, oauth.CodeUsed},
	} {
		a := post(c.form, c.proof)
		wants(t, what, a, 400, c.code, c.want)
		if (a.Header.Get("DPoP-Nonce") != "") != (c.code == oauth.UseDPoPNonce) {
			t.Errorf("%s: nonce %q", what, a.Header.Get("DPoP-Nonce"))
		}
	}
	replayed := w.dpop("/token", nil)
	wants(t, "a wrong transaction code", post(redeeming(o, wrong), replayed), 400, oauth.InvalidGrant, oauth.TxCodeWrong)
	wants(t, "the proof again", post(redeeming(o, m.TxCode), replayed), 400, oauth.InvalidDPoPProof, oauth.DPoPReplayed)
	// A wallet whose clock is wrong repeats its request with the nonce that it was given.
	w.late = 50 * time.Hour
	late := post(redeeming(o, m.TxCode), w.dpop("/token", nil))
	wants(t, "a clock that is behind", late, 400, oauth.UseDPoPNonce, oauth.DPoPTime)
	w.nonce = late.Header.Get("DPoP-Nonce")
	w.token(redeeming(o, m.TxCode))
	// The code comes a second time: one of two is not the wallet, and nobody gets anything any more.
	wants(t, "the code again", post(redeeming(o, m.TxCode), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.CodeUsed)
	a := w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil)))
	wants(t, "after the code was shown twice", a, 401, oauth.InvalidToken, oauth.AccessExpired)
	wants(t, "the offer", s.do(t, "GET", strings.TrimPrefix(mhlw, "https://api.example")+"/offers/"+m.Secret, ""), 400, oauth.InvalidGrant, oauth.CodeUsed)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestTransactionCodeGuessed: the fifth wrong code ends the offer, and the right one comes too late; an offer of yesterday
// is over by itself.
func TestTransactionCodeGuessed(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	m := s.offered(t)
	w := newWallet(t, s)
	o := w.fetch(s.Holder.Link(*m))
	for i := range 5 {
		guess := fmt.Sprintf("%06d", i)
		if guess == m.TxCode {
			guess = "999999"
		}
		want := oauth.TxCodeWrong
		if i == 4 {
			want = oauth.TxCodeLocked
		}
		wants(t, guess, w.post("/token", forms, redeeming(o, guess).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, want)
	}
	wants(t, "the right one", w.post("/token", forms, redeeming(o, m.TxCode).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.TxCodeLocked)
	g, err := s.Holder.Find(t.Context(), s.Nurse, m.RegisterID, m.ID)
	if err != nil || g.State != issuance.Ended || g.Cause != issuance.CauseTries {
		t.Errorf("grant %+v, error %v", g, err)
	}
	m = s.offered(t)
	o = w.fetch(s.Holder.Link(*m))
	s.Clock.Advance(issuance.OfferLife)
	wants(t, "too late", w.post("/token", forms, redeeming(o, m.TxCode).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.CodeExpired)
	m = s.offered(t)
	o = w.fetch(s.Holder.Link(*m))
	if err := s.Holder.Withdraw(t.Context(), s.Nurse, m.RegisterID, m.ID); err != nil {
		t.Fatal(err)
	}
	wants(t, "withdrawn", w.post("/token", forms, redeeming(o, m.TxCode).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.CodeUsed)
}

// TestCredentialRefused: what may go wrong with a request for a credential.
func TestCredentialRefused(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	w := s.ready(t)
	k := formattest.Key(t)
	nonce := w.cNonce()
	claim := func(name string, v any) func(h, c map[string]any) { return func(_, c map[string]any) { c[name] = v } }
	head := func(name string, v any) func(h, c map[string]any) { return func(h, _ map[string]any) { h[name] = v } }
	elsewhere := newWallet(t, s)
	elsewhere.issuer = issuerBase + "/aaf"
	for what, c := range map[string]struct {
		body string
		code oauth.Code
		want oauth.Refusal
	}{
		"no JSON":             {`{`, oauth.InvalidCredential, oauth.CredentialMalformed},
		"no proofs":           {`{"credential_configuration_id":"` + sdjwt + `"}`, oauth.InvalidProof, oauth.ProofMissing},
		"unknown":             {asking("kangoshi.mhlw.ldp", w.prove(k, nonce, nil)), oauth.UnknownConfiguration, oauth.ConfigurationUnknown},
		"not offered":         {asking("yakuzaishi.mhlw.sdjwt", w.prove(k, nonce, nil)), oauth.UnknownConfiguration, oauth.ConfigurationNotGranted},
		"by identifier":       {`{"credential_identifier":"x","proofs":{"jwt":["` + w.prove(k, nonce, nil) + `"]}}`, oauth.InvalidCredential, oauth.CredentialMalformed},
		"encrypted":           {`{"credential_configuration_id":"` + sdjwt + `","credential_response_encryption":{"jwk":{},"enc":"A256GCM"}}`, oauth.InvalidEncryption, oauth.CredentialEncryption},
		"another issuer":      {asking(sdjwt, w.prove(k, nonce, claim("aud", elsewhere.issuer))), oauth.InvalidProof, oauth.ProofAudience},
		"a client of nobody":  {asking(sdjwt, w.prove(k, nonce, claim("iss", "somebody"))), oauth.InvalidProof, oauth.ProofIssuer},
		"no nonce":            {asking(sdjwt, w.prove(k, "", claim("nonce", nil))), oauth.InvalidProof, oauth.ProofClaims},
		"a nonce of nobody":   {asking(sdjwt, w.prove(k, "AAAA", nil)), oauth.InvalidNonce, oauth.ProofNonce},
		"another issuer's":    {asking(sdjwt, w.prove(k, elsewhere.cNonce(), nil)), oauth.InvalidNonce, oauth.ProofNonce},
		"an attestation":      {asking(sdjwt, w.prove(k, nonce, head("key_attestation", w.prove(k, nonce, head("typ", "key-attestation+jwt"))))), oauth.InvalidProof, oauth.AttestationUntrust},
		"alg none":            {asking(sdjwt, w.prove(k, nonce, head("alg", "none"))), oauth.InvalidProof, oauth.TokenAlgorithm},
		"another's key":       {asking(sdjwt, w.prove(k, nonce, head("jwk", jwk(formattest.Key(t))))), oauth.InvalidProof, oauth.TokenSignature},
		"one key twice":       {asking(sdjwt, w.prove(k, nonce, nil), w.prove(k, nonce, nil)), oauth.InvalidProof, oauth.ProofRepeatedKey},
		"two nonces":          {asking(sdjwt, w.prove(k, nonce, nil), w.prove(formattest.Key(t), w.cNonce(), nil)), oauth.InvalidNonce, oauth.ProofNonce},
		"more than a batch":   {asking(sdjwt, strings.Split(strings.Repeat("a,", issuance.BatchSize+1), ",")...), oauth.InvalidProof, oauth.MessageTooLarge},
		"a member twice":      {`{"credential_configuration_id":"a","credential_configuration_id":"b"}`, oauth.InvalidCredential, oauth.CredentialMalformed},
		"the proof of drafts": {`{"format":"dc+sd-jwt","proof":{"proof_type":"jwt","jwt":"a"}}`, oauth.InvalidCredential, oauth.CredentialMalformed},
	} {
		wants(t, what, w.credential(c.body), 400, c.code, c.want)
	}
	// Nothing of that has used the nonce up.
	good := asking(sdjwt, w.prove(k, nonce, nil))
	read[oauth.CredentialAnswer](t, w.credential(good), 200)
	wants(t, "the nonce again", w.credential(good), 400, oauth.InvalidNonce, oauth.ProofReplayed)
	old := w.cNonce()
	s.Clock.Advance(6 * time.Minute)
	wants(t, "an old nonce", w.credential(asking(sdjwt, w.prove(k, old, nil))), 400, oauth.InvalidNonce, oauth.ProofNonce)
	wants(t, "another media type", w.post("/credential", "application/jwt", "x", w.dpop("/credential", nil)), 400, oauth.InvalidEncryption, oauth.CredentialEncryption)
	s.accessRefused(t, w)
}

// accessRefused: what may go wrong with the access token.
func (s *service) accessRefused(t *testing.T, w *wallet) {
	t.Helper()
	body := asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))
	path := "/issuers/mhlw/credential"
	none := s.do(t, "POST", path, body, "Content-Type", objects)
	wants(t, "no token", none, 401, oauth.InvalidRequest, oauth.AccessMissing)
	if h := none.Header.Get("WWW-Authenticate"); h != `DPoP algs="ES256"` {
		t.Errorf("no token: %s", h)
	}
	wants(t, "as Bearer", s.do(t, "POST", path, body, "Content-Type", objects, "Authorization", "Bearer "+w.access), 401, oauth.InvalidToken, oauth.AccessScheme)
	wants(t, "no proof", s.do(t, "POST", path, body, "Content-Type", objects, "Authorization", "DPoP "+w.access), 401, oauth.InvalidDPoPProof, oauth.DPoPMissing)
	a := w.post("/credential", objects, body, w.dpop("/credential", func(c map[string]any) { c["ath"] = oauth.TokenHash("another") }))
	wants(t, "a proof for another token", a, 401, oauth.InvalidDPoPProof, oauth.DPoPToken)
	if h := a.Header.Get("WWW-Authenticate"); !strings.Contains(h, `error="invalid_dpop_proof"`) {
		t.Errorf("a proof for another token: %s", h)
	}
	a = w.post("/credential", objects, body, w.dpop("/credential", func(c map[string]any) { c["iat"] = 1 }))
	wants(t, "an old proof", a, 401, oauth.UseDPoPNonce, oauth.DPoPTime)
	thief := *w
	thief.key = formattest.Key(t)
	wants(t, "a stolen token", thief.credential(body), 401, oauth.InvalidDPoPProof, oauth.DPoPKey)
	abroad := *w
	abroad.issuer = issuerBase + "/aaf"
	wants(t, "at another registrar", abroad.credential(body), 401, oauth.InvalidToken, oauth.AccessUnknown)
	forged := *w
	forged.access = w.refresh
	wants(t, "a refresh token", forged.credential(body), 401, oauth.InvalidToken, oauth.AccessUnknown)
	forged.access = "x"
	wants(t, "no token of ours", forged.credential(body), 401, oauth.InvalidToken, oauth.AccessUnknown)
	replayed := w.dpop("/credential", nil)
	read[oauth.CredentialAnswer](t, w.post("/credential", objects, body, replayed), 200)
	wants(t, "the same request again", w.post("/credential", objects, body, replayed), 401, oauth.InvalidDPoPProof, oauth.DPoPReplayed)
	wants(t, "an unknown transaction", w.post("/deferred", objects, `{"transaction_id":"AAAAAAAAAAAAAAAAAAAAAA"}`, w.dpop("/deferred", nil)), 400, oauth.InvalidTransaction, oauth.TransactionUnknown)
	wants(t, "an unknown notification", w.post("/notification", objects, `{"notification_id":"AAAAAAAAAAAAAAAAAAAAAA","event":"credential_accepted"}`, w.dpop("/notification", nil)), 400, oauth.InvalidNotificationID, oauth.NotificationUnknown)
	wants(t, "an unknown event", w.post("/notification", objects, `{"notification_id":"x","event":"eaten"}`, w.dpop("/notification", nil)), 400, oauth.InvalidNotification, oauth.NotificationMalformed)
	s.Clock.Advance(11 * time.Minute)
	wants(t, "an old token", w.credential(body), 401, oauth.InvalidToken, oauth.AccessExpired)
}

// TestRefresh: tokens are renewed by rotation; the one before is taken again while its answer may be lost, and ends the grant
// TestCopiesExhausted: a grant gives as many copies as it may, and no more; what would go beyond is refused as a whole.
func TestCopiesExhausted(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	w := s.ready(t)
	if _, err := s.DB.Superuser().Exec(t.Context(), `update issuance_grant set copies = 199`); err != nil {
		t.Fatal(err)
	}
	nonce := w.cNonce()
	wants(t, "two of the last one", w.credential(asking(sdjwt, w.prove(formattest.Key(t), nonce, nil), w.prove(formattest.Key(t), nonce, nil))), 400, oauth.CredentialDenied, oauth.CopiesExhausted)
	nonce = w.cNonce()
	read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(formattest.Key(t), nonce, nil))), 200)
	nonce = w.cNonce()
	wants(t, "one more", w.credential(asking(sdjwt, w.prove(formattest.Key(t), nonce, nil))), 400, oauth.CredentialDenied, oauth.CopiesExhausted)
	s.handedOut(t, 1, 1)
}

// after that.
func TestRefresh(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	w := s.ready(t)
	renewing := func(token string) url.Values {
		return url.Values{"grant_type": {oauth.GrantRefresh}, "refresh_token": {token}}
	}
	first, access := w.refresh, w.access
	w.token(renewing(first))
	if w.refresh == first || w.access == access {
		t.Error("the tokens stayed the same")
	}
	w.token(renewing(first)) // its answer was lost
	second := w.refresh
	thief := *w
	thief.key = formattest.Key(t)
	wants(t, "another's key", thief.post("/token", forms, renewing(second).Encode(), thief.dpop("/token", nil)), 400, oauth.InvalidDPoPProof, oauth.DPoPKey)
	forged := *w
	wants(t, "an access token", forged.post("/token", forms, renewing(w.access).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.RefreshUnknown)
	forged.issuer = issuerBase + "/aaf"
	wants(t, "at another registrar", forged.post("/token", forms, renewing(second).Encode(), forged.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.RefreshUnknown)
	read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))), 200)
	s.Clock.Advance(3 * time.Minute)
	wants(t, "the one before, later", w.post("/token", forms, renewing(first).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.RefreshUsed)
	wants(t, "then the new one", w.post("/token", forms, renewing(second).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.GrantEnded)
	w = s.ready(t)
	s.Clock.Advance(91 * 24 * time.Hour)
	wants(t, "after ninety days", w.post("/token", forms, renewing(w.refresh).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.RefreshExpired)
}

// pushing is a request for authorization.
func pushing() url.Values {
	return url.Values{"client_id": {"https://wallet.example"}, "response_type": {"code"}, "redirect_uri": {redirect}, "state": {"the state"},
		"code_challenge": {oauth.Challenge(strings.Repeat("v", 43))}, "code_challenge_method": {"S256"}, "scope": {sdjwt + " unknown"}}
}

// push sends a request for authorization and returns its request_uri.
func (w *wallet) push(f url.Values) string {
	w.t.Helper()
	return read[issuance.Pushed](w.t, w.post("/par", forms, f.Encode(), ""), 201).RequestURI
}

// agreed lets the nurse agree to a request and returns where the browser goes.
func (s *service) agreed(t testing.TB, uri string) url.Values {
	t.Helper()
	q, err := s.Holder.Asked(t.Context(), "https://wallet.example", uri)
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.Holder.Agree(t.Context(), s.Nurse, q, s.subject(t))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, redirect+"?") {
		t.Fatalf("%s, error %v", address, err)
	}
	return u.Query()
}

func exchanging(code string) url.Values {
	return url.Values{"grant_type": {oauth.GrantAuthorizationCode}, "client_id": {"https://wallet.example"}, "code": {code},
		"code_verifier": {strings.Repeat("v", 43)}, "redirect_uri": {redirect}}
}

// TestAuthorizationCode: PAR, consent, the answer with its issuer, a token for identifiers, a credential by identifier.
func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	w := newWallet(t, s)
	w.client = "https://wallet.example"
	f := pushing()
	f.Set("authorization_details", `[{"type":"openid_credential","credential_configuration_id":"`+sdjwt+`"}]`)
	uri := w.push(f)
	back := s.agreed(t, uri)
	if back.Get("iss") != mhlw || back.Get("state") != "the state" {
		t.Errorf("answer %v", back)
	}
	if _, err := s.Holder.Asked(t.Context(), w.client, uri); oauth.RefusalOf(err) != oauth.RequestURIUnknown {
		t.Errorf("the request was answered and is still there: %v", err)
	}
	code := back.Get("code")
	for what, c := range map[string]struct {
		name, value string
		code        oauth.Code
		want        oauth.Refusal
	}{
		"another client":   {"client_id", "other", oauth.InvalidGrant, oauth.ClientOther},
		"another redirect": {"redirect_uri", redirect + "/", oauth.InvalidGrant, oauth.RedirectOther},
		"another verifier": {"code_verifier", strings.Repeat("w", 43), oauth.InvalidGrant, oauth.VerifierWrong},
		"a short verifier": {"code_verifier", "v", oauth.InvalidGrant, oauth.VerifierMalformed},
		"another code":     {"code", code[:len(code)-2] + "AA", oauth.InvalidGrant, oauth.CodeUnknown},
	} {
		f := exchanging(code)
		f.Set(c.name, c.value)
		wants(t, what, w.post("/token", forms, f.Encode(), w.dpop("/token", nil)), 400, c.code, c.want)
	}
	got := w.token(exchanging(code))
	if len(got.Details) != 1 || got.Details[0].Configuration != sdjwt || len(got.Details[0].Identifiers) != 1 {
		t.Fatalf("tokens %+v", got)
	}
	ask := func(identifier, proof string) string {
		return `{"credential_identifier":"` + identifier + `","proofs":{"jwt":["` + proof + `"]}}`
	}
	nonce := w.cNonce()
	wants(t, "another identifier", w.credential(ask("x", w.prove(formattest.Key(t), nonce, nil))), 400, oauth.UnknownIdentifier, oauth.IdentifierUnknown)
	wants(t, "by configuration", w.credential(asking(sdjwt, w.prove(formattest.Key(t), nonce, nil))), 400, oauth.InvalidCredential, oauth.CredentialMalformed)
	read[oauth.CredentialAnswer](t, w.credential(ask(got.Details[0].Identifiers[0], w.prove(formattest.Key(t), nonce, nil))), 200)
	wants(t, "the code again", w.post("/token", forms, exchanging(code).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.CodeUsed)
	// A code that was bound to a key when the request was pushed is no other key's.
	bound := read[issuance.Pushed](t, w.post("/par", forms, pushing().Encode(), newWallet(t, s).dpop("/par", nil)), 201)
	wants(t, "another key than pushed with", w.post("/token", forms, exchanging(s.agreed(t, bound.RequestURI).Get("code")).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidDPoPProof, oauth.DPoPKey)
	late := s.agreed(t, w.push(pushing())).Get("code")
	s.Clock.Advance(time.Minute)
	wants(t, "a minute later", w.post("/token", forms, exchanging(late).Encode(), w.dpop("/token", nil)), 400, oauth.InvalidGrant, oauth.CodeExpired)
}

// TestPushRefused: nothing is kept of what is not in order, and nobody is sent anywhere.
func TestPushRefused(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	w := newWallet(t, s)
	for what, c := range map[string]struct {
		name, value string
		code        oauth.Code
		want        oauth.Refusal
	}{
		"an unknown client":  {"client_id", "evil", oauth.InvalidClient, oauth.ClientUnknown},
		"another's address":  {"redirect_uri", "https://other.example/cb", oauth.InvalidRequest, oauth.RedirectUnknown},
		"a longer address":   {"redirect_uri", redirect + "/../x", oauth.InvalidRequest, oauth.RedirectUnknown},
		"no PKCE":            {"code_challenge", "", oauth.InvalidRequest, oauth.ChallengeMissing},
		"plain PKCE":         {"code_challenge_method", "plain", oauth.InvalidRequest, oauth.ChallengeMethod},
		"another response":   {"response_type", "token", oauth.UnsupportedResponseType, oauth.ResponseType},
		"unknown scopes":     {"scope", "openid", oauth.InvalidScope, oauth.ScopeUnknown},
		"another's scope":    {"scope", "ikkyu-kenchikushi.aaf.sdjwt", oauth.InvalidScope, oauth.ScopeUnknown},
		"unknown details":    {"authorization_details", `[{"type":"openid_credential","credential_configuration_id":"x"}]`, oauth.InvalidDetails, oauth.DetailsUnknown},
		"a request_uri":      {"request_uri", "urn:x", oauth.InvalidRequest, oauth.RequestURIPushed},
		"a thumbprint alone": {"dpop_jkt", "short", oauth.InvalidRequest, oauth.RequestMalformed},
	} {
		f := pushing()
		f.Set(c.name, c.value)
		wants(t, what, w.post("/par", forms, f.Encode(), ""), 400, c.code, c.want)
	}
	f := maps.Clone(pushing())
	f.Set("dpop_jkt", oauth.Key{Public: &formattest.Key(t).PublicKey}.Thumbprint())
	wants(t, "two keys", w.post("/par", forms, f.Encode(), w.dpop("/par", nil)), 400, oauth.InvalidDPoPProof, oauth.DPoPKey)
	proof := w.dpop("/par", nil)
	uri := read[issuance.Pushed](t, w.post("/par", forms, pushing().Encode(), proof), 201).RequestURI
	wants(t, "the proof again", w.post("/par", forms, pushing().Encode(), proof), 400, oauth.InvalidDPoPProof, oauth.DPoPReplayed)
	for what, ask := range map[string][2]string{"another wallet": {"other", uri}, "another request": {"https://wallet.example", uri + "x"}} {
		if _, err := s.Holder.Asked(t.Context(), ask[0], ask[1]); oauth.RefusalOf(err) != oauth.RequestURIUnknown {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Holder.Asked(t.Context(), "https://wallet.example", ""); oauth.RefusalOf(err) != oauth.RequestNotPushed {
		t.Errorf("not pushed: %v", err)
	}
	q, err := s.Holder.Asked(t.Context(), "https://wallet.example", uri)
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.Holder.Deny(t.Context(), q)
	if err != nil || !strings.Contains(address, "error=access_denied&error_description=oauth.consent_refused") || !strings.Contains(address, "iss=https%3A%2F%2Fapi.example%2Fissuers%2Fmhlw") {
		t.Errorf("%s, error %v", address, err)
	}
	if _, err := s.Holder.Agree(t.Context(), s.Nurse, q, s.subject(t)); oauth.RefusalOf(err) != oauth.RequestURIUnknown {
		t.Errorf("agreeing after the no: %v", err)
	}
	later := w.push(pushing())
	s.Clock.Advance(5 * time.Minute)
	if _, err := s.Holder.Asked(t.Context(), "https://wallet.example", later); oauth.RefusalOf(err) != oauth.RequestURIUnknown {
		t.Errorf("five minutes later: %v", err)
	}
	if n, err := issuance.Purge(t.Context(), s.DB.As(pg.RoleWorker)); err != nil || n == 0 {
		t.Errorf("%d deleted, error %v", n, err)
	}
}

// TestDeferred: a holder begins while the case is in review; the wallet waits, and gets its copies once the case is decided.
func TestDeferred(t *testing.T) {
	t.Parallel()
	world := casetest.New(t)
	public := world.InReview(t)
	s := serve(t, world, plenty)
	v, err := s.Desk.View(t.Context(), s.Nurse, public)
	if err != nil {
		t.Fatal(err)
	}
	about := issuance.Subject{RegisterID: v.Case.RegisterID, Case: v.Case.ID}
	m, err := s.Holder.Offer(t.Context(), s.Nurse, about)
	if err != nil {
		t.Fatal(err)
	}
	w := newWallet(t, s)
	w.token(redeeming(w.fetch(s.Holder.Link(*m)), m.TxCode))
	k, nonce := formattest.Key(t), w.cNonce()
	waiting := read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(k, nonce, nil))), 202)
	if waiting.Transaction == "" || waiting.Interval != 3600 || waiting.Credentials != nil {
		t.Fatalf("%+v", waiting)
	}
	ask := func() answer {
		w.token(url.Values{"grant_type": {oauth.GrantRefresh}, "refresh_token": {w.refresh}})
		return w.post("/deferred", objects, `{"transaction_id":"`+waiting.Transaction+`"}`, w.dpop("/deferred", nil))
	}
	if again := read[oauth.CredentialAnswer](t, ask(), 202); again.Transaction != waiting.Transaction {
		t.Errorf("%+v", again)
	}
	s.Propose(t, public)
	s.Approve(t, public)
	s.Work(t)
	s.Clock.Advance(10 * 24 * time.Hour)
	got := read[oauth.CredentialAnswer](t, ask(), 200)
	if len(got.Credentials) != 1 || got.Notification == "" {
		t.Fatalf("%+v", got)
	}
	checkIssued(t, oauth.Configuration{VCT: site + "/types/kangoshi"}, got.Credentials[0].Credential, k)
	wants(t, "once more", ask(), 400, oauth.InvalidTransaction, oauth.TransactionUnknown)
	read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))), 200) // more copies of what is there now
}

// TestDeferredAndRejected: what will never come is refused for good.
func TestDeferredAndRejected(t *testing.T) {
	t.Parallel()
	world := casetest.New(t)
	public := world.InReview(t)
	s := serve(t, world, plenty)
	v, err := s.Desk.View(t.Context(), s.Nurse, public)
	if err != nil {
		t.Fatal(err)
	}
	about := issuance.Subject{RegisterID: v.Case.RegisterID, Case: v.Case.ID}
	m, err := s.Holder.Offer(t.Context(), s.Nurse, about)
	if err != nil {
		t.Fatal(err)
	}
	w := newWallet(t, s)
	w.token(redeeming(w.fetch(s.Holder.Link(*m)), m.TxCode))
	waiting := read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))), 202)
	if err := s.Desk.Withdraw(t.Context(), s.Nurse, public); err != nil {
		t.Fatal(err)
	}
	a := w.post("/deferred", objects, `{"transaction_id":"`+waiting.Transaction+`"}`, w.dpop("/deferred", nil))
	wants(t, "withdrawn", a, 400, oauth.CredentialDenied, oauth.CaseEnded)
	if _, err := s.Holder.Offer(t.Context(), s.Nurse, about); !errors.Is(err, fault.Conflict) {
		t.Errorf("offering what will not come: %v", err)
	}
}

// TestNotInForce: suspended and revoked entries get nothing, neither an offer nor a copy; a restored one does.
func TestNotInForce(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	w := s.ready(t)
	about := s.subject(t)
	request := func() answer { return w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))) }
	for _, step := range []struct {
		measure string
		want    oauth.Refusal
	}{{"suspend", oauth.CredentialSuspended}, {"restore", ""}, {"revoke", oauth.CredentialEnded}} {
		s.Measure(t, about.RegisterID, about.Entry, s.Ref(s.Nurse), step.measure)
		s.Work(t)
		a := request()
		_, err := s.Holder.Offer(t.Context(), s.Nurse, about)
		if step.want == "" {
			read[oauth.CredentialAnswer](t, a, 200)
			if err != nil {
				t.Errorf("%s: %v", step.measure, err)
			}
			continue
		}
		wants(t, step.measure, a, 400, oauth.CredentialDenied, step.want)
		if !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: an offer: %v", step.measure, err)
		}
	}
}

// TestRevokedWhileSigning: a measure that is faster than the signature wins, and the copy is handed to nobody.
func TestRevokedWhileSigning(t *testing.T) {
	t.Parallel()
	world := casetest.New(t)
	world.Registered(t)
	sign := world.Issuer.Sign
	var meanwhile func()
	world.Issuer.Sign = func(ctx context.Context, kid string, b []byte) ([]byte, error) {
		if f := meanwhile; f != nil {
			meanwhile = nil
			f()
		}
		return sign(ctx, kid, b)
	}
	s := serve(t, world, plenty)
	w := s.ready(t)
	about := s.subject(t)
	meanwhile = func() {
		id, err := s.Office.ProposeMeasure(t.Context(), s.Keeper, review.Measure{Register: about.RegisterID, EntryID: about.Entry, Ref: s.Ref(s.Nurse),
			Kind: review.MeasureRevoke, Reason: "試験", Who: casetest.Card()})
		if err != nil {
			t.Error(err)
		}
		s.Approve(t, id)
	}
	a := w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil)))
	wants(t, "revoked meanwhile", a, 400, oauth.CredentialDenied, oauth.CredentialEnded)
	s.handedOut(t, 1, 0)
}

// handedOut counts the intents of copies and those that were completed.
func (s *service) handedOut(t *testing.T, intended, signed int) {
	t.Helper()
	var i, c int
	if err := s.DB.Superuser().QueryRow(t.Context(), `select count(*), count(signed_at) from credential_copy`).Scan(&i, &c); err != nil || i != intended || c != signed {
		t.Errorf("%d intents, %d signed, want %d and %d, error %v", i, c, intended, signed, err)
	}
}

// TestCrashBeforeSignature: the signer fails after the intent was recorded. The wallet is told to come again; it does, and
// gets another copy; the first stays an intent that nobody was given.
func TestCrashBeforeSignature(t *testing.T) {
	t.Parallel()
	world := casetest.New(t)
	world.Registered(t)
	sign := world.Issuer.Sign
	down := true
	world.Issuer.Sign = func(ctx context.Context, kid string, b []byte) ([]byte, error) {
		if down {
			return nil, fault.New(fault.Upstream, "", "signer down")
		}
		return sign(ctx, kid, b)
	}
	s := serve(t, world, plenty)
	w := s.ready(t)
	k, nonce := formattest.Key(t), w.cNonce()
	a := w.credential(asking(sdjwt, w.prove(k, nonce, nil)))
	wants(t, "the signer is down", a, 503, oauth.TemporarilyUnavailable, "")
	s.handedOut(t, 1, 0)
	down = false
	wants(t, "with the same nonce", w.credential(asking(sdjwt, w.prove(k, nonce, nil))), 400, oauth.InvalidNonce, oauth.ProofReplayed)
	read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(k, w.cNonce(), nil))), 200)
	s.handedOut(t, 2, 1)
}

// TestAtOnce: of many who redeem one code or use one nonce at once, one succeeds.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	m := s.offered(t)
	o := newWallet(t, s).fetch(s.Holder.Link(*m))
	count := func(f func(w *wallet) answer) (n int) {
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 8 {
			w := newWallet(t, s)
			group.Go(func() {
				if a := f(w); a.StatusCode == 200 {
					mu.Lock()
					n++
					mu.Unlock()
				}
			})
		}
		group.Wait()
		return n
	}
	form := redeeming(o, m.TxCode).Encode()
	if n := count(func(w *wallet) answer { return w.post("/token", forms, form, w.dpop("/token", nil)) }); n != 1 {
		t.Errorf("the code was redeemed %d times", n)
	}
	ready := s.ready(t)
	body := asking(sdjwt, ready.prove(formattest.Key(t), ready.cNonce(), nil))
	if n := count(func(*wallet) answer { return ready.credential(body) }); n != 1 {
		t.Errorf("the nonce was used %d times", n)
	}
}

// TestWalletDoors: another person's entry, case or grant does not exist, and the wallet's role sees nothing before a grant
// has named a reference.
func TestWalletDoors(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	about := s.subject(t)
	m := s.offered(t)
	other := s.Another(t, "another", casetest.Card())
	if _, err := s.Holder.Offer(t.Context(), other, about); !errors.Is(err, fault.NotFound) {
		t.Errorf("another's entry: %v", err)
	}
	if _, err := s.Holder.Find(t.Context(), other, m.RegisterID, m.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("another's offer: %v", err)
	}
	if err := s.Holder.Withdraw(t.Context(), other, m.RegisterID, m.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("withdrawing another's offer: %v", err)
	}
	w := newWallet(t, s)
	q, err := s.Holder.Asked(t.Context(), "https://wallet.example", w.push(pushing()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Holder.Agree(t.Context(), other, q, about); !errors.Is(err, fault.NotFound) {
		t.Errorf("agreeing about another's entry: %v", err)
	}
	db := s.DB.As(pg.RoleIssuance)
	for sql, ref := range map[string]bool{"select count(*) from credential": false, "select count(id) from application": false, "select count(entry_id) from entry_history": false} {
		var n int
		err := db.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error { return tx.QueryRow(t.Context(), sql).Scan(&n) })
		if err != nil || n != 0 || ref {
			t.Errorf("%s: %d rows without a reference, error %v", sql, n, err)
		}
	}
	for _, sql := range []string{"select * from entry", "select applicant from application", "select facts from entry_history", "select * from holding",
		"update credential set state = 'valid'", "insert into issuance_grant default values", "delete from issuance_seen"} {
		err := db.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error { _, err := tx.Exec(t.Context(), sql); return err })
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v, want permission denied", sql, err)
		}
	}
	var n int
	if err := db.InRegistrar(t.Context(), "aaf", func(tx *pg.Tx) error { return tx.QueryRow(t.Context(), "select count(*) from issuance_grant").Scan(&n) }); err != nil || n != 0 {
		t.Errorf("another registrar sees %d grants, error %v", n, err)
	}
}

// TestUnknownIssuers: what is no issuer has neither metadata nor endpoints, and browsers of other origins are answered.
func TestUnknownIssuers(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	for _, path := range []string{"/.well-known/openid-credential-issuer/issuers/nobody", "/.well-known/oauth-authorization-server/issuers/nobody"} {
		if a := s.do(t, "GET", path, ""); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	w := newWallet(t, s)
	w.issuer = issuerBase + "/nobody"
	if a := w.post("/token", forms, "grant_type=refresh_token&refresh_token=x", w.dpop("/token", nil)); a.StatusCode != 404 {
		t.Errorf("token: %d %s", a.StatusCode, a.Body)
	}
	r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", s.URL+"/issuers/mhlw/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || !strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "DPoP") {
		t.Errorf("preflight %v, error %v", resp.Header, err)
	}
}
