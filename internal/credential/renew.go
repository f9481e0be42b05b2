package credential

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/pades"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Renewer gives kept documents a new timestamp before the one they have loses its force (PAdES B-LTA).
type Renewer struct {
	DB         *pg.DB // under the worker's role
	Catalogue  *qualification.Catalogue
	Sealer     *Sealer
	Timestamps []*x509.Certificate // anchors of the authorities whose timestamps the documents have
}

// Renewed is what became of a document.
type Renewed struct {
	Document []byte    // the renewed document; nil when its time has not come
	Until    time.Time // how long the newest timestamp holds now
}

// Renew renews a document whose newest timestamp holds for less than within. Only a document that the register has on record is
// renewed, and only while its newest timestamp can still be believed: after that a new one would prove nothing about
// before. What it does is recorded in the audit log before the document is returned; a caller that fails to keep the
// document renews it again, and that is recorded again.
func (r *Renewer) Renew(ctx context.Context, document []byte, within time.Duration) (Renewed, error) {
	signed, err := pades.Read(document)
	if err != nil {
		return Renewed{}, err
	}
	until, err := signed.Holds(r.Timestamps, r.DB.Clock.Now())
	if err != nil || until.Sub(r.DB.Clock.Now()) >= within {
		return Renewed{Until: until}, err
	}
	at, err := r.record(signed)
	if err != nil {
		return Renewed{}, err
	}
	renewed, err := r.Sealer.Renew(ctx, document)
	if err != nil {
		return Renewed{}, err
	}
	if signed, err = pades.Read(renewed); err == nil {
		until, err = signed.Holds(r.Timestamps, r.DB.Clock.Now())
	}
	if err != nil {
		return Renewed{}, fmt.Errorf("reading a renewed document: %w", err)
	}
	err = r.DB.InRegistrar(ctx, at.registrar, func(tx *pg.Tx) error { return at.audit(ctx, tx) })
	return Renewed{Document: renewed, Until: until}, err
}

// recordOf says where the record of a document is.
type recordOf struct {
	register, registrar string
	copy                uuid.UUID
}

// record finds the register by the credential that the document carries.
func (r *Renewer) record(signed *pades.Signed) (at recordOf, err error) {
	const doing = "finding the record of a signed document"
	if at.copy, err = uuid.Parse(signed.Copy); err != nil {
		return at, fault.Wrap(fault.Invalid, err, doing)
	}
	message, err := cose.ParseURL(signed.Credential)
	if err != nil {
		return at, fault.Wrap(fault.Invalid, err, doing)
	}
	s, err := cose.Decode(message)
	if err != nil {
		return at, fault.Wrap(fault.Invalid, err, doing)
	}
	facts, err := cose.DecodePayload(s.Payload)
	if err != nil {
		return at, fault.Wrap(fault.Invalid, err, doing)
	}
	reg, err := application.Locate(r.Catalogue, facts[cose.CertificateID])
	if err != nil {
		return at, fault.Wrap(fault.Invalid, err, doing)
	}
	at.register, at.registrar = reg.ID, reg.Registrar
	return at, nil
}

func (at recordOf) audit(ctx context.Context, tx *pg.Tx) error {
	c, err := CopyByID(ctx, tx, at.register, at.copy)
	if err != nil {
		return err
	}
	of, err := one(ctx, tx, `register_id = $1 and id = $2`, at.register, c.CredentialID)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, of.audited(audit.CredentialRenew))
}
