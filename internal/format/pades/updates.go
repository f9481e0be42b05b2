package pades

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// readUpdates goes through what was added behind the signed revision, update by update, to the last byte.
func (s *Signed) readUpdates(revision *file, pdf []byte) error {
	f := revision
	for len(f.b) < len(pdf) {
		c, err := readChange(f, pdf)
		if err != nil {
			return err
		}
		if err := s.judge(f, c); err != nil {
			return err
		}
		f = c.next
	}
	s.file = f
	return s.readEvidence(f)
}

// change is one update: the document after it, and the objects that it brought.
type change struct {
	next    *file
	objects map[int]object
}

// readChange reads one update in the strict form: objects, one cross-reference section that lists exactly them, its
// trailer, and nothing in between but white space. So every program that opens the file sees the same objects, whether it
// follows the cross-references or looks for objects by itself.
func readChange(f *file, pdf []byte) (*change, error) {
	c := &change{objects: map[int]object{}, next: &file{where: maps.Clone(f.where), packed: f.packed}}
	places := map[int]place{}
	l := newLexer(pdf, len(f.b))
	for {
		l.blank()
		at := l.at
		if at == len(pdf) || !bytes.HasPrefix(pdf[at:], []byte("xref")) && (pdf[at] < '0' || pdf[at] > '9') {
			return nil, refuse(UnknownUpdate, fmt.Sprintf("neither object nor cross-references at byte %d", at))
		}
		if bytes.HasPrefix(pdf[at:], []byte("xref")) {
			section, err := readSection(pdf, at)
			if err != nil {
				return nil, refuseFor(UnknownUpdate, "cross-references", err)
			}
			l.at = section.end
			return c, c.close(f, l, at, section, places)
		}
		r, o, err := l.indirect(func(ref) (int, error) { return 0, refuse(Malformed, "length of a stream by reference") })
		if err != nil {
			return nil, refuseFor(UnknownUpdate, "neither object nor cross-references", err)
		}
		if _, twice := places[r.num]; twice {
			return nil, refuse(UnknownUpdate, "an object stands twice in an update")
		}
		places[r.num] = place{offset: at, gen: r.gen}
		if st, isStream := o.(*stream); isStream && st.dict.get("Type") == name("XRef") {
			section, err := readSection(pdf, at)
			if err != nil {
				return nil, refuseFor(UnknownUpdate, "cross-references", err)
			}
			return c, c.close(f, l, at, section, places)
		}
		c.objects[r.num] = o
	}
}

// blank passes white space alone.
func (l *lexer) blank() {
	for l.at < len(l.b) && isSpace(l.b[l.at]) {
		l.at++
	}
}

// close reads the end of an update and sees that its cross-references are those of its objects.
func (c *change) close(f *file, l *lexer, at int, s *section, places map[int]place) error {
	for num, p := range s.places {
		if num == 0 && p == (place{}) {
			delete(s.places, 0) // the head of the list of free objects
		}
	}
	if !maps.Equal(s.places, places) {
		return refuse(UnknownUpdate, "cross-references to other objects than those of the update")
	}
	if s.stream != f.streams {
		return refuse(UnknownUpdate, "cross-references in another form than the document's")
	}
	l.blank()
	if !bytes.HasPrefix(l.b[l.at:], []byte("startxref")) {
		return refuse(UnknownUpdate, "no startxref")
	}
	l.at += len("startxref")
	l.blank()
	start, ok := natural(l.word())
	l.blank()
	if !ok || start != at || !bytes.HasPrefix(l.b[l.at:], []byte("%%EOF")) {
		return refuse(UnknownUpdate, "startxref")
	}
	l.at += len("%%EOF")
	for _, eol := range []string{"\r\n", "\n", "\r"} {
		if bytes.HasPrefix(l.b[l.at:], []byte(eol)) {
			l.at += len(eol)
			break
		}
	}
	if err := c.trailer(f, s); err != nil {
		return err
	}
	c.next.b, c.next.start, c.next.streams, c.next.trailer = l.b[:l.at], at, s.stream, s.trailer
	for num, p := range places {
		old, known := f.where[num]
		if num >= f.size && p.gen != 0 || known && (old.gen != p.gen || old.stream > 0 && p.gen != 0) {
			return refuse(ChangedAfter, fmt.Sprintf("generation of object %d", num))
		}
		if num < f.size && !known {
			return refuse(ChangedAfter, fmt.Sprintf("object %d, to which the signed document may refer", num))
		}
		c.next.where[num] = p
	}
	return nil
}

// trailer compares the trailer of an update with the one before.
func (c *change) trailer(f *file, s *section) error {
	allowed := []name{"Size", "Root", "Prev", "ID", "Info"}
	if s.stream {
		allowed = append(allowed, "Type", "W", "Index", "Length", "Filter", "DecodeParms")
	}
	for _, e := range s.trailer {
		if !slices.Contains(allowed, e.key) {
			return refuse(UnknownUpdate, "trailer")
		}
	}
	size, _ := s.trailer.get("Size").(int64)
	c.next.size = int(size)
	switch {
	case s.trailer.get("Root") != f.trailer.get("Root"), !same(s.trailer.get("Info"), f.trailer.get("Info")):
		return refuse(ChangedAfter, "catalog or particulars of the document")
	case s.trailer.get("Prev") != int64(f.start):
		return refuse(UnknownUpdate, "the update does not follow the one before")
	case size < int64(f.size) || size > maxNumber:
		return refuse(UnknownUpdate, "number of objects")
	}
	for num := range s.places {
		if num >= int(size) {
			return refuse(UnknownUpdate, "number of objects")
		}
	}
	return nil
}

// same compares two objects by what is written of them.
func same(a, b object) bool {
	var x, y bytes.Buffer
	write(&x, a)
	write(&y, b)
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// sameBut compares two dictionaries, in whatever order, but for some keys.
func sameBut(a, b dict, but ...name) bool {
	a, b = a.without(but...), b.without(but...)
	if len(a) != len(b) {
		return false
	}
	for _, e := range a {
		if !b.has(e.key) || !same(e.value, b.get(e.key)) {
			return false
		}
	}
	return true
}

// judge sees that an update brings evidence or one document timestamp, and changes nothing else.
func (s *Signed) judge(f *file, c *change) error {
	root, old, err := f.catalog()
	if err != nil {
		return err
	}
	left := maps.Clone(c.objects)
	catalog := old
	if o, changed := left[root.num]; changed {
		var ok bool
		if catalog, ok = o.(dict); !ok || !sameBut(old, catalog, "DSS", "AcroForm") {
			return refuse(ChangedAfter, "catalog")
		}
		delete(left, root.num)
	}
	if err := c.judgeStore(f, old.get("DSS"), catalog.get("DSS"), left); err != nil {
		return err
	}
	widget, err := newField(old.get("AcroForm"), catalog.get("AcroForm"))
	if err != nil {
		return err
	}
	if widget != nil {
		if err := s.judgeStamp(f, c, *widget, left); err != nil {
			return err
		}
	}
	if len(left) == 0 {
		return nil
	}
	first := slices.Min(slices.Collect(maps.Keys(left))) // an object of the signed document, if any was changed
	if first < f.size {
		return refuse(ChangedAfter, fmt.Sprintf("object %d", first))
	}
	return refuse(UnknownUpdate, fmt.Sprintf("object %d", first))
}

// newField finds the one field that an update added to the form.
func newField(before, after object) (*ref, error) {
	if same(before, after) {
		return nil, nil
	}
	old, ok1 := before.(dict)
	form, ok2 := after.(dict)
	if !ok1 || !ok2 || !sameBut(old, form, "Fields") {
		return nil, refuse(ChangedAfter, "form")
	}
	had, ok1 := old.get("Fields").(array)
	has, ok2 := form.get("Fields").(array)
	if !ok1 || !ok2 || len(has) != len(had)+1 || !same(had, has[:len(had)]) {
		return nil, refuse(ChangedAfter, "fields of the form")
	}
	widget, ok := has[len(had)].(ref)
	if !ok {
		return nil, refuse(ChangedAfter, "fields of the form")
	}
	return &widget, nil
}

// only tells whether a dictionary has no other keys.
func (d dict) only(keys ...name) bool { return len(d.without(keys...)) == 0 }

// take removes a new object from those that are left to explain.
func take(f *file, left map[int]object, r ref) (object, bool) {
	o, ok := left[r.num]
	if !ok || r.num < f.size || r.gen != 0 {
		return nil, false
	}
	delete(left, r.num)
	return o, true
}

// judgeStamp sees that a new field is an invisible document timestamp on a page that is otherwise as it was.
func (s *Signed) judgeStamp(f *file, c *change, widget ref, left map[int]object) error {
	o, _ := take(f, left, widget)
	d, ok := o.(dict)
	if !ok || !d.only("Type", "Subtype", "FT", "T", "V", "F", "P", "Rect") || d.get("FT") != name("Sig") || d.get("Subtype") != name("Widget") {
		return refuse(UnknownUpdate, "a field that is no timestamp")
	}
	if rect, ok := naturals(d.get("Rect")); !ok || !slices.Equal(rect, []int{0, 0, 0, 0}) {
		return refuse(UnknownUpdate, "a field that shows")
	}
	value, ok1 := d.get("V").(ref)
	pageRef, ok2 := d.get("P").(ref)
	if !ok1 || !ok2 {
		return refuse(UnknownUpdate, "a field without value or page")
	}
	o, _ = take(f, left, value)
	stamp, ok := o.(dict)
	switch {
	case ok && stamp.get("Type") == name("Sig"):
		return refuse(SeveralSignatures, "added by an update")
	case !ok || stamp.get("Type") != name("DocTimeStamp") || !stamp.only("Type", "Filter", "SubFilter", "ByteRange", "Contents", "V"):
		return refuse(UnknownUpdate, "a field that is no timestamp")
	case stamp.get("SubFilter") != subfilterTimestamp:
		return refuse(WrongSubfilter, "timestamp")
	}
	if err := judgePage(f, pageRef, widget, left); err != nil {
		return err
	}
	return s.readStamp(c.next, value)
}

// judgePage sees that a page got this annotation and nothing else.
func judgePage(f *file, pageRef, widget ref, left map[int]object) error {
	page, err := f.dictAt(pageRef, "page")
	if err != nil {
		return err
	}
	old := page.get("Annots")
	if list, isRef := old.(ref); isRef {
		all, err := f.load(list)
		if err != nil {
			return err
		}
		return judgeList(all, left[list.num], widget, left, list)
	}
	after, ok := left[pageRef.num].(dict)
	if !ok || !sameBut(page, after, "Annots") {
		return refuse(ChangedAfter, "page")
	}
	return judgeList(old, after.get("Annots"), widget, left, pageRef)
}

func judgeList(before, after object, widget ref, left map[int]object, holder ref) error {
	old, _ := before.(array)
	list, ok := after.(array)
	if !ok || len(list) != len(old)+1 || len(old) > 0 && !same(old, list[:len(old)]) || list[len(old)] != widget {
		return refuse(ChangedAfter, "annotations of a page")
	}
	delete(left, holder.num)
	return nil
}

// judgeStore sees that a store of evidence is one, and that what is new in it is new in the document, too: evidence is
// never taken from elsewhere in it.
func (c *change) judgeStore(f *file, before, after object, left map[int]object) error {
	if after == nil {
		if before != nil {
			return refuse(ChangedAfter, "the evidence was removed")
		}
		return nil
	}
	at, ok := after.(ref)
	if !ok || before != nil && before != after || before == nil && at.num < f.size {
		return refuse(ChangedAfter, "store of evidence")
	}
	o, changed := left[at.num]
	if !changed {
		if before == nil {
			return refuse(UnknownUpdate, "store of evidence")
		}
		return nil
	}
	store, ok := o.(dict)
	if !ok || !store.only("Type", "Certs", "CRLs", "OCSPs", "VRI") {
		return refuse(UnknownUpdate, "store of evidence")
	}
	delete(left, at.num)
	known, err := f.evidenceRefs(before)
	if err != nil {
		return err
	}
	return c.judgeRefs(f, store, known, left)
}

// judgeRefs sees that every reference of a store leads to a stream of it.
func (c *change) judgeRefs(f *file, store dict, known map[ref]bool, left map[int]object) error {
	refs, err := storeRefs(store)
	if err != nil {
		return err
	}
	for r := range refs {
		if known[r] {
			delete(known, r)
			continue
		}
		o, _ := take(f, left, r)
		st, ok := o.(*stream)
		if !ok || !st.dict.only("Length", "Filter") {
			return refuse(UnknownUpdate, "evidence that is no stream of its own")
		}
	}
	if len(known) > 0 {
		return refuse(ChangedAfter, "evidence was removed")
	}
	return nil
}

// evidenceRefs are the streams of a document's store.
func (f *file) evidenceRefs(o object) (map[ref]bool, error) {
	if o == nil {
		return map[ref]bool{}, nil
	}
	store, err := f.dictAt(o, "store of evidence")
	if err != nil {
		return nil, err
	}
	return storeRefs(store)
}

// storeRefs reads the references of a store, those in its VRI dictionaries included.
func storeRefs(store dict) (map[ref]bool, error) {
	refs := map[ref]bool{}
	add := func(o object) error {
		if o == nil {
			return nil
		}
		list, ok := o.(array)
		if !ok {
			return refuse(UnknownUpdate, "store of evidence")
		}
		for _, one := range list {
			r, ok := one.(ref)
			if !ok {
				return refuse(UnknownUpdate, "store of evidence")
			}
			refs[r] = true
		}
		return nil
	}
	for _, key := range []name{"Certs", "CRLs", "OCSPs"} {
		if err := add(store.get(key)); err != nil {
			return nil, err
		}
	}
	vri, ok := store.get("VRI").(dict)
	if !ok && store.has("VRI") {
		return nil, refuse(UnknownUpdate, "store of evidence")
	}
	for _, e := range vri {
		about, ok := e.value.(dict)
		if !ok || !about.only("Cert", "CRL", "OCSP") {
			return nil, refuse(UnknownUpdate, "evidence about a signature")
		}
		for _, one := range about {
			if err := add(one.value); err != nil {
				return nil, err
			}
		}
	}
	return refs, nil
}

// readEvidence reads what the store holds now.
func (s *Signed) readEvidence(f *file) error {
	_, catalog, err := f.catalog()
	if err != nil || !catalog.has("DSS") {
		return err
	}
	store, err := f.dictAt(catalog.get("DSS"), "store of evidence")
	if err != nil {
		return err
	}
	for _, k := range s.Evidence.kinds() {
		list, _ := store.get(k.store).(array)
		for _, one := range list {
			o, err := f.resolve(one)
			if err != nil {
				return err
			}
			st, ok := o.(*stream)
			if !ok {
				return refuse(UnknownUpdate, "evidence that is no stream")
			}
			data, err := inflate(st)
			if err != nil {
				return err
			}
			der := cryptobyte.String(data)
			var whole cryptobyte.String
			if !der.ReadASN1(&whole, cbasn1.SEQUENCE) || !der.Empty() {
				return refuse(UnknownUpdate, "evidence that is no DER")
			}
			*k.all = append(*k.all, data)
		}
	}
	return nil
}
