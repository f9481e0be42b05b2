package office

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// actDraft is an act as somebody writes it, kept until it is proposed.
type actDraft struct {
	Qualification string                `json:"qualification"`
	Kind          qualification.ActKind `json:"kind"`
	Recalls       uuid.UUID             `json:"recalls"`
	Scope         string                `json:"scope"` // all | some
	Bodies        string                `json:"bodies"`
	Procedures    string                `json:"procedures"`
	Channel       string                `json:"channel"`
	Functions     string                `json:"functions"`
	On            map[string]string     `json:"on"`
	Reason        string                `json:"reason"`
}

// The inputs of the form.
const (
	inputOn     = "on"
	scopeSome   = "some"
	channelBoth = "both"
)

// proposal is what the draft asks for; a date that cannot be read is none.
func (d actDraft) proposal(all []string) rollout.Proposal {
	p := rollout.Proposal{Kind: d.Kind, Qualification: d.Qualification, Recalls: d.Recalls, Procedures: split(d.Procedures), Functions: split(d.Functions),
		Reason: d.Reason, Bodies: all}
	if d.Scope == scopeSome {
		p.Bodies = split(d.Bodies)
	}
	if d.Channel != channelBoth {
		p.Channel = d.Channel
	}
	if iso, err := readDay(d.On); err == nil {
		p.On = iso
	}
	return p
}

func split(joined string) []string {
	return strings.FieldsFunc(joined, func(r rune) bool { return r == ',' })
}

// readDay reads the date that was typed.
func readDay(raw map[string]string) (calendar.Date, error) {
	return jtext.Date(raw[inputOn+".era"], raw[inputOn+".year"], raw[inputOn+".month"], raw[inputOn+".day"])
}

// planForm is the form of an act.
type planForm struct {
	Action, Kind, Name, Lead string
	Recalls                  string
	Scope, Bodies            ui.Control
	Procedures, Channel      ui.Control
	Functions                ui.Control
	Dated                    bool
	On                       ui.DateControl
	Reason                   ui.Control
	Blocking                 ui.Link // the act that stands in the way
}

// newActPage is the empty form, or the draft that the session keeps.
func (p *portal) newActPage(w http.ResponseWriter, r *http.Request, o seat) error {
	d := actDraft{Qualification: r.PathValue("qualification"), Kind: qualification.ActKind(r.URL.Query().Get("kind")), Channel: channelBoth, Scope: "all"}
	if id, err := uuid.Parse(r.URL.Query().Get("recalls")); err == nil {
		d.Recalls = id
	}
	var kept actDraft
	found, err := p.kept(r.Context(), keyAct, &kept)
	if err != nil {
		return err
	}
	if found && kept.Qualification == d.Qualification && kept.Kind == d.Kind && kept.Recalls == d.Recalls {
		d = kept
	}
	return p.drawActForm(w, r, o, d, nil)
}

// drawActForm shows the form, with what is wrong in it.
func (p *portal) drawActForm(w http.ResponseWriter, r *http.Request, o seat, d actDraft, refusal *rollout.Refusal) error {
	def, err := p.plans().May(r.Context(), planner(o), d.Qualification)
	if err != nil {
		return err
	}
	if !slices.Contains(rollout.Kinds, d.Kind) || !o.May(account.RolloutPlan) {
		return fault.New(fault.NotFound, "", "writing an act of an unknown kind or without the role for it")
	}
	page := p.page(r, o, "rollout", "rollout.title."+string(d.Kind))
	page.Back = rolloutPath(def.ID)
	v := planForm{Action: rolloutPath(def.ID, "new"), Kind: string(d.Kind), Name: page.Text(def.Name), Lead: page.R("rollout.lead." + string(d.Kind))}
	if refusal != nil {
		words, input := p.refusalWords(page, def, d.Kind, refusal)
		page.Problems = []qualification.Problem{{Input: input, Field: input, Message: qualification.Text{JA: words, EN: words, Easy: words}}}
		if refusal.Act != "" {
			v.Blocking = ui.Link{Path: actPath(refusal.Act), Text: page.R("rollout.blocking")}
		}
	}
	p.fillActForm(page, o, def, d, &v)
	return page.Render(w, planFormBody(page, v))
}

func (p *portal) fillActForm(page *ui.Page, o seat, def *qualification.Definition, d actDraft, v *planForm) {
	v.Dated = d.Kind != qualification.ActRecall
	if d.Recalls != uuid.Nil {
		v.Recalls = d.Recalls.String()
	}
	scope := p.scope(o, def, d.Kind)
	if rollout.Scoped(d.Kind) && len(scope) > 1 {
		v.Scope = ui.Control{Name: "scope", Label: page.R("rollout.scope"), Required: true, Value: d.Scope, Choices: []ui.Choice{
			{Value: "all", Label: page.R("rollout.scope.all."+string(d.Kind), len(scope))}, {Value: scopeSome, Label: page.R("rollout.scope.some")}}}
		v.Bodies = ui.Control{Name: "bodies", Label: page.R("rollout.bodies"), NoNeed: true, Value: d.Bodies, Problem: page.ProblemFor("bodies")}
		for _, id := range scope {
			v.Bodies.Choices = append(v.Bodies.Choices, ui.Choice{Value: id, Label: registrarName(page, p.Desk.Catalogue, id)})
		}
	}
	if rollout.IsOfUse(d.Kind) {
		v.Functions = functionsControl(page, p.Desk.Catalogue, def, d, scope)
	} else if rollout.Scoped(d.Kind) {
		v.Procedures = ui.Control{Name: "procedures", Label: page.R("rollout.procedures"), Hint: page.R("rollout.procedures_hint"), NoNeed: true, Value: d.Procedures, Problem: page.ProblemFor("procedures")}
		for i := range def.Procedures {
			v.Procedures.Choices = append(v.Procedures.Choices, ui.Choice{Value: def.Procedures[i].ID, Label: page.Text(def.Procedures[i].Name)})
		}
	}
	if d.Kind == qualification.ActOpen || d.Kind == qualification.ActClose {
		v.Channel = ui.Control{Name: "channel", Label: page.R("rollout.channel"), Required: true, Value: d.Channel, Problem: page.ProblemFor("channel")}
		for _, c := range []string{channelBoth, qualification.ChannelOnline, qualification.ChannelCounter} {
			v.Channel.Choices = append(v.Channel.Choices, ui.Choice{Value: c, Label: page.R("rollout.channel." + c)})
		}
	}
	v.On = ui.NewDateControl(page, ui.Control{Name: inputOn, Label: page.R("rollout.on"), Required: true,
		Hint: page.R("rollout.on_hint", rollout.Earliest(d.Kind, p.today()))}, d.On, page.Problems)
	v.Reason = ui.Control{Name: "reason", Label: page.R("rollout.reason"), Hint: page.R("rollout.reason_hint"), Required: true, Value: d.Reason, Rows: 4, Problem: page.ProblemFor("reason")}
}

// refusalWords says why an act cannot be, and at which input.
func (p *portal) refusalWords(page *ui.Page, def *qualification.Definition, kind qualification.ActKind, r *rollout.Refusal) (words, input string) {
	name := ""
	if r.Body != "" {
		name = registrarName(page, p.Desk.Catalogue, r.Body)
	}
	switch r.Key {
	case "rollout.fault.reason":
		input = "reason"
	case "rollout.fault.date_past":
		input = inputOn + ".year"
	case "rollout.fault.procedure":
		input = "procedures"
	case "rollout.fault.channel":
		input = "channel"
	case "rollout.fault.functions":
		input = "functions"
	default:
		if input = "bodies"; !rollout.Scoped(kind) || len(def.Registers) < 2 {
			input = "reason"
		}
	}
	return page.R(r.Key, ui.Args{"body": name, "day": r.On}), input
}

// draftAct looks at what was written and leads to its preview.
func (p *portal) draftAct(w http.ResponseWriter, r *http.Request, o seat) error {
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	d := actDraft{Qualification: r.PathValue("qualification"), Kind: qualification.ActKind(form["kind"]), Scope: form["scope"], Bodies: form["bodies"],
		Procedures: form["procedures"], Channel: form["channel"], Functions: form["functions"], Reason: strings.TrimSpace(form["reason"]), On: map[string]string{}}
	if id, err := uuid.Parse(form["recalls"]); err == nil {
		d.Recalls = id
	}
	for _, part := range []string{".era", ".year", ".month", ".day"} {
		d.On[inputOn+part] = form[inputOn+part]
	}
	if _, err := p.effectOf(r, o, d); err != nil {
		return p.redrawOr(w, r, o, d, err)
	}
	if err := p.keep(r.Context(), keyAct, d); err != nil {
		return err
	}
	return p.site.Redirect(w, r, rolloutPath(d.Qualification, "preview"))
}

// effectOf asks what a draft would do.
func (p *portal) effectOf(r *http.Request, o seat, d actDraft) (rollout.Effect, error) {
	return p.plans().Preview(r.Context(), planner(o), d.proposal(p.allOf(o, d)))
}

// allOf are the bodies of a draft that names no single ones.
func (p *portal) allOf(o seat, d actDraft) []string {
	def, ok := p.Desk.Catalogue.Definition(d.Qualification)
	if !ok || !rollout.Scoped(d.Kind) {
		return nil
	}
	all := p.scope(o, def, d.Kind)
	if !rollout.IsOfUse(d.Kind) {
		return all
	}
	changed := slices.DeleteFunc(slices.Clone(all), func(body string) bool { // "all" are those at which the functions make a difference
		return !slices.ContainsFunc(split(d.Functions), func(f string) bool { return changesUse(p.Desk.Catalogue, def, body, f, d.Kind, p.today()) })
	})
	if len(changed) == 0 {
		return all // the rule says why not
	}
	return changed
}

// redrawOr shows the form again for a refusal, and is the error for anything else.
func (p *portal) redrawOr(w http.ResponseWriter, r *http.Request, o seat, d actDraft, err error) error {
	var refusal *rollout.Refusal
	if errors.As(err, &refusal) {
		return p.drawActForm(w, r, o, d, refusal)
	}
	return err
}

// previewView is an act before it is proposed.
type previewView struct {
	Action, Back string
	Effect       string
	Rows         []ui.Row
}

// keptAct reads the draft of the session; without one the way leads back to the qualification.
func (p *portal) keptAct(r *http.Request) (d actDraft, found bool, err error) {
	found, err = p.kept(r.Context(), keyAct, &d)
	return d, found && d.Qualification == r.PathValue("qualification"), err
}

func (p *portal) previewAct(w http.ResponseWriter, r *http.Request, o seat) error {
	d, found, err := p.keptAct(r)
	if err != nil {
		return err
	}
	if !found {
		return p.site.Redirect(w, r, rolloutPath(r.PathValue("qualification")))
	}
	e, err := p.effectOf(r, o, d)
	if err != nil {
		return p.redrawOr(w, r, o, d, err)
	}
	def, _ := p.Desk.Catalogue.Definition(d.Qualification)
	a := rollout.Act{Proposal: d.proposal(p.allOf(o, d))}
	page := p.page(r, o, "rollout", "rollout.preview")
	page.Back = rolloutPath(def.ID, "new") + "?kind=" + string(d.Kind)
	v := previewView{Action: rolloutPath(def.ID, "preview"), Back: page.Back, Effect: effectWords(page, def, &a, e), Rows: actRows(page, p.Desk.Catalogue, def, &a)}
	return page.Render(w, previewActBody(page, v))
}

// proposeAct hands the draft to a second person.
func (p *portal) proposeAct(w http.ResponseWriter, r *http.Request, o seat) error {
	d, found, err := p.keptAct(r)
	if err != nil {
		return err
	}
	if !found {
		return p.site.Redirect(w, r, rolloutPath(r.PathValue("qualification")))
	}
	id, err := p.plans().Propose(r.Context(), planner(o), d.proposal(p.allOf(o, d)))
	if err != nil {
		return p.redrawOr(w, r, o, d, err)
	}
	p.site.Sessions.Remove(r.Context(), keyAct)
	return p.done(w, r, actPath(id.String()), "rollout.proposed")
}

// effectWords says in one sentence what an act does.
func effectWords(page *ui.Page, def *qualification.Definition, a *rollout.Act, e rollout.Effect) string {
	return page.R("rollout.effect."+string(a.Kind), ui.Args{"n": e.Registers, "name": def.Name, "day": a.On, "procedures": len(e.Procedures),
		"functions": functionNames(page, e.Functions)})
}

// actRows are the particulars of an act.
func actRows(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition, a *rollout.Act) []ui.Row {
	rows := []ui.Row{{Label: page.R("rollout.kind"), Value: page.R("rollout.kind." + string(a.Kind))}}
	if a.Kind != qualification.ActRecall {
		rows = append(rows, ui.Row{Label: page.R("rollout.on"), Value: page.Date(a.On)})
	}
	if len(a.Bodies) > 0 {
		var bodies []string
		for _, id := range a.Bodies {
			bodies = append(bodies, registrarName(page, cat, id))
		}
		rows = append(rows, ui.Row{Label: page.R("rollout.bodies"), Value: strings.Join(bodies, page.T("list.comma"))})
	}
	if rollout.IsOfUse(a.Kind) {
		rows = append(rows, ui.Row{Label: page.R("rollout.functions"), Value: functionNames(page, a.Functions)})
	} else if rollout.Scoped(a.Kind) {
		procedures := page.R("rollout.all_procedures")
		var names []string
		for _, id := range a.Procedures {
			if q := def.Procedure(id); q != nil {
				names = append(names, page.Text(q.Name))
			}
		}
		if len(names) > 0 {
			procedures = strings.Join(names, page.T("list.comma"))
		}
		rows = append(rows, ui.Row{Label: page.R("rollout.procedures"), Value: procedures})
	}
	if a.Kind == qualification.ActOpen || a.Kind == qualification.ActClose {
		channel := a.Channel
		if channel == "" {
			channel = channelBoth
		}
		rows = append(rows, ui.Row{Label: page.R("rollout.channel"), Value: page.R("rollout.channel." + channel)})
	}
	return append(rows, ui.Row{Label: page.R("rollout.reason"), Value: a.Reason})
}

// actView is an act with what became of it.
type actView struct {
	Path, Title, State string
	Tone               ui.Tone
	Effect             string
	Rows               []ui.Row
	Proposed, Decided  string
	Comment            string

	Action   string
	Decide   bool // the reader is a second person who may decide
	Withdraw bool // the reader proposed it
	StepUp   bool
	Recall   ui.Link // to propose that it shall not begin
	Recalls  ui.Link // the act that it recalls
	Reason   ui.Control
	Problem  string
}

// newAct fills what everybody sees.
func newAct(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition, a *rollout.Act, who names) actView {
	v := actView{Path: actPath(a.ID.String()), Title: page.R("rollout.kind." + string(a.Kind)), State: page.R("rollout.state." + string(a.State)), Tone: actTone(a.State),
		Rows: actRows(page, cat, def, a), Comment: a.DecisionReason, Action: actPath(a.ID.String()),
		Proposed: page.R("rollout.proposed_by", who.of(&a.ProposedBy), registrarName(page, cat, a.ProposedBody), page.Time(a.ProposedAt))}
	e := (&rollout.Desk{Catalogue: cat}).EffectOf(def, a)
	v.Effect = effectWords(page, def, a, e)
	if a.DecidedAt != nil {
		v.Decided = page.R("rollout.decided_by", who.of(a.DecidedBy), registrarName(page, cat, a.DecidedBody), page.Time(*a.DecidedAt))
	}
	if a.Recalls != uuid.Nil {
		v.Recalls = ui.Link{Path: actPath(a.Recalls.String()), Text: page.R("rollout.recalled_act")}
	}
	return v
}

func actTone(s rollout.State) ui.Tone {
	switch s {
	case rollout.Approved:
		return ui.Success
	case rollout.Proposed:
		return ui.Warning
	case rollout.Refused, rollout.Withdrawn, rollout.Recalled:
	}
	return ui.Neutral
}

// actPage shows one act, to be decided by a second person while it is open.
func (p *portal) actPage(w http.ResponseWriter, r *http.Request, o seat) error {
	return p.drawAct(w, r, o, "", nil)
}

func (p *portal) drawAct(w http.ResponseWriter, r *http.Request, o seat, reason string, refusal *rollout.Refusal) error {
	a, def, err := p.act(r, o)
	if err != nil {
		return err
	}
	who, err := p.namesOf(o, r, &a.ProposedBy, a.DecidedBy)
	if err != nil {
		return err
	}
	page := p.page(r, o, "rollout", "rollout.act", def.Name)
	page.Back = rolloutPath(def.ID)
	v := newAct(page, p.Desk.Catalogue, def, a, who)
	if refusal != nil && refusal.Key == "rollout.fault.decision_reason" {
		page.Problems = []qualification.Problem{problem(page, "reason", refusal.Key)}
	} else if refusal != nil {
		v.Problem, _ = p.refusalWords(page, def, a.Kind, refusal)
	}
	charge := rollout.Decides(p.Desk.Catalogue, def, o.Body, a)
	v.Decide = a.State == rollout.Proposed && charge && o.May(account.RolloutDecide) && a.ProposedBy != o.Staff.ID
	v.Withdraw = a.State == rollout.Proposed && a.ProposedBy == o.Staff.ID && a.ProposedBody == o.Body
	v.StepUp = v.Decide && !p.confirmed(r.Context())
	if a.State == rollout.Approved && a.Kind != qualification.ActRecall && a.On.After(p.today()) && charge && o.May(account.RolloutPlan) {
		v.Recall = ui.Link{Path: rolloutPath(def.ID, "new") + "?kind=recall&recalls=" + a.ID.String(), Text: page.R("rollout.propose.recall")}
	}
	v.Reason = ui.Control{Name: "reason", Label: page.R("rollout.decision_reason"), Hint: page.R("rollout.decision_reason_hint"), Value: reason, Rows: 3, Problem: page.ProblemFor("reason")}
	return page.Render(w, actBody(page, v))
}

// act finds the act of an address.
func (p *portal) act(r *http.Request, o seat) (*rollout.Act, *qualification.Definition, error) {
	id, err := uuid.Parse(r.PathValue("act"))
	if err != nil {
		return nil, nil, fault.New(fault.NotFound, "", "looking for an act by something that is no id")
	}
	return p.plans().Act(r.Context(), planner(o), id)
}

// decideAct is the second person's act, or taking one's own proposal back.
func (p *portal) decideAct(w http.ResponseWriter, r *http.Request, o seat) error {
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	a, _, err := p.act(r, o)
	if err != nil {
		return err
	}
	switch form["verb"] {
	case "withdraw":
		err = p.plans().Withdraw(r.Context(), planner(o), a.ID)
	case "approve", "refuse":
		if err := p.needStepUp(r.Context(), account.RolloutDecide); err != nil {
			return err
		}
		err = p.plans().Decide(r.Context(), planner(o), a.ID, form["verb"] == "approve", form["reason"])
	default: // silence is no consent
		return fault.New(fault.Invalid, "fault.unknown_verdict", "neither approving nor refusing an act")
	}
	var refusal *rollout.Refusal
	if errors.As(err, &refusal) {
		return p.drawAct(w, r, o, form["reason"], refusal)
	}
	if err != nil {
		return err
	}
	return p.done(w, r, actPath(a.ID.String()), "rollout.done."+form["verb"])
}

// textLink is a table cell that leads somewhere.
func textLink(page *ui.Page, to ui.Link) templ.Component { return rolloutLink(page, to) }
