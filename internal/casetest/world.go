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
	"strings"
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
	"akashi/internal/connector/signer"
	"akashi/internal/credential"
	"akashi/internal/credential/paper"
	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/pades"
	"akashi/internal/job"
	"akashi/internal/payment"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/internal/registry"
	"akashi/internal/relying"
	"akashi/internal/review"
	"akashi/internal/typeface"
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
	Intake   *application.Intake
	Clerk    *application.Clerk
	Counter  *payment.Counter
	Cashier  *payment.Cashier
	Receiver *payment.Receiver
	Office   *review.Desk
	Reader   *registry.Reader
	Issuer   *credential.Issuer
	Lifter   *registry.Lifter
	Wallet   *credential.Wallet
	Papers   *credential.Papers
	Verifier *verification.Verifier
	Relying  *relying.Desk
	Holder   *relying.Holder
	Runner   *job.Runner

	relyingClerk *relying.Clerk

	Nurse    application.Applicant
	Reviewer review.Officer
	Approver review.Officer
	Keeper   review.Officer

	Provider *Provider
	Answers  *Answers

	signing *ecdsa.PublicKey // of the one key with which every registrar of the world signs
}

// SigningKey is the public half of the one key of the world.
func (w *World) SigningKey() *ecdsa.PublicKey { return w.signing }

// authority issues the certificates of the keys of every world in a test binary.
var authority = sync.OnceValues(func() (*signer.CA, error) { return signer.NewCA("Akashi Test CA", Start().AddDate(0, 0, -1)) })

// printer draws the papers of every world in a test binary.
var printer = sync.OnceValues(func() (*paper.Printer, error) {
	shelf, err := typeface.Open("")
	if err != nil {
		return nil, err
	}
	text, names, err := shelf.Families()
	return paper.New(text, names), err
})

func lay(p paper.Paper) ([]byte, error) {
	press, err := printer()
	if err != nil {
		return nil, err
	}
	return press.Print(p)
}

// plain completes a signed document without a timestamp.
func plain(_ context.Context, p *pades.Prepared, raw []byte) ([]byte, error) {
	signature, err := p.Signature(raw)
	if err != nil {
		return nil, err
	}
	return p.Complete(signature, nil)
}

// publish gives a registrar its signing keys: <registrar>-test for credentials, <registrar>-<purpose>-test for the rest, each
// with a certificate of its own.
func (w *World) publish(t testing.TB, registrar string) {
	t.Helper()
	for _, p := range credential.Purposes {
		kid := registrar + "-" + string(p) + "-test"
		if p == credential.ForCredential {
			kid = registrar + "-test"
		}
		k := signer.Key{KID: kid, Registrar: registrar, Purpose: string(p), Public: w.signing, NotBefore: Start().Add(-time.Hour)}
		chain := must(must(authority())(t).Issue(k, registrar, k.NotBefore))(t)
		check(t, credential.PublishKeys(t.Context(), w.DB.As(pg.RoleWorker), credential.SigningKey{KID: kid, Registrar: registrar, Purpose: p,
			Public: w.signing, Chain: chain, NotBefore: k.NotBefore}))
	}
}

// Staffed lets registrars other than the nurses' work, too: each gets a signing key, and the reviewer and the approver get
// their roles there. It returns the two, without a body.
func (w *World) Staffed(t testing.TB, registrars ...string) (reviewer, approver review.Officer) {
	t.Helper()
	ctx := t.Context()
	check(t, w.DB.As(pg.RoleWorker).Platform(ctx, func(tx *pg.Tx) error {
		for _, body := range registrars {
			for id, role := range map[uuid.UUID]account.Role{w.Reviewer.Staff.ID: account.Reviewer, w.Approver.Staff.ID: account.Approver} {
				if err := account.Give(ctx, tx, id, account.Grant{Body: body, Role: role}, "test"); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	for _, body := range registrars {
		if body != "mhlw" {
			w.publish(t, body)
		}
	}
	office := w.DB.As(pg.RoleOffice)
	return review.Officer{Staff: must(account.ByLogin(ctx, office, "reviewer"))(t)}, review.Officer{Staff: must(account.ByLogin(ctx, office, "approver"))(t)}
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

// usual are the qualifications that tests of the stages use. What concerns all of them is tested by TestEveryDefinition.
var usual = []string{"kangoshi", "jun-kangoshi", "shakai-fukushishi", "yakuzaishi"}

// definitions are loaded once for a test binary; each world has acts of its own over them.
var definitions = sync.OnceValues(func() (*qualification.Catalogue, error) {
	files, err := qualification.ReadFiles(qualifications.Files)
	if err == nil {
		files, err = qualtest.Some(files, usual...)
	}
	if err != nil {
		return nil, err
	}
	return qualification.LoadFiles(files)
})

// Usual are the definitions of New.
func Usual(t testing.TB) *qualification.Catalogue {
	t.Helper()
	return must(definitions())(t).Apart()
}

var everything = sync.OnceValues(func() (*qualification.Catalogue, error) { return qualification.Load(qualifications.Files) })

// refKey is the platform key of every world.
var refKey = []byte("0123456789abcdef0123456789abcdef")

// Start is the moment at which every world begins.
func Start() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST) }

// New builds a world with the usual definitions. Jobs run as they come; Work and Settle wait for them.
func New(t testing.TB) *World {
	t.Helper()
	return NewTraced(t, nil)
}

// NewWhole is New with all definitions of the repository.
func NewWhole(t testing.TB) *World {
	t.Helper()
	cat := must(everything())(t)
	db := pgtest.NewFrom(t, "everything", func(db *pgtest.Database) { refer(t, db, cat) })
	return build(t, db, cat.Apart(), nil)
}

// NewTraced is New with a tracer that hears of every statement.
func NewTraced(t testing.TB, tracer pgx.QueryTracer) *World {
	t.Helper()
	cat := must(definitions())(t)
	db := pgtest.NewFrom(t, "reference", func(db *pgtest.Database) { refer(t, db, cat) })
	return build(t, db, cat.Apart(), tracer)
}

// NewOf is New with definitions of the test's own.
func NewOf(t testing.TB, cat *qualification.Catalogue) *World {
	t.Helper()
	db := pgtest.New(t)
	refer(t, db, cat)
	return build(t, db, cat, nil)
}

// refer writes the definitions and registrars into a database.
func refer(t testing.TB, db *pgtest.Database, cat *qualification.Catalogue) {
	t.Helper()
	c := &clock.Adjustable{}
	c.Set(Start())
	check(t, application.SyncReference(t.Context(), db.WithClock(c).As(pg.RoleWorker), cat))
}

func build(t testing.TB, db *pgtest.Database, cat *qualification.Catalogue, tracer pgx.QueryTracer) *World {
	t.Helper()
	w := &World{Catalogue: cat, Clock: &clock.Adjustable{}, RefKey: refKey, Provider: NewProvider()}
	w.Clock.Set(Start())
	w.DB = db.WithClock(w.Clock).WithTracer(tracer)
	w.Blobs = must(blob.New(t.TempDir()))(t)
	w.Jobs = must(job.NewInserter())(t)
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
		Verify: Verify, Ask: ask, Enqueue: enqueue, Charge: charger.Charge, Ended: charger.Withdrawn, Entry: registry.Own, Attest: registry.Attest})
	w.Intake = application.NewIntake(application.Config{DB: w.DB.As(pg.RoleOffice), Catalogue: w.Catalogue, Blobs: w.Blobs, Enqueue: enqueue,
		Charge: payment.Note, Ended: func(context.Context, *pg.Tx, *application.Case) error { return nil }, Held: registry.Held})
	w.Clerk = &application.Clerk{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Ask: ask, Blobs: w.Blobs}
	back := func(c *application.Case) string { return "https://portal.example/applications/" + c.PublicID + "/paid" }
	w.Counter = &payment.Counter{Desk: w.Desk, Provider: w.Provider, ReturnURL: back}
	w.Cashier = &payment.Cashier{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Provider: w.Provider, Enqueue: enqueue, ReturnURL: back}
	w.Receiver = &payment.Receiver{DB: w.DB.As(pg.RolePublic), Enqueue: enqueue}

	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	w.signing = &key.PublicKey
	w.publish(t, "mhlw")
	sign := func(_ context.Context, kid string, b []byte) ([]byte, error) {
		if !strings.HasSuffix(kid, "-test") {
			return nil, fault.New(fault.NotFound, "", "signing with an unknown key")
		}
		return jws.SignES256(key, b)
	}
	moved := func(ctx context.Context, tx *pg.Tx, registerID string, credentialID uuid.UUID) error {
		return enqueue(ctx, tx, relying.TellArgs{RegisterID: registerID, CredentialID: credentialID})
	}
	w.Issuer = credential.NewIssuer(credential.Config{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Sign: sign, Enqueue: enqueue, Moved: moved,
		StatusBase: "https://check.example/status", IssuerBase: "https://check.example/issuers"})
	w.Lifter = &registry.Lifter{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Follow: w.Issuer.Follow}
	enter := func(ctx context.Context, tx *pg.Tx, d review.Decided) error {
		change, err := registry.Enter(ctx, tx, d)
		if err != nil {
			return err
		}
		return w.Issuer.Follow(ctx, tx, d, change)
	}
	w.Office = review.NewDesk(review.Config{DB: w.DB.As(pg.RoleOffice), Catalogue: w.Catalogue, Enter: enter, LookUp: registry.Examine})
	w.Reader = &registry.Reader{DB: w.DB.As(pg.RoleOffice)}
	w.Wallet = &credential.Wallet{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey, Issuer: w.Issuer, Enqueue: enqueue, Moved: moved}
	w.Papers = &credential.Papers{Issuer: w.Issuer, Lay: lay, Seal: plain, Blobs: w.Blobs, Base: "https://check.example/w/", Check: "https://check.example/"}
	w.Verifier = &verification.Verifier{DB: w.DB.As(pg.RolePublic), Catalogue: w.Catalogue}
	w.relying(t, enqueue)
}

// relying wires what serves registered verifiers. Notifications are taken and thrown away.
func (w *World) relying(t testing.TB, enqueue application.Enqueue) {
	t.Helper()
	w.Relying = must(relying.NewDesk(relying.Config{DB: w.DB.As(pg.RoleRelying), Catalogue: w.Catalogue, Verify: w.Verifier.CheckText, Enqueue: enqueue, SealKey: refKey}))(t)
	w.Holder = &relying.Holder{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey, Enqueue: enqueue}
	post := func(context.Context, string, string, []byte) (int, error) { return 204, nil }
	w.relyingClerk = must(relying.NewClerk(relying.Clerk{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Verify: w.Verifier.CheckText, Enqueue: enqueue, Post: post}, refKey))(t)
}

// RegisteredVerifier registers a verifier and returns it with a key.
func (w *World) RegisteredVerifier(t testing.TB, name string) (*relying.Client, string) {
	t.Helper()
	office := relying.Office{DB: w.DB.As(pg.RoleWorker)}
	c := must(office.Register(t.Context(), name, "https://verifier.example/hooks"))(t)
	key, _, err := office.Give(t.Context(), c.ID, "test", 24*time.Hour)
	check(t, err)
	return c, key
}

func (w *World) jobs(t testing.TB) {
	t.Helper()
	workers := job.NewWorkers()
	check(t, job.Handle(workers, 0, w.Clerk.Inquire))
	check(t, job.Handle(workers, 0, w.Cashier.Callback))
	check(t, job.Handle(workers, 0, w.Cashier.Settle))
	check(t, job.Handle(workers, 0, w.Issuer.SignIntent))
	check(t, job.Handle(workers, 0, w.relyingClerk.Check))
	check(t, job.Handle(workers, 0, w.relyingClerk.Bind))
	check(t, job.Handle(workers, 0, w.relyingClerk.Tell))
	check(t, job.Handle(workers, 0, w.relyingClerk.Send))
	check(t, job.Handle(workers, 0, w.Papers.Make))
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
func (w *World) Ref(a application.Applicant) uuid.UUID { return w.RefAt(a, "mhlw") }

// RefAt is the reference of an applicant at a registrar.
func (w *World) RefAt(a application.Applicant, registrar string) uuid.UUID {
	return account.RefFor(w.RefKey, a.ID, registrar)
}
