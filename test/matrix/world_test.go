package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/api"
	"akashi/internal/application"
	"akashi/internal/authoring"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/issuance"
	"akashi/internal/payment"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/office"
	"akashi/internal/portal/public"
	"akashi/internal/relying"
	"akashi/internal/review"
	"akashi/internal/server"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// victim is a case of somebody else, in one of its states.
type victim struct {
	state  application.State
	public string
	id     uuid.UUID
	upload uuid.UUID
}

// unseen tells whether the registrar's staff must not know of the case: it was never handed in.
func (v victim) unseen() bool { return !v.state.Submitted() }

// site is one portal with the routes that it has.
type site struct {
	name   string
	url    string
	routes []string
}

// world is the four portals over cases of other people in every state.
type world struct {
	*casetest.World
	citizen, office, public, api site

	victims []victim
	own     victim    // the stranger's own draft
	entry   uuid.UUID // of the registered case
	watch   uuid.UUID // of a verifier who wants to be told of changes of its credential
	text    uuid.UUID // of a definition, proposed by the registrar
	act     uuid.UUID // of selective use, proposed by the registrar
	offer   uuid.UUID // of the entry's credential to a wallet
	secrets []string  // what nobody here may read
}

// stranger is another citizen, who logs in with another card.
const stranger = "stranger"

func strangersCard() person.Particulars {
	return person.Particulars{Name: person.Name{Family: "他人", Given: "次郎"}, BirthDate: calendar.Date{Year: 1971, Month: 11, Day: 30}, Sex: person.Male,
		Address: "大阪府大阪市北区無関係町九丁目9番9号"}
}

// The staff who have no business with the cases.
func staff() map[string][]string {
	return map[string][]string{
		"prefecture": {"pref-41.intake", "pref-41.reviewer", "pref-41.approver", "pref-41.register_keeper", "pref-41.auditor", "pref-41.planner", "pref-41.director"},
		"foreign":    {"sssc.intake", "sssc.reviewer", "sssc.approver", "sssc.register_keeper", "sssc.auditor", "sssc.planner", "sssc.director"},
		"forwarding": {"pref-13.intake"},
		"intake":     {"mhlw.intake"},
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: casetest.New(t)}
	w.Passer(t)
	w.people(t)
	w.cases(t)
	w.portals(t)
	w.watchWrites(t)
	return w
}

func (w *world) people(t *testing.T) {
	t.Helper()
	err := w.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		for subject, roles := range staff() {
			id, err := account.SetStaff(t.Context(), tx, subject, "部外 "+subject, true)
			for _, r := range roles {
				body, role, _ := strings.Cut(r, ".")
				if err == nil {
					err = account.Give(t.Context(), tx, id, account.Grant{Body: body, Role: account.Role(role)}, "test")
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	ok(t, err)
}

// cases makes a case in every state that can be asked for, each of another person with the same card.
func (w *world) cases(t *testing.T) {
	t.Helper()
	for _, make := range []func(testing.TB) string{w.Draft, w.frozen, w.Submitted, w.InReview, w.corrected, w.Proposed, w.rejected, w.withdrawn, w.Registered} {
		w.Nurse = w.Another(t, "victim-"+string(rune('a'+len(w.victims))), casetest.Card())
		w.victims = append(w.victims, w.read(t, w.Nurse, make(t)))
	}
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	ok(t, err)
	w.entry = held[0].Entry.ID
	made, err := w.offers().Offer(t.Context(), w.Nurse, issuance.Subject{RegisterID: held[0].Entry.RegisterID, Entry: w.entry})
	ok(t, err)
	w.offer = made.ID
	w.watched(t, held[0].Credential)
	who := w.Another(t, stranger, strangersCard())
	w.Answers.Set(application.Resident, application.Reply{Class: application.ResidentAlive, Record: application.Record(strangersCard()), Source: "test", At: casetest.Start()})
	mine, err := w.Desk.Start(t.Context(), who, "kangoshi.mhlw", "registration", "ja")
	ok(t, err)
	w.own = victim{state: application.Draft, public: mine.PublicID, id: mine.ID}
	w.Work(t)
	w.act = uuid.New()
	_, err = w.DB.Superuser().Exec(t.Context(), `
		insert into rollout_act (id, kind, qualification_id, bodies, procedures, channel, effective_on, reason, prior_state, state, proposed_by, proposed_body, proposed_at)
		values ($1, 'close', 'kangoshi', '{mhlw}', '{}', '', '2027-04-01', '試験のための計画', 'proposed', 'proposed', $2, 'mhlw', $3)`, w.act, w.Keeper.Staff.ID, casetest.Start())
	ok(t, err)
	w.text = uuid.New()
	_, err = w.DB.Superuser().Exec(t.Context(), `
		insert into authored (id, qualification_id, version, valid_from, source, prior_state, state, author, body, created_at, reason)
		values ($1, 'kangoshi', '2027-04-01.1', '2027-04-01', 'id: kangoshi', 'draft', 'proposed', $2, 'mhlw', $3, '試験のための計画')`, w.text, w.Keeper.Staff.ID, casetest.Start())
	ok(t, err)
	w.secrets = []string{"見本　花子", "はなこ", "見本町", "2003", "10234", "診断書.png", "090-1234-5678", held[0].Credential.PublicID, "試験のための"}
}

// offers is the holder's side of issuance to wallets.
func (w *world) offers() *issuance.Holder {
	return &issuance.Holder{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey, Forms: issuance.WalletForms("https://verify.example"), Base: "https://api.example/issuers"}
}

// wallets is the wallets' side.
func (w *world) wallets() *issuance.Server {
	return &issuance.Server{DB: w.DB.As(pg.RoleIssuance), Catalogue: w.Catalogue, Issuer: w.Issuer, Forms: issuance.WalletForms("https://verify.example"),
		Nonces: issuance.NewNonces(w.RefKey), Base: "https://api.example/issuers", Authorize: "https://portal.example/wallet/authorize"}
}

// watched has a verifier ask to be told of changes.
func (w *world) watched(t *testing.T, c *credential.Credential) {
	t.Helper()
	verifier, _ := w.RegisteredVerifier(t, "試験のための病院")
	code, err := c.URL("https://verify.example/w/")
	ok(t, err)
	asked, _, err := w.Relying.Ask(t.Context(), verifier, code, relying.Wish{Purpose: "試験のための確認", Until: w.Today().AddDays(30)})
	ok(t, err)
	w.watch = asked.ID
	w.Work(t)
}

func (w *world) frozen(t testing.TB) string {
	id := w.Draft(t)
	w.Frozen(t, id)
	return id
}

func (w *world) corrected(t testing.TB) string {
	id := w.InReview(t)
	ok(t, w.Office.Take(t.Context(), w.Reviewer, id))
	ok(t, w.Office.RequestCorrection(t.Context(), w.Reviewer, id, []application.CorrectionItem{{Item: "name_kana", Reason: "kana", Note: "試験のための訂正"}}, w.Today().AddDays(14)))
	return id
}

func (w *world) rejected(t testing.TB) string {
	id, ctx := w.InReview(t), t.Context()
	ok(t, w.Office.Take(ctx, w.Reviewer, id))
	ok(t, w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "reject", Reasons: []string{"disqualified"}}))
	ok(t, w.Office.Take(ctx, w.Approver, id))
	ok(t, w.Office.Decide(ctx, w.Approver, id, review.Agree, ""))
	return id
}

func (w *world) withdrawn(t testing.TB) string {
	id := w.Submitted(t)
	ok(t, w.Desk.Withdraw(t.Context(), w.Nurse, id))
	return id
}

func (w *world) read(t *testing.T, who application.Applicant, id string) (out victim) {
	t.Helper()
	v, err := w.Desk.View(t.Context(), who, id)
	ok(t, err)
	if len(v.Uploads) == 0 {
		t.Fatalf("case %s has no document", id)
	}
	return victim{v.Case.State, id, v.Case.ID, v.Uploads[0].ID}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve gives a portal an address and learns its routes.
func serve(t *testing.T, name string, make func(origin string) (http.Handler, error)) site {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	at := "http://" + s.Listener.Addr().String()
	h, err := make(at)
	ok(t, err)
	routed, known := h.(server.Routed)
	if !known {
		t.Fatalf("the portal %s does not tell its routes", name)
	}
	s.Config.Handler = h
	s.Start()
	t.Cleanup(s.Close)
	return site{name, at, routed.Routes()}
}

func (w *world) portals(t *testing.T) {
	t.Helper()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError}))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("errors of the portals:\n%s", said.String())
		}
	})
	w.citizen = serve(t, "citizen", func(origin string) (http.Handler, error) {
		return citizen.New(citizen.Config{Origin: origin, Log: log, Demo: true, Desk: w.Desk, Counter: w.Counter, Wallet: w.Wallet, Holder: w.Holder, Offers: w.offers(), Identity: citizens{origin}, VerifyURL: "https://verify.example/w/"})
	})
	w.office = serve(t, "office", func(origin string) (http.Handler, error) {
		return office.New(office.Config{Origin: origin, Log: log, Demo: true, Desk: w.Office, Reader: w.Reader, Blobs: w.Blobs, Identity: officers{origin, w},
			Authors: &authoring.Desk{DB: w.Office.DB, Catalogue: w.Catalogue, Carried: authoring.Carried(w.Catalogue)}, Intake: w.Intake, VerifyURL: "https://verify.example/w/"})
	})
	w.public = serve(t, "public", func(origin string) (http.Handler, error) {
		return public.New(public.Config{Origin: origin, Log: log, Demo: true, Verifier: w.Verifier, Wallets: w.Asking(t, "https://api.example/oid4vp", origin+"/wallet/result")})
	})
	w.api = serve(t, "api", func(origin string) (http.Handler, error) {
		return api.New(api.Config{Origin: origin, Log: log, Verifier: w.Verifier, Receiver: w.Receiver, Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey(), Wallets: w.wallets(),
			Reader: w.Asking(t, api.AnswerURL(origin), "https://verify.example/wallet/result"), Prove: func(context.Context, []byte, http.Header) (payment.Event, error) {
				return payment.Event{}, fault.New(fault.Unauthenticated, "", "proving an event that nobody has signed")
			}})
	})
}

// citizens is a login service that believes whoever says who they are: the code is the subject.
type citizens struct{ origin string }

func (c citizens) BeginLogin(context.Context, string) (string, []byte, error) {
	return c.origin + citizen.LoginCallback, []byte("login"), nil
}

func (c citizens) FinishLogin(_ context.Context, _ []byte, q url.Values) (citizen.Login, error) {
	who := casetest.Card()
	if q.Get("code") == stranger {
		who = strangersCard()
	}
	return citizen.Login{Issuer: "https://login.example", Subject: q.Get("code"), Name: who.Name.Full(), Address: who.Address, BirthDate: who.BirthDate.String(), Sex: string(who.Sex)}, nil
}

func (c citizens) StartSignature(context.Context, [32]byte) (string, error) {
	return "transaction", nil
}

func (c citizens) BeginSignature(context.Context, string, string, string) (string, []byte, error) {
	return c.origin + citizen.SignCallback, []byte("sign"), nil
}

func (c citizens) FinishSignature(context.Context, []byte, url.Values) (citizen.Signature, error) {
	return citizen.Signature{}, fault.New(fault.Unauthenticated, "identity.cancelled", "signing")
}

// officers is the same for staff, second factor included.
type officers struct {
	origin string
	w      *world
}

func (o officers) Begin(_ context.Context, req office.LoginRequest) (string, []byte, error) {
	pending, err := json.Marshal(req)
	return o.origin + office.LoginCallback, pending, err
}

func (o officers) Finish(_ context.Context, pending []byte, q url.Values) (office.Login, error) {
	var req office.LoginRequest
	err := json.Unmarshal(pending, &req)
	return office.Login{Subject: q.Get("code"), StepUp: req.StepUp, AuthTime: o.w.Clock.Now()}, err
}
