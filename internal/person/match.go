package person

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"akashi/internal/jtext"
)

// Tier says by which rule two spellings of a name meet, the safest first.
type Tier int

// The tiers. Only Exact may be accepted by a machine; each of the others needs a person to confirm it, and the tier is
// kept with the confirmation.
const (
	Exact       Tier = iota // the same code points, apart from the kind of space
	SameBase                // the same once variation selectors are left out
	Variant                 // the same once variants of kanji and widths are folded
	Alternative             // differs only where the certificate is flagged to hold an alternative character (代替文字)
	Different               // none of these
)

func (t Tier) String() string {
	if t < Exact || t > Different {
		return "unknown"
	}
	return [...]string{"exact", "same_base", "variant", "alternative", "different"}[t]
}

// Match is the result of comparing two spellings of one name.
type Match struct {
	Tier      Tier
	Positions []int // characters of the first name (from 0, spaces not counted) that are not the same in the second; nil when Different
}

// NeedsPerson tells whether the names meet, but only by a rule that a person must confirm.
func (m Match) NeedsPerson() bool { return m.Tier > Exact && m.Tier < Different }

// CompareName compares the name in a signing certificate with the one in a registry. Certificates hold only characters of
// JIS X 0208 and 0212; any other is replaced by another character, or by its reading in kana, and flagged "1" in alt, a
// string of 0 and 1 with one for each character of cert (japan.md 3.2 and 5.3). A flagged character meets any character
// of the registry, and a run of them also fewer, because a reading can be longer than what it stands for. An alt of
// another length or with other characters flags nothing: the result is then at best Variant.
func CompareName(cert, alt, registry string) Match {
	c, r := spell(cert, alt), spell(registry, "")
	if !hasSpace(c) || !hasSpace(r) {
		c, r = withoutSpaces(c), withoutSpaces(r)
	}
	return align(c, r)
}

// sign is one user-perceived character.
type sign struct {
	text    string
	flagged bool
}

// space is what every run of spaces is compared as.
const space = " "

// spell divides a name into signs, with its flags, runs of spaces as one and none at the ends.
func spell(name, alt string) []sign {
	if len(alt) != len([]rune(name)) || strings.Trim(alt, "01") != "" {
		alt = ""
	}
	var out []sign
	at := 0
	for _, text := range jtext.Characters(name) {
		flagged := alt != "" && strings.Contains(alt[at:at+len([]rune(text))], "1")
		at += len([]rune(text))
		if strings.TrimSpace(text) == "" {
			text = space
			if len(out) == 0 || out[len(out)-1].text == space {
				continue
			}
		}
		out = append(out, sign{text, flagged})
	}
	if n := len(out); n > 0 && out[n-1].text == space {
		out = out[:n-1]
	}
	return out
}

func hasSpace(name []sign) bool {
	for _, s := range name {
		if s.text == space {
			return true
		}
	}
	return false
}

func withoutSpaces(name []sign) []sign {
	var out []sign
	for _, s := range name {
		if s.text != space {
			out = append(out, s)
		}
	}
	return out
}

// align finds the pairing of signs whose worst tier is best, by filling a table: worst[i][j] is that of the first i signs of
// c with the first j of r. From each place it goes on by pairing two signs, or by passing a flagged sign that follows
// another, as part of a reading longer than the character it stands for (of at least one, hence no way along the edge).
func align(c, r []sign) Match {
	worst := table(len(c)+1, len(r)+1, Different)
	worst[0][0] = Exact
	for i := 1; i <= len(c); i++ {
		for j := 1; j <= len(r); j++ {
			best := max(worst[i-1][j-1], compareSigns(c[i-1], r[j-1]))
			if passable(c, i-1) {
				best = min(best, max(worst[i-1][j], Alternative))
			}
			worst[i][j] = best
		}
	}
	tier := worst[len(c)][len(r)]
	if tier == Different || len(c) == 0 {
		return Match{Tier: Different}
	}
	return Match{Tier: tier, Positions: differing(worst, c, r)}
}

func table(rows, columns int, t Tier) [][]Tier {
	out := make([][]Tier, rows)
	for i := range out {
		out[i] = make([]Tier, columns)
		for j := range out[i] {
			out[i][j] = t
		}
	}
	return out
}

func passable(c []sign, i int) bool { return i > 0 && c[i].flagged && c[i-1].flagged }

// differing walks the table back and collects the signs of c that are not exactly those of r, counted without spaces.
func differing(worst [][]Tier, c, r []sign) []int {
	var signs []int
	for i, j := len(c), len(r); i > 0; i-- {
		paired := j > 0 && max(worst[i-1][j-1], compareSigns(c[i-1], r[j-1])) == worst[i][j]
		if !paired || compareSigns(c[i-1], r[j-1]) != Exact {
			signs = append([]int{i - 1 - spacesBefore(c, i-1)}, signs...)
		}
		if paired {
			j--
		}
	}
	return signs
}

func spacesBefore(c []sign, i int) int {
	n := 0
	for _, s := range c[:i] {
		if s.text == space {
			n++
		}
	}
	return n
}

// compareSigns compares two characters; only a's flag counts.
func compareSigns(a, b sign) Tier {
	switch {
	case a.text == b.text:
		return Exact
	case a.text == space || b.text == space:
		return Different
	case base(a.text) == base(b.text):
		return SameBase
	case folded(a.text) == folded(b.text):
		return Variant
	case a.flagged:
		return Alternative
	}
	return Different
}

// base drops variation selectors.
func base(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, s)
}

// folded is the character in its standard form and width; the two kana and small kana stay apart, as they are different
// names.
func folded(s string) string {
	return strings.Map(jtext.FoldVariant, width.Fold.String(base(s)))
}
