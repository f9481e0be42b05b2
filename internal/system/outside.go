package system

import (
	"context"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/application"
	"akashi/internal/connector/family"
	"akashi/internal/connector/identity"
	"akashi/internal/connector/payment"
	"akashi/internal/connector/resident"
	"akashi/internal/connector/timestamp"
	"akashi/internal/connector/wire"
	"akashi/internal/format/jpki"
	"akashi/internal/vault"
)

// outside holds the connections to the outside systems that the process's parts need. Making them reaches no network, so
// that Akashi starts while an outside system is down.
type outside struct {
	citizens *identity.Citizen
	staff    *identity.Staff
	ask      map[string]application.Ask
	provider *cashdesk
	verify   application.VerifySignature
	stamps   *timestamp.Client // nil: no timestamp authority is configured
}

// connect prepares the connections.
func (s *System) connect(context.Context) error {
	for _, step := range []func() error{s.connectLogins, s.connectRegistries, s.connectPayment, s.connectTimestamps, s.trustCards} {
		if err := step(); err != nil {
			return fmt.Errorf("connecting to the outside systems: %w", err)
		}
	}
	return nil
}

func (s *System) connectLogins() (err error) {
	if s.Runs(Citizen) {
		s.outside.citizens, err = identity.NewCitizen(identity.Config{Issuer: s.CitizenLogin.Issuer, ClientID: s.CitizenLogin.ClientID,
			SignAPI: s.CitizenLogin.SignAPI, Keys: citizenKeys(s.vault), Clock: s.Clock})
		if err != nil {
			return err
		}
	}
	if s.Runs(Office) {
		s.outside.staff, err = identity.NewStaff(identity.Config{Issuer: s.StaffLogin.Issuer, ClientID: s.StaffLogin.ClientID,
			Keys: staffKeys(s.vault), Clock: s.Clock})
	}
	return err
}

// citizenKeys are our keys at the citizens' login.
func citizenKeys(v *vault.Vault) identity.Keys {
	return identity.Keys{Assertion: v.CitizenClientKey().Signer(), Decryption: v.CitizenClientDecryption().Decrypter()}
}

// staffKeys are our keys at the staff's login.
func staffKeys(v *vault.Vault) identity.Keys {
	return identity.Keys{Assertion: v.StaffClientKey().Signer()}
}

// ClientKeys are the public halves of the keys by which the outside systems know us: what is registered with them.
type ClientKeys struct {
	CitizenLogin jose.JSONWebKeySet `json:"citizen_login"`
	StaffLogin   jose.JSONWebKeySet `json:"staff_login"`
	Services     jose.JSONWebKeySet `json:"services"` // registries and payment provider
}

// PublicKeys reads them from the keys in a data directory, which it makes where they are missing.
func PublicKeys(dataDir string) (k ClientKeys, err error) {
	v, err := OpenVault(dataDir)
	if err != nil {
		return k, err
	}
	if k.CitizenLogin, err = citizenKeys(v).Public(); err != nil {
		return k, err
	}
	if k.StaffLogin, err = staffKeys(v).Public(); err != nil {
		return k, err
	}
	key := v.ServicesClientKey()
	k.Services = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: key.ID(), Use: "sig", Algorithm: string(jose.ES256)}}}
	return k, nil
}

// calling is how one of the services is called.
func (s *System) calling(v Service) wire.Config {
	key := s.vault.ServicesClientKey()
	return wire.Config{BaseURL: v.URL, ClientID: v.ClientID, KeyID: key.ID(), Key: key.Signer(), Clock: s.Clock}
}

func (s *System) connectRegistries() error {
	if !s.Runs(Citizen) && !s.Runs(Worker) {
		return nil
	}
	r, err := resident.New(s.calling(s.Resident))
	if err != nil {
		return err
	}
	f, err := family.New(s.calling(s.Family))
	if err != nil {
		return err
	}
	s.outside.ask = map[string]application.Ask{application.Resident: askResident(r), application.Family: askFamily(f)}
	return nil
}

// CallbackPath is where the API takes the payment provider's callbacks.
const CallbackPath = "/callbacks/payment"

func (s *System) connectPayment() error {
	if !s.Runs(Citizen) && !s.Runs(API) && !s.Runs(Worker) {
		return nil
	}
	client, err := payment.New(s.calling(s.Payment))
	if err != nil {
		return err
	}
	s.outside.provider = &cashdesk{client: client, catalogue: s.Catalogue, callback: s.origin(API) + CallbackPath}
	return nil
}

// connectTimestamps prepares the asking for timestamps, where an authority is configured.
func (s *System) connectTimestamps() (err error) {
	if s.Timestamps.URL == "" {
		return nil
	}
	s.outside.stamps, err = timestamp.New(timestamp.Config{URL: s.Timestamps.URL, Lists: s.Timestamps.Lists, Anchors: s.Timestamps.Anchors, Clock: s.Clock})
	return err
}

// trustCards prepares the verification of signatures made with the national ID card.
func (s *System) trustCards() error {
	if !s.Runs(Citizen) {
		return nil
	}
	lists, err := identity.NewCRLServer(s.RevocationLists, 0, nil)
	if err != nil {
		return err
	}
	s.outside.verify = verifySignature(&jpki.Verifier{Anchors: s.Anchors, CRLs: lists.Fetch, Now: s.Clock.Now})
	return nil
}
