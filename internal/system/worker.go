package system

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/blob"
	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/issuance"
	"akashi/internal/job"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/ui"
	"akashi/internal/presentation"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/verification"
)

// worker works the jobs, numbers the audit log and publishes status lists.
type worker struct {
	db        *pg.DB
	runner    *job.Runner
	sequencer *audit.Sequencer
	publisher *credential.Publisher
}

// startWorker prepares the worker, if this process runs it: signing keys, handlers, periods.
func (s *System) startWorker(ctx context.Context) error {
	if !s.Runs(Worker) {
		return nil
	}
	db, err := s.as(ctx, Worker)
	if err != nil {
		return err
	}
	if err := s.publishKeys(ctx, db); err != nil {
		return err
	}
	workers := job.NewWorkers()
	if err := s.relying(ctx, workers, db); err != nil {
		return err
	}
	if err := s.handle(workers, db); err != nil {
		return err
	}
	metrics, numbers, err := s.workerMetrics()
	if err != nil {
		return err
	}
	runner, err := job.NewRunner(job.Config{DB: db, Workers: workers, Periodic: periods(), Logger: s.Log, Metrics: metrics})
	if err != nil {
		return err
	}
	sequencer := audit.NewSequencer(audit.SequencerConfig{DB: db, Signer: s.vault.Checkpoint().Signer(), Logger: s.Log, Metrics: numbers,
		CheckpointEvery: time.Minute})
	status, err := s.db.As(ctx, pg.RoleStatus, 3)
	if err != nil {
		return fmt.Errorf("opening the database for publishing status lists: %w", err)
	}
	publisher := credential.NewPublisher(credential.PublisherConfig{DB: status, Catalogue: s.Catalogue, Sign: s.keys.For(string(credential.ForStatus)),
		StatusBase: s.statusBase(), Logger: s.Log})
	s.worker = &worker{db: db, runner: runner, sequencer: sequencer, publisher: publisher}
	return nil
}

func (s *System) workerMetrics() (*job.Metrics, *audit.Metrics, error) {
	if s.Metrics == nil {
		return nil, nil, nil
	}
	jobs, err := job.NewMetrics(s.Metrics.Registerer())
	if err != nil {
		return nil, nil, fmt.Errorf("publishing numbers of jobs: %w", err)
	}
	log, err := audit.NewMetrics(s.Metrics.Registerer())
	if err != nil {
		return nil, nil, fmt.Errorf("publishing numbers of the audit log: %w", err)
	}
	return jobs, log, nil
}

// publishKeys sees that every registrar that keeps a register has a key for each purpose, that keys have certificates where
// there is an authority of our own, and that everybody can find the public halves. Publishing all keys each time makes up
// for a crash between making one and publishing it.
func (s *System) publishKeys(ctx context.Context, db *pg.DB) error {
	var uses []signer.Use
	for _, r := range s.Catalogue.Keepers() {
		for _, p := range credential.Purposes {
			uses = append(uses, signer.Use{Registrar: r.ID, Purpose: string(p)})
		}
	}
	uses = append(uses, signer.Use{Registrar: platform, Purpose: verifierPurpose}, signer.Use{Registrar: platform, Purpose: trustPurpose})
	if err := s.keys.EnsureAll(uses); err != nil {
		return fmt.Errorf("making the registrars' keys: %w", err)
	}
	if err := s.certifyKeys(); err != nil {
		return err
	}
	var all []credential.SigningKey
	for _, k := range s.keys.Public() {
		if slices.Contains(credential.Purposes, credential.Purpose(k.Purpose)) {
			all = append(all, credential.SigningKey{KID: k.KID, Registrar: k.Registrar, Purpose: credential.Purpose(k.Purpose), Public: k.Public,
				Chain: k.Chain, NotBefore: k.NotBefore})
		}
	}
	if err := credential.PublishKeys(ctx, db, all...); err != nil {
		return err
	}
	if err := s.publishVerifierKeys(ctx, db); err != nil {
		return err
	}
	if err := s.publishTrust(ctx, db); err != nil {
		return err
	}
	return s.publishRevocations(ctx, db)
}

// The platform's own keys: by one wallets know who asks them, by the other the trust list is signed. They are no registrar's, so
// no such purposes are published for one.
const (
	platform        = "platform"
	verifierPurpose = "verifier"
	trustPurpose    = "trust"
)

// publishTrust publishes the trust list, as far as there is a key with a certificate for it: without one nobody could know by
// whom it is.
func (s *System) publishTrust(ctx context.Context, db *pg.DB) error {
	_, err := trustPublisher(s.keys, db, s.Catalogue, s.origin(Public), s.origin(API)).Publish(ctx)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// trustPublisher signs trust lists with the platform's newest key for them.
func trustPublisher(keys *signer.Signer, db *pg.DB, cat *qualification.Catalogue, public, api string) *verification.TrustPublisher {
	key, _ := keys.Current(signer.Use{Registrar: platform, Purpose: trustPurpose})
	return &verification.TrustPublisher{DB: db, Catalogue: cat, Site: public, Address: api + apiTrustPath, StatusBase: public + statusPath,
		KID: key.KID, Chain: key.Chain, Sign: keys.For(trustPurpose)}
}

// publishVerifierKeys publishes the keys with which wallets are asked, as far as they have certificates: without one there is
// nothing by which a wallet could know us, and the pages say that it is not offered.
func (s *System) publishVerifierKeys(ctx context.Context, db *pg.DB) error {
	for _, k := range s.keys.Public() {
		if k.Registrar != platform || k.Purpose != verifierPurpose || len(k.Chain) == 0 {
			continue
		}
		if err := presentation.PublishKey(ctx, db, presentation.Key{KID: k.KID, Chain: k.Chain, NotBefore: k.NotBefore}); err != nil {
			return err
		}
	}
	return nil
}

// InitCA makes an issuing authority of our own in a data directory, unless it has one.
func InitCA(dataDir, name string, c clock.Clock) error {
	_, err := signer.InitCA(keysDir(dataDir), name, c)
	if errors.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// certifyKeys lets the authority of our own, where there is one, certify what has no certificate.
func (s *System) certifyKeys() error {
	ca, err := signer.OpenCA(keysDir(s.DataDir), s.origin(Public)+"/.well-known/akashi")
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.keys.Certify(ca, func(registrar string) string {
		if r, ok := s.Catalogue.Registrar(registrar); ok && r.Name.EN != "" {
			return r.Name.In(qualification.EN)
		}
		return registrar
	})
}

// handle gives every kind of job its handler.
func (s *System) handle(w *job.Workers, db *pg.DB) error {
	clerk := &application.Clerk{DB: db, Catalogue: s.Catalogue, Ask: s.outside.ask, Blobs: s.blobs}
	cashier := &payment.Cashier{DB: db, Catalogue: s.Catalogue, Provider: s.outside.provider, Enqueue: s.enqueue,
		ReturnURL: citizen.ReturnURL(s.origin(Citizen))}
	issuer := s.issuer(db)
	for _, add := range []func() error{
		func() error { return job.Handle(w, 0, clerk.Inquire) },
		func() error { return job.Handle(w, 0, cashier.Callback) },
		func() error { return job.Handle(w, 0, cashier.Settle) },
		func() error { return job.Handle(w, 0, issuer.SignIntent) },
		func() error {
			return job.Handle(w, 0, lift(&registry.Lifter{DB: db, Catalogue: s.Catalogue, Follow: issuer.Follow}))
		},
		func() error { return job.Handle(w, 0, s.papers(issuer).Make) },
		func() error { return job.Handle(w, 0, sweep(clerk)) },
		func() error { return job.Handle(w, 0, reconcile(cashier)) },
		func() error { return job.Handle(w, 0, forgotten(issuer)) },
		func() error { return job.Handle(w, 0, purge(db)) },
		func() error { return job.Handle(w, 0, forgetAnswers(db)) },
		func() error { return job.Handle(w, 0, s.revocations(db)) },
		func() error {
			return job.Handle(w, 0, func(ctx context.Context, _ trustArgs) error { return s.publishTrust(ctx, db) })
		},
		func() error { return job.Handle(w, 0, purgeOnce(db)) },
	} {
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

// enqueue adds a job to the transaction of the act that asks for it.
func (s *System) enqueue(ctx context.Context, tx *pg.Tx, args river.JobArgs) error {
	return s.jobs.Enqueue(ctx, tx, args, nil)
}

// run works until ctx ends and the running jobs have been given their time.
func (w *worker) run(ctx context.Context) error {
	working := context.WithoutCancel(ctx) // jobs end by Stop, which lets them finish
	if err := w.runner.Start(working); err != nil {
		return err
	}
	numbered, published := make(chan error, 1), make(chan error, 1)
	go func() { numbered <- w.sequencer.Run(ctx) }()
	go func() { published <- w.publisher.Run(ctx) }()
	select {
	case <-ctx.Done():
	case <-w.runner.Stopped():
		return errors.New("the jobs have stopped by themselves")
	}
	stopping, cancel := context.WithTimeout(working, stopPatience)
	defer cancel()
	if err := w.runner.Stop(stopping); err != nil {
		return err
	}
	return errors.Join(<-numbered, <-published)
}

// Periodic jobs. Their period is the machine's time; what they look for is due by the clock of the rules.
type (
	sweepArgs     struct{}
	reconcileArgs struct{}
	forgottenArgs struct{}
	liftArgs      struct{}
	purgeArgs     struct{}
	forgetArgs    struct{}
	revokeArgs    struct{}
	trustArgs     struct{}
	onceArgs      struct{}
	relyingArgs   struct{}
)

// Kind names the job that closes drafts whose time has passed.
func (sweepArgs) Kind() string { return "application.sweep" }

// Kind names the job that asks about orders that have stood open.
func (reconcileArgs) Kind() string { return "payment.reconcile" }

// Kind names the job that finds credentials that were never signed.
func (forgottenArgs) Kind() string { return "credential.forgotten" }

// Kind names the job that ends suspensions whose term is over.
func (liftArgs) Kind() string { return "registry.lift" }

// Kind names the job that deletes ended sessions.
func (purgeArgs) Kind() string { return "session.purge" }

// Kind names the job that deletes questions to wallets, with what came of them.
func (forgetArgs) Kind() string { return "presentation.sweep" }

// Kind names the job that publishes which of our certificates are revoked.
func (revokeArgs) Kind() string { return "credential.revocations" }

// Kind names the job that publishes the trust list when something has changed.
func (trustArgs) Kind() string { return "verification.trust" }

// Kind names the job that deletes what wallets could use once and can use no more.
func (onceArgs) Kind() string { return "issuance.purge" }

// Kind names the job that goes on with what registered verifiers wait for.
func (relyingArgs) Kind() string { return "relying.sweep" }

// Ages from which an open thing counts as forgotten, and how many are looked at in one go.
const (
	openOrderAge  = 2 * time.Minute
	unsignedAge   = 2 * time.Minute
	batchOfDrafts = 200
	unusedFileAge = 24 * time.Hour
	batchOfOrders = 500
	batchOfTerms  = 200
)

func periods() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		job.Every(10*time.Minute, sweepArgs{}), job.Every(time.Minute, reconcileArgs{}), job.Every(time.Minute, liftArgs{}),
		job.Every(5*time.Minute, forgottenArgs{}), job.Every(15*time.Minute, purgeArgs{}), job.Every(time.Minute, forgetArgs{}), job.Every(5*time.Minute, revokeArgs{}),
		job.Every(2*time.Minute, trustArgs{}),
		job.Every(10*time.Minute, onceArgs{}),
		job.Every(2*time.Minute, relyingArgs{}),
	}
}

func sweep(clerk *application.Clerk) func(context.Context, sweepArgs) error {
	return func(ctx context.Context, _ sweepArgs) error {
		if err := sweepLeftovers(ctx, clerk.Blobs); err != nil {
			return err
		}
		for {
			closed, err := clerk.Sweep(ctx, batchOfDrafts)
			if err != nil {
				return err
			}
			deleted, err := clerk.SweepFiles(ctx, unusedFileAge, batchOfDrafts)
			if err != nil || closed+deleted == 0 {
				return err
			}
		}
	}
}

// sweepLeftovers removes what crashes have left of uploads; the machine dated it, whatever the clock of the rules says.
func sweepLeftovers(ctx context.Context, files *blob.Store) error {
	_, err := files.Sweep(ctx, clock.System{}.Now().Add(-unusedFileAge))
	return err
}

func reconcile(cashier *payment.Cashier) func(context.Context, reconcileArgs) error {
	return func(ctx context.Context, _ reconcileArgs) error {
		_, err := cashier.Reconcile(ctx, openOrderAge, batchOfOrders)
		return err
	}
}

func forgotten(issuer *credential.Issuer) func(context.Context, forgottenArgs) error {
	return func(ctx context.Context, _ forgottenArgs) error {
		_, err := issuer.Forgotten(ctx, unsignedAge)
		return err
	}
}

func lift(l *registry.Lifter) func(context.Context, liftArgs) error {
	return func(ctx context.Context, _ liftArgs) error {
		for {
			if n, err := l.Lift(ctx, batchOfTerms); err != nil || n == 0 {
				return err
			}
		}
	}
}

// revocations publishes the revocation list of the authority of our own, where there is one.
func (s *System) revocations(db *pg.DB) func(context.Context, revokeArgs) error {
	return func(ctx context.Context, _ revokeArgs) error { return s.publishRevocations(ctx, db) }
}

func (s *System) publishRevocations(ctx context.Context, db *pg.DB) error {
	ca, err := signer.OpenCA(keysDir(s.DataDir), s.origin(Public)+"/.well-known/akashi")
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		_, err = credential.PublishList(ctx, db, ca.Certificate, ca.List)
	}
	return err
}

func forgetAnswers(db *pg.DB) func(context.Context, forgetArgs) error {
	return func(ctx context.Context, _ forgetArgs) error {
		_, err := presentation.Sweep(ctx, db)
		return err
	}
}

func purge(db *pg.DB) func(context.Context, purgeArgs) error {
	return func(ctx context.Context, _ purgeArgs) error {
		for _, portal := range []ui.Audience{ui.Citizen, ui.Office} {
			if _, err := ui.NewStore(db, portal).Purge(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func purgeOnce(db *pg.DB) func(context.Context, onceArgs) error {
	return func(ctx context.Context, _ onceArgs) error {
		_, err := issuance.Purge(ctx, db)
		return err
	}
}

// CatchUp runs what the periods would run, and lets jobs that wait for a later try run now: after the clock of the rules
// was moved on, nobody should have to wait for the machine's. It returns when the jobs are enqueued.
func (s *System) CatchUp(ctx context.Context) error {
	if s.worker == nil {
		return nil
	}
	return s.worker.db.Platform(ctx, func(tx *pg.Tx) error {
		for _, args := range []river.JobArgs{sweepArgs{}, reconcileArgs{}, forgottenArgs{}, liftArgs{}, purgeArgs{}, revokeArgs{}, onceArgs{}, relyingArgs{}, forgetArgs{}} {
			// Not unique: one that is running may have looked before the clock moved, and its next period is far away.
			if err := s.jobs.Enqueue(ctx, tx, args, nil); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `update river_job set scheduled_at = $1 where state in ('scheduled', 'retryable') and scheduled_at > $1`,
			clock.System{}.Now())
		if err != nil {
			return fmt.Errorf("letting waiting jobs run: %w", err)
		}
		return nil
	})
}
