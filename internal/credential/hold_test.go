package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/review"
)

const page = "https://check.example/w/"

func verdict(t *testing.T, w *casetest.World, text string) string {
	t.Helper()
	return string(w.Verifier.CheckText(t.Context(), text).Verdict)
}

func wanted(t *testing.T, what string, err error, kind fault.Kind, reason credential.Refusal) {
	t.Helper()
	if !errors.Is(err, kind) || !errors.Is(err, reason) {
		t.Errorf("%s: %v, want %s, %s", what, err, kind, reason)
	}
}

// measure lets the office suspend, restore or revoke the nurse's entry.
func measure(t *testing.T, w *casetest.World, kind string) {
	t.Helper()
	h := held(t, w)
	id, err := w.Office.ProposeMeasure(t.Context(), w.Keeper, review.Measure{Register: h.Entry.RegisterID, EntryID: h.Entry.ID, Ref: *h.Entry.PersonRef, Kind: kind, Reason: "試験", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	w.Approve(t, id)
	w.Work(t)
}

// TestHolderStopsAndLifts: at once, without a fresh login; back only with one, which is later than the stop.
func TestHolderStopsAndLifts(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	reg, entry := h.Entry.RegisterID, h.Entry.ID
	printed, err := h.Credential.URL(page)
	if err != nil {
		t.Fatal(err)
	}
	before := w.Clock.Now()
	wanted(t, "lifting what is not stopped", w.Wallet.Lift(ctx, w.Nurse, reg, entry, before), fault.Conflict, credential.NotHeld)
	w.Clock.Advance(time.Minute)
	if err := w.Wallet.Suspend(ctx, w.Nurse, reg, entry); err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, w, printed); v != "suspended" {
		t.Errorf("stopped, the credential is %s", v)
	}
	if h := held(t, w); h.HeldAt == nil || h.Credential.State != credential.OnHold {
		t.Errorf("stopped: %+v", h)
	}
	wanted(t, "stopping twice", w.Wallet.Suspend(ctx, w.Nurse, reg, entry), fault.Conflict, credential.AlreadyHeld)
	wanted(t, "with the login from before", w.Wallet.Lift(ctx, w.Nurse, reg, entry, before), fault.StepUp, credential.StaleLogin)
	w.Clock.Advance(time.Minute)
	again := w.Clock.Now()
	w.Clock.Advance(credential.FreshLogin + time.Second)
	wanted(t, "with a login that has aged", w.Wallet.Lift(ctx, w.Nurse, reg, entry, again), fault.StepUp, credential.StaleLogin)
	wanted(t, "with a login of tomorrow", w.Wallet.Lift(ctx, w.Nurse, reg, entry, w.Clock.Now().AddDate(0, 0, 1)), fault.StepUp, credential.StaleLogin)
	other := w.Another(t, "other", casetest.Card())
	if err := w.Wallet.Lift(ctx, other, reg, entry, w.Clock.Now()); !errors.Is(err, fault.NotFound) {
		t.Errorf("another person lifts: %v, want not_found", err)
	}
	if err := w.Wallet.Suspend(ctx, other, reg, entry); !errors.Is(err, fault.NotFound) {
		t.Errorf("another person stops: %v, want not_found", err)
	}
	if err := w.Wallet.Lift(ctx, w.Nurse, reg, entry, w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, w, printed); v != "valid" {
		t.Errorf("lifted, the credential is %s", v)
	}
}

// TestOfficeGoesBefore: the holder cannot lift the office's suspension, and the office's restoring leaves the holder's stop.
func TestOfficeGoesBefore(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	reg, entry := h.Entry.RegisterID, h.Entry.ID
	state := func(want credential.State, when string) {
		t.Helper()
		if s := held(t, w).Credential.State; s != want {
			t.Errorf("%s: %s, want %s", when, s, want)
		}
	}
	login := func() time.Time { w.Clock.Advance(time.Minute); return w.Clock.Now() }
	measure(t, w, review.MeasureSuspend)
	if err := w.Wallet.Suspend(ctx, w.Nurse, reg, entry); err != nil {
		t.Fatal(err)
	}
	state(credential.Suspended, "stopped by both")
	if err := w.Wallet.Lift(ctx, w.Nurse, reg, entry, login()); err != nil {
		t.Fatal(err)
	}
	state(credential.Suspended, "lifted by the holder only")
	wanted(t, "making anew what the office suspended", w.Wallet.Reissue(ctx, w.Nurse, reg, entry, login()), fault.Conflict, credential.ByOffice)
	if err := w.Wallet.Suspend(ctx, w.Nurse, reg, entry); err != nil {
		t.Fatal(err)
	}
	measure(t, w, review.MeasureRestore)
	state(credential.OnHold, "restored by the office only")
	measure(t, w, review.MeasureSuspend)
	state(credential.Suspended, "suspended over the holder's stop")
	measure(t, w, review.MeasureRestore)
	state(credential.OnHold, "restored again")
	if err := w.Wallet.Lift(ctx, w.Nurse, reg, entry, login()); err != nil {
		t.Fatal(err)
	}
	state(credential.Valid, "lifted by both")
	measure(t, w, review.MeasureRevoke)
	wanted(t, "stopping what was revoked", w.Wallet.Suspend(ctx, w.Nurse, reg, entry), fault.Conflict, credential.Ended)
	wanted(t, "making anew what was revoked", w.Wallet.Reissue(ctx, w.Nurse, reg, entry, login()), fault.Conflict, credential.Ended)
	// The portal's role cannot bring back what the office ended, whatever it says the state was.
	var moved int64
	if err := w.DB.As(pg.RoleCitizen).InPerson(ctx, door(w), func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `update credential set prior_state = 'held', state = 'valid' where register_id = $1`, reg)
		moved = tag.RowsAffected()
		return err
	}); err != nil || moved != 0 {
		t.Errorf("%d credentials were brought back, error %v", moved, err)
	}
}

// TestReissueByHolder: after a loss the earlier ones are dead in every form, the new one is signed, and not without end.
func TestReissueByHolder(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	reg, entry := h.Entry.RegisterID, h.Entry.ID
	printed, err := h.Credential.URL(page)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := w.Wallet.Compact(ctx, w.Nurse, reg, entry, nil, page)
	if err != nil {
		t.Fatal(err)
	}
	login := w.Clock.Now()
	if err := w.Wallet.Suspend(ctx, w.Nurse, reg, entry); err != nil {
		t.Fatal(err)
	}
	wanted(t, "with the login of the stop", w.Wallet.Reissue(ctx, w.Nurse, reg, entry, login), fault.StepUp, credential.StaleLogin)
	w.Clock.Advance(time.Minute)
	if err := w.Wallet.Reissue(ctx, w.Nurse, reg, entry, w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, w, printed); v != "replaced" {
		t.Errorf("the earlier QR code is %s", v)
	}
	if v := verdict(t, w, compact.Text); v != "replaced" {
		t.Errorf("the earlier compact code is %s", v)
	}
	w.Work(t)
	next := held(t, w)
	if next.Credential.Version != 2 || next.Credential.State != credential.Valid || next.HeldAt != nil || next.Credential.PublicID == h.Credential.PublicID {
		t.Errorf("the next %+v", next.Credential)
	}
	was, err := h.Credential.Facts()
	if err != nil {
		t.Fatal(err)
	}
	is, err := next.Credential.Facts()
	if err != nil {
		t.Fatal(err)
	}
	for label := range was {
		if changed := was[label] != is[label]; changed && label != cose.CertificateID && label != cose.IssueDate {
			t.Errorf("%s changed from %s to %s", label, was[label], is[label])
		}
	}
	text, err := next.Credential.URL(page)
	if err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, w, text); v != "valid" {
		t.Errorf("the new one is %s", v)
	}
	for range 2 {
		if err := w.Wallet.Reissue(ctx, w.Nurse, reg, entry, w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		w.Work(t)
	}
	wanted(t, "for the fourth time in a day", w.Wallet.Reissue(ctx, w.Nurse, reg, entry, w.Clock.Now()), fault.TooMany, credential.TooManyIssues)
}

// TestStoppedWhileSigning: a stop that is faster than the signer holds when the signature comes.
func TestStoppedWhileSigning(t *testing.T) {
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
	if err := w.Wallet.Suspend(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); err != nil {
		t.Fatal(err)
	}
	wanted(t, "making anew what is not signed", w.Wallet.Reissue(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID, w.Clock.Now().Add(time.Second)), fault.Conflict, credential.NotSigned)
	close(proceed)
	w.Work(t)
	if s := held(t, w).Credential.State; s != credential.OnHold {
		t.Errorf("the credential is %s", s)
	}
}

// TestCodes: compact and on-screen codes, with the fields chosen, kept or not, and when they run out.
func TestCodes(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	reg, entry := h.Entry.RegisterID, h.Entry.ID
	kept, err := w.Wallet.Compact(ctx, w.Nurse, reg, entry, []string{cose.HolderName}, page)
	if err != nil {
		t.Fatal(err)
	}
	r := w.Verifier.CheckText(ctx, kept.Text)
	if r.Verdict != "valid" || r.Facts[cose.HolderName] == "" || r.Facts[cose.RegistrationNumber] != "" || !strings.Contains(kept.Text, "#c=") {
		t.Errorf("%+v", r)
	}
	shown, err := w.Wallet.Screen(ctx, w.Nurse, reg, entry, nil, page)
	if left := shown.ExpiresAt.Sub(w.Clock.Now()); err != nil || left > credential.ScreenLife || left < credential.ScreenLife/2 {
		t.Fatalf("%+v, %v", shown, err)
	}
	if v := verdict(t, w, shown.Text); v != "valid" {
		t.Errorf("on the screen it is %s", v)
	}
	w.Clock.Advance(credential.ScreenLife)
	if r := w.Verifier.CheckText(ctx, shown.Text); r.Verdict != "run_out" || r.Status != "unknown" || r.Verdict.Sure() {
		t.Errorf("two minutes later it is %+v", r)
	}
	copies, err := w.Wallet.Copies(ctx, w.Nurse, reg, entry)
	if err != nil || len(copies) != 2 {
		t.Fatalf("%d copies, %v", len(copies), err)
	}
	if again, err := copies[1].Code(page); err != nil || again.Text != kept.Text {
		t.Errorf("written again: %v", err)
	}
	if _, err := copies[0].Code(page); !errors.Is(err, fault.NotFound) {
		t.Errorf("the screen's code written again: %v, want not_found", err)
	}
	if _, err := w.Wallet.Compact(ctx, w.Nurse, reg, entry, nil, page+strings.Repeat("x", 300)); !errors.Is(err, cose.TooLong) {
		t.Errorf("too long: %v, want too_long", err)
	}
	if _, err := w.Wallet.Compact(ctx, w.Nurse, reg, entry, []string{"XX"}, page); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown field: %v, want invalid", err)
	}
	other := w.Another(t, "other", casetest.Card())
	if _, err := w.Wallet.Screen(ctx, other, reg, entry, nil, page); !errors.Is(err, fault.NotFound) {
		t.Errorf("another person: %v, want not_found", err)
	}
	var intents int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from credential_copy`).Scan(&intents); err != nil || intents != 2 {
		t.Errorf("%d copies recorded, error %v", intents, err)
	}
	measure(t, w, review.MeasureSuspend)
	if v := verdict(t, w, kept.Text); v != "suspended" {
		t.Errorf("suspended, the compact code is %s", v)
	}
	if v := verdict(t, w, shown.Text); v != "suspended" {
		t.Errorf("suspended, the run-out code is %s", v)
	}
	if _, err := w.Wallet.Screen(ctx, w.Nurse, reg, entry, nil, page); !errors.Is(err, credential.NotInForce) {
		t.Errorf("suspended, a code on the screen: %v, want not_in_force", err)
	}
}

// TestStopCode: a code that was made after a fresh login stops everything of its maker, without a login and once. It is nobody
// else's, an earlier one is none any more, and no query lists codes.
func TestStopCode(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	printed, err := held(t, w).Credential.URL(page)
	if err != nil {
		t.Fatal(err)
	}
	made := func(a application.Applicant) string {
		t.Helper()
		code, err := w.Wallet.MakeStopCode(ctx, a, w.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	_, err = w.Wallet.MakeStopCode(ctx, w.Nurse, w.Clock.Now().Add(-credential.FreshLogin-time.Second))
	wanted(t, "making a code with an old login", err, fault.StepUp, credential.StaleLogin)
	if c, err := w.Wallet.StopCode(ctx, w.Nurse); c != nil || err != nil {
		t.Errorf("before any was made: %+v, error %v", c, err)
	}
	other := w.Another(t, "other", casetest.Card())
	earlier, theirs, code := made(w.Nurse), made(other), made(w.Nurse)
	for what, typed := range map[string]string{"nothing": "", "a word": "stop", "an earlier code": earlier, "a code that nobody made": publicid.NewSecret(), "a slip": "Z" + code[1:]} {
		if typed == code {
			continue // the slip is none
		}
		_, err := w.Wallet.StopByCode(ctx, typed)
		wanted(t, what, err, fault.NotFound, credential.UnknownStopCode)
	}
	if n, err := w.Wallet.StopByCode(ctx, theirs); n != 0 || err != nil {
		t.Errorf("the code of somebody who holds nothing stopped %d, error %v", n, err)
	}
	if v := verdict(t, w, printed); v != "valid" {
		t.Errorf("before the code was used the credential is %s", v)
	}
	login := w.Clock.Now()
	w.Clock.Advance(time.Minute)
	if n, err := w.Wallet.StopByCode(ctx, " "+strings.ToLower(strings.ReplaceAll(code, "-", "　"))); n != 1 || err != nil {
		t.Fatalf("the code stopped %d, error %v", n, err)
	}
	if v := verdict(t, w, printed); v != "suspended" {
		t.Errorf("after the code was used the credential is %s", v)
	}
	_, err = w.Wallet.StopByCode(ctx, code)
	wanted(t, "using it twice", err, fault.NotFound, credential.UnknownStopCode)
	if c, err := w.Wallet.StopCode(ctx, w.Nurse); err != nil || c == nil || c.UsedAt == nil {
		t.Errorf("a used code: %+v, error %v", c, err)
	}
	h := held(t, w)
	wanted(t, "lifting with the login from before", w.Wallet.Lift(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID, login), fault.StepUp, credential.StaleLogin)
	// What is stopped already uses up no code.
	again := made(w.Nurse)
	if n, err := w.Wallet.StopByCode(ctx, again); n != 0 || err != nil {
		t.Errorf("stopping what is stopped: %d, error %v", n, err)
	}
	if c, err := w.Wallet.StopCode(ctx, w.Nurse); err != nil || c == nil || c.UsedAt != nil {
		t.Errorf("a code that stopped nothing: %+v, error %v", c, err)
	}

	var causes, kept int
	if err := w.DB.Superuser().QueryRow(ctx, `select (select count(*) from credential_history where cause = 'stop_code' and state = 'held'),
		(select count(*) from stop_code s where s::text like '%' || $1 || '%')`, again).Scan(&causes, &kept); err != nil || causes != 1 || kept != 0 {
		t.Errorf("%d lines of the history tell of a code, and %d rows hold one, error %v", causes, kept, err)
	}
	seen := func(tx *pg.Tx) (n int, err error) {
		return n, tx.QueryRow(ctx, `select count(*) from stop_code`).Scan(&n)
	}
	citizens := w.DB.As(pg.RoleCitizen)
	for want, open := range []func(func(*pg.Tx) error) error{
		func(f func(*pg.Tx) error) error { return citizens.Platform(ctx, f) },
		func(f func(*pg.Tx) error) error { return citizens.InPerson(ctx, door(w), f) },
	} {
		if err := open(func(tx *pg.Tx) error {
			if n, err := seen(tx); err != nil || n != want {
				t.Errorf("%d codes are seen, want %d, error %v", n, want, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}
