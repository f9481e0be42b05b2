// Package verification answers the one question of an employer, a counter or the public: is this credential genuine, and
// is it in force now? It checks three things apart — untampered, issued by whom it names, status at this moment — and
// never takes silence for a yes: what could not be checked is "cannot tell", not valid and not invalid.
//
// It runs under the public role, which can read keys and statuses and no name. What a result shows was in the credential
// that the holder handed over; nothing of it is stored or logged, and nothing is added to it but the status.
package verification

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Verdict is the one line of a result.
type Verdict string

// The verdicts.
const (
	Valid         Verdict = "valid"
	Suspended     Verdict = "suspended"
	Revoked       Verdict = "revoked"
	Replaced      Verdict = "replaced"
	Expired       Verdict = "expired" // genuine, and its term has ended
	Tampered      Verdict = "tampered"
	UnknownIssuer Verdict = "unknown_issuer"
	RunOut        Verdict = "run_out" // a code made for a screen whose time has passed: it is to be shown again
	CannotTell    Verdict = "cannot_tell"
	Unreadable    Verdict = "unreadable" // no credential in what was given
)

// Verdicts lists every verdict.
var Verdicts = []Verdict{Valid, Suspended, Revoked, Replaced, Expired, Tampered, UnknownIssuer, RunOut, CannotTell, Unreadable}

// Sure tells whether the verdict is an answer: a credential that is valid or is not.
func (v Verdict) Sure() bool { return v != CannotTell && v != RunOut && v != Unreadable }

// Outcome is the result of one of the three checks.
type Outcome string

// The outcomes of a check.
const (
	Yes     Outcome = "yes"
	No      Outcome = "no"
	Unknown Outcome = "unknown"
)

// Result is what a verifier learns.
type Result struct {
	Verdict    Verdict           `json:"verdict"`
	Untampered Outcome           `json:"untampered"`
	Issuer     Outcome           `json:"issuer"`
	Status     Outcome           `json:"status"`
	IssuerName string            `json:"issuer_name,omitempty"`
	Facts      map[string]string `json:"facts,omitempty"` // by two-letter key; only of a credential whose signature holds
	StatusAt   *time.Time        `json:"status_since,omitempty"`
	// SuspendedUntil is the last day of a suspension by the register that has a term, zero otherwise: the credential is in force again
	// after it, which has to be checked then.
	SuspendedUntil calendar.Date `json:"suspended_until,omitzero"`
	Reason         string        `json:"reason,omitempty"` // of a PDF that is not valid as a document (see format/pades), or of a check without the service (see Refusal), or NumberNotUsed
	CheckedAt      time.Time     `json:"checked_at"`
	// LegalOriginal is since when the digital credential of this qualification is the legal original (法令上の原本), zero when the
	// paper licence is. It is said of a credential whose issuer is certain.
	LegalOriginal calendar.Date `json:"legal_original_since,omitzero"`
}

// shown are the facts that a result repeats: enough to compare with a photo identity document, and no more. The birth
// date, the user code and the ids stay where they are.
var shown = []string{cose.QualificationName, cose.HolderName, cose.RegistrationNumber, cose.RegistrationDate, cose.IssuingBody,
	cose.IssuerName, cose.CertificateID}

// Verifier checks credentials, under the public role. It must not be copied.
type Verifier struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	Log       *slog.Logger // why a check could not be made; nil: not told

	together gathering

	parsed sync.Map // kid → *parsedKey
	chains sync.Map // kid → []*x509.Certificate
}

// CheckText checks what a QR code holds, or a person pasted: a URL of the verification page, the bare message, or a
// credential for wallets (SD-JWT VC, W3C credential, mobile document in hexadecimal or base64).
func (v *Verifier) CheckText(ctx context.Context, text string) Result {
	text = strings.TrimSpace(text)
	if of, ok := walletForm(text); ok {
		return v.register(ctx).check(text, of, v.DB.Clock.Now())
	}
	if raw, ok := mdocIn(text); ok {
		return v.checkMDocBytes(ctx, raw)
	}
	message, err := cose.ParseURL(text)
	if m, ok := compactIn(message, err); ok {
		return v.checkCompact(ctx, m, v.DB.Clock.Now())
	}
	s, r := open(message, err, v.DB.Clock.Now())
	if s == nil {
		return r
	}
	return v.check(ctx, s, s.Facts, r)
}

// open reads a message of the national profile, unread being why there is none. Without one the result is final.
func open(message []byte, unread error, now time.Time) (*cose.Sign1, Result) {
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	if unread != nil {
		r.Verdict = Unreadable
		return nil, r
	}
	s, err := cose.Decode(message)
	if err != nil || s.Facts[cose.CertificateID] == "" {
		r.Verdict, r.Untampered = Tampered, No
		return nil, r
	}
	return s, r
}

// CheckImage checks a picture (PNG or JPEG) with a QR code in it. The error says why no code could be read
// (fault.Invalid, fault.TooLarge).
func (v *Verifier) CheckImage(ctx context.Context, picture []byte) (Result, error) {
	text, err := qr.Decode(picture)
	if err != nil {
		return Result{}, err
	}
	return v.CheckText(ctx, text), nil
}

// check makes the three checks in order; each later one needs the earlier.
func (v *Verifier) check(ctx context.Context, s *cose.Sign1, facts map[string]string, r Result) Result {
	reg, err := application.Locate(v.Catalogue, facts[cose.CertificateID])
	if err != nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	row, err := v.look(ctx, reg.ID, facts[cose.CertificateID], s.KID)
	switch {
	case errors.Is(err, fault.NotFound):
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	case err != nil:
		v.tell(err)
		r.Verdict = CannotTell
		return r
	}
	// The key id stands in the unprotected header, so it is a hint: the key must belong to the registrar that keeps the
	// register named in the signed payload, and must still be trusted.
	if row.KeyRegistrar != reg.Registrar || row.DistrustedAt != nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	if err := cose.Verify(row.public, s); err != nil {
		r.Verdict, r.Untampered = Tampered, No
		return r
	}
	r = r.proven(facts)
	r.LegalOriginal = v.Catalogue.LegalOriginal(reg.Qualification, calendar.Of(r.CheckedAt))
	return row.status(r)
}

// tell logs why a status is not known. The error names what was being read, never what was scanned.
func (v *Verifier) tell(err error) {
	if v.Log != nil {
		v.Log.Error("a verification could not be completed", "error", err)
	}
}

// proven is the result once the signature holds and the key may speak for the issuer: from here on the facts are shown.
func (r Result) proven(facts map[string]string) Result {
	r.Untampered, r.Issuer = Yes, Yes
	r.IssuerName = facts[cose.IssuerName]
	r.Facts = map[string]string{}
	for _, k := range shown {
		if facts[k] != "" {
			r.Facts[k] = facts[k]
		}
	}
	return r
}

// status reads the register's word. A signature that holds over a credential that the register does not have means that
// a key signed outside the register: it is not believed.
func (row *found) status(r Result) Result {
	if row.State == nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	r.StatusAt = inJapan(row.StatusAt)
	r.Status = No
	switch credential.State(*row.State) {
	case credential.Valid:
		r.Verdict, r.Status = Valid, Yes
		if !row.ValidUntil.IsZero() && row.ValidUntil.Before(calendar.Of(r.CheckedAt)) {
			first := row.ValidUntil.AddDays(1).Time()
			r.Verdict, r.Status, r.StatusAt = Expired, No, &first
		}
	case credential.Suspended:
		r.Verdict, r.SuspendedUntil = Suspended, row.SuspendedUntil
	case credential.OnHold:
		r.Verdict = Suspended
	case credential.Revoked:
		r.Verdict = Revoked
	case credential.Replaced:
		r.Verdict = Replaced
	default:
		r.Verdict, r.Status = CannotTell, Unknown
	}
	return r
}

// inJapan is a time of the database, which comes in the zone of the machine, in the zone in which every answer is given.
func inJapan(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	there := t.In(clock.JST)
	return &there
}

type found struct {
	KeyRegistrar   string
	JWK            []byte
	DistrustedAt   *time.Time
	State          *string
	StatusAt       *time.Time
	ValidUntil     calendar.Date
	SuspendedUntil calendar.Date // of a suspension by the register
	kid            string
	public         crypto.PublicKey
}

// look reads the key and the status, in one round trip with what others ask at the same time. fault.NotFound when no such key was
// published.
func (v *Verifier) look(ctx context.Context, registerID, publicID, kid string) (*found, error) {
	rows, err := v.together.look(ctx, v.DB, question{register: registerID, publicID: publicID, kid: kid})
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fault.New(fault.NotFound, "", "looking up a published key")
	}
	rows[0].public, err = v.publicKey(kid, rows[0].JWK)
	return &rows[0], err
}

func scanFound(r pgx.CollectableRow) (f found, err error) {
	return f, r.Scan(&f.KeyRegistrar, &f.JWK, &f.DistrustedAt, &f.State, &f.StatusAt, &f.ValidUntil, &f.SuspendedUntil)
}

// parsedKey is a published key as read from its JWK. Only keys are kept between checks, and only for the very bytes that
// were just read; a status is read anew each time.
type parsedKey struct {
	jwk    []byte
	public crypto.PublicKey
}

func (v *Verifier) publicKey(kid string, jwk []byte) (crypto.PublicKey, error) {
	if kept, ok := v.parsed.Load(kid); ok {
		if k := kept.(*parsedKey); bytes.Equal(k.jwk, jwk) {
			return k.public, nil
		}
	}
	var read jose.JSONWebKey
	if err := json.Unmarshal(jwk, &read); err != nil {
		return nil, fmt.Errorf("reading published key %s: %w", kid, err)
	}
	v.parsed.Store(kid, &parsedKey{jwk: bytes.Clone(jwk), public: read.Key})
	return read.Key, nil
}

// keys reads every key that was ever published.
func (v *Verifier) keys(ctx context.Context) (keys []credential.Key, err error) {
	err = v.DB.Public(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `
			select kid, registrar_id, purpose, public_jwk::text::bytea, chain, not_before, retired_at, distrusted_at
			  from signing_key order by registrar_id, purpose, not_before, kid`)
		if err != nil {
			return fmt.Errorf("reading the published keys: %w", err)
		}
		keys, err = pgx.CollectRows(rows, pgx.RowToStructByPos[credential.Key])
		return err
	})
	return keys, err
}
