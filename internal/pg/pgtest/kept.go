package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"akashi/internal/pg/pgserver"
)

// A cluster with the migrated template is made once and kept among the user's caches; every other test binary begins with a copy,
// which takes a fifth of the processor time of initdb and a hundred migrations. It is kept under the hash of everything that it
// is made from, so that a change of any of that makes another one.

// unused is how long a kept cluster lies that no test has asked for.
const unused = 7 * 24 * time.Hour

// keptPlace is where the cluster of this tree is kept, "" when there is no place for it: the test does not run in the tree, or the
// user has no directory for caches.
func keptPlace() (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", nil // neither HOME nor XDG_CACHE_HOME: that is no mistake
	}
	root, err := treeRoot()
	if root == "" || err != nil {
		return "", err
	}
	version, err := pgserver.Newest("")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "PostgreSQL %d\n", version)
	for _, part := range []string{"internal/pg", "migrations", "go.sum"} {
		sum, err := hashOf(os.DirFS(root), part)
		if err != nil {
			return "", fmt.Errorf("naming the cluster that is kept for tests: %w", err)
		}
		fmt.Fprintln(h, part, sum)
	}
	return filepath.Join(caches, "akashi-pgtest", hex.EncodeToString(h.Sum(nil)[:12])), nil
}

// treeRoot is the directory of the module that the test belongs to, by the test's working directory; "" when there is none.
func treeRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the tree of the tests: %w", err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		switch {
		case err == nil && strings.HasPrefix(string(mod), "module akashi\n"):
			return dir, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("finding the tree of the tests: %w", err)
		case dir == filepath.Dir(dir):
			return "", nil
		}
		dir = filepath.Dir(dir)
	}
}

// restore copies the kept cluster into the directory of a server; false when none is kept.
func restore(kept, dataDir string) (bool, error) {
	if kept == "" {
		return false, nil
	}
	now := time.Now()
	if err := os.Chtimes(kept, now, now); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("using the cluster that is kept for tests: %w", err)
	}
	if err := os.Mkdir(dataDir, 0o700); err != nil {
		return false, fmt.Errorf("using the cluster that is kept for tests: %w", err)
	}
	return true, copyAll(filepath.Join(kept, "pgdata"), filepath.Join(dataDir, "pgdata"))
}

// keep puts a copy of the cluster aside, for which the server is stopped and started again. The copy gets its name when it is
// complete; another test binary that was faster is as good.
func (c *cluster) keep(ctx context.Context, kept, dataDir string) error {
	c.admin.Close()
	if err := c.server.Stop(ctx); err != nil {
		return err
	}
	if err := store(kept, dataDir); err != nil { // as where the user's directory cannot be written to: tests only take longer
		fmt.Fprintln(os.Stderr, "keeping the cluster for other tests:", err)
	}
	return c.start(ctx, filepath.Dir(dataDir))
}

func store(kept, dataDir string) (err error) {
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return err
	}
	making, err := os.MkdirTemp(filepath.Dir(kept), "making-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(making)) }()
	if err := copyAll(filepath.Join(dataDir, "pgdata"), filepath.Join(making, "pgdata")); err != nil {
		return err
	}
	if err := os.Rename(making, kept); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return removeUnused(filepath.Dir(kept))
}

func removeUnused(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range all {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // another test binary was faster
		}
		if err != nil {
			return err
		}
		if time.Since(info.ModTime()) > unused {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyAll copies a directory with owners and modes.
func copyAll(from, to string) error {
	if out, err := exec.Command("cp", "-a", "--", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copying %s: %w: %s", from, err, out)
	}
	return nil
}
