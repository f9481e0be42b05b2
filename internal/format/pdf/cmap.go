package pdf

// cmap finds the glyph of a character: by format 12 or 4, and by format 14 where a variation selector follows.
type cmap struct {
	format     int // 4 or 12
	main       table
	variations table // format 14, empty when there is none
	glyphs     int
}

// parseCmap chooses the subtables to use (ISO/IEC 14496-22 §5.2): the widest Unicode one, and the one for variations.
func parseCmap(t table, glyphs int) (cmap, error) {
	c := cmap{glyphs: glyphs}
	for i := range t.u16(2) {
		record := t.part(4+8*i, 8)
		if record == nil {
			return c, badFont("its cmap is cut off")
		}
		platform, encoding, sub := record.u16(0), record.u16(2), t.from(record.u32(4))
		switch format := sub.u16(0); {
		case format == 14 && platform == 0:
			c.variations = sub.part(0, sub.u32(2))
		case format == 12 && (platform == 3 && encoding == 10 || platform == 0):
			if main := sub.part(0, sub.u32(4)); main != nil {
				c.format, c.main = 12, main
			}
		case format == 4 && c.format != 12 && (platform == 3 && encoding == 1 || platform == 0):
			if main := sub.part(0, sub.u16(2)); main != nil {
				c.format, c.main = 4, main
			}
		}
	}
	if c.format == 0 {
		return c, badFont("it has no map of Unicode characters")
	}
	return c, nil
}

// glyph returns the glyph of a character, 0 when there is none.
func (c cmap) glyph(r rune) int {
	g := 0
	if c.format == 12 {
		g = c.ranges(int(r))
	} else if r <= 0xffff {
		g = c.segments(int(r))
	}
	if g >= c.glyphs {
		return 0
	}
	return g
}

// ranges looks into format 12 (§5.2.4.2.4): groups of first, last and glyph of the first.
func (c cmap) ranges(r int) int {
	low, high := 0, min(c.main.u32(12), (len(c.main)-16)/12)
	for low < high {
		middle := (low + high) / 2
		group := c.main.from(16 + 12*middle)
		switch {
		case r < group.u32(0):
			high = middle
		case r > group.u32(4):
			low = middle + 1
		default:
			return group.u32(8) + r - group.u32(0)
		}
	}
	return 0
}

// segments looks into format 4 (§5.2.4.1.3).
func (c cmap) segments(r int) int {
	n := c.main.u16(6) / 2
	ends, starts := c.main.from(14), c.main.from(16+2*n)
	deltas, offsets := c.main.from(16+4*n), c.main.from(16+6*n)
	low, high := 0, n
	for low < high {
		if middle := (low + high) / 2; ends.u16(2*middle) < r {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low >= n || starts.u16(2*low) > r {
		return 0
	}
	offset := offsets.u16(2 * low)
	if offset == 0 {
		return (r + deltas.u16(2*low)) & 0xffff
	}
	g := offsets.u16(2*low + offset + 2*(r-starts.u16(2*low)))
	if g == 0 {
		return 0
	}
	return (g + deltas.u16(2*low)) & 0xffff
}

// variation returns the glyph of a character with a variation selector, 0 when the font does not know the sequence. A
// sequence that the font lists as its default has the character's own glyph.
func (c cmap) variation(r, selector rune) int {
	n := min(c.variations.u32(6), (len(c.variations)-10)/11)
	low, high := 0, n
	for low < high {
		middle := (low + high) / 2
		record := c.variations.from(10 + 11*middle)
		switch at := record.u24(0); {
		case int(selector) < at:
			high = middle
		case int(selector) > at:
			low = middle + 1
		default:
			return c.sequence(int(r), record.u32(3), record.u32(7))
		}
	}
	return 0
}

func (c cmap) sequence(r, defaults, others int) int {
	if defaults != 0 && inRanges(c.variations.from(defaults), r) {
		return c.glyph(rune(r))
	}
	if others == 0 {
		return 0
	}
	list := c.variations.from(others)
	low, high := 0, min(list.u32(0), (len(list)-4)/5)
	for low < high {
		middle := (low + high) / 2
		switch at := list.u24(4 + 5*middle); {
		case r < at:
			high = middle
		case r > at:
			low = middle + 1
		default:
			if g := list.u16(4 + 5*middle + 3); g < c.glyphs {
				return g
			}
			return 0
		}
	}
	return 0
}

// inRanges tells whether a character stands in a list of default sequences: ranges of first and number of further ones.
func inRanges(list table, r int) bool {
	low, high := 0, min(list.u32(0), (len(list)-4)/4)
	for low < high {
		middle := (low + high) / 2
		first, more := list.u24(4+4*middle), list.u8(4+4*middle+3)
		switch {
		case r < first:
			high = middle
		case r > first+more:
			low = middle + 1
		default:
			return true
		}
	}
	return false
}
