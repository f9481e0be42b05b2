// Package wallettest is a wallet for tests: it keeps a key and credentials, and speaks to verifiers over the wire as a
// person's wallet does. It reads what it is sent by itself, and trusts nothing that our own side has written: a request
// whose signature, type or client identifier does not fit is refused.
//
//	Fetch    opens a link: fetches the request object and checks it                 (request.go)
//	Show     chooses credentials for the query and signs with the holder's key      (show.go)
//	Send     encrypts the answer if it was asked to, and posts it                   (send.go)
//	Present  all three
//
// Between the steps a test may bend what was read, to answer as no honest wallet would.
package wallettest

import (
	"akashi/internal/format/jws"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"testing"
	"time"
)

// The formats of credentials (OpenID4VP 1.0 Appendix B).
const (
	FormatSDJWT = "dc+sd-jwt"
	FormatMDoc  = "mso_mdoc"
)

// Held is one credential in the wallet, bound to its key.
type Held struct {
	Format string
	SDJWT  string // issuer's token and disclosures
	MDoc   []byte // issuer-signed part
}

// Wallet is one person's wallet. Its key and its credentials may be read and changed by tests.
type Wallet struct {
	Key    *ecdsa.PrivateKey
	Held   []Held
	Client *http.Client
	Now    func() time.Time
}

// New returns an empty wallet with a key of its own. It follows no redirects.
func New(t testing.TB, now func() time.Time) *Wallet {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Wallet{Key: key, Now: now, Client: &http.Client{Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Sign signs by ES256 with the wallet's key: r and s in 64 bytes.
func (w *Wallet) Sign(toSign []byte) ([]byte, error) {
	return jws.SignES256(w.Key, toSign)
}

// Present opens a link and answers it with what the wallet has.
func (w *Wallet) Present(ctx context.Context, link string) (*Reply, error) {
	r, err := w.Fetch(ctx, link)
	if err != nil {
		return nil, err
	}
	shown, err := w.Show(r)
	if err != nil {
		return nil, err
	}
	return w.Send(ctx, r, shown)
}
