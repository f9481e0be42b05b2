package payment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	connector "akashi/internal/connector/payment"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/payment"
	"akashi/internal/govsim/simtest"
)

var now = time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)

// order starts a provider with one order.
func order(t *testing.T) (*payment.Server, *connector.Client, connector.Hosted) {
	t.Helper()
	var sim *payment.Server
	caller := simtest.NewCaller(t, "mhlw", clock.Fixed(now))
	base := simtest.Serve(t, func(base string) http.Handler {
		var err error
		if sim, err = payment.New(payment.Config{BaseURL: base, Clients: []gate.Client{caller.Client}, Clock: clock.Fixed(now), RetryMax: 1}); err != nil {
			t.Fatal(err)
		}
		return sim
	})
	t.Cleanup(sim.Close)
	client, err := connector.New(caller.Config(base))
	if err != nil {
		t.Fatal(err)
	}
	hosted, err := client.CreateOrder(context.Background(), connector.Order{
		Key: "k", Reference: "r", Description: "<看護師> 登録", ReturnURL: "http://127.0.0.1:8400/p?a=1", CallbackURL: base + "/none",
		Lines: []connector.Line{{Kind: connector.Tax, Collector: "国", Label: "登録免許税", Amount: 1_209_000}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return sim, client, hosted
}

func read(t *testing.T, response *http.Response, err error) (int, string, http.Header) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body), response.Header
}

func get(t *testing.T, address string) (int, string, http.Header) {
	t.Helper()
	response, err := http.Get(address)
	return read(t, response, err)
}

func TestPage(t *testing.T) {
	sim, client, hosted := order(t)
	status, body, header := get(t, hosted.PayURL)
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{`lang="ja"`, "模擬", "&lt;看護師&gt; 登録", "1,209,000円", "登録免許税", "http://127.0.0.1:8400/p?a=1&amp;order=" + hosted.OrderID} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(body, "style=") || strings.Contains(body, "<script") {
		t.Error("the page has inline style or script")
	}
	csp := header.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "form-action 'self' http://127.0.0.1:8400") {
		t.Errorf("policy %s", csp)
	}
	if header.Get("Cache-Control") != "no-store" || header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", header)
	}
	if _, err := client.Cancel(t.Context(), hosted.OrderID); err != nil {
		t.Fatal(err)
	}
	if _, body, _ := get(t, hosted.PayURL); !strings.Contains(body, "取り消されました") || strings.Contains(body, "<form") {
		t.Error("a cancelled order's page still offers to pay")
	}
	if n := sim.Charges(); n != 0 {
		t.Errorf("%d charges", n)
	}
}

func TestPageRefuses(t *testing.T) {
	sim, _, hosted := order(t)
	for _, c := range []struct {
		name, address string
		form          url.Values
		site          string
		status        int
		text          string
	}{
		{"no method", hosted.PayURL, url.Values{"outcome": {"paid"}}, "same-origin", 422, "選択されていない項目があります"},
		{"no outcome", hosted.PayURL, url.Values{"method": {"card"}}, "same-origin", 422, `role="alert"`},
		{"made-up outcome", hosted.PayURL, url.Values{"method": {"card"}, "outcome": {"free"}}, "same-origin", 422, "エラー"},
		{"unknown page", hosted.PayURL + "x", url.Values{"method": {"card"}, "outcome": {"paid"}}, "same-origin", 404, "見つかりません"},
		{"from another site", hosted.PayURL, url.Values{"method": {"card"}, "outcome": {"paid"}}, "cross-site", 403, "cross-origin"},
		{"too long", hosted.PayURL, url.Values{"method": {strings.Repeat("x", 5000)}}, "same-origin", 400, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequest("POST", c.address, strings.NewReader(c.form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Sec-Fetch-Site", c.site)
			response, err := http.DefaultClient.Do(request)
			if status, body, _ := read(t, response, err); status != c.status || !strings.Contains(body, c.text) {
				t.Errorf("got %d %.200s, want %d %s", status, body, c.status, c.text)
			}
		})
	}
	if n := sim.Charges(); n != 0 {
		t.Errorf("%d charges", n)
	}
}

func TestOtherPages(t *testing.T) {
	_, _, hosted := order(t)
	base := hosted.PayURL[:strings.Index(hosted.PayURL, "/pay/")]
	for path, want := range map[string]string{"/healthz": "ok", "/style.css": "focus-visible", "/.well-known/jwks.json": `"kid":"payment-1"`} {
		if status, body, _ := get(t, base+path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.100s", path, status, body)
		}
	}
	if _, body, _ := get(t, base+"/.well-known/jwks.json"); strings.Contains(body, `"d":`) {
		t.Error("the private key is published")
	}
	if status, _, _ := get(t, base+"/v1/orders/"+hosted.OrderID); status != 401 {
		t.Errorf("an order without a token: %d, want 401", status)
	}
}

// The request that orders are refused for is checked before anything is made of it.
func TestOrderRefused(t *testing.T) {
	sim, _, hosted := order(t)
	base := hosted.PayURL[:strings.Index(hosted.PayURL, "/pay/")]
	good := map[string]any{
		"reference": "r", "description": "d", "return_url": "http://127.0.0.1/r", "callback_url": "http://127.0.0.1/c",
		"lines": []any{map[string]any{"kind": "fee", "collector": "c", "label": "l", "amount": 1}},
	}
	body, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	if w := post(base, body); w != 401 {
		t.Errorf("without a token: %d, want 401", w)
	}
	for name, line := range map[string]connector.Line{
		"no amount": {Kind: connector.Fee, Collector: "c", Label: "l"}, "negative": {Kind: connector.Fee, Collector: "c", Label: "l", Amount: -1},
		"unknown kind": {Kind: "gift", Collector: "c", Label: "l", Amount: 1}, "no collector": {Kind: connector.Fee, Label: "l", Amount: 1},
	} {
		caller := simtest.NewCaller(t, "mhlw", clock.Fixed(now))
		url := simtest.Serve(t, func(url string) http.Handler {
			s, err := payment.New(payment.Config{BaseURL: url, Clients: []gate.Client{caller.Client}, Clock: clock.Fixed(now)})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
		client, err := connector.New(caller.Config(url))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.CreateOrder(t.Context(), connector.Order{Key: "k", Reference: "r", Description: "d", ReturnURL: "http://127.0.0.1/r", CallbackURL: "http://127.0.0.1/c", Lines: []connector.Line{line}})
		if err == nil || !strings.Contains(err.Error(), "invalid_request") {
			t.Errorf("%s: %v, want invalid_request", name, err)
		}
	}
	if n := sim.Orders(); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func post(base string, body []byte) int {
	response, err := http.Post(base+"/v1/orders", "application/json", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func TestNewRefuses(t *testing.T) {
	if _, err := payment.New(payment.Config{}); err == nil || !strings.Contains(err.Error(), "without an audience or a clock") {
		t.Errorf("got %v", err)
	}
	w := httptest.NewRecorder()
	s, err := payment.New(payment.Config{BaseURL: "http://127.0.0.9:8409", Clock: clock.Fixed(now)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.ServeHTTP(w, httptest.NewRequest("GET", "/nothing", nil)); w.Code != 404 {
		t.Errorf("got %d", w.Code)
	}
}
