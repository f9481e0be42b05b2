package audit_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/mod/sumdb/note"

	"akashi/internal/audit"
	"akashi/internal/clock"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv("AKASHI_TEST_SEQUENCE"); dsn != "" {
		sequenceUntilKilled(dsn)
	}
	pgtest.Main(m)
}

var (
	refA  = uuid.MustParse("aaaaaaaa-0000-8000-8000-000000000001")
	refB  = uuid.MustParse("bbbbbbbb-0000-8000-8000-000000000002")
	caseA = uuid.MustParse("0190a000-0000-7000-8000-00000000000a")
	start = time.Date(2026, 12, 1, 9, 0, 0, 123456789, clock.JST)
)

// viewed is staff of mhlw opening the case of a person.
func viewed(ref uuid.UUID) audit.Event {
	return audit.Event{
		Act: audit.CaseView, Actor: audit.Actor{Kind: audit.ActorStaff, ID: "staff-1", Role: "reviewer", Body: "mhlw"},
		Purpose: "審査のため", Register: "kangoshi-mhlw", Registrar: "mhlw", Ref: ref, Case: caseA,
		Items: []string{"name", "domicile"}, Outcome: "shown",
	}
}

// system is an event of a job.
func system(act audit.Act, registrar string) audit.Event {
	return audit.Event{Act: act, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "test"}, Registrar: registrar}
}

type keys struct {
	private  string
	signer   note.Signer
	verifier note.Verifier
}

func newKeys(t testing.TB) keys {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "akashi/audit-test")
	must(t, err)
	k := keys{private: private}
	k.signer, err = note.NewSigner(private)
	must(t, err)
	k.verifier, err = note.NewVerifier(public)
	must(t, err)
	return k
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// record commits events in one registrar's transaction.
func record(t testing.TB, db *pg.DB, events ...audit.Event) {
	t.Helper()
	must(t, db.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error { return audit.Record(t.Context(), tx, events...) }))
}

// sequence steps until every event has a number. A transaction anywhere on the server may hold a step back, so one step
// proves nothing.
func sequence(t testing.TB, d *pgtest.Database, s *audit.Sequencer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := s.Step(ctx)
		must(t, err)
		if unnumbered(t, d) == 0 {
			return
		}
	}
}

func unnumbered(t testing.TB, d *pgtest.Database) int {
	t.Helper()
	return count(t, d, `select count(*) from audit_event e where not exists (select from audit_leaf l where l.commitment = e.commitment)`)
}

func count(t testing.TB, d *pgtest.Database, query string, args ...any) (n int) {
	t.Helper()
	must(t, d.Superuser().QueryRow(t.Context(), query, args...).Scan(&n))
	return n
}

// wantSQL checks the code and the object of a refusal by PostgreSQL.
func wantSQL(t testing.TB, err error, code, text string) {
	t.Helper()
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != code || pgErr.Message != text {
		t.Errorf("got %v, want %s %s", err, code, text)
	}
}

func ids(events []audit.Logged) string {
	s := ""
	for _, e := range events {
		s += fmt.Sprintf("%s/%s ", e.Act, e.Registrar)
	}
	return s
}
