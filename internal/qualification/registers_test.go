package qualification_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"akashi/internal/qualification"
)

// TestCountOfRegisters: the table of FORMAT.md that tells how many registers there are, and why, is what the files say.
func TestCountOfRegisters(t *testing.T) {
	of := map[int][]string{}
	all, definitions := 0, load(t).List()
	for _, d := range definitions {
		n := len(d.Registers)
		of[n] = append(of[n], d.Name.In(qualification.JA))
		all += n
	}
	format, err := os.ReadFile("../../qualifications/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(format), "### How many registers there are")
	var rows int
	for n, names := range of {
		row := fmt.Sprintf("| %d | %d | %d |", n, len(names), n*len(names))
		i := strings.Index(text, "\n"+row)
		if i < 0 {
			t.Errorf("FORMAT.md has no row %q for %v", row, names)
			continue
		}
		rows++
		line, _, _ := strings.Cut(text[i+1:], "\n")
		if n == 1 || n == 47 {
			continue
		}
		for _, name := range names {
			if !strings.Contains(line, name) {
				t.Errorf("the row for %d registers does not name %s", n, name)
			}
		}
	}
	if total := fmt.Sprintf("| | %d | %d | |", len(definitions), all); !strings.Contains(text, "\n"+total+"\n") {
		t.Errorf("FORMAT.md has no sum %q", total)
	}
	if got := strings.Count(text, "\n| ") - 2; got != rows { // the head and the sum
		t.Errorf("the table has %d rows, the files give %d", got, rows)
	}
	without := func(id string) (out []string) {
		d, _ := load(t).Definition(id)
		have := map[string]bool{}
		for _, g := range d.Registers {
			have[g.Registrar] = true
		}
		for _, g := range load(t).Registrars() {
			if g.Group == "prefectures" && !have[g.ID] {
				out = append(out, g.ID)
			}
		}
		return out
	}
	kansai := []string{"pref-25", "pref-26", "pref-27", "pref-28", "pref-30", "pref-36"}
	if got := without("chorishi"); !slices.Equal(got, kansai) {
		t.Errorf("no register of 調理師 at %v", got)
	}
	if got := without("jun-kangoshi"); !slices.Equal(got, append(slices.Clone(kansai[:4]), "pref-29", "pref-30", "pref-36")) {
		t.Errorf("no register of 准看護師 at %v", got)
	}
}

// TestForwardedBy: which qualifications go through a body, by their routes.
func TestForwardedBy(t *testing.T) {
	through := func(body string) (ids []string) {
		for _, d := range load(t).List() {
			if d.ForwardedBy(body) {
				ids = append(ids, d.ID)
			}
		}
		return ids
	}
	tokyo := through("pref-13")
	for _, id := range []string{"yakuzaishi", "hokenshi", "seishin-hoken-shiteii"} {
		if !slices.Contains(tokyo, id) {
			t.Errorf("%s does not go through a prefecture: %v", id, tokyo)
		}
	}
	if !slices.Equal(tokyo, through("pref-41")) {
		t.Errorf("the prefectures differ: %v, %v", tokyo, through("pref-41"))
	}
	for body, want := range map[string][]string{"sharoshi-kai-13": {"shakai-hoken-romushi"}, "pref-99": nil, "mhlw": nil, "nobody": nil} {
		if got := through(body); !slices.Equal(got, want) {
			t.Errorf("through %s go %v, want %v", body, got, want)
		}
	}
}
