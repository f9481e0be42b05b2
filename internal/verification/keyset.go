package verification

import (
	"context"
	"crypto"
	"crypto/rsa"
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
	Registrar     string   // id of the body that signs with it
	RegistrarName string   // in Japanese
	Registers     []string // codes with which the certificate ids (DN) of its registers begin; it may sign for no other
	NotBefore     time.Time
	RetiredAt     *time.Time // signs no more; what it signed before stands
	DistrustedAt  *time.Time // nothing that it signed is to be believed
	Public        crypto.PublicKey
}

// KeySet is every key that was ever published.
type KeySet []PublishedKey

// KeySet reads the published keys with the registers for which each may sign.
func (v *Verifier) KeySet(ctx context.Context) (KeySet, error) {
	keys, err := v.Keys(ctx)
	if err != nil {
		return nil, err
	}
	set := make(KeySet, 0, len(keys))
	for _, k := range keys {
		one, err := v.published(k)
		if err != nil {
			return nil, err
		}
		set = append(set, one)
	}
	return set, nil
}

func (v *Verifier) published(k credential.Key) (PublishedKey, error) {
	public, err := v.publicKey(k.KID, k.PublicJWK)
	if err != nil {
		return PublishedKey{}, err
	}
	one := PublishedKey{KID: k.KID, Registrar: k.RegistrarID, Registers: []string{}, NotBefore: k.NotBefore, RetiredAt: k.RetiredAt,
		DistrustedAt: k.DistrustedAt, Public: public}
	if r, ok := v.Catalogue.Registrar(k.RegistrarID); ok {
		one.RegistrarName = r.Name.JA
	}
	for _, d := range v.Catalogue.List() {
		for _, r := range d.Registers {
			if r.Registrar == k.RegistrarID {
				one.Registers = append(one.Registers, r.Code)
			}
		}
	}
	return one, nil
}

// extension are the members that we add to a JWK (RFC 7517 §4 lets us); the COSE keys have the same under text labels.
// Times are RFC 3339 in UTC.
type extension struct {
	Registrar     string   `json:"registrar"`
	RegistrarName string   `json:"registrar_name,omitempty"`
	Registers     []string `json:"registers"`
	NotBefore     string   `json:"not_before"`
	RetiredAt     string   `json:"retired_at,omitempty"`
	DistrustedAt  string   `json:"distrusted_at,omitempty"`
}

func (k PublishedKey) extension() extension {
	return extension{Registrar: k.Registrar, RegistrarName: k.RegistrarName, Registers: k.Registers, NotBefore: stamp(&k.NotBefore),
		RetiredAt: stamp(k.RetiredAt), DistrustedAt: stamp(k.DistrustedAt)}
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

// jwk joins the key's own members and ours in one object, sorted by name.
func (k PublishedKey) jwk() (json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	for _, part := range []any{jose.JSONWebKey{Key: k.Public, KeyID: k.KID, Use: "sig", Algorithm: k.algorithm()}, k.extension()} {
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
		more := map[string]any{"registrar": e.Registrar, "registers": e.Registers, "not_before": e.NotBefore}
		for label, text := range map[string]string{"registrar_name": e.RegistrarName, "retired_at": e.RetiredAt, "distrusted_at": e.DistrustedAt} {
			if text != "" {
				more[label] = text
			}
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
	k := PublishedKey{KID: key.KeyID, Registrar: e.Registrar, RegistrarName: e.RegistrarName, Registers: e.Registers, Public: key.Key}
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

// Check checks a credential by the keys alone, without the service: whether it is whole and who signed it. Whether it is
// still in force only the register knows, so the best verdict is CannotTell with two checks passed. A key that the set
// does not have may be newer than the set: the issuer is then unknown, not wrong.
func (s KeySet) Check(text string, now time.Time) Result {
	message, facts, r := open(text, now)
	if message == nil {
		return r
	}
	key, ok := s.find(message.KID)
	if !ok {
		r.Verdict = CannotTell
		return r
	}
	if key.DistrustedAt != nil || !key.signsFor(facts[cose.CertificateID]) {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	if err := cose.Verify(key.Public, message); err != nil {
		r.Verdict, r.Untampered = Tampered, No
		return r
	}
	r = r.proven(facts)
	r.Verdict = CannotTell
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

// signsFor tells whether the key's registrar keeps the register that a certificate id names.
func (k PublishedKey) signsFor(certificateID string) bool {
	_, code, err := publicid.Parse(certificateID)
	if err != nil {
		return false
	}
	return slices.Contains(k.Registers, code)
}
