package office

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// paperPath is where staff enter what came on paper, newPaperPath where they begin one.
const (
	paperPath    = "/paper"
	newPaperPath = "/paper-new"
)

// paperBase is the address of one paper that is being entered; the pages of package fill hang below it.
func paperBase(publicID string) string { return paperPath + "/" + url.PathEscape(publicID) }

// teller is somebody at the counter of the body.
func (o seat) teller() application.Teller { return application.Teller{Staff: o.Staff, Body: o.Body} }

// paperView is the page with what is being entered and what can be.
type paperView struct {
	Open  []openPaper
	Kinds []paperKind
}

// openPaper is one paper that is being entered or waits for a correction.
type openPaper struct {
	Path, Number, Procedure, Name, Received, State string
	Tone                                           ui.Tone
}

// paperKind is a qualification with the procedures that the registrar takes on paper.
type paperKind struct {
	Name       string
	Procedures []ui.Link
}

// papers lists what is being entered, and what the registrar takes on paper today.
func (p *portal) papers(w http.ResponseWriter, r *http.Request, o seat) error {
	open, err := p.Intake.Unfinished(r.Context(), o.teller())
	if err != nil {
		return err
	}
	page := p.page(r, o, "paper", "paper.title")
	v := paperView{Kinds: paperKinds(page, p.Intake.Taken(o.Body, p.today()))}
	for _, s := range open {
		d, err := s.Definition(p.Desk.Catalogue)
		if err != nil {
			return err
		}
		v.Open = append(v.Open, openPaper{Path: paperBase(s.PublicID), Number: s.PublicID, Procedure: procedureName(page, d, s.ProcedureID),
			Name: applicantName(&s.Case), Received: receivedOn(page, &s.Case), State: page.R("state." + string(s.State)), Tone: stateTone(s.State)})
		if s.State == application.Signing || s.State == application.CorrectionSigning {
			v.Open[len(v.Open)-1].State = page.R("paper.state.checking")
		}
	}
	return page.Render(w, papersPage(page, v))
}

// receivedOn is the day on which a paper came in.
func receivedOn(page *ui.Page, c *application.Case) string {
	if c.ReceivedOn == nil {
		return ""
	}
	return shortDay(page, *c.ReceivedOn)
}

func paperKinds(page *ui.Page, taken []application.OnPaper) []paperKind {
	var out []paperKind
	for _, t := range taken {
		name := page.Text(t.Definition.Name)
		if len(out) == 0 || out[len(out)-1].Name != name {
			out = append(out, paperKind{Name: name})
		}
		k := &out[len(out)-1]
		k.Procedures = append(k.Procedures, ui.Link{Text: page.Text(t.Procedure.Name),
			Path: newPaperPath + "/" + url.PathEscape(t.Register.ID) + "/" + url.PathEscape(t.Procedure.ID)})
	}
	return out
}

// receiptView is a form on which staff record what they saw of a paper.
type receiptView struct {
	Case, Title, Lead string
	Action            string
	Token             uuid.UUID // of a new paper, otherwise nil
	Fixed             []ui.Row  // what stays
	Groups            []receiptGroup
	Exit              bool // it can be left with what was typed
}

type receiptGroup struct {
	Title string
	Form  ui.FormView
}

// receiptGroups are pages of a receipt's form with what was typed; the entry that a draft is about is asked when it begins alone.
func receiptGroups(page *ui.Page, form *qualification.Procedure, pages []string, raw map[string]string, fresh bool) []receiptGroup {
	var out []receiptGroup
	for i := range form.Groups {
		g := &form.Groups[i]
		if !slices.Contains(pages, g.ID) {
			continue
		}
		one := receiptGroup{Title: page.Text(g.Title), Form: ui.FormView{Raw: raw, Problems: page.Problems}}
		for _, f := range g.Fields {
			if fresh || f.Kind != qualification.KindRegNumber {
				one.Form.Fields = append(one.Form.Fields, f)
			}
		}
		out = append(out, one)
	}
	return out
}

// receiptPages are the pages of a receipt that are shown together; the payment has a page of its own, once it is known what is due.
var receiptPages = []string{application.ReceiptPaper, application.ReceiptApplicant, application.ReceiptIdentity}

// newPaper asks for the receipt with which a paper begins.
func (p *portal) newPaper(w http.ResponseWriter, r *http.Request, o seat) error {
	if err := p.need(r.Context(), o, account.CaseIntake); err != nil {
		return err
	}
	return p.drawNewPaper(w, r, o, rawDate("received_on", p.today()), ui.NewToken(), nil)
}

func (p *portal) drawNewPaper(w http.ResponseWriter, r *http.Request, o seat, raw map[string]string, token uuid.UUID, problems []qualification.Problem) error {
	register, procedure := r.PathValue("register"), r.PathValue("procedure")
	on, err := p.Intake.Find(o.Body, register, procedure, p.today())
	if err != nil {
		return review.Refused(r.Context(), p.Desk.DB, o.Officer, account.CaseIntake, register, err)
	}
	page := p.page(r, o, "paper", "paper.new_title")
	page.Back, page.Problems = paperPath, problems
	return page.Render(w, receiptPage(page, receiptView{Case: page.Text(on.Procedure.Name), Title: page.R("paper.new_title"), Lead: page.R("paper.new_lead"),
		Action: r.URL.Path, Token: token, Groups: receiptGroups(page, application.ReceiptForm(on.Procedure, 0), receiptPages, raw, true)}))
}

// beginPaper opens a draft for a paper and leads to the first page of its form.
func (p *portal) beginPaper(w http.ResponseWriter, r *http.Request, o seat) error {
	raw, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	token, err := ui.Token(r)
	if err != nil {
		return err
	}
	c, problems, err := p.Intake.Begin(r.Context(), o.teller(), token, r.PathValue("register"), r.PathValue("procedure"), raw)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return p.drawNewPaper(w, r, o, raw, token, problems)
	}
	_, q, err := application.Pinned(p.Desk.Catalogue, c)
	if err != nil {
		return err
	}
	if g := &q.Groups[0]; g.When == "" {
		return p.site.Redirect(w, r, fill.GroupPath(paperBase(c.PublicID), g.ID))
	}
	return p.site.Redirect(w, r, paperBase(c.PublicID))
}

// paperCaseView is the page of one paper: what is recorded, what is open.
type paperCaseView struct {
	Number, Procedure, Name, Received string
	State                             string
	Correction                        []ui.Row // what was asked for
	Tasks                             []ui.Task
	CheckPath, WithdrawPath           string
}

// paperPage is the frame of a page about one paper.
func (p *portal) paperPage(r *http.Request, o seat, v *application.View, titleKey string) *ui.Page {
	page := p.page(r, o, "paper", titleKey)
	page.Title += " " + v.Case.PublicID
	page.Back = paperBase(v.Case.PublicID)
	return page
}

// paper shows how far the entry of one paper is.
func (p *portal) paper(w http.ResponseWriter, r *http.Request, o seat) error {
	v, err := p.Intake.View(r.Context(), o.teller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	page := p.paperPage(r, o, v, "paper.case_title")
	page.Back = paperPath
	view, err := newPaperCase(page, v)
	if err != nil {
		return err
	}
	return page.Render(w, paperCasePage(page, view))
}

func newPaperCase(page *ui.Page, v *application.View) (paperCaseView, error) {
	base := paperBase(v.Case.PublicID)
	out := paperCaseView{Number: v.Case.PublicID, Procedure: page.Text(v.Procedure.Name), Name: applicantName(v.Case), Received: receivedOn(page, v.Case),
		State: page.R("state." + string(v.Case.State)), CheckPath: base + "/check", WithdrawPath: base + "/withdraw"}
	recorded, err := v.Recorded(page.Now)
	if err != nil {
		return out, err
	}
	task := func(key, path string, done bool) {
		t := ui.Task{Text: page.R(key), Path: path, State: ui.TaskTodo}
		if done {
			t.State = ui.TaskDone
		}
		out.Tasks = append(out.Tasks, t)
	}
	task("paper.receipt", base+"/receipt", recorded.Seen)
	asked, err := fill.Tasks(page, v, base)
	if err != nil {
		return out, err
	}
	out.Tasks = append(out.Tasks, asked...)
	if recorded.Due > 0 {
		task("paper.payment", base+"/payment", recorded.Paid)
	}
	if k := v.Correction(); k != nil {
		for _, i := range k.Items {
			out.Correction = append(out.Correction, ui.Row{Label: itemLabel(page, v.Procedure, i.Item), Value: reasonText(page, v.Procedure, i.Reason), Source: i.Note})
		}
	}
	return out, nil
}

// receipt shows what was recorded of a paper, to be changed.
func (p *portal) receipt(w http.ResponseWriter, r *http.Request, o seat) error {
	v, err := p.Intake.View(r.Context(), o.teller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawReceipt(w, r, o, v, nil)
}

func (p *portal) drawReceipt(w http.ResponseWriter, r *http.Request, o seat, v *application.View, problems []qualification.Problem) error {
	page := p.paperPage(r, o, v, "paper.receipt")
	page.Problems = problems
	raw := rawDate("received_on", p.today())
	if v.Receipt() != nil {
		raw = v.Receipt().Answers.Raw
	}
	view := receiptView{Case: page.Text(v.Procedure.Name), Title: page.R("paper.receipt"), Action: paperBase(v.Case.PublicID) + "/receipt", Exit: true,
		Groups: receiptGroups(page, application.ReceiptForm(v.Procedure, v.Case.Round), receiptPages, raw, false)}
	if v.Entry != nil {
		view.Fixed = []ui.Row{{Label: page.R("paper.entry"), Value: v.Entry.Number}, {Label: page.R("paper.entry_name"), Value: v.Entry.Facts["name"], Name: true}}
	}
	return page.Render(w, receiptPage(page, view))
}

// saveReceipt keeps what was typed, valid or not.
func (p *portal) saveReceipt(w http.ResponseWriter, r *http.Request, o seat) error {
	return p.recordReceipt(w, r, o, receiptPages, p.drawReceipt)
}

// recordReceipt keeps pages of the receipt and goes on to the paper, or shows what is to be put right.
func (p *portal) recordReceipt(w http.ResponseWriter, r *http.Request, o seat, pages []string,
	draw func(http.ResponseWriter, *http.Request, seat, *application.View, []qualification.Problem) error) error {
	raw, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	v, problems, err := p.Intake.Record(r.Context(), o.teller(), r.PathValue("id"), pages, raw)
	if err != nil {
		return err
	}
	if len(problems) > 0 && r.PostFormValue("_action") != "exit" {
		return draw(w, r, o, v, problems)
	}
	return p.site.Redirect(w, r, paperBase(v.Case.PublicID))
}

// paperPayment asks how the paper was paid, beside what is due.
func (p *portal) paperPayment(w http.ResponseWriter, r *http.Request, o seat) error {
	v, err := p.Intake.View(r.Context(), o.teller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawPayment(w, r, o, v, nil)
}

func (p *portal) drawPayment(w http.ResponseWriter, r *http.Request, o seat, v *application.View, problems []qualification.Problem) error {
	lines, err := v.Procedure.FeeLines(v.Facts)
	if err != nil {
		return err
	}
	page := p.paperPage(r, o, v, "paper.payment")
	page.Problems = problems
	raw := map[string]string{}
	if v.Receipt() != nil {
		raw = v.Receipt().Answers.Raw
	}
	view := receiptView{Case: page.Text(v.Procedure.Name), Title: page.R("paper.payment"), Lead: page.R("paper.payment_lead"), Exit: true,
		Action: paperBase(v.Case.PublicID) + "/payment", Groups: receiptGroups(page, application.ReceiptForm(v.Procedure, 0), []string{application.ReceiptPayment}, raw, false)}
	for _, l := range lines {
		view.Fixed = append(view.Fixed, ui.Row{Label: page.Text(l.Label), Value: page.Yen(l.Amount), Source: page.R("fee." + string(l.Kind))})
	}
	view.Fixed = append(view.Fixed, ui.Row{Label: page.R("payment.total"), Value: page.Yen(qualification.Total(lines))})
	return page.Render(w, receiptPage(page, view))
}

func (p *portal) savePaperPayment(w http.ResponseWriter, r *http.Request, o seat) error {
	return p.recordReceipt(w, r, o, []string{application.ReceiptPayment}, p.drawPayment)
}

// paperForm shows a page of the form.
func (p *portal) paperForm(w http.ResponseWriter, r *http.Request, o seat) error {
	v, err := p.Intake.View(r.Context(), o.teller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawPaperForm(w, r, o, v, nil)
}

func (p *portal) drawPaperForm(w http.ResponseWriter, r *http.Request, o seat, v *application.View, problems []qualification.Problem) error {
	groups, i, err := fill.Group(v, r.PathValue("group"))
	if err != nil {
		return err
	}
	base := paperBase(v.Case.PublicID)
	page := p.paperPage(r, o, v, "form.title")
	page.Title, page.Problems = ui.Plain(page.Text(groups[i].Title)), problems
	if i > 0 {
		page.Back = fill.GroupPath(base, groups[i-1].ID)
	}
	view, err := fill.Form(page, v, groups[i], base)
	if err != nil {
		return err
	}
	if view.Back = r.FormValue("_back") == "check" || r.URL.Query().Get("back") == "check"; view.Back {
		page.Back = base + "/check"
	}
	return page.Render(w, narrow(fill.FormPage(page, view)))
}

// savePaperForm keeps what was typed on a page of the form, valid or not, and leads on.
func (p *portal) savePaperForm(w http.ResponseWriter, r *http.Request, o seat) error {
	raw, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	id, group := r.PathValue("id"), r.PathValue("group")
	v, problems, err := p.Intake.Save(r.Context(), o.teller(), id, group, raw)
	switch {
	case err != nil:
		return err
	case r.PostFormValue("_action") == "exit":
		return p.done(w, r, paperBase(id), "form.saved")
	case len(problems) > 0:
		return p.drawPaperForm(w, r, o, v, problems)
	case r.PostFormValue("_back") == "check":
		return p.freezePaper(w, r, o)
	}
	next, err := fill.After(v, group, paperBase(v.Case.PublicID))
	if err != nil {
		return err
	}
	return p.site.Redirect(w, r, next)
}
