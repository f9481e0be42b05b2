// Package pdf writes documents that last: PDF 1.7 (ISO 32000-1) under the rules of PDF/A-2, level B (ISO 19005-2), tagged,
// with embedded subsets of TrueType fonts, from which exactly the text that was drawn can be read back, characters beyond
// the BMP and ideographic variation sequences included.
//
// What documents have in common is drawn once as a Template and packed into a Plate; a document adds what is its own. The
// same plate, the same drawing and the same Info give the same bytes. Fonts come in as bytes and are treated as hostile.
package pdf

import (
	"fmt"
	"strings"
	"time"
)

// Info describes a document. It goes into the document information and, in agreement, into the XMP metadata.
type Info struct {
	Title    string
	Author   string
	Subject  string
	Lang     string // of the text, where no element says otherwise, e.g. "ja"
	Producer string // the program
	Created  time.Time
}

// Document is one document over a plate.
type Document struct {
	Info  Info
	Root  *Element // of type Document
	Links []Link   // on the page of their element

	plate  *Plate
	fonts  fonts
	layers []*Layer
	codes  [][]byte // content of each
	sides  []int    // of each, in modules
}

// Document begins a document over the plate.
func (p *Plate) Document(info Info) *Document {
	d := &Document{Info: info, Root: &Element{Type: "Document"}, plate: p, fonts: fonts{prefix: 'D'}}
	for i, size := range p.sizes {
		d.layers = append(d.layers, &Layer{height: size[1], own: &d.fonts, under: &p.fonts, marks: p.sheets[i].marks})
	}
	return d
}

// Page returns what lies over a page of the plate, to draw on.
func (d *Document) Page(i int) *Layer { return d.layers[i] }

// Print writes a document. It fails with what went wrong while it was drawn, and when content has no place in the
// structure.
func (p *Press) Print(d *Document) ([]byte, error) {
	for _, l := range d.layers {
		if l.err != nil {
			return nil, l.err
		}
	}
	for _, side := range d.sides {
		if side == 0 {
			return nil, fmt.Errorf("printing a document: a code without modules")
		}
	}
	own, err := p.packFonts(&d.fonts, quickly)
	if err != nil {
		return nil, err
	}
	f := newFile(128 << 10)
	catalog, pages := f.reserve(), f.reserve()
	info := f.add("%s", d.Info.dictionary())
	metadata := f.stream("/Type /Metadata /Subtype /XML ", d.Info.xmp())
	intent := f.outputIntent()
	codes, err := p.writeCodes(f, d)
	if err != nil {
		return nil, err
	}
	resources := f.add("<< /Font << %s>> /XObject << %s>> >>", f.fontFiles(append(own, d.plate.packed...)), codes)
	t := &tree{file: f, doc: d}
	if err := p.writePages(t, pages, resources); err != nil {
		return nil, err
	}
	root, err := t.writeStructure()
	if err != nil {
		return nil, err
	}
	f.put(catalog, "<< /Type /Catalog /Pages %s /Metadata %s /OutputIntents [%s] /Lang %s /MarkInfo << /Marked true >> /StructTreeRoot %s /ViewerPreferences << /DisplayDocTitle true >> >>",
		pages, metadata, intent, textString(d.Info.Lang), root)
	return f.end(catalog, info), nil
}

// writeCodes writes the codes as forms (§8.10) and returns the entries by which content names them.
func (p *Press) writeCodes(f *file, d *Document) (string, error) {
	var names strings.Builder
	for i, content := range d.codes {
		small, err := p.pack(content, quickly)
		if err != nil {
			return "", err
		}
		form := f.stream(fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 %d %d] /Resources << >> /Filter /FlateDecode ", d.sides[i], d.sides[i]), small.bytes)
		fmt.Fprintf(&names, "/X%d %s ", i, form)
	}
	return names.String(), nil
}

// writePages writes the pages with their content, and the annotations of their links.
func (p *Press) writePages(t *tree, pages, resources ref) error {
	for range t.doc.layers {
		t.pages = append(t.pages, t.reserve())
	}
	for range t.doc.Links {
		t.links = append(t.links, t.reserve())
	}
	for i, l := range t.doc.layers {
		content, err := p.pack(l.content, quickly)
		if err != nil {
			return err
		}
		below := t.stream("/Filter /FlateDecode ", t.doc.plate.sheets[i].content.bytes)
		above := t.stream("/Filter /FlateDecode ", content.bytes)
		size := t.doc.plate.sizes[i]
		t.put(t.pages[i], "<< /Type /Page /Parent %s /MediaBox [0 0 %s %s] /Resources %s /Contents [%s %s] /StructParents %d /Tabs /S%s >>",
			pages, number(size[0]), number(size[1]), resources, below, above, i, t.annotations(i))
		t.parents = append(t.parents, make([]ref, l.marks))
	}
	for i, l := range t.doc.Links {
		if l.Element == nil || l.Element.Page >= len(t.pages) {
			return fmt.Errorf("writing a link: it belongs to no element")
		}
		t.put(t.links[i], "<< /Type /Annot /Subtype /Link /F 4 /Border [0 0 0] /Rect %s /Contents %s /StructParent %d /A << /S /URI /URI %s >> >>",
			l.Box.within(t.doc.plate.sizes[l.Element.Page][1]), textString(l.Text), len(t.pages)+i, textString(l.URI))
	}
	t.put(pages, "<< /Type /Pages /Count %d /Kids [%s] >>", len(t.pages), joined(t.pages))
	return nil
}

func joined(list []ref) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.String()
	}
	return strings.Join(out, " ")
}

func (t *tree) annotations(page int) string {
	var list []ref
	for i, l := range t.doc.Links {
		if l.Element != nil && l.Element.Page == page {
			list = append(list, t.links[i])
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " /Annots [" + joined(list) + "]"
}

func (t *tree) writeStructure() (ref, error) {
	root := t.reserve()
	t.reserveAll(t.doc.Root)
	if err := t.writeAll(t.doc.Root, root); err != nil {
		return 0, err
	}
	parents, next, err := t.parentTree()
	if err != nil {
		return 0, err
	}
	t.put(root, "<< /Type /StructTreeRoot /K [%s] /ParentTree %s /ParentTreeNextKey %d >>", t.doc.Root.self, parents, next)
	return root, nil
}

// fontFiles writes fonts as composite ones, whose codes are the glyphs' numbers in the subset (§9.7), and returns the
// entries by which content names them.
func (f *file) fontFiles(list []packedFont) string {
	var names strings.Builder
	for _, each := range list {
		font := each.font
		program := f.stream(fmt.Sprintf("/Filter /FlateDecode /Length1 %d ", each.program.length), each.program.bytes)
		mapping := f.stream("/Filter /FlateDecode ", each.mapping.bytes)
		descriptor := f.add("<< /Type /FontDescriptor /FontName /%s /FontFamily (%s) /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 %s >>",
			each.name, font.Name, font.thousandths(font.box[0]), font.thousandths(font.box[1]), font.thousandths(font.box[2]), font.thousandths(font.box[3]),
			font.thousandths(font.ascent), font.thousandths(font.descent), font.thousandths(font.capHeight), program)
		descendant := f.add("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %s /DW 1000 /W %s /CIDToGIDMap /Identity >>",
			each.name, descriptor, each.widths)
		composite := f.add("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%s] /ToUnicode %s >>", each.name, descendant, mapping)
		fmt.Fprintf(&names, "/%s %s ", each.resource, composite)
	}
	return names.String()
}
