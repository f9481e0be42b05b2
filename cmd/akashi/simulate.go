package main

import (
	"context"
	"fmt"
	"path/filepath"

	"akashi/internal/clock"
	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// SimulateCmd runs only the simulated outside systems of the demonstration, for an akashi serve with the same data
// directory on the demonstration's addresses. Its clock runs at the machine's pace from --at.
type SimulateCmd struct {
	At         string `env:"-" placeholder:"DATE" help:"What the simulators' clock shows at the start. Default: the machine's time."`
	BasePort   int    `env:"-" default:"8400" help:"The first of the eleven ports of the demonstration; the simulators take the last six."`
	AdminToken string `env:"-" placeholder:"TOKEN" help:"Token of the administration of both logins over the wire. Default: there is none."`
}

// Run runs the simulators until they are stopped.
func (cmd *SimulateCmd) Run(ctx context.Context, g *Globals) error {
	dir, err := g.dataDir()
	if err != nil {
		return err
	}
	c := &clock.Adjustable{}
	if cmd.At != "" {
		at, err := parseAt(cmd.At)
		if err != nil {
			return err
		}
		c.Set(at)
	}
	cfg := demo.WorldConfig{DataDir: dir, BasePort: cmd.BasePort, AdminToken: cmd.AdminToken, KeepOrders: true, Clock: c, Log: g.Log}
	w, err := demo.NewWorld(cfg)
	if err != nil {
		return err
	}
	if err := w.Prepare(); err != nil {
		return err
	}
	cmd.announce(g, w, dir)
	return w.Run(ctx)
}

// announce prints the settings of an akashi serve that calls these simulators, ready to be copied.
func (cmd *SimulateCmd) announce(g *Globals, w *world.World, dir string) {
	a := w.Addresses()
	fmt.Fprintf(g.Out, "The simulated outside systems are ready. Serve with:\n\n  akashi serve --data-dir=%s --simulated", dir)
	for _, setting := range [][2]string{
		{"login-issuer", a.LoginIssuer()}, {"login-client-id", demo.ClientID}, {"staff-login-issuer", a.StaffIssuer()},
		{"staff-login-client-id", demo.ClientID}, {"resident-url", "http://" + a.Resident}, {"resident-client-id", demo.ClientID},
		{"family-url", "http://" + a.Family}, {"family-client-id", demo.ClientID}, {"payment-url", "http://" + a.Payment},
		{"payment-client-id", demo.ClientID}, {"anchors", filepath.Join(dir, "world", world.AnchorFile)},
		{"revocation-lists", a.RevocationLists()}, {"timestamp-url", a.TimestampService()}, {"timestamp-lists", a.TimestampLists()},
		{"timestamp-anchors", filepath.Join(dir, "world", world.TimestampAnchorFile)},
	} {
		fmt.Fprintf(g.Out, " \\\n    --%s=%s", setting[0], setting[1])
	}
	fmt.Fprintln(g.Out)
}
