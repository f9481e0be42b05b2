package bench

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"akashi/internal/audit"
	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/system"
)

// settle lets the time pass after which the jobs of killed processes are taken up by others, and waits until no job is
// left.
func (w *crashWorld) settle(t *testing.T) {
	t.Helper()
	w.server.stopAnyhow(t)
	w.database(t, func(db *system.Database) {
		_, err := w.as(t, db, pgserver.Superuser).Pool.Exec(t.Context(), `
			update river_job set attempted_at = attempted_at - interval '1 hour', scheduled_at = scheduled_at - interval '1 hour'
			 where state in ('running', 'retryable', 'scheduled')`)
		must(t, err)
	})
	w.mu.Lock()
	w.up = make(chan struct{})
	w.mu.Unlock()
	w.start(t)
	admin := w.running(t)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		left := column[string](t, admin, `select kind || ' ' || state::text from river_job where state in ('available', 'running', 'retryable', 'scheduled', 'pending')`)
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("jobs that never end: %v\n%s", left, w.tail())
		}
	}
}

// running opens the database of the running child, whose postmaster has written down where its socket is.
func (w *crashWorld) running(t *testing.T) *pgxpool.Pool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.data(), "postgres", "pgdata", "postmaster.pid"))
	must(t, err)
	pool, err := pgxpool.New(t.Context(), "host="+strings.Split(string(text), "\n")[4]+" user=postgres dbname=akashi")
	must(t, err)
	return pool
}

// facts tells of a case what an answer can have acknowledged.
const facts = `
	select a.public_id, array_remove(array['begun',
	  case when a.answers->'values'->>'fined' = 'no' then 'filled' end,
	  case when exists (select from submission s where s.register_id = a.register_id and s.application_id = a.id) then 'submitted' end,
	  case when exists (select from payment_order o where o.register_id = a.register_id and o.application_id = a.id and o.state = 'paid') then 'paid' end,
	  case when exists (select from decision d where d.register_id = a.register_id and d.application_id = a.id) then 'proposed' end,
	  case when exists (select from decision d where d.register_id = a.register_id and d.application_id = a.id and d.outcome = 'approved') then 'approved' end], null)
	  from application a`

// nothingLost sees, before the clients go on and could make up for it, that everything that was acknowledged is there.
func (w *crashWorld) nothingLost(t *testing.T) {
	t.Helper()
	admin := w.running(t)
	defer admin.Close()
	rows, err := admin.Query(t.Context(), facts)
	must(t, err)
	there := map[string][]string{}
	var id string
	var is []string
	_, err = pgx.ForEachRow(rows, []any{&id, &is}, func() error {
		there[id] = slices.Clone(is)
		return nil
	})
	must(t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, said := range w.said {
		for _, what := range said {
			if !slices.Contains(there[id], what) {
				t.Errorf("crash %d: it was acknowledged that case %s was %s; what is there is %v", w.crashes, id, what, there[id])
			}
		}
	}
}

// column reads one column.
func column[T any](t *testing.T, db *pgxpool.Pool, sql string) []T {
	t.Helper()
	rows, err := db.Query(t.Context(), sql)
	must(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[T])
	must(t, err)
	return out
}

func one[T any](t *testing.T, db *pgxpool.Pool, sql string) T {
	t.Helper()
	all := column[T](t, db, sql)
	if len(all) != 1 {
		t.Fatalf("%s: %d rows", sql, len(all))
	}
	return all[0]
}

// examine compares what was acknowledged with what is there.
func (w *crashWorld) examine(t *testing.T) {
	t.Helper()
	w.database(t, func(db *system.Database) {
		admin := w.as(t, db, pgserver.Superuser).Pool
		n := w.cases(t, admin)
		t.Logf("%d crashes, %d cases", w.crashes, n)
		w.numbers(t, admin, n)
		w.money(t, admin, n)
		w.credentials(t, admin, n)
		w.log(t, db, admin, n)
		w.inbox(t, admin)
	})
}

// cases sees that every case that was begun has reached its end, with everything that was acknowledged. It returns how
// many there are.
func (w *crashWorld) cases(t *testing.T, admin *pgxpool.Pool) int {
	t.Helper()
	there := column[string](t, admin, `
		select public_id from application a where state = 'registered'
		   and exists (select from submission s where s.register_id = a.register_id and s.application_id = a.id and s.round = 0)
		   and exists (select from decision d where d.register_id = a.register_id and d.application_id = a.id and d.outcome = 'approved')
		   and answers->'values'->>'tel' = '09012345678' and answers->'values'->>'fined' = 'no'
		   and exists (select from upload u where u.register_id = a.register_id and u.application_id = a.id and u.removed_at is null)`)
	for id, said := range w.said {
		if !slices.Contains(there, id) {
			t.Errorf("case %s, of which was acknowledged that it was %v, is not there or not at its end", id, said)
		}
	}
	if stuck := column[string](t, admin, `select public_id || ' ' || state from application where state <> 'registered'`); len(stuck) > 0 {
		t.Errorf("cases that have not reached their end: %v", stuck)
	}
	if len(there) < w.next || w.next < crashRounds {
		t.Errorf("%d cases at their end, %d applicants", len(there), w.next)
	}
	// The job of a question whose case has been decided meanwhile ends without asking.
	open := column[string](t, admin, `
		select q.system || ' of ' || a.public_id from inquiry q join application a on a.register_id = q.register_id and a.id = q.application_id
		 where q.state = 'waiting' and not exists (select from river_job j where j.args->>'inquiry_id' = q.id::text and j.state = 'completed')`)
	if len(open) > 0 {
		t.Errorf("questions to the registries that nobody asks any more: %v", open)
	}
	return len(there)
}

// numbers sees that every registration number was given once and none skipped.
func (w *crashWorld) numbers(t *testing.T, admin *pgxpool.Pool, n int) {
	t.Helper()
	given := column[int64](t, admin, `select ordinal from entry where register_id = '`+register+`' order by ordinal`)
	if len(given) != n {
		t.Errorf("%d entries for %d cases", len(given), n)
	}
	for i := 1; i < len(given); i++ {
		if given[i] != given[i-1]+1 {
			t.Errorf("after registration number %d comes %d", given[i-1], given[i])
		}
	}
	next := one[int64](t, admin, `select next from numbering where register_id = '`+register+`'`)
	if len(given) > 0 && next != given[len(given)-1]+1 {
		t.Errorf("the last number is %d and the next %d", given[len(given)-1], next)
	}
}

// money sees that every payer was charged once, and that we know it.
func (w *crashWorld) money(t *testing.T, admin *pgxpool.Pool, n int) {
	t.Helper()
	if charges, orders := w.sims.Payment.Charges(), w.sims.Payment.Orders(); charges != n || orders != n {
		t.Errorf("%d charges and %d orders at the provider for %d cases", charges, orders, n)
	}
	if unpaid := one[int](t, admin, `select count(*)::int from payment_order where state <> 'paid'`); unpaid > 0 {
		t.Errorf("%d orders are not known to be paid", unpaid)
	}
}

// credentials sees that every entry has one credential in force, whose signature holds.
func (w *crashWorld) credentials(t *testing.T, admin *pgxpool.Pool, n int) {
	t.Helper()
	var key jose.JSONWebKey
	must(t, json.Unmarshal([]byte(one[string](t, admin, `select public_jwk::text from signing_key where registrar_id = '`+registrar+`' and purpose = 'credential'`)), &key))
	rows, err := admin.Query(t.Context(), `select e.number, c.kid, c.payload, c.signature from entry e
		join credential c on c.register_id = e.register_id and c.entry_id = e.id and c.state = 'valid'`)
	must(t, err)
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c credential.Credential, err error) {
		return c, row.Scan(&c.PublicID, &c.KID, &c.Payload, &c.Signature)
	})
	must(t, err)
	if all := one[int](t, admin, `select count(*)::int from credential`); len(found) != n || all != n {
		t.Errorf("%d credentials, %d of them in force, for %d cases", all, len(found), n)
	}
	for _, c := range found {
		message, err := c.Message()
		must(t, err)
		s, err := cose.Decode(message)
		must(t, err)
		if err := cose.Verify(key.Key, s); err != nil {
			t.Errorf("credential of entry %s: %v", c.PublicID, err)
		}
	}
}

// log sees that the audit log has every act once and that nothing in it contradicts.
func (w *crashWorld) log(t *testing.T, db *system.Database, admin *pgxpool.Pool, n int) {
	t.Helper()
	v, err := system.OpenVault(w.data())
	must(t, err)
	worker := w.as(t, db, pg.RoleWorker)
	sequencer := audit.NewSequencer(audit.SequencerConfig{DB: worker, Signer: v.Checkpoint().Signer()})
	for {
		step, err := sequencer.Step(t.Context())
		must(t, err)
		if step.Numbered == 0 {
			break
		}
	}
	report, err := audit.Verify(t.Context(), worker, v.Checkpoint().Verifier())
	must(t, err)
	if err := report.Err(); err != nil {
		t.Errorf("the audit log: %v", err)
	}
	if events := one[int64](t, admin, `select count(*) from audit_event`); report.Events != events {
		t.Errorf("%d of %d events are numbered", report.Events, events)
	}
	for _, act := range []audit.Act{audit.ApplicationStart, audit.ApplicationSubmit, audit.PaymentSettle, audit.CasePropose, audit.CaseApprove, audit.EntryCreate, audit.CredentialIssue} {
		if got := one[int](t, admin, `select count(*)::int from audit_event where act = '`+string(act)+`'`); got != n {
			t.Errorf("%d events %s for %d cases", got, act, n)
		}
	}
}

// inbox sees that the counters say what the work items say.
func (w *crashWorld) inbox(t *testing.T, admin *pgxpool.Pool) {
	t.Helper()
	wrong := column[string](t, admin, `
		select coalesce(c.step, i.step) || ' ' || coalesce(c.state, i.state) || ': ' || coalesce(c.n, 0) || ' counted, ' || coalesce(i.n, 0) || ' there'
		  from (select step, state, sum(n) as n from work_count group by step, state having sum(n) <> 0) c
		  full join (select step, state, count(*) as n from work_item where state <> 'done' group by step, state) i on i.step = c.step and i.state = c.state
		 where coalesce(c.n, 0) <> coalesce(i.n, 0)`)
	if len(wrong) > 0 {
		t.Errorf("the inbox's counters: %v", wrong)
	}
}
