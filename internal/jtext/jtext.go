// Package jtext reads what people in Japan type into forms: any width, either kana, any dash. It never shows a width
// error: it accepts, converts, and lets the page show the result. A kanji is never changed in a value, because the
// character is part of a person's legal name; folding of variants happens in search keys only.
package jtext

import "fmt"

// Codes of Error. After each the meaning of Args.
const (
	CodeEmpty       = "empty"        // nothing was typed
	CodeNotKana     = "not_kana"     // something else than hiragana or katakana; [0] the first such character
	CodeNotDigits   = "not_digits"   // something else than digits; [0] the first such character
	CodeNotRoman    = "not_roman"    // something else than A–Z, space, ' and -; [0] the first such character
	CodeNotEmail    = "not_email"    // not an e-mail address
	CodeNotTel      = "not_tel"      // not as many digits as a telephone number has
	CodeNotPostcode = "not_postcode" // not seven digits
	CodeNoNumber    = "no_number"    // a registration number without any digit
	CodeTooLong     = "too_long"     // [0] the limit in characters, [1] the length
	CodeUnknownEra  = "unknown_era"  // [0] what was typed
	CodeEraConflict = "era_conflict" // the chosen era and the one typed with the year differ; [0], [1] their names
	CodeYearRange   = "year_range"   // [0] first and [1] last year that is accepted
	CodeNoSuchMonth = "no_such_month"
	CodeNoSuchDay   = "no_such_day"  // [0] year, [1] month, [2] last day of that month
	CodeEraBoundary = "era_boundary" // the era had ended; [0] its name, [1] its last day "64年1月7日", [2] the day in the right era "平成元年1月8日"
	CodeEraStart    = "era_start"    // the era had not begun; [0] its name, [1] its first day "元年1月8日", [2] the day in the right era
)

// Error says what is wrong with an input, by a code that the caller words for the visitor.
type Error struct {
	Code string
	Args []any
	Part string // which input of a compound: "era", "year", "month", "day"; "" for a single input
}

func (e *Error) Error() string {
	return fmt.Sprintf("reading input: %s %s %v", e.Code, e.Part, e.Args)
}
