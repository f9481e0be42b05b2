// Package calendar knows days as Japanese law and forms know them: a date without a time, written in both calendars,
// the eras from 明治 on, the national holidays, and the days on which government offices work.
//
// A Date has no time zone; it is a day in Japan. Turn a moment into a Date with Of, which reads it in JST.
package calendar

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
)

// Date is a day of the Gregorian calendar. The zero Date means "none". Dates compare with ==.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// New returns the day, or a fault.Invalid error when the calendar has no such day (years 1 to 9999).
func New(year int, month time.Month, day int) (Date, error) {
	d := Date{year, month, day}
	if !d.Valid() {
		return Date{}, fault.New(fault.Invalid, "calendar.no_such_day", fmt.Sprintf("reading a date: no day %d-%d-%d", year, month, day))
	}
	return d, nil
}

// Of returns the day in Japan at the moment t.
func Of(t time.Time) Date { return civil(t.In(clock.JST)) }

// civil takes the day that t shows in its own time zone.
func civil(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseISO reads "2026-12-01" (ISO 8601 extended calendar date, exactly ten characters). Errors are fault.Invalid.
func ParseISO(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fault.Wrap(fault.Invalid, err, "reading a date")
	}
	return New(t.Date())
}

// Valid tells whether the calendar has the day. The zero Date is not valid.
func (d Date) Valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && d.Month >= 1 && d.Month <= 12 && d.Day >= 1 && d.Day <= DaysIn(d.Year, d.Month)
}

// DaysIn returns the number of days of a month.
func DaysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// IsZero tells whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the date as "2026-12-01", "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// Time returns the first moment of the day in Japan.
func (d Date) Time() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, clock.JST) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.Time().Weekday() }

// Compare returns -1, 0 or +1 as d is before, on or after o.
func (d Date) Compare(o Date) int {
	return cmp.Or(cmp.Compare(d.Year, o.Year), cmp.Compare(d.Month, o.Month), cmp.Compare(d.Day, o.Day))
}

// Before tells whether d is earlier than o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// After tells whether d is later than o.
func (d Date) After(o Date) bool { return d.Compare(o) > 0 }

// AddDays returns the day n days later, earlier for a negative n.
func (d Date) AddDays(n int) Date {
	return civil(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// AddMonths returns the day of the same number n months later, or the last day of that month when it is shorter (the
// corresponding day of 民法 143条2項). Twelve months are a year.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	return Date{first.Year(), first.Month(), min(d.Day, DaysIn(first.Year(), first.Month()))}
}

// Sub returns the number of days from o to d: positive when d is later.
func (d Date) Sub(o Date) int { return int(d.utc().Sub(o.utc()).Hours() / 24) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// MarshalText writes the date as ISO 8601, the zero Date as nothing. It serves JSON and YAML.
func (d Date) MarshalText() ([]byte, error) {
	if !d.IsZero() && !d.Valid() {
		return nil, fmt.Errorf("writing a date: no day %d-%d-%d", d.Year, d.Month, d.Day)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	v, err := ParseISO(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// Scan reads a column of type date; null becomes the zero Date. It refuses a timestamp, whose day depends on a zone.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	case time.Time:
		if !v.Equal(v.Truncate(24 * time.Hour)) {
			return fmt.Errorf("scanning a date: %v is not the start of a day", v)
		}
		*d = civil(v.UTC())
		return nil
	}
	return fmt.Errorf("scanning a date: cannot read a %T", src)
}

// Value stores the date in a column of type date, the zero Date as null.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	if !d.Valid() {
		return nil, fmt.Errorf("storing a date: no day %d-%d-%d", d.Year, d.Month, d.Day)
	}
	return d.utc(), nil
}
