package citizen

import (
	"errors"
	"net/http"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/payment"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// payView is the page before and after the payment provider's.
type payView struct {
	Case, PublicID string
	Fees           feeView
	PayPath        string
	CasePath       string
	State          string // wording payment.<State>
	PaidAt         string
	Open           bool // still to be paid
	Paid           bool
	Silent         bool // the provider does not answer
}

func (p *portal) payPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, due, err := p.readDue(r, a)
	if err != nil {
		return err
	}
	page := p.casePage(r, v, "pay.title")
	return page.Render(w, payPage(page, fillPay(page, p.Desk.Catalogue, v, due)))
}

// readDue reads what a case costs; a case without an order has no payment page.
func (p *portal) readDue(r *http.Request, a application.Applicant) (*application.View, payment.Due, error) {
	v, due, err := p.Counter.Open(r.Context(), a, r.PathValue("id"))
	if err == nil && due.Order == nil {
		err = fault.New(fault.NotFound, "", "opening the payment page of a case without an order")
	}
	return v, due, err
}

func fillPay(page *ui.Page, cat *qualification.Catalogue, v *application.View, due payment.Due) payView {
	o := due.Order
	view := payView{Case: page.Text(v.Procedure.Name), PublicID: v.Case.PublicID, PayPath: casePath(v.Case.PublicID, "pay"),
		CasePath: casePath(v.Case.PublicID), State: page.R("payment." + string(o.State)), Fees: feeView{Total: page.Yen(o.Total)},
		Open: v.Case.State == application.AwaitingPayment && (o.State == payment.Planned || o.State == payment.Offered), Paid: o.State == payment.Paid}
	for _, l := range due.Lines {
		view.Fees.Lines = append(view.Fees.Lines, feeLine{Label: fill.FeeLabel(page, v.Procedure, l.ID), Kind: page.R("fee.kind." + string(l.Kind)),
			Collector: collectorName(page, cat, l.Collector), Amount: page.Yen(l.Amount)})
	}
	if o.PaidAt != nil {
		view.PaidAt = page.Time(*o.PaidAt)
	}
	return view
}

// pay sends the payer to the provider's page. Pressed twice it is the same order.
func (p *portal) pay(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	address, err := p.Counter.Pay(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// paid is where the provider sends the payer back. The provider is asked; until it says so nothing counts as paid, and
// the page says how to look again.
func (p *portal) paid(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	_, asked := p.Counter.Returned(r.Context(), a, r.PathValue("id"))
	silent := errors.Is(asked, fault.Upstream)
	if asked != nil && !silent {
		return asked
	}
	v, due, err := p.readDue(r, a)
	if err != nil {
		return err
	}
	page := p.casePage(r, v, "paid.title")
	view := fillPay(page, p.Desk.Catalogue, v, due)
	view.Silent = silent
	if view.Open {
		page.Title = page.T("paid.waiting") + " " + v.Case.PublicID
	}
	return page.Render(w, paidPage(page, view))
}
