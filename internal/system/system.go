// Package system puts the parts of Akashi together: it opens the keys, connects the stages to the outside systems,
// gives each part its own database role, and runs them until it is told to stop. Everything is passed by hand; nothing
// is found by name. The commands serve and demo, the tests of the whole and the benchmark start the program here.
//
//	New      checks the configuration, reads definitions and keys, binds the addresses
//	Run      serves until its context ends, then stops: first the listeners, then the jobs
//
// The stages declare what they need as functions and small interfaces; the files named adapt_*.go make those of the
// connectors. parts.go has one function for each part that answers requests, worker.go the one that does not.
package system

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"akashi/internal/application"
	"akashi/internal/authoring"
	"akashi/internal/blob"
	"akashi/internal/connector/signer"
	"akashi/internal/fault"
	"akashi/internal/job"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
	"akashi/internal/server"
	"akashi/internal/typeface"
	"akashi/internal/vault"
	"akashi/qualifications"
)

// System is a bound and ready process of Akashi.
type System struct {
	Config

	db        *Database
	vault     *vault.Vault
	keys      *signer.Signer // nil in a process that signs nothing
	closeKeys func() error   // nil without keys
	blobs     *blob.Store
	fonts     *typeface.Shelf // nil in a process that prints nothing
	jobs      *job.Inserter
	outside   outside
	servers   []*server.Server
	worker    *worker // nil when the process does not run it
	acts      *pg.DB  // where newer acts of selective use are looked for
	authors   *authoring.Follower
	files     map[string][]byte // definitions that the program carries
}

// OpenVault opens the platform's own keys in a data directory, and makes what is missing. The simulators and the
// operator need their public halves.
func OpenVault(dataDir string) (*vault.Vault, error) {
	return vault.Open(filepath.Join(dataDir, "secrets"))
}

// definitions reads the files that the program carries, once in a process: they cannot change while it runs.
var definitions = sync.OnceValues(func() (*qualification.Catalogue, error) { return qualification.Load(qualifications.Files) })

// Definitions returns the qualifications that the program carries. Each caller has them with acts of its own.
func Definitions() (*qualification.Catalogue, error) {
	cat, err := definitions()
	if err != nil {
		return nil, err
	}
	return cat.Apart(), nil
}

// New makes a process ready: when it returns, every address is bound and nothing is missing. fault.Invalid says what of
// the configuration is.
func New(ctx context.Context, cfg Config, db *Database) (*System, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	s := &System{Config: cfg, db: db}
	for _, step := range []func(context.Context) error{s.open, s.reference, s.connect, s.startWorker, s.listen} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, s.release())
		}
	}
	return s, nil
}

// open opens what lies in the data directory.
func (s *System) open(context.Context) (err error) {
	if s.Catalogue == nil {
		if s.Catalogue, err = Definitions(); err != nil {
			return err
		}
	}
	if s.vault, err = OpenVault(s.DataDir); err != nil {
		return err
	}
	if s.blobs, err = blob.New(filepath.Join(s.DataDir, "files")); err != nil {
		return err
	}
	if s.Runs(Worker) || s.Runs(Citizen) || s.Runs(API) {
		if s.keys, s.closeKeys, err = openSigner(s.DataDir, s.Clock, s.Token); err != nil {
			return err
		}
	}
	if s.Runs(Worker) {
		if s.fonts, err = typeface.Open(s.NameFont); err != nil {
			return fault.Wrap(fault.Invalid, err, "configuring")
		}
		if s.fonts.NameFont == "" {
			s.Log.Warn("no IPAmj Mincho was found: names with characters that the program's own font lacks get no PDF (Debian: fonts-ipamj-mincho)")
		}
	}
	s.jobs, err = job.NewInserter()
	return err
}

// keysDir is where the registrars' signing keys lie.
func keysDir(dataDir string) string { return filepath.Join(dataDir, "keys") }

// poolSizes bound how many connections each part opens.
func poolSize(p Part) int32 {
	switch p {
	case Worker:
		return 24
	case Citizen, Office:
		return 16
	}
	return 12
}

// role is the database role of a part. The API answers the public, too.
func role(p Part) string {
	switch p {
	case Citizen:
		return pg.RoleCitizen
	case Office:
		return pg.RoleOffice
	case Worker:
		return pg.RoleWorker
	}
	return pg.RolePublic
}

// as opens the database for a part.
func (s *System) as(ctx context.Context, p Part) (*pg.DB, error) {
	db, err := s.db.As(ctx, role(p), poolSize(p))
	if err != nil {
		return nil, fmt.Errorf("opening the database for the part %s: %w", p, err)
	}
	if s.Metrics != nil {
		s.Metrics.WatchPool(string(p), db.Pool)
	}
	return db, nil
}

// reference brings the reference tables to the definitions that the program carries, or, in a process without the
// worker's rights, sees that they are. Versions that only the database still has join the catalogue, and the approved acts of
// selective use lie over it.
func (s *System) reference(ctx context.Context) error {
	p := s.Parts[0]
	if s.Runs(Worker) {
		p = Worker
	}
	db, err := s.db.As(ctx, role(p), 2)
	if err != nil {
		return err
	}
	if s.Runs(Worker) {
		if err := application.SyncReference(ctx, db, s.Catalogue); err != nil {
			return err
		}
	} else if err := requireReference(ctx, db, s.Catalogue); err != nil {
		return err
	}
	if s.Catalogue, err = application.LoadPinned(ctx, db, s.Catalogue); err != nil {
		return err
	}
	s.acts = db
	if err := s.authored(ctx, db); err != nil {
		return err
	}
	return rollout.Refresh(ctx, db, s.Catalogue)
}

// authored takes up the versions of definitions that authors have brought in through the console.
func (s *System) authored(ctx context.Context, db *pg.DB) (err error) {
	if s.files, err = qualification.ReadFiles(qualifications.Files); err != nil {
		return err
	}
	carried, err := definitions()
	if err != nil {
		return err
	}
	s.authors = &authoring.Follower{DB: db, Catalogue: s.Catalogue, Files: s.files, Carried: authoring.Carried(carried), Log: s.Log}
	if s.Runs(Worker) {
		s.authors.Sync = func(ctx context.Context, cat *qualification.Catalogue) error {
			return application.SyncReference(ctx, db, cat)
		}
	}
	return s.authors.Refresh(ctx)
}

// Run serves until ctx ends or something fails that cannot be lived with. Listeners stop first and let running requests
// finish; then the jobs.
func (s *System) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Run(ctx, s.servers...) })
	g.Go(func() error { return rollout.Follow(ctx, s.acts, s.Catalogue, s.Log) })
	g.Go(func() error { return s.authors.Follow(ctx) })
	if s.worker != nil {
		g.Go(func() error { return s.worker.run(ctx) })
	}
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-s.db.Lost():
			return fmt.Errorf("the private database has ended: %w", s.db.Err())
		}
	})
	err := g.Wait()
	if s.closeKeys != nil {
		err = errors.Join(err, s.closeKeys())
	}
	return err
}

// release gives bound addresses back after a start that failed.
func (s *System) release() error {
	var err error
	for _, l := range s.servers {
		err = errors.Join(err, l.Close())
	}
	return err
}

// Worker lets the demonstration and tests drive the jobs; nil when the process does not run them.
func (s *System) Worker() *job.Runner {
	if s.worker == nil {
		return nil
	}
	return s.worker.runner
}
