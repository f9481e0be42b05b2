// Package pgserver keeps a private PostgreSQL for one machine: it makes the cluster on the first start, runs the
// server as a child process reachable by a Unix socket alone, starts it again when it dies, and stops it with the
// program. Who needs more than one machine gives the program a database address instead and never comes here.
//
// What is true after a crash:
//   - the program is killed: PostgreSQL goes on as an orphan; the next Start proves that it is this directory's, stops it
//     and starts anew, so that it has a parent that reaps it;
//   - PostgreSQL is killed: the running program starts it again, and the connection pools reconnect;
//   - both are killed, or the machine is: PostgreSQL recovers from its log when it is next started;
//   - the very first start is killed: the half-made cluster has another name and is made again.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"akashi/internal/fault"
)

// Superuser is the cluster's superuser role, used for bootstrap and migration only.
const Superuser = "postgres"

// Config says where the server lives. The zero value of every field but DataDir and Roles is usable.
type Config struct {
	// DataDir is the directory of the cluster, the log and the lock. It is made when it does not exist; every directory
	// above it must let the server's user pass. DefaultDataDir gives the usual one.
	DataDir string
	// RuntimeDir holds the socket. Empty: a short private directory under /run, $XDG_RUNTIME_DIR or the directory for
	// temporary files, different for each DataDir. A socket's path must stay under 108 bytes.
	RuntimeDir string
	// BinDir has initdb and postgres. Empty: those on PATH, else the newest of /usr/lib/postgresql/*/bin.
	BinDir string
	// Roles may log in over the socket, as the user that runs the program, without a password.
	Roles []string
	// Settings are further postgresql.conf settings by name, which win over ours.
	Settings map[string]string
	// Volatile gives up durability for speed: for tests only.
	Volatile bool
	// Logger hears of starts, restarts and stops. Empty: slog.Default().
	Logger *slog.Logger
}

// Server is a running private PostgreSQL.
type Server struct {
	cfg     Config
	bins    binaries
	account account
	lock    *os.File

	mu      sync.Mutex
	current *postmaster
	closing bool

	done chan struct{} // closed when the server has ended for good
	err  error         // why, when it was not Stop; read after done
}

// startTimeout bounds a start. Recovery after a crash with a full log takes tens of seconds at most (max_wal_size).
const startTimeout = 3 * time.Minute

// Start makes the cluster if there is none and starts the server; it returns once the server accepts connections.
// Errors of kind fault.Invalid say what to change (no PostgreSQL, a directory that cannot be entered), of kind
// fault.Conflict that another instance uses the directory.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s, err := prepare(cfg)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	go s.supervise()
	return s, nil
}

// prepare finds the binaries and the account, makes the directories and takes the lock.
func prepare(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Server{cfg: cfg, done: make(chan struct{})}
	var err error
	if s.cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
		return nil, fmt.Errorf("finding the data directory: %w", err)
	}
	if s.account, err = serverAccount(); err != nil {
		return nil, err
	}
	if err := s.account.makeDir(s.cfg.DataDir); err != nil {
		return nil, err
	}
	if s.lock, err = lockDir(s.cfg.DataDir); err != nil {
		return nil, err
	}
	if err := s.places(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// places settles the binaries (which depend on the version of an existing cluster) and the directory of the socket.
func (s *Server) places() (err error) {
	if s.bins, err = findBinaries(s.cfg.BinDir, clusterVersion(s.pgdata())); err != nil {
		return err
	}
	s.cfg.RuntimeDir, err = s.account.runtimeDir(s.cfg.RuntimeDir, s.cfg.DataDir)
	return err
}

// open brings the cluster into being and up.
func (s *Server) open(ctx context.Context) error {
	if err := s.retirePrevious(ctx); err != nil {
		return err
	}
	if err := s.ensureCluster(ctx); err != nil {
		return err
	}
	if err := s.writeAccess(); err != nil {
		return err
	}
	if err := rotateLog(s.logPath()); err != nil {
		return err
	}
	p, err := s.launch(ctx)
	if err != nil {
		return err
	}
	s.current = p
	s.cfg.Logger.Info("private PostgreSQL started", "version", s.bins.major, "pid", p.pid(), "dir", s.cfg.DataDir)
	return nil
}

// DSN is the address by which role reaches database.
func (s *Server) DSN(role, database string) string {
	return fmt.Sprintf("host='%s' port=%d user='%s' dbname='%s' sslmode=disable", s.cfg.RuntimeDir, port, role, database)
}

// PID is the process id of the running postmaster, 0 while there is none.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return 0
	}
	return s.current.pid()
}

// DataDir is the absolute path of the server's directory.
func (s *Server) DataDir() string { return s.cfg.DataDir }

// Done is closed when the server has ended, by Stop or because it could not be kept up; Err tells which.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err is nil until Done and after a Stop, and the reason when the server could not be kept up.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop ends the server: running transactions are rolled back, connections closed, the cluster left clean. When ctx ends
// first it stops without the last checkpoint, which the next start makes up for.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	p := s.current
	s.mu.Unlock()
	if p != nil {
		p.stop(ctx)
	}
	<-s.done
	return s.err
}

func (s *Server) pgdata() string  { return filepath.Join(s.cfg.DataDir, "pgdata") }
func (s *Server) logPath() string { return filepath.Join(s.cfg.DataDir, "postgresql.log") }

// invalid is an error whose words tell the operator what to change.
func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "", fmt.Sprintf(format, args...))
}
