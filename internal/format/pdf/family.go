package pdf

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"akashi/internal/fault"
)

// Family is fonts in the order in which they are asked for a character.
type Family []*Font

// piece is what is drawn with one glyph: a character, with its variation selector or combining marks if it has any.
type piece struct {
	font  *Font
	glyph int
	text  string
}

// pieces finds a glyph for everything in a text, from one font if one has all of it. A character, or a character with a
// selector, that no font has is a fault.Invalid (key "pdf.no_glyph", argument the position counted in characters from 1): a
// blank or a similar shape would be another name. The text itself stays out of the error.
func (f Family) pieces(text string) ([]piece, error) {
	for i := range f {
		if out, err := f[i : i+1].each(text); err == nil {
			return out, nil
		}
	}
	return f.each(text)
}

// each takes for every character the first font that has it.
func (f Family) each(text string) ([]piece, error) {
	out := make([]piece, 0, len(text)/2+1)
	position := 0
	for at := 0; at < len(text); {
		position++
		first, size := utf8.DecodeRuneInString(text[at:])
		if first == utf8.RuneError && size <= 1 {
			return nil, noGlyph(position)
		}
		cluster := text[at : at+size+attached(text[at+size:])]
		p, ok := f.piece(first, cluster, cluster[size:])
		if !ok {
			return nil, noGlyph(position)
		}
		out = append(out, p)
		at += len(cluster)
	}
	return out, nil
}

func noGlyph(position int) error {
	return fault.New(fault.Invalid, "pdf.no_glyph", fmt.Sprintf("choosing a font: no font has character %d of a text", position), position)
}

// attached returns how many bytes at the beginning of a text belong to the character before it.
func attached(text string) int {
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if !isSelector(r) && !unicode.In(r, unicode.Mn, unicode.Me) {
			break
		}
		n += size
	}
	return n
}

// isSelector tells the variation selectors (Unicode Standard §23.4), standardised and ideographic.
func isSelector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef
}

func (f Family) piece(first rune, cluster, rest string) (piece, bool) {
	glyph := func(font *Font) int { return font.characters.glyph(first) }
	if rest != "" {
		mark, size := utf8.DecodeRuneInString(rest)
		composed := []rune(norm.NFC.String(cluster)) // to choose the glyph only; the text stays as it is registered
		switch {
		case isSelector(mark) && size == len(rest):
			glyph = func(font *Font) int { return font.characters.variation(first, mark) }
		case !isSelector(mark) && len(composed) == 1:
			glyph = func(font *Font) int { return font.characters.glyph(composed[0]) }
		default:
			return piece{}, false
		}
	}
	for _, font := range f {
		if g := glyph(font); g != 0 {
			return piece{font, g, cluster}, true
		}
	}
	return piece{}, false
}

// Covers fails as drawing would when there is no glyph for some part of the text.
func (f Family) Covers(text string) error {
	_, err := f.pieces(text)
	return err
}

// Width returns how wide a text is at a size, in the size's unit.
func (f Family) Width(text string, size float64) (float64, error) {
	pieces, err := f.pieces(text)
	if err != nil {
		return 0, err
	}
	return widthOf(pieces, size), nil
}

func widthOf(pieces []piece, size float64) float64 {
	sum := 0.0
	for _, p := range pieces {
		sum += p.width(size)
	}
	return sum
}

// width is what the PDF's own list of widths says, so that what is measured is what is drawn.
func (p piece) width(size float64) float64 {
	return float64(p.font.thousandths(p.font.advance(p.glyph))) * size / 1000
}
