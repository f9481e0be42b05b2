package person_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"akashi/internal/person"
)

func TestCompareName(t *testing.T) {
	for _, c := range []struct {
		cert, alt, registry string
		tier                person.Tier
		positions           []int
	}{
		{"山田　太郎", "00000", "山田　太郎", person.Exact, nil},
		{"山田　太郎", "00000", "山田 太郎", person.Exact, nil},
		{"山田　太郎", "00000", "山田太郎", person.Exact, nil},
		{"山田　太郎", "", " 山田　　太郎 ", person.Exact, nil},
		{"渡邉　花子", "00000", "渡邉\U000E0101　花子", person.SameBase, []int{1}},
		{"高橋　花子", "00000", "髙橋　花子", person.Variant, []int{0}},
		{"高橋　神", "0000", "髙橋　\uFA19", person.Variant, []int{0, 2}},
		{"ＳＭＩＴＨ", "00000", "SMITH", person.Variant, []int{0, 1, 2, 3, 4}},
		{"吉田　太郎", "10000", "𠮷田　太郎", person.Variant, []int{0}},
		{"土田　太郎", "10000", "\uE000田　太郎", person.Alternative, []int{0}},
		{"土田　太郎", "00000", "\uE000田　太郎", person.Different, nil},
		{"土田　太郎", "1000", "\uE000田　太郎", person.Different, nil},
		{"土田　太郎", "1x000", "\uE000田　太郎", person.Different, nil},
		{"ワタナベ田　子", "1111000", "\uE000田　子", person.Alternative, []int{0, 1, 2, 3}},
		{"ワタ田　ナベ子", "1100110", "\uE000田　\uE001子", person.Alternative, []int{0, 1, 3, 4}},
		{"ワタ田", "110", "田", person.Different, nil},
		{"ワ田", "10", "\uE000\uE001田", person.Different, nil},
		{"山　田太郎", "00000", "山田　太郎", person.Different, nil},
		{"山田　太郎", "00000", "山田　次郎", person.Different, nil},
		{"山田　太郎", "00000", "山田　太", person.Different, nil},
		{"キョウコ", "", "キヨウコ", person.Different, nil},
		{"", "", "", person.Different, nil},
		{"山田", "11", "", person.Different, nil},
	} {
		got := person.CompareName(c.cert, c.alt, c.registry)
		if got.Tier != c.tier || !slices.Equal(got.Positions, c.positions) {
			t.Errorf("%q (%s) with %+q: %v %v, want %v %v", c.cert, c.alt, c.registry, got.Tier, got.Positions, c.tier, c.positions)
		}
		if got.NeedsPerson() != (c.tier > person.Exact && c.tier < person.Different) {
			t.Errorf("%q with %+q: NeedsPerson = %v", c.cert, c.registry, got.NeedsPerson())
		}
	}
}

func TestCompareNameProperties(t *testing.T) {
	kanji := rapid.SliceOfN(rapid.RuneFrom(nil, unicode.Han, unicode.Katakana), 1, 8)
	rapid.Check(t, func(t *rapid.T) {
		name := kanji.Draw(t, "name")
		s := string(name)
		if got := person.CompareName(s, "", s); got.Tier != person.Exact || got.Positions != nil {
			t.Fatalf("%q with itself: %v", s, got)
		}
		flags := rapid.SliceOfN(rapid.Bool(), len(name), len(name)).Draw(t, "flags")
		alt, registry := make([]byte, len(name)), slices.Clone(name)
		changed := false
		for i, f := range flags {
			alt[i] = '0'
			if f {
				alt[i], registry[i], changed = '1', '\uE123', true
			}
		}
		got := person.CompareName(s, string(alt), string(registry))
		if changed != (got.Tier == person.Alternative) || len(got.Positions) != strings.Count(string(alt), "1") {
			t.Fatalf("%q flagged %s with %q: %v", s, alt, string(registry), got)
		}
		other := append(slices.Clone(registry), '田')
		if m := person.CompareName(s, strings.Repeat("0", len(name)), string(other)); m.Tier != person.Different {
			t.Fatalf("%q unflagged with a longer name: %v", s, m)
		}
	})
}

func FuzzCompareName(f *testing.F) {
	f.Add("ワタナベ田　子", "1111000", "\uE000田　子")
	f.Add("か\u3099", "01", "が")
	f.Fuzz(func(t *testing.T, cert, alt, registry string) {
		if len(cert) > 200 || len(registry) > 200 {
			return
		}
		m := person.CompareName(cert, alt, registry)
		if (m.Tier == person.Exact || m.Tier == person.Different) != (len(m.Positions) == 0) {
			t.Errorf("%q (%s) with %q: %v", cert, alt, registry, m)
		}
	})
}
