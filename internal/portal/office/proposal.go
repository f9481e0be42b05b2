package office

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// The outcomes that can be proposed.
const (
	approve = "approve"
	reject  = "reject"
)

// proposalView is the page on which a reviewer hands a case to the second person.
type proposalView struct {
	ID       string
	Outcome  string
	Checks   []checkRow
	Open     []checkRow // those that stand in the way of an approval
	Entering []ui.Row   // what the register will hold
	Reasons  ui.Control
	Comment  ui.Control
	Confirm  ui.Control
}

// proposalForm is what was typed.
type proposalForm struct {
	review.Proposal
	Confirmed bool
}

func (p *portal) proposalPage(w http.ResponseWriter, r *http.Request, o seat) error {
	f := proposalForm{Proposal: review.Proposal{Outcome: approve}}
	if r.URL.Query().Get("outcome") == reject {
		f.Outcome = reject
	}
	return p.drawProposal(w, r, o, f, nil)
}

// drawProposal draws the page. wrong is nil before anything was sent; otherwise it tells what has to be put right.
func (p *portal) drawProposal(w http.ResponseWriter, r *http.Request, o seat, f proposalForm, wrong func(*ui.Page, *review.View) []qualification.Problem) error {
	id := r.PathValue("id")
	v, _, err := p.Desk.OpenAs(r.Context(), o.Officer, id, func(s review.Standing) (string, error) { return reviewing(s, o) })
	if err != nil {
		return err
	}
	who, err := p.namesOf(o, r)
	if err != nil {
		return err
	}
	page := p.page(r, o, "inbox", "propose.title."+f.Outcome, id)
	page.Back = casePath(id)
	if wrong != nil {
		page.Problems = wrong(page, v)
	} else if f.Outcome == reject {
		f.Reasons = rejectable(v)
	}
	return page.Render(w, proposalBody(page, newProposal(page, v, f, who)))
}

// refusedProposal says why the desk did not take a proposal.
func refusedProposal(page *ui.Page, v *review.View, f proposalForm) []qualification.Problem {
	if f.Outcome == approve {
		return []qualification.Problem{problem(page, "", "fault.unsettled", len(v.Unsettled))}
	}
	return []qualification.Problem{problem(page, "reasons", "fault.reason_unknown")}
}

// rejectable are the reasons of the reviewer's findings that may end in a rejection.
func rejectable(v *review.View) []string {
	var out []string
	for _, d := range v.Verdicts {
		if r := v.Procedure.Reason(d.Reason); d.Verdict == verdictDefect && r != nil && r.Reject && !slices.Contains(out, d.Reason) {
			out = append(out, d.Reason)
		}
	}
	return out
}

// newProposal fills the page.
func newProposal(page *ui.Page, v *review.View, f proposalForm, who names) proposalView {
	out := proposalView{ID: v.Case.PublicID, Outcome: f.Outcome, Checks: checklist(page, v, v.Verdicts, who)}
	for _, row := range out.Checks {
		if row.Open {
			out.Open = append(out.Open, row)
		}
	}
	out.Comment = ui.Control{Name: "comment", Label: page.R("propose.comment"), Hint: page.R("propose.comment_hint"), Value: f.Comment, Rows: 4, Problem: page.ProblemFor("comment")}
	if f.Outcome == approve {
		out.Entering = entering(page, v)
		return out
	}
	out.Reasons = ui.Control{Name: "reasons", Label: page.R("propose.reasons"), Required: true, Value: strings.Join(f.Reasons, ","), Problem: page.ProblemFor("reasons"),
		Choices: reasonChoices(page, v.Procedure.Reasons, func(r qualification.Reason) bool { return r.Reject })}
	out.Confirm = ui.Control{Name: "confirm", Label: page.R("propose.confirm"), Required: true, Value: yes(f.Confirmed), Problem: page.ProblemFor("confirm")}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// entering is what an approval writes into the register.
func entering(page *ui.Page, v *review.View) []ui.Row {
	if v.Procedure == nil {
		return nil
	}
	values := v.Procedure.ItemValues(v.Case.Answers.Values)
	var rows []ui.Row
	for i := range v.Definition.Items {
		item := &v.Definition.Items[i]
		if value, written := values[item.ID]; written {
			rows = append(rows, ui.Row{Label: page.Text(item.Label), Value: factText(page, item, value), Name: item.Kind == qualification.KindName})
		}
	}
	return rows
}

// propose hands the case to a second person.
func (p *portal) propose(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	f := proposalForm{Proposal: review.Proposal{Outcome: form["outcome"], Comment: form["comment"]}, Confirmed: form["confirm"] == "yes"}
	switch f.Outcome {
	case approve:
	case reject:
		f.Reasons = slices.DeleteFunc(strings.Split(form["reasons"], ","), func(code string) bool { return code == "" })
	default: // silence proposes nothing
		if _, err := p.reviewed(r, o, id); err != nil {
			return err
		}
		return fault.New(fault.Invalid, "fault.unknown_verdict", "proposing neither approval nor rejection")
	}
	if len(wrongProposal(&ui.Page{Site: p.site}, f)) > 0 {
		return p.drawProposal(w, r, o, f, func(page *ui.Page, _ *review.View) []qualification.Problem { return wrongProposal(page, f) })
	}
	err = p.Desk.Propose(r.Context(), o.Officer, id, f.Proposal)
	if errors.Is(err, fault.Invalid) { // checks are open, or a reason is not one of the definition's
		return p.drawProposal(w, r, o, f, func(page *ui.Page, v *review.View) []qualification.Problem { return refusedProposal(page, v, f) })
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/", "propose.done."+f.Outcome, id)
}

// maxComment bounds the words to the second person, in characters.
const maxComment = 2000

// wrongProposal lists what is to be put right in what was typed.
func wrongProposal(page *ui.Page, f proposalForm) []qualification.Problem {
	var out []qualification.Problem
	if f.Outcome == reject && len(f.Reasons) == 0 {
		out = append(out, problem(page, "reasons", "propose.reason_missing"))
	}
	if f.Outcome == reject && !f.Confirmed {
		out = append(out, problem(page, "confirm", "propose.confirm_missing"))
	}
	if len([]rune(f.Comment)) > maxComment {
		out = append(out, problem(page, "comment", "propose.comment_long", maxComment))
	}
	return out
}
