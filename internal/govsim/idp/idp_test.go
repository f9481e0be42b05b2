package idp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/idp"
)

func TestDiscovery(t *testing.T) {
	b := newBench(t)
	status, doc := b.callJSON("GET", "/api/realms/main/.well-known/openid-configuration", "", "")
	if status != http.StatusOK || doc["issuer"] != b.issuer {
		t.Fatalf("%d %v", status, doc)
	}
	for name, want := range map[string]string{
		"authorization_endpoint": "auth", "token_endpoint": "token", "userinfo_endpoint": "userinfo", "jwks_uri": "certs",
	} {
		if doc[name] != b.issuer+"/protocol/openid-connect/"+want {
			t.Errorf("%s is %v", name, doc[name])
		}
	}
}

// Each wrong parameter goes back to the client with its error.
func TestAuthorizationRequestRefused(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("x", 256)
	for name, c := range map[string]struct {
		changes map[string]string
		code    string
	}{
		"implicit":          {map[string]string{"response_type": "token"}, "unsupported_response_type"},
		"no state":          {map[string]string{"state": ""}, "invalid_request"},
		"long state":        {map[string]string{"state": long}, "invalid_request"},
		"state in Japanese": {map[string]string{"state": "状態"}, "invalid_request"},
		"no nonce":          {map[string]string{"nonce": ""}, "invalid_request"},
		"long nonce":        {map[string]string{"nonce": long}, "invalid_request"},
		"no PKCE":           {map[string]string{"code_challenge": ""}, "invalid_request"},
		"short challenge":   {map[string]string{"code_challenge": challenge[1:]}, "invalid_request"},
		"plain PKCE":        {map[string]string{"code_challenge_method": "plain"}, "invalid_request"},
		"no method":         {map[string]string{"code_challenge_method": ""}, "invalid_request"},
		"no scope":          {map[string]string{"scope": ""}, "invalid_scope"},
		"no openid":         {map[string]string{"scope": "name"}, "invalid_scope"},
		"unknown scope":     {map[string]string{"scope": "openid email"}, "invalid_scope"},
		"scope twice":       {map[string]string{"scope": "openid openid"}, "invalid_scope"},
		"scope not allowed": {map[string]string{"client_id": "RP3", "scope": "openid address"}, "invalid_scope"},
		"unknown acr":       {map[string]string{"acr_values": "aal9"}, "invalid_request"},
		"sign without id":   {map[string]string{"scope": "openid sign"}, "invalid_request"},
		"id without sign":   {map[string]string{"sign_transaction_id": "65a04b4e-af8b-45a2-8713-5ec2631bab64"}, "invalid_request"},
		"no such id":        {map[string]string{"scope": "openid sign", "sign_transaction_id": "65a04b4e-af8b-45a2-8713-5ec2631bab64"}, "invalid_request"},
		"another's id":      {map[string]string{"client_id": "RP2", "scope": "openid sign", "sign_transaction_id": b.startSign(false)}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			back := b.begin(c.changes).back()
			if back.Get("error") != c.code || back.Get("code") != "" || back.Get("iss") != b.issuer {
				t.Errorf("%v, want %s", back, c.code)
			}
			if state := request(c.changes).Get("state"); back.Get("state") != state {
				t.Errorf("state %q came back as %q", state, back.Get("state"))
			}
		})
	}
	twice := request(nil).Encode() + "&nonce=other"
	if back := b.browser().open(b.issuer + "/protocol/openid-connect/auth?" + twice).back(); back.Get("error") != "invalid_request" {
		t.Errorf("a parameter that stands twice: %v", back)
	}
}

// Nobody is sent to an address that no client registered.
func TestNoOpenRedirect(t *testing.T) {
	b := newBench(t)
	for name, changes := range map[string]map[string]string{
		"unknown client": {"client_id": "RP9"}, "no client": {"client_id": ""}, "other address": {"redirect_uri": "http://127.0.0.1:8400/evil"},
		"longer address": {"redirect_uri": redirectURI + "/"}, "no address": {"redirect_uri": ""},
	} {
		page := b.begin(changes)
		if page.page.StatusCode != http.StatusBadRequest || page.page.Header.Get("Location") != "" {
			t.Errorf("%s: %s", name, page.page.Status)
		}
	}
}

func TestClientAssertionRefused(t *testing.T) {
	b := newBench(t)
	now := b.clock.Now()
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	used := b.assertion("RP1", nil)
	form := b.tokenForm("x")
	form.Set("client_assertion", used)
	b.token(form)
	claims := map[string]any{"iss": "RP1", "sub": "RP1"}
	for name, c := range map[string]struct{ assertion, want string }{
		"replay":         {used, "used before"},
		"other issuer":   {b.assertion("RP1", map[string]any{"iss": "RP2"}), "iss is not the client"},
		"other audience": {b.assertion("RP1", map[string]any{"aud": b.issuer}), "aud is not the token endpoint"},
		"two audiences":  {b.assertion("RP1", map[string]any{"aud": []string{b.issuer + "/protocol/openid-connect/token", "x"}}), "aud is not the token endpoint"},
		"expired":        {b.assertion("RP1", map[string]any{"exp": now.Add(-time.Second).Unix()}), "has expired"},
		"no exp":         {b.assertion("RP1", map[string]any{"exp": nil}), "has expired"},
		"far exp":        {b.assertion("RP1", map[string]any{"exp": now.AddDate(1, 0, 0).Unix()}), "too far"},
		"future iat":     {b.assertion("RP1", map[string]any{"iat": now.Add(time.Hour).Unix()}), "iat"},
		"no jti":         {b.assertion("RP1", map[string]any{"jti": nil}), "jti is missing"},
		"other client":   {b.assertion("RP2", nil), "not the same known client"},
		"unknown client": {b.assertion("RP9", nil), "not the same known client"},
		"other key":      {b.sign(jose.SigningKey{Algorithm: jose.ES256, Key: stranger}, claims), "no key of the client"},
		"HS256":          {b.sign(jose.SigningKey{Algorithm: jose.HS256, Key: make([]byte, 32)}, claims), "no JWT signed with an offered algorithm"},
		"other key type": {b.sign(jose.SigningKey{Algorithm: jose.RS256, Key: b.decryption}, claims), "no key of the client"},
		"none":           {"", "no JWT signed with an offered algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			form := b.tokenForm("x")
			form.Set("client_assertion", c.assertion)
			status, answer := b.token(form)
			description, _ := answer["error_description"].(string)
			if status != http.StatusUnauthorized || answer["error"] != "invalid_client" || !strings.Contains(description, c.want) {
				t.Errorf("%d %v, want %q", status, answer, c.want)
			}
		})
	}
}

func TestTokenRequestRefused(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		status int
		code   string
	}{
		"password grant":  {func(f url.Values) { f.Set("grant_type", "password") }, 400, "unsupported_grant_type"},
		"no code":         {func(f url.Values) { f.Del("code") }, 400, "invalid_grant"},
		"no verifier":     {func(f url.Values) { f.Del("code_verifier") }, 400, "invalid_grant"},
		"other verifier":  {func(f url.Values) { f.Set("code_verifier", strings.Repeat("a", 43)) }, 400, "invalid_grant"},
		"challenge as is": {func(f url.Values) { f.Set("code_verifier", challenge) }, 400, "invalid_grant"},
		"other address":   {func(f url.Values) { f.Set("redirect_uri", redirectURI+"?x") }, 400, "invalid_grant"},
		"twice":           {func(f url.Values) { f.Add("code", "x") }, 400, "invalid_request"},
		"basic":           {func(f url.Values) { f.Del("client_assertion_type") }, 401, "invalid_client"},
		"other client": {func(f url.Values) {
			f.Set("client_id", "RP2")
			f.Set("client_assertion", b.assertion("RP2", nil))
		}, 400, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			form := b.tokenForm(b.login(nil))
			c.change(form)
			if status, answer := b.token(form); status != c.status || answer["error"] != c.code {
				t.Errorf("%d %v, want %d %s", status, answer, c.status, c.code)
			}
		})
	}
	resp, err := http.Post(b.issuer+"/protocol/openid-connect/token", "application/json", strings.NewReader("{}"))
	if status, answer := b.answer(resp, err); status != 400 || answer["error"] != "invalid_request" {
		t.Errorf("JSON: %d %v", status, answer)
	}
}

// A code works once; its second use takes the first one's token back.
func TestCodeWorksOnce(t *testing.T) {
	b := newBench(t)
	code := b.login(nil)
	status, first := b.token(b.tokenForm(code))
	if status != http.StatusOK || first["token_type"] != "Bearer" || first["scope"] != "openid name" {
		t.Fatalf("%d %v", status, first)
	}
	token := first["access_token"].(string)
	userinfo := "/api/realms/main/protocol/openid-connect/userinfo"
	status, info := b.callJSON("GET", userinfo, token, "")
	if status != http.StatusOK || info["name"] != "佐賀　花子" || info["sub"] == "" || len(info) != 2 {
		t.Errorf("userinfo beyond or short of its scope: %d %v", status, info)
	}
	if status, answer := b.token(b.tokenForm(code)); status != 400 || answer["error"] != "invalid_grant" {
		t.Errorf("second use: %d %v", status, answer)
	}
	if status, answer := b.callJSON("GET", userinfo, token, ""); status != 401 || answer["error"] != "invalid_token" {
		t.Errorf("the first token still works: %d %v", status, answer)
	}
	if status, answer := b.callJSON("GET", userinfo, b.clientToken("RP1"), ""); status != 403 || answer["error"] != "insufficient_scope" {
		t.Errorf("userinfo with a client's own token: %d %v", status, answer)
	}
	late := b.login(nil)
	b.clock.Advance(61 * time.Second)
	if status, answer := b.token(b.tokenForm(late)); status != 400 || answer["error"] != "invalid_grant" {
		t.Errorf("late: %d %v", status, answer)
	}
}

func TestSubjectsArePairwise(t *testing.T) {
	b := newBench(t)
	subject := func(client string) any {
		form := b.tokenForm(b.login(map[string]string{"client_id": client}))
		form.Set("client_id", client)
		form.Set("client_assertion", b.assertion(client, nil))
		_, answer := b.token(form)
		_, info := b.callJSON("GET", "/api/realms/main/protocol/openid-connect/userinfo", answer["access_token"].(string), "")
		return info["sub"]
	}
	if one, two := subject("RP1"), subject("RP2"); one == two || one != subject("RP1") {
		t.Errorf("subjects %v and %v", one, two)
	}
}

func TestPagesAreMarkedAndGuarded(t *testing.T) {
	b := newBench(t)
	v := b.begin(nil)
	for _, want := range []string{"模擬", `lang="ja"`, "佐賀　花子", "看護師の合格者", "窓口 RP1", "氏名", `value="hanako" checked`} {
		if !strings.Contains(v.text, want) {
			t.Errorf("the page lacks %q:\n%s", want, v.text)
		}
	}
	if strings.Contains(v.text, "1234") || strings.Contains(v.text, "<script") {
		t.Error("the page tells the PIN, or has a script")
	}
	policy := v.page.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "form-action 'self' http://127.0.0.1:8400;") {
		t.Errorf("content security policy %q", policy)
	}
	if v.page.Header.Get("Cache-Control") != "no-store" {
		t.Error("the page may be kept")
	}
	if page := b.browser().open(v.page.Request.URL.String()); page.page.StatusCode != http.StatusNotFound {
		t.Errorf("another browser sees the visit: %s", page.page.Status)
	}
	b.clock.Advance(11 * time.Minute)
	if page := v.open(v.page.Request.URL.String()); page.page.StatusCode != http.StatusNotFound {
		t.Errorf("the visit never ends: %s", page.page.Status)
	}
	if style := b.browser().open(b.origin + "/style.css"); style.page.StatusCode != http.StatusOK {
		t.Errorf("style sheet: %s", style.page.Status)
	}
	if back := b.begin(nil).post("cancel").back(); back.Get("error") != "access_denied" {
		t.Errorf("cancelled: %v", back)
	}
}

func TestPINLocks(t *testing.T) {
	b := newBench(t)
	v := b.begin(nil).post("card", "card", "nobody")
	if v.page.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(v.text, "カードを選んでください") {
		t.Errorf("no card: %s", v.page.Status)
	}
	v.post("card", "card", "hanako")
	for _, want := range []string{"あと2回", "あと1回", "ロックされました"} {
		if v.post("pin", "secret", "0000"); v.page.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(v.text, want) {
			t.Errorf("%s, want %q in\n%s", v.page.Status, want, v.text)
		}
	}
	if v.post("pin", "secret", "1234"); v.page.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the locked card opens: %s", v.page.Status)
	}
	if err := b.Unlock("hanako"); err != nil {
		t.Fatal(err)
	}
	if back := v.post("pin", "secret", "1234").back(); back.Get("code") == "" {
		t.Errorf("unlocked: %v", back)
	}
	if err := b.Unlock("nobody"); err == nil {
		t.Error("nobody is unlocked")
	}
}

func TestAdministration(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		method, path, token, body string
		want                      int
	}{
		{"PUT", "/admin/reader", "", `{"card":"jiro"}`, 401},
		{"PUT", "/admin/reader", "steer", `{"card":"jiro"}`, 204},
		{"PUT", "/admin/reader", "steer", `{"card":"nobody"}`, 422},
		{"PUT", "/admin/reader", "steer", `{"cart":"jiro"}`, 400},
		{"POST", "/admin/revoke", "steer", `{"card":"jiro","kind":"signing"}`, 204},
		{"POST", "/admin/revoke", "steer", `{"card":"jiro","kind":"other"}`, 422},
		{"POST", "/admin/revoke", "steer", `{"card":"nobody","kind":"signing"}`, 422},
		{"POST", "/admin/unlock", "steer", `{"who":"jiro"}`, 204},
		{"PUT", "/admin/outage", "steer", `{"target":"nowhere","mode":"fail"}`, 422},
		{"PUT", "/admin/outage", "steer", `{"target":"certs","mode":"odd"}`, 422},
		{"PUT", "/admin/outage", "steer", `{"target":"certs","mode":"fail","times":2}`, 204},
		{"GET", "/api/realms/main/protocol/openid-connect/certs", "", "", 500},
		{"GET", "/api/realms/main/protocol/openid-connect/certs", "", "", 500},
		{"GET", "/api/realms/main/protocol/openid-connect/certs", "", "", 200},
		{"PUT", "/admin/outage", "steer", `{"target":"certs","mode":"slow","delay":1000}`, 204},
		{"GET", "/api/realms/main/protocol/openid-connect/certs", "", "", 200},
		{"DELETE", "/admin/outage", "steer", "", 204},
	} {
		if got := b.call(c.method, c.path, c.token, c.body).StatusCode; got != c.want {
			t.Errorf("%s %s %s: %d, want %d", c.method, c.path, c.body, got, c.want)
		}
	}
	if _, reader := b.callJSON("GET", "/admin/reader", "steer", ""); reader["card"] != "jiro" {
		t.Errorf("on the reader: %v", reader)
	}
	page := b.browser().open(b.origin + "/")
	page.keep(page.http.PostForm(b.origin+"/reader", url.Values{"card": {"hanako"}}))
	if !strings.Contains(page.text, `value="hanako" checked`) {
		t.Errorf("the reader's own page does not change the card:\n%s", page.text)
	}
}

func TestConfigurationRefused(t *testing.T) {
	b := newBench(t)
	good := func() idp.Config {
		return idp.Config{Issuer: "http://127.0.0.6:8405/api/realms/main", Clock: b.clock, CA: b.ca, Clients: []idp.Client{b.client("RP1", nil)},
			Cards: []ca.Card{{ID: "a", PIN: "1234", Password: "ABC123", BirthDate: "2000-01-01"}}}
	}
	for name, c := range map[string]struct {
		change func(*idp.Config)
		want   string
	}{
		"good":           {func(*idp.Config) {}, ""},
		"issuer's slash": {func(c *idp.Config) { c.Issuer += "/" }, "issuer"},
		"no clock":       {func(c *idp.Config) { c.Clock = nil }, "no clock"},
		"no CA":          {func(c *idp.Config) { c.CA = nil }, "no certification authority"},
		"client id":      {func(c *idp.Config) { c.Clients[0].ID = "RP-1" }, "letters and digits"},
		"fragment":       {func(c *idp.Config) { c.Clients[0].RedirectURIs = []string{redirectURI + "#x"} }, "redirect address"},
		"private key":    {func(c *idp.Config) { c.Clients[0].Keys.Keys = []jose.JSONWebKey{{Key: b.key}} }, "not a valid public key"},
		"PIN":            {func(c *idp.Config) { c.Cards[0].PIN = "12345" }, "four digits"},
		"password":       {func(c *idp.Config) { c.Cards[0].Password = "abc123" }, "other than A-Z"},
		"short password": {func(c *idp.Config) { c.Cards[0].Password = "ABC12" }, "6 to 16"},
		"birth date":     {func(c *idp.Config) { c.Cards[0].BirthDate = "2000-02-30" }, "birth date"},
		"same card":      {func(c *idp.Config) { c.Cards = append(c.Cards, c.Cards[0]) }, "is taken"},
	} {
		cfg := good()
		c.change(&cfg)
		_, err := idp.New(cfg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
