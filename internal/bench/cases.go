package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"akashi/internal/account"
	"akashi/internal/application"
)

// errEmpty means that the inbox had nothing to take.
var errEmpty = errors.New("the inbox is empty")

// Aims of the cases' bench, on two cores with client and database on them.
const (
	aimCases  = 60.0  // cases a second with eight clients
	aimP95    = 100.0 // milliseconds of each request
	aimMemory = 300.0 // megabytes of akashi serve
	aimSQL    = 0.2   // of the same statements without pages
)

// perSecond bounds how many applicants are invented for a second of measurement; more cases than that are not counted.
const perSecond = 110

// Cases measures whole cases through the pages. Applicants and staff have logged in before; a case is the fixed list of
// requests of case.go.
func Cases(ctx context.Context, c Config) (rows []Row, err error) {
	warm := 25 * c.Clients // until every connection has its plans
	people := warm + recordedPeople + int(c.For.Seconds()*perSecond)
	s, err := open(ctx, c, people)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	fmt.Fprintln(c.Out, "recording the statements of one case")
	recorded, err := s.record(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.serve(ctx, c.Program); err != nil {
		return nil, err
	}
	crowd, err := s.crowd(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := crowd.warmUp(ctx, warm); err != nil {
		return nil, err
	}
	m, err := crowd.measure(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.stopServing(); err != nil {
		return nil, err
	}
	fmt.Fprintf(c.Out, "sending the %d statements of a case again, without pages\n", recorded.count())
	sql, err := s.replay(ctx, c, recorded, nil)
	if err != nil {
		return nil, err
	}
	return m.rows(sql), nil
}

// crowd is everybody who takes part, logged in.
type crowd struct {
	*site
	applicants []*visitor
	reviewers  []*visitor // one for each client
	approvers  []*visitor
	used       atomic.Int64 // applicants who have begun

	mu    sync.Mutex
	whose map[string]*visitor // applicant of a case
}

// crowd logs everybody in, each once.
func (s *site) crowd(ctx context.Context, c Config) (*crowd, error) {
	fmt.Fprintf(c.Out, "logging %d applicants and %d members of staff in\n", s.People, 2*s.Clients)
	w := &crowd{site: s, whose: map[string]*visitor{}, applicants: make([]*visitor, s.People)}
	w.used.Store(recordedPeople)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.Clients)
	for n := range s.Clients {
		w.reviewers = append(w.reviewers, newVisitor(s.wires, n))
		w.approvers = append(w.approvers, newVisitor(s.wires, n))
		g.Go(func() error { return s.sit(ctx, w.reviewers[n], account.Reviewer, n) })
		g.Go(func() error { return s.sit(ctx, w.approvers[n], account.Approver, n) })
	}
	for n := range s.People {
		w.applicants[n] = newVisitor(s.wires, n)
		g.Go(func() error { return s.login(ctx, w.applicants[n], n) })
	}
	return w, g.Wait()
}

// run lets every client work cases until there were enough or the time is over. It returns how many were finished.
func (w *crowd) run(ctx context.Context, most int, limit time.Duration, t *timings) (int, error) {
	for _, v := range slices.Concat(w.applicants, w.reviewers, w.approvers) {
		v.timings = t
	}
	end := time.Now().Add(limit)
	var begun, done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for client := range w.Clients {
		g.Go(func() error {
			for time.Now().Before(end) && begun.Add(1) <= int64(most) {
				if ended, err := w.one(ctx, client); err != nil || ended {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := g.Wait()
	return int(done.Load()), err
}

// one makes a case, reviews one and decides one: each that is next in the inbox, whosever it is. It reports when there
// are no more applicants.
func (w *crowd) one(ctx context.Context, client int) (ended bool, err error) {
	n := int(w.used.Add(1)) - 1
	if n >= len(w.applicants) {
		return true, nil
	}
	v := w.applicants[n]
	if _, err := w.apply(ctx, v, n, func(id string) { w.begun(v, id) }); err != nil {
		return false, fmt.Errorf("applicant %d: %w", n, err)
	}
	id, err := w.take(ctx, w.reviewers[client], application.StepReview)
	if err != nil {
		return false, err
	}
	if err := w.review(ctx, w.reviewers[client], id); err != nil {
		return false, fmt.Errorf("reviewing %s: %w", id, err)
	}
	if id, err = w.take(ctx, w.approvers[client], application.StepApproval); err != nil {
		return false, err
	}
	if err := w.decide(ctx, w.approvers[client], id); err != nil {
		return false, fmt.Errorf("deciding %s: %w", id, err)
	}
	w.mu.Lock()
	v = w.whose[id]
	w.mu.Unlock()
	return false, w.outcome(ctx, v, id)
}

// begun keeps whose case it is. Whoever decides it may do so before its applicant has seen the payment's last page.
func (w *crowd) begun(v *visitor, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whose[id] = v
}

// take takes the next case. Each client puts one in before it takes one, so that one is there; but whoever looks while
// others have locked what is open sees nothing, and looks again.
func (w *crowd) take(ctx context.Context, v *visitor, step string) (id string, err error) {
	for range 100 {
		if id, err = w.next(ctx, v, step); !errors.Is(err, errEmpty) {
			return id, err
		}
	}
	return "", err
}

// warmUp works cases until every connection has its plans. In the middle it gathers the planner's statistics, as
// autovacuum does once a minute: plans that were made while the tables were empty would otherwise be measured, which no
// table of any age has.
func (w *crowd) warmUp(ctx context.Context, cases int) error {
	if _, err := w.run(ctx, cases/2, time.Hour, nil); err != nil {
		return err
	}
	if _, err := w.admin.Pool.Exec(ctx, "analyze"); err != nil {
		return fmt.Errorf("gathering the planner's statistics: %w", err)
	}
	_, err := w.run(ctx, cases/2, time.Hour, nil)
	return err
}

// measured is what came out of the measured time.
type measured struct {
	cases    int
	took     time.Duration
	timings  *timings
	cpu      map[string]float64 // seconds, by process
	memory   float64
	requests int
}

// measure runs for the configured time.
func (w *crowd) measure(ctx context.Context, c Config) (m measured, err error) {
	fmt.Fprintf(c.Out, "working cases with %d clients for %s\n", w.Clients, c.For)
	m.timings = newTimings()
	before, err := w.cpu(ctx)
	if err != nil {
		return m, err
	}
	began := time.Now()
	if m.cases, err = w.run(ctx, w.People, c.For, m.timings); err != nil {
		return m, err
	}
	m.took = time.Since(began)
	after, err := w.cpu(ctx)
	if err != nil {
		return m, err
	}
	m.cpu = map[string]float64{}
	for name := range after {
		m.cpu[name] = after[name] - before[name]
	}
	m.memory = peakMemory(w.server.pid())
	for _, took := range m.timings.took {
		m.requests += len(took)
	}
	return m, nil
}

// cpu reads how long each process has computed.
func (w *crowd) cpu(ctx context.Context) (map[string]float64, error) {
	database, err := backends(ctx, w.admin.Pool)
	if err != nil {
		return nil, err
	}
	return map[string]float64{"akashi serve": cpuSeconds(w.server.pid()), "database": cpuSeconds(database...),
		"simulators": cpuSeconds(w.sims.pid()), "clients": cpuSeconds(ownPID())}, nil
}

func (s *site) stopServing() error {
	s.wires.close()
	err := s.server.stop()
	s.server = nil
	if err != nil {
		return fmt.Errorf("stopping akashi serve, whose log is %s: %w", filepath.Join(s.Dir, "serve.log"), err)
	}
	return nil
}

// rows reports. sql is how many cases a second the same statements make without pages.
func (m measured) rows(sql Row) []Row {
	rate := float64(m.cases) / m.took.Seconds()
	busy := 0.0
	for _, s := range m.cpu {
		busy += s
	}
	rows := []Row{
		atLeast("cases", rate, aimCases, "cases/s", fmt.Sprintf("%d cases of %d requests in %.1f s", m.cases, m.requests/max(m.cases, 1), m.took.Seconds())),
		plain("cases without the simulators' work", rate*busy/(busy-m.cpu["simulators"]), "cases/s",
			"cases/s x processor time of all / processor time without the simulators' process"),
		sql,
		atLeast("pages against statements", rate/sql.Value, aimSQL, "ratio", "cases/s with pages / cases/s of the same statements"),
		below("memory of akashi serve", m.memory, aimMemory, "MB", "most at once, resident (VmHWM)"),
	}
	for _, name := range []string{"akashi serve", "database", "simulators", "clients"} {
		rows = append(rows, plain("processor time of "+name, m.cpu[name]*1000/float64(m.cases), "ms/case", ""))
	}
	return append(rows, m.timings.rows()...)
}

// rows reports each kind of request of ours against the aim, and those of the simulators without one.
func (t *timings) rows() (rows []Row) {
	for _, what := range t.order {
		took := t.took[what]
		slices.Sort(took)
		p := func(share float64) *float64 {
			ms := float64(took[min(len(took)-1, int(share*float64(len(took))))].Microseconds()) / 1000
			return &ms
		}
		r := below(what, *p(0.95), aimP95, "ms", "p95")
		if isSimulator(what) {
			r = plain(what, *p(0.95), "ms", "p95, not ours")
		}
		r.P50, r.P95, r.P99 = p(0.5), p(0.95), p(0.99)
		rows = append(rows, r)
	}
	return rows
}
