package citizen

import (
	"net/http"
	"slices"
	"strconv"

	"akashi/internal/application"
	"akashi/internal/credential"
	"akashi/internal/payment"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// overviewView is the page of one case.
type overviewView struct {
	PublicID, Name, Body string
	Tag                  string
	Tone                 ui.Tone
	Next                 *ui.NextStep
	Outcome              *outcomeView
	Tasks                []ui.Task // while the form is open
	MayCheck             bool      // the content can be frozen
	Unchanged            bool      // of a correction: not everything that was asked for has been changed
	CheckPath            string
	Asked                []askedLine // in a correction: what is asked
	Timeline             []ui.Event
	Facts                []ui.Row
	Receipts             []ui.Link
	WithdrawPath         string
	WalletPath           string // where a wallet can be let wait for the result
	Spared               bool   // documents are spared thanks to the registries
}

// outcomeView is the decision.
type outcomeView struct {
	Approved bool
	Reasons  []string
	Link     ui.Link
}

// askedLine is one thing that a correction asks for.
type askedLine struct {
	Label, Reason, Note, Path string
}

// caseFile is everything about one case that its pages show.
type caseFile struct {
	*application.View
	Due  payment.Due
	Held *credential.Held
}

// readCase reads a case with its payment and, once it is decided, the entry that came of it.
func (p *portal) readCase(r *http.Request, a application.Applicant, more ...application.More) (f caseFile, err error) {
	if f.View, f.Due, err = p.Counter.Open(r.Context(), a, r.PathValue("id"), more...); err != nil {
		return f, err
	}
	if f.Case.State != application.Registered {
		return f, nil
	}
	if f.Entry != nil {
		f.Held, err = p.Wallet.Find(r.Context(), a, f.Case.RegisterID, f.Entry.ID)
		return f, err
	}
	held, err := p.Wallet.List(r.Context(), a)
	if i := slices.IndexFunc(held, func(h credential.Held) bool { return h.Entry.RegisterID == f.Case.RegisterID }); i >= 0 {
		f.Held = &held[i]
	}
	return f, err
}

func (p *portal) overview(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	f, err := p.readCase(r, a, application.ReadNotices)
	if err != nil {
		return err
	}
	page := p.casePage(r, f.View, "overview.title")
	page.Back = "/"
	view, err := fillOverview(page, p.Desk.Catalogue, f)
	if err != nil {
		return err
	}
	return page.Render(w, overviewPage(page, view))
}

// casePage is the frame of a case's page: its title ends with the case's number, so that no two are alike.
func (p *portal) casePage(r *http.Request, v *application.View, titleKey string) *ui.Page {
	page := p.site.Page(r, titleKey)
	page.Title += " " + v.Case.PublicID
	page.Current, page.Back = "home", casePath(v.Case.PublicID)
	return page
}

func fillOverview(page *ui.Page, cat *qualification.Catalogue, f caseFile) (overviewView, error) {
	c := f.Case
	st := standingOf(c, f.Correction())
	v := overviewView{PublicID: c.PublicID, Name: page.Text(f.Procedure.Name), Body: registrarName(page, cat, c.RegistrarID),
		Tag: st.tag(page), Tone: st.Tone, CheckPath: casePath(c.PublicID, "check"), Outcome: outcomeOf(page, f)}
	if c.State.Withdrawable() && c.Origin == application.OriginCitizen {
		v.WithdrawPath = casePath(c.PublicID, "withdraw")
	}
	if mayWait(c, f.Procedure) {
		v.WalletPath = casePath(c.PublicID, "wallet")
	}
	v.Facts = caseFacts(page, cat, f)
	for _, s := range f.Submissions {
		key := "overview.receipt"
		if s.Round > 0 {
			key = "overview.receipt.round"
		}
		v.Receipts = append(v.Receipts, ui.Link{Path: receiptPath(c.PublicID, s.Round), Text: page.R(key, s.Round)})
	}
	tells := story{View: f.View, Body: v.Body, HasFee: len(f.Due.Lines) > 0, Held: f.Held, Name: func(body string) string { return registrarName(page, cat, body) }}
	link := ui.Link{Path: st.Link, Text: page.R("act." + st.Key)}
	if c.State.Editable() {
		if err := v.addTasks(page, f.View); err != nil {
			return v, err
		}
		expected, err := f.Procedure.FeeLines(f.Facts)
		if err != nil {
			return v, err
		}
		tells.HasFee = tells.HasFee || c.Round == 0 && len(expected) > 0
		link = v.nextTask(page, c, link)
		st.Ready = v.ready()
		tells.Ready = st.Ready
	}
	v.Timeline = tells.timeline(page)
	v.Next = st.next(page, link)
	return v, nil
}

// ready tells that everything is filled in: the button to the check is the next step.
func (v *overviewView) ready() bool { return v.MayCheck && !v.Unchanged }

// nextTask is where the applicant goes on: to the page with the frozen content, or to the first part that is not
// complete; when all are, the page itself has the button. A correction may be answered with what stands: the officer may
// have asked in error.
func (v *overviewView) nextTask(page *ui.Page, c *application.Case, frozen ui.Link) ui.Link {
	if c.State == application.Signing || c.State == application.CorrectionSigning {
		v.MayCheck = false
		return frozen
	}
	i := slices.IndexFunc(v.Tasks, func(t ui.Task) bool { return t.State != ui.TaskDone })
	if i < 0 {
		v.MayCheck = true
		return ui.Link{}
	}
	wrong := slices.ContainsFunc(v.Tasks, func(t ui.Task) bool { return t.State == ui.TaskStarted })
	v.MayCheck = c.State == application.CorrectionRequested && !wrong
	v.Unchanged = v.MayCheck
	return ui.Link{Path: v.Tasks[i].Path, Text: page.R("act." + string(c.State))}
}

func (v *overviewView) addTasks(page *ui.Page, view *application.View) (err error) {
	if v.Tasks, err = fill.Tasks(page, view, casePath(view.Case.PublicID)); err != nil {
		return err
	}
	v.Spared = view.Case.Round == 0 && slices.ContainsFunc(view.Procedure.Evidence, func(e qualification.Evidence) bool { return e.Replaces != "" })
	if k := view.Correction(); k != nil {
		v.Asked = asked(page, view, k)
	}
	return nil
}

// asked words what a correction asks for, item by item.
func asked(page *ui.Page, v *application.View, k *application.Correction) []askedLine {
	var out []askedLine
	for _, i := range k.Items {
		line := askedLine{Label: fill.ItemLabel(page, v.Procedure, i.Item), Reason: fill.ReasonWords(page, v.Procedure, i.Reason), Note: i.Note}
		if _, document := fill.EvidenceOf(i.Item); document {
			line.Path = casePath(v.Case.PublicID, "documents")
		} else if g := fill.GroupOf(v.Procedure, i.Item); g != nil {
			line.Path = groupPath(v.Case.PublicID, g.ID)
		}
		out = append(out, line)
	}
	return out
}

func outcomeOf(page *ui.Page, f caseFile) *outcomeView {
	if f.Outcome == nil {
		return nil
	}
	v := &outcomeView{Approved: f.Case.State == application.Registered}
	for _, code := range f.Outcome.Reasons {
		v.Reasons = append(v.Reasons, fill.ReasonWords(page, f.Procedure, code))
	}
	if f.Held != nil && f.Held.Entry.State.Living() {
		v.Link = ui.Link{Path: credentialPath(f.Held), Text: page.R("credential.show")}
	}
	return v
}

// caseFacts are the facts below the timeline.
func caseFacts(page *ui.Page, cat *qualification.Catalogue, f caseFile) []ui.Row {
	c := f.Case
	rows := []ui.Row{
		{Label: page.R("case.number"), Value: c.PublicID},
		{Label: page.R("case.procedure"), Value: page.Text(f.Procedure.Name)},
		{Label: page.R("case.body"), Value: registrarName(page, cat, c.RegistrarID)},
	}
	if c.SubmittedAt != nil {
		rows = append(rows, ui.Row{Label: page.R("case.submitted"), Value: page.Time(*c.SubmittedAt)})
	} else if c.ExpiresAt != nil && c.State.Editable() {
		rows = append(rows, ui.Row{Label: page.R("case.kept"), Value: page.Day(*c.ExpiresAt)})
	}
	if c.DueOn != nil && !c.State.Ended() {
		rows = append(rows, ui.Row{Label: page.R("case.expected"), Value: expectedOn(page, *c.DueOn, f.Procedure)})
	}
	if o := f.Due.Order; o != nil {
		rows = append(rows, ui.Row{Label: page.R("case.payment"), Value: page.Yen(o.Total) + page.R("aside", page.R("payment."+string(o.State)))})
	}
	return rows
}

func groupPath(publicID, group string) string { return casePath(publicID, "form", group) }

func receiptPath(publicID string, round int) string {
	return casePath(publicID, "receipt", strconv.Itoa(round))
}
