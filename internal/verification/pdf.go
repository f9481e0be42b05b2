package verification

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/pades"
	"akashi/internal/pg"
)

// NotRecorded is the reason for a document that a key of the registrar signed and the register knows nothing of.
const NotRecorded = "not_recorded"

// NoCredential is the reason for a signed document that carries no credential.
const NoCredential = "no_credential"

// CheckPDF checks a signed PDF as we make them. The document must be whole and carry the one signature of the registrar that
// keeps the register; what it was signed for must be in the register's records; and the credential inside, the text of its QR
// code, is checked as any other. So the result is that of the credential, unless the document itself is not genuine: then
// Reason says why.
func (v *Verifier) CheckPDF(ctx context.Context, document []byte) Result {
	now := v.DB.Clock.Now()
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	signed, err := pades.Read(document)
	if err != nil {
		return r.spoilt(err)
	}
	if signed.Credential == "" {
		r.Verdict, r.Reason = Unreadable, NoCredential
		return r
	}
	inside := v.CheckText(ctx, signed.Credential)
	if inside.Untampered != Yes || inside.Issuer != Yes {
		return inside
	}
	row, err := v.lookDocument(ctx, signed, inside.Facts[cose.CertificateID])
	switch {
	case errors.Is(err, fault.NotFound):
		r.Verdict, r.Issuer, r.Reason = UnknownIssuer, No, NotRecorded
		return r
	case err != nil:
		v.tell(err)
		r.Verdict = CannotTell
		return r
	}
	trust := pades.Trust{Documents: row.anchors, Purpose: ForDocuments, Now: now, Known: row.SignedAt}
	if _, err := signed.Verify(trust); err != nil {
		return r.spoilt(err)
	}
	return row.ended(inside)
}

// spoilt is the result for a document that is not genuine as such. Nothing that it says is shown.
func (r Result) spoilt(err error) Result {
	var refusal *pades.Refusal
	if !errors.As(err, &refusal) {
		r.Verdict = CannotTell
		return r
	}
	r.Reason = string(refusal.Reason)
	switch refusal.Reason {
	case pades.Malformed, pades.Encrypted, pades.NotSigned, pades.TooLarge:
		r.Verdict = Unreadable
	case pades.UntrustedCertificate, pades.WrongPurpose, pades.RevokedCertificate:
		r.Verdict, r.Untampered, r.Issuer = UnknownIssuer, Yes, No
	case pades.BadTimestamp, pades.ExpiredCertificate, pades.NoRevocationData, pades.BadRevocationData:
		r.Verdict = CannotTell
	default:
		r.Verdict, r.Untampered = Tampered, No
	}
	return r
}

// ForDocuments refuses a certificate that is not one for signing documents (id-kp-documentSigning, RFC 9336 §3.1).
func ForDocuments(c *x509.Certificate) error {
	for _, usage := range c.UnknownExtKeyUsage {
		if usage.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}) {
			return nil
		}
	}
	return errors.New("no certificate for documents")
}

// documentRow is a key for documents and the record of what it signed.
type documentRow struct {
	KID          string
	JWK          []byte
	Chain        [][]byte
	DistrustedAt *time.Time
	Digest       []byte
	SignedAt     time.Time
	ExpiresAt    *time.Time
	EndedAt      *time.Time

	anchors []*x509.Certificate
}

// lookDocument finds the record of a signed document: the copy that it names, of the credential inside, with the same bytes
// to sign, made with a key for documents of the registrar that keeps the register, and the certificate of that very key.
// fault.NotFound when one of this is not so.
func (v *Verifier) lookDocument(ctx context.Context, signed *pades.Signed, credentialID string) (*documentRow, error) {
	reg, err := application.Locate(v.Catalogue, credentialID)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "looking up a signed document")
	}
	id, err := uuid.Parse(signed.Copy)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "looking up a signed document")
	}
	var rows []documentRow
	err = v.DB.Public(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		rows = nil
		pg.Read(&b, &rows, "looking up a signed document", `
			select k.kid, k.public_jwk::text::bytea, k.chain, k.distrusted_at, c.digest, c.signed_at, c.expires_at, c.ended_at
			  from credential_copy c
			  join credential r on r.register_id = c.register_id and r.id = c.credential_id and r.public_id = $3
			  join signing_key k on k.kid = c.kid and k.purpose = 'document' and k.registrar_id = $4
			 where c.register_id = $1 and c.id = $2 and c.form = 'pdf' and c.signed_at is not null`, reg.ID, id, credentialID, reg.Registrar)
		return b.SendLast(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(signed.ToSign)
	if len(rows) != 1 || string(rows[0].Digest) != string(digest[:]) || rows[0].DistrustedAt != nil {
		return nil, fault.New(fault.NotFound, "", "looking up a signed document")
	}
	return &rows[0], v.certified(&rows[0], signed)
}

// certified sees that the certificate is of the key in the record, and reads the anchor.
func (v *Verifier) certified(row *documentRow, signed *pades.Signed) error {
	public, err := v.publicKey(row.KID, row.JWK)
	if err != nil {
		return err
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || !key.Equal(signed.Signer.PublicKey) || len(row.Chain) == 0 {
		return fault.New(fault.NotFound, "", "comparing the key of a signed document")
	}
	anchor, err := x509.ParseCertificate(row.Chain[len(row.Chain)-1])
	if err != nil {
		return fault.Wrap(fault.Internal, err, "reading the certificates of a key")
	}
	row.anchors = []*x509.Certificate{anchor}
	return nil
}

// ended applies the document's own end to the result of the credential inside.
func (row *documentRow) ended(r Result) Result {
	switch {
	case r.Verdict != Valid:
	case row.EndedAt != nil:
		r.Verdict, r.Status, r.StatusAt = Revoked, No, inJapan(row.EndedAt)
	case row.ExpiresAt != nil && !row.ExpiresAt.After(r.CheckedAt):
		r.Verdict, r.Status, r.StatusAt = Expired, No, inJapan(row.ExpiresAt)
	}
	return r
}
