// Package public is the page on which anybody checks a digital credential: from the QR code's address, a picture or a
// pasted text to one line that says whether it is genuine and in force now, with the three checks behind it and as few
// facts as comparing it with an identity document takes. It also publishes the keys, for checks without this service.
//
// Nothing that is shown here is stored, logged, or kept for the next page, so the answer to a POST is the result itself:
// a redirect would have to carry the credential or remember it. Nobody logs in; there are no sessions and no cookies.
package public

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"akashi/internal/portal/ui"
	"akashi/internal/presentation"
	"akashi/internal/verification"
)

// Text has the wordings of this portal.
//
//go:embed text
var Text embed.FS

// Config is what the portal needs. All but APIOrigin, Proxies, Demo, Wallets, SealKey and Rate is required.
type Config struct {
	Origin    string // scheme, host and port at which browsers reach the portal
	APIOrigin string // where programs ask; named on the page about keys, "" leaves it out
	Demo      bool
	Log       *slog.Logger
	Proxies   []netip.Prefix // proxies whose X-Forwarded-For is believed
	Verifier  *verification.Verifier
	Wallets   *presentation.Reader // asks wallets; nil: that is not offered
	SealKey   []byte               // seals results that travel with a page; the same in every process, empty: until this one ends
	Rate      Rate
}

// Rate is how fast one client network (the /24 of an IPv4, the /56 of an IPv6 address) may have credentials checked. The
// zero value means 2 a second with 30 at once, in a demonstration ui.DemoRate times as many.
type Rate struct {
	PerSecond float64
	Burst     int
}

func (c Config) check() error {
	switch {
	case c.Origin == "" || c.Log == nil:
		return errors.New("making the verification page: origin and log are required")
	case c.Verifier == nil:
		return errors.New("making the verification page: the verifier is required")
	}
	return nil
}

// ofNumbers is how fast one client network may ask about bare numbers, as a share of the rate of credentials: who has a
// credential in hand reads a code, who types reads slowly. The numbers are random; the limit keeps others from trying them anyway.
const ofNumbers = 0.25

// atOnce is how many files are read at the same time: a picture takes a core and up to 200 MB.
const atOnce = 2

// maxClients bounds how many client networks the limiter remembers.
const maxClients = 20_000

// portal is the running portal. It keeps nothing between requests but the limiters' counts.
type portal struct {
	Config
	site    *ui.Site
	limiter *ui.Limiter
	numbers *ui.Limiter   // of questions about bare numbers
	reading chan struct{} // one slot for each file being read
	lists   lists
	seal    *sealer
}

// New returns the portal's handler.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Rate == (Rate{}) {
		cfg.Rate = Rate{PerSecond: 2, Burst: 30}
		if cfg.Demo {
			cfg.Rate = Rate{PerSecond: 2 * ui.DemoRate, Burst: 30 * ui.DemoRate}
		}
	}
	words, err := ui.NewCatalogue(Text)
	if err != nil {
		return nil, err
	}
	site, err := ui.NewSite(ui.Config{Audience: ui.Public, Origin: cfg.Origin, Catalogue: words, Clock: cfg.Verifier.DB.Clock, Log: cfg.Log,
		Demo: cfg.Demo, Proxies: cfg.Proxies, Nav: cfg.nav(), Scripts: []string{"check.js"}})
	if err != nil {
		return nil, err
	}
	seal, err := newSealer(cfg.SealKey, cfg.Verifier.DB.Clock)
	if err != nil {
		return nil, err
	}
	p := &portal{Config: cfg, site: site, seal: seal, limiter: ui.NewLimiter(cfg.Rate.PerSecond, cfg.Rate.Burst, maxClients),
		numbers: ui.NewLimiter(cfg.Rate.PerSecond*ofNumbers, max(1, int(float64(cfg.Rate.Burst)*ofNumbers)), maxClients),
		reading: make(chan struct{}, atOnce)}
	routes := p.routes()
	return routes.With(site.Wrap(routes)), nil
}
