package credential

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/registry"
)

// Reasons why a holder's act is refused; each is the key of a message.
const (
	AlreadyHeld   Refusal = "credential.already_held"   // it is stopped already
	NotHeld       Refusal = "credential.not_held"       // there is nothing to lift
	ByOffice      Refusal = "credential.by_office"      // the office has suspended it; only the office lifts that
	Ended         Refusal = "credential.ended"          // it was revoked or replaced, or there is none
	NotSigned     Refusal = "credential.not_signed"     // it is still being made
	StaleLogin    Refusal = "credential.stale_login"    // the holder must log in again first
	TooManyIssues Refusal = "credential.too_many_today" // as many new ones in a day as there may be
)

// FreshLogin is how long ago the login may be with which a holder lifts a stop or has a credential made anew. Whoever finds
// an open session or a stolen telephone can stop a credential, and cannot undo that.
const FreshLogin = 10 * time.Minute

// reissuesADay bounds how often a holder can have one entry's credential made anew within 24 hours.
const reissuesADay = 3

// fresh tells whether a login is fresh enough for an act, and not the one with which the credential was stopped.
func fresh(login, stopped, now time.Time) error {
	if login.IsZero() || login.After(now.Add(time.Minute)) || now.Sub(login) > FreshLogin || !login.After(stopped) {
		return refuse(fault.StepUp, StaleLogin, "looking at the age of a login")
	}
	return nil
}

// Suspend stops the person's own credential of an entry at once: QR codes, documents and wallets alike say "suspended" from
// the commit on, status lists within seconds. It needs no fresh login. What the office has suspended stays the office's: the
// holder's stop is remembered, and holds when the office restores. It fails with fault.Conflict and AlreadyHeld or Ended.
func (w *Wallet) Suspend(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) error {
	return w.suspend(ctx, a, registerID, entryID, "holder", "")
}

// suspend is Suspend, with what the credential's history and the audit log say of how it was stopped.
func (w *Wallet) suspend(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, cause, outcome string) error {
	return w.own(ctx, a, registerID, entryID, func(tx *pg.Tx, c *Credential, open []hold) error {
		switch {
		case !c.State.living():
			return refuse(fault.Conflict, Ended, "stopping a credential")
		case len(open) > 0:
			return refuse(fault.Conflict, AlreadyHeld, "stopping a credential")
		}
		var b pg.Batch
		b.Exec("recording a holder's stop", `
			insert into credential_hold (register_id, credential_id, id, registrar_id, person_ref, held_at) values ($1, $2, $3, $4, $5, $6)`,
			c.RegisterID, c.ID, pg.NewID(), c.RegistrarID, c.PersonRef, tx.Now)
		if c.State == Valid {
			c.move(&b, tx, OnHold, cause)
		}
		return errors.Join(c.done(ctx, tx, &b, audit.CredentialSuspend, outcome), w.Moved.tell(ctx, tx, c))
	})
}

// Lift ends the person's stop, after a login that is fresh and later than the stop. While the office's suspension stands, the
// credential stays suspended. It fails with fault.StepUp and StaleLogin, with fault.Conflict and NotHeld or Ended.
func (w *Wallet) Lift(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, login time.Time) error {
	return w.own(ctx, a, registerID, entryID, func(tx *pg.Tx, c *Credential, open []hold) error {
		switch {
		case !c.State.living():
			return refuse(fault.Conflict, Ended, "lifting a stop")
		case len(open) == 0:
			return refuse(fault.Conflict, NotHeld, "lifting a stop")
		}
		if err := fresh(login, open[0].HeldAt, tx.Now); err != nil {
			return err
		}
		var b pg.Batch
		b.ExecOne("ending a holder's stop", `
			update credential_hold set lifted_at = $4 where register_id = $1 and credential_id = $2 and id = $3 and lifted_at is null`,
			c.RegisterID, c.ID, open[0].ID, tx.Now)
		if c.State == OnHold {
			c.move(&b, tx, Valid, "holder")
		}
		return errors.Join(c.done(ctx, tx, &b, audit.CredentialRestore, ""), w.Moved.tell(ctx, tx, c))
	})
}

// Reissue has a new credential made of what the person's present one says, after a loss: every earlier QR code, document and
// wallet copy is invalid from the commit on, everywhere. The new one has another certificate id and today's date of issue, and
// is signed by the worker within seconds. It fails with fault.StepUp and StaleLogin, fault.TooMany and TooManyIssues,
// fault.Conflict and Ended, ByOffice or NotSigned.
func (w *Wallet) Reissue(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, login time.Time) error {
	return w.own(ctx, a, registerID, entryID, func(tx *pg.Tx, c *Credential, open []hold) error {
		var stopped time.Time
		if len(open) > 0 {
			stopped = open[0].HeldAt
		}
		if err := c.renewable(tx.Now); err != nil {
			return err
		}
		if err := fresh(login, stopped, tx.Now); err != nil {
			return err
		}
		now, err := w.remaining(ctx, tx, c)
		if err != nil {
			return err
		}
		next, err := c.renewed(now.key.KID, now.code, tx.Now)
		if err != nil {
			return err
		}
		var b pg.Batch
		c.move(&b, tx, Replaced, "holder")
		next.intend(&b, tx, "holder")
		if err := errors.Join(next.done(ctx, tx, &b, audit.CredentialReissue, ""), w.Moved.tell(ctx, tx, c)); err != nil {
			return err
		}
		return w.Enqueue(ctx, tx, SignArgs{RegisterID: next.RegisterID, CredentialID: next.ID.String()})
	})
}

// renewable tells whether a holder may replace the credential.
func (c *Credential) renewable(now time.Time) error {
	switch {
	case c.State == Suspended:
		return refuse(fault.Conflict, ByOffice, "making a credential anew")
	case c.State == Intended:
		return refuse(fault.Conflict, NotSigned, "making a credential anew")
	case !c.State.living() || c.Expired(calendar.Of(now)):
		return refuse(fault.Conflict, Ended, "making a credential anew")
	}
	return nil
}

// living tells whether a credential has not ended.
func (s State) living() bool { return s == Intended || s == Valid || s == Suspended || s == OnHold }

type remains struct {
	key  *SigningKey
	code string // of the register
}

// remaining reads the registrar's key, and how often a new one was made within a day.
func (w *Wallet) remaining(ctx context.Context, tx *pg.Tx, c *Credential) (remains, error) {
	reg, ok := w.Catalogue.Register(c.RegisterID)
	if !ok {
		return remains{}, fault.New(fault.Internal, "", "making a credential of an unknown register")
	}
	var b pg.Batch
	var keys []keyRow
	var made []int
	queueKey(&b, &keys, c.RegistrarID, ForCredential, tx.Now)
	pg.ReadBy(&b, &made, pgx.RowTo[int], "counting new credentials", `
		select count(*) from credential c join credential_history h on h.register_id = c.register_id and h.credential_id = c.id
		 where c.register_id = $1 and c.entry_id = $2 and h.state = 'intended' and h.cause = 'holder' and h.at > $3`,
		c.RegisterID, c.EntryID, tx.Now.Add(-24*time.Hour))
	if err := b.Send(ctx, tx); err != nil {
		return remains{}, err
	}
	switch {
	case made[0] >= reissuesADay:
		return remains{}, refuse(fault.TooMany, TooManyIssues, "making a credential anew")
	case len(keys) == 0:
		return remains{}, refuse(fault.Internal, NoKey, "looking for a key of "+c.RegistrarID+" for "+string(ForCredential))
	}
	key, err := keys[0].key()
	return remains{key: key, code: reg.Code}, err
}

// renewed is the next credential of the same facts: another id, another day of issue, the present key.
func (c *Credential) renewed(kid, registerCode string, now time.Time) (*Credential, error) {
	facts, err := c.Facts()
	if err != nil {
		return nil, err
	}
	next := &Credential{RegisterID: c.RegisterID, ID: pg.NewID(), PublicID: publicid.New(registerCode), RegistrarID: c.RegistrarID, EntryID: c.EntryID,
		PersonRef: c.PersonRef, Version: c.Version + 1, State: Intended, KID: kid, IntendedAt: now, StatusAt: now, ValidUntil: c.ValidUntil, Detail: c.Detail}
	facts[cose.CertificateID] = next.PublicID
	if facts[cose.IssueDate] != "" {
		facts[cose.IssueDate] = calendar.Of(now).String()
	}
	return next, next.encode(facts)
}

type hold struct {
	ID     uuid.UUID
	HeldAt time.Time
}

// holds tells whether the holder has stopped the credential and not lifted that.
func (c *Credential) holds(ctx context.Context, tx *pg.Tx) (bool, error) {
	var b pg.Batch
	var open []hold
	queueHolds(&b, &open, c.RegisterID, c.EntryID)
	err := b.Send(ctx, tx)
	return len(open) > 0, err
}

// queueHolds reads the open stop of an entry's newest credential.
func queueHolds(b *pg.Batch, out *[]hold, registerID string, entryID uuid.UUID) {
	pg.Read(b, out, "looking for a holder's stop", `
		select h.id, h.held_at from credential c join credential_hold h on h.register_id = c.register_id and h.credential_id = c.id and h.lifted_at is null
		 where c.register_id = $1 and c.entry_id = $2 and c.state in ('intended', 'valid', 'suspended', 'held')`, registerID, entryID)
}

func (c *Credential) done(ctx context.Context, tx *pg.Tx, b *pg.Batch, act audit.Act, outcome string) error {
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	v := c.audited(act)
	v.Actor, v.Purpose, v.Outcome = audit.Actor{Kind: audit.ActorPerson}, "own", outcome
	return audit.Record(ctx, tx, v)
}

// own opens the holder's door and runs f on the newest credential of an own entry that is in the register, locked where the
// holder may move it. Another's entry is "not found", and that is recorded.
func (w *Wallet) own(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, f func(*pg.Tx, *Credential, []hold) error) error {
	reg, ok := w.Catalogue.Register(registerID)
	if !ok {
		return fault.New(fault.NotFound, "", "finding a credential of an unknown register")
	}
	door := pg.Person{ID: a.ID, Ref: account.RefFor(w.RefKey, a.ID, reg.Registrar)}
	err := w.DB.InPerson(ctx, door, func(tx *pg.Tx) error {
		c, open, err := newestOwn(ctx, tx, registerID, entryID)
		if err != nil {
			return err
		}
		return f(tx, c, open)
	})
	if errors.Is(err, fault.NotFound) {
		return errors.Join(err, application.Refused(ctx, w.DB, door, reg))
	}
	return err
}

func newestOwn(ctx context.Context, tx *pg.Tx, registerID string, entryID uuid.UUID) (*Credential, []hold, error) {
	var b pg.Batch
	var entries []registry.Entry
	var locked, newest []Credential
	var open []hold
	registry.QueueEntry(&b, registerID, entryID, &entries)
	queue(&b, &locked, `register_id = $1 and entry_id = $2 and state in ('valid', 'held') for update`, registerID, entryID)
	queue(&b, &newest, `register_id = $1 and entry_id = $2 order by version desc limit 1`, registerID, entryID)
	queueHolds(&b, &open, registerID, entryID)
	if err := b.Send(ctx, tx); err != nil {
		return nil, nil, err
	}
	switch {
	case len(entries) == 0:
		return nil, nil, fault.New(fault.NotFound, "", "reading an entry")
	case len(newest) == 0:
		return nil, nil, refuse(fault.Conflict, Ended, "finding a credential")
	}
	return &newest[0], open, nil
}
