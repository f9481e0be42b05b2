package office

import (
	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/jtext"
	"akashi/internal/person"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// measureOf is a measure on an entry, with the holder's particulars as the register has them.
func measureOf(e *registry.Entry, kind, reason string) review.Measure {
	m := review.Measure{Register: e.RegisterID, EntryID: e.ID, Kind: kind, Reason: reason}
	if e.PersonRef != nil {
		m.Ref = *e.PersonRef
	} else {
		m.Ref = uuid.Nil
	}
	m.Who = person.Particulars{Name: person.SplitName(e.Facts["name"]), NameKana: person.SplitName(e.Facts["name_kana"]), Sex: person.Sex(e.Facts["sex"]), Address: e.Facts["address"]}
	if birth, err := calendar.ParseISO(e.Facts["birth_date"]); err == nil {
		m.Who.BirthDate = birth
	}
	return m
}

// sameNumber compares a typed registration number with an entry's, whatever stands around the digits.
func sameNumber(typed, number string) bool {
	a, err := jtext.RegistrationNumber(typed)
	if err != nil {
		return false
	}
	b, err := jtext.RegistrationNumber(number)
	return err == nil && a == b
}
