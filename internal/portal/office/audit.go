package office

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// auditQuery is what the address of the log asks for.
type auditQuery struct {
	Act   audit.Act
	Staff string
	After *audit.Cursor
}

// readAuditQuery reads the address; an unknown act or person counts as not given.
func readAuditQuery(q url.Values) auditQuery {
	f := auditQuery{}
	if info, ok := audit.Lookup(audit.Act(q.Get("act"))); ok {
		f.Act = info.Act
	}
	if id, err := uuid.Parse(q.Get("staff")); err == nil {
		f.Staff = id.String()
	}
	f.After = readCursor(q.Get("after"))
	return f
}

func writeCursor(c audit.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.At.UTC().Format(time.RFC3339Nano) + " " + c.ID.String()))
}

func readCursor(s string) *audit.Cursor {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) < 37 {
		return nil
	}
	at, timeErr := time.Parse(time.RFC3339Nano, string(raw[:len(raw)-37]))
	id, idErr := uuid.Parse(string(raw[len(raw)-36:]))
	if timeErr != nil || idErr != nil {
		return nil
	}
	return &audit.Cursor{At: at, ID: id}
}

func (f auditQuery) path(after *audit.Cursor) string {
	q := url.Values{}
	if f.Act != "" {
		q.Set("act", string(f.Act))
	}
	if f.Staff != "" {
		q.Set("staff", f.Staff)
	}
	if after != nil {
		q.Set("after", writeCursor(*after))
	}
	if len(q) == 0 {
		return "/audit"
	}
	return "/audit?" + q.Encode()
}

// auditView is the log of the registrar.
type auditView struct {
	Act, Staff ui.Control
	Chips      []ui.Chip
	Lines      []auditLine
	First      string
	More       string
}

type auditLine struct {
	lookView
	Register, Items, Outcome string
}

// auditLines is how many lines a page of the log has.
const auditLines = 50

// auditPage shows the registrar's log to its auditors, and records that they looked.
func (p *portal) auditPage(w http.ResponseWriter, r *http.Request, o seat) error {
	if err := p.need(r.Context(), o, account.AuditView); err != nil {
		return err
	}
	f := readAuditQuery(r.URL.Query())
	events, err := p.readLog(r, o, f)
	if err != nil {
		return err
	}
	people, err := account.At(r.Context(), p.Desk.DB, o.Body)
	if err != nil {
		return err
	}
	who, err := p.namesOf(o, r, actors(events)...)
	if err != nil {
		return err
	}
	page := p.page(r, o, "audit", "audit.title")
	return page.Render(w, auditBody(page, newAudit(page, p, f, events, people, who)))
}

func (p *portal) readLog(r *http.Request, o seat, f auditQuery) (events []audit.Logged, err error) {
	role, _ := o.Staff.RoleFor(o.Body, account.AuditView)
	looked := audit.Event{Act: audit.AuditView, Purpose: "audit", Registrar: o.Body,
		Actor: audit.Actor{Kind: audit.ActorStaff, ID: o.Staff.ID.String(), Role: string(role), Body: o.Body}}
	err = p.Desk.DB.InRegistrar(r.Context(), o.Body, func(tx *pg.Tx) error {
		events, err = audit.List(r.Context(), tx, audit.Filter{Act: f.Act, Actor: f.Staff, After: f.After, Limit: auditLines + 1})
		if err != nil {
			return err
		}
		return audit.Record(r.Context(), tx, looked)
	})
	return events, err
}

// newAudit fills the page of the log.
func newAudit(page *ui.Page, p *portal, f auditQuery, events []audit.Logged, people []account.Staff, who names) auditView {
	v := auditView{Act: ui.Control{Name: "act", Label: page.R("audit.act"), Value: string(f.Act), NoNeed: true},
		Staff: ui.Control{Name: "staff", Label: page.R("audit.staff"), Value: f.Staff, NoNeed: true}}
	for _, info := range audit.Acts() {
		v.Act.Choices = append(v.Act.Choices, ui.Choice{Value: string(info.Act), Label: page.R("act." + string(info.Act))})
	}
	for _, s := range people {
		v.Staff.Choices = append(v.Staff.Choices, ui.Choice{Value: s.ID.String(), Label: s.Name})
		if f.Staff == s.ID.String() {
			v.Chips = append(v.Chips, ui.Chip{Text: s.Name, Remove: auditQuery{Act: f.Act}.path(nil)})
		}
	}
	if f.Act != "" {
		v.Chips = append(v.Chips, ui.Chip{Text: page.R("act." + string(f.Act)), Remove: auditQuery{Staff: f.Staff}.path(nil)})
	}
	if len(events) > auditLines {
		events = events[:auditLines]
		last := events[auditLines-1].Cursor()
		v.More = f.path(&last)
	}
	if f.After != nil {
		v.First = f.path(nil)
	}
	for i, line := range looks(page, events, who) {
		v.Lines = append(v.Lines, newAuditLine(page, p, events[i], line))
	}
	return v
}

func newAuditLine(page *ui.Page, p *portal, e audit.Logged, line lookView) auditLine {
	out := auditLine{lookView: line}
	if e.Register != "" {
		out.Register = registerName(page, p.Desk.Catalogue, e.Register)
	}
	for i, item := range e.Items {
		if i > 0 {
			out.Items += page.T("list.comma")
		}
		out.Items += itemName(page, p.Desk.Catalogue, e.Register, item)
	}
	if e.Outcome != "" {
		out.Outcome = said(page, "log_outcome."+e.Outcome, "log_outcome.other")
	}
	return out
}

// itemName is what an item in the log is called: a particular, or a page or document of one of the register's procedures.
func itemName(page *ui.Page, cat *qualification.Catalogue, register, item string) string {
	if words := page.T("item." + item); words != "item."+item {
		return words
	}
	g, ok := cat.Register(register)
	if !ok {
		return item
	}
	d, ok := cat.Definition(g.Qualification)
	if !ok {
		return item
	}
	for i := range d.Procedures {
		if g := d.Procedures[i].Group(item); g != nil {
			return ui.Plain(page.Text(g.Title))
		}
		if label := ui.Plain(itemLabel(page, &d.Procedures[i], item)); label != item {
			return label
		}
		if e := d.Procedures[i].Document(item); e != nil {
			return ui.Plain(page.Text(e.Label))
		}
	}
	return item
}
