package paper

import (
	"fmt"

	"akashi/internal/fault"
	"akashi/internal/format/pdf"
)

// Lengths are in points and places from the upper left corner, as format/pdf has them.
const (
	mm         = pdf.Millimetre
	pageWidth  = 210 * mm
	pageHeight = 297 * mm
	// A card of ID-1 format (ISO/IEC 7810 §5.1).
	cardWidth  = 85.6 * mm
	cardHeight = 53.98 * mm
)

// The colours. Text keeps a contrast of at least 4.5 to 1 on white and on the ground.
var (
	ink    = pdf.Color{0.10, 0.11, 0.14}
	accent = pdf.Color{0.09, 0.19, 0.37}
	muted  = pdf.Color{0.33, 0.36, 0.42}
	gold   = pdf.Color{0.66, 0.52, 0.22}
	wave   = pdf.Color{0.70, 0.76, 0.86}
	rule   = pdf.Color{0.78, 0.81, 0.86}
	ground = pdf.Color{0.955, 0.965, 0.98}
	white  = pdf.Color{1, 1, 1}
)

// Where a text stands to its x.
const (
	left   = 0.0
	centre = 0.5
	right  = 1.0
)

// box is the room for a text: as large as possible between max and min, on as few lines as possible.
type box struct {
	width    float64
	max, min float64 // sizes
	lines    int     // at most
}

// shy is how much a text shrinks before it rather takes another line.
const shy = 0.62

// fit finds lines and size. A text that does not fit at the smallest size is a fault.Invalid with the key "pdf.too_long":
// it is never cut.
func fit(f pdf.Family, text string, b box) ([]string, float64, error) {
	const step = 0.5
	for n := 1; n <= b.lines; n++ {
		floor := max(b.min, b.max*shy)
		if n == b.lines {
			floor = b.min
		}
		for size := b.max; size >= floor; size -= step {
			lines, err := f.Lines(text, size, b.width)
			if err != nil {
				return nil, 0, err
			}
			if len(lines) <= n {
				return lines, size, nil
			}
		}
	}
	return nil, 0, fault.New(fault.Invalid, "pdf.too_long", fmt.Sprintf("laying out a certificate: a text of %d bytes does not fit", len(text)))
}

// pen draws lines of text on a layer and keeps the first error.
type pen struct {
	layer *pdf.Layer
	err   error
}

func (p *pen) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// line draws one line whose baseline is at y.
func (p *pen) line(f pdf.Family, size, x, y, align float64, c pdf.Color, s string) {
	width, err := f.Width(s, size)
	if err != nil {
		p.fail(err)
		return
	}
	p.layer.Text(pdf.Text{Family: f, Size: size, X: x - align*width, Y: y, Color: c, String: s})
}

// lines draws lines one under the other and returns the baseline of the last.
func (p *pen) lines(f pdf.Family, size, x, y, leading, align float64, c pdf.Color, list []string) float64 {
	for i, s := range list {
		if i > 0 {
			y += leading
		}
		p.line(f, size, x, y, align, c, s)
	}
	return y
}

// wavy draws a line of half waves from one point to another, horizontal or vertical; side is 1 or -1.
func (p *pen) wavy(c pdf.Color, x1, y1, x2, y2, height float64, halves int, side float64) {
	points := [][2]float64{{x1, y1}}
	dx, dy := (x2-x1)/float64(halves), (y2-y1)/float64(halves)
	for i := range halves {
		x, y := x1+dx*float64(i), y1+dy*float64(i)
		out := side * height * 4 / 3
		if i%2 == 1 {
			out = -out
		}
		if dy == 0 {
			points = append(points, [2]float64{x + dx/3, y + out}, [2]float64{x + 2*dx/3, y + out}, [2]float64{x + dx, y})
		} else {
			points = append(points, [2]float64{x + out, y + dy/3}, [2]float64{x + out, y + 2*dy/3}, [2]float64{x, y + dy})
		}
	}
	p.layer.Curve(c, 0.35, points)
}
