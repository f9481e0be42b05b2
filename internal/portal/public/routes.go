package public

import (
	"net/http"
	"slices"

	"akashi/internal/format/qr"
	"akashi/internal/portal/ui"
	"akashi/internal/presentation"
	"akashi/internal/server"
)

// maxUpload bounds a request with a picture: the picture and the form around it.
const maxUpload = qr.MaxBytes + 64<<10

func nav() []ui.NavItem {
	return []ui.NavItem{{ID: "check", Key: "nav.check", Path: "/"}, {ID: "counter", Key: "nav.counter", Path: counterPath}, {ID: "keys", Key: "nav.keys", Path: "/keys"}}
}

// nav has the place where wallets are asked, where that is offered.
func (c Config) nav() []ui.NavItem {
	all := nav()
	if c.Wallets != nil {
		all = slices.Insert(all, 1, ui.NavItem{ID: "wallet", Key: "nav.wallet", Path: walletPath})
	}
	return all
}

func (p *portal) routes() *server.Mux {
	mux := server.NewMux()
	page := func(pattern string, f ui.HandlerFunc) { mux.Handle(pattern, routed(p.site.Handler(f))) }
	act := func(pattern string, f ui.HandlerFunc) {
		mux.Handle(pattern, routed(p.site.Limit(p.limiter, p.site.BodyLimit(maxUpload, p.site.Handler(f)))))
	}
	page("GET /{$}", p.home)
	page("GET /w", p.scanned)
	page("GET /w/{$}", p.scanned)
	act("POST /w/verify", p.verify)
	act("POST /w/file", p.verifyFile)
	act("POST /w/receipt", p.receipt)
	act("POST "+askPath, p.ask)
	mux.Handle("POST /w/number", routed(p.site.Limit(p.numbers, p.site.Handler(p.number))))
	page("GET "+counterPath+"{$}", p.counter)
	page("GET "+workerPath, p.worker)
	mux.Handle("GET "+trustPath, routed(server.Compress(p.site.Handler(p.trust))))
	for _, path := range []string{"/w/verify", "/w/file", "/w/receipt", "/w/number"} {
		page("GET "+path, p.toStart)
	}
	page("GET "+walletPath, p.wallet)
	act("POST "+walletPath, p.askWallet)
	page("GET "+walletPath+"/{token}", p.waiting)
	page("GET "+presentation.ReturnPath, p.returned)
	mux.Handle("GET /keys", routed(server.Compress(p.site.Handler(p.keysPage))))
	page("GET /help", p.help)
	mux.Handle("GET "+jwksPath, routed(p.published("application/jwk-set+json", jwksOf)))
	mux.Handle("GET "+cosePath, routed(p.published("application/cose-key-set", coseOf)))
	mux.Handle("GET "+listPath, routed(p.publish("application/pkix-crl", p.revocationList)))
	mux.Handle("GET "+certificatePath, routed(p.publish("application/pkix-cert", p.authority)))
	page("GET "+typePattern, p.typeMetadata)
	page("GET "+contextPath, p.context)
	mux.Handle("GET "+statusPath, routed(p.site.Handler(p.orLater(p.currentList))))
	mux.Handle("GET "+versionPath, routed(p.site.Handler(p.orLater(p.listVersion))))
	p.standard(mux)
	mux.Handle("/", routed(p.site.NotFound()))
	return mux
}

// standard adds the pages that every portal has, but for help, which speaks of checking here.
func (p *portal) standard(mux *server.Mux) {
	all := server.NewMux()
	p.site.RegisterStandard(all)
	for _, path := range []string{"/about", "/accessibility"} {
		mux.Handle("GET "+path, routed(all))
	}
}

// routed names the route for the access log, which never has the path that was asked for.
func routed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.SetRoute(r.Context(), r.Pattern)
		next.ServeHTTP(w, r)
	})
}

// toStart answers a reload or a changed language of a page that was the answer to a POST: there is nothing to show again.
func (p *portal) toStart(w http.ResponseWriter, r *http.Request) error {
	return p.site.Redirect(w, r, "/")
}

func (p *portal) help(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "layout.help")
	return page.Render(w, helpPage(page))
}
