package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/qualification"
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
	if err != nil || !strings.Contains(text, "kangoshi ") || !strings.Contains(text, "registers: 1") || !strings.Contains(text, "Nurse") {
		t.Errorf("%v\n%s", err, text)
	}
	text, err = output(t, &QualificationList{Lang: "easy"})
	if err != nil || !strings.Contains(text, "これから") || !strings.Contains(text, "名簿 1") {
		t.Errorf("%v\n%s", err, text)
	}
	text, err = output(t, &QualificationList{Registers: true, Lang: "ja"})
	if err != nil || !strings.Contains(text, "KGMH  kangoshi.mhlw ") || !strings.Contains(text, "佐賀県") {
		t.Errorf("%v\n%s", err, text)
	}
	var lines []listed
	text, err = output(t, &QualificationList{JSON: true})
	if err == nil {
		err = json.Unmarshal([]byte(text), &lines)
	}
	i := slices.IndexFunc(lines, func(l listed) bool { return l.ID == "kangoshi" })
	if err != nil || i < 0 {
		t.Fatalf("%v %+v", err, lines)
	}
	l := lines[i]
	if l.Row != 29 || l.RegisterCount != 1 || l.Registers[0].Code != "KGMH" || len(l.Procedures) < 5 || l.Procedures[0].Fees[0].Rules[0].Amount.Number != 9000 ||
		l.Keeper.Text.JA == "" || l.Rollout.Status != "planned" || l.Credential.Fields["UN"] != "item.name" || l.Procedures[0].Groups[0].Fields[0].ID == "" || l.Facts.Confirmed == 0 {
		t.Errorf("%+v", l)
	}
	wholeList(t, text)
	seen := map[string]bool{}
	for i, l := range lines {
		if l.ValidFrom == "" || l.LegalFact.Source == "" || l.Number.Format == "" || l.Credential.TypeCode == "" || len(l.Items) == 0 || len(l.Registers) == 0 {
			t.Errorf("%s says too little: %+v", l.ID, l)
		}
		for _, p := range l.Procedures {
			if len(p.Groups) == 0 || p.Who.JA == "" || len(p.Routes) == 0 || len(p.Checks) == 0 || len(p.Reasons) == 0 || p.StandardFact.Source == "" {
				t.Errorf("%s, %s says too little: %+v", l.ID, p.ID, p)
			}
		}
		if seen[l.ID] || i > 0 && l.Row <= lines[i-1].Row {
			t.Errorf("%s stands twice or out of its row", l.ID)
		}
		seen[l.ID] = true
	}
}

// wholeList holds the list to the definitions: it has every key of each, but for the words that are filled in already and the
// offers, which stand with the procedures.
func wholeList(t *testing.T, list string) {
	t.Helper()
	var lines []map[string]any
	if err := json.Unmarshal([]byte(list), &lines); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		id, _ := line["id"].(string)
		whole, err := output(t, &QualificationShow{ID: id, JSON: true})
		var definition map[string]any
		if err == nil {
			err = json.Unmarshal([]byte(whole), &definition)
		}
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		for key := range definition {
			if _, listed := line[key]; !listed && key != "terms" && key != "offers" {
				t.Errorf("the list lacks %s of %s", key, id)
			}
		}
	}
}

func TestQualificationFacts(t *testing.T) {
	text, err := output(t, &QualificationFacts{})
	if err != nil || !strings.Contains(text, "kangoshi") || !strings.Contains(text, "all ") {
		t.Errorf("%v\n%s", err, text)
	}
	text, err = output(t, &QualificationFacts{ID: "kangoshi"})
	if err != nil || !strings.Contains(text, "unverified procedures[cancellation].evidence[resident_record].fact: 保健師助産師看護師法施行令4条") {
		t.Errorf("%v\n%s", err, text)
	}
	var all []checkedFacts
	text, err = output(t, &QualificationFacts{ID: "kangoshi", JSON: true})
	if err == nil {
		err = json.Unmarshal([]byte(text), &all)
	}
	if err != nil || len(all) != 1 || all[0].Confirmed == 0 || len(all[0].Open) != all[0].Unverified+all[0].Unknown {
		t.Errorf("%v %+v", err, all)
	}
	if _, err := output(t, &QualificationFacts{ID: "none"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown id: got %v, want a fault of kind invalid", err)
	}
}

func TestQualificationShow(t *testing.T) {
	for lang, want := range map[string]string{"ja": "費用 登録免許税 9000円 treasury", "en": "fee Registration and licence tax 9000 yen treasury", "easy": "お金 登録の 税金 9000円 treasury"} {
		text, err := output(t, &QualificationShow{ID: "kangoshi", Lang: lang})
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v\n%s", lang, err, text)
		}
	}
	var doc struct {
		ID string `json:"id"`
	}
	text, err := output(t, &QualificationShow{ID: "kangoshi", JSON: true})
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

// TestQualificationLint: nothing is wrong with the definitions of the program; a copy with a mistake laid over them is found, and
// said in each form.
func TestQualificationLint(t *testing.T) {
	if text, err := output(t, &QualificationLint{Lang: "en"}); err != nil || text != "" {
		t.Errorf("the definitions of the program: %v\n%s", err, text)
	}
	if text, err := answered(&QualificationLint{JSON: true}, nil); err != nil || text != "[]\n" {
		t.Errorf("no findings as JSON: %v and %q, want an empty list", err, text)
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
	found, err := (&QualificationLint{Files: []string{file}}).findings()
	if err != nil {
		t.Fatal(err)
	}
	text, err := answered(&QualificationLint{Lang: "en"}, found)
	if !errors.Is(err, errNo) || !strings.Contains(text, "kangoshi.yaml: kana: ") {
		t.Errorf("got %v and %q, want the negative answer and the finding", err, text)
	}
	text, err = answered(&QualificationLint{JSON: true}, found)
	if !errors.Is(err, errNo) || !strings.Contains(text, `"path": "kana"`) || !strings.Contains(text, `"code": "shape-pattern"`) || !strings.Contains(text, `"message": "\"看護師\" does not have the shape `) {
		t.Errorf("as JSON: got %v and %q", err, text)
	}
	text, err = answered(&QualificationLint{Lang: "ja"}, found)
	if !errors.Is(err, errNo) || !strings.Contains(text, "kangoshi.yaml: kana: 「看護師」は決められた形ではありません") {
		t.Errorf("in Japanese: got %v and %q", err, text)
	}
	if place := placeOf("/x/bases/licence.yaml"); place != "bases/licence.yaml" {
		t.Errorf("a base lies at %s", place)
	}
}

// answered is how lint answers with findings.
func answered(c *QualificationLint, found qualification.Findings) (string, error) {
	var out bytes.Buffer
	err := c.answer(&out, found)
	return out.String(), err
}

func TestQualificationShowAt(t *testing.T) {
	for on, want := range map[string]string{"2026-12-01": "open", "2026-03-31": "planned"} {
		text, err := output(t, &QualificationShow{ID: "kangoshi", At: on})
		if err != nil || !strings.Contains(text, "kangoshi.mhlw  registration  online   "+want) ||
			!strings.Contains(text, "kangoshi.mhlw  registration  counter  "+want) || strings.Contains(text, "linking       counter") || !strings.Contains(text, "2026-04-01") {
			t.Errorf("%s: %v\n%s", on, err, text)
		}
	}
	var lines []standLine
	text, err := output(t, &QualificationShow{ID: "chorishi", At: "2026-12-01", JSON: true})
	if err == nil {
		err = json.Unmarshal([]byte(text), &lines)
	}
	if err != nil || len(lines) < 42 || lines[0].State != "undecided" || lines[0].Since != "" || !slices.Equal(lines[0].Functions, qualification.Functions) {
		t.Errorf("%v %d lines", err, len(lines))
	}
	if _, err := output(t, &QualificationShow{ID: "kangoshi", At: "tomorrow"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("no day: %v", err)
	}
}
