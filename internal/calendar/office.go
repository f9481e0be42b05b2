package calendar

import "time"

// IsBusinessDay tells whether offices of the state work on d: not on Saturdays, Sundays, holidays, nor from 29 December
// to 3 January (行政機関の休日に関する法律, 昭和63年法律91号, 1条1項; local governments have the same days by 地方自治法 4条の2).
// Saturdays count as closed also before May 1992, when only some were.
func IsBusinessDay(d Date) bool {
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	yearEnd := d.Month == time.December && d.Day >= 29 || d.Month == time.January && d.Day <= 3
	return !yearEnd && Holiday(d) == ""
}

// NextBusinessDay returns d when it is a business day, else the first after it: where a time limit ends that falls on a
// holiday of the offices (行政機関の休日に関する法律 2条).
func NextBusinessDay(d Date) Date {
	for !IsBusinessDay(d) {
		d = d.AddDays(1)
	}
	return d
}

// AddBusinessDays returns the n-th business day after d, the day d itself not counted (民法 140条); for a negative n the
// n-th before it, and d for 0.
func AddBusinessDays(d Date, n int) Date {
	step := 1
	if n < 0 {
		step = -1
	}
	for n != 0 {
		d = d.AddDays(step)
		if IsBusinessDay(d) {
			n -= step
		}
	}
	return d
}

// BusinessDaysBetween counts the business days after from, up to and including to. When to is earlier it is minus the
// number from to up to the day before from, so that it undoes AddBusinessDays in both directions.
func BusinessDaysBetween(from, to Date) int {
	n := 0
	for d := from; d.Before(to); {
		d = d.AddDays(1)
		if IsBusinessDay(d) {
			n++
		}
	}
	for d := from; d.After(to); {
		d = d.AddDays(-1)
		if IsBusinessDay(d) {
			n--
		}
	}
	return n
}
