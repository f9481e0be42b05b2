package pdf

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"akashi/internal/fault"
)

// MaxFontBytes bounds a font file; the largest in use here, with every registered kanji, has 46 MB.
const MaxFontBytes = 128 << 20

// Font is a TrueType font (ISO/IEC 14496-22) ready to be drawn with and cut down. It keeps the bytes it was parsed from,
// which nobody may change afterwards, and is safe for use by many goroutines at once.
type Font struct {
	Name string // PostScript name

	tables      map[string]table
	unitsPerEm  int
	glyphs      int // number of glyphs
	longLoca    bool
	longMetrics int
	box         [4]int // in font units
	ascent      int
	descent     int
	capHeight   int
	characters  cmap
}

// table is the bytes of one table, or a part of one. Reading beyond its end yields 0: a hostile font may draw nonsense,
// but it never makes us step outside.
type table []byte

func (t table) u8(at int) int {
	if at < 0 || at >= len(t) {
		return 0
	}
	return int(t[at])
}

func (t table) u16(at int) int {
	if at < 0 || at+2 > len(t) {
		return 0
	}
	return int(binary.BigEndian.Uint16(t[at:]))
}

func (t table) i16(at int) int { return int(int16(t.u16(at))) }

func (t table) u24(at int) int { return t.u8(at)<<16 | t.u16(at+1) }

func (t table) u32(at int) int {
	if at < 0 || at+4 > len(t) {
		return 0
	}
	return int(binary.BigEndian.Uint32(t[at:]))
}

// from returns the rest from an offset on, empty when there is none.
func (t table) from(at int) table {
	if at < 0 || at > len(t) {
		return nil
	}
	return t[at:]
}

// part returns n bytes from an offset on, nil when they are not all there.
func (t table) part(at, n int) table {
	if at < 0 || n < 0 || at > len(t) || n > len(t)-at {
		return nil
	}
	return t[at : at+n : at+n]
}

func badFont(format string, args ...any) error {
	return fault.New(fault.Invalid, "", "reading a font: "+fmt.Sprintf(format, args...))
}

// ParseFont reads a TrueType font with outlines in a glyf table. It refuses, with fault.Invalid, collections, outlines in
// another form, fonts that forbid embedding, and whatever does not hold together.
func ParseFont(file []byte) (*Font, error) {
	if len(file) > MaxFontBytes {
		return nil, fault.New(fault.TooLarge, "", fmt.Sprintf("reading a font of %d bytes", len(file)))
	}
	f := &Font{tables: map[string]table{}}
	if err := f.directory(file); err != nil {
		return nil, err
	}
	for _, read := range []func() error{f.readHead, f.readMetrics, f.readLoca, f.readLicence, f.readCharacters} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	f.Name = f.postScriptName()
	return f, nil
}

// directory finds the tables (ISO/IEC 14496-22 §4.5).
func (f *Font) directory(file table) error {
	switch version := file.u32(0); version {
	case 0x00010000, 0x74727565: // 1.0, "true"
	case 0x4f54544f:
		return badFont("its outlines are CFF, not TrueType")
	case 0x74746366:
		return badFont("it is a collection")
	default:
		return badFont("it begins with %08x", version)
	}
	for i := range file.u16(4) {
		record := file.part(12+16*i, 16)
		if record == nil {
			return badFont("its directory is cut off")
		}
		tag := string(record[:4])
		content := file.part(record.u32(8), record.u32(12))
		if content == nil {
			return badFont("table %q lies outside", tag)
		}
		if _, twice := f.tables[tag]; twice {
			return badFont("table %q stands twice", tag)
		}
		f.tables[tag] = content
	}
	for _, tag := range []string{"cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp"} {
		if f.tables[tag] == nil {
			return badFont("table %q is missing", tag)
		}
	}
	return nil
}

func (f *Font) readHead() error {
	head, maxp := f.tables["head"], f.tables["maxp"]
	if len(head) < 54 || len(maxp) < 32 {
		return badFont("table head or maxp is too short")
	}
	f.unitsPerEm, f.longLoca, f.glyphs = head.u16(18), head.u16(50) == 1, maxp.u16(4)
	if f.unitsPerEm < 16 || f.unitsPerEm > 16384 {
		return badFont("%d units to the em", f.unitsPerEm)
	}
	if f.glyphs == 0 {
		return badFont("it has no glyphs")
	}
	f.box = [4]int{head.i16(36), head.i16(38), head.i16(40), head.i16(42)}
	return nil
}

func (f *Font) readMetrics() error {
	hhea := f.tables["hhea"]
	if len(hhea) < 36 {
		return badFont("table hhea is too short")
	}
	f.ascent, f.descent, f.longMetrics = hhea.i16(4), hhea.i16(6), hhea.u16(34)
	if f.longMetrics == 0 || f.longMetrics > f.glyphs {
		return badFont("%d widths for %d glyphs", f.longMetrics, f.glyphs)
	}
	if len(f.tables["hmtx"]) < 2*f.glyphs+2*f.longMetrics {
		return badFont("table hmtx is too short")
	}
	f.capHeight = f.ascent
	if os2 := f.tables["OS/2"]; len(os2) >= 90 && os2.u16(0) >= 2 && os2.i16(88) > 0 {
		f.capHeight = os2.i16(88)
	}
	return nil
}

func (f *Font) readLoca() error {
	size := 2
	if f.longLoca {
		size = 4
	}
	if len(f.tables["loca"]) < size*(f.glyphs+1) {
		return badFont("table loca is too short")
	}
	return nil
}

// readLicence heeds fsType: bit 1 alone forbids embedding, bit 8 forbids subsets, bit 9 allows bitmaps only.
func (f *Font) readLicence() error {
	os2 := f.tables["OS/2"]
	if kind := os2.u16(8); len(os2) > 0 && (kind&0xe == 2 || kind&0x300 != 0) {
		return badFont("it does not permit to embed a subset (fsType %04x)", kind)
	}
	return nil
}

func (f *Font) readCharacters() (err error) {
	f.characters, err = parseCmap(f.tables["cmap"], f.glyphs)
	return err
}

// postScriptName reads name 6, cleaned to what a PDF name may hold without escapes.
func (f *Font) postScriptName() string {
	names := f.tables["name"]
	texts := names.from(names.u16(4))
	for i := range names.u16(2) {
		record := names.part(6+12*i, 12)
		if record == nil {
			break
		}
		if record.u16(6) != 6 {
			continue
		}
		text := texts.part(record.u16(10), record.u16(8))
		if name := plainName(text, record.u16(0)); name != "" {
			return name
		}
	}
	return "Font"
}

func plainName(text table, platform int) string {
	s := string(text)
	if platform != 1 {
		units := make([]uint16, 0, len(text)/2)
		for i := 0; i+1 < len(text); i += 2 {
			units = append(units, uint16(text.u16(i)))
		}
		s = string(utf16.Decode(units))
	}
	s = strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 63)]
}

// advance returns the width of a glyph in font units.
func (f *Font) advance(glyph int) int {
	return f.tables["hmtx"].u16(4 * min(glyph, f.longMetrics-1))
}

func (f *Font) sideBearing(glyph int) int {
	if glyph < f.longMetrics {
		return f.tables["hmtx"].i16(4*glyph + 2)
	}
	return f.tables["hmtx"].i16(4*f.longMetrics + 2*(glyph-f.longMetrics))
}

// thousandths turns font units into the thousandths of an em of a PDF, rounded.
func (f *Font) thousandths(units int) int {
	n := units * 1000
	if n < 0 {
		return -((-n + f.unitsPerEm/2) / f.unitsPerEm)
	}
	return (n + f.unitsPerEm/2) / f.unitsPerEm
}

// outline returns the bytes of a glyph, empty for one without ink.
func (f *Font) outline(glyph int) (table, error) {
	if glyph < 0 || glyph >= f.glyphs {
		return nil, badFont("it has no glyph %d", glyph)
	}
	loca := f.tables["loca"]
	start, end := 2*loca.u16(2*glyph), 2*loca.u16(2*glyph+2)
	if f.longLoca {
		start, end = loca.u32(4*glyph), loca.u32(4*glyph+4)
	}
	outline := f.tables["glyf"].part(start, end-start)
	if outline == nil || len(outline) > 0 && len(outline) < 10 {
		return nil, badFont("glyph %d lies outside", glyph)
	}
	return outline, nil
}
