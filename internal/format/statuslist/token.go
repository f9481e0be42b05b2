package statuslist

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
)

// typeJWT is the typ of the JWT form (draft §5.1).
const typeJWT = "statuslist+jwt"

// Claims are what a signed list says about itself (draft §5.1, §5.2).
type Claims struct {
	Subject   string    // the address of the list, as credentials name it
	IssuedAt  time.Time // whole seconds
	ExpiresAt time.Time
	TTL       time.Duration // how long it may be kept before it is to be fetched again; 0 means not said
}

// valid tells whether a list may be signed with these claims.
func (c Claims) valid() error {
	if c.Subject == "" || c.IssuedAt.IsZero() || !c.ExpiresAt.After(c.IssuedAt) || c.TTL < 0 {
		return fault.New(fault.Internal, "", "signing a status list without its address, its time or its end")
	}
	return nil
}

// Signer is who signs a list: the id of the key, the certificates that lead to it, if there are any, and the signature
// itself.
type Signer struct {
	KID   string
	Chain []*x509.Certificate
	Sign  jws.Sign
}

// Token is a list that was checked, with its claims and the key that it names.
type Token struct {
	Claims
	List  *List
	KID   string
	Chain []*x509.Certificate
}

// KeyFor returns the key with which a list that names a key id and carries certificates must be signed. It fails when the
// list may not be signed with that key: who may sign credentials may not therefore publish their status.
type KeyFor func(kid string, chain []*x509.Certificate) (crypto.PublicKey, error)

// Expect is what a list must be.
type Expect struct {
	Subject string        // the address that the credential names
	Now     time.Time     //
	Skew    time.Duration // by how much clocks may differ; for iat alone, never for exp
}

// Fresh tells whether a list that was fetched at the given time may still be used: not past its end, nor kept for longer
// than it allows (draft §8.3, step 4d).
func (c Claims) Fresh(fetched, now time.Time) bool {
	return now.Before(c.ExpiresAt) && (c.TTL == 0 || !fetched.Add(c.TTL).Before(now))
}

// judge makes the checks of draft §8.3, step 4.
func (e Expect) judge(c Claims) error {
	switch {
	case c.Subject == "" || c.Subject != e.Subject:
		return refuse(WrongSubject, "the list is not the one at the address it was fetched from")
	case c.IssuedAt.After(e.Now.Add(e.Skew)):
		return refuse(FromTheFuture, "the list was made after now")
	case c.ExpiresAt.IsZero():
		return refuse(NoEnd, "the list has no end")
	case !e.Now.Before(c.ExpiresAt):
		return refuse(Ended, "the list has ended")
	}
	return nil
}

type jsonList struct {
	Bits int    `json:"bits"`
	List string `json:"lst"`
}

type jsonClaims struct {
	Subject   string   `json:"sub"`
	IssuedAt  int64    `json:"iat"`
	ExpiresAt int64    `json:"exp"`
	TTL       int64    `json:"ttl,omitempty"`
	List      jsonList `json:"status_list"`
}

// Sign signs a list in both forms. The list is packed once.
func (l *List) Sign(c Claims, s Signer) (jwt string, cwt []byte, err error) {
	if err := c.valid(); err != nil {
		return "", nil, err
	}
	packed, err := l.Pack()
	if err != nil {
		return "", nil, err
	}
	if jwt, err = signJWT(l.bits, packed, c, s); err != nil {
		return "", nil, err
	}
	cwt, err = signCWT(l.bits, packed, c, s)
	return jwt, cwt, err
}

func signJWT(bits int, packed []byte, c Claims, s Signer) (string, error) {
	payload, err := json.Marshal(jsonClaims{Subject: c.Subject, IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
		TTL: int64(c.TTL / time.Second), List: jsonList{bits, base64.RawURLEncoding.EncodeToString(packed)}})
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "writing a status list")
	}
	return jws.Make(jws.Header{Type: typeJWT, KID: s.KID, Chain: s.Chain}, payload, s.Sign)
}

// ReadJWT checks a list in the JWT form and unpacks it. It fails with fault.Invalid and a Refusal of this package or of
// package jws; an error of key is passed on.
func ReadJWT(token string, key KeyFor, e Expect) (*Token, error) {
	t, err := jws.Parse(token, jws.Profile{Type: typeJWT, Max: MaxToken})
	if err != nil {
		return nil, fmt.Errorf("reading a status list: %w", err)
	}
	public, err := key(t.Header.KID, t.Header.Chain)
	if err != nil {
		return nil, fmt.Errorf("looking for the key of a status list: %w", err)
	}
	if err := t.Verify(public); err != nil {
		return nil, fmt.Errorf("checking a status list: %w", err)
	}
	c, err := claimsIn(t.Claims)
	if err != nil {
		return nil, err
	}
	if err := e.judge(c); err != nil {
		return nil, err
	}
	l, err := listIn(t.Claims)
	if err != nil {
		return nil, err
	}
	return &Token{Claims: c, List: l, KID: t.Header.KID, Chain: t.Header.Chain}, nil
}

func claimsIn(claims map[string]any) (c Claims, err error) {
	if c.Subject, err = jws.Text(claims, "sub"); err != nil {
		return c, err
	}
	var there bool
	if c.IssuedAt, there, err = jws.Seconds(claims, "iat"); err != nil || !there {
		return c, refuse(Malformed, "the list does not say when it was made")
	}
	if c.ExpiresAt, _, err = jws.Seconds(claims, "exp"); err != nil {
		return c, err
	}
	if before, there, err := jws.Seconds(claims, "nbf"); err != nil || there && before.After(c.IssuedAt) {
		return c, refuse(Malformed, "the list is to hold from later than it was made")
	}
	if v, there := claims["ttl"]; there {
		n, err := jws.Integer(v)
		if err != nil || !ttl(n) {
			return c, refuse(Malformed, "ttl is no positive number of seconds")
		}
		c.TTL = time.Duration(n) * time.Second
	}
	return c, nil
}

// ttl tells whether a number of seconds may be a ttl: positive, and at most a hundred years.
func ttl(n int64) bool { return n > 0 && n < 100*366*24*60*60 }

func listIn(claims map[string]any) (*List, error) {
	object, ok := claims["status_list"].(map[string]any)
	if !ok {
		return nil, refuse(Malformed, "there is no list")
	}
	bits, err := jws.Integer(object["bits"])
	if err != nil || bits < 1 || bits > 8 {
		return nil, refuse(WrongBits, "the list does not say how many bits an entry has")
	}
	text, _ := object["lst"].(string)
	packed, err := jws.Decode64(text)
	if err != nil {
		return nil, refuse(Malformed, "the list is not in base64url")
	}
	return Unpack(packed, int(bits))
}
