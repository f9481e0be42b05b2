package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"akashi/internal/connector/identity"
	"akashi/internal/fault"
)

// claims changes the claims of the ID token in the token endpoint's answer and signs it anew with the provider's key.
func (w *world) claims(t *testing.T, change func(map[string]any)) func(string, []byte) []byte {
	return w.idToken(func(raw string) string {
		token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Error(err)
			return raw
		}
		claims := map[string]any{}
		if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
			t.Error(err)
		}
		change(claims)
		return signJWT(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.key, KeyID: token.Headers[0].KeyID}}, claims)
	})
}

// idToken changes the ID token in the token endpoint's answer.
func (w *world) idToken(change func(string) string) func(string, []byte) []byte {
	return func(path string, body []byte) []byte {
		if !strings.HasSuffix(path, "/token") {
			return body
		}
		answer := map[string]any{}
		if json.Unmarshal(body, &answer) != nil || answer["id_token"] == nil {
			return body
		}
		answer["id_token"] = change(answer["id_token"].(string))
		changed, err := json.Marshal(answer)
		if err != nil {
			return body
		}
		return changed
	}
}

func signJWT(t *testing.T, key jose.SigningKey, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Error(err)
	}
	return text
}

func TestIDTokenRefused(t *testing.T) {
	w := newWorld(t, nil)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) func(string, []byte) []byte {
		return w.claims(t, func(c map[string]any) { c[name] = value })
	}
	resign := func(key jose.SigningKey) func(string, []byte) []byte {
		return w.idToken(func(string) string { return signJWT(t, key, map[string]any{"iss": w.configuration.Issuer}) })
	}
	now := w.clock.Now()
	for name, c := range map[string]struct {
		answer func(string, []byte) []byte
		cause  string
	}{
		"nonce":           {set("nonce", "another"), "nonce is another one"},
		"issuer":          {set("iss", "https://example.jp"), "issued by a different provider"},
		"audience":        {set("aud", "RP99999999"), "expected audience"},
		"audience, more":  {set("aud", []string{clientID, "RP99999999"}), "for others too"},
		"azp":             {set("azp", "RP99999999"), "for others too"},
		"expired":         {set("exp", now.Add(-time.Second).Unix()), "token is expired"},
		"from the future": {set("iat", now.Add(time.Hour).Unix()), "issued at"},
		"old":             {set("iat", now.Add(-time.Hour).Unix()), "issued at"},
		"at_hash":         {set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "access token hash"},
		"no subject":      {set("sub", ""), "no subject"},
		"other key":       {resign(jose.SigningKey{Algorithm: jose.ES256, Key: stranger}), "failed to verify"},
		"ES384":           {resign(jose.SigningKey{Algorithm: jose.ES384, Key: p384}), "malformed jwt"},
		"HS256":           {resign(jose.SigningKey{Algorithm: jose.HS256, Key: make([]byte, 32)}), "malformed jwt"},
		"none":            {w.idToken(func(string) string { return "eyJhbGciOiJub25lIn0.e30." }), "malformed jwt"},
		"missing":         {w.idToken(func(string) string { return "" }), "there is none"},
	} {
		t.Run(name, func(t *testing.T) {
			address, pending := w.beginLogin(t)
			w.answer = c.answer
			defer func() { w.answer = nil }()
			_, err := w.citizen.Finish(t.Context(), pending, visit(t, address, card("hanako"), pin("1234")))
			wantFault(t, err, fault.Upstream, "", c.cause)
		})
	}
}

// The level that was asked for is a wish; a weaker login, or one that does not say, is none.
func TestWeakLoginRefused(t *testing.T) {
	w := newWorld(t, nil)
	for _, acr := range []any{"aal2", "aal33", "crl", "", nil} {
		address, pending := w.beginLogin(t)
		w.answer = w.claims(t, func(c map[string]any) { c["acr"] = acr })
		_, err := w.citizen.Finish(t.Context(), pending, visit(t, address, card("hanako"), pin("1234")))
		w.answer = nil
		wantFault(t, err, fault.Unauthenticated, "identity.weak_login", "acr is")
	}
}

func TestUserinfoRefused(t *testing.T) {
	w := newWorld(t, nil)
	for member, c := range map[string]struct {
		value any
		cause string
	}{
		"sub": {"somebody", "somebody else's"}, "birthdate": {"20030230", "no date"}, "gender": {"0", "none of the codes"},
		"name": {"", "missing"}, "address": {map[string]any{"formatted": ""}, "missing"},
	} {
		t.Run(member, func(t *testing.T) {
			address, pending := w.beginLogin(t)
			w.answer = userinfoWith(member, c.value)
			defer func() { w.answer = nil }()
			_, err := w.citizen.Finish(t.Context(), pending, visit(t, address, card("hanako"), pin("1234")))
			wantFault(t, err, fault.Upstream, "", c.cause)
		})
	}
	address, pending := w.beginLogin(t)
	w.answer = userinfoWith("birthdate", "2003-04-05")
	if login, err := w.citizen.Finish(t.Context(), pending, visit(t, address, card("hanako"), pin("1234"))); err != nil || login.Particulars.BirthDate != "2003-04-05" {
		t.Errorf("the standard's form of birthdate: %+v, %v", login, err)
	}
}

func userinfoWith(member string, value any) func(string, []byte) []byte {
	return func(path string, body []byte) []byte {
		if !strings.HasSuffix(path, "/userinfo") {
			return body
		}
		info := map[string]any{}
		if json.Unmarshal(body, &info) != nil {
			return body
		}
		info[member] = value
		changed, err := json.Marshal(info)
		if err != nil {
			return body
		}
		return changed
	}
}

func TestCallbackRefused(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		change func(*identity.Pending, url.Values)
		kind   fault.Kind
		key    string
		cause  string
	}{
		"other state":  {func(_ *identity.Pending, q url.Values) { q.Set("state", "x") }, fault.Unauthenticated, "identity.callback_strange", "state is another"},
		"no state":     {func(_ *identity.Pending, q url.Values) { q.Del("state") }, fault.Unauthenticated, "identity.callback_strange", "state is another"},
		"other issuer": {func(_ *identity.Pending, q url.Values) { q.Set("iss", "https://example.jp") }, fault.Unauthenticated, "identity.callback_strange", "iss is another"},
		"code twice":   {func(_ *identity.Pending, q url.Values) { q.Add("code", "x") }, fault.Unauthenticated, "identity.callback_strange", "more than once"},
		"no code":      {func(_ *identity.Pending, q url.Values) { q.Del("code") }, fault.Unauthenticated, "identity.callback_strange", "no code"},
		"no visit": {func(p *identity.Pending, q url.Values) {
			*p = identity.Pending{Flow: identity.FlowLogin}
			q.Del("state")
		}, fault.Unauthenticated, "identity.no_visit", "no such visit"},
		"other flow":    {func(p *identity.Pending, _ url.Values) { p.Flow = identity.FlowSignature }, fault.Unauthenticated, "identity.no_visit", "no such visit"},
		"late":          {func(p *identity.Pending, _ url.Values) { p.Started = p.Started.Add(-time.Hour) }, fault.Unauthenticated, "identity.visit_expired", "begun 1h"},
		"other code":    {func(_ *identity.Pending, q url.Values) { q.Set("code", "x") }, fault.Unauthenticated, "identity.code_refused", "no such code"},
		"server error":  {func(_ *identity.Pending, q url.Values) { q.Set("error", "server_error") }, fault.Upstream, "", "server_error"},
		"wrong proof":   {func(p *identity.Pending, _ url.Values) { p.Verifier = strings.Repeat("a", 43) }, fault.Unauthenticated, "identity.code_refused", "code_verifier"},
		"other address": {func(p *identity.Pending, _ url.Values) { p.RedirectURI += "/x" }, fault.Unauthenticated, "identity.code_refused", "redirect_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			address, pending := w.beginLogin(t)
			query := visit(t, address, card("hanako"), pin("1234"))
			c.change(&pending, query)
			_, err := w.citizen.Finish(t.Context(), pending, query)
			wantFault(t, err, c.kind, c.key, c.cause)
		})
	}
	address, pending := w.beginLogin(t)
	_, err := w.citizen.Finish(t.Context(), pending, visit(t, address, cancel()))
	wantFault(t, err, fault.Unauthenticated, "identity.cancelled", "access_denied")
}

func TestSignResultRefused(t *testing.T) {
	w := newWorld(t, nil)
	outcome := func(signature, certificate string) []byte {
		text, err := json.Marshal(map[string]string{"signature": signature, "certificate": certificate})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := outcome("AAAA", "AAAA")
	public := w.publicDecryption(t)
	flip := func(part int) func(string) string {
		return func(jwe string) string {
			parts := strings.Split(jwe, ".")
			raw, err := base64.RawURLEncoding.DecodeString(parts[part])
			if err != nil {
				t.Error(err)
			}
			raw[len(raw)/2] ^= 1
			parts[part] = base64.RawURLEncoding.EncodeToString(raw)
			return strings.Join(parts, ".")
		}
	}
	with := func(alg jose.KeyAlgorithm, enc jose.ContentEncryption, zip bool, plain []byte) func(string) string {
		return func(string) string { return encrypt(t, public, alg, enc, zip, plain) }
	}
	for name, c := range map[string]struct {
		change func(string) string
		cause  string
	}{
		"key":             {flip(1), "error in cryptographic primitive"},
		"ciphertext":      {flip(3), "error in cryptographic primitive"},
		"tag":             {flip(4), "error in cryptographic primitive"},
		"RSA-OAEP":        {with(jose.RSA_OAEP, jose.A256GCM, false, good), "unexpected key algorithm"},
		"A128GCM":         {with(jose.RSA_OAEP_256, jose.A128GCM, false, good), "unexpected content encryption"},
		"compressed":      {with(jose.RSA_OAEP_256, jose.A256GCM, true, good), "compressed"},
		"no JSON":         {with(jose.RSA_OAEP_256, jose.A256GCM, false, []byte("x")), "invalid character"},
		"no signature":    {with(jose.RSA_OAEP_256, jose.A256GCM, false, outcome("", "AAAA")), "missing"},
		"spoilt Base64":   {with(jose.RSA_OAEP_256, jose.A256GCM, false, outcome("A", "AAAA")), "signature: illegal base64"},
		"spoilt Base64 2": {with(jose.RSA_OAEP_256, jose.A256GCM, false, outcome("AAAA", "A")), "certificate: illegal base64"},
		"too long":        {func(string) string { return strings.Repeat("A", 65<<10) }, "too long"},
		"no JWE":          {func(string) string { return "x" }, "compact JWE format must have five parts"},
	} {
		t.Run(name, func(t *testing.T) {
			address, pending := w.beginSignature(t, []byte("{}"), "")
			query := visit(t, address, card("hanako"), password("ABC123"))
			w.answer = resultWith(c.change)
			defer func() { w.answer = nil }()
			_, err := w.citizen.FinishSignature(t.Context(), pending, query)
			wantFault(t, err, fault.Upstream, "", c.cause)
		})
	}
}

func (w *world) publicDecryption(t *testing.T) crypto.PublicKey {
	t.Helper()
	set, err := w.keys.Public()
	if err != nil {
		t.Fatal(err)
	}
	return set.Keys[1].Key
}

func encrypt(t *testing.T, key crypto.PublicKey, alg jose.KeyAlgorithm, enc jose.ContentEncryption, zip bool, plain []byte) string {
	options := &jose.EncrypterOptions{}
	if zip {
		options.Compression = jose.DEFLATE
	}
	encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Error(err)
		return ""
	}
	object, err := encrypter.Encrypt(plain)
	if err != nil {
		t.Error(err)
		return ""
	}
	text, err := object.CompactSerialize()
	if err != nil {
		t.Error(err)
	}
	return text
}

// resultWith changes the JWE of a sign result.
func resultWith(change func(string) string) func(string, []byte) []byte {
	return func(path string, body []byte) []byte {
		var answer struct{ Result string }
		if !strings.HasSuffix(path, "/result") || json.Unmarshal(body, &answer) != nil {
			return body
		}
		changed, err := json.Marshal(map[string]string{"result": change(answer.Result)})
		if err != nil {
			return body
		}
		return changed
	}
}
