// Package bench measures this program against its stated aims, each in the same run as the limit that it is measured
// against: whole cases through the pages against the same SQL statements without pages, verification by HTTP against the
// bare lookup and signature check, credentials against their bare signatures and statements.
//
// A bench starts everything it needs by itself, as an operator would: a private PostgreSQL that keeps what it commits,
// the simulated outside systems in a process of their own, and akashi serve in another. The clients are this process.
// So the processor time and the memory of each can be told apart.
//
//	site.go, people.go   what is started, and who lives in it
//	visitor.go           a client that speaks HTTP and sends forms
//	case.go              the fixed list of requests that make a case
//	statements.go        the SQL of one case, recorded and sent again
//	cases.go, verify.go  the benches of the pages
//	credential.go        the bench of credentials: signing.go and papers.go without a database, holders.go and wallets.go
//	                     upon a site, lists.go with status lists of ten million places
//	catalogue.go         the definitions, and the office's questions among many registers
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"
)

// Config says how to measure.
type Config struct {
	Program string        // path of the akashi binary
	Dir     string        // an empty directory; each directory above it must let the user postgres pass when run as root
	Clients int           // clients at once
	For     time.Duration // how long each measurement takes
	Out     io.Writer     // hears what is being done
	Log     *slog.Logger
}

// Row is one measured value. P50, P95 and P99 are set where steps were timed, in Unit.
type Row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal"` // such as ">= 60", empty when there is none
	OK    bool    `json:"ok"`   // the goal is met, or there is none
	Note  string  `json:"note"`

	P50 *float64 `json:"p50,omitempty"`
	P95 *float64 `json:"p95,omitempty"`
	P99 *float64 `json:"p99,omitempty"`
}

// Bench is one measurement with a name.
type Bench struct {
	Name string
	Help string
	Run  func(ctx context.Context, c Config) ([]Row, error)
}

// All lists the benches.
func All() []Bench {
	return []Bench{
		{"cases", "whole cases through the pages, from the first form to the credential", Cases},
		{"verify", "verification of credentials by HTTP", Verify},
		{"credential", "credentials in every form: signing, issuance to wallets, PDFs, verification, status lists", Credential},
		{"catalogue", "the definitions, and an office among 960 registers with a million cases", Catalogue},
	}
}

// atLeast and below make rows with a goal; plain makes one without.
func atLeast(name string, value, goal float64, unit, note string) Row {
	return Row{Name: name, Value: value, Unit: unit, Goal: fmt.Sprintf(">= %g", goal), OK: value >= goal, Note: note}
}

func below(name string, value, goal float64, unit, note string) Row {
	return Row{Name: name, Value: value, Unit: unit, Goal: fmt.Sprintf("< %g", goal), OK: value < goal, Note: note}
}

func plain(name string, value float64, unit, note string) Row {
	return Row{Name: name, Value: value, Unit: unit, OK: true, Note: note}
}

// WriteJSON writes one object a line.
func WriteJSON(w io.Writer, rows []Row) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, r := range rows {
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("writing measurements: %w", err)
		}
	}
	return nil
}

// WriteTable writes the rows for people.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "measured\tvalue\tunit\tgoal\tmet\tp50\tp95\tp99\tnote")
	for _, r := range rows {
		met := ""
		if r.Goal != "" {
			met = map[bool]string{true: "yes", false: "NO"}[r.OK]
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, number(&r.Value), r.Unit, r.Goal, met, number(r.P50), number(r.P95), number(r.P99), r.Note)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing measurements: %w", err)
	}
	return nil
}

// number writes a value with three digits that mean something.
func number(v *float64) string {
	switch {
	case v == nil:
		return ""
	case *v >= 100:
		return fmt.Sprintf("%.0f", *v)
	case *v >= 10:
		return fmt.Sprintf("%.1f", *v)
	}
	return fmt.Sprintf("%.2f", *v)
}
