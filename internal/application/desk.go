package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// Enqueue adds a job to the act's transaction.
type Enqueue func(ctx context.Context, tx *pg.Tx, args river.JobArgs) error

// Charge adds to the submission's statements what is to be paid. The wiring passes in payment.Charger.Charge, since payment is
// the later stage.
type Charge func(b *pg.Batch, tx *pg.Tx, c *Case, lines []qualification.FeeLine) error

// FindEntry adds the query that reads the person's living entries in a register through the person's own door: none, one,
// or one of each class. The wiring passes in registry.Own.
type FindEntry func(b *pg.Batch, registerID string, ref uuid.UUID, out *[]Entry)

// FindHeld adds the query for the living entry of a register with a number, or, where that is "", with an id: none or one. The wiring
// passes in registry.Held.
type FindHeld func(b *pg.Batch, registerID, number string, id uuid.UUID, out *[]HeldEntry)

// HeldEntry is an entry as the counter needs it: with the reference of its holder, nil when nobody holds it.
type HeldEntry struct {
	Entry
	Ref *uuid.UUID
}

// Attest adds the query for what a register says about a person's entries there, through the person's own door. The wiring
// passes in registry.Attest.
type Attest func(b *pg.Batch, registerID string, ref uuid.UUID, out *[]Attested)

// Config is what a Desk needs.
type Config struct {
	DB        *pg.DB                   // under the citizen portal's role
	Catalogue *qualification.Catalogue // all definitions
	RefKey    []byte                   // makes a registrar's reference from a person's id
	Blobs     *blob.Store
	Verify    VerifySignature
	Ask       map[string]Ask // by system: "resident", "family"
	Enqueue   Enqueue
	Charge    Charge
	Ended     Ended
	Entry     FindEntry
	Attest    Attest
	Held      FindHeld // at a counter alone, where Verify, RefKey and Attest are not needed
}

// Desk is where a citizen's request is made, corrected, followed and withdrawn.
type Desk struct{ Config }

// NewDesk returns a desk.
func NewDesk(c Config) *Desk { return &Desk{c} }

// Locate reads from a public id which register, and so which registrar, a case belongs to.
func Locate(cat *qualification.Catalogue, publicID string) (*qualification.Register, error) {
	_, code, err := publicid.Parse(publicID)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading a public id")
	}
	r, ok := cat.RegisterByCode(code)
	if !ok {
		return nil, fault.New(fault.NotFound, "", "finding the register of a public id")
	}
	return r, nil
}

// door names the person and the reference that the registrar of a register has for them.
func (d *Desk) door(a Applicant, r *qualification.Register) pg.Person {
	return pg.Person{ID: a.ID, Ref: account.RefFor(d.RefKey, a.ID, r.Registrar)}
}

// InCase runs f, an act, on one case of the applicant: nobody else can move the case meanwhile.
func (d *Desk) InCase(ctx context.Context, a Applicant, publicID string, f func(*pg.Tx, *Case) error) error {
	return d.in(ctx, a, publicID, LockCase, f)
}

// Look runs f, which only reads, on one case of the applicant.
func (d *Desk) Look(ctx context.Context, a Applicant, publicID string, f func(*pg.Tx, *Case) error) error {
	return d.in(ctx, a, publicID, ReadCase, f)
}

type findCase func(ctx context.Context, tx *pg.Tx, registerID, publicID string) (*Case, error)

func (d *Desk) in(ctx context.Context, a Applicant, publicID string, find findCase, f func(*pg.Tx, *Case) error) error {
	r, err := Locate(d.Catalogue, publicID)
	if err != nil {
		return err
	}
	err = d.DB.InPerson(ctx, d.door(a, r), func(tx *pg.Tx) error {
		c, err := find(ctx, tx, r.ID, publicID)
		if err == nil && (c.Origin == OriginOffice || c.OnPaper()) {
			err = fault.New(fault.NotFound, "", "a case of the office itself or of the counter, at the applicant's door")
		}
		if err != nil {
			return err
		}
		return f(tx, c)
	})
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	return errors.Join(err, Refused(ctx, d.DB, d.door(a, r), r))
}

// Refused records that a person asked for something that is not behind their door at the registrar: a case, a document of
// it, an entry. Whose it is, if anybody's, is not known here.
func Refused(ctx context.Context, db *pg.DB, door pg.Person, r *qualification.Register) error {
	return db.InPerson(ctx, door, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.PersonRefused, Actor: audit.Actor{Kind: audit.ActorPerson}, Register: r.ID,
			Registrar: r.Registrar, Ref: door.Ref, Outcome: "not_found"})
	})
}

// procedure returns the pinned definition and procedure of a case.
func (d *Desk) procedure(c *Case) (*qualification.Definition, *qualification.Procedure, error) {
	return Pinned(d.Catalogue, c)
}

// Pinned returns the version of the definition that a case was made under, and its procedure.
func Pinned(cat *qualification.Catalogue, c *Case) (*qualification.Definition, *qualification.Procedure, error) {
	def, err := c.Definition(cat)
	if err != nil {
		return nil, nil, err
	}
	p := def.Procedure(c.ProcedureID)
	if p == nil {
		return nil, nil, fmt.Errorf("case %s is about procedure %s, which %s %s does not have", c.PublicID, c.ProcedureID, def.ID, def.Version)
	}
	return def, p, nil
}

// Start opens a draft, or goes on with the one that the person has begun. The resident registry is asked by the card's four particulars first, so that the form is
// prefilled; when it does not answer, the draft opens all the same and a job asks again. Returns fault.Invalid when the
// procedure is not open at this register on this day.
func (d *Desk) Start(ctx context.Context, a Applicant, registerID, procedureID, lang string) (*Case, error) {
	return d.StartOnce(ctx, a, pg.NewID(), registerID, procedureID, lang)
}

// StartOnce is Start under an idempotency key: a second call by the same person with the same key returns the case of the
// first as it stands.
func (d *Desk) StartOnce(ctx context.Context, a Applicant, key uuid.UUID, registerID, procedureID, lang string) (*Case, error) {
	return d.StartOn(ctx, a, key, registerID, procedureID, lang, uuid.Nil)
}

// StartOn is StartOnce about one of the entries that the person holds in the register. uuid.Nil stands for the only one;
// a person with several has to name it (fault.Invalid, "fault.which_entry"). An entry that is not theirs is fault.NotFound.
// Procedures that lead to an entry take none.
func (d *Desk) StartOn(ctx context.Context, a Applicant, key uuid.UUID, registerID, procedureID, lang string, entry uuid.UUID) (*Case, error) {
	reg, ok := d.Catalogue.Register(registerID)
	if !ok {
		return nil, fault.New(fault.NotFound, "", "starting an application at an unknown register")
	}
	now := d.DB.Clock.Now()
	def, ok := d.Catalogue.Filing(reg.Qualification, calendar.Of(now))
	if !ok || def.Procedure(procedureID) == nil {
		return nil, fault.New(fault.NotFound, "", "starting an unknown procedure")
	}
	if !d.Catalogue.Offered(reg.ID, procedureID, "online", calendar.Of(now)) {
		return nil, fault.New(fault.Invalid, "fault.not_offered", "starting a procedure that is not open")
	}
	if !NeedsEntry(def.Procedure(procedureID).Effect) {
		entry = uuid.Nil
	}
	if c, err := d.begun(ctx, a, reg, def, key, procedureID, entry); c != nil || err != nil {
		return c, err
	}
	c := d.newCase(a, reg, def, procedureID, lang, now)
	c.ID = key
	asked := d.askResident(ctx, a, c)
	err := d.DB.InPerson(ctx, d.door(a, reg), func(tx *pg.Tx) error { return d.insert(ctx, tx, a, c, asked, entry) })
	if pg.Violates(err, "application_pkey") { // the same key at the same time: the other call was faster
		if c, err := d.started(ctx, a, reg, key); c != nil || err != nil {
			return c, err
		}
		return nil, errors.Join(fault.New(fault.Conflict, "", "starting an application under a key that another person used"),
			Refused(ctx, d.DB, d.door(a, reg), reg))
	}
	if errors.Is(err, fault.NotFound) {
		return nil, errors.Join(err, Refused(ctx, d.DB, d.door(a, reg), reg))
	}
	return c, err
}

// started finds the case that the person began under a key, nil when there is none.
func (d *Desk) started(ctx context.Context, a Applicant, reg *qualification.Register, key uuid.UUID) (c *Case, err error) {
	err = d.DB.InPerson(ctx, d.door(a, reg), func(tx *pg.Tx) error {
		c, err = LockCaseByID(ctx, tx, reg.ID, key)
		return err
	})
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return c, err
}

// begun finds the case of a key, or what the person has begun and not handed in: starting again goes on with it, so that
// nobody fills in a form twice, and the registry is not asked anew. Nil when there is neither.
func (d *Desk) begun(ctx context.Context, a Applicant, reg *qualification.Register, def *qualification.Definition, key uuid.UUID, procedureID string, entry uuid.UUID) (*Case, error) {
	var found []*Case
	err := d.DB.InPerson(ctx, d.door(a, reg), func(tx *pg.Tx) error {
		found = nil
		var b pg.Batch
		pg.ReadBy(&b, &found, scanCase, "reading the case of a key", `select `+caseColumns+` from application where register_id = $1 and id = $2`, reg.ID, key)
		pg.ReadBy(&b, &found, scanCase, "reading what a person has begun", `
			select `+caseColumns+` from application
			 where register_id = $1 and person_ref = $2 and procedure_id = $3 and definition_version = $4
			   and origin = 'citizen' and state in ('draft', 'signing') and expires_at > $5 and ($6::uuid is null or entry_id = $6)
			 order by created_at desc limit 1`,
			reg.ID, account.RefFor(d.RefKey, a.ID, reg.Registrar), procedureID, def.Version, tx.Now, named(entry))
		return b.SendLast(ctx, tx)
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// named is an id, nil for none.
func named(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func (d *Desk) newCase(a Applicant, reg *qualification.Register, def *qualification.Definition, procedureID, lang string, now time.Time) *Case {
	expires := now.Add(draftLife)
	return &Case{
		RegisterID: reg.ID, ID: pg.NewID(), PublicID: publicid.New(reg.Code), RegistrarID: reg.Registrar, BodyID: reg.Registrar,
		PersonRef: account.RefFor(d.RefKey, a.ID, reg.Registrar), DefinitionID: def.ID, DefinitionVersion: def.Version,
		ProcedureID: procedureID, Channel: "online", Origin: OriginCitizen, Lang: lang, State: Draft, Applicant: a.Card,
		Answers:  qualification.Answers{Raw: map[string]string{}, Values: map[string]string{}},
		Revision: 1, CreatedAt: now, UpdatedAt: now, ExpiresAt: &expires,
	}
}

// insert writes a new draft about an entry (see choose) with its directory line, its first inquiry and the prefilled answers.
func (d *Desk) insert(ctx context.Context, tx *pg.Tx, a Applicant, c *Case, asked *Inquiry, on uuid.UUID) error {
	def, p, err := d.procedure(c)
	if err != nil {
		return err
	}
	held, err := alone(ctx, tx, func(b *pg.Batch, out *[]Entry) { d.Entry(b, c.RegisterID, c.PersonRef, out) })
	if err != nil {
		return err
	}
	entry, err := choose(held, p, on)
	if err != nil {
		return err
	}
	if err := inWindow(def, p, entry, calendar.Of(tx.Now)); err != nil {
		return err
	}
	if entry != nil {
		c.EntryID = &entry.ID
	}
	if asked.withholds() {
		c.forgetAddress(p)
	}
	f := facts(c, tx.Now, asked, nil)
	f.Official = official(a.Card, asked, entry)
	for i := range p.Groups {
		c.Answers = p.Prefill(&p.Groups[i], c.Answers, f)
	}
	var b pg.Batch
	if err := insertCase(&b, c); err != nil {
		return err
	}
	b.Exec("writing the directory", `
		insert into person_application (person_id, public_id, register_id, application_id, person_ref, definition_id, procedure_id, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, c.PublicID, c.RegisterID, c.ID, c.PersonRef, c.DefinitionID, c.ProcedureID, tx.Now)
	c.event(&b, tx, "started", "applicant", nil)
	if err := d.queueInquiry(ctx, tx, &b, c, asked); err != nil {
		return err
	}
	events := []audit.Event{c.audited(audit.ApplicationStart, a.actor())}
	if off := d.switchedOff(c, Family); off != nil && slices.Contains(p.Inquiries, Family) {
		if err := d.queueInquiry(ctx, tx, &b, c, off); err != nil {
			return err
		}
	}
	if asked != nil && asked.State == "answered" && *asked.Class != SwitchedOff { // asked while the person waited: they see that look, too
		c.event(&b, tx, "answered_"+asked.System, "system", map[string]string{"class": *asked.Class})
		events = append(events, c.asked(asked))
	}
	if err := audit.Queue(&b, tx.Now, events...); err != nil {
		return err
	}
	var w rollout.Watch
	w.Queue(&b, c.DefinitionID)
	if err := b.Send(ctx, tx.Tx); err != nil {
		return err
	}
	return w.MustBeOpen(d.Catalogue, c.RegisterID, c.ProcedureID, c.Channel, calendar.Of(tx.Now))
}

// Entry is what the applicant's own door shows of an entry of the register, for prefilling.
type Entry struct {
	ID           uuid.UUID
	Number       string
	RegisteredOn calendar.Date
	Facts        map[string]string // by register item
	Class        string
	ValidUntil   calendar.Date // last day of its term, zero when it has none
}

// official gathers the official values by the keys that definitions use: what the resident registry answered, else what
// the card said, and what the person's entry says.
func official(card person.Particulars, resident *Inquiry, entry *Entry) map[string]string {
	out := map[string]string{}
	record := resident.record()
	if record["name"] == "" {
		record = Record(card)
	}
	if resident.withholds() {
		delete(record, "address") // the card says it, and the case must not
	}
	for _, k := range []string{"name", "kana", "birth_date", "sex", "address"} {
		if record[k] != "" {
			out["resident."+k] = record[k]
		}
	}
	if entry != nil {
		for k, v := range entry.Facts {
			out["entry."+k] = v
		}
		out["entry.number"], out["entry.registered_on"] = entry.Number, entry.RegisteredOn.String()
	}
	return out
}

func wrapIf(err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// actor is who the audit line names.
func (a Applicant) actor() audit.Actor {
	if a.teller != nil {
		return a.teller.actor()
	}
	return audit.Actor{Kind: audit.ActorPerson}
}

// act is what the audit line says was done: at a counter it was staff who did it.
func (a Applicant) act(act audit.Act) audit.Act {
	if a.teller == nil {
		return act
	}
	switch act {
	case audit.ApplicationSave:
		return audit.PaperSave
	case audit.ApplicationSign:
		return audit.PaperFreeze
	case audit.ApplicationSubmit:
		return audit.PaperEnter
	case audit.ApplicationCorrect:
		return audit.PaperCorrect
	case audit.ApplicationWithdraw:
		return audit.PaperWithdraw
	}
	return act
}

// filer is who the timeline says handed the case in.
func (a Applicant) filer() string {
	if a.teller != nil {
		return "staff"
	}
	return "applicant"
}

// audited is the audit line of an act on the case.
func (c *Case) audited(act audit.Act, actor audit.Actor, items ...string) audit.Event {
	return audit.Event{Act: act, Actor: actor, Purpose: "procedure", Register: c.RegisterID, Registrar: c.RegistrarID,
		Ref: c.PersonRef, Case: c.ID, Items: items}
}

// send sends the statements of an act on the case, with the act's audit line.
func (c *Case) send(ctx context.Context, tx *pg.Tx, b *pg.Batch, act audit.Act, actor audit.Actor, items ...string) error {
	if err := audit.Queue(b, tx.Now, c.audited(act, actor, items...)); err != nil {
		return err
	}
	return b.Send(ctx, tx)
}

// Audited is the audit line of a later stage's act on the case.
func (c *Case) Audited(act audit.Act, actor audit.Actor, purpose string, items ...string) audit.Event {
	e := c.audited(act, actor, items...)
	e.Purpose = purpose
	return e
}

// Summary is one line of a person's list of applications.
type Summary struct {
	Case
}

// List returns the person's applications, newest first. Each registrar is asked under its own reference.
func (d *Desk) List(ctx context.Context, a Applicant) ([]Summary, error) {
	dir, err := d.directory(ctx, a)
	if err != nil {
		return nil, err
	}
	var out []Summary
	for _, ref := range dir {
		err := d.DB.InPerson(ctx, pg.Person{ID: a.ID, Ref: ref}, func(tx *pg.Tx) error {
			found, err := summaries(ctx, tx, ref)
			out = append(out, found...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	sortNewest(out)
	return out, nil
}

// References lists the references under which registrars know the person, one for each registrar with an application of
// theirs, for reading what the log says under them.
func (d *Desk) References(ctx context.Context, a Applicant) ([]uuid.UUID, error) {
	return d.directory(ctx, a)
}

// directory lists the references under which the person has applications.
func (d *Desk) directory(ctx context.Context, a Applicant) (refs []uuid.UUID, err error) {
	err = d.DB.InPerson(ctx, pg.Person{ID: a.ID}, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select distinct person_ref from person_application where person_id = $1`, a.ID)
		if err != nil {
			return fmt.Errorf("reading the directory: %w", err)
		}
		refs, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return wrapIf(err, "reading the directory")
	})
	return refs, err
}
