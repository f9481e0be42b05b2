package citizen

import (
	"net/http"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/application"
	"akashi/internal/clock"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
)

// againPath is where somebody who is logged in logs in once more, for an act that asks for a fresh login.
const againPath = "/login/again"

// stopView is a page that says what an act on a credential does and does not do, before it is done.
type stopView struct {
	Title string
	Path  string
	Held  string // since when it is stopped
}

// drawStop draws the page of an act.
type drawStop func(*ui.Page, stopView) templ.Component

// stopPage explains the stop; stop does it. One confirmation and no fresh login: whoever has lost a card at night must be quick.
func (p *portal) stopPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	return p.before(w, r, a, "stop.title", func(h *credential.Held) bool { return h.HeldAt == nil && stoppable(h) }, stopPage)
}

func (p *portal) stop(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.own(r, a)
	if err != nil {
		return err
	}
	if err := p.Wallet.Suspend(r.Context(), a, h.Entry.RegisterID, h.Entry.ID); err != nil {
		return err
	}
	return p.after(w, r, h, "stop.done")
}

// liftPage and renewPage need a login that is fresh, so that they lead to it before anything is read or pressed.
func (p *portal) liftPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	return p.before(w, r, a, "lift.title", func(h *credential.Held) bool { return h.HeldAt != nil }, liftPage)
}

func (p *portal) lift(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, login, err := p.afresh(r, a)
	if err != nil {
		return err
	}
	if err := p.Wallet.Lift(r.Context(), a, h.Entry.RegisterID, h.Entry.ID, login); err != nil {
		return err
	}
	return p.after(w, r, h, "lift.done")
}

func (p *portal) renewPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	return p.before(w, r, a, "renew.title", renewable, renewPage)
}

func (p *portal) renew(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, login, err := p.afresh(r, a)
	if err != nil {
		return err
	}
	if err := p.Wallet.Reissue(r.Context(), a, h.Entry.RegisterID, h.Entry.ID, login); err != nil {
		return err
	}
	return p.after(w, r, h, "renew.done")
}

// renewable tells whether the holder can have the credential made anew: not while the office suspends it.
func renewable(h *credential.Held) bool {
	return stoppable(h) && h.Credential.State != credential.Suspended
}

// stoppable tells whether there is a credential that the holder can stop.
func stoppable(h *credential.Held) bool {
	return h.Credential != nil && (h.Credential.State == credential.Valid || h.Credential.State == credential.OnHold || h.Credential.State == credential.Suspended)
}

// before draws the page before an act. Where there is nothing to do, the credential's own page says how it stands.
func (p *portal) before(w http.ResponseWriter, r *http.Request, a application.Applicant, key string, may func(*credential.Held) bool, draw drawStop) error {
	h, err := p.own(r, a)
	if err != nil {
		return err
	}
	if !may(h) {
		return p.site.Redirect(w, r, credentialPath(h))
	}
	if key != "stop.title" {
		if _, _, err := p.afresh(r, a); err != nil {
			return err
		}
	}
	page := p.frame(r, h, key)
	view := stopView{Title: qualificationName(page, p.Desk.Catalogue, h.Entry.RegisterID), Path: credentialPath(h)}
	if h.HeldAt != nil {
		view.Held = page.Time(*h.HeldAt)
	}
	return page.Render(w, draw(page, view))
}

// after leads back to the credential's page with what was done.
func (p *portal) after(w http.ResponseWriter, r *http.Request, h *credential.Held, key string) error {
	words := p.words(r)
	if err := p.site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: words.R(key), Body: words.R(key + ".text")}); err != nil {
		return err
	}
	return p.site.Redirect(w, r, credentialPath(h))
}

// afresh is the entry and the time of a login that is fresh enough to undo a stop. Any other is fault.StepUp, which leads to
// the login and back.
func (p *portal) afresh(r *http.Request, a application.Applicant) (*credential.Held, time.Time, error) {
	h, err := p.own(r, a)
	if err != nil {
		return nil, time.Time{}, err
	}
	known, err := p.holder(r.Context())
	if err != nil {
		return nil, time.Time{}, err
	}
	stale := p.now().Sub(known.At) > credential.FreshLogin || known.At.After(p.now()) || h.HeldAt != nil && !known.At.After(*h.HeldAt)
	if stale {
		return nil, time.Time{}, fault.New(fault.StepUp, "", "looking at the age of a login")
	}
	return h, known.At, nil
}

// loginAgain is the page before a login by somebody who is logged in.
func (p *portal) loginAgain(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "login.again")
	page.Notices = append(page.Notices, ui.Notice{Tone: ui.Info, Title: page.R("login.again.why")})
	return page.Render(w, loginPage(page, loginView{To: p.site.LocalPath(r.URL.Query().Get("to"))}))
}

// clockTime is a time of day in Japan.
func clockTime(t time.Time) string { return t.In(clock.JST).Format(time.TimeOnly) }
