package qualification_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akashi/internal/qualification"
	"akashi/qualifications"
)

// good returns the small set of files in which everything is in order, with the schema of the repository.
func good(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := qualification.ReadFiles(os.DirFS("testdata/good"))
	if err != nil {
		t.Fatal(err)
	}
	if files["schema.json"], err = qualifications.Files.ReadFile("schema.json"); err != nil {
		t.Fatal(err)
	}
	return files
}

func sample(t testing.TB) *qualification.Definition {
	t.Helper()
	c, err := qualification.LoadFiles(good(t))
	if err != nil {
		t.Fatal(err)
	}
	d, _ := c.Definition("sample")
	return d
}

var (
	wantLine = regexp.MustCompile(`(?m)^# want: (.*)$`)
	fileLine = regexp.MustCompile(`(?m)^# file: (.*)$`)
)

// TestBadDefinitions lays each file of testdata/bad over the good set. Its comments name every finding that it must
// cause, by the beginning of the line; anything beyond them is an error too, so that one mistake is reported once.
func TestBadDefinitions(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) < 50 {
		t.Fatalf("%d files: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			place := "sample.yaml"
			if m := fileLine.FindSubmatch(data); m != nil {
				place = string(m[1])
			}
			files := good(t)
			files[place] = data
			_, err = qualification.LoadFiles(files)
			compareFindings(t, err, wantLine.FindAllStringSubmatch(string(data), -1))
		})
	}
}

func compareFindings(t *testing.T, err error, wanted [][]string) {
	t.Helper()
	var found qualification.Findings
	if !errors.As(err, &found) {
		t.Fatalf("got %v, want findings", err)
	}
	for _, f := range found {
		inThreeLanguages(t, f.Said)
	}
	for _, want := range wanted {
		i := slices.IndexFunc(found, func(f qualification.Finding) bool { return strings.HasPrefix(f.String(), want[1]) })
		if i < 0 {
			t.Errorf("missing: %s", want[1])
			continue
		}
		found = slices.Delete(slices.Clone(found), i, i+1)
	}
	for _, f := range found {
		t.Errorf("not expected: %s", f)
	}
}

func TestAllFindingsAtOnce(t *testing.T) {
	files := good(t)
	files["sample.yaml"] = []byte("extends: [bases/base.yaml]\nid: sample\nkana: null\n")
	files["second.yaml"] = []byte("extends: [bases/base.yaml]\nid: second\nrow: 83\ncode: SE\nname: {easy: null}\n")
	files["third.yaml"] = []byte("id: [\n")
	_, err := qualification.LoadFiles(files)
	for _, want := range []string{
		"sample.yaml: kana: missing", "second.yaml: name.easy: missing", "third.yaml: is not YAML",
	} {
		wantFinding(t, err, want)
	}
}

func TestCyclesOfBases(t *testing.T) {
	files := good(t)
	files["bases/base.yaml"] = append([]byte("extends: [bases/other.yaml]\n"), files["bases/base.yaml"]...)
	files["bases/other.yaml"] = []byte("extends: [bases/base.yaml]\n")
	_, err := qualification.LoadFiles(files)
	wantFinding(t, err, "sample.yaml: extends: cycle: sample.yaml -> bases/base.yaml -> bases/other.yaml -> bases/base.yaml")
}

func TestBaseThatNobodyExtends(t *testing.T) {
	files := good(t)
	files["bases/idle.yaml"] = []byte("id: idle\n")
	_, err := qualification.LoadFiles(files)
	wantFinding(t, err, "bases/idle.yaml: no definition extends it")
}

func TestTwoFilesWithOneID(t *testing.T) {
	files := good(t)
	files["other.yaml"] = files["sample.yaml"]
	_, err := qualification.LoadFiles(files)
	wantFinding(t, err, "other.yaml: id: sample belongs into the file sample.yaml")
	wantFinding(t, err, "sample.yaml: version: sample 2026-04-01.1 is defined by another file too")
}

func TestOversizedFile(t *testing.T) {
	files := good(t)
	files["sample.yaml"] = slices.Concat(files["sample.yaml"], []byte(strings.Repeat("# padding\n", 120_000)))
	_, err := qualification.LoadFiles(files)
	wantFinding(t, err, "sample.yaml: is larger than 1048576 bytes")
}

// TestMergeLeavesBasesAlone: a definition that changes what it inherits does not change its neighbour.
func TestMergeLeavesBasesAlone(t *testing.T) {
	files := good(t)
	files["second.yaml"] = []byte("extends: [bases/base.yaml]\nid: second\nname: {ja: 二, en: Second, easy: に}\nitems:\n  - {id: grade, label: {ja: 段}}\n  - {id: extra, after: name, kind: text, label: {ja: あ, en: A, easy: あ}, fact: {source: 法, confidence: unverified}}\n" +
		"row: 83\ncode: SE\n")
	c, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := c.Definition("sample")
	second, _ := c.Definition("second")
	if first.SHA256 != sample(t).SHA256 {
		t.Error("the neighbour changed the sample")
	}
	if second.Items[1].ID != "extra" || second.Item("grade").Label != (qualification.Text{JA: "段", EN: "Grade", Easy: "きゅう"}) {
		t.Errorf("merged items: %+v", second.Items)
	}
	if got := second.Procedure("registration").Declaration.EN; got != "I apply (Second)." {
		t.Errorf("the name was not filled in: %q", got)
	}
}

// TestMergeMovesItems: a known element that names another to stand behind is moved there, so that a definition lists the
// particulars in the order of its law.
func TestMergeMovesItems(t *testing.T) {
	files := good(t)
	files["second.yaml"] = []byte("extends: [bases/base.yaml]\nid: second\nrow: 83\ncode: SE\nitems:\n  - {id: name, after: grade}\n")
	c, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := c.Definition("sample")
	second, _ := c.Definition("second")
	order := func(d *qualification.Definition) (ids []string) {
		for _, item := range d.Items {
			ids = append(ids, item.ID)
		}
		return ids
	}
	at := slices.Index(order(second), "grade")
	if at < 0 || slices.Index(order(second), "name") != at+1 || len(second.Items) != len(first.Items) {
		t.Errorf("the order of the law: %v, of the base: %v", order(second), order(first))
	}
	if got, want := second.Item("name").Label, first.Item("name").Label; got != want {
		t.Errorf("the moved item is %+v, want %+v", got, want)
	}
}

func FuzzLoadFiles(f *testing.F) {
	files := good(f)
	f.Add(files["sample.yaml"])
	for _, name := range []string{"text-missing", "when-costs", "anchor", "drops-nothing"} {
		data, err := os.ReadFile("testdata/bad/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		mine := maps.Clone(files)
		mine["sample.yaml"] = data
		if c, err := qualification.LoadFiles(mine); err == nil && len(c.List()) != 1 {
			t.Errorf("%d definitions from one file", len(c.List()))
		}
	})
}

func FuzzParsePinned(f *testing.F) {
	f.Add(sample(f).Resolved())
	f.Add([]byte(`{"id":"x","procedures":[{"id":"p","fees":[{"rules":[{"amount":"1"}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := qualification.ParsePinned(data)
		if err != nil {
			return
		}
		again, err := qualification.ParsePinned(d.Resolved())
		if err != nil || again.SHA256 != d.SHA256 {
			t.Errorf("a definition that was read does not read back: %v", err)
		}
	})
}

func TestTextWithACommaThatIsNotQuoted(t *testing.T) {
	files := good(t)
	files["sample.yaml"] = append(files["sample.yaml"], []byte("\nterms:\n  fee: {ja: 7,200円, en: 7200 yen, easy: 7200えん}\n")...)
	_, err := qualification.LoadFiles(files)
	wantFinding(t, err, "sample.yaml: terms.fee.200円: removes what no base has; a text with a comma needs quotes")
}

func TestFactWithAnotherSourceLosesTheNote(t *testing.T) {
	files := good(t)
	files["second.yaml"] = []byte("extends: [bases/base.yaml]\nid: second\nrow: 83\ncode: SE\nlegal_fact: {source: 別の法1条, confidence: confirmed}\n")
	files["bases/base.yaml"] = bytes.Replace(files["bases/base.yaml"], []byte("legal_fact: {source: 見本法1条, confidence: confirmed}"),
		[]byte("legal_fact: {source: 見本法1条, confidence: unverified, note: Not read.}"), 1)
	c, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := c.Definition("second"); d.LegalFact.Note != "" || d.LegalFact.Confidence != qualification.Confirmed {
		t.Errorf("fact %+v", d.LegalFact)
	}
}
