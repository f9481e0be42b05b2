package application_test

import (
	"errors"
	"testing"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/fault"
)

// withheld is the resident registry's answer about somebody under support measures.
func withheld() application.Reply {
	record := application.Record(casetest.Card())
	delete(record, "address")
	return application.Reply{Class: application.ResidentWithheld, Record: record, Source: "test", At: casetest.Start()}
}

// nowhere fails the test if the address stands in a row of the case.
func nowhere(t *testing.T, w *casetest.World, id string, tables ...string) {
	t.Helper()
	for _, table := range tables {
		key := "application_id"
		if table == "application" {
			key = "id"
		}
		text := "t::text"
		if table == "submission" || table == "sign_request" {
			text = "t::text || convert_from(t.bytes, 'UTF8')"
		}
		var n int
		err := w.DB.Superuser().QueryRow(t.Context(), `select count(*) from `+table+` t where `+key+` = (select id from application where public_id = $1) and `+text+` like '%見本町%'`, id).Scan(&n)
		if err != nil || n > 0 {
			t.Errorf("%d rows of %s have the protected address (%v)", n, table, err)
		}
	}
}

// Somebody whose address is protected applies without it: it is not asked, not stored, not signed, and no copy of the
// resident record is wanted in its place. What is typed all the same is dropped.
func TestProtectedAddress(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Answers.Set(application.Resident, withheld())
	w.Passer(t)
	id := w.Draft(t)
	problems, err := w.Desk.SaveGroup(ctx, w.Nurse, id, "contact", map[string]string{"tel": "090-1234-5678", "address": casetest.Card().Address})
	if err != nil || len(problems) > 0 {
		t.Fatalf("the page with the address: %v, %v", problems, err)
	}
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	contact := v.Procedure.Group("contact")
	shown, err := v.Procedure.VisibleFields(contact, v.Facts)
	if err != nil || len(shown) != 2 || shown[0].ID != "tel" || !contact.Fields[0].Withheld(v.Facts) {
		t.Errorf("fields of the page: %v, %v; want telephone and mail only", shown, err)
	}
	needed, err := v.Procedure.EvidenceFor(v.Facts)
	if err != nil || len(needed) != 1 || needed[0].ID != "medical_certificate" {
		t.Errorf("documents: %v, %v; want the physician's certificate only", needed, err)
	}
	r := w.Frozen(t, id)
	if _, err := w.Desk.Submit(ctx, w.Nurse, id, r.ID, casetest.Sign(r.Bytes), nil); err != nil {
		t.Fatal(err)
	}
	w.Pay(t, id)
	w.Work(t)
	w.Propose(t, id)
	w.Approve(t, id)
	nowhere(t, w, id, "application", "submission", "sign_request", "inquiry", "case_event")
}

// The registry may answer only after the form was filled from the card: the draft forgets the address then, and frozen
// content with it is dropped, so that it is never signed.
func TestProtectedAddressLate(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Answers.Fail(application.Resident, fault.New(fault.Upstream, "", "not answering"))
	id := w.Draft(t)
	r := w.Frozen(t, id)
	w.Answers.Set(application.Resident, withheld())
	if _, err := w.DB.Superuser().Exec(ctx, `update river_job set state = 'available', scheduled_at = now() where kind = 'application.inquire'`); err != nil {
		t.Fatal(err)
	}
	w.Settle(t)
	nowhere(t, w, id, "application", "sign_request", "inquiry")
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil || v.Case.State != application.Draft || v.Request != nil {
		t.Fatalf("the case is %v with %v, %v; want a draft", v.Case.State, v.Request, err)
	}
	if _, err := w.Desk.Submit(ctx, w.Nurse, id, r.ID, casetest.Sign(r.Bytes), nil); !errors.Is(err, fault.Conflict) {
		t.Errorf("signing what was frozen before: %v, want conflict", err)
	}
	w.Frozen(t, id)
	nowhere(t, w, id, "application", "sign_request")
}
