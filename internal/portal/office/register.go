package office

import (
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
)

// searchForm is what was asked of the register. It stays in the session, not in an address, because it names people.
type searchForm struct {
	Words   string            `json:"words"`
	Birth   map[string]string `json:"birth"` // as typed, by input name
	Infix   bool              `json:"infix"`
	Purpose string            `json:"purpose"`
}

// searchResult is what a search has listed, and why it was made: the lines of the list can be opened for that purpose.
type searchResult struct {
	Purpose string      `json:"purpose"`
	At      time.Time   `json:"at"`
	Entries []uuid.UUID `json:"entries"`
}

// searchLasts is how long the purpose of a search holds for the entries that it has listed.
const searchLasts = 30 * time.Minute

// birthInput is the name of the date input.
const birthInput = "birth"

// query reads the one box: a number, a reading in kana, or a name; the birth date narrows.
func (f searchForm) query() (registry.Query, error) {
	q := registry.Query{Infix: f.Infix, Purpose: f.Purpose}
	words := strings.TrimSpace(f.Words)
	switch {
	case isNumber(words):
		q.Number = words
	case isKana(words):
		q.Kana = words
	default:
		q.Name = words
	}
	if !f.hasBirth() {
		return q, nil
	}
	birth, err := jtext.Date(f.Birth[birthInput+".era"], f.Birth[birthInput+".year"], f.Birth[birthInput+".month"], f.Birth[birthInput+".day"])
	q.BirthDate = birth
	return q, err
}

func (f searchForm) hasBirth() bool {
	for _, part := range []string{".year", ".month", ".day"} {
		if strings.TrimSpace(f.Birth[birthInput+part]) != "" {
			return true
		}
	}
	return false
}

// isNumber tells whether the words are a registration number: digits, 第 and 号, and no letters of a name.
func isNumber(s string) bool {
	n, err := jtext.RegistrationNumber(s)
	return err == nil && !strings.ContainsFunc(n, func(r rune) bool { return r > unicode.MaxASCII })
}

// isKana tells whether the words are a reading.
func isKana(s string) bool {
	_, err := jtext.Kana(s)
	return err == nil && s != ""
}

// wrong lists what is to be put right.
func (f searchForm) wrong(page *ui.Page) []qualification.Problem {
	var out []qualification.Problem
	if strings.TrimSpace(f.Words) == "" {
		out = append(out, problem(page, "words", "fault.search_empty"))
	}
	if _, err := f.query(); err != nil {
		out = append(out, problem(page, birthInput+".year", "search.birth_wrong"))
	}
	if f.Purpose == "" {
		out = append(out, problem(page, "purpose", "fault.purpose"))
	}
	return out
}

// registerView is the search of the register, with its results once there are some.
type registerView struct {
	Words    ui.Control
	Birth    ui.DateControl
	Infix    ui.Control
	Purpose  ui.Control
	Searched bool
	Summary  string
	Rows     []foundRow
	Many     bool
}

// foundRow is one line of the result, masked until it is opened.
type foundRow struct {
	Path, Register, Number, Name, Birth, State string
	Tone                                       ui.Tone
}

func (p *portal) registerPage(w http.ResponseWriter, r *http.Request, o seat) error {
	if err := p.need(r.Context(), o, account.RegisterSearch); err != nil {
		return err
	}
	page := p.page(r, o, "register", "register.title")
	return page.Render(w, registerBody(page, newRegister(page, searchForm{})))
}

// newRegister fills the form.
func newRegister(page *ui.Page, f searchForm) registerView {
	return registerView{
		Words: ui.Control{Name: "words", Label: page.R("search.words"), Hint: page.R("search.words_hint"), Required: true, Value: f.Words, Width: ui.WidthLong, Lang: "ja",
			Problem: page.ProblemFor("words")},
		Birth:   ui.NewDateControl(page, ui.Control{Name: birthInput, Label: page.R("search.birth"), Hint: page.R("search.birth_hint")}, f.Birth, page.Problems),
		Infix:   ui.Control{Name: "infix", Label: page.R("search.infix"), NoNeed: true, Value: yes(f.Infix)},
		Purpose: purposeControl(page, f.Purpose),
	}
}

// search keeps the question and leads to its answer.
func (p *portal) search(w http.ResponseWriter, r *http.Request, o seat) error {
	if err := p.need(r.Context(), o, account.RegisterSearch); err != nil {
		return err
	}
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	f := searchForm{Words: form["words"], Infix: form["infix"] == "yes", Purpose: form["purpose"], Birth: map[string]string{}}
	for _, part := range []string{".era", ".year", ".month", ".day"} {
		f.Birth[birthInput+part] = form[birthInput+part]
	}
	page := p.page(r, o, "register", "register.title")
	if page.Problems = f.wrong(page); len(page.Problems) > 0 {
		return page.Render(w, registerBody(page, newRegister(page, f)))
	}
	if err := p.keep(r.Context(), keySearch, f); err != nil {
		return err
	}
	return p.site.Redirect(w, r, "/register/results")
}

// foundLimit is how many lines one answer shows: whoever needs more narrows the question.
const foundLimit = 50

// results answers the question that the session keeps.
func (p *portal) results(w http.ResponseWriter, r *http.Request, o seat) error {
	if err := p.need(r.Context(), o, account.RegisterSearch); err != nil {
		return err
	}
	var f searchForm
	asked, err := p.kept(r.Context(), keySearch, &f)
	if err != nil {
		return err
	}
	if !asked {
		return p.site.Redirect(w, r, "/register")
	}
	q, err := f.query()
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading a search")
	}
	found, err := p.Reader.Search(r.Context(), o.Officer, q)
	if err != nil {
		return err
	}
	listed := searchResult{Purpose: f.Purpose, At: p.now()}
	for _, e := range found {
		listed.Entries = append(listed.Entries, e.ID)
	}
	if err := p.keep(r.Context(), keyFound, listed); err != nil {
		return err
	}
	page := p.page(r, o, "register", "register.results")
	v := newRegister(page, f)
	v.Searched, v.Many = true, len(found) >= foundLimit
	v.Summary = page.R("search.found", len(found))
	for _, e := range found {
		v.Rows = append(v.Rows, newFoundRow(page, p.Desk.Catalogue, e))
	}
	return page.Render(w, registerBody(page, v))
}

func newFoundRow(page *ui.Page, cat *qualification.Catalogue, e registry.Entry) foundRow {
	return foundRow{Path: entryPath(e.RegisterID, e.ID.String()), Register: registerName(page, cat, e.RegisterID), Number: e.Number, Name: maskedName(e.Facts["name"]),
		Birth: maskedBirth(page, e.Facts["birth_date"]), State: page.R("entry." + string(e.State)), Tone: entryTone(e.State)}
}

// registerName is the qualification whose register it is.
func registerName(page *ui.Page, cat *qualification.Catalogue, register string) string {
	if g, ok := cat.Register(register); ok {
		if d, ok := cat.Definition(g.Qualification); ok {
			return page.Text(d.Name)
		}
	}
	return register
}

// mask stands for a character that is not shown.
const mask = "○"

// maskedName shows the first character of each part of a name.
func maskedName(full string) string {
	parts := strings.Fields(full)
	for i, part := range parts {
		chars := jtext.Characters(part)
		parts[i] = chars[0] + strings.Repeat(mask, len(chars)-1)
	}
	return strings.Join(parts, "　")
}

// maskedBirth shows the year only.
func maskedBirth(page *ui.Page, iso string) string {
	d, err := calendar.ParseISO(iso)
	if err != nil {
		return ""
	}
	return page.R("search.birth_masked", itoa(d.Year))
}
