package presentation

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

const columns = `id, stage, asked_at, expires_at, keep_until, mode, kid, client_id, nonce, state, query::text::bytea, salt,
  case when code_hash is null then page_key end, attempts, refusal, sealed, answered_at`

func insert(ctx context.Context, tx *pg.Tx, t *Transaction, token string) error {
	_, err := tx.Exec(ctx, `
		insert into presentation (id, stage, asked_at, expires_at, keep_until, mode, kid, client_id, nonce, state, query, salt, page_key,
		  page_hash, same_hash, cross_hash)
		values ($1, 'open', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		t.ID, t.AskedAt, t.ExpiresAt, t.KeepUntil, t.Mode, t.KID, t.ClientID, t.Nonce, t.State, string(t.Query), t.Salt, t.PageKey,
		hashOf(token), hashOf(derive(token, string(Here))), hashOf(derive(token, string(There))))
	if err != nil {
		return fmt.Errorf("asking a wallet: %w", err)
	}
	return nil
}

// read finds one question that is still kept. by is a column of ours, never of a visitor.
func read(ctx context.Context, tx *pg.Tx, by string, value any) (*Transaction, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from presentation where `+by+` = $1 and keep_until > $2`, value, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("looking for a question: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Transaction])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, refuse(Unknown, "looking for a question")
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a question: %w", err)
	}
	return t, nil
}

// find reads one question in a transaction of its own, with the time.
func (r *Reader) find(ctx context.Context, by string, value any) (t *Transaction, now time.Time, err error) {
	err = r.DB.Public(ctx, func(tx *pg.Tx) error {
		now = tx.Now
		t, err = read(ctx, tx, by, value)
		return err
	})
	return t, now, err
}

// byRequest finds a question by the secret in a wallet's link, which also says how the wallet was reached.
func (r *Reader) byRequest(ctx context.Context, token string) (*Transaction, time.Time, Way, error) {
	t, now, err := r.find(ctx, "same_hash", hashOf(token))
	if errors.Is(err, Unknown) {
		t, now, err = r.find(ctx, "cross_hash", hashOf(token))
		return t, now, There, err
	}
	return t, now, Here, err
}

// finish ends an open question. Somebody who was first makes it Used.
func (r *Reader) finish(ctx context.Context, id uuid.UUID, to Stage, sealed string, code []byte) error {
	return r.DB.Public(ctx, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `
			update presentation set stage = $2, sealed = $3, code_hash = $4, answered_at = $5, keep_until = $6, refusal = ''
			 where id = $1 and stage = 'open' and expires_at > $5`, id, string(to), sealed, code, tx.Now, tx.Now.Add(Kept))
		if err != nil {
			return fmt.Errorf("storing an answer: %w", err)
		}
		if tag.RowsAffected() != 1 {
			return refuse(Used, "storing an answer")
		}
		return nil
	})
}

// remember counts an answer that was not taken, and keeps the key of the reason for whoever asked.
func (r *Reader) remember(ctx context.Context, id uuid.UUID, reason string) error {
	return r.DB.Public(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `update presentation set attempts = attempts + 1, refusal = $2 where id = $1 and stage = 'open'`, id, reason)
		if err != nil {
			return fmt.Errorf("counting an answer that was not taken: %w", err)
		}
		return nil
	})
}

// Sweep deletes questions whose time is over, under the worker's role, and returns how many there were.
func Sweep(ctx context.Context, db *pg.DB) (n int64, err error) {
	err = db.Platform(ctx, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `delete from presentation where keep_until <= $1`, tx.Now)
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("deleting questions that are over: %w", err)
	}
	return n, nil
}

type keyRow struct {
	KID       string
	Chain     [][]byte
	NotBefore time.Time
}

// newestKey is the key that signs requests now. NoKey when there is none.
func newestKey(ctx context.Context, tx *pg.Tx) (*Key, error) {
	return oneKey(ctx, tx, `not_before <= $1 order by not_before desc, kid limit 1`, tx.Now)
}

// signingKey reads the key of a question.
func (r *Reader) signingKey(ctx context.Context, kid string) (k *Key, err error) {
	err = r.DB.Public(ctx, func(tx *pg.Tx) error {
		k, err = oneKey(ctx, tx, `kid = $1`, kid)
		return err
	})
	return k, err
}

func oneKey(ctx context.Context, tx *pg.Tx, where string, arg any) (*Key, error) {
	rows, err := tx.Query(ctx, `select kid, chain, not_before from verifier_key where `+where, arg)
	if err != nil {
		return nil, fmt.Errorf("looking for the key of requests: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[keyRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, refuse(NoKey, "looking for the key of requests")
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the key of requests: %w", err)
	}
	k := &Key{KID: row.KID, NotBefore: row.NotBefore}
	for _, der := range row.Chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "reading a certificate for requests")
		}
		k.Chain = append(k.Chain, c)
	}
	return k, nil
}

// PublishKey lets this installation ask wallets with a key, under the worker's role. A key with another chain than before gets
// the new one; questions that stand open name the old certificate and are asked again.
func PublishKey(ctx context.Context, db *pg.DB, k Key) error {
	var chain [][]byte
	for _, c := range k.Chain {
		chain = append(chain, c.Raw)
	}
	if len(chain) == 0 {
		return fault.New(fault.Invalid, "", "publishing a key for requests without a certificate")
	}
	return db.Platform(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into verifier_key (kid, chain, not_before) values ($1, $2, $3)
			on conflict on constraint verifier_key_pkey do update set chain = excluded.chain where verifier_key.chain <> excluded.chain`,
			k.KID, chain, k.NotBefore)
		if err != nil {
			return fmt.Errorf("publishing a key for requests: %w", err)
		}
		return nil
	})
}
