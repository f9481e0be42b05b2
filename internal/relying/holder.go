package relying

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Holder shows holders who wants to be told of changes to their credentials, and takes their decisions, under the citizen
// portal's role.
type Holder struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	RefKey    []byte
	Enqueue   application.Enqueue
}

// Wanted is a watch as its holder sees it.
type Wanted struct {
	Watch
	ClientName string
}

// List reads the watches on the person's credentials, those that wait for an answer first, then the newest.
func (h *Holder) List(ctx context.Context, a application.Applicant) (out []Wanted, err error) {
	registers, err := h.registers(ctx, a)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, r := range registers {
		if asked[r.Registrar] {
			continue
		}
		asked[r.Registrar] = true
		err := h.DB.InPerson(ctx, h.door(a, r), func(tx *pg.Tx) error {
			var b pg.Batch
			var here []Wanted
			pg.ReadBy(&b, &here, scanWanted, "reading watches", `select w.register_id, w.id, w.client_id, w.credential_public_id, w.ref, w.purpose, w.until, w.state,
				w.asked_at, w.decided_at, w.ended_at, c.name from watch w join relying_client c on c.id = w.client_id
				where w.person_ref = $1 order by (w.state = 'asked') desc, w.id desc limit 200`, h.door(a, r).Ref)
			if err := b.SendLast(ctx, tx); err != nil {
				return err
			}
			out = append(out, here...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func scanWanted(r pgx.CollectableRow) (w Wanted, err error) {
	return w, r.Scan(&w.RegisterID, &w.ID, &w.ClientID, &w.PublicID, &w.Ref, &w.Purpose, &w.Until, &w.State, &w.AskedAt, &w.DecidedAt, &w.EndedAt, &w.ClientName)
}

// registers are those in which the person has entries.
func (h *Holder) registers(ctx context.Context, a application.Applicant) (out []*qualification.Register, err error) {
	var ids []string
	err = h.DB.InPerson(ctx, pg.Person{ID: a.ID}, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select distinct register_id from holding where person_id = $1 order by register_id`, a.ID)
		if err != nil {
			return fmt.Errorf("reading holdings: %w", err)
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	for _, id := range ids {
		if r, ok := h.Catalogue.Register(id); ok {
			out = append(out, r)
		}
	}
	return out, err
}

func (h *Holder) door(a application.Applicant, r *qualification.Register) pg.Person {
	return pg.Person{ID: a.ID, Ref: account.RefFor(h.RefKey, a.ID, r.Registrar)}
}

// Decide grants, refuses or ends a watch: to is Granted, Refused or Ended. fault.NotFound when it is not about the person's
// credential, fault.Conflict when it has moved on, or with ReasonNotUsed when its register tells nobody of changes any more.
func (h *Holder) Decide(ctx context.Context, a application.Applicant, registerID string, id uuid.UUID, to WatchState) error {
	reg, ok := h.Catalogue.Register(registerID)
	if !ok {
		return fault.New(fault.NotFound, "", "deciding on a watch of an unknown register")
	}
	door := h.door(a, reg)
	var w *Watch
	err := h.DB.InPerson(ctx, door, func(tx *pg.Tx) (err error) {
		if w, err = lockWatch(ctx, tx, registerID, id); err != nil {
			return err
		}
		if !w.State.May(to) || to == Granted && w.Over(calendar.Of(tx.Now)) {
			return fault.New(fault.Conflict, "", "deciding on a watch that has moved on")
		}
		if to == Granted {
			if err := takesWatches(ctx, tx, h.Catalogue, reg); err != nil {
				return err
			}
		}
		column := "decided_at"
		if to == Ended {
			column = "ended_at"
		}
		var b pg.Batch
		b.ExecOne("deciding on a watch", `update watch set state = $3, prior_state = state, `+column+` = $4
			where register_id = $1 and id = $2 and state = $5`, registerID, id, to, tx.Now, w.State)
		if err := b.SendLater(ctx, tx); err != nil {
			return err
		}
		act := map[WatchState]audit.Act{Granted: audit.RelyingGrant, Refused: audit.RelyingRefuse, Ended: audit.RelyingEnd}[to]
		if err := audit.Record(ctx, tx, audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorPerson}, Purpose: "own", Register: registerID,
			Registrar: reg.Registrar, Ref: door.Ref, Outcome: w.ClientID}); err != nil {
			return err
		}
		if to != Granted {
			return nil
		}
		// The status may have changed between the question and the answer.
		return h.Enqueue(ctx, tx, BindArgs{RegisterID: registerID, WatchID: id})
	})
	if fault.KindOf(err) == fault.NotFound {
		if recorded := application.Refused(ctx, h.DB, door, reg); recorded != nil {
			return recorded
		}
	}
	return err
}

func lockWatch(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID) (*Watch, error) {
	rows, err := tx.Query(ctx, `select `+watchColumns+` from watch where register_id = $1 and id = $2`, registerID, id)
	if err != nil {
		return nil, fmt.Errorf("reading a watch: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Watch])
	return only(found, err, "reading a watch")
}

// Missed records that the person asked for a watch that is not theirs or does not exist, and says so: fault.NotFound.
func (h *Holder) Missed(ctx context.Context, a application.Applicant, registerID string) error {
	missing := fault.New(fault.NotFound, "", "reading a watch")
	reg, ok := h.Catalogue.Register(registerID)
	if !ok {
		return missing
	}
	if err := application.Refused(ctx, h.DB, h.door(a, reg), reg); err != nil {
		return err
	}
	return missing
}

// Names reads the names of all registered verifiers by id, for the record of looks.
func (h *Holder) Names(ctx context.Context) (map[string]string, error) {
	type named struct{ ID, Name string }
	list, err := pg.Ask(ctx, h.DB, pgx.RowToStructByPos[named], `select id, name from relying_client`)
	if err != nil {
		return nil, fmt.Errorf("reading the names of verifiers: %w", err)
	}
	names := make(map[string]string, len(list))
	for _, n := range list {
		names[n.ID] = n.Name
	}
	return names, nil
}
