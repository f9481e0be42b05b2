package application

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// SyncReference writes the loaded registrars, registers and versions of definitions, also those to come, into the reference
// tables, under the worker's role: a case is pinned to a version by a foreign key from its first day on. A version that is
// there already must be the same to the byte: a changed definition needs a new version, since applications are pinned to
// the old one (fault.Conflict).
func SyncReference(ctx context.Context, db *pg.DB, cat *qualification.Catalogue) error {
	return db.Platform(ctx, func(tx *pg.Tx) error {
		if err := syncRegistrars(ctx, tx, cat); err != nil {
			return err
		}
		if err := syncRegisters(ctx, tx, cat); err != nil {
			return err
		}
		return syncVersions(ctx, tx, cat)
	})
}

func syncRegistrars(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue) error {
	var id, kind, parent []string
	for _, r := range cat.Registrars() {
		id, kind, parent = append(id, r.ID), append(kind, string(r.Kind)), append(parent, r.Parent)
	}
	_, err := tx.Exec(ctx, `
		insert into registrar (id, kind, parent, opened_on)
		select id, kind, nullif(parent, ''), $4 from unnest($1::text[], $2::text[], $3::text[]) as new (id, kind, parent)
		on conflict on constraint registrar_pkey do update set kind = excluded.kind, parent = excluded.parent
		where (registrar.kind, registrar.parent) is distinct from (excluded.kind, excluded.parent)`, id, kind, parent, tx.Now)
	if err != nil {
		return fmt.Errorf("writing registrars: %w", err)
	}
	return nil
}

func syncRegisters(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue) error {
	var id, code, kind, registrar []string
	var opens []calendar.Date
	for _, r := range cat.Registers() {
		id, code, kind, registrar = append(id, r.ID), append(code, r.Code), append(kind, r.Qualification), append(registrar, r.Registrar)
		opens = append(opens, r.OpensOn)
	}
	_, err := tx.Exec(ctx, `
		insert into register (id, code, qualification_id, registrar_id, opens_on)
		select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[])
		on conflict on constraint register_pkey do update set opens_on = excluded.opens_on
		where register.opens_on is distinct from excluded.opens_on`, id, code, kind, registrar, opens)
	if err != nil {
		return fmt.Errorf("writing registers: %w", err)
	}
	return nil
}

func syncVersions(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue) error {
	var id, version, sum []string
	var resolved [][]byte
	for _, d := range cat.Versions() {
		id, version, sum, resolved = append(id, d.ID), append(version, d.Version), append(sum, d.SHA256), append(resolved, d.Resolved())
	}
	_, err := tx.Exec(ctx, `
		insert into definition (id, version, sha256, resolved, loaded_at)
		select id, version, sum, resolved, $5 from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as new (id, version, sum, resolved)
		on conflict on constraint definition_pkey do nothing`, id, version, sum, resolved, tx.Now)
	if err != nil {
		return fmt.Errorf("writing definitions: %w", err)
	}
	var changed []string
	err = tx.QueryRow(ctx, `
		select coalesce(array_agg(new.id || ' ' || new.version order by new.id, new.version), '{}')
		  from unnest($1::text[], $2::text[], $3::text[]) as new (id, version, sum)
		  join definition d on d.id = new.id and d.version = new.version and d.sha256 <> new.sum`, id, version, sum).Scan(&changed)
	if err != nil {
		return fmt.Errorf("comparing definitions with the stored ones: %w", err)
	}
	if len(changed) > 0 {
		return fault.New(fault.Conflict, "", fmt.Sprintf("changed without a new version: %s", strings.Join(changed, ", ")))
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
