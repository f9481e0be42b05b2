package demo

import (
	"context"
	"slices"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/calendar"
	"akashi/internal/govsim/world"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/relying"
)

// facts are what the start page is drawn from.
type facts struct {
	Progress Progress
	Switches []Switch
	Now      time.Time
	Places   places
	Command  string          // of the registered verifier
	Told     []relying.Event // what it was told
}

// startView is the start page.
type startView struct {
	Next     nextView
	Steps    []ui.Event
	Cards    []roleCard
	Others   []personRow
	Planners []ui.Row
	Paper    []ui.Row // who enters an application on paper, and whose
	Sites    []siteRow
	Outside  []siteRow
	Switches []switchRow
	More     moreView
	Tomorrow string // YYYY-MM-DD, the first day to which the clock can be moved
}

// moreView is what can be tried with a credential beside the story.
type moreView struct {
	Holder, Stop, Check, Counter, Wallet string // addresses
	Command                              string
	Told                                 ui.Table
}

// nextView says what comes next in the story.
type nextView struct {
	Text   string
	Role   Role   // whose turn it is; Nobody: the program's
	Button string // words of the button that makes the visitor that person
}

// roleCard is one of the four people one can be.
type roleCard struct {
	Role   Role
	Turn   bool
	Title  string
	Name   string
	Does   string
	Login  []ui.Row // what the login asks for
	Button string
}

// personRow is another invented person.
type personRow struct{ ID, Name, Text string }

// siteRow is one address of the demonstration.
type siteRow struct{ Name, Address, What string }

// switchRow is one fault switch.
type switchRow struct {
	ID   string
	Name string
	Off  bool
}

// read gathers the facts and returns the function that words them.
func (f *front) read(ctx context.Context) (func(*ui.Page) startView, error) {
	progress, err := readProgress(ctx, f.demo.worker, world.People()[0])
	if err != nil {
		return nil, err
	}
	known := facts{Progress: progress, Switches: f.demo.switches(), Now: f.demo.Clock.Now(), Places: f.demo.places,
		Told: f.demo.hospital.notified()}
	known.Command = f.demo.hospital.command(calendar.Of(known.Now).AddDays(365).String())
	return func(p *ui.Page) startView { return fill(p, known) }, nil
}

// fill words the facts.
func fill(p *ui.Page, f facts) startView {
	next := f.Progress.next()
	v := startView{Steps: timeline(p, next.Step), Cards: cards(p, next.Role), Others: others(p), Planners: planners(p), Paper: onPaper(p), Sites: sites(p, f.Places),
		Outside: outside(p, f.Places), Tomorrow: calendar.Of(f.Now).AddDays(1).String()}
	v.More = more(p, f)
	v.Next = nextView{Text: p.R("demo.next." + next.Key), Role: next.Role}
	if next.Role != Nobody {
		v.Next.Button = p.R("demo.be." + string(next.Role))
	}
	for _, s := range f.Switches {
		v.Switches = append(v.Switches, switchRow{s.ID, p.R("demo.fault." + s.ID), s.Off})
	}
	return v
}

// more words what can be tried beside the story.
func more(p *ui.Page, f facts) moreView {
	at := f.Places
	v := moreView{Holder: address(at.citizen(), p.Lang, "/login", "/credentials"), Stop: address(at.citizen(), p.Lang, "/stop", ""), Check: address(at.public(), p.Lang, "/", ""), Counter: address(at.public(), p.Lang, "/counter/", ""),
		Wallet: address(at.public(), p.Lang, "/wallet", ""), Command: f.Command}
	v.Told = ui.Table{Caption: p.R("demo.more.told"), Empty: p.R("demo.more.told_none"), Columns: []ui.Column{{Text: p.R("demo.more.when")}, {Text: p.R("demo.more.credential")}, {Text: p.R("demo.more.state")}}}
	for _, e := range f.Told {
		v.Told.Rows = append(v.Told.Rows, []templ.Component{ui.Cell(p.Time(e.Since)), ui.Cell(e.CredentialID), ui.Cell(p.R("demo.more.state." + e.State))})
	}
	return v
}

// timeline draws the story with the step that comes next.
func timeline(p *ui.Page, now Step) []ui.Event {
	var events []ui.Event
	at := slices.Index(Steps(), now)
	for i, s := range Steps() {
		e := ui.Event{Title: p.R("demo.step." + string(s)), State: ui.EventToCome}
		switch {
		case i < at:
			e.State = ui.EventDone
		case i == at:
			e.State = ui.EventNow
		}
		events = append(events, e)
	}
	return events
}

// Staff who play in the story.
const (
	storyReviewer = "mhlw-reviewer-1"
	storyApprover = "mhlw-approver-1"
	storyPlanner  = "mhlw-planner"
	storyDirector = "mhlw-director"
	storyIntake   = "mhlw-intake"
)

// storyPaper is the person who applies on paper.
const (
	storyPaper = "sakura"
)

func cards(p *ui.Page, turn Role) []roleCard {
	secret := func(label, value string) ui.Row { return ui.Row{Label: p.R(label), Value: value} }
	login := map[Role][]ui.Row{
		Nurse:    {secret("demo.pin", world.PIN), secret("demo.password", world.Password)},
		Reviewer: {secret("demo.username", storyReviewer), secret("demo.staff_password", StaffPassword)},
		Approver: {secret("demo.username", storyApprover), secret("demo.staff_password", StaffPassword)},
	}
	names := map[Role]string{Nurse: spaced(world.People()[0].Name), Reviewer: member(storyReviewer).Name, Approver: member(storyApprover).Name,
		Employer: p.T("demo.employer.name")}
	var all []roleCard
	for _, r := range []Role{Nurse, Reviewer, Approver, Employer} {
		all = append(all, roleCard{Role: r, Turn: r == turn, Title: p.R("demo.role." + string(r)), Name: names[r],
			Does: p.R("demo.does." + string(r)), Login: login[r], Button: p.R("demo.be." + string(r))})
	}
	return all
}

// member finds one of the staff; they are all written down in this package.
func member(username string) Member {
	i := slices.IndexFunc(Staff(), func(m Member) bool { return m.Username == username })
	return Staff()[i]
}

// spaced shows a name with an ordinary space.
func spaced(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		if r == '\u3000' {
			runes[i] = ' '
		}
	}
	return string(runes)
}

func others(p *ui.Page) []personRow {
	var all []personRow
	for _, who := range world.People()[1:] {
		all = append(all, personRow{ID: who.ID, Name: spaced(who.Name), Text: p.R("demo.person." + who.ID)})
	}
	return all
}

// planners are staff beside the story, with what their login asks for.
func planners(p *ui.Page) []ui.Row {
	var rows []ui.Row
	for _, username := range []string{storyPlanner, storyDirector} {
		rows = append(rows, ui.Row{Label: p.R("demo.staff." + username), Value: p.R("demo.staff_login", member(username).Name, username, StaffPassword)})
	}
	return rows
}

// onPaper are the member of staff at the counter, and what stands on the paper of somebody whose card cannot sign.
func onPaper(p *ui.Page) []ui.Row {
	i := slices.IndexFunc(world.People(), func(who world.Person) bool { return who.ID == storyPaper })
	who := world.People()[i]
	birth := who.BirthDate
	if day, err := calendar.ParseISO(birth); err == nil {
		birth = p.Date(day)
	}
	return []ui.Row{
		{Label: p.R("demo.paper.staff"), Value: p.R("demo.staff_login", member(storyIntake).Name, storyIntake, StaffPassword)},
		{Label: p.R("demo.paper.who"), Value: spaced(who.Name) + "（" + spaced(who.Kana) + "）", Name: true},
		{Label: p.R("demo.paper.birth"), Value: birth},
		{Label: p.R("demo.paper.address"), Value: who.Address},
		{Label: p.R("demo.paper.exam"), Value: p.R("demo.paper.exam_of", examOf(storyPaper).sitting, p.PrefectureName(examOf(storyPaper).place), examOf(storyPaper).number)},
	}
}

// examOf finds somebody on the lists of passers.
func examOf(person string) passed {
	i := slices.IndexFunc(passers(), func(one passed) bool { return one.person == person })
	return passers()[i]
}

func sites(p *ui.Page, at places) []siteRow {
	return []siteRow{
		{p.R("demo.site.citizen"), address(at.citizen(), p.Lang, "/", ""), p.R("demo.site.citizen.what")},
		{p.R("demo.site.office"), address(at.office(), p.Lang, "/", ""), p.R("demo.site.office.what")},
		{p.R("demo.site.public"), address(at.public(), p.Lang, "/", ""), p.R("demo.site.public.what")},
		{p.R("demo.site.api"), "http://" + at.api() + "/openapi.json", p.R("demo.site.api.what")},
	}
}

func outside(p *ui.Page, at places) []siteRow {
	s := at.simulators()
	return []siteRow{
		{p.R("demo.sim.login"), "http://" + s.Login + "/", p.R("demo.sim.login.what")},
		{p.R("demo.sim.staff"), "http://" + s.Staff, p.R("demo.sim.staff.what")},
		{p.R("demo.sim.resident"), "http://" + s.Resident, p.R("demo.sim.resident.what")},
		{p.R("demo.sim.family"), "http://" + s.Family, p.R("demo.sim.family.what")},
		{p.R("demo.sim.payment"), "http://" + s.Payment, p.R("demo.sim.payment.what")},
		{p.R("demo.sim.timestamp"), "http://" + s.Timestamp, p.R("demo.sim.timestamp.what")},
	}
}

// worded is a wording in every language, as problems carry it.
func (f *front) worded(key string) qualification.Text {
	return qualification.Text{JA: f.words.R(qualification.JA, key), EN: f.words.R(qualification.EN, key), Easy: f.words.R(qualification.Easy, key)}
}
