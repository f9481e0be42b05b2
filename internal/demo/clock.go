package demo

import (
	"context"
	"fmt"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
)

// longestAdvance bounds one step of the clock: beyond it certificates and orders of the simulators end.
const longestAdvance = 3 * 366 * 24 * time.Hour

// setClock puts the clock where the configuration wants it, otherwise where it was, at the first start to FirstDay. It
// never goes back behind what has been recorded.
func (d *Demo) setClock(ctx context.Context) error {
	stored, err := readSetting(ctx, d.worker, settingClock)
	if err != nil {
		return err
	}
	if stored == "" {
		at := d.cfg.At
		if at.IsZero() {
			at = FirstDay()
		}
		d.Clock.Set(at)
		return d.keepClock(ctx)
	}
	offset, err := time.ParseDuration(stored)
	if err != nil {
		return fmt.Errorf("reading the clock's setting: %w", err)
	}
	d.Clock.SetOffset(offset)
	if d.cfg.At.IsZero() {
		return nil
	}
	if d.cfg.At.Before(d.Clock.Now()) {
		return fault.New(fault.Invalid, "demo.clock_back", fmt.Sprintf("this demonstration has come to %s and cannot go back to %s: "+
			"begin anew with --reset", calendar.Of(d.Clock.Now()), calendar.Of(d.cfg.At)))
	}
	d.Clock.Set(d.cfg.At)
	return d.keepClock(ctx)
}

func (d *Demo) keepClock(ctx context.Context) error {
	return writeSetting(ctx, d.worker, settingClock, d.Clock.Offset().String())
}

// MoveTo moves the clock on to a moment and has everything done that is due by then. fault.Invalid when the moment is
// behind or too far ahead.
func (d *Demo) MoveTo(ctx context.Context, at time.Time) error {
	now := d.Clock.Now()
	if at.Before(now) {
		return fault.New(fault.Invalid, "demo.clock_back", "moving the clock back")
	}
	if at.Sub(now) > longestAdvance {
		return fault.New(fault.Invalid, "demo.clock_far", "moving the clock on too far")
	}
	d.Clock.Set(at)
	if err := d.keepClock(ctx); err != nil {
		return err
	}
	return d.System.CatchUp(ctx)
}

// Advance moves the clock on.
func (d *Demo) Advance(ctx context.Context, by time.Duration) error {
	return d.MoveTo(ctx, d.Clock.Now().Add(by))
}
