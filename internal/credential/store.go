package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/registry"
)

const columns = `register_id, id, public_id, registrar_id, entry_id, person_ref, version, state, kid, payload, to_sign, signature,
  intended_at, signed_at, status_at, valid_until, detail, suspended_until`

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

// past is what there is when an entry changes.
type past struct {
	living   *Credential // the entry's credential that has not ended, locked; nil when there is none
	versions int         // of all credentials of the entry, the highest
	held     bool        // the holder has stopped the living one and not lifted that
	key      string      // the newest key of the registrar that still signs, "" when there is none
}

// standing reads what there is, in one round trip.
func standing(ctx context.Context, tx *pg.Tx, e *registry.Entry) (p past, err error) {
	var b pg.Batch
	var living []Credential
	var versions []int
	var keys []string
	var holds []bool
	queue(&b, &living, `register_id = $1 and entry_id = $2 and state in ('intended', 'valid', 'suspended', 'held') for update`, e.RegisterID, e.ID)
	pg.ReadBy(&b, &holds, pgx.RowTo[bool], "looking for a holder's stop", `
		select exists (select 1 from credential c join credential_hold h on h.register_id = c.register_id and h.credential_id = c.id and h.lifted_at is null
		  where c.register_id = $1 and c.entry_id = $2 and c.state in ('intended', 'valid', 'suspended', 'held'))`, e.RegisterID, e.ID)
	pg.ReadBy(&b, &versions, pgx.RowTo[int], "counting the credentials of an entry", `
		select coalesce(max(version), 0) from credential where register_id = $1 and entry_id = $2`, e.RegisterID, e.ID)
	pg.ReadBy(&b, &keys, pgx.RowTo[string], "looking for the registrar's key", `
		select kid from signing_key
		 where registrar_id = $1 and purpose = 'credential' and (retired_at is null or retired_at > $2) and distrusted_at is null and not_before <= $2
		 order by not_before desc, kid limit 1`, e.RegistrarID, tx.Now)
	if err := b.Send(ctx, tx); err != nil {
		return past{}, err
	}
	p.versions, p.held = versions[0], holds[0]
	if len(living) > 0 {
		p.living = &living[0]
	}
	if len(keys) > 0 {
		p.key = keys[0]
	}
	return p, nil
}

// move queues the step of a credential's status from the state it was read in, with its history, and the need to publish
// the lists in which its copies have places. The transaction must have locked the row (for update) in a statement before:
// only then does it see the places of every copy that was recorded while the credential was in force (see Copy.record).
func (c *Credential) move(b *pg.Batch, tx *pg.Tx, to State, cause string) {
	b.ExecOne(fmt.Sprintf("moving credential %s from %s to %s", c.PublicID, c.State, to), `
		update credential set prior_state = state, state = $4, status_at = $5
		 where register_id = $1 and id = $2 and state = $3`, c.RegisterID, c.ID, string(c.State), string(to), tx.Now)
	c.State, c.StatusAt = to, tx.Now
	c.remember(b, tx, to, cause)
	b.Exec("recording that status lists are to be published", `
		insert into status_need (register_id, list_no, id, at)
		select $1, list_no, gen_random_uuid(), $3
		  from (select distinct list_no from credential_copy where register_id = $1 and credential_id = $2 and list_no is not null) l`,
		c.RegisterID, c.ID, tx.Now)
}

// until queues the last day of the office's suspension, so that whoever checks the credential is told; zero takes it away.
func (c *Credential) until(b *pg.Batch, day calendar.Date) {
	b.ExecOne("dating the end of a suspension", `update credential set suspended_until = $3 where register_id = $1 and id = $2`, c.RegisterID, c.ID, orNull(day))
	c.SuspendedUntil = day
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
