package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"akashi/internal/fault"
)

// lockDir takes the instance's lock. It is held by the open file, so the system frees it when the program dies however
// it dies; the server does not inherit it.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data directory's lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fault.New(fault.Conflict, "", "another akashi is running with the data directory "+dir+
			": stop it, or give this one its own with --data-dir"), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the data directory: %w", err), f.Close())
	}
	return f, nil
}

// ensureCluster makes the cluster under another name and renames it when it is complete.
func (s *Server) ensureCluster(ctx context.Context) error {
	if clusterVersion(s.pgdata()) != 0 {
		return nil
	}
	if _, err := os.Stat(s.pgdata()); err == nil {
		return invalid("%s exists and is not a PostgreSQL cluster: move it away", s.pgdata())
	}
	making := s.pgdata() + ".making"
	if err := os.RemoveAll(making); err != nil {
		return fmt.Errorf("removing a half-made cluster: %w", err)
	}
	if err := s.initdb(ctx, making); err != nil {
		return err
	}
	if err := os.Rename(making, s.pgdata()); err != nil {
		return fmt.Errorf("putting the new cluster in place: %w", err)
	}
	return syncDir(s.cfg.DataDir)
}

func (s *Server) initdb(ctx context.Context, dir string) error {
	args := []string{"-D", dir, "-U", Superuser, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
		"--auth-local=peer", "--auth-host=reject", "--no-instructions"}
	if s.cfg.Volatile {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, s.bins.path("initdb"), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = s.cfg.DataDir, serverEnv(), s.account.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making the database cluster in %s: %w: %s", dir, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// writeAccess says who may log in, anew at each start, since the user that runs the program may have changed. Peer
// login asks the kernel who is at the other end of the socket; the map has a line per role, because PostgreSQL 15 knows
// no pattern for the role's side.
func (s *Server) writeAccess() error {
	var ident strings.Builder
	ident.WriteString("# written at each start\n")
	users := []string{s.account.operator}
	if s.account.dropped {
		users = append(users, s.account.name)
	}
	for _, u := range users {
		for _, role := range append([]string{Superuser}, s.cfg.Roles...) {
			fmt.Fprintf(&ident, "akashi %q %q\n", u, role)
		}
	}
	hba := "# written at each start: the socket alone, and only the users of pg_ident.conf\nlocal all all peer map=akashi\n"
	return errors.Join(s.writeConf("pg_ident.conf", ident.String()), s.writeConf("pg_hba.conf", hba))
}

// writeConf replaces a file of the cluster that the server only reads.
func (s *Server) writeConf(name, text string) error {
	path := filepath.Join(s.pgdata(), name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if s.account.dropped {
		if err := os.Chown(path+".new", s.account.uid, s.account.gid); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// logLimit is how long the log may be before the next start puts it aside (one older log is kept).
const logLimit = 16 << 20

func rotateLog(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at PostgreSQL's log: %w", err)
	case info.Size() < logLimit:
		return nil
	}
	if err := os.Rename(path, path+".1"); err != nil {
		return fmt.Errorf("putting PostgreSQL's old log aside: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("securing %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("securing %s: %w", dir, err)
	}
	return nil
}

// serverEnv is all the server inherits: PG* variables of the user's shell must not reach it.
func serverEnv() []string { return []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=Asia/Tokyo"} }
