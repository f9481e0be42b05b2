package demo

import (
	"context"
	"crypto/sha256"
	"fmt"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/govsim/idp"
	"akashi/internal/pg"
)

// StaffPassword is the password of every member of staff. It protects nobody: the login page tells it.
const StaffPassword = "demo"

// Member is one invented member of staff with one role at one body.
type Member struct {
	Body     string
	Role     account.Role
	Username string // also the subject of the login
	Name     string
}

// Staff returns the staff of every registrar: one for intake, two reviewers, two approvers, a keeper of the register and
// an auditor; and of the ministry, who plans where procedures are open and who decides on that. Family names say the role,
// given names the body.
func Staff() []Member {
	bodies := []struct {
		id    string
		given [7]string
	}{
		{"mhlw", [7]string{"はじめ", "一郎", "次子", "一美", "二郎", "守", "明"}},
		{"sssc", [7]string{"福江", "福一", "福子", "福美", "福二", "福守", "福明"}},
		{"pref-41", [7]string{"佐江", "佐一", "佐子", "佐美", "佐二", "佐守", "佐明"}},
		{"pref-01", [7]string{"北江", "北一", "北子", "北美", "北二", "北守", "北明"}},
	}
	roles := []struct {
		family, username string
		role             account.Role
	}{
		{"受付", "intake", account.Intake}, {"審査", "reviewer-1", account.Reviewer}, {"審査", "reviewer-2", account.Reviewer},
		{"決裁", "approver-1", account.Approver}, {"決裁", "approver-2", account.Approver}, {"名簿", "keeper", account.RegisterKeeper},
		{"監査", "auditor", account.Auditor},
	}
	var all []Member
	for _, b := range bodies {
		for i, r := range roles {
			all = append(all, Member{Body: b.id, Role: r.role, Username: b.id + "-" + r.username, Name: r.family + " " + b.given[i]})
		}
	}
	return append(all, Member{Body: "mhlw", Role: account.Planner, Username: storyPlanner, Name: "計画 始"},
		Member{Body: "mhlw", Role: account.Director, Username: storyDirector, Name: "局長 定"})
}

// users are the staff as the simulated staff login knows them.
func users() []idp.StaffUser {
	var all []idp.StaffUser
	for _, m := range Staff() {
		otp := sha256.Sum256([]byte("one-time codes of " + m.Username))
		all = append(all, idp.StaffUser{Subject: m.Username, Username: m.Username, Name: m.Name, Password: StaffPassword, OTPKey: otp[:20]})
	}
	return all
}

// appoint writes the staff's accounts and roles, as the operator's command would.
func appoint(ctx context.Context, tx *pg.Tx) error {
	for _, m := range Staff() {
		id, err := account.SetStaff(ctx, tx, m.Username, m.Name, true)
		if err != nil {
			return fmt.Errorf("appointing %s: %w", m.Username, err)
		}
		if err := account.Give(ctx, tx, id, account.Grant{Body: m.Body, Role: m.Role}, "demo"); err != nil {
			return fmt.Errorf("appointing %s: %w", m.Username, err)
		}
		e := audit.Event{Act: audit.RoleGrant, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "demo"}, Purpose: "demonstration", Outcome: string(m.Role)}
		if err := audit.Record(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}
