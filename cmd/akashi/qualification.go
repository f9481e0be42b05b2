package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"akashi/internal/fault"
	"akashi/internal/qualification"
	"akashi/qualifications"
)

// QualificationCmd works on the definitions of the qualifications; it needs no database.
type QualificationCmd struct {
	List QualificationList `cmd:"" help:"List the qualifications and their registers."`
	Show QualificationShow `cmd:"" help:"Show one definition with its bases merged in."`
	Lint QualificationLint `cmd:"" help:"Check definitions. Exit code 3 when something is wrong with them."`
}

// QualificationList prints a line for each register.
type QualificationList struct {
	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// registerLine is what list says of a register.
type registerLine struct {
	Register      string `json:"register"`
	Code          string `json:"code"`
	Qualification string `json:"qualification"`
	Name          string `json:"name"`
	Registrar     string `json:"registrar"`
	RegistrarName string `json:"registrar_name"`
	Version       string `json:"version"`
	Rollout       string `json:"rollout"`
}

// Run prints the registers in the order of their ids.
func (c *QualificationList) Run(g *Globals) error {
	catalogue, err := qualification.Load(qualifications.Files)
	if err != nil {
		return err
	}
	lines := []registerLine{}
	for _, d := range catalogue.List() {
		for _, r := range d.Registers {
			line := registerLine{Register: r.ID, Code: r.Code, Qualification: d.ID, Name: d.Name.JA, Registrar: r.Registrar, Version: d.Version, Rollout: r.Rollout}
			if body, ok := catalogue.Registrar(r.Registrar); ok {
				line.RegistrarName = body.Name.JA
			}
			lines = append(lines, line)
		}
	}
	if c.JSON {
		return printJSON(g.Out, lines)
	}
	t := tabwriter.NewWriter(g.Out, 0, 8, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Code, l.Register, l.Version, l.Rollout, l.Name, l.RegistrarName)
	}
	return t.Flush()
}

// QualificationShow prints one definition.
type QualificationShow struct {
	ID   string `arg:"" help:"Id of the qualification, e.g. kangoshi."`
	JSON bool   `name:"json" env:"-" help:"Print the whole definition as JSON."`
}

// Run prints the outline of the definition, or all of it as JSON.
func (c *QualificationShow) Run(g *Globals) error {
	catalogue, err := qualification.Load(qualifications.Files)
	if err != nil {
		return err
	}
	d, ok := catalogue.Definition(c.ID)
	if !ok {
		return fault.New(fault.Invalid, "", fmt.Sprintf("no qualification %q; akashi qualification list shows them all", c.ID))
	}
	if c.JSON {
		return printJSON(g.Out, json.RawMessage(d.Resolved()))
	}
	_, err = io.WriteString(g.Out, d.Outline())
	return err
}

// QualificationLint checks definitions.
type QualificationLint struct {
	Files []string `arg:"" optional:"" type:"existingfile" help:"Definitions to check instead of the ones of the same name in this program, or in addition to them. A file in a directory called bases or versions is taken for one of those."`
	JSON  bool     `name:"json" env:"-" help:"Print JSON."`
}

// Run reads the definitions of the program with the given files laid over them and prints what is wrong.
func (c *QualificationLint) Run(g *Globals) error {
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		return err
	}
	for _, name := range c.Files {
		data, err := os.ReadFile(name)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "reading "+name)
		}
		files[placeOf(name)] = data
	}
	_, err = qualification.LoadFiles(files)
	var found qualification.Findings
	if err != nil && !errors.As(err, &found) {
		return err
	}
	if err := c.print(g.Out, found); err != nil {
		return err
	}
	if len(found) > 0 {
		return errNo
	}
	return nil
}

func (c *QualificationLint) print(out io.Writer, found qualification.Findings) error {
	if c.JSON {
		return printJSON(out, slices.Concat(qualification.Findings{}, found))
	}
	for _, f := range found {
		if _, err := fmt.Fprintln(out, f); err != nil {
			return err
		}
	}
	return nil
}

// placeOf says where a file stands among the definitions, by its name and the directory it lies in.
func placeOf(name string) string {
	base := filepath.Base(name)
	abs, err := filepath.Abs(name)
	if err != nil {
		return base
	}
	if dir := filepath.Base(filepath.Dir(abs)); dir == "bases" || dir == "versions" {
		return strings.Join([]string{dir, base}, "/")
	}
	return base
}

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
