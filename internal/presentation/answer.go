package presentation

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/mdoc"
	"akashi/internal/verification"
)

const thumbprintHash = crypto.SHA256

const (
	// MaxAnswer bounds what a wallet sends.
	MaxAnswer = 256 << 10
	maxShown  = 4
)

// Answer is what a wallet sends to the response's address, as form parameters (§8.2).
type Answer struct {
	Response string // an encrypted answer; the others are then inside
	VPToken  string
	State    string
	Error    string // the wallet says why it shows nothing (§8.5)
}

// opened is an answer that could be read.
type opened struct {
	state string
	error string
	shown map[string]string // by the id of the credential query, the one presentation for it
}

// open reads an answer of the transaction's mode. key decrypts it.
func (t *Transaction) open(a Answer, key *ecdsa.PrivateKey) (*opened, error) {
	switch {
	case a.Response != "" && t.Mode == Encrypted:
		return t.decrypt(a.Response, key)
	case a.Response != "":
		return nil, refuse(Malformed, "reading an encrypted answer where none was asked for")
	case a.Error != "": // a wallet that failed may not have got as far as the key
		return &opened{state: a.State, error: a.Error}, nil
	case t.Mode == Encrypted:
		return nil, refuse(NotEncrypted, "reading an answer that is not encrypted")
	}
	token, err := jws.Object([]byte(a.VPToken))
	if err != nil {
		return nil, refuse(Malformed, "reading an answer: %v", err)
	}
	shown, err := presentations(token)
	return &opened{state: a.State, shown: shown}, err
}

// decrypt opens a JWE in compact form: ECDH-ES with one of the offered encodings, to the transaction's own key (§8.3).
func (t *Transaction) decrypt(text string, key *ecdsa.PrivateKey) (*opened, error) {
	if err := t.checkHeader(text); err != nil {
		return nil, err
	}
	message, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.ECDH_ES}, encodings)
	if err != nil {
		return nil, refuse(BadEncryption, "reading an encrypted answer: %v", err)
	}
	plain, err := message.Decrypt(key)
	if err != nil {
		return nil, refuse(BadEncryption, "decrypting an answer: it is not for this transaction's key")
	}
	members, err := jws.Object(plain)
	if err != nil {
		return nil, refuse(Malformed, "reading a decrypted answer: %v", err)
	}
	o := &opened{}
	for name, to := range map[string]*string{"state": &o.state, "error": &o.error} {
		if *to, err = jws.Text(members, name); err != nil {
			return nil, refuse(Malformed, "reading a decrypted answer: %v", err)
		}
	}
	if o.error != "" {
		return o, nil
	}
	token, ok := members["vp_token"].(map[string]any)
	if !ok {
		return nil, refuse(Malformed, "reading a decrypted answer without presentations")
	}
	o.shown, err = presentations(token)
	return o, err
}

// checkHeader judges the header before anything is decrypted: no compression, nothing critical, no other key.
func (t *Transaction) checkHeader(text string) error {
	first, _, _ := strings.Cut(text, ".")
	raw, err := jws.Decode64(first)
	if err != nil {
		return refuse(BadEncryption, "reading the header of an answer: %v", err)
	}
	header, err := jws.Object(raw)
	if err != nil {
		return refuse(BadEncryption, "reading the header of an answer: %v", err)
	}
	for name, v := range header {
		switch {
		case name == "kid" && v != t.ID.String():
			return refuse(BadEncryption, "reading an answer for another transaction's key")
		case !slices.Contains([]string{"alg", "enc", "epk", "kid", "apu", "apv", "typ", "cty"}, name):
			return refuse(BadEncryption, "reading an answer with an unknown header")
		}
	}
	return nil
}

// presentations reads a vp_token (§8.1): for each credential query a list with one presentation, in text.
func presentations(token map[string]any) (map[string]string, error) {
	if len(token) > maxShown {
		return nil, refuse(Malformed, "reading an answer with %d presentations", len(token))
	}
	out := map[string]string{}
	for id, v := range token {
		list, ok := v.([]any)
		if !ok || len(list) != 1 {
			return nil, refuse(Malformed, "reading an answer that has not one presentation for a query")
		}
		text, ok := list[0].(string)
		if !ok || text == "" {
			return nil, refuse(Malformed, "reading a presentation that is no text")
		}
		out[id] = text
	}
	return out, nil
}

// deviceResponse takes a mobile document's response out of its text (Appendix B.2.5): base64url without padding.
func deviceResponse(text string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, refuse(Malformed, "reading a device response that is not in base64url")
	}
	return raw, nil
}

// Answer takes what a wallet sends. The address to which the wallet leads its holder is empty where it was reached across
// devices. An answer that is not taken leaves the question open, a few times; one that is taken ends it.
//
// It fails with fault.NotFound and Unknown, fault.Conflict and Used or TooMany, and with fault.Invalid for everything else: a
// Refusal of this package, or of the format's.
func (r *Reader) Answer(ctx context.Context, id uuid.UUID, way Way, a Answer) (redirect string, err error) {
	t, now, err := r.find(ctx, "id", id)
	if err != nil {
		return "", err
	}
	if err := t.takes(now); err != nil {
		return "", err
	}
	result, err := r.judge(ctx, t, way, a)
	switch {
	case errors.Is(err, fault.Invalid):
		return "", errors.Join(err, r.remember(ctx, id, reason(err)))
	case err != nil:
		return "", err
	case result == nil: // declined
		return "", r.finish(ctx, id, Declined, "", nil)
	}
	return r.store(ctx, t, way, *result)
}

// reason is the key of the message about a refusal.
func reason(err error) string {
	var known *fault.Error
	if errors.As(err, &known) {
		return known.Key
	}
	return string(Malformed)
}

// judge opens an answer, sees that it belongs to this question and answers it, and verifies what it shows. Without a result
// the wallet has declined.
func (r *Reader) judge(ctx context.Context, t *Transaction, way Way, a Answer) (*verification.Result, error) {
	key, err := r.answerKey(t)
	if err != nil {
		return nil, err
	}
	o, err := t.open(a, key)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(o.state), []byte(t.State)) != 1 {
		return nil, refuse(WrongState, "reading the answer to another question")
	}
	if o.error != "" {
		return nil, nil
	}
	query, err := ParseQuery(t.Query)
	if err != nil {
		return nil, err
	}
	session := mdoc.Session{ClientID: t.ClientID, Nonce: t.Nonce, ResponseURI: r.responseURL(t, way)}
	if t.Mode == Encrypted {
		if session.Thumbprint, err = thumbprint(&key.PublicKey); err != nil {
			return nil, err
		}
	}
	return r.verify(ctx, query, o.shown, session)
}

// verify reads each credential in the format in which it was asked for, and compares the whole with the query.
func (r *Reader) verify(ctx context.Context, query Query, texts map[string]string, session mdoc.Session) (*verification.Result, error) {
	var all []Shown
	var result *verification.Result
	for id, text := range texts {
		at := slices.IndexFunc(query.Credentials, func(c CredentialQuery) bool { return c.ID == id })
		if at < 0 {
			return nil, refuse(NotAsked, "reading a credential that nothing asked for")
		}
		format := query.Credentials[at].Format
		c, err := r.read(ctx, format, text, session)
		if err != nil {
			return nil, err
		}
		if !c.Result.Proven() { // nothing in it is to be compared with anything
			return &c.Result, nil
		}
		all = append(all, Shown{Query: id, Format: format, Type: c.Type, Claims: c.Claims})
		result = &c.Result
	}
	return result, query.Check(all)
}

func (r *Reader) read(ctx context.Context, format, text string, session mdoc.Session) (verification.Shown, error) {
	if format == FormatSDJWT {
		return r.Verifier.ShownSDJWT(ctx, text, session.Nonce, session.ClientID)
	}
	raw, err := deviceResponse(text)
	if err != nil {
		return verification.Shown{}, err
	}
	return r.Verifier.ShownMDoc(ctx, raw, session)
}

// store ends the question with its result: for whoever comes back with the code that only this answer gives, or for whoever
// asked.
func (r *Reader) store(ctx context.Context, t *Transaction, way Way, result verification.Result) (redirect string, err error) {
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), t.PageKey)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "reading the key for a result")
	}
	var code []byte
	if way == Here {
		text, err := secret()
		if err != nil {
			return "", err
		}
		own, err := resultKey(text)
		if err != nil {
			return "", err
		}
		public, code, redirect = &own.PublicKey, hashOf(text), r.ReturnURL+"?response_code="+text
	}
	sealed, err := seal(result, public)
	if err != nil {
		return "", err
	}
	return redirect, r.finish(ctx, t.ID, Answered, sealed, code)
}
