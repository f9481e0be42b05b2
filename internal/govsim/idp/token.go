package idp

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// grant is what a code stands for.
type grant struct {
	request  request
	outcome  outcome
	authTime time.Time
	until    time.Time
	used     bool
	token    string // access token given for it
}

// ends keeps a used code as long as its token lives, so that a second use is seen (RFC 6749 §4.1.2).
func (g *grant) ends() time.Time { return g.until.Add(tokenLife) }

// access is what an access token allows.
type access struct {
	client      string
	subject     string // empty: the client's own token, for starting sign transactions
	info        map[string]any
	transaction string // result it may fetch
	until       time.Time
}

func (a *access) ends() time.Time { return a.until }

// token is the token endpoint (RFC 6749 §3.2).
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	form, problem := readForm(r)
	if problem != nil {
		problem.write(w)
		return
	}
	client, problem := p.authenticate(form)
	if problem != nil {
		problem.write(w)
		return
	}
	var answer map[string]any
	switch form.Get("grant_type") {
	case "authorization_code":
		answer, problem = p.redeem(client, form)
	case "client_credentials":
		answer, problem = p.clientToken(client)
	default:
		problem = bad("unsupported_grant_type", "neither authorization_code nor client_credentials")
	}
	if problem != nil {
		problem.write(w)
		return
	}
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, http.StatusOK, answer)
}

// readForm reads a form in which no name stands twice.
func readForm(r *http.Request) (url.Values, *problem) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, bad("invalid_request", "the body is no form")
	}
	if err := r.ParseForm(); err != nil {
		return nil, bad("invalid_request", "the form cannot be read")
	}
	for name, values := range r.PostForm {
		if len(values) != 1 {
			return nil, bad("invalid_request", "%s stands more than once", name)
		}
	}
	return r.PostForm, nil
}

// redeem exchanges a code for tokens. A code works once; its second use takes back the token of the first.
func (p *provider) redeem(client Client, form url.Values) (map[string]any, *problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	g := p.codes[form.Get("code")]
	switch {
	case g == nil || g.request.client.ID != client.ID:
		return nil, bad("invalid_grant", "no such code")
	case g.used:
		delete(p.tokens, g.token)
		return nil, bad("invalid_grant", "the code was used before")
	case g.until.Before(now):
		return nil, bad("invalid_grant", "the code has expired")
	case form.Get("redirect_uri") != g.request.redirectURI:
		return nil, bad("invalid_grant", "redirect_uri is not the one of the request")
	case !proves(form.Get("code_verifier"), g.request.challenge):
		g.used = true
		return nil, bad("invalid_grant", "code_verifier does not fit the challenge")
	}
	g.used, g.token = true, rand.Text()
	forget(p.tokens, now)
	p.tokens[g.token] = &access{client.ID, g.outcome.subject, g.outcome.info, g.request.transaction, now.Add(tokenLife)}
	idToken, err := p.idToken(g, now)
	if err != nil {
		return nil, failure(http.StatusInternalServerError, "server_error", "the ID token cannot be signed")
	}
	return map[string]any{
		"access_token": g.token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()), "id_token": idToken,
		"scope": strings.Join(g.request.scopes, " "),
	}, nil
}

// proves tells whether verifier is the one behind the challenge (RFC 7636 §4.6).
func proves(verifier, challenge string) bool {
	const allowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~"
	if len(verifier) < 43 || len(verifier) > 128 || strings.Trim(verifier, allowed) != "" {
		return false
	}
	digest := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(digest[:])), []byte(challenge)) == 1
}

// idToken writes the ID token (OpenID Connect Core 1.0 §2).
func (p *provider) idToken(g *grant, now time.Time) (string, error) {
	key, err := p.publicKey()
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: key.KeyID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	half := sha256.Sum256([]byte(g.token))
	claims := map[string]any{
		"iss": p.issuer, "sub": g.outcome.subject, "aud": g.request.client.ID, "iat": now.Unix(), "exp": now.Add(idTokenLife).Unix(),
		"auth_time": g.authTime.Unix(), "nonce": g.request.nonce, "acr": g.outcome.acr, "amr": g.outcome.amr, "jti": rand.Text(),
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:len(half)/2]),
	}
	for name, value := range g.outcome.claims {
		claims[name] = value
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// clientToken gives a client a token of its own, which starts sign transactions.
func (p *provider) clientToken(client Client) (map[string]any, *problem) {
	if !slices.Contains(client.Scopes, "sign") {
		return nil, bad("unauthorized_client", "the client may not ask for signatures")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	token := rand.Text()
	forget(p.tokens, now)
	p.tokens[token] = &access{client: client.ID, until: now.Add(tokenLife)}
	return map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())}, nil
}

// bearer returns what the request's access token allows (RFC 6750 §2.1).
func (p *provider) bearer(r *http.Request) (access, *problem) {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.tokens[token]
	if !found || a == nil || a.until.Before(p.clock.Now()) {
		return access{}, failure(http.StatusUnauthorized, "invalid_token", "no valid access token")
	}
	return *a, nil
}

// userinfo tells what the granted scopes allow (OpenID Connect Core 1.0 §5.3).
func (p *provider) userinfo(w http.ResponseWriter, r *http.Request) {
	a, problem := p.bearer(r)
	if problem == nil && a.subject == "" {
		problem = forbidden("the token is not one of a person")
	}
	if problem != nil {
		problem.write(w)
		return
	}
	info := map[string]any{"sub": a.subject}
	for name, value := range a.info {
		info[name] = value
	}
	writeJSON(w, http.StatusOK, info)
}
