package credential

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

// How long a revocation list is good, and how old it gets before the next one is made.
const (
	ListLife    = 7 * 24 * time.Hour
	listRenewal = 12 * time.Hour
)

// MakeList signs a revocation list of an issuing authority. The wiring passes in the authority.
type MakeList func(number *big.Int, revoked []x509.RevocationListEntry, made, next time.Time) ([]byte, error)

// RevocationList is a list as it is published.
type RevocationList struct {
	Issuer      string // SHA-256 of the authority's certificate, hexadecimal
	Certificate []byte // of the authority, DER
	Number      int64
	DER         []byte
	Revoked     []string // key ids
	MadeAt      time.Time
	NextAt      time.Time
}

// keyCompromise is the reason for which keys are distrusted (RFC 5280 §5.3.1).
const keyCompromise = 1

// PublishList sees that there is a fresh revocation list of an authority of our own, with the certificates of all keys that
// it certified and that are no longer trusted. It makes one when there is none, when the last is twelve hours old, and when
// another key is distrusted since; it tells whether it did. It works under the worker's role and can run twice.
func PublishList(ctx context.Context, db *pg.DB, authority *x509.Certificate, make MakeList) (made bool, err error) {
	sum := sha256.Sum256(authority.Raw)
	issuer := hex.EncodeToString(sum[:])
	err = db.Platform(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		var lists []RevocationList
		var keys []distrusted
		pg.Read(&b, &lists, "reading a revocation list", `select `+listColumns+` from revocation_list where issuer = $1 for update`, issuer)
		pg.Read(&b, &keys, "reading distrusted keys", `
			select kid, chain, distrusted_at from signing_key where distrusted_at is not null and cardinality(chain) > 1 order by kid`)
		if err := b.Send(ctx, tx); err != nil {
			return err
		}
		kids, entries, err := revokedBy(authority, keys)
		if err != nil {
			return err
		}
		number := int64(1)
		if len(lists) > 0 {
			if slices.Equal(lists[0].Revoked, kids) && tx.Now.Sub(lists[0].MadeAt).Abs() < listRenewal {
				return nil
			}
			number = lists[0].Number + 1
		}
		next := tx.Now.Add(ListLife)
		der, err := make(big.NewInt(number), entries, tx.Now, next)
		if err != nil {
			return fmt.Errorf("making a revocation list: %w", err)
		}
		made = true
		_, err = tx.Exec(ctx, `
			insert into revocation_list (issuer, certificate, number, der, revoked, made_at, next_at) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict on constraint revocation_list_pkey do update set number = excluded.number, der = excluded.der, revoked = excluded.revoked,
			  made_at = excluded.made_at, next_at = excluded.next_at
			 where revocation_list.number < excluded.number`, issuer, authority.Raw, number, der, kids, tx.Now, next)
		if err != nil {
			return fmt.Errorf("publishing a revocation list: %w", err)
		}
		return nil
	})
	return made, err
}

const listColumns = `issuer, certificate, number, der, revoked, made_at, next_at`

// distrusted is a key whose certificate is to be revoked.
type distrusted struct {
	KID          string
	Chain        [][]byte
	DistrustedAt time.Time
}

// revokedBy lists the keys whose certificate an authority issued.
func revokedBy(authority *x509.Certificate, keys []distrusted) (kids []string, entries []x509.RevocationListEntry, err error) {
	kids = []string{}
	for _, k := range keys {
		if string(k.Chain[1]) != string(authority.Raw) {
			continue
		}
		cert, err := x509.ParseCertificate(k.Chain[0])
		if err != nil {
			return nil, nil, fmt.Errorf("reading the certificate of key %s: %w", k.KID, err)
		}
		kids = append(kids, k.KID)
		entries = append(entries, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: k.DistrustedAt, ReasonCode: keyCompromise})
	}
	return kids, entries, nil
}

// RevocationLists reads the published lists, in a transaction of any door, the newest first.
func RevocationLists(ctx context.Context, tx *pg.Tx) ([]RevocationList, error) {
	rows, err := tx.Query(ctx, `select `+listColumns+` from revocation_list order by made_at desc, issuer`)
	if err != nil {
		return nil, fmt.Errorf("reading revocation lists: %w", err)
	}
	lists, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RevocationList])
	return lists, fault.Wrap(fault.Internal, err, "reading revocation lists")
}
