package payment_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	connector "akashi/internal/connector/payment"
	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/payment"
	"akashi/internal/govsim/simtest"
)

var now = time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)

// world is a provider, our client, and a server of ours that receives callbacks.
type world struct {
	sim      *payment.Server
	url      string
	clock    *clock.Adjustable
	caller   simtest.Caller
	client   *connector.Client
	callback string
	events   chan connector.Event // proven ones
	refusals chan error
	busy     atomic.Int32 // so many callbacks are answered with 503 first
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{clock: &clock.Adjustable{}, events: make(chan connector.Event, 100), refusals: make(chan error, 100)}
	w.clock.Set(now)
	w.caller = simtest.NewCaller(t, "mhlw", w.clock)
	other := gate.Client{ID: "other", Key: &simtest.Key(t).PublicKey}
	w.url = simtest.Serve(t, func(url string) http.Handler {
		var err error
		w.sim, err = payment.New(payment.Config{
			BaseURL: url, Clients: []gate.Client{w.caller.Client, other}, Clock: w.clock, RetryWait: time.Millisecond, LateBy: 50 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		return w.sim
	})
	t.Cleanup(w.sim.Close)
	var err error
	if w.client, err = connector.New(w.caller.Config(w.url)); err != nil {
		t.Fatal(err)
	}
	w.callback = simtest.Serve(t, func(string) http.Handler { return http.HandlerFunc(w.receive) }) + "/callback"
	return w
}

func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	if w.busy.Add(-1) >= 0 {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, connector.MaxCallback+1))
	if err != nil {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	event, err := w.client.VerifyCallback(r.Context(), body, r.Header)
	if err != nil {
		w.refusals <- err
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.events <- event
	rw.WriteHeader(http.StatusNoContent)
}

func (w *world) order(key string) connector.Order {
	return connector.Order{
		Key: key, Reference: "mhlw-pay-" + key, Description: "看護師 登録免許税", ReturnURL: "http://127.0.0.1:8400/payments/1", CallbackURL: w.callback,
		Lines: []connector.Line{
			{Kind: connector.Tax, Collector: "国", Label: "登録免許税", Amount: 9000}, {Kind: connector.Fee, Collector: "厚生労働省", Label: "手数料", Amount: 500},
		},
	}
}

func (w *world) create(t *testing.T, key string) connector.Hosted {
	t.Helper()
	hosted, err := w.client.CreateOrder(t.Context(), w.order(key))
	if err != nil {
		t.Fatal(err)
	}
	return hosted
}

// pay fills in the provider's page and returns where the payer is sent.
func (w *world) pay(t *testing.T, hosted connector.Hosted, outcome payment.Outcome) string {
	t.Helper()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.PostForm(hosted.PayURL, url.Values{"method": {"card"}, "outcome": {string(outcome)}})
	if err != nil {
		t.Error(err)
		return ""
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Errorf("the page answered %d", response.StatusCode)
	}
	return response.Header.Get("Location")
}

// next waits for so many events.
func (w *world) next(t *testing.T, n int) []connector.Event {
	t.Helper()
	var events []connector.Event
	for range n {
		select {
		case e := <-w.events:
			events = append(events, e)
		case err := <-w.refusals:
			t.Fatalf("a callback was refused: %v", err)
		case <-time.After(2 * time.Minute):
			t.Fatalf("%d of %d callbacks came", len(events), n)
		}
	}
	return events
}

func (w *world) state(t *testing.T, id string) connector.State {
	t.Helper()
	state, err := w.client.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		outcome payment.Outcome
		types   []connector.EventType
		status  connector.Status
		charges int
	}{
		{payment.PayNormally, []connector.EventType{connector.EventStarted, connector.EventPaid}, connector.Paid, 1},
		{payment.Decline, []connector.EventType{connector.EventStarted, connector.EventDeclined}, connector.Open, 0},
		{payment.LoseCallback, []connector.EventType{connector.EventStarted}, connector.Paid, 1},
		{payment.SendTwice, []connector.EventType{connector.EventStarted, connector.EventPaid, connector.EventPaid}, connector.Paid, 1},
		{payment.SendLate, []connector.EventType{connector.EventStarted, connector.EventPaid}, connector.Paid, 1},
		{payment.SendUnordered, []connector.EventType{connector.EventPaid, connector.EventStarted}, connector.Paid, 1},
	} {
		t.Run(string(c.outcome), func(t *testing.T) {
			w := start(t)
			hosted := w.create(t, "k1")
			if hosted.Status != connector.Open || hosted.Amount != 9500 || !hosted.PaidAt.IsZero() {
				t.Errorf("ordered %+v", hosted)
			}
			w.pay(t, hosted, c.outcome)
			events := w.next(t, len(c.types))
			seen := map[string]bool{}
			for i, e := range events {
				if e.Type != c.types[i] || e.OrderID != hosted.OrderID || e.Reference != "mhlw-pay-k1" || e.Amount != 9500 {
					t.Errorf("event %d: %+v, want %s", i, e, c.types[i])
				}
				if again := seen[e.ID]; again != (c.outcome == payment.SendTwice && i == 2) {
					t.Errorf("event %d has a known id: %v", i, again)
				}
				seen[e.ID] = true
			}
			if c.outcome == payment.SendUnordered && events[0].Sequence < events[1].Sequence {
				t.Error("the events came in order")
			}
			if state := w.state(t, hosted.OrderID); state.Status != c.status || (c.status == connector.Paid) == state.PaidAt.IsZero() {
				t.Errorf("in the end: %+v", state)
			}
			w.sim.Close()
			if len(w.events) != 0 || w.sim.Charges() != c.charges {
				t.Errorf("%d more events, %d charges", len(w.events), w.sim.Charges())
			}
		})
	}
}

func TestWhereThePayerIsSent(t *testing.T) {
	w := start(t)
	hosted := w.create(t, "k1")
	if to := w.pay(t, hosted, payment.Decline); to != hosted.PayURL+"?declined" {
		t.Errorf("declined: sent to %s", to)
	}
	if to := w.pay(t, hosted, payment.PayNormally); to != "http://127.0.0.1:8400/payments/1?order="+hosted.OrderID {
		t.Errorf("paid after a refusal: sent to %s", to)
	}
}

func TestCallbackComesUntilAcknowledged(t *testing.T) {
	w := start(t)
	w.busy.Store(4)
	w.pay(t, w.create(t, "k1"), payment.PayNormally)
	if events := w.next(t, 2); events[0].Type != connector.EventStarted || events[1].Type != connector.EventPaid {
		t.Errorf("got %+v", events)
	}
}

func TestOneKeyOneOrder(t *testing.T) {
	w := start(t)
	ids := make([]string, 50)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			hosted, err := w.client.CreateOrder(t.Context(), w.order("k1"))
			if err != nil {
				t.Error(err)
			}
			ids[i] = hosted.OrderID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("one key made two orders")
		}
	}
	if n := w.sim.Orders(); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
	other := w.order("k1")
	other.Lines[0].Amount++
	if _, err := w.client.CreateOrder(t.Context(), other); !errors.Is(err, fault.Invalid) {
		t.Errorf("another order with the key: %v, want invalid", err)
	}
	if w.create(t, "k2").OrderID == ids[0] {
		t.Error("two keys made one order")
	}
}

func TestManyClicksOneCharge(t *testing.T) {
	w := start(t)
	hosted := w.create(t, "k1")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { w.pay(t, hosted, payment.PayNormally) })
	}
	wg.Wait()
	w.next(t, 2)
	w.sim.Close()
	if w.sim.Charges() != 1 || len(w.events) != 0 {
		t.Errorf("%d charges, %d more events", w.sim.Charges(), len(w.events))
	}
}

func TestOrderFailuresBothWays(t *testing.T) {
	for _, c := range []struct {
		mode    fail.Mode
		applied int
	}{{fail.Fail, 0}, {fail.FailAfter, 1}, {fail.Drop, 0}, {fail.DropAfter, 1}} {
		t.Run(string(c.mode), func(t *testing.T) {
			w := start(t)
			if err := w.sim.Faults().Add(fail.Rule{Path: "/v1/orders", Mode: c.mode, Count: 3}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.client.CreateOrder(t.Context(), w.order("k1")); !errors.Is(err, fault.Upstream) {
				t.Fatalf("got %v, want upstream", err)
			}
			if n := w.sim.Orders(); n != c.applied {
				t.Errorf("%d orders after the failure, want %d", n, c.applied)
			}
			w.create(t, "k1")
			if n := w.sim.Orders(); n != 1 {
				t.Errorf("%d orders in the end, want 1", n)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	w := start(t)
	open, paid := w.create(t, "k1"), w.create(t, "k2")
	for range 2 { // the second changes nothing
		if state, err := w.client.Cancel(t.Context(), open.OrderID); err != nil || state.Status != connector.Cancelled {
			t.Fatalf("got %+v, %v", state, err)
		}
	}
	if e := w.next(t, 1)[0]; e.Type != connector.EventCancelled || e.Status != connector.Cancelled {
		t.Errorf("event %+v", e)
	}
	if to := w.pay(t, open, payment.PayNormally); to != open.PayURL || w.sim.Charges() != 0 {
		t.Errorf("paid after it was cancelled: sent to %s", to)
	}
	w.pay(t, paid, payment.LoseCallback)
	if _, err := w.client.Cancel(t.Context(), paid.OrderID); !errors.Is(err, fault.Conflict) {
		t.Errorf("cancelling a paid order: %v, want conflict", err)
	}
	if _, err := w.client.Cancel(t.Context(), "ord_none"); !errors.Is(err, fault.NotFound) {
		t.Errorf("cancelling nothing: %v, want not_found", err)
	}
}

func TestExpiry(t *testing.T) {
	w := start(t)
	hosted := w.create(t, "k1")
	w.clock.Advance(25 * time.Hour)
	if state := w.state(t, hosted.OrderID); state.Status != connector.Expired {
		t.Errorf("after 25 hours: %+v", state)
	}
	if w.pay(t, hosted, payment.PayNormally); w.sim.Charges() != 0 {
		t.Error("an expired order was charged")
	}
}

func TestRefundBothWays(t *testing.T) {
	for _, mode := range []fail.Mode{fail.Fail, fail.FailAfter, fail.Drop, fail.DropAfter} {
		t.Run(string(mode), func(t *testing.T) {
			w := start(t)
			hosted := w.create(t, "k1")
			refund := connector.Refund{Key: "f1", OrderID: hosted.OrderID, Amount: 500, Reason: "申請の取下げ"}
			w.pay(t, hosted, payment.LoseCallback)
			w.next(t, 1)
			if err := w.sim.Faults().Add(fail.Rule{Path: "/v1/refunds", Mode: mode, Count: 3}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.client.Refund(t.Context(), refund); !errors.Is(err, fault.Upstream) {
				t.Fatalf("got %v, want upstream", err)
			}
			first, err := w.client.Refund(t.Context(), refund)
			if err != nil || first.State.Refunded != 500 || first.State.Status != connector.Paid {
				t.Fatalf("repeated: %+v, %v", first, err)
			}
			if again, err := w.client.Refund(t.Context(), refund); err != nil || !reflect.DeepEqual(again, first) {
				t.Errorf("once more: %+v, %v", again, err)
			}
			if e := w.next(t, 1)[0]; e.Type != connector.EventRefunded || e.Refunded != 500 {
				t.Errorf("event %+v", e)
			}
			if state := w.state(t, hosted.OrderID); state.Refunded != 500 {
				t.Errorf("refunded %d, want 500", state.Refunded)
			}
		})
	}
}

func TestRefundRefused(t *testing.T) {
	w := start(t)
	open, paid := w.create(t, "k1"), w.create(t, "k2")
	w.pay(t, paid, payment.LoseCallback)
	for _, c := range []struct {
		name   string
		refund connector.Refund
		want   fault.Kind
	}{
		{"not paid", connector.Refund{Key: "f1", OrderID: open.OrderID, Amount: 1, Reason: "r"}, fault.Conflict},
		{"more than paid", connector.Refund{Key: "f2", OrderID: paid.OrderID, Amount: 9501, Reason: "r"}, fault.Conflict},
		{"unknown order", connector.Refund{Key: "f3", OrderID: "ord_none", Amount: 1, Reason: "r"}, fault.NotFound},
		{"nothing", connector.Refund{Key: "f4", OrderID: paid.OrderID, Amount: 0, Reason: "r"}, fault.Internal},
		{"key used for another", connector.Refund{Key: "f2", OrderID: paid.OrderID, Amount: 1, Reason: "r"}, fault.Invalid},
		{"no key", connector.Refund{OrderID: paid.OrderID, Amount: 1, Reason: "r"}, fault.Internal},
	} {
		if _, err := w.client.Refund(t.Context(), c.refund); fault.KindOf(err) != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestStatementFindsWhatCallbacksLost(t *testing.T) {
	w := start(t)
	lost, open := w.create(t, "k1"), w.create(t, "k2")
	w.pay(t, lost, payment.LoseCallback)
	w.pay(t, open, payment.Decline)
	if _, err := w.client.Refund(t.Context(), connector.Refund{Key: "f1", OrderID: lost.OrderID, Amount: 500, Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	statement, err := w.client.Statement(t.Context(), calendar.Of(now))
	if err != nil || statement.Balance != 9000 || len(statement.Entries) != 2 {
		t.Fatalf("got %+v, %v", statement, err)
	}
	charge, refund := statement.Entries[0], statement.Entries[1]
	if charge.Refund || charge.OrderID != lost.OrderID || charge.Amount != 9500 || !refund.Refund || refund.Amount != 500 {
		t.Errorf("entries %+v", statement.Entries)
	}
	w.clock.Advance(24 * time.Hour)
	if next, err := w.client.Statement(t.Context(), calendar.Of(w.clock.Now())); err != nil || len(next.Entries) != 0 {
		t.Errorf("the day after: %+v, %v", next, err)
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	order := `{"id":"o","reference":"mhlw-pay-k1","status":%q,"amount":%d%s}`
	for _, c := range []struct{ name, order, payURL, want string }{
		{"another amount", fmt.Sprintf(order, "open", 1, ""), "%s/pay/x", "not the one"},
		{"another reference", strings.Replace(fmt.Sprintf(order, "open", 9500, ""), "k1", "k9", 1), "%s/pay/x", "not the one"},
		{"page elsewhere", fmt.Sprintf(order, "open", 9500, ""), "http://evil.example/pay/x", "not at the provider"},
		{"page at a look-alike", fmt.Sprintf(order, "open", 9500, ""), "%s.evil.example/pay/x", "not at the provider"},
		{"new status", fmt.Sprintf(order, "half", 9500, ""), "%s/pay/x", "does not fit"},
		{"paid without a time", fmt.Sprintf(order, "paid", 9500, ""), "%s/pay/x", "does not fit"},
		{"more refunded than paid", fmt.Sprintf(order, "open", 9500, `,"refunded":9501`), "%s/pay/x", "does not fit"},
		{"no order", `{}`, "%s/pay/x", "another one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			url := simtest.Serve(t, func(base string) http.Handler {
				page := strings.Replace(c.payURL, "%s", base, 1)
				return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
					fmt.Fprintf(rw, `{"order":%s,"pay_url":%q}`, c.order, page)
				})
			})
			client, err := connector.New(w.caller.Config(url))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.CreateOrder(t.Context(), w.order("k1")); !errors.Is(err, fault.Upstream) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want upstream: %s", err, c.want)
			}
		})
	}
}

func TestStatementThatDoesNotAddUp(t *testing.T) {
	w := start(t)
	for _, body := range []string{
		`{"day":"2026-12-01","balance":1,"entries":[]}`, `{"day":"2026-12-02","balance":0,"entries":[]}`,
		`{"day":"2026-12-01","balance":5,"entries":[{"id":"e","kind":"gift","amount":5}]}`,
	} {
		url := simtest.Serve(t, func(string) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, body) })
		})
		client, err := connector.New(w.caller.Config(url))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Statement(t.Context(), calendar.Of(now)); !errors.Is(err, fault.Upstream) {
			t.Errorf("%s: got %v, want upstream", body, err)
		}
	}
}
