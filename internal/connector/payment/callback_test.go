package payment_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	connector "akashi/internal/connector/payment"
	"akashi/internal/fault"
	"akashi/internal/govsim/simtest"

	"github.com/go-jose/go-jose/v4"
)

const eventBody = `{"event_id":"evt_1","type":"payment.paid","order_id":"ord_1","reference":"ref-1","sequence":2,"status":"paid","amount":9000,"refunded":0,"occurred_at":"2026-12-01T09:00:00+09:00"}`

// forge signs a callback as told.
type forge struct {
	alg     jose.SignatureAlgorithm
	key     any
	kid     string
	headers map[jose.HeaderKey]any
}

func (f forge) sign(t *testing.T, body string) http.Header {
	t.Helper()
	options := &jose.SignerOptions{}
	for name, value := range f.headers {
		options.WithHeader(name, value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: f.alg, Key: jose.JSONWebKey{Key: f.key, KeyID: f.kid}}, options)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := object.DetachedCompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return http.Header{connector.SignatureHeader: {text}}
}

func headers(change map[jose.HeaderKey]any) map[jose.HeaderKey]any {
	h := map[jose.HeaderKey]any{"typ": "payment-event+jws", "iat": now.Unix(), "jti": "evt_1"}
	for name, value := range change {
		h[name] = value
	}
	return h
}

// provider publishes one key and counts how often it is read.
func provider(t *testing.T) (*connector.Client, forge, *atomic.Int32) {
	t.Helper()
	w := start(t)
	key := simtest.Key(t)
	reads := new(atomic.Int32)
	url := simtest.Serve(t, func(string) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			reads.Add(1)
			set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
				{Key: &key.PublicKey, KeyID: "k", Algorithm: "ES256", Use: "sig"}, {Key: &key.PublicKey, KeyID: "enc", Use: "enc"},
			}}
			if err := json.NewEncoder(rw).Encode(set); err != nil {
				t.Error(err)
			}
		})
	})
	client, err := connector.New(w.caller.Config(url))
	if err != nil {
		t.Fatal(err)
	}
	return client, forge{alg: jose.ES256, key: key, kid: "k", headers: headers(nil)}, reads
}

func TestCallbackRefused(t *testing.T) {
	client, good, _ := provider(t)
	with := func(change map[jose.HeaderKey]any) forge {
		f := good
		f.headers = headers(change)
		return f
	}
	otherKey, otherKID, encryption := good, good, good
	otherKey.key, otherKID.kid, encryption.kid = simtest.Key(t), "unknown", "enc"
	hmac := forge{alg: jose.HS256, key: make([]byte, 32), kid: "k", headers: headers(nil)}
	header := good.sign(t, eventBody)
	twice := http.Header{connector.SignatureHeader: append(header[connector.SignatureHeader], header[connector.SignatureHeader]...)}
	bad := func(old, fresh string) string { return strings.Replace(eventBody, old, fresh, 1) }
	for _, c := range []struct {
		name   string
		body   string
		header http.Header
		want   connector.Refusal
	}{
		{"no signature", eventBody, http.Header{}, connector.NoSignature},
		{"two signatures", eventBody, twice, connector.NoSignature},
		{"not a JWS", eventBody, http.Header{connector.SignatureHeader: {"x..y"}}, connector.WrongAlgorithm},
		{"HMAC", eventBody, hmac.sign(t, eventBody), connector.WrongAlgorithm},
		{"amount changed", bad("9000", "9001"), header, connector.BadSignature},
		{"a space added", eventBody + " ", header, connector.BadSignature},
		{"another key", eventBody, otherKey.sign(t, eventBody), connector.BadSignature},
		{"unknown key", eventBody, otherKID.sign(t, eventBody), connector.UnknownKey},
		{"encryption key", eventBody, encryption.sign(t, eventBody), connector.UnknownKey},
		{"another use", eventBody, with(map[jose.HeaderKey]any{"typ": "JWT"}).sign(t, eventBody), connector.WrongType},
		{"too old", eventBody, with(map[jose.HeaderKey]any{"iat": now.Add(-6 * time.Minute).Unix()}).sign(t, eventBody), connector.Stale},
		{"from the future", eventBody, with(map[jose.HeaderKey]any{"iat": now.Add(6 * time.Minute).Unix()}).sign(t, eventBody), connector.Stale},
		{"no time", eventBody, with(map[jose.HeaderKey]any{"iat": "now"}).sign(t, eventBody), connector.Stale},
		{"another event", eventBody, with(map[jose.HeaderKey]any{"jti": "evt_2"}).sign(t, eventBody), connector.OtherEvent},
		{"unknown type", bad("payment.paid", "payment.gift"), good.sign(t, bad("payment.paid", "payment.gift")), connector.Malformed},
		{"unknown status", bad(`"paid"`, `"half"`), good.sign(t, bad(`"paid"`, `"half"`)), connector.Malformed},
		{"no sequence", bad(`"sequence":2`, `"sequence":0`), good.sign(t, bad(`"sequence":2`, `"sequence":0`)), connector.Malformed},
		{"two values", eventBody + "{}", good.sign(t, eventBody+"{}"), connector.Malformed},
		{"not JSON", "paid", good.sign(t, "paid"), connector.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			event, err := client.VerifyCallback(t.Context(), []byte(c.body), c.header)
			if !errors.Is(err, c.want) || !errors.Is(err, fault.Unauthenticated) || event != (connector.Event{}) {
				t.Fatalf("got %+v, %v, want %s", event, err, c.want)
			}
		})
	}
	if event, err := client.VerifyCallback(t.Context(), []byte(eventBody), header); err != nil || event.ID != "evt_1" || event.Type != connector.EventPaid {
		t.Errorf("the right one: %+v, %v", event, err)
	}
	if _, err := client.VerifyCallback(t.Context(), make([]byte, connector.MaxCallback+1), header); !errors.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v, want too_large", err)
	}
}

func TestMadeUpKeysDoNotMakeUsAsk(t *testing.T) {
	client, f, reads := provider(t)
	f.kid = "made-up"
	header := f.sign(t, eventBody)
	for range 20 {
		if _, err := client.VerifyCallback(t.Context(), []byte(eventBody), header); !errors.Is(err, connector.UnknownKey) {
			t.Fatal(err)
		}
	}
	if n := reads.Load(); n != 1 {
		t.Errorf("the keys were read %d times, want once", n)
	}
}

func TestKeysCannotBeRead(t *testing.T) {
	w := start(t)
	url := simtest.Serve(t, func(string) http.Handler { return http.NotFoundHandler() })
	client, err := connector.New(w.caller.Config(url))
	if err != nil {
		t.Fatal(err)
	}
	f := forge{alg: jose.ES256, key: simtest.Key(t), kid: "k", headers: headers(nil)}
	if _, err := client.VerifyCallback(t.Context(), []byte(eventBody), f.sign(t, eventBody)); !errors.Is(err, fault.Upstream) {
		t.Errorf("got %v, want upstream", err)
	}
}
