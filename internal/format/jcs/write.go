package jcs

import (
	"math"
	"strconv"
)

// appendString writes s with the escapes of RFC 8785 §3.2.2.2: two-character escapes where they exist, \u00xx in lower
// case for the other control characters, everything else as it is.
func appendString(out []byte, s string) []byte {
	const short = "\b\t\n\f\r\"\\"
	const letters = "btnfr\"\\"
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for i := range len(s) {
		c := s[i]
		at := -1
		for j := range len(short) {
			if short[j] == c {
				at = j
			}
		}
		switch {
		case at >= 0:
			out = append(out, '\\', letters[at])
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// appendNumber writes f as ECMAScript's Number::toString does (RFC 8785 §3.2.2.3): shortest digits that read back as f,
// plain from 1e-6 up to but not including 1e21, else with an exponent that has a sign and no leading zero.
func appendNumber(out []byte, f float64) []byte {
	if f == 0 {
		return append(out, '0') // -0 too
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(out, f, 'f', -1, 64)
	}
	out = strconv.AppendFloat(out, f, 'e', -1, 64)
	if n := len(out); out[n-2] == '0' && out[n-3] == '-' { // e-07 is written e-7
		out[n-2] = out[n-1]
		out = out[:n-1]
	}
	return out
}
