package application_test

import (
	"errors"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// closeNurses lets another process close the register of nurses today: this one has not heard of it.
func closeNurses(t *testing.T, w *casetest.World) {
	t.Helper()
	w.Act(t, rollout.Proposal{Kind: qualification.ActClose, Qualification: "kangoshi", Bodies: []string{"mhlw"}, On: w.Today(), Reason: "緊急の点検のため"})
	if !w.Catalogue.Offered("kangoshi.mhlw", "registration", qualification.ChannelOnline, w.Today()) {
		t.Fatal("this process has heard of the closing; the test shows nothing")
	}
}

// TestNothingIsFiledAfterAClosing that this process has not heard of: no draft is begun, none is handed in; what was
// handed in before is decided.
func TestNothingIsFiledAfterAClosing(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	begun := w.Draft(t)
	r := w.Frozen(t, begun)
	closeNurses(t, w)
	_, err := w.Desk.Submit(ctx, w.Nurse, begun, r.ID, casetest.Sign(r.Bytes), nil)
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "not open") {
		t.Errorf("handed in after the closing: %v", err)
	}
	another := w.Another(t, "another", casetest.Card())
	if _, err := w.Desk.Start(ctx, another, "kangoshi.mhlw", "registration", "ja"); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "filing for a procedure that is not open") {
		t.Errorf("begun after the closing: %v", err)
	}
	if cases, err := w.Desk.List(ctx, another); err != nil || len(cases) != 0 {
		t.Errorf("%d cases were begun: %v", len(cases), err)
	}
	if err := rollout.Refresh(ctx, w.DB.As(pg.RoleCitizen), w.Catalogue); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Desk.PrepareSigning(ctx, w.Nurse, begun); !errors.Is(err, fault.Invalid) {
		t.Errorf("frozen after the closing: %v", err)
	}
}

// TestWhatWasHandedInBeforeAClosingIsDecided on the route that was chosen then.
func TestWhatWasHandedInBeforeAClosingIsDecided(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.InReview(t)
	route := func() []qualification.Route {
		t.Helper()
		v, err := w.Desk.View(t.Context(), w.Nurse, id)
		if err != nil {
			t.Fatal(err)
		}
		return v.Case.Route
	}
	before := route()
	if len(before) < 2 || before[len(before)-1].Step != "approval" {
		t.Fatalf("the route is %+v", before)
	}
	closeNurses(t, w)
	w.Propose(t, id)
	w.Approve(t, id)
	if after := route(); len(after) != len(before) || after[0] != before[0] {
		t.Errorf("the route was %+v and is %+v", before, after)
	}
	if v, err := w.Desk.View(t.Context(), w.Nurse, id); err != nil || v.Case.State != application.Registered {
		t.Errorf("%v %v", v.Case.State, err)
	}
}
