package qualification

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"akashi/internal/calendar"
)

// wholeForm is a form that somebody has filled in and handed in, as far as some of its fields go.
type wholeForm struct {
	facts Facts
	asked map[string]bool // fields that were asked, of those that were looked at
}

// eachWhole goes through the ways in which a form can be filled in when it is handed in, as far as the fields and conditions
// go that it is told of: what is required is answered, what is not asked is not there. It returns false, and goes through none, when
// there are too many ways.
func (l *linter) eachWhole(p *Procedure, fields []*Field, conditions []*expression, days []calendar.Date, do func(wholeForm)) bool {
	involved := involvedIn(p, fields, conditions)
	var domains [][]string
	all := len(p.Channels) * len(days)
	for _, f := range involved {
		values := f.samples()
		if !f.Required {
			values = append([]string{""}, values...)
		}
		domains = append(domains, values)
		if all *= len(values); all > maxCases {
			return false
		}
	}
	for n := range all {
		w := wholeForm{facts: Facts{Registrar: l.anyRegistrar(), Answers: map[string]string{}}, asked: map[string]bool{}}
		w.facts.Channel, n = p.Channels[n%len(p.Channels)], n/len(p.Channels)
		w.facts.On, n = days[n%len(days)].Time().Add(12*time.Hour), n/len(days)
		given := map[string]string{}
		for i, f := range involved {
			given[f.ID], n = domains[i][n%len(domains[i])], n/len(domains[i])
		}
		if w.fillIn(p, given) {
			do(w)
		}
	}
	return true
}

// fillIn walks the form from front to back and answers what is asked. It returns false when a condition fails, which is said
// elsewhere.
func (w *wholeForm) fillIn(p *Procedure, given map[string]string) bool {
	for i := range p.Groups {
		for j := range p.Groups[i].Fields {
			f := &p.Groups[i].Fields[j]
			value, involved := given[f.ID]
			if !involved {
				continue
			}
			shown, err := p.Groups[i].when.holds(w.facts)
			asked, wrong := f.when.holds(w.facts)
			if err != nil || wrong != nil {
				return false
			}
			if shown && asked {
				w.asked[f.ID] = true
				w.facts.Answers[f.Keys()[0]] = value
			}
		}
	}
	return true
}

// involvedIn lists the fields, those that the conditions read, and those on which it hangs whether any of them is asked, in
// the order of the form.
func involvedIn(p *Procedure, fields []*Field, conditions []*expression) (involved []*Field) {
	wanted, keys := map[string]bool{}, map[string]bool{}
	for _, f := range fields {
		wanted[f.ID] = true
	}
	read := func(e *expression) {
		for _, r := range reads(e) {
			keys[r.key] = keys[r.key] || r.root == "answers"
		}
	}
	for _, e := range conditions {
		read(e)
	}
	for i := len(p.Groups) - 1; i >= 0; i-- { // a condition reads earlier pages, or earlier questions of its own
		for j := len(p.Groups[i].Fields) - 1; j >= 0; j-- {
			f := &p.Groups[i].Fields[j]
			if !wanted[f.ID] && !slices.ContainsFunc(f.Keys(), func(k string) bool { return keys[k] }) {
				continue
			}
			involved = append(involved, f)
			read(f.when)
			read(p.Groups[i].when)
		}
	}
	slices.Reverse(involved)
	return involved
}

func reads(e *expression) []reading {
	if e == nil {
		return nil
	}
	return e.reads
}

// lintBodies refuses a computed body that comes to no body that there is: the case could not be handed in.
func (l *linter) lintBodies(p *Procedure) {
	for i := range p.Routes {
		var conditions []*expression
		for j := range p.Routes[:i+1] {
			conditions = append(conditions, p.Routes[j].when)
		}
		for j := range p.Routes[i].Steps {
			step := &p.Routes[i].Steps[j]
			if step.body == nil || step.body.tooFree() {
				continue
			}
			bad, example := "", "" // the body, and the answers that lead to it
			l.eachWhole(p, nil, append(slices.Clone(conditions), step.body), l.daysOf(p), func(w wholeForm) {
				if example != "" || !p.takes(i, w.facts) {
					return
				}
				v, err := step.body.evaluate(w.facts)
				if body, _ := v.(string); err == nil && !l.knowsRegistrar(body) {
					bad, example = body, step.body.given(w.facts)
				}
			})
			if example != "" {
				l.r.add(fmt.Sprintf("%s.routes[%s].steps[%d].body", procedurePath(p), p.Routes[i].ID, j), "route-body-for", example, bad, registrarsFile)
			}
		}
	}
}

// takes tells whether a case goes by a route, with no switch in force.
func (p *Procedure) takes(route int, f Facts) bool {
	for i := range p.Routes[:route+1] {
		b := p.Routes[i].bound()
		b.registrars = nil
		if ok, err := b.applies(f); err != nil || (ok && !b.switched && i < route) {
			return false
		} else if i == route {
			return ok
		}
	}
	return false
}

// tooFree tells whether an expression reads what a registry says, which is no answer of the form.
func (e *expression) tooFree() bool {
	return slices.ContainsFunc(e.reads, func(r reading) bool { return r.root != "answers" })
}

// given writes what an expression reads of a case.
func (e *expression) given(f Facts) string {
	var parts []string
	for _, r := range e.each() {
		parts = append(parts, fmt.Sprintf("%s[%q] = %q", r.root, r.key, f.Answers[r.key]))
	}
	return strings.Join(parts, ", ")
}

// neededItems lists the items without which an entry gets no credential, number or class.
func (d *Definition) neededItems() (needed []string) {
	add := func(id string) {
		if d.Item(id) != nil && !slices.Contains(needed, id) {
			needed = append(needed, id)
		}
	}
	for _, source := range d.Credential.Fields {
		if id, ok := strings.CutPrefix(source, "item."); ok {
			add(id)
		}
	}
	for _, text := range []string{d.Credential.Title.JA, d.Number.Format} {
		for _, found := range itemPattern.FindAllStringSubmatch(text, -1) {
			add(found[1])
		}
	}
	if d.Classes != nil {
		for _, id := range d.Classes.Items {
			add(id)
		}
	}
	slices.Sort(needed)
	return needed
}

// lintNeeds holds the forms to the items that an entry cannot be without: a registration must fill them, and no other
// procedure may empty them. The decision would stop otherwise, or the credential could not be made.
func (l *linter) lintNeeds(p *Procedure) {
	for _, id := range l.d.neededItems() {
		var fields []*Field
		for i := range p.Groups {
			for j := range p.Groups[i].Fields {
				if p.Groups[i].Fields[j].Item == id {
					fields = append(fields, &p.Groups[i].Fields[j])
				}
			}
		}
		if p.Effect != EffectRegister && len(fields) == 0 {
			continue
		}
		lacks := false
		l.eachWhole(p, fields, nil, []calendar.Date{l.d.ValidFrom}, func(w wholeForm) {
			filled := slices.ContainsFunc(fields, func(f *Field) bool { return w.facts.Answers[f.Keys()[0]] != "" })
			emptied := slices.ContainsFunc(fields, func(f *Field) bool { return w.asked[f.ID] })
			lacks = lacks || !filled && (emptied || p.Effect == EffectRegister)
		})
		if lacks {
			l.r.add(procedurePath(p)+".groups", "item-needed", id)
		}
	}
}

// lintTogether finds a page whose rules hold each alone and never together: nobody could leave it.
func (l *linter) lintTogether(p *Procedure) {
	for i := range p.Groups {
		g := &p.Groups[i]
		var conditions []*expression
		for j := range g.Rules {
			conditions = append(conditions, g.Rules[j].must)
		}
		if len(conditions) < 2 || !l.decided(p, append(slices.Clone(conditions), g.when)) {
			continue
		}
		reached, left := false, false
		tried := l.eachWhole(p, nil, append(slices.Clone(conditions), g.when), []calendar.Date{l.d.ValidFrom}, func(w wholeForm) {
			if ok, err := g.when.holds(w.facts); err != nil || !ok {
				return
			}
			reached = true
			left = left || !slices.ContainsFunc(conditions, func(e *expression) bool {
				ok, err := e.holds(w.facts)
				return err == nil && !ok
			})
		})
		if tried && reached && !left {
			l.r.add(groupPath(p, g)+".rules", "never-left-together")
		}
	}
}

// decided tells whether everything that the conditions hang on is a choice.
func (l *linter) decided(p *Procedure, conditions []*expression) bool {
	if slices.ContainsFunc(conditions, func(e *expression) bool { return e != nil && (e.beyond || e.tooFree()) }) {
		return false
	}
	choice := []FieldKind{KindSelect, KindRadio, KindPrefecture, KindCheckbox}
	return !slices.ContainsFunc(involvedIn(p, nil, conditions), func(f *Field) bool { return !slices.Contains(choice, f.Kind) })
}
