package pdf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"akashi/internal/fault"
)

func gothic(t testing.TB) *Font {
	t.Helper()
	file, err := os.ReadFile("../../typeface/BIZUDPGothic-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseFont(file)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// small is a font of a few glyphs of another, whole and with a character map of its own: A is 1, あ is 2, 葛 is 3, 𠮷 is 4,
// 葛 with U+E0100 is 3 as well, 葛 with U+E0101 is 5, ü is 6 and made of A, doubled in size, and あ.
func small(t testing.TB, format int) []byte {
	t.Helper()
	from := gothic(t)
	s := newSubset(from)
	pieces, err := Family{from}.each("Aあ葛塚葛\U000E0101ü")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		s.number(p)
	}
	program, err := s.program()
	if err != nil {
		t.Fatal(err)
	}
	tables := tablesOf(program)
	loca := slices.IndexFunc(tables, func(n named) bool { return n.tag == "loca" })
	glyf := slices.IndexFunc(tables, func(n named) bool { return n.tag == "glyf" })
	at := table(tables[loca].content).u32(4 * 6)
	double := u16s(0xffff, 0, 0, 2048, 2048, moreParts|hasScale|argumentsAreWords|hasInstructions, 1, 10, 20, 0x7fff, hasInstructions, 2, 0x0505, 3, 0x4141, 0x4100)
	tables[glyf].content = append(tables[glyf].content[:at:at], double...)
	binary.BigEndian.PutUint32(tables[loca].content[4*7:], uint32(at+len(double)))
	tables = append(tables, named{"cmap", characters(format)}, named{"OS/2", make([]byte, 96)},
		named{"name", append(u16s(0, 1, 18, 3, 1, 0x409, 6, 8, 0), "\x00T\x00e\x00s\x00t"...)})
	return sfnt(tables)
}

func tablesOf(program table) (out []named) {
	for i := range program.u16(4) {
		record := program.part(12+16*i, 16)
		out = append(out, named{string(record[:4]), slices.Clone(program.part(record.u32(8), record.u32(12)))})
	}
	return out
}

// characters is a map in format 4 or 12, and one of variations in format 14.
func characters(format int) []byte {
	var main []byte
	if format == 4 {
		// A and あ by a difference, 葛 through an array, ü by a difference; the last segment is required.
		main = u16s(4, 0, 0, 10, 0, 0, 0, 'A', 0xfc, 0x3042, 0x845b, 0xffff, 0, 'A', 0xfc, 0x3042, 0x845b, 0xffff)
		main = append(main, u16s(0xffc0, 0xff0a, 0xcfc0, 0, 1, 0, 0, 0, 4, 0, 3)...)
		binary.BigEndian.PutUint16(main[2:], uint16(len(main)))
	} else {
		main = u16s(12, 0)
		groups := [][3]uint32{{'A', 'A', 1}, {0xfc, 0xfc, 6}, {0x3042, 0x3042, 2}, {0x845b, 0x845b, 3}, {0x20bb7, 0x20bb7, 4}}
		for _, v := range []uint32{uint32(16 + 12*len(groups)), 0, uint32(len(groups))} {
			main = binary.BigEndian.AppendUint32(main, v)
		}
		for _, g := range groups {
			for _, v := range g {
				main = binary.BigEndian.AppendUint32(main, v)
			}
		}
	}
	variations := []byte{0, 14, 0, 0, 0, 57, 0, 0, 0, 2,
		0x0e, 0x01, 0x00, 0, 0, 0, 32, 0, 0, 0, 0,
		0x0e, 0x01, 0x01, 0, 0, 0, 0, 0, 0, 0, 40,
		0, 0, 0, 1, 0x00, 0x84, 0x5b, 0, // defaults
		0, 0, 0, 2, 0x00, 0x84, 0x5b, 0, 5, 0x02, 0x0b, 0xb7, 0xff, 0xff, 0, 0, 0}
	binary.BigEndian.PutUint32(variations[2:], uint32(len(variations)))
	out := u16s(0, 2, 0, 5)
	out = binary.BigEndian.AppendUint32(out, uint32(20+len(main)))
	out = append(out, u16s(3, uint16(1+9*(format/12)))...)
	out = binary.BigEndian.AppendUint32(out, 20)
	return append(append(out, main...), variations...)
}

func TestCharacters(t *testing.T) {
	t.Parallel()
	for _, format := range []int{4, 12} {
		f, err := ParseFont(small(t, format))
		if err != nil {
			t.Fatal(err)
		}
		if f.Name != "Test" {
			t.Errorf("name %q", f.Name)
		}
		want := map[string]int{"A": 1, "あ": 2, "葛": 3, "𠮷": 4, "葛\U000E0100": 3, "葛\U000E0101": 5, "ü": 6, "u\u0308": 6}
		if format == 4 {
			want["𠮷"] = 0
		}
		for _, missing := range []string{"B", "い", "葛\U000E0102", "あ\U000E0100", "𠮷\U000E0101", "\uffff", "A\u0308"} {
			want[missing] = 0
		}
		for text, glyph := range want {
			pieces, err := Family{f}.pieces(text)
			switch {
			case glyph == 0 && !errors.Is(err, fault.Invalid):
				t.Errorf("format %d: %+q: %v, want invalid", format, text, err)
			case glyph > 0 && (err != nil || len(pieces) != 1 || pieces[0].glyph != glyph || pieces[0].text != text):
				t.Errorf("format %d: %+q: %+v, error %v, want glyph %d", format, text, pieces, err, glyph)
			}
		}
	}
}

// TestSubsetKeepsShapes: a subset's outlines are those of the font, the parts of composite ones included.
func TestSubsetKeepsShapes(t *testing.T) {
	t.Parallel()
	from, err := ParseFont(small(t, 12))
	if err != nil {
		t.Fatal(err)
	}
	s := newSubset(from)
	pieces, err := Family{from}.each("üあ葛葛\U000E0100葛\U000E0101")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		s.number(p)
	}
	if len(s.slots) != 6 {
		t.Fatalf("%d glyphs: the same shape for another text has a number of its own", len(s.slots))
	}
	program, err := s.program()
	if err != nil {
		t.Fatal(err)
	}
	cut := &Font{tables: map[string]table{}, longLoca: true}
	for _, each := range tablesOf(program) {
		cut.tables[each.tag] = each.content
	}
	if sum := checksum(program); sum != 0xB1B0AFBA {
		t.Errorf("checksum %08x", sum)
	}
	cut.unitsPerEm, cut.glyphs, cut.longMetrics = from.unitsPerEm, cut.tables["maxp"].u16(4), cut.tables["hhea"].u16(34)
	if cut.glyphs != 6+2 { // A, あ as parts
		t.Errorf("%d glyphs with parts", cut.glyphs)
	}
	for i, each := range s.slots {
		if got, want := points(t, cut, i, 0), points(t, from, each.glyph, 0); !bytes.Equal(got, want) {
			t.Errorf("glyph %d is drawn otherwise", i)
		}
		if cut.advance(i) != from.advance(each.glyph) || cut.sideBearing(i) != from.sideBearing(each.glyph) {
			t.Errorf("glyph %d is %d wide, want %d", i, cut.advance(i), from.advance(each.glyph))
		}
	}
}

// points is everything of an outline but instructions and the numbers of parts, which are followed.
func points(t *testing.T, f *Font, glyph, depth int) []byte {
	t.Helper()
	o, err := f.outline(glyph)
	if err != nil || depth > 5 {
		t.Fatalf("glyph %d, depth %d: %v", glyph, depth, err)
	}
	if len(o) == 0 {
		return nil
	}
	if o.i16(0) >= 0 {
		ends := 10 + 2*o.i16(0)
		return bytes.TrimRight(slices.Concat(o[:ends], o[ends+2+o.u16(ends):]), "\x00")
	}
	out := slices.Clone(o[:10])
	for at := 10; ; at += partSize(o.u16(at)) {
		out = append(out, o[at+4:at+partSize(o.u16(at))]...)
		out = append(out, points(t, f, o.u16(at+2), depth+1)...)
		if o.u16(at)&moreParts == 0 {
			return out
		}
	}
}

// TestBadFonts: each is refused for its own reason.
func TestBadFonts(t *testing.T) {
	t.Parallel()
	good := small(t, 12)
	change := func(tag string, at int, b ...byte) []byte {
		tables := tablesOf(good)
		for _, each := range tables {
			if each.tag == tag {
				copy(each.content[at:], b)
			}
		}
		return sfnt(tables)
	}
	without := func(tag string) []byte {
		return sfnt(slices.DeleteFunc(tablesOf(good), func(n named) bool { return n.tag == tag }))
	}
	short := func(tag string) []byte {
		tables := tablesOf(good)
		for i := range tables {
			if tables[i].tag == tag {
				tables[i].content = tables[i].content[:len(tables[i].content)/2]
			}
		}
		return sfnt(tables)
	}
	for want, file := range map[string][]byte{
		"it begins with 00000000":         nil,
		"outlines are CFF":                append([]byte("OTTO"), good[4:]...),
		"it is a collection":              append([]byte("ttcf"), good[4:]...),
		"directory is cut off":            good[:20],
		"lies outside":                    good[:len(good)-8],
		`table "glyf" is missing`:         without("glyf"),
		"table head or maxp is too short": short("head"),
		"table hmtx is too short":         short("hmtx"),
		"table loca is too short":         short("loca"),
		"table hhea is too short":         short("hhea"),
		"5 units to the em":               change("head", 18, 0, 5),
		"it has no glyphs":                change("maxp", 4, 0, 0),
		"0 widths":                        change("hhea", 34, 0, 0),
		"does not permit":                 change("OS/2", 8, 0, 2),
		"(fsType 0100)":                   change("OS/2", 8, 1, 0),
		"no map of Unicode characters":    change("cmap", 20, 0, 6),
		"stands twice":                    sfnt(append(tablesOf(good), named{"glyf", nil})),
	} {
		if _, err := ParseFont(file); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := ParseFont(make([]byte, MaxFontBytes+1)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// TestBadOutlines: a font that parses may still have outlines that lead astray.
func TestBadOutlines(t *testing.T) {
	t.Parallel()
	loop := []byte{0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 1, 0, 0} // a part that is the glyph itself, and more to come
	for want, spoil := range map[string]func(f *Font){
		"lies outside": func(f *Font) { f.tables["loca"] = bytes.Repeat([]byte{0xff}, len(f.tables["loca"])) },
		"is cut off":   func(f *Font) { f.tables["glyf"] = bytes.Repeat([]byte{0x7f}, len(f.tables["glyf"])) },
		"too many parts": func(f *Font) {
			f.tables["glyf"] = slices.Concat(loop[:10], bytes.Repeat(loop[10:], len(f.tables["glyf"])/6))
		},
		"has no glyph 77": func(f *Font) { f.characters.glyphs = 100; f.characters.main[27] = 77 },
	} {
		f, err := ParseFont(small(t, 12))
		if err != nil {
			t.Fatal(err)
		}
		if want == "too many parts" {
			f.tables["loca"] = u16s(0, 0, 0, 0, 0, 0x0fff, 0, 0x0fff, 0, 0x0fff, 0, 0x0fff, 0, 0x0fff, 0, 0x0fff)
			f.tables["glyf"] = make([]byte, 0x2000)
		}
		spoil(f)
		s := newSubset(f)
		pieces, err := Family{f}.pieces("A")
		if err != nil {
			t.Fatal(err)
		}
		s.number(pieces[0])
		if _, err := s.program(); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// FuzzParseFont: whatever the bytes, a font is refused or can be drawn with, and nothing is read outside.
func FuzzParseFont(f *testing.F) {
	for _, format := range []int{4, 12} {
		file := small(f, format)
		f.Add(file)
		f.Add(file[:len(file)/2])
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		font, err := ParseFont(file)
		if err != nil {
			if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.TooLarge) {
				t.Errorf("unclassified: %v", err)
			}
			return
		}
		family := Family{font}
		s := newSubset(font)
		for _, text := range []string{"A", "あ", "葛", "𠮷", "葛\U000E0100", "葛\U000E0101", "ü"} {
			if pieces, err := family.pieces(text); err == nil {
				s.number(pieces[0])
			}
		}
		program, err := s.program()
		if err != nil {
			return
		}
		for _, each := range tablesOf(program) {
			if each.tag == "loca" && len(each.content)%4 != 0 {
				t.Error("loca is not whole")
			}
		}
		s.mapping()
		s.widths()
	})
}
