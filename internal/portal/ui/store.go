package ui

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/clock"
	"akashi/internal/pg"
)

// Store keeps the sessions of one portal in the table session. The table holds only the SHA-256 of a token, so that a
// copy of the database opens no session.
//
// Sessions end by the machine's clock, not by the clock of the rules: a demonstration that is moved on by a month must
// not log everybody out, and one set back must not revive old sessions.
type Store struct {
	db     *pg.DB
	portal Audience
	clock  clock.Clock
}

// NewStore returns the store of one portal's sessions.
func NewStore(db *pg.DB, portal Audience) *Store {
	return &Store{db: db, portal: portal, clock: clock.System{}}
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// FindCtx returns the data of a session that has not ended.
func (s *Store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.db.Platform(ctx, func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select data from session where portal = $1 and token_hash = $2 and expires_at > $3`,
			s.portal, tokenHash(token), s.clock.Now()).Scan(&data)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading a session: %w", err)
	}
	return data, true, nil
}

// CommitCtx stores a session.
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	err := s.db.Platform(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `insert into session (portal, token_hash, data, expires_at) values ($1, $2, $3, $4)
			on conflict (portal, token_hash) do update set data = excluded.data, expires_at = excluded.expires_at`,
			s.portal, tokenHash(token), data, expiry)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing a session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	err := s.db.Platform(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `delete from session where portal = $1 and token_hash = $2`, s.portal, tokenHash(token))
		return err
	})
	if err != nil {
		return fmt.Errorf("deleting a session: %w", err)
	}
	return nil
}

// Purge deletes the sessions that ended and returns how many: a worker's job, since a session that nobody comes back to
// is never deleted otherwise.
func (s *Store) Purge(ctx context.Context) (int64, error) {
	var n int64
	err := s.db.Platform(ctx, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `delete from session where portal = $1 and expires_at <= $2`, s.portal, s.clock.Now())
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purging sessions: %w", err)
	}
	return n, nil
}

// Find, Commit and Delete complete scs.Store; scs calls the variants with a context instead.
func (s *Store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s *Store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (s *Store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
