package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/qualification"
	"akashi/qualifications"
)

// QualificationNew begins the file of a new definition.
type QualificationNew struct {
	ID        string   `arg:"" help:"Id of the qualification, e.g. kangoshi; also the name of the file."`
	From      []string `name:"from" env:"-" required:"" placeholder:"BASE" help:"Files under bases/ that it extends, in order, e.g. licence,prefecture."`
	Dir       string   `name:"dir" env:"-" default:"." type:"existingdir" help:"Where to write it. Bases that lie there are used."`
	Row       int      `name:"row" env:"-" help:"Its row in the table of 84 of the policy."`
	Code      string   `name:"code" env:"-" help:"Its two characters in the codes of registers."`
	NameJA    string   `name:"name-ja" env:"-" help:"Its name in Japanese."`
	NameEN    string   `name:"name-en" env:"-" help:"Its name in English."`
	NameEasy  string   `name:"name-easy" env:"-" help:"Its name in plain Japanese, with readings: {看護師|かんごし}."`
	Kana      string   `name:"kana" env:"-" help:"Its name in hiragana."`
	ValidFrom string   `name:"valid-from" env:"-" placeholder:"DATE" help:"First day on which applications are made under it."`
	Lang      string   `name:"lang" env:"-" enum:"en,ja,easy" default:"en" help:"Language of what is printed and of the comments in the file: en, ja, easy (plain Japanese)."`
}

// idShape is that of an id, which becomes the name of a file.
var idShape = regexp.MustCompile(`^[a-z][a-z0-9-]{0,59}$`)

// refusal says in the language that was asked for what must be changed, English when none was.
func refusal(lang string, s qualification.Saying) error {
	return fault.Wrap(fault.Invalid, qualification.ErrorIn(langOf(lang), s), "")
}

func langOf(lang string) qualification.Lang {
	return cmp.Or(qualification.Lang(lang), qualification.EN)
}

// Run writes <id>.yaml, never over a file that is there, and prints what is missing in it.
func (c *QualificationNew) Run(g *Globals) error {
	s, err := c.skeleton()
	if err != nil {
		return err
	}
	files, err := filesAround(filepath.Join(c.Dir, c.ID+".yaml"), c.Lang)
	if err != nil {
		return err
	}
	if files[c.ID+".yaml"] != nil {
		return refusal(c.Lang, qualification.Say("command-id-there", c.ID))
	}
	for _, base := range s.Bases {
		if files[base] == nil {
			return refusal(c.Lang, qualification.Say("command-no-base", base, basesIn(files)))
		}
	}
	text, missing, err := s.Write(files)
	if err != nil {
		return err
	}
	name := filepath.Join(c.Dir, c.ID+".yaml")
	if err := writeNew(name, text, c.Lang); err != nil {
		return err
	}
	lang := langOf(c.Lang)
	fmt.Fprintf(g.Out, "%s:\n", qualification.Say("command-written", name, "akashi qualification lint "+name).In(lang))
	for _, line := range missing.In(lang) {
		fmt.Fprintln(g.Out, line)
	}
	return nil
}

// basesIn names the bases as --from takes them.
func basesIn(files map[string][]byte) (names []string) {
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if name, ok := strings.CutPrefix(file, "bases/"); ok {
			names = append(names, strings.TrimSuffix(name, ".yaml"))
		}
	}
	return names
}

func (c *QualificationNew) skeleton() (qualification.Skeleton, error) {
	s := qualification.Skeleton{ID: c.ID, Row: c.Row, Code: c.Code, Kana: c.Kana, Name: qualification.Text{JA: c.NameJA, EN: c.NameEN, Easy: c.NameEasy}, Lang: langOf(c.Lang)}
	if !idShape.MatchString(c.ID) {
		return s, refusal(c.Lang, qualification.Say("command-id-shape", c.ID))
	}
	if c.ValidFrom != "" {
		day, err := calendar.ParseISO(c.ValidFrom)
		if err != nil {
			return s, refusal(c.Lang, qualification.Say("command-valid-from", c.ValidFrom, "2027-04-01"))
		}
		s.ValidFrom = day
	}
	for _, base := range c.From {
		s.Bases = append(s.Bases, "bases/"+strings.TrimSuffix(strings.TrimPrefix(base, "bases/"), ".yaml")+".yaml")
	}
	return s, nil
}

// writeNew writes a file that is not there yet.
func writeNew(name string, data []byte, lang string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return refusal(lang, qualification.Say("command-file-there", name))
	case err != nil:
		return refusal(lang, qualification.Say("command-no-write", name, err.Error()))
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// filesAround reads the definitions of the program, and over them the bases and registrars that lie beside a file, so that
// whoever works on a base sees it in what extends it.
func filesAround(name, lang string) (map[string][]byte, error) {
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(name)
	if abs, err := filepath.Abs(dir); err == nil && filepath.Base(abs) == "versions" {
		dir = filepath.Dir(abs)
	}
	bases, err := filepath.Glob(filepath.Join(dir, "bases", "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("looking for bases beside %s: %w", name, err)
	}
	for _, file := range append(bases, filepath.Join(dir, "registrars.yaml")) {
		data, err := os.ReadFile(file)
		switch {
		case err == nil:
			files[placeOf(file)] = data
		case !errors.Is(err, fs.ErrNotExist):
			return nil, refusal(lang, qualification.Say("command-no-read", file, err.Error()))
		}
	}
	return files, nil
}
