package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"text/tabwriter"
	"time"

	"akashi/internal/clock"
	"akashi/internal/demo"
	"akashi/internal/fault"
)

// DemoCmd runs a whole Akashi on this machine for trying it out, with invented people and simulated outside systems.
type DemoCmd struct {
	Reset    bool   `env:"-" help:"Begin anew: forget what an earlier demonstration left."`
	Data     string `env:"-" placeholder:"DIR" type:"path" help:"Directory of the demonstration. Default: demo in the data directory."`
	At       string `env:"-" placeholder:"DATE" help:"What the clock shows: 2026-12-01 or 2026-12-01T09:00. Default: where it was, at the first start 1 December 2026, nine o'clock."`
	BasePort int    `env:"-" default:"8400" help:"The first of eleven ports on 127.0.0.1 to 127.0.0.9; 0 takes eleven free ones."`
	Verbose  bool   `env:"-" short:"v" help:"Log every request and how long each step of the start takes."`
}

// stopGrace is how long the parts have to finish what they are doing.
const stopGrace = time.Minute

// Run starts the demonstration, says where it is, and runs it until it is stopped.
func (cmd *DemoCmd) Run(ctx context.Context, g *Globals) error {
	cfg, err := cmd.config(g)
	if err != nil {
		return err
	}
	began := clock.System{}.Now()
	d, err := demo.Start(ctx, cfg)
	if err != nil {
		return err
	}
	if err := cmd.announce(g.Out, d, cfg.DataDir, clock.System{}.Now().Sub(began)); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(g.Out, "Stopping; Ctrl-C once more ends it at once.")
	case <-d.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return d.Stop(stopping)
}

func (cmd *DemoCmd) config(g *Globals) (cfg demo.Config, err error) {
	cfg = demo.Config{DataDir: cmd.Data, BasePort: cmd.BasePort, Reset: cmd.Reset, Token: g.tokenConfig(), Log: g.Log}
	if cfg.DataDir == "" {
		dir, err := g.dataDir()
		if err != nil {
			return cfg, err
		}
		cfg.DataDir = filepath.Join(dir, "demo")
	}
	if cmd.At != "" {
		if cfg.At, err = parseAt(cmd.At); err != nil {
			return cfg, err
		}
	}
	if !cmd.Verbose {
		cfg.Log = slog.New(quiet{g.Log.Handler(), slog.LevelWarn})
		return cfg, nil
	}
	cfg.Took = func(step string, d time.Duration) { g.Log.Info("started", "step", step, "ms", d.Milliseconds()) }
	return cfg, nil
}

// parseAt reads a date, which means nine o'clock in the morning, or a date with a time of day, both in Japan.
func parseAt(s string) (time.Time, error) {
	if at, err := time.ParseInLocation(time.DateOnly, s, clock.JST); err == nil {
		return at.Add(9 * time.Hour), nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", s, clock.JST)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "", "--at is a date such as 2026-12-01, or 2026-12-01T09:00")
	}
	return at, nil
}

// announce says where everything is; the start page first.
func (cmd *DemoCmd) announce(out io.Writer, d *demo.Demo, dir string, took time.Duration) error {
	fmt.Fprintf(out, "\nAkashi is ready (%.1f s). In the demonstration it is %s.\n\n  Start here:  %s/\n\n", took.Seconds(),
		d.Clock.Now().Format("2006-01-02 15:04"), d.URL(demo.StartPage))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name  string
		place demo.Place
	}{{"Citizen portal", demo.CitizenPortal}, {"Registrar console", demo.OfficePortal}, {"Verification page", demo.PublicPortal}, {"API", demo.API}} {
		fmt.Fprintf(table, "  %s\t%s/\n", row.name, d.URL(row.place))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("saying where the demonstration is: %w", err)
	}
	fmt.Fprintf(out, "\nEverything outside is simulated and nobody in it is real. Data: %s\nCtrl-C stops what was started here; --reset begins anew.\n", dir)
	return nil
}

// quiet passes on what has at least a level.
type quiet struct {
	slog.Handler
	least slog.Level
}

// Enabled tells whether a line of the level is passed on.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= q.least && q.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the threshold.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.least}
}

// WithGroup keeps the threshold.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name), q.least} }
