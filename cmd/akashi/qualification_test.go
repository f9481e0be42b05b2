package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/fault"
)

// output runs one of the qualification commands and returns what it prints.
func output(t *testing.T, c interface{ Run(*Globals) error }) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := c.Run(&Globals{Out: &out})
	return out.String(), err
}

func TestQualificationList(t *testing.T) {
	text, err := output(t, &QualificationList{})
	if err != nil || !strings.Contains(text, "KGMH  kangoshi.mhlw ") || !strings.Contains(text, "佐賀県") {
		t.Errorf("%v\n%s", err, text)
	}
	var lines []registerLine
	text, err = output(t, &QualificationList{JSON: true})
	if err == nil {
		err = json.Unmarshal([]byte(text), &lines)
	}
	if err != nil || len(lines) < 4 || lines[0].Register != "jun-kangoshi.pref-41" {
		t.Errorf("%v %+v", err, lines)
	}
}

func TestQualificationShow(t *testing.T) {
	text, err := output(t, &QualificationShow{ID: "kangoshi"})
	if err != nil || !strings.Contains(text, "登録免許税 9000円 treasury") {
		t.Errorf("%v\n%s", err, text)
	}
	var doc struct {
		ID string `json:"id"`
	}
	text, err = output(t, &QualificationShow{ID: "kangoshi", JSON: true})
	if err == nil {
		err = json.Unmarshal([]byte(text), &doc)
	}
	if err != nil || doc.ID != "kangoshi" {
		t.Errorf("%v %+v", err, doc)
	}
	if _, err := output(t, &QualificationShow{ID: "none"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown id: got %v, want a fault of kind invalid", err)
	}
}

// TestQualificationLint lays files over the definitions of the program: a copy with a mistake, and one without.
func TestQualificationLint(t *testing.T) {
	if text, err := output(t, &QualificationLint{}); err != nil || text != "" {
		t.Errorf("the definitions of the program: %v\n%s", err, text)
	}
	source, err := os.ReadFile("../../qualifications/kangoshi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kangoshi.yaml")
	broken := strings.Replace(string(source), "kana: かんごし", "kana: 看護師", 1)
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := output(t, &QualificationLint{Files: []string{file}})
	if !errors.Is(err, errNo) || !strings.HasPrefix(text, "kangoshi.yaml: kana: ") {
		t.Errorf("got %v and %q, want the negative answer and the finding", err, text)
	}
	text, err = output(t, &QualificationLint{Files: []string{file}, JSON: true})
	if !errors.Is(err, errNo) || !strings.Contains(text, `"path": "kana"`) {
		t.Errorf("as JSON: got %v and %q", err, text)
	}
	if place := placeOf("/x/bases/licence.yaml"); place != "bases/licence.yaml" {
		t.Errorf("a base lies at %s", place)
	}
}
