package system

import (
	"context"
	"errors"
	"net/http"
	"time"

	provider "akashi/internal/connector/payment"
	"akashi/internal/fault"
	"akashi/internal/payment"
	"akashi/internal/qualification"
)

// cashdesk is the payment provider as the payment stage sees it.
type cashdesk struct {
	client    *provider.Client
	catalogue *qualification.Catalogue
	callback  string // where the provider reports
}

// Create orders a payment. Everything in the order is derived from what is stored, so that a repetition is the same
// request to the byte, as the provider demands of an idempotency key.
func (c *cashdesk) Create(ctx context.Context, o payment.ProviderOrder) (payment.Hosted, error) {
	order := provider.Order{Key: o.Key, Reference: o.Key, Description: described(o.Lang), ReturnURL: o.ReturnURL, CallbackURL: c.callback}
	for _, l := range o.Lines {
		order.Lines = append(order.Lines, provider.Line{Kind: provider.Kind(l.Kind), Collector: c.collector(l.Collector, o.Lang),
			Label: labelled(l.Kind, o.Lang), Amount: l.Amount})
	}
	hosted, err := c.client.CreateOrder(ctx, order)
	return payment.Hosted{ID: hosted.OrderID, PayURL: hosted.PayURL}, err
}

func described(lang string) string {
	if lang == "en" {
		return "Application for a professional qualification"
	}
	return "国家資格の申請"
}

func labelled(kind qualification.FeeKind, lang string) string {
	switch {
	case kind == qualification.FeeTax && lang == "en":
		return "Registration and licence tax"
	case kind == qualification.FeeTax:
		return "登録免許税"
	case lang == "en":
		return "Fee"
	}
	return "手数料"
}

// collector names who is owed: a registrar, or the treasury for national taxes and stamps.
func (c *cashdesk) collector(id, lang string) string {
	if r, ok := c.catalogue.Registrar(id); ok {
		return r.Name.In(qualification.Lang(lang))
	}
	if lang == "en" {
		return "National treasury"
	}
	return "国庫"
}

// Status asks how an order stands. The time is that of the payment, zero while there is none.
func (c *cashdesk) Status(ctx context.Context, id string) (payment.Status, time.Time, error) {
	s, err := c.client.Get(ctx, id)
	if err != nil {
		return "", time.Time{}, err
	}
	return statusOf(s.Status, s.Amount, s.Refunded), s.PaidAt, nil
}

// statusOf reads the provider's state. An order that expired unpaid can no more be paid than a cancelled one.
func statusOf(s provider.Status, amount, refunded int64) payment.Status {
	switch {
	case s == provider.Paid && refunded >= amount:
		return payment.StatusRefunded
	case s == provider.Paid:
		return payment.StatusPaid
	case s == provider.Open:
		return payment.StatusOpen
	}
	return payment.StatusCancelled
}

// Cancel ends an open order; the provider's refusal to cancel a paid one is the answer that the payer was faster.
func (c *cashdesk) Cancel(ctx context.Context, id string) (payment.Status, error) {
	s, err := c.client.Cancel(ctx, id)
	if errors.Is(err, fault.Conflict) {
		return payment.StatusPaid, nil
	}
	if err != nil {
		return "", err
	}
	return statusOf(s.Status, s.Amount, s.Refunded), nil
}

// Refund gives the whole amount back. A repetition asks for the same amount under the same key.
func (c *cashdesk) Refund(ctx context.Context, id, key string) error {
	s, err := c.client.Get(ctx, id)
	if err != nil {
		return err
	}
	_, err = c.client.Refund(ctx, provider.Refund{Key: key, OrderID: id, Amount: s.Amount, Reason: "withdrawn"})
	return err
}

// event proves a callback and reads it.
func (c *cashdesk) event(ctx context.Context, body []byte, header http.Header) (payment.Event, error) {
	e, err := c.client.VerifyCallback(ctx, body, header)
	if err != nil {
		return payment.Event{}, err
	}
	return payment.Event{ID: e.ID, Order: e.Reference, Status: statusOf(e.Status, e.Amount, e.Refunded), At: e.OccurredAt, Source: "callback"}, nil
}
