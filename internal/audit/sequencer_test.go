package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/audit"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
)

func newDB(t testing.TB) *pgtest.Database {
	t.Helper()
	return pgtest.New(t).WithClock(clock.Fixed(start))
}

func collect(t testing.TB, rows pgx.Rows) string {
	t.Helper()
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	return strings.Join(lines, "\n")
}

func newSequencer(d *pgtest.Database, k keys) *audit.Sequencer {
	return audit.NewSequencer(audit.SequencerConfig{DB: d.As(pg.RoleWorker), Signer: k.signer})
}

// naive is the Merkle tree hash as RFC 6962 §2.1 writes it down.
func naive(leaves []tlog.Hash) tlog.Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	left, right := naive(leaves[:k]), naive(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func TestRootsAndTilesOfEverySize(t *testing.T) {
	const n = 2*65536 + 700 // two tiles of level 1 and a few more
	leaves := make([]tlog.Hash, n)
	for i := range leaves {
		leaves[i] = tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for i, l := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(i), l, reader)
		must(t, err)
		stored = append(stored, more...)
	}
	tiles := 0
	audit.Grow(leaves, func(size int64, rootOf func() tlog.Hash) {
		if size > 600 && size%16411 != 0 && size%65536 > 2 && size != n {
			return
		}
		root := rootOf()
		if want := naive(leaves[:size]); root != want {
			t.Errorf("root of %d leaves is %v, want %v", size, root, want)
		}
		if size > 0 {
			want, err := tlog.TreeHash(size, reader)
			must(t, err)
			if root != want {
				t.Errorf("root of %d leaves is not tlog's", size)
			}
		}
	}, func(level int, at int64, _ tlog.Hash, data []byte) {
		tiles++
		want, err := tlog.ReadTileData(tlog.Tile{H: 8, L: level, N: at, W: 256}, reader)
		must(t, err)
		if string(data) != string(want) {
			t.Errorf("tile %d of level %d is not tlog's", at, level)
		}
	})
	if tiles != 512+2+2 {
		t.Errorf("%d tiles, want 516", tiles)
	}
}

func TestAnEventOfALateCommitIsWaitedFor(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	office, s := d.As(pg.RoleOffice), newSequencer(d, k)
	recorded, committing := make(chan struct{}), make(chan struct{})
	commit := sync.OnceFunc(func() { close(committing) })
	defer commit() // also when the test fails, for the transaction would hold the pool open
	done := make(chan error, 1)
	go func() {
		done <- office.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
			err := audit.Record(t.Context(), tx, viewed(refA))
			if err == nil {
				_, err = tx.Exec(t.Context(), "select 1") // now it is in the table
			}
			close(recorded)
			<-committing
			return err
		})
	}()
	<-recorded
	record(t, office, viewed(refB)) // begins later, commits earlier
	for range 3 {
		step, err := s.Step(t.Context())
		must(t, err)
		if step.Numbered != 0 || step.Size != 0 || step.Signed {
			t.Fatalf("numbered before the earlier transaction ended: %+v", step)
		}
	}
	commit()
	must(t, <-done)
	sequence(t, d, s)
	events := list(t, d.As(pg.RoleCitizen), audit.Filter{})
	if len(events) != 1 || !events[0].Sealed || events[0].Seq != 0 {
		t.Errorf("the late event has not the first number: %+v", events)
	}
}

// Writers of all sorts against two sequencers: every committed event gets one number, and nothing else does.
func TestConcurrentWritersAndSequencers(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	office := d.As(pg.RoleOffice)
	ctx, stop := context.WithCancel(t.Context())
	var sequencers, writers sync.WaitGroup
	for range 2 {
		s := audit.NewSequencer(audit.SequencerConfig{DB: d.As(pg.RoleWorker), Signer: k.signer, Batch: 37, Interval: time.Millisecond})
		sequencers.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	rolledBack := errors.New("rolled back")
	for w := range 6 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 7))
			for range 60 {
				fail := r.IntN(5) == 0
				err := office.InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error {
					for range 1 + r.IntN(3) {
						if err := audit.Record(ctx, tx, viewed(refA)); err != nil {
							return err
						}
					}
					if fail {
						return rolledBack
					}
					return nil
				})
				if err != nil && !errors.Is(err, rolledBack) {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	sequencers.Wait()
	sequence(t, d, newSequencer(d, k))
	verified(t, d, k.verifier, count(t, d, `select count(*) from audit_event`))
}

// verified runs Verify and expects n events and no finding.
func verified(t testing.TB, d *pgtest.Database, v note.Verifier, n int) audit.Report {
	t.Helper()
	report, err := audit.Verify(t.Context(), d.As(pg.RoleWorker), v)
	must(t, err)
	if err := report.Err(); err != nil || report.Events != int64(n) {
		t.Errorf("%d events, want %d: %v", report.Events, n, err)
	}
	return report
}

func TestOnlyOneOfTwoSequencersMovesTheHead(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	s, worker := newSequencer(d, k), d.As(pg.RoleWorker)
	record(t, d.As(pg.RoleOffice), viewed(refA))
	// Wait until the event can be numbered, without numbering it.
	back := errors.New("back")
	for numbered := 0; numbered == 0; {
		err := worker.Platform(t.Context(), func(tx *pg.Tx) error {
			step, err := s.StepIn(t.Context(), tx)
			must(t, err)
			numbered = step.Numbered
			return back
		})
		if !errors.Is(err, back) {
			t.Fatal(err)
		}
	}
	first, second := make(chan struct{}), make(chan error)
	err := worker.Platform(t.Context(), func(tx *pg.Tx) error {
		if _, err := s.StepIn(t.Context(), tx); err != nil {
			return err
		}
		go func() {
			second <- worker.Platform(t.Context(), func(tx *pg.Tx) error {
				close(first)
				_, err := s.StepIn(t.Context(), tx) // reads the old head, waits for our leaf
				return err
			})
		}()
		<-first
		return waitForLock(t, d)
	})
	must(t, err)
	if err := <-second; !pg.Violates(err, "audit_leaf_pkey") && !pg.Violates(err, "audit_leaf_once") {
		t.Errorf("the second sequencer got %v, want a violation of audit_leaf_pkey", err)
	}
	verified(t, d, k.verifier, 1)
}

// waitForLock returns when some transaction of the database waits for another.
func waitForLock(t testing.TB, d *pgtest.Database) error {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		var waiting bool
		err := d.Superuser().QueryRow(ctx, `select exists (select from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waiting)
		if err != nil || waiting {
			return err
		}
	}
}

func TestASecondSequencerStandsBack(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	s := newSequencer(d, k)
	must(t, d.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `select pg_advisory_xact_lock($1)`, int64(0x616b6173_00000010))
		must(t, err)
		step, err := s.Step(t.Context())
		must(t, err)
		if !step.Busy {
			t.Errorf("the step did not stand back: %+v", step)
		}
		return nil
	}))
}

func TestCheckpointsAreSpaced(t *testing.T) {
	var c clock.Adjustable
	d, k := pgtest.New(t).WithClock(&c), newKeys(t)
	s := audit.NewSequencer(audit.SequencerConfig{DB: d.As(pg.RoleWorker), Signer: k.signer, CheckpointEvery: time.Hour})
	for i, move := range []struct {
		by   time.Duration
		want int
	}{{0, 1}, {time.Minute, 1}, {time.Hour, 2}, {time.Minute, 2}, {-24 * time.Hour, 3}} {
		c.Advance(move.by)
		record(t, d.As(pg.RoleOffice), viewed(refA))
		sequence(t, d, s)
		if n := count(t, d, `select count(*) from audit_checkpoint`); n != move.want {
			t.Errorf("move %d: %d checkpoints, want %d", i, n, move.want)
		}
	}
	verified(t, d, k.verifier, 5)
}

// A restore from a logical copy starts the count of transactions anew: restored events have numbers of the future.
func TestGoesOnAfterALogicalRestore(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	s, office, super := newSequencer(d, k), d.As(pg.RoleOffice), d.Superuser()
	record(t, office, viewed(refA), viewed(refA))
	sequence(t, d, s)
	record(t, office, viewed(refB)) // committed before the copy was made, not numbered yet
	for _, sql := range []string{
		`update audit_event set xid = (xid::text::bigint + 1000000)::text::xid8`,
		`update audit_head set upto = (select max(xid) from audit_event)`,
	} {
		_, err := super.Exec(t.Context(), sql)
		must(t, err)
	}
	sequence(t, d, s)
	for range 3 {
		record(t, office, viewed(refA))
		sequence(t, d, s)
	}
	if n := count(t, d, `select count(*) from audit_head where upto::text::bigint < 1000000`); n != 1 {
		t.Error("the sequencer still looks at every event")
	}
	verified(t, d, k.verifier, 6)
}

// sequenceUntilKilled is the child of the next test.
func sequenceUntilKilled(dsn string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	}
	db, err := pg.Open(ctx, dsn, clock.System{}, 2)
	fail(err)
	signer, err := note.NewSigner(os.Getenv("AKASHI_TEST_KEY"))
	fail(err)
	s := audit.NewSequencer(audit.SequencerConfig{DB: db, Signer: signer, Batch: 3, Interval: time.Microsecond,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	fail(s.Run(ctx))
}

func TestKilledSequencersLoseNothing(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	office := d.As(pg.RoleOffice)
	self, err := os.Executable()
	must(t, err)
	for range 6 {
		before := count(t, d, `select size from audit_head`)
		child := exec.Command(self)
		child.Env = append(os.Environ(), "AKASHI_TEST_SEQUENCE="+d.DSN(pg.RoleWorker), "AKASHI_TEST_KEY="+k.private)
		child.Stderr = os.Stderr
		must(t, child.Start())
		for range 200 {
			record(t, office, viewed(refA))
			// It must be at work, and die in the middle of it.
			if size := count(t, d, `select size from audit_head`); size > before+20 {
				break
			}
		}
		must(t, child.Process.Kill())
		if err := child.Wait(); err == nil || child.ProcessState.ExitCode() == 3 {
			t.Fatalf("the child ended by itself: %v", err)
		}
		report, err := audit.Verify(t.Context(), d.As(pg.RoleWorker), k.verifier)
		must(t, err)
		must(t, report.Err())
	}
	if n := count(t, d, `select size from audit_head`); n == 0 {
		t.Error("no child numbered anything before it was killed")
	}
	sequence(t, d, newSequencer(d, k))
	verified(t, d, k.verifier, count(t, d, `select count(*) from audit_event`))
}

func TestADamagedTreeIsNotExtended(t *testing.T) {
	d, k := newDB(t), newKeys(t)
	s, office := newSequencer(d, k), d.As(pg.RoleOffice)
	record(t, office, viewed(refA), viewed(refA))
	sequence(t, d, s)
	_, err := d.Superuser().Exec(t.Context(), `update audit_leaf set commitment = sha256('other') where seq = 1`)
	must(t, err)
	record(t, office, viewed(refA))
	for {
		_, err := s.Step(t.Context())
		if err == nil {
			continue // the event cannot be numbered yet
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Key != "audit.damaged" {
			t.Errorf("got %v, want audit.damaged", err)
		}
		return
	}
}
