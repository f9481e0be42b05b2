package jws

import (
	"encoding/json"
	"time"
)

// maxSeconds is the last second of the year 9999; a NumericDate beyond it is a mistake.
const maxSeconds = 253402300799

// Seconds reads a NumericDate (RFC 7519 §2) among claims: whole seconds since 1970. ok is false when the claim is absent;
// a claim that is there and is no such number is Malformed.
func Seconds(claims map[string]any, name string) (at time.Time, ok bool, err error) {
	v, ok := claims[name]
	if !ok {
		return time.Time{}, false, nil
	}
	n, err := Integer(v)
	if err != nil || n < 0 || n > maxSeconds {
		return time.Time{}, false, refuse(Malformed, "the claim %s is no time in whole seconds", name)
	}
	return time.Unix(n, 0).UTC(), true, nil
}

// Integer reads a JSON number that is written as an integer. It fails with Malformed.
func Integer(v any) (int64, error) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, refuse(Malformed, "not a number")
	}
	n, err := number.Int64()
	if err != nil {
		return 0, refuse(Malformed, "not an integer")
	}
	return n, nil
}

// Text reads a claim that must be text, if it is there. A claim of another kind is Malformed.
func Text(claims map[string]any, name string) (string, error) {
	v, ok := claims[name]
	if !ok {
		return "", nil
	}
	text, ok := v.(string)
	if !ok {
		return "", refuse(Malformed, "the claim %s is no text", name)
	}
	return text, nil
}
