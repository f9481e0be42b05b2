package citizen

import (
	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// offeredWhen says how a procedure stands online at a register: since or until when it is open, from when it will be, and
// whether the counter takes it. Empty when it is open and nothing will end it.
func offeredWhen(page *ui.Page, cat *qualification.Catalogue, register, procedure string) string {
	today := calendar.Of(page.Now)
	o := cat.Offering(register, procedure, qualification.ChannelOnline, today)
	words := ""
	switch {
	case o.Open && !o.Until.IsZero():
		return page.R("standing.until", o.Until.AddDays(-1))
	case o.Open:
		return ""
	case !o.From.IsZero() && links(cat, register, procedure):
		words = page.R("standing.linking.from", o.From)
	case !o.From.IsZero():
		words = page.R("standing.from", o.From)
	case !o.Closed.IsZero():
		words = page.R("standing.closed", o.Closed)
	case links(cat, register, procedure):
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

// links tells whether the procedure ties an existing entry to the card, which nobody does on paper.
func links(cat *qualification.Catalogue, register, procedure string) bool {
	g, ok := cat.Register(register)
	if !ok {
		return false
	}
	def, ok := cat.Definition(g.Qualification)
	if !ok {
		return false
	}
	q := def.Procedure(procedure)
	return q != nil && q.Effect == qualification.EffectLink
}

// comingAt lists the registers at which a procedure is not open online today, each with how it stands.
func comingAt(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition, procedure string) []comingLine {
	var out []comingLine
	for i := range def.Registers {
		g := &def.Registers[i]
		if !cat.Offered(g.ID, procedure, qualification.ChannelOnline, calendar.Of(page.Now)) {
			out = append(out, comingLine{ui.Link{Path: procedurePath(g.ID, procedure), Text: registrarName(page, cat, g.Registrar)}, offeredWhen(page, cat, g.ID, procedure)})
		}
	}
	return out
}

// comingLine is a register that does not take a procedure online yet, or no longer.
type comingLine struct {
	To       ui.Link
	Standing string
}
