package credential

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// replaceBatch is how many credentials are signed anew in one transaction.
const replaceBatch = 100

// Progress tells how far a replacement is: how many credentials are signed anew, and how many wait.
type Progress func(done, left int)

// Distrust makes everything that a key signed "unknown issuer" from the commit on, at our own page at once and elsewhere
// with the next fetch of the key set. The registrar must have a newer key for the same purpose, or nothing could be signed
// from then on: fault.Conflict and NoKey. fault.NotFound for an unknown key.
func Distrust(ctx context.Context, db *pg.DB, kid string) (*SigningKey, error) {
	var next *SigningKey
	err := db.Platform(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		var old []keyRow
		pg.Read(&b, &old, "reading a key", `select kid, registrar_id, purpose, public_jwk::text::bytea, chain, not_before from signing_key where kid = $1`, kid)
		if err := b.Send(ctx, tx); err != nil {
			return err
		}
		if len(old) == 0 {
			return fault.New(fault.NotFound, "", fmt.Sprintf("distrusting the key %q, which was never published", kid))
		}
		var err error
		if next, err = KeyFor(ctx, tx, old[0].Registrar, Purpose(old[0].Purpose)); err != nil {
			return err
		}
		if next.KID == kid {
			return refuse(fault.Conflict, NoKey, "distrusting the newest key of "+old[0].Registrar+" for "+old[0].Purpose)
		}
		_, err = tx.Exec(ctx, `update signing_key set distrusted_at = $2 where kid = $1 and distrusted_at is null`, kid, tx.Now)
		return err
	})
	return next, err
}

// Replace has everything living that a distrusted key signed signed anew with the key that took its place, and ends the
// copies that it signed: holders fetch those again. It goes on where it was stopped, since what remains is what still
// names the old key; a credential's bytes do not change, so that the recorded intent holds for the new signature, too.
func (i *Issuer) Replace(ctx context.Context, old string, next *SigningKey, tell Progress) error {
	if err := i.endCopies(ctx, old, next.Registrar); err != nil {
		return err
	}
	for done := 0; ; {
		some, left, err := i.signedBy(ctx, old, next.Registrar)
		if err != nil || len(some) == 0 {
			return err
		}
		for n := range some {
			if some[n].Signature == nil { // an intent: its job signs it with the new key
				continue
			}
			if some[n].Signature, err = i.Sign(ctx, next.KID, some[n].ToSign); err != nil {
				return fmt.Errorf("having credential %s signed anew: %w", some[n].PublicID, err)
			}
		}
		err = i.rekey(ctx, old, next, some)
		if errors.Is(err, fault.Conflict) { // one of them was moved or signed meanwhile: read again
			continue
		}
		if err != nil {
			return err
		}
		done += len(some)
		tell(done, left-len(some))
	}
}

// endCopies ends what the old key signed beside the credentials' own codes, and has their lists published.
func (i *Issuer) endCopies(ctx context.Context, old, registrar string) error {
	return i.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `
			with ended as (
			  update credential_copy set ended_at = $3 where kid = $1 and registrar_id = $2 and ended_at is null returning register_id, list_no
			)
			insert into status_need (register_id, list_no, id, at)
			select register_id, list_no, gen_random_uuid(), $3 from (select distinct register_id, list_no from ended where list_no is not null) l`,
			old, registrar, tx.Now)
		if err != nil {
			return fmt.Errorf("ending the copies of a key: %w", err)
		}
		return nil
	})
}

// signedBy reads some of the living credentials that name a key, and counts them all.
func (i *Issuer) signedBy(ctx context.Context, kid, registrar string) (some []Credential, left int, err error) {
	err = i.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		some = nil
		var b pg.Batch
		var counts []int
		pg.ReadBy(&b, &counts, pgx.RowTo[int], "counting a key's credentials", `
			select count(*) from credential where kid = $1 and registrar_id = $2 and state in ('intended', 'valid', 'suspended', 'held')`, kid, registrar)
		queue(&b, &some, `kid = $1 and registrar_id = $2 and state in ('intended', 'valid', 'suspended', 'held') order by register_id, id limit $3`, kid, registrar, replaceBatch)
		if err := b.Send(ctx, tx); err != nil {
			return err
		}
		left = counts[0]
		return nil
	})
	return some, left, err
}

// rekey stores the new signatures, all or none: fault.Conflict when one of the credentials was moved or signed meanwhile.
func (i *Issuer) rekey(ctx context.Context, old string, next *SigningKey, some []Credential) error {
	return i.DB.InRegistrar(ctx, next.Registrar, func(tx *pg.Tx) error {
		var b pg.Batch
		var events []audit.Event
		for n := range some {
			c := &some[n]
			var signed *time.Time
			if c.Signature != nil {
				signed = &tx.Now
			}
			b.ExecOne("signing a credential anew", `
				update credential set kid = $4, signature = coalesce($5, signature), signed_at = coalesce($6, signed_at)
				 where register_id = $1 and id = $2 and kid = $3 and state = $7
				   and (signature is null) = ($5::bytea is null)`, c.RegisterID, c.ID, old, next.KID, c.Signature, signed, string(c.State))
			c.remember(&b, tx, c.State, "key_replaced")
			v := c.audited(audit.CredentialIssue)
			v.Outcome = "key_replaced"
			events = append(events, v)
		}
		if err := b.SendLater(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, events...)
	})
}
