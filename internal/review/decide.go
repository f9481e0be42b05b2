package review

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
)

// RequestCorrection sends the case back to its applicant with an itemised request.
func (d *Desk) RequestCorrection(ctx context.Context, o Officer, publicID string, items []application.CorrectionItem, due calendar.Date) error {
	need := account.CaseReview
	if o.may(need) != nil { // a body on the way asks, too
		need = account.CaseForward
	}
	return d.inCase(ctx, o, need, publicID, func(tx *pg.Tx, c *application.Case) error {
		need, err := holdToCorrect(ctx, tx, o, c)
		if err != nil {
			return err
		}
		order := application.CorrectionOrder{Origin: "staff", Staff: &o.Staff.ID, Items: items, Due: due}
		if err := application.RequestCorrection(ctx, tx, d.Catalogue, c, order); err != nil {
			return err
		}
		names := make([]string, len(items))
		for i, it := range items {
			names[i] = it.Item
		}
		return audit.Record(ctx, tx, c.Audited(audit.CaseRequestCorrection, o.Actor(need), "procedure", names...))
	})
}

// holdToCorrect refuses a correction request to whoever does not hold the case in a step that may ask for one, and returns
// the permission under which it is asked for.
func holdToCorrect(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case) (account.Permission, error) {
	w, err := application.ActiveWork(ctx, tx, c)
	if err != nil {
		return "", err
	}
	step := application.StepReview
	if w != nil && w.Forwarding() {
		step = w.Step
	}
	if err := holds(o, w, step); err != nil {
		return "", err
	}
	return permissionFor(step), o.may(permissionFor(step))
}

// Proposal is what a reviewer proposes.
type Proposal struct {
	Outcome string   // approve | reject
	Reasons []string // codes, at least one for a rejection
	Comment string   // to the second person
}

// Propose hands the case to a second person. An approval cannot be proposed while a required check is unsettled; a
// rejection needs a reason that the definition allows for one.
func (d *Desk) Propose(ctx context.Context, o Officer, publicID string, p Proposal) error {
	return d.inCase(ctx, o, account.CaseReview, publicID, func(tx *pg.Tx, c *application.Case) error {
		var b pg.Batch
		v, err := d.view(tx, c, &b, func() error { return b.Send(ctx, tx) })
		if err != nil {
			return err
		}
		if err := holds(o, v.Work, application.StepReview); err != nil {
			return err
		}
		if err := checkProposal(v, p); err != nil {
			return err
		}
		if err := insertProposal(ctx, tx, o, c, p, v.Findings); err != nil {
			return err
		}
		if err := application.Propose(ctx, tx, c, o.Staff.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CasePropose, o.Actor(account.CaseReview), "procedure"))
	})
}

// Verb is what the second person does with a proposal.
type Verb string

// Decide is the second person's act. Agreeing to an approval changes the register in the same transaction; returning
// sends the case back to its reviewer with a comment, or ends it when the office itself had opened it. The reviewer cannot decide (fault.Forbidden, and the database
// refuses it too).
func (d *Desk) Decide(ctx context.Context, o Officer, publicID string, verb Verb, comment string) error {
	if err := o.may(account.CaseApprove); err != nil {
		return Refused(ctx, d.DB, o, account.CaseApprove, "", err)
	}
	r, err := application.Locate(d.Catalogue, publicID)
	if err != nil {
		return err
	}
	if r.Registrar != o.Body {
		err = fault.New(fault.NotFound, "", "deciding a case of another registrar")
	}
	if err == nil {
		err = d.DB.InRegistrar(ctx, r.Registrar, func(tx *pg.Tx) error {
			c, err := application.LockCase(ctx, tx, r.ID, publicID)
			if err != nil {
				return err
			}
			return d.decide(ctx, tx, o, c, verb, comment)
		})
	}
	return Refused(ctx, d.DB, o, account.CaseApprove, r.ID, err)
}

func (d *Desk) decide(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, verb Verb, comment string) error {
	w, p, hands, err := held(ctx, tx, c)
	if err != nil {
		return err
	}
	if err := d.mayDecide(o, p, hands); err != nil {
		return err
	}
	if err := holds(o, w, application.StepApproval); err != nil {
		return err
	}
	if err := d.stillSettled(ctx, tx, c, p, verb); err != nil {
		return err
	}
	outcome, act := "returned", audit.CaseReturn
	switch {
	case verb == Agree && p.Proposal == "approve":
		outcome, act = "approved", audit.CaseApprove
	case verb == Agree:
		outcome, act = "rejected", audit.CaseReject
	case verb != Return:
		return fault.New(fault.Invalid, "fault.unknown_verdict", "neither agreeing nor returning")
	case strings.TrimSpace(comment) == "":
		return fault.New(fault.Invalid, "fault.comment_missing", "returning without saying why")
	}
	var b pg.Batch
	b.ExecOne("deciding", `
		update decision set outcome = $4, approver_id = $5, approver_comment = $6, decided_at = $7
		 where register_id = $1 and application_id = $2 and id = $3 and outcome is null`,
		c.RegisterID, c.ID, p.ID, outcome, o.Staff.ID, jtext.CleanLines(comment), tx.Now)
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	if err := d.follow(ctx, tx, o, c, p, outcome); err != nil {
		return err
	}
	return audit.Record(ctx, tx, c.Audited(act, o.Actor(account.CaseApprove), "procedure"))
}

// follow does what a decision entails: the case moves, and an approval enters the register.
func (d *Desk) follow(ctx context.Context, tx *pg.Tx, o Officer, c *application.Case, p *Decision, outcome string) error {
	if outcome == "returned" && c.ProcedureID == MeasureProcedure {
		return application.Drop(ctx, tx, c, o.Staff.ID)
	}
	if outcome == "returned" {
		return application.SendBack(ctx, tx, c, o.Staff.ID, p.Reviewer)
	}
	if err := application.Decide(ctx, tx, c, o.Staff.ID, outcome == "approved"); err != nil || outcome == "rejected" {
		return err
	}
	def, err := c.Definition(d.Catalogue)
	if err != nil {
		return err
	}
	return d.Enter(ctx, tx, Decided{Case: c, Definition: def, Procedure: def.Procedure(c.ProcedureID), DecisionID: p.ID, On: calendar.Of(tx.Now)})
}

// ProposeMeasure opens a case on an entry, for a second person to decide: the register changes by a decision only.
func (d *Desk) ProposeMeasure(ctx context.Context, o Officer, m Measure) (publicID string, err error) {
	need := account.RegisterRevoke
	if m.Kind != MeasureRevoke {
		need = account.RegisterSuspend
	}
	if err := o.may(need); err != nil {
		return "", Refused(ctx, d.DB, o, need, "", err)
	}
	reg, ok := d.Catalogue.Register(m.Register)
	if !ok || reg.Registrar != o.Body {
		return "", Refused(ctx, d.DB, o, need, "", fault.New(fault.NotFound, "", "a measure on an entry of another registrar"))
	}
	if !slices.Contains([]string{MeasureSuspend, MeasureRevoke, MeasureRestore}, m.Kind) {
		return "", fault.New(fault.Invalid, "fault.unknown_verdict", "unknown measure")
	}
	if strings.TrimSpace(m.Reason) == "" {
		return "", fault.New(fault.Invalid, "fault.reason_missing", "a measure without a reason")
	}
	if !m.Until.IsZero() && (m.Kind != MeasureSuspend || m.Until.Before(calendar.Of(d.DB.Clock.Now()))) {
		return "", fault.New(fault.Invalid, "fault.suspension_over", "a measure until a day that has passed, or that only a suspension can have")
	}
	def, ok := d.Catalogue.Definition(reg.Qualification)
	if !ok {
		return "", fmt.Errorf("register %s is of an unknown qualification", reg.ID)
	}
	c := &application.Case{RegisterID: reg.ID, ID: pg.NewID(), PublicID: publicid.New(reg.Code), RegistrarID: reg.Registrar, BodyID: o.Body,
		PersonRef: m.Ref, Applicant: m.Who, DefinitionID: def.ID, DefinitionVersion: def.Version, ProcedureID: MeasureProcedure, Channel: "counter", Lang: "ja",
		EntryID: &m.EntryID, Answers: qualification.Answers{Raw: map[string]string{}, Values: map[string]string{"measure": m.Kind, "reason": jtext.CleanLines(m.Reason)}}}
	if !m.Until.IsZero() {
		c.Answers.Values[MeasureUntil] = m.Until.String()
	}
	err = d.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		if err := application.OpenByOffice(ctx, tx, c, calendar.AddBusinessDays(calendar.Of(tx.Now), measureDays)); err != nil {
			return err
		}
		if err := insertProposal(ctx, tx, o, c, Proposal{Outcome: "approve", Comment: m.Reason}, nil); err != nil {
			return err
		}
		return audit.Record(ctx, tx, c.Audited(audit.CasePropose, o.Actor(need), "measure"))
	})
	if pg.Violates(err, oneMeasure) {
		return "", errMeasureOpen()
	}
	return c.PublicID, err
}
