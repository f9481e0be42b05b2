package citizen

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// qualificationView is the page about one qualification: what can be applied for, where and since when, what it costs and
// takes, and what the law says, each with where it was read.
type qualificationView struct {
	Name, Where string
	Open        bool
	RealState   string // how far the real system is
	Procedures  []procedureLine
	Elsewhere   []elsewhereLine
	About       []ui.Row
	Classes     []namedList
	Items       []itemLine
	Registers   []namedList // by state, where there are several
	Confirmed   int         // facts that were read in their source
	Unverified  int         // facts that were not, or not found
}

// procedureLine is one procedure of a qualification.
type procedureLine struct {
	Name, Path, Where string
	State             string
	Tone              ui.Tone
	Rows              []ui.Row
}

type elsewhereLine struct{ Name, Where, Deadline, Fact string }

type itemLine struct{ Name, Fact string }

type namedList struct {
	Title   string
	Options []string
}

func (p *portal) qualification(w http.ResponseWriter, r *http.Request) error {
	def, ok := p.Desk.Catalogue.Filing(r.PathValue("qualification"), calendar.Of(p.Desk.DB.Clock.Now()))
	if !ok {
		return fault.New(fault.NotFound, "", "reading about an unknown qualification")
	}
	page := p.site.Page(r, "qualifications.title")
	page.Title = ui.Plain(page.Text(def.Name))
	page.Current, page.Back = "qualifications", "/qualifications"
	v, err := fillQualification(page, p.Desk.Catalogue, def)
	if err != nil {
		return err
	}
	return page.Render(w, qualificationPage(page, v))
}

func fillQualification(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition) (qualificationView, error) {
	line := offerOf(page, cat, def)
	v := qualificationView{Name: line.Name, Where: line.Where, Open: line.Open, About: aboutRows(page, cat, def), RealState: realState(page, def.Rollout)}
	for i := range def.Procedures {
		q, err := procedureOf(page, cat, def, &def.Procedures[i])
		if err != nil {
			return v, err
		}
		v.Procedures = append(v.Procedures, q)
	}
	for _, e := range def.Elsewhere {
		v.Elsewhere = append(v.Elsewhere, elsewhereLine{page.Text(e.Name), page.Text(e.Where), page.Text(e.Deadline), factLine(page, e.Fact)})
	}
	for _, item := range def.Items {
		v.Items = append(v.Items, itemLine{page.Text(item.Label), factLine(page, item.Fact)})
	}
	if def.Classes != nil {
		for _, id := range def.Classes.Items {
			v.Classes = append(v.Classes, classList(page, def.Item(id)))
		}
	}
	if len(def.Registers) > 1 {
		v.Registers = registerLists(page, cat, def)
	}
	for _, f := range def.Facts() {
		if f.Fact.Confidence == qualification.Confirmed {
			v.Confirmed++
		} else {
			v.Unverified++
		}
	}
	return v, nil
}

// realState words how far the national system is. A year that was planned and is over is no promise any more.
func realState(page *ui.Page, r qualification.Rollout) string {
	over := calendar.Date{Year: r.FiscalYear + 1, Month: time.April, Day: 1}
	year := strconv.Itoa(r.FiscalYear) // a year has no thousands
	switch {
	case !r.LiveFrom.IsZero():
		return page.R("qualification.real.since", r.LiveFrom)
	case r.FiscalYear == 0:
		return page.R("qualification.real." + r.Status)
	case r.Status == "in_use":
		return page.R("qualification.real.in_use_year", year)
	case !calendar.Of(page.Now).Before(over):
		return page.R("qualification.real.year_over", year)
	}
	return page.R("qualification.real.year", year)
}

func classList(page *ui.Page, item *qualification.Item) namedList {
	l := namedList{Title: page.R("qualification.class", page.Text(item.Label), len(item.Options))}
	for _, o := range item.Options {
		l.Options = append(l.Options, page.Text(o.Label))
	}
	return l
}

// registerLists names the registrars, those that take something online first.
func registerLists(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition) []namedList {
	var open, other []string
	for i := range def.Registers {
		g := &def.Registers[i]
		taken := slices.ContainsFunc(def.Procedures, func(q qualification.Procedure) bool {
			return cat.Offered(g.ID, q.ID, qualification.ChannelOnline, calendar.Of(page.Now))
		})
		if name := registrarName(page, cat, g.Registrar); taken {
			open = append(open, name)
		} else {
			other = append(other, name)
		}
	}
	var lists []namedList
	if len(open) > 0 {
		lists = append(lists, namedList{Title: page.R("qualification.registers.open", len(open)), Options: open})
	}
	if len(other) > 0 {
		lists = append(lists, namedList{Title: page.R("qualification.registers.paper", len(other)), Options: other})
	}
	return lists
}

// aboutRows is what the law says about the qualification as such.
func aboutRows(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition) []ui.Row {
	rows := []ui.Row{
		{Label: page.R("qualification.english"), Value: def.Name.EN},
		{Label: page.R("qualification.kind"), Value: page.R("kind." + def.Kind)},
		{Label: page.R("qualification.ministry"), Value: page.Text(def.Ministry)},
		{Label: page.R("procedure.law"), Value: page.Text(def.LegalBasis), Source: factLine(page, def.LegalFact)},
		{Label: page.R("qualification.keeper"), Value: page.Text(def.Keeper.Text), Source: factLine(page, def.Keeper.Fact)},
	}
	if since := cat.LegalOriginal(def.ID, calendar.Of(page.Now)); !since.IsZero() {
		rows = append(rows, ui.Row{Label: page.R("qualification.original"), Value: page.R("qualification.original.since", since)})
	}
	if def.BaseText.JA != "" {
		rows = append(rows, ui.Row{Label: page.R("qualification.base"), Value: page.Text(def.BaseText), Source: factLine(page, def.BaseFact)})
	}
	if def.Forwarding != nil {
		rows = append(rows, ui.Row{Label: page.R("qualification.forwarding"), Value: page.Text(def.Forwarding.Text), Source: factLine(page, def.Forwarding.Fact)})
	}
	if def.Disqualification != nil {
		rows = append(rows, ui.Row{Label: page.R("qualification.grounds"), Value: page.Text(def.Disqualification.Text), Source: factLine(page, def.Disqualification.Fact)})
	}
	if def.Validity != nil {
		rows = append(rows, ui.Row{Label: page.R("qualification.term"), Value: termText(page, def.Validity), Source: factLine(page, def.Validity.Fact)})
	}
	for _, d := range def.Reports {
		rows = append(rows, ui.Row{Label: page.R("qualification.duty"), Value: page.Text(d.Text), Source: factLine(page, d.Fact)})
	}
	return rows
}

// termText words how long an entry lasts, as far as it is the same for every entry.
func termText(page *ui.Page, v *qualification.Validity) string {
	switch months := v.Months.Number; {
	case v.Months.CEL != "":
		return page.R("qualification.term.varies")
	case months%12 == 0:
		return page.R("qualification.term.years", months/12)
	default:
		return page.R("qualification.term.months", months)
	}
}

// procedureOf words one procedure: whether it can be applied for online, what it costs wherever it is offered, how long it
// takes and which papers are needed.
func procedureOf(page *ui.Page, cat *qualification.Catalogue, def *qualification.Definition, q *qualification.Procedure) (procedureLine, error) {
	open := openAt(page, cat, def, q.ID)
	line := procedureLine{Name: page.Text(q.Name), State: page.R("qualification.paper"), Tone: ui.Neutral}
	if def.Paper(q, nil).None {
		line.State = page.R("qualification.later")
	}
	line.Path = qualificationPath(def.ID) + "/" + q.ID
	if len(open) > 0 {
		line.State, line.Tone = page.R("qualification.online"), ui.Success
	}
	if len(def.Registers) == 1 {
		line.Path = procedurePath(def.Registers[0].ID, q.ID)
	}
	if len(def.Registers) > 1 && len(open) > 0 {
		line.Where = whereOf(page, len(open), len(def.Registers))
	}
	cost, err := costRange(page, def, q, len(open) > 0)
	if err != nil {
		return line, err
	}
	line.Rows = []ui.Row{
		{Label: page.R("procedure.who"), Value: page.Text(q.Who)},
		cost,
		{Label: page.R("procedure.documents"), Value: papersOf(page, q, len(open) > 0 || def.Paper(q, nil).None)},
		{Label: page.R("procedure.time"), Value: timeOf(page, q), Source: foundLine(page, q.StandardFact)},
		{Label: page.R("procedure.deadline"), Value: page.Text(q.Deadline), Source: factLine(page, q.DeadlineFact)},
	}
	return line, nil
}

// papersOf names the documents that everybody hands in. Where nothing is filed online no registry is asked in place of a
// document, so that the page does not promise that none is needed.
func papersOf(page *ui.Page, q *qualification.Procedure, online bool) string {
	var papers string
	for _, e := range q.Evidence {
		if e.Replaces == "" && e.When == "" && e.Required {
			papers += page.R("qualification.paper.item", page.Text(e.Label))
		}
	}
	switch {
	case !online && q.Effect != qualification.EffectLink && len(q.Inquiries) > 0:
		return papers + page.R("qualification.paper.records")
	case papers == "":
		return page.R("procedure.documents.none")
	}
	return papers
}

// costRange is the least and the most that the registers take online, before any answer is known, and whether an amount
// among them was not verified.
func costRange(page *ui.Page, def *qualification.Definition, q *qualification.Procedure, online bool) (ui.Row, error) {
	row := ui.Row{Label: page.R("procedure.fee"), Value: page.R("qualification.cost.unknown")}
	if costUnknown(q) {
		return row, nil
	}
	if len(q.Fees) == 0 {
		row.Value, row.Source = nothingDue(page, q), foundLine(page, q.FeesFact)
		return row, nil
	}
	var least, most int64
	var byAnswers, byRegistrar bool // what the amount hangs on
	for i := range def.Registers {
		spans, err := q.FeeSpans(qualification.Facts{Registrar: def.Registers[i].Registrar, Channel: channelOf(q, online), On: page.Now})
		if err != nil {
			return row, err
		}
		if slices.ContainsFunc(spans, func(s qualification.FeeSpan) bool { return s.Fact.Confidence != qualification.Confirmed }) {
			row.Source = page.R("qualification.cost.unverified")
		}
		low, high := qualification.TotalSpan(spans)
		if i == 0 {
			least, most = low, high
		}
		byAnswers, byRegistrar = byAnswers || low != high, byRegistrar || low != least || high != most
		least, most = min(least, low), max(most, high)
	}
	switch {
	case most == 0:
		row.Value = page.R("fee.none")
	case byRegistrar:
		row.Value = page.R("qualification.cost.range", page.Yen(least), page.Yen(most))
	case byAnswers:
		row.Value = page.R("qualification.cost.answers", page.Yen(least), page.Yen(most))
	default:
		row.Value = page.Yen(most)
	}
	return row, nil
}

// nothingDue says that a procedure costs nothing, and does not promise it when nobody has read so.
func nothingDue(page *ui.Page, q *qualification.Procedure) string {
	if q.FeesFact.Confidence != qualification.Confirmed {
		return page.R("fee.none.unread")
	}
	return page.R("fee.none")
}

// timeOf is how long a procedure takes. A period that nobody has set is called an aim.
func timeOf(page *ui.Page, q *qualification.Procedure) string {
	if q.StandardFact.Confidence == qualification.Unknown {
		return page.R("procedure.time.aim", q.StandardDays)
	}
	return page.R("procedure.time.days", q.StandardDays)
}

// timeLabel names that time.
func timeLabel(page *ui.Page, q *qualification.Procedure) string {
	if q.StandardFact.Confidence == qualification.Unknown {
		return page.R("procedure.time.goal")
	}
	return page.R("procedure.time.standard")
}

// expectedOn is when the result of a case can be expected.
func expectedOn(page *ui.Page, due calendar.Date, q *qualification.Procedure) string {
	if q.StandardFact.Confidence == qualification.Unknown {
		return page.R("case.expected.aim", due, q.StandardDays)
	}
	return page.R("case.expected.days", due, q.StandardDays)
}

// costUnknown tells whether an amount of the procedure was not found: it is not charged online, and nothing is said of it.
func costUnknown(q *qualification.Procedure) bool {
	return slices.ContainsFunc(q.Fees, func(f qualification.Fee) bool {
		return slices.ContainsFunc(f.Rules, func(r qualification.FeeRule) bool { return r.Fact.Confidence == qualification.Unknown })
	})
}
