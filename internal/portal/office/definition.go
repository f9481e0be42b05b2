package office

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/authoring"
	"akashi/internal/fault"
	"akashi/internal/portal/preview"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// maxDefinition bounds what can be sent with a definition: the file and the text beside it, in bytes.
const maxDefinition = 2<<20 + 64<<10

// author is the seat as the stage knows it.
func author(o seat) authoring.Officer { return authoring.Officer{Staff: o.Staff, Body: o.Body} }

// mayAuthor tells whether somebody has a role for definitions.
func mayAuthor(o seat) bool { return o.May(account.DefinitionWrite) || o.May(account.DefinitionDecide) }

func textPath(id uuid.UUID, parts ...string) string {
	path := "/definitions/" + id.String()
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// textRow is a text in the list.
type textRow struct {
	Path, Name, Version, From, State, Who, At string
	Tone                                      ui.Tone
}

type textListView struct {
	Rows  []textRow
	Write bool
}

// textList shows the versions that authors have brought in.
func (p *portal) textList(w http.ResponseWriter, r *http.Request, o seat) error {
	texts, err := p.Authors.List(r.Context(), author(o))
	if err != nil {
		return err
	}
	authors := make([]*uuid.UUID, len(texts))
	for i := range texts {
		authors[i] = &texts[i].Author
	}
	who, err := p.namesOf(o, r, authors...)
	if err != nil {
		return err
	}
	page := p.page(r, o, "definitions", "definition.title")
	v := textListView{Write: o.May(account.DefinitionWrite)}
	for i := range texts {
		t := &texts[i]
		row := textRow{Path: textPath(t.ID), Name: p.textName(page, t), Version: t.Version, State: page.R("definition.state." + string(t.State)), Tone: textTone(t.State),
			Who: who[t.Author], At: page.Time(t.CreatedAt)}
		if !t.ValidFrom.IsZero() {
			row.From = page.Date(t.ValidFrom)
		}
		v.Rows = append(v.Rows, row)
	}
	return page.Render(w, textListBody(page, v))
}

// textName is the name of what a text defines.
func (p *portal) textName(page *ui.Page, t *authoring.Text) string {
	if d, ok := p.Desk.Catalogue.Definition(t.Qualification); ok {
		return page.Text(d.Name)
	}
	if t.Qualification == "" {
		return page.R("definition.unreadable")
	}
	return t.Qualification
}

func textTone(s authoring.State) ui.Tone {
	switch s {
	case authoring.Approved:
		return ui.Success
	case authoring.Proposed:
		return ui.Warning
	case authoring.Draft:
		return ui.Info
	case authoring.Refused, authoring.Withdrawn, authoring.Recalled:
	}
	return ui.Neutral
}

// newTextView is the form on which a text is loaded.
type newTextView struct {
	From ui.Control // which qualification's present text to begin with
	File ui.FileControl
	Text ui.Control
}

// newTextPage is where a text is pasted or a file chosen; "from" in the query fills in what holds now.
func (p *portal) newTextPage(w http.ResponseWriter, r *http.Request, o seat) error {
	if !o.May(account.DefinitionWrite) {
		return p.need(r.Context(), o, account.DefinitionWrite)
	}
	source := ""
	if d, ok := p.Desk.Catalogue.Definition(r.URL.Query().Get("from")); ok {
		source = string(d.Source)
	}
	return p.drawNewText(w, r, o, source, "")
}

func (p *portal) drawNewText(w http.ResponseWriter, r *http.Request, o seat, source, wrong string) error {
	page := p.page(r, o, "definitions", "definition.new")
	page.Back = "/definitions"
	if wrong != "" {
		page.Problems = []qualification.Problem{problem(page, "text", wrong)}
	}
	v := newTextView{
		From: ui.Control{Name: "from", Label: page.R("definition.from"), Value: r.URL.Query().Get("from"), NoNeed: true},
		File: ui.FileControl{Name: "file", Label: page.R("definition.file"), Hint: page.R("definition.file_hint"), Accept: ".yaml,.yml,text/plain", NoNeed: true},
		Text: ui.Control{Name: "text", Label: page.R("definition.text"), Hint: page.R("definition.text_hint"), Value: source, Rows: 18, NoNeed: true, Problem: page.ProblemFor("text"), Lang: "ja"},
	}
	for _, d := range p.plans().List(planner(o), page.Lang) {
		v.From.Choices = append(v.From.Choices, ui.Choice{Value: d.ID, Label: page.Text(d.Name)})
	}
	return page.Render(w, newTextBody(page, v))
}

// readDefinition reads what was sent: a file, or the text beside it when no file was chosen.
func readDefinition(r *http.Request) ([]byte, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading a form with a definition")
	}
	var file, text []byte
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading a form with a definition")
		}
		data, err := io.ReadAll(io.LimitReader(part, maxDefinition))
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading a form with a definition")
		}
		switch part.FormName() {
		case "file":
			file = data
		case "text":
			text = data
		}
	}
	if len(file) > 0 {
		return file, nil
	}
	return text, nil
}

// loadText keeps a text as a draft, and leads to what is wrong with it.
func (p *portal) loadText(w http.ResponseWriter, r *http.Request, o seat) error {
	if !o.May(account.DefinitionWrite) {
		return p.need(r.Context(), o, account.DefinitionWrite)
	}
	source, err := readDefinition(r)
	if err != nil {
		return err
	}
	id, err := p.Authors.Load(r.Context(), author(o), source)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid && f.Key != "" {
		return p.drawNewText(w, r, o, "", f.Key)
	}
	if err != nil {
		return err
	}
	return p.site.Redirect(w, r, textPath(id))
}

// textView is the page of a text: what is wrong with it, what it means, and what can be done with it.
type textView struct {
	Path       string
	Name       string
	State      string
	Tone       ui.Tone
	Facts      []ui.Row
	Findings   []placedRow
	Compared   string // which versions are compared, "" for none
	Changes    []placedRow
	Open       []placedRow
	Coming     []placedRow
	Refused    []placedRow
	New        bool
	Preview    string
	Source     string
	Propose    bool
	Withdraw   bool
	Decide     bool
	Recall     bool
	StepUp     bool
	Reason     ui.Control
	DecideFail string
}

// placedRow is a sentence about a place in a definition, in the reader's language.
type placedRow struct{ Place, About, Say string }

func placedRows(page *ui.Page, list qualification.Findings) []placedRow {
	rows := make([]placedRow, len(list))
	for i := range list {
		rows[i] = placedRow{Place: list[i].Place(), Say: page.Said(list[i].Said)}
	}
	return rows
}

// aboutChange names what a change lies in: a procedure, a page, a question.
func aboutChange(page *ui.Page, c *qualification.Change) string {
	names := make([]string, len(c.About))
	for i := range c.About {
		names[i] = page.Text(c.About[i])
	}
	return strings.Join(names, " › ")
}

// text finds the text of an address.
func (p *portal) text(r *http.Request, o seat) (*authoring.Text, authoring.Examination, error) {
	id, err := uuid.Parse(r.PathValue("text"))
	if err != nil {
		return nil, authoring.Examination{}, fault.New(fault.NotFound, "", "looking for a definition by something that is no id")
	}
	return p.Authors.Open(r.Context(), author(o), id)
}

func (p *portal) textPage(w http.ResponseWriter, r *http.Request, o seat) error {
	return p.drawText(w, r, o, "", "")
}

// drawText draws the page of a text, with a reason that was typed and what is wrong with the act.
func (p *portal) drawText(w http.ResponseWriter, r *http.Request, o seat, reason, wrong string) error {
	t, e, err := p.text(r, o)
	if err != nil {
		return err
	}
	who, err := p.namesOf(o, r, &t.Author, t.DecidedBy)
	if err != nil {
		return err
	}
	page := p.page(r, o, "definitions", "definition.one", p.textName(&ui.Page{Site: p.site, Lang: ui.LangOf(r)}, t))
	page.Back = "/definitions"
	if wrong != "" {
		page.Problems = []qualification.Problem{problem(page, "reason", wrong)}
	}
	v := p.newText(page, o, t, e, who)
	v.StepUp = (v.Decide || v.Recall) && !p.confirmed(r.Context())
	v.Reason = ui.Control{Name: "reason", Label: page.R("definition.reason"), Hint: page.R("definition.reason_hint"), Value: reason, Rows: 3, Lang: "ja", Problem: page.ProblemFor("reason"),
		Required: v.Propose || v.Recall, NoNeed: v.Decide} // who approves may say why, who refuses must: the hint tells
	return page.Render(w, textBody(page, v))
}

func (p *portal) newText(page *ui.Page, o seat, t *authoring.Text, e authoring.Examination, who names) textView {
	v := textView{Path: textPath(t.ID), Name: p.textName(page, t), State: page.R("definition.state." + string(t.State)), Tone: textTone(t.State), Source: string(t.Source), New: e.Old == nil && e.Definition != nil}
	v.Facts = p.textFacts(page, t, who)
	v.Findings = placedRows(page, e.Findings)
	if c := e.Comparison; c != nil {
		v.Compared = page.R("definition.compared", c.Old, c.New)
		v.Open, v.Coming, v.Refused = placedRows(page, c.Open), placedRows(page, c.Coming), placedRows(page, c.Refused)
		for _, change := range c.Changes {
			v.Changes = append(v.Changes, placedRow{Place: change.Path, About: aboutChange(page, &change), Say: page.Said(change.Said)})
		}
	}
	if e.Definition != nil {
		v.Preview = textPath(t.ID, "preview")
	}
	mine, second := t.Author == o.Staff.ID && t.Body == o.Body, o.May(account.DefinitionDecide) && t.Author != o.Staff.ID
	v.Propose = mine && t.State == authoring.Draft && o.May(account.DefinitionWrite) && e.Definition != nil && len(e.Refused()) == 0
	v.Withdraw = mine && authoring.May(t.State, authoring.Withdrawn)
	v.Decide = second && t.State == authoring.Proposed
	v.Recall = second && t.State == authoring.Approved && t.ValidFrom.After(p.today())
	return v
}

// textFacts are what is known of a text beside its content.
func (p *portal) textFacts(page *ui.Page, t *authoring.Text, who names) []ui.Row {
	rows := []ui.Row{{Label: page.R("definition.loaded"), Value: page.R("definition.by", who[t.Author], p.bodyName(page, t.Body), page.Time(t.CreatedAt))}}
	if t.Qualification != "" {
		rows = append(rows, ui.Row{Label: page.R("definition.id"), Value: t.Qualification}, ui.Row{Label: page.R("definition.version"), Value: t.Version},
			ui.Row{Label: page.R("definition.valid_from"), Value: page.Date(t.ValidFrom)})
	}
	if t.Reason != "" {
		rows = append(rows, ui.Row{Label: page.R("definition.reason"), Value: t.Reason})
	}
	if t.DecidedAt != nil {
		rows = append(rows, ui.Row{Label: page.R("definition.decided"), Value: page.R("definition.by", who.of(t.DecidedBy), p.bodyName(page, t.DecidedBody), page.Time(*t.DecidedAt)), Source: t.DecisionReason})
	}
	switch {
	case t.State == authoring.Approved && t.PublishedAt == nil:
		rows = append(rows, ui.Row{Label: page.R("definition.published"), Value: page.R("definition.publishing")})
	case t.PublishedAt != nil:
		rows = append(rows, ui.Row{Label: page.R("definition.published"), Value: page.Time(*t.PublishedAt)})
	}
	return rows
}

// moveText is an act on a text: propose, withdraw, approve, refuse, recall.
func (p *portal) moveText(w http.ResponseWriter, r *http.Request, o seat) error {
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	t, _, err := p.text(r, o)
	if err != nil {
		return err
	}
	verb := form["verb"]
	if slices.Contains([]string{"approve", "refuse", "recall"}, verb) {
		if err := p.needStepUp(r.Context(), account.DefinitionDecide); err != nil {
			return err
		}
	}
	switch verb {
	case "propose":
		err = p.Authors.Propose(r.Context(), author(o), t.ID, form["reason"])
	case "withdraw":
		err = p.Authors.Withdraw(r.Context(), author(o), t.ID)
	case "approve", "refuse":
		err = p.Authors.Decide(r.Context(), author(o), t.ID, verb == "approve", form["reason"])
	case "recall":
		err = p.Authors.Recall(r.Context(), author(o), t.ID, form["reason"])
	default: // silence is no consent
		return fault.New(fault.Invalid, "fault.unknown_verdict", "no act on a definition")
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid && f.Key != "" {
		return p.drawText(w, r, o, form["reason"], f.Key)
	}
	if err != nil {
		return err
	}
	return p.done(w, r, textPath(t.ID), "definition.done."+verb)
}

// previewText shows the procedures and the credential of a text as people will see them.
func (p *portal) previewText(w http.ResponseWriter, r *http.Request, o seat) error {
	t, d, page, err := p.previewOf(r, o)
	if err != nil {
		return err
	}
	page.Back = textPath(t.ID)
	var issuer *qualification.Registrar
	if len(d.Registers) > 0 {
		issuer, _ = p.Desk.Catalogue.Registrar(d.Registers[0].Registrar)
	}
	return page.Render(w, preview.Overview(page, d, issuer, func(procedure string) string { return textPath(t.ID, "preview", procedure) }))
}

// previewProcedure shows every page of a form of a text.
func (p *portal) previewProcedure(w http.ResponseWriter, r *http.Request, o seat) error {
	t, d, page, err := p.previewOf(r, o)
	if err != nil {
		return err
	}
	q := d.Procedure(r.PathValue("procedure"))
	if q == nil {
		return fault.New(fault.NotFound, "", "looking for a procedure of a text")
	}
	page.Back = textPath(t.ID, "preview")
	page.Title = ui.Plain(page.Text(q.Name))
	keeper := ""
	if len(d.Registers) > 0 {
		keeper = d.Registers[0].Registrar
	}
	return page.Render(w, preview.Procedure(page, d, q, keeper))
}

// previewOf reads a text that can be shown: without findings that would stop it from being drawn.
func (p *portal) previewOf(r *http.Request, o seat) (*authoring.Text, *qualification.Definition, *ui.Page, error) {
	t, e, err := p.text(r, o)
	if err != nil {
		return nil, nil, nil, err
	}
	if e.Definition == nil {
		return nil, nil, nil, fault.New(fault.Conflict, "authoring.fault.findings", "previewing a text that cannot be understood")
	}
	page := p.page(r, o, "definitions", "definition.preview", e.Definition.Name)
	if n := len(e.Findings); n > 0 {
		page.Notices = append(page.Notices, ui.Notice{Tone: ui.Danger, Title: page.R("definition.findings", n)})
	}
	return t, e.Definition, page, nil
}
