package qualification_test

import (
	"slices"
	"testing"

	"akashi/internal/qualification"
)

// use is an act about the functions of a register.
func use(t testing.TB, kind qualification.ActKind, on string, functions ...string) qualification.Act {
	t.Helper()
	a := act(t, kind, "kangoshi", on, "mhlw")
	a.Functions = functions
	return a
}

// TestFunctionsOfARegister: it uses all of them until an act ends one, for the register and functions that it names, from its
// day on.
func TestFunctionsOfARegister(t *testing.T) {
	c := load(t).Apart()
	ends := use(t, qualification.ActUnuse, "2026-07-01", qualification.FunctionPDF, qualification.FunctionWallet)
	again := use(t, qualification.ActUse, "2027-04-01", qualification.FunctionPDF)
	elsewhere := ends
	elsewhere.Bodies = []string{"sssc"}
	for name, x := range map[string]struct {
		acts          []qualification.Act
		function, day string
		want          qualification.Offering
	}{
		"from the beginning": {nil, "pdf", "2026-07-01", qualification.Offering{Open: true, Listed: true}},
		"to end":             {[]qualification.Act{ends}, "pdf", "2026-06-30", qualification.Offering{Open: true, Until: day(t, "2026-07-01"), Listed: true}},
		"ended":              {[]qualification.Act{ends}, "pdf", "2026-07-01", qualification.Offering{Closed: day(t, "2026-07-01"), Listed: true}},
		"another function":   {[]qualification.Act{ends}, "number", "2026-07-01", qualification.Offering{Open: true, Listed: true}},
		"another register":   {[]qualification.Act{elsewhere}, "pdf", "2026-07-01", qualification.Offering{Open: true, Listed: true}},
		"to begin":           {[]qualification.Act{ends, again}, "pdf", "2026-12-01", qualification.Offering{Closed: day(t, "2026-07-01"), From: day(t, "2027-04-01"), FromAct: "use2027-04-01", Listed: true}},
		"begun again":        {[]qualification.Act{ends, again}, "pdf", "2027-04-01", qualification.Offering{Open: true, Since: day(t, "2027-04-01"), SinceAct: "use2027-04-01", Listed: true}},
		"no function":        {nil, "party", "2026-07-01", qualification.Offering{}},
		"a closing of procedures": {[]qualification.Act{act(t, qualification.ActClose, "kangoshi", "2026-07-01", "mhlw")}, "pdf", "2026-07-01",
			qualification.Offering{Open: true, Listed: true}},
	} {
		c.UseActs(qualification.NewActs(1, x.acts))
		if got := c.Using(nurses, x.function, day(t, x.day)); got != x.want {
			t.Errorf("%s: got %+v, want %+v", name, got, x.want)
		}
		if c.Uses(nurses, x.function, day(t, x.day)) != x.want.Open {
			t.Errorf("%s: Uses says otherwise", name)
		}
	}
	if o := c.Using("kangoshi.nobody", "pdf", day(t, "2026-07-01")); o != (qualification.Offering{}) {
		t.Errorf("an unknown register: %+v", o)
	}
	c.UseActs(qualification.NewActs(1, []qualification.Act{ends}))
	if c.Offering(nurses, "registration", qualification.ChannelOnline, day(t, "2026-07-02")) != (qualification.Offering{Open: true, Since: day(t, "2026-04-01"), Listed: true}) {
		t.Error("an end of functions closes procedures")
	}
}

// TestFunctionsOfAPattern: a definition can leave functions out, of some registers; an act can begin them.
func TestFunctionsOfAPattern(t *testing.T) {
	files := good(t)
	files["sample.yaml"] = []byte(`
extends: [bases/base.yaml]
id: sample
registers:
  - {registrars: [ministry], opens_on: 2026-04-01, rollout: open, functions: [pdf, number]}
`)
	c, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, f := range qualification.Functions {
		if c.Uses("sample.ministry", f, day(t, "2026-07-01")) {
			used = append(used, f)
		}
	}
	if !slices.Equal(used, []string{"pdf", "number"}) {
		t.Errorf("uses %v", used)
	}
	begins := use(t, qualification.ActUse, "2026-07-01", qualification.FunctionWatch)
	begins.Qualification, begins.Bodies = "sample", []string{"ministry"}
	c.UseActs(qualification.NewActs(1, []qualification.Act{begins}))
	if c.Uses("sample.ministry", "watch", day(t, "2026-06-30")) || !c.Uses("sample.ministry", "watch", day(t, "2026-07-01")) {
		t.Error("the act does not begin it on its day")
	}
}
