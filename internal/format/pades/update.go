package pades

import (
	"bytes"
	"fmt"
	"slices"
)

// update is an incremental update in the making: the document as it was, and objects behind it.
type update struct {
	f       *file
	out     bytes.Buffer
	offsets map[int]int // of the objects of this update, by number
	gens    map[int]int
	next    int // next new number
}

// newUpdate begins an update, with room for so many more bytes.
func newUpdate(f *file, room int) *update {
	u := &update{f: f, offsets: map[int]int{}, gens: map[int]int{}, next: f.size}
	u.out.Grow(len(f.b) + room)
	u.out.Write(f.b)
	if !bytes.HasSuffix(f.b, []byte("\n")) {
		u.out.WriteByte('\n')
	}
	return u
}

// reserve takes a new object number.
func (u *update) reserve() ref {
	u.next++
	return ref{u.next - 1, 0}
}

// begin notes where an object begins.
func (u *update) begin(r ref) {
	u.offsets[r.num], u.gens[r.num] = u.out.Len(), r.gen
	fmt.Fprintf(&u.out, "%d %d obj\n", r.num, r.gen)
}

func (u *update) end() { u.out.WriteString("\nendobj\n") }

// put writes an object under a number, new or that of an object which it replaces.
func (u *update) put(r ref, o object) {
	u.begin(r)
	write(&u.out, o)
	u.end()
}

// add writes a new object.
func (u *update) add(o object) ref {
	r := u.reserve()
	u.put(r, o)
	return r
}

// finish writes the cross-references, in the form that the document has, and returns all bytes.
func (u *update) finish() []byte {
	trailer := dict{{"Size", int64(0)}, {"Root", u.f.trailer.get("Root")}}
	for _, key := range []name{"Info", "ID"} {
		if v := u.f.trailer.get(key); v != nil {
			trailer = append(trailer, entry{key, v})
		}
	}
	trailer = append(trailer, entry{"Prev", int64(u.f.start)})
	if u.f.streams {
		u.finishStream(trailer)
	} else {
		u.finishTable(trailer)
	}
	return u.out.Bytes()
}

func (u *update) numbers() []int {
	out := make([]int, 0, len(u.offsets))
	for n := range u.offsets {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// runs splits sorted numbers into runs without gaps.
func runs(sorted []int) [][]int {
	var out [][]int
	for i, n := range sorted {
		if i == 0 || n != sorted[i-1]+1 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], n)
	}
	return out
}

func (u *update) finishTable(trailer dict) {
	start := u.out.Len()
	u.out.WriteString("xref\n")
	for _, run := range runs(u.numbers()) {
		fmt.Fprintf(&u.out, "%d %d\n", run[0], len(run))
		for _, n := range run {
			fmt.Fprintf(&u.out, "%010d %05d n\r\n", u.offsets[n], u.gens[n])
		}
	}
	u.out.WriteString("trailer\n")
	write(&u.out, trailer.with("Size", int64(u.next)))
	fmt.Fprintf(&u.out, "\nstartxref\n%d\n%%%%EOF\n", start)
}

func (u *update) finishStream(trailer dict) {
	r := u.reserve()
	start := u.out.Len()
	u.offsets[r.num] = start
	var data []byte
	index := array{}
	for _, run := range runs(u.numbers()) {
		index = append(index, int64(run[0]), int64(len(run)))
		for _, n := range run {
			at, gen := u.offsets[n], u.gens[n]
			data = append(data, 1, byte(at>>24), byte(at>>16), byte(at>>8), byte(at), byte(gen>>8), byte(gen))
		}
	}
	d := dict{{"Type", name("XRef")}, {"W", array{int64(1), int64(4), int64(2)}}, {"Index", index}}
	u.begin(r)
	write(&u.out, &stream{append(d, trailer.with("Size", int64(u.next))...), data})
	u.end()
	fmt.Fprintf(&u.out, "startxref\n%d\n%%%%EOF\n", start)
}
