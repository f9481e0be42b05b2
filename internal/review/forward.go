package review

import (
	"context"
	"slices"
	"time"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// PassOn hands a case to the next body of its route with a note (進達): the officer's body has checked the form, who the
// applicant is, and the documents. From then on the body sees the case no more.
func (d *Desk) PassOn(ctx context.Context, o Officer, publicID string, note application.HandOverNote) error {
	return d.inCase(ctx, o, account.CaseForward, publicID, func(tx *pg.Tx, c *application.Case) error {
		w, err := application.ActiveWork(ctx, tx, c)
		if err != nil {
			return err
		}
		if w == nil || !w.Forwarding() {
			return fault.New(fault.Conflict, "fault.case_moved_on", "passing a case on that is not on its way")
		}
		if err := holds(o, w, w.Step); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, c.Audited(audit.CaseForward, o.Actor(account.CaseForward), "procedure", c.Next())); err != nil {
			return err
		}
		return application.PassOn(ctx, tx, c, o.Staff.ID, note)
	})
}

// onTheWay lists the machine checks that a forwarding body sees: what the card signed, and whether the documents are there.
// What registries and the register say is for the registrar.
var onTheWay = []string{"signature", "evidence"}

// examineForwarded answers the checks that a forwarding body sees. Documents that stand in for a registry's answer are not
// missed, since the body does not know what was answered.
func (v *View) examineForwarded(now time.Time) error {
	needed, err := v.Procedure.EvidenceFor(application.FactsOf(v.Case, now, nil))
	if err != nil {
		return err
	}
	f := Facts{Case: v.Case, Procedure: v.Procedure, Submissions: v.Submissions, Uploads: v.Uploads,
		Needed: slices.DeleteFunc(needed, func(e qualification.Evidence) bool { return e.Replaces != "" })}
	v.Findings = slices.DeleteFunc(Examine(f), func(found Finding) bool {
		return !slices.ContainsFunc(v.Procedure.Checks, func(c qualification.Check) bool {
			return c.ID == found.Check && slices.Contains(onTheWay, c.Machine)
		})
	})
	return nil
}

// Passed is a case that a body has passed on, as it may be told of it: no names, and not what was decided.
type Passed struct {
	RegisterID   string
	PublicID     string
	DefinitionID string
	ProcedureID  string
	At           time.Time
	To           string     // the body to which it was passed on
	ReceivedAt   *time.Time // when somebody there took it up; nil: nobody has yet
	Now          string     // the body that has it, or had it last
	Standing     string     // on_the_way | in_review | corrected | ended
}

// Standings lists where a case that was passed on can stand: with a further body, with the registrar, with its applicant, or at
// its end.
var Standings = []string{"on_the_way", "in_review", "corrected", "ended"}

// PassedOn lists what the officer's body has passed on, the latest first; of those before a moment when one is given. The body
// is told by a function of the database, since the cases themselves are no longer behind its door.
func (d *Desk) PassedOn(ctx context.Context, o Officer, before *time.Time, limit int) (out []Passed, err error) {
	if err := o.may(account.CaseForward); err != nil {
		return nil, Refused(ctx, d.DB, o, account.CaseForward, "", err)
	}
	err = d.DB.InBody(ctx, o.Body, func(tx *pg.Tx) error {
		out, err = read[Passed](ctx, tx, "what was passed on", `select * from passed_on($1, $2)`, before, limit)
		return err
	})
	return out, err
}
