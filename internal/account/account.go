// Package account knows who may do what: staff of the bodies with their roles, and the persons behind citizens' logins.
//
// What a role permits is a table in Go (Roles); who has which role at which body is a grant in the database. Whoever
// acts asks Staff.May with a body and a Permission, and nothing else.
//
// A person has one id on the person's own side. A registrar knows the person by another, the reference that RefFor
// derives for that registrar alone, so that two registers cannot be joined by it.
package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"github.com/google/uuid"
)

// Permission is one thing that a role may permit.
type Permission string

const (
	CaseView    Permission = "case.view"    // open a case and its documents
	CaseIntake  Permission = "case.intake"  // receive cases, enter paper applications
	CaseReview  Permission = "case.review"  // examine, ask for corrections, propose a decision
	CaseForward Permission = "case.forward" // pass a case to the next body
	CaseApprove Permission = "case.approve" // decide as the second person
	CaseReverse Permission = "case.reverse" // reverse a decision

	RegisterSearch  Permission = "register.search"
	RegisterView    Permission = "register.view"    // open an entry with its history
	RegisterChange  Permission = "register.change"  // propose a change of an entry
	RegisterSuspend Permission = "register.suspend" // suspend and restore an entry
	RegisterRevoke  Permission = "register.revoke"  // revoke or cancel an entry

	CredentialRevoke Permission = "credential.revoke" // revoke or suspend a credential, not the entry behind it

	StatisticsView Permission = "statistics.view"
	AuditView      Permission = "audit.view"
	StaffView      Permission = "staff.view"
	StaffGrant     Permission = "staff.grant"
	SettingsChange Permission = "settings.change"

	RolloutPlan   Permission = "rollout.plan"   // propose in which registers, from when and by which way procedures are open
	RolloutDecide Permission = "rollout.decide" // decide on such a proposal as the second person

	DefinitionWrite  Permission = "definition.write"  // load a version of a definition and propose it
	DefinitionDecide Permission = "definition.decide" // decide on such a version as the second person, and call it back
)

// Permissions returns every permission.
func Permissions() []Permission {
	return []Permission{
		CaseView, CaseIntake, CaseReview, CaseForward, CaseApprove, CaseReverse,
		RegisterSearch, RegisterView, RegisterChange, RegisterSuspend, RegisterRevoke,
		CredentialRevoke, StatisticsView, AuditView, StaffView, StaffGrant, SettingsChange, RolloutPlan, RolloutDecide,
		DefinitionWrite, DefinitionDecide,
	}
}

// StepUp tells whether the act needs the second factor shortly before it: those that change rights.
func (p Permission) StepUp() bool {
	switch p {
	case CaseApprove, CaseReverse, RegisterSuspend, RegisterRevoke, CredentialRevoke, StaffGrant, RolloutDecide, DefinitionDecide:
		return true
	}
	return false
}

// Role is what somebody is at a body.
type Role string

const (
	Intake         Role = "intake"
	Reviewer       Role = "reviewer"
	Approver       Role = "approver"
	RegisterKeeper Role = "register_keeper"
	Statistician   Role = "statistician"
	Auditor        Role = "auditor"
	Admin          Role = "admin"
	Planner        Role = "planner"
	Director       Role = "director"
)

// RoleInfo is a line of the table of roles.
type RoleInfo struct {
	Role     Role
	Sentence string
	Permits  []Permission
}

// Roles returns the table of roles. No role both reviews and approves, and who administers accounts sees no case; that
// the two decisions on one case are by two persons is review's own rule, because one person may hold two roles.
func Roles() []RoleInfo {
	return []RoleInfo{
		{Intake, "Receives cases, enters paper applications and passes cases on.",
			[]Permission{CaseView, CaseIntake, CaseForward}},
		{Reviewer, "Examines cases, asks for corrections and proposes decisions.",
			[]Permission{CaseView, CaseReview, CaseForward, RegisterSearch, RegisterView}},
		{Approver, "Decides as the second person and reverses decisions.",
			[]Permission{CaseView, CaseApprove, CaseReverse, RegisterSearch, RegisterView}},
		{RegisterKeeper, "Searches the register and keeps it true.",
			[]Permission{CaseView, RegisterSearch, RegisterView, RegisterChange, RegisterSuspend, RegisterRevoke, CredentialRevoke}},
		{Statistician, "Counts.", []Permission{StatisticsView}},
		{Auditor, "Reads the audit log.", []Permission{AuditView}},
		{Admin, "Administers accounts and settings of the body.", []Permission{StaffView, StaffGrant, SettingsChange}},
		{Planner, "Proposes where and from when procedures are open, by which way they go, and versions of definitions.",
			[]Permission{RolloutPlan, DefinitionWrite}},
		{Director, "Decides as the second person on what a planner proposes.", []Permission{RolloutDecide, DefinitionDecide}},
	}
}

// Permits tells whether the role permits p. A role outside the table permits nothing.
func (r Role) Permits(p Permission) bool {
	for _, info := range Roles() {
		if info.Role == r {
			return slices.Contains(info.Permits, p)
		}
	}
	return false
}

// Grant is a role at a body.
type Grant struct {
	Body string
	Role Role
}

// Staff is a member of staff with the roles in force when they were read.
type Staff struct {
	ID      uuid.UUID
	Subject string // the subject of the staff's login provider
	Name    string
	Grants  []Grant
}

// May tells whether a role at the body permits p.
func (s Staff) May(body string, p Permission) bool {
	_, ok := s.RoleFor(body, p)
	return ok
}

// RoleFor returns the role at the body that permits p, as the audit log wants it named.
func (s Staff) RoleFor(body string, p Permission) (Role, bool) {
	for _, g := range s.Grants {
		if g.Body == body && g.Role.Permits(p) {
			return g.Role, true
		}
	}
	return "", false
}

// Bodies returns the bodies at which a role permits p, in order.
func (s Staff) Bodies(p Permission) []string {
	var bodies []string
	for _, g := range s.Grants {
		if g.Role.Permits(p) && !slices.Contains(bodies, g.Body) {
			bodies = append(bodies, g.Body)
		}
	}
	slices.Sort(bodies)
	return bodies
}

// RefFor returns the reference by which the registrar knows the person: HMAC-SHA256 under the platform's key, cut to a
// UUID of version 8 (RFC 9562 §5.8). Without the key, references at two registrars cannot be told to be one person's.
func RefFor(key []byte, personID uuid.UUID, registrar string) uuid.UUID {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("akashi person_ref 1\x00"))
	mac.Write(personID[:])
	mac.Write([]byte(registrar))
	ref := uuid.UUID(mac.Sum(nil)[:16])
	ref[6] = ref[6]&0x0f | 0x80
	ref[8] = ref[8]&0x3f | 0x80
	return ref
}
