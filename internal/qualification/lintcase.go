package qualification

import (
	"fmt"
	"slices"
	"strings"

	"akashi/internal/calendar"
)

// bound is the part of a fee rule or route that says for which cases it is meant.
type bound struct {
	registrars, channels []string
	from, until          calendar.Date
	when                 *expression
}

func (r *FeeRule) bound() bound { return bound{r.Registrars, r.Channels, r.From, r.Until, r.when} }

func (r *RouteRule) bound() bound { return bound{r.Registrars, r.Channels, r.From, r.Until, r.when} }

// applies tells whether the rule is meant for the case.
func (b bound) applies(f Facts) (bool, error) {
	day := calendar.Of(f.On)
	if !b.reaches(f.Registrar, f.Channel) || (!b.from.IsZero() && day.Before(b.from)) || (!b.until.IsZero() && day.After(b.until)) {
		return false, nil
	}
	return b.when.holds(f)
}

func (b bound) reaches(registrar, channel string) bool {
	return (len(b.registrars) == 0 || slices.Contains(b.registrars, registrar)) && (len(b.channels) == 0 || slices.Contains(b.channels, channel))
}

// always tells whether the rule has no condition beyond registrar and channel.
func (b bound) always() bool { return b.from.IsZero() && b.until.IsZero() && b.when == nil }

func (l *linter) lintBound(b bound, path string, answers map[string]bool) {
	l.lintRegistrarList(path+".registrars", b.registrars)
	l.lintReads(b.when, path+".when", answers, "no such answer")
	if !b.until.IsZero() && b.until.Before(b.from) {
		l.r.add(path+".until", "lies before from")
	}
}

// lintCover finds cases for which no rule is certain to apply.
func (l *linter) lintCover(p *Procedure, registrars []string, bounds []bound, path, remedy string) {
	for _, g := range l.d.Registers {
		if len(registrars) > 0 && !slices.Contains(registrars, g.Registrar) {
			continue
		}
		for _, channel := range p.Channels {
			if !slices.ContainsFunc(bounds, func(b bound) bool { return b.always() && b.reaches(g.Registrar, channel) }) {
				l.r.add(path, "%s, %s: not covered in every case; %s", g.Registrar, channel, remedy)
			}
		}
	}
}

func (l *linter) lintFees(p *Procedure) {
	keys := answerKeys(p)
	for i := range p.Fees {
		fee := &p.Fees[i]
		at := fmt.Sprintf("%s.fees[%s]", procedurePath(p), fee.ID)
		l.lintCollector(fee, at+".collector")
		l.lintRegistrarList(at+".registrars", fee.Registrars)
		var bounds []bound
		for j := range fee.Rules {
			rule, path := &fee.Rules[j], feeRulePath(p, fee, j)
			l.lintBound(rule.bound(), path, keys)
			l.lintReads(rule.Amount.expr, path+".amount", keys, "no such answer")
			if rule.Fact.Confidence == Unknown {
				l.r.add(path+".fact.confidence", "an amount that is charged cannot be unknown")
			}
			bounds = append(bounds, rule.bound())
		}
		l.lintCover(p, fee.Registrars, bounds, at+".rules", "add a rule without condition, with amount 0 when nothing is due")
	}
}

func (l *linter) lintCollector(fee *Fee, path string) {
	switch {
	case fee.Kind == FeeTax && fee.Collector != CollectorTreasury:
		l.r.add(path, "a tax is collected by the %s", CollectorTreasury)
	case fee.Collector != CollectorTreasury && fee.Collector != CollectorRegistrar && !l.knowsRegistrar(fee.Collector):
		l.r.add(path, "no registrar %q in %s", fee.Collector, registrarsFile)
	}
}

func (l *linter) lintRoutes(p *Procedure) {
	keys := answerKeys(p)
	var bounds []bound
	for i := range p.Routes {
		route := &p.Routes[i]
		at := fmt.Sprintf("%s.routes[%s]", procedurePath(p), route.ID)
		l.lintBound(route.bound(), at, keys)
		l.lintSteps(route.Steps, at+".steps", keys)
		bounds = append(bounds, route.bound())
	}
	l.lintCover(p, nil, bounds, procedurePath(p)+".routes", "add a route without condition")
}

// stepOrder is the order in which the steps of a route can follow each other.
var stepOrder = []string{"intake", "forward", "review", "approval"}

func (l *linter) lintSteps(steps []Route, at string, answers map[string]bool) {
	var review, approval *Route
	for i := range steps {
		s := &steps[i]
		path := fmt.Sprintf("%s[%d]", at, i)
		if i > 0 && slices.Index(stepOrder, s.Step) < slices.Index(stepOrder, steps[i-1].Step) {
			l.r.add(path+".step", "%s cannot come after %s", s.Step, steps[i-1].Step)
		}
		if !strings.HasPrefix(s.Body, bodyPrefix) && s.Body != CollectorRegistrar && !l.knowsRegistrar(s.Body) {
			l.r.add(path+".body", "no body %q in %s", s.Body, registrarsFile)
		}
		l.lintReads(s.body, path+".body", answers, "no such answer")
		switch s.Step {
		case "review":
			review = s
		case "approval":
			approval = s
		}
	}
	switch {
	case approval == nil:
		l.r.add(at, "nobody approves")
	case review == nil:
		l.r.add(at, "nobody reviews")
	case review.Role == approval.Role:
		l.r.add(at, "reviewer and approver could be the same person: both hold the role %s", review.Role)
	}
}
