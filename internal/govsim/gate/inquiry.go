package gate

import (
	"fmt"
	"strings"

	"akashi/internal/calendar"
	"akashi/internal/fault"
)

// Inquiry is the question that the resident registry and the family register are asked alike.
type Inquiry struct {
	RequestID   string      `json:"request_id"`  // the asking body's own; the same one gives the same answer
	BusinessID  string      `json:"business_id"` // the statutory task (事務ID) for which is asked
	Purpose     string      `json:"purpose"`
	Particulars Particulars `json:"particulars"`
}

// Particulars are the four facts by which a person is looked for. Sex and address may be empty.
type Particulars struct {
	Name      string `json:"name"`
	BirthDate string `json:"birth_date"` // 2026-12-01
	Sex       string `json:"sex,omitempty"`
	Address   string `json:"address,omitempty"`
}

// DecodeInquiry reads and checks the question in a call. It fails with fault.Invalid.
func DecodeInquiry(c Call) (Inquiry, error) {
	var q Inquiry
	if err := c.Decode(&q); err != nil {
		return q, err
	}
	return q, q.check()
}

func (q Inquiry) check() error {
	for name, value := range map[string]string{
		"request_id": q.RequestID, "business_id": q.BusinessID, "purpose": q.Purpose, "particulars.name": q.Particulars.Name,
	} {
		if value == "" || len(value) > 300 {
			return fault.New(fault.Invalid, "", fmt.Sprintf("checking an inquiry: %s has %d bytes", name, len(value)))
		}
	}
	if _, err := calendar.ParseISO(q.Particulars.BirthDate); err != nil {
		return fmt.Errorf("checking an inquiry: %w", err)
	}
	switch q.Particulars.Sex {
	case "", "1", "2", "3":
		return nil
	}
	return fault.New(fault.Invalid, "", fmt.Sprintf("checking an inquiry: sex is %q", q.Particulars.Sex))
}

// SameText compares two spellings without regard to spaces and variation selectors (U+FE00 to U+FE0F, U+E0100 to
// U+E01EF), which a register and a card need not share.
func SameText(a, b string) bool { return fold(a) == fold(b) }

func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u3000' || r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF {
			return -1
		}
		return r
	}, s)
}

// Matches reports whether a person with one of the names and the other facts is meant. Sex 3 (unknown) and an empty sex or
// address on the asking side match everything.
func (p Particulars) Matches(names []string, birthDate, sex, address string) bool {
	named := false
	for _, name := range names {
		named = named || name != "" && SameText(name, p.Name)
	}
	return named && p.BirthDate == birthDate &&
		(p.Sex == "" || p.Sex == "3" || p.Sex == sex) &&
		(p.Address == "" || SameText(p.Address, address))
}
