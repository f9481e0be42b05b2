package statuslist

import (
	"strings"

	"akashi/internal/format/jws"
)

// Subject reads for which address a signed list, as JWT or CWT, says that it speaks, so that it can be kept under it.
// Nothing is checked: the list is believed by ReadJWT or ReadCWT alone. It fails with fault.Invalid and Malformed, or with a
// reason of package jws.
func Subject(list []byte) (string, error) {
	subject, err := subjectOf(list)
	if err == nil && subject == "" {
		err = refuse(Malformed, "the list names no address")
	}
	return subject, err
}

func subjectOf(list []byte) (string, error) {
	if len(list) > MaxToken {
		return "", refuse(TooLong, "reading %d bytes, at most %d are allowed", len(list), MaxToken)
	}
	if IsJWT(list) {
		t, err := jws.Parse(string(list), jws.Profile{Type: typeJWT, Max: MaxToken})
		if err != nil {
			return "", err
		}
		return jws.Text(t.Claims, "sub")
	}
	s, err := openSign1(list)
	if err != nil {
		return "", err
	}
	var claims cborClaims
	err = decode(s.Payload, &claims)
	return claims.Subject, err
}

// IsJWT tells the two forms apart: a JWT begins with the base64url of a JSON object, which no CWT does.
func IsJWT(list []byte) bool { return strings.HasPrefix(string(list[:min(len(list), 3)]), "eyJ") }
