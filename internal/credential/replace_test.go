package credential_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// TestKeyReplaced: a key that is no longer trusted is replaced; the living credential is signed anew over the same bytes,
// also when the work is stopped in between, and copies that the key signed end.
func TestKeyReplaced(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	before, err := h.Credential.URL(page)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := w.Wallet.Compact(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID, nil, page)
	if err != nil {
		t.Fatal(err)
	}
	worker := w.DB.As(pg.RoleWorker)
	if _, err := credential.Distrust(ctx, worker, "mhlw-test"); !errors.Is(err, fault.Conflict) || !errors.Is(err, credential.NoKey) {
		t.Fatalf("distrusting the only key: %v, want no_key", err)
	}
	if _, err := credential.Distrust(ctx, worker, "mhlw-none"); !errors.Is(err, fault.NotFound) {
		t.Fatalf("distrusting no key: %v, want not_found", err)
	}
	var old *credential.SigningKey
	if err := worker.Platform(ctx, func(tx *pg.Tx) error {
		old, err = credential.KeyFor(ctx, tx, "mhlw", credential.ForCredential)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	fresh := *old
	fresh.KID, fresh.NotBefore = "mhlw-next-test", w.Clock.Now().Add(-time.Second)
	if err := credential.PublishKeys(ctx, worker, fresh); err != nil {
		t.Fatal(err)
	}
	next, err := credential.Distrust(ctx, worker, "mhlw-test")
	if err != nil || next.KID != fresh.KID {
		t.Fatalf("%+v, %v", next, err)
	}
	if v := verdict(t, w, before); v != "unknown_issuer" {
		t.Errorf("distrusted, the credential is %s", v)
	}
	sign := w.Issuer.Sign
	w.Issuer.Sign = func(context.Context, string, []byte) ([]byte, error) {
		return nil, fault.New(fault.Upstream, "", "stopped")
	}
	if err := w.Issuer.Replace(ctx, "mhlw-test", next, func(int, int) {}); !errors.Is(err, fault.Upstream) {
		t.Errorf("stopped: %v, want upstream", err)
	}
	w.Issuer.Sign = sign
	var done, left int
	for range 2 { // the second time there is nothing to do
		if err := w.Issuer.Replace(ctx, "mhlw-test", next, func(d, l int) { done, left = done+d, l }); err != nil {
			t.Fatal(err)
		}
	}
	after := held(t, w).Credential
	if done != 1 || left != 0 || after.KID != next.KID || after.PublicID != h.Credential.PublicID || string(after.ToSign) != string(h.Credential.ToSign) {
		t.Errorf("%d done, %d left: %+v", done, left, after)
	}
	text, err := after.URL(page)
	if err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, w, text); v != "valid" {
		t.Errorf("signed anew it is %s", v)
	}
	if v := verdict(t, w, before); v != "unknown_issuer" {
		t.Errorf("the code from before is %s", v)
	}
	copies, err := w.Wallet.Copies(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID)
	if err != nil || len(copies) != 1 || copies[0].EndedAt == nil || copies[0].ID != compact.Copy.ID {
		t.Errorf("copies %+v, %v", copies, err)
	}
}
