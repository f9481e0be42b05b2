package person_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/person"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		name person.Name
		want string
	}{
		{person.Name{Family: "山田", Given: "太郎"}, "山田　太郎"},
		{person.Name{Whole: "SMITH JOHN PAUL"}, "SMITH JOHN PAUL"},
		{person.Name{Given: "太郎"}, "太郎"},
		{person.Name{}, ""},
	} {
		if got := c.name.Full(); got != c.want {
			t.Errorf("%+v in full = %q, want %q", c.name, got, c.want)
		}
	}
	for full, want := range map[string]person.Name{
		"山田　太郎": {Family: "山田", Given: "太郎"}, "海事 太郎": {Family: "海事", Given: "太郎"}, "プラトン": {Whole: "プラトン"}, "A B C": {Whole: "A B C"}, "": {},
	} {
		if got := person.SplitName(full); got != want || got.IsZero() != (full == "") {
			t.Errorf("SplitName(%q) = %+v, want %+v", full, got, want)
		}
	}
}

func TestParticularsInJSON(t *testing.T) {
	p := person.Particulars{
		Name: person.Name{Family: "渡邉\U000E0101", Given: "花子"}, NameKana: person.Name{Family: "ワタナベ", Given: "ハナコ"},
		BirthDate: calendar.Date{Year: 1999, Month: 4, Day: 1}, Sex: person.Female, Address: "佐賀県佐賀市城内一丁目1番59号",
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got person.Particulars
	if err := json.Unmarshal(b, &got); err != nil || got != p {
		t.Errorf("%s is read as %+v, %v", b, got, err)
	}
}

func TestSexAndDomicile(t *testing.T) {
	for s, want := range map[person.Sex]string{person.Male: "男", person.Female: "女", person.UnknownSex: "不明", "": "", "4": ""} {
		if s.Japanese() != want || s.Valid() != (want != "") {
			t.Errorf("sex %q is %q, valid %v", s, s.Japanese(), s.Valid())
		}
	}
	for _, c := range []struct {
		d    person.Domicile
		want string
		ok   bool
	}{
		{person.Domicile{Prefecture: "41"}, "佐賀県", true},
		{person.Domicile{Prefecture: person.Abroad, Nationality: "ベトナム"}, "ベトナム", true},
		{person.Domicile{Prefecture: person.Abroad}, "", false},
		{person.Domicile{Prefecture: "48"}, "", false},
		{person.Domicile{Prefecture: "41", Nationality: "ベトナム"}, "佐賀県", false},
		{person.Domicile{}, "", false},
	} {
		if c.d.Japanese() != c.want || c.d.Valid() != c.ok {
			t.Errorf("%+v is %q, valid %v", c.d, c.d.Japanese(), c.d.Valid())
		}
	}
}

func TestPrefectures(t *testing.T) {
	all := person.Prefectures()
	if len(all) != 47 {
		t.Fatalf("%d prefectures", len(all))
	}
	for code, want := range map[string]string{"01": "北海道 Hokkaido 010006", "13": "東京都 Tokyo 130001", "27": "大阪府 Osaka 270008", "41": "佐賀県 Saga 410004", "47": "沖縄県 Okinawa 470007"} {
		p, ok := person.PrefectureByCode(code)
		if got := p.JA + " " + p.EN + " " + p.LGCode(); !ok || got != want {
			t.Errorf("%s is %s, want %s", code, got, want)
		}
	}
	for _, p := range all {
		if got, ok := person.PrefectureOfAddress(p.JA + "中央区1-1"); !ok || got != p {
			t.Errorf("an address in %s is taken for %s", p.JA, got.JA)
		}
		if !person.ValidLGCode(p.LGCode()) {
			t.Errorf("%s has the code %s", p.JA, p.LGCode())
		}
	}
	if p, ok := person.PrefectureOfAddress("横浜市"); ok {
		t.Errorf("横浜市 lies in %s", p.JA)
	}
}

func TestLGCode(t *testing.T) {
	for code, want := range map[string]bool{"131041": true, "131016": true, "011002": true, "131040": false, "13104": false, "１３１０４１": false} {
		if person.ValidLGCode(code) != want {
			t.Errorf("ValidLGCode(%s) = %v", code, !want)
		}
	}
	if _, err := person.LGCheckDigit("1310"); !errors.Is(err, fault.Invalid) {
		t.Errorf("four digits: %v, want invalid", err)
	}
}

func TestIndividualNumber(t *testing.T) {
	for number, want := range map[string]bool{
		"983205673214": true, "983205673210": false, "123456789018": true, "000000000000": false, "12345678901": false, "": false,
		"12345678901８": false,
	} {
		if person.ValidIndividualNumber(number) != want {
			t.Errorf("ValidIndividualNumber(%q) = %v", number, !want)
		}
	}
	_, err := person.IndividualNumberCheckDigit("1234567890x")
	if !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), "1234567890x") {
		t.Errorf("a letter among the digits: %v, want invalid without the input", err)
	}
	rapid.Check(t, func(t *rapid.T) { // a wrong digit is found, unless the check digit 0 stands for two remainders
		first := rapid.StringMatching(`[0-9]{11}`).Draw(t, "first")
		digit, err := person.IndividualNumberCheckDigit(first)
		if err != nil || digit < 0 || digit > 9 {
			t.Fatalf("check digit of %s = %d, %v", first, digit, err)
		}
		wrong := fmt.Sprint(first, (digit+rapid.IntRange(1, 9).Draw(t, "off"))%10)
		if person.ValidIndividualNumber(wrong) {
			t.Fatalf("%s is valid", wrong)
		}
	})
}

func TestFindIndividualNumbers(t *testing.T) {
	for text, want := range map[string][]string{
		"番号は123456789018です。":               {"123456789018"},
		"1234 5678 9018、1234-5678-9018":    {"1234 5678 9018", "1234-5678-9018"},
		"１２３４５６７８９０１８":                     {"１２３４５６７８９０１８"},
		"2026-12-01 123456789018 10":       {"123456789018"},
		"1234567890180":                    nil,
		"123456789010":                     nil,
		"電話 090-1234-5678":                 nil,
		"1234  5678  9018":                 nil,
		"\xff123456789018\xff":             {"123456789018"},
		"000000000000 999999999999 \u0661": nil,
	} {
		var got []string
		for _, at := range person.FindIndividualNumbers(text) {
			got = append(got, text[at[0]:at[1]])
		}
		if !slices.Equal(got, want) {
			t.Errorf("in %q found %q, want %q", text, got, want)
		}
	}
}

func FuzzFindIndividualNumbers(f *testing.F) {
	f.Add("1234-5678-9018 and １２３４５６７８９０１８")
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, at := range person.FindIndividualNumbers(text) {
			if at[0] < end || at[1] <= at[0] || at[1] > len(text) {
				t.Fatalf("%q: %v after %d", text, at, end)
			}
			end = at[1]
		}
	})
}
