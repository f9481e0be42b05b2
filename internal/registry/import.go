package registry

import (
	"context"
	"fmt"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/jtext"
	"akashi/internal/pg"
)

// Old is one line of a register as it was kept before the platform.
type Old struct {
	RegisterID   string
	RegistrarID  string
	Number       string
	Series       string
	Ordinal      int64 // the number as the series counts it
	RegisteredOn calendar.Date
	Facts        map[string]string // by register item
	Class        string            // qualification.Definition.Class of Facts
	ValidUntil   calendar.Date     // last day of its term, zero when it has none
}

// Import takes a line of an old register over as it stands, in the registrar's own transaction under the worker's role.
// It is the named exception to Enter. Nobody holds the entry until its holder links it. New numbers of the series begin
// after the greatest imported one. A number that the register has already stays as it is, and imported is false.
func Import(ctx context.Context, tx *pg.Tx, o Old) (imported bool, err error) {
	k, err := keysOf(o.Facts)
	if err != nil {
		return false, err
	}
	e := &Entry{RegisterID: o.RegisterID, ID: pg.NewID(), RegistrarID: o.RegistrarID, Number: o.Number, State: Registered,
		RegisteredOn: o.RegisteredOn, Facts: o.Facts, Revision: 1, UpdatedAt: tx.Now}
	done, err := tx.Exec(ctx, `
		insert into entry (register_id, id, registrar_id, number, series, ordinal, state, prior_state, registered_on, facts,
		  name_key, kana_key, grams, key_version, birth_date, revision, updated_at, class, valid_until)
		values ($1, $2, $3, $4, $5, $6, 'registered', 'registered', $7, $8, $9, $10, $11, $12, $13, 1, $14, $15, $16)
		on conflict on constraint entry_number_unique do nothing`,
		e.RegisterID, e.ID, e.RegistrarID, e.Number, o.Series, o.Ordinal, e.RegisteredOn, e.Facts, k.name, k.kana, k.grams,
		jtext.KeyVersion, k.birth, tx.Now, o.Class, orNull(o.ValidUntil))
	if err != nil {
		return false, fmt.Errorf("importing an entry: %w", err)
	}
	if done.RowsAffected() == 0 {
		return false, nil
	}
	return true, e.imported(ctx, tx, o)
}

// actImport stands in the history of an entry that came from an old register; no decision of ours can ask for it.
const actImport Act = "import"

// imported writes what follows from an import: the history's first line, the next number of the series, the audit line.
func (e *Entry) imported(ctx context.Context, tx *pg.Tx, o Old) error {
	var b pg.Batch
	b.Exec("writing the history of an imported entry", `
		insert into entry_history (register_id, entry_id, revision, registrar_id, at, effective_on, act, state, facts)
		values ($1, $2, 1, $3, $4, $5, $6, 'registered', $7)`,
		e.RegisterID, e.ID, e.RegistrarID, tx.Now, e.RegisteredOn, string(actImport), e.Facts)
	b.Exec("moving a series on", `
		insert into numbering as s (register_id, series, next) values ($1, $2, $3)
		on conflict on constraint numbering_pkey do update set next = greatest(s.next, excluded.next)`,
		e.RegisterID, o.Series, o.Ordinal+1)
	if err := b.Send(ctx, tx.Tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{Act: audit.EntryCreate, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "registry.import"},
		Purpose: "import", Register: e.RegisterID, Registrar: e.RegistrarID, Entry: e.ID})
}
