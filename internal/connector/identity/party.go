package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"akashi/internal/clock"
	"akashi/internal/fault"
)

// Config tells how to reach one outside provider.
type Config struct {
	Issuer   string // such as https://auth-and-sign.go.jp/api/realms/main; plain http only on a loopback address
	ClientID string
	Keys     Keys
	Clock    clock.Clock
	// SignAPI is the address of sign transactions; empty: /api/sign-transactions at the issuer's origin.
	SignAPI string
	// Timeout bounds each call to the provider; 0 means 10 seconds.
	Timeout time.Duration
	// Transport carries the calls; nil means http.DefaultTransport.
	Transport http.RoundTripper
}

// Life of what this side makes, and how far clocks may differ.
const (
	pendingLife   = 15 * time.Minute // longer than a provider keeps a visit
	assertionLife = time.Minute
	clockSkew     = time.Minute
	maxTokenAge   = 10 * time.Minute // of an ID token fresh from the token endpoint
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 §2.2

// party is the relying party of one provider. The provider's metadata is fetched at first use, so that Akashi starts
// while the provider is down, and kept once it is there.
type party struct {
	cfg    Config
	origin string
	client *http.Client

	provider atomic.Pointer[oidc.Provider]
	asking   singleflight.Group
}

func newParty(cfg Config) (*party, error) {
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || !secure(issuer) {
		return nil, fmt.Errorf("provider %q: neither https nor on a loopback address", cfg.Issuer)
	}
	if cfg.ClientID == "" || cfg.Clock == nil {
		return nil, fmt.Errorf("provider %s: no client id or no clock", cfg.Issuer)
	}
	if err := cfg.Keys.check(); err != nil {
		return nil, fmt.Errorf("provider %s: %w", cfg.Issuer, err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	origin := issuer.Scheme + "://" + issuer.Host
	if cfg.SignAPI == "" {
		cfg.SignAPI = origin + "/api/sign-transactions"
	}
	return &party{cfg: cfg, origin: origin, client: newClient(cfg.Transport, cfg.Timeout)}, nil
}

// secure tells whether an address may carry logins.
func secure(u *url.URL) bool {
	host := u.Hostname()
	return u.Host != "" && (u.Scheme == "https" ||
		u.Scheme == "http" && (host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")))
}

// outside returns ctx with the bounded client, which go-oidc and oauth2 take from it.
func (p *party) outside(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.client)
}

// metadata returns the provider, asking for its metadata at first use. Whoever comes while somebody asks waits for the same
// answer, and no longer than they want: one that never comes holds nobody up for more than one timeout.
func (p *party) metadata(ctx context.Context) (*oidc.Provider, error) {
	if provider := p.provider.Load(); provider != nil {
		return provider, nil
	}
	asked := p.asking.DoChan("metadata", func() (any, error) { return p.discover(context.WithoutCancel(ctx)) })
	select {
	case answer := <-asked:
		provider, _ := answer.Val.(*oidc.Provider)
		return provider, answer.Err
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Upstream, ctx.Err(), "waiting for the metadata of "+p.cfg.Issuer)
	}
}

// discover asks for the metadata. The endpoints must lie at the issuer's origin: the provider is one service, and a
// document that points elsewhere is wrong.
func (p *party) discover(ctx context.Context) (*oidc.Provider, error) {
	provider, err := oidc.NewProvider(p.outside(ctx), p.cfg.Issuer)
	if err != nil {
		return nil, fault.Wrap(fault.Upstream, err, "asking "+p.cfg.Issuer+" for its metadata")
	}
	var keys struct {
		URI string `json:"jwks_uri"`
	}
	if err := provider.Claims(&keys); err != nil {
		return nil, fault.Wrap(fault.Upstream, err, "reading the metadata of "+p.cfg.Issuer)
	}
	for _, address := range []string{provider.Endpoint().AuthURL, provider.Endpoint().TokenURL, provider.UserInfoEndpoint(), keys.URI} {
		if !strings.HasPrefix(address, p.origin+"/") {
			return nil, fault.Wrap(fault.Upstream, fmt.Errorf("endpoint %q is elsewhere", address), "reading the metadata of "+p.cfg.Issuer)
		}
	}
	p.provider.Store(provider)
	return provider, nil
}

// oauth returns the OAuth client for one redirect address. Client authentication is by assertion alone, so the library's
// own guess at a secret is switched off: a second try would burn the code.
func (p *party) oauth(provider *oidc.Provider, pending Pending) *oauth2.Config {
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, Endpoint: endpoint, RedirectURL: pending.RedirectURI, Scopes: pending.Scopes,
	}
}

// begin fills in the secrets of a visit and returns the address to send the browser to.
func (p *party) begin(ctx context.Context, pending Pending, extra ...oauth2.AuthCodeOption) (string, Pending, error) {
	provider, err := p.metadata(ctx)
	if err != nil {
		return "", Pending{}, err
	}
	pending.State, pending.Nonce, pending.Verifier = rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	pending.Started = p.cfg.Clock.Now()
	options := append([]oauth2.AuthCodeOption{oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)}, extra...)
	return p.oauth(provider, pending).AuthCodeURL(pending.State, options...), pending, nil
}

// code checks the callback and returns its code (RFC 6749 §4.1.2, RFC 9207 §2.4).
func (p *party) code(flow Flow, pending Pending, callback url.Values) (string, error) {
	values := map[string]string{}
	for _, name := range []string{"state", "iss", "code", "error", "error_description"} {
		value, err := single(callback, name)
		if err != nil {
			return "", restart("identity.callback_strange", err)
		}
		values[name] = value
	}
	age := p.cfg.Clock.Now().Sub(pending.Started)
	switch {
	case pending.Flow != flow || pending.State == "":
		return "", restart("identity.no_visit", errors.New("no such visit was begun"))
	case subtle.ConstantTimeCompare([]byte(values["state"]), []byte(pending.State)) != 1:
		return "", restart("identity.callback_strange", errors.New("state is another one"))
	case values["iss"] != "" && values["iss"] != p.cfg.Issuer:
		return "", restart("identity.callback_strange", errors.New("iss is another provider"))
	case age < 0 || age > pendingLife:
		return "", restart("identity.visit_expired", fmt.Errorf("the visit was begun %v ago", age))
	case values["error"] == "access_denied":
		return "", restart("identity.cancelled", errors.New("access_denied: "+values["error_description"]))
	case values["error"] != "":
		return "", fault.Wrap(fault.Upstream, errors.New(values["error"]+": "+values["error_description"]), "the provider's answer in the callback")
	case values["code"] == "":
		return "", restart("identity.callback_strange", errors.New("no code"))
	}
	return values["code"], nil
}

// restart tells the visitor to begin again.
func restart(key string, cause error) error {
	return &fault.Error{Kind: fault.Unauthenticated, Key: key, Doing: "finishing a visit to the login service", Err: cause}
}

// assertion writes the client's proof of itself (OpenID Connect Core 1.0 §9, private_key_jwt).
func (p *party) assertion(provider *oidc.Provider) (string, error) {
	key, err := publicKey(p.cfg.Keys.Assertion.Public(), "sig", string(jose.ES256))
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: cryptosigner.Opaque(p.cfg.Keys.Assertion)},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", key.KeyID))
	if err != nil {
		return "", fmt.Errorf("client assertion: %w", err)
	}
	now := p.cfg.Clock.Now()
	text, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": p.cfg.ClientID, "sub": p.cfg.ClientID, "aud": provider.Endpoint().TokenURL, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("client assertion: %w", err)
	}
	return text, nil
}

// session is a code exchanged: who it was, and the access token.
type session struct {
	provider *oidc.Provider
	token    *oauth2.Token
	id       *oidc.IDToken
	claims   idClaims
}

// idClaims are the claims of an ID token beyond those that go-oidc reads.
type idClaims struct {
	Name     string           `json:"name"`
	ACR      string           `json:"acr"`
	AMR      []string         `json:"amr"`
	AuthTime *jwt.NumericDate `json:"auth_time"`
	AZP      string           `json:"azp"`
}

// exchange redeems the code and checks the ID token.
func (p *party) exchange(ctx context.Context, pending Pending, code string) (*session, error) {
	provider, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	assertion, err := p.assertion(provider)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "redeeming the code")
	}
	token, err := p.oauth(provider, pending).Exchange(p.outside(ctx), code, oauth2.VerifierOption(pending.Verifier),
		oauth2.SetAuthURLParam("client_assertion_type", assertionType), oauth2.SetAuthURLParam("client_assertion", assertion))
	if err != nil {
		return nil, exchangeFault(err)
	}
	return p.session(ctx, provider, pending, token)
}

// exchangeFault classifies the token endpoint's error: a code that is used up or expired sends the visitor back to the
// start, all else is the provider's or ours.
func exchangeFault(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		return restart("identity.code_refused", err)
	}
	return fault.Wrap(fault.Upstream, err, "redeeming the code")
}

// session checks the ID token (OpenID Connect Core 1.0 §3.1.3.7): signature with ES256 and no other, issuer, audience,
// times, nonce, access token hash, and the subject where a certain one is expected.
func (p *party) session(ctx context.Context, provider *oidc.Provider, pending Pending, token *oauth2.Token) (*session, error) {
	refuse := func(err error) (*session, error) {
		return nil, fault.Wrap(fault.Upstream, err, "checking the ID token")
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return refuse(errors.New("there is none"))
	}
	verifier := provider.Verifier(&oidc.Config{ // keeps the provider's keys, and asks again for one it has not seen
		ClientID: p.cfg.ClientID, SupportedSigningAlgs: []string{oidc.ES256}, Now: p.cfg.Clock.Now,
	})
	id, err := verifier.Verify(p.outside(ctx), raw)
	if err != nil {
		return refuse(err)
	}
	s := &session{provider: provider, token: token, id: id}
	if err := id.Claims(&s.claims); err != nil {
		return refuse(err)
	}
	now := p.cfg.Clock.Now()
	switch {
	case len(id.Audience) != 1 || s.claims.AZP != "" && s.claims.AZP != p.cfg.ClientID:
		return refuse(errors.New("it is for others too"))
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(pending.Nonce)) != 1:
		return refuse(errors.New("nonce is another one"))
	case id.Subject == "" || len(id.Subject) > 255:
		return refuse(errors.New("no subject"))
	case id.IssuedAt.After(now.Add(clockSkew)) || id.IssuedAt.Before(now.Add(-maxTokenAge)):
		return refuse(fmt.Errorf("issued at %v", id.IssuedAt))
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return refuse(err)
		}
	}
	if pending.Subject != "" && pending.Subject != id.Subject {
		return nil, &fault.Error{Kind: fault.Forbidden, Key: "identity.someone_else", Doing: "checking the ID token",
			Err: errors.New("another person came back")}
	}
	return s, nil
}

// login puts together what a session tells.
func (s *session) login() Login {
	l := Login{Issuer: s.id.Issuer, Subject: s.id.Subject, Name: s.claims.Name, ACR: s.claims.ACR, AMR: s.claims.AMR}
	if s.claims.AuthTime != nil {
		l.AuthTime = s.claims.AuthTime.Time().In(clock.JST)
	}
	return l
}
