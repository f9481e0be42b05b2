package qualification

import (
	"fmt"
	"slices"
	"strings"
)

// lintForm holds the questions of a procedure together. A condition may look at earlier questions only, so that the
// form can be walked from front to back.
func (l *linter) lintForm(p *Procedure) {
	earlier, fields := map[string]bool{}, map[string]bool{}
	for i := range p.Groups {
		g := &p.Groups[i]
		at := groupPath(p, g)
		l.lintReads(g.when, at+".when", earlier, "no earlier question gives it")
		for j := range g.Fields {
			f := &g.Fields[j]
			path := fmt.Sprintf("%s.fields[%s]", at, f.ID)
			if fields[f.ID] {
				l.r.add(path, "another page of the procedure has a field of this id")
			}
			fields[f.ID] = true
			l.lintReads(f.when, path+".when", earlier, "no earlier question gives it")
			l.lintField(p, f, path)
			for _, key := range f.Keys() {
				earlier[key] = true
			}
		}
		l.lintRules(g, at, earlier)
	}
}

func (l *linter) lintRules(g *Group, at string, answers map[string]bool) {
	for i := range g.Rules {
		rule := &g.Rules[i]
		path := fmt.Sprintf("%s.rules[%s]", at, rule.ID)
		l.lintReads(rule.must, path+".must", answers, "no question so far gives it")
		if !slices.ContainsFunc(g.Fields, func(f Field) bool { return f.ID == rule.Field }) {
			l.r.add(path+".field", "no field %q on this page", rule.Field)
		}
	}
}

func (l *linter) lintField(p *Procedure, f *Field, path string) {
	if f.Fixed && f.Prefill == "" {
		l.r.add(path+".prefill", "missing: a fixed value comes from somewhere")
	}
	if f.Prefill != "" && !l.knowsPrefill(p, f.Prefill) {
		l.r.add(path+".prefill", "%q is no official value here", f.Prefill)
	}
	if f.Past && f.Kind != KindDate && f.Kind != KindYearMonth {
		l.r.add(path+".past", "only a date or a month can be in the past")
	}
	if f.Domestic && f.Kind != KindPrefecture {
		l.r.add(path+".domestic", "only a prefecture can be in Japan")
	}
	item := l.d.Item(f.Item)
	if f.Item != "" && item == nil {
		l.r.add(path+".item", "no register item %q", f.Item)
	}
	if item != nil && !sameKind(f.Kind, item.Kind) {
		l.r.add(path+".kind", "%s, but the register item %s is %s", f.Kind, item.ID, item.Kind)
	}
	l.lintOptions(f, item, path)
}

// lintOptions compares the choices of a field with those of its register item.
func (l *linter) lintOptions(f *Field, item *Item, path string) {
	choice := f.Kind == KindSelect || f.Kind == KindRadio
	if !choice && len(f.Options) > 0 {
		l.r.add(path+".options", "only a select or a radio has options")
	}
	if choice && len(f.Options) == 0 {
		l.r.add(path+".options", "missing")
	}
	seen := map[string]bool{}
	for i, o := range f.Options {
		at := fmt.Sprintf("%s.options[%d].value", path, i)
		if seen[o.Value] {
			l.r.add(at, "%q stands twice", o.Value)
		}
		seen[o.Value] = true
		if item != nil && len(item.Options) > 0 && !slices.ContainsFunc(item.Options, func(known Option) bool { return known.Value == o.Value }) {
			l.r.add(at, "the register item %s has no value %q", item.ID, o.Value)
		}
	}
}

func sameKind(a, b FieldKind) bool {
	choice := func(k FieldKind) bool { return k == KindSelect || k == KindRadio }
	return a == b || (choice(a) && choice(b))
}

func (l *linter) knowsPrefill(p *Procedure, prefill string) bool {
	if slices.Contains(residentPrefills, prefill) {
		return true
	}
	entry, ok := strings.CutPrefix(prefill, "entry.")
	if !ok || p.Effect == EffectRegister || p.Effect == EffectLink {
		return false
	}
	return entry == "number" || entry == "registered_on" || l.d.Item(entry) != nil
}

// answerKeys lists the keys of every value that the form of a procedure can give.
func answerKeys(p *Procedure) map[string]bool {
	keys := map[string]bool{}
	for i := range p.Groups {
		for j := range p.Groups[i].Fields {
			for _, key := range p.Groups[i].Fields[j].Keys() {
				keys[key] = true
			}
		}
	}
	return keys
}
