// Package registry keeps the registers: one line for each registered person, with its number and its whole history. A
// register changes in one way only, by Enter, inside the transaction of an approved decision (bulk import of an old
// register, a later stage, is the named exception).
//
// An entry holds the person's particulars as registered. Names are stored exactly as received; beside them stand folded
// keys for searching, made in Go with a version number, so that they can be derived again.
package registry

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
)

// State says where an entry stands.
type State string

// The states. The sentences stand in the table entry_state, which a test compares with States.
const (
	Registered State = "registered"
	Suspended  State = "suspended"
	Revoked    State = "revoked"
	Cancelled  State = "cancelled"
)

// States lists every state.
var States = []State{Registered, Suspended, Revoked, Cancelled}

// Moves lists the states that may follow each state; Suspended to itself lets the particulars of a suspended entry
// change. Back from Revoked or Cancelled is the reversal of a wrong decision. The database holds the same table.
var Moves = map[State][]State{
	Registered: {Registered, Suspended, Revoked, Cancelled},
	Suspended:  {Suspended, Registered, Revoked, Cancelled},
	Revoked:    {Registered},
	Cancelled:  {Registered},
}

// May tells whether an entry may move from one state to another.
func May(from, to State) bool { return slices.Contains(Moves[from], to) }

// Living tells whether the person is in the register.
func (s State) Living() bool { return s == Registered || s == Suspended }

// Act is what was done to an entry.
type Act string

// The acts.
const (
	ActRegister Act = "register"
	ActChange   Act = "change"
	ActRenew    Act = "renew"  // the term is counted anew
	ActReport   Act = "report" // nothing changes; the report is in the history
	ActReissue  Act = "reissue"
	ActCancel   Act = "cancel"
	ActLink     Act = "link"
	ActSuspend  Act = "suspend"
	ActRevoke   Act = "revoke"
	ActRestore  Act = "restore"
	ActLapse    Act = "lapse" // a suspension's last day has passed; no decision of its own asks for it
)

// measure tells whether the act is there to change the state: without a change nothing is left to do.
func (a Act) measure() bool {
	return a == ActSuspend || a == ActRevoke || a == ActRestore || a == ActLapse
}

// after is the state that an act leads to, given the one before.
func (a Act) after(s State) State {
	switch a {
	case ActRegister, ActRestore, ActLapse:
		return Registered
	case ActSuspend:
		return Suspended
	case ActRevoke:
		return Revoked
	case ActCancel:
		return Cancelled
	}
	return s
}

// Entry is one line of a register as it stands now.
type Entry struct {
	RegisterID   string
	ID           uuid.UUID
	RegistrarID  string
	Number       string
	PersonRef    *uuid.UUID // nil until the holder has linked the entry
	State        State
	RegisteredOn calendar.Date
	Facts        map[string]string // by register item; a name has a full-width space between its parts
	Revision     int
	UpdatedAt    time.Time
	Class        string        // what tells entries of one person apart, see qualification.Definition.Class
	ValidUntil   calendar.Date // last day of its term, zero when it has none
	// SuspendedUntil is the last day of the suspension, zero while there is none and when it has no end. Lifter ends it.
	SuspendedUntil calendar.Date
}

// Expired tells whether the term of the entry has ended. Nothing is done to an entry when its term ends; its state stays.
func (e *Entry) Expired(today calendar.Date) bool {
	return !e.ValidUntil.IsZero() && e.ValidUntil.Before(today)
}

// Change is one act on an entry, as the credential stage receives it inside the transaction.
type Change struct {
	Entry *Entry
	Act   Act
}

// Past is one state of an entry in its history.
type Past struct {
	Revision      int
	At            time.Time
	EffectiveOn   calendar.Date
	Act           Act
	State         State
	Facts         map[string]string
	ApplicationID *uuid.UUID    // nil for an import, and for a suspension that ended by itself
	Until         calendar.Date // last day of a suspension that the act began, zero when it has no end
}

// keys are the folded forms by which an entry is found.
type keys struct {
	name, kana string
	grams      []string
	birth      calendar.Date
}

// keysOf folds the particulars of an entry. An entry without a birth date cannot be registered.
func keysOf(facts map[string]string) (keys, error) {
	birth, err := calendar.ParseISO(facts["birth_date"])
	if err != nil {
		return keys{}, fault.Wrap(fault.Invalid, err, "registering an entry without a birth date")
	}
	name := jtext.SearchKey(facts["name"])
	if name == "" {
		return keys{}, fault.New(fault.Invalid, "", "registering an entry without a name")
	}
	return keys{name: name, kana: jtext.KanaKey(facts["name_kana"]), grams: jtext.Grams(name), birth: birth}, nil
}
