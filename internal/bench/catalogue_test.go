package bench

import (
	"testing"

	"akashi/internal/system"
)

// TestTwiceTheDefinitions: the copies that the bench adds pass the same checks as the definitions themselves.
func TestTwiceTheDefinitions(t *testing.T) {
	cat, err := system.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	more, err := doubled(cat)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(more.List()), 2*len(cat.List()); got != want {
		t.Errorf("%d definitions, want %d", got, want)
	}
	if got, want := len(added(cat, more)), len(cat.Registers()); got != want {
		t.Errorf("%d registers are new, want %d", got, want)
	}
}
