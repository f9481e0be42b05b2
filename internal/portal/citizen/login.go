package citizen

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
)

// loginView is the page before the login service: what is needed, and where one comes back to.
type loginView struct {
	To string
}

func (p *portal) loginPage(w http.ResponseWriter, r *http.Request) error {
	to := p.site.LocalPath(r.URL.Query().Get("to"))
	if _, err := p.site.Sessions.Subject(r.Context()); err == nil {
		return p.site.Redirect(w, r, to)
	}
	page := p.site.Page(r, "login.title")
	if r.URL.Query().Get("expired") != "" {
		page.Notices = append(page.Notices, ui.Notice{Tone: ui.Info, Title: page.R("session.expired")})
	}
	return page.Render(w, loginPage(page, loginView{To: to}))
}

// login sends the visitor to the login service. It is a POST, so that no other site can begin it.
func (p *portal) login(w http.ResponseWriter, r *http.Request) error {
	address, pending, err := p.Identity.BeginLogin(r.Context(), p.Origin+LoginCallback)
	if err != nil {
		return err
	}
	v := visit{Pending: pending, To: p.site.LocalPath(r.PostFormValue("to")), Lang: ui.LangOf(r)}
	if err := p.keep(r.Context(), keyVisit, v); err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// loginCallback ends the visit. What went wrong becomes a page of its own, in the language in which the visit began.
func (p *portal) loginCallback(w http.ResponseWriter, r *http.Request) error {
	var v visit
	if begun, err := p.take(r.Context(), keyVisit, &v); err != nil || !begun {
		if _, known := p.site.Sessions.Subject(r.Context()); err == nil && known == nil {
			return p.site.Redirect(w, r, "/") // the page was loaded again after the login
		}
		return redirectTo(w, r, v.Lang, "/login/failed?reason=no_visit")
	}
	login, err := p.Identity.FinishLogin(r.Context(), v.Pending, r.URL.Query())
	if errors.Is(err, fault.Unauthenticated) || errors.Is(err, fault.Forbidden) {
		query := url.Values{"reason": {reasonOf(err)}, "to": {v.To}}
		return redirectTo(w, r, v.Lang, "/login/failed?"+query.Encode())
	}
	if err != nil {
		return err
	}
	if err := p.enter(r.Context(), login); err != nil {
		return err
	}
	return redirectTo(w, r, v.Lang, v.To)
}

// enter opens the session of the person behind a login, under a new token.
func (p *portal) enter(ctx context.Context, login Login) error {
	card, err := particulars(login)
	if err != nil {
		return err
	}
	id, _, err := account.EnsurePerson(ctx, p.Desk.DB, login.Issuer, login.Subject, p.now())
	if err != nil {
		return err
	}
	if err := p.record(ctx, audit.PersonLogin); err != nil {
		return err
	}
	if err := p.site.Sessions.Login(ctx, id.String(), strings.ReplaceAll(card.Name.Full(), "\u3000", " ")); err != nil {
		return err
	}
	return p.keep(ctx, keyCard, holder{Issuer: login.Issuer, Subject: login.Subject, Card: card, At: p.now()})
}

// record writes the audit line of a login or logout. It names nobody: no registrar knows of it.
func (p *portal) record(ctx context.Context, act audit.Act) error {
	return p.Desk.DB.Platform(ctx, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorPerson}, Purpose: "own"})
	})
}

func (p *portal) logout(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.site.Sessions.Subject(r.Context()); err == nil {
		if err := p.record(r.Context(), audit.PersonLogout); err != nil {
			return err
		}
	}
	if err := p.site.Sessions.Logout(r.Context()); err != nil {
		return err
	}
	return p.site.Redirect(w, r, "/logged-out")
}

// loginReasons are the ways in which a visit to the login service can end without a login.
func loginReasons() []string {
	return []string{"cancelled", "visit_expired", "no_visit", "callback_strange", "code_refused", "someone_else", "weak_login"}
}

// reasonOf is the last part of an error's message key: what the failure pages are chosen by.
func reasonOf(err error) string {
	var e *fault.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Key[strings.LastIndexByte(e.Key, '.')+1:]
}

// failedView is a page after a visit that ended badly: what happened, and what to do now.
type failedView struct {
	What, Todo string
	To         string // where a new login leads
}

func (p *portal) loginFailed(w http.ResponseWriter, r *http.Request) error {
	reason := r.URL.Query().Get("reason")
	if !slices.Contains(loginReasons(), reason) {
		reason = "callback_strange"
	}
	page := p.site.Page(r, "login.failed.title")
	view := failedView{What: page.R("login.failed." + reason), Todo: page.R("login.failed." + reason + ".todo"),
		To: p.site.LocalPath(r.URL.Query().Get("to"))}
	return page.Render(w, loginFailedPage(page, view))
}
