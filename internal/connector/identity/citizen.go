package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"akashi/internal/fault"
)

// acrCitizen is what is asked of a citizen's login: assurance level 3, and that the provider looks the card's
// authentication certificate up in the revocation list. The value is the published example; the official table of
// values could not be read.
const acrCitizen = "aal3 crl"

// levelCitizen is what an ID token must say about how its subject was authenticated: acr_values is a wish (OpenID Connect
// Core 1.0 §3.1.2.1), and a provider may answer with a weaker login.
const levelCitizen = "aal3"

// Citizen is the relying party of the citizens' login and signing service. It is safe for concurrent use.
type Citizen struct{ party *party }

// NewCitizen prepares the relying party. It reaches no network.
func NewCitizen(cfg Config) (*Citizen, error) {
	p, err := newParty(cfg)
	if err != nil {
		return nil, err
	}
	if _, _, err := cfg.Keys.decryption(); err != nil {
		return nil, err
	}
	return &Citizen{p}, nil
}

// AuthURL begins a login: it returns the address to send the browser to, and what the portal keeps until Finish.
func (c *Citizen) AuthURL(ctx context.Context, req LoginRequest) (string, Pending, error) {
	pending := Pending{Flow: FlowLogin, RedirectURI: req.RedirectURI, Scopes: []string{"openid"}, Subject: req.Subject}
	if req.Particulars {
		pending.Scopes = []string{"openid", "name", "address", "birthdate", "gender"}
	}
	return c.party.begin(ctx, pending, oauth2.SetAuthURLParam("acr_values", acrCitizen))
}

// Finish ends a login with the query of the callback.
func (c *Citizen) Finish(ctx context.Context, pending Pending, callback url.Values) (Login, error) {
	code, err := c.party.code(FlowLogin, pending, callback)
	if err != nil {
		return Login{}, err
	}
	s, err := c.party.exchange(ctx, pending, code)
	if err != nil {
		return Login{}, err
	}
	login := s.login()
	if !slices.Contains(strings.Fields(login.ACR), levelCitizen) {
		return Login{}, restart("identity.weak_login", fmt.Errorf("acr is %q", login.ACR))
	}
	if len(pending.Scopes) == 1 {
		return login, nil
	}
	login.Particulars, err = c.particulars(ctx, s)
	return login, err
}

// particulars asks for the four basic particulars. They must be those of the ID token's subject (OpenID Connect Core 1.0
// §5.3.2).
func (c *Citizen) particulars(ctx context.Context, s *session) (Particulars, error) {
	req, err := http.NewRequest(http.MethodGet, s.provider.UserInfoEndpoint(), nil)
	if err != nil {
		return Particulars{}, fault.Wrap(fault.Internal, err, "asking for the particulars")
	}
	s.token.SetAuthHeader(req)
	var info userinfo
	if err := c.party.get(ctx, req, &info); err != nil {
		return Particulars{}, err
	}
	if info.Subject != s.id.Subject {
		return Particulars{}, fault.Wrap(fault.Upstream, errors.New("they are somebody else's"), "reading the particulars")
	}
	p, err := info.particulars()
	return p, fault.Wrap(fault.Upstream, err, "reading the particulars")
}
