package pdf

import "strconv"

// Code is a two-dimensional code that a document draws, once or on several pages.
type Code struct{ number, side int }

// Code takes over the modules of a code, row by row, true for dark. They become one path in black: viewers leave no seams
// inside one.
func (d *Document) Code(rows [][]bool) Code {
	out := []byte("0 g\n")
	for i, row := range rows {
		out = runs(out, row, len(rows)-1-i)
	}
	d.codes = append(d.codes, append(out, "f\n"...))
	d.sides = append(d.sides, len(rows))
	return Code{len(d.codes) - 1, len(rows)}
}

// runs adds each unbroken run of dark modules of a row as a rectangle.
func runs(out []byte, row []bool, y int) []byte {
	for x := 0; x < len(row); x++ {
		start := x
		for x < len(row) && row[x] {
			x++
		}
		if n := x - start; n > 0 {
			for _, v := range []int{start, y, n} {
				out = append(strconv.AppendInt(out, int64(v), 10), ' ')
			}
			out = append(out, "1 re\n"...)
		}
	}
	return out
}
