package pgserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"akashi/internal/pg/pgserver"
)

// helperDir makes this test binary act as a program with a private PostgreSQL, to be killed.
const helperDir = "PGSERVER_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		os.Exit(actAsProgram(dir))
	}
	os.Exit(m.Run())
}

// actAsProgram starts the server, says its number, and stops it when its input ends.
func actAsProgram(dir string) int {
	cfg := config(dir)
	if os.Getuid() != 0 {
		cfg.RuntimeDir = "" // the usual place, which startProgram leads into dir by TMPDIR
	}
	s, err := pgserver.Start(context.Background(), cfg)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(s.PID(), s.DSN(pgserver.Superuser, "postgres"))
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return 1
	}
	if err := s.Stop(context.Background()); err != nil {
		return 1
	}
	return 0
}

// program is another process that runs the server.
type program struct {
	cmd   *exec.Cmd
	input io.Closer
	pid   int    // of its postmaster
	dsn   string // of its superuser
}

func startProgram(t *testing.T, dir string, as *syscall.Credential) program {
	t.Helper()
	cmd := exec.Command(publicCopy(t))
	cmd.Dir = "/"
	cmd.Env = []string{helperDir + "=" + dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the program ended: %v", err)
	}
	number, dsn, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("the program said: %s", line)
	}
	return program{cmd: cmd, input: input, pid: pid, dsn: dsn}
}

// publicCopy puts this binary where another user may run it.
func publicCopy(t *testing.T) string {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home(t), "program")
	if err := os.WriteFile(path, self, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p program) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err == nil {
		t.Fatal("the program ended by itself before it was killed")
	}
}

// TestProgramKilled: the orphaned server is found by its directory, stopped and replaced; what was committed is there.
func TestProgramKilled(t *testing.T) {
	dir := home(t)
	p := startProgram(t, dir, nil)
	if _, err := query(t, p.dsn, "create table kept as select 'here' as word"); err != nil {
		t.Fatal(err)
	}
	p.kill(t)
	if err := syscall.Kill(p.pid, 0); err != nil {
		t.Fatalf("the server did not outlive the program: %v", err)
	}
	s := start(t, config(dir))
	if s.PID() == p.pid {
		t.Error("the orphan was kept, and nobody would reap it")
	}
	if got := mustQuery(t, s, "select word from kept"); got != "here" {
		t.Errorf("the table says %q", got)
	}
}

// TestBothKilledAndNotReaped: postmaster.pid names a zombie, on account of which PostgreSQL itself would not start.
func TestBothKilledAndNotReaped(t *testing.T) {
	adoptOrphans(t)
	dir := home(t)
	p := startProgram(t, dir, nil)
	if _, err := query(t, p.dsn, "create table kept as select 'here' as word"); err != nil {
		t.Fatal(err)
	}
	p.kill(t)
	if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reap(t, p.pid) })
	awaitZombie(t, p.pid)
	s := start(t, config(dir))
	if got := mustQuery(t, s, "select word from kept"); got != "here" {
		t.Errorf("the table says %q", got)
	}
	if _, err := os.Stat(filepath.Join(s.DataDir(), "pgdata", "postmaster.pid.stale")); err != nil {
		t.Errorf("the zombie's pid file was not put aside: %v", err)
	}
}

// TestAnotherProcessHasTheNumber: after a reboot postmaster.pid may name a stranger, who must be left alone.
func TestAnotherProcessHasTheNumber(t *testing.T) {
	dir := home(t)
	stop(t, start(t, config(dir)))
	stranger := exec.Command("sleep", "600")
	if os.Getuid() == 0 {
		stranger.SysProcAttr = &syscall.SysProcAttr{Credential: userOf(t, "postgres")} // whom PostgreSQL would take for its own
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stranger.Process.Kill(); stranger.Wait() })
	pidFile := filepath.Join(dir, "db", "pgdata", "postmaster.pid")
	text := fmt.Sprintf("%d\n%s\n0\n5432\n%s\n\n       1         1\nready   \n", stranger.Process.Pid, filepath.Dir(pidFile), dir)
	if err := os.WriteFile(pidFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		own := userOf(t, "postgres")
		if err := os.Chown(pidFile, int(own.Uid), int(own.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	start(t, config(dir))
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the stranger is gone: %v", err)
	}
}

// TestOrdinaryUser: without root the server runs as the user itself, and stops with the program.
func TestOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the other tests run as an ordinary user already")
	}
	as := userOf(t, "nobody")
	dir := home(t)
	if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
		t.Fatal(err)
	}
	p := startProgram(t, dir, as)
	process, err := os.Stat(fmt.Sprintf("/proc/%d", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	if st := process.Sys().(*syscall.Stat_t); st.Uid != as.Uid {
		t.Errorf("the server runs as user id %d, want %d", st.Uid, as.Uid)
	}
	if err := p.input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the program: %v", err)
	}
}

func userOf(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// adoptOrphans makes orphans of our descendants our own children (prctl(2), PR_SET_CHILD_SUBREAPER = 36), whom we then
// do not reap, as a container's first process may do.
func adoptOrphans(t *testing.T) {
	t.Helper()
	set := func(on uintptr) {
		if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, 36, on, 0); e != 0 {
			t.Fatalf("becoming the subreaper: %v", e)
		}
	}
	set(1)
	t.Cleanup(func() { set(0) })
}

// awaitZombie blocks until the adopted child is dead, and leaves it unreaped (waitid(2): P_PID, WEXITED|WNOWAIT).
func awaitZombie(t *testing.T, pid int) {
	t.Helper()
	const pPID, wExited, wNoWait = 1, 4, 0x01000000
	if _, _, e := syscall.Syscall6(syscall.SYS_WAITID, pPID, uintptr(pid), 0, wExited|wNoWait, 0, 0); e != 0 {
		t.Fatalf("waiting for the server's death: %v", e)
	}
}

func reap(t *testing.T, pid int) {
	t.Helper()
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Errorf("reaping: %v", err)
	}
}
