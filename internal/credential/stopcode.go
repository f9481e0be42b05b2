package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/publicid"
)

const (
	// UnknownStopCode says that a code stops nothing: mistyped, never made, used, or replaced by a later one.
	UnknownStopCode Refusal = "credential.unknown_stop_code"

	// byStopCode is what the history and the audit log say of a stop by a code.
	byStopCode = "stop_code"
)

// StopCode is what is known of the code with which a person stops all own credentials without a login. Whoever has lost the card
// cannot log in, and must be able to stop them all the same. The code is told once, when it is made, and kept by nobody but the person.
type StopCode struct {
	MadeAt time.Time
	UsedAt *time.Time // nil while it can be used
}

// StopCode reads the person's newest code, nil when there never was one.
func (w *Wallet) StopCode(ctx context.Context, a application.Applicant) (*StopCode, error) {
	var found []StopCode
	err := w.DB.InPerson(ctx, pg.Person{ID: a.ID}, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select made_at, used_at from stop_code where person_id = $1`, a.ID)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[StopCode])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a stop code: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

// MakeStopCode makes a code in place of an earlier one, after a fresh login: whoever finds an open session must not take away a code
// from home. It fails with fault.StepUp and StaleLogin.
func (w *Wallet) MakeStopCode(ctx context.Context, a application.Applicant, login time.Time) (string, error) {
	code := publicid.NewSecret()
	digest := sha256.Sum256([]byte(code))
	err := w.DB.InPerson(ctx, pg.Person{ID: a.ID}, func(tx *pg.Tx) error {
		if err := fresh(login, time.Time{}, tx.Now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into stop_code (person_id, digest, made_at) values ($1, $2, $3)
			on conflict (person_id) do update set digest = excluded.digest, made_at = excluded.made_at, used_at = null`, a.ID, digest[:], tx.Now); err != nil {
			return fmt.Errorf("making a stop code: %w", err)
		}
		return audit.Record(ctx, tx, audit.Event{Act: audit.PersonStopCode, Actor: audit.Actor{Kind: audit.ActorPerson}, Purpose: "own"})
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// StopByCode stops every credential of whoever made the code, as Suspend does, and returns how many it stopped. Each is stopped in a
// transaction of its own, since each is another registrar's; the code is used up when all are done, so that after a crash it stops
// the rest. What is stopped already, or has ended, stays as it is; a code that finds nothing to stop stays good. It fails with fault.NotFound
// and UnknownStopCode.
func (w *Wallet) StopByCode(ctx context.Context, typed string) (stopped int, err error) {
	code, err := publicid.ParseSecret(typed)
	if err != nil {
		return 0, refuse(fault.NotFound, UnknownStopCode, "reading a stop code")
	}
	digest := sha256.Sum256([]byte(code))
	a, err := w.whoMade(ctx, digest)
	if err != nil {
		return 0, err
	}
	holdings, err := w.holdings(ctx, a)
	if err != nil {
		return 0, err
	}
	for _, h := range holdings {
		err := w.suspend(ctx, a, h.RegisterID, h.EntryID, byStopCode, byStopCode)
		switch {
		case err == nil:
			stopped++
		case !errors.Is(err, AlreadyHeld) && !errors.Is(err, Ended):
			return stopped, err
		}
	}
	if stopped == 0 {
		return 0, nil
	}
	return stopped, w.DB.InPerson(ctx, pg.Person{ID: a.ID}, func(tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, `update stop_code set used_at = $3 where person_id = $1 and digest = $2 and used_at is null`, a.ID, digest[:], tx.Now); err != nil {
			return fmt.Errorf("using up a stop code: %w", err)
		}
		return nil
	})
}

// whoMade finds the person behind a code by naming it: row security shows the row of the named code and no other.
func (w *Wallet) whoMade(ctx context.Context, digest [sha256.Size]byte) (application.Applicant, error) {
	var found []uuid.UUID
	err := w.DB.Platform(ctx, func(tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, "set local app.stop_code = '"+hex.EncodeToString(digest[:])+"'"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select person_id from stop_code where digest = $1 and used_at is null`, digest[:])
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return application.Applicant{}, fmt.Errorf("finding the person behind a stop code: %w", err)
	}
	if len(found) == 0 {
		return application.Applicant{}, refuse(fault.NotFound, UnknownStopCode, "finding the person behind a stop code")
	}
	return application.Applicant{ID: found[0]}, nil
}
