package office

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// plans is where acts of selective use are proposed and decided.
func (p *portal) plans() *rollout.Desk {
	return &rollout.Desk{DB: p.Desk.DB, Catalogue: p.Desk.Catalogue}
}

// planner is the seat as the stage knows it.
func planner(o seat) rollout.Officer { return rollout.Officer{Staff: o.Staff, Body: o.Body} }

// mayPlan tells whether somebody has a role for acts of selective use.
func mayPlan(o seat) bool { return o.May(account.RolloutPlan) || o.May(account.RolloutDecide) }

func rolloutPath(qualificationID string, parts ...string) string {
	path := "/rollout/" + url.PathEscape(qualificationID)
	for _, part := range parts {
		path += "/" + part
	}
	return path
}

func actPath(id string) string { return "/acts/" + url.PathEscape(id) }

// registerStand is how a register stands on a day, over all of its procedures and channels.
type registerStand struct {
	State  string // open | planned | closed | undecided
	On     calendar.Date
	Act    string // that brought or will bring it about, "" when the definition does
	Open   int    // procedures open online or at the counter
	Listed int    // procedures that the definition offers there
}

// standOf sums up a register.
func standOf(cat *qualification.Catalogue, d *qualification.Definition, g *qualification.Register, day calendar.Date) registerStand {
	s := registerStand{State: "undecided"}
	for i := range d.Procedures {
		listed, open := false, false
		for _, channel := range []string{qualification.ChannelOnline, qualification.ChannelCounter} {
			o := cat.Offering(g.ID, d.Procedures[i].ID, channel, day)
			listed, open = listed || o.Listed, open || o.Open
			s.take(o)
		}
		if listed {
			s.Listed++
		}
		if open {
			s.Open++
		}
	}
	return s
}

// take lets an offering weigh in: open before planned before closed.
func (s *registerStand) take(o qualification.Offering) {
	switch {
	case o.Open && (s.State != "open" || o.Since.Before(s.On)):
		s.State, s.On, s.Act = "open", o.Since, o.SinceAct
	case o.Open || s.State == "open":
	case !o.From.IsZero() && (s.State != "planned" || o.From.Before(s.On)):
		s.State, s.On, s.Act = "planned", o.From, o.FromAct
	case !o.From.IsZero() || s.State == "planned":
	case !o.Closed.IsZero():
		s.State, s.On, s.Act = "closed", o.Closed, ""
	}
}

// standTone is the colour of a state.
func standTone(state string) ui.Tone {
	switch state {
	case "open":
		return ui.Success
	case "planned":
		return ui.Info
	}
	return ui.Neutral
}

// planRow is one qualification of the list.
type planRow struct {
	Path, Name                             string
	Open, Planned, Closed, Undecided, Wait int
}

// rolloutList shows the qualifications of one's body with how many registers are open.
func (p *portal) rolloutList(w http.ResponseWriter, r *http.Request, o seat) error {
	if !mayPlan(o) {
		return p.need(r.Context(), o, account.RolloutPlan)
	}
	waiting, err := p.plans().Waiting(r.Context(), planner(o))
	if err != nil {
		return err
	}
	page := p.page(r, o, "rollout", "rollout.title")
	var rows []planRow
	for _, d := range p.plans().List(planner(o), page.Lang) {
		rows = append(rows, newPlanRow(page, p.Desk.Catalogue, d, waiting[d.ID], p.today()))
	}
	return page.Render(w, rolloutListBody(page, rows))
}

func newPlanRow(page *ui.Page, cat *qualification.Catalogue, d *qualification.Definition, waiting int, today calendar.Date) planRow {
	row := planRow{Path: rolloutPath(d.ID), Name: page.Text(d.Name), Wait: waiting}
	for i := range d.Registers {
		switch standOf(cat, d, &d.Registers[i], today).State {
		case "open":
			row.Open++
		case "planned":
			row.Planned++
		case "closed":
			row.Closed++
		default:
			row.Undecided++
		}
	}
	return row
}

// planTable draws the list.
func planTable(page *ui.Page, rows []planRow) ui.Table {
	t := ui.Table{Caption: page.R("rollout.list"), Empty: page.R("rollout.none"), Columns: []ui.Column{{Text: page.R("rollout.qualification")},
		{Text: page.R("standing.open"), Numeric: true}, {Text: page.R("standing.planned"), Numeric: true}, {Text: page.R("standing.closed"), Numeric: true},
		{Text: page.R("standing.undecided"), Numeric: true}, {Text: page.R("rollout.waiting"), Numeric: true}}}
	for _, row := range rows {
		t.Rows = append(t.Rows, []templ.Component{textLink(page, ui.Link{Path: row.Path, Text: row.Name}), ui.Cell(itoa(row.Open)), ui.Cell(itoa(row.Planned)),
			ui.Cell(itoa(row.Closed)), ui.Cell(itoa(row.Undecided)), ui.Cell(itoa(row.Wait))})
	}
	return t
}

// planView is one qualification: its registers, what waits for a decision, what may be proposed, and its history.
type planView struct {
	Name, Law string
	Open      int
	Planned   int
	All       int
	Original  string
	Registers ui.Table
	Propose   []ui.Link
	Acts      []actView
	Facts     string   // how many facts were read in their source
	Doubts    ui.Table // the others
}

// rolloutPage shows one qualification.
func (p *portal) rolloutPage(w http.ResponseWriter, r *http.Request, o seat) error {
	acts, err := p.plans().Acts(r.Context(), planner(o), r.PathValue("qualification"))
	if err != nil {
		return err
	}
	d, _ := p.Desk.Catalogue.Definition(r.PathValue("qualification"))
	who, err := p.namesOf(o, r, actPeople(acts)...)
	if err != nil {
		return err
	}
	page := p.page(r, o, "rollout", "rollout.of", d.Name)
	page.Back = "/rollout"
	return page.Render(w, rolloutBody(page, p.newPlan(page, o, d, acts, who)))
}

func (p *portal) newPlan(page *ui.Page, o seat, d *qualification.Definition, acts []rollout.Act, who names) planView {
	cat, today := p.Desk.Catalogue, p.today()
	v := planView{Name: page.Text(d.Name), Law: page.Text(d.LegalBasis), All: len(d.Registers)}
	if since := cat.LegalOriginal(d.ID, today); !since.IsZero() {
		v.Original = page.R("rollout.original_since", since)
	}
	v.Registers = ui.Table{Caption: page.R("rollout.registers"), Columns: []ui.Column{{Text: page.R("rollout.registrar")}, {Text: page.R("rollout.state")},
		{Text: page.R("rollout.functions")}}}
	for i := range d.Registers {
		s := standOf(cat, d, &d.Registers[i], today)
		if s.State == "open" {
			v.Open++
		}
		if s.State == "planned" {
			v.Planned++
		}
		name := registrarName(page, cat, d.Registers[i].Registrar)
		v.Registers.Rows = append(v.Registers.Rows, []templ.Component{ui.Cell(name), standCell(page, s),
			usesCell(page, usesOf(page, cat, d.Registers[i].ID, today))})
	}
	v.Facts, v.Doubts = factsOf(page, d)
	if o.May(account.RolloutPlan) {
		v.Propose = p.proposable(page, o, d)
	}
	for i := range acts {
		v.Acts = append(v.Acts, newAct(page, cat, d, &acts[i], who))
	}
	return v
}

// proposable are the kinds of act that somebody may propose for a qualification.
func (p *portal) proposable(page *ui.Page, o seat, d *qualification.Definition) []ui.Link {
	var out []ui.Link
	for _, kind := range rollout.Kinds {
		if kind == qualification.ActRecall || !p.fits(o, d, kind) {
			continue
		}
		out = append(out, ui.Link{Path: rolloutPath(d.ID, "new") + "?kind=" + string(kind), Text: page.R("rollout.propose." + string(kind))})
	}
	return out
}

// fits tells whether a kind of act makes sense for a qualification now, for somebody of this body.
func (p *portal) fits(o seat, d *qualification.Definition, kind qualification.ActKind) bool {
	charge := rollout.InCharge(p.Desk.Catalogue, d, o.Body)
	switch kind {
	case qualification.ActOpen, qualification.ActClose, qualification.ActSwitch, qualification.ActUnswitch, qualification.ActUse, qualification.ActUnuse:
		return len(p.scope(o, d, kind)) > 0
	case qualification.ActOriginal:
		return charge && p.Desk.Catalogue.LegalOriginal(d.ID, calendar.Date{Year: 9999, Month: 12, Day: 31}).IsZero()
	case qualification.ActUnoriginal:
		return charge && !p.Desk.Catalogue.LegalOriginal(d.ID, p.today()).IsZero()
	}
	return charge
}

// scope lists the bodies to which a kind of act can apply now: registers that are not open and not planned, those that are
// open, prefectures that are still on the way, or no longer, registers that do not use every function, or use one.
func (p *portal) scope(o seat, d *qualification.Definition, kind qualification.ActKind) []string {
	var out []string
	charge := rollout.InCharge(p.Desk.Catalogue, d, o.Body)
	if kind == qualification.ActSwitch || kind == qualification.ActUnswitch {
		if !charge || !switchable(d) {
			return nil
		}
		for _, g := range p.Desk.Catalogue.Registrars() {
			if g.Kind == "prefecture" && p.switched(d, g.ID) == (kind == qualification.ActUnswitch) {
				out = append(out, g.ID)
			}
		}
		return out
	}
	for i := range d.Registers {
		g := &d.Registers[i]
		if rollout.IsOfUse(kind) {
			changes := slices.ContainsFunc(qualification.Functions, func(f string) bool { return changesUse(p.Desk.Catalogue, d, g.Registrar, f, kind, p.today()) })
			if changes && (charge || g.Registrar == o.Body) {
				out = append(out, g.Registrar)
			}
			continue
		}
		s := standOf(p.Desk.Catalogue, d, g, p.today())
		fits := s.Open > 0
		if kind == qualification.ActOpen {
			fits = s.Listed > 0 && s.State != "open" && s.State != "planned"
		}
		if fits && (charge || g.Registrar == o.Body) {
			out = append(out, g.Registrar)
		}
	}
	return out
}

// switchable tells whether a procedure of the qualification has a direct way that a switch opens.
func switchable(d *qualification.Definition) bool {
	return slices.ContainsFunc(d.Procedures, func(q qualification.Procedure) bool {
		return slices.ContainsFunc(q.Routes, func(r qualification.RouteRule) bool { return r.ForwardSwitch })
	})
}

// switched tells whether a prefecture is past for any procedure, today or later.
func (p *portal) switched(d *qualification.Definition, body string) bool {
	return slices.ContainsFunc(d.Procedures, func(q qualification.Procedure) bool {
		return slices.Contains(p.Desk.Catalogue.Direct(d.ID, q.ID, calendar.Date{Year: 9999, Month: 12, Day: 31}), body)
	})
}

// registrarName is what a body is called on a page, with its readings.
func registrarName(page *ui.Page, cat *qualification.Catalogue, id string) string {
	if id == rollout.Operator {
		return page.R("body.platform")
	}
	if g, ok := cat.Registrar(id); ok {
		return page.Text(g.Name)
	}
	return id
}

// actPeople are those who proposed and decided.
func actPeople(acts []rollout.Act) []*uuid.UUID {
	var ids []*uuid.UUID
	for i := range acts {
		ids = append(ids, &acts[i].ProposedBy, acts[i].DecidedBy)
	}
	return ids
}

// factsOf counts the facts of a definition and lists those that nobody has read in their source.
func factsOf(page *ui.Page, d *qualification.Definition) (string, ui.Table) {
	t := ui.Table{Caption: page.R("rollout.doubts"), Columns: []ui.Column{{Text: page.R("rollout.fact")}, {Text: page.R("rollout.fact.source")},
		{Text: page.R("rollout.fact.state")}}}
	count := map[qualification.Confidence]int{}
	for _, f := range d.Facts() {
		count[f.Fact.Confidence]++
		if f.Fact.Confidence == qualification.Confirmed {
			continue
		}
		t.Rows = append(t.Rows, []templ.Component{factCell(factOwner(page, d, f.Path), f.Path), ui.Cell(f.Fact.Source),
			ui.Cell(page.R("rollout.fact." + string(f.Fact.Confidence)))})
	}
	return page.R("rollout.facts", count[qualification.Confirmed], count[qualification.Unverified], count[qualification.Unknown]), t
}

// factOwner is the name of the procedure that a fact belongs to, "" when it belongs to the whole qualification.
func factOwner(page *ui.Page, d *qualification.Definition, path string) string {
	rest, of := strings.CutPrefix(path, "procedures[")
	id, _, _ := strings.Cut(rest, "]")
	if q := d.Procedure(id); of && q != nil {
		return page.Text(q.Name)
	}
	return ""
}
