package qualification_test

import (
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"akashi/internal/qualification"
)

// TestSwap: everybody who holds a catalogue sees the new definitions at once, versions that cases are pinned to stay, and
// readers may be under way meanwhile; the race detector watches.
func TestSwap(t *testing.T) {
	c := load(t).Apart()
	files := repository(t)
	files["kangoshi.yaml"] = []byte(strings.NewReplacer(`"2026-04-01.1"`, `"2026-10-01.1"`, "valid_from: 2026-04-01", "valid_from: 2026-10-01").Replace(string(files["kangoshi.yaml"])))
	next, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := c.Definition("kangoshi")
	derived := load(t).Apart()
	var group errgroup.Group
	group.Go(func() error {
		for range 1000 {
			c.Offered("kangoshi.mhlw", "registration", qualification.ChannelOnline, day(t, "2026-12-01"))
			c.List()
		}
		return nil
	})
	c.Swap(next)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	after, _ := c.Definition("kangoshi")
	if after.Version != "2026-10-01.1" || !knows(c, before) || !knows(c, after) {
		t.Errorf("after the swap the version is %s; the earlier one is known: %t", after.Version, knows(c, before))
	}
	if d, _ := c.At("kangoshi", day(t, "2026-09-30")); d == nil || d.Version != before.Version {
		t.Errorf("the day before, another version holds: %+v", d)
	}
	if d, _ := derived.Definition("kangoshi"); d.Version != before.Version {
		t.Error("a catalogue apart was swapped, too")
	}
}

// TestPaymentSwitchedOff: what has something to pay is not taken online by a registrar without online payment.
func TestPaymentSwitchedOff(t *testing.T) {
	files := good(t)
	files["registrars.yaml"] = []byte(strings.Replace(string(files["registrars.yaml"]), "    kind: ministry\n", "    kind: ministry\n    functions: [intake, resident]\n", 1))
	c, err := qualification.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	if c.Offered("sample.ministry", "registration", qualification.ChannelOnline, day(t, "2026-12-01")) {
		t.Error("a procedure with a fee is offered without online payment")
	}
	whole, err := qualification.LoadFiles(good(t))
	if err != nil || !whole.Offered("sample.ministry", "registration", qualification.ChannelOnline, day(t, "2026-12-01")) {
		t.Errorf("with everything switched on it is not offered: %v", err)
	}
}
