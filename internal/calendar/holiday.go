package calendar

import "time"

// Holiday returns the name of the national holiday (休日 of 国民の祝日に関する法律), "" when the day is none.
func Holiday(d Date) string { return "" }

// IsBusinessDay tells whether government offices work on the day.
func IsBusinessDay(d Date) bool {
	return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday && Holiday(d) == ""
}
