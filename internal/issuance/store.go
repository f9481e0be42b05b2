package issuance

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/oauth"
	"akashi/internal/pg"
)

const grantColumns = `register_id, id, registrar_id, person_ref, entry_id, application_id, configurations, identified, client_id, state, cause,
  code_digest, code_expires_at, tx_digest, tries, challenge, redirect_uri, holder_key, access_digest, access_expires_at, refresh_digest,
  refresh_before, refreshed_at, copies, created_at, redeemed_at, ended_at, expires_at`

func queueGrants(b *pg.Batch, out *[]Grant, where string, args ...any) {
	pg.Read(b, out, "reading grants", `select `+grantColumns+` from issuance_grant where `+where, args...)
}

// insert records a new grant with its line in the log.
func (g *Grant) insert(ctx context.Context, tx *pg.Tx, act audit.Act) error {
	var b pg.Batch
	b.Exec("recording a grant", `
		insert into issuance_grant (register_id, id, registrar_id, person_ref, entry_id, application_id, configurations, identified, client_id, state,
		  prior_state, cause, code_digest, code_expires_at, tx_digest, tries, challenge, redirect_uri, holder_key, copies, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, '', $11, $12, $13, 0, $14, $15, $16, 0, $17, $18)`,
		g.RegisterID, g.ID, g.RegistrarID, g.PersonRef, g.EntryID, g.ApplicationID, g.Configurations, g.Identified, g.ClientID, string(g.State),
		g.CodeDigest, g.CodeExpiresAt, g.TxDigest, g.Challenge, g.RedirectURI, g.HolderKey, g.CreatedAt, g.ExpiresAt)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, g.audited(act, ""))
}

// end ends a grant with its line in the log.
func (g *Grant) end(ctx context.Context, tx *pg.Tx, cause string) error {
	var b pg.Batch
	b.ExecOne("ending a grant", `
		update issuance_grant set state = 'ended', prior_state = state, cause = $4, ended_at = $5
		 where register_id = $1 and id = $2 and state = $3`, g.RegisterID, g.ID, string(g.State), cause, tx.Now)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, g.audited(audit.WalletEnd, cause))
}

// audited is an event about a grant. What a wallet does it does for its holder.
func (g *Grant) audited(act audit.Act, outcome string) audit.Event {
	v := audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorPerson}, Purpose: "own", Outcome: outcome, Register: g.RegisterID,
		Registrar: g.RegistrarID, Ref: g.PersonRef}
	if g.EntryID != nil {
		v.Entry = *g.EntryID
	}
	if g.ApplicationID != nil {
		v.Case = *g.ApplicationID
	}
	return v
}

// queueOnce records that something was used; out has a row when it is the first time.
func queueOnce(b *pg.Batch, out *[][]byte, until time.Time, parts ...string) {
	pg.ReadBy(b, out, pgx.RowTo[[]byte], "recording what is used once", `
		insert into issuance_seen (digest, expires_at) values ($1, $2) on conflict do nothing returning digest`, digest(parts...), until)
}

// redeem gives a wallet its tokens and binds the grant to its key.
func (g *Grant) redeem(ctx context.Context, tx *pg.Tx, t tokens) error {
	var b pg.Batch
	b.ExecOne("giving a wallet its tokens", `
		update issuance_grant set state = 'active', prior_state = state, client_id = $4, holder_key = $5, identified = $6, configurations = $7,
		       access_digest = $8, access_expires_at = $9, refresh_digest = $10, redeemed_at = $11
		 where register_id = $1 and id = $2 and state = $3`, g.RegisterID, g.ID, string(g.State), g.ClientID, g.HolderKey, g.Identified, g.Configurations,
		digest(t.access), tx.Now.Add(accessLife), digest(t.refresh), tx.Now)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, g.audited(audit.WalletToken, ""))
}

// refresh gives new tokens for old ones. before stays the one before as long as its answer may have been lost.
func (g *Grant) refresh(ctx context.Context, tx *pg.Tx, t tokens, before []byte) error {
	var b pg.Batch
	b.ExecOne("renewing a wallet's tokens", `
		update issuance_grant set access_digest = $3, access_expires_at = $4, refresh_digest = $5, refresh_before = $6, refreshed_at = $7
		 where register_id = $1 and id = $2 and state = 'active'`, g.RegisterID, g.ID, digest(t.access), tx.Now.Add(accessLife), digest(t.refresh), before, tx.Now)
	return b.SendLater(ctx, tx)
}

func (g *Grant) countTry(ctx context.Context, tx *pg.Tx) error {
	var b pg.Batch
	b.ExecOne("counting a wrong transaction code", `update issuance_grant set tries = tries + 1 where register_id = $1 and id = $2`, g.RegisterID, g.ID)
	return b.SendLater(ctx, tx)
}

// deferral is a request that waits for its credential.
type deferral struct {
	ID            uuid.UUID
	Configuration string
	Keys          []byte // JSON list of JWKs
	DoneAt        *time.Time
}

func (g *Grant) insertDeferral(ctx context.Context, tx *pg.Tx, configuration string, keys []oauth.Key) (uuid.UUID, error) {
	all := make([]json.RawMessage, len(keys))
	for i, k := range keys {
		all[i] = k.JWK()
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return uuid.Nil, fmt.Errorf("writing the keys of a deferred request: %w", err)
	}
	id := pg.NewID()
	var b pg.Batch
	b.Exec("recording a deferred request", `
		insert into issuance_deferral (register_id, grant_id, id, registrar_id, person_ref, configuration, keys, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, g.RegisterID, g.ID, id, g.RegistrarID, g.PersonRef, configuration, raw, tx.Now)
	return id, b.SendLater(ctx, tx)
}

// holders reads the keys back.
func (d deferral) holders() ([]oauth.Key, error) {
	var all []json.RawMessage
	if err := json.Unmarshal(d.Keys, &all); err != nil {
		return nil, fmt.Errorf("reading the keys of a deferred request: %w", err)
	}
	keys := make([]oauth.Key, len(all))
	for i, raw := range all {
		var err error
		if keys[i], err = oauth.ParseKey(raw); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "reading a key of a deferred request")
		}
	}
	return keys, nil
}

// subject is where the credential of a grant stands.
type subject struct {
	credential *credential.Credential // living; nil: none
	open       bool                   // nothing is decided in the case yet
	over       bool                   // the case has ended without an entry
}

type caseRow struct {
	State string
	Entry *uuid.UUID
}

// find reads the credential that a grant is about, in a transaction that was narrowed to its reference.
func (g *Grant) find(ctx context.Context, tx *pg.Tx) (s subject, err error) {
	entry := g.EntryID
	if entry == nil {
		var rows []caseRow
		var b pg.Batch
		pg.Read(&b, &rows, "reading the case of a grant", `
			select a.state, h.entry_id from application a
			  left join entry_history h on h.register_id = a.register_id and h.application_id = a.id
			 where a.register_id = $1 and a.id = $2`, g.RegisterID, *g.ApplicationID)
		if err := b.Send(ctx, tx); err != nil {
			return s, err
		}
		if len(rows) == 0 {
			return s, fault.New(fault.Internal, "", "reading the case of a grant: it is not there")
		}
		switch rows[0].State {
		case "registered":
			entry = rows[0].Entry
		case "rejected", "withdrawn", "expired":
			return subject{over: true}, nil
		default:
			return subject{open: true}, nil
		}
		if entry == nil {
			return subject{over: true}, nil
		}
	}
	s.credential, err = credential.Living(ctx, tx, g.RegisterID, *entry)
	return s, err
}
