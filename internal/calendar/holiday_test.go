package calendar_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"akashi/internal/calendar"
)

// holidays lists, per year, all holidays as "MMDD", from the lists that the Cabinet Office publishes (国民の祝日について),
// written down from memory of them and of printed calendars.
func holidays() map[int]string {
	return map[int]string{
		2019: "0101 0114 0211 0321 0429 0430 0501 0502 0503 0504 0505 0506 0715 0811 0812 0916 0923 1014 1022 1103 1104 1123",
		2020: "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0723 0724 0810 0921 0922 1103 1123",
		2021: "0101 0111 0211 0223 0320 0429 0503 0504 0505 0722 0723 0808 0809 0920 0923 1103 1123",
		2022: "0101 0110 0211 0223 0321 0429 0503 0504 0505 0718 0811 0919 0923 1010 1103 1123",
		2023: "0101 0102 0109 0211 0223 0321 0429 0503 0504 0505 0717 0811 0918 0923 1009 1103 1123",
		2024: "0101 0108 0211 0212 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0922 0923 1014 1103 1104 1123",
		2025: "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
		2026: "0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123",
		2027: "0101 0111 0211 0223 0321 0322 0429 0503 0504 0505 0719 0811 0920 0923 1011 1103 1123",
	}
}

func TestHolidaysOfAYear(t *testing.T) {
	for year, want := range holidays() {
		var got []string
		for d := day(fmt.Sprintf("%d-01-01", year)); d.Year == year; d = d.AddDays(1) {
			if calendar.Holiday(d) != "" {
				got = append(got, fmt.Sprintf("%02d%02d", int(d.Month), d.Day))
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%d\n got %s\nwant %s", year, g, want)
		}
	}
}

func TestHolidayNames(t *testing.T) {
	for iso, want := range map[string]string{
		"2026-09-22": "国民の休日", "2026-05-06": "振替休日", "2020-07-23": "海の日", "2021-08-09": "振替休日",
		"2019-04-30": "国民の休日", "2019-05-02": "国民の休日", "2019-05-01": "天皇の即位の日", "2009-09-22": "国民の休日",
		"2006-05-04": "国民の休日", "1999-01-15": "成人の日", "2000-10-09": "体育の日", "1989-02-24": "昭和天皇の大喪の礼",
		"2018-12-24": "振替休日", "2019-12-23": "", "1988-04-29": "天皇誕生日", "1985-05-04": "", "1987-05-04": "振替休日",
		"2003-05-05": "こどもの日", "2003-05-06": "", "2008-05-06": "振替休日", "2031-01-02": "", "2100-01-01": "",
	} {
		if got := calendar.Holiday(day(iso)); got != want {
			t.Errorf("%s is %q, want %q", iso, got, want)
		}
	}
}

// TestEquinoxes compares the formula with published days.
func TestEquinoxes(t *testing.T) {
	for _, iso := range []string{
		"2000-03-20", "2007-03-21", "2010-03-21", "2012-03-20", "2016-03-20", "2027-03-21",
		"2000-09-23", "2012-09-22", "2016-09-22", "2020-09-22", "2024-09-22", "2027-09-23",
	} {
		if got := calendar.Holiday(day(iso)); !strings.HasSuffix(got, "分の日") {
			t.Errorf("%s is %q, want an equinox", iso, got)
		}
	}
}

func TestOfficeDays(t *testing.T) {
	for iso, want := range map[string]bool{
		"2026-12-28": true, "2026-12-29": false, "2026-12-31": false, "2027-01-01": false, "2027-01-03": false,
		"2027-01-04": true, "2026-11-21": false, "2026-11-22": false, "2026-11-23": false, "2026-11-24": true,
	} {
		if got := calendar.IsBusinessDay(day(iso)); got != want {
			t.Errorf("%s business day = %v, want %v", iso, got, want)
		}
	}
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-11-20", 1, "2026-11-24"}, {"2026-11-21", 1, "2026-11-24"}, {"2026-12-28", 1, "2027-01-04"},
		{"2027-01-04", -1, "2026-12-28"}, {"2026-11-21", 0, "2026-11-21"}, {"2026-04-28", 4, "2026-05-08"},
	} {
		if got := calendar.AddBusinessDays(day(c.from), c.n); got != day(c.want) {
			t.Errorf("%s and %d business days = %v, want %s", c.from, c.n, got, c.want)
		}
	}
	if got := calendar.NextBusinessDay(day("2026-12-29")); got != day("2027-01-04") {
		t.Errorf("a limit of 29 December ends on %v, want 2027-01-04", got)
	}
}

func TestBusinessDaysUndo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := anyDay(t), rapid.IntRange(-60, 60).Draw(t, "n")
		e := calendar.AddBusinessDays(d, n)
		if got := calendar.BusinessDaysBetween(d, e); got != n {
			t.Fatalf("from %v, %d business days lead to %v, counted %d", d, n, e, got)
		}
		if n != 0 && !calendar.IsBusinessDay(e) {
			t.Fatalf("%v is not a business day", e)
		}
	})
}

// TestHolidayGaps: a holiday on a Sunday is always followed by a free weekday that makes up for it, every year that the
// rules know, since 2007.
func TestHolidayGaps(t *testing.T) {
	for d := day("2007-01-01"); d.Year <= calendar.LastHolidayYear; d = d.AddDays(1) {
		if calendar.Holiday(d) == "" || d.Weekday() != 0 {
			continue
		}
		e := d.AddDays(1)
		for calendar.Holiday(e) != "" && calendar.Holiday(e) != "振替休日" {
			e = e.AddDays(1)
		}
		if calendar.Holiday(e) != "振替休日" {
			t.Errorf("%v (%s) has no substitute", d, calendar.Holiday(d))
		}
	}
}
