package relying

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
	"akashi/internal/verification"
)

// Verify checks one credential, as a person's QR code holds it. The wiring passes in verification.Verifier.CheckText.
type Verify func(ctx context.Context, text string) verification.Result

// Config is what a Desk needs.
type Config struct {
	DB        *pg.DB // under the role for registered verifiers
	Catalogue *qualification.Catalogue
	Verify    Verify
	Enqueue   application.Enqueue
	SealKey   []byte // 32 bytes
}

// Desk answers registered verifiers.
type Desk struct {
	Config
	sealer *sealer
}

// NewDesk returns a desk.
func NewDesk(c Config) (*Desk, error) {
	s, err := newSealer(c.SealKey)
	return &Desk{Config: c, sealer: s}, err
}

// Known returns the verifier whose key it is. fault.Unauthenticated for every other text; a wrong secret takes as long as an
// unknown key.
func (d *Desk) Known(ctx context.Context, key string) (*Client, error) {
	refused := fault.New(fault.Unauthenticated, "", "reading a verifier's key")
	id, sum, ok := parseKey(key)
	if !ok {
		return nil, refused
	}
	type row struct {
		Client
		Sum []byte
	}
	rows, err := pg.Ask(ctx, d.DB, func(r pgx.CollectableRow) (x row, err error) {
		return x, r.Scan(&x.ID, &x.Name, &x.WebhookURL, &x.CreatedAt, &x.Sum)
	}, `select c.id, c.name, c.webhook_url, c.created_at, k.secret_sha256
		  from relying_key k join relying_client c on c.id = k.client_id
		 where k.id = $1 and k.revoked_at is null and k.expires_at > $2 and c.closed_at is null`, id, d.DB.Clock.Now())
	if err != nil {
		return nil, fmt.Errorf("looking up a verifier's key: %w", err)
	}
	var stored row
	if len(rows) == 1 {
		stored = rows[0]
	}
	if !fits(stored.Sum, sum) {
		return nil, refused
	}
	return &stored.Client, nil
}

// Receive takes a question and returns it; a job answers it. The same request key with the same lines is the question that
// stands already. fault.Conflict with ReasonReused when the lines are others, fault.TooMany with ReasonBusy when MaxOpen
// questions are not finished.
func (d *Desk) Receive(ctx context.Context, c *Client, requestKey string, lines []Line) (out *Check, err error) {
	if lines, err = check(lines); err != nil {
		return nil, err
	}
	sum := digest(lines)
	err = d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		if out, err = d.standing(ctx, tx, c.ID, requestKey, sum); err != nil || out != nil {
			return err
		}
		out = &Check{ClientID: c.ID, ID: pg.NewID(), Total: len(lines), ReceivedAt: tx.Now}
		if err := d.store(ctx, tx, out, requestKey, sum, lines); err != nil {
			return err
		}
		event := audit.Event{Act: audit.RelyingBulk, Actor: audit.Actor{Kind: audit.ActorRelying, ID: c.ID}, Outcome: fmt.Sprintf("lines:%d", len(lines))}
		return errors.Join(audit.Record(ctx, tx, event), d.Enqueue(ctx, tx, CheckArgs{ClientID: c.ID, CheckID: out.ID}))
	})
	if pg.Violates(err, "bulk_check_once") { // the same request at the same moment: the other one stands now
		return d.Receive(ctx, c, requestKey, lines)
	}
	return out, err
}

// standing finds the question of a request key.
func (d *Desk) standing(ctx context.Context, tx *pg.Tx, client, requestKey string, sum []byte) (*Check, error) {
	var b pg.Batch
	type stored struct {
		Check
		Sum []byte
	}
	var before []stored
	var open []int
	pg.ReadBy(&b, &before, func(r pgx.CollectableRow) (s stored, err error) {
		return s, r.Scan(&s.ClientID, &s.ID, &s.Total, &s.Done, &s.ReceivedAt, &s.FinishedAt, &s.Sum)
	}, "looking for the same question", `select client_id, id, total, done, received_at, finished_at, request_sha256
		from bulk_check where client_id = $1 and request_key = $2`, client, requestKey)
	pg.ReadBy(&b, &open, pgx.RowTo[int], "counting open questions", `select count(*)::integer from bulk_check where client_id = $1 and finished_at is null`, client)
	if err := b.Send(ctx, tx.Tx); err != nil {
		return nil, err
	}
	switch {
	case len(before) == 1 && string(before[0].Sum) == string(sum):
		return &before[0].Check, nil
	case len(before) == 1:
		return nil, fault.New(fault.Conflict, ReasonReused, "taking a question: its request key was used for another")
	case open[0] >= MaxOpen:
		return nil, fault.New(fault.TooMany, ReasonBusy, "taking a question beside others that are not finished")
	}
	return nil, nil
}

func (d *Desk) store(ctx context.Context, tx *pg.Tx, c *Check, requestKey string, sum []byte, lines []Line) error {
	numbers, refs, sealed := make([]int32, len(lines)), make([]string, len(lines)), make([][]byte, len(lines))
	for i, l := range lines {
		numbers[i], refs[i], sealed[i] = int32(i+1), l.Ref, d.sealer.seal(c.ClientID, c.ID, i+1, l.Credential)
	}
	var b pg.Batch
	b.Exec("storing a question", `insert into bulk_check (client_id, id, request_key, request_sha256, total, received_at)
		values ($1, $2, $3, $4, $5, $6)`, c.ClientID, c.ID, requestKey, sum, c.Total, tx.Now)
	b.Exec("storing what is to be checked", `insert into bulk_line (client_id, check_id, line, ref, content)
		select $1, $2, n, r, s from unnest($3::integer[], $4::text[], $5::bytea[]) as l (n, r, s)`, c.ClientID, c.ID, numbers, refs, sealed)
	return b.Send(ctx, tx.Tx)
}

// digest tells two questions apart.
func digest(lines []Line) []byte {
	h := sha256.New()
	var n [8]byte
	for _, l := range lines {
		for _, part := range []string{l.Ref, l.Credential} {
			binary.BigEndian.PutUint64(n[:], uint64(len(part)))
			h.Write(n[:])
			h.Write([]byte(part))
		}
	}
	return h.Sum(nil)
}

// Find reads a question and how far it is. fault.NotFound when the verifier has none of that id (any more).
func (d *Desk) Find(ctx context.Context, c *Client, id uuid.UUID) (*Check, error) {
	var found []Check
	err := d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		var b pg.Batch
		found = nil
		readCheck(&b, &found, c.ID, id)
		return b.SendLast(ctx, tx)
	})
	return only(found, err, "reading a question")
}

func readCheck(b *pg.Batch, out *[]Check, client string, id uuid.UUID) {
	pg.Read(b, out, "reading a question", `select client_id, id, total, done, received_at, finished_at from bulk_check
		where client_id = $1 and id = $2`, client, id)
}

func only[T any](found []T, err error, doing string) (*T, error) {
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fault.New(fault.NotFound, "", doing)
	}
	return &found[0], nil
}

// MaxPage is the largest number of answers that Answers returns at once.
const MaxPage = 1000

// Answers reads the question and the answers of the lines after a line, in order, up to limit of them.
func (d *Desk) Answers(ctx context.Context, c *Client, id uuid.UUID, after, limit int) (*Check, []Answer, error) {
	var found []Check
	var answers []Answer
	err := d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		var b pg.Batch
		found, answers = nil, nil
		readCheck(&b, &found, c.ID, id)
		pg.Read(&b, &answers, "reading answers", `select line, ref, verdict, untampered, issuer, status, status_since, credential_id, checked_at
			from bulk_line where client_id = $1 and check_id = $2 and line > $3 order by line limit $4`, c.ID, id, after, min(max(limit, 1), MaxPage))
		return b.SendLast(ctx, tx)
	})
	one, err := only(found, err, "reading a question")
	return one, answers, err
}

// Delete deletes a question with its answers, and ends it when it is not finished.
func (d *Desk) Delete(ctx context.Context, c *Client, id uuid.UUID) error {
	return d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `delete from bulk_check where client_id = $1 and id = $2`, c.ID, id)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "", "deleting a question")
		}
		if err != nil {
			return fmt.Errorf("deleting a question: %w", err)
		}
		return nil
	})
}

// Ask asks the holder of a credential to agree that the verifier is told of changes. The credential itself is the proof that
// the verifier was shown it: its check must hold. The result is returned in any case, the watch only when it was asked for.
// fault.Conflict with ReasonNotUsed when the credential's register takes no watches today.
func (d *Desk) Ask(ctx context.Context, c *Client, text string, w Wish) (*Watch, verification.Result, error) {
	if c.WebhookURL == "" {
		return nil, verification.Result{}, fault.New(fault.Conflict, ReasonNoHook, "asking for a watch without an address for notifications")
	}
	if err := w.check(calendar.Of(d.DB.Clock.Now())); err != nil {
		return nil, verification.Result{}, err
	}
	r := d.Verify(ctx, text)
	if r.Verdict != verification.Valid && r.Verdict != verification.Suspended {
		return nil, r, nil
	}
	w.PublicID = r.Facts[cose.CertificateID]
	reg, err := application.Locate(d.Catalogue, w.PublicID)
	if err != nil {
		return nil, r, err
	}
	watch, err := d.ask(ctx, c, reg, w)
	if pg.Violates(err, "watch_once") {
		return nil, r, fault.New(fault.Conflict, ReasonStanding, "asking for a watch that stands already")
	}
	return watch, r, err
}

func (d *Desk) ask(ctx context.Context, c *Client, reg *qualification.Register, w Wish) (out *Watch, err error) {
	err = d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		if err := takesWatches(ctx, tx, d.Catalogue, reg); err != nil {
			return err
		}
		out = &Watch{RegisterID: reg.ID, ID: pg.NewID(), ClientID: c.ID, PublicID: w.PublicID, Ref: w.Ref, Purpose: w.Purpose, Until: w.Until,
			State: Asked, AskedAt: tx.Now}
		_, err := tx.Exec(ctx, `insert into watch (register_id, id, registrar_id, client_id, credential_public_id, ref, purpose, until, state, prior_state, asked_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, 'asked', 'asked', $9)`, reg.ID, out.ID, reg.Registrar, c.ID, w.PublicID, w.Ref, w.Purpose, w.Until, tx.Now)
		if err != nil {
			return fmt.Errorf("storing a watch: %w", err)
		}
		event := audit.Event{Act: audit.RelyingAsk, Actor: audit.Actor{Kind: audit.ActorRelying, ID: c.ID}, Register: reg.ID, Registrar: reg.Registrar}
		return errors.Join(audit.Record(ctx, tx, event), d.Enqueue(ctx, tx, BindArgs{RegisterID: reg.ID, WatchID: out.ID}))
	})
	return out, err
}

// takesWatches refuses when a register does not tell verifiers of changes today; what was agreed to before goes on.
func takesWatches(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue, reg *qualification.Register) error {
	var acts rollout.Watch
	var b pg.Batch
	acts.Queue(&b, reg.Qualification)
	if err := b.Send(ctx, tx); err != nil {
		return err
	}
	if !acts.Uses(cat, reg.ID, qualification.FunctionWatch, calendar.Of(tx.Now)) {
		return fault.New(fault.Conflict, ReasonNotUsed, "taking a watch at a register that tells nobody of changes")
	}
	return nil
}

const watchColumns = `register_id, id, client_id, credential_public_id, ref, purpose, until, state, asked_at, decided_at, ended_at`

// Watches reads the verifier's watches after an id, in the order in which they were asked for, up to limit of them.
func (d *Desk) Watches(ctx context.Context, c *Client, after uuid.UUID, limit int) (out []Watch, err error) {
	err = d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		var b pg.Batch
		out = nil
		pg.Read(&b, &out, "reading watches", `select `+watchColumns+` from watch where client_id = $1 and id > $2 order by id limit $3`,
			c.ID, after, min(max(limit, 1), MaxPage))
		return b.SendLast(ctx, tx)
	})
	return out, err
}

// Watch reads one watch. fault.NotFound when the verifier has none of that id.
func (d *Desk) Watch(ctx context.Context, c *Client, id uuid.UUID) (*Watch, error) {
	var found []Watch
	err := d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		var b pg.Batch
		found = nil
		pg.Read(&b, &found, "reading a watch", `select `+watchColumns+` from watch where client_id = $1 and id = $2`, c.ID, id)
		return b.SendLast(ctx, tx)
	})
	return only(found, err, "reading a watch")
}

// End ends a watch on the verifier's side. One that has ended stays so.
func (d *Desk) End(ctx context.Context, c *Client, id uuid.UUID) error {
	w, err := d.Watch(ctx, c, id)
	if err != nil || !w.State.May(Ended) {
		return err
	}
	return d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `update watch set state = 'ended', prior_state = state, ended_at = $3
			where client_id = $1 and id = $2 and state = $4`, c.ID, id, tx.Now, w.State)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "", "ending a watch that has moved on")
		}
		if err != nil {
			return fmt.Errorf("ending a watch: %w", err)
		}
		return audit.Record(ctx, tx, audit.Event{Act: audit.RelyingEnd, Actor: audit.Actor{Kind: audit.ActorRelying, ID: c.ID},
			Register: w.RegisterID, Outcome: "verifier"})
	})
}

// Sent is a notification and how far it came.
type Sent struct {
	ID          uuid.UUID
	CreatedAt   time.Time
	Tries       int
	Answered    *int // status of the last answer
	DeliveredAt *time.Time
	GivenUpAt   *time.Time
}

// Notifications reads the newest notifications to the verifier, for whoever looks for one that did not come.
func (d *Desk) Notifications(ctx context.Context, c *Client, limit int) (out []Sent, err error) {
	err = d.DB.InRelying(ctx, c.ID, func(tx *pg.Tx) error {
		var b pg.Batch
		out = nil
		pg.Read(&b, &out, "reading notifications", `select id, created_at, tries, answered, delivered_at, given_up_at from webhook_delivery
			where client_id = $1 order by id desc limit $2`, c.ID, min(max(limit, 1), MaxPage))
		return b.SendLast(ctx, tx)
	})
	return out, err
}
