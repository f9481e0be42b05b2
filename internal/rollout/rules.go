package rollout

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// Refusal is why an act cannot be proposed or approved: a rule, and what it met. The pages word it; errors.Is finds its
// kind.
type Refusal struct {
	Kind     fault.Kind // Invalid for what was asked, Conflict for what stands in its way
	Key      string     // message of the catalogue, "rollout.fault.<…>"
	Register string     // the register it met, "" when none
	Body     string     // the body it met, "" when none
	Act      string     // the act that stands in its way, "" when the definition itself does
	On       calendar.Date
}

func (r *Refusal) Error() string {
	what := strings.Join(slices.DeleteFunc([]string{r.Register, r.Body}, func(s string) bool { return s == "" }), " ")
	by := "the definition"
	if r.Act != "" {
		by = "act " + r.Act
	}
	return fmt.Sprintf("%s: %s (%s, %s)", r.Key, what, by, r.On)
}

// Unwrap gives the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

func invalid(key string) *Refusal { return &Refusal{Kind: fault.Invalid, Key: "rollout.fault." + key} }

// judge is what the rules look at.
type judge struct {
	cat   *qualification.Catalogue
	d     *qualification.Definition
	acts  []qualification.Act // approved, of the qualification, in the order of their days
	today calendar.Date
}

// check applies every rule to a proposal: what it names exists, its day lies ahead, and nothing is opened, closed or
// switched twice.
func (j judge) check(p Proposal, target *Act) error {
	if err := j.shape(p); err != nil {
		return err
	}
	switch p.Kind {
	case qualification.ActOpen:
		return j.each(p, j.opens)
	case qualification.ActClose:
		return j.each(p, j.closes)
	case qualification.ActSwitch, qualification.ActUnswitch:
		return j.switches(p)
	case qualification.ActUse, qualification.ActUnuse:
		return j.uses(p)
	case qualification.ActRecall:
		return j.recalls(target)
	}
	return j.originals(p)
}

// shape looks at the proposal by itself.
func (j judge) shape(p Proposal) error {
	if n := utf8.RuneCountInString(strings.TrimSpace(p.Reason)); n == 0 || n > maxReason {
		return invalid("reason")
	}
	if !slices.Contains(Kinds, p.Kind) {
		return invalid("kind")
	}
	if p.Kind != qualification.ActRecall && (p.On.IsZero() || !p.On.Valid() || p.On.Before(earliest(p.Kind, j.today))) {
		r := invalid("date_past")
		r.On = earliest(p.Kind, j.today)
		return r
	}
	if p.Channel != "" && p.Channel != qualification.ChannelOnline && p.Channel != qualification.ChannelCounter {
		return invalid("channel")
	}
	for _, id := range p.Procedures {
		if j.d.Procedure(id) == nil {
			return invalid("procedure")
		}
	}
	if err := shapeOfUse(p); err != nil {
		return err
	}
	return j.bodies(p)
}

// IsOfUse tells whether a kind of act is about the functions that registers use.
func IsOfUse(k qualification.ActKind) bool {
	return k == qualification.ActUse || k == qualification.ActUnuse
}

// shapeOfUse sees that an act about functions names some, each once, and nothing but them; and that no other names any.
func shapeOfUse(p Proposal) error {
	if IsOfUse(p.Kind) != (len(p.Functions) > 0) {
		return invalid("functions")
	}
	for i, f := range p.Functions {
		if !slices.Contains(qualification.Functions, f) || slices.Contains(p.Functions[:i], f) {
			return invalid("functions")
		}
	}
	switch {
	case IsOfUse(p.Kind) && len(p.Procedures) > 0:
		return invalid("procedure")
	case IsOfUse(p.Kind) && p.Channel != "":
		return invalid("channel")
	}
	return nil
}

// earliest is the first day for which an act of a kind can be proposed: tomorrow, so that nobody is surprised; what must
// stop can stop today.
func earliest(k qualification.ActKind, today calendar.Date) calendar.Date {
	if k == qualification.ActClose || k == qualification.ActUnswitch || k == qualification.ActUnoriginal || k == qualification.ActUnuse {
		return today
	}
	return today.AddDays(1)
}

// Earliest is the first day for which an act of a kind can be proposed on a day.
func Earliest(k qualification.ActKind, today calendar.Date) calendar.Date { return earliest(k, today) }

// Scoped tells whether a kind of act is about registers or forwarding bodies that it names.
func Scoped(k qualification.ActKind) bool {
	return k == qualification.ActOpen || k == qualification.ActClose || k == qualification.ActSwitch || k == qualification.ActUnswitch || IsOfUse(k)
}

func (j judge) bodies(p Proposal) error {
	scoped := Scoped(p.Kind)
	if scoped && len(p.Bodies) == 0 {
		return invalid("no_bodies")
	}
	if scoped != (len(p.Bodies) > 0) {
		return invalid("bodies")
	}
	for i, b := range p.Bodies {
		known := slices.ContainsFunc(j.d.Registers, func(g qualification.Register) bool { return g.Registrar == b })
		if p.Kind == qualification.ActSwitch || p.Kind == qualification.ActUnswitch {
			_, known = j.cat.Registrar(b)
		}
		if !known || slices.Contains(p.Bodies[:i], b) {
			return &Refusal{Kind: fault.Invalid, Key: "rollout.fault.register", Body: b}
		}
	}
	return nil
}

// cell is one procedure of one register through one channel.
type cell struct{ register, procedure, channel string }

// cells lists the procedures and channels of a register that a proposal is about and that the definition offers there.
func (j judge) cells(p Proposal, body string) []cell {
	var out []cell
	register := j.d.ID + "." + body
	for i := range j.d.Procedures {
		id := j.d.Procedures[i].ID
		if len(p.Procedures) > 0 && !slices.Contains(p.Procedures, id) {
			continue
		}
		for _, channel := range []string{qualification.ChannelOnline, qualification.ChannelCounter} {
			if (p.Channel == "" || p.Channel == channel) && j.cat.OfferingUnder(nil, register, id, channel, j.today).Listed {
				out = append(out, cell{register, id, channel})
			}
		}
	}
	return out
}

// each applies a rule to every register; a register to which nothing of the proposal applies is refused.
func (j judge) each(p Proposal, rule func(Proposal, []cell) *Refusal) error {
	for _, b := range p.Bodies {
		cells := j.cells(p, b)
		if len(cells) == 0 {
			return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.nothing_offered", Register: j.d.ID + "." + b, Body: b}
		}
		if refusal := rule(p, cells); refusal != nil {
			refusal.Body = b
			return refusal
		}
	}
	return nil
}

// opens refuses what is open on the day already, or will be opened later by something else.
func (j judge) opens(p Proposal, cells []cell) *Refusal {
	for _, c := range cells {
		o := j.cat.OfferingUnder(j.acts, c.register, c.procedure, c.channel, p.On)
		switch {
		case o.Open:
			return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.open_already", Register: c.register, Act: o.SinceAct, On: o.Since}
		case !o.From.IsZero():
			return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.opens_later", Register: c.register, Act: o.FromAct, On: o.From}
		}
	}
	return nil
}

// closes refuses a register at which nothing is open on the day.
func (j judge) closes(p Proposal, cells []cell) *Refusal {
	for _, c := range cells {
		if j.cat.OfferingUnder(j.acts, c.register, c.procedure, c.channel, p.On).Open {
			return nil
		}
	}
	return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.not_open", Register: cells[0].register, On: p.On}
}

// switches refuses a procedure without a direct way, and a body that is switched (or not) already.
func (j judge) switches(p Proposal) error {
	procedures := j.switchable(p.Procedures)
	if len(procedures) == 0 {
		return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.no_direct_way"}
	}
	for _, b := range p.Bodies {
		changes := false
		for _, id := range procedures {
			changes = changes || slices.Contains(qualification.DirectUnder(j.acts, id, p.On), b) != (p.Kind == qualification.ActSwitch)
		}
		if !changes {
			key := "rollout.fault.switched_already"
			if p.Kind == qualification.ActUnswitch {
				key = "rollout.fault.not_switched"
			}
			return &Refusal{Kind: fault.Conflict, Key: key, Body: b, Act: j.switchedBy(b, p.On), On: p.On}
		}
	}
	return nil
}

// uses refuses a register at which nothing would change: it uses the functions on the day already, or will by another act; or,
// for an end, it uses none of them.
func (j judge) uses(p Proposal) error {
	for _, b := range p.Bodies {
		if len(j.changing(p, b)) > 0 {
			continue
		}
		r := &Refusal{Kind: fault.Conflict, Key: "rollout.fault.not_used", Register: j.d.ID + "." + b, Body: b, On: p.On}
		switch o := j.cat.UsingUnder(j.acts, r.Register, p.Functions[0], p.On); {
		case !o.Listed:
			r.Key = "rollout.fault.no_credentials"
		case p.Kind == qualification.ActUnuse:
		case o.Open:
			r.Key, r.Act = "rollout.fault.used_already", o.SinceAct
		default:
			r.Key, r.Act, r.On = "rollout.fault.used_later", o.FromAct, o.From
		}
		return r
	}
	return nil
}

// changing lists the functions of a proposal that a register would begin to use, or cease to.
func (j judge) changing(p Proposal, body string) (out []string) {
	for _, f := range p.Functions {
		o := j.cat.UsingUnder(j.acts, j.d.ID+"."+body, f, p.On)
		if p.Kind == qualification.ActUse && o.Listed && !o.Open && o.From.IsZero() || p.Kind == qualification.ActUnuse && o.Open {
			out = append(out, f)
		}
	}
	return out
}

// switchable lists, of some procedures (all when none are named), those for which the definition has a direct way that a
// switch opens.
func (j judge) switchable(procedures []string) []string {
	var out []string
	for i := range j.d.Procedures {
		p := &j.d.Procedures[i]
		direct := slices.ContainsFunc(p.Routes, func(r qualification.RouteRule) bool { return r.ForwardSwitch })
		if direct && (len(procedures) == 0 || slices.Contains(procedures, p.ID)) {
			out = append(out, p.ID)
		}
	}
	return out
}

// switchedBy finds the last act on a day that switched a body.
func (j judge) switchedBy(body string, day calendar.Date) (id string) {
	for i := range j.acts {
		a := &j.acts[i]
		if a.Kind == qualification.ActSwitch && !a.On.After(day) && slices.Contains(a.Bodies, body) {
			id = a.ID
		}
	}
	return id
}

// originals refuses to make the credential what it is already.
func (j judge) originals(p Proposal) error {
	since := qualification.LegalOriginalUnder(j.acts, j.d, p.On)
	switch {
	case p.Kind == qualification.ActOriginal && !since.IsZero():
		return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.original_already", Act: j.originalBy(since), On: since}
	case p.Kind == qualification.ActUnoriginal && since.IsZero():
		return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.not_original", On: p.On}
	}
	return nil
}

func (j judge) originalBy(since calendar.Date) string {
	for i := range j.acts {
		if j.acts[i].Kind == qualification.ActOriginal && j.acts[i].On == since {
			return j.acts[i].ID
		}
	}
	return ""
}

// recalls refuses to recall anything but an approved act whose day has not come.
func (j judge) recalls(target *Act) error {
	switch {
	case target == nil || target.Qualification != j.d.ID || target.Kind == qualification.ActRecall:
		return invalid("recall_unknown")
	case target.State != Approved:
		return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.recall_state", Act: target.ID.String()}
	case !target.On.After(j.today):
		return &Refusal{Kind: fault.Conflict, Key: "rollout.fault.recall_late", Act: target.ID.String(), On: target.On}
	}
	return nil
}

// Effect is what an act would do, for whoever proposes it or decides on it.
type Effect struct {
	Registers  int      // registers, or forwarding bodies of a switch
	Procedures []string // of the definition, in its order, at one of them at least
	Functions  []string // that begin or cease to be used
}

// effect counts what a proposal is about.
func (j judge) effect(p Proposal) Effect {
	e := Effect{Registers: len(p.Bodies)}
	if IsOfUse(p.Kind) {
		e.Functions = p.Functions
		return e
	}
	touched := map[string]bool{}
	for _, b := range p.Bodies {
		for _, c := range j.cells(p, b) {
			touched[c.procedure] = true
		}
	}
	if p.Kind == qualification.ActSwitch || p.Kind == qualification.ActUnswitch {
		for _, id := range j.switchable(p.Procedures) {
			touched[id] = true
		}
	}
	for i := range j.d.Procedures {
		if touched[j.d.Procedures[i].ID] {
			e.Procedures = append(e.Procedures, j.d.Procedures[i].ID)
		}
	}
	return e
}
