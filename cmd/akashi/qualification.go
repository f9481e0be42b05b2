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

	"akashi/internal/calendar"
	"akashi/internal/qualification"
	"akashi/internal/system"
	"akashi/qualifications"
)

// QualificationCmd works on the definitions of the qualifications; it needs no database.
type QualificationCmd struct {
	List    QualificationList    `cmd:"" without:"log" help:"List the qualifications and their registers."`
	Show    QualificationShow    `cmd:"" without:"log" help:"Show one definition with its bases merged in; what is not confirmed bears a question mark."`
	Facts   QualificationFacts   `cmd:"" without:"log" help:"Count the confirmed, unverified and unknown facts of each qualification, or list those of one."`
	Lint    QualificationLint    `cmd:"" without:"log" help:"Check definitions. Exit code 3 when something is wrong with them."`
	New     QualificationNew     `cmd:"" without:"log" help:"Begin a definition: writes a file that extends bases, with a line for each key that is still missing."`
	Preview QualificationPreview `cmd:"" help:"Show the pages of a definition's form and its credential in a browser of this machine."`
	Diff    QualificationDiff    `cmd:"" without:"log" help:"What it means to put one version of a definition in the place of another. Exit code 3 when it would be refused."`
}

// QualificationShow prints one definition.
type QualificationShow struct {
	ID   string `arg:"" help:"Id of the qualification, e.g. kangoshi."`
	At   string `name:"at" env:"-" placeholder:"DATE" help:"Print only its registers and the functions that they use, as the definition has them on a day (YYYY-MM-DD). Acts of the console are not known here."`
	JSON bool   `name:"json" env:"-" help:"Print the whole definition as JSON."`
	Lang string `name:"lang" env:"-" enum:"en,ja,easy" default:"en" help:"Language of what is printed: en, ja, easy (plain Japanese). JSON holds all three."`
}

// Run prints the outline of the definition, or all of it as JSON.
func (c *QualificationShow) Run(g *Globals) error {
	catalogue, err := system.Definitions()
	if err != nil {
		return err
	}
	d, ok := catalogue.Definition(c.ID)
	if !ok {
		return refusal(c.Lang, qualification.Say("command-no-qualification", c.ID))
	}
	if c.At != "" {
		return c.registers(g.Out, catalogue, d)
	}
	if c.JSON {
		return printJSON(g.Out, json.RawMessage(d.Resolved()))
	}
	_, err = io.WriteString(g.Out, d.OutlineIn(langOf(c.Lang)))
	return err
}

// registers prints how each register stands on a day, by procedure.
func (c *QualificationShow) registers(out io.Writer, cat *qualification.Catalogue, d *qualification.Definition) error {
	day, err := calendar.ParseISO(c.At)
	if err != nil {
		return refusal(c.Lang, qualification.Say("shape-date", c.At, "2027-04-01"))
	}
	lines, names := []standLine{}, []string{}
	for i := range d.Registers {
		for j := range d.Procedures {
			for _, channel := range []string{qualification.ChannelOnline, qualification.ChannelCounter} {
				o := cat.Offering(d.Registers[i].ID, d.Procedures[j].ID, channel, day)
				if o.Listed {
					l := newStandLine(cat, &d.Registers[i], d.Procedures[j].ID, channel, o)
					l.Functions = usedOn(cat, d.Registers[i].ID, day)
					lines, names = append(lines, l), append(names, registrarName(cat, &d.Registers[i]).In(langOf(c.Lang)))
				}
			}
		}
	}
	if c.JSON {
		return printJSON(out, lines)
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for i, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Register, l.Procedure, l.Channel, stateWord(l.State).In(langOf(c.Lang)), l.Since, strings.Join(l.Functions, ","), names[i])
	}
	return t.Flush()
}

// usedOn lists the functions that a register uses on a day.
func usedOn(cat *qualification.Catalogue, register string, day calendar.Date) []string {
	return slices.DeleteFunc(slices.Clone(qualification.Functions), func(f string) bool { return !cat.Uses(register, f, day) })
}

// standLine is how a procedure stands at a register through a channel on a day.
type standLine struct {
	Register      string   `json:"register"`
	Procedure     string   `json:"procedure"`
	Channel       string   `json:"channel"`
	State         string   `json:"state"` // open | planned | closed | undecided
	Since         string   `json:"since"` // the day of the state, "" when none is known
	RegistrarName string   `json:"registrar_name"`
	Functions     []string `json:"functions"` // that the register uses on the day
}

func newStandLine(cat *qualification.Catalogue, g *qualification.Register, procedure, channel string, o qualification.Offering) standLine {
	l := standLine{Register: g.ID, Procedure: procedure, Channel: channel, State: "undecided"}
	var on calendar.Date
	switch {
	case o.Open:
		l.State, on = "open", o.Since
	case !o.From.IsZero():
		l.State, on = "planned", o.From
	case !o.Closed.IsZero():
		l.State, on = "closed", o.Closed
	}
	if !on.IsZero() {
		l.Since = on.String()
	}
	l.RegistrarName = registrarName(cat, g).JA
	return l
}

// registrarName names who keeps a register.
func registrarName(cat *qualification.Catalogue, g *qualification.Register) qualification.Text {
	body, ok := cat.Registrar(g.Registrar)
	if !ok {
		return qualification.Text{}
	}
	return body.Name
}

// stateWord says how far a register, a procedure or a qualification is.
func stateWord(state string) qualification.Saying {
	switch state {
	case "open":
		return qualification.Say("list-open")
	case "in_use":
		return qualification.Say("list-used")
	case "planned":
		return qualification.Say("list-planned")
	case "closed":
		return qualification.Say("list-closed")
	}
	return qualification.Say("list-undecided")
}

// QualificationLint checks definitions.
type QualificationLint struct {
	Files []string `arg:"" optional:"" type:"existingfile" help:"Definitions to check instead of the ones of the same name in this program, or in addition to them. A file in a directory called bases or versions is taken for one of those."`
	JSON  bool     `name:"json" env:"-" help:"Print JSON: each finding with its code, its arguments, and the sentence in English."`
	Lang  string   `name:"lang" env:"-" enum:"en,ja,easy" default:"en" help:"Language of what is printed: en, ja, easy (plain Japanese)."`
}

// Run reads the definitions of the program with the given files laid over them and prints what is wrong.
func (c *QualificationLint) Run(g *Globals) error {
	found, err := c.findings()
	if err != nil {
		return err
	}
	return c.answer(g.Out, found)
}

// findings is what is wrong with the definitions.
func (c *QualificationLint) findings() (found qualification.Findings, err error) {
	cat, err := c.load()
	if err == nil {
		found, err = heldTogether(cat)
	}
	if err != nil && !errors.As(err, &found) {
		return nil, err
	}
	return found, nil
}

// load reads the definitions of the program with the given files laid over them.
func (c *QualificationLint) load() (*qualification.Catalogue, error) {
	if len(c.Files) == 0 {
		return system.Definitions()
	}
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		return nil, err
	}
	for _, name := range c.Files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, refusal(c.Lang, qualification.Say("command-no-read", name, err.Error()))
		}
		files[placeOf(name)] = data
	}
	return qualification.LoadFiles(files)
}

// answer prints the findings. With any, the answer is no.
func (c *QualificationLint) answer(out io.Writer, found qualification.Findings) error {
	if err := c.print(out, found); err != nil {
		return err
	}
	if len(found) > 0 {
		return errNo
	}
	return nil
}

// heldTogether compares each version of a qualification with the one before it: what the later one could not take the place
// of is a finding, before its day has come.
func heldTogether(cat *qualification.Catalogue) (found qualification.Findings, err error) {
	all := cat.Versions() // by id, the one valid latest first
	for i := 1; i < len(all); i++ {
		next, old := all[i-1], all[i]
		if next.ID != old.ID {
			continue
		}
		c, err := qualification.Compare(old, next)
		if err != nil {
			return nil, err
		}
		for _, no := range c.Refused {
			no.File = next.ID + "@" + next.Version
			found = append(found, no)
		}
	}
	return found, nil
}

func (c *QualificationLint) print(out io.Writer, found qualification.Findings) error {
	if c.JSON {
		return printJSON(out, append(qualification.Findings{}, found...))
	}
	for _, line := range found.In(langOf(c.Lang)) {
		if _, err := fmt.Fprintln(out, line); err != nil {
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
