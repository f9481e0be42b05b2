// Package issuance hands credentials to wallets: OpenID for Verifiable Credential Issuance 1.0 (called VCI in comments), with
// an authorization server of its own. Each registrar is one credential issuer with an identifier of its own.
//
// A grant is the middle of it: what a holder lets a wallet fetch, the credential of one entry or of the entry that a case
// will lead to. It begins in one of two ways, both on the citizen portal, where the holder is logged in: as an offer, whose
// code the wallet redeems with a transaction code that only the portal shows; or as consent to a request that a wallet has
// pushed. Redeeming binds the grant to one key of the wallet (DPoP), and everything after it is refused without that key.
//
// Holder is the holder's side (role akashi_citizen, door of the person), Server the wallet's (role akashi_issuance, door of
// the registrar, narrowed to the one reference that the grant names). Nothing here reads or writes HTTP; package api does.
//
// A copy is made as credential.Issuer has it: its intent commits, it is signed with no transaction open, its completion
// commits, and only then it is handed out. A crash in between leaves an intent that nobody was given; the wallet asks
// again and gets another copy. Proofs, nonces and codes are used once: what may not be seen twice is recorded in the
// transaction of the act.
package issuance

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"akashi/internal/fault"
	"akashi/internal/format/oauth"
	"akashi/internal/qualification"
)

// State says where a grant stands.
type State string

// The states. The sentences stand in the table issuance_state, which a test compares with States.
const (
	Offered    State = "offered"
	Authorized State = "authorized"
	Active     State = "active"
	Ended      State = "ended"
)

// States lists every state.
var States = []State{Offered, Authorized, Active, Ended}

// Moves lists the states that may follow each state. The database holds the same table.
var Moves = map[State][]State{
	Offered:    {Active, Ended},
	Authorized: {Active, Ended},
	Active:     {Ended},
}

// Causes for which a grant ends.
const (
	CauseWithdrawn = "withdrawn" // by the holder
	CauseTries     = "tries"     // too many wrong transaction codes
	CauseReused    = "reused"    // a code or refresh token was shown a second time
)

// What bounds a grant.
const (
	OfferLife   = 10 * time.Minute    // of an offer's code
	codeLife    = time.Minute         // of an authorization code
	pushedLife  = 5 * time.Minute     // of a pushed request: as long as the login with a card may take
	accessLife  = 10 * time.Minute    // of an access token
	grantLife   = 90 * 24 * time.Hour // of the grant, so of its refresh tokens
	retryWindow = 2 * time.Minute     // in which the answer to a refresh may have been lost
	nonceLife   = 5 * time.Minute     // of a nonce for key proofs
	dpopLife    = 10 * time.Minute    // of a nonce for DPoP proofs

	maxTries  = 5 // wrong transaction codes
	maxCopies = 200
	// BatchSize is how many proofs one request may have.
	BatchSize = 10
	txDigits  = 6
)

// How long a wallet waits before it asks again for what is deferred, in seconds: a credential that is being signed is there
// soon, a review takes days.
const (
	soon  = 5
	later = 3600
)

// Subject is what a grant is about: an entry, or a case in which nothing is decided yet.
type Subject struct {
	RegisterID string
	Entry      uuid.UUID
	Case       uuid.UUID
}

// Grant is what a holder lets a wallet fetch.
type Grant struct {
	RegisterID     string
	ID             uuid.UUID
	RegistrarID    string
	PersonRef      uuid.UUID
	EntryID        *uuid.UUID
	ApplicationID  *uuid.UUID
	Configurations []string
	Identified     bool // asked for by authorization details, so credentials are asked for by identifiers
	ClientID       string
	State          State
	Cause          string
	CodeDigest     []byte
	CodeExpiresAt  time.Time
	TxDigest       []byte // nil: there is no transaction code
	Tries          int
	Challenge      string
	RedirectURI    string
	HolderKey      string // thumbprint of the key to which code and tokens are bound
	AccessDigest   []byte
	AccessExpires  *time.Time
	RefreshDigest  []byte
	RefreshBefore  []byte
	RefreshedAt    *time.Time
	Copies         int
	CreatedAt      time.Time
	RedeemedAt     *time.Time
	EndedAt        *time.Time
	ExpiresAt      time.Time
}

// Lapsed tells whether nobody can redeem the grant's code any more, or the grant has had its time.
func (g *Grant) Lapsed(now time.Time) bool {
	if g.State == Offered || g.State == Authorized {
		return !now.Before(g.CodeExpiresAt)
	}
	return !now.Before(g.ExpiresAt)
}

// Wallet is a wallet that may ask for authorization by itself. Wallets that take an offer need not be known.
type Wallet struct {
	ID        string             `json:"client_id"`
	Name      qualification.Text `json:"name"`
	Redirects []string           `json:"redirect_uris"`
}

// Wallets are those that are known, by client id.
type Wallets map[string]Wallet

// check finds the wallet behind a request and sees that its answer goes where it is at home.
func (w Wallets) check(client, redirect string) (Wallet, error) {
	known, ok := w[client]
	switch {
	case !ok:
		return Wallet{}, oauth.Refuse(oauth.ClientUnknown, "looking for a wallet")
	case !slices.Contains(known.Redirects, redirect): // compared as text, as RFC 9700 §2.1 asks
		return Wallet{}, oauth.Refuse(oauth.RedirectUnknown, "looking for a wallet's address")
	}
	return known, nil
}

// Origins are the places to which answers go: what a content security policy must let forms lead to. An app's own scheme
// stands as such.
func (w Wallets) Origins() (out []string) {
	for _, known := range w {
		for _, address := range known.Redirects {
			u, err := url.Parse(address)
			if err != nil {
				continue // ReadWallets has refused it
			}
			origin := u.Scheme + ":"
			if u.Scheme == "https" || u.Scheme == "http" {
				origin = u.Scheme + "://" + u.Host
			}
			if !slices.Contains(out, origin) {
				out = append(out, origin)
			}
		}
	}
	slices.Sort(out)
	return out
}

// maxWallets bounds a file of wallets, in bytes.
const maxWallets = 1 << 20

// ReadWallets reads a file of wallets: a JSON list of objects with client_id, name (ja, en, easy) and redirect_uris. It fails
// with fault.Invalid on what would let answers go astray: an address without a scheme of its own, with a fragment, or of
// plain http that does not stay on this machine.
func ReadWallets(raw []byte) (Wallets, error) {
	if len(raw) > maxWallets {
		return nil, fault.New(fault.Invalid, "", "reading the file of wallets: it is too large")
	}
	var list []Wallet
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the file of wallets")
	}
	out := Wallets{}
	for _, w := range list {
		if _, twice := out[w.ID]; w.ID == "" || twice || len(w.Redirects) == 0 {
			return nil, fault.New(fault.Invalid, "", fmt.Sprintf("reading the file of wallets: %q has no id, stands twice or has no address", w.ID))
		}
		for _, address := range w.Redirects {
			if !redirectable(address) {
				return nil, fault.New(fault.Invalid, "", fmt.Sprintf("reading the file of wallets: %q of %q is no address to send answers to", address, w.ID))
			}
		}
		out[w.ID] = w
	}
	return out, nil
}

func redirectable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Fragment != "" || u.User != nil {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Host != ""
	case "http": // for a wallet on the same machine (RFC 8252 §7.3)
		return u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	case "javascript", "data", "file", "blob", "about":
		return false
	}
	return strings.Contains(u.Scheme, ".") || u.Scheme == "openid4vci" || u.Scheme == "haip" // an app's own scheme (RFC 8252 §7.1)
}

// b64 is base64url that admits one form for the same bytes.
var b64 = base64.RawURLEncoding.Strict()

// newSecret makes a code or token: the register's code, by which its place is found, the grant's id, and 256 random bits.
func newSecret(code string, grant uuid.UUID) (string, error) {
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", fault.Wrap(fault.Internal, err, "drawing a secret")
	}
	return code + "." + b64.EncodeToString(grant[:]) + "." + b64.EncodeToString(raw[:]), nil
}

// place reads to which register and grant a code or token belongs; not whether it is right.
func place(secret string) (code string, grant uuid.UUID, ok bool) {
	parts := strings.Split(secret, ".")
	if len(secret) > 100 || len(parts) != 3 {
		return "", uuid.Nil, false
	}
	id, err := b64.DecodeString(parts[1])
	if err != nil || len(id) != 16 || len(parts[2]) != 43 {
		return "", uuid.Nil, false
	}
	return parts[0], uuid.UUID(id), true
}

// digest is what is kept of a secret.
func digest(parts ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return sum[:]
}

// is compares a secret with the digest that was kept of it.
func is(kept []byte, parts ...string) bool {
	return len(kept) == sha256.Size && subtle.ConstantTimeCompare(kept, digest(parts...)) == 1
}

// offerCode is the pre-authorized code of an offer, made from the secret of its address: whoever fetches the offer is told
// the code, and neither is kept.
func offerCode(secret string) string {
	head := secret[:strings.LastIndexByte(secret, '.')+1]
	return head + b64.EncodeToString(digest("akashi pre-authorized code 1", secret))
}

// newTxCode draws a transaction code.
func newTxCode() (string, error) {
	var out [txDigits]byte
	for i := 0; i < txDigits; {
		var raw [1]byte
		if _, err := rand.Read(raw[:]); err != nil {
			return "", fault.Wrap(fault.Internal, err, "drawing a transaction code")
		}
		if raw[0] < 250 { // no digit is likelier
			out[i] = '0' + raw[0]%10
			i++
		}
	}
	return string(out[:]), nil
}
