package citizen

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// offerLine is one qualification of the public list: who is in charge of it, and what can be applied for online now.
type offerLine struct {
	ID, Name, Path, Ministry string
	Open                     bool // something can be applied for online today
	Where                    string
	Procedures               []ui.Link
}

// catalogueView is the public list of all qualifications, or of those that were looked for.
type catalogueView struct {
	Query      string
	Ministry   string // ministry that was chosen, "" for all
	Open       bool   // only those that can be applied for online now
	Ministries []ui.Choice
	Found, All int
	Now        []offerLine // open online today
	Later      []offerLine // on paper until now
}

// searchText remembers what each definition is found by: definitions never change.
type searchText struct{ known sync.Map }

// of returns the folded names, ministry, law and classes of a definition in all languages.
func (s *searchText) of(def *qualification.Definition) string {
	if key, ok := s.known.Load(def); ok {
		return key.(string)
	}
	parts := []string{def.ID, def.Kana, def.LegalBasis.In(qualification.JA), def.LegalBasis.In(qualification.EN)}
	for _, lang := range []qualification.Lang{qualification.JA, qualification.EN, qualification.Easy} {
		parts = append(parts, def.Name.In(lang), def.Ministry.In(lang), def.Credential.Title.In(lang))
	}
	if def.Classes != nil {
		for _, id := range def.Classes.Items {
			for _, o := range def.Item(id).Options {
				parts = append(parts, o.Label.In(qualification.JA), o.Label.In(qualification.EN))
			}
		}
	}
	for i, p := range parts {
		parts[i] = jtext.SearchKey(p)
	}
	key := strings.Join(parts, "\n")
	s.known.Store(def, key)
	return key
}

// matches tells whether every word of the query stands somewhere in what the definition is found by.
func (s *searchText) matches(def *qualification.Definition, words []string) bool {
	text := s.of(def)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// searchWords divides what was typed into folded words.
func searchWords(query string) []string {
	var words []string
	for _, w := range strings.Fields(query) {
		if key := jtext.SearchKey(w); key != "" {
			words = append(words, key)
		}
	}
	return words
}

// maxQuery bounds what is looked for, in characters; more than any name has.
const maxQuery = 60

func (p *portal) qualifications(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "qualifications.title")
	page.Current = "qualifications"
	q := r.URL.Query()
	v := catalogueView{Query: jtext.Clean(q.Get("q")), Ministry: q.Get("ministry"), Open: q.Get("open") == "yes"}
	if jtext.Length(v.Query) > maxQuery {
		v.Query = string([]rune(v.Query)[:maxQuery])
	}
	p.fillCatalogue(page, &v)
	return page.Render(w, cataloguePage(page, v))
}

func (p *portal) fillCatalogue(page *ui.Page, v *catalogueView) {
	words, seen := searchWords(v.Query), map[string]bool{}
	for _, def := range p.Desk.Catalogue.Named(page.Lang) {
		v.All++
		ministry := def.Ministry.In(qualification.JA)
		if !seen[ministry] {
			seen[ministry] = true
			v.Ministries = append(v.Ministries, ui.Choice{Value: ministry, Label: page.Text(def.Ministry)})
		}
		if v.Ministry != "" && v.Ministry != ministry || !p.found.matches(def, words) {
			continue
		}
		line := offerOf(page, p.Desk.Catalogue, def)
		switch {
		case line.Open:
			v.Now = append(v.Now, line)
		case !v.Open:
			v.Later = append(v.Later, line)
		}
	}
	v.Found = len(v.Now) + len(v.Later)
	slices.SortFunc(v.Ministries, func(a, b ui.Choice) int { return cmp.Compare(a.Value, b.Value) })
}

// offers lists what is open today, by qualification.
func offers(page *ui.Page, cat *qualification.Catalogue) []offerLine {
	var open []offerLine
	for _, def := range cat.Named(page.Lang) {
		if line := offerOf(page, cat, def); line.Open {
			open = append(open, line)
		}
	}
	return open
}

// offerOf words one qualification. A procedure that several registers offer leads to the choice of one.
func offerOf(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition) offerLine {
	line := offerLine{ID: def.ID, Name: page.Text(def.Name), Path: qualificationPath(def.ID), Ministry: page.Text(def.Ministry)}
	registers := map[string]bool{}
	for i := range def.Procedures {
		procedure := &def.Procedures[i]
		open := openAt(page, cat, def, procedure.ID)
		for _, g := range open {
			registers[g.ID] = true
		}
		if len(open) > 0 {
			line.Procedures = append(line.Procedures, ui.Link{Path: procedureAt(def, procedure, open), Text: page.Text(procedure.Name)})
		}
	}
	line.Open = len(registers) > 0
	switch {
	case len(def.Registers) > 1:
		line.Where = whereOf(page, len(registers), len(def.Registers))
	case len(def.Registers) == 1:
		line.Where = registrarName(page, cat, def.Registers[0].Registrar)
	}
	return line
}

// whereOf words at how many of several registers something can be applied for online.
func whereOf(page *ui.Page, open, all int) string {
	if open == 0 {
		return page.R("qualifications.where.none", all)
	}
	return page.R("qualifications.where.some", all, open)
}

// procedureAt is the page of a procedure where one register offers it, the choice among them where several do.
func procedureAt(def *qualification.Definition, q *qualification.Procedure, open []*qualification.Register) string {
	if len(open) == 1 {
		return procedurePath(open[0].ID, q.ID)
	}
	return qualificationPath(def.ID) + "/" + q.ID
}

func qualificationPath(id string) string { return "/qualifications/" + url.PathEscape(id) }

// openAt lists the registers at which a procedure is open online today.
func openAt(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition, procedure string) []*qualification.Register {
	var open []*qualification.Register
	for i := range def.Registers {
		if cat.Offered(def.Registers[i].ID, procedure, qualification.ChannelOnline, calendar.Of(page.Now)) {
			open = append(open, &def.Registers[i])
		}
	}
	return open
}

// chooseView is the choice among several registers of one qualification.
type chooseView struct {
	Procedure string
	Registers []ui.Link
	Coming    []comingGroup
	OnPaper   bool // there is a way on paper
}

func (p *portal) chooseRegister(w http.ResponseWriter, r *http.Request) error {
	def, ok := p.Desk.Catalogue.Filing(r.PathValue("qualification"), calendar.Of(p.Desk.DB.Clock.Now()))
	if !ok || def.Procedure(r.PathValue("procedure")) == nil {
		return fault.New(fault.NotFound, "", "choosing a register of an unknown qualification")
	}
	procedure := def.Procedure(r.PathValue("procedure"))
	page := p.site.Page(r, "choose.title")
	page.Current, page.Back = "qualifications", qualificationPath(def.ID)
	if len(def.Registers) == 1 {
		return p.site.Redirect(w, r, procedurePath(def.Registers[0].ID, procedure.ID))
	}
	view := chooseView{Procedure: page.R("choose.what", page.Text(def.Name), page.Text(procedure.Name)), OnPaper: !def.Paper(procedure, nil).None}
	for _, g := range openAt(page, p.Desk.Catalogue, def, procedure.ID) {
		view.Registers = append(view.Registers, ui.Link{Path: procedurePath(g.ID, procedure.ID), Text: registrarName(page, p.Desk.Catalogue, g.Registrar)})
	}
	view.Coming = comingAt(page, p.Desk.Catalogue, def, procedure.ID)
	return page.Render(w, choosePage(page, view))
}

// checked is the value of a ticked box.
func checked(on bool) string {
	if on {
		return "yes"
	}
	return ""
}
