// Package oauth reads and writes what a wallet and an issuer of credentials say to each other: PKCE (RFC 7636), DPoP
// proofs (RFC 9449), pushed authorization requests (RFC 9126), requests for tokens (RFC 6749) and for credentials with
// their key proofs, credential offers and the two documents of metadata (OpenID for Verifiable Credential Issuance 1.0,
// RFC 8414). In comments the issuance standard is called VCI.
//
// Everything here is pure: who asks, what time it is and which nonces stand comes in as values. Every refusal has a name of
// its own (Refusal), and each name has the error code under which the standards let a wallet hear of it (Code).
package oauth

import (
	"errors"
	"fmt"

	"akashi/internal/fault"
)

// Refusal is the reason why a message was not accepted.
type Refusal string

// What is wrong with any signed token.
const (
	TokenMalformed  Refusal = "oauth.token_malformed"   // no compact JWS of ours: parts, base64url, JSON, doubled members, length
	TokenAlgorithm  Refusal = "oauth.token_algorithm"   // none, symmetric, or another than ES256
	TokenSignature  Refusal = "oauth.token_signature"   // does not fit the key
	TokenCritical   Refusal = "oauth.token_critical"    // asks that an extension be understood (RFC 7515 §4.1.11)
	KeyMalformed    Refusal = "oauth.key_malformed"     // no public key in JWK form, or no point of the curve
	KeyUnsupported  Refusal = "oauth.key_unsupported"   // another type, curve or use
	KeyPrivate      Refusal = "oauth.key_private"       // a private key was sent along
	MessageTooLarge Refusal = "oauth.message_too_large" // more bytes or elements than the message can have
)

// What is wrong with a DPoP proof (RFC 9449 §4.3).
const (
	DPoPMissing  Refusal = "oauth.dpop_missing"
	DPoPSeveral  Refusal = "oauth.dpop_several"
	DPoPType     Refusal = "oauth.dpop_type"   // typ is not dpop+jwt
	DPoPClaims   Refusal = "oauth.dpop_claims" // jti, htm, htu or iat is missing or of another type
	DPoPMethod   Refusal = "oauth.dpop_method" // htm
	DPoPAddress  Refusal = "oauth.dpop_address"
	DPoPTime     Refusal = "oauth.dpop_time"  // iat is outside the window: the wallet is to repeat it with our nonce
	DPoPNonce    Refusal = "oauth.dpop_nonce" // not ours, or too old
	DPoPToken    Refusal = "oauth.dpop_token" // ath is not of the access token that came along
	DPoPKey      Refusal = "oauth.dpop_key"   // another key than the one to which code or token are bound
	DPoPReplayed Refusal = "oauth.dpop_replayed"
)

// What is wrong with a key proof (VCI, appendix F) or a key attestation (VCI, appendix D).
const (
	ProofMissing        Refusal = "oauth.proof_missing"
	ProofType           Refusal = "oauth.proof_type"     // proof type of the request or typ of the token
	ProofKey            Refusal = "oauth.proof_key"      // not exactly one way to the key, or a way that we cannot go
	ProofClaims         Refusal = "oauth.proof_claims"   // aud, iat or nonce is missing or of another type
	ProofAudience       Refusal = "oauth.proof_audience" // made for another issuer
	ProofIssuer         Refusal = "oauth.proof_issuer"   // iss is not the client, or is there although the client is anonymous
	ProofTime           Refusal = "oauth.proof_time"     // from the future
	ProofNonce          Refusal = "oauth.proof_nonce"    // not ours, too old, or not the same in all proofs
	ProofReplayed       Refusal = "oauth.proof_replayed" // the nonce was used before
	ProofRepeatedKey    Refusal = "oauth.proof_repeated_key"
	AttestationMissing  Refusal = "oauth.attestation_missing" // where providers of wallets are known, every key is attested
	AttestationType     Refusal = "oauth.attestation_type"
	AttestationClaims   Refusal = "oauth.attestation_claims"
	AttestationExpired  Refusal = "oauth.attestation_expired"
	AttestationUntrust  Refusal = "oauth.attestation_untrusted" // signed by nobody whom we know
	AttestationOtherKey Refusal = "oauth.attestation_other_key" // does not attest the key of the proof
)

// What is wrong with a wallet attestation or with the proof that comes with it (VCI, appendix E).
const (
	ClientAttestationMissing Refusal = "oauth.client_attestation_missing" // one of the two is missing, or comes twice
	ClientAttestationType    Refusal = "oauth.client_attestation_type"
	ClientAttestationClaims  Refusal = "oauth.client_attestation_claims"
	ClientAttestationExpired Refusal = "oauth.client_attestation_expired"
	ClientAttestationUntrust Refusal = "oauth.client_attestation_untrusted" // signed by nobody whom we know
	ClientProofAudience      Refusal = "oauth.client_proof_audience"        // made for another authorization server
	ClientProofTime          Refusal = "oauth.client_proof_time"            // not made now
	ClientProofReplayed      Refusal = "oauth.client_proof_replayed"
)

// What is wrong with a request for authorization or for a token.
const (
	RequestMalformed   Refusal = "oauth.request_malformed" // no form, or a parameter twice
	RequestMissing     Refusal = "oauth.request_missing"   // a parameter that must be there
	ClientUnknown      Refusal = "oauth.client_unknown"
	ClientOther        Refusal = "oauth.client_other" // not the client that began
	RedirectUnknown    Refusal = "oauth.redirect_unknown"
	ResponseType       Refusal = "oauth.response_type"
	ChallengeMissing   Refusal = "oauth.challenge_missing"
	ChallengeMethod    Refusal = "oauth.challenge_method" // plain, or another than S256
	ChallengeMalformed Refusal = "oauth.challenge_malformed"
	VerifierMalformed  Refusal = "oauth.verifier_malformed"
	VerifierWrong      Refusal = "oauth.verifier_wrong"
	ScopeUnknown       Refusal = "oauth.scope_unknown" // nothing that this issuer has
	DetailsMalformed   Refusal = "oauth.details_malformed"
	DetailsUnknown     Refusal = "oauth.details_unknown"
	RequestURIPushed   Refusal = "oauth.request_uri_pushed"  // a pushed request may not point to another (RFC 9126 §2.1)
	RequestURIUnknown  Refusal = "oauth.request_uri_unknown" // not ours, used, or too old
	RequestNotPushed   Refusal = "oauth.request_not_pushed"
	ConsentRefused     Refusal = "oauth.consent_refused"
	GrantType          Refusal = "oauth.grant_type"
	CodeUnknown        Refusal = "oauth.code_unknown"
	CodeExpired        Refusal = "oauth.code_expired"
	CodeUsed           Refusal = "oauth.code_used"
	RedirectOther      Refusal = "oauth.redirect_other" // not the one of the request for authorization
	TxCodeMissing      Refusal = "oauth.tx_code_missing"
	TxCodeWrong        Refusal = "oauth.tx_code_wrong"
	TxCodeLocked       Refusal = "oauth.tx_code_locked" // too many wrong ones
	TxCodeUnexpected   Refusal = "oauth.tx_code_unexpected"
	RefreshUnknown     Refusal = "oauth.refresh_unknown"
	RefreshExpired     Refusal = "oauth.refresh_expired"
	RefreshUsed        Refusal = "oauth.refresh_used" // rotated away: whoever shows it again ends the grant
	GrantEnded         Refusal = "oauth.grant_ended"
	AccessMissing      Refusal = "oauth.access_missing"
	AccessScheme       Refusal = "oauth.access_scheme" // a DPoP-bound token that comes as Bearer
	AccessUnknown      Refusal = "oauth.access_unknown"
	AccessExpired      Refusal = "oauth.access_expired"
)

// What is wrong with a request for a credential, or with what follows it.
const (
	CredentialMalformed     Refusal = "oauth.credential_malformed"
	CredentialEncryption    Refusal = "oauth.credential_encryption" // an encrypted answer, which this issuer does not offer
	ConfigurationUnknown    Refusal = "oauth.configuration_unknown"
	ConfigurationNotGranted Refusal = "oauth.configuration_not_granted"
	IdentifierUnknown       Refusal = "oauth.identifier_unknown"
	CredentialEnded         Refusal = "oauth.credential_ended"     // revoked, replaced, or its term is over
	CredentialSuspended     Refusal = "oauth.credential_suspended" // suspended for the time being
	NotOffered              Refusal = "oauth.not_offered"          // the register gives nothing to wallets today
	CaseEnded               Refusal = "oauth.case_ended"           // the application was rejected, withdrawn or has lapsed
	CopiesExhausted         Refusal = "oauth.copies_exhausted"
	TransactionUnknown      Refusal = "oauth.transaction_unknown"
	NotificationMalformed   Refusal = "oauth.notification_malformed"
	NotificationUnknown     Refusal = "oauth.notification_unknown"
)

// Error makes a Refusal an error.
func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both fault.Invalid and the reason.
func refuse(r Refusal, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

// Refuse is refuse for whoever keeps codes and tokens and must say that one is unknown or over.
func Refuse(r Refusal, doing string) error { return refuse(r, "%s", doing) }

// RefusalOf returns the reason within err, "" when there is none.
func RefusalOf(err error) Refusal {
	var r Refusal
	if errors.As(err, &r) {
		return r
	}
	return ""
}

// Code is an error code as the standards name it.
type Code string

// The codes, with where they stand.
const (
	InvalidRequest          Code = "invalid_request"           // RFC 6749 §5.2
	InvalidClient           Code = "invalid_client"            // RFC 6749 §5.2
	InvalidGrant            Code = "invalid_grant"             // RFC 6749 §5.2
	UnsupportedGrantType    Code = "unsupported_grant_type"    // RFC 6749 §5.2
	InvalidScope            Code = "invalid_scope"             // RFC 6749 §5.2
	UnsupportedResponseType Code = "unsupported_response_type" // RFC 6749 §4.1.2.1
	AccessDenied            Code = "access_denied"             // RFC 6749 §4.1.2.1
	ServerError             Code = "server_error"              // RFC 6749 §4.1.2.1
	TemporarilyUnavailable  Code = "temporarily_unavailable"   // RFC 6749 §4.1.2.1
	InvalidToken            Code = "invalid_token"             // RFC 6750 §3.1
	InsufficientScope       Code = "insufficient_scope"        // RFC 6750 §3.1
	InvalidDetails          Code = "invalid_authorization_details"
	InvalidDPoPProof        Code = "invalid_dpop_proof"               // RFC 9449 §5
	UseDPoPNonce            Code = "use_dpop_nonce"                   // RFC 9449 §8
	InvalidCredential       Code = "invalid_credential_request"       // VCI §8.3.1.2
	UnknownConfiguration    Code = "unknown_credential_configuration" // VCI §8.3.1.2
	UnknownIdentifier       Code = "unknown_credential_identifier"    // VCI §8.3.1.2
	InvalidProof            Code = "invalid_proof"                    // VCI §8.3.1.2
	InvalidNonce            Code = "invalid_nonce"                    // VCI §8.3.1.2
	InvalidEncryption       Code = "invalid_encryption_parameters"    // VCI §8.3.1.2
	CredentialDenied        Code = "credential_request_denied"        // VCI §8.3.1.2
	InvalidTransaction      Code = "invalid_transaction_id"           // VCI §9.3
	InvalidNotification     Code = "invalid_notification_request"     // VCI §11.3
	InvalidNotificationID   Code = "invalid_notification_id"          // VCI §11.3
)

// Code returns under which code a wallet hears of the refusal. A broken token is told as what it was to be: see CodeIn.
func (r Refusal) Code() Code {
	if c, ok := codes()[r]; ok {
		return c
	}
	return InvalidRequest
}

func codes() map[Refusal]Code {
	return map[Refusal]Code{
		DPoPMissing: InvalidDPoPProof, DPoPSeveral: InvalidDPoPProof, DPoPType: InvalidDPoPProof, DPoPClaims: InvalidDPoPProof,
		DPoPMethod: InvalidDPoPProof, DPoPAddress: InvalidDPoPProof, DPoPToken: InvalidDPoPProof, DPoPKey: InvalidDPoPProof,
		DPoPReplayed: InvalidDPoPProof, DPoPTime: UseDPoPNonce, DPoPNonce: UseDPoPNonce,

		ProofMissing: InvalidProof, ProofType: InvalidProof, ProofKey: InvalidProof, ProofClaims: InvalidProof, ProofAudience: InvalidProof,
		ProofIssuer: InvalidProof, ProofTime: InvalidProof, ProofRepeatedKey: InvalidProof, ProofNonce: InvalidNonce, ProofReplayed: InvalidNonce,
		AttestationType: InvalidProof, AttestationClaims: InvalidProof, AttestationExpired: InvalidProof, AttestationUntrust: InvalidProof,
		AttestationOtherKey: InvalidProof, AttestationMissing: InvalidProof,

		ClientAttestationMissing: InvalidClient, ClientAttestationType: InvalidClient, ClientAttestationClaims: InvalidClient,
		ClientAttestationExpired: InvalidClient, ClientAttestationUntrust: InvalidClient, ClientProofAudience: InvalidClient,
		ClientProofTime: InvalidClient, ClientProofReplayed: InvalidClient,

		ClientUnknown: InvalidClient, ClientOther: InvalidGrant, ResponseType: UnsupportedResponseType, ScopeUnknown: InvalidScope,
		DetailsMalformed: InvalidDetails, DetailsUnknown: InvalidDetails, ConsentRefused: AccessDenied, GrantType: UnsupportedGrantType,
		CodeUnknown: InvalidGrant, CodeExpired: InvalidGrant, CodeUsed: InvalidGrant, RedirectOther: InvalidGrant, VerifierWrong: InvalidGrant,
		VerifierMalformed: InvalidGrant, TxCodeWrong: InvalidGrant, TxCodeLocked: InvalidGrant, RefreshUnknown: InvalidGrant,
		RefreshExpired: InvalidGrant, RefreshUsed: InvalidGrant, GrantEnded: InvalidGrant,
		AccessScheme: InvalidToken, AccessUnknown: InvalidToken, AccessExpired: InvalidToken,

		CredentialMalformed: InvalidCredential, CredentialEncryption: InvalidEncryption, ConfigurationUnknown: UnknownConfiguration,
		ConfigurationNotGranted: UnknownConfiguration, IdentifierUnknown: UnknownIdentifier, CredentialEnded: CredentialDenied,
		CredentialSuspended: CredentialDenied, NotOffered: CredentialDenied, CaseEnded: CredentialDenied, CopiesExhausted: CredentialDenied,
		TransactionUnknown: InvalidTransaction, NotificationMalformed: InvalidNotification, NotificationUnknown: InvalidNotificationID,
	}
}

// as gives a refusal of a token or key the code of the message in which it stood.
type as struct {
	code Code
	error
}

func (a as) Unwrap() error { return a.error }

// CodeOf returns the code of err: that of its refusal, of the message in which a broken token stood, or server_error.
func CodeOf(err error) Code {
	var within as
	switch r := RefusalOf(err); {
	case r == "":
		return ServerError
	case errors.As(err, &within) && r.Code() == InvalidRequest:
		return within.code
	default:
		return r.Code()
	}
}

// within says in which message something was refused.
func within(code Code, err error) error {
	if err == nil {
		return nil
	}
	return as{code, err}
}
