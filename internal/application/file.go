package application

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/blob"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Stored tells the desk of a content that has just been stored and serves no document yet, so that it is deleted if it
// never does: a file that turns out to be none, an upload that is refused.
func (d *Desk) Stored(ctx context.Context, ref blob.Ref) error { return NoteFile(ctx, d.DB, ref) }

// NoteFile is Stored for other stages.
func NoteFile(ctx context.Context, db *pg.DB, ref blob.Ref) error {
	return db.Platform(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into stored_file (sha256, uses, changed_at) values ($1, 0, $2)
			on conflict on constraint stored_file_pkey do nothing`, ref.SHA256, tx.Now)
		return wrapIf(err, "noting a stored file")
	})
}

// UseFile queues one more document of another stage that a stored content serves.
func UseFile(b *pg.Batch, tx *pg.Tx, sha256 string) { use(b, tx, sha256) }

// use queues one more document that a stored content serves.
func use(b *pg.Batch, tx *pg.Tx, sha256 string) {
	b.Exec("counting a stored file", `
		insert into stored_file as f (sha256, uses, changed_at) values ($1, 1, $2)
		on conflict on constraint stored_file_pkey do update set uses = f.uses + 1, changed_at = excluded.changed_at`, sha256, tx.Now)
}

// unuse queues one document fewer.
func unuse(b *pg.Batch, tx *pg.Tx, sha256 string) {
	b.ExecOne("counting a stored file", `update stored_file set uses = uses - 1, changed_at = $2 where sha256 = $1`, sha256, tx.Now)
}

// stillThere sees that the content was not deleted between its storing and its counting; the counter's row is held by
// now, so it cannot be deleted any more.
func stillThere(ctx context.Context, files *blob.Store, sha256 string) error {
	there, err := files.Exists(ctx, sha256)
	if err != nil {
		return fmt.Errorf("looking for a stored file: %w", err)
	}
	if !there {
		return fault.New(fault.Conflict, "fault.upload_again", "recording a document whose content is gone")
	}
	return nil
}

// SweepFiles deletes contents that have served no document for longer than age, a few at a time, and returns how many.
// The row is held while the file goes, so nobody can begin to use it.
func (k *Clerk) SweepFiles(ctx context.Context, age time.Duration, limit int) (n int, err error) {
	err = k.DB.Platform(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `
			select sha256 from stored_file where uses = 0 and changed_at < $1
			 order by changed_at limit $2 for update skip locked`, tx.Now.Add(-age), limit)
		if err != nil {
			return fmt.Errorf("reading unused files: %w", err)
		}
		unused, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("reading unused files: %w", err)
		}
		n = len(unused)
		for _, digest := range unused {
			if err := k.Blobs.Remove(ctx, digest); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `delete from stored_file where sha256 = any($1)`, unused)
		return wrapIf(err, "forgetting unused files")
	})
	return n, err
}
