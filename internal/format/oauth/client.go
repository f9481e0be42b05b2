package oauth

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"time"
)

// The fields of a request in which a wallet shows who it is: its provider's word, and its own proof that it is the one meant
// (VCI, appendix E; draft-ietf-oauth-attestation-based-client-auth).
const (
	FieldClientAttestation = "OAuth-Client-Attestation"
	FieldClientProof       = "OAuth-Client-Attestation-PoP"
)

const (
	// AuthAttestation names that way among those of the authorization server's metadata.
	AuthAttestation = "attest_jwt_client_auth"

	typeClient      = "oauth-client-attestation+jwt"
	typeClientProof = "oauth-client-attestation-pop+jwt"

	// ClientProofWindow is by how much a client's proof may be older or newer than now.
	ClientProofWindow = 5 * time.Minute

	maxChain = 4 // certificates in a header
	maxJTI   = 256
)

// Attester is who signed an attestation, as the attestation itself says it. Nothing of it is proven.
type Attester struct {
	Issuer, KID string
	Chain       []*x509.Certificate // of the x5c, its own first; empty without
}

// Trust finds the key of an attester; false when nobody vouches for it.
type Trust func(Attester) (Key, bool)

// attested checks the signature of whoever attests. unknown is the refusal when it is nobody whom we know.
func (t *token) attested(trust Trust, issuer string, unknown Refusal) error {
	if trust == nil {
		return refuse(unknown, "no provider of wallets is known")
	}
	a := Attester{Issuer: issuer}
	if t.header.KID != nil {
		a.KID = *t.header.KID
	}
	var err error
	if a.Chain, err = t.chain(); err != nil {
		return err
	}
	key, known := trust(a)
	if !known {
		return refuse(unknown, "the attestation is by nobody whom we know")
	}
	return t.verify(key)
}

// chain reads the x5c of a header (RFC 7515 §4.1.6): certificates in base64, not base64url.
func (t *token) chain() (out []*x509.Certificate, err error) {
	if t.header.X5C == nil {
		return nil, nil
	}
	var all []string
	if err := json.Unmarshal(t.header.X5C, &all); err != nil || len(all) == 0 || len(all) > maxChain {
		return nil, refuse(TokenMalformed, "the x5c is no list of one to %d certificates", maxChain)
	}
	for _, text := range all {
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, refuse(TokenMalformed, "a certificate of the x5c is not base64")
		}
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refuse(TokenMalformed, "reading a certificate of the x5c: %v", err)
		}
		out = append(out, one)
	}
	return out, nil
}

// ClientWant is what a wallet attestation and its proof must fit.
type ClientWant struct {
	Issuer string // of the authorization server: the audience
	Now    time.Time
	Trust  Trust
}

// Client is a wallet of which its provider says what it is. Whether the proof was used before is still to be checked.
type Client struct {
	ID    string // client_id: that of the kind of wallet, not of one on one telephone
	Key   Key    // of the wallet on this telephone
	Proof string // jti of the proof
}

type clientClaims struct {
	Issuer       string       `json:"iss"`
	Subject      string       `json:"sub"`
	Expires      *json.Number `json:"exp"`
	IssuedAt     *json.Number `json:"iat"`
	Confirmation struct {
		JWK json.RawMessage `json:"jwk"`
	} `json:"cnf"`
}

type clientProofClaims struct {
	Issuer   *string         `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	ID       string          `json:"jti"`
	IssuedAt *json.Number    `json:"iat"`
	Expires  *json.Number    `json:"exp"`
}

// CheckClient checks what stands in the two fields of a request.
func CheckClient(attestations, proofs []string, want ClientWant) (Client, error) {
	if len(attestations) != 1 || len(proofs) != 1 {
		return Client{}, refuse(ClientAttestationMissing, "there are %d wallet attestations and %d proofs", len(attestations), len(proofs))
	}
	c, err := checkClientAttestation(attestations[0], want)
	if err == nil {
		c.Proof, err = c.checkProof(proofs[0], want)
	}
	return c, within(InvalidClient, err)
}

func checkClientAttestation(text string, want ClientWant) (Client, error) {
	t, err := parse(text)
	if err != nil {
		return Client{}, err
	}
	if t.header.Type != typeClient {
		return Client{}, refuse(ClientAttestationType, "the typ is %.40q", t.header.Type)
	}
	var c clientClaims
	if err := t.claims(&c); err != nil {
		return Client{}, err
	}
	if err := t.attested(want.Trust, c.Issuer, ClientAttestationUntrust); err != nil {
		return Client{}, err
	}
	if c.Subject == "" || c.Expires == nil || c.Confirmation.JWK == nil {
		return Client{}, refuse(ClientAttestationClaims, "sub, exp or cnf is missing")
	}
	if ends, err := seconds(*c.Expires); err != nil || !ends.After(want.Now) {
		return Client{}, refuse(ClientAttestationExpired, "the attestation has expired, or its exp is no number of seconds")
	}
	if c.IssuedAt != nil {
		if made, err := seconds(*c.IssuedAt); err != nil || made.After(want.Now.Add(ahead)) {
			return Client{}, refuse(ClientAttestationClaims, "the attestation comes from the future, or its iat is no number of seconds")
		}
	}
	key, err := ParseKey(c.Confirmation.JWK)
	return Client{ID: c.Subject, Key: key}, err
}

// checkProof checks the wallet's own proof and returns its jti.
func (c Client) checkProof(text string, want ClientWant) (string, error) {
	t, err := parse(text)
	if err != nil {
		return "", err
	}
	if t.header.Type != typeClientProof {
		return "", refuse(ClientAttestationType, "the typ of the proof is %.40q", t.header.Type)
	}
	var p clientProofClaims
	if err := t.claims(&p); err != nil {
		return "", err
	}
	if err := t.verify(c.Key); err != nil {
		return "", err
	}
	switch {
	case p.ID == "" || len(p.ID) > maxJTI || p.IssuedAt == nil:
		return "", refuse(ClientAttestationClaims, "jti or iat of the proof is missing or too long")
	case p.Issuer != nil && *p.Issuer != c.ID:
		return "", refuse(ClientAttestationClaims, "the proof is by another client")
	case !oneAudience(p.Audience, want.Issuer):
		return "", refuse(ClientProofAudience, "the proof was made for another server")
	}
	made, err := seconds(*p.IssuedAt)
	if err != nil || want.Now.Sub(made).Abs() > ClientProofWindow {
		return "", refuse(ClientProofTime, "the proof was not made now")
	}
	if p.Expires != nil {
		if ends, err := seconds(*p.Expires); err != nil || !ends.After(want.Now) {
			return "", refuse(ClientProofTime, "the proof has ended")
		}
	}
	return p.ID, nil
}

// oneAudience tells whether an aud is the one text, alone or as the one element of a list.
func oneAudience(raw json.RawMessage, want string) bool {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text == want
	}
	var list []string
	return json.Unmarshal(raw, &list) == nil && len(list) == 1 && list[0] == want
}
