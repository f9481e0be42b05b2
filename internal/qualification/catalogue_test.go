package qualification_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
	"akashi/qualifications"
)

func load(t testing.TB) *qualification.Catalogue {
	t.Helper()
	c, err := qualification.Load(qualifications.Files)
	if err != nil {
		t.Fatalf("the definitions of the repository:\n%v", err)
	}
	return c
}

func definition(t testing.TB, id string) *qualification.Definition {
	t.Helper()
	d, ok := load(t).Definition(id)
	if !ok {
		t.Fatalf("no definition %s", id)
	}
	return d
}

func day(t testing.TB, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseISO(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestGoldenOutlines compares what each definition comes to, its bases merged in, with what its owner last agreed to.
func TestGoldenOutlines(t *testing.T) {
	for _, d := range load(t).List() {
		t.Run(d.ID, func(t *testing.T) {
			file := filepath.Join("testdata", "outline", d.ID+".txt")
			if os.Getenv("AKASHI_GOLDEN") == "write" {
				if err := os.WriteFile(file, []byte(d.Outline()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Outline(); got != string(want) {
				t.Errorf("the outline differs from %s; look at the change and run make golden\n%s", file, firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d: %q", i+1, g[i])
		}
	}
	return "lines are missing at the end"
}

// TestFactsOfDefinitions: each definition has the five procedures, an examination that finds its passers, and texts
// whose plain Japanese differs from the Japanese.
func TestFactsOfDefinitions(t *testing.T) {
	for _, d := range load(t).List() {
		t.Run(d.ID, func(t *testing.T) {
			for _, id := range []string{"registration", "change", "reissue", "cancellation", "linking"} {
				if p := d.Procedure(id); p == nil || p.Declaration.JA == p.Declaration.Easy || len(p.Need) == 0 {
					t.Errorf("procedure %s is missing, or says the same in plain Japanese, or nothing about what is needed", id)
				}
			}
			p := d.Procedure("registration")
			if p.Passer == nil || p.Passer.Examination != d.ID || p.Passer.Fields["number"] != "exam_number" {
				t.Errorf("the passer is not identified: %+v", p.Passer)
			}
			if len(d.Source) == 0 || !bytes.Contains(d.Source, []byte("extends:")) {
				t.Error("the file of the author is not kept")
			}
			if strings.Contains(string(d.Resolved()), "{register}") {
				t.Error("a word was not filled in")
			}
		})
	}
}

func TestPinnedDefinitionIsTheSame(t *testing.T) {
	for _, d := range load(t).List() {
		sum := sha256.Sum256(d.Resolved())
		if d.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: SHA256 is not the digest of Resolved()", d.ID)
		}
		pinned, err := qualification.ParsePinned(d.Resolved())
		if err != nil {
			t.Fatalf("%s: reading it back: %v", d.ID, err)
		}
		if pinned.SHA256 != d.SHA256 || pinned.Outline() != d.Outline() || !bytes.Equal(pinned.Resolved(), d.Resolved()) {
			t.Errorf("%s: what was stored reads back as something else", d.ID)
		}
		var doc map[string]any
		if err := json.Unmarshal(d.Resolved(), &doc); err != nil || doc["extends"] != nil {
			t.Errorf("%s: Resolved() is not one JSON document without bases: %v", d.ID, err)
		}
	}
}

func TestParsePinnedRefuses(t *testing.T) {
	for input, want := range map[string]string{
		"":                      "is empty",
		"- a":                   "is not a mapping",
		"id: [":                 "is not YAML",
		"nonsense: 1":           "does not have the shape of a definition",
		"id: x\nversion: \"1\"": `number.format: "" must have exactly one verb`,
	} {
		if _, err := qualification.ParsePinned([]byte(input)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", input, err, want)
		}
	}
}

func TestCatalogueFinds(t *testing.T) {
	c := load(t)
	if g, ok := c.Register("jun-kangoshi.pref-41"); !ok || g.Code != "JK41" || g.Qualification != "jun-kangoshi" {
		t.Errorf("register: %+v", g)
	}
	if g, ok := c.RegisterByCode("KGMH"); !ok || g.ID != "kangoshi.mhlw" {
		t.Errorf("by code: %+v", g)
	}
	if g, ok := c.Registrar("sssc"); !ok || g.Parent != "mhlw" || g.Kind != "designated" {
		t.Errorf("registrar: %+v", g)
	}
	if _, ok := c.Registrar("pref-99"); ok {
		t.Error("an unknown registrar was found")
	}
	if len(c.Registers()) != 4 || len(c.Registrars()) != 4 || len(c.List()) != 3 {
		t.Errorf("%d registers, %d registrars, %d definitions", len(c.Registers()), len(c.Registrars()), len(c.List()))
	}
}

func TestOffered(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		register, procedure, channel, day string
		want                              bool
	}{
		{"kangoshi.mhlw", "registration", "online", "2026-04-01", true},
		{"kangoshi.mhlw", "registration", "online", "2026-03-31", false},
		{"kangoshi.mhlw", "registration", "counter", "2026-12-01", false},
		{"kangoshi.mhlw", "renewal", "online", "2026-12-01", false},
		{"kangoshi.pref-41", "registration", "online", "2026-12-01", false},
	} {
		if got := c.Offered(x.register, x.procedure, x.channel, day(t, x.day)); got != x.want {
			t.Errorf("%+v: got %v", x, got)
		}
	}
}

// TestVersions: a coming version lies beside the current one and takes over on its day; a stored one can be added.
func TestVersions(t *testing.T) {
	files := repository(t)
	next := strings.NewReplacer(`"2026-04-01.1"`, `"2027-04-01.1"`, "valid_from: 2026-04-01", "valid_from: 2027-04-01").Replace(string(files["kangoshi.yaml"]))
	files["versions/kangoshi@2027-04-01.1.yaml"] = []byte(next)
	c, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	for on, want := range map[string]string{"2027-03-31": "2026-04-01.1", "2027-04-01": "2027-04-01.1"} {
		if d, ok := c.At("kangoshi", day(t, on)); !ok || d.Version != want {
			t.Errorf("on %s: got %+v, want %s", on, d.Version, want)
		}
	}
	if _, ok := c.At("kangoshi", day(t, "2026-03-31")); ok {
		t.Error("a version is valid before its day")
	}
	if d, _ := c.Definition("kangoshi"); d.Version != "2026-04-01.1" {
		t.Errorf("current is %s", d.Version)
	}
	coming, ok := c.Version("kangoshi", "2027-04-01.1")
	if !ok {
		t.Fatal("the coming version is not there")
	}
	if more := load(t).With(coming); !knows(more, coming) || knows(load(t), coming) {
		t.Error("With did not add the version, or changed the catalogue that it came from")
	}
	files["versions/kangoshi@2026-04-01.1.yaml"] = files["kangoshi.yaml"]
	_, err = qualification.LoadFiles(files)
	wantFinding(t, err, "versions/kangoshi@2026-04-01.1.yaml: version: kangoshi 2026-04-01.1 is defined by another file too")
}

func knows(c *qualification.Catalogue, d *qualification.Definition) bool {
	_, ok := c.Version(d.ID, d.Version)
	return ok
}

func repository(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func wantFinding(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// BenchmarkLoad reads as many definitions as there will be: 84, each with its own texts. The aim is 800 ms.
func BenchmarkLoad(b *testing.B) {
	files := repository(b)
	source := string(files["kangoshi.yaml"])
	for i := len(load(b).List()); i < 84; i++ {
		id := fmt.Sprintf("copy-%d", i)
		files[id+".yaml"] = []byte(strings.NewReplacer("kangoshi", id, "KGMH", fmt.Sprintf("C%03d", i), "看護師", fmt.Sprintf("資格%d", i)).Replace(source))
	}
	for b.Loop() {
		if _, err := qualification.LoadFiles(files); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFormatIsExplained: every key of the schema stands in the guide for authors.
func TestFormatIsExplained(t *testing.T) {
	guide, err := os.ReadFile("../../qualifications/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(repository(t)["schema.json"], &schema); err != nil {
		t.Fatal(err)
	}
	for key := range propertiesOf(schema) {
		if !bytes.Contains(guide, []byte("`"+key+"`")) {
			t.Errorf("FORMAT.md does not explain %s", key)
		}
	}
}

// propertiesOf gathers the keys that a schema knows, at any depth.
func propertiesOf(schema any) map[string]bool {
	keys := map[string]bool{}
	switch s := schema.(type) {
	case map[string]any:
		if properties, ok := s["properties"].(map[string]any); ok {
			for key := range properties {
				keys[key] = true
			}
		}
		for _, v := range s {
			maps.Copy(keys, propertiesOf(v))
		}
	case []any:
		for _, v := range s {
			maps.Copy(keys, propertiesOf(v))
		}
	}
	return keys
}
