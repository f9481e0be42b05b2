package preview

import (
	"maps"
	"slices"

	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// overviewView is the first page. Name is "" when the definition could not be understood.
type overviewView struct {
	Findings          qualification.Findings
	Name, Version     string
	Procedures        []ui.Link
	Credential        []ui.Row // by the two-letter keys
	CredentialProblem string
}

func (v *overviewView) fill(page *ui.Page, d *qualification.Definition, issuer *qualification.Registrar, s samples) {
	v.Name, v.Version = page.Text(d.Name), d.Version
	for i := range d.Procedures {
		v.Procedures = append(v.Procedures, ui.Link{Path: "/procedures/" + d.Procedures[i].ID, Text: page.Text(d.Procedures[i].Name)})
	}
	day := calendar.Of(page.Now)
	fields, err := d.CredentialFields(qualification.CredentialFacts{Items: s.items, Number: "123456", RegisteredOn: day, IssuedOn: day,
		CredentialID: d.Code + "MIHON", UserCode: "MIHON", Registrar: issuer})
	if err != nil {
		v.CredentialProblem = problemOf(page, err)
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		v.Credential = append(v.Credential, ui.Row{Label: key, Value: fields[key], Source: d.Credential.Fields[key]})
	}
}

// problemOf says in the author's language what is wrong with a definition.
func problemOf(page *ui.Page, err error) string {
	return page.Said(qualification.FindingOf("", err).Said)
}

// procedureView is a procedure: its pages, then the page on which its content is checked and signed.
type procedureView struct {
	Findings    qualification.Findings
	Name, Who   string
	Pages       []pageView
	Documents   []ui.Row
	Answers     []ui.Row
	Declaration string
	Registrar   string
	Fees        []ui.Row
	FeesProblem string // why the costs cannot be worked out
}

// pageView is one page of the form, with all its questions, and when they are asked.
type pageView struct {
	ID, Title, Lead, When string
	Form                  ui.FormView
	Conditions            []ui.Row // by field or rule
}

func (v procedureView) filled(page *ui.Page, q *qualification.Procedure, facts qualification.Facts) procedureView {
	v.Name, v.Who, v.Declaration, v.Registrar = page.Text(q.Name), page.Text(q.Who), page.Text(q.Declaration), facts.Registrar
	for i := range q.Groups {
		v.Pages = append(v.Pages, fillPage(page, q, &q.Groups[i], facts))
		for j := range q.Groups[i].Fields {
			f := &q.Groups[i].Fields[j]
			v.Answers = append(v.Answers, ui.Row{Label: page.Text(f.Label), Value: f.Show(facts.Answers, page.Lang), Name: f.Kind == qualification.KindName})
		}
	}
	for i := range q.Evidence {
		e := &q.Evidence[i]
		v.Documents = append(v.Documents, ui.Row{Label: page.Text(e.Label), Value: orWord(page, page.Text(e.Hint)), Source: conditionOf(page, e)})
	}
	lines, err := q.FeeLines(facts)
	if err != nil {
		v.FeesProblem = problemOf(page, err)
		return v
	}
	for _, l := range lines {
		v.Fees = append(v.Fees, ui.Row{Label: page.Text(l.Label), Value: page.Yen(l.Amount), Source: l.Collector})
	}
	v.Fees = append(v.Fees, ui.Row{Label: page.R("preview.total"), Value: page.Yen(qualification.Total(lines))})
	return v
}

// orWord keeps a line that has no words of its own.
func orWord(page *ui.Page, s string) string {
	if s == "" {
		return page.R("preview.no_hint")
	}
	return s
}

func conditionOf(page *ui.Page, e *qualification.Evidence) string {
	switch {
	case e.When != "":
		return page.R("preview.when") + ": " + e.When
	case e.Replaces != "":
		return page.R("preview.replaces", e.Replaces)
	}
	return ""
}

// fillPage shows every question of a page at once, prefilled as for a person whom all registries know.
func fillPage(page *ui.Page, q *qualification.Procedure, g *qualification.Group, facts qualification.Facts) pageView {
	v := pageView{ID: g.ID, Title: page.Text(g.Title), Lead: page.Text(g.Lead), When: g.When}
	v.Form = ui.FormView{Fields: g.Fields, Fixed: map[string]string{}, Sources: map[string]string{}}
	v.Form.Raw = q.Prefill(g, qualification.Answers{}, facts).Raw
	for i := range g.Fields {
		f := &g.Fields[i]
		if f.Prefill != "" {
			v.Form.Sources[f.ID] = page.R("preview.sample", f.Prefill)
		}
		if f.Fixed {
			item := qualification.Item{Kind: f.Kind, Options: f.Choices()}
			v.Form.Fixed[f.ID] = item.Show(facts.Official[f.Prefill], page.Lang)
		}
		if f.When != "" {
			v.Conditions = append(v.Conditions, ui.Row{Label: page.Text(f.Label), Value: f.When})
		}
	}
	for _, rule := range g.Rules {
		v.Conditions = append(v.Conditions, ui.Row{Label: page.Text(rule.Message), Value: rule.Must})
	}
	return v
}
