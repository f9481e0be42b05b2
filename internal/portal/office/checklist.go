package office

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// The verdicts a reviewer can give, in the order in which they are offered.
const (
	verdictOK     = "ok"
	verdictDefect = "defect"
	verdictNone   = "not_applicable"
)

// checkRow is one line of the review's list: what the machine found, what was declared beside what a registry says, and
// the reviewer's verdict.
type checkRow struct {
	ID, Label string
	Required  bool
	Open      bool // stands in the way of a proposal to approve
	Result    string
	Tone      ui.Tone
	Finding   string
	Compare   []compareRow
	Documents []docLink
	Verdict   string
	Reason    string
	Note      string
	Reasons   []ui.Choice
	By        string // who gave the verdict, and when
	Problem   string // message about the reason
	NoteWrong string // message about the remark
}

// compareRow is one particular as declared and as a registry has it.
type compareRow struct {
	Label              string
	Declared, Official string
	Tier               string
	Same, Name         bool
	Left, Right        []glyph // of names that differ
}

// docLink leads to a document in the evidence beside the list.
type docLink struct{ Anchor, Text string }

// checkInput names an input of one check.
func checkInput(what, check string) string { return what + "." + check }

// readVerdicts reads the list as it was sent: lines without a verdict are left out.
func readVerdicts(p *qualification.Procedure, form map[string]string) []review.Verdict {
	var out []review.Verdict
	for _, c := range p.Checks {
		v := review.Verdict{Check: c.ID, Verdict: form[checkInput("verdict", c.ID)], Note: form[checkInput("note", c.ID)]}
		if v.Verdict == verdictDefect {
			v.Reason = form[checkInput("reason", c.ID)]
		}
		if v.Verdict != "" {
			out = append(out, v)
		}
	}
	return out
}

// wrongVerdicts lists what is to be put right before the list can be saved.
func wrongVerdicts(page *ui.Page, p *qualification.Procedure, vs []review.Verdict) []qualification.Problem {
	var out []qualification.Problem
	for _, v := range vs {
		i := slices.IndexFunc(p.Checks, func(c qualification.Check) bool { return c.ID == v.Check })
		if v.Verdict == verdictDefect && p.Reason(v.Reason) == nil {
			out = append(out, problem(page, checkInput("reason", v.Check), "check.reason_missing", p.Checks[i].Label))
		}
		if len([]rune(v.Note)) > maxCheckNote {
			out = append(out, problem(page, checkInput("note", v.Check), "check.note_long", p.Checks[i].Label, maxCheckNote))
		}
	}
	return out
}

// maxCheckNote bounds a reviewer's remark on one check, in characters.
const maxCheckNote = 500

// checklist fills the list. verdicts are those saved, or those that were sent and have to be put right.
func checklist(page *ui.Page, v *review.View, verdicts []review.Verdict, who names) []checkRow {
	if v.Procedure == nil {
		return nil
	}
	rows := make([]checkRow, 0, len(v.Procedure.Checks))
	for _, c := range v.Procedure.Checks {
		if v.Case.Elsewhere() && !slices.ContainsFunc(v.Findings, func(f review.Finding) bool { return f.Check == c.ID }) {
			continue // for the registrar to look at
		}
		row := checkRow{ID: c.ID, Label: page.Text(c.Label), Required: c.Required, Open: slices.Contains(v.Unsettled, c.ID),
			Documents: docLinks(v, c.Evidence), Reasons: reasonChoices(page, v.Procedure.Reasons, func(qualification.Reason) bool { return true }),
			Problem: page.ProblemFor(checkInput("reason", c.ID)), NoteWrong: page.ProblemFor(checkInput("note", c.ID))}
		if c.Machine == "signature" && v.Case.OnPaper() {
			row.Documents = docLinks(v, application.EvidencePaper)
		}
		if i := slices.IndexFunc(v.Findings, func(f review.Finding) bool { return f.Check == c.ID }); i >= 0 {
			row.found(page, v.Findings[i])
		}
		if i := slices.IndexFunc(verdicts, func(d review.Verdict) bool { return d.Check == c.ID }); i >= 0 {
			row.judged(page, verdicts[i], who)
		}
		rows = append(rows, row)
	}
	return rows
}

// resultTone is the colour and sign of what the machine found.
func resultTone(r review.Result) ui.Tone {
	switch r {
	case review.Pass:
		return ui.Success
	case review.Attention:
		return ui.Warning
	case review.Fail:
		return ui.Danger
	case review.Pending:
		return ui.Info
	case review.None:
	}
	return ui.Neutral
}

func (row *checkRow) found(page *ui.Page, f review.Finding) {
	row.Result, row.Tone = page.R("result."+string(f.Result)), resultTone(f.Result)
	row.Finding = said(page, "finding."+f.Code, "finding.other")
	for _, c := range f.Rows {
		one := compareRow{Label: said(page, "item."+c.Item, "item.other"), Declared: particularText(page, c.Item, c.Declared),
			Official: particularText(page, c.Item, c.Official), Same: c.Same, Name: isName(c.Item)}
		if !c.Same {
			one.Tier = said(page, "tier."+c.Tier, "tier.different")
		}
		if one.Name && !c.Same && c.Item != "kana" { // a reading is read, not looked at
			one.Left, one.Right = glyphs(c.Declared, c.Official)
		}
		row.Compare = append(row.Compare, one)
	}
}

func (row *checkRow) judged(page *ui.Page, d review.Verdict, who names) {
	row.Verdict, row.Reason, row.Note = d.Verdict, d.Reason, d.Note
	if d.Staff != uuid.Nil {
		row.By = strings.TrimSpace(who[d.Staff] + "　" + page.Time(d.At))
	}
}

// docLinks are the documents that a check is about.
func docLinks(v *review.View, evidence string) []docLink {
	var out []docLink
	for _, u := range v.Uploads {
		if evidence != "" && u.EvidenceID == evidence {
			out = append(out, docLink{Anchor: "#doc-" + u.ID.String(), Text: u.Name})
		}
	}
	return out
}

// evidenceLabel is the name of a kind of document.
func evidenceLabel(page *ui.Page, p *qualification.Procedure, id string) string {
	if e := application.DocumentOf(p, id); e != nil {
		return page.Text(e.Label)
	}
	return id
}

// reasonChoices are the coded reasons that fit.
func reasonChoices(page *ui.Page, reasons []qualification.Reason, fits func(qualification.Reason) bool) []ui.Choice {
	var out []ui.Choice
	for _, r := range reasons {
		if fits(r) {
			out = append(out, ui.Choice{Value: r.Code, Label: page.Text(r.Label)})
		}
	}
	return out
}

// reasonText is a coded reason in words.
func reasonText(page *ui.Page, p *qualification.Procedure, code string) string {
	if p != nil {
		if r := p.Reason(code); r != nil {
			return page.Text(r.Label)
		}
	}
	return said(page, "reason."+code, "reason.other")
}
