package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/identity"
	"akashi/internal/fault"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/idp"
)

const (
	callbackURL = "http://127.0.0.1:8400/login/callback"
	clientID    = "RP00000001"
	staffID     = "OFFICE01"
)

// world is the citizens' provider, the staff's provider, and their relying parties, all at one moment.
type world struct {
	clock                 *clock.Adjustable
	ca                    *ca.CA
	key                   *ecdsa.PrivateKey // of ID tokens
	keys                  identity.Keys
	idp, staffIDP         *idp.Server
	origin                string
	citizen               *identity.Citizen
	staff                 *identity.Staff
	answer                func(path string, body []byte) []byte // changes the provider's JSON answers; nil: none
	configuration         identity.Config
	staffUser, otherStaff idp.StaffUser
}

func cards() []ca.Card {
	return []ca.Card{
		{ID: "hanako", Name: "佐賀　花子", FaceName: "佐賀　花󠄀子", BirthDate: "2003-04-05", Sex: jpki.Female, Address: "佐賀県佐賀市城内一丁目１番５９号",
			Prefecture: "Saga-ken", City: "Saga-shi", PIN: "1234", Password: "ABC123"},
		{ID: "taro", Name: "高橋　太郎", NameAlt: "10000", FaceName: "髙橋　太郎", BirthDate: "1985-03-15", Sex: jpki.Male, Address: "北海道札幌市中央区北三条西六丁目",
			Prefecture: "Hokkaido", City: "Sapporo-shi", PIN: "9999", Password: "XYZ789"},
	}
}

func newWorld(t *testing.T, decryption crypto.PrivateKey) *world {
	t.Helper()
	w := &world{clock: &clock.Adjustable{}}
	w.clock.Set(time.Date(2026, 11, 21, 10, 0, 0, 0, clock.JST))
	var err error
	must := func(e error) {
		t.Helper()
		if e != nil {
			t.Fatal(e)
		}
	}
	w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	w.keys, err = identity.LoadKeys(t.TempDir())
	must(err)
	if decryption != nil {
		w.keys.Decryption = decryption
	}
	public, err := w.keys.Public()
	must(err)
	w.ca, err = ca.New(ca.Config{Clock: w.clock})
	must(err)
	client := idp.Client{ID: clientID, Name: "資格の窓口", RedirectURIs: []string{callbackURL}, Keys: public,
		Scopes: []string{"openid", "name", "address", "birthdate", "gender", "sign"}}
	common := idp.Common{SigningKey: w.key, Secret: []byte("pairwise")}
	w.origin = serve(t, func(origin string) http.Handler {
		w.idp, err = idp.New(idp.Config{
			Issuer: origin + "/api/realms/main", Clock: w.clock, Cards: cards(), CA: w.ca, Clients: []idp.Client{client}, Common: common,
		})
		must(err)
		return w.changing(w.idp)
	})
	w.configuration = identity.Config{Issuer: w.origin + "/api/realms/main", ClientID: clientID, Keys: w.keys, Clock: w.clock}
	w.citizen, err = identity.NewCitizen(w.configuration)
	must(err)

	w.staffUser = idp.StaffUser{Subject: "staff-1", Username: "ito", Name: "伊藤　審査", Password: "shinsa", OTPKey: []byte("12345678901234567890")}
	w.otherStaff = idp.StaffUser{Subject: "staff-2", Username: "ono", Name: "小野　決裁", Password: "kessai", OTPKey: []byte("09876543210987654321")}
	office := idp.Client{ID: staffID, Name: "資格の窓口（職員）", RedirectURIs: []string{callbackURL}, Scopes: []string{"openid", "profile"}, Keys: public}
	staffOrigin := serve(t, func(origin string) http.Handler {
		w.staffIDP, err = idp.NewStaff(idp.StaffConfig{
			Issuer: origin + "/realms/staff", Clock: w.clock, Staff: []idp.StaffUser{w.staffUser, w.otherStaff},
			Clients: []idp.Client{office}, Common: common,
		})
		must(err)
		return w.changing(w.staffIDP)
	})
	w.staff, err = identity.NewStaff(identity.Config{Issuer: staffOrigin + "/realms/staff", ClientID: staffID, Keys: w.keys, Clock: w.clock})
	must(err)
	return w
}

// serve starts a server whose handler knows its own address.
func serve(t *testing.T, handler func(origin string) http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	origin := "http://" + server.Listener.Addr().String()
	server.Config.Handler = handler(origin)
	server.Start()
	t.Cleanup(server.Close)
	return origin
}

// changing lets the test change the provider's answers.
func (w *world) changing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if w.answer == nil {
			next.ServeHTTP(out, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		body := w.answer(r.URL.Path, rec.Body.Bytes())
		for name, values := range rec.Header() {
			out.Header()[name] = values
		}
		out.WriteHeader(rec.Code)
		out.Write(body)
	})
}

// form is one form that the visitor sends.
type form struct {
	step   string
	values url.Values
}

func card(id string) form    { return form{"card", url.Values{"card": {id}}} }
func pin(s string) form      { return form{"pin", url.Values{"secret": {s}}} }
func password(s string) form { return form{"password", url.Values{"secret": {s}}} }
func code(s string) form     { return form{"code", url.Values{"code": {s}}} }
func user(u, p string) form  { return form{"password", url.Values{"username": {u}, "password": {p}}} }
func cancel() form           { return form{"cancel", nil} }

// visit walks a browser through the provider's pages and returns the query of the callback.
func visit(t *testing.T, address string, forms ...form) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callbackURL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := browser.Get(address)
	for _, f := range forms {
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		page := resp.Request.URL
		path := "/app/" + strings.Split(page.Path, "/")[2]
		resp, err = browser.PostForm(page.Scheme+"://"+page.Host+path+"/"+f.step, f.values)
	}
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("the visit ends at %s with %s", resp.Request.URL, resp.Status)
	}
	return back.Query()
}

func (w *world) beginLogin(t *testing.T) (string, identity.Pending) {
	t.Helper()
	address, pending, err := w.citizen.AuthURL(t.Context(), identity.LoginRequest{RedirectURI: callbackURL, Particulars: true})
	if err != nil {
		t.Fatal(err)
	}
	return address, stored(t, pending)
}

// stored is the Pending after the portal's session kept it.
func stored(t *testing.T, p identity.Pending) identity.Pending {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back identity.Pending
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func (w *world) login(t *testing.T, id, secret string) identity.Login {
	t.Helper()
	address, pending := w.beginLogin(t)
	login, err := w.citizen.Finish(t.Context(), pending, visit(t, address, card(id), pin(secret)))
	if err != nil {
		t.Fatal(err)
	}
	return login
}

// sign walks the visit for a signature over content.
func (w *world) sign(t *testing.T, content []byte, subject string, forms ...form) identity.Signature {
	t.Helper()
	address, pending := w.beginSignature(t, content, subject)
	signed, err := w.citizen.FinishSignature(t.Context(), pending, visit(t, address, forms...))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (w *world) beginSignature(t *testing.T, content []byte, subject string) (string, identity.Pending) {
	t.Helper()
	id, err := w.citizen.StartSignature(t.Context(), sha256.Sum256(content))
	if err != nil {
		t.Fatal(err)
	}
	address, pending, err := w.citizen.SignatureAuthURL(t.Context(),
		identity.SignatureRequest{RedirectURI: callbackURL, Transaction: id, Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	return address, stored(t, pending)
}

// verify checks a signature with the revocation list fetched over HTTP.
func (w *world) verify(t *testing.T, content []byte, s identity.Signature) (jpki.Signer, error) {
	t.Helper()
	lists, err := identity.NewCRLServer(w.origin+"/jpki/crl/signing", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := jpki.Verifier{Anchors: []*x509.Certificate{w.ca.Anchor(ca.Signing)}, CRLs: lists.Fetch, Now: w.clock.Now}
	return v.Verify(t.Context(), content, s.Value, s.Certificate, w.clock.Now())
}

// wantFault sees that err is of the kind, has the message for the visitor, and tells its cause to the log.
func wantFault(t *testing.T, err error, kind fault.Kind, key, cause string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Key != key || !strings.Contains(err.Error(), cause) {
		t.Errorf("got %v, want %s %q because of %q", err, kind, key, cause)
	}
}
