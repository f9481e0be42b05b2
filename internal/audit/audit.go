// Package audit keeps the log of who did what to whose data, for which purpose: the log that a person reads under "who
// looked at my data" and that an auditor can prove complete.
//
// Record inserts events in the transaction of the act they record, so an act without its event, or an event without its
// act, does not exist. An event never holds a value: it names the items that were seen or changed, not what they said.
//
// Numbering comes afterwards. The Sequencer takes committed events, gives each the next number in a Merkle log (RFC
// 6962) and signs checkpoints of it. The log holds salted hashes only: whoever has a checkpoint can demand proof that an
// event stands in it and that nothing before it has changed, and learns nothing about any other event.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"akashi/internal/fault"
)

// ActorKind says what sort of actor did something.
type ActorKind string

const (
	ActorPerson  ActorKind = "person"  // the applicant or holder, logged in
	ActorStaff   ActorKind = "staff"   // a member of a body's staff
	ActorSystem  ActorKind = "system"  // a job or an automatic check
	ActorPublic  ActorKind = "public"  // anybody, not logged in
	ActorRelying ActorKind = "relying" // a relying system, by its client id
)

// Actor is who did it.
type Actor struct {
	Kind ActorKind
	// ID is the staff id, the job's kind or the client id. For a person it is empty or the event's Ref: an id that is
	// the same at two registrars must not stand in their logs.
	ID   string
	Role string // the role that permitted the act, for staff
	Body string // the body for which staff acted
}

// Event is one thing that happened. It names and refers, and holds no value of anybody's data.
type Event struct {
	Act       Act
	Actor     Actor
	Purpose   string      // why, as stated; at most 200 characters, shown to the person
	Register  string      // register id, "" when none
	Registrar string      // registrar id, "" when none
	Ref       uuid.UUID   // the person concerned, as the registrar knows them; Nil when none or several
	Subjects  []uuid.UUID // the persons concerned when one look is at several, instead of Ref; written, never listed
	Case      uuid.UUID   // the application concerned; Nil when none
	Entry     uuid.UUID   // the register's entry concerned; Nil when none
	Items     []string    // names of the items seen or changed, such as "name" or "domicile"
	Outcome   string      // a code, such as "found", "refused" or "approved"
}

// Logged is an event as the log holds it.
type Logged struct {
	Event
	ID         uuid.UUID
	At         time.Time
	Salt       []byte
	Commitment []byte
	Digest     []byte // SHA-256 over the salt and the subjects, nil when there are none
	Seq        int64  // number in the Merkle log; meaningful when Sealed
	Sealed     bool   // the event has its number
}

const (
	maxItems   = 64
	maxPurpose = 200
	// maxSubjects bounds the people of one event: a page of a list.
	maxSubjects = 200
)

var (
	idShape   = regexp.MustCompile(`^[\x21-\x7e]{0,200}$`)
	nameShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/\[\]-]{0,79}$`)
)

// check refuses an event that is not one of Acts or that might carry a value. A refusal is a mistake in the program.
func (e Event) check() error {
	if _, known := Lookup(e.Act); !known {
		return e.refuse("the act is not in the table of acts")
	}
	for _, id := range []string{e.Actor.ID, e.Actor.Role, e.Actor.Body, e.Register, e.Registrar} {
		if !idShape.MatchString(id) {
			return e.refuse("an id is not plain ASCII")
		}
	}
	if err := e.checkActor(); err != nil {
		return err
	}
	if !plainText(e.Purpose, maxPurpose) {
		return e.refuse("the purpose is too long or has control characters")
	}
	if len(e.Subjects) > maxSubjects || len(e.Subjects) > 0 && e.Ref != uuid.Nil {
		return e.refuse("too many subjects, or one beside them")
	}
	if len(e.Items) > maxItems {
		return e.refuse("too many items")
	}
	for _, item := range e.Items {
		if !nameShape.MatchString(item) {
			return e.refuse("an item is not a name")
		}
	}
	if e.Outcome != "" && !nameShape.MatchString(e.Outcome) {
		return e.refuse("the outcome is not a code")
	}
	return nil
}

func (e Event) checkActor() error {
	switch e.Actor.Kind {
	case ActorPerson:
		if e.Actor.ID != "" && e.Actor.ID != e.Ref.String() {
			return e.refuse("a person is named by an id that is not the registrar's reference")
		}
	case ActorStaff, ActorRelying:
		if e.Actor.ID == "" {
			return e.refuse("the actor has no id")
		}
	case ActorSystem, ActorPublic:
	default:
		return e.refuse("the kind of actor is unknown")
	}
	return nil
}

func (e Event) refuse(why string) error {
	return fault.New(fault.Internal, "", fmt.Sprintf("recording %q: %s", e.Act, why))
}

// plainText tells whether s is one line of at most limit characters that JSON writes without an escape of Go's own.
func plainText(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
}

// canonical is the form whose hash goes into the log: RFC 8785 JSON, keys in order. encoding/json writes exactly that
// here, because the fields stand in alphabetical order, numbers are small and check has refused the characters that it
// would escape otherwise.
type canonical struct {
	Act       Act            `json:"act"`
	Actor     canonicalActor `json:"actor"`
	At        string         `json:"at"`
	Case      string         `json:"case"`
	Entry     string         `json:"entry"`
	ID        string         `json:"id"`
	Items     []string       `json:"items"`
	Outcome   string         `json:"outcome"`
	Purpose   string         `json:"purpose"`
	Ref       string         `json:"ref"`
	Register  string         `json:"register"`
	Registrar string         `json:"registrar"`
	Subjects  string         `json:"subjects,omitempty"` // hexadecimal digest; makes it version 2
	V         int            `json:"v"`
}

type canonicalActor struct {
	Body string    `json:"body"`
	ID   string    `json:"id"`
	Kind ActorKind `json:"kind"`
	Role string    `json:"role"`
}

// canonicalTime is UTC with the microseconds that PostgreSQL keeps.
const canonicalTime = "2006-01-02T15:04:05.000000Z"

// Canonical returns the event as the bytes that its commitment covers: RFC 8785 JSON, version 1, or 2 with several subjects.
func (l Logged) Canonical() ([]byte, error) {
	version := 1
	if len(l.Digest) > 0 {
		version = 2
	}
	items := l.Items
	if items == nil {
		items = []string{}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(canonical{
		Act: l.Act, Actor: canonicalActor{Body: l.Actor.Body, ID: l.Actor.ID, Kind: l.Actor.Kind, Role: l.Actor.Role},
		At: l.At.UTC().Format(canonicalTime), Case: idText(l.Case), Entry: idText(l.Entry), ID: l.ID.String(), Items: items,
		Outcome: l.Outcome, Purpose: l.Purpose, Ref: idText(l.Ref), Register: l.Register, Registrar: l.Registrar,
		Subjects: hex.EncodeToString(l.Digest), V: version,
	})
	if err != nil {
		return nil, fmt.Errorf("writing an audit event: %w", err)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

// commit returns SHA-256(salt || body). The salt has a fixed length, so it binds; it is random and stays with the event,
// so the log discloses nothing, not even to who could guess the event.
func commit(salt, body []byte) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(body)
	return h.Sum(nil)
}

// several returns ids in order, each once, without the nil one.
func several(ids []uuid.UUID) []uuid.UUID {
	out := slices.DeleteFunc(slices.Clone(ids), func(id uuid.UUID) bool { return id == uuid.Nil })
	slices.SortFunc(out, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(out)
}

// subjectsDigest binds several subjects to an event in such a way that each of them can check the event without learning
// who the others are: SHA-256 over a tag, the event's salt and the ids in order. It is nil for none.
func subjectsDigest(salt []byte, ids []uuid.UUID) []byte {
	if len(ids) == 0 {
		return nil
	}
	h := sha256.New()
	h.Write([]byte("akashi audit subjects 1\x00"))
	h.Write(salt)
	for _, id := range ids {
		h.Write(id[:])
	}
	return h.Sum(nil)
}

func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
