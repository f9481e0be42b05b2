package ui

import (
	"context"
	"io"
	"regexp"
	"strings"

	"github.com/a-h/templ"
)

// A reading inside a string is held between the three interlinear annotation characters of Unicode (The Unicode
// Standard, section 23.8), which no name, address or law text contains: anchor, base, separator, reading, terminator.
const (
	rubyStart = "\uFFF9"
	rubyMid   = "\uFFFA"
	rubyEnd   = "\uFFFB"
)

// inBraces matches the way authors write a reading: {漢字|かんじ}.
var inBraces = regexp.MustCompile(`\{([^{}|]+)\|([^{}|]+)\}`)

// annotate turns the author's {漢字|かんじ} into the internal form.
func annotate(s string) string {
	if !strings.Contains(s, "|") {
		return s
	}
	return inBraces.ReplaceAllString(s, rubyStart+"$1"+rubyMid+"$2"+rubyEnd)
}

// valid puts the replacement character for bytes that are no UTF-8. Two such pieces on both sides of a dropped annotation
// character would else join to a new one.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Plain drops the readings of s and keeps the kanji: for attributes, titles and mail.
func Plain(s string) string {
	s = valid(s)
	if !strings.Contains(s, rubyStart) {
		return s
	}
	var b strings.Builder
	for _, part := range splitRuby(s) {
		b.WriteString(part.base)
	}
	return b.String()
}

type rubyPart struct{ base, reading string }

// splitRuby cuts s into parts; a part without a reading is ordinary text. Stray annotation characters are dropped.
func splitRuby(s string) []rubyPart {
	var parts []rubyPart
	for s != "" {
		before, rest, found := strings.Cut(s, rubyStart)
		if before != "" {
			parts = append(parts, rubyPart{base: dropAnnotation(before)})
		}
		if !found {
			break
		}
		inner, after, _ := strings.Cut(rest, rubyEnd)
		base, reading, _ := strings.Cut(inner, rubyMid)
		parts = append(parts, rubyPart{base: dropAnnotation(base), reading: dropAnnotation(reading)})
		s = after
	}
	return parts
}

// annotationBytes begin each of the three characters.
const annotationBytes = "\xef\xbf"

func dropAnnotation(s string) string {
	if !strings.Contains(s, annotationBytes) {
		return s
	}
	return strings.NewReplacer(rubyStart, "", rubyMid, "", rubyEnd, "").Replace(s)
}

// Words writes s into a template: text escaped, readings as <ruby>, line breaks as <br>. More than plain text is held
// together by a span, so that a flex container does not set its pieces apart.
func Words(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, wordsHTML(s))
		return err
	})
}

func wordsHTML(s string) string {
	s = valid(s)
	if !strings.Contains(s, rubyStart) && !strings.Contains(s, "\n") {
		return templ.EscapeString(dropAnnotation(s))
	}
	var b strings.Builder
	b.WriteString("<span>")
	for _, p := range splitRuby(s) {
		base := strings.ReplaceAll(templ.EscapeString(p.base), "\n", "<br>")
		if p.reading == "" {
			b.WriteString(base)
			continue
		}
		b.WriteString("<ruby>" + base + "<rp>（</rp><rt>" + templ.EscapeString(p.reading) + "</rt><rp>）</rp></ruby>")
	}
	b.WriteString("</span>")
	return b.String()
}
