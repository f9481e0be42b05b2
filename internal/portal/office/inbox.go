package office

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// Which work items the inbox shows.
const (
	showMine    = "mine"
	showOpen    = "open"
	showTaken   = "taken"
	showWaiting = "waiting"
	showAll     = "all"
)

// inboxQuery is what the address of the inbox asks for.
type inboxQuery struct {
	Show          string
	Step          string
	Qualification string
	Per           int
	After         *review.Row
}

// inboxSteps are the steps that the inbox can be narrowed to, in a case's order.
var inboxSteps = []string{application.StepIntake, application.StepForward, application.StepReview, application.StepApproval}

// pageSizes are the lengths of a page of the inbox that can be chosen.
var pageSizes = []int{25, 50, 100}

// readInboxQuery reads the address; what it does not know counts as not given.
func readInboxQuery(q url.Values) inboxQuery {
	f := inboxQuery{Show: showMine, Per: pageSizes[0], Qualification: q.Get("qualification")}
	if show := q.Get("show"); slices.Contains([]string{showOpen, showTaken, showWaiting, showAll}, show) {
		f.Show = show
	}
	if step := q.Get("step"); slices.Contains(inboxSteps, step) {
		f.Step = step
	}
	if n, err := strconv.Atoi(q.Get("per")); err == nil && slices.Contains(pageSizes, n) {
		f.Per = n
	}
	f.After = readPlace(q.Get("after"))
	return f
}

// place is where a page of the inbox ended, in the address of the next one.
type place struct {
	Due calendar.Date `json:"d"`
	At  time.Time     `json:"t"`
	ID  uuid.UUID     `json:"i"`
}

func writePlace(row review.Row) string {
	raw, err := json.Marshal(place{row.Due, row.OpenedAt, row.WorkID})
	if err != nil {
		return "" // a row always has a due date; without one the list begins anew
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readPlace(s string) *review.Row {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	var at place
	if err != nil || json.Unmarshal(raw, &at) != nil {
		return nil
	}
	return &review.Row{Due: at.Due, OpenedAt: at.At, WorkID: at.ID}
}

// filter is what the desk is asked, one row more than shown, to know whether there is a next page.
func (f inboxQuery) filter() review.Filter {
	out := review.Filter{Step: f.Step, Definition: f.Qualification, After: f.After, Limit: min(f.Per+1, 100)}
	switch f.Show {
	case showMine:
		out.Mine = true
	case showOpen, showTaken, showWaiting:
		out.State = f.Show
	}
	return out
}

// path is the address of the inbox with other values; empty ones are left out.
func (f inboxQuery) path(change func(*inboxQuery)) string {
	f.After = nil
	if change != nil {
		change(&f)
	}
	q := url.Values{}
	if f.Show != showMine {
		q.Set("show", f.Show)
	}
	if f.Step != "" {
		q.Set("step", f.Step)
	}
	if f.Qualification != "" {
		q.Set("qualification", f.Qualification)
	}
	if f.Per != pageSizes[0] {
		q.Set("per", strconv.Itoa(f.Per))
	}
	if f.After != nil {
		q.Set("after", writePlace(*f.After))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// inboxView is the home of staff: whose turn it is, the most urgent first.
type inboxView struct {
	Counters []counter
	Next     []nextButton
	Show     ui.Control
	Step     ui.Control
	Kind     ui.Control
	Per      ui.Control
	Chips    []ui.Chip
	Groups   []inboxGroup
	First    string // path of the first page, "" when this is it
	More     string // path of the next page
	Passed   bool   // the body passes cases on
	Paper    bool   // the reader can enter what came on paper
	Empty    string
}

type counter struct {
	Text, Path string
	N          int64
	Current    bool
}

// nextButton takes the most urgent case of a step that nobody holds.
type nextButton struct {
	Step  string
	Text  string
	N     int64
	Focus bool // it has the focus when the page opens
}

// takeKind is how the button of the first step that somebody can take looks, and the others.
func takeKind(first bool) ui.ButtonKind {
	if first {
		return ui.Primary
	}
	return ui.Secondary
}

type inboxGroup struct {
	ID    string // overdue | soon | week | later | waiting
	Title string
	Tone  ui.Tone
	Rows  []inboxRow
}

type inboxRow struct {
	Path, Number, Procedure, Name, Received, Due, Left, Step, State, Holder, Note string
	Tone                                                                          ui.Tone
	Mine                                                                          bool
	OnPaper                                                                       bool
}

// inbox shows the work of the body.
func (p *portal) inbox(w http.ResponseWriter, r *http.Request, o seat) error {
	if !o.May(account.CaseView) {
		return p.otherHome(w, r, o)
	}
	f := readInboxQuery(r.URL.Query())
	rows, err := p.Desk.Inbox(r.Context(), o.Officer, f.filter())
	if err != nil {
		return err
	}
	counts, err := p.Desk.Counts(r.Context(), o.Officer)
	if err != nil {
		return err
	}
	holders := make([]*uuid.UUID, len(rows))
	for i := range rows {
		holders[i] = rows[i].Assignee
	}
	who, err := p.namesOf(o, r, holders...)
	if err != nil {
		return err
	}
	page := p.page(r, o, "inbox", "inbox.title."+f.Show)
	return page.Render(w, inboxPage(page, newInbox(page, p.Desk.Catalogue, o, f, rows, counts, who, p.today())))
}

// otherHome is where somebody whose roles see no cases begins.
func (p *portal) otherHome(w http.ResponseWriter, r *http.Request, o seat) error {
	for _, item := range nav(o) {
		if item.ID != "body" {
			return p.site.Redirect(w, r, item.Path)
		}
	}
	page := p.page(r, o, "", "nothing.title")
	return page.Render(w, nothingHere(page))
}

// newInbox fills the home page.
func newInbox(page *ui.Page, cat *qualification.Catalogue, o seat, f inboxQuery, rows []review.Row, counts []review.Count, who names, today calendar.Date) inboxView {
	v := inboxView{Counters: counters(page, f, counts), Next: nextButtons(page, o, counts)}
	v.Show, v.Step, v.Kind, v.Per = inboxControls(page, cat, o, f)
	v.Chips = inboxChips(page, cat, f)
	v.Passed = o.May(account.CaseForward) && slices.ContainsFunc(cat.List(), func(d *qualification.Definition) bool { return d.ForwardedBy(o.Body) })
	v.Paper = o.May(account.CaseIntake)
	if len(rows) > f.Per || len(rows) == 100 {
		rows = rows[:min(len(rows), f.Per)]
		v.More = f.path(func(q *inboxQuery) { q.After = &rows[len(rows)-1] })
	}
	if f.After != nil {
		v.First = f.path(nil)
	}
	v.Groups = grouped(page, cat, o, rows, who, today)
	v.Empty = page.R("inbox.empty")
	switch {
	case f.Show == showMine && slices.ContainsFunc(v.Next, func(b nextButton) bool { return b.N > 0 }):
		v.Empty = page.R("inbox.empty_mine")
	case f.Show == showMine:
		v.Empty = page.R("inbox.empty_end")
	}
	return v
}

// urgency is the group of a row.
func urgency(row review.Row, today calendar.Date) string {
	sunday := today.AddDays((7 - int(today.Weekday())) % 7)
	switch {
	case row.WorkState == application.WorkWaiting:
		return "waiting"
	case row.Due.Before(today):
		return "overdue"
	case calendar.BusinessDaysBetween(today, row.Due) <= 3:
		return "soon"
	case !row.Due.After(sunday):
		return "week"
	}
	return "later"
}

// grouped puts the rows into the groups of urgency, empty ones left out.
func grouped(page *ui.Page, cat *qualification.Catalogue, o seat, rows []review.Row, who names, today calendar.Date) []inboxGroup {
	tones := map[string]ui.Tone{"overdue": ui.Danger, "soon": ui.Warning, "week": ui.Info, "later": ui.Neutral, "waiting": ui.Neutral}
	var out []inboxGroup
	for _, id := range []string{"overdue", "soon", "week", "later", "waiting"} {
		g := inboxGroup{ID: id, Title: page.R("group." + id), Tone: tones[id]}
		for _, row := range rows {
			if urgency(row, today) == id {
				g.Rows = append(g.Rows, newInboxRow(page, cat, o, row, who, today))
			}
		}
		if len(g.Rows) > 0 {
			out = append(out, g)
		}
	}
	return out
}

func newInboxRow(page *ui.Page, cat *qualification.Catalogue, o seat, row review.Row, who names, today calendar.Date) inboxRow {
	d, _ := cat.Definition(row.DefinitionID)
	mine := row.Assignee != nil && *row.Assignee == o.Staff.ID
	out := inboxRow{Path: casePath(row.PublicID), Number: row.PublicID, Procedure: procedureName(page, d, row.ProcedureID), Name: row.Name,
		Received: shortDay(page, calendar.Of(row.SubmittedAt)), Due: shortDay(page, row.Due), Left: left(page, today, row.Due), Step: page.R("step." + row.Step),
		State: page.R("state." + string(row.State)), Tone: stateTone(row.State), Holder: who.of(row.Assignee), Note: row.LatestNote, Mine: mine, OnPaper: row.OnPaper}
	if mine && row.Step == application.StepApproval {
		out.Path = casePath(row.PublicID, "decision")
	}
	if row.WorkState == application.WorkWaiting {
		out.Left = page.R("left.waiting")
	}
	return out
}

// counters are the numbers of the body's work, each a link to its list.
func counters(page *ui.Page, f inboxQuery, counts []review.Count) []counter {
	sum := func(step, state string) (n int64) {
		for _, c := range counts {
			if (step == "" || c.Step == step) && c.State == state {
				n += c.N
			}
		}
		return n
	}
	var out []counter
	add := func(key, step, state string) {
		path := f.path(func(q *inboxQuery) { q.Show, q.Step = state, step })
		out = append(out, counter{Text: page.R(key), Path: path, N: sum(step, state), Current: f.Show == state && f.Step == step})
	}
	for _, step := range []string{application.StepIntake, application.StepForward} {
		if sum(step, showOpen)+sum(step, showTaken) > 0 { // few bodies have any
			add("count."+step+"_open", step, showOpen)
			add("count."+step+"_taken", step, showTaken)
		}
	}
	add("count.review_open", application.StepReview, showOpen)
	add("count.review_taken", application.StepReview, showTaken)
	add("count.approval_open", application.StepApproval, showOpen)
	add("count.approval_taken", application.StepApproval, showTaken)
	add("count.waiting", "", showWaiting)
	return out
}

// nextButtons are for the steps that somebody's roles permit.
func nextButtons(page *ui.Page, o seat, counts []review.Count) []nextButton {
	var out []nextButton
	for _, s := range []struct {
		step  string
		needs account.Permission
	}{{application.StepIntake, account.CaseForward}, {application.StepForward, account.CaseForward},
		{application.StepReview, account.CaseReview}, {application.StepApproval, account.CaseApprove}} {
		if !o.May(s.needs) {
			continue
		}
		b := nextButton{Step: s.step, Text: page.R("next.take." + s.step)}
		for _, c := range counts {
			if c.Step == s.step && c.State == application.WorkOpen {
				b.N += c.N
			}
		}
		if b.N == 0 && s.needs == account.CaseForward {
			continue // few bodies have any
		}
		out = append(out, b)
	}
	if i := slices.IndexFunc(out, func(b nextButton) bool { return b.N > 0 }); i >= 0 {
		out[i].Focus = len(page.Notices) > 0 // an act has led here
	}
	return out
}

func inboxControls(page *ui.Page, cat *qualification.Catalogue, o seat, f inboxQuery) (show, step, kind, per ui.Control) {
	show = ui.Control{Name: "show", Label: page.R("filter.show"), Value: f.Show, NoNeed: true}
	for _, s := range []string{showMine, showOpen, showTaken, showWaiting, showAll} {
		show.Choices = append(show.Choices, ui.Choice{Value: s, Label: page.R("show." + s)})
	}
	step = ui.Control{Name: "step", Label: page.R("filter.step"), Value: f.Step, NoNeed: true}
	for _, s := range inboxSteps {
		step.Choices = append(step.Choices, ui.Choice{Value: s, Label: page.R("step." + s)})
	}
	kind = ui.Control{Name: "qualification", Label: page.R("filter.qualification"), Value: f.Qualification, NoNeed: true}
	for _, d := range cat.Named(page.Lang) { // those whose registers the body keeps, and those that go through it
		if slices.ContainsFunc(d.Registers, func(g qualification.Register) bool { return g.Registrar == o.Body }) || d.ForwardedBy(o.Body) {
			kind.Choices = append(kind.Choices, ui.Choice{Value: d.ID, Label: page.Text(d.Name)})
		}
	}
	per = ui.Control{Name: "per", Label: page.R("filter.per"), Value: strconv.Itoa(f.Per), NoNeed: true}
	for _, n := range pageSizes {
		per.Choices = append(per.Choices, ui.Choice{Value: strconv.Itoa(n), Label: page.R("filter.per_n", n)})
	}
	return show, step, kind, per
}

// inboxChips are the chosen filters, each with the address without it.
func inboxChips(page *ui.Page, cat *qualification.Catalogue, f inboxQuery) []ui.Chip {
	var chips []ui.Chip
	if f.Show != showMine {
		chips = append(chips, ui.Chip{Text: page.R("show." + f.Show), Remove: f.path(func(q *inboxQuery) { q.Show = showMine })})
	}
	if f.Step != "" {
		chips = append(chips, ui.Chip{Text: page.R("step." + f.Step), Remove: f.path(func(q *inboxQuery) { q.Step = "" })})
	}
	if d, ok := cat.Definition(f.Qualification); ok {
		chips = append(chips, ui.Chip{Text: page.Text(d.Name), Remove: f.path(func(q *inboxQuery) { q.Qualification = "" })})
	}
	return chips
}

// takeNext gives the officer the most urgent case of a step that nobody holds.
func (p *portal) takeNext(w http.ResponseWriter, r *http.Request, o seat) error {
	step := r.PostFormValue("step")
	if !slices.Contains(inboxSteps, step) {
		step = application.StepReview
	}
	id, err := p.Desk.TakeNext(r.Context(), o.Officer, step)
	if errors.Is(err, fault.NotFound) {
		if err := p.flash(r, ui.Info, "inbox.none_left", ui.Link{}); err != nil {
			return err
		}
		return p.site.Redirect(w, r, "/")
	}
	if err != nil {
		return err
	}
	if step == application.StepApproval {
		return p.site.Redirect(w, r, casePath(id, "decision"))
	}
	return p.site.Redirect(w, r, casePath(id))
}
