package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// SyncReference writes the loaded registrars, registers and versions of definitions into the reference tables, under the
// worker's role. A version that is there already must be the same to the byte: a changed definition needs a new version,
// since applications are pinned to the old one (fault.Conflict).
func SyncReference(ctx context.Context, db *pg.DB, cat *qualification.Catalogue) error {
	return db.Platform(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		for _, r := range cat.Registrars() {
			b.Exec("writing registrar "+r.ID, `
				insert into registrar (id, kind, parent, opened_on) values ($1, $2, nullif($3, ''), $4)
				on conflict on constraint registrar_pkey do update set kind = excluded.kind, parent = excluded.parent`,
				r.ID, r.Kind, r.Parent, tx.Now)
		}
		for _, r := range cat.Registers() {
			b.Exec("writing register "+r.ID, `
				insert into register (id, code, qualification_id, registrar_id, opens_on) values ($1, $2, $3, $4, $5)
				on conflict on constraint register_pkey do update set opens_on = excluded.opens_on`,
				r.ID, r.Code, r.Qualification, r.Registrar, r.OpensOn)
		}
		for _, d := range cat.List() {
			b.Exec("writing definition "+d.ID, `
				insert into definition (id, version, sha256, resolved, loaded_at) values ($1, $2, $3, $4, $5)
				on conflict on constraint definition_pkey do nothing`, d.ID, d.Version, d.SHA256, d.Resolved(), tx.Now)
		}
		if err := b.Send(ctx, tx.Tx); err != nil {
			return err
		}
		return compareVersions(ctx, tx, cat)
	})
}

// compareVersions refuses a loaded definition that differs from the stored one of the same version.
func compareVersions(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue) error {
	for _, d := range cat.List() {
		var stored string
		err := tx.QueryRow(ctx, `select sha256 from definition where id = $1 and version = $2`, d.ID, d.Version).Scan(&stored)
		if err != nil {
			return fmt.Errorf("reading definition %s %s: %w", d.ID, d.Version, err)
		}
		if stored != d.SHA256 {
			return fault.New(fault.Conflict, "", fmt.Sprintf("definition %s %s has changed without a new version", d.ID, d.Version))
		}
	}
	return nil
}

// LoadPinned adds to the catalogue the stored versions that its files no longer have.
func LoadPinned(ctx context.Context, db *pg.DB, cat *qualification.Catalogue) (*qualification.Catalogue, error) {
	var old []*qualification.Definition
	err := db.Platform(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select id, version, resolved from definition`)
		if err != nil {
			return fmt.Errorf("reading stored definitions: %w", err)
		}
		var id, version string
		var resolved []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &version, &resolved}, func() error {
			if _, loaded := cat.Version(id, version); loaded {
				return nil
			}
			d, err := qualification.ParsePinned(resolved)
			old = append(old, d)
			return errors.Join(err)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return cat.With(old...), nil
}
