package verification

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
	"akashi/internal/format/statuslist"
)

// Trust is what a verifier keeps to check credentials without the service: the published keys, and status lists that were
// fetched before. A list tells the state of the time it was made; it must not have ended.
type Trust struct {
	Keys       KeySet
	Timestamps []*x509.Certificate // anchors of timestamp authorities, for PDFs; none: timestamps prove nothing
	lists      map[string][]byte   // by the address that the list says it speaks for, which reading proves
	statusBase string              // what addresses of status lists begin with, "" when that is not known
}

// NewTrust reads published keys (a JWK Set with our members; see KeySet.JWKS). It fails with fault.Invalid.
func NewTrust(keys []byte) (*Trust, error) {
	set, err := ParseKeySet(keys)
	if err != nil {
		return nil, err
	}
	return &Trust{Keys: set, lists: map[string][]byte{}}, nil
}

// Keep takes a status list, as JWT or CWT, and says for which address. Nothing of it is believed yet; of two for one address
// the later kept stays. It fails with fault.Invalid.
func (t *Trust) Keep(list []byte) (address string, err error) {
	if statuslist.IsJWT(list) {
		list = bytes.TrimSpace(list)
	}
	if address, err = statuslist.Subject(list); err != nil {
		return "", fmt.Errorf("reading a status list: %w", err)
	}
	if t.lists == nil {
		t.lists = map[string][]byte{}
	}
	t.lists[address] = list
	return address, nil
}

// Check checks a credential in any form of text: the text of a QR code, national or compact, an SD-JWT VC, a W3C credential,
// a mobile document in hexadecimal or base64.
// AsOf is the time for which the state is told: when the list was made that says so, or when a code for a screen was signed;
// zero when the state is not known. Result.Reason says why the verdict is not a better one.
func (t *Trust) Check(text string, now time.Time) (r Result, asOf time.Time) {
	text = strings.TrimSpace(text)
	if of, ok := walletForm(text); ok {
		s := source{key: t.key, failed: func(error) {}, status: func(at spot, r Result) Result {
			r, asOf = t.status(at, r)
			return r
		}}
		if r = s.check(text, of, now); r.Verdict == Expired { // the credential says so, and no list
			asOf = time.Time{}
		}
		if r.Verdict == CannotTell && r.Reason == "" {
			r.Reason = string(NotYet)
		}
		return r, asOf
	}
	if raw, ok := mdocIn(text); ok {
		return t.checkMDoc(raw, now)
	}
	message, err := cose.ParseURL(text)
	if m, ok := compactIn(message, err); ok {
		return t.checkCompact(m, now)
	}
	return t.checkNational(message, err, now), time.Time{}
}

// checkNational checks the national QR code, which has no place in a list: the best verdict is CannotTell with two checks
// passed. A key that is not kept may be newer than those that are: the issuer is then unknown, not wrong.
func (t *Trust) checkNational(raw []byte, unread error, now time.Time) Result {
	message, r := open(raw, unread, now)
	if message == nil {
		return r
	}
	key, r, ok := t.signer(r, message.KID, credential.ForCredential, codeIn(message.Facts[cose.CertificateID]))
	if !ok {
		return r
	}
	if err := cose.Verify(key.Public, message); err != nil {
		r.Verdict, r.Untampered = Tampered, No
		return r
	}
	r = r.proven(message.Facts)
	r.Verdict, r.Reason = CannotTell, string(NoPlace)
	return r
}

// signer finds the key that a message names, which must be one for the purpose and the register. Without one the result is
// final.
func (t *Trust) signer(r Result, kid string, p credential.Purpose, register string) (PublishedKey, Result, bool) {
	key, ok := t.Keys.find(kid)
	if !ok {
		r.Verdict, r.Reason = CannotTell, string(UnknownKey)
		return key, r, false
	}
	if err := key.may(p, register); err != nil {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return key, r.because(err), false
	}
	return key, r, true
}

// checkCompact checks a compact code, which names its list by number and register: the list is the one that is kept at such an
// address. A code for a screen has no place and needs none: until it runs out, it says by itself that it was in force when it
// was signed, at most two minutes ago.
func (t *Trust) checkCompact(m *cose.Compact, now time.Time) (Result, time.Time) {
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	if m == nil {
		r.Verdict, r.Untampered = Tampered, No
		return r, time.Time{}
	}
	register := codeIn(m.Facts[cose.CertificateID])
	key, r, ok := t.signer(r, m.KID, credential.ForCredential, register)
	if !ok {
		return r, time.Time{}
	}
	if err := m.Verify(key.Public); err != nil {
		r.Verdict, r.Untampered = Tampered, No
		return r, time.Time{}
	}
	r = r.proven(m.Facts)
	switch {
	case m.IssuedAt.After(now.Add(skew)):
		r.Verdict, r.Reason = CannotTell, string(NotYet)
		return r, time.Time{}
	case m.Status == nil:
		r.Verdict, r.Status = Valid, Yes
		return runOut(r, m), m.IssuedAt
	}
	r, asOf := t.status(spot{URI: t.address(register, m.Status.List), Index: m.Status.Index}, r)
	return runOut(r, m), asOf
}

// address is that of the list of a register with a number which is kept: …/<register's code>/<number>. "" when there is none
// or more than one.
func (t *Trust) address(register string, number int) (found string) {
	ending := fmt.Sprintf("/%s/%d", register, number)
	for address := range t.lists {
		switch {
		case !strings.HasSuffix(address, ending):
		case found != "":
			return ""
		default:
			found = address
		}
	}
	return found
}

// key finds the key that a credential names. It must be one for credentials, of the registrar that keeps the register whose
// list is named, and must not be distrusted.
func (t *Trust) key(h jws.Header, at spot, _ []byte) (crypto.PublicKey, error) {
	key, ok := t.Keys.find(h.KID)
	if !ok {
		return nil, errors.Join(errUnsure, UnknownKey)
	}
	if err := key.may(credential.ForCredential, registerOf(at.URI)); err != nil {
		return nil, err
	}
	if !sameKey(h.Chain, key.Public) {
		return nil, refuse(OtherCertificate)
	}
	return key.Public, nil
}

// registerOf is the code of the register of a status list: …/<register's code>/<number>.
func registerOf(uri string) string {
	parts := strings.Split(uri, "/")
	if len(parts) < 3 {
		return ""
	}
	return parts[len(parts)-2]
}

// status reads the state in the list that was kept. A list that is missing, cannot be read, has ended or does not have the
// entry says nothing: the verdict is CannotTell.
func (t *Trust) status(at spot, r Result) (Result, time.Time) {
	token, why := t.list(at.URI, r.CheckedAt)
	var state statuslist.Status
	if why == "" {
		var err error
		if state, err = token.List.Get(at.Index); err != nil {
			why = NoEntry
		}
	}
	r.Verdict, r.Status = CannotTell, Unknown
	if why == "" && state == statuslist.Valid {
		r.Verdict, r.Status = Valid, Yes
		return r, token.IssuedAt
	}
	if verdict, known := map[statuslist.Status]Verdict{statuslist.Invalid: Revoked, statuslist.Suspended: Suspended}[state]; why == "" && known {
		r.Verdict, r.Status = verdict, No
		return r, token.IssuedAt
	}
	if why == "" {
		why = NoEntry
	}
	r.Reason = string(why)
	return r, time.Time{}
}

// list reads the list that was kept for an address, or says why it tells nothing.
func (t *Trust) list(address string, now time.Time) (*statuslist.Token, Refusal) {
	raw, kept := t.lists[address]
	if !kept {
		return nil, NoList
	}
	if t.statusBase != "" && !strings.HasPrefix(address, t.statusBase+"/") {
		return nil, BadList
	}
	expect := statuslist.Expect{Subject: address, Now: now, Skew: skew}
	var token *statuslist.Token
	var err error
	if statuslist.IsJWT(raw) {
		token, err = statuslist.ReadJWT(string(raw), t.listKey(address), expect)
	} else {
		token, err = statuslist.ReadCWT(raw, t.listKey(address), expect)
	}
	switch {
	case errors.Is(err, statuslist.Ended):
		return nil, EndedList
	case err != nil:
		return nil, BadList
	}
	return token, ""
}

// listKey returns the key with which a list of the address must be signed.
func (t *Trust) listKey(uri string) statuslist.KeyFor {
	return func(kid string, chain []*x509.Certificate) (crypto.PublicKey, error) {
		key, ok := t.Keys.find(kid)
		if !ok {
			return nil, UnknownKey
		}
		if err := key.may(credential.ForStatus, registerOf(uri)); err != nil {
			return nil, err
		}
		if !sameKey(chain, key.Public) {
			return nil, OtherCertificate
		}
		return key.Public, nil
	}
}
