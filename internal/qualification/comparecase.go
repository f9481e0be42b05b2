package qualification

import (
	"fmt"
	"slices"
	"strings"

	"akashi/internal/calendar"
)

// fees compares what each fee that both versions have costs, in yen and since when.
func (w *comparer) fees() {
	for i := range w.next.Procedures {
		p := &w.next.Procedures[i]
		before := w.old.Procedure(p.ID)
		if before == nil {
			continue
		}
		for j := range p.Fees {
			k := slices.IndexFunc(before.Fees, func(f Fee) bool { return f.ID == p.Fees[j].ID })
			if k >= 0 {
				w.fee(fmt.Sprintf("%s.fees[%s].rules", procedurePath(p), p.Fees[j].ID), &before.Fees[k], &p.Fees[j])
			}
		}
	}
}

// scope says for which cases a rule is meant, apart from its days.
func (r *FeeRule) scope() string {
	parts := slices.Concat(r.Registrars, r.Channels)
	if r.When != "" {
		parts = append(parts, "when "+r.When)
	}
	return strings.Join(parts, ", ")
}

// on returns the rule of a scope that decides on a day, nil when none does.
func (fee *Fee) on(scope string, day calendar.Date) *FeeRule {
	i := slices.IndexFunc(fee.Rules, func(r FeeRule) bool {
		return r.scope() == scope && (r.From.IsZero() || !day.Before(r.From)) && (r.Until.IsZero() || !day.After(r.Until))
	})
	if i < 0 {
		return nil
	}
	return &fee.Rules[i]
}

// costs writes the amount of a rule.
func (r *FeeRule) costs() string {
	switch {
	case r == nil:
		return "no rule"
	case r.Fact.Confidence == Unknown:
		return "not known"
	case r.Amount.CEL != "":
		return r.Amount.CEL
	}
	return r.Amount.String() + " yen"
}

func (w *comparer) fee(path string, before, after *Fee) {
	var scopes []string
	for _, r := range slices.Concat(before.Rules, after.Rules) {
		if !slices.Contains(scopes, r.scope()) {
			scopes = append(scopes, r.scope())
		}
	}
	for _, scope := range scopes {
		last := Change{}
		for _, day := range w.feeDays(before, after) {
			a, b := before.on(scope, day), after.on(scope, day)
			c := Change{Path: path, What: "fee", How: "changed", Old: a.costs(), New: b.costs()}
			if c.Old != c.New && (c.Old != last.Old || c.New != last.New) {
				c.Say = fmt.Sprintf("%s%s: %s → %s, since %s", after.Label.JA, inBrackets(scope), c.Old, c.New, day)
				w.result.Changes = append(w.result.Changes, c)
				w.rise(path, a, b, day)
			}
			if c.Old == c.New && a != nil && a.Fact != b.Fact {
				w.source(path, scope, a.Fact, b.Fact)
			}
			last = c
		}
	}
}

// feeDays lists the days from which an amount may be another: the first of the new version, and those that its rules and
// the earlier ones name after it.
func (w *comparer) feeDays(fees ...*Fee) []calendar.Date {
	days := []calendar.Date{w.next.ValidFrom}
	for _, fee := range fees {
		for _, r := range fee.Rules {
			if r.From.After(w.next.ValidFrom) {
				days = append(days, r.From)
			}
			if !r.Until.IsZero() && !r.Until.Before(w.next.ValidFrom) {
				days = append(days, r.Until.AddDays(1))
			}
		}
	}
	slices.SortFunc(days, calendar.Date.Compare)
	return slices.Compact(days)
}

func (w *comparer) source(path, scope string, a, b Fact) {
	c := Change{Path: path, What: "source", How: "changed", Old: a.Source + " (" + string(a.Confidence) + ")", New: b.Source + " (" + string(b.Confidence) + ")"}
	c.Say = "the source of the amount changes" + inBrackets(scope) + ": " + c.Old + " → " + c.New
	if !slices.Contains(w.result.Changes, c) {
		w.result.Changes = append(w.result.Changes, c)
	}
}

// rise says who pays more from when.
func (w *comparer) rise(path string, a, b *FeeRule, day calendar.Date) {
	if a == nil || b == nil || a.Amount.CEL != "" || b.Amount.CEL != "" || b.Amount.Number <= a.Amount.Number {
		return
	}
	w.result.Open = append(w.result.Open, fmt.Sprintf("%s: the fee rises; a case begun before %s pays what its own version says (%s), also when it is filed later", path, w.next.ValidFrom, a.costs()))
	w.result.Coming = append(w.result.Coming, fmt.Sprintf("%s: a case filed from %s on pays %s instead of %s", path, day, b.costs(), a.costs()))
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// consequences says what the changes mean for the cases and entries that are there, and for those to come.
func (w *comparer) consequences() {
	c := w.result
	if len(c.Changes) == 0 {
		return
	}
	open := func(format string, args ...any) { c.Open = append(c.Open, fmt.Sprintf(format, args...)) }
	coming := func(format string, args ...any) { c.Coming = append(c.Coming, fmt.Sprintf(format, args...)) }
	if len(c.Refused) == 0 {
		c.Open = slices.Insert(c.Open, 0, fmt.Sprintf("cases begun before %s, drafts too, keep version %s to their end: its pages, documents, fees, checks and route", c.NewFrom, c.Old))
		c.Coming = slices.Insert(c.Coming, 0, fmt.Sprintf("cases begun from %s on are made under version %s", c.NewFrom, c.New))
	}
	for _, x := range c.Changes {
		required := strings.Contains(x.Say, "(required)") || strings.HasSuffix(x.Path, ".required") && x.New == "true"
		switch {
		case x.What == "procedure" && x.How == "removed":
			coming("%s: nobody can begin it any more; open cases go on", x.Path)
		case x.What == "document" && x.How == "added", (x.What == "field" || x.What == "document") && required:
			coming("%s: is asked of new cases alone", x.Path)
		case x.What == "item" && x.How == "added":
			open("%s: entries made before have no value of it until a case writes one%s", x.Path, w.shown(x.Path))
		case x.What == "item" && x.How == "removed":
			open("%s: entries hold values of it that the new version could not show", x.Path)
		case x.What == "item" && strings.HasSuffix(x.Path, ".kind"):
			open("%s: entries hold values of the kind %s, which are then read as %s", x.Path, x.Old, x.New)
		case x.What == "choice" && x.How == "removed" && strings.HasPrefix(x.Path, "items["):
			open("%s: entries that have this value show it without words", x.Path)
		case x.What == "register" && x.How == "removed":
			open("%s: its entries and open cases would belong to no register", x.Path)
		case strings.HasPrefix(x.Path, "credential.") && x.What != "source":
			open("%s: credentials that were issued keep what they say", x.Path)
		}
	}
}

// shown warns of a credential that needs the item: a source without a value stops the issue.
func (w *comparer) shown(path string) string {
	id := strings.TrimSuffix(strings.TrimPrefix(path, "items["), "]")
	for _, source := range w.next.Credential.Fields {
		if source == "item."+id {
			return "; the credential shows it, and for an entry without it none can be issued"
		}
	}
	return ""
}
