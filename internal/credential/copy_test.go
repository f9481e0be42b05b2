package credential_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/review"
)

// door opens the nurse's own door at her registrar.
func door(w *casetest.World) pg.Person { return pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)} }

// intend records a copy in the holder's transaction, signs it and completes it.
func copied(t *testing.T, w *casetest.World, c *credential.Credential, req credential.CopyRequest) (*credential.Copy, credential.Composing, error) {
	t.Helper()
	ctx := t.Context()
	var made *credential.Copy
	var toSign []byte
	var seen credential.Composing
	if req.Compose == nil {
		req.Compose = func(at credential.Composing) ([]byte, error) { seen = at; return []byte("見本"), nil }
	}
	citizen := w.DB.As(pg.RoleCitizen)
	err := citizen.InPerson(ctx, door(w), func(tx *pg.Tx) (err error) {
		made, toSign, err = w.Issuer.IntendCopy(ctx, tx, c, req)
		return err
	})
	if err != nil {
		return nil, seen, err
	}
	signature, err := w.Issuer.Sign(ctx, made.KID, toSign)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(toSign)
	if !ecdsa.Verify(seen.Issuer.Public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the issuer's key does not verify what was signed")
	}
	return made, seen, citizen.InPerson(ctx, door(w), func(tx *pg.Tx) error { return w.Issuer.CompleteCopy(ctx, tx, made, signature) })
}

// TestCopies: each form is recorded before it is signed, with the key of its purpose and a place of its own.
func TestCopies(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	c := held(t, w).Credential
	kids := map[credential.Form]string{credential.PDF: "mhlw-document-test", credential.MDoc: "mhlw-mdoc-test"}
	places := map[int]bool{}
	for _, f := range []credential.Form{credential.QRCompact, credential.QRScreen, credential.PDF, credential.SDJWT, credential.MDoc, credential.VC} {
		made, at, err := copied(t, w, c, credential.CopyRequest{Form: f, Keep: f == credential.QRCompact})
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		want := kids[f]
		if want == "" {
			want = "mhlw-test"
		}
		if made.KID != want || at.Issuer.KID != want || len(at.Issuer.Chain) != 2 || at.Issuer.URI != "https://check.example/issuers/mhlw" {
			t.Errorf("%s is signed by %s, composed for %+v", f, made.KID, at.Issuer)
		}
		if f == credential.QRScreen {
			if !at.Status.IsZero() {
				t.Errorf("a code on a screen has the place %+v", at.Status)
			}
		} else if at.Status.URI != "https://check.example/status/"+at.Facts.RegisterCode+"/1" || places[at.Status.Index] {
			t.Errorf("%s has the place %+v", f, at.Status)
		}
		places[at.Status.Index] = true
		err = w.DB.As(pg.RoleCitizen).InPerson(ctx, door(w), func(tx *pg.Tx) error {
			stored, err := credential.CopyByID(ctx, tx, made.RegisterID, made.ID)
			if err != nil {
				return err
			}
			if kept := stored.ToSign != nil; stored.SignedAt == nil || kept != (f == credential.QRCompact) || (stored.Signature != nil) != kept {
				t.Errorf("%s is stored as %+v", f, stored)
			}
			return w.Issuer.CompleteCopy(ctx, tx, stored, nil)
		})
		if !errors.Is(err, fault.Conflict) || !errors.Is(err, credential.AlreadyDone) {
			t.Errorf("%s completed again: %v, want already_done", f, err)
		}
	}
}

// TestFactsOfAllForms: what every form starts from is the record's.
func TestFactsOfAllForms(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	c := held(t, w).Credential
	f, err := w.Issuer.FactsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	if f.CredentialID != c.PublicID || f.HolderName != "見本　花子" || f.BirthDate.String() != "2003-04-12" || f.Title.JA != "看護師" || f.Title.EN == "" ||
		f.IssuerName.EN == "" || f.RegisterCode != c.PublicID[:4] || f.Registrar != "mhlw" || f.Version == "" || f.IssuedOn.IsZero() {
		t.Errorf("facts %+v", f)
	}
	few, err := f.Choose([]string{cose.HolderName})
	if err != nil || few.HolderName != f.HolderName || few.CredentialID != f.CredentialID || !few.BirthDate.IsZero() || few.IssuerName != (form.Text{}) || len(few.Labels) != 3 {
		t.Errorf("chosen %+v, error %v", few, err)
	}
	if _, err := f.Choose([]string{"XX"}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "unknown_field") && !strings.Contains(err.Error(), `no "XX"`) {
		t.Errorf("a field that there is not: %v", err)
	}
}

// TestNoCopyOfWhatIsNotInForce: whatever the state, and also when it changes between intent and completion.
func TestNoCopyOfWhatIsNotInForce(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	past := w.Clock.Now().Add(-time.Second)
	if _, _, err := copied(t, w, h.Credential, credential.CopyRequest{Form: credential.PDF, ExpiresAt: &past}); !errors.Is(err, credential.TermPassed) {
		t.Errorf("a copy that has ended: %v, want term_passed", err)
	}
	var made *credential.Copy
	compose := func(credential.Composing) ([]byte, error) { return []byte("x"), nil }
	citizen := w.DB.As(pg.RoleCitizen)
	if err := citizen.InPerson(ctx, door(w), func(tx *pg.Tx) (err error) {
		made, _, err = w.Issuer.IntendCopy(ctx, tx, h.Credential, credential.CopyRequest{Form: credential.SDJWT, Compose: compose})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	measure, err := w.Office.ProposeMeasure(ctx, w.Keeper, review.Measure{Register: h.Entry.RegisterID, EntryID: h.Entry.ID, Ref: *h.Entry.PersonRef, Kind: review.MeasureSuspend, Reason: "試験", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	w.Approve(t, measure)
	if err := citizen.InPerson(ctx, door(w), func(tx *pg.Tx) error { return w.Issuer.CompleteCopy(ctx, tx, made, nil) }); !errors.Is(err, credential.NotInForce) {
		t.Errorf("completing after the suspension: %v, want not_in_force", err)
	}
	// The page still has the credential as it was before the suspension: the state is read behind the lock.
	if err := citizen.InPerson(ctx, door(w), func(tx *pg.Tx) error {
		_, _, err := w.Issuer.IntendCopy(ctx, tx, h.Credential, credential.CopyRequest{Form: credential.SDJWT, Compose: compose})
		return err
	}); !errors.Is(err, credential.NotInForce) {
		t.Errorf("intending with a stale credential: %v, want not_in_force", err)
	}
	if _, _, err := copied(t, w, held(t, w).Credential, credential.CopyRequest{Form: credential.SDJWT}); !errors.Is(err, credential.NotInForce) {
		t.Errorf("intending with the suspended one: %v, want not_in_force", err)
	}
}

// TestCopiesOfOthers: another person and another registrar see no copy and no place's owner, and can add none.
func TestCopiesOfOthers(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	c := held(t, w).Credential
	if _, _, err := copied(t, w, c, credential.CopyRequest{Form: credential.SDJWT}); err != nil {
		t.Fatal(err)
	}
	other := w.Another(t, "other", casetest.Card())
	theirs := pg.Person{ID: other.ID, Ref: w.Ref(other)}
	citizen, worker := w.DB.As(pg.RoleCitizen), w.DB.As(pg.RoleWorker)
	count := func(tx *pg.Tx, sql string) (n int) {
		t.Helper()
		if err := tx.QueryRow(ctx, sql).Scan(&n); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		return n
	}
	for name, in := range map[string]func(func(*pg.Tx) error) error{
		"another person":    func(f func(*pg.Tx) error) error { return citizen.InPerson(ctx, theirs, f) },
		"nobody":            func(f func(*pg.Tx) error) error { return citizen.Platform(ctx, f) },
		"another registrar": func(f func(*pg.Tx) error) error { return worker.InRegistrar(ctx, "pref-41", f) },
	} {
		if err := in(func(tx *pg.Tx) error {
			if n := count(tx, `select count(*) from credential_copy`); n != 0 {
				t.Errorf("%s sees %d copies", name, n)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		err := in(func(tx *pg.Tx) error {
			_, _, err := w.Issuer.IntendCopy(ctx, tx, c, credential.CopyRequest{Form: credential.SDJWT, Compose: func(credential.Composing) ([]byte, error) { return []byte("x"), nil }})
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("%s copies: %v, want row-level security", name, err)
		}
	}
	for _, sql := range []string{`select copy_id from status_slot`, `update status_slot set idx = 0`, `delete from credential_copy`, `update credential_copy set kid = ''`} {
		if err := citizen.InPerson(ctx, theirs, func(tx *pg.Tx) error { _, err := tx.Exec(ctx, sql); return err }); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v, want permission denied", sql, err)
		}
	}
}

// TestKeysByPurpose: a registrar's key is found by what it is for.
func TestKeysByPurpose(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	find := func(registrar string, p credential.Purpose) (k *credential.SigningKey, err error) {
		err = w.DB.As(pg.RoleCitizen).Platform(ctx, func(tx *pg.Tx) error { k, err = credential.KeyFor(ctx, tx, registrar, p); return err })
		return k, err
	}
	for _, p := range credential.Purposes {
		k, err := find("mhlw", p)
		if err != nil || k.Purpose != p || len(k.Chain) != 2 || !k.Public.Equal(k.Chain[0].PublicKey) {
			t.Errorf("%s: %+v, %v", p, k, err)
		}
	}
	if _, err := find("pref-41", credential.ForStatus); !errors.Is(err, credential.NoKey) {
		t.Errorf("a registrar without keys: %v, want no_key", err)
	}
	if _, err := w.DB.Superuser().Exec(ctx, `update signing_key set distrusted_at = now() where purpose = 'status'`); err != nil {
		t.Fatal(err)
	}
	if _, err := find("mhlw", credential.ForStatus); !errors.Is(err, credential.NoKey) {
		t.Errorf("a distrusted key: %v, want no_key", err)
	}
}

// TestPlacesAreDrawnApart: a place is never given twice, also when transactions run at once, and a full list gives none.
func TestPlacesAreDrawnApart(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	c := held(t, w).Credential
	compose := func(credential.Composing) ([]byte, error) { return []byte("x"), nil }
	failed := make(chan error, 8)
	for range 8 {
		go func() {
			for range 25 {
				if err := w.DB.As(pg.RoleCitizen).InPerson(ctx, door(w), func(tx *pg.Tx) error {
					_, _, err := w.Issuer.IntendCopy(ctx, tx, c, credential.CopyRequest{Form: credential.VC, Compose: compose})
					return err
				}); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range 8 {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	var taken, owners, lists int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(distinct idx), count(distinct copy_id), count(distinct list_no) from status_slot`).Scan(&taken, &owners, &lists); err != nil {
		t.Fatal(err)
	}
	if taken != 200 || owners != 200 || lists != 1 {
		t.Errorf("%d places of %d copies in %d lists", taken, owners, lists)
	}
	var all []int32
	if err := w.DB.Superuser().QueryRow(ctx, `select array_agg(idx) from status_slot`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	w.Issuer.DrawOnly(all...)
	err := w.DB.As(pg.RoleCitizen).InPerson(ctx, door(w), func(tx *pg.Tx) error {
		_, _, err := w.Issuer.IntendCopy(ctx, tx, c, credential.CopyRequest{Form: credential.VC, Compose: compose})
		return err
	})
	if !errors.Is(err, credential.NoSlot) {
		t.Errorf("in a full list: %v, want no_slot", err)
	}
	var intents int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from credential_copy where form = 'vc'`).Scan(&intents); err != nil || intents != 200 {
		t.Errorf("%d copies without a place, error %v", intents-200, err)
	}
}

// TestTheSamePlaceAtOnce: who draws a place that another transaction has just taken draws again.
func TestTheSamePlaceAtOnce(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	c := held(t, w).Credential
	w.Issuer.DrawOnly(7, 8)
	compose := func(credential.Composing) ([]byte, error) { return []byte("x"), nil }
	citizen := w.DB.As(pg.RoleCitizen)
	intend := func(after func()) error {
		return citizen.InPerson(ctx, door(w), func(tx *pg.Tx) error {
			_, _, err := w.Issuer.IntendCopy(ctx, tx, c, credential.CopyRequest{Form: credential.VC, Compose: compose})
			if err == nil {
				err = tx.QueryRow(ctx, `select count(*) from status_slot where idx > $1`, 0).Scan(new(int)) // what was recorded travels with it
			}
			after()
			return err
		})
	}
	second := make(chan error, 1)
	begun := false
	if err := intend(func() {
		if !begun { // the other waits for our end at the unique key
			begun = true
			go func() { second <- intend(func() {}) }()
			waitForLock(t, w)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
	var taken []int32
	if err := w.DB.Superuser().QueryRow(ctx, `select array_agg(idx order by idx) from status_slot`).Scan(&taken); err != nil || len(taken) != 2 || taken[0] != 7 || taken[1] != 8 {
		t.Errorf("places %v, error %v", taken, err)
	}
}

// waitForLock waits until some transaction waits for another's end.
func waitForLock(t *testing.T, w *casetest.World) {
	t.Helper()
	for waiting := 0; waiting == 0; {
		if err := w.DB.Superuser().QueryRow(t.Context(), `select count(*) from pg_locks where not granted`).Scan(&waiting); err != nil {
			t.Error(err)
			return
		}
	}
}
