// Package clock gives the time to every rule. Nothing else in the program asks the machine for it, and no SQL statement
// calls now() for a rule, so that a demonstration can be set to a date and moved on, and a test can stand on the day
// that matters.
package clock

import (
	"sync/atomic"
	"time"
)

// JST is the time zone in which every date of the law is read (UTC+9, no daylight saving since 1951).
var JST = time.FixedZone("JST", 9*60*60)

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// System is the machine's own clock, in JST.
type System struct{}

// Now returns the machine's time.
func (System) Now() time.Time { return time.Now().In(JST) }

// Adjustable runs at the machine's pace, shifted by an offset that can be changed while it runs. It is safe for
// concurrent use.
type Adjustable struct {
	offset atomic.Int64
}

// Now returns the machine's time plus the offset.
func (a *Adjustable) Now() time.Time { return time.Now().Add(a.Offset()).In(JST) }

// Offset returns how far the clock is ahead of the machine.
func (a *Adjustable) Offset() time.Duration { return time.Duration(a.offset.Load()) }

// SetOffset shifts the clock to be d ahead of the machine.
func (a *Adjustable) SetOffset(d time.Duration) { a.offset.Store(int64(d)) }

// Set moves the clock to t; it goes on from there.
func (a *Adjustable) Set(t time.Time) { a.SetOffset(time.Until(t)) }

// Advance moves the clock on by d.
func (a *Adjustable) Advance(d time.Duration) { a.offset.Add(int64(d)) }

// Fixed stands still at one moment, for tests.
type Fixed time.Time

// Now returns the fixed moment.
func (f Fixed) Now() time.Time { return time.Time(f).In(JST) }
