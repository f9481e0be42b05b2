package rollout_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/audit"
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

// world is a database with two licences and people who plan.
type world struct {
	DB        *pgtest.Database
	Clock     *clock.Adjustable
	Catalogue *qualification.Catalogue

	desk                                      *rollout.Desk
	planner, director, other, prefecture, ops rollout.Officer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Clock: &clock.Adjustable{}, Catalogue: catalogue(t)}
	w.Clock.Set(time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST))
	w.DB = pgtest.New(t).WithClock(w.Clock)
	w.desk = &rollout.Desk{DB: w.DB.As(pg.RoleOffice), Catalogue: w.Catalogue}
	w.planner = w.employ(t, "planner", "mhlw", account.Planner, account.Director)
	w.director = w.employ(t, "director", "mhlw", account.Director)
	w.other = w.employ(t, "other", "mlit", account.Planner, account.Director)
	w.prefecture = w.employ(t, "prefecture", "pref-41", account.Planner, account.Director)
	w.ops = w.employ(t, "operator", rollout.Operator, account.Planner, account.Director)
	return w
}

// definitions are the registrars of the repository and the licences of testdata.
var definitions = sync.OnceValues(func() (*qualification.Catalogue, error) {
	files, err := qualification.ReadFiles(os.DirFS("testdata"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"registrars.yaml", "schema.json"} {
		if files[name], err = qualifications.Files.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return qualification.LoadFiles(files)
})

func catalogue(t *testing.T) *qualification.Catalogue {
	t.Helper()
	c, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	return c.Apart()
}

func (w *world) employ(t *testing.T, subject, body string, roles ...account.Role) rollout.Officer {
	t.Helper()
	ctx := t.Context()
	err := w.DB.As(pg.RoleWorker).Platform(ctx, func(tx *pg.Tx) error {
		id, err := account.SetStaff(ctx, tx, subject, "職員 "+subject, true)
		for _, r := range roles {
			if err == nil {
				err = account.Give(ctx, tx, id, account.Grant{Body: body, Role: r}, "test")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := account.ByLogin(ctx, w.desk.DB, subject)
	if err != nil {
		t.Fatal(err)
	}
	return rollout.Officer{Staff: s, Body: body}
}

func (w *world) today() calendar.Date { return calendar.Of(w.Clock.Now()) }

// propose makes a proposal, approve has another person agree to it.
func (w *world) propose(t *testing.T, p rollout.Proposal) uuid.UUID {
	t.Helper()
	id, err := w.desk.Propose(t.Context(), w.planner, p)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) approve(t *testing.T, p rollout.Proposal) uuid.UUID {
	t.Helper()
	id := w.propose(t, p)
	if err := w.desk.Decide(t.Context(), w.director, id, true, ""); err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) closing(on calendar.Date) rollout.Proposal {
	return rollout.Proposal{Kind: qualification.ActClose, Qualification: "national", Bodies: []string{"mhlw"}, On: on, Reason: "窓口の移転のため"}
}

func (w *world) opening(on calendar.Date, bodies ...string) rollout.Proposal {
	return rollout.Proposal{Kind: qualification.ActOpen, Qualification: "local", Bodies: bodies, On: on, Reason: "準備が整ったため"}
}

// planned lists registrars of practical nurses whose register is not open and has no act.
func (w *world) planned(t *testing.T) []string {
	t.Helper()
	d, _ := w.Catalogue.Definition("local")
	var out []string
	for _, g := range d.Registers {
		if o := w.Catalogue.Offering(g.ID, "registration", qualification.ChannelOnline, w.today()); o.Listed && !o.Open && o.From.IsZero() {
			out = append(out, g.Registrar)
		}
	}
	return out
}

func TestStatesAreThoseOfTheDatabase(t *testing.T) {
	raw, err := os.ReadFile("../../migrations/00032_rollout.sql")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, s := range rollout.States {
		if !strings.Contains(text, "('"+string(s)+"', '") {
			t.Errorf("the table has no state %s", s)
		}
	}
	_, text, _ = strings.Cut(text, "insert into rollout_move")
	text, _, _ = strings.Cut(text, ";")
	moves := regexp.MustCompile(`\('(\w+)', '(\w+)'\)`).FindAllStringSubmatch(text, -1)
	if len(moves) != 5 {
		t.Fatalf("%d moves", len(moves))
	}
	for _, m := range moves {
		if from, to := rollout.State(m[1]), rollout.State(m[2]); from != to && !rollout.May(from, to) {
			t.Errorf("the table allows %s to %s", from, to)
		}
	}
}

// TestAClosing: one person proposes, another approves; from its day on nothing is taken, and a reopening ends it.
func TestAClosing(t *testing.T) {
	w := newWorld(t)
	day := w.today().AddDays(3)
	id := w.propose(t, w.closing(day))
	if w.Catalogue.Acts() != nil {
		t.Fatal("a proposal counts already")
	}
	if err := w.desk.Decide(t.Context(), w.planner, id, true, ""); !errors.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "one's own proposal") {
		t.Fatalf("the same person approves: %v", err)
	}
	if err := w.desk.Decide(t.Context(), w.director, id, true, "異議なし"); err != nil {
		t.Fatal(err)
	}
	offered := func(d calendar.Date) bool {
		return w.Catalogue.Offered("national.mhlw", "registration", qualification.ChannelOnline, d)
	}
	if !offered(day.AddDays(-1)) || offered(day) {
		t.Error("the closing does not count from its day on")
	}
	if err := w.desk.Decide(t.Context(), w.director, id, true, ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("approved twice: %v", err)
	}
	again := w.opening(day.AddDays(10), "mhlw")
	again.Qualification = "national"
	w.approve(t, again)
	if !offered(day.AddDays(10)) || offered(day.AddDays(9)) {
		t.Error("the reopening does not count from its day on")
	}
	w.logged(t, "mhlw", audit.RolloutPropose, audit.RolloutApprove, audit.StaffRefused)
}

// logged fails unless each act stands in a body's log.
func (w *world) logged(t *testing.T, body string, acts ...audit.Act) {
	t.Helper()
	var events []audit.Logged
	err := w.desk.DB.InRegistrar(t.Context(), body, func(tx *pg.Tx) (err error) {
		events, err = audit.List(t.Context(), tx, audit.Filter{Limit: 200})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, act := range acts {
		if !slices.ContainsFunc(events, func(e audit.Logged) bool { return e.Act == act }) {
			t.Errorf("the log of %s has no %s", body, act)
		}
	}
}

// TestManyRegistersOpenByOneAct, and each of them on the day and not before.
func TestManyRegistersOpenByOneAct(t *testing.T) {
	w := newWorld(t)
	bodies := w.planned(t)
	if len(bodies) < 30 {
		t.Fatalf("%d registers wait to be opened", len(bodies))
	}
	day := calendar.Date{Year: 2027, Month: time.April, Day: 1}
	e, err := w.desk.Preview(t.Context(), w.planner, w.opening(day, bodies...))
	if err != nil || e.Registers != len(bodies) || len(e.Procedures) == 0 {
		t.Fatalf("%+v %v", e, err)
	}
	id := w.approve(t, w.opening(day, bodies...))
	for _, b := range bodies {
		o := w.Catalogue.Offering("local."+b, "registration", qualification.ChannelOnline, day)
		if !o.Open || o.Since != day || o.SinceAct != id.String() || w.Catalogue.Offered("local."+b, "registration", qualification.ChannelOnline, day.AddDays(-1)) {
			t.Errorf("%s: %+v", b, o)
		}
	}
	var r *rollout.Refusal
	_, err = w.desk.Propose(t.Context(), w.planner, w.opening(day.AddDays(1), bodies[3]))
	if !errors.As(err, &r) || !errors.Is(err, fault.Conflict) || r.Key != "rollout.fault.open_already" || r.Act != id.String() || r.Body != bodies[3] || r.On != day {
		t.Errorf("opened twice: %v", err)
	}
	_, err = w.desk.Propose(t.Context(), w.planner, w.opening(day.AddDays(-1), bodies[3]))
	if !errors.As(err, &r) || r.Key != "rollout.fault.opens_later" || r.Act != id.String() {
		t.Errorf("opened before an act that opens: %v", err)
	}
}

// TestARecallEndsWhatHasNotBegun and nothing else; both acts stay in the history.
func TestARecallEndsWhatHasNotBegun(t *testing.T) {
	w := newWorld(t)
	body := w.planned(t)[0]
	day := w.today().AddDays(30)
	id := w.approve(t, w.opening(day, body))
	recall := rollout.Proposal{Kind: qualification.ActRecall, Qualification: "local", Recalls: id, Reason: "準備が遅れたため"}
	w.approve(t, recall)
	if w.Catalogue.Offered("local."+body, "registration", qualification.ChannelOnline, day) {
		t.Error("the recalled act counts")
	}
	acts, err := w.desk.Acts(t.Context(), w.planner, "local")
	if err != nil || len(acts) != 2 || acts[0].State != rollout.Approved || acts[1].State != rollout.Recalled || acts[1].DecidedBy == nil {
		t.Fatalf("%+v %v", acts, err)
	}
	var r *rollout.Refusal
	if _, err := w.desk.Propose(t.Context(), w.planner, recall); !errors.As(err, &r) || r.Key != "rollout.fault.recall_state" {
		t.Errorf("recalled twice: %v", err)
	}
	started := w.approve(t, w.opening(w.today().AddDays(1), body))
	w.Clock.Set(w.Clock.Now().AddDate(0, 0, 1))
	recall.Recalls = started
	if _, err := w.desk.Propose(t.Context(), w.planner, recall); !errors.As(err, &r) || r.Key != "rollout.fault.recall_late" {
		t.Errorf("recalled after its day: %v", err)
	}
}

// TestWhatIsRefused: each mistake is named by its rule.
func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	planned := w.planned(t)[0]
	tomorrow := w.today().AddDays(1)
	change := func(p rollout.Proposal, f func(*rollout.Proposal)) rollout.Proposal {
		f(&p)
		return p
	}
	for name, x := range map[string]struct {
		p    rollout.Proposal
		kind fault.Kind
		key  string
	}{
		"unknown register":       {w.opening(tomorrow, "pref-99"), fault.Invalid, "register"},
		"ministry has no such":   {w.opening(tomorrow, "sssc"), fault.Invalid, "register"},
		"named twice":            {w.opening(tomorrow, planned, planned), fault.Invalid, "register"},
		"no register":            {w.opening(tomorrow), fault.Invalid, "no_bodies"},
		"open today":             {w.opening(w.today(), planned), fault.Invalid, "date_past"},
		"no day":                 {w.opening(calendar.Date{}, planned), fault.Invalid, "date_past"},
		"close yesterday":        {w.closing(w.today().AddDays(-1)), fault.Invalid, "date_past"},
		"open already":           {w.opening(tomorrow, "pref-41"), fault.Conflict, "open_already"},
		"close what is not open": {change(w.opening(tomorrow, planned), func(p *rollout.Proposal) { p.Kind = qualification.ActClose }), fault.Conflict, "not_open"},
		"no reason":              {change(w.closing(tomorrow), func(p *rollout.Proposal) { p.Reason = " " }), fault.Invalid, "reason"},
		"endless reason":         {change(w.closing(tomorrow), func(p *rollout.Proposal) { p.Reason = strings.Repeat("あ", 501) }), fault.Invalid, "reason"},
		"unknown kind":           {change(w.closing(tomorrow), func(p *rollout.Proposal) { p.Kind = "burn" }), fault.Invalid, "kind"},
		"unknown channel":        {change(w.closing(tomorrow), func(p *rollout.Proposal) { p.Channel = "fax" }), fault.Invalid, "channel"},
		"unknown procedure":      {change(w.closing(tomorrow), func(p *rollout.Proposal) { p.Procedures = []string{"party"} }), fault.Invalid, "procedure"},
		"channel not offered": {change(w.opening(tomorrow, planned), func(p *rollout.Proposal) {
			p.Channel, p.Procedures = qualification.ChannelCounter, []string{"registration"}
		}), fault.Conflict, "nothing_offered"},
		"no direct way":         {rollout.Proposal{Kind: qualification.ActSwitch, Qualification: "local", Bodies: []string{"pref-13"}, On: tomorrow, Reason: "経由の廃止"}, fault.Conflict, "no_direct_way"},
		"not the original":      {rollout.Proposal{Kind: qualification.ActUnoriginal, Qualification: "national", On: tomorrow, Reason: "延期"}, fault.Conflict, "not_original"},
		"original of registers": {rollout.Proposal{Kind: qualification.ActOriginal, Qualification: "national", Bodies: []string{"mhlw"}, On: tomorrow, Reason: "施行"}, fault.Invalid, "bodies"},
		"recall of nothing":     {rollout.Proposal{Kind: qualification.ActRecall, Qualification: "national", Recalls: pg.NewID(), Reason: "取りやめ"}, fault.Invalid, "recall_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ask := range []func(context.Context, rollout.Officer, rollout.Proposal) error{
				func(ctx context.Context, o rollout.Officer, p rollout.Proposal) error {
					_, err := w.desk.Propose(ctx, o, p)
					return err
				},
				func(ctx context.Context, o rollout.Officer, p rollout.Proposal) error {
					_, err := w.desk.Preview(ctx, o, p)
					return err
				},
			} {
				var r *rollout.Refusal
				if err := ask(t.Context(), w.planner, x.p); !errors.As(err, &r) || !errors.Is(err, x.kind) || r.Key != "rollout.fault."+x.key {
					t.Errorf("got %v, want %s %s", err, x.kind, x.key)
				}
			}
		})
	}
}

// TestWhoMay: a ministry acts for its own qualifications, a registrar proposes for its own registers, the operator for all.
func TestWhoMay(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	closing := func(q string, bodies ...string) rollout.Proposal {
		return rollout.Proposal{Kind: qualification.ActClose, Qualification: q, Bodies: bodies, On: w.today().AddDays(1), Reason: "点検のため"}
	}
	for name, x := range map[string]struct {
		o    rollout.Officer
		p    rollout.Proposal
		want error
	}{
		"own ministry":            {w.planner, closing("national", "mhlw"), nil},
		"another ministry":        {w.other, closing("national", "mhlw"), fault.NotFound},
		"prefecture, own":         {w.prefecture, closing("local", "pref-41"), nil},
		"prefecture, another's":   {w.prefecture, closing("local", "pref-01"), fault.Forbidden},
		"prefecture, both":        {w.prefecture, closing("local", "pref-41", "pref-01"), fault.Forbidden},
		"prefecture, the state's": {w.prefecture, closing("national", "mhlw"), fault.NotFound},
		"prefecture, original": {w.prefecture, rollout.Proposal{Kind: qualification.ActOriginal, Qualification: "local", On: w.today().AddDays(1), Reason: "施行"},
			fault.Forbidden},
		"no role to propose": {w.director, closing("national", "mhlw"), fault.Forbidden},
		"operator":           {w.ops, closing("local", "pref-01"), nil},
		"no qualification":   {w.planner, closing("nothing", "mhlw"), fault.NotFound},
	} {
		if _, err := w.desk.Propose(ctx, x.o, x.p); !errors.Is(err, x.want) || (x.want == nil && err != nil) {
			t.Errorf("%s: got %v, want %v", name, err, x.want)
		}
	}
	id := w.propose(t, closing("national", "mhlw"))
	for name, x := range map[string]struct {
		o    rollout.Officer
		want error
	}{"another ministry": {w.other, fault.NotFound}, "a prefecture": {w.prefecture, fault.NotFound}} {
		if err := w.desk.Decide(ctx, x.o, id, true, ""); !errors.Is(err, x.want) {
			t.Errorf("%s decides: %v", name, err)
		}
	}
	own, err := w.desk.Propose(ctx, w.prefecture, closing("local", "pref-41"))
	if err != nil {
		t.Fatal(err)
	}
	colleague := w.employ(t, "colleague", "pref-41", account.Director)
	if err := w.desk.Decide(ctx, colleague, own, true, ""); !errors.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "another ministry") {
		t.Errorf("a prefecture decides for itself: %v", err)
	}
	if err := w.desk.Decide(ctx, w.director, own, false, " "); !errors.Is(err, fault.Invalid) {
		t.Errorf("refused without a reason: %v", err)
	}
	if err := w.desk.Decide(ctx, w.director, own, false, "時期を改めること"); err != nil {
		t.Error(err)
	}
	if err := w.desk.Withdraw(ctx, w.prefecture, own); !errors.Is(err, fault.Conflict) {
		t.Errorf("withdrawn after the decision: %v", err)
	}
	if err := w.desk.Withdraw(ctx, w.ops, id); !errors.Is(err, fault.Forbidden) {
		t.Errorf("withdrawn by another: %v", err)
	}
	if err := w.desk.Withdraw(ctx, w.planner, id); err != nil {
		t.Error(err)
	}
}

// TestTheDatabaseRefusesByItself what a mistake in the program might ask.
func TestTheDatabaseRefusesByItself(t *testing.T) {
	w := newWorld(t)
	id := w.propose(t, w.closing(w.today()))
	in := func(body, sql string, args ...any) error {
		return w.desk.DB.InRegistrar(t.Context(), body, func(tx *pg.Tx) error {
			tag, err := tx.Exec(t.Context(), sql, args...)
			if err == nil && tag.RowsAffected() == 0 {
				return fault.NotFound
			}
			return err
		})
	}
	const approve = `update rollout_act set prior_state = state, state = 'approved', decided_by = $2, decided_body = $3, decided_at = now() where id = $1`
	if err := in("mhlw", approve, id, w.planner.Staff.ID, "mhlw"); !pg.Violates(err, "rollout_act_second_person") {
		t.Errorf("one person: %v", err)
	}
	if err := in("mhlw", approve, id, w.director.Staff.ID, "sssc"); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("for another body: %v", err)
	}
	if err := in("mhlw", `update rollout_act set prior_state = state, state = 'recalled', decided_by = $2, decided_body = 'mhlw', decided_at = now() where id = $1`, id, w.director.Staff.ID); !pg.Violates(err, "rollout_act_move") {
		t.Errorf("a move that is not allowed: %v", err)
	}
	if err := in("mhlw", `update rollout_act set reason = 'x' where id = $1`, id); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("what was asked for is changed: %v", err)
	}
	if err := in("mhlw", `delete from rollout_act where id = $1`, id); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("deleted: %v", err)
	}
	count := func(role string) (n int) {
		if err := w.DB.As(role).Platform(t.Context(), func(tx *pg.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from rollout_act`).Scan(&n)
		}); err != nil {
			t.Error(err)
		}
		return n
	}
	if n := count(pg.RoleCitizen) + count(pg.RolePublic); n != 0 {
		t.Error("proposals are public")
	}
	if err := w.desk.Decide(t.Context(), w.director, id, true, ""); err != nil || count(pg.RoleCitizen) != 1 {
		t.Errorf("an approved act is not public: %v", err)
	}
}

// TestAnotherProcessHears of an act at its next look, and not before.
func TestAnotherProcessHears(t *testing.T) {
	w := newWorld(t)
	other := w.Catalogue.Apart()
	if err := rollout.Refresh(t.Context(), w.DB.As(pg.RoleCitizen), other); err != nil {
		t.Fatal(err)
	}
	before := other.Acts()
	if err := rollout.Refresh(t.Context(), w.DB.As(pg.RoleCitizen), other); err != nil || other.Acts() != before {
		t.Errorf("read again without a newer act: %v", err)
	}
	w.approve(t, w.closing(w.today()))
	offered := func() bool {
		return other.Offered("national.mhlw", "registration", qualification.ChannelOnline, w.today())
	}
	if !offered() {
		t.Error("heard without looking")
	}
	if err := rollout.Refresh(t.Context(), w.DB.As(pg.RoleCitizen), other); err != nil || offered() {
		t.Errorf("did not hear: %v", err)
	}
}

// TestTheLegalOriginal begins on its day and ends by another act.
func TestTheLegalOriginal(t *testing.T) {
	w := newWorld(t)
	day := calendar.Date{Year: 2027, Month: time.April, Day: 1}
	p := rollout.Proposal{Kind: qualification.ActOriginal, Qualification: "national", On: day, Reason: "改正法の施行"}
	id := w.approve(t, p)
	if w.Catalogue.LegalOriginal("national", day) != day || !w.Catalogue.LegalOriginal("national", day.AddDays(-1)).IsZero() {
		t.Error("not the original from its day on")
	}
	var r *rollout.Refusal
	p.On = day.AddDays(1)
	if _, err := w.desk.Propose(t.Context(), w.planner, p); !errors.As(err, &r) || r.Key != "rollout.fault.original_already" || r.Act != id.String() {
		t.Errorf("made the original twice: %v", err)
	}
	p.Kind = qualification.ActUnoriginal
	w.approve(t, p)
	if !w.Catalogue.LegalOriginal("national", p.On).IsZero() {
		t.Error("still the original")
	}
}

// TestAProposalWhoseDayHasPassed cannot be approved any more.
func TestAProposalWhoseDayHasPassed(t *testing.T) {
	w := newWorld(t)
	id := w.propose(t, w.opening(w.today().AddDays(1), w.planned(t)[0]))
	w.Clock.Set(w.Clock.Now().AddDate(0, 0, 2))
	var r *rollout.Refusal
	if err := w.desk.Decide(t.Context(), w.director, id, true, ""); !errors.As(err, &r) || r.Key != "rollout.fault.date_past" {
		t.Errorf("approved: %v", err)
	}
	if a, _, err := w.desk.Act(t.Context(), w.director, id); err != nil || a.State != rollout.Proposed {
		t.Errorf("%+v %v", a, err)
	}
}

// TestASwitchOfForwarding: before its day an online application goes through the prefecture, from it on directly; paper
// keeps the old route.
func TestASwitchOfForwarding(t *testing.T) {
	w := newWorld(t)
	day := calendar.Date{Year: 2027, Month: time.April, Day: 1}
	p := rollout.Proposal{Kind: qualification.ActSwitch, Qualification: "national", Bodies: []string{"pref-13", "pref-41"}, On: day, Reason: "経由の廃止"}
	id := w.approve(t, p)
	d, _ := w.Catalogue.Definition("national")
	first := func(domicile, channel string, on calendar.Date) string {
		t.Helper()
		steps, err := d.Procedure("registration").RouteFor(qualification.Facts{Answers: map[string]string{"domicile": domicile}, Registrar: "mhlw", Channel: channel,
			On: on.Time(), Direct: w.Catalogue.Direct("national", "registration", on)})
		if err != nil {
			t.Fatal(err)
		}
		return steps[0].Step + " " + steps[0].Body
	}
	for _, x := range []struct {
		domicile, channel string
		on                calendar.Date
		want              string
	}{
		{"41", "online", day.AddDays(-1), "intake pref-41"}, {"41", "online", day, "review mhlw"}, {"41", "counter", day, "intake pref-41"},
		{"01", "online", day, "intake pref-01"},
	} {
		if got := first(x.domicile, x.channel, x.on); got != x.want {
			t.Errorf("%s %s on %s: %s, want %s", x.domicile, x.channel, x.on, got, x.want)
		}
	}
	var r *rollout.Refusal
	p.Bodies = []string{"pref-41"}
	if _, err := w.desk.Propose(t.Context(), w.planner, p); !errors.As(err, &r) || r.Key != "rollout.fault.switched_already" || r.Act != id.String() {
		t.Errorf("switched twice: %v", err)
	}
	p.Kind, p.Bodies = qualification.ActUnswitch, []string{"pref-01"}
	if _, err := w.desk.Propose(t.Context(), w.planner, p); !errors.As(err, &r) || r.Key != "rollout.fault.not_switched" {
		t.Errorf("switched back what is not switched: %v", err)
	}
	p.Bodies = []string{"pref-41"}
	p.On = day.AddDays(10)
	w.approve(t, p)
	if got := first("41", "online", p.On); got != "intake pref-41" {
		t.Errorf("after the switch back: %s", got)
	}
}
