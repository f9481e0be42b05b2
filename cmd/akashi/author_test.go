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
		{QualificationNew{ID: "shin-shikaku", From: []string{"licence"}, Dir: dir, Lang: "ja"}, "shin-shikaku.yaml」はすでにあります。上書きはしません"},
		{QualificationNew{ID: "kangoshi", From: []string{"licence"}, Dir: dir, Lang: "ja"}, "資格「kangoshi」はすでにあります。別の識別子にするか"},
		{QualificationNew{ID: "other", From: []string{"none"}, Dir: dir, Lang: "ja"}, "ひな型「bases/none.yaml」がありません。使えるひな型：「"},
		{QualificationNew{ID: "other", From: []string{"licence"}, Dir: dir, ValidFrom: "tomorrow", Lang: "easy"}, "「2027-04-01」のように 書いて ください"},
	} {
		if _, err := output(t, &x.cmd); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: got %v, want a fault of kind invalid with %q", x.cmd, err, x.want)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v: %d files, want the one", err, len(files))
	}
}

// TestQualificationNewInJapanese: what is printed and the comments of the file are in the author's language.
func TestQualificationNewInJapanese(t *testing.T) {
	dir := t.TempDir()
	text, err := output(t, &QualificationNew{ID: "shin-shikaku", From: []string{"licence"}, Dir: dir, NameJA: "新資格", Lang: "ja"})
	if err != nil || !strings.Contains(text, "shin-shikaku.yaml」を作りました") || !strings.Contains(text, "shin-shikaku.yaml: name.en: 必要な値がありません") {
		t.Errorf("%v\n%s", err, text)
	}
	file, err := os.ReadFile(filepath.Join(dir, "shin-shikaku.yaml"))
	if err != nil || !strings.Contains(string(file), "# 新資格：「bases/licence.yaml」から作り始めたファイル。") || !strings.Contains(string(file), "# row:  # 方針の84資格の表での番号") {
		t.Errorf("%v\n%s", err, file)
	}
}

// TestRefusalsInJapanese: what must be changed is said in the author's language by every command.
func TestRefusalsInJapanese(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "kangoshi.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		cmd  interface{ Run(*Globals) error }
		want string
	}{
		{&QualificationShow{ID: "none", Lang: "ja"}, "資格「none」がありません。「akashi qualification list」で"},
		{&QualificationShow{ID: "kangoshi", At: "2026-02-30", Lang: "ja"}, "「2026-02-30」は暦にある日付ではありません。「2027-04-01」のように"},
		{&QualificationFacts{ID: "none", Lang: "ja"}, "資格「none」がありません"},
		{&QualificationDiff{A: "none", B: "kangoshi", Lang: "ja"}, "「none」という名前のファイルも資格もありません"},
		{&QualificationDiff{A: empty, B: "kangoshi", Lang: "ja"}, "kangoshi.yaml: 内容がありません"},
		{&QualificationDiff{A: changed(t, "kana: かんごし", "kana: 看護師"), B: "kangoshi", Lang: "ja"}, "を比較できません。先に次のことを直してください:\nkangoshi.yaml: kana: 「看護師」は"},
		{&QualificationLint{Files: []string{"none.yaml"}, Lang: "ja"}, "ファイル「none.yaml」を読み取れません"},
	} {
		if _, err := output(t, x.cmd); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: got %v, want a fault of kind invalid with %q", x.cmd, err, x.want)
		}
	}
	text, err := output(t, &QualificationFacts{ID: "kangoshi", Lang: "ja"})
	if err != nil || !strings.Contains(text, "未確認 procedures[cancellation]") {
		t.Errorf("%v\n%s", err, text)
	}
}
