package pdf

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
)

const (
	// maxParts bounds how many parts a composite glyph has, with the parts of its parts.
	maxParts = 256
	// maxGlyphBytes bounds one outline; the largest of the fonts in use here has 8 KB.
	maxGlyphBytes = 64 << 10
)

// subset collects the glyphs of one font that a document or a template draws. Each text that a glyph stands for gets a
// number of its own: where the same shape is drawn once as 葛 and once as 葛 with a selector, the two must be told apart
// when the text is read back.
type subset struct {
	font    *Font
	slots   []slot
	numbers map[slot]int
}

// slot is one glyph of a subset. text is empty for .notdef.
type slot struct {
	glyph int
	text  string
}

func newSubset(f *Font) *subset {
	return &subset{font: f, slots: []slot{{}}, numbers: map[slot]int{}}
}

// number returns the number under which a glyph for a text is drawn, adding it if need be.
func (s *subset) number(p piece) int {
	key := slot{p.glyph, p.text}
	if n, ok := s.numbers[key]; ok {
		return n
	}
	n := len(s.slots)
	s.slots = append(s.slots, key)
	s.numbers[key] = n
	return n
}

func (s *subset) has(p piece) bool {
	_, ok := s.numbers[slot{p.glyph, p.text}]
	return ok
}

// fonts is the subsets that the layers of one template or document draw with.
type fonts struct {
	prefix  byte // of the resources' names, which differ between a template and what lies over it
	subsets []*subset
}

// find returns the place of a font's subset, -1 when there is none.
func (f *fonts) find(font *Font) int {
	return slices.IndexFunc(f.subsets, func(s *subset) bool { return s.font == font })
}

func (f *fonts) place(font *Font) int {
	if i := f.find(font); i >= 0 {
		return i
	}
	f.subsets = append(f.subsets, newSubset(font))
	return len(f.subsets) - 1
}

func (f *fonts) resource(i int) string { return string(f.prefix) + strconv.Itoa(i) }

// has tells whether there is a glyph for every piece already.
func (f *fonts) has(pieces []piece) bool {
	for _, p := range pieces {
		if i := f.find(p.font); i < 0 || !f.subsets[i].has(p) {
			return false
		}
	}
	return true
}

// name is the font's name with the tag of a subset (ISO 32000-1 §9.6.4), made from what the subset holds.
func (s *subset) name() string {
	h := sha256.New()
	for _, each := range s.slots {
		fmt.Fprintf(h, "%d %s\n", each.glyph, each.text)
	}
	sum := h.Sum(nil)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag) + "+" + s.font.Name
}

// widths is the W array of the CIDFont (ISO 32000-1 §9.7.4.3).
func (s *subset) widths() []byte {
	out := []byte("[0 [")
	for i, each := range s.slots {
		if i > 0 {
			out = append(out, ' ')
		}
		out = strconv.AppendInt(out, int64(s.font.thousandths(s.font.advance(each.glyph))), 10)
	}
	return append(out, "]]"...)
}

// mapping is the ToUnicode CMap (ISO 32000-1 §9.10.3): for each number the text that it stands for, in UTF-16, with
// surrogates beyond the BMP and with its variation selector.
func (s *subset) mapping() []byte {
	const perBlock = 100
	out := []byte("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for first := 1; first < len(s.slots); first += perBlock {
		block := s.slots[first:min(first+perBlock, len(s.slots))]
		out = fmt.Appendf(out, "%d beginbfchar\n", len(block))
		for i, each := range block {
			out = fmt.Appendf(out, "<%04X> <", first+i)
			for _, unit := range utf16.Encode([]rune(each.text)) {
				out = fmt.Appendf(out, "%04X", unit)
			}
			out = append(out, ">\n"...)
		}
		out = append(out, "endbfchar\n"...)
	}
	return append(out, "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"...)
}

// program builds the font file to embed: the glyphs in the order of their numbers, then the parts of composite ones, and
// the tables that a CIDFontType2 needs (ISO 32000-1 §9.9). Hinting is left out: it serves low resolutions.
func (s *subset) program() ([]byte, error) {
	b := builder{font: s.font, renamed: map[int]int{}}
	for _, each := range s.slots {
		b.wanted = append(b.wanted, each.glyph)
	}
	for i := 0; i < len(b.wanted); i++ {
		if err := b.add(b.wanted[i]); err != nil {
			return nil, err
		}
		if len(b.wanted) > len(s.slots)+maxParts*8 || len(b.wanted) > 0xffff {
			return nil, badFont("its glyphs have too many parts")
		}
	}
	return b.assemble(), nil
}

// builder writes glyf, loca and hmtx as it goes.
type builder struct {
	font    *Font
	wanted  []int       // old number of each new glyph
	renamed map[int]int // of parts of composite glyphs, the new number
	glyf    []byte
	loca    []byte
	hmtx    []byte
}

func (b *builder) add(glyph int) error {
	outline, err := b.font.outline(glyph)
	if err != nil {
		return err
	}
	if len(outline) > maxGlyphBytes {
		return badFont("glyph %d has %d bytes", glyph, len(outline))
	}
	b.loca = binary.BigEndian.AppendUint32(b.loca, uint32(len(b.glyf)))
	b.hmtx = binary.BigEndian.AppendUint16(b.hmtx, uint16(b.font.advance(glyph)))
	b.hmtx = binary.BigEndian.AppendUint16(b.hmtx, uint16(b.font.sideBearing(glyph)))
	switch {
	case len(outline) == 0:
		return nil
	case outline.i16(0) >= 0:
		err = b.simple(glyph, outline)
	default:
		err = b.composite(glyph, outline)
	}
	for len(b.glyf)%4 != 0 {
		b.glyf = append(b.glyf, 0)
	}
	return err
}

// simple copies an outline without its instructions (ISO/IEC 14496-22 §5.3.3.1).
func (b *builder) simple(glyph int, outline table) error {
	ends := 10 + 2*outline.i16(0)
	rest := ends + 2 + outline.u16(ends)
	if ends+2 > len(outline) || rest > len(outline) {
		return badFont("glyph %d is cut off", glyph)
	}
	b.glyf = append(b.glyf, outline[:ends]...)
	b.glyf = append(b.glyf, 0, 0)
	b.glyf = append(b.glyf, outline[rest:]...)
	return nil
}

// Flags of a part of a composite glyph (ISO/IEC 14496-22 §5.3.3.2).
const (
	argumentsAreWords = 0x0001
	hasScale          = 0x0008
	moreParts         = 0x0020
	hasTwoScales      = 0x0040
	hasMatrix         = 0x0080
	hasInstructions   = 0x0100
)

// composite copies the parts under their new numbers, without instructions.
func (b *builder) composite(glyph int, outline table) error {
	b.glyf = append(b.glyf, outline[:10]...)
	at := 10
	for range maxParts {
		flags := outline.u16(at)
		n := partSize(flags)
		part := outline.part(at, n)
		if part == nil {
			return badFont("glyph %d is cut off", glyph)
		}
		b.glyf = binary.BigEndian.AppendUint16(b.glyf, uint16(flags&^hasInstructions))
		b.glyf = binary.BigEndian.AppendUint16(b.glyf, uint16(b.renumber(part.u16(2))))
		b.glyf = append(b.glyf, part[4:]...)
		if flags&moreParts == 0 {
			return nil
		}
		at += n
	}
	return badFont("glyph %d has too many parts", glyph)
}

func partSize(flags int) int {
	n := 6
	if flags&argumentsAreWords != 0 {
		n += 2
	}
	switch {
	case flags&hasScale != 0:
		n += 2
	case flags&hasTwoScales != 0:
		n += 4
	case flags&hasMatrix != 0:
		n += 8
	}
	return n
}

func (b *builder) renumber(glyph int) int {
	if n, ok := b.renamed[glyph]; ok {
		return n
	}
	n := len(b.wanted)
	b.wanted = append(b.wanted, glyph)
	b.renamed[glyph] = n
	return n
}

func (b *builder) assemble() []byte {
	b.loca = binary.BigEndian.AppendUint32(b.loca, uint32(len(b.glyf)))
	head, hhea, maxp := slices.Clone(b.font.tables["head"]), slices.Clone(b.font.tables["hhea"]), slices.Clone(b.font.tables["maxp"])
	binary.BigEndian.PutUint32(head[8:], 0)
	binary.BigEndian.PutUint16(head[50:], 1) // long offsets
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(b.wanted)))
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(b.wanted)))
	return sfnt([]named{{"glyf", b.glyf}, {"head", head}, {"hhea", hhea}, {"hmtx", b.hmtx}, {"loca", b.loca}, {"maxp", maxp}})
}

// named is a table to write.
type named struct {
	tag     string
	content []byte
}

// sfnt puts tables together with their checksums (ISO/IEC 14496-22 §4.5).
func sfnt(tables []named) []byte {
	slices.SortFunc(tables, func(a, b named) int { return cmp.Compare(a.tag, b.tag) })
	power, exponent := 1, 0
	for power*2 <= len(tables) {
		power, exponent = power*2, exponent+1
	}
	size := 12 + 16*len(tables)
	for _, t := range tables {
		size += (len(t.content) + 3) &^ 3
	}
	out := make([]byte, 0, size)
	out = binary.BigEndian.AppendUint32(out, 0x00010000)
	for _, v := range []int{len(tables), power * 16, exponent, (len(tables) - power) * 16} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	offset, head := 12+16*len(tables), 0
	for _, t := range tables {
		out = append(out, t.tag...)
		out = binary.BigEndian.AppendUint32(out, checksum(t.content))
		out = binary.BigEndian.AppendUint32(out, uint32(offset))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t.content)))
		if t.tag == "head" {
			head = offset
		}
		offset += (len(t.content) + 3) &^ 3
	}
	for _, t := range tables {
		out = append(out, t.content...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	binary.BigEndian.PutUint32(out[head+8:], 0xB1B0AFBA-checksum(out))
	return out
}

// checksum adds up 32-bit words, the last one filled with zeros.
func checksum(b []byte) (sum uint32) {
	for len(b) >= 4 {
		sum += binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	var last [4]byte
	copy(last[:], b)
	return sum + binary.BigEndian.Uint32(last[:])
}
