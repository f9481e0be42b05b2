package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/casetest"
	"akashi/internal/pg"
	"akashi/internal/review"
)

// counter counts round trips (a batch is one) and statements of the portals' roles; the worker's go on all the time.
type counter struct{ trips, statements atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return c.count(ctx, conn, 1)
}

func (c *counter) count(ctx context.Context, conn *pgx.Conn, statements int) context.Context {
	if conn.Config().User != pg.RoleWorker {
		c.trips.Add(1)
		c.statements.Add(int64(statements))
	}
	return ctx
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *counter) TraceBatchStart(ctx context.Context, conn *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	return c.count(ctx, conn, d.Batch.Len())
}

func (c *counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// most is how many round trips each act may take, those that begin and end its transactions included.
var most = map[string]int64{"start": 4, "view": 2, "save": 3, "upload": 4, "freeze": 4, "submit": 9, "pay": 6, "returned": 6, "inbox": 2,
	"counts": 2, "takenext": 5, "open": 3, "verdicts": 3, "propose": 5, "take": 6, "decide": 9, "show": 2, "check": 1}

// TestRoundTrips keeps the number of round trips of each act of the main job from growing unnoticed.
func TestRoundTrips(t *testing.T) {
	var c counter
	w := casetest.NewTraced(t, &c)
	w.Passer(t)
	ctx := t.Context()
	count := func(name string, f func()) {
		before, s := c.trips.Load(), c.statements.Load()
		f()
		trips := c.trips.Load() - before
		t.Logf("%-12s %3d round trips %3d statements", name, trips, c.statements.Load()-s)
		act, _, _ := strings.Cut(name, " ")
		if trips == 0 {
			t.Errorf("%s takes no round trip: nobody hears of its statements", name)
		}
		if most, known := most[act]; !known || trips > most {
			t.Errorf("%s takes %d round trips, more than %d: put its statements together (pg.Batch), or raise the number with a reason", name, trips, most)
		}
	}
	id := ""
	count("start", func() {
		k, err := w.Desk.Start(ctx, w.Nurse, "kangoshi.mhlw", "registration", "ja")
		if err != nil {
			t.Fatal(err)
		}
		id = k.PublicID
	})
	var v, err = w.Desk.View(ctx, w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	count("view", func() { w.Desk.View(ctx, w.Nurse, id) })
	groups, _ := v.Groups()
	for _, g := range groups {
		count("save "+g.ID, func() { w.Desk.SaveGroup(ctx, w.Nurse, id, g.ID, casetest.Typed()[g.ID]) })
	}
	v, _ = w.Desk.View(ctx, w.Nurse, id)
	missing, _ := v.MissingDocuments()
	for _, m := range missing {
		count("upload", func() { w.Upload(t, id, strings.TrimPrefix(m.Field, "evidence:")) })
	}
	count("freeze", func() { w.Desk.PrepareSigning(ctx, w.Nurse, id) })
	v, _ = w.Desk.View(ctx, w.Nurse, id)
	count("submit", func() {
		if _, err := w.Desk.Submit(ctx, w.Nurse, id, v.Request.ID, casetest.Sign(v.Request.Bytes), nil); err != nil {
			t.Fatal(err)
		}
	})
	count("pay", func() { w.Counter.Pay(ctx, w.Nurse, id) })
	d, _ := w.Counter.Due(ctx, w.Nurse, id)
	w.Provider.Pay(d.Order.PublicID, w.Clock.Now())
	count("returned", func() { w.Counter.Returned(ctx, w.Nurse, id) })
	w.Work(t)
	count("inbox", func() { w.Office.Inbox(ctx, w.Reviewer, review.Filter{}) })
	count("counts", func() { w.Office.Counts(ctx, w.Reviewer) })
	count("takenext", func() { w.Office.TakeNext(ctx, w.Reviewer, "review") })
	var rv *review.View
	count("open", func() { rv, err = w.Office.Open(ctx, w.Reviewer, id, "procedure") })
	if err != nil {
		t.Fatal(err)
	}
	var settled []review.Verdict
	for _, c := range rv.Unsettled {
		settled = append(settled, review.Verdict{Check: c, Verdict: "ok"})
	}
	count("verdicts", func() { w.Office.SaveVerdicts(ctx, w.Reviewer, id, settled) })
	count("propose", func() {
		if err := w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "approve"}); err != nil {
			t.Fatal(err)
		}
	})
	count("take", func() { w.Office.Take(ctx, w.Approver, id) })
	count("decide", func() { w.Office.Decide(ctx, w.Approver, id, review.Agree, "") })
	w.Work(t)
	held, _ := w.Wallet.List(ctx, w.Nurse)
	count("show", func() { w.Wallet.Show(ctx, w.Nurse, held[0].Entry.RegisterID, held[0].Entry.ID) })
	url, _ := held[0].Credential.URL("https://check.example/w/")
	count("check", func() { w.Verifier.CheckText(ctx, url) })
}

// BenchmarkStages runs whole cases through the stages alone: no HTTP, no pages, no simulators.
func BenchmarkStages(b *testing.B) {
	w := casetest.New(b)
	w.Passer(b)
	var n atomic.Int64
	round := func(times int64) {
		var left atomic.Int64
		left.Store(times)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for left.Add(-1) >= 0 {
					own := somebody(b, w, n.Add(1))
					id := own.Submitted(b)
					own.Pay(b, id)
					own.Propose(b, id)
					own.Approve(b, id)
				}
			})
		}
		all.Wait()
	}
	round(200) // until every connection has its plans
	if _, err := w.DB.Superuser().Exec(b.Context(), "analyze"); err != nil {
		b.Fatal(err)
	}
	round(100)
	pids, err := backends(b.Context(), w.DB.Superuser())
	if err != nil {
		b.Fatal(err)
	}
	program, database := cpuSeconds(os.Getpid()), cpuSeconds(pids...)
	b.ResetTimer()
	round(int64(b.N))
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cases/s")
	b.ReportMetric((cpuSeconds(os.Getpid())-program)*1000/float64(b.N), "ms-go/case")
	b.ReportMetric((cpuSeconds(pids...)-database)*1000/float64(b.N), "ms-postgres/case")
}

// somebody is the world with an applicant of their own name, since nobody is registered twice.
func somebody(b *testing.B, w *casetest.World, n int64) *casetest.World {
	own, card := *w, casetest.Card()
	card.Name.Given += strings.Map(func(r rune) rune { return '一' + r - '0' }, fmt.Sprint(n))
	own.Nurse = w.Another(b, fmt.Sprint("nurse", n), card)
	cfg := w.Desk.Config
	cfg.Verify = func(content, signature, certificate []byte, at time.Time) (application.Signed, error) {
		s, err := casetest.Verify(content, signature, certificate, at)
		s.Signer.Name = card.Name.Full()
		return s, err
	}
	cfg.Ask = map[string]application.Ask{application.Family: w.Desk.Ask[application.Family],
		application.Resident: func(context.Context, application.Question) (application.Reply, error) {
			return application.Reply{Class: application.ResidentAlive, Record: application.Record(card), Source: "bench", At: w.Clock.Now()}, nil
		}}
	own.Desk = application.NewDesk(cfg)
	return &own
}
