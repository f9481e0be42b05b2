package citizen

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"

	"github.com/google/uuid"
)

// offerLine is one qualification with what can be applied for here.
type offerLine struct {
	Name, Ministry, Law string
	Procedures          []ui.Link
}

// offers lists what is open today, by qualification. A procedure that several registers offer leads to the choice of one.
func offers(page *ui.Page, cat *qualification.Catalogue) []offerLine {
	var out []offerLine
	for _, def := range cat.List() {
		line := offerLine{Name: page.Text(def.Name), Ministry: page.Text(def.Ministry), Law: page.Text(def.LegalBasis)}
		for i := range def.Procedures {
			procedure := &def.Procedures[i]
			switch open := openAt(page, cat, def, procedure.ID); len(open) {
			case 0:
			case 1:
				line.Procedures = append(line.Procedures, ui.Link{Path: procedurePath(open[0].ID, procedure.ID), Text: page.Text(procedure.Name)})
			default:
				line.Procedures = append(line.Procedures, ui.Link{Path: "/qualifications/" + def.ID + "/" + procedure.ID, Text: page.Text(procedure.Name)})
			}
		}
		if len(line.Procedures) > 0 {
			out = append(out, line)
		}
	}
	return out
}

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

func procedurePath(register, procedure string) string {
	return "/procedures/" + url.PathEscape(register) + "/" + url.PathEscape(procedure)
}

func (p *portal) qualifications(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "qualifications.title")
	page.Current = "qualifications"
	return page.Render(w, qualificationsPage(page, offers(page, p.Desk.Catalogue)))
}

// chooseView is the choice among several registers of one qualification.
type chooseView struct {
	Procedure string
	Registers []ui.Link
}

func (p *portal) chooseRegister(w http.ResponseWriter, r *http.Request) error {
	def, ok := p.Desk.Catalogue.Definition(r.PathValue("qualification"))
	if !ok || def.Procedure(r.PathValue("procedure")) == nil {
		return fault.New(fault.NotFound, "", "choosing a register of an unknown qualification")
	}
	procedure := def.Procedure(r.PathValue("procedure"))
	page := p.site.Page(r, "choose.title")
	page.Current, page.Back = "qualifications", "/qualifications"
	view := chooseView{Procedure: page.Text(procedure.Name)}
	for _, g := range openAt(page, p.Desk.Catalogue, def, procedure.ID) {
		view.Registers = append(view.Registers, ui.Link{Path: procedurePath(g.ID, procedure.ID), Text: registrarName(page, p.Desk.Catalogue, g.Registrar)})
	}
	return page.Render(w, choosePage(page, view))
}

// offer is one procedure at one register: what a start page is about.
type offer struct {
	Register  *qualification.Register
	Registrar *qualification.Registrar
	Def       *qualification.Definition
	Procedure *qualification.Procedure
}

// offered finds what an address names; a procedure that is not open is found, too, and its page says so.
func (p *portal) offered(register, procedure string) (offer, error) {
	cat := p.Desk.Catalogue
	missing := fault.New(fault.NotFound, "", "looking for a procedure")
	g, ok := cat.Register(register)
	if !ok {
		return offer{}, missing
	}
	def, ok := cat.Definition(g.Qualification)
	if !ok || def.Procedure(procedure) == nil {
		return offer{}, missing
	}
	body, ok := cat.Registrar(g.Registrar)
	if !ok {
		return offer{}, missing
	}
	return offer{Register: g, Registrar: body, Def: def, Procedure: def.Procedure(procedure)}, nil
}

// procedureView is the page before a procedure is begun: who, what, how much, how long, and how on paper.
type procedureView struct {
	Name, Qualification, Body, Head, Who string
	Open                                 bool
	StartPath                            string
	Need                                 []string
	Documents                            []documentLine // to be handed in, always or in some cases
	Spared                               []string       // not needed thanks to the registries
	Fees                                 feeView
	Days                                 int
	DaysText                             string
	Expected                             calendar.Date
	DaysFact                             string
	Deadline, DeadlineFact               string
	Law, LawFact                         string
	Paper, Contact                       string
}

// documentLine is one document of a start page.
type documentLine struct {
	Label, Hint string
	Sometimes   bool // asked for only after certain answers
	Fact        string
}

// feeView is what is to be paid.
type feeView struct {
	Lines []feeLine
	Total string
}

// feeLine is one amount: what it is, who gets it, where the fact comes from.
type feeLine struct {
	Label, Kind, Collector, Amount, Fact string
}

func (p *portal) procedure(w http.ResponseWriter, r *http.Request) error {
	o, err := p.offered(r.PathValue("register"), r.PathValue("procedure"))
	if err != nil {
		return err
	}
	page := p.site.Page(r, "procedure.title")
	page.Title = ui.Plain(page.Text(o.Procedure.Name))
	page.Current, page.Back = "qualifications", "/qualifications"
	view, err := fillProcedure(page, p.Desk.Catalogue, o)
	if err != nil {
		return err
	}
	return page.Render(w, procedurePage(page, view))
}

func fillProcedure(page *ui.Page, cat *qualification.Catalogue, o offer) (procedureView, error) {
	today := calendar.Of(page.Now)
	q := o.Procedure
	v := procedureView{
		Name: page.Text(q.Name), Qualification: page.Text(o.Def.Name), Body: page.Text(o.Registrar.Name), Head: page.Text(o.Registrar.Head),
		Who: page.Text(q.Who), Open: cat.Offered(o.Register.ID, q.ID, qualification.ChannelOnline, today),
		StartPath: procedurePath(o.Register.ID, q.ID) + "/start",
		Days:      q.StandardDays, DaysText: strconv.Itoa(q.StandardDays), Expected: calendar.AddBusinessDays(today, q.StandardDays), DaysFact: factLine(page, q.StandardFact),
		Deadline: page.Text(q.Deadline), DeadlineFact: factLine(page, q.DeadlineFact),
		Law: page.Text(o.Def.LegalBasis), LawFact: factLine(page, o.Def.LegalFact),
		Paper: page.Text(o.Registrar.PaperWay), Contact: page.Text(o.Registrar.Contact),
	}
	for _, n := range q.Need {
		v.Need = append(v.Need, page.Text(n))
	}
	for _, e := range q.Evidence {
		if e.Replaces != "" {
			v.Spared = append(v.Spared, page.Text(e.Label))
			continue
		}
		v.Documents = append(v.Documents, documentLine{Label: page.Text(e.Label), Hint: page.Text(e.Hint), Sometimes: e.When != "", Fact: factLine(page, e.Fact)})
	}
	lines, err := q.FeeLines(qualification.Facts{Registrar: o.Registrar.ID, Channel: qualification.ChannelOnline, On: page.Now})
	if err != nil {
		return v, err
	}
	v.Fees = fees(page, cat, lines)
	return v, nil
}

// fees words fee lines with their sources.
func fees(page *ui.Page, cat *qualification.Catalogue, lines []qualification.FeeLine) feeView {
	v := feeView{Total: page.Yen(qualification.Total(lines))}
	for _, l := range lines {
		v.Lines = append(v.Lines, feeLine{Label: page.Text(l.Label), Kind: page.R("fee.kind." + string(l.Kind)),
			Collector: collectorName(page, cat, l.Collector), Amount: page.Yen(l.Amount), Fact: factLine(page, l.Fact)})
	}
	return v
}

func collectorName(page *ui.Page, cat *qualification.Catalogue, id string) string {
	if id == qualification.CollectorTreasury {
		return page.R("fee.treasury")
	}
	return registrarName(page, cat, id)
}

// factLine names the source of a fact and says so when nobody has checked it.
func factLine(page *ui.Page, f qualification.Fact) string {
	if f.Source == "" {
		return ""
	}
	key := "fact.source"
	if f.Confidence != qualification.Confirmed {
		key = "fact.unverified"
	}
	return page.R(key, f.Source)
}

// startView is the page between the login and a new draft.
type startView struct {
	Name, Body string
	Register   string
	Procedure  string
	Token      uuid.UUID
	Draft      *caseLine  // begun and not handed in: there is one at a time, and starting again goes on with it
	Others     []caseLine // of the same procedure, handed in and not decided
	CardPath   string     // where the card can be tried first
	KeptUntil  calendar.Date
	NeedsEntry bool // the procedure is about an entry that the person does not hold: a page of its own
	HasEntry   bool // the person is in the register already
	LinkPath   string
	NotOpen    bool
}

func (p *portal) startPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	o, err := p.offered(r.PathValue("register"), r.PathValue("procedure"))
	if err != nil {
		return err
	}
	cases, err := p.Desk.List(r.Context(), a)
	if err != nil {
		return err
	}
	held, err := p.Wallet.List(r.Context(), a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "start.title")
	page.Title = page.T("start.title.of", page.Text(o.Procedure.Name))
	page.Current, page.Back = "qualifications", procedurePath(o.Register.ID, o.Procedure.ID)
	return page.Render(w, startPage(page, fillStart(page, p.Desk.Catalogue, o, cases, held)))
}

// draftDays is how long a draft is kept; the stage sets the exact date when it is made.
const draftDays = 30

func fillStart(page *ui.Page, cat *qualification.Catalogue, o offer, cases []application.Summary, held []credential.Held) startView {
	today := calendar.Of(page.Now)
	v := startView{Name: page.Text(o.Procedure.Name), Body: page.Text(o.Registrar.Name), Register: o.Register.ID, Procedure: o.Procedure.ID,
		Token: pg.NewID(), KeptUntil: today.AddDays(draftDays), CardPath: "/card-check?" + url.Values{"to": {procedurePath(o.Register.ID, o.Procedure.ID) + "/start"}}.Encode(),
		NotOpen: !cat.Offered(o.Register.ID, o.Procedure.ID, qualification.ChannelOnline, today)}
	for _, c := range cases {
		if c.RegisterID != o.Register.ID || c.ProcedureID != o.Procedure.ID || c.State.Ended() {
			continue
		}
		line := lineOf(page, cat, &c.Case, nil)
		if c.State.Submitted() {
			v.Others = append(v.Others, line)
		} else {
			v.Draft = &line
		}
	}
	living := slices.ContainsFunc(held, func(h credential.Held) bool {
		return h.Entry.RegisterID == o.Register.ID && h.Entry.State.Living()
	})
	switch o.Procedure.Effect {
	case qualification.EffectRegister, qualification.EffectLink:
		v.HasEntry = living
	default:
		v.NeedsEntry = !living
	}
	for _, q := range o.Def.Procedures {
		if q.Effect == qualification.EffectLink && v.NeedsEntry && cat.Offered(o.Register.ID, q.ID, qualification.ChannelOnline, today) {
			v.LinkPath = procedurePath(o.Register.ID, q.ID)
		}
	}
	return v
}

// start opens a draft. The form's token becomes the draft's id, so that a second press leads to the same draft.
func (p *portal) start(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	token, err := ui.Token(r)
	if err != nil {
		return err
	}
	c, err := p.Desk.StartOnce(r.Context(), a, token, r.PostFormValue("register"), r.PostFormValue("procedure"), string(ui.LangOf(r)))
	if err != nil {
		return err
	}
	return p.site.Redirect(w, r, casePath(c.PublicID))
}

// startKind is the weight of the button that opens a new draft: looking at the case that is under way comes first.
func startKind(v startView) ui.ButtonKind {
	if len(v.Others) > 0 {
		return ui.Secondary
	}
	return ui.Primary
}
