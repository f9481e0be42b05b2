package review_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/internal/review"
	"akashi/internal/rollout"
	"akashi/qualifications"
)

// opened has a forwarded qualification and one that asks for a base licence, with the licences it asks for; every register is
// open, so that they can be walked.
var opened = sync.OnceValues(func() (*qualification.Catalogue, error) {
	files, err := qualification.ReadFiles(qualifications.Files)
	if err == nil {
		files, err = qualtest.Some(files, "yakuzaishi", "jutai-chosetsu-shidoin", "kangoshi", "josanshi", "hokenshi")
	}
	if err != nil {
		return nil, err
	}
	return qualtest.Opened(files)
})

// way is a registration as pharmacist that goes through 東京都 (pref-13), in a world of its own.
type way struct {
	*casetest.World
	id   string
	here review.Officer // at the forwarding body
	far  review.Officer // at another prefecture
}

func forwarded(t *testing.T) way {
	t.Helper()
	cat, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	w := way{World: casetest.NewOf(t, cat.Apart())}
	w.here = w.Forwarder(t)
	w.far = w.here
	w.here.Body, w.far.Body = "pref-13", "pref-41"
	w.apply(t, "yakuzaishi.mhlw")
	w.Pay(t, w.id)
	w.Work(t)
	return w
}

// apply begins a registration, fills it in and hands it in.
func (w *way) apply(t *testing.T, register string) {
	t.Helper()
	c, err := w.Desk.Start(t.Context(), w.Nurse, register, "registration", "ja")
	if err != nil {
		t.Fatal(err)
	}
	w.id = c.PublicID
	w.fill(t)
	w.hand(t)
}

func (w way) fill(t *testing.T) {
	t.Helper()
	v := w.view(t)
	a, err := qualtest.Fill(rand.New(rand.NewPCG(1, 2)), v.Procedure, v.Facts, map[string]string{"forwarding_prefecture": "13"})
	if err != nil {
		t.Fatal(err)
	}
	f := v.Facts
	f.Answers = a.Values
	pages, err := v.Procedure.VisibleGroups(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range pages {
		if problems, err := w.Desk.SaveGroup(t.Context(), w.Nurse, w.id, g.ID, a.Raw); err != nil || len(problems) > 0 {
			t.Fatalf("page %s: %v %v", g.ID, problems, err)
		}
	}
	missing, err := w.view(t).MissingDocuments()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		w.Upload(t, w.id, strings.TrimPrefix(m.Field, "evidence:"))
	}
}

func (w way) view(t *testing.T) *application.View {
	t.Helper()
	v, err := w.Desk.View(t.Context(), w.Nurse, w.id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// hand signs what is to be signed and hands it in.
func (w way) hand(t *testing.T) {
	t.Helper()
	r := w.Frozen(t, w.id)
	if _, err := w.Desk.Submit(t.Context(), w.Nurse, w.id, r.ID, casetest.Sign(r.Bytes), nil); err != nil {
		t.Fatal(err)
	}
}

func (w way) take(t *testing.T, o review.Officer) {
	t.Helper()
	if err := w.Office.Take(t.Context(), o, w.id); err != nil {
		t.Fatal(err)
	}
}

// TestForwarding: the prefecture has the case first and alone, asks for a correction, passes it on with its note, and sees
// nothing of it afterwards; the registrar finds note and receipt, and four eyes decide as ever.
func TestForwarding(t *testing.T) {
	w := forwarded(t)
	ctx := t.Context()
	if v := w.view(t); v.Case.State != application.Forwarding || v.Case.BodyID != "pref-13" || v.Case.Next() != "mhlw" {
		t.Fatalf("the case is %s at %s", v.Case.State, v.Case.BodyID)
	}
	for name, o := range map[string]review.Officer{"the registrar": w.Reviewer, "another prefecture": w.far} {
		if err := w.Office.Take(ctx, o, w.id); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s takes the case: %v", name, err)
		}
	}
	rows, err := w.Office.Inbox(ctx, w.here, review.Filter{})
	if err != nil || len(rows) != 1 || rows[0].Step != application.StepForward || rows[0].PublicID != w.id {
		t.Fatalf("the prefecture's inbox: %+v %v", rows, err)
	}
	if err := w.Office.PassOn(ctx, w.here, w.id, casetest.Note()); !errors.Is(err, fault.Conflict) {
		t.Errorf("passing on what one does not hold: %v", err)
	}
	if id, err := w.Office.TakeNext(ctx, w.here, application.StepForward); err != nil || id != w.id {
		t.Fatalf("the next case is %s: %v", id, err)
	}
	v, err := w.Office.Open(ctx, w.here, w.id, "procedure")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Findings {
		i := slices.IndexFunc(v.Procedure.Checks, func(c qualification.Check) bool { return c.ID == f.Check })
		if m := v.Procedure.Checks[i].Machine; m != "signature" && m != "evidence" || f.Result == review.Fail {
			t.Errorf("the prefecture sees the check %s (%s): %s", f.Check, m, f.Result)
		}
	}
	if slices.ContainsFunc(v.Events, func(e application.Event) bool { return strings.HasPrefix(e.Kind, "answered_") }) {
		t.Errorf("the prefecture sees that registries have answered: %+v", v.Events)
	}
	if len(v.Inquiries) != 0 || len(v.Findings) == 0 {
		t.Errorf("the prefecture sees %d answers of registries and %d findings", len(v.Inquiries), len(v.Findings))
	}
	if err := w.Office.Propose(ctx, w.here, w.id, review.Proposal{Outcome: "approve"}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("the prefecture proposes: %v", err)
	}
	w.correct(t)
	if v := w.view(t); v.Case.State != application.Forwarding || v.Case.BodyID != "pref-13" {
		t.Fatalf("after the correction the case is %s at %s", v.Case.State, v.Case.BodyID)
	}
	note := casetest.Note()
	note.Parts[2] = application.NotePart{Part: application.PartDocuments, Result: application.PartRemark, Note: "診断書は写し"}
	if err := w.Office.PassOn(ctx, w.here, w.id, note); err != nil {
		t.Fatal(err)
	}
	w.gone(t)
	w.arrived(t)
}

// TestAnOpenCaseKeepsItsRoute: from the day of a switch a new case goes directly, and one that began before finishes on its way
// through the prefecture, though the applicant hands it in once more.
func TestAnOpenCaseKeepsItsRoute(t *testing.T) {
	w := forwarded(t)
	w.Act(t, rollout.Proposal{Kind: qualification.ActSwitch, Qualification: "yakuzaishi", Bodies: []string{"pref-13"}, Procedures: []string{"registration"},
		On: w.Today().AddDays(1), Reason: "経由の廃止"})
	w.Hear(t)
	w.Clock.Advance(24 * time.Hour)
	w.take(t, w.here)
	w.correct(t)
	if v := w.view(t); v.Case.State != application.Forwarding || v.Case.BodyID != "pref-13" || v.Case.Next() != "mhlw" {
		t.Fatalf("after the switch the open case is %s at %s", v.Case.State, v.Case.BodyID)
	}
	if err := w.Office.PassOn(t.Context(), w.here, w.id, casetest.Note()); err != nil {
		t.Fatal(err)
	}
	if v := w.view(t); v.Case.State != application.InReview || v.Case.BodyID != "mhlw" {
		t.Errorf("passed on, the open case is %s at %s", v.Case.State, v.Case.BodyID)
	}

	w.Nurse = w.Another(t, "later", casetest.Card())
	w.apply(t, "yakuzaishi.mhlw")
	w.Pay(t, w.id)
	w.Work(t)
	if v := w.view(t); v.Case.State != application.InReview || v.Case.BodyID != "mhlw" {
		t.Errorf("a case of the day of the switch is %s at %s", v.Case.State, v.Case.BodyID)
	}
}

// correct has the prefecture ask for the telephone number, and the applicant answer.
func (w way) correct(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	items := []application.CorrectionItem{{Item: "tel", Reason: "", Note: "番号を確かめてください"}}
	if err := w.Office.RequestCorrection(ctx, w.here, w.id, items, w.Today().AddDays(14)); err != nil {
		t.Fatal(err)
	}
	if err := w.Office.PassOn(ctx, w.here, w.id, casetest.Note()); !errors.Is(err, fault.Conflict) {
		t.Errorf("passing on what waits for the applicant: %v", err)
	}
	v := w.view(t)
	for _, g := range v.Procedure.Groups {
		if slices.ContainsFunc(g.Fields, func(f qualification.Field) bool { return f.ID == "tel" }) {
			if problems, err := w.Desk.SaveGroup(ctx, w.Nurse, w.id, g.ID, map[string]string{"tel": "0312345678"}); err != nil || len(problems) > 0 {
				t.Fatalf("%v %v", problems, err)
			}
		}
	}
	w.hand(t)
}

// gone: what was passed on is no longer behind the body's door, page by page and table by table.
func (w way) gone(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	if _, err := w.Office.Open(ctx, w.here, w.id, "procedure"); !errors.Is(err, fault.NotFound) {
		t.Errorf("the prefecture still opens the case: %v", err)
	}
	if err := w.Office.PassOn(ctx, w.here, w.id, casetest.Note()); !errors.Is(err, fault.NotFound) {
		t.Errorf("passing on twice: %v", err)
	}
	if rows, err := w.Office.Inbox(ctx, w.here, review.Filter{}); err != nil || len(rows) != 0 {
		t.Errorf("the prefecture's inbox: %+v %v", rows, err)
	}
	if err := w.DB.As(pg.RoleOffice).InBody(ctx, "pref-13", func(tx *pg.Tx) error {
		for _, table := range []string{"application", "submission", "upload", "inquiry", "correction", "case_event", "case_note", "hand_over", "hand_over_receipt", "decision", "notice"} {
			var n int
			if err := tx.QueryRow(ctx, "select count(*) from "+table).Scan(&n); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			if n != 0 {
				t.Errorf("the prefecture sees %d rows of %s", n, table)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// arrived: the registrar has the case with the note, gives its receipt by taking it, and two of its people decide.
func (w way) arrived(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	w.take(t, w.Reviewer)
	v, err := w.Office.Open(ctx, w.Reviewer, w.id, "procedure")
	if err != nil || len(v.HandOvers) != 1 {
		t.Fatalf("%d notes: %v", len(v.HandOvers), err)
	}
	h := v.HandOvers[0]
	if h.From != "pref-13" || h.To != "mhlw" || h.Parts[2].Note != "診断書は写し" || h.ReceivedBy == nil || *h.ReceivedBy != w.Reviewer.Staff.ID || len(v.Inquiries) == 0 {
		t.Errorf("the note is %+v, with %d answers of registries", h, len(v.Inquiries))
	}
	var settled []review.Verdict
	for _, c := range v.Unsettled {
		settled = append(settled, review.Verdict{Check: c, Verdict: "ok"})
	}
	if err := errors.Join(w.Office.SaveVerdicts(ctx, w.Reviewer, w.id, settled), w.Office.Propose(ctx, w.Reviewer, w.id, review.Proposal{Outcome: "approve"})); err != nil {
		t.Fatal(err)
	}
	w.Approve(t, w.id)
	var acts []audit.Logged
	if err := w.DB.As(pg.RoleOffice).InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error {
		acts, err = audit.List(ctx, tx, audit.Filter{Case: v.Case.ID, Limit: 100})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(acts, func(e audit.Logged) bool { return e.Act == audit.CaseForward && e.Actor.Body == "pref-13" }) {
		t.Error("the registrar's log does not have the hand-over")
	}
}

// TestPassOnAsksTheDoor: the function passes a case on for the body that holds it, towards the next body of its route, and
// for nobody else: whatever door is open and whoever asks.
func TestPassOnAsksTheDoor(t *testing.T) {
	w := forwarded(t)
	ctx := t.Context()
	c := w.view(t).Case
	call := func(tx *pg.Tx) error {
		var to *string
		err := tx.QueryRow(ctx, `select pass_on($1, $2, $3, 0, $4)`, c.RegisterID, c.ID, uuid.New(), tx.Now).Scan(&to)
		if err == nil && to != nil {
			err = fmt.Errorf("it went to %s", *to)
		}
		return err
	}
	office := w.DB.As(pg.RoleOffice)
	for name, err := range map[string]error{
		"another prefecture": office.InBody(ctx, "pref-41", call),
		"the registrar":      office.InBody(ctx, "mhlw", call),
		"registrar's door":   office.InRegistrar(ctx, "mhlw", call),
		"its own registrar":  office.InRegistrar(ctx, "pref-13", call),
		"no door":            office.Platform(ctx, call),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, role := range []string{pg.RoleCitizen, pg.RoleWorker, pg.RolePublic} {
		if err := w.DB.As(role).InBody(ctx, "pref-13", call); err == nil || !strings.Contains(err.Error(), "permission denied for function pass_on") {
			t.Errorf("%s: %v", role, err)
		}
	}
	if v := w.view(t); v.Case.BodyID != "pref-13" || v.Case.Stop != 0 {
		t.Errorf("the case went to %s", v.Case.BodyID)
	}
}

// TestWithdrawnOnTheWay: what an applicant takes back is no longer behind the forwarding body's door.
func TestWithdrawnOnTheWay(t *testing.T) {
	w := forwarded(t)
	w.take(t, w.here)
	if err := w.Desk.Withdraw(t.Context(), w.Nurse, w.id); err != nil {
		t.Fatal(err)
	}
	w.gone(t)
	if counts, err := w.Office.Counts(t.Context(), w.here); err != nil || len(counts) != 0 {
		t.Errorf("the counters of the prefecture: %+v %v", counts, err)
	}
}

// TestHandOverNotes: a note has every part, and words where something is remarked.
func TestHandOverNotes(t *testing.T) {
	w := forwarded(t)
	w.take(t, w.here)
	for key, change := range map[string]func(*application.HandOverNote){
		"fault.note_part":       func(n *application.HandOverNote) { n.Parts = n.Parts[:2] },
		"fault.note_part_words": func(n *application.HandOverNote) { n.Parts[0].Result = application.PartRemark },
		"fault.note_remarks":    func(n *application.HandOverNote) { n.Remarks = strings.Repeat("あ", 2001) },
	} {
		n := casetest.Note()
		change(&n)
		err := w.Office.PassOn(t.Context(), w.here, w.id, n)
		var f *fault.Error
		if !errors.As(err, &f) || f.Key != key {
			t.Errorf("got %v, want %s", err, key)
		}
	}
	if !w.here.Staff.May("pref-13", account.CaseForward) || w.here.Staff.May("pref-13", account.CaseReview) {
		t.Error("the officer has other rights than the test is about")
	}
}

// TestPassedOn: a body is told of what it has passed on itself, with the receipt and where the case stands; nobody else is, and
// nobody through another door.
func TestPassedOn(t *testing.T) {
	w := forwarded(t)
	ctx := t.Context()
	list := func(o review.Officer) []review.Passed {
		t.Helper()
		rows, err := w.Office.PassedOn(ctx, o, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	if rows := list(w.here); len(rows) != 0 {
		t.Fatalf("before it was passed on: %+v", rows)
	}
	w.take(t, w.here)
	if err := w.Office.PassOn(ctx, w.here, w.id, casetest.Note()); err != nil {
		t.Fatal(err)
	}
	rows := list(w.here)
	if len(rows) != 1 || rows[0].PublicID != w.id || rows[0].To != "mhlw" || rows[0].Now != "mhlw" || rows[0].ReceivedAt != nil || rows[0].Standing != "in_review" ||
		rows[0].DefinitionID != "yakuzaishi" || rows[0].ProcedureID != "registration" {
		t.Fatalf("%+v", rows)
	}
	if got := list(w.far); len(got) != 0 {
		t.Errorf("another prefecture is told %+v", got)
	}
	w.take(t, w.Reviewer)
	if rows := list(w.here); rows[0].ReceivedAt == nil {
		t.Error("the receipt is not told")
	}
	if earlier, err := w.Office.PassedOn(ctx, w.here, &rows[0].At, 10); err != nil || len(earlier) != 0 {
		t.Errorf("before the first: %+v, %v", earlier, err)
	}
	if err := w.Desk.Withdraw(ctx, w.Nurse, w.id); err != nil {
		t.Fatal(err)
	}
	if rows := list(w.here); rows[0].Standing != "ended" {
		t.Errorf("after its end: %+v", rows)
	}
	if _, err := w.Office.PassedOn(ctx, w.Keeper, nil, 10); !errors.Is(err, fault.Forbidden) {
		t.Errorf("without the permission: %v", err)
	}
	call := func(tx *pg.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `select count(*) from passed_on(null, 10)`).Scan(&n)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d are told", n)
		}
		return err
	}
	office := w.DB.As(pg.RoleOffice)
	for name, err := range map[string]error{"the registrar": office.InBody(ctx, "mhlw", call), "registrar's door": office.InRegistrar(ctx, "mhlw", call),
		"its own registrar's": office.InRegistrar(ctx, "pref-13", call), "no door": office.Platform(ctx, call)} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, role := range []string{pg.RoleCitizen, pg.RoleWorker, pg.RolePublic} {
		if err := w.DB.As(role).InBody(ctx, "pref-13", call); err == nil || !strings.Contains(err.Error(), "permission denied for function passed_on") {
			t.Errorf("%s: %v", role, err)
		}
	}
}
