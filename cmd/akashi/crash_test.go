package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"

	"akashi/internal/casetest"
	"akashi/internal/format/statuslist"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/programtest"
)

// crashLists is how many lists are to be published at once, so that a kill comes in the midst of it.
const crashLists = 24

// publishing is a worker process that publishes status lists of a database, and what it did.
type publishing struct {
	*casetest.World
	program, data string
	place         int // of the credential's copy, in list 1
}

// TestKilledWhilePublishing kills the worker in the midst of publishing status lists, again and again. At each moment every
// published list holds and says what it was computed to say; a need that is gone was published; and in the end all lists say what
// is so, each version once, without a gap.
func TestKilledWhilePublishing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts the worker several times")
	}
	p := newPublishing(t)
	state := statuslist.Valid
	for round := range 5 {
		state = map[statuslist.Status]statuslist.Status{statuslist.Valid: statuslist.Suspended, statuslist.Suspended: statuslist.Valid}[state]
		p.change(t, state)
		worker := p.start(t)
		left := rand.IntN(crashLists - 1) // so many needs are left when it dies, or fewer
		p.wait(t, worker, func() bool { return p.needs(t) <= left })
		worker.kill(t)
		p.examine(t, state, round)
	}
	p.change(t, state) // so that it has something to do: what it has done tells that it is ready to be stopped
	worker := p.start(t)
	p.wait(t, worker, func() bool { return p.needs(t) == 0 })
	worker.stop(t)
	p.examine(t, state, -1)
}

func newPublishing(t *testing.T) *publishing {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err == nil {
		_, err = w.Wallet.Compact(t.Context(), w.Nurse, held[0].Entry.RegisterID, held[0].Entry.ID, nil, "https://check.example/w/")
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &publishing{World: w, data: filepath.Join(t.TempDir(), "data")}
	p.program = programtest.File(t)
	if err := w.DB.Superuser().QueryRow(t.Context(), `select idx from status_slot`).Scan(&p.place); err != nil {
		t.Fatal(err)
	}
	p.exec(t, `insert into status_list (register_id, list_no, opened_at) select register_id, n, opened_at from status_list, generate_series(2, $1) n`, crashLists)
	return p
}

func (p *publishing) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := p.DB.Superuser().Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// change changes the credential's state with the needs, as the acts of holders and offices do.
func (p *publishing) change(t *testing.T, to statuslist.Status) {
	t.Helper()
	state := map[statuslist.Status]string{statuslist.Valid: "valid", statuslist.Suspended: "suspended"}[to]
	err := pgx.BeginFunc(t.Context(), p.DB.Superuser(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `update credential set prior_state = state, state = $1 where state <> $1`, state); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into status_need (register_id, list_no, id, at) select register_id, list_no, gen_random_uuid(), opened_at from status_list`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// needs counts the lists that are still to be published.
func (p *publishing) needs(t *testing.T) (n int) {
	t.Helper()
	if err := p.DB.Superuser().QueryRow(t.Context(), `select count(distinct list_no) from status_need`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// address is that of a test's database, as --database takes it.
func address(t *testing.T, db *pgtest.Database) string {
	t.Helper()
	c, err := pgx.ParseConfig(db.DSN(pg.RoleWorker))
	if err != nil {
		t.Fatal(err)
	}
	return "postgres:///" + c.Database + "?" + url.Values{"host": {c.Host}, "port": {strconv.Itoa(int(c.Port))}, "sslmode": {"disable"}}.Encode()
}

// process is a running worker.
type process struct {
	cmd   *exec.Cmd
	ended chan error
	said  bytes.Buffer
}

func (p *publishing) start(t *testing.T) *process {
	t.Helper()
	const nobody = "http://127.0.0.1:1"
	w := &process{ended: make(chan error, 1)}
	w.cmd = exec.Command(p.program, "serve", "--portals=worker", "--database="+address(t, p.DB), "--data-dir="+p.data, "--public-origin="+casetest.Site,
		"--resident-url="+nobody, "--resident-client-id=x", "--family-url="+nobody, "--family-client-id=x", "--payment-url="+nobody, "--payment-client-id=x")
	w.cmd.Stderr = &w.said
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.ended <- w.cmd.Wait() }()
	t.Cleanup(func() { _ = w.cmd.Process.Kill() }) // it has ended, unless the test failed
	return w
}

func (w *process) kill(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-w.ended
}

func (w *process) stop(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-w.ended; err != nil {
		t.Errorf("the worker stopped with %v\n%s", err, w.said.String())
	}
}

// wait asks until something is so, or fails when the process has ended or half of the test's time is over.
func (p *publishing) wait(t *testing.T, w *process, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !so() {
		select {
		case err := <-w.ended:
			t.Fatalf("the worker ended by itself: %v\n%s", err, w.said.String())
		case <-ctx.Done():
			t.Fatalf("%d lists are still to be published\n%s", p.needs(t), w.said.String())
		case <-time.After(5 * time.Millisecond): // the worker needs the processor, too
		}
	}
}

type storedList struct {
	List, Versions, Highest int
	Needed                  bool
	Content                 []byte
	JWT                     string
	CWT                     []byte
	KID                     string
	JWK                     []byte
	IssuedAt                time.Time
}

// examine reads every newest version as a verifier would.
func (p *publishing) examine(t *testing.T, state statuslist.Status, round int) {
	t.Helper()
	rows, err := p.DB.Superuser().Query(t.Context(), `
		select v.list_no, count(*) over (partition by v.list_no), v.version, exists (select 1 from status_need n where n.list_no = v.list_no), v.content, v.jwt, v.cwt, v.kid,
		       k.public_jwk::text::bytea, v.issued_at
		  from status_version v join signing_key k on k.kid = v.kid and k.purpose = 'status' order by v.list_no, v.version`)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := pgx.CollectRows(rows, pgx.RowToStructByPos[storedList])
	if err != nil {
		t.Fatal(err)
	}
	newest := map[int]storedList{}
	for _, l := range lists {
		if l.Highest != newest[l.List].Highest+1 || l.Highest > l.Versions {
			t.Errorf("round %d: list %d goes from version %d to %d", round, l.List, newest[l.List].Highest, l.Highest)
		}
		newest[l.List] = l
	}
	for no, l := range newest {
		got := p.said(t, l)
		want := statuslist.Valid
		if no == 1 {
			want = state
		}
		if got != want && !l.Needed {
			t.Errorf("round %d: list %d says %d and nothing is to be published, want %d", round, no, got, want)
		}
	}
	if round < 0 && len(newest) != crashLists {
		t.Errorf("%d lists are published, want %d", len(newest), crashLists)
	}
}

// said is the value of the credential's place in a list, after both forms were checked.
func (p *publishing) said(t *testing.T, l storedList) statuslist.Status {
	t.Helper()
	var key jose.JSONWebKey
	if err := json.Unmarshal(l.JWK, &key); err != nil {
		t.Fatal(err)
	}
	of := func(string, []*x509.Certificate) (crypto.PublicKey, error) { return key.Key, nil }
	subject, err := statuslist.Subject([]byte(l.JWT))
	if err != nil {
		t.Fatalf("list %d: %v", l.List, err)
	}
	expect := statuslist.Expect{Subject: subject, Now: l.IssuedAt}
	jwt, err := statuslist.ReadJWT(l.JWT, of, expect)
	if err != nil {
		t.Fatalf("list %d: %v", l.List, err)
	}
	cwt, err := statuslist.ReadCWT(l.CWT, of, expect)
	if err != nil {
		t.Fatalf("list %d: %v", l.List, err)
	}
	digest := jwt.List.Digest()
	if digest != cwt.List.Digest() || !slices.Equal(digest[:], l.Content) {
		t.Errorf("list %d does not say what was computed", l.List)
	}
	value, err := jwt.List.Get(p.place)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
