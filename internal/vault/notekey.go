package vault

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// algEd25519 is the algorithm byte before the key in the encoded form of a note key (C2SP signed-note).
const algEd25519 = 1

// publicNoteKey derives the verifier key from "PRIVATE+KEY+<name>+<hash>+<base64 of algorithm and seed>". The package
// that makes the pair hands the public half out once only, and one file cannot disagree with itself.
func publicNoteKey(private string) (string, error) {
	parts := strings.SplitN(private, "+", 5)
	if len(parts) != 5 {
		return "", errors.New("it is not a note signing key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(key) != 1+ed25519.SeedSize || key[0] != algEd25519 {
		return "", errors.New("it is not an Ed25519 note key")
	}
	public := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(parts[2], public)
}
