package credential_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/statuslist"
	"akashi/internal/pg"
	"akashi/internal/review"
)

func publisher(w *casetest.World, sign credential.Sign) *credential.Publisher {
	return credential.NewPublisher(credential.PublisherConfig{DB: w.DB.As(pg.RoleStatus), Catalogue: w.Catalogue, Sign: sign, StatusBase: "https://check.example/status"})
}

// listed reads the current list as a verifier does, in both forms.
func listed(t *testing.T, w *casetest.World, at credential.Composing) (*statuslist.List, *credential.ListVersion) {
	t.Helper()
	ctx := t.Context()
	v, err := credential.CurrentList(ctx, w.DB.As(pg.RolePublic), at.Facts.Register, at.Status.ListNo, 0)
	if err != nil {
		t.Fatal(err)
	}
	key := func(kid string, chain []*x509.Certificate) (crypto.PublicKey, error) {
		if kid != "mhlw-status-test" || len(chain) != 2 {
			return nil, fmt.Errorf("signed by %s with %d certificates", kid, len(chain))
		}
		return at.Issuer.Public, nil // every key of a world is the same
	}
	expect := statuslist.Expect{Subject: at.Status.URI, Now: w.Clock.Now()}
	jwt, err := statuslist.ReadJWT(v.JWT, key, expect)
	if err != nil {
		t.Fatal(err)
	}
	cwt, err := statuslist.ReadCWT(v.CWT, key, expect)
	if err != nil {
		t.Fatal(err)
	}
	if jwt.List.Digest() != cwt.List.Digest() || jwt.List.Len() != 1<<20 || jwt.List.Bits() != 2 || jwt.TTL != credential.StatusTTL || jwt.ExpiresAt.Sub(jwt.IssuedAt) != credential.StatusLife {
		t.Errorf("JWT %+v, CWT %+v", jwt.Claims, cwt.Claims)
	}
	return jwt.List, v
}

func step(t *testing.T, p *credential.Publisher, want int, when string) {
	t.Helper()
	if n, err := p.Step(t.Context()); err != nil || n != want {
		t.Errorf("%s: %d lists were published, error %v, want %d", when, n, err, want)
	}
}

// TestStatusFollowsTheCredential: one state behind every place, suspended and ended apart, published only when it changed.
func TestStatusFollowsTheCredential(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	var places []credential.Composing
	for _, f := range []credential.Form{credential.SDJWT, credential.MDoc, credential.PDF} {
		_, at, err := copied(t, w, h.Credential, credential.CopyRequest{Form: f})
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, at)
	}
	end := w.Clock.Now().Add(24 * time.Hour)
	_, short, err := copied(t, w, h.Credential, credential.CopyRequest{Form: credential.VC, ExpiresAt: &end})
	if err != nil {
		t.Fatal(err)
	}
	p := publisher(w, w.Issuer.Sign)
	if _, err := credential.CurrentList(ctx, w.DB.As(pg.RolePublic), h.Entry.RegisterID, 1, 0); !errors.Is(err, fault.NotFound) {
		t.Errorf("before the first publication: %v, want not_found", err)
	}
	all := func(want statuslist.Status, when string) {
		t.Helper()
		list, _ := listed(t, w, places[0])
		for _, at := range places {
			if s, err := list.Get(at.Status.Index); err != nil || s != want {
				t.Errorf("%s: place %d says %d, want %d (%v)", when, at.Status.Index, s, want, err)
			}
		}
		set := 0
		for i := range list.Len() {
			if s, _ := list.Get(i); s != statuslist.Valid {
				set++
			}
		}
		if (want == statuslist.Valid) != (set == 0) || set > 4 {
			t.Errorf("%s: %d places are not valid", when, set)
		}
	}
	step(t, p, 1, "the first time")
	all(statuslist.Valid, "new")
	step(t, p, 0, "without a change")
	if err := w.Wallet.Suspend(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); err != nil {
		t.Fatal(err)
	}
	step(t, p, 1, "stopped by the holder")
	all(statuslist.Suspended, "stopped by the holder")
	measure(t, w, review.MeasureSuspend)
	step(t, p, 0, "suspended over it") // the same value: no new version
	w.Clock.Advance(time.Minute)
	if err := w.Wallet.Lift(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID, w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	all(statuslist.Suspended, "suspended by the office")
	measure(t, w, review.MeasureRestore)
	step(t, p, 1, "restored")
	all(statuslist.Valid, "restored")
	w.Clock.Advance(13 * time.Hour)
	step(t, p, 1, "half its life later")
	w.Clock.Advance(13 * time.Hour)
	step(t, p, 1, "half its life later")
	if list, _ := listed(t, w, short); status(t, list, short) != statuslist.Invalid {
		t.Error("a copy that has run out is not invalid")
	}
	measure(t, w, review.MeasureRevoke)
	step(t, p, 1, "revoked")
	list, v := listed(t, w, places[0])
	for _, at := range append(places, short) {
		if s := status(t, list, at); s != statuslist.Invalid {
			t.Errorf("revoked: place %d says %d", at.Status.Index, s)
		}
	}
	if same, err := credential.CurrentList(ctx, w.DB.As(pg.RolePublic), h.Entry.RegisterID, 1, v.Version); err != nil || same.JWT != "" || same.Version != v.Version {
		t.Errorf("known already: %+v, %v", same, err)
	}
	if old, err := credential.ListAt(ctx, w.DB.As(pg.RolePublic), h.Entry.RegisterID, 1, v.Version-1); err != nil || old.JWT == v.JWT {
		t.Errorf("the version before: %v", err)
	}
}

func status(t *testing.T, l *statuslist.List, at credential.Composing) statuslist.Status {
	t.Helper()
	s, err := l.Get(at.Status.Index)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPublicationAfterACrash: whatever a publisher has got done when it dies, the need stands until the list is published,
// and publishers at once store each version once.
func TestPublicationAfterACrash(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	_, at, err := copied(t, w, h.Credential, credential.CopyRequest{Form: credential.SDJWT})
	if err != nil {
		t.Fatal(err)
	}
	p := publisher(w, w.Issuer.Sign)
	step(t, p, 1, "the first time")
	if err := w.Wallet.Suspend(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); err != nil {
		t.Fatal(err)
	}
	dies := publisher(w, func(context.Context, string, []byte) ([]byte, error) {
		return nil, fault.New(fault.Upstream, "", "the machine stops")
	})
	if _, err := dies.Step(ctx); !errors.Is(err, fault.Upstream) {
		t.Fatalf("dying while signing: %v, want upstream", err)
	}
	list, _ := listed(t, w, at)
	if s := status(t, list, at); s != statuslist.Valid {
		t.Errorf("an unsigned list was published: %d", s)
	}
	wrong := publisher(w, func(context.Context, string, []byte) ([]byte, error) { return make([]byte, 64), nil })
	if _, err := wrong.Step(ctx); err == nil || !strings.Contains(err.Error(), "reading back what was signed") {
		t.Fatalf("a signature that does not hold: %v, want refused when read back", err)
	}
	done := make(chan error, 4)
	for range 4 {
		go func() { _, err := publisher(w, w.Issuer.Sign).Step(ctx); done <- err }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	list, v := listed(t, w, at)
	if s := status(t, list, at); s != statuslist.Suspended || v.Version != 2 {
		t.Errorf("version %d says %d", v.Version, s)
	}
	var needs int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from status_need`).Scan(&needs); err != nil || needs != 0 {
		t.Errorf("%d needs are left, error %v", needs, err)
	}
}

// TestListsOfADistrustedKey: they are signed anew at the next step, though nothing in them has changed.
func TestListsOfADistrustedKey(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	if _, _, err := copied(t, w, held(t, w).Credential, credential.CopyRequest{Form: credential.SDJWT}); err != nil {
		t.Fatal(err)
	}
	p := publisher(w, w.Issuer.Sign)
	step(t, p, 1, "the first time")
	step(t, p, 0, "when nothing has changed")
	worker := w.DB.As(pg.RoleWorker)
	if err := credential.PublishKeys(ctx, worker, credential.SigningKey{KID: "mhlw-status-next-test", Registrar: "mhlw", Purpose: credential.ForStatus,
		Public: w.SigningKey(), NotBefore: w.Clock.Now().Add(-time.Minute)}); err != nil {
		t.Fatal(err)
	}
	step(t, p, 0, "when there is a next key")
	if _, err := credential.Distrust(ctx, worker, "mhlw-status-test"); err != nil {
		t.Fatal(err)
	}
	step(t, p, 1, "when the key is distrusted")
	step(t, p, 0, "after that")
	var kid string
	if err := w.DB.Superuser().QueryRow(ctx, `select kid from status_version order by version desc limit 1`).Scan(&kid); err != nil || kid != "mhlw-status-next-test" {
		t.Errorf("signed by %s, %v", kid, err)
	}
}

// TestRandomActs: after any row of acts the published list says of each place what the credential's state says.
func TestRandomActs(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	reg, entry := h.Entry.RegisterID, h.Entry.ID
	p := publisher(w, w.Issuer.Sign)
	dice := rand.New(rand.NewPCG(7, 7))
	type place struct {
		at credential.Composing
		of string
	}
	var places []place
	for i := range 14 {
		c := held(t, w).Credential
		w.Clock.Advance(8 * time.Hour)
		act := dice.IntN(4)
		if i == 0 {
			act = 0
		}
		switch act {
		case 0:
			if _, at, err := copied(t, w, c, credential.CopyRequest{Form: credential.VC}); err == nil {
				places = append(places, place{at, c.PublicID})
			} else if !errors.Is(err, credential.NotInForce) {
				t.Fatal(err)
			}
		case 1:
			if err := w.Wallet.Suspend(ctx, w.Nurse, reg, entry); err != nil && !errors.Is(err, credential.AlreadyHeld) {
				t.Fatal(err)
			}
		case 2:
			if err := w.Wallet.Lift(ctx, w.Nurse, reg, entry, w.Clock.Now()); err != nil && !errors.Is(err, credential.NotHeld) {
				t.Fatal(err)
			}
		case 3:
			if err := w.Wallet.Reissue(ctx, w.Nurse, reg, entry, w.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			w.Work(t)
		}
		if _, err := p.Step(ctx); err != nil {
			t.Fatal(err)
		}
		for _, pl := range places {
			var state string
			if err := w.DB.Superuser().QueryRow(ctx, `select state from credential where public_id = $1`, pl.of).Scan(&state); err != nil {
				t.Fatal(err)
			}
			want := map[string]statuslist.Status{"valid": statuslist.Valid, "held": statuslist.Suspended, "replaced": statuslist.Invalid}[state]
			list, _ := listed(t, w, pl.at)
			if s := status(t, list, pl.at); s != want {
				t.Errorf("the credential is %s, its place says %d", state, s)
			}
		}
	}
	if len(places) == 0 {
		t.Error("no copy was made")
	}
}

// TestWhoMayPublish: who signs credentials stores no list, who publishes lists sees no name and makes no credential, and no
// key of another purpose is taken.
func TestWhoMayPublish(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	for role, statements := range map[string][]string{
		pg.RoleWorker:  {`insert into status_version (register_id) values ('x')`, `delete from status_need`},
		pg.RoleCitizen: {`insert into status_version (register_id) values ('x')`, `delete from status_need`, `select * from status_version`},
		pg.RolePublic:  {`insert into status_version (register_id) values ('x')`, `insert into status_need (register_id) values ('x')`},
		pg.RoleStatus: {`select payload from credential`, `select person_ref from credential`, `select * from entry`, `insert into credential (register_id) values ('x')`,
			`update credential set state = 'valid'`, `insert into status_slot (register_id) values ('x')`, `select fields from credential_copy`, `update signing_key set retired_at = null`},
	} {
		for _, sql := range statements {
			err := w.DB.As(role).InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error { _, err := tx.Exec(ctx, sql); return err })
			if err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s: %s: %v, want permission denied", role, sql, err)
			}
		}
	}
	var n int
	if err := w.DB.As(pg.RoleStatus).InRegistrar(ctx, "pref-41", func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select count(id) from credential`).Scan(&n)
	}); err != nil || n != 0 {
		t.Errorf("another registrar's door shows %d credentials, error %v", n, err)
	}
}

// TestExtend: a list that is half full is closed, and places are drawn from the next.
func TestExtend(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	c := held(t, w).Credential
	if _, _, err := copied(t, w, c, credential.CopyRequest{Form: credential.VC}); err != nil {
		t.Fatal(err)
	}
	p := publisher(w, w.Issuer.Sign)
	if err := p.Extend(ctx); err != nil {
		t.Fatal(err)
	}
	if _, at, err := copied(t, w, c, credential.CopyRequest{Form: credential.VC}); err != nil || at.Status.ListNo != 1 {
		t.Errorf("list %d, %v", at.Status.ListNo, err)
	}
	if _, err := w.DB.Superuser().Exec(ctx, `insert into status_list (register_id, list_no, opened_at) values ($1, 2, now())`, c.RegisterID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.Superuser().Exec(ctx, `update status_list set full_at = now() where list_no = 1`); err != nil {
		t.Fatal(err)
	}
	if _, at, err := copied(t, w, c, credential.CopyRequest{Form: credential.VC}); err != nil || at.Status.ListNo != 2 || !strings.HasSuffix(at.Status.URI, "/2") {
		t.Errorf("list %d, %v", at.Status.ListNo, err)
	}
}
