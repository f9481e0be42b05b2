package jtext

import (
	"strings"
	"unicode"
)

// Kana reads the reading of a name: hiragana or katakana of any width, which it writes in full-width katakana. Small kana
// stay small, because they are part of the reading that the family register records (戸籍法 13条1項2号, from 2025-05-26).
// A dash of any kind after a kana is the long-vowel mark ー. A space, and ・ in foreign names, may divide words.
// Errors: CodeEmpty, CodeNotKana.
func Kana(s string) (string, error) {
	s = narrow(s)
	if s == "" {
		return "", &Error{Code: CodeEmpty}
	}
	var b strings.Builder
	previous := rune(0)
	for _, r := range s {
		c := katakana(r)
		if isDash(r) {
			c = 'ー'
		}
		if !kanaMayFollow(previous, c) {
			return "", &Error{Code: CodeNotKana, Args: []any{string(r)}}
		}
		b.WriteRune(c)
		previous = c
	}
	return b.String(), nil
}

// kanaMayFollow tells whether c may stand in a reading after previous (0 at the start).
func kanaMayFollow(previous, c rune) bool {
	switch {
	case c >= 'ァ' && c <= 'ヺ':
		return true
	case c == 'ー' || c == 'ヽ' || c == 'ヾ':
		return previous >= 'ァ' && previous <= 'ヺ' || previous == 'ー'
	case c == ' ' || c == '・':
		return previous != 0
	}
	return false
}

// katakana turns a hiragana into the katakana of the same sound, and leaves the rest.
func katakana(r rune) rune {
	if r >= 'ぁ' && r <= 'ゖ' || r == 'ゝ' || r == 'ゞ' {
		return r + ('ァ' - 'ぁ')
	}
	return r
}

// isDash tells whether people type r where they mean a hyphen, a dash or a long-vowel mark. Wave dashes are none: between
// numbers they mean a range.
func isDash(r rune) bool {
	switch r {
	case 'ー', 'ｰ', '─', '━', '−', '\u207B', '\u208B':
		return true
	case '〜', '〰':
		return false
	}
	return unicode.Is(unicode.Pd, r)
}
