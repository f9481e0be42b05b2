package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/application"
	"akashi/internal/credential"
	"akashi/internal/govsim/world"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// Role is whom the visitor of a demonstration plays.
type Role string

// The roles of the story.
const (
	Nurse    Role = "nurse"
	Reviewer Role = "reviewer"
	Approver Role = "approver"
	Employer Role = "employer"
	Nobody   Role = "nobody" // the program itself is at work
)

// The register in which the story plays.
const (
	storyRegister  = "kangoshi.mhlw"
	storyRegistrar = "mhlw"
)

// Progress is how far the nurse's story has come, as the database says. Zero values: not yet.
type Progress struct {
	Case       string // public id of the application
	State      application.State
	EntryID    uuid.UUID
	Entry      registry.State
	Credential credential.State
	Measure    string // public id of an open measure on the entry
}

// Step is one step of the story.
type Step string

// The steps, in order.
const (
	StepApply   Step = "apply"
	StepSign    Step = "sign"
	StepPay     Step = "pay"
	StepReview  Step = "review"
	StepApprove Step = "approve"
	StepIssue   Step = "issue"
	StepCheck   Step = "check"
	StepRevoke  Step = "revoke"
	StepRecheck Step = "recheck"
)

// Steps lists the steps in order.
func Steps() []Step {
	return []Step{StepApply, StepSign, StepPay, StepReview, StepApprove, StepIssue, StepCheck, StepRevoke, StepRecheck}
}

// Next is what comes next: the step, who acts, and where. Key tells variants of a step apart in the wordings.
type Next struct {
	Step Step
	Role Role
	Key  string
	Path string // of the role's portal
}

// next reads the next step from the progress.
func (p Progress) next() Next {
	mine, office := "/applications/"+p.Case, "/cases/"+p.Case
	switch p.State {
	case application.Draft:
		return Next{StepApply, Nurse, "fill", mine}
	case application.Signing:
		return Next{StepSign, Nurse, "sign", mine + "/check"}
	case application.AwaitingPayment:
		return Next{StepPay, Nurse, "pay", mine + "/pay"}
	case application.InReview:
		return Next{StepReview, Reviewer, "review", office}
	case application.CorrectionRequested, application.CorrectionSigning:
		return Next{StepReview, Nurse, "correct", mine}
	case application.Proposed:
		return Next{StepApprove, Approver, "approve", office}
	case application.Registered:
		return p.afterwards()
	}
	return Next{StepApply, Nurse, "apply", "/procedures/" + storyRegister + "/registration"}
}

// afterwards is what comes next once the nurse is in the register.
func (p Progress) afterwards() Next {
	switch {
	case !p.Entry.Living():
		return Next{StepRecheck, Employer, "recheck", "/"}
	case p.Measure != "":
		return Next{StepRevoke, Approver, "decide", "/cases/" + p.Measure}
	case p.Credential == credential.Intended || p.Credential == "":
		return Next{StepIssue, Nobody, "issue", "/credentials"}
	}
	return Next{StepCheck, Employer, "check", "/"}
}

// readProgress looks the nurse's story up, under the worker's role. Who the nurse is to the register is known from what
// the card said.
func readProgress(ctx context.Context, db *pg.DB, who world.Person) (p Progress, err error) {
	err = db.InRegistrar(ctx, storyRegistrar, func(tx *pg.Tx) error {
		ref, err := p.readCase(ctx, tx, who)
		if err != nil || p.State != application.Registered {
			return err
		}
		return p.readEntry(ctx, tx, ref)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return Progress{}, fmt.Errorf("reading how far the story has come: %w", err)
	}
	return p, nil
}

// readCase reads the newest application for registration.
func (p *Progress) readCase(ctx context.Context, tx *pg.Tx, who world.Person) (ref uuid.UUID, err error) {
	name := person.SplitName(who.Name)
	err = tx.QueryRow(ctx, `
		select public_id, state, person_ref from application
		 where register_id = $1 and procedure_id = 'registration' and applicant->>'birth_date' = $2
		   and applicant->'name'->>'family' = $3 and applicant->'name'->>'given' = $4
		 order by created_at desc limit 1`, storyRegister, who.BirthDate, name.Family, name.Given).Scan(&p.Case, &p.State, &ref)
	return ref, err
}

// readEntry reads the entry, its newest credential and an open measure.
func (p *Progress) readEntry(ctx context.Context, tx *pg.Tx, ref uuid.UUID) error {
	var measure, state *string
	err := tx.QueryRow(ctx, `
		select e.id, e.state,
		       (select c.state from credential c where c.register_id = e.register_id and c.entry_id = e.id order by c.version desc limit 1),
		       (select a.public_id from application a where a.register_id = e.register_id and a.entry_id = e.id
		         and a.procedure_id = $3 and a.state = 'proposed' limit 1)
		  from entry e where e.register_id = $1 and e.person_ref = $2 order by e.updated_at desc limit 1`,
		storyRegister, ref, review.MeasureProcedure).Scan(&p.EntryID, &p.Entry, &state, &measure)
	if state != nil {
		p.Credential = credential.State(*state)
	}
	if measure != nil {
		p.Measure = *measure
	}
	return err
}

// Next is what comes next in the story.
func (d *Demo) Next(ctx context.Context) (Next, error) {
	p, err := readProgress(ctx, d.worker, world.People()[0])
	return p.next(), err
}
