package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/clock"
	"akashi/internal/jtext"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
	"akashi/internal/system"
	"akashi/qualifications"
)

// Aims of the catalogue's bench.
const (
	aimLoad      = 800.0 // milliseconds to read, check and compile all definitions
	aimCatalogue = 30.0  // megabytes that they take
	aimLook      = 50.0  // milliseconds, p95 of an inbox or a search
	aimEven      = 1.3   // between the greatest and the least p95 of the same question, whoever asks
)

// Sizes of the registers of the bench.
const (
	benchCases   = 1_000_000
	benchEntries = 1_000_000
)

// Catalogue measures the definitions themselves, and whether the number of registers or definitions shows in the work of an
// office: inbox and search for staff of the smallest body, of the largest, and for somebody with a role at every body.
func Catalogue(ctx context.Context, c Config) (rows []Row, err error) {
	cat, rows, err := measureLoading(c)
	if err != nil {
		return nil, err
	}
	more, err := doubled(cat)
	if err != nil {
		return nil, err
	}
	o, err := openOffice(ctx, c, cat)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.close(context.WithoutCancel(ctx))) }()
	if err := o.fill(ctx, c, cat.Registers(), benchCases, benchEntries); err != nil {
		return nil, err
	}
	before, err := o.measure(ctx, c, "")
	if err != nil {
		return nil, err
	}
	if err := application.SyncReference(ctx, o.worker, more); err != nil {
		return nil, err
	}
	o.desk.Catalogue = more
	if err := o.fill(ctx, c, added(cat, more), benchCases/50, benchEntries/50); err != nil {
		return nil, err
	}
	after, err := o.measure(ctx, c, ", twice the definitions")
	if err != nil {
		return nil, err
	}
	rows = append(rows, before.rows()...)
	rows = append(rows, after.rows()...)
	return append(rows, before.against(after)...), nil
}

// measureLoading loads the definitions several times and keeps the last.
func measureLoading(c Config) (*qualification.Catalogue, []Row, error) {
	fmt.Fprintln(c.Out, "loading the definitions")
	var times []float64
	var before, after runtime.MemStats
	var cat *qualification.Catalogue
	for range 7 {
		cat = nil
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		var err error
		if cat, err = qualification.Load(qualifications.Files); err != nil {
			return nil, nil, fmt.Errorf("loading the definitions: %w", err)
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	slices.Sort(times)
	size := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / 1e6
	note := fmt.Sprintf("%d definitions, %d registers, %d registrars", len(cat.List()), len(cat.Registers()), len(cat.Registrars()))
	return cat, []Row{
		below("loading and checking the definitions", times[len(times)/2], aimLoad, "ms", "median of 7; "+note),
		below("memory of the loaded definitions", size, aimCatalogue, "MB", "heap after a collection, with them less without"),
	}, nil
}

// doubled loads every definition twice, the copies under ids, rows and codes of their own.
func doubled(cat *qualification.Catalogue) (*qualification.Catalogue, error) {
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		return nil, fmt.Errorf("reading the definitions: %w", err)
	}
	taken := map[string]bool{}
	for _, d := range cat.List() {
		taken[d.Code] = true
	}
	for i, d := range cat.List() {
		code, err := freeCode(taken, d)
		if err != nil {
			return nil, err
		}
		head := fmt.Sprintf("\nid: %s-copy\nrow: %d\ncode: %q\n", d.ID, 85+i, code)
		files[d.ID+"-copy.yaml"] = append(ownKeys.ReplaceAll(files[d.ID+".yaml"], nil), head...)
	}
	return qualification.LoadFiles(files)
}

// ownKeys are the lines of a definition that no two may share.
var ownKeys = regexp.MustCompile(`(?m)^(id|row|code): .*\n`)

// freeCode takes two characters that no definition has and that go with the codes of the definition's registrars.
func freeCode(taken map[string]bool, d *qualification.Definition) (string, error) {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, a := range letters {
		for _, b := range letters {
			code := string(a) + string(b)
			if !taken[code] && !slices.ContainsFunc(d.Registers, func(g qualification.Register) bool { return !publicid.ValidCode(code + g.Code[2:]) }) {
				taken[code] = true
				return code, nil
			}
		}
	}
	return "", fmt.Errorf("no code is left for a copy of %s", d.ID)
}

func added(before, after *qualification.Catalogue) []*qualification.Register {
	return slices.DeleteFunc(after.Registers(), func(g *qualification.Register) bool {
		_, old := before.Register(g.ID)
		return old
	})
}

// officeSite is a database full of cases, and the desks of an office upon it.
type officeSite struct {
	db            *system.Database
	worker, admin *pg.DB
	desk          *review.Desk
	reader        *registry.Reader
	cases         map[string]int // open work items by body
	random        *rand.Rand
}

func openOffice(ctx context.Context, c Config, cat *qualification.Catalogue) (o *officeSite, err error) {
	o = &officeSite{cases: map[string]int{}, random: rand.New(rand.NewPCG(1, 2))}
	socket := filepath.Join(c.Dir, "socket")
	if o.db, err = system.OpenPrivate(ctx, pgserver.Config{DataDir: filepath.Join(c.Dir, "postgres"), RuntimeDir: socket, Logger: c.Log}, clock.System{}); err != nil {
		return nil, err
	}
	if o.worker, err = o.db.As(ctx, pg.RoleWorker, 2); err == nil {
		o.admin, err = o.db.As(ctx, pgserver.Superuser, 1)
	}
	if err == nil { // one connection: what is set holds for all that is filled in
		_, err = o.admin.Pool.Exec(ctx, `set statement_timeout = 0`)
	}
	var office *pg.DB
	if err == nil {
		office, err = o.db.As(ctx, pg.RoleOffice, int32(c.Clients))
	}
	if err == nil {
		err = application.SyncReference(ctx, o.worker, cat)
	}
	if err != nil {
		return nil, errors.Join(err, o.close(ctx))
	}
	o.desk = review.NewDesk(review.Config{DB: office, Catalogue: cat})
	o.reader = &registry.Reader{DB: office}
	return o, nil
}

func (o *officeSite) close(ctx context.Context) error { return o.db.Close(ctx) }

// openShare is how many of a register's cases wait for somebody: one in four.
const openShare = 4

// fill puts cases and entries into registers, their sizes falling as 1/rank as those of real registers do.
func (o *officeSite) fill(ctx context.Context, c Config, registers []*qualification.Register, cases, entries int) error {
	fmt.Fprintf(c.Out, "filling %d registers with %d cases and %d entries\n", len(registers), cases, entries)
	registers = slices.Clone(registers)
	slices.SortFunc(registers, func(a, b *qualification.Register) int {
		return strings.Compare(a.Code[2:]+a.Code[:2], b.Code[2:]+b.Code[:2])
	})
	o.random.Shuffle(len(registers), func(i, j int) { registers[i], registers[j] = registers[j], registers[i] })
	var all float64
	for i := range registers {
		all += 1 / float64(i+1)
	}
	names := newNames(o.random)
	for i, g := range registers {
		share := 1 / float64(i+1) / all
		if err := o.fillCases(ctx, g, max(8, int(share*float64(cases)))); err != nil {
			return err
		}
		if err := o.fillEntries(ctx, g, names, max(8, int(share*float64(entries)))); err != nil {
			return err
		}
	}
	_, err := o.admin.Pool.Exec(ctx, `vacuum (analyze) application, work_item, entry`)
	return faultIf(err, "gathering statistics")
}

func (o *officeSite) fillCases(ctx context.Context, g *qualification.Register, n int) error {
	def, _ := o.desk.Catalogue.Definition(g.Qualification)
	_, err := o.admin.Pool.Exec(ctx, `
		with made as (
		  insert into application (register_id, id, public_id, registrar_id, body_id, person_ref, definition_id, definition_version, procedure_id,
		    channel, origin, lang, state, prior_state, applicant, answers, round, created_at, updated_at, submitted_at, decided_at)
		  select $1, gen_random_uuid(), $2 || lpad(i::text, 10, '0') || 'X', $3, $3, gen_random_uuid(), $4, $5, $6, 'online', 'citizen', 'ja',
		    case when i % $8 = 0 then 'in_review' else 'registered' end, case when i % $8 = 0 then 'signing' else 'proposed' end,
		    '{}', jsonb_build_object('values', jsonb_build_object('name.family', '計測', 'name.given', i::text)), 1,
		    now() - make_interval(hours => i % 8000), now(), now() - make_interval(hours => i % 8000),
		    case when i % $8 = 0 then null else now() end
		  from generate_series(1, $7) i
		  returning register_id, id, registrar_id, body_id, state, submitted_at)
		insert into work_item (register_id, application_id, id, registrar_id, body_id, step, state, due, opened_at, done_at)
		select register_id, id, gen_random_uuid(), registrar_id, body_id, 'review', case when state = 'in_review' then 'open' else 'done' end,
		  submitted_at::date + 60, submitted_at, case when state = 'in_review' then null else now() end from made`,
		g.ID, g.Code, g.Registrar, def.ID, def.Version, def.Procedures[0].ID, n, openShare)
	o.cases[g.Registrar] += n / openShare
	return faultIf(err, "filling "+g.ID+" with cases")
}

// names makes names out of common ones, with their folded keys.
type names struct {
	random        *rand.Rand
	family, given []string
}

func newNames(r *rand.Rand) names {
	return names{random: r,
		family: strings.Fields("佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 清水 山崎 森 池田 橋本 阿部 石川 山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本"),
		given:  strings.Fields("葵 陽 凛 結 莉 咲 美 優 楓 紬 蓮 湊 樹 翔 悠 真 律 朝 颯 新 健 誠 洋 和 久 裕 直 恵 明 智 大 輔 哲 剛 学 浩 茂 勝 清 奈 香 織 穂 希 夏 秋 冬 春 花 月 海 空 音 里 菜 佳 実 千 百 早 一 也 介 之 人 太 郎 平 彦 司 治")}
}

func (n names) next() (shown, key string) {
	family := n.family[n.random.IntN(len(n.family))]
	given := n.given[n.random.IntN(len(n.given))] + n.given[n.random.IntN(len(n.given))]
	return family + "　" + given, jtext.SearchKey(family + given)
}

func (o *officeSite) fillEntries(ctx context.Context, g *qualification.Register, names names, n int) error {
	day := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	_, err := o.admin.Pool.CopyFrom(ctx, pgx.Identifier{"entry"},
		[]string{"register_id", "id", "registrar_id", "number", "series", "ordinal", "state", "prior_state", "registered_on", "facts",
			"name_key", "kana_key", "grams", "key_version", "birth_date", "revision", "updated_at"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			shown, key := names.next()
			return []any{g.ID, pg.NewID(), g.Registrar, fmt.Sprint(i + 1), "main", int64(i + 1), "registered", "registered", day,
				map[string]string{"name": shown, "birth_date": "1990-01-01"}, key, "", jtext.Grams(key), jtext.KeyVersion,
				day.AddDate(-20-i%50, 0, -i%365), 1, day}, nil
		}))
	return faultIf(err, "filling "+g.ID+" with entries")
}

// asker is somebody who works at one body.
type asker struct {
	who     string
	officer review.Officer
}

// askers are staff of the smallest and the largest body, and one person with a role at every body, at work in both.
func (o *officeSite) askers() []asker {
	bodies := slices.SortedFunc(maps.Keys(o.cases), func(a, b string) int { return o.cases[a] - o.cases[b] })
	small, large := bodies[0], bodies[len(bodies)-1]
	member := func(bodies ...string) account.Staff {
		s := account.Staff{ID: uuid.New(), Subject: "bench", Name: "計測"}
		for _, b := range bodies {
			s.Grants = append(s.Grants, account.Grant{Body: b, Role: account.Reviewer})
		}
		return s
	}
	everywhere := member(bodies...)
	return []asker{
		{fmt.Sprintf("staff of the smallest body (%d open)", o.cases[small]), review.Officer{Staff: member(small), Body: small}},
		{fmt.Sprintf("staff of the largest body (%d open)", o.cases[large]), review.Officer{Staff: member(large), Body: large}},
		{fmt.Sprintf("staff of all %d bodies, at the smallest", len(bodies)), review.Officer{Staff: everywhere, Body: small}},
		{fmt.Sprintf("staff of all %d bodies, at the largest", len(bodies)), review.Officer{Staff: everywhere, Body: large}},
	}
}

// question is one thing that an office asks.
type question struct {
	name string
	ask  func(ctx context.Context, of review.Officer) error
}

// inboxPage is how many lines the console shows at once.
const inboxPage = 50

func (o *officeSite) questions() []question {
	inbox := func(ctx context.Context, of review.Officer, f review.Filter) ([]review.Row, error) {
		f.Limit = inboxPage
		return o.desk.Inbox(ctx, of, f)
	}
	search := func(q registry.Query) func(context.Context, review.Officer) error {
		return func(ctx context.Context, of review.Officer) error {
			q.Purpose, q.Limit = registry.Purposes[0], inboxPage
			_, err := o.reader.Search(ctx, of, q)
			return err
		}
	}
	return []question{
		{"inbox", func(ctx context.Context, of review.Officer) error {
			_, err := inbox(ctx, of, review.Filter{})
			return err
		}},
		{"inbox, second page", func(ctx context.Context, of review.Officer) error {
			first, err := inbox(ctx, of, review.Filter{})
			if err != nil || len(first) == 0 {
				return err
			}
			_, err = inbox(ctx, of, review.Filter{After: &first[len(first)-1]})
			return err
		}},
		{"inbox, what I hold", func(ctx context.Context, of review.Officer) error {
			_, err := inbox(ctx, of, review.Filter{Mine: true})
			return err
		}},
		{"search by number", search(registry.Query{Number: "7"})},
		{"search by name", search(registry.Query{Name: "佐々木美咲"})},
		{"search by part of a name", search(registry.Query{Name: "木美咲", Infix: true})},
	}
}

// officeTimes are milliseconds by question and asker.
type officeTimes struct {
	suffix    string
	questions []string
	askers    []string
	took      map[[2]int][]float64
}

// measure asks every question for everybody in turn, so that what else the machine does falls on all alike.
func (o *officeSite) measure(ctx context.Context, c Config, suffix string) (*officeTimes, error) {
	askers, questions := o.askers(), o.questions()
	t := &officeTimes{suffix: suffix, took: map[[2]int][]float64{}}
	for _, a := range askers {
		t.askers = append(t.askers, a.who)
	}
	for _, q := range questions {
		t.questions = append(t.questions, q.name)
	}
	fmt.Fprintf(c.Out, "asking %d questions as %d people for %s\n", len(questions), len(askers), c.For)
	const warm = 20
	for round, end := 0, time.Now().Add(c.For); round < 2*warm || time.Now().Before(end); round++ {
		for qi, q := range questions {
			for ai, a := range askers {
				began := time.Now()
				if err := q.ask(ctx, a.officer); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", a.who, q.name, err)
				}
				if round >= warm {
					t.took[[2]int{qi, ai}] = append(t.took[[2]int{qi, ai}], float64(time.Since(began).Microseconds())/1000)
				}
			}
		}
	}
	return t, nil
}

// share is the time within which a share of the answers came.
func (t *officeTimes) share(question, asker int, share float64) float64 {
	took := t.took[[2]int{question, asker}]
	slices.Sort(took)
	return took[min(len(took)-1, int(share*float64(len(took))))]
}

func (t *officeTimes) rows() (rows []Row) {
	for qi, q := range t.questions {
		var least, most float64
		for ai, a := range t.askers {
			p50, p95, p99 := t.share(qi, ai, 0.5), t.share(qi, ai, 0.95), t.share(qi, ai, 0.99)
			r := below(q+t.suffix+": "+a, p95, aimLook, "ms", "p95")
			r.P50, r.P95, r.P99 = &p50, &p95, &p99
			rows = append(rows, r)
			if ai == 0 {
				least = p95
			}
			least, most = min(least, p95), max(most, p95)
		}
		rows = append(rows, below(q+t.suffix+": slowest against quickest", most/least, aimEven, "ratio", "of the p95"))
	}
	return rows
}

// against compares the same questions with more definitions.
func (t *officeTimes) against(more *officeTimes) (rows []Row) {
	for qi, q := range t.questions {
		var worst float64
		for ai := range t.askers {
			worst = max(worst, more.share(qi, ai, 0.95)/t.share(qi, ai, 0.95))
		}
		rows = append(rows, below(q+": twice the definitions against once", worst, aimEven, "ratio", "of the p95, worst of the askers"))
	}
	return rows
}
