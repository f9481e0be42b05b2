package qualification

import (
	"fmt"
	"slices"

	"akashi/internal/fault"
)

// FeeSpan is what a fee can come to as long as nothing is answered: between Least and the line's amount, which are the same where
// no answer changes it. The line's fact is that of an amount that is not confirmed, when there is one.
type FeeSpan struct {
	FeeLine
	Least int64
}

// FeeSpans returns what an application can cost at a registrar through a channel on a day, whatever will be answered: a span for
// each tax and fee that can be due. An amount that is not known is an error, as in FeeLines.
func (p *Procedure) FeeSpans(f Facts) ([]FeeSpan, error) {
	var spans []FeeSpan
	for i := range p.Fees {
		fee := &p.Fees[i]
		if len(fee.Registrars) > 0 && !slices.Contains(fee.Registrars, f.Registrar) {
			continue
		}
		span, err := fee.span(f)
		if err != nil {
			return nil, fmt.Errorf("working out %s of %s: %w", fee.ID, p.ID, err)
		}
		if span.Amount > 0 {
			spans = append(spans, span)
		}
	}
	return spans, nil
}

// span looks at the rules up to the first that decides whatever is answered.
func (fee *Fee) span(f Facts) (FeeSpan, error) {
	span, found := FeeSpan{FeeLine: FeeLine{ID: fee.ID, Kind: fee.Kind, Label: fee.Label, Collector: fee.Collector}}, false
	if fee.Collector == CollectorRegistrar {
		span.Collector = f.Registrar
	}
	for i := range fee.Rules {
		rule := &fee.Rules[i]
		possible, decides, err := rule.bound().mayApply(f)
		if err != nil {
			return span, err
		}
		if !possible {
			continue
		}
		if rule.Fact.Confidence == Unknown {
			return span, fault.Wrap(fault.Internal, wrong("fee-amount", fee.ID, f.Registrar, f.Channel), "")
		}
		amount, err := rule.Amount.value(f)
		if err != nil {
			return span, err
		}
		if !found {
			span.Least, span.Amount, span.Fact = amount, amount, rule.Fact
		}
		span.Least, span.Amount, found = min(span.Least, amount), max(span.Amount, amount), true
		if span.Fact.Confidence == Confirmed {
			span.Fact = rule.Fact
		}
		if decides {
			return span, nil
		}
	}
	return span, fault.Wrap(fault.Internal, wrong("fee-rule", fee.ID, f.Registrar, f.Channel), "")
}

// mayApply tells whether the rule can be meant for a case of which nothing is answered, and whether it then is whatever the
// answers will be.
func (b bound) mayApply(f Facts) (possible, decides bool, err error) {
	switch {
	case !b.inPlace(f):
		return false, false, nil
	case b.when != nil && len(b.when.reads) > 0:
		return true, false, nil
	}
	possible, err = b.when.holds(f)
	return possible, possible, err
}

// TotalSpan adds up what is due at least and at most, in yen.
func TotalSpan(spans []FeeSpan) (least, most int64) {
	for _, s := range spans {
		least, most = least+s.Least, most+s.Amount
	}
	return least, most
}
