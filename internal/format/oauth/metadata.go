package oauth

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// TypeIssuerMetadata is the typ of an issuer's signed metadata, and MediaSigned their media type (VCI §12.2.2, §12.2.3).
const (
	TypeIssuerMetadata = "openidvci-issuer-metadata+jwt"
	MediaSigned        = "application/jwt"
)

// Names under which metadata are found, put between host and path of an issuer's identifier (RFC 8414 §3, VCI §12.2.2).
const (
	WellKnownIssuer = "/.well-known/openid-credential-issuer"
	WellKnownServer = "/.well-known/oauth-authorization-server"
)

// WellKnown is where the document of an issuer is found.
func WellKnown(name, issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", refuse(RequestMalformed, "the issuer's identifier is no address")
	}
	return u.Scheme + "://" + u.Host + name + u.EscapedPath(), nil
}

// IssuerMetadata describes a credential issuer (VCI §12.2.4).
type IssuerMetadata struct {
	Issuer         string                   `json:"credential_issuer"`
	Credential     string                   `json:"credential_endpoint"`
	Nonce          string                   `json:"nonce_endpoint"`
	Deferred       string                   `json:"deferred_credential_endpoint"`
	Notification   string                   `json:"notification_endpoint"`
	Batch          *Batch                   `json:"batch_credential_issuance,omitempty"`
	Display        []Display                `json:"display,omitempty"`
	Configurations map[string]Configuration `json:"credential_configurations_supported"`
}

// Batch says how many proofs one request may have.
type Batch struct {
	Size int `json:"batch_size"`
}

// Display is a name in one language.
type Display struct {
	Name   string `json:"name"`
	Locale string `json:"locale,omitempty"`
}

// Configuration describes one credential in one form. Of VCT, DocType and Definition one is there, by the form.
type Configuration struct {
	Format     string                    `json:"format"`
	Scope      string                    `json:"scope"`
	Binding    []string                  `json:"cryptographic_binding_methods_supported"`
	Algorithms []any                     `json:"credential_signing_alg_values_supported"` // names of JOSE, numbers of COSE for mdoc
	Proofs     map[string]ProofSupported `json:"proof_types_supported"`
	VCT        string                    `json:"vct,omitempty"`
	DocType    string                    `json:"doctype,omitempty"`
	Definition *Definition               `json:"credential_definition,omitempty"`
	Metadata   *CredentialMetadata       `json:"credential_metadata,omitempty"`
}

// Definition is the type of a W3C credential.
type Definition struct {
	Type []string `json:"type"`
}

// ProofSupported says by which algorithms a proof may be signed, and whether its key must be attested.
type ProofSupported struct {
	Algorithms []string         `json:"proof_signing_alg_values_supported"`
	Attested   *KeyAttestations `json:"key_attestations_required,omitempty"`
}

// KeyAttestations says which key attestations are wanted. Without members: any, by a provider whom the issuer knows.
type KeyAttestations struct{}

// CredentialMetadata is how a wallet shows a credential.
type CredentialMetadata struct {
	Display []Display `json:"display,omitempty"`
	Claims  []Claim   `json:"claims,omitempty"`
}

// Claim describes one claim (VCI, appendix B.2).
type Claim struct {
	Path      []string  `json:"path"`
	Mandatory bool      `json:"mandatory,omitempty"`
	Display   []Display `json:"display,omitempty"`
}

// ServerMetadata describes an authorization server (RFC 8414 §2, RFC 9126 §5, RFC 9207 §3, RFC 9396 §10, RFC 9449 §5.1,
// VCI §12.3).
type ServerMetadata struct {
	Issuer             string   `json:"issuer"`
	Authorization      string   `json:"authorization_endpoint"`
	Token              string   `json:"token_endpoint"`
	Pushed             string   `json:"pushed_authorization_request_endpoint"`
	MustPush           bool     `json:"require_pushed_authorization_requests"`
	ResponseTypes      []string `json:"response_types_supported"`
	ResponseModes      []string `json:"response_modes_supported"`
	GrantTypes         []string `json:"grant_types_supported"`
	AuthMethods        []string `json:"token_endpoint_auth_methods_supported"`
	ClientAlgorithms   []string `json:"client_attestation_signing_alg_values_supported,omitempty"`
	ClientProofs       []string `json:"client_attestation_pop_signing_alg_values_supported,omitempty"`
	ChallengeMethods   []string `json:"code_challenge_methods_supported"`
	IssuerInResponse   bool     `json:"authorization_response_iss_parameter_supported"`
	DPoPAlgorithms     []string `json:"dpop_signing_alg_values_supported"`
	DetailsTypes       []string `json:"authorization_details_types_supported"`
	AnonymousPreAuth   bool     `json:"pre-authorized_grant_anonymous_access_supported"`
	UILocalesSupported []string `json:"ui_locales_supported,omitempty"`
}

// Signed are an issuer's metadata with the claims of the JWT around them (VCI §12.2.3). The payload is one object: everything
// of IssuerMetadata stands at the top.
type Signed struct {
	IssuerMetadata
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"` // the identifier of the credential issuer
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
}

// ParseIssuerMetadata reads an issuer's document as a wallet does: it must name the issuer that it was asked for.
func ParseIssuerMetadata(text []byte, issuer string) (*IssuerMetadata, error) {
	var m IssuerMetadata
	if err := decode(text, &m); err != nil {
		return nil, refuse(RequestMalformed, "reading an issuer's metadata: %v", err)
	}
	if m.Issuer != issuer || m.Credential == "" {
		return nil, refuse(ProofAudience, "the metadata are another issuer's")
	}
	return &m, nil
}

// Answer is what a token endpoint gives (RFC 6749 §5.1, VCI §6.2).
type Answer struct {
	AccessToken  string   `json:"access_token"`
	TokenType    string   `json:"token_type"` // DPoP
	ExpiresIn    int      `json:"expires_in"`
	RefreshToken string   `json:"refresh_token,omitempty"`
	Scope        string   `json:"scope,omitempty"`
	Details      []Detail `json:"authorization_details,omitempty"`
}

// Detail tells which datasets of a configuration may be had.
type Detail struct {
	Type          string   `json:"type"`
	Configuration string   `json:"credential_configuration_id"`
	Identifiers   []string `json:"credential_identifiers"`
}

// NewDetail returns the answer's line for one configuration.
func NewDetail(configuration string, identifiers ...string) Detail {
	return Detail{Type: detailsType, Configuration: configuration, Identifiers: identifiers}
}

// CredentialAnswer is what the credential endpoint gives: credentials, or a transaction (VCI §8.3).
type CredentialAnswer struct {
	Credentials  []Issued `json:"credentials,omitempty"`
	Notification string   `json:"notification_id,omitempty"`
	Transaction  string   `json:"transaction_id,omitempty"`
	Interval     int      `json:"interval,omitempty"` // seconds
}

// Issued is one copy.
type Issued struct {
	Credential string `json:"credential"`
}

// Failure is an error as a wallet reads it.
type Failure struct {
	Error       Code   `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// FailureOf words an error for a wallet: its code, and the name of its refusal, which tells developers more than the code
// and nobody anything of a person.
func FailureOf(err error) Failure {
	return Failure{Error: CodeOf(err), Description: string(RefusalOf(err))}
}

// Header is the WWW-Authenticate of a refused access token (RFC 6750 §3, RFC 9449 §7.1).
func (f Failure) Header() string {
	if f.Error == InvalidRequest { // no token came along: no error is named (RFC 6750 §3.1)
		return `DPoP algs="` + algorithm + `"`
	}
	return fmt.Sprintf(`DPoP error="%s", error_description="%s", algs="%s"`, f.Error, f.Description, algorithm)
}

// JSON writes a message of this package.
func JSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing a message: %w", err)
	}
	return b, nil
}
