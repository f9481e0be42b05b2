package verification

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// compactIn reads a message of the compact profile, unread being why there is none; ok is false when it is of another profile.
// A message of the profile that breaks its rules comes back as nil.
func compactIn(message []byte, unread error) (m *cose.Compact, ok bool) {
	if unread != nil || !cose.IsCompact(message) {
		return nil, false
	}
	m, err := cose.DecodeCompact(message)
	if err != nil {
		return nil, true
	}
	return m, true
}

// checkCompact makes the three checks of a compact code. Beside the key and the signature, the register must have recorded
// that it was about to sign these very bytes.
func (v *Verifier) checkCompact(ctx context.Context, m *cose.Compact, now time.Time) Result {
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	if m == nil {
		r.Verdict, r.Untampered = Tampered, No
		return r
	}
	reg, err := application.Locate(v.Catalogue, m.Facts[cose.CertificateID])
	if err != nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	row, err := v.lookSigned(ctx, reg, m)
	switch {
	case errors.Is(err, fault.NotFound):
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	case err != nil:
		v.tell(err)
		r.Verdict = CannotTell
		return r
	case row.KeyRegistrar != reg.Registrar || row.DistrustedAt != nil:
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	if err := m.Verify(row.public); err != nil {
		r.Verdict, r.Untampered = Tampered, No
		return r
	}
	r = r.proven(m.Facts)
	r.LegalOriginal = v.Catalogue.LegalOriginal(reg.Qualification, calendar.Of(r.CheckedAt))
	return runOut(row.ended(r), m)
}

// runOut is the verdict over a code whose own time has passed: what was true of the credential when it was signed may not be
// true any more, so that a valid one has to be shown again. What is said against the credential stays said.
func runOut(r Result, m *cose.Compact) Result {
	passed := !m.ExpiresAt.IsZero() && !r.CheckedAt.Before(m.ExpiresAt)
	if passed && (r.Verdict == Valid || r.Verdict == CannotTell) {
		end := m.ExpiresAt
		r.Verdict, r.Status, r.StatusAt = RunOut, Unknown, &end
	}
	return r
}

// signedCopy is what the register knows of a copy by the digest of what was signed.
type signedCopy struct {
	found
	EndedAt *time.Time
}

// ended is the register's word about a copy: its own end, then its credential's state.
func (s *signedCopy) ended(r Result) Result {
	r = s.status(r)
	if s.EndedAt != nil && r.Verdict == Valid {
		r.Verdict, r.Status, r.StatusAt = Replaced, No, inJapan(s.EndedAt)
	}
	return r
}

// lookSigned is look for a copy. fault.NotFound when no such key was published.
func (v *Verifier) lookSigned(ctx context.Context, reg *qualification.Register, m *cose.Compact) (*signedCopy, error) {
	toSign, err := cose.ToBeSigned(m.Protected, m.Payload)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(toSign)
	var rows []signedCopy
	err = v.DB.Public(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		rows = nil
		pg.ReadBy(&b, &rows, scanSigned, "looking up a copy", `
			select k.registrar_id, k.public_jwk::text::bytea, k.distrusted_at, c.state, c.status_at, c.valid_until, c.suspended_until, y.ended_at
			  from signing_key k
			  left join (credential_copy y join credential c on c.register_id = y.register_id and c.id = y.credential_id)
			    on y.register_id = $1 and y.digest = $2 and y.kid = k.kid and y.signed_at is not null and c.public_id = $4
			 where k.kid = $3 and k.purpose = $5`, reg.ID, digest[:], m.KID, m.Facts[cose.CertificateID], string(credential.ForCredential))
		return b.SendLast(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fault.New(fault.NotFound, "", "looking up a published key")
	}
	rows[0].public, err = v.publicKey(m.KID, rows[0].JWK)
	return &rows[0], err
}

func scanSigned(r pgx.CollectableRow) (s signedCopy, err error) {
	return s, r.Scan(&s.KeyRegistrar, &s.JWK, &s.DistrustedAt, &s.State, &s.StatusAt, &s.ValidUntil, &s.SuspendedUntil, &s.EndedAt)
}
