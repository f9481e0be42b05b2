package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// QualificationDiff tells what it means to put one version of a definition in the place of another.
type QualificationDiff struct {
	A    string `arg:"" help:"The version that is there: a file, an id (kangoshi), or an id with its version (kangoshi@2026-04-01.1)."`
	B    string `arg:"" help:"The version that is to come, likewise."`
	JSON bool   `name:"json" env:"-" help:"Print JSON: each sentence with its code, its arguments, and the words in English."`
	Lang string `name:"lang" env:"-" enum:"en,ja,easy" default:"en" help:"Language of what is printed: en, ja, easy (plain Japanese)."`
}

// Run prints every difference by its path, and what they mean. The answer is no when the new version would be refused.
func (c *QualificationDiff) Run(g *Globals) error {
	old, found, err := definitionOf(c.A, c.Lang)
	if err != nil {
		return err
	}
	if old == nil {
		return fault.New(fault.Invalid, "", fmt.Sprintf("%s:\n%s", qualification.Say("command-not-compared", c.A).In(langOf(c.Lang)), strings.Join(found.In(langOf(c.Lang)), "\n")))
	}
	next, found, err := definitionOf(c.B, c.Lang)
	if err != nil {
		return err
	}
	result := &qualification.Comparison{}
	if next != nil {
		if result, err = qualification.Compare(old, next); err != nil {
			return err
		}
	}
	result.Refused = append(result.Refused, found...)
	if err := c.print(g.Out, result); err != nil {
		return err
	}
	if len(result.Refused) > 0 {
		return errNo
	}
	return nil
}

func (c *QualificationDiff) print(out io.Writer, r *qualification.Comparison) error {
	if c.JSON {
		return printJSON(out, r)
	}
	_, err := io.WriteString(out, r.In(langOf(c.Lang)))
	return err
}

// definitionOf reads a definition from a file, or one of the program by its id, with a version or without. It is nil when
// the findings are such that it cannot be understood.
func definitionOf(name, lang string) (*qualification.Definition, qualification.Findings, error) {
	files, err := filesAround(name, lang)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(name)
	if err == nil {
		place, err := qualification.FileName(data)
		if err != nil {
			return nil, nil, fault.Wrap(fault.Invalid, qualification.ErrorIn(langOf(lang), qualification.FindingOf(name, err).Said), name)
		}
		files[place] = data
		return qualification.ReadOne(files, place)
	}
	id, version, _ := strings.Cut(name, "@")
	for _, place := range []string{id + ".yaml", "versions/" + name + ".yaml"} {
		if files[place] == nil || !idShape.MatchString(id) {
			continue
		}
		d, found, err := qualification.ReadOne(files, place)
		if err != nil || d == nil || version == "" || d.Version == version {
			return d, found, err
		}
	}
	return nil, nil, refusal(lang, qualification.Say("command-no-definition", name))
}
