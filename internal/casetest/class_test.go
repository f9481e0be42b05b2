package casetest_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// TestSecondEntry: a person who is in the register is entered again under another class, and not under the same one.
func TestSecondEntry(t *testing.T) {
	w := casetest.NewOf(t, casetest.Opened(t, "bases/ship-certificate.yaml"))
	def, _ := w.Catalogue.Definition("kyumei-teishu")
	reviewer, approver := w.Staffed(t, "mlit")
	reviewer.Body, approver.Body = "mlit", "mlit"
	register := func(scope string) error {
		p := def.Procedure("registration")
		k := &walk{w: w, def: def, register: &def.Registers[0], person: w.Nurse, procedures: []*qualification.Procedure{p},
			reviewer: reviewer, approver: approver, random: rand.New(rand.NewPCG(1, 84)), typed: map[string]string{"scope": scope}}
		if err := k.apply(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		w.Work(t)
		return k.decide(t.Context())
	}
	for _, scope := range []string{"full", "limited"} {
		if err := register(scope); err != nil {
			t.Fatalf("entering the class %s: %v", scope, err)
		}
		w.Work(t)
	}
	var f *fault.Error
	if err := register("full"); !errors.Is(err, fault.Conflict) || !errors.As(err, &f) || f.Key != "fault.entry_exists" {
		t.Errorf("entering the same class again: %v, want fault.entry_exists", err)
	}
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 2 || held[0].Entry.Class == held[1].Entry.Class {
		t.Errorf("%d entries are held: %v", len(held), err)
	}
}
