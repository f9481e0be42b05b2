package system

import (
	"context"
	"fmt"
	"net/http"

	"akashi/internal/api"
	"akashi/internal/application"
	"akashi/internal/credential"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/office"
	"akashi/internal/portal/public"
	"akashi/internal/registry"
	"akashi/internal/review"
	"akashi/internal/server"
	"akashi/internal/verification"
)

// build makes the handler of a part over its own database.
type build func(*pg.DB) (http.Handler, error)

// listen makes the parts that answer requests and binds their addresses.
func (s *System) listen(ctx context.Context) error {
	for _, p := range []struct {
		part  Part
		build build
	}{{Citizen, s.citizen}, {Office, s.office}, {Public, s.public}, {API, s.api}} {
		if !s.Runs(p.part) {
			continue
		}
		if err := s.bind(ctx, p.part, p.build); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) bind(ctx context.Context, p Part, make build) error {
	db, err := s.as(ctx, p)
	if err != nil {
		return err
	}
	handler, err := make(db)
	if err != nil {
		return fmt.Errorf("making the part %s: %w", p, err)
	}
	l, err := server.Listen(server.Config{Name: string(p), Addr: s.Addresses[p].Listen, Handler: handler,
		Health: db.Pool.Ping, Logger: s.Log, Metrics: s.Metrics})
	if err != nil {
		return err
	}
	s.servers = append(s.servers, l)
	return nil
}

// citizen is the portal of applicants and holders.
func (s *System) citizen(db *pg.DB) (http.Handler, error) {
	refKey := s.vault.RefKey().Bytes()
	charger := payment.Charger{Catalogue: s.Catalogue, Enqueue: s.enqueue}
	desk := application.NewDesk(application.Config{DB: db, Catalogue: s.Catalogue, RefKey: refKey, Blobs: s.blobs, Verify: s.outside.verify,
		Ask: s.outside.ask, Enqueue: s.enqueue, Charge: charger.Charge, Ended: charger.Withdrawn, Entry: registry.Own})
	return citizen.New(citizen.Config{
		Origin: s.origin(Citizen), Demo: s.Demo, Log: s.Log, Proxies: s.Proxies, VerifyURL: s.credentialBase(),
		FormAction: []string{originOf(s.CitizenLogin.Issuer), originOf(s.Payment.URL)},
		Desk:       desk,
		Counter:    &payment.Counter{Desk: desk, Provider: s.outside.provider, ReturnURL: citizen.ReturnURL(s.origin(Citizen))},
		Wallet:     &credential.Wallet{DB: db, Catalogue: s.Catalogue, RefKey: refKey},
		Identity:   citizenLogin{s.outside.citizens},
	})
}

// office is the console of registrars' staff.
func (s *System) office(db *pg.DB) (http.Handler, error) {
	return office.New(office.Config{
		Origin: s.origin(Office), Demo: s.Demo, Log: s.Log, Proxies: s.Proxies, FormAction: []string{originOf(s.StaffLogin.Issuer)},
		Desk: s.reviewDesk(db), Reader: &registry.Reader{DB: db}, Blobs: s.blobs, Identity: staffLogin{s.outside.staff},
	})
}

// reviewDesk is where staff work; an approval enters the register and makes the credential's intent in its transaction.
func (s *System) reviewDesk(db *pg.DB) *review.Desk {
	issuer := credential.NewIssuer(credential.Config{Catalogue: s.Catalogue, Enqueue: s.enqueue})
	enter := func(ctx context.Context, tx *pg.Tx, d review.Decided) error {
		change, err := registry.Enter(ctx, tx, d)
		if err != nil {
			return err
		}
		return issuer.Follow(ctx, tx, d, change)
	}
	return review.NewDesk(review.Config{DB: db, Catalogue: s.Catalogue, Enter: enter, LookUp: registry.Examine})
}

// public is the verification page with the published keys.
func (s *System) public(db *pg.DB) (http.Handler, error) {
	return public.New(public.Config{Origin: s.origin(Public), APIOrigin: s.origin(API), Demo: s.Demo, Log: s.Log, Proxies: s.Proxies,
		Verifier: &verification.Verifier{DB: db, Catalogue: s.Catalogue, Log: s.Log}})
}

// api is the interface for machines, the payment provider's callbacks among them.
func (s *System) api(db *pg.DB) (http.Handler, error) {
	return api.New(api.Config{Origin: s.origin(API), Log: s.Log, Proxies: s.Proxies,
		Verifier: &verification.Verifier{DB: db, Catalogue: s.Catalogue, Log: s.Log},
		Prove:    s.outside.provider.event, Receiver: &payment.Receiver{DB: db, Enqueue: s.enqueue}})
}
