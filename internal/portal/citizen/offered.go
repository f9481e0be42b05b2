package citizen

import (
	"slices"

	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// offeredWhen says how a procedure stands online at a register: since or until when it is open, from when it will be, and
// whether the counter takes it. Empty when it is open and nothing will end it.
func offeredWhen(page *ui.Page, cat *qualification.Catalogue, register, procedure string) string {
	today := calendar.Of(page.Now)
	o := cat.Offering(register, procedure, qualification.ChannelOnline, today)
	words, effect, paper := "", qualification.Effect(""), true
	if q := procedureOn(cat, register, procedure); q != nil {
		effect, paper = q.Effect, q.OnPaper == nil || !q.OnPaper.None
	}
	links := effect == qualification.EffectLink
	switch {
	case o.Open && !o.Until.IsZero():
		return page.R("standing.until", o.Until.AddDays(-1))
	case o.Open:
		return ""
	case !o.From.IsZero() && links:
		words = page.R("standing.linking.from", o.From)
	case !o.From.IsZero() && !paper:
		words = page.R("standing.no_paper.from", o.From)
	case !paper:
		words = page.R("standing.no_paper")
	case !o.From.IsZero():
		words = page.R("standing.from", o.From)
	case !o.Closed.IsZero():
		words = page.R("standing.closed", o.Closed)
	case links:
		words = page.R("standing.linking")
	case o.Listed:
		words = page.R("standing.undecided")
	default:
		words = page.R("standing.paper_only")
	}
	if cat.Offered(register, procedure, qualification.ChannelCounter, today) {
		words += " " + page.R("standing.counter")
	}
	return words
}

// procedureOn returns a procedure of a register, nil when there is none.
func procedureOn(cat *qualification.Catalogue, register, procedure string) *qualification.Procedure {
	g, ok := cat.Register(register)
	if !ok {
		return nil
	}
	def, ok := cat.Definition(g.Qualification)
	if !ok {
		return nil
	}
	return def.Procedure(procedure)
}

// comingAt lists the registers at which a procedure is not open online today, together where they stand alike, in the order
// in which the first of each comes.
func comingAt(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition, procedure string) (out []comingGroup) {
	for i := range def.Registers {
		g := &def.Registers[i]
		if cat.Offered(g.ID, procedure, qualification.ChannelOnline, calendar.Of(page.Now)) {
			continue
		}
		standing := offeredWhen(page, cat, g.ID, procedure)
		k := slices.IndexFunc(out, func(c comingGroup) bool { return c.Standing == standing })
		if k < 0 {
			k, out = len(out), append(out, comingGroup{Standing: standing})
		}
		out[k].To = append(out[k].To, ui.Link{Path: procedurePath(g.ID, procedure), Text: registrarName(page, cat, g.Registrar)})
	}
	return out
}

// comingGroup is registers that do not take a procedure online yet, or no longer, and stand alike.
type comingGroup struct {
	Standing string
	To       []ui.Link
}
