package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"time"
)

const (
	typeDPoP = "dpop+jwt"
	// maxID bounds a proof's jti, in bytes.
	maxID = 128
	// DPoPWindow is how far a proof's iat may lie from our time, either way; how long its jti must be remembered.
	DPoPWindow = 60 * time.Second
)

// DPoP is a proof that was found to be in order. That its ID was not seen before is still to be checked.
type DPoP struct {
	Key      Key
	ID       string // jti
	IssuedAt time.Time
	Nonced   bool // it carries a nonce of ours, which says when it was made
}

// DPoPWant is what a proof must fit.
type DPoPWant struct {
	Method  string
	Address string // as the request's target is published: scheme, host, path
	Now     time.Time
	// Token is the access token that comes along; "" at the token endpoint.
	Token string
	// Nonce tells whether a nonce is ours and fresh. A proof with such a nonce may have been made by a wallet whose clock is
	// wrong: its iat is not looked at.
	Nonce func(string) bool
}

type dpopClaims struct {
	ID       *string      `json:"jti"`
	Method   *string      `json:"htm"`
	Address  *string      `json:"htu"`
	IssuedAt *json.Number `json:"iat"`
	Nonce    *string      `json:"nonce"`
	Token    *string      `json:"ath"`
}

// CheckDPoP checks the values of a request's DPoP header fields (RFC 9449 §4.3): there must be exactly one.
func CheckDPoP(fields []string, want DPoPWant) (DPoP, error) {
	d, err := checkDPoP(fields, want)
	return d, within(InvalidDPoPProof, err)
}

func checkDPoP(fields []string, want DPoPWant) (DPoP, error) {
	switch len(fields) {
	case 0:
		return DPoP{}, refuse(DPoPMissing, "there is no DPoP proof")
	case 1:
	default:
		return DPoP{}, refuse(DPoPSeveral, "there are %d DPoP proofs", len(fields))
	}
	t, err := parse(fields[0])
	if err != nil {
		return DPoP{}, err
	}
	if t.header.Type != typeDPoP {
		return DPoP{}, refuse(DPoPType, "the typ is %.32q", t.header.Type)
	}
	key, err := ParseKey(t.header.JWK)
	if err != nil {
		return DPoP{}, err
	}
	if err := t.verify(key); err != nil {
		return DPoP{}, err
	}
	var c dpopClaims
	if err := t.claims(&c); err != nil {
		return DPoP{}, err
	}
	return c.check(key, want)
}

func (c dpopClaims) check(key Key, want DPoPWant) (DPoP, error) {
	if c.ID == nil || c.Method == nil || c.Address == nil || c.IssuedAt == nil || *c.ID == "" || len(*c.ID) > maxID {
		return DPoP{}, refuse(DPoPClaims, "jti, htm, htu or iat is missing or too long")
	}
	d := DPoP{Key: key, ID: *c.ID}
	seconds, err := seconds(*c.IssuedAt)
	if err != nil {
		return DPoP{}, refuse(DPoPClaims, "the iat is no number of seconds")
	}
	d.IssuedAt = seconds
	switch {
	case *c.Method != want.Method:
		return DPoP{}, refuse(DPoPMethod, "the proof is for the method %.16q", *c.Method)
	case !sameAddress(*c.Address, want.Address):
		return DPoP{}, refuse(DPoPAddress, "the proof is for another address")
	}
	if c.Nonce != nil {
		if want.Nonce == nil || !want.Nonce(*c.Nonce) {
			return DPoP{}, refuse(DPoPNonce, "the nonce is not ours or too old")
		}
		d.Nonced = true
	}
	if !d.Nonced && want.Now.Sub(d.IssuedAt).Abs() > DPoPWindow {
		return DPoP{}, refuse(DPoPTime, "the proof was not made now")
	}
	if want.Token != "" && (c.Token == nil || !sameText(*c.Token, TokenHash(want.Token))) {
		return DPoP{}, refuse(DPoPToken, "the ath is not of this access token")
	}
	return d, nil
}

// TokenHash is the ath of an access token (RFC 9449 §4.2).
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return b64.EncodeToString(sum[:])
}

func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// seconds reads a NumericDate (RFC 7519 §2) between 1970 and 9999.
func seconds(n json.Number) (time.Time, error) {
	f, err := n.Float64()
	if err != nil || f < 0 || f > 253402300799 {
		return time.Time{}, refuse(TokenMalformed, "a time is no number of seconds")
	}
	return time.Unix(int64(f), 0), nil
}

// sameAddress compares an htu with the address of the request, both without query and fragment and in normal form
// (RFC 3986 §6.2.2, §6.2.3).
func sameAddress(said, is string) bool {
	a, ok := normal(said)
	b, known := normal(is)
	return ok && known && a == b
}

// otherHost tells whether a host and port are not written with it: such a host has several forms and is taken for none.
func otherHost(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == ':' || r == '[' || r == ']')
}

// normal brings an address into its one form: lower-case scheme and host, no port that goes without saying, no dot
// segments, and escapes only where they are needed, in capitals.
func normal(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || len(address) > 2048 || strings.ContainsFunc(u.Host, otherHost) {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	p := escapes(u.EscapedPath())
	if clean := path.Clean("/" + p); strings.Contains(p, "/.") {
		if strings.HasSuffix(p, "/") && clean != "/" {
			clean += "/"
		}
		p = clean
	}
	if p == "" {
		p = "/"
	}
	return scheme + "://" + host + p, true
}

// escapes writes escapes in capitals and takes away those of unreserved characters.
func escapes(p string) string {
	var out strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] != '%' || i+2 >= len(p) {
			out.WriteByte(p[i])
			continue
		}
		if c := unhex(p[i+1])<<4 | unhex(p[i+2]); unreserved(c) {
			out.WriteByte(c)
		} else {
			out.WriteString(strings.ToUpper(p[i : i+3]))
		}
		i += 2
	}
	return out.String()
}

// unhex is the value of a hexadecimal digit; url.Parse has seen that it is one.
func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
