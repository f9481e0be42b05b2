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
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// checkView is the page with the content to be signed. Everything on it is read back from the frozen bytes.
type checkView struct {
	Case, Body      string
	Sections        []fill.Section
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
	return page.Render(w, fill.IncompletePage(page, fill.Incomplete(page, v, problems, casePath(id), nil)))
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
		Sections: fill.Sections(page, v, doc, casePath(v.Case.PublicID)), Declaration: doc.Declaration, DeclarationLang: (&ui.Page{Lang: qualification.Lang(doc.Language)}).HTMLLang(),
		SignPath: casePath(v.Case.PublicID, "sign"), Documents: fill.DocumentRows(page, v.Procedure, doc), HasFees: len(doc.FeeLines) > 0}
	if v.Request != nil {
		view.Request = v.Request.ID
	}
	view.Fees = documentFees(page, cat, v.Procedure, doc)
	if fill.MayChangeDocuments(v) {
		view.DocumentsPath = casePath(v.Case.PublicID, "documents")
	}
	return view
}

// documentFees words the amounts of a document. Their labels and sources are those of the pinned definition.
func documentFees(page *ui.Page, cat *qualification.Catalogue, q *qualification.Procedure, doc *application.Document) feeView {
	v := feeView{Total: page.Yen(doc.Total)}
	v.without(page, q)
	for _, l := range doc.FeeLines {
		v.Lines = append(v.Lines, feeLine{Label: fill.FeeLabel(page, q, l.ID), Kind: page.R("fee.kind." + l.Kind),
			Collector: collectorName(page, cat, l.Collector), Amount: page.Yen(l.Amount)})
	}
	return v
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
