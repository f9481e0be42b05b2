package office

import (
	"net/http"
	"slices"
	"strings"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// correctionDraft is a correction request (不備訂正指示) that is being written: what, why, in which words, by when. It stays in the
// session until it is sent.
type correctionDraft struct {
	Case  string                       `json:"case"`
	Items []application.CorrectionItem `json:"items"`
	Due   map[string]string            `json:"due"` // as typed, by input name
}

// dueInput is the name of the date input.
const dueInput = "due"

// maxCorrectionNote bounds the words for one item, in characters.
const maxCorrectionNote = 1000

// correctionDays is how many business days are offered as the term; the law gives no number.
const correctionDays = 10

// correctionItem is one thing that the applicant can put right.
type correctionItem struct {
	Hidden      bool // the applicant is not asked it now
	Item, Label string
	Chosen      bool
	Reason      ui.Control
}

type correctionGroup struct {
	Title string
	Items []correctionItem
}

// correctionItemsView is the first page: what, and why.
type correctionItemsView struct {
	ID     string
	Round  int
	Groups []correctionGroup
}

// draftOf reads the request that is being written for a case; an empty one when none is.
func (p *portal) draftOf(r *http.Request, id string) (correctionDraft, error) {
	var d correctionDraft
	if _, err := p.kept(r.Context(), keyCorrection, &d); err != nil {
		return d, err
	}
	if d.Case != id {
		return correctionDraft{Case: id}, nil
	}
	return d, nil
}

func (p *portal) correctionItems(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	s, err := p.mayCorrect(r, o, id)
	if err != nil {
		return err
	}
	d, err := p.draftOf(r, id)
	if err != nil {
		return err
	}
	return p.drawCorrectionItems(w, r, o, id, d, s, nil)
}

// drawCorrectionItems draws the first page. What the reviewer has found wanting is chosen beforehand.
func (p *portal) drawCorrectionItems(w http.ResponseWriter, r *http.Request, o seat, id string, d correctionDraft, s review.Standing, wrong func(*ui.Page, *review.View) []qualification.Problem) error {
	v, err := p.Desk.Open(r.Context(), o.Officer, id, "procedure")
	if err != nil {
		return err
	}
	page := p.page(r, o, "inbox", "correction.title", id)
	page.Back = casePath(id)
	if wrong != nil {
		page.Problems = wrong(page, v)
	} else if len(d.Items) == 0 {
		d.Items = suggested(v)
	}
	return page.Render(w, correctionItemsPage(page, correctionItemsView{ID: id, Round: v.Case.Round + 1, Groups: correctionGroups(page, v.Procedure, v.Case.Channel, d.Items, s.Asked)}))
}

// suggested are the items behind the defects that the reviewer found. The reviewer's remarks are internal and stay out.
func suggested(v *review.View) []application.CorrectionItem {
	var out []application.CorrectionItem
	for _, d := range v.Verdicts {
		r := v.Procedure.Reason(d.Reason)
		if d.Verdict != verdictDefect || r == nil || !r.Correct || r.Item == "" {
			continue
		}
		item := r.Item
		if v.Procedure.Field(item) == nil {
			item = "evidence:" + item
		}
		out = append(out, application.CorrectionItem{Item: item, Reason: r.Code})
	}
	return out
}

// correctables lists what an applicant can put right: the fields that they fill in, page by page, and the documents.
func correctables(page *ui.Page, p *qualification.Procedure, channel string) []correctionGroup {
	var out []correctionGroup
	for _, g := range p.Groups {
		one := correctionGroup{Title: page.Text(g.Title)}
		for _, f := range g.Fields {
			if f.Typed(channel) {
				one.Items = append(one.Items, correctionItem{Item: f.ID, Label: page.Text(f.Label)})
			}
		}
		if len(one.Items) > 0 {
			out = append(out, one)
		}
	}
	documents := correctionGroup{Title: page.R("correction.documents")}
	for _, e := range p.Evidence {
		documents.Items = append(documents.Items, correctionItem{Item: "evidence:" + e.ID, Label: page.Text(e.Label)})
	}
	if len(documents.Items) > 0 {
		out = append(out, documents)
	}
	return out
}

// correctionGroups is the list with what is chosen, and with the reasons that fit each line.
func correctionGroups(page *ui.Page, p *qualification.Procedure, channel string, chosen []application.CorrectionItem, asked map[string]bool) []correctionGroup {
	groups := correctables(page, p, channel)
	for i := range groups {
		for j := range groups[i].Items {
			item := &groups[i].Items[j]
			at := slices.IndexFunc(chosen, func(c application.CorrectionItem) bool { return c.Item == item.Item })
			item.Chosen = at >= 0
			item.Hidden = !strings.HasPrefix(item.Item, "evidence:") && !asked[item.Item]
			item.Reason = ui.Control{Name: "reason." + item.Item, Label: page.R("correction.reason_of", ui.Plain(item.Label)), NoNeed: true,
				Choices: reasonChoices(page, p.Reasons, fitsItem(item.Item)), Problem: page.ProblemFor("reason." + item.Item)}
			if at >= 0 {
				item.Reason.Value = chosen[at].Reason
			}
		}
	}
	return groups
}

// fitsItem tells which reasons can be given for a field or a document: those about it, and those about nothing in
// particular. Of these, codes that begin with document- are about papers and those with answer- about what was typed.
func fitsItem(item string) func(qualification.Reason) bool {
	bare, document := strings.CutPrefix(item, "evidence:")
	return func(r qualification.Reason) bool {
		switch {
		case !r.Correct || r.Item != "" && r.Item != bare:
			return false
		case r.Item == "" && strings.HasPrefix(r.Code, "document-"):
			return document
		case r.Item == "" && strings.HasPrefix(r.Code, "answer-"):
			return !document
		}
		return true
	}
}

func (p *portal) saveCorrectionItems(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	s, err := p.mayCorrect(r, o, id)
	if err != nil {
		return err
	}
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	before, err := p.draftOf(r, id)
	if err != nil {
		return err
	}
	d := correctionDraft{Case: id, Items: readItems(s.Procedure, s.Channel, form, before.Items), Due: before.Due}
	if len(wrongItems(&ui.Page{Site: p.site}, s, d.Items)) > 0 {
		return p.drawCorrectionItems(w, r, o, id, d, s, func(page *ui.Page, _ *review.View) []qualification.Problem {
			return wrongItems(page, s, d.Items)
		})
	}
	if err := p.keep(r.Context(), keyCorrection, d); err != nil {
		return err
	}
	return p.site.Redirect(w, r, casePath(id, "correction", "words"))
}

// readItems reads the chosen lines in the order of the form; words that were written before stay.
func readItems(p *qualification.Procedure, channel string, form map[string]string, before []application.CorrectionItem) []application.CorrectionItem {
	chosen := strings.Split(form["item"], ",")
	var out []application.CorrectionItem
	for _, item := range itemsOf(p, channel) {
		if !slices.Contains(chosen, item) {
			continue
		}
		one := application.CorrectionItem{Item: item, Reason: form["reason."+item]}
		if i := slices.IndexFunc(before, func(b application.CorrectionItem) bool { return b.Item == item }); i >= 0 {
			one.Note = before[i].Note
		}
		out = append(out, one)
	}
	return out
}

// itemsOf lists the ids of what can be put right.
func itemsOf(p *qualification.Procedure, channel string) []string {
	var out []string
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			if f.Typed(channel) {
				out = append(out, f.ID)
			}
		}
	}
	for _, e := range p.Evidence {
		out = append(out, "evidence:"+e.ID)
	}
	return out
}

func wrongItems(page *ui.Page, s review.Standing, items []application.CorrectionItem) []qualification.Problem {
	p := s.Procedure
	if len(items) == 0 {
		return []qualification.Problem{problem(page, "item", "fault.correction_empty")}
	}
	var out []qualification.Problem
	for _, i := range items {
		if r := p.Reason(i.Reason); r == nil || !fitsItem(i.Item)(*r) {
			out = append(out, problem(page, "reason."+i.Item, "correction.reason_missing", ui.Plain(itemLabel(page, p, i.Item))))
		}
	}
	if item := application.Unreachable(s.Asked, items); item != "" && len(out) == 0 {
		out = append(out, problem(page, "reason."+item, "correction.hidden_alone", ui.Plain(itemLabel(page, p, item))))
	}
	return out
}

// correctionWordsView is the second page: the words for each item, and by when.
type correctionWordsView struct {
	ID    string
	Items []correctionWords
	Due   ui.DateControl
	Lang  string // of the applicant, in which the words are to be written
}

type correctionWords struct {
	Label, Reason string
	Note          ui.Control
}

func (p *portal) correctionWords(w http.ResponseWriter, r *http.Request, o seat) error {
	return p.drawCorrectionWords(w, r, o, nil)
}

func (p *portal) drawCorrectionWords(w http.ResponseWriter, r *http.Request, o seat, typed *correctionDraft) error {
	id := r.PathValue("id")
	d, v, err := p.openDraft(r, o, id)
	if err != nil {
		return err
	}
	if v == nil {
		return p.site.Redirect(w, r, casePath(id, "correction"))
	}
	page := p.page(r, o, "inbox", "correction.words_title", id)
	page.Back = casePath(id, "correction")
	if typed != nil {
		d = *typed
		page.Problems = wrongWords(page, v.Procedure, d, p.today())
	}
	return page.Render(w, correctionWordsPage(page, newCorrectionWords(page, v, d, p.today())))
}

// openDraft reads the request that is being written, and its case. The view is nil when nothing has been chosen yet.
func (p *portal) openDraft(r *http.Request, o seat, id string) (correctionDraft, *review.View, error) {
	if _, err := p.mayCorrect(r, o, id); err != nil {
		return correctionDraft{}, nil, err
	}
	d, err := p.draftOf(r, id)
	if err != nil || len(d.Items) == 0 {
		return d, nil, err
	}
	v, err := p.Desk.Open(r.Context(), o.Officer, id, "procedure")
	return d, v, err
}

// newCorrectionWords fills the second page. An item without words gets a sentence that says what to do, in the language
// in which the applicant applied.
func newCorrectionWords(page *ui.Page, v *review.View, d correctionDraft, today calendar.Date) correctionWordsView {
	out := correctionWordsView{ID: d.Case, Lang: page.R("lang." + v.Case.Lang)}
	theirs := &ui.Page{Site: page.Site, Lang: qualification.Lang(v.Case.Lang)}
	for _, i := range d.Items {
		note := i.Note
		if note == "" {
			note = template(theirs, v.Procedure, i.Item)
		}
		input := "note." + i.Item
		out.Items = append(out.Items, correctionWords{Label: itemLabel(page, v.Procedure, i.Item), Reason: reasonText(page, v.Procedure, i.Reason),
			Note: ui.Control{Name: input, Label: page.R("correction.words_of", ui.Plain(itemLabel(page, v.Procedure, i.Item))), Required: true, Value: note, Rows: 3,
				Lang: htmlLang(v.Case.Lang), Problem: page.ProblemFor(input)}})
	}
	if len(d.Due) == 0 {
		d.Due = rawDate(dueInput, calendar.AddBusinessDays(today, correctionDays))
	}
	out.Due = ui.NewDateControl(page, ui.Control{Name: dueInput, Label: page.R("correction.due"), Hint: page.R("correction.due_hint", correctionDays), Required: true}, d.Due, page.Problems)
	return out
}

// template is the sentence that is offered for an item.
func template(theirs *ui.Page, p *qualification.Procedure, item string) string {
	label := ui.Plain(itemLabel(theirs, p, item))
	if strings.HasPrefix(item, "evidence:") {
		return theirs.T("correction.template.document", label)
	}
	return theirs.T("correction.template.field", label)
}

func htmlLang(lang string) string {
	if lang == string(qualification.EN) {
		return "en"
	}
	return "ja"
}

// rawDate is a day as it would have been typed.
func rawDate(name string, d calendar.Date) map[string]string {
	return map[string]string{name + ".year": itoa(d.Year), name + ".month": itoa(int(d.Month)), name + ".day": itoa(d.Day)}
}

func (p *portal) saveCorrectionWords(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	s, err := p.mayCorrect(r, o, id)
	if err != nil {
		return err
	}
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	d, err := p.draftOf(r, id)
	if err != nil {
		return err
	}
	for i := range d.Items {
		d.Items[i].Note = strings.TrimSpace(jtext.CleanLines(form["note."+d.Items[i].Item]))
	}
	d.Due = map[string]string{}
	for _, part := range []string{".era", ".year", ".month", ".day"} {
		d.Due[dueInput+part] = form[dueInput+part]
	}
	if err := p.keep(r.Context(), keyCorrection, d); err != nil {
		return err
	}
	if len(wrongWords(&ui.Page{Site: p.site}, s.Procedure, d, p.today())) > 0 {
		return p.drawCorrectionWords(w, r, o, &d)
	}
	return p.site.Redirect(w, r, casePath(id, "correction", "preview"))
}

func wrongWords(page *ui.Page, p *qualification.Procedure, d correctionDraft, today calendar.Date) []qualification.Problem {
	var out []qualification.Problem
	for _, i := range d.Items {
		if n := jtext.Length(i.Note); n == 0 || n > maxCorrectionNote {
			out = append(out, problem(page, "note."+i.Item, "correction.words_wrong", ui.Plain(itemLabel(page, p, i.Item)), maxCorrectionNote))
		}
	}
	due, err := dueOf(d)
	switch {
	case err != nil:
		out = append(out, problem(page, dueInput+".year", "correction.due_wrong"))
	case !today.Before(due):
		out = append(out, problem(page, dueInput+".year", "fault.correction_due"))
	case today.AddMonths(maxCorrectionMonths).Before(due):
		out = append(out, problem(page, dueInput+".year", "correction.due_far", maxCorrectionMonths))
	}
	return out
}

// maxCorrectionMonths bounds the term, so that a slip of the pen does not let a case rest for years.
const maxCorrectionMonths = 6

// dueOf reads the typed day.
func dueOf(d correctionDraft) (calendar.Date, error) {
	return jtext.Date(d.Due[dueInput+".era"], d.Due[dueInput+".year"], d.Due[dueInput+".month"], d.Due[dueInput+".day"])
}

// correctionPreviewView is the request as its applicant will read it, in their language.
type correctionPreviewView struct {
	ID     string
	Theirs *ui.Page
	Next   ui.NextStep
	Items  []previewItem
	Many   bool // the third round or a later one: a supervisor should have a look
	Round  int
	Paper  bool // the applicant has no page to read it on
}

type previewItem struct{ Label, Reason, Note string }

func (p *portal) correctionPreview(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	d, v, err := p.openDraft(r, o, id)
	if err != nil {
		return err
	}
	if v == nil || len(wrongWords(&ui.Page{Site: p.site}, v.Procedure, d, p.today())) > 0 {
		return p.site.Redirect(w, r, casePath(id, "correction"))
	}
	due, err := dueOf(d)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the due date of a correction")
	}
	page := p.page(r, o, "inbox", "correction.preview_title", id)
	page.Back = casePath(id, "correction", "words")
	theirs := &ui.Page{Site: p.site, Lang: qualification.Lang(v.Case.Lang)}
	out := correctionPreviewView{ID: id, Theirs: theirs, Round: v.Case.Round + 1, Many: v.Case.Round >= 2, Paper: v.Case.OnPaper(),
		Next: ui.NextStep{Mine: true, Text: theirs.R("correction.theirs_lead"), Due: due.Time()}}
	for _, i := range d.Items {
		out.Items = append(out.Items, previewItem{Label: itemLabel(theirs, v.Procedure, i.Item), Reason: reasonText(theirs, v.Procedure, i.Reason), Note: i.Note})
	}
	return page.Render(w, correctionPreviewPage(page, out))
}

// sendCorrection sends the request to the applicant.
func (p *portal) sendCorrection(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	if _, err := p.mayCorrect(r, o, id); err != nil {
		return err
	}
	d, err := p.draftOf(r, id)
	if err != nil {
		return err
	}
	due, err := dueOf(d)
	if err != nil || len(d.Items) == 0 {
		return fault.New(fault.Conflict, "fault.correction_lost", "sending a correction request that was not written")
	}
	if err := p.Desk.RequestCorrection(r.Context(), o.Officer, id, d.Items, due); err != nil {
		return err
	}
	p.site.Sessions.Remove(r.Context(), keyCorrection)
	return p.done(w, r, "/", "correction.sent", id)
}
