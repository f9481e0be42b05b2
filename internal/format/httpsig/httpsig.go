// Package httpsig signs HTTP requests and checks such signatures: HTTP Message Signatures (RFC 9421) by ECDSA on P-256
// with SHA-256, with the digest of the content among what is signed (RFC 9530). It knows the one shape that our
// notifications have and refuses every other: one signature, the components in Components, a time that is given and
// near, a tag.
//
//	Content-Digest: sha-256=:…:
//	Signature-Input: sig1=("@method" "@target-uri" "content-type" "content-digest");created=1764547200;keyid="…";alg="ecdsa-p256-sha256";tag="…"
//	Signature: sig1=:…:
package httpsig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"akashi/internal/fault"
)

// Algorithm is the name of the algorithm (RFC 9421 §3.3.4). A signature is r and s, 32 bytes each.
const Algorithm = "ecdsa-p256-sha256"

// Components lists what is signed of a request, in order (RFC 9421 §2.1, §2.2).
const Components = `("@method" "@target-uri" "content-type" "content-digest")`

// label names the one signature of a message (RFC 9421 §4).
const label = "sig1"

// Message is what of a request is signed.
type Message struct {
	Method      string // POST
	TargetURI   string // the absolute address as it is sent, without a fragment (RFC 9421 §2.2.2)
	ContentType string
	Body        []byte
}

// Parameters say who signed when and for what (RFC 9421 §2.3).
type Parameters struct {
	Created time.Time // to the second
	KeyID   string
	Tag     string // the application; keeps a signature of one from counting in another
}

// Headers are the three fields that a signed request carries.
type Headers struct {
	ContentDigest  string
	SignatureInput string
	Signature      string
}

// The reasons of a refusal: keys of the fault that Verify returns.
const (
	ReasonDigest    = "httpsig.digest"    // the content is not that of the digest
	ReasonInput     = "httpsig.input"     // the signature's parameters have not the one shape
	ReasonTag       = "httpsig.tag"       // made for another application
	ReasonTime      = "httpsig.time"      // made too long ago, or in the future
	ReasonKey       = "httpsig.key"       // no such key
	ReasonSignature = "httpsig.signature" // the signature does not hold
)

// quotable are the characters of key ids and tags: a string of RFC 8941 §3.3.3 that needs no escape.
var quotable = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,200}$`)

// Digest is the Content-Digest field of a body (RFC 9530 §2), by SHA-256.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// Sign returns the fields of a signed request. sign is given the SHA-256 of the signature base and returns r and s, 64 bytes.
func Sign(m Message, p Parameters, sign func(digest []byte) ([]byte, error)) (Headers, error) {
	if !quotable.MatchString(p.KeyID) || !quotable.MatchString(p.Tag) {
		return Headers{}, fault.New(fault.Internal, "", "signing a request: the key id or the tag cannot be written")
	}
	h := Headers{ContentDigest: Digest(m.Body)}
	parameters := p.text()
	sum := sha256.Sum256(base(m, h.ContentDigest, parameters))
	signature, err := sign(sum[:])
	if err != nil {
		return Headers{}, fmt.Errorf("signing a request: %w", err)
	}
	if len(signature) != 64 {
		return Headers{}, fault.New(fault.Internal, "", "signing a request: the signature is not of 64 bytes")
	}
	h.SignatureInput = label + "=" + parameters
	h.Signature = label + "=:" + base64.StdEncoding.EncodeToString(signature) + ":"
	return h, nil
}

// text is the inner list with its parameters (RFC 9421 §2.3).
func (p Parameters) text() string {
	return Components + `;created=` + strconv.FormatInt(p.Created.Unix(), 10) + `;keyid="` + p.KeyID + `";alg="` + Algorithm + `";tag="` + p.Tag + `"`
}

// base is the signature base (RFC 9421 §2.5).
func base(m Message, digest, parameters string) []byte {
	var b strings.Builder
	for _, line := range [][2]string{{"@method", m.Method}, {"@target-uri", m.TargetURI}, {"content-type", strings.TrimSpace(m.ContentType)},
		{"content-digest", digest}} {
		b.WriteString(`"` + line[0] + `": ` + line[1] + "\n")
	}
	b.WriteString(`"@signature-params": ` + parameters)
	return []byte(b.String())
}

var input = regexp.MustCompile(`^sig1=(\("@method" "@target-uri" "content-type" "content-digest"\);created=([0-9]{1,12});keyid="([\x21\x23-\x5b\x5d-\x7e]{1,200})";alg="ecdsa-p256-sha256";tag="([\x21\x23-\x5b\x5d-\x7e]{1,200})")$`)

// Check says what a verifier expects.
type Check struct {
	Tag    string
	Now    time.Time
	Window time.Duration                       // how far the time of signing may lie from Now, in both directions
	Key    func(keyID string) *ecdsa.PublicKey // on P-256; nil when there is no such key
}

// Verify checks a signed request. The fault's key is one of the reasons above; its kind is fault.Unauthenticated.
func Verify(m Message, h Headers, c Check) (Parameters, error) {
	if subtle.ConstantTimeCompare([]byte(h.ContentDigest), []byte(Digest(m.Body))) != 1 {
		return Parameters{}, refuse(ReasonDigest)
	}
	found := input.FindStringSubmatch(h.SignatureInput)
	if found == nil {
		return Parameters{}, refuse(ReasonInput)
	}
	seconds, err := strconv.ParseInt(found[2], 10, 64)
	if err != nil {
		return Parameters{}, refuse(ReasonInput)
	}
	p := Parameters{Created: time.Unix(seconds, 0), KeyID: found[3], Tag: found[4]}
	if p.Tag != c.Tag {
		return p, refuse(ReasonTag)
	}
	if away := c.Now.Sub(p.Created); away > c.Window || away < -c.Window {
		return p, refuse(ReasonTime)
	}
	key := c.Key(p.KeyID)
	if key == nil || key.Curve != elliptic.P256() {
		return p, refuse(ReasonKey)
	}
	return p, verify(key, base(m, h.ContentDigest, found[1]), h.Signature)
}

func verify(key *ecdsa.PublicKey, signed []byte, field string) error {
	text, ok := strings.CutPrefix(field, label+"=:")
	text, closed := strings.CutSuffix(text, ":")
	signature, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || !closed || err != nil || len(signature) != 64 {
		return refuse(ReasonSignature)
	}
	sum := sha256.Sum256(signed)
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return refuse(ReasonSignature)
	}
	return nil
}

func refuse(reason string) error {
	return fault.New(fault.Unauthenticated, reason, "checking the signature of a request")
}
