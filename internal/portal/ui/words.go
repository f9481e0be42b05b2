package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/qualification"
)

// argText writes one argument of a wording in the page's language.
func argText(v any, lang qualification.Lang) string {
	switch v := v.(type) {
	case string:
		return v
	case qualification.Text:
		return annotate(v.Marked(lang))
	case time.Time:
		return DateText(lang, v)
	case calendar.Date:
		return v.In(string(lang))
	case int:
		return grouped(int64(v))
	case int64:
		return grouped(v)
	}
	return fmt.Sprint(v)
}

// grouped writes n with a comma every three digits.
func grouped(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// YenText writes an amount: 9,000円, JPY 9,000.
func YenText(lang qualification.Lang, yen int64) string {
	if lang == qualification.EN {
		return "JPY " + grouped(yen)
	}
	return grouped(yen) + "円"
}

// DateText writes the day in Japan, as the portals show it everywhere: 2026年（令和8年）11月21日; 21 November 2026.
func DateText(lang qualification.Lang, t time.Time) string { return calendar.Of(t).In(string(lang)) }

// TimeText writes a day and time in Japan: 2026年（令和8年）11月21日 18:30.
func TimeText(lang qualification.Lang, t time.Time) string {
	clockTime := t.In(clock.JST).Format("15:04")
	if lang == qualification.EN {
		return DateText(lang, t) + ", " + clockTime + " (JST)"
	}
	return DateText(lang, t) + " " + clockTime
}

// isoDay writes the machine form of a day for <time datetime>.
func isoDay(t time.Time) string { return t.In(clock.JST).Format(time.DateOnly) }

// joinIDs joins the non-empty ids of an aria-describedby.
func joinIDs(ids ...string) string {
	kept := ids[:0:0]
	for _, id := range ids {
		if id != "" {
			kept = append(kept, id)
		}
	}
	return strings.Join(kept, " ")
}
