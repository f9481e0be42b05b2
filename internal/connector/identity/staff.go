package identity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"akashi/internal/fault"
)

// ACRStepUp is the authentication context of a login confirmed with a second factor.
const ACRStepUp = "step-up"

// Staff is the relying party of the staff's login. It is safe for concurrent use.
type Staff struct{ party *party }

// NewStaff prepares the relying party. It reaches no network.
func NewStaff(cfg Config) (*Staff, error) {
	p, err := newParty(cfg)
	if err != nil {
		return nil, err
	}
	return &Staff{p}, nil
}

// AuthURL begins a login or, with StepUp, its confirmation with a second factor.
func (s *Staff) AuthURL(ctx context.Context, req LoginRequest) (string, Pending, error) {
	pending := Pending{
		Flow: FlowStaff, RedirectURI: req.RedirectURI, Scopes: []string{"openid", "profile"}, StepUp: req.StepUp,
		MaxAge: req.MaxAge, Subject: req.Subject,
	}
	var extra []oauth2.AuthCodeOption
	if req.StepUp {
		extra = append(extra, oauth2.SetAuthURLParam("acr_values", ACRStepUp))
	}
	if req.MaxAge > 0 {
		extra = append(extra, oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(req.MaxAge.Seconds()))))
	}
	return s.party.begin(ctx, pending, extra...)
}

// Finish ends a login. A provider may answer a request for a second factor without having asked for it (acr_values is a
// wish, OpenID Connect Core 1.0 §3.1.2.1), so the answer is checked; fault.StepUp tells that it fell short.
func (s *Staff) Finish(ctx context.Context, pending Pending, callback url.Values) (Login, error) {
	code, err := s.party.code(FlowStaff, pending, callback)
	if err != nil {
		return Login{}, err
	}
	visit, err := s.party.exchange(ctx, pending, code)
	if err != nil {
		return Login{}, err
	}
	login := visit.login()
	if pending.StepUp && login.ACR != ACRStepUp {
		return Login{}, fault.Wrap(fault.StepUp, fmt.Errorf("acr is %q", login.ACR), "checking the second factor")
	}
	now := s.party.cfg.Clock.Now()
	oldest := now.Add(-pending.MaxAge - clockSkew)
	switch {
	case pending.MaxAge == 0:
		return login, nil
	case login.AuthTime.IsZero() || login.AuthTime.After(now.Add(clockSkew)):
		return Login{}, fault.Wrap(fault.Upstream, errors.New("auth_time is missing or in the future"), "checking the login's age")
	case login.AuthTime.Before(oldest):
		return Login{}, fault.Wrap(fault.StepUp, fmt.Errorf("logged in at %s", login.AuthTime.Format(time.RFC3339)), "checking the login's age")
	}
	return login, nil
}
