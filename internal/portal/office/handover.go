package office

import (
	"errors"
	"net/http"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// handOverView is a hand-over note as the next bodies read it, with its receipt.
type handOverView struct {
	Title, Written, Received string
	Parts                    []ui.Row
	Remarks                  string
	Waiting                  bool // nobody there has taken the case up yet
}

// handOvers are the notes of a case, in the order in which they were written.
func handOvers(page *ui.Page, l look) []handOverView {
	out := make([]handOverView, 0, len(l.view.HandOvers))
	for _, h := range l.view.HandOvers {
		one := handOverView{Title: page.R("handover.from_to", l.bodies[h.From], l.bodies[h.To]), Remarks: h.Remarks,
			Written: page.R("handover.written", l.who[h.Staff], page.Time(h.At)), Waiting: h.ReceivedAt == nil, Received: page.R("handover.not_received")}
		if h.ReceivedAt != nil {
			one.Received = page.R("handover.received", l.who.of(h.ReceivedBy), page.Time(*h.ReceivedAt))
		}
		for _, part := range h.Parts {
			one.Parts = append(one.Parts, ui.Row{Label: page.R("handover.part." + part.Part), Value: page.R("handover.result." + part.Result), Source: part.Note})
		}
		out = append(out, one)
	}
	return out
}

// handOverForm is the page on which a body says what it has checked and passes the case on.
type handOverForm struct {
	ID      string
	Head    caseHead
	Next    string
	Parts   []handOverPart
	Remarks ui.Control
}

type handOverPart struct {
	Result, Note ui.Control
}

func partInput(what, part string) string { return what + "." + part }

// readNote reads the note as it was sent.
func readNote(form map[string]string) application.HandOverNote {
	n := application.HandOverNote{Remarks: form["remarks"]}
	for _, id := range application.NoteParts {
		n.Parts = append(n.Parts, application.NotePart{Part: id, Result: form[partInput("result", id)], Note: form[partInput("note", id)]})
	}
	return n
}

func (p *portal) handOverPage(w http.ResponseWriter, r *http.Request, o seat) error {
	return p.drawHandOver(w, r, o, application.HandOverNote{}, nil)
}

// forwardPurpose is the purpose of a look at a case that the officer holds on its way; others are refused.
func forwardPurpose(s review.Standing, o seat) (string, error) {
	if !s.Forwards(o.Officer) {
		return "", fault.New(fault.Conflict, "fault.case_not_yours", "passing on a case that the officer does not hold")
	}
	return "procedure", nil
}

// drawHandOver draws the form, with what was typed and what of it has to be put right.
func (p *portal) drawHandOver(w http.ResponseWriter, r *http.Request, o seat, typed application.HandOverNote, wrong func(*ui.Page) []qualification.Problem) error {
	id := r.PathValue("id")
	v, s, err := p.Desk.OpenAs(r.Context(), o.Officer, id, func(s review.Standing) (string, error) { return forwardPurpose(s, o) })
	if err != nil {
		return err
	}
	page := p.page(r, o, "inbox", "handover.title", id)
	page.Back = casePath(id)
	if wrong != nil {
		page.Problems = wrong(page)
	}
	who, err := p.namesOf(o, r, v.Work.Assignee)
	if err != nil {
		return err
	}
	f := handOverForm{ID: id, Head: newHead(page, look{view: v, standing: s, who: who}, p.today()), Next: p.bodyName(page, v.Case.Next()),
		Remarks: ui.Control{Name: "remarks", Label: page.R("handover.remarks"), Hint: page.R("handover.remarks_hint"), Value: typed.Remarks, Rows: 4,
			Lang: "ja", Problem: page.ProblemFor("remarks")}}
	for i, part := range application.NoteParts {
		var was application.NotePart
		if i < len(typed.Parts) {
			was = typed.Parts[i]
		}
		f.Parts = append(f.Parts, newPart(page, part, was))
	}
	return page.Render(w, handOverBody(page, f))
}

func newPart(page *ui.Page, part string, was application.NotePart) handOverPart {
	result, note := partInput("result", part), partInput("note", part)
	out := handOverPart{
		Result: ui.Control{Name: result, Label: page.R("handover.part." + part), Hint: page.R("handover.hint." + part), Required: true, Value: was.Result, Problem: page.ProblemFor(result)},
		Note:   ui.Control{Name: note, Label: page.R("handover.part_note"), Value: was.Note, Lang: "ja", Problem: page.ProblemFor(note)},
	}
	for _, v := range []string{application.PartOK, application.PartRemark} {
		out.Result.Choices = append(out.Result.Choices, ui.Choice{Value: v, Label: page.R("handover.result." + v)})
	}
	return out
}

// wrongNote lists what is to be put right in a note.
func wrongNote(page *ui.Page, n application.HandOverNote) []qualification.Problem {
	var out []qualification.Problem
	for _, part := range n.Parts {
		label := page.R("handover.part." + part.Part)
		switch {
		case part.Result != application.PartOK && part.Result != application.PartRemark:
			out = append(out, problem(page, partInput("result", part.Part), "handover.result_missing", label))
		case part.Result == application.PartRemark && part.Note == "":
			out = append(out, problem(page, partInput("note", part.Part), "handover.note_missing", label))
		case len([]rune(part.Note)) > 500:
			out = append(out, problem(page, partInput("note", part.Part), "handover.note_long", 500))
		}
	}
	if len([]rune(n.Remarks)) > 2000 {
		out = append(out, problem(page, "remarks", "handover.note_long", 2000))
	}
	return out
}

// passOn hands the case to the next body.
func (p *portal) passOn(w http.ResponseWriter, r *http.Request, o seat) error {
	id := r.PathValue("id")
	form, err := ui.ReadForm(r)
	if err != nil {
		return err
	}
	note := readNote(form)
	err = p.Desk.PassOn(r.Context(), o.Officer, id, note)
	if errors.Is(err, fault.Invalid) {
		return p.drawHandOver(w, r, o, note, func(page *ui.Page) []qualification.Problem { return wrongNote(page, note) })
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/", "handover.done", id)
}
