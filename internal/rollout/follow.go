package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Refresh lays the approved acts of the database over the catalogue, if they are newer than those it has.
func Refresh(ctx context.Context, db *pg.DB, cat *qualification.Catalogue) error {
	newest, err := pg.Ask(ctx, db, pgx.RowTo[int64], `select coalesce(sum(n), 0)::bigint from rollout_version`)
	if err != nil {
		return fmt.Errorf("asking for newer acts: %w", err)
	}
	if have := cat.Acts(); have != nil && len(newest) == 1 && have.Version == newest[0] {
		return nil
	}
	return load(ctx, db, cat)
}

// load reads the version and then the approved acts: one that comes in between is read again at the next look.
func load(ctx context.Context, db *pg.DB, cat *qualification.Catalogue) error {
	var found []overlay
	var version []int64
	err := db.Platform(ctx, func(tx *pg.Tx) error {
		found, version = nil, nil
		var b pg.Batch
		pg.ReadBy(&b, &version, pgx.RowTo[int64], "reading the version of the acts", `select coalesce(sum(n), 0)::bigint from rollout_version`)
		pg.Read(&b, &found, "reading the acts", `select `+overlayColumns+` from rollout_act where state = 'approved' and kind <> 'recall'`)
		return b.Send(ctx, tx.Tx)
	})
	if err != nil {
		return fmt.Errorf("reading the acts of selective use: %w", err)
	}
	cat.UseActs(qualification.NewActs(version[0], overlays(found)))
	return nil
}

// refreshEvery is how long a process may not have heard of a newer act. Cases are created and handed in by what the
// database says at that moment, so a page that is a little old lets nothing through.
const refreshEvery = 3 * time.Second

// Follow keeps the acts of a process fresh until ctx ends. A database that does not answer is reported and asked again.
func Follow(ctx context.Context, db *pg.DB, cat *qualification.Catalogue, log *slog.Logger) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := Refresh(ctx, db, cat); err != nil && !errors.Is(err, context.Canceled) {
				log.WarnContext(ctx, "asking for newer acts of selective use", "error", err)
			}
		}
	}
}

// Watch reads, in the transaction of a case, the acts that count for its qualification.
type Watch struct{ found []overlay }

// Queue adds the question to a batch of the transaction.
func (w *Watch) Queue(b *pg.Batch, qualificationID string) {
	pg.Read(b, &w.found, "reading the acts of a qualification", approvedQuery, qualificationID)
}

// Acts returns what was found once the batch was sent.
func (w *Watch) Acts() []qualification.Act { return overlays(w.found) }

// Uses tells whether a register uses a function on a day by what was found.
func (w *Watch) Uses(cat *qualification.Catalogue, register, function string, day calendar.Date) bool {
	return cat.UsingUnder(w.Acts(), register, function, day).Open
}

// MustBeOpen is fault.Invalid when a procedure is not open at a register through a channel on a day by what was found.
func (w *Watch) MustBeOpen(cat *qualification.Catalogue, register, procedure, channel string, day calendar.Date) error {
	if cat.OfferingUnder(w.Acts(), register, procedure, channel, day).Open {
		return nil
	}
	return fault.New(fault.Invalid, "fault.not_offered", "filing for a procedure that is not open")
}
