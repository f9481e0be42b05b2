package calendar

import (
	"fmt"
	"strings"

	"akashi/internal/fault"
)

// JPKI writes the date as certificates of the national ID card do: EYYYYMMDD, the digit of the era (Era.JPKI) and the
// Gregorian date, e.g. "319800217" for 17 February 1980. The zero Date, an unknown birth date, is "000000000". A date
// before 1873 has era 0.
//
// Source: certificate profile of J-LIS as read by independent implementations (japan.md 3.2); that the year is Gregorian
// was not read in the profile itself.
func (d Date) JPKI() string {
	digit := "0"
	if era, _, ok := d.Era(); ok {
		digit = era.JPKI
	}
	return fmt.Sprintf("%s%04d%02d%02d", digit, d.Year, int(d.Month), d.Day)
}

// ParseJPKI reads EYYYYMMDD. A date whose month or day is unknown ("00") gives the zero Date, because it is not a day.
// An impossible day, or an era to which the day does not belong, is a fault.Invalid error.
func ParseJPKI(s string) (Date, error) {
	if len(s) != 9 || strings.Trim(s, "0123456789") != "" {
		return Date{}, fault.New(fault.Invalid, "calendar.no_such_day", "reading a certificate's date: not nine digits")
	}
	if s[5:7] == "00" || s[7:9] == "00" {
		return Date{}, nil
	}
	d, err := ParseISO(s[1:5] + "-" + s[5:7] + "-" + s[7:9])
	if err != nil {
		return Date{}, fmt.Errorf("reading a certificate's date: %w", err)
	}
	if s[0] != '0' && !d.within(s[:1]) {
		return Date{}, fault.New(fault.Invalid, "calendar.era", "reading a certificate's date: the era does not fit")
	}
	return d, nil
}

// within tells whether the era with the digit may be written for the day; on the day of a change in 1912 and 1926 both may.
func (d Date) within(digit string) bool {
	for _, e := range Eras() {
		if e.JPKI == digit {
			return !d.Before(e.First) && (e.Last.IsZero() || !d.After(e.Last))
		}
	}
	return false
}
