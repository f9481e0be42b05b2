package idp

import (
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionType is the only way in which clients prove themselves (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxAssertionLife is the longest life of a client assertion; published samples go up to a day.
const maxAssertionLife = 24 * time.Hour

func unknownClient(description string) *problem {
	return failure(http.StatusUnauthorized, "invalid_client", description)
}

// authenticate returns the client that proved itself by private_key_jwt (OpenID Connect Core 1.0 §9). An assertion works
// once.
func (p *provider) authenticate(form url.Values) (Client, *problem) {
	if form.Get("client_assertion_type") != assertionType {
		return Client{}, unknownClient("client_assertion_type is not the one of private_key_jwt")
	}
	token, err := jwt.ParseSigned(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256})
	if err != nil || len(token.Headers) != 1 {
		return Client{}, unknownClient("client_assertion is no JWT signed with an offered algorithm")
	}
	var claims jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return Client{}, unknownClient("client_assertion has no claims")
	}
	client, known := p.clients[claims.Subject]
	if !known || form.Get("client_id") != client.ID {
		return Client{}, unknownClient("client_id and the assertion's subject are not the same known client")
	}
	if !signedBy(client, token) {
		return Client{}, unknownClient("no key of the client signed the assertion")
	}
	if problem := p.checkAssertion(client, claims); problem != nil {
		return Client{}, problem
	}
	return client, nil
}

// signedBy tells whether one of the client's keys for signatures, the one the header names if it names one, signed it.
func signedBy(client Client, token *jwt.JSONWebToken) bool {
	for _, key := range client.Keys.Keys {
		if key.Use != "sig" || token.Headers[0].KeyID != "" && token.Headers[0].KeyID != key.KeyID {
			continue
		}
		if key.Algorithm != "" && key.Algorithm != token.Headers[0].Algorithm {
			continue
		}
		if token.Claims(key.Key) == nil {
			return true
		}
	}
	return false
}

// checkAssertion checks the claims (RFC 7523 §3) and remembers the assertion.
func (p *provider) checkAssertion(client Client, claims jwt.Claims) *problem {
	now := p.clock.Now()
	switch {
	case claims.Issuer != client.ID:
		return unknownClient("iss is not the client")
	case len(claims.Audience) != 1 || claims.Audience[0] != p.endpoint("token"):
		return unknownClient("aud is not the token endpoint")
	case claims.Expiry == nil || claims.Expiry.Time().Before(now):
		return unknownClient("the assertion has expired")
	case claims.IssuedAt == nil || claims.IssuedAt.Time().After(now.Add(time.Minute)):
		return unknownClient("iat is missing or in the future")
	case claims.Expiry.Time().After(now.Add(maxAssertionLife)):
		return unknownClient("exp is too far away")
	case claims.ID == "" || len(claims.ID) > 255:
		return unknownClient("jti is missing")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	forget(p.assertions, now)
	seen := client.ID + " " + claims.ID
	if _, replay := p.assertions[seen]; replay {
		return unknownClient("the assertion was used before")
	}
	p.assertions[seen] = expiry(claims.Expiry.Time())
	return nil
}
