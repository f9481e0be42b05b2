package office

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
)

// loginView is the page before the staff's login, or before its confirmation.
type loginView struct {
	Action string
	To     string
	Lead   string
	Button string
	Note   string
}

func (p *portal) loginPage(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "login.title")
	query := r.URL.Query()
	switch {
	case query.Has("expired"):
		page.Notices = append(page.Notices, ui.Notice{Tone: ui.Info, Title: page.R("session.expired")})
	case query.Has("out"):
		page.Notices = append(page.Notices, ui.Notice{Tone: ui.Success, Title: page.R("login.out")})
	}
	return page.Render(w, loginForm(page, loginView{Action: "/login", To: p.site.LocalPath(query.Get("to")),
		Lead: page.R("login.lead"), Button: page.R("login.button"), Note: page.R("login.note")}))
}

func (p *portal) login(w http.ResponseWriter, r *http.Request) error {
	return p.begin(w, r, LoginRequest{})
}

func (p *portal) stepUpPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.site.Sessions.Subject(r.Context()); err != nil {
		return err
	}
	page := p.site.Page(r, "step_up.title")
	return page.Render(w, loginForm(page, loginView{Action: "/step-up", To: p.site.LocalPath(r.URL.Query().Get("to")),
		Lead: page.R("step_up.lead"), Button: page.R("step_up.button"), Note: page.R("step_up.note", int(StepUpFor/time.Minute))}))
}

// freshness is how old an authentication may be when the second factor is asked for: just now.
const freshness = time.Minute

func (p *portal) stepUp(w http.ResponseWriter, r *http.Request) error {
	subject, err := p.site.Sessions.Subject(r.Context())
	if err != nil {
		return err
	}
	return p.begin(w, r, LoginRequest{StepUp: true, MaxAge: freshness, Subject: subject})
}

// begin sends the browser to the staff's login and remembers what for.
func (p *portal) begin(w http.ResponseWriter, r *http.Request, req LoginRequest) error {
	req.RedirectURI = p.Origin + LoginCallback
	address, pending, err := p.Identity.Begin(r.Context(), req)
	if err != nil {
		return err
	}
	v := visit{Pending: pending, StepUp: req.StepUp, To: p.site.LocalPath(r.PostFormValue("to")), Lang: ui.LangOf(r)}
	if err := p.keep(r.Context(), keyVisit, v); err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// loginCallback ends a visit to the staff's login.
func (p *portal) loginCallback(w http.ResponseWriter, r *http.Request) error {
	var v visit
	found, err := p.taken(r.Context(), keyVisit, &v)
	if err != nil {
		return err
	}
	if !found {
		return redirectTo(w, r, v.Lang, "/login")
	}
	login, err := p.Identity.Finish(r.Context(), v.Pending, r.URL.Query())
	switch {
	case errors.Is(err, fault.Unauthenticated), errors.Is(err, fault.StepUp):
		return p.again(w, r, v)
	case err != nil:
		return err
	case v.StepUp:
		return p.finishStepUp(w, r, v, login)
	}
	return p.finishLogin(w, r, v, login)
}

// again leads back to where a visit that came to nothing began, and says so.
func (p *portal) again(w http.ResponseWriter, r *http.Request, v visit) error {
	page := &ui.Page{Site: p.site, Lang: v.Lang}
	notice := ui.Notice{Tone: ui.Warning, Title: page.R("login.cancelled")}
	path := "/login"
	if v.StepUp {
		notice.Title, path = page.R("step_up.failed"), "/step-up"
	}
	if err := p.site.Sessions.Flash(r.Context(), notice); err != nil {
		return err
	}
	return redirectTo(w, r, v.Lang, path+"?to="+url.QueryEscape(v.To))
}

func (p *portal) finishLogin(w http.ResponseWriter, r *http.Request, v visit, login Login) error {
	ctx := r.Context()
	staff, err := account.ByLogin(ctx, p.Desk.DB, login.Subject)
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Forbidden) {
		return p.refuse(w, r, err)
	}
	if err != nil {
		return err
	}
	if err := p.record(ctx, audit.StaffLogin, staff, "done"); err != nil {
		return err
	}
	if err := p.site.Sessions.Login(ctx, staff.Subject, staff.Name); err != nil {
		return err
	}
	for _, key := range []string{keyBody, keyStepUp, keyPurposes, keyCorrection, keyDecision, keyMeasure, keySearch, keyFound} {
		p.site.Sessions.Remove(ctx, key)
	}
	if len(bodiesOf(staff)) > 1 {
		return redirectTo(w, r, v.Lang, "/body?to="+url.QueryEscape(v.To))
	}
	return redirectTo(w, r, v.Lang, v.To)
}

// finishStepUp notes a confirmed login. It must be the same person and the second factor, whatever the provider meant.
func (p *portal) finishStepUp(w http.ResponseWriter, r *http.Request, v visit, login Login) error {
	ctx := r.Context()
	staff, err := p.staff(ctx)
	if err != nil {
		return err
	}
	if login.Subject != staff.Subject {
		return fault.New(fault.Forbidden, "fault.other_staff", "confirming the login of somebody else")
	}
	if !login.StepUp {
		return p.again(w, r, v)
	}
	if err := p.record(ctx, audit.StaffStepUp, staff, "done"); err != nil {
		return err
	}
	at := login.AuthTime
	if at.IsZero() {
		at = p.now()
	}
	if err := p.site.Sessions.StepUp(ctx); err != nil {
		return err
	}
	p.site.Sessions.Put(ctx, keyStepUp, at.Unix())
	return redirectTo(w, r, v.Lang, v.To)
}

func (p *portal) logout(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if staff, err := p.staff(ctx); err == nil {
		if err := p.record(ctx, audit.StaffLogout, staff, "done"); err != nil {
			return err
		}
	}
	if err := p.site.Sessions.Logout(ctx); err != nil {
		return err
	}
	return p.site.Redirect(w, r, "/login?out=1")
}

// record writes an act of logging in or out, which concerns nobody else's data.
func (p *portal) record(ctx context.Context, act audit.Act, s account.Staff, outcome string) error {
	actor := audit.Actor{Kind: audit.ActorStaff, ID: s.ID.String()}
	return p.Desk.DB.Platform(ctx, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: act, Actor: actor, Purpose: "login", Outcome: outcome})
	})
}

// refusedView tells somebody without a place here whom to ask.
type refusedView struct{ Why string }

// refuse ends the session of somebody who has no account, a closed one, or no role, and says whom to ask.
func (p *portal) refuse(w http.ResponseWriter, r *http.Request, cause error) error {
	ctx := r.Context()
	var f *fault.Error
	key := "refused.no_role"
	if errors.As(cause, &f) && f.Key != "" {
		key = f.Key
	}
	err := p.Desk.DB.Platform(ctx, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.StaffRefused, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "office.login"},
			Purpose: "login", Outcome: "refused"})
	})
	if err != nil {
		return fmt.Errorf("recording a refused login: %w", err)
	}
	if err := p.site.Sessions.Logout(ctx); err != nil {
		return err
	}
	page := p.site.Page(r, "refused.title")
	page.User, page.Office, page.Status = "", "", http.StatusForbidden
	return page.Render(w, refused(page, refusedView{Why: page.R(key)}))
}

// bodyView is the choice of the body for which somebody works.
type bodyView struct {
	To     string
	Bodies []bodyChoice
}

type bodyChoice struct {
	ID, Name, Roles string
	Current         bool
}

// bodyPage asks for which body somebody works now.
func (p *portal) bodyPage(w http.ResponseWriter, r *http.Request) error {
	staff, err := p.staff(r.Context())
	if err != nil {
		return err
	}
	page := p.site.Page(r, "body.title")
	page.User = staff.Name
	v := bodyView{To: p.site.LocalPath(r.URL.Query().Get("to"))}
	current := p.site.Sessions.GetString(r.Context(), keyBody)
	for _, body := range bodiesOf(staff) {
		v.Bodies = append(v.Bodies, bodyChoice{ID: body, Name: p.bodyName(page, body), Roles: rolesAt(page, staff, body), Current: body == current})
	}
	return page.Render(w, bodyForm(page, v))
}

// rolesAt lists somebody's roles at a body in words.
func rolesAt(page *ui.Page, s account.Staff, body string) string {
	words := ""
	for _, g := range s.Grants {
		if g.Body == body {
			if words != "" {
				words += page.T("list.comma")
			}
			words += page.R("role." + string(g.Role))
		}
	}
	return words
}

func (p *portal) chooseBody(w http.ResponseWriter, r *http.Request) error {
	staff, err := p.staff(r.Context())
	if err != nil {
		return err
	}
	body := r.PostFormValue("body")
	if !slices.Contains(bodiesOf(staff), body) {
		return errors.Join(fault.New(fault.Forbidden, "refused.no_role", "choosing a body without a role there"),
			p.record(r.Context(), audit.StaffRefused, staff, "forbidden"))
	}
	p.site.Sessions.Put(r.Context(), keyBody, body)
	for _, key := range []string{keyPurposes, keyCorrection, keyDecision, keyMeasure, keySearch, keyFound} {
		p.site.Sessions.Remove(r.Context(), key)
	}
	return p.site.Redirect(w, r, p.site.LocalPath(r.PostFormValue("to")))
}
