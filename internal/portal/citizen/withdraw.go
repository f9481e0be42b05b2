package citizen

import (
	"net/http"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/payment"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// withdrawView is the page before an application is taken back: what follows from it, and the second confirmation.
type withdrawView struct {
	Case, PublicID string
	Consequences   []string
	Sure           ui.Control
	Action, Back   string
}

func (p *portal) withdrawPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	return p.drawWithdraw(w, r, a, nil)
}

func (p *portal) drawWithdraw(w http.ResponseWriter, r *http.Request, a application.Applicant, problems []qualification.Problem) error {
	f, err := p.readCase(r, a)
	if err != nil {
		return err
	}
	if !f.Case.State.Withdrawable() {
		return fault.New(fault.Conflict, "fault.not_withdrawable", "opening the withdrawal of a case that has ended")
	}
	page := p.casePage(r, f.View, "withdraw.title")
	page.Problems = problems
	return page.Render(w, withdrawPage(page, fillWithdraw(page, f)))
}

func fillWithdraw(page *ui.Page, f caseFile) withdrawView {
	v := withdrawView{Case: page.Text(f.Procedure.Name), PublicID: f.Case.PublicID, Action: casePath(f.Case.PublicID, "withdraw"),
		Back: casePath(f.Case.PublicID), Consequences: []string{page.R("withdraw.final")},
		Sure: ui.Control{Name: "sure", Label: page.R("withdraw.sure"), Required: true, Problem: page.ProblemFor("sure")}}
	switch {
	case !f.Case.State.Submitted():
		v.Consequences = append(v.Consequences, page.R("withdraw.draft"))
	case f.Due.Order != nil && f.Due.Order.State == payment.Paid:
		v.Consequences = append(v.Consequences, page.R("withdraw.refund", page.Yen(f.Due.Order.Total)), page.R("withdraw.review"))
	default:
		v.Consequences = append(v.Consequences, page.R("withdraw.review"))
	}
	return v
}

func (p *portal) withdraw(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	if r.PostFormValue("sure") != "yes" {
		said := p.words(r).R("withdraw.unsure")
		return p.drawWithdraw(w, r, a, []qualification.Problem{{Input: "sure", Message: qualification.Text{JA: said, EN: said, Easy: said}}})
	}
	id := r.PathValue("id")
	if err := p.Desk.Withdraw(r.Context(), a, id); err != nil {
		return err
	}
	if err := p.site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: p.words(r).R("withdraw.done")}); err != nil {
		return err
	}
	return p.site.Redirect(w, r, casePath(id))
}
