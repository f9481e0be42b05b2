package review

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

// oneMeasure is the index that keeps an entry from having two measures before a second person at once.
const oneMeasure = "application_one_measure"

// errMeasureOpen says that another measure on the entry waits for its second person.
func errMeasureOpen() error {
	return fault.New(fault.Conflict, "fault.measure_open", "proposing a second measure on an entry while one waits")
}

// NoMeasureOpen refuses to begin a measure on an entry on which another waits for its second person (fault.Conflict), so
// that nobody writes reasons in vain. The database refuses two that are proposed at the same moment.
func (d *Desk) NoMeasureOpen(ctx context.Context, o Officer, registerID string, entry uuid.UUID) error {
	return d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `
			select public_id from application where register_id = $1 and entry_id = $2 and procedure_id = 'measure' and state = 'proposed'`, registerID, entry)
		if err != nil {
			return fmt.Errorf("looking for an open measure: %w", err)
		}
		open, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && len(open) > 0 {
			err = errMeasureOpen()
		}
		return err
	})
}
