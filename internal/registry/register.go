package registry

import (
	"context"
	"fmt"
	"maps"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// Enter changes the register as an approved decision says and returns the change for the credential stage. It runs
// inside the decision's transaction; the number is taken from its series there, so that a transaction that fails leaves
// no gap and two at once get two numbers.
func Enter(ctx context.Context, tx *pg.Tx, d review.Decided) (Change, error) {
	act, err := actOf(d)
	if err != nil {
		return Change{}, err
	}
	switch act {
	case ActRegister:
		return register(ctx, tx, d)
	case ActLink:
		return link(ctx, tx, d)
	}
	e, err := lockEntry(ctx, tx, d.Case.RegisterID, d.Case.EntryID)
	if err != nil {
		return Change{}, err
	}
	if d.Procedure != nil && act != ActReport {
		maps.Copy(e.Facts, d.Procedure.ItemValues(d.Case.Answers.Values))
		e.Class = d.Definition.Class(e.Facts)
	}
	if act == ActSuspend {
		if e.SuspendedUntil, err = termOf(d); err != nil {
			return Change{}, err
		}
	}
	if act == ActRenew {
		if err := renew(e, d); err != nil {
			return Change{}, err
		}
	}
	return alter(ctx, tx, d, e, act)
}

// termOf is the last day of a suspension as it was decided, zero when it has no end. One that had passed before the second person
// agreed would suspend nobody.
func termOf(d review.Decided) (calendar.Date, error) {
	said := d.Case.Answers.Values[review.MeasureUntil]
	if said == "" {
		return calendar.Date{}, nil
	}
	until, err := calendar.ParseISO(said)
	if err != nil {
		return calendar.Date{}, fault.Wrap(fault.Internal, err, "reading the last day of a suspension")
	}
	if until.Before(d.On) {
		return calendar.Date{}, fault.New(fault.Conflict, "fault.suspension_over", "suspending an entry until a day that has passed")
	}
	return until, nil
}

// renew counts the term of an entry anew: from the day after its end, or from the decision when it has ended.
func renew(e *Entry, d review.Decided) (err error) {
	from := d.On
	if !e.Expired(d.On) && !e.ValidUntil.IsZero() {
		from = e.ValidUntil.AddDays(1)
	}
	e.ValidUntil, err = d.Definition.ExpiresOn(e.Facts, from)
	return err
}

var acts = map[qualification.Effect]Act{
	qualification.EffectRegister: ActRegister, qualification.EffectChange: ActChange, qualification.EffectReissue: ActReissue,
	qualification.EffectCancel: ActCancel, qualification.EffectLink: ActLink, qualification.EffectRenew: ActRenew, qualification.EffectReport: ActReport,
}

var measures = map[string]Act{review.MeasureSuspend: ActSuspend, review.MeasureRevoke: ActRevoke, review.MeasureRestore: ActRestore}

// actOf reads from a decision what is to be done.
func actOf(d review.Decided) (Act, error) {
	if d.Case.ProcedureID == review.MeasureProcedure {
		if act, ok := measures[d.Case.Answers.Values["measure"]]; ok {
			return act, nil
		}
	} else if d.Procedure != nil {
		if act, ok := acts[d.Procedure.Effect]; ok {
			return act, nil
		}
	}
	return "", fmt.Errorf("case %s asks for nothing that the register knows", d.Case.PublicID)
}

// register makes a new entry with the next number of its series.
func register(ctx context.Context, tx *pg.Tx, d review.Decided) (Change, error) {
	e := &Entry{RegisterID: d.Case.RegisterID, ID: pg.NewID(), RegistrarID: d.Case.RegistrarID, PersonRef: holderOf(d.Case),
		State: Registered, RegisteredOn: d.On, Facts: d.Procedure.ItemValues(d.Case.Answers.Values), Revision: 1, UpdatedAt: tx.Now}
	k, err := keysOf(e.Facts)
	if err != nil {
		return Change{}, err
	}
	e.Class = d.Definition.Class(e.Facts)
	if e.ValidUntil, err = d.Definition.ExpiresOn(e.Facts, d.On); err != nil {
		return Change{}, err
	}
	series := d.Definition.Series(e.Facts)
	ordinal, err := nextOrdinal(ctx, tx, d, e, series)
	if err != nil {
		return Change{}, err
	}
	e.Number = d.Definition.FormatNumber(ordinal, e.Facts)
	var b pg.Batch
	b.Exec("entering a person in the register", `
		insert into entry (register_id, id, registrar_id, number, series, ordinal, person_ref, state, prior_state, registered_on,
		  facts, name_key, kana_key, grams, key_version, birth_date, revision, updated_at, class, valid_until)
		values ($1, $2, $3, $4, $5, $6, $7, 'registered', 'registered', $8, $9, $10, $11, $12, $13, $14, 1, $15, $16, $17)`,
		e.RegisterID, e.ID, e.RegistrarID, e.Number, series, ordinal, e.PersonRef, e.RegisteredOn,
		e.Facts, k.name, k.kana, k.grams, jtext.KeyVersion, k.birth, tx.Now, e.Class, orNull(e.ValidUntil))
	e.remember(&b, tx, d, ActRegister)
	if err := b.SendLater(ctx, tx); err != nil {
		return Change{}, err
	}
	if e.PersonRef != nil {
		if err := holdBy(ctx, tx, e, *e.PersonRef); err != nil {
			return Change{}, err
		}
	}
	return Change{Entry: e, Act: ActRegister}, audit.Record(ctx, tx, e.audited(d, audit.EntryCreate))
}

// holderOf is the reference of the person who will hold the entry that a case makes: nobody's for a case that came on paper, until
// the person links it with their card.
func holderOf(c *application.Case) *uuid.UUID {
	if c.OnPaper() {
		return nil
	}
	return &c.PersonRef
}

// nextOrdinal takes the next number of the series, whose counter's row is locked until the transaction ends, and refuses
// a second living entry of one person and class in a register: two approvals of one person run one after the other at the counter,
// and the later one sees the earlier entry. Whoever measures or tests with many registrations needs as many persons.
func nextOrdinal(ctx context.Context, tx *pg.Tx, d review.Decided, e *Entry, series string) (int64, error) {
	var b pg.Batch
	var next []int64
	var there []bool
	pg.ReadBy(&b, &next, pgx.RowTo[int64], "taking the next registration number", `
		insert into numbering as s (register_id, series, next) values ($1, $2, $3 + 1)
		on conflict on constraint numbering_pkey do update set next = s.next + 1
		returning next - 1`, e.RegisterID, series, d.Definition.Number.First)
	pg.ReadBy(&b, &there, pgx.RowTo[bool], "looking for an entry of the person", `
		select exists (select 1 from entry where register_id = $1 and person_ref = $2 and class = $3 and state in ('registered', 'suspended'))`,
		e.RegisterID, e.PersonRef, e.Class)
	if err := b.Send(ctx, tx); err != nil {
		return 0, err
	}
	if there[0] {
		return 0, fault.New(fault.Conflict, "fault.entry_exists", "registering a person who is in the register")
	}
	return next[0], nil
}

// holdBy ties an entry to the person behind the reference, on the person's side.
func holdBy(ctx context.Context, tx *pg.Tx, e *Entry, ref uuid.UUID) error {
	if err := tx.ForRef(ctx, ref); err != nil {
		return err
	}
	var held bool
	if err := tx.QueryRow(ctx, `select link_holding($1, $2, $3, $4)`, ref, e.RegisterID, e.ID, tx.Now).Scan(&held); err != nil {
		return fmt.Errorf("tying an entry to its holder: %w", err)
	}
	if !held { // the entry would stand in the register and in nobody's hands
		return fault.New(fault.Internal, "", "tying an entry to a reference that no person has")
	}
	return nil
}

// alter moves an entry by an act, with the particulars that the caller has set.
func alter(ctx context.Context, tx *pg.Tx, d review.Decided, e *Entry, act Act) (Change, error) {
	to := act.after(e.State)
	if !May(e.State, to) || to == e.State && act.measure() {
		return Change{}, fault.New(fault.Conflict, "fault.entry_moved_on", fmt.Sprintf("%s of an entry that is %s", act, e.State))
	}
	k, err := keysOf(e.Facts)
	if err != nil {
		return Change{}, err
	}
	if to != Suspended {
		e.SuspendedUntil = calendar.Date{}
	}
	var b pg.Batch
	b.ExecOne("changing an entry", `
		update entry
		   set prior_state = state, state = $4, facts = $5, name_key = $6, kana_key = $7, grams = $8, key_version = $9,
		       birth_date = $10, person_ref = $11, revision = revision + 1, updated_at = $12, class = $13, valid_until = $14,
		       suspended_until = $15
		 where register_id = $1 and id = $2 and state = $3`,
		e.RegisterID, e.ID, string(e.State), string(to), e.Facts, k.name, k.kana, k.grams, jtext.KeyVersion, k.birth, e.PersonRef, tx.Now,
		e.Class, orNull(e.ValidUntil), orNull(e.SuspendedUntil))
	e.State, e.Revision, e.UpdatedAt = to, e.Revision+1, tx.Now
	e.remember(&b, tx, d, act)
	err = b.Send(ctx, tx.Tx)
	if pg.Violates(err, "entry_one_living") { // a link or a restoration, where a later entry of the person stands
		return Change{}, &fault.Error{Kind: fault.Conflict, Key: "fault.entry_exists", Doing: "giving a person a second entry", Err: err}
	}
	if err != nil {
		return Change{}, err
	}
	return Change{Entry: e, Act: act}, audit.Record(ctx, tx, e.audited(d, auditActs[act]))
}

var auditActs = map[Act]audit.Act{ActChange: audit.EntryChange, ActReissue: audit.EntryChange, ActRenew: audit.EntryChange, ActReport: audit.EntryChange, ActCancel: audit.EntryCancel,
	ActLink: audit.EntryLink, ActSuspend: audit.EntrySuspend, ActRevoke: audit.EntryRevoke, ActRestore: audit.EntryRestore, ActLapse: audit.EntryRestore}

// link ties an entry that was registered before the platform to the person who applied. The number and the declared
// particulars must be those of one living entry that nobody holds; the reviewer has compared the rest.
func link(ctx context.Context, tx *pg.Tx, d review.Decided) (Change, error) {
	e, err := lockByNumber(ctx, tx, d.Case.RegisterID, d.Case.Answers.Values[numberField(d.Procedure)])
	if err != nil {
		return Change{}, err
	}
	who := application.Declared(d.Case)
	if e.PersonRef != nil && *e.PersonRef != d.Case.PersonRef {
		return Change{}, fault.New(fault.Conflict, "fault.entry_held", "linking an entry that another person holds")
	}
	if e.Facts["birth_date"] != who.BirthDate.String() {
		return Change{}, fault.New(fault.Conflict, "fault.entry_differs", "linking an entry with another birth date")
	}
	e.PersonRef = &d.Case.PersonRef
	change, err := alter(ctx, tx, d, e, ActLink)
	if err != nil {
		return Change{}, err
	}
	return change, holdBy(ctx, tx, e, d.Case.PersonRef)
}

// numberField is the id of the field that asks for a registration number.
func numberField(p *qualification.Procedure) string {
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			if f.Kind == qualification.KindRegNumber {
				return f.ID
			}
		}
	}
	return ""
}

// remember queues the line of the history.
func (e *Entry) remember(b *pg.Batch, tx *pg.Tx, d review.Decided, act Act) {
	var of *uuid.UUID
	if d.Case != nil {
		of = &d.Case.ID
	}
	var until *calendar.Date
	if act == ActSuspend {
		until = orNull(e.SuspendedUntil)
	}
	b.Exec("writing the history of an entry", `
		insert into entry_history (register_id, entry_id, revision, registrar_id, person_ref, at, effective_on, act, state, facts, application_id, until)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		e.RegisterID, e.ID, e.Revision, e.RegistrarID, e.PersonRef, tx.Now, d.On, string(act), string(e.State), e.Facts, of, until)
}

func (e *Entry) audited(d review.Decided, act audit.Act) audit.Event {
	v := audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "registry.enter"}, Purpose: "procedure",
		Register: e.RegisterID, Registrar: e.RegistrarID, Entry: e.ID}
	if d.Case != nil {
		v.Case = d.Case.ID
	} else {
		v.Actor.ID = "registry.lift"
	}
	if e.PersonRef != nil {
		v.Ref = *e.PersonRef
	}
	return v
}
