package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
)

// Challenge is the S256 challenge of a verifier (RFC 7636 §4.2).
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return b64.EncodeToString(sum[:])
}

// checkChallenge reads what a request for authorization says: S256 and nothing else, as FAPI 2.0 §5.3.2.2 has it.
func checkChallenge(challenge, method string) error {
	switch {
	case challenge == "":
		return refuse(ChallengeMissing, "there is no code_challenge")
	case method != "S256":
		return refuse(ChallengeMethod, "the code_challenge_method is not S256")
	}
	if sum, err := b64.DecodeString(challenge); err != nil || len(sum) != sha256.Size {
		return refuse(ChallengeMalformed, "the code_challenge is no SHA-256 in base64url")
	}
	return nil
}

// CheckVerifier compares a verifier with its challenge. It fails with VerifierMalformed or VerifierWrong.
func CheckVerifier(verifier, challenge string) error {
	if len(verifier) < 43 || len(verifier) > 128 { // RFC 7636 §4.1
		return refuse(VerifierMalformed, "the code_verifier has %d characters", len(verifier))
	}
	for _, c := range []byte(verifier) {
		if !unreserved(c) {
			return refuse(VerifierMalformed, "the code_verifier has a character that is not unreserved")
		}
	}
	if subtle.ConstantTimeCompare([]byte(Challenge(verifier)), []byte(challenge)) != 1 {
		return refuse(VerifierWrong, "the code_verifier does not fit the challenge")
	}
	return nil
}

// unreserved tells whether c is an unreserved character of RFC 3986 §2.3.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
