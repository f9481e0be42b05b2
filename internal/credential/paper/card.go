package paper

import (
	"akashi/internal/format/cose"
	"akashi/internal/format/pdf"
)

// Places on the card.
const (
	cardX        = 4.5 * mm
	cardCode     = 31 * mm
	cardCodeX    = cardWidth - 3.5*mm - cardCode
	cardCodeY    = 12.2 * mm
	cardTextW    = cardCodeX - 2.5*mm - cardX
	cardNameY    = 26.5 * mm
	cardRowY     = 32.8 * mm
	cardRowH     = 4.3 * mm
	cardValueX   = cardX + 17*mm
	cardValueW   = cardX + cardTextW - cardValueX
	cardBand     = 8.4 * mm
	cardBottom   = cardHeight - 2.6*mm
	cardBaseRule = cardHeight - 6*mm
)

// card draws what cards of a kind have in common.
func (e *engraver) card() {
	text, names, w, f := e.printer.text, e.printer.names, words(e.paper), e.paper.Facts
	e.layer.Artifact(func() {
		e.layer.Rectangle(accent, 0, 0, cardWidth, cardBand)
		e.layer.Rectangle(gold, 0, cardBand, cardWidth, 0.35*mm)
		for _, side := range []float64{1, -1} {
			e.wavy(pdf.Color{0.17, 0.27, 0.46}, 0, cardBand/2, cardWidth, cardBand/2, 2.6*mm, 20, side)
		}
		e.layer.Line(rule, 0.4, cardX, cardBaseRule, cardX+cardTextW, cardBaseRule)
	})
	e.text("card.kind", "H1", func() { e.line(names, 10.5, cardX, 5.7*mm, left, white, w.kind.JA) })
	e.text("card.kind.en", "P", func() {
		e.line(text, 4.6, cardWidth-cardX, 5.5*mm, right, white, w.kind.EN)
	})
	lines, size, err := fit(names, f.Title.JA, box{width: cardTextW, max: 14, min: 5, lines: 2})
	if err != nil {
		e.fail(err)
		return
	}
	e.text("card.title", "H2", func() {
		e.lines(names, size, cardX, 15.2*mm-float64(len(lines)-1)*size*0.55, size*1.1, left, accent, lines)
	})
	if f.Title.EN != "" {
		e.block("card.title.en", "P", text, left, cardX, 18.3*mm, box{width: cardTextW, max: 5.5, min: 3.2, lines: 2}, 1.1, muted, f.Title.EN)
	}
	for i, r := range e.cardRows() {
		y := cardRowY + float64(i)*cardRowH
		e.text("card."+r.key, "TH", func() { e.line(text, 5.2, cardX, y-0.8*mm, left, accent, r.ja) })
		e.text("card."+r.key+".en", "TH", func() { e.line(text, 3.8, cardX, y+0.8*mm, left, muted, r.en) })
	}
	if f.IssuerName.JA != "" {
		e.block("card.issuer", "P", names, left, cardX, cardBottom-0.8*mm, box{width: cardTextW, max: 6.5, min: 3, lines: 2}, 1.15, ink, both(f.IssuerName))
	}
	e.text("card.scan", "P", func() { e.line(text, 4.6, cardCodeX+cardCode/2, cardCodeY+cardCode+3.4*mm, centre, accent, w.scan) })
	e.block("card.address", "P", text, centre, cardCodeX+cardCode/2, cardCodeY+cardCode+5.6*mm, box{width: cardCode + 2*mm, max: 4.6, min: 2.5, lines: 1}, 1, muted, e.paper.Check)
}

// cardRows are the rows that have room on a card: number, birth date, date of registration, end of the term.
func (e *engraver) cardRows() []row { return cardRows(e.rows) }

func cardRows(list []row) (out []row) {
	for _, r := range list {
		if r.key != cose.IssueDate && len(out) < 4 {
			out = append(out, r)
		}
	}
	return out
}

// card fills the second page.
func (d *draft) card() {
	d.layer = d.doc.Page(1)
	page := d.doc.Root.Add(&pdf.Element{Type: "Sect", Page: 1})
	for _, each := range [][3]string{{"H1", "card.kind"}, {"P", "card.kind.en", "en"}, {"H2", "card.title"}, {"P", "card.title.en", "en"}} {
		add(page, d.fixed(each[0], each[1], each[2]))
	}
	if name := d.paper.Facts.HolderName; name != "" {
		d.cardName(page, name)
	}
	d.cardTable(page)
	add(page, d.fixed("P", "card.issuer", ""))
	figure := d.layer.Marked("Figure", func() { d.layer.Code(d.code, cardCodeX, cardCodeY, cardCode) })
	page.Add(&pdf.Element{Type: "Figure", Alt: "この証明を確かめるためのQRコード", Page: 1, Marks: []pdf.Mark{figure}, Box: &pdf.Box{X: cardCodeX, Y: cardCodeY, Width: cardCode, Height: cardCode}})
	add(page, d.fixed("P", "card.scan", ""), d.fixed("P", "card.address", "en"))
}

func (d *draft) cardName(page *pdf.Element, name string) {
	lines, size, err := fit(d.printer.names, name, box{width: cardTextW, max: 15, min: 4, lines: 4})
	if err != nil {
		d.fail(err)
		return
	}
	leading := size * 1.15
	y := cardNameY - float64(len(lines)-1)*leading/2
	mark := d.layer.MarkedAs(name, func() { d.lines(d.printer.names, size, cardX, y, leading, left, ink, lines) })
	page.Add(&pdf.Element{Type: "P", Page: 1, Kids: []*pdf.Element{{Type: "Span", Page: 1, Marks: []pdf.Mark{mark}}}})
}

func (d *draft) cardTable(page *pdf.Element) {
	list := cardRows(d.rows)
	if len(list) == 0 {
		return
	}
	table := page.Add(&pdf.Element{Type: "Table", Page: 1})
	for i, r := range list {
		family := d.printer.text
		lines, size, err := fit(family, r.value, box{width: cardValueW, max: 7, min: 3.8, lines: 2})
		if err != nil {
			d.fail(err)
			return
		}
		y := cardRowY + float64(i)*cardRowH - float64(len(lines)-1)*size*0.6
		mark := d.layer.MarkedAs(r.value, func() { d.lines(family, size, cardValueX, y, size*1.2, left, ink, lines) })
		head := &pdf.Element{Type: "TH", Scope: "Row", Page: 1}
		add(head, d.fixed("Span", "card."+r.key, ""), d.fixed("Span", "card."+r.key+".en", "en"))
		cell := &pdf.Element{Type: "TD", Page: 1, Kids: []*pdf.Element{{Type: "Span", Page: 1, Marks: []pdf.Mark{mark}}}}
		table.Add(&pdf.Element{Type: "TR", Page: 1, Kids: []*pdf.Element{head, cell}})
	}
}
