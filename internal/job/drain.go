package job

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"akashi/internal/clock"
	"akashi/internal/pg"
)

// Drained counts what ended while draining.
type Drained struct {
	Done, Failed, Snoozed, GivenUp int
	Causes                         []string // of Failed and GivenUp: "kind: cause"
}

// Drain waits until no job is due, on a Runner that has been started: every committed job that may run now, and what
// those enqueued, has run. Jobs that wait for a later time stay. It looks again whenever a job ends, never by the
// clock. For tests and for commands that end when the work is done.
func (r *Runner) Drain(ctx context.Context) (Drained, error) {
	ended, unsubscribe := r.client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed,
		river.EventKindJobSnoozed, river.EventKindJobCancelled, river.EventKindJobInterrupted)
	defer unsubscribe()
	var d Drained
	for {
		due, err := r.due(ctx)
		if err != nil {
			return d, err
		}
		if due == 0 {
			d.countRest(ended)
			return d, nil
		}
		select {
		case e, open := <-ended:
			if !open {
				return d, fmt.Errorf("draining: the runner stopped with %d jobs due", due)
			}
			d.count(e)
		case <-ctx.Done():
			return d, fmt.Errorf("draining, %d jobs due: %w", due, ctx.Err())
		}
	}
}

// due counts jobs that run or may run now.
func (r *Runner) due(ctx context.Context) (n int, err error) {
	err = r.db.Platform(ctx, func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from river_job
			where state = 'running' or state in ('available', 'scheduled', 'retryable') and scheduled_at <= $1`,
			clock.System{}.Now().Truncate(time.Microsecond)).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting due jobs: %w", err)
	}
	return n, nil
}

// countRest takes what has been reported and not yet been read.
func (d *Drained) countRest(ended <-chan *river.Event) {
	for {
		select {
		case e, open := <-ended:
			if !open {
				return
			}
			d.count(e)
		default:
			return
		}
	}
}

func (d *Drained) count(e *river.Event) {
	switch e.Kind {
	case river.EventKindJobCompleted:
		d.Done++
	case river.EventKindJobSnoozed:
		d.Snoozed++
	case river.EventKindJobFailed:
		d.Failed++
		d.cause(e)
	case river.EventKindJobCancelled:
		d.GivenUp++
		d.cause(e)
	}
}

func (d *Drained) cause(e *river.Event) {
	if n := len(e.Job.Errors); n > 0 {
		d.Causes = append(d.Causes, e.Job.Kind+": "+e.Job.Errors[n-1].Error)
	}
}
