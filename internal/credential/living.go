package credential

import (
	"context"

	"github.com/google/uuid"

	"akashi/internal/pg"
)

// QueueLiving reads the credential of an entry that has not ended, if there is one.
func QueueLiving(b *pg.Batch, out *[]Credential, registerID string, entryID uuid.UUID) {
	queue(b, out, `register_id = $1 and entry_id = $2 and state in ('intended', 'valid', 'suspended')`, registerID, entryID)
}

// Living reads the credential of an entry that has not ended, in a transaction of any door that shows it; nil when there
// is none.
func Living(ctx context.Context, tx *pg.Tx, registerID string, entryID uuid.UUID) (*Credential, error) {
	var b pg.Batch
	var found []Credential
	QueueLiving(&b, &found, registerID, entryID)
	if err := b.Send(ctx, tx); err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}
