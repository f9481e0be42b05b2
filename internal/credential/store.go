package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/registry"
)

const columns = `register_id, id, public_id, registrar_id, entry_id, person_ref, version, state, kid, payload, to_sign, signature,
  intended_at, signed_at, status_at`

func queue(b *pg.Batch, out *[]Credential, where string, args ...any) {
	pg.Read(b, out, "reading credentials", `select `+columns+` from credential where `+where, args...)
}

func many(ctx context.Context, tx *pg.Tx, where string, args ...any) (out []Credential, err error) {
	var b pg.Batch
	queue(&b, &out, where, args...)
	return out, b.Send(ctx, tx.Tx)
}

func one(ctx context.Context, tx *pg.Tx, where string, args ...any) (*Credential, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from credential where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading a credential: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Credential])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "", "reading a credential")
	}
	if err != nil {
		return nil, fmt.Errorf("reading a credential: %w", err)
	}
	return c, nil
}

// living reads the entry's credential that has not ended, nil when there is none, and locks it.
func living(ctx context.Context, tx *pg.Tx, e *registry.Entry) (*Credential, error) {
	c, err := one(ctx, tx, `register_id = $1 and entry_id = $2 and state in ('intended', 'valid', 'suspended') for update`, e.RegisterID, e.ID)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return c, err
}

func nextVersion(ctx context.Context, tx *pg.Tx, e *registry.Entry) (n int, err error) {
	err = tx.QueryRow(ctx, `select coalesce(max(version), 0) + 1 from credential where register_id = $1 and entry_id = $2`, e.RegisterID, e.ID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the credentials of an entry: %w", err)
	}
	return n, nil
}

// move queues the step of a credential's status from the state it was read in, with its history.
func (c *Credential) move(b *pg.Batch, tx *pg.Tx, to State, cause string) {
	b.ExecOne(fmt.Sprintf("moving credential %s from %s to %s", c.PublicID, c.State, to), `
		update credential set prior_state = state, state = $4, status_at = $5
		 where register_id = $1 and id = $2 and state = $3`, c.RegisterID, c.ID, string(c.State), string(to), tx.Now)
	c.State, c.StatusAt = to, tx.Now
	c.remember(b, tx, to, cause)
}

func (c *Credential) remember(b *pg.Batch, tx *pg.Tx, to State, cause string) {
	b.Exec("writing the history of a credential", `
		insert into credential_history (register_id, credential_id, id, at, state, cause) values ($1, $2, $3, $4, $5, $6)`,
		c.RegisterID, c.ID, pg.NewID(), tx.Now, string(to), cause)
}

func (c *Credential) audited(act audit.Act) audit.Event {
	v := audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "credential.issuer"}, Purpose: "procedure",
		Register: c.RegisterID, Registrar: c.RegistrarID, Entry: c.EntryID}
	if c.PersonRef != nil {
		v.Ref = *c.PersonRef
	}
	return v
}
