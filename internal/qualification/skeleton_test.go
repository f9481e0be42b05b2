package qualification_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akashi/internal/qualification"
)

// commented is a line of a new file that waits to be filled in: its key.
var commented = regexp.MustCompile(`(?m)^ *# ( *)([a-z_A-Z]+):`)

// TestSkeletonSaysWhatTheLinterMisses: whatever the bases are, the file lints with exactly the findings that were announced,
// and each missing key has a line to fill in.
func TestSkeletonSaysWhatTheLinterMisses(t *testing.T) {
	files := repository(t)
	for _, x := range []struct {
		name string
		s    qualification.Skeleton
		want []string // lines of the file
		miss []string // findings
	}{
		{"nothing known", qualification.Skeleton{ID: "shin-shikaku", Bases: []string{"bases/medical.yaml"}, Lang: qualification.EN},
			[]string{"extends: [bases/medical.yaml]", "id: shin-shikaku", "# row:  # its row", `# kana: ""`, `# name: {ja: "", en: "", easy: ""}`, `#   register: {ja: "", en: "", easy: ""}`},
			[]string{"row: missing", "code: missing", "version: missing", "name: missing", "no term {register}"}},
		{"all that flags can say", qualification.Skeleton{ID: "shin-shikaku", Bases: []string{"bases/licence.yaml", "bases/prefecture.yaml"}, Row: 84, Code: "ZY",
			Name: qualification.Text{JA: "新資格", EN: "New: one", Easy: "{新資格|しんしかく}"}, Kana: "しんしかく", ValidFrom: day(t, "2027-04-01")},
			[]string{"row: 84", `code: "ZY"`, `version: "2027-04-01.1"`, "valid_from: 2027-04-01", `  en: "New: one"`},
			[]string{"legal_basis: missing", "keeper: missing"}},
		{"in Japanese", qualification.Skeleton{ID: "shin-shikaku", Bases: []string{"bases/medical.yaml"}, Lang: qualification.JA},
			[]string{"# shin-shikaku：「bases/medical.yaml」から作り始めたファイル。", `# kana: ""  # 名称の読み（ひらがな）`, `# row:  # 方針の84資格の表での番号（1から84）`}, []string{"row: missing"}},
		{"in plain Japanese", qualification.Skeleton{ID: "shin-shikaku", Bases: []string{"bases/medical.yaml"}, Lang: qualification.Easy},
			[]string{`# kana: ""  # なまえの 読みかた`}, []string{"row: missing"}},
		{"a name in one language", qualification.Skeleton{ID: "shin-shikaku", Bases: []string{"bases/common.yaml"}, Name: qualification.Text{JA: "新資格"}},
			[]string{`  ja: "新資格"`, `  # en: ""`, `  # easy: ""`}, []string{"name.en: missing", "name.easy: missing"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			text, found, err := x.s.Write(files)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range x.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("the file lacks %q:\n%s", want, text)
				}
			}
			for _, want := range x.miss {
				if !strings.Contains(found.Error(), want) {
					t.Errorf("the findings lack %q:\n%v", want, found)
				}
			}
			set := maps.Clone(files)
			set["shin-shikaku.yaml"] = text
			_, again, err := qualification.ReadOne(set, "shin-shikaku.yaml")
			if err != nil || again.Error() != found.Error() {
				t.Errorf("%v: the file lints otherwise than announced:\n%v\n--- announced\n%v\n--- file\n%s", err, again, found, text)
			}
			keys := map[string]bool{}
			for _, m := range commented.FindAllStringSubmatch(string(text), -1) {
				keys[m[2]] = true
			}
			for _, f := range found {
				key := f.Path[strings.LastIndexAny(f.Path, ".[")+1:]
				if !slices.Contains([]qualification.Code{"shape-missing", "shape-missing-beside", "field-fixed", "registrar-no-parent", "term-none", "term-none-more"}, f.Said.Code) {
					t.Errorf("neither a key nor a word is missing: %s", f)
				}
				if f.Said.Code == "shape-missing" && !keys[key] {
					t.Errorf("no line for %s\n%s", f, text)
				}
			}
		})
	}
}

// TestSkeletonFilledIn: taking away the "# " gives a file of the right shape.
func TestSkeletonFilledIn(t *testing.T) {
	files := repository(t)
	text, _, err := qualification.Skeleton{ID: "shin-shikaku", Bases: []string{"bases/common.yaml"}}.Write(files)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(text), "extends:")
	tail := strings.LastIndex(body, "\n\n# ")
	open := regexp.MustCompile(`(?m)^( *)# `).ReplaceAllString(body[:tail], "$1")
	set := maps.Clone(files)
	set["shin-shikaku.yaml"] = []byte(head + "extends:" + open)
	_, found, err := qualification.ReadOne(set, "shin-shikaku.yaml")
	if err != nil || len(found) == 0 {
		t.Fatalf("%v: blanks were accepted", err)
	}
	for _, f := range found {
		if f.Said.Code == "yaml-broken" || f.Said.Code == "shape-unknown-key" {
			t.Errorf("%s\n%s", f, set["shin-shikaku.yaml"])
		}
	}
}
