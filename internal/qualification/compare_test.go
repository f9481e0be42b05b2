package qualification_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"akashi/internal/qualification"
)

// edited reads a definition of the repository in which each pair of texts was exchanged; every old text must be there.
func edited(t *testing.T, id string, pairs ...string) *qualification.Definition {
	t.Helper()
	files := maps.Clone(repository(t))
	text := string(files[id+".yaml"])
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s.yaml has no %q", id, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	files[id+".yaml"] = []byte(text)
	d, found, err := qualification.ReadOne(files, id+".yaml")
	if err != nil || d == nil {
		t.Fatalf("%v %v", err, found)
	}
	return d
}

const (
	oldVersion = "version: \"2026-04-01.1\"\nvalid_from: 2026-04-01"
	newVersion = "version: \"2027-04-01.1\"\nvalid_from: 2027-04-01"
)

// TestCompareNursing exchanges parts of 看護師: what changes, what it means, and what is refused.
func TestCompareNursing(t *testing.T) {
	was := edited(t, "kangoshi")
	for _, x := range []struct {
		name    string
		pairs   []string
		changes []string // each stands in the line of a change
		means   []string // each stands in what it means for cases
		refused []string // each begins a refusal, and there are no others
	}{
		{"nothing", nil, nil, nil, nil},
		{"a text under the same version", []string{"ja: 看護師籍", "ja: 看護師の籍"}, []string{`: the text changes: `}, nil, []string{"version: the content changes, but the version is still"}},
		{"the same day", []string{"2026-04-01.1", "2026-04-01.2"}, []string{"version: version changes: 2026-04-01.1 → 2026-04-01.2"}, nil, []string{"valid_from: 2026-04-01 is not after"}},
		{"an earlier version", []string{"2026-04-01.1", "2026-03-01.1", "valid_from: 2026-04-01", "valid_from: 2026-03-01"}, nil, nil, []string{"version: 2026-03-01.1 is not after"}},
		{"another code", []string{oldVersion, newVersion, "code: KG", "code: KZ"}, []string{"code: code changes: KG → KZ"}, nil, []string{"code: receipt numbers"}},
		{"another row", []string{oldVersion, newVersion, "row: 29", "row: 84"}, nil, nil, []string{"row: 29"}},
		{"an item goes", []string{oldVersion, newVersion, "procedures:\n", "items:\n  - {id: name_kana, drop: true}\n\nprocedures:\n"},
			[]string{"items[name_kana]: item removed: Reading of your name"}, []string{"items[name_kana]: entries hold values"}, []string{"items[name_kana]: the register has entries"}},
		{"an item comes", []string{oldVersion, newVersion, "procedures:\n", "items:\n  - {id: mail, kind: email, label: {ja: メール, en: Mail, easy: メール}, fact: {source: test, confidence: unknown}}\n\nprocedures:\n"},
			[]string{"items[mail]: item added: Mail"}, []string{"cases begun before 2027-04-01, drafts too, keep version 2026-04-01.1", "items[mail]: entries made before have no value", "cases begun from 2027-04-01 on are made under version 2027-04-01.1"}, nil},
		{"a page goes", []string{oldVersion, newVersion, "      - {id: forwarding, when: channel == \"counter\"}\n    routes", "      - {id: forwarding, drop: true}\n    routes"},
			[]string{"procedures[registration].groups[forwarding]: page removed"}, nil, nil},
		{"another examination", []string{oldVersion, newVersion, "passer: {examination: kangoshi}", "passer: {examination: kango}"}, []string{"procedures[registration].passer.examination: passer.examination changes: kangoshi → kango"}, nil, nil},
		{"the register opens later", []string{oldVersion, newVersion, "opens_on: 2026-04-01", "opens_on: 2028-04-01"}, []string{"registers[mhlw]: opens_on changes: 2026-04-01 → 2028-04-01"}, nil, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, err := qualification.Compare(was, edited(t, "kangoshi", x.pairs...))
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, change := range c.Changes {
				lines = append(lines, change.String())
				inThreeLanguages(t, change.Said)
			}
			for _, f := range slices.Concat(c.Open, c.Coming, c.Refused) {
				inThreeLanguages(t, f.Said)
			}
			wantEach(t, "the changes", lines, x.changes)
			wantEach(t, "the meaning", slices.Concat(c.Open, c.Coming).In(qualification.EN), x.means)
			if len(c.Refused) != len(x.refused) {
				t.Errorf("refused: %q, want %q", c.Refused, x.refused)
			}
			wantEach(t, "the refusals", c.Refused.In(qualification.EN), x.refused)
			if len(x.pairs) == 0 && (len(lines)+len(c.Open)+len(c.Coming)) > 0 {
				t.Errorf("a definition differs from itself: %+v", c)
			}
		})
	}
}

func wantEach(t *testing.T, what string, lines, wanted []string) {
	t.Helper()
	for _, want := range wanted {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, want) }) {
			t.Errorf("%s: no %q among\n%s", what, want, strings.Join(lines, "\n"))
		}
	}
}

// TestCompareFees: old yen, new yen and since when, for a rise at once and one from a later day.
func TestCompareFees(t *testing.T) {
	was := sample(t)
	for _, x := range []struct {
		name, next  string // in the place of the rule that takes 1000 yen always
		want, means []string
	}{
		{"at once", "{amount: 1300, ", []string{"1000 yen → 1300 yen, since 2026-10-01"},
			[]string{"the fee rises; a case begun before 2026-10-01 pays what its own version says (1000 yen)", "filed from 2026-10-01 on pays 1300 yen instead of 1000 yen"}},
		{"later", "{until: 2026-11-30, amount: 1000, fact: {source: 見本法7条, confidence: confirmed}}\n          - {amount: 1300, ",
			[]string{"1000 yen → 1300 yen, since 2026-12-01"}, []string{"filed from 2026-12-01 on pays 1300 yen"}},
		{"less", "{amount: 500, ", []string{"1000 yen → 500 yen, since 2026-10-01"}, nil},
		{"in one way", "{channels: [counter], amount: 1100, fact: {source: 見本法7条, confidence: confirmed}}\n          - {amount: 1000, ",
			[]string{"(counter): no rule → 1100 yen, since 2026-10-01"}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			files := good(t)
			text := strings.Replace(string(files["bases/base.yaml"]), "{amount: 1000, ", x.next, 1)
			text = strings.Replace(text, "version: \"2026-04-01.1\"\nvalid_from: 2026-04-01", "version: \"2026-10-01.1\"\nvalid_from: 2026-10-01", 1)
			files["bases/base.yaml"] = []byte(text)
			next, found, err := qualification.ReadOne(files, "sample.yaml")
			if err != nil || next == nil {
				t.Fatalf("%v %v", err, found)
			}
			c, err := qualification.Compare(was, next)
			if err != nil || len(c.Refused) > 0 {
				t.Fatalf("%v %v", err, c.Refused)
			}
			var fees []string
			for _, f := range slices.Concat(c.Open, c.Coming) {
				inThreeLanguages(t, f.Said)
			}
			for _, change := range c.Changes {
				inThreeLanguages(t, change.Said)
				if change.What == "fee" {
					fees = append(fees, change.String())
				}
			}
			if len(fees) != len(x.want) {
				t.Errorf("fees: %q", fees)
			}
			wantEach(t, "the fees", fees, x.want)
			if x.means == nil && strings.Contains(c.Open.Error(), "rises") {
				t.Errorf("a fee that does not rise: %q", c.Open)
			}
			wantEach(t, "the meaning", slices.Concat(c.Open, c.Coming).In(qualification.EN), x.means)
		})
	}
}

// TestCompareElements: what stands in a list without names is compared one by one, and what comes is called what it is.
func TestCompareElements(t *testing.T) {
	files := good(t)
	files["bases/base.yaml"] = []byte(strings.NewReplacer("{step: approval, body: ministry,", "{step: approval, body: registrar,",
		"    reasons:\n", "    reasons:\n      - {id: blurred, item: photo, correct: true, label: {ja: ぼやけています, en: Blurred, easy: みえません}}\n").Replace(string(files["bases/base.yaml"])))
	next, found, err := qualification.ReadOne(files, "sample.yaml")
	if err != nil || next == nil {
		t.Fatalf("%v %v", err, found)
	}
	c, err := qualification.Compare(sample(t), next)
	if err != nil {
		t.Fatal(err)
	}
	const path = "procedures[registration]"
	for lang, want := range map[qualification.Lang]string{
		qualification.EN: path + ".reasons[blurred]: reason added: Blurred (Registration)\n" + path + ".routes[direct].steps[1].body: body changes: ministry → registrar (Registration)\n",
		qualification.JA: path + ".reasons[blurred]: 理由が加わります：「ぼやけています」（登録）\n" + path + ".routes[direct].steps[1].body: 「body」が変わります：「ministry」→「registrar」（登録）\n",
	} {
		if got := c.In(lang); !strings.Contains(got, want) {
			t.Errorf("%s lacks\n%s", got, want)
		}
	}
}

// TestCompareVersionsOfTheRepository: the coming version of 自動車整備士 has more classes and could be put in place.
func TestCompareVersionsOfTheRepository(t *testing.T) {
	c := load(t)
	old, _ := c.Version("jidosha-seibishi", "2026-04-01.1")
	next, _ := c.Version("jidosha-seibishi", "2027-01-01.1")
	got, err := qualification.Compare(old, next)
	if err != nil || len(got.Refused) > 0 {
		t.Fatalf("%v %v", err, got)
	}
	var lines []string
	for _, change := range got.Changes {
		inThreeLanguages(t, change.Said)
		lines = append(lines, change.String())
	}
	wantEach(t, "the changes", lines, []string{"items[grade].options[1-general]: choice added: First-grade mechanic (general)"})
}

// TestCompareNamesPlaces: what a path leads through is named as people read it, after the sentence.
func TestCompareNamesPlaces(t *testing.T) {
	c, err := qualification.Compare(edited(t, "kangoshi"), edited(t, "kangoshi", oldVersion, newVersion, "ja: 看護師籍", "ja: 看護師の籍",
		"procedures:\n", "items:\n  - {id: name_kana, drop: true}\n\nprocedures:\n"))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, change := range c.Changes {
		switch {
		case !strings.Contains(change.Path, "["):
			if len(change.About) > 0 {
				t.Errorf("%s lies in %v", change.Path, change.About)
			}
		case change.Path == "items[name_kana]": // the sentence names what has gone
			if len(change.About) > 0 {
				t.Errorf("%s: %s", change.Path, change.In(qualification.JA))
			}
		case strings.HasPrefix(change.Path, "procedures["):
			named++
			id, _, _ := strings.Cut(strings.TrimPrefix(change.Path, "procedures["), "]")
			name := definition(t, "kangoshi").Procedure(id).Name
			if len(change.About) == 0 || change.About[0].JA != name.JA {
				t.Errorf("%s lies in %v, want %s first", change.Path, change.About, name.JA)
			}
			if line := change.In(qualification.JA); !strings.HasSuffix(line, "）") || !strings.Contains(line, "（"+name.JA) {
				t.Error(line)
			}
			if line := change.In(qualification.EN); !strings.HasSuffix(line, ")") || !strings.Contains(line, " ("+name.EN) {
				t.Error(line)
			}
		}
	}
	if named == 0 {
		t.Errorf("nothing lies in a procedure: %v", c.Changes)
	}
}
