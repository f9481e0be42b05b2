package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/pg"
)

// Finding is one contradiction in the log.
type Finding struct {
	Kind FindingKind
	// Place is the event's or checkpoint's number, or -1.
	Place  int64
	Detail string
}

// FindingKind is a class of contradiction.
type FindingKind string

const (
	EventChanged    FindingKind = "event_changed"    // an event does not have the content that was recorded
	EventMissing    FindingKind = "event_missing"    // a numbered event is gone, or its commitment was changed
	EventSkipped    FindingKind = "event_skipped"    // an event older than the sequencer's place has no number
	LeafMissing     FindingKind = "leaf_missing"     // the numbers have a gap
	TileWrong       FindingKind = "tile_wrong"       // a stored tile is not that of the leaves
	HeadWrong       FindingKind = "head_wrong"       // the head's root or size is not that of the leaves
	CheckpointWrong FindingKind = "checkpoint_wrong" // a checkpoint contradicts the leaves, or its signature fails
)

// Report is the outcome of Verify.
type Report struct {
	Events      int64 // numbered events read
	Checkpoints int
	Findings    []Finding
}

// Err returns nil when nothing contradicts, else an error that names the first finding.
func (r Report) Err() error {
	if len(r.Findings) == 0 {
		return nil
	}
	f := r.Findings[0]
	return damaged("%d findings, the first %s at %d: %s", len(r.Findings), f.Kind, f.Place, f.Detail)
}

// maxFindings bounds a report: what contradicts at so many places is not a list any more.
const maxFindings = 1000

// Verify reads every numbered event, computes every hash again from the events' content, and compares all that is
// stored: leaves, tiles, head and checkpoints with their signatures. db is the worker's. It reads one snapshot and
// blocks nobody. An error is a failure to read; contradictions are in the Report.
//
// It finds what was changed behind the program's back by somebody who has the database and not the signing key. Who has
// both can sign a new history: only a checkpoint kept elsewhere shows that (CheckExtension).
func Verify(ctx context.Context, db *pg.DB, v note.Verifier) (Report, error) {
	var report Report
	err := db.Platform(ctx, func(tx *pg.Tx) error {
		// One snapshot for all statements, so that what the sequencer adds meanwhile cannot look like a contradiction.
		_, err := tx.Exec(ctx, `set transaction isolation level repeatable read, read only; set local statement_timeout = 0`)
		if err != nil {
			return err
		}
		c := checker{ctx: ctx, tx: tx, verifier: v, checkpoints: map[int64]Checkpoint{}, tiles: map[place]tlog.Hash{}}
		for _, step := range []func() error{c.readCheckpoints, c.checkLeaves, c.checkHead, c.checkTiles, c.checkSkipped} {
			if err := step(); err != nil {
				return err
			}
		}
		report = c.report
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("verifying the audit log: %w", err)
	}
	return report, nil
}

// checker is one run of Verify.
type checker struct {
	ctx         context.Context // of the run
	tx          *pg.Tx
	verifier    note.Verifier
	report      Report
	edge        edge
	checkpoints map[int64]Checkpoint // those not compared yet, by size
	tiles       map[place]tlog.Hash  // roots of the tiles that the leaves make
}

type place struct {
	level int
	n     int64
}

func (c *checker) find(kind FindingKind, at int64, format string, args ...any) {
	if len(c.report.Findings) < maxFindings {
		c.report.Findings = append(c.report.Findings, Finding{kind, at, fmt.Sprintf(format, args...)})
	}
}

// readCheckpoints checks signatures and keeps the checkpoints until the tree has their size.
func (c *checker) readCheckpoints() error {
	rows, err := c.tx.Query(c.ctx, `select size, root, at, note from audit_checkpoint order by size`)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, scanCheckpoint)
	if err != nil {
		return err
	}
	for _, stored := range list {
		c.report.Checkpoints++
		signed, err := OpenCheckpoint(stored.Note, c.verifier)
		switch {
		case err != nil:
			c.find(CheckpointWrong, stored.Size, "%v", err)
		case signed.Size != stored.Size || signed.Root != stored.Root:
			c.find(CheckpointWrong, stored.Size, "the row is not what was signed")
		default:
			c.checkpoints[stored.Size] = signed
		}
	}
	return nil
}

// checkLeaves reads all leaves with their events in order and rebuilds the tree.
func (c *checker) checkLeaves() error {
	rows, err := c.tx.Query(c.ctx, selectLeaves)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scanLeaf(rows)
		if err != nil {
			return err
		}
		if l.seq != c.edge.size {
			c.find(LeafMissing, c.edge.size, "the next leaf is %d", l.seq)
			break // every later hash would differ
		}
		if err := c.checkEvent(l); err != nil {
			return err
		}
		c.grow(l.commitment)
	}
	rows.Close()
	c.report.Events = c.edge.size
	for size := range c.checkpoints {
		c.find(CheckpointWrong, size, "the log has %d leaves only", c.edge.size)
	}
	return rows.Err()
}

// checkEvent compares the event's content with its commitment.
func (c *checker) checkEvent(l leaf) error {
	if l.event == nil {
		c.find(EventMissing, l.seq, "no event has the leaf's commitment")
		return nil
	}
	body, err := l.event.Canonical()
	if err != nil {
		return err
	}
	if !bytes.Equal(commit(l.event.Salt, body), l.commitment) || !bytes.Equal(subjectsDigest(l.event.Salt, l.event.Subjects), l.event.Digest) {
		c.find(EventChanged, l.seq, "the event %s is not what was recorded", l.event.ID)
	}
	return nil
}

// grow appends a leaf, keeps the tiles it completes and compares the checkpoint of the new size.
func (c *checker) grow(commitment []byte) {
	for _, t := range c.edge.append(tlog.RecordHash(commitment)) {
		c.tiles[place{t.level, t.n}] = t.root
	}
	signed, ok := c.checkpoints[c.edge.size]
	if !ok {
		return
	}
	delete(c.checkpoints, c.edge.size)
	if signed.Root != c.edge.root() {
		c.find(CheckpointWrong, signed.Size, "the leaves do not have the root that was signed")
	}
}

func (c *checker) checkHead() error {
	h, err := readHead(c.ctx, c.tx)
	if err != nil {
		return err
	}
	if h.size != c.edge.size || h.root != c.edge.root() {
		c.find(HeadWrong, h.size, "the leaves make a log of %d events with another root", c.edge.size)
	}
	return nil
}

// checkTiles compares the stored tiles with those that the leaves make.
func (c *checker) checkTiles() error {
	rows, err := c.tx.Query(c.ctx, `select level, n, root, data from audit_tile order by level, n`)
	if err != nil {
		return err
	}
	var p place
	var root, data []byte
	_, err = pgx.ForEachRow(rows, []any{&p.level, &p.n, &root, &data}, func() error {
		want, ok := c.tiles[p]
		delete(c.tiles, p)
		if !ok || !bytes.Equal(root, want[:]) || perfect(split(data)) != want {
			c.find(TileWrong, p.n, "a tile of level %d is not that of the leaves", p.level)
		}
		return nil
	})
	for p := range c.tiles {
		c.find(TileWrong, p.n, "a tile of level %d is missing", p.level)
	}
	return err
}

// checkSkipped looks for events before the sequencer's place that have no number.
func (c *checker) checkSkipped() error {
	rows, err := c.tx.Query(c.ctx, `select e.id from audit_event e, audit_head h
		where e.xid < h.upto and h.upto <= pg_snapshot_xmax(pg_current_snapshot())
		  and not exists (select from audit_leaf l where l.commitment = e.commitment)
		order by e.xid, e.id limit 100`)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, id := range ids {
		c.find(EventSkipped, -1, "the event %s has no number", id)
	}
	return err
}

// leaf is a leaf with the event that has its commitment; nil when there is none.
type leaf struct {
	seq        int64
	commitment []byte
	event      *Logged
}

const selectLeaves = `select l.seq, l.commitment, e.id, coalesce(e.at, 'epoch'), coalesce(e.act, ''), coalesce(e.actor_kind, ''),
  coalesce(e.actor_id, ''), coalesce(e.actor_role, ''), coalesce(e.actor_body, ''), coalesce(e.purpose, ''),
  coalesce(e.register_id, ''), coalesce(e.registrar_id, ''), e.person_ref, e.case_id, e.entry_id, e.items,
  coalesce(e.outcome, ''), e.salt, e.subjects, e.subjects_digest
  from audit_leaf l left join audit_event e on e.commitment = l.commitment order by l.seq`

func scanLeaf(row pgx.Rows) (leaf, error) {
	var l leaf
	var e Logged
	var id, ref, caseID, entry *uuid.UUID
	err := row.Scan(&l.seq, &l.commitment, &id, &e.At, &e.Act, &e.Actor.Kind, &e.Actor.ID, &e.Actor.Role, &e.Actor.Body,
		&e.Purpose, &e.Register, &e.Registrar, &ref, &caseID, &entry, &e.Items, &e.Outcome, &e.Salt, &e.Subjects, &e.Digest)
	if id != nil {
		e.ID, e.Ref, e.Case, e.Entry = *id, orNil(ref), orNil(caseID), orNil(entry)
		l.event = &e
	}
	return l, err
}

// split undoes join for a complete tile, whose length the table guarantees.
func split(data []byte) []tlog.Hash {
	hashes := make([]tlog.Hash, 0, tileWidth)
	for ; len(data) >= tlog.HashSize; data = data[tlog.HashSize:] {
		hashes = append(hashes, tlog.Hash(data[:tlog.HashSize]))
	}
	return hashes
}
