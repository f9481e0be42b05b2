// Package person has the plain values by which Japan's offices know a person: name and reading, birth date, sex and
// address (基本4情報 and the reading), the domicile; the prefectures; the check digits of the individual number and of local
// governments; and the rules by which two spellings of a name are compared. It stores nothing and asks nobody.
package person

import (
	"strings"

	"akashi/internal/calendar"
)

// Name is a legal name, its characters exactly as received. Either Family and Given are set, or Whole where the name does
// not divide, or the division is not known.
type Name struct {
	Family string `json:"family,omitempty"`
	Given  string `json:"given,omitempty"`
	Whole  string `json:"whole,omitempty"`
}

// Full returns the name in one string, family and given name divided by a full-width space as in certificates of the
// national ID card.
func (n Name) Full() string {
	if n.Whole != "" {
		return n.Whole
	}
	return strings.Trim(n.Family+"\u3000"+n.Given, "\u3000")
}

// IsZero tells whether there is no name.
func (n Name) IsZero() bool { return n == Name{} }

// SplitName divides a full name at its only space of any width; a name with none or several is Whole.
func SplitName(full string) Name {
	parts := strings.Fields(full)
	if len(parts) == 2 {
		return Name{Family: parts[0], Given: parts[1]}
	}
	return Name{Whole: strings.TrimSpace(full)}
}

// Sex as certificates of the national ID card write it (japan.md 3.2).
type Sex string

// The values of Sex: 男, 女, 不明.
const (
	Male       Sex = "1"
	Female     Sex = "2"
	UnknownSex Sex = "3"
)

// Valid tells whether s is one of the values.
func (s Sex) Valid() bool { return s == Male || s == Female || s == UnknownSex }

// Japanese returns 男, 女 or 不明, "" for any other value.
func (s Sex) Japanese() string {
	switch s {
	case Male:
		return "男"
	case Female:
		return "女"
	case UnknownSex:
		return "不明"
	}
	return ""
}

// Particulars are the four basic facts (基本4情報: name, birth date, sex, address) and the reading of the name.
type Particulars struct {
	Name      Name          `json:"name"`
	NameKana  Name          `json:"name_kana"`
	BirthDate calendar.Date `json:"birth_date"` // zero when unknown
	Sex       Sex           `json:"sex"`
	Address   string        `json:"address"` // from the prefecture on, without postcode
}

// Domicile is what registers show of the family register (本籍地都道府県名, 国籍): its prefecture, or for a person without
// one the nationality.
type Domicile struct {
	Prefecture  string `json:"prefecture"`            // two digits of JIS X 0401, or Abroad
	Nationality string `json:"nationality,omitempty"` // with Abroad only, as received
}

// Abroad stands in Domicile.Prefecture for a person without a family register in Japan. It is ours, not of JIS X 0401.
const Abroad = "99"

// Valid tells whether the domicile is a prefecture, or a nationality outside Japan.
func (d Domicile) Valid() bool {
	if d.Prefecture == Abroad {
		return d.Nationality != ""
	}
	_, ok := PrefectureByCode(d.Prefecture)
	return ok && d.Nationality == ""
}

// Japanese returns what a register shows: "佐賀県", or the nationality.
func (d Domicile) Japanese() string {
	if d.Prefecture == Abroad {
		return d.Nationality
	}
	p, _ := PrefectureByCode(d.Prefecture)
	return p.JA
}
