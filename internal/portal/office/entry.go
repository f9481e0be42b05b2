package office

import (
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
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
	HandoutPath             string // where the credential of an entry that nobody has linked is printed, "" when there is none
}

// pastView is one line of the history: what was done, when, and what it changed.
type pastView struct {
	Title, At, Effective string
	Until                string // last day of the suspension that it began
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

// whyEntry is the purpose of a look at an entry: the one stated for it, or that of the search that listed it a short while
// ago. A search is no reason to open anything else, nor to come back tomorrow.
func (p *portal) whyEntry(r *http.Request, id uuid.UUID) (string, error) {
	why, err := p.purposeOf(r.Context(), id.String())
	if err != nil || why != "" {
		return why, err
	}
	var found searchResult
	if _, err = p.kept(r.Context(), keyFound, &found); err != nil {
		return "", err
	}
	if age := p.now().Sub(found.At); age < -time.Minute || age > searchLasts || !slices.Contains(found.Entries, id) {
		return "", nil
	}
	return found.Purpose, nil
}

// seenEntry is an entry that was opened for a stated purpose, which the audit log has.
type seenEntry struct {
	Register string
	ID       uuid.UUID
	Why      string
	Entry    *registry.Entry
	Past     []registry.Past
	Issued   []credential.Credential
}

// openEntry opens the entry that the address names, for who may see the register and has said why. Who has not is asked, and there is
// nothing more to draw: nil without an error.
func (p *portal) openEntry(w http.ResponseWriter, r *http.Request, o seat) (*seenEntry, error) {
	register, id, err := whichEntry(r)
	if err != nil {
		return nil, err
	}
	if err := p.need(r.Context(), o, account.RegisterView); err != nil {
		return nil, err
	}
	why, err := p.whyEntry(r, id)
	if err != nil {
		return nil, err
	}
	if why == "" {
		return nil, p.askWhyEntry(w, r, o, register, id, false)
	}
	seen := &seenEntry{Register: register, ID: id, Why: why}
	if seen.Entry, seen.Past, err = p.Reader.Open(r.Context(), o.Officer, register, id, why); err != nil {
		return nil, err
	}
	seen.Issued, err = credential.OfEntry(r.Context(), p.Desk.DB, o.Body, register, id)
	return seen, err
}

// entryPage shows an entry, or first asks why.
func (p *portal) entryPage(w http.ResponseWriter, r *http.Request, o seat) error {
	seen, err := p.openEntry(w, r, o)
	if err != nil || seen == nil {
		return err
	}
	events, err := p.entrysLog(r, o, seen.ID)
	if err != nil {
		return err
	}
	who, err := p.namesOf(o, r, actors(events)...)
	if err != nil {
		return err
	}
	page := p.page(r, o, "register", "entry.title")
	page.Back = "/register"
	v := newEntry(page, p.Desk.Catalogue, o, seen.Entry, seen.Past, seen.Issued)
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
	if !e.ValidUntil.IsZero() {
		v.Facts = append(v.Facts, ui.Row{Label: page.R("entry.valid_until"), Value: page.Date(e.ValidUntil)})
	}
	if e.State == registry.Suspended && !e.SuspendedUntil.IsZero() {
		v.Facts = append(v.Facts, ui.Row{Label: page.R("entry.suspended_until"), Value: page.Date(e.SuspendedUntil)})
	}
	if e.Expired(calendar.Of(page.Now)) && e.State.Living() {
		v.State, v.Tone = page.R("entry.expired"), ui.Warning
	}
	v.History = history(page, items, past)
	for _, c := range issued {
		one := credentialView{Number: c.PublicID, State: page.R("credential." + string(c.State)), Tone: credentialTone(c.State), Since: page.Time(c.StatusAt)}
		if c.SignedAt != nil {
			one.Issued = page.Time(*c.SignedAt)
		}
		v.Credentials = append(v.Credentials, one)
	}
	if !v.Linked && inForce(issued) != nil {
		v.HandoutPath = entryPath(e.RegisterID, e.ID.String(), "credential")
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
		if !h.Until.IsZero() {
			out[i].Until = page.Date(h.Until)
		}
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
	case credential.Suspended, credential.OnHold:
		return ui.Warning
	case credential.Revoked:
		return ui.Danger
	case credential.Intended:
		return ui.Info
	case credential.Replaced:
	}
	return ui.Neutral
}

// askWhyEntry asks why somebody wants to see an entry, which is there; with missing, once more.
func (p *portal) askWhyEntry(w http.ResponseWriter, r *http.Request, o seat, register string, id uuid.UUID, missing bool) error {
	if err := p.Reader.Find(r.Context(), o.Officer, register, id); err != nil {
		return err
	}
	page := p.page(r, o, "register", "entry.title")
	page.Back = "/register"
	if missing {
		page.Problems = []qualification.Problem{problem(page, "purpose", "fault.purpose")}
	}
	return page.Render(w, purposePage(page, purposeView{Lead: page.R("entry.why"), Action: entryPath(register, id.String(), "purpose"), Control: purposeControl(page, "")}))
}

// stateEntryPurpose keeps why an officer looks at an entry.
func (p *portal) stateEntryPurpose(w http.ResponseWriter, r *http.Request, o seat) error {
	register, id, err := whichEntry(r)
	if err != nil {
		return err
	}
	if r.PostFormValue("purpose") == "" {
		return p.askWhyEntry(w, r, o, register, id, true)
	}
	if err := p.Reader.Find(r.Context(), o.Officer, register, id); err != nil {
		return err
	}
	if err := p.keepPurpose(r.Context(), id.String(), r.PostFormValue("purpose")); err != nil {
		return err
	}
	return p.site.Redirect(w, r, entryPath(register, id.String()))
}
