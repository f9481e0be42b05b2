package credential

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/registry"
)

// Wallet shows holders their credentials, under the citizen portal's role.
type Wallet struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	RefKey    []byte
	Issuer    *Issuer             // makes copies; nil where none are made
	Enqueue   application.Enqueue // of the job that signs a new credential; nil where none is made
	Moved     Moved               // nil: nobody wants to hear
}

// Held is one entry of the person with its newest credential, nil when there is none yet.
type Held struct {
	Entry      registry.Entry
	Credential *Credential
	HeldAt     *time.Time // since when the holder has stopped it; nil when not. It may stand beside a suspension by the office
}

// List reads the person's entries in every register and their newest credentials.
func (w *Wallet) List(ctx context.Context, a application.Applicant) ([]Held, error) {
	holdings, err := w.holdings(ctx, a)
	if err != nil {
		return nil, err
	}
	var out []Held
	for _, h := range holdings {
		held, err := w.read(ctx, a, h.RegisterID, h.EntryID, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, *held)
	}
	return out, nil
}

// Find reads one of the person's entries with its newest credential.
func (w *Wallet) Find(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) (*Held, error) {
	return w.read(ctx, a, registerID, entryID, nil)
}

// Show reads one of the person's entries for showing its credential; the look is the holder's own and is recorded.
func (w *Wallet) Show(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) (*Held, error) {
	act := audit.CredentialDownload
	return w.read(ctx, a, registerID, entryID, &act)
}

type holding struct {
	RegisterID string
	EntryID    uuid.UUID
}

func (w *Wallet) holdings(ctx context.Context, a application.Applicant) (out []holding, err error) {
	err = w.DB.InPerson(ctx, pg.Person{ID: a.ID}, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select register_id, entry_id from holding where person_id = $1 order by linked_at desc`, a.ID)
		if err != nil {
			return fmt.Errorf("reading holdings: %w", err)
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[holding])
		return err
	})
	return out, err
}

func (w *Wallet) read(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, act *audit.Act) (*Held, error) {
	reg, ok := w.Catalogue.Register(registerID)
	if !ok {
		return nil, fault.New(fault.NotFound, "", "showing a credential of an unknown register")
	}
	var h Held
	door := pg.Person{ID: a.ID, Ref: account.RefFor(w.RefKey, a.ID, reg.Registrar)}
	err := w.DB.InPerson(ctx, door, func(tx *pg.Tx) error {
		var b pg.Batch
		var entries []registry.Entry
		var newest []Credential
		var open []hold
		registry.QueueEntry(&b, registerID, entryID, &entries)
		queue(&b, &newest, `register_id = $1 and entry_id = $2 order by version desc limit 1`, registerID, entryID)
		queueHolds(&b, &open, registerID, entryID)
		if err := b.Send(ctx, tx.Tx); err != nil {
			return err
		}
		if len(entries) == 0 {
			return fault.New(fault.NotFound, "", "reading an entry")
		}
		h = Held{Entry: entries[0]}
		if len(newest) > 0 {
			h.Credential = &newest[0]
		}
		if len(open) > 0 {
			h.HeldAt = &open[0].HeldAt
		}
		if act == nil || h.Credential == nil {
			return nil
		}
		v := h.Credential.audited(*act)
		v.Actor, v.Purpose = audit.Actor{Kind: audit.ActorPerson}, "own"
		return audit.Record(ctx, tx, v)
	})
	if errors.Is(err, fault.NotFound) {
		return nil, errors.Join(err, application.Refused(ctx, w.DB, door, reg))
	}
	return &h, err
}
