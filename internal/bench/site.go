package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"akashi/internal/clock"
	"akashi/internal/govsim/world"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/office"
	"akashi/internal/system"
)

// clientID is our name at every simulated outside system.
const clientID = "akashibench"

// Place is everything about a site that its processes must agree on; it travels to the simulators as JSON.
type Place struct {
	Dir                          string // of the site; "data" in it is Akashi's, "world" the simulators'
	Citizen, Office, Public, API string // host:port
	Simulators                   world.Addresses
	Clients, People              int
}

// newPlace finds free addresses, one loopback address for each portal, as cookies ignore ports.
func newPlace(dir string, clients, people int) (Place, error) {
	p := Place{Dir: dir, Clients: clients, People: people}
	for i, to := range []*string{&p.Citizen, &p.Office, &p.Public, &p.API, &p.Simulators.Login, &p.Simulators.Staff,
		&p.Simulators.Resident, &p.Simulators.Family, &p.Simulators.Payment} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:0", i+1))
		if err != nil {
			return p, fmt.Errorf("finding a free port: %w", err)
		}
		*to = l.Addr().String()
		if err := l.Close(); err != nil {
			return p, fmt.Errorf("finding a free port: %w", err)
		}
	}
	return p, nil
}

func (p Place) data() string { return filepath.Join(p.Dir, "data") }

// world makes the simulators.
func (p Place) world(log *slog.Logger) (*world.World, error) {
	keys, err := system.PublicKeys(p.data())
	if err != nil {
		return nil, err
	}
	cards, err := rsa.GenerateKey(rand.Reader, 2048) // thousands of keys would take minutes
	if err != nil {
		return nil, fmt.Errorf("making the key of the cards: %w", err)
	}
	var people []world.Person
	for n := range p.People {
		people = append(people, applicant(n))
	}
	return world.New(world.Config{Dir: filepath.Join(p.Dir, "world"), Clock: clock.System{}, Log: log, Addresses: p.Simulators,
		Staff: users(p.Clients), Also: people, CardKey: cards,
		Clients: world.Clients{CitizenID: clientID, CitizenKeys: keys.CitizenLogin,
			CitizenRedirects: []string{"http://" + p.Citizen + citizen.LoginCallback, "http://" + p.Citizen + citizen.SignCallback},
			StaffID:          clientID, StaffKeys: keys.StaffLogin, StaffRedirects: []string{"http://" + p.Office + office.LoginCallback},
			ServiceID: clientID, ServiceKey: keys.Services.Keys[0].Key, Businesses: []string{qualificationID + "." + procedure}}})
}

// RunSimulators is the simulators' process: it reads its Place and serves until ctx ends.
func RunSimulators(ctx context.Context, in io.Reader, log *slog.Logger) error {
	var p Place
	if err := json.NewDecoder(in).Decode(&p); err != nil {
		return fmt.Errorf("reading the place of the simulators: %w", err)
	}
	w, err := p.world(log)
	if err != nil {
		return err
	}
	return w.Run(ctx)
}

// serve is the command line of Akashi at this place. An empty database means its private one.
func (p Place) serve(database string) []string {
	args := []string{"serve", "--data-dir=" + p.data(), "--simulated", "--proxy=127.0.0.0/8",
		"--citizen-listen=" + p.Citizen, "--office-listen=" + p.Office, "--public-listen=" + p.Public, "--api-listen=" + p.API,
		"--login-issuer=" + p.Simulators.LoginIssuer(), "--login-client-id=" + clientID,
		"--staff-login-issuer=" + p.Simulators.StaffIssuer(), "--staff-login-client-id=" + clientID,
		"--resident-url=http://" + p.Simulators.Resident, "--resident-client-id=" + clientID,
		"--family-url=http://" + p.Simulators.Family, "--family-client-id=" + clientID,
		"--payment-url=http://" + p.Simulators.Payment, "--payment-client-id=" + clientID,
		"--anchors=" + p.anchor(), "--revocation-lists=" + p.Simulators.RevocationLists()}
	if database != "" {
		args = append(args, "--database="+database)
	}
	return args
}

// child is a process of ours.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it ended; read after exited
}

// launch starts the program; what it says goes to a file.
func launch(program string, args []string, in []byte, logFile string) (*child, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	defer log.Close()
	c := &child{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = bytes.NewReader(in), log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s %s: %w", program, args[0], err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop asks the process to end and waits until it has.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping a process: %w", err)
	}
	<-c.exited
	return c.err
}

// awaitHealth asks addresses for their health until all answer well, or the process has ended.
func (c *child) awaitHealth(ctx context.Context, addresses ...string) error {
	for _, at := range addresses {
		for !healthy(ctx, at) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("waiting for %s: %w", at, ctx.Err())
			case <-c.exited:
				return fmt.Errorf("waiting for %s: the process has ended: %w", at, errors.Join(errors.New("exit"), c.err))
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return nil
}

func healthy(ctx context.Context, at string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// site is a running Akashi with its surroundings, each part in a process of its own.
type site struct {
	Place
	db     *system.Database
	worker *pg.DB
	admin  *pg.DB // the superuser, to look at the database's processes
	socket string // directory of the database's socket
	dsn    string // for akashi serve
	sims   *child
	server *child // nil until serve
	wires  *wires // to Akashi and the simulators
}

// open starts database and simulators, and fills in people and staff. Akashi itself is started by serve.
func open(ctx context.Context, c Config, people int) (s *site, err error) {
	p, err := newPlace(c.Dir, c.Clients, people)
	if err != nil {
		return nil, err
	}
	s = &site{Place: p, wires: newWires()}
	if err := s.begin(ctx, c); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

func (s *site) begin(ctx context.Context, c Config) (err error) {
	if s.socket, err = os.MkdirTemp("", "akashi-bench-"); err != nil {
		return fmt.Errorf("making a directory for the socket: %w", err)
	}
	s.dsn = "postgres:///akashi?port=5432&sslmode=disable&host=" + s.socket
	if s.db, err = system.OpenPrivate(ctx, pgserver.Config{DataDir: filepath.Join(s.Dir, "postgres"), RuntimeDir: s.socket, Logger: c.Log}, clock.System{}); err != nil {
		return err
	}
	if s.worker, err = s.db.As(ctx, pg.RoleWorker, 2); err != nil {
		return err
	}
	if s.admin, err = s.db.As(ctx, pgserver.Superuser, 1); err != nil {
		return err
	}
	cat, err := system.Definitions()
	if err != nil {
		return err
	}
	if err := seed(ctx, s.worker, cat, s.Clients, s.People); err != nil {
		return err
	}
	in, err := json.Marshal(s.Place)
	if err != nil {
		return fmt.Errorf("describing the place: %w", err)
	}
	if s.sims, err = launch(c.Program, []string{"bench", "simulators"}, in, filepath.Join(s.Dir, "simulators.log")); err != nil {
		return err
	}
	a := s.Simulators
	return s.sims.awaitHealth(ctx, a.Login, a.Staff, a.Resident, a.Family, a.Payment)
}

// serve starts Akashi and returns when it answers.
func (s *site) serve(ctx context.Context, program string) (err error) {
	if s.server, err = launch(program, s.Place.serve(s.dsn), nil, filepath.Join(s.Dir, "serve.log")); err != nil {
		return err
	}
	return s.server.awaitHealth(ctx, s.Citizen, s.Office, s.Public, s.API)
}

// close stops everything that was started here.
func (s *site) close(ctx context.Context) (err error) {
	s.wires.close()
	for _, c := range []*child{s.server, s.sims} {
		if c != nil {
			err = errors.Join(err, c.stop())
		}
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close(ctx))
	}
	if s.socket != "" {
		err = errors.Join(err, os.RemoveAll(s.socket))
	}
	return err
}

func (p Place) anchor() string { return filepath.Join(p.Dir, "world", world.AnchorFile) }

// readAnchor reads the certificate that the simulated authority left.
func readAnchor(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the simulated authority's certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s has no certificate", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the simulated authority's certificate: %w", err)
	}
	return []*x509.Certificate{cert}, nil
}
