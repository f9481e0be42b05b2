// Package demo runs a whole Akashi on one machine for trying it out: a private PostgreSQL, all portals, the worker, every
// outside system simulated, invented people and staff, a clock that can be moved on, and a start page that lets one be
// the nurse, the reviewer, the approver or the employer and says what comes next.
//
// The same demonstration carries the tests in a real browser and the benchmark: Start runs it in-process and returns when
// every address answers. What it keeps lies in one directory; stopping it stops what it started and nothing else.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"akashi/internal/clock"
	"akashi/internal/connector/signer/token"
	"akashi/internal/fault"
	"akashi/internal/govsim/world"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/qualification"
	"akashi/internal/server"
	"akashi/internal/system"
)

// Config says how to run a demonstration. DataDir is required; the zero value of the rest is usable.
type Config struct {
	DataDir  string    // made when it is missing; each directory above it must let the user postgres pass when run as root
	BasePort int       // the first of eleven ports; 0: eleven free ones
	At       time.Time // what the clock shows at the start; zero: where it was, at the first start FirstDay
	Reset    bool      // begin anew: forget what an earlier demonstration left in DataDir
	Log      *slog.Logger
	Metrics  *server.Metrics
	Volatile bool // give up the database's durability for speed: for tests

	// Token is where the registrars' private keys are kept; without a module they lie in files.
	Token token.Config

	// Took hears how long each step of the start took; nil: nobody does.
	Took func(step string, d time.Duration)
}

// FirstDay is what the clock shows at the very first start.
func FirstDay() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST) }

// Demo is a running demonstration.
type Demo struct {
	Clock  *clock.Adjustable
	World  *world.World
	System *system.System

	cfg      Config
	places   places
	db       *system.Database
	worker   *pg.DB // for the story and the clock
	keys     system.ClientKeys
	cat      *qualification.Catalogue
	front    *server.Server
	hospital *hospital
	before   time.Time

	loginOff atomic.Bool // the citizens' login fails on request

	stop context.CancelFunc
	done chan struct{}
	err  error // read after done
}

// Start starts a demonstration and returns once every address answers. fault.Invalid says what to change, fault.Conflict
// that another demonstration uses the directory.
func Start(ctx context.Context, cfg Config) (*Demo, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Demo{cfg: cfg, Clock: &clock.Adjustable{}, done: make(chan struct{}), before: clock.System{}.Now()}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(advised(err), d.closeDatabase(ctx))
	}
	return d, nil
}

// advised says what to do about a port that another program has.
func advised(err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return &fault.Error{Kind: fault.Invalid, Doing: "choose other ports with --base-port", Err: err}
}

func (d *Demo) start(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"ports", d.ports}, {"directory", d.directory}, {"database, definitions, keys", d.ground}, {"clock", d.setClock}, {"simulators", d.simulate},
		{"system", d.akashi}, {"people", d.people}, {"registered verifier", d.employ}, {"start page", d.frontPage}, {"answering", d.run},
	} {
		if err := step.do(ctx); err != nil {
			return err
		}
		d.took(step.name)
	}
	return nil
}

// took reports a step.
func (d *Demo) took(step string) {
	now := clock.System{}.Now()
	if d.cfg.Took != nil {
		d.cfg.Took(step, now.Sub(d.before))
	}
	d.before = now
}

// ports comes first: a wrong one is said before anything is written or thrown away.
func (d *Demo) ports(context.Context) (err error) {
	d.places, err = findPlaces(d.cfg.BasePort)
	return err
}

// ground opens at the same time what needs nothing else: the database, the definitions, the keys.
func (d *Demo) ground(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { d.db, err = system.OpenPrivate(ctx, d.postgres(), d.Clock); return err })
	g.Go(func() (err error) { d.cat, err = system.Definitions(); return err })
	g.Go(func() (err error) { d.keys, err = system.PublicKeys(d.cfg.DataDir); return err })
	if err := g.Wait(); err != nil {
		return err
	}
	var err error
	d.worker, err = d.db.As(context.WithoutCancel(ctx), pg.RoleWorker, 4)
	return err
}

func (d *Demo) postgres() pgserver.Config {
	return pgserver.Config{DataDir: filepath.Join(d.cfg.DataDir, "postgres"), Volatile: d.cfg.Volatile, Logger: d.cfg.Log}
}

func (d *Demo) simulate(context.Context) (err error) {
	d.World, err = newWorld(WorldConfig{DataDir: d.cfg.DataDir, KeepOrders: !d.cfg.Volatile, Clock: d.Clock, Log: d.cfg.Log}, d.places, d.keys, d.cat)
	return err
}

func (d *Demo) akashi(ctx context.Context) (err error) {
	if err := system.InitCA(d.cfg.DataDir, "Akashi Demonstration CA", d.Clock); err != nil {
		return err
	}
	d.System, err = system.New(ctx, d.systemConfig(), d.db)
	if errors.Is(err, fault.Conflict) { // what the directory keeps was made under other definitions
		return &fault.Error{Kind: fault.Invalid, Err: err,
			Doing: "the data are of another version of the program: begin anew with --reset, or give another directory with --data"}
	}
	return err
}

func (d *Demo) people(ctx context.Context) error {
	office, err := d.db.As(ctx, pg.RoleOffice, 2)
	if err != nil {
		return err
	}
	return seed(ctx, d.worker, office, d.cat)
}

// run starts everything that is bound, and waits until it answers.
func (d *Demo) run(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	go d.serve(running)
	if err := d.awaitAnswers(ctx); err != nil {
		return errors.Join(err, d.Stop(ctx))
	}
	return nil
}

// serve runs until it is stopped or something fails. The simulators outlast the system, whose last requests need them;
// the database comes last.
func (d *Demo) serve(ctx context.Context) {
	defer close(d.done)
	outer, stopWorld := context.WithCancel(context.WithoutCancel(ctx))
	worldEnded := make(chan error, 1)
	go func() { worldEnded <- d.World.Run(outer) }()
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return d.System.Run(inner) })
	g.Go(func() error { return server.Run(inner, d.front) })
	g.Go(func() error { return d.prepare() })
	g.Go(func() error {
		select {
		case err := <-worldEnded:
			worldEnded <- err
			return errors.Join(errors.New("the simulated outside systems have ended"), err)
		case <-inner.Done():
			return nil
		}
	})
	err := g.Wait()
	stopWorld()
	d.err = errors.Join(err, <-worldEnded, d.db.Close(outer))
}

// prepare finishes what the start need not wait for.
func (d *Demo) prepare() error {
	if err := d.World.Prepare(); err != nil {
		return fmt.Errorf("preparing the simulated people: %w", err)
	}
	return nil
}

// awaitAnswers asks every address for its health.
func (d *Demo) awaitAnswers(ctx context.Context) error {
	client := &http.Client{Timeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	for _, at := range d.places.all() {
		g.Go(func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/healthz", nil)
			if err != nil {
				return err
			}
			resp, err := client.Do(req)
			if err != nil {
				return fmt.Errorf("waiting for %s: %w", at, err)
			}
			if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
				return errors.Join(fmt.Errorf("waiting for %s: it answers %d", at, resp.StatusCode), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// Stop ends the demonstration: running requests finish, jobs stop, the simulators stop, then the database. It returns
// when all is still.
func (d *Demo) Stop(ctx context.Context) error {
	d.stop()
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return fmt.Errorf("stopping the demonstration: %w", ctx.Err())
	}
}

// Done is closed when the demonstration has ended, by Stop or because something failed; Err tells which.
func (d *Demo) Done() <-chan struct{} { return d.done }

// Err is why the demonstration ended, nil after a Stop without trouble. It is known after Done.
func (d *Demo) Err() error {
	select {
	case <-d.done:
		return d.err
	default:
		return nil
	}
}

func (d *Demo) closeDatabase(ctx context.Context) error {
	if d.db == nil || d.stop != nil { // once it runs, serve closes it
		return nil
	}
	return d.db.Close(ctx)
}

// marker is the file that tells a demonstration's directory from any other.
const marker = "AKASHI-DEMO.txt"

// directory makes the data directory, and empties it for a reset. A directory that no demonstration made is left alone.
func (d *Demo) directory(ctx context.Context) error {
	if d.cfg.DataDir == "" {
		return fault.New(fault.Invalid, "", "a demonstration needs a data directory")
	}
	dir, err := filepath.Abs(d.cfg.DataDir)
	if err != nil {
		return fmt.Errorf("finding the data directory: %w", err)
	}
	d.cfg.DataDir = dir
	if err := pgserver.CanReach(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if err := d.mark(); err != nil {
		return err
	}
	if d.cfg.Reset {
		return d.reset(ctx)
	}
	return nil
}

// mark puts the marker into an empty directory.
func (d *Demo) mark() error {
	path := filepath.Join(d.cfg.DataDir, marker)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	found, err := os.ReadDir(d.cfg.DataDir)
	if err != nil {
		return fmt.Errorf("looking into the data directory: %w", err)
	}
	if len(found) > 0 {
		return fault.New(fault.Invalid, "", d.cfg.DataDir+" is not empty and no demonstration made it: give an empty directory with --data")
	}
	const text = "A demonstration of Akashi keeps its data here. Nothing in it is real; akashi demo --reset begins anew.\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("marking the data directory: %w", err)
	}
	return nil
}

// reset forgets the database and the files. The database server is started for it, because it alone knows whether another
// demonstration is running here, and ends one that a killed program left behind.
func (d *Demo) reset(ctx context.Context) error {
	if err := system.DropPrivate(ctx, d.postgres()); err != nil {
		return err
	}
	for _, name := range []string{"secrets", "keys", "files", "world"} {
		if err := os.RemoveAll(filepath.Join(d.cfg.DataDir, name)); err != nil {
			return fmt.Errorf("forgetting an earlier demonstration: %w", err)
		}
	}
	return nil
}
