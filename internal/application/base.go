package application

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Attested is what another registrar says about a base licence of the applicant: number and state, and nothing else of the
// entry. The two registers know the person under different references; the person's own door is where they meet.
type Attested struct {
	Register   string
	Number     string
	State      string        // registered | suspended | revoked | cancelled
	ValidUntil calendar.Date // zero: no end
}

// BaseAnswer is an attestation as a case keeps it.
type BaseAnswer struct {
	Attested
	At time.Time // when the other register was asked
}

// StateOn is the state on a day: an entry whose term is over is "expired".
func (a Attested) StateOn(day calendar.Date) string {
	if a.State == "registered" && !a.ValidUntil.IsZero() && a.ValidUntil.Before(day) {
		return "expired"
	}
	return a.State
}

// askBases asks the registrars of the base licences that the person has linked, each through the person's own door under
// that registrar's reference, and records at each that it was asked. Nothing is asked where the procedure makes no entry
// or the qualification has no base.
func (d *Desk) askBases(ctx context.Context, a Applicant, c *Case) ([]Attested, error) {
	def, p, err := d.procedure(c)
	if err != nil || p.Effect != qualification.EffectRegister || len(def.Base) == 0 {
		return nil, err
	}
	registers, err := d.heldBases(ctx, a, c, def)
	if err != nil {
		return nil, err
	}
	var out []Attested
	for _, r := range registers {
		door := d.door(a, r)
		err := d.DB.InPerson(ctx, door, func(tx *pg.Tx) error {
			var found []Attested
			var b pg.Batch
			d.Attest(&b, r.ID, door.Ref, &found)
			asked := audit.Event{Act: audit.EntryAttest, Actor: a.actor(), Purpose: "base_licence", Register: r.ID, Registrar: r.Registrar, Ref: door.Ref,
				Items: []string{"number", "state"}}
			if err := audit.Queue(&b, tx.Now, asked); err != nil {
				return err
			}
			err := b.Send(ctx, tx)
			out = append(out, found...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("asking the register %s about a base licence: %w", r.ID, err)
		}
	}
	return out, nil
}

// heldBases lists the registers of the base qualifications in which the person holds an entry.
func (d *Desk) heldBases(ctx context.Context, a Applicant, c *Case, def *qualification.Definition) ([]*qualification.Register, error) {
	reg, ok := d.Catalogue.Register(c.RegisterID)
	if !ok {
		return nil, fmt.Errorf("case %s is of an unknown register", c.PublicID)
	}
	var ids []string
	err := d.DB.InPerson(ctx, d.door(a, reg), func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select distinct register_id from holding where person_id = $1 order by 1`, a.ID)
		if err != nil {
			return fmt.Errorf("reading what a person holds: %w", err)
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return wrapIf(err, "reading what a person holds")
	})
	var out []*qualification.Register
	for _, id := range ids {
		if r, known := d.Catalogue.Register(id); known && slices.Contains(def.Base, r.Qualification) {
			out = append(out, r)
		}
	}
	return out, err
}

// writeBases queues what was attested, with the round that is handed in.
func (c *Case) writeBases(b *pg.Batch, tx *pg.Tx, bases []Attested) {
	for _, a := range bases {
		var until *calendar.Date
		if !a.ValidUntil.IsZero() {
			until = &a.ValidUntil
		}
		b.Exec("keeping an attestation", `
			insert into base_answer (register_id, application_id, id, round, base_register, number, state, valid_until, at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, c.RegisterID, c.ID, pg.NewID(), c.Round, a.Register, a.Number, a.State, until, tx.Now)
	}
}

// QueueBases adds the query for what was attested for the newest round, where the definition has a base.
func QueueBases(b *pg.Batch, c *Case, def *qualification.Definition, out *[]BaseAnswer) {
	if len(def.Base) == 0 {
		return
	}
	pg.Read(b, out, c.reading("base licences"), `
		select base_register, number, state, valid_until, at from base_answer
		 where register_id = $1 and application_id = $2 and round = $3 order by id`, c.RegisterID, c.ID, c.Round)
}
