package payment_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/payment"
)

func TestMovesMatchDatabase(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	casetest.CompareMoves(t, w, "payment_move", payment.Moves, payment.States, string(payment.Planned))
	casetest.CompareStates(t, w, "payment_state", payment.States)
}

func due(t *testing.T, w *casetest.World, id string) payment.Due {
	t.Helper()
	d, err := w.Counter.Due(t.Context(), w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatIsCharged(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.Submitted(t)
	d := due(t, w, id)
	if d.Order == nil || d.Order.Total != 9000 || len(d.Lines) != 1 || d.Lines[0].Kind != "tax" {
		t.Fatalf("order %+v, lines %+v; 看護師 pays 9,000 yen of registration tax (登録免許税法 別表第一 三十二(九)イ(3))", d.Order, d.Lines)
	}
	w.Pay(t, id)
	if got := w.Provider.Charged(); got != 9000 {
		t.Errorf("%d yen charged", got)
	}
	if d := due(t, w, id); d.Case.State != application.InReview || d.Order.State != payment.Paid {
		t.Errorf("the case is %s, the order %s", d.Case.State, d.Order.State)
	}
	if _, err := w.Counter.Pay(t.Context(), w.Nurse, id); !errors.Is(err, fault.Conflict) {
		t.Errorf("paying again: %v, want conflict", err)
	}
}

// TestCreateFailsBothWays: a lost answer and a refused call both end in one order at the provider.
func TestCreateFailsBothWays(t *testing.T) {
	for _, how := range []string{"before", "after"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := casetest.New(t)
			id := w.Submitted(t)
			w.Provider.FailNext = how
			if _, err := w.Counter.Pay(t.Context(), w.Nurse, id); !errors.Is(err, fault.Upstream) {
				t.Fatalf("error %v, want upstream", err)
			}
			w.Pay(t, id)
			if got := w.Provider.Charged(); got != 9000 {
				t.Errorf("%d yen charged", got)
			}
		})
	}
}

func callback(t *testing.T, w *casetest.World, event, order string, status payment.Status) {
	t.Helper()
	err := w.Receiver.Receive(t.Context(), payment.Event{ID: event, Order: order, Status: status, At: w.Clock.Now(), Source: "callback"})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCallbacks: alone, twice, before the record of the page, after the payer's return, several kinds in any order — the
// case moves once.
func TestCallbacks(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, w *casetest.World, id string, order string){
		"the payer never returns": func(t *testing.T, w *casetest.World, id, order string) {
			callback(t, w, "e1", order, payment.StatusPaid)
		},
		"twice": func(t *testing.T, w *casetest.World, id, order string) {
			callback(t, w, "e1", order, payment.StatusPaid)
			callback(t, w, "e1", order, payment.StatusPaid)
		},
		"two events of one payment": func(t *testing.T, w *casetest.World, id, order string) {
			callback(t, w, "e1", order, payment.StatusPaid)
			callback(t, w, "e2", order, payment.StatusPaid)
		},
		"out of order": func(t *testing.T, w *casetest.World, id, order string) {
			callback(t, w, "e2", order, payment.StatusPaid)
			callback(t, w, "e1", order, payment.StatusOpen)
		},
		"late": func(t *testing.T, w *casetest.World, id, order string) {
			if _, err := w.Counter.Returned(t.Context(), w.Nurse, id); err != nil {
				t.Fatal(err)
			}
			callback(t, w, "e1", order, payment.StatusPaid)
		},
		"lost, found by asking": func(t *testing.T, w *casetest.World, id, order string) {
			w.Clock.Advance(time.Hour)
			if n, err := w.Cashier.Reconcile(t.Context(), time.Minute, 10); err != nil || n != 1 {
				t.Fatalf("reconciled %d, error %v", n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := casetest.New(t)
			id := w.Submitted(t)
			if _, err := w.Counter.Pay(t.Context(), w.Nurse, id); err != nil {
				t.Fatal(err)
			}
			order := due(t, w, id).Order.PublicID
			if !w.Provider.Pay(order, w.Clock.Now()) {
				t.Fatal("could not pay")
			}
			run(t, w, id, order)
			w.Work(t)
			if d := due(t, w, id); d.Case.State != application.InReview || d.Order.State != payment.Paid {
				t.Errorf("the case is %s, the order %s", d.Case.State, d.Order.State)
			}
			casetest.CompareCounters(t, w)
		})
	}
}

// TestWithdrawals: at every point of a payment a withdrawal ends with nothing charged, also when the provider fails
// before or after it acts.
func TestWithdrawals(t *testing.T) {
	points := map[string]func(t *testing.T, w *casetest.World, id string){
		"nothing opened": func(*testing.T, *casetest.World, string) {},
		"page opened":    func(t *testing.T, w *casetest.World, id string) { open(t, w, id) },
		"page opened, record lost": func(t *testing.T, w *casetest.World, id string) {
			w.Provider.FailNext = "after"
			if _, err := w.Counter.Pay(t.Context(), w.Nurse, id); !errors.Is(err, fault.Upstream) {
				t.Fatal(err)
			}
		},
		"paid, not yet known": func(t *testing.T, w *casetest.World, id string) {
			open(t, w, id)
			w.Provider.Pay(due(t, w, id).Order.PublicID, w.Clock.Now())
		},
		"paid": func(t *testing.T, w *casetest.World, id string) { w.Pay(t, id) },
	}
	for name, prepare := range points {
		for _, how := range []string{"", "before", "after"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				w := casetest.New(t)
				id := w.Submitted(t)
				prepare(t, w, id)
				w.Provider.FailNext = how
				if err := w.Desk.Withdraw(t.Context(), w.Nurse, id); err != nil {
					t.Fatal(err)
				}
				c := due(t, w, id).Case
				args := payment.SettleArgs{RegisterID: c.RegisterID, ApplicationID: c.ID.String()}
				for range 4 { // the job repeats until it is done, and once more
					if err := w.Cashier.Settle(t.Context(), args); err != nil && !errors.Is(err, fault.Upstream) {
						t.Fatal(err)
					}
				}
				d := due(t, w, id)
				if d.Order.State != payment.Cancelled && d.Order.State != payment.Refunded {
					t.Errorf("the order is %s", d.Order.State)
				}
				if got := w.Provider.Charged(); got != 0 {
					t.Errorf("%d yen stay charged", got)
				}
				for order, n := range w.Provider.Refunds {
					if n != 1 {
						t.Errorf("order %s was refunded %d times", order, n)
					}
				}
				if w.Provider.Pay(d.Order.PublicID, w.Clock.Now()) {
					t.Error("the order can still be paid")
				}
			})
		}
	}
}

func open(t *testing.T, w *casetest.World, id string) {
	t.Helper()
	if _, err := w.Counter.Pay(t.Context(), w.Nurse, id); err != nil {
		t.Fatal(err)
	}
}

// TestEverythingAtOnce: the return, callbacks and questions arrive together; the case moves once.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.Submitted(t)
	open(t, w, id)
	order := due(t, w, id).Order.PublicID
	w.Provider.Pay(order, w.Clock.Now())
	var group sync.WaitGroup
	failures := make(chan error, 30)
	for i := range 10 {
		group.Go(func() {
			_, err := w.Counter.Returned(t.Context(), w.Nurse, id)
			failures <- err
		})
		group.Go(func() {
			failures <- w.Receiver.Receive(t.Context(), payment.Event{ID: fmt.Sprint("e", i), Order: order, Status: payment.StatusPaid, At: w.Clock.Now()})
		})
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			t.Error(err)
		}
	}
	w.Work(t)
	var events int
	if err := w.DB.Superuser().QueryRow(t.Context(), `select count(*) from case_event where kind = 'paid'`).Scan(&events); err != nil {
		t.Fatal(err)
	}
	if events != 1 {
		t.Errorf("the case was paid %d times", events)
	}
	casetest.CompareCounters(t, w)
}

// TestCallbackForNobody: an order of ours that does not exist is an error of the job, and stays to be looked at.
func TestCallbackForNobody(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	if err := w.Receiver.Receive(t.Context(), payment.Event{ID: "e1", Order: "not an id", Status: payment.StatusPaid, At: w.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := w.Cashier.Callback(t.Context(), payment.CallbackArgs{EventID: "e1"}); !errors.Is(err, fault.NotFound) {
		t.Errorf("error %v, want not_found", err)
	}
}

// TestExpiredPage: when the provider has let the order go, the applicant gets a page on which they can pay, once.
func TestExpiredPage(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.Submitted(t)
	open(t, w, id)
	first := due(t, w, id).Order.PublicID
	w.Provider.Expire(first)
	w.Pay(t, id)
	if second := due(t, w, id).Order.PublicID; second == first {
		t.Error("the expired order was offered again")
	}
	if got := w.Provider.Charged(); got != 9000 {
		t.Errorf("%d yen charged", got)
	}
}

// TestLapsedOrder: an order that the provider let go is asked about once more and no longer.
func TestLapsedOrder(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.Submitted(t)
	open(t, w, id)
	w.Provider.Expire(due(t, w, id).Order.PublicID)
	w.Clock.Advance(time.Hour)
	for range 2 {
		if n, err := w.Cashier.Reconcile(t.Context(), time.Minute, 10); err != nil || n != 0 {
			t.Fatalf("reconciled %d, error %v", n, err)
		}
	}
	if d := due(t, w, id); d.Order.State != payment.Planned || d.Order.ProviderOrder != nil {
		t.Errorf("order %+v", d.Order)
	}
	w.Pay(t, id)
}
