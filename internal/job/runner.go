package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Workers is the set of handlers, one per kind of job. Stages fill it, cmd gives it to the Runner.
type Workers struct {
	river *river.Workers
}

// NewWorkers returns an empty set.
func NewWorkers() *Workers { return &Workers{river: river.NewWorkers()} }

// Handle adds the handler of a kind. f gets the arguments; its error makes the job run again later, Snooze postpones it,
// GiveUp ends it. timeout bounds one try; 0 means the Runner's. Handle refuses arguments that could carry data, and a
// kind that has a handler.
func Handle[T river.JobArgs](w *Workers, timeout time.Duration, f func(ctx context.Context, args T) error) error {
	var zero T
	if err := CheckArgs(zero); err != nil {
		return err
	}
	if err := river.AddWorkerSafely(w.river, &worker[T]{handle: f, timeout: timeout}); err != nil {
		return fmt.Errorf("adding the handler of %s: %w", zero.Kind(), err)
	}
	return nil
}

type worker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	handle  func(context.Context, T) error
	timeout time.Duration
}

// Timeout bounds one try; 0 leaves it to the Runner.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.timeout }

// Work runs the handler. River keeps the text of a failure in the job's row, so it is scrubbed first; a panic becomes an
// error for the same reason.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &scrubbed{err: fmt.Errorf("panic: %v", p), stack: string(debug.Stack())}
		}
	}()
	if err := w.handle(ctx, job.Args); err != nil {
		return &scrubbed{err: err}
	}
	return nil
}

// Config is what a Runner needs.
type Config struct {
	DB         *pg.DB // as pg.RoleWorker
	Workers    *Workers
	Periodic   []*river.PeriodicJob // see Every and Daily
	Logger     *slog.Logger
	Metrics    *Metrics      // nil: none are kept
	MaxWorkers int           // jobs at once; 0 means 20
	Timeout    time.Duration // one try of a job; 0 means one minute
	Grace      time.Duration // how long running jobs may finish after a stop; 0 means 20 s
}

const (
	// fetchCooldown is how soon after one fetch the next may follow; River's own 100 ms would bound the throughput.
	fetchCooldown = 25 * time.Millisecond
	// fetchPoll finds jobs whose notification was lost.
	fetchPoll = time.Second

	defaultWorkers = 20
	defaultTimeout = time.Minute
	defaultGrace   = 20 * time.Second
	maxTries       = 25
)

// Runner works jobs.
type Runner struct {
	client *river.Client[pgx.Tx]
	db     *pg.DB
}

// NewRunner prepares a Runner; Start starts it. Several may run on one database, in one or many processes: each job runs
// on one of them, and one of them leads (retries, periodic jobs, clearing away).
func NewRunner(c Config) (*Runner, error) {
	c = c.withDefaults()
	client, err := river.NewClient(riverpgxv5.New(c.DB.Pool), &river.Config{
		Workers:              c.Workers.river,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.MaxWorkers}},
		PeriodicJobs:         c.Periodic,
		Logger:               c.Logger,
		ErrorHandler:         &errorHandler{log: c.Logger},
		RetryPolicy:          &Backoff{},
		MaxAttempts:          maxTries,
		JobTimeout:           c.Timeout,
		RescueStuckJobsAfter: max(2*c.Timeout, 2*time.Minute), // of a process that was killed
		SoftStopTimeout:      c.Grace,
		FetchCooldown:        fetchCooldown,
		FetchPollInterval:    fetchPoll,
		Hooks:                c.Metrics.hooks(),
	})
	if err != nil {
		return nil, fmt.Errorf("preparing to run jobs: %w", err)
	}
	return &Runner{client: client, db: c.DB}, nil
}

func (c Config) withDefaults() Config {
	if c.MaxWorkers == 0 {
		c.MaxWorkers = defaultWorkers
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Start begins to work jobs and returns. When ctx ends, the Runner stops as by Stop.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.client.Start(ctx); err != nil {
		return fmt.Errorf("starting to run jobs: %w", err)
	}
	return nil
}

// Stop takes no new jobs and waits for the running ones, whose contexts end after the grace. What did not finish runs
// again elsewhere. Stop returns when all is still, or with ctx's error.
func (r *Runner) Stop(ctx context.Context) error {
	if err := r.client.Stop(ctx); err != nil {
		return fmt.Errorf("stopping to run jobs: %w", err)
	}
	return nil
}

// Stopped is closed when the Runner has stopped.
func (r *Runner) Stopped() <-chan struct{} { return r.client.Stopped() }

// Every enqueues a job of args every d, beginning at the start; a job that still stands is not doubled.
func Every(d time.Duration, args river.JobArgs) *river.PeriodicJob {
	return periodic(river.PeriodicInterval(d), args, true)
}

// Daily enqueues a job of args every day at the time of day in JST, by the machine's clock.
func Daily(hour, minute int, args river.JobArgs) *river.PeriodicJob {
	return periodic(daily{hour, minute}, args, false)
}

func periodic(s river.PeriodicSchedule, args river.JobArgs, onStart bool) *river.PeriodicJob {
	return river.NewPeriodicJob(s, func() (river.JobArgs, *river.InsertOpts) {
		return args, &river.InsertOpts{UniqueOpts: UniqueArgs()}
	}, &river.PeriodicJobOpts{RunOnStart: onStart})
}

type daily struct{ hour, minute int }

// Next returns the first such time of day after t.
func (d daily) Next(t time.Time) time.Time {
	t = t.In(clock.JST)
	next := time.Date(t.Year(), t.Month(), t.Day(), d.hour, d.minute, 0, 0, clock.JST)
	if !next.After(t) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}

// errorHandler logs failures: the kind, the job and the scrubbed cause.
type errorHandler struct{ log *slog.Logger }

// HandleError logs a failed try and leaves its repetition to the retry policy.
func (h *errorHandler) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	level := slog.LevelWarn
	if job.Attempt >= job.MaxAttempts {
		level = slog.LevelError
	}
	attrs := []any{"kind", job.Kind, "job", job.ID, "try", job.Attempt, "of", job.MaxAttempts,
		"class", string(fault.KindOf(err)), "cause", Scrub(err.Error())}
	if s := (*scrubbed)(nil); errors.As(err, &s) && s.stack != "" {
		attrs = append(attrs, "stack", s.stack)
	}
	h.log.Log(ctx, level, "a job failed", attrs...)
	return nil
}

// HandlePanic logs a panic outside a handler; those inside become errors before River sees them.
func (h *errorHandler) HandlePanic(ctx context.Context, job *rivertype.JobRow, p any, trace string) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "a job panicked", "kind", job.Kind, "job", job.ID, "cause", Scrub(fmt.Sprint(p)), "stack", trace)
	return nil
}
