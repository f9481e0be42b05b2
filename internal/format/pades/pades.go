// Package pades signs PDF documents so that they can be relied on for years, and reads signed ones strictly (PAdES,
// ETSI EN 319 142-1, on ISO 32000-1 §12.8 and RFC 5652).
//
// Everything is added behind the given document as an incremental update (ISO 32000-1 §7.5.6); not one byte of it changes.
// A document grows by levels:
//
//	B-B   Prepare and Complete, or Sign: a signature field, and in it a CMS signature over everything but itself
//	B-T   the same with a timestamp token inside the signature
//	B-LT  Extend: the certificates and revocation data with which a later reader can judge the signature (DSS)
//	B-LTA Stamp: a document timestamp over all of that, renewed before its own certificate ends
//
// Prepare is deterministic: the same document, certificates and options give the same bytes to sign, so that they can be
// recorded before they are signed.
//
// Read is for documents of our own making that come back from anybody. It accepts the signature of one signer over a whole
// revision, and behind it nothing but the updates named above, byte for byte accounted for. Everything else is refused
// with a Reason of its own. Verify then judges the certificates at the time that the timestamps prove.
package pades

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"time"
)

// MaxSize is the largest document that is signed or read, in bytes.
const MaxSize = 32 << 20

// Options are what a new signature says beside the signature itself.
type Options struct {
	// Chain is the signer's certificate followed by those of its issuers, as far as the reader may not have them.
	Chain []*x509.Certificate
	// At is the claimed time of signing, written into the dictionary (/M). A timestamp proves it.
	At time.Time
	// Name, Reason and Place are shown by readers of PDF; each may be empty.
	Name, Reason, Place string
	// Credential is the text of the QR code that the document shows, kept in the signature dictionary, so that a program
	// need not look at pictures: what Read returns as Signed.Credential is covered by the signature.
	Credential string
	// Copy is the id of the record that says what was signed here, kept beside Credential; it may be empty.
	Copy string
	// Status is the document's place in a status list, as the caller writes it, kept beside Copy; it may be empty.
	Status string
	// Page (from 0) and Rect (left, bottom, right, top in points) say where the signature shows. The zero Rect: nowhere.
	Page int
	Rect [4]float64
	// Appearance is the number of a form XObject of the document that is drawn in Rect; 0: an empty one is made.
	Appearance int
	// Timestamped leaves room for a timestamp token in the signature.
	Timestamped bool
}

// SignFunc has bytes signed with the key of the first certificate by ES256, and returns r and s in 64 bytes.
type SignFunc func(ctx context.Context, toSign []byte) ([]byte, error)

// TimestampFunc gets a timestamp token (RFC 3161, DER) for a SHA-256 digest.
type TimestampFunc func(ctx context.Context, digest [sha256.Size]byte) ([]byte, error)

// Sign signs a document: Prepare, sign, and with a timestamp function also a token. No update with evidence is added.
func Sign(ctx context.Context, pdf []byte, o Options, sign SignFunc, stamp TimestampFunc) ([]byte, error) {
	o.Timestamped = stamp != nil
	p, err := Prepare(pdf, o)
	if err != nil {
		return nil, err
	}
	raw, err := sign(ctx, p.ToSign)
	if err != nil {
		return nil, err
	}
	signature, err := p.Signature(raw)
	if err != nil || stamp == nil {
		return p.complete(signature, nil, err)
	}
	token, err := stamp(ctx, sha256.Sum256(signature.Signature))
	return p.complete(signature, token, err)
}
