package public

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/format/cose"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/verification"
)

// resultView is one answer. Code is the checked text, to be checked again on the next press and kept nowhere; of a file, which
// the browser would have to send again, the page carries what was found instead, sealed.
type resultView struct {
	Panel     ui.Result
	Next      string
	Code      string
	Sealed    string
	Languages []language
	Proven    bool // the facts are the issuer's, so comparing them with an identity document means something
	CanRecord bool // a check was made that is worth a record
}

// language is another language in which the same result can be had.
type language struct {
	Path string
	Text string
	Lang string // of Text
}

// patience is how long the register may take to answer before the result is "cannot tell".
const patience = 10 * time.Second

// verify checks a text, or shows in another language what was found of a file.
func (p *portal) verify(w http.ResponseWriter, r *http.Request) error {
	text, err := posted(r)
	if err != nil {
		return err
	}
	if sealed := r.PostForm.Get(inputResult); sealed != "" {
		result, err := p.unsealed(w, r, sealed)
		if err != nil || result == nil {
			return err
		}
		return p.draw(w, r, *result, resultView{Sealed: sealed})
	}
	return p.answer(w, r, text)
}

// answer checks a text and draws the result.
func (p *portal) answer(w http.ResponseWriter, r *http.Request, text string) error {
	result, err := p.check(w, r, text)
	if err != nil || result == nil {
		return err
	}
	return p.draw(w, r, *result, resultView{Code: text})
}

// draw draws a result; v has what the next press needs.
func (p *portal) draw(w http.ResponseWriter, r *http.Request, result verification.Result, v resultView) error {
	page := p.resultFrame(r, &result)
	view := fillResult(page, result, v)
	page.Title = page.T("verdict." + string(view.Panel.Verdict))
	return page.Render(w, resultPage(page, view))
}

// check checks a text. When there is nothing to check it has answered already, and the result is nil.
func (p *portal) check(w http.ResponseWriter, r *http.Request, text string) (*verification.Result, error) {
	if text == "" {
		return nil, p.refuse(w, r, inputText, "text.none", "")
	}
	result := p.look(r, text)
	if result.Verdict == verification.Unreadable {
		return nil, p.refuse(w, r, inputText, unreadableKey(result, "text.unreadable"), text)
	}
	return &result, nil
}

// unreadableKey words why there was no credential to check, where that is known.
func unreadableKey(r verification.Result, otherwise string) string {
	if r.Reason == "" {
		return otherwise
	}
	return "reason." + r.Reason
}

// look checks a text in time. A visitor who hangs up must not look like a register that does not answer; a register that
// does not, must.
func (p *portal) look(r *http.Request, text string) verification.Result {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	return p.Verifier.CheckText(ctx, text)
}

// resultFrame is the frame of a page that has no address of its own: the language switch leads to the start.
func (p *portal) resultFrame(r *http.Request, result *verification.Result) *ui.Page {
	page := p.site.Page(r, "result.title")
	page.Current, page.Path = "check", "/"
	if result.Verdict == verification.CannotTell {
		page.Status = http.StatusServiceUnavailable
	}
	return page
}

// verdictOf maps what was found to the panel's sign. Altered and unknown issuer share the sign that says not to rely on
// it, and differ in their words, checks and advice.
func verdictOf(v verification.Verdict) ui.Verdict {
	switch v {
	case verification.Valid:
		return ui.VerdictValid
	case verification.Suspended:
		return ui.VerdictSuspended
	case verification.Revoked:
		return ui.VerdictRevoked
	case verification.Replaced:
		return ui.VerdictReplaced
	case verification.Expired:
		return ui.VerdictExpired
	case verification.Tampered, verification.UnknownIssuer:
		return ui.VerdictUntrusted
	case verification.RunOut:
		return ui.VerdictRunOut
	}
	return ui.VerdictUnknown
}

func fillResult(page *ui.Page, r verification.Result, v resultView) resultView {
	v.Panel, v.Next, v.Proven, v.CanRecord = panelOf(page, r), nextOf(page, r), r.Proven(), r.Verdict.Sure()
	for _, l := range qualification.Langs {
		if l != page.Lang {
			other := &ui.Page{Site: page.Site, Lang: l}
			v.Languages = append(v.Languages, language{Path: other.URL("/w/verify"), Text: languageName(l), Lang: other.HTMLLang()})
		}
	}
	return v
}

// nextOf is what whoever checks does next.
func nextOf(page *ui.Page, r verification.Result) string {
	if !r.SuspendedUntil.IsZero() {
		return page.R("next.suspended_until", r.SuspendedUntil)
	}
	return page.R("next." + string(r.Verdict))
}

func languageName(l qualification.Lang) string {
	switch l {
	case qualification.EN:
		return "English"
	case qualification.Easy:
		return "やさしい日本語"
	}
	return "日本語"
}

func panelOf(page *ui.Page, r verification.Result) ui.Result {
	panel := ui.Result{Verdict: verdictOf(r.Verdict), At: r.CheckedAt, Checks: checksOf(page, r), Facts: factsOf(page, r.Facts)}
	switch {
	case r.Verdict == verification.Tampered, r.Verdict == verification.UnknownIssuer:
		panel.Detail = page.R("result.detail_" + string(r.Verdict))
		if r.Reason != "" {
			panel.Detail = page.R("reason." + r.Reason)
		}
	case r.Reason != "":
		panel.Detail = page.R("reason." + r.Reason)
	case r.Conditional():
		panel.Verdict, panel.Detail = ui.VerdictConditional, page.R("result.condition_nameless")
	}
	if !r.LegalOriginal.IsZero() {
		panel.Facts = append(panel.Facts, ui.Row{Label: page.R("fact.original"), Value: page.R("result.legal_original", r.LegalOriginal)})
	}
	return panel
}

// checksOf words the three checks, each with what was found and when.
func checksOf(page *ui.Page, r verification.Result) []ui.ResultCheck {
	at := page.R("say.at", r.CheckedAt.In(clock.JST).Format(time.TimeOnly))
	line := func(key string, o verification.Outcome, yes, no string) ui.ResultCheck {
		c := ui.ResultCheck{Text: page.R(key), OK: o == verification.Yes, Open: o == verification.Unknown}
		switch o {
		case verification.Yes:
			c.Say = page.R("say.found", yes, at)
		case verification.No:
			c.Say = page.R("say.found", no, at)
		}
		return c
	}
	status := statusOf(page, r)
	return []ui.ResultCheck{
		line("check.untampered", r.Untampered, page.R("say.untampered_yes"), page.R("say.untampered_no")),
		line("check.issuer", r.Issuer, page.R("say.issuer_yes", r.IssuerName), page.R("say.issuer_no")),
		line("check.status", r.Status, status, status),
	}
}

// statusOf words the register's status and since when it is so.
func statusOf(page *ui.Page, r verification.Result) string {
	switch r.Verdict {
	case verification.Valid:
		return page.R("say.status_valid")
	case verification.Suspended, verification.Revoked, verification.Replaced, verification.Expired:
		words := page.R("say.status_" + string(r.Verdict))
		if r.StatusAt != nil && !r.SuspendedUntil.IsZero() { // only the register's own suspension has a last day
			return page.R("say.since_until", page.R("say.status_suspended_until"), *r.StatusAt, r.SuspendedUntil)
		}
		if r.StatusAt != nil {
			words = page.R("say.since", words, *r.StatusAt)
		}
		return words
	}
	return ""
}

// shown are the facts in the order of a licence.
func shown() []string {
	return []string{cose.HolderName, cose.QualificationName, cose.RegistrationNumber, cose.RegistrationDate, cose.IssuingBody,
		cose.IssuerName, cose.CertificateID}
}

func factsOf(page *ui.Page, facts map[string]string) []ui.Row {
	var rows []ui.Row
	for _, key := range shown() {
		value := facts[key]
		if day, err := calendar.ParseISO(value); key == cose.RegistrationDate && err == nil {
			value = page.Date(day)
		}
		if key == cose.IssuerName && value == facts[cose.IssuingBody] {
			continue
		}
		if value != "" {
			rows = append(rows, ui.Row{Label: page.R("fact." + key), Value: value, Name: key == cose.HolderName})
		}
	}
	return rows
}

// receiptView is a check written down for the files of an employer.
type receiptView struct {
	Result []ui.Row
	Checks []ui.Row
	Facts  []ui.Row
	Blank  []ui.Row // to be filled in by hand
}

// receipt draws a result as a sheet of paper: a text is checked once more, of a file it is what was found.
func (p *portal) receipt(w http.ResponseWriter, r *http.Request) error {
	text, err := posted(r)
	if err != nil {
		return err
	}
	var result *verification.Result
	if sealed := r.PostForm.Get(inputResult); sealed != "" {
		result, err = p.unsealed(w, r, sealed)
	} else {
		result, err = p.check(w, r, text)
	}
	if err != nil || result == nil {
		return err
	}
	page := p.resultFrame(r, result)
	page.Title = page.T("receipt.title")
	return page.Render(w, receiptPage(page, fillReceipt(page, *result, p.Origin)))
}

func fillReceipt(page *ui.Page, r verification.Result, origin string) receiptView {
	panel := panelOf(page, r)
	words := page.R("verdict." + string(panel.Verdict))
	if panel.Detail != "" {
		words += "\n" + panel.Detail
	}
	v := receiptView{Facts: panel.Facts, Result: []ui.Row{
		{Label: page.R("receipt.result"), Body: strong(words)},
		{Label: page.R("receipt.at"), Value: page.Time(r.CheckedAt)},
		{Label: page.R("receipt.where"), Value: origin},
	}}
	for _, c := range panel.Checks {
		words := page.R(outcomeKey(c))
		if c.Say != "" {
			words += page.R("aside", c.Say)
		}
		v.Checks = append(v.Checks, ui.Row{Label: c.Text, Value: words})
	}
	for _, key := range []string{"receipt.checker", "receipt.document"} {
		v.Blank = append(v.Blank, ui.Row{Label: page.R(key), Body: templ.Raw("&emsp;")})
	}
	return v
}

func outcomeKey(c ui.ResultCheck) string {
	switch {
	case c.Open:
		return "check.open"
	case c.OK:
		return "check.ok"
	}
	return "check.failed"
}
