package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Sequencer gives committed events their numbers in the Merkle log and signs checkpoints.
//
// A step is one transaction: leaves, tiles, the head and the checkpoint appear together or not at all, so a crash at any
// line loses nothing but the step. Any number of sequencers may run: an advisory lock keeps all but one from trying, and
// where that fails the head moves only from the size that was read, and a number is given once (audit_leaf_pkey).
//
// An event is taken when every transaction up to its own has ended (its xid is below the snapshot's xmin). A transaction
// that commits late is therefore waited for and never skipped.
type Sequencer struct {
	c SequencerConfig
}

// SequencerConfig is what a Sequencer needs.
type SequencerConfig struct {
	DB              *pg.DB      // as pg.RoleWorker
	Signer          note.Signer // signs checkpoints; its name is the log's origin
	Logger          *slog.Logger
	Metrics         *Metrics      // nil: none are kept
	Batch           int           // events of one step; 0 means 1000
	Interval        time.Duration // between steps that found little; 0 means 200 ms
	CheckpointEvery time.Duration // at most one checkpoint in this time; 0 means one with every step that numbers something
}

const (
	defaultBatch    = 1000
	defaultInterval = 200 * time.Millisecond
	// lockSequencer is the advisory lock of the sequencer ("akas", then a number; pg has the others).
	lockSequencer = 0x616b6173_00000010
)

// NewSequencer prepares a sequencer.
func NewSequencer(c SequencerConfig) *Sequencer {
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
	if c.Interval == 0 {
		c.Interval = defaultInterval
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sequencer{c: c}
}

// Step is what a step of the sequencer did.
type Step struct {
	Numbered int           // events that got their number
	Size     int64         // events in the log now
	Lag      time.Duration // age of the oldest event that was numbered
	Signed   bool          // a checkpoint was signed
	Busy     bool          // another sequencer is at work; nothing was done
}

// Run steps until ctx ends, and returns nil then. A failed step is logged and tried again: events wait in the database.
func (s *Sequencer) Run(ctx context.Context) error {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		step, err := s.Step(ctx)
		if err != nil && ctx.Err() == nil {
			s.c.Logger.ErrorContext(ctx, "numbering audit events failed", "cause", err)
		}
		s.c.Metrics.observe(step, err)
		wait.Reset(s.pause(step, err))
	}
}

// pause is how long to wait after a step: not at all after a full one.
func (s *Sequencer) pause(step Step, err error) time.Duration {
	if err == nil && step.Numbered == s.c.Batch {
		return 0
	}
	return s.c.Interval
}

// Step numbers what can be numbered, one batch at most. fault.Conflict when another sequencer was faster.
func (s *Sequencer) Step(ctx context.Context) (Step, error) {
	var step Step
	err := s.c.DB.Platform(ctx, func(tx *pg.Tx) error {
		step = Step{}
		var free bool
		if err := tx.QueryRow(ctx, `select pg_try_advisory_xact_lock($1)`, int64(lockSequencer)).Scan(&free); err != nil {
			return err
		}
		if !free {
			step.Busy = true
			return nil
		}
		var err error
		step, err = s.step(ctx, tx)
		return err
	})
	if pg.Violates(err, "audit_leaf_pkey") || pg.Violates(err, "audit_leaf_once") {
		err = fault.Wrap(fault.Conflict, err, "another sequencer was faster")
	}
	if err != nil {
		return Step{}, fmt.Errorf("numbering audit events: %w", err)
	}
	return step, nil
}

// head is where the log stands.
type head struct {
	size int64
	root tlog.Hash
	upto string // xid8
}

func (s *Sequencer) step(ctx context.Context, tx *pg.Tx) (Step, error) {
	h, err := readHead(ctx, tx)
	if err != nil {
		return Step{}, err
	}
	found, err := s.pending(ctx, tx, h)
	if err != nil {
		return Step{}, err
	}
	if len(found.events) > 0 || found.upto != h.upto {
		if h, err = s.extend(ctx, tx, h, found); err != nil {
			return Step{}, err
		}
	}
	signed, err := s.checkpoint(ctx, tx, h)
	if err != nil {
		return Step{}, err
	}
	return Step{Numbered: len(found.events), Size: h.size, Lag: found.lag(tx.Now), Signed: signed}, nil
}

func readHead(ctx context.Context, tx *pg.Tx) (h head, err error) {
	var root []byte
	err = tx.QueryRow(ctx, `select size, root, upto::text from audit_head where tree = 'events'`).Scan(&h.size, &root, &h.upto)
	if err != nil {
		return h, fmt.Errorf("reading the head of the audit log: %w", err)
	}
	h.root, err = toHash(root)
	return h, err
}

// event is what the sequencer needs of an event.
type event struct {
	id         uuid.UUID
	xid        string
	at         time.Time
	commitment []byte
}

// pending is what can be numbered, in order, and where to go on afterwards.
type pending struct {
	events []event
	upto   string
}

func (p pending) lag(now time.Time) (lag time.Duration) {
	for _, e := range p.events {
		lag = max(lag, now.Sub(e.at))
	}
	return lag
}

// Events that no earlier transaction can still add to, in the order of their transactions. upto only saves looking at
// what has been numbered; "not exists" decides.
const selectPending = `select e.id, e.xid::text, e.at, e.commitment from audit_event e
  where e.xid >= $1::text::xid8 and e.xid < pg_snapshot_xmin(pg_current_snapshot())
    and not exists (select from audit_leaf l where l.commitment = e.commitment)
  order by e.xid, e.id limit $2`

// After a restore from a logical copy the new cluster counts transactions from the beginning, and restored rows carry
// numbers that it has yet to give. All that is visible above the snapshot is such a row, long committed.
const selectRestored = `select e.id, e.xid::text, e.at, e.commitment from audit_event e
  where (e.xid < pg_snapshot_xmin(pg_current_snapshot()) or e.xid >= pg_snapshot_xmax(pg_current_snapshot()))
    and not exists (select from audit_leaf l where l.commitment = e.commitment)
  order by e.at, e.id limit $1`

func (s *Sequencer) pending(ctx context.Context, tx *pg.Tx, h head) (pending, error) {
	var restored bool
	var xmin string
	err := tx.QueryRow(ctx, `select $1::text::xid8 > pg_snapshot_xmax(s), pg_snapshot_xmin(s)::text
		from pg_current_snapshot() s`, h.upto).Scan(&restored, &xmin)
	if err != nil {
		return pending{}, fmt.Errorf("reading the snapshot: %w", err)
	}
	if restored {
		return s.pendingRestored(ctx, tx, h, xmin)
	}
	events, err := collectPending(tx.Query(ctx, selectPending, h.upto, s.c.Batch))
	if err != nil || len(events) == 0 {
		return pending{upto: h.upto}, err
	}
	return pending{events: events, upto: events[len(events)-1].xid}, nil
}

// pendingRestored looks at every event until none is left, and then lets upto follow the new count of transactions.
func (s *Sequencer) pendingRestored(ctx context.Context, tx *pg.Tx, h head, xmin string) (pending, error) {
	events, err := collectPending(tx.Query(ctx, selectRestored, s.c.Batch))
	if err != nil {
		return pending{}, err
	}
	s.c.Logger.WarnContext(ctx, "the database counts transactions anew: it was restored from a logical copy", "found", len(events))
	if len(events) < s.c.Batch {
		return pending{events: events, upto: xmin}, nil
	}
	return pending{events: events, upto: h.upto}, nil
}

func collectPending(rows pgx.Rows, err error) ([]event, error) {
	if err != nil {
		return nil, fmt.Errorf("reading events to number: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e event, err error) {
		err = row.Scan(&e.id, &e.xid, &e.at, &e.commitment)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading events to number: %w", err)
	}
	return events, nil
}

// extend appends the events to the tree and moves the head, from exactly where it was read.
func (s *Sequencer) extend(ctx context.Context, tx *pg.Tx, h head, p pending) (head, error) {
	e, err := tree{ctx, tx}.edge(h.size)
	if err != nil {
		return h, err
	}
	if e.root() != h.root {
		return h, damaged("the stored tree of %d events does not have the head's root", h.size)
	}
	var batch pg.Batch
	commitments := make([][]byte, len(p.events))
	var tiles []tile
	for i, event := range p.events {
		commitments[i] = event.commitment
		tiles = append(tiles, e.append(tlog.RecordHash(event.commitment))...)
	}
	batch.Exec("writing leaves", `insert into audit_leaf (seq, commitment)
		select $1 + u.place - 1, u.commitment from unnest($2::bytea[]) with ordinality as u (commitment, place)`, h.size, commitments)
	for _, t := range tiles {
		batch.Exec("writing a tile", `insert into audit_tile (level, n, root, data) values ($1, $2, $3, $4)`,
			t.level, t.n, t.root[:], t.data)
	}
	next := head{size: e.size, root: e.root(), upto: p.upto}
	batch.ExecOne("moving the head", `update audit_head set size = $1, root = $2, upto = $3::text::xid8
		where tree = 'events' and size = $4 and upto = $5::text::xid8`, next.size, next.root[:], next.upto, h.size, h.upto)
	return next, batch.Send(ctx, tx)
}

// checkpoint signs the head when it has grown since the last checkpoint and one is due.
func (s *Sequencer) checkpoint(ctx context.Context, tx *pg.Tx, h head) (bool, error) {
	last, err := latestCheckpoint(ctx, tx)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, err
	}
	// A clock that was set back must not silence the checkpoints.
	age := tx.Now.Sub(last.At)
	if h.size == last.Size || age >= 0 && age < s.c.CheckpointEvery {
		return false, nil
	}
	signed, err := signCheckpoint(s.c.Signer, h.size, h.root)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `insert into audit_checkpoint (size, root, at, note) values ($1, $2, $3, $4)`,
		h.size, h.root[:], tx.Now, string(signed))
	if err != nil {
		return false, fmt.Errorf("writing a checkpoint: %w", err)
	}
	return true, nil
}
