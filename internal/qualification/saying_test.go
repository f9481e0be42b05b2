package qualification_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"akashi/internal/qualification"
)

var (
	aPlace   = regexp.MustCompile(`\{[0-9]+\}`)
	aCode    = regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	english  = regexp.MustCompile(`[A-Za-z]{2,}`)
	japanese = regexp.MustCompile(`[\p{Han}\p{Hiragana}\p{Katakana}]`)
)

// wordings are all sentences by their codes.
func wordings(t *testing.T) map[qualification.Code]qualification.Text {
	t.Helper()
	all := map[qualification.Code]qualification.Text{}
	for file, set := range qualification.Wordings {
		for code, text := range set {
			if _, twice := all[code]; twice {
				t.Errorf("%s: %s stands in another file too", file, code)
			}
			all[code] = text
		}
	}
	return all
}

// places lists the distinct placeholders of a sentence in order.
func places(s string) []string {
	found := aPlace.FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// leftover returns English outside of quotation marks. The names of the two notations are no English.
func leftover(s string) string {
	var b strings.Builder
	depth := 0
	for _, c := range s {
		switch {
		case c == '「':
			depth++
		case c == '」':
			depth = max(0, depth-1)
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return english.FindString(strings.NewReplacer("YAML", "", "CEL", "").Replace(b.String()))
}

// inThreeLanguages looks at a sentence as it is said: nothing stays to be filled in, and what is not Japanese is quoted.
func inThreeLanguages(t *testing.T, s qualification.Saying) {
	t.Helper()
	given := fmt.Sprint(s.Args...) // a regular expression holds {2} as well
	for _, lang := range qualification.Langs {
		words := s.In(lang)
		open := slices.DeleteFunc(places(words), func(p string) bool { return strings.Contains(given, p) })
		if words == string(s.Code) || len(open) > 0 {
			t.Errorf("%s in %s: %q", s.Code, lang, words)
		}
		if word := leftover(words); lang != qualification.EN && word != "" {
			t.Errorf("%s in %s: %q stands without quotation marks in %q", s.Code, lang, word, words)
		}
	}
}

// TestWordings: each sentence is there in three languages with the same things to fill in, and none is left in English.
func TestWordings(t *testing.T) {
	for code, text := range wordings(t) {
		want := places(text.JA)
		for i, p := range want {
			if p != "{"+strconv.Itoa(i)+"}" {
				t.Errorf("%s: there is %s and no {%d}", code, p, i)
			}
		}
		for lang, words := range map[qualification.Lang]string{qualification.JA: text.JA, qualification.EN: text.EN, qualification.Easy: text.Easy} {
			if strings.TrimSpace(words) == "" || !slices.Equal(places(words), want) {
				t.Errorf("%s in %s: %q, to be filled in: %v", code, lang, words, want)
			}
			if word := leftover(words); lang != qualification.EN && word != "" {
				t.Errorf("%s in %s: English %q in %q", code, lang, word, words)
			}
		}
		if japanese.MatchString(text.EN) {
			t.Errorf("%s in English: %q", code, text.EN)
		}
		if kanji := qualification.UnreadKanji(text.Easy); kanji != "" {
			t.Errorf("%s in plain Japanese: %s has no reading", code, kanji)
		}
	}
}

// TestCodes compares the codes in the sources with the sentences: each has one, with as many things to fill in as it is
// given, and no sentence is never said.
func TestCodes(t *testing.T) {
	all, used := wordings(t), map[qualification.Code]bool{}
	for _, file := range sources(t) {
		consts := constants(file)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if code := qualification.Code(literal(n)); aCode.MatchString(string(code)) {
					used[code] = true
					if _, ok := all[code]; !ok {
						t.Errorf("there is no sentence %s", code)
					}
				}
			case *ast.CallExpr:
				code, given := said(n, consts)
				if text, ok := all[code]; !ok && code != "" {
					t.Errorf("%q is no code with a sentence", code)
				} else if code != "" && given != len(places(text.EN)) {
					t.Errorf("%s is given %d arguments: %q", code, given, text.EN)
				}
			}
			return true
		})
	}
	for code := range all {
		if !used[code] {
			t.Errorf("nobody says %s", code)
		}
	}
}

// sources parses whatever says sentences, without the files that hold them.
func sources(t *testing.T) (files []*ast.File) {
	t.Helper()
	const commands = "../../cmd/akashi/"
	for _, pattern := range []string{"*.go", "../authoring/*.go", commands + "qualification.go", commands + "catalogue.go", commands + "author.go", commands + "diff.go", commands + "preview.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%v: no sources are %s", err, pattern)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || qualification.Wordings[name] != nil {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	return files
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

// constants are the codes of a file that have a name.
func constants(file *ast.File) map[string]string {
	named := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == 1 && len(v.Values) == 1 {
			named[v.Names[0].Name] = literal(v.Values[0])
		}
		return true
	})
	return named
}

// said returns the code that a call of Say, wrong, add, no or open names, and how many arguments follow it.
func said(call *ast.CallExpr, consts map[string]string) (qualification.Code, int) {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	at, ok := map[string]int{"Say": 0, "wrong": 0, "add": 1, "no": 1, "open": 1}[name]
	if !ok || len(call.Args) <= at {
		return "", 0
	}
	code := literal(call.Args[at])
	if ident, ok := call.Args[at].(*ast.Ident); ok {
		code = consts[ident.Name]
	}
	return qualification.Code(code), len(call.Args) - at - 1
}

// TestSaying: what a file holds is put in as it stands, whatever is in it.
func TestSaying(t *testing.T) {
	s := qualification.Say("merge-after-nothing", "{1}{漢字|かんじ}\x1b[2J\n")
	for lang, want := range map[qualification.Lang]string{
		qualification.EN:   `stands after "{1}{漢字|かんじ}\x1b[2J\n", which does not exist`,
		qualification.Easy: `「{1}{漢字|かんじ}\x1b[2J\n」の 後と ありますが、「{1}{漢字|かんじ}\x1b[2J\n」が ありません`,
	} {
		if got := s.In(lang); got != want {
			t.Errorf("%s: %s, want %s", lang, got, want)
		}
	}
	day := qualification.Say("open-keep", day(t, "2027-04-01"), "2026-04-01.1")
	if got := day.In(qualification.JA); !strings.HasPrefix(got, "2027年（令和9年）4月1日より前に始めた申請は、下書きも含めて、最後まで版「2026-04-01.1」で処理します") {
		t.Error(got)
	}
	got, err := json.Marshal(qualification.Finding{File: "a.yaml", Path: "x", Said: qualification.Say("cover-route", qualification.Say("several-more", "mhlw", 3), "online")})
	const want = `{"file":"a.yaml","path":"x","code":"cover-route","args":[{"code":"several-more","args":["mhlw",3]},"online"],` +
		`"message":"mhlw and 3 more, online: not covered in every case; add a route without condition"}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

// TestThings: whatever the format lists has a name in a comparison. Registers and registrars are compared
// otherwise.
func TestThings(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(repository(t)["schema.json"], &schema); err != nil {
		t.Fatal(err)
	}
	defs, _ := schema["$defs"].(map[string]any)
	seen := 0
	var walk func(v any)
	walk = func(v any) {
		m, _ := v.(map[string]any)
		properties, _ := m["properties"].(map[string]any)
		for name, p := range properties {
			list, _ := p.(map[string]any)
			if ref, ok := list["$ref"].(string); ok {
				list, _ = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
			}
			element, _ := list["items"].(map[string]any)
			if ref, ok := element["$ref"].(string); ok {
				element, _ = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
			}
			keys, _ := element["properties"].(map[string]any)
			if text := keys["ja"] != nil; element["type"] == "object" && !text && name != "registers" && name != "registrars" {
				seen++
				if _, ok := qualification.NameOfThing(name); !ok {
					t.Errorf("what stands in %s has no name", name)
				}
			}
		}
		for _, v := range m {
			walk(v)
		}
	}
	walk(schema)
	if seen < 12 {
		t.Errorf("%d lists in the schema", seen)
	}
}
