package sdjwt

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
)

// typeBinding is the typ of the holder's token (RFC 9901 §4.3).
const typeBinding = "kb+jwt"

// bind checks the holder's token (RFC 9901 §7.3). Where the policy does not ask for one and one is there, it must still
// belong to what was handed over; which question it answered is then not judged, and nothing is proven by it.
func (p Policy) bind(parts *parts, v *Verified) error {
	if parts.binding == "" {
		if p.Binding != nil {
			return refuse(NoBinding, "the holder has proven nothing")
		}
		return nil
	}
	if v.Holder == nil {
		return refuse(NoBinding, "the credential names no key of the holder")
	}
	t, err := jws.Parse(parts.binding, jws.Profile{Type: typeBinding, Max: MaxBytes})
	if err != nil {
		return fmt.Errorf("reading the holder's token: %w", err)
	}
	if err := t.Verify(v.Holder); err != nil {
		return fmt.Errorf("checking the holder's signature: %w", err)
	}
	if hash, err := jws.Text(t.Claims, "sd_hash"); err != nil || !same(hash, digestOf(parts.bound)) {
		return refuse(BadBinding, "the holder's token belongs to other claims than were handed over")
	}
	if p.Binding == nil {
		return nil
	}
	if err := p.answers(t.Claims); err != nil {
		return err
	}
	v.Bound = true
	return nil
}

// answers tells whether the holder's token answers the question of the policy.
func (p Policy) answers(claims map[string]any) error {
	if nonce, err := jws.Text(claims, "nonce"); err != nil || p.Binding.Nonce == "" || !same(nonce, p.Binding.Nonce) {
		return refuse(WrongNonce, "the holder answered another question")
	}
	if audience, err := jws.Text(claims, "aud"); err != nil || p.Binding.Audience == "" || !same(audience, p.Binding.Audience) {
		return refuse(WrongAudience, "the holder answered another verifier")
	}
	at, there, err := jws.Seconds(claims, "iat")
	if err != nil || !there {
		return refuse(BadBinding, "the holder's token does not say when it was made")
	}
	if at.After(p.Now.Add(p.Skew)) || at.Before(p.Now.Add(-p.Binding.MaxAge-p.Skew)) {
		return refuse(StaleBinding, "the holder's token was not made just now")
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Answer is what a holder binds a presentation to.
type Answer struct {
	Nonce    string
	Audience string
	At       time.Time
	Sign     jws.Sign // by the key in the credential's cnf
}

// Present makes a presentation that shows what keep wants, as a wallet does: a hidden claim is handed over when keep says
// so of it or of a hidden claim inside it. With an answer the presentation ends with the holder's token. The issuer's
// signature is not checked; the token must be of the given type.
func Present(text, typ string, keep func(Path) bool, a *Answer) (string, error) {
	p, err := open(text, typ)
	if err != nil {
		return "", err
	}
	chosen := chooser{keep: keep, by: map[string]string{}, take: map[string]bool{}}
	for _, text := range p.disclosures {
		if _, err := readDisclosure(text); err != nil {
			return "", err
		}
		chosen.by[digestOf(text)] = text
	}
	if _, err := chosen.walk(p.token.Claims, nil); err != nil {
		return "", err
	}
	var shown []string
	for _, text := range p.disclosures {
		if chosen.take[text] {
			shown = append(shown, text)
		}
	}
	token, _, _ := strings.Cut(text, "~")
	out := join(token, shown)
	if a == nil {
		return out, nil
	}
	payload, err := json.Marshal(map[string]any{"nonce": a.Nonce, "aud": a.Audience, "iat": a.At.Unix(), "sd_hash": digestOf(out)})
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "writing the holder's token")
	}
	binding, err := jws.Make(jws.Header{Type: typeBinding}, payload, a.Sign)
	if err != nil {
		return "", err
	}
	return out + binding, nil
}

// chooser finds which disclosures to hand over.
type chooser struct {
	keep func(Path) bool
	by   map[string]string // disclosures not met yet, by their digest
	take map[string]bool   // disclosures that are handed over
}

// walk goes through a value and tells whether anything hidden in it is handed over.
func (c *chooser) walk(v any, at Path) (bool, error) {
	if len(at) > MaxDepth {
		return false, refuse(TooLong, "claims are nested deeper than %d", MaxDepth)
	}
	found := false
	visit := func(look func() (bool, error)) error {
		taken, err := look()
		found = found || taken
		return err
	}
	switch v := v.(type) {
	case map[string]any:
		list, _ := v[digests].([]any)
		for _, digest := range list {
			if err := visit(func() (bool, error) { return c.digest(digest, "", at) }); err != nil {
				return false, err
			}
		}
		for name, inside := range v {
			if name == digests {
				continue
			}
			if err := visit(func() (bool, error) { return c.walk(inside, at.to(name)) }); err != nil {
				return false, err
			}
		}
	case []any:
		for i, inside := range v {
			place := fmt.Sprint(i)
			object, _ := inside.(map[string]any)
			look := func() (bool, error) { return c.walk(inside, at.to(place)) }
			if digest, ok := object[element]; ok {
				look = func() (bool, error) { return c.digest(digest, place, at) }
			}
			if err := visit(look); err != nil {
				return false, err
			}
		}
	}
	return found, nil
}

// digest decides on the disclosure of one digest, and on what is hidden in it first.
func (c *chooser) digest(v any, place string, at Path) (bool, error) {
	digest, _ := v.(string)
	text, there := c.by[digest]
	if !there {
		return false, nil
	}
	delete(c.by, digest)
	d, err := readDisclosure(text)
	if err != nil {
		return false, err
	}
	if !d.element {
		place = d.name
	}
	inside, err := c.walk(d.value, at.to(place))
	if err != nil {
		return false, err
	}
	if !inside && !c.keep(at.to(place)) {
		return false, nil
	}
	c.take[text] = true
	return true, nil
}
