package pdf

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lines breaks a text into lines no wider than a width, where Japanese and English permit it: between any two kanji or
// kana, but not before what closes or after what opens (JIS X 4051 §5.1, in part); elsewhere at spaces. What permits no
// break is broken where the line ends.
func (f Family) Lines(text string, size, width float64) ([]string, error) {
	var lines []string
	line, wide := "", 0.0
	for _, unit := range units(text) {
		w, err := f.Width(strings.TrimRight(unit, " "), size)
		if err != nil {
			return nil, err
		}
		if line != "" && wide+w > width {
			lines, line, wide = append(lines, strings.TrimRight(line, " ")), "", 0
		}
		for w > width && utf8.RuneCountInString(unit) > 1 {
			var head string
			if head, unit, err = f.split(unit, size, width); err != nil {
				return nil, err
			}
			lines = append(lines, head)
			if w, err = f.Width(unit, size); err != nil {
				return nil, err
			}
		}
		full, err := f.Width(unit, size)
		if err != nil {
			return nil, err
		}
		line, wide = line+unit, wide+full
	}
	if line = strings.TrimRight(line, " "); line != "" {
		lines = append(lines, line)
	}
	return lines, nil
}

// split cuts the longest beginning that fits off an unbreakable unit, at least one piece.
func (f Family) split(unit string, size, width float64) (head, rest string, err error) {
	pieces, err := f.pieces(unit)
	if err != nil {
		return "", "", err
	}
	sum, n := 0.0, 0
	for i, p := range pieces {
		if sum += p.width(size); sum > width && i > 0 {
			break
		}
		n += len(p.text)
	}
	return unit[:n], unit[n:], nil
}

const (
	closing = "、。，．・：；？！）］｝〉》」』】〕”’ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ％,.:;?!)]}%"
	opening = "（［｛〈《「『【〔“‘([{"
)

// units cuts a text into what stays together on a line.
func units(text string) (out []string) {
	start := 0
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		at += size
		at += attached(text[at:])
		next, _ := utf8.DecodeRuneInString(text[at:])
		if at < len(text) && mayBreak(r, next) {
			out, start = append(out, text[start:at]), at
		}
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

func mayBreak(before, after rune) bool {
	switch {
	case after == ' ', strings.ContainsRune(closing, after), strings.ContainsRune(opening, before):
		return false
	case before == ' ':
		return true
	}
	return ideographic(before) || ideographic(after)
}

// ideographic tells characters beside which a line may break.
func ideographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x30ff || r >= 0xff00 && r <= 0xffef
}
