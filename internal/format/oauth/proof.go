package oauth

import (
	"encoding/json"
	"strings"
	"time"
)

const (
	typeProof       = "openid4vci-proof+jwt"
	typeAttestation = "key-attestation+jwt"
	// ahead is how far the clock of a wallet may go before ours.
	ahead = 5 * time.Minute
	// maxAttested bounds the keys in one attestation.
	maxAttested = 20
)

// ProofWant is what key proofs must fit.
type ProofWant struct {
	Issuer   string // identifier of the credential issuer: the audience
	ClientID string // "" for a wallet that asked for its token anonymously
	Now      time.Time
	// Trust finds the key of whoever attests. nil: no provider of wallets is known, and an attestation that comes along is
	// refused rather than passed over.
	Trust Trust
	// Attested asks for a key attestation with every proof.
	Attested bool
}

// Proof is what a key proof says, its signature checked. Whether its nonce is ours and unused is still to be checked.
type Proof struct {
	Keys     []Key // the key that signed it; with a key attestation all that are attested
	Nonce    string
	IssuedAt time.Time
	Attested *Attestation // nil without
}

type proofClaims struct {
	Issuer   *string         `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	IssuedAt *json.Number    `json:"iat"`
	Nonce    *string         `json:"nonce"`
}

// CheckProof checks a proof of the type jwt (VCI, appendix F.1 and F.4).
func CheckProof(text string, want ProofWant) (Proof, error) {
	p, err := checkProof(text, want)
	return p, within(InvalidProof, err)
}

func checkProof(text string, want ProofWant) (Proof, error) {
	t, err := parse(text)
	if err != nil {
		return Proof{}, err
	}
	if t.header.Type != typeProof {
		return Proof{}, refuse(ProofType, "the typ is %.32q", t.header.Type)
	}
	var c proofClaims
	if err := t.claims(&c); err != nil {
		return Proof{}, err
	}
	p, key, err := t.holder(want, c)
	if err != nil {
		return Proof{}, err
	}
	if err := t.verify(key); err != nil {
		return Proof{}, err
	}
	return p, c.check(&p, want)
}

// holder finds the key that must have signed: in the header, or among those that are attested.
func (t *token) holder(want ProofWant, c proofClaims) (Proof, Key, error) {
	h := t.header
	if h.X5C != nil || h.TrustChain != nil {
		return Proof{}, Key{}, refuse(ProofKey, "the key stands in x5c or trust_chain, which are not taken")
	}
	if (h.JWK == nil) == (h.KID == nil) {
		return Proof{}, Key{}, refuse(ProofKey, "the header must have either jwk or kid")
	}
	if h.Attestation == nil {
		if h.JWK == nil {
			return Proof{}, Key{}, refuse(ProofKey, "a kid leads to no key without a key attestation")
		}
		key, err := ParseKey(h.JWK)
		return Proof{Keys: []Key{key}}, key, err
	}
	a, err := CheckAttestation(*h.Attestation, want)
	if err != nil {
		return Proof{}, Key{}, err
	}
	if a.Expires.IsZero() {
		return Proof{}, Key{}, refuse(AttestationClaims, "an attestation within a proof must have exp")
	}
	if c.Nonce == nil || a.Nonce != *c.Nonce {
		return Proof{}, Key{}, refuse(ProofNonce, "attestation and proof have different nonces")
	}
	key, err := a.find(h)
	return Proof{Keys: a.Keys, Attested: &a}, key, err
}

func (c proofClaims) check(p *Proof, want ProofWant) error {
	var audience string
	if c.Audience == nil || c.IssuedAt == nil || json.Unmarshal(c.Audience, &audience) != nil {
		return refuse(ProofClaims, "aud or iat is missing or of another type")
	}
	at, err := seconds(*c.IssuedAt)
	if err != nil {
		return refuse(ProofClaims, "the iat is no number of seconds")
	}
	switch {
	case audience != want.Issuer:
		return refuse(ProofAudience, "the proof was made for another issuer")
	case c.Issuer != nil && (want.ClientID == "" || *c.Issuer != want.ClientID):
		return refuse(ProofIssuer, "the iss is not the client")
	case at.After(want.Now.Add(ahead)):
		return refuse(ProofTime, "the proof comes from the future")
	case c.Nonce == nil || *c.Nonce == "":
		return refuse(ProofClaims, "there is no nonce")
	}
	p.Nonce, p.IssuedAt = *c.Nonce, at
	return nil
}

// Attestation is a wallet provider's word for keys and the place where they are kept (VCI, appendix D.1).
type Attestation struct {
	Issuer   string
	Keys     []Key
	Storage  []string // key_storage
	User     []string // user_authentication
	Nonce    string
	IssuedAt time.Time
	Expires  time.Time // zero: it does not say
}

type attestationClaims struct {
	Issuer   string            `json:"iss"`
	IssuedAt *json.Number      `json:"iat"`
	Expires  *json.Number      `json:"exp"`
	Keys     []json.RawMessage `json:"attested_keys"`
	Storage  []string          `json:"key_storage"`
	User     []string          `json:"user_authentication"`
	Nonce    string            `json:"nonce"`
}

// CheckAttestation checks a key attestation against the providers that are trusted.
func CheckAttestation(text string, want ProofWant) (Attestation, error) {
	a, err := checkAttestation(text, want)
	return a, within(InvalidProof, err)
}

func checkAttestation(text string, want ProofWant) (Attestation, error) {
	t, err := parse(text)
	if err != nil {
		return Attestation{}, err
	}
	if t.header.Type != typeAttestation {
		return Attestation{}, refuse(AttestationType, "the typ is %.32q", t.header.Type)
	}
	var c attestationClaims
	if err := t.claims(&c); err != nil {
		return Attestation{}, err
	}
	if err := t.attested(want.Trust, c.Issuer, AttestationUntrust); err != nil {
		return Attestation{}, err
	}
	return c.read(want.Now)
}

func (c attestationClaims) read(now time.Time) (a Attestation, err error) {
	a = Attestation{Issuer: c.Issuer, Storage: c.Storage, User: c.User, Nonce: c.Nonce}
	if c.IssuedAt == nil || len(c.Keys) == 0 {
		return a, refuse(AttestationClaims, "iat or attested_keys is missing")
	}
	if len(c.Keys) > maxAttested {
		return a, refuse(MessageTooLarge, "%d keys are attested", len(c.Keys))
	}
	if a.IssuedAt, err = seconds(*c.IssuedAt); err != nil {
		return a, refuse(AttestationClaims, "the iat is no number of seconds")
	}
	if c.Expires != nil {
		if a.Expires, err = seconds(*c.Expires); err != nil {
			return a, refuse(AttestationClaims, "the exp is no number of seconds")
		}
		if !a.Expires.After(now) {
			return a, refuse(AttestationExpired, "the attestation has expired")
		}
	}
	if a.IssuedAt.After(now.Add(ahead)) {
		return a, refuse(AttestationClaims, "the attestation comes from the future")
	}
	for _, raw := range c.Keys {
		k, err := ParseKey(raw)
		if err != nil {
			return a, err
		}
		a.Keys = append(a.Keys, k)
	}
	return a, distinct(a.Keys)
}

// find returns the attested key that a proof's header names.
func (a Attestation) find(h header) (Key, error) {
	var said Key
	if h.JWK != nil {
		var err error
		if said, err = ParseKey(h.JWK); err != nil {
			return Key{}, err
		}
	}
	for _, k := range a.Keys {
		if h.JWK != nil && k.Public.Equal(said.Public) || h.JWK == nil && k.KID != "" && k.KID == *h.KID {
			return k, nil
		}
	}
	return Key{}, refuse(AttestationOtherKey, "the proof's key is not attested")
}

// distinct refuses a key that stands twice: each copy is bound to a key of its own.
func distinct(keys []Key) error {
	seen := map[string]bool{}
	for _, k := range keys {
		name := k.Thumbprint()
		if seen[name] {
			return refuse(ProofRepeatedKey, "a key stands twice")
		}
		seen[name] = true
	}
	return nil
}

// Proofs checks every proof of a request and returns the keys to which copies will be bound, and the one nonce that all
// proofs share.
func Proofs(r *CredentialRequest, want ProofWant) (keys []Key, nonce string, err error) {
	var all []Proof
	for _, text := range r.Attestations {
		a, err := CheckAttestation(text, want)
		if err != nil {
			return nil, "", err
		}
		all = append(all, Proof{Keys: a.Keys, Nonce: a.Nonce, IssuedAt: a.IssuedAt})
	}
	for _, text := range r.JWTs {
		p, err := CheckProof(text, want)
		switch {
		case err != nil:
			return nil, "", err
		case want.Attested && p.Attested == nil:
			return nil, "", refuse(AttestationMissing, "nobody attests the key")
		}
		all = append(all, p)
	}
	for i, p := range all {
		if i > 0 && p.Nonce != nonce {
			return nil, "", refuse(ProofNonce, "the proofs have different nonces")
		}
		nonce = p.Nonce
		keys = append(keys, p.Keys...)
	}
	if strings.TrimSpace(nonce) == "" {
		return nil, "", refuse(ProofClaims, "there is no nonce")
	}
	return keys, nonce, distinct(keys)
}
