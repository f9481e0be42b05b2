package qualification_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
)

const nurses = "kangoshi.mhlw"

func act(t testing.TB, kind qualification.ActKind, qualificationID, on string, bodies ...string) qualification.Act {
	t.Helper()
	return qualification.Act{ID: string(kind) + on, Kind: kind, Qualification: qualificationID, On: day(t, on), Bodies: bodies}
}

// TestActsOverDefinitions: an act counts from its day on, for what it names and nothing else.
func TestActsOverDefinitions(t *testing.T) {
	closing := act(t, qualification.ActClose, "kangoshi", "2026-07-01", "mhlw")
	reopening := act(t, qualification.ActOpen, "kangoshi", "2027-04-01", "mhlw")
	online := closing
	online.Channel = qualification.ChannelCounter
	c := load(t).Apart()
	change := closing
	change.Procedures = []string{"change"}
	for name, x := range map[string]struct {
		acts []qualification.Act
		day  string
		want qualification.Offering
	}{
		"definition alone":     {nil, "2026-06-30", qualification.Offering{Open: true, Since: day(t, "2026-04-01"), Listed: true}},
		"before it opens":      {nil, "2026-03-31", qualification.Offering{From: day(t, "2026-04-01"), Listed: true}},
		"before the closing":   {[]qualification.Act{closing}, "2026-06-30", qualification.Offering{Open: true, Since: day(t, "2026-04-01"), Until: day(t, "2026-07-01"), Listed: true}},
		"on the day":           {[]qualification.Act{closing}, "2026-07-01", qualification.Offering{Closed: day(t, "2026-07-01"), Listed: true}},
		"to be reopened":       {[]qualification.Act{closing, reopening}, "2026-12-01", qualification.Offering{Closed: day(t, "2026-07-01"), From: day(t, "2027-04-01"), FromAct: "open2027-04-01", Listed: true}},
		"reopened":             {[]qualification.Act{closing, reopening}, "2027-04-01", qualification.Offering{Open: true, Since: day(t, "2027-04-01"), SinceAct: "open2027-04-01", Listed: true}},
		"the other channel":    {[]qualification.Act{online}, "2026-12-01", qualification.Offering{Open: true, Since: day(t, "2026-04-01"), Listed: true}},
		"another procedure":    {[]qualification.Act{change}, "2026-12-01", qualification.Offering{Open: true, Since: day(t, "2026-04-01"), Listed: true}},
		"another body":         {[]qualification.Act{act(t, qualification.ActClose, "kangoshi", "2026-07-01", "sssc")}, "2026-12-01", qualification.Offering{Open: true, Since: day(t, "2026-04-01"), Listed: true}},
		"another kind of act":  {[]qualification.Act{act(t, qualification.ActSwitch, "kangoshi", "2026-07-01", "mhlw")}, "2026-12-01", qualification.Offering{Open: true, Since: day(t, "2026-04-01"), Listed: true}},
		"closed as it reopens": {[]qualification.Act{closing, reopening, act(t, qualification.ActClose, "kangoshi", "2027-04-01", "mhlw")}, "2026-12-01", qualification.Offering{Closed: day(t, "2026-07-01"), Listed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			c.UseActs(qualification.NewActs(1, x.acts))
			if got := c.Offering(nurses, "registration", qualification.ChannelOnline, day(t, x.day)); got != x.want {
				t.Errorf("got %+v\nwant %+v", got, x.want)
			}
			if c.Offered(nurses, "registration", qualification.ChannelOnline, day(t, x.day)) != x.want.Open {
				t.Error("Offered says otherwise")
			}
		})
	}
}

// TestWhatTheDefinitionDoesNotOfferCannotBeOpened: an act gives a day, not a way.
func TestWhatTheDefinitionDoesNotOfferCannotBeOpened(t *testing.T) {
	c := load(t).Apart()
	c.UseActs(qualification.NewActs(1, []qualification.Act{act(t, qualification.ActOpen, "kangoshi", "2026-07-01", "mhlw")}))
	for _, x := range [][3]string{{nurses, "linking", "counter"}, {nurses, "nothing", "online"}, {"kangoshi.sssc", "registration", "online"}} {
		if got := c.Offering(x[0], x[1], x[2], day(t, "2026-12-01")); got != (qualification.Offering{}) {
			t.Errorf("%v: %+v", x, got)
		}
	}
}

// TestOfTwoActsForOneDayTheLaterDecidedCounts, and a catalogue made by With sees the same acts.
func TestOfTwoActsForOneDayTheLaterDecidedCounts(t *testing.T) {
	c := load(t).Apart()
	first, second := act(t, qualification.ActClose, "kangoshi", "2026-07-01", "mhlw"), act(t, qualification.ActOpen, "kangoshi", "2026-07-01", "mhlw")
	first.DecidedAt = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
	second.DecidedAt = first.DecidedAt.Add(time.Hour)
	same := c.With()
	c.UseActs(qualification.NewActs(1, []qualification.Act{second, first}))
	if !same.Offered(nurses, "registration", qualification.ChannelOnline, day(t, "2026-07-01")) {
		t.Error("the closing that was decided first counts")
	}
}

func TestDirect(t *testing.T) {
	some := act(t, qualification.ActSwitch, "kangoshi", "2026-10-01", "pref-13", "pref-41")
	some.Procedures = []string{"change"}
	c := load(t).Apart()
	c.UseActs(qualification.NewActs(1, []qualification.Act{
		act(t, qualification.ActUnswitch, "kangoshi", "2027-01-01", "pref-13"), act(t, qualification.ActSwitch, "kangoshi", "2026-07-01", "pref-01"), some}))
	for _, x := range []struct {
		procedure, day string
		want           []string
	}{
		{"change", "2026-06-30", nil}, {"change", "2026-07-01", []string{"pref-01"}}, {"change", "2026-10-01", []string{"pref-01", "pref-13", "pref-41"}},
		{"registration", "2026-10-01", []string{"pref-01"}}, {"change", "2027-01-01", []string{"pref-01", "pref-41"}},
	} {
		if got := c.Direct("kangoshi", x.procedure, day(t, x.day)); !slices.Equal(got, x.want) {
			t.Errorf("%s on %s: %v, want %v", x.procedure, x.day, got, x.want)
		}
	}
	if got := c.Direct("jun-kangoshi", "change", day(t, "2027-06-01")); got != nil {
		t.Errorf("another qualification: %v", got)
	}
}

func TestLegalOriginal(t *testing.T) {
	c := load(t).Apart()
	c.UseActs(qualification.NewActs(1, []qualification.Act{act(t, qualification.ActOriginal, "kangoshi", "2027-04-01"), act(t, qualification.ActUnoriginal, "kangoshi", "2028-04-01")}))
	for on, want := range map[string]string{"2027-03-31": "", "2027-04-01": "2027-04-01", "2028-03-31": "2027-04-01", "2028-04-01": ""} {
		var since calendar.Date
		if want != "" {
			since = day(t, want)
		}
		if got := c.LegalOriginal("kangoshi", day(t, on)); got != since {
			t.Errorf("on %s: %s, want %q", on, got, want)
		}
	}
	if got := c.LegalOriginal("nothing", day(t, "2028-01-01")); !got.IsZero() {
		t.Errorf("an unknown qualification: %s", got)
	}
}

// TestOfferingIsWhatTheLastActSays: whatever acts there are, the last of those whose day has come decides, and what an
// offering says of the past and the future agrees with the offering on those days.
func TestOfferingIsWhatTheLastActSays(t *testing.T) {
	c := load(t).Apart()
	start := day(t, "2026-04-01")
	rapid.Check(t, func(r *rapid.T) {
		open := true // by the definition, since the first day
		var acts []qualification.Act
		on := start
		var days []calendar.Date
		for range rapid.IntRange(0, 6).Draw(r, "acts") {
			on = on.AddDays(rapid.IntRange(1, 90).Draw(r, "days"))
			kind := qualification.ActClose
			if rapid.Bool().Draw(r, "open") {
				kind = qualification.ActOpen
			}
			acts = append(acts, qualification.Act{ID: on.String(), Kind: kind, Qualification: "kangoshi", On: on, Bodies: []string{"mhlw"}})
			days = append(days, on)
		}
		at := start.AddDays(rapid.IntRange(0, 400).Draw(r, "at"))
		for i := range acts {
			if !days[i].After(at) {
				open = acts[i].Kind == qualification.ActOpen
			}
		}
		under := func(d calendar.Date) qualification.Offering {
			return c.OfferingUnder(acts, nurses, "registration", qualification.ChannelOnline, d)
		}
		o := under(at)
		if o.Open != open {
			r.Fatalf("open %v on %s under %+v", o.Open, at, acts)
		}
		if o.Open && (!under(o.Since).Open || o.Since != start && under(o.Since.AddDays(-1)).Open) {
			r.Fatalf("not open since %s", o.Since)
		}
		if !o.Until.IsZero() && (under(o.Until).Open || !under(o.Until.AddDays(-1)).Open) {
			r.Fatalf("not closed on %s", o.Until)
		}
		if !o.From.IsZero() && (!under(o.From).Open || under(o.From.AddDays(-1)).Open) {
			r.Fatalf("not opened on %s", o.From)
		}
		if !o.Open && o.Closed.IsZero() {
			r.Fatal("closed, and no day says since when")
		}
	})
}
