package jpki

import (
	"encoding/asn1"
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of the profile.
const (
	// PolicySigning marks a signing certificate (署名用電子証明書) in its certificate policies.
	PolicySigning = "1.2.392.200149.8.5.1.1.20"
	// PolicyAuthentication marks a user authentication certificate (利用者証明用電子証明書).
	PolicyAuthentication = "1.2.392.200149.8.5.1.3.30"
	// arcParticulars is followed by 1 (name) to 6 (flags of the address) in an otherName of a signing certificate.
	arcParticulars = "1.2.392.200149.8.5.5."
)

// Numbers of the particulars below arcParticulars.
const (
	numName = iota + 1
	numNameAlt
	numSex
	numBirth
	numAddress
	numAddressAlt
	numLast = numAddressAlt
)

// maxAddress is the longest address of the profile, in characters. Names share the limit: the profile sets none.
const maxAddress = 200

// OIDParticular returns the object identifier of the n-th particular, 1 (name) to 6 (flags of the address).
func OIDParticular(n int) string { return arcParticulars + strconv.Itoa(n) }

// readParticulars reads the value of a subjectAltName: SEQUENCE OF [0] { OID, [0] { UTF8String } } (RFC 5280 §4.2.1.6).
// Names of other kinds and otherNames outside the six are let be: later certificates carry more of them.
func readParticulars(san []byte) (map[int]string, error) {
	input := cryptobyte.String(san)
	var names cryptobyte.String
	if !input.ReadASN1(&names, cbasn1.SEQUENCE) || !input.Empty() || names.Empty() {
		return nil, refuse(MalformedSAN, "not a sequence of names")
	}
	found := map[int]string{}
	for !names.Empty() {
		var name cryptobyte.String
		var tag cbasn1.Tag
		if !names.ReadAnyASN1(&name, &tag) {
			return nil, refuse(MalformedSAN, "a name without end")
		}
		if tag != cbasn1.Tag(0).ContextSpecific().Constructed() {
			continue
		}
		number, text, err := readOtherName(name)
		if err != nil {
			return nil, err
		}
		if number == 0 {
			continue
		}
		if _, twice := found[number]; twice {
			return nil, refuse(MalformedSAN, "particular "+strconv.Itoa(number)+" stands twice")
		}
		found[number] = text
	}
	return found, nil
}

// readOtherName reads the inside of one otherName. The number is 0 for an otherName that is none of the six.
func readOtherName(name cryptobyte.String) (number int, text string, err error) {
	var id asn1.ObjectIdentifier
	if !name.ReadASN1ObjectIdentifier(&id) {
		return 0, "", refuse(MalformedSAN, "an otherName without type")
	}
	for n := 1; n <= numLast; n++ {
		if id.String() == OIDParticular(n) {
			number = n
		}
	}
	if number == 0 {
		return 0, "", nil
	}
	var value, utf cryptobyte.String
	if !name.ReadASN1(&value, cbasn1.Tag(0).ContextSpecific().Constructed()) || !name.Empty() ||
		!value.ReadASN1(&utf, cbasn1.UTF8String) || !value.Empty() {
		return 0, "", refuse(MalformedSAN, "particular "+strconv.Itoa(number)+" is no UTF8String")
	}
	if err := plainText(utf); err != nil {
		return 0, "", refuseFor(MalformedSAN, "particular "+strconv.Itoa(number), err)
	}
	return number, string(utf), nil
}

// plainText says what is wrong with the characters of a particular.
func plainText(b []byte) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("not UTF-8")
	}
	if n := utf8.RuneCount(b); n > maxAddress {
		return fmt.Errorf("%d characters, %d allowed", n, maxAddress)
	}
	for _, r := range string(b) {
		if unicode.Is(unicode.C, r) || r == unicode.ReplacementChar {
			return fmt.Errorf("character U+%04X", r)
		}
	}
	return nil
}

// fillParticulars checks the six against each other and puts them into s.
func fillParticulars(s *Signer, found map[int]string) error {
	for n := 1; n <= numLast; n++ {
		if found[n] == "" {
			return refuse(NoParticulars, "particular "+strconv.Itoa(n)+" is missing")
		}
	}
	s.Name, s.NameAlt = found[numName], found[numNameAlt]
	s.Address, s.AddressAlt = found[numAddress], found[numAddressAlt]
	s.Sex, s.BirthRaw = Sex(found[numSex]), found[numBirth]
	if s.Sex != Male && s.Sex != Female && s.Sex != SexUnknown {
		return refuse(BadSex, "")
	}
	if err := checkAlt(s.Name, s.NameAlt); err != nil {
		return err
	}
	if err := checkAlt(s.Address, s.AddressAlt); err != nil {
		return err
	}
	var err error
	s.BirthDate, err = birthDate(s.BirthRaw)
	return err
}

// checkAlt sees that alt has one 0 or 1 for each character of text.
func checkAlt(text, alt string) error {
	for i := range len(alt) {
		if alt[i] != '0' && alt[i] != '1' {
			return refuse(MalformedAlt, "")
		}
	}
	if have, want := len(alt), utf8.RuneCountInString(text); have != want {
		return refuse(AltLength, fmt.Sprintf("%d flags for %d characters", have, want))
	}
	return nil
}

// era is a period of Japanese years.
type era struct {
	first, last string // YYYY-MM-DD; last is empty for the present era
}

// eraOf returns the period of the code E: 1 Meiji to 5 Reiwa. The last day of an era is the day before the next began
// (1912-07-30, 1926-12-25, 1989-01-08, 2019-05-01; certificates give the day of a change to the new era). Meiji counts
// from the Gregorian calendar's introduction (明治5年太政官布告第337号, 1873-01-01); nobody living was born before.
func eraOf(code byte) (era, bool) {
	switch code {
	case '1':
		return era{"1873-01-01", "1912-07-29"}, true
	case '2':
		return era{"1912-07-30", "1926-12-24"}, true
	case '3':
		return era{"1926-12-25", "1989-01-07"}, true
	case '4':
		return era{"1989-01-08", "2019-04-30"}, true
	case '5':
		return era{"2019-05-01", ""}, true
	}
	return era{}, false
}

// birthDate reads EYYYYMMDD, where YYYY is the Gregorian year and E its era (the profile itself was not read; several
// independent readers of real cards agree). It returns YYYY-MM-DD, or nothing when the era is 0, unknown.
func birthDate(raw string) (string, error) {
	if len(raw) != 9 {
		return "", refuse(BadBirthDate, "not nine digits")
	}
	for i := range len(raw) {
		if raw[i] < '0' || raw[i] > '9' {
			return "", refuse(BadBirthDate, "not nine digits")
		}
	}
	if raw[0] == '0' {
		return "", nil
	}
	e, known := eraOf(raw[0])
	if !known {
		return "", refuse(BadBirthDate, "no such era")
	}
	day := raw[1:5] + "-" + raw[5:7] + "-" + raw[7:]
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return "", refuse(BadBirthDate, "no such day")
	}
	if day < e.first || e.last != "" && day > e.last {
		return "", refuse(BadBirthDate, "day outside its era")
	}
	return day, nil
}

// BirthRaw writes a day (YYYY-MM-DD) in the form of the certificate, EYYYYMMDD.
func BirthRaw(day string) (string, error) {
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return "", fmt.Errorf("birth date for a certificate: %w", err)
	}
	for code := byte('5'); code >= '1'; code-- {
		if e, _ := eraOf(code); day >= e.first {
			return string(code) + day[:4] + day[5:7] + day[8:], nil
		}
	}
	return "", fmt.Errorf("birth date for a certificate: %s is before the Gregorian calendar of Meiji", day)
}
