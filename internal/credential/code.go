package credential

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
)

// How long a code on a screen is good for, and after which time the page has a new one made. A photograph of the screen is
// worth nothing two minutes later.
const (
	ScreenLife    = 2 * time.Minute
	ScreenRefresh = time.Minute
)

// Code is the text of a compact QR code, and the copy that it is.
type Code struct {
	Text      string
	Copy      Copy
	ExpiresAt time.Time // zero when it lasts as long as its credential
}

// Compact has a compact QR code signed that shows the fields the holder chose (two-letter labels; nil: all), beside the
// qualification and the certificate id. It is kept, see Codes. base is the verification page. It fails as Copy does, with
// fault.Invalid and cose.TooLong when the text would have more than cose.MaxCompactText characters, and with fault.Invalid
// and "credential.unknown_field".
func (w *Wallet) Compact(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, fields []string, base string) (*Code, error) {
	return w.code(ctx, a, registerID, entryID, base, func(time.Time) CopyRequest { return CopyRequest{Form: QRCompact, Fields: fields, Keep: true} })
}

// Screen has a code signed for showing on a screen: it runs out after ScreenLife, and the page asks for another after
// ScreenRefresh. It has no place in a status list. It fails as Compact does.
func (w *Wallet) Screen(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, fields []string, base string) (*Code, error) {
	return w.code(ctx, a, registerID, entryID, base, func(now time.Time) CopyRequest {
		end := now.Truncate(time.Second).Add(ScreenLife)
		return CopyRequest{Form: QRScreen, Fields: fields, ExpiresAt: &end}
	})
}

func (w *Wallet) code(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, base string, ask func(time.Time) CopyRequest) (*Code, error) {
	var message cose.Compact
	made, signature, err := w.Copy(ctx, a, registerID, entryID, func(now time.Time) CopyRequest {
		req := ask(now)
		req.Compose = func(at Composing) (toSign []byte, err error) {
			message, toSign, err = composeCompact(at, req.ExpiresAt, base)
			return toSign, err
		}
		return req
	})
	if err != nil {
		return nil, err
	}
	message.Signature = signature
	return codeOf(made, &message, base)
}

// composeCompact writes the message without its signature, and sees that the text will fit.
func composeCompact(at Composing, end *time.Time, base string) (m cose.Compact, toSign []byte, err error) {
	m = cose.Compact{KID: at.Issuer.KID, Facts: at.Facts.Labels, IssuedAt: at.Now.Truncate(time.Second)}
	if !at.Status.IsZero() {
		m.Status = &cose.Place{List: at.Status.ListNo, Index: at.Status.Index}
	}
	if end != nil {
		m.ExpiresAt = *end
	}
	if toSign, err = m.EncodeCompact(); err != nil {
		return m, nil, err
	}
	m.Signature = make([]byte, 64)
	blank, err := m.Message()
	if err == nil {
		_, err = cose.CompactURL(base, blank)
	}
	return m, toSign, err
}

func codeOf(c *Copy, m *cose.Compact, base string) (*Code, error) {
	raw, err := m.Message()
	if err != nil {
		return nil, err
	}
	text, err := cose.CompactURL(base, raw)
	return &Code{Text: text, Copy: *c, ExpiresAt: m.ExpiresAt}, err
}

// Copy makes a copy of the person's own credential of an entry: intent, signature, completion, each committed before the
// next. It returns the copy and the signature. request is asked inside the transaction, perhaps more than once. It fails with
// fault.NotFound for another's entry, and as Issuer.IntendCopy and CompleteCopy do.
func (w *Wallet) Copy(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, request func(now time.Time) CopyRequest) (*Copy, []byte, error) {
	if w.Issuer == nil || w.Issuer.Sign == nil {
		return nil, nil, fault.New(fault.Internal, "", "copying a credential without a signer")
	}
	var made *Copy
	var toSign []byte
	err := w.own(ctx, a, registerID, entryID, func(tx *pg.Tx, c *Credential, _ []hold) (err error) {
		made, toSign, err = w.Issuer.IntendCopy(ctx, tx, c, request(tx.Now))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	signature, err := w.Issuer.Sign(ctx, made.KID, toSign)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Upstream, err, "having a copy signed")
	}
	return made, signature, w.DB.InPerson(ctx, pg.Person{ID: a.ID, Ref: *made.PersonRef}, func(tx *pg.Tx) error {
		return w.Issuer.CompleteCopy(ctx, tx, made, signature)
	})
}

// maxCodes bounds how many of a credential's copies a page lists.
const maxCodes = 50

// Copies lists the copies of the person's newest credential of an entry that were handed out, newest first, at most fifty.
func (w *Wallet) Copies(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) (out []Copy, err error) {
	err = w.own(ctx, a, registerID, entryID, func(tx *pg.Tx, c *Credential, _ []hold) error {
		out, err = copies(ctx, tx, `register_id = $1 and credential_id = $2 and signed_at is not null order by intended_at desc, id desc limit $3`, c.RegisterID, c.ID, maxCodes)
		return err
	})
	return out, err
}

// Code writes the text of a compact code that was kept. It fails with fault.NotFound for any other copy.
func (c *Copy) Code(base string) (*Code, error) {
	if c.ToSign == nil || c.Signature == nil {
		return nil, fault.New(fault.NotFound, "", "writing the code of a copy that was not kept")
	}
	m, err := cose.OpenSigned(c.ToSign, c.Signature)
	if err != nil {
		return nil, err
	}
	if digest := sha256.Sum256(c.ToSign); string(digest[:]) != string(c.Digest) {
		return nil, fault.New(fault.Internal, "", "writing the code of a copy whose bytes are not those of its intent")
	}
	return codeOf(c, m, base)
}
