package citizen

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
)

// cardPage offers to try the card before the first question, so that nobody finds out at the end that it cannot sign.
func (p *portal) cardPage(w http.ResponseWriter, r *http.Request, _ application.Applicant) error {
	page := p.site.Page(r, "card.title")
	to := p.site.LocalPath(r.URL.Query().Get("to"))
	page.Current, page.Back = "qualifications", to
	return page.Render(w, cardPage(page, to))
}

// tryCard begins a signature over a statement that applies for nothing.
func (p *portal) tryCard(w http.ResponseWriter, r *http.Request, _ application.Applicant) error {
	statement, err := application.CardStatement(p.now())
	if err != nil {
		return err
	}
	transaction, err := p.Identity.StartSignature(r.Context(), application.CardDigest(statement))
	if err != nil {
		return err
	}
	s := signing{Statement: statement, To: p.site.LocalPath(r.PostFormValue("to")), Lang: ui.LangOf(r)}
	return p.visitSigner(w, r, transaction, s)
}

// cardTried ends the visit: back to where the visitor came from with the good news, or to the page that tells why not.
func (p *portal) cardTried(w http.ResponseWriter, r *http.Request, a application.Applicant, s signing) error {
	signer, err := p.checkCard(r, a, s)
	if reason := signReason(err); reason != "" {
		return redirectTo(w, r, s.Lang, "/card-check/failed?"+url.Values{"reason": {reason}, "to": {s.To}}.Encode())
	}
	if err != nil {
		return err
	}
	said := &ui.Page{Site: p.site, Lang: s.Lang}
	n := ui.Notice{Tone: ui.Success, Title: said.R("card.usable"), Body: said.R("card.usable.text", calendar.Of(signer.NotAfter))}
	if err := p.site.Sessions.Flash(r.Context(), n); err != nil {
		return err
	}
	return redirectTo(w, r, s.Lang, s.To)
}

func (p *portal) checkCard(r *http.Request, a application.Applicant, s signing) (application.Signer, error) {
	signature, err := p.Identity.FinishSignature(r.Context(), s.Pending, r.URL.Query())
	if err != nil {
		return application.Signer{}, fmt.Errorf("finishing a trial signature: %w", err)
	}
	return p.Desk.CheckCard(r.Context(), a, s.Statement, signature.Value, signature.Certificate)
}

func (p *portal) cardFailed(w http.ResponseWriter, r *http.Request, _ application.Applicant) error {
	reason := r.URL.Query().Get("reason")
	if !slices.Contains(signReasons(), reason) {
		reason = "callback_strange"
	}
	page := p.site.Page(r, "card.failed")
	page.Current = "qualifications"
	view := failedView{What: page.R("signature.refused." + reason), Todo: page.R("signature.todo." + todoOf(reason)),
		To: p.site.LocalPath(r.URL.Query().Get("to"))}
	return page.Render(w, cardFailedPage(page, view))
}

// visitSigner sends the browser to the signing service and keeps what it takes to end the visit.
func (p *portal) visitSigner(w http.ResponseWriter, r *http.Request, transaction string, s signing) error {
	h, err := p.holder(r.Context())
	if err != nil {
		return err
	}
	address, pending, err := p.Identity.BeginSignature(r.Context(), p.Origin+SignCallback, transaction, h.Subject)
	if err != nil {
		return err
	}
	s.Pending = pending
	if err := p.keep(r.Context(), keySigning, s); err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}
