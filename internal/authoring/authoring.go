// Package authoring lets a ministry's author bring a version of a definition in through the console: load a text, see what the
// linter finds and what the version means for open and new cases, propose it, and have a second person decide. An approved
// version holds from its date on, in every process, without a new program; before its date it can be called back.
//
// The texts are read and checked by the same code as the files that the program carries, so the console accepts nothing that
// `akashi qualification lint` refuses. A text never changes; what turned out wrong is another version. Cases keep the
// version that they were begun under.
package authoring

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/calendar"
	"akashi/internal/qualification"
)

// State says where an authored version stands.
type State string

// The states. The sentences stand in the table authored_state, which a test compares with States.
const (
	Draft     State = "draft"
	Proposed  State = "proposed"
	Approved  State = "approved"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	Recalled  State = "recalled"
)

// States lists every state in the order of a version's life.
var States = []State{Draft, Proposed, Approved, Refused, Withdrawn, Recalled}

// Moves lists the states that may follow each state. The database holds the same table and refuses every other move.
var Moves = map[State][]State{Draft: {Proposed, Withdrawn}, Proposed: {Approved, Refused, Withdrawn}, Approved: {Recalled}}

// May tells whether a version may move from one state to another.
func May(from, to State) bool { return slices.Contains(Moves[from], to) }

// Officer is a member of staff acting for a body.
type Officer struct {
	Staff account.Staff
	Body  string
}

// Text is a version as its author has loaded it, and what became of it.
type Text struct {
	ID             uuid.UUID
	Qualification  string // "" when the text cannot be understood
	Version        string
	ValidFrom      calendar.Date
	Source         []byte
	State          State
	Author         uuid.UUID
	Body           string
	CreatedAt      time.Time
	Reason         string // of the proposal
	DecidedBy      *uuid.UUID
	DecidedBody    string
	DecidedAt      *time.Time
	DecisionReason string
	PublishedAt    *time.Time // when the reference tables had it and processes began to take it up
}

// The limits of what can be loaded and written.
const (
	maxSource = 1 << 20 // bytes, as of a file
	maxReason = 500     // characters
)

// place is the name under which a text belongs among the files.
func (t *Text) place() string { return t.Qualification + ".yaml" }

// over lays approved texts over the files of the program, for a day: of each qualification the version that holds on it is
// the file, and the others are earlier and coming versions. A day of zero takes the latest of each.
func over(files map[string][]byte, texts []Text, current map[string]*qualification.Definition, day calendar.Date) map[string][]byte {
	out := maps.Clone(files)
	by := map[string][]Text{}
	for _, t := range texts {
		if held := current[t.Qualification]; held != nil && held.Version == t.Version || files[versionPlace(t.Qualification, t.Version)] != nil {
			continue // the program has come to carry it itself
		}
		by[t.Qualification] = append(by[t.Qualification], t)
	}
	for id, list := range by {
		slices.SortStableFunc(list, func(a, b Text) int {
			return cmp.Or(a.ValidFrom.Compare(b.ValidFrom), cmp.Compare(a.Version, b.Version))
		})
		held := current[id] // of the program's own files; nil for a new qualification
		for i := range list {
			t := &list[i]
			if !day.IsZero() && t.ValidFrom.After(day) || held != nil && !t.ValidFrom.After(held.ValidFrom) {
				out[versionPlace(id, t.Version)] = t.Source
				continue
			}
			if before := out[t.place()]; before != nil {
				out[versionPlace(id, versionIn(list[:i], held))] = before
			}
			out[t.place()] = t.Source
		}
	}
	return out
}

// versionIn is the version that a later one takes the place of.
func versionIn(earlier []Text, held *qualification.Definition) string {
	for _, t := range slices.Backward(earlier) {
		if held == nil || t.ValidFrom.After(held.ValidFrom) {
			return t.Version
		}
	}
	return held.Version
}

func versionPlace(id, version string) string { return "versions/" + id + "@" + version + ".yaml" }
