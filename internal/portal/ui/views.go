package ui

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/fault"
	"akashi/internal/qualification"
)

// Tone is the colour and shape of a notice, tag or button. It never carries meaning alone: the words do.
type Tone string

// The tones.
const (
	Info    Tone = "info"
	Success Tone = "success"
	Warning Tone = "warning"
	Danger  Tone = "danger"
	Neutral Tone = "neutral"
)

// Notice is a banner: something to know before reading on. Strings may carry readings.
type Notice struct {
	Tone  Tone
	Title string
	Body  string
	Link  Link
}

// ButtonKind is the weight of a button. A page has one Primary; a destructive act is DangerButton, never primary.
type ButtonKind string

// The kinds of button.
const (
	Primary      ButtonKind = "primary"
	Secondary    ButtonKind = "secondary"
	Quiet        ButtonKind = "quiet"
	DangerButton ButtonKind = "danger"
)

// Row is one line of a summary list or of key-values.
type Row struct {
	Label  string
	Value  string          // shown as text; empty shows 「入力なし」 in a summary list and drops the line of key-values
	Body   templ.Component // instead of Value
	Name   bool            // a person's name: the web font first, so that everybody sees the same glyphs
	Change string          // path of the 変更 link, "" for none
	Source string          // where an official value comes from
}

// Task is one line of a task list.
type Task struct {
	Text  string
	Hint  string
	Path  string // "" when it cannot be started yet
	State TaskState
}

// TaskState is how far a task is.
type TaskState string

// The states of a task. Their words are task.<state> in the catalogue.
const (
	TaskTodo    TaskState = "todo"
	TaskStarted TaskState = "started"
	TaskDone    TaskState = "done"
	TaskBlocked TaskState = "blocked"
	TaskAsked   TaskState = "asked" // filled in before, and to be corrected
)

// Event is one step of a timeline.
type Event struct {
	Title string
	Body  string
	Who   string    // who did or does it
	At    time.Time // zero for a step to come
	Day   bool      // At is a day without a time
	Due   time.Time // by when a step to come is expected
	State EventState
	Link  Link
}

// EventState is where a step of a timeline stands.
type EventState string

// The states of an event: done; the one that waits now; still to come.
const (
	EventDone   EventState = "done"
	EventNow    EventState = "now"
	EventToCome EventState = "to_come"
)

// NextStep says who acts next: the sentence that every status page begins with.
type NextStep struct {
	Mine bool   // the reader has to act
	Text string // what happens or what to do
	Due  time.Time
	Link Link // the act, when the reader has to act
}

// Chip is a chosen filter that can be taken away.
type Chip struct {
	Text   string
	Remove string // path without this filter
}

// Paging is the foot of a list that is paged by key. Empty paths are not shown.
type Paging struct {
	Summary string // e.g. 「132件中 26〜50件」
	Prev    string
	Next    string
}

// Column is one column of a table.
type Column struct {
	Text    string
	Numeric bool
	Sort    string // path that sorts by this column, "" for none
	Order   string // "ascending" or "descending" when the table is sorted by it
}

// Table is a data table. Cells are components; Cell makes one from text. The first cell of a row is its heading.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]templ.Component
	Empty   string // shown when there are no rows
	Dense   bool
}

// Cell is a table cell of text.
func Cell(s string) templ.Component { return Words(s) }

// Verdict is the outcome of checking a credential. Its words are verdict.<value> in the catalogue.
type Verdict string

// The eight outcomes (ux: "Verification page").
const (
	VerdictValid       Verdict = "valid"
	VerdictConditional Verdict = "conditional"
	VerdictSuspended   Verdict = "suspended"
	VerdictRevoked     Verdict = "revoked"
	VerdictExpired     Verdict = "expired"
	VerdictReplaced    Verdict = "replaced"
	VerdictUntrusted   Verdict = "untrusted" // altered, or the issuer is unknown
	VerdictRunOut      Verdict = "run_out"   // a code for a screen whose minutes have passed: to be shown again
	VerdictUnknown     Verdict = "unknown"   // cannot tell now: not a statement about the credential
)

// Verdicts lists the outcomes.
func Verdicts() []Verdict {
	return []Verdict{VerdictValid, VerdictConditional, VerdictSuspended, VerdictRevoked, VerdictExpired, VerdictReplaced,
		VerdictUntrusted, VerdictRunOut, VerdictUnknown}
}

// tone is the colour family of a verdict.
func (v Verdict) tone() Tone {
	switch v {
	case VerdictValid:
		return Success
	case VerdictConditional, VerdictExpired, VerdictReplaced, VerdictRunOut:
		return Warning
	case VerdictSuspended, VerdictRevoked, VerdictUntrusted:
		return Danger
	}
	return Neutral
}

// Result is the panel that answers "is this credential good?".
type Result struct {
	Verdict Verdict
	Detail  string // one more sentence, e.g. the conditions
	Checks  []ResultCheck
	At      time.Time // when it was checked
	Facts   []Row
}

// ResultCheck is one of the three checks with its own result.
type ResultCheck struct {
	Text string
	OK   bool
	Open bool // could not be done
	Say  string
}

// Change is one line of a comparison.
type Change struct {
	Label  string
	Before string
	After  string
}

// UploadedFile is a file that the server already keeps.
type UploadedFile struct {
	ID     string
	Name   string
	Detail string // size, pages
	View   string // path at which the owner can look at it
	Remove string // value of the button that removes it
}

// faultView is what an error page shows.
type faultView struct {
	Kind      fault.Kind
	Message   string
	Reference string
}

// InputID is the HTML id of an input, which the error summary links to.
func InputID(name string) string { return "f-" + strings.ReplaceAll(name, ".", "-") }

// problemFor finds the message of an input.
func problemFor(p *Page, problems []qualification.Problem, input string) string {
	for _, problem := range problems {
		if problem.Input == input {
			return p.Text(problem.Message)
		}
	}
	return ""
}
