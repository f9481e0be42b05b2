package qualification

import "akashi/internal/calendar"

// RenewalWindow returns the first and the last day on which a renewal of an entry is taken, given the last day of its
// term. The first is zero when the definition names none.
func (d *Definition) RenewalWindow(validUntil calendar.Date) (from, until calendar.Date) {
	if d.Validity == nil {
		return calendar.Date{}, validUntil
	}
	if d.Validity.OpensBefore > 0 {
		from = validUntil.AddDays(-d.Validity.OpensBefore)
	}
	return from, validUntil.AddDays(-d.Validity.ClosesBefore)
}
