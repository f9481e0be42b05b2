package job_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"pgregory.net/rapid"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/job"
)

type ids struct {
	Register string    `json:"register"`
	Case     uuid.UUID `json:"case"`
	Round    int       `json:"round"`
	Page     int64     `json:"page"`
}

func (ids) Kind() string { return "test.ids" }

type withStruct struct{ Name struct{ Family string } }

func (withStruct) Kind() string { return "test.struct" }

type withMap struct{ Answers map[string]string }

func (withMap) Kind() string { return "test.map" }

type withSlice struct{ Items []string }

func (withSlice) Kind() string { return "test.slice" }

type withTime struct{ Birth time.Time }

func (withTime) Kind() string { return "test.time" }

type withPointer struct{ Name *string }

func (withPointer) Kind() string { return "test.pointer" }

type withBool struct{ Married bool }

func (withBool) Kind() string { return "test.bool" }

type bare string

func (bare) Kind() string { return "test.bare" }

func TestArgumentsCarryIDsOnly(t *testing.T) {
	for _, c := range []struct {
		args river.JobArgs
		want string // "" accepts
	}{
		{ids{"kangoshi-mhlw", uuid.Nil, 1, 2}, ""},
		{&ids{Register: "jun-kangoshi/pref-41"}, ""},
		{ids{}, ""},
		{ids{Register: "佐藤花子"}, "Register is not a plain id"},
		{ids{Register: "Sato Hanako"}, "Register is not a plain id"},
		{ids{Register: "hanako@example.jp"}, "Register is not a plain id"},
		{ids{Register: "123456789012"}, "Register is not a plain id"},
		{ids{Register: strings.Repeat("a", 121)}, "Register is not a plain id"},
		{withStruct{}, "Name has the type struct"},
		{withMap{}, "Answers has the type map[string]string"},
		{withSlice{}, "Items has the type []string"},
		{withTime{}, "Birth has the type time.Time"},
		{withPointer{}, "Name has the type *string"},
		{withBool{}, "Married has the type bool"},
		{bare("x"), "not a struct"},
	} {
		err := job.CheckArgs(c.args)
		if c.want == "" && err != nil {
			t.Errorf("%+v: %v", c.args, err)
		}
		if c.want != "" && (!errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%T: got %v, want %q", c.args, err, c.want)
		}
	}
}

func TestScrub(t *testing.T) {
	for cause, want := range map[string]string{
		"asking the resident registry: 503":                    "asking the resident registry: 503",
		"reading case 0190a000-0000-7000-8000-00000000000a: x": "reading case 0190a000-0000-7000-8000-00000000000a: x",
		"no record of 佐藤花子 born 1990":                          "no record of [...] born 1990",
		"mail to hanako.sato@example.jp refused":               "mail to [...] refused",
		"number 123456789012, tel 0952-12-3456":                "number [...], tel 0952-12-3456",
		"date 19900102 is bad":                                 "date [...] is bad",
	} {
		if got := job.Scrub(cause); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "cause")
		got := job.Scrub(s)
		if len(got) > 603 || strings.ContainsFunc(got, func(r rune) bool { return r > 127 }) {
			t.Errorf("Scrub(%q) = %q", s, got)
		}
	})
}

func TestBackoff(t *testing.T) {
	var policy job.Backoff
	for failures, mean := range map[int]time.Duration{
		0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 11: 2048 * time.Second, 12: time.Hour, 24: time.Hour, 1000: time.Hour,
	} {
		row := &rivertype.JobRow{Errors: make([]rivertype.AttemptError, failures)}
		before := clock.System{}.Now()
		next := policy.NextRetry(row)
		after := clock.System{}.Now()
		if next.Before(before.Add(mean*8/10)) || next.After(after.Add(mean*12/10)) {
			t.Errorf("after %d failures it waits %v, want %v within a fifth", failures, next.Sub(before), mean)
		}
	}
}

func TestDaily(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for now, want := range map[string]string{
		"2026-12-01T02:59:59+09:00": "2026-12-01T03:00:00+09:00",
		"2026-12-01T03:00:00+09:00": "2026-12-02T03:00:00+09:00",
		"2026-12-31T23:00:00+09:00": "2027-01-01T03:00:00+09:00",
		"2026-12-01T17:59:59Z":      "2026-12-02T03:00:00+09:00",
		"2026-12-01T18:00:00Z":      "2026-12-03T03:00:00+09:00",
	} {
		if got := job.NextDaily(3, 0, at(now)); !got.Equal(at(want)) {
			t.Errorf("after %s comes %s, want %s", now, got, want)
		}
	}
}
