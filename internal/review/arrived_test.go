package review_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/review"
)

// Whose name a page of the inbox shows can see that it was looked at, in one event for the whole page.
func TestInboxIsALook(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	var people []application.Applicant
	for _, subject := range []string{"one", "two"} {
		w.Nurse = w.Another(t, subject, casetest.Card())
		people = append(people, w.Nurse)
		w.InReview(t)
	}
	rows, err := w.Office.Inbox(ctx, w.Reviewer, review.Filter{})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	seen := map[string]int{}
	for _, a := range people {
		err := w.DB.As(pg.RoleCitizen).InPerson(ctx, pg.Person{ID: a.ID, Ref: w.Ref(a)}, func(tx *pg.Tx) error {
			events, err := audit.List(ctx, tx, audit.Filter{Act: audit.CaseList})
			for _, e := range events {
				seen[e.ID.String()]++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 1 {
		t.Errorf("the two saw the events %v, want one that both see", seen)
	}
	for _, n := range seen {
		if n != 2 {
			t.Errorf("%d of two saw the look", n)
		}
	}
}

// A registry may answer when the case lies before the second person. An answer that differs or decides nothing keeps it from
// being approved until the reviewer has seen it; one that agrees changes nothing.
func TestAnswerAfterTheProposal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer application.Reply
		agrees bool
	}{
		"agrees":          {application.Reply{Class: application.FamilyDetermined, Record: map[string]string{"domicile": "13"}}, true},
		"differs":         {application.Reply{Class: application.FamilyDetermined, Record: map[string]string{"domicile": "41"}}, false},
		"decides nothing": {application.Reply{Class: "partly_unknown_order"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := casetest.New(t)
			ctx := t.Context()
			w.Passer(t)
			w.Answers.Fail(application.Family, fault.New(fault.Upstream, "", "not answering"))
			id := w.Submitted(t)
			w.Pay(t, id)
			w.Settle(t)
			w.Propose(t, id)
			c.answer.Source, c.answer.At = "test", casetest.Start()
			w.Answers.Set(application.Family, c.answer)
			w.Clock.Set(w.Clock.Now().Add(time.Second))
			if _, err := w.DB.Superuser().Exec(ctx, `update river_job set state = 'available', scheduled_at = now() where kind = 'application.inquire' and state <> 'completed'`); err != nil {
				t.Fatal(err)
			}
			w.Settle(t)
			if err := w.Office.Take(ctx, w.Approver, id); err != nil {
				t.Fatal(err)
			}
			err := w.Office.Decide(ctx, w.Approver, id, review.Agree, "")
			if c.agrees {
				if err != nil {
					t.Errorf("approving: %v", err)
				}
				return
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.Key != "fault.answer_arrived" || !errors.Is(err, fault.Conflict) {
				t.Fatalf("approving: %v, want fault.answer_arrived", err)
			}
			if err := w.Office.Decide(ctx, w.Approver, id, review.Return, "戸籍の回答を確認してください"); err != nil {
				t.Fatal(err)
			}
			v, err := w.Office.Open(ctx, w.Reviewer, id, "procedure")
			if err != nil || v.Case.State != application.InReview || !slices.Equal(v.Unsettled, []string{"family"}) {
				t.Fatalf("sent back: %v, open checks %v, %v", v.Case.State, v.Unsettled, err)
			}
			if err := w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "approve"}); !errors.Is(err, fault.Invalid) {
				t.Errorf("proposing without another look: %v, want invalid", err)
			}
		})
	}
}
