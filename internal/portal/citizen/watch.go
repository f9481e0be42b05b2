package citizen

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/relying"
)

const watchesPath = "/watches"

// watchLine is one verifier who wants to be told of changes, in a list.
type watchLine struct {
	Path, Who, What, Purpose, Until string
	Tag                             string
	Tone                            ui.Tone
}

// watchView is the page on which a holder decides about one.
type watchView struct {
	Who    string
	Facts  []ui.Row
	State  relying.WatchState
	Action string
	Lack   *ui.Notice // that the register tells nobody of changes any more
}

func (p *portal) watches(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	wanted, err := p.Holder.List(r.Context(), a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "watches.title")
	page.Current, page.Back = "credentials", "/credentials"
	lines := make([]watchLine, 0, len(wanted))
	for _, one := range wanted {
		lines = append(lines, watchLineOf(page, p.Desk.Catalogue, one))
	}
	return page.Render(w, watchesPage(page, lines))
}

var watchTones = map[relying.WatchState]ui.Tone{relying.Asked: ui.Warning, relying.Granted: ui.Success, relying.Refused: ui.Neutral, relying.Ended: ui.Neutral}

func watchLineOf(page *ui.Page, cat *qualification.Catalogue, w relying.Wanted) watchLine {
	return watchLine{Path: watchPath(w), Who: w.ClientName, What: qualificationName(page, cat, w.RegisterID), Purpose: w.Purpose,
		Until: page.R("watch.until.text", w.Until), Tag: page.R("watch.state." + string(w.State)), Tone: watchTones[w.State]}
}

func watchPath(w relying.Wanted) string {
	return watchesPath + "/" + url.PathEscape(w.RegisterID) + "/" + w.ID.String()
}

// findWatch reads the one that the address names, among the visitor's own.
func (p *portal) findWatch(r *http.Request, a application.Applicant) (*relying.Wanted, error) {
	wanted, err := p.Holder.List(r.Context(), a)
	if err != nil {
		return nil, err
	}
	for _, w := range wanted {
		if w.RegisterID == r.PathValue("register") && w.ID.String() == r.PathValue("watch") {
			return &w, nil
		}
	}
	return nil, p.Holder.Missed(r.Context(), a, r.PathValue("register"))
}

func (p *portal) watch(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	one, err := p.findWatch(r, a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "watch.title")
	page.Current, page.Back = "credentials", watchesPath
	page.Title = page.T("watch.title.of", one.ClientName)
	return page.Render(w, watchPageOf(page, fillWatch(page, p.Desk.Catalogue, *one)))
}

func fillWatch(page *ui.Page, cat *qualification.Catalogue, w relying.Wanted) watchView {
	return watchView{Who: w.ClientName, State: w.State, Action: watchPath(w), Lack: lack(page, cat, w.RegisterID, qualification.FunctionWatch), Facts: []ui.Row{
		{Label: page.R("watch.state"), Value: ui.Plain(page.R("watch.state." + string(w.State)))},
		{Label: page.R("watch.who"), Value: w.ClientName},
		{Label: page.R("watch.credential"), Value: ui.Plain(qualificationName(page, cat, w.RegisterID)) + page.T("aside", w.PublicID)},
		{Label: page.R("watch.purpose"), Value: w.Purpose},
		{Label: page.R("watch.until"), Value: page.Date(w.Until)},
		{Label: page.R("watch.asked"), Value: page.Time(w.AskedAt)},
	}}
}

// decideWatch takes the decision of the page.
func (p *portal) decideWatch(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	to := relying.WatchState(r.PostFormValue("then"))
	if to != relying.Granted && to != relying.Refused && to != relying.Ended {
		return fault.New(fault.Invalid, "", "deciding on a watch: no such decision")
	}
	id, err := uuid.Parse(r.PathValue("watch"))
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "deciding on a watch")
	}
	if err := p.Holder.Decide(r.Context(), a, r.PathValue("register"), id, to); err != nil {
		return err
	}
	if err := p.site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: p.words(r).R("watch.done." + string(to))}); err != nil {
		return err
	}
	return p.site.Redirect(w, r, watchesPath)
}

// waitingWatches counts those that wait for the holder's answer.
func (p *portal) waitingWatches(ctx context.Context, a application.Applicant) (n int, err error) {
	wanted, err := p.Holder.List(ctx, a)
	for _, w := range wanted {
		if w.State == relying.Asked {
			n++
		}
	}
	return n, err
}
