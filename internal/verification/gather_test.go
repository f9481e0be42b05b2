package verification_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// TestQuestionsTravelTogether: while the database does not answer, questions gather; then each gets its own answer, also
// beside one that nobody waits for any more, and after a trip that failed.
func TestQuestionsTravelTogether(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	v, pool, refuses := narrow(t, w.Verifier)
	unknown := withKID(t, url, "nobody's")
	ask := func(ctx context.Context, text string) <-chan verification.Result {
		got := make(chan verification.Result, 1)
		go func() { got <- v.CheckText(ctx, text) }()
		return got
	}
	waits := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); v.Waiting() != n; {
			if time.Now().After(deadline) {
				t.Fatalf("%d questions wait, want %d", v.Waiting(), n)
			}
			time.Sleep(time.Millisecond) // between looks
		}
	}

	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Two of these, whichever, make their own trip and wait for the connection.
	all := []<-chan verification.Result{ask(t.Context(), url), ask(t.Context(), url)}
	want := []verification.Verdict{verification.Valid, verification.Valid}
	for i := range 100 {
		if i%4 == 1 {
			all, want = append(all, ask(t.Context(), unknown)), append(want, verification.UnknownIssuer)
		} else {
			all, want = append(all, ask(t.Context(), url)), append(want, verification.Valid)
		}
	}
	waits(100)
	ctx, cancel := context.WithCancel(t.Context())
	impatient := ask(ctx, url)
	waits(101)
	cancel()
	if r := <-impatient; r.Verdict != verification.CannotTell {
		t.Errorf("who left is told %s", r.Verdict)
	}

	refuses.Store(3) // after the two that are alone, the first of those together
	held.Release()
	for i, got := range all {
		if r := <-got; r.Verdict != want[i] {
			t.Errorf("question %d is answered %s, want %s", i, r.Verdict, want[i])
		}
	}
	waits(0)
	if left := refuses.Load(); left > 0 {
		t.Errorf("no trip failed, %d are missing", left)
	}
	if r := v.CheckText(t.Context(), url); r.Verdict != verification.Valid {
		t.Errorf("afterwards %+v", r)
	}
}

// narrow is the verifier with one connection of its own, which is refused once, when it is asked for as often as the number says.
func narrow(t *testing.T, v *verification.Verifier) (*verification.Verifier, *pgxpool.Pool, *atomic.Int32) {
	t.Helper()
	var refused atomic.Int32
	cfg := v.DB.Pool.Config()
	cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = 1, 0, 0
	cfg.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
		if refused.Add(-1) == 0 {
			return true, errors.New("refused by the test")
		}
		return true, nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &verification.Verifier{DB: &pg.DB{Pool: pool, Clock: v.DB.Clock}, Catalogue: v.Catalogue, Log: slog.New(slog.DiscardHandler)}, pool, &refused
}

// withKID is the credential with another key id, which stands outside of what is signed.
func withKID(t *testing.T, url, kid string) string {
	t.Helper()
	address, text, _ := strings.Cut(url, "?c=")
	message, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := cose.Decode(message)
	if err != nil {
		t.Fatal(err)
	}
	if message, err = (&credential.Credential{KID: kid, Payload: s.Payload, Signature: s.Signature}).Message(); err != nil {
		t.Fatal(err)
	}
	return address + "?c=" + base64.RawURLEncoding.EncodeToString(message)
}
