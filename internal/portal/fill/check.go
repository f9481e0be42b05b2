package fill

import (
	"errors"
	"slices"
	"strings"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// Section is one page of the form as it was frozen.
type Section struct {
	Title string
	Rows  []ui.Row
}

// Sections words the answers of frozen content, page by page of the form. Only what can still be changed has a link to change it.
func Sections(page *ui.Page, v *application.View, doc *application.Document, base string) []Section {
	var out []Section
	for i := range v.Procedure.Groups {
		g := &v.Procedure.Groups[i]
		s := Section{Title: page.Text(g.Title)}
		for j := range g.Fields {
			f := &g.Fields[j]
			if _, answered := doc.Answers[f.Keys()[0]]; !answered {
				continue
			}
			row := ui.Row{Label: page.Text(f.Label), Value: f.Show(doc.Answers, page.Lang), Name: f.Kind == qualification.KindName}
			if v.MayEdit(f.ID) && f.Typed(v.Case.Channel) {
				row.Change = GroupPath(base, g.ID) + "?back=check"
			}
			s.Rows = append(s.Rows, row)
		}
		if len(s.Rows) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// DocumentRows lists the documents of frozen content by what they are and their names.
func DocumentRows(page *ui.Page, q *qualification.Procedure, doc *application.Document) []ui.Row {
	var rows []ui.Row
	for _, u := range doc.Documents {
		rows = append(rows, ui.Row{Label: ItemLabel(page, q, "evidence:"+u.Evidence), Value: u.Name + page.R("aside", SizeWords(u.Size))})
	}
	return rows
}

// FeeLabel is the name of a fee of a procedure, its id when the definition has none.
func FeeLabel(page *ui.Page, q *qualification.Procedure, id string) string {
	i := slices.IndexFunc(q.Fees, func(f qualification.Fee) bool { return f.ID == id })
	if i < 0 {
		return id
	}
	return page.Text(q.Fees[i].Label)
}

// MayChangeDocuments tells whether a document of the case can be handed in now.
func MayChangeDocuments(v *application.View) bool {
	return slices.ContainsFunc(v.Procedure.Evidence, func(e qualification.Evidence) bool {
		err := v.MayUpload(e.ID)
		return err == nil || errors.Is(err, fault.Invalid) // as many as allowed are there: one can be taken out
	}) && v.Case.State.Editable()
}

// IncompleteLine is one thing that is missing or wrong, with the page on which to put it right.
type IncompleteLine struct {
	Message string
	Page    ui.Link
}

// Incomplete lists what is missing before the content can be frozen. receipt leads to what staff record of a paper; at the portal
// nothing does.
func Incomplete(page *ui.Page, v *application.View, problems []qualification.Problem, base string, receipt func(field string) ui.Link) []IncompleteLine {
	var out []IncompleteLine
	for _, problem := range problems {
		line := IncompleteLine{Message: page.Text(problem.Message)}
		field, seen := strings.CutPrefix(problem.Field, application.ReceiptField)
		if _, document := EvidenceOf(problem.Field); document {
			line.Page = ui.Link{Path: DocumentsPath(base), Text: page.R("documents.title")}
		} else if g := GroupOf(v.Procedure, problem.Field); g != nil {
			line.Page = ui.Link{Path: GroupPath(base, g.ID), Text: page.Text(g.Title)}
		} else if seen && receipt != nil {
			line.Page = receipt(field)
		}
		out = append(out, line)
	}
	return out
}
