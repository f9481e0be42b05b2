package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/credential/paper"
	"akashi/internal/fault"
	"akashi/internal/format/pades"
	"akashi/internal/job"
	"akashi/internal/pg"
	"akashi/internal/rollout"
)

// maxDocument bounds a PDF; they have about 100 KB.
const maxDocument = 4 << 20

// Document is the PDF of a credential, from the holder's asking to the file.
type Document struct {
	RegisterID   string
	ID           uuid.UUID
	RegistrarID  string
	CredentialID uuid.UUID
	PersonRef    uuid.UUID
	AskedAt      time.Time
	CopyID       *uuid.UUID
	SHA256       *string
	Size         *int64
	MadeAt       *time.Time
	Failure      string // key of a message why it cannot be made, "" while it can
}

// Ready tells whether the file is there.
func (d *Document) Ready() bool { return d != nil && d.MadeAt != nil }

// Awaited tells whether it is still to be made.
func (d *Document) Awaited() bool { return d != nil && d.MadeAt == nil && d.Failure == "" }

const documentColumns = `register_id, id, registrar_id, credential_id, person_ref, asked_at, copy_id, sha256, size, made_at, failure`

// DocumentArgs is the job that makes one PDF.
type DocumentArgs struct {
	RegisterID string `json:"register_id"`
	DocumentID string `json:"document_id"`
}

// Kind names the job.
func (DocumentArgs) Kind() string { return "credential.document" }

// InsertOpts tries for about a day.
func (DocumentArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 25, UniqueOpts: job.UniqueArgs()}
}

// Ask has the PDF of the entry's credential made, unless there is one already or it is being made. It fails with fault.Conflict
// and NotInForce or, when the register makes no PDFs today, NotOffered.
func (w *Wallet) Ask(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) error {
	return w.inDoor(ctx, a, registerID, func(tx *pg.Tx, door pg.Person) error {
		c, d, err := document(ctx, tx, registerID, entryID)
		switch {
		case err != nil:
			return err
		case c.State != Valid || c.Expired(calendar.Of(tx.Now)):
			return refuse(fault.Conflict, NotInForce, "asking for the PDF of a credential")
		case d.Ready(), d.Awaited():
			return nil
		}
		if err := w.offers(ctx, tx, registerID, PDF); err != nil {
			return err
		}
		args := DocumentArgs{RegisterID: registerID, DocumentID: pg.NewID().String()}
		_, err = tx.Exec(ctx, `
			insert into credential_document (register_id, id, registrar_id, credential_id, person_ref, asked_at) values ($1, $2, $3, $4, $5, $6)
			on conflict (register_id, credential_id) where made_at is null and failure = '' do nothing`,
			registerID, args.DocumentID, c.RegistrarID, c.ID, door.Ref, tx.Now)
		if err != nil {
			return fmt.Errorf("asking for the PDF of a credential: %w", err)
		}
		return w.Enqueue(ctx, tx, args)
	})
}

// offers refuses when a register does not make copies of a form today.
func (w *Wallet) offers(ctx context.Context, tx *pg.Tx, registerID string, f Form) error {
	reg, ok := w.Catalogue.Register(registerID)
	if !ok {
		return errNoCredential
	}
	var acts rollout.Watch
	var b pg.Batch
	acts.Queue(&b, reg.Qualification)
	if err := b.Send(ctx, tx); err != nil {
		return err
	}
	if !acts.Uses(w.Catalogue, registerID, f.function(), calendar.Of(tx.Now)) {
		return refuse(fault.Conflict, NotOffered, "asking for a copy in the form "+string(f))
	}
	return nil
}

// Document reads the entry's newest credential with its PDF, nil when none was asked for or the one there was has ended.
func (w *Wallet) Document(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) (c *Credential, d *Document, err error) {
	err = w.inDoor(ctx, a, registerID, func(tx *pg.Tx, _ pg.Person) error {
		c, d, err = document(ctx, tx, registerID, entryID)
		return err
	})
	return c, d, err
}

// Download returns the PDF for handing it out, and records that the holder fetched it. It fails with fault.NotFound while it
// is not made, and with fault.Conflict and NotInForce when its credential is not in force: nobody should show what is not.
func (w *Wallet) Download(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) (c *Credential, d *Document, err error) {
	err = w.inDoor(ctx, a, registerID, func(tx *pg.Tx, _ pg.Person) error {
		if c, d, err = document(ctx, tx, registerID, entryID); err != nil {
			return err
		}
		switch {
		case !d.Ready():
			return fault.New(fault.NotFound, "", "fetching a PDF that is not made")
		case c.State != Valid || c.Expired(calendar.Of(tx.Now)):
			return refuse(fault.Conflict, NotInForce, "fetching the PDF of a credential")
		}
		v := c.audited(audit.CredentialDownload)
		v.Actor, v.Purpose, v.Outcome = audit.Actor{Kind: audit.ActorPerson}, "own", string(PDF)
		return audit.Record(ctx, tx, v)
	})
	return c, d, err
}

// inDoor opens the person's door at the registrar of a register. Who finds nothing there is recorded as refused.
func (w *Wallet) inDoor(ctx context.Context, a application.Applicant, registerID string, f func(*pg.Tx, pg.Person) error) error {
	reg, ok := w.Catalogue.Register(registerID)
	if !ok {
		return fault.New(fault.NotFound, "", "showing a credential of an unknown register")
	}
	door := pg.Person{ID: a.ID, Ref: account.RefFor(w.RefKey, a.ID, reg.Registrar)}
	err := w.DB.InPerson(ctx, door, func(tx *pg.Tx) error { return f(tx, door) })
	if errors.Is(err, errNoCredential) {
		return errors.Join(err, application.Refused(ctx, w.DB, door, reg))
	}
	return err
}

// errNoCredential means that the person has no credential at the address.
var errNoCredential = fault.New(fault.NotFound, "", "reading the credential of an entry")

// document reads an entry's newest credential and its newest PDF that has not ended by itself.
func document(ctx context.Context, tx *pg.Tx, registerID string, entryID uuid.UUID) (*Credential, *Document, error) {
	var b pg.Batch
	var newest []Credential
	var made []Document
	queue(&b, &newest, `register_id = $1 and entry_id = $2 order by version desc limit 1`, registerID, entryID)
	pg.Read(&b, &made, "reading the PDF of a credential", `
		select `+documentColumns+` from credential_document d
		 where register_id = $1
		   and credential_id = (select id from credential where register_id = $1 and entry_id = $2 order by version desc limit 1)
		   and not exists (select 1 from credential_copy c where c.register_id = d.register_id and c.id = d.copy_id and c.ended_at is not null)
		 order by asked_at desc, id desc limit 1`, registerID, entryID)
	if err := b.Send(ctx, tx); err != nil {
		return nil, nil, err
	}
	if len(newest) == 0 {
		return nil, nil, errNoCredential
	}
	if len(made) == 0 {
		return &newest[0], nil, nil
	}
	return &newest[0], &made[0], nil
}

// Seal puts a signature into a prepared document and completes it with what lets it be relied on for years.
type Seal func(ctx context.Context, p *pades.Prepared, signature []byte) ([]byte, error)

// Papers makes the PDFs that holders ask for, under the worker's role.
type Papers struct {
	Issuer *Issuer
	Lay    func(paper.Paper) ([]byte, error) // the unsigned document
	Seal   Seal
	// Timestamped tells whether Seal adds a timestamp, for which room is left.
	Timestamped bool
	Blobs       *blob.Store
	Base        string // of the QR codes
	Check       string // address of the verification page, as people type it
}

// draftPDF is a document on its way: what is known before it is signed.
type draftPDF struct {
	doc      Document
	copied   *Copy
	toSign   []byte
	prepared *pades.Prepared
}

// Make makes one PDF in the steps of every copy: its bytes to sign are recorded, it is signed with no transaction open,
// and the result is recorded. After a crash in between it is made again, as another copy; the first was never handed out.
// What would fail each time, e.g. a character that no font has, ends the asking and is told to the holder.
func (p *Papers) Make(ctx context.Context, args DocumentArgs) error {
	reg, ok := p.Issuer.Catalogue.Register(args.RegisterID)
	if !ok {
		return fmt.Errorf("making a PDF of unknown register %s", args.RegisterID)
	}
	id, err := uuid.Parse(args.DocumentID)
	if err != nil {
		return fmt.Errorf("reading a job's ids: %w", err)
	}
	d, err := p.intend(ctx, reg.Registrar, reg.ID, id)
	if key := lasting(err); key != "" {
		return p.giveUp(ctx, reg.Registrar, reg.ID, id, key)
	}
	if err != nil || d == nil {
		return err
	}
	signed, err := p.sign(ctx, d)
	if err != nil {
		return err
	}
	ref, err := p.Blobs.Put(ctx, bytes.NewReader(signed), maxDocument)
	if err != nil {
		return err
	}
	if err := application.NoteFile(ctx, p.Issuer.DB, ref); err != nil {
		return err
	}
	err = p.record(ctx, d, ref)
	if key := lasting(err); key != "" {
		return p.giveUp(ctx, reg.Registrar, reg.ID, id, key)
	}
	return err
}

// lasting is the key of the message when trying again would end the same way.
func lasting(err error) string {
	var f *fault.Error
	switch {
	case errors.Is(err, NotInForce):
		return string(NotInForce)
	case errors.Is(err, NotOffered):
		return string(NotOffered)
	case errors.As(err, &f) && f.Kind == fault.Invalid && f.Key != "":
		return f.Key
	}
	return ""
}

// intend lays the document out and records what is to be signed; nil when it is made already or was given up.
func (p *Papers) intend(ctx context.Context, registrar, registerID string, id uuid.UUID) (*draftPDF, error) {
	var out *draftPDF
	err := p.Issuer.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		doc, err := documentByID(ctx, tx, registerID, id)
		if err != nil || !doc.Awaited() {
			return err
		}
		c, err := one(ctx, tx, `register_id = $1 and id = $2`, registerID, doc.CredentialID)
		if err != nil {
			return err
		}
		d := &draftPDF{doc: *doc}
		d.copied, d.toSign, err = p.Issuer.IntendCopy(ctx, tx, c, CopyRequest{Form: PDF, Compose: func(at Composing) (_ []byte, err error) {
			d.prepared, err = p.compose(c, at)
			if err != nil {
				return nil, err
			}
			return d.prepared.ToSign, nil
		}})
		out = d
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// compose lays a credential out and prepares it for signing.
func (p *Papers) compose(c *Credential, at Composing) (*pades.Prepared, error) {
	code, err := c.URL(p.Base)
	if err != nil {
		return nil, err
	}
	reg, ok := p.Issuer.Catalogue.Register(c.RegisterID)
	if !ok {
		return nil, fmt.Errorf("laying out a credential of unknown register %s", c.RegisterID)
	}
	def, ok := p.Issuer.Catalogue.Version(reg.Qualification, at.Facts.Version)
	if !ok {
		if def, ok = p.Issuer.Catalogue.Definition(reg.Qualification); !ok {
			return nil, fmt.Errorf("laying out a credential of unknown qualification %s", reg.Qualification)
		}
	}
	today := calendar.Of(at.Now)
	since := p.Issuer.Catalogue.LegalOriginal(reg.Qualification, today)
	words := paper.WordsOf(def, !since.IsZero() && !since.After(today))
	unsigned, err := p.Lay(paper.Paper{Facts: at.Facts, Words: words, Signer: at.Issuer.Name.JA, QR: code, Check: p.Check, Made: at.Now})
	if err != nil {
		return nil, err
	}
	return pades.Prepare(unsigned, pades.Options{Chain: at.Issuer.Chain, At: at.Now, Name: at.Issuer.Name.JA, Reason: "デジタル資格者証", Credential: code, Copy: at.CopyID.String(), Status: at.Status.Place(), Timestamped: p.Timestamped})
}

func (p *Papers) sign(ctx context.Context, d *draftPDF) ([]byte, error) {
	raw, err := p.Issuer.Sign(ctx, d.copied.KID, d.toSign)
	if err != nil {
		return nil, fmt.Errorf("having a PDF signed: %w", err)
	}
	return p.Seal(ctx, d.prepared, raw)
}

// record makes the PDF known. One that another run has made meanwhile stays as it is.
func (p *Papers) record(ctx context.Context, d *draftPDF, ref blob.Ref) error {
	return p.Issuer.DB.InRegistrar(ctx, d.doc.RegistrarID, func(tx *pg.Tx) error {
		now, err := documentByID(ctx, tx, d.doc.RegisterID, d.doc.ID)
		if err != nil || !now.Awaited() {
			return err
		}
		if err := p.Issuer.CompleteCopy(ctx, tx, d.copied, nil); err != nil {
			return err
		}
		var b pg.Batch
		application.UseFile(&b, tx, ref.SHA256)
		b.ExecOne("recording the PDF of a credential", `
			update credential_document set copy_id = $3, sha256 = $4, size = $5, made_at = $6
			 where register_id = $1 and id = $2 and made_at is null and failure = ''`, d.doc.RegisterID, d.doc.ID, d.copied.ID, ref.SHA256, ref.Size, tx.Now)
		return b.Send(ctx, tx)
	})
}

func (p *Papers) giveUp(ctx context.Context, registrar, registerID string, id uuid.UUID, key string) error {
	return p.Issuer.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `
			update credential_document set failure = $3 where register_id = $1 and id = $2 and made_at is null and failure = ''`, registerID, id, key)
		if err != nil {
			return fmt.Errorf("recording why a PDF cannot be made: %w", err)
		}
		return nil
	})
}

// documentByID reads an asking and holds its row.
func documentByID(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID) (*Document, error) {
	var b pg.Batch
	var found []Document
	pg.Read(&b, &found, "reading the PDF of a credential", `
		select `+documentColumns+` from credential_document where register_id = $1 and id = $2 for update`, registerID, id)
	if err := b.Send(ctx, tx); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "", "reading the PDF of a credential")
	}
	return &found[0], nil
}
