package demo

import (
	"slices"

	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/idp"
	"akashi/internal/govsim/timestamp"
)

// Switch makes one simulated outside system fail and lets it work again.
type Switch struct {
	ID  string // wording demo.fault.<id>
	Off bool   // the system fails
}

// switches tells which outside systems can be made to fail, and which fail now. The logins keep their state here: their
// simulator does not tell it.
func (d *Demo) switches() []Switch {
	return []Switch{
		{"resident", len(d.World.Resident.Faults().Rules()) > 0}, {"family", len(d.World.Family.Faults().Rules()) > 0},
		{"payment", len(d.World.Payment.Faults().Rules()) > 0}, {"timestamp", len(d.World.Stamps.Faults().Rules()) > 0},
		{"login", d.loginOff.Load()},
	}
}

// SetFault makes an outside system fail (503 to every call of its interface), or work again. fault.Invalid for a system
// that is not there.
func (d *Demo) SetFault(id string, off bool) error {
	if !slices.ContainsFunc(d.switches(), func(s Switch) bool { return s.ID == id }) {
		return fault.New(fault.Invalid, "", "switching the unknown outside system "+id)
	}
	if id == "login" {
		return d.setLoginFault(off)
	}
	injector := map[string]*fail.Injector{"resident": d.World.Resident.Faults(), "family": d.World.Family.Faults(), "payment": d.World.Payment.Faults(),
		"timestamp": d.World.Stamps.Faults()}[id]
	injector.Clear()
	if !off {
		return nil
	}
	path := "/v1/*"
	if id == "timestamp" {
		path = timestamp.Path
	}
	return injector.Add(fail.Rule{Path: path, Mode: fail.Fail})
}

func (d *Demo) setLoginFault(off bool) error {
	d.World.Citizens.ClearOutages()
	d.loginOff.Store(off)
	if !off {
		return nil
	}
	return d.World.Citizens.SetOutage(idp.Outage{Target: "token", Mode: idp.Fail})
}
