package system

import (
	"context"
	"encoding/json"
	"net/url"

	"akashi/internal/connector/identity"
	"akashi/internal/fault"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/office"
)

// citizenLogin is the citizens' login and signing service as the citizen portal sees it. What is kept between the two
// halves of a visit travels as JSON in the portal's server-side session.
type citizenLogin struct{ party *identity.Citizen }

// BeginLogin begins a login in which the card's four particulars are read.
func (l citizenLogin) BeginLogin(ctx context.Context, redirectURI string) (string, []byte, error) {
	address, pending, err := l.party.AuthURL(ctx, identity.LoginRequest{RedirectURI: redirectURI, Particulars: true})
	return kept(address, pending, err)
}

// FinishLogin ends a login.
func (l citizenLogin) FinishLogin(ctx context.Context, pending []byte, callback url.Values) (citizen.Login, error) {
	p, err := found(pending)
	if err != nil {
		return citizen.Login{}, err
	}
	login, err := l.party.Finish(ctx, p, callback)
	if err != nil {
		return citizen.Login{}, err
	}
	return citizen.Login{Issuer: login.Issuer, Subject: login.Subject, Name: login.Particulars.Name, Address: login.Particulars.Address,
		BirthDate: login.Particulars.BirthDate, Sex: login.Particulars.Sex}, nil
}

// StartSignature hands a digest in.
func (l citizenLogin) StartSignature(ctx context.Context, digest [32]byte) (string, error) {
	return l.party.StartSignature(ctx, digest)
}

// BeginSignature begins the visit in which the holder of subject signs.
func (l citizenLogin) BeginSignature(ctx context.Context, redirectURI, transaction, subject string) (string, []byte, error) {
	address, pending, err := l.party.SignatureAuthURL(ctx, identity.SignatureRequest{RedirectURI: redirectURI, Transaction: transaction, Subject: subject})
	return kept(address, pending, err)
}

// FinishSignature ends that visit and returns what the card made.
func (l citizenLogin) FinishSignature(ctx context.Context, pending []byte, callback url.Values) (citizen.Signature, error) {
	p, err := found(pending)
	if err != nil {
		return citizen.Signature{}, err
	}
	s, err := l.party.FinishSignature(ctx, p, callback)
	return citizen.Signature{Value: s.Value, Certificate: s.Certificate}, err
}

// staffLogin is the staff's login as the office portal sees it.
type staffLogin struct{ party *identity.Staff }

// Begin begins a login, or its confirmation with the second factor.
func (l staffLogin) Begin(ctx context.Context, req office.LoginRequest) (string, []byte, error) {
	address, pending, err := l.party.AuthURL(ctx, identity.LoginRequest{RedirectURI: req.RedirectURI, StepUp: req.StepUp,
		MaxAge: req.MaxAge, Subject: req.Subject})
	return kept(address, pending, err)
}

// Finish ends it.
func (l staffLogin) Finish(ctx context.Context, pending []byte, callback url.Values) (office.Login, error) {
	p, err := found(pending)
	if err != nil {
		return office.Login{}, err
	}
	login, err := l.party.Finish(ctx, p, callback)
	return office.Login{Subject: login.Subject, StepUp: login.ACR == identity.ACRStepUp, AuthTime: login.AuthTime}, err
}

// kept writes an unfinished visit down for the session.
func kept(address string, p identity.Pending, err error) (string, []byte, error) {
	if err != nil {
		return "", nil, err
	}
	raw, err := json.Marshal(p)
	return address, raw, fault.Wrap(fault.Internal, err, "keeping a visit to the login service")
}

// found reads it back.
func found(pending []byte) (p identity.Pending, err error) {
	err = json.Unmarshal(pending, &p)
	return p, fault.Wrap(fault.Internal, err, "reading a kept visit to the login service")
}
