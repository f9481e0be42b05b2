package person

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"akashi/internal/fault"
)

// IndividualNumberCheckDigit returns the twelfth digit of an individual number (個人番号) from its first eleven:
// 平成26年総務省令85号 5条. Errors are fault.Invalid and do not repeat the number, which is a secret (番号法 12条).
func IndividualNumberCheckDigit(first string) (int, error) {
	if len(first) != 11 || !areDigits(first) {
		return 0, fault.New(fault.Invalid, "", "reckoning the check digit of an individual number: not eleven digits")
	}
	sum := 0
	for n := 1; n <= 11; n++ { // P(n) is the n-th digit from the lowest
		weight := n + 1
		if n >= 7 {
			weight = n - 5
		}
		sum += int(first[11-n]-'0') * weight
	}
	if remainder := sum % 11; remainder > 1 {
		return 11 - remainder, nil
	}
	return 0, nil
}

// ValidIndividualNumber tells whether s is twelve ASCII digits, not all the same, with the right check digit. A valid
// number need not have been given to anybody.
func ValidIndividualNumber(s string) bool {
	if len(s) != 12 || !areDigits(s) || strings.Count(s, s[:1]) == 12 {
		return false
	}
	digit, err := IndividualNumberCheckDigit(s[:11])
	return err == nil && s[11] == byte('0'+digit)
}

// FindIndividualNumbers looks for individual numbers in free text, where they must not be written, and returns where they
// stand as byte offsets [from, to). It finds digits of any width, also in groups divided by one space or hyphen. One in eleven
// other twelve-digit numbers fits too, so warn and do not refuse.
func FindIndividualNumbers(text string) [][2]int {
	groups := digitGroups(text)
	var found [][2]int
	for i := 0; i < len(groups); i++ {
		if n := numberFrom(groups[i:]); n > 0 {
			found = append(found, [2]int{groups[i].from, groups[i+n-1].to})
			i += n - 1
		}
	}
	return found
}

// digitGroup is an unbroken row of digits in a text.
type digitGroup struct {
	digits   string // folded to ASCII
	from, to int    // bytes
	joined   bool   // one space or hyphen divides it from the group before
}

// numberFrom returns how many groups from the first one on form a valid individual number, 0 when none do.
func numberFrom(groups []digitGroup) int {
	digits := ""
	for i, g := range groups {
		if i > 0 && !g.joined {
			return 0
		}
		if digits += g.digits; len(digits) >= 12 {
			if ValidIndividualNumber(digits) {
				return i + 1
			}
			return 0
		}
	}
	return 0
}

func digitGroups(text string) []digitGroup {
	var groups []digitGroup
	dividers := 0 // runes since the last digit, or more than one when they do not join
	for i, r := range text {
		d := asciiDigit(r)
		switch {
		case d == 0 && isDivider(r):
			dividers++
		case d == 0:
			dividers = 2
		case dividers == 0 && len(groups) > 0:
			last := &groups[len(groups)-1]
			last.digits, last.to = last.digits+string(rune(d)), i+utf8.RuneLen(r)
		default:
			groups = append(groups, digitGroup{string(rune(d)), i, i + utf8.RuneLen(r), dividers == 1 && len(groups) > 0})
			dividers = 0
		}
	}
	return groups
}

func isDivider(r rune) bool {
	return r == ' ' || r == '\u3000' || r == '−' || r == 'ー' || unicode.Is(unicode.Pd, r)
}

// asciiDigit returns the digit that r is in any width, 0 when it is none.
func asciiDigit(r rune) byte {
	if n := width.LookupRune(r).Folded(); n != 0 {
		r = n
	}
	if r >= '0' && r <= '9' {
		return byte(r)
	}
	return 0
}

// LGCheckDigit returns the sixth digit of a 全国地方公共団体コード from its first five (the two digits of the prefecture and three of
// the municipality): 11 minus the remainder by 11 of the digits weighed 6 to 2, its last digit. Errors are fault.Invalid.
func LGCheckDigit(first string) (int, error) {
	if len(first) != 5 || !areDigits(first) {
		return 0, fault.New(fault.Invalid, "", fmt.Sprintf("reckoning the check digit of a local government: %q is not five digits", first))
	}
	sum := 0
	for i := range first {
		sum += int(first[i]-'0') * (6 - i)
	}
	return (11 - sum%11) % 10, nil
}

// ValidLGCode tells whether s is six digits with the right check digit.
func ValidLGCode(s string) bool {
	if len(s) != 6 || !areDigits(s) {
		return false
	}
	digit, err := LGCheckDigit(s[:5])
	return err == nil && s[5] == byte('0'+digit)
}

func areDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
