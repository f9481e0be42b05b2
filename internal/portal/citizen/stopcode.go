package citizen

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"akashi/internal/application"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/server"
)

const (
	// byCodePath is where somebody who cannot log in stops all own credentials.
	byCodePath = "/stop"
	// stopCodePath is where a holder makes the code for that.
	stopCodePath = "/stop-code"

	// inputStopCode is the code as it is typed.
	inputStopCode = "code"

	// keyStopCode is where the session keeps the newest code, for as long as it is shown.
	keyStopCode = "stopcode" // JSON of shownCode
)

// maxTypedCode bounds a typed code, in bytes: a longer text is none.
const maxTypedCode = 200

// shownCode is a code that was just made.
type shownCode struct {
	Code   string    `json:"code"`
	MadeAt time.Time `json:"made_at"`
}

// stopCodeRoutes adds the pages of stop codes: one for the holder who makes one, one for whoever has lost card or telephone.
func (p *portal) stopCodeRoutes(mux *server.Mux, known func(pattern string, f own)) {
	mux.Handle("GET "+byCodePath, p.site.Handler(p.byCodePage))
	mux.Handle("POST "+byCodePath, p.site.Limit(p.site.LoginLimiter(), p.site.Handler(p.stopByCode)))
	known("GET "+stopCodePath, p.stopCodePage)
	known("POST "+stopCodePath, p.makeStopCode)
}

func (p *portal) byCodePage(w http.ResponseWriter, r *http.Request) error {
	return p.drawByCode(w, r, "", "")
}

// drawByCode draws the page with what was typed and what is wrong with it, a key of the wordings.
func (p *portal) drawByCode(w http.ResponseWriter, r *http.Request, typed, wrong string) error {
	page := p.site.Page(r, "bycode.title")
	if wrong != "" {
		said := page.R(wrong)
		page.Problems = []qualification.Problem{{Input: inputStopCode, Field: inputStopCode, Message: qualification.Text{JA: said, EN: said, Easy: said}}}
	}
	return page.Render(w, byCodePage(page, ui.Control{Name: inputStopCode, Label: page.R("bycode.label"), Hint: page.R("bycode.hint"), NoNeed: true, Value: typed,
		Autocomplete: "off", Problem: page.ProblemFor(inputStopCode)}))
}

// stopByCode stops at once and without a second question: whoever types twenty characters means it, and it can be lifted.
func (p *portal) stopByCode(w http.ResponseWriter, r *http.Request) error {
	typed := strings.TrimSpace(r.PostFormValue(inputStopCode))
	switch {
	case typed == "":
		return p.drawByCode(w, r, "", "bycode.none")
	case len(typed) > maxTypedCode:
		return p.drawByCode(w, r, "", string(credential.UnknownStopCode))
	}
	stopped, err := p.Wallet.StopByCode(r.Context(), typed)
	if errors.Is(err, credential.UnknownStopCode) {
		return p.drawByCode(w, r, typed, string(credential.UnknownStopCode))
	}
	if err != nil {
		return err
	}
	words := p.words(r)
	notice := ui.Notice{Tone: ui.Success, Title: words.R("bycode.done", stopped), Body: words.R("bycode.done.text")}
	if stopped == 0 {
		notice = ui.Notice{Tone: ui.Warning, Title: words.R("bycode.nothing"), Body: words.R("bycode.nothing.text")}
	}
	if err := p.site.Sessions.Flash(r.Context(), notice); err != nil {
		return err
	}
	return p.site.Redirect(w, r, byCodePath)
}

// stopCodeView is the page on which a holder makes a stop code.
type stopCodeView struct {
	Code    string // "" when it is not to be shown any more
	Address string // where it is typed
	Says    string // what there is
	Made    bool   // there is one, which a new one ends
}

func (p *portal) stopCodePage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	c, err := p.Wallet.StopCode(r.Context(), a)
	if err != nil {
		return err
	}
	shown, err := p.shownCode(r, c)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "stopcode.title")
	page.Current, page.Back = "credentials", "/credentials"
	v := stopCodeView{Code: shown, Address: p.Origin + page.URL(byCodePath), Says: page.R("stopcode.none")}
	switch {
	case c != nil && c.UsedAt != nil:
		v.Says = page.R("stopcode.used", page.Time(*c.UsedAt))
	case c != nil:
		v.Made, v.Says = true, page.R("stopcode.made", page.Time(c.MadeAt))
	}
	return page.Render(w, stopCodePage(page, v))
}

// shownCode is the code that this session has made, for as long as a login is fresh and no other took its place.
func (p *portal) shownCode(r *http.Request, c *credential.StopCode) (string, error) {
	var made shownCode
	kept, err := p.take(r.Context(), keyStopCode, &made)
	if err != nil || !kept || c == nil || c.UsedAt != nil || !c.MadeAt.Equal(made.MadeAt) || p.now().Sub(made.MadeAt) > credential.FreshLogin {
		return "", err
	}
	return made.Code, p.keep(r.Context(), keyStopCode, made)
}

func (p *portal) makeStopCode(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	known, err := p.holder(r.Context())
	if err != nil {
		return err
	}
	code, err := p.Wallet.MakeStopCode(r.Context(), a, known.At)
	if errors.Is(err, fault.StepUp) {
		return p.site.Redirect(w, r, againPath+"?to="+stopCodePath)
	}
	if err != nil {
		return err
	}
	c, err := p.Wallet.StopCode(r.Context(), a)
	if err != nil {
		return err
	}
	if err := p.keep(r.Context(), keyStopCode, shownCode{Code: code, MadeAt: c.MadeAt}); err != nil {
		return err
	}
	return p.site.Redirect(w, r, stopCodePath)
}
