package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/fault"
)

// TestQualificationNew writes a file that lint understands, and none where one is.
func TestQualificationNew(t *testing.T) {
	dir := t.TempDir()
	text, err := output(t, &QualificationNew{ID: "shin-shikaku", From: []string{"licence", "bases/prefecture.yaml"}, Dir: dir, Code: "ZY", NameJA: "新資格"})
	if err != nil || !strings.Contains(text, "shin-shikaku.yaml: name.en: missing") || strings.Contains(text, ": code: ") {
		t.Fatalf("%v\n%s", err, text)
	}
	file := filepath.Join(dir, "shin-shikaku.yaml")
	linted, err := output(t, &QualificationLint{Files: []string{file}, Lang: "en"})
	_, announced, _ := strings.Cut(text, "\n")
	if !errors.Is(err, errNo) || linted != announced {
		t.Errorf("lint says %v and\n%s\n--- announced:\n%s", err, linted, announced)
	}
	for _, x := range []struct {
		cmd  QualificationNew
		want string
	}{
		{QualificationNew{ID: "shin-shikaku", From: []string{"licence"}, Dir: dir}, "exists"},
		{QualificationNew{ID: "kangoshi", From: []string{"licence"}, Dir: dir}, "there already"},
		{QualificationNew{ID: "../x", From: []string{"licence"}, Dir: dir}, "is no id"},
		{QualificationNew{ID: "other", From: []string{"none"}, Dir: dir}, "no base bases/none.yaml"},
		{QualificationNew{ID: "other", From: []string{"licence"}, Dir: dir, ValidFrom: "tomorrow"}, "--valid-from"},
	} {
		if _, err := output(t, &x.cmd); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: got %v, want a fault of kind invalid with %q", x.cmd, err, x.want)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v: %d files, want the one", err, len(files))
	}
}
