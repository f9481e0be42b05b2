package application

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/jcs"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// SignRequest is content frozen for signing.
type SignRequest struct {
	ID            uuid.UUID
	Round         int
	Bytes         []byte // the RFC 8785 JSON of Document
	Digest        []byte // SHA-256 of Bytes
	TransactionID *string
	State         string
}

// Document reads the frozen content.
func (r *SignRequest) Document() (*Document, error) { return ParseDocument(r.Bytes) }

// PrepareSigning validates the whole case, freezes its content and moves it to waiting for the signature. With problems
// nothing moves: the pages show them. Freezing again replaces what was frozen before.
func (d *Desk) PrepareSigning(ctx context.Context, a Applicant, publicID string) (problems []qualification.Problem, err error) {
	err = d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
		problems, err = d.prepare(ctx, tx, a, c)
		return err
	})
	return problems, err
}

func (d *Desk) prepare(ctx context.Context, tx *pg.Tx, a Applicant, c *Case) ([]qualification.Problem, error) {
	if !c.State.Editable() {
		return nil, fault.New(fault.Conflict, "fault.not_editable", "freezing a closed case")
	}
	filed := calendar.Of(c.filed(tx.Now))
	if c.Round == 0 && !d.Catalogue.Offered(c.RegisterID, c.ProcedureID, c.Channel, filed) {
		return nil, fault.New(fault.Invalid, "fault.not_offered", "freezing a draft for a procedure that was closed")
	}
	v, err := d.view(ctx, tx, a, c)
	if err != nil {
		return nil, err
	}
	if err := inWindow(v.Definition, v.Procedure, v.Entry, filed); err != nil && c.Round == 0 {
		return nil, err
	}
	answers, problems, err := v.Procedure.ValidateAll(c.Answers, v.Facts)
	if err != nil {
		return nil, err
	}
	c.Answers = answers
	v.Facts.Answers = answers.Values
	missing, err := v.MissingDocuments()
	if err != nil {
		return nil, err
	}
	unseen, err := v.unseen(tx.Now)
	if err != nil {
		return nil, err
	}
	if problems = slices.Concat(problems, missing, unseen); len(problems) > 0 {
		return problems, nil
	}
	bytes, err := d.freeze(v, a, tx.Now)
	if err != nil {
		return nil, err
	}
	return nil, c.writeRequest(ctx, tx, a, bytes)
}

// MissingDocuments lists the documents that must still be handed in: always those required, and of those that were asked
// for in a correction one of the current round.
func (v *View) MissingDocuments() ([]qualification.Problem, error) {
	needed, err := v.Procedure.EvidenceFor(v.Facts)
	if err != nil {
		return nil, err
	}
	var out []qualification.Problem
	if v.Case.OnPaper() && !v.has(EvidencePaper, v.Case.Round) {
		out = append(out, missing(*paperEvidence()))
	}
	for _, e := range needed {
		if e.Required && !v.has(e.ID, -1) && !v.Correction().Asks("evidence:"+e.ID) {
			out = append(out, missing(e))
		}
	}
	if k := v.Correction(); k != nil {
		for _, i := range k.Items {
			id, isDocument := strings.CutPrefix(i.Item, "evidence:")
			if e := v.Procedure.Document(id); isDocument && e != nil && !v.has(id, k.Round) {
				out = append(out, missing(*e))
			}
		}
	}
	return out, nil
}

// missing says that a document is to be added.
func missing(e qualification.Evidence) qualification.Problem {
	return qualification.Problem{Input: "evidence." + e.ID, Field: "evidence:" + e.ID, Message: qualification.Text{
		JA:   "「" + e.Label.JA + "」のファイルを追加してください",
		EN:   "Add the file for: " + e.Label.EN,
		Easy: "「" + e.Label.Easy + "」の ファイルを 入れてください",
	}}
}

func (v *View) has(evidenceID string, round int) bool {
	for _, u := range v.Uploads {
		if u.EvidenceID == evidenceID && (round < 0 || u.Round == round) {
			return true
		}
	}
	return false
}

// freeze builds the exact bytes that will be signed.
func (d *Desk) freeze(v *View, a Applicant, now time.Time) ([]byte, error) {
	c := v.Case
	doc := Document{
		Format: DocumentFormat, Application: c.PublicID, Round: c.Round,
		Definition: DocumentVersion{ID: v.Definition.ID, Version: v.Definition.Version, SHA256: v.Definition.SHA256},
		Procedure:  c.ProcedureID, Register: c.RegisterID, Registrar: c.RegistrarID, Language: c.Lang,
		Declaration: v.Procedure.Declaration.In(qualification.Lang(c.Lang)), Answers: c.Answers.Values,
		Documents: []DocumentUpload{}, FeeLines: []DocumentFee{}, FrozenAt: now.Format(time.RFC3339),
	}
	for _, u := range v.Uploads {
		doc.Documents = append(doc.Documents, DocumentUpload{Evidence: u.EvidenceID, Name: u.Name, SHA256: u.SHA256, Size: u.Size})
	}
	if c.OnPaper() {
		doc.Origin, doc.Paper = c.Origin, v.Receipt().document(a.teller)
	}
	if c.Round == 0 {
		lines, err := v.Procedure.FeeLines(v.Facts)
		if err != nil {
			return nil, fmt.Errorf("working out the fees of case %s: %w", c.PublicID, err)
		}
		for _, l := range lines {
			doc.FeeLines = append(doc.FeeLines, DocumentFee{ID: l.ID, Kind: string(l.Kind), Collector: l.Collector, Amount: l.Amount})
			doc.Total += l.Amount
		}
	}
	return jcs.Marshal(doc)
}

// writeRequest stores frozen content and moves the case to waiting for its signature.
func (c *Case) writeRequest(ctx context.Context, tx *pg.Tx, a Applicant, bytes []byte) error {
	digest := sha256.Sum256(bytes)
	var b pg.Batch
	if err := c.saveAnswers(&b, tx); err != nil {
		return err
	}
	b.Exec("dropping frozen content", `
		update sign_request set state = 'dropped'
		 where register_id = $1 and application_id = $2 and state = 'open'`, c.RegisterID, c.ID)
	b.Exec("freezing content", `
		insert into sign_request (register_id, application_id, id, round, bytes, digest, state, created_at)
		values ($1, $2, $3, $4, $5, $6, 'open', $7)`, c.RegisterID, c.ID, pg.NewID(), c.Round, bytes, digest[:], tx.Now)
	switch c.State {
	case Draft:
		c.move(&b, tx, Signing)
	case CorrectionRequested:
		c.move(&b, tx, CorrectionSigning)
	}
	return c.send(ctx, tx, &b, a.act(audit.ApplicationSign), a.actor())
}

func readRequest(ctx context.Context, tx *pg.Tx, c *Case, where string, args ...any) (*SignRequest, error) {
	rows, err := tx.Query(ctx, `
		select id, round, bytes, digest, transaction_id, state from sign_request
		 where register_id = $1 and application_id = $2 and `+where, append([]any{c.RegisterID, c.ID}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading frozen content of case %s: %w", c.PublicID, err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[SignRequest])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return r, wrapIf(err, "reading frozen content")
}

// SignatureStarted notes which transaction of the signing service the frozen content went into, so that the answer can
// be asked for again after a crash.
func (d *Desk) SignatureStarted(ctx context.Context, a Applicant, publicID string, request uuid.UUID, transactionID string) error {
	return d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
		var b pg.Batch
		b.ExecOne("noting the sign transaction", `
			update sign_request set transaction_id = $4
			 where register_id = $1 and application_id = $2 and id = $3 and state = 'open'`, c.RegisterID, c.ID, request, transactionID)
		return b.Send(ctx, tx.Tx)
	})
}

// Submit takes the card's signature over frozen content and hands the case in. It is idempotent: the same request a
// second time answers with the case as it stands. A signature that does not hold, or is another person's, changes
// nothing (fault.Invalid with the reason's key).
func (d *Desk) Submit(ctx context.Context, a Applicant, publicID string, request uuid.UUID, signature, certificate []byte) (*Case, error) {
	var r *SignRequest
	var of *Case
	err := d.Look(ctx, a, publicID, func(tx *pg.Tx, c *Case) (err error) {
		of = c
		r, err = readRequest(ctx, tx, c, `id = $3`, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r == nil || r.State == "dropped" {
		return nil, fault.New(fault.Conflict, "fault.content_changed", "submitting content that is no longer frozen")
	}
	now := d.DB.Clock.Now()
	signed, err := d.Verify(r.Bytes, signature, certificate, now)
	if err != nil {
		return nil, err
	}
	if err := SamePerson(signed.Signer, a.Card); err != nil {
		return nil, err
	}
	bases, err := d.askBases(ctx, a, of)
	if err != nil {
		return nil, err
	}
	var out *Case
	err = d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
		out = c
		return d.submit(ctx, tx, a, c, r.ID, signed, bases)
	})
	if errors.Is(err, errFees) {
		err = errors.Join(err, d.InCase(ctx, a, publicID, func(tx *pg.Tx, c *Case) error {
			var b pg.Batch
			if err := c.reopen(&b, tx); err != nil {
				return err
			}
			return b.Send(ctx, tx.Tx)
		}))
	}
	return out, err
}

// errFees says that what is due has changed since the content was frozen: a registry has answered, a day has passed. The
// content is dropped, and the check page shows the new amount before anything is signed again.
var errFees = fault.New(fault.Conflict, "fault.content_changed", "submitting with other fees than were signed")

// sameFees compares what is due now with what the frozen content says.
func sameFees(r *SignRequest, lines []qualification.FeeLine) error {
	doc, err := r.Document()
	if err != nil {
		return err
	}
	same := slices.EqualFunc(doc.FeeLines, lines, func(a DocumentFee, b qualification.FeeLine) bool {
		return a.ID == b.ID && a.Kind == string(b.Kind) && a.Collector == b.Collector && a.Amount == b.Amount
	})
	if !same {
		return errFees
	}
	return nil
}

// SamePerson compares the signer with the person who logged in: birth date and sex exactly, the name with the positions
// at which the certificate carries substitute characters left open.
func SamePerson(s Signer, card person.Particulars) error {
	name := person.CompareName(s.Name, s.NameAlt, card.Name.Full())
	if name.Tier == person.Different || s.BirthDate != card.BirthDate || (card.Sex != "" && s.Sex != string(card.Sex)) {
		return fault.New(fault.Invalid, "fault.other_signer", "comparing the signer with the person logged in")
	}
	return nil
}

// submit moves a signed case on, in one transaction with everything that follows from it.
func (d *Desk) submit(ctx context.Context, tx *pg.Tx, a Applicant, c *Case, request uuid.UUID, signed Signed, bases []Attested) error {
	r, acts, err := readSigned(ctx, tx, c, request)
	if err != nil {
		return err
	}
	if r != nil && r.State == "used" {
		return nil // the same submission again
	}
	if r == nil || r.State != "open" || (c.State != Signing && c.State != CorrectionSigning) {
		return fault.New(fault.Conflict, "fault.content_changed", "submitting content that is no longer frozen")
	}
	var b pg.Batch
	if c.OnPaper() && c.Round == 0 { // the registries are asked by what the form says
		c.Applicant = Declared(c)
		b.ExecOne("noting who applies", `update application set applicant = $3 where register_id = $1 and id = $2`, c.RegisterID, c.ID, c.Applicant)
	}
	if c.Applicant.Address == "" { // protected: the registry withholds it, so it is not copied from the certificate
		signed.Signer.Address = ""
	}
	b.ExecOne("using frozen content", `
		update sign_request set state = 'used'
		 where register_id = $1 and application_id = $2 and id = $3 and state = 'open'`, c.RegisterID, c.ID, r.ID)
	b.Exec("keeping the submission", `
		insert into submission (register_id, application_id, round, sign_request_id, bytes, digest, cms, signer, submitted_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.RegisterID, c.ID, r.Round, r.ID, r.Bytes, r.Digest, signed.CMS, signed.Signer, tx.Now)
	c.writeBases(&b, tx, bases)
	if c.Round == 0 {
		err = d.submitFirst(ctx, tx, &b, a, c, r, acts)
	} else {
		err = d.submitCorrection(ctx, tx, &b, a, c)
	}
	return err
}

// readSigned reads the frozen content that a signature belongs to and, with it, the acts that count for the qualification.
func readSigned(ctx context.Context, tx *pg.Tx, c *Case, request uuid.UUID) (*SignRequest, *rollout.Watch, error) {
	var found []SignRequest
	var acts rollout.Watch
	var b pg.Batch
	pg.Read(&b, &found, c.reading("frozen content"), `
		select id, round, bytes, digest, transaction_id, state from sign_request
		 where register_id = $1 and application_id = $2 and id = $3`, c.RegisterID, c.ID, request)
	acts.Queue(&b, c.DefinitionID)
	if err := b.Send(ctx, tx.Tx); err != nil || len(found) == 0 {
		return nil, nil, err
	}
	return &found[0], &acts, nil
}

// submitFirst hands a new application in: deadline, route, charges, questions to the registries. The route stays with the
// case, whatever is decided about the procedure later.
func (d *Desk) submitFirst(ctx context.Context, tx *pg.Tx, b *pg.Batch, a Applicant, c *Case, r *SignRequest, acts *rollout.Watch) error {
	filed := c.filed(tx.Now)
	today := calendar.Of(filed)
	if err := acts.MustBeOpen(d.Catalogue, c.RegisterID, c.ProcedureID, c.Channel, today); err != nil {
		return err
	}
	v, err := d.view(ctx, tx, a, c)
	if err != nil {
		return err
	}
	v.Facts.Direct = qualification.DirectUnder(acts.Acts(), c.ProcedureID, today)
	if c.Route, err = v.Procedure.RouteFor(v.Facts); err != nil {
		return fmt.Errorf("choosing the route of case %s: %w", c.PublicID, err)
	}
	for _, s := range c.Route {
		if _, known := d.Catalogue.Registrar(s.Body); !known {
			return fault.New(fault.Internal, "", fmt.Sprintf("the route of case %s goes through %s, a body that nobody knows", c.PublicID, s.Body))
		}
	}
	lines, err := v.Procedure.FeeLines(v.Facts)
	if err != nil {
		return fmt.Errorf("working out the fees of case %s: %w", c.PublicID, err)
	}
	if err := sameFees(r, lines); err != nil {
		return err
	}
	c.skipIntake()
	due := calendar.AddBusinessDays(today, v.Procedure.StandardDays)
	c.DueOn, c.SubmittedAt = &due, &filed
	b.ExecOne("dating the submission", `
		update application set submitted_at = $3, due_on = $4, expires_at = null, route = $5, stop = $6
		 where register_id = $1 and id = $2`, c.RegisterID, c.ID, filed, due, c.Route, c.Stop)
	c.event(b, tx, "submitted", a.filer(), nil)
	c.notify(b, tx, "submitted")
	if err := d.askAll(ctx, tx, b, v); err != nil {
		return err
	}
	if len(lines) > 0 && !c.OnPaper() { // with a paper it was paid already, or it shows that it was not
		c.move(b, tx, AwaitingPayment)
	} else {
		c.enterRoute(b, tx, due)
	}
	if len(lines) > 0 {
		if err := d.Charge(b, tx, c, lines); err != nil {
			return err
		}
	}
	return c.send(ctx, tx, b, a.act(audit.ApplicationSubmit), a.actor())
}

// submitCorrection hands a corrected round back to whoever asked for it; the days the applicant took do not count
// against the office.
func (d *Desk) submitCorrection(ctx context.Context, tx *pg.Tx, b *pg.Batch, a Applicant, c *Case) error {
	w, err := ActiveWork(ctx, tx, c)
	if err != nil {
		return err
	}
	all, err := Corrections(ctx, tx, c)
	if err != nil {
		return err
	}
	asked := all[len(all)-1]
	answered, err := c.answeredOn(ctx, tx)
	if err != nil {
		return err
	}
	due := calendar.AddBusinessDays(*c.DueOn, calendar.BusinessDaysBetween(calendar.Of(asked.RequestedAt), answered))
	c.DueOn = &due
	b.ExecOne("pausing the clock", `update application set due_on = $3 where register_id = $1 and id = $2`, c.RegisterID, c.ID, due)
	b.ExecOne("answering a correction", `
		update correction set answered_at = $4
		 where register_id = $1 and application_id = $2 and round = $3 and answered_at is null`, c.RegisterID, c.ID, c.Round, tx.Now)
	b.Exec("dating a work item", `
		update work_item set due = $4 where register_id = $1 and application_id = $2 and id = $3`, c.RegisterID, c.ID, w.ID, due)
	if w.Forwarding() {
		c.move(b, tx, Forwarding)
	} else {
		c.move(b, tx, InReview)
	}
	if w.Assignee != nil {
		c.moveWork(b, tx, w, WorkTaken, w.Assignee)
	} else {
		c.moveWork(b, tx, w, WorkOpen, nil)
	}
	c.event(b, tx, "corrected", a.filer(), nil)
	c.notify(b, tx, "corrected")
	if err := c.send(ctx, tx, b, a.act(audit.ApplicationCorrect), a.actor()); err != nil {
		return err
	}
	return settleUndecidable(ctx, tx, d.Catalogue, c) // an answer that came meanwhile
}
