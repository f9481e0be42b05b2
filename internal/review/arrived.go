package review

import (
	"context"
	"slices"

	"akashi/internal/application"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// informed leaves out the verdicts on what a registry says that were made before the registry said it: whoever settled the
// check then had not seen the answer.
func informed(p *qualification.Procedure, verdicts []Verdict, events []application.Event) []Verdict {
	return slices.DeleteFunc(slices.Clone(verdicts), func(v Verdict) bool {
		i := slices.IndexFunc(p.Checks, func(c qualification.Check) bool { return c.ID == v.Check })
		return i >= 0 && slices.ContainsFunc(events, func(e application.Event) bool {
			return e.Kind == "answered_"+p.Checks[i].Machine && v.At.Before(e.At)
		})
	})
}

// OpenAnswers lists the open checks that are about what an outside registry answers.
func (v *View) OpenAnswers() []string {
	return slices.DeleteFunc(slices.Clone(v.Unsettled), func(id string) bool {
		return !slices.ContainsFunc(v.Procedure.Checks, func(c qualification.Check) bool {
			return c.ID == id && (c.Machine == application.Resident || c.Machine == application.Family)
		})
	})
}

// stillSettled refuses to agree to an approval when a registry has answered since it was proposed, and its answer differs or
// decides nothing. The second person sees the open check and can only send the case back, to the reviewer who has to look
// at it.
func (d *Desk) stillSettled(ctx context.Context, tx *pg.Tx, c *application.Case, p *Decision, verb Verb) error {
	if verb != Agree || p.Proposal != "approve" || c.ProcedureID == MeasureProcedure {
		return nil
	}
	var b pg.Batch
	v, err := d.view(tx, c, &b, func() error { return b.Send(ctx, tx) })
	if err != nil {
		return err
	}
	if len(v.OpenAnswers()) > 0 {
		return fault.New(fault.Conflict, "fault.answer_arrived", "approving with an answer that nobody has looked at")
	}
	return nil
}
