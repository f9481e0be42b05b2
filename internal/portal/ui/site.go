package ui

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"akashi/internal/clock"
	"akashi/internal/qualification"
)

// Audience is who a portal is for. It names the cookie and the session rows, too.
type Audience string

// The three portals, and the page from which a demonstration begins.
const (
	Citizen Audience = "citizen" // holders and applicants
	Office  Audience = "office"  // staff of registrars: dense pages
	Public  Audience = "public"  // anybody who checks a credential: no sessions
	Start   Audience = "start"   // the demonstration's start page, which brings its own site.start wording: no sessions
)

// Config is what makes a Site. Catalogue, Clock, Log, Audience and Origin are required.
type Config struct {
	Audience   Audience
	Origin     string         // scheme, host and port at which browsers reach the portal, e.g. "https://shikaku.example.jp"
	Catalogue  *Catalogue     // common wordings and those of the portal
	Clock      clock.Clock    // the time that rules use; shown in the demo ribbon
	Log        *slog.Logger   // one line for every answer that is an error of ours
	Store      SessionStore   // nil: the portal has no sessions
	Nav        []NavItem      // main navigation
	HomePath   string         // "" means "/"
	LoginPath  string         // where a visitor who is not logged in is sent, with ?to=<path>; "" means a 401 page
	LogoutPath string         // POST
	StepUpPath string         // where a visitor is sent to confirm the login, with ?to=<path>
	Demo       bool           // simulated surroundings: ribbon with the date, no indexing
	FormAction []string       // origins besides our own to which a form may lead (login, signing, payment), also by redirect
	Scripts    []string       // further script modules in static/, on every page; Page.Scripts are those of one page
	BodyLimit  int64          // bytes of a request; 0 means 1 MiB. Handlers of uploads raise it with Site.BodyLimit
	Proxies    []netip.Prefix // proxies whose X-Forwarded-For is believed
}

// NavItem is one entry of the main navigation.
type NavItem struct {
	ID   string
	Key  string // wording of the catalogue
	Path string
}

// Site is one portal's kit. It is safe for concurrent use.
type Site struct {
	cfg      Config
	assets   *assets
	Sessions *Sessions // nil when Config.Store is nil
	guard    *http.CrossOriginProtection
	csp      string
	lens     string // content policy of the pages that use the camera
	secure   bool   // the origin is https
}

// NewSite checks the configuration and returns the kit.
func NewSite(cfg Config) (*Site, error) {
	if cfg.Catalogue == nil || cfg.Clock == nil || cfg.Log == nil {
		return nil, errors.New("making a site: catalogue, clock and log are required")
	}
	switch cfg.Audience {
	case Citizen, Office, Public, Start:
	default:
		return nil, fmt.Errorf("making a site: unknown audience %q", cfg.Audience)
	}
	origin, err := url.Parse(cfg.Origin)
	if err != nil || origin.Host == "" || (origin.Scheme != "http" && origin.Scheme != "https") {
		return nil, fmt.Errorf("making a site: %q is not an origin", cfg.Origin)
	}
	if cfg.BodyLimit == 0 {
		cfg.BodyLimit = 1 << 20
	}
	if cfg.HomePath == "" {
		cfg.HomePath = "/"
	}
	files, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("making a site: %w", err)
	}
	s := &Site{cfg: cfg, assets: files, secure: origin.Scheme == "https"}
	s.csp, s.lens = contentPolicy(cfg, s.secure, false), contentPolicy(cfg, s.secure, true)
	s.guard = http.NewCrossOriginProtection()
	if cfg.Store != nil {
		s.Sessions = newSessions(s)
	}
	return s, nil
}

// Langs are the languages that the portal offers: the same three everywhere.
func (s *Site) Langs() []qualification.Lang { return qualification.Langs }

// Wrap returns the whole portal around its routes: static files, language, session, headers, cross-site protection,
// body limit. The mux sees paths without language.
func (s *Site) Wrap(mux http.Handler) http.Handler {
	inner := s.limitBody(mux)
	if s.Sessions != nil {
		inner = s.Sessions.wrap(s.Sessions.serveAlive(inner))
	}
	return s.headers(s.serveAssets(withLang(s.refuseCrossSite(s.recoverPanic(inner)))))
}

// Page returns the frame of an answer, with the flash messages that wait for this visitor.
func (s *Site) Page(r *http.Request, titleKey string, args ...any) *Page {
	p := s.plainPage(r)
	p.Title = p.T(titleKey, args...)
	if s.Sessions != nil {
		p.Notices = s.Sessions.takeFlashes(r.Context())
		p.User = s.Sessions.UserName(r.Context())
		p.Office = s.Sessions.OfficeName(r.Context())
	}
	return p
}

// plainPage is a frame without anything from the session, for error pages too.
func (s *Site) plainPage(r *http.Request) *Page {
	path := r.URL.Path
	if r.URL.RawQuery != "" && s.cfg.Audience != Public {
		path += "?" + r.URL.RawQuery // the public portal's queries may carry names: they are not repeated into links
	}
	return &Page{Site: s, Lang: LangOf(r), Path: path, Now: s.cfg.Clock.Now(), Wide: s.cfg.Audience == Office}
}

// Redirect answers 303 to a path of this portal in the visitor's language: the end of every successful POST.
func (s *Site) Redirect(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, prefixed(LangOf(r), path), http.StatusSeeOther)
	return nil
}

// LocalPath returns to when it is a path of this portal, otherwise the home page, so that a login cannot be made to
// lead elsewhere.
func (s *Site) LocalPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsAny(to, "\\\r\n") {
		return s.cfg.HomePath
	}
	return to
}
