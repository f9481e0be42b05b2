package jpki

import (
	"slices"
	"unicode"
)

// SamePerson says whether the signer is the person whom another source states: the same birth date and sex, and the same
// name and address apart from characters that the certificate replaced. The refusal names no particulars.
func (s Signer) SamePerson(p Particulars) error {
	switch {
	case s.BirthDate == "" || s.BirthDate != p.BirthDate:
		return classified(refuse(DifferentPerson, "birth date"))
	case s.Sex != p.Sex:
		return classified(refuse(DifferentPerson, "sex"))
	case !SameText(s.Name, s.NameAlt, p.Name):
		return classified(refuse(DifferentPerson, "name"))
	case p.Address != "" && !SameText(s.Address, s.AddressAlt, p.Address):
		return classified(refuse(DifferentAddress, ""))
	}
	return nil
}

// SameText compares a text of a certificate with the same text from another source. Spaces and variation selectors do
// not count, and a run of n replaced characters (1 in alt) stands for one to n characters of the other source, because
// a character for which nothing similar exists is replaced by its reading in kana.
func SameText(certified, alt, other string) bool {
	text := significant(other)
	reached := []int{0} // how much of text the certified characters so far may stand for
	inRun := false
	flags := []rune(alt)
	for i, c := range []rune(certified) {
		if insignificant(c) {
			continue
		}
		replaced := i < len(flags) && flags[i] == '1'
		var next []int
		for _, at := range reached {
			if at < len(text) && (replaced || text[at] == c) {
				next = append(next, at+1)
			}
			if replaced && inRun {
				next = append(next, at)
			}
		}
		slices.Sort(next)
		reached, inRun = slices.Compact(next), replaced
	}
	return slices.Contains(reached, len(text))
}

// significant returns the characters of s that count in a comparison.
func significant(s string) []rune {
	return slices.DeleteFunc([]rune(s), insignificant)
}

func insignificant(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Variation_Selector, r)
}
