// Package api answers machines: verification of a credential as JSON, the published keys, what wallets ask for when they
// fetch credentials, what registered verifiers ask, and the payment provider's callbacks. It has an origin of its own and
// no cookies. The description is served at /openapi.json and kept as
// openapi.json beside this file, where a test compares the two.
//
// Errors are problem documents (RFC 9457). What was sent to be verified is neither stored nor logged nor repeated in an
// error.
package api

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"akashi/internal/issuance"
	"akashi/internal/payment"
	"akashi/internal/portal/ui"
	"akashi/internal/presentation"
	"akashi/internal/relying"
	"akashi/internal/verification"
)

// Prove proves that a callback's body and header are the payment provider's and returns the event. fault.Unauthenticated
// when they are not or are too old, fault.TooLarge, fault.Upstream when it cannot be told now.
type Prove func(ctx context.Context, body []byte, header http.Header) (payment.Event, error)

// Config is what the API needs. All but Proxies, Wallets, Reader and Rate is required.
type Config struct {
	Origin   string // scheme, host and port at which clients reach the API
	Log      *slog.Logger
	Proxies  []netip.Prefix // proxies whose X-Forwarded-For is believed
	Verifier *verification.Verifier
	Prove    Prove
	Receiver *payment.Receiver
	Wallets  *issuance.Server // nil: credentials are not handed to wallets
	Relying  *relying.Desk
	Reader   *presentation.Reader // nil: wallets are not asked
	Rate     Rate

	WebhookKeyID string // names WebhookKey, the public half of the key that signs notifications
	WebhookKey   *ecdsa.PublicKey
}

// Rate is how fast one client network (the /24 of an IPv4, the /56 of an IPv6 address) may ask for verifications. The
// zero value means 50 a second with 200 at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

func (c Config) check() error {
	switch {
	case c.Origin == "" || c.Log == nil:
		return errors.New("making the API: origin and log are required")
	case c.Verifier == nil || c.Prove == nil || c.Receiver == nil || c.Relying == nil:
		return errors.New("making the API: verifier, prove, receiver and the desk for registered verifiers are required")
	case c.WebhookKey == nil || c.WebhookKeyID == "":
		return errors.New("making the API: the key that signs notifications is required")
	}
	return nil
}

// maxClients bounds how many client networks a limiter remembers.
const maxClients = 20_000

// service is the running API. It keeps nothing between requests but the limiter's counts.
type service struct {
	Config
	limiter *ui.Limiter
}

// New returns the API's handler.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Rate == (Rate{}) {
		cfg.Rate = Rate{PerSecond: 50, Burst: 200}
	}
	s := &service{Config: cfg, limiter: ui.NewLimiter(cfg.Rate.PerSecond, cfg.Rate.Burst, maxClients)}
	return s.handler(), nil
}

// client names the network that a request comes from.
func (s *service) client(r *http.Request) string { return ui.ClientKey(r, s.Proxies) }
