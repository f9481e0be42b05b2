package pgserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// port only names the socket; the server listens on no network.
const (
	port       = 5432
	socketName = ".s.PGSQL.5432"
)

// postmaster is the server's first process, our child.
type postmaster struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the child has been reaped
	state  error         // how it ended; read after exited
}

func (p *postmaster) pid() int { return p.cmd.Process.Pid }

// MaxConnections is how many connections the server takes, three of them for its superuser only. The pools of a program that runs every part
// open some 120 at most.
const MaxConnections = 200

// settings of ours, as against PostgreSQL's defaults.
func (s *Server) settings() map[string]string {
	set := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": s.cfg.RuntimeDir,
		"port":                    strconv.Itoa(port),
		"max_connections":         strconv.Itoa(MaxConnections),
		"max_wal_size":            "2GB", // 15 to 25 s of recovery at most
		"timezone":                "Asia/Tokyo",
		"jit":                     "off", // our statements are short, and compiling needs memory both writable and executable
		// The detail of a violated constraint quotes values, which may be a person's.
		"log_error_verbosity": "terse",
		"log_line_prefix":     "%m [%p] %u@%d ",
		"log_timezone":        "Asia/Tokyo",
	}
	if s.cfg.Volatile {
		set["fsync"], set["synchronous_commit"], set["full_page_writes"] = "off", "off", "off"
		set["max_wal_size"] = "1GB"
	}
	for k, v := range s.cfg.Settings {
		set[k] = v
	}
	return set
}

func (s *Server) arguments() []string {
	args := []string{"-D", s.pgdata()}
	set := s.settings()
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		args = append(args, "-c", name+"="+set[name])
	}
	return args
}

// spawn starts the postmaster and the goroutine that reaps it. A postmaster that nobody reaps stays a zombie, and its
// number in postmaster.pid keeps the next one from starting.
func (s *Server) spawn() (*postmaster, error) {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening PostgreSQL's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(s.bins.path("postgres"), s.arguments()...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = s.cfg.DataDir, serverEnv(), s.account.attributes()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	p := &postmaster{cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.state = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// launch starts a postmaster and waits until it accepts connections. A start that fails while processes of a killed
// predecessor still hold its shared memory is tried again.
func (s *Server) launch(ctx context.Context) (*postmaster, error) {
	for {
		from := s.logSize()
		p, err := s.spawn()
		if err != nil {
			return nil, err
		}
		ready, err := s.awaitReady(ctx, p)
		if err != nil {
			p.stop(ctx)
			return nil, fmt.Errorf("waiting for PostgreSQL to start (its log is %s): %w", s.logPath(), err)
		}
		if ready {
			return p, nil
		}
		said := s.logSince(from)
		if !strings.Contains(said, "pre-existing shared memory block") {
			return nil, fmt.Errorf("PostgreSQL ended while starting (%w): %s", p.state, lastLines(said, 5))
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, fmt.Errorf("waiting for the processes of the previous PostgreSQL to end: %w", err)
		}
	}
}

// pollEvery is how often a file written by the server is looked at while waiting for it.
const pollEvery = 3 * time.Millisecond

// awaitReady watches postmaster.pid, whose eighth line the server sets to "ready" when it accepts connections (as
// pg_ctl does). It returns false when the server ended first.
func (s *Server) awaitReady(ctx context.Context, p *postmaster) (bool, error) {
	for {
		if f, err := readPidFile(s.pgdata()); err == nil && f.pid == p.pid() && f.status == "ready" {
			return true, nil
		}
		select {
		case <-p.exited:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// stop asks for a fast stop (roll back, disconnect, checkpoint), and for an immediate one when ctx ends first.
func (p *postmaster) stop(ctx context.Context) {
	p.signal(syscall.SIGINT)
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.signal(syscall.SIGQUIT)
		<-p.exited
	}
}

// signal sends sig; the one error it can meet is that the child has been reaped already, which is what stop waits for.
func (p *postmaster) signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

// supervise starts the server again when it ends unasked, and gives up when it ends too often.
func (s *Server) supervise() {
	defer close(s.done)
	defer s.lock.Close()
	var ends []time.Time
	for {
		s.mu.Lock()
		p := s.current
		s.mu.Unlock()
		<-p.exited
		if s.stopping() {
			return
		}
		s.cfg.Logger.Error("private PostgreSQL ended unasked; starting it again", "how", p.state)
		if ends = recent(append(ends, time.Now())); len(ends) > maxEnds {
			s.err = fmt.Errorf("PostgreSQL ended %d times within %s (its log is %s)", len(ends), endsWithin, s.logPath())
			return
		}
		if s.err = s.relaunch(); s.err != nil {
			return
		}
	}
}

// More than maxEnds unasked ends within endsWithin are not an accident.
const (
	maxEnds    = 5
	endsWithin = time.Minute
)

func recent(ends []time.Time) []time.Time {
	return slices.DeleteFunc(ends, func(t time.Time) bool { return time.Since(t) > endsWithin })
}

// relaunch puts a new postmaster in place of one that ended. A Stop that came meanwhile wins.
func (s *Server) relaunch() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	p, err := s.launch(ctx)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL again: %w", err)
	}
	s.mu.Lock()
	s.current = p
	closing := s.closing
	s.mu.Unlock()
	if closing {
		p.stop(ctx)
		return nil
	}
	s.cfg.Logger.Info("private PostgreSQL started again", "pid", p.pid())
	return nil
}

func (s *Server) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

func (s *Server) logSize() int64 {
	info, err := os.Stat(s.logPath())
	if err != nil {
		return 0
	}
	return info.Size()
}

func (s *Server) logSince(from int64) string {
	b, err := os.ReadFile(s.logPath())
	if err != nil || int64(len(b)) < from {
		return ""
	}
	return string(b[from:])
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// pidFile is what postmaster.pid says (PostgreSQL's miscadmin.h, LOCK_FILE_LINE_*).
type pidFile struct {
	pid    int
	shmID  string // System V shared memory of the running server
	status string
}

func readPidFile(pgdata string) (pidFile, error) {
	b, err := os.ReadFile(filepath.Join(pgdata, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 {
		return pidFile{}, fmt.Errorf("postmaster.pid begins with %q", lines[0])
	}
	f := pidFile{pid: pid}
	if len(lines) > 6 {
		if fields := strings.Fields(lines[6]); len(fields) == 2 {
			f.shmID = fields[1]
		}
	}
	if len(lines) > 7 {
		f.status = strings.TrimSpace(lines[7])
	}
	return f, nil
}
