package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/clock"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/world"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/programtest"
	"akashi/internal/system"
)

const (
	crashRounds  = 8
	crashClients = 4
	crashPeople  = 160 // more than can be reached
)

// TestCrashes kills Akashi, and three times of four its database with it, at random moments while clients work on cases
// through the pages, starts it again, and in the end reads from the database and from the payment provider whether
// everything that was acknowledged is there, once, and whether every case has reached its end.
//
// With a guarantee switched off it fails, which is how its reach was tried. AKASHI_CRASH_WITHOUT=durability: the database
// acknowledges commits that it has not written; after its kill, acknowledged steps of cases are gone, or whole cases.
// AKASHI_CRASH_WITHOUT=idempotency: the payment provider takes each repetition of
// a request, whose answer the broken connection has swallowed, for another one; there are more orders than cases.
func TestCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes most of a minute")
	}
	w := newCrashWorld(t)
	g, ctx := errgroup.WithContext(t.Context())
	for client := range crashClients {
		g.Go(func() error { return w.client(ctx, client) })
	}
	for round := range crashRounds {
		w.crash(t, ctx, round)
	}
	w.freeWriter(t)
	w.finish()
	if err := g.Wait(); err != nil {
		t.Fatalf("after %d crashes: %v\n%s", crashRounds, err, w.tail())
	}
	w.settle(t)
	w.server.stopAnyhow(t)
	w.examine(t)
}

// crashWorld is Akashi as a child process, with the simulators in this one, so that they outlive it.
type crashWorld struct {
	Place
	wires   *wires
	program string
	server  *child
	sims    *world.World

	writer int // process of the database that writes its log behind, held still; 0: nobody is

	mu      sync.Mutex
	up      chan struct{} // closed while Akashi answers
	ending  bool          // no new cases
	next    int           // applicant
	officer map[string]*visitor
	said    map[string][]string // what was acknowledged, by case
	crashes int
}

func newCrashWorld(t *testing.T) *crashWorld {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "akashi-crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755)) // the database's user passes through it
	p, err := newPlace(dir, crashClients, crashPeople)
	must(t, err)
	w := &crashWorld{Place: p, wires: newWires(), program: programtest.File(t), up: make(chan struct{}), officer: map[string]*visitor{}, said: map[string][]string{}}
	w.prepare(t)
	w.sims, err = p.world(slog.New(slog.DiscardHandler))
	must(t, err)
	if without("idempotency") {
		w.sims.Payment.ForgetKeys()
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.sims.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	w.start(t)
	t.Cleanup(func() {
		w.freeWriter(t)
		w.server.stopAnyhow(t)
	})
	w.seat(t)
	return w
}

// seat logs the officers in before the first crash: a one-time code whose answer was lost is used up for half a minute.
func (w *crashWorld) seat(t *testing.T) {
	t.Helper()
	for n := range crashClients {
		for _, role := range roles {
			v := newVisitor(w.wires, n)
			must(t, w.sit(t.Context(), v, role, n))
			w.officer[member(role, n)] = v
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// database opens the private database of the child, which is not running.
func (w *crashWorld) database(t *testing.T, f func(db *system.Database)) {
	t.Helper()
	db, err := system.OpenPrivate(t.Context(), pgserver.Config{DataDir: filepath.Join(w.data(), "postgres"), Logger: slog.New(slog.DiscardHandler)}, clock.System{})
	must(t, err)
	f(db)
	must(t, db.Close(t.Context()))
}

func (w *crashWorld) as(t *testing.T, db *system.Database, role string) *pg.DB {
	t.Helper()
	opened, err := db.As(t.Context(), role, 2)
	must(t, err)
	return opened
}

func (w *crashWorld) prepare(t *testing.T) {
	t.Helper()
	w.database(t, func(db *system.Database) {
		cat, err := system.Definitions()
		must(t, err)
		must(t, seed(t.Context(), w.as(t, db, pg.RoleWorker), cat, w.Clients, w.People))
		if without("durability") {
			_, err := w.as(t, db, pgserver.Superuser).Pool.Exec(t.Context(), "alter system set synchronous_commit = off")
			must(t, err)
		}
	})
}

// without tells whether a guarantee is switched off.
func without(guarantee string) bool { return os.Getenv("AKASHI_CRASH_WITHOUT") == guarantee }

// holdWriter holds the process still that writes what was committed without waiting, a page at a time: else hardly anything
// would be lost.
func (w *crashWorld) holdWriter(t *testing.T) {
	t.Helper()
	admin := w.running(t)
	defer admin.Close()
	w.writer = one[int](t, admin, `select pid from pg_stat_activity where backend_type = 'walwriter'`)
	must(t, syscall.Kill(w.writer, syscall.SIGSTOP))
}

// freeWriter lets it go on.
func (w *crashWorld) freeWriter(t *testing.T) {
	t.Helper()
	if w.writer != 0 {
		must(t, syscall.Kill(w.writer, syscall.SIGCONT))
		w.writer = 0
	}
}

// start starts Akashi and lets the clients through.
func (w *crashWorld) start(t *testing.T) {
	t.Helper()
	server, err := launch(w.program, w.serve(""), nil, filepath.Join(w.Dir, "serve.log"))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.awaitHealth(ctx, w.Citizen, w.Office, w.Public, w.API); err != nil {
		t.Fatalf("%v\n%s", err, w.tail())
	}
	w.wires.close() // those to what was killed
	w.mu.Lock()
	w.server = server
	w.mu.Unlock()
	w.nothingLost(t)
	if without("durability") && !w.ending {
		w.holdWriter(t)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.up)
}

// crash lets the clients work for a random time, and then kills.
func (w *crashWorld) crash(t *testing.T, ctx context.Context, round int) {
	t.Helper()
	select {
	case <-time.After(time.Duration(400+rand.N(1400)) * time.Millisecond): // the random moment
	case <-ctx.Done():
		return
	}
	w.mu.Lock()
	w.up = make(chan struct{})
	w.crashes++
	w.mu.Unlock()
	// The next order comes into being, and we do not hear of it.
	must(t, w.sims.Payment.Faults().Add(fail.Rule{Method: http.MethodPost, Path: "/v1/orders", Mode: fail.DropAfter, Count: 1}))
	if round%4 != 0 || w.writer != 0 {
		w.killDatabase(t)
	}
	must(t, w.server.cmd.Process.Kill())
	<-w.server.exited
	w.start(t)
}

// killDatabase kills the postmaster of the child, whose processes then end without a last write.
func (w *crashWorld) killDatabase(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.data(), "postgres", "pgdata", "postmaster.pid"))
	must(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	if w.writer != 0 {
		must(t, syscall.Kill(w.writer, syscall.SIGKILL))
		w.writer = 0
	}
}

// stopAnyhow ends the process, if it runs, gracefully.
func (c *child) stopAnyhow(t *testing.T) {
	t.Helper()
	select {
	case <-c.exited:
	default:
		if err := c.stop(); err != nil {
			t.Errorf("stopping akashi: %v", err)
		}
	}
}

func (w *crashWorld) tail() string {
	text, err := os.ReadFile(filepath.Join(w.Dir, "serve.log"))
	if err != nil {
		return err.Error()
	}
	var bad []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") || strings.HasPrefix(line, "akashi: ") {
			bad = append(bad, line)
		}
	}
	return strings.Join(bad[max(0, len(bad)-20):], "")
}

// finish lets the clients end what they have begun.
func (w *crashWorld) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
}

// begin hands out the next applicant; false when no new case is to begin.
func (w *crashWorld) begin() (int, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ending || w.next == crashPeople {
		return 0, false
	}
	w.next++
	return w.next - 1, true
}

// acknowledged keeps what an answer has said.
func (w *crashWorld) acknowledged(id, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said[id] = append(w.said[id], what)
}

// mostTries bounds how often one person tries one thing before it counts as stuck.
const mostTries = 60

// insist does something until it succeeds. Whenever Akashi does not answer, it waits until it does; an answer that fits
// no more (the act was done, its answer lost) leads to another look.
func (w *crashWorld) insist(ctx context.Context, what string, f func() error) error {
	var err error
	for range mostTries {
		w.mu.Lock()
		up := w.up
		w.mu.Unlock()
		select {
		case <-up:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err = f(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s is stuck: %w", what, err)
}

// client is an applicant after another, and between them a reviewer and an approver.
func (w *crashWorld) client(ctx context.Context, n int) error {
	reviewer, approver := w.officer[member(account.Reviewer, n)], w.officer[member(account.Approver, n)]
	for {
		applicant, more := w.begin()
		if !more {
			break
		}
		v := newVisitor(w.wires, applicant)
		if err := w.insist(ctx, fmt.Sprintf("applicant %d", applicant), func() error { return w.applicant(ctx, v, applicant) }); err != nil {
			return err
		}
		if err := w.officers(ctx, reviewer, approver, n, false); err != nil {
			return err
		}
	}
	return w.officers(ctx, reviewer, approver, n, true)
}

// officers work on one case each, or on all that there are.
func (w *crashWorld) officers(ctx context.Context, reviewer, approver *visitor, n int, all bool) error {
	for {
		var left int
		for role, v := range map[account.Role]*visitor{account.Reviewer: reviewer, account.Approver: approver} {
			err := w.insist(ctx, fmt.Sprintf("%s %d", role, n), func() error {
				did, err := w.office(ctx, v, role)
				if did {
					left++
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if !all || left == 0 {
			return nil
		}
	}
}

// office works on the case that the officer holds, else on the next one. It tells whether there was one.
func (w *crashWorld) office(ctx context.Context, v *visitor, role account.Role) (bool, error) {
	if err := v.get(ctx, "inbox", "http://"+w.Office+"/"); err != nil {
		return false, err
	}
	step := map[account.Role]string{account.Reviewer: application.StepReview, account.Approver: application.StepApproval}[role]
	id, _, _ := strings.Cut(v.find(`href="/cases/`, `"`), "/")
	if id == "" {
		var err error
		if id, err = w.Place.next(ctx, v, step); errors.Is(err, errEmpty) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	if role == account.Reviewer {
		if err := v.get(ctx, "case", "http://"+w.Office+"/cases/"+id); err != nil {
			return false, err
		}
		if err := w.review(ctx, v, id); err != nil {
			return false, err
		}
		w.acknowledged(id, "proposed")
		return true, nil
	}
	if err := v.get(ctx, "decision", "http://"+w.Office+"/cases/"+id+"/decision"); err != nil {
		return false, err
	}
	if err := w.decide(ctx, v, id); err != nil {
		return false, err
	}
	w.acknowledged(id, "approved")
	return true, nil
}

// applicant goes on with the applicant's case from wherever it stands.
func (w *crashWorld) applicant(ctx context.Context, v *visitor, n int) error {
	if len(v.cookies[w.Citizen]) == 0 || v.id == "" {
		if err := w.login(ctx, v, n); err != nil {
			return err
		}
		if err := w.beginOrGoOn(ctx, v, n); err != nil {
			return err
		}
		w.acknowledged(v.id, "begun")
	}
	id := v.id
	for {
		if err := v.get(ctx, "overview", w.application(id, "")); err != nil {
			return err
		}
		var err error
		switch {
		case v.has(`action="/applications/` + id + `/check"`):
			if _, err = w.sign(ctx, v, n, id); err == nil {
				w.acknowledged(id, "submitted")
			}
		case v.has(`href="/applications/` + id + `/check"`):
			if err = w.signAgain(ctx, v, n, id); err == nil {
				w.acknowledged(id, "submitted")
			}
		case v.has(`/applications/` + id + `/form/person`):
			if _, err = w.fill(ctx, v, n, id); err == nil {
				w.acknowledged(id, "filled")
				_, err = w.handOnce(ctx, v, id)
			}
		case v.has(`href="/applications/` + id + `/pay"`):
			if _, err = w.pay(ctx, v, n, id); err == nil && !v.has(`href="/applications/`+id+`/pay"`) {
				w.acknowledged(id, "paid")
			}
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// beginOrGoOn begins the applicant's case, or finds the one whose beginning was not answered.
func (w *crashWorld) beginOrGoOn(ctx context.Context, v *visitor, n int) (err error) {
	if v.id, err = w.Place.begin(ctx, v, n, ""); err == nil {
		return nil
	}
	if draft := v.find(`href="/applications/`, `"`); draft != "" && v.status == 200 {
		v.id, _, _ = strings.Cut(draft, "/")
		return nil
	}
	return err
}

// signAgain signs content that is frozen already.
func (w *crashWorld) signAgain(ctx context.Context, v *visitor, n int, id string) error {
	if err := v.get(ctx, "check", w.application(id, "/check")); err != nil {
		return err
	}
	_, err := w.signFrozen(ctx, v, n, id)
	return err
}

// handOnce hands the document in unless it is there.
func (w *crashWorld) handOnce(ctx context.Context, v *visitor, id string) (string, error) {
	if err := v.get(ctx, "documents", w.application(id, "/documents")); err != nil {
		return id, err
	}
	if v.has("診断書.png") {
		return id, nil
	}
	return w.hand(ctx, v, 0, id)
}
