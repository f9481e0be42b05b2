package public

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"akashi/internal/clock"
	"akashi/internal/verification"
)

// recordable is how long after a check of a file its record can be made.
const recordable = 30 * time.Minute

// sealer hands a result to the browser and takes it back: whoever sent a file gets the result in another language, or on paper,
// without sending it again, and this site keeps nothing. The result is encrypted (AES-256-GCM) under a key of the platform, so that
// nobody can have a record made of what was not checked here.
type sealer struct {
	aead  cipher.AEAD
	clock clock.Clock
}

// newSealer takes a key of the platform, from which one for this purpose alone is derived; an empty one stands for a key that
// ends with this process.
func newSealer(key []byte, c clock.Clock) (*sealer, error) {
	if len(key) == 0 {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails, or the program ends (crypto/rand)
	}
	own, err := hkdf.Key(sha256.New, key, nil, "akashi/verification result/1", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for sealed results: %w", err)
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, fmt.Errorf("making the key for sealed results: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making the key for sealed results: %w", err)
	}
	return &sealer{aead: aead, clock: c}, nil
}

// close seals a result.
func (s *sealer) close(r verification.Result) (string, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("sealing a result: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, raw, nil)), nil
}

// open is the inverse of close. What was not sealed here, or too long ago, does not open.
func (s *sealer) open(sealed string) (*verification.Result, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, false
	}
	if raw, err = s.aead.Open(nil, nil, raw, nil); err != nil {
		return nil, false
	}
	var r verification.Result
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, false
	}
	age := s.clock.Now().Sub(r.CheckedAt)
	return &r, age >= 0 && age <= recordable
}

// unsealed opens a result that the browser sends back. When it does not open, the visitor has been answered already, and the
// result is nil.
func (p *portal) unsealed(w http.ResponseWriter, r *http.Request, sealed string) (*verification.Result, error) {
	result, ok := p.seal.open(sealed)
	if !ok {
		return nil, p.refuse(w, r, inputFile, "file.over", "")
	}
	return result, nil
}
