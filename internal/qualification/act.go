package qualification

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"akashi/internal/calendar"
)

// ActKind is what a dated act does.
type ActKind string

// The kinds of act. A recall ends an act that has not begun to count, so it is never among those that count.
const (
	ActOpen       ActKind = "open"       // procedures are taken at registers from a day on
	ActClose      ActKind = "close"      // they are no longer taken from a day on
	ActSwitch     ActKind = "switch"     // online applications no longer go through forwarding bodies (経由の廃止)
	ActUnswitch   ActKind = "unswitch"   // they go through them again
	ActOriginal   ActKind = "original"   // the digital credential is the legal original
	ActUnoriginal ActKind = "unoriginal" // it is a copy again
	ActUse        ActKind = "use"        // registers use functions of the platform from a day on (選択的利用)
	ActUnuse      ActKind = "unuse"      // they no longer do
	ActRecall     ActKind = "recall"     // an act that was to begin on a later day does not
)

// Act is an approved dated act about one qualification. It lies over what the definition says itself.
type Act struct {
	ID            string
	Kind          ActKind
	Qualification string
	Bodies        []string // registrars whose registers it is about; for a switch the forwarding bodies
	Procedures    []string // empty: all
	Channel       string   // empty: all
	Functions     []string // of a use or its end
	On            calendar.Date
	DecidedAt     time.Time // of two acts for one day the later decided counts
}

// about tells whether the act says anything about a procedure of a body through a channel.
func (a *Act) about(body, procedure, channel string) bool {
	return slices.Contains(a.Bodies, body) && (len(a.Procedures) == 0 || slices.Contains(a.Procedures, procedure)) &&
		(a.Channel == "" || a.Channel == channel)
}

// Acts are the approved acts that a process knows, by qualification. They never change; a newer set takes their place.
type Acts struct {
	Version int64 // of the table that they were read from
	by      map[string][]Act
}

// NewActs sorts acts by their days.
func NewActs(version int64, list []Act) *Acts {
	a := &Acts{Version: version, by: map[string][]Act{}}
	for _, act := range list {
		a.by[act.Qualification] = append(a.by[act.Qualification], act)
	}
	for _, acts := range a.by {
		slices.SortStableFunc(acts, func(a, b Act) int { return cmp.Or(a.On.Compare(b.On), a.DecidedAt.Compare(b.DecidedAt)) })
	}
	return a
}

// Of returns the acts of a qualification in the order of their days. Do not change them.
func (a *Acts) Of(qualification string) []Act {
	if a == nil {
		return nil
	}
	return a.by[qualification]
}

// UseActs replaces the acts that lie over the definitions, for this catalogue and all that were made from it by With.
func (c *Catalogue) UseActs(a *Acts) { c.acts.Store(a) }

// Acts returns the acts that lie over the definitions, nil when there are none.
func (c *Catalogue) Acts() *Acts { return c.acts.Load() }

// Apart returns a catalogue of the same definitions whose acts are its own, none at first.
func (c *Catalogue) Apart() *Catalogue { return holding(c.held.Load(), &atomic.Pointer[Acts]{}) }

// Offering is how a procedure stands at a register through a channel on a day.
type Offering struct {
	Open     bool
	Since    calendar.Date // open: since when
	SinceAct string        // open: the act that opened it, "" when the definition did
	Until    calendar.Date // open: first day on which it will not be taken any more, zero when none is known
	Closed   calendar.Date // not open, but it was: first day on which it was not taken any more
	From     calendar.Date // not open: first coming day on which it will be taken, zero when none is known
	FromAct  string        // the act that will open it, "" when the definition does
	Listed   bool          // the definition offers it here through this channel at all; only then can an act open it
}

// Offering tells how a procedure stands at a register through a channel ("online", "counter") on a day, by the definition
// and the acts that this process knows.
func (c *Catalogue) Offering(register, procedure, channel string, day calendar.Date) Offering {
	g, ok := c.held.Load().registers[register]
	if !ok {
		return Offering{}
	}
	return c.OfferingUnder(c.Acts().Of(g.Qualification), register, procedure, channel, day)
}

// Offered tells whether a procedure is open at a register through a channel ("online", "counter") on a day.
func (c *Catalogue) Offered(register, procedure, channel string, day calendar.Date) bool {
	return c.Offering(register, procedure, channel, day).Open
}

// OfferingUnder is Offering under other acts of the qualification, in the order of their days.
func (c *Catalogue) OfferingUnder(acts []Act, register, procedure, channel string, day calendar.Date) Offering {
	g, ok := c.held.Load().registers[register]
	if !ok {
		return Offering{}
	}
	since := g.Procedures[procedure].Since(channel)
	if since.IsZero() && channel == ChannelCounter {
		since = c.paperSince(g, procedure)
	}
	if since.IsZero() || channel == ChannelOnline && !c.held.Load().registrars[g.Registrar].Has(FunctionIntake) {
		return Offering{}
	}
	if channel == ChannelOnline && !c.held.Load().registrars[g.Registrar].Has(FunctionPayment) && c.mayCost(g, procedure) {
		return Offering{}
	}
	o := Offering{Listed: true}
	for _, t := range g.turns(acts, procedure, channel, since) {
		o.take(t, day)
	}
	return o
}

// paperSince is the day from which a counter takes a procedure whose offer names no day for it: paper is the way of the law, and
// what is taken online is taken on paper, too, where the procedure has that way. A link needs a card, so nobody files it on
// paper, nor what the definition says is not done on paper. What costs an amount that was not found is not offered, as online.
func (c *Catalogue) paperSince(g *Register, procedure string) calendar.Date {
	d := c.held.Load().current[g.Qualification]
	if d == nil {
		return calendar.Date{}
	}
	p := d.Procedure(procedure)
	if p == nil || p.Effect == EffectLink || p.OnPaper != nil && p.OnPaper.None || !slices.Contains(p.Channels, ChannelCounter) || p.unknownCost(g.Registrar, ChannelCounter) {
		return calendar.Date{}
	}
	return g.Procedures[procedure].Online
}

// unknownCost tells whether what somebody pays at a register through a channel may be an amount that was not found.
func (p *Procedure) unknownCost(registrar, channel string) bool {
	for _, fee := range p.Fees {
		if len(fee.Registrars) > 0 && !slices.Contains(fee.Registrars, registrar) {
			continue
		}
		for i := range fee.Rules {
			b := fee.Rules[i].bound()
			if !b.reaches(registrar, channel) {
				continue
			}
			if fee.Rules[i].Fact.Confidence == Unknown {
				return true
			}
			if b.always() {
				break
			}
		}
	}
	return false
}

// mayCost tells whether an online application for a procedure at a register can have something to pay.
func (c *Catalogue) mayCost(g *Register, procedure string) bool {
	d := c.held.Load().current[g.Qualification]
	if d == nil || d.Procedure(procedure) == nil {
		return false
	}
	for _, fee := range d.Procedure(procedure).Fees {
		if len(fee.Registrars) > 0 && !slices.Contains(fee.Registrars, g.Registrar) {
			continue
		}
		if slices.ContainsFunc(fee.Rules, func(r FeeRule) bool {
			return r.bound().reaches(g.Registrar, ChannelOnline) && (r.Amount.Number > 0 || r.Amount.CEL != "" || r.Fact.Confidence == Unknown)
		}) {
			return true
		}
	}
	return false
}

// turn is a day on which a procedure is opened or closed.
type turn struct {
	on   calendar.Date
	open bool
	act  string
}

// turns lists the days that decide, the definition's own first.
func (g *Register) turns(acts []Act, procedure, channel string, since calendar.Date) []turn {
	var turns []turn
	if g.Rollout != "planned" && !g.OpensOn.IsZero() {
		turns = append(turns, turn{on: later(g.OpensOn, since), open: true})
		if !g.ClosedOn.IsZero() {
			turns = append(turns, turn{on: g.ClosedOn})
		}
	}
	for i := range acts {
		a := &acts[i]
		if !a.about(g.Registrar, procedure, channel) {
			continue
		}
		switch a.Kind {
		case ActOpen:
			turns = append(turns, turn{on: later(a.On, since), open: true, act: a.ID})
		case ActClose:
			turns = append(turns, turn{on: a.On, act: a.ID})
		}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return a.on.Compare(b.on) })
	return turns
}

// take goes on to the next turn.
func (o *Offering) take(t turn, day calendar.Date) {
	switch {
	case !t.on.After(day) && t.open && !o.Open:
		o.Open, o.Since, o.SinceAct, o.Closed = true, t.on, t.act, calendar.Date{}
	case !t.on.After(day) && !t.open && o.Open:
		o.Open, o.Since, o.SinceAct, o.Closed = false, calendar.Date{}, "", t.on
	case t.on.After(day) && !t.open && o.Open && o.Until.IsZero():
		o.Until = t.on
	case t.on.After(day) && t.open && !o.Open && o.From.IsZero():
		o.From, o.FromAct = t.on, t.act
	case t.on.After(day) && !t.open && !o.Open && t.on == o.From:
		o.From, o.FromAct = calendar.Date{}, "" // it ends on the day on which it would begin
	}
}

func later(a, b calendar.Date) calendar.Date {
	if b.After(a) {
		return b
	}
	return a
}

// Direct lists the forwarding bodies past which an online application for a procedure goes directly on a day, ordered by
// id: what Facts.Direct is filled with.
func (c *Catalogue) Direct(qualification, procedure string, day calendar.Date) []string {
	return DirectUnder(c.Acts().Of(qualification), procedure, day)
}

// DirectUnder is Direct under other acts of the qualification, in the order of their days.
func DirectUnder(acts []Act, procedure string, day calendar.Date) []string {
	direct := map[string]bool{}
	for i := range acts {
		a := &acts[i]
		if a.On.After(day) || (a.Kind != ActSwitch && a.Kind != ActUnswitch) || (len(a.Procedures) > 0 && !slices.Contains(a.Procedures, procedure)) {
			continue
		}
		for _, body := range a.Bodies {
			direct[body] = a.Kind == ActSwitch
		}
	}
	var out []string
	for body, is := range direct {
		if is {
			out = append(out, body)
		}
	}
	slices.Sort(out)
	return out
}

// LegalOriginal returns since when the digital credential of a qualification is the legal original on a day; zero when it
// is not.
func (c *Catalogue) LegalOriginal(qualification string, day calendar.Date) calendar.Date {
	d, ok := c.held.Load().current[qualification]
	if !ok {
		return calendar.Date{}
	}
	return LegalOriginalUnder(c.Acts().Of(qualification), d, day)
}

// LegalOriginalUnder is LegalOriginal under other acts of the qualification, in the order of their days.
func LegalOriginalUnder(acts []Act, d *Definition, day calendar.Date) calendar.Date {
	since := d.LegalOriginalFrom
	if since.After(day) {
		since = calendar.Date{}
	}
	for i := range acts {
		switch a := &acts[i]; {
		case a.On.After(day):
		case a.Kind == ActOriginal && since.IsZero():
			since = a.On
		case a.Kind == ActUnoriginal:
			since = calendar.Date{}
		}
	}
	return since
}
