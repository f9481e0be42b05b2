package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// changed writes the definition of 看護師 with texts exchanged into a directory of its own, and returns the file.
func changed(t *testing.T, pairs ...string) string {
	t.Helper()
	source, err := os.ReadFile("../../qualifications/kangoshi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kangoshi.yaml")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(pairs...).Replace(string(source))), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestQualificationDiff: what would be refused is the answer no, with its reason; what would be taken is yes.
func TestQualificationDiff(t *testing.T) {
	const text, other = "ja: 看護師籍", "ja: 看護師の籍"
	for _, x := range []struct {
		name string
		a, b string
		no   bool
		want string
	}{
		{"itself", "kangoshi", "kangoshi@2026-04-01.1", false, "0 differences"},
		{"a new version", "kangoshi", changed(t, text, other, "2026-04-01.1", "2027-04-01.1", "valid_from: 2026-04-01", "valid_from: 2027-04-01"), false, "are made under version 2027-04-01.1"},
		{"the same version", "kangoshi", changed(t, text, other), true, "Refused:\n  version: the content changes"},
		{"a mistake", "kangoshi", changed(t, "kana: かんごし", "kana: 看護師"), true, "Refused:\n  kangoshi.yaml: kana: "},
		{"a coming version", "jidosha-seibishi", "jidosha-seibishi@2027-01-01.1", false, "items[grade].options[1-general]: choice added"},
		{"another qualification", "kangoshi", "jun-kangoshi", true, "are two qualifications"},
	} {
		t.Run(x.name, func(t *testing.T) {
			text, err := output(t, &QualificationDiff{A: x.a, B: x.b, Lang: "en"})
			if x.no != errors.Is(err, errNo) || !x.no && err != nil || !strings.Contains(text, x.want) {
				t.Errorf("got %v, want the answer no: %v, and %q in\n%s", err, x.no, x.want, text)
			}
		})
	}
	ja, err := output(t, &QualificationDiff{A: "kangoshi", B: changed(t, text, other), Lang: "ja"})
	if !errors.Is(err, errNo) || !strings.Contains(ja, "置き換えられない理由:\n  version: 内容が変わっていますが") {
		t.Errorf("in Japanese: got %v and\n%s", err, ja)
	}
	var c qualification.Comparison
	text2, err := output(t, &QualificationDiff{A: "jidosha-seibishi", B: "jidosha-seibishi@2027-01-01.1", JSON: true})
	if err == nil {
		err = json.Unmarshal([]byte(text2), &c)
	}
	if err != nil || c.New != "2027-01-01.1" || len(c.Changes) == 0 || c.Changes[0].Path == "" {
		t.Errorf("%v %+v", err, c)
	}
	if _, err := output(t, &QualificationDiff{A: "none", B: "kangoshi"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown id: got %v, want a fault of kind invalid", err)
	}
}
