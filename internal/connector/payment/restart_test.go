package payment_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	connector "akashi/internal/connector/payment"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/payment"
	"akashi/internal/govsim/simtest"
)

// A provider that keeps a file goes on after a restart: the order is found by its key, its page charges once, a refund is
// not given twice, and the statement adds up.
func TestProviderOutlivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.json")
	c := &clock.Adjustable{}
	c.Set(now)
	caller := simtest.NewCaller(t, "mhlw", c)
	var sim *payment.Server
	open := func(url string) http.Handler {
		if sim != nil {
			sim.Close()
		}
		var err error
		if sim, err = payment.New(payment.Config{BaseURL: url, Clients: []gate.Client{caller.Client}, Clock: c, File: file}); err != nil {
			t.Fatal(err)
		}
		return sim
	}
	url := simtest.Serve(t, func(url string) http.Handler {
		open(url)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sim.ServeHTTP(w, r) })
	})
	defer func() { sim.Close() }()
	client, err := connector.New(caller.Config(url))
	if err != nil {
		t.Fatal(err)
	}
	order := connector.Order{Key: "k1", Reference: "r1", Description: "申請", Lines: []connector.Line{{Kind: connector.Tax, Collector: "国庫", Label: "登録免許税", Amount: 9000}},
		ReturnURL: "http://127.0.0.1:1/paid", CallbackURL: "http://127.0.0.1:1/callback"}
	first, err := client.CreateOrder(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	open(url)
	again, err := client.CreateOrder(t.Context(), order)
	if err != nil || again.OrderID != first.OrderID || again.PayURL != first.PayURL {
		t.Fatalf("after a restart the order is %+v, %v; want %+v", again, err, first)
	}
	(&world{}).pay(t, first, payment.PayNormally)
	open(url)
	(&world{}).pay(t, first, payment.PayNormally)
	refund := connector.Refund{Key: "f1", OrderID: first.OrderID, Amount: 9000, Reason: "withdrawn"}
	for range 2 {
		if _, err := client.Refund(t.Context(), refund); err != nil {
			t.Fatal(err)
		}
		open(url)
	}
	statement, err := client.Statement(t.Context(), calendar.Of(now))
	if err != nil || len(statement.Entries) != 2 || statement.Balance != 0 {
		t.Errorf("the statement is %+v, %v; want one charge and one refund", statement, err)
	}
}
