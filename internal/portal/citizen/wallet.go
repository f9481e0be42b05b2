package citizen

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
)

// heldLine is one credential in a list.
type heldLine struct {
	Path, Title, Body, Number, Since string
	Tag                              string
	Tone                             ui.Tone
}

// credentialView is one credential as its holder shows it.
type credentialView struct {
	Title, Holder string
	Number, Since string
	Tag           string
	Tone          ui.Tone
	Advice        string // what the status means for the holder, "" when it is in force
	Making        bool   // it is being signed
	QR            string // SVG, "" while there is nothing to show
	URL           string
	WalletPath    string      // where it goes into a wallet from, "" when it does not
	PDF           string      // address of the page for its PDF
	MakesPDF      bool        // the register makes PDFs today
	Lacks         []ui.Notice // functions that the register does not use
	Facts         []ui.Row
	Version       int
	Changed       string // since when the status holds
	Path          string
	MayStop       bool
	MayRenew      bool
	Held          bool // the holder has stopped it
}

func credentialPath(h *credential.Held) string {
	return credentialAddress(h.Entry.RegisterID, h.Entry.ID)
}

func credentialAddress(register string, entry uuid.UUID) string {
	return "/credentials/" + url.PathEscape(register) + "/" + entry.String()
}

// status is the word and tone under which a holder sees an entry: the register's word first, then the credential's.
func status(h credential.Held, today calendar.Date) (key string, tone ui.Tone) {
	switch {
	case h.Entry.State == registry.Suspended:
		return "suspended", ui.Danger
	case h.Entry.State == registry.Revoked:
		return "revoked", ui.Danger
	case h.Entry.State == registry.Cancelled:
		return "cancelled", ui.Neutral
	case h.Entry.Expired(today):
		return "expired", ui.Neutral
	case h.Credential == nil:
		return "none", ui.Neutral
	case h.Credential.State == credential.Valid:
		return "valid", ui.Success
	case h.Credential.State == credential.Suspended:
		return "suspended", ui.Danger
	case h.Credential.State == credential.OnHold:
		return "held", ui.Warning
	case h.Credential.State == credential.Intended:
		return "making", ui.Info
	}
	return "revoked", ui.Danger
}

func heldLineOf(page *ui.Page, cat *qualification.Catalogue, h credential.Held) heldLine {
	key, tone := status(h, calendar.Of(page.Now))
	return heldLine{Path: credentialPath(&h), Title: qualificationName(page, cat, h.Entry.RegisterID), Body: registrarName(page, cat, h.Entry.RegistrarID),
		Number: page.R("credential.number", h.Entry.Number), Since: page.R("credential.since", h.Entry.RegisteredOn),
		Tag: tagOf(page, h, key), Tone: tone}
}

// term is the last day of a suspension by the register that has one, zero otherwise.
func term(h credential.Held) calendar.Date {
	if h.Entry.State != registry.Suspended {
		return calendar.Date{}
	}
	return h.Entry.SuspendedUntil
}

// tagOf is the word for where a credential stands, with the last day of a suspension that has one.
func tagOf(page *ui.Page, h credential.Held, key string) string {
	if until := term(h); key == "suspended" && !until.IsZero() {
		return page.R("credential.state.suspended_until", until)
	}
	return page.R("credential.state." + key)
}

// qualificationName is the name of a register's qualification.
func qualificationName(page *ui.Page, cat *qualification.Catalogue, register string) string {
	if g, ok := cat.Register(register); ok {
		if def, ok := cat.Definition(g.Qualification); ok {
			return page.Text(def.Name)
		}
	}
	return register
}

func (p *portal) credentials(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	held, err := p.Wallet.List(r.Context(), a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "credentials.title")
	page.Current = "credentials"
	var lines []heldLine
	for _, h := range held {
		lines = append(lines, heldLineOf(page, p.Desk.Catalogue, h))
	}
	return page.Render(w, credentialsPage(page, lines))
}

func (p *portal) credential(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	entry, err := uuid.Parse(r.PathValue("entry"))
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "showing a credential")
	}
	h, err := p.Wallet.Show(r.Context(), a, r.PathValue("register"), entry)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "credential.title")
	page.Title = ui.Plain(page.R("credential.title.of", qualificationName(page, p.Desk.Catalogue, h.Entry.RegisterID)))
	page.Current, page.Back = "credentials", "/credentials"
	view, err := fillCredential(page, p.Desk.Catalogue, *h, p.VerifyURL)
	if err != nil {
		return err
	}
	if p.Offers != nil && p.Desk.Catalogue.Uses(h.Entry.RegisterID, qualification.FunctionWallet, calendar.Of(page.Now)) {
		view.WalletPath = walletPath(h.Entry.RegisterID, h.Entry.ID)
	}
	return page.Render(w, credentialPage(page, view))
}

func fillCredential(page *ui.Page, cat *qualification.Catalogue, h credential.Held, base string) (credentialView, error) {
	key, tone := status(h, calendar.Of(page.Now))
	v := credentialView{Title: qualificationName(page, cat, h.Entry.RegisterID), Tag: tagOf(page, h, key), Tone: tone, Making: key == "making"}
	v.Number, v.Since = page.R("credential.number", h.Entry.Number), page.R("credential.since", h.Entry.RegisteredOn)
	if key != "valid" && key != "making" {
		v.Advice = page.R("credential.advice." + key)
	}
	if until := term(h); key == "suspended" && !until.IsZero() {
		v.Advice = page.R("credential.advice.suspended_until", until)
	}
	v.Facts = []ui.Row{
		{Label: page.R("credential.fact.number"), Value: h.Entry.Number},
		{Label: page.R("credential.fact.since"), Value: page.Date(h.Entry.RegisteredOn)},
		{Label: page.R("credential.fact.body"), Value: registrarName(page, cat, h.Entry.RegistrarID)},
	}
	terms := termRow(page, h)
	terms = append(terms, originalRow(page, cat, h)...)
	v.Facts = append(v.Facts, terms...)
	v.Path, v.Held = credentialPath(&h), h.HeldAt != nil
	v.MayStop = h.Entry.State.Living() && stoppable(&h)
	v.MayRenew = v.MayStop && renewable(&h)
	if h.Credential == nil || h.Credential.Signature == nil {
		return v, nil
	}
	facts, err := h.Credential.Facts()
	if err != nil {
		return v, err
	}
	v.Facts, v.Holder, v.Version = append(credentialRows(page, facts), terms...), facts[cose.HolderName], h.Credential.Version
	v.Changed = page.Time(h.Credential.StatusAt)
	if key != "valid" {
		return v, nil // nobody should present what is not in force
	}
	v.PDF = credentialPath(&h) + "/pdf"
	v.MakesPDF = cat.Uses(h.Entry.RegisterID, qualification.FunctionPDF, calendar.Of(page.Now))
	v.Lacks = lacks(page, cat, h.Entry.RegisterID, qualification.Functions...)
	if v.URL, err = h.Credential.URL(base); err != nil {
		return v, err
	}
	v.QR, err = qr.SVG(v.URL, qr.Options{Level: qr.Medium, ID: "credential-qr", Title: page.T("credential.qr", v.Title), Description: page.T("credential.qr.text")})
	return v, err
}

// termRow is the last day of an entry with a term.
func termRow(page *ui.Page, h credential.Held) []ui.Row {
	if h.Entry.ValidUntil.IsZero() {
		return nil
	}
	return []ui.Row{{Label: page.R("credential.fact.until"), Value: page.Date(h.Entry.ValidUntil)}}
}

// credentialRows words what the credential says, in the order of its profile; codes that say nothing to people are left
// to the machine.
func credentialRows(page *ui.Page, facts map[string]string) []ui.Row {
	var rows []ui.Row
	for _, label := range cose.Labels() {
		switch label {
		case cose.QualificationID, cose.KindCode, cose.HolderCode:
			continue
		}
		row := ui.Row{Label: page.R("credential.label." + label), Value: facts[label], Name: label == cose.HolderName}
		if d, err := calendar.ParseISO(facts[label]); err == nil {
			row.Value = page.Date(d)
		} else if page.HTMLLang() != "ja" && strings.ContainsFunc(row.Value, isJapanese) {
			row.Body = inJapanese(row.Value)
		}
		rows = append(rows, row)
	}
	return rows
}

// isJapanese tells kanji and kana, which a screen reader of another language has to be told of.
func isJapanese(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }
