//go:build pkcs11

package token

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"akashi/internal/fault"
)

// pinName is the name of the credential that holds the PIN.
const pinName = "pkcs11-pin"

// maxPIN bounds a PIN in bytes.
const maxPIN = 255

// check completes the configuration.
func (c *Config) check() error {
	if c.Module == "" || c.Label == "" {
		return fault.New(fault.Invalid, "", "opening a token without the path of its module or its label")
	}
	if c.PINFile == "" {
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return fault.New(fault.Invalid, "", "opening a token without a file with its PIN")
		}
		c.PINFile = filepath.Join(dir, pinName)
	}
	return nil
}

// pin reads the PIN anew each time, since it may be changed while the program runs. Spaces and line ends around it are no part of
// it.
func (c Config) pin() (string, error) {
	info, err := os.Stat(c.PINFile)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "looking for the PIN of a token")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fault.New(fault.Invalid, "", fmt.Sprintf("reading the PIN of a token: %s is open to others (%04o)", c.PINFile, info.Mode().Perm()))
	}
	raw, err := os.ReadFile(c.PINFile)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "reading the PIN of a token")
	}
	pin := strings.TrimSpace(string(raw))
	if pin == "" || len(pin) > maxPIN {
		return "", fault.New(fault.Invalid, "", "reading the PIN of a token: "+c.PINFile+" has none")
	}
	return pin, nil
}
