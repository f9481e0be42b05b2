package review

import (
	"context"

	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Standing is where a case stands, without anything about its applicant: whoever asks for it has seen nobody's data, and
// nothing is recorded. A page decides by it whether to ask for a purpose first.
type Standing struct {
	State      application.State
	Definition *qualification.Definition
	Procedure  *qualification.Procedure // nil for a measure, a case that the office itself has opened
	Work       *application.WorkItem
	Proposal   string          // what waits for the second person: approve or reject, "" for nothing
	Channel    string          // by which way the case came: online or counter
	Measure    string          // what the office itself proposes to do to an entry
	Asked      map[string]bool // fields that the form asks of the applicant, given the answers; nil for a measure
}

// Grave tells whether agreeing to the proposal takes something away: then it has to be confirmed expressly.
func (s Standing) Grave() bool { return s.Proposal == "reject" || s.Measure == MeasureRevoke }

// Holds tells whether the officer holds the case now, in which step soever.
func (s Standing) Holds(o Officer) bool {
	return s.Work != nil && s.Work.State == application.WorkTaken && *s.Work.Assignee == o.Staff.ID
}

// Reviews tells whether the officer holds the case in review.
func (s Standing) Reviews(o Officer) bool {
	return s.Holds(o) && s.Work.Step == application.StepReview
}

// Forwards tells whether the officer holds the case to check it and to pass it on to the next body of its route.
func (s Standing) Forwards(o Officer) bool { return s.Holds(o) && s.Work.Forwarding() }

// Decides tells whether the officer holds the case for the decision.
func (s Standing) Decides(o Officer) bool {
	return s.Holds(o) && s.Work.Step == application.StepApproval
}

// Standing reads where a case of the officer's body stands.
func (d *Desk) Standing(ctx context.Context, o Officer, publicID string) (s Standing, err error) {
	err = d.look(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		s, err = d.standing(ctx, tx, c)
		return err
	})
	return s, err
}

func (d *Desk) standing(ctx context.Context, tx *pg.Tx, c *application.Case) (s Standing, err error) {
	s.State, s.Channel, s.Measure = c.State, c.Channel, c.Answers.Values["measure"]
	if s.Definition, err = c.Definition(d.Catalogue); err != nil {
		return s, err
	}
	s.Procedure = s.Definition.Procedure(c.ProcedureID)
	var b pg.Batch
	var work []application.WorkItem
	var proposals []string
	var inquiries []application.Inquiry
	application.Papers{Work: &work, Inquiries: &inquiries}.Queue(&b, c)
	if c.State == application.Proposed {
		pg.ReadBy(&b, &proposals, pgx.RowTo[string], "reading what is proposed", `
			select proposal from decision where register_id = $1 and application_id = $2 and outcome is null`, c.RegisterID, c.ID)
	}
	if err := b.Send(ctx, tx); err != nil {
		return s, err
	}
	if s.Procedure != nil {
		if s.Asked, err = application.Asked(s.Procedure, application.FactsOf(c, tx.Now, inquiries)); err != nil {
			return s, err
		}
	}
	if len(work) > 0 {
		s.Work = &work[0]
	}
	if len(proposals) > 0 {
		s.Proposal = proposals[0]
	}
	return s, nil
}
