package office

import (
	"fmt"
	"slices"
	"strings"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/payment"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// docView is one document handed in.
type docView struct {
	ID, Path, Label, Name, Detail string
	Image                         bool
}

func documents(page *ui.Page, v *review.View) []docView {
	out := make([]docView, len(v.Uploads))
	for i, u := range v.Uploads {
		out[i] = docView{ID: "doc-" + u.ID.String(), Path: casePath(v.Case.PublicID, "documents", u.ID.String()),
			Label: evidenceLabel(page, v.Procedure, u.EvidenceID), Name: u.Name, Image: strings.HasPrefix(u.Media, "image/"),
			Detail: page.T("doc.detail", sizeText(u.Size), page.Time(u.UploadedAt), u.Round+1)}
	}
	return out
}

// sizeText writes a number of bytes.
func sizeText(n int64) string {
	switch {
	case n < 1024:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KB", (n+1023)/1024)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

// signedView is one round as it was signed, read from the stored bytes and from nothing else.
type signedView struct {
	Title, Digest, Declaration string
	SignerTitle, DigestTitle   string
	Pages                      []signedPage
	Documents                  []ui.Row
	Fees                       []ui.Row
	Signer                     []ui.Row
}

type signedPage struct {
	Title string
	Rows  []ui.Row
}

func signed(page *ui.Page, v *review.View) ([]signedView, error) {
	var out []signedView
	for i := len(v.Submissions) - 1; i >= 0; i-- {
		s := v.Submissions[i]
		doc, err := shownDocument(v, &s)
		if err != nil {
			return nil, err
		}
		one := signedView{Title: roundTitle(page, s.Round) + "　" + page.Time(s.SubmittedAt), Digest: fmt.Sprintf("%x", s.Digest), Declaration: doc.Declaration,
			Signer: signerRows(page, s.Signer, doc), SignerTitle: page.R("signer.title"), DigestTitle: page.R("signer.digest")}
		if doc.Paper != nil {
			one.SignerTitle, one.DigestTitle = page.R("signer.paper_title"), page.R("signer.paper_digest")
		}
		for j := range v.Procedure.Groups {
			if rows := groupRows(page, v.Definition, &v.Procedure.Groups[j], doc.Answers); len(rows) > 0 {
				one.Pages = append(one.Pages, signedPage{Title: page.Text(v.Procedure.Groups[j].Title), Rows: rows})
			}
		}
		for _, u := range doc.Documents {
			one.Documents = append(one.Documents, ui.Row{Label: evidenceLabel(page, v.Procedure, u.Evidence), Value: u.Name, Source: sizeText(u.Size) + "　SHA-256 " + u.SHA256})
		}
		for _, f := range doc.FeeLines {
			one.Fees = append(one.Fees, ui.Row{Label: feeLabel(page, v.Procedure, f.ID), Value: page.Yen(f.Amount)})
		}
		out = append(out, one)
	}
	return out, nil
}

// shownDocument reads what was signed, and leaves out of it and of the signer an address that is protected: it may have been
// signed before the registry said so.
func shownDocument(v *review.View, s *application.Submission) (*application.Document, error) {
	doc, err := application.ParseDocument(s.Bytes)
	protected := application.Protected(v.Inquiries) || v.Case.Elsewhere() && v.Case.Applicant.Address == "" // who forwards does not see the answers
	if err != nil || !protected {
		return doc, err
	}
	s.Signer.Address = ""
	for _, g := range v.Procedure.Groups {
		for _, f := range g.Fields {
			if f.Prefill == "resident.address" {
				delete(doc.Answers, f.Keys()[0])
			}
		}
	}
	return doc, nil
}

func roundTitle(page *ui.Page, round int) string {
	if round == 0 {
		return page.R("round.first")
	}
	return page.R("round.n", round)
}

func groupRows(page *ui.Page, d *qualification.Definition, g *qualification.Group, answers map[string]string) []ui.Row {
	var rows []ui.Row
	for i := range g.Fields {
		f := &g.Fields[i]
		if text := fieldText(page, d, f, answers); text != "" {
			rows = append(rows, ui.Row{Label: page.Text(f.Label), Value: text, Name: f.Kind == qualification.KindName})
		}
	}
	return rows
}

func signerRows(page *ui.Page, s application.Signer, doc *application.Document) []ui.Row {
	rows := []ui.Row{
		{Label: page.R("item.name"), Value: s.Name, Name: true}, {Label: page.R("item.birth_date"), Value: page.Date(s.BirthDate)},
		{Label: page.R("item.sex"), Value: particularText(page, "sex", s.Sex)},
	}
	if s.Address != "" {
		rows = append(rows, ui.Row{Label: page.R("item.address"), Value: s.Address})
	}
	if doc.Paper != nil {
		return append(rows, ui.Row{Label: page.R("signer.on_paper"), Value: doc.Paper.StaffNumber})
	}
	return append(rows, ui.Row{Label: page.R("signer.certificate"), Value: s.Serial, Source: s.Issuer})
}

// paperReceipt is what staff saw of one round that came on paper.
type paperReceipt struct {
	Title, By string
	Rows      []ui.Row
}

// paperReceipts are what staff saw of the rounds that were handed in, the newest first.
func paperReceipts(page *ui.Page, v *review.View, who names) []paperReceipt {
	var out []paperReceipt
	for _, r := range slices.Backward(v.Receipts) {
		if slices.ContainsFunc(v.Submissions, func(s application.Submission) bool { return s.Round == r.Round }) {
			out = append(out, paperReceipt{Title: roundTitle(page, r.Round), By: page.R("paper.by", who.of(&r.Staff), page.Time(r.At)),
				Rows: receiptRows(page, v.Procedure, r.Round, r.Answers.Values)})
		}
	}
	return out
}

func feeLabel(page *ui.Page, p *qualification.Procedure, id string) string {
	if p != nil {
		for _, f := range p.Fees {
			if f.ID == id {
				return page.Text(f.Label)
			}
		}
	}
	return id
}

// changesBetween is what a round changed of the one before; nil when there is one round only.
func changesBetween(page *ui.Page, v *review.View) ([]ui.Change, error) {
	n := len(v.Submissions)
	if n < 2 {
		return nil, nil
	}
	before, err := shownDocument(v, &v.Submissions[n-2])
	if err != nil {
		return nil, err
	}
	after, err := shownDocument(v, &v.Submissions[n-1])
	if err != nil {
		return nil, err
	}
	var out []ui.Change
	for i := range v.Procedure.Groups {
		for j := range v.Procedure.Groups[i].Fields {
			f := &v.Procedure.Groups[i].Fields[j]
			was, is := fieldText(page, v.Definition, f, before.Answers), fieldText(page, v.Definition, f, after.Answers)
			if was != is {
				out = append(out, ui.Change{Label: page.Text(f.Label), Before: ui.Plain(was), After: ui.Plain(is)})
			}
		}
	}
	return append(out, documentChanges(page, v.Procedure, before.Documents, after.Documents)...), nil
}

// documentChanges are the documents that came or went between two rounds, told apart by their content.
func documentChanges(page *ui.Page, p *qualification.Procedure, before, after []application.DocumentUpload) []ui.Change {
	var out []ui.Change
	has := func(all []application.DocumentUpload, u application.DocumentUpload) bool {
		return slices.ContainsFunc(all, func(o application.DocumentUpload) bool {
			return o.Evidence == u.Evidence && o.SHA256 == u.SHA256
		})
	}
	for _, u := range before {
		if !has(after, u) {
			out = append(out, ui.Change{Label: evidenceLabel(page, p, u.Evidence), Before: u.Name})
		}
	}
	for _, u := range after {
		if !has(before, u) {
			out = append(out, ui.Change{Label: evidenceLabel(page, p, u.Evidence), After: u.Name})
		}
	}
	return out
}

// answerView is what a registry answered.
type answerView struct {
	System, State, Times, Source string
	Tone                         ui.Tone
	Rows                         []ui.Row
}

func answers(page *ui.Page, v *review.View) []answerView {
	out := make([]answerView, 0, len(v.Inquiries))
	for _, q := range slices.Backward(v.Inquiries) {
		a := answerView{System: page.R("system." + q.System), State: page.R("inquiry." + q.State), Tone: ui.Info, Times: page.R("inquiry.asked", page.Time(q.AskedAt))}
		if q.AnsweredAt != nil {
			a.Times = page.R("inquiry.times", page.Time(q.AskedAt), page.Time(*q.AnsweredAt))
		}
		if q.Class != nil {
			a.State = said(page, "class."+q.System+"."+*q.Class, "class.other")
			a.Tone = ui.Neutral
		}
		if q.State == "failed" {
			a.Tone = ui.Warning
		}
		if q.Source != nil {
			a.Source = *q.Source
		}
		for _, item := range []string{"name", "kana", "former_name", "birth_date", "sex", "address", "domicile", "nationality"} {
			a.Rows = append(a.Rows, ui.Row{Label: page.R("item." + item), Value: particularText(page, item, q.Answer[item]), Name: isName(item)})
		}
		out = append(out, a)
	}
	return out
}

// bases are what other registrars have attested of base licences, with their source and time.
func bases(page *ui.Page, l look) []answerView {
	var out []answerView
	for _, b := range l.view.Bases {
		state := b.StateOn(calendar.Of(page.Now))
		a := answerView{System: page.R("base.title", l.registers[b.Register]), State: page.R("base.state." + state), Tone: ui.Warning, Times: page.R("base.at", page.Time(b.At)),
			Rows: []ui.Row{{Label: page.R("base.number"), Value: b.Number}}}
		if state == string(registry.Registered) {
			a.Tone = ui.Success
		}
		if !b.ValidUntil.IsZero() {
			a.Rows = append(a.Rows, ui.Row{Label: page.R("base.until"), Value: page.Date(b.ValidUntil)})
		}
		out = append(out, a)
	}
	return out
}

// payments is what was to be paid and whether it was.
func payments(page *ui.Page, v *review.View) []ui.Row {
	if v.Case.OnPaper() {
		return paidOnPaper(page, v)
	}
	if v.Order == nil {
		return nil
	}
	tone := ui.Warning
	if v.Order.State == payment.Paid {
		tone = ui.Success
	}
	rows := []ui.Row{{Label: page.R("payment.state"), Body: ui.Tag(page.R("payment."+string(v.Order.State)), tone)}}
	for _, l := range v.Lines {
		rows = append(rows, ui.Row{Label: feeLabel(page, v.Procedure, l.ID), Value: page.Yen(l.Amount), Source: page.R("fee." + string(l.Kind))})
	}
	rows = append(rows, ui.Row{Label: page.R("payment.total"), Value: page.Yen(v.Order.Total)}, ui.Row{Label: page.R("payment.number"), Value: v.Order.PublicID})
	if v.Order.PaidAt != nil {
		rows = append(rows, ui.Row{Label: page.R("payment.paid_at"), Value: page.Time(*v.Order.PaidAt)})
	}
	return rows
}

// paidOnPaper is what was to be paid with a paper, and what staff saw paid.
func paidOnPaper(page *ui.Page, v *review.View) []ui.Row {
	if len(v.Lines) == 0 || len(v.Receipts) == 0 {
		return nil
	}
	var total int64
	var rows []ui.Row
	for _, l := range v.Lines {
		total += l.Amount
		rows = append(rows, ui.Row{Label: feeLabel(page, v.Procedure, l.ID), Value: page.Yen(l.Amount), Source: page.R("fee." + string(l.Kind))})
	}
	return append(rows, ui.Row{Label: page.R("payment.total"), Value: page.Yen(total)},
		ui.Row{Label: page.R("payment.on_paper"), Value: page.Yen(v.Receipts[0].Paid())})
}

// correctionView is one itemised request.
type correctionView struct {
	Title, Times string
	Items        []ui.Row
}

func corrections(page *ui.Page, v *review.View) []correctionView {
	out := make([]correctionView, 0, len(v.Corrections))
	for _, k := range slices.Backward(v.Corrections) {
		one := correctionView{Title: page.R("correction.round."+k.Origin, k.Round), Times: page.R("correction.open", page.Time(k.RequestedAt), k.DueOn)}
		if k.AnsweredAt != nil {
			one.Times = page.R("correction.answered", page.Time(k.RequestedAt), page.Time(*k.AnsweredAt))
		}
		for _, i := range k.Items {
			one.Items = append(one.Items, ui.Row{Label: itemLabel(page, v.Procedure, i.Item), Value: reasonText(page, v.Procedure, i.Reason), Source: i.Note})
		}
		out = append(out, one)
	}
	return out
}

// itemLabel is the name of something that can be corrected: a field or a document.
func itemLabel(page *ui.Page, p *qualification.Procedure, item string) string {
	if id, ok := strings.CutPrefix(item, "evidence:"); ok {
		return evidenceLabel(page, p, id)
	}
	if p != nil {
		if f := p.Field(item); f != nil {
			return page.Text(f.Label)
		}
	}
	return item
}

// decisionRow is a proposal and what became of it.
type decisionRow struct {
	Title     string
	Tone      ui.Tone
	Proposed  string
	Reasons   []string
	Comment   string
	Decided   string
	Answer    string
	Undecided bool
}

func decisions(page *ui.Page, v *review.View, who names) []decisionRow {
	out := make([]decisionRow, 0, len(v.Decisions))
	for _, d := range slices.Backward(v.Decisions) {
		one := decisionRow{Title: page.R("proposal." + d.Proposal), Tone: ui.Info, Comment: d.Comment, Undecided: d.Outcome == nil,
			Proposed: page.R("decision.proposed", who[d.Reviewer], page.Time(d.ProposedAt))}
		if v.Procedure == nil { // the comment of a measure is its reason, which stands beside it
			one.Title, one.Comment = page.R("proposal.measure"), ""
		}
		for _, code := range d.Reasons {
			one.Reasons = append(one.Reasons, reasonText(page, v.Procedure, code))
		}
		if d.Outcome != nil {
			one.Title += page.R("decision.arrow") + page.R("outcome."+*d.Outcome)
			one.Tone = map[string]ui.Tone{"approved": ui.Success, "rejected": ui.Danger, "returned": ui.Warning}[*d.Outcome]
			one.Decided, one.Answer = page.R("decision.decided", who.of(d.Approver), page.Time(*d.DecidedAt)), d.ApproverComment
		}
		out = append(out, one)
	}
	return out
}

// timeline is what happened to the case.
func timeline(page *ui.Page, v *review.View) []ui.Event {
	out := make([]ui.Event, len(v.Events))
	for i, e := range v.Events {
		out[i] = ui.Event{Title: said(page, "timeline."+e.Kind, "timeline.other"), Who: page.R("actor." + e.Actor), At: e.At, State: ui.EventDone}
		if class := e.Detail["class"]; class != "" {
			out[i].Body = said(page, "class."+strings.TrimPrefix(e.Kind, "answered_")+"."+class, "class.other")
		}
		if due, err := calendar.ParseISO(e.Detail["due"]); err == nil {
			out[i].Body = page.R("timeline.due", due)
		}
	}
	return out
}

// noteView is an internal note.
type noteView struct{ Who, At, Body string }

func noteViews(page *ui.Page, notes []review.Note, who names) []noteView {
	out := make([]noteView, 0, len(notes))
	for _, n := range slices.Backward(notes) {
		out = append(out, noteView{Who: who[n.Staff], At: page.Time(n.At), Body: n.Body})
	}
	return out
}

// lookView is one line of the log of a case or an entry.
type lookView struct{ At, Who, Act, Purpose, Seal string }

func looks(page *ui.Page, events []audit.Logged, who names) []lookView {
	out := make([]lookView, len(events))
	for i, e := range events {
		out[i] = lookView{At: shortTime(page, e.At), Who: actorText(page, e, who), Act: said(page, "act."+string(e.Act), "act.other"), Purpose: purposeText(page, e.Purpose)}
		if e.Sealed {
			out[i].Seal = page.T("audit.sealed", fmt.Sprint(e.Seq))
		}
	}
	return out
}

// actorText names who did something: a member of staff by name and role, everybody else by what they are.
func actorText(page *ui.Page, e audit.Logged, who names) string {
	if e.Actor.Kind != audit.ActorStaff {
		return page.R("actor_kind." + string(e.Actor.Kind))
	}
	name := page.R("actor_kind.staff")
	for id, known := range who {
		if id.String() == e.Actor.ID {
			name = known
		}
	}
	if e.Actor.Role != "" {
		return page.R("actor.with_role", name, page.R("role."+e.Actor.Role))
	}
	return name
}

// purposeText is a purpose in words; those of machines are codes of their own.
func purposeText(page *ui.Page, why string) string {
	if slices.Contains(registry.Purposes, why) {
		return page.R("purpose." + why)
	}
	return said(page, "purpose.code."+why, "purpose.code.other")
}
