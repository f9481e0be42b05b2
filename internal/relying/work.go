package relying

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/job"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Post sends a notification, signed, to a verifier's address, and returns the status of its answer. fault.Upstream when there
// was none, fault.Forbidden when the address may not be called.
type Post func(ctx context.Context, url, id string, body []byte) (status int, err error)

// Clerk does the work behind the desk, under the worker's role.
type Clerk struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	Verify    Verify // under the public's role
	Enqueue   application.Enqueue
	Post      Post
	sealer    *sealer
}

// NewClerk returns a clerk who opens what a desk with the same key has sealed.
func NewClerk(c Clerk, sealKey []byte) (*Clerk, error) {
	s, err := newSealer(sealKey)
	c.sealer = s
	return &c, err
}

// CheckArgs is the job that answers one question.
type CheckArgs struct {
	ClientID string    `json:"client_id"`
	CheckID  uuid.UUID `json:"check_id"`
}

// BindArgs is the job that finds out whose credential a watch is about, or, of a granted one, what its verifier has not heard
// yet.
type BindArgs struct {
	RegisterID string    `json:"register_id"`
	WatchID    uuid.UUID `json:"watch_id"`
}

// TellArgs is the job that tells the watchers of a credential what its status is now.
type TellArgs struct {
	RegisterID   string    `json:"register_id"`
	CredentialID uuid.UUID `json:"credential_id"`
}

// SendArgs is the job that sends one notification.
type SendArgs struct {
	ClientID   string    `json:"client_id"`
	DeliveryID uuid.UUID `json:"delivery_id"`
}

// maxTries is how often a notification is sent: with delays from a second to an hour, over about eight hours.
const maxTries = 18

// Kind names the job.
func (CheckArgs) Kind() string { return "relying.check" }

// Kind names the job.
func (BindArgs) Kind() string { return "relying.bind" }

// Kind names the job.
func (TellArgs) Kind() string { return "relying.tell" }

// Kind names the job.
func (SendArgs) Kind() string { return "relying.send" }

// InsertOpts lets one job of a question stand at a time.
func (CheckArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{UniqueOpts: job.UniqueArgs()} }

// InsertOpts bounds how often a notification is sent.
func (SendArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: maxTries} }

const (
	chunk      = 200 // lines that are checked between two looks at whether the question still stands
	atOnce     = 4
	forgotten  = 2 * time.Minute
	sweepBatch = 500
)

type sealedLine struct {
	Line    int
	Content []byte
}

// Check answers the lines of a question that still wait. Two at once are harmless: a line is answered once.
func (c *Clerk) Check(ctx context.Context, args CheckArgs) error {
	for {
		lines, err := c.waiting(ctx, args)
		if err != nil || len(lines) == 0 {
			return err
		}
		answers, err := c.answer(ctx, args, lines)
		if err != nil {
			return err
		}
		if err := c.keep(ctx, args, answers); err != nil {
			return err
		}
	}
}

func (c *Clerk) waiting(ctx context.Context, args CheckArgs) (lines []sealedLine, err error) {
	err = c.DB.InRelying(ctx, args.ClientID, func(tx *pg.Tx) error {
		var b pg.Batch
		lines = nil
		pg.Read(&b, &lines, "reading what is to be checked", `select line, content from bulk_line
			where client_id = $1 and check_id = $2 and content is not null order by line limit $3`, args.ClientID, args.CheckID, chunk)
		return b.SendLast(ctx, tx)
	})
	return lines, err
}

// answer checks lines, a few at once, with no transaction of ours open. A sealed line that does not open (it was moved, or
// the key is another) is unreadable: it must not stop the others.
func (c *Clerk) answer(ctx context.Context, args CheckArgs, lines []sealedLine) ([]Answer, error) {
	answers := make([]Answer, len(lines))
	var wait sync.WaitGroup
	for worker := range atOnce {
		wait.Go(func() {
			for i := worker; i < len(lines); i += atOnce {
				answers[i] = c.one(ctx, args, lines[i])
			}
		})
	}
	wait.Wait()
	return answers, ctx.Err()
}

func (c *Clerk) keep(ctx context.Context, args CheckArgs, answers []Answer) error {
	var columns struct {
		lines                               []int32
		verdict, untampered, issuer, status []string
		since                               []*time.Time
		ids                                 []*string
	}
	for _, a := range answers {
		columns.lines = append(columns.lines, int32(a.Line))
		columns.verdict, columns.untampered = append(columns.verdict, *a.Verdict), append(columns.untampered, *a.Untampered)
		columns.issuer, columns.status = append(columns.issuer, *a.Issuer), append(columns.status, *a.Status)
		columns.since, columns.ids = append(columns.since, a.StatusSince), append(columns.ids, a.CredentialID)
	}
	return c.DB.InRelying(ctx, args.ClientID, func(tx *pg.Tx) error {
		var b pg.Batch
		b.Exec("keeping answers", `update bulk_line l set content = null, verdict = v.verdict, untampered = v.untampered, issuer = v.issuer,
				status = v.status, status_since = v.since, credential_id = v.id, checked_at = $3
			  from unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::text[])
			    as v (line, verdict, untampered, issuer, status, since, id)
			 where l.client_id = $1 and l.check_id = $2 and l.line = v.line and l.content is not null`,
			args.ClientID, args.CheckID, tx.Now, columns.lines, columns.verdict, columns.untampered, columns.issuer, columns.status, columns.since, columns.ids)
		b.Exec("counting answers", `update bulk_check c set done = n.done, finished_at = case when n.done = c.total then coalesce(c.finished_at, $3) end
			  from (select count(*)::integer as done from bulk_line where client_id = $1 and check_id = $2 and content is null) n
			 where c.client_id = $1 and c.id = $2`, args.ClientID, args.CheckID, tx.Now)
		return b.SendLast(ctx, tx)
	})
}

// bound is a watch with what is known of its credential now.
type bound struct {
	Watch
	RegistrarID  string
	PersonRef    *uuid.UUID
	ToldState    *string
	CredentialID *uuid.UUID
	EntryID      *uuid.UUID
	HolderRef    *uuid.UUID
	Now          *credential.State
	Since        *time.Time
}

const boundColumns = `w.register_id, w.id, w.client_id, w.credential_public_id, w.ref, w.purpose, w.until, w.state, w.asked_at, w.decided_at, w.ended_at,
	w.registrar_id, w.person_ref, w.told_state, c.id, c.entry_id, c.person_ref, c.state, c.status_at`

func scanBound(r pgx.CollectableRow) (b bound, err error) {
	return b, r.Scan(&b.RegisterID, &b.ID, &b.ClientID, &b.PublicID, &b.Ref, &b.Purpose, &b.Until, &b.State, &b.AskedAt, &b.DecidedAt, &b.EndedAt,
		&b.RegistrarID, &b.PersonRef, &b.ToldState, &b.CredentialID, &b.EntryID, &b.HolderRef, &b.Now, &b.Since)
}

func readBound(ctx context.Context, tx *pg.Tx, where string, args ...any) ([]bound, error) {
	rows, err := tx.Query(ctx, `select `+boundColumns+` from watch w
		left join credential c on c.register_id = w.register_id and c.public_id = w.credential_public_id where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading watches: %w", err)
	}
	return pgx.CollectRows(rows, scanBound)
}

// Bind finds out whose credential a new watch is about, so that the holder can be asked, and tells the verifier of a granted
// one what changed meanwhile. A credential that nobody has tied to a login has no holder who could agree: it is refused.
func (c *Clerk) Bind(ctx context.Context, args BindArgs) error {
	return c.inRegister(ctx, args.RegisterID, func(tx *pg.Tx) error {
		found, err := readBound(ctx, tx, `w.register_id = $1 and w.id = $2 for update of w`, args.RegisterID, args.WatchID)
		if err != nil || len(found) == 0 {
			return err
		}
		return c.settle(ctx, tx, &found[0])
	})
}

// Tell tells the watchers of a credential what its status is now.
func (c *Clerk) Tell(ctx context.Context, args TellArgs) error {
	return c.inRegister(ctx, args.RegisterID, func(tx *pg.Tx) error {
		found, err := readBound(ctx, tx, `w.register_id = $1 and w.credential_id = $2 and w.state = 'granted' for update of w`, args.RegisterID, args.CredentialID)
		for i := range found {
			err = errors.Join(err, c.settle(ctx, tx, &found[i]))
		}
		return err
	})
}

func (c *Clerk) inRegister(ctx context.Context, registerID string, f func(*pg.Tx) error) error {
	r, ok := c.Catalogue.Register(registerID)
	if !ok {
		return fmt.Errorf("working on a watch of unknown register %s", registerID)
	}
	return c.DB.InRegistrar(ctx, r.Registrar, f)
}

// settle does whatever one watch needs next, and nothing when that is nothing.
func (c *Clerk) settle(ctx context.Context, tx *pg.Tx, w *bound) error {
	switch {
	case (w.State == Asked || w.State == Granted) && w.Over(calendar.Of(tx.Now)):
		return w.move(ctx, tx, Ended, "over")
	case w.State == Asked && w.PersonRef != nil:
		return nil
	case w.State == Asked && (w.CredentialID == nil || w.HolderRef == nil):
		return w.move(ctx, tx, Refused, "no_holder")
	case w.State == Asked:
		return w.bind(ctx, tx)
	case w.State == Granted && w.Now != nil && told(*w.Now) != "" && (w.ToldState == nil || *w.ToldState != told(*w.Now)):
		return c.tell(ctx, tx, w)
	}
	return nil
}

func (w *bound) move(ctx context.Context, tx *pg.Tx, to WatchState, why string) error {
	column := "ended_at"
	if to == Refused {
		column = "decided_at"
	}
	var b pg.Batch
	b.ExecOne("moving a watch", `update watch set state = $3, prior_state = state, `+column+` = $4 where register_id = $1 and id = $2 and state = $5`,
		w.RegisterID, w.ID, to, tx.Now, w.State)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, w.event(audit.RelyingEnd, why))
}

func (w *bound) event(act audit.Act, outcome string) audit.Event {
	e := audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "relying"}, Register: w.RegisterID, Registrar: w.RegistrarID, Outcome: outcome}
	if w.HolderRef != nil {
		e.Ref, e.Entry = *w.HolderRef, *w.EntryID
	}
	return e
}

func (w *bound) bind(ctx context.Context, tx *pg.Tx) error {
	var b pg.Batch
	b.ExecOne("binding a watch", `update watch set credential_id = $3, entry_id = $4, person_ref = $5, told_state = $6, bound_at = $7
		where register_id = $1 and id = $2 and state = 'asked' and person_ref is null`,
		w.RegisterID, w.ID, w.CredentialID, w.EntryID, w.HolderRef, told(*w.Now), tx.Now)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	e := w.event(audit.RelyingAsk, w.ClientID)
	e.Actor, e.Purpose = audit.Actor{Kind: audit.ActorRelying, ID: w.ClientID}, w.Purpose
	return audit.Record(ctx, tx, e)
}

// tell makes the notification of a change, in the transaction that remembers that it was told.
func (c *Clerk) tell(ctx context.Context, tx *pg.Tx, w *bound) error {
	id := pg.NewID()
	body, err := notification(id, tx.Now, w)
	if err != nil {
		return err
	}
	var b pg.Batch
	b.ExecOne("remembering what was told", `update watch set told_state = $3 where register_id = $1 and id = $2 and state = 'granted'`, w.RegisterID, w.ID, told(*w.Now))
	b.Exec("storing a notification", `insert into webhook_delivery (client_id, id, body, created_at) values ($1, $2, $3, $4)`, w.ClientID, id, body, tx.Now)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	e := w.event(audit.RelyingNotify, told(*w.Now))
	e.Actor, e.Purpose = audit.Actor{Kind: audit.ActorRelying, ID: w.ClientID}, w.Purpose
	return errors.Join(audit.Record(ctx, tx, e), c.Enqueue(ctx, tx, SendArgs{ClientID: w.ClientID, DeliveryID: id}))
}
