// Package relying serves bodies that check many credentials by a program under a name of their own: registered verifiers,
// such as a hospital group that takes on three hundred nurses, or a counter of an authority.
//
// They are known by keys (Desk.Known). They send up to ten thousand credentials at once (Desk.Receive); a job checks them one
// after another (Clerk.Check), and what was sent is sealed until then and gone afterwards. They ask to be told when the
// status of a credential changes (Desk.Ask); its holder decides (Holder), and each change is sent as a signed request
// (Clerk.Tell, Clerk.Send). Nobody is told of a change without a holder who agrees at that moment, and the holder sees in the
// record of looks who was told.
//
// After a crash a question goes on with the lines that are still sealed; a notification may be sent again under the same
// id, so that the receiver can tell.
package relying

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
)

// Limits.
const (
	MaxLines      = 10_000 // credentials of one question
	MaxCredential = 16 << 10
	MaxRef        = 64 // characters of the verifier's own reference
	MaxPurpose    = 200
	MaxWatchDays  = 731 // two years: longer than that nobody remembers what they agreed to
	MaxOpen       = 3   // questions of one verifier that are not finished
	keepAnswers   = 24 * time.Hour
	keepSent      = 30 * 24 * time.Hour
)

// Client is a registered verifier.
type Client struct {
	ID         string
	Name       string // as its people and holders know it
	WebhookURL string // where notifications go; empty: nowhere
	CreatedAt  time.Time
	ClosedAt   *time.Time
}

// Key is what a verifier's key is known by. The secret is nowhere.
type Key struct {
	ID        string
	ClientID  string
	Label     string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt *time.Time
}

// keyPrefix begins every key, so that a scanner for leaked secrets can know it.
const keyPrefix = "akv"

var alphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// newID returns n random bytes as lower-case letters and digits.
func newID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, or the program ends (crypto/rand)
	return alphabet.EncodeToString(b)
}

// newKey makes a key: what the verifier keeps, its id and the hash that we keep. The secret has 256 bits, so that a plain
// hash of it can be kept.
func newKey() (text, id string, sum [32]byte) {
	id = newID(10)
	secret := newID(32)
	return keyPrefix + "_" + id + "_" + secret, id, sha256.Sum256([]byte(secret))
}

// parseKey divides a key into its id and the hash of its secret.
func parseKey(text string) (id string, sum [32]byte, ok bool) {
	parts := strings.Split(text, "_")
	if len(text) > 120 || len(parts) != 3 || parts[0] != keyPrefix || parts[1] == "" || parts[2] == "" {
		return "", sum, false
	}
	return parts[1], sha256.Sum256([]byte(parts[2])), true
}

// fits tells whether a stored hash is that of the secret, in a time that does not depend on where they differ.
func fits(stored []byte, sum [32]byte) bool { return subtle.ConstantTimeCompare(stored, sum[:]) == 1 }

// Line is one credential of a question: what its QR code holds, and the verifier's own reference to it.
type Line struct {
	Ref        string
	Credential string
}

// Check is a question about many credentials.
type Check struct {
	ClientID   string
	ID         uuid.UUID
	Total      int
	Done       int
	ReceivedAt time.Time
	FinishedAt *time.Time
}

// ExpiresAt is when the answers are deleted; zero while it is not finished.
func (c *Check) ExpiresAt() time.Time {
	if c.FinishedAt == nil {
		return time.Time{}
	}
	return c.FinishedAt.Add(keepAnswers)
}

// Answer is what came of one line: the verdict and its three checks, the credential's id when its signature holds, and no
// fact of the holder, since the verifier has the credential.
type Answer struct {
	Line         int // from 1
	Ref          string
	Verdict      *string // nil while it waits
	Untampered   *string
	Issuer       *string
	Status       *string
	StatusSince  *time.Time
	CredentialID *string
	CheckedAt    *time.Time
}

// checkRef refuses a reference that is too long, has control characters or begins as a spreadsheet's formula does, since
// it comes back in CSV.
func checkRef(ref string) (why string) {
	switch {
	case !utf8.ValidString(ref) || utf8.RuneCountInString(ref) > MaxRef:
		return fmt.Sprintf("ref has more than %d characters or is not UTF-8", MaxRef)
	case strings.ContainsFunc(ref, unicode.IsControl):
		return "ref has a control character"
	case ref != "" && strings.ContainsAny(ref[:1], "=+-@"):
		return "ref begins with = + - or @, which spreadsheets take for a formula"
	}
	return ""
}

// checkLine tells why a line cannot be taken, or nothing.
func checkLine(l Line) (why string) {
	switch {
	case l.Credential == "":
		return "credential is missing"
	case len(l.Credential) > MaxCredential:
		return fmt.Sprintf("credential has more than %d bytes", MaxCredential)
	}
	return checkRef(l.Ref)
}

// WatchState says where a watch stands.
type WatchState string

// The states of a watch. The sentences stand in the table watch_state, which a test compares.
const (
	Asked   WatchState = "asked"
	Granted WatchState = "granted"
	Refused WatchState = "refused"
	Ended   WatchState = "ended"
)

// WatchStates lists every state.
var WatchStates = []WatchState{Asked, Granted, Refused, Ended}

// WatchMoves lists the states that may follow each state. The database holds the same table.
var WatchMoves = map[WatchState][]WatchState{
	Asked:   {Granted, Refused, Ended},
	Granted: {Ended},
}

// May tells whether a watch may move from one state to another.
func (s WatchState) May(to WatchState) bool { return slices.Contains(WatchMoves[s], to) }

// Watch is a verifier's wish to be told of changes of a credential's status.
type Watch struct {
	RegisterID string
	ID         uuid.UUID
	ClientID   string
	PublicID   string // of the credential
	Ref        string // the verifier's own
	Purpose    string // shown to the holder
	Until      calendar.Date
	State      WatchState
	AskedAt    time.Time
	DecidedAt  *time.Time
	EndedAt    *time.Time
}

// Over tells whether the day until which it was asked for has passed.
func (w *Watch) Over(today calendar.Date) bool { return w.Until.Before(today) }

// Wish is what a verifier asks for.
type Wish struct {
	PublicID string // of the credential, from a check that held
	Ref      string
	Purpose  string
	Until    calendar.Date
}

func (w Wish) check(today calendar.Date) error {
	why := checkRef(w.Ref)
	switch n := utf8.RuneCountInString(w.Purpose); {
	case why != "":
	case n == 0 || n > MaxPurpose || !utf8.ValidString(w.Purpose) || strings.ContainsFunc(w.Purpose, unicode.IsControl):
		why = fmt.Sprintf("purpose has 1 to %d characters on one line; the holder reads it", MaxPurpose)
	case w.Until.Before(today) || today.AddDays(MaxWatchDays).Before(w.Until):
		why = fmt.Sprintf("until lies between today and %d days from now", MaxWatchDays)
	}
	if why == "" {
		return nil
	}
	return fault.New(fault.Invalid, ReasonWish, "asking for a watch: "+why, why)
}

// told is the word for a credential's state in a notification: that of a verdict. Who has suspended it, the office or the holder, is
// said to nobody.
func told(s credential.State) string {
	switch s {
	case credential.Intended:
		return ""
	case credential.OnHold:
		return string(credential.Suspended)
	}
	return string(s)
}

// Reasons of refusals: keys of the fault.
const (
	ReasonWish     = "relying.wish"     // a watch that cannot be asked for; the fault's first argument says why
	ReasonLines    = "relying.lines"    // a question that cannot be taken; the first argument says why
	ReasonBusy     = "relying.busy"     // MaxOpen questions are not finished
	ReasonReused   = "relying.reused"   // the same request key with other content
	ReasonNoHook   = "relying.no_hook"  // a watch without an address for notifications
	ReasonStanding = "relying.standing" // there is a watch on the credential already
	ReasonNotUsed  = "relying.not_used" // the register does not tell verifiers of changes
)
