package sdjwt

import (
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"strings"
	"time"

	"akashi/internal/format/jws"
)

// Policy is what a verifier asks of a token.
type Policy struct {
	Type    string        // the typ of the issuer's token
	Key     KeyFor        // with which key it must be signed
	Now     time.Time     //
	Skew    time.Duration // by how much clocks may differ; never lengthens a term that has ended
	Binding *Binding      // nil: the holder need not prove anything
}

// KeyFor returns the key with which a token must be signed that has this header and these open claims, none of which is
// proven yet. It fails when the key that is named may not speak for the issuer that is named.
type KeyFor func(h jws.Header, open map[string]any) (crypto.PublicKey, error)

// Binding is the question that a holder's token must answer (RFC 9901 §7.3).
type Binding struct {
	Nonce    string
	Audience string
	MaxAge   time.Duration // since when the holder may have answered
}

// Verified is a token whose signatures hold, with the claims that were shown.
type Verified struct {
	Header jws.Header
	Claims map[string]any   // open and disclosed ones; digests are gone
	Shown  []Path           // which of them came in disclosures
	Kept   int              // digests to which no disclosure was handed over, decoys among them
	Holder *ecdsa.PublicKey // the key in cnf, nil when there is none
	Bound  bool             // the holder has answered the question of the policy
}

// Path leads to a claim: the names of members, and for an element of an array its index among those shown.
type Path []string

func (p Path) String() string { return strings.Join(p, ".") }

// Verify checks a token or a presentation. It fails with fault.Invalid and a Refusal of this package or of package jws; an
// error of Policy.Key is passed on. With NotYet, Ended and FromTheFuture what was read is returned, too: it is genuine, and
// its time is not now.
func Verify(text string, p Policy) (*Verified, error) {
	parts, err := open(text, p.Type)
	if err != nil {
		return nil, err
	}
	key, err := p.Key(parts.token.Header, parts.token.Claims)
	if err != nil {
		return nil, fmt.Errorf("looking for the issuer's key: %w", err)
	}
	if err := parts.token.Verify(key); err != nil {
		return nil, fmt.Errorf("checking the issuer's signature: %w", err)
	}
	v, err := parts.reveal()
	if err != nil {
		return nil, err
	}
	if err := v.readHolder(); err != nil {
		return nil, err
	}
	if err := p.bind(parts, v); err != nil {
		return nil, err
	}
	return v, p.times(v.Claims)
}

// parts are the pieces of a token, none of which is proven.
type parts struct {
	token       *jws.Token
	disclosures []string
	binding     string // the holder's token, "" when there is none
	bound       string // what the holder's token speaks of: everything before it
}

// open takes a text apart (RFC 9901 §4).
func open(text, typ string) (*parts, error) {
	if len(text) > MaxBytes {
		return nil, refuse(TooLong, "reading %d bytes, at most %d are allowed", len(text), MaxBytes)
	}
	pieces := strings.Split(text, "~")
	if len(pieces) < 2 {
		return nil, refuse(Malformed, "there is no ~ after the issuer's token")
	}
	last := len(pieces) - 1
	p := &parts{disclosures: pieces[1:last], binding: pieces[last], bound: text[:len(text)-len(pieces[last])]}
	if len(p.disclosures) > MaxDisclosures {
		return nil, refuse(TooLong, "%d disclosures, at most %d are allowed", len(p.disclosures), MaxDisclosures)
	}
	var err error
	if p.token, err = jws.Parse(pieces[0], jws.Profile{Type: typ, Max: MaxBytes}); err != nil {
		return nil, fmt.Errorf("reading the issuer's token: %w", err)
	}
	return p, nil
}

// disclosure is one that was handed over.
type disclosure struct {
	name    string // "" for an element
	value   any
	element bool
	used    bool
}

// readDisclosure takes a disclosure apart: salt, name and value, or salt and value.
func readDisclosure(text string) (*disclosure, error) {
	raw, err := jws.Decode64(text)
	if err != nil {
		return nil, fmt.Errorf("reading a disclosure: %w", err)
	}
	v, err := jws.Value(raw)
	if err != nil {
		return nil, fmt.Errorf("reading a disclosure: %w", err)
	}
	list, ok := v.([]any)
	if !ok || len(list) != 2 && len(list) != 3 {
		return nil, refuse(Malformed, "a disclosure is no list of two or three")
	}
	if s, ok := list[0].(string); !ok || s == "" {
		return nil, refuse(Malformed, "a disclosure begins without a salt")
	}
	if len(list) == 2 {
		return &disclosure{value: list[1], element: true}, nil
	}
	name, ok := list[1].(string)
	if !ok {
		return nil, refuse(Malformed, "a disclosure has no name")
	}
	if reserved(name) {
		return nil, refuse(ReservedName, "a disclosure has a name that belongs to the format")
	}
	return &disclosure{name: name, value: list[2]}, nil
}

// reader puts the disclosed claims in the place of their digests (RFC 9901 §7.1, step 3).
type reader struct {
	given map[string]*disclosure // by digest
	seen  map[string]bool        // digests met so far
	out   Verified
}

func (p *parts) reveal() (*Verified, error) {
	r := reader{given: map[string]*disclosure{}, seen: map[string]bool{}}
	for _, text := range p.disclosures {
		d, err := readDisclosure(text)
		if err != nil {
			return nil, err
		}
		digest := digestOf(text)
		if r.given[digest] != nil {
			return nil, refuse(DoubledDisclosure, "a disclosure was handed over twice")
		}
		r.given[digest] = d
	}
	claims := p.token.Claims
	if alg, ok := claims[algorithm]; ok && alg != hashName {
		return nil, refuse(WrongDigest, "the digest algorithm is not %s", hashName)
	}
	delete(claims, algorithm)
	shown, err := r.object(claims, nil)
	if err != nil {
		return nil, err
	}
	for _, d := range r.given {
		if !d.used {
			return nil, refuse(Unreferenced, "no digest belongs to a disclosure")
		}
	}
	r.out.Header, r.out.Claims = p.token.Header, shown
	return &r.out, nil
}

func (r *reader) value(v any, at Path) (any, error) {
	if len(at) > MaxDepth {
		return nil, refuse(TooLong, "claims are nested deeper than %d", MaxDepth)
	}
	switch v := v.(type) {
	case map[string]any:
		return r.object(v, at)
	case []any:
		return r.array(v, at)
	}
	return v, nil
}

func (r *reader) object(in map[string]any, at Path) (map[string]any, error) {
	out := make(map[string]any, len(in))
	for name, v := range in {
		if name == digests {
			continue
		}
		if reserved(name) {
			return nil, refuse(ReservedName, "a claim has a name that belongs to the format")
		}
		var err error
		if out[name], err = r.value(v, at.to(name)); err != nil {
			return nil, err
		}
	}
	sd, ok := in[digests]
	if !ok {
		return out, nil
	}
	list, ok := sd.([]any)
	if !ok {
		return nil, refuse(Malformed, "the digests are no list")
	}
	for _, one := range list {
		if err := r.member(one, out, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// member puts the claim to which a digest belongs, if it was handed over, into the object.
func (r *reader) member(digest any, out map[string]any, at Path) error {
	d, err := r.meet(digest)
	if err != nil || d == nil {
		return err
	}
	if d.element {
		return refuse(Malformed, "an element was disclosed where a claim belongs")
	}
	if _, there := out[d.name]; there {
		return refuse(DoubledClaim, "a disclosure names a claim that is there already")
	}
	place := at.to(d.name)
	v, err := r.value(d.value, place)
	if err != nil {
		return err
	}
	out[d.name] = v
	r.out.Shown = append(r.out.Shown, place)
	return nil
}

func (r *reader) array(in []any, at Path) ([]any, error) {
	out := make([]any, 0, len(in))
	for _, v := range in {
		place := at.to(fmt.Sprint(len(out)))
		object, _ := v.(map[string]any)
		digest, isDigest := object[element]
		if !isDigest {
			shown, err := r.value(v, place)
			if err != nil {
				return nil, err
			}
			out = append(out, shown)
			continue
		}
		if len(object) != 1 {
			return nil, refuse(ReservedName, "the digest of an element does not stand alone")
		}
		d, err := r.meet(digest)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		if !d.element {
			return nil, refuse(Malformed, "a claim was disclosed where an element belongs")
		}
		shown, err := r.value(d.value, place)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
		r.out.Shown = append(r.out.Shown, place)
	}
	return out, nil
}

// meet looks for the disclosure of a digest; nil when it was not handed over. A digest may stand in one place only.
func (r *reader) meet(v any) (*disclosure, error) {
	digest, ok := v.(string)
	if !ok {
		return nil, refuse(Malformed, "a digest is no text")
	}
	if r.seen[digest] {
		return nil, refuse(DoubledDigest, "a digest stands in two places")
	}
	r.seen[digest] = true
	d := r.given[digest]
	if d == nil {
		r.out.Kept++
		return nil, nil
	}
	d.used = true
	return d, nil
}

func (p Path) to(name string) Path { return append(p[:len(p):len(p)], name) }

// times judges nbf, exp and iat (RFC 9901 §7.1, step 5).
func (p Policy) times(claims map[string]any) error {
	for _, c := range []struct {
		name string
		bad  func(time.Time) bool
		why  Refusal
	}{
		{"nbf", func(t time.Time) bool { return t.After(p.Now.Add(p.Skew)) }, NotYet},
		{"iat", func(t time.Time) bool { return t.After(p.Now.Add(p.Skew)) }, FromTheFuture},
		{"exp", func(t time.Time) bool { return !p.Now.Before(t) }, Ended},
	} {
		at, there, err := jws.Seconds(claims, c.name)
		if err != nil {
			return err
		}
		if there && c.bad(at) {
			return refuse(c.why, "judging the claim %s", c.name)
		}
	}
	return nil
}

// readHolder reads the key in cnf (RFC 7800 §3.2).
func (v *Verified) readHolder() error {
	cnf, there := v.Claims["cnf"]
	if !there {
		return nil
	}
	object, _ := cnf.(map[string]any)
	jwk, there := object["jwk"]
	if !there {
		return refuse(Malformed, "cnf has no key")
	}
	key, err := jws.ReadJWK(jwk)
	if err != nil {
		return fmt.Errorf("reading the holder's key: %w", err)
	}
	v.Holder = key
	return nil
}
