// Package fill has the pages on which the form of an application is filled in, its documents are handed in and its content is read
// once more, for whoever does that: an applicant at the portal, staff who enter a paper at a counter. There is one renderer of forms,
// and one way in which a file comes in.
//
// The pages hang below one address of the case at a portal, its base: <base>/form/<page>, <base>/documents[/<document>],
// <base>/uploads/<id>, <base>/check. The portal has the handlers; what is allowed is decided by the desk behind them.
package fill

import (
	"embed"
	"net/url"
	"slices"
	"strings"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// Text has the wordings of these pages, for the catalogue of a portal.
//
//go:embed text
var Text embed.FS

// GroupPath is the address of a page of the form.
func GroupPath(base, group string) string { return base + "/form/" + url.PathEscape(group) }

// DocumentsPath is the address of the page on which documents are handed in.
func DocumentsPath(base string) string { return base + "/documents" }

// FormView is one page of the form.
type FormView struct {
	Case, Title, Lead string
	Action            string
	Back              bool // from the check page, and back to it
	Form              ui.FormView
	Closed            []ui.Row        // in a correction: the other answers of the page, which stay as they are
	Asked             []CorrectedView // in a correction: each open field with its reason
}

// CorrectedView is one field that a correction opens.
type CorrectedView struct {
	Reason, Note, Before string
	Form                 ui.FormView
}

// Group finds a page of the form that is gone through now, with its place: fault.NotFound for one that the definition does not
// have, fault.Conflict for one that is not open.
func Group(v *application.View, id string) ([]*qualification.Group, int, error) {
	groups, err := v.Groups()
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(groups, func(g *qualification.Group) bool { return g.ID == id })
	switch {
	case i >= 0:
		return groups, i, nil
	case v.Procedure.Group(id) == nil:
		return nil, 0, fault.New(fault.NotFound, "", "opening an unknown page of a form")
	}
	return nil, 0, fault.New(fault.Conflict, "fault.not_editable", "opening a page of a form that is closed")
}

// Form fills a page of the form with what is stored, and with the problems of the page.
func Form(page *ui.Page, v *application.View, g *qualification.Group, base string) (FormView, error) {
	shown, err := v.Procedure.VisibleFields(g, v.Facts)
	if err != nil {
		return FormView{}, err
	}
	view := FormView{Case: page.Text(v.Procedure.Name), Title: page.Text(g.Title), Lead: page.Text(g.Lead), Action: GroupPath(base, g.ID)}
	if v.Case.OnPaper() { // the page's own words are for the applicant
		view.Lead = page.R("form.paper_lead")
	}
	answers := v.Procedure.Prefill(g, v.Case.Answers, v.Facts)
	form := ui.FormView{Raw: answers.Raw, Fixed: map[string]string{}, Sources: map[string]string{}, Problems: page.Problems}
	before, err := LastAnswers(v)
	if err != nil {
		return view, err
	}
	correction := v.Correction()
	for _, f := range shown {
		field := *f
		field.Fixed = !f.Typed(v.Case.Channel)
		if f.Prefill != "" && (field.Fixed || untouched(page, v, f)) {
			form.Sources[f.ID] = sourceOf(page, v, f)
		}
		if field.Fixed {
			form.Fixed[f.ID] = official(page, v, f)
		}
		switch {
		case correction == nil:
			form.Fields = append(form.Fields, field)
		case v.MayEdit(f.ID):
			view.Asked = append(view.Asked, corrected(page, v, before, &field, form))
		default:
			view.Closed = append(view.Closed, ui.Row{Label: page.Text(f.Label), Value: f.Show(v.Case.Answers.Values, page.Lang), Name: f.Kind == qualification.KindName})
		}
	}
	view.Form = form
	return view, nil
}

// corrected is one open field of a correction: why, what was handed in, and the input for the new value.
func corrected(page *ui.Page, v *application.View, before map[string]string, f *qualification.Field, form ui.FormView) CorrectedView {
	k := v.Correction()
	i := slices.IndexFunc(k.Items, func(i application.CorrectionItem) bool { return i.Item == f.ID })
	form.Fields = []qualification.Field{*f}
	return CorrectedView{Reason: ReasonWords(page, v.Procedure, k.Items[i].Reason), Note: k.Items[i].Note,
		Before: f.Show(before, page.Lang), Form: form}
}

// LastAnswers are the values that were handed in last, none before the first time.
func LastAnswers(v *application.View) (map[string]string, error) {
	if len(v.Submissions) == 0 {
		return nil, nil
	}
	doc, err := application.ParseDocument(v.Submissions[len(v.Submissions)-1].Bytes)
	if err != nil {
		return nil, err
	}
	return doc.Answers, nil
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

// sourceOf says where an official or prefilled value comes from: the register for what the entry says; the resident registry when
// it has confirmed the person, otherwise the card, or what staff have recorded of a paper.
func sourceOf(page *ui.Page, v *application.View, f *qualification.Field) string {
	switch {
	case v.Facts.Official[f.Prefill] == "":
		return ""
	case strings.HasPrefix(f.Prefill, "entry."):
		return page.R("source.entry")
	case v.Case.OnPaper() && v.Case.Round > 0: // what is typed now stands on the paper
		return ""
	case v.Case.OnPaper():
		return page.R("source.paper")
	case v.Facts.Resident["class"] == application.ResidentAlive:
		return page.R("source.resident")
	}
	return page.R("source.card")
}

// After is the page that follows one of the form: the next page, then the documents while one is missing, then the case itself.
func After(v *application.View, group, base string) (string, error) {
	groups, err := v.Groups()
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(groups, func(g *qualification.Group) bool { return g.ID == group })
	if i >= 0 && i+1 < len(groups) {
		return GroupPath(base, groups[i+1].ID), nil
	}
	_, missing, err := DocumentsNow(v)
	if err != nil {
		return "", err
	}
	if missing > 0 {
		return DocumentsPath(base), nil
	}
	return base, nil
}

// GroupOf finds the page of the form that asks for a field.
func GroupOf(q *qualification.Procedure, field string) *qualification.Group {
	for i := range q.Groups {
		if slices.ContainsFunc(q.Groups[i].Fields, func(f qualification.Field) bool { return f.ID == field }) {
			return &q.Groups[i]
		}
	}
	return nil
}

// EvidenceOf tells whether an item of a correction is a document, and which.
func EvidenceOf(item string) (string, bool) { return strings.CutPrefix(item, "evidence:") }

// ItemLabel words a field or document of the form.
func ItemLabel(page *ui.Page, q *qualification.Procedure, item string) string {
	if id, ok := EvidenceOf(item); ok {
		if e := application.DocumentOf(q, id); e != nil {
			return page.Text(e.Label)
		}
		return id
	}
	if f := q.Field(item); f != nil {
		return page.Text(f.Label)
	}
	return item
}

// ReasonWords is the wording of a coded reason: the definition's own, or one of those that the program itself gives.
func ReasonWords(page *ui.Page, q *qualification.Procedure, code string) string {
	if reason := q.Reason(code); reason != nil {
		return page.Text(reason.Label)
	}
	if code == "family_undecidable" {
		return page.R("reason.family_undecidable")
	}
	return page.R("reason.other")
}
