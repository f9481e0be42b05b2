package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/portal/preview"
	"akashi/internal/qualification"
	"akashi/internal/server"
	"akashi/internal/system"
)

// QualificationPreview shows a definition in a browser of this machine.
type QualificationPreview struct {
	Definition string `arg:"" name:"definition" help:"A file, an id (kangoshi), or an id with its version (kangoshi@2026-04-01.1)."`
	Port       int    `name:"port" env:"-" default:"8490" help:"Port on 127.0.0.1; 0 takes a free one."`
	Lang       string `name:"lang" env:"-" enum:"en,ja,easy" default:"en" help:"Language of what is printed: en, ja, easy (plain Japanese). The pages have a choice of their own."`
}

// Run serves the pages until it is stopped.
func (c *QualificationPreview) Run(ctx context.Context, g *Globals) error {
	catalogue, err := system.Definitions()
	if err != nil {
		return err
	}
	read := c.reader(catalogue)
	if _, _, err := read(); err != nil {
		return err
	}
	listener := server.Config{Name: "preview", Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)), Logger: g.Log}
	listener.Handler, err = preview.New(preview.Config{Origin: "http://" + listener.Addr, Read: read, Registrar: catalogue.Registrar, Clock: clock.System{}, Log: g.Log})
	if err != nil {
		return err
	}
	s, err := server.Listen(listener)
	if err != nil {
		return err
	}
	fmt.Fprintln(g.Out, qualification.Say("command-preview", s.URL(), c.Definition).In(langOf(c.Lang)))
	return server.Run(ctx, s)
}

// reader reads the definition anew whenever it is called. A file that cannot be read just now, as while an editor writes
// it, is a finding like any other.
func (c *QualificationPreview) reader(catalogue *qualification.Catalogue) func() (*qualification.Definition, qualification.Findings, error) {
	return func() (*qualification.Definition, qualification.Findings, error) {
		d, found, err := definitionOf(c.Definition, c.Lang)
		if fault.KindOf(err) == fault.Invalid && c.isFile() {
			return nil, qualification.Findings{qualification.FindingOf(c.Definition, err)}, nil
		}
		if err == nil && d != nil {
			found = append(found, catalogue.Clashes(d, d.ID+".yaml")...)
		}
		return d, found, err
	}
}

// isFile tells a file from the id of a definition of the program.
func (c *QualificationPreview) isFile() bool {
	if _, err := os.Stat(c.Definition); err == nil {
		return true
	}
	return strings.HasSuffix(c.Definition, ".yaml")
}
