package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/clock"
)

// How long things live.
const (
	codeLife    = time.Minute
	tokenLife   = 5 * time.Minute
	idTokenLife = 5 * time.Minute
	visitLife   = 10 * time.Minute
)

// provider is the OpenID Connect core that both services share.
type provider struct {
	issuer      string
	base        *url.URL // the issuer as an address
	clock       clock.Clock
	key         *ecdsa.PrivateKey
	secret      []byte
	showSecrets bool
	pages       *pages
	clients     map[string]Client
	scopes      []string
	acrs        []string
	// check looks at the parameters of an authorization request that only one of the services has; nil: none.
	check func(*request, url.Values) *problem

	mu         sync.Mutex
	visits     map[string]*visit
	codes      map[string]*grant
	tokens     map[string]*access
	assertions map[string]expiry // client assertions seen, by client and jti
}

// expiry is when a thing may be forgotten.
type expiry time.Time

func (e expiry) ends() time.Time { return time.Time(e) }

// forget drops from m what has ended; the caller holds the lock that guards m.
func forget[T interface{ ends() time.Time }](m map[string]T, now time.Time) {
	for k, v := range m {
		if v.ends().Before(now) {
			delete(m, k)
		}
	}
}

// problem is an error of OAuth 2.0 (RFC 6749 §4.1.2.1, §5.2).
type problem struct {
	status            int
	code, description string
}

func (p *problem) Error() string { return p.code + ": " + p.description }

func failure(status int, code, description string) *problem {
	return &problem{status, code, description}
}

func bad(code, format string, args ...any) *problem {
	return failure(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}

func forbidden(description string) *problem {
	return failure(http.StatusForbidden, "insufficient_scope", description)
}

// write answers with the problem as JSON.
func (p *problem) write(w http.ResponseWriter) {
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="`+p.code+`"`)
	}
	writeJSON(w, p.status, map[string]string{"error": p.code, "error_description": p.description})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "unwritable answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	w.Write(body)
}

// endpoint returns the address of an endpoint of the provider.
func (p *provider) endpoint(name string) string { return p.issuer + "/protocol/openid-connect/" + name }

// discovery publishes the provider's metadata (OpenID Connect Discovery 1.0 §3).
func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                           p.issuer,
		"authorization_endpoint":                           p.endpoint("auth"),
		"token_endpoint":                                   p.endpoint("token"),
		"userinfo_endpoint":                                p.endpoint("userinfo"),
		"jwks_uri":                                         p.endpoint("certs"),
		"response_types_supported":                         []string{"code"},
		"response_modes_supported":                         []string{"query"},
		"grant_types_supported":                            []string{"authorization_code", "client_credentials"},
		"subject_types_supported":                          []string{p.subjectType()},
		"id_token_signing_alg_values_supported":            []string{"ES256"},
		"scopes_supported":                                 p.scopes,
		"acr_values_supported":                             p.acrs,
		"token_endpoint_auth_methods_supported":            []string{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"ES256", "RS256", "PS256"},
		"code_challenge_methods_supported":                 []string{"S256"},
		"authorization_response_iss_parameter_supported":   true,
	})
}

// subjectType is public for staff, whose subject several of the employer's systems may know.
func (p *provider) subjectType() string {
	if p.scopes[len(p.scopes)-1] == "sign" {
		return "pairwise"
	}
	return "public"
}

// publicKey is the key of ID tokens with its identifier.
func (p *provider) publicKey() (jose.JSONWebKey, error) {
	key := jose.JSONWebKey{Key: p.key.Public(), Algorithm: string(jose.ES256), Use: "sig"}
	thumb, err := key.Thumbprint(crypto.SHA256)
	key.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	return key, err
}

// certs publishes the key of ID tokens.
func (p *provider) certs(w http.ResponseWriter, _ *http.Request) {
	key, err := p.publicKey()
	if err != nil {
		http.Error(w, "no key", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
}

// pairwise returns the subject under which a client knows somebody (OpenID Connect Core 1.0 §8.1): two clients cannot
// tell that they know the same person.
func (p *provider) pairwise(client, person string) string {
	mac := hmac.New(sha256.New, p.secret)
	fmt.Fprintf(mac, "%d:%s:%s", len(client), client, person)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
