package jtext

import (
	"strings"
	"unicode"
)

// Digits reads a number typed in any width, and drops what people put between digits: spaces, hyphens of every kind, 〒 and
// brackets. Leading zeros stay. Errors: CodeEmpty, CodeNotDigits.
func Digits(s string) (string, error) {
	var b strings.Builder
	for _, r := range narrow(s) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case !betweenDigits(r):
			return "", &Error{Code: CodeNotDigits, Args: []any{string(r)}}
		}
	}
	if b.Len() == 0 {
		return "", &Error{Code: CodeEmpty}
	}
	return b.String(), nil
}

func betweenDigits(r rune) bool {
	return r == ' ' || r == '〒' || r == '〶' || isDash(r) || unicode.Is(unicode.Ps, r) || unicode.Is(unicode.Pe, r)
}

// Postcode reads seven digits (郵便番号). Errors: CodeEmpty, CodeNotDigits, CodeNotPostcode.
func Postcode(s string) (string, error) {
	d, err := Digits(s)
	if err == nil && len(d) != 7 {
		return "", &Error{Code: CodeNotPostcode}
	}
	return d, err
}

// Tel reads a telephone number. A Japanese one becomes its 10 or 11 digits from the 0 on, also when it was typed with +81;
// a foreign one "+" and 7 to 15 digits (ITU-T E.164 section 6). Errors: CodeEmpty, CodeNotDigits, CodeNotTel.
func Tel(s string) (string, error) {
	s = narrow(s)
	rest, foreign := strings.CutPrefix(s, "+")
	if foreign {
		rest = strings.Replace(rest, "(0)", "", 1)
	}
	d, err := Digits(rest)
	if err != nil {
		return "", err
	}
	if home, ok := strings.CutPrefix(d, "81"); foreign && ok {
		d, foreign = "0"+strings.TrimPrefix(home, "0"), false
	}
	switch {
	case foreign && d[0] != '0' && len(d) >= 7 && len(d) <= 15:
		return "+" + d, nil
	case !foreign && d[0] == '0' && (len(d) == 10 || len(d) == 11):
		return d, nil
	}
	return "", &Error{Code: CodeNotTel}
}

// RegistrationNumber reads the number of a register entry as it stands on a licence, "第　１２３４５号", and drops 第, 号 and spaces.
// Letters become upper case, dashes "-"; leading zeros stay, as they may be part of the number. Errors: CodeEmpty,
// CodeNoNumber when no digit is left.
func RegistrationNumber(s string) (string, error) {
	s = Clean(s)
	if s == "" {
		return "", &Error{Code: CodeEmpty}
	}
	n := strings.Map(func(r rune) rune {
		switch {
		case r == '第' || r == '号' || r == '號' || r == ' ':
			return -1
		case isDash(r):
			return '-'
		}
		return unicode.ToUpper(r)
	}, narrow(s))
	if !strings.ContainsAny(n, "0123456789") {
		return "", &Error{Code: CodeNoNumber}
	}
	return n, nil
}
