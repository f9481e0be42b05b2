package review_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

func view(t *testing.T, w *casetest.World, o review.Officer, id string) *review.View {
	t.Helper()
	v, err := w.Office.Open(t.Context(), o, id, "procedure")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantKey(t *testing.T, err error, key string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Key != key {
		t.Errorf("error %v, want key %s", err, key)
	}
}

// TestFindings: what the machine says about a case in which everything agrees, and about each way of not agreeing.
func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *casetest.World)
		check   string
		want    review.Result
		code    string
	}{
		"signature": {nil, "signature", review.Pass, "signature_holds"},
		"resident":  {nil, "resident", review.Pass, "resident_matches"},
		"family":    {nil, "family", review.Pass, "family_matches"},
		"passer":    {nil, "passer", review.Pass, "passer_found"},
		"payment":   {nil, "payment", review.Pass, "paid"},
		"entry":     {nil, "entry", review.Pass, "entry_none"},
		"human":     {nil, "characters", review.None, "human"},
		"deceased":  {func(w *casetest.World) { answer(w, application.Resident, "match_deceased") }, "resident", review.Fail, "resident_deceased"},
		"several":   {func(w *casetest.World) { answer(w, application.Resident, "multiple") }, "resident", review.Attention, "resident_multiple"},
		"another domicile": {func(w *casetest.World) {
			w.Answers.Set(application.Family, application.Reply{Class: "determined", Record: map[string]string{"domicile": "27"}, Source: "test", At: casetest.Start()})
		}, "family", review.Attention, "family_differs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := casetest.New(t)
			if c.prepare != nil {
				c.prepare(w)
			}
			v := view(t, w, w.Reviewer, w.InReview(t))
			i := slices.IndexFunc(v.Findings, func(f review.Finding) bool { return f.Check == c.check })
			if i < 0 || v.Findings[i].Result != c.want || v.Findings[i].Code != c.code {
				t.Errorf("findings %+v; want %s: %s %s", v.Findings, c.check, c.want, c.code)
			}
		})
	}
}

func answer(w *casetest.World, system, class string) {
	w.Answers.Set(system, application.Reply{Class: class, Source: "test", At: casetest.Start()})
}

func TestPasserMissing(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.Submitted(t)
	w.Pay(t, id)
	w.Work(t)
	v := view(t, w, w.Reviewer, id)
	if !slices.Contains(v.Unsettled, "passer") {
		t.Errorf("unsettled %v", v.Unsettled)
	}
}

// TestUnsettled: a table over the machine's result and the reviewer's verdict.
func TestUnsettled(t *testing.T) {
	p := &qualification.Procedure{Checks: []qualification.Check{{ID: "a", Required: true}, {ID: "b"}}}
	for _, c := range []struct {
		result  review.Result
		verdict string
		want    bool
	}{
		{review.Pass, "", false}, {review.Pass, "ok", false}, {review.Pass, "defect", true},
		{review.Attention, "", true}, {review.Attention, "ok", false}, {review.Attention, "not_applicable", false},
		{review.Fail, "", true}, {review.Fail, "ok", false}, {review.Pending, "", true}, {review.None, "", true}, {review.None, "defect", true},
	} {
		var verdicts []review.Verdict
		if c.verdict != "" {
			verdicts = []review.Verdict{{Check: "a", Verdict: c.verdict}}
		}
		got := review.Unsettled(p, []review.Finding{{Check: "a", Result: c.result}, {Check: "b", Result: review.Fail}}, verdicts)
		if (len(got) == 1) != c.want {
			t.Errorf("%s with verdict %q: unsettled %v", c.result, c.verdict, got)
		}
	}
}

func TestProposalRefusals(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.InReview(t)
	wantKey(t, w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "approve"}), "fault.case_not_yours")
	if err := w.Office.Take(ctx, w.Reviewer, id); err != nil {
		t.Fatal(err)
	}
	wantKey(t, w.Office.Take(ctx, w.Approver, id), "fault.case_taken")
	wantKey(t, w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "approve"}), "fault.unsettled")
	wantKey(t, w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "reject"}), "fault.reason_missing")
	wantKey(t, w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "reject", Reasons: []string{"kana-differs"}}), "fault.reason_unknown")
	wantKey(t, w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "maybe"}), "fault.unknown_verdict")
	wantKey(t, w.Office.SaveVerdicts(ctx, w.Reviewer, id, []review.Verdict{{Check: "signature", Verdict: "defect"}}), "fault.reason_missing")
	wantKey(t, w.Office.SaveVerdicts(ctx, w.Reviewer, id, []review.Verdict{{Check: "nothing", Verdict: "ok"}}), "fault.unknown_check")
	wantKey(t, w.Office.AddNote(ctx, w.Reviewer, id, " \n "), "fault.note_length")
	due := calendar.AddBusinessDays(w.Today(), 5)
	wantKey(t, w.Office.RequestCorrection(ctx, w.Reviewer, id, nil, due), "fault.correction_empty")
	wantKey(t, w.Office.RequestCorrection(ctx, w.Reviewer, id, []application.CorrectionItem{{Item: "tel"}}, w.Today()), "fault.correction_due")
	wantKey(t, w.Office.RequestCorrection(ctx, w.Reviewer, id, []application.CorrectionItem{{Item: "name"}}, due), "fault.correction_item")
	wantKey(t, w.Office.RequestCorrection(ctx, w.Reviewer, id, []application.CorrectionItem{{Item: "penalty_details"}, {Item: "evidence:medical_certificate"}}, due), "fault.correction_hidden")
	if err := w.Office.Release(ctx, w.Reviewer, id); err != nil {
		t.Fatal(err)
	}
	casetest.CompareCounters(t, w)
}

// TestFourEyes: the reviewer cannot decide their own proposal, not by the desk and not by the database.
func TestFourEyes(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.InReview(t)
	both := w.Approver // reviewer and approver at once
	w.Reviewer = both
	w.Propose(t, id)
	wantKey(t, w.Office.Take(ctx, both, id), "fault.four_eyes")
	wantKey(t, w.Office.Decide(ctx, both, id, review.Agree, ""), "fault.four_eyes")
	if _, err := w.Office.TakeNext(ctx, both, application.StepApproval); !errors.Is(err, fault.NotFound) {
		t.Errorf("taking the next approval: %v, want not_found", err)
	}
	err := w.DB.As(pg.RoleOffice).InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `update decision set outcome = 'approved', approver_id = reviewer_id, decided_at = $1`, tx.Now)
		return err
	})
	if !pg.Violates(err, "decision_four_eyes") {
		t.Errorf("deciding in the database: %v, want decision_four_eyes", err)
	}
}

func TestRolesAndBodies(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.InReview(t)
	if err := w.Office.Take(ctx, w.Keeper, id); !errors.Is(err, fault.Forbidden) {
		t.Errorf("the keeper takes a case: %v, want forbidden", err)
	}
	elsewhere := w.Reviewer
	elsewhere.Staff.Grants = []account.Grant{{Body: "pref-41", Role: account.Reviewer}}
	elsewhere.Body = "pref-41"
	if _, err := w.Office.Open(ctx, elsewhere, id, "procedure"); !errors.Is(err, fault.NotFound) {
		t.Errorf("another body opens the case: %v, want not_found", err)
	}
	var recorded int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from audit_event where act = 'staff.refused'`).Scan(&recorded); err != nil || recorded != 2 {
		t.Errorf("%d refusals recorded, error %v", recorded, err)
	}
	elsewhere.Body = "mhlw"
	if _, err := w.Office.Open(ctx, elsewhere, id, "procedure"); !errors.Is(err, fault.Forbidden) {
		t.Errorf("staff of another body at this one: %v, want forbidden", err)
	}
	if _, err := w.Office.ProposeMeasure(ctx, w.Reviewer, review.Measure{Register: "kangoshi.mhlw", Kind: review.MeasureRevoke, Reason: "x"}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a reviewer proposes a revocation: %v, want forbidden", err)
	}
}

// TestReturnAndReject: a returned proposal is back with its reviewer; a rejection ends the case with its reasons.
func TestReturnAndReject(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Proposed(t)
	if err := w.Office.Take(ctx, w.Approver, id); err != nil {
		t.Fatal(err)
	}
	wantKey(t, w.Office.Decide(ctx, w.Approver, id, review.Return, " "), "fault.comment_missing")
	if err := w.Office.Decide(ctx, w.Approver, id, review.Return, "氏名の字形をもう一度"); err != nil {
		t.Fatal(err)
	}
	if v := view(t, w, w.Reviewer, id); v.Case.State != application.InReview || *v.Work.Assignee != w.Reviewer.Staff.ID {
		t.Errorf("returned: %s, held by %v", v.Case.State, v.Work.Assignee)
	}
	if err := w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "reject", Reasons: []string{"disqualified"}}); err != nil {
		t.Fatal(err)
	}
	w.Approve(t, id)
	w.Work(t)
	seen, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Case.State != application.Rejected || seen.Outcome == nil || !slices.Equal(seen.Outcome.Reasons, []string{"disqualified"}) {
		t.Errorf("the applicant sees %s, %+v", seen.Case.State, seen.Outcome)
	}
	if held, err := w.Wallet.List(ctx, w.Nurse); err != nil || len(held) != 0 {
		t.Errorf("a rejected applicant holds %d entries, error %v", len(held), err)
	}
	casetest.CompareCounters(t, w)
}

// TestFree: a case held by somebody who is away can be taken from them by an approver, by nobody else.
func TestFree(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.InReview(t)
	wantKey(t, w.Office.Free(ctx, w.Approver, id), "fault.case_not_held")
	if err := w.Office.Take(ctx, w.Reviewer, id); err != nil {
		t.Fatal(err)
	}
	if err := w.Office.Free(ctx, w.Reviewer, id); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a reviewer frees a case: %v, want forbidden", err)
	}
	if err := w.Office.Free(ctx, w.Approver, id); err != nil {
		t.Fatal(err)
	}
	if err := w.Office.Take(ctx, w.Approver, id); err != nil {
		t.Errorf("taking a freed case: %v", err)
	}
	casetest.CompareCounters(t, w)
}

// TestTakeNext: many officers at once get each case once, nearest deadline first.
func TestTakeNext(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	var ids []string
	for range 6 {
		ids = append(ids, w.InReview(t))
		w.Clock.Advance(24 * time.Hour)
	}
	first, err := w.Office.TakeNext(t.Context(), w.Reviewer, application.StepReview)
	if err != nil || first != ids[0] {
		t.Fatalf("first %s, error %v, want %s", first, err, ids[0])
	}
	got := make(chan string, 16)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			id, err := w.Office.TakeNext(t.Context(), w.Approver, application.StepReview)
			if err != nil && !errors.Is(err, fault.NotFound) {
				t.Errorf("taking the next case: %v", err)
			}
			got <- id
		})
	}
	group.Wait()
	close(got)
	seen := map[string]int{}
	for id := range got {
		if id != "" {
			seen[id]++
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("case %s was taken %d times", id, n)
		}
	}
	if _, err := w.Office.TakeNext(t.Context(), w.Reviewer, application.StepReview); len(seen) == 5 && !errors.Is(err, fault.NotFound) {
		t.Errorf("the empty inbox gives %v, want not_found", err)
	}
	casetest.CompareCounters(t, w)
}

// TestInboxPages: the pages follow on each other without gap or repetition, and the list is audited.
func TestInboxPages(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	want := map[string]bool{}
	for range 5 {
		want[w.InReview(t)] = true
	}
	got := map[string]bool{}
	var after *review.Row
	for {
		rows, err := w.Office.Inbox(t.Context(), w.Reviewer, review.Filter{Limit: 2, After: after})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if got[r.PublicID] || r.Name != "見本　花子" {
				t.Errorf("row %+v, seen before: %t", r, got[r.PublicID])
			}
			got[r.PublicID] = true
		}
		after = &rows[len(rows)-1]
	}
	if len(got) != len(want) {
		t.Errorf("%d rows of %d", len(got), len(want))
	}
	if rows, err := w.Office.Inbox(t.Context(), w.Reviewer, review.Filter{Mine: true}); err != nil || len(rows) != 0 {
		t.Errorf("nothing taken, but %d rows are mine, error %v", len(rows), err)
	}
}

// TestInboxPageThroughOtherDoors: the function behind the inbox shows a body's own items through that body's door only.
func TestInboxPageThroughOtherDoors(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.InReview(t)
	ctx := t.Context()
	office := w.DB.As(pg.RoleOffice)
	for name, c := range map[string]struct {
		open func(func(*pg.Tx) error) error
		want int
	}{
		"own body":   {func(f func(*pg.Tx) error) error { return office.InBody(ctx, "mhlw", f) }, 1},
		"other body": {func(f func(*pg.Tx) error) error { return office.InBody(ctx, "sssc", f) }, 0},
		"registrar":  {func(f func(*pg.Tx) error) error { return office.InRegistrar(ctx, "mhlw", f) }, 0},
		"nobody":     {func(f func(*pg.Tx) error) error { return office.Platform(ctx, f) }, 0},
		"person": {func(f func(*pg.Tx) error) error {
			return office.InPerson(ctx, pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}, f)
		}, 0},
		"public": {func(f func(*pg.Tx) error) error { return office.Public(ctx, f) }, 0},
	} {
		var n int
		err := c.open(func(tx *pg.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from inbox_page(null, '', '', '', null, null, null, 10)`).Scan(&n)
		})
		if err != nil || n != c.want {
			t.Errorf("%s: %d items, error %v, want %d", name, n, err, c.want)
		}
	}
	for _, role := range []string{pg.RoleCitizen, pg.RolePublic, pg.RoleWorker} {
		err := w.DB.As(role).InBody(ctx, "mhlw", func(tx *pg.Tx) error {
			_, err := tx.Exec(ctx, `select count(*) from inbox_page(null, '', $1, '', null, null, null, 10)`, "")
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "permission denied for function") {
			t.Errorf("%s reads an inbox: %v, want permission denied", role, err)
		}
	}
}

// TestLooksAreRecorded: the person can read who opened their case.
func TestLooksAreRecorded(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.InReview(t)
	view(t, w, w.Reviewer, id)
	var n int
	err := w.DB.As(pg.RoleCitizen).InPerson(t.Context(), pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}, func(tx *pg.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from audit_event where act = 'case.view' and actor_body = 'mhlw' and purpose = 'procedure'`).Scan(&n)
	})
	if err != nil || n != 1 {
		t.Errorf("%d looks, error %v", n, err)
	}
}
