package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"akashi/internal/qualification"
	"akashi/internal/system"
)

// listed is what list --json says of one qualification. What stands in the definition keeps its shape and its names there.
type listed struct {
	Row               int                       `json:"row"`
	ID                string                    `json:"id"`
	Code              string                    `json:"code"`
	Version           string                    `json:"version"`
	ValidFrom         string                    `json:"valid_from"`
	Name              qualification.Text        `json:"name"`
	Kana              string                    `json:"kana"`
	Ministry          qualification.Text        `json:"ministry"`
	Kind              string                    `json:"kind"`
	LegalBasis        qualification.Text        `json:"legal_basis"`
	LegalFact         qualification.Fact        `json:"legal_fact"`
	NumberAct         string                    `json:"number_act,omitempty"`
	Keeper            qualification.Statement   `json:"keeper"`
	Forwarding        *qualification.Forwarding `json:"forwarding,omitempty"`
	OnPaper           *qualification.Statement  `json:"on_paper,omitempty"`
	Items             []qualification.Item      `json:"items"`
	Classes           *qualification.Classes    `json:"classes,omitempty"`
	Number            qualification.NumberRule  `json:"number"`
	Validity          *qualification.Validity   `json:"validity,omitempty"`
	Base              []string                  `json:"base,omitempty"`
	BaseText          qualification.Text        `json:"base_text,omitzero"`
	BaseFact          qualification.Fact        `json:"base_fact,omitzero"`
	Disqualification  *qualification.Statement  `json:"disqualification,omitempty"`
	Reports           []qualification.Report    `json:"reports,omitempty"`
	Procedures        []listedProcedure         `json:"procedures"`
	Elsewhere         []qualification.Elsewhere `json:"elsewhere,omitempty"`
	Credential        qualification.Credential  `json:"credential"`
	Rollout           qualification.Rollout     `json:"rollout"`
	LegalOriginalFrom string                    `json:"legal_original_from,omitempty"`
	RegisterCount     int                       `json:"register_count"`
	Registers         []listedRegister          `json:"registers"`
	Facts             qualification.FactCounts  `json:"facts"`
}

// listedProcedure is a procedure with the pages of its form, and since when it is offered.
type listedProcedure struct {
	qualification.Procedure
	Offer qualification.Offer `json:"offer,omitzero"`
}

// listedRegister is one register of a qualification.
type listedRegister struct {
	ID        string `json:"id"`
	Code      string `json:"code"`
	Registrar string `json:"registrar"`
	Name      string `json:"registrar_name"` // in Japanese
	names     qualification.Text
	OpensOn   string   `json:"opens_on,omitempty"`
	ClosedOn  string   `json:"closed_on,omitempty"`
	Rollout   string   `json:"rollout"`
	Functions []string `json:"functions"` // that the definition has it use; acts of the console are not known here
}

// inventory describes every qualification, in the order of the policy's table.
func inventory(catalogue *qualification.Catalogue) ([]listed, error) {
	lines := []listed{}
	for _, d := range catalogue.List() {
		facts, err := d.PlacedFacts()
		if err != nil {
			return nil, err
		}
		l := describe(catalogue, d)
		l.Facts = qualification.CountFacts(facts)
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b listed) int { return a.Row - b.Row })
	return lines, nil
}

func describe(catalogue *qualification.Catalogue, d *qualification.Definition) listed {
	l := listed{
		Row: d.Row, ID: d.ID, Code: d.Code, Version: d.Version, ValidFrom: d.ValidFrom.String(), Name: d.Name, Kana: d.Kana, Ministry: d.Ministry, Kind: d.Kind,
		LegalBasis: d.LegalBasis, LegalFact: d.LegalFact, NumberAct: d.NumberAct, Keeper: d.Keeper, Forwarding: d.Forwarding, OnPaper: d.OnPaper, Items: d.Items, Classes: d.Classes,
		Number: d.Number, Validity: d.Validity, Base: d.Base, BaseText: d.BaseText, BaseFact: d.BaseFact, Disqualification: d.Disqualification, Reports: d.Reports,
		Elsewhere: d.Elsewhere, Credential: d.Credential, Rollout: d.Rollout,
		LegalOriginalFrom: d.LegalOriginalFrom.String(), RegisterCount: len(d.Registers), Registers: []listedRegister{},
	}
	for i := range d.Procedures {
		l.Procedures = append(l.Procedures, listedProcedure{Procedure: d.Procedures[i], Offer: d.Offers[d.Procedures[i].ID]})
	}
	for _, g := range d.Registers {
		r := listedRegister{ID: g.ID, Code: g.Code, Registrar: g.Registrar, OpensOn: g.OpensOn.String(), ClosedOn: g.ClosedOn.String(), Rollout: g.Rollout, Functions: g.Functions}
		if r.Functions == nil {
			r.Functions = qualification.Functions
		}
		r.names = registrarName(catalogue, &g)
		r.Name = r.names.JA
		l.Registers = append(l.Registers, r)
	}
	return l
}

// QualificationList prints a line for each qualification, or everything about each as JSON.
type QualificationList struct {
	JSON      bool   `name:"json" env:"-" help:"Print JSON: an array with one object for each qualification."`
	Registers bool   `name:"registers" env:"-" help:"Print a line for each register instead."`
	Lang      string `name:"lang" env:"-" enum:"en,ja,easy" default:"en" help:"Language of what is printed: en, ja, easy (plain Japanese). JSON holds all three."`
}

// Run prints the qualifications in the order of the policy's table.
func (c *QualificationList) Run(g *Globals) error {
	catalogue, err := system.Definitions()
	if err != nil {
		return err
	}
	lines, err := inventory(catalogue)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(g.Out, lines)
	}
	return printList(g.Out, lines, c.Registers, langOf(c.Lang))
}

// printList prints a line for each qualification, or for each register.
func printList(out io.Writer, lines []listed, registers bool, lang qualification.Lang) error {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, l := range lines {
		if !registers {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Row, l.Code, l.ID, l.Version, stateWord(l.Rollout.Status).In(lang),
				qualification.Say("list-registers", l.RegisterCount).In(lang), l.Name.In(lang))
			continue
		}
		for _, r := range l.Registers {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Code, r.ID, l.Version, stateWord(r.Rollout).In(lang), l.Name.In(lang), r.names.In(lang))
		}
	}
	return t.Flush()
}

// QualificationFacts prints how far the facts of the definitions were checked.
type QualificationFacts struct {
	ID   string `arg:"" optional:"" help:"Id of one qualification: lists each fact of it that is not confirmed."`
	JSON bool   `name:"json" env:"-" help:"Print JSON, with the facts that are not confirmed."`
	Lang string `name:"lang" env:"-" enum:"en,ja,easy" default:"en" help:"Language of what is printed: en, ja, easy (plain Japanese)."`
}

// checkedFacts is what facts says of one qualification.
type checkedFacts struct {
	Row  int    `json:"row"`
	ID   string `json:"id"`
	Name string `json:"name"`
	qualification.FactCounts
	Open []qualification.PlacedFact `json:"not_confirmed"`
}

// Run prints the counts of each qualification and their sum, or what is not confirmed of one.
func (c *QualificationFacts) Run(g *Globals) error {
	catalogue, err := system.Definitions()
	if err != nil {
		return err
	}
	var all []checkedFacts
	for _, d := range catalogue.List() {
		if c.ID != "" && d.ID != c.ID {
			continue
		}
		facts, err := d.PlacedFacts()
		if err != nil {
			return err
		}
		open := slices.DeleteFunc(slices.Clone(facts), func(f qualification.PlacedFact) bool { return f.Confidence == qualification.Confirmed })
		all = append(all, checkedFacts{Row: d.Row, ID: d.ID, Name: d.Name.JA, FactCounts: qualification.CountFacts(facts), Open: append([]qualification.PlacedFact{}, open...)})
	}
	if len(all) == 0 {
		return refusal(c.Lang, qualification.Say("command-no-qualification", c.ID))
	}
	slices.SortFunc(all, func(a, b checkedFacts) int { return a.Row - b.Row })
	if c.JSON {
		return printJSON(g.Out, all)
	}
	if c.ID != "" {
		return printOpen(g.Out, all[0], langOf(c.Lang))
	}
	return printCounts(g.Out, all, langOf(c.Lang))
}

func printCounts(out io.Writer, all []checkedFacts, l qualification.Lang) error {
	var sum qualification.FactCounts
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	var head []string
	for _, s := range []qualification.Saying{qualification.Say("facts-row"), qualification.Say("facts-id"), factWord(qualification.Confirmed),
		factWord(qualification.Unverified), factWord(qualification.Unknown), qualification.Say("facts-name")} {
		head = append(head, s.In(l))
	}
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, l := range all {
		fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%d\t%s\n", l.Row, l.ID, l.Confirmed, l.Unverified, l.Unknown, l.Name)
		sum.Confirmed += l.Confirmed
		sum.Unverified += l.Unverified
		sum.Unknown += l.Unknown
	}
	fmt.Fprintf(t, "\t%s\t%d\t%d\t%d\t\n", qualification.Say("facts-all", len(all)).In(l), sum.Confirmed, sum.Unverified, sum.Unknown)
	return t.Flush()
}

// factWord names a confidence.
func factWord(c qualification.Confidence) qualification.Saying {
	switch c {
	case qualification.Confirmed:
		return qualification.Say("facts-confirmed")
	case qualification.Unverified:
		return qualification.Say("facts-unverified")
	case qualification.Unknown:
	}
	return qualification.Say("facts-unknown")
}

func printOpen(out io.Writer, l checkedFacts, lang qualification.Lang) error {
	if _, err := fmt.Fprintln(out, qualification.Say("facts-of", l.ID, l.Name, l.Confirmed, l.Unverified, l.Unknown).In(lang)); err != nil {
		return err
	}
	for _, f := range l.Open {
		note := ""
		if f.Note != "" {
			note = " (" + f.Note + ")"
		}
		if _, err := fmt.Fprintf(out, "%s %s: %s%s\n", factWord(f.Confidence).In(lang), f.Path, f.Source, note); err != nil {
			return err
		}
	}
	return nil
}
