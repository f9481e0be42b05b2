package casetest

import (
	"context"
	"sync"
	"time"

	"akashi/internal/fault"
	"akashi/internal/payment"
)

// Provider is a payment provider in memory, which can be told to fail before or after it has acted.
type Provider struct {
	mu       sync.Mutex
	orders   map[string]*order // by id
	byKey    map[string]*order
	Refunds  map[string]int // by order id
	FailNext string         // "before" or "after": how the next write fails
}

type order struct {
	id     string
	status payment.Status
	at     time.Time
	total  int64
}

// NewProvider returns a provider without orders.
func NewProvider() *Provider {
	return &Provider{orders: map[string]*order{}, byKey: map[string]*order{}, Refunds: map[string]int{}}
}

// act runs a write and fails it as FailNext says, once.
func (p *Provider) act(f func()) error {
	how := p.FailNext
	p.FailNext = ""
	if how == "before" {
		return fault.New(fault.Upstream, "", "provider failing before it acts")
	}
	f()
	if how == "after" {
		return fault.New(fault.Upstream, "", "provider failing after it has acted")
	}
	return nil
}

// Create opens an order once for each key.
func (p *Provider) Create(_ context.Context, o payment.ProviderOrder) (payment.Hosted, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.act(func() {
		if p.byKey[o.Key] == nil {
			n := &order{id: "p-" + o.Key, status: payment.StatusOpen, total: o.Total}
			p.byKey[o.Key], p.orders[n.id] = n, n
		}
	})
	if err != nil {
		return payment.Hosted{}, err
	}
	return payment.Hosted{ID: "p-" + o.Key, PayURL: "https://pay.example/p-" + o.Key}, nil
}

// Status answers for a known order.
func (p *Provider) Status(_ context.Context, id string) (payment.Status, time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.orders[id]
	if o == nil {
		return "", time.Time{}, fault.New(fault.NotFound, "", "asking for an unknown order")
	}
	return o.status, o.at, nil
}

// Cancel ends an open order.
func (p *Provider) Cancel(_ context.Context, id string) (payment.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.act(func() {
		if p.orders[id].status == payment.StatusOpen {
			p.orders[id].status = payment.StatusCancelled
		}
	})
	if err != nil {
		return "", err
	}
	return p.orders[id].status, nil
}

// Refund gives a paid amount back, once for each key.
func (p *Provider) Refund(_ context.Context, id, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.act(func() {
		if p.orders[id].status == payment.StatusPaid {
			p.orders[id].status = payment.StatusRefunded
			p.Refunds[id]++
		}
	})
}

// Expire lets an open order go, as a provider does after a while.
func (p *Provider) Expire(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.byKey[key]; o != nil && o.status == payment.StatusOpen {
		o.status = payment.StatusCancelled
	}
}

// Pay is the payer at the provider's page. It reports whether the order could be paid.
func (p *Provider) Pay(key string, at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.byKey[key]
	if o == nil || o.status != payment.StatusOpen {
		return false
	}
	o.status, o.at = payment.StatusPaid, at
	return true
}

// Charged sums what was paid and not given back.
func (p *Provider) Charged() (total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.orders {
		if o.status == payment.StatusPaid {
			total += o.total
		}
	}
	return total
}
