package pdf

import (
	"fmt"
	"strconv"
)

// Millimetre is the length of a millimetre in points, the unit of every length here.
const Millimetre = 72 / 25.4

// Color is red, green and blue from 0 to 1, as sRGB.
type Color [3]float64

// Mark names a piece of a page's content that belongs to an element of the structure.
type Mark int

// Text is a line of text. X and Y, in points from the upper left corner of the page, are where its baseline begins.
type Text struct {
	Family Family
	Size   float64
	X, Y   float64
	Color  Color
	String string
}

// Layer is what is drawn on a page, or on a part of it that other pages share. What goes wrong while drawing is kept, and
// packing the layer or printing a document with it fails with the first of it.
//
// Everything is drawn inside Marked or Artifact, so that a reader who cannot see the page misses nothing and hears nothing twice.
type Layer struct {
	height  float64
	own     *fonts
	under   *fonts // of the template below, with which may be drawn again; nil in a template
	content []byte
	marks   int
	err     error
	color   Color
	inside  bool
}

// Marked draws content that belongs to an element, under the element's type (ISO 32000-1 §14.7.4.2).
func (l *Layer) Marked(kind string, draw func()) Mark {
	m := l.marks
	l.marks++
	l.enclose(fmt.Sprintf("/%s <</MCID %d>> BDC\n", kind, m), draw)
	return Mark(m)
}

// MarkedAs is Marked, as a Span, for content that reads otherwise than it is drawn, e.g. a name that takes two lines: text
// is what it stands for (ISO 32000-1 §14.9.4). Programs heed it in spans only.
func (l *Layer) MarkedAs(text string, draw func()) Mark {
	m := l.marks
	l.marks++
	l.enclose(fmt.Sprintf("/Span <</MCID %d /ActualText %s>> BDC\n", m, textString(text)), draw)
	return Mark(m)
}

// Artifact draws what only adorns the page: rules, grounds, patterns.
func (l *Layer) Artifact(draw func()) { l.enclose("/Artifact BMC\n", draw) }

func (l *Layer) enclose(begin string, draw func()) {
	if l.inside {
		l.fail(fmt.Errorf("drawing a page: marked content inside marked content"))
		return
	}
	l.inside = true
	l.content = append(l.content, begin...)
	draw()
	l.content = append(l.content, "EMC\n"...)
	l.inside = false
}

func (l *Layer) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// write appends operands and an operator.
func (l *Layer) write(operator string, operands ...float64) {
	if !l.inside {
		l.fail(fmt.Errorf("drawing a page: %s outside marked content", operator))
	}
	for _, v := range operands {
		l.content = append(appendNumber(l.content, v), ' ')
	}
	l.content = append(append(l.content, operator...), '\n')
}

// fill sets the colour to fill with, when it is another.
func (l *Layer) fill(c Color) {
	if c != l.color {
		l.write("rg", c[0], c[1], c[2])
		l.color = c
	}
}

// Rectangle fills a rectangle whose upper left corner is at x and y.
func (l *Layer) Rectangle(c Color, x, y, width, height float64) {
	l.fill(c)
	l.write("re", x, l.height-y-height, width, height)
	l.write("f")
}

// Frame draws a rectangle's outline, the given width thick, with its middle on the edge.
func (l *Layer) Frame(c Color, thick, x, y, width, height float64) {
	l.write("RG", c[0], c[1], c[2])
	l.write("w", thick)
	l.write("re", x, l.height-y-height, width, height)
	l.write("S")
}

// Line draws a straight line.
func (l *Layer) Line(c Color, thick, x1, y1, x2, y2 float64) {
	l.write("RG", c[0], c[1], c[2])
	l.write("w", thick)
	l.write("m", x1, l.height-y1)
	l.write("l", x2, l.height-y2)
	l.write("S")
}

// Curve draws an open line through cubic Bézier curves: a beginning, then three points for each curve.
func (l *Layer) Curve(c Color, thick float64, points [][2]float64) {
	if len(points) < 4 || len(points)%3 != 1 {
		l.fail(fmt.Errorf("drawing a page: a curve of %d points", len(points)))
		return
	}
	l.write("RG", c[0], c[1], c[2])
	l.write("w", thick)
	l.write("m", points[0][0], l.height-points[0][1])
	for p := points[1:]; len(p) >= 3; p = p[3:] {
		l.write("c", p[0][0], l.height-p[0][1], p[1][0], l.height-p[1][1], p[2][0], l.height-p[2][1])
	}
	l.write("S")
}

// Code draws a two-dimensional code on a square.
func (l *Layer) Code(c Code, x, y, side float64) {
	l.write("q")
	l.write("cm", 1, 0, 0, 1, x, l.height-y-side)
	l.content = append(strconv.AppendFloat(l.content, side/float64(c.side), 'f', 6, 64), " 0 0 "...)
	l.content = append(strconv.AppendFloat(l.content, side/float64(c.side), 'f', 6, 64), " 0 0 cm\n"...)
	l.content = fmt.Appendf(l.content, "/X%d Do\nQ\n", c.number)
}

// Text draws a line of text and returns its width. A character that no font of the family has is the error of Covers.
func (l *Layer) Text(t Text) float64 {
	pieces, err := t.Family.pieces(t.String)
	if err != nil {
		l.fail(err)
		return 0
	}
	if len(pieces) == 0 {
		return 0
	}
	l.fill(t.Color)
	l.write("BT")
	l.write("Td", t.X, l.height-t.Y)
	from := l.own
	if l.under != nil && l.under.has(pieces) {
		// Either all of it or nothing: programs that read the text back could take a mixture of fonts for two words.
		from = l.under
	}
	for rest := pieces; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].font == rest[0].font {
			n++
		}
		l.show(from, rest[:n], t.Size)
		rest = rest[n:]
	}
	l.write("ET")
	return widthOf(pieces, t.Size)
}

// show draws pieces of one font, by their numbers in its subset.
func (l *Layer) show(from *fonts, pieces []piece, size float64) {
	i := from.place(pieces[0].font)
	l.content = fmt.Appendf(l.content, "/%s %s Tf\n<", from.resource(i), number(size))
	for _, p := range pieces {
		n := from.subsets[i].number(p)
		if n > 0xffff {
			l.fail(fmt.Errorf("drawing a page: too many glyphs of one font"))
			return
		}
		l.content = appendHex(l.content, n)
	}
	l.content = append(l.content, "> Tj\n"...)
}

func appendHex(out []byte, n int) []byte {
	const digits = "0123456789ABCDEF"
	return append(out, digits[n>>12&15], digits[n>>8&15], digits[n>>4&15], digits[n&15])
}
