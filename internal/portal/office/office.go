// Package office is the console of registrars' staff: the inbox of a body, the page of a case with the machine's findings
// beside the evidence, itemised correction requests, proposals and their decision by a second person, the register with
// its history and measures, and the log of who looked at what.
//
// A page is a struct, a pure function that fills it from what the stages return, a component in a .templ file and a
// handler that returns its error. Every act is a POST that ends in a redirect; everything is complete without scripts.
//
// What somebody may see is decided by the roles that are in force at this request, read anew each time, and by the doors
// of the database behind the stages. Whoever looks at a person's data has said why: the holder of a case by holding it,
// anybody else by choosing a purpose, which the person concerned can read.
package office

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/authoring"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/preview"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
	"akashi/internal/rollout"
	"akashi/internal/server"
)

// Text has the wordings of this portal.
//
//go:embed text
var Text embed.FS

// LoginCallback is the path to which the staff's login sends the browser back; it is registered there exactly.
const LoginCallback = "/login/callback"

// StepUpFor is how long a confirmation with the second factor lasts for acts that change rights.
const StepUpFor = 15 * time.Minute

// Identity is the staff's login as this portal uses it. Begin and Finish are one visit of the browser there: pending is
// what the portal keeps in its session in between, and is used once. Errors: fault.Unauthenticated when the visitor has
// to begin again, fault.StepUp when the second factor was asked for and not given, fault.Upstream when the login failed.
type Identity interface {
	Begin(ctx context.Context, req LoginRequest) (address string, pending []byte, err error)
	Finish(ctx context.Context, pending []byte, callback url.Values) (Login, error)
}

// LoginRequest is what is asked of the login.
type LoginRequest struct {
	RedirectURI string
	StepUp      bool          // ask for the second factor
	MaxAge      time.Duration // oldest authentication accepted; 0: any
	Subject     string        // who must come back; "": anybody
}

// Login is a finished login.
type Login struct {
	Subject  string
	StepUp   bool      // confirmed with the second factor
	AuthTime time.Time // when the provider saw the person; zero when it did not say
}

// Config is what the portal needs. All but FormAction, Proxies and Demo is required.
type Config struct {
	Origin     string   // scheme, host and port at which browsers reach the portal
	FormAction []string // origin of the staff's login, to which forms lead by redirect
	Proxies    []netip.Prefix
	Demo       bool
	Log        *slog.Logger

	Desk    *review.Desk // its DB is used under the office's role, its catalogue for names
	Reader  *registry.Reader
	Authors *authoring.Desk
	Intake  *application.Intake // what came on paper

	VerifyURL string // address of the verification page: the base of the QR codes
	Blobs     *blob.Store
	Identity  Identity
}

func (c Config) check() error {
	switch {
	case c.Desk == nil || c.Reader == nil || c.Blobs == nil || c.Authors == nil || c.Intake == nil:
		return errors.New("making the office portal: desk, reader, file store, the authors' desk and the intake are required")
	case c.VerifyURL == "":
		return errors.New("making the office portal: the address of the verification page is required")
	case c.Identity == nil:
		return errors.New("making the office portal: the staff's login is required")
	}
	return nil
}

// portal is the running portal. It keeps nothing between requests.
type portal struct {
	Config
	site *ui.Site
}

// New returns the portal's handler.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	words, err := ui.NewCatalogue(Text, fill.Text, preview.Words())
	if err != nil {
		return nil, err
	}
	site, err := ui.NewSite(ui.Config{
		Audience: ui.Office, Origin: cfg.Origin, Catalogue: words, Clock: cfg.Desk.DB.Clock, Log: cfg.Log,
		Store: ui.NewStore(cfg.Desk.DB, ui.Office), LoginPath: "/login", LogoutPath: "/logout", StepUpPath: "/step-up",
		Demo: cfg.Demo, FormAction: cfg.FormAction, Proxies: cfg.Proxies,
	})
	if err != nil {
		return nil, err
	}
	p := &portal{Config: cfg, site: site}
	routes := p.routes()
	return routes.With(site.Wrap(routes)), nil
}

// routes lays out the addresses; those of known are for staff who are logged in and work for a body.
func (p *portal) routes() *server.Mux {
	mux := server.NewMux()
	anybody := func(pattern string, f ui.HandlerFunc) { mux.Handle(pattern, p.site.Handler(f)) }
	known := func(pattern string, f seated) { anybody(pattern, p.known(f)) }

	anybody("GET /login", p.loginPage)
	mux.Handle("POST /login", p.site.Limit(p.site.LoginLimiter(), p.site.Handler(p.login)))
	anybody("GET "+LoginCallback, p.loginCallback)
	anybody("POST /logout", p.logout)
	anybody("GET /step-up", p.stepUpPage)
	anybody("POST /step-up", p.stepUp)
	anybody("GET /body", p.bodyPage)
	anybody("POST /body", p.chooseBody)

	known("GET /{$}", p.inbox)
	known("POST /next", p.takeNext)
	known("GET /cases/{id}", p.casePage)
	known("POST /cases/{id}/purpose", p.statePurpose)
	known("POST /cases/{id}/take", p.take)
	known("POST /cases/{id}/release", p.release)
	known("POST /cases/{id}/free", p.free)
	known("POST /cases/{id}/checks", p.saveChecks)
	known("POST /cases/{id}/notes", p.addNote)
	known("GET /cases/{id}/documents/{document}", p.document)
	known("GET /cases/{id}/correction", p.correctionItems)
	known("POST /cases/{id}/correction", p.saveCorrectionItems)
	known("GET /cases/{id}/correction/words", p.correctionWords)
	known("POST /cases/{id}/correction/words", p.saveCorrectionWords)
	known("GET /cases/{id}/correction/preview", p.correctionPreview)
	known("POST /cases/{id}/correction/preview", p.sendCorrection)
	known("GET "+passedPath, p.passed)
	known("GET /cases/{id}/handover", p.handOverPage)
	known("POST /cases/{id}/handover", p.passOn)
	known("GET /cases/{id}/proposal", p.proposalPage)
	known("POST /cases/{id}/proposal", p.propose)
	known("GET /cases/{id}/decision", p.decisionPage)
	known("POST /cases/{id}/decision", p.decide)
	known("GET /paper", p.papers)
	known("GET /paper-new/{register}/{procedure}", p.newPaper)
	known("POST /paper-new/{register}/{procedure}", p.beginPaper)
	known("GET /paper/{id}", p.paper)
	known("GET /paper/{id}/receipt", p.receipt)
	known("POST /paper/{id}/receipt", p.saveReceipt)
	known("GET /paper/{id}/form/{group}", p.paperForm)
	known("POST /paper/{id}/form/{group}", p.savePaperForm)
	known("GET /paper/{id}/documents", p.paperDocuments)
	mux.Handle("POST /paper/{id}/documents/{evidence}", p.site.BodyLimit(fill.MaxUploadBody, p.site.Handler(p.known(p.savePaperDocuments))))
	known("GET /paper/{id}/uploads/{upload}", p.paperUpload)
	known("GET /paper/{id}/payment", p.paperPayment)
	known("POST /paper/{id}/payment", p.savePaperPayment)
	known("POST /paper/{id}/check", p.freezePaper)
	known("GET /paper/{id}/check", p.paperCheck)
	known("POST /paper/{id}/handin", p.handInPaper)
	known("GET /paper/{id}/withdraw", p.withdrawPaperPage)
	known("POST /paper/{id}/withdraw", p.withdrawPaper)
	known("GET /register", p.registerPage)
	known("POST /register", p.search)
	known("GET /register/results", p.results)
	known("GET /register/{register}/{entry}", p.entryPage)
	known("GET /register/{register}/{entry}/credential", p.handout)
	known("POST /register/{register}/{entry}/purpose", p.stateEntryPurpose)
	known("GET /register/{register}/{entry}/measures/{kind}", p.measurePage)
	known("POST /register/{register}/{entry}/measures/{kind}", p.proposeMeasure)
	known("GET /audit", p.auditPage)
	known("GET /rollout", p.rolloutList)
	known("GET /rollout/{qualification}", p.rolloutPage)
	known("GET /rollout/{qualification}/new", p.newActPage)
	known("POST /rollout/{qualification}/new", p.draftAct)
	known("GET /rollout/{qualification}/preview", p.previewAct)
	known("POST /rollout/{qualification}/preview", p.proposeAct)
	known("GET /definitions", p.textList)
	known("GET /definitions/new", p.newTextPage)
	mux.Handle("POST /definitions/new", p.site.BodyLimit(maxDefinition, p.site.Handler(p.known(p.loadText))))
	known("GET /definitions/{text}", p.textPage)
	known("POST /definitions/{text}", p.moveText)
	known("GET /definitions/{text}/preview", p.previewText)
	known("GET /definitions/{text}/preview/{procedure}", p.previewProcedure)
	known("GET /acts/{act}", p.actPage)
	known("POST /acts/{act}", p.decideAct)
	p.site.RegisterStandard(mux)
	mux.Handle("/", p.site.NotFound())
	return mux
}

// nav is the navigation for somebody's roles.
func nav(o seat) []ui.NavItem {
	items := []ui.NavItem{}
	add := func(shown bool, id, key, path string) {
		if shown {
			items = append(items, ui.NavItem{ID: id, Key: key, Path: path})
		}
	}
	add(o.May(account.CaseView), "inbox", "nav.inbox", "/")
	add(o.May(account.CaseIntake), "paper", "nav.paper", paperPath)
	add(o.May(account.RegisterSearch), "register", "nav.register", "/register")
	add(mayPlan(o), "rollout", "nav.rollout", "/rollout")
	add(mayAuthor(o), "definitions", "nav.definitions", "/definitions")
	add(o.May(account.AuditView), "audit", "nav.audit", "/audit")
	add(len(o.bodies) > 1, "body", "nav.body", "/body")
	return items
}

// page is the frame of an answer to somebody who works for a body.
func (p *portal) page(r *http.Request, o seat, current, titleKey string, args ...any) *ui.Page {
	page := p.site.Page(r, titleKey, args...)
	page.Nav, page.Current = nav(o), current
	page.User, page.Office = o.Staff.Name, p.bodyName(page, o.Body)
	return page
}

// bodyName is the name of a body in the page's language, its id when it is not a registrar.
func (p *portal) bodyName(page *ui.Page, body string) string {
	if g, ok := p.Desk.Catalogue.Registrar(body); ok {
		return g.Name.In(page.Lang)
	}
	if body == rollout.Operator {
		return page.T("body.platform")
	}
	return body
}

// casePath is the address of a case's page; the parts are joined by slashes.
func casePath(publicID string, parts ...string) string {
	return strings.Join(append([]string{"/cases", url.PathEscape(publicID)}, parts...), "/")
}

// entryPath is the address of an entry's page.
func entryPath(register, id string, parts ...string) string {
	return strings.Join(append([]string{"/register", url.PathEscape(register), url.PathEscape(id)}, parts...), "/")
}

// now is the time by the clock of the rules, today its day in Japan.
func (p *portal) now() time.Time       { return p.Desk.DB.Clock.Now() }
func (p *portal) today() calendar.Date { return calendar.Of(p.now()) }

// redirectTo answers 303 to a path in a language that the request's own address does not tell.
func redirectTo(w http.ResponseWriter, r *http.Request, lang qualification.Lang, path string) error {
	if lang == "" {
		lang = ui.LangOf(r)
	}
	http.Redirect(w, r, (&ui.Page{Lang: lang}).URL(path), http.StatusSeeOther)
	return nil
}

// problem is something to put right, in the words of the page's language.
func problem(page *ui.Page, input, key string, args ...any) qualification.Problem {
	words := page.R(key, args...)
	return qualification.Problem{Input: input, Field: input, Message: qualification.Text{JA: words, EN: words, Easy: words}}
}

// flash keeps a notice for the next page.
func (p *portal) flash(r *http.Request, tone ui.Tone, key string, link ui.Link, args ...any) error {
	page := &ui.Page{Site: p.site, Lang: ui.LangOf(r)}
	return p.site.Sessions.Flash(r.Context(), ui.Notice{Tone: tone, Title: page.R(key, args...), Link: link})
}

// done ends an act: a notice for the next page, and the way there.
func (p *portal) done(w http.ResponseWriter, r *http.Request, path, key string, args ...any) error {
	if err := p.flash(r, ui.Success, key, ui.Link{}, args...); err != nil {
		return err
	}
	return p.site.Redirect(w, r, path)
}
