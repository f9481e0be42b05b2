// Package simtest starts simulators for tests, on a loopback address that they know as their own, and makes the client that
// they let in.
package simtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/wire"
	"akashi/internal/govsim/gate"
)

// Business is the statutory task for which the client may inquire.
const Business = "91-1"

// Serve starts the server that build makes for the address, and returns the address. It ends with the test.
func Serve(t testing.TB, build func(baseURL string) http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	server.Config.Handler = build(url)
	server.Start()
	t.Cleanup(server.Close)
	return url
}

// Key makes a key on P-256.
func Key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Caller is one client, seen from both sides.
type Caller struct {
	Key    *ecdsa.PrivateKey
	Client gate.Client
	Clock  clock.Clock
}

// NewCaller makes a client of a name.
func NewCaller(t testing.TB, name string, c clock.Clock) Caller {
	t.Helper()
	key := Key(t)
	return Caller{Key: key, Clock: c, Client: gate.Client{ID: name, Key: &key.PublicKey, Businesses: []string{Business}}}
}

// Config is the connector's side: quick to try again, three tries.
func (c Caller) Config(baseURL string) wire.Config {
	return wire.Config{
		BaseURL: baseURL, ClientID: c.Client.ID, KeyID: "client-1", Key: c.Key, Clock: c.Clock,
		Timeout: 2 * time.Second, Wait: time.Millisecond,
	}
}
