package review

import (
	"context"

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
}

// Holds tells whether the officer holds the case now, in which step soever.
func (s Standing) Holds(o Officer) bool {
	return s.Work != nil && s.Work.State == application.WorkTaken && *s.Work.Assignee == o.Staff.ID
}

// Reviews tells whether the officer holds the case in review.
func (s Standing) Reviews(o Officer) bool {
	return s.Holds(o) && s.Work.Step == application.StepReview
}

// Decides tells whether the officer holds the case for the decision.
func (s Standing) Decides(o Officer) bool {
	return s.Holds(o) && s.Work.Step == application.StepApproval
}

// Standing reads where a case of the officer's body stands.
func (d *Desk) Standing(ctx context.Context, o Officer, publicID string) (s Standing, err error) {
	err = d.look(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		s.State = c.State
		if s.Definition, err = c.Definition(d.Catalogue); err != nil {
			return err
		}
		s.Procedure = s.Definition.Procedure(c.ProcedureID)
		s.Work, err = application.ActiveWork(ctx, tx, c)
		return err
	})
	return s, err
}
