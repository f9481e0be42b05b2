package demo

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/connector/webhook"
	"akashi/internal/format/httpsig"
	"akashi/internal/relying"
)

// The registered verifier of the demonstration, whose name holders read.
const (
	hospitalName  = "見本病院"
	hospitalLabel = "start page"
	hooksPath     = "/hooks"
)

// hospital is a registered verifier: it has a key for the API, which the start page shows with what to do with it, and takes
// the notifications of changes.
type hospital struct {
	demo *Demo
	key  string

	mu   sync.Mutex
	told []relying.Event // the newest first
}

// Bounds of what a receiver takes and keeps.
const (
	maxEvent = 64 << 10
	maxTold  = 20
	nearby   = 5 * time.Minute // how far the time of a signature may lie from now
)

// employ registers the hospital, unless an earlier start has, and gives it a new key: a key is told once, so that earlier ones end.
func (d *Demo) employ(ctx context.Context) error {
	office := relying.Office{DB: d.worker}
	clients, keys, err := office.List(ctx)
	if err != nil {
		return err
	}
	hook := "http://" + d.places.start() + hooksPath
	i := slices.IndexFunc(clients, func(c relying.Client) bool {
		return c.Name == hospitalName && c.WebhookURL == hook && c.ClosedAt == nil
	})
	if i < 0 {
		c, err := office.Register(ctx, hospitalName, hook)
		if err != nil {
			return err
		}
		clients, i = append(clients, *c), len(clients)
	}
	for _, k := range keys {
		if k.ClientID == clients[i].ID && k.Label == hospitalLabel && k.RevokedAt == nil {
			err = errors.Join(err, office.Revoke(ctx, k.ID))
		}
	}
	if err != nil {
		return err
	}
	d.hospital = &hospital{demo: d}
	d.hospital.key, _, err = office.Give(ctx, clients[i].ID, hospitalLabel, relying.MaxKeyLife)
	return err
}

// take receives a notification, as every receiver should: signature and time are checked, and each is taken once.
func (h *hospital) take(w http.ResponseWriter, r *http.Request) {
	event, err := h.read(r)
	if err != nil {
		h.demo.cfg.Log.Error("a notification to the hospital is refused", "error", err)
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.ContainsFunc(h.told, func(e relying.Event) bool { return e.ID == event.ID }) {
		h.told = append([]relying.Event{event}, h.told[:min(len(h.told), maxTold-1)]...)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *hospital) read(r *http.Request) (event relying.Event, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
	if err != nil {
		return event, fmt.Errorf("reading a notification: %w", err)
	}
	keys, err := h.keys(r.Context())
	if err != nil {
		return event, err
	}
	message := httpsig.Message{Method: r.Method, TargetURI: "http://" + h.demo.places.start() + hooksPath, ContentType: r.Header.Get("Content-Type"), Body: body}
	headers := httpsig.Headers{ContentDigest: r.Header.Get("Content-Digest"), SignatureInput: r.Header.Get("Signature-Input"), Signature: r.Header.Get("Signature")}
	_, err = httpsig.Verify(message, headers, httpsig.Check{Tag: webhook.Tag, Now: h.demo.Clock.Now(), Window: nearby, Key: func(id string) *ecdsa.PublicKey {
		for _, k := range keys.Key(id) {
			if key, ok := k.Key.(*ecdsa.PublicKey); ok {
				return key
			}
		}
		return nil
	}})
	if err != nil {
		return event, err
	}
	return event, json.NewDecoder(bytes.NewReader(body)).Decode(&event)
}

// keys fetches the keys with which notifications are signed.
func (h *hospital) keys(ctx context.Context) (keys jose.JSONWebKeySet, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, h.demo.URL(API)+"/v1/webhook-keys", nil)
	if err != nil {
		return keys, err
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return keys, fmt.Errorf("fetching the keys of notifications: %w", err)
	}
	defer answer.Body.Close()
	return keys, json.NewDecoder(io.LimitReader(answer.Body, maxEvent)).Decode(&keys)
}

// notified lists the notifications that came since the start.
func (h *hospital) notified() []relying.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.told)
}

// command asks the API to be told of changes of a credential.
func (h *hospital) command(until string) string {
	return "curl -H 'Authorization: Bearer " + h.key + "' \\\n  -H 'Content-Type: application/json' \\\n" +
		`  -d '{"credential": "…", "purpose": "採用後の資格の確認", "until": "` + until + `", "ref": "staff-17"}' \` + "\n  " + h.demo.URL(API) + "/v1/watches"
}
