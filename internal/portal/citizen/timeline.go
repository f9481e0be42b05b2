package citizen

import (
	"time"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// standing says in one place where a case stands: its word, who acts next, what to do, by when.
type standing struct {
	Key   string  // wording: state.<Key> is the tag, standing.<Key> the sentence
	Tone  ui.Tone // of the tag
	Mine  bool    // the applicant has to act
	Over  bool    // nobody has to act any more
	Ready bool    // everything is filled in: the content can be checked and signed
	Due   calendar.Date
	Link  string // where the applicant acts, "" when there is nothing to do
}

// standingOf reads where a case stands. open is the correction that waits for an answer, nil when none does; its due date
// is the applicant's.
func standingOf(c *application.Case, open *application.Correction) standing {
	s := standing{Key: string(c.State), Tone: ui.Info, Link: casePath(c.PublicID)}
	switch c.State {
	case application.Draft, application.Signing:
		s.Mine, s.Tone, s.Due = true, ui.Warning, dayOf(c.ExpiresAt)
		if c.State == application.Signing {
			s.Link = casePath(c.PublicID, "check")
		}
	case application.AwaitingPayment:
		s.Mine, s.Tone, s.Link = true, ui.Warning, casePath(c.PublicID, "pay")
	case application.CorrectionRequested, application.CorrectionSigning:
		s.Mine, s.Tone = true, ui.Warning
		if open != nil {
			s.Due = open.DueOn
		}
		if c.State == application.CorrectionSigning {
			s.Link = casePath(c.PublicID, "check")
		}
	case application.Forwarding, application.InReview, application.Proposed:
		s.Due, s.Link = dateOf(c.DueOn), ""
	case application.Registered:
		s.Tone, s.Over, s.Link = ui.Success, true, ""
	case application.Rejected:
		s.Tone, s.Over, s.Link = ui.Danger, true, ""
	case application.Withdrawn, application.Expired:
		s.Tone, s.Over, s.Link = ui.Neutral, true, ""
	}
	return s
}

func dayOf(t *time.Time) calendar.Date {
	if t == nil {
		return calendar.Date{}
	}
	return calendar.Of(*t)
}

func dateOf(d *calendar.Date) calendar.Date {
	if d == nil {
		return calendar.Date{}
	}
	return *d
}

// tag draws the word of a standing.
func (s standing) tag(p *ui.Page) string { return p.R("state." + s.Key) }

// sentence says who acts next and what. For the office's turn it names the day up to which the answer is expected, for a
// draft the day up to which it is kept.
func (s standing) sentence(p *ui.Page) string {
	if s.Ready {
		return p.R("standing." + s.Key + ".ready")
	}
	if s.Due.IsZero() && s.hasDated() {
		return p.R("standing." + s.Key + ".undated")
	}
	return p.R("standing."+s.Key, s.Due)
}

// hasDated tells whether the sentence names a day.
func (s standing) hasDated() bool {
	switch application.State(s.Key) {
	case application.Draft, application.Signing, application.Forwarding, application.InReview, application.Proposed:
		return true
	}
	return false
}

// next is the box on top of a case's page; nil when nobody has to act any more.
func (s standing) next(p *ui.Page, link ui.Link) *ui.NextStep {
	if s.Over {
		return nil
	}
	n := &ui.NextStep{Mine: s.Mine, Text: s.sentence(p), Link: link}
	if s.Mine && !s.hasDated() && !s.Due.IsZero() {
		n.Due = s.Due.Time()
	}
	return n
}

// story is what the timeline of a case is told from.
type story struct {
	View   *application.View
	Body   string // who reviews, in the page's language
	HasFee bool
	Ready  bool                     // everything is filled in
	Held   *credential.Held         // the entry of the register that the person holds, nil when none
	Name   func(body string) string // of a body on the way, in the page's language
}

// timeline tells what happened, what happens now and what is to come.
func (s story) timeline(p *ui.Page) []ui.Event {
	events := s.past(p)
	c := s.View.Case
	for _, key := range steps(s.View.Procedure.Effect, s.HasFee, goesThrough(c)) {
		switch place(c, key) {
		case ui.EventNow:
			events = append(events, s.present(p, key))
		case ui.EventToCome:
			e := ui.Event{Title: p.R("step." + key), State: ui.EventToCome}
			if key == stepDecision && c.DueOn != nil {
				e.Due = c.DueOn.Time()
			}
			events = append(events, e)
		}
	}
	cancels := s.View.Procedure.Effect == qualification.EffectCancel
	if c.State == application.Registered && !cancels && s.Held != nil && s.Held.Credential != nil {
		events = append(events, s.issued(p))
	}
	return events
}

// past are the events that have happened, as far as they concern the applicant: that a proposal went to the second
// person or came back from them is the office's own affair.
func (s story) past(p *ui.Page) []ui.Event {
	var events []ui.Event
	for _, e := range s.View.Events {
		switch e.Kind {
		case "proposed", "sent_back", "opened_by_office":
			continue
		}
		out := ui.Event{Title: p.R("event.kind." + e.Kind), At: e.At, State: ui.EventDone, Who: s.who(p, e.Actor)}
		if due, err := calendar.ParseISO(e.Detail["due"]); e.Kind == "correction_requested" && err == nil {
			out.Body = p.R("event.kind.correction_requested.due", due)
		}
		if by := e.Detail["by"]; by != "" {
			out.Who = s.Name(by)
		}
		if e.Kind == "passed_on" {
			out.Who, out.Body = s.Name(e.Detail["from"]), p.R("event.kind.passed_on.to", s.Name(e.Detail["to"]))
		}
		events = append(events, out)
	}
	return events
}

func (s story) who(p *ui.Page, actor string) string {
	switch actor {
	case "applicant":
		return p.R("who.you")
	case "staff":
		return s.Body
	}
	return p.R("who.system")
}

func (s story) present(p *ui.Page, step string) ui.Event {
	st := standingOf(s.View.Case, s.View.Correction())
	st.Ready = s.Ready
	e := ui.Event{Title: p.R("step." + step), State: ui.EventNow, Who: s.Body, Body: st.sentence(p)}
	switch {
	case st.Mine:
		e.Who = p.R("who.you")
	case s.View.Case.State == application.Forwarding:
		e.Who = s.Name(s.View.Case.BodyID)
	}
	return e
}

// issued is the last step of a case that made or changed an entry.
func (s story) issued(p *ui.Page) ui.Event {
	held := s.Held
	e := ui.Event{Title: p.R("step.issuing"), State: ui.EventNow, Who: p.R("who.system"),
		Link: ui.Link{Path: credentialPath(held), Text: p.R("credential.show")}}
	if held.Credential.SignedAt != nil {
		e.Title, e.State, e.At = p.R("step.issued"), ui.EventDone, *held.Credential.SignedAt
	}
	return e
}

// The steps of a case as an applicant sees them. Their words are step.<value>.
const (
	stepForm       = "form"
	stepPayment    = "payment"
	stepForwarding = "forwarding"
	stepReview     = "review"
	stepDecision   = "decision"
	stepIssue      = "issue"
)

// goesThrough tells whether another office checks the case before its review. Before it is handed in, that is not known.
func goesThrough(c *application.Case) bool {
	return len(c.Route) > 0 && c.Route[0].Step != "review"
}

// steps are the stations that a case passes.
func steps(e qualification.Effect, fee, forwarded bool) []string {
	all := []string{stepForm}
	if fee {
		all = append(all, stepPayment)
	}
	if forwarded {
		all = append(all, stepForwarding)
	}
	all = append(all, stepReview, stepDecision)
	if e != qualification.EffectCancel {
		all = append(all, stepIssue)
	}
	return all
}

// place tells whether a step is being taken, is still to come, or is over for a case.
func place(c *application.Case, step string) ui.EventState {
	order := []string{stepForm, stepPayment, stepForwarding, stepReview, stepDecision, stepIssue}
	at := map[application.State]string{
		application.Draft: stepForm, application.Signing: stepForm, application.AwaitingPayment: stepPayment,
		application.Forwarding: stepForwarding, application.InReview: stepReview, application.CorrectionRequested: stepReview, application.CorrectionSigning: stepReview,
		application.Proposed: stepDecision,
	}[c.State]
	if at == stepReview && c.Elsewhere() { // a body on the way has asked for a correction
		at = stepForwarding
	}
	if at == "" || at != step && before(order, step, at) {
		return ui.EventDone
	}
	if at == step {
		return ui.EventNow
	}
	return ui.EventToCome
}

// before tells whether a stands before b.
func before(order []string, a, b string) bool {
	for _, s := range order {
		switch s {
		case b:
			return false
		case a:
			return true
		}
	}
	return false
}
