package citizen

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// checkView is the page with the content to be signed. Everything on it is read back from the frozen bytes.
type checkView struct {
	Case, Body      string
	Sections        []checkSection
	Documents       []ui.Row
	DocumentsPath   string // "" when none can be changed
	Fees            feeView
	HasFees         bool
	Declaration     string
	DeclarationLang string
	Request         uuid.UUID
	SignPath        string
	Round           int
}

// checkSection is one page of the form.
type checkSection struct {
	Title string
	Rows  []ui.Row
}

// prepare freezes the content, and leads to the page that shows it.
func (p *portal) prepare(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	return p.freeze(w, r, a, r.PathValue("id"))
}

// freeze freezes the content; what is not complete becomes a page that leads to each part.
func (p *portal) freeze(w http.ResponseWriter, r *http.Request, a application.Applicant, id string) error {
	problems, err := p.Desk.PrepareSigning(r.Context(), a, id)
	if err != nil {
		return err
	}
	if len(problems) == 0 {
		return p.site.Redirect(w, r, casePath(id, "check"))
	}
	v, err := p.Desk.View(r.Context(), a, id)
	if err != nil {
		return err
	}
	page := p.casePage(r, v, "incomplete.title")
	page.Status = http.StatusUnprocessableEntity
	return page.Render(w, incompletePage(page, incomplete(page, v, problems)))
}

// incompleteLine is one thing that is missing or wrong, with the page on which to put it right.
type incompleteLine struct {
	Message string
	Page    ui.Link
}

func incomplete(page *ui.Page, v *application.View, problems []qualification.Problem) []incompleteLine {
	var out []incompleteLine
	for _, problem := range problems {
		line := incompleteLine{Message: page.Text(problem.Message)}
		if _, document := evidenceOf(problem.Field); document {
			line.Page = ui.Link{Path: casePath(v.Case.PublicID, "documents"), Text: page.R("documents.title")}
		} else if g := groupOf(v.Procedure, problem.Field); g != nil {
			line.Page = ui.Link{Path: groupPath(v.Case.PublicID, g.ID), Text: page.Text(g.Title)}
		}
		out = append(out, line)
	}
	return out
}

func (p *portal) check(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.Request == nil { // nothing is frozen: it was changed since, or handed in
		return p.site.Redirect(w, r, casePath(v.Case.PublicID))
	}
	doc, err := v.Request.Document()
	if err != nil {
		return err
	}
	page := p.casePage(r, v, "check.title")
	return page.Render(w, checkPage(page, fillCheck(page, p.Desk.Catalogue, v, doc)))
}

// fillCheck words the frozen document. Only what can still be changed has a link to change it.
func fillCheck(page *ui.Page, cat *qualification.Catalogue, v *application.View, doc *application.Document) checkView {
	view := checkView{Case: page.Text(v.Procedure.Name), Body: registrarName(page, cat, doc.Registrar), Round: doc.Round,
		Sections: sections(page, v, doc), Declaration: doc.Declaration, DeclarationLang: (&ui.Page{Lang: qualification.Lang(doc.Language)}).HTMLLang(),
		SignPath: casePath(v.Case.PublicID, "sign"), Documents: documentRows(page, v.Procedure, doc), HasFees: len(doc.FeeLines) > 0}
	if v.Request != nil {
		view.Request = v.Request.ID
	}
	view.Fees = documentFees(page, cat, v.Procedure, doc)
	if mayChangeDocuments(v) {
		view.DocumentsPath = casePath(v.Case.PublicID, "documents")
	}
	return view
}

// mayChangeDocuments tells whether a document of the case can be handed in now.
func mayChangeDocuments(v *application.View) bool {
	return slices.ContainsFunc(v.Procedure.Evidence, func(e qualification.Evidence) bool {
		err := v.MayUpload(e.ID)
		return err == nil || errors.Is(err, fault.Invalid) // as many as allowed are there: one can be taken out
	}) && v.Case.State.Editable()
}

// sections words the answers of a document, page by page of the form.
func sections(page *ui.Page, v *application.View, doc *application.Document) []checkSection {
	var out []checkSection
	for i := range v.Procedure.Groups {
		g := &v.Procedure.Groups[i]
		s := checkSection{Title: page.Text(g.Title)}
		for j := range g.Fields {
			f := &g.Fields[j]
			if _, answered := doc.Answers[f.Keys()[0]]; !answered {
				continue
			}
			row := ui.Row{Label: page.Text(f.Label), Value: f.Show(doc.Answers, page.Lang), Name: f.Kind == qualification.KindName}
			if v.MayEdit(f.ID) && !f.Fixed {
				row.Change = groupPath(v.Case.PublicID, g.ID) + "?back=check"
			}
			s.Rows = append(s.Rows, row)
		}
		if len(s.Rows) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// documentRows lists the documents of a document by what they are and their names.
func documentRows(page *ui.Page, q *qualification.Procedure, doc *application.Document) []ui.Row {
	var rows []ui.Row
	for _, u := range doc.Documents {
		rows = append(rows, ui.Row{Label: itemLabel(page, q, "evidence:"+u.Evidence), Value: u.Name + page.R("aside", sizeWords(u.Size))})
	}
	return rows
}

// documentFees words the amounts of a document. Their labels and sources are those of the pinned definition.
func documentFees(page *ui.Page, cat *qualification.Catalogue, q *qualification.Procedure, doc *application.Document) feeView {
	v := feeView{Total: page.Yen(doc.Total)}
	v.without(page, q)
	for _, l := range doc.FeeLines {
		v.Lines = append(v.Lines, feeLine{Label: feeLabel(page, q, l.ID), Kind: page.R("fee.kind." + l.Kind),
			Collector: collectorName(page, cat, l.Collector), Amount: page.Yen(l.Amount)})
	}
	return v
}

func feeLabel(page *ui.Page, q *qualification.Procedure, id string) string {
	i := slices.IndexFunc(q.Fees, func(f qualification.Fee) bool { return f.ID == id })
	if i < 0 {
		return id
	}
	return page.Text(q.Fees[i].Label)
}

// sign begins the signature over the content that the page showed: content that was frozen anew since then is refused.
func (p *portal) sign(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.Request == nil || v.Request.ID.String() != r.PostFormValue("request") {
		return p.signingFailed(w, r, ui.LangOf(r), v.Case.PublicID, "content_changed")
	}
	transaction, err := p.Identity.StartSignature(r.Context(), [32]byte(v.Request.Digest))
	if err != nil {
		return err
	}
	if err := p.Desk.SignatureStarted(r.Context(), a, v.Case.PublicID, v.Request.ID, transaction); err != nil {
		return err
	}
	return p.visitSigner(w, r, transaction, signing{PublicID: v.Case.PublicID, Request: v.Request.ID, Lang: ui.LangOf(r)})
}

// signCallback ends the visit: it hands the case in with the signature, or leads to the page that tells why not.
func (p *portal) signCallback(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	var s signing
	begun, err := p.take(r.Context(), keySigning, &s)
	if err != nil {
		return err
	}
	if !begun { // the page was loaded again, or never begun here
		return p.site.Redirect(w, r, "/")
	}
	if s.Statement != nil {
		return p.cardTried(w, r, a, s)
	}
	c, err := p.handIn(r, a, s)
	if reason := signReason(err); reason != "" {
		return p.signingFailed(w, r, s.Lang, s.PublicID, reason)
	}
	if err != nil {
		return err
	}
	return redirectTo(w, r, s.Lang, receiptPath(c.PublicID, c.Round))
}

func (p *portal) handIn(r *http.Request, a application.Applicant, s signing) (*application.Case, error) {
	signature, err := p.Identity.FinishSignature(r.Context(), s.Pending, r.URL.Query())
	if err != nil {
		return nil, fmt.Errorf("finishing the signature of case %s: %w", s.PublicID, err)
	}
	return p.Desk.Submit(r.Context(), a, s.PublicID, s.Request, signature.Value, signature.Certificate)
}

func (p *portal) signingFailed(w http.ResponseWriter, r *http.Request, lang qualification.Lang, id, reason string) error {
	return redirectTo(w, r, lang, casePath(id, "sign", "failed")+"?reason="+url.QueryEscape(reason))
}

// signReasons are the ways in which a signature can fail, each with a page of its own words: visits that ended without
// one, what the certificate or signature is not, and lists of revocation that could not be had.
func signReasons() []string {
	return []string{
		"cancelled", "visit_expired", "no_visit", "callback_strange", "code_refused", "someone_else", "upstream",
		"content_changed", "other_signer", "malformed_certificate", "unknown_critical", "wrong_algorithm", "weak_key",
		"unknown_issuer", "forged_certificate", "not_end_entity", "wrong_policy", "wrong_key_usage", "not_yet_valid", "expired",
		"malformed_san", "no_particulars", "malformed_alt", "alt_length", "bad_birth_date", "bad_sex", "bad_signature", "bare_digest",
		"no_crl_point", "crl_unavailable", "crl_malformed", "crl_forged", "crl_other_point", "crl_stale", "revoked",
		"different_person", "different_address",
	}
}

// signReason chooses the page for an error of a signature, "" for an error that is not of the signature.
func signReason(err error) string {
	if err == nil {
		return ""
	}
	if reason := reasonOf(err); slices.Contains(signReasons(), reason) {
		return reason
	}
	switch {
	case errors.Is(err, fault.Upstream):
		return "upstream"
	case errors.Is(err, fault.Unauthenticated):
		return "callback_strange"
	case errors.Is(err, fault.Invalid):
		return "bad_signature"
	}
	return ""
}

// signFailed tells why a signature was not accepted and what to do. Nothing was handed in.
func (p *portal) signFailed(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	reason := r.URL.Query().Get("reason")
	if !slices.Contains(signReasons(), reason) {
		reason = "callback_strange"
	}
	page := p.casePage(r, v, "sign.failed.title")
	to := casePath(v.Case.PublicID)
	if v.Request != nil {
		to = casePath(v.Case.PublicID, "check")
	}
	view := failedView{What: page.R("signature.refused." + reason), Todo: page.R("signature.todo." + todoOf(reason)), To: to}
	return page.Render(w, signFailedPage(page, view))
}

// todoOf groups the reasons by what the applicant can do about them.
func todoOf(reason string) string {
	switch reason {
	case "cancelled", "visit_expired", "no_visit", "callback_strange", "code_refused":
		return "again"
	case "content_changed":
		return "check"
	case "someone_else", "other_signer", "different_person":
		return "own_card"
	case "upstream", "crl_unavailable", "crl_malformed", "crl_forged", "crl_other_point", "crl_stale":
		return "later"
	case "revoked", "expired", "not_yet_valid", "different_address":
		return "renew"
	case "wrong_policy", "wrong_key_usage", "not_end_entity", "bad_signature", "bare_digest":
		return "signing_key"
	}
	return "office"
}
