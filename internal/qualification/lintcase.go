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
	switched             bool // applies only once an act has opened it
}

func (r *FeeRule) bound() bound {
	return bound{r.Registrars, r.Channels, r.From, r.Until, r.when, false}
}

func (r *RouteRule) bound() bound {
	return bound{r.Registrars, r.Channels, r.From, r.Until, r.when, r.ForwardSwitch}
}

// applies tells whether the rule is meant for the case.
func (b bound) applies(f Facts) (bool, error) {
	if !b.inPlace(f) {
		return false, nil
	}
	return b.when.holds(f)
}

// inPlace tells whether registrar, channel and day are those of the rule.
func (b bound) inPlace(f Facts) bool {
	day := calendar.Of(f.On)
	return b.reaches(f.Registrar, f.Channel) && (b.from.IsZero() || !day.Before(b.from)) && (b.until.IsZero() || !day.After(b.until))
}

func (b bound) reaches(registrar, channel string) bool {
	return (len(b.registrars) == 0 || slices.Contains(b.registrars, registrar)) && (len(b.channels) == 0 || slices.Contains(b.channels, channel))
}

// always tells whether the rule has no condition beyond registrar and channel.
func (b bound) always() bool {
	return b.from.IsZero() && b.until.IsZero() && b.when == nil && !b.switched
}

func (l *linter) lintBound(b bound, path string, answers map[string]bool) {
	l.lintRegistrarList(path+".registrars", b.registrars)
	l.lintReads(b.when, path+".when", answers, "read-no-answer")
	if !b.until.IsZero() && b.until.Before(b.from) {
		l.r.add(path+".until", "days-swapped", "from")
	}
}

// lintCover finds cases for which no rule is certain to apply.
func (l *linter) lintCover(p *Procedure, registrars []string, bounds []bound, path string, code Code) {
	for _, channel := range p.Channels {
		var open []string
		for i := range l.d.Registers {
			g := l.d.Registers[i].Registrar
			reached := len(registrars) == 0 || slices.Contains(registrars, g)
			if reached && !slices.ContainsFunc(bounds, func(b bound) bool { return b.always() && b.reaches(g, channel) }) {
				open = append(open, g)
			}
		}
		if len(open) > 0 {
			l.r.add(path, code, several(open), channel)
		}
	}
}

// several names one thing, or one of many and how many there are.
func several(ids []string) Saying {
	if len(ids) == 1 {
		return Say("several-one", ids[0])
	}
	return Say("several-more", ids[0], len(ids)-1)
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
			l.lintReads(rule.Amount.expr, path+".amount", keys, "read-no-answer")
			l.lintUnknownAmount(p, fee, j, path)
			bounds = append(bounds, rule.bound())
		}
		l.lintShadowed(p, bounds, func(j int) string { return feeRulePath(p, fee, j) })
		l.lintCover(p, fee.Registrars, bounds, at+".rules", "cover-fee")
	}
}

// lintUnknownAmount refuses a rule without an amount where the procedure is offered: there it would have to be charged.
func (l *linter) lintUnknownAmount(p *Procedure, fee *Fee, rule int, path string) {
	if fee.Rules[rule].Fact.Confidence != Unknown {
		return
	}
	var charged []string
	for i := range l.d.Registers {
		g := &l.d.Registers[i]
		for _, channel := range p.Channels {
			offered := !g.Procedures[p.ID].Since(channel).IsZero() && (len(fee.Registrars) == 0 || slices.Contains(fee.Registrars, g.Registrar))
			decides := fee.Rules[rule].bound().reaches(g.Registrar, channel) &&
				!slices.ContainsFunc(fee.Rules[:rule], func(r FeeRule) bool { return r.bound().always() && r.bound().reaches(g.Registrar, channel) })
			if offered && decides {
				charged = append(charged, g.Registrar)
				break
			}
		}
	}
	if len(charged) > 0 {
		l.r.add(path+".fact.confidence", "fee-unknown-amount", p.ID, several(charged))
	}
}

func (l *linter) lintCollector(fee *Fee, path string) {
	switch {
	case fee.Kind == FeeTax && fee.Collector != CollectorTreasury:
		l.r.add(path, "fee-tax-collector", CollectorTreasury)
	case fee.Collector != CollectorTreasury && fee.Collector != CollectorRegistrar && !l.knowsRegistrar(fee.Collector):
		l.r.add(path, "set-no-registrar", fee.Collector, registrarsFile)
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
		if route.ForwardSwitch {
			l.lintSwitch(p, i, at+".forward_switch")
		}
		bounds = append(bounds, route.bound())
	}
	l.lintShadowed(p, bounds, func(i int) string { return fmt.Sprintf("%s.routes[%s]", procedurePath(p), p.Routes[i].ID) })
	l.lintCover(p, nil, bounds, procedurePath(p)+".routes", "cover-route")
}

// lintSwitch holds a direct way to what it stands beside: a later route for online cases that forwards.
func (l *linter) lintSwitch(p *Procedure, route int, path string) {
	if !slices.Equal(p.Routes[route].Channels, []string{ChannelOnline}) {
		l.r.add(path, "switch-online", "channels: [online]")
	}
	forwards := func(s Route) bool { return s.Step == stepIntake || s.Step == stepForward }
	if slices.ContainsFunc(p.Routes[route].Steps, forwards) {
		l.r.add(path, "switch-forwards")
	}
	if !slices.ContainsFunc(p.Routes[route+1:], func(r RouteRule) bool { return slices.ContainsFunc(r.Steps, forwards) }) {
		l.r.add(path, "switch-nothing")
	}
}

// stepOrder is the order in which the steps of a route can follow each other.
var stepOrder = []string{stepIntake, stepForward, "review", "approval"}

// The steps before a review.
const (
	stepIntake  = "intake"
	stepForward = "forward"
)

func (l *linter) lintSteps(steps []Route, at string, answers map[string]bool) {
	var review, approval *Route
	for i := range steps {
		s := &steps[i]
		path := fmt.Sprintf("%s[%d]", at, i)
		if i > 0 && slices.Index(stepOrder, s.Step) < slices.Index(stepOrder, steps[i-1].Step) {
			l.r.add(path+".step", "route-order", s.Step, steps[i-1].Step)
		}
		if !strings.HasPrefix(s.Body, bodyPrefix) && s.Body != CollectorRegistrar && !l.knowsRegistrar(s.Body) {
			l.r.add(path+".body", "route-body", s.Body, registrarsFile)
		}
		l.lintReads(s.body, path+".body", answers, "read-no-answer")
		switch s.Step {
		case "review":
			review = s
		case "approval":
			approval = s
		}
	}
	switch {
	case approval == nil:
		l.r.add(at, "route-no-approval")
	case review == nil:
		l.r.add(at, "route-no-review")
	case review.Role == approval.Role:
		l.r.add(at, "route-one-person", review.Role)
	}
}
