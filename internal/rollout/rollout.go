// Package rollout is selective use (選択的利用): the dated acts by which procedures are opened and closed at registers, registers
// begin and cease to use functions of the platform, online applications stop going through prefectures, and a digital credential
// becomes the legal original.
//
// One person proposes an act, another one decides. The ministry in charge of a qualification does both, and so may the
// operator of the platform; a registrar may propose for its own registers alone, and decides itself which functions they use.
// Opening the registers of 47 prefectures is one act. What was decided is never changed: what turned out wrong is put right by a further act, or, before its
// day has come, by one that recalls it.
//
// An approved act lies over what the definition says itself (qualification.Acts). Each process keeps the approved acts in
// memory and looks every few seconds whether there are newer ones (Follower); whoever creates or hands in a case asks the
// database in the same transaction (Watch), so that a process that has not heard of a closing yet cannot pass it by.
package rollout

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// State says where an act stands.
type State string

// The states. The sentences stand in the table rollout_state, which a test compares with States.
const (
	Proposed  State = "proposed"
	Approved  State = "approved"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	Recalled  State = "recalled"
)

// States lists every state in the order of an act's life.
var States = []State{Proposed, Approved, Refused, Withdrawn, Recalled}

// Moves lists the states that may follow each state. The database holds the same table and refuses every other move.
var Moves = map[State][]State{Proposed: {Approved, Refused, Withdrawn}, Approved: {Recalled}}

// May tells whether an act may move from one state to another.
func May(from, to State) bool { return slices.Contains(Moves[from], to) }

// Operator is the body of the platform's operator, who may act for every qualification.
const Operator = "platform"

// Kinds lists what an act can do, in the order in which the console offers it.
var Kinds = []qualification.ActKind{qualification.ActOpen, qualification.ActClose, qualification.ActSwitch, qualification.ActUnswitch,
	qualification.ActUse, qualification.ActUnuse, qualification.ActOriginal, qualification.ActUnoriginal, qualification.ActRecall}

// Officer is a member of staff acting for a body.
type Officer struct {
	Staff account.Staff
	Body  string
}

// Proposal is what somebody asks for.
type Proposal struct {
	Kind          qualification.ActKind
	Qualification string
	Bodies        []string // registrars whose registers it is about; forwarding bodies of a switch
	Procedures    []string // empty: all
	Channel       string   // "online", "counter", "" for both; opening and closing only
	Functions     []string // of a use or its end, at least one
	On            calendar.Date
	Recalls       uuid.UUID // the act that a recall ends
	Reason        string
}

// Act is a proposal with what became of it.
type Act struct {
	Proposal
	ID             uuid.UUID
	State          State
	ProposedBy     uuid.UUID // staff
	ProposedBody   string
	ProposedAt     time.Time
	DecidedBy      *uuid.UUID
	DecidedBody    string
	DecidedAt      *time.Time
	DecisionReason string
	Target         *Act // what a recall ends; nil where it was not read
}

// Overlay is the act as it lies over the definition.
func (a *Act) Overlay() qualification.Act {
	out := qualification.Act{ID: a.ID.String(), Kind: a.Kind, Qualification: a.Qualification, Bodies: a.Bodies, Procedures: a.Procedures,
		Channel: a.Channel, Functions: a.Functions, On: a.On}
	if a.DecidedAt != nil {
		out.DecidedAt = *a.DecidedAt
	}
	return out
}

// maxReason bounds the reason of an act and of its decision, in characters.
const maxReason = 500

// InCharge tells whether a body decides about a qualification: a ministry that the definition names, or the operator.
func InCharge(cat *qualification.Catalogue, d *qualification.Definition, body string) bool {
	return body == Operator || slices.ContainsFunc(cat.MinistriesOf(d), func(m *qualification.Registrar) bool { return m.ID == body })
}

// Concerned tells whether a body may see the acts of a qualification in the console: those in charge, and each registrar
// that keeps a register of it.
func Concerned(cat *qualification.Catalogue, d *qualification.Definition, body string) bool {
	return InCharge(cat, d, body) || slices.ContainsFunc(d.Registers, func(g qualification.Register) bool { return g.Registrar == body })
}

// ofOwnUse tells whether an act is about nothing but which functions a body's own register uses: each registrar chooses them
// itself. A recall is about what its target is about.
func ofOwnUse(body string, p Proposal, target *Act) bool {
	if p.Kind == qualification.ActRecall && target != nil {
		p = target.Proposal
	}
	return (p.Kind == qualification.ActUse || p.Kind == qualification.ActUnuse) && slices.Equal(p.Bodies, []string{body})
}

// Decides tells whether a body decides about an act: one in charge of its qualification, or the registrar about the functions
// that its own register uses.
func Decides(cat *qualification.Catalogue, d *qualification.Definition, body string, a *Act) bool {
	return InCharge(cat, d, body) || ofOwnUse(body, a.Proposal, a.Target)
}

// mayPropose holds a proposal to the body of whoever makes it.
func mayPropose(cat *qualification.Catalogue, d *qualification.Definition, o Officer, p Proposal, target *Act) error {
	if !o.Staff.May(o.Body, account.RolloutPlan) {
		return fault.New(fault.Forbidden, "", "proposing an act of selective use without the permission")
	}
	if InCharge(cat, d, o.Body) || ofOwnUse(o.Body, p, target) {
		return nil
	}
	own := len(p.Bodies) > 0 && !slices.ContainsFunc(p.Bodies, func(b string) bool { return b != o.Body })
	if own && (p.Kind == qualification.ActOpen || p.Kind == qualification.ActClose) {
		return nil
	}
	return fault.New(fault.Forbidden, "rollout.fault.not_yours", "proposing an act for a qualification or register of another body")
}

// mayDecide holds a decision to the bodies that have it and to a second person.
func mayDecide(cat *qualification.Catalogue, d *qualification.Definition, o Officer, a *Act) error {
	switch {
	case !o.Staff.May(o.Body, account.RolloutDecide):
		return fault.New(fault.Forbidden, "", "deciding on an act of selective use without the permission")
	case !Decides(cat, d, o.Body, a):
		return fault.New(fault.Forbidden, "rollout.fault.not_yours", "deciding on an act for a qualification of another ministry")
	case o.Staff.ID == a.ProposedBy:
		return fault.New(fault.Forbidden, "rollout.fault.second_person", "deciding on one's own proposal")
	}
	return nil
}
