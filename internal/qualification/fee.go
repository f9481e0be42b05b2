package qualification

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"akashi/internal/fault"
)

// The channels of an application.
const (
	ChannelOnline  = "online"
	ChannelCounter = "counter"
)

// Collectors of a fee that are not the id of one registrar. CollectorRegistrar also stands for the body of a route step.
const (
	CollectorTreasury  = "treasury"  // 国庫
	CollectorRegistrar = "registrar" // whoever keeps the register
)

// FeeLines returns what an application costs: a line for each tax and fee that is due, none for those that are not.
// It depends on the registrar, the channel, the day of filing and the answers.
func (p *Procedure) FeeLines(f Facts) ([]FeeLine, error) {
	var lines []FeeLine
	for i := range p.Fees {
		fee := &p.Fees[i]
		if len(fee.Registrars) > 0 && !slices.Contains(fee.Registrars, f.Registrar) {
			continue
		}
		line, err := fee.line(f)
		if err != nil {
			return nil, fmt.Errorf("working out %s of %s: %w", fee.ID, p.ID, err)
		}
		if line.Amount > 0 {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func (fee *Fee) line(f Facts) (FeeLine, error) {
	for i := range fee.Rules {
		rule := &fee.Rules[i]
		ok, err := rule.bound().applies(f)
		if err != nil {
			return FeeLine{}, err
		}
		if !ok {
			continue
		}
		if rule.Fact.Confidence == Unknown {
			return FeeLine{}, fault.Wrap(fault.Internal, wrong("fee-amount", fee.ID, f.Registrar, f.Channel), "")
		}
		amount, err := rule.Amount.value(f)
		if err != nil {
			return FeeLine{}, err
		}
		collector := fee.Collector
		if collector == CollectorRegistrar {
			collector = f.Registrar
		}
		return FeeLine{ID: fee.ID, Kind: fee.Kind, Label: fee.Label, Amount: amount, Collector: collector, Fact: rule.Fact}, nil
	}
	return FeeLine{}, fault.Wrap(fault.Internal, wrong("fee-rule", fee.ID, f.Registrar, f.Channel), "")
}

// Total adds up lines, in yen.
func Total(lines []FeeLine) int64 {
	var sum int64
	for _, l := range lines {
		sum += l.Amount
	}
	return sum
}

// bodyID is what an expression for a body must give.
var bodyID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,59}$`)

// RouteFor returns the steps of a case in their order, each with the body and the role that act.
func (p *Procedure) RouteFor(f Facts) ([]Route, error) {
	for i := range p.Routes {
		rule := &p.Routes[i]
		ok, err := rule.bound().applies(f)
		if err != nil {
			return nil, fmt.Errorf("choosing the route %s of %s: %w", rule.ID, p.ID, err)
		}
		if ok && rule.ForwardSwitch {
			ok, err = p.direct(p.Routes[i+1:], f)
		}
		if err != nil {
			return nil, err
		}
		if ok {
			return rule.steps(f)
		}
	}
	return nil, fault.New(fault.Internal, "", fmt.Sprintf("choosing a route of %s: none for registrar %q, channel %q", p.ID, f.Registrar, f.Channel))
}

// direct tells whether a switch has opened the direct way for a case: Facts.Direct names the body that the case would go
// through on the first later route that applies.
func (p *Procedure) direct(later []RouteRule, f Facts) (bool, error) {
	if len(f.Direct) == 0 {
		return false, nil
	}
	rest := Procedure{ID: p.ID, Routes: later}
	steps, err := rest.RouteFor(f)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(steps, func(s Route) bool {
		return (s.Step == stepIntake || s.Step == stepForward) && slices.Contains(f.Direct, s.Body)
	}), nil
}

func (rule *RouteRule) steps(f Facts) ([]Route, error) {
	steps := make([]Route, len(rule.Steps))
	for i, s := range rule.Steps {
		steps[i] = Route{Step: s.Step, Body: s.Body, Role: s.Role}
		switch {
		case s.Body == CollectorRegistrar:
			steps[i].Body = f.Registrar
		case strings.HasPrefix(s.Body, bodyPrefix):
			v, err := s.body.evaluate(f)
			if err != nil {
				return nil, fmt.Errorf("finding the body of step %d of route %s: %w", i+1, rule.ID, err)
			}
			steps[i].Body, _ = v.(string)
		}
		if !bodyID.MatchString(steps[i].Body) {
			return nil, fault.New(fault.Internal, "", fmt.Sprintf("finding the body of step %d of route %s: %q is no id", i+1, rule.ID, steps[i].Body))
		}
	}
	return steps, nil
}
