package office

import (
	"fmt"
	"strings"

	"akashi/internal/jtext"
)

// glyph is one character of a name, large enough to see a dot, with its code points.
type glyph struct {
	Char  string // as the reader perceives it: a kanji with its variation selector is one
	Code  string // "U+9AD9", "U+908A U+E0102"
	Other bool   // it has no counterpart in the other name
}

// glyphs puts two spellings of a name beside each other. Characters that both have in the same order are the same; the
// rest are marked. Spaces are left out, since they do not belong to a name.
func glyphs(a, b string) (left, right []glyph) {
	as, bs := characters(a), characters(b)
	same := common(as, bs)
	return marked(as, same[0]), marked(bs, same[1])
}

func characters(s string) []string {
	var out []string
	for _, c := range jtext.Characters(s) {
		if strings.TrimSpace(c) != "" {
			out = append(out, c)
		}
	}
	return out
}

func marked(chars []string, same map[int]bool) []glyph {
	out := make([]glyph, len(chars))
	for i, c := range chars {
		out[i] = glyph{Char: c, Code: codePoints(c), Other: !same[i]}
	}
	return out
}

// codePoints names the code points of a character.
func codePoints(s string) string {
	var out []string
	for _, r := range s {
		out = append(out, fmt.Sprintf("U+%04X", r))
	}
	return strings.Join(out, " ")
}

// common finds a longest common subsequence: the positions in each list that belong to it.
func common(a, b []string) (positions [2]map[int]bool) {
	positions = [2]map[int]bool{{}, {}}
	length := make([][]int, len(a)+1) // length[i][j]: of a[i:] and b[j:]
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			positions[0][i], positions[1][j] = true, true
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return positions
}
