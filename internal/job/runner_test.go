package job_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"akashi/internal/fault"
	"akashi/internal/job"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// patience bounds waits for events that take milliseconds on an idle machine.
const patience = 2 * time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type greet struct {
	ID string `json:"id"`
}

func (greet) Kind() string { return "test.greet" }

type chain struct {
	Left int `json:"left"`
}

func (chain) Kind() string { return "test.chain" }

// rig is a database with an inserter, a log and a place to count.
type rig struct {
	*pgtest.Database
	t        *testing.T
	inserter *job.Inserter
	log      *lockedBuffer
	workers  *job.Workers
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	inserter, err := job.NewInserter()
	must(t, err)
	return &rig{Database: pgtest.New(t), t: t, inserter: inserter, log: &lockedBuffer{}, workers: job.NewWorkers()}
}

// start runs the rig's handlers until the test ends.
func (r *rig) start(change func(*job.Config)) *job.Runner {
	r.t.Helper()
	c := job.Config{DB: r.As(pg.RoleWorker), Workers: r.workers, Logger: slog.New(slog.NewTextHandler(r.log, nil))}
	if change != nil {
		change(&c)
	}
	runner, err := job.NewRunner(c)
	must(r.t, err)
	must(r.t, runner.Start(context.WithoutCancel(r.t.Context())))
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := runner.Stop(ctx); err != nil {
			r.t.Error(err)
		}
	})
	return runner
}

func (r *rig) enqueue(role string, args river.JobArgs, opts *job.Opts) {
	r.t.Helper()
	must(r.t, r.As(role).Platform(r.t.Context(), func(tx *pg.Tx) error { return r.inserter.Enqueue(r.t.Context(), tx, args, opts) }))
}

func (r *rig) drain(runner *job.Runner) job.Drained {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	d, err := runner.Drain(ctx)
	must(r.t, err)
	return d
}

func (r *rig) count(query string) (n int) {
	r.t.Helper()
	must(r.t, r.Superuser().QueryRow(r.t.Context(), query).Scan(&n))
	return n
}

func TestAJobExistsExactlyWhenItsActDoes(t *testing.T) {
	r := newRig(t)
	var seen sync.Map
	must(t, job.Handle(r.workers, 0, func(_ context.Context, a greet) error { seen.Store(a.ID, true); return nil }))
	runner := r.start(nil)
	stop := errors.New("the act failed")
	err := r.As(pg.RoleCitizen).Platform(t.Context(), func(tx *pg.Tx) error {
		must(t, r.inserter.Enqueue(t.Context(), tx, greet{"rolled-back"}, nil))
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	for _, role := range adders() {
		r.enqueue(role, greet{role}, nil)
	}
	if d := r.drain(runner); d.Failed+d.GivenUp+d.Snoozed > 0 {
		t.Errorf("%+v", d)
	}
	for _, role := range adders() {
		if _, ok := seen.Load(role); !ok {
			t.Errorf("the job of %s did not run", role)
		}
	}
	if _, ok := seen.Load("rolled-back"); ok {
		t.Error("a job ran whose act does not exist")
	}
}

// adders are the roles that add jobs.
func adders() []string {
	return []string{pg.RoleCitizen, pg.RoleOffice, pg.RolePublic, pg.RoleRelying, pg.RoleWorker}
}

func TestTheOtherRolesAddNone(t *testing.T) {
	r := newRig(t)
	for _, role := range pg.LoginRoles() {
		if slices.Contains(adders(), role) {
			continue
		}
		err := r.As(role).Platform(t.Context(), func(tx *pg.Tx) error { return r.inserter.Enqueue(t.Context(), tx, greet{role}, nil) })
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s adds a job: %v, want 42501 insufficient_privilege", role, err)
		}
	}
}

func TestAUniqueJobStandsOnce(t *testing.T) {
	r := newRig(t)
	unique := &job.Opts{Unique: true}
	for _, role := range adders() { // each meets a job that it may not see
		r.enqueue(role, greet{"same"}, unique)
	}
	r.enqueue(pg.RoleOffice, greet{"other"}, unique)
	if n := r.count(`select count(*) from river_job`); n != 2 {
		t.Fatalf("%d jobs, want 2", n)
	}
	must(t, job.Handle(r.workers, 0, func(context.Context, greet) error { return nil }))
	runner := r.start(nil)
	r.drain(runner)
	r.enqueue(pg.RoleCitizen, greet{"same"}, unique) // the first has ended
	r.drain(runner)
	if n := r.count(`select count(*) from river_job where state = 'completed'`); n != 3 {
		t.Errorf("%d jobs ran, want 3", n)
	}
}

func TestPortalsSeeNoJobs(t *testing.T) {
	r := newRig(t)
	r.enqueue(pg.RoleOffice, greet{"x"}, nil)
	for _, role := range []string{pg.RoleCitizen, pg.RoleOffice, pg.RolePublic} {
		must(t, r.As(role).Platform(t.Context(), func(tx *pg.Tx) error {
			var n int
			must(t, tx.QueryRow(t.Context(), `select count(*) from river_job`).Scan(&n))
			if n != 0 {
				t.Errorf("%s sees %d jobs", role, n)
			}
			return nil
		}))
	}
}

func TestEnqueueRefusesData(t *testing.T) {
	r := newRig(t)
	err := r.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		return r.inserter.Enqueue(t.Context(), tx, greet{"佐藤花子"}, nil)
	})
	if !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "ID is not a plain id") {
		t.Errorf("got %v", err)
	}
	if err := job.Handle(r.workers, 0, func(context.Context, withMap) error { return nil }); !errors.Is(err, fault.Internal) {
		t.Errorf("a handler of data is added: %v", err)
	}
	must(t, job.Handle(r.workers, 0, func(context.Context, greet) error { return nil }))
	if err := job.Handle(r.workers, 0, func(context.Context, greet) error { return nil }); err == nil {
		t.Error("a second handler of a kind is added")
	}
}

func TestDrainFollowsWhatJobsEnqueue(t *testing.T) {
	r := newRig(t)
	worker := r.As(pg.RoleWorker)
	var ran atomic.Int32
	must(t, job.Handle(r.workers, 0, func(ctx context.Context, a chain) error {
		ran.Add(1)
		if a.Left == 0 {
			return nil
		}
		return worker.Platform(ctx, func(tx *pg.Tx) error { return r.inserter.Enqueue(ctx, tx, chain{a.Left - 1}, nil) })
	}))
	runner := r.start(nil)
	r.enqueue(pg.RoleOffice, chain{10}, nil)
	r.enqueue(pg.RoleOffice, chain{3}, &job.Opts{After: time.Hour}) // not due: stays
	r.drain(runner)
	if ran.Load() != 11 {
		t.Errorf("%d jobs ran, want 11", ran.Load())
	}
	if n := r.count(`select count(*) from river_job where state = 'scheduled'`); n != 1 {
		t.Errorf("%d jobs wait, want 1", n)
	}
}

func TestFailuresAreRetriedAndScrubbed(t *testing.T) {
	r := newRig(t)
	secret := "佐藤花子 hanako@example.jp 123456789012"
	must(t, job.Handle(r.workers, 0, func(_ context.Context, a greet) error {
		switch a.ID {
		case "fail":
			return fault.Wrap(fault.Upstream, errors.New("no record of "+secret), "asking the resident registry")
		case "panic":
			panic("unexpected " + secret)
		case "give-up":
			return job.GiveUp(fmt.Errorf("refused for %s: %w", secret, fault.Invalid))
		}
		return job.Snooze(time.Hour)
	}))
	reg := prometheus.NewRegistry()
	metrics, err := job.NewMetrics(reg)
	must(t, err)
	runner := r.start(func(c *job.Config) { c.Metrics = metrics })
	for _, id := range []string{"fail", "panic", "give-up", "snooze"} {
		r.enqueue(pg.RoleOffice, greet{id}, &job.Opts{MaxTries: 1})
	}
	d := r.drain(runner)
	for _, c := range []struct {
		query string
		want  int
	}{
		{`select count(*) from river_job where state = 'discarded' and args->>'id' in ('fail', 'panic')`, 2},
		{`select count(*) from river_job where state = 'cancelled' and args->>'id' = 'give-up'`, 1},
		{`select count(*) from river_job where state = 'scheduled' and args->>'id' = 'snooze'`, 1},
		{`select count(*) from river_job, unnest(errors) e where e::text ~ '佐藤|hanako|123456789012'`, 0},
		{`select count(*) from river_job, unnest(errors) e where e->>'error' like '%asking the resident registry%'`, 1},
	} {
		if n := r.count(c.query); n != c.want {
			t.Errorf("%s: %d, want %d", c.query, n, c.want)
		}
	}
	if d.Failed != 2 || d.GivenUp != 1 || d.Snoozed != 1 || len(d.Causes) != 3 {
		t.Errorf("drained %+v", d)
	}
	logged := r.log.String()
	for _, part := range strings.Fields(secret) {
		if strings.Contains(logged, part) || strings.Contains(strings.Join(d.Causes, " "), part) {
			t.Errorf("%s is in the log or the causes", part)
		}
	}
	for _, want := range []string{"a job failed", "class=upstream", "kind=test.greet", "asking the resident registry", "stack="} {
		if !strings.Contains(logged, want) {
			t.Errorf("the log lacks %q:\n%s", want, logged)
		}
	}
	for outcome, want := range map[string]float64{"failed": 2, "given_up": 1, "snoozed": 1} {
		if got := tries(t, reg, outcome); got != want {
			t.Errorf("metric of %s is %v, want %v", outcome, got, want)
		}
	}
}

func tries(t testing.TB, reg *prometheus.Registry, outcome string) float64 {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "akashi_job_tries_total" && l.GetName() == "outcome" && l.GetValue() == outcome {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

func TestAFailedJobRunsAgain(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	runs, done := 0, make(chan struct{})
	must(t, job.Handle(r.workers, 0, func(context.Context, greet) error {
		mu.Lock()
		defer mu.Unlock()
		if runs++; runs == 1 {
			return errors.New("not yet")
		}
		close(done)
		return nil
	}))
	runner := r.start(nil)
	r.enqueue(pg.RoleOffice, greet{"x"}, nil)
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the job did not run again")
	}
	r.drain(runner)
	if n := r.count(`select count(*) from river_job where state = 'completed' and attempt = 2`); n != 1 {
		t.Errorf("%d jobs completed at the second try", n)
	}
}

func TestAHandlerEndsAtItsTimeout(t *testing.T) {
	r := newRig(t)
	must(t, job.Handle(r.workers, 50*time.Millisecond, func(ctx context.Context, _ greet) error {
		<-ctx.Done()
		return ctx.Err()
	}))
	runner := r.start(nil)
	r.enqueue(pg.RoleOffice, greet{"x"}, &job.Opts{MaxTries: 1})
	d := r.drain(runner)
	if d.Failed != 1 || !strings.Contains(d.Causes[0], context.DeadlineExceeded.Error()) {
		t.Errorf("%+v", d)
	}
}

// A stop waits for a running job; past the grace, the job's context ends and it is left for another runner.
func TestStop(t *testing.T) {
	for _, c := range []struct {
		name  string
		grace time.Duration
		state string
	}{{"finishes", time.Minute, "completed"}, {"past the grace", time.Millisecond, "available"}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			running, finish := make(chan struct{}), make(chan struct{})
			must(t, job.Handle(r.workers, 0, func(ctx context.Context, _ greet) error {
				close(running)
				select {
				case <-finish:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}))
			runner := r.start(func(j *job.Config) { j.Grace = c.grace })
			r.enqueue(pg.RoleOffice, greet{"x"}, nil)
			<-running
			stopped := make(chan error)
			go func() { stopped <- runner.Stop(context.Background()) }()
			if c.grace > time.Second {
				close(finish)
			}
			must(t, <-stopped)
			if n := r.count(`select count(*) from river_job where state = '` + c.state + `'`); n != 1 {
				var state string
				must(t, r.Superuser().QueryRow(t.Context(), `select state from river_job`).Scan(&state))
				t.Errorf("the job is %s, want %s", state, c.state)
			}
		})
	}
}

func TestPeriodicJobsRunFromTheStart(t *testing.T) {
	r := newRig(t)
	ran := make(chan struct{}, 10)
	must(t, job.Handle(r.workers, 0, func(context.Context, greet) error { ran <- struct{}{}; return nil }))
	r.start(func(c *job.Config) { c.Periodic = []*river.PeriodicJob{job.Every(time.Hour, greet{"sweep"})} })
	select {
	case <-ran:
	case <-time.After(patience):
		t.Fatal("it did not run")
	}
}

// Enqueue announces a job in the words of River's own insert, which runners listen for.
func TestJobsAreAnnounced(t *testing.T) {
	r := newRig(t)
	own, err := river.NewClient(riverpgxv5.New(nil), &river.Config{})
	must(t, err)
	conn, err := r.Superuser().Acquire(t.Context())
	must(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), `listen "public.river_insert"`)
	must(t, err)
	heard := func(insert func(tx *pg.Tx) error) string {
		must(t, r.As(pg.RoleWorker).Platform(t.Context(), insert))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		n, err := conn.Conn().WaitForNotification(ctx)
		must(t, err)
		return n.Channel + strings.ReplaceAll(n.Payload, " ", "")
	}
	want := heard(func(tx *pg.Tx) error { _, err := own.InsertTx(t.Context(), tx.Tx, greet{"x"}, nil); return err })
	got := heard(func(tx *pg.Tx) error { return r.inserter.Enqueue(t.Context(), tx, greet{"x"}, nil) })
	if got != want {
		t.Errorf("announced %s, River announces %s", got, want)
	}
}

// Enqueue writes the row that River's own insert writes.
func TestRowsAreRivers(t *testing.T) {
	r := newRig(t)
	own, err := river.NewClient(riverpgxv5.New(nil), &river.Config{})
	must(t, err)
	opts := &job.Opts{After: time.Hour, Unique: true, Priority: 3, MaxTries: 7}
	must(t, r.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		_, err := own.InsertTx(t.Context(), tx.Tx, greet{"x"}, &river.InsertOpts{Priority: 3, MaxAttempts: 7,
			ScheduledAt: time.Now().Add(time.Hour), UniqueOpts: job.UniqueArgs()})
		return err
	}))
	const row = `select (to_jsonb(j) - 'id' - 'created_at' - 'scheduled_at' - 'enqueued_in')::text from river_job j`
	var want, got string
	must(t, r.Superuser().QueryRow(t.Context(), row).Scan(&want))
	_, err = r.Superuser().Exec(t.Context(), `delete from river_job`)
	must(t, err)
	r.enqueue(pg.RolePublic, greet{"x"}, opts)
	must(t, r.Superuser().QueryRow(t.Context(), row).Scan(&got))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := r.count(`select count(*) from river_job where scheduled_at > now() + interval '59 minutes'`); n != 1 {
		t.Error("the delay is lost")
	}
}

// The fetch cooldown does not bound the throughput: with River's default, 500 jobs on 20 workers would take 2.5 s.
func TestManyJobs(t *testing.T) {
	r := newRig(t)
	var ran atomic.Int32
	must(t, job.Handle(r.workers, 0, func(context.Context, greet) error { ran.Add(1); return nil }))
	must(t, r.As(pg.RoleCitizen).Platform(t.Context(), func(tx *pg.Tx) error {
		for i := range 500 {
			if err := r.inserter.Enqueue(t.Context(), tx, greet{fmt.Sprint(i)}, nil); err != nil {
				return err
			}
		}
		return nil
	}))
	r.drain(r.start(nil))
	if ran.Load() != 500 {
		t.Errorf("%d jobs ran, want 500", ran.Load())
	}
}
