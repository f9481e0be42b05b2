package bench

import (
	"cmp"
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
	aimEven      = 1.3   // between the greatest and the least p95 of the same question with an answer of the same size, whoever asks
)

// Sizes of the registers of the bench.
const (
	benchCases   = 1_000_000
	benchEntries = 1_000_000
)

// Catalogue measures the definitions themselves, and whether the number of registers or definitions shows in the work of an
// office: inbox and search for staff of the smallest body, of the largest, and for somebody with a role at every body; with
// the definitions once, twice, and once again.
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
	if err := o.plant(ctx, c, cat.Registers()); err != nil {
		return nil, err
	}
	before, err := o.measure(ctx, c, "")
	if err != nil {
		return nil, err
	}
	if err := o.add(ctx, c, cat, more); err != nil {
		return nil, err
	}
	twice, err := o.measure(ctx, c, ", twice the definitions")
	if err != nil {
		return nil, err
	}
	if err := o.remove(ctx, c, cat, more); err != nil {
		return nil, err
	}
	again, err := o.measure(ctx, c, ", once again")
	if err != nil {
		return nil, err
	}
	rows = append(rows, before.rows()...)
	rows = append(rows, twice.rows()...)
	return append(rows, twice.against(before, again)...), nil
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
	open          map[string]int // open work items by body
	askers        []asker
	random        *rand.Rand
}

func openOffice(ctx context.Context, c Config, cat *qualification.Catalogue) (o *officeSite, err error) {
	o = &officeSite{open: map[string]int{}, random: rand.New(rand.NewPCG(1, 2))}
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

const (
	openShare = 4   // of a register's cases wait for somebody: one in four
	openLeast = 104 // but in each register two pages and a little, however small it is
)

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
		n := max(openLeast, int(share*float64(cases)))
		if err := o.fillCases(ctx, g, n, max(openLeast, n/openShare)); err != nil {
			return err
		}
		if err := o.fillEntries(ctx, g, 1, max(8, int(share*float64(entries))), names.next); err != nil {
			return err
		}
	}
	return o.settle(ctx)
}

// settle lets the database do now what it would otherwise do while it is asked.
func (o *officeSite) settle(ctx context.Context) error {
	for _, sql := range []string{`vacuum (analyze) application, work_item, entry`, `checkpoint`} {
		if _, err := o.admin.Pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("settling the database: %w", err)
		}
	}
	return nil
}

// add lets the office work under more definitions, and fills their registers.
func (o *officeSite) add(ctx context.Context, c Config, cat, more *qualification.Catalogue) error {
	if err := application.SyncReference(ctx, o.worker, more); err != nil {
		return err
	}
	o.desk.Catalogue = more
	return o.fill(ctx, c, added(cat, more), benchCases/50, benchEntries/50)
}

// remove takes away what add has filled in, and lets the office work under the definitions it had before.
func (o *officeSite) remove(ctx context.Context, c Config, cat, more *qualification.Catalogue) error {
	fmt.Fprintln(c.Out, "emptying the registers of the copies")
	var ids []string
	for _, g := range added(cat, more) {
		ids = append(ids, g.ID)
	}
	for _, table := range []string{"work_item", "application", "entry"} {
		if _, err := o.admin.Pool.Exec(ctx, `delete from `+table+` where register_id = any($1)`, ids); err != nil {
			return fmt.Errorf("emptying registers: %w", err)
		}
	}
	o.desk.Catalogue = cat
	return o.settle(ctx)
}

// fillCases puts n cases into a register. Those that wait are spread evenly among them.
func (o *officeSite) fillCases(ctx context.Context, g *qualification.Register, n, open int) error {
	def, _ := o.desk.Catalogue.Definition(g.Qualification)
	_, err := o.admin.Pool.Exec(ctx, `
		with made as (
		  insert into application (register_id, id, public_id, registrar_id, body_id, person_ref, definition_id, definition_version, procedure_id,
		    channel, origin, lang, state, prior_state, applicant, answers, round, created_at, updated_at, submitted_at, decided_at)
		  select $1, gen_random_uuid(), $2 || lpad(i::text, 10, '0') || 'X', $3, $3, gen_random_uuid(), $4, $5, $6, 'online', 'citizen', 'ja',
		    case when waits then 'in_review' else 'registered' end, case when waits then 'signing' else 'proposed' end,
		    '{}', jsonb_build_object('values', jsonb_build_object('name.family', '計測', 'name.given', i::text)), 1,
		    now() - make_interval(hours => i % 8000), now(), now() - make_interval(hours => i % 8000),
		    case when waits then null else now() end
		  from (select i, i::bigint * $8 / $7 > (i - 1)::bigint * $8 / $7 as waits from generate_series(1, $7::integer) i) numbered
		  returning register_id, id, registrar_id, body_id, state, submitted_at)
		insert into work_item (register_id, application_id, id, registrar_id, body_id, step, state, due, opened_at, done_at)
		select register_id, id, gen_random_uuid(), registrar_id, body_id, 'review', case when state = 'in_review' then 'open' else 'done' end,
		  submitted_at::date + 60, submitted_at, case when state = 'in_review' then null else now() end from made`,
		g.ID, g.Code, g.Registrar, def.ID, def.Version, def.Procedures[0].ID, n, open)
	o.open[g.Registrar] += open
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

// fillEntries puts n entries into a register, numbered from first.
func (o *officeSite) fillEntries(ctx context.Context, g *qualification.Register, first, n int, name func() (shown, key string)) error {
	day := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	_, err := o.admin.Pool.CopyFrom(ctx, pgx.Identifier{"entry"},
		[]string{"register_id", "id", "registrar_id", "number", "series", "ordinal", "state", "prior_state", "registered_on", "facts",
			"name_key", "kana_key", "grams", "key_version", "birth_date", "revision", "updated_at"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			shown, key := name()
			return []any{g.ID, pg.NewID(), g.Registrar, fmt.Sprint(first + i), "main", int64(first + i), "registered", "registered", day,
				map[string]string{"name": shown, "birth_date": "1990-01-01"}, key, "", jtext.Grams(key), jtext.KeyVersion,
				day.AddDate(-20-i%50, 0, -i%365), 1, day}, nil
		}))
	return faultIf(err, "filling "+g.ID+" with entries")
}

// What every body has the same number of, so that the same question has answers of the same size whoever asks: entries of
// one name, spread over the body's registers, one of them with a number that no other entry has; and cases that the asker holds.
const (
	plantedFamily, plantedGiven = "計測", "花子"
	plantedPart                 = "測花"
	plantedNumber               = 70_000_000
	plantedEntries              = 20
	plantedHeld                 = 20
)

// plant makes the askers, and at each body what they ask for.
func (o *officeSite) plant(ctx context.Context, c Config, registers []*qualification.Register) error {
	kept := map[string][]*qualification.Register{}
	for _, g := range registers {
		kept[g.Registrar] = append(kept[g.Registrar], g)
	}
	fmt.Fprintf(c.Out, "planting the same in %d bodies\n", len(kept))
	name := func() (shown, key string) {
		return plantedFamily + "　" + plantedGiven, jtext.SearchKey(plantedFamily + plantedGiven)
	}
	for _, body := range slices.Sorted(maps.Keys(kept)) {
		for i := range plantedEntries {
			if err := o.fillEntries(ctx, kept[body][i%len(kept[body])], plantedNumber+i, 1, name); err != nil {
				return err
			}
		}
	}
	o.askers = o.staff(kept)
	for _, a := range o.askers {
		_, err := o.admin.Pool.Exec(ctx, `
			update work_item set state = 'taken', assignee = $2 where (register_id, application_id, id) in (
			  select register_id, application_id, id from work_item where body_id = $1 and state = 'open' order by due, opened_at, id limit $3)`,
			a.officer.Body, a.officer.Staff.ID, plantedHeld)
		if err != nil {
			return fmt.Errorf("giving cases to %s: %w", a.who, err)
		}
	}
	return o.settle(ctx)
}

// asker is somebody who works at one body.
type asker struct {
	who     string
	officer review.Officer
}

// staff are one person of the smallest and one of the largest body, and two with a role at every body, of whom each is at work in one
// of these.
func (o *officeSite) staff(kept map[string][]*qualification.Register) []asker {
	bodies := slices.SortedFunc(maps.Keys(kept), func(a, b string) int { return cmp.Or(o.open[a]-o.open[b], strings.Compare(a, b)) })
	small, large := bodies[0], bodies[len(bodies)-1]
	member := func(at string, bodies ...string) review.Officer {
		s := account.Staff{ID: uuid.New(), Subject: "bench", Name: "計測"}
		for _, b := range bodies {
			s.Grants = append(s.Grants, account.Grant{Body: b, Role: account.Reviewer})
		}
		return review.Officer{Staff: s, Body: at}
	}
	size := func(body string) string { return fmt.Sprintf("(%d registers, %d open)", len(kept[body]), o.open[body]) }
	return []asker{
		{"staff of the smallest body " + size(small), member(small, small)},
		{"staff of the largest body " + size(large), member(large, large)},
		{fmt.Sprintf("staff of all %d bodies, at the smallest", len(bodies)), member(small, bodies...)},
		{fmt.Sprintf("staff of all %d bodies, at the largest", len(bodies)), member(large, bodies...)},
	}
}

// question is one thing that an office asks. It is even when everybody's answer has the same size.
type question struct {
	name string
	even bool
	ask  func(ctx context.Context, of review.Officer) error
}

// inboxPage is how many lines the console shows at once.
const inboxPage = 50

func (o *officeSite) questions() []question {
	inbox := func(f review.Filter, want int) func(context.Context, review.Officer) error {
		f.Limit = inboxPage
		return func(ctx context.Context, of review.Officer) error {
			rows, err := o.desk.Inbox(ctx, of, f)
			return errors.Join(err, sized(len(rows), want))
		}
	}
	search := func(q registry.Query, want int) func(context.Context, review.Officer) error {
		q.Purpose, q.Limit = registry.Purposes[0], inboxPage
		return func(ctx context.Context, of review.Officer) error {
			found, err := o.reader.Search(ctx, of, q)
			return errors.Join(err, sized(len(found), want))
		}
	}
	return []question{
		{"inbox", true, inbox(review.Filter{}, inboxPage)},
		{"inbox, second page", true, func(ctx context.Context, of review.Officer) error {
			first, err := o.desk.Inbox(ctx, of, review.Filter{Limit: inboxPage})
			if err != nil || len(first) == 0 {
				return errors.Join(err, sized(len(first), inboxPage))
			}
			return inbox(review.Filter{After: &first[len(first)-1]}, inboxPage)(ctx, of)
		}},
		{"inbox, what I hold", true, inbox(review.Filter{Mine: true}, plantedHeld)},
		{"search by number, one entry", true, search(registry.Query{Number: fmt.Sprint(plantedNumber)}, 1)},
		{"search by name, 20 entries", true, search(registry.Query{Name: plantedFamily + plantedGiven}, plantedEntries)},
		{"search by part of a name, 20 entries", true, search(registry.Query{Name: plantedPart, Infix: true}, plantedEntries)},
		{"search by the number 7", false, search(registry.Query{Number: "7"}, anySize)},
		{"search by the name 佐々木美咲", false, search(registry.Query{Name: "佐々木美咲"}, anySize)},
		{"search by the part 木美咲 of a name", false, search(registry.Query{Name: "木美咲", Infix: true}, anySize)},
	}
}

const anySize = -1

// sized is an error when an answer has not the size that makes it comparable.
func sized(got, want int) error {
	if want != anySize && got != want {
		return fmt.Errorf("the answer has %d lines, want %d", got, want)
	}
	return nil
}

// measuredRounds is in how many rounds the time of a question is divided: what is compared is the median of their p95.
const measuredRounds = 9

// officeTimes are milliseconds by question and asker, in rounds.
type officeTimes struct {
	suffix    string
	questions []question
	askers    []asker
	took      map[[2]int]*[measuredRounds][]float64
}

// measure asks one question after the other. Everybody asks in turn, in one order and then in the other, so that what else
// the machine does, and what one question leaves behind for the next, falls on all alike.
func (o *officeSite) measure(ctx context.Context, c Config, suffix string) (*officeTimes, error) {
	t := &officeTimes{suffix: suffix, questions: o.questions(), askers: o.askers, took: map[[2]int]*[measuredRounds][]float64{}}
	fmt.Fprintf(c.Out, "asking %d questions as %d people, each for %s%s\n", len(t.questions), len(t.askers), c.For, suffix)
	for qi, q := range t.questions {
		for ai := range t.askers {
			t.took[[2]int{qi, ai}] = &[measuredRounds][]float64{}
		}
		ask := func(ai int) (ms float64, err error) {
			began := time.Now()
			if err := q.ask(ctx, t.askers[ai].officer); err != nil {
				return 0, fmt.Errorf("%s: %s: %w", t.askers[ai].who, q.name, err)
			}
			return float64(time.Since(began).Microseconds()) / 1000, nil
		}
		var there, back []int
		for ai := range t.askers {
			there, back = append(there, ai), slices.Insert(back, 0, ai)
		}
		for range 10 {
			for _, ai := range there {
				if _, err := ask(ai); err != nil {
					return nil, err
				}
			}
		}
		for round := range measuredRounds {
			for n, end := 0, time.Now().Add(c.For/measuredRounds); n < 10 || time.Now().Before(end); n++ {
				for _, ai := range slices.Concat(there, back) {
					ms, err := ask(ai)
					if err != nil {
						return nil, err
					}
					took := t.took[[2]int{qi, ai}]
					took[round] = append(took[round], ms)
				}
			}
		}
	}
	return t, nil
}

// share is the time within which a share of all answers came.
func (t *officeTimes) share(question, asker int, share float64) float64 {
	return shareOf(slices.Concat(t.took[[2]int{question, asker}][:]...), share)
}

// typical is the median of the rounds' p95.
func (t *officeTimes) typical(question, asker int) float64 {
	var p95 []float64
	for _, took := range t.took[[2]int{question, asker}] {
		p95 = append(p95, shareOf(took, 0.95))
	}
	return shareOf(p95, 0.5)
}

func shareOf(took []float64, share float64) float64 {
	took = slices.Sorted(slices.Values(took))
	return took[min(len(took)-1, int(share*float64(len(took))))]
}

func (t *officeTimes) rows() (rows []Row) {
	for qi, q := range t.questions {
		var typical []float64
		for ai, a := range t.askers {
			p50, p95, p99 := t.share(qi, ai, 0.5), t.share(qi, ai, 0.95), t.share(qi, ai, 0.99)
			r := below(q.name+t.suffix+": "+a.who, p95, aimLook, "ms", "p95")
			r.P50, r.P95, r.P99 = &p50, &p95, &p99
			rows = append(rows, r)
			typical = append(typical, t.typical(qi, ai))
		}
		if q.even {
			rows = append(rows, below(q.name+t.suffix+": slowest against quickest", slices.Max(typical)/slices.Min(typical), aimEven, "ratio", evenNote))
		}
	}
	return rows
}

const evenNote = "of the p95, median of nine rounds"

// against compares the questions with what they took with half the definitions, before and afterwards.
func (t *officeTimes) against(before, after *officeTimes) (rows []Row) {
	for qi, q := range t.questions {
		if !q.even {
			continue
		}
		var worst float64
		for ai := range t.askers {
			worst = max(worst, 2*t.typical(qi, ai)/(before.typical(qi, ai)+after.typical(qi, ai)))
		}
		rows = append(rows, below(q.name+": twice the definitions against once", worst, aimEven, "ratio", evenNote+", worst of the askers; once is the mean of before and afterwards"))
	}
	return rows
}
