package casetest

import (
	"testing"

	"akashi/internal/account"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// Act has two people of the ministry propose and approve an act of selective use, in another process: this one does not hear
// of it before Hear.
func (w *World) Act(t testing.TB, p rollout.Proposal) {
	t.Helper()
	ctx := t.Context()
	planner := w.staff(t, "act-planner", "計画 一郎", account.Planner)
	director := w.staff(t, "act-director", "計画 二郎", account.Director)
	other := &rollout.Desk{DB: w.DB.As(pg.RoleOffice), Catalogue: w.Catalogue.Apart()}
	id := must(other.Propose(ctx, rollout.Officer{Staff: planner.Staff, Body: planner.Body}, p))(t)
	check(t, other.Decide(ctx, rollout.Officer{Staff: director.Staff, Body: director.Body}, id, true, ""))
}

// Unuse has the register of nurses cease to use functions from today on, as Act does.
func (w *World) Unuse(t testing.TB, functions ...string) {
	t.Helper()
	w.Act(t, rollout.Proposal{Kind: qualification.ActUnuse, Qualification: "kangoshi", Bodies: []string{"mhlw"}, Functions: functions, On: w.Today(),
		Reason: "体制の見直しのため"})
}

// Hear lets this process hear of the acts that others have decided on.
func (w *World) Hear(t testing.TB) {
	t.Helper()
	check(t, rollout.Refresh(t.Context(), w.DB.As(pg.RoleCitizen), w.Catalogue))
}
