package office

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// caseHead is what stands above everything about a case.
type caseHead struct {
	Number, Procedure, Name, Received, Due, Left, State, Holder string
	Tone                                                        ui.Tone
	Late                                                        bool
	OnPaper                                                     bool
}

// caseView is the page of a case.
type caseView struct {
	ID          string
	Head        caseHead
	Checks      []checkRow
	Measure     []ui.Row // instead of checks, when the office itself has opened the case
	EntryPath   string
	Documents   []docView
	Changes     []ui.Change
	Rounds      int
	Signed      []signedView
	Answers     []answerView
	Payment     []ui.Row
	Corrections []correctionView
	Decisions   []decisionRow
	Timeline    []ui.Event
	Notes       []noteView
	Looks       []lookView
	Note        ui.Control

	Paper        []paperReceipt // what staff saw of the paper, the newest round first
	ToCorrection string         // where the correction on paper is entered, "" when none is asked for or the reader may not
	ToWithdrawal string         // where it is recorded that the applicant has taken the paper back

	HandOvers  []handOverView // by which bodies the case came
	Forwarding bool           // the reader holds the case to check it and to pass it on
	Elsewhere  bool           // the reader's body forwards the case and does not keep the register

	Reviewing bool   // the reader holds the case in review: the list can be filled in
	Deciding  bool   // the reader holds the case for the decision
	Mine      bool   // the reader holds the case
	MayFree   bool   // somebody else holds it, and the reader may take it from them
	MayTake   bool   // nobody holds it and the reader's roles permit it
	Own       bool   // the reader has proposed what waits for a second person
	Waiting   bool   // the applicant has to act
	Unsettled int    // checks that stand in the way of an approval
	Stand     string // one sentence: who acts next
}

// look is a case that is open before an officer, with what is shown beside what the stages return.
type look struct {
	view      *review.View
	standing  review.Standing
	purpose   string
	who       names
	events    []audit.Logged
	stepUp    bool              // the second factor was not given a short while ago
	next      string            // name of the body to which a case goes that is on its way
	bodies    map[string]string // names of the bodies in hand-over notes
	registers map[string]string // names of the registers that have attested a base licence
}

// open reads a case for an officer, who holds it or has said why. A purpose that is still missing is reported by ok.
func (p *portal) open(r *http.Request, o seat, id string) (l look, ok bool, err error) {
	l.view, l.standing, err = p.Desk.OpenAs(r.Context(), o.Officer, id, func(s review.Standing) (string, error) {
		l.purpose, err = p.whyCase(r, o, id, s)
		return l.purpose, err
	})
	if err != nil || l.purpose == "" {
		return l, false, err
	}
	return p.beside(r, o, l)
}

// beside reads what a page shows beside a case that was opened.
func (p *portal) beside(r *http.Request, o seat, l look) (_ look, ok bool, err error) {
	if l.events, err = p.casesLog(r, o, l.view.Case); err != nil {
		return l, false, err
	}
	l.who, err = p.namesOf(o, r, l.people()...)
	return l, err == nil, err
}

// whyCase is the purpose of a look at a case: the procedure for its holder, otherwise what was stated.
func (p *portal) whyCase(r *http.Request, o seat, id string, s review.Standing) (string, error) {
	if s.Holds(o.Officer) {
		return "procedure", nil
	}
	return p.purposeOf(r.Context(), id)
}

// logged bounds the lines of the log that a page shows.
const logged = 50

// casesLog reads who looked at a case and changed it, newest first.
func (p *portal) casesLog(r *http.Request, o seat, c *application.Case) (events []audit.Logged, err error) {
	read := func(tx *pg.Tx) error {
		events, err = audit.List(r.Context(), tx, audit.Filter{Case: c.ID, Limit: logged})
		return err
	}
	if c.RegistrarID == o.Body {
		err = p.Desk.DB.InRegistrar(r.Context(), o.Body, read)
	} else {
		err = p.Desk.DB.InBody(r.Context(), o.Body, read)
	}
	return events, err
}

// people are the members of staff whose names the page shows.
func (l look) people() []*uuid.UUID {
	v := l.view
	var out []*uuid.UUID
	if v.Work != nil {
		out = append(out, v.Work.Assignee)
	}
	for i := range v.Verdicts {
		out = append(out, &v.Verdicts[i].Staff)
	}
	for i := range v.Notes {
		out = append(out, &v.Notes[i].Staff)
	}
	for i := range v.Decisions {
		out = append(out, &v.Decisions[i].Reviewer, v.Decisions[i].Approver)
	}
	for i := range v.Receipts {
		out = append(out, &v.Receipts[i].Staff)
	}
	for i := range v.HandOvers {
		out = append(out, &v.HandOvers[i].Staff, v.HandOvers[i].ReceivedBy)
	}
	return append(out, actors(l.events)...)
}

// actors are the members of staff in lines of the log.
func actors(events []audit.Logged) []*uuid.UUID {
	var out []*uuid.UUID
	for _, e := range events {
		if id, err := uuid.Parse(e.Actor.ID); err == nil && e.Actor.Kind == audit.ActorStaff {
			out = append(out, &id)
		}
	}
	return out
}

// casePage shows a case, or first asks why.
func (p *portal) casePage(w http.ResponseWriter, r *http.Request, o seat) error {
	return p.drawCase(w, r, o, nil, nil)
}

// drawCase draws the page of a case. With problems, typed holds what was sent and has to be put right.
func (p *portal) drawCase(w http.ResponseWriter, r *http.Request, o seat, typed []review.Verdict, check func(*ui.Page, *review.View) []qualification.Problem) error {
	id := r.PathValue("id")
	l, ok, err := p.open(r, o, id)
	if err != nil {
		return err
	}
	page := p.page(r, o, "inbox", "case.title", id)
	page.Back = "/"
	if !ok {
		return page.Render(w, purposePage(page, purposeView{Lead: page.R("case.why"), Action: casePath(id, "purpose"), Control: purposeControl(page, ""),
			Take: mayTake(o, l.standing), TakePath: casePath(id, "take")}))
	}
	if check != nil {
		page.Problems = check(page, l.view)
	}
	l.next, l.bodies = p.bodyName(page, l.view.Case.Next()), map[string]string{}
	for _, h := range l.view.HandOvers {
		l.bodies[h.From], l.bodies[h.To] = p.bodyName(page, h.From), p.bodyName(page, h.To)
	}
	l.registers = map[string]string{}
	for _, b := range l.view.Bases {
		l.registers[b.Register] = registerName(page, p.Desk.Catalogue, b.Register)
	}
	v, err := newCase(page, o, l, typed, p.today())
	if err != nil {
		return err
	}
	v.Note.Value = r.PostFormValue("note")
	return page.Render(w, casePageBody(page, v))
}

// mayTake tells whether nobody holds the case and somebody's roles permit it.
func mayTake(o seat, s review.Standing) bool {
	if s.Work == nil || s.Work.State != application.WorkOpen {
		return false
	}
	switch {
	case s.Work.Step == application.StepApproval:
		return o.May(account.CaseApprove)
	case s.Work.Forwarding():
		return o.May(account.CaseForward)
	}
	return o.May(account.CaseReview)
}

// newCase fills the page of a case.
func newCase(page *ui.Page, o seat, l look, typed []review.Verdict, today calendar.Date) (caseView, error) {
	v, c := l.view, l.view.Case
	verdicts := v.Verdicts
	if typed != nil {
		verdicts = typed
	}
	out := caseView{ID: c.PublicID, Head: newHead(page, l, today), Checks: checklist(page, v, verdicts, l.who), Documents: documents(page, v), Rounds: len(v.Submissions),
		Answers: slices.Concat(bases(page, l), answers(page, v)), Payment: payments(page, v), Corrections: corrections(page, v), Decisions: decisions(page, v, l.who),
		Timeline: timeline(page, v), Notes: noteViews(page, v.Notes, l.who), Looks: looks(page, l.events, l.who), Unsettled: len(v.Unsettled),
		Note: ui.Control{Name: "note", Label: page.R("notes.label"), Hint: page.R("notes.hint"), NoNeed: true, Rows: 3, Problem: page.ProblemFor("note")}}
	var err error
	if v.Procedure != nil {
		if out.Signed, err = signed(page, v); err != nil {
			return out, err
		}
		if out.Changes, err = changesBetween(page, v); err != nil {
			return out, err
		}
	} else {
		out.Measure = measureRows(page, c)
	}
	if c.EntryID != nil && o.May(account.RegisterView) {
		out.EntryPath = entryPath(c.RegisterID, c.EntryID.String())
	}
	out.Mine = l.standing.Holds(o.Officer)
	out.MayFree = !out.Mine && l.standing.Work != nil && l.standing.Work.Assignee != nil && o.Staff.May(o.Body, account.CaseApprove)
	out.Reviewing, out.Deciding = l.standing.Reviews(o.Officer), l.standing.Decides(o.Officer)
	out.HandOvers, out.Forwarding, out.Elsewhere = handOvers(page, l), l.standing.Forwards(o.Officer), c.Elsewhere()
	out.Paper = paperReceipts(page, v, l.who)
	if c.OnPaper() && o.May(account.CaseIntake) && c.State.Withdrawable() {
		out.ToWithdrawal = paperBase(c.PublicID) + "/withdraw"
		if c.State.Editable() {
			out.ToCorrection = paperBase(c.PublicID)
		}
	}
	out.Own = proposedBy(v, o)
	out.MayTake = mayTake(o, l.standing) && !out.Own && !(l.standing.Work.Step == application.StepApproval && slices.Contains(v.Hands, o.Staff.ID))
	out.Waiting = l.standing.Work != nil && l.standing.Work.State == application.WorkWaiting
	out.Stand = stand(page, out, l)
	return out, nil
}

func newHead(page *ui.Page, l look, today calendar.Date) caseHead {
	c := l.view.Case
	h := caseHead{Number: c.PublicID, Procedure: procedureName(page, l.view.Definition, c.ProcedureID), Name: applicantName(c),
		State: page.R("state." + string(c.State)), Tone: stateTone(c.State), OnPaper: c.OnPaper()}
	if c.SubmittedAt != nil {
		h.Received = page.Day(*c.SubmittedAt)
	}
	if c.DueOn != nil && !c.State.Ended() {
		h.Due, h.Left, h.Late = page.Date(*c.DueOn), left(page, today, *c.DueOn), c.DueOn.Before(today)
	}
	if l.view.Work != nil {
		h.Holder = l.who.of(l.view.Work.Assignee)
	}
	return h
}

// applicantName is the name under which a case runs.
func applicantName(c *application.Case) string {
	return application.Declared(c).Name.Full()
}

// proposedBy tells whether the officer has made the proposal that waits for a second person.
func proposedBy(v *review.View, o seat) bool {
	d := openProposal(v)
	return d != nil && d.Reviewer == o.Staff.ID
}

// openProposal is the proposal that waits for a second person, nil when none does.
func openProposal(v *review.View) *review.Decision {
	for i := range v.Decisions {
		if v.Decisions[i].Outcome == nil {
			return &v.Decisions[i]
		}
	}
	return nil
}

// stand says in one sentence who acts next.
func stand(page *ui.Page, v caseView, l look) string {
	switch {
	case v.Own:
		return page.R("stand.own")
	case v.Deciding:
		return page.R("stand.deciding")
	case v.Reviewing:
		return page.R("stand.reviewing", v.Unsettled)
	case v.Forwarding:
		return page.R("stand.forwarding", l.next)
	case v.Waiting:
		return page.R("stand.waiting")
	case l.standing.Work == nil && l.standing.State == application.AwaitingPayment:
		return page.R("stand.unpaid")
	case l.standing.Work == nil:
		return page.R("stand.closed")
	case v.Head.Holder != "":
		return page.R("stand.held", v.Head.Holder)
	}
	return page.R("stand.open." + l.standing.Work.Step)
}

// firstOpen is the first check that the reader still has to settle, "" when there is none.
func firstOpen(v caseView) string {
	if i := slices.IndexFunc(v.Checks, func(c checkRow) bool { return c.Open }); v.Reviewing && i >= 0 {
		return v.Checks[i].ID
	}
	return ""
}

// measureRows are what the office wants to do to an entry.
func measureRows(page *ui.Page, c *application.Case) []ui.Row {
	until := ""
	if day, err := calendar.ParseISO(c.Answers.Values[review.MeasureUntil]); err == nil {
		until = page.Date(day)
	} else if c.Answers.Values["measure"] == review.MeasureSuspend {
		until = page.R("measure.until_none")
	}
	return []ui.Row{
		{Label: page.R("measure.kind"), Value: said(page, "measure."+c.Answers.Values["measure"], "measure.other")},
		{Label: page.R("measure.until"), Value: until},
		{Label: page.R("measure.reason"), Value: c.Answers.Values["reason"]},
		{Label: page.R("item.name"), Value: c.Applicant.Name.Full(), Name: true},
		{Label: page.R("item.birth_date"), Value: page.Date(c.Applicant.BirthDate)},
	}
}

// purposeView asks why somebody looks at something that they do not hold.
type purposeView struct {
	Lead     string
	Action   string
	Control  ui.Control
	Take     bool
	TakePath string
}

// statePurpose keeps why an officer looks at a case.
func (p *portal) statePurpose(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	standing, err := p.Desk.Standing(r.Context(), o.Officer, id)
	if err != nil {
		return err
	}
	if r.PostFormValue("purpose") == "" {
		page := p.page(r, o, "inbox", "case.title", id)
		page.Back = "/"
		page.Problems = []qualification.Problem{problem(page, "purpose", "fault.purpose")}
		return page.Render(w, purposePage(page, purposeView{Lead: page.R("case.why"), Action: casePath(id, "purpose"), Control: purposeControl(page, ""),
			Take: mayTake(o, standing), TakePath: casePath(id, "take")}))
	}
	if err := p.keepPurpose(r.Context(), id, r.PostFormValue("purpose")); err != nil {
		return err
	}
	return p.site.Redirect(w, r, casePath(id))
}

// take gives the officer an open case.
func (p *portal) take(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	if err := p.Desk.Take(r.Context(), o.Officer, id); err != nil {
		return err
	}
	standing, err := p.Desk.Standing(r.Context(), o.Officer, id)
	if err != nil {
		return err
	}
	if standing.Work != nil && standing.Work.Step == application.StepApproval {
		return p.done(w, r, casePath(id, "decision"), "case.taken")
	}
	return p.done(w, r, casePath(id), "case.taken")
}

// free takes the case from whoever holds it.
func (p *portal) free(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	if err := p.Desk.Free(r.Context(), o.Officer, id); err != nil {
		return err
	}
	return p.done(w, r, casePath(id), "case.freed", id)
}

// release gives the case back to the others.
func (p *portal) release(w http.ResponseWriter, r *http.Request, o seat) error {
	if err := p.Desk.Release(r.Context(), o.Officer, r.PathValue("id")); err != nil {
		return err
	}
	return p.done(w, r, "/", "case.released", r.PathValue("id"))
}

// saveChecks keeps the reviewer's list, and goes on to what the pressed button names.
func (p *portal) saveChecks(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	s, err := p.reviewed(r, o, id)
	if err != nil {
		return err
	}
	vs := readVerdicts(s.Procedure, form)
	if len(wrongVerdicts(&ui.Page{Site: p.site}, s.Procedure, vs)) > 0 {
		return p.drawCase(w, r, o, vs, func(page *ui.Page, v *review.View) []qualification.Problem {
			return wrongVerdicts(page, v.Procedure, vs)
		})
	}
	if err := p.Desk.SaveVerdicts(r.Context(), o.Officer, id, vs); err != nil {
		return err
	}
	switch form["then"] {
	case "correct":
		return p.site.Redirect(w, r, casePath(id, "correction"))
	case "approve", "reject":
		return p.site.Redirect(w, r, casePath(id, "proposal")+"?"+url.Values{"outcome": {form["then"]}}.Encode())
	}
	return p.done(w, r, casePath(id), "case.saved")
}

// reviewed is where a case stands that the officer holds in review; fault.Conflict when they do not, and fault.NotFound
// for a measure, which has no list.
func (p *portal) reviewed(r *http.Request, o seat, id string) (review.Standing, error) {
	s, err := p.Desk.Standing(r.Context(), o.Officer, id)
	if err == nil {
		_, err = reviewing(s, o)
	}
	return s, err
}

// mayCorrect is reviewed for a correction request, which a body on the way can make, too.
func (p *portal) mayCorrect(r *http.Request, o seat, id string) (review.Standing, error) {
	s, err := p.Desk.Standing(r.Context(), o.Officer, id)
	if err == nil && !s.Forwards(o.Officer) {
		_, err = reviewing(s, o)
	}
	return s, err
}

// reviewing is the purpose of a look at a case that the officer holds in review; others are refused.
func reviewing(s review.Standing, o seat) (purpose string, err error) {
	switch {
	case s.Procedure == nil:
		return "", fault.New(fault.NotFound, "", "reviewing a measure")
	case !s.Reviews(o.Officer):
		return "", fault.New(fault.Conflict, "fault.case_not_yours", "reviewing a case that the officer does not hold")
	}
	return "procedure", nil
}

// addNote writes an internal note.
func (p *portal) addNote(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	err := p.Desk.AddNote(r.Context(), o.Officer, id, r.PostFormValue("note"))
	if errors.Is(err, fault.Invalid) {
		return p.drawCase(w, r, o, nil, func(page *ui.Page, _ *review.View) []qualification.Problem {
			return []qualification.Problem{problem(page, "note", "fault.note_length")}
		})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, casePath(id)+"#notes", "case.noted")
}

// signedSection is the part of the page with what was handed in: signed with a card, or entered from a paper.
func signedSection(v caseView) string {
	if v.Head.OnPaper {
		return "entered"
	}
	return "signed"
}

// caseSections are the parts of the page in order, for the links that lead to them.
func caseSections(v caseView) []string {
	out := []string{"checks", "notes"}
	if len(v.Measure) > 0 {
		out[0] = "measure"
	}
	if len(v.Paper) > 0 {
		out = append([]string{"paper"}, out...)
	}
	if len(v.HandOvers) > 0 {
		out = append([]string{"handovers"}, out...)
	}
	if v.Rounds > 1 {
		out = append(out, "changes")
	}
	if len(v.Measure) == 0 {
		out = append(out, "documents", signedSection(v))
	}
	if len(v.Measure) == 0 && !v.Elsewhere {
		out = append(out, "answers", "payment")
	}
	if len(v.Corrections) > 0 {
		out = append(out, "corrections")
	}
	if len(v.Decisions) > 0 {
		out = append(out, "decisions")
	}
	return append(out, "timeline", "looks")
}
