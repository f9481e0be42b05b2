package system

import (
	"context"

	"github.com/google/uuid"

	"akashi/internal/connector/webhook"
	"akashi/internal/job"
	"akashi/internal/pg"
	"akashi/internal/relying"
	"akashi/internal/verification"
)

// moved has the watchers of a credential told of its change at once. The sweep finds what was lost.
func (s *System) moved(ctx context.Context, tx *pg.Tx, registerID string, credentialID uuid.UUID) error {
	return s.enqueue(ctx, tx, relying.TellArgs{RegisterID: registerID, CredentialID: credentialID})
}

// relying gives the jobs for registered verifiers their handlers. Credentials are checked under the public's role, which sees
// no more than the verification page does.
func (s *System) relying(ctx context.Context, w *job.Workers, db *pg.DB) error {
	public, err := s.db.As(ctx, pg.RolePublic, 4)
	if err != nil {
		return err
	}
	key := s.vault.WebhookKey()
	sender, err := webhook.New(webhook.Config{KeyID: key.ID(), Key: key.Signer(), Clock: s.Clock, Near: s.WebhookNetworks})
	if err != nil {
		return err
	}
	verifier := &verification.Verifier{DB: public, Catalogue: s.Catalogue, Log: s.Log}
	clerk, err := relying.NewClerk(relying.Clerk{DB: db, Catalogue: s.Catalogue, Verify: verifier.CheckText, Enqueue: s.enqueue, Post: sender.Post}, s.vault.SealKey().Bytes())
	if err != nil {
		return err
	}
	sweep := func(ctx context.Context, _ relyingArgs) error {
		_, err := clerk.Sweep(ctx)
		return err
	}
	for _, add := range []func() error{
		func() error { return job.Handle(w, 0, clerk.Check) },
		func() error { return job.Handle(w, 0, clerk.Bind) },
		func() error { return job.Handle(w, 0, clerk.Tell) },
		func() error { return job.Handle(w, 0, clerk.Send) },
		func() error { return job.Handle(w, 0, sweep) },
	} {
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}
