package application

import (
	"slices"

	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// NeedsEntry tells whether a procedure is about an entry that the person already holds.
func NeedsEntry(e qualification.Effect) bool {
	return slices.Contains([]qualification.Effect{qualification.EffectChange, qualification.EffectRenew, qualification.EffectReport,
		qualification.EffectReissue, qualification.EffectCancel}, e)
}

// choose finds the entry that a procedure is about among those that the person holds in the register. A person with
// several, one of each class, says which one; nothing is guessed.
func choose(held []Entry, p *qualification.Procedure, wanted uuid.UUID) (*Entry, error) {
	if wanted != uuid.Nil {
		i := slices.IndexFunc(held, func(e Entry) bool { return e.ID == wanted })
		if i < 0 {
			return nil, fault.New(fault.NotFound, "", "starting a procedure on an entry that the person does not hold")
		}
		return &held[i], nil
	}
	switch {
	case !NeedsEntry(p.Effect):
		return nil, nil
	case len(held) == 0:
		return nil, fault.New(fault.Invalid, "fault.no_entry", "starting a procedure on an entry that the person does not hold")
	case len(held) > 1:
		return nil, fault.New(fault.Invalid, "fault.which_entry", "starting a procedure on one of several entries without naming it")
	}
	return &held[0], nil
}

// ofCase finds the entry that a case is about among those that the person holds in the register, nil when there is none.
func ofCase(c *Case, held []Entry) *Entry {
	if c.EntryID == nil {
		return nil
	}
	i := slices.IndexFunc(held, func(e Entry) bool { return e.ID == *c.EntryID })
	if i < 0 {
		return nil
	}
	return &held[i]
}

// inWindow refuses a renewal outside of the days between which the law takes it, with the day that decides.
func inWindow(def *qualification.Definition, p *qualification.Procedure, e *Entry, today calendar.Date) error {
	if p.Effect != qualification.EffectRenew || e == nil {
		return nil
	}
	if e.ValidUntil.IsZero() {
		return fault.New(fault.Invalid, "fault.renewal_endless", "renewing an entry without a term")
	}
	from, until := def.RenewalWindow(e.ValidUntil)
	switch {
	case !from.IsZero() && today.Before(from):
		return fault.New(fault.Invalid, "fault.renewal_early", "renewing an entry before its time", from)
	case today.After(until):
		return fault.New(fault.Invalid, "fault.renewal_late", "renewing an entry after its time", until)
	}
	return nil
}
