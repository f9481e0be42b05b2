package qualification

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Visible tells whether a page of the form is asked, given the answers so far.
func (p *Procedure) Visible(g *Group, f Facts) (bool, error) {
	shown, err := g.when.holds(f)
	if err != nil {
		return false, fmt.Errorf("deciding on the page %s of %s: %w", g.ID, p.ID, err)
	}
	return shown, nil
}

// VisibleGroups returns the pages that are asked, in order, given the answers so far.
func (p *Procedure) VisibleGroups(f Facts) ([]*Group, error) {
	var shown []*Group
	for i := range p.Groups {
		ok, err := p.Visible(&p.Groups[i], f)
		if err != nil {
			return nil, err
		}
		if ok {
			shown = append(shown, &p.Groups[i])
		}
	}
	return shown, nil
}

// VisibleFields returns the questions of a page that are asked, given the answers so far.
func (p *Procedure) VisibleFields(g *Group, f Facts) ([]*Field, error) {
	var shown []*Field
	for i := range g.Fields {
		ok, err := g.Fields[i].asked(f)
		if err != nil {
			return nil, fmt.Errorf("deciding on the field %s of %s: %w", g.Fields[i].ID, p.ID, err)
		}
		if ok {
			shown = append(shown, &g.Fields[i])
		}
	}
	return shown, nil
}

// Validate reads one page: what stands in a.Raw under its inputs becomes values, and the problems say what to put right.
// It returns the answers with the values of this page renewed and everything else as it was. A page or field that is not
// asked loses its values; an optional one that was left empty has the value "". f.Answers is not used: conditions look
// at the values of a, of which those of earlier pages must be there.
//
// A fixed field takes its value from f.Official whatever was typed, except at the counter, where staff type it. One that the
// resident registry withholds is not asked, and nothing stays under its inputs.
func (p *Procedure) Validate(g *Group, a Answers, f Facts) (Answers, []Problem, error) {
	out := Answers{Raw: cloned(a.Raw), Values: cloned(a.Values)}
	for i := range g.Fields {
		for _, key := range g.Fields[i].Keys() {
			delete(out.Values, key)
		}
	}
	f.Answers = out.Values
	shown, err := p.Visible(g, f)
	if err != nil || !shown {
		return out, nil, err
	}
	var problems []Problem
	for i := range g.Fields {
		field := &g.Fields[i]
		if field.Withheld(f) {
			field.forget(out.Raw)
		}
		asked, err := field.asked(f)
		if err != nil {
			return out, nil, fmt.Errorf("deciding on the field %s of %s: %w", field.ID, p.ID, err)
		}
		if asked {
			problems = append(problems, field.answer(out, f)...)
		}
	}
	if len(problems) > 0 {
		return out, problems, nil
	}
	problems, err = g.broken(f)
	return out, problems, err
}

// answer reads one field of out.Raw into out.Values.
func (f *Field) answer(out Answers, facts Facts) []Problem {
	if f.official(facts) {
		f.forget(out.Raw)
		maps.Copy(out.Raw, f.rawOf(facts.Official[f.Prefill]))
	}
	values, wrong := f.read(func(part string) string { return out.Raw[f.input(part)] }, facts)
	if len(wrong) == 0 {
		maps.Copy(out.Values, values)
		return nil
	}
	if f.official(facts) {
		wrong = []trouble{{code: codeUnreadable}}
	}
	problems := make([]Problem, len(wrong))
	for i, w := range wrong {
		problems[i] = Problem{Input: f.input(w.part), Field: f.ID, Message: f.sentence(w)}
	}
	return problems
}

// broken returns the rules of the page that the answers do not fulfil.
func (g *Group) broken(f Facts) ([]Problem, error) {
	var problems []Problem
	for i := range g.Rules {
		rule := &g.Rules[i]
		ok, err := rule.must.holds(f)
		if err != nil {
			return nil, fmt.Errorf("checking the rule %s of the page %s: %w", rule.ID, g.ID, err)
		}
		if !ok {
			problems = append(problems, Problem{Input: g.firstInput(rule.Field), Field: rule.Field, Message: rule.Message})
		}
	}
	return problems, nil
}

func (g *Group) firstInput(field string) string {
	i := slices.IndexFunc(g.Fields, func(f Field) bool { return f.ID == field })
	if i < 0 {
		return field
	}
	return g.Fields[i].Inputs()[0]
}

// ValidateAll reads the whole form from a.Raw, page by page. Nothing of a.Values survives that the form does not ask for
// now, so that an answer given before a change of mind never reaches the signature.
func (p *Procedure) ValidateAll(a Answers, f Facts) (Answers, []Problem, error) {
	out := Answers{Raw: cloned(a.Raw), Values: map[string]string{}}
	var problems []Problem
	for i := range p.Groups {
		next, wrong, err := p.Validate(&p.Groups[i], out, f)
		if err != nil {
			return out, nil, err
		}
		out, problems = next, append(problems, wrong...)
	}
	return out, problems, nil
}

// Prefill returns the answers with the inputs of a page filled from official values: fixed fields always, others where
// nothing was typed yet. Nothing is validated.
func (p *Procedure) Prefill(g *Group, a Answers, f Facts) Answers {
	out := Answers{Raw: cloned(a.Raw), Values: a.Values}
	for i := range g.Fields {
		field := &g.Fields[i]
		if field.Withheld(f) {
			field.forget(out.Raw)
			continue
		}
		typed := slices.ContainsFunc(field.Inputs(), func(input string) bool { _, ok := out.Raw[input]; return ok })
		if value := f.Official[field.Prefill]; value != "" && (!typed || field.official(f)) {
			maps.Copy(out.Raw, field.rawOf(value))
		}
	}
	return out
}

// ItemValues returns the register items that the values of an application write. An item whose field was left empty is
// there with "", which clears it; one that the form did not ask for is absent.
func (p *Procedure) ItemValues(values map[string]string) map[string]string {
	items := map[string]string{}
	for i := range p.Groups {
		for j := range p.Groups[i].Fields {
			f := &p.Groups[i].Fields[j]
			if _, answered := values[f.Keys()[0]]; f.Item != "" && answered {
				items[f.Item] = f.joined(values)
			}
		}
	}
	return items
}

// joined returns the value of a field as one text; a name has a full-width space between its parts, as on the card.
func (f *Field) joined(values map[string]string) string {
	var parts []string
	for _, key := range f.Keys() {
		if values[key] != "" {
			parts = append(parts, values[key])
		}
	}
	return strings.Join(parts, "　")
}

func cloned(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}
