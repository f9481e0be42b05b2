package qualification_test

import (
	"slices"
	"strings"
	"testing"

	"akashi/internal/qualification"
)

// TestFeesOfHealthProfessions holds amounts to the laws that the definitions name: tax by profession, fees by channel,
// and the rewriting of the paper only for those who want it.
func TestFeesOfHealthProfessions(t *testing.T) {
	for _, x := range []struct {
		id, procedure, channel, rewriting string
		want                              string // "id kind collector amount", one per line
	}{
		{"ishi", "registration", "online", "", "tax tax treasury 60000"},
		{"shika-ishi", "change", "online", "", "tax tax treasury 1000"},
		{"josanshi", "registration", "counter", "", "tax tax treasury 9000"},
		{"hokenshi", "reissue", "counter", "", "reissue fee treasury 3100"},
		{"shitai-kaibo", "registration", "counter", "", "certification fee treasury 9400"},
		{"shitai-kaibo", "change", "online", "", ""},
		{"eisei-kensa-gishi", "change", "online", "", "tax tax treasury 1000"},
		{"rinsho-kogaku-gishi", "reissue", "counter", "", "reissue fee treasury 3100"},
		{"rinsho-kogaku-gishi", "reissue", "online", "", "reissue fee treasury 2950"},
		{"ishi-rinsho-kenshu", "registration", "online", "", "registration fee treasury 2950"},
		{"shika-rinsho-kenshu", "change", "counter", "", "rewriting fee treasury 3100"},
		{"yakuzaishi", "registration", "online", "", "tax tax treasury 30000"},
		{"yakuzaishi", "change", "online", "no", "tax tax treasury 1000"},
		{"yakuzaishi", "change", "online", "yes", "tax tax treasury 1000\nrewriting fee treasury 2750"},
		{"kanri-eiyoshi", "registration", "online", "", "tax tax treasury 15000"},
		{"kanri-eiyoshi", "change", "online", "yes", "rewriting fee treasury 2350\nchange fee treasury 950"},
		{"shika-gikoshi", "registration", "online", "", "tax tax treasury 9000\nregistration fee dental 4750"},
		{"shika-eiseishi", "change", "online", "yes", "tax tax treasury 1000\nrewriting fee dental 2850"},
		{"gengo-chokakushi", "registration", "online", "", "tax tax treasury 9000\nregistration fee pmet 8000"},
		{"kyushi", "reissue", "online", "", "reissue fee toyo 3300"},
		{"judo-seifukushi", "change", "online", "no", "tax tax treasury 1000"},
		{"kyukyu-kyumeishi", "registration", "online", "", "tax tax treasury 9000\nregistration fee kyukyu 6800"},
		{"biyoshi", "change", "online", "yes", "tax tax treasury 1000\nrewriting fee ribi 3750"},
		{"seishin-hoken-shiteii", "renewal", "online", "", ""},
		{"ishi-shosu-kuiki", "registration", "online", "", ""},
	} {
		d := definition(t, x.id)
		f := factsOf(t, d, "2026-12-01")
		f.Channel, f.Answers = x.channel, map[string]string{"rewriting": x.rewriting}
		lines, err := d.Procedure(x.procedure).FeeLines(f)
		lines = slices.DeleteFunc(lines, func(l qualification.FeeLine) bool { return l.Amount == 0 })
		if got := written(lines); err != nil || got != x.want {
			t.Errorf("%s %s %s: got %q, %v", x.id, x.procedure, x.channel, got, err)
		}
	}
}

// TestRoutesOfHealthProfessions: the prefecture or the bureau stands on the way until an act opens the direct one, a
// designated body on none; nurses go straight from the beginning, except on paper.
func TestRoutesOfHealthProfessions(t *testing.T) {
	for _, x := range []struct {
		id, procedure, channel string
		direct                 []string
		want                   string
	}{
		{"ishi", "registration", "online", nil, "pref-13 pref-13 mhlw mhlw"},
		{"ishi", "registration", "online", []string{"pref-41"}, "pref-13 pref-13 mhlw mhlw"},
		{"ishi", "registration", "online", []string{"pref-13"}, "mhlw mhlw"},
		{"ishi", "registration", "counter", []string{"pref-13"}, "pref-13 pref-13 mhlw mhlw"},
		{"eisei-kensa-gishi", "cancellation", "online", nil, "pref-13 pref-13 mhlw mhlw"},
		{"seishin-hoken-shiteii", "renewal", "online", []string{"pref-13"}, "mhlw mhlw"},
		{"kangoshi", "change", "online", nil, "mhlw mhlw"},
		{"kangoshi", "change", "counter", nil, "pref-13 pref-13 mhlw mhlw"},
		{"gishi-sogushi", "registration", "counter", nil, "mhlw mhlw"},
		{"ishi-shosu-kuiki", "registration", "online", nil, "mhlw mhlw"},
		{"shika-rinsho-kenshu", "reissue", "counter", nil, "hb-kinki hb-kinki mhlw mhlw"},
		{"riyoshi", "registration", "online", nil, "ribi ribi"},
		{"harishi", "change", "counter", nil, "toyo toyo"},
	} {
		d := definition(t, x.id)
		f := factsOf(t, d, "2026-12-01")
		f.Channel, f.Direct = x.channel, x.direct
		f.Answers = map[string]string{"forwarding_prefecture": "13", "bureau": "hb-kinki"}
		steps, err := d.Procedure(x.procedure).RouteFor(f)
		var bodies []string
		for _, s := range steps {
			bodies = append(bodies, s.Body)
		}
		if got := strings.Join(bodies, " "); err != nil || got != x.want {
			t.Errorf("%s %s %s: got %q, %v", x.id, x.procedure, x.channel, got, err)
		}
	}
}

// TestItemsInTheOrderOfTheLaw: 本籍, 氏名, 生年月日, 性別, and no sex where the law lists none; a closed register takes nobody
// new.
func TestItemsInTheOrderOfTheLaw(t *testing.T) {
	for id, want := range map[string]string{
		"ishi":                    "domicile nationality name name_kana birth_date sex exam_passed_on",
		"josanshi":                "domicile nationality name name_kana birth_date exam_passed_on",
		"shika-eiseishi":          "domicile nationality name name_kana birth_date exam_passed_on",
		"shitai-kaibo":            "address name name_kana birth_date profession base_number",
		"anma-massage-shiatsushi": "domicile nationality name name_kana birth_date sex exam_passed_on",
	} {
		var got []string
		for _, item := range definition(t, id).Items {
			got = append(got, item.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	closed := definition(t, "eisei-kensa-gishi")
	if slices.ContainsFunc(closed.Procedures, func(p qualification.Procedure) bool { return p.Effect == qualification.EffectRegister }) {
		t.Error("衛生検査技師 takes new registrations")
	}
}
