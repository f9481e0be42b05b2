package qr

import (
	"math"
	"math/bits"
	"sync"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// words hold a line of the largest symbol, 177 modules.
const words = 3

// line is a row or a column of modules; bit i of the whole is module i, dark ones are set. Bits beyond the symbol are 0,
// and to the rules that look beyond its edge, light.
type line [words]uint64

func (l *line) set(i int, dark bool) {
	if dark {
		l[i/64] |= 1 << (i % 64)
	} else {
		l[i/64] &^= 1 << (i % 64)
	}
}

func (l *line) get(i int) bool { return l[i/64]>>(i%64)&1 == 1 }

// down moves every module n places towards the beginning, 0 < n < 64; up towards the end. The masks tell the compiler so.
func (l line) down(n uint) line {
	m := (64 - n) & 63
	n &= 63
	return line{l[0]>>n | l[1]<<m, l[1]>>n | l[2]<<m, l[2] >> n}
}

func (l line) up(n uint) line {
	m := (64 - n) & 63
	n &= 63
	return line{l[0] << n, l[1]<<n | l[0]>>m, l[2]<<n | l[1]>>m}
}

func (l line) count() int {
	return bits.OnesCount64(l[0]) + bits.OnesCount64(l[1]) + bits.OnesCount64(l[2])
}

// first is a line whose first n modules are set.
func first(n int) (l line) {
	for i := range n {
		l.set(i, true)
	}
	return l
}

// symbol is a code as rows and as columns: the rules for its penalty look both ways.
type symbol struct {
	size           int
	rows, columns  [177]line
	frame, framing [177]line // which modules of rows and columns no data stands in
}

// put sets a module that is not data.
func (s *symbol) put(x, y int, dark bool) {
	s.rows[y].set(x, dark)
	s.columns[x].set(y, dark)
	s.frame[y].set(x, true)
	s.framing[x].set(y, true)
}

// compose draws codewords into a symbol of a version, without a mask (§6.3, §7.7.3).
func compose(codewords []byte, version *decoder.Version) *symbol {
	s := &symbol{size: version.GetDimensionForVersion()}
	s.patterns(version)
	s.format(0) // keeps its place
	i := 0
	up := true
	for right := s.size - 1; right > 0; right -= 2 {
		if right == 6 { // the vertical timing pattern
			right--
		}
		for n := range s.size {
			y := n
			if up {
				y = s.size - 1 - n
			}
			for x := right; x >= right-1; x-- {
				if s.frame[y].get(x) {
					continue
				}
				if i < 8*len(codewords) && codewords[i/8]>>(7-i%8)&1 == 1 {
					s.rows[y].set(x, true)
					s.columns[x].set(y, true)
				}
				i++
			}
		}
		up = !up
	}
	return s
}

// patterns draws what every symbol of the version has.
func (s *symbol) patterns(version *decoder.Version) {
	for i := range s.size { // timing
		s.put(i, 6, i%2 == 0)
		s.put(6, i, i%2 == 0)
	}
	for _, at := range [][2]int{{3, 3}, {s.size - 4, 3}, {3, s.size - 4}} { // finders with their separators
		s.rings(at[0], at[1], 4)
	}
	centres := version.GetAlignmentPatternCenters()
	for i, y := range centres {
		for j, x := range centres {
			last := len(centres) - 1
			if !(i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0) { // a finder is there
				s.rings(x, y, 2)
			}
		}
	}
	if number := version.GetVersionNumber(); number >= 7 {
		info := uint(number)<<12 | bch(uint(number), 12, 0x1f25)
		for i := range 18 {
			dark := info>>i&1 == 1
			s.put(i/3, s.size-11+i%3, dark)
			s.put(s.size-11+i%3, i/3, dark)
		}
	}
}

// rings draws squares around a module, as far as they are within the symbol: a dark one of radius 3 around a dark square for
// a finder, of radius 2 around a dark module for an alignment pattern.
func (s *symbol) rings(x, y, radius int) {
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if x+dx < 0 || x+dx >= s.size || y+dy < 0 || y+dy >= s.size {
				continue
			}
			far := max(dx, -dx, dy, -dy)
			light := far == 4 || far == 2
			if radius == 2 {
				light = far == 1
			}
			s.put(x+dx, y+dy, !light)
		}
	}
}

// bch is the remainder of value·x^n by the polynomial, whose degree is n (annexes C and D).
func bch(value uint, n int, polynomial uint) uint {
	rest := value << n
	for bits.Len(rest) > n {
		rest ^= polynomial << (bits.Len(rest) - n - 1)
	}
	return rest
}

// format writes the format information, level and mask in five bits, twice (§7.9).
func (s *symbol) format(levelAndMask uint) {
	info := (levelAndMask<<10 | bch(levelAndMask, 10, 0x537)) ^ 0x5412
	for i := range 15 {
		dark := info>>i&1 == 1
		switch {
		case i < 6:
			s.put(8, i, dark)
		case i < 8:
			s.put(8, i+1, dark)
		case i == 8:
			s.put(7, 8, dark)
		default:
			s.put(14-i, 8, dark)
		}
		if i < 8 {
			s.put(s.size-1-i, 8, dark)
		} else {
			s.put(8, s.size-15+i, dark)
		}
	}
	s.put(8, s.size-8, true)
}

// masked tells whether a mask turns the module in row y and column x (table 10).
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (y+x)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (y+x)%3 == 0
	case 4:
		return (y/2+x/3)%2 == 0
	case 5:
		return y*x%2+y*x%3 == 0
	case 6:
		return (y*x%2+y*x%3)%2 == 0
	}
	return ((y+x)%2+y*x%3)%2 == 0
}

// period is after how many rows, and columns, every mask begins again.
const period = 12

// maskLines are the rows and columns of each mask, one period of either.
type maskLines [8]struct{ rows, columns [period]line }

var masks = sync.OnceValue(func() *maskLines {
	m := &maskLines{}
	for mask := range m {
		for n := range period {
			for i := range 64 * words {
				m[mask].rows[n].set(i, masked(mask, i, n))
				m[mask].columns[n].set(i, masked(mask, n, i))
			}
		}
	}
	return m
})

// with returns the symbol under a mask, with the format information that says so.
func (s *symbol) with(mask int, level decoder.ErrorCorrectionLevel) *symbol {
	out := *s
	m, inside := &masks()[mask], first(s.size)
	for i := range s.size {
		for w := range words {
			out.rows[i][w] ^= m.rows[i%period][w] & inside[w] &^ s.frame[i][w]
			out.columns[i][w] ^= m.columns[i%period][w] & inside[w] &^ s.framing[i][w]
		}
	}
	out.format(uint(level.GetBits()<<3 | mask))
	return &out
}

// best returns the symbol under the mask with the least penalty (§7.8.3), the first of them when there are several.
func (s *symbol) best(level decoder.ErrorCorrectionLevel) (best *symbol) {
	least := math.MaxInt
	for mask := range 8 {
		each := s.with(mask, level)
		if p := each.penalty(); p < least {
			least, best = p, each
		}
	}
	return best
}

// penalty counts what makes a symbol hard to read (table 11).
func (s *symbol) penalty() int {
	sum, dark, inside := 0, 0, first(s.size-1)
	var above, alike line // the row before, and where neighbours in it are alike
	for i := range s.size {
		row, same := s.rows[i], equal(s.rows[i], inside)
		sum += runs(same) + runs(equal(s.columns[i], inside)) + finders(row) + finders(s.columns[i])
		dark += row.count()
		if i > 0 { // squares of four alike
			for w := range words {
				sum += 3 * bits.OnesCount64(alike[w]&same[w]&^(above[w]^row[w]))
			}
		}
		above, alike = row, same
	}
	all := s.size * s.size
	return sum + max(2*dark-all, all-2*dark)*10/all*10
}

// equal tells of each module whether the next one is like it; inside has every module but the last.
func equal(l, inside line) (out line) {
	next := l.down(1)
	for w := range words {
		out[w] = ^(l[w] ^ next[w]) & inside[w]
	}
	return out
}

// runs is 3 for five modules in a row that are alike, and 1 for each further one. Where four neighbours in a row are like
// the next, five are alike; a run of those is one of these, shorter by four.
func runs(same line) int {
	two := and(same, same.down(1))
	five := and(two, two.down(2))
	if five == (line{}) {
		return 0
	}
	before := five.up(1)
	begin := 0
	for w := range words {
		begin += bits.OnesCount64(five[w] &^ before[w])
	}
	return five.count() + 2*begin
}

func and(a, b line) line { return line{a[0] & b[0], a[1] & b[1], a[2] & b[2]} }

// finders is 40 for each 1:1:3:1:1 that has four light modules on one side, as a finder pattern has.
func finders(l line) int {
	d1, d2, d3, d4, d5, d6 := l.down(1), l.down(2), l.down(3), l.down(4), l.down(5), l.down(6)
	found := line{}
	for w := range words {
		found[w] = l[w] &^ d1[w] & d2[w] & d3[w] & d4[w] &^ d5[w] & d6[w]
	}
	if found == (line{}) {
		return 0
	}
	sum := 0
	u1, u2, u3, u4, d7, d8, d9, d10 := l.up(1), l.up(2), l.up(3), l.up(4), l.down(7), l.down(8), l.down(9), l.down(10)
	for w := range words {
		darkOnBothSides := (u1[w] | u2[w] | u3[w] | u4[w]) & (d7[w] | d8[w] | d9[w] | d10[w])
		sum += 40 * bits.OnesCount64(found[w]&^darkOnBothSides)
	}
	return sum
}
