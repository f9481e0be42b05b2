package demo

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/govsim/world"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/server"
)

//go:embed text
var text embed.FS

//go:embed start.css
var style []byte

// front is the start page: whom one can be, what comes next, the clock, the switches.
type front struct {
	demo  *Demo
	site  *ui.Site
	words *ui.Catalogue
}

// frontPage makes the start page and binds its address.
func (d *Demo) frontPage(context.Context) error {
	words, err := ui.NewCatalogue(text)
	if err != nil {
		return err
	}
	at := d.places.start()
	site, err := ui.NewSite(ui.Config{Audience: ui.Start, Origin: "http://" + at, Catalogue: words, Clock: d.Clock, Log: d.cfg.Log, Demo: true,
		FormAction: d.origins()})
	if err != nil {
		return err
	}
	f := &front{demo: d, site: site, words: words}
	d.front, err = server.Listen(server.Config{Name: "start", Addr: at, Handler: site.Wrap(f.routes()), Logger: d.cfg.Log, Metrics: d.cfg.Metrics})
	return err
}

// origins are the portals to which the start page's forms lead, and the logins to which those lead on.
func (d *Demo) origins() []string {
	sim := d.places.simulators()
	var all []string
	for _, at := range []string{d.places.citizen(), d.places.office(), d.places.public(), sim.Login, sim.Staff} {
		all = append(all, "http://"+at)
	}
	return all
}

func (f *front) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", f.site.Handler(f.show))
	mux.Handle("POST /be", f.site.Handler(f.be))
	mux.Handle("POST /clock", f.site.Handler(f.moveClock))
	mux.Handle("POST /faults", f.site.Handler(f.setFault))
	mux.HandleFunc("POST "+hooksPath, f.demo.hospital.take)
	mux.HandleFunc("GET /start.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style) // a visitor who hangs up is not our error
	})
	f.site.RegisterStandard(mux)
	mux.Handle("/", f.site.NotFound())
	return mux
}

// show draws the start page as the story stands now.
func (f *front) show(w http.ResponseWriter, r *http.Request) error {
	view, err := f.read(r.Context())
	if err != nil {
		return err
	}
	return f.draw(w, r, view)
}

// draw answers with the start page and its problems.
func (f *front) draw(w http.ResponseWriter, r *http.Request, view func(*ui.Page) startView, problems ...qualification.Problem) error {
	p := f.site.Page(r, "demo.title")
	p.Wide, p.Problems = true, problems
	return p.Render(w, startPage(p, view(p)))
}

// be makes the visitor somebody: a citizen's card goes on the reader, then the browser goes to the right portal.
func (f *front) be(w http.ResponseWriter, r *http.Request) error {
	progress, err := readProgress(r.Context(), f.demo.worker, world.People()[0])
	if err != nil {
		return err
	}
	to, err := f.demo.become(r.PostFormValue("who"), progress, ui.LangOf(r))
	if err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// become returns where somebody begins. who is a role of the story or the id of a card. Whose turn it is begins at the
// page of the next step.
func (d *Demo) become(who string, p Progress, lang qualification.Lang) (string, error) {
	next := p.next()
	from := func(role Role, at, path string) string {
		if next.Role == role {
			path = next.Path
		}
		return address(at, lang, "/login", path)
	}
	switch Role(who) {
	case Nurse:
		return from(Nurse, d.places.citizen(), "/"), d.World.Citizens.PutOnReader(world.People()[0].ID)
	case Reviewer:
		return from(Reviewer, d.places.office(), "/"), nil
	case Approver:
		return from(Approver, d.places.office(), "/"), nil
	case Employer:
		return address(d.places.public(), lang, "/", ""), nil
	}
	if err := d.World.Citizens.PutOnReader(who); err != nil || who == "" {
		return "", fault.New(fault.Invalid, "", "becoming somebody who has no card")
	}
	return address(d.places.citizen(), lang, "/login", "/"), nil
}

// address is a page of a portal in a language; to is where a login leads.
func address(at string, lang qualification.Lang, path, to string) string {
	prefix := ""
	if lang != qualification.JA {
		prefix = "/" + string(lang)
	}
	if to != "" && to != "/" {
		path += "?" + url.Values{"to": {to}}.Encode()
	}
	return "http://" + at + prefix + path
}

// moveClock moves the clock on by days, or to nine o'clock of a day.
func (f *front) moveClock(w http.ResponseWriter, r *http.Request) error {
	at, err := f.wanted(r)
	if err == nil {
		err = f.demo.MoveTo(r.Context(), at)
	}
	if err != nil {
		return f.again(w, r, err)
	}
	return f.site.Redirect(w, r, "/")
}

func (f *front) wanted(r *http.Request) (time.Time, error) {
	now := f.demo.Clock.Now()
	if days := r.PostFormValue("days"); days != "" {
		n, err := strconv.Atoi(days)
		if err != nil {
			return time.Time{}, fault.Wrap(fault.Invalid, err, "reading by how many days to move the clock on")
		}
		return now.AddDate(0, 0, n), nil
	}
	day, err := calendar.ParseISO(r.PostFormValue("day"))
	if err != nil {
		return time.Time{}, &fault.Error{Kind: fault.Invalid, Key: "demo.clock_day", Doing: "reading to which day to move the clock on", Err: err}
	}
	return time.Date(day.Year, day.Month, day.Day, 9, 0, 0, 0, clock.JST), nil
}

// again draws the page with what was wrong with the clock; other errors are the kit's.
func (f *front) again(w http.ResponseWriter, r *http.Request, err error) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Key == "" {
		return err
	}
	view, readErr := f.read(r.Context())
	if readErr != nil {
		return readErr
	}
	return f.draw(w, r, view, qualification.Problem{Input: "day", Message: f.worded(e.Key)})
}

func (f *front) setFault(w http.ResponseWriter, r *http.Request) error {
	if err := f.demo.SetFault(r.PostFormValue("system"), r.PostFormValue("off") == "yes"); err != nil {
		return err
	}
	return f.site.Redirect(w, r, "/#faults")
}
