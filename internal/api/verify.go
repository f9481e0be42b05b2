package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"akashi/internal/verification"
)

const (
	maxQuestion   = 64 << 10 // bytes of a request for a verification
	maxCredential = 16384    // characters of the credential in it, as the description has it
	// patience is how long the register may take to answer before the verdict is "cannot_tell".
	patience = 10 * time.Second
)

type question struct {
	Body struct {
		Credential string `json:"credential" minLength:"1" maxLength:"16384" example:"https://check.example.jp/w/?c=0oRDoQEm…" doc:"What the QR code holds: an address with the credential in its c parameter (query or fragment), or the Base64 of the COSE_Sign1 message in either alphabet. The host in the address is not looked at and not called. Or a credential for wallets as text: SD-JWT VC (with or without a key binding, which is not judged here) or a W3C credential as vc+jwt."`
	}
}

// Verification is the answer, the same as verification.Result.
type Verification struct {
	Verdict     string            `json:"verdict" enum:"valid,suspended,revoked,replaced,expired,tampered,unknown_issuer,run_out,cannot_tell,unreadable" doc:"The one-word answer. run_out: a code made for showing on a screen, whose two minutes have passed; have it shown again. cannot_tell: the register could not be asked, which says nothing about the credential. unreadable: there is no credential in what was sent."`
	Untampered  string            `json:"untampered" enum:"yes,no,unknown" doc:"Whether the signature fits the content."`
	Issuer      string            `json:"issuer" enum:"yes,no,unknown" doc:"Whether the key may sign for the register that the credential names."`
	Status      string            `json:"status" enum:"yes,no,unknown" doc:"Whether the credential is in force at this moment."`
	IssuerName  string            `json:"issuer_name,omitempty" example:"厚生労働大臣" doc:"Who issued it; only when the signature holds."`
	Facts       map[string]string `json:"facts,omitempty" doc:"Facts to compare with an identity document, by the credential's two-letter labels: CN qualification, UN name, RN registration number, RD registration date, IA issuing body, IN issuer, DN id of the credential. Only when the signature holds."`
	StatusSince *time.Time        `json:"status_since,omitempty" doc:"Since when the status is so."`
	Reason      string            `json:"reason,omitempty" example:"changed_after" doc:"Why a PDF is not believed as a document, in one word, e.g. wrong_digest, changed_after, partly_signed, several_signatures, not_recorded. Absent where the document is genuine, whatever the credential's status."`
	// LegalOriginal is of the version 2026-12-01.
	LegalOriginal string `json:"legal_original_since,omitempty" format:"date" doc:"Since when the digital credential of this qualification is the legal original. Absent where the paper is, and where the issuer is not certain."`
	// SuspendedUntil is of the version 2026-12-15.
	SuspendedUntil string    `json:"suspended_until,omitempty" format:"date" doc:"The last day of a suspension by the register that has a term; ask again after it. Absent where there is no suspension, and where it has no end that is known."`
	CheckedAt      time.Time `json:"checked_at" doc:"When it was checked. Nothing is remembered: ask again for a later answer."`
}

type verdict struct {
	Body Verification
}

func (s *service) verifyOperation() huma.Operation {
	return huma.Operation{
		OperationID: "verify", Method: http.MethodPost, Path: verificationsPath, Summary: "Verify a credential",
		Description: "Makes three checks apart: untampered, issued by whom it names, in force now. Nothing that is sent is stored or logged, and the holder is not told. " +
			"A client network may ask at a limited rate; beyond it the answer is 429 with Retry-After.",
		MaxBodyBytes: maxQuestion, BodyReadTimeout: bodyPatience,
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests},
	}
}

// limit answers 429 to a client that asks too fast.
func (s *service) limit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if s.allowed(w, r) {
		next(ctx)
	}
}

// allowed tells whether a client may ask now; otherwise it has answered.
func (s *service) allowed(w http.ResponseWriter, r *http.Request) bool {
	if s.limiter.Allow(s.client(r)) {
		return true
	}
	w.Header().Set("Retry-After", "1")
	problem(w, http.StatusTooManyRequests, "Your network asks faster than allowed. Wait a second.")
	return false
}

// verify answers what quick leaves.
func (s *service) verify(ctx context.Context, q *question) (*verdict, error) {
	return &verdict{Body: s.checked(ctx, q.Body.Credential)}, nil
}

// checked checks a credential. A client that hangs up must not look like a register that does not answer.
func (s *service) checked(ctx context.Context, credential string) Verification {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return answer(s.Verifier.CheckText(ctx, credential))
}

func answer(r verification.Result) Verification {
	a := Verification{Verdict: string(r.Verdict), Untampered: string(r.Untampered), Issuer: string(r.Issuer), Status: string(r.Status),
		IssuerName: r.IssuerName, Facts: r.Facts, StatusSince: r.StatusAt, Reason: r.Reason, CheckedAt: r.CheckedAt}
	if !r.LegalOriginal.IsZero() {
		a.LegalOriginal = r.LegalOriginal.String()
	}
	if !r.SuspendedUntil.IsZero() {
		a.SuspendedUntil = r.SuspendedUntil.String()
	}
	return a
}
