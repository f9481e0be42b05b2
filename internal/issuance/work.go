package issuance

import (
	"context"
	"fmt"

	"akashi/internal/pg"
)

// Purge deletes what could be used once and can be used no more: ids of proofs, nonces, pushed requests. It works under
// the worker's role and returns how many it deleted. What is purged too late is refused none the less.
func Purge(ctx context.Context, db *pg.DB) (deleted int64, err error) {
	err = db.Platform(ctx, func(tx *pg.Tx) error {
		deleted = 0
		for _, table := range []string{"issuance_seen", "issuance_request"} {
			done, err := tx.Exec(ctx, `delete from `+table+` where expires_at < $1`, tx.Now)
			if err != nil {
				return fmt.Errorf("deleting what has expired of %s: %w", table, err)
			}
			deleted += done.RowsAffected()
		}
		return nil
	})
	return deleted, err
}
