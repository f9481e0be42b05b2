package jtext_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"akashi/internal/jtext"
)

// code returns the code of err and its part, "" for nil.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *jtext.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not a jtext.Error", err)
	}
	return strings.TrimSuffix(e.Code+" "+e.Part, " ")
}

// anyText draws strings in which the characters that matter here are common.
func anyText() *rapid.Generator[string] {
	hard := []rune(" 　-ー‐かカｶﾞがﾊﾟは\u3099\u309A\u200B\u202E\u00A0\uFEFFゝヽヂヅヲゎワヴ邉\U000E0100髙﨑\uFA19\uFA26𠮷齊齋斉々〇\uE000ÀÅéßＡａ1１①㈱'·・゛\r\n\t\xff")
	return rapid.StringOf(rapid.OneOf(rapid.SampledFrom(hard), rapid.Rune(), rapid.RuneFrom(nil, unicode.Han)))
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"　山田　太郎　":                "山田 太郎",
		"山\u200b田\u202e\ufeff":   "山田",
		"か\u3099く\u3099ハ\u309A":  "がぐパ",
		"か\u200b\u3099":          "が",
		"邉\U000E0101\u00a0":      "邉\U000E0101",
		"\uFA19\uFA26\uFA41":     "\uFA19\uFA26\uFA41",
		"\uE000外字\U000F1234":     "\uE000外字\U000F1234",
		"①㈱㌔ＡＢ":                  "①㈱㌔ＡＢ",
		"一行\r\n二行\tあ":            "一行  二行 あ",
		"e\u0301\x00\x1b[31m":    "e\u0301[31m",
		"a\xffb":                 "a\uFFFDb",
		"\u3164":                 "",
		"Maria  Cruz de la Vega": "Maria  Cruz de la Vega",
	} {
		if got := jtext.Clean(in); got != want {
			t.Errorf("Clean(%+q) = %+q, want %+q", in, got, want)
		}
	}
	if got := jtext.CleanLines("\n 一行　\r\n\r\n二行\u2028三行\n\n"); got != "一行\n\n二行\n三行" {
		t.Errorf("CleanLines = %q", got)
	}
}

// TestCleanKeepsKanji: whatever surrounds them, the Han characters and variation selectors of a text stay as they are.
func TestCleanKeepsKanji(t *testing.T) {
	kanji := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Han, r) || unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Co, r) {
				return r
			}
			return -1
		}, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := anyText().Draw(t, "s")
		c := jtext.Clean(s)
		if kanji(c) != kanji(s) {
			t.Fatalf("Clean(%+q) = %+q changed a kanji", s, c)
		}
		if jtext.Clean(c) != c {
			t.Fatalf("Clean is no fixpoint on %+q", s)
		}
		if strings.ContainsFunc(c, unicode.IsControl) {
			t.Fatalf("Clean(%+q) = %+q has a control character", s, c)
		}
		if l := jtext.CleanLines(s); jtext.CleanLines(l) != l {
			t.Fatalf("CleanLines is no fixpoint on %+q", s)
		}
	})
}

func TestLength(t *testing.T) {
	for in, want := range map[string]int{
		"": 0, "山田太郎": 4, "渡邉\U000E0101": 2, "𠮷野家": 3, "か\u3099": 1, "ｶﾞ": 1, "e\u0301": 1, "👩\u200d👧": 1, "A B": 3,
	} {
		if got := jtext.Length(in); got != want {
			t.Errorf("Length(%+q) = %d, want %d", in, got, want)
		}
	}
	if err := jtext.Limit("邉\U000E0101子", 1); code(t, err) != jtext.CodeTooLong {
		t.Errorf("two characters within a limit of one: %v", err)
	}
	if err := jtext.Limit("邉\U000E0101子", 2); err != nil {
		t.Errorf("two characters within a limit of two: %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := anyText().Draw(t, "s")
		parts := jtext.Characters(strings.ToValidUTF8(s, "?"))
		if strings.Join(parts, "") != strings.ToValidUTF8(s, "?") {
			t.Fatalf("Characters(%+q) = %+q", s, parts)
		}
	})
}

// reader is one function under table test: input, output, or the code of the error.
type reader struct {
	name string
	read func(string) (string, error)
	in   string
	want string
	code string
}

func TestReaders(t *testing.T) {
	var cases []reader
	add := func(name string, read func(string) (string, error), rows ...string) {
		for i := 0; i < len(rows); i += 3 {
			cases = append(cases, reader{name, read, rows[i], rows[i+1], rows[i+2]})
		}
	}
	add("Digits", jtext.Digits,
		"〒100ー0001", "1000001", "", "１００－０００１", "1000001", "", "100‐0001", "1000001", "", "（03）1234", "031234", "",
		"", "", "empty", "〒 -", "", "empty", "12a", "", "not_digits", "十二", "", "not_digits", "1~3", "", "not_digits", "1〜3", "", "not_digits", "①", "", "not_digits")
	add("Postcode", jtext.Postcode, "〒１００−０００１", "1000001", "", "100000", "", "not_postcode", "A7E-2FK2", "", "not_digits", "", "", "empty")
	add("Kana", jtext.Kana,
		"たかはし", "タカハシ", "", "ﾀﾅｶ ｼﾞｮｰｼﾞ", "タナカ ジョージ", "", "ジョ-ジ", "ジョージ", "", "キヨウコ", "キヨウコ", "", "きょうこ", "キョウコ", "",
		"は\u3099は\u309A", "バパ", "", "ｳﾞｧﾝ・ﾀﾞｲｸ", "ヴァン・ダイク", "", "みすゞ", "ミスヾ", "", "ヶ", "ヶ", "",
		"山田", "", "not_kana", "ヤマダ1", "", "not_kana", "ーア", "", "not_kana", "ア -", "", "not_kana", "　", "", "empty", "Tanaka", "", "not_kana")
	add("Roman", jtext.Roman,
		"Ｙａｍａｄａ", "YAMADA", "", "o’brien", "O'BRIEN", "", "Anne–Marie  de la  Cruz", "ANNE-MARIE DE LA CRUZ", "",
		"é", "", "not_roman", "-a", "", "not_roman", "a--b", "", "not_roman", "R2D2", "", "not_roman", " ", "", "empty")
	add("Email", jtext.Email,
		" Hanako@Example.CO.JP ", "Hanako@example.co.jp", "", "ｈａｎａ＠ｅｘａｍｐｌｅ．ｊｐ", "hana@example.jp", "", "a..b.@docomo.example", "a..b.@docomo.example", "",
		"a@b", "", "not_email", "a b@c.jp", "", "not_email", "a@-b.jp", "", "not_email", "@c.jp", "", "not_email", "a@c..jp", "", "not_email",
		"花@c.jp", "", "not_email", "a@例.jp", "", "not_email", "<a@c.jp>", "", "not_email", strings.Repeat("a", 65)+"@c.jp", "", "not_email", "", "", "empty")
	add("Tel", jtext.Tel,
		"０９０−１２３４−５６７８", "09012345678", "", "03(1234)5678", "0312345678", "", "+81 90 1234 5678", "09012345678", "", "+81 (0)3-1234-5678", "0312345678", "",
		"+1 202-555-0100", "+12025550100", "", "1234567", "", "not_tel", "0901234", "", "not_tel", "+0123456789", "", "not_tel", "tel", "", "not_digits", "+", "", "empty")
	add("RegistrationNumber", jtext.RegistrationNumber,
		"第　１２３４５　号", "12345", "", "第001234号", "001234", "", "ａ−１２", "A-12", "", "（東京）第12号", "(東京)12", "",
		"第号", "", "no_number", "", "", "empty")
	for _, c := range cases {
		got, err := c.read(c.in)
		if got != c.want || code(t, err) != c.code {
			t.Errorf("%s(%q) = %q, %v; want %q, %q", c.name, c.in, got, err, c.want, c.code)
		}
		if again, err := c.read(got); c.code == "" && (err != nil || again != got) {
			t.Errorf("%s(%q) = %q, %v; it does not accept its own result", c.name, got, again, err)
		}
	}
}

func TestDate(t *testing.T) {
	for _, c := range []struct{ era, year, month, day, want string }{
		{"", "1990", "5", "1", "1990-05-01"},
		{"", "Ｈ２", "５", "１", "1990-05-01"},
		{"", "平成２年", "５月", "１日", "1990-05-01"},
		{"heisei", "2", "05", "01", "1990-05-01"},
		{"平成", "H2", "5", "1", "1990-05-01"},
		{"R", "元", "5", "1", "2019-05-01"},
		{"seireki", "西暦2026", "12", "1", "2026-12-01"},
		{"", "㍻2", "5", "1", "1990-05-01"},
		{"", "S.64", "1", "7", "1989-01-07"},
		{"大正", "15", "12", "25", "1926-12-25"},
		{"昭和", "元年", "12", "25", "1926-12-25"},
		{"meiji", "6", "1", "1", "1873-01-01"},
		{"", "2024", "2", "29", "2024-02-29"},
	} {
		if got, err := jtext.Date(c.era, c.year, c.month, c.day); err != nil || got.String() != c.want {
			t.Errorf("Date(%q, %q, %q, %q) = %v, %v; want %s", c.era, c.year, c.month, c.day, got, err, c.want)
		}
	}
}

func TestDateErrors(t *testing.T) {
	for _, c := range []struct{ era, year, month, day, code, args string }{
		{"昭和", "64", "1", "8", "era_boundary year", "[昭和 64年1月7日 平成元年1月8日]"},
		{"平成", "32", "4", "1", "era_boundary year", "[平成 31年4月30日 令和2年4月1日]"},
		{"令和", "1", "4", "30", "era_start year", "[令和 元年5月1日 平成31年4月30日]"},
		{"平成", "31", "4", "31", "no_such_day day", "[2019 4 30]"},
		{"", "2026", "2", "29", "no_such_day day", "[2026 2 28]"},
		{"", "2026", "13", "1", "no_such_month month", "[]"},
		{"", "2026", "0", "1", "no_such_month month", "[]"},
		{"", "90", "5", "1", "year_range year", "[1873 2199]"},
		{"明治", "5", "1", "1", "year_range year", "[1873 2199]"},
		{"令和", "0", "1", "1", "year_range year", "[1873 2199]"},
		{"", "99999999999999999999", "1", "1", "year_range year", "[1873 2199]"},
		{"", "", "5", "1", "empty year", "[]"},
		{"", "1990", "", "1", "empty month", "[]"},
		{"", "1990", "5", " ", "empty day", "[]"},
		{"", "元", "5", "1", "not_digits year", "[元]"},
		{"", "1990", "五", "1", "not_digits month", "[五]"},
		{"", "1990", "5", "-1", "not_digits day", "[-]"},
		{"慶応", "3", "5", "1", "unknown_era era", "[慶応]"},
		{"昭和", "平成2", "5", "1", "era_conflict era", "[昭和 平成]"},
	} {
		d, err := jtext.Date(c.era, c.year, c.month, c.day)
		if code(t, err) != c.code {
			t.Errorf("Date(%q, %q, %q, %q) = %v, %v; want %s", c.era, c.year, c.month, c.day, d, err, c.code)
			continue
		}
		var e *jtext.Error
		if errors.As(err, &e); fmt.Sprint(e.Args) != c.args {
			t.Errorf("Date(%q, %q, %q, %q): args %v, want %s", c.era, c.year, c.month, c.day, e.Args, c.args)
		}
	}
}

func TestYearMonth(t *testing.T) {
	for _, c := range []struct{ era, year, month, want, code string }{
		{"", "2026", "2", "2026-02", ""}, {"令和", "8", "２", "2026-02", ""}, {"昭和", "64", "1", "1989-01", ""}, {"平成", "元", "1", "1989-01", ""},
		{"昭和", "64", "2", "", "era_boundary year"}, {"令和", "元", "4", "", "era_start year"}, {"", "2026", "13", "", "no_such_month month"},
	} {
		got, err := jtext.YearMonth(c.era, c.year, c.month)
		if got != c.want || code(t, err) != c.code {
			t.Errorf("YearMonth(%q, %q, %q) = %q, %v; want %q, %q", c.era, c.year, c.month, got, err, c.want, c.code)
		}
	}
	_, err := jtext.YearMonth("昭和", "64", "2")
	if e := new(jtext.Error); !errors.As(err, &e) || e.Args[2] != "平成元年2月" {
		t.Errorf("the suggestion of %v is not 平成元年2月", err)
	}
}

func TestSearchKey(t *testing.T) {
	for _, same := range [][]string{
		{"高橋", "髙橋", "髙 槗", "高\U000E0100橋", "髙𣘺"},
		{"山崎", "山﨑", "山嵜"},
		{"渡辺", "渡邉", "渡邊", "渡邉\U000E0101", "渡　邉"},
		{"斎藤", "齋藤", "齊藤", "斉藤", "斎　藤"},
		{"吉田", "𠮷田"}, {"神田", "\uFA19田"}, {"柳", "栁"}, {"浜", "濱", "濵"}, {"徳", "德", "悳"},
		{"O'Brien", "ＯＢＲＩＥＮ", "o brien", "Ó Brien"},
		{"さくら", "サクラ", "ｻｸﾗ"},
		{"\uE000田", "\uE000 田"},
	} {
		for _, s := range same {
			if jtext.SearchKey(s) != jtext.SearchKey(same[0]) {
				t.Errorf("SearchKey(%q) = %q, SearchKey(%q) = %q", s, jtext.SearchKey(s), same[0], jtext.SearchKey(same[0]))
			}
		}
	}
	for _, different := range [][2]string{{"太田", "大田"}, {"阪", "坂"}, {"\uE000", "\uE001"}, {"中川", "仲川"}} {
		if jtext.SearchKey(different[0]) == jtext.SearchKey(different[1]) {
			t.Errorf("%s and %s have one key", different[0], different[1])
		}
	}
}

func TestKanaKey(t *testing.T) {
	for _, same := range [][]string{
		{"キョウコ", "キヨウコ", "きょうこ", "ｷｮｳｺ"}, {"ジョージ", "シ\u3099ョージ", "ジヨジ", "ヂョージ"}, {"カヅヲ", "かずお"}, {"ヴィ", "ブイ"}, {"ヰエ", "イヱ"}, {"ケ谷", "ヶ谷"},
	} {
		for _, s := range same {
			if jtext.KanaKey(s) != jtext.KanaKey(same[0]) {
				t.Errorf("KanaKey(%q) = %q, KanaKey(%q) = %q", s, jtext.KanaKey(s), same[0], jtext.KanaKey(same[0]))
			}
		}
	}
	if jtext.KanaKey("渡邉") != "渡邉" {
		t.Error("KanaKey folds kanji")
	}
}

func TestKeysAreFixpoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyText().Draw(t, "s")
		fixpoint(t, s)
	})
}

func fixpoint(t interface{ Fatalf(string, ...any) }, s string) {
	if k := jtext.SearchKey(s); jtext.SearchKey(k) != k {
		t.Fatalf("SearchKey(%+q) = %+q, and again %+q", s, k, jtext.SearchKey(k))
	}
	if k := jtext.KanaKey(s); jtext.KanaKey(k) != k {
		t.Fatalf("KanaKey(%+q) = %+q, and again %+q", s, k, jtext.KanaKey(k))
	}
	if a, b := jtext.SearchKey(s), jtext.SearchKey(jtext.Clean(s)); a != b {
		t.Fatalf("cleaning %+q changes its key from %+q to %+q", s, a, b)
	}
}

// TestCompatibilityVariants compares our own table with Unicode's decompositions.
func TestCompatibilityVariants(t *testing.T) {
	n := 0
	for r := rune(0xF900); r <= 0xFAD9; r++ {
		to := jtext.FoldVariant(r)
		if to == r || r == '﨑' {
			continue
		}
		n++
		if want := jtext.FoldVariant([]rune(norm.NFC.String(string(r)))[0]); to != want {
			t.Errorf("%U is folded to %c, Unicode has %c", r, to, want)
		}
	}
	if n < 70 {
		t.Errorf("only %d compatibility ideographs are folded", n)
	}
}

func TestGrams(t *testing.T) {
	if got, want := jtext.Grams("山山田"), []string{"山", "山山", "山田", "田"}; !slices.Equal(got, want) {
		t.Errorf("Grams = %q, want %q", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := []rune(jtext.SearchKey(anyText().Draw(t, "s")))
		grams := jtext.Grams(string(r))
		if len(r) < 2 {
			return
		}
		i := rapid.IntRange(0, len(r)-2).Draw(t, "i")
		for _, part := range jtext.Grams(string(r[i : i+2])) {
			if !slices.Contains(grams, part) {
				t.Fatalf("the grams of %q lack %q", string(r), part)
			}
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"C¸", "か\u200b\u3099", "渡邉\U000E0101", "ｼﾞｮｰ", "ゎ\u3099", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fixpoint(t, s)
		for _, read := range []func(string) (string, error){jtext.Kana, jtext.Roman, jtext.Digits, jtext.Tel, jtext.Email, jtext.RegistrationNumber} {
			got, err := read(s)
			if err != nil {
				continue
			}
			if again, err := read(got); err != nil || again != got {
				t.Errorf("%+q is read as %+q, and that as %+q, %v", s, got, again, err)
			}
		}
	})
}

func FuzzDate(f *testing.F) {
	f.Add("昭和", "64", "1", "8")
	f.Add("", "Ｈ元", "1", "8")
	f.Fuzz(func(t *testing.T, era, year, month, day string) {
		d, err := jtext.Date(era, year, month, day)
		if (err == nil) != d.Valid() {
			t.Errorf("Date(%q, %q, %q, %q) = %v, %v", era, year, month, day, d, err)
		}
	})
}

// TestKanaOrder: each list stands in the order of a dictionary, and every two of its readings have different keys.
func TestKanaOrder(t *testing.T) {
	for _, sorted := range [][]string{
		{"かいぎし", "かいごふくしし", "がか", "かんごし", "きゅうし"}, // a voiced kana counts as its plain one
		{"は", "ば", "ぱ", "はあ"},                     // unless all else is alike
		{"ひょう", "ひよう", "びょう", "びょういん"},            // likewise a small one
		{"きゃ", "キャリア", "きゃりあこん", "きゃりいあ", "きゅう"},  // and katakana are hiragana
		{"くりい", "クリー", "くりーにんぐし", "くりえ"},          // ー is the vowel before it
		{"えいせい", "えいせい（だい）", "えいせいだいに", "えいせいつう"}, // punctuation counts for nothing
		{"", "ー", "あ"},
	} {
		for i := 1; i < len(sorted); i++ {
			if a, b := jtext.KanaOrder(sorted[i-1]), jtext.KanaOrder(sorted[i]); a >= b {
				t.Errorf("%s (%q) does not stand before %s (%q)", sorted[i-1], a, sorted[i], b)
			}
		}
	}
	for _, same := range [][2]string{{"ｷｬﾘｱ", "きゃりあ"}, {"か\u3099か", "がか"}} {
		if a, b := jtext.KanaOrder(same[0]), jtext.KanaOrder(same[1]); a != b {
			t.Errorf("%q has the key %q, and %q has %q", same[0], a, same[1], b)
		}
	}
}
