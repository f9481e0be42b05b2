package qualification

import (
	"fmt"
	"slices"
	"time"
)

// maxCases bounds how many combinations of answers are tried to find one under which a condition is true.
const maxCases = 4096

// lintReach finds what nobody can ever come to: a page, a question, a document, an amount or a route whose condition no
// answer makes true, and a rule of a page that no answer fulfils, which would lock every case. Only conditions over choices
// are decided; one that reads free text, a date or a registry is taken as possible.
func (l *linter) lintReach(p *Procedure) {
	s := spaceOf(p)
	for i := range p.Groups {
		g := &p.Groups[i]
		at := groupPath(p, g)
		l.mustBePossible(s, g.when, at+".when", "never-page")
		for j := range g.Fields {
			l.mustBePossible(s, g.Fields[j].when, fmt.Sprintf("%s.fields[%s].when", at, g.Fields[j].ID), "never-question")
		}
		for j := range g.Rules {
			l.mustBePossible(s, g.Rules[j].must, fmt.Sprintf("%s.rules[%s].must", at, g.Rules[j].ID), "never-left")
		}
	}
	for i := range p.Evidence {
		l.mustBePossible(s, p.Evidence[i].when, fmt.Sprintf("%s.evidence[%s].when", procedurePath(p), p.Evidence[i].ID), "never-document")
	}
	for i := range p.Fees {
		for j := range p.Fees[i].Rules {
			l.mustBePossible(s, p.Fees[i].Rules[j].when, feeRulePath(p, &p.Fees[i], j)+".when", "never-rule")
		}
	}
	for i := range p.Routes {
		l.mustBePossible(s, p.Routes[i].when, fmt.Sprintf("%s.routes[%s].when", procedurePath(p), p.Routes[i].ID), "never-route")
	}
}

func (l *linter) mustBePossible(s space, e *expression, path string, consequence Code) {
	if possible, decided := s.possible(e); decided && !possible {
		l.r.add(path, consequence)
	}
}

// space is what each choice of a form can be, "" included; a key that is not in it can be anything.
type space map[string][]string

func spaceOf(p *Procedure) space {
	s := space{}
	for i := range p.Groups {
		for j := range p.Groups[i].Fields {
			f := &p.Groups[i].Fields[j]
			switch f.Kind {
			case KindSelect, KindRadio, KindPrefecture:
				values := []string{""}
				for _, o := range f.Choices() {
					values = append(values, o.Value)
				}
				s[f.ID] = values
			case KindCheckbox:
				s[f.ID] = []string{"", "yes"}
			}
		}
	}
	return s
}

// possible tries the combinations of what the condition reads. decided is false when it reads something that can be
// anything, or too many combinations.
func (s space) possible(e *expression) (possible, decided bool) {
	if e == nil || e.beyond {
		return true, false
	}
	var keys []string
	cases := 1
	for _, read := range e.reads {
		values, choice := s[read.key]
		if read.root != "answers" || !choice {
			return true, false
		}
		if !slices.Contains(keys, read.key) {
			keys = append(keys, read.key)
			cases *= len(values)
		}
	}
	if cases > maxCases {
		return true, false
	}
	for n := range cases {
		ok, err := e.holds(Facts{Answers: s.pick(keys, n), On: time.Unix(0, 0)})
		if ok || err != nil { // an error is found elsewhere
			return true, true
		}
	}
	return false, true
}

// pick returns the nth combination of the keys' values.
func (s space) pick(keys []string, n int) map[string]string {
	answers := make(map[string]string, len(keys))
	for _, key := range keys {
		answers[key] = s[key][n%len(s[key])]
		n /= len(s[key])
	}
	return answers
}

// lintShadowed finds a rule that an earlier one, which applies always, keeps from ever deciding.
func (l *linter) lintShadowed(p *Procedure, bounds []bound, path func(int) string) {
	for i := range bounds {
		reached, open := 0, 0
		for j := range l.d.Registers {
			g := l.d.Registers[j].Registrar
			for _, channel := range p.Channels {
				if !bounds[i].reaches(g, channel) {
					continue
				}
				reached++
				if !slices.ContainsFunc(bounds[:i], func(b bound) bool { return b.always() && b.reaches(g, channel) }) {
					open++
				}
			}
		}
		if reached > 0 && open == 0 {
			l.r.add(path(i), "never-decides")
		}
	}
}

// cycles finds qualifications whose bases lead back to them: nobody could ever hold the first.
func (c *Catalogue) cycles(d *Definition, chain []string) []string {
	chain = append(slices.Clone(chain), d.ID)
	for _, base := range d.Base {
		if i := slices.Index(chain, base); i >= 0 {
			return append(chain[i:], base)
		}
		if under := c.held.Load().current[base]; under != nil {
			if found := c.cycles(under, chain); found != nil {
				return found
			}
		}
	}
	return nil
}
