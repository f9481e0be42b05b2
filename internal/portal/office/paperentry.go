package office

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/fault"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// paperDocuments is where scanned documents of a paper are added.
func (p *portal) paperDocuments(w http.ResponseWriter, r *http.Request, o seat) error {
	v, err := p.Intake.View(r.Context(), o.teller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawPaperDocuments(w, r, o, v, nil)
}

func (p *portal) drawPaperDocuments(w http.ResponseWriter, r *http.Request, o seat, v *application.View, problems []qualification.Problem) error {
	page := p.paperPage(r, o, v, "documents.title")
	page.Problems = problems
	view, err := fill.Documents(page, v, paperBase(v.Case.PublicID))
	if err != nil {
		return err
	}
	if len(view.Documents) > 0 {
		view.Lead = page.R("paper.documents_lead")
	}
	view.Done.Text = page.R("paper.documents_done")
	return page.Render(w, narrow(fill.DocumentsPage(page, view)))
}

// savePaperDocuments takes the files of one document, or removes one.
func (p *portal) savePaperDocuments(w http.ResponseWriter, r *http.Request, o seat) error {
	id, evidence := r.PathValue("id"), r.PathValue("evidence")
	v, err := p.Intake.View(r.Context(), o.teller(), id)
	if err != nil {
		return err
	}
	got, err := fill.Receive(r, &ui.Page{Site: p.site, Lang: ui.LangOf(r)}, v, evidence, p.taker(r, o, id))
	if err != nil {
		return err
	}
	if len(got.Problems) > 0 {
		if v, err = p.Intake.View(r.Context(), o.teller(), id); err != nil {
			return err
		}
		return p.drawPaperDocuments(w, r, o, v, got.Problems)
	}
	if got.Added > 0 {
		return p.done(w, r, fill.DocumentsPath(paperBase(id)), "documents.added", got.Added)
	}
	return p.site.Redirect(w, r, fill.DocumentsPath(paperBase(id)))
}

// taker hands in the scanned documents of a paper.
func (p *portal) taker(r *http.Request, o seat, id string) fill.Taker {
	return fill.Taker{Blobs: p.Intake.Blobs(),
		Stored: func(ref blob.Ref) error { return p.Intake.Stored(r.Context(), ref) },
		Add: func(evidence, name, media string, ref blob.Ref) error {
			return p.Intake.AddUpload(r.Context(), o.teller(), id, evidence, name, media, ref)
		},
		Remove: func(upload uuid.UUID) error { return p.Intake.RemoveUpload(r.Context(), o.teller(), id, upload) }}
}

// paperUpload sends a scanned document back to the counter.
func (p *portal) paperUpload(w http.ResponseWriter, r *http.Request, o seat) error {
	id, err := uuid.Parse(r.PathValue("upload"))
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "opening a document")
	}
	u, err := p.Intake.OpenUpload(r.Context(), o.teller(), r.PathValue("id"), id)
	if err != nil {
		return err
	}
	return fill.Send(w, r, p.Intake.Blobs(), u)
}

// freezePaper freezes the content; what is not complete becomes a page that leads to each part.
func (p *portal) freezePaper(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	problems, err := p.Intake.Prepare(r.Context(), o.teller(), id)
	if err != nil {
		return err
	}
	base := paperBase(id)
	if len(problems) == 0 {
		return p.site.Redirect(w, r, base+"/check")
	}
	v, err := p.Intake.View(r.Context(), o.teller(), id)
	if err != nil {
		return err
	}
	page := p.paperPage(r, o, v, "incomplete.title")
	page.Status = http.StatusUnprocessableEntity
	lines := fill.Incomplete(page, v, problems, base, func(field string) ui.Link {
		if strings.HasPrefix(field, "paid_") {
			return ui.Link{Path: base + "/payment", Text: page.R("paper.payment")}
		}
		return ui.Link{Path: base + "/receipt", Text: page.R("paper.receipt")}
	})
	return page.Render(w, narrow(fill.IncompletePage(page, lines)))
}

// paperCheckView is the frozen content, to be compared with the paper. Everything on it is read back from the frozen bytes.
type paperCheckView struct {
	Case, Number, Action string
	Request              uuid.UUID
	Receipt              []ui.Row
	ReceiptPath          string
	Sections             []fill.Section
	Documents            []ui.Row
	DocumentsPath        string
	Fees                 []ui.Row
	PaymentPath          string
}

// paperCheck shows the frozen content.
func (p *portal) paperCheck(w http.ResponseWriter, r *http.Request, o seat) error {
	v, err := p.Intake.View(r.Context(), o.teller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.Request == nil { // nothing is frozen: it was changed since
		return p.site.Redirect(w, r, paperBase(v.Case.PublicID))
	}
	doc, err := v.Request.Document()
	if err != nil {
		return err
	}
	page := p.paperPage(r, o, v, "paper.check_title")
	base := paperBase(v.Case.PublicID)
	view := paperCheckView{Case: page.Text(v.Procedure.Name), Number: v.Case.PublicID, Action: base + "/handin", Request: v.Request.ID,
		Receipt: receiptRows(page, v.Procedure, v.Case.Round, doc.Paper.Record), ReceiptPath: base + "/receipt",
		Sections: fill.Sections(page, v, doc, base), Documents: fill.DocumentRows(page, v.Procedure, doc)}
	if fill.MayChangeDocuments(v) {
		view.DocumentsPath = fill.DocumentsPath(base)
	}
	for _, f := range doc.FeeLines {
		view.Fees = append(view.Fees, ui.Row{Label: feeLabel(page, v.Procedure, f.ID), Value: page.Yen(f.Amount)})
	}
	if len(view.Fees) > 0 {
		view.Fees, view.PaymentPath = append(view.Fees, ui.Row{Label: page.R("payment.total"), Value: page.Yen(doc.Total)}), base+"/payment"
	}
	return page.Render(w, paperCheckPage(page, view))
}

// receiptRows words what staff recorded of a paper.
func receiptRows(page *ui.Page, q *qualification.Procedure, round int, record map[string]string) []ui.Row {
	var rows []ui.Row
	form := application.ReceiptForm(q, round)
	for i := range form.Groups {
		for j := range form.Groups[i].Fields {
			f := &form.Groups[i].Fields[j]
			if value := f.Show(record, page.Lang); value != "" {
				rows = append(rows, ui.Row{Label: page.Text(f.Label), Value: value, Name: f.Kind == qualification.KindName})
			}
		}
	}
	return rows
}

// handInPaper hands in the content that the page showed: content that was frozen anew since then is refused.
func (p *portal) handInPaper(w http.ResponseWriter, r *http.Request, o seat) error {
	request, err := uuid.Parse(r.PostFormValue("request"))
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading which content is handed in")
	}
	c, err := p.Intake.HandIn(r.Context(), o.teller(), r.PathValue("id"), request)
	if err != nil {
		return err
	}
	if c.Round > 0 {
		return p.done(w, r, paperPath, "paper.corrected", c.PublicID)
	}
	return p.done(w, r, paperPath, "paper.entered", c.PublicID)
}

// withdrawPaperPage asks whether a paper is to be given up, or whether its applicant has taken it back.
func (p *portal) withdrawPaperPage(w http.ResponseWriter, r *http.Request, o seat) error {
	state, err := p.Intake.Standing(r.Context(), o.teller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	page := p.page(r, o, "paper", "paper.withdraw_title", id)
	page.Back = paperPath
	v := withdrawPaperView{Action: paperBase(id) + "/withdraw", Lead: page.R("paper.withdraw_lead"), Button: page.R("paper.withdraw")}
	if state == application.Draft || state == application.Signing {
		v.Lead, v.Button = page.R("paper.abandon_lead"), page.R("paper.abandon")
	}
	return page.Render(w, withdrawPaper(page, v))
}

type withdrawPaperView struct{ Action, Lead, Button string }

func (p *portal) withdrawPaper(w http.ResponseWriter, r *http.Request, o seat) error {
	if err := p.Intake.Withdraw(r.Context(), o.teller(), r.PathValue("id")); err != nil {
		return err
	}
	return p.done(w, r, paperPath, "paper.withdrawn", r.PathValue("id"))
}
