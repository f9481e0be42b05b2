package citizen

import (
	"net/http"
	"slices"
	"strings"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// formView is one page of the form.
type formView struct {
	Case, Title, Lead string
	Action            string
	Back              bool // from the check page, and back to it
	Form              ui.FormView
	Closed            []ui.Row        // in a correction: the other answers of the page, which stay as they are
	Asked             []correctedView // in a correction: each open field with its reason
}

// correctedView is one field that a correction opens.
type correctedView struct {
	Reason, Note, Before string
	Form                 ui.FormView
}

func (p *portal) form(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawForm(w, r, v, nil)
}

// drawForm draws a page of the form with what is stored, and the problems of the last try.
func (p *portal) drawForm(w http.ResponseWriter, r *http.Request, v *application.View, problems []qualification.Problem) error {
	groups, err := v.Groups()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(groups, func(g *qualification.Group) bool { return g.ID == r.PathValue("group") })
	if i < 0 {
		return missingGroup(v, r.PathValue("group"))
	}
	page := p.casePage(r, v, "form.title")
	page.Title = ui.Plain(page.Text(groups[i].Title))
	page.Problems = problems
	if i > 0 {
		page.Back = groupPath(v.Case.PublicID, groups[i-1].ID)
	}
	view, err := fillForm(page, v, groups[i])
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
	return page.Render(w, formPage(page, view))
}

// missingGroup tells a page that the definition does not have from one that is not open now.
func missingGroup(v *application.View, id string) error {
	if v.Procedure.Group(id) == nil {
		return fault.New(fault.NotFound, "", "opening an unknown page of a form")
	}
	return fault.New(fault.Conflict, "fault.not_editable", "opening a page of a form that is closed")
}

func fillForm(page *ui.Page, v *application.View, g *qualification.Group) (formView, error) {
	shown, err := v.Procedure.VisibleFields(g, v.Facts)
	if err != nil {
		return formView{}, err
	}
	view := formView{Case: page.Text(v.Procedure.Name), Title: page.Text(g.Title), Lead: page.Text(g.Lead),
		Action: groupPath(v.Case.PublicID, g.ID)}
	answers := v.Procedure.Prefill(g, v.Case.Answers, v.Facts)
	form := ui.FormView{Raw: answers.Raw, Fixed: map[string]string{}, Sources: map[string]string{}, Problems: page.Problems}
	for _, f := range shown {
		if f.Prefill != "" && (f.Fixed || untouched(page, v, f)) {
			form.Sources[f.ID] = sourceOf(page, v, f)
		}
		if f.Fixed {
			form.Fixed[f.ID] = official(page, v, f)
		}
	}
	before, err := lastAnswers(v)
	if err != nil {
		return view, err
	}
	correction := v.Correction()
	for _, f := range shown {
		switch {
		case correction == nil:
			form.Fields = append(form.Fields, *f)
		case v.MayEdit(f.ID):
			view.Asked = append(view.Asked, corrected(page, v, before, f, form))
		default:
			view.Closed = append(view.Closed, ui.Row{Label: page.Text(f.Label), Value: f.Show(v.Case.Answers.Values, page.Lang), Name: f.Kind == qualification.KindName})
		}
	}
	view.Form = form
	return view, nil
}

// corrected is one open field of a correction: why, what was signed, and the input for the new value.
func corrected(page *ui.Page, v *application.View, before map[string]string, f *qualification.Field, form ui.FormView) correctedView {
	k := v.Correction()
	i := slices.IndexFunc(k.Items, func(i application.CorrectionItem) bool { return i.Item == f.ID })
	form.Fields = []qualification.Field{*f}
	return correctedView{Reason: reasonWords(page, v.Procedure, k.Items[i].Reason), Note: k.Items[i].Note,
		Before: f.Show(before, page.Lang), Form: form}
}

// official words the official value of a fixed field.
func official(page *ui.Page, v *application.View, f *qualification.Field) string {
	item := qualification.Item{Kind: f.Kind, Options: f.Choices()}
	return item.Show(v.Facts.Official[f.Prefill], page.Lang)
}

// untouched tells that a prefilled field still has what it was filled with: only then the source is named beside it.
func untouched(page *ui.Page, v *application.View, f *qualification.Field) bool {
	now := f.Show(v.Case.Answers.Values, page.Lang)
	return now == "" || now == official(page, v, f)
}

// sourceOf says where an official or prefilled value comes from: the resident registry when it has confirmed the
// person, otherwise the card; the register for what the entry says.
func sourceOf(page *ui.Page, v *application.View, f *qualification.Field) string {
	switch {
	case v.Facts.Official[f.Prefill] == "":
		return ""
	case strings.HasPrefix(f.Prefill, "entry."):
		return page.R("source.entry")
	case v.Facts.Resident["class"] == application.ResidentAlive:
		return page.R("source.resident")
	}
	return page.R("source.card")
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
	next, err := after(v, group)
	if err != nil {
		return err
	}
	return p.site.Redirect(w, r, next)
}

func (p *portal) saved(r *http.Request) ui.Notice {
	page := p.words(r)
	return ui.Notice{Tone: ui.Success, Title: page.R("form.saved"), Body: page.R("form.saved.text")}
}

// after is the page that follows one of the form: the next page, then the documents while one is missing, then the
// overview.
func after(v *application.View, group string) (string, error) {
	groups, err := v.Groups()
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(groups, func(g *qualification.Group) bool { return g.ID == group })
	if i >= 0 && i+1 < len(groups) {
		return groupPath(v.Case.PublicID, groups[i+1].ID), nil
	}
	_, missing, err := documentsNow(v)
	if err != nil {
		return "", err
	}
	if missing > 0 {
		return casePath(v.Case.PublicID, "documents"), nil
	}
	return casePath(v.Case.PublicID), nil
}

// groupOf finds the page of the form that asks for a field.
func groupOf(q *qualification.Procedure, field string) *qualification.Group {
	for i := range q.Groups {
		if slices.ContainsFunc(q.Groups[i].Fields, func(f qualification.Field) bool { return f.ID == field }) {
			return &q.Groups[i]
		}
	}
	return nil
}

// evidenceOf tells whether an item of a correction is a document, and which.
func evidenceOf(item string) (string, bool) { return strings.CutPrefix(item, "evidence:") }

// itemLabel words a field or document of the form.
func itemLabel(page *ui.Page, q *qualification.Procedure, item string) string {
	if id, ok := evidenceOf(item); ok {
		if e := q.Document(id); e != nil {
			return page.Text(e.Label)
		}
		return id
	}
	if f := q.Field(item); f != nil {
		return page.Text(f.Label)
	}
	return item
}
