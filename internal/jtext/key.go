package jtext

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// KeyVersion numbers the folding rules. It is stored beside every key; a change of the rules raises it, and keys of an
// older version are derived again in bulk.
const KeyVersion = 1

// SearchKey folds a name so that its spellings meet: variation selectors are dropped, variants of kanji, width, case,
// accents of Latin letters and the two kana folded (as in KanaKey), spaces and punctuation dropped. It is for finding
// only and never shown or compared as identity. Folding a key again changes nothing. No Unicode normalisation form is
// applied to kanji: theirs differ from what Japan's registers hold to be the same character.
func SearchKey(s string) string { return key(s, FoldVariant) }

// KanaKey folds a reading: hiragana, width, small kana, ー, and kana that sound alike (ヂ ジ, ヅ ズ, ヲ オ, ヰ イ, ヱ エ, ヴ ブ),
// because readings are often copied with such slips. Folding a key again changes nothing.
func KanaKey(s string) string { return key(s, func(r rune) rune { return r }) }

// key drops first, composes second and folds last, so that nothing which a fold brings together can compose anew.
func key(s string, variant func(rune) rune) string {
	kept := strings.Map(keyed, narrow(s))
	var b strings.Builder
	for _, r := range composeKana(kept) {
		switch {
		case unicode.Is(unicode.M, r): // a voicing mark that joined with nothing
		case unicode.Is(unicode.Latin, r):
			b.WriteString(strings.Map(latin, norm.NFD.String(string(r))))
		default:
			b.WriteRune(variant(unicode.ToUpper(kanaSound(r))))
		}
	}
	return b.String()
}

// keyed drops (-1) what a key does without: spaces, punctuation, dashes, marks other than those of kana.
func keyed(r rune) rune {
	switch {
	case r == dakuten || r == handakuten:
		return r
	case isDash(r) || unicode.In(r, unicode.Z, unicode.P, unicode.M, unicode.Sk, unicode.Cc, unicode.Cf):
		return -1
	}
	return r
}

// latin keeps the bare letter of a decomposed one, in upper case.
func latin(r rune) rune {
	if unicode.Is(unicode.M, r) {
		return -1
	}
	return unicode.ToUpper(r)
}

// kanaSound folds a kana to the full-size katakana that stands for its sound.
func kanaSound(r rune) rune {
	r = katakana(r)
	switch r {
	case 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ッ', 'ャ', 'ュ', 'ョ', 'ヮ':
		return r + 1
	case 'ヵ':
		return 'カ'
	case 'ヶ':
		return 'ケ'
	case 'ヂ':
		return 'ジ'
	case 'ヅ':
		return 'ズ'
	case 'ヲ':
		return 'オ'
	case 'ヰ':
		return 'イ'
	case 'ヱ':
		return 'エ'
	case 'ヴ':
		return 'ブ'
	case 'ヷ':
		return 'バ'
	case 'ヸ':
		return 'ビ'
	case 'ヹ':
		return 'ベ'
	case 'ヺ':
		return 'ボ'
	}
	return r
}

// Grams returns the distinct one- and two-character substrings of a key in order of their first place, for an index that
// finds a name by its middle. They have no positions: check a hit with strings.Contains.
func Grams(key string) []string {
	r := []rune(key)
	seen := map[string]bool{}
	grams := make([]string, 0, 2*len(r))
	add := func(g string) {
		if !seen[g] {
			seen[g] = true
			grams = append(grams, g)
		}
	}
	for i := range r {
		add(string(r[i]))
		if i+1 < len(r) {
			add(string(r[i : i+2]))
		}
	}
	return grams
}

// KanaOrder is a key by which readings stand in the order of the fifty sounds, as indexes and dictionaries have them: a
// voiced or a small kana counts as its plain one, ー as the vowel that it lengthens, punctuation as nothing; only readings that are
// alike so far are told apart by these (おう, ｵｳ, おー; か before が).
func KanaOrder(s string) string {
	s = composeKana(narrow(s))
	var b strings.Builder
	previous := rune(0)
	for _, r := range s {
		if r == 'ー' {
			r = vowelOf(previous)
		}
		r = plainKana(r)
		if r == 0 || keyed(r) < 0 {
			continue
		}
		b.WriteRune(r)
		previous = r
	}
	b.WriteByte(0)
	b.WriteString(strings.Map(katakana, s))
	return b.String()
}

// plainKana is the full-size katakana without voicing marks; the rest stays as it is.
func plainKana(r rune) rune {
	r = katakana(r)
	if r >= 'ァ' && r <= 'ヺ' {
		r = []rune(norm.NFD.String(string(r)))[0]
	}
	switch r {
	case 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ッ', 'ャ', 'ュ', 'ョ', 'ヮ':
		return r + 1
	case 'ヵ':
		return 'カ'
	case 'ヶ':
		return 'ケ'
	}
	return r
}

// vowelOf is the vowel with which a plain kana ends, 0 for none.
func vowelOf(r rune) rune {
	for _, row := range []string{"アカサタナハマヤラワ", "イキシチニヒミリヰ", "ウクスツヌフムユル", "エケセテネヘメレヱ", "オコソトノホモヨロヲ"} {
		if strings.ContainsRune(row, r) {
			return []rune(row)[0]
		}
	}
	return 0
}
