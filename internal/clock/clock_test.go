package clock_test

import (
	"testing"
	"time"

	"akashi/internal/clock"
)

func TestAdjustable(t *testing.T) {
	var c clock.Adjustable
	want := time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)
	c.Set(want)
	if d := c.Now().Sub(want); d < 0 || d > time.Minute {
		t.Fatalf("after Set the clock is %v off", d)
	}
	c.Advance(240 * time.Hour)
	if d := c.Now().Sub(want.AddDate(0, 0, 10)); d < 0 || d > time.Minute {
		t.Fatalf("after Advance the clock is %v off", d)
	}
	if got := c.Now().Location().String(); got != "JST" {
		t.Errorf("location %s, want JST", got)
	}
}
