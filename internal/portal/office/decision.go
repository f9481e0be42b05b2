package office

import (
	"net/http"
	"strings"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// decisionDraft is what the second person typed before the second factor was asked for.
type decisionDraft struct {
	Case      string `json:"case"`
	Comment   string `json:"comment"`
	Confirmed bool   `json:"confirmed"`
}

// decisionView is the second person's page: everything that the decision rests on.
type decisionView struct {
	ID        string
	Head      caseHead
	Proposal  decisionRow
	Outcome   string // approve | reject
	Grave     bool   // a rejection or a revocation: asks for an explicit confirmation
	Agree     string // words of the button that agrees
	Return    string // words of the one that does not
	Measure   []ui.Row
	Entering  []ui.Row
	NotGreen  []checkRow // checks that a machine did not pass or a person has remarked on
	Green     int
	Changes   []ui.Change
	Rounds    int
	Notes     []noteView
	Documents []docView
	Comment   ui.Control
	Confirm   ui.Control
	EntryPath string
	StepUp    bool // the second factor will be asked for
}

func (p *portal) decisionPage(w http.ResponseWriter, r *http.Request, o seat) error {
	var d decisionDraft
	if _, err := p.taken(r.Context(), keyDecision, &d); err != nil {
		return err
	}
	if d.Case != r.PathValue("id") {
		d = decisionDraft{}
	}
	return p.drawDecision(w, r, o, d, "")
}

// drawDecision draws the page. With a verb it draws what has to be put right before that can be done.
func (p *portal) drawDecision(w http.ResponseWriter, r *http.Request, o seat, d decisionDraft, verb review.Verb) error {
	id := r.PathValue("id")
	l, err := p.openDecision(r, o, id)
	if err != nil {
		return err
	}
	page := p.page(r, o, "inbox", "decide.title", id)
	page.Back = casePath(id)
	if verb != "" {
		page.Problems = wrongDecision(page, l.standing.Grave(), d, verb)
	}
	if arrived := openProposal(l.view); arrived != nil && arrived.Proposal == approve && len(l.view.OpenAnswers()) > 0 {
		page.Notices = append(page.Notices, ui.Notice{Tone: ui.Warning, Title: page.R("decide.arrived"), Body: page.R("fault.answer_arrived")})
	}
	v, err := newDecision(page, o, l, d, p.today())
	if err != nil {
		return err
	}
	return page.Render(w, decisionBody(page, v))
}

// deciding is the purpose of a look at a case that the officer holds for the decision; others are refused.
func deciding(s review.Standing, o seat) (purpose string, err error) {
	if !s.Decides(o.Officer) {
		return "", fault.New(fault.Conflict, "fault.case_not_yours", "deciding a case that the officer does not hold")
	}
	return "procedure", nil
}

// openDecision opens a case that the officer holds for the decision.
func (p *portal) openDecision(r *http.Request, o seat, id string) (l look, err error) {
	l.view, l.standing, err = p.Desk.OpenAs(r.Context(), o.Officer, id, func(s review.Standing) (string, error) {
		l.purpose, err = deciding(s, o)
		return l.purpose, err
	})
	if err != nil {
		return l, err
	}
	l, _, err = p.beside(r, o, l)
	l.stepUp = !p.confirmed(r.Context())
	return l, err
}

// newDecision fills the page.
func newDecision(page *ui.Page, o seat, l look, d decisionDraft, today calendar.Date) (decisionView, error) {
	v, proposal := l.view, openProposal(l.view)
	if proposal == nil {
		return decisionView{}, fault.New(fault.Conflict, "fault.case_moved_on", "deciding a case without a proposal")
	}
	only := *v
	only.Decisions = []review.Decision{*proposal}
	out := decisionView{ID: v.Case.PublicID, Head: newHead(page, l, today), Proposal: decisions(page, &only, l.who)[0], Outcome: proposal.Proposal, Grave: l.standing.Grave(),
		Rounds: len(v.Submissions), Notes: noteViews(page, v.Notes, l.who), Documents: documents(page, v), StepUp: l.stepUp,
		Comment: ui.Control{Name: "comment", Label: page.R("decide.comment"), Hint: page.R("decide.comment_hint"), Value: d.Comment, Rows: 3, Problem: page.ProblemFor("comment")}}
	out.Agree, out.Return = page.R("decide.agree"), page.R("decide.return")
	if v.Procedure == nil {
		out.Return = page.R("decide.drop")
	}
	if out.Grave {
		out.Agree = page.R(agreeKey(v))
		out.Confirm = ui.Control{Name: "confirm", Label: page.R(confirmKey(v)), Required: true, Value: yes(d.Confirmed), Problem: page.ProblemFor("confirm")}
	}
	if v.Procedure == nil {
		out.Measure = measureRows(page, v.Case)
	} else if proposal.Proposal == approve {
		out.Entering = entering(page, v)
	}
	if v.Case.EntryID != nil && o.May(account.RegisterView) {
		out.EntryPath = entryPath(v.Case.RegisterID, v.Case.EntryID.String())
	}
	for _, row := range checklist(page, v, v.Verdicts, l.who) {
		if row.Tone == ui.Success && row.Note == "" && row.Verdict != verdictDefect {
			out.Green++
		} else {
			out.NotGreen = append(out.NotGreen, row)
		}
	}
	var err error
	if v.Procedure != nil {
		out.Changes, err = changesBetween(page, v)
	}
	return out, err
}

// agreeKey names the grave act on its button.
func agreeKey(v *review.View) string {
	if v.Procedure == nil {
		return "decide.agree_revoke"
	}
	return "decide.agree_reject"
}

func confirmKey(v *review.View) string {
	if v.Procedure == nil {
		return "decide.confirm_revoke"
	}
	return "decide.confirm_reject"
}

// decide is the second person's act.
func (p *portal) decide(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	verb := review.Verb(form["verb"])
	d := decisionDraft{Case: id, Comment: strings.TrimSpace(form["comment"]), Confirmed: form["confirm"] == "yes"}
	s, err := p.Desk.Standing(r.Context(), o.Officer, id)
	if err != nil {
		return err
	}
	if _, err := deciding(s, o); err != nil {
		return err
	}
	if verb != review.Agree && verb != review.Return { // silence is no consent
		return fault.New(fault.Invalid, "fault.unknown_verdict", "neither agreeing nor returning")
	}
	if len(wrongDecision(&ui.Page{Site: p.site}, s.Grave(), d, verb)) > 0 {
		return p.drawDecision(w, r, o, d, verb)
	}
	if err := p.needStepUp(r.Context(), account.CaseApprove); err != nil {
		if kept := p.keep(r.Context(), keyDecision, d); kept != nil {
			return kept
		}
		return err
	}
	if err := p.Desk.Decide(r.Context(), o.Officer, id, verb, d.Comment); err != nil {
		return err
	}
	return p.done(w, r, "/", doneKey(s, verb), id)
}

// doneKey is what the next page says.
func doneKey(s review.Standing, verb review.Verb) string {
	switch {
	case verb == review.Return && s.Procedure == nil:
		return "decide.done.dropped"
	case verb == review.Return:
		return "decide.done.returned"
	case s.Proposal == reject:
		return "decide.done.rejected"
	}
	return "decide.done.approved"
}

func wrongDecision(page *ui.Page, grave bool, d decisionDraft, verb review.Verb) []qualification.Problem {
	var out []qualification.Problem
	if verb == review.Return && d.Comment == "" {
		out = append(out, problem(page, "comment", "fault.comment_missing"))
	}
	if verb == review.Agree && grave && !d.Confirmed {
		out = append(out, problem(page, "confirm", "decide.confirm_missing"))
	}
	if len([]rune(d.Comment)) > maxComment {
		out = append(out, problem(page, "comment", "propose.comment_long", maxComment))
	}
	return out
}
