package relying

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/job"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// Event is the body of a notification. It names a credential and its state, and nobody.
type Event struct {
	ID           uuid.UUID `json:"id"`   // the same however often it is sent
	Type         string    `json:"type"` // credential.status_changed
	CreatedAt    time.Time `json:"created_at"`
	Watch        uuid.UUID `json:"watch"`
	Ref          string    `json:"ref"`           // the verifier's own
	CredentialID string    `json:"credential_id"` // DN
	State        string    `json:"state"`         // valid, suspended, revoked or replaced
	Since        time.Time `json:"since"`
}

// EventType is the one type of event.
const EventType = "credential.status_changed"

func notification(id uuid.UUID, now time.Time, w *bound) ([]byte, error) {
	body, err := json.Marshal(Event{ID: id, Type: EventType, CreatedAt: now, Watch: w.ID, Ref: w.Ref, CredentialID: w.PublicID, State: told(*w.Now), Since: *w.Since})
	if err != nil {
		return nil, fmt.Errorf("writing a notification: %w", err)
	}
	return body, nil
}

// one checks one line.
func (c *Clerk) one(ctx context.Context, args CheckArgs, l sealedLine) Answer {
	text, err := c.sealer.open(args.ClientID, args.CheckID, l.Line, l.Content)
	r := verification.Result{Verdict: verification.Unreadable, Untampered: verification.Unknown, Issuer: verification.Unknown, Status: verification.Unknown}
	if err == nil {
		r = c.Verify(ctx, text)
	}
	verdict, untampered, issuer, status := string(r.Verdict), string(r.Untampered), string(r.Issuer), string(r.Status)
	a := Answer{Line: l.Line, Verdict: &verdict, Untampered: &untampered, Issuer: &issuer, Status: &status, StatusSince: r.StatusAt}
	if id := r.Facts[cose.CertificateID]; id != "" {
		a.CredentialID = &id
	}
	return a
}

type delivery struct {
	Body        []byte
	Tries       int
	DeliveredAt *time.Time
	GivenUpAt   *time.Time
	URL         string
	ClosedAt    *time.Time
}

// Send sends one notification and keeps how it ended. An answer of 2xx is a receipt; 410 says that nobody wants any more;
// anything else is tried again, maxTries times in all.
func (c *Clerk) Send(ctx context.Context, args SendArgs) error {
	var found []delivery
	err := c.DB.InRelying(ctx, args.ClientID, func(tx *pg.Tx) error {
		var b pg.Batch
		found = nil
		pg.Read(&b, &found, "reading a notification", `select d.body, d.tries, d.delivered_at, d.given_up_at, c.webhook_url, c.closed_at
			from webhook_delivery d join relying_client c on c.id = d.client_id where d.client_id = $1 and d.id = $2`, args.ClientID, args.DeliveryID)
		return b.SendLast(ctx, tx)
	})
	if err != nil || len(found) == 0 || found[0].DeliveredAt != nil || found[0].GivenUpAt != nil {
		return err
	}
	d := found[0]
	if d.URL == "" || d.ClosedAt != nil {
		return c.sent(ctx, args, "given_up_at", nil)
	}
	status, err := c.Post(ctx, d.URL, args.DeliveryID.String(), d.Body)
	answered := &status
	if err != nil {
		answered = nil
	}
	switch {
	case err == nil && status >= 200 && status < 300:
		return c.sent(ctx, args, "delivered_at", answered)
	case err == nil && status == http.StatusGone, d.Tries+1 >= maxTries:
		return errors.Join(c.sent(ctx, args, "given_up_at", answered), job.GiveUp(failed(status, err)))
	}
	return errors.Join(c.sent(ctx, args, "", answered), failed(status, err))
}

func failed(status int, err error) error {
	if err != nil {
		return fmt.Errorf("sending a notification: %w", err)
	}
	return fault.New(fault.Upstream, "", fmt.Sprintf("sending a notification: it was answered with %d", status))
}

// sent keeps how a try ended; column is delivered_at, given_up_at or empty.
func (c *Clerk) sent(ctx context.Context, args SendArgs, column string, answered *int) error {
	set := ""
	if column != "" {
		set = ", " + column + " = $4"
	}
	return c.DB.InRelying(ctx, args.ClientID, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `update webhook_delivery set tries = tries + 1, answered = $3`+set+` where client_id = $1 and id = $2 and $4::timestamptz is not null`,
			args.ClientID, args.DeliveryID, answered, tx.Now)
		if err != nil {
			return fmt.Errorf("keeping how a notification ended: %w", err)
		}
		return nil
	})
}

// Sweep deletes what has been kept for its time, goes on with questions that no job works at, and settles watches whose
// verifier has not heard of a change, whose day has passed or whose holder was never found. It returns how much it found.
func (c *Clerk) Sweep(ctx context.Context) (int, error) {
	clients, err := pg.Ask(ctx, c.DB, pgx.RowTo[string], `select id from relying_client order by id`)
	if err != nil {
		return 0, fmt.Errorf("reading verifiers: %w", err)
	}
	found := 0
	for _, client := range clients {
		n, err := c.sweepClient(ctx, client)
		found += n
		if err != nil {
			return found, err
		}
	}
	if len(clients) == 0 {
		return 0, nil
	}
	for _, r := range c.Catalogue.Keepers() {
		n, err := c.sweepWatches(ctx, r.ID)
		found += n
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

func (c *Clerk) sweepClient(ctx context.Context, client string) (found int, err error) {
	err = c.DB.InRelying(ctx, client, func(tx *pg.Tx) error {
		var b pg.Batch
		var stuck, unsent []uuid.UUID
		b.Exec("deleting old answers", `delete from bulk_check where client_id = $1 and finished_at < $2`, client, tx.Now.Add(-keepAnswers))
		b.Exec("deleting old notifications", `delete from webhook_delivery where client_id = $1 and created_at < $2`, client, tx.Now.Add(-keepSent))
		pg.ReadBy(&b, &stuck, pgx.RowTo[uuid.UUID], "looking for questions that stand still", `select id from bulk_check
			where client_id = $1 and finished_at is null and received_at < $2 limit $3`, client, tx.Now.Add(-forgotten), sweepBatch)
		pg.ReadBy(&b, &unsent, pgx.RowTo[uuid.UUID], "looking for notifications that nobody tried", `select id from webhook_delivery
			where client_id = $1 and delivered_at is null and given_up_at is null and tries = 0 and created_at < $2 limit $3`, client, tx.Now.Add(-forgotten), sweepBatch)
		if err := b.Send(ctx, tx.Tx); err != nil {
			return err
		}
		found = len(stuck) + len(unsent)
		var problems error
		for _, id := range stuck {
			problems = errors.Join(problems, c.Enqueue(ctx, tx, CheckArgs{ClientID: client, CheckID: id}))
		}
		for _, id := range unsent {
			problems = errors.Join(problems, c.Enqueue(ctx, tx, SendArgs{ClientID: client, DeliveryID: id}))
		}
		return problems
	})
	return found, err
}

func (c *Clerk) sweepWatches(ctx context.Context, registrar string) (found int, err error) {
	err = c.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		all, err := readBound(ctx, tx, `w.registrar_id = $1 and (w.state = 'asked' and (w.person_ref is null and w.asked_at < $2 or w.until < $3)
			or w.state = 'granted' and (w.until < $3 or c.state <> 'intended' and w.told_state is distinct from
			  case c.state when 'held' then 'suspended' else c.state end)) limit $4 for update of w skip locked`,
			registrar, tx.Now.Add(-forgotten), calendar.Of(tx.Now), sweepBatch)
		found = len(all)
		for i := range all {
			err = errors.Join(err, c.settle(ctx, tx, &all[i]))
		}
		return err
	})
	return found, err
}
