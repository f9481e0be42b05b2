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
//
// The store also ends sessions that nobody uses (SessionIdle): expires_at is at most so far ahead, and reading a session
// moves it on, once a minute at most, so that looking at pages does not write to the disk with every request. Each
// statement here is a transaction by itself: sessions lie behind no door.
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
	now := s.clock.Now()
	var until time.Time
	// The end is not compared in the database, which might take the index of the ends for the one to use.
	err = s.db.Pool.QueryRow(ctx, `select data, expires_at from session where portal = $1 and token_hash = $2`,
		s.portal, tokenHash(token)).Scan(&data, &until)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !until.After(now) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading a session: %w", err)
	}
	if until.Before(now.Add(SessionIdle - moveEvery)) {
		err = s.moveOn(ctx, token, data, until, now)
	}
	return data, err == nil, err
}

// moveEvery is how often the end of a session that is used is moved on.
const moveEvery = time.Minute

// moveOn moves the end of a session that is used, up to the end of its life, which stands in its data.
func (s *Store) moveOn(ctx context.Context, token string, data []byte, until, now time.Time) error {
	deadline, _, err := codec{}.Decode(data)
	if err != nil {
		return fmt.Errorf("reading the end of a session: %w", err)
	}
	next := earlier(deadline, now.Add(SessionIdle))
	if !next.After(until) {
		return nil
	}
	_, err = s.db.Pool.Exec(ctx, `update session set expires_at = $3 where portal = $1 and token_hash = $2 and expires_at < $3`,
		s.portal, tokenHash(token), next)
	if err != nil {
		return fmt.Errorf("moving the end of a session on: %w", err)
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// CommitCtx stores a session, whose life ends at the expiry: a new one in a row of its own, one that the request was begun
// with in its row, under its new token if it has one. If that row is gone, the session has ended and stays so.
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	if was := originOf(ctx); was != nil && was.token != "" {
		return s.replace(ctx, was.token, token, data, expiry)
	}
	_, err := s.db.Pool.Exec(ctx, `insert into session (portal, token_hash, data, expires_at) values ($1, $2, $3, $4)
		on conflict (portal, token_hash) do update set data = excluded.data, expires_at = excluded.expires_at`,
		s.portal, tokenHash(token), data, earlier(expiry, s.clock.Now().Add(SessionIdle)))
	if err != nil {
		return fmt.Errorf("writing a session: %w", err)
	}
	return nil
}

func (s *Store) replace(ctx context.Context, was, token string, data []byte, expiry time.Time) error {
	done, err := s.db.Pool.Exec(ctx, `update session set token_hash = $3, data = $4, expires_at = $5 where portal = $1 and token_hash = $2`,
		s.portal, tokenHash(was), tokenHash(token), data, earlier(expiry, s.clock.Now().Add(SessionIdle)))
	if err == nil && done.RowsAffected() == 0 {
		err = errSessionEnded
	}
	if err != nil {
		return fmt.Errorf("writing a session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session. While its token is renewed nothing is deleted: the row moves to the new token with the commit.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	if ctx.Value(renewingKey{}) != nil && originOf(ctx) != nil {
		return nil
	}
	_, err := s.db.Pool.Exec(ctx, `delete from session where portal = $1 and token_hash = $2`, s.portal, tokenHash(token))
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
