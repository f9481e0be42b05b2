package jtext

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"akashi/internal/calendar"
)

// The years that forms accept: from the first Gregorian year in Japan to one that no deadline reaches.
const (
	firstYear = 1873
	lastYear  = 2199
)

// Date reads a date from the inputs of a form. The era is "" or "seireki" for the western calendar, else an era's id, name
// or letter (calendar.Era); the year may carry the era itself ("H2", "平成2", "元", any width), and 年, 月, 日 may stand behind
// the numbers. The Error names the part to put right: CodeEmpty, CodeNotDigits, CodeUnknownEra, CodeEraConflict,
// CodeYearRange, CodeNoSuchMonth, CodeNoSuchDay, CodeEraBoundary, CodeEraStart.
func Date(era, year, month, day string) (calendar.Date, error) {
	y, m, err := yearAndMonth(era, year, month)
	if err != nil {
		return calendar.Date{}, err
	}
	d, err := part("day", day, "日")
	if err != nil {
		return calendar.Date{}, err
	}
	date := calendar.Date{Year: y.western(), Month: m, Day: d}
	if !date.Valid() {
		last := calendar.DaysIn(date.Year, m)
		return calendar.Date{}, &Error{Code: CodeNoSuchDay, Part: "day", Args: []any{date.Year, int(m), last}}
	}
	if err := y.fits(date, date); err != nil {
		return calendar.Date{}, err
	}
	return date, nil
}

// YearMonth reads a month from the inputs of a form, and returns it as "2026-02". Inputs and errors are those of Date.
func YearMonth(era, year, month string) (string, error) {
	y, m, err := yearAndMonth(era, year, month)
	if err != nil {
		return "", err
	}
	first := calendar.Date{Year: y.western(), Month: m, Day: 1}
	if err := y.fits(first, first.AddMonths(1).AddDays(-1)); err != nil {
		return "", err
	}
	return first.String()[:7], nil
}

// eraYear is a year as written: of an era, or western when era is nil.
type eraYear struct {
	era *calendar.Era
	n   int
}

func (y eraYear) western() int {
	if y.era == nil {
		return y.n
	}
	return y.era.First.Year + y.n - 1
}

// fits tells whether any day from first to last lies in the era that was written.
func (y eraYear) fits(first, last calendar.Date) error {
	switch {
	case y.era == nil:
		return nil
	case last.Before(y.era.First):
		return boundary(CodeEraStart, *y.era, y.era.First, last, first == last)
	case !y.era.Last.IsZero() && first.After(y.era.Last):
		return boundary(CodeEraBoundary, *y.era, y.era.Last, first, first == last)
	}
	return nil
}

// boundary words the edge of the era and the date in the era that it belongs to, without its day when only a month was
// asked.
func boundary(code string, era calendar.Era, edge, meant calendar.Date, withDay bool) error {
	n := edge.Year - era.First.Year + 1
	limit := strings.TrimPrefix(fmt.Sprintf("%s%d月%d日", era.Year(n), int(edge.Month), edge.Day), era.Name)
	better := meant.Japanese()
	if month, _, ok := strings.Cut(better, "月"); ok && !withDay {
		better = month + "月"
	}
	return &Error{Code: code, Part: "year", Args: []any{era.Name, limit, better}}
}

func yearAndMonth(era, year, month string) (eraYear, time.Month, error) {
	y, err := readYear(era, year)
	if err != nil {
		return eraYear{}, 0, err
	}
	m, err := part("month", month, "月")
	if err != nil {
		return eraYear{}, 0, err
	}
	if m < 1 || m > 12 {
		return eraYear{}, 0, &Error{Code: CodeNoSuchMonth, Part: "month"}
	}
	return y, time.Month(m), nil
}

func readYear(chosen, typed string) (eraYear, error) {
	era, err := chosenEra(chosen)
	if err != nil {
		return eraYear{}, err
	}
	inYear, rest := cutEra(fold(typed))
	if inYear != nil && era != nil && inYear.ID != era.ID {
		return eraYear{}, &Error{Code: CodeEraConflict, Part: "era", Args: []any{era.Name, inYear.Name}}
	}
	if inYear != nil {
		era = inYear
	}
	if trimmed := strings.TrimSuffix(rest, "年"); era != nil && trimmed == "元" {
		return eraYear{era, 1}, nil
	}
	n, err := part("year", rest, "年")
	if err != nil {
		return eraYear{}, err
	}
	y := eraYear{era, n}
	if w := y.western(); w < firstYear || w > lastYear || era != nil && n < 1 {
		return eraYear{}, &Error{Code: CodeYearRange, Part: "year", Args: []any{firstYear, lastYear}}
	}
	return y, nil
}

// chosenEra reads the selection of the form; nil is the western calendar.
func chosenEra(s string) (*calendar.Era, error) {
	s = fold(s)
	if s == "" || strings.EqualFold(s, "seireki") || s == "西暦" {
		return nil, nil
	}
	if era, rest := cutEra(s); era != nil && rest == "" {
		return era, nil
	}
	return nil, &Error{Code: CodeUnknownEra, Part: "era", Args: []any{s}}
}

// cutEra takes an era from the front of s, nil when there is none; 西暦 there is skipped.
func cutEra(s string) (*calendar.Era, string) {
	for _, e := range calendar.Eras() {
		for _, name := range []string{e.Name, e.Square, e.ID, e.Letter} {
			if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
				return &e, strings.TrimLeft(s[len(name):], ".")
			}
		}
	}
	return nil, strings.TrimPrefix(s, "西暦")
}

// part reads one number of a date, of at most four digits.
func part(name, s, unit string) (int, error) {
	s = strings.TrimSuffix(fold(s), unit)
	if s == "" {
		return 0, &Error{Code: CodeEmpty, Part: name}
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		return 0, &Error{Code: CodeNotDigits, Part: name, Args: []any{string([]rune(s[i:])[0])}}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > 9999 {
		n = 9999 // more than any date has; the caller's range check refuses it
	}
	return n, nil
}

// fold makes the input half-width and drops all spaces.
func fold(s string) string {
	return strings.ReplaceAll(narrow(s), " ", "")
}
