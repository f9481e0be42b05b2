// Package statuslist reads and writes status lists: how the states of many credentials are published in few bytes, so
// that whoever checks one does not tell the issuer which. It follows draft-ietf-oauth-status-list-20 ("Token Status List"):
// a packed array of 1, 2, 4 or 8 bits an entry, compressed with ZLIB, inside a signed JWT (statuslist+jwt) or CWT
// (application/statuslist+cwt).
//
// A list is believed only as a whole: the type, the address it speaks for (sub), the time it was made (iat) and the time it
// ends (exp) are judged together with the signature, and a list that fails any of them says nothing about anybody. What
// the draft leaves open is decided strictly: a list without an end is refused, since it could be shown for ever.
//
// Nothing here holds a key or fetches a list. Signatures are made by a function; which key a list must be signed with is
// for the caller to say.
package statuslist

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"akashi/internal/fault"
)

// Status is the state of one entry (draft §7.1).
type Status byte

// The states that the draft registers. Others belong to an application; whoever reads one that it does not know cannot
// tell.
const (
	Valid     Status = 0x00
	Invalid   Status = 0x01 // for ever
	Suspended Status = 0x02 // until restored
)

const (
	// MediaJWT and MediaCWT are the media types of the two forms (draft §8.1).
	MediaJWT = "application/statuslist+jwt"
	MediaCWT = "application/statuslist+cwt"

	// MaxBytes bounds an unpacked list: a million entries of eight bits, four million of two.
	MaxBytes = 1 << 20
	// MaxToken bounds a signed list. Bytes without any pattern do not become fewer by packing, and base64 adds a third.
	MaxToken = 2 << 20
)

// Refusal is the reason why a list is not believed. It is also the key of the message for the visitor. Tokens that break
// a rule of every token are refused with a reason of package jws.
type Refusal string

const (
	// TooLong: more bytes than a list may have, packed or unpacked.
	TooLong Refusal = "statuslist.too_long"
	// Malformed: not a list in this form.
	Malformed Refusal = "statuslist.malformed"
	// WrongBits: not 1, 2, 4 or 8 bits an entry.
	WrongBits Refusal = "statuslist.wrong_bits"
	// OutOfBounds: the list has no entry with that index; nothing is known about it.
	OutOfBounds Refusal = "statuslist.out_of_bounds"
	// WrongType: not the type of a status list.
	WrongType Refusal = "statuslist.wrong_type"
	// WrongSubject: the list speaks for another address than the one it was fetched for.
	WrongSubject Refusal = "statuslist.wrong_subject"
	// FromTheFuture: it says to be made later than now.
	FromTheFuture Refusal = "statuslist.from_the_future"
	// Ended: its end has passed.
	Ended Refusal = "statuslist.ended"
	// NoEnd: it has no end, so it could be shown for ever.
	NoEnd Refusal = "statuslist.no_end"
	// BadSignature: the signature does not fit, or its key is of the wrong kind.
	BadSignature Refusal = "statuslist.bad_signature"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal; errors.Is finds both fault.Invalid and the reason.
func refuse(r Refusal, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Key: string(r), Doing: fmt.Sprintf(format, args...), Err: r}
}

// List is the unpacked array of states.
type List struct {
	bits   int
	packed []byte // entries from the least significant bit of the first byte on (draft §4.1)
}

// New makes a list of the given number of entries, all Valid. The number is rounded up to whole bytes.
func New(entries, bits int) (*List, error) {
	if !sized(bits) {
		return nil, refuse(WrongBits, "a list of %d bits an entry", bits)
	}
	perByte := 8 / bits
	size := (entries + perByte - 1) / perByte
	if entries <= 0 || size > MaxBytes {
		return nil, refuse(TooLong, "a list of %d entries", entries)
	}
	return &List{bits: bits, packed: make([]byte, size)}, nil
}

func sized(bits int) bool { return bits == 1 || bits == 2 || bits == 4 || bits == 8 }

// Bits is the number of bits an entry.
func (l *List) Bits() int { return l.bits }

// Len is the number of entries.
func (l *List) Len() int { return len(l.packed) * (8 / l.bits) }

// place is the byte of an entry and how far its bits stand from the right.
func (l *List) place(index int) (at int, shift uint) {
	perByte := 8 / l.bits
	return index / perByte, uint(index % perByte * l.bits)
}

// Set gives an entry its state. It fails with OutOfBounds, and with WrongBits when the state needs more bits.
func (l *List) Set(index int, s Status) error {
	if index < 0 || index >= l.Len() {
		return refuse(OutOfBounds, "setting entry %d of %d", index, l.Len())
	}
	mask := byte(1<<l.bits - 1)
	if byte(s) > mask {
		return refuse(WrongBits, "the state %d in %d bits", s, l.bits)
	}
	at, shift := l.place(index)
	l.packed[at] = l.packed[at]&^(mask<<shift) | byte(s)<<shift
	return nil
}

// Get reads the state of an entry. It fails with OutOfBounds: then nothing is known about the entry.
func (l *List) Get(index int) (Status, error) {
	if index < 0 || index >= l.Len() {
		return 0, refuse(OutOfBounds, "reading entry %d of %d", index, l.Len())
	}
	at, shift := l.place(index)
	return Status(l.packed[at] >> shift & (1<<l.bits - 1)), nil
}

// level is how hard packing tries. The draft recommends the hardest (§4.1), which for a million random states takes half a
// second and saves a quarter; with this level, a list is rebuilt in milliseconds after a revocation.
const level = 4

// Pack compresses the array (draft §4.1, step 4).
func (l *List) Pack() ([]byte, error) {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, level)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "preparing to pack a status list")
	}
	if _, err := w.Write(l.packed); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "packing a status list")
	}
	if err := w.Close(); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "packing a status list")
	}
	return out.Bytes(), nil
}

// Unpack reads what Pack wrote, whoever wrote it. It never holds more than MaxBytes, whatever the input promises.
func Unpack(packed []byte, bits int) (*List, error) {
	if !sized(bits) {
		return nil, refuse(WrongBits, "a list of %d bits an entry", bits)
	}
	in := bytes.NewReader(packed)
	r, err := zlib.NewReader(in)
	if err != nil {
		return nil, refuse(Malformed, "the list is not in ZLIB's form")
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, MaxBytes+1))
	switch {
	case n > MaxBytes:
		return nil, refuse(TooLong, "a list of more than %d bytes", MaxBytes)
	case err != nil:
		return nil, refuse(Malformed, "the list cannot be unpacked")
	case n == 0:
		return nil, refuse(Malformed, "the list is empty")
	}
	if err := errors.Join(r.Close(), rest(in)); err != nil {
		return nil, refuse(Malformed, "the list does not end where its ZLIB stream ends")
	}
	return &List{bits: bits, packed: out.Bytes()}, nil
}

// rest refuses bytes behind the stream.
func rest(in *bytes.Reader) error {
	if in.Len() > 0 {
		return Malformed
	}
	return nil
}
