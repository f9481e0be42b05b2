package oauth

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Grants of the token endpoint.
const (
	GrantAuthorizationCode = "authorization_code"                                   // RFC 6749 §4.1.3
	GrantPreAuthorized     = "urn:ietf:params:oauth:grant-type:pre-authorized_code" // VCI §6.1
	GrantRefresh           = "refresh_token"                                        // RFC 6749 §6
)

const (
	// MaxForm bounds the body of a request to PAR or token endpoint, in bytes.
	MaxForm = 16 << 10
	// maxParameter bounds one parameter.
	maxParameter = 8 << 10
	// maxDetails bounds how many credentials are asked for at once.
	maxDetails = 20
	// detailsType is the type of authorization details (RFC 9396) with which credentials are asked for (VCI §5.1.1).
	detailsType = "openid_credential"
	// RequestURIPrefix begins the address of a pushed request (RFC 9126 §2.2).
	RequestURIPrefix = "urn:ietf:params:oauth:request_uri:"
)

// form is a decoded form in which no parameter stands twice; one without a value counts as absent (RFC 6749 §3.1).
type form map[string]string

func readForm(body []byte) (form, error) {
	if len(body) > MaxForm {
		return nil, refuse(MessageTooLarge, "reading a form of %d bytes", len(body))
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(RequestMalformed, "the body is no form")
	}
	f := form{}
	for name, all := range values {
		switch {
		case len(all) > 1:
			return nil, refuse(RequestMalformed, "the parameter %.40q stands twice", name)
		case len(all[0]) > maxParameter:
			return nil, refuse(MessageTooLarge, "the parameter %.40q has %d bytes", name, len(all[0]))
		case !utf8.ValidString(all[0]) || strings.ContainsRune(all[0], 0):
			return nil, refuse(RequestMalformed, "the parameter %.40q is not UTF-8", name)
		case all[0] != "":
			f[name] = all[0]
		}
	}
	return f, nil
}

// must names the first of the parameters that is missing.
func (f form) must(names ...string) error {
	for _, name := range names {
		if f[name] == "" {
			return refuse(RequestMissing, "the parameter %s is missing", name)
		}
	}
	return nil
}

// AuthorizationRequest is a pushed request for authorization. Whether the client and the address of its return belong
// together is for whoever knows the clients.
type AuthorizationRequest struct {
	ClientID    string   `json:"client_id"`
	RedirectURI string   `json:"redirect_uri"`
	State       string   `json:"state,omitempty"`
	Challenge   string   `json:"challenge"` // S256
	IssuerState string   `json:"issuer_state,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	Details     []string `json:"details,omitempty"`  // configurations asked for by authorization details
	Key         string   `json:"dpop_jkt,omitempty"` // thumbprint of the key to which the code is bound (RFC 9449 §10)
}

// ParseAuthorization reads the body of a pushed request.
func ParseAuthorization(body []byte) (*AuthorizationRequest, error) {
	f, err := readForm(body)
	if err != nil {
		return nil, err
	}
	if f["request_uri"] != "" || f["request"] != "" {
		return nil, refuse(RequestURIPushed, "the pushed request points to another")
	}
	if err := f.must("client_id", "response_type", "redirect_uri"); err != nil {
		return nil, err
	}
	if f["response_type"] != "code" {
		return nil, refuse(ResponseType, "the response_type is not code")
	}
	if err := checkChallenge(f["code_challenge"], f["code_challenge_method"]); err != nil {
		return nil, err
	}
	r := &AuthorizationRequest{ClientID: f["client_id"], RedirectURI: f["redirect_uri"], State: f["state"], Challenge: f["code_challenge"],
		IssuerState: f["issuer_state"], Scopes: strings.Fields(f["scope"]), Key: f["dpop_jkt"]}
	if r.Details, err = parseDetails(f["authorization_details"]); err != nil {
		return nil, err
	}
	switch {
	case len(r.Scopes)+len(r.Details) == 0:
		return nil, refuse(RequestMissing, "neither scope nor authorization_details are there")
	case len(r.Scopes) > maxDetails:
		return nil, refuse(MessageTooLarge, "%d scopes are asked for", len(r.Scopes))
	case r.Key != "" && len(r.Key) != 43:
		return nil, refuse(RequestMalformed, "the dpop_jkt is no thumbprint")
	}
	return r, nil
}

// parseDetails reads the credential configurations that authorization details name.
func parseDetails(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var list struct {
		All []struct {
			Type          string `json:"type"`
			Configuration string `json:"credential_configuration_id"`
		} `json:"all"`
	}
	if err := decode([]byte(`{"all":`+text+`}`), &list); err != nil || len(list.All) == 0 {
		return nil, refuse(DetailsMalformed, "authorization_details are no list of objects")
	}
	if len(list.All) > maxDetails {
		return nil, refuse(MessageTooLarge, "%d authorization details are asked for", len(list.All))
	}
	var out []string
	for _, d := range list.All {
		if d.Type != detailsType || d.Configuration == "" {
			return nil, refuse(DetailsMalformed, "authorization details of another type, or without a configuration")
		}
		if !slices.Contains(out, d.Configuration) {
			out = append(out, d.Configuration)
		}
	}
	return out, nil
}

// TokenRequest is a request for tokens.
type TokenRequest struct {
	Grant         string
	ClientID      string
	Code          string // authorization code
	RedirectURI   string
	Verifier      string
	PreAuthorized string // pre-authorized code
	TxCode        string
	Refresh       string
	Details       []string // configurations asked for by authorization details
}

// ParseToken reads the body of a request to the token endpoint. Whether a client_id is missing is for whoever knows how the client
// shows who it is (RFC 6749 §4.1.3).
func ParseToken(body []byte) (*TokenRequest, error) {
	f, err := readForm(body)
	if err != nil {
		return nil, err
	}
	r := &TokenRequest{Grant: f["grant_type"], ClientID: f["client_id"], Code: f["code"], RedirectURI: f["redirect_uri"], Verifier: f["code_verifier"],
		PreAuthorized: f["pre-authorized_code"], TxCode: f["tx_code"], Refresh: f["refresh_token"]}
	if r.Details, err = parseDetails(f["authorization_details"]); err != nil {
		return nil, err
	}
	switch r.Grant {
	case "":
		return nil, refuse(RequestMissing, "the parameter grant_type is missing")
	case GrantAuthorizationCode:
		return r, f.must("code", "code_verifier", "redirect_uri")
	case GrantPreAuthorized:
		return r, f.must("pre-authorized_code")
	case GrantRefresh:
		return r, f.must("refresh_token")
	}
	return nil, refuse(GrantType, "the grant_type is unknown")
}

// CredentialRequest is a request for copies of one credential (VCI §8.2).
type CredentialRequest struct {
	Configuration string // either this
	Identifier    string // or this
	JWTs          []string
	Attestations  []string
}

// ParseCredential reads the body of a request for a credential with at most so many proofs.
func ParseCredential(body []byte, proofs int) (*CredentialRequest, error) {
	var raw struct {
		Configuration *string                    `json:"credential_configuration_id"`
		Identifier    *string                    `json:"credential_identifier"`
		Proofs        map[string]json.RawMessage `json:"proofs"`
		Encryption    json.RawMessage            `json:"credential_response_encryption"`
	}
	if err := decode(body, &raw); err != nil {
		return nil, credentialMalformed(err)
	}
	if raw.Encryption != nil {
		return nil, refuse(CredentialEncryption, "an encrypted answer is asked for, which this issuer does not offer")
	}
	r := &CredentialRequest{}
	switch {
	case raw.Configuration != nil && raw.Identifier == nil:
		r.Configuration = *raw.Configuration
	case raw.Configuration == nil && raw.Identifier != nil:
		r.Identifier = *raw.Identifier
	default:
		return nil, refuse(CredentialMalformed, "there must be either credential_configuration_id or credential_identifier")
	}
	return r, r.proofs(raw.Proofs, proofs)
}

// credentialMalformed keeps a refusal by size and names any other fault of the JSON.
func credentialMalformed(err error) error {
	if RefusalOf(err) != "" {
		return within(InvalidCredential, err)
	}
	return refuse(CredentialMalformed, "reading a request: %v", err)
}

func (r *CredentialRequest) proofs(all map[string]json.RawMessage, most int) error {
	if len(all) == 0 {
		return refuse(ProofMissing, "there are no proofs")
	}
	if len(all) > 1 {
		return refuse(ProofType, "there are proofs of %d types", len(all))
	}
	for kind, raw := range all {
		list := map[string]*[]string{"jwt": &r.JWTs, "attestation": &r.Attestations}[kind]
		if list == nil {
			return refuse(ProofType, "the proof type is unknown")
		}
		if err := json.Unmarshal(raw, list); err != nil || len(*list) == 0 {
			return refuse(ProofMissing, "the proofs are no list of texts, or there is none")
		}
	}
	switch {
	case len(r.JWTs) > most:
		return within(InvalidProof, refuse(MessageTooLarge, "there are %d proofs, at most %d are taken", len(r.JWTs), most))
	case len(r.Attestations) > 1: // VCI, appendix F: exactly one
		return refuse(ProofType, "there are %d attestations", len(r.Attestations))
	}
	return nil
}

// ParseDeferred reads the transaction of a deferred request (VCI §9.1).
func ParseDeferred(body []byte) (transaction string, err error) {
	var raw struct {
		Transaction string          `json:"transaction_id"`
		Encryption  json.RawMessage `json:"credential_response_encryption"`
	}
	if err := decode(body, &raw); err != nil {
		return "", credentialMalformed(err)
	}
	switch {
	case raw.Encryption != nil:
		return "", refuse(CredentialEncryption, "an encrypted answer is asked for, which this issuer does not offer")
	case raw.Transaction == "":
		return "", refuse(CredentialMalformed, "the transaction_id is missing")
	}
	return raw.Transaction, nil
}

// Events of a notification (VCI §11.1).
const (
	EventAccepted = "credential_accepted"
	EventFailure  = "credential_failure"
	EventDeleted  = "credential_deleted"
)

// ParseNotification reads a notification. Its description is for people and is not kept.
func ParseNotification(body []byte) (id, event string, err error) {
	var raw struct {
		ID    string `json:"notification_id"`
		Event string `json:"event"`
	}
	if err := decode(body, &raw); err != nil {
		return "", "", refuse(NotificationMalformed, "reading a notification: %v", err)
	}
	if raw.ID == "" || !slices.Contains([]string{EventAccepted, EventFailure, EventDeleted}, raw.Event) {
		return "", "", refuse(NotificationMalformed, "the notification_id is missing or the event unknown")
	}
	return raw.ID, raw.Event, nil
}
