package office

import (
	"slices"
	"strings"

	"akashi/internal/calendar"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// changesUse tells whether a register could begin to use a function (or cease to) by an act that is proposed now.
func changesUse(cat *qualification.Catalogue, d *qualification.Definition, body, function string, kind qualification.ActKind, today calendar.Date) bool {
	o := cat.Using(d.ID+"."+body, function, today)
	if kind == qualification.ActUse {
		return o.Listed && o.From.IsZero() && (!o.Open || !o.Until.IsZero())
	}
	return o.Open || !o.From.IsZero()
}

// functionsControl offers the functions that one of the registers could begin or cease to use.
func functionsControl(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition, d actDraft, scope []string) ui.Control {
	c := ui.Control{Name: "functions", Label: page.R("rollout.functions"), Hint: page.R("rollout.functions_hint"), NoNeed: true, Value: d.Functions,
		Problem: page.ProblemFor("functions")}
	for _, f := range qualification.Functions {
		if slices.ContainsFunc(scope, func(body string) bool { return changesUse(cat, def, body, f, d.Kind, calendar.Of(page.Now)) }) {
			c.Choices = append(c.Choices, ui.Choice{Value: f, Label: page.R("function." + f), Hint: page.R("function.hint." + f)})
		}
	}
	return c
}

// functionNames lists functions in the order in which pages show them.
func functionNames(page *ui.Page, functions []string) string {
	var names []string
	for _, f := range qualification.Functions {
		if slices.Contains(functions, f) {
			names = append(names, page.R("function."+f))
		}
	}
	return strings.Join(names, page.T("list.comma"))
}

// useLine is what some functions of a register have in common that it does not use, or that will change.
type useLine struct {
	Text string
	Act  string // that brings it about, "" when it is over or the definition does
}

// usesView is which functions a register uses.
type usesView struct {
	Words string // "" where no digital credentials are issued
	Lines []useLine
}

// usesOf sums up the functions of a register: those that stand alike are named together.
func usesOf(page *ui.Page, cat *qualification.Catalogue, register string, today calendar.Date) usesView {
	used, listed := 0, false
	alike := map[qualification.Offering][]string{}
	var order []qualification.Offering
	for _, f := range qualification.Functions {
		o := cat.Using(register, f, today)
		listed = listed || o.Listed
		if o.Open {
			used++
		}
		if alike[o] == nil {
			order = append(order, o)
		}
		alike[o] = append(alike[o], f)
	}
	var v usesView
	switch {
	case !listed:
		return v
	case used == len(qualification.Functions):
		v.Words = page.R("uses.all")
	case used == 0:
		v.Words = page.R("uses.none")
	default:
		v.Words = page.R("uses.some", len(qualification.Functions), used)
	}
	for _, o := range order {
		if line, tell := useLineOf(page, o, functionNames(page, alike[o])); tell {
			v.Lines = append(v.Lines, line)
		}
	}
	return v
}

// useLineOf words how functions stand; nothing is told of those that are used for good.
func useLineOf(page *ui.Page, o qualification.Offering, names string) (line useLine, tell bool) {
	switch {
	case o.Open && o.Until.IsZero():
		return line, false
	case o.Open:
		return useLine{Text: page.R("uses.until", names, o.Until)}, true
	case !o.From.IsZero():
		return useLine{page.R("uses.from", names, o.From), o.FromAct}, true
	case !o.Closed.IsZero():
		return useLine{Text: page.R("uses.ended", names, o.Closed)}, true
	}
	return useLine{Text: page.R("uses.not", names)}, true
}
