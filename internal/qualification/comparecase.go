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

// scopeSaid is the scope in words.
func (r *FeeRule) scopeSaid() Saying {
	bodies := slices.Concat(r.Registrars, r.Channels)
	switch {
	case r.When == "":
		return Say("scope-bodies", bodies)
	case len(bodies) == 0:
		return Say("scope-when", r.When)
	}
	return Say("scope-and-when", bodies, r.When)
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

// costs says the amount of a rule.
func (r *FeeRule) costs() Saying {
	switch {
	case r == nil:
		return Say("cost-no-rule")
	case r.Fact.Confidence == Unknown:
		return Say("cost-unknown")
	case r.Amount.CEL != "":
		return Say("cost-worked-out", r.Amount.CEL)
	}
	return Say("cost-yen", r.Amount.Number)
}

func (w *comparer) fee(path string, before, after *Fee) {
	var scopes []string
	said := map[string]Saying{}
	for _, r := range slices.Concat(before.Rules, after.Rules) {
		if !slices.Contains(scopes, r.scope()) {
			scopes = append(scopes, r.scope())
			said[r.scope()] = r.scopeSaid()
		}
	}
	for _, scope := range scopes {
		last := Change{}
		for _, day := range w.feeDays(before, after) {
			a, b := before.on(scope, day), after.on(scope, day)
			c := Change{Path: path, What: "fee", How: "changed", Old: a.costs().String(), New: b.costs().String()}
			if c.Old != c.New && (c.Old != last.Old || c.New != last.New) {
				c.Said = Say("fee-changes", after.Label, a.costs(), b.costs(), day)
				if scope != "" {
					c.Said = Say("fee-changes-for", after.Label, said[scope], a.costs(), b.costs(), day)
				}
				w.result.Changes = append(w.result.Changes, c)
				w.rise(path, a, b, day)
			}
			if c.Old == c.New && a != nil && a.Fact != b.Fact {
				w.source(path, scope, said[scope], a.Fact, b.Fact)
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

func (w *comparer) source(path, scope string, inWords Saying, a, b Fact) {
	c := Change{Path: path, What: "source", How: "changed", Old: a.said().String(), New: b.said().String(), Said: Say("fee-source-for", inWords, a.said(), b.said())}
	if scope == "" {
		c.Said = Say("fee-source", a.said(), b.said())
	}
	if !slices.ContainsFunc(w.result.Changes, func(known Change) bool { return known.String() == c.String() }) {
		w.result.Changes = append(w.result.Changes, c)
	}
}

// rise says who pays more from when.
func (w *comparer) rise(path string, a, b *FeeRule, day calendar.Date) {
	if a == nil || b == nil || a.Amount.CEL != "" || b.Amount.CEL != "" || b.Amount.Number <= a.Amount.Number {
		return
	}
	w.result.Open = append(w.result.Open, Finding{Path: path, Said: Say("open-fee-rises", w.next.ValidFrom, a.costs())})
	w.result.Coming = append(w.result.Coming, Finding{Path: path, Said: Say("new-fee-rises", day, b.costs(), a.costs())})
}

// consequences says what the changes mean for the cases and entries that are there, and for those to come.
func (w *comparer) consequences() {
	c := w.result
	if len(c.Changes) == 0 {
		return
	}
	open := func(path string, code Code, args ...any) {
		c.Open = append(c.Open, Finding{Path: path, Said: Say(code, args...)})
	}
	coming := func(path string, code Code) { c.Coming = append(c.Coming, Finding{Path: path, Said: Say(code)}) }
	if len(c.Refused) == 0 {
		c.Open = slices.Insert(c.Open, 0, Finding{Said: Say("open-keep", c.NewFrom, c.Old)})
		c.Coming = slices.Insert(c.Coming, 0, Finding{Said: Say("new-begun", c.NewFrom, c.New)})
	}
	for _, x := range c.Changes {
		required := x.required || strings.HasSuffix(x.Path, ".required") && x.New == "true"
		switch {
		case x.What == "procedure" && x.How == "removed":
			coming(x.Path, "new-procedure-gone")
		case x.What == "document" && x.How == "added", (x.What == "field" || x.What == "document") && required:
			coming(x.Path, "new-asked")
		case x.What == "item" && x.How == "added":
			open(x.Path, w.itemAdded(x.Path))
		case x.What == "item" && x.How == "removed":
			open(x.Path, "open-item-gone")
		case x.What == "item" && strings.HasSuffix(x.Path, ".kind"):
			open(x.Path, "open-item-kind", x.Old, x.New)
		case x.What == "choice" && x.How == "removed" && strings.HasPrefix(x.Path, "items["):
			open(x.Path, "open-choice-gone")
		case x.What == "register" && x.How == "removed":
			open(x.Path, "open-register-gone")
		case strings.HasPrefix(x.Path, "credential.") && x.What != "source":
			open(x.Path, "open-credential")
		}
	}
}

// itemAdded says what a new item means for entries. It warns of a credential that needs the item: a source without a value
// stops the issue.
func (w *comparer) itemAdded(path string) Code {
	id := strings.TrimSuffix(strings.TrimPrefix(path, "items["), "]")
	for _, source := range w.next.Credential.Fields {
		if source == "item."+id {
			return "open-item-shown"
		}
	}
	return "open-item-added"
}
