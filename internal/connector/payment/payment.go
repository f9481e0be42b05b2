// Package payment orders online payments of public money (公金決済) from a provider and learns how they went.
//
// The way of one payment: CreateOrder with a key that the caller has stored before; send the payer to PayURL; wait for a
// callback, which VerifyCallback proves to be the provider's; and whatever callbacks say or fail to say, Get and Statement
// are asked in the end. Callbacks can be lost, doubled, late and out of order: take each event once by its ID, and go by
// the greatest Sequence. What the payer's browser says on its return proves nothing. The protocol is described in
// docs/protocols.md.
package payment

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/connector/wire"
	"akashi/internal/fault"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

// Kind is the legal nature of a line: it decides who refunds and how.
type Kind string

const (
	// Tax is the registration and licence tax (登録免許税), a national tax.
	Tax Kind = "tax"
	// Fee is a fee (手数料).
	Fee Kind = "fee"
)

// Line is one amount, in yen.
type Line struct {
	Kind      Kind   `json:"kind"`
	Collector string `json:"collector"` // who is owed
	Label     string `json:"label"`
	Amount    int64  `json:"amount"`
}

// Order is what is to be paid. Key is stored before the first call and the same for every repetition; Reference is the
// caller's name for the payment and comes back in everything the provider says about it.
type Order struct {
	Key         string
	Reference   string
	Description string // shown to the payer
	Lines       []Line
	ReturnURL   string
	CallbackURL string
}

// Status is the state of an order at the provider.
type Status string

// The states of an order. Only Open can change. A refund leaves an order Paid.
const (
	Open      Status = "open"
	Paid      Status = "paid"
	Cancelled Status = "cancelled"
	Expired   Status = "expired"
)

func (s Status) known() bool { return s == Open || s == Paid || s == Cancelled || s == Expired }

// State is what the provider knows of an order. PaidAt is zero unless it was paid.
type State struct {
	OrderID   string
	Reference string
	Status    Status
	Amount    int64 // yen
	Refunded  int64 // yen
	Method    string
	ExpiresAt time.Time
	PaidAt    time.Time
}

// Hosted is an order with the page on which it is paid.
type Hosted struct {
	State
	PayURL string // secret: whoever has it can pay
}

// Refund gives back a part of a paid order. Key is stored before the first call.
type Refund struct {
	Key     string
	OrderID string
	Amount  int64 // yen
	Reason  string
}

// Refunded is a refund that the provider has made.
type Refunded struct {
	RefundID string
	State    State
}

// Entry is one movement of money in a day's statement. Amount is positive for both kinds.
type Entry struct {
	ID        string
	Refund    bool // otherwise a charge
	OrderID   string
	Reference string
	Amount    int64 // yen
	At        time.Time
}

// Statement is all that the provider moved on our account on a day in Japan.
type Statement struct {
	Day     calendar.Date
	Entries []Entry
	Balance int64 // charges less refunds, in yen; checked against Entries
}

// Client talks to one provider. It is safe for concurrent use.
type Client struct {
	wire  *wire.Client
	clock clock.Clock

	reading singleflight.Group
	mu      sync.Mutex        // of what follows; never held while somebody is asked
	keys    []jose.JSONWebKey // that sign callbacks, as the provider publishes them
	fetched time.Time
}

// New returns a client; see wire.Config.
func New(c wire.Config) (*Client, error) {
	w, err := wire.New(c)
	if err != nil {
		return nil, fmt.Errorf("configuring the payment provider: %w", err)
	}
	return &Client{wire: w, clock: c.Clock}, nil
}

// CreateOrder orders a payment. Repeating it with the same Order is safe and gives the same order in its present state. It
// fails with fault.Upstream when the outcome is unknown, and with fault.Invalid when the key came before with another order.
func (c *Client) CreateOrder(ctx context.Context, o Order) (Hosted, error) {
	body := map[string]any{
		"reference": o.Reference, "description": o.Description, "lines": o.Lines,
		"return_url": o.ReturnURL, "callback_url": o.CallbackURL,
	}
	var m orderMessage
	if err := c.post(ctx, "/v1/orders", o.Key, body, &m); err != nil {
		return Hosted{}, fmt.Errorf("ordering a payment: %w", err)
	}
	hosted, err := m.hosted(c.wire.BaseURL())
	if err != nil {
		return Hosted{}, fmt.Errorf("ordering a payment: %w", err)
	}
	if hosted.Reference != o.Reference || hosted.Amount != sum(o.Lines) {
		return Hosted{}, misunderstood("the order is not the one that was asked for")
	}
	return hosted, nil
}

func sum(lines []Line) int64 {
	total := int64(0)
	for _, line := range lines {
		total += line.Amount
	}
	return total
}

// Get reads the state of an order. It fails with fault.NotFound or fault.Upstream.
func (c *Client) Get(ctx context.Context, orderID string) (State, error) {
	var m orderMessage
	request := wire.Request{Method: http.MethodGet, Path: "/v1/orders/" + url.PathEscape(orderID), Repeatable: true}
	if _, err := c.wire.Do(ctx, request, &m); err != nil {
		return State{}, fmt.Errorf("reading a payment order: %w", err)
	}
	return m.Order.state(orderID)
}

// Cancel ends an open order, so that it can no longer be paid. Cancelling an ended order changes nothing. It fails with
// fault.Conflict when the order is paid, with fault.NotFound or fault.Upstream.
func (c *Client) Cancel(ctx context.Context, orderID string) (State, error) {
	var m orderMessage
	// A cancelled order stays cancelled, so a repetition is safe without a key.
	request := wire.Request{Method: http.MethodPost, Path: "/v1/orders/" + url.PathEscape(orderID) + "/cancel", Repeatable: true}
	if _, err := c.wire.Do(ctx, request, &m); err != nil {
		return State{}, fmt.Errorf("cancelling a payment order: %w", err)
	}
	return m.Order.state(orderID)
}

// Refund gives money back. Repeating it with the same Refund is safe. It fails with fault.Conflict when the order is not
// paid or less is left of it, with fault.NotFound, fault.Invalid (the key came before with another refund) or fault.Upstream.
func (c *Client) Refund(ctx context.Context, r Refund) (Refunded, error) {
	body := map[string]any{"order_id": r.OrderID, "amount": r.Amount, "reason": r.Reason}
	var m struct {
		Refund entryMessage `json:"refund"`
		Order  orderFields  `json:"order"`
	}
	if err := c.post(ctx, "/v1/refunds", r.Key, body, &m); err != nil {
		return Refunded{}, fmt.Errorf("refunding a payment: %w", err)
	}
	if m.Refund.ID == "" || m.Refund.Amount != r.Amount {
		return Refunded{}, misunderstood("the refund is not the one that was asked for")
	}
	state, err := m.Order.state(r.OrderID)
	return Refunded{RefundID: m.Refund.ID, State: state}, err
}

// Statement reads the movements of a day in Japan, for reconciliation. It fails with fault.Upstream, also when the entries
// do not add up to the balance.
func (c *Client) Statement(ctx context.Context, day calendar.Date) (Statement, error) {
	var m statementMessage
	request := wire.Request{Method: http.MethodGet, Path: "/v1/statement?day=" + day.String(), Repeatable: true}
	if _, err := c.wire.Do(ctx, request, &m); err != nil {
		return Statement{}, fmt.Errorf("reading the statement of %s: %w", day, err)
	}
	return m.statement(day)
}

func (c *Client) post(ctx context.Context, path, key string, body, out any) error {
	if key == "" {
		return fault.New(fault.Internal, "", "posting to the payment provider without an idempotency key")
	}
	_, err := c.wire.Do(ctx, wire.Request{
		Method: http.MethodPost, Path: path, Body: body, Header: map[string]string{"Idempotency-Key": key}, Repeatable: true,
	}, out)
	return err
}

func isBelow(address, base string) bool { return strings.HasPrefix(address, base+"/") }
