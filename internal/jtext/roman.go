package jtext

import (
	"strings"
	"unicode"
)

// Roman reads a name in Roman letters as passports write it: A to Z in upper case, words divided by one space, with
// apostrophes and hyphens. Errors: CodeEmpty, CodeNotRoman (also where an apostrophe or hyphen stands without a letter before it).
func Roman(s string) (string, error) {
	s = strings.Join(strings.Fields(narrow(s)), " ")
	if s == "" {
		return "", &Error{Code: CodeEmpty}
	}
	out := make([]rune, 0, len(s))
	for _, r := range s {
		c := romanRune(r)
		letter := c >= 'A' && c <= 'Z'
		if c == 0 || !letter && (len(out) == 0 || c != ' ' && !isLetter(out[len(out)-1])) {
			return "", &Error{Code: CodeNotRoman, Args: []any{string(r)}}
		}
		out = append(out, c)
	}
	return string(out), nil
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' }

// romanRune returns the passport's form of r, 0 when it has none.
func romanRune(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r >= 'A' && r <= 'Z' || r == ' ':
		return r
	case strings.ContainsRune("'’‘ʼ＇`´′", r):
		return '\''
	case isDash(r):
		return '-'
	}
	return 0
}

// Email reads a mail address and writes its domain in lower case. It is more liberal than RFC 5321 section 4.1.2 before
// the @, because Japanese carriers gave out addresses with ".." and a final "."; it accepts neither quoting nor a domain
// without a dot, and only ASCII. Lengths are those of RFC 5321 section 4.5.3.1. Errors: CodeEmpty, CodeNotEmail.
func Email(s string) (string, error) {
	s = narrow(s)
	if s == "" {
		return "", &Error{Code: CodeEmpty}
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 || strings.ContainsFunc(s[:at], notInLocalPart) || !isDomain(s[at+1:]) {
		return "", &Error{Code: CodeNotEmail}
	}
	return s[:at+1] + strings.ToLower(s[at+1:]), nil
}

func notInLocalPart(r rune) bool {
	return r <= ' ' || r > unicode.MaxASCII-1 || strings.ContainsRune("\"(),:;<>@[]\\", r)
}

// isDomain tells whether s is a host name of two labels or more (RFC 1123 section 2.1).
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.ContainsFunc(l, notInHostName) {
			return false
		}
	}
	return len(labels) >= 2
}

func notInHostName(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
