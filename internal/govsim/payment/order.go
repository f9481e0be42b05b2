package payment

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/govsim/gate"

	"github.com/google/uuid"
)

const maxAmount = 100_000_000 // yen, of one line

type orderRequest struct {
	Reference   string `json:"reference"`
	Description string `json:"description"`
	Lines       []Line `json:"lines"`
	ReturnURL   string `json:"return_url"`
	CallbackURL string `json:"callback_url"`
}

func (q orderRequest) check() error {
	if q.Reference == "" || q.Description == "" || len(q.Lines) == 0 || len(q.Lines) > 20 {
		return fault.New(fault.Invalid, "", "checking an order: reference, description or lines are missing")
	}
	for i, line := range q.Lines {
		if line.Kind != "tax" && line.Kind != "fee" || line.Collector == "" || line.Label == "" || line.Amount <= 0 || line.Amount > maxAmount {
			return fault.New(fault.Invalid, "", fmt.Sprintf("checking an order: line %d", i+1))
		}
	}
	if !isWebAddress(q.ReturnURL) || !isWebAddress(q.CallbackURL) {
		return fault.New(fault.Invalid, "", "checking an order: return_url or callback_url is no address")
	}
	return nil
}

// idempotencyKey reads the header that names a request across its repetitions.
func idempotencyKey(c gate.Call) (string, bool) {
	key := c.Header.Get("Idempotency-Key")
	return key, key != "" && len(key) <= 128
}

func (s *Server) create(c gate.Call) gate.Reply {
	var q orderRequest
	if err := c.Decode(&q); err != nil {
		return gate.Refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	if err := q.check(); err != nil {
		return gate.Refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	key, ok := idempotencyKey(c)
	if !ok {
		return gate.Refuse(http.StatusBadRequest, "no_idempotency_key", "the header Idempotency-Key is missing or too long")
	}
	if s.forgetful.Load() {
		key = rand.Text()
	}
	id, same := s.created.Do(c.Client.ID, key, c.Body, func() string { return s.open(c.Client.ID, q) })
	if !same {
		return gate.Refuse(http.StatusUnprocessableEntity, "idempotency_key_reused", "the key came before with another order")
	}
	return s.show(c.Client.ID, id)
}

func (s *Server) open(client string, q orderRequest) string {
	now := s.config.Clock.Now()
	o := &Order{
		ID: "ord_" + uuid.NewString(), Reference: q.Reference, Description: q.Description, Lines: q.Lines, Status: Open,
		CreatedAt: now, ExpiresAt: now.Add(s.config.OrderLife), ReturnURL: q.ReturnURL, CallbackURL: q.CallbackURL,
		client: client, token: rand.Text(),
	}
	for _, line := range q.Lines {
		o.Amount += line.Amount
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[o.ID], s.tokens[o.token] = o, o
	return o.ID
}

// show answers with an order as it is now and the address of its page.
func (s *Server) show(client, id string) gate.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.find(client, id)
	if !ok {
		return gate.Refuse(http.StatusNotFound, "not_found", "no such order of this client")
	}
	return s.reply(o)
}

// reply copies the order, since it is written out after the lock is gone. The caller holds the lock.
func (s *Server) reply(o *Order) gate.Reply {
	return gate.Reply{Status: http.StatusOK, Body: map[string]any{"order": *o, "pay_url": s.payURL(o)}}
}

// find returns the client's order, expired if its time is over. The caller holds the lock.
func (s *Server) find(client, id string) (*Order, bool) {
	o, ok := s.orders[id]
	if !ok || o.client != client {
		return nil, false
	}
	s.expire(o)
	return o, true
}

func (s *Server) expire(o *Order) {
	if o.Status == Open && s.config.Clock.Now().After(o.ExpiresAt) {
		o.Status = Expired
	}
}

func (s *Server) read(c gate.Call) gate.Reply { return s.show(c.Client.ID, c.PathValue("id")) }

func (s *Server) cancel(c gate.Call) gate.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.find(c.Client.ID, c.PathValue("id"))
	switch {
	case !ok:
		return gate.Refuse(http.StatusNotFound, "not_found", "no such order of this client")
	case o.Status == Paid:
		return gate.Refuse(http.StatusConflict, "already_paid", "a paid order is refunded, not cancelled")
	case o.Status == Open:
		o.Status = Cancelled
		s.send(o, plan{{event: s.newEvent(o, "payment.cancelled")}})
	}
	return s.reply(o)
}

type refundRequest struct {
	OrderID string `json:"order_id"`
	Amount  int64  `json:"amount"`
	Reason  string `json:"reason"`
}

func (s *Server) refund(c gate.Call) gate.Reply {
	var q refundRequest
	if err := c.Decode(&q); err != nil {
		return gate.Refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	key, ok := idempotencyKey(c)
	if !ok || q.Amount <= 0 || q.Reason == "" {
		return gate.Refuse(http.StatusBadRequest, "invalid_request", "the header Idempotency-Key, the amount or the reason is missing")
	}
	reply, same := s.refunded.Do(c.Client.ID, key, c.Body, func() gate.Reply { return s.giveBack(c.Client.ID, q) })
	if !same {
		return gate.Refuse(http.StatusUnprocessableEntity, "idempotency_key_reused", "the key came before with another refund")
	}
	return reply
}

func (s *Server) giveBack(client string, q refundRequest) gate.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.find(client, q.OrderID)
	switch {
	case !ok:
		return gate.Refuse(http.StatusNotFound, "not_found", "no such order of this client")
	case o.Status != Paid:
		return gate.Refuse(http.StatusConflict, "not_paid", "only a paid order can be refunded")
	case q.Amount > o.Amount-o.Refunded:
		return gate.Refuse(http.StatusConflict, "more_than_paid", "less than that is left of the order")
	}
	o.Refunded += q.Amount
	entry := s.book(o, "refund", q.Amount)
	s.send(o, plan{{event: s.newEvent(o, "payment.refunded")}})
	return gate.Reply{Status: http.StatusOK, Body: map[string]any{"refund": entry, "order": *o}}
}

// book writes a movement of money into the ledger. The caller holds the lock.
func (s *Server) book(o *Order, kind string, amount int64) Entry {
	entry := Entry{
		ID: kind + "_" + uuid.NewString(), Kind: kind, OrderID: o.ID, Reference: o.Reference,
		Amount: amount, At: s.config.Clock.Now(), client: o.client,
	}
	s.ledger = append(s.ledger, entry)
	return entry
}

func (s *Server) statement(c gate.Call) gate.Reply {
	day, err := calendar.ParseISO(c.URL.Query().Get("day"))
	if err != nil {
		return gate.Refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := slices.DeleteFunc(slices.Clone(s.ledger), func(e Entry) bool {
		return e.client != c.Client.ID || calendar.Of(e.At) != day
	})
	return gate.Reply{Status: http.StatusOK, Body: map[string]any{
		"day": day.String(), "entries": append([]Entry{}, entries...), "balance": balance(entries),
	}}
}

func balance(entries []Entry) int64 {
	sum := int64(0)
	for _, e := range entries {
		if e.Kind == "charge" {
			sum += e.Amount
		} else {
			sum -= e.Amount
		}
	}
	return sum
}

// charge takes the money for an open order, once. The caller holds the lock.
func (s *Server) charge(o *Order, method string) {
	now := s.config.Clock.Now()
	o.Status, o.Method, o.PaidAt = Paid, method, new(time.Time)
	*o.PaidAt = now
	s.book(o, "charge", o.Amount)
}
