package casetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// CompareMoves compares a stage's table of moves with the one in the database, which also has the seed pair that lets a
// row be inserted.
func CompareMoves[S ~string](t testing.TB, w *World, table string, moves map[S][]S, states []S, seed string) {
	t.Helper()
	var want []string
	for from, next := range moves {
		if !slices.Contains(states, from) {
			t.Errorf("moves from %s, which is no state", from)
		}
		for _, to := range next {
			want = append(want, string(from)+" > "+string(to))
		}
	}
	if pair := seed + " > " + seed; !slices.Contains(want, pair) {
		want = append(want, pair)
	}
	slices.Sort(want)
	rows, err := w.DB.Superuser().Query(t.Context(), fmt.Sprintf("select prior_state || ' > ' || state from %s", table))
	check(t, err)
	got := must(pgx.CollectRows(rows, pgx.RowTo[string]))(t)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s in the database: %v\nin Go: %v", table, got, want)
	}
}

// CompareStates compares a stage's states with those of the database, each of which has a sentence.
func CompareStates[S ~string](t testing.TB, w *World, table string, states []S) {
	t.Helper()
	rows, err := w.DB.Superuser().Query(t.Context(), fmt.Sprintf("select state from %s where sentence <> '' order by state", table))
	check(t, err)
	got := must(pgx.CollectRows(rows, pgx.RowTo[string]))(t)
	var want []string
	for _, s := range states {
		want = append(want, string(s))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s in the database: %v\nin Go: %v", table, got, want)
	}
}

// CompareCounters compares the counters of every inbox with its work items.
func CompareCounters(t testing.TB, w *World) {
	t.Helper()
	var wrong int
	check(t, w.DB.Superuser().QueryRow(t.Context(), `
		select count(*) from
		  (select body_id, step, state, sum(n) n from work_count group by 1, 2, 3) c
		  full join (select body_id, step, state, count(*) n from work_item where state <> 'done' group by 1, 2, 3) i
		    using (body_id, step, state)
		 where coalesce(c.n, 0) <> coalesce(i.n, 0)`).Scan(&wrong))
	if wrong > 0 {
		t.Errorf("%d counters of the inbox differ from its work items", wrong)
	}
}
