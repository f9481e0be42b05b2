package relying_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/relying"
)

// place is a world with one credential, a registered verifier and everything that serves it. Jobs are kept in a list
// and worked by hand, so that a test sees each step.
type place struct {
	*casetest.World
	office relying.Office
	desk   *relying.Desk
	clerk  *relying.Clerk
	holder *relying.Holder
	client *relying.Client
	key    string
	code   string // what the QR code holds
	held   credential.Held

	mu    sync.Mutex
	jobs  []river.JobArgs
	posts []string // bodies of notifications
	reply func(n int) (int, error)
}

var sealKey = []byte("abcdefghabcdefghabcdefghabcdefgh")

func open(t *testing.T) *place {
	t.Helper()
	p := &place{World: casetest.New(t)}
	p.Registered(t)
	list, err := p.Wallet.List(t.Context(), p.Nurse)
	check(t, err)
	p.held = list[0]
	p.code, err = p.held.Credential.URL("https://check.example/w/")
	check(t, err)
	enqueue := func(_ context.Context, _ *pg.Tx, args river.JobArgs) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.jobs = append(p.jobs, args)
		return nil
	}
	p.office = relying.Office{DB: p.DB.As(pg.RoleWorker)}
	p.desk, err = relying.NewDesk(relying.Config{DB: p.DB.As(pg.RoleRelying), Catalogue: p.Catalogue, Verify: p.Verifier.CheckText, Enqueue: enqueue, SealKey: sealKey})
	check(t, err)
	p.clerk, err = relying.NewClerk(relying.Clerk{DB: p.DB.As(pg.RoleWorker), Catalogue: p.Catalogue, Verify: p.Verifier.CheckText, Enqueue: enqueue, Post: p.post}, sealKey)
	check(t, err)
	p.holder = &relying.Holder{DB: p.DB.As(pg.RoleCitizen), Catalogue: p.Catalogue, RefKey: p.RefKey, Enqueue: enqueue}
	p.Issuer.Moved = func(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID) error {
		return enqueue(ctx, tx, relying.TellArgs{RegisterID: registerID, CredentialID: id})
	}
	p.Wallet.Moved = p.Issuer.Moved
	p.client, p.key = p.verifier(t, "見本病院")
	return p
}

func (p *place) verifier(t *testing.T, name string) (*relying.Client, string) {
	t.Helper()
	c, err := p.office.Register(t.Context(), name, "https://hospital.example/hooks")
	check(t, err)
	key, _, err := p.office.Give(t.Context(), c.ID, "人事", 90*24*time.Hour)
	check(t, err)
	known, err := p.desk.Known(t.Context(), key)
	check(t, err)
	if known.ID != c.ID || known.Name != name {
		t.Fatalf("the key leads to %+v, want %+v", known, c)
	}
	return known, key
}

func (p *place) post(_ context.Context, _, _ string, body []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posts = append(p.posts, string(body))
	if p.reply != nil {
		return p.reply(len(p.posts))
	}
	return 204, nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// work runs the jobs that wait, and those that they make, and returns their first error.
func (p *place) work(t *testing.T) (first error) {
	t.Helper()
	for {
		p.mu.Lock()
		if len(p.jobs) == 0 {
			p.mu.Unlock()
			return first
		}
		next := p.jobs[0]
		p.jobs = p.jobs[1:]
		p.mu.Unlock()
		var err error
		switch args := next.(type) {
		case relying.CheckArgs:
			err = p.clerk.Check(t.Context(), args)
		case relying.BindArgs:
			err = p.clerk.Bind(t.Context(), args)
		case relying.TellArgs:
			err = p.clerk.Tell(t.Context(), args)
		case relying.SendArgs:
			err = p.clerk.Send(t.Context(), args)
		}
		if first == nil {
			first = err
		}
	}
}

func key(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Key
	}
	return ""
}

func (p *place) wish(days int) relying.Wish {
	return relying.Wish{Ref: "staff-17", Purpose: "採用後の資格の確認", Until: calendar.Of(p.Clock.Now()).AddDays(days)}
}

// measure has the office carry out a measure on the nurse's entry.
func (p *place) measure(t *testing.T, kind string) {
	t.Helper()
	e := p.held.Entry
	p.Measure(t, e.RegisterID, e.ID, *e.PersonRef, kind)
	p.World.Work(t)
}

// sealed counts the lines that wait.
func (p *place) sealed(t *testing.T) (n int) {
	t.Helper()
	check(t, p.DB.Superuser().QueryRow(t.Context(), `select count(*) from bulk_line where content is not null`).Scan(&n))
	return n
}

// plain tells whether the database holds a text as it was sent.
func (p *place) plain(t *testing.T, text string) (found bool) {
	t.Helper()
	check(t, p.DB.Superuser().QueryRow(t.Context(), `select exists (select from bulk_line where position($1::bytea in content) > 0)`, []byte(text[len(text)-40:])).Scan(&found))
	return found
}

// Three hundred new hires: everything is answered, nothing that was sent is left, and the answers go after a day.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	lines := make([]relying.Line, 0, 450)
	for i := range 450 {
		l := relying.Line{Ref: fmt.Sprint("n", i), Credential: p.code}
		switch i % 3 {
		case 1:
			l.Credential = p.code[:len(p.code)-4] + "AAAA"
		case 2:
			l.Credential = "https://check.example/w/?c=nothing"
		}
		lines = append(lines, l)
	}
	c, err := p.desk.Receive(ctx, p.client, "2026-12-01/1", lines)
	check(t, err)
	again, err := p.desk.Receive(ctx, p.client, "2026-12-01/1", lines)
	if err != nil || again.ID != c.ID || len(p.jobs) != 1 {
		t.Errorf("the same question again: %+v, error %v, %d jobs", again, err, len(p.jobs))
	}
	if _, err = p.desk.Receive(ctx, p.client, "2026-12-01/1", lines[:3]); key(err) != relying.ReasonReused || !errors.Is(err, fault.Conflict) {
		t.Errorf("the same key for another question: %v", err)
	}
	if p.sealed(t) != 450 || p.plain(t, p.code) {
		t.Error("what was sent does not lie sealed")
	}
	check(t, p.work(t))
	found, answers, err := p.desk.Answers(ctx, p.client, c.ID, 0, relying.MaxPage)
	check(t, err)
	if found.Done != 450 || found.FinishedAt == nil || len(answers) != 450 || p.sealed(t) != 0 {
		t.Fatalf("%+v with %d answers, %d still sealed", found, len(answers), p.sealed(t))
	}
	want := []string{"valid", "tampered", "tampered"}
	for i, a := range answers {
		if a.Line != i+1 || a.Ref != lines[i].Ref || a.Verdict == nil || *a.Verdict != want[i%3] && !(i%3 == 2 && *a.Verdict == "unreadable") {
			t.Fatalf("line %d: %+v, verdict %q", i+1, a, *a.Verdict)
		}
		if (a.CredentialID != nil) != (i%3 == 0) {
			t.Fatalf("line %d: an id of a credential whose signature does not hold, or none of one that does", i+1)
		}
	}
	if _, page, err := p.desk.Answers(ctx, p.client, c.ID, 440, 5); err != nil || len(page) != 5 || page[0].Line != 441 {
		t.Errorf("the page after line 440: %+v, error %v", page, err)
	}
	p.Clock.Set(p.Clock.Now().Add(25 * time.Hour))
	_, err = p.clerk.Sweep(ctx)
	check(t, err)
	if _, err := p.desk.Find(ctx, p.client, c.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("a day later: %v, want not found", err)
	}
}

// A crash between two chunks: the next job goes on with what is sealed. A question that no job knows is found.
func TestQuestionGoesOn(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	c, err := p.desk.Receive(ctx, p.client, "k", []relying.Line{{Credential: p.code}, {Credential: p.code}})
	check(t, err)
	p.jobs = nil // lost
	if n, err := p.clerk.Sweep(ctx); err != nil || n != 0 {
		t.Errorf("at once: found %d, error %v", n, err)
	}
	p.Clock.Set(p.Clock.Now().Add(3 * time.Minute))
	if n, err := p.clerk.Sweep(ctx); err != nil || n != 1 {
		t.Errorf("later: found %d, error %v", n, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := p.clerk.Check(stopped, relying.CheckArgs{ClientID: p.client.ID, CheckID: c.ID}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped in the middle: %v", err)
	}
	check(t, p.work(t))
	if found, err := p.desk.Find(ctx, p.client, c.ID); err != nil || found.Done != 2 {
		t.Errorf("%+v, error %v", found, err)
	}
}

func TestTooManyQuestions(t *testing.T) {
	t.Parallel()
	p := open(t)
	line := []relying.Line{{Credential: p.code}}
	for i := range relying.MaxOpen {
		_, err := p.desk.Receive(t.Context(), p.client, fmt.Sprint(i), line)
		check(t, err)
	}
	if _, err := p.desk.Receive(t.Context(), p.client, "more", line); key(err) != relying.ReasonBusy || !errors.Is(err, fault.TooMany) {
		t.Errorf("got %v, want busy", err)
	}
	other, _ := p.verifier(t, "例示法人")
	if _, err := p.desk.Receive(t.Context(), other, "more", line); err != nil {
		t.Errorf("another verifier: %v", err)
	}
}

// No verifier has anything of another, whatever id it names; the anonymous role has nothing at all.
func TestVerifiersAreApart(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	c, err := p.desk.Receive(ctx, p.client, "k", []relying.Line{{Credential: p.code}})
	check(t, err)
	w, _, err := p.desk.Ask(ctx, p.client, p.code, p.wish(30))
	check(t, err)
	other, _ := p.verifier(t, "例示法人")
	_, find := p.desk.Find(ctx, other, c.ID)
	_, _, answers := p.desk.Answers(ctx, other, c.ID, 0, 10)
	_, watch := p.desk.Watch(ctx, other, w.ID)
	for name, err := range map[string]error{"find": find, "answers": answers, "delete": p.desk.Delete(ctx, other, c.ID), "watch": watch, "end": p.desk.End(ctx, other, w.ID)} {
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	if list, err := p.desk.Watches(ctx, other, uuid.Nil, 10); err != nil || len(list) != 0 {
		t.Errorf("watches of another: %+v, error %v", list, err)
	}
	for _, role := range []string{pg.RolePublic, pg.RoleOffice} {
		err := p.DB.As(role).Public(ctx, func(tx *pg.Tx) error {
			var n int
			return tx.QueryRow(ctx, `select count(*) from bulk_line`).Scan(&n)
		})
		if err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s reads what verifiers sent: %v", role, err)
		}
	}
	err = p.DB.As(pg.RoleRelying).InRelying(ctx, p.client.ID, func(tx *pg.Tx) error {
		var ref *uuid.UUID
		return tx.QueryRow(ctx, `select person_ref from watch limit 1`).Scan(&ref)
	})
	if err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("a verifier reads the reference of a holder: %v", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	unknown := func(name, text string) {
		t.Helper()
		if _, err := p.desk.Known(ctx, text); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v, want unauthenticated", name, err)
		}
	}
	for _, text := range []string{"", "akv_", "akv__", "akv_a_b", p.key + "a", p.key[:len(p.key)-1], "Bearer " + p.key, strings.Repeat("a", 500)} {
		unknown("a wrong text", text)
	}
	second, k, err := p.office.Give(ctx, p.client.ID, "second", time.Hour)
	check(t, err)
	check(t, p.office.Revoke(ctx, k.ID))
	unknown("a revoked key", second)
	if err := p.office.Revoke(ctx, k.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	p.Clock.Set(p.Clock.Now().Add(91 * 24 * time.Hour))
	unknown("an old key", p.key)
	third, _, err := p.office.Give(ctx, p.client.ID, "third", time.Hour)
	check(t, err)
	check(t, p.office.Close(ctx, p.client.ID))
	unknown("a key of a closed verifier", third)
	if _, _, err := p.office.Give(ctx, p.client.ID, "fourth", time.Hour); !errors.Is(err, fault.NotFound) {
		t.Errorf("a key for a closed verifier: %v", err)
	}
	if _, _, err := p.office.Give(ctx, p.client.ID, "long", 10*365*24*time.Hour); !errors.Is(err, fault.Invalid) {
		t.Errorf("a key for ten years: %v", err)
	}
	for _, hook := range []string{"ftp://a.example/", "https://", "https://a:b@c.example/", "https://c.example/#a", "nothing"} {
		if _, err := p.office.Register(ctx, "n", hook); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", hook, err)
		}
	}
}

func TestWatchMovesMatchDatabase(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	casetest.CompareMoves(t, w, "watch_move", relying.WatchMoves, relying.WatchStates, string(relying.Asked))
	casetest.CompareStates(t, w, "watch_state", relying.WatchStates)
}

// The verifier asks, the holder agrees, the office suspends and restores: the verifier hears of both, once each, and the
// holder can read who was told.
func TestToldOfChanges(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	w, r, err := p.desk.Ask(ctx, p.client, p.code, p.wish(365))
	check(t, err)
	if w == nil || r.Verdict != "valid" {
		t.Fatalf("asked: %+v, result %+v", w, r)
	}
	if _, _, err := p.desk.Ask(ctx, p.client, p.code, p.wish(365)); key(err) != relying.ReasonStanding || !errors.Is(err, fault.Conflict) {
		t.Errorf("asked twice: %v", err)
	}
	check(t, p.work(t))
	wanted, err := p.holder.List(ctx, p.Nurse)
	check(t, err)
	if len(wanted) != 1 || wanted[0].State != relying.Asked || wanted[0].ClientName != "見本病院" || wanted[0].Purpose != p.wish(1).Purpose {
		t.Fatalf("the holder sees %+v", wanted)
	}
	p.measure(t, "suspend")
	p.told(t, 0) // nobody has agreed
	check(t, p.holder.Decide(ctx, p.Nurse, w.RegisterID, w.ID, relying.Granted))
	check(t, p.work(t))
	p.told(t, 1)
	if !strings.Contains(p.posts[0], `"state":"suspended"`) || !strings.Contains(p.posts[0], `"ref":"staff-17"`) || strings.Contains(p.posts[0], "見本") {
		t.Errorf("the notification says %s", p.posts[0])
	}
	p.measure(t, "restore")
	p.told(t, 2)
	p.told(t, 2) // nothing new
	if !strings.Contains(p.posts[1], `"state":"valid"`) {
		t.Errorf("the notification says %s", p.posts[1])
	}
	e := p.held.Entry
	check(t, p.Wallet.Suspend(ctx, p.Nurse, e.RegisterID, e.ID))
	p.jobs = nil // lost
	_, err = p.clerk.Sweep(ctx)
	check(t, err)
	p.told(t, 3)
	_, err = p.clerk.Sweep(ctx)
	check(t, err)
	p.told(t, 3)
	p.Clock.Set(p.Clock.Now().Add(time.Minute))
	check(t, p.Wallet.Lift(ctx, p.Nurse, e.RegisterID, e.ID, p.Clock.Now()))
	p.told(t, 4)
	if !strings.Contains(p.posts[2], `"state":"suspended"`) || !strings.Contains(p.posts[3], `"state":"valid"`) {
		t.Errorf("the holder's stop and its end: %v", p.posts[2:])
	}
	p.seen(t, "relying.ask", 1)
	p.seen(t, "relying.grant", 1)
	p.seen(t, "relying.notify", 4)
	check(t, p.holder.Decide(ctx, p.Nurse, w.RegisterID, w.ID, relying.Ended))
	p.measure(t, "suspend")
	p.told(t, 4) // not any more
	if err := p.holder.Decide(ctx, p.Nurse, w.RegisterID, w.ID, relying.Granted); !errors.Is(err, fault.Conflict) {
		t.Errorf("granted after its end: %v", err)
	}
	if _, _, err := p.desk.Ask(ctx, p.client, p.code, p.wish(30)); err != nil {
		t.Errorf("asked anew: %v", err)
	}
}

// told works the jobs that there are and sees how many notifications have gone out: no change waits for the sweep.
func (p *place) told(t *testing.T, want int) {
	t.Helper()
	check(t, p.work(t))
	if len(p.posts) != want {
		t.Fatalf("%d notifications, want %d: %v", len(p.posts), want, p.posts)
	}
}

// seen counts what the holder finds in the record of looks.
func (p *place) seen(t *testing.T, act string, want int) {
	t.Helper()
	n := 0
	check(t, p.DB.As(pg.RoleCitizen).InPerson(t.Context(), pg.Person{ID: p.Nurse.ID, Ref: p.Ref(p.Nurse)}, func(tx *pg.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from audit_event where act = $1 and person_ref = $2`, act, p.Ref(p.Nurse)).Scan(&n)
	}))
	if n != want {
		t.Errorf("%s stands %d times in the holder's record, want %d", act, n, want)
	}
}

func TestWhoDecides(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	w, _, err := p.desk.Ask(ctx, p.client, p.code, p.wish(1))
	check(t, err)
	if err := p.holder.Decide(ctx, p.Nurse, w.RegisterID, w.ID, relying.Granted); !errors.Is(err, fault.NotFound) {
		t.Errorf("granted before it is known whose it is: %v", err)
	}
	check(t, p.work(t))
	stranger := p.Another(t, "stranger", casetest.Card())
	for _, to := range []relying.WatchState{relying.Granted, relying.Refused, relying.Ended} {
		if err := p.holder.Decide(ctx, stranger, w.RegisterID, w.ID, to); !errors.Is(err, fault.NotFound) {
			t.Errorf("somebody else decides %s: %v", to, err)
		}
	}
	p.Clock.Set(p.Clock.Now().Add(72 * time.Hour))
	if err := p.holder.Decide(ctx, p.Nurse, w.RegisterID, w.ID, relying.Granted); !errors.Is(err, fault.Conflict) {
		t.Errorf("granted after its day: %v", err)
	}
	_, err = p.clerk.Sweep(ctx)
	check(t, err)
	if now, err := p.desk.Watch(ctx, p.client, w.ID); err != nil || now.State != relying.Ended {
		t.Errorf("after its day: %+v, error %v", now, err)
	}
	// What the database says when a program forgets to ask.
	err = p.DB.As(pg.RoleRelying).InRelying(ctx, p.client.ID, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `update watch set state = 'granted', prior_state = 'asked' where id = $1`, w.ID)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("a verifier grants itself: %v", err)
	}
}

func TestWishes(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	for name, change := range map[string]func(*relying.Wish){
		"no purpose":     func(w *relying.Wish) { w.Purpose = "" },
		"two lines":      func(w *relying.Wish) { w.Purpose = "a\nb" },
		"a long purpose": func(w *relying.Wish) { w.Purpose = strings.Repeat("長", 201) },
		"yesterday":      func(w *relying.Wish) { w.Until = w.Until.AddDays(-100) },
		"for ever":       func(w *relying.Wish) { w.Until = w.Until.AddDays(2000) },
		"a formula":      func(w *relying.Wish) { w.Ref = "=1+1" },
	} {
		w := p.wish(30)
		change(&w)
		if _, _, err := p.desk.Ask(ctx, p.client, p.code, w); key(err) != relying.ReasonWish || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w, r, err := p.desk.Ask(ctx, p.client, p.code[:len(p.code)-4]+"AAAA", p.wish(30)); err != nil || w != nil || r.Verdict != "tampered" {
		t.Errorf("of a credential that is not genuine: %+v, %+v, %v", w, r, err)
	}
	silent, err := p.office.Register(ctx, "例示法人", "")
	check(t, err)
	if _, _, err := p.desk.Ask(ctx, silent, p.code, p.wish(30)); key(err) != relying.ReasonNoHook {
		t.Errorf("without an address: %v", err)
	}
}

// A receiver that fails is asked again under the same id; one that says 410 is not.
func TestNotificationsAreRepeated(t *testing.T) {
	t.Parallel()
	p := open(t)
	ctx := t.Context()
	w, _, err := p.desk.Ask(ctx, p.client, p.code, p.wish(30))
	check(t, err)
	check(t, p.work(t))
	check(t, p.holder.Decide(ctx, p.Nurse, w.RegisterID, w.ID, relying.Granted))
	check(t, p.work(t))
	p.reply = func(n int) (int, error) {
		return []int{0, 0, 503, 204, 410}[n], map[bool]error{true: fault.New(fault.Upstream, "", "sending"), false: nil}[n == 1]
	}
	p.measure(t, "suspend")
	tell, ok := p.jobs[0].(relying.TellArgs)
	if !ok {
		t.Fatalf("the job is %+v", p.jobs[0])
	}
	check(t, p.clerk.Tell(ctx, tell))
	send, ok := p.jobs[1].(relying.SendArgs)
	if !ok {
		t.Fatalf("the job is %+v", p.jobs[1])
	}
	p.jobs = nil
	for try := 1; try <= 2; try++ {
		if err := p.clerk.Send(ctx, send); !errors.Is(err, fault.Upstream) {
			t.Errorf("try %d: %v", try, err)
		}
	}
	check(t, p.clerk.Send(ctx, send))
	check(t, p.clerk.Send(ctx, send)) // delivered: nothing is sent
	sent, err := p.desk.Notifications(ctx, p.client, 10)
	if err != nil || len(sent) != 1 || sent[0].Tries != 3 || sent[0].DeliveredAt == nil || len(p.posts) != 3 || p.posts[0] != p.posts[2] {
		t.Errorf("%+v, error %v, sent %v", sent, err, p.posts)
	}
	p.measure(t, "restore")
	if err := p.work(t); !errors.Is(err, fault.Upstream) {
		t.Errorf("a receiver that has gone: %v", err)
	}
	if sent, err = p.desk.Notifications(ctx, p.client, 10); err != nil || sent[0].GivenUpAt == nil || sent[0].Tries != 1 {
		t.Errorf("%+v, error %v", sent, err)
	}
}

// FuzzRead: what a verifier sends is read as lines, or refused with words; never more of them than may be.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"credentials":[{"ref":"1","credential":"c=0oRD"}]}`, "ref,credential\n1,c=0oRD\n", "\xef\xbb\xbfcredential\n\"a\nb\"\n", `{"credentials":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, read := range map[string]func([]byte) ([]relying.Line, error){"JSON": relying.ReadJSON, "CSV": relying.ReadCSV} {
			lines, err := read(body)
			var why *fault.Error
			if err != nil && (!errors.As(err, &why) || why.Kind != fault.Invalid || why.Key != relying.ReasonLines) {
				t.Fatalf("%s: refused without a reason: %v", name, err)
			}
			if err == nil && (len(lines) == 0 || len(lines) > relying.MaxLines) {
				t.Fatalf("%s: %d lines are taken", name, len(lines))
			}
			for _, l := range lines {
				if l.Credential == "" || len(l.Credential) > relying.MaxCredential {
					t.Fatalf("%s: a credential of %d bytes is taken", name, len(l.Credential))
				}
			}
		}
	})
}
