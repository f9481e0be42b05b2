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

func procedurePath(register, procedure string) string {
	return "/procedures/" + url.PathEscape(register) + "/" + url.PathEscape(procedure)
}

// offer is one procedure at one register: what a start page is about.
type offer struct {
	Register  *qualification.Register
	Registrar *qualification.Registrar
	Def       *qualification.Definition
	Procedure *qualification.Procedure
}

// offered finds what an address names, in the version under which a case would be made today; a procedure that is not open
// is found, too, and its page says so.
func (p *portal) offered(register, procedure string) (offer, error) {
	cat := p.Desk.Catalogue
	missing := fault.New(fault.NotFound, "", "looking for a procedure")
	g, ok := cat.Register(register)
	if !ok {
		return offer{}, missing
	}
	def, ok := cat.Filing(g.Qualification, calendar.Of(p.Desk.DB.Clock.Now()))
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
	Standing                             string // since, until or from when it is open online
	StartPath                            string
	Need                                 []string
	Documents                            []documentLine // to be handed in, always or in some cases
	Spared                               []string       // not needed online thanks to the registries
	OnPaper                              bool           // there is a way on paper
	PaperFact                            string         // where that was read, "" when the registrar says it of all that it keeps
	Fees                                 feeView
	Days, DaysLabel                      string
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
	Lines   []feeLine
	Total   string
	Open    bool   // the answers decide how much it is
	Unknown bool   // an amount was not found
	None    string // what is said when there are no lines, with the source
	Source  string
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
	page.Current, page.Back = "qualifications", qualificationPath(o.Def.ID)
	view, err := fillProcedure(page, p.Desk.Catalogue, o)
	if err != nil {
		return err
	}
	return page.Render(w, procedurePage(page, view))
}

func fillProcedure(page *ui.Page, cat *qualification.Catalogue, o offer) (procedureView, error) {
	today := calendar.Of(page.Now)
	q, paper := o.Procedure, o.Def.Paper(o.Procedure, o.Registrar)
	v := procedureView{
		Name: page.Text(q.Name), Qualification: page.Text(o.Def.Name), Body: page.Text(o.Registrar.Name), Head: page.Text(o.Registrar.Head),
		Who: page.Text(q.Who), Standing: offeredWhen(page, cat, o.Register.ID, q.ID), Open: cat.Offered(o.Register.ID, q.ID, qualification.ChannelOnline, today),
		StartPath: procedurePath(o.Register.ID, q.ID) + "/start",
		Days:      timeOf(page, q), DaysLabel: timeLabel(page, q), DaysText: strconv.Itoa(q.StandardDays), Expected: calendar.AddBusinessDays(today, q.StandardDays), DaysFact: foundLine(page, q.StandardFact),
		Deadline: page.Text(q.Deadline), DeadlineFact: factLine(page, q.DeadlineFact),
		Law: page.Text(o.Def.LegalBasis), LawFact: factLine(page, o.Def.LegalFact),
		Paper: page.Text(paper.Text), PaperFact: factLine(page, paper.Fact), Contact: page.Text(o.Registrar.Contact), OnPaper: !paper.None,
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
	if costUnknown(q) {
		v.Fees = feeView{Total: page.R("fee.unknown.short"), Unknown: true}
		return v, nil
	}
	spans, err := q.FeeSpans(qualification.Facts{Registrar: o.Registrar.ID, Channel: channelOf(q, v.Open), On: page.Now})
	if err != nil {
		return v, err
	}
	v.Fees = feeSpans(page, cat, spans)
	v.Fees.without(page, q)
	if len(q.Fees) == 0 && q.FeesFact.Confidence != qualification.Confirmed && !v.Open {
		v.Fees.Total = page.R("fee.unknown.short")
	}
	return v, nil
}

// channelOf is the channel whose costs are told: online where a procedure is open, on paper where that is the only way.
func channelOf(q *qualification.Procedure, open bool) string {
	if open || !slices.Contains(q.Channels, qualification.ChannelCounter) {
		return qualification.ChannelOnline
	}
	return qualification.ChannelCounter
}

// feeSpans words what can be due before anything is answered.
func feeSpans(page *ui.Page, cat *qualification.Catalogue, spans []qualification.FeeSpan) feeView {
	least, most := qualification.TotalSpan(spans)
	v := feeView{Total: yenSpan(page, least, most), Open: least != most}
	for _, s := range spans {
		v.Lines = append(v.Lines, feeLine{Label: page.Text(s.Label), Kind: page.R("fee.kind." + string(s.Kind)),
			Collector: collectorName(page, cat, s.Collector), Amount: yenSpan(page, s.Least, s.Amount), Fact: factLine(page, s.Fact)})
	}
	return v
}

// yenSpan writes an amount, or the least and the most.
func yenSpan(page *ui.Page, least, most int64) string {
	if least == most {
		return page.Yen(most)
	}
	return page.R("fee.span", page.Yen(least), page.Yen(most))
}

// without says what is said of a procedure that has no fees.
func (v *feeView) without(page *ui.Page, q *qualification.Procedure) {
	if len(q.Fees) == 0 {
		v.None, v.Source = nothingDue(page, q), foundLine(page, q.FeesFact)
	}
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

// foundLine names the source of a fact, and none where the sentence beside it says that nothing was found.
func foundLine(page *ui.Page, f qualification.Fact) string {
	if f.Confidence == qualification.Unknown {
		return ""
	}
	return factLine(page, f)
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
	NeedsEntry bool       // the procedure is about an entry that the person does not hold: a page of its own
	HasEntry   bool       // the person is in the register already, and nobody is twice
	Held       []string   // the classes under which the person is in the register, where another one can be added
	AllHeld    bool       // there is no class left that could be added
	Entry      ui.Control // which of several entries it is about; no choices when there is nothing to choose
	LinkPath   string
	NotOpen    bool
	Standing   string // when it is not open: from when it will be
	Paper      string // and how to file on paper meanwhile
}

func (p *portal) startPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	o, err := p.offered(r.PathValue("register"), r.PathValue("procedure"))
	if err != nil {
		return err
	}
	return p.drawStart(w, r, a, o, nil)
}

// drawStart draws the page with what is wrong with the choice of an entry.
func (p *portal) drawStart(w http.ResponseWriter, r *http.Request, a application.Applicant, o offer, problems []qualification.Problem) error {
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
	page.Path, page.Problems = procedurePath(o.Register.ID, o.Procedure.ID)+"/start", problems // also after a POST to /applications
	view := fillStart(page, p.Desk.Catalogue, o, cases, livingIn(held, o.Register.ID))
	view.Entry.Value = r.PostFormValue(entryInput)
	return page.Render(w, startPage(page, view))
}

// draftDays is how long a draft is kept; the stage sets the exact date when it is made.
const draftDays = 30

func fillStart(page *ui.Page, cat *qualification.Catalogue, o offer, cases []application.Summary, living []credential.Held) startView {
	today := calendar.Of(page.Now)
	v := startView{Name: page.Text(o.Procedure.Name), Body: page.Text(o.Registrar.Name), Register: o.Register.ID, Procedure: o.Procedure.ID,
		Token: pg.NewID(), KeptUntil: today.AddDays(draftDays), CardPath: "/card-check?" + url.Values{"to": {procedurePath(o.Register.ID, o.Procedure.ID) + "/start"}}.Encode(),
		NotOpen: !cat.Offered(o.Register.ID, o.Procedure.ID, qualification.ChannelOnline, today), Standing: offeredWhen(page, cat, o.Register.ID, o.Procedure.ID)}
	v.Paper = page.Text(o.Def.Paper(o.Procedure, o.Registrar).Text)
	var drafts []application.Summary
	for _, c := range cases {
		if c.RegisterID != o.Register.ID || c.ProcedureID != o.Procedure.ID || c.State.Ended() {
			continue
		}
		line := lineOf(page, cat, &c.Case, nil)
		if c.State.Submitted() {
			v.Others = append(v.Others, line)
		} else {
			v.Draft = &line
			drafts = append(drafts, c)
		}
	}
	v.standBy(page, o, living, drafts)
	for _, q := range o.Def.Procedures {
		if q.Effect == qualification.EffectLink && v.NeedsEntry && cat.Offered(o.Register.ID, q.ID, qualification.ChannelOnline, today) {
			v.LinkPath = procedurePath(o.Register.ID, q.ID)
		}
	}
	return v
}

// standBy fills in what follows from the living entries that the person holds in the register.
func (v *startView) standBy(page *ui.Page, o offer, living []credential.Held, drafts []application.Summary) {
	switch {
	case application.NeedsEntry(o.Procedure.Effect):
		v.NeedsEntry = len(living) == 0
		if len(living) > 1 {
			v.Entry, v.Draft = entryChoice(page, o, living, drafts), nil
		}
	case o.Def.Classes == nil:
		v.HasEntry = len(living) > 0
	default:
		for _, h := range living {
			v.Held = append(v.Held, className(page, o.Def, h.Entry.Facts))
		}
		v.AllHeld = everyClass(o.Def, living)
	}
}

// everyClass tells whether the entries are of every class that there can be. Where not all combinations of grade and trade
// exist it says no, and the procedure itself decides.
func everyClass(def *qualification.Definition, living []credential.Held) bool {
	all := 1
	for _, id := range def.Classes.Items {
		item := def.Item(id)
		if item == nil || len(item.Options) == 0 {
			return false
		}
		all *= len(item.Options)
	}
	held := map[string]bool{}
	for _, h := range living {
		held[def.Class(h.Entry.Facts)] = true
	}
	return len(held) == all
}

// start opens a draft. The form's token becomes the draft's id, so that a second press leads to the same draft.
func (p *portal) start(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	token, err := ui.Token(r)
	if err != nil {
		return err
	}
	o, err := p.offered(r.PostFormValue("register"), r.PostFormValue("procedure"))
	if err != nil {
		return err
	}
	entry, err := chosenEntry(r)
	if err != nil {
		return err
	}
	several, err := p.mustChoose(r, a, o, entry)
	if err != nil {
		return err
	}
	if several {
		return p.drawStart(w, r, a, o, atEntry(p.words(r).R("fault.which_entry")))
	}
	c, err := p.Desk.StartOn(r.Context(), a, token, o.Register.ID, o.Procedure.ID, string(ui.LangOf(r)), entry)
	if problems := p.entryProblem(r, entry, err); problems != nil {
		return p.drawStart(w, r, a, o, problems)
	}
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
