package office

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// entryView is one entry of a register with everything that ever was in it.
type entryView struct {
	Register, Number, State string
	Tone                    ui.Tone
	Facts                   []ui.Row
	History                 []pastView
	Credentials             []credentialView
	Measures                []ui.Link
	Looks                   []lookView
	Linked                  bool
}

// pastView is one line of the history: what was done, when, and what it changed.
type pastView struct {
	Title, At, Effective string
	State                string
	Tone                 ui.Tone
	Changes              []ui.Change
}

// credentialView is one digital credential of an entry.
type credentialView struct {
	Number, State, Issued, Since string
	Tone                         ui.Tone
}

// whichEntry reads the entry's address.
func whichEntry(r *http.Request) (string, uuid.UUID, error) {
	id, err := uuid.Parse(r.PathValue("entry"))
	if err != nil {
		return "", uuid.Nil, fault.Wrap(fault.NotFound, err, "reading an entry's id")
	}
	return r.PathValue("register"), id, nil
}

// whyEntry is the purpose of a look at an entry: the one stated for it, or that of the search that found it.
func (p *portal) whyEntry(r *http.Request, id uuid.UUID) (string, error) {
	why, err := p.purposeOf(r.Context(), id.String())
	if err != nil || why != "" {
		return why, err
	}
	var f searchForm
	_, err = p.kept(r.Context(), keySearch, &f)
	return f.Purpose, err
}

// entryPage shows an entry, or first asks why.
func (p *portal) entryPage(w http.ResponseWriter, r *http.Request, o seat) error {
	register, id, err := whichEntry(r)
	if err != nil {
		return err
	}
	if !o.May(account.RegisterView) {
		return fault.New(fault.Forbidden, "", "opening an entry without the permission")
	}
	why, err := p.whyEntry(r, id)
	if err != nil {
		return err
	}
	page := p.page(r, o, "register", "entry.title")
	page.Back = "/register"
	if why == "" {
		return page.Render(w, purposePage(page, purposeView{Lead: page.R("entry.why"), Action: entryPath(register, id.String(), "purpose"), Control: purposeControl(page, "")}))
	}
	e, past, err := p.Reader.Open(r.Context(), o.Officer, register, id, why)
	if err != nil {
		return err
	}
	issued, err := credential.OfEntry(r.Context(), p.Desk.DB, o.Body, register, id)
	if err != nil {
		return err
	}
	events, err := p.entrysLog(r, o, id)
	if err != nil {
		return err
	}
	who, err := p.namesOf(o, r, actors(events)...)
	if err != nil {
		return err
	}
	v := newEntry(page, p.Desk.Catalogue, o, e, past, issued)
	v.Looks = looks(page, events, who)
	return page.Render(w, entryBody(page, v))
}

// entrysLog reads who looked at an entry and changed it, newest first.
func (p *portal) entrysLog(r *http.Request, o seat, id uuid.UUID) (events []audit.Logged, err error) {
	err = p.Desk.DB.InRegistrar(r.Context(), o.Body, func(tx *pg.Tx) error {
		events, err = audit.List(r.Context(), tx, audit.Filter{Entry: id, Limit: logged})
		return err
	})
	return events, err
}

// newEntry fills the page of an entry.
func newEntry(page *ui.Page, cat *qualification.Catalogue, o seat, e *registry.Entry, past []registry.Past, issued []credential.Credential) entryView {
	v := entryView{Register: registerName(page, cat, e.RegisterID), Number: e.Number, State: page.R("entry." + string(e.State)), Tone: entryTone(e.State), Linked: e.PersonRef != nil}
	items := itemsOfRegister(cat, e.RegisterID)
	for i := range items {
		v.Facts = append(v.Facts, ui.Row{Label: page.Text(items[i].Label), Value: factText(page, &items[i], e.Facts[items[i].ID]), Name: items[i].Kind == qualification.KindName})
	}
	v.Facts = append(v.Facts, ui.Row{Label: page.R("entry.registered_on"), Value: page.Date(e.RegisteredOn)})
	v.History = history(page, items, past)
	for _, c := range issued {
		one := credentialView{Number: c.PublicID, State: page.R("credential." + string(c.State)), Tone: credentialTone(c.State), Since: page.Time(c.StatusAt)}
		if c.SignedAt != nil {
			one.Issued = page.Time(*c.SignedAt)
		}
		v.Credentials = append(v.Credentials, one)
	}
	for _, kind := range measuresFor(o, e.State) {
		v.Measures = append(v.Measures, ui.Link{Path: entryPath(e.RegisterID, e.ID.String(), "measures", kind), Text: page.R("measure.do." + kind)})
	}
	return v
}

func itemsOfRegister(cat *qualification.Catalogue, register string) []qualification.Item {
	if g, ok := cat.Register(register); ok {
		if d, ok := cat.Definition(g.Qualification); ok {
			return d.Items
		}
	}
	return nil
}

// history tells each state of the entry by what it changed of the one before.
func history(page *ui.Page, items []qualification.Item, past []registry.Past) []pastView {
	out := make([]pastView, len(past))
	for i, h := range past {
		out[i] = pastView{Title: page.R("entry_act." + string(h.Act)), At: page.Time(h.At), Effective: page.Date(h.EffectiveOn),
			State: page.R("entry." + string(h.State)), Tone: entryTone(h.State)}
		if i+1 == len(past) {
			continue
		}
		before := past[i+1].Facts
		for j := range items {
			was, is := factText(page, &items[j], before[items[j].ID]), factText(page, &items[j], h.Facts[items[j].ID])
			if was != is {
				out[i].Changes = append(out[i].Changes, ui.Change{Label: page.Text(items[j].Label), Before: ui.Plain(was), After: ui.Plain(is)})
			}
		}
	}
	return out
}

func credentialTone(s credential.State) ui.Tone {
	switch s {
	case credential.Valid:
		return ui.Success
	case credential.Suspended:
		return ui.Warning
	case credential.Revoked:
		return ui.Danger
	case credential.Intended:
		return ui.Info
	case credential.Replaced:
	}
	return ui.Neutral
}

// stateEntryPurpose keeps why an officer looks at an entry.
func (p *portal) stateEntryPurpose(w http.ResponseWriter, r *http.Request, o seat) error {
	register, id, err := whichEntry(r)
	if err != nil {
		return err
	}
	if r.PostFormValue("purpose") == "" {
		page := p.page(r, o, "register", "entry.title")
		page.Back = "/register"
		page.Problems = []qualification.Problem{problem(page, "purpose", "fault.purpose")}
		return page.Render(w, purposePage(page, purposeView{Lead: page.R("entry.why"), Action: entryPath(register, id.String(), "purpose"), Control: purposeControl(page, "")}))
	}
	if err := p.keepPurpose(r.Context(), id.String(), r.PostFormValue("purpose")); err != nil {
		return err
	}
	return p.site.Redirect(w, r, entryPath(register, id.String()))
}

// measuresFor are the measures that fit an entry's state and somebody's roles.
func measuresFor(o seat, s registry.State) []string {
	var out []string
	add := func(kind string, to registry.State, from ...registry.State) {
		if slices.Contains(from, s) && registry.May(s, to) && o.May(measurePermission(kind)) {
			out = append(out, kind)
		}
	}
	add(review.MeasureSuspend, registry.Suspended, registry.Registered)
	add(review.MeasureRevoke, registry.Revoked, registry.Registered, registry.Suspended)
	add(review.MeasureRestore, registry.Registered, registry.Suspended, registry.Revoked, registry.Cancelled)
	return out
}

func measurePermission(kind string) account.Permission {
	if kind == review.MeasureRevoke {
		return account.RegisterRevoke
	}
	return account.RegisterSuspend
}

// measureDraft is what was typed before the second factor was asked for.
type measureDraft struct {
	Entry     string `json:"entry"`
	Kind      string `json:"kind"`
	Number    string `json:"number"`
	Reason    string `json:"reason"`
	Confirmed bool   `json:"confirmed"`
}

// measureView is the page on which a measure is proposed.
type measureView struct {
	Action, Kind, Register, Number, Name string
	Effect                               string
	Typed, Reason, Confirm               ui.Control
	Grave, StepUp                        bool
}

func (p *portal) measurePage(w http.ResponseWriter, r *http.Request, o seat) error {
	var d measureDraft
	if _, err := p.taken(r.Context(), keyMeasure, &d); err != nil {
		return err
	}
	if d.Entry != r.PathValue("entry") || d.Kind != r.PathValue("kind") {
		d = measureDraft{}
	}
	return p.drawMeasure(w, r, o, d, false)
}

// measured opens the entry for a measure that fits it.
func (p *portal) measured(r *http.Request, o seat) (*registry.Entry, error) {
	register, id, err := whichEntry(r)
	if err != nil {
		return nil, err
	}
	kind := r.PathValue("kind")
	if !slices.Contains([]string{review.MeasureSuspend, review.MeasureRevoke, review.MeasureRestore}, kind) {
		return nil, fault.New(fault.NotFound, "", "proposing an unknown measure")
	}
	if !o.May(measurePermission(kind)) {
		return nil, fault.New(fault.Forbidden, "", "proposing a measure without the permission")
	}
	e, _, err := p.Reader.Open(r.Context(), o.Officer, register, id, "procedure")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(measuresFor(o, e.State), kind) {
		return nil, fault.New(fault.Conflict, "fault.entry_moved_on", "proposing a measure that does not fit the entry's state")
	}
	return e, nil
}

func (p *portal) drawMeasure(w http.ResponseWriter, r *http.Request, o seat, d measureDraft, sent bool) error {
	e, err := p.measured(r, o)
	if err != nil {
		return err
	}
	kind := r.PathValue("kind")
	page := p.page(r, o, "register", "measure.title."+kind)
	page.Back = entryPath(e.RegisterID, e.ID.String())
	if sent {
		page.Problems = wrongMeasure(page, e, d, kind)
	}
	v := measureView{Action: entryPath(e.RegisterID, e.ID.String(), "measures", kind), Kind: kind, Register: registerName(page, p.Desk.Catalogue, e.RegisterID), Number: e.Number,
		Name: e.Facts["name"], Effect: page.R("measure.effect." + kind), Grave: kind == review.MeasureRevoke, StepUp: !p.confirmed(r.Context())}
	v.Typed = ui.Control{Name: "number", Label: page.R("measure.number"), Hint: page.R("measure.number_hint"), Required: true, Value: d.Number, Width: ui.WidthShort, Problem: page.ProblemFor("number")}
	v.Reason = ui.Control{Name: "reason", Label: page.R("measure.reason"), Hint: page.R("measure.reason_hint"), Required: true, Value: d.Reason, Rows: 5, Problem: page.ProblemFor("reason")}
	v.Confirm = ui.Control{Name: "confirm", Label: page.R("decide.confirm_revoke"), Required: true, Value: yes(d.Confirmed), Problem: page.ProblemFor("confirm")}
	return page.Render(w, measureBody(page, v))
}

func wrongMeasure(page *ui.Page, e *registry.Entry, d measureDraft, kind string) []qualification.Problem {
	var out []qualification.Problem
	if !sameNumber(d.Number, e.Number) {
		out = append(out, problem(page, "number", "measure.number_wrong"))
	}
	if n := len([]rune(d.Reason)); n == 0 || n > maxComment {
		out = append(out, problem(page, "reason", "measure.reason_missing", maxComment))
	}
	if kind == review.MeasureRevoke && !d.Confirmed {
		out = append(out, problem(page, "confirm", "decide.confirm_missing"))
	}
	return out
}

// proposeMeasure opens a case for a second person.
func (p *portal) proposeMeasure(w http.ResponseWriter, r *http.Request, o seat) error {
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	kind := r.PathValue("kind")
	d := measureDraft{Entry: r.PathValue("entry"), Kind: kind, Number: form["number"], Reason: strings.TrimSpace(form["reason"]), Confirmed: form["confirm"] == "yes"}
	e, err := p.measured(r, o)
	if err != nil {
		return err
	}
	if len(wrongMeasure(&ui.Page{Site: p.site}, e, d, kind)) > 0 {
		return p.drawMeasure(w, r, o, d, true)
	}
	if err := p.needStepUp(r.Context(), measurePermission(kind)); err != nil {
		return errors.Join(p.keep(r.Context(), keyMeasure, d), err)
	}
	id, err := p.Desk.ProposeMeasure(r.Context(), o.Officer, measureOf(e, kind, d.Reason))
	if err != nil {
		return err
	}
	if err := p.keepPurpose(r.Context(), e.ID.String(), "procedure"); err != nil {
		return err
	}
	return p.done(w, r, entryPath(e.RegisterID, e.ID.String()), "measure.proposed", id)
}
