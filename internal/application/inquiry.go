package application

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"akashi/internal/audit"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/job"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// The outside registries that a case can ask.
const (
	Resident = "resident"
	Family   = "family"
)

// Classes of answers that rules look at. A registry may answer with others; they are kept as they came and need a person.
const (
	ResidentAlive    = "match_alive"
	ResidentDeceased = "match_deceased"
	ResidentWithheld = "withheld" // found, but under support measures (支援措置): the address is told to nobody
	FamilyDetermined = "determined"
)

// undecidable are the answers of the family register from which the present domicile cannot be read: the order of the
// entries is unclear, or history before computerisation is not visible (the failure that the Digital Agency announced on
// 2024-12-10). They lead to a request for a document, never to a rejection.
var undecidable = []string{"partly_unknown_order", "partly_unknown_before_computerisation", "none", "multiple"}

// Question is what a registry is asked. RequestID makes it repeatable: the same id is the same question.
type Question struct {
	RequestID   uuid.UUID
	Business    string // 事務: qualification and procedure, for the registry's own check of the legal basis
	Purpose     string
	Particulars person.Particulars
}

// Reply is what a registry answered.
type Reply struct {
	Class  string
	Record map[string]string // particulars in the keys that definitions use; empty when the class has none
	Source string            // who answered, with the registry's own reference
	At     time.Time
}

// Ask puts one question to one registry. No transaction is open while it runs.
type Ask func(ctx context.Context, q Question) (Reply, error)

// Inquiry is one question and its answer.
type Inquiry struct {
	ID         uuid.UUID
	Round      int
	System     string
	State      string // waiting | answered | failed
	Class      *string
	Answer     map[string]string
	Source     *string
	AskedAt    time.Time
	AnsweredAt *time.Time
	Tries      int
}

// record is what definitions see of an answer: its class and its particulars, empty before it came.
func (q *Inquiry) record() map[string]string {
	m := map[string]string{}
	if q == nil || q.Class == nil {
		return m
	}
	for k, v := range q.Answer {
		m[k] = v
	}
	m["class"] = *q.Class
	return m
}

// Undecidable tells whether the answer leaves open what the document would show.
func (q *Inquiry) Undecidable() bool {
	return q != nil && q.System == Family && q.Class != nil && slices.Contains(undecidable, *q.Class)
}

// latest returns the newest question to a system, nil when it was never asked.
func latest(all []Inquiry, system string) *Inquiry {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].System == system {
			return &all[i]
		}
	}
	return nil
}

// Latest returns the newest question to a system, nil when it was never asked.
func Latest(all []Inquiry, system string) *Inquiry { return latest(all, system) }

// askResident asks the resident registry while the applicant waits, so that the form opens prefilled. It returns nil
// when the procedure does not ask it, and a waiting inquiry when it did not answer.
func (d *Desk) askResident(ctx context.Context, a Applicant, c *Case) *Inquiry {
	_, p, err := d.procedure(c)
	if err != nil || !slices.Contains(p.Inquiries, Resident) {
		return nil
	}
	if off := d.switchedOff(c, Resident); off != nil {
		return off
	}
	q := &Inquiry{ID: pg.NewID(), System: Resident, State: "waiting", AskedAt: c.CreatedAt}
	reply, err := d.Ask[Resident](ctx, question(c, q.ID, a.Card))
	if err != nil {
		return q // the job asks again; the form falls back on the card
	}
	q.accept(reply)
	return q
}

func (q *Inquiry) accept(r Reply) {
	q.State, q.Class, q.Answer, q.Source, q.AnsweredAt = "answered", &r.Class, r.Record, &r.Source, &r.At
}

func question(c *Case, id uuid.UUID, who person.Particulars) Question {
	return Question{RequestID: id, Business: c.DefinitionID + "." + c.ProcedureID, Purpose: "procedure", Particulars: who}
}

// queueInquiry writes a question, answered or waiting; a waiting one gets its job.
func (d *Desk) queueInquiry(ctx context.Context, tx *pg.Tx, b *pg.Batch, c *Case, q *Inquiry) error {
	if q == nil {
		return nil
	}
	b.Exec("recording an inquiry", `
		insert into inquiry (register_id, application_id, id, round, system, state, class, answer, source, asked_at, answered_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		c.RegisterID, c.ID, q.ID, c.Round, q.System, q.State, q.Class, q.Answer, q.Source, tx.Now, q.AnsweredAt)
	if q.State != "waiting" {
		return nil
	}
	return d.Enqueue(ctx, tx, InquireArgs{RegisterID: c.RegisterID, ApplicationID: c.ID.String(), InquiryID: q.ID.String()})
}

// SwitchedOff is the class that stands for the answer of a registry which the registrar has not switched on. It is no usable
// answer, so that a document is asked for from the start.
const SwitchedOff = "switched_off"

// switchedOff returns the answer of a registry that the registrar has not switched on, nil when it has. Nobody is asked, so
// nothing about it is in the person's log.
func (d *Desk) switchedOff(c *Case, system string) *Inquiry {
	g, ok := d.Catalogue.Registrar(c.RegistrarID)
	if !ok || g.Has(system) {
		return nil
	}
	class, source, at := SwitchedOff, "registrar", d.DB.Clock.Now()
	return &Inquiry{ID: pg.NewID(), System: system, State: "answered", Class: &class, Source: &source, AskedAt: at, AnsweredAt: &at}
}

// askAll records the questions that a submitted case still has to ask.
func (d *Desk) askAll(ctx context.Context, tx *pg.Tx, b *pg.Batch, v *View) error {
	for _, system := range v.Procedure.Inquiries {
		if latest(v.Inquiries, system) != nil {
			continue
		}
		if err := d.queueInquiry(ctx, tx, b, v.Case, &Inquiry{ID: pg.NewID(), System: system, State: "waiting"}); err != nil {
			return err
		}
	}
	return nil
}

// InquireArgs is the job that asks one question until it is answered.
type InquireArgs struct {
	RegisterID    string `json:"register_id"`
	ApplicationID string `json:"application_id"`
	InquiryID     string `json:"inquiry_id"`
}

// Kind names the job.
func (InquireArgs) Kind() string { return "application.inquire" }

// InsertOpts bounds the tries; after the last one the inquiry counts as failed and a person decides.
func (InquireArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: maxInquiryTries}
}

// maxInquiryTries spans about a day and a half: the delays double up to an hour and stay there. A registry that is silent
// for longer leaves the question to the reviewer.
const maxInquiryTries = 45

// Clerk does the jobs of this stage, under the worker's role.
type Clerk struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	Ask       map[string]Ask
	Blobs     *blob.Store
}

// Inquire asks one question: reads it, asks with no transaction open, records the answer. Asking again after a crash is
// the same question to the registry.
func (k *Clerk) Inquire(ctx context.Context, args InquireArgs) error {
	reg, ok := k.Catalogue.Register(args.RegisterID)
	if !ok {
		return fmt.Errorf("register %s of an inquiry is unknown", args.RegisterID)
	}
	caseID, inquiryID, err := parseIDs(args.ApplicationID, args.InquiryID)
	if err != nil {
		return err
	}
	q, who, c, err := k.readInquiry(ctx, reg, caseID, inquiryID)
	if err != nil || q == nil {
		return err
	}
	reply, askErr := k.Ask[q.System](ctx, question(c, q.ID, who))
	if job.Snoozed(askErr) {
		return askErr // the registry takes its time
	}
	err = k.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		c, err := LockCaseByID(ctx, tx, reg.ID, caseID)
		if err != nil {
			return err
		}
		if askErr != nil {
			return k.recordFailure(ctx, tx, c, q)
		}
		q.accept(reply)
		return k.recordAnswer(ctx, tx, c, q)
	})
	return errors.Join(askErr, err)
}

func parseIDs(a, b string) (uuid.UUID, uuid.UUID, error) {
	x, err := uuid.Parse(a)
	if err != nil {
		return x, x, fmt.Errorf("reading a job's ids: %w", err)
	}
	y, err := uuid.Parse(b)
	return x, y, wrapIf(err, "reading a job's ids")
}

// readInquiry returns nil when the question has been answered or its case has ended.
func (k *Clerk) readInquiry(ctx context.Context, reg *qualification.Register, caseID, inquiryID uuid.UUID) (q *Inquiry, who person.Particulars, c *Case, err error) {
	err = k.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		if c, err = LockCaseByID(ctx, tx, reg.ID, caseID); err != nil {
			return err
		}
		all, err := Inquiries(ctx, tx, c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(x Inquiry) bool { return x.ID == inquiryID && x.State == "waiting" })
		if i < 0 || c.State.Ended() {
			return nil
		}
		q, who = &all[i], c.Applicant
		return nil
	})
	return q, who, c, err
}

// Declared is who the applicant says they are: what the card said, and what the form asked again under the ids that every
// definition uses ("name", "name_kana", "birth_date", "sex", "address").
func Declared(c *Case) person.Particulars {
	who, v := c.Applicant, c.Answers.Values
	if v["name.family"] != "" {
		who.Name = person.Name{Family: v["name.family"], Given: v["name.given"]}
	}
	if v["name_kana.family"] != "" {
		who.NameKana = person.Name{Family: v["name_kana.family"], Given: v["name_kana.given"]}
	}
	if birth, err := calendar.ParseISO(v["birth_date"]); err == nil {
		who.BirthDate = birth
	}
	if v["sex"] != "" {
		who.Sex = person.Sex(v["sex"])
	}
	if v["address"] != "" {
		who.Address = v["address"]
	}
	return who
}

// withholds tells whether the answer says that the address is protected.
func (q *Inquiry) withholds() bool {
	return q != nil && q.System == Resident && q.Class != nil && *q.Class == ResidentWithheld
}

// Protected tells whether the resident registry withholds the applicant's address, so that no page of the office may show it.
func Protected(all []Inquiry) bool { return latest(all, Resident).withholds() }

// forgetAddress takes the protected address out of what the case knows: what the card said at login and what was prefilled
// from it before the registry answered.
func (c *Case) forgetAddress(p *qualification.Procedure) {
	c.Applicant.Address = ""
	for i := range p.Groups {
		for _, f := range p.Groups[i].Fields {
			if f.Prefill != "resident.address" {
				continue
			}
			for _, key := range append(f.Inputs(), f.Keys()...) {
				delete(c.Answers.Raw, key)
				delete(c.Answers.Values, key)
			}
		}
	}
}

// forgetStoredAddress does the same to a case that is stored. Frozen content that was not signed yet is dropped with the
// address in it; what was signed before the registry answered stays as it was signed.
func (c *Case) forgetStoredAddress(b *pg.Batch, tx *pg.Tx, cat *qualification.Catalogue) error {
	_, p, err := Pinned(cat, c)
	if err != nil {
		return err
	}
	c.forgetAddress(p)
	answers, err := json.Marshal(c.Answers)
	if err != nil {
		return fmt.Errorf("writing answers: %w", err)
	}
	b.ExecOne("forgetting a protected address", `
		update application set applicant = $3, answers = $4, revision = revision + 1 where register_id = $1 and id = $2`,
		c.RegisterID, c.ID, c.Applicant, answers)
	if err := c.reopen(b, tx); err != nil {
		return err
	}
	b.Exec("forgetting frozen content with a protected address", `
		update sign_request set bytes = '' where register_id = $1 and application_id = $2 and state = 'dropped'`, c.RegisterID, c.ID)
	return nil
}

// recordFailure counts a try; after the last one the inquiry has failed, and the reviewer sees that nothing was answered.
func (k *Clerk) recordFailure(ctx context.Context, tx *pg.Tx, c *Case, q *Inquiry) error {
	_, err := tx.Exec(ctx, `
		update inquiry set tries = tries + 1, state = case when tries + 1 >= $4 then 'failed' else state end
		 where register_id = $1 and application_id = $2 and id = $3 and state = 'waiting'`, c.RegisterID, c.ID, q.ID, maxInquiryTries)
	return wrapIf(err, "recording a failed inquiry")
}

var askActs = map[string]audit.Act{Resident: audit.ResidentAsk, Family: audit.FamilyAsk}

// asked is the audit line of an answered question, with the particulars that the registry showed.
func (c *Case) asked(q *Inquiry) audit.Event {
	return c.audited(askActs[q.System], audit.Actor{Kind: audit.ActorSystem, ID: InquireArgs{}.Kind()}, slices.Sorted(maps.Keys(q.Answer))...)
}

// recordAnswer stores the answer and, when it leaves the domicile open, asks the applicant for the document.
func (k *Clerk) recordAnswer(ctx context.Context, tx *pg.Tx, c *Case, q *Inquiry) error {
	var b pg.Batch
	b.ExecOne("recording an answer", `
		update inquiry set state = 'answered', class = $4, answer = $5, source = $6, answered_at = $7, tries = tries + 1
		 where register_id = $1 and application_id = $2 and id = $3 and state = 'waiting'`,
		c.RegisterID, c.ID, q.ID, q.Class, q.Answer, q.Source, q.AnsweredAt)
	c.event(&b, tx, "answered_"+q.System, "system", map[string]string{"class": *q.Class})
	if q.withholds() {
		if err := c.forgetStoredAddress(&b, tx, k.Catalogue); err != nil {
			return err
		}
	}
	err := b.Send(ctx, tx.Tx)
	if errors.Is(err, fault.Conflict) {
		return nil // another try of the same job has recorded it
	}
	if err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, c.asked(q)); err != nil {
		return err
	}
	return settleUndecidable(ctx, tx, k.Catalogue, c)
}

// settleUndecidable turns an answer that decides nothing into a request for the document that replaces it, once, as soon
// as an office has the case.
func settleUndecidable(ctx context.Context, tx *pg.Tx, cat *qualification.Catalogue, c *Case) error {
	if c.State != InReview && c.State != Forwarding {
		return nil
	}
	_, p, err := Pinned(cat, c)
	if err != nil {
		return err
	}
	inquiries, err := Inquiries(ctx, tx, c)
	if err != nil || !latest(inquiries, Family).Undecidable() {
		return err
	}
	i := slices.IndexFunc(p.Evidence, func(e qualification.Evidence) bool { return e.Replaces == Family })
	if i < 0 {
		return nil
	}
	have, err := documentHandled(ctx, tx, c, p.Evidence[i].ID)
	if err != nil || have {
		return err
	}
	return RequestCorrection(ctx, tx, cat, c, CorrectionOrder{
		Origin: "system", Due: calendar.AddBusinessDays(calendar.Of(tx.Now), correctionDays),
		Items: []CorrectionItem{{Item: "evidence:" + p.Evidence[i].ID, Reason: "family_undecidable"}},
	})
}

// documentHandled tells whether a document was handed in or has been asked for already.
func documentHandled(ctx context.Context, tx *pg.Tx, c *Case, evidenceID string) (bool, error) {
	uploads, err := Uploads(ctx, tx, c)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(uploads, func(u Upload) bool { return u.EvidenceID == evidenceID }) {
		return true, nil
	}
	corrections, err := Corrections(ctx, tx, c)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(corrections, func(k Correction) bool { return k.Asks("evidence:" + evidenceID) }), nil
}

// Sweep closes drafts whose time has passed and forgets what was in them and in drafts that were withdrawn, a few at a
// time. It returns how many it dealt with. A case that was handed in has no expiry.
func (k *Clerk) Sweep(ctx context.Context, limit int) (int, error) {
	closed := 0
	for _, r := range k.Catalogue.Keepers() {
		err := k.DB.InRegistrar(ctx, r.ID, func(tx *pg.Tx) error {
			rows, err := tx.Query(ctx, `
				select `+caseColumns+` from application
				 where registrar_id = $1 and (state in ('draft', 'signing') and expires_at < $2
				    or state = 'withdrawn' and expires_at is not null)
				 order by expires_at limit $3 for update skip locked`, r.ID, tx.Now, limit)
			if err != nil {
				return fmt.Errorf("reading expired drafts: %w", err)
			}
			found, err := pgx.CollectRows(rows, scanCase)
			if err != nil {
				return fmt.Errorf("reading expired drafts: %w", err)
			}
			closed += len(found)
			return expire(ctx, tx, found)
		})
		if err != nil {
			return closed, err
		}
	}
	return closed, nil
}

// expire ends drafts and forgets what was typed, frozen, answered and handed in; their files are deleted once nothing else
// uses them.
func expire(ctx context.Context, tx *pg.Tx, found []*Case) error {
	var b pg.Batch
	var events []audit.Event
	for _, c := range found {
		uploads, err := Uploads(ctx, tx, c)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			unuse(&b, tx, u.SHA256)
		}
		if c.OnPaper() {
			b.Exec("forgetting what was seen of a paper", `delete from paper_receipt where register_id = $1 and application_id = $2`, c.RegisterID, c.ID)
		}
		b.Exec("forgetting the documents of a draft", `delete from upload where register_id = $1 and application_id = $2`, c.RegisterID, c.ID)
		b.ExecOne("forgetting a draft", `
			update application set expires_at = null, answers = '{"raw":{},"values":{}}', applicant = $3 where register_id = $1 and id = $2`,
			c.RegisterID, c.ID, person.Particulars{})
		b.Exec("forgetting frozen content", `
			update sign_request set state = 'dropped', bytes = '' where register_id = $1 and application_id = $2`, c.RegisterID, c.ID)
		b.Exec("forgetting what a registry answered", `
			update inquiry set answer = null where register_id = $1 and application_id = $2`, c.RegisterID, c.ID)
		if c.State == Withdrawn { // a draft that its applicant gave up has ended already
			continue
		}
		c.move(&b, tx, Expired)
		c.event(&b, tx, "expired", "system", nil)
		c.notify(&b, tx, "expired")
		events = append(events, c.audited(audit.ApplicationExpire, audit.Actor{Kind: audit.ActorSystem, ID: "application.sweep"}))
	}
	if err := b.Send(ctx, tx.Tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, events...)
}
