// Package preview shows the author of a definition what people will see of it: every page of the form of every procedure
// as the citizen portal draws it, the text that is signed, what it costs, and the fields of the digital credential with
// invented values; above everything what the linter finds. It has no database, no sessions and nothing to send, and reads
// the definition anew for each page.
package preview

import (
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

//go:embed text
var text embed.FS

// Words are the wordings of the preview, for another site that shows its parts.
func Words() fs.FS { return text }

// Overview draws the procedures and the credential of a definition in the page of another site. path is where that site shows
// a procedure.
func Overview(page *ui.Page, d *qualification.Definition, issuer *qualification.Registrar, path func(procedure string) string) templ.Component {
	var v overviewView
	v.fill(page, d, issuer, samplesOf(d))
	for i := range v.Procedures {
		v.Procedures[i].Path = path(d.Procedures[i].ID)
	}
	return overviewPage(page, v)
}

// Procedure draws the pages of a procedure's form and what follows them, with the costs at a registrar.
func Procedure(page *ui.Page, d *qualification.Definition, q *qualification.Procedure, registrar string) templ.Component {
	return procedurePage(page, procedureView{}.filled(page, q, samplesOf(d).facts(q, page.Now, registrar)))
}

// Config is what makes the preview. All of it is required.
type Config struct {
	Origin string // scheme, host and port at which it is reached
	// Read reads the definition and what is wrong with it; the definition is nil when it cannot be understood.
	Read      func() (*qualification.Definition, qualification.Findings, error)
	Registrar func(id string) (*qualification.Registrar, bool)
	Clock     clock.Clock
	Log       *slog.Logger
}

type preview struct {
	cfg  Config
	site *ui.Site
}

// New returns the whole preview as one handler.
func New(cfg Config) (http.Handler, error) {
	if cfg.Read == nil || cfg.Registrar == nil {
		return nil, errors.New("making a preview: Read and Registrar are required")
	}
	words, err := ui.NewCatalogue(text)
	if err != nil {
		return nil, err
	}
	site, err := ui.NewSite(ui.Config{Audience: ui.Start, Origin: cfg.Origin, Catalogue: words, Clock: cfg.Clock, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	p := &preview{cfg: cfg, site: site}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", site.Handler(p.overview))
	mux.Handle("GET /procedures/{procedure}", site.Handler(p.procedure))
	site.RegisterStandard(mux)
	mux.Handle("/", site.NotFound())
	return site.Wrap(mux), nil
}

// overview shows the procedures and the credential.
func (p *preview) overview(w http.ResponseWriter, r *http.Request) error {
	d, found, err := p.cfg.Read()
	if err != nil {
		return err
	}
	page := p.page(r, found)
	view := overviewView{Findings: found}
	if d != nil {
		page.Title = ui.Plain(page.Text(d.Name))
		view.fill(page, d, p.issuer(d), samplesOf(d))
	}
	return page.Render(w, overviewPage(page, view))
}

// procedure shows the pages of a procedure's form and what follows them. "registrar" in the query chooses whose costs.
func (p *preview) procedure(w http.ResponseWriter, r *http.Request) error {
	d, found, err := p.cfg.Read()
	if err != nil {
		return err
	}
	page := p.page(r, found)
	page.Back = "/"
	if d == nil {
		return page.Render(w, overviewPage(page, overviewView{Findings: found}))
	}
	q := d.Procedure(r.PathValue("procedure"))
	if q == nil {
		return fault.New(fault.NotFound, "", "looking for a procedure of the definition")
	}
	page.Title = ui.Plain(page.Text(q.Name))
	facts := samplesOf(d).facts(q, p.cfg.Clock.Now(), p.keeper(d, r.URL.Query().Get("registrar")))
	return page.Render(w, procedurePage(page, procedureView{Findings: found}.filled(page, q, facts)))
}

// page is the frame of an answer, which says first whether the definition is in order.
func (p *preview) page(r *http.Request, found qualification.Findings) *ui.Page {
	page := p.site.Page(r, "preview.title")
	notice := ui.Notice{Tone: ui.Success, Title: page.R("preview.clean")}
	if len(found) > 0 {
		notice = ui.Notice{Tone: ui.Danger, Title: page.R("preview.findings", len(found))}
	}
	page.Notices = append(page.Notices, notice)
	return page
}

// keeper is the registrar whose costs are shown: the one asked for when it keeps a register, otherwise the first.
func (p *preview) keeper(d *qualification.Definition, asked string) string {
	if len(d.Registers) == 0 {
		return ""
	}
	i := slices.IndexFunc(d.Registers, func(g qualification.Register) bool { return g.Registrar == asked })
	return d.Registers[max(i, 0)].Registrar
}

func (p *preview) issuer(d *qualification.Definition) *qualification.Registrar {
	g, ok := p.cfg.Registrar(p.keeper(d, ""))
	if !ok {
		return nil
	}
	return g
}
