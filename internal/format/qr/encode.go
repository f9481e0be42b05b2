package qr

import (
	"strings"
	"sync"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// Clauses and tables are those of ISO/IEC 18004:2015. The tables of versions come with the reader's library; what a code is
// made of is written here, because a code is drawn with every certificate and page, and choosing its mask module by module
// took most of a certificate's time.

// mode is how characters become bits (§7.4): its indicator and how many bits tell how many characters there are, in
// versions 1 to 9, 10 to 26, and 27 to 40.
type mode struct {
	indicator uint
	count     [3]int
}

var (
	numeric      = mode{1, [3]int{10, 12, 14}}
	alphanumeric = mode{2, [3]int{9, 11, 13}}
	octets       = mode{4, [3]int{8, 16, 16}}
)

// letters are those of the alphanumeric mode in the order of their values (table 5).
const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// modeOf chooses the one mode for all of a text that takes the fewest bits.
func modeOf(text string) mode {
	m := numeric
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
		case strings.IndexByte(letters, c) >= 0:
			m = alphanumeric
		default:
			return octets
		}
	}
	return m
}

// stream is bits, written from the most significant one on.
type stream struct {
	bytes []byte
	n     int
}

func (b *stream) add(v uint, n int) {
	for n--; n >= 0; n-- {
		if b.n%8 == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[b.n/8] |= byte(v>>n&1) << (7 - b.n%8)
		b.n++
	}
}

// utf8 is the designator of UTF-8 among the extended channel interpretations (ECI 26), with its indicator.
const utf8 = 7<<8 | 26

// segment writes a text in its mode. Without a declaration readers take octets for ISO/IEC 8859-1, so what is not ASCII is
// declared.
func segment(text string, m mode, version int) (b stream) {
	if m == octets && strings.IndexFunc(text, func(r rune) bool { return r > 0x7f }) >= 0 {
		b.add(utf8, 12)
	}
	b.add(m.indicator, 4)
	size := 0
	if version > 9 {
		size = 1
	}
	if version > 26 {
		size = 2
	}
	b.add(uint(len(text)), m.count[size])
	switch m {
	case numeric:
		for ; len(text) > 0; text = text[min(3, len(text)):] {
			value := uint(0)
			for i := range min(3, len(text)) {
				value = value*10 + uint(text[i]-'0')
			}
			b.add(value, []int{4, 7, 10}[min(3, len(text))-1])
		}
	case alphanumeric:
		for ; len(text) > 1; text = text[2:] {
			b.add(uint(strings.IndexByte(letters, text[0])*len(letters)+strings.IndexByte(letters, text[1])), 11)
		}
		if len(text) == 1 {
			b.add(uint(strings.IndexByte(letters, text[0])), 6)
		}
	default:
		for i := range len(text) {
			b.add(uint(text[i]), 8)
		}
	}
	return b
}

// content finds the smallest version that holds a text, and fills it (§7.4.9, §7.4.10); nil when none does.
func content(text string, level decoder.ErrorCorrectionLevel) (data []byte, version *decoder.Version) {
	m := modeOf(text)
	var b stream
	for number := 1; number <= 40; number++ {
		if number == 1 || number == 10 || number == 27 { // from here on the count is longer
			b = segment(text, m, number)
		}
		version, err := decoder.Version_GetVersionForNumber(number)
		if err != nil {
			return nil, nil
		}
		room := version.GetTotalCodewords() - version.GetECBlocksForLevel(level).GetTotalECCodewords()
		if (b.n+7)/8 > room {
			continue
		}
		b.add(0, 4) // the terminator, as far as there is room
		data = b.bytes[:min(len(b.bytes), room)]
		for pad := byte(0xec); len(data) < room; pad ^= 0xec ^ 0x11 {
			data = append(data, pad)
		}
		return data, version
	}
	return nil, nil
}

// field is GF(256) with the polynomial x^8+x^4+x^3+x^2+1 (§7.5.2): powers of 2, and which power each value is.
type field struct {
	power [510]byte
	log   [256]int
}

var newField = sync.OnceValue(func() *field {
	f := &field{}
	for i, v := 0, 1; i < 255; i++ {
		f.power[i], f.power[i+255], f.log[v] = byte(v), byte(v), i
		if v <<= 1; v > 255 {
			v ^= 0x11d
		}
	}
	return f
})

// generator is the polynomial whose roots are the first n powers of 2, its coefficients as powers, without the leading one.
func (f *field) generator(n int) []int {
	g := make([]byte, n) // of x^(n-1) to x^0
	g[n-1] = 1
	for root := range n {
		for i := range g {
			if g[i] != 0 {
				g[i] = f.power[f.log[g[i]]+root]
			}
			if i+1 < n {
				g[i] ^= g[i+1]
			}
		}
	}
	logs := make([]int, n)
	for i, v := range g {
		logs[i] = f.log[v]
	}
	return logs
}

// remainder is the error correction of a block (§7.5.2).
func (f *field) remainder(block []byte, generator []int) []byte {
	n := len(generator)
	rest := make([]byte, len(block)+n)
	copy(rest, block)
	for i := range block {
		if rest[i] == 0 {
			continue
		}
		log, after := f.log[rest[i]], rest[i+1:i+1+n]
		for j, g := range generator {
			after[j] ^= f.power[log+g]
		}
	}
	return rest[len(block):]
}

// interleaved divides the data into blocks, corrects each and takes their codewords in turns (§7.6).
func interleaved(data []byte, b *decoder.ECBlocks) []byte {
	f := newField()
	generator := f.generator(b.GetECCodewordsPerBlock())
	var blocks, corrections [][]byte
	longest := 0
	for _, group := range b.GetECBlocks() {
		for range group.GetCount() {
			block := data[:group.GetDataCodewords()]
			data, longest = data[len(block):], max(longest, len(block))
			blocks, corrections = append(blocks, block), append(corrections, f.remainder(block, generator))
		}
	}
	var out []byte
	for i := range longest {
		for _, block := range blocks {
			if i < len(block) {
				out = append(out, block[i])
			}
		}
	}
	for i := range generator {
		for _, c := range corrections {
			out = append(out, c[i])
		}
	}
	return out
}
