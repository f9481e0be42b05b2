package verification

import (
	"crypto"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/sdjwt"
	"akashi/internal/format/vc"
)

// skew is by how much the clock of whoever signed may differ from ours.
const skew = time.Minute

// walletForm tells whether a text is meant as a credential for wallets, and in which form. It believes nothing: what only
// looks like one is refused later, with the reason.
func walletForm(text string) (form string, ok bool) {
	switch {
	case !strings.HasPrefix(text, "eyJ"): // a JSON object in base64url
		return "", false
	case strings.Contains(text, "~"):
		return sdjwt.TypeVC, true
	case strings.Count(text, ".") == 2:
		return vc.Type, true
	}
	return "", false
}

// spot is the place in a status list that a credential names, and by which it is found.
type spot struct {
	URI   string
	Index int
}

// source is who is asked about a credential for wallets: the register, or what a verifier has kept of it. An error of kind
// not_found says that there is no such issuer or credential; errUnsure, that this source does not know; any other, that it
// could not be asked.
type source struct {
	key    func(h jws.Header, at spot, signed []byte) (crypto.PublicKey, error)
	status func(at spot, r Result) Result
	// records tells, once the signature holds, whether what was signed is what was issued; nil where nobody can know.
	records func() bool
	failed  func(error)
}

// errUnsure is when a source does not know a key, which others may know.
var errUnsure = errors.New("the key is not among those that are kept here")

// said is what a credential says, in the terms of a result.
type said struct {
	labels map[string]string
	at     *spot
}

// check makes the three checks of a text of the form.
func (s source) check(text, of string, now time.Time) Result {
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	read := s.readSDJWT
	if of == vc.Type {
		read = s.readVC
	}
	what, err := read(text, now)
	if what == nil {
		return s.refused(r, err)
	}
	if s.records != nil && !s.records() {
		return s.refused(r, fault.New(fault.NotFound, "", "comparing a credential with what was issued"))
	}
	r = r.proven(what.labels)
	switch {
	case errors.Is(err, sdjwt.Ended), errors.Is(err, vc.Ended):
		return s.ended(*what.at, r)
	case err != nil: // its time has not come: whoever's clock is wrong, nothing is known
		r.Verdict = CannotTell
		return r
	}
	return s.status(*what.at, r)
}

// ended is the result for a copy whose own time has passed: expired, unless more is said against its credential.
func (s source) ended(at spot, r Result) Result {
	if now := s.status(at, r); now.Verdict != Valid && now.Verdict != CannotTell {
		return now
	}
	r.Verdict, r.Status = Expired, No
	return r
}

// refused words a credential that could not be read or proven.
func (s source) refused(r Result, err error) Result {
	r = r.because(err)
	switch {
	case errors.Is(err, errUnsure):
		r.Verdict = CannotTell
	case errors.Is(err, fault.NotFound):
		r.Verdict, r.Issuer = UnknownIssuer, No
	case errors.Is(err, fault.Invalid):
		r.Verdict, r.Untampered = Tampered, No
	default:
		s.failed(err)
		r.Verdict = CannotTell
	}
	return r
}

// noPlace is a credential without a place in a list of ours: whoever signed it, we have never issued it.
func noPlace() error {
	return fault.New(fault.NotFound, "", "looking for a credential without a place in a status list")
}

// signedPart is what the issuer signed of a token: everything before the signature.
func signedPart(text string) []byte {
	token, _, _ := strings.Cut(text, "~")
	return []byte(token[:max(0, strings.LastIndex(token, "."))])
}

func (s source) readSDJWT(text string, now time.Time) (*said, error) {
	p := sdjwt.Policy{Now: now, Skew: skew, Key: func(h jws.Header, open map[string]any) (crypto.PublicKey, error) {
		ref, err := sdjwt.ReadStatus(open)
		if err != nil {
			return nil, err
		}
		if ref == nil {
			return nil, noPlace()
		}
		return s.key(h, spot(*ref), signedPart(text))
	}}
	v, err := sdjwt.VerifyVC(text, p)
	if v == nil {
		return nil, err
	}
	return &said{labels: form.Labels(v.Claims), at: (*spot)(v.Status)}, err
}

func (s source) readVC(text string, now time.Time) (*said, error) {
	p := vc.Policy{Now: now, Skew: skew, Key: func(h jws.Header, c *vc.Credential) (crypto.PublicKey, error) {
		if c.Status == nil {
			return nil, noPlace()
		}
		return s.key(h, spot(*c.Status), signedPart(text))
	}}
	c, err := vc.Verify(text, p)
	if c == nil {
		return nil, err
	}
	return &said{labels: form.Labels(c.Subject), at: (*spot)(c.Status)}, err
}

// sameKey tells whether a certificate in a header, where there is one, is of the key that was found.
func sameKey(chain []*x509.Certificate, key crypto.PublicKey) bool {
	if len(chain) == 0 {
		return true
	}
	own, ok := chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(key)
}
