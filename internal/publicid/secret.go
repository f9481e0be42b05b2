package publicid

import (
	"crypto/rand"
	"strings"

	"akashi/internal/fault"
)

// secretLength is nineteen random characters (95 bits) and the check character over them.
const secretLength = 20

// NewSecret returns a code that people keep on paper and type in an emergency, written "7F3K9-2QX8T-4MN0P-C6RVW": nobody can guess
// it, and it says of whom it is to nobody.
func NewSecret() string {
	for {
		b := make([]byte, secretLength-1)
		rand.Read(b) // never fails (crypto/rand since Go 1.24)
		for i := range b {
			b[i] = plainLetters[b[i]%32]
		}
		if c := checkCharacter(string(b)); strings.IndexByte(plainLetters, c) >= 0 {
			return formatSecret(string(b) + string(c))
		}
	}
}

// ParseSecret reads a code as people type it, as Parse reads an id, and returns its canonical form. One whose check character does
// not fit is a fault.Invalid error, which holds nothing of it.
func ParseSecret(s string) (string, error) {
	plain := mistaken.Replace(fold(s))
	if len(plain) != secretLength || strings.Trim(plain, plainLetters) != "" {
		return "", fault.New(fault.Invalid, "publicid.form", "reading a secret code: not twenty characters")
	}
	if !valid(plain) {
		return "", fault.New(fault.Invalid, "publicid.check", "reading a secret code: the check character does not fit")
	}
	return formatSecret(plain), nil
}

func formatSecret(plain string) string {
	return plain[:5] + "-" + plain[5:10] + "-" + plain[10:15] + "-" + plain[15:]
}
