package paper

import (
	"akashi/internal/format/cose"
	"akashi/internal/format/pdf"
)

// draft draws what one record says over its plate and builds the structure in reading order.
type draft struct {
	pen
	printer *Printer
	paper   Paper
	plate   *plate
	rows    []row
	code    pdf.Code
	doc     *pdf.Document
}

// fixed is an element around a text of the plate, nil when this plate has none.
func (d *draft) fixed(kind, key, lang string) *pdf.Element {
	m, ok := d.plate.marks[key]
	if !ok {
		return nil
	}
	return &pdf.Element{Type: kind, Lang: lang, Page: d.plate.pages[key], Marks: []pdf.Mark{m}}
}

func add(to *pdf.Element, list ...*pdf.Element) {
	for _, e := range list {
		if e != nil {
			to.Add(e)
		}
	}
}

// certificate fills the first page.
func (d *draft) certificate() {
	d.layer = d.doc.Page(0)
	page := d.doc.Root.Add(&pdf.Element{Type: "Sect"})
	for _, each := range [][3]string{{"H1", "kind"}, {"P", "kind.en", "en"}, {"H2", "title"}, {"P", "title.en", "en"}, {"P", "sentence"}, {"P", "sentence.en", "en"}} {
		add(page, d.fixed(each[0], each[1], each[2]))
	}
	table := page.Add(&pdf.Element{Type: "Table"})
	if name := d.paper.Facts.HolderName; name != "" {
		table.Add(d.row(cose.HolderName, d.name(name)))
	}
	for i, r := range d.rows {
		table.Add(d.row(r.key, d.value(r, d.plate.rowAt[i])...))
	}
	if len(table.Kids) == 0 {
		page.Kids = page.Kids[:len(page.Kids)-1]
	}
	add(page, d.fixed("P", "issuer", ""), d.fixed("P", "issuer.en", "en"), d.fixed("P", "body", ""))
	figure := d.layer.Marked("Figure", func() { d.layer.Code(d.code, codeX, codeY, codeSide) })
	page.Add(&pdf.Element{Type: "Figure", Alt: "この証明を確かめるためのQRコード", Page: 0, Marks: []pdf.Mark{figure}, Box: &pdf.Box{X: codeX, Y: codeY, Width: codeSide, Height: codeSide}})
	add(page, d.fixed("H2", "check", ""), d.fixed("P", "check.en", "en"))
	for _, key := range []string{"step1", "step2", "step3"} {
		add(page, d.fixed("P", key, ""), d.fixed("P", key+".en", "en"))
	}
	d.address(page)
	add(page, d.fixed("P", "id.label", ""))
	id := d.layer.Marked("P", func() {
		d.line(d.printer.text, 9, d.plate.idX, panelY+panelH-4.2*mm, left, ink, d.paper.Facts.CredentialID)
	})
	page.Add(&pdf.Element{Type: "P", Marks: []pdf.Mark{id}})
	add(page, d.fixed("P", "legal", ""), d.fixed("P", "legal.en", "en"))
}

// address leads to the verification page.
func (d *draft) address(page *pdf.Element) {
	e := page.Add(d.fixed("Link", "address", "en"))
	d.doc.Links = append(d.doc.Links, pdf.Link{Box: d.plate.links["address"], URI: d.paper.Check, Text: "確認のページ / " + d.paper.Check, Element: e})
}

// row is a row of the table: what it is, and its value.
func (d *draft) row(key string, value ...*pdf.Element) *pdf.Element {
	head := &pdf.Element{Type: "TH", Scope: "Row"}
	add(head, d.fixed("Span", key+".ja", ""), d.fixed("Span", key+".en", "en"))
	cell := &pdf.Element{Type: "TD"}
	add(cell, value...)
	return &pdf.Element{Type: "TR", Kids: []*pdf.Element{head, cell}}
}

// name is the holder's, as large as it fits.
func (d *draft) name(name string) *pdf.Element {
	lines, size, err := fit(d.printer.names, name, box{width: valueW, max: 27, min: 8, lines: 3})
	if err != nil {
		d.fail(err)
		return nil
	}
	leading := size * 1.2
	y := nameY - float64(len(lines)-1)*leading
	mark := d.layer.MarkedAs(name, func() { d.lines(d.printer.names, size, valueX, y, leading, left, ink, lines) })
	return &pdf.Element{Type: "Span", Marks: []pdf.Mark{mark}}
}

// value is the text of a row, and beside it the same in English.
func (d *draft) value(r row, y float64) []*pdf.Element {
	family, width := d.printer.text, float64(valueW)
	if r.foreign != "" {
		width = valueW - 36*mm
	}
	lines, size, err := fit(family, r.value, box{width: width, max: 13, min: 7, lines: 2})
	if err != nil {
		d.fail(err)
		return nil
	}
	top := y + 1.2*mm - float64(len(lines)-1)*size*0.6
	mark := d.layer.MarkedAs(r.value, func() { d.lines(family, size, valueX, top, size*1.2, left, ink, lines) })
	out := []*pdf.Element{{Type: "Span", Marks: []pdf.Mark{mark}}}
	if r.foreign == "" {
		return out
	}
	english := d.layer.Marked("Span", func() { d.line(d.printer.text, 9, pageWidth-margin, y+1.2*mm, right, muted, r.foreign) })
	return append(out, &pdf.Element{Type: "Span", Lang: "en", Marks: []pdf.Mark{english}})
}
