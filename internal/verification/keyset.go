package verification

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/publicid"
)

// PublishedKey is a key as verifiers need it to check a credential by themselves: beside the key, who may sign what with
// it, and when it was trusted.
type PublishedKey struct {
	KID           string
	Purpose       string   // the one thing that it signs: see credential.Purposes
	Registrar     string   // id of the body that signs with it
	RegistrarName string   // in Japanese
	Registers     []string // codes with which the certificate ids (DN) of its registers begin; it may sign for no other
	NotBefore     time.Time
	RetiredAt     *time.Time // signs no more; what it signed before stands
	DistrustedAt  *time.Time // nothing that it signed is to be believed
	Public        crypto.PublicKey
	Chain         []*x509.Certificate // the key's own first, the anchor last; empty while it has none
}

// KeySet is every key that was ever published, of every purpose.
type KeySet []PublishedKey

// KeySet reads the published keys with the registers for which each may sign.
func (v *Verifier) KeySet(ctx context.Context) (KeySet, error) {
	keys, err := v.keys(ctx)
	if err != nil {
		return nil, err
	}
	registers := v.registers()
	set := make(KeySet, 0, len(keys))
	for _, k := range keys {
		one, err := v.published(k)
		if err != nil {
			return nil, err
		}
		one.Registers = append(one.Registers, registers[k.RegistrarID]...)
		set = append(set, one)
	}
	return set, nil
}

// registers are the codes of each registrar's registers.
func (v *Verifier) registers() map[string][]string {
	codes := map[string][]string{}
	for _, d := range v.Catalogue.List() {
		for _, r := range d.Registers {
			codes[r.Registrar] = append(codes[r.Registrar], r.Code)
		}
	}
	return codes
}

func (v *Verifier) published(k credential.Key) (PublishedKey, error) {
	public, err := v.publicKey(k.KID, k.PublicJWK)
	if err != nil {
		return PublishedKey{}, err
	}
	one := PublishedKey{KID: k.KID, Purpose: string(k.Purpose), Registrar: k.RegistrarID, Registers: []string{}, NotBefore: k.NotBefore,
		RetiredAt: k.RetiredAt, DistrustedAt: k.DistrustedAt, Public: public}
	if r, ok := v.Catalogue.Registrar(k.RegistrarID); ok {
		one.RegistrarName = r.Name.JA
	}
	one.Chain, err = v.chain(k.KID, k.Chain)
	return one, err
}

// NotAfter is the end of the key's certificate, nil while it has none.
func (k PublishedKey) NotAfter() *time.Time {
	if len(k.Chain) == 0 {
		return nil
	}
	end := k.Chain[0].NotAfter
	return &end
}

// chain reads a key's certificates. They are kept between readings, for the very bytes that were read.
func (v *Verifier) chain(kid string, ders [][]byte) ([]*x509.Certificate, error) {
	if kept, ok := v.chains.Load(kid); ok {
		if certs := kept.([]*x509.Certificate); slices.EqualFunc(certs, ders, func(c *x509.Certificate, der []byte) bool { return bytes.Equal(c.Raw, der) }) {
			return certs, nil
		}
	}
	var certs []*x509.Certificate
	for _, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates of key %s: %w", kid, err)
		}
		certs = append(certs, cert)
	}
	v.chains.Store(kid, certs)
	return certs, nil
}

// For returns the keys of some purposes.
func (s KeySet) For(purposes ...credential.Purpose) KeySet {
	out := KeySet{}
	for _, k := range s {
		if slices.Contains(purposes, credential.Purpose(k.Purpose)) {
			out = append(out, k)
		}
	}
	return out
}

// keyTerms and extension are the members that we add to a JWK (RFC 7517 §4 lets us); the COSE keys have the same under text
// labels. Times are RFC 3339 in UTC.
type keyTerms struct {
	Purpose      string `json:"purpose"`
	NotBefore    string `json:"not_before"`
	NotAfter     string `json:"not_after,omitempty"`
	RetiredAt    string `json:"retired_at,omitempty"`
	DistrustedAt string `json:"distrusted_at,omitempty"`
}

type extension struct {
	keyTerms
	Registrar     string   `json:"registrar"`
	RegistrarName string   `json:"registrar_name,omitempty"`
	Registers     []string `json:"registers"`
}

func (k PublishedKey) terms() keyTerms {
	return keyTerms{Purpose: k.Purpose, NotBefore: stamp(&k.NotBefore), NotAfter: stamp(k.NotAfter()), RetiredAt: stamp(k.RetiredAt), DistrustedAt: stamp(k.DistrustedAt)}
}

func (k PublishedKey) extension() extension {
	return extension{keyTerms: k.terms(), Registrar: k.Registrar, RegistrarName: k.RegistrarName, Registers: k.Registers}
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// jwks is a JWK Set (RFC 7517 §5).
type jwks struct {
	Keys []json.RawMessage `json:"keys"`
}

// JWKS writes the keys as a JWK Set (RFC 7517 §5). The same keys give the same bytes.
func (s KeySet) JWKS() ([]byte, error) {
	set := jwks{Keys: []json.RawMessage{}}
	for _, k := range s {
		one, err := k.jwk()
		if err != nil {
			return nil, fmt.Errorf("publishing key %s: %w", k.KID, err)
		}
		set.Keys = append(set.Keys, one)
	}
	return json.Marshal(set)
}

// jwk is the key with our members.
func (k PublishedKey) jwk() (json.RawMessage, error) { return joined(k.bare(), k.extension()) }

// bare is the key without our members.
func (k PublishedKey) bare() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.Public, KeyID: k.KID, Use: "sig", Algorithm: k.algorithm(), Certificates: k.Chain}
}

// joined is one object with the members of all parts, sorted by name.
func joined(parts ...any) (json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	for _, part := range parts {
		raw, err := json.Marshal(part)
		if err == nil {
			err = json.Unmarshal(raw, &members)
		}
		if err != nil {
			return nil, err
		}
	}
	return json.Marshal(members)
}

// algorithm is the JOSE name of the one algorithm that the key's type is used with (RFC 7518 §3.1).
func (k PublishedKey) algorithm() string {
	if _, isRSA := k.Public.(*rsa.PublicKey); isRSA {
		return string(jose.PS256)
	}
	return string(jose.ES256)
}

// COSE writes the keys as a COSE_KeySet (RFC 9052 §7).
func (s KeySet) COSE() ([]byte, error) {
	keys := make([]cose.Key, 0, len(s))
	for _, k := range s {
		e := k.extension()
		more := map[string]any{"purpose": e.Purpose, "registrar": e.Registrar, "registers": e.Registers, "not_before": e.NotBefore}
		for label, text := range map[string]string{"registrar_name": e.RegistrarName, "not_after": e.NotAfter, "retired_at": e.RetiredAt, "distrusted_at": e.DistrustedAt} {
			if text != "" {
				more[label] = text
			}
		}
		chain := make([][]byte, 0, len(k.Chain))
		for _, cert := range k.Chain {
			chain = append(chain, cert.Raw)
		}
		if len(chain) > 0 {
			more["x5chain"] = chain
		}
		keys = append(keys, cose.Key{KID: k.KID, Public: k.Public, More: more})
	}
	return cose.EncodeKeySet(keys)
}

// ParseKeySet reads what JWKS wrote. It fails with fault.Invalid.
func ParseKeySet(raw []byte) (KeySet, error) {
	var set jwks
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading a key set")
	}
	if set.Keys == nil {
		return nil, fault.New(fault.Invalid, "", "reading a key set: it has no member keys")
	}
	var keys KeySet
	for i, one := range set.Keys {
		k, err := parseKey(one)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, fmt.Sprintf("reading key %d of a key set", i))
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func parseKey(raw json.RawMessage) (PublishedKey, error) {
	var key jose.JSONWebKey
	if err := json.Unmarshal(raw, &key); err != nil {
		return PublishedKey{}, err
	}
	var e extension
	if err := json.Unmarshal(raw, &e); err != nil {
		return PublishedKey{}, err
	}
	if key.KeyID == "" || !key.IsPublic() {
		return PublishedKey{}, errors.New("it has no kid or is not public")
	}
	if !slices.Contains(credential.Purposes, credential.Purpose(e.Purpose)) {
		return PublishedKey{}, fmt.Errorf("its purpose %q is none", e.Purpose)
	}
	k := PublishedKey{KID: key.KeyID, Purpose: e.Purpose, Registrar: e.Registrar, RegistrarName: e.RegistrarName, Registers: e.Registers, Public: key.Key, Chain: key.Certificates}
	from, err := time.Parse(time.RFC3339, e.NotBefore)
	if err != nil {
		return PublishedKey{}, err
	}
	k.NotBefore = from
	if k.RetiredAt, err = parseStamp(e.RetiredAt); err != nil {
		return PublishedKey{}, err
	}
	k.DistrustedAt, err = parseStamp(e.DistrustedAt)
	return k, err
}

func parseStamp(s string) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	return &t, err
}

// Check checks a credential by the keys alone: Trust.Check without status lists.
func (s KeySet) Check(text string, now time.Time) Result {
	r, _ := (&Trust{Keys: s}).Check(text, now)
	return r
}

func (s KeySet) find(kid string) (PublishedKey, bool) {
	for _, k := range s {
		if k.KID == kid {
			return k, true
		}
	}
	return PublishedKey{}, false
}

// holds finds the key of a certificate among those of a purpose.
func (s KeySet) holds(cert *x509.Certificate, p credential.Purpose) (PublishedKey, bool) {
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	for _, k := range s {
		if ok && k.Purpose == string(p) && public.Equal(k.Public) {
			return k, true
		}
	}
	return PublishedKey{}, false
}

// may tells whether the key may speak for a register, by its code, in what keys of the purpose sign; otherwise why not.
func (k PublishedKey) may(p credential.Purpose, register string) error {
	switch {
	case k.Purpose != string(p):
		return refuse(WrongPurpose)
	case k.DistrustedAt != nil:
		return refuse(Distrusted)
	case !slices.Contains(k.Registers, register):
		return refuse(WrongRegister)
	}
	return nil
}

// codeIn is the code of the register that a certificate id names, "" when it is none.
func codeIn(certificateID string) string {
	_, code, err := publicid.Parse(certificateID)
	if err != nil {
		return ""
	}
	return code
}
