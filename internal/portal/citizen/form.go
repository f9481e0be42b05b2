package citizen

import (
	"net/http"
	"slices"

	"akashi/internal/application"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

func (p *portal) form(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawForm(w, r, v, nil)
}

// drawForm draws a page of the form with what is stored, and the problems of the last try.
func (p *portal) drawForm(w http.ResponseWriter, r *http.Request, v *application.View, problems []qualification.Problem) error {
	groups, i, err := fill.Group(v, r.PathValue("group"))
	if err != nil {
		return err
	}
	page := p.casePage(r, v, "form.title")
	page.Title = ui.Plain(page.Text(groups[i].Title))
	page.Problems = problems
	if i > 0 {
		page.Back = groupPath(v.Case.PublicID, groups[i-1].ID)
	}
	view, err := fill.Form(page, v, groups[i], casePath(v.Case.PublicID))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(groups[i].Fields, func(f qualification.Field) bool { return f.Withheld(v.Facts) }) {
		page.Notices = append(page.Notices, ui.Notice{Tone: ui.Info, Title: page.R("form.withheld"), Body: page.R("form.withheld.text")})
	}
	view.Back = r.FormValue("_back") == "check" || r.URL.Query().Get("back") == "check"
	if view.Back {
		page.Back = casePath(v.Case.PublicID, "check")
	}
	return page.Render(w, fill.FormPage(page, view))
}

// saveForm keeps what was typed, valid or not, and leads on: to the next page, back to the overview, or again to the
// page with the content to be signed.
func (p *portal) saveForm(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	raw, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	id, group := r.PathValue("id"), r.PathValue("group")
	v, problems, err := p.Desk.Save(r.Context(), a, id, group, raw)
	if err != nil {
		return err
	}
	if r.PostFormValue("_action") == "exit" {
		if err := p.site.Sessions.Flash(r.Context(), p.saved(r)); err != nil {
			return err
		}
		return p.site.Redirect(w, r, casePath(id))
	}
	if len(problems) > 0 {
		return p.drawForm(w, r, v, problems)
	}
	if r.PostFormValue("_back") == "check" {
		return p.freeze(w, r, a, v.Case.PublicID)
	}
	next, err := fill.After(v, group, casePath(v.Case.PublicID))
	if err != nil {
		return err
	}
	return p.site.Redirect(w, r, next)
}

func (p *portal) saved(r *http.Request) ui.Notice {
	page := p.words(r)
	return ui.Notice{Tone: ui.Success, Title: page.R("form.saved"), Body: page.R("form.saved.text")}
}
