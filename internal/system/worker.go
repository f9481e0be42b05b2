package system

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/riverqueue/river"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/blob"
	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/credential"
	"akashi/internal/job"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/ui"
)

// worker works the jobs and numbers the audit log.
type worker struct {
	db        *pg.DB
	runner    *job.Runner
	sequencer *audit.Sequencer
}

// purposeCredential is what the registrars' keys here are for.
const purposeCredential = "credential"

// startWorker prepares the worker, if this process runs it: signing keys, handlers, periods.
func (s *System) startWorker(ctx context.Context) error {
	if !s.Runs(Worker) {
		return nil
	}
	db, err := s.as(ctx, Worker)
	if err != nil {
		return err
	}
	keys, err := signer.Open(signer.Config{Dir: filepath.Join(s.DataDir, "keys"), Clock: s.Clock})
	if err != nil {
		return err
	}
	if err := s.publishKeys(ctx, db, keys); err != nil {
		return err
	}
	workers := job.NewWorkers()
	if err := s.handle(workers, db, keys); err != nil {
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
	s.worker = &worker{db: db, runner: runner, sequencer: sequencer}
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

// publishKeys sees that every registrar has a key to sign credentials with, and that everybody can find its public half.
// Publishing all keys each time makes up for a crash between making one and publishing it.
func (s *System) publishKeys(ctx context.Context, db *pg.DB, keys *signer.Signer) error {
	for _, r := range s.Catalogue.Registrars() {
		if _, err := keys.Ensure(r.ID, purposeCredential); err != nil {
			return fmt.Errorf("making the key of registrar %s: %w", r.ID, err)
		}
	}
	for _, k := range keys.Public() {
		if k.Purpose != purposeCredential {
			continue
		}
		if err := credential.PublishKey(ctx, db, k.KID, k.Registrar, k.Public, k.NotBefore); err != nil {
			return err
		}
	}
	return nil
}

// handle gives every kind of job its handler.
func (s *System) handle(w *job.Workers, db *pg.DB, keys *signer.Signer) error {
	clerk := &application.Clerk{DB: db, Catalogue: s.Catalogue, Ask: s.outside.ask, Blobs: s.blobs}
	cashier := &payment.Cashier{DB: db, Catalogue: s.Catalogue, Provider: s.outside.provider, Enqueue: s.enqueue,
		ReturnURL: citizen.ReturnURL(s.origin(Citizen))}
	issuer := credential.NewIssuer(credential.Config{DB: db, Catalogue: s.Catalogue, Sign: keys.Sign, Enqueue: s.enqueue})
	for _, add := range []func() error{
		func() error { return job.Handle(w, 0, clerk.Inquire) },
		func() error { return job.Handle(w, 0, cashier.Callback) },
		func() error { return job.Handle(w, 0, cashier.Settle) },
		func() error { return job.Handle(w, 0, issuer.SignIntent) },
		func() error { return job.Handle(w, 0, sweep(clerk)) },
		func() error { return job.Handle(w, 0, reconcile(cashier)) },
		func() error { return job.Handle(w, 0, forgotten(issuer)) },
		func() error { return job.Handle(w, 0, purge(db)) },
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
	numbered := make(chan error, 1)
	go func() { numbered <- w.sequencer.Run(ctx) }()
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
	return <-numbered
}

// Periodic jobs. Their period is the machine's time; what they look for is due by the clock of the rules.
type (
	sweepArgs     struct{}
	reconcileArgs struct{}
	forgottenArgs struct{}
	purgeArgs     struct{}
)

// Kind names the job that closes drafts whose time has passed.
func (sweepArgs) Kind() string { return "application.sweep" }

// Kind names the job that asks about orders that have stood open.
func (reconcileArgs) Kind() string { return "payment.reconcile" }

// Kind names the job that finds credentials that were never signed.
func (forgottenArgs) Kind() string { return "credential.forgotten" }

// Kind names the job that deletes ended sessions.
func (purgeArgs) Kind() string { return "session.purge" }

// Ages from which an open thing counts as forgotten, and how many are looked at in one go.
const (
	openOrderAge  = 2 * time.Minute
	unsignedAge   = 2 * time.Minute
	batchOfDrafts = 200
	unusedFileAge = 24 * time.Hour
	batchOfOrders = 500
)

func periods() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		job.Every(10*time.Minute, sweepArgs{}), job.Every(time.Minute, reconcileArgs{}),
		job.Every(5*time.Minute, forgottenArgs{}), job.Every(15*time.Minute, purgeArgs{}),
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

// CatchUp runs what the periods would run, and lets jobs that wait for a later try run now: after the clock of the rules
// was moved on, nobody should have to wait for the machine's. It returns when the jobs are enqueued.
func (s *System) CatchUp(ctx context.Context) error {
	if s.worker == nil {
		return nil
	}
	return s.worker.db.Platform(ctx, func(tx *pg.Tx) error {
		for _, args := range []river.JobArgs{sweepArgs{}, reconcileArgs{}, forgottenArgs{}, purgeArgs{}} {
			if err := s.jobs.Enqueue(ctx, tx, args, &job.Opts{Unique: true}); err != nil {
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
