package system

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"akashi/internal/api"
	"akashi/internal/application"
	"akashi/internal/authoring"
	"akashi/internal/credential"
	"akashi/internal/credential/paper"
	"akashi/internal/issuance"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/office"
	"akashi/internal/portal/public"
	"akashi/internal/presentation"
	"akashi/internal/registry"
	"akashi/internal/relying"
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
		Ask: s.outside.ask, Enqueue: s.enqueue, Charge: charger.Charge, Ended: charger.Withdrawn, Entry: registry.Own, Attest: registry.Attest})
	return citizen.New(citizen.Config{
		Origin: s.origin(Citizen), Demo: s.Demo, Log: s.Log, Proxies: s.Proxies, VerifyURL: s.credentialBase(),
		FormAction: append([]string{originOf(s.CitizenLogin.Issuer), originOf(s.Payment.URL)}, s.Wallets.Origins()...),
		Desk:       desk,
		Counter:    &payment.Counter{Desk: desk, Provider: s.outside.provider, ReturnURL: citizen.ReturnURL(s.origin(Citizen))},
		Offers:     &issuance.Holder{DB: db, Catalogue: s.Catalogue, RefKey: refKey, Forms: issuance.WalletForms(s.origin(Public)), Wallets: s.Wallets, Base: s.issuerBase()},
		Holder:     &relying.Holder{DB: db, Catalogue: s.Catalogue, RefKey: refKey, Enqueue: s.enqueue},
		Wallet:     &credential.Wallet{DB: db, Catalogue: s.Catalogue, RefKey: refKey, Issuer: s.issuer(db), Enqueue: s.enqueue, Moved: s.moved},
		Identity:   citizenLogin{s.outside.citizens},
	})
}

// office is the console of registrars' staff.
func (s *System) office(db *pg.DB) (http.Handler, error) {
	return office.New(office.Config{
		Origin: s.origin(Office), Demo: s.Demo, Log: s.Log, Proxies: s.Proxies, FormAction: []string{originOf(s.StaffLogin.Issuer)},
		Desk: s.reviewDesk(db), Reader: &registry.Reader{DB: db}, Blobs: s.blobs, Identity: staffLogin{s.outside.staff},
		Authors: &authoring.Desk{DB: db, Catalogue: s.Catalogue, Files: s.files, Carried: s.authors.Carried},
		Intake:  s.intake(db), VerifyURL: s.credentialBase(),
	})
}

// intake is where staff enter what came on paper. Nothing is charged there and nothing is given back: what was paid was paid on paper.
func (s *System) intake(db *pg.DB) *application.Intake {
	ended := func(context.Context, *pg.Tx, *application.Case) error { return nil }
	return application.NewIntake(application.Config{DB: db, Catalogue: s.Catalogue, Blobs: s.blobs, Enqueue: s.enqueue,
		Charge: payment.Note, Ended: ended, Held: registry.Held})
}

// issuer makes credentials and their copies under the role of db. It may sign with every purpose but the status lists'.
func (s *System) issuer(db *pg.DB) *credential.Issuer {
	return credential.NewIssuer(credential.Config{DB: db, Catalogue: s.Catalogue, Enqueue: s.enqueue, Moved: s.moved,
		Sign:       s.keys.For(string(credential.ForCredential), string(credential.ForDocument), string(credential.ForMDoc)),
		StatusBase: s.statusBase(), IssuerBase: s.origin(API) + "/issuers"})
}

// sealer completes signed PDFs. Without a timestamp authority they get no timestamp.
func (s *System) sealer(db *pg.DB) *credential.Sealer {
	sealer := &credential.Sealer{DB: db}
	if s.outside.stamps != nil {
		sealer.Stamp, sealer.Evidence = s.outside.stamps.Stamp, s.outside.stamps.Evidence
	}
	return sealer
}

// papers makes the PDFs that holders ask for. The fonts are read when the first one is.
func (s *System) papers(issuer *credential.Issuer) *credential.Papers {
	sealer := s.sealer(issuer.DB)
	printer := sync.OnceValues(func() (*paper.Printer, error) {
		text, names, err := s.fonts.Families()
		return paper.New(text, names), err
	})
	lay := func(p paper.Paper) ([]byte, error) {
		press, err := printer()
		if err != nil {
			return nil, err
		}
		return press.Print(p)
	}
	return &credential.Papers{Issuer: issuer, Lay: lay, Seal: sealer.Seal, Timestamped: sealer.Stamp != nil, Blobs: s.blobs, Base: s.credentialBase(), Check: originOf(s.credentialBase()) + "/"}
}

// Where the verification site publishes status lists, and the API the trust list.
const (
	statusPath   = "/status"
	apiTrustPath = api.TrustListPath
)

// statusBase is what addresses of status lists begin with.
func (s *System) statusBase() string { return s.origin(Public) + statusPath }

// reviewDesk is where staff work; an approval enters the register and makes the credential's intent in its transaction.
func (s *System) reviewDesk(db *pg.DB) *review.Desk {
	issuer := credential.NewIssuer(credential.Config{Catalogue: s.Catalogue, Enqueue: s.enqueue, Moved: s.moved})
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
	v := &verification.Verifier{DB: db, Catalogue: s.Catalogue, Log: s.Log}
	c := public.Config{Origin: s.origin(Public), APIOrigin: s.origin(API), Demo: s.Demo, Log: s.Log, Proxies: s.Proxies, Verifier: v,
		SealKey: s.vault.SealKey().Bytes()}
	if s.origin(API) != "" { // that is where wallets answer
		var err error
		if c.Wallets, err = s.reader(db, v, false); err != nil {
			return nil, err
		}
	}
	return public.New(c)
}

// reader asks wallets and takes their answers, under the role of db; only the API answers them.
func (s *System) reader(db *pg.DB, v *verification.Verifier, answers bool) (*presentation.Reader, error) {
	c := presentation.Config{DB: db, Prefix: presentation.PrefixHash, Name: "Akashi", Scheme: "openid4vp", AnswerURL: api.AnswerURL(s.origin(API)),
		ReturnURL: s.origin(Public) + presentation.ReturnPath, Kinds: presentation.KindsOf(s.Catalogue, s.origin(Public)), Verifier: v}
	if answers {
		c.Secret, c.Sign = s.vault.PresentationKey().Bytes(), s.keys.For(verifierPurpose)
	}
	return presentation.NewReader(c)
}

// api is the interface for machines, wallets and the payment provider's callbacks among them.
func (s *System) api(db *pg.DB) (http.Handler, error) {
	wallets, err := s.db.As(context.Background(), pg.RoleIssuance, poolSize(API))
	if err != nil {
		return nil, fmt.Errorf("opening the database for issuance to wallets: %w", err)
	}
	verifier := &verification.Verifier{DB: db, Catalogue: s.Catalogue, Log: s.Log}
	own, err := s.db.As(context.Background(), pg.RoleRelying, poolSize(API))
	if err != nil {
		return nil, err
	}
	desk, err := relying.NewDesk(relying.Config{DB: own, Catalogue: s.Catalogue, Verify: verifier.CheckText, Enqueue: s.enqueue, SealKey: s.vault.SealKey().Bytes()})
	if err != nil {
		return nil, err
	}
	reader, err := s.reader(db, verifier, true)
	if err != nil {
		return nil, err
	}
	return api.New(api.Config{Origin: s.origin(API), Log: s.Log, Proxies: s.Proxies,
		Verifier: verifier, Reader: reader, Relying: desk, WebhookKeyID: s.vault.WebhookKey().ID(), WebhookKey: s.vault.WebhookKey().Public(),
		Prove: s.outside.provider.event, Receiver: &payment.Receiver{DB: db, Enqueue: s.enqueue}, Wallets: s.wallets(wallets)})
}

// wallets hands credentials to wallets, under a role that sees what one reference holds.
func (s *System) wallets(db *pg.DB) *issuance.Server {
	return &issuance.Server{DB: db, Catalogue: s.Catalogue, Issuer: s.issuer(db), Forms: issuance.WalletForms(s.origin(Public)), Wallets: s.Wallets,
		Nonces: issuance.NewNonces(s.vault.RefKey().Bytes()), Base: s.issuerBase(), Authorize: s.origin(Citizen) + citizen.AuthorizePath,
		Providers: s.WalletProviders}
}

// issuerBase begins the identifiers of the registrars as issuers of credentials.
func (s *System) issuerBase() string { return s.origin(API) + "/issuers" }
