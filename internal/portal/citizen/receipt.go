package citizen

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// receiptView is the record of one round that was handed in, to keep or print.
type receiptView struct {
	Title     string
	PublicID  string
	Submitted string
	Facts     []ui.Row
	Content   checkView
	Changes   []ui.Change // against the round before
	Digest    string
	Next      *ui.NextStep
	Fresh     bool // the case stands where this round has left it
	CasePath  string
}

func (p *portal) receipt(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	f, err := p.readCase(r, a)
	if err != nil {
		return err
	}
	round, err := strconv.Atoi(r.PathValue("round"))
	i := slices.IndexFunc(f.Submissions, func(s application.Submission) bool { return s.Round == round })
	if err != nil || i < 0 {
		return fault.New(fault.NotFound, "", "opening the receipt of a round that was not handed in")
	}
	page := p.casePage(r, f.View, "receipt.title")
	view, err := fillReceipt(page, p.Desk.Catalogue, f, i)
	if err != nil {
		return err
	}
	if round > 0 {
		page.Title = ui.Plain(view.Title) + " " + f.Case.PublicID + " (" + strconv.Itoa(round) + ")"
	}
	return page.Render(w, receiptPage(page, view))
}

func fillReceipt(page *ui.Page, cat *qualification.Catalogue, f caseFile, i int) (receiptView, error) {
	s := f.Submissions[i]
	doc, err := application.ParseDocument(s.Bytes)
	if err != nil {
		return receiptView{}, err
	}
	c, title := f.Case, page.R("receipt.title")
	if s.Round > 0 {
		title = page.R("receipt.title.correction")
	}
	v := receiptView{Title: title, PublicID: c.PublicID, Submitted: page.Time(s.SubmittedAt), Digest: hex.EncodeToString(s.Digest),
		Content: fillCheck(page, cat, closed(f.View), doc), CasePath: casePath(c.PublicID), Fresh: i == len(f.Submissions)-1}
	v.Facts = []ui.Row{
		{Label: page.R("case.number"), Value: c.PublicID},
		{Label: page.R("case.submitted"), Value: v.Submitted},
		{Label: page.R("case.procedure"), Value: page.Text(f.Procedure.Name)},
		{Label: page.R("case.body"), Value: registrarName(page, cat, c.RegistrarID)},
		{Label: page.R("receipt.signer"), Value: s.Signer.Name, Name: true},
		{Label: page.R("receipt.serial"), Value: s.Signer.Serial},
	}
	if c.DueOn != nil && !c.State.Ended() {
		v.Facts = append(v.Facts, ui.Row{Label: page.R("case.expected"), Value: expectedOn(page, *c.DueOn, f.Procedure)})
	}
	if v.Fresh {
		st := standingOf(c, f.Correction())
		v.Next = st.next(page, ui.Link{Path: st.Link, Text: page.R("act." + st.Key)})
	}
	if i > 0 {
		before, err := application.ParseDocument(f.Submissions[i-1].Bytes)
		if err != nil {
			return v, err
		}
		v.Changes = changes(page, f.Procedure, before, doc)
	}
	return v, nil
}

// closed is a view in which nothing can be changed: what was handed in has no 変更 links.
func closed(v *application.View) *application.View {
	shut, c := *v, *v.Case
	c.State = application.InReview
	shut.Case, shut.Request = &c, nil
	return &shut
}

// changes compares two rounds, field by field and document by document; what stayed the same is left out.
func changes(page *ui.Page, q *qualification.Procedure, before, after *application.Document) []ui.Change {
	var out []ui.Change
	for _, g := range q.Groups {
		for i := range g.Fields {
			f := &g.Fields[i]
			was, is := f.Show(before.Answers, page.Lang), f.Show(after.Answers, page.Lang)
			if was != is {
				out = append(out, ui.Change{Label: page.Text(f.Label), Before: was, After: is})
			}
		}
	}
	known := map[application.DocumentUpload]int{}
	for _, u := range before.Documents {
		known[u]++
	}
	for _, u := range after.Documents {
		if known[u]--; known[u] < 0 { // the same file handed in again is one more
			out = append(out, ui.Change{Label: fill.ItemLabel(page, q, "evidence:"+u.Evidence), After: u.Name})
		}
	}
	return out
}
