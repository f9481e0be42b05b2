package citizen

import (
	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// lack says that a register does not use a function today, since when, and what its holder does instead; nil when it does.
func lack(page *ui.Page, cat *qualification.Catalogue, register, function string) *ui.Notice {
	o := cat.Using(register, function, calendar.Of(page.Now))
	g, ok := cat.Register(register)
	if o.Open || !ok {
		return nil
	}
	args := ui.Args{"body": registrarName(page, cat, g.Registrar), "function": page.R("function.name." + function), "day": o.Closed}
	n := &ui.Notice{Tone: ui.Info, Title: page.R("function.none", args), Body: page.R("function.instead." + function)}
	if !o.Closed.IsZero() {
		n.Title = page.R("function.ended", args)
	}
	if !o.From.IsZero() {
		n.Body += page.R("function.coming", o.From)
	}
	return n
}

// lacks lists what a register does not use of some functions.
func lacks(page *ui.Page, cat *qualification.Catalogue, register string, functions ...string) (out []ui.Notice) {
	for _, f := range functions {
		if n := lack(page, cat, register, f); n != nil {
			out = append(out, *n)
		}
	}
	return out
}
