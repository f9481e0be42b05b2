// Package token keeps signing keys on a token that speaks PKCS #11 (OASIS PKCS #11 v2.40): a hardware security module, or SoftHSM.
// Keys are made there, on P-256, sensitive and not extractable, and never leave it.
//
// The module is a shared library, so that the program needs cgo for it: a program built without the tag pkcs11 has none, and Open
// says how to build one that has. The PIN comes from a file that only its owner can read, e.g. a credential of systemd
// (LoadCredential=), and is in no flag, no log and no error.
package token

// Config says which token, and how to log in.
type Config struct {
	Module  string // shared library of the token's maker
	Label   string // of the token
	PINFile string // "": the file pkcs11-pin in the directory that CREDENTIALS_DIRECTORY names
}
