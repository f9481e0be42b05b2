package relying

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// Office registers verifiers and gives them keys, for the operator, under the worker's role.
type Office struct {
	DB *pg.DB
}

// MaxKeyLife is the longest time for which a key is given.
const MaxKeyLife = 2 * 366 * 24 * time.Hour

// Register registers a verifier. webhookURL may be empty.
func (o Office) Register(ctx context.Context, name, webhookURL string) (*Client, error) {
	if n := utf8.RuneCountInString(strings.TrimSpace(name)); n == 0 || n > 100 {
		return nil, fault.New(fault.Invalid, "", "registering a verifier: the name has 1 to 100 characters")
	}
	if err := checkHook(webhookURL); err != nil {
		return nil, err
	}
	c := &Client{ID: "v-" + newID(10), Name: strings.TrimSpace(name), WebhookURL: webhookURL}
	return c, o.DB.Platform(ctx, func(tx *pg.Tx) error {
		c.CreatedAt = tx.Now
		_, err := tx.Exec(ctx, `insert into relying_client (id, name, webhook_url, created_at) values ($1, $2, $3, $4)`, c.ID, c.Name, c.WebhookURL, tx.Now)
		if err != nil {
			return fmt.Errorf("registering a verifier: %w", err)
		}
		return audit.Record(ctx, tx, o.event(audit.RelyingRegister, c.ID))
	})
}

// checkHook refuses an address to which no notification can go. Where it may lead is looked at when it is called.
func checkHook(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" || len(raw) > 500 {
		return fault.New(fault.Invalid, "", "reading the address for notifications: it is https://host/path, without user and fragment")
	}
	return nil
}

func (o Office) event(act audit.Act, client string) audit.Event {
	return audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "operator"}, Outcome: client}
}

// Give makes a key for a verifier. The text is told once and is nowhere kept.
func (o Office) Give(ctx context.Context, client, label string, life time.Duration) (text string, k *Key, err error) {
	if life <= 0 || life > MaxKeyLife {
		return "", nil, fault.New(fault.Invalid, "", "giving a key: it lives up to two years")
	}
	text, id, sum := newKey()
	err = o.DB.Platform(ctx, func(tx *pg.Tx) error {
		k = &Key{ID: id, ClientID: client, Label: label, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(life)}
		tag, err := tx.Exec(ctx, `insert into relying_key (id, client_id, secret_sha256, label, created_at, expires_at)
			select $1, id, $3, $4, $5, $6 from relying_client where id = $2 and closed_at is null`, id, client, sum[:], label, k.CreatedAt, k.ExpiresAt)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "", "giving a key to a verifier that is not registered or is closed")
		}
		if err != nil {
			return fmt.Errorf("giving a key: %w", err)
		}
		return audit.Record(ctx, tx, o.event(audit.RelyingKey, client))
	})
	return text, k, err
}

// Revoke ends a key at once.
func (o Office) Revoke(ctx context.Context, keyID string) error {
	return o.end(ctx, `update relying_key set revoked_at = $2 where id = $1 and revoked_at is null returning client_id`, keyID, "revoking a key")
}

// Close ends a verifier: its keys count no more and nothing more is sent to it.
func (o Office) Close(ctx context.Context, client string) error {
	return o.end(ctx, `update relying_client set closed_at = $2 where id = $1 and closed_at is null returning id`, client, "closing a verifier")
}

func (o Office) end(ctx context.Context, sql, id, doing string) error {
	return o.DB.Platform(ctx, func(tx *pg.Tx) error {
		var client string
		err := tx.QueryRow(ctx, sql, id, tx.Now).Scan(&client)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.NotFound, "", doing+": there is none of that id, or it has ended")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return audit.Record(ctx, tx, o.event(audit.RelyingClose, client))
	})
}

// List reads every verifier and their keys.
func (o Office) List(ctx context.Context) (clients []Client, keys []Key, err error) {
	err = o.DB.Platform(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		clients, keys = nil, nil
		pg.Read(&b, &clients, "reading verifiers", `select id, name, webhook_url, created_at, closed_at from relying_client order by created_at, id`)
		pg.Read(&b, &keys, "reading keys", `select id, client_id, label, created_at, expires_at, revoked_at from relying_key order by created_at, id`)
		return b.SendLast(ctx, tx)
	})
	return clients, keys, err
}
