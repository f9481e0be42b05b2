package audit

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Checkpoint is a signed statement: the log has Size events and this root.
type Checkpoint struct {
	Size int64
	Root tlog.Hash
	At   time.Time // when it was signed; not part of the statement
	Note []byte    // the signed note (C2SP tlog-checkpoint): origin, size, root in base64, signature
}

func (c Checkpoint) tree() tlog.Tree { return tlog.Tree{N: c.Size, Hash: c.Root} }

// signCheckpoint makes the note. The signer's name is the log's origin.
func signCheckpoint(signer note.Signer, size int64, root tlog.Hash) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), size, base64.StdEncoding.EncodeToString(root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint checks the signature of a checkpoint's note and reads it. fault.Invalid when it is not one of v's.
func OpenCheckpoint(signed []byte, v note.Verifier) (Checkpoint, error) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fault.Wrap(fault.Invalid, err, "checking the signature of a checkpoint")
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != v.Name() {
		return Checkpoint{}, fault.New(fault.Invalid, "", "the note is not a checkpoint of "+v.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fault.New(fault.Invalid, "", "the checkpoint's size is not a number")
	}
	// Strict: of the several base64 forms of a hash, only the one that is signed.
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fault.New(fault.Invalid, "", "the checkpoint's root is not a hash")
	}
	return Checkpoint{Size: size, Root: tlog.Hash(root), Note: signed}, nil
}

// LatestCheckpoint returns the newest checkpoint; fault.NotFound before the first.
func LatestCheckpoint(ctx context.Context, tx *pg.Tx) (Checkpoint, error) {
	c, err := latestCheckpoint(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) {
		return Checkpoint{}, fault.New(fault.NotFound, "audit.no_checkpoint", "no checkpoint has been signed yet")
	}
	return c, err
}

func latestCheckpoint(ctx context.Context, tx *pg.Tx) (Checkpoint, error) {
	rows, err := tx.Query(ctx, `select size, root, at, note from audit_checkpoint order by size desc limit 1`)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCheckpoint)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	return c, nil
}

func scanCheckpoint(row pgx.CollectableRow) (c Checkpoint, err error) {
	var root []byte
	var text string
	if err := row.Scan(&c.Size, &root, &c.At, &text); err != nil {
		return c, err
	}
	c.Note = []byte(text)
	c.Root, err = toHash(root)
	return c, err
}
