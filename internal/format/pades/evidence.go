package pades

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"

	"akashi/internal/fault"
	"akashi/internal/format/tsp"
)

// Evidence is what a later reader needs to judge certificates that are no longer published: they themselves, revocation
// lists and OCSP responses, each in DER. In the document it is the document security store (ISO 32000-2 §12.8.4.3).
type Evidence struct {
	Certificates, Lists, Responses [][]byte
}

// kinds are the three arrays of a store, with their names in a VRI dictionary (ISO 32000-2 tables 261, 262).
func (e *Evidence) kinds() []struct {
	store, vri name
	all        *[][]byte
} {
	return []struct {
		store, vri name
		all        *[][]byte
	}{{"Certs", "Cert", &e.Certificates}, {"CRLs", "CRL", &e.Lists}, {"OCSPs", "OCSP", &e.Responses}}
}

// Empty tells whether there is none.
func (e Evidence) Empty() bool { return len(e.Certificates)+len(e.Lists)+len(e.Responses) == 0 }

// Extend adds evidence to a signed document, about all signatures and timestamps that it has. What the document holds
// already is not added twice; where nothing is new, the document is returned as it came.
func Extend(pdf []byte, e Evidence) ([]byte, error) {
	s, err := Read(pdf)
	if err != nil {
		return nil, fmt.Errorf("adding evidence to a PDF: %w", err)
	}
	f := s.file
	root, catalog, err := f.catalog()
	if err != nil {
		return nil, err
	}
	store := dict{{"Type", name("DSS")}}
	at, isRef := catalog.get("DSS").(ref)
	if isRef {
		if store, err = f.dictAt(at, "store of evidence"); err != nil {
			return nil, fmt.Errorf("adding evidence to a PDF: %w", err)
		}
	}
	u := newUpdate(f, 1024+room(e))
	store, added := s.extendStore(u, store, e)
	if !added {
		return pdf, nil
	}
	if !isRef {
		at = u.reserve()
		u.put(root, catalog.with("DSS", at))
	}
	u.put(at, store)
	return u.finish(), nil
}

// room is how many bytes evidence takes.
func room(e Evidence) (n int) {
	for _, k := range e.kinds() {
		for _, one := range *k.all {
			n += len(one) + 128
		}
	}
	return n
}

// extendStore adds what is new, and says in a VRI dictionary for which signatures it was added.
func (s *Signed) extendStore(u *update, store dict, e Evidence) (dict, bool) {
	known := map[[sha256.Size]byte]bool{}
	for _, k := range s.Evidence.kinds() {
		for _, one := range *k.all {
			known[sha256.Sum256(one)] = true
		}
	}
	about := dict{}
	for _, k := range e.kinds() {
		var refs array
		for _, one := range *k.all {
			if sum := sha256.Sum256(one); !known[sum] {
				known[sum] = true
				refs = append(refs, u.add(&stream{nil, one}))
			}
		}
		if len(refs) == 0 {
			continue
		}
		old, _ := store.get(k.store).(array)
		store = store.with(k.store, append(append(array{}, old...), refs...))
		about = append(about, entry{k.vri, refs})
	}
	if len(about) == 0 {
		return store, false
	}
	vri, _ := store.get("VRI").(dict)
	for _, contents := range s.contents {
		key := name(fmt.Sprintf("%X", sha1.Sum(contents))) // an identifier that the standard asks for, no protection
		if !vri.has(key) {
			vri = vri.with(key, about)
		}
	}
	return store.with("VRI", vri), true
}

// Stamp adds a document timestamp over everything that the document holds (ISO 32000-2 §12.8.5). With it, the evidence
// inside stays good as long as the timestamp's own certificate, and is renewed by evidence for that and another Stamp.
func Stamp(ctx context.Context, pdf []byte, stamp TimestampFunc) ([]byte, error) {
	s, err := Read(pdf)
	if err != nil {
		return nil, fmt.Errorf("adding a timestamp to a PDF: %w", err)
	}
	f := s.file
	root, catalog, err := f.catalog()
	if err != nil {
		return nil, err
	}
	u := newUpdate(f, 2*roomStamp+4096)
	signature, widget := u.reserve(), u.reserve()
	pageRef, page, err := f.page(0)
	if err != nil {
		return nil, fmt.Errorf("adding a timestamp to a PDF: %w", err)
	}
	title := fmt.Sprintf("%s%d", fieldTimestamp, len(s.Timestamps)+1)
	u.put(widget, field(title, signature, pageRef, array{int64(0), int64(0), int64(0), int64(0)}))
	if err := annotate(u, pageRef, page, widget); err != nil {
		return nil, fmt.Errorf("adding a timestamp to a PDF: %w", err)
	}
	form, _ := catalog.get("AcroForm").(dict)
	fields, _ := form.get("Fields").(array)
	u.put(root, catalog.with("AcroForm", form.with("Fields", append(append(array{}, fields...), widget))))
	at := putSignature(u, signature, dict{{"Type", name("DocTimeStamp")}, {"Filter", name("Adobe.PPKLite")}, {"SubFilter", subfilterTimestamp}}, roomStamp)
	doc := u.finish()
	from, to := at.contents, at.contents+2*roomStamp+2
	at.fill(doc, from, to)
	sum := digest(doc, from, to)
	token, err := stamp(ctx, sum)
	if err != nil {
		return nil, fmt.Errorf("adding a timestamp to a PDF: %w", err)
	}
	t, err := tsp.ParseToken(token)
	if err != nil {
		return nil, fault.Wrap(fault.Upstream, err, "adding a timestamp to a PDF")
	}
	if !bytes.Equal(t.Info.Imprint, sum[:]) {
		return nil, fault.Wrap(fault.Upstream, errors.Join(tsp.ErrImprint), "adding a timestamp to a PDF")
	}
	return fillContents(doc, from, to, token)
}
