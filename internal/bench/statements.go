package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/system"
)

// statement is one statement as it was sent.
type statement struct {
	sql  string
	args []any
	rows int64 // what it wrote; -1 for one that reads
}

// trip is what travelled to the database and back at once: one statement, or a batch.
type trip []statement

// unit is what one connection did for one purpose: a transaction from begin to commit, or a statement by itself.
type unit struct {
	role  string
	trips []trip
}

// script is the SQL of one case in the order in which its units ended.
type script []unit

// count is how many statements there are, without those that begin and end transactions and open doors; these are
// plainCount.
func (s script) count() int { return s.countIf(func(s statement) bool { return !s.plain() }) }

func (s script) plainCount() int { return s.countIf(statement.plain) }

func (s script) countIf(is func(statement) bool) (n int) {
	for _, u := range s {
		for _, t := range u.trips {
			for _, statement := range t {
				if is(statement) {
					n++
				}
			}
		}
	}
	return n
}

// recorder hears of the statements of a whole process and sorts them into units by connection.
type recorder struct {
	mu   sync.Mutex
	on   bool
	open map[*pgx.Conn]*unit // transactions that have begun
	made script
}

var errNotRecorded = errors.New("the recorded case lacks statements")

type tripKey struct{}

// TraceQueryStart satisfies pgx.QueryTracer.
func (r *recorder) TraceQueryStart(ctx context.Context, conn *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, tripKey{}, trip{{sql: d.SQL, args: d.Args, rows: -1}})
}

// TraceQueryEnd satisfies pgx.QueryTracer.
func (r *recorder) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, d pgx.TraceQueryEndData) {
	t, ok := ctx.Value(tripKey{}).(trip)
	if !ok {
		return
	}
	if !d.CommandTag.Select() {
		t[0].rows = d.CommandTag.RowsAffected()
	}
	r.add(conn, t)
}

// TraceBatchStart satisfies pgx.BatchTracer.
func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	t := make(trip, 0, d.Batch.Len())
	return context.WithValue(ctx, tripKey{}, &t)
}

// TraceBatchQuery satisfies pgx.BatchTracer.
func (r *recorder) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	t, ok := ctx.Value(tripKey{}).(*trip)
	if !ok {
		return
	}
	s := statement{sql: d.SQL, args: d.Args, rows: -1}
	if !d.CommandTag.Select() {
		s.rows = d.CommandTag.RowsAffected()
	}
	*t = append(*t, s)
}

// TraceBatchEnd satisfies pgx.BatchTracer.
func (r *recorder) TraceBatchEnd(ctx context.Context, conn *pgx.Conn, _ pgx.TraceBatchEndData) {
	if t, ok := ctx.Value(tripKey{}).(*trip); ok && len(*t) > 0 {
		r.add(conn, *t)
	}
}

func (r *recorder) add(conn *pgx.Conn, t trip) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, within := r.open[conn]
	if !within {
		u = &unit{role: conn.Config().User}
	}
	u.trips = append(u.trips, t)
	begins, ends := strings.HasPrefix(t[0].sql, "begin"), t[len(t)-1].ends()
	if (begins || within) && !ends {
		r.open[conn] = u
		return
	}
	delete(r.open, conn)
	if r.on && u.ours() {
		r.made = append(r.made, *u)
	}
}

// ends tells whether the statement is the last of a transaction.
func (s statement) ends() bool { return s.sql == "commit" || s.sql == "rollback" }

// plain tells whether the program sends the statement as it is, without preparing it.
func (s statement) plain() bool {
	return len(s.args) == 0 && (strings.HasPrefix(s.sql, "begin") || strings.HasPrefix(s.sql, "set local ") || s.ends())
}

// foreign are marks of statements that belong to no case: fetching and ending of jobs, the numbering of the audit log, what is
// looked for every few minutes in every register, and the publication of status lists.
var foreign = []string{"-- name: JobGet", "-- name: JobSet", "-- name: JobSchedule", "-- name: JobInsertFastMany", "-- name: Leader", "-- name: Queue",
	"audit_head", "insert into audit_leaf", "audit_event e where e.xid", "pg_try_advisory", "LISTEN ", "UNLISTEN ",
	"signature is null and intended_at < $2", "o.state = 'offered' and o.created_at < $1", "(state in ('draft', 'signing') and expires_at < $2",
	"from stored_file where uses = 0", "delete from session where portal = $1 and expires_at", "delete from issuance_", "delete from presentation where keep_until",
	"from relying_client order by id", "select count(*) from river_job", "from status_need"}

// ours tells the work on a case from what goes on all the time. That costs the pages as well, and the statements alone do
// without it.
func (u *unit) ours() bool {
	for _, t := range u.trips {
		for _, s := range t {
			if slices.ContainsFunc(foreign, func(mark string) bool { return strings.Contains(s.sql, mark) }) {
				return false
			}
		}
	}
	return true
}

// recordedPeople are the applicants whose cases are worked for the record. The first case of all is not like the others:
// it brings the document that all hand in, and the first plans. So the second is recorded.
const recordedPeople = 2

// record runs Akashi in this process, works cases through the pages, and returns the statements of the last.
func (s *site) record(ctx context.Context, c Config) (made script, err error) {
	r := &recorder{open: map[*pgx.Conn]*unit{}}
	s.db.Trace(r)
	defer s.db.Trace(nil)
	cfg, err := s.system(c.Log)
	if err != nil {
		return nil, err
	}
	inside, err := system.New(ctx, cfg, s.db)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- inside.Run(running) }()
	err = s.recordCase(ctx, inside, r)
	s.wires.close() // another process will answer there
	stop()
	return r.made, errors.Join(err, <-ended)
}

func (s *site) recordCase(ctx context.Context, inside *system.System, r *recorder) error {
	if err := (&child{exited: make(chan struct{})}).awaitHealth(ctx, s.Citizen, s.Office, s.Public, s.API); err != nil {
		return err
	}
	reviewer, approver := newVisitor(s.wires, 0), newVisitor(s.wires, 0)
	for _, enter := range []func() error{
		func() error { return s.sit(ctx, reviewer, account.Reviewer, s.Clients) },
		func() error { return s.sit(ctx, approver, account.Approver, s.Clients) },
	} {
		if err := enter(); err != nil {
			return err
		}
	}
	defer r.listen(false)
	for n := range recordedPeople {
		if err := s.workOne(ctx, inside, newVisitor(s.wires, 0), reviewer, approver, n, func() { r.listen(n == recordedPeople-1) }); err != nil {
			return err
		}
	}
	return nil
}

// workOne works the n-th applicant's case to its end. loggedIn is called when the case begins.
func (s *site) workOne(ctx context.Context, inside *system.System, applicant, reviewer, approver *visitor, n int, loggedIn func()) error {
	if err := s.login(ctx, applicant, n); err != nil {
		return err
	}
	loggedIn()
	if _, err := s.apply(ctx, applicant, n, func(string) {}); err != nil {
		return err
	}
	id, err := s.next(ctx, reviewer, application.StepReview)
	if err != nil {
		return err
	}
	if err := s.review(ctx, reviewer, id); err != nil {
		return err
	}
	if id, err = s.next(ctx, approver, application.StepApproval); err != nil {
		return err
	}
	if err := s.decide(ctx, approver, id); err != nil {
		return err
	}
	if err := s.outcome(ctx, applicant, id); err != nil {
		return err
	}
	if _, err := inside.Worker().Drain(ctx); err != nil {
		return fmt.Errorf("working the jobs of the recorded case: %w", err)
	}
	return nil
}

func (r *recorder) listen(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = on
}

// system is the configuration of Akashi in this process, the same as serve's.
func (p Place) system(log *slog.Logger) (system.Config, error) {
	anchors, err := readAnchor(p.anchor())
	if err != nil {
		return system.Config{}, err
	}
	at := func(host string) system.Address { return system.Address{Listen: host, Origin: "http://" + host} }
	service := func(host string) system.Service { return system.Service{URL: "http://" + host, ClientID: clientID} }
	if log == nil {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	return system.Config{Parts: system.Parts, DataDir: p.data(), Clock: clock.System{}, Log: log, Demo: true,
		Addresses: map[system.Part]system.Address{system.Citizen: at(p.Citizen), system.Office: at(p.Office),
			system.Public: at(p.Public), system.API: at(p.API)},
		CitizenLogin: system.Login{Issuer: p.Simulators.LoginIssuer(), ClientID: clientID},
		StaffLogin:   system.Login{Issuer: p.Simulators.StaffIssuer(), ClientID: clientID},
		Resident:     service(p.Simulators.Resident), Family: service(p.Simulators.Family), Payment: service(p.Simulators.Payment),
		Anchors: anchors, RevocationLists: p.Simulators.RevocationLists()}, nil
}

// replay sends the recorded statements again with fresh ids, from as many connections as there were clients, and returns how
// many cases a second that makes. known are ids that were there before, in groups: those of the first group were recorded, and
// each repetition has those of one group.
func (s *site) replay(ctx context.Context, c Config, made script, known [][]uuid.UUID) (Row, error) {
	if len(made) == 0 {
		return Row{}, errNotRecorded
	}
	r, err := s.newReplay(ctx, made, known)
	if err != nil {
		return Row{}, err
	}
	if _, err := r.run(ctx, s.Clients, c.For/4); err != nil { // until every connection has its plans
		return Row{}, err
	}
	began := time.Now()
	n, err := r.run(ctx, s.Clients, c.For)
	if err != nil {
		return Row{}, err
	}
	note := fmt.Sprintf("%d statements in %d round trips each, and %d that begin, open doors and end", made.count(), made.tripCount(), made.plainCount())
	if odd := r.different.Load(); odd > 0 {
		note += fmt.Sprintf("; %d of them wrote another number of rows than when recorded", odd)
	}
	return plain("same statements through pgx", float64(n)/time.Since(began).Seconds(), "cases/s", note), nil
}

func (s script) tripCount() (n int) {
	for _, u := range s {
		n += len(u.trips)
	}
	return n
}

func faultIf(err error, doing string) error { return fault.Wrap(fault.Internal, err, doing) }
