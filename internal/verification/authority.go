package verification

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"akashi/internal/credential"
	"akashi/internal/pg"
)

// Authorities are the key identifiers (RFC 5280 §4.2.1.1) of who certifies the keys of a purpose, each once and in order: of the
// registrars that keep a register of the qualification, or with "" of all. Retired keys count, since what they signed stands, and
// distrusted ones do not. There are none when some key has no certificate that names who stands above it: by the others one would
// miss what that key signed.
func (v *Verifier) Authorities(ctx context.Context, p credential.Purpose, qualification string) (ids [][]byte, err error) {
	type row struct {
		KID   string
		Chain [][]byte
	}
	var keys []row
	err = v.DB.Public(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select kid, chain from signing_key where purpose = $1 and ($2::text[] is null or registrar_id = any($2)) and distrusted_at is null`,
			string(p), v.registrars(qualification))
		if err != nil {
			return fmt.Errorf("reading whose certificates keys have: %w", err)
		}
		keys, err = pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		certs, err := v.chain(k.KID, k.Chain)
		if err != nil {
			return nil, err
		}
		if len(certs) == 0 || len(certs[0].AuthorityKeyId) == 0 {
			return nil, nil
		}
		ids = append(ids, certs[0].AuthorityKeyId)
	}
	slices.SortFunc(ids, bytes.Compare)
	return slices.CompactFunc(ids, bytes.Equal), nil
}

// registrars keep a register of the qualification; nil: all do.
func (v *Verifier) registrars(qualification string) []string {
	if qualification == "" {
		return nil
	}
	all := []string{}
	if d, ok := v.Catalogue.Definition(qualification); ok {
		for _, r := range d.Registers {
			all = append(all, r.Registrar)
		}
	}
	return all
}
