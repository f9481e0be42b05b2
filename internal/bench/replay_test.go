package bench

import (
	"akashi/internal/programtest"
	"context"
	"io"
	"os"
	"testing"
	"time"
)

// TestReplayIsExact: the statements of a case, sent again with fresh ids, write as many rows as they did when the pages sent them.
func TestReplayIsExact(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "akashi-replay-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755)) // the database's user passes through it
	c := Config{Program: programtest.File(t), Dir: dir, Clients: 2, For: time.Second, Out: io.Discard}
	s, err := open(t.Context(), c, recordedPeople)
	must(t, err)
	t.Cleanup(func() { must(t, s.close(context.WithoutCancel(t.Context()))) })
	made, err := s.record(t.Context(), c)
	must(t, err)
	r, err := s.newReplay(t.Context(), made, nil)
	must(t, err)
	n, err := r.run(t.Context(), 1, c.For)
	must(t, err)
	if odd := r.different.Load(); odd > 0 || n == 0 || made.count() < 100 {
		t.Errorf("%d of %d statements in each of %d repetitions wrote another number of rows than when recorded", odd, made.count(), n)
	}
}
