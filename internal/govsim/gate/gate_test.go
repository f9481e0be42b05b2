package gate_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/simtest"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var now = time.Date(2026, 12, 1, 12, 0, 0, 0, clock.JST)

const audience = "http://127.0.0.8:8407"

func claims() jwt.Claims {
	return jwt.Claims{
		Issuer: "mhlw", Subject: "mhlw", Audience: jwt.Audience{audience}, ID: "once",
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Minute)),
	}
}

func token(t *testing.T, alg jose.SignatureAlgorithm, key any, c jwt.Claims) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newGate(t *testing.T, key *ecdsa.PrivateKey) http.Handler {
	t.Helper()
	g, err := gate.New(gate.Config{Audience: audience, Clock: clock.Fixed(now), Clients: []gate.Client{{ID: "mhlw", Key: &key.PublicKey}}})
	if err != nil {
		t.Fatal(err)
	}
	return g.Handle(func(c gate.Call) gate.Reply { return gate.Reply{Status: 200, Body: c.Client.ID} })
}

func call(h http.Handler, authorization string) (int, string) {
	r := httptest.NewRequest("POST", "/v1/x", strings.NewReader("{}"))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestWhoGetsIn(t *testing.T) {
	key, other := simtest.Key(t), simtest.Key(t)
	with := func(change func(*jwt.Claims)) string {
		c := claims()
		change(&c)
		return "Bearer " + token(t, jose.ES256, key, c)
	}
	for _, c := range []struct{ name, authorization, want string }{
		{"right", with(func(*jwt.Claims) {}), ""},
		{"nothing", "", "no bearer token"},
		{"not a token", "Bearer x", "reading the token"},
		{"another key", "Bearer " + token(t, jose.ES256, other, claims()), "checking the token's signature"},
		{"HMAC", "Bearer " + token(t, jose.HS256, make([]byte, 32), claims()), "unexpected signature algorithm"},
		{"unknown client", with(func(c *jwt.Claims) { c.Issuer = "sssc" }), "unknown client"},
		{"another subject", with(func(c *jwt.Claims) { c.Subject = "sssc" }), "invalid subject"},
		{"another audience", with(func(c *jwt.Claims) { c.Audience = jwt.Audience{"http://127.0.0.9"} }), "invalid audience"},
		{"expired", with(func(c *jwt.Claims) {
			c.IssuedAt, c.Expiry = jwt.NewNumericDate(now.Add(-3*time.Minute)), jwt.NewNumericDate(now.Add(-time.Minute))
		}), "expired"},
		{"issued tomorrow", with(func(c *jwt.Claims) {
			c.IssuedAt, c.Expiry = jwt.NewNumericDate(now.Add(24*time.Hour)), jwt.NewNumericDate(now.Add(24*time.Hour))
		}), "issued in the future"},
		{"lives too long", with(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(now.Add(time.Hour)) }), "lives too long"},
		{"no expiry", with(func(c *jwt.Claims) { c.Expiry = nil }), "lacks exp"},
		{"no id", with(func(c *jwt.Claims) { c.ID = "" }), "lacks exp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := call(newGate(t, key), c.authorization)
			if c.want == "" && status != 200 || c.want != "" && (status != 401 || !strings.Contains(body, c.want)) {
				t.Errorf("got %d %s, want %q", status, body, c.want)
			}
		})
	}
}

func TestTokenOnce(t *testing.T) {
	key := simtest.Key(t)
	h, text := newGate(t, key), "Bearer "+token(t, jose.ES256, key, claims())
	if status, body := call(h, text); status != 200 {
		t.Fatalf("first: %d %s", status, body)
	}
	if status, body := call(h, text); status != 401 || !strings.Contains(body, "used before") {
		t.Errorf("again: %d %s", status, body)
	}
}

func TestBodyTooLarge(t *testing.T) {
	key := simtest.Key(t)
	r := httptest.NewRequest("POST", "/v1/x", strings.NewReader(strings.Repeat("x", 65<<10)))
	r.Header.Set("Authorization", "Bearer "+token(t, jose.ES256, key, claims()))
	w := httptest.NewRecorder()
	newGate(t, key).ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", w.Code)
	}
}

func TestDecodeInquiry(t *testing.T) {
	good := `{"request_id":"r","business_id":"b","purpose":"p","particulars":{"name":"n","birth_date":"1998-04-01"}}`
	for _, c := range []struct{ name, body, want string }{
		{"right", good, ""},
		{"unknown member", strings.Replace(good, `{`, `{"extra":1,`, 1), "unknown field"},
		{"two values", good + good, "more than one"},
		{"no purpose", strings.Replace(good, `"p"`, `""`, 1), "purpose"},
		{"no such day", strings.Replace(good, "04-01", "04-31", 1), "date"},
		{"sex", strings.Replace(good, `"name"`, `"sex":"f","name"`, 1), "sex"},
		{"too long", strings.Replace(good, `"n"`, fmt.Sprintf("%q", strings.Repeat("n", 301)), 1), "particulars.name"},
	} {
		_, err := gate.DecodeInquiry(gate.Call{Body: []byte(c.body)})
		if c.want == "" && err != nil || c.want != "" && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestOnce(t *testing.T) {
	var once gate.Once[int]
	made := 0
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if n, same := once.Do("c", "k", []byte("b"), func() int { made++; return made }); n != 1 || !same {
				t.Errorf("got %d, %v", n, same)
			}
		})
	}
	wg.Wait()
	if _, same := once.Do("c", "k", []byte("other"), func() int { t.Error("done again"); return 0 }); same {
		t.Error("another body passes for the same")
	}
	if n, _ := once.Do("d", "k", []byte("b"), func() int { return 7 }); n != 7 {
		t.Error("two clients share a key")
	}
}

func TestAdminister(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("PUT /x/{id}", gate.Administer(func(id string, v map[string]int) error {
		if v["n"] < 0 {
			return fault.New(fault.Invalid, "", "negative")
		}
		return nil
	}))
	for body, want := range map[string]int{`{"n":1}`: 204, `{"n":-1}`: 400, `[]`: 400} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("PUT", "/x/1", strings.NewReader(body)))
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", body, w.Code, want)
		}
	}
}

func TestReplyIsJSON(t *testing.T) {
	status, body := call(newGate(t, simtest.Key(t)), "")
	var e struct{ Error string }
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Error != "invalid_client" || status != 401 {
		t.Errorf("got %d %s", status, body)
	}
}
