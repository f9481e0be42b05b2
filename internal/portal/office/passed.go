package office

import (
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/account"
	"akashi/internal/portal/ui"
	"akashi/internal/review"
)

const (
	passedPath = "/passed"
	passedPage = 50 // hand-overs on one page
)

// passedView is what a body has passed on.
type passedView struct {
	Table ui.Table
	More  string // path of the next page, "" when there is none
}

// passed lists what one's body has passed on, with where it is now.
func (p *portal) passed(w http.ResponseWriter, r *http.Request, o seat) error {
	if !o.May(account.CaseForward) {
		return p.need(r.Context(), o, account.CaseForward)
	}
	var before *time.Time
	if at, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("before")); err == nil {
		before = &at
	}
	rows, err := p.Desk.PassedOn(r.Context(), o.Officer, before, passedPage+1)
	if err != nil {
		return err
	}
	page := p.page(r, o, "inbox", "passed.title")
	page.Back = "/"
	return page.Render(w, passedBody(page, p.newPassed(page, rows)))
}

func (p *portal) newPassed(page *ui.Page, rows []review.Passed) passedView {
	v := passedView{Table: ui.Table{Caption: page.R("passed.title"), Empty: page.R("passed.none"), Columns: []ui.Column{{Text: page.R("col.number")},
		{Text: page.R("col.procedure")}, {Text: page.R("passed.at")}, {Text: page.R("passed.receipt")}, {Text: page.R("passed.now")}}}}
	if len(rows) > passedPage {
		rows = rows[:passedPage]
		v.More = passedPath + "?" + url.Values{"before": {rows[passedPage-1].At.Format(time.RFC3339Nano)}}.Encode()
	}
	for _, row := range rows {
		receipt := page.R("passed.not_received")
		if row.ReceivedAt != nil {
			receipt = page.Time(*row.ReceivedAt)
		}
		v.Table.Rows = append(v.Table.Rows, []templ.Component{ui.Cell(row.PublicID), ui.Cell(p.procedureOf(page, row)),
			passedTo(page, page.Time(row.At), registrarName(page, p.Desk.Catalogue, row.To)), ui.Cell(receipt), passedStanding(page, p.standingOf(page, row))})
	}
	return v
}

// procedureOf names the qualification and the procedure of a case.
func (p *portal) procedureOf(page *ui.Page, row review.Passed) string {
	d, ok := p.Desk.Catalogue.Definition(row.DefinitionID)
	if !ok {
		return row.DefinitionID
	}
	if q := d.Procedure(row.ProcedureID); q != nil {
		return page.R("passed.procedure", page.Text(d.Name), page.Text(q.Name))
	}
	return page.Text(d.Name)
}

// standing is where a case is, with the colour of that.
type passedState struct {
	Words, Body string
	Tone        ui.Tone
}

func (p *portal) standingOf(page *ui.Page, row review.Passed) passedState {
	s := passedState{Words: page.R("passed.standing." + row.Standing), Tone: ui.Info, Body: registrarName(page, p.Desk.Catalogue, row.Now)}
	switch row.Standing {
	case "ended":
		s.Tone, s.Body = ui.Neutral, ""
	case "corrected":
		s.Tone = ui.Warning
	}
	return s
}
