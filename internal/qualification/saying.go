package qualification

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"akashi/internal/calendar"
	"akashi/internal/fault"
)

// Code names a sentence about a definition. It keeps its meaning, so that a program can tell one finding from another.
type Code string

// Saying is a sentence about a definition in three languages: its code, and what stands in the place of {0}, {1}, …. An
// argument is a string or a number as the file has it, a list of strings, a Text, a day, or another Saying.
type Saying struct {
	Code Code  `json:"code"`
	Args []any `json:"args,omitempty"`
}

// Say makes a sentence.
func Say(code Code, args ...any) Saying { return Saying{Code: code, Args: args} }

// String is the sentence in English.
func (s Saying) String() string { return s.In(EN) }

// In returns the sentence in a language, without readings.
func (s Saying) In(l Lang) string { return s.With(l, withoutReadings) }

// With returns the sentence in a language. words is done to each wording before anything is put into it: what a file holds
// is never taken for a reading.
func (s Saying) With(l Lang, words func(string) string) string {
	text, ok := wordingOf(s.Code)
	if !ok {
		return string(s.Code) // a mistake of ours that a test finds
	}
	var pairs []string
	for i, a := range s.Args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", argIn(a, l, words))
	}
	return strings.NewReplacer(pairs...).Replace(words(text.Marked(l)))
}

func wordingOf(code Code) (Text, bool) {
	for _, set := range []map[Code]Text{fileWords, findingWords, changeWords, authorWords, outlineWords} {
		if text, ok := set[code]; ok {
			return text, true
		}
	}
	return Text{}, false
}

// argIn writes one argument in a language.
func argIn(a any, l Lang, words func(string) string) string {
	switch a := a.(type) {
	case string:
		return printable(a)
	case []string:
		separator := "、"
		if l == EN {
			separator = ", "
		}
		return printable(strings.Join(a, separator))
	case Text:
		if own := a.Marked(l); own != "" {
			return words(printable(own))
		}
		return words(printable(a.JA))
	case Saying:
		return a.With(l, words)
	case calendar.Date:
		if l == EN {
			return a.String()
		}
		return a.In(string(l))
	}
	return fmt.Sprint(a)
}

// printable escapes line breaks and what a terminal would act on.
func printable(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if !unicode.IsControl(c) {
			b.WriteRune(c)
			continue
		}
		quoted := strconv.QuoteRune(c)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// mistake is what is wrong with a file, as an error.
type mistake struct {
	said Saying
	lang Lang // of the error's words
}

func (m mistake) Error() string { return m.said.In(m.lang) }

func wrong(code Code, args ...any) error { return mistake{Say(code, args...), EN} }

// ErrorIn is an error whose words are a sentence in a language; FindingOf has it in every language.
func ErrorIn(l Lang, s Saying) error { return mistake{s, l} }

// sayingOf is the sentence of an error. One that is no mistake of the file is quoted.
func sayingOf(err error) Saying {
	var m mistake
	if errors.As(err, &m) {
		return m.said
	}
	return Say("file-other", strings.TrimSuffix(err.Error(), " ("+string(fault.KindOf(err))+")"))
}
