package idp

// The JSON of sign transactions. That a digest goes in, an id comes out, and signature and certificate come back as a JWE
// is published (for relying parties, and in samples by others); the member names and the statuses below are unverified.
type (
	// signStart begins a sign transaction: POST /api/sign-transactions.
	signStart struct {
		ClientID string `json:"client_id"`
		Digest   string `json:"digest"` // Base64: a SHA-256 digest, or a DER DigestInfo (RFC 8017 §9.2) around one
	}
	// signStarted answers it.
	signStarted struct {
		ID string `json:"sign_transaction_id"` // UUID
	}
	// signResult answers GET /api/sign-transactions/{id}/result.
	signResult struct {
		Result string `json:"result"` // compact JWE of signOutcome
	}
	// signOutcome is what the JWE holds.
	signOutcome struct {
		Signature   string `json:"signature"`   // Base64
		Certificate string `json:"certificate"` // Base64 of DER
	}
)

// Values of userinfo, unverified: birthdate is YYYYMMDD, gender the code of the resident registry (1 male, 2 female,
// 3 unknown), address one string.
const userinfoDate = "20060102"
