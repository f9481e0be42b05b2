package payment

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"akashi/internal/govsim/gate"
)

// kept is what a provider writes down, so that orders and the ledger outlive a restart. Callbacks under way do not.
type kept struct {
	Orders   []keptOrder            `json:"orders"`
	Ledger   []keptEntry            `json:"ledger"`
	Created  *gate.Once[string]     `json:"created"`
	Refunded *gate.Once[gate.Reply] `json:"refunded"`
}

type keptOrder struct {
	Order
	Client   string `json:"client"`
	Token    string `json:"token"`
	Sequence int    `json:"sequence"`
}

type keptEntry struct {
	Entry
	Client string `json:"client"`
}

// remember reads what an earlier provider wrote down.
func (s *Server) remember() error {
	if s.config.File == "" {
		return nil
	}
	raw, err := os.ReadFile(s.config.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the provider's orders: %w", err)
	}
	k := kept{Created: &s.created, Refunded: &s.refunded}
	if err := json.Unmarshal(raw, &k); err != nil {
		return fmt.Errorf("reading the provider's orders: %w", err)
	}
	for _, o := range k.Orders {
		order := o.Order
		order.client, order.token, order.sequence = o.Client, o.Token, o.Sequence
		s.orders[order.ID], s.tokens[order.token] = &order, &order
	}
	for _, e := range k.Ledger {
		e.Entry.client = e.Client
		s.ledger = append(s.ledger, e.Entry)
	}
	return nil
}

// write writes everything down. The file appears complete or not at all.
func (s *Server) write() error {
	if s.config.File == "" {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	raw, err := json.Marshal(s.snapshot())
	if err != nil {
		return fmt.Errorf("writing the provider's orders: %w", err)
	}
	if err := os.WriteFile(s.config.File+".new", raw, 0o600); err != nil {
		return fmt.Errorf("writing the provider's orders: %w", err)
	}
	return os.Rename(s.config.File+".new", s.config.File)
}

func (s *Server) snapshot() kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := kept{Created: &s.created, Refunded: &s.refunded}
	for _, o := range s.orders {
		k.Orders = append(k.Orders, keptOrder{*o, o.client, o.token, o.sequence})
	}
	for _, e := range s.ledger {
		k.Ledger = append(k.Ledger, keptEntry{e, e.client})
	}
	return k
}

// keeping writes everything down after an act, before the answer goes out.
func (s *Server) keeping(next func(gate.Call) gate.Reply) func(gate.Call) gate.Reply {
	return func(c gate.Call) gate.Reply {
		reply := next(c)
		if err := s.write(); err != nil {
			return gate.Refuse(http.StatusInternalServerError, "not_kept", err.Error())
		}
		return reply
	}
}
