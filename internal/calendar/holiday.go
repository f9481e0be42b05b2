package calendar

import "time"

// The years for which Holiday knows the holidays.
const (
	FirstHolidayYear = 1980
	LastHolidayYear  = 2099
)

// Holiday returns the name of the holiday on d under 国民の祝日に関する法律 (昭和23年法律178号), "" when d is none: a national
// holiday of article 2, "振替休日" (article 3(2)) or "国民の休日" (article 3(3)); the last two names are common usage.
//
// It knows FirstHolidayYear to LastHolidayYear and finds none in other years. The days of the equinoxes are fixed by the
// almanac (暦要項) that the National Astronomical Observatory gazettes each February for the next year; the formula
// used here agrees with those published, and is a prediction, unverified, for later years.
func Holiday(d Date) string {
	if d.Year < FirstHolidayYear || d.Year > LastHolidayYear {
		return ""
	}
	if name := nationalHoliday(d); name != "" {
		return name
	}
	if substituteHoliday(d) {
		return "振替休日"
	}
	if betweenHolidays(d) {
		return "国民の休日"
	}
	return ""
}

// nationalHoliday returns the holiday of article 2, or of a special law for one day.
func nationalHoliday(d Date) string {
	if name := onceOnly(d); name != "" {
		return name
	}
	for _, r := range holidayRules() {
		if r.month == d.Month && r.from <= d.Year && (r.to == 0 || d.Year <= r.to) && r.day(d.Year) == d.Day {
			return r.name
		}
	}
	return ""
}

// holidayRule is one line of article 2 in the years in which it stood so.
type holidayRule struct {
	name     string
	month    time.Month
	day      func(year int) int
	from, to int // first and last year; to 0 means still in force
}

// holidayRules lists article 2 as amended: 成人の日 and 体育の日 on a Monday since 2000 (平成10年法律141号), 海の日 and 敬老の日
// since 2003 (平成13年法律59号), 昭和の日 since 2007 (平成17年法律43号), 山の日 since 2016 (平成26年法律43号), 天皇誕生日 on
// 23 February and スポーツの日 since 2020 (平成29年法律63号, 平成30年法律57号). 2020 and 2021 had days of their own for the
// Olympic Games (平成27年法律33号 as amended); onceOnly has them. The numbers of the amending laws here and below were not
// looked up: unverified. The days are compared with the published lists by tests.
func holidayRules() []holidayRule {
	jan, feb, mar, apr, may := time.January, time.February, time.March, time.April, time.May
	jul, aug, sep, oct, nov, dec := time.July, time.August, time.September, time.October, time.November, time.December
	return []holidayRule{
		{"元日", jan, fixed(1), 0, 0},
		{"成人の日", jan, fixed(15), 0, 1999},
		{"成人の日", jan, monday(jan, 2), 2000, 0},
		{"建国記念の日", feb, fixed(11), 0, 0},
		{"天皇誕生日", feb, fixed(23), 2020, 0},
		{"春分の日", mar, springEquinox, 0, 0},
		{"天皇誕生日", apr, fixed(29), 0, 1988},
		{"みどりの日", apr, fixed(29), 1989, 2006},
		{"昭和の日", apr, fixed(29), 2007, 0},
		{"憲法記念日", may, fixed(3), 0, 0},
		{"みどりの日", may, fixed(4), 2007, 0},
		{"こどもの日", may, fixed(5), 0, 0},
		{"海の日", jul, fixed(20), 1996, 2002},
		{"海の日", jul, monday(jul, 3), 2003, 2019},
		{"海の日", jul, monday(jul, 3), 2022, 0},
		{"山の日", aug, fixed(11), 2016, 2019},
		{"山の日", aug, fixed(11), 2022, 0},
		{"敬老の日", sep, fixed(15), 0, 2002},
		{"敬老の日", sep, monday(sep, 3), 2003, 0},
		{"秋分の日", sep, autumnEquinox, 0, 0},
		{"体育の日", oct, fixed(10), 0, 1999},
		{"体育の日", oct, monday(oct, 2), 2000, 2019},
		{"スポーツの日", oct, monday(oct, 2), 2022, 0},
		{"文化の日", nov, fixed(3), 0, 0},
		{"勤労感謝の日", nov, fixed(23), 0, 0},
		{"天皇誕生日", dec, fixed(23), 1989, 2018},
	}
}

// onceOnly returns a holiday set for a single day: by 平成元年法律4号, 平成2年法律24号, 平成5年法律32号, 平成30年法律99号 (2019),
// and the Olympic exceptions of 2020 and 2021.
func onceOnly(d Date) string {
	switch d {
	case Date{1989, 2, 24}:
		return "昭和天皇の大喪の礼"
	case Date{1990, 11, 12}, Date{2019, 10, 22}:
		return "即位礼正殿の儀"
	case Date{1993, 6, 9}:
		return "皇太子徳仁親王の結婚の儀"
	case Date{2019, 5, 1}:
		return "天皇の即位の日"
	case Date{2020, 7, 23}, Date{2021, 7, 22}:
		return "海の日"
	case Date{2020, 7, 24}, Date{2021, 7, 23}:
		return "スポーツの日"
	case Date{2020, 8, 10}, Date{2021, 8, 8}:
		return "山の日"
	}
	return ""
}

func fixed(day int) func(int) int { return func(int) int { return day } }

// monday returns the day of the n-th Monday of the month.
func monday(month time.Month, n int) func(int) int {
	return func(year int) int {
		first := Date{year, month, 1}.Weekday()
		return 1 + (int(time.Monday-first)+7)%7 + 7*(n-1)
	}
}

// springEquinox and autumnEquinox give the day in March and September for 1980 to 2099 by the usual approximation of the
// sun's longitude (constants after 海上保安庁水路部 暦計算研究会, 新こよみ便利帳; the book itself was not read).
func springEquinox(year int) int {
	n := year - 1980
	return int(20.8431+0.242194*float64(n)) - n/4
}

func autumnEquinox(year int) int {
	n := year - 1980
	return int(23.2488+0.242194*float64(n)) - n/4
}

// substituteHoliday is article 3(2): a national holiday on a Sunday makes the nearest following day that is not one a
// holiday; until 2006 only the Monday (昭和48年法律10号, 平成17年法律43号).
func substituteHoliday(d Date) bool {
	for back := 1; ; back++ {
		before := d.AddDays(-back)
		if nationalHoliday(before) == "" {
			return false
		}
		if before.Weekday() == time.Sunday {
			return back == 1 || d.Year >= 2007
		}
	}
}

// betweenHolidays is article 3(3): a day between two national holidays (since 昭和60年法律103号, in force 1985-12-27;
// until 2006 not on a Sunday).
func betweenHolidays(d Date) bool {
	if d.Year < 1986 || d.Year < 2007 && d.Weekday() == time.Sunday {
		return false
	}
	return nationalHoliday(d.AddDays(-1)) != "" && nationalHoliday(d.AddDays(1)) != ""
}
