package qualification

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/person"
)

// maxTries bounds how many combinations of answers one expression is tried with; beyond them each answer is changed alone.
const maxTries = 512

// trials remembers what trying an expression came to. Most come from bases, and are tried once for all who extend these.
type trials struct {
	mu   sync.Mutex
	done map[string]error
}

func newTrials() *trials { return &trials{done: map[string]error{}} }

// once returns what do returned the first time for the key.
func (t *trials) once(key string, do func() error) error {
	t.mu.Lock()
	err, known := t.done[key]
	t.mu.Unlock()
	if known {
		return err
	}
	err = do()
	t.mu.Lock()
	t.done[key] = err
	t.mu.Unlock()
	return err
}

// lintTries evaluates every expression of a procedure with answers that people can give, whole and half-way: one that fails
// for some of them, or gives an amount below zero, would stop these people's cases.
func (l *linter) lintTries(p *Procedure) {
	s := samplesOf(p)
	for i := range p.Groups {
		g := &p.Groups[i]
		at := groupPath(p, g)
		l.mustWork(s, g.when, at+".when")
		for j := range g.Fields {
			l.mustWork(s, g.Fields[j].when, fmt.Sprintf("%s.fields[%s].when", at, g.Fields[j].ID))
		}
		for j := range g.Rules {
			l.mustWork(s, g.Rules[j].must, fmt.Sprintf("%s.rules[%s].must", at, g.Rules[j].ID))
		}
	}
	for i := range p.Evidence {
		l.mustWork(s, p.Evidence[i].when, fmt.Sprintf("%s.evidence[%s].when", procedurePath(p), p.Evidence[i].ID))
	}
	for i := range p.Fees {
		for j := range p.Fees[i].Rules {
			at := feeRulePath(p, &p.Fees[i], j)
			l.mustWork(s, p.Fees[i].Rules[j].when, at+".when")
			l.mustWork(s, p.Fees[i].Rules[j].Amount.expr, at+".amount")
		}
	}
	for i := range p.Routes {
		at := fmt.Sprintf("%s.routes[%s]", procedurePath(p), p.Routes[i].ID)
		l.mustWork(s, p.Routes[i].when, at+".when")
		for j := range p.Routes[i].Steps {
			l.mustWork(s, p.Routes[i].Steps[j].body, fmt.Sprintf("%s.steps[%d].body", at, j))
		}
	}
}

// lintTerm does the same with the term of an entry, which reads its items.
func (l *linter) lintTerm() {
	if l.d.Validity == nil {
		return
	}
	s := space{}
	for _, item := range l.d.Items {
		f := Field{ID: item.ID, Kind: item.Kind, Options: item.Options}
		s[item.ID] = append([]string{""}, f.samples()...)
	}
	l.mustWork(s, l.d.Validity.Months.expr, "validity.months")
}

// samplesOf is what every input of a form can be: each choice, "" included, and examples of what is typed.
func samplesOf(p *Procedure) space {
	s := space{}
	for i := range p.Groups {
		for j := range p.Groups[i].Fields {
			f := &p.Groups[i].Fields[j]
			for _, key := range f.Keys() {
				s[key] = append([]string{""}, f.samples()...)
			}
		}
	}
	return s
}

// samples are values that a field can have beside "": every choice, or what people type at its shortest, longest and oddest.
func (f *Field) samples() []string {
	switch f.Kind {
	case KindSelect, KindRadio, KindPrefecture:
		var values []string
		for _, o := range f.Choices() {
			if !f.Domestic || o.Value != person.Abroad {
				values = append(values, o.Value)
			}
		}
		return values
	case KindCheckbox:
		return []string{"yes"}
	case KindDate:
		return []string{"2026-12-01", "1912-07-30"}
	case KindYearMonth:
		return []string{"2026-03", "1912-07"}
	case KindNumber:
		return []string{"0", "99999999999999999999"} // longer than any whole number of CEL
	case KindPostcode:
		return []string{"8408570"}
	case KindTel:
		return []string{"0952242111"}
	case KindEmail:
		return []string{"hanako@example.jp"}
	case KindKana:
		return []string{"ハナコ"}
	case KindRoman:
		return []string{"HANAKO"}
	case KindRegNumber:
		return []string{"1", "12-あ"}
	}
	return []string{"1", "山田"}
}

// registrySamples are particulars of the registries' answers.
var registrySamples = map[string][]string{
	"class": {"", "match_alive", "withheld", "none", "determined", "partly_unknown_order"}, "birth_date": {"", "1999-05-01"}, "sex": {"", "1", "2"},
	"domicile": {"", "41", person.Abroad},
}

func (s space) valuesOf(r reading) []string {
	if r.root == "answers" {
		return s[r.key]
	}
	if values, ok := registrySamples[r.key]; ok {
		return values
	}
	return []string{"", "山田　花子"}
}

// mustWork reports an expression that fails for answers that can be given.
func (l *linter) mustWork(s space, e *expression, path string) {
	if e == nil {
		return
	}
	what := e.each()
	domains := make([][]string, len(what))
	for i, r := range what {
		domains[i] = s.valuesOf(r)
		if len(domains[i]) == 0 {
			return // it reads what there is not, and that is said elsewhere
		}
	}
	key := fmt.Sprintf("%p %q", e, domains)
	if e.beyond {
		key += fmt.Sprint(l.d.ValidFrom, l.anyRegistrar())
	}
	if err := l.trials.once(key, func() error { return e.works(domains, l.momentsFor(e)) }); err != nil {
		l.r.fail(path, err)
	}
}

// momentsFor says where and when an expression that looks beyond the answers is tried.
func (l *linter) momentsFor(e *expression) []Facts {
	day := l.d.ValidFrom.Time().Add(12 * time.Hour)
	all := []Facts{{Registrar: l.anyRegistrar(), Channel: ChannelOnline, On: day}}
	if e.beyond {
		all = append(all, Facts{Registrar: l.anyRegistrar(), Channel: ChannelCounter, On: day.AddDate(1, 0, 0)})
	}
	return all
}

func (l *linter) anyRegistrar() string {
	if len(l.d.Registers) == 0 {
		return ""
	}
	return l.d.Registers[0].Registrar
}

// works evaluates the expression with the combinations of what it reads.
func (e *expression) works(domains [][]string, moments []Facts) error {
	for _, pick := range combinations(domains) {
		for _, f := range moments {
			f.Answers, f.Resident, f.Family = map[string]string{}, map[string]string{}, map[string]string{}
			for i, r := range e.each() {
				f.among(r.root)[r.key] = domains[i][pick[i]]
			}
			v, err := e.evaluate(f)
			if err != nil {
				return wrong("cel-fails-for", e.shown(domains, pick), err.Error())
			}
			if n, isNumber := v.(int64); isNumber && n < 0 {
				return wrong("cel-negative-for", e.shown(domains, pick), n)
			}
		}
	}
	return nil
}

// each is what the expression reads, everything once.
func (e *expression) each() (what []reading) {
	for _, r := range e.reads {
		if !slices.Contains(what, r) {
			what = append(what, r)
		}
	}
	return what
}

// among returns the map that an expression reads under a name.
func (f *Facts) among(root string) map[string]string {
	switch root {
	case InquiryResident:
		return f.Resident
	case InquiryFamily:
		return f.Family
	}
	return f.Answers
}

// shown writes what an expression reads and the values that it was tried with, e.g. answers["rank"] = "second".
func (e *expression) shown(domains [][]string, pick []int) string {
	var parts []string
	for i, r := range e.each() {
		parts = append(parts, fmt.Sprintf("%s[%q] = %q", r.root, r.key, domains[i][pick[i]]))
	}
	return strings.Join(parts, ", ")
}

// combinations lists which value of each domain is taken: every combination, or, when there are too many, each value of each
// domain beside the first and beside the last of the others.
func combinations(domains [][]string) (picks [][]int) {
	all := 1
	for _, d := range domains {
		all = min(all*len(d), maxTries+1)
	}
	if all <= maxTries {
		for n := range all {
			pick := make([]int, len(domains))
			for i, d := range domains {
				pick[i], n = n%len(d), n/len(d)
			}
			picks = append(picks, pick)
		}
		return picks
	}
	for i, d := range domains {
		for j := range d {
			first, last := make([]int, len(domains)), make([]int, len(domains))
			for k := range domains {
				last[k] = len(domains[k]) - 1
			}
			first[i], last[i] = j, j
			picks = append(picks, first, last)
		}
	}
	return picks
}

// daysOf lists the days on which what a procedure's routes say can differ, from the version's first on.
func (l *linter) daysOf(p *Procedure) []calendar.Date {
	days := []calendar.Date{l.d.ValidFrom}
	for i := range p.Routes {
		if p.Routes[i].From.After(l.d.ValidFrom) {
			days = append(days, p.Routes[i].From)
		}
		if until := p.Routes[i].Until; !until.IsZero() && !until.Before(l.d.ValidFrom) {
			days = append(days, until.AddDays(1))
		}
	}
	return days
}
