package system

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// requireReference sees that the database has the definitions that this program carries: applications are pinned to
// them by a foreign key. The worker writes them at its start.
func requireReference(ctx context.Context, db *pg.DB, cat *qualification.Catalogue) error {
	return db.Platform(ctx, func(tx *pg.Tx) error {
		for _, d := range cat.Versions() {
			var stored string
			err := tx.QueryRow(ctx, `select sha256 from definition where id = $1 and version = $2`, d.ID, d.Version).Scan(&stored)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return fmt.Errorf("reading definition %s %s: %w", d.ID, d.Version, err)
			}
			if stored != d.SHA256 {
				return fault.New(fault.Invalid, "", fmt.Sprintf("the database does not have definition %s %s as this program has it: "+
					"start this version's worker first", d.ID, d.Version))
			}
		}
		return nil
	})
}
