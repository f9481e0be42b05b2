package pdf

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"fmt"
	"sync"
)

// Press makes documents and keeps the tools for it, whose memory is used again. Its zero value is ready; many goroutines
// may use one at once.
type Press struct{ packers [2]sync.Pool }

// How hard to compress: well for what is made once, quickly for what each document has of its own.
const (
	well = iota
	quickly
)

// packer compresses; its tables are large.
type packer struct {
	buffer bytes.Buffer
	writer *zlib.Writer
}

// packed is a compressed stream, kept with the length it has when it is unpacked.
type packed struct {
	bytes  []byte
	length int
}

// pack compresses by Flate (ISO 32000-1 §7.4.4).
func (p *Press) pack(content []byte, how int) (packed, error) {
	k, ok := p.packers[how].Get().(*packer)
	if !ok {
		k = &packer{}
		w, err := zlib.NewWriterLevel(&k.buffer, []int{flate.BestCompression, flate.BestSpeed}[how])
		if err != nil {
			return packed{}, fmt.Errorf("compressing: %w", err)
		}
		k.writer = w
	}
	defer p.packers[how].Put(k)
	k.buffer.Reset()
	k.writer.Reset(&k.buffer)
	if _, err := k.writer.Write(content); err != nil {
		return packed{}, fmt.Errorf("compressing: %w", err)
	}
	if err := k.writer.Close(); err != nil {
		return packed{}, fmt.Errorf("compressing: %w", err)
	}
	return packed{bytes.Clone(k.buffer.Bytes()), len(content)}, nil
}

// Template is what the documents of one kind have in common: their pages, and what is drawn on them each time.
type Template struct {
	fonts  fonts
	layers []*Layer
	sizes  [][2]float64
}

// NewTemplate begins a template.
func NewTemplate() *Template { return &Template{fonts: fonts{prefix: 'T'}} }

// Page adds a page of the given size in points and returns what to draw on.
func (t *Template) Page(width, height float64) *Layer {
	l := &Layer{height: height, own: &t.fonts}
	t.layers, t.sizes = append(t.layers, l), append(t.sizes, [2]float64{width, height})
	return l
}

// Stock has the glyphs of a text ready in the template's fonts without drawing them, for texts that many documents will
// have.
func (t *Template) Stock(f Family, text string) error {
	pieces, err := f.pieces(text)
	for _, p := range pieces {
		t.fonts.subsets[t.fonts.place(p.font)].number(p)
	}
	return err
}

// Plate is a template with everything compressed, ready to lie under many documents. It does not change any more.
type Plate struct {
	sizes  [][2]float64
	sheets []sheet
	fonts  fonts
	packed []packedFont
}

// sheet is the part of a page that a plate has.
type sheet struct {
	content packed
	marks   int
}

// packedFont is a subset as it goes into a file.
type packedFont struct {
	resource string // by which the content names it
	name     string
	font     *Font
	widths   []byte
	program  packed
	mapping  packed
}

// Pack compresses a template. It fails with what went wrong while the template was drawn.
func (p *Press) Pack(t *Template) (*Plate, error) {
	out := &Plate{sizes: t.sizes, fonts: t.fonts}
	for _, l := range t.layers {
		if l.err != nil {
			return nil, l.err
		}
		content, err := p.pack(l.content, well)
		if err != nil {
			return nil, err
		}
		out.sheets = append(out.sheets, sheet{content, l.marks})
	}
	var err error
	out.packed, err = p.packFonts(&t.fonts, well)
	return out, err
}

func (p *Press) packFonts(all *fonts, how int) ([]packedFont, error) {
	var out []packedFont
	for i, s := range all.subsets {
		f := packedFont{resource: all.resource(i), name: s.name(), font: s.font, widths: s.widths()}
		program, err := s.program()
		if err != nil {
			return nil, err
		}
		if f.program, err = p.pack(program, how); err != nil {
			return nil, err
		}
		if f.mapping, err = p.pack(s.mapping(), how); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}
