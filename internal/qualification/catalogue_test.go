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
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/qualifications"
)

// loaded is read once for the whole run: nothing can change it.
var loaded = sync.OnceValues(func() (*qualification.Catalogue, error) { return qualification.Load(qualifications.Files) })

func load(t testing.TB) *qualification.Catalogue {
	t.Helper()
	c, err := loaded()
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

// TestGoldenCredentials compares what the credential of a generated entry shows with what the definition's owner last agreed
// to.
func TestGoldenCredentials(t *testing.T) {
	for _, d := range load(t).List() {
		t.Run(d.ID, func(t *testing.T) {
			got := credentialSample(t, d)
			file := filepath.Join("testdata", "golden", d.ID+".txt")
			if os.Getenv("AKASHI_GOLDEN") == "write" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the credential differs from %s; look at the change and run make golden\n%s", file, firstDifference(got, string(want)))
			}
		})
	}
}

// credentialSample writes the fields of the credential of an entry whose items have the first of their values.
func credentialSample(t *testing.T, d *qualification.Definition) string {
	items := map[string]string{}
	for _, item := range d.Items {
		items[item.ID] = sampleValue(&item)
	}
	registrar, _ := load(t).Registrar(d.Registers[0].Registrar)
	fields, err := d.CredentialFields(qualification.CredentialFacts{Items: items, Number: d.FormatNumber(d.Number.First, items),
		RegisteredOn: day(t, "2026-12-01"), IssuedOn: day(t, "2026-12-02"), CredentialID: d.Registers[0].Code + "-00000-00000-0", UserCode: "0123456789ab", Registrar: registrar})
	if err != nil {
		t.Fatal(err)
	}
	until, err := d.ExpiresOn(items, day(t, "2026-12-01"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&b, "%s %s\n", key, fields[key])
	}
	if !until.IsZero() {
		fmt.Fprintf(&b, "有効期間の満了日 %s\n", until)
	}
	return b.String()
}

func sampleValue(item *qualification.Item) string {
	switch {
	case len(item.Options) > 0:
		return item.Options[0].Value
	case item.Kind == qualification.KindDate:
		return "1999-05-01"
	case item.Kind == qualification.KindYearMonth:
		return "2026-03"
	case item.Kind == qualification.KindPrefecture:
		return "41"
	case item.Kind == qualification.KindName:
		return "見本　花子"
	case item.Kind == qualification.KindKana:
		return "ミホン　ハナコ"
	}
	return "見本"
}

// TestMemoryOfTheCatalogue: every definition in memory takes less than 30 MB.
func TestMemoryOfTheCatalogue(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c, err := qualification.Load(qualifications.Files)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 30<<20 {
		t.Errorf("%d definitions take %d bytes", len(c.List()), grown)
	}
	runtime.KeepAlive(c)
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

// publicHosts are sites of registrars and of offices whose names do not end as those of public bodies do.
var publicHosts = []string{"apply.e-tumo.jp", "qqzaidan.jp", "www.ibaraki-sr.com", "www.kouiki-kansai.jp", "www.mankan.org", "zenjukyo.gr.jp"}

// TestConfirmedSources: what is confirmed was read in a law or on a page of the state, a prefecture, a city or a registrar; what
// somebody else tells is unverified.
func TestConfirmedSources(t *testing.T) {
	site := regexp.MustCompile(`https?://([^/ "、）]+)`)
	public := regexp.MustCompile(`\.(go|lg|or)\.jp$|^(www\.)?([a-z]+\.)?(pref|city)\.[a-z.]+\.jp$`)
	for _, d := range load(t).List() {
		for _, f := range d.Facts() {
			if f.Fact.Confidence != qualification.Confirmed {
				continue
			}
			for _, at := range site.FindAllStringSubmatch(f.Fact.Source, -1) {
				if !public.MatchString(at[1]) && !slices.Contains(publicHosts, at[1]) {
					t.Errorf("%s %s: confirmed by %s", d.ID, f.Path, at[1])
				}
			}
		}
	}
}

// TestFactsOfDefinitions: each definition can link an existing entry, says in each procedure what is declared and needed, in
// plain Japanese other than in Japanese, marks every fact that is not confirmed, and takes everybody whom it finds in a list of passers from a list of its own.
func TestFactsOfDefinitions(t *testing.T) {
	for _, d := range load(t).List() {
		t.Run(d.ID, func(t *testing.T) {
			effects := map[qualification.Effect]bool{}
			for i := range d.Procedures {
				p := &d.Procedures[i]
				effects[p.Effect] = true
				if p.Declaration.JA == p.Declaration.Easy || len(p.Need) == 0 {
					t.Errorf("procedure %s says the same in plain Japanese, or nothing about what is needed", p.ID)
				}
				if p.Passer != nil && (p.Passer.Examination == "" || p.Passer.Fields["number"] == "") {
					t.Errorf("procedure %s: the passer is not identified: %+v", p.ID, p.Passer)
				}
			}
			open := slices.DeleteFunc(d.Facts(), func(f qualification.FactAt) bool { return f.Fact.Confidence == qualification.Confirmed })
			for _, lang := range qualification.Langs {
				outline := d.OutlineIn(lang)
				if marks := strings.Count(outline, " ?\n"); marks != len(open) || strings.Count(outline, "\n") != strings.Count(d.Outline(), "\n") {
					t.Errorf("%s: %d facts are not confirmed, and the outline marks %d", lang, len(open), marks)
				}
			}
			if !effects[qualification.EffectLink] {
				t.Error("nobody can link an existing entry")
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
	keeps := func(id string) bool {
		return slices.ContainsFunc(c.Keepers(), func(g *qualification.Registrar) bool { return g.ID == id })
	}
	if !keeps("mhlw") || !keeps("pref-41") || keeps("cfa") || len(c.Keepers()) >= len(c.Registrars()) {
		t.Errorf("%d of %d bodies keep a register", len(c.Keepers()), len(c.Registrars()))
	}
	if _, ok := c.Registrar("pref-99"); ok {
		t.Error("an unknown registrar was found")
	}
	if len(c.Registers()) < 4 || len(c.Registrars()) < 142 || len(c.List()) < 3 {
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
		{"kangoshi.mhlw", "registration", "counter", "2026-04-01", true}, // paper beside what is online
		{"kangoshi.mhlw", "registration", "counter", "2026-03-31", false},
		{"kangoshi.mhlw", "linking", "counter", "2026-12-01", false}, // needs a card
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
	files, err := qualtest.Some(repository(t), "kangoshi")
	if err != nil {
		t.Fatal(err)
	}
	before, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
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
	if more := before.With(coming); !knows(more, coming) || knows(before, coming) {
		t.Error("With did not add the version, or changed the catalogue that it came from")
	}
	if len(c.Versions()) != len(before.Versions())+1 {
		t.Error("the coming version is not among all versions")
	}
	if d, ok := c.Filing("kangoshi", day(t, "2026-03-31")); !ok || d.Version != "2026-04-01.1" {
		t.Errorf("before the first version is valid, filing is under %+v", d)
	}
	if d, _ := before.With(coming).At("kangoshi", day(t, "2027-04-01")); d.Version != "2026-04-01.1" {
		t.Errorf("version %s came although the files no longer have it", d.Version)
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
		files[id+".yaml"] = []byte(strings.NewReplacer("kangoshi", id, "code: KG", fmt.Sprintf("code: C%c", 'A'+i%26), "row: 29", fmt.Sprintf("row: %d", i), "看護師", fmt.Sprintf("資格%d", i)).Replace(source))
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

// TestNamed: people who look for a name find it in the order of their language's dictionaries.
func TestNamed(t *testing.T) {
	cat := load(t)
	ids := func(all []*qualification.Definition) (ids []string) {
		for _, d := range all {
			ids = append(ids, d.ID)
		}
		return ids
	}
	for lang, want := range map[qualification.Lang][]string{
		qualification.JA:   {"kangoshi", "kanri-eiyoshi", "career-consultant", "kyukyu-kyumeishi", "cleaning-shi", "tokutei-sharoshi", "hoikushi"},
		qualification.Easy: {"kangoshi", "kanri-eiyoshi", "career-consultant", "kyukyu-kyumeishi", "cleaning-shi", "tokutei-sharoshi", "hoikushi"},
		qualification.EN:   {"career-consultant", "cleaning-shi", "kangoshi"},
	} {
		all := ids(cat.Named(lang))
		if len(all) != len(cat.List()) {
			t.Errorf("%s: %d definitions, want %d", lang, len(all), len(cat.List()))
		}
		var places []int
		for _, id := range want {
			places = append(places, slices.Index(all, id))
		}
		if !slices.IsSorted(places) || places[0] < 0 {
			t.Errorf("%s: %v stand at %v of %v", lang, want, places, all)
		}
	}
}
