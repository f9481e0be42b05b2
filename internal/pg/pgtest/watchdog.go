package pgtest

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
)

// temporaryDir makes the directory of one test binary's server. The server may run as another user, which must be able
// to pass; everything inside is closed.
func temporaryDir() (string, error) {
	dir, err := os.MkdirTemp(Scratch(), "akashi-pg-")
	if err != nil {
		return "", fmt.Errorf("making a directory for the tests' PostgreSQL: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", fmt.Errorf("opening the directory for the tests' PostgreSQL: %w", err)
	}
	return dir, nil
}

// memory is where Linux keeps files in memory. Cloning a database makes a thousand small files, which costs a disk half
// a second and memory a twentieth of that.
const memory = "/dev/shm"

// needed is how much of it there must be: the databases of all tests that run at once, several times over.
const needed = 4 << 30

// Scratch is where a test's own PostgreSQL and other files with many flushes belong, for os.MkdirTemp: in memory when the
// machine has plenty and TMPDIR says nothing else, else the usual place ("").
func Scratch() string {
	var s syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &s) != nil || s.Bavail*uint64(s.Bsize) < needed {
		return ""
	}
	return memory
}

func serverConfig(dir string) pgserver.Config {
	return pgserver.Config{
		DataDir:    filepath.Join(dir, "db"),
		RuntimeDir: filepath.Join(dir, "s"),
		Roles:      pg.LoginRoles(),
		Volatile:   true,
		Settings:   map[string]string{"max_connections": "300", "autovacuum": "off"},
		Logger:     slog.New(slog.DiscardHandler),
	}
}

// watchdog is a shell that waits for the end of its standard input, which the kernel closes when the test binary ends in
// whatever way, and then stops the server and removes the directory.
type watchdog struct {
	cmd  *exec.Cmd
	life io.Closer
}

// The number is read from the server's own file, so that no stranger's process is met. The loop waits for the server to
// end, at most ten seconds, since it would write into a directory that is being removed.
const watchdogScript = `
cat >/dev/null
pid=$(head -n 1 "$1/db/pgdata/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	n=0
	while [ $n -lt 100 ] && [ -e "$1/db/pgdata/postmaster.pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; n=$((n+1)); done
fi
rm -rf "$1"
`

func startWatchdog(dir string) (*watchdog, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "watchdog", dir)
	// Its own session: a Ctrl-C at the terminal must not end it before its work.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the watchdog of the tests' PostgreSQL: %w", err)
	}
	return &watchdog{cmd: cmd, life: life}, nil
}

// finish lets the watchdog remove the directory and waits for it.
func (w *watchdog) finish() error {
	if err := w.life.Close(); err != nil {
		return err
	}
	return w.cmd.Wait()
}
