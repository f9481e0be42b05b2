// Package paper lays a credential out on paper: a certificate page (A4) and a page of the size of a card, in Japanese and
// English, with the QR code inside, as an unsigned PDF/A document. It is pure; who signs it is credential and format/pades.
//
// What all certificates of a qualification and an issuer have in common is drawn once and kept as a plate; what one record
// says is drawn over it. The same record gives the same bytes.
package paper

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/pdf"
	"akashi/internal/format/qr"
)

// Paper is what is to be printed.
type Paper struct {
	Facts  form.Facts
	Words  Words
	Signer string    // who signs the document, in words
	QR     string    // text of the QR code
	Check  string    // address of the verification page, as people type it, e.g. https://verify.example/
	Made   time.Time // the document's own time
}

// Printer lays out. Many goroutines may use one at once.
type Printer struct {
	text, names pdf.Family
	press       pdf.Press

	mu     sync.Mutex
	plates map[string]*plate // by everything that they show
}

// maxPlates bounds how many plates are kept: one for each qualification, issuer and choice of fields. Each takes about
// 100 KB.
const maxPlates = 256

// New returns a printer that draws with the fonts.
func New(text, names pdf.Family) *Printer {
	return &Printer{text: text, names: names, plates: map[string]*plate{}}
}

// row is a line of the certificate's table.
type row struct {
	key     string // of its marks on the plate
	ja, en  string // what it is
	value   string
	foreign string // the value in English, "" when it reads the same
}

// rows are what the credential says, in order; what a holder left out has none.
func rows(f form.Facts) []row {
	all := []row{
		{key: cose.HolderBirthDate, ja: "生年月日", en: "Date of birth", value: f.BirthDate.Japanese(), foreign: f.BirthDate.In("en")},
		{key: cose.RegistrationNumber, ja: "登録番号", en: "Registration number", value: f.Number},
		{key: cose.RegistrationDate, ja: "登録年月日", en: "Date of registration", value: f.RegisteredOn.Japanese(), foreign: f.RegisteredOn.In("en")},
		{key: "until", ja: "有効期間の満了日", en: "Valid until", value: f.ValidUntil.Japanese(), foreign: f.ValidUntil.In("en")},
		{key: cose.IssueDate, ja: "発行年月日", en: "Date of issue", value: f.IssuedOn.Japanese(), foreign: f.IssuedOn.In("en")},
	}
	return slices.DeleteFunc(all, func(r row) bool { return r.value == "" })
}

// Print lays a paper out. A name or another text with a character that no font has is a fault.Invalid with the key
// "pdf.no_glyph"; a text that is too long even when it is drawn as small as can be read has the key "pdf.too_long".
func (p *Printer) Print(c Paper) ([]byte, error) {
	if c.Facts.Title.JA == "" || c.QR == "" || c.Check == "" {
		return nil, fault.New(fault.Internal, "", "laying out a certificate without a title, a QR code or the address of its check")
	}
	list := rows(c.Facts)
	under, err := p.plate(list, c)
	if err != nil {
		return nil, err
	}
	code, err := qr.Matrix(c.QR, qr.Medium)
	if err != nil {
		return nil, err
	}
	d := &draft{printer: p, paper: c, plate: under, rows: list, doc: under.packed.Document(info(c))}
	d.code = d.doc.Code(code)
	d.certificate()
	d.card()
	if d.err != nil {
		return nil, d.err
	}
	return p.press.Print(d.doc)
}

func info(c Paper) pdf.Info {
	return pdf.Info{Title: "デジタル資格者証 " + c.Facts.Title.JA, Author: c.Signer, Subject: "Digital certificate of professional qualification", Lang: "ja", Producer: "Akashi",
		Created: c.Made.In(clock.JST).Truncate(time.Second)}
}

// plate returns the plate for the rows, making it when it is the first with them.
func (p *Printer) plate(list []row, c Paper) (*plate, error) {
	f := c.Facts
	keys := []string{c.Check, fmt.Sprint(c.Words, f.Title, f.IssuerName, f.IssuingBody, f.HolderName != "")}
	for _, r := range list {
		keys = append(keys, r.key)
	}
	key := strings.Join(keys, "\n")
	p.mu.Lock()
	defer p.mu.Unlock()
	if found := p.plates[key]; found != nil {
		return found, nil
	}
	made, err := p.engrave(list, c)
	if err != nil {
		return nil, err
	}
	for old := range p.plates {
		if len(p.plates) < maxPlates {
			break
		}
		delete(p.plates, old) // whichever: each can be made again
	}
	p.plates[key] = made
	return made, nil
}

// stock is what the values of many certificates are made of.
func stock() string {
	var b strings.Builder
	for _, e := range calendar.Eras() {
		b.WriteString(e.Name)
	}
	return b.String() + "元年月日第号0123456789"
}
