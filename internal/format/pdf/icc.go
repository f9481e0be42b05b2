package pdf

import (
	"encoding/binary"
	"math"
	"unicode/utf16"
)

// matrix is three by three, row by row.
type matrix [3][3]float64

func (m matrix) times(v [3]float64) (out [3]float64) {
	for i, row := range m {
		out[i] = row[0]*v[0] + row[1]*v[1] + row[2]*v[2]
	}
	return out
}

func (m matrix) by(o matrix) (out matrix) {
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m[i][0]*o[0][j] + m[i][1]*o[1][j] + m[i][2]*o[2][j]
		}
	}
	return out
}

func (m matrix) inverse() (out matrix) {
	minor := func(r, c int) float64 {
		a, b, x, y := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[a][x]*m[b][y] - m[a][y]*m[b][x]
	}
	det := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	for r := range 3 {
		for c := range 3 {
			out[c][r] = minor(r, c) / det
		}
	}
	return out
}

// xyz is the tristimulus of a chromaticity, with Y = 1.
func xyz(x, y float64) [3]float64 { return [3]float64{x / y, 1, (1 - x - y) / y} }

// bradford adapts colours from one white to another (ICC.1:2010 annex E.3).
func bradford(from, to [3]float64) matrix {
	cone := matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	a, b := cone.times(from), cone.times(to)
	scale := matrix{{b[0] / a[0]}, {0, b[1] / a[1]}, {0, 0, b[2] / a[2]}}
	return cone.inverse().by(scale).by(cone)
}

// sRGB builds an ICC profile (ICC.1:2010, version 4) of the colour space of IEC 61966-2-1 from that standard's own
// numbers: the chromaticities of its primaries and white, and its transfer function.
func sRGB() []byte {
	white, d50 := xyz(0.3127, 0.3290), [3]float64{0.9642, 1, 0.8249}
	red, green, blue := xyz(0.64, 0.33), xyz(0.30, 0.60), xyz(0.15, 0.06)
	primaries := matrix{{red[0], green[0], blue[0]}, {red[1], green[1], blue[1]}, {red[2], green[2], blue[2]}}
	share := primaries.inverse().times(white)
	adapt := bradford(white, d50)
	column := func(c [3]float64, s float64) []byte {
		return xyzType(adapt.times([3]float64{c[0] * s, c[1] * s, c[2] * s}))
	}
	curve := typed("para", fixed(u16s(3, 0), 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045))
	return profile([]named{
		{"desc", text("sRGB")}, {"cprt", text("No copyright, use freely")}, {"wtpt", xyzType(d50)},
		{"chad", typed("sf32", fixed(nil, adapt[0][0], adapt[0][1], adapt[0][2], adapt[1][0], adapt[1][1], adapt[1][2], adapt[2][0], adapt[2][1], adapt[2][2]))},
		{"rXYZ", column(red, share[0])}, {"gXYZ", column(green, share[1])}, {"bXYZ", column(blue, share[2])},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	})
}

func typed(kind string, content []byte) []byte {
	return append(append([]byte(kind), 0, 0, 0, 0), content...)
}

func u16s(values ...uint16) (out []byte) {
	for _, v := range values {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out
}

// fixed appends s15Fixed16Numbers.
func fixed(out []byte, values ...float64) []byte {
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, uint32(int32(math.Round(v*65536))))
	}
	return out
}

func xyzType(v [3]float64) []byte { return typed("XYZ ", fixed(nil, v[0], v[1], v[2])) }

// text is a multiLocalizedUnicodeType with one record.
func text(s string) []byte {
	units := utf16.Encode([]rune(s))
	out := binary.BigEndian.AppendUint32(nil, 1)
	out = binary.BigEndian.AppendUint32(out, 12)
	out = append(out, "enUS"...)
	out = binary.BigEndian.AppendUint32(out, uint32(2*len(units)))
	out = binary.BigEndian.AppendUint32(out, 28)
	return typed("mluc", append(out, u16s(units...)...))
}

// profile puts a header and a table of tags before the tags; equal ones are written once.
func profile(tags []named) []byte {
	const header = 128
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	written := map[string]int{}
	for _, t := range tags {
		at, ok := written[string(t.content)]
		if !ok {
			at = header + 4 + 12*len(tags) + len(data)
			written[string(t.content)] = at
			data = append(data, t.content...)
			for len(data)%4 != 0 {
				data = append(data, 0)
			}
		}
		table = append(table, t.tag...)
		table = binary.BigEndian.AppendUint32(table, uint32(at))
		table = binary.BigEndian.AppendUint32(table, uint32(len(t.content)))
	}
	out := make([]byte, header)
	binary.BigEndian.PutUint32(out[0:], uint32(header+len(table)+len(data)))
	copy(out[8:], []byte{4, 0x20, 0, 0})
	copy(out[12:], "mntrRGB XYZ ")
	copy(out[24:], u16s(2026, 1, 1, 0, 0, 0))
	copy(out[36:], "acsp")
	copy(out[68:], fixed(nil, 0.9642, 1, 0.8249))
	return append(append(out, table...), data...)
}
