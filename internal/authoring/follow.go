package authoring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/calendar"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Follower keeps the catalogue of a process to the approved versions. The process with the worker's rights is given Sync, which
// writes a catalogue into the reference tables: a version counts for the others once that was done, so that no case is pinned
// to what the database does not have.
type Follower struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	Files     map[string][]byte
	Carried   map[string]*qualification.Definition
	Sync      func(ctx context.Context, cat *qualification.Catalogue) error // nil: another process writes
	Log       *slog.Logger

	seen int64         // authored_count of what the catalogue has
	day  calendar.Date // for which it was made
	any  bool          // there are authored versions in it
}

// Refresh takes up what was published since, and what begins to hold today. It is not for two goroutines at once.
func (f *Follower) Refresh(ctx context.Context) error {
	if f.Sync != nil {
		if err := f.publish(ctx); err != nil {
			return err
		}
	}
	newest, err := pg.Ask(ctx, f.DB, pgx.RowTo[int64], `select n from authored_count`)
	if err != nil || len(newest) != 1 {
		return fmt.Errorf("asking for newer versions of definitions (%d answers): %w", len(newest), err)
	}
	today := calendar.Of(f.DB.Clock.Now())
	if newest[0] == f.seen && (today == f.day || !f.any) {
		return nil
	}
	texts, err := f.texts(ctx, `where state = 'approved' and published_at is not null order by decided_at, id`)
	if err != nil {
		return err
	}
	next, err := qualification.LoadFiles(over(f.Files, texts, f.Carried, today))
	if err != nil {
		return fmt.Errorf("reading the definitions with %d authored versions: %w", len(texts), err)
	}
	f.Catalogue.Swap(next)
	f.seen, f.day, f.any = newest[0], today, len(texts) > 0
	return nil
}

func (f *Follower) texts(ctx context.Context, rest string) (texts []Text, err error) {
	err = f.DB.Platform(ctx, func(tx *pg.Tx) error {
		texts, err = readTexts(ctx, tx, rest)
		return err
	})
	return texts, err
}

// publish writes approved versions into the reference tables and tells every process. Done twice, it changes nothing.
func (f *Follower) publish(ctx context.Context) error {
	texts, err := f.texts(ctx, `where state = 'approved' order by decided_at, id`)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(texts, func(t Text) bool { return t.PublishedAt == nil })
	if i < 0 {
		return nil
	}
	for _, day := range []calendar.Date{calendar.Of(f.DB.Clock.Now()), {}} { // what holds today, and what will: registers of both
		next, err := qualification.LoadFiles(over(f.Files, texts, f.Carried, day))
		if err != nil {
			return fmt.Errorf("reading the definitions with %d approved versions: %w", len(texts), err)
		}
		if err := f.Sync(ctx, next); err != nil {
			return fmt.Errorf("writing approved versions into the reference tables: %w", err)
		}
	}
	return f.DB.Platform(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		for _, t := range texts {
			if t.PublishedAt == nil {
				b.Exec("publishing a version", `update authored set published_at = $2 where id = $1 and state = 'approved' and published_at is null`, t.ID, tx.Now)
			}
		}
		count(&b)
		return b.Send(ctx, tx.Tx)
	})
}

// refreshEvery is how long a process may not have heard of a newer version.
const refreshEvery = 3 * time.Second

// Follow refreshes until ctx ends. What cannot be taken up is reported and tried again; what the process has goes on.
func (f *Follower) Follow(ctx context.Context) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := f.Refresh(ctx); err != nil && !errors.Is(err, context.Canceled) {
				f.Log.WarnContext(ctx, "taking up newer versions of definitions", "error", err)
			}
		}
	}
}

// Carried are the current definitions of a catalogue by id, as Desk and Follower want them of the files alone.
func Carried(cat *qualification.Catalogue) map[string]*qualification.Definition {
	out := map[string]*qualification.Definition{}
	for _, d := range cat.List() {
		out[d.ID] = d
	}
	return out
}
