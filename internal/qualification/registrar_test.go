package qualification_test

import (
	"strings"
	"testing"

	"akashi/internal/person"
	"akashi/internal/qualification"
)

// TestEveryPrefectureIsARegistrar compares the list with the prefectures that the program knows from elsewhere, and their
// codes with the rule of the check digit.
func TestEveryPrefectureIsARegistrar(t *testing.T) {
	c := load(t)
	for _, p := range person.Prefectures() {
		g, ok := c.Registrar("pref-" + p.Code)
		if !ok || g.Kind != "prefecture" || g.Group != "prefectures" || g.Code != p.Code || g.LGCode != p.LGCode() || g.Name.JA != p.JA || !strings.HasPrefix(g.Name.EN, p.EN) {
			t.Errorf("%s %s: %+v", p.Code, p.JA, g)
		}
		board, ok := c.Registrar("boe-" + p.Code)
		if !ok || board.Kind != "board" || board.Parent != g.ID || board.Code != p.Code || board.Name.JA != p.JA+"教育委員会" || board.Head.JA != board.Name.JA {
			t.Errorf("board of %s: %+v", p.JA, board)
		}
	}
}

func TestGroupsFillWhatTheirMembersLeaveOpen(t *testing.T) {
	c := load(t)
	saga, _ := c.Registrar("pref-41")
	want := qualification.Text{JA: "佐賀県知事", EN: "Governor of Saga Prefecture", Easy: "{佐賀県|さがけん}の {知事|ちじ}"}
	if saga.Head != want {
		t.Errorf("head: %+v", saga.Head)
	}
	if !strings.Contains(saga.PaperWay.JA, "佐賀県の担当窓口") || saga.Fact.Confidence != qualification.Confirmed {
		t.Errorf("paper way and its own fact: %+v %+v", saga.PaperWay, saga.Fact)
	}
	if g, _ := c.Registrar("pref-02"); g.Fact.Confidence != qualification.Unverified {
		t.Errorf("what nobody read is marked: %+v", g.Fact)
	}
	if g, _ := c.Registrar("hb-kinki"); g.Parent != "mhlw" || g.ActsFor[0] != "mhlw" || g.ActsForFact.Confidence != qualification.Confirmed {
		t.Errorf("a bureau: %+v", g)
	}
	if g, _ := c.Registrar("kansai"); len(g.ActsFor) != 7 || g.Kind != "union" {
		t.Errorf("the union: %+v", g)
	}
}

// TestCodesAreUniqueInAGroup: two members of a group never keep registers of one qualification under one code. The local
// associations of the 士業 forward only; their code stands in no register.
func TestCodesAreUniqueInAGroup(t *testing.T) {
	seen, count := map[string]string{}, map[string]int{}
	for _, g := range load(t).Registrars() {
		key := g.Group + " " + g.Code
		if g.Group == "sharoshi-kai" || g.Group == "gyosei-kai" || g.Group == "zeirishi-kai" {
			continue
		}
		if g.Kind != "prefecture" && g.Kind != "board" {
			key = g.Code
		}
		if other := seen[key]; other != "" {
			t.Errorf("%s and %s have the code %s", other, g.ID, g.Code)
		}
		seen[key] = g.ID
		count[g.Group]++
	}
	for group, want := range map[string]int{"prefectures": 47, "boards": 47, "health-bureaus": 8, "transport-bureaus": 11, "federations": 3, "municipalities": 1} {
		if count[group] != want {
			t.Errorf("%d in %s, want %d", count[group], group, want)
		}
	}
}

func TestMinistriesOf(t *testing.T) {
	c := load(t)
	for ministry, want := range map[string]string{"厚生労働省": "mhlw", "文部科学省・厚生労働省": "mext mhlw", "こども家庭庁": "cfa", "県": ""} {
		var got []string
		for _, g := range c.MinistriesOf(&qualification.Definition{Ministry: qualification.Text{JA: ministry}}) {
			got = append(got, g.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", ministry, got, want)
		}
	}
	for _, d := range c.List() {
		if len(c.MinistriesOf(d)) == 0 {
			t.Errorf("%s: nobody is in charge: %s", d.ID, d.Ministry.JA)
		}
	}
}
