// Package publicid makes the ids that people read aloud, type and print: receipt numbers and credential numbers. Each
// begins with the code of its register, so that whoever receives one knows where to look, and ends with a check
// character, so that a slip of the pen never leads to somebody else's case.
//
// An id is written "KGMH-7F3K9-2QX8T-C": the code, ten random characters (50 bits), the check character of ISO/IEC 7064
// MOD 37,36 over the fourteen before it. The random and check characters are digits and letters without I, L, O and U, which
// are mistaken for others.
package publicid

import (
	"crypto/rand"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"akashi/internal/fault"
)

const (
	codeLength   = 4
	randomLength = 10
	length       = codeLength + randomLength + 1

	values       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" // ISO/IEC 7064 clause 10: the value of a character is its place
	plainLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"     // the 32 that are not mistaken for others
)

// New returns a new id of the register with the code, which must satisfy ValidCode: definitions are checked for that when
// they are loaded, and New panics on any other.
//
// MOD 37,36 finds every single wrong character, and every exchange of two neighbours but 36 pairs, each in one state of
// the sum. New draws again when an id would hold one of those, so that every such exchange is found in ids made here.
func New(registerCode string) string {
	if !ValidCode(registerCode) {
		panic(fmt.Sprintf("publicid: %q cannot be a register's code", registerCode))
	}
	for {
		body := registerCode + randomPart()
		id := body + string(checkCharacter(body))
		if strings.IndexByte(plainLetters, id[length-1]) >= 0 && exchangesFound(id) {
			return format(id)
		}
	}
}

// ValidCode tells whether s can be a register's code: four of A–Z and 0–9, with any exchange of two neighbours found by
// the check character. Avoid I, L, O and U in new codes: Parse takes a code as it is typed.
func ValidCode(s string) bool {
	if len(s) != codeLength || strings.Trim(s, values) != "" {
		return false
	}
	for i := range codeLength - 1 {
		if other := exchange(s, i); other != s && state(other) == state(s) {
			return false
		}
	}
	return true
}

// Parse reads an id as people type it, in any case and width, with or without spaces and hyphens, and with O for 0 and I or L
// for 1 after the code. It returns the canonical form and the register's code. An id whose check character does not
// fit is a fault.Invalid error.
func Parse(s string) (id string, code string, err error) {
	plain := fold(s)
	if len(plain) != length || strings.Trim(plain, values) != "" {
		return "", "", fault.New(fault.Invalid, "publicid.form", "reading a public id: not four, ten and one characters")
	}
	plain = meant(plain)
	if strings.Trim(plain[codeLength:], plainLetters) != "" || checkCharacter(plain[:length-1]) != plain[length-1] {
		return "", "", fault.New(fault.Invalid, "publicid.check", "reading a public id: the check character does not fit")
	}
	return format(plain), plain[:codeLength], nil
}

// fold drops width, case, spaces, dashes and what cannot be seen.
func fold(s string) string {
	if len(s) > 200 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Z, unicode.Pd, unicode.Cc, unicode.Cf) || r == '−' || r == 'ー' || r == '─' {
			return -1
		}
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, width.Fold.String(s))
}

func format(plain string) string {
	half := codeLength + randomLength/2
	return plain[:codeLength] + "-" + plain[codeLength:half] + "-" + plain[half:length-1] + "-" + plain[length-1:]
}

// randomPart draws ten characters; 256 is a multiple of 32, so that each is equally likely.
func randomPart() string {
	b := make([]byte, randomLength)
	rand.Read(b) // never fails (crypto/rand since Go 1.24)
	for i := range b {
		b[i] = plainLetters[b[i]%32]
	}
	return string(b)
}

// state runs the hybrid system of ISO/IEC 7064 clause 9 over s and returns the value carried to the next character, 1 to 36.
func state(s string) int {
	p := 36
	for i := range len(s) {
		p = step(p, s[i])
	}
	return p
}

func step(p int, c byte) int { return reduced(p+strings.IndexByte(values, c)) * 2 % 37 }

// reduced is the remainder by 36, with 36 in place of 0.
func reduced(n int) int {
	if n %= 36; n == 0 {
		return 36
	}
	return n
}

// checkCharacter returns the character that brings the sum after body to 1 modulo 36.
func checkCharacter(body string) byte { return values[(37-state(body))%36] }

func valid(plain string) bool {
	last := len(plain) - 1
	return checkCharacter(plain[:last]) == plain[last]
}

func exchange(s string, i int) string { return s[:i] + s[i+1:i+2] + s[i:i+1] + s[i+2:] }

var mistaken = strings.NewReplacer("O", "0", "I", "1", "L", "1")

// meant reads letters that are mistaken for digits as those, after the code, which may hold them.
func meant(plain string) string { return plain[:codeLength] + mistaken.Replace(plain[codeLength:]) }

// exchangesFound tells whether every exchange of two different neighbours makes the id invalid, as Parse reads it: a
// letter of the code may come to where it stands for a digit.
func exchangesFound(id string) bool {
	for i := range length - 1 {
		if other := meant(exchange(id, i)); other != id && valid(other) {
			return false
		}
	}
	return true
}
