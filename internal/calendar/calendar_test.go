package calendar_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"akashi/internal/calendar"
	"akashi/internal/fault"
)

func day(s string) calendar.Date {
	d, err := calendar.ParseISO(s)
	if err != nil {
		panic(err)
	}
	return d
}

// anyDay draws a day between 1873 and 2199.
func anyDay(t *rapid.T) calendar.Date {
	return day("1873-01-01").AddDays(rapid.IntRange(0, 119000).Draw(t, "days after 1873"))
}

func TestParseISORefuses(t *testing.T) {
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-1-1", "0000-01-01", "2026-12-01 ", "２０２６-12-01", "2026-12-01T00:00:00Z"} {
		if d, err := calendar.ParseISO(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseISO(%q) = %v, %v; want an invalid fault", s, d, err)
		}
	}
}

func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := anyDay(t), rapid.IntRange(-40000, 40000).Draw(t, "n")
		e := d.AddDays(n)
		if e.Sub(d) != n || e.AddDays(-n) != d {
			t.Fatalf("%v + %d = %v, back %v, difference %d", d, n, e, e.AddDays(-n), e.Sub(d))
		}
		if e.After(d) != (n > 0) || e.Before(d) != (n < 0) {
			t.Fatalf("order of %v and %v is wrong", d, e)
		}
		if again := day(d.String()); again != d || calendar.Of(d.Time()) != d {
			t.Fatalf("%v is read back as %v", d, again)
		}
	})
}

func TestOfReadsJapan(t *testing.T) {
	if got := calendar.Of(time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC)); got != day("2026-12-01") {
		t.Errorf("15:00 UTC is %v in Japan, want 2026-12-01", got)
	}
}

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-01-31", 1, "2026-02-28"}, {"2024-02-29", 12, "2025-02-28"}, {"2026-12-15", 1, "2027-01-15"},
		{"2026-03-31", -1, "2026-02-28"}, {"2026-03-31", 0, "2026-03-31"},
	} {
		if got := day(c.from).AddMonths(c.n); got != day(c.want) {
			t.Errorf("%s and %d months = %v, want %s", c.from, c.n, got, c.want)
		}
	}
}

func TestTextForms(t *testing.T) {
	type file struct {
		Day calendar.Date `json:"day" yaml:"day"`
	}
	for _, d := range []calendar.Date{{}, day("2026-04-01")} {
		b, err := json.Marshal(file{d})
		if err != nil {
			t.Fatal(err)
		}
		var fromJSON, fromYAML file
		if err := json.Unmarshal(b, &fromJSON); err != nil || fromJSON.Day != d {
			t.Errorf("JSON %s is read as %v, %v", b, fromJSON.Day, err)
		}
		y, err := yaml.Marshal(file{d})
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(y, &fromYAML); err != nil || fromYAML.Day != d {
			t.Errorf("YAML %s is read as %v, %v", y, fromYAML.Day, err)
		}
	}
	var plain file
	if err := yaml.Unmarshal([]byte("day: 2026-04-01\n"), &plain); err != nil || plain.Day != day("2026-04-01") {
		t.Errorf("an unquoted YAML date is read as %v, %v", plain.Day, err)
	}
	if err := json.Unmarshal([]byte(`{"day":"2026-02-30"}`), &plain); !errors.Is(err, fault.Invalid) {
		t.Errorf("30 February: %v, want an invalid fault", err)
	}
	if b, err := json.Marshal(file{calendar.Date{Year: 2026, Month: 2, Day: 30}}); err == nil {
		t.Errorf("30 February is written as %s", b)
	}
}

// TestColumn stores and reads dates with the codec of the database driver, in both wire formats.
func TestColumn(t *testing.T) {
	m := pgtype.NewMap()
	for _, format := range []int16{pgtype.TextFormatCode, pgtype.BinaryFormatCode} {
		for _, d := range []calendar.Date{{}, day("1873-01-01"), day("2026-12-01"), day("9999-12-31")} {
			b, err := m.Encode(pgtype.DateOID, format, d, nil)
			if err != nil {
				t.Fatalf("storing %v: %v", d, err)
			}
			got := day("2000-01-01")
			if err := m.Scan(pgtype.DateOID, format, b, &got); err != nil || got != d {
				t.Errorf("format %d: %v comes back as %v, %v", format, d, got, err)
			}
		}
	}
	var d calendar.Date
	if err := d.Scan(time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)); err == nil {
		t.Error("a timestamp was taken for a date")
	}
	if err := d.Scan(20260101); err == nil {
		t.Error("a number was taken for a date")
	}
}

func TestJapanese(t *testing.T) {
	for _, c := range []struct{ iso, japanese, both string }{
		{"2026-12-01", "令和8年12月1日", "2026年（令和8年）12月1日"},
		{"2019-05-01", "令和元年5月1日", "2019年（令和元年）5月1日"},
		{"2019-04-30", "平成31年4月30日", "2019年（平成31年）4月30日"},
		{"1989-01-08", "平成元年1月8日", "1989年（平成元年）1月8日"},
		{"1989-01-07", "昭和64年1月7日", "1989年（昭和64年）1月7日"},
		{"1926-12-25", "昭和元年12月25日", "1926年（昭和元年）12月25日"},
		{"1926-12-24", "大正15年12月24日", "1926年（大正15年）12月24日"},
		{"1912-07-30", "大正元年7月30日", "1912年（大正元年）7月30日"},
		{"1912-07-29", "明治45年7月29日", "1912年（明治45年）7月29日"},
		{"1873-01-01", "明治6年1月1日", "1873年（明治6年）1月1日"},
		{"1872-12-31", "1872年12月31日", "1872年12月31日"},
	} {
		if got := day(c.iso).Japanese(); got != c.japanese {
			t.Errorf("%s in Japanese = %s, want %s", c.iso, got, c.japanese)
		}
		if got := day(c.iso).Both(); got != c.both {
			t.Errorf("%s in both = %s, want %s", c.iso, got, c.both)
		}
	}
}

func TestIn(t *testing.T) {
	d := day("2026-12-01")
	for lang, want := range map[string]string{"ja": "2026年（令和8年）12月1日", "en": "1 December 2026", "easy": "2026年12月1日"} {
		if got := d.In(lang); got != want {
			t.Errorf("In(%s) = %s, want %s", lang, got, want)
		}
		if got := (calendar.Date{}).In(lang); got != "" {
			t.Errorf("the zero date in %s = %q", lang, got)
		}
	}
}

func TestJPKI(t *testing.T) {
	for s, want := range map[string]string{
		"319800217": "1980-02-17", "520190501": "2019-05-01", "420190430": "2019-04-30", "319890107": "1989-01-07",
		"319261225": "1926-12-25", "219261225": "1926-12-25", "019800217": "1980-02-17",
	} {
		if d, err := calendar.ParseJPKI(s); err != nil || d != day(want) {
			t.Errorf("ParseJPKI(%s) = %v, %v; want %s", s, d, err, want)
		}
	}
	for _, s := range []string{"000000000", "319800200", "319800017"} {
		if d, err := calendar.ParseJPKI(s); err != nil || !d.IsZero() {
			t.Errorf("ParseJPKI(%s) = %v, %v; want no date", s, d, err)
		}
	}
	for _, s := range []string{"", "19800217", "319800230", "419890107", "520190430", "619800217", "3198002１7", "3-1980217"} {
		if d, err := calendar.ParseJPKI(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseJPKI(%q) = %v, %v; want an invalid fault", s, d, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := anyDay(t)
		if got, err := calendar.ParseJPKI(d.JPKI()); err != nil || got != d {
			t.Fatalf("%v as %s comes back as %v, %v", d, d.JPKI(), got, err)
		}
	})
}

func FuzzParseJPKI(f *testing.F) {
	f.Add("319800217")
	f.Add("000000000")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := calendar.ParseJPKI(s)
		if err == nil && !d.IsZero() && !d.Valid() {
			t.Errorf("%q gives the impossible day %v", s, d)
		}
	})
}
