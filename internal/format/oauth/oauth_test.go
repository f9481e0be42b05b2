package oauth

import (
	"akashi/internal/format/formattest"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"akashi/internal/fault"

	"github.com/go-jose/go-jose/v4"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func jwk(k *ecdsa.PrivateKey) json.RawMessage { return Key{Public: &k.PublicKey}.JWK() }

func signed(t testing.TB, k *ecdsa.PrivateKey, header, claims map[string]any) string {
	t.Helper()
	s, err := Sign(k, header, claims)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wants(t *testing.T, what string, err error, want Refusal, code Code) {
	t.Helper()
	if RefusalOf(err) != want || !errors.Is(err, fault.Invalid) {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
	if got := CodeOf(err); got != code {
		t.Errorf("%s: the wallet hears %s, want %s", what, got, code)
	}
}

// TestVectors: the examples of RFC 7636 (appendix B) and RFC 9449 (§4.1, §6.1, §7.1).
func TestVectors(t *testing.T) {
	t.Parallel()
	if err := CheckVerifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"); err != nil {
		t.Error(err)
	}
	const proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	d, err := CheckDPoP([]string{proof}, DPoPWant{Method: "POST", Address: "https://server.example.com/token", Now: time.Unix(1562262616, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "-BwC3ESc6acc2lTc" || d.Key.Thumbprint() != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("jti %s, thumbprint %s", d.ID, d.Key.Thumbprint())
	}
	if h := TokenHash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"); h != "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" {
		t.Errorf("ath %s", h)
	}
}

// TestJoseReadsOurs: an independent library reads what Sign makes, and finds the same thumbprint.
func TestJoseReadsOurs(t *testing.T) {
	t.Parallel()
	k := formattest.Key(t)
	s := signed(t, k, map[string]any{"typ": "x"}, map[string]any{"a": 1})
	parsed, err := jose.ParseSignedCompact(s, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := parsed.Verify(&k.PublicKey); err != nil || string(body) != `{"a":1}` {
		t.Errorf("%s, error %v", body, err)
	}
	sum, err := (&jose.JSONWebKey{Key: &k.PublicKey}).Thumbprint(5) // crypto.SHA256
	if err != nil || b64.EncodeToString(sum) != (Key{Public: &k.PublicKey}).Thumbprint() {
		t.Errorf("thumbprint %x, error %v", sum, err)
	}
}

func TestVerifier(t *testing.T) {
	t.Parallel()
	challenge := Challenge(strings.Repeat("a", 43))
	for verifier, want := range map[string]Refusal{strings.Repeat("a", 42): VerifierMalformed, strings.Repeat("a", 129): VerifierMalformed,
		strings.Repeat("a", 42) + "+": VerifierMalformed, strings.Repeat("b", 43): VerifierWrong} {
		wants(t, verifier, CheckVerifier(verifier, challenge), want, InvalidGrant)
	}
}

// token cases that any signed message must survive; base makes one, and every change must be refused.
func dpopParts(k *ecdsa.PrivateKey) (header, claims map[string]any) {
	return map[string]any{"typ": typeDPoP, "jwk": jwk(k)},
		map[string]any{"jti": "1", "htm": "POST", "htu": "https://api.example/issuers/mhlw/token", "iat": now.Unix(), "ath": TokenHash("at")}
}

func TestDPoP(t *testing.T) {
	t.Parallel()
	k, other := formattest.Key(t), formattest.Key(t)
	want := DPoPWant{Method: "POST", Address: "https://api.example/issuers/mhlw/token", Now: now, Token: "at", Nonce: func(s string) bool { return s == "ours" }}
	with := func(change func(h, c map[string]any)) string {
		h, c := dpopParts(k)
		change(h, c)
		return signed(t, k, h, c)
	}
	for _, ok := range []func(h, c map[string]any){
		func(_, _ map[string]any) {},
		func(_, c map[string]any) { c["htu"] = "HTTPS://API.example:443/issuers/./mhlw/%74oken?x=1#y" },
		func(_, c map[string]any) { c["iat"] = now.Add(-59 * time.Second).Unix() },
		func(_, c map[string]any) { c["iat"], c["nonce"] = now.Add(-72*time.Hour).Unix(), "ours" },
		func(_, c map[string]any) { c["extra"] = map[string]any{"deep": []int{1}} },
	} {
		if _, err := CheckDPoP([]string{with(ok)}, want); err != nil {
			t.Error(err)
		}
	}
	set := func(name string, v any) func(h, c map[string]any) { return func(_, c map[string]any) { c[name] = v } }
	head := func(name string, v any) func(h, c map[string]any) { return func(h, _ map[string]any) { h[name] = v } }
	private := json.RawMessage(strings.Replace(string(jwk(k)), "{", `{"d":"AAAA",`, 1))
	for name, c := range map[string]struct {
		change func(h, c map[string]any)
		want   Refusal
		code   Code
	}{
		"another typ":        {head("typ", "JWT"), DPoPType, InvalidDPoPProof},
		"no typ":             {head("typ", nil), DPoPType, InvalidDPoPProof},
		"alg none":           {head("alg", "none"), TokenAlgorithm, InvalidDPoPProof},
		"alg HS256":          {head("alg", "HS256"), TokenAlgorithm, InvalidDPoPProof},
		"alg ES384":          {head("alg", "ES384"), TokenAlgorithm, InvalidDPoPProof},
		"crit":               {head("crit", []string{"exp"}), TokenCritical, InvalidDPoPProof},
		"private key":        {head("jwk", private), KeyPrivate, InvalidDPoPProof},
		"symmetric key":      {head("jwk", map[string]string{"kty": "oct", "k": "AA"}), KeyPrivate, InvalidDPoPProof},
		"another curve":      {head("jwk", map[string]string{"kty": "EC", "crv": "P-384"}), KeyUnsupported, InvalidDPoPProof},
		"key for encryption": {head("jwk", json.RawMessage(strings.Replace(string(jwk(k)), "{", `{"use":"enc",`, 1))), KeyUnsupported, InvalidDPoPProof},
		"no point":           {head("jwk", json.RawMessage(`{"kty":"EC","crv":"P-256","x":"`+strings.Repeat("A", 43)+`","y":"`+strings.Repeat("A", 43)+`"}`)), KeyMalformed, InvalidDPoPProof},
		"no key":             {head("jwk", nil), KeyMalformed, InvalidDPoPProof},
		"another's key":      {head("jwk", jwk(other)), TokenSignature, InvalidDPoPProof},
		"no jti":             {set("jti", nil), DPoPClaims, InvalidDPoPProof},
		"empty jti":          {set("jti", ""), DPoPClaims, InvalidDPoPProof},
		"long jti":           {set("jti", strings.Repeat("j", 129)), DPoPClaims, InvalidDPoPProof},
		"iat before 1970":    {set("iat", -1), DPoPClaims, InvalidDPoPProof},
		"iat as text":        {set("iat", "now"), TokenMalformed, InvalidDPoPProof},
		"another method":     {set("htm", "post"), DPoPMethod, InvalidDPoPProof},
		"another path":       {set("htu", "https://api.example/issuers/mext/token"), DPoPAddress, InvalidDPoPProof},
		"another host":       {set("htu", "https://evil.example/issuers/mhlw/token"), DPoPAddress, InvalidDPoPProof},
		"another port":       {set("htu", "https://api.example:444/issuers/mhlw/token"), DPoPAddress, InvalidDPoPProof},
		"without TLS":        {set("htu", "http://api.example/issuers/mhlw/token"), DPoPAddress, InvalidDPoPProof},
		"user in address":    {set("htu", "https://me@api.example/issuers/mhlw/token"), DPoPAddress, InvalidDPoPProof},
		"too old":            {set("iat", now.Add(-2*time.Minute).Unix()), DPoPTime, UseDPoPNonce},
		"from the future":    {set("iat", now.Add(2*time.Minute).Unix()), DPoPTime, UseDPoPNonce},
		"a nonce of others":  {set("nonce", "theirs"), DPoPNonce, UseDPoPNonce},
		"another token":      {set("ath", TokenHash("other")), DPoPToken, InvalidDPoPProof},
		"no ath":             {set("ath", nil), DPoPToken, InvalidDPoPProof},
	} {
		_, err := CheckDPoP([]string{with(c.change)}, want)
		wants(t, name, err, c.want, c.code)
	}
	good := with(func(_, _ map[string]any) {})
	for name, c := range map[string]struct {
		fields []string
		want   Refusal
	}{
		"none": {nil, DPoPMissing}, "two": {[]string{good, good}, DPoPSeveral}, "no token": {[]string{"x"}, TokenMalformed},
		"padded":            {[]string{strings.Replace(good, ".", "=.", 1)}, TokenMalformed},
		"without signature": {[]string{good[:strings.LastIndexByte(good, '.')+1]}, TokenSignature},
		"short signature":   {[]string{good[:len(good)-6]}, TokenSignature},
		"large":             {[]string{strings.Repeat("a", maxToken+1)}, MessageTooLarge},
	} {
		_, err := CheckDPoP(c.fields, want)
		wants(t, name, err, c.want, InvalidDPoPProof)
	}
}

// TestDoubledMembers: JSON in which a member stands twice has two meanings, and none is taken.
func TestDoubledMembers(t *testing.T) {
	t.Parallel()
	k := formattest.Key(t)
	forge := func(header, claims string) string {
		text := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(claims))
		good := signed(t, k, nil, map[string]any{})
		return text + good[strings.LastIndexByte(good, '.'):]
	}
	for name, text := range map[string]string{
		"header":  forge(`{"alg":"none","alg":"ES256","typ":"dpop+jwt"}`, `{}`),
		"deep":    forge(`{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"EC","kty":"EC"}}`, `{}`),
		"case":    forge(`{"ALG":"none","alg":"ES256","typ":"dpop+jwt"}`, `{}`),
		"capital": forge(`{"ALG":"ES256","typ":"dpop+jwt"}`, `{}`),
		"kelvin":  forge("{\"Kid\":\"1\",\"alg\":\"ES256\"}", `{}`),
		"tail":    forge(`{"alg":"ES256"} {}`, `{}`),
		"array":   forge(`[]`, `{}`),
		"nested":  forge(`{"alg":"ES256","x":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`, `{}`),
		"bytes":   forge("{\"alg\":\"ES256\",\"x\":\"\xff\"}", `{}`),
	} {
		_, err := CheckDPoP([]string{text}, DPoPWant{})
		wants(t, name, err, TokenMalformed, InvalidDPoPProof)
	}
}

const issuer = "https://api.example/issuers/mhlw"

func proofParts(k *ecdsa.PrivateKey) (header, claims map[string]any) {
	return map[string]any{"typ": typeProof, "jwk": jwk(k)}, map[string]any{"aud": issuer, "iat": now.Unix(), "nonce": "n"}
}

func TestProof(t *testing.T) {
	t.Parallel()
	k, other := formattest.Key(t), formattest.Key(t)
	with := func(change func(h, c map[string]any)) string {
		h, c := proofParts(k)
		change(h, c)
		return signed(t, k, h, c)
	}
	named := ProofWant{Issuer: issuer, ClientID: "wallet", Now: now}
	p, err := CheckProof(with(func(_, c map[string]any) { c["iss"] = "wallet" }), named)
	if err != nil || p.Nonce != "n" || len(p.Keys) != 1 || !p.Keys[0].Public.Equal(&k.PublicKey) {
		t.Fatalf("%+v, error %v", p, err)
	}
	set := func(name string, v any) func(h, c map[string]any) { return func(_, c map[string]any) { c[name] = v } }
	head := func(name string, v any) func(h, c map[string]any) { return func(h, _ map[string]any) { h[name] = v } }
	private := json.RawMessage(strings.Replace(string(jwk(k)), "{", `{"d":"AAAA",`, 1))
	for name, c := range map[string]struct {
		change func(h, c map[string]any)
		want   Refusal
	}{
		"another typ":                          {head("typ", "JWT"), ProofType},
		"alg none":                             {head("alg", "none"), TokenAlgorithm},
		"alg HS256":                            {head("alg", "HS256"), TokenAlgorithm},
		"private key":                          {head("jwk", private), KeyPrivate},
		"kid and jwk":                          {head("kid", "did:example:1"), ProofKey},
		"neither kid nor jwk":                  {func(h, _ map[string]any) { delete(h, "jwk") }, ProofKey},
		"kid alone":                            {func(h, _ map[string]any) { delete(h, "jwk"); h["kid"] = "did:example:1" }, ProofKey},
		"x5c":                                  {head("x5c", []string{"AA"}), ProofKey},
		"trust chain":                          {head("trust_chain", []string{"AA"}), ProofKey},
		"another's key":                        {head("jwk", jwk(other)), TokenSignature},
		"another issuer":                       {set("aud", "https://api.example/issuers/mext"), ProofAudience},
		"several audiences":                    {set("aud", []string{issuer}), ProofClaims},
		"no audience":                          {func(_, c map[string]any) { delete(c, "aud") }, ProofClaims},
		"no iat":                               {set("iat", nil), ProofClaims},
		"from the future":                      {set("iat", now.Add(time.Hour).Unix()), ProofTime},
		"another client":                       {set("iss", "other"), ProofIssuer},
		"no nonce":                             {set("nonce", nil), ProofClaims},
		"an attestation that nobody asked for": {head("key_attestation", "a.b.c"), TokenMalformed},
	} {
		_, err := CheckProof(with(c.change), named)
		wants(t, name, err, c.want, InvalidProof)
	}
	_, err = CheckProof(with(set("iss", "wallet")), ProofWant{Issuer: issuer, Now: now})
	wants(t, "iss of an anonymous client", err, ProofIssuer, InvalidProof)
}

func TestAttestation(t *testing.T) {
	t.Parallel()
	provider, k, second, other := formattest.Key(t), formattest.Key(t), formattest.Key(t), formattest.Key(t)
	want := ProofWant{Issuer: issuer, Now: now, Trust: func(a Attester) (Key, bool) {
		return Key{Public: &provider.PublicKey}, a.Issuer == "https://provider.example" && a.KID == "1"
	}}
	base := func() (h, c map[string]any) {
		withKID := strings.Replace(string(jwk(k)), "{", `{"kid":"0",`, 1)
		return map[string]any{"typ": typeAttestation, "kid": "1"}, map[string]any{"iss": "https://provider.example", "iat": now.Unix(),
			"exp": now.Add(time.Hour).Unix(), "nonce": "n", "key_storage": []string{"iso_18045_high"},
			"attested_keys": []json.RawMessage{json.RawMessage(withKID), jwk(second)}}
	}
	attest := func(by *ecdsa.PrivateKey, change func(h, c map[string]any)) string {
		h, c := base()
		change(h, c)
		return signed(t, by, h, c)
	}
	nothing := func(_, _ map[string]any) {}
	prove := func(by *ecdsa.PrivateKey, attestation string, change func(h, c map[string]any)) string {
		h, c := proofParts(by)
		h["key_attestation"] = attestation
		change(h, c)
		return signed(t, by, h, c)
	}
	good := attest(provider, nothing)
	for name, text := range map[string]string{"by jwk": prove(k, good, nothing),
		"by kid": prove(k, good, func(h, _ map[string]any) { delete(h, "jwk"); h["kid"] = "0" })} {
		if p, err := CheckProof(text, want); err != nil || len(p.Keys) != 2 || p.Attested.Storage[0] != "iso_18045_high" {
			t.Errorf("%s: %+v, error %v", name, p, err)
		}
	}
	set := func(name string, v any) func(h, c map[string]any) { return func(_, c map[string]any) { c[name] = v } }
	for name, c := range map[string]struct {
		text string
		want Refusal
		code Code
	}{
		"another key signs the proof": {prove(other, good, nothing), AttestationOtherKey, InvalidProof},
		"by another provider":         {prove(k, attest(other, nothing), nothing), TokenSignature, InvalidProof},
		"by nobody known":             {prove(k, attest(provider, set("iss", "https://evil.example")), nothing), AttestationUntrust, InvalidProof},
		"expired":                     {prove(k, attest(provider, set("exp", now.Unix())), nothing), AttestationExpired, InvalidProof},
		"no exp":                      {prove(k, attest(provider, set("exp", nil)), nothing), AttestationClaims, InvalidProof},
		"no keys":                     {prove(k, attest(provider, set("attested_keys", []int{})), nothing), AttestationClaims, InvalidProof},
		"a key twice":                 {prove(k, attest(provider, set("attested_keys", []json.RawMessage{jwk(k), jwk(k)})), nothing), ProofRepeatedKey, InvalidProof},
		"another nonce":               {prove(k, attest(provider, set("nonce", "m")), nothing), ProofNonce, InvalidNonce},
		"another typ":                 {prove(k, attest(provider, func(h, _ map[string]any) { h["typ"] = "JWT" }), nothing), AttestationType, InvalidProof},
		"too many keys":               {prove(k, attest(provider, set("attested_keys", slicesOf(jwk(k), maxAttested+1))), nothing), MessageTooLarge, InvalidProof},
	} {
		_, err := CheckProof(c.text, want)
		wants(t, name, err, c.want, c.code)
	}
	keys, nonce, err := Proofs(&CredentialRequest{Attestations: []string{good}}, want)
	if err != nil || len(keys) != 2 || nonce != "n" {
		t.Errorf("%d keys, nonce %q, error %v", len(keys), nonce, err)
	}
	_, err = CheckProof(prove(k, good, nothing), ProofWant{Issuer: issuer, Now: now})
	wants(t, "no provider is known", err, AttestationUntrust, InvalidProof)
	want.Attested = true
	h, c := proofParts(k)
	_, _, err = Proofs(&CredentialRequest{JWTs: []string{signed(t, k, h, c)}}, want)
	wants(t, "a key that nobody attests", err, AttestationMissing, InvalidProof)
}

// TestClientAttestation: a wallet is known by its provider's word and its own proof, each refused for its own reason.
func TestClientAttestation(t *testing.T) {
	t.Parallel()
	provider, k, other := formattest.Key(t), formattest.Key(t), formattest.Key(t)
	want := ClientWant{Issuer: issuer, Now: now, Trust: func(a Attester) (Key, bool) {
		return Key{Public: &provider.PublicKey}, a.Issuer == "https://provider.example"
	}}
	type change func(h, c map[string]any)
	nothing := func(_, _ map[string]any) {}
	set := func(name string, v any) change { return func(_, c map[string]any) { c[name] = v } }
	attest := func(by *ecdsa.PrivateKey, f change) string {
		h, c := map[string]any{"typ": typeClient}, map[string]any{"iss": "https://provider.example", "sub": "wallet", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
			"cnf": map[string]any{"jwk": jwk(k)}}
		f(h, c)
		return signed(t, by, h, c)
	}
	prove := func(by *ecdsa.PrivateKey, f change) string {
		h, c := map[string]any{"typ": typeClientProof}, map[string]any{"iss": "wallet", "aud": issuer, "jti": "1", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
		f(h, c)
		return signed(t, by, h, c)
	}
	good, proof := attest(provider, nothing), prove(k, nothing)
	for name, p := range map[string]string{"as usual": proof, "without iss": prove(k, set("iss", nil)), "aud as a list": prove(k, set("aud", []string{issuer}))} {
		if c, err := CheckClient([]string{good}, []string{p}, want); err != nil || c.ID != "wallet" || c.Proof != "1" || !c.Key.Public.Equal(&k.PublicKey) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	for name, c := range map[string]struct {
		attestations, proofs []string
		want                 Refusal
	}{
		"nothing":                 {nil, nil, ClientAttestationMissing},
		"no proof":                {[]string{good}, nil, ClientAttestationMissing},
		"two attestations":        {[]string{good, good}, []string{proof}, ClientAttestationMissing},
		"another typ":             {[]string{attest(provider, func(h, _ map[string]any) { h["typ"] = "JWT" })}, []string{proof}, ClientAttestationType},
		"a proof of another typ":  {[]string{good}, []string{prove(k, func(h, _ map[string]any) { h["typ"] = typeProof })}, ClientAttestationType},
		"by nobody known":         {[]string{attest(provider, set("iss", "https://evil.example"))}, []string{proof}, ClientAttestationUntrust},
		"signed by another":       {[]string{attest(other, nothing)}, []string{proof}, TokenSignature},
		"expired":                 {[]string{attest(provider, set("exp", now.Unix()))}, []string{proof}, ClientAttestationExpired},
		"without an end":          {[]string{attest(provider, set("exp", nil))}, []string{proof}, ClientAttestationClaims},
		"without a key":           {[]string{attest(provider, set("cnf", nil))}, []string{proof}, ClientAttestationClaims},
		"without a name":          {[]string{attest(provider, set("sub", nil))}, []string{proof}, ClientAttestationClaims},
		"from the future":         {[]string{attest(provider, set("iat", now.Add(time.Hour).Unix()))}, []string{proof}, ClientAttestationClaims},
		"with a private key":      {[]string{attest(provider, set("cnf", map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-256", "d": "x"}}))}, []string{proof}, KeyPrivate},
		"certificates of nothing": {[]string{attest(provider, func(h, _ map[string]any) { h["x5c"] = []string{"AAAA"} })}, []string{proof}, TokenMalformed},
		"a proof by another key":  {[]string{good}, []string{prove(other, nothing)}, TokenSignature},
		"a proof for another":     {[]string{good}, []string{prove(k, set("aud", "https://elsewhere.example"))}, ClientProofAudience},
		"a proof for two":         {[]string{good}, []string{prove(k, set("aud", []string{issuer, "https://elsewhere.example"}))}, ClientProofAudience},
		"a proof without id":      {[]string{good}, []string{prove(k, set("jti", nil))}, ClientAttestationClaims},
		"a proof without time":    {[]string{good}, []string{prove(k, set("iat", nil))}, ClientAttestationClaims},
		"a proof of long ago":     {[]string{good}, []string{prove(k, set("iat", now.Add(-time.Hour).Unix()))}, ClientProofTime},
		"a proof that has ended":  {[]string{good}, []string{prove(k, set("exp", now.Unix()))}, ClientProofTime},
		"a proof by another name": {[]string{good}, []string{prove(k, set("iss", "another"))}, ClientAttestationClaims},
		"a proof without alg":     {[]string{good}, []string{"eyJhbGciOiJub25lIiwidHlwIjoib2F1dGgtY2xpZW50LWF0dGVzdGF0aW9uLXBvcCtqd3QifQ.e30."}, TokenAlgorithm},
	} {
		_, err := CheckClient(c.attestations, c.proofs, want)
		wants(t, name, err, c.want, InvalidClient)
	}
	want.Trust = nil
	_, err := CheckClient([]string{good}, []string{proof}, want)
	wants(t, "no provider is known", err, ClientAttestationUntrust, InvalidClient)
}

func slicesOf(k json.RawMessage, n int) (out []json.RawMessage) {
	for range n {
		out = append(out, k)
	}
	return out
}

func TestProofs(t *testing.T) {
	t.Parallel()
	k, second := formattest.Key(t), formattest.Key(t)
	want := ProofWant{Issuer: issuer, Now: now}
	proof := func(k *ecdsa.PrivateKey, nonce string) string {
		h, c := proofParts(k)
		c["nonce"] = nonce
		return signed(t, k, h, c)
	}
	keys, nonce, err := Proofs(&CredentialRequest{JWTs: []string{proof(k, "n"), proof(second, "n")}}, want)
	if err != nil || len(keys) != 2 || nonce != "n" {
		t.Fatalf("%d keys, nonce %q, error %v", len(keys), nonce, err)
	}
	_, _, err = Proofs(&CredentialRequest{JWTs: []string{proof(k, "n"), proof(second, "m")}}, want)
	wants(t, "two nonces", err, ProofNonce, InvalidNonce)
	_, _, err = Proofs(&CredentialRequest{JWTs: []string{proof(k, "n"), proof(k, "n")}}, want)
	wants(t, "one key twice", err, ProofRepeatedKey, InvalidProof)
}

func pushed() url.Values {
	return url.Values{"client_id": {"wallet"}, "response_type": {"code"}, "redirect_uri": {"https://wallet.example/cb"}, "state": {"s"},
		"code_challenge": {Challenge(strings.Repeat("a", 43))}, "code_challenge_method": {"S256"}, "scope": {"kangoshi.mhlw.sdjwt other"},
		"authorization_details": {`[{"type":"openid_credential","credential_configuration_id":"kangoshi.mhlw.mdoc"}]`}}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	r, err := ParseAuthorization([]byte(pushed().Encode()))
	if err != nil || r.ClientID != "wallet" || len(r.Scopes) != 2 || r.Details[0] != "kangoshi.mhlw.mdoc" || r.State != "s" {
		t.Fatalf("%+v, error %v", r, err)
	}
	for name, c := range map[string]struct {
		param, value string
		want         Refusal
		code         Code
	}{
		"no client":       {"client_id", "", RequestMissing, InvalidRequest},
		"token":           {"response_type", "token", ResponseType, UnsupportedResponseType},
		"no challenge":    {"code_challenge", "", ChallengeMissing, InvalidRequest},
		"plain":           {"code_challenge_method", "plain", ChallengeMethod, InvalidRequest},
		"short challenge": {"code_challenge", "abc", ChallengeMalformed, InvalidRequest},
		"request_uri":     {"request_uri", "urn:x", RequestURIPushed, InvalidRequest},
		"request object":  {"request", "a.b.c", RequestURIPushed, InvalidRequest},
		"no JSON":         {"authorization_details", "x", DetailsMalformed, InvalidDetails},
		"escaping JSON":   {"authorization_details", `[]},{"all":[]`, DetailsMalformed, InvalidDetails},
		"another type":    {"authorization_details", `[{"type":"payment","credential_configuration_id":"x"}]`, DetailsMalformed, InvalidDetails},
		"long state":      {"state", strings.Repeat("s", maxParameter+1), MessageTooLarge, InvalidRequest},
		"a thumbprint":    {"dpop_jkt", "short", RequestMalformed, InvalidRequest},
		"nul":             {"state", "a\x00", RequestMalformed, InvalidRequest},
	} {
		f := maps.Clone(pushed())
		f.Set(c.param, c.value)
		_, err := ParseAuthorization([]byte(f.Encode()))
		wants(t, name, err, c.want, c.code)
	}
	_, err = ParseAuthorization([]byte(pushed().Encode() + "&client_id=wallet"))
	wants(t, "a parameter twice", err, RequestMalformed, InvalidRequest)
	_, err = ParseAuthorization([]byte("%zz"))
	wants(t, "no form", err, RequestMalformed, InvalidRequest)
	none := pushed()
	none.Del("scope")
	none.Del("authorization_details")
	_, err = ParseAuthorization([]byte(none.Encode()))
	wants(t, "nothing asked for", err, RequestMissing, InvalidRequest)
}

func TestToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		form url.Values
		want Refusal
		code Code
	}{
		"nothing":       {url.Values{}, RequestMissing, InvalidRequest},
		"password":      {url.Values{"grant_type": {"password"}}, GrantType, UnsupportedGrantType},
		"no code":       {url.Values{"grant_type": {GrantPreAuthorized}}, RequestMissing, InvalidRequest},
		"no verifier":   {url.Values{"grant_type": {GrantAuthorizationCode}, "client_id": {"w"}, "code": {"c"}, "redirect_uri": {"https://w"}}, RequestMissing, InvalidRequest},
		"no refresh":    {url.Values{"grant_type": {GrantRefresh}}, RequestMissing, InvalidRequest},
		"code twice":    {url.Values{"grant_type": {GrantPreAuthorized}, "pre-authorized_code": {"a", "b"}}, RequestMalformed, InvalidRequest},
		"many of these": {url.Values{"grant_type": {GrantPreAuthorized}, "authorization_details": {"[" + strings.Repeat(`{"type":"openid_credential","credential_configuration_id":"x"},`, 20) + `{}]`}}, MessageTooLarge, InvalidRequest},
	} {
		_, err := ParseToken([]byte(c.form.Encode()))
		wants(t, name, err, c.want, c.code)
	}
	r, err := ParseToken([]byte(url.Values{"grant_type": {GrantPreAuthorized}, "pre-authorized_code": {"c"}, "tx_code": {"1"}, "unknown": {"x"}}.Encode()))
	if err != nil || r.PreAuthorized != "c" || r.TxCode != "1" {
		t.Errorf("%+v, error %v", r, err)
	}
}

func TestCredentialRequest(t *testing.T) {
	t.Parallel()
	r, err := ParseCredential([]byte(`{"credential_configuration_id":"c","proofs":{"jwt":["a","b"]},"other":1}`), 2)
	if err != nil || r.Configuration != "c" || len(r.JWTs) != 2 {
		t.Fatalf("%+v, error %v", r, err)
	}
	for text, c := range map[string]struct {
		want Refusal
		code Code
	}{
		`x`: {CredentialMalformed, InvalidCredential},
		`{"credential_configuration_id":"c","credential_configuration_id":"d","proofs":{"jwt":["a"]}}`: {CredentialMalformed, InvalidCredential},
		`{"credential_configuration_id":"c","credential_identifier":"i","proofs":{"jwt":["a"]}}`:       {CredentialMalformed, InvalidCredential},
		`{"proofs":{"jwt":["a"]}}`:                                                         {CredentialMalformed, InvalidCredential},
		`{"credential_configuration_id":"c"}`:                                              {ProofMissing, InvalidProof},
		`{"credential_configuration_id":"c","proof":{"proof_type":"jwt","jwt":"a"}}`:       {ProofMissing, InvalidProof},
		`{"credential_configuration_id":"c","proofs":{"jwt":[]}}`:                          {ProofMissing, InvalidProof},
		`{"credential_configuration_id":"c","proofs":{"jwt":[1]}}`:                         {ProofMissing, InvalidProof},
		`{"credential_configuration_id":"c","proofs":{"di_vp":["a"]}}`:                     {ProofType, InvalidProof},
		`{"credential_configuration_id":"c","proofs":{"jwt":["a"],"attestation":["b"]}}`:   {ProofType, InvalidProof},
		`{"credential_configuration_id":"c","proofs":{"attestation":["a","b"]}}`:           {ProofType, InvalidProof},
		`{"credential_configuration_id":"c","proofs":{"jwt":["a","b","c"]}}`:               {MessageTooLarge, InvalidProof},
		`{"credential_configuration_id":"c","credential_response_encryption":{"enc":"x"}}`: {CredentialEncryption, InvalidEncryption},
		`{"x":"` + strings.Repeat("a", MaxMessage) + `"}`:                                  {MessageTooLarge, InvalidCredential},
	} {
		_, err := ParseCredential([]byte(text), 2)
		wants(t, text[:min(len(text), 90)], err, c.want, c.code)
	}
}

func TestDeferredAndNotification(t *testing.T) {
	t.Parallel()
	if id, err := ParseDeferred([]byte(`{"transaction_id":"t"}`)); err != nil || id != "t" {
		t.Errorf("%q, error %v", id, err)
	}
	_, err := ParseDeferred([]byte(`{}`))
	wants(t, "no transaction", err, CredentialMalformed, InvalidCredential)
	_, err = ParseDeferred([]byte(`{"transaction_id":"t","credential_response_encryption":{}}`))
	wants(t, "encrypted", err, CredentialEncryption, InvalidEncryption)
	if id, event, err := ParseNotification([]byte(`{"notification_id":"n","event":"credential_deleted","event_description":"x"}`)); err != nil || id != "n" || event != EventDeleted {
		t.Errorf("%q %q, error %v", id, event, err)
	}
	for _, text := range []string{`{}`, `[]`, `{"notification_id":"n","event":"eaten"}`, `{"event":"credential_deleted"}`} {
		_, _, err := ParseNotification([]byte(text))
		wants(t, text, err, NotificationMalformed, InvalidNotification)
	}
}

func TestOffer(t *testing.T) {
	t.Parallel()
	o := Offer{Issuer: issuer, Configurations: []string{"c"}, Grants: Grants{PreAuthorized: &PreAuthorizedGrant{Code: "p",
		TxCode: &TxCode{InputMode: "numeric", Length: 6, Description: "取引コード"}}}}
	link, err := o.Link()
	if err != nil || !strings.HasPrefix(link, OfferScheme+"?credential_offer=%7B") {
		t.Fatalf("%s, error %v", link, err)
	}
	back, _, err := ParseLink(link)
	if err != nil || back.Grants.PreAuthorized.TxCode.Description != "取引コード" || back.Grants.AuthorizationCode != nil {
		t.Errorf("%+v, error %v", back, err)
	}
	if _, address, err := ParseLink(LinkTo(issuer + "/offers/1")); err != nil || address != issuer+"/offers/1" {
		t.Errorf("%q, error %v", address, err)
	}
	for _, bad := range []string{OfferScheme, LinkTo("a") + "&credential_offer=%7B%7D", ":"} {
		_, _, err := ParseLink(bad)
		wants(t, bad, err, RequestMalformed, InvalidRequest)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{WellKnownIssuer: "https://api.example/.well-known/openid-credential-issuer/issuers/mhlw",
		WellKnownServer: "https://api.example/.well-known/oauth-authorization-server/issuers/mhlw"} {
		if got, err := WellKnown(name, issuer); err != nil || got != want {
			t.Errorf("%s, error %v", got, err)
		}
	}
	_, err := ParseIssuerMetadata([]byte(`{"credential_issuer":"https://evil.example","credential_endpoint":"x"}`), issuer)
	wants(t, "mixed up", err, ProofAudience, InvalidProof)
}

// TestEveryRefusalHasItsCode: what is not a fault of the request as such has a code of its own.
func TestEveryRefusalHasItsCode(t *testing.T) {
	t.Parallel()
	for r, c := range codes() {
		if r.Code() != c || c == "" || !strings.HasPrefix(string(r), "oauth.") {
			t.Errorf("%s: %s", r, c)
		}
	}
	if f := FailureOf(errors.New("disk")); f.Error != ServerError || f.Description != "" {
		t.Errorf("a fault of ours is told as %+v", f)
	}
	if h := FailureOf(Refuse(AccessExpired, "")).Header(); h != `DPoP error="invalid_token", error_description="oauth.access_expired", algs="ES256"` {
		t.Error(h)
	}
}
