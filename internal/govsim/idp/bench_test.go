package idp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"akashi/internal/clock"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/idp"
)

const (
	redirectURI = "http://127.0.0.1:8400/callback"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	challenge   = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// bench is a provider over HTTP and the keys of its clients.
type bench struct {
	*idp.Server
	t          *testing.T
	origin     string
	issuer     string
	clock      *clock.Adjustable
	ca         *ca.CA
	key        *ecdsa.PrivateKey
	decryption *rsa.PrivateKey
}

func newClock() *clock.Adjustable {
	c := &clock.Adjustable{}
	c.Set(time.Date(2026, 11, 21, 10, 0, 0, 0, clock.JST))
	return c
}

// newBench starts the citizens' provider with three clients: RP1 and RP2 may ask for everything, RP3 for the name alone.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, clock: newClock()}
	b.makeKeys()
	var err error
	if b.ca, err = ca.New(ca.Config{Clock: b.clock}); err != nil {
		t.Fatal(err)
	}
	all := []string{"openid", "name", "address", "birthdate", "gender", "sign"}
	card := ca.Card{
		ID: "hanako", Label: "看護師の合格者", Name: "佐賀　花子", BirthDate: "2003-04-05", Sex: jpki.Female, Address: "佐賀県佐賀市城内一丁目",
		Prefecture: "Saga-ken", City: "Saga-shi", PIN: "1234", Password: "ABC123",
	}
	other := card
	other.ID, other.Name = "jiro", "佐賀　次郎"
	b.start(func(origin string) (*idp.Server, error) {
		return idp.New(idp.Config{
			Issuer: origin + "/api/realms/main", Clock: b.clock, CA: b.ca, Cards: []ca.Card{card, other},
			Clients: []idp.Client{b.client("RP1", all), b.client("RP2", all), b.client("RP3", []string{"openid", "name"})},
			Common:  idp.Common{AdminToken: "steer", Secret: []byte("pairwise")},
		})
	}, "/api/realms/main")
	return b
}

func (b *bench) makeKeys() {
	var err error
	if b.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		b.t.Fatal(err)
	}
	if b.decryption, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) client(id string, scopes []string) idp.Client {
	return idp.Client{ID: id, Name: "窓口 " + id, RedirectURIs: []string{redirectURI}, Scopes: scopes, Keys: jose.JSONWebKeySet{
		Keys: []jose.JSONWebKey{
			{Key: b.key.Public(), Use: "sig", Algorithm: "ES256", KeyID: "a"},
			{Key: b.decryption.Public(), Use: "enc", KeyID: "b"},
		},
	}}
}

func (b *bench) start(makeServer func(origin string) (*idp.Server, error), path string) {
	server := httptest.NewUnstartedServer(nil)
	b.origin = "http://" + server.Listener.Addr().String()
	b.issuer = b.origin + path
	var err error
	if b.Server, err = makeServer(b.origin); err != nil {
		b.t.Fatal(err)
	}
	server.Config.Handler = b.Server
	server.Start()
	b.t.Cleanup(server.Close)
}

// request returns a good authorization request of RP1, with changes; an empty value removes a parameter.
func request(changes map[string]string) url.Values {
	q := url.Values{}
	parameters := map[string]string{
		"response_type": "code", "scope": "openid name", "client_id": "RP1", "redirect_uri": redirectURI, "state": "s-1", "nonce": "n-1",
		"code_challenge": challenge, "code_challenge_method": "S256", "acr_values": "aal3 crl",
	}
	maps.Copy(parameters, changes)
	for name, value := range parameters {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// browser is one visitor, who stops at the client's door.
type browser struct {
	t    *testing.T
	http *http.Client
	page *http.Response
	text string
}

func (b *bench) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &browser{t: b.t, http: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirectURI) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

func (v *browser) keep(resp *http.Response, err error) *browser {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.page, v.text = resp, string(text)
	return v
}

func (v *browser) open(address string) *browser { v.t.Helper(); return v.keep(v.http.Get(address)) }

// post sends a form of the visit's page.
func (v *browser) post(step string, fields ...string) *browser {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	page := v.page.Request.URL
	return v.keep(v.http.PostForm(page.Scheme+"://"+page.Host+"/app/"+strings.Split(page.Path, "/")[2]+"/"+step, values))
}

// back returns what the client got in the callback.
func (v *browser) back() url.Values {
	v.t.Helper()
	location, err := v.page.Location()
	if err != nil {
		v.t.Fatalf("no way back from %s (%s): %s", v.page.Request.URL, v.page.Status, v.text)
	}
	return location.Query()
}

func (b *bench) begin(changes map[string]string) *browser {
	b.t.Helper()
	return b.browser().open(b.issuer + "/protocol/openid-connect/auth?" + request(changes).Encode())
}

// login returns the code of a good visit.
func (b *bench) login(changes map[string]string) string {
	b.t.Helper()
	return b.begin(changes).post("card", "card", "hanako").post("pin", "secret", "1234").back().Get("code")
}

// assertion returns a good client assertion, with changes to its claims; a nil value removes one.
func (b *bench) assertion(client string, changes map[string]any) string {
	now := b.clock.Now()
	claims := map[string]any{
		"iss": client, "sub": client, "aud": b.issuer + "/protocol/openid-connect/token", "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return b.sign(jose.SigningKey{Algorithm: jose.ES256, Key: b.key}, claims)
}

func (b *bench) sign(key jose.SigningKey, claims any) string {
	b.t.Helper()
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// tokenForm is a good token request for a code of RP1.
func (b *bench) tokenForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}, "client_id": {"RP1"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {b.assertion("RP1", nil)},
	}
}

// token posts a token request.
func (b *bench) token(form url.Values) (int, map[string]any) {
	b.t.Helper()
	resp, err := http.PostForm(b.issuer+"/protocol/openid-connect/token", form)
	return b.answer(resp, err)
}

func (b *bench) answer(resp *http.Response, err error) (int, map[string]any) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		b.t.Fatalf("%s: %v", resp.Status, err)
	}
	return resp.StatusCode, answer
}

// call sends a request with a bearer token.
func (b *bench) call(method, path, token, body string) *http.Response {
	b.t.Helper()
	req, err := http.NewRequest(method, b.origin+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (b *bench) callJSON(method, path, token, body string) (int, map[string]any) {
	b.t.Helper()
	return b.answer(b.call(method, path, token, body), nil)
}

// clientToken gets the own token of a client.
func (b *bench) clientToken(client string) string {
	b.t.Helper()
	form := b.tokenForm("")
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", client)
	form.Set("client_assertion", b.assertion(client, nil))
	status, answer := b.token(form)
	token, _ := answer["access_token"].(string)
	if status != http.StatusOK || token == "" {
		b.t.Fatalf("client token: %d %v", status, answer)
	}
	return token
}

// startSign begins a sign transaction of RP1 for "{}"; a bare one without DigestInfo.
func (b *bench) startSign(bare bool) string {
	b.t.Helper()
	digest := sha256.Sum256([]byte("{}"))
	input := digest[:]
	if !bare {
		input = append([]byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), input...)
	}
	body := `{"client_id":"RP1","digest":"` + base64.StdEncoding.EncodeToString(input) + `"}`
	status, answer := b.callJSON("POST", "/api/sign-transactions", b.clientToken("RP1"), body)
	id, _ := answer["sign_transaction_id"].(string)
	if status != http.StatusCreated || id == "" {
		b.t.Fatalf("sign transaction: %d %v", status, answer)
	}
	return id
}
