package credential

import (
	"context"

	"github.com/google/uuid"

	"akashi/internal/pg"
)

// OfEntry reads every credential that an entry of the registrar has had, newest first, under the office's role. The
// caller has opened the entry and recorded why.
func OfEntry(ctx context.Context, db *pg.DB, registrar, registerID string, entryID uuid.UUID) (out []Credential, err error) {
	err = db.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		out, err = many(ctx, tx, `register_id = $1 and entry_id = $2 order by version desc`, registerID, entryID)
		return err
	})
	return out, err
}
