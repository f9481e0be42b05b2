package review

import (
	"context"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/pg"
)

// Standing is where a case stands, without anything about its applicant: whoever asks for it has seen nobody's data, and
// nothing is recorded. A page decides by it whether to ask for a purpose first.
type Standing struct {
	State   application.State
	Measure bool // the office itself has opened the case
	Work    *application.WorkItem
}

// Holds tells whether the officer holds the case now, in which step soever.
func (s Standing) Holds(o Officer) bool {
	return s.Work != nil && s.Work.State == application.WorkTaken && *s.Work.Assignee == o.Staff.ID
}

// Standing reads where a case of the officer's body stands.
func (d *Desk) Standing(ctx context.Context, o Officer, publicID string) (s Standing, err error) {
	err = d.inCase(ctx, o, account.CaseView, publicID, func(tx *pg.Tx, c *application.Case) error {
		s.State, s.Measure = c.State, c.ProcedureID == MeasureProcedure
		s.Work, err = application.ActiveWork(ctx, tx, c)
		return err
	})
	return s, err
}
