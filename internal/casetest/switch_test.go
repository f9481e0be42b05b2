package casetest_test

import (
	"strings"
	"testing"

	"akashi/internal/casetest"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/qualifications"
)

// TestRegistriesSwitchedOff: a registrar without the registries asks for the documents from the start, and asks nobody.
func TestRegistriesSwitchedOff(t *testing.T) {
	files, err := qualification.ReadFiles(qualifications.Files)
	if err == nil {
		files, err = qualtest.Some(files, "kangoshi")
	}
	if err != nil {
		t.Fatal(err)
	}
	before := string(files["registrars.yaml"])
	after := strings.Replace(before, "  - id: mhlw\n", "  - id: mhlw\n    functions: [intake, payment, credential]\n", 1)
	if after == before {
		t.Fatal("the list of registrars has another form")
	}
	files["registrars.yaml"] = []byte(after)
	cat, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	w := casetest.NewOf(t, cat)
	c, err := w.Desk.Start(t.Context(), w.Nurse, "kangoshi.mhlw", "registration", "ja")
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.Desk.View(t.Context(), w.Nurse, c.PublicID)
	if err != nil {
		t.Fatal(err)
	}
	missing, err := v.MissingDocuments()
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, m := range missing {
		asked[strings.TrimPrefix(m.Field, "evidence:")] = true
	}
	if !asked["resident_record"] || !asked["family_register"] || w.Answers.Asked != 0 {
		t.Errorf("documents asked for: %v; registries were asked %d times", asked, w.Answers.Asked)
	}
	if len(v.Facts.Official["resident.name"]) == 0 {
		t.Error("the form is not filled from the card")
	}
}
