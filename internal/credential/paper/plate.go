package paper

import (
	"strings"

	"akashi/internal/format/cose"
	"akashi/internal/format/pdf"
)

// plate is what certificates with the same rows have in common, with the marks of its texts for the structure.
type plate struct {
	packed *pdf.Plate
	marks  map[string]pdf.Mark
	pages  map[string]int
	rowAt  []float64 // of each row, the baseline of its value
	idX    float64   // where the certificate's id begins
	links  map[string]pdf.Box
}

// engraver draws a plate.
type engraver struct {
	pen
	printer *Printer
	paper   Paper
	rows    []row
	page    int
	out     *plate
}

// engrave draws and packs the plate for a paper's kind.
func (p *Printer) engrave(list []row, c Paper) (*plate, error) {
	t := pdf.NewTemplate()
	for _, f := range []pdf.Family{p.names, p.text} {
		if err := t.Stock(f, stock()); err != nil {
			return nil, err
		}
	}
	if err := t.Stock(p.text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-,. "); err != nil {
		return nil, err
	}
	e := &engraver{printer: p, paper: c, rows: list, out: &plate{marks: map[string]pdf.Mark{}, pages: map[string]int{}, links: map[string]pdf.Box{}}}
	e.layer = t.Page(pageWidth, pageHeight)
	e.certificate()
	e.layer, e.page = t.Page(cardWidth, cardHeight), 1
	e.card()
	if e.err != nil {
		return nil, e.err
	}
	var err error
	e.out.packed, err = p.press.Pack(t)
	return e.out, err
}

// text draws content under a key by which the structure finds it.
func (e *engraver) text(key, kind string, draw func()) {
	e.out.marks[key], e.out.pages[key] = e.layer.Marked(kind, draw), e.page
}

// label draws what a row is, in Japanese and below in English.
func (e *engraver) label(key, ja, en string, x, y float64) {
	e.text(key+".ja", "TH", func() { e.line(e.printer.text, 9, x, y, left, accent, ja) })
	e.text(key+".en", "TH", func() { e.line(e.printer.text, 6.5, x, y+8.5, left, muted, en) })
}

// Places on the certificate.
const (
	margin   = 26 * mm
	inner    = pageWidth - 2*margin
	valueX   = 76 * mm
	valueW   = pageWidth - margin - valueX
	titleY   = 69 * mm
	nameY    = 120 * mm
	tableY   = 132.5 * mm
	rowH     = 9.9 * mm
	issuerY  = 195 * mm
	panelY   = 206 * mm
	panelH   = 53 * mm
	panelX   = 20 * mm
	panelW   = pageWidth - 2*panelX
	codeSide = 42 * mm
	codeX    = panelX + 5.5*mm
	codeY    = panelY + 5.5*mm
	adviceX  = codeX + codeSide + 8*mm
	adviceW  = panelX + panelW - 6*mm - adviceX
	legalY   = 264.5 * mm
)

func (e *engraver) certificate() {
	text, names, w := e.printer.text, e.printer.names, words(e.paper)
	e.layer.Artifact(e.frame)
	e.text("kind", "H1", func() { e.line(names, 25, pageWidth/2, 40*mm, centre, accent, w.kind.JA) })
	e.text("kind.en", "P", func() { e.line(text, 9, pageWidth/2, 46*mm, centre, muted, w.kind.EN) })
	e.layer.Artifact(func() {
		e.layer.Line(gold, 0.8, pageWidth/2-32*mm, 51*mm, pageWidth/2+32*mm, 51*mm)
		e.layer.Line(gold, 0.3, pageWidth/2-26*mm, 52.2*mm, pageWidth/2+26*mm, 52.2*mm)
	})
	y := max(e.title()+11*mm, 88*mm)
	y = e.block("sentence", "P", text, left, margin, y, box{width: inner, max: 10, min: 6, lines: 3}, 1.5, ink, w.sentence.JA)
	e.block("sentence.en", "P", text, left, margin, y+4.6*mm, box{width: inner, max: 7.5, min: 5, lines: 3}, 1.3, muted, w.sentence.EN)
	e.table()
	e.issuer()
	e.advice(w)
	y = e.block("legal", "P", text, left, panelX, legalY, box{width: panelW, max: 7, min: 5.5, lines: 3}, 1.37, ink, w.legal.JA)
	e.block("legal.en", "P", text, left, panelX, y+9, box{width: panelW, max: 6, min: 5, lines: 3}, 1.24, muted, w.legal.EN)
}

// frame is waves between two rules.
func (e *engraver) frame() {
	const out, in = 10 * mm, 15 * mm
	l := e.layer
	l.Frame(accent, 1.1, out, out, pageWidth-2*out, pageHeight-2*out)
	const mid = (out + in) / 2
	for _, side := range []float64{1, -1} {
		for _, height := range []float64{1.7 * mm, 0.8 * mm} {
			for _, at := range []float64{mid, pageHeight - mid} {
				e.wavy(wave, in, at, pageWidth-in, at, height, 60, side)
			}
			for _, at := range []float64{mid, pageWidth - mid} {
				e.wavy(wave, at, in, at, pageHeight-in, height, 90, side)
			}
		}
	}
	l.Frame(gold, 0.5, in, in, pageWidth-2*in, pageHeight-2*in)
	for _, x := range []float64{out, pageWidth - in} {
		for _, y := range []float64{out, pageHeight - in} {
			l.Rectangle(white, x+0.2*mm, y+0.2*mm, in-out-0.4*mm, in-out-0.4*mm)
			l.Frame(accent, 0.6, x+1.3*mm, y+1.3*mm, in-out-2.6*mm, in-out-2.6*mm)
			l.Rectangle(gold, x+2*mm, y+2*mm, in-out-4*mm, in-out-4*mm)
		}
	}
	l.Rectangle(ground, panelX, panelY, panelW, panelH)
	l.Rectangle(accent, panelX, panelY, panelW, 0.5*mm)
}

// block draws a text that takes the room it needs, and returns the baseline of its last line. leading is in sizes.
func (e *engraver) block(key, kind string, f pdf.Family, align, x, y float64, b box, leading float64, c pdf.Color, s string) float64 {
	lines, size, err := fit(f, s, b)
	if err != nil {
		e.fail(err)
		return y
	}
	e.text(key, kind, func() { y = e.lines(f, size, x, y, size*leading, align, c, lines) })
	return y
}

// title draws the qualification's name in the middle of its room and returns where it ends.
func (e *engraver) title() float64 {
	f := e.paper.Facts
	lines, size, err := fit(e.printer.names, f.Title.JA, box{width: inner, max: 34, min: 12, lines: 3})
	if err != nil {
		e.fail(err)
		return titleY
	}
	y := titleY - float64(len(lines)-1)*size*0.62
	e.text("title", "H2", func() {
		y = e.lines(e.printer.names, size, pageWidth/2, y, size*1.25, centre, ink, lines)
	})
	if f.Title.EN == "" {
		return y
	}
	return e.block("title.en", "P", e.printer.text, centre, pageWidth/2, y+7*mm, box{width: inner, max: 11, min: 6.5, lines: 2}, 1.2, muted, f.Title.EN)
}

func (e *engraver) table() {
	if e.paper.Facts.HolderName != "" {
		e.label(cose.HolderName, "氏名", "Name", margin, nameY-4)
		e.layer.Artifact(func() { e.layer.Line(accent, 0.8, margin, nameY+4.2*mm, pageWidth-margin, nameY+4.2*mm) })
	}
	for i, r := range e.rows {
		y := tableY + float64(i)*rowH
		e.label(r.key, r.ja, r.en, margin, y)
		e.layer.Artifact(func() { e.layer.Line(rule, 0.5, margin, y+4.6*mm, pageWidth-margin, y+4.6*mm) })
		e.out.rowAt = append(e.out.rowAt, y)
	}
}

// issuer says in whose name the certificate is, at the right as on a licence.
func (e *engraver) issuer() {
	f := e.paper.Facts
	text, edge := e.printer.text, float64(pageWidth-margin)
	if f.IssuerName.JA != "" {
		e.block("issuer", "P", e.printer.names, right, edge, issuerY-4*mm, box{width: inner, max: 19, min: 7, lines: 1}, 1, ink, f.IssuerName.JA)
	}
	if f.IssuerName.EN != "" {
		e.block("issuer.en", "P", text, right, edge, issuerY+0.6*mm, box{width: inner, max: 8, min: 4, lines: 1}, 1, muted, f.IssuerName.EN)
	}
	if body := both(f.IssuingBody); body != "" && f.IssuingBody.JA != f.IssuerName.JA {
		e.block("body", "P", text, right, edge, issuerY+5.2*mm, box{width: inner, max: 8, min: 4, lines: 1}, 1, muted, body)
	}
}

func both(t pair) string { return strings.TrimSuffix(t.JA+"　"+t.EN, "　") }

// advice is how to check the certificate, beside the code.
func (e *engraver) advice(w wording) {
	text := e.printer.text
	e.layer.Artifact(func() { e.layer.Rectangle(white, codeX-2*mm, codeY-2*mm, codeSide+4*mm, codeSide+4*mm) })
	y := float64(panelY + 8*mm)
	e.text("check", "H2", func() { e.line(text, 10.5, adviceX, y, left, accent, w.check.JA) })
	e.text("check.en", "P", func() { e.line(text, 7, adviceX+adviceW, y, right, muted, w.check.EN) })
	y += 6.2 * mm
	for i, step := range w.steps {
		key := "step" + string(rune('1'+i))
		y = e.block(key, "P", text, left, adviceX, y, box{width: adviceW, max: 8.2, min: 7, lines: 2}, 1.25, ink, step.JA)
		y = e.block(key+".en", "P", text, left, adviceX, y+8.6, box{width: adviceW, max: 6.4, min: 5.5, lines: 2}, 1.2, muted, step.EN) + 13
	}
	width, err := text.Width(e.paper.Check, 9)
	if err == nil {
		e.out.idX, err = text.Width(w.id, 7)
	}
	if err != nil {
		e.fail(err)
		return
	}
	e.out.idX += adviceX + 2.5*mm
	y = panelY + panelH - 9.4*mm
	e.text("address", "Link", func() { e.line(text, 9, adviceX, y, left, accent, e.paper.Check) })
	e.out.links["address"] = pdf.Box{X: adviceX, Y: y - 9, Width: width, Height: 12}
	e.text("id.label", "P", func() { e.line(text, 7, adviceX, y+5.2*mm, left, muted, w.id) })
}
