package pades

import (
	"bytes"
	"fmt"
)

// place says where an object is.
type place struct {
	offset int // of "n g obj"; 0 when the object is in an object stream
	gen    int
	stream int // number of the object stream, 0: none
	index  int // in the object stream
}

// file is a document with its cross-references read, up to one revision.
type file struct {
	b       []byte
	start   int  // offset of the newest cross-reference section
	streams bool // that section is a stream, so that updates must be, too
	trailer dict // of the newest section
	where   map[int]place
	size    int // all object numbers are below
	packed  map[int][]object
}

// Bounds of what is read.
const (
	maxSections = 256
	maxNumber   = 1 << 20 // object numbers
)

// open reads the cross-references of a document that ends with this byte.
func open(b []byte) (*file, error) {
	if len(b) > MaxSize {
		return nil, refuse(TooLarge, fmt.Sprintf("%d bytes", len(b)))
	}
	if !bytes.HasPrefix(b, []byte("%PDF-")) {
		return nil, refuse(Malformed, "no PDF")
	}
	start, err := findStart(b)
	if err != nil {
		return nil, err
	}
	f := &file{b: b, start: start, where: map[int]place{}, packed: map[int][]object{}}
	if err := f.sections(); err != nil {
		return nil, err
	}
	if f.trailer.has("Encrypt") {
		return nil, refuse(Encrypted, "")
	}
	if _, ok := f.trailer.get("Root").(ref); !ok {
		return nil, refuse(Malformed, "no catalog")
	}
	return f, nil
}

// findStart reads "startxref n %%EOF" at the very end; at most one end of line follows it.
func findStart(b []byte) (int, error) {
	end := bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	if !bytes.HasSuffix(end, []byte("%%EOF")) {
		return 0, refuse(Malformed, "no end-of-file mark at the end")
	}
	from := bytes.LastIndex(end, []byte("startxref"))
	if from < 0 {
		return 0, refuse(Malformed, "no startxref")
	}
	l := newLexer(end[:len(end)-len("%%EOF")], from+len("startxref"))
	n, ok := l.natural()
	if l.skip(); !ok || l.at != len(l.b) || n <= 0 || n >= from {
		return 0, refuse(Malformed, "startxref")
	}
	return n, nil
}

// sections reads the newest section and all before it. What a newer one says of an object holds.
func (f *file) sections() error {
	seen := map[int]bool{}
	for at, first := f.start, true; ; first = false {
		if seen[at] || len(seen) == maxSections {
			return refuse(Malformed, "cross-reference sections in a circle, or too many")
		}
		seen[at] = true
		s, err := readSection(f.b, at)
		if err != nil {
			return err
		}
		if first {
			f.trailer, f.streams = s.trailer, s.stream
			size, ok := s.trailer.get("Size").(int64)
			if !ok || size < 1 || size > maxNumber {
				return refuse(Malformed, "number of objects")
			}
			f.size = int(size)
		}
		for num, p := range s.places {
			if _, newer := f.where[num]; !newer && num < f.size {
				f.where[num] = p
			}
		}
		prev, ok := s.trailer.get("Prev").(int64)
		if !ok {
			if s.trailer.has("Prev") {
				return refuse(Malformed, "previous cross-reference section")
			}
			break
		}
		if prev <= 0 || prev >= int64(len(f.b)) {
			return refuse(Malformed, "previous cross-reference section")
		}
		at = int(prev)
	}
	for num, p := range f.where {
		if p == (place{}) {
			delete(f.where, num)
		}
	}
	return nil
}

// section is one cross-reference section. An object that it declares free has the zero place.
type section struct {
	places  map[int]place
	trailer dict
	stream  bool
	end     int // after the section
}

func readSection(b []byte, at int) (*section, error) {
	l := newLexer(b, at)
	if l.keyword("xref") {
		return readTable(l)
	}
	return readXrefStream(l)
}

// readTable reads a cross-reference table and its trailer (ISO 32000-1 §7.5.4).
func readTable(l *lexer) (*section, error) {
	s := &section{places: map[int]place{}}
	for !l.keyword("trailer") {
		first, ok1 := l.natural()
		count, ok2 := l.natural()
		if !ok1 || !ok2 || first > maxNumber || count > maxNumber {
			return nil, l.fail("cross-reference table")
		}
		for num := first; num < first+count; num++ {
			offset, ok1 := l.natural()
			gen, ok2 := l.natural()
			if !ok1 || !ok2 || gen > 65535 {
				return nil, l.fail("cross-reference table")
			}
			used := l.keyword("n")
			if !used && !l.keyword("f") {
				return nil, l.fail("cross-reference table")
			}
			if _, twice := s.places[num]; twice {
				return nil, l.fail("an object stands twice in a cross-reference table")
			}
			s.places[num] = place{}
			if used {
				if offset == 0 || offset >= len(l.b) {
					return nil, l.fail("cross-reference table")
				}
				s.places[num] = place{offset: offset, gen: gen}
			}
		}
	}
	o, err := l.object(0)
	if err != nil {
		return nil, err
	}
	d, ok := o.(dict)
	if !ok {
		return nil, l.fail("trailer")
	}
	if d.has("XRefStm") {
		return nil, l.fail("cross-references in two forms at once") // readers differ in which they follow
	}
	s.trailer, s.end = d, l.at
	return s, nil
}

// readXrefStream reads a cross-reference stream (ISO 32000-1 §7.5.8).
func readXrefStream(l *lexer) (*section, error) {
	_, o, err := l.indirect(func(ref) (int, error) { return 0, refuse(Malformed, "length of a cross-reference stream") })
	if err != nil {
		return nil, err
	}
	st, ok := o.(*stream)
	if !ok || st.dict.get("Type") != name("XRef") {
		return nil, l.fail("no cross-references")
	}
	data, err := inflate(st)
	if err != nil {
		return nil, err
	}
	s := &section{places: map[int]place{}, trailer: st.dict, stream: true, end: l.at}
	widths, ok := naturals(st.dict.get("W"))
	if !ok || len(widths) != 3 || widths[0] > 2 || widths[1] < 1 || widths[1] > 4 || widths[2] > 4 {
		return nil, l.fail("widths of cross-references")
	}
	size, ok := st.dict.get("Size").(int64)
	if !ok || size < 1 || size > maxNumber {
		return nil, l.fail("number of objects")
	}
	ranges := []int{0, int(size)}
	if st.dict.has("Index") {
		if ranges, ok = naturals(st.dict.get("Index")); !ok || len(ranges)%2 != 0 {
			return nil, l.fail("ranges of cross-references")
		}
	}
	return s, s.fill(data, widths, ranges, len(l.b))
}

// fill reads the entries of a cross-reference stream.
func (s *section) fill(data []byte, widths, ranges []int, fileSize int) error {
	width := widths[0] + widths[1] + widths[2]
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i]+ranges[i+1] > maxNumber {
			return refuse(Malformed, "ranges of cross-references")
		}
		for num := ranges[i]; num < ranges[i]+ranges[i+1]; num++ {
			if len(data) < width {
				return refuse(Malformed, "cross-references end early")
			}
			kind, a, b := 1, number(data[widths[0]:widths[0]+widths[1]]), number(data[widths[0]+widths[1]:width])
			if widths[0] > 0 {
				kind = number(data[:widths[0]])
			}
			data = data[width:]
			if _, twice := s.places[num]; twice {
				return refuse(Malformed, "an object stands twice in cross-references")
			}
			switch {
			case kind == 0:
				s.places[num] = place{}
			case kind == 1 && a > 0 && a < fileSize && b <= 65535:
				s.places[num] = place{offset: a, gen: b}
			case kind == 2 && a > 0 && a < maxNumber:
				s.places[num] = place{stream: a, index: b}
			default:
				return refuse(Malformed, "cross-reference of an unknown kind")
			}
		}
	}
	if len(data) != 0 {
		return refuse(Malformed, "more cross-references than announced")
	}
	return nil
}

func number(b []byte) int {
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	return n
}

// naturals reads an array of numbers that are not negative.
func naturals(o object) ([]int, bool) {
	a, ok := o.(array)
	if !ok {
		return nil, false
	}
	out := make([]int, 0, len(a))
	for _, one := range a {
		n, ok := one.(int64)
		if !ok || n < 0 || n > MaxSize {
			return nil, false
		}
		out = append(out, int(n))
	}
	return out, true
}

// load reads an object by its number.
func (f *file) load(r ref) (object, error) {
	p, ok := f.where[r.num]
	if !ok {
		return nil, nil // a reference to nothing is null (ISO 32000-1 §7.3.10)
	}
	if p.stream > 0 {
		return f.unpack(r, p)
	}
	if p.gen != r.gen {
		return nil, nil
	}
	got, o, err := newLexer(f.b, p.offset).indirect(f.length)
	if err != nil {
		return nil, err
	}
	if got != r {
		return nil, refuse(Malformed, fmt.Sprintf("object %d is not where the cross-reference says", r.num))
	}
	return o, nil
}

// length resolves the length of a stream. It is a plain number: another stream would lead in circles.
func (f *file) length(r ref) (int, error) {
	p, ok := f.where[r.num]
	if !ok || p.stream > 0 || p.gen != r.gen {
		return 0, refuse(Malformed, "length of a stream")
	}
	_, o, err := newLexer(f.b, p.offset).indirect(func(ref) (int, error) { return 0, refuse(Malformed, "length of a stream") })
	if n, isNumber := o.(int64); err == nil && isNumber && n >= 0 && n < MaxSize {
		return int(n), nil
	}
	return 0, refuse(Malformed, "length of a stream")
}

// unpack reads an object out of an object stream (ISO 32000-1 §7.5.7).
func (f *file) unpack(r ref, p place) (object, error) {
	objects, ok := f.packed[p.stream]
	if !ok {
		holder := f.where[p.stream]
		if holder.stream > 0 || holder.offset == 0 {
			return nil, refuse(Malformed, "object stream inside another")
		}
		o, err := f.load(ref{p.stream, holder.gen})
		if err != nil {
			return nil, err
		}
		if objects, err = unpackAll(o); err != nil {
			return nil, err
		}
		f.packed[p.stream] = objects
	}
	if p.index*2+1 >= len(objects) || objects[p.index*2] != int64(r.num) || r.gen != 0 {
		return nil, refuse(Malformed, "object stream without the object")
	}
	return objects[p.index*2+1], nil
}

// unpackAll returns number and object in turn.
func unpackAll(o object) ([]object, error) {
	st, ok := o.(*stream)
	if !ok || st.dict.get("Type") != name("ObjStm") {
		return nil, refuse(Malformed, "no object stream")
	}
	data, err := inflate(st)
	if err != nil {
		return nil, err
	}
	n, ok1 := st.dict.get("N").(int64)
	first, ok2 := st.dict.get("First").(int64)
	if !ok1 || !ok2 || n < 0 || n > maxNumber || first < 0 || first > int64(len(data)) {
		return nil, refuse(Malformed, "object stream")
	}
	head := newLexer(data[:first], 0)
	var out []object
	for range n {
		num, ok1 := head.natural()
		at, ok2 := head.natural()
		if !ok1 || !ok2 || int(first)+at >= len(data) {
			return nil, refuse(Malformed, "object stream")
		}
		one, err := newLexer(data, int(first)+at).object(0)
		if err != nil {
			return nil, err
		}
		out = append(out, int64(num), one)
	}
	return out, nil
}

// resolve follows a reference.
func (f *file) resolve(o object) (object, error) {
	if r, ok := o.(ref); ok {
		return f.load(r)
	}
	return o, nil
}

// dictAt reads a dictionary, behind a reference or not.
func (f *file) dictAt(o object, what string) (dict, error) {
	o, err := f.resolve(o)
	if err != nil {
		return nil, err
	}
	d, ok := o.(dict)
	if !ok {
		return nil, refuse(Malformed, what)
	}
	return d, nil
}

// catalog reads the document's root.
func (f *file) catalog() (ref, dict, error) {
	root, _ := f.trailer.get("Root").(ref)
	d, err := f.dictAt(root, "no catalog")
	if err == nil && d.get("Type") != name("Catalog") {
		err = refuse(Malformed, "no catalog")
	}
	return root, d, err
}

// maxPages bounds a walk through the page tree.
const maxPages = 10_000

// page finds the n-th page, from 0.
func (f *file) page(n int) (ref, dict, error) {
	_, catalog, err := f.catalog()
	if err != nil {
		return ref{}, nil, err
	}
	todo, met := []object{catalog.get("Pages")}, 0
	for steps := 0; len(todo) > 0 && steps < maxPages; steps++ {
		r, ok := todo[0].(ref)
		if !ok {
			return ref{}, nil, refuse(Malformed, "page tree")
		}
		d, err := f.dictAt(r, "page tree")
		if err != nil {
			return ref{}, nil, err
		}
		todo = todo[1:]
		switch kids, _ := d.get("Kids").(array); {
		case d.get("Type") == name("Pages"):
			todo = append(append([]object{}, kids...), todo...)
		case met == n:
			return r, d, nil
		default:
			met++
		}
	}
	return ref{}, nil, refuse(Malformed, fmt.Sprintf("there is no page %d", n))
}
