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
	"akashi/internal/verification"
)

// Text has the wordings of this portal.
//
//go:embed text
var Text embed.FS

// Config is what the portal needs. All but APIOrigin, Proxies, Demo and Rate is required.
type Config struct {
	Origin    string // scheme, host and port at which browsers reach the portal
	APIOrigin string // where programs ask; named on the page about keys, "" leaves it out
	Demo      bool
	Log       *slog.Logger
	Proxies   []netip.Prefix // proxies whose X-Forwarded-For is believed
	Verifier  *verification.Verifier
	Rate      Rate
}

// Rate is how fast one client network (the /24 of an IPv4, the /56 of an IPv6 address) may have credentials checked. The
// zero value means 2 a second with 30 at once.
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

// atOnce is how many pictures are read at the same time: each takes a core and up to 200 MB.
const atOnce = 2

// maxClients bounds how many client networks the limiter remembers.
const maxClients = 20_000

// portal is the running portal. It keeps nothing between requests but the limiter's counts.
type portal struct {
	Config
	site     *ui.Site
	limiter  *ui.Limiter
	decoding chan struct{} // one slot for each picture being read
}

// New returns the portal's handler.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Rate == (Rate{}) {
		cfg.Rate = Rate{PerSecond: 2, Burst: 30}
	}
	words, err := ui.NewCatalogue(Text)
	if err != nil {
		return nil, err
	}
	site, err := ui.NewSite(ui.Config{Audience: ui.Public, Origin: cfg.Origin, Catalogue: words, Clock: cfg.Verifier.DB.Clock, Log: cfg.Log,
		Demo: cfg.Demo, Proxies: cfg.Proxies, Nav: nav(), Scripts: []string{"check.js"}})
	if err != nil {
		return nil, err
	}
	p := &portal{Config: cfg, site: site, limiter: ui.NewLimiter(cfg.Rate.PerSecond, cfg.Rate.Burst, maxClients),
		decoding: make(chan struct{}, atOnce)}
	return site.Wrap(p.routes()), nil
}
