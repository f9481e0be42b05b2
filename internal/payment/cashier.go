package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
)

// Charger writes what is to be paid, and what is to be given back, in the transaction of the act that causes it.
type Charger struct {
	Catalogue *qualification.Catalogue
	Enqueue   application.Enqueue
}

// Charge adds the lines and the order of a submitted case to its statements. It satisfies application.Charge.
func (ch Charger) Charge(b *pg.Batch, tx *pg.Tx, c *application.Case, lines []qualification.FeeLine) error {
	reg, ok := ch.Catalogue.Register(c.RegisterID)
	if !ok {
		return fmt.Errorf("charging case %s at an unknown register", c.PublicID)
	}
	total := recordLines(b, c, lines)
	b.Exec("recording an order", `
		insert into payment_order (register_id, application_id, public_id, state, prior_state, total, created_at)
		values ($1, $2, $3, 'planned', 'planned', $4, $5)`, c.RegisterID, c.ID, publicid.New(reg.Code), total, tx.Now)
	return nil
}

// Note adds the lines of a case that came on paper to its statements, without an order: what was paid was paid with the paper, and
// staff have recorded what they saw of it. It satisfies application.Charge.
func Note(b *pg.Batch, _ *pg.Tx, c *application.Case, lines []qualification.FeeLine) error {
	recordLines(b, c, lines)
	return nil
}

// recordLines queues what a case costs, and returns the total in yen.
func recordLines(b *pg.Batch, c *application.Case, lines []qualification.FeeLine) (total int64) {
	for _, l := range lines {
		total += l.Amount
		b.Exec("recording a fee line", `
			insert into fee_line (register_id, application_id, line_id, kind, collector, amount) values ($1, $2, $3, $4, $5, $6)`,
			c.RegisterID, c.ID, l.ID, string(l.Kind), l.Collector, l.Amount)
	}
	return total
}

// Withdrawn sees to the money of a withdrawn case: an open order is to be cancelled, a paid one refunded. It satisfies
// application.Ended.
func (ch Charger) Withdrawn(ctx context.Context, tx *pg.Tx, c *application.Case) error {
	o, err := ReadOrder(ctx, tx, c)
	if err != nil || o == nil {
		return err
	}
	var b pg.Batch
	switch o.State {
	case Planned, Offered:
		o.move(&b, tx, CancelDue)
	case Paid:
		o.move(&b, tx, RefundDue)
	default:
		return nil
	}
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return ch.Enqueue(ctx, tx, SettleArgs{RegisterID: c.RegisterID, ApplicationID: c.ID.String()})
}

// Counter is where the applicant pays, under the citizen portal's role.
type Counter struct {
	Desk      *application.Desk
	Provider  Provider
	ReturnURL func(c *application.Case) string
}

// Due is what the applicant's page shows.
type Due struct {
	Case  *application.Case
	Order *Order
	Lines []Line
}

// readDue reads what is to be paid for a case, in one round trip.
func readDue(ctx context.Context, tx *pg.Tx, c *application.Case) (Due, error) {
	d := Due{Case: c}
	var b pg.Batch
	var orders []Order
	QueueOrder(&b, c, &orders, &d.Lines)
	if err := b.Send(ctx, tx.Tx); err != nil {
		return Due{}, err
	}
	if len(orders) > 0 {
		d.Order = &orders[0]
	}
	return d, nil
}

// Open reads a case with what is to be paid for it, and what more adds, in one round trip.
func (k *Counter) Open(ctx context.Context, a application.Applicant, publicID string, more ...application.More) (v *application.View, d Due, err error) {
	var orders []Order
	v, err = k.Desk.ViewWith(ctx, a, publicID, func(b *pg.Batch, tx *pg.Tx, c *application.Case) {
		QueueOrder(b, c, &orders, &d.Lines)
		for _, m := range more {
			m(b, tx, c)
		}
	})
	if err != nil {
		return nil, Due{}, err
	}
	d.Case = v.Case
	if len(orders) > 0 {
		d.Order = &orders[0]
	}
	return v, d, nil
}

// Due reads what is to be paid for a case; Order is nil when nothing is.
func (k *Counter) Due(ctx context.Context, a application.Applicant, publicID string) (d Due, err error) {
	err = k.Desk.Look(ctx, a, publicID, func(tx *pg.Tx, c *application.Case) error {
		var b pg.Batch
		var orders []Order
		d = Due{Case: c}
		QueueOrder(&b, c, &orders, &d.Lines)
		err := b.SendLast(ctx, tx)
		if len(orders) > 0 {
			d.Order = &orders[0]
		}
		return err
	})
	return d, err
}

// Pay returns the provider's page for the case. The order is created there on the first call and found again on every
// later one. fault.Conflict when the case is not waiting for a payment.
func (k *Counter) Pay(ctx context.Context, a application.Applicant, publicID string) (url string, err error) {
	d, err := k.Due(ctx, a, publicID)
	if err != nil {
		return "", err
	}
	if d.Order == nil || d.Case.State != application.AwaitingPayment {
		return "", fault.New(fault.Conflict, "fault.nothing_to_pay", "paying a case that is not waiting for it")
	}
	if d.Order.State == Offered {
		expired, err := k.expired(ctx, a, d)
		if err != nil || !expired {
			return *d.Order.PayURL, err
		}
		if d, err = k.Due(ctx, a, publicID); err != nil {
			return "", err
		}
	}
	hosted, err := k.Provider.Create(ctx, ProviderOrder{Key: d.Order.PublicID, Lines: d.Lines, Total: d.Order.Total,
		ReturnURL: k.ReturnURL(d.Case), Lang: d.Case.Lang})
	if err != nil {
		return "", fmt.Errorf("opening the payment page of case %s: %w", publicID, err)
	}
	return hosted.PayURL, k.Desk.InCase(ctx, a, publicID, func(tx *pg.Tx, c *application.Case) error {
		return offered(ctx, tx, c, hosted)
	})
}

// expired asks whether the provider has let its order go, and if so plans the next one under a new key: nobody can pay
// the old one any more. When the provider does not answer, its page is as good as before.
func (k *Counter) expired(ctx context.Context, a application.Applicant, d Due) (bool, error) {
	status, _, err := k.Provider.Status(ctx, *d.Order.ProviderOrder)
	if err != nil || status != StatusCancelled {
		return false, nil
	}
	return true, k.Desk.InCase(ctx, a, d.Case.PublicID, func(tx *pg.Tx, c *application.Case) error {
		return renew(ctx, tx, k.Desk.Catalogue, c, d.Order.PublicID)
	})
}

// offered records that the provider holds the order. An order that has moved on meanwhile keeps its state.
func offered(ctx context.Context, tx *pg.Tx, c *application.Case, h Hosted) error {
	o, err := ReadOrder(ctx, tx, c)
	if err != nil {
		return err
	}
	var b pg.Batch
	o.remember(&b, h)
	if o.State == Planned {
		o.move(&b, tx, Offered)
	}
	if err := audit.Queue(&b, tx.Now, c.Audited(audit.PaymentStart, audit.Actor{Kind: audit.ActorPerson}, "procedure")); err != nil {
		return err
	}
	return b.SendLater(ctx, tx)
}

// Returned asks the provider when the payer comes back, and moves the case on if it was paid.
func (k *Counter) Returned(ctx context.Context, a application.Applicant, publicID string) (State, error) {
	d, err := k.Due(ctx, a, publicID)
	if err != nil {
		return "", err
	}
	if d.Order == nil || d.Order.ProviderOrder == nil || d.Order.State != Offered {
		return stateOf(d.Order), nil
	}
	status, at, err := k.Provider.Status(ctx, *d.Order.ProviderOrder)
	if err != nil {
		return d.Order.State, fmt.Errorf("asking whether case %s was paid: %w", publicID, err)
	}
	state := d.Order.State
	err = k.Desk.InCase(ctx, a, publicID, func(tx *pg.Tx, c *application.Case) error {
		state, err = apply(ctx, tx, k.Desk.Catalogue, c, Event{ID: "asked-" + pg.NewID().String(), Status: status, At: at, Source: "asked"})
		return err
	})
	return state, err
}

func stateOf(o *Order) State {
	if o == nil {
		return ""
	}
	return o.State
}

// apply moves an order by what the provider said, once, and the case with it. The caller has locked the case.
func apply(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue, c *application.Case, e Event) (State, error) {
	o, err := ReadOrder(ctx, tx, c)
	if err != nil {
		return "", err
	}
	if o == nil {
		return "", fault.New(fault.NotFound, "", "applying a payment event to a case without an order")
	}
	if e.Status != StatusPaid || (o.State != Planned && o.State != Offered && o.State != CancelDue) {
		return o.State, nil // nothing new: open, declined, or known already
	}
	var b pg.Batch
	b.Exec("recording a payment event", `
		insert into payment_event (register_id, application_id, event_id, kind, source, at) values ($1, $2, $3, $4, $5, $6)
		on conflict on constraint payment_event_pkey do nothing`, o.RegisterID, o.ApplicationID, e.ID, string(e.Status), e.Source, e.At)
	switch o.State {
	case Planned: // the page was opened, but recording that was lost
		o.move(&b, tx, Offered)
		o.move(&b, tx, Paid)
	case Offered:
		o.move(&b, tx, Paid)
	case CancelDue: // withdrawn while the payer was paying: give it back
		o.move(&b, tx, RefundDue)
	}
	if err := b.SendLater(ctx, tx); err != nil {
		return o.State, err
	}
	if o.State == Paid {
		if err := application.Paid(ctx, tx, cat, c); err != nil {
			return o.State, err
		}
	}
	return o.State, audit.Record(ctx, tx, c.Audited(audit.PaymentSettle, audit.Actor{Kind: audit.ActorSystem, ID: "payment"}, "procedure"))
}

// Receiver takes the provider's callbacks, under the public role: it stores them and lets a job apply them.
type Receiver struct {
	DB      *pg.DB
	Enqueue application.Enqueue
}

// Receive stores an event whose signature the caller has verified. The same event twice is stored once.
func (r *Receiver) Receive(ctx context.Context, e Event) error {
	return r.DB.Platform(ctx, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `
			insert into payment_callback (event_id, order_id, kind, occurred_at, received_at) values ($1, $2, $3, $4, $5)
			on conflict do nothing`, e.ID, e.Order, string(e.Status), e.At, tx.Now)
		if err != nil {
			return fmt.Errorf("storing a payment callback: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return r.Enqueue(ctx, tx, CallbackArgs{EventID: e.ID})
	})
}

// CallbackArgs is the job that applies one stored callback.
type CallbackArgs struct {
	EventID string `json:"event_id"`
}

// Kind names the job.
func (CallbackArgs) Kind() string { return "payment.callback" }

// SettleArgs is the job that cancels or refunds the order of a withdrawn case.
type SettleArgs struct {
	RegisterID    string `json:"register_id"`
	ApplicationID string `json:"application_id"`
}

// Kind names the job.
func (SettleArgs) Kind() string { return "payment.settle" }

// InsertOpts keeps trying: money that is owed is never given up.
func (SettleArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1000} }

// Cashier does the jobs of this stage, under the worker's role.
type Cashier struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	Provider  Provider
	Enqueue   application.Enqueue
	ReturnURL func(c *application.Case) string
}

// Callback applies one stored callback and removes it, in one transaction for the case and one for the store.
func (k *Cashier) Callback(ctx context.Context, args CallbackArgs) error {
	var e Event
	err := k.DB.Platform(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select event_id, order_id, kind, occurred_at, 'callback' from payment_callback where event_id = $1`, args.EventID)
		if err != nil {
			return fmt.Errorf("reading a payment callback: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
		if err == nil && len(found) == 1 {
			e = found[0]
		}
		return err
	})
	if err != nil || e.ID == "" {
		return err
	}
	if err := k.applyToOrder(ctx, e); err != nil {
		return err
	}
	return k.DB.Platform(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `delete from payment_callback where event_id = $1`, e.ID)
		return err
	})
}

// applyToOrder finds the case of an order by its public id and applies an event. An order of ours that does not exist is
// logged by the job as an error: the provider collected for nobody.
func (k *Cashier) applyToOrder(ctx context.Context, e Event) error {
	reg, err := application.Locate(k.Catalogue, e.Order)
	if err != nil {
		return err
	}
	return k.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		c, err := caseOfOrder(ctx, tx, reg.ID, e.Order)
		if err != nil {
			return err
		}
		state, err := apply(ctx, tx, k.Catalogue, c, e)
		if err == nil && state == RefundDue {
			err = k.Enqueue(ctx, tx, SettleArgs{RegisterID: c.RegisterID, ApplicationID: c.ID.String()})
		}
		return err
	})
}

func caseOfOrder(ctx context.Context, tx *pg.Tx, registerID, orderID string) (*application.Case, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `select application_id from payment_order where register_id = $1 and public_id = $2`, registerID, orderID).Scan(&id)
	if err == pgx.ErrNoRows {
		return nil, fault.New(fault.NotFound, "", "finding the case of a payment order")
	}
	if err != nil {
		return nil, fmt.Errorf("finding the case of a payment order: %w", err)
	}
	return application.LockCaseByID(ctx, tx, registerID, id)
}

// Settle cancels or refunds at the provider and records the result. Each call to the provider may be repeated.
func (k *Cashier) Settle(ctx context.Context, args SettleArgs) error {
	reg, ok := k.Catalogue.Register(args.RegisterID)
	if !ok {
		return fmt.Errorf("settling at unknown register %s", args.RegisterID)
	}
	id, err := uuid.Parse(args.ApplicationID)
	if err != nil {
		return fmt.Errorf("reading a job's ids: %w", err)
	}
	d, err := k.read(ctx, reg, id)
	if err != nil || d.Order == nil {
		return err
	}
	switch d.Order.State {
	case CancelDue:
		err = k.cancel(ctx, reg, d)
	case RefundDue:
		err = k.refund(ctx, reg, d)
	}
	return err
}

func (k *Cashier) read(ctx context.Context, reg *qualification.Register, id uuid.UUID) (d Due, err error) {
	err = k.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		c, err := application.LockCaseByID(ctx, tx, reg.ID, id)
		if err != nil {
			return err
		}
		d, err = readDue(ctx, tx, c)
		return err
	})
	return d, err
}

// cancel ends an order at the provider. When our record of the provider's id was lost, creating the order again under
// the same key finds it.
func (k *Cashier) cancel(ctx context.Context, reg *qualification.Register, d Due) error {
	hosted := Hosted{}
	if d.Order.ProviderOrder != nil {
		hosted.ID = *d.Order.ProviderOrder
	} else {
		var err error
		hosted, err = k.Provider.Create(ctx, ProviderOrder{Key: d.Order.PublicID, Lines: d.Lines, Total: d.Order.Total, ReturnURL: k.ReturnURL(d.Case), Lang: d.Case.Lang})
		if err != nil {
			return err
		}
	}
	status, err := k.Provider.Cancel(ctx, hosted.ID)
	if err != nil {
		return err
	}
	to := Cancelled
	if status == StatusPaid {
		to = RefundDue
	}
	if err := k.record(ctx, reg, d, CancelDue, to, &hosted, audit.PaymentCancel); err != nil || to == Cancelled {
		return err
	}
	return k.Settle(ctx, SettleArgs{RegisterID: d.Case.RegisterID, ApplicationID: d.Case.ID.String()})
}

func (k *Cashier) refund(ctx context.Context, reg *qualification.Register, d Due) error {
	if err := k.Provider.Refund(ctx, *d.Order.ProviderOrder, d.Order.PublicID); err != nil {
		return err
	}
	return k.record(ctx, reg, d, RefundDue, Refunded, nil, audit.PaymentRefund)
}

// record writes what the provider has done. Another try of the job may have been faster; then nothing is left to write.
func (k *Cashier) record(ctx context.Context, reg *qualification.Register, d Due, from, to State, h *Hosted, act audit.Act) error {
	return k.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		c, err := application.LockCaseByID(ctx, tx, reg.ID, d.Case.ID)
		if err != nil {
			return err
		}
		o, err := ReadOrder(ctx, tx, c)
		if err != nil || o.State != from {
			return err
		}
		var b pg.Batch
		if h != nil && o.ProviderOrder == nil {
			o.remember(&b, *h)
		}
		o.move(&b, tx, to)
		if err := b.Send(ctx, tx.Tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(act, audit.Actor{Kind: audit.ActorSystem, ID: SettleArgs{}.Kind()}, "procedure"))
	})
}

// Reconcile asks the provider about orders that have stood open for longer than age: the payer went away, or the
// callback was lost. It returns how many it found paid. An order about which the provider fails does not keep the others
// waiting.
func (k *Cashier) Reconcile(ctx context.Context, age time.Duration, limit int) (found int, failed error) {
	for _, r := range k.Catalogue.Keepers() {
		orders, err := k.openOrders(ctx, r.ID, age, limit)
		if err != nil {
			return found, err
		}
		for _, o := range orders {
			status, at, err := k.Provider.Status(ctx, *o.ProviderOrder)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("asking about order %s: %w", o.PublicID, err))
				continue
			}
			if status == StatusCancelled {
				failed = errors.Join(failed, k.lapse(ctx, r.ID, o))
			}
			if status != StatusPaid {
				continue
			}
			if err := k.applyToOrder(ctx, Event{ID: "asked-" + pg.NewID().String(), Order: o.PublicID, Status: status, At: at, Source: "asked"}); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			found++
		}
	}
	return found, failed
}

// lapse puts an order that the provider has let go back to planned, so that it is not asked about for ever; the next visit
// to the payment page opens a new one.
func (k *Cashier) lapse(ctx context.Context, registrar string, o Order) error {
	return k.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		c, err := application.LockCaseByID(ctx, tx, o.RegisterID, o.ApplicationID)
		if err != nil {
			return err
		}
		return renew(ctx, tx, k.Catalogue, c, o.PublicID)
	})
}

// renew plans the next order of a case under a new key, if it still stands as the caller saw it. The caller has locked the
// case.
func renew(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue, c *application.Case, seen string) error {
	reg, err := application.Locate(cat, c.PublicID)
	if err != nil {
		return err
	}
	o, err := ReadOrder(ctx, tx, c)
	if err != nil || o.State != Offered || o.PublicID != seen {
		return err
	}
	var b pg.Batch
	o.move(&b, tx, Planned)
	b.ExecOne("planning the next order", `
		update payment_order set public_id = $3, provider_order = null, pay_url = null
		 where register_id = $1 and application_id = $2`, o.RegisterID, o.ApplicationID, publicid.New(reg.Code))
	return b.Send(ctx, tx.Tx)
}

func (k *Cashier) openOrders(ctx context.Context, registrar string, age time.Duration, limit int) (orders []Order, err error) {
	err = k.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `
			select o.register_id, o.application_id, o.public_id, o.state, o.total, o.provider_order, o.pay_url, o.created_at, o.paid_at, o.ended_at
			  from payment_order o
			 where o.state = 'offered' and o.created_at < $1
			 order by o.created_at limit $2`, tx.Now.Add(-age), limit)
		if err != nil {
			return fmt.Errorf("reading open orders: %w", err)
		}
		orders, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Order])
		return err
	})
	return orders, err
}
