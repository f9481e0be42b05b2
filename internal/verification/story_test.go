package verification_test

import (
	"testing"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/review"
	"akashi/internal/verification"
)

// TestStory walks the main job: apply, sign, pay, review, approve, enter, sign the credential, verify it, revoke it.
func TestStory(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Registered(t)
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if v.Case.State != application.Registered {
		t.Fatalf("the case is %s", v.Case.State)
	}
	held, err := w.Wallet.List(ctx, w.Nurse)
	if err != nil || len(held) != 1 || held[0].Credential == nil {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	e := held[0].Entry
	if e.Number != "1" || e.Facts["name"] != "見本　花子" || e.Facts["name_kana"] != "ミホン　ハナコ" || e.Facts["domicile"] != "13" {
		t.Errorf("entry %+v", e)
	}
	url, err := held[0].Credential.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	r := w.Verifier.CheckText(ctx, url)
	if r.Verdict != verification.Valid || r.Untampered != verification.Yes || r.Issuer != verification.Yes || r.Status != verification.Yes {
		t.Fatalf("verification %+v", r)
	}
	if _, there := r.Facts["UB"]; there {
		t.Error("the result shows the birth date")
	}

	for _, c := range []struct {
		kind string
		want verification.Verdict
	}{
		{review.MeasureSuspend, verification.Suspended}, {review.MeasureRestore, verification.Valid}, {review.MeasureRevoke, verification.Revoked},
	} {
		officer := w.Keeper
		measure, err := w.Office.ProposeMeasure(ctx, officer, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: c.kind,
			Reason: "試験のための処分", Who: casetest.Card()})
		if err != nil {
			t.Fatalf("%s: %v", c.kind, err)
		}
		w.Approve(t, measure)
		if r := w.Verifier.CheckText(ctx, url); r.Verdict != c.want || r.Untampered != verification.Yes {
			t.Fatalf("after %s: %+v, want %s", c.kind, r, c.want)
		}
	}
}
