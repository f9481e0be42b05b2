package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Receipt proves that an event stands in the log. Whoever holds it needs nothing of ours to check it but the verifier
// key; it encodes as JSON. It discloses this event and no other.
type Receipt struct {
	Event      json.RawMessage  `json:"event"` // the canonical bytes (RFC 8785 JSON), exactly
	Salt       []byte           `json:"salt"`
	Seq        int64            `json:"seq"`
	Path       tlog.RecordProof `json:"path"`       // RFC 6962 §2.1.1 audit path
	Checkpoint string           `json:"checkpoint"` // the signed note
}

// ProveEvent makes the receipt of an event that the open door may see, against the newest checkpoint. fault.NotFound
// when there is none such or it is not under a checkpoint yet (key audit.not_sealed: a moment's wait helps).
func ProveEvent(ctx context.Context, tx *pg.Tx, id uuid.UUID) (Receipt, error) {
	l, err := find(ctx, tx, id)
	if err != nil {
		return Receipt{}, err
	}
	c, err := LatestCheckpoint(ctx, tx)
	if err != nil {
		return Receipt{}, err
	}
	if !l.Sealed || l.Seq >= c.Size {
		return Receipt{}, fault.New(fault.NotFound, "audit.not_sealed", "the event is not under a checkpoint yet")
	}
	body, err := l.Canonical()
	if err != nil {
		return Receipt{}, err
	}
	path, err := tlog.ProveRecord(c.Size, l.Seq, tlog.TileHashReader(c.tree(), tree{ctx, tx}))
	if err != nil {
		return Receipt{}, fault.Wrap(fault.Internal, err, "proving an audit event")
	}
	return Receipt{Event: body, Salt: l.Salt, Seq: l.Seq, Path: path, Checkpoint: string(c.Note)}, nil
}

func find(ctx context.Context, tx *pg.Tx, id uuid.UUID) (Logged, error) {
	rows, err := tx.Query(ctx, selectEvent+` where e.id = $1`, id)
	if err != nil {
		return Logged{}, fmt.Errorf("reading an audit event: %w", err)
	}
	l, err := pgx.CollectExactlyOneRow(rows, scanLogged)
	if errors.Is(err, pgx.ErrNoRows) {
		return Logged{}, fault.Wrap(fault.NotFound, err, "reading an audit event")
	}
	if err != nil {
		return Logged{}, fmt.Errorf("reading an audit event: %w", err)
	}
	return l, nil
}

// Check checks the receipt with the verifier key alone. fault.Invalid says what does not hold.
func (r Receipt) Check(v note.Verifier) error {
	c, err := OpenCheckpoint([]byte(r.Checkpoint), v)
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash(commit(r.Salt, r.Event))
	if err := tlog.CheckRecord(r.Path, c.Size, c.Root, r.Seq, leaf); err != nil {
		return fault.Wrap(fault.Invalid, err, "checking that the event stands in the log")
	}
	return nil
}

// ProveExtension proves that the log at newer still begins with the log at older (RFC 6962 §2.1.2): nothing that
// older's holder could demand proof of has been changed or removed.
func ProveExtension(ctx context.Context, tx *pg.Tx, older, newer Checkpoint) (tlog.TreeProof, error) {
	if older.Size < 1 || older.Size > newer.Size {
		return nil, fault.New(fault.Invalid, "", fmt.Sprintf("a log of %d events does not extend one of %d", newer.Size, older.Size))
	}
	proof, err := tlog.ProveTree(newer.Size, older.Size, tlog.TileHashReader(newer.tree(), tree{ctx, tx}))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "proving that the audit log was only extended")
	}
	return proof, nil
}

// CheckExtension checks what ProveExtension proves. fault.Invalid when it does not hold.
func CheckExtension(proof tlog.TreeProof, older, newer Checkpoint) error {
	err := tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root)
	return fault.Wrap(fault.Invalid, err, "checking that the audit log was only extended")
}
