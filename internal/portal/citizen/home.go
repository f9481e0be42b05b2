package citizen

import (
	"net/http"

	"akashi/internal/application"
	"akashi/internal/credential"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// caseLine is one application in a list.
type caseLine struct {
	Path, Title, Body, PublicID string
	Tag                         string
	Tone                        ui.Tone
	Next                        string // who acts next, in a sentence
	Mine                        bool
	Due                         string
}

// homeView is the start page of somebody who is logged in.
type homeView struct {
	Todo, Cases []caseLine
	Held        []heldLine
	Unread      int
	Watches     int // verifiers who wait for an answer
}

// welcomeView is the start page of anybody.
type welcomeView struct {
	Offers []offerLine
}

func (p *portal) home(w http.ResponseWriter, r *http.Request) error {
	a, err := p.applicant(r.Context())
	if err != nil {
		page := p.site.Page(r, "home.title")
		page.Current = "home"
		return page.Render(w, welcomePage(page, welcomeView{Offers: offers(page, p.Desk.Catalogue)}))
	}
	view, err := p.readHome(r, a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "home.mine")
	page.Current = "home"
	return page.Render(w, homePage(page, view(page)))
}

// readHome reads what the start page shows and returns the function that words it.
func (p *portal) readHome(r *http.Request, a application.Applicant) (func(*ui.Page) homeView, error) {
	cases, err := p.Desk.List(r.Context(), a)
	if err != nil {
		return nil, err
	}
	corrections := map[string]*application.Correction{}
	for _, c := range cases {
		if c.State == application.CorrectionRequested || c.State == application.CorrectionSigning {
			v, err := p.Desk.View(r.Context(), a, c.PublicID)
			if err != nil {
				return nil, err
			}
			corrections[c.PublicID] = v.Correction()
		}
	}
	held, err := p.Wallet.List(r.Context(), a)
	if err != nil {
		return nil, err
	}
	notices, err := p.Desk.Notices(r.Context(), a)
	if err != nil {
		return nil, err
	}
	watches, err := p.waitingWatches(r.Context(), a)
	if err != nil {
		return nil, err
	}
	return func(page *ui.Page) homeView {
		v := fillHome(page, p.Desk.Catalogue, cases, corrections, held, notices)
		v.Watches = watches
		return v
	}, nil
}

func fillHome(page *ui.Page, cat *qualification.Catalogue, cases []application.Summary, corrections map[string]*application.Correction,
	held []credential.Held, notices []application.Notice) homeView {
	var v homeView
	for _, c := range cases {
		line := lineOf(page, cat, &c.Case, corrections[c.PublicID])
		if line.Mine {
			v.Todo = append(v.Todo, line)
		} else {
			v.Cases = append(v.Cases, line)
		}
	}
	for _, h := range held {
		v.Held = append(v.Held, heldLineOf(page, cat, h))
	}
	for _, n := range notices {
		if n.ReadAt == nil {
			v.Unread++
		}
	}
	return v
}

// lineOf words one application of a list.
func lineOf(page *ui.Page, cat *qualification.Catalogue, c *application.Case, open *application.Correction) caseLine {
	s := standingOf(c, open)
	line := caseLine{Path: casePath(c.PublicID), Title: procedureName(page, cat, c), Body: registrarName(page, cat, c.RegistrarID),
		PublicID: c.PublicID, Tag: s.tag(page), Tone: s.Tone, Next: s.sentence(page), Mine: s.Mine}
	if s.Mine {
		line.Path = s.Link
		if !s.hasDated() && !s.Due.IsZero() {
			line.Due = page.R("next.due", s.Due)
		}
	}
	return line
}

// procedureName is the name of a case's procedure in the version that the case is pinned to.
func procedureName(page *ui.Page, cat *qualification.Catalogue, c *application.Case) string {
	_, procedure, err := application.Pinned(cat, c)
	if err != nil {
		return c.ProcedureID
	}
	return page.Text(procedure.Name)
}

// registrarName is the name of a body, its id when it is not known.
func registrarName(page *ui.Page, cat *qualification.Catalogue, id string) string {
	if g, ok := cat.Registrar(id); ok {
		return page.Text(g.Name)
	}
	return id
}
