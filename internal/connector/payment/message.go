package payment

import (
	"fmt"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
)

// orderFields is an order as it travels.
type orderFields struct {
	ID        string     `json:"id"`
	Reference string     `json:"reference"`
	Status    Status     `json:"status"`
	Amount    int64      `json:"amount"`
	Refunded  int64      `json:"refunded"`
	Method    string     `json:"method"`
	ExpiresAt time.Time  `json:"expires_at"`
	PaidAt    *time.Time `json:"paid_at"`
}

type orderMessage struct {
	Order  orderFields `json:"order"`
	PayURL string      `json:"pay_url"`
}

type entryMessage struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	OrderID   string    `json:"order_id"`
	Reference string    `json:"reference"`
	Amount    int64     `json:"amount"`
	At        time.Time `json:"at"`
}

type statementMessage struct {
	Day     string         `json:"day"`
	Entries []entryMessage `json:"entries"`
	Balance int64          `json:"balance"`
}

// hosted insists that the page is the provider's own: the payer is sent there.
func (m orderMessage) hosted(base string) (Hosted, error) {
	state, err := m.Order.state(m.Order.ID)
	if err != nil {
		return Hosted{}, err
	}
	if !isBelow(m.PayURL, base) {
		return Hosted{}, misunderstood("the payment page is not at the provider's address")
	}
	return Hosted{State: state, PayURL: m.PayURL}, nil
}

func (f orderFields) state(wanted string) (State, error) {
	if f.ID == "" || f.ID != wanted {
		return State{}, misunderstood("the order is another one")
	}
	if !f.Status.known() || (f.Status == Paid) != (f.PaidAt != nil) || f.Refunded > f.Amount {
		return State{}, misunderstood(fmt.Sprintf("the order's status %q does not fit the rest", f.Status))
	}
	state := State{
		OrderID: f.ID, Reference: f.Reference, Status: f.Status, Amount: f.Amount, Refunded: f.Refunded,
		Method: f.Method, ExpiresAt: f.ExpiresAt,
	}
	if f.PaidAt != nil {
		state.PaidAt = *f.PaidAt
	}
	return state, nil
}

func (m statementMessage) statement(day calendar.Date) (Statement, error) {
	if m.Day != day.String() {
		return Statement{}, misunderstood("the statement is of another day")
	}
	out := Statement{Day: day, Balance: m.Balance}
	total := int64(0)
	for _, e := range m.Entries {
		if e.ID == "" || e.Amount <= 0 || e.Kind != "charge" && e.Kind != "refund" {
			return Statement{}, misunderstood(fmt.Sprintf("the statement has an entry of kind %q and amount %d", e.Kind, e.Amount))
		}
		entry := Entry{ID: e.ID, Refund: e.Kind == "refund", OrderID: e.OrderID, Reference: e.Reference, Amount: e.Amount, At: e.At}
		out.Entries = append(out.Entries, entry)
		if entry.Refund {
			total -= e.Amount
		} else {
			total += e.Amount
		}
	}
	if total != m.Balance {
		return Statement{}, misunderstood("the statement's entries do not add up")
	}
	return out, nil
}

func misunderstood(what string) error {
	return fault.New(fault.Upstream, "", "reading an answer: "+what)
}
