// Package person has the plain values by which Japan's offices know a person: name and reading, birth date, sex and
// address (基本4情報 and the reading), the domicile, and the rules by which two spellings of a name are compared. It
// stores nothing and asks nobody.
package person

import "akashi/internal/calendar"

// Name is a legal name, its characters exactly as received.
type Name struct {
	Family string `json:"family,omitempty"`
	Given  string `json:"given,omitempty"`
	Whole  string `json:"whole,omitempty"` // the name where it does not divide into family and given name
}

// Sex as in certificates of the national ID card (japan.md 3.2).
type Sex string

// The values of Sex: 男, 女, 不明.
const (
	Male       Sex = "1"
	Female     Sex = "2"
	UnknownSex Sex = "3"
)

// Particulars are the four basic facts (基本4情報) and the reading of the name.
type Particulars struct {
	Name      Name          `json:"name"`
	NameKana  Name          `json:"name_kana"`
	BirthDate calendar.Date `json:"birth_date"`
	Sex       Sex           `json:"sex"`
	Address   string        `json:"address"`
}

// Domicile is where the family register is kept, as registers show it: a prefecture, or for others the nationality.
type Domicile struct {
	Prefecture  string `json:"prefecture"`            // two digits of JIS X 0401, or Abroad
	Nationality string `json:"nationality,omitempty"` // with Abroad
}

// Abroad stands in Domicile.Prefecture for a person without a family register in Japan.
const Abroad = "99"
