package signer_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"akashi/internal/clock"
	"akashi/internal/connector/signer"
)

// uses are the keys of so many registrars.
func uses(registrars int) (uses []signer.Use) {
	for i := range registrars {
		for _, p := range []string{"credential", "status", "document", "mdoc"} {
			uses = append(uses, signer.Use{Registrar: fmt.Sprintf("body-%d", i), Purpose: p})
		}
	}
	return uses
}

// some are enough to be killed in their middle.
const some = 30

// TestKilledWhileMakingKeys: a process is killed while it makes and certifies the keys of many registrars, at another place each
// time. What it leaves can be opened, and the next start makes what lacks: one key for each use, each with its certificate.
func TestKilledWhileMakingKeys(t *testing.T) {
	if dir := os.Getenv("AKASHI_TEST_KEYS"); dir != "" {
		makeKeys(t, dir)
		return
	}
	t.Parallel()
	for _, when := range []struct {
		pattern string
		count   int
	}{{".new-*", 20}, {".new-*", 100}, {"*.pem", 1}, {"*.pem", 60}, {"*.crt", 1}, {"*.crt", 60}} {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := signer.InitCA(dir, "Test CA", clock.Fixed(day)); err != nil {
			t.Fatal(err)
		}
		killWhen(t, dir, when.pattern, when.count)
		s := open(t, dir)
		before := len(s.Public())
		makeKeys(t, dir)
		after := open(t, dir).Public()
		if len(after) != len(uses(some)) {
			t.Errorf("%d keys after %d, want %d", len(after), before, len(uses(some)))
		}
		for _, k := range after {
			if len(k.Chain) != 2 {
				t.Errorf("%s has %d certificates", k.KID, len(k.Chain))
			}
		}
		if left, err := filepath.Glob(filepath.Join(dir, ".new-*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %d files, %v", len(left), err)
		}
	}
}

// makeKeys is a first start.
func makeKeys(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir)
	ca, err := signer.OpenCA(dir, "")
	if err == nil {
		err = s.EnsureAll(uses(some))
	}
	if err == nil {
		err = s.Certify(ca, func(string) string { return "Registrar" })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// killWhen kills a first start once so many files of a pattern are there.
func killWhen(t *testing.T, dir, pattern string, count int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhileMakingKeys$")
	child.Env = append(os.Environ(), "AKASHI_TEST_KEYS="+dir)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("the start failed by itself: %v", err)
			}
			return // it was faster than we
		default:
		}
		if len(found) >= count {
			break
		}
	}
	if err := child.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-ended
}

// BenchmarkFirstStart makes and certifies the keys of as many registrars as there are, as a first start does.
func BenchmarkFirstStart(b *testing.B) {
	all := uses(130)
	ca, err := signer.NewCA("Test CA", day)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := open(b, filepath.Join(b.TempDir(), "keys"))
		if err := s.EnsureAll(all); err != nil {
			b.Fatal(err)
		}
		if err := s.Certify(ca, func(string) string { return "Registrar" }); err != nil {
			b.Fatal(err)
		}
	}
}
