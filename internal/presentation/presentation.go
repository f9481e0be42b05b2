// Package presentation asks a wallet for a qualification and judges what it shows: the verifier of OpenID4VP 1.0 with DCQL,
// in the profile HAIP 1.0.
//
//	Start    a question with everything in it that an answer is bound to; its address is the only key to its result
//	Request  the signed request object, fetched by a wallet
//	Answer   what the wallet sends: decrypted, bound to the question, compared with it, verified; once
//	View     what the page or program that asked sees: waiting, declined, or the result
//
// A question and its answer live in the database, so that any process may serve any step. What is stored of the person is the
// result alone, with the facts that verification shows, encrypted to a key that comes from the asker's address: whoever reads
// the database cannot read it. A question that nobody answers is deleted ten minutes after it was asked, an answered one
// five minutes after the answer. What the wallet sent is stored nowhere and logged nowhere.
//
// On one device the result is shown to whoever comes back from the wallet with the response code, and to nobody else: that is
// what keeps somebody from having another person answer the own question. Across devices the page that shows the QR code sees
// the result; that this invites just that is said on the page and in docs/security.md.
package presentation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// Stage says where a question stands.
type Stage string

// The stages. The database holds the same list.
const (
	Open     Stage = "open"     // no answer yet; refused answers do not end it
	Answered Stage = "answered" // a wallet has shown something, whatever it proved to be
	Declined Stage = "declined" // the wallet, or its holder, did not want to
)

const (
	// Patience is how long a wallet may take.
	Patience = 5 * time.Minute
	// Kept is how long a result can be seen.
	Kept = 5 * time.Minute
	// ReturnPath is where a wallet on the same device leads back to, on the verification site.
	ReturnPath = "/wallet/result"
	// maxAttempts is how many answers may be refused before a question ends.
	maxAttempts = 5
)

// Way is how the wallet was reached.
type Way string

// The ways.
const (
	Here  Way = "same"  // a link on the device that has the wallet: it comes back with a response code
	There Way = "cross" // a QR code, read by another device
)

// Refusal is the reason why an answer is not taken. It is also the key of the message for the visitor.
type Refusal string

const (
	// Unknown: there is no such question, or no more.
	Unknown Refusal = "presentation.unknown"
	// NoKey: wallets could not know who asks.
	NoKey Refusal = "presentation.no_key"
	// Used: the question was answered before.
	Used Refusal = "presentation.used"
	// TooMany: too many answers to it were refused.
	TooMany Refusal = "presentation.too_many_attempts"
	// Malformed: not an answer in the form of the protocol.
	Malformed Refusal = "presentation.malformed"
	// NotEncrypted: in the clear, where encryption was asked for.
	NotEncrypted Refusal = "presentation.not_encrypted"
	// BadEncryption: encrypted otherwise, or to another key.
	BadEncryption Refusal = "presentation.bad_encryption"
	// WrongState: the answer to another question.
	WrongState Refusal = "presentation.wrong_state"
	// NothingShown: what was asked for is not there.
	NothingShown Refusal = "presentation.nothing_shown"
	// NotAsked: a credential that was not asked for.
	NotAsked Refusal = "presentation.not_asked"
	// WrongFormat, WrongType, MissingClaim, WrongValue: a credential other than was asked for.
	WrongFormat  Refusal = "presentation.wrong_format"
	WrongType    Refusal = "presentation.wrong_type"
	MissingClaim Refusal = "presentation.missing_claim"
	WrongValue   Refusal = "presentation.wrong_value"
	// BadRequest: a wallet asks for the request in a way that there is not.
	BadRequest Refusal = "presentation.bad_request"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both the kind and the reason.
func refuse(r Refusal, format string, args ...any) error {
	kind := fault.Invalid
	switch r {
	case Unknown, NoKey:
		kind = fault.NotFound
	case Used, TooMany:
		kind = fault.Conflict
	}
	return &fault.Error{Kind: kind, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

// Transaction is one question.
type Transaction struct {
	ID         uuid.UUID
	Stage      Stage
	AskedAt    time.Time
	ExpiresAt  time.Time // for the wallet
	KeepUntil  time.Time // deleted after it
	Mode       string    // response mode
	KID        string    // of the key that signs the request
	ClientID   string
	Nonce      string
	State      string
	Query      json.RawMessage
	Salt       []byte // of the key to which the wallet encrypts
	PageKey    []byte // public key to which the result is encrypted for whoever asked
	Attempts   int
	Refusal    string // of the last answer that was not taken, "" when there is none
	Sealed     string // the result
	AnsweredAt *time.Time
}

// Config is what a Reader needs. Secret and Sign may be nil where no wallet is answered; everything else is required.
type Config struct {
	DB     *pg.DB // under the public role
	Secret []byte // of the platform; wallets' answers are decrypted with keys that come from it
	Prefix string // of the client identifier
	Name   string // how wallets show who asks
	Scheme string // of links that open a wallet, e.g. "openid4vp"
	// AnswerURL is the address below which wallets fetch requests and send answers; ReturnURL is where a wallet on the same
	// device leads back to.
	AnswerURL, ReturnURL string
	Kinds                Kinds

	// Sign has bytes signed with a key by ES256: r and s in 64 bytes. Only what answers wallets needs it.
	Sign     func(ctx context.Context, kid string, toSign []byte) ([]byte, error)
	Verifier *verification.Verifier
}

// Reader asks wallets.
type Reader struct{ Config }

// NewReader returns a reader. It fails with fault.Internal when something is missing.
func NewReader(c Config) (*Reader, error) {
	if c.DB == nil || (c.Sign == nil) != (len(c.Secret) == 0) || c.Name == "" || c.Scheme == "" || c.AnswerURL == "" || c.ReturnURL == "" || c.Verifier == nil {
		return nil, fault.New(fault.Internal, "", "making a reader of wallets: something is missing")
	}
	if c.Prefix != PrefixHash && c.Prefix != PrefixDNS {
		return nil, fault.New(fault.Invalid, "", "making a reader of wallets that names itself by "+c.Prefix)
	}
	return &Reader{c}, nil
}

// Question is what is asked.
type Question struct {
	Subject
	Mode string // Encrypted when empty
}

// Asked is a question that waits for a wallet.
type Asked struct {
	Token     string // the key to the result: whoever has it may see it
	ExpiresAt time.Time
}

// Start asks a question. It fails with fault.Invalid for a response mode or a qualification that there is not, with fault.NotFound and NoKey
// where this installation has no certificate by which wallets could know it, and with fault.Internal where that certificate does not have
// the name of the host that wallets answer to, by which this installation would name itself.
func (r *Reader) Start(ctx context.Context, q Question) (Asked, error) {
	if q.Mode == "" {
		q.Mode = Encrypted
	}
	if q.Mode != Encrypted && q.Mode != Plain {
		return Asked{}, fault.New(fault.Invalid, "", "asking a wallet in an unknown response mode")
	}
	if q.Qualification != "" && !slices.Contains(r.Kinds.VCTs, r.Kinds.VCT(q.Qualification)) {
		return Asked{}, fault.New(fault.Invalid, "", "asking a wallet for an unknown qualification")
	}
	by, err := r.authorities(ctx, q.Qualification)
	if err != nil {
		return Asked{}, err
	}
	query, err := json.Marshal(r.Kinds.Ask(q.Subject, by))
	if err != nil {
		return Asked{}, fault.Wrap(fault.Internal, err, "writing a query")
	}
	token, err := secret()
	if err != nil {
		return Asked{}, err
	}
	t := Transaction{ID: pg.NewID(), Stage: Open, Mode: q.Mode, Query: query}
	if err := t.fill(token); err != nil {
		return Asked{}, err
	}
	err = r.DB.Public(ctx, func(tx *pg.Tx) error {
		key, err := newestKey(ctx, tx)
		if err != nil {
			return err
		}
		if t.ClientID, err = key.clientID(r.Prefix, r.AnswerURL); err != nil {
			return err
		}
		t.KID = key.KID
		t.AskedAt, t.ExpiresAt = tx.Now, tx.Now.Add(Patience)
		t.KeepUntil = t.ExpiresAt.Add(Kept)
		return insert(ctx, tx, &t, token)
	})
	return Asked{Token: token, ExpiresAt: t.ExpiresAt}, err
}

// authorities are those above the keys that may have signed a credential of the qualification, of any with "".
func (r *Reader) authorities(ctx context.Context, qualification string) (by Authorities, err error) {
	if by.SDJWT, err = r.Verifier.Authorities(ctx, credential.ForCredential, qualification); err == nil {
		by.MDoc, err = r.Verifier.Authorities(ctx, credential.ForMDoc, qualification)
	}
	return by, err
}

// View is what whoever asked sees.
type View struct {
	Stage     Stage
	ExpiresAt time.Time
	Expired   bool                 // nobody has answered in time
	WornOut   bool                 // so many answers were refused that no more is taken
	Refusal   string               // key of the message about the last answer that was not taken
	Elsewhere bool                 // it was answered, and the result is with whoever came back from the wallet
	Result    *verification.Result // of an answered question
	Links     map[Way]string       // that open a wallet, of an open question
}

// View looks at a question by its token. NotFound with Unknown when there is none, or no more.
func (r *Reader) View(ctx context.Context, token string) (*View, error) {
	t, now, err := r.find(ctx, "page_hash", hashOf(token))
	if err != nil {
		return nil, err
	}
	v := &View{Stage: t.Stage, ExpiresAt: t.ExpiresAt, Expired: t.Stage == Open && !now.Before(t.ExpiresAt), WornOut: t.Stage == Open && t.Attempts >= maxAttempts, Refusal: t.Refusal}
	switch {
	case t.Stage == Open && !v.Expired && !v.WornOut:
		v.Links = map[Way]string{}
		for _, way := range []Way{Here, There} {
			v.Links[way] = walletLink(r.Scheme, t.ClientID, r.requestURL(derive(token, string(way))))
		}
	case t.Stage == Answered && len(t.PageKey) == 0:
		v.Elsewhere = true
	case t.Stage == Answered:
		v.Result, err = unseal(t.Sealed, token)
	}
	return v, err
}

// Result is what somebody sees who comes back from a wallet on the same device. Unknown when the code is none.
func (r *Reader) Result(ctx context.Context, code string) (*verification.Result, error) {
	t, _, err := r.find(ctx, "code_hash", hashOf(code))
	if err != nil {
		return nil, err
	}
	return unseal(t.Sealed, code)
}

func (r *Reader) requestURL(token string) string { return r.AnswerURL + "/request/" + token }

func (r *Reader) responseURL(t *Transaction, way Way) string {
	return r.AnswerURL + "/answer/" + t.ID.String() + "/" + string(way)
}

// Request returns the signed request object behind a link. walletNonce is what the wallet wants to see in it, "" for nothing.
// Unknown, Used or BadRequest.
func (r *Reader) Request(ctx context.Context, token, walletNonce string) (string, error) {
	if len(walletNonce) > maxNonce {
		return "", refuse(BadRequest, "answering a wallet with a nonce of %d bytes", len(walletNonce))
	}
	t, now, way, err := r.byRequest(ctx, token)
	if err != nil {
		return "", err
	}
	if err := t.takes(now); err != nil {
		return "", err
	}
	key, err := r.answerKey(t)
	if err != nil {
		return "", err
	}
	signing, err := r.signingKey(ctx, t.KID)
	if err != nil {
		return "", err
	}
	sign := func(toSign []byte) ([]byte, error) { return r.Sign(ctx, t.KID, toSign) }
	return t.object(signing.sent(), sign, r.Name, r.responseURL(t, way), walletNonce, &key.PublicKey, now)
}

const maxNonce = 512

// takes tells why a question takes no answer now, nil when it does.
func (t *Transaction) takes(now time.Time) error {
	switch {
	case t.Stage != Open:
		return refuse(Used, "answering a question that is answered")
	case !now.Before(t.ExpiresAt):
		return refuse(Unknown, "answering a question whose time has passed")
	case t.Attempts >= maxAttempts:
		return refuse(TooMany, "answering a question of which too many answers were refused")
	}
	return nil
}
