package pgserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user of the operating system that the server runs as. PostgreSQL refuses to run as root, so root
// hands it to the user postgres, which Debian's package makes.
type account struct {
	name     string // the server's user
	operator string // the user that runs this program, and connects
	uid, gid int
	dropped  bool // the two differ
}

// serverAccount finds the user to run as.
func serverAccount() (account, error) {
	me, err := user.Current()
	if err != nil {
		return account{}, invalid("the user id %d has no name in /etc/passwd, and PostgreSQL's peer login needs one: add a "+
			"user, or give the address of a database", os.Getuid())
	}
	a := account{name: me.Username, operator: me.Username, uid: os.Getuid(), gid: os.Getgid()}
	if a.uid != 0 {
		return a, nil
	}
	pg, err := user.Lookup("postgres")
	if err != nil {
		return account{}, invalid("PostgreSQL does not run as root, and there is no user postgres to run it as: install it " +
			"with apt-get install postgresql, or run as an ordinary user")
	}
	uid, errUID := strconv.Atoi(pg.Uid)
	gid, errGID := strconv.Atoi(pg.Gid)
	if err := errors.Join(errUID, errGID); err != nil {
		return account{}, fmt.Errorf("reading the user postgres: %w", err)
	}
	return account{name: pg.Username, operator: me.Username, uid: uid, gid: gid, dropped: true}, nil
}

// attributes of a process of the server: its own user, and its own process group, so that a Ctrl-C at the terminal
// reaches the program first and the server only when the program has finished with it.
func (a account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.dropped {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// makeDir makes dir for the server alone and proves that the server's user can get there.
func (a account) makeDir(dir string) error {
	if err := a.canReach(nearest(filepath.Dir(dir))); err != nil { // nothing is left in a place that is refused
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if err := a.canReach(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if err := a.own(dir, 0o700, a.gid); err != nil {
		return fmt.Errorf("handing %s to the user %s: %w", dir, a.name, err)
	}
	return nil
}

// own gives dir to the server's user.
func (a account) own(dir string, mode fs.FileMode, group int) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return invalid("%s is not a directory", dir)
	}
	if int(st.Uid) != a.uid && !a.dropped {
		return invalid("%s belongs to the user id %d: choose another directory with --data-dir, or run as that user", dir, st.Uid)
	}
	if a.dropped && (int(st.Uid) != a.uid || int(st.Gid) != group) {
		if err := os.Chown(dir, a.uid, group); err != nil {
			return err
		}
	}
	return os.Chmod(dir, mode)
}

// CanReach proves, before anything is made, that the server's user can get to a directory. It need not exist yet.
func CanReach(dir string) error {
	a, err := serverAccount()
	if err != nil {
		return err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("finding the data directory: %w", err)
	}
	return a.canReach(nearest(dir))
}

// nearest is dir, or what is there of the way to it.
func nearest(dir string) string {
	for {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// canReach proves that the server's user may pass through dir and everything above it.
func (a account) canReach(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("finding the data directory: %w", err)
	}
	for d := real; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return fmt.Errorf("looking at %s: %w", d, err)
		}
		if !info.IsDir() {
			return invalid("%s is not a directory: choose another one with --data-dir, or --data of a demonstration", d)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && !a.mayPass(info.Mode(), st) {
			return invalid("the user %s, as which PostgreSQL runs, cannot enter %s (%s): choose another directory with "+
				"--data-dir (--data of a demonstration), for example below %s, or allow it with: chmod o+x %s", a.name, d, info.Mode(), rootDataDir, d)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

// mayPass reads the execute bit that applies to the server's user.
func (a account) mayPass(mode fs.FileMode, st *syscall.Stat_t) bool {
	switch {
	case int(st.Uid) == a.uid:
		return mode&0o100 != 0
	case int(st.Gid) == a.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// rootDataDir is where the system administrator's instance lives (Filesystem Hierarchy Standard 3.0 §5.8).
const rootDataDir = "/var/lib/akashi"

// DefaultDataDir is the program's data directory when none is given: /var/lib/akashi for root, otherwise under the
// user's data home (XDG Base Directory Specification: $XDG_DATA_HOME, else ~/.local/share).
func DefaultDataDir() (string, error) {
	if os.Getuid() == 0 {
		return rootDataDir, nil
	}
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "akashi"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the home directory for the data directory: %w", err)
	}
	return filepath.Join(home, ".local", "share", "akashi"), nil
}

// runtimeDir makes the directory of the socket. It belongs to the server's user and lets the operator's group pass, and
// nobody else: who cannot enter it cannot connect.
func (a account) runtimeDir(dir, dataDir string) (string, error) {
	if dir == "" {
		base, err := a.runtimeBase()
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256([]byte(dataDir))
		dir = filepath.Join(base, hex.EncodeToString(sum[:4]))
	}
	if n := len(filepath.Join(dir, socketName)); n >= 108 {
		return "", invalid("the socket's path would be %d bytes, the system allows 107: choose a shorter directory than %s", n, dir)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("making the directory of the socket: %w", err)
	}
	if err := a.own(dir, 0o710, os.Getgid()); err != nil {
		return "", fmt.Errorf("preparing the directory of the socket: %w", err)
	}
	return dir, nil
}

// runtimeBase is the parent of the directories of sockets.
func (a account) runtimeBase() (string, error) {
	base := "/run/akashi"
	if !a.dropped {
		base = filepath.Join(os.TempDir(), "akashi-"+strconv.Itoa(a.uid))
		if d := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
			base = filepath.Join(d, "akashi")
		}
	}
	if err := os.Mkdir(base, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("making the directory of sockets: %w", err)
	}
	info, err := os.Lstat(base)
	if err != nil {
		return "", fmt.Errorf("looking at the directory of sockets: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(st.Uid) != os.Getuid() {
		return "", invalid("%s does not belong to us; remove it or set XDG_RUNTIME_DIR", base)
	}
	return base, nil
}
