package office

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/person"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
)

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
	Entry     string            `json:"entry"`
	Kind      string            `json:"kind"`
	Number    string            `json:"number"`
	Reason    string            `json:"reason"`
	Confirmed bool              `json:"confirmed"`
	Until     map[string]string `json:"until"` // as typed, by input name
}

// untilInput is the name of the date input for a suspension's last day.
const untilInput = "until"

// until reads the last day of a suspension, zero when none was typed.
func (d measureDraft) until() (calendar.Date, error) {
	v := func(part string) string { return strings.TrimSpace(d.Until[untilInput+part]) }
	if d.Kind != review.MeasureSuspend || v(".year")+v(".month")+v(".day") == "" {
		return calendar.Date{}, nil
	}
	return jtext.Date(v(".era"), v(".year"), v(".month"), v(".day"))
}

// measureView is the page on which a measure is proposed.
type measureView struct {
	Action, Kind, Register, Number, Name string
	Effect                               string
	Typed, Reason, Confirm               ui.Control
	Until                                ui.DateControl // of a suspension
	Suspends, Grave, StepUp              bool
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
	if err := p.need(r.Context(), o, measurePermission(kind)); err != nil {
		return nil, err
	}
	e, _, err := p.Reader.Open(r.Context(), o.Officer, register, id, "procedure")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(measuresFor(o, e.State), kind) {
		return nil, fault.New(fault.Conflict, "fault.entry_moved_on", "proposing a measure that does not fit the entry's state")
	}
	return e, p.Desk.NoMeasureOpen(r.Context(), o.Officer, e.RegisterID, e.ID)
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
		page.Problems = wrongMeasure(page, e, d, kind, p.today())
	}
	v := measureView{Action: entryPath(e.RegisterID, e.ID.String(), "measures", kind), Kind: kind, Register: registerName(page, p.Desk.Catalogue, e.RegisterID), Number: e.Number,
		Name: e.Facts["name"], Effect: page.R("measure.effect." + kind), Grave: kind == review.MeasureRevoke,
		Suspends: kind == review.MeasureSuspend, StepUp: !p.confirmed(r.Context())}
	v.Typed = ui.Control{Name: "number", Label: page.R("measure.number"), Hint: page.R("measure.number_hint"), Required: true, Value: d.Number, Width: ui.WidthShort, Problem: page.ProblemFor("number")}
	v.Reason = ui.Control{Name: "reason", Label: page.R("measure.reason"), Hint: page.R("measure.reason_hint"), Required: true, Value: d.Reason, Rows: 5, Problem: page.ProblemFor("reason")}
	v.Until = ui.NewDateControl(page, ui.Control{Name: untilInput, Label: page.R("measure.until"), Hint: page.R("measure.until_hint")}, d.Until, page.Problems)
	v.Confirm = ui.Control{Name: "confirm", Label: page.R("decide.confirm_revoke"), Required: true, Value: yes(d.Confirmed), Problem: page.ProblemFor("confirm")}
	return page.Render(w, measureBody(page, v))
}

func wrongMeasure(page *ui.Page, e *registry.Entry, d measureDraft, kind string, today calendar.Date) []qualification.Problem {
	var out []qualification.Problem
	if !sameNumber(d.Number, e.Number) {
		out = append(out, problem(page, "number", "measure.number_wrong"))
	}
	switch until, err := d.until(); {
	case err != nil:
		out = append(out, problem(page, untilInput+".year", "measure.until_wrong"))
	case !until.IsZero() && until.Before(today):
		out = append(out, problem(page, untilInput+".year", "measure.until_past"))
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
	d := measureDraft{Entry: r.PathValue("entry"), Kind: kind, Number: form["number"], Reason: strings.TrimSpace(form["reason"]), Confirmed: form["confirm"] == "yes", Until: map[string]string{}}
	for _, part := range []string{".era", ".year", ".month", ".day"} {
		d.Until[untilInput+part] = form[untilInput+part]
	}
	e, err := p.measured(r, o)
	if err != nil {
		return err
	}
	if len(wrongMeasure(&ui.Page{Site: p.site}, e, d, kind, p.today())) > 0 {
		return p.drawMeasure(w, r, o, d, true)
	}
	if err := p.needStepUp(r.Context(), measurePermission(kind)); err != nil {
		return errors.Join(p.keep(r.Context(), keyMeasure, d), err)
	}
	m := measureOf(e, kind, d.Reason)
	if m.Until, err = d.until(); err != nil {
		return err
	}
	id, err := p.Desk.ProposeMeasure(r.Context(), o.Officer, m)
	if err != nil {
		return err
	}
	if err := p.keepPurpose(r.Context(), e.ID.String(), "procedure"); err != nil {
		return err
	}
	return p.done(w, r, entryPath(e.RegisterID, e.ID.String()), "measure.proposed", id)
}

// measureOf is a measure on an entry, with the holder's particulars as the register has them.
func measureOf(e *registry.Entry, kind, reason string) review.Measure {
	m := review.Measure{Register: e.RegisterID, EntryID: e.ID, Kind: kind, Reason: reason}
	if e.PersonRef != nil {
		m.Ref = *e.PersonRef
	}
	m.Who = person.Particulars{Name: person.SplitName(e.Facts["name"]), NameKana: person.SplitName(e.Facts["name_kana"]), Sex: person.Sex(e.Facts["sex"]), Address: e.Facts["address"]}
	if birth, err := calendar.ParseISO(e.Facts["birth_date"]); err == nil {
		m.Who.BirthDate = birth
	}
	return m
}

// sameNumber compares a typed registration number with an entry's, whatever stands around the digits.
func sameNumber(typed, number string) bool {
	a, err := jtext.RegistrationNumber(typed)
	if err != nil {
		return false
	}
	b, err := jtext.RegistrationNumber(number)
	return err == nil && a == b
}
