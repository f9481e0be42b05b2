package pades

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"akashi/internal/format/cms"
	"akashi/internal/format/tsp"
)

// Level is how far a document carries its own evidence (ETSI EN 319 142-1 §6).
type Level string

// The levels.
const (
	LevelB   Level = "B-B"
	LevelT   Level = "B-T"
	LevelLT  Level = "B-LT"
	LevelLTA Level = "B-LTA"
)

// Signed is a document whose signature holds over what it covers, and that nothing was added to but evidence and
// timestamps. Whose certificate that is, and whether it was good, Verify says.
type Signed struct {
	Signer              *x509.Certificate
	Certificates        []*x509.Certificate // all that the signature carries
	At                  time.Time           // when the signer claims to have signed
	Name, Reason, Place string
	Credential          string       // text of the QR code, as it was signed; empty in a document without
	Copy                string       // id of the record of what was signed; empty in a document without
	Status              string       // its place in a status list; empty in a document without
	ToSign              []byte       // the signed attributes: what the record says was to be signed
	Token               *tsp.Token   // timestamp of the signature; nil: none
	Timestamps          []*tsp.Token // of the document, in the order they were added
	Evidence            Evidence
	Level               Level
	Digest              [sha256.Size]byte // of what the signature covers

	imprint  []byte   // what Token is over
	sums     [][]byte // what each of Timestamps is over
	contents [][]byte // Contents of each signature and timestamp, with what fills them up
	file     *file
}

// Read reads a signed document and sees that the signature, the updates behind it and the timestamps fit their bytes. Every
// refusal is a *Refusal.
func Read(pdf []byte) (*Signed, error) {
	f, err := open(pdf)
	if err != nil {
		return nil, err
	}
	one, err := f.signer()
	if err != nil {
		return nil, err
	}
	place, err := f.span(one.value)
	if err != nil {
		return nil, err
	}
	revision, err := f.revision(one, place)
	if err != nil {
		return nil, err
	}
	s := &Signed{Name: readable(one.dict.get("Name")), Reason: readable(one.dict.get("Reason")), Place: readable(one.dict.get("Location")),
		Credential: readable(one.dict.get(keyCredential)), Copy: readable(one.dict.get(keyCopy)), Status: readable(one.dict.get(keyStatus))}
	s.At, _ = parseDate(one.dict.get("M"))
	if err := s.readSignature(pdf, place); err != nil {
		return nil, err
	}
	if err := s.readUpdates(revision, pdf); err != nil {
		return nil, err
	}
	s.Level = s.level()
	return s, nil
}

func (s *Signed) level() Level {
	switch {
	case len(s.Timestamps) > 0 && !s.Evidence.Empty():
		return LevelLTA
	case s.Token != nil && !s.Evidence.Empty():
		return LevelLT
	case s.Token != nil:
		return LevelT
	}
	return LevelB
}

// signature is a signature or timestamp of a document: its field, and its dictionary.
type signature struct {
	field ref
	value ref
	dict  dict
}

// fields reads the form. It has signature fields alone, each with its value, none with others below.
func (f *file) fields() ([]signature, error) {
	_, catalog, err := f.catalog()
	if err != nil {
		return nil, err
	}
	if !catalog.has("AcroForm") {
		return nil, refuse(NotSigned, "no form")
	}
	form, err := f.dictAt(catalog.get("AcroForm"), "form")
	if err != nil {
		return nil, err
	}
	list, ok := form.get("Fields").(array)
	if !ok {
		return nil, refuse(Malformed, "form without list of fields")
	}
	var out []signature
	for _, one := range list {
		s := signature{}
		if s.field, ok = one.(ref); !ok {
			return nil, refuse(Malformed, "field")
		}
		d, err := f.dictAt(s.field, "field")
		if err != nil {
			return nil, err
		}
		if d.get("FT") != name("Sig") || d.has("Kids") || d.has("Parent") {
			return nil, refuse(Malformed, "field of another kind than a signature")
		}
		if s.value, ok = d.get("V").(ref); !ok {
			return nil, refuse(NotSigned, "a field that waits for its signature")
		}
		if s.dict, err = f.dictAt(s.value, "signature dictionary"); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// signer finds the one signature of the document that is no document timestamp.
func (f *file) signer() (signature, error) {
	all, err := f.fields()
	if err != nil {
		return signature{}, err
	}
	var found []signature
	for _, s := range all {
		if s.dict.get("Type") != name("DocTimeStamp") {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 0:
		return signature{}, refuse(NotSigned, "timestamps alone")
	case len(found) > 1:
		return signature{}, refuse(SeveralSignatures, fmt.Sprint(len(found)))
	case found[0].dict.get("Type") != name("Sig"), found[0].dict.get("SubFilter") != subfilterSignature:
		return signature{}, refuse(WrongSubfilter, "")
	}
	return found[0], nil
}

// spanned is where the bytes of a signature stand, what they are, and which bytes they speak of.
type spanned struct {
	from, to int    // with the angle brackets
	end      int    // of the signed bytes
	contents []byte // with what fills them up
	der      []byte
}

// span reads ByteRange and Contents of a signature dictionary, and sees that the one leaves out exactly the other.
func (f *file) span(r ref) (sp spanned, err error) {
	where, ok := f.where[r.num]
	if !ok || where.stream > 0 || where.gen != r.gen {
		return sp, refuse(BadContents, "the signature stands in an object stream, or nowhere")
	}
	d, from, to, err := dictWithSpan(f.b, where.offset, r, "Contents")
	if err != nil {
		return sp, err
	}
	ranges, ok := d.get("ByteRange").(array)
	if !ok || len(ranges) != 4 {
		return sp, refuse(BadByteRange, "not four numbers")
	}
	var n [4]int
	for i, one := range ranges {
		v, ok := one.(int64)
		if !ok || v < 0 || v > int64(len(f.b)) {
			return sp, refuse(BadByteRange, "a number that is negative or beyond the end")
		}
		n[i] = int(v)
	}
	switch {
	case n[2]+n[3] > len(f.b):
		return sp, refuse(BadByteRange, "beyond the end")
	case n[2] < n[0]+n[1]:
		return sp, refuse(BadByteRange, "overlapping")
	case n[1] == 0 || n[3] == 0:
		return sp, refuse(BadByteRange, "empty")
	case n[0] != 0:
		return sp, refuse(PartlySigned, "the beginning is not covered")
	}
	contents, ok := d.get("Contents").(text)
	if !ok || !contents.hex || len(contents.bytes) == 0 {
		return sp, refuse(BadContents, "no hexadecimal string")
	}
	if n[1] != from || n[2] != to {
		return sp, refuse(PartlySigned, "the gap is not the signature")
	}
	if to-from != 2*len(contents.bytes)+2 {
		return sp, refuse(BadContents, "not hexadecimal digits alone")
	}
	sp = spanned{from: from, to: to, end: n[2] + n[3], contents: contents.bytes}
	rest := cryptobyte.String(contents.bytes)
	var der cryptobyte.String
	if !rest.ReadASN1Element(&der, cbasn1.SEQUENCE) {
		return sp, refuse(BadContents, "no DER")
	}
	if len(bytes.Trim(rest, "\x00")) != 0 {
		return sp, refuse(BadContents, "bytes after the signature")
	}
	sp.der = der
	return sp, nil
}

// dictWithSpan reads a dictionary object and where the value of one of its keys stands.
func dictWithSpan(b []byte, at int, want ref, key name) (d dict, from, to int, err error) {
	l := newLexer(b, at)
	num, ok1 := l.natural()
	gen, ok2 := l.natural()
	if !ok1 || !ok2 || !l.keyword("obj") || (ref{num, gen}) != want {
		return nil, 0, 0, refuse(Malformed, "signature dictionary")
	}
	l.skip()
	if !bytes.HasPrefix(b[l.at:], []byte("<<")) {
		return nil, 0, 0, refuse(Malformed, "signature dictionary")
	}
	inner := *l
	o, err := l.object(0)
	if err != nil {
		return nil, 0, 0, err
	}
	d, _ = o.(dict)
	inner.at += 2
	for range d { // the same entries once more, now with their places
		k, err := inner.object(1)
		if err != nil {
			return nil, 0, 0, err
		}
		inner.skip()
		begin := inner.at
		if _, err = inner.object(1); err != nil {
			return nil, 0, 0, err
		}
		if k == key {
			from, to = begin, inner.at
		}
	}
	return d, from, to, nil
}

// revision opens the document as it was when it was signed, and sees that this signature was its only one.
func (f *file) revision(s signature, sp spanned) (*file, error) {
	r, err := open(f.b[:sp.end])
	if err != nil {
		return nil, refuseFor(NotARevision, "", err)
	}
	all, err := r.fields()
	if err != nil {
		return nil, refuseFor(NotARevision, "", err)
	}
	if len(all) != 1 || all[0].field != s.field || all[0].value != s.value || r.where[s.value.num] != f.where[s.value.num] {
		return nil, refuse(NotARevision, "the signature is not of the revision that it covers")
	}
	return r, nil
}

// readSignature reads the CMS structure and sees that it is of our form and signs these bytes.
func (s *Signed) readSignature(pdf []byte, sp spanned) error {
	a, err := cms.ParseAttributed(sp.der)
	if err != nil {
		if errors.Is(err, cms.ErrAttributes) {
			return refuseFor(NotBound, "", err)
		}
		return refuseFor(BadCMS, "", err)
	}
	again, err := a.Encode()
	if err != nil || !bytes.Equal(again, sp.der) {
		return refuseFor(BadCMS, "another encoding", err)
	}
	if !a.ContentType.Equal(cms.TypeData()) || a.Content != nil || a.Hash != crypto.SHA256 || a.Algorithm != x509.ECDSAWithSHA256 {
		return refuse(BadCMS, "content or algorithm")
	}
	if s.Signer, err = a.SignerCertificate(); err != nil {
		return refuseFor(BadCMS, "", err)
	}
	if key, ok := s.Signer.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return refuse(BadCMS, "the signer's key is not on P-256")
	}
	for _, der := range a.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return refuseFor(BadCMS, "", err)
		}
		s.Certificates = append(s.Certificates, c)
	}
	s.Digest = digest(pdf[:sp.end], sp.from, sp.to)
	if err := a.Verify(s.Digest[:], s.Signer); err != nil {
		return refuseFor(signatureReason(err), "", err)
	}
	if signed, err := a.SignedAttributes(); err != nil || len(signed) != 3 {
		return refuseFor(BadCMS, "other signed attributes than ours", err)
	}
	s.contents, s.ToSign = append(s.contents, sp.contents), a.Signed
	return s.readToken(a)
}

func signatureReason(err error) Reason {
	switch {
	case errors.Is(err, cms.ErrSigningCertificate), errors.Is(err, cms.ErrAttributes):
		return NotBound
	case errors.Is(err, cms.ErrDigest):
		return WrongDigest
	case errors.Is(err, cms.ErrAlgorithm):
		return BadCMS
	}
	return BadSignature
}

// readToken reads the timestamp of the signature, the one thing that may stand beside it.
func (s *Signed) readToken(a *cms.Attributed) (err error) {
	sum := sha256.Sum256(a.Signature)
	s.imprint = sum[:]
	switch {
	case len(a.Unsigned) == 0:
		return nil
	case len(a.Unsigned) > 1 || !a.Unsigned[0].Type.Equal(cms.TypeTimestamp()):
		return refuse(BadCMS, "unsigned attributes other than one timestamp")
	}
	if s.Token, err = tsp.ParseToken(a.Unsigned[0].Value); err != nil {
		return refuseFor(BadTimestamp, "", err)
	}
	if s.Token.Info.Hash != crypto.SHA256 || !bytes.Equal(s.Token.Info.Imprint, s.imprint) {
		return refuseFor(BadTimestamp, "", tsp.ErrImprint)
	}
	return nil
}

// readStamp reads a document timestamp that covers everything up to the end of its update.
func (s *Signed) readStamp(f *file, value ref) error {
	sp, err := f.span(value)
	if err != nil {
		return err
	}
	if sp.end != len(f.b) {
		return refuse(PartlySigned, "the timestamp does not cover its update")
	}
	token, err := tsp.ParseToken(sp.der)
	if err != nil {
		return refuseFor(BadTimestamp, "", err)
	}
	if token.Info.Hash != crypto.SHA256 {
		return refuse(BadTimestamp, "digest")
	}
	sum := digest(f.b, sp.from, sp.to)
	if !bytes.Equal(token.Info.Imprint, sum[:]) {
		return refuseFor(BadTimestamp, hex.EncodeToString(sum[:4]), tsp.ErrImprint)
	}
	s.Timestamps, s.sums, s.contents = append(s.Timestamps, token), append(s.sums, sum[:]), append(s.contents, sp.contents)
	return nil
}

// Newest is the youngest timestamp that the document carries, nil when it carries none.
func (s *Signed) Newest() *tsp.Token {
	if n := len(s.Timestamps); n > 0 {
		return s.Timestamps[n-1]
	}
	return s.Token
}
