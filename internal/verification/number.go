package verification

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// CheckNumber says what the bare number of a credential may reveal: of which qualification it is, which the number itself
// says, and whether it is in force. No name, no date of the register, nothing that was signed: whoever has only a number has
// not seen a credential, so the first two checks stay open and a "valid" is about the number alone. The numbers are random
// (50 bits), and one that was never given out answers as one whose register does not exist. Where the register does not answer
// to numbers (qualification.FunctionNumber), every number of it is answered alike: CannotTell with NumberNotUsed.
func (v *Verifier) CheckNumber(ctx context.Context, typed string) Result {
	r := Result{Verdict: Unreadable, Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: v.DB.Clock.Now()}
	number, _, err := publicid.Parse(typed)
	if err != nil {
		return r
	}
	reg, err := application.Locate(v.Catalogue, number)
	if err != nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	row, err := v.numbered(ctx, reg, number, calendar.Of(r.CheckedAt))
	switch {
	case errors.Is(err, errNumberNotUsed):
		r.Verdict, r.Reason = CannotTell, NumberNotUsed
		return r
	case errors.Is(err, fault.NotFound):
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	case err != nil:
		v.tell(err)
		r.Verdict = CannotTell
		return r
	}
	r.Facts = map[string]string{cose.CertificateID: number}
	if def, ok := v.Catalogue.Definition(reg.Qualification); ok {
		r.Facts[cose.QualificationName] = def.Name.JA
	}
	r.LegalOriginal = v.Catalogue.LegalOriginal(reg.Qualification, calendar.Of(r.CheckedAt))
	return row.status(r)
}

// NumberNotUsed is the reason of a result: the register does not answer to numbers alone. It says nothing about the number.
const NumberNotUsed = "number_not_used"

// errNumberNotUsed means that the register does not answer to numbers.
var errNumberNotUsed = fault.New(fault.Conflict, "", "looking up a number at a register that does not answer to numbers")

// numbered reads the status of the credential with a number, once it has been signed, if the register answers to numbers on the
// day.
func (v *Verifier) numbered(ctx context.Context, reg *qualification.Register, publicID string, day calendar.Date) (*found, error) {
	var rows []found
	var acts rollout.Watch
	err := v.DB.Public(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		rows, acts = nil, rollout.Watch{}
		acts.Queue(&b, reg.Qualification)
		pg.ReadBy(&b, &rows, func(r pgx.CollectableRow) (f found, err error) {
			return f, r.Scan(&f.State, &f.StatusAt, &f.ValidUntil, &f.SuspendedUntil)
		},
			"looking up the status of a number", `
			select state, status_at, valid_until, suspended_until from credential
			 where register_id = $1 and public_id = $2 and signed_at is not null`, reg.ID, publicID)
		return b.Send(ctx, tx)
	})
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Upstream, err, "looking up the status of a number")
	case !acts.Uses(v.Catalogue, reg.ID, qualification.FunctionNumber, day):
		return nil, errNumberNotUsed
	case len(rows) == 0:
		return nil, fault.New(fault.NotFound, "", "looking up the status of a number")
	}
	return &rows[0], nil
}

// About tells whether the result is about a bare number: nothing that was signed has been seen.
func (r Result) About() bool { return r.Untampered == Unknown && r.Facts[cose.CertificateID] != "" }

// Conditional tells whether a credential is in force, and there is something to mind: the holder has not shown whose it is, or
// only its number is known.
func (r Result) Conditional() bool {
	return r.Verdict == Valid && (r.Untampered != Yes || r.Facts[cose.HolderName] == "")
}
