package authoring_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/authoring"
	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
	"akashi/qualifications"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is a database, two licences, and people who write definitions and decide on them.
type world struct {
	DB        *pgtest.Database
	Clock     *clock.Adjustable
	Catalogue *qualification.Catalogue // of the office's process
	Far       *qualification.Catalogue // of another process
	files     map[string][]byte
	synced    []*qualification.Catalogue

	desk                            *authoring.Desk
	worker, elsewhere               *authoring.Follower
	author, director, other, reader authoring.Officer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Clock: &clock.Adjustable{}}
	w.Clock.Set(time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST))
	w.DB = pgtest.New(t).WithClock(w.Clock)
	var err error
	if w.files, err = qualification.ReadFiles(os.DirFS("../rollout/testdata")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"registrars.yaml", "schema.json"} {
		if w.files[name], err = qualifications.Files.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	carried, err := qualification.LoadFiles(w.files)
	if err != nil {
		t.Fatal(err)
	}
	w.Catalogue, w.Far = carried.Apart(), carried.Apart()
	known := authoring.Carried(carried)
	w.desk = &authoring.Desk{DB: w.DB.As(pg.RoleOffice), Catalogue: w.Catalogue, Files: w.files, Carried: known}
	w.worker = &authoring.Follower{DB: w.DB.As(pg.RoleWorker), Catalogue: w.Catalogue, Files: w.files, Carried: known,
		Sync: func(_ context.Context, c *qualification.Catalogue) error { w.synced = append(w.synced, c); return nil }}
	w.elsewhere = &authoring.Follower{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Far, Files: w.files, Carried: known}
	w.author = w.employ(t, "author", "mhlw", account.Planner, account.Director)
	w.director = w.employ(t, "director", "mhlw", account.Director)
	w.other = w.employ(t, "other", "mlit", account.Planner, account.Director)
	w.reader = w.employ(t, "reviewer", "mhlw", account.Reviewer)
	return w
}

func (w *world) employ(t *testing.T, subject, body string, roles ...account.Role) authoring.Officer {
	t.Helper()
	err := w.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		id, err := account.SetStaff(t.Context(), tx, subject, "職員 "+subject, true)
		for _, r := range roles {
			if err == nil {
				err = account.Give(t.Context(), tx, id, account.Grant{Body: body, Role: r}, "test")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := account.ByLogin(t.Context(), w.desk.DB, subject)
	if err != nil {
		t.Fatal(err)
	}
	return authoring.Officer{Staff: s, Body: body}
}

// next is the text of the licence "national" under a new version, with replacements.
func (w *world) next(t *testing.T, pairs ...string) []byte {
	t.Helper()
	d, _ := w.Catalogue.Definition("national")
	s := strings.NewReplacer(append([]string{`version: "` + d.Version + `"`, `version: "2027-04-01.1"`, "valid_from: " + d.ValidFrom.String(), "valid_from: 2027-04-01"}, pairs...)...).
		Replace(string(w.files["national.yaml"]))
	if !strings.Contains(s, "2027-04-01.1") {
		t.Fatal("the licence of the test has another form")
	}
	return []byte(s)
}

// dated is a text under another version and day.
func dated(source []byte, day string) []byte {
	return []byte(strings.ReplaceAll(string(source), "2027-04-01", day))
}

// based is a text whose licence rests on itself.
func based(source []byte) []byte {
	s := strings.Replace(string(source), "id: national\n", "id: national\nbase: [national]\n", 1)
	return []byte(strings.Replace(s, "machine: signature,", "machine: signature, required: true, label: {ja: 署名, en: Signature, easy: サイン}}\n      - {id: licence, machine: base,", 1))
}

func (w *world) load(t *testing.T, source []byte) uuid.UUID {
	t.Helper()
	id, err := w.desk.Load(t.Context(), w.author, source)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// approved brings a text in.
func (w *world) approved(t *testing.T, source []byte) uuid.UUID {
	t.Helper()
	id := w.load(t, source)
	if err := errors.Join(w.desk.Propose(t.Context(), w.author, id, "法改正のため"), w.desk.Decide(t.Context(), w.director, id, true, "")); err != nil {
		t.Fatal(err)
	}
	return id
}

// refresh lets both processes look for what is new.
func (w *world) refresh(t *testing.T) {
	t.Helper()
	if err := errors.Join(w.worker.Refresh(t.Context()), w.elsewhere.Refresh(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func (w *world) version(cat *qualification.Catalogue) string {
	d, _ := cat.Definition("national")
	return d.Version
}

func isFault(err error, kind error, key string) bool {
	var f *fault.Error
	return errors.Is(err, kind) && errors.As(err, &f) && f.Key == key
}

// TestAVersionComesIntoForce: loaded, compared, proposed by one, approved by another, written into the reference tables by the
// worker, stored everywhere, and held to from its day on; the earlier version stays for the cases that were begun under it.
func TestAVersionComesIntoForce(t *testing.T) {
	w := newWorld(t)
	before := w.version(w.Catalogue)
	id := w.load(t, w.next(t, "name: {ja: ", "name: {ja: 新"))
	text, e, err := w.desk.Open(t.Context(), w.author, id)
	if err != nil || len(e.Refused()) > 0 || e.Comparison == nil || len(e.Comparison.Changes) == 0 || len(e.Comparison.Open) == 0 || text.State != authoring.Draft {
		t.Fatalf("%+v %+v %v", text, e.Refused(), err)
	}
	if err := w.desk.Propose(t.Context(), w.author, id, "法改正のため"); err != nil {
		t.Fatal(err)
	}
	if err := w.desk.Decide(t.Context(), w.author, id, true, ""); !isFault(err, fault.Forbidden, "authoring.fault.second_person") {
		t.Errorf("deciding on one's own version: %v", err)
	}
	if err := w.desk.Decide(t.Context(), w.director, id, true, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.elsewhere.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, known := w.Far.Version("national", "2027-04-01.1"); known {
		t.Error("a process takes up what the reference tables do not have")
	}
	w.refresh(t)
	if len(w.synced) == 0 {
		t.Error("nothing was written into the reference tables")
	}
	for _, c := range []*qualification.Catalogue{w.Catalogue, w.Far} {
		day := calendar.Date{Year: 2027, Month: time.April, Day: 1}
		if d, _ := c.Filing("national", day.AddDays(-1)); w.version(c) != before || d.Version != before {
			t.Errorf("before its day the version is %s, filed under %s", w.version(c), d.Version)
		}
		if d, _ := c.Filing("national", day); d.Version != "2027-04-01.1" {
			t.Errorf("from its day on cases are filed under %s", d.Version)
		}
	}
	w.Clock.Set(time.Date(2027, 4, 1, 0, 1, 0, 0, clock.JST))
	w.refresh(t)
	for _, c := range []*qualification.Catalogue{w.Catalogue, w.Far} {
		if _, known := c.Version("national", before); w.version(c) != "2027-04-01.1" || !known {
			t.Errorf("on its day the version is %s; the earlier one is known: %t", w.version(c), known)
		}
		if d, _ := c.Definition("national"); !strings.HasPrefix(d.Name.JA, "新") || len(d.Registers) == 0 {
			t.Errorf("on its day the name is %s, with %d registers", d.Name.JA, len(d.Registers))
		}
	}
	if err := w.desk.Recall(t.Context(), w.director, id, "間違い"); !isFault(err, fault.Invalid, "authoring.fault.holds") {
		t.Errorf("calling back what holds: %v", err)
	}
}

// TestCalledBack: an approved version that is called back before its day never holds, in any process.
func TestCalledBack(t *testing.T) {
	w := newWorld(t)
	before := w.version(w.Catalogue)
	id := w.approved(t, w.next(t))
	w.refresh(t)
	if err := w.desk.Recall(t.Context(), w.director, id, ""); !isFault(err, fault.Invalid, "authoring.fault.reason") {
		t.Errorf("without a reason: %v", err)
	}
	if err := w.desk.Recall(t.Context(), w.director, id, "施行が延期されたため"); err != nil {
		t.Fatal(err)
	}
	w.refresh(t)
	w.Clock.Set(time.Date(2027, 5, 1, 9, 0, 0, 0, clock.JST))
	w.refresh(t)
	for _, c := range []*qualification.Catalogue{w.Catalogue, w.Far} {
		if d, _ := c.Filing("national", calendar.Date{Year: 2027, Month: time.May, Day: 1}); d.Version != before {
			t.Errorf("cases are filed under %s", d.Version)
		}
	}
}

// TestRefusedTexts: what the linter refuses, and what would break cases or other qualifications, is told with its place and
// cannot be proposed.
func TestRefusedTexts(t *testing.T) {
	w := newWorld(t)
	d, _ := w.Catalogue.Definition("national")
	for name, c := range map[string]struct {
		source []byte
		say    string
	}{
		"broken YAML":              {[]byte("id: [national\n"), "is not YAML"},
		"an anchor":                {[]byte("id: &a national\nrow: *a\n"), "anchors"},
		"a base that is not there": {w.next(t, "id: national\n", "id: national\nextends: [bases/none.yaml]\n"), "no file bases/none.yaml"},
		"a cycle of base licences": {based(w.next(t)), "cycle: national -> national"},
		"the same version again":   {[]byte(strings.Replace(string(w.files["national.yaml"]), "name: {ja: ", "name: {ja: 新", 1)), "the content changes, but the version is still " + d.Version},
		"an earlier version":       {dated(w.next(t), "2020-04-01"), "is not after"},
		"another's code":           {w.next(t, "\ncode: ", "\ncode: \"ZZ\" #"), "code"},
		"CEL that does not read":   {w.next(t, "      - id: person\n", "      - id: person\n        when: answers.name ==\n"), "groups[person].when"},
		"nobody approves":          {w.next(t, "step: approval", "step: review"), "nobody approves"},
	} {
		id := w.load(t, c.source)
		_, e, err := w.desk.Open(t.Context(), w.author, id)
		if err != nil || !strings.Contains(e.Refused().Error(), c.say) {
			t.Errorf("%s: %q, %v; want %q", name, e.Refused(), err, c.say)
		}
		if err := w.desk.Propose(t.Context(), w.author, id, "理由"); !isFault(err, fault.Invalid, "authoring.fault.findings") {
			t.Errorf("%s: proposed: %v", name, err)
		}
	}
	past := w.load(t, dated(w.next(t), "2026-12-01"))
	if err := w.desk.Propose(t.Context(), w.author, past, "理由"); !isFault(err, fault.Invalid, "authoring.fault.date_past") {
		t.Errorf("a day that has come: %v", err)
	}
	first, second := w.load(t, w.next(t)), w.load(t, w.next(t, "name: {ja: ", "name: {ja: 別"))
	if err := w.desk.Propose(t.Context(), w.author, first, "理由"); err != nil {
		t.Fatal(err)
	}
	if err := w.desk.Propose(t.Context(), w.author, second, "理由"); !isFault(err, fault.Invalid, "authoring.fault.version_taken") {
		t.Errorf("one version twice: %v", err)
	}
	for key, source := range map[string][]byte{"authoring.fault.empty": []byte(" \n"), "authoring.fault.not_text": {0x8e, 0x91}, "authoring.fault.large": []byte(strings.Repeat("a", 1<<20+1))} {
		if _, err := w.desk.Load(t.Context(), w.author, source); !isFault(err, fault.Invalid, key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestWhoseDefinition: nobody without the role, of another ministry, or with another's draft gets anywhere, and that is on record.
func TestWhoseDefinition(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	id := w.load(t, w.next(t))
	if _, err := w.desk.Load(ctx, w.other, w.next(t)); !isFault(err, fault.Forbidden, "authoring.fault.not_yours") {
		t.Errorf("another ministry loads: %v", err)
	}
	if _, err := w.desk.Load(ctx, w.reader, w.next(t)); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a reviewer loads: %v", err)
	}
	for name, o := range map[string]authoring.Officer{"another ministry": w.other, "a colleague, before it is proposed": w.director} {
		if _, _, err := w.desk.Open(ctx, o, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s opens a draft: %v", name, err)
		}
	}
	if err := w.desk.Propose(ctx, w.author, id, "理由"); err != nil {
		t.Fatal(err)
	}
	if err := w.desk.Decide(ctx, w.other, id, true, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("another ministry decides: %v", err)
	}
	if err := w.desk.Withdraw(ctx, w.director, id); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a colleague withdraws: %v", err)
	}
	if err := w.desk.Withdraw(ctx, w.author, id); err != nil {
		t.Fatal(err)
	}
	if err := w.desk.Decide(ctx, w.director, id, true, ""); !isFault(err, fault.Conflict, "authoring.fault.decided") {
		t.Errorf("deciding on what was withdrawn: %v", err)
	}
	var refused int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from audit_event where act = $1 and outcome = 'authoring'`, string(audit.StaffRefused)).Scan(&refused); err != nil || refused < 5 {
		t.Errorf("%d refusals are on record: %v", refused, err)
	}
}

// TestTheDatabaseRefuses: what the desk would never do, the database does not let the office do either.
func TestTheDatabaseRefuses(t *testing.T) {
	w := newWorld(t)
	id := w.load(t, w.next(t))
	office := w.DB.As(pg.RoleOffice)
	for name, c := range map[string]struct{ sql, say string }{
		"another text":              {`update authored set source = 'x' where id = $1`, "permission denied"},
		"approved by the author":    {`update authored set prior_state = 'proposed', state = 'approved', decided_by = author, decided_body = 'mhlw', decided_at = created_at, reason = 'x' where id = $1`, "authored_second_person"},
		"approved without proposal": {`update authored set prior_state = 'draft', state = 'approved' where id = $1`, "authored_"},
		"forgotten":                 {`delete from authored where id = $1`, "permission denied"},
		"published":                 {`update authored set published_at = created_at where id = $1`, "permission denied"},
	} {
		err := office.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), c.sql, id)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v, want %q", name, err, c.say)
		}
	}
	if err := office.InRegistrar(t.Context(), "mlit", func(tx *pg.Tx) error {
		var n int
		err := tx.QueryRow(t.Context(), `select count(*) from authored where state = 'draft'`).Scan(&n)
		if n != 0 {
			t.Errorf("another body sees %d drafts", n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestMovesMatchDatabase compares the states and moves of Go with those of the database.
func TestMovesMatchDatabase(t *testing.T) {
	w := newWorld(t)
	rows, err := w.DB.Superuser().Query(t.Context(), `select prior_state, state from authored_move where prior_state <> state`)
	if err != nil {
		t.Fatal(err)
	}
	var from, to string
	n := 0
	for rows.Next() {
		if err := rows.Scan(&from, &to); err != nil || !authoring.May(authoring.State(from), authoring.State(to)) {
			t.Errorf("the database moves from %s to %s (%v)", from, to, err)
		}
		n++
	}
	want := 0
	for _, next := range authoring.Moves {
		want += len(next)
	}
	if n != want || rows.Err() != nil {
		t.Errorf("%d moves, want %d (%v)", n, want, rows.Err())
	}
	if !rollout.InCharge(w.Catalogue, mustDefinition(t, w.Catalogue), "mhlw") {
		t.Error("the ministry of the test is not in charge")
	}
}

func mustDefinition(t *testing.T, c *qualification.Catalogue) *qualification.Definition {
	t.Helper()
	d, ok := c.Definition("national")
	if !ok {
		t.Fatal("the licence of the test is not there")
	}
	return d
}
