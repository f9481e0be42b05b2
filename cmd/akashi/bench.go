package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"akashi/internal/bench"
	"akashi/internal/fault"
)

// BenchCmd measures the program against its aims.
type BenchCmd struct {
	Name    string `arg:"" optional:"" help:"Which bench: cases, verify, credential or catalogue. Default: all, one after the other."`
	Seconds int    `env:"-" default:"10" help:"How long each measurement takes."`
	Clients int    `env:"-" default:"8" help:"Clients at once."`
	JSON    bool   `env:"-" help:"Print one JSON object a line: name, value, unit, goal, ok, note, and p50, p95, p99 where steps are timed."`
	Data    string `env:"-" placeholder:"DIR" type:"path" help:"Empty directory to work in; it is kept. Default: a new one under /var/tmp, removed at the end."`
}

// Run measures, prints what came out, and answers no when an aim was missed.
func (cmd *BenchCmd) Run(ctx context.Context, g *Globals) (err error) {
	if cmd.Name == "simulators" {
		return bench.RunSimulators(ctx, os.Stdin, g.Log)
	}
	if cmd.Name == "papers" {
		return bench.RunPapers(ctx, time.Duration(cmd.Seconds)*time.Second, os.Stdout)
	}
	all := bench.All()
	if cmd.Name != "" {
		all = slices.DeleteFunc(all, func(b bench.Bench) bool { return b.Name != cmd.Name })
	}
	if len(all) == 0 || cmd.Seconds < 1 || cmd.Clients < 2 {
		return fault.New(fault.Invalid, "", "the benches are cases, verify, credential and catalogue; --seconds is at least 1, --clients at least 2")
	}
	var rows []bench.Row
	for _, b := range all {
		measured, err := cmd.measure(ctx, g, b)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", b.Name, err)
		}
		rows = append(rows, measured...)
	}
	write := bench.WriteTable
	if cmd.JSON {
		write = bench.WriteJSON
	}
	if err := write(g.Out, rows); err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(r bench.Row) bool { return !r.OK }) {
		return errNo
	}
	return nil
}

// measure runs one bench in a directory of its own.
func (cmd *BenchCmd) measure(ctx context.Context, g *Globals, b bench.Bench) (rows []bench.Row, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding the program: %w", err)
	}
	dir := filepath.Join(cmd.Data, b.Name)
	if cmd.Data == "" {
		if dir, err = os.MkdirTemp("/var/tmp", "akashi-bench-"); err != nil {
			return nil, fmt.Errorf("making a directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the database's user passes through it
		return nil, fmt.Errorf("opening a directory: %w", err)
	}
	return b.Run(ctx, bench.Config{Program: program, Dir: dir, Clients: cmd.Clients, For: time.Duration(cmd.Seconds) * time.Second, Out: os.Stderr, Log: g.Log})
}
