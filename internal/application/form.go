package application

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"akashi/internal/audit"
	"akashi/internal/blob"
	"akashi/internal/fault"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// View is everything the applicant's pages show of one case.
type View struct {
	Case        *Case
	Definition  *qualification.Definition
	Procedure   *qualification.Procedure
	Facts       qualification.Facts
	Uploads     []Upload
	Corrections []Correction
	Submissions []Submission
	Inquiries   []Inquiry
	Events      []Event
	Request     *SignRequest // the frozen content, while it waits for the signature
	Outcome     *Outcome     // the decision, once there is one
	Entry       *Entry       // the person's living entry in the register, if there is one
	Receipts    []Receipt    // of rounds that came on paper, first round first
}

// Correction returns the correction that is open, nil when none is.
func (v *View) Correction() *Correction {
	if n := len(v.Corrections); n > 0 && v.Corrections[n-1].AnsweredAt == nil {
		return &v.Corrections[n-1]
	}
	return nil
}

// MayEdit tells whether the applicant may change a field or document ("evidence:<id>") now: everything in a draft, only
// what was asked in a correction.
func (v *View) MayEdit(item string) bool {
	switch v.Case.State {
	case Draft, Signing:
		return true
	case CorrectionRequested, CorrectionSigning:
		return v.Correction().Asks(item)
	}
	return false
}

// Groups returns the pages of the form that the applicant goes through now.
func (v *View) Groups() ([]*qualification.Group, error) {
	var out []*qualification.Group
	for i := range v.Procedure.Groups {
		g := &v.Procedure.Groups[i]
		visible, err := v.Procedure.Visible(g, v.Facts)
		if err != nil {
			return nil, fmt.Errorf("deciding whether group %s is asked: %w", g.ID, err)
		}
		if visible && v.editsGroup(g) {
			out = append(out, g)
		}
	}
	return out, nil
}

func (v *View) editsGroup(g *qualification.Group) bool {
	return slices.ContainsFunc(g.Fields, func(f qualification.Field) bool { return v.MayEdit(f.ID) })
}

// View reads a case for its applicant.
func (d *Desk) View(ctx context.Context, a Applicant, publicID string) (*View, error) {
	return d.ViewWith(ctx, a, publicID, func(*pg.Batch, *pg.Tx, *Case) {})
}

// More adds statements about a case to those that read it, so that they travel together.
type More func(b *pg.Batch, tx *pg.Tx, c *Case)

// ViewWith is View with more statements, such as those of a later stage.
func (d *Desk) ViewWith(ctx context.Context, a Applicant, publicID string, more More) (v *View, err error) {
	err = d.Look(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
		var b pg.Batch
		more(&b, tx, c)
		v, err = d.viewWith(tx, a, c, &b, func() error { return b.SendLast(ctx, tx) })
		return err
	})
	return v, err
}

func (d *Desk) view(ctx context.Context, tx *pg.Tx, a Applicant, c *Case) (*View, error) {
	var b pg.Batch
	return d.viewWith(tx, a, c, &b, func() error { return b.Send(ctx, tx) })
}

// viewWith adds what a view needs to a batch, which send sends.
func (d *Desk) viewWith(tx *pg.Tx, a Applicant, c *Case, b *pg.Batch, send func() error) (*View, error) {
	def, p, err := d.procedure(c)
	if err != nil {
		return nil, err
	}
	v := &View{Case: c, Definition: def, Procedure: p}
	var requests []SignRequest
	var outcomes []Outcome
	var entries []Entry
	Papers{Uploads: &v.Uploads, Corrections: &v.Corrections, Submissions: &v.Submissions, Inquiries: &v.Inquiries, Events: &v.Events}.Queue(b, c)
	queueRequest(b, c, &requests)
	queueOutcome(b, c, &outcomes)
	held := d.queueEntries(b, c, &entries)
	QueueReceipts(b, c, &v.Receipts)
	if err := send(); err != nil {
		return nil, err
	}
	entries = held(entries)
	v.Request, v.Outcome, v.Entry = first(requests), first(outcomes), ofCase(c, entries)
	resident := latest(v.Inquiries, Resident)
	v.Facts = facts(c, tx.Now, resident, latest(v.Inquiries, Family))
	v.Facts.Official = official(a.Card, resident, v.Entry)
	return v, nil
}

// queueEntries adds the query for the entries that the case can be about: those of the person, or at a counter the one that was
// named. What it returns chooses between the two once the batch was sent.
func (d *Desk) queueEntries(b *pg.Batch, c *Case, out *[]Entry) func([]Entry) []Entry {
	if !c.OnPaper() {
		d.Entry(b, c.RegisterID, c.PersonRef, out)
		return func(found []Entry) []Entry { return found }
	}
	var named []HeldEntry
	if c.EntryID != nil {
		d.Held(b, c.RegisterID, "", *c.EntryID, &named)
	}
	return func([]Entry) (found []Entry) {
		for _, e := range named {
			found = append(found, e.Entry)
		}
		return found
	}
}

// facts is what conditions and fees of the definition may look at. A case that was handed in is judged by the day of its
// filing, whenever it is looked at.
func facts(c *Case, now time.Time, resident, family *Inquiry) qualification.Facts {
	return qualification.Facts{Answers: c.Answers.Values, Registrar: c.RegistrarID, Channel: c.Channel, On: c.filed(now),
		Resident: resident.record(), Family: family.record()}
}

// Record puts particulars into the keys that definitions use for a registry's answer: name and kana as one text with a
// full-width space between the parts, birth_date as ISO 8601, sex as on the card, address. Empty ones are absent.
func Record(p person.Particulars) map[string]string {
	m := map[string]string{"name": p.Name.Full(), "kana": p.NameKana.Full(), "birth_date": p.BirthDate.String(), "sex": string(p.Sex), "address": p.Address}
	if p.BirthDate.IsZero() {
		delete(m, "birth_date")
	}
	for k, v := range m {
		if v == "" {
			delete(m, k)
		}
	}
	return m
}

// SaveGroup keeps what was typed on one page, valid or not, and returns what is to be put right. A case that waited for
// its signature goes back to being edited. In a correction only the fields asked for change.
func (d *Desk) SaveGroup(ctx context.Context, a Applicant, publicID, groupID string, raw map[string]string) (problems []qualification.Problem, err error) {
	_, problems, err = d.Save(ctx, a, publicID, groupID, raw)
	return problems, err
}

// Save is SaveGroup, and returns the case as it stands afterwards too.
func (d *Desk) Save(ctx context.Context, a Applicant, publicID, groupID string, raw map[string]string) (v *View, problems []qualification.Problem, err error) {
	err = d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
		if v, err = d.view(ctx, tx, a, c); err != nil {
			return err
		}
		problems, err = d.saveGroup(ctx, tx, a, v, groupID, raw)
		return err
	})
	return v, problems, err
}

func (d *Desk) saveGroup(ctx context.Context, tx *pg.Tx, a Applicant, v *View, groupID string, raw map[string]string) ([]qualification.Problem, error) {
	c := v.Case
	g := v.Procedure.Group(groupID)
	if g == nil {
		return nil, fault.New(fault.NotFound, "", "saving an unknown page")
	}
	if !c.State.Editable() || !v.editsGroup(g) {
		return nil, fault.New(fault.Conflict, "fault.not_editable", "changing answers that are closed")
	}
	merged := c.Answers
	for _, f := range g.Fields {
		if v.MayEdit(f.ID) && f.Typed(c.Channel) {
			takeInputs(merged.Raw, raw, f.ID)
		}
	}
	answers, problems, err := v.Procedure.Validate(g, merged, v.Facts)
	if err != nil {
		return nil, err
	}
	c.Answers, v.Facts.Answers, v.Request = answers, answers.Values, nil
	var b pg.Batch
	if err := c.saveAnswers(&b, tx); err != nil {
		return nil, err
	}
	if err := c.reopen(&b, tx); err != nil {
		return nil, err
	}
	if err := audit.Queue(&b, tx.Now, c.audited(a.act(audit.ApplicationSave), a.actor(), groupID)); err != nil {
		return nil, err
	}
	return problems, b.SendLater(ctx, tx)
}

// takeInputs replaces the inputs of one field ("x" and "x.part") by what was sent. An input that was not sent, such as an
// unticked box, is empty.
func takeInputs(into, raw map[string]string, field string) {
	for k := range into {
		if k == field || strings.HasPrefix(k, field+".") {
			delete(into, k)
		}
	}
	for k, v := range raw {
		if k == field || strings.HasPrefix(k, field+".") {
			into[k] = v
		}
	}
}

// saveAnswers queues the answers of a case whose row is locked, so that it is there.
func (c *Case) saveAnswers(b *pg.Batch, tx *pg.Tx) error {
	answers, err := json.Marshal(c.Answers)
	if err != nil {
		return fmt.Errorf("writing answers: %w", err)
	}
	expires := tx.Now.Add(draftLife)
	if c.ExpiresAt == nil || !c.ExpiresAt.Before(expires.Add(-expiryMoves)) {
		b.Exec("saving answers", `
			update application set answers = $3, updated_at = $4, revision = revision + 1 where register_id = $1 and id = $2`,
			c.RegisterID, c.ID, answers, tx.Now)
		return nil
	}
	c.ExpiresAt = &expires
	b.Exec("saving answers of a draft", `
		update application set answers = $3, updated_at = $4, revision = revision + 1, expires_at = $5 where register_id = $1 and id = $2`,
		c.RegisterID, c.ID, answers, tx.Now, expires)
	return nil
}

// reopen takes a case that waited for its signature back to being edited; the frozen content is dropped.
func (c *Case) reopen(b *pg.Batch, tx *pg.Tx) error {
	back := map[State]State{Signing: Draft, CorrectionSigning: CorrectionRequested}
	to, waiting := back[c.State]
	if !waiting {
		return nil
	}
	b.Exec("dropping frozen content", `
		update sign_request set state = 'dropped'
		 where register_id = $1 and application_id = $2 and state = 'open'`, c.RegisterID, c.ID)
	c.move(b, tx, to)
	return nil
}

// maxUploads bounds the documents of one case, whatever the definition says.
const maxUploads = 20

// AddUpload records a document whose content is already in the store.
func (d *Desk) AddUpload(ctx context.Context, a Applicant, publicID, evidenceID, name, media string, ref blob.Ref) error {
	return d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
		return d.addUpload(ctx, tx, a, c, evidenceID, name, media, ref)
	})
}

func (d *Desk) addUpload(ctx context.Context, tx *pg.Tx, a Applicant, c *Case, evidenceID, name, media string, ref blob.Ref) error {
	v, err := d.view(ctx, tx, a, c)
	if err != nil {
		return err
	}
	if err := v.acceptsUpload(evidenceID); err != nil {
		return err
	}
	var b pg.Batch
	b.Exec("recording a document", `
		insert into upload (register_id, application_id, id, evidence_id, round, sha256, size, media, name, uploaded_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.RegisterID, c.ID, pg.NewID(), evidenceID, c.Round, ref.SHA256, ref.Size, media, name, tx.Now)
	use(&b, tx, ref.SHA256)
	if err := c.reopen(&b, tx); err != nil {
		return err
	}
	if err := c.send(ctx, tx, &b, audit.EvidenceAdd, a.actor(), evidenceID); err != nil {
		return err
	}
	return stillThere(ctx, d.Blobs, ref.SHA256)
}

// MayUpload tells whether the case accepts a document now, before its bytes are read.
func (v *View) MayUpload(evidenceID string) error { return v.acceptsUpload(evidenceID) }

func (v *View) acceptsUpload(evidenceID string) error {
	document := DocumentOf(v.Procedure, evidenceID)
	scan := evidenceID == EvidencePaper
	if document == nil || scan && !v.Case.OnPaper() {
		return fault.New(fault.NotFound, "", "adding an unknown document")
	}
	if !v.Case.State.Editable() || !scan && !v.MayEdit("evidence:"+evidenceID) {
		return fault.New(fault.Conflict, "fault.not_editable", "adding a document to a closed case")
	}
	have := 0
	for _, u := range v.Uploads {
		if u.EvidenceID == evidenceID {
			have++
		}
	}
	if have >= document.MaxFiles || len(v.Uploads) >= maxUploads {
		return fault.New(fault.Invalid, "fault.too_many_files", "adding one document too many", document.MaxFiles)
	}
	return nil
}

// RemoveUpload takes a document of the current round out of the case.
func (d *Desk) RemoveUpload(ctx context.Context, a Applicant, publicID string, id uuid.UUID) error {
	return d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error { return d.removeUpload(ctx, tx, a, c, id) })
}

func (d *Desk) removeUpload(ctx context.Context, tx *pg.Tx, a Applicant, c *Case, id uuid.UUID) error {
	if !c.State.Editable() {
		return fault.New(fault.Conflict, "fault.not_editable", "removing a document from a closed case")
	}
	u, err := OneUpload(ctx, tx, c, id)
	if err != nil {
		return err
	}
	var b pg.Batch
	b.ExecOne("removing a document", `
		update upload set removed_at = $5
		 where register_id = $1 and application_id = $2 and id = $3 and round = $4 and removed_at is null`,
		c.RegisterID, c.ID, id, c.Round, tx.Now)
	unuse(&b, tx, u.SHA256)
	if err := c.reopen(&b, tx); err != nil {
		return err
	}
	return c.send(ctx, tx, &b, audit.EvidenceRemove, a.actor())
}

// OpenUpload returns a document's line, for its content to be streamed from the store.
func (d *Desk) OpenUpload(ctx context.Context, a Applicant, publicID string, id uuid.UUID) (u Upload, err error) {
	err = d.Look(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
		u, err = OneUpload(ctx, tx, c, id)
		return err
	})
	return u, err
}

// OneUpload reads one document's line.
func OneUpload(ctx context.Context, tx *pg.Tx, c *Case, id uuid.UUID) (Upload, error) {
	all, err := Uploads(ctx, tx, c)
	if err != nil {
		return Upload{}, err
	}
	for _, u := range all {
		if u.ID == id {
			return u, nil
		}
	}
	return Upload{}, fault.New(fault.NotFound, "", "opening a document")
}

// Event is one line of the timeline.
type Event struct {
	At     time.Time
	Kind   string
	Actor  string
	Detail map[string]string
}

// Asked returns the fields that the form asks, given the answers as they stand: those of pages and lines that they do not
// hide.
func Asked(p *qualification.Procedure, f qualification.Facts) (map[string]bool, error) {
	asked := map[string]bool{}
	groups, err := p.VisibleGroups(f)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		fields, err := p.VisibleFields(g, f)
		if err != nil {
			return nil, err
		}
		for _, field := range fields {
			asked[field.ID] = true
		}
	}
	return asked, nil
}

// Unreachable returns the first item that an applicant could not put right: a field that the answers hide, when nothing else
// is to be put right that could bring it up. "" means that there is none.
func Unreachable(asked map[string]bool, items []CorrectionItem) string {
	hidden := ""
	for _, i := range items {
		switch {
		case strings.HasPrefix(i.Item, "evidence:"):
		case asked[i.Item]:
			return ""
		case hidden == "":
			hidden = i.Item
		}
	}
	return hidden
}

// Outcome is the decision as the applicant may read it.
type Outcome struct {
	Outcome   string
	Reasons   []string
	DecidedAt time.Time
}

// FactsOf is what conditions of the definition may look at, for the later stages.
func FactsOf(c *Case, now time.Time, inquiries []Inquiry) qualification.Facts {
	return facts(c, now, latest(inquiries, Resident), latest(inquiries, Family))
}
