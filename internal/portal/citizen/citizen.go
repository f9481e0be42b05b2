// Package citizen is the portal of applicants and holders: what can be applied for and what it takes, login with the
// national ID card, the form page by page, documents, signature, payment, the timeline that says who acts next,
// corrections, the digital credential, messages, and the record of who looked at one's data.
//
// A page is a struct, a pure function that fills it from what the stages return, a component in a .templ file and a
// handler that returns its error. Every act is a POST that ends in a redirect, and every step has an address of its own,
// so that the portal is complete without scripts and a reload never repeats an act.
//
// What a visitor may see is decided below: every read and write goes through the person's door of the stages, so that
// another person's case does not exist here (404), whatever the address says.
package citizen

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

	"akashi/internal/application"
	"akashi/internal/credential"
	"akashi/internal/issuance"
	"akashi/internal/payment"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/relying"
	"akashi/internal/server"
)

// Text has the wordings of this portal.
//
//go:embed text
var Text embed.FS

// Identity is the citizens' login and signing service as this portal uses it. Begin and Finish are one visit of the
// browser there: pending is what the portal keeps in its session in between, and is used once. Errors: fault.Unauthenticated
// with a key of the identity.* messages when the visitor has to begin again, fault.Upstream when the service failed.
type Identity interface {
	BeginLogin(ctx context.Context, redirectURI string) (address string, pending []byte, err error)
	FinishLogin(ctx context.Context, pending []byte, callback url.Values) (Login, error)
	// StartSignature hands in the SHA-256 of what is to be signed and returns the transaction's id.
	StartSignature(ctx context.Context, digest [32]byte) (transaction string, err error)
	BeginSignature(ctx context.Context, redirectURI, transaction, subject string) (address string, pending []byte, err error)
	// FinishSignature returns what the card made, unverified.
	FinishSignature(ctx context.Context, pending []byte, callback url.Values) (Signature, error)
}

// Login is a finished login: the pairwise subject and the four basic particulars as read from the card.
type Login struct {
	Issuer, Subject string
	Name            string // family and given name, divided by a space of any width
	Address         string
	BirthDate       string // YYYY-MM-DD
	Sex             string // 1, 2, 3
}

// Signature is what the card made: RSASSA-PKCS1-v1_5 over SHA-256, and the signing certificate in DER.
type Signature struct {
	Value       []byte
	Certificate []byte
}

// The addresses to which the login and signing service sends the browser back; they are registered there exactly.
const (
	LoginCallback = "/login/callback"
	SignCallback  = "/sign/callback"
)

// Config is what the portal needs. All but FormAction, Proxies, Demo and Offers is required.
type Config struct {
	Origin     string   // scheme, host and port at which browsers reach the portal
	FormAction []string // origins of the login, signing and payment pages, to which forms lead by redirect
	Proxies    []netip.Prefix
	Demo       bool
	Log        *slog.Logger

	Desk      *application.Desk
	Counter   *payment.Counter
	Wallet    *credential.Wallet
	Offers    *issuance.Holder // nil: credentials are not handed to wallets
	Holder    *relying.Holder
	Identity  Identity
	VerifyURL string // address of the verification page: the base of the QR codes
}

func (c Config) check() error {
	switch {
	case c.Desk == nil || c.Counter == nil || c.Wallet == nil || c.Holder == nil:
		return errors.New("making the citizen portal: desk, counter, wallet and the holder's side of registered verifiers are required")
	case c.Identity == nil:
		return errors.New("making the citizen portal: the login service is required")
	case c.VerifyURL == "":
		return errors.New("making the citizen portal: the address of the verification page is required")
	}
	return nil
}

// ReturnURL is the address to which the payment provider sends the payer of a case back, in the language of the case.
func ReturnURL(origin string) func(*application.Case) string {
	return func(c *application.Case) string {
		return origin + (&ui.Page{Lang: qualification.Lang(c.Lang)}).URL(casePath(c.PublicID, "paid"))
	}
}

// casePath is the address of a case's page; the parts are joined by slashes.
func casePath(publicID string, parts ...string) string {
	return strings.Join(append([]string{"/applications", url.PathEscape(publicID)}, parts...), "/")
}

// portal is the running portal. It keeps nothing between requests.
type portal struct {
	Config
	site  *ui.Site
	found searchText
}

// New returns the portal's handler.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	words, err := ui.NewCatalogue(Text, fill.Text)
	if err != nil {
		return nil, err
	}
	site, err := ui.NewSite(ui.Config{
		Audience: ui.Citizen, Origin: cfg.Origin, Catalogue: words, Clock: cfg.Desk.DB.Clock, Log: cfg.Log,
		Store: ui.NewStore(cfg.Desk.DB, ui.Citizen), Nav: nav(), LoginPath: "/login", LogoutPath: "/logout", StepUpPath: againPath,
		Demo: cfg.Demo, FormAction: cfg.FormAction, Proxies: cfg.Proxies,
	})
	if err != nil {
		return nil, err
	}
	p := &portal{Config: cfg, site: site}
	routes := p.routes()
	return routes.With(site.Wrap(routes)), nil
}

func nav() []ui.NavItem {
	return []ui.NavItem{
		{ID: "home", Key: "nav.home", Path: "/"},
		{ID: "qualifications", Key: "nav.qualifications", Path: "/qualifications"},
		{ID: "credentials", Key: "nav.credentials", Path: "/credentials"},
		{ID: "messages", Key: "nav.messages", Path: "/messages"},
		{ID: "access", Key: "nav.access", Path: "/access-log"},
	}
}

// own is a handler for somebody who is logged in.
type own func(w http.ResponseWriter, r *http.Request, a application.Applicant) error

// routes lays out the addresses; those of known are for people who are logged in.
func (p *portal) routes() *server.Mux {
	mux := server.NewMux()
	anybody := func(pattern string, f ui.HandlerFunc) { mux.Handle(pattern, p.site.Handler(f)) }
	known := func(pattern string, f own) { anybody(pattern, p.known(f)) }

	anybody("GET /{$}", p.home)
	anybody("GET /qualifications", p.qualifications)
	anybody("GET /qualifications/{qualification}", p.qualification)
	anybody("GET /qualifications/{qualification}/{procedure}", p.chooseRegister)
	anybody("GET /procedures/{register}/{procedure}", p.procedure)
	for _, name := range []string{"help", "about", "accessibility", "privacy"} {
		anybody("GET /"+name, p.article(name))
	}
	anybody("GET /login", p.loginPage)
	mux.Handle("POST /login", p.site.Limit(p.site.LoginLimiter(), p.site.Handler(p.login)))
	anybody("GET "+LoginCallback, p.loginCallback)
	anybody("GET /login/failed", p.loginFailed)
	anybody("POST /logout", p.logout)
	anybody("GET /logged-out", p.article("logged-out"))

	known("GET /procedures/{register}/{procedure}/start", p.startPage)
	known("POST /applications", p.start)
	known("GET /card-check", p.cardPage)
	known("POST /card-check", p.tryCard)
	known("GET /card-check/failed", p.cardFailed)
	known("GET /applications/{id}", p.overview)
	known("GET /applications/{id}/form/{group}", p.form)
	known("POST /applications/{id}/form/{group}", p.saveForm)
	known("GET /applications/{id}/documents", p.documents)
	mux.Handle("POST /applications/{id}/documents/{evidence}", p.site.BodyLimit(fill.MaxUploadBody, p.site.Handler(p.known(p.saveDocuments))))
	known("GET /applications/{id}/uploads/{upload}", p.upload)
	known("POST /applications/{id}/check", p.prepare)
	known("GET /applications/{id}/check", p.check)
	known("POST /applications/{id}/sign", p.sign)
	known("GET "+SignCallback, p.signCallback)
	known("GET /applications/{id}/sign/failed", p.signFailed)
	known("GET /applications/{id}/receipt/{round}", p.receipt)
	known("GET /applications/{id}/pay", p.payPage)
	known("POST /applications/{id}/pay", p.pay)
	known("GET /applications/{id}/paid", p.paid)
	known("GET /applications/{id}/withdraw", p.withdrawPage)
	known("POST /applications/{id}/withdraw", p.withdraw)
	known("GET /credentials", p.credentials)
	known("GET /credentials/{register}/{entry}", p.credential)
	p.walletRoutes(mux, known)
	p.stopCodeRoutes(mux, known)
	known("GET /watches", p.watches)
	known("GET /watches/{register}/{watch}", p.watch)
	known("POST /watches/{register}/{watch}", p.decideWatch)
	known("GET /credentials/{register}/{entry}/pdf", p.pdfPage)
	known("POST /credentials/{register}/{entry}/pdf", p.askPDF)
	known("GET /credentials/{register}/{entry}/pdf/file", p.pdfFile)
	known("GET /credentials/{register}/{entry}/screen", p.screen)
	known("GET /credentials/{register}/{entry}/choose", p.choose)
	known("POST /credentials/{register}/{entry}/codes", p.makeCode)
	known("GET /credentials/{register}/{entry}/codes/{copy}", p.code)
	known("GET /credentials/{register}/{entry}/history", p.history)
	known("GET /credentials/{register}/{entry}/stop", p.stopPage)
	known("POST /credentials/{register}/{entry}/stop", p.stop)
	known("GET /credentials/{register}/{entry}/lift", p.liftPage)
	known("POST /credentials/{register}/{entry}/lift", p.lift)
	known("GET /credentials/{register}/{entry}/renew", p.renewPage)
	known("POST /credentials/{register}/{entry}/renew", p.renew)
	anybody("GET "+againPath, p.loginAgain)
	known("GET /messages", p.messages)
	known("GET /access-log", p.accessLog)
	mux.Handle("/", p.site.NotFound())
	return mux
}

// now is the time by the clock of the rules.
func (p *portal) now() time.Time { return p.Desk.DB.Clock.Now() }

// words gives wordings in the language of a request, where no page is drawn.
func (p *portal) words(r *http.Request) *ui.Page { return &ui.Page{Site: p.site, Lang: ui.LangOf(r)} }

// redirectTo answers 303 to a path in a language that the request's own address does not tell.
func redirectTo(w http.ResponseWriter, r *http.Request, lang qualification.Lang, path string) error {
	if lang == "" {
		lang = ui.LangOf(r)
	}
	http.Redirect(w, r, (&ui.Page{Lang: lang}).URL(path), http.StatusSeeOther)
	return nil
}
