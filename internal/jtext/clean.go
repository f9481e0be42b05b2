package jtext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Clean prepares one line of input to be kept as it is: it drops what cannot be seen (zero-width and bidirectional
// controls, other control characters), turns every kind of space and line break into U+0020, composes kana with a
// following voicing mark, and trims. Bytes that are not UTF-8 become U+FFFD. Everything else stays, above all kanji with
// their variation selectors, compatibility ideographs and private-use characters. Cleaning twice changes nothing more.
func Clean(s string) string {
	return strings.Trim(composeKana(strings.Map(visible, strings.ToValidUTF8(s, "\uFFFD"))), " ")
}

// CleanLines is Clean for a text of several lines: line breaks of every kind become "\n", each line is cleaned, and
// empty lines at both ends are dropped.
func CleanLines(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Clean(l)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// narrow is Clean with full-width letters, digits and signs made half-width, and half-width kana full-width. Unlike NFKC it
// changes no kanji.
func narrow(s string) string { return Clean(width.Fold.String(Clean(s))) }

// visible maps spaces to U+0020 and drops (-1) what has no width.
func visible(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\v' || r == '\f' || r == '\r' || r == 0x85 || unicode.Is(unicode.Z, r):
		return ' '
	case unicode.Is(unicode.Cc, r) || nonCharacter(r) || hangulFiller(r):
		return -1
	case unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return -1
	}
	return r
}

// nonCharacter tells whether Unicode will never assign r (The Unicode Standard, section 23.7).
func nonCharacter(r rune) bool { return r&0xFFFE == 0xFFFE || r >= 0xFDD0 && r <= 0xFDEF }

// hangulFiller tells whether r is a letter without a shape, which would pass for a filled-in field.
func hangulFiller(r rune) bool { return r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 }

// The combining marks that macOS and iOS put after a kana: dakuten and handakuten.
const (
	dakuten    = '\u3099'
	handakuten = '\u309A'
)

// composeKana joins kana with the mark that follows, and touches nothing else: NFC would also change kanji.
func composeKana(s string) string {
	if !strings.ContainsAny(s, "\u3099\u309A") {
		return s
	}
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if n := len(out); n > 0 {
			if c := voiced(out[n-1], r); c != 0 {
				out[n-1] = c
				continue
			}
		}
		out = append(out, r)
	}
	return string(out)
}

// voiced returns kana joined with mark, 0 when they do not join.
func voiced(kana, mark rune) rune {
	table := ""
	switch mark {
	case dakuten:
		table = "かがきぎくぐけげこごさざしじすずせぜそぞただちぢつづてでとどはばひびふぶへべほぼうゔゝゞ" +
			"カガキギクグケゲコゴサザシジスズセゼソゾタダチヂツヅテデトドハバヒビフブヘベホボウヴヽヾワヷヰヸヱヹヲヺ"
	case handakuten:
		table = "はぱひぴふぷへぺほぽハパヒピフプヘペホポ"
	}
	for i, r := range table {
		if r == kana && (i/3)%2 == 0 {
			c, _ := utf8.DecodeRuneInString(table[i+3:])
			return c
		}
	}
	return 0
}

// Length counts characters as a reader sees them: a kanji with its variation selector is one, so is a letter with its
// marks. It follows the extended grapheme clusters of UAX #29, except that flags count as two.
func Length(s string) int {
	n, joined := 0, false
	for _, r := range s {
		if !extends(r) && !joined {
			n++
		}
		joined = r == 0x200D && n > 0
	}
	return n
}

// extends tells whether r is drawn on the character before it.
func extends(r rune) bool {
	return unicode.Is(unicode.M, r) || // marks and variation selectors
		r == 0x200C || r == 0x200D || // joiners
		r == 0xFF9E || r == 0xFF9F || // half-width voicing marks
		r >= 0x1160 && r <= 0x11FF || // vowels and finals of Hangul in parts
		r >= 0x1F3FB && r <= 0x1F3FF // skin tones
}

// Characters splits s into the characters that Length counts.
func Characters(s string) []string {
	var out []string
	joined := false
	for _, r := range s {
		if len(out) > 0 && (extends(r) || joined) {
			out[len(out)-1] += string(r)
		} else {
			out = append(out, string(r))
		}
		joined = r == 0x200D
	}
	return out
}

// Limit returns a CodeTooLong error when s has more than limit characters.
func Limit(s string, limit int) error {
	if n := Length(s); n > limit {
		return &Error{Code: CodeTooLong, Args: []any{limit, n}}
	}
	return nil
}
