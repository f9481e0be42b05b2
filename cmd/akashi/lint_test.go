package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/qualifications"
)

// TestLintHoldsVersionsTogether: a coming version that could not take the place of the current one is found now.
func TestLintHoldsVersionsTogether(t *testing.T) {
	const name = "jidosha-seibishi@2027-01-01.1.yaml"
	data, err := qualifications.Files.ReadFile("versions/" + name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(data), "\nversion: ", "\nrow: 942\nversion: ", 1)
	file := filepath.Join(t.TempDir(), "versions", name)
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(changed), 0o600)); err != nil {
		t.Fatal(err)
	}
	said, err := output(t, &QualificationLint{Files: []string{file}, Lang: "en"})
	if !errors.Is(err, errNo) || !strings.Contains(said, "jidosha-seibishi@2027-01-01.1: row: ") {
		t.Errorf("lint says %v\n%s", err, said)
	}
}
