package casetest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/jtext"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/review"
)

// PNG is the smallest picture that counts as a document.
var PNG = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")

// Typed is what the nurse types, by page.
func Typed() map[string]map[string]string {
	return map[string]map[string]string{
		"person":      {},
		"kana":        {"name_kana.family": "みほん", "name_kana.given": "はなこ"},
		"domicile":    {"domicile": "13", "nationality": ""},
		"contact":     {"tel": "０９０－１２３４－５６７８", "email": ""},
		"examination": {"exam_passed_on.era": "", "exam_passed_on.year": "2026", "exam_passed_on.month": "3", "exam_number": "10234", "exam_place": "13"},
		"penalties":   {"fined": "no", "misconduct": "no"},
	}
}

// Passer puts the nurse on the list of passers.
func (w *World) Passer(t testing.TB) {
	t.Helper()
	c := Card()
	check(t, w.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `
			insert into passer (register_id, sitting, place, number, name_key, birth_date, loaded_at)
			values ('kangoshi.mhlw', '2026-03', '13', '10234', $1, $2, $3) on conflict do nothing`,
			jtext.SearchKey(c.Name.Full()), c.BirthDate, tx.Now)
		return err
	}))
}

// Draft starts the nurse's application and fills every page.
func (w *World) Draft(t testing.TB) string {
	t.Helper()
	ctx := t.Context()
	c := must(w.Desk.Start(ctx, w.Nurse, "kangoshi.mhlw", "registration", "ja"))(t)
	v := must(w.Desk.View(ctx, w.Nurse, c.PublicID))(t)
	groups := must(v.Groups())(t)
	for _, g := range groups {
		problems := must(w.Desk.SaveGroup(ctx, w.Nurse, c.PublicID, g.ID, Typed()[g.ID]))(t)
		for _, p := range problems {
			t.Fatalf("page %s: %s: %s", g.ID, p.Input, p.Message.JA)
		}
	}
	v = must(w.Desk.View(ctx, w.Nurse, c.PublicID))(t)
	for _, missing := range must(v.MissingDocuments())(t) {
		w.Upload(t, c.PublicID, strings.TrimPrefix(missing.Field, "evidence:"))
	}
	return c.PublicID
}

// Upload hands one document in.
func (w *World) Upload(t testing.TB, id, evidence string) {
	t.Helper()
	ref := must(w.Blobs.Put(t.Context(), bytes.NewReader(PNG), 1<<20))(t)
	check(t, w.Desk.AddUpload(t.Context(), w.Nurse, id, evidence, "診断書.png", "image/png", blob.Ref(ref)))
}

// Frozen freezes the case's content and returns what is to be signed.
func (w *World) Frozen(t testing.TB, id string) *application.SignRequest {
	t.Helper()
	problems := must(w.Desk.PrepareSigning(t.Context(), w.Nurse, id))(t)
	for _, p := range problems {
		t.Fatalf("freezing: %s: %s", p.Input, p.Message.JA)
	}
	v := must(w.Desk.View(t.Context(), w.Nurse, id))(t)
	if v.Request == nil {
		t.Fatalf("case %s in state %s has no frozen content", id, v.Case.State)
	}
	return v.Request
}

// Submitted brings a case to waiting for its payment.
func (w *World) Submitted(t testing.TB) string {
	t.Helper()
	id := w.Draft(t)
	r := w.Frozen(t, id)
	must(w.Desk.Submit(t.Context(), w.Nurse, id, r.ID, Sign(r.Bytes), nil))(t)
	return id
}

// Pay pays at the provider and comes back.
func (w *World) Pay(t testing.TB, id string) {
	t.Helper()
	must(w.Counter.Pay(t.Context(), w.Nurse, id))(t)
	d := must(w.Counter.Due(t.Context(), w.Nurse, id))(t)
	if !w.Provider.Pay(d.Order.PublicID, w.Clock.Now()) {
		t.Fatalf("order %s could not be paid", d.Order.PublicID)
	}
	if state := must(w.Counter.Returned(t.Context(), w.Nurse, id))(t); state != payment.Paid {
		t.Fatalf("after paying the order is %s", state)
	}
}

// InReview brings a case to its reviewer, with every answer there.
func (w *World) InReview(t testing.TB) string {
	t.Helper()
	w.Passer(t)
	id := w.Submitted(t)
	w.Pay(t, id)
	w.Work(t)
	return id
}

// Proposed has the reviewer settle every check and propose the approval.
func (w *World) Proposed(t testing.TB) string {
	t.Helper()
	id := w.InReview(t)
	w.Propose(t, id)
	return id
}

// Propose has the reviewer take a case, settle every check and propose the approval.
func (w *World) Propose(t testing.TB, id string) {
	t.Helper()
	ctx := t.Context()
	check(t, w.Office.Take(ctx, w.Reviewer, id))
	v := must(w.Office.Open(ctx, w.Reviewer, id, "procedure"))(t)
	var settled []review.Verdict
	for _, c := range v.Unsettled {
		settled = append(settled, review.Verdict{Check: c, Verdict: "ok"})
	}
	check(t, w.Office.SaveVerdicts(ctx, w.Reviewer, id, settled))
	check(t, w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "approve"}))
}

// Approve has the second person agree.
func (w *World) Approve(t testing.TB, id string) {
	t.Helper()
	check(t, w.Office.Take(t.Context(), w.Approver, id))
	check(t, w.Office.Decide(t.Context(), w.Approver, id, review.Agree, ""))
}

// Registered brings a case to its end: an entry with a signed credential.
func (w *World) Registered(t testing.TB) string {
	t.Helper()
	id := w.Proposed(t)
	w.Approve(t, id)
	w.Work(t)
	return id
}

// Today is the day of the world's clock.
func (w *World) Today() calendar.Date { return calendar.Of(w.Clock.Now()) }

// Measure has the keeper propose a measure on an entry and the second person agree. It returns the case.
func (w *World) Measure(t testing.TB, registerID string, entry, ref uuid.UUID, kind string) string {
	t.Helper()
	return w.MeasureUntil(t, registerID, entry, ref, kind, calendar.Date{})
}

// MeasureUntil is Measure with the last day of a suspension.
func (w *World) MeasureUntil(t testing.TB, registerID string, entry, ref uuid.UUID, kind string, until calendar.Date) string {
	t.Helper()
	id := must(w.Office.ProposeMeasure(t.Context(), w.Keeper, review.Measure{Register: registerID, EntryID: entry, Ref: ref, Kind: kind, Until: until,
		Reason: "試験のための処分", Who: Card()}))(t)
	w.Approve(t, id)
	return id
}
