// Package casetest builds a small world for tests of the stages and portals: a database of its own, the real
// definitions, every stage wired as the program wires it, a nurse, a reviewer and an approver, and a clock that stands
// at 2026-12-01 09:00 JST until it is moved.
//
// The outside systems are scripted here by function values, where a stage declares one; the connectors and simulators
// have tests of their own over the wire, and so has the whole system.
package casetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/job"
	"akashi/internal/payment"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
	"akashi/internal/verification"
	"akashi/qualifications"
)

// World is everything a case needs.
type World struct {
	DB        *pgtest.Database
	Clock     *clock.Adjustable
	Catalogue *qualification.Catalogue
	RefKey    []byte
	Blobs     *blob.Store
	Jobs      *job.Inserter

	Desk     *application.Desk
	Clerk    *application.Clerk
	Counter  *payment.Counter
	Cashier  *payment.Cashier
	Receiver *payment.Receiver
	Office   *review.Desk
	Reader   *registry.Reader
	Issuer   *credential.Issuer
	Wallet   *credential.Wallet
	Verifier *verification.Verifier
	Runner   *job.Runner

	Nurse    application.Applicant
	Reviewer review.Officer
	Approver review.Officer
	Keeper   review.Officer

	Provider *Provider
	Answers  *Answers
}

// Answers scripts what the registries answer, by system.
type Answers struct {
	mu     sync.Mutex
	reply  map[string]application.Reply
	failed map[string]error
	Asked  int
}

// Set makes a system answer so from now on.
func (a *Answers) Set(system string, r application.Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reply[system], a.failed[system] = r, nil
}

// Fail makes a system fail from now on.
func (a *Answers) Fail(system string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed[system] = err
}

func (a *Answers) ask(system string) application.Ask {
	return func(context.Context, application.Question) (application.Reply, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.Asked++
		return a.reply[system], a.failed[system]
	}
}

// definitions are loaded once for a test binary; nothing can change them.
var definitions = sync.OnceValues(func() (*qualification.Catalogue, error) { return qualification.Load(qualifications.Files) })

// refKey is the platform key of every world.
var refKey = []byte("0123456789abcdef0123456789abcdef")

// Start is the moment at which every world begins.
func Start() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST) }

// New builds a world. Jobs run as they come; Work and Settle wait for them.
func New(t testing.TB) *World {
	t.Helper()
	return NewTraced(t, nil)
}

// NewTraced is New with a tracer that hears of every statement.
func NewTraced(t testing.TB, tracer pgx.QueryTracer) *World {
	t.Helper()
	w := &World{Clock: &clock.Adjustable{}, RefKey: refKey, Provider: NewProvider()}
	w.Clock.Set(Start())
	w.DB = pgtest.New(t).WithClock(w.Clock).WithTracer(tracer)
	w.catalogue(t)
	w.people(t)
	w.stages(t)
	w.jobs(t)
	return w
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatalf("building a world: %v", err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("building a world: %v", err)
	}
}

func (w *World) catalogue(t testing.TB) {
	t.Helper()
	w.Catalogue = must(definitions())(t)
	check(t, application.SyncReference(t.Context(), w.DB.As(pg.RoleWorker), w.Catalogue))
	w.Blobs = must(blob.New(t.TempDir()))(t)
	w.Jobs = must(job.NewInserter())(t)
}

// Card is what the nurse's card says.
func Card() person.Particulars {
	return person.Particulars{Name: person.Name{Family: "見本", Given: "花子"}, NameKana: person.Name{Family: "ミホン", Given: "ハナコ"},
		BirthDate: calendar.Date{Year: 2003, Month: 4, Day: 12}, Sex: person.Female, Address: "東京都千代田区見本町一丁目1番1号"}
}

func (w *World) people(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	id, _, err := account.EnsurePerson(ctx, w.DB.As(pg.RoleCitizen), "https://login.example", "nurse", Start())
	check(t, err)
	w.Nurse = application.Applicant{ID: id, Card: Card()}
	w.Reviewer = w.staff(t, "reviewer", "審査 一郎", account.Reviewer)
	w.Approver = w.staff(t, "approver", "決裁 二郎", account.Approver, account.Reviewer)
	w.Keeper = w.staff(t, "keeper", "名簿 三郎", account.RegisterKeeper)
}

func (w *World) staff(t testing.TB, subject, name string, roles ...account.Role) review.Officer {
	t.Helper()
	ctx := t.Context()
	check(t, w.DB.As(pg.RoleWorker).Platform(ctx, func(tx *pg.Tx) error {
		id, err := account.SetStaff(ctx, tx, subject, name, true)
		for _, r := range roles {
			if err == nil {
				err = account.Give(ctx, tx, id, account.Grant{Body: "mhlw", Role: r}, "test")
			}
		}
		return err
	}))
	return review.Officer{Staff: must(account.ByLogin(ctx, w.DB.As(pg.RoleOffice), subject))(t), Body: "mhlw"}
}

// Another returns another applicant, who logged in with another card.
func (w *World) Another(t testing.TB, subject string, card person.Particulars) application.Applicant {
	t.Helper()
	id, _, err := account.EnsurePerson(t.Context(), w.DB.As(pg.RoleCitizen), "https://login.example", subject, w.Clock.Now())
	check(t, err)
	return application.Applicant{ID: id, Card: card}
}

func (w *World) stages(t testing.TB) {
	t.Helper()
	enqueue := func(ctx context.Context, tx *pg.Tx, args river.JobArgs) error {
		return w.Jobs.Enqueue(ctx, tx, args, nil)
	}
	w.Answers = &Answers{reply: map[string]application.Reply{}, failed: map[string]error{}}
	w.Answers.Set(application.Resident, application.Reply{Class: application.ResidentAlive, Record: application.Record(Card()), Source: "test", At: Start()})
	w.Answers.Set(application.Family, application.Reply{Class: application.FamilyDetermined, Record: map[string]string{"domicile": "13"}, Source: "test", At: Start()})
	ask := map[string]application.Ask{application.Resident: w.Answers.ask(application.Resident), application.Family: w.Answers.ask(application.Family)}
	charger := payment.Charger{Catalogue: w.Catalogue, Enqueue: enqueue}
	w.Desk = application.NewDesk(application.Config{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey, Blobs: w.Blobs,
		Verify: Verify, Ask: ask, Enqueue: enqueue, Charge: charger.Charge, Ended: charger.Withdrawn, Entry: registry.Own})
	w.Clerk = &application.Clerk{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Ask: ask, Blobs: w.Blobs}
	back := func(c *application.Case) string { return "https://portal.example/applications/" + c.PublicID + "/paid" }
	w.Counter = &payment.Counter{Desk: w.Desk, Provider: w.Provider, ReturnURL: back}
	w.Cashier = &payment.Cashier{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Provider: w.Provider, Enqueue: enqueue, ReturnURL: back}
	w.Receiver = &payment.Receiver{DB: w.DB.As(pg.RolePublic), Enqueue: enqueue}

	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	check(t, credential.PublishKey(t.Context(), w.DB.As(pg.RoleWorker), "mhlw-test", "mhlw", &key.PublicKey, Start().Add(-time.Hour)))
	sign := func(_ context.Context, kid string, b []byte) ([]byte, error) {
		if kid != "mhlw-test" {
			return nil, fault.New(fault.NotFound, "", "signing with an unknown key")
		}
		digest := sha256.Sum256(b)
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	}
	w.Issuer = credential.NewIssuer(credential.Config{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Sign: sign, Enqueue: enqueue})
	enter := func(ctx context.Context, tx *pg.Tx, d review.Decided) error {
		change, err := registry.Enter(ctx, tx, d)
		if err != nil {
			return err
		}
		return w.Issuer.Follow(ctx, tx, d, change)
	}
	w.Office = review.NewDesk(review.Config{DB: w.DB.As(pg.RoleOffice), Catalogue: w.Catalogue, Enter: enter, LookUp: registry.Examine})
	w.Reader = &registry.Reader{DB: w.DB.As(pg.RoleOffice)}
	w.Wallet = &credential.Wallet{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey}
	w.Verifier = &verification.Verifier{DB: w.DB.As(pg.RolePublic), Catalogue: w.Catalogue}
}

func (w *World) jobs(t testing.TB) {
	t.Helper()
	workers := job.NewWorkers()
	check(t, job.Handle(workers, 0, w.Clerk.Inquire))
	check(t, job.Handle(workers, 0, w.Cashier.Callback))
	check(t, job.Handle(workers, 0, w.Cashier.Settle))
	check(t, job.Handle(workers, 0, w.Issuer.SignIntent))
	w.Runner = must(job.NewRunner(job.Config{DB: w.DB.As(pg.RoleWorker), Workers: workers, MaxWorkers: 4}))(t)
	check(t, w.Runner.Start(context.WithoutCancel(t.Context())))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := w.Runner.Stop(ctx); err != nil {
			t.Errorf("stopping the jobs: %v", err)
		}
	})
}

// Settle waits until every job that is due has run, whether it failed or not.
func (w *World) Settle(t testing.TB) job.Drained {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	d, err := w.Runner.Drain(ctx)
	if err != nil {
		t.Fatalf("draining the jobs: %v", err)
	}
	return d
}

// Work waits until every job that is due has run, and fails the test if one failed.
func (w *World) Work(t testing.TB) {
	t.Helper()
	d := w.Settle(t)
	if d.Failed+d.GivenUp > 0 {
		t.Fatalf("%d jobs failed: %v", d.Failed+d.GivenUp, d.Causes)
	}
}

// Verify stands for the card's signature: the signature must be the SHA-256 of the content and the certificate the
// signer's particulars, as Sign makes them.
func Verify(content, signature, certificate []byte, _ time.Time) (application.Signed, error) {
	digest := sha256.Sum256(content)
	if string(signature) != string(digest[:]) {
		return application.Signed{}, fault.New(fault.Invalid, "fault.bad_signature", "verifying a signature")
	}
	c := Card()
	s := application.Signer{Name: c.Name.Full(), NameAlt: "", BirthDate: c.BirthDate, Sex: string(c.Sex), Address: c.Address, Serial: "01", Issuer: "test"}
	if string(certificate) == "other" {
		s.Name = "例示　太郎"
	}
	return application.Signed{Signer: s, CMS: append([]byte("cms:"), signature...)}, nil
}

// Sign is the signature that Verify accepts.
func Sign(content []byte) []byte {
	digest := sha256.Sum256(content)
	return digest[:]
}

// Ref is the reference of an applicant at the nurses' registrar.
func (w *World) Ref(a application.Applicant) uuid.UUID { return account.RefFor(w.RefKey, a.ID, "mhlw") }
