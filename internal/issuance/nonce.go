package issuance

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"akashi/internal/fault"
)

// Nonces makes and knows nonces without keeping any: time, random bits, and a MAC over both. Every process that has the
// platform's key knows those of the others.
type Nonces struct{ key []byte }

// NewNonces derives the key for nonces from one of the platform's.
func NewNonces(secret []byte) Nonces {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("akashi issuance nonce 1"))
	return Nonces{mac.Sum(nil)}
}

// use says what a nonce is for; one for proofs of keys is none for DPoP.
type use string

const (
	forProof use = "proof"
	forDPoP  use = "dpop"
)

const (
	nonceBody = 8 + 16
	nonceMAC  = 16
)

// make returns a nonce that was made now.
func (n Nonces) make(u use, issuer string, now time.Time) (string, error) {
	raw := make([]byte, nonceBody, nonceBody+nonceMAC)
	binary.BigEndian.PutUint64(raw, uint64(now.Unix()))
	if _, err := rand.Read(raw[8:]); err != nil {
		return "", fault.Wrap(fault.Internal, err, "drawing a nonce")
	}
	return b64.EncodeToString(append(raw, n.mac(u, issuer, raw)...)), nil
}

func (n Nonces) mac(u use, issuer string, body []byte) []byte {
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(string(u) + "\x00" + issuer + "\x00"))
	mac.Write(body)
	return mac.Sum(nil)[:nonceMAC]
}

// fresh tells whether a nonce is ours, for this use and issuer, and not older than life. It returns until when it is taken.
func (n Nonces) fresh(u use, issuer, nonce string, now time.Time, life time.Duration) (until time.Time, ok bool) {
	raw, err := b64.DecodeString(nonce)
	if err != nil || len(raw) != nonceBody+nonceMAC || !hmac.Equal(raw[nonceBody:], n.mac(u, issuer, raw[:nonceBody])) {
		return time.Time{}, false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	until = made.Add(life)
	// Another process's clock may go a little before ours.
	return until, now.Before(until) && made.Before(now.Add(time.Minute))
}
