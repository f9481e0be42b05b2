// Package credential makes digital credentials (デジタル資格者証) from entries of a register and keeps their one status.
//
// A credential is made in three steps, after the manner of a certificate authority: in the decision's transaction its
// exact bytes to sign are stored (the intent); a job has them signed, with no transaction open; a second transaction
// stores the signature and puts the credential in force. After a crash at any line the intent says what may have been
// signed, and the job goes on with the same bytes. An entry has at most one living credential: a new one replaces it.
package credential

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/credential/form"
	"akashi/internal/format/cose"
)

// State says where a credential stands: the one source of revocation for every form.
type State string

// The states. The sentences stand in the table credential_state, which a test compares with States.
const (
	Intended  State = "intended"
	Valid     State = "valid"
	Suspended State = "suspended" // by the office
	OnHold    State = "held"      // stopped by the holder
	Revoked   State = "revoked"
	Replaced  State = "replaced"
)

// States lists every state.
var States = []State{Intended, Valid, Suspended, OnHold, Revoked, Replaced}

// Moves lists the states that may follow each state. The database holds the same table.
var Moves = map[State][]State{
	Intended:  {Valid, Suspended, OnHold, Revoked, Replaced},
	Valid:     {Suspended, OnHold, Revoked, Replaced},
	Suspended: {Valid, OnHold, Revoked, Replaced},
	OnHold:    {Valid, Suspended, Revoked, Replaced},
}

// May tells whether a credential may move from one state to another.
func May(from, to State) bool { return slices.Contains(Moves[from], to) }

// Credential is one digital credential.
type Credential struct {
	RegisterID  string
	ID          uuid.UUID
	PublicID    string // 証明書ID, the DN of the payload
	RegistrarID string
	EntryID     uuid.UUID
	PersonRef   *uuid.UUID
	Version     int
	State       State
	KID         string
	Payload     []byte // CBOR map of two-letter keys
	ToSign      []byte // COSE Sig_structure (RFC 9052 §4.4), stored before it is signed
	Signature   []byte
	IntendedAt  time.Time
	SignedAt    *time.Time
	StatusAt    time.Time
	ValidUntil  calendar.Date // last day of the entry's term, zero when it has none
	Detail      form.Detail   // what other forms say beside the payload, frozen with it
	// SuspendedUntil is the last day of the office's suspension; it says something while the state is Suspended alone. Zero when the
	// suspension has no end.
	SuspendedUntil calendar.Date
}

// Expired tells whether the term of what the credential shows has ended. Its state stays: nothing is done when a term ends.
func (c *Credential) Expired(today calendar.Date) bool {
	return !c.ValidUntil.IsZero() && c.ValidUntil.Before(today)
}

// Facts reads what the credential shows.
func (c *Credential) Facts() (map[string]string, error) { return cose.DecodePayload(c.Payload) }

// Message assembles the COSE_Sign1 message; fault-free only for a signed credential.
func (c *Credential) Message() ([]byte, error) {
	protected, err := cose.EncodeProtected(cose.ES256)
	if err != nil {
		return nil, err
	}
	return cose.Assemble(protected, c.KID, c.Payload, c.Signature)
}

// URL is the text of the QR code: the verification page with the message, in the shape of the national one.
func (c *Credential) URL(base string) (string, error) {
	m, err := c.Message()
	if err != nil {
		return "", err
	}
	return cose.URL(base, m), nil
}

// Key is the public half of a signing key as it is published.
type Key struct {
	KID          string
	RegistrarID  string
	Purpose      Purpose
	PublicJWK    []byte   // RFC 7517
	Chain        [][]byte // X.509 certificates in DER, the key's own first; empty while it has none
	NotBefore    time.Time
	RetiredAt    *time.Time
	DistrustedAt *time.Time
}
