package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"akashi/internal/fault"
)

// retirePrevious deals with what a killed predecessor left behind: a server that still runs is stopped, one that is dead
// but not reaped has its lock files put aside. We hold the directory's lock, so no other akashi is at work here.
func (s *Server) retirePrevious(ctx context.Context) error {
	f, err := readPidFile(s.pgdata())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		// An empty or torn file is PostgreSQL's to judge: it refuses or replaces it, and its log says which.
		s.cfg.Logger.Warn("cannot read the previous server's postmaster.pid", "error", err)
		return nil
	}
	if !s.isOurServer(f.pid) {
		return s.retireStale(ctx, f)
	}
	s.cfg.Logger.Warn("stopping the PostgreSQL that a killed program left running", "pid", f.pid)
	if err := s.stopOrphan(ctx, f.pid); err != nil {
		return err
	}
	return s.retireStale(ctx, f)
}

// isOurServer tells whether pid is a live process that works in our cluster. Numbers are used again, so the number
// alone proves nothing; a postmaster's working directory is its cluster, and no stranger's is.
func (s *Server) isOurServer(pid int) bool {
	return processState(pid) != 'Z' && worksIn(pid, s.pgdata())
}

// worksIn compares the process's working directory with dir by file, not by name.
func worksIn(pid int, dir string) bool {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	ours, err := os.Stat(dir)
	return err == nil && os.SameFile(theirs, ours)
}

// processState is the state letter of /proc/pid/stat ('Z' for a zombie), 0 when there is no such process.
func processState(pid int) byte {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field is the program's name in parentheses and may hold anything; the state follows the last one.
	i := strings.LastIndexByte(string(b), ')')
	if i < 0 || i+2 >= len(b) {
		return 0
	}
	return b[i+2]
}

// orphanStop is how long an orphaned server has for a fast stop before it is stopped at once.
const orphanStop = 20 * time.Second

// stopOrphan stops a server that is not our child: fast, then immediately.
func (s *Server) stopOrphan(ctx context.Context, pid int) error {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping the previous PostgreSQL (pid %d): %w", pid, err)
		}
		within, cancel := context.WithTimeout(ctx, orphanStop)
		gone := s.awaitGone(within, pid)
		cancel()
		if gone {
			return nil
		}
	}
	return fault.New(fault.Conflict, "", fmt.Sprintf("the previous PostgreSQL (pid %d) does not stop", pid))
}

func (s *Server) awaitGone(ctx context.Context, pid int) bool {
	for s.isOurServer(pid) {
		if pause(ctx, pollEvery) != nil {
			return false
		}
	}
	return true
}

// leftoverPatience is how long processes of a killed server may take to notice that it is gone.
const leftoverPatience = 15 * time.Second

// retireStale puts the lock files aside when they name a dead process that its parent has not reaped, or a stranger who
// got the number after a reboot. PostgreSQL itself would refuse to start for as long as that process is there, which can
// be for ever in a container whose first process reaps nobody. Removing postmaster.pid blindly is how clusters get two
// servers and are ruined; here it is proven that no process works in the cluster and that nobody is attached to its
// shared memory, which is what the file protects.
//
// A killed server's other processes need a moment to notice and leave; they are given leftoverPatience.
func (s *Server) retireStale(ctx context.Context, f pidFile) error {
	if processState(f.pid) == 0 {
		return nil // PostgreSQL sees that nobody has the number, and replaces the file
	}
	if now, err := readPidFile(s.pgdata()); err != nil || now.pid != f.pid {
		return nil // it was a clean stop: the file is gone
	}
	patience, cancel := context.WithTimeout(ctx, leftoverPatience)
	defer cancel()
	for pid := anyProcessIn(s.pgdata()); pid != 0 || attached(f.shmID); pid = anyProcessIn(s.pgdata()) {
		if pause(patience, pollEvery) == nil {
			continue
		}
		if pid != 0 {
			return fault.New(fault.Conflict, "", fmt.Sprintf("process %d of the previous PostgreSQL still works in %s", pid, s.pgdata()))
		}
		return fault.New(fault.Conflict, "", "the previous PostgreSQL's shared memory is still in use")
	}
	s.cfg.Logger.Warn("the previous PostgreSQL is dead and its number is not free; its lock files are put aside", "pid", f.pid)
	for _, path := range []string{filepath.Join(s.pgdata(), "postmaster.pid"), filepath.Join(s.cfg.RuntimeDir, socketName+".lock")} {
		if err := os.Rename(path, path+".stale"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("putting the previous PostgreSQL's lock file aside: %w", err)
		}
	}
	return nil
}

// anyProcessIn finds a live process whose working directory is dir, 0 for none.
func anyProcessIn(dir string) int {
	procs, _ := filepath.Glob("/proc/[0-9]*") // fails for a malformed pattern only
	for _, p := range procs {
		pid, err := strconv.Atoi(filepath.Base(p))
		if err == nil && worksIn(pid, dir) {
			return pid
		}
	}
	return 0
}

// attached tells whether processes are attached to the System V segment (PostgreSQL's own interlock). Where the kernel
// does not tell, the working directories have answered already.
func attached(shmID string) bool {
	b, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(b), "\n") {
		// key shmid perms size cpid lpid nattch …
		if f := strings.Fields(line); len(f) > 6 && f[1] == shmID {
			return f[6] != "0"
		}
	}
	return false
}
