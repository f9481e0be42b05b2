package citizen

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// inputShow is the name of the inputs by which a holder chooses what a code shows: two-letter labels, never values.
const inputShow = "show"

// screenTurns is how often a page with a code on the screen renews itself: a telephone that is left on a table stops showing, and
// stops keeping its session alive, after ten minutes.
const screenTurns = 10

// choosable are the fields that a holder can leave out. The qualification and the number of the credential always stay, or nobody
// could check it; the codes that say nothing to people are never shown.
func choosable() []string {
	return []string{cose.HolderName, cose.HolderBirthDate, cose.RegistrationNumber, cose.RegistrationDate, cose.IssueDate,
		cose.IssuingBody, cose.IssuerName}
}

// usual are the fields of a code for which nothing was chosen: what an employer compares with an identity document.
func usual() []string {
	return []string{cose.HolderName, cose.RegistrationNumber, cose.RegistrationDate, cose.IssuingBody, cose.IssuerName}
}

// chosen reads the labels of a query or form; one that cannot be chosen is not taken.
func chosen(values url.Values) []string {
	if !values.Has(inputShow) {
		return usual()
	}
	fields := []string{}
	for _, label := range choosable() {
		if slices.Contains(values[inputShow], label) {
			fields = append(fields, label)
		}
	}
	return fields
}

// own finds the entry of an address among the person's own, with its credential.
func (p *portal) own(r *http.Request, a application.Applicant) (*credential.Held, error) {
	entry, err := uuid.Parse(r.PathValue("entry"))
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "finding a credential")
	}
	return p.Wallet.Find(r.Context(), a, r.PathValue("register"), entry)
}

// inForce is own for what only a credential in force allows; any other leads back to its page, which says how it stands.
func (p *portal) inForce(w http.ResponseWriter, r *http.Request, a application.Applicant) (*credential.Held, error) {
	h, err := p.own(r, a)
	if err != nil {
		return nil, err
	}
	if key, _ := status(*h, calendar.Of(p.now())); key != "valid" {
		return nil, p.site.Redirect(w, r, credentialPath(h))
	}
	return h, nil
}

// frame is the frame of a page about one credential.
func (p *portal) frame(r *http.Request, h *credential.Held, key string) *ui.Page {
	page := p.site.Page(r, key)
	page.Title = ui.Plain(page.R(key+".of", qualificationName(page, p.Desk.Catalogue, h.Entry.RegisterID)))
	page.Current, page.Back = "credentials", credentialPath(h)
	return page
}

// screenView is a code on the screen.
type screenView struct {
	Title  string
	Holder string // "" when the holder leaves the name out
	QR     string // "" once the page has stopped
	Until  string // time of day
	Again  string // path
	Choose string // path
	Shown  []string
}

// screen shows a code that runs out within two minutes and is made anew each minute, so that a picture of it is soon worth
// nothing. It works without scripts: the answer itself tells the browser to load the next one.
func (p *portal) screen(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.inForce(w, r, a)
	if h == nil || err != nil {
		return err
	}
	query := r.URL.Query()
	fields := chosen(query)
	page := p.frame(r, h, "screen.title")
	page.Scripts = []string{"awake.js"}
	path := credentialPath(h)
	view := screenView{Title: qualificationName(page, p.Desk.Catalogue, h.Entry.RegisterID), Again: path + "/screen?" + showing(fields, 0), Choose: path + "/choose?" + showing(fields, 0)}
	turn, err := strconv.Atoi(query.Get("turn"))
	if err != nil || turn < 0 {
		turn = 0
	}
	if turn >= screenTurns {
		return page.Render(w, screenPage(page, view))
	}
	code, err := p.Wallet.Screen(r.Context(), a, h.Entry.RegisterID, h.Entry.ID, fields, p.VerifyURL)
	if err != nil {
		return err
	}
	w.Header().Set("Refresh", strconv.Itoa(int(credential.ScreenRefresh.Seconds()))+"; url="+page.URL(path+"/screen?"+showing(fields, turn+1)))
	if err := fillScreen(page, &view, h, code, fields); err != nil {
		return err
	}
	return page.Render(w, screenPage(page, view))
}

func showing(fields []string, turn int) string {
	v := url.Values{inputShow: fields}
	if len(fields) == 0 {
		v[inputShow] = []string{"none"}
	}
	if turn > 0 {
		v.Set("turn", strconv.Itoa(turn))
	}
	return v.Encode()
}

func fillScreen(page *ui.Page, v *screenView, h *credential.Held, code *credential.Code, fields []string) (err error) {
	facts, err := h.Credential.Facts()
	if err != nil {
		return err
	}
	if slices.Contains(fields, cose.HolderName) {
		v.Holder = facts[cose.HolderName]
	}
	v.Until, v.Shown = clockTime(code.ExpiresAt), labels(page, code.Copy.Fields)
	v.QR, err = qr.SVG(code.Text, qr.Options{Level: qr.Low, ID: "screen-qr", Title: page.T("credential.qr", v.Title), Description: page.T("credential.qr.text")})
	return err
}

// chosenControl is the choice as the component takes it.
func chosenControl(v fieldsView) ui.Control {
	c := v.Fields
	c.Value = strings.Join(v.Chosen, ",")
	return c
}

// labels words the fields that a copy shows, in their order.
func labels(page *ui.Page, fields []string) (words []string) {
	for _, label := range cose.Labels() {
		if slices.Contains(fields, label) && (slices.Contains(choosable(), label) || label == cose.QualificationName || label == cose.CertificateID) {
			words = append(words, page.R("credential.label."+label))
		}
	}
	return words
}

// fieldsView is what can be shown.
type fieldsView struct {
	Path   string
	Fields ui.Control
	Facts  []ui.Row // that always stay
	Chosen []string
	Lack   *ui.Notice // that the register makes no codes to hand out today
}

func (p *portal) choose(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.inForce(w, r, a)
	if h == nil || err != nil {
		return err
	}
	facts, err := h.Credential.Facts()
	if err != nil {
		return err
	}
	page := p.frame(r, h, "fields.title")
	view := fieldsView{Path: credentialPath(h), Chosen: chosen(r.URL.Query()), Fields: ui.Control{Name: inputShow, Label: page.R("fields.fields"), NoNeed: true}}
	view.Lack = lack(page, p.Desk.Catalogue, h.Entry.RegisterID, qualification.FunctionCode)
	for _, row := range credentialRows(page, facts) {
		if row.Value == "" {
			continue
		}
		if !slices.ContainsFunc(choosable(), func(l string) bool { return row.Label == page.R("credential.label."+l) }) {
			view.Facts = append(view.Facts, row)
		}
	}
	for _, label := range choosable() {
		if facts[label] != "" {
			view.Fields.Choices = append(view.Fields.Choices, ui.Choice{Value: label, Label: page.R("credential.label." + label), Hint: factWords(page, facts[label])})
		}
	}
	return page.Render(w, fieldsPage(page, view))
}

// factWords writes a fact as people read it.
func factWords(page *ui.Page, value string) string {
	if d, err := calendar.ParseISO(value); err == nil {
		return page.Date(d)
	}
	return value
}

// makeCode has a code made that lasts as long as the credential, with the chosen fields.
func (p *portal) makeCode(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.inForce(w, r, a)
	if h == nil || err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading what a code shows")
	}
	code, err := p.Wallet.Compact(r.Context(), a, h.Entry.RegisterID, h.Entry.ID, chosen(r.PostForm), p.VerifyURL)
	if err != nil {
		return err
	}
	return p.site.Redirect(w, r, credentialPath(h)+"/codes/"+code.Copy.ID.String())
}

// handoutView is a code that was made to be handed out.
type handoutView struct {
	Title, QR, URL string
	Made           string
	Shown          []string
}

func (p *portal) code(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.inForce(w, r, a)
	if h == nil || err != nil {
		return err
	}
	all, err := p.Wallet.Copies(r.Context(), a, h.Entry.RegisterID, h.Entry.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(c credential.Copy) bool { return c.ID.String() == r.PathValue("copy") })
	if i < 0 {
		return fault.New(fault.NotFound, "", "finding a code")
	}
	code, err := all[i].Code(p.VerifyURL)
	if err != nil {
		return err
	}
	page := p.frame(r, h, "code.title")
	view := handoutView{Title: qualificationName(page, p.Desk.Catalogue, h.Entry.RegisterID), URL: code.Text, Made: page.Time(all[i].IntendedAt), Shown: labels(page, all[i].Fields)}
	view.QR, err = qr.SVG(code.Text, qr.Options{Level: qr.Medium, ID: "code-qr", Title: page.T("credential.qr", view.Title), Description: page.T("credential.qr.text")})
	if err != nil {
		return err
	}
	return page.Render(w, handoutPage(page, view))
}

// copyLine is one copy that was made of a credential.
type copyLine struct {
	When, What string
	Shown      []string
	Says       string // wording of what Shown is
	End        string // when it ran out or ended, "" while it lasts
	Path       string // of a code that can be shown again
}

// historyView is what was made of a credential and shown of it.
type historyView struct {
	Copies []copyLine
}

func (p *portal) history(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.own(r, a)
	if err != nil {
		return err
	}
	page := p.frame(r, h, "copies.title")
	var view historyView
	if h.Credential != nil {
		all, err := p.Wallet.Copies(r.Context(), a, h.Entry.RegisterID, h.Entry.ID)
		if err != nil {
			return err
		}
		for _, c := range all {
			view.Copies = append(view.Copies, copyLineOf(page, h, c))
		}
	}
	return page.Render(w, historyPage(page, view))
}

func copyLineOf(page *ui.Page, h *credential.Held, c credential.Copy) copyLine {
	line := copyLine{When: page.Time(c.IntendedAt), What: page.R("copy." + string(c.Form)), Shown: labels(page, c.Fields), Says: "screen.shown"}
	if c.Form == credential.SDJWT || c.Form == credential.MDoc {
		line.Says = "copies.held"
	}
	switch {
	case c.EndedAt != nil:
		line.End = page.R("copies.ended", page.Time(*c.EndedAt))
	case c.ExpiresAt != nil && !c.ExpiresAt.After(page.Now):
		line.End = page.R("copies.ran_out", page.Time(*c.ExpiresAt))
	case c.ExpiresAt != nil:
		line.End = page.R("copies.until", page.Time(*c.ExpiresAt))
	}
	if key, _ := status(*h, calendar.Of(page.Now)); c.Form == credential.QRCompact && key == "valid" && c.EndedAt == nil {
		line.Path = credentialPath(h) + "/codes/" + c.ID.String()
	}
	return line
}

// originalRow says since when the digital credential is the legal original of its qualification.
func originalRow(page *ui.Page, cat *qualification.Catalogue, h credential.Held) []ui.Row {
	g, ok := cat.Register(h.Entry.RegisterID)
	if !ok {
		return nil
	}
	since := cat.LegalOriginal(g.Qualification, calendar.Of(page.Now))
	if since.IsZero() {
		return nil
	}
	return []ui.Row{{Label: page.R("credential.original"), Value: page.R("credential.original.since", since)}}
}
