package payment

import (
	"context"
	"fmt"

	"akashi/internal/application"
	"akashi/internal/pg"
)

// QueueOrder adds the queries for the order of a case, one or none, and for what is charged, in the order of the
// lines' ids.
func QueueOrder(b *pg.Batch, c *application.Case, order *[]Order, lines *[]Line) {
	queueOrder(b, c, order)
	pg.Read(b, lines, "reading the fee lines of case "+c.PublicID, `
		select line_id, kind, collector, amount from fee_line
		 where register_id = $1 and application_id = $2 order by line_id`, c.RegisterID, c.ID)
}

func queueOrder(b *pg.Batch, c *application.Case, out *[]Order) {
	pg.Read(b, out, "reading the order of case "+c.PublicID, `
		select register_id, application_id, public_id, state, total, provider_order, pay_url, created_at, paid_at, ended_at
		  from payment_order where register_id = $1 and application_id = $2`, c.RegisterID, c.ID)
}

// ReadOrder reads the order of a case, nil when nothing is to be paid. The caller has locked the case.
func ReadOrder(ctx context.Context, tx *pg.Tx, c *application.Case) (*Order, error) {
	var b pg.Batch
	var found []Order
	queueOrder(&b, c, &found)
	if err := b.Send(ctx, tx.Tx); err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// move queues the step of an order from the state it was read in to another.
func (o *Order) move(b *pg.Batch, tx *pg.Tx, to State) {
	b.ExecOne(fmt.Sprintf("moving order %s from %s to %s", o.PublicID, o.State, to), `
		update payment_order
		   set prior_state = state, state = $4,
		       paid_at = case when $4 = 'paid' then $5 else paid_at end,
		       ended_at = case when $4 in ('cancelled', 'refunded') then $5 else ended_at end
		 where register_id = $1 and application_id = $2 and state = $3`,
		o.RegisterID, o.ApplicationID, string(o.State), string(to), tx.Now)
	o.State = to
}

// remember stores the provider's id and page beside the order; the same answer twice is the same row.
func (o *Order) remember(b *pg.Batch, h Hosted) {
	b.ExecOne("remembering the provider's order", `
		update payment_order set provider_order = $3, pay_url = $4
		 where register_id = $1 and application_id = $2`, o.RegisterID, o.ApplicationID, h.ID, h.PayURL)
	o.ProviderOrder, o.PayURL = &h.ID, &h.PayURL
}
