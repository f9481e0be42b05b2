package credential_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/review"
)

func TestMovesMatchDatabase(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	casetest.CompareMoves(t, w, "credential_move", credential.Moves, credential.States, string(credential.Intended))
	casetest.CompareStates(t, w, "credential_state", credential.States)
}

func held(t *testing.T, w *casetest.World) credential.Held {
	t.Helper()
	list, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d holdings, error %v", len(list), err)
	}
	return list[0]
}

// approved brings a case to its approval without letting the jobs run to their end.
func approved(t *testing.T, w *casetest.World) {
	t.Helper()
	w.Approve(t, w.Proposed(t))
}

// TestIntentBeforeSignature: while the signer is down the bytes stand recorded; when it answers, those bytes are signed.
func TestIntentBeforeSignature(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	sign := w.Issuer.Sign
	down := true
	var mu sync.Mutex
	w.Issuer.Sign = func(c context.Context, kid string, b []byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return nil, fault.New(fault.Upstream, "", "signer down")
		}
		return sign(c, kid, b)
	}
	approved(t, w)
	before := held(t, w).Credential
	if before == nil || before.State != credential.Intended || before.Signature != nil || len(before.ToSign) == 0 {
		t.Fatalf("intent %+v", before)
	}
	args := credential.SignArgs{RegisterID: before.RegisterID, CredentialID: before.ID.String()}
	if err := w.Issuer.SignIntent(ctx, args); !errors.Is(err, fault.Upstream) {
		t.Fatalf("signing while the signer is down: %v, want upstream", err)
	}
	w.Clock.Advance(time.Hour)
	if n, err := w.Issuer.Forgotten(ctx, time.Minute); err != nil || n != 1 {
		t.Fatalf("%d forgotten intents, error %v", n, err)
	}
	mu.Lock() // only now: a repeated job could have signed it before it was looked for
	down = false
	mu.Unlock()
	for range 3 { // a repeated job changes nothing
		if err := w.Issuer.SignIntent(ctx, args); err != nil {
			t.Fatal(err)
		}
	}
	after := held(t, w).Credential
	if after.State != credential.Valid || !bytes.Equal(after.ToSign, before.ToSign) || after.PublicID != before.PublicID {
		t.Errorf("after signing %s; same bytes: %t", after.State, bytes.Equal(after.ToSign, before.ToSign))
	}
	if n, err := w.Issuer.Forgotten(ctx, 0); err != nil || n != 0 {
		t.Errorf("%d forgotten intents after signing, error %v", n, err)
	}
}

// TestSignedAtOnce: many workers on one intent store one signature.
func TestSignedAtOnce(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	approved(t, w)
	c := held(t, w).Credential
	args := credential.SignArgs{RegisterID: c.RegisterID, CredentialID: c.ID.String()}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := w.Issuer.SignIntent(t.Context(), args); err != nil {
				t.Errorf("signing: %v", err)
			}
		})
	}
	group.Wait()
	w.Work(t)
	var issued int
	if err := w.DB.Superuser().QueryRow(t.Context(), `select count(*) from credential_history where state = 'valid'`).Scan(&issued); err != nil {
		t.Fatal(err)
	}
	if issued != 1 {
		t.Errorf("the credential came into force %d times", issued)
	}
}

// TestReissue: the holder asks for a new credential; the earlier one says 'replaced' from that moment.
func TestReissue(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	first := held(t, w).Credential
	earlier, err := first.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Desk.Start(ctx, w.Nurse, "kangoshi.mhlw", "reissue", "ja")
	if err != nil {
		t.Fatal(err)
	}
	for group, raw := range map[string]map[string]string{
		"entry": {}, "contact": {"tel": "0312345678"},
		"reason": {"reissue_reason": "leaked", "happened_on.era": "", "happened_on.year": "2026", "happened_on.month": "11", "happened_on.day": "30", "circumstances": "印刷したものをなくした"},
	} {
		problems, err := w.Desk.SaveGroup(ctx, w.Nurse, c.PublicID, group, raw)
		if err != nil || len(problems) > 0 {
			t.Fatalf("%s: %v %+v", group, err, problems)
		}
	}
	r := w.Frozen(t, c.PublicID)
	if _, err := w.Desk.Submit(ctx, w.Nurse, c.PublicID, r.ID, casetest.Sign(r.Bytes), nil); err != nil {
		t.Fatal(err)
	}
	w.Pay(t, c.PublicID)
	w.Work(t)
	w.Propose(t, c.PublicID)
	w.Approve(t, c.PublicID)
	w.Work(t)
	second := held(t, w).Credential
	if second.Version != 2 || second.State != credential.Valid || second.PublicID == first.PublicID {
		t.Errorf("second credential %+v", second)
	}
	if r := w.Verifier.CheckText(ctx, earlier); r.Verdict != "replaced" {
		t.Errorf("the earlier credential is %s", r.Verdict)
	}
	later, err := second.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	if r := w.Verifier.CheckText(ctx, later); r.Verdict != "valid" {
		t.Errorf("the later credential is %s", r.Verdict)
	}
}

// TestRevokedWhileSigning: a measure that is faster than the signer wins.
func TestRevokedWhileSigning(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	sign := w.Issuer.Sign
	proceed := make(chan struct{})
	w.Issuer.Sign = func(c context.Context, kid string, b []byte) ([]byte, error) {
		<-proceed
		return sign(c, kid, b)
	}
	approved(t, w)
	h := held(t, w)
	measure, err := w.Office.ProposeMeasure(ctx, w.Keeper, review.Measure{Register: h.Entry.RegisterID, EntryID: h.Entry.ID, Ref: *h.Entry.PersonRef, Kind: review.MeasureRevoke, Reason: "試験", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	w.Approve(t, measure)
	close(proceed)
	w.Work(t)
	c := held(t, w).Credential
	if c.State != credential.Revoked {
		t.Errorf("the credential is %s", c.State)
	}
}

// TestPublicSeesNoNames: the public role reads statuses and no column that says whose they are.
func TestPublicSeesNoNames(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	ctx := t.Context()
	public := w.DB.As(pg.RolePublic)
	var n int
	if err := public.Public(ctx, func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from credential where state = 'valid'`).Scan(&n)
	}); err != nil || n != 1 {
		t.Errorf("%d statuses, error %v", n, err)
	}
	if err := public.Platform(ctx, func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from credential where state = 'valid'`).Scan(&n)
	}); err != nil || n != 0 {
		t.Errorf("without a door %d statuses, error %v", n, err)
	}
	for _, sql := range []string{"select payload from credential", "select person_ref from credential", "select entry_id from credential",
		"select * from entry", "select * from application", "select * from holding", "update credential set state = 'valid'", "insert into signing_key default values"} {
		err := public.Public(ctx, func(tx *pg.Tx) error { _, err := tx.Exec(ctx, sql); return err })
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v, want permission denied", sql, err)
		}
	}
}

// TestUnpublishedKey: a registrar without a key cannot approve; nothing of the approval remains.
func TestUnpublishedKey(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Proposed(t)
	if _, err := w.DB.Superuser().Exec(ctx, `update signing_key set retired_at = now()`); err != nil {
		t.Fatal(err)
	}
	if err := w.Office.Take(ctx, w.Approver, id); err != nil {
		t.Fatal(err)
	}
	if err := w.Office.Decide(ctx, w.Approver, id, review.Agree, ""); !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "no published key") {
		t.Fatalf("approving without a key: %v", err)
	}
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil || v.Case.State != application.Proposed {
		t.Errorf("the case is %s, error %v", v.Case.State, err)
	}
	var entries int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from entry`).Scan(&entries); err != nil || entries != 0 {
		t.Errorf("%d entries remain, error %v", entries, err)
	}
}

// TestForgottenDoesNotPileUp: while the signer is away, looking for unsigned intents again and again leaves one job.
func TestForgottenDoesNotPileUp(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Issuer.Sign = func(context.Context, string, []byte) ([]byte, error) {
		return nil, fault.New(fault.Upstream, "", "signer away")
	}
	approved(t, w)
	w.Clock.Advance(time.Hour)
	for range 3 {
		if n, err := w.Issuer.Forgotten(t.Context(), time.Minute); err != nil || n != 1 {
			t.Fatalf("%d forgotten intents, error %v", n, err)
		}
	}
	var jobs int
	if err := w.DB.Superuser().QueryRow(t.Context(), `select count(*) from river_job where kind = 'credential.sign'`).Scan(&jobs); err != nil {
		t.Fatal(err)
	}
	if jobs != 1 {
		t.Errorf("%d jobs for one intent, want 1", jobs)
	}
}
