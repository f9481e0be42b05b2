package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/registry"
	"akashi/internal/review"
)

func TestMovesMatchDatabase(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	casetest.CompareMoves(t, w, "entry_move", registry.Moves, registry.States, string(registry.Registered))
	casetest.CompareStates(t, w, "entry_state", registry.States)
}

// takenOver puts an entry into the register as the take-over of an old register does.
func takenOver(t testing.TB, w *casetest.World, number int, name string, birth calendar.Date) {
	t.Helper()
	key := jtext.SearchKey(name)
	facts, err := json.Marshal(map[string]string{"name": name, "birth_date": birth.String(), "name_kana": "ミホン　ハナコ", "sex": "2", "domicile": "13", "exam_passed_on": "2000-03"})
	if err != nil {
		t.Fatal(err)
	}
	err = w.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `
			insert into entry (register_id, id, registrar_id, number, series, ordinal, state, prior_state, registered_on, facts,
			  name_key, kana_key, grams, key_version, birth_date, revision, updated_at)
			values ('kangoshi.mhlw', $1, 'mhlw', $2, 'old', $3, 'registered', 'registered', '2001-04-01', $4, $5, $6, $7, $8, $9, 1, $10)`,
			pg.NewID(), fmt.Sprint(number), number, facts, key, jtext.KanaKey("ミホン　ハナコ"), jtext.Grams(key), jtext.KeyVersion, birth, tx.Now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNumbersWithoutGaps: many approvals at once, some of which fail, use every number once.
func TestNumbersWithoutGaps(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Passer(t)
	var ids []string
	for i := range 6 {
		a := w.Nurse
		if i > 0 {
			a = w.Another(t, fmt.Sprint("nurse", i), casetest.Card())
		}
		w.Nurse = a
		ids = append(ids, w.Proposed(t))
		if err := w.Office.Take(t.Context(), w.Approver, ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	broken := *w.Office
	broken.Enter = func(ctx context.Context, tx *pg.Tx, d review.Decided) error {
		if _, err := registry.Enter(ctx, tx, d); err != nil {
			return err
		}
		return errors.New("failing after the number was taken")
	}
	var group sync.WaitGroup
	for _, id := range ids {
		group.Go(func() {
			if err := broken.Decide(t.Context(), w.Approver, id, review.Agree, ""); err == nil || !strings.Contains(err.Error(), "after the number was taken") {
				t.Errorf("the failing approval: %v", err)
			}
			if err := w.Office.Decide(t.Context(), w.Approver, id, review.Agree, ""); err != nil {
				t.Errorf("the approval: %v", err)
			}
			if err := w.Office.Decide(t.Context(), w.Approver, id, review.Agree, ""); !errors.Is(err, fault.Conflict) {
				t.Errorf("approving twice: %v, want conflict", err)
			}
		})
	}
	group.Wait()
	w.Work(t)
	var numbers []string
	if err := w.DB.Superuser().QueryRow(t.Context(), `select array_agg(number order by ordinal) from entry`).Scan(&numbers); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1", "2", "3", "4", "5", "6"}; !slices.Equal(numbers, want) {
		t.Errorf("numbers %v, want %v", numbers, want)
	}
}

// TestRegisteredOnce: one person gets one entry, also from two applications approved at once.
func TestRegisteredOnce(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ids := []string{w.Proposed(t), w.Proposed(t)}
	results := make(chan error, 2)
	var group sync.WaitGroup
	for _, id := range ids {
		if err := w.Office.Take(t.Context(), w.Approver, id); err != nil {
			t.Fatal(err)
		}
		group.Go(func() { results <- w.Office.Decide(t.Context(), w.Approver, id, review.Agree, "") })
	}
	group.Wait()
	first, second := <-results, <-results
	if (first == nil) == (second == nil) {
		t.Fatalf("approvals ended with %v and %v", first, second)
	}
	var f *fault.Error
	if err := errors.Join(first, second); !errors.As(err, &f) || f.Key != "fault.entry_exists" {
		t.Errorf("error %v, want key fault.entry_exists", err)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	day := calendar.Date{Year: 1980, Month: 5, Day: 6}
	for i, name := range []string{"髙橋　花子", "高橋　花代", "見本　橋子", "渡邉　一", "渡辺　一郎"} {
		takenOver(t, w, 1000+i, name, day)
	}
	for _, c := range []struct {
		q    registry.Query
		want []string
	}{
		{registry.Query{Number: "第１００２号"}, []string{"見本　橋子"}},
		{registry.Query{Name: "高橋"}, []string{"髙橋　花子", "高橋　花代"}},
		{registry.Query{Name: "髙橋花子"}, []string{"髙橋　花子"}},
		{registry.Query{Name: "橋", Infix: true}, []string{"見本　橋子", "髙橋　花子", "高橋　花代"}},
		{registry.Query{Name: "橋花", Infix: true}, []string{"髙橋　花子", "高橋　花代"}},
		{registry.Query{Name: "渡邊"}, []string{"渡邉　一", "渡辺　一郎"}},
		{registry.Query{Name: "渡辺", BirthDate: day.AddDays(1)}, nil},
		{registry.Query{Kana: "みほん"}, []string{"髙橋　花子", "高橋　花代", "見本　橋子", "渡邉　一", "渡辺　一郎"}},
		{registry.Query{Name: "存在しない", Infix: true}, nil},
	} {
		c.q.Purpose = "procedure"
		found, err := w.Reader.Search(ctx, w.Keeper, c.q)
		if err != nil {
			t.Fatalf("%+v: %v", c.q, err)
		}
		var got []string
		for _, e := range found {
			got = append(got, e.Facts["name"])
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, got, c.want)
		}
	}
	for key, q := range map[string]registry.Query{
		"fault.purpose":      {Name: "高橋"},
		"fault.search_empty": {Purpose: "procedure", Name: "　"},
	} {
		_, err := w.Reader.Search(ctx, w.Keeper, q)
		var f *fault.Error
		if !errors.As(err, &f) || f.Key != key {
			t.Errorf("%+v: %v, want key %s", q, err, key)
		}
	}
	elsewhere := w.Keeper
	elsewhere.Body = "sssc"
	if _, err := w.Reader.Search(ctx, elsewhere, registry.Query{Name: "高橋", Purpose: "procedure"}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("searching for another body: %v, want forbidden", err)
	}
}

// TestInfixSearchIsComplete: who is looked for by a part of the name and the birth date is found, however many others share
// that part, and one answer is bounded.
func TestInfixSearchIsComplete(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	_, err := w.DB.Superuser().Exec(t.Context(), `
		insert into entry (register_id, id, registrar_id, number, series, ordinal, state, prior_state, registered_on, facts,
		  name_key, kana_key, grams, key_version, birth_date, revision, updated_at)
		select 'kangoshi.mhlw', gen_random_uuid(), 'mhlw', n::text, 'old', n, 'registered', 'registered', '2001-04-01', '{}',
		       '見本橋' || chr(19968 + n), '', array['見', '本', '橋', '見本', '本橋'], 1, date '1950-01-01' + n, 1, now()
		  from generate_series(1, 300) n`)
	if err != nil {
		t.Fatal(err)
	}
	search := func(q registry.Query) []registry.Entry {
		q.Name, q.Infix, q.Purpose = "本橋", true, "procedure"
		found, err := w.Reader.Search(t.Context(), w.Keeper, q)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := search(registry.Query{BirthDate: calendar.Date{Year: 1950, Month: 1, Day: 1}.AddDays(299)}); len(found) != 1 || found[0].Number != "299" {
		t.Errorf("found %+v, want number 299", found)
	}
	if found := search(registry.Query{}); len(found) != 50 {
		t.Errorf("%d lines in one answer, want 50", len(found))
	}
}

// TestSearchPlans reads the plans as the office's role under row-level security: every search goes by an index.
func TestSearchPlans(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	_, err := w.DB.Superuser().Exec(ctx, `
		set local statement_timeout = 0; -- so many rows may take longer than a page may
		insert into entry (register_id, id, registrar_id, number, series, ordinal, state, prior_state, registered_on, facts,
		  name_key, kana_key, grams, key_version, birth_date, revision, updated_at)
		select 'kangoshi.mhlw', gen_random_uuid(), 'mhlw', n::text, 'old', n, 'registered', 'registered', '2001-04-01', '{}',
		       k, k, (select array_agg(distinct g) from (select substr(k, i, 1) g from generate_series(1, 4) i union select substr(k, i, 2) from generate_series(1, 3) i) x),
		       1, date '1950-01-01' + n % 20000, 1, now()
		  from (select n, chr(19968 + n * 7 % 2000) || chr(19968 + n * 11 % 1999) || chr(19968 + n * 13 % 1997) || chr(19968 + n * 17 % 1993) k
		          from generate_series(1, 40000) n) s`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.Superuser().Exec(ctx, `analyze entry`); err != nil {
		t.Fatal(err)
	}
	for index, sql := range map[string]string{
		"entry_number": `select * from entry where registrar_id = 'mhlw' and register_id = 'kangoshi.mhlw' and number = '77'`,
		"entry_name":   `select * from entry where registrar_id = 'mhlw' and name_key >= '万' and name_key < '万' || chr(1114111) order by name_key, id limit 50`,
		"entry_kana":   `select * from entry where registrar_id = 'mhlw' and kana_key >= '万' and kana_key < '万' || chr(1114111) order by kana_key, id limit 50`,
	} {
		plan := explain(t, w, sql)
		if !strings.Contains(plan, index) {
			t.Errorf("%s is not used:\n%s", index, plan)
		}
	}
	var inner string
	if err := w.DB.Superuser().QueryRow(ctx, `select prosrc from pg_proc where proname = 'search_entry_grams'`).Scan(&inner); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(inner, "app.registrar") || !strings.Contains(inner, "app.door") {
		t.Error("the search function does not repeat the registrar's condition")
	}
	question := strings.NewReplacer("in_grams", "array['万丁', '丁七']", "in_name", "'万丁七'", "in_birth", "null::date", "in_limit", "50").Replace(inner)
	if plan := explainAs(t, w, "akashi_search", question); !strings.Contains(plan, "entry_grams") {
		t.Errorf("entry_grams is not used:\n%s", plan)
	}
}

// explainAs is explain under the role that owns a function, for the statement inside.
func explainAs(t *testing.T, w *casetest.World, role, sql string) (plan string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), w.DB.Superuser(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "set local role "+role+"; set local app.door = 'registrar'; set local app.registrar = 'mhlw'"); err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), "explain "+sql)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan = strings.Join(lines, "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func explain(t *testing.T, w *casetest.World, sql string) (plan string) {
	t.Helper()
	err := w.DB.As(pg.RoleOffice).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		rows, err := tx.Query(t.Context(), "explain "+sql)
		if err != nil {
			return err
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			plan += line + "\n"
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestGramsOfAnotherRegistrar: the search function gives nothing through any other door.
func TestGramsOfAnotherRegistrar(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	takenOver(t, w, 1, "見本　橋子", calendar.Date{Year: 1980, Month: 5, Day: 6})
	count := func(tx *pg.Tx) (n int, err error) {
		err = tx.QueryRow(ctx, `select count(*) from search_entry_grams(array['橋'], '橋', null, 10)`).Scan(&n)
		return n, err
	}
	office := w.DB.As(pg.RoleOffice)
	for name, c := range map[string]struct {
		open func(func(*pg.Tx) error) error
		want int
	}{
		"own":    {func(f func(*pg.Tx) error) error { return office.InRegistrar(ctx, "mhlw", f) }, 1},
		"other":  {func(f func(*pg.Tx) error) error { return office.InRegistrar(ctx, "sssc", f) }, 0},
		"body":   {func(f func(*pg.Tx) error) error { return office.InBody(ctx, "mhlw", f) }, 0},
		"nobody": {func(f func(*pg.Tx) error) error { return office.Platform(ctx, f) }, 0},
		"person": {func(f func(*pg.Tx) error) error {
			return office.InPerson(ctx, pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}, f)
		}, 0},
		"public": {func(f func(*pg.Tx) error) error { return office.Public(ctx, f) }, 0},
	} {
		err := c.open(func(tx *pg.Tx) error {
			n, err := count(tx)
			if n != c.want {
				t.Errorf("%s: %d found, want %d", name, n, c.want)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, role := range []string{pg.RoleCitizen, pg.RolePublic, pg.RoleWorker} {
		if err := w.DB.As(role).InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error { _, err := count(tx); return err }); err == nil || !strings.Contains(err.Error(), "permission denied for function") {
			t.Errorf("%s searches: %v, want permission denied", role, err)
		}
	}
	for _, role := range []string{pg.RoleSearch, pg.RoleLink, pg.RoleForward} { // nobody becomes the owner of such a function
		if err := office.InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error { _, err := tx.Exec(ctx, "set role "+role); return err }); err == nil || !strings.Contains(err.Error(), "permission denied to set role") {
			t.Errorf("the office becomes %s: %v", role, err)
		}
	}
}

// TestHistory: an entry's past can be read, and nobody can write it anew.
func TestHistory(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	held, err := w.Wallet.List(ctx, w.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	e := held[0].Entry
	measure, err := w.Office.ProposeMeasure(ctx, w.Keeper, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: review.MeasureSuspend, Reason: "試験", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	w.Approve(t, measure)
	got, past, err := w.Reader.Open(ctx, w.Keeper, e.RegisterID, e.ID, "procedure")
	if err != nil {
		t.Fatal(err)
	}
	if got.State != registry.Suspended || len(past) != 2 || past[0].Act != registry.ActSuspend || past[1].Act != registry.ActRegister {
		t.Errorf("entry %s, history %+v", got.State, past)
	}
	if _, _, err := w.Reader.Open(ctx, w.Keeper, e.RegisterID, e.ID, ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("opening without a purpose: %v, want invalid", err)
	}
	again, err := w.Office.ProposeMeasure(ctx, w.Keeper, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: review.MeasureRevoke, Reason: "試験", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	w.Approve(t, again)
	third, err := w.Office.ProposeMeasure(ctx, w.Keeper, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: review.MeasureSuspend, Reason: "試験", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Office.Take(ctx, w.Approver, third); err != nil {
		t.Fatal(err)
	}
	if err := w.Office.Decide(ctx, w.Approver, third, review.Agree, ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("suspending a revoked entry: %v, want conflict", err)
	}
	for _, role := range []string{pg.RoleOffice, pg.RoleWorker, pg.RoleCitizen} {
		for _, sql := range []string{"update entry_history set act = 'x'", "delete from entry_history", "delete from entry"} {
			err := w.DB.As(role).Platform(ctx, func(tx *pg.Tx) error { _, err := tx.Exec(ctx, sql); return err })
			if err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s as %s: %v, want permission denied", sql, role, err)
			}
		}
	}
}

// TestExamineAlike: somebody of the same name and birth date in the register is shown to the reviewer.
func TestExamineAlike(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	takenOver(t, w, 7, "見本　花子", casetest.Card().BirthDate)
	v, err := w.Office.Open(t.Context(), w.Reviewer, w.InReview(t), "procedure")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Findings {
		if f.Check == "entry" && (f.Result != review.Attention || f.Code != "entry_alike") {
			t.Errorf("finding %+v", f)
		}
	}
	if who := application.Declared(v.Case); who.Name != (person.Name{Family: "見本", Given: "花子"}) {
		t.Errorf("declared %+v", who)
	}
}

// TestMeasureOnce: an entry has one measure before a second person at a time. One that is proposed again after it was decided
// finds nothing left to do and changes nothing.
func TestMeasureOnce(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	e := held[0].Entry
	for _, kind := range []string{review.MeasureSuspend, review.MeasureRestore} {
		first := measure(t, w, e, kind)
		again := review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: kind, Reason: "二度目", Who: casetest.Card()}
		var f *fault.Error
		if _, err := w.Office.ProposeMeasure(t.Context(), w.Keeper, again); !errors.As(err, &f) || f.Key != "fault.measure_open" {
			t.Errorf("a second %s while one waits: %v, want fault.measure_open", kind, err)
		}
		w.Approve(t, first)
		late := measure(t, w, e, kind)
		refused(t, w, late, "fault.entry_moved_on")
		if err := w.Office.Decide(t.Context(), w.Approver, late, review.Return, "すでに行われています"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRestoredBesideAnother: a revoked entry cannot come back while its holder stands in the register under another.
func TestRestoredBesideAnother(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	e := held[0].Entry
	w.Approve(t, measure(t, w, e, review.MeasureRevoke))
	w.Registered(t)
	refused(t, w, measure(t, w, e, review.MeasureRestore), "fault.entry_exists")
}

// measure proposes a measure on an entry.
func measure(t *testing.T, w *casetest.World, e registry.Entry, kind string) string {
	t.Helper()
	id, err := w.Office.ProposeMeasure(t.Context(), w.Keeper, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef,
		Kind: kind, Reason: "試験", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// refused sees that the second person cannot agree to a case, and why.
func refused(t *testing.T, w *casetest.World, id, key string) {
	t.Helper()
	if err := w.Office.Take(t.Context(), w.Approver, id); err != nil {
		t.Fatal(err)
	}
	var f *fault.Error
	err := w.Office.Decide(t.Context(), w.Approver, id, review.Agree, "")
	if !errors.Is(err, fault.Conflict) || !errors.As(err, &f) || f.Key != key {
		t.Errorf("agreeing to %s: %v, want %s", id, err, key)
	}
}
