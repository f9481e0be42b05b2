// Package payment collects the registration tax and fees of a case at the payment provider, and gives back what must be
// given back. The amounts come from the definition; the money moves at the provider alone, on its own hosted page.
//
// Every call to the provider is made with no transaction open and is repeatable: our order's public id is the provider's
// idempotency key, so an answer that was lost is asked for again and nothing is charged or refunded twice. What the
// provider says reaches us three ways — the payer's return, its signed callback, our own question — in any order, any
// number of times; all of them end in apply, which moves the order once.
package payment

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/qualification"
)

// State says where a payment order stands.
type State string

// The states. The sentences stand in the table payment_state, which a test compares with States.
const (
	Planned   State = "planned"
	Offered   State = "offered"
	Paid      State = "paid"
	CancelDue State = "cancel_due"
	Cancelled State = "cancelled"
	RefundDue State = "refund_due"
	Refunded  State = "refunded"
)

// States lists every state.
var States = []State{Planned, Offered, Paid, CancelDue, Cancelled, RefundDue, Refunded}

// Moves lists the states that may follow each state; Offered to Planned is for an order that the provider has let expire.
// The database holds the same table.
var Moves = map[State][]State{
	Planned:   {Offered, CancelDue},
	Offered:   {Paid, CancelDue, Planned},
	CancelDue: {Cancelled, RefundDue},
	Paid:      {RefundDue},
	RefundDue: {Refunded},
}

// May tells whether an order may move from one state to another.
func May(from, to State) bool { return slices.Contains(Moves[from], to) }

// Order is what is to be paid for one case.
type Order struct {
	RegisterID    string
	ApplicationID uuid.UUID
	PublicID      string // also the idempotency key at the provider
	State         State
	Total         int64 // yen
	ProviderOrder *string
	PayURL        *string
	CreatedAt     time.Time
	PaidAt        *time.Time
	EndedAt       *time.Time
}

// Line is one amount of an order.
type Line struct {
	ID        string
	Kind      qualification.FeeKind
	Collector string
	Amount    int64 // yen
}

// ProviderOrder is what the provider is asked to collect.
type ProviderOrder struct {
	Key       string // idempotency key
	Lines     []Line
	Total     int64
	ReturnURL string
	Lang      string
}

// Hosted is the provider's answer: its id of the order and the page on which the payer pays.
type Hosted struct {
	ID     string
	PayURL string
}

// Status is what the provider says about an order.
type Status string

// The provider's statuses.
const (
	StatusOpen      Status = "open"
	StatusPaid      Status = "paid"
	StatusCancelled Status = "cancelled"
	StatusRefunded  Status = "refunded"
)

// Provider is the payment provider. All four calls may be repeated with the same effect as once.
type Provider interface {
	Create(ctx context.Context, o ProviderOrder) (Hosted, error)
	Status(ctx context.Context, id string) (Status, time.Time, error)
	// Cancel ends an open order. It answers StatusPaid when the payer was faster.
	Cancel(ctx context.Context, id string) (Status, error)
	Refund(ctx context.Context, id, key string) error
}

// Event is one thing the provider told us.
type Event struct {
	ID     string // the provider's event id, or one of ours when we asked
	Order  string // our order's public id
	Status Status
	At     time.Time
	Source string // callback | asked
}
