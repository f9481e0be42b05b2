package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Desk is where staff propose acts and decide on them. DB is used under the office's role.
type Desk struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
}

// definition finds a qualification, fault.NotFound when there is none.
func (d *Desk) definition(id string) (*qualification.Definition, error) {
	def, ok := d.Catalogue.Definition(id)
	if !ok {
		return nil, fault.New(fault.NotFound, "", "looking for a qualification")
	}
	return def, nil
}

// May finds a qualification whose acts an officer may see, and records that one may not.
func (d *Desk) May(ctx context.Context, o Officer, id string) (*qualification.Definition, error) {
	def, err := d.definition(id)
	if err != nil {
		return nil, err
	}
	if !o.Staff.May(o.Body, account.RolloutPlan) && !o.Staff.May(o.Body, account.RolloutDecide) {
		return nil, errors.Join(fault.New(fault.Forbidden, "", "looking at acts of selective use without a role for them"), d.refused(ctx, o, id))
	}
	if !Concerned(d.Catalogue, def, o.Body) {
		return nil, errors.Join(fault.New(fault.NotFound, "", "looking at acts for a qualification of another body"), d.refused(ctx, o, id))
	}
	return def, nil
}

// List returns the qualifications whose acts the officer may see, in the order of their names in a language.
func (d *Desk) List(o Officer, l qualification.Lang) []*qualification.Definition {
	var out []*qualification.Definition
	for _, def := range d.Catalogue.Named(l) {
		if Concerned(d.Catalogue, def, o.Body) {
			out = append(out, def)
		}
	}
	return out
}

// Preview tells what a proposal would do, or why it cannot be made (Refusal).
func (d *Desk) Preview(ctx context.Context, o Officer, p Proposal) (Effect, error) {
	def, err := d.May(ctx, o, p.Qualification)
	if err != nil {
		return Effect{}, err
	}
	if err := d.mayPropose(ctx, def, o, p); err != nil {
		return Effect{}, err
	}
	var e Effect
	err = d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		j, target, err := d.judge(ctx, tx, def, p)
		if err != nil {
			return err
		}
		e = j.effect(p)
		return j.check(p, target)
	})
	return e, err
}

// mayPropose reads what a recall is about, and holds the proposal to the body of whoever makes it.
func (d *Desk) mayPropose(ctx context.Context, def *qualification.Definition, o Officer, p Proposal) error {
	var target *Act
	err := d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) (err error) {
		target, err = readTarget(ctx, tx, p)
		return err
	})
	if err != nil {
		return err
	}
	return mayPropose(d.Catalogue, def, o, p, target)
}

// judge reads what the rules look at.
func (d *Desk) judge(ctx context.Context, tx *pg.Tx, def *qualification.Definition, p Proposal) (judge, *Act, error) {
	acts, err := approvedOf(ctx, tx, def.ID)
	if err != nil {
		return judge{}, nil, err
	}
	j := judge{cat: d.Catalogue, d: def, acts: acts, today: calendar.Of(tx.Now)}
	target, err := readTarget(ctx, tx, p)
	return j, target, err
}

// Propose writes a proposal for a second person and returns its id. A Refusal says which rule it breaks.
func (d *Desk) Propose(ctx context.Context, o Officer, p Proposal) (uuid.UUID, error) {
	def, err := d.May(ctx, o, p.Qualification)
	if err != nil {
		return uuid.Nil, err
	}
	if err := d.mayPropose(ctx, def, o, p); err != nil {
		return uuid.Nil, errors.Join(err, d.refused(ctx, o, p.Qualification))
	}
	a := Act{Proposal: p, ID: pg.NewID(), State: Proposed, ProposedBy: o.Staff.ID, ProposedBody: o.Body}
	a.Reason = strings.TrimSpace(p.Reason)
	err = d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		j, target, err := d.judge(ctx, tx, def, p)
		if err != nil {
			return err
		}
		if err := j.check(p, target); err != nil {
			return err
		}
		if p.Kind == qualification.ActRecall {
			a.On = target.On
		}
		a.ProposedAt = tx.Now
		var b pg.Batch
		a.insert(&b)
		if err := audit.Queue(&b, tx.Now, a.event(audit.RolloutPropose, o, account.RolloutPlan)); err != nil {
			return err
		}
		return b.Send(ctx, tx.Tx)
	})
	if err != nil {
		return uuid.Nil, err
	}
	return a.ID, nil
}

// refused records that a member of staff asked for an act that is not theirs to propose or decide.
func (d *Desk) refused(ctx context.Context, o Officer, qualificationID ...string) error {
	return d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.StaffRefused, Registrar: o.Body, Items: qualificationID, Outcome: "rollout",
			Actor: audit.Actor{Kind: audit.ActorStaff, ID: o.Staff.ID.String(), Body: o.Body}})
	})
}

// Decide approves or refuses a proposal as the second person; a refusal needs a reason. The rules are applied anew: what
// was in order when it was proposed may not be any more (Refusal).
func (d *Desk) Decide(ctx context.Context, o Officer, id uuid.UUID, agree bool, reason string) error {
	a, def, err := d.Act(ctx, o, id)
	if err != nil {
		return err
	}
	if err := mayDecide(d.Catalogue, def, o, a); err != nil {
		return errors.Join(err, d.refused(ctx, o, def.ID))
	}
	if reason = strings.TrimSpace(reason); utf8.RuneCountInString(reason) > maxReason || (!agree && reason == "") {
		return invalid("decision_reason")
	}
	err = d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error { return d.decide(ctx, tx, o, def, id, agree, reason) })
	if err != nil || !agree {
		return err
	}
	return Refresh(ctx, d.DB, d.Catalogue)
}

func (d *Desk) decide(ctx context.Context, tx *pg.Tx, o Officer, def *qualification.Definition, id uuid.UUID, agree bool, reason string) error {
	if agree {
		if err := nextVersion(ctx, tx, def.ID); err != nil { // one decision of a qualification at a time
			return err
		}
	}
	a, err := readAct(ctx, tx, id, true)
	if err != nil {
		return err
	}
	to, act := Refused, audit.RolloutRefuse
	if agree {
		to, act = Approved, audit.RolloutApprove
	}
	if !May(a.State, to) {
		return fault.New(fault.Conflict, "rollout.fault.decided", "deciding on an act that was decided already")
	}
	var b pg.Batch
	if agree {
		if err := d.follow(ctx, tx, &b, def, a); err != nil {
			return err
		}
	}
	a.decide(&b, tx, to, o, reason)
	if err := audit.Queue(&b, tx.Now, a.event(act, o, account.RolloutDecide)); err != nil {
		return err
	}
	return b.Send(ctx, tx.Tx)
}

// follow applies the rules once more and adds what an approval brings with it.
func (d *Desk) follow(ctx context.Context, tx *pg.Tx, b *pg.Batch, def *qualification.Definition, a *Act) error {
	j, target, err := d.judge(ctx, tx, def, a.Proposal)
	if err != nil {
		return err
	}
	if err := j.check(a.Proposal, target); err != nil {
		return err
	}
	if a.Kind == qualification.ActRecall {
		target.move(b, Recalled)
	}
	return nil
}

// Withdraw takes one's own proposal back.
func (d *Desk) Withdraw(ctx context.Context, o Officer, id uuid.UUID) error {
	a, _, err := d.Act(ctx, o, id)
	if err != nil {
		return err
	}
	if a.ProposedBy != o.Staff.ID || a.ProposedBody != o.Body {
		return fault.New(fault.Forbidden, "", "withdrawing a proposal of somebody else")
	}
	return d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		a, err := readAct(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if !May(a.State, Withdrawn) {
			return fault.New(fault.Conflict, "rollout.fault.decided", "withdrawing an act that was decided already")
		}
		var b pg.Batch
		a.decide(&b, tx, Withdrawn, o, "")
		if err := audit.Queue(&b, tx.Now, a.event(audit.RolloutWithdraw, o, account.RolloutPlan)); err != nil {
			return err
		}
		return b.Send(ctx, tx.Tx)
	})
}

// Act returns one act that the officer may see, with its qualification.
func (d *Desk) Act(ctx context.Context, o Officer, id uuid.UUID) (a *Act, def *qualification.Definition, err error) {
	err = d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		if a, err = readAct(ctx, tx, id, false); err == nil {
			a.Target, err = readTarget(ctx, tx, a.Proposal)
		}
		return err
	})
	if errors.Is(err, fault.NotFound) {
		return nil, nil, errors.Join(err, d.refused(ctx, o))
	}
	if err != nil {
		return nil, nil, err
	}
	def, err = d.May(ctx, o, a.Qualification)
	return a, def, err
}

// EffectOf tells what an act is about, without asking whether it can still be approved.
func (d *Desk) EffectOf(def *qualification.Definition, a *Act) Effect {
	return judge{cat: d.Catalogue, d: def}.effect(a.Proposal)
}

// Acts returns every act of a qualification, the latest proposed first.
func (d *Desk) Acts(ctx context.Context, o Officer, qualificationID string) (acts []Act, err error) {
	if _, err := d.May(ctx, o, qualificationID); err != nil {
		return nil, err
	}
	err = d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		acts, err = readActs(ctx, tx, `where qualification_id = $1 order by proposed_at desc, id desc limit 500`, qualificationID)
		return err
	})
	return acts, err
}

// Waiting counts the proposals that nobody has decided on, by qualification.
func (d *Desk) Waiting(ctx context.Context, o Officer) (map[string]int, error) {
	type count struct {
		ID string
		N  int
	}
	var found []count
	err := d.DB.InRegistrar(ctx, o.Body, func(tx *pg.Tx) error {
		var b pg.Batch
		pg.Read(&b, &found, "counting proposals", `select qualification_id, count(*)::int from rollout_act where state = 'proposed' group by 1`)
		return b.Send(ctx, tx.Tx)
	})
	if err != nil {
		return nil, fmt.Errorf("counting proposals: %w", err)
	}
	counts := map[string]int{}
	for _, c := range found {
		counts[c.ID] = c.N
	}
	return counts, nil
}
