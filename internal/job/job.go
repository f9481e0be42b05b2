// Package job runs work after the act that asked for it: calling outside systems, signing, sending notices.
//
// A job is enqueued in the act's own transaction, so it exists exactly when the act does. It may run more than once (a
// crash after the work and before its record repeats it), so whoever handles one is idempotent. No page waits for a job.
//
// Arguments carry ids only: a job's row lies in a platform table, outlives the act and is read by operators, so it must
// say nothing about anybody. CheckArgs refuses other field types and values that are not plain ids.
//
// Times of jobs (retries, delays, periods) are the machine's, because River compares them with the database's clock. A
// rule's deadline is never a job's time: it is a column, and a periodic job looks for what is due by internal/clock.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Opts are a job's options; nil means none.
type Opts struct {
	After    time.Duration // wait at least so long
	Unique   bool          // at most one job of this kind and these arguments that has not ended; see UniqueArgs
	Priority int           // 1 (first) to 4; 0 means 1
	MaxTries int           // 0 means the default, 25: about 16 hours of trying
}

// Inserter enqueues jobs and runs none. It works under every role of the program.
type Inserter struct {
	client *river.Client[pgx.Tx]
}

// NewInserter makes an Inserter. It needs no pool, since every job is part of somebody's transaction.
func NewInserter() (*Inserter, error) {
	client, err := river.NewClient(riverpgxv5.New(nil), &river.Config{
		Logger: slog.New(slog.DiscardHandler), Middleware: []rivertype.Middleware{&insertPlainly{}},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing to enqueue jobs: %w", err)
	}
	return &Inserter{client: client}, nil
}

// Enqueue adds a job to the transaction. A unique job that stands already is no error; nothing is added then.
func (i *Inserter) Enqueue(ctx context.Context, tx *pg.Tx, args river.JobArgs, opts *Opts) error {
	if err := CheckArgs(args); err != nil {
		return err
	}
	if _, err := i.client.InsertTx(context.WithValue(ctx, txKey{}, tx), tx.Tx, args, opts.river()); err != nil {
		return fmt.Errorf("enqueueing %s: %w", args.Kind(), err)
	}
	return nil
}

func (o *Opts) river() *river.InsertOpts {
	if o == nil {
		return nil
	}
	opts := &river.InsertOpts{Priority: o.Priority, MaxAttempts: o.MaxTries}
	if o.After > 0 {
		opts.ScheduledAt = clock.System{}.Now().Add(o.After)
	}
	if o.Unique {
		opts.UniqueOpts = UniqueArgs()
	}
	return opts
}

// UniqueArgs lets one job of a kind and its arguments stand at a time: a second is dropped until the first has ended,
// in whatever way. For periodic jobs and Opts.Unique. A job that is running counts as standing, so what happens while it
// runs must be found by it or by the next period: it suits sweeps, not messages.
func UniqueArgs() river.UniqueOpts {
	return river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}
}

// Snooze makes the handler's job run again after d, without counting as a failure: "not yet".
func Snooze(d time.Duration) error { return river.JobSnooze(max(d, 0)) }

// Snoozed tells whether err asks, by Snooze, for the job to run again later: nothing has failed.
func Snoozed(err error) bool {
	var snooze *rivertype.JobSnoozeError
	return errors.As(err, &snooze)
}

// GiveUp ends the job for good: trying again cannot help.
func GiveUp(err error) error { return river.JobCancel(err) }

type txKey struct{}

// insertPlainly replaces River's insert. River resolves a unique job by "on conflict do update", for which a portal
// would have to see and change jobs of others; row security denies it that. "Do nothing" asks for no right to the row
// that stands in the way. The notification travels in the same round trip and commits with the job.
type insertPlainly struct{ river.MiddlewareDefaults }

const insertJob = `insert into river_job
    (args, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states)
  values ($1, $2, $3, $4, $5, $6, coalesce($7, now()), $8::text::river_job_state, $9, $10, nullif($11::integer, 0)::bit(8))
  on conflict (unique_key) where unique_key is not null and unique_states is not null
    and river_job_state_in_bitmask(unique_states, state) do nothing`

// notifyJob is River's own notification (topic river_insert, prefixed with the schema).
const notifyJob = `select pg_notify(current_schema() || '.river_insert', $1)`

// InsertMany inserts jobs in the transaction that Enqueue put into the context.
func (*insertPlainly) InsertMany(ctx context.Context, jobs []*rivertype.JobInsertParams,
	_ func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	tx, ok := ctx.Value(txKey{}).(*pg.Tx)
	if !ok {
		return nil, fault.New(fault.Internal, "", "a job outside a transaction")
	}
	var batch pgx.Batch
	results := make([]*rivertype.JobInsertResult, len(jobs))
	for i, j := range jobs {
		if err := queueJob(&batch, j, results, i); err != nil {
			return nil, err
		}
	}
	return results, tx.SendBatch(ctx, &batch).Close()
}

func queueJob(batch *pgx.Batch, j *rivertype.JobInsertParams, results []*rivertype.JobInsertResult, i int) error {
	payload, err := json.Marshal(map[string]string{"queue": j.Queue})
	if err != nil {
		return err
	}
	tags := j.Tags
	if tags == nil {
		tags = []string{}
	}
	metadata := j.Metadata
	if len(metadata) == 0 {
		metadata = []byte("{}")
	}
	batch.Queue(insertJob, j.EncodedArgs, j.Kind, j.MaxAttempts, metadata, j.Priority, j.Queue, j.ScheduledAt,
		string(j.State), tags, j.UniqueKey, int32(j.UniqueStates))
	batch.Queue(notifyJob, string(payload))
	// River wants a row back; the id is not known without a right to read it, and nobody of ours asks for it.
	results[i] = &rivertype.JobInsertResult{Job: &rivertype.JobRow{Kind: j.Kind, Queue: j.Queue, State: j.State}}
	return nil
}
