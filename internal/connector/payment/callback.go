package payment

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"akashi/internal/connector/wire"
	"akashi/internal/fault"

	"github.com/go-jose/go-jose/v4"
)

const (
	// SignatureHeader carries a callback's detached JWS.
	SignatureHeader = "Payment-Signature"
	// MaxCallback bounds a callback's body, in bytes; whoever receives it reads no more.
	MaxCallback = 16 << 10

	callbackType = "payment-event+jws"
	maxSkew      = 5 * time.Minute
	keysAwait    = time.Minute // between two looks at the published keys for a key that is not known
	keysKept     = time.Hour   // after which the published keys are read again, should one have been withdrawn
)

// EventType is what happened to an order.
type EventType string

// The types of events.
const (
	EventStarted   EventType = "payment.started" // the payer has begun; the money is not there
	EventPaid      EventType = "payment.paid"
	EventDeclined  EventType = "payment.declined" // the order stays open
	EventCancelled EventType = "payment.cancelled"
	EventRefunded  EventType = "payment.refunded"
)

func (t EventType) known() bool {
	switch t {
	case EventStarted, EventPaid, EventDeclined, EventCancelled, EventRefunded:
		return true
	}
	return false
}

// Event is a proven callback. The same event can arrive again: ID is to be unique where it is stored.
type Event struct {
	ID         string    `json:"event_id"`
	Type       EventType `json:"type"`
	OrderID    string    `json:"order_id"`
	Reference  string    `json:"reference"`
	Sequence   int       `json:"sequence"` // counts the order's events from 1
	Status     Status    `json:"status"`   // of the order after the event
	Amount     int64     `json:"amount"`   // of the order, in yen
	Refunded   int64     `json:"refunded"` // in all, in yen
	Method     string    `json:"method"`
	OccurredAt time.Time `json:"occurred_at"`
}

// Refusal is the reason why a callback is not taken for the provider's.
type Refusal string

// The reasons.
const (
	NoSignature    Refusal = "payment.callback.no_signature"    // none, or more than one
	WrongAlgorithm Refusal = "payment.callback.wrong_algorithm" // not ES256, or not a JWS
	WrongType      Refusal = "payment.callback.wrong_type"      // signed for another use
	UnknownKey     Refusal = "payment.callback.unknown_key"     // not a published key
	BadSignature   Refusal = "payment.callback.bad_signature"
	Stale          Refusal = "payment.callback.stale"     // signed more than five minutes ago or ahead
	Malformed      Refusal = "payment.callback.malformed" // signed, but not an event
	OtherEvent     Refusal = "payment.callback.other_event"
)

func (r Refusal) Error() string { return string(r) }

func refuse(r Refusal, doing string) error {
	return &fault.Error{Kind: fault.Unauthenticated, Doing: "checking a payment callback: " + doing, Err: r}
}

// VerifyCallback proves that a callback is the provider's, recent and whole, and returns its event. It fails with
// fault.Unauthenticated and a Refusal; with fault.TooLarge; or with fault.Upstream when the provider's keys cannot be read,
// in which case the callback is to be answered with 503, so that it comes again.
func (c *Client) VerifyCallback(ctx context.Context, body []byte, header http.Header) (Event, error) {
	if len(body) > MaxCallback {
		return Event{}, fault.New(fault.TooLarge, "", fmt.Sprintf("checking a payment callback of %d bytes", len(body)))
	}
	signed, err := parseSignature(body, header)
	if err != nil {
		return Event{}, err
	}
	key, err := c.key(ctx, signed.Signatures[0].Protected.KeyID)
	if err != nil {
		return Event{}, err
	}
	if err := signed.DetachedVerify(body, key); err != nil {
		return Event{}, refuse(BadSignature, err.Error())
	}
	// From here on everything read is the provider's.
	protected := signed.Signatures[0].Protected
	if err := c.checkTime(protected); err != nil {
		return Event{}, err
	}
	event, err := decodeEvent(body)
	if err != nil {
		return Event{}, err
	}
	if protected.ExtraHeaders["jti"] != event.ID {
		return Event{}, refuse(OtherEvent, "the signature names another event than the body")
	}
	return event, nil
}

func parseSignature(body []byte, header http.Header) (*jose.JSONWebSignature, error) {
	values := header.Values(SignatureHeader)
	if len(values) != 1 {
		return nil, refuse(NoSignature, fmt.Sprintf("%d signatures", len(values)))
	}
	signed, err := jose.ParseDetached(values[0], body, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, refuse(WrongAlgorithm, err.Error())
	}
	if len(signed.Signatures) != 1 || signed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != callbackType {
		return nil, refuse(WrongType, "the signature is for another use")
	}
	return signed, nil
}

func (c *Client) checkTime(protected jose.Header) error {
	seconds, ok := protected.ExtraHeaders["iat"].(float64)
	if !ok {
		return refuse(Stale, "the signature has no time")
	}
	if age := c.clock.Now().Sub(time.Unix(int64(seconds), 0)); age > maxSkew || age < -maxSkew {
		return refuse(Stale, fmt.Sprintf("signed %s ago", age))
	}
	return nil
}

func decodeEvent(body []byte) (Event, error) {
	var e Event
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&e); err != nil {
		return Event{}, refuse(Malformed, err.Error())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Event{}, refuse(Malformed, "more than one JSON value")
	}
	whole := e.ID != "" && e.OrderID != "" && e.Reference != "" && e.Sequence > 0 && e.Amount > 0 && !e.OccurredAt.IsZero()
	if !whole || !e.Type.known() || !e.Status.known() {
		return Event{}, refuse(Malformed, fmt.Sprintf("an event of type %q and status %q", e.Type, e.Status))
	}
	return e, nil
}

// key finds a published key. A key that is not known may be new, so the published ones are read again, but not more than
// once a minute: anybody can send us callbacks with made-up key ids. Whoever comes while they are read waits for the same
// answer; callbacks with a key that is known do not wait.
func (c *Client) key(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	key, again := c.known(id)
	if key != nil || !again {
		return key, unpublished(key)
	}
	read := c.reading.DoChan("keys", func() (any, error) { return nil, c.readKeys(context.WithoutCancel(ctx)) })
	select {
	case answer := <-read:
		if answer.Err != nil {
			return nil, fault.Wrap(fault.Upstream, answer.Err, "reading the payment provider's keys")
		}
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Upstream, ctx.Err(), "waiting for the payment provider's keys")
	}
	key, _ = c.known(id)
	return key, unpublished(key)
}

func unpublished(key *ecdsa.PublicKey) error {
	if key == nil {
		return refuse(UnknownKey, "the key is not published")
	}
	return nil
}

// known finds a key among those that were read, and tells whether it is time to read them again.
func (c *Client) known(id string) (key *ecdsa.PublicKey, again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := c.clock.Now().Sub(c.fetched).Abs()
	if key, ok := pick(c.keys, id); ok && age < keysKept {
		return key, false
	}
	return nil, c.fetched.IsZero() || age >= keysAwait
}

// readKeys reads the published keys, with no lock held.
func (c *Client) readKeys(ctx context.Context) error {
	var set jose.JSONWebKeySet
	request := wire.Request{Method: http.MethodGet, Path: "/.well-known/jwks.json", Repeatable: true}
	if _, err := c.wire.Do(ctx, request, &set); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys, c.fetched = set.Keys, c.clock.Now()
	return nil
}

func pick(keys []jose.JSONWebKey, id string) (*ecdsa.PublicKey, bool) {
	for _, k := range keys {
		key, ok := k.Key.(*ecdsa.PublicKey)
		usable := ok && key.Curve == elliptic.P256() && (k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == string(jose.ES256))
		if usable && id != "" && k.KeyID == id {
			return key, true
		}
	}
	return nil, false
}
