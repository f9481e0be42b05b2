package registry_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// typedOnPaper is what stands on the nurse's form.
func typedOnPaper() map[string]string {
	all := map[string]string{}
	for _, page := range casetest.Typed() {
		for input, value := range page {
			all[input] = value
		}
	}
	return all
}

// A registration that came on paper, from the counter to an entry that nobody holds; a correction on paper between; a change of the
// entry on paper; and the holder who links it at last.
func TestPaper(t *testing.T) {
	t.Parallel()
	w, ctx := casetest.New(t), t.Context()
	w.Passer(t)
	teller := w.Teller(t, "teller", "mhlw")
	day := w.Today()
	id := w.Enter(t, teller, "kangoshi.mhlw", "registration", "", typedOnPaper())
	w.Work(t)

	must(t, w.Office.Take(ctx, w.Reviewer, id))
	v := got(w.Office.Open(ctx, w.Reviewer, id, "procedure"))(t)
	if v.Case.State != application.InReview || v.Case.Origin != application.OriginCounter || v.Order != nil || len(v.Inquiries) != 2 {
		t.Fatalf("the case is %s, of origin %s, with the order %v and %d questions", v.Case.State, v.Case.Origin, v.Order, len(v.Inquiries))
	}
	if want := calendar.AddBusinessDays(day, v.Procedure.StandardDays); *v.Case.DueOn != want || calendar.Of(*v.Case.SubmittedAt) != day {
		t.Errorf("received %s, due %s, want %s and %s", calendar.Of(*v.Case.SubmittedAt), v.Case.DueOn, day, want)
	}
	for check, want := range map[string]string{"signature": "signed_on_paper", "payment": "paid_on_paper", "resident": "resident_matches"} {
		i := slices.IndexFunc(v.Findings, func(f review.Finding) bool { return f.Check == check })
		if i < 0 || v.Findings[i].Code != want {
			t.Errorf("the check %s: %+v, want %s", check, v.Findings, want)
		}
	}
	doc := got(application.ParseDocument(v.Submissions[0].Bytes))(t)
	if doc.Origin != application.OriginCounter || doc.Paper.StaffNumber != "teller" || doc.Paper.Signature != application.SignedOnPaper ||
		doc.Paper.ReceivedOn != day.String() || doc.Paper.Record["identity"] != "driving_licence" || doc.Total != v.Receipts[0].Paid() || doc.Total == 0 {
		t.Errorf("stored verbatim: %+v %+v", doc, doc.Paper)
	}

	items := []application.CorrectionItem{{Item: "name_kana", Reason: "kana", Note: "フリガナを確認してください"}}
	must(t, w.Office.RequestCorrection(ctx, w.Reviewer, id, items, day.AddDays(14)))
	w.EnterCorrection(t, teller, id, day, map[string]string{"name_kana.family": "みほん", "name_kana.given": "はな"})
	v = got(w.Office.Open(ctx, w.Reviewer, id, "procedure"))(t)
	if v.Case.State != application.InReview || len(v.Submissions) != 2 || v.Case.Answers.Values["name_kana.given"] == "" || len(v.Receipts) != 2 {
		t.Fatalf("after the correction: %s, %d rounds, %d receipts", v.Case.State, len(v.Submissions), len(v.Receipts))
	}

	proposeHeld(t, w, id)
	w.Approve(t, id)
	w.Work(t)
	entry := entryOfCase(t, w, id)
	if entry.PersonRef != nil || entry.State != registry.Registered || entry.Facts["name"] != "見本　花子" {
		t.Errorf("the entry %+v", entry)
	}
	var signed int
	must(t, w.DB.Superuser().QueryRow(ctx, `select count(*) from credential where entry_id = $1 and signature is not null and person_ref is null`, entry.ID).Scan(&signed))
	if signed != 1 {
		t.Errorf("%d credentials are signed, want 1", signed)
	}

	changed := w.Enter(t, teller, "kangoshi.mhlw", "reissue", entry.Number, nil)
	w.Work(t)
	w.Propose(t, changed)
	w.Approve(t, changed)
	w.Work(t)
	if again := entryOfCase(t, w, changed); again.ID != entry.ID || again.Revision != entry.Revision+1 {
		t.Errorf("the reissue changed %+v", again)
	}

	linking := got(w.Desk.Start(ctx, w.Nurse, "kangoshi.mhlw", "linking", "ja"))(t)
	link := got(w.Desk.View(ctx, w.Nurse, linking.PublicID))(t)
	for _, g := range got(link.Groups())(t) {
		raw := map[string]string{}
		for _, f := range g.Fields {
			if f.Kind == "regnumber" {
				raw[f.ID] = entry.Number
			}
		}
		if problems := got(w.Desk.SaveGroup(ctx, w.Nurse, linking.PublicID, g.ID, raw))(t); len(problems) > 0 && len(raw) > 0 {
			t.Errorf("page %s: %v", g.ID, problems)
		}
	}
	cases := got(w.Desk.List(ctx, w.Nurse))(t)
	if len(cases) != 1 || cases[0].PublicID != linking.PublicID {
		t.Errorf("the nurse sees %d cases, want the linking alone", len(cases))
	}
}

// Whoever has no part in the intake enters nothing, and whoever has entered a paper does not decide it.
func TestPaperRefusals(t *testing.T) {
	t.Parallel()
	w, ctx := casetest.New(t), t.Context()
	w.Passer(t)
	teller, abroad := w.Teller(t, "teller", "mhlw"), w.Teller(t, "abroad", "sssc")
	must(t, w.DB.As(pg.RoleWorker).Platform(ctx, func(tx *pg.Tx) error {
		return account.Give(ctx, tx, w.Approver.Staff.ID, account.Grant{Body: "mhlw", Role: account.Intake}, "test")
	}))
	w.Approver.Staff = got(account.ByLogin(ctx, w.DB.As(pg.RoleOffice), "approver"))(t)
	both := application.Teller{Staff: w.Approver.Staff, Body: "mhlw"}
	reviewer := application.Teller{Staff: w.Reviewer.Staff, Body: "mhlw"}
	begin := func(at application.Teller, register, procedure string, typed map[string]string) error {
		_, problems, err := w.Intake.Begin(ctx, at, uuid.New(), register, procedure, typed)
		if err == nil && len(problems) > 0 {
			return errors.New(problems[0].Field + ": " + problems[0].Message.EN)
		}
		return err
	}
	paper := casetest.Received(w.Today(), "")
	change := func(typed map[string]string, pairs ...string) map[string]string {
		out := map[string]string{}
		for k, v := range typed {
			out[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	refusedFor(t, "without the role", begin(reviewer, "kangoshi.mhlw", "registration", paper), fault.Forbidden, "")
	refusedFor(t, "another registrar's", begin(abroad, "kangoshi.mhlw", "registration", paper), fault.NotFound, "")
	refusedFor(t, "a link on paper", begin(teller, "kangoshi.mhlw", "linking", paper), fault.Invalid, "fault.not_on_paper")
	for name, c := range map[string]struct {
		typed map[string]string
		want  string
	}{
		"no signature":     {change(paper, "signed_seen", ""), "signed_seen: "},
		"not seen":         {change(paper, "identity_seen", ""), "identity_seen: "},
		"another document": {change(paper, "identity", "other"), "identity_note: "},
		"of tomorrow":      {change(paper, "received_on.day", "2"), "received_on: "},
		"of long ago":      {change(paper, "received_on.year", "2025", "received_on.month", "3"), "received_on: "},
		"no birth date":    {change(paper, "birth_date.year", ""), "birth_date: "},
	} {
		if err := begin(teller, "kangoshi.mhlw", "registration", c.typed); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if err := begin(teller, "kangoshi.mhlw", "reissue", casetest.Received(w.Today(), "999999")); err == nil || !strings.HasPrefix(err.Error(), "entry_number: ") {
		t.Errorf("an unknown number: %v", err)
	}

	online := w.Draft(t)
	if _, err := w.Intake.View(ctx, teller, online); !errors.Is(err, fault.NotFound) {
		t.Errorf("the counter opens a draft of the portal: %v", err)
	}
	id := w.Enter(t, both, "kangoshi.mhlw", "registration", "", typedOnPaper())
	w.Work(t)
	if _, err := w.Intake.View(ctx, abroad, id); !errors.Is(err, fault.NotFound) {
		t.Errorf("another registrar opens it: %v", err)
	}
	if _, err := w.Intake.View(ctx, teller, id); !errors.Is(err, fault.Conflict) {
		t.Errorf("it is open after it was handed in: %v", err)
	}
	w.Propose(t, id)
	refusedFor(t, "taking what one has entered", w.Office.Take(ctx, w.Approver, id), fault.Forbidden, "fault.four_eyes_paper")
	if _, err := w.Office.TakeNext(ctx, w.Approver, application.StepApproval); !errors.Is(err, fault.NotFound) {
		t.Errorf("the next decision: %v", err)
	}
	err := w.DB.As(pg.RoleOffice).InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `update decision set outcome = 'approved', approver_id = $1, decided_at = $2 where outcome is null`, w.Approver.Staff.ID, tx.Now)
		return err
	})
	var sql *pgconn.PgError
	if !errors.As(err, &sql) || sql.Message != `new row violates row-level security policy "not_who_entered" for table "decision"` {
		t.Errorf("the database lets who entered decide: %v", err)
	}

	draft, _, err := w.Intake.Begin(ctx, teller, uuid.New(), "kangoshi.mhlw", "registration", paper)
	must(t, err)
	again, _, err := w.Intake.Begin(ctx, teller, draft.ID, "kangoshi.mhlw", "registration", paper)
	must(t, err)
	if again.PublicID != draft.PublicID {
		t.Errorf("the same form sent twice began %s and %s", draft.PublicID, again.PublicID)
	}
	problems := got(w.Intake.Prepare(ctx, teller, draft.PublicID))(t)
	if !slices.ContainsFunc(problems, func(p qualification.Problem) bool { return p.Field == "evidence:"+application.EvidencePaper }) ||
		!slices.ContainsFunc(problems, func(p qualification.Problem) bool { return p.Field == "exam_number" }) ||
		!slices.ContainsFunc(problems, func(p qualification.Problem) bool { return p.Field == application.ReceiptField+"paid_by" }) {
		t.Errorf("an empty form lacks %v", problems)
	}
	must(t, w.DB.As(pg.RoleCitizen).InPerson(ctx, pg.Person{ID: w.Nurse.ID, Ref: draft.PersonRef}, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `update application set lang = 'en' where id = $1`, draft.ID) // also with its reference, no portal moves it
		return err
	}))
	must(t, w.Intake.Withdraw(ctx, teller, draft.PublicID))
	var lang, state string
	must(t, w.DB.Superuser().QueryRow(ctx, `select lang, state from application where id = $1`, draft.ID).Scan(&lang, &state))
	got(w.Clerk.Sweep(ctx, 100))(t)
	var left int
	must(t, w.DB.Superuser().QueryRow(ctx, `
		select count(*) from application a left join paper_receipt r on r.application_id = a.id
		 where a.id = $1 and (r.round is not null or a.applicant->>'address' <> '' or a.answers->'values' <> '{}')`, draft.ID).Scan(&left))
	if left != 0 {
		t.Error("what was typed of a paper that was given up is still there")
	}
	if lang != "ja" || state != "withdrawn" {
		t.Errorf("given up, the draft is %s in %s", state, lang)
	}
	var seen int
	must(t, w.DB.Superuser().QueryRow(ctx, `select count(*) from audit_event where act = $1`, audit.StaffRefused).Scan(&seen))
	if seen < 4 {
		t.Errorf("%d refusals are on record", seen)
	}
}

// proposeHeld settles every check of a case that the reviewer holds and proposes the approval.
func proposeHeld(t *testing.T, w *casetest.World, id string) {
	t.Helper()
	v := got(w.Office.Open(t.Context(), w.Reviewer, id, "procedure"))(t)
	var settled []review.Verdict
	for _, c := range v.Unsettled {
		settled = append(settled, review.Verdict{Check: c, Verdict: "ok"})
	}
	must(t, w.Office.SaveVerdicts(t.Context(), w.Reviewer, id, settled))
	must(t, w.Office.Propose(t.Context(), w.Reviewer, id, review.Proposal{Outcome: "approve"}))
}

// entryOfCase reads the entry that a case has made or changed.
func entryOfCase(t *testing.T, w *casetest.World, id string) *registry.Entry {
	t.Helper()
	var e registry.Entry
	must(t, w.DB.Superuser().QueryRow(t.Context(), `
		select e.id, e.number, e.person_ref, e.state, e.facts, e.revision from entry e
		  join entry_history h on h.register_id = e.register_id and h.entry_id = e.id
		  join application a on a.register_id = h.register_id and a.id = h.application_id
		 where a.public_id = $1`, id).Scan(&e.ID, &e.Number, &e.PersonRef, &e.State, &e.Facts, &e.Revision))
	return &e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got takes a value with its error, which fails the test.
func got[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// refusedFor fails the test unless an act was refused as expected.
func refusedFor(t *testing.T, what string, err error, kind fault.Kind, key string) {
	t.Helper()
	var f *fault.Error
	if !errors.Is(err, kind) || key != "" && (!errors.As(err, &f) || f.Key != key) {
		t.Errorf("%s: %v, want %s %s", what, err, kind, key)
	}
}
