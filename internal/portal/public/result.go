package public

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/verification"
)

// resultView is one answer. Code is the checked text, to be checked again on the next press and kept nowhere.
type resultView struct {
	Panel     ui.Result
	Next      string
	Code      string
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

func (p *portal) verify(w http.ResponseWriter, r *http.Request) error {
	text, err := posted(r)
	if err != nil {
		return err
	}
	return p.answer(w, r, text)
}

func (p *portal) verifyFile(w http.ResponseWriter, r *http.Request) error {
	file, err := picture(r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return p.refuse(w, r, inputFile, "qr.file_too_large", "")
	case err != nil:
		return err
	case len(file) == 0:
		return p.refuse(w, r, inputFile, "file.none", "")
	}
	text, err := p.decode(r, file)
	var why *fault.Error
	if errors.As(err, &why) && why.Key != "" {
		return p.refuse(w, r, inputFile, why.Key, "")
	}
	if err != nil {
		return err
	}
	return p.answer(w, r, text)
}

// answer checks a text and draws the result.
func (p *portal) answer(w http.ResponseWriter, r *http.Request, text string) error {
	result, err := p.check(w, r, text)
	if err != nil || result == nil {
		return err
	}
	page := p.resultFrame(r, result)
	page.Title = page.T("verdict." + string(verdictOf(result.Verdict)))
	return page.Render(w, resultPage(page, fillResult(page, *result, text)))
}

// check checks a text. When there is nothing to check it has answered already, and the result is nil.
func (p *portal) check(w http.ResponseWriter, r *http.Request, text string) (*verification.Result, error) {
	if text == "" {
		return nil, p.refuse(w, r, inputText, "text.none", "")
	}
	// A visitor who hangs up must not look like a register that does not answer; a register that does not, must.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	result := p.Verifier.CheckText(ctx, text)
	if result.Verdict == verification.Unreadable {
		return nil, p.refuse(w, r, inputText, "text.unreadable", text)
	}
	return &result, nil
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
	case verification.Tampered, verification.UnknownIssuer:
		return ui.VerdictUntrusted
	}
	return ui.VerdictUnknown
}

func fillResult(page *ui.Page, r verification.Result, text string) resultView {
	v := resultView{Panel: panelOf(page, r), Next: page.R("next." + string(r.Verdict)), Code: text, Proven: r.Untampered == verification.Yes,
		CanRecord: r.Verdict.Sure()}
	for _, l := range qualification.Langs {
		if l != page.Lang {
			other := &ui.Page{Site: page.Site, Lang: l}
			v.Languages = append(v.Languages, language{Path: other.URL("/w/verify"), Text: languageName(l), Lang: other.HTMLLang()})
		}
	}
	return v
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
	if r.Verdict == verification.Tampered || r.Verdict == verification.UnknownIssuer {
		panel.Detail = page.R("result.detail_" + string(r.Verdict))
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
	case verification.Suspended, verification.Revoked, verification.Replaced:
		words := page.R("say.status_" + string(r.Verdict))
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

// receipt checks once more and draws the result as a sheet of paper.
func (p *portal) receipt(w http.ResponseWriter, r *http.Request) error {
	text, err := posted(r)
	if err != nil {
		return err
	}
	result, err := p.check(w, r, text)
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
			words += "（" + c.Say + "）"
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
