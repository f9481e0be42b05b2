package demo

import (
	"context"
	"time"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// plan has the ministry's staff decide what the console then shows: the registers of cooks open together in the spring,
// and a switch past three prefectures waits for its decision.
func plan(ctx context.Context, db *pg.DB, cat *qualification.Catalogue) error {
	desk := &rollout.Desk{DB: db, Catalogue: cat}
	spring := nextApril(calendar.Of(db.Clock.Now()))
	planner, err := officer(ctx, db, storyPlanner)
	if err != nil {
		return err
	}
	director, err := officer(ctx, db, storyDirector)
	if err != nil {
		return err
	}
	cooks, ok := cat.Definition("chorishi")
	if !ok {
		return nil // a demonstration of other definitions
	}
	opening := rollout.Proposal{Kind: qualification.ActOpen, Qualification: cooks.ID, On: spring, Reason: "都道府県と関西広域連合の準備が整ったため、年度の初めからそろって受付を始める。"}
	for i := range cooks.Registers {
		if cooks.Registers[i].Rollout == "planned" {
			opening.Bodies = append(opening.Bodies, cooks.Registers[i].Registrar)
		}
	}
	id, err := desk.Propose(ctx, planner, opening)
	if err != nil {
		return err
	}
	if err := desk.Decide(ctx, director, id, true, "周知の期間を十分に取ること。"); err != nil {
		return err
	}
	_, err = desk.Propose(ctx, planner, rollout.Proposal{Kind: qualification.ActSwitch, Qualification: "hokenshi", Bodies: []string{"pref-13", "pref-27", "pref-41"},
		On: spring, Reason: "オンライン申請の経由をやめる準備ができた都府県から始める。"})
	return err
}

// nextApril is the first day of the next fiscal year that lies at least a month ahead.
func nextApril(today calendar.Date) calendar.Date {
	day := calendar.Date{Year: today.Year, Month: time.April, Day: 1}
	for day.Before(today.AddDays(30)) {
		day.Year++
	}
	return day
}

// officer is one of the ministry's staff at the desk.
func officer(ctx context.Context, db *pg.DB, username string) (rollout.Officer, error) {
	s, err := account.ByLogin(ctx, db, username)
	return rollout.Officer{Staff: s, Body: "mhlw"}, err
}
