package citizen

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// looksPerPage is how many looks one page of the log shows.
const looksPerPage = 20

// accessView is who looked at the person's data.
type accessView struct {
	Days  []lookDay
	Older string // path of the next page, "" when this is the last
}

// lookDay is the looks of one day, newest first.
type lookDay struct {
	Day   string
	Looks []lookLine
}

// lookLine says which body looked (never the officer's name), what was done, why, in which register, at what. Looks that differ
// in nothing but their time and follow closely on one another are one line, and each of them is in Each.
type lookLine struct {
	When, Who, What, Why, Where, Items string // When is a span for more than one
	Each                               []oneLook
}

// oneLook is a single look of a line.
type oneLook struct {
	When, Reference string // by the reference a question about this look is found
	Sealed          bool   // it has its number in the log that cannot be rewritten
	at              time.Time
}

// foldWithin is how long after one look an equal one still belongs to its line: what somebody does at one sitting.
const foldWithin = 30 * time.Minute

// follows tells whether a look differs from those of a line, which are later, in nothing but its time, and comes close before them.
func (l lookLine) follows(line lookLine) bool {
	return l.Who == line.Who && l.What == line.What && l.Why == line.Why && l.Where == line.Where && l.Items == line.Items &&
		line.Each[len(line.Each)-1].at.Sub(l.Each[0].at) <= foldWithin
}

// fold puts a look into the line before it, when it is the same again, or makes a line of it.
func fold(lines []lookLine, l lookLine) []lookLine {
	if n := len(lines); n > 0 && l.follows(lines[n-1]) {
		last := &lines[n-1]
		last.Each = append(last.Each, l.Each...)
		if first := l.Each[0].When; first != last.Each[0].When {
			last.When = first + "–" + last.Each[0].When
		}
		return lines
	}
	return append(lines, l)
}

func (p *portal) accessLog(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	after, err := cursorOf(r.URL.Query())
	if err != nil {
		return err
	}
	looks, older, err := p.looks(r.Context(), a, after)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "access.title")
	page.Current = "access"
	names, err := p.Holder.Names(r.Context())
	if err != nil {
		return err
	}
	view := accessView{Days: fillLooks(page, p.Desk.Catalogue, names, looks)}
	if older != nil {
		view.Older = "/access-log?" + url.Values{"before": {older.At.UTC().Format(time.RFC3339Nano)}, "id": {older.ID.String()}}.Encode()
	}
	return page.Render(w, accessPage(page, view))
}

// cursorOf reads where a page of the log begins, nil for the newest.
func cursorOf(q url.Values) (*audit.Cursor, error) {
	if q.Get("before") == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339Nano, q.Get("before"))
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading a place in the log")
	}
	id, err := uuid.Parse(q.Get("id"))
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading a place in the log")
	}
	return &audit.Cursor{At: at, ID: id}, nil
}

// looks reads one page of looks by others, newest first, from under every reference that registrars have for the person.
func (p *portal) looks(ctx context.Context, a application.Applicant, after *audit.Cursor) (page []audit.Logged, older *audit.Cursor, err error) {
	refs, err := p.Desk.References(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	var all []audit.Logged
	for _, ref := range refs {
		err := p.Desk.DB.InPerson(ctx, pg.Person{ID: a.ID, Ref: ref}, func(tx *pg.Tx) error {
			found, err := audit.List(ctx, tx, audit.Filter{LookedOnly: true, After: after, Limit: looksPerPage + 1})
			all = append(all, found...)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(all, func(x, y audit.Logged) int {
		if c := y.At.Compare(x.At); c != 0 {
			return c
		}
		return strings.Compare(y.ID.String(), x.ID.String())
	})
	if len(all) > looksPerPage {
		all = all[:looksPerPage]
		last := all[looksPerPage-1].Cursor()
		older = &last
	}
	return slices.DeleteFunc(all, func(l audit.Logged) bool { return l.Actor.Kind == audit.ActorPerson }), older, nil
}

func fillLooks(page *ui.Page, cat *qualification.Catalogue, verifiers map[string]string, looks []audit.Logged) []lookDay {
	var out []lookDay
	for _, l := range looks {
		at := l.At.In(clock.JST).Format("15:04")
		line := lookLine{When: at, Who: lookedBy(page, cat, verifiers, l), Why: known(page, "purpose.", l.Purpose),
			Where: qualificationName(page, cat, l.Register), Items: itemWords(page, cat, l),
			Each: []oneLook{{When: at, Reference: l.ID.String(), Sealed: l.Sealed, at: l.At}}}
		if info, ok := audit.Lookup(l.Act); ok {
			line.What = page.R(info.Key())
		}
		if l.Register == "" {
			line.Where = registrarName(page, cat, l.Registrar)
		}
		if day := page.Day(l.At); len(out) == 0 || out[len(out)-1].Day != day {
			out = append(out, lookDay{Day: day})
		}
		last := &out[len(out)-1]
		last.Looks = fold(last.Looks, line)
	}
	return out
}

// lookedBy names the body for which somebody looked; a job looks for the registrar whose case it serves.
func lookedBy(page *ui.Page, cat *qualification.Catalogue, verifiers map[string]string, l audit.Logged) string {
	switch {
	case l.Actor.Kind == audit.ActorStaff && l.Actor.Body != "":
		return page.R("access.staff", registrarName(page, cat, l.Actor.Body))
	case l.Actor.Kind == audit.ActorSystem:
		return page.R("access.system", registrarName(page, cat, l.Registrar))
	case l.Actor.Kind == audit.ActorRelying:
		if name := verifiers[l.Actor.ID]; name != "" {
			return page.R("access.relying", name)
		}
		return page.R("access.relying", l.Actor.ID)
	}
	return page.R("access.public")
}

// known words a code, and shows one without words as it is.
func known(page *ui.Page, prefix, code string) string {
	if code == "" {
		return ""
	}
	if said := page.R(prefix + code); said != prefix+code {
		return said
	}
	return code
}

// itemWords names what was seen: the items of the register in its own words, then what the catalogue knows.
func itemWords(page *ui.Page, cat *qualification.Catalogue, l audit.Logged) string {
	var def *qualification.Definition
	if g, ok := cat.Register(l.Register); ok {
		def, _ = cat.Definition(g.Qualification)
	}
	var said []string
	for _, item := range l.Items {
		if def != nil && def.Item(item) != nil {
			said = append(said, page.Text(def.Item(item).Label))
			continue
		}
		if label := documentLabel(page, def, item); label != "" {
			said = append(said, label)
			continue
		}
		said = append(said, known(page, "seen.", item))
	}
	return strings.Join(said, page.T("list.comma"))
}

// documentLabel names a document that some procedure of the register asks for, "" when none does.
func documentLabel(page *ui.Page, def *qualification.Definition, id string) string {
	if def == nil {
		return ""
	}
	for i := range def.Procedures {
		if e := def.Procedures[i].Document(id); e != nil {
			return page.Text(e.Label)
		}
	}
	return ""
}
