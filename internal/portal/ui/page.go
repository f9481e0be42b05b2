package ui

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
)

// Page is the frame of one answer: who reads it, in which language, and what stands around the content.
type Page struct {
	Site *Site
	Lang qualification.Lang
	Path string // path and query without language, for the language switch

	Title    string                  // also the <title>; plain text in the page's language
	Status   int                     // HTTP status; 0 means 200, or 422 when there are Problems
	Problems []qualification.Problem // shown as the error summary above the heading
	Notices  []Notice                // shown above the heading; Site.Page fills in flash messages
	Back     string                  // path of the back link, "" for none
	Crumbs   []Link                  // breadcrumb, first to last but one
	Current  string                  // id of the current navigation item
	Nav      []NavItem               // navigation for this reader, by what they may do; nil means the portal's
	User     string                  // name shown beside the log-out button; "" when nobody is logged in
	Office   string                  // console: the body for which the reader works
	Wide     bool                    // console: use the whole width
	Now      time.Time               // time of the clock that the rules use
	Scripts  []string                // script modules in static/ that this page has besides the portal's
	Camera   bool                    // the page reads codes with the camera: its own security policy
}

// Link is a path of this portal without language (or an absolute address) and its words.
type Link struct {
	Path string
	Text string
}

// T returns a wording of the catalogue as plain text.
func (p *Page) T(key string, args ...any) string { return p.Site.cfg.Catalogue.T(p.Lang, key, args...) }

// R returns a wording with its readings, for the string fields of components.
func (p *Page) R(key string, args ...any) string { return p.Site.cfg.Catalogue.R(p.Lang, key, args...) }

// Say writes a wording of the catalogue into a template, with readings.
func (p *Page) Say(key string, args ...any) templ.Component { return Words(p.R(key, args...)) }

// Text returns a wording of a definition with its readings, for components and Words.
func (p *Page) Text(t qualification.Text) string { return annotate(t.Marked(p.Lang)) }

// Said returns a sentence about a definition with its readings, for components and Words.
func (p *Page) Said(s qualification.Saying) string { return s.With(p.Lang, annotate) }

// Date writes a day, "" for the zero date.
func (p *Page) Date(d calendar.Date) string { return d.In(string(p.Lang)) }

// Day writes the day that a moment has in Japan.
func (p *Page) Day(t time.Time) string { return DateText(p.Lang, t) }

// Time writes a moment as day and time of day in Japan.
func (p *Page) Time(t time.Time) string { return TimeText(p.Lang, t) }

// Yen writes an amount of money.
func (p *Page) Yen(amount int64) string { return YenText(p.Lang, amount) }

// URL puts the page's language before a path of this portal; an absolute address stays as it is.
func (p *Page) URL(path string) string { return prefixed(p.Lang, path) }

// Asset returns the address of a static file, with the hash of its content.
func (p *Page) Asset(name string) string { return p.Site.assets.URL(name) }

// HTMLLang is the value of <html lang>. Plain Japanese is Japanese.
func (p *Page) HTMLLang() string { return htmlLang(p.Lang) }

// ProblemFor returns the message that belongs to an input, "" when there is none.
func (p *Page) ProblemFor(input string) string { return problemFor(p, p.Problems, input) }

// nav is the navigation that the page shows.
func (p *Page) nav() []NavItem {
	if p.Nav != nil {
		return p.Nav
	}
	return p.Site.cfg.Nav
}

// Render draws the layout around body and answers. Nothing is sent when drawing fails.
func (p *Page) Render(w http.ResponseWriter, body templ.Component) error {
	return p.render(w, Layout(p, body))
}

func (p *Page) render(w http.ResponseWriter, whole templ.Component) error {
	var buf bytes.Buffer
	if err := whole.Render(context.Background(), &buf); err != nil {
		return fmt.Errorf("drawing the page %q: %w", p.Title, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", htmlLang(p.Lang))
	if p.Camera {
		p.Site.allowCamera(w.Header())
	}
	w.WriteHeader(p.status())
	_, err := buf.WriteTo(w)
	if err != nil {
		return fmt.Errorf("sending the page %q: %w", p.Title, err)
	}
	return nil
}

func (p *Page) status() int {
	switch {
	case p.Status != 0:
		return p.Status
	case len(p.Problems) > 0:
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// heading is the <title>: an error first, then the page, then the portal.
func (p *Page) heading() string {
	title := p.Title + "｜" + p.T("site."+string(p.Site.cfg.Audience))
	if len(p.Problems) > 0 {
		return p.T("error.prefix") + title
	}
	return title
}
