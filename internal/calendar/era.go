package calendar

import (
	"fmt"
	"strconv"
)

// Era is a reign era (元号).
type Era struct {
	ID     string // romanised, lower case: "reiwa"; the value of the form's selection
	Name   string // "令和"
	Letter string // "R", as on forms and cards
	Square string // the era in one character of Unicode, "㋿"
	JPKI   string // digit in certificates of the national ID card; 明治 "1" to 令和 "5"
	First  Date   // first day
	Last   Date   // last day on which the era may be written; zero while it lasts
}

// firstGregorian is the first day of the solar calendar (明治6年1月1日, 明治5年太政官布告337号). Earlier days of 明治 are
// days of the lunisolar calendar and are not converted.
func firstGregorian() Date { return Date{1873, 1, 1} }

// Eras lists the eras, oldest first. Sources of the first days: 明治改元の詔 (retroactive to the first day of the lunisolar
// year, 1868-01-25); the rescripts 大正 1912-07-30 and 昭和 1926-12-25, which took effect on the very day, so that the
// earlier era may stand on that day too; 元号を改める政令 昭和64年政令1号 (from 1989-01-08) and 平成31年政令143号 (from 2019-05-01). These sources were
// not looked up: unverified.
func Eras() []Era {
	return []Era{
		{"meiji", "明治", "M", "㍾", "1", Date{1868, 1, 25}, Date{1912, 7, 30}},
		{"taisho", "大正", "T", "㍽", "2", Date{1912, 7, 30}, Date{1926, 12, 25}},
		{"showa", "昭和", "S", "㍼", "3", Date{1926, 12, 25}, Date{1989, 1, 7}},
		{"heisei", "平成", "H", "㍻", "4", Date{1989, 1, 8}, Date{2019, 4, 30}},
		{"reiwa", "令和", "R", "㋿", "5", Date{2019, 5, 1}, Date{}},
	}
}

// Year writes a year of the era: "令和8年", "令和元年".
func (e Era) Year(n int) string {
	if n == 1 {
		return e.Name + "元年"
	}
	return e.Name + strconv.Itoa(n) + "年"
}

// Era returns the era of the day and its year in it. It is false before 明治6年 (1873), when the calendar was another.
func (d Date) Era() (Era, int, bool) {
	if d.Before(firstGregorian()) {
		return Era{}, 0, false
	}
	eras := Eras()
	for i := len(eras) - 1; i >= 0; i-- {
		if !d.Before(eras[i].First) {
			return eras[i], d.Year - eras[i].First.Year + 1, true
		}
	}
	return Era{}, 0, false
}

// Japanese writes the date in the Japanese calendar: "令和8年12月1日". Before 1873 it writes the Gregorian year.
func (d Date) Japanese() string {
	era, n, ok := d.Era()
	if !ok {
		return d.western()
	}
	return fmt.Sprintf("%s%d月%d日", era.Year(n), int(d.Month), d.Day)
}

// Both writes the date in both calendars: "2026年（令和8年）12月1日".
func (d Date) Both() string {
	era, n, ok := d.Era()
	if !ok {
		return d.western()
	}
	return fmt.Sprintf("%d年（%s）%d月%d日", d.Year, era.Year(n), int(d.Month), d.Day)
}

func (d Date) western() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d年%d月%d日", d.Year, int(d.Month), d.Day)
}

// In writes the date for a language of the portals: "en" gives "1 December 2026", "easy" "2026年12月1日", any other
// both calendars. The zero Date is "".
func (d Date) In(lang string) string {
	switch {
	case d.IsZero():
		return ""
	case lang == "en":
		return fmt.Sprintf("%d %s %d", d.Day, d.Month, d.Year)
	case lang == "easy":
		return d.western()
	}
	return d.Both()
}
