package sdjwt

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
)

// What belongs to the Internet-Draft "SD-JWT-based Verifiable Digital Credentials" stands in this file, because it is not
// an RFC yet and has changed between its versions: the type in the header (earlier: vc+sd-jwt), the language of a display
// (earlier: lang), further types (aka_vcts, since draft 18). The rules here are those of the texts up to draft 18; Draft
// was the newest when this was written, and its text has not been compared.
const Draft = "draft-ietf-oauth-sd-jwt-vc-24"

const (
	// TypeVC is the typ of a credential.
	TypeVC = "dc+sd-jwt"
	// MediaVC is its media type.
	MediaVC = "application/dc+sd-jwt"

	claimType = "vct"
)

// alwaysOpen are the claims that may never be hidden.
var alwaysOpen = []string{"iss", "nbf", "exp", "cnf", claimType, "vct#integrity", "aka_vcts", "status"}

// StatusRef is where the state of a credential is found (draft-ietf-oauth-status-list-20 §6.2).
type StatusRef struct {
	URI   string
	Index int
}

// Claim is the status claim that refers to it.
func (s StatusRef) Claim() map[string]any {
	return map[string]any{"status_list": map[string]any{"idx": s.Index, "uri": s.URI}}
}

// VC is a credential: what is open to everybody, and the claims about the person.
type VC struct {
	Type      string // vct: the address of the type's metadata
	Integrity string // of the metadata (W3C Subresource Integrity); "" when it is not pinned
	Issuer    string // iss; may be empty when the certificates in the header name the issuer
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: no end
	Status    *StatusRef
	Holder    *ecdsa.PublicKey // nil: whoever has the credential may show it
	Claims    map[string]any   // with Hide around what the holder may keep
}

// ComposeVC writes the credential. The header's type is set here.
func (c Composer) ComposeVC(h jws.Header, vc VC) (*Unsigned, error) {
	h.Type = TypeVC
	claims := members(vc.Claims, 10)
	claims.set(claimType, vc.Type)
	claims.set("iat", vc.IssuedAt.Unix())
	if vc.Integrity != "" {
		claims.set("vct#integrity", vc.Integrity)
	}
	if vc.Issuer != "" {
		claims.set("iss", vc.Issuer)
	}
	if !vc.ExpiresAt.IsZero() {
		claims.set("exp", vc.ExpiresAt.Unix())
	}
	if vc.Status != nil {
		claims.set("status", object{{"status_list", object{{"idx", vc.Status.Index}, {"uri", vc.Status.URI}}}})
	}
	if vc.Holder != nil {
		x, y, err := jws.Coordinates(vc.Holder)
		if err != nil {
			return nil, err
		}
		claims.set("cnf", object{{"jwk", object{{"kty", "EC"}, {"crv", "P-256"}, {"x", x}, {"y", y}}}})
	}
	for _, m := range claims {
		if _, isHidden := m.value.(hidden); isHidden && slices.Contains(alwaysOpen, m.name) {
			return nil, fault.New(fault.Internal, "", "hiding a claim of a credential that must be open: "+m.name)
		}
	}
	if vc.Type == "" {
		return nil, fault.New(fault.Internal, "", "writing a credential without a type")
	}
	return c.compose(h, claims)
}

// set gives an object a member, instead of the one that has its name.
func (o *object) set(name string, value any) {
	if i := slices.IndexFunc(*o, func(m member) bool { return m.name == name }); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{name, value})
}

// Presented is a credential that holds.
type Presented struct {
	Verified
	Type      string
	Issuer    string
	IssuedAt  time.Time
	ExpiresAt time.Time
	Status    *StatusRef // nil: the issuer says nothing about its state
}

// VerifyVC checks a credential or a presentation of one. Policy.Type is set here. The state in the status list is not
// looked up: the caller does, and trusts no credential before. With NotYet, Ended and FromTheFuture what was read is
// returned, too.
func VerifyVC(text string, p Policy) (*Presented, error) {
	p.Type = TypeVC
	v, untimely := Verify(text, p)
	if v == nil {
		return nil, untimely
	}
	for _, path := range v.Shown {
		for _, name := range alwaysOpen {
			if path[0] == name {
				return nil, refuse(HiddenClaim, "the claim %s came in a disclosure", name)
			}
		}
	}
	out := &Presented{Verified: *v}
	var err error
	if out.Type, err = jws.Text(v.Claims, claimType); err != nil || out.Type == "" {
		return nil, refuse(NoType, "the credential has no type")
	}
	if out.Issuer, err = jws.Text(v.Claims, "iss"); err != nil {
		return nil, err
	}
	if out.IssuedAt, _, err = jws.Seconds(v.Claims, "iat"); err != nil {
		return nil, err
	}
	if out.ExpiresAt, _, err = jws.Seconds(v.Claims, "exp"); err != nil {
		return nil, err
	}
	if out.Status, err = ReadStatus(v.Claims); err != nil {
		return nil, err
	}
	return out, untimely
}

// maxIndex bounds an index as far as any list can be long.
const maxIndex = 1 << 31

// ReadStatus reads the reference to a status list. It is nil when there is no status claim; a claim that cannot be read,
// or that names another mechanism alone, is WrongStatus: what cannot be checked is not valid.
func ReadStatus(claims map[string]any) (*StatusRef, error) {
	v, there := claims["status"]
	if !there {
		return nil, nil
	}
	status, _ := v.(map[string]any)
	list, ok := status["status_list"].(map[string]any)
	if !ok {
		return nil, refuse(WrongStatus, "the status is not in a status list")
	}
	uri, _ := list["uri"].(string)
	index, err := jws.Integer(list["idx"])
	if err != nil || index < 0 || index >= maxIndex || uri == "" {
		return nil, refuse(WrongStatus, "the reference to the status list is not whole")
	}
	return &StatusRef{URI: uri, Index: int(index)}, nil
}

// Metadata describes a type to whoever shows or checks its credentials (draft, "Type Metadata"). It is published at the
// address that is the type.
type Metadata struct {
	Type        string          `json:"vct"`
	Name        string          `json:"name,omitempty"`        // for developers
	Description string          `json:"description,omitempty"` // for developers
	Display     []Display       `json:"display,omitempty"`
	Claims      []ClaimMetadata `json:"claims,omitempty"`
}

// Display is the name of a type in one language.
type Display struct {
	Locale      string     `json:"locale"` // BCP 47
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Rendering   *Rendering `json:"rendering,omitempty"`
}

// Rendering tells how a wallet draws the card.
type Rendering struct {
	Simple Simple `json:"simple"`
}

// Simple is the way without a picture.
type Simple struct {
	Background string `json:"background_color,omitempty"`
	Text       string `json:"text_color,omitempty"`
}

// ClaimMetadata describes one claim.
type ClaimMetadata struct {
	Path      []string       `json:"path"`
	Display   []ClaimDisplay `json:"display,omitempty"`
	Mandatory bool           `json:"mandatory,omitempty"` // it is in every credential of the type, shown or not
	SD        Disclosable    `json:"sd,omitempty"`
}

// ClaimDisplay is the label of a claim in one language.
type ClaimDisplay struct {
	Locale string `json:"locale"`
	Label  string `json:"label"`
}

// Disclosable tells whether a claim is hidden from verifiers to whom the holder does not show it.
type Disclosable string

// Whether a claim can be kept by the holder.
const (
	Always Disclosable = "always"
	Never  Disclosable = "never"
)

// Encode writes the document, the same bytes for the same metadata, and its integrity string.
func (m Metadata) Encode() (document []byte, integrity string, err error) {
	if document, err = json.MarshalIndent(m, "", "  "); err != nil {
		return nil, "", fault.Wrap(fault.Internal, err, "writing type metadata")
	}
	document = append(document, '\n')
	return document, Integrity(document), nil
}

// Integrity is the integrity metadata of a document (W3C Subresource Integrity §3.1).
func Integrity(document []byte) string {
	digest := sha256.Sum256(document)
	return "sha256-" + base64.StdEncoding.EncodeToString(digest[:])
}
