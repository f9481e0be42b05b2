package mdoc

import (
	"crypto/sha256"

	"akashi/internal/format/cose"
)

// Session is what an answer over OpenID4VP 1.0 is bound to (Appendix B.2.6.1).
type Session struct {
	ClientID    string // with its prefix
	Nonce       string
	Thumbprint  []byte // SHA-256 thumbprint (RFC 7638) of the key to which the answer is encrypted; nil when it is not
	ResponseURI string
}

// Transcript returns the session transcript: [null, null, handover].
func (s Session) Transcript() ([]byte, error) {
	var thumbprint any
	if s.Thumbprint != nil {
		thumbprint = s.Thumbprint
	}
	info, err := cose.Encode([]any{s.ClientID, s.Nonce, thumbprint, s.ResponseURI})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(info)
	return cose.Encode([]any{nil, nil, []any{"OpenID4VPHandover", sum[:]}})
}
