// Package vc reads and writes credentials of the W3C Verifiable Credentials Data Model 2.0, signed as JSON Web Tokens
// (W3C "Securing Verifiable Credentials using JOSE and COSE" §3.1.1: the type vc+jwt, the credential itself as content).
//
// Of the data model it has what one registrar says of one person: one issuer, one subject, a time from and a time until,
// one status. The state is found in the same status lists as that of every other form: the entry of credentialStatus has
// the type TokenStatusListEntry and, under uri and idx, what a status claim has (draft-ietf-oauth-status-list-20 §6.2).
// The W3C's own list is another format with another signature, and a second truth about the same credential; a verifier
// that knows only that one sees a type it does not know, and must not take the credential for valid.
//
// Documents are read as JSON, in the shape that is written here: no terms are expanded and no context is fetched. A
// document that says something else in another shape is refused.
package vc

import (
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
)

const (
	// Type is the typ of a credential, Media its media type.
	Type  = "vc+jwt"
	Media = "application/vc+jwt"
	// Context is the first context of every credential (Data Model §4.3).
	Context = "https://www.w3.org/ns/credentials/v2"
	// MaxBytes bounds a token.
	MaxBytes = 64 << 10

	typeCredential = "VerifiableCredential"
	typeStatus     = "TokenStatusListEntry"
	contentType    = "vc"
)

// Refusal is the reason why a credential is not accepted. It is also the key of the message for the visitor. What breaks
// a rule of every signed token is refused with a reason of package jws.
type Refusal string

const (
	// WrongContext: the first context is not that of the data model, or they are no texts.
	WrongContext Refusal = "vc.wrong_context"
	// NotCredential: not of the type VerifiableCredential, or of the shape of version 1.1.
	NotCredential Refusal = "vc.not_credential"
	// WrongIssuer: no issuer, or two that differ.
	WrongIssuer Refusal = "vc.wrong_issuer"
	// WrongSubject: not exactly one subject with something said of it.
	WrongSubject Refusal = "vc.wrong_subject"
	// WrongTime: a time that is no dateTimeStamp.
	WrongTime Refusal = "vc.wrong_time"
	// NotYet and Ended: validFrom has not come, validUntil has passed.
	NotYet Refusal = "vc.not_yet"
	Ended  Refusal = "vc.ended"
	// WrongStatus: a status that is not one entry of a token status list.
	WrongStatus Refusal = "vc.wrong_status"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both fault.Invalid and the reason.
func refuse(r Refusal, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

// StatusRef is where the state of a credential is found.
type StatusRef struct {
	URI   string
	Index int
}

// Credential is what one issuer says of one subject.
type Credential struct {
	ID         string   // an address or URN; may be empty
	Contexts   []string // after Context
	Types      []string // after VerifiableCredential
	Issuer     string   // an address or URN
	IssuerName string   // may be empty
	ValidFrom  time.Time
	ValidUntil time.Time // zero: no end
	Subject    map[string]any
	Status     *StatusRef
	Holder     *ecdsa.PublicKey // in cnf; nil: whoever has the credential may show it
}

// Compose returns the bytes to be signed.
func Compose(h jws.Header, c Credential) ([]byte, error) {
	if c.Issuer == "" || c.ValidFrom.IsZero() || len(c.Subject) == 0 {
		return nil, fault.New(fault.Internal, "", "writing a credential without issuer, time or subject")
	}
	h.Type = Type
	h.Extra = map[string]any{"cty": contentType}
	document, err := c.document()
	if err != nil {
		return nil, err
	}
	payload, err := jws.Append(make([]byte, 0, 1024), document)
	if err != nil {
		return nil, err
	}
	return jws.Encode(h, payload)
}

func (c Credential) document() (map[string]any, error) {
	d := map[string]any{
		"@context":          append([]string{Context}, c.Contexts...),
		"type":              append([]string{typeCredential}, c.Types...),
		"issuer":            c.Issuer,
		"validFrom":         stamp(c.ValidFrom),
		"credentialSubject": c.Subject,
	}
	if c.ID != "" {
		d["id"] = c.ID
	}
	if c.IssuerName != "" {
		d["issuer"] = map[string]any{"id": c.Issuer, "name": c.IssuerName}
	}
	if !c.ValidUntil.IsZero() {
		d["validUntil"] = stamp(c.ValidUntil)
	}
	if c.Status != nil {
		d["credentialStatus"] = map[string]any{"id": c.Status.URI + "#" + strconv.Itoa(c.Status.Index), "type": typeStatus,
			"uri": c.Status.URI, "idx": c.Status.Index}
	}
	if c.Holder != nil {
		jwk, err := jws.JWK(c.Holder)
		if err != nil {
			return nil, err
		}
		d["cnf"] = map[string]any{"jwk": jwk}
	}
	return d, nil
}

// stamp is a dateTimeStamp (Data Model §4.9).
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Policy is what a verifier asks of a credential.
type Policy struct {
	Key  KeyFor
	Now  time.Time
	Skew time.Duration // by how much clocks may differ; never lengthens a term that has ended
}

// KeyFor returns the key with which a credential must be signed that says this, none of which is proven yet. It fails when
// the key that is named may not speak for the issuer that is named.
type KeyFor func(h jws.Header, said *Credential) (crypto.PublicKey, error)

// Verify checks a credential. It fails with fault.Invalid and a Refusal of this package or of package jws; an error of
// Policy.Key is passed on. The state in the status list is not looked up. With NotYet and Ended what was read is returned,
// too: it is genuine, and its time is not now.
func Verify(token string, p Policy) (*Credential, error) {
	t, err := jws.Parse(token, jws.Profile{Type: Type, Max: MaxBytes, Extra: []string{"cty"}})
	if err != nil {
		return nil, fmt.Errorf("reading a credential: %w", err)
	}
	if cty, there := t.Header.Extra["cty"]; there && cty != contentType {
		return nil, refuse(NotCredential, "the content is not of the type %s", contentType)
	}
	c, err := read(t.Claims)
	if err != nil {
		return nil, err
	}
	key, err := p.Key(t.Header, c)
	if err != nil {
		return nil, fmt.Errorf("looking for the issuer's key: %w", err)
	}
	if err := t.Verify(key); err != nil {
		return nil, fmt.Errorf("checking the issuer's signature: %w", err)
	}
	return c, p.times(c)
}

// issuerOf reads the issuer: a text, or an object with an id. A claim iss must say the same (JOSE and COSE §3.1.3).
func issuerOf(claims map[string]any) (id, name string, err error) {
	switch v := claims["issuer"].(type) {
	case string:
		id = v
	case map[string]any:
		id, _ = v["id"].(string)
		name, _ = v["name"].(string)
	}
	if u, err := url.Parse(id); err != nil || u.Scheme == "" {
		return "", "", refuse(WrongIssuer, "the issuer is no address")
	}
	if iss, there := claims["iss"]; there && iss != id {
		return "", "", refuse(WrongIssuer, "the credential names two issuers")
	}
	return id, name, nil
}

func read(claims map[string]any) (*Credential, error) {
	if _, old := claims["vc"]; old {
		return nil, refuse(NotCredential, "the credential has the shape of version 1.1")
	}
	contexts, ok := texts(claims["@context"])
	if !ok || len(contexts) == 0 || contexts[0] != Context {
		return nil, refuse(WrongContext, "the first context is not that of the data model")
	}
	types, ok := texts(claims["type"])
	if !ok || len(types) == 0 || types[0] != typeCredential {
		return nil, refuse(NotCredential, "the first type is not %s", typeCredential)
	}
	c := &Credential{Contexts: contexts[1:], Types: types[1:]}
	c.ID, _ = claims["id"].(string)
	if c.Subject, ok = claims["credentialSubject"].(map[string]any); !ok || len(c.Subject) == 0 {
		return nil, refuse(WrongSubject, "the credential does not speak of one subject")
	}
	var err error
	if c.Issuer, c.IssuerName, err = issuerOf(claims); err != nil {
		return nil, err
	}
	if c.ValidFrom, err = moment(claims, "validFrom"); err != nil {
		return nil, err
	}
	if c.ValidFrom.IsZero() {
		return nil, refuse(WrongTime, "the credential does not say from when it holds")
	}
	if c.ValidUntil, err = moment(claims, "validUntil"); err != nil {
		return nil, err
	}
	if c.Status, err = statusOf(claims); err != nil {
		return nil, err
	}
	c.Holder, err = holderOf(claims)
	return c, err
}

func texts(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, len(list))
	for i, one := range list {
		if out[i], ok = one.(string); !ok {
			return nil, false
		}
	}
	return out, true
}

func moment(claims map[string]any, name string) (time.Time, error) {
	v, there := claims[name]
	if !there {
		return time.Time{}, nil
	}
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, refuse(WrongTime, "%s is no dateTimeStamp", name)
	}
	return at, nil
}

// maxIndex bounds an index as far as any list can be long.
const maxIndex = 1 << 31

// statusOf reads the reference to a status list; nil when there is none. A status of another kind is WrongStatus: what
// cannot be checked is not valid.
func statusOf(claims map[string]any) (*StatusRef, error) {
	v, there := claims["credentialStatus"]
	if !there {
		return nil, nil
	}
	entry, _ := v.(map[string]any)
	uri, _ := entry["uri"].(string)
	index, err := jws.Integer(entry["idx"])
	if entry["type"] != typeStatus || err != nil || index < 0 || index >= maxIndex || uri == "" {
		return nil, refuse(WrongStatus, "the status is not an entry of a token status list")
	}
	return &StatusRef{URI: uri, Index: int(index)}, nil
}

func holderOf(claims map[string]any) (*ecdsa.PublicKey, error) {
	v, there := claims["cnf"]
	if !there {
		return nil, nil
	}
	cnf, _ := v.(map[string]any)
	key, err := jws.ReadJWK(cnf["jwk"])
	if err != nil {
		return nil, fmt.Errorf("reading the holder's key: %w", err)
	}
	return key, nil
}

// times judges validFrom and validUntil, and the claims of a token that say the same.
func (p Policy) times(c *Credential) error {
	switch {
	case c.ValidFrom.After(p.Now.Add(p.Skew)):
		return refuse(NotYet, "the credential does not hold yet")
	case !c.ValidUntil.IsZero() && !p.Now.Before(c.ValidUntil):
		return refuse(Ended, "the credential holds no more")
	}
	return nil
}
