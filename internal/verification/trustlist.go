package verification

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
)

// The trust list is one signed document with all that is needed to check credentials without the service but for the status
// lists themselves: every registrar with its keys by purpose, and where its status lists are published. It is a JWS in the
// compact form (RFC 7515 §7.1) with a type and an end of its own; docs/trust-list.md has the format.
const (
	// MediaTrustList is the media type of a trust list; without "application/" it is the typ in its header.
	MediaTrustList = "application/akashi-trust-list+jwt"
	// TrustLife is how long a trust list holds. The next is signed when half of it is over, or when something changed.
	TrustLife = 7 * 24 * time.Hour
	// maxTrustList bounds a list in bytes: a thousand registrars with four keys each, with their certificates, have half of it.
	maxTrustList = 16 << 20
)

// Reasons why a trust list is refused, beside those of package jws. Each is the key of a message, and errors.Is finds it.
const (
	// NoAnchor: nothing was named that the list's certificates could lead to.
	NoAnchor Refusal = "trust_list_without_anchor"
	// NoTrustSigner: a certificate of a trusted authority, but none for signing trust lists.
	NoTrustSigner Refusal = "trust_list_of_another_certificate"
	// EndedTrust: the list has ended.
	EndedTrust Refusal = "trust_list_ended"
	// EarlyTrust: the list was made after now.
	EarlyTrust Refusal = "trust_list_from_the_future"
	// BadTrust: a signed list that is none in this form.
	BadTrust Refusal = "trust_list_malformed"
)

// usageTrust is the extended key usage of certificates that sign trust lists: id-tsl-kp-tslSigning (ETSI TS 119 612 §5.7.1).
func usageTrust() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{0, 4, 0, 2231, 3, 0} }

// trustDocument is the content of a trust list.
type trustDocument struct {
	Issuer     string           `json:"iss"` // origin of the verification site
	Subject    string           `json:"sub"` // where the list is published
	Version    int64            `json:"version,omitempty"`
	IssuedAt   int64            `json:"iat,omitempty"`
	ExpiresAt  int64            `json:"exp,omitempty"`
	StatusBase string           `json:"status_base"` // what addresses of status lists begin with
	Registrars []trustRegistrar `json:"registrars"`
}

type trustRegistrar struct {
	ID          string            `json:"id"`
	Name        trustName         `json:"name"`
	Registers   []string          `json:"registers"`
	StatusLists []string          `json:"status_lists"`
	Keys        []json.RawMessage `json:"keys"`
}

type trustName struct {
	JA string `json:"ja"`
	EN string `json:"en,omitempty"`
}

// IsTrustList tells a signed trust list from a JWK Set, which is a JSON object. It believes nothing.
func IsTrustList(raw []byte) bool { return strings.HasPrefix(strings.TrimSpace(string(raw)), "eyJ") }

// ReadTrustList reads a trust list. Its certificates must lead to one of the anchors, of which one may be the signer's own, and
// be for signing trust lists; it must not have ended. It fails with fault.Invalid and a reason of this package or of package
// jws: jws.BadSignature, jws.BadChain, jws.WrongType, EndedTrust and so on.
func ReadTrustList(raw []byte, anchors []*x509.Certificate, now time.Time) (*Trust, error) {
	if len(anchors) == 0 {
		return nil, refuseList(NoAnchor, "no anchor was named")
	}
	t, err := jws.Parse(strings.TrimSpace(string(raw)), jws.Profile{Type: MediaTrustList, Max: maxTrustList})
	if err != nil {
		return nil, fmt.Errorf("reading a trust list: %w", err)
	}
	roots := x509.NewCertPool()
	for _, c := range anchors {
		roots.AddCert(c)
	}
	leaf, err := jws.Trusted(t.Header.Chain, roots, now)
	if err != nil {
		return nil, fmt.Errorf("reading a trust list: %w", err)
	}
	if !slices.ContainsFunc(leaf.UnknownExtKeyUsage, usageTrust().Equal) {
		return nil, refuseList(NoTrustSigner, "its certificate is not for trust lists")
	}
	if err := t.Verify(leaf.PublicKey); err != nil {
		return nil, fmt.Errorf("checking a trust list: %w", err)
	}
	return openTrust(t.Payload, now)
}

// openTrust reads the content of a list whose signature holds.
func openTrust(payload []byte, now time.Time) (*Trust, error) {
	var d trustDocument
	if err := json.Unmarshal(payload, &d); err != nil {
		return nil, refuseList(BadTrust, err.Error())
	}
	trust := &Trust{lists: map[string][]byte{}, statusBase: d.StatusBase}
	switch {
	case d.Version < 1 || d.StatusBase == "" || d.IssuedAt <= 0 || d.ExpiresAt <= d.IssuedAt:
		return nil, refuseList(BadTrust, "it does not say its version, its times or where status lists are")
	case time.Unix(d.IssuedAt, 0).After(now.Add(skew)):
		return nil, refuseList(EarlyTrust, "it was made after now")
	case !now.Before(time.Unix(d.ExpiresAt, 0)):
		return nil, refuseList(EndedTrust, "it ended at "+time.Unix(d.ExpiresAt, 0).UTC().Format(time.RFC3339)+": fetch it again")
	}
	for _, r := range d.Registrars {
		for i, one := range r.Keys {
			k, err := parseKey(one)
			if err != nil {
				return nil, refuseList(BadTrust, fmt.Sprintf("key %d of %s: %v", i, r.ID, err))
			}
			k.Registrar, k.RegistrarName, k.Registers = r.ID, r.Name.JA, r.Registers
			trust.Keys = append(trust.Keys, k)
		}
	}
	return trust, nil
}

func refuseList(r Refusal, why string) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: "reading a trust list: " + why, Err: r}
}

// inList is a key as it stands in a trust list: what its registrar has in common with the others is left out.
func (k PublishedKey) inList() (json.RawMessage, error) {
	return joined(k.bare(), k.terms())
}
