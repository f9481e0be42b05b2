package relying

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"github.com/google/uuid"

	"akashi/internal/fault"
)

// sealer keeps what was sent unreadable in the database until it is checked: AES-256-GCM under a key of the platform, bound
// to its place, so that a row moved elsewhere does not open.
type sealer struct{ aead cipher.AEAD }

// newSealer takes a key of 32 bytes.
func newSealer(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("reading the key for sealed credentials: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("reading the key for sealed credentials: %w", err)
	}
	return &sealer{aead}, nil
}

func place(client string, check uuid.UUID, line int) []byte {
	return fmt.Appendf(nil, "akashi/bulk_line/1/%s/%s/%d", client, check, line)
}

func (s *sealer) seal(client string, check uuid.UUID, line int, content string) []byte {
	return s.aead.Seal(nil, nil, []byte(content), place(client, check, line))
}

func (s *sealer) open(client string, check uuid.UUID, line int, sealed []byte) (string, error) {
	content, err := s.aead.Open(nil, nil, sealed, place(client, check, line))
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "opening a sealed credential")
	}
	return string(content), nil
}
