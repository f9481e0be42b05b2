package relying_test

import (
	"errors"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/qualification"
	"akashi/internal/relying"
)

// TestWatchesOfARegisterThatTakesNone: nothing new is asked for or granted from that day on, even before this process has
// heard; what was granted before is told until its end, and what was asked for can be refused.
func TestWatchesOfARegisterThatTakesNone(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	granted, _, err := p.desk.Ask(ctx, p.client, p.code, p.wish(365))
	check(t, err)
	check(t, p.work(t))
	check(t, p.holder.Decide(ctx, p.Nurse, granted.RegisterID, granted.ID, relying.Granted))
	check(t, p.work(t))
	other, _ := p.verifier(t, "例示法人")
	asked, _, err := p.desk.Ask(ctx, other, p.code, p.wish(365))
	check(t, err)
	check(t, p.work(t))

	p.Unuse(t, qualification.FunctionWatch)
	third, _ := p.verifier(t, "見本会")
	if w, _, err := p.desk.Ask(ctx, third, p.code, p.wish(365)); w != nil && err == nil || key(err) != relying.ReasonNotUsed || !errors.Is(err, fault.Conflict) {
		t.Errorf("asked after the end: %v", err)
	}
	if err := p.holder.Decide(ctx, p.Nurse, asked.RegisterID, asked.ID, relying.Granted); key(err) != relying.ReasonNotUsed || !errors.Is(err, fault.Conflict) {
		t.Errorf("granted after the end: %v", err)
	}
	if list, err := p.desk.Watches(ctx, third, granted.ID, 10); err != nil || len(list) != 0 {
		t.Errorf("%d watches were kept: %v", len(list), err)
	}
	p.measure(t, "suspend")
	p.told(t, 1)
	check(t, p.holder.Decide(ctx, p.Nurse, asked.RegisterID, asked.ID, relying.Refused))
	check(t, p.holder.Decide(ctx, p.Nurse, granted.RegisterID, granted.ID, relying.Ended))
}
