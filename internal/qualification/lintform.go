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
		l.lintReads(g.when, at+".when", earlier, "read-not-earlier")
		for j := range g.Fields {
			f := &g.Fields[j]
			path := fmt.Sprintf("%s.fields[%s]", at, f.ID)
			if fields[f.ID] {
				l.r.add(path, "field-twice")
			}
			fields[f.ID] = true
			l.lintReads(f.when, path+".when", earlier, "read-not-earlier")
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
		l.lintReads(rule.must, path+".must", answers, "read-not-so-far")
		if !slices.ContainsFunc(g.Fields, func(f Field) bool { return f.ID == rule.Field }) {
			l.r.add(path+".field", "rule-field", rule.Field)
		}
	}
}

func (l *linter) lintField(p *Procedure, f *Field, path string) {
	if f.Fixed && f.Prefill == "" {
		l.r.add(path+".prefill", codeNoPrefill)
	}
	if f.Prefill != "" && !l.knowsPrefill(p, f.Prefill) {
		l.r.add(path+".prefill", "field-prefill", f.Prefill)
	}
	if f.Past && f.Kind != KindDate && f.Kind != KindYearMonth {
		l.r.add(path+".past", "field-past")
	}
	if f.Domestic && f.Kind != KindPrefecture {
		l.r.add(path+".domestic", "field-domestic")
	}
	item := l.d.Item(f.Item)
	if f.Item != "" && item == nil {
		l.r.add(path+".item", "item-none", f.Item)
	}
	if item != nil && !sameKind(f.Kind, item.Kind) {
		l.r.add(path+".kind", "field-kind", string(f.Kind), item.ID, string(item.Kind))
	}
	l.lintOptions(f, item, path)
}

// lintOptions compares the choices of a field with those of its register item.
func (l *linter) lintOptions(f *Field, item *Item, path string) {
	choice := f.Kind == KindSelect || f.Kind == KindRadio
	if !choice && len(f.Options) > 0 {
		l.r.add(path+".options", "field-no-choice", "select", "radio")
	}
	if choice && len(f.Options) == 0 {
		l.r.add(path+".options", codeMissing)
	}
	seen := map[string]bool{}
	for i, o := range f.Options {
		at := fmt.Sprintf("%s.options[%d].value", path, i)
		if seen[o.Value] {
			l.r.add(at, "option-twice", o.Value)
		}
		seen[o.Value] = true
		if item != nil && len(item.Options) > 0 && !slices.ContainsFunc(item.Options, func(known Option) bool { return known.Value == o.Value }) {
			l.r.add(at, "option-foreign", item.ID, o.Value)
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
