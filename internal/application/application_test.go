package application_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/job"
	"akashi/internal/pg"
)

// TestMovesMatchDatabase compares the table of moves in Go with the one that the database enforces.
func TestMovesMatchDatabase(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	casetest.CompareMoves(t, w, "application_move", application.Moves, application.States, string(application.Draft))
	casetest.CompareStates(t, w, "application_state", application.States)
}

// TestIllegalMoves tries every pair of states that is not a move, against the constraint.
func TestIllegalMoves(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.Draft(t)
	tried := 0
	for _, from := range application.States {
		for _, to := range application.States {
			if application.May(from, to) || from == application.Draft && to == application.Draft {
				continue
			}
			_, err := w.DB.Superuser().Exec(t.Context(), `update application set prior_state = $2, state = $3 where public_id = $1`, id, string(from), string(to))
			if !pg.Violates(err, "application_move_fkey") {
				t.Errorf("%s to %s: %v, want application_move_fkey", from, to, err)
			}
			tried++
		}
	}
	if tried < 90 {
		t.Errorf("only %d pairs were tried", tried)
	}
}

func TestSubmitIsIdempotent(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Draft(t)
	r := w.Frozen(t, id)
	for range 3 {
		c, err := w.Desk.Submit(ctx, w.Nurse, id, r.ID, casetest.Sign(r.Bytes), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.State != application.AwaitingPayment {
			t.Fatalf("the case is %s", c.State)
		}
	}
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Submissions) != 1 || string(v.Submissions[0].Bytes) != string(r.Bytes) {
		t.Errorf("%d submissions; the first is what was frozen: %t", len(v.Submissions), string(v.Submissions[0].Bytes) == string(r.Bytes))
	}
	if v.Case.DueOn == nil || !calendar.IsBusinessDay(*v.Case.DueOn) {
		t.Errorf("due on %v", v.Case.DueOn)
	}
}

// TestRefusedSubmissions: nothing changes, and the reason has a name.
func TestRefusedSubmissions(t *testing.T) {
	for _, c := range []struct {
		name, want string
		act        func(t *testing.T, w *casetest.World, id string, r *application.SignRequest) error
	}{
		{"wrong signature", "fault.bad_signature", func(t *testing.T, w *casetest.World, id string, r *application.SignRequest) error {
			_, err := w.Desk.Submit(t.Context(), w.Nurse, id, r.ID, []byte("x"), nil)
			return err
		}},
		{"another person's card", "fault.other_signer", func(t *testing.T, w *casetest.World, id string, r *application.SignRequest) error {
			_, err := w.Desk.Submit(t.Context(), w.Nurse, id, r.ID, casetest.Sign(r.Bytes), []byte("other"))
			return err
		}},
		{"content changed after freezing", "fault.content_changed", func(t *testing.T, w *casetest.World, id string, r *application.SignRequest) error {
			if _, err := w.Desk.SaveGroup(t.Context(), w.Nurse, id, "contact", map[string]string{"tel": "0312345678"}); err != nil {
				t.Fatal(err)
			}
			_, err := w.Desk.Submit(t.Context(), w.Nurse, id, r.ID, casetest.Sign(r.Bytes), nil)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := casetest.New(t)
			id := w.Draft(t)
			err := c.act(t, w, id, w.Frozen(t, id))
			var f *fault.Error
			if !errors.As(err, &f) || f.Key != c.want {
				t.Fatalf("error %v, want key %s", err, c.want)
			}
			v, err := w.Desk.View(t.Context(), w.Nurse, id)
			if err != nil {
				t.Fatal(err)
			}
			if v.Case.State.Submitted() || len(v.Submissions) != 0 {
				t.Errorf("the case is %s with %d submissions", v.Case.State, len(v.Submissions))
			}
		})
	}
}

func TestAnotherPersonFindsNothing(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Draft(t)
	stranger := w.Another(t, "stranger", casetest.Card())
	for name, act := range map[string]func() error{
		"view":     func() error { _, err := w.Desk.View(ctx, stranger, id); return err },
		"save":     func() error { _, err := w.Desk.SaveGroup(ctx, stranger, id, "contact", nil); return err },
		"freeze":   func() error { _, err := w.Desk.PrepareSigning(ctx, stranger, id); return err },
		"withdraw": func() error { return w.Desk.Withdraw(ctx, stranger, id) },
		"pay":      func() error { _, err := w.Counter.Pay(ctx, stranger, id); return err },
	} {
		if err := act(); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s by another person: %v, want not_found", name, err)
		}
	}
	var recorded int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from audit_event where act = 'person.refused'`).Scan(&recorded); err != nil || recorded != 5 {
		t.Errorf("%d refusals recorded, error %v", recorded, err)
	}
	if list, err := w.Desk.List(ctx, stranger); err != nil || len(list) != 0 {
		t.Errorf("another person lists %d cases, error %v", len(list), err)
	}
}

// TestDocumentMissing: the page of the document is named, and the case stays a draft.
func TestDocumentMissing(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Draft(t)
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Desk.RemoveUpload(ctx, w.Nurse, id, v.Uploads[0].ID); err != nil {
		t.Fatal(err)
	}
	problems, err := w.Desk.PrepareSigning(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 1 || problems[0].Field != "evidence:medical_certificate" {
		t.Errorf("problems %+v", problems)
	}
}

// TestRegistrySilent: the draft opens with what the card said, and the answer comes later by a job.
func TestRegistrySilent(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Answers.Fail(application.Resident, fault.New(fault.Upstream, "", "down"))
	id := w.Draft(t)
	v, err := w.Desk.View(t.Context(), w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Case.Answers.Values["name.family"]; got != "見本" {
		t.Errorf("the name is %q", got)
	}
	if q := application.Latest(v.Inquiries, application.Resident); q == nil || q.State != "waiting" {
		t.Fatalf("inquiry %+v", q)
	}
	w.Answers.Fail(application.Resident, nil)
	args := application.InquireArgs{RegisterID: v.Case.RegisterID, ApplicationID: v.Case.ID.String(), InquiryID: v.Inquiries[0].ID.String()}
	for range 2 { // the second time is a repetition of the job
		if err := w.Clerk.Inquire(t.Context(), args); err != nil {
			t.Fatal(err)
		}
	}
	v, err = w.Desk.View(t.Context(), w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if q := v.Inquiries[0]; q.State != "answered" || *q.Class != application.ResidentAlive {
		t.Errorf("inquiry %+v", q)
	}
}

// TestRegistryTakesItsTime: a postponed answer is no failure, however often; a failing registry is one after its tries.
func TestRegistryTakesItsTime(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Answers.Fail(application.Resident, fault.New(fault.Upstream, "", "down"))
	id := w.Draft(t)
	state := func() application.Inquiry {
		v, err := w.Desk.View(ctx, w.Nurse, id)
		if err != nil {
			t.Fatal(err)
		}
		return v.Inquiries[0]
	}
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	args := application.InquireArgs{RegisterID: v.Case.RegisterID, ApplicationID: v.Case.ID.String(), InquiryID: v.Inquiries[0].ID.String()}
	w.Settle(t)
	w.Answers.Fail(application.Resident, job.Snooze(time.Minute))
	before := state().Tries
	for range 20 {
		if err := w.Clerk.Inquire(ctx, args); !job.Snoozed(err) {
			t.Fatalf("error %v, want a snooze", err)
		}
	}
	if q := state(); q.State != "waiting" || q.Tries != before {
		t.Fatalf("after being postponed: %+v", q)
	}
	w.Answers.Fail(application.Resident, fault.New(fault.Upstream, "", "down"))
	for range 45 {
		if err := w.Clerk.Inquire(ctx, args); err != nil && !errors.Is(err, fault.Upstream) {
			t.Fatal(err)
		}
	}
	if q := state(); q.State != "failed" {
		t.Errorf("after its tries: %+v", q)
	}
}

// TestUndecidableDomicile: an answer that leaves the domicile open becomes a request for the document, once; the
// applicant answers it with that document alone, and the case returns to review.
func TestUndecidableDomicile(t *testing.T) {
	for _, class := range []string{"partly_unknown_order", "partly_unknown_before_computerisation", "none", "multiple"} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			w := casetest.New(t)
			ctx := t.Context()
			w.Answers.Set(application.Family, application.Reply{Class: class, Source: "test", At: casetest.Start()})
			id := w.InReview(t)
			v, err := w.Desk.View(ctx, w.Nurse, id)
			if err != nil {
				t.Fatal(err)
			}
			if v.Case.State != application.CorrectionRequested || v.Correction() == nil || v.Correction().Origin != "system" {
				t.Fatalf("the case is %s, correction %+v", v.Case.State, v.Correction())
			}
			if v.MayEdit("tel") || !v.MayEdit("evidence:family_register") {
				t.Error("the correction opens the wrong items")
			}
			if _, err := w.Desk.SaveGroup(ctx, w.Nurse, id, "contact", map[string]string{"tel": "1"}); !errors.Is(err, fault.Conflict) {
				t.Errorf("changing an answer that was not asked for: %v, want conflict", err)
			}
			w.Upload(t, id, "family_register")
			r := w.Frozen(t, id)
			c, err := w.Desk.Submit(ctx, w.Nurse, id, r.ID, casetest.Sign(r.Bytes), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.State != application.InReview || c.Round != 1 {
				t.Errorf("after the correction the case is %s in round %d", c.State, c.Round)
			}
		})
	}
}

// TestClockPauses: the days an applicant takes do not count against the office.
func TestClockPauses(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Answers.Set(application.Family, application.Reply{Class: "none", Source: "test", At: casetest.Start()})
	id := w.InReview(t)
	before, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(7 * 24 * time.Hour)
	w.Upload(t, id, "family_register")
	r := w.Frozen(t, id)
	c, err := w.Desk.Submit(ctx, w.Nurse, id, r.ID, casetest.Sign(r.Bytes), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := calendar.AddBusinessDays(*before.Case.DueOn, 5); *c.DueOn != want {
		t.Errorf("due on %s, want %s", c.DueOn, want)
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.InReview(t)
	for range 2 {
		if err := w.Desk.Withdraw(ctx, w.Nurse, id); err != nil {
			t.Fatal(err)
		}
	}
	w.Work(t)
	if got := w.Provider.Charged(); got != 0 {
		t.Errorf("%d yen stay charged after the withdrawal", got)
	}
	casetest.CompareCounters(t, w)
	done := w.Registered(t)
	if err := w.Desk.Withdraw(ctx, w.Nurse, done); !errors.Is(err, fault.Conflict) {
		t.Errorf("withdrawing a decided case: %v, want conflict", err)
	}
}

// TestCheckCard: a card is tried before the first question; the trial is no application.
func TestCheckCard(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	statement, err := application.CardStatement(casetest.Start())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := application.ParseDocument(statement); err == nil {
		t.Error("a trial reads as an application")
	}
	if s, err := w.Desk.CheckCard(ctx, w.Nurse, statement, casetest.Sign(statement), nil); err != nil || s.Name != "見本　花子" {
		t.Errorf("signer %+v, error %v", s, err)
	}
	for want, act := range map[string]func() error{
		"fault.bad_signature": func() error { _, err := w.Desk.CheckCard(ctx, w.Nurse, statement, []byte("x"), nil); return err },
		"fault.other_signer": func() error {
			_, err := w.Desk.CheckCard(ctx, w.Nurse, statement, casetest.Sign(statement), []byte("other"))
			return err
		},
	} {
		var f *fault.Error
		if err := act(); !errors.As(err, &f) || f.Key != want {
			t.Errorf("error %v, want key %s", err, want)
		}
	}
}

// TestStartAgain: starting what one has begun goes on with it.
func TestStartAgain(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	id := w.Draft(t)
	asked := w.Answers.Asked
	c, err := w.Desk.Start(t.Context(), w.Nurse, "kangoshi.mhlw", "registration", "en")
	if err != nil || c.PublicID != id {
		t.Errorf("started %v, error %v, want %s", c, err, id)
	}
	if w.Answers.Asked != asked {
		t.Error("the registry was asked again")
	}
}

// TestSweep: a draft whose time has passed ends and forgets what was typed.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Draft(t)
	if n, err := w.Clerk.Sweep(ctx, 10); err != nil || n != 0 {
		t.Fatalf("swept %d fresh drafts, error %v", n, err)
	}
	w.Clock.Advance(31 * 24 * time.Hour)
	if n, err := w.Clerk.Sweep(ctx, 10); err != nil || n != 1 {
		t.Fatalf("swept %d drafts, error %v", n, err)
	}
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if v.Case.State != application.Expired || len(v.Case.Answers.Values) != 0 || len(v.Uploads) != 0 {
		t.Errorf("the draft is %s and keeps %d answers and %d documents", v.Case.State, len(v.Case.Answers.Values), len(v.Uploads))
	}
	digest := sha256.Sum256(casetest.PNG)
	name := hex.EncodeToString(digest[:])
	there := func() bool {
		ok, err := w.Blobs.Exists(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if n, err := w.Clerk.SweepFiles(ctx, time.Hour, 10); err != nil || n != 0 || !there() {
		t.Fatalf("%d files went at once, error %v", n, err)
	}
	w.Clock.Advance(2 * time.Hour)
	if n, err := w.Clerk.SweepFiles(ctx, time.Hour, 10); err != nil || n != 1 || there() {
		t.Errorf("%d files went, error %v, the content is there: %t", n, err, there())
	}
}

// TestSweepForgetsEverything: nothing of what was typed, frozen, read from the card or answered by a registry is left of a
// draft that was never signed.
func TestSweepForgetsEverything(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Frozen(t, w.Draft(t))
	w.Clock.Advance(31 * 24 * time.Hour)
	if n, err := w.Clerk.Sweep(ctx, 10); err != nil || n != 1 {
		t.Fatalf("swept %d drafts, error %v", n, err)
	}
	for table, sql := range map[string]string{
		"application":  `select answers::text || applicant::text from application`,
		"sign_request": `select state || convert_from(bytes, 'UTF8') from sign_request`,
		"inquiry":      `select coalesce(answer::text, '') from inquiry`,
		"upload":       `select coalesce(string_agg(name, ''), '') from upload`,
	} {
		var left string
		if err := w.DB.Superuser().QueryRow(ctx, sql).Scan(&left); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		for _, word := range []string{"見本", "花子", "2003", "千代田", "png"} {
			if strings.Contains(left, word) {
				t.Errorf("%s keeps %q in %s", table, word, left)
			}
		}
	}
}

func TestStartRefusals(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	for _, c := range []struct {
		register, procedure string
		want                fault.Kind
	}{
		{"nowhere.mhlw", "registration", fault.NotFound},
		{"kangoshi.mhlw", "invention", fault.NotFound},
		{"kangoshi.mhlw", "change", fault.Invalid}, // no entry to change
	} {
		if _, err := w.Desk.Start(ctx, w.Nurse, c.register, c.procedure, "ja"); !errors.Is(err, c.want) {
			t.Errorf("%s %s: %v, want %s", c.register, c.procedure, err, c.want)
		}
	}
	w.Clock.Set(time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC))
	if _, err := w.Desk.Start(ctx, w.Nurse, "kangoshi.mhlw", "registration", "ja"); !errors.Is(err, fault.Invalid) {
		t.Errorf("before the procedure opened: %v, want invalid", err)
	}
}

// TestAppendOnly: what was submitted and what happened cannot be changed by any role of the program.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Submitted(t)
	for _, role := range []string{pg.RoleCitizen, pg.RoleOffice, pg.RoleWorker} {
		for _, sql := range []string{"update submission set bytes = ''", "delete from submission", "update case_event set kind = 'x'", "delete from application"} {
			err := w.DB.As(role).Platform(t.Context(), func(tx *pg.Tx) error {
				_, err := tx.Exec(t.Context(), sql)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s as %s: %v, want permission denied", sql, role, err)
			}
		}
	}
}

// TestDoors: through another registrar's, body's or nobody's door there is no case at all.
func TestDoors(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.InReview(t)
	ctx := t.Context()
	tables := []string{"application", "submission", "upload", "inquiry", "case_event", "work_item", "payment_order", "fee_line", "sign_request", "notice"}
	count := func(tx *pg.Tx) (seen []string, err error) {
		for _, name := range tables {
			var n int
			if err := tx.QueryRow(ctx, "select count(*) from "+pgx.Identifier{name}.Sanitize()).Scan(&n); err != nil {
				return nil, err
			}
			if n > 0 {
				seen = append(seen, name)
			}
		}
		return seen, nil
	}
	office, worker := w.DB.As(pg.RoleOffice), w.DB.As(pg.RoleWorker)
	for name, open := range map[string]func(func(*pg.Tx) error) error{
		"another registrar": func(f func(*pg.Tx) error) error { return office.InRegistrar(ctx, "sssc", f) },
		"another body":      func(f func(*pg.Tx) error) error { return office.InBody(ctx, "pref-41", f) },
		"no door":           func(f func(*pg.Tx) error) error { return worker.Platform(ctx, f) },
		"citizen's process at the registrar's door": func(f func(*pg.Tx) error) error {
			return w.DB.As(pg.RoleCitizen).InRegistrar(ctx, "mhlw", f)
		},
		"another person": func(f func(*pg.Tx) error) error {
			return w.DB.As(pg.RoleCitizen).InPerson(ctx, pg.Person{ID: pg.NewID(), Ref: pg.NewID()}, f)
		},
	} {
		err := open(func(tx *pg.Tx) error {
			seen, err := count(tx)
			if len(seen) > 0 {
				t.Errorf("%s sees %v", name, seen)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := office.InBody(ctx, "mhlw", func(tx *pg.Tx) error {
		seen, err := count(tx)
		if !slices.Equal(seen, tables) {
			t.Errorf("the body itself sees only %v", seen)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestMovesEnd: from every state some end can be reached.
func TestMovesEnd(t *testing.T) {
	for _, s := range application.States {
		seen, queue := map[application.State]bool{s: true}, []application.State{s}
		for len(queue) > 0 {
			for _, n := range application.Moves[queue[0]] {
				if !seen[n] {
					seen[n], queue = true, append(queue, n)
				}
			}
			queue = queue[1:]
		}
		if !slices.ContainsFunc(application.States, func(e application.State) bool { return e.Ended() && seen[e] }) {
			t.Errorf("from %s no end can be reached", s)
		}
	}
}

// TestSharedFile: a content that serves two cases stays while one of them needs it.
func TestSharedFile(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	first := w.Submitted(t)
	second := w.Draft(t)
	v, err := w.Desk.View(ctx, w.Nurse, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range v.Uploads {
		if err := w.Desk.RemoveUpload(ctx, w.Nurse, second, u.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.Clock.Advance(48 * time.Hour)
	if n, err := w.Clerk.SweepFiles(ctx, time.Hour, 10); err != nil || n != 0 {
		t.Fatalf("%d files of case %s went, error %v", n, first, err)
	}
}

// TestMeasureIsNotTheApplicants: a case of the office itself is not found at the applicant's door. What comes of it is told
// without it: a message names the entry.
func TestMeasureIsNotTheApplicants(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	held, err := w.Wallet.List(ctx, w.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	id := w.Measure(t, held[0].Entry.RegisterID, held[0].Entry.ID, *held[0].Entry.PersonRef, "suspend")
	if _, err := w.Desk.View(ctx, w.Nurse, id); !errors.Is(err, fault.NotFound) {
		t.Errorf("the applicant opens a measure: %v, want not_found", err)
	}
	list, err := w.Desk.List(ctx, w.Nurse)
	if err != nil || len(list) != 1 {
		t.Errorf("%d applications, error %v", len(list), err)
	}
	unread := func(read func(context.Context, application.Applicant) ([]application.Notice, error)) (n int) {
		t.Helper()
		notices, err := read(ctx, w.Nurse)
		if err != nil {
			t.Fatal(err)
		}
		for _, notice := range notices {
			if notice.PublicID == id || (notice.Entry != nil) != (notice.Kind == application.EntryChanged) || notice.Entry != nil && *notice.Entry != held[0].Entry.ID {
				t.Errorf("a message tells %+v", notice)
			}
			if notice.Kind == application.EntryChanged && notice.ReadAt == nil {
				n++
			}
		}
		return n
	}
	if n := unread(w.Desk.Notices); n != 1 {
		t.Errorf("%d new messages about the entry, want one", n)
	}
	if n := unread(w.Desk.ReadMessages); n != 1 {
		t.Errorf("%d new messages about the entry on the page that shows them, want one", n)
	}
	if n := unread(w.Desk.Notices); n != 0 {
		t.Errorf("%d new messages after the page, want none", n)
	}
}

// TestWithdrawnDraft: what was typed and handed in before a draft was given up is forgotten.
func TestWithdrawnDraft(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Draft(t)
	if err := w.Desk.Withdraw(ctx, w.Nurse, id); err != nil {
		t.Fatal(err)
	}
	for want := range []int{1, 0} { // the second sweep finds nothing left
		if n, err := w.Clerk.Sweep(ctx, 10); err != nil || n != 1-want {
			t.Fatalf("swept %d, error %v, want %d", n, err, 1-want)
		}
	}
	v, err := w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	if v.Case.State != application.Withdrawn || len(v.Case.Answers.Values) != 0 || len(v.Uploads) != 0 || v.Case.Applicant.Name.Family != "" {
		t.Errorf("the withdrawn draft keeps %+v and %d documents", v.Case.Answers, len(v.Uploads))
	}
}

// TestOtherFees: what was signed is what is charged; when the amount has changed meanwhile, nothing is handed in and the
// check page can show the new one.
func TestOtherFees(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	id := w.Draft(t)
	r := w.Frozen(t, id)
	cheaper := bytes.ReplaceAll(r.Bytes, []byte("9000"), []byte("1000"))
	if _, err := w.DB.Superuser().Exec(ctx, `update sign_request set bytes = $1 where id = $2`, cheaper, r.ID); err != nil {
		t.Fatal(err)
	}
	_, err := w.Desk.Submit(ctx, w.Nurse, id, r.ID, casetest.Sign(cheaper), nil)
	var f *fault.Error
	if !errors.As(err, &f) || f.Key != "fault.content_changed" {
		t.Fatalf("error %v, want key fault.content_changed", err)
	}
	if again := w.Frozen(t, id); !bytes.Contains(again.Bytes, []byte("9000")) {
		t.Error("the amount is not frozen anew")
	}
}
